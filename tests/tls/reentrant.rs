//! Code of the program's that runs in the middle of a handshake, and does something with the socket that it is about.

use super::support::{acceptor, connector, converse};
use crate::common::Log;
use onward::events::*;
use onward::net::Socket;
use onward::tls::Connector;
use onward::tls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use onward::tls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use onward::tls::rustls::{self, ClientConfig, DigitallySignedStruct, SignatureScheme};
use std::cell::{Cell, RefCell};
use std::sync::Arc;

thread_local! {
    /// The client, and what to do with it when it is asked whether it trusts its server.
    static CLIENT: RefCell<Option<Socket>> = const { RefCell::new(None) };
    static DOES: Cell<fn(&Socket)> = const { Cell::new(|_| {}) };
}

/// Trusts everybody, and does something else meanwhile.
#[derive(Debug)]
struct Busy;

impl ServerCertVerifier for Busy {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let client = CLIENT.with_borrow(Clone::clone).expect("there is one");
        DOES.get()(&client);
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let provider = rustls::crypto::ring::default_provider();
        provider.signature_verification_algorithms.supported_schemes()
    }
}

/// One that asks it for trust.
fn asking() -> Connector {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Busy))
        .with_no_client_auth();
    Connector::from(config).server_name("localhost")
}

/// What the server and the client tell when this is done in the middle of the handshake.
fn told(does: fn(&Socket)) -> (Log, Log) {
    DOES.set(does);
    let told = converse(
        acceptor(),
        asking(),
        |_| {},
        |client| {
            CLIENT.set(Some(client.clone()));
            client.write("hello");
            client.on(Secure, |client, ()| client.end());
        },
    );
    CLIENT.set(None);
    told
}

#[test]
fn whoever_is_asked_for_trust_may_do_with_the_socket_what_a_listener_may() {
    let does: [fn(&Socket); 6] = [
        |client| {
            client.pause();
            client.resume();
        },
        |client| {
            assert!(client.tls().is_none() && client.peer_addr().is_some());
            assert_eq!((client.queued(), client.bytes_written()), (5, 0));
            client.set_no_delay(true).expect("it is noted");
        },
        |client| {
            client.cork();
            client.uncork();
            client.set_autocork(false);
            client.unref();
            client.ref_();
        },
        |client| assert!(connector().upgrade(client).is_err()),
        |client| assert!(client.clone().into_std::<std::net::TcpStream>().is_err()),
        |client| {
            client.on(Hangup, |_, ()| {});
            client.set_timeout(std::time::Duration::from_secs(60));
        },
    ];
    for does in does {
        let (host, guest) = told(does);
        host.assert(&["data hello", "end", "finish", "close false"]);
        guest.assert(&["connect", "secure", "finish", "end", "close false"]);
    }
}

#[test]
fn whoever_is_asked_for_trust_may_end_it() {
    let (host, guest) = told(|client| client.end_with(", again"));
    host.assert(&["data hello, again", "end", "finish", "close false"]);
    guest.assert(&["connect", "secure", "finish", "end", "close false"]);
    let (host, guest) = told(Socket::destroy);
    // Its last word in the handshake has left, and no goodbye.
    host.assert(&["error PrematureClose", "close true"]);
    guest.assert(&["connect", "close false"]);
}

#[cfg(unix)]
#[test]
fn whoever_is_asked_for_trust_may_ask_for_descriptors_and_gets_none() {
    use super::support::{serve_one_at, watch};
    use crate::common::run;
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let place =
        format!("unix:{}", folder.join(format!("trust-{}.sock", std::process::id())).display());
    DOES.set(|client| _ = client.on(Descriptor, |_, _| unreachable!("it is encrypted")));
    let (host, guest) = (Log::default(), Log::default());
    let (hosting, noting) = (host.clone(), guest.clone());
    run(move || {
        let errors = hosting.clone();
        let serve = move |socket: &Socket| watch(&hosting, socket);
        let client = asking().connect(serve_one_at(place, acceptor(), &errors, serve)?)?;
        watch(&noting, &client);
        CLIENT.set(Some(client.clone()));
        client.end_with("hello");
        Ok(())
    });
    CLIENT.set(None);
    host.assert(&["data hello", "end", "finish", "close false"]);
    guest.assert(&["connect", "secure", "finish", "end", "close false"]);
}
