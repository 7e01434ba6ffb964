//! Certificates, and conversations whose events are noted.

use crate::common::{ANY, LIMIT, Log, run};
use onward::Result;
use onward::events::*;
use onward::net::{Address, Socket};
use onward::tls::rustls::{self, ClientConnection, StreamOwned};
use onward::tls::{Acceptor, Connector, Identity, Server};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use std::io::Write as _;
use std::net::TcpStream;
use std::sync::{Arc, OnceLock};

/// Who vouches for the others.
pub(super) fn authority() -> &'static CertifiedIssuer<'static, KeyPair> {
    static AUTHORITY: OnceLock<CertifiedIssuer<'static, KeyPair>> = OnceLock::new();
    AUTHORITY.get_or_init(|| {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        // With the same name as the others it would seem to be one of them.
        params.distinguished_name.push(DnType::CommonName, "an authority for tests");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        CertifiedIssuer::self_signed(params, key).expect("a certificate")
    })
}

/// A certificate for these names, and its key, in PEM format.
pub(super) fn pem(names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> (String, String) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("names");
    change(&mut params);
    let key = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, authority()).expect("a certificate");
    (certificate.pem(), key.serialize_pem())
}

pub(super) fn identity(names: &[&str]) -> Identity {
    let (certificate, key) = pem(names, |_| {});
    Identity::from_pem(certificate, key).expect("they fit")
}

/// A server's, whom everybody calls `localhost`.
pub(super) fn acceptor() -> Acceptor {
    static IDENTITY: OnceLock<Identity> = OnceLock::new();
    IDENTITY.get_or_init(|| identity(&["localhost"])).clone().into()
}

/// A client's, who trusts the authority.
pub(super) fn connector() -> Connector {
    let connector = Connector::new().trust_pem(authority().pem()).expect("a certificate");
    connector.server_name("localhost")
}

/// Notes every event of an encrypted socket.
pub(super) fn watch(log: &Log, socket: &Socket) {
    let noting = log.clone();
    socket.on(Secure, move |_, ()| noting.note("secure"));
    log.watch(socket);
}

/// A server on the loop that hands its first guest to `serve`, and closes; what went wrong with others is noted.
pub(super) fn serve_one(
    acceptor: Acceptor,
    log: &Log,
    serve: impl Fn(&Socket) + 'static,
) -> Result<Address> {
    serve_one_at(ANY, acceptor, log, serve)
}

pub(super) fn serve_one_at(
    address: impl std::fmt::Display,
    acceptor: Acceptor,
    log: &Log,
    serve: impl Fn(&Socket) + 'static,
) -> Result<Address> {
    let server = Server::listen(address, acceptor)?;
    server.on(SecureConnection, move |server, socket| {
        server.close();
        serve(&socket);
    });
    let log = log.clone();
    server.on(ClientError, move |server, error| {
        server.close();
        log.note(format!("client error {:?}", error.kind()));
    });
    Ok(server.local_addr())
}

/// A server and a client of these kinds, and the records of both.
pub(super) fn converse(
    acceptor: Acceptor,
    connector: Connector,
    serve: impl Fn(&Socket) + 'static,
    ask: impl FnOnce(&Socket) + 'static,
) -> (Log, Log) {
    let (host, guest) = (Log::default(), Log::default());
    let (hosting, asking) = (host.clone(), guest.clone());
    run(move || {
        let noting = hosting.clone();
        let address = serve_one(acceptor, &noting, move |socket| {
            watch(&hosting, socket);
            serve(socket);
        })?;
        let client = connector.connect(address)?;
        watch(&asking, &client);
        ask(&client);
        Ok(())
    });
    (host, guest)
}

/// What `rustls` makes of a plain stream, for peers in threads.
pub(super) type Plain = StreamOwned<ClientConnection, TcpStream>;

/// A client in a thread of its own, which blocks.
pub(super) fn blocking(stream: TcpStream) -> Plain {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority().der().clone()).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = "localhost".try_into().expect("a name");
    stream.set_read_timeout(Some(LIMIT)).expect("a timeout");
    stream.set_write_timeout(Some(LIMIT)).expect("a timeout");
    StreamOwned::new(ClientConnection::new(Arc::new(config), name).expect("a client"), stream)
}

/// Says goodbye, without which it would be cut off.
pub(super) fn goodbye(tls: &mut Plain) {
    tls.conn.send_close_notify();
    tls.flush().expect("it stands");
}

/// That of a plain server in a thread, whom everybody calls `localhost`.
pub(super) fn server_config() -> Arc<rustls::ServerConfig> {
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
    let (certificate, key) = pem(&["localhost"], |_| {});
    let chain = CertificateDer::from_pem_slice(certificate.as_bytes()).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![chain], key)
        .expect("they fit");
    Arc::new(config)
}
