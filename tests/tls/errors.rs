//! What goes wrong, and who is told of it.

use super::support::{
    acceptor, authority, blocking, connector, converse, identity, pem, serve_one, watch,
};
use crate::common::{ANY, LIMIT, Log, connect_to, guest, join, run};
use onward::events::*;
use onward::net::Socket;
use onward::tls::rustls::{self, CertificateError};
use onward::tls::{Connector, Identity, Server};
use onward::{Error, ErrorKind};
use std::cell::RefCell;
use std::error::Error as _;
use std::io::{Read as _, Write as _};
use std::rc::Rc;
use std::time::Duration;

/// What `rustls` says.
fn cause(error: &Error) -> rustls::Error {
    assert_eq!(error.kind(), ErrorKind::Tls);
    let source = error.source().expect("a cause");
    source.downcast_ref::<rustls::Error>().expect("what rustls says").clone()
}

/// The error of a client that does not accept its server; the server's guest is refused.
fn refusal(identity: Identity, connector: Connector) -> rustls::Error {
    let error = Rc::new(RefCell::new(None));
    let keeping = Rc::clone(&error);
    let ask = move |client: &Socket| {
        client.on(Error, move |client, error| {
            let peer = client.peer_addr().expect("it stood").to_string();
            assert_eq!((error.operation(), error.target()), ("handshake", Some(&*peer)));
            assert!(error.to_string().starts_with(&format!("handshake {peer}: ")));
            keeping.replace(Some(cause(error)));
        });
    };
    let (host, guest) = converse(identity.into(), connector, |_| {}, ask);
    guest.assert(&["connect", "error Tls", "close true"]);
    // The alert says why, unless the connection is gone before it is read.
    assert!(
        host.ends_with(&["client error Tls"]) || host.ends_with(&["client error Io"]),
        "{host:?}"
    );
    let error = error.borrow_mut().take();
    error.expect("an error")
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    let error = refusal(identity(&["elsewhere.example"]), connector());
    let rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext {
        expected,
        ..
    }) = error
    else {
        panic!("{error:?}")
    };
    assert_eq!(expected.to_str(), "localhost");
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_refused() {
    let error = refusal(identity(&["localhost"]), Connector::new().server_name("localhost"));
    assert_eq!(error, rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer));
}

#[test]
fn a_certificate_of_yesterday_is_refused() {
    let (certificate, key) = pem(&["localhost"], |params| {
        params.not_before = rcgen::date_time_ymd(2001, 1, 1);
        params.not_after = rcgen::date_time_ymd(2002, 1, 1);
    });
    let error = refusal(Identity::from_pem(certificate, key).unwrap(), connector());
    let rustls::Error::InvalidCertificate(CertificateError::ExpiredContext { .. }) = error else {
        panic!("{error:?}")
    };
}

#[test]
fn a_number_is_a_name_too() {
    let (host, guest) = converse(
        identity(&["127.0.0.1"]).into(),
        Connector::new().trust_pem(authority().pem()).unwrap(),
        |socket| {
            assert_eq!(socket.tls().unwrap().server_name(), None);
        },
        |client| client.end_with("hello"),
    );
    host.assert(&["data hello", "end", "finish", "close false"]);
    guest.assert(&["connect", "secure", "finish", "end", "close false"]);
}

#[test]
fn who_does_not_speak_tls_is_a_client_error_that_names_the_peer() {
    let told = Log::default();
    let noting = told.clone();
    run(move || {
        let server = Server::listen(ANY, acceptor())?;
        server.on(SecureConnection, |_, _| panic!("nobody is secure"));
        let (address, noting) = (server.local_addr(), noting.clone());
        let plain = Socket::connect(address)?;
        let peer = plain.clone();
        server.on(ClientError, move |server, error| {
            server.close();
            let peer = peer.local_addr().expect("it stands").to_string();
            assert_eq!((error.operation(), error.target()), ("handshake", Some(&*peer)));
            let invalid = rustls::InvalidMessage::InvalidContentType;
            assert_eq!(cause(error), rustls::Error::InvalidMessage(invalid));
            noting.note("client error");
        });
        let closing = told.clone();
        server.on(Close, move |server, ()| {
            assert_eq!(server.connections(), 0);
            closing.note("close");
        });
        plain.on(Error, |_, error| assert!(error.is_disconnect()));
        plain.write("GET / HTTP/1.0\r\n\r\n");
        plain.resume();
        Ok(())
    });
}

#[test]
fn a_server_that_does_not_speak_tls_is_an_error() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let (socket, thread) = connect_to(|mut stream| {
            stream.write_all(b"220 mail.example\r\n").expect("it stands");
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest)
        })?;
        connector().upgrade(&socket)?;
        watch(&seen, &socket);
        socket.on(Error, |_, error| {
            let invalid = rustls::InvalidMessage::InvalidContentType;
            assert_eq!(cause(error), rustls::Error::InvalidMessage(invalid));
        });
        socket.once(Close, move |_, _| _ = join(thread));
        Ok(())
    });
    log.assert(&["connect", "error Tls", "close true"]);
}

#[test]
fn a_peer_that_leaves_in_the_handshake_is_an_error_on_either_side() {
    let (client, server) = (Log::default(), Log::default());
    let (asking, serving) = (client.clone(), server.clone());
    run(move || {
        let (socket, thread) = connect_to(|mut stream| {
            // As much as there is to hear; then it is gone.
            stream.read(&mut [0; 4096]).expect("a greeting")
        })?;
        connector().upgrade(&socket)?;
        watch(&asking, &socket);
        socket.once(Close, move |_, _| _ = join(thread));
        let address = serve_one(acceptor(), &serving, |_| panic!("nobody is secure"))?;
        let plain = Socket::connect(address)?;
        plain.on(Connect, |plain, ()| plain.end());
        plain.resume();
        Ok(())
    });
    assert!(
        client.ends_with(&["error PrematureClose", "close true"])
            || client.ends_with(&["error disconnect", "close true"]),
        "{client:?}"
    );
    server.assert(&["client error PrematureClose"]);
}

#[test]
fn a_connection_that_is_cut_off_is_an_error_after_all_that_came() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let address = serve_one(acceptor(), &Log::default(), move |socket| watch(&seen, socket))?;
        guest(address.as_socket_addr().unwrap(), |stream| {
            let mut tls = blocking(stream);
            tls.write_all(b"half a sent").expect("it stands");
            tls.flush().expect("it stands");
            // The answer to what it has read is on its way: with it the close is no reset.
            tls.sock.shutdown(std::net::Shutdown::Write).expect("it stands");
            let mut rest = Vec::new();
            let _ = tls.sock.read_to_end(&mut rest);
        });
        Ok(())
    });
    log.assert(&["data half a sent", "error PrematureClose", "close true"]);
}

#[test]
fn a_goodbye_is_enough_even_if_the_connection_stays() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let address = serve_one(acceptor(), &Log::default(), move |socket| watch(&seen, socket))?;
        guest(address.as_socket_addr().unwrap(), |stream| {
            let mut tls = blocking(stream);
            // In one record after the other, so that they are read at once.
            tls.write_all(b"all").expect("it stands");
            tls.conn.send_close_notify();
            tls.flush().expect("it stands");
            assert_eq!(tls.read(&mut [0]).expect("a goodbye"), 0);
        });
        Ok(())
    });
    log.assert(&["data all", "end", "finish", "close false"]);
}

#[test]
fn what_is_garbled_later_is_an_error_of_the_socket() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let address = serve_one(acceptor(), &Log::default(), move |socket| watch(&seen, socket))?;
        guest(address.as_socket_addr().unwrap(), |stream| {
            let mut tls = blocking(stream);
            tls.write_all(b"fine").expect("it stands");
            tls.flush().expect("it stands");
            tls.sock.write_all(&[23, 3, 3, 0, 32]).expect("it stands");
            tls.sock.write_all(&[7; 32]).expect("it stands");
            let error = tls.read(&mut [0; 100]).expect_err("an alert");
            assert!(error.to_string().contains("BadRecordMac"), "{error}");
        });
        Ok(())
    });
    log.assert(&["data fine", "error Tls", "close true"]);
}

#[test]
fn a_handshake_that_takes_too_long_is_an_error_on_either_side() {
    let (client, server) = (Log::default(), Log::default());
    let (asking, serving) = (client.clone(), server.clone());
    run(move || {
        let limit = Duration::from_millis(500);
        let (socket, thread) = connect_to(|mut stream| {
            let mut all = Vec::new();
            stream.read_to_end(&mut all)
        })?;
        connector().handshake_timeout(limit).upgrade(&socket)?;
        watch(&asking, &socket);
        socket.on(Error, |socket, error| {
            let peer = socket.peer_addr().expect("it stood");
            assert_eq!(error.to_string(), format!("handshake {peer}: it took too long"));
        });
        socket.once(Close, move |_, _| _ = join(thread));
        let acceptor = acceptor().handshake_timeout(limit);
        let address = serve_one(acceptor, &serving, |_| panic!("nobody is secure"))?;
        Socket::connect(address)?.resume();
        Ok(())
    });
    client.assert(&["connect", "error TimedOut", "close true"]);
    server.assert(&["client error TimedOut"]);
}

#[test]
fn a_handshake_that_is_over_is_not_too_long() {
    let limit = Duration::from_secs(4);
    let serve = |socket: &Socket| {
        let socket = socket.clone();
        onward::set_timeout(Duration::from_millis(4_200), move || socket.end_with("late"));
    };
    let (acceptor, connector) =
        (acceptor().handshake_timeout(limit), connector().handshake_timeout(limit));
    let (host, guest) = converse(acceptor, connector, serve, |_| {});
    host.assert(&["finish", "end", "close false"]);
    guest.assert(&["connect", "secure", "data late", "end", "finish", "close false"]);
    assert!(limit < LIMIT);
}

#[test]
fn one_that_is_destroyed_in_the_handshake_only_closes() {
    let ask = |client: &Socket| {
        client.on(Connect, |client, ()| client.destroy());
    };
    let (host, guest) = converse(acceptor(), connector(), |_| {}, ask);
    guest.assert(&["connect", "close false"]);
    assert!(
        host.ends_with(&["client error PrematureClose"]) || host.ends_with(&["client error Io"]),
        "{host:?}"
    );
}

#[test]
fn a_name_that_no_certificate_can_have_is_an_error_at_once() {
    run(|| {
        let error = connector().server_name("not a name").connect("127.0.0.1:1").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let text = "connect not a name: not a name that a certificate can have";
        assert_eq!(error.to_string(), text);
        Ok(())
    });
}

#[test]
fn nobody_there_is_the_same_error_as_without_encryption() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let socket = connector().connect("127.0.0.1:1")?;
        watch(&seen, &socket);
        Ok(())
    });
    log.assert(&["error ConnectionRefused", "close true"]);
}

#[test]
fn outside_of_a_loop_it_is_an_error_at_once() {
    let error = connector().connect("127.0.0.1:1").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotInLoop);
    assert_eq!(Server::listen(ANY, acceptor()).unwrap_err().kind(), ErrorKind::NotInLoop);
}

#[test]
fn texts_that_are_no_certificates_or_keys_are_errors() {
    let (certificate, key) = pem(&["localhost"], |_| {});
    let kind = |result: onward::Result<Identity>| result.unwrap_err().kind();
    assert_eq!(kind(Identity::from_pem("nothing", &key)), ErrorKind::InvalidInput);
    assert_eq!(kind(Identity::from_pem(&certificate, "nothing")), ErrorKind::InvalidInput);
    assert_eq!(kind(Identity::from_pem(&certificate, &certificate)), ErrorKind::InvalidInput);
    let other = pem(&["localhost"], |_| {}).1;
    assert_eq!(kind(Identity::from_pem(&certificate, other)), ErrorKind::InvalidInput);
    let missing = Identity::from_pem_files("no/such/file.pem", "neither.pem").unwrap_err();
    assert!(missing.is_not_found());
    assert_eq!(missing.target(), Some("no/such/file.pem"));
    assert_eq!(Connector::new().trust_pem(&key).unwrap_err().kind(), ErrorKind::InvalidInput);
    assert!(Identity::from_pem(certificate + &key, key).is_ok(), "both may stand in one text");
}
