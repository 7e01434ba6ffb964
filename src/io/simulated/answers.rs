//! Answers that are a part of what has just come, which stay where they are until they are sent.

use super::{Answer, Arrival, Net, Stream, Told, say};
use crate::io::{cork, destroy, end, resume, set_autocork, uncork, write_chunk, write_then};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A network on which "ping" comes after a millisecond and "PONG!" after two, and what the stream does with them.
fn on_each(react: impl Fn(&Stream, &[u8]) + 'static) -> Net {
    let net = Net::new(true);
    resume(&net.stream);
    net.arrive(1_000_000, Arrival::Bytes(b"ping".to_vec()));
    net.arrive(2_000_000, Arrival::Bytes(b"PONG!".to_vec()));
    net.react(move |stream, told| {
        if let Told::Data(chunk) = told {
            react(stream, chunk);
        }
    });
    net.at(1_000_000_000, |stream| destroy(stream, None));
    net
}

/// What was sent, and in which calls.
fn sent(net: &Net) -> (String, String) {
    net.run();
    let sent = String::from_utf8(net.wire.borrow().sent.clone()).unwrap();
    (sent, net.calls())
}

#[track_caller]
fn assert_sent(react: impl Fn(&Stream, &[u8]) + 'static, bytes: &str, calls: &str) {
    assert_eq!(sent(&on_each(react)), (bytes.into(), calls.into()));
}

#[test]
fn an_echo_is_one_call_for_each_chunk() {
    assert_sent(|stream, chunk| assert!(say(stream, chunk)), "pingPONG!", "4, 5");
    assert_sent(|stream, chunk| assert!(say(stream, &chunk[1..3])), "inON", "2, 2");
}

#[test]
fn what_is_written_behind_it_leaves_in_the_same_call() {
    let twice = |stream: &Stream, chunk: &[u8]| {
        assert!(say(stream, &chunk[..2]));
        assert_eq!(stream.0.duplex.queued(), 2);
        assert!(say(stream, &chunk[3..]) && say(stream, b"."));
        assert_eq!(stream.0.duplex.queued(), chunk.len());
    };
    assert_sent(twice, "pig.POG!.", "4, 5");
    let behind = |stream: &Stream, chunk: &[u8]| {
        assert!(say(stream, b"<") && say(stream, chunk) && say(stream, b">"));
    };
    assert_sent(behind, "<ping><PONG!>", "6, 7");
    let owned = |stream: &Stream, chunk: &[u8]| {
        assert!(say(stream, chunk));
        assert!(write_chunk(stream, vec![b'-'; 3_000].into()));
    };
    let net = on_each(owned);
    let (bytes, calls) = sent(&net);
    assert_eq!((bytes.len(), &bytes[..5], &bytes[3_003..3_010]), (6_009, "ping-", "-PONG!-"));
    assert_eq!(calls, "4+3000, 5+3000");
}

#[test]
fn a_large_piece_behind_it_goes_at_once_with_it() {
    let net = on_each(|stream, chunk| {
        assert!(say(stream, chunk));
        assert!(say(stream, &[b'-'; 20_000]));
        assert_eq!(stream.0.duplex.queued(), 0);
    });
    let (bytes, calls) = sent(&net);
    assert_eq!((&bytes[..5], &bytes[20_003..20_010]), ("ping-", "-PONG!-"));
    assert_eq!(calls, "4+20000, 5+20000");
}

#[test]
fn whoever_looks_after_it_finds_it_in_the_queue() {
    let corked = |stream: &Stream, chunk: &[u8]| {
        say(stream, chunk);
        cork(stream);
        say(stream, b",");
        uncork(stream);
        say(stream, b";");
    };
    let (bytes, _) = sent(&on_each(corked));
    assert_eq!(bytes, "ping,;PONG!,;");
    let uncorked = |stream: &Stream, chunk: &[u8]| {
        set_autocork(stream, true);
        say(stream, chunk);
        set_autocork(stream, false);
        say(stream, b";");
    };
    let (bytes, _) = sent(&on_each(uncorked));
    assert_eq!(bytes, "ping;PONG!;");
    let with_callback = |stream: &Stream, chunk: &[u8]| {
        say(stream, chunk);
        write_then(stream, Box::new(|sent| sent.unwrap()), |stream| say(stream, b";"));
    };
    let (bytes, calls) = sent(&on_each(with_callback));
    assert_eq!((&bytes[..], &calls[..]), ("ping;PONG!;", "5, 6"));
}

#[test]
fn what_the_system_does_not_take_waits() {
    for first in [Answer::Take(1), Answer::Block(100), Answer::Interrupt] {
        let net = on_each(|stream, chunk| assert!(say(stream, chunk)));
        net.answer([first]);
        let (bytes, calls) = sent(&net);
        assert_eq!(bytes, "pingPONG!", "{calls}");
    }
    // The next chunk is read into the same buffer while it waits.
    let net = on_each(|stream, chunk| _ = say(stream, chunk));
    net.answer([Answer::Block(5_000_000)]);
    let (bytes, calls) = sent(&net);
    assert_eq!((&bytes[..], &calls[..]), ("pingPONG!", "4 blocks, 4+5"));
}

#[test]
fn an_end_behind_it_comes_after_it_and_a_destroy_sends_it_first() {
    let net = on_each(|stream, chunk| {
        say(stream, chunk);
        end(stream);
    });
    assert_eq!(sent(&net).0, "ping");
    assert!(net.wire.borrow().finished);
    let net = on_each(|stream, chunk| {
        say(stream, chunk);
        destroy(stream, None);
    });
    assert_eq!(sent(&net).0, "ping");
}

#[test]
fn after_a_panic_it_is_sent_in_the_next_turn() {
    // The panic takes the reaction with it.
    let net = on_each(|stream, chunk| {
        assert!(say(stream, chunk) && say(stream, &chunk[1..]));
        panic!("a listener's bug");
    });
    assert!(catch_unwind(AssertUnwindSafe(|| net.run())).is_err());
    assert_eq!(net.stream.0.duplex.queued(), 7);
    assert_eq!(sent(&net), ("pinging".into(), "7".into()));
    let net = on_each(|stream, chunk| {
        say(stream, chunk);
        panic!("a listener's bug");
    });
    assert!(catch_unwind(AssertUnwindSafe(|| net.run())).is_err());
    assert_eq!(sent(&net), ("ping".into(), "4".into()));
}

#[test]
fn two_streams_that_answer_in_one_turn_do_not_mix() {
    let net = Net::new(true);
    let other = net.beside();
    for (net, word) in [(&net, "one"), (&other, "other")] {
        resume(&net.stream);
        net.arrive(1_000_000, Arrival::Bytes(word.into()));
        net.react(|stream, told| {
            if let Told::Data(chunk) = told {
                assert!(say(stream, chunk) && say(stream, chunk));
            }
        });
        net.at(1_000_000_000, |stream| destroy(stream, None));
    }
    net.run();
    assert_eq!((net.calls(), other.calls()), ("6".into(), "10".into()));
    assert_eq!(net.wire.borrow().sent, b"oneone");
    assert_eq!(other.wire.borrow().sent, b"otherother");
}

#[test]
fn what_comes_is_written_to_another_stream_at_once() {
    let net = Net::new(true);
    let other = net.beside();
    let to = other.stream.clone();
    resume(&net.stream);
    net.arrive(1_000_000, Arrival::Bytes(b"ping".to_vec()));
    net.react(move |stream, told| {
        if let Told::Data(chunk) = told {
            assert!(say(&to, chunk) && say(stream, &chunk[1..]) && say(&to, &chunk[..1]));
            assert_eq!((to.0.duplex.sent(), stream.0.duplex.sent()), (5, 0));
        }
    });
    for net in [&net, &other] {
        net.at(1_000_000_000, |stream| destroy(stream, None));
    }
    net.run();
    assert_eq!((net.calls(), other.calls()), ("3".into(), "4, 1".into()));
    assert_eq!(
        (&net.wire.borrow().sent[..], &other.wire.borrow().sent[..]),
        (&b"ing"[..], &b"pingp"[..])
    );
}
