//! Servers of encrypted connections, as a whole.

use super::support::{acceptor, connector};
use crate::common::{ANY, LIMIT, Log, next_turn, run};
use onward::abort::{AbortController, Abortable as _};
use onward::events::*;
use onward::net::{self, ServerOptions};
use onward::tls::{Server, rustls};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

#[test]
fn a_connection_that_nobody_takes_is_closed() {
    run(|| {
        let server = Server::listen(ANY, acceptor())?;
        let client = connector().connect(server.local_addr())?;
        client.on(Close, move |_, _| server.close());
        client.on(Error, |_, _| {});
        client.resume();
        Ok(())
    });
}

#[test]
fn it_tells_what_the_server_below_tells() {
    let log = Log::default();
    let noting = log.clone();
    run(move || {
        let below = ServerOptions::new().max_connections(1).listen(ANY)?;
        let server = Server::over(below, acceptor());
        let log = noting.clone();
        server.on(Listening, move |_, ()| log.note("listening"));
        let log = noting.clone();
        server.on(Dropped, move |server, (own, _)| {
            assert_eq!(own, server.local_addr());
            log.note("dropped");
            server.close_all();
        });
        let log = noting.clone();
        server.on(Close, move |server, ()| {
            assert_eq!(server.connections(), 0);
            assert!(!server.is_listening());
            log.note("close");
        });
        let address = server.local_addr();
        server.on(SecureConnection, move |_, _| {
            let second = net::Socket::connect(address).expect("an address");
            second.on(Error, |_, _| {});
            second.resume();
        });
        let client = connector().connect(address)?;
        client.on(Error, |_, _| {});
        client.resume();
        Ok(())
    });
    log.assert(&["listening", "dropped", "close"]);
}

#[test]
fn a_shutdown_says_goodbye_to_those_who_are_secure() {
    let log = Log::default();
    let noting = log.clone();
    run(move || {
        let server = Server::listen(ANY, acceptor())?;
        server.on(SecureConnection, |server, socket| {
            socket.on(Shutdown, |socket, ()| socket.end_with("goodbye"));
            socket.resume();
            let ended = server.shutdown(Duration::from_secs(20));
            onward::spawn_or_fail(async move {
                assert_eq!(ended.await?, 0);
                Ok(())
            });
        });
        let client = connector().connect(server.local_addr())?;
        noting.watch(&client);
        Ok(())
    });
    log.assert(&["connect", "data goodbye", "end", "finish", "close false"]);
}

#[test]
fn it_closes_when_a_signal_says_so_and_connections_when_another_does() {
    let log = Log::default();
    let noting = log.clone();
    run(move || {
        let (server_gone, client_gone) = (AbortController::new(), AbortController::new());
        let (on_server, on_client) = (server_gone.signal(), client_gone.signal());
        let server = Server::listen(ANY, acceptor())?.abort_on(&on_server);
        server.on(SecureConnection, move |_, socket| {
            socket.on(Error, |_, _| {});
            socket.resume();
            server_gone.abort();
            client_gone.abort();
        });
        let client = connector().connect(server.local_addr())?;
        noting.watch(&client);
        client.abort_on(&on_client);
        Ok(())
    });
    log.assert(&["connect", "error Aborted", "close true"]);
}

#[test]
fn a_crowd_at_the_door_is_served_in_turns() {
    const GUESTS: usize = 60;
    let served = Rc::new(Cell::new(0));
    let counting = Rc::clone(&served);
    run(move || {
        let server = Server::listen(ANY, acceptor())?;
        server.on(SecureConnection, move |server, socket| {
            socket.end_with("hello");
            counting.set(counting.get() + 1);
            if counting.get() == GUESTS {
                server.close();
            }
        });
        let connector = connector();
        for _ in 0..GUESTS {
            let client = connector.connect(server.local_addr())?;
            client.on(Close, |client, had_error| {
                assert!(!had_error);
                assert_eq!(client.bytes_read(), 5);
            });
            client.resume();
        }
        Ok(())
    });
    assert_eq!(served.get(), GUESTS);
}

#[test]
fn a_listener_that_panics_when_it_is_secure_leaves_a_socket_that_goes_on() {
    let log = Log::default();
    let noting = log.clone();
    let event_loop = onward::EventLoop::new().unwrap();
    event_loop
        .enter(|| {
            let server = Server::listen(ANY, acceptor())?;
            server.on(SecureConnection, |server, socket| {
                server.close();
                socket.end_with("hello");
            });
            let client = connector().connect(server.local_addr())?;
            noting.watch(&client);
            client.once(Secure, |_, ()| panic!("no cats here"));
            onward::Result::<()>::Ok(())
        })
        .unwrap();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| event_loop.run()));
    assert!(panicked.is_err());
    event_loop.run().unwrap();
    log.assert(&["connect", "data hello", "end", "finish", "close false"]);
}

#[test]
fn what_was_written_before_a_listener_of_secure_panics_arrives() {
    let log = Log::default();
    let noting = log.clone();
    let event_loop = onward::EventLoop::new().unwrap();
    event_loop
        .enter(|| {
            let server = Server::listen(ANY, acceptor())?;
            let client = connector().connect(server.local_addr())?;
            client.write("hello");
            client.once(Secure, |_, ()| panic!("no cats here"));
            onward::set_timeout(LIMIT, || onward::stop()).unref();
            server.on(SecureConnection, move |server, socket| {
                server.close();
                noting.watch(&socket);
                let client = client.clone();
                // When it has read the tickets: who goes with something unread resets.
                let go = || next_turn(move || client.destroy());
                socket.once(Data, move |_, _| {
                    _ = onward::set_timeout(Duration::from_millis(100), go)
                });
            });
            onward::Result::<()>::Ok(())
        })
        .unwrap();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| event_loop.run()));
    assert!(panicked.is_err());
    event_loop.run().unwrap();
    log.assert(&["data hello", "error PrematureClose", "close true"]);
}

#[test]
fn a_server_that_ends_with_its_loop_or_whose_listener_of_close_panics_has_dropped_its_listeners() {
    for panics in [false, true] {
        let held = Rc::new(());
        let holding = Rc::clone(&held);
        let event_loop = onward::EventLoop::new().unwrap();
        event_loop
            .enter(|| {
                let server = Server::listen(ANY, acceptor())?;
                let itself = server.clone();
                server
                    .on(SecureConnection, move |_, _| drop((itself.clone(), Rc::clone(&holding))));
                if panics {
                    server.on(Close, |_, ()| panic!("on purpose"));
                    server.close();
                }
                onward::Result::<()>::Ok(())
            })
            .unwrap();
        let run = || if panics { event_loop.run() } else { Ok(()) };
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
        assert_eq!(panicked.is_err(), panics);
        drop(event_loop);
        assert_eq!(Rc::strong_count(&held), 1, "panics: {panics}");
    }
}

#[test]
fn a_listener_that_panics_over_a_connection_that_cannot_be_encrypted_does_not_keep_it() {
    let mut config = rustls::ServerConfig::clone(&super::support::server_config());
    config.max_fragment_size = Some(1);
    let event_loop = onward::EventLoop::new().unwrap();
    let log = Log::default();
    event_loop
        .enter(|| {
            let server = Server::listen(ANY, config)?;
            server.on(ClientError, |server, _| {
                server.close();
                panic!("on purpose");
            });
            let client = net::Socket::connect(server.local_addr())?;
            log.watch(&client);
            onward::set_timeout(LIMIT, move || client.destroy()).unref();
            onward::Result::<()>::Ok(())
        })
        .unwrap();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| event_loop.run()));
    assert!(panicked.is_err());
    event_loop.run().unwrap();
    log.assert(&["connect", "end", "finish", "close false"]);
}
