//! What two sides have agreed on.

use super::layer::Tls;
use crate::net::Socket;
use rustls::pki_types::CertificateDer;
use rustls::{CipherSuite, Connection, HandshakeKind, ProtocolVersion};

/// What the two sides of an encrypted connection have agreed on, and who the peer is.
///
/// ```
/// use onward::{events::*, tls};
///
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
/// # let (certificates, key) = (made.cert.pem(), made.signing_key.serialize_pem());
/// onward::run(|| {
///     let identity = tls::Identity::from_pem(&certificates, &key)?;
///     let server = tls::Server::listen("127.0.0.1:0", identity)?;
///     server.on(SecureConnection, |server, socket| {
///         server.close();
///         let tls = socket.tls().expect("it is encrypted");
///         assert_eq!(tls.server_name(), Some("localhost"));
///         assert_eq!(tls.version(), tls::rustls::ProtocolVersion::TLSv1_3);
///         assert!(tls.alpn().is_none() && tls.peer_certificates().is_empty());
///         socket.end();
///     });
///     let connector = tls::Connector::new().trust_pem(&certificates)?.server_name("localhost");
///     connector.connect(server.local_addr())?.resume();
///     Ok(())
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Session {
    alpn: Option<Vec<u8>>,
    server_name: Option<String>,
    version: ProtocolVersion,
    cipher: CipherSuite,
    resumed: bool,
    peer: Vec<CertificateDer<'static>>,
}

impl Session {
    /// The protocol that was agreed on; `None` if none was named.
    #[doc(alias = "alpnProtocol")]
    #[must_use]
    pub fn alpn(&self) -> Option<&[u8]> {
        self.alpn.as_deref()
    }

    /// The name that the client asked for; `None` if it named none, as those do that connect to a number.
    #[doc(alias = "servername")]
    #[must_use]
    pub fn server_name(&self) -> Option<&str> {
        self.server_name.as_deref()
    }

    /// The version of TLS.
    #[must_use]
    pub const fn version(&self) -> ProtocolVersion {
        self.version
    }

    /// How it is encrypted.
    #[must_use]
    pub const fn cipher(&self) -> CipherSuite {
        self.cipher
    }

    /// Did it go on with an earlier session?
    #[doc(alias = "isSessionReused")]
    #[must_use]
    pub const fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// The peer's certificate, and those that vouch for it; none of a client that was not asked.
    #[doc(alias = "getPeerCertificate")]
    #[must_use]
    pub fn peer_certificates(&self) -> &[CertificateDer<'static>] {
        &self.peer
    }

    fn of(tls: &Connection, asked: Option<&str>) -> Option<Self> {
        let named = match tls {
            Connection::Client(_) => asked,
            Connection::Server(server) => server.server_name(),
        };
        Some(Self {
            alpn: tls.alpn_protocol().map(<[u8]>::to_vec),
            server_name: named.map(Into::into),
            version: tls.protocol_version()?,
            cipher: tls.negotiated_cipher_suite()?.suite(),
            resumed: tls.handshake_kind()? == HandshakeKind::Resumed,
            peer: tls.peer_certificates().unwrap_or_default().to_vec(),
        })
    }
}

impl Socket {
    /// What was agreed on, from [`Secure`](crate::events::Secure) to [`Close`](crate::events::Close); `None` before and
    /// after, and of a socket that is not encrypted.
    #[must_use]
    pub fn tls(&self) -> Option<Session> {
        self.with_layer(|tls: &Tls| tls.with(Session::of)).flatten().flatten()
    }
}
