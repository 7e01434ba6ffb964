//! What comes: whole, with its sender, and only to those who listen.

use super::support::{address, bound, plain, watch, watch_all_but_messages};
use crate::common::{logged, next_turn, run};
use onward::events::*;
use onward::net::UdpSocket;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

fn send(texts: &[&str], socket: &UdpSocket) {
    let peer = plain();
    texts.iter().for_each(|text| {
        peer.send_to(text.as_bytes(), address(socket)).expect("sent");
    });
}

#[test]
fn an_empty_datagram_is_a_message_and_no_end() {
    let seen = logged(move |log| {
        let socket = bound();
        watch(&log, &socket);
        send(&["", "x", ""], &socket);
        socket.on(Message, |socket, _| {
            if socket.stats().received == 3 {
                socket.close();
            }
        });
        Ok(())
    });
    seen.assert(&["listening", "message ", "message x", "message ", "close"]);
}

#[test]
fn what_nobody_listens_for_waits_in_the_kernel() {
    let seen = logged(move |log| {
        let socket = bound();
        watch_all_but_messages(&log, &socket);
        send(&["one", "two"], &socket);
        let (log, first) = (log.clone(), socket.clone());
        onward::set_timeout(Duration::from_millis(5), move || {
            assert_eq!(first.stats().received, 0);
            log.note("now");
            let told = log.clone();
            first.once(Message, move |_, (bytes, _)| {
                told.note(format!("once {}", String::from_utf8_lossy(bytes)));
            });
            onward::set_timeout(Duration::from_millis(5), move || {
                log.note("again");
                watch(&log, &first);
                first.on(Message, |socket, _| socket.close());
            });
        });
        Ok(())
    });
    seen.assert(&["listening", "now", "once one", "again", "message two", "close", "close"]);
}

#[test]
fn futures_of_the_next_message_lose_none() {
    run(|| {
        let socket = bound();
        send(&["one", "two", "three"], &socket);
        onward::spawn(async move {
            for text in ["one", "two", "three"] {
                let (bytes, from) = socket.next(Message).await.expect("it is open");
                assert_eq!(bytes, text.as_bytes());
                assert!(from.ip().is_loopback());
                onward::sleep(Duration::from_millis(2)).await;
            }
            socket.close();
        });
        Ok(())
    });
}

#[test]
fn a_stream_that_blocks_leaves_messages_to_the_kernel() {
    const COUNT: usize = 20;
    run(|| {
        let socket = bound();
        send(&["x"; COUNT], &socket);
        onward::spawn(async move {
            let mut messages = std::pin::pin!(socket.stream(Message).capacity(2).block());
            for _ in 0..COUNT {
                let next = std::future::poll_fn(|context| {
                    futures_lite::Stream::poll_next(messages.as_mut(), context)
                });
                let (bytes, _) = next.await.expect("there are more");
                assert_eq!(bytes, b"x");
                onward::sleep(Duration::from_millis(1)).await;
                let ahead = socket.stats().received;
                assert!(ahead <= COUNT as u64);
            }
            assert_eq!(socket.stats().received, COUNT as u64);
            socket.close();
        });
        Ok(())
    });
}

#[test]
fn a_paused_socket_tells_nothing_until_it_is_resumed() {
    let seen = logged(move |log| {
        let socket = bound();
        watch(&log, &socket);
        send(&["one", "two", "three"], &socket);
        let told = log.clone();
        socket.once(Message, move |socket, _| {
            socket.pause();
            assert!(socket.is_paused());
            let (socket, log) = (socket.clone(), told.clone());
            next_turn(move || {
                log.note("resume");
                socket.resume();
            });
        });
        socket.on(Message, |socket, (bytes, _)| {
            if bytes == b"three" {
                socket.close();
            }
        });
        Ok(())
    });
    seen.assert(&["listening", "message one", "resume", "message two", "message three", "close"]);
}

#[test]
fn a_socket_that_is_resumed_reads_what_nobody_listens_for() {
    run(|| {
        let socket = bound();
        send(&["one", "two"], &socket);
        socket.resume();
        onward::set_interval(Duration::from_millis(1), move |timer| {
            if socket.stats().received == 2 {
                assert_eq!(socket.stats().received_bytes, 6);
                socket.close();
                timer.cancel();
            }
        });
        Ok(())
    });
}

#[test]
fn what_is_too_long_is_told_apart_with_its_beginning() {
    let seen = logged(move |log| {
        let socket = bound();
        watch(&log, &socket);
        socket.set_max_message(4);
        let truncated = log.clone();
        socket.on(Truncated, move |_, (bytes, from)| {
            assert!(from.ip().is_loopback());
            truncated.note(format!("truncated {}", String::from_utf8_lossy(bytes)));
        });
        send(&["four", "five5", "end"], &socket);
        socket.on(Message, |socket, (bytes, _)| {
            if bytes == b"end" {
                let stats = socket.stats();
                assert_eq!((stats.received, stats.truncated, stats.received_bytes), (3, 1, 11));
                socket.close();
            }
        });
        Ok(())
    });
    seen.assert(&["listening", "message four", "truncated five", "message end", "close"]);
}

#[test]
fn the_longest_datagram_there_is_comes_whole() {
    const LONGEST: usize = 65_507;
    run(|| {
        let socket = bound();
        socket.send_to(vec![b'x'; LONGEST], address(&socket));
        socket.on(Message, |socket, (bytes, _)| {
            assert!(bytes.len() == LONGEST && bytes.iter().all(|&byte| byte == b'x'));
            socket.close();
        });
        Ok(())
    });
}

#[test]
fn a_socket_with_much_to_tell_lets_others_have_their_turn() {
    const COUNT: usize = 150;
    let order = Rc::new(RefCell::new(String::new()));
    let seen = Rc::clone(&order);
    run(move || {
        let (first, second) = (bound(), bound());
        for (socket, name) in [(&first, 'a'), (&second, 'b')] {
            socket.set_receive_buffer(1 << 20)?;
            send(&["x"; COUNT], socket);
            let order = Rc::clone(&order);
            socket.on(Message, move |socket, _| {
                order.borrow_mut().push(name);
                if socket.stats().received == COUNT as u64 {
                    socket.close();
                }
            });
        }
        Ok(())
    });
    let order = seen.take();
    assert_eq!(order.len(), 2 * COUNT);
    let turns = ["a".repeat(64), "b".repeat(64)].concat();
    assert_eq!(order, [turns.repeat(2), "a".repeat(22), "b".repeat(22)].concat());
}

#[test]
fn version_six_addresses_work_where_the_machine_has_them() {
    if std::net::UdpSocket::bind("[::1]:0").is_err() {
        return;
    }
    run(|| {
        let socket = UdpSocket::bind("[::1]:0")?;
        let client = UdpSocket::new()?;
        client.send_to("six", address(&socket));
        socket.on(Message, move |socket, (bytes, from)| {
            assert!(bytes == b"six" && from.is_ipv6() && address(&client).is_ipv6());
            socket.close();
            client.close();
        });
        Ok(())
    });
}
