//! Servers that come to an end with their connections.

use crate::common::{ANY, LIMIT, Log, guest, join, logged, plain, run};
use onward::events::*;
use onward::net::{Server, Socket};
use std::cell::Cell;
use std::io::Read as _;
use std::rc::Rc;
use std::time::Duration;

/// The number of those that were destroyed.
fn finished(result: onward::Result<usize>) -> usize {
    result.expect("nobody cancels it")
}

#[test]
fn close_all_destroys_the_connections_and_then_the_server_is_closed() {
    const GUESTS: usize = 5;
    let seen = logged(move |log| {
        let server = Server::listen(ANY)?;
        let clients: Vec<_> = (0..GUESTS).map(|_| plain(server.local_addr())).collect();
        let to = log.clone();
        server.on(Connection, move |server, socket| {
            let log = to.clone();
            socket.on(Close, move |_, had_error| log.note(format!("socket {had_error}")));
            if server.connections() == GUESTS {
                assert_eq!(server.sockets().len(), GUESTS);
                server.close_all();
                server.close_all();
                assert!(!server.is_listening());
                to.assert(&[]);
            }
        });
        server.on(Close, move |server, ()| {
            log.note("close");
            assert_eq!(server.sockets().len(), 0);
            assert!(!clients.is_empty());
        });
        Ok(())
    });
    let mut expected = vec!["socket false"; GUESTS];
    expected.push("close");
    seen.assert(&expected);
}

#[test]
fn shutdown_ends_those_who_have_nothing_left_to_say_and_completes_with_close() {
    let log = Log::default();
    let seen = log.clone();
    let hearing = Rc::new(Cell::new(None));
    let heard = Rc::clone(&hearing);
    run(move || {
        let server = Server::listen(ANY)?;
        hearing.set(Some(guest(server.local_addr(), |mut stream| {
            let mut all = Vec::new();
            stream.read_to_end(&mut all).expect("the end").min(all.len())
        })));
        let to = log.clone();
        server.on(Connection, move |server, socket| {
            let log = to.clone();
            socket.on(Close, move |_, had_error| log.note(format!("socket {had_error}")));
            socket.resume();
            socket.write(vec![1; 5 << 20]);
            let ended = server.shutdown(LIMIT);
            assert!(!socket.is_ended(), "not from inside of the call");
            let log = to.clone();
            onward::spawn(async move { log.note(format!("destroyed {}", finished(ended.await))) });
        });
        server.on(Close, move |_, ()| log.note("close"));
        Ok(())
    });
    seen.assert(&["socket false", "close", "destroyed 0"]);
    assert_eq!(heard.take().map(join), Some(5 << 20));
}

#[test]
fn who_listens_for_shutdown_ends_when_it_suits() {
    let seen = logged(move |log| {
        let server = Server::listen(ANY)?;
        let to = log.clone();
        server.on(Connection, move |server, socket| {
            let log = to.clone();
            socket.on(Shutdown, move |socket, ()| {
                log.note("shutdown");
                let socket = socket.clone();
                // The answer takes some time yet.
                onward::set_timeout(Duration::from_millis(5), move || socket.end_with("answer"));
            });
            socket.resume();
            drop(server.shutdown(LIMIT));
        });
        let client = Socket::connect(server.local_addr())?;
        client.on(Data, move |_, chunk| log.data(chunk));
        Ok(())
    });
    seen.assert(&["shutdown", "data answer"]);
}

#[test]
fn who_does_not_end_is_destroyed_when_the_time_is_up() {
    let seen = logged(move |log| {
        let server = Server::listen(ANY)?;
        let clients: Vec<_> = (0..2).map(|_| plain(server.local_addr())).collect();
        let to = log.clone();
        server.on(Connection, move |server, socket| {
            let log = to.clone();
            socket.on(Finish, move |_, ()| log.note("finish"));
            let log = to.clone();
            socket.on(Close, move |_, had_error| log.note(format!("socket {had_error}")));
            socket.resume();
            if server.connections() == 2 {
                let began = onward::now();
                // Time enough to tell that they have been asked.
                let limit = Duration::from_millis(250);
                let (ended, log) = (server.shutdown(limit), to.clone());
                onward::spawn(async move {
                    log.note(format!("destroyed {}", finished(ended.await)));
                    assert!(onward::now() - began >= limit);
                });
            }
        });
        server.on(Close, move |_, ()| {
            log.note("close");
            assert!(!clients.is_empty());
        });
        Ok(())
    });
    seen.assert(&["finish", "finish", "socket false", "socket false", "close", "destroyed 2"]);
}

#[test]
fn a_server_without_connections_shuts_down_at_once_and_again_does_nothing() {
    let seen = logged(move |log| {
        let server = Server::listen(ANY)?;
        let to = log.clone();
        server.on(Close, move |_, ()| to.note("close"));
        let (first, second) = (server.shutdown(LIMIT), server.shutdown(LIMIT));
        onward::spawn(async move {
            log.note(format!("destroyed {} {}", finished(first.await), finished(second.await)));
            log.note(format!("destroyed {}", finished(server.shutdown(LIMIT).await)));
        });
        Ok(())
    });
    seen.assert(&["close", "destroyed 0 0", "destroyed 0"]);
}

#[test]
fn sockets_that_a_shutdown_listener_destroys_are_not_asked_any_more() {
    let seen = logged(move |log| {
        let server = Server::listen(ANY)?;
        let clients: Vec<_> = (0..3).map(|_| plain(server.local_addr())).collect();
        let to = log.clone();
        server.on(Connection, move |server, socket| {
            let (server_again, log) = (server.clone(), to.clone());
            socket.on(Shutdown, move |_, ()| {
                log.note("shutdown");
                server_again.sockets().iter().for_each(Socket::destroy);
            });
            if server.connections() == 3 {
                drop(server.shutdown(LIMIT));
            }
        });
        server.on(Close, move |_, ()| {
            log.note("close");
            assert!(!clients.is_empty());
        });
        Ok(())
    });
    seen.assert(&["shutdown", "close"]);
}
