//! Write queues: high water, drain, cap, and the counters.

use crate::common::pattern::Pattern;
use crate::common::{Log, connect_to, host, join, logged, run};
use onward::events::*;
use onward::net::Socket;
use onward::next_tick;
use std::cell::RefCell;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::rc::Rc;
use std::sync::mpsc;

/// Reads to the end, and checks each byte.
fn read_pattern(mut stream: TcpStream) -> usize {
    let (mut pattern, mut buffer) = (Pattern::new(), vec![0; 64 * 1024]);
    loop {
        match stream.read(&mut buffer).expect("a chunk or the end") {
            0 => return pattern.place(),
            count => pattern.check(&buffer[..count]),
        }
    }
}

/// Writes the pattern until it is told to wait.
fn write_until_false(socket: &Socket, pattern: &mut Pattern) {
    while socket.write(pattern.next(50_000)) {}
}

#[test]
fn drain_comes_once_for_each_time_that_a_write_said_false() {
    let (log, pattern) = (Log::default(), Rc::new(RefCell::new(Pattern::new())));
    let (seen, sent) = (log.clone(), Rc::clone(&pattern));
    let (address, peer) = host(read_pattern);
    run(move || {
        let client = Socket::connect(address)?;
        log.watch(&client);
        let mut rounds = 0;
        let mut go_on = move |client: &Socket| {
            rounds += 1;
            if rounds > 5 {
                return client.end();
            }
            let mut pattern = pattern.borrow_mut();
            write_until_false(client, &mut pattern);
            assert!(client.needs_drain() && client.queued() >= 64 * 1024);
            assert!(!client.write(pattern.next(1)), "told twice, and still drained once");
        };
        go_on(&client);
        client.on(Drain, move |client, ()| {
            assert_eq!((client.needs_drain(), client.queued()), (false, 0));
            go_on(client);
        });
        Ok(())
    });
    seen.assert(&[
        "connect",
        "drain",
        "drain",
        "drain",
        "drain",
        "drain",
        "finish",
        "end",
        "close false",
    ]);
    assert_eq!(join(peer), sent.borrow().place());
}

#[test]
fn write_says_false_from_high_water_on_and_takes_the_bytes_all_the_same() {
    let (address, peer) = host(read_pattern);
    run(move || {
        let mut pattern = Pattern::new();
        let client = Socket::connect(address)?;
        client.set_high_water(10);
        assert!(client.write(pattern.next(9)));
        assert!(!client.needs_drain());
        assert!(!client.write(pattern.next(1)));
        assert!(!client.write(pattern.next(1)));
        assert_eq!((client.queued(), client.needs_drain(), client.bytes_written()), (11, true, 0));
        client.on(Drain, move |client, ()| {
            assert_eq!((client.queued(), client.bytes_written()), (0, 11));
            assert!(
                client.write(pattern.next(1)),
                "it waits for the end of this, and for nobody else"
            );
            assert_eq!((client.queued(), client.bytes_written()), (1, 11));
            client.end();
        });
        client.resume();
        Ok(())
    });
    assert_eq!(join(peer), 12);
}

#[test]
fn what_is_written_after_a_false_is_not_lost_and_ending_tells_no_drain() {
    let log = Log::default();
    let seen = log.clone();
    let (address, peer) = host(read_pattern);
    run(move || {
        let mut pattern = Pattern::new();
        let client = Socket::connect(address)?;
        log.watch(&client);
        client.on(Connect, move |client, ()| {
            write_until_false(client, &mut pattern);
            for _ in 0..50 {
                assert!(!client.write(pattern.next(50_000)));
            }
            client.end();
            let total = pattern.place() as u64;
            assert_eq!(client.bytes_written() + client.queued() as u64, total);
            client.on(Finish, move |client, ()| {
                assert_eq!((client.bytes_written(), client.queued()), (total, 0))
            });
        });
        Ok(())
    });
    seen.assert(&["connect", "finish", "end", "close false"]);
    assert!(join(peer) > 2_500_000);
}

#[test]
fn the_counters_tell_what_the_system_gave_and_took() {
    let (address, peer) = host(|mut stream| {
        use std::io::Write as _;
        stream.write_all(b"12345").expect("it is read");
        read_pattern(stream)
    });
    run(move || {
        let client = Socket::connect(address)?;
        assert_eq!((client.bytes_read(), client.bytes_written()), (0, 0));
        client.write(Pattern::new().next(7));
        let mut read = 0;
        client.on(Data, move |client, chunk| {
            read += chunk.len() as u64;
            assert_eq!(client.bytes_read(), read);
            if read == 5 {
                client.end();
            }
        });
        client.on(Close, |client, _| {
            assert_eq!((client.bytes_read(), client.bytes_written()), (5, 7))
        });
        Ok(())
    });
    assert_eq!(join(peer), 7);
}

#[test]
fn more_than_the_queue_may_hold_is_one_error_and_the_end() {
    let log = Log::default();
    let seen = log.clone();
    let (address, peer) = host(|mut stream| stream.read(&mut [0]));
    run(move || {
        let client = Socket::connect(address)?;
        log.watch(&client);
        client.set_max_queued(100);
        assert!(client.write([0; 100]), "as much as it may hold");
        assert!(!client.write([0]), "one more");
        assert!(client.is_destroyed());
        assert!(!client.write([0]));
        log.assert(&[]);
        let about = format!("write {address}: ");
        client.on(Error, move |_, error| assert!(error.to_string().starts_with(&about), "{error}"));
        Ok(())
    });
    seen.assert(&["error QueueFull", "close true"]);
    drop(peer);
}

#[test]
fn a_peer_that_does_not_read_fills_the_queue_to_its_cap_and_no_further() {
    let log = Log::default();
    let seen = log.clone();
    let (over, when_over) = mpsc::channel();
    let (address, peer) = host(move |stream| {
        when_over.recv().expect("it is over some time");
        drop(stream);
    });
    run(move || {
        let client = Socket::connect(address)?;
        log.watch(&client);
        client.set_max_queued(1 << 20);
        client.on(Connect, |client, ()| {
            while !client.is_destroyed() {
                client.write([0; 10_000]);
                assert!(client.queued() <= 1 << 20);
            }
        });
        client.on(Close, move |_, _| over.send(()).expect("the peer waits"));
        Ok(())
    });
    seen.assert(&["connect", "error QueueFull", "close true"]);
    join(peer);
}

#[test]
fn a_write_after_the_end_is_an_error() {
    let seen = logged(move |log| {
        let (client, _) = connect_to(|mut stream| stream.read(&mut [0]))?;
        log.watch(&client);
        client.on(Connect, |client, ()| {
            client.end();
            assert!(!client.write("late"));
        });
        Ok(())
    });
    seen.assert(&["connect", "error WriteAfterEnd", "close true"]);
}

#[test]
fn a_write_after_destroy_says_false_and_does_nothing() {
    let seen = logged(move |log| {
        let (client, _) = connect_to(|mut stream| stream.read(&mut [0]))?;
        log.watch(&client);
        client.on(Connect, |client, ()| {
            client.destroy();
            assert!(!client.write("late"));
            client.end_with("later");
            assert_eq!((client.queued(), client.bytes_written()), (0, 0));
        });
        client.on(Close, |client, _| assert!(!client.write("too late")));
        Ok(())
    });
    seen.assert(&["connect", "close false"]);
}

#[test]
fn an_empty_write_sends_nothing_and_asks_for_no_wait() {
    let (address, peer) = host(read_pattern);
    run(move || {
        let client = Socket::connect(address)?;
        assert!(client.write(""), "before it stands");
        client.on(Connect, |client, ()| {
            assert!(client.write(""));
            client.end_with("");
        });
        client.on(Close, |client, _| assert_eq!(client.bytes_written(), 0));
        client.resume();
        Ok(())
    });
    assert_eq!(join(peer), 0);
}

/// A callback of one socket that runs in a tick of another one's: both hold what they write.
#[test]
fn sockets_whose_callbacks_run_inside_of_each_other_keep_their_bytes_apart() {
    let read = |mut stream: TcpStream| {
        stream.write_all(b"?").expect("the other side reads");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("text, to the end");
        text
    };
    let ((outer, outer_peer), (inner, inner_peer)) = (host(read), host(read));
    run(move || {
        let (outer, inner) = (Socket::connect(outer)?, Socket::connect(inner)?);
        let within = inner.clone();
        outer.on(Data, move |outer, _| {
            outer.write("outer 1,");
            let (again, inner) = (outer.clone(), within.clone());
            within.write_then("inner 1,", move |sent| {
                sent.expect("it is small");
                inner.write("inner 2,");
                again.write("outer 2,");
                inner.write("inner 3,");
                assert_eq!((inner.queued(), again.queued()), (16, 24), "both are held");
                inner.end();
            });
            outer.write("outer 3,");
            next_tick({
                let outer = outer.clone();
                move || outer.end_with("outer 4")
            });
        });
        inner.resume();
        Ok(())
    });
    assert_eq!(join(outer_peer), "outer 1,outer 3,outer 2,outer 4");
    assert_eq!(join(inner_peer), "inner 1,inner 2,inner 3,");
}
