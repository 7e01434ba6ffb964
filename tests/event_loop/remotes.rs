//! Posts from other threads: none is lost, none runs twice, and what they keep alive.

use super::support::{connected, in_time, make_loop, turns};
use onward::events::*;
use onward::net::Server;
use onward::{EventLoop, Remote, set_immediate, set_interval, set_timeout, stop};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

thread_local! {
    /// What posted closures note on the loop's thread.
    static NOTED: RefCell<Vec<(usize, u32)>> = const { RefCell::new(Vec::new()) };
}

#[test]
fn eight_threads_post_a_million_times_and_each_post_runs_once_and_in_order() {
    const THREADS: usize = 8;
    const POSTS: u32 = 125_000;
    thread_local! {
        static NEXT: RefCell<[u32; THREADS]> = const { RefCell::new([0; THREADS]) };
    }
    in_time(|| {
        onward::run(|| {
            let remote = onward::remote();
            for id in 0..THREADS {
                let remote = remote.clone();
                thread::spawn(move || {
                    for n in 0..POSTS {
                        let expect = move || {
                            NEXT.with_borrow_mut(|next| {
                                assert_eq!(next[id], n);
                                next[id] += 1;
                            });
                        };
                        remote.post(expect).unwrap();
                    }
                });
            }
            Ok(())
        })
        .unwrap();
        assert_eq!(NEXT.take(), [POSTS; THREADS]);
    });
}

#[test]
fn a_post_wakes_a_loop_that_sleeps_again_and_again() {
    const ROUNDS: u64 = 5_000;
    in_time(|| {
        let count = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&count);
        onward::run(|| {
            let remote = onward::remote();
            thread::spawn(move || {
                // The next post waits for this one, so a wake-up that is lost hangs both.
                let (pong, pongs) = mpsc::channel();
                for _ in 0..ROUNDS {
                    let (counted, pong) = (Arc::clone(&counted), pong.clone());
                    let ping = move || {
                        counted.fetch_add(1, Ordering::Relaxed);
                        pong.send(()).unwrap();
                    };
                    remote.post(ping).unwrap();
                    pongs.recv().unwrap();
                }
            });
            Ok(())
        })
        .unwrap();
        assert_eq!(count.load(Ordering::Relaxed), ROUNDS);
    });
}

#[test]
fn posts_of_the_loop_s_own_thread_run_in_order_and_not_inside_of_the_call() {
    in_time(|| {
        onward::run(|| {
            let remote = onward::remote();
            set_immediate(move || {
                for n in 0..3 {
                    remote.post(move || NOTED.with_borrow_mut(|noted| noted.push((0, n)))).unwrap();
                }
                NOTED.with_borrow(|noted| assert!(noted.is_empty()));
            });
            Ok(())
        })
        .unwrap();
        assert_eq!(NOTED.take(), [(0, 0), (0, 1), (0, 2)]);
    });
}

#[test]
fn a_post_from_inside_of_a_posted_closure_runs_later() {
    in_time(|| {
        onward::run(|| {
            let (outer, inner) = (onward::remote(), onward::remote());
            let nested = move || {
                inner.post(|| NOTED.with_borrow_mut(|noted| noted.push((1, 0)))).unwrap();
                NOTED.with_borrow_mut(|noted| noted.push((0, 0)));
            };
            outer.post(nested).unwrap();
            Ok(())
        })
        .unwrap();
        assert_eq!(NOTED.take(), [(0, 0), (1, 0)]);
    });
}

#[test]
fn a_remote_keeps_the_loop_alive_until_the_last_is_dropped_by_another_thread() {
    in_time(|| {
        let dropped = Arc::new(AtomicBool::new(false));
        let before = Arc::clone(&dropped);
        onward::run(|| {
            let remote = onward::remote();
            let clones = [remote.clone(), remote.clone()];
            thread::spawn(move || {
                drop(remote);
                // Nothing tells whether the loop waits by now; it is right either way.
                thread::yield_now();
                before.store(true, Ordering::SeqCst);
                drop(clones);
            });
            Ok(())
        })
        .unwrap();
        assert!(dropped.load(Ordering::SeqCst), "it ended before the last remote was dropped");
    });
}

#[test]
fn a_remote_that_is_unrefed_by_another_thread_lets_the_loop_end() {
    in_time(|| {
        let (kept, remotes) = mpsc::channel();
        onward::run(|| {
            let remote = onward::remote();
            thread::spawn(move || kept.send(remote.unref()));
            Ok(())
        })
        .unwrap();
        let remote = remotes.recv().unwrap();
        assert_eq!(format!("{remote:?}"), "Remote { holds: false, closed: true }");
    });
}

#[test]
fn a_clone_of_an_unrefed_remote_holds_nothing_and_one_made_before_does() {
    in_time(|| {
        let held = Rc::new(Cell::new(true));
        let log = Rc::clone(&held);
        onward::run(move || {
            let holding = onward::remote();
            let free = holding.clone().unref();
            let _also_free = free.clone().unref();
            set_timeout(MS, move || {
                drop(holding);
                log.set(false);
            })
            .unref();
            Ok(())
        })
        .unwrap();
        assert!(!held.get());
    });
}

#[test]
fn what_was_posted_by_an_unrefed_remote_before_the_natural_end_still_runs() {
    in_time(|| {
        let (event_loop, log) = make_loop();
        let remote = event_loop.remote().unref();
        remote.post(|| NOTED.with_borrow_mut(|noted| noted.push((7, 7)))).unwrap();
        event_loop.run().unwrap();
        assert_eq!(NOTED.take(), [(7, 7)]);
        // Also what it posts in its very last callback, and what that sets up.
        let last = remote.clone();
        event_loop.enter(|| {
            set_immediate(move || {
                let nested = || {
                    NOTED.with_borrow_mut(|noted| noted.push((8, 0)));
                    set_timeout(MS, || NOTED.with_borrow_mut(|noted| noted.push((8, 1))));
                };
                last.post(nested).unwrap();
            })
        });
        event_loop.run().unwrap();
        assert_eq!(NOTED.take(), [(8, 0), (8, 1)]);
        drop(log);
    });
}

#[test]
fn a_post_to_a_loop_that_has_ended_gives_the_closure_back() {
    in_time(|| {
        let event_loop = EventLoop::new().unwrap();
        let remote = event_loop.remote();
        assert!(!remote.is_closed());
        drop(event_loop);
        assert!(remote.is_closed());
        let cargo = "not lost".to_string();
        let error = remote.post(move || drop(cargo)).unwrap_err();
        assert_eq!(error.to_string(), "post: the event loop has ended");
        assert_eq!(format!("{error:?}"), "PostError(..)");
        (error.0)();
        remote.wake();
        drop(remote.clone().unref());
    });
}

#[test]
fn closures_that_were_posted_and_not_run_are_dropped_with_the_loop() {
    struct Flag(Arc<AtomicBool>, Remote);
    impl Drop for Flag {
        fn drop(&mut self) {
            // No lock is held: posting from here is possible, and refused.
            assert!(self.1.post(|| ()).is_err());
            self.0.store(true, Ordering::SeqCst);
        }
    }
    in_time(|| {
        let event_loop = EventLoop::new().unwrap();
        let remote = event_loop.remote();
        let dropped = Arc::new(AtomicBool::new(false));
        let flag = Flag(Arc::clone(&dropped), remote.clone());
        remote.post(move || drop(flag)).unwrap();
        drop(event_loop);
        assert!(dropped.load(Ordering::SeqCst));
    });
}

#[test]
fn wake_ends_a_wait_and_nothing_else() {
    in_time(|| {
        let (event_loop, _) = make_loop();
        let remote = event_loop.remote();
        let waker = remote.clone().unref();
        let (go, gone) = mpsc::channel::<()>();
        event_loop.enter(|| set_immediate(move || drop(go)));
        let thread = thread::spawn(move || {
            assert!(gone.recv().is_err());
            for _ in 0..100 {
                waker.wake();
            }
            drop(remote);
        });
        event_loop.run().unwrap();
        thread.join().unwrap();
        assert!(turns(&event_loop.handle()) <= 110);
    });
}

#[test]
fn a_flood_of_posts_starves_neither_timers_nor_immediates_nor_sockets() {
    in_time(|| {
        let flooding = Arc::new(AtomicBool::new(true));
        let (on, served) = (Arc::clone(&flooding), Rc::new(Cell::new((0, 0))));
        let counted = Rc::clone(&served);
        onward::run(move || {
            let remote = onward::remote();
            // It posts itself again at once: there is always more than a turn takes.
            fn flood(remote: &Remote, on: &Arc<AtomicBool>) {
                if on.load(Ordering::Relaxed) {
                    let (next, flooding) = (remote.clone(), Arc::clone(on));
                    remote.post(move || flood(&next, &flooding)).unwrap();
                }
            }
            for _ in 0..5_000 {
                flood(&remote, &flooding);
            }
            drop(remote);
            let ticks = Rc::clone(&counted);
            set_interval(MS, move |timer| {
                let (timers, chunks) = ticks.get();
                ticks.set((timers + 1, chunks));
                if timers >= 5 && chunks >= 5 {
                    timer.cancel();
                    flooding.store(false, Ordering::Relaxed);
                    stop();
                }
            });
            let server = Server::listen("127.0.0.1:0")?;
            connected(&server, move |client, accepted| {
                accepted.on(Data, |accepted, chunk| _ = accepted.write(chunk));
                client.on(Data, move |client, chunk| {
                    let (timers, chunks) = counted.get();
                    counted.set((timers, chunks + 1));
                    client.write(chunk);
                });
                client.write("ball");
            });
            Ok(())
        })
        .unwrap();
        let (timers, chunks) = served.get();
        assert!(timers > 5 && chunks >= 5);
        assert!(!on.load(Ordering::Relaxed));
    });
}
