//! From a name to its addresses, and to a connection.

use crate::common::{ANY, LIMIT, Log, logged, next_turn, nobody, run, run_within};
use onward::events::*;
use onward::inspect::{self, Resource, ResourceKind};
use onward::net::{self, Connector, Family, Server, Socket};
use onward::{ErrorKind, EventLoop, Result};
use std::cell::Cell;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

/// A name that stands for these.
fn stands_for(addresses: &[SocketAddr]) -> Connector {
    let addresses = addresses.to_vec();
    // The next attempt begins when one has failed, and not before.
    Connector::new().attempt_delay(LIMIT).lookup(move |_, _| {
        let addresses = addresses.clone();
        async move { Ok(addresses) }
    })
}

/// Notes every event, with the addresses as numbers by their places.
fn watch(log: &Log, socket: &Socket, places: &[SocketAddr]) {
    let place = |places: &[SocketAddr], address| {
        places.iter().position(|other| *other == address).expect("an address of the name")
    };
    let (told, count) = (log.clone(), places.len());
    socket.on(Lookup, move |_, found| {
        assert_eq!(found.len(), count);
        told.note("lookup");
    });
    let (told, known) = (log.clone(), places.to_vec());
    socket.on(ConnectionAttempt, move |_, address| {
        told.note(format!("attempt {}", place(&known, address)));
    });
    let (told, known) = (log.clone(), places.to_vec());
    socket.on(ConnectionAttemptFailed, move |_, (address, error)| {
        assert_eq!(error.operation(), "connect");
        told.note(format!("failed {}", place(&known, address)));
    });
    log.watch(socket);
}

fn server() -> (Server, SocketAddr) {
    let server = Server::listen(ANY).expect("a free port");
    server.on(Connection, |server, socket| {
        server.close();
        socket.end();
        socket.resume();
    });
    let address = server.local_addr().as_socket_addr().expect("an IP address");
    (server, address)
}

#[test]
fn a_name_is_looked_up_then_tried_then_connected_to() {
    let seen = logged(move |log| {
        let (_, address) = server();
        let socket = stands_for(&[address]).connect("db.internal:80")?;
        assert_eq!(format!("{socket:?}"), "Socket(db.internal:80, connecting)");
        watch(&log, &socket, &[address]);
        log.assert(&[]);
        socket.on(Connect, move |socket, ()| assert_eq!(socket.peer_addr(), Some(address.into())));
        Ok(())
    });
    seen.assert(&["lookup", "attempt 0", "connect", "end", "finish", "close false"]);
}

#[test]
fn a_number_is_tried_without_a_lookup() {
    let seen = logged(move |log| {
        let (_, address) = server();
        let socket = Socket::connect(address)?;
        watch(&log, &socket, &[address]);
        log.assert(&[]);
        Ok(())
    });
    seen.assert(&["attempt 0", "connect", "end", "finish", "close false"]);
}

#[test]
fn a_single_attempt_that_fails_is_told_before_the_error() {
    let seen = logged(move |log| {
        let there = nobody();
        let socket = Socket::connect(there)?;
        watch(&log, &socket, &[there]);
        socket.on(Error, |_, error| assert!(error.causes().is_empty()));
        Ok(())
    });
    seen.assert(&["attempt 0", "failed 0", "error ConnectionRefused", "close true"]);
    // TCP has no multicast: the system knows without asking anybody.
    let seen = logged(move |log| {
        let there = ([224, 0, 0, 1], 9).into();
        let socket = stands_for(&[there]).connect("all.internal:9")?;
        watch(&log, &socket, &[there]);
        socket.on(Error, |_, error| {
            let text = "connect all.internal:9 (224.0.0.1:9): ";
            assert!(error.to_string().starts_with(text), "{error}");
        });
        Ok(())
    });
    assert!(seen.len() == 5 && seen.ends_with(&["close true"]));
}

#[test]
fn the_next_address_is_tried_as_soon_as_one_has_failed() {
    let seen = logged(move |log| {
        let (_, address) = server();
        // The first is refused by the peer, the second by this system, without asking anybody.
        let places = [nobody(), ([224, 0, 0, 1], 9).into(), address, nobody()];
        let socket = stands_for(&places).connect("db.internal:80")?;
        watch(&log, &socket, &places);
        socket.on(Connect, move |socket, ()| assert_eq!(socket.peer_addr(), Some(address.into())));
        Ok(())
    });
    seen.assert(&[
        "lookup",
        "attempt 0",
        "failed 0",
        "attempt 1",
        "failed 1",
        "attempt 2",
        "connect",
        "end",
        "finish",
        "close false",
    ]);
}

#[test]
fn when_all_have_failed_one_error_names_them_all() {
    let seen = logged(move |log| {
        let places = [nobody(), ([224, 0, 0, 1], 9).into(), nobody()];
        let socket = stands_for(&places).connect("db.internal:80")?;
        watch(&log, &socket, &places);
        socket.write("never sent");
        socket.on(Error, move |_, error| {
            assert_eq!((error.kind(), error.operation()), (ErrorKind::Io, "connect"));
            assert_eq!(error.target(), Some("db.internal:80"));
            assert_eq!(error.io_kind(), Some(io::ErrorKind::ConnectionRefused));
            let (causes, text) = (error.causes(), error.to_string());
            assert_eq!(causes.len(), 3);
            assert!(
                text.starts_with("connect db.internal:80: all of 3 failed: connect "),
                "{text}"
            );
            for (cause, place) in causes.iter().zip(places) {
                assert_eq!(cause.target(), Some(&*place.to_string()));
                assert!(text.contains(&cause.to_string()), "{text}");
            }
        });
        Ok(())
    });
    let attempts = ["attempt 0", "failed 0", "attempt 1", "failed 1", "attempt 2", "failed 2"];
    let error = ["error ConnectionRefused", "close true"];
    seen.assert(&[&["lookup"], attempts.as_slice(), &error].concat());
}

#[test]
fn more_failures_than_a_stack_would_hold_are_one_error() {
    const COUNT: usize = 50_000;
    run(|| {
        let places = vec![([224, 0, 0, 1], 9).into(); COUNT];
        let socket = stands_for(&places).connect("db.internal:80")?;
        socket.on(Error, |_, error| assert_eq!(error.causes().len(), COUNT));
        Ok(())
    });
}

/// All that can be told on the way, and what is told if the socket is destroyed then.
#[test]
fn a_socket_that_is_destroyed_on_the_way_tells_close_only_and_leaves_nothing() {
    let steps: [(&str, &[&str]); 3] = [
        ("lookup", &["lookup", "close false"]),
        ("attempt", &["lookup", "attempt 0", "close false"]),
        ("failed", &["lookup", "attempt 0", "failed 0", "close false"]),
    ];
    for (step, expected) in steps {
        let seen = logged(move |log| {
            let places = [nobody(), nobody()];
            let socket = stands_for(&places).connect("db.internal:80")?;
            watch(&log, &socket, &places);
            match step {
                "lookup" => drop(socket.on(Lookup, |socket, _| socket.destroy())),
                "attempt" => drop(socket.on(ConnectionAttempt, |socket, _| socket.destroy())),
                _ => drop(socket.on(ConnectionAttemptFailed, |socket, _| socket.destroy())),
            }
            socket.on(Close, |_, _| next_turn(|| assert_eq!(left(), 0)));
            Ok(())
        });
        seen.assert(expected);
    }
}

/// Sources that are on the loop.
fn left() -> usize {
    let is_socket = |resource: &&Resource| resource.kind == ResourceKind::TcpSocket;
    inspect::dump().resources.iter().filter(is_socket).count()
}

#[test]
fn a_listener_that_panics_on_the_way_does_not_keep_it_from_its_end() {
    for step in ["lookup", "attempt", "failed"] {
        let log = Log::default();
        let event_loop = EventLoop::new().expect("a loop");
        event_loop.enter(|| {
            let (_, address) = server();
            let places = [([224, 0, 0, 1], 9).into(), nobody(), address];
            let socket = stands_for(&places).connect("db.internal:80").expect("an address");
            watch(&log, &socket, &places);
            match step {
                "lookup" => drop(socket.on(Lookup, |_, _| panic!("as it should"))),
                "attempt" => drop(socket.once(ConnectionAttempt, |_, _| panic!("as it should"))),
                _ => drop(socket.once(ConnectionAttemptFailed, |_, _| panic!("as it should"))),
            }
        });
        let mut panics = 0;
        while catch_unwind(AssertUnwindSafe(|| event_loop.run().expect("no error"))).is_err() {
            panics += 1;
        }
        assert_eq!(panics, 1, "{step}");
        assert!(
            log.ends_with(&["attempt 2", "connect", "end", "finish", "close false"]),
            "{log:?}"
        );
    }
}

#[test]
fn families_and_the_first_address_alone_can_be_asked_for() {
    let seen = logged(move |log| {
        let (_, address) = server();
        let six: SocketAddr = "[::1]:9".parse().expect("an address");
        let socket = stands_for(&[six, address]).family(Family::V4).connect("db.internal:80")?;
        watch(&log, &socket, &[six, address]);
        let only = stands_for(&[nobody(), address]).only_first(true).connect("db.internal:80")?;
        only.on(Error, |_, error| assert!(error.causes().is_empty()));
        let none = stands_for(&[address]).family(Family::V6).connect("db.internal:80")?;
        none.on(Error, |_, error| {
            assert_eq!(error.io_kind(), Some(io::ErrorKind::NotFound));
            assert_eq!(error.target(), Some("db.internal:80"));
        });
        Ok(())
    });
    seen.assert(&["lookup", "attempt 1", "connect", "end", "finish", "close false"]);
}

#[test]
fn version_six_is_tried_beside_version_four_where_the_machine_has_it() {
    if TcpListener::bind("[::1]:0").is_err() {
        return;
    }
    let seen = logged(move |log| {
        let six = Server::listen("[::1]:0")?;
        six.on(Connection, |server, socket| {
            server.close();
            socket.end();
            socket.resume();
        });
        let here = six.local_addr().as_socket_addr().expect("an IP address");
        let places = [nobody(), nobody(), here];
        // The first of IPv6 has its turn after the first of IPv4.
        let socket = stands_for(&places).connect("db.internal:80")?;
        watch(&log, &socket, &places);
        Ok(())
    });
    seen.assert(&[
        "lookup",
        "attempt 0",
        "failed 0",
        "attempt 2",
        "connect",
        "end",
        "finish",
        "close false",
    ]);
}

#[test]
fn a_lookup_of_ones_own_may_fail_and_is_dropped_when_nobody_waits() {
    let token = Rc::new(());
    let held = Rc::clone(&token);
    run(move || {
        let failing = Connector::new().lookup(|host, port| {
            let text = format!("{host} and {port}");
            async move { Err(onward::Error::other(text)) }
        });
        let socket = failing.connect("db.internal:80")?;
        socket.on(Error, |_, error| {
            assert!(error.to_string().ends_with("db.internal and 80"), "{error}")
        });
        let endless = Connector::new().lookup(move |_, _| {
            let held = Rc::clone(&held);
            async move {
                let _held = held;
                std::future::pending::<Result<Vec<SocketAddr>>>().await
            }
        });
        let socket = endless.connect("db.internal:80")?;
        onward::set_immediate(move || socket.destroy());
        let unref = endless.connect("db.internal:80")?;
        unref.unref();
        Ok(())
    });
    assert_eq!(Rc::strong_count(&token), 1);
    let called = catch_unwind(|| {
        let panics = Connector::new()
            .lookup(|_, _| -> std::future::Ready<Result<_>> { panic!("as it should") });
        run_within(LIMIT, move || panics.connect("db.internal:80").map(drop))
    });
    assert!(called.is_err());
}

#[test]
fn a_lookup_gives_addresses_to_a_callback_or_a_future() {
    run(|| {
        net::lookup("127.0.0.1:80")?.then(|found| {
            assert_eq!(found.expect("a number"), [SocketAddr::from(([127, 0, 0, 1], 80))]);
        });
        // A number as only the system's resolver reads it, which is a name for everybody else.
        if cfg!(target_os = "linux") {
            net::lookup("127.1:80")?.then(|found| {
                assert_eq!(found.expect("it is known"), [SocketAddr::from(([127, 0, 0, 1], 80))]);
            });
        }
        let name = format!("{}.invalid:80", "a".repeat(64));
        let asked = name.clone();
        net::lookup(&name)?.then(move |found| {
            let error = found.expect_err("nobody knows it");
            assert_eq!((error.operation(), error.target()), ("look up", Some(&*asked)));
        });
        onward::spawn(async move {
            let (first, second) = (net::lookup(&name), net::lookup(&name));
            drop(first);
            let error = second.expect("a name").await.expect_err("nobody knows it");
            assert_eq!(error.kind(), ErrorKind::Io);
        });
        for wrong in ["", "host", "a b:80"] {
            assert_eq!(net::lookup(wrong).expect_err(wrong).kind(), ErrorKind::InvalidInput);
        }
        Ok(())
    });
    assert_eq!(net::lookup("host:80").expect_err("no loop").kind(), ErrorKind::NotInLoop);
}

#[test]
fn who_waits_for_a_name_when_the_loop_ends_is_told() {
    let told = Rc::new(Cell::new(None));
    let kept = Rc::clone(&told);
    run_within(LIMIT, move || {
        let lookup = net::lookup("name.invalid:80")?;
        onward::spawn(async move { kept.set(Some(lookup.await)) }).unref();
        onward::stop();
        Ok(())
    })
    .expect("it ends well");
    // It was cancelled with the loop, or told.
    assert!(told.take().is_none_or(|found| found.is_err()));
}

#[test]
fn an_attempt_is_told_though_it_is_listened_for_only_later() {
    let seen = logged(move |log| {
        let (_, address) = server();
        let socket = Socket::connect(address)?;
        onward::next_tick(move || {
            watch(&log, &socket, &[address]);
            log.note("now");
        });
        Ok(())
    });
    seen.assert(&["now", "attempt 0", "connect", "end", "finish", "close false"]);
    onward::run(|| {
        onward::set_timeout(Duration::ZERO, || {});
        Ok(())
    })
    .expect("it ends well");
}

/// The first address answers late, while the second does not answer at all: none is broken off.
#[cfg(target_os = "linux")]
#[test]
fn an_address_that_is_slow_to_answer_is_still_heard() {
    use std::net::TcpStream;

    let hole = || {
        let listener = TcpListener::bind(ANY).expect("a free port");
        // The standard library's queue is long: this makes it short.
        socket2::SockRef::from(&listener).listen(0).expect("it listens anyway");
        let address = listener.local_addr().expect("an address");
        let mut queue = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
            queue.push(stream);
        }
        (address, listener, queue)
    };
    let (first, second) = (hole(), hole());
    let seen = logged(move |log| {
        let places = [first.0, second.0];
        let connector = stands_for(&places).attempt_delay(Duration::from_millis(10));
        let socket = connector.connect("db.internal:80")?;
        watch(&log, &socket, &places);
        let full = Cell::new(Some((first.1, first.2)));
        socket.on(ConnectionAttempt, move |_, address| {
            if address != second.0 {
                return;
            }
            // Now there is room, and the kernel tries again by itself.
            let (listener, queue) = full.take().expect("it is tried once");
            queue.iter().for_each(|_| drop(listener.accept().expect("somebody waits")));
            onward::spawn_blocking(move || drop(listener.accept().expect("ours comes"))).then(drop);
        });
        socket.on(Connect, move |socket, ()| {
            assert_eq!(socket.peer_addr(), Some(first.0.into()));
            socket.destroy();
            assert!(!second.2.is_empty(), "the other is kept until here");
        });
        Ok(())
    });
    seen.assert(&["lookup", "attempt 0", "attempt 1", "connect", "close false"]);
}
