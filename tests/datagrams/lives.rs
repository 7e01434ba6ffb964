//! From the first descriptor to `Close`.

use super::support::{address, bound, plain, watch};
use crate::common::{ANY, LIMIT, Log, logged, next_turn, run, run_within};
use onward::events::*;
use onward::inspect;
use onward::net::UdpSocket;
use onward::{ErrorKind, EventLoop};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

#[test]
fn a_socket_tells_listening_then_messages_then_close() {
    let seen = logged(move |log| {
        let socket = bound();
        watch(&log, &socket);
        let peer = plain();
        peer.send_to(b"one", address(&socket))?;
        peer.send_to(b"two", address(&socket))?;
        let here = peer.local_addr()?;
        socket.on(Message, move |socket, (bytes, from)| {
            assert_eq!(from, here);
            if bytes == b"two" {
                socket.close();
                assert!(socket.is_closed());
                log.note("closed");
            }
        });
        Ok(())
    });
    seen.assert(&["listening", "message one", "message two", "closed", "close"]);
}

#[test]
fn a_socket_that_is_closed_before_it_tells_listening_tells_close_only() {
    let seen = logged(move |log| {
        let socket = bound();
        watch(&log, &socket);
        socket.close();
        log.assert(&[]);
        Ok(())
    });
    seen.assert(&["close"]);
}

#[test]
fn a_second_close_does_nothing() {
    let seen = logged(move |log| {
        let socket = bound();
        watch(&log, &socket);
        socket.on(Listening, |socket, ()| {
            socket.close();
            socket.close();
        });
        socket.on(Close, |socket, ()| socket.close());
        Ok(())
    });
    seen.assert(&["listening", "close"]);
}

#[test]
fn the_first_send_binds_a_socket_and_it_tells_listening() {
    let log = Log::default();
    let seen = log.clone();
    let peer = plain();
    let there = peer.local_addr().expect("an address");
    run(move || {
        let socket = UdpSocket::new()?;
        watch(&log, &socket);
        assert_eq!(
            (socket.local_addr(), format!("{socket:?}")),
            (None, "UdpSocket(unbound)".into())
        );
        assert!(socket.send_to("hello", there));
        assert_ne!(address(&socket).port(), 0);
        log.assert(&[]);
        socket.once(Listening, |socket, ()| socket.close());
        Ok(())
    });
    assert_eq!(super::support::next(&peer), b"hello");
    seen.assert(&["listening", "close"]);
}

#[test]
fn a_socket_that_was_never_bound_does_not_hold_the_loop_and_can_be_closed() {
    let seen = logged(move |log| {
        let (kept, closed) = (UdpSocket::new()?, UdpSocket::new()?);
        watch(&log, &closed);
        closed.close();
        onward::Handle::current()?.at_exit(move || drop(kept));
        Ok(())
    });
    seen.assert(&["close"]);
}

#[test]
fn no_message_comes_after_close_though_the_kernel_has_more() {
    let seen = logged(move |log| {
        let socket = bound();
        watch(&log, &socket);
        let peer = plain();
        for text in ["one", "two", "three"] {
            peer.send_to(text.as_bytes(), address(&socket))?;
        }
        socket.once(Message, |socket, _| socket.close());
        Ok(())
    });
    seen.assert(&["listening", "message one", "close"]);
}

#[test]
fn a_bound_socket_holds_the_loop_unless_it_is_unrefed() {
    let seen = logged(move |log| {
        let socket = bound();
        watch(&log, &socket);
        let listed = inspect::dump();
        let (text, named) = (format!("{listed:?}"), format!("UDP socket {}", address(&socket)));
        assert!(text.contains(&named), "{text}");
        socket.unref();
        socket.ref_();
        let same = socket.clone();
        onward::set_timeout(std::time::Duration::from_millis(1), move || {
            log.note("unref");
            same.unref();
        });
        Ok(())
    });
    // The end of the loop closes it.
    seen.assert(&["listening", "unref", "close"]);
}

#[test]
fn a_socket_drops_its_listeners_after_close() {
    let token = Rc::new(());
    let held = Rc::clone(&token);
    run(move || {
        let socket = bound();
        let cycle = (socket.clone(), held);
        socket.on(Message, move |_, _| drop(cycle.clone()));
        socket.on(Listening, |socket, ()| socket.close());
        Ok(())
    });
    assert_eq!(Rc::strong_count(&token), 1);
}

#[test]
fn a_panic_in_a_listener_loses_no_other_message() {
    let log = Log::default();
    let event_loop = EventLoop::new().expect("a loop");
    let socket = event_loop.enter(bound);
    watch(&log, &socket);
    let peer = plain();
    for text in ["one", "two", "three"] {
        peer.send_to(text.as_bytes(), address(&socket)).expect("sent");
    }
    socket.on(Message, |socket, (bytes, _)| {
        if bytes == b"three" {
            socket.close();
        }
        assert_ne!(bytes, b"one", "as it should");
    });
    let first = catch_unwind(AssertUnwindSafe(|| event_loop.run()));
    assert!(first.is_err());
    event_loop.run().expect("the loop goes on");
    log.assert(&["listening", "message one", "message two", "message three", "close"]);
}

#[test]
fn the_end_of_the_loop_closes_what_is_open() {
    let log = Log::default();
    let seen = log.clone();
    run_within(LIMIT, move || {
        let socket = bound();
        watch(&log, &socket);
        socket.on(Listening, |_, ()| onward::stop());
        Ok(())
    })
    .expect("it ends well");
    seen.assert(&["listening", "close"]);
}

#[test]
fn an_error_that_nobody_listens_for_comes_out_of_run_and_names_the_socket() {
    let ended = run_within(LIMIT, || {
        let socket = bound();
        socket.send_to(vec![0; 70_000], address(&socket));
        Ok(())
    });
    let error = ended.expect_err("nobody listened");
    assert_eq!(error.kind(), ErrorKind::Unhandled);
    assert!(error.to_string().starts_with("unhandled error of UDP socket 127.0.0.1:"), "{error}");
    assert!(error.to_string().contains(": send 127.0.0.1:"), "{error}");
}

#[test]
fn what_cannot_be_bound_is_an_error_at_once_that_names_it() {
    run(|| {
        let taken = bound();
        let error = UdpSocket::bind(address(&taken)).expect_err("it is taken");
        assert!(error.is_addr_in_use() && error.operation() == "bind");
        assert!(error.to_string().starts_with(&format!("bind {}: ", address(&taken))), "{error}");
        taken.close();
        for wrong in ["", "80", "host", "127.0.0.1:65536", "a b:80"] {
            let error = UdpSocket::bind(wrong).expect_err(wrong);
            assert_eq!((error.kind(), error.operation()), (ErrorKind::InvalidInput, "bind"));
        }
        let error = UdpSocket::bind("192.0.2.1:0").expect_err("not of this machine");
        assert_eq!(error.io_kind(), Some(std::io::ErrorKind::AddrNotAvailable));
        Ok(())
    });
    let error = UdpSocket::bind(ANY).expect_err("no loop");
    assert_eq!((error.kind(), error.operation()), (ErrorKind::NotInLoop, "bind"));
    assert_eq!(UdpSocket::new().expect_err("no loop").kind(), ErrorKind::NotInLoop);
}

#[test]
fn a_port_is_free_again_in_the_turn_after_close() {
    run(|| {
        let first = bound();
        let (here, closed) = (address(&first), first.clone());
        first.once(Listening, move |first, ()| {
            first.close();
            next_turn(move || {
                assert_eq!(closed.local_addr(), Some(here), "it is still known");
                let second = UdpSocket::bind(here).expect("it is free");
                second.close();
            });
        });
        Ok(())
    });
}

#[test]
fn a_socket_of_the_standard_library_is_taken_over_with_its_peer() {
    let peer = plain();
    let there = peer.local_addr().expect("an address");
    run(move || {
        let socket = plain();
        socket.connect(there)?;
        peer.connect(socket.local_addr()?)?;
        let socket = UdpSocket::from_std(socket)?;
        assert_eq!(socket.peer_addr(), Some(there));
        socket.send("ping");
        assert_eq!(super::support::next(&peer), b"ping");
        peer.send(b"pong")?;
        socket.on(Message, |socket, (bytes, _)| {
            assert_eq!(bytes, b"pong");
            socket.close();
        });
        Ok(())
    });
}
