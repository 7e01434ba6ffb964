//! What a loop says of itself: its counters, what waits on it, and what it does with its time.

use super::support::{NEVER, connected, in_time, make_loop, post_from_thread, spin};
use onward::events::*;
use onward::inspect::{self, Pending, Stats, Utilization};
use onward::net::{Server, Socket};
use onward::{Handle, next_tick, set_immediate, set_interval, set_timeout, spawn, spawn_blocking};
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::net::TcpStream;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, Instant};

const MS: Duration = Duration::from_millis(1);

/// A future that is polled so many times.
async fn polled(mut times: u32) {
    poll_fn(|context| {
        times -= 1;
        context.waker().wake_by_ref();
        if times == 0 { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

#[test]
fn each_kind_of_callback_is_counted_as_often_as_it_is_called() {
    in_time(|| {
        let (event_loop, _) = make_loop();
        event_loop.enter(|| {
            assert_eq!(inspect::stats(), Stats::default());
            (0..2).for_each(|_| _ = set_timeout(Duration::ZERO, || {}));
            set_timeout(NEVER, || {}).cancel();
            let mut beats = 3;
            set_interval(MS, move |timer| {
                beats -= 1;
                if beats == 0 {
                    timer.cancel();
                }
            });
            next_tick(|| next_tick(|| {}));
            (0..4).for_each(|_| _ = set_immediate(|| {}));
            set_immediate(|| unreachable!()).cancel();
            spawn(polled(5));
            spawn_blocking(|| {}).then(|result| result.unwrap());
            post_from_thread(onward::remote(), || {});
            let handle = Handle::current().unwrap();
            handle.before_poll(|| {});
        });
        event_loop.run().unwrap();
        let stats = Stats::of(&event_loop.handle());
        assert_eq!((stats.timers, stats.ticks, stats.immediates), (5, 2, 4), "{stats:#?}");
        assert_eq!((stats.polls, stats.blocking, stats.posted), (5, 1, 1), "{stats:#?}");
        // A hook for each turn, which waits once.
        assert_eq!(stats.hooks, stats.turns, "{stats:#?}");
        assert_eq!((stats.events, stats.closes, stats.stale), (0, 0, 0), "{stats:#?}");
        assert_eq!(stats.callbacks(), 5 + 2 + 4 + 5 + 1 + 1 + stats.hooks);
        assert_eq!(stats.pending, Pending::default());
    });
}

#[test]
fn readiness_is_counted_and_what_closes_too() {
    in_time(|| {
        let (event_loop, _) = make_loop();
        event_loop.enter(|| {
            let server = Server::listen("127.0.0.1:0").unwrap();
            connected(&server, |client, accepted| {
                let before = inspect::stats();
                accepted.on(Data, |accepted, chunk| accepted.end_with(chunk));
                client.on(Data, move |client, _| {
                    let meanwhile = inspect::stats().since(&before);
                    // The ball went there and back.
                    assert_eq!(meanwhile.events, 2, "{meanwhile:#?}");
                    assert_eq!(meanwhile.pending.sources, 2, "{meanwhile:#?}");
                    client.destroy();
                    assert_eq!(inspect::stats().pending.sources, 1);
                    assert_eq!(inspect::stats().pending.closing, 1);
                });
                client.write("ball");
            });
            server.once(Connection, |server, _| server.close());
        });
        event_loop.run().unwrap();
        let stats = Stats::of(&event_loop.handle());
        // Two for the server, one for each socket.
        assert_eq!((stats.closes, stats.pending), (4, Pending::default()), "{stats:#?}");
    });
}

#[test]
fn the_difference_of_two_is_what_happened_in_between() {
    in_time(|| {
        let (event_loop, _) = make_loop();
        let of = || Stats::of(&event_loop.handle());
        event_loop.enter(|| next_tick(|| {}));
        event_loop.run_nowait().unwrap();
        let first = of();
        event_loop.enter(|| set_immediate(|| {}));
        event_loop.run_nowait().unwrap();
        let second = of();
        assert_eq!((second.turns, second.ticks, second.immediates), (2, 1, 1));
        let between = second.since(&first);
        assert_eq!((between.turns, between.ticks, between.immediates), (1, 0, 1));
        assert_eq!(second.since(&second).callbacks(), 0);
        assert_eq!(first.since(&second).turns, 0, "the wrong way round is nothing");
    });
}

#[test]
fn what_waits_is_told_by_its_kind() {
    in_time(|| {
        onward::run(|| {
            let (timer, server) = (set_timeout(NEVER, || {}), Server::listen("127.0.0.1:0")?);
            let interval = set_interval(NEVER, |_| {}).unref();
            let future = spawn(std::future::pending::<()>());
            let (go, wait) = std::sync::mpsc::channel::<()>();
            spawn_blocking(move || _ = wait.recv()).then(|result| result.unwrap());
            next_tick(|| {});
            set_immediate(|| {});
            set_immediate(|| {}).cancel();
            onward::remote().unref().post(|| {}).unwrap();
            let pending = inspect::stats().pending;
            // The first tick is the server's, which tells that it listens. The future is to be polled.
            assert_eq!((pending.ticks, pending.immediates, pending.posted), (2, 1, 1));
            assert_eq!((pending.timers, pending.sources), (2, 1));
            assert_eq!((pending.futures, pending.blocking), (1, 1));
            assert_eq!((pending.deferred, pending.closing), (0, 0));
            timer.cancel();
            interval.cancel();
            server.close();
            future.cancel();
            drop(go);
            Ok(())
        })
        .unwrap();
    });
}

/// Two sockets are ready when the loop looks; the first destroys the other.
#[test]
fn readiness_that_comes_too_late_is_counted_as_stale() {
    in_time(|| {
        let (event_loop, _) = make_loop();
        event_loop.enter(|| {
            let server = Server::listen("127.0.0.1:0").unwrap();
            let peers: Vec<TcpStream> =
                (0..2).map(|_| TcpStream::connect(server.local_addr()).unwrap()).collect();
            let (peers, sockets) = (Cell::new(Some(peers)), Rc::new(RefCell::new(Vec::new())));
            server.on(Connection, move |server, socket| {
                let all = Rc::clone(&sockets);
                socket.on(Data, move |_, _| all.borrow().iter().for_each(Socket::destroy));
                sockets.borrow_mut().push(socket);
                if sockets.borrow().len() == 2 {
                    server.close();
                    for mut peer in peers.take().unwrap() {
                        std::io::Write::write_all(&mut peer, b"hello").unwrap();
                    }
                }
            });
        });
        event_loop.run().unwrap();
        assert_eq!(Stats::of(&event_loop.handle()).stale, 1);
    });
}

#[test]
fn time_is_taken_down_from_the_first_question_on() {
    in_time(|| {
        let began = Instant::now();
        let (event_loop, _) = make_loop();
        event_loop.enter(|| {
            set_timeout(Duration::ZERO, || spin(5 * MS)); // nobody has asked yet
            set_timeout(MS, || {
                let first = inspect::utilization();
                assert_eq!(first, Utilization::default());
                spin(5 * MS);
                let second = inspect::utilization();
                assert!(second.active >= 5 * MS && second.idle == Duration::ZERO, "{second:?}");
                assert_eq!(second.utilization, 1.0);
                set_timeout(200 * MS, move || {
                    let third = inspect::utilization();
                    let since = third.since(&second);
                    // It waited for the timer, or was kept from it; but that time is somewhere.
                    assert!(since.idle + since.active >= 200 * MS, "{since:?}");
                    assert!(since.idle > Duration::ZERO, "{since:?}");
                    assert!(since.utilization < 1.0, "{since:?}");
                    assert_eq!(inspect::stats().idle, third.idle);
                });
            });
        });
        event_loop.run().unwrap();
        let all = Utilization::of(&event_loop.handle());
        assert!(all.idle + all.active <= began.elapsed(), "{all:?}");
    });
}

#[test]
fn time_between_runs_is_neither_idle_nor_active() {
    in_time(|| {
        let (event_loop, _) = make_loop();
        let of = || Utilization::of(&event_loop.handle());
        assert_eq!(of(), Utilization::default());
        spin(5 * MS);
        assert_eq!(of(), Utilization::default());
        let run = || {
            event_loop.enter(|| set_immediate(|| spin(5 * MS)));
            let began = Instant::now();
            event_loop.run().unwrap();
            began.elapsed()
        };
        let first = (run(), of());
        assert!(first.1.active >= 5 * MS, "{first:?}");
        spin(5 * MS);
        assert_eq!(of(), first.1);
        let (second, both) = (run(), of());
        assert!(both.active >= 10 * MS, "{both:?}");
        assert!(both.idle + both.active <= first.0 + second, "{both:?}");
    });
}

#[test]
#[should_panic(expected = "inspect::stats: find event loop: no event loop runs on this thread")]
fn outside_of_a_loop_there_is_nothing_to_ask() {
    let _ = inspect::stats();
}
