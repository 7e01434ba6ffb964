//! A loop that has nothing to do sleeps: one turn for one event.

use super::support::{connected, field, in_time, make_loop, turns};
use onward::events::*;
use onward::net::Server;
use onward::{Handle, set_interval, set_timeout, spawn_blocking};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

#[test]
fn a_timer_costs_one_turn_to_wait_and_one_to_fire() {
    in_time(|| {
        let (event_loop, log) = make_loop();
        event_loop.enter(|| set_timeout(50 * MS, log.noting("timer")));
        event_loop.run().unwrap();
        assert_eq!(log.take(), "timer");
        assert!(turns(&event_loop.handle()) <= 2, "{event_loop:?}");
    });
}

#[test]
fn a_timer_of_less_than_a_millisecond_does_not_spin() {
    in_time(|| {
        let (event_loop, _) = make_loop();
        event_loop.enter(|| {
            let mut left = 50;
            fn chain(left: u32) {
                if left > 0 {
                    set_timeout(Duration::from_micros(900), move || chain(left - 1));
                }
            }
            chain(std::mem::take(&mut left));
        });
        event_loop.run().unwrap();
        assert!(turns(&event_loop.handle()) <= 51, "{event_loop:?}");
    });
}

#[test]
fn an_interval_costs_one_turn_for_each_beat() {
    in_time(|| {
        let (event_loop, _) = make_loop();
        event_loop.enter(|| {
            let mut left = 20;
            set_interval(2 * MS, move |timer| {
                left -= 1;
                if left == 0 {
                    timer.cancel();
                }
            })
        });
        event_loop.run().unwrap();
        assert!(turns(&event_loop.handle()) <= 21, "{event_loop:?}");
    });
}

#[test]
fn a_chunk_that_goes_to_and_fro_costs_one_turn_each_way() {
    in_time(|| {
        let (event_loop, _) = make_loop();
        let spent = Rc::new(Cell::new(0));
        let result = Rc::clone(&spent);
        event_loop.enter(|| {
            let server = Server::listen("127.0.0.1:0").unwrap();
            connected(&server, move |client, accepted| {
                let handle = Handle::current().unwrap();
                let (began, mut left) = (turns(&handle), 100);
                accepted.on(Data, |accepted, chunk| _ = accepted.write(chunk));
                client.on(Data, move |client, chunk| {
                    left -= 1;
                    if left == 0 {
                        result.set(turns(&handle) - began);
                        return client.end();
                    }
                    client.write(chunk);
                });
                client.write("ball");
            });
            server.on(Connection, |server, _| server.close());
        });
        event_loop.run().unwrap();
        assert!((1..=201).contains(&spent.get()), "{} turns", spent.get());
    });
}

#[test]
fn open_sockets_that_nobody_reads_cost_nothing_even_when_the_peer_resets_them() {
    in_time(|| {
        let (event_loop, _) = make_loop();
        let spent = Rc::new(Cell::new(0));
        let result = Rc::clone(&spent);
        event_loop.enter(|| {
            let server = Server::listen("127.0.0.1:0").unwrap();
            let mut peer = Some(std::net::TcpStream::connect(server.local_addr()).unwrap());
            server.on(Connection, move |server, socket| {
                use std::io::Write as _;
                server.unref();
                socket.unref();
                socket.on(Error, |_, _| {});
                // Unread data at both ends: the close becomes a reset.
                socket.write("unread");
                socket.pause();
                let mut stream = peer.take().unwrap();
                stream.write_all(b"unread").unwrap();
                let (handle, result) = (Handle::current().unwrap(), Rc::clone(&result));
                set_timeout(5 * MS, move || {
                    drop(stream);
                    let began = turns(&handle);
                    set_timeout(50 * MS, move || result.set(turns(&handle) - began));
                });
            });
        });
        event_loop.run().unwrap();
        assert!((1..=4).contains(&spent.get()), "{} turns", spent.get());
        assert_eq!(field(&event_loop.handle(), "stale"), 0);
    });
}

#[test]
fn waiting_for_work_on_another_thread_is_waiting() {
    in_time(|| {
        let (event_loop, _) = make_loop();
        event_loop.enter(|| spawn_blocking(|| std::thread::sleep(50 * MS)).then(|_| ()));
        event_loop.run().unwrap();
        assert!(turns(&event_loop.handle()) <= 2, "{event_loop:?}");
    });
}

#[test]
fn a_cancelled_immediate_costs_no_more_than_a_turn() {
    in_time(|| {
        let (event_loop, _) = make_loop();
        event_loop.enter(|| {
            assert!(onward::set_immediate(|| ()).cancel());
            set_timeout(20 * MS, || ());
        });
        event_loop.run().unwrap();
        assert!(turns(&event_loop.handle()) <= 3, "{event_loop:?}");
    });
}

#[test]
fn posts_cost_two_turns_at_most() {
    in_time(|| {
        let (event_loop, _) = make_loop();
        let remote = event_loop.remote();
        let (next, asked) = std::sync::mpsc::channel();
        next.send(()).unwrap();
        std::thread::spawn(move || {
            for _ in 0..100 {
                asked.recv().unwrap();
                let next = next.clone();
                remote.post(move || _ = next.send(())).unwrap();
            }
        });
        event_loop.run().unwrap();
        assert!(turns(&event_loop.handle()) <= 202, "{event_loop:?}");
    });
}

#[test]
fn ten_thousand_wake_ups_of_one_turn_cost_one_turn_more() {
    in_time(|| {
        onward::run(|| {
            let (handle, remote) = (Handle::current()?, onward::remote());
            set_timeout(Duration::ZERO, move || {
                let before = turns(&handle);
                (0..10_000).for_each(|_| remote.wake());
                let other = remote.clone();
                let waking = move || (0..10_000).for_each(|_| other.wake());
                std::thread::spawn(waking).join().unwrap();
                drop(remote);
                // This turn looks, and may find the wake-ups; or the next one does.
                set_timeout(Duration::from_millis(30), move || {
                    assert!(turns(&handle) - before <= 3, "{}", turns(&handle) - before);
                });
            });
            Ok(())
        })
        .unwrap();
    });
}
