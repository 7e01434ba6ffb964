//! What leaves in one system call, and what is told in which order, to the letter.

use super::{Answer, Arrival, Net, Told};
use crate::io::{
    cork, destroy, end, pause, resume, set_autocork, uncork, write, write_chunk, write_then,
};
use crate::stream::WhenFull;
use bytes::Bytes;

/// A network on which "ping" comes after a millisecond, and what the stream does then.
fn on_ping(react: impl Fn(&super::Stream) + 'static) -> Net {
    let net = Net::new(true);
    resume(&net.stream);
    net.arrive(1_000_000, Arrival::Bytes(b"ping".to_vec()));
    net.react(move |stream, told| {
        if matches!(told, Told::Data(_)) {
            react(stream);
        }
    });
    net.at(1_000_000_000, |stream| destroy(stream, None));
    net
}

#[test]
fn one_write_in_a_callback_is_one_plain_send() {
    let net = on_ping(|stream| assert!(write(stream, b"pong")));
    assert_eq!((net.run(), net.calls()), ("data 4, close false".into(), "4".into()));
}

#[test]
fn a_header_and_a_body_written_in_one_callback_leave_in_one_call() {
    let net = on_ping(|stream| {
        write(stream, b"header");
        write(stream, b"body");
    });
    net.run();
    assert_eq!(net.calls(), "10");
    let net = on_ping(|stream| {
        write(stream, b"header");
        write_chunk(stream, vec![0; 10_000].into());
        write_chunk(stream, vec![0; 20_000].into());
        write(stream, b"end");
    });
    net.run();
    assert_eq!(net.calls(), "6+10000+20000+3");
}

#[test]
fn whoever_asks_between_two_writes_does_not_part_them() {
    let net = on_ping(|stream| {
        let duplex = &stream.0.duplex;
        write(stream, b"header");
        assert_eq!((duplex.queued(), duplex.sent() % 11), (6, 0));
        write(stream, b",");
        pause(stream);
        resume(stream);
        duplex.set_high_water(1 << 20);
        assert_eq!(duplex.queued(), 7);
        write(stream, b"body");
        assert_eq!((duplex.queued(), duplex.sent() % 11), (11, 0));
    });
    net.arrive(2_000_000, Arrival::Bytes(b"ping".to_vec()));
    assert_eq!(net.run(), "data 4, data 4, close false");
    assert_eq!((net.calls(), net.wire.borrow().sent.len()), ("11, 11".into(), 22));
}

#[test]
fn nothing_written_in_a_callback_is_no_call() {
    let net = on_ping(|stream| assert!(write(stream, b"")));
    net.run();
    assert_eq!(net.calls(), "");
}

#[test]
fn what_ticks_of_the_callback_write_leaves_with_it() {
    let net = on_ping(|stream| {
        write(stream, b"callback,");
        let later = stream.clone();
        let handle = stream.0.duplex.handle.clone();
        stream.0.duplex.handle.next_tick(move || {
            write(&later, b"tick,");
            handle.next_tick(move || _ = write(&later, b"tick of the tick"));
        });
    });
    net.run();
    assert_eq!(net.calls(), "30");
}

#[test]
fn a_large_body_that_is_lent_goes_at_once_with_its_header_and_uncopied() {
    let net = on_ping(|stream| {
        write(stream, b"header");
        write(stream, &[0; 30_000]);
        assert_eq!(stream.0.duplex.queued(), 0);
        write(stream, b"end");
    });
    net.run();
    assert_eq!(net.calls(), "6+30000, 3");
}

#[test]
fn a_write_outside_of_a_callback_goes_at_once() {
    let net = Net::new(true);
    net.at(10, |stream| {
        write(stream, b"one");
        write(stream, b"two");
        assert_eq!(stream.0.duplex.sent(), 6);
        destroy(stream, None);
    });
    net.run();
    assert_eq!(net.calls(), "3, 3");
}

#[test]
fn without_autocork_each_write_is_a_call() {
    let net = on_ping(|stream| {
        write(stream, b"one");
        set_autocork(stream, false);
        write(stream, b"two");
        write(stream, b"three");
    });
    net.run();
    assert_eq!(net.calls(), "3, 3, 5");
}

#[test]
fn a_callback_that_writes_on_and_on_learns_that_the_system_is_full() {
    let net = on_ping(|stream| {
        let mut count = 0;
        while write(stream, &[0; 1_000]) {
            count += 1;
            assert!(count < 1_000);
        }
    });
    net.answer([Answer::Take(40_000), Answer::Take(1_000), Answer::Block(1_000)]);
    // The high water is told when the system has refused some; then all goes in one call.
    assert_eq!(net.run(), "data 4, drain, close false");
    assert_eq!(
        net.calls(),
        "16000+1000, 16000+1000 takes 1000, 66000 blocks, 15000+16000+16000+16000+3000"
    );
}

#[test]
fn destroying_in_the_callback_sends_what_it_wrote_before() {
    let net = on_ping(|stream| {
        write(stream, b"good");
        write(stream, b"bye");
        destroy(stream, None);
    });
    assert_eq!((net.run(), net.calls()), ("data 4, close false".into(), "7".into()));
}

#[test]
fn ending_in_the_callback_sends_what_it_wrote_and_finishes() {
    let net = on_ping(|stream| {
        write(stream, b"good");
        write(stream, b"bye");
        end(stream);
    });
    net.arrive(2_000_000, Arrival::End);
    assert_eq!(net.run(), "data 4, finish, end, close false");
    assert_eq!(net.calls(), "7");
    assert!(net.wire.borrow().finished);
}

#[test]
fn a_callback_that_panics_leaves_what_it_wrote_to_the_next_turn() {
    let net = on_ping(|stream| {
        write(stream, b"pong");
        panic!("as planned");
    });
    let run = std::panic::AssertUnwindSafe(|| net.run());
    std::panic::catch_unwind(run).unwrap_err();
    assert_eq!(net.calls(), "");
    net.run();
    assert_eq!(net.calls(), "4");
}

#[test]
fn what_is_left_of_a_callback_goes_on_when_the_system_takes_more() {
    let net = on_ping(|stream| {
        write(stream, b"header");
        write(stream, b"body");
        let note = format!("{} wait", stream.0.duplex.queued());
        assert_eq!(note, "10 wait");
    });
    net.answer([Answer::Interrupt, Answer::Take(7), Answer::Block(5_000), Answer::Take(1)]);
    net.run();
    assert_eq!(net.calls(), "10 takes 7, 3 blocks, 3 blocks, 3 takes 1, 2");
    assert_eq!(net.wire.borrow().sent, b"headerbody");
}

#[test]
fn corks_nest_and_the_last_one_sends_all_in_one_call() {
    let net = Net::new(true);
    let log = std::rc::Rc::clone(&net.log);
    net.react(|_, _| {});
    let (one, two) = (net.note("one"), net.note("two"));
    net.at(10, move |stream| {
        cork(stream);
        cork(stream);
        write_then(stream, Box::new(one), |stream| write(stream, b"one"));
        uncork(stream);
        write_then(stream, Box::new(two), |stream| write_chunk(stream, vec![0; 5_000].into()));
        assert_eq!((stream.0.duplex.sent(), stream.0.duplex.queued()), (0, 5_003));
        uncork(stream);
        assert_eq!((stream.0.duplex.sent(), stream.0.duplex.queued()), (5_003, 0));
        assert_eq!(log.borrow().len(), 0, "nothing is told from inside of the call");
        uncork(stream); // once too often
        end(stream);
    });
    net.at(20, |stream| destroy(stream, None));
    assert_eq!(net.run(), "one ok, two ok, finish, close false");
    assert_eq!(net.calls(), "3+5000");
}

#[test]
fn ending_uncorks() {
    let net = Net::new(true);
    net.react(|_, _| {});
    net.at(10, |stream| {
        cork(stream);
        cork(stream);
        write(stream, b"one");
        end(stream);
    });
    net.at(20, |stream| destroy(stream, None));
    assert_eq!((net.run(), net.calls()), ("finish, close false".into(), "3".into()));
}

#[test]
fn a_corked_stream_neither_sends_nor_spins_when_the_system_would_take_it() {
    let net = Net::new(true);
    net.answer([Answer::Block(1_000)]);
    net.react(|_, _| {});
    net.at(10, |stream| {
        write(stream, b"one");
        cork(stream);
    });
    net.at(1_000_000, |stream| {
        assert_eq!(stream.0.duplex.queued(), 3);
        uncork(stream);
        assert_eq!(stream.0.duplex.queued(), 0);
        destroy(stream, None);
    });
    net.run();
    assert_eq!(net.calls(), "3 blocks, 3");
}

#[test]
fn what_was_written_before_it_stood_leaves_with_what_connect_writes() {
    let net = Net::new(false);
    write(&net.stream, b"before");
    net.react(|stream, told| {
        if matches!(told, Told::Connect) {
            write(stream, b"connect");
            end(stream);
        }
    });
    net.at(20, |stream| destroy(stream, None));
    assert_eq!((net.run(), net.calls()), ("connect, finish, close false".into(), "13".into()));
}

#[test]
fn callbacks_come_in_the_order_of_writes_after_drain_and_before_finish() {
    let net = Net::new(true);
    net.react(|_, _| {});
    net.answer([Answer::Take(4), Answer::Block(100), Answer::Take(6), Answer::Block(100)]);
    let notes = [net.note("one"), net.note("two"), net.note("three"), net.note("four")];
    net.at(10, move |stream| {
        stream.0.duplex.set_high_water(5);
        for (note, text) in notes.into_iter().zip(["one", "two", "three", "four"]) {
            write_then(stream, Box::new(note), |stream| write(stream, text.as_bytes()));
        }
        end(stream);
    });
    net.at(1_000, |stream| destroy(stream, None));
    // Ending wants no drain.
    assert_eq!(net.run(), "one ok, two ok, three ok, four ok, finish, close false");
    assert_eq!(net.calls(), "3, 3 blocks, 12 takes 6, 6 blocks, 6 blocks, 6");
}

#[test]
fn drain_comes_before_the_callbacks_of_its_flush() {
    let net = Net::new(true);
    net.react(|_, _| {});
    net.answer([Answer::Block(100)]);
    let notes = [net.note("one"), net.note("two")];
    net.at(10, move |stream| {
        stream.0.duplex.set_high_water(2);
        for (note, text) in notes.into_iter().zip(["one", "two"]) {
            assert!(!write_then(stream, Box::new(note), |stream| write(stream, text.as_bytes())));
        }
    });
    net.at(1_000, |stream| destroy(stream, None));
    assert_eq!(net.run(), "drain, one ok, two ok, close false");
}

#[test]
fn the_callback_of_a_failing_write_comes_before_the_error() {
    let net = Net::new(true);
    net.react(|_, _| {});
    net.answer([Answer::Take(3), Answer::Block(100), Answer::Break]);
    let notes = [net.note("one"), net.note("two"), net.note("three")];
    net.at(10, move |stream| {
        for (note, text) in notes.into_iter().zip(["one", "two", "three"]) {
            write_then(stream, Box::new(note), |stream| write(stream, text.as_bytes()));
        }
    });
    assert_eq!(
        net.run(),
        "one ok, two ConnectionReset, three ConnectionReset, error ConnectionReset, close true"
    );
}

#[test]
fn a_write_after_the_end_fails_its_callback_then_the_stream() {
    let net = Net::new(true);
    net.react(|_, _| {});
    let note = net.note("late");
    net.at(10, move |stream| {
        end(stream);
        assert!(!write_then(stream, Box::new(note), |stream| write(stream, b"late")));
    });
    assert_eq!(net.run(), "late WriteAfterEnd, error WriteAfterEnd, close true");
}

#[test]
fn after_destroy_callbacks_hear_of_it_and_nobody_of_an_error() {
    let net = Net::new(true);
    net.react(|_, _| {});
    net.answer([Answer::Block(1_000_000)]);
    let notes = [net.note("waits"), net.note("late")];
    net.at(10, move |stream| {
        let [waits, late] = notes;
        write_then(stream, Box::new(waits), |stream| write(stream, b"waits"));
        destroy(stream, None);
        assert!(!write_then(stream, Box::new(late), |stream| write(stream, b"late")));
    });
    assert_eq!(net.run(), "waits Destroyed, late Destroyed, close false");
}

#[test]
fn a_full_queue_drops_whole_chunks_and_counts_them() {
    let net = Net::new(true);
    net.react(|_, _| {});
    net.answer([Answer::Take(2), Answer::Block(100)]);
    let notes = [net.note("one"), net.note("two"), net.note("three"), net.note("four")];
    net.at(10, move |stream| {
        let duplex = &stream.0.duplex;
        duplex.set_cap(5);
        duplex.set_when_full(WhenFull::Drop);
        // A part of the first has gone: the rest has to follow, too much or not.
        for (note, text) in notes.into_iter().zip(["one,two,three,", "four,", "", "five"]) {
            write_then(stream, Box::new(note), |stream| write(stream, text.as_bytes()));
        }
        assert_eq!((duplex.queued(), duplex.dropped()), (12, (2, 9)));
        assert!(duplex.needs_drain());
    });
    net.at(1_000, |stream| {
        assert!(write(stream, b"six"));
        destroy(stream, None);
    });
    assert_eq!(net.run(), "drain, one ok, two QueueFull, three ok, four QueueFull, close false");
    assert_eq!(net.wire.borrow().sent, b"one,two,three,six");
}

#[test]
fn a_full_queue_closes_without_an_error_if_that_is_the_policy() {
    let net = Net::new(true);
    net.react(|_, _| {});
    net.answer([Answer::Block(100)]);
    let note = net.note("two");
    net.at(10, move |stream| {
        stream.0.duplex.set_cap(5);
        stream.0.duplex.set_when_full(WhenFull::Close);
        assert!(write(stream, b"12345"));
        assert!(!write_then(stream, Box::new(note), |stream| write(stream, b"6")));
    });
    assert_eq!(net.run(), "two Destroyed, close false");
}

#[test]
fn pausing_between_two_reads_loses_nothing() {
    let net = Net::new(true);
    resume(&net.stream);
    net.arrive(10, Arrival::Bytes(vec![0; 100_000]));
    net.arrive(10, Arrival::End);
    net.react(|stream, told| {
        if matches!(told, Told::Data(_)) {
            pause(stream);
            let later = stream.clone();
            stream
                .0
                .duplex
                .handle
                .set_timeout(std::time::Duration::from_secs(1), move || resume(&later));
        }
    });
    assert_eq!(net.run(), "data 65536, data 34464, end, finish, close false");
}

#[test]
fn many_owned_chunks_go_as_many_as_one_call_takes() {
    let net = Net::new(true);
    net.answer([Answer::Block(100)]);
    net.react(|_, _| {});
    net.at(10, |stream| {
        for _ in 0..100 {
            write_chunk(stream, Bytes::from(vec![1; 3_000]));
        }
        end(stream);
    });
    net.at(1_000, |stream| destroy(stream, None));
    assert_eq!(net.run(), "finish, close false");
    let calls = net.calls();
    let counts: Vec<usize> = calls.split(", ").map(|call| call.split('+').count()).collect();
    assert_eq!(counts, [1, 64, 36]);
}

#[test]
fn a_hundred_thousand_callbacks_of_one_flush_take_no_stack() {
    let net = Net::new(true);
    net.answer([Answer::Block(100)]);
    let count = std::rc::Rc::new(std::cell::Cell::new(0));
    let counted = std::rc::Rc::clone(&count);
    net.at(10, move |stream| {
        for number in 0..100_000 {
            let count = std::rc::Rc::clone(&counted);
            let next = move |_| assert_eq!(count.replace(number + 1), number);
            write_then(stream, Box::new(next), |stream| write(stream, b"x"));
        }
    });
    net.at(1_000, |stream| destroy(stream, None));
    net.run();
    assert_eq!(count.get(), 100_000);
}
