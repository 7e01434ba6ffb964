//! Servers: when they listen, whom they serve, and when they are over.

use crate::common::{ANY, Log, guest, join, logged, next_turn, plain, run};
use onward::events::*;
use onward::net::{Address, Server, Socket};
use std::cell::RefCell;
use std::io::Read as _;
use std::net::{Shutdown, ToSocketAddrs};
use std::rc::Rc;

fn watch(server: &Server, log: &Log) {
    let (listening, error, close) = (log.clone(), log.clone(), log.clone());
    server.on(Listening, move |_, ()| listening.note("listening"));
    server.on(Error, move |_, _| error.note("error"));
    server.on(Close, move |_, ()| close.note("close"));
}

/// What a client gets until it is over.
fn read_all(address: impl ToSocketAddrs + Send + 'static) -> std::thread::JoinHandle<String> {
    guest(address, |mut stream| {
        let mut all = String::new();
        match stream.read_to_string(&mut all) {
            Ok(_) => all,
            Err(error) => format!("{:?}", error.kind()),
        }
    })
}

#[test]
fn a_server_tells_listening_then_connections_then_close() {
    let seen = logged(move |log| {
        let server = Server::listen(ANY)?;
        watch(&server, &log);
        let clients = [plain(server.local_addr()), plain(server.local_addr())];
        let mut guests = 0;
        server.on(Connection, move |server, socket| {
            guests += 1;
            log.note("connection");
            assert_eq!((server.connections(), server.is_listening()), (guests, true));
            socket.resume();
            if guests == 2 {
                server.close();
                assert!(!server.is_listening());
                server.close();
                clients
                    .iter()
                    .for_each(|client| client.shutdown(Shutdown::Write).expect("it is open"));
            }
        });
        Ok(())
    });
    seen.assert(&["listening", "connection", "connection", "close"]);
}

#[test]
fn a_server_that_is_closed_before_it_listens_tells_close_only() {
    let seen = logged(move |log| {
        let server = Server::listen(ANY)?;
        watch(&server, &log);
        server.close();
        log.assert(&[]);
        Ok(())
    });
    seen.assert(&["close"]);
}

#[test]
fn close_waits_for_the_last_connection_and_comes_after_its_close() {
    let seen = logged(move |log| {
        let server = Server::listen(ANY)?;
        watch(&server, &log);
        let client = read_all(server.local_addr());
        server.on(Connection, move |server, socket| {
            server.close();
            let closing = log.clone();
            socket.on(Close, move |_, _| closing.note("socket close"));
            let (log, server) = (log.clone(), server.clone());
            next_turn(move || {
                log.assert(&["listening"]);
                assert_eq!(server.connections(), 1);
                socket.end_with("bye");
                socket.resume();
            });
        });
        server.on(Close, move |server, ()| assert_eq!(server.connections(), 0));
        drop(client);
        Ok(())
    });
    seen.assert(&["listening", "socket close", "close"]);
}

#[test]
fn the_address_is_free_at_once_even_while_connections_live() {
    run(|| {
        let first = Server::listen(ANY)?;
        let address = first.local_addr();
        assert!(Server::listen(address).is_err_and(|error| error.is_addr_in_use()));
        let clients = Rc::new(RefCell::new(vec![read_all(address)]));
        first.on(Connection, move |first, old| {
            first.close();
            let second = Server::listen(address).expect("it is free");
            clients.borrow_mut().push(read_all(address));
            let clients = Rc::clone(&clients);
            second.on(Connection, move |second, new| {
                second.close();
                assert!(!old.is_destroyed());
                for (socket, text) in [(&old, "old"), (&new, "new")] {
                    socket.end_with(text);
                    socket.resume();
                }
                let clients = clients.take();
                second.once(Close, move |_, ()| {
                    let heard: Vec<String> = clients.into_iter().map(join).collect();
                    assert_eq!(heard, ["old", "new"]);
                });
            });
        });
        Ok(())
    });
}

#[test]
fn a_closed_server_can_be_listened_for_again_in_the_same_breath() {
    run(|| {
        let mut address = Address::from(ANY);
        for _ in 0..20 {
            let server = Server::listen(address)?;
            address = server.local_addr();
            server.close();
        }
        Ok(())
    });
}

#[test]
fn a_connection_that_no_listener_takes_is_closed() {
    let seen = logged(move |log| {
        let server = Server::listen(ANY)?;
        let client = Socket::connect(server.local_addr())?;
        log.watch(&client);
        client.on(Close, move |_, _| {
            assert_eq!(server.connections(), 0);
            server.close();
        });
        Ok(())
    });
    seen.assert(&["connect", "end", "finish", "close false"]);
}

#[test]
fn many_sockets_and_their_server_closed_in_one_turn_tell_close_once_each() {
    const GUESTS: usize = 10;
    let seen = logged(move |log| {
        let server = Server::listen(ANY)?;
        watch(&server, &log);
        let clients: Vec<_> = (0..GUESTS).map(|_| read_all(server.local_addr())).collect();
        let mut sockets = Vec::new();
        server.on(Connection, move |server, socket| {
            let log = log.clone();
            socket.on(Close, move |_, _| log.note("socket close"));
            sockets.push(socket);
            if sockets.len() == GUESTS {
                sockets.iter().for_each(Socket::destroy);
                server.close();
                sockets.clear();
            }
        });
        server.once(Close, move |_, ()| {
            clients.into_iter().for_each(|client| assert_eq!(join(client), ""))
        });
        Ok(())
    });
    let mut expected = vec!["listening"];
    expected.extend([["socket close"; GUESTS].as_slice(), &["close"]].concat());
    seen.assert(&expected);
}

#[test]
fn after_close_in_the_connection_listener_nobody_else_is_served() {
    let seen = logged(move |log| {
        let server = Server::listen(ANY)?;
        // All three are in the kernel's queue before the loop accepts the first.
        let clients: Vec<_> = (0..3).map(|_| plain(server.local_addr())).collect();
        server.on(Connection, move |server, socket| {
            log.note("connection");
            server.close();
            socket.destroy();
        });
        server.once(Close, move |_, ()| drop(clients));
        Ok(())
    });
    seen.assert(&["connection"]);
}

#[test]
fn more_guests_at_once_than_are_accepted_in_a_turn_are_all_served() {
    const GUESTS: usize = 300;
    run(|| {
        let server = Server::listen(ANY)?;
        let clients: Vec<_> = (0..GUESTS).map(|_| plain(server.local_addr())).collect();
        let mut guests = 0;
        server.on(Connection, move |server, socket| {
            guests += 1;
            socket.end_with("x");
            socket.resume();
            if guests == GUESTS {
                server.close();
            }
        });
        let reader = std::thread::spawn(|| {
            clients
                .into_iter()
                .map(|mut client| client.read(&mut [0; 2]).expect("an answer"))
                .sum::<usize>()
        });
        server.once(Close, move |_, ()| assert_eq!(join(reader), GUESTS));
        Ok(())
    });
}

#[test]
fn servers_drop_their_listeners_after_close() {
    let token = Rc::new(());
    let held = Rc::clone(&token);
    run(move || {
        let server = Server::listen(ANY)?;
        let cycle = (server.clone(), held);
        server.on(Connection, move |_, _| drop(cycle.clone()));
        server.on(Listening, |server, ()| server.close());
        Ok(())
    });
    assert_eq!(Rc::strong_count(&token), 1);
}
