//! As many connections as there may be, and no more.

use crate::common::{ANY, Log, join, logged, plain, run};
use onward::events::*;
use onward::net::{ServerOptions, Socket};
use std::cell::RefCell;
use std::io::Read as _;
use std::net::TcpStream;
use std::rc::Rc;

/// What a guest gets until it is over, in a thread.
fn hear(mut stream: TcpStream) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut all = String::new();
        match stream.read_to_string(&mut all) {
            Ok(_) => all,
            Err(error) => format!("{:?}", error.kind()),
        }
    })
}

#[test]
fn exactly_so_many_are_served_and_the_others_see_the_end_with_no_data() {
    const MOST: usize = 3;
    const GUESTS: usize = 10;
    let heard = Rc::new(RefCell::new(Vec::new()));
    let hearing = Rc::clone(&heard);
    run(move || {
        let server = ServerOptions::new().max_connections(MOST).listen(ANY)?;
        let clients: Vec<_> = (0..GUESTS).map(|_| plain(server.local_addr())).collect();
        let mut left: Vec<String> = clients[MOST..]
            .iter()
            .map(|client| client.local_addr().expect("it is connected").to_string())
            .collect();
        hearing.borrow_mut().extend(clients.into_iter().map(hear));
        server.on(Connection, |server, socket| {
            assert!(server.connections() <= MOST);
            socket.write("served");
            socket.resume();
        });
        server.on(Dropped, move |server, (near, far)| {
            assert_eq!(near, server.local_addr());
            assert_eq!(far.to_string(), left.remove(0));
            if left.is_empty() {
                server.close();
                server.sockets().iter().for_each(Socket::end);
            }
        });
        Ok(())
    });
    let heard: Vec<String> = heard.take().into_iter().map(join).collect();
    assert_eq!(heard[..MOST], ["served"; MOST]);
    assert!(heard[MOST..].iter().all(String::is_empty), "{heard:?}");
}

#[test]
fn a_guest_who_is_turned_away_sees_connect_end_and_close() {
    let (log, events) = (Log::default(), Log::default());
    let (seen, told) = (log.clone(), events.clone());
    run(move || {
        let server = ServerOptions::new().max_connections(0).listen(ANY)?;
        let to = events.clone();
        server.on(Connection, move |_, _| to.note("connection"));
        server.on(Dropped, move |server, _| {
            events.note("dropped");
            server.close();
        });
        log.watch(&Socket::connect(server.local_addr())?);
        Ok(())
    });
    seen.assert(&["connect", "end", "finish", "close false"]);
    told.assert(&["dropped"]);
}

#[test]
fn a_connection_that_closes_makes_room_for_another() {
    let seen = logged(move |log| {
        let server = ServerOptions::new().max_connections(1).listen(ANY)?;
        let (on_connection, on_drop) = (log.clone(), log.clone());
        server.on(Connection, move |_, socket| {
            on_connection.note("connection");
            let log = on_connection.clone();
            socket.on(Close, move |_, _| log.note("room"));
            socket.resume();
        });
        server.on(Dropped, move |_, _| on_drop.note("dropped"));
        let address = server.local_addr();
        let first = Socket::connect(address)?;
        first.resume();
        // The second finds no room; then the first goes, and the third finds some.
        first.on(Connect, move |first, ()| {
            let first = first.clone();
            let second = Socket::connect(address).expect("an address");
            second.resume();
            second.on(Close, move |_, _| first.end());
        });
        let closing = server.clone();
        first.on(Close, move |_, _| {
            let third = Socket::connect(address).expect("an address");
            third.resume();
            let server = closing.clone();
            third.on(Connect, |third, ()| third.end());
            third.on(Close, move |_, _| server.close());
        });
        Ok(())
    });
    seen.assert(&["connection", "dropped", "room", "connection", "room"]);
}

#[test]
fn the_limit_can_be_changed_and_those_who_are_there_stay() {
    let seen = logged(move |log| {
        let server = ServerOptions::new().listen(ANY)?;
        let clients: Vec<_> = (0..3).map(|_| plain(server.local_addr())).collect();
        let to = log.clone();
        server.on(Connection, move |server, socket| {
            to.note("connection");
            server.set_max_connections(1);
            socket.resume();
        });
        let mut dropped = 0;
        server.on(Dropped, move |server, _| {
            log.note("dropped");
            dropped += 1;
            if dropped == 2 {
                assert_eq!(server.connections(), 1);
                server.close_all();
            }
        });
        server.on(Close, move |_, ()| assert!(!clients.is_empty()));
        Ok(())
    });
    seen.assert(&["connection", "dropped", "dropped"]);
}
