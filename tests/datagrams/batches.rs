//! Many at once: cut out of one send, put together on the way. None of it shows.

use super::support::{address, bound, next, plain, watch};
use crate::common::{ANY, Log, logged, next_turn, run};
use onward::events::*;
use onward::net::{UdpOptions, UdpSocket};
use std::cell::RefCell;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

/// How they come: each by itself, or put together by the system.
#[derive(Clone, Copy)]
enum Way {
    Alone,
    Together,
}

const WAYS: [Way; 2] = [Way::Alone, Way::Together];

impl Way {
    fn receiver(self) -> UdpSocket {
        let options = UdpOptions::new().coalesce(matches!(self, Self::Together));
        options.bind(ANY).expect("a free port")
    }

    /// Sends datagrams of a byte each.
    fn send(self, texts: &str, to: SocketAddr) {
        let sender = bound();
        match self {
            Self::Alone => texts.as_bytes().iter().for_each(|text| _ = sender.send_to([*text], to)),
            Self::Together => _ = sender.send_segments(texts, 1, to),
        }
        sender.close();
    }
}

/// What comes, noted, until `last` has come.
fn until(last: &'static str, log: &Log, socket: &UdpSocket) {
    watch(log, socket);
    socket.on(Message, move |socket, (bytes, _)| {
        if bytes == last.as_bytes() {
            socket.close();
        }
    });
}

#[test]
fn hundreds_that_wait_come_whole_and_in_their_order() {
    let came = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&came);
    run(move || {
        let socket = bound();
        socket.set_receive_buffer(1 << 20)?;
        let peer = plain();
        for number in 0..300_usize {
            peer.send_to(&vec![number.to_le_bytes()[0]; number % 97], address(&socket))?;
        }
        socket.on(Message, move |socket, (bytes, from)| {
            assert_eq!(from, peer.local_addr().expect("an address"));
            came.borrow_mut().push(bytes.to_vec());
            if came.borrow().len() == 300 {
                assert_eq!(socket.stats().received, 300);
                socket.close();
            }
        });
        Ok(())
    });
    for (number, bytes) in seen.borrow().iter().enumerate() {
        assert_eq!(*bytes, vec![number.to_le_bytes()[0]; number % 97]);
    }
}

#[test]
fn what_came_with_the_one_at_which_it_was_paused_comes_before_what_came_since() {
    for way in WAYS {
        let seen = logged(move |log| {
            let socket = way.receiver();
            way.send("12345", address(&socket));
            until("7", &log, &socket);
            socket.on(Message, move |socket, (bytes, _)| {
                if bytes == b"3" {
                    socket.pause();
                    assert_eq!(socket.stats().received, 3, "what is not told has not come");
                    let (socket, log) = (socket.clone(), log.clone());
                    way.send("67", address(&socket));
                    next_turn(move || {
                        next_turn(move || {
                            log.note("resume");
                            socket.resume();
                            assert_eq!(
                                socket.stats().received,
                                3,
                                "nothing comes inside of a call"
                            );
                        });
                    });
                }
            });
            Ok(())
        });
        let messages = ["message 1", "message 2", "message 3"];
        let rest = ["resume", "message 4", "message 5", "message 6", "message 7", "close"];
        seen.assert(&[&["listening"][..], &messages, &rest].concat());
    }
}

/// Both are ready in the same turn, and the first one's listener resumes the second.
#[test]
fn what_was_kept_comes_first_also_if_there_is_more_in_the_very_turn_in_which_it_is_resumed() {
    let seen = logged(move |log| {
        let (first, socket) = (bound(), Way::Together.receiver());
        Way::Together.send("123", address(&socket));
        until("4", &log, &socket);
        socket.once(Message, move |socket, _| {
            socket.pause();
            let socket = socket.clone();
            next_turn(move || {
                let peer = plain();
                peer.send_to(b"now", address(&first)).expect("sent");
                peer.send_to(b"4", address(&socket)).expect("sent");
                first.on(Message, move |first, _| {
                    socket.resume();
                    first.close();
                });
            });
        });
        Ok(())
    });
    let messages = ["message 1", "message 2", "message 3", "message 4"];
    seen.assert(&[&["listening"][..], &messages, &["close"]].concat());
}

#[test]
fn closing_in_the_middle_of_many_tells_no_more_of_them() {
    for way in WAYS {
        let seen = logged(move |log| {
            let socket = way.receiver();
            way.send("123456", address(&socket));
            until("4", &log, &socket);
            Ok(())
        });
        let messages = ["message 1", "message 2", "message 3", "message 4"];
        seen.assert(&[&["listening"][..], &messages, &["close"]].concat());
    }
}

#[test]
fn a_listener_that_panics_in_the_middle_of_many_loses_none_of_the_others() {
    for way in WAYS {
        let log = Log::default();
        let event_loop = onward::EventLoop::new().expect("a loop");
        event_loop.enter(|| {
            let socket = way.receiver();
            way.send("123456", address(&socket));
            until("6", &log, &socket);
            socket.on(Message, |_, (bytes, _)| {
                assert!(bytes != b"2" && bytes != b"4" && bytes != b"5", "as planned");
            });
        });
        for _ in 0..3 {
            catch_unwind(AssertUnwindSafe(|| event_loop.run())).expect_err("it panics");
        }
        event_loop.run().expect("the rest comes");
        let messages = ["message 1", "message 2", "message 3"];
        let rest = ["message 4", "message 5", "message 6", "close"];
        log.assert(&[&["listening"][..], &messages, &rest].concat());
    }
}

#[test]
fn who_listens_for_one_at_a_time_gets_each_of_many() {
    for way in WAYS {
        run(move || {
            let socket = way.receiver();
            way.send("0123456789abcdefghijklmnopqrstuvwxyz", address(&socket));
            onward::spawn(async move {
                for number in "0123456789abcdefghijklmnopqrstuvwxyz".bytes() {
                    let (bytes, _) = socket.next(Message).await.expect("it is open");
                    assert_eq!(bytes, [number]);
                }
                socket.close();
            });
            Ok(())
        });
    }
}

#[test]
fn bytes_are_cut_into_datagrams_of_a_size_and_the_last_is_shorter() {
    run(|| {
        let (peer, socket) = (plain(), UdpSocket::new()?);
        socket2::SockRef::from(&peer).set_recv_buffer_size(1 << 20)?;
        let there = peer.local_addr()?;
        let bytes: Vec<u8> = (0..10_050_usize).map(|number| number.to_le_bytes()[0]).collect();
        // More than goes in one call; of a length that is short, long, and nearly all there is.
        for size in [100, 1_000, 6_000] {
            assert!(socket.send_segments(&bytes, size, there));
            bytes.chunks(size).for_each(|chunk| assert_eq!(next(&peer), chunk));
        }
        let sent = (101 + 11 + 2, 3 * 10_050);
        assert_eq!((socket.stats().sent, socket.stats().sent_bytes), sent);
        // A single one, none, and a length that makes no sense.
        assert!(socket.send_segments("short", 100, there) && socket.send_segments("", 9, there));
        assert!(socket.send_segments("xy", 0, there));
        assert_eq!([next(&peer), next(&peer), next(&peer)].concat(), b"shortxy");
        assert_eq!((socket.stats().sent, socket.stats().failed), (sent.0 + 3, 0));
        socket.close();
        assert!(!socket.send_segments("late", 2, there) && !socket.send_segments("", 2, there));
        Ok(())
    });
}

#[test]
fn segments_that_are_too_long_are_an_error_each() {
    let seen = logged(move |log| {
        let socket = bound();
        watch(&log, &socket);
        socket.send_segments(vec![0; 140_000], 70_000, address(&socket));
        socket.send_segments(vec![0; 140_000], 66_000, address(&socket));
        socket.once(Message, |socket, (bytes, _)| {
            assert_eq!((bytes.len(), socket.stats().failed), (8_000, 4));
            socket.close();
        });
        Ok(())
    });
    assert_eq!(seen.len(), 7, "{seen:?}");
    assert!(seen.ends_with(&["message ", "close"]) || seen.ends_with(&["close"]));
}

#[test]
fn what_the_system_put_together_is_told_one_by_one() {
    let seen = logged(move |log| {
        let socket = UdpOptions::new().coalesce(true).bind(ANY)?;
        let sender = bound();
        sender.send_segments("aabbccdde", 2, address(&socket));
        sender.send_to("", address(&socket));
        sender.send_segments("1122", 2, address(&socket));
        until("22", &log, &socket);
        socket.once(Message, move |_, (_, from)| {
            assert_eq!(from, address(&sender));
            sender.close();
        });
        Ok(())
    });
    let expected = ["aa", "bb", "cc", "dd", "e", "", "11", "22"];
    let expected = expected.map(|text| format!("message {text}"));
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    seen.assert(&[&["listening"], &*expected, &["close"]].concat());
}

#[test]
fn of_what_was_put_together_each_is_measured_by_itself_and_a_pause_holds_the_rest() {
    let seen = logged(move |log| {
        let socket = UdpOptions::new().coalesce(true).bind(ANY)?;
        socket.set_max_message(3);
        let truncated = log.clone();
        socket.on(Truncated, move |socket, (bytes, _)| {
            truncated.note(format!("truncated {}", String::from_utf8_lossy(bytes)));
            socket.pause();
            let (socket, log) = (socket.clone(), truncated.clone());
            next_turn(move || {
                log.note("resume");
                socket.resume();
            });
        });
        until("x", &log, &socket);
        socket.send_segments("aaaabbbbx", 4, address(&socket));
        socket.on(Message, |socket, _| {
            let stats = socket.stats();
            assert_eq!((stats.received, stats.truncated, stats.received_bytes), (3, 2, 7));
        });
        Ok(())
    });
    let parts = ["truncated aaa", "resume", "truncated bbb", "resume", "message x"];
    seen.assert(&[&["listening"][..], &parts, &["close"]].concat());
}
