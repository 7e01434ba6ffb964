//! A socket with a peer.

use super::support::{address, bound, next, plain, watch};
use crate::common::{deaf, logged, next_turn, run};
use onward::events::*;
use onward::net::UdpSocket;
use onward::{ErrorKind, Result};
use std::io;
use std::time::Duration;

#[test]
fn connect_is_told_soon_and_send_needs_no_address() {
    let seen = logged(move |log| {
        let peer = plain();
        let there = peer.local_addr()?;
        let socket = UdpSocket::new()?;
        watch(&log, &socket);
        socket.connect(there)?;
        assert_eq!(socket.peer_addr(), Some(there));
        assert!(socket.send("hello"));
        log.assert(&[]);
        assert_eq!(next(&peer), b"hello");
        socket.on(Connect, |socket, ()| socket.close());
        Ok(())
    });
    seen.assert(&["listening", "connect", "close"]);
}

#[test]
fn only_the_peer_is_heard_and_all_others_after_disconnect() {
    let seen = logged(move |log| {
        let (peer, stranger) = (plain(), plain());
        let socket = UdpSocket::new()?;
        watch(&log, &socket);
        socket.connect(peer.local_addr()?)?;
        let here = address(&socket);
        stranger.send_to(b"stranger", here)?;
        peer.send_to(b"peer", here)?;
        socket.once(Message, move |socket, (_, from)| {
            assert_eq!(from, peer.local_addr().expect("an address"));
            socket.disconnect().expect("it is connected");
            assert_eq!(socket.peer_addr(), None);
            assert_eq!(address(socket).port(), here.port());
            stranger.send_to(b"now", here).expect("sent");
            socket.once(Message, |socket, _| socket.close());
        });
        Ok(())
    });
    seen.assert(&["listening", "connect", "message peer", "message now", "close"]);
}

/// Only this system is known to tell.
#[cfg(target_os = "linux")]
#[test]
fn a_peer_that_is_not_there_is_an_error_and_the_socket_stays_open() {
    let seen = logged(move |log| {
        let peer = deaf();
        let there = peer.local_addr()?;
        let socket = UdpSocket::new()?;
        watch(&log, &socket);
        socket.connect(there)?;
        socket.send("is anybody there?");
        socket.on(Error, move |socket, error| {
            assert_eq!(error.io_kind(), Some(io::ErrorKind::ConnectionRefused));
            let text = format!("receive {there}: ");
            assert!(error.to_string().starts_with(&text), "{error}");
            assert!(!socket.is_closed());
            peer.connect(address(socket)).expect("now it hears");
            socket.send("and now?");
            assert_eq!(next(&peer), b"and now?");
            socket.close();
        });
        Ok(())
    });
    seen.assert(&["listening", "connect", "error receive ConnectionRefused", "close"]);
}

/// The same without a listener for messages: then nothing is read, and still it is told.
#[cfg(target_os = "linux")]
#[test]
fn who_only_sends_hears_of_a_peer_that_is_not_there_too() {
    let seen = logged(move |log| {
        let (socket, peer) = (UdpSocket::new()?, deaf());
        super::support::watch_all_but_messages(&log, &socket);
        socket.connect(peer.local_addr()?)?;
        socket.send("is anybody there?");
        let mut errors = 0;
        socket.on(Error, move |socket, _| {
            let _ = &peer;
            errors += 1;
            if errors == 2 {
                return socket.close();
            }
            let socket = socket.clone();
            next_turn(move || assert!(socket.send("really not?")));
        });
        Ok(())
    });
    let refused = "error receive ConnectionRefused";
    seen.assert(&["listening", "connect", refused, refused, "close"]);
}

/// The system reports the end of the first to the call that sends the second.
#[cfg(target_os = "linux")]
#[test]
fn a_datagram_is_sent_though_an_earlier_one_was_refused() {
    let seen = logged(move |log| {
        let (socket, peer) = (UdpSocket::new()?, deaf());
        watch(&log, &socket);
        socket.connect(peer.local_addr()?)?;
        socket.send("lost");
        peer.connect(address(&socket))?;
        let (done, same) = (log.clone(), socket.clone());
        socket.send_then("sent", move |sent| {
            sent.expect("its own end is a good one");
            done.note("sent");
            same.close();
        });
        assert_eq!(next(&peer), b"sent");
        assert_eq!((socket.stats().sent, socket.stats().failed), (2, 0));
        Ok(())
    });
    seen.assert(&["listening", "connect", "error send ConnectionRefused", "sent", "close"]);
}

#[test]
fn a_second_connect_changes_the_peer() {
    run(|| {
        let (first, second) = (plain(), plain());
        let socket = UdpSocket::new()?;
        socket.connect(first.local_addr()?)?;
        socket.connect(second.local_addr()?)?;
        socket.send("second");
        assert_eq!(next(&second), b"second");
        socket.close();
        Ok(())
    });
}

#[test]
fn who_has_no_peer_cannot_send_without_an_address() {
    let seen = logged(move |log| {
        let socket = bound();
        watch(&log, &socket);
        socket.send("to whom?");
        let (told, same) = (log.clone(), socket.clone());
        socket.send_then("to whom?", move |sent| {
            let error = sent.expect_err("there is nobody");
            assert_eq!(error.io_kind(), Some(io::ErrorKind::NotConnected));
            told.note("callback");
            same.close();
        });
        socket.disconnect().expect("nothing to do");
        Ok(())
    });
    seen.assert(&["listening", "error send NotConnected", "callback", "close"]);
}

#[test]
fn an_address_that_cannot_be_is_an_error_at_once() {
    run(|| {
        let socket = bound();
        let connect = |address: &str| -> Result<()> { socket.connect(address) };
        let error = connect("nonsense").expect_err("no address");
        assert_eq!((error.kind(), error.operation()), (ErrorKind::InvalidInput, "connect"));
        let error = connect("[::1]:9").expect_err("another family");
        assert!(error.to_string().starts_with("connect [::1]:9: "), "{error}");
        socket.close();
        let error = connect("127.0.0.1:9").expect_err("it is closed");
        assert_eq!(error.io_kind(), Some(io::ErrorKind::NotConnected));
        Ok(())
    });
}

#[test]
fn close_right_after_connect_tells_close_only() {
    let seen = logged(move |log| {
        let socket = UdpSocket::new()?;
        watch(&log, &socket);
        socket.connect(deaf().local_addr()?)?;
        socket.close();
        onward::set_timeout(Duration::from_millis(1), || {});
        Ok(())
    });
    seen.assert(&["close"]);
}

/// A number as only the system's resolver reads it, which is a name for everybody else.
#[cfg(target_os = "linux")]
fn named(port: u16) -> String {
    format!("127.1:{port}")
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_sent_while_the_name_of_the_peer_is_looked_up_waits() {
    let seen = logged(move |log| {
        let peer = plain();
        let there = peer.local_addr()?;
        let socket = UdpSocket::new()?;
        watch(&log, &socket);
        socket.connect(named(there.port()))?;
        assert_eq!((socket.peer_addr(), socket.local_addr()), (None, None));
        let told = log.clone();
        assert!(!socket.send_then("one", move |sent| {
            sent.expect("it is sent");
            told.note("sent");
        }));
        assert!(!socket.send("two"));
        socket.on(Drain, move |socket, ()| {
            assert_eq!(socket.peer_addr(), Some(there));
            assert_eq!((next(&peer), next(&peer)), (b"one".to_vec(), b"two".to_vec()));
            socket.close();
        });
        Ok(())
    });
    seen.assert(&["listening", "connect", "sent", "drain", "close"]);
}

#[test]
fn a_peer_with_a_name_that_nobody_knows_is_an_error_and_what_waited_is_told() {
    let seen = logged(move |log| {
        let name = format!("{}.invalid:80", "a".repeat(64));
        let socket = bound();
        watch(&log, &socket);
        socket.connect(&name)?;
        let told = log.clone();
        socket.send_then("never", move |sent| {
            assert_eq!(sent.expect_err("not sent").operation(), "look up");
            told.note("callback");
        });
        socket.send("never");
        socket.on(Error, move |socket, error| {
            assert_eq!(error.target(), Some(&*name));
            assert_eq!((socket.stats().failed, socket.stats().queued), (2, 0));
        });
        socket.on(Drain, |socket, ()| socket.close());
        Ok(())
    });
    assert!(seen.len() == 5 && seen.ends_with(&["drain", "close"]), "{seen:?}");
}

#[test]
fn a_lookup_ends_with_the_wish_for_its_peer() {
    let seen = logged(move |log| {
        let (closed, changed) = (UdpSocket::new()?, bound());
        watch(&log, &closed);
        closed.connect("name.invalid:80")?;
        closed.close();
        let peer = plain();
        changed.connect("name.invalid:80")?;
        changed.connect(peer.local_addr()?)?;
        changed.send("changed");
        assert_eq!(next(&peer), b"changed");
        changed.connect("name.invalid:80")?;
        changed.disconnect()?;
        changed.on(Error, |_, error| panic!("{error}"));
        onward::set_timeout(Duration::from_millis(20), move || changed.close());
        let error = closed.connect("name.invalid:80").expect_err("it is closed");
        assert_eq!(error.io_kind(), Some(io::ErrorKind::NotConnected));
        Ok(())
    });
    seen.assert(&["close"]);
}
