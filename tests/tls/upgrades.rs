//! Connections that are encrypted when they stand already.

use super::support::{acceptor, connector, watch};
use crate::common::{ANY, Log, connect_to, join, next_turn, run, serve_one};
use onward::ErrorKind;
use onward::events::*;
use onward::net::Socket;
use std::io::Read as _;

#[test]
fn a_line_in_the_open_then_the_rest_in_secret() {
    let (host, guest) = (Log::default(), Log::default());
    let (hosting, asking) = (host.clone(), guest.clone());
    run(move || {
        let address = serve_one(move |socket| {
            watch(&hosting, socket);
            socket.once(Data, |socket, line| {
                assert_eq!(line, b"STARTTLS\n");
                socket.write("go ahead\n");
                acceptor().upgrade(socket).expect("it stands");
                socket.write("first ");
            });
            socket.on(Secure, |socket, ()| _ = socket.write("secret\n"));
        })?;
        let client = Socket::connect(address)?;
        watch(&asking, &client);
        client.write("STARTTLS\n");
        client.once(Data, |client, line| {
            assert_eq!(line, b"go ahead\n");
            connector().upgrade(client).expect("it stands");
            client.on(Data, |client, line| {
                assert!(client.tls().is_some());
                if line.ends_with(b"secret\n") {
                    client.end_with("thanks");
                }
            });
        });
        Ok(())
    });
    host.assert(&["data STARTTLS\n", "secure", "data thanks", "end", "finish", "close false"]);
    guest.assert(&[
        "connect",
        "data go ahead\n",
        "secure",
        "data first secret\n",
        "finish",
        "end",
        "close false",
    ]);
}

#[test]
fn what_came_before_anybody_asked_belongs_to_the_handshake() {
    // The client's greeting is there before the server upgrades.
    let host = Log::default();
    let hosting = host.clone();
    run(move || {
        let address = serve_one(move |socket| {
            let (log, socket) = (hosting.clone(), socket.clone());
            onward::set_timeout(std::time::Duration::from_millis(20), move || {
                acceptor().upgrade(&socket).expect("it stands");
                watch(&log, &socket);
            });
        })?;
        let client = Socket::connect(address)?;
        connector().upgrade(&client)?;
        client.end_with("hello");
        client.resume();
        Ok(())
    });
    host.assert(&["secure", "data hello", "end", "finish", "close false"]);
}

#[test]
fn a_socket_is_upgraded_once() {
    run(|| {
        let (socket, thread) = connect_to(|mut stream| {
            let mut all = Vec::new();
            stream.read_to_end(&mut all)
        })?;
        connector().upgrade(&socket)?;
        let error = connector().upgrade(&socket).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().ends_with("it is encrypted already"), "{error}");
        socket.on(Connect, |socket, ()| {
            let error = acceptor().upgrade(socket).unwrap_err();
            assert!(error.to_string().ends_with("it is encrypted already"), "{error}");
            let error = socket.clone().into_std::<std::net::TcpStream>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            socket.destroy();
        });
        socket.once(Close, move |_, _| _ = join(thread));
        Ok(())
    });
}

#[test]
fn one_that_has_bytes_to_send_or_has_ended_or_is_read_or_is_gone_is_refused() {
    run(|| {
        const TOO_MUCH: usize = 32 << 20;
        let (go, begins) = std::sync::mpsc::channel();
        let (socket, thread) = connect_to(move |mut stream| {
            begins.recv().expect("it is told");
            let mut all = Vec::new();
            stream.read_to_end(&mut all).map(|_| all.len())
        })?;
        socket.once(Connect, move |socket, ()| {
            socket.set_max_queued(TOO_MUCH);
            socket.write(vec![b'x'; TOO_MUCH]);
            let error = connector().upgrade(socket).unwrap_err();
            assert!(error.to_string().ends_with("bytes wait to be sent"), "{error}");
            socket.end();
            let error = connector().upgrade(socket).unwrap_err();
            assert!(error.to_string().ends_with("it has ended"), "{error}");
            go.send(()).expect("it waits");
        });
        socket.resume();
        socket.once(Close, move |socket, had_error| {
            assert!(!had_error);
            assert_eq!(connector().upgrade(socket).unwrap_err().kind(), ErrorKind::Destroyed);
            assert_eq!(join(thread).expect("all is read"), TOO_MUCH);
        });

        let (pulled, thread) = connect_to(drop)?;
        pulled.on(Connect, |pulled, ()| {
            let io = pulled.clone().into_io().expect("nobody listens");
            let error = connector().upgrade(pulled).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InUse);
            drop(io);
        });
        pulled.once(Close, move |_, _| join(thread));
        Ok(())
    });
}

#[test]
fn listeners_and_time_limits_stay() {
    let log = Log::default();
    let noting = log.clone();
    run(move || {
        let address = serve_one(|socket| acceptor().upgrade(socket).expect("it stands"))?;
        let client = Socket::connect(address)?;
        client.set_timeout(std::time::Duration::from_millis(20));
        let count = client.listener_count(Timeout);
        connector().upgrade(&client)?;
        assert_eq!(client.listener_count(Timeout), count);
        client.on(Timeout, move |client, ()| {
            if client.tls().is_none() {
                // The handshake takes longer on this machine.
                return;
            }
            noting.note(format!("timeout {}", client.tls().is_some()));
            client.end();
        });
        client.on(Secure, |_, ()| next_turn(|| ()));
        client.resume();
        Ok(())
    });
    assert!(log.ends_with(&["timeout true"]), "{log:?}");
    assert_eq!(ANY.port(), 0);
}

#[test]
fn who_is_upgraded_before_it_stands_and_has_no_name_has_that_of_whom_it_connects_to() {
    let log = Log::default();
    let asking = log.clone();
    run(move || {
        let acceptor = super::support::identity(&["127.0.0.1"]).into();
        let address = super::support::serve_one(acceptor, &asking, Socket::end)?;
        let client = Socket::connect(address)?;
        watch(&asking, &client);
        let connector = onward::tls::Connector::new();
        connector.trust_pem(super::support::authority().pem())?.upgrade(&client)
    });
    log.assert(&["connect", "secure", "end", "finish", "close false"]);
}
