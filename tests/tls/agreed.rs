//! What two sides agree on.

use super::support::{acceptor, authority, connector, converse, identity, pem};
use crate::common::{Log, run};
use onward::events::*;
use onward::net::Socket;
use onward::tls::rustls::{self, ProtocolVersion};
use onward::tls::{Acceptor, Connector, Identity, Server, Session};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::{Arc, mpsc};

/// What both sides say that they have agreed on: the server, the client.
fn agree(acceptor: Acceptor, connector: Connector) -> (Option<Session>, Option<Session>) {
    let (host, guest) = (Rc::new(RefCell::new(None)), Rc::new(RefCell::new(None)));
    let (hosting, asking) = (Rc::clone(&host), Rc::clone(&guest));
    converse(
        acceptor,
        connector,
        move |socket| {
            hosting.replace(socket.tls());
            socket.end();
        },
        move |client| {
            client.on(Secure, move |client, ()| _ = asking.replace(client.tls()));
            client.on(Error, |_, _| {});
            client.on(Close, |client, _| assert!(client.tls().is_none()));
        },
    );
    (host.take(), guest.take())
}

fn alpn(session: Option<Session>) -> Option<String> {
    session?.alpn().map(|name| String::from_utf8_lossy(name).into_owned())
}

#[test]
fn the_first_of_the_servers_protocols_that_the_client_knows_is_spoken() {
    let (host, guest) =
        agree(acceptor().alpn(["h2", "http/1.1"]), connector().alpn(["x", "http/1.1"]));
    assert_eq!(alpn(host).as_deref(), Some("http/1.1"));
    assert_eq!(alpn(guest).as_deref(), Some("http/1.1"));
}

#[test]
fn who_names_no_protocol_gets_none() {
    let (host, guest) = agree(acceptor().alpn(["h2"]), connector());
    assert_eq!((alpn(host), alpn(guest)), (None, None));
}

#[test]
fn without_a_common_protocol_there_is_no_connection() {
    let (host, guest) = converse(acceptor().alpn(["h2"]), connector().alpn(["h3"]), |_| {}, |_| {});
    host.assert(&["client error Tls"]);
    guest.assert(&["connect", "error Tls", "close true"]);
}

#[test]
fn both_know_the_name_the_version_and_the_certificate() {
    let (host, guest) = agree(acceptor(), connector());
    let (host, guest) = (host.unwrap(), guest.unwrap());
    assert_eq!((host.server_name(), guest.server_name()), (Some("localhost"), Some("localhost")));
    assert_eq!(host.version(), ProtocolVersion::TLSv1_3);
    assert_eq!((host.version(), host.cipher()), (guest.version(), guest.cipher()));
    assert_eq!((host.peer_certificates().len(), guest.peer_certificates().len()), (0, 1));
    assert!(!host.is_resumed() && !guest.is_resumed());
}

#[test]
fn certificates_are_shown_by_name() {
    let (cats, dogs, others) =
        (identity(&["cats.example"]), identity(&["*.dogs.example"]), identity(&["localhost"]));
    let acceptor = Acceptor::new(others).name("Cats.example", cats).name("*.dogs.example", dogs);
    for name in ["cats.example", "rex.dogs.example", "localhost"] {
        let (host, guest) = agree(acceptor.clone(), connector().server_name(name));
        assert_eq!(host.unwrap().server_name(), Some(name));
        assert!(guest.is_some(), "{name} was shown another certificate");
    }
    let (_, wrong) = agree(acceptor, connector().server_name("a.rex.dogs.example"));
    assert!(wrong.is_none(), "a star stands for one label");
}

#[test]
fn clients_show_certificates_when_they_are_asked() {
    let asking = || acceptor().client_certificates(authority().pem()).unwrap();
    let (host, guest) = agree(asking(), connector().identity(identity(&["ada"])));
    assert_eq!(host.unwrap().peer_certificates().len(), 1);
    assert!(guest.is_some());

    // With TLS 1.3 the client hears of it after its own side is secure.
    let (host, guest) = converse(asking(), connector(), |_| {}, |_| {});
    host.assert(&["client error Tls"]);
    assert!(guest.ends_with(&["close true"]), "{guest:?}");
}

#[test]
fn a_second_connection_goes_on_with_the_session_of_the_first() {
    let resumed = Rc::new(Cell::new(0));
    let counting = Rc::clone(&resumed);
    run(move || {
        let server = Server::listen("127.0.0.1:0", acceptor())?;
        server.on(SecureConnection, |_, socket| socket.end_with("hello"));
        let (connector, address) = (connector(), server.local_addr());
        let first = connector.connect(address)?;
        // The ticket comes with the first data.
        first.resume();
        first.once(Close, move |_, _| {
            let second = connector.connect(address).expect("an address");
            second.resume();
            second.once(Secure, move |second, ()| {
                counting.set(counting.get() + u32::from(second.tls().unwrap().is_resumed()));
            });
            // Who trusts others does not go on with it.
            let anew = connector.clone().trust_pem(authority().pem()).expect("a certificate");
            second.once(Close, move |_, _| {
                let third = anew.connect(address).expect("an address");
                third.resume();
                third.on(Secure, |third, ()| assert!(!third.tls().unwrap().is_resumed()));
                third.on(Close, move |_, _| server.close());
            });
        });
        Ok(())
    });
    assert_eq!(resumed.get(), 1);
}

#[test]
fn configurations_of_rustls_are_taken_as_they_are() {
    let provider = || Arc::new(rustls::crypto::ring::default_provider());
    let (certificate, key) = pem(&["localhost"], |_| {});
    let identity = |(certificate, key): (&str, &str)| {
        use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
        let chain = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
        (vec![chain], PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap())
    };
    let (chain, private) = identity((&certificate, &key));
    let server = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority().der().clone()).unwrap();
    let client = rustls::ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = Connector::from(client).server_name("localhost");
    let (host, guest) = agree(server.into(), connector);
    assert_eq!(host.unwrap().version(), ProtocolVersion::TLSv1_2);
    assert!(guest.is_some());
}

#[test]
fn a_chain_of_certificates_may_stand_in_one_text() {
    let (certificate, key) = pem(&["localhost"], |_| {});
    let identity = Identity::from_pem(certificate + &authority().pem(), key).unwrap();
    let (_, guest) = agree(identity.into(), connector());
    assert_eq!(guest.unwrap().peer_certificates().len(), 2);
}

#[test]
fn a_socket_that_is_not_encrypted_has_agreed_on_nothing() {
    let log = Log::default();
    run(|| {
        let (socket, _thread) = crate::common::connect_to(drop)?;
        socket.on(Connect, |socket: &Socket, ()| assert!(socket.tls().is_none()));
        socket.resume();
        Ok(())
    });
    log.assert(&[]);
}

#[test]
fn nothing_is_agreed_on_in_the_middle_of_the_handshake() {
    use super::support::watch;
    use crate::common::{Log, connect_to, join, when};
    use std::io::{Read as _, Write as _};
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let ((begun, when_begun), (go, goes_on)) = (mpsc::channel(), mpsc::channel());
        let (client, thread) = connect_to(move |mut stream| {
            let config = super::support::server_config();
            let mut tls = rustls::ServerConnection::new(config).expect("a server");
            while !tls.wants_write() {
                tls.read_tls(&mut stream).expect("a greeting");
                tls.process_new_packets().expect("a greeting");
            }
            let mut flight = Vec::new();
            tls.write_tls(&mut flight).expect("there is room");
            // The answer to the greeting, which says how it will be encrypted, and no more for now.
            let first = 5 + usize::from(u16::from_be_bytes([flight[3], flight[4]]));
            stream.write_all(&flight[..first]).expect("it stands");
            begun.send(()).expect("the loop waits for it");
            goes_on.recv().expect("it goes on");
            stream.write_all(&flight[first..]).expect("it stands");
            let mut tls = rustls::StreamOwned::new(tls, stream);
            tls.conn.send_close_notify();
            tls.flush().expect("it stands");
            assert_eq!(tls.read(&mut [0]).expect("a goodbye"), 0);
        })?;
        watch(&log, &client);
        connector().upgrade(&client)?;
        client.on(Secure, |client, ()| assert!(client.tls().is_some()));
        when(when_begun, move |()| {
            assert!(client.tls().is_none());
            go.send(()).expect("the peer waits for it");
        });
        onward::spawn_blocking(move || join(thread)).then(|done| done.expect("it ends"));
        Ok(())
    });
    seen.assert(&["connect", "secure", "end", "finish", "close false"]);
}
