//! How a client encrypts.

use super::acceptor::{LIMIT, owned, roots};
use super::identity::{Identity, provider};
use super::layer::Tls;
use crate::error::{Error, ErrorKind, Result};
use crate::net::{self, Socket};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::pki_types::ServerName;
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Connects to `HOST:PORT`, and encrypts the connection. The server has to show a certificate for that host, for which
/// one of the authorities vouches that Mozilla trusts.
///
/// The socket is one like others: [`Secure`](crate::events::Secure) comes after its `Connect`, and what is written
/// before is sent then. [`Connector`] has more to say.
///
/// # Errors
///
/// At once: not an address, or not in a loop. Later, as an error event: nobody is there, or
/// ([`Tls`](ErrorKind::Tls)) somebody who is not who they should be.
///
/// ```no_run
/// use onward::{events::*, tls};
///
/// onward::run(|| {
///     let socket = tls::connect("www.rust-lang.org:443")?;
///     socket.write("GET / HTTP/1.0\r\nhost: www.rust-lang.org\r\n\r\n");
///     socket.on(Data, |_, chunk| print!("{}", String::from_utf8_lossy(chunk)));
///     socket.on(Error, |_, error| eprintln!("{error}"));
///     Ok(())
/// })
/// # ?; Ok::<(), onward::Error>(())
/// ```
#[track_caller]
pub fn connect(address: impl fmt::Display) -> Result<Socket> {
    Connector::new().connect(address)
}

/// Makes encrypted connections: whom it trusts, who it is, what is to be spoken. The options of Node's `tls.connect`.
///
/// Clones share the sessions of earlier connections, which make the next handshake with the same server shorter. So do
/// all that are made by [`new`](Self::new), as long as they trust nobody else, and are nobody else.
///
/// ```
/// use onward::{events::*, tls};
/// use std::time::Duration;
///
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
/// # let (certificates, key) = (made.cert.pem(), made.signing_key.serialize_pem());
/// onward::run(|| {
///     # let server = tls::Server::listen("127.0.0.1:0", tls::Identity::from_pem(&certificates, &key)?)?;
///     # server.on(SecureConnection, |server, socket| { server.close(); socket.end(); });
///     let connector = tls::Connector::new()
///         .trust_pem(&certificates)?
///         .server_name("localhost")
///         .alpn(["h2"])
///         .handshake_timeout(Duration::from_secs(10));
///     let socket = connector.connect(server.local_addr())?;
///     socket.on(Secure, |socket, ()| println!("{:?}", socket.tls()));
///     socket.resume();
///     Ok(())
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use = "nothing is connected before `connect`"]
pub struct Connector {
    config: Arc<ClientConfig>,
    name: Option<String>,
    limit: Duration,
    net: net::Connector,
}

impl Default for Connector {
    fn default() -> Self {
        Self::new()
    }
}

/// Mozilla's authorities: for all connectors that say nothing else.
fn default_config() -> Arc<ClientConfig> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    let make = || {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let builder = ClientConfig::builder_with_provider(provider());
        let builder = builder
            .with_protocol_versions(rustls::DEFAULT_VERSIONS)
            .expect("the provider knows them");
        Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
    };
    Arc::clone(CONFIG.get_or_init(make))
}

impl Connector {
    /// One that does as [`connect`] does.
    pub fn new() -> Self {
        default_config().into()
    }

    /// Trusts these authorities, in PEM format, and no others. Node's `ca`.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput): there is no certificate in it.
    pub fn trust_pem(mut self, authorities: impl AsRef<[u8]>) -> Result<Self> {
        let roots = Arc::new(roots(authorities.as_ref())?);
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider()).build();
        let wrong = |error| Error::new(ErrorKind::InvalidInput, "trust").because(error);
        let verifier = verifier.map_err(wrong)?;
        self.anew().dangerous().set_certificate_verifier(verifier);
        Ok(self)
    }

    /// Who to be, if the server asks. Node's `cert` and `key`.
    ///
    /// ```
    /// use onward::tls::{Connector, Identity};
    ///
    /// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    /// # let (certificates, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    /// let connector = Connector::new().identity(Identity::from_pem(certificates, key)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn identity(mut self, identity: Identity) -> Self {
        let key = SingleCertAndKey::from(identity.0);
        self.anew().client_auth_cert_resolver = Arc::new(key);
        self
    }

    /// Earlier sessions are those of who trusted others, or was somebody else.
    fn anew(&mut self) -> &mut ClientConfig {
        let config = Arc::make_mut(&mut self.config);
        config.resumption = Resumption::default();
        config
    }

    /// The protocols that are offered, the best first: `h2`, `http/1.1`. [`Session::alpn`](super::Session::alpn) says
    /// which one the server has chosen.
    #[doc(alias = "ALPNProtocols")]
    pub fn alpn<P: AsRef<[u8]>>(mut self, protocols: impl IntoIterator<Item = P>) -> Self {
        Arc::make_mut(&mut self.config).alpn_protocols = owned(protocols);
        self
    }

    /// Which name the server's certificate is to have, and is asked for: the host that is connected to, unless set.
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// How long a handshake may take: 120 seconds unless set. It begins when the connection stands.
    pub const fn handshake_timeout(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// How the connection below is made: its options, how names are looked up and their addresses tried.
    ///
    /// ```
    /// use onward::{net, net::SocketOptions, tls};
    /// use std::time::Duration;
    ///
    /// let options = SocketOptions::new().connect_timeout(Duration::from_secs(5));
    /// let connector = tls::Connector::new().over(net::Connector::new().options(options));
    /// # let _ = connector;
    /// ```
    pub fn over(mut self, connector: net::Connector) -> Self {
        self.net = connector;
        self
    }

    /// Connects, and encrypts the connection; see [`connect`](super::connect()). A Unix socket, `unix:PATH`, is a server
    /// named `localhost` unless [set](Self::server_name).
    ///
    /// # Errors
    ///
    /// As there; and at once, if a certificate cannot have that name.
    #[track_caller]
    pub fn connect(&self, address: impl fmt::Display) -> Result<Socket> {
        let address = address.to_string();
        let tls = self.begin("connect", host(&address))?;
        let socket = self.net.connect(address)?;
        if !socket.is_destroyed() {
            socket.put_layer(tls, self.limit)?;
        }
        Ok(socket)
    }

    /// Encrypts a connection that exists already, as its client; see [`Acceptor::upgrade`](super::Acceptor::upgrade).
    /// The server's [name](Self::server_name) had better be set, else it is the peer's address. If the connection does
    /// not stand yet, this waits for that, and the name is the host that it was to connect to.
    ///
    /// # Errors
    ///
    /// As there; and at once, if a certificate cannot have that name.
    #[doc(alias = "STARTTLS")]
    pub fn upgrade(&self, socket: &Socket) -> Result<()> {
        let peer = socket.peer_addr().and_then(|peer| peer.ip()).map(|ip| ip.to_string());
        let asked = socket.asked();
        let name = asked.as_deref().map(host).or(peer.as_deref());
        let tls = self.begin("upgrade", name.unwrap_or("localhost"))?;
        socket.put_layer(tls, self.limit)
    }

    fn begin(&self, operation: &'static str, host: &str) -> Result<Box<Tls>> {
        let host = self.name.as_deref().unwrap_or(host);
        let wrong = || Error::new(ErrorKind::InvalidInput, operation).on(host);
        let name = ServerName::try_from(host)
            .map_err(|_| wrong().because("not a name that a certificate can have"))?
            .to_owned();
        let tls = ClientConnection::new(Arc::clone(&self.config), name)
            .map_err(|error| wrong().because(error))?;
        Ok(Box::new(Tls::new(tls, Some(host.into()))))
    }
}

/// The host of an address, as people write them.
fn host(address: &str) -> &str {
    // `unix:80` is a port of a host with that name.
    if address.strip_prefix("unix:").is_some_and(|path| path.parse::<u16>().is_err()) {
        return "localhost";
    }
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']')
}

impl From<ClientConfig> for Connector {
    fn from(config: ClientConfig) -> Self {
        Arc::new(config).into()
    }
}

impl From<Arc<ClientConfig>> for Connector {
    fn from(config: Arc<ClientConfig>) -> Self {
        Self { config, name: None, limit: LIMIT, net: net::Connector::new() }
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("config", &self.config)
            .field("server_name", &self.name)
            .field("handshake_timeout", &self.limit)
            .field("over", &self.net)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn a_host_is_what_stands_before_the_port() {
        let hosts = ["example.org:443", "[::1]:443", "127.0.0.1:1", "unix:80", "unix:/run/app"];
        let expected = ["example.org", "::1", "127.0.0.1", "unix", "localhost"];
        assert_eq!(hosts.map(host), expected);
    }
}
