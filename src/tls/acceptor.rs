//! How a server encrypts.

use super::identity::{self, Identity, provider};
use super::layer::Tls;
use super::names::Names;
use crate::error::{Error, ErrorKind, Result};
use crate::net::Socket;
use rustls::server::{ServerConfig, WebPkiClientVerifier};
use rustls::sign::SingleCertAndKey;
use rustls::{RootCertStore, ServerConnection};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How long a handshake may take, unless set: as in Node.
pub(super) const LIMIT: Duration = Duration::from_secs(120);

/// How a server encrypts its connections, and who it is. Node's `SecureContext`, with the options of `tls.createServer`.
///
/// An [`Identity`] or a configuration of `rustls` is one, as it is.
///
/// ```
/// use onward::{events::*, tls};
///
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
/// # let (certificates, key) = (made.cert.pem(), made.signing_key.serialize_pem());
/// onward::run(|| {
///     let identity = tls::Identity::from_pem(&certificates, &key)?;
///     let acceptor = tls::Acceptor::new(identity).alpn(["h2", "http/1.1"]);
///     let server = tls::Server::listen("127.0.0.1:0", acceptor)?;
///     server.on(SecureConnection, |server, socket| {
///         server.close();
///         let spoken = socket.tls().and_then(|tls| tls.alpn().map(<[u8]>::to_vec));
///         assert_eq!(spoken.as_deref(), Some(&b"http/1.1"[..]));
///         socket.end();
///     });
///
///     let connector = tls::Connector::new().trust_pem(&certificates)?.server_name("localhost");
///     connector.alpn(["http/1.1"]).connect(server.local_addr())?.resume();
///     Ok(())
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Acceptor {
    config: Arc<ServerConfig>,
    names: Option<Names>,
    limit: Duration,
}

impl Acceptor {
    /// One that shows this certificate, and asks for none.
    #[must_use]
    pub fn new(identity: Identity) -> Self {
        let key = SingleCertAndKey::from(Arc::clone(&identity.0));
        let versions = rustls::DEFAULT_VERSIONS;
        let builder = ServerConfig::builder_with_provider(provider());
        let builder = builder.with_protocol_versions(versions).expect("the provider knows them");
        builder.with_no_client_auth().with_cert_resolver(Arc::new(key)).into()
    }

    /// Shows this certificate to those who ask for a server of that `name`, or of any `*.example.org` of one label; the
    /// others see the first one. Node's `addContext`.
    ///
    /// ```
    /// use onward::tls::{Acceptor, Identity};
    ///
    /// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    /// # let (certificates, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    /// # let identity = Identity::from_pem(&certificates, &key)?;
    /// # let (cats, dogs) = (identity.clone(), identity.clone());
    /// let acceptor = Acceptor::new(identity).name("cats.example", cats).name("*.dogs.example", dogs);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "addContext")]
    #[doc(alias = "SNICallback")]
    #[must_use]
    pub fn name(mut self, name: &str, identity: Identity) -> Self {
        let others = || Names::new(Arc::clone(&self.config.cert_resolver));
        let names = self.names.get_or_insert_with(others);
        names.add(name, identity.0);
        let resolver = Arc::new(names.clone());
        Arc::make_mut(&mut self.config).cert_resolver = resolver;
        self
    }

    /// The protocols that it speaks, the best first, of which one is agreed on: `h2`, `http/1.1`. A client that wants
    /// none of them is refused; one that names none is not.
    #[must_use]
    pub fn alpn<P: AsRef<[u8]>>(mut self, protocols: impl IntoIterator<Item = P>) -> Self {
        Arc::make_mut(&mut self.config).alpn_protocols = owned(protocols);
        self
    }

    /// Asks clients for a certificate for which one of these authorities, in PEM format, vouches, and refuses those who
    /// have none. [`Session::peer_certificates`](super::Session::peer_certificates) says who they are. Of a
    /// configuration of `rustls`, only the certificates and the protocols are kept.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput): there is no certificate, or it is none of an authority.
    ///
    /// ```
    /// use onward::tls::{Acceptor, Identity};
    ///
    /// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    /// # let (certificates, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    /// # let (identity, authority) = (Identity::from_pem(&certificates, &key)?, &certificates);
    /// let acceptor = Acceptor::new(identity).client_certificates(authority)?;
    /// assert!(acceptor.client_certificates("nothing").is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "requestCert")]
    pub fn client_certificates(mut self, authorities: impl AsRef<[u8]>) -> Result<Self> {
        let roots = Arc::new(roots(authorities.as_ref())?);
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider()).build();
        let wrong = |error| Error::new(ErrorKind::InvalidInput, "trust").because(error);
        let builder = ServerConfig::builder_with_provider(provider());
        let builder = builder
            .with_protocol_versions(rustls::DEFAULT_VERSIONS)
            .map_err(|error| Error::new(ErrorKind::Tls, "trust").because(error))?
            .with_client_cert_verifier(verifier.map_err(wrong)?);
        let mut config = builder.with_cert_resolver(Arc::clone(&self.config.cert_resolver));
        config.alpn_protocols.clone_from(&self.config.alpn_protocols);
        self.config = Arc::new(config);
        Ok(self)
    }

    /// How long a handshake may take: 120 seconds unless set.
    #[doc(alias = "handshakeTimeout")]
    #[must_use]
    pub const fn handshake_timeout(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Encrypts a connection that stands, as its server: what is written from here on is encrypted, and
    /// [`Secure`](crate::events::Secure) comes when the peer agrees. Nothing is told of what it says before that.
    ///
    /// # Errors
    ///
    /// At once: it has ended or is encrypted already, somebody [reads](Socket::into_io) it, or bytes wait to be sent.
    /// Later, as an error event of the socket: no encrypted connection came of it.
    ///
    /// ```
    /// use onward::{events::*, net::{Server, Socket}, tls};
    ///
    /// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    /// # let (certificates, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    /// onward::run(|| {
    ///     let acceptor = tls::Acceptor::new(tls::Identity::from_pem(&certificates, &key)?);
    ///     let server = Server::listen("127.0.0.1:0")?;
    ///     server.on(Connection, move |server, socket| {
    ///         server.close();
    ///         let acceptor = acceptor.clone();
    ///         socket.once(Data, move |socket, line| {
    ///             assert_eq!(line, b"STARTTLS\n");
    ///             socket.write("go ahead\n");
    ///             acceptor.upgrade(socket).unwrap_or_else(onward::fail);
    ///         });
    ///         socket.on(Secure, |socket, ()| socket.end_with("a secret"));
    ///     });
    ///
    ///     let connector = tls::Connector::new().trust_pem(&certificates)?.server_name("localhost");
    ///     let client = Socket::connect(server.local_addr())?;
    ///     client.write("STARTTLS\n");
    ///     client.once(Data, move |client, _| {
    ///         connector.upgrade(client).unwrap_or_else(onward::fail);
    ///         client.on(Data, |_, secret| assert_eq!(secret, b"a secret"));
    ///     });
    ///     Ok(())
    /// })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "STARTTLS")]
    pub fn upgrade(&self, socket: &Socket) -> Result<()> {
        let wrong = |error| Error::new(ErrorKind::Tls, "upgrade").because(error);
        let tls = ServerConnection::new(Arc::clone(&self.config)).map_err(wrong)?;
        socket.put_layer(Box::new(Tls::new(tls, None)), self.limit)
    }
}

/// Bytes of whatever they come as.
pub(super) fn owned<P: AsRef<[u8]>>(protocols: impl IntoIterator<Item = P>) -> Vec<Vec<u8>> {
    protocols.into_iter().map(|protocol| protocol.as_ref().to_vec()).collect()
}

/// The authorities of a text in PEM format.
pub(super) fn roots(pem: &[u8]) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in identity::certificates(pem)? {
        let wrong = |error| Error::new(ErrorKind::InvalidInput, "trust").because(error);
        roots.add(certificate).map_err(wrong)?;
    }
    Ok(roots)
}

impl From<Identity> for Acceptor {
    fn from(identity: Identity) -> Self {
        Self::new(identity)
    }
}

impl From<ServerConfig> for Acceptor {
    fn from(config: ServerConfig) -> Self {
        Arc::new(config).into()
    }
}

impl From<Arc<ServerConfig>> for Acceptor {
    fn from(config: Arc<ServerConfig>) -> Self {
        Self { config, names: None, limit: LIMIT }
    }
}

impl fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acceptor")
            .field("config", &self.config)
            .field("handshake_timeout", &self.limit)
            .finish_non_exhaustive()
    }
}
