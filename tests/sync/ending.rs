//! `off_and_wait`: after it has returned, the listener does not run and is never called.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};
use std::thread;

use onward::events;
use onward::sync::{Emitter, StillRunning};

use super::support::{Closed, Joined, Later, Log, Room, in_time, noting};

const TIMES: usize = if cfg!(miri) { 20 } else { 2_000 };

#[test]
fn it_is_off_when_nothing_runs() {
    let (room, log) = (Room::new(), Log::default());
    let dropped = log.on_drop("dropped");
    let listener = room.on(Joined, move |_, _| dropped.touch());
    assert_eq!(room.off_and_wait(listener), Ok(true));
    assert_eq!(log.take(), "dropped");
    assert_eq!(room.off_and_wait(listener), Ok(false));
}

#[test]
fn the_listener_never_runs_after_it_has_returned() {
    in_time(|| {
        for reentrant in [false, true] {
            let (room, stop) = (Room::new(), AtomicBool::new(false));
            thread::scope(|threads| {
                for _ in 0..2 {
                    threads.spawn(|| {
                        while !stop.load(Ordering::Relaxed) {
                            room.emit(Joined, "");
                        }
                    });
                }
                for _ in 0..TIMES {
                    let over = Arc::new(AtomicBool::new(false));
                    let o = Arc::clone(&over);
                    let check = move || {
                        assert!(!o.load(Ordering::SeqCst), "it began after it was over");
                        thread::yield_now();
                        assert!(!o.load(Ordering::SeqCst), "it ran when it was over");
                    };
                    let listener = if reentrant {
                        room.on_reentrant(Joined, move |_, _| check())
                    } else {
                        room.on(Joined, move |_, _| check())
                    };
                    assert_eq!(room.off_and_wait(listener), Ok(true));
                    over.store(true, Ordering::SeqCst);
                }
                stop.store(true, Ordering::Relaxed);
            });
            assert_eq!(room.listener_count(Joined), 0);
        }
    });
}

#[test]
fn it_waits_for_one_that_somebody_else_has_removed() {
    in_time(|| {
        let room = Room::new();
        let ((inside, entered), (go, goes)) = (channel(), channel());
        let ended = Arc::new(AtomicUsize::new(0));
        let e = Arc::clone(&ended);
        let listener = room.on(Joined, move |_, _| {
            inside.send(()).expect("it is waited for");
            goes.recv().expect("it is told");
            e.store(1, Ordering::SeqCst);
        });
        thread::scope(|threads| {
            threads.spawn(|| room.emit(Joined, ""));
            entered.recv().expect("the listener says so");
            assert!(room.off(listener));
            let waits = threads.spawn(|| {
                let result = room.off_and_wait(listener);
                (result, ended.load(Ordering::SeqCst))
            });
            go.send(()).expect("the listener waits");
            assert_eq!(waits.join().expect("no panic"), (Ok(false), 1));
        });
    });
}

#[test]
fn from_inside_of_the_listener_it_says_that_it_runs() {
    in_time(|| {
        for reentrant in [false, true] {
            let (room, log, later) = (Room::new(), Log::default(), Later::new());
            let (l, handle, captured) = (log.clone(), later.clone(), log.on_drop("dropped"));
            let listener = move |room: &Room, _: &str| {
                captured.touch();
                let error = room.off_and_wait(handle.get()).expect_err("it runs");
                assert!(error.removed);
                let again: StillRunning = room.off_and_wait(handle.get()).expect_err("it runs");
                assert!(!again.removed, "it was removed before");
                l.note("again");
            };
            later.set(if reentrant {
                room.on_reentrant(Joined, listener)
            } else {
                room.on(Joined, listener)
            });
            assert_eq!(room.emit(Joined, "").called, 1);
            assert_eq!(room.emit(Joined, "").called, 0);
            assert_eq!(log.take(), "again dropped");
        }
    });
}

#[test]
fn from_inside_of_another_listener_of_the_emit_it_need_not_wait() {
    let (room, log, later) = (Room::new(), Log::default(), Later::new());
    let handle = later.clone();
    room.on(Joined, move |room, _| {
        let first = room.off_and_wait(handle.get());
        assert_eq!((first, room.off_and_wait(handle.get())), (Ok(true), Ok(false)));
    });
    later.set(room.on(Joined, noting!(log, "removed")));
    assert_eq!(room.emit(Joined, "").called, 1);
    assert_eq!(log.take(), "");
}

events! { sync Pair { Left(), Right() } }

#[test]
fn two_listeners_that_end_each_other_do_not_wait_for_ever() {
    in_time(|| {
        for (reentrant, _) in [(false, 0), (true, 0)].into_iter().cycle().take(100) {
            let (pair, meet) = (Pair::new(), Arc::new(Barrier::new(2)));
            let (left, right) = (Later::new(), Later::new());
            let results = Log::default();
            let ends = |other: Later<_>| {
                let (meet, results) = (Arc::clone(&meet), results.clone());
                move |pair: &Pair, ()| {
                    meet.wait();
                    results.note(match pair.off_and_wait(other.get()) {
                        Ok(removed) => removed.to_string(),
                        Err(error) => format!("running:{}", error.removed),
                    });
                }
            };
            if reentrant {
                left.set(pair.on_reentrant(Left, ends(right.clone())));
                right.set(pair.on_reentrant(Right, ends(left.clone())));
            } else {
                left.set(pair.on(Left, ends(right.clone())));
                right.set(pair.on(Right, ends(left.clone())));
            }
            thread::scope(|threads| {
                threads.spawn(|| pair.emit(Left, ()));
                threads.spawn(|| pair.emit(Right, ()));
            });
            let mut noted: Vec<_> = results.take().split(' ').map(str::to_owned).collect();
            noted.sort();
            assert_eq!(noted, ["running:true", "true"], "one of them could wait");
            assert!(pair.event_names().is_empty());
        }
    });
}

#[test]
fn an_emit_that_waits_for_the_caller_is_not_waited_for() {
    in_time(|| {
        for _ in 0..100 {
            let (pair, meet) = (Pair::new(), Arc::new(Barrier::new(2)));
            let (left, results) = (Later::new(), Log::default());
            let (m, r) = (Arc::clone(&meet), results.clone());
            left.set(pair.on(Left, move |pair, ()| {
                m.wait();
                let emitted = pair.emit(Right, ()); // waits for the other thread's turn
                r.note(format!("{}{}", emitted.called, emitted.skipped));
            }));
            let (handle, r) = (left.clone(), results.clone());
            let mut first = true;
            pair.on(Right, move |pair, ()| {
                if std::mem::take(&mut first) {
                    meet.wait();
                    let result = pair.off_and_wait(handle.get());
                    r.note(if result.is_ok() { "over" } else { "running" });
                }
            });
            thread::scope(|threads| {
                threads.spawn(|| pair.emit(Left, ()));
                threads.spawn(|| pair.emit(Right, ()));
            });
            let mut noted: Vec<_> = results.take().split(' ').map(str::to_owned).collect();
            noted.sort();
            assert_eq!(noted, ["10", "running"], "whichever of the two began to wait first");
            assert_eq!((pair.emit(Left, ()).called, pair.emit(Right, ()).called), (0, 1));
        }
    });
}

#[test]
fn who_waits_for_a_reader_gives_up_when_that_waits_for_it() {
    in_time(|| {
        for _ in 0..100 {
            let (pair, meet) = (Pair::new(), Arc::new(Barrier::new(2)));
            let (results, mut first) = (Log::default(), true);
            let (m, r) = (Arc::clone(&meet), results.clone());
            let left = pair.on_reentrant(Left, move |pair, ()| {
                m.wait();
                r.note(format!("{}", pair.emit(Right, ()).called));
            });
            let r = results.clone();
            pair.on(Right, move |pair, ()| {
                if std::mem::take(&mut first) {
                    meet.wait();
                    r.note(if pair.off_and_wait(left).is_ok() { "over" } else { "running" });
                }
            });
            thread::scope(|threads| {
                threads.spawn(|| pair.emit(Left, ()));
                threads.spawn(|| pair.emit(Right, ()));
            });
            let mut noted: Vec<_> = results.take().split(' ').map(str::to_owned).collect();
            noted.sort();
            assert_eq!(noted, ["1", "running"]);
        }
    });
}

#[test]
fn a_subscription_does_not_wait() {
    in_time(|| {
        let room = Room::new();
        let ((inside, entered), (go, goes)) = (channel(), channel());
        let subscription = room.on_scoped(Closed, move |_, ()| {
            inside.send(()).expect("it is waited for");
            goes.recv().expect("it is told");
        });
        thread::scope(|threads| {
            threads.spawn(|| room.emit(Closed, ()));
            entered.recv().expect("the listener says so");
            drop(subscription);
            go.send(()).expect("the listener waits");
        });
    });
}
