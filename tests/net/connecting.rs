//! Connections that come about, and those that do not.

use crate::common::{ANY, LIMIT, Log, logged, nobody, run, run_within};
use onward::events::*;
use onward::net::{Server, Socket};
use onward::{ErrorKind, Result};
use std::cell::RefCell;
use std::io;
use std::rc::Rc;

/// The only error that connecting there gives, and the events around it.
fn fail_to_connect(address: &str) -> (onward::Error, Log) {
    let (log, error) = (Log::default(), Rc::new(RefCell::new(None)));
    let (seen, kept) = (log.clone(), Rc::clone(&error));
    let address = address.to_string();
    run(move || {
        let client = Socket::connect(address)?;
        log.watch(&client);
        client.write("never sent");
        client.on(Error, move |_, error| {
            assert!(kept.replace(Some(error.clone())).is_none(), "one error");
        });
        Ok(())
    });
    (error.take().expect("an error"), seen)
}

#[test]
fn a_refused_connection_is_an_error_that_names_the_address_and_a_close() {
    let address = nobody().to_string();
    let (error, log) = fail_to_connect(&address);
    log.assert(&["error ConnectionRefused", "close true"]);
    assert_eq!(error.kind(), ErrorKind::Io);
    assert_eq!(error.operation(), "connect");
    assert!(error.to_string().starts_with(&format!("connect {address}: ")), "{error}");
}

#[test]
fn an_error_that_nobody_listens_for_comes_out_of_run_and_names_the_socket() {
    let address = nobody().to_string();
    let log = Log::default();
    let (closing, asked) = (log.clone(), address.clone());
    let ended = run_within(LIMIT, move || {
        let client = Socket::connect(asked)?;
        client.on(Close, move |_, had_error| closing.note(format!("close {had_error}")));
        Ok(())
    });
    let error = ended.expect_err("nobody listened");
    assert_eq!(
        (error.kind(), error.io_kind()),
        (ErrorKind::Unhandled, Some(io::ErrorKind::ConnectionRefused))
    );
    let start = format!("unhandled error of Socket {address}: connect {address}: ");
    assert!(error.to_string().starts_with(&start), "{error}");
    log.assert(&["close true"]);
}

#[test]
fn an_error_monitor_sees_the_error_and_does_not_count_as_a_listener() {
    let log = Log::default();
    let monitor = log.clone();
    let ended = run_within(LIMIT, move || {
        let client = Socket::connect(nobody())?;
        client.on(ErrorMonitor, move |_, error| monitor.note(error.operation()));
        Ok(())
    });
    assert_eq!(ended.expect_err("nobody listened").kind(), ErrorKind::Unhandled);
    log.assert(&["connect"]);
}

#[test]
fn an_address_that_the_system_refuses_at_once_is_an_error_event_too() {
    // TCP has no multicast: the system knows without asking anybody.
    let (error, log) = fail_to_connect("224.0.0.1:9");
    assert_eq!(error.operation(), "connect");
    assert_eq!(error.target(), Some("224.0.0.1:9"));
    assert_eq!(log.len(), 2);
}

#[test]
fn a_name_that_nobody_knows_is_one_error_that_names_it() {
    // Too long for a name, in a part or in all: that is known without asking anybody who may take his time.
    for name in
        [format!("{}.invalid:80", "a".repeat(64)), format!("{}invalid:80", "a.".repeat(130))]
    {
        let (error, log) = fail_to_connect(&name);
        assert_eq!((error.operation(), error.target()), ("look up", Some(name.as_str())));
        assert!(error.to_string().starts_with(&format!("look up {name}: ")), "{error}");
        assert_eq!(log.len(), 2);
    }
}

#[test]
fn a_name_that_nobody_knows_and_nobody_listens_for_comes_out_of_run() {
    let name = format!("{}.invalid:80", "a".repeat(64));
    let asked = name.clone();
    let error =
        run_within(LIMIT, move || Socket::connect(asked).map(drop)).expect_err("nobody listened");
    assert_eq!(error.kind(), ErrorKind::Unhandled);
    assert!(
        error
            .to_string()
            .starts_with(&format!("unhandled error of Socket {name}: look up {name}: ")),
        "{error}"
    );
}

#[test]
fn localhost_needs_no_looking_up() {
    let seen = logged(move |log| {
        let server = Server::listen("localhost:0")?;
        server.on(Connection, |server, socket| {
            server.close();
            socket.resume();
        });
        let client =
            Socket::connect(format!("localhost:{}", server.local_addr().port().unwrap_or(0)))?;
        log.watch(&client);
        client.on(Connect, |client, ()| client.end());
        Ok(())
    });
    seen.assert(&["connect", "finish", "end", "close false"]);
}

#[test]
fn addresses_of_both_ends_are_known_once_the_connection_stands() {
    run(|| {
        let server = Server::listen(ANY)?;
        let address = server.local_addr();
        let client = Socket::connect(address)?;
        assert_eq!((client.peer_addr(), client.local_addr()), (None, None));
        assert_eq!(format!("{client:?}"), format!("Socket({address}, connecting)"));
        server.on(Connection, move |server, socket| {
            server.close();
            assert_eq!(socket.local_addr(), Some(address));
            let peer = socket.peer_addr().expect("it is connected");
            socket.end_with(peer.to_string());
            socket.resume();
        });
        client.on(Data, move |client, own| {
            let own = String::from_utf8_lossy(own).parse().expect("an address");
            assert_eq!((client.peer_addr(), client.local_addr()), (Some(address), Some(own)));
        });
        Ok(())
    });
}

#[test]
fn outside_of_a_loop_there_is_nothing_to_connect_or_to_listen_on() {
    let errors: [Result<()>; 2] = [Socket::connect(ANY).map(drop), Server::listen(ANY).map(drop)];
    for (error, operation) in errors.into_iter().zip(["connect", "listen"]) {
        let error = error.expect_err("no loop");
        assert_eq!((error.kind(), error.operation()), (ErrorKind::NotInLoop, operation));
    }
}
