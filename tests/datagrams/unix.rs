//! Datagrams through Unix sockets: with names, in order, and none lost.

use crate::common::{Log, logged, next_turn, run};
use onward::events::*;
use onward::net::{Address, UnixDatagram};
use onward::{ErrorKind, Result};
use std::cell::Cell;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

/// A path that is this test's alone.
fn path(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("onward-{name}-{}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    path
}

fn watch_all_but_messages(log: &Log, socket: &UnixDatagram) {
    let noting = |what: &'static str| {
        let log = log.clone();
        move |_: &UnixDatagram, ()| log.note(what)
    };
    socket.on(Listening, noting("listening"));
    socket.on(Connect, noting("connect"));
    socket.on(Drain, noting("drain"));
    socket.on(Close, noting("close"));
    let log = log.clone();
    socket.on(Error, move |_, error| log.note(format!("error {:?}", error.kind())));
}

fn watch(log: &Log, socket: &UnixDatagram) {
    watch_all_but_messages(log, socket);
    let log = log.clone();
    socket.on(Message, move |_, (bytes, _)| {
        log.note(format!("message {}", String::from_utf8_lossy(bytes)));
    });
}

#[test]
fn datagrams_go_to_a_path_and_are_answered_and_the_file_goes_with_the_socket() {
    let log = Log::default();
    let seen = log.clone();
    let (here, there) = (path("here"), path("there"));
    let files = [here.clone(), there.clone()];
    run(move || {
        let (client, server) = (UnixDatagram::bind(&here)?, UnixDatagram::bind(&there)?);
        assert_eq!(client.local_addr(), Some(Address::from_path(&here)?));
        watch(&log, &client);
        client.send_to("ping", Address::from_path(&there)?);
        server.on(Message, move |server, (bytes, from)| {
            assert_eq!((bytes, from.path()), (b"ping".as_slice(), Some(here.as_path())));
            server.send_to("pong", from);
            server.close();
        });
        client.on(Message, |client, _| client.close());
        Ok(())
    });
    seen.assert(&["listening", "message pong", "close"]);
    assert!(!files.iter().any(|file| file.exists()), "both were removed");
}

#[cfg(target_os = "linux")]
#[test]
fn names_may_be_abstract() {
    run(|| {
        let name = format!("\0onward-abstract-{}", std::process::id());
        let server = UnixDatagram::bind(&name)?;
        let client = UnixDatagram::new()?;
        client.connect(&name)?;
        assert_eq!(client.peer_addr(), Some(Address::from_path(&name)?));
        client.send("hello");
        server.on(Message, move |server, (bytes, from)| {
            assert_eq!((bytes, from.to_string()), (b"hello".as_slice(), "unix:".into()));
            server.close();
            client.close();
        });
        Ok(())
    });
}

/// Sends numbers until there is no more room; says how many.
fn fill(send: impl Fn(Vec<u8>) -> bool) -> usize {
    (0_u32..).take_while(|number| send(number.to_ne_bytes().to_vec())).count() + 1
}

/// Hears numbers in their order until all have come, and closes.
fn hear(socket: &UnixDatagram, count: usize) {
    let mut heard = 0;
    socket.on(Message, move |socket, (bytes, _)| {
        assert_eq!(bytes, (heard as u32).to_ne_bytes());
        heard += 1;
        if heard == count {
            socket.close();
        }
    });
}

#[test]
fn what_a_peer_does_not_read_is_queued_and_sent_in_order_when_it_does() {
    let seen = logged(move |log| {
        let (sender, receiver) = UnixDatagram::pair()?;
        watch_all_but_messages(&log, &sender);
        let filled = fill(|bytes| sender.send(bytes));
        assert_eq!((sender.stats().queued, sender.stats().queued_bytes), (1, 4));
        // More than are sent in a turn.
        const MORE: usize = 3_000;
        for number in filled..filled + MORE {
            let told = log.clone();
            assert!(!sender.send_then((number as u32).to_ne_bytes(), move |sent| {
                sent.expect("it is sent");
                if number == filled || number == filled + MORE - 1 {
                    told.note(format!("sent {}", number - filled));
                }
            }));
        }
        sender.on(Drain, move |sender, ()| {
            assert_eq!(sender.stats().sent, (filled + MORE) as u64);
            assert_eq!((sender.stats().queued, sender.stats().queued_bytes), (0, 0));
            sender.close();
        });
        onward::set_timeout(Duration::from_millis(5), move || hear(&receiver, filled + MORE));
        Ok(())
    });
    seen.assert(&["listening", "sent 0", "sent 2999", "drain", "close"]);
}

/// Without a peer of its own the poller tells nothing about whom a socket sends to.
#[test]
fn who_is_not_connected_waits_for_room_too() {
    let seen = logged(move |log| {
        let there = path("slow");
        let receiver = UnixDatagram::bind(&there)?;
        let (sender, to) = (UnixDatagram::new()?, Address::from_path(&there)?);
        watch_all_but_messages(&log, &sender);
        let filled = fill(|bytes| sender.send_to(bytes, to));
        sender.send_all((filled..filled + 200).map(|number| ((number as u32).to_ne_bytes(), to)));
        assert_eq!(sender.stats().queued, 201);
        sender.on(Drain, |sender, ()| sender.close());
        onward::set_timeout(Duration::from_millis(10), move || hear(&receiver, filled + 200));
        Ok(())
    });
    seen.assert(&["listening", "drain", "close"]);
}

#[test]
fn what_is_more_than_the_cap_is_refused_and_told_once_or_to_its_callback() {
    let seen = logged(move |log| {
        let (sender, receiver) = UnixDatagram::pair()?;
        watch_all_but_messages(&log, &sender);
        sender.set_max_queued(10);
        let filled = fill(|bytes| sender.send(bytes));
        assert!(!sender.send((filled as u32).to_ne_bytes()));
        let told = log.clone();
        for _ in 0..3 {
            assert!(!sender.send("too much"));
        }
        sender.send_then("too much", move |sent| {
            assert_eq!(sent.expect_err("refused").kind(), ErrorKind::QueueFull);
            told.note("callback");
        });
        assert_eq!((sender.stats().refused, sender.stats().queued), (4, 2));
        hear(&receiver, filled + 1);
        sender.on(Drain, |sender, ()| sender.close());
        Ok(())
    });
    seen.assert(&["listening", "error QueueFull", "callback", "drain", "close"]);
}

#[test]
fn what_waits_when_a_socket_is_closed_is_told_to_its_callback_before_close() {
    let seen = logged(move |log| {
        let (sender, receiver) = UnixDatagram::pair()?;
        watch_all_but_messages(&log, &sender);
        fill(|bytes| sender.send(bytes));
        for number in 0..2 {
            let told = log.clone();
            sender.send_then("never", move |sent| {
                let kind = sent.expect_err("it is closed").kind();
                told.note(format!("{number} {kind:?}"));
            });
        }
        receiver.close();
        sender.on(Listening, |sender, ()| {
            sender.close();
            assert_eq!((sender.stats().queued, sender.stats().dropped), (0, 3));
        });
        Ok(())
    });
    seen.assert(&["listening", "0 Destroyed", "1 Destroyed", "close"]);
}

#[test]
fn a_peer_that_is_not_there_is_an_error_that_names_it() {
    let log = Log::default();
    let seen = log.clone();
    let stale = path("stale");
    let left = stale.clone();
    run(move || {
        drop(std::os::unix::net::UnixDatagram::bind(&stale)?);
        let error = UnixDatagram::bind(&stale).expect_err("it is left from another");
        assert!(error.is_addr_in_use() && stale.exists(), "{error}");
        let socket = UnixDatagram::new()?;
        watch_all_but_messages(&log, &socket);
        let missing = path("missing");
        for (to, kind) in
            [(&stale, io::ErrorKind::ConnectionRefused), (&missing, io::ErrorKind::NotFound)]
        {
            let named = format!("send unix:{}: ", to.display());
            socket.send_to_then("x", Address::from_path(to)?, move |sent| {
                let error = sent.expect_err("nobody");
                assert_eq!(error.io_kind(), Some(kind));
                assert!(error.to_string().starts_with(&named), "{error}");
            });
            assert_eq!(socket.connect(to).expect_err("nobody").io_kind(), Some(kind));
        }
        socket.send_to("x", Address::from_path(&missing)?);
        let (told, unnamed) = (log.clone(), "unix:".parse()?);
        socket.send_to_then("x", unnamed, move |sent| {
            assert_eq!(sent.expect_err("no name").io_kind(), Some(io::ErrorKind::InvalidInput));
            told.note("unnamed");
        });
        let number = std::net::SocketAddr::from(([127, 0, 0, 1], 9)).into();
        socket.send_to_then("x", number, |sent| {
            assert_eq!(sent.expect_err("UDP").io_kind(), Some(io::ErrorKind::InvalidInput));
        });
        next_turn(move || socket.close());
        Ok(())
    });
    seen.assert(&["listening", "error Io", "unnamed", "close"]);
    std::fs::remove_file(left).expect("it was left alone");
}

#[test]
fn what_is_no_path_is_refused_at_once() {
    run(|| {
        let wrong: [PathBuf; 3] = ["".into(), "x".repeat(200).into(), "a\0b".into()];
        for wrong in wrong {
            let refused: Result<UnixDatagram> = UnixDatagram::bind(&wrong);
            let error = refused.expect_err("no path");
            assert_eq!((error.kind(), error.operation()), (ErrorKind::InvalidInput, "bind"));
            assert!(Address::from_path(&wrong).is_err());
        }
        Ok(())
    });
    assert_eq!(UnixDatagram::new().expect_err("no loop").kind(), ErrorKind::NotInLoop);
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_longer_than_is_read_at_once_is_told_with_its_beginning() {
    run(|| {
        let (sender, receiver) = UnixDatagram::pair()?;
        sender.send(vec![b'x'; 100_000]);
        sender.send("short");
        let truncated = Rc::new(Cell::new(0));
        let kept = Rc::clone(&truncated);
        receiver.on(Truncated, move |_, (bytes, _)| kept.set(bytes.len()));
        receiver.on(Message, move |receiver, (bytes, _)| {
            assert_eq!((bytes, truncated.get()), (b"short".as_slice(), 64 * 1024));
            receiver.close();
            sender.close();
        });
        Ok(())
    });
}

#[test]
fn a_socket_of_the_standard_library_is_taken_over() {
    run(|| {
        let (first, second) = std::os::unix::net::UnixDatagram::pair()?;
        let socket = UnixDatagram::from_std(first)?;
        socket.send("hello");
        let mut buffer = [0; 8];
        assert_eq!(second.recv(&mut buffer)?, 5);
        second.send(b"")?;
        socket.on(Message, |socket, (bytes, _)| {
            assert!(bytes.is_empty(), "an empty one is a message");
            socket.close();
        });
        Ok(())
    });
}

#[test]
fn a_peer_that_has_gone_is_an_error_and_the_socket_stays_open() {
    let seen = logged(move |log| {
        let (first, second) = UnixDatagram::pair()?;
        watch(&log, &first);
        second.close();
        first.once(Error, |socket, _| {
            assert!(!socket.is_closed());
            let socket = socket.clone();
            next_turn(move || {
                assert!(!socket.is_closed());
                socket.close();
            });
        });
        second.on(Close, move |_, ()| _ = first.send("x"));
        Ok(())
    });
    assert!(seen.len() >= 3 && seen.ends_with(&["close"]), "{seen:?}");
}
