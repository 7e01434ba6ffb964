//! Connecting by name: which address is tried when, exact to the nanosecond. What the kernel answers takes no time by
//! this clock.
#![cfg(target_os = "linux")]

use super::support::{Log, MS, trace};
use onward::events::*;
use onward::net::{self, Connector, Server, Socket};
use onward::testing::Simulation;
use onward::{ErrorKind, inspect, pool, set_timeout};
use socket2::{Domain, Type};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

const ANY: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

/// An address that does not answer at all: its queue is full, and it accepts nobody. For as long as what comes with it
/// is kept.
fn black_hole() -> (SocketAddr, (socket2::Socket, Vec<TcpStream>)) {
    let listener = socket2::Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener.bind(&SocketAddr::from(ANY).into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let mut queue = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, 100 * MS) {
        queue.push(stream);
        assert!(queue.len() < 100, "it takes everybody");
    }
    (address, (listener, queue))
}

/// An address that refuses whoever comes, and is nobody else's for as long as what comes with it is kept.
fn nobody() -> (SocketAddr, socket2::Socket) {
    let socket = socket2::Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(ANY).into()).unwrap();
    (socket.local_addr().unwrap().as_socket().unwrap(), socket)
}

fn server() -> (Server, SocketAddr) {
    let server = Server::listen(SocketAddr::from(ANY)).unwrap();
    server.on(Connection, |server, socket| {
        server.close();
        socket.destroy();
    });
    let address = server.local_addr().as_socket_addr().unwrap();
    (server, address)
}

fn stands_for(addresses: &[SocketAddr]) -> Connector {
    let addresses = addresses.to_vec();
    Connector::new().lookup(move |_, _| {
        let addresses = addresses.clone();
        async move { Ok(addresses) }
    })
}

fn watch(log: &Log, socket: &Socket, places: &[SocketAddr]) {
    let noting = |what: &'static str| {
        let (log, places) = (log.clone(), places.to_vec());
        move |address| {
            let place = places.iter().position(|other| *other == address).unwrap();
            log.note(&format!("{what}{place}"));
        }
    };
    let (attempt, failed) = (noting("try"), noting("failed"));
    socket.on(ConnectionAttempt, move |_, address| attempt(address));
    socket.on(ConnectionAttemptFailed, move |_, (address, _)| failed(address));
    let (told, error, close) = (log.clone(), log.clone(), log.clone());
    socket.on(Connect, move |socket, ()| {
        told.note("connect");
        socket.destroy();
    });
    socket.on(Error, move |_, _| error.note("error"));
    socket.on(Close, move |_, _| close.note("close"));
}

#[test]
fn the_next_address_is_tried_a_quarter_of_a_second_after_the_first() {
    let (hole, _kept) = black_hole();
    let trace = trace(|log| {
        let (_, address) = server();
        let places = [hole, address];
        watch(log, &stands_for(&places).connect("db.internal:80")?, &places);
        Ok(())
    });
    assert_eq!(trace, "try0@0ns try1@250ms connect@250ms close@250ms");
}

#[test]
fn after_a_failure_the_next_is_tried_at_once_and_has_its_own_time() {
    let (hole, _kept) = black_hole();
    let ((first, _first), (second, _second)) = (nobody(), nobody());
    let trace = trace(|log| {
        let (_, address) = server();
        let places = [hole, first, second, address];
        let all = [hole, first, hole, second, address];
        let socket = stands_for(&all).attempt_delay(100 * MS).connect("db.internal:80")?;
        watch(log, &socket, &places);
        Ok(())
    });
    let expected = "try0@0ns try1@100ms failed1@100ms try0@100ms try2@200ms failed2@200ms try3@200ms connect@200ms close@200ms";
    assert_eq!(trace, expected);
}

#[test]
fn all_that_was_begun_is_given_up_with_the_socket() {
    let (hole, _kept) = black_hole();
    let log = Log::default();
    let simulation = Simulation::new().unwrap();
    simulation.enter(|| {
        let places = [hole; 4];
        let connector = stands_for(&places).attempt_delay(Duration::ZERO);
        let socket = connector.connect("db.internal:80").unwrap();
        watch(&log, &socket, &places);
        set_timeout(25 * MS, move || {
            let attempts = inspect::dump().resources.len();
            assert_eq!(attempts, 5, "the socket, three attempts, and the timer of the fourth");
            socket.destroy();
        });
    });
    simulation.run().unwrap();
    assert_eq!(log.take(), "try0@0ns try0@10ms try0@20ms close@25ms");
    assert_eq!(simulation.enter(inspect::dump).resources.len(), 0);
}

#[test]
fn the_end_of_the_loop_ends_attempts_too() {
    let (hole, _kept) = black_hole();
    let trace = trace(|log| {
        let places = [hole; 2];
        let socket = stands_for(&places).connect("db.internal:80")?;
        watch(log, &socket, &places);
        set_timeout(300 * MS, onward::stop);
        Ok(())
    });
    assert_eq!(trace, "try0@0ns try0@250ms close@300ms");
}

#[test]
fn an_unrefed_socket_does_not_hold_the_loop_with_its_attempts() {
    let (hole, _kept) = black_hole();
    let trace = trace(|log| {
        let places = [hole; 3];
        let socket = stands_for(&places).connect("db.internal:80")?;
        watch(log, &socket, &places);
        socket.unref();
        set_timeout(300 * MS, log.noting("last"));
        Ok(())
    });
    assert_eq!(trace, "try0@0ns try0@250ms last@300ms close@300ms");
}

/// Only here are names looked up in this program, so that what the pool does can be counted.
#[test]
fn a_name_is_looked_up_once_for_all_and_remembered_for_a_while() {
    let name = format!("{}.invalid:80", "a".repeat(64));
    let simulation = Simulation::new().unwrap();
    let done = || pool::stats().dns.done;
    let before = done();
    let ask = |times: usize| {
        simulation.enter(|| {
            for _ in 0..times {
                net::lookup(name.to_uppercase()).unwrap().then(|found| {
                    assert_eq!(found.unwrap_err().kind(), ErrorKind::Io);
                });
                Socket::connect(&name).unwrap().on(Error, |_, _| {});
            }
        });
        simulation.run().unwrap();
        done() - before
    };
    assert_eq!(ask(50), 1);
    assert_eq!(ask(50), 1, "it is remembered");
    simulation.advance(Duration::from_millis(999));
    assert_eq!(ask(1), 1);
    simulation.advance(Duration::from_millis(1));
    assert_eq!(ask(1), 2, "a second later it is not");
}
