//! What goes out, and what becomes of what does not.

use super::support::{address, bound, next, plain, watch};
use crate::common::{Log, logged, run};
use onward::ErrorKind;
use onward::events::*;
use onward::net::UdpSocket;
use std::net::SocketAddr;

/// More than any datagram can carry.
const TOO_LONG: usize = 65_508;

#[test]
fn an_error_of_a_send_goes_to_its_callback_or_else_to_the_error_event() {
    let seen = logged(move |log| {
        let socket = bound();
        watch(&log, &socket);
        let there = address(&plain_here());
        let names_it = format!("send {there}: ");
        let (callback, same) = (log.clone(), socket.clone());
        let text = names_it.clone();
        assert!(socket.send_to_then(vec![0; TOO_LONG], there, move |sent| {
            let error = sent.expect_err("too long");
            assert!(error.to_string().starts_with(&text), "{error}");
            callback.note("callback");
            same.send_to(vec![0; TOO_LONG], there);
        }));
        assert!(log.len() == 0, "nothing is told from inside of the call");
        socket.on(Error, move |socket, error| {
            assert!(error.to_string().starts_with(&names_it), "{error}");
            assert!(!socket.is_closed());
            assert_eq!((socket.stats().failed, socket.stats().sent), (2, 0));
            socket.close();
        });
        Ok(())
    });
    assert_eq!(seen.len(), 4);
    assert!(seen.ends_with(&["close"]));
}

fn plain_here() -> UdpSocket {
    let socket = bound();
    socket.unref();
    socket
}

#[test]
fn callbacks_come_in_order_and_after_the_call() {
    let seen = logged(move |log| {
        let (socket, peer) = (bound(), plain());
        for number in 0..3 {
            let (log, same) = (log.clone(), socket.clone());
            socket.send_to_then([number], peer.local_addr()?, move |sent| {
                sent.expect("it is sent");
                log.note(format!("sent {number}"));
                if number == 2 {
                    same.close();
                }
            });
        }
        log.note("called");
        Ok(())
    });
    seen.assert(&["called", "sent 0", "sent 1", "sent 2"]);
}

#[test]
fn a_socket_that_is_closed_sends_nothing_and_tells_only_the_callback() {
    let seen = logged(move |log| {
        let (socket, peer) = (bound(), plain());
        let there = peer.local_addr()?;
        watch(&log, &socket);
        socket.close();
        assert!(!socket.send_to("x", there));
        assert!(!socket.send("x"));
        assert!(!socket.send_all([("x", there)]));
        let told = log.clone();
        assert!(!socket.send_to_then("x", there, move |sent| {
            assert_eq!(sent.expect_err("it is closed").kind(), ErrorKind::Destroyed);
            told.note("refused");
        }));
        peer.set_nonblocking(true)?;
        assert!(peer.recv_from(&mut [0; 8]).is_err());
        Ok(())
    });
    seen.assert(&["refused", "close"]);
}

#[test]
fn many_are_sent_at_once_to_many_peers_and_none_twice() {
    const COUNT: usize = 300;
    let peers: Vec<_> = (0..3).map(|_| plain()).collect();
    let addresses: Vec<SocketAddr> =
        peers.iter().map(|peer| peer.local_addr().expect("an address")).collect();
    run(move || {
        let socket = UdpSocket::new()?;
        let to = addresses.iter().copied().cycle();
        let datagrams = (0..COUNT).map(|number| number.to_string());
        assert!(socket.send_all(datagrams.zip(to)));
        assert_eq!(socket.stats().sent, COUNT as u64);
        socket.close();
        Ok(())
    });
    for number in 0..COUNT {
        assert_eq!(next(&peers[number % 3]), number.to_string().as_bytes());
    }
}

#[test]
fn one_that_fails_among_many_keeps_no_other_from_being_sent() {
    let log = Log::default();
    let seen = log.clone();
    let peer = plain();
    let there = peer.local_addr().expect("an address");
    run(move || {
        let socket = bound();
        watch(&log, &socket);
        let long = "x".repeat(TOO_LONG);
        assert!(socket.send_all([("one", there), (&long, there), ("two", there)]));
        assert!(socket.send_all([(&*long, there)]));
        assert!(socket.send_all(Vec::<(&str, SocketAddr)>::new()));
        let mut errors = 0;
        socket.on(Error, move |socket, _| {
            errors += 1;
            if errors == 2 {
                assert_eq!((socket.stats().sent, socket.stats().failed), (2, 2));
                socket.close();
            }
        });
        Ok(())
    });
    assert_eq!((next(&peer), next(&peer)), (b"one".to_vec(), b"two".to_vec()));
    assert_eq!(seen.len(), 4);
}

#[test]
fn an_error_is_not_told_any_more_when_the_socket_is_closed_before() {
    let seen = logged(move |log| {
        let socket = bound();
        watch(&log, &socket);
        socket.send_to(vec![0; TOO_LONG], address(&socket));
        socket.close();
        Ok(())
    });
    seen.assert(&["close"]);
}
