//! Several threads and one emitter.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};
use std::thread;

use onward::sync::Emitter;

use super::support::{Closed, Joined, Log, Moved, Room, in_time, noting};

const THREADS: usize = 4;
const TIMES: usize = if cfg!(miri) { 20 } else { 2_000 };

#[test]
fn all_listeners_see_all_emits_in_one_order_that_of_each_thread() {
    in_time(|| {
        let room = Room::new();
        let logs = [Log::default(), Log::default(), Log::default()];
        for log in &logs {
            let log = log.clone();
            room.on(Joined, move |_, name| log.note(name));
        }
        thread::scope(|threads| {
            for t in 0..THREADS {
                let room = &room;
                threads.spawn(move || {
                    for n in 0..TIMES {
                        assert_eq!(room.emit(Joined, &format!("{t}:{n}")).called, 3);
                    }
                });
            }
        });
        let seen = logs.map(|log| log.take());
        assert!(seen.iter().all(|log| *log == seen[0]), "one order for all");
        for t in 0..THREADS {
            let prefix = format!("{t}:");
            let own = seen[0].split(' ').filter_map(|word| word.strip_prefix(&prefix));
            let expected: Vec<String> = (0..TIMES).map(|n| n.to_string()).collect();
            assert!(own.eq(expected.iter()), "thread {t} kept its order, and nothing was lost");
        }
    });
}

#[test]
fn a_listener_needs_no_lock_for_what_it_captures() {
    in_time(|| {
        let (room, total) = (Room::new(), Arc::new(AtomicUsize::new(0)));
        let (mut seen, t) = (0, Arc::clone(&total));
        room.on(Closed, move |_, ()| {
            seen += 1; // not atomic
            t.store(seen, Ordering::Relaxed);
        });
        thread::scope(|threads| {
            for _ in 0..THREADS {
                threads.spawn(|| (0..TIMES).for_each(|_| assert!(room.emit(Closed, ()).handled())));
            }
        });
        assert_eq!(total.load(Ordering::Relaxed), THREADS * TIMES);
    });
}

#[test]
fn reentrant_listeners_run_on_two_threads_at_once() {
    in_time(|| {
        let (room, meet) = (Room::new(), Arc::new(Barrier::new(2)));
        room.on_reentrant(Joined, move |_, _| {
            meet.wait(); // ends only if the other thread is in here too
        });
        thread::scope(|threads| {
            let other = threads.spawn(|| room.emit(Joined, "ada").called);
            assert_eq!(room.emit(Joined, "bob").called, 1);
            assert_eq!(other.join().expect("no panic"), 1);
        });
    });
}

#[test]
fn different_events_and_emitters_do_not_wait_for_each_other() {
    in_time(|| {
        let (room, other, meet) = (Room::new(), Room::new(), Arc::new(Barrier::new(3)));
        let m = [Arc::clone(&meet), Arc::clone(&meet), meet];
        let [a, b, c] = m.map(|meet| move || _ = meet.wait());
        room.on(Joined, move |_, _| a());
        room.on(Closed, move |_, ()| b());
        other.on(Joined, move |_, _| c());
        thread::scope(|threads| {
            threads.spawn(|| room.emit(Joined, ""));
            threads.spawn(|| room.emit(Closed, ()));
            assert_eq!(other.emit(Joined, "").called, 1);
        });
    });
}

/// Calls `work` while a listener of `Joined` runs on another thread, which it must not wait for.
fn while_it_runs(room: &Room, work: impl FnOnce()) {
    let ((inside, entered), (go, goes)) = (channel(), channel());
    room.once(Joined, move |_, _| {
        inside.send(()).expect("it is waited for");
        goes.recv().expect("it is told");
    });
    thread::scope(|threads| {
        let emit = threads.spawn(|| room.emit(Joined, ""));
        entered.recv().expect("the listener says so");
        work();
        go.send(()).expect("the listener waits");
        emit.join().expect("no panic");
    });
}

#[test]
fn no_other_method_waits_for_a_listener_that_runs() {
    in_time(|| {
        let (room, log) = (Room::new(), Log::default());
        while_it_runs(&room, || {
            let later = room.on(Joined, noting!(log, "later"));
            let gone = room.prepend(Joined, noting!(log, "gone"));
            let blocked = room.on_group(Joined, 1, noting!(log, "blocked"));
            room.on_reentrant(Joined, noting!(log, "reentrant"));
            room.on_scoped(Joined, noting!(log, "scoped")).forget();
            assert!(room.off(gone));
            assert!(!room.off(gone));
            let block = room.block(blocked);
            assert_eq!(room.listener_count(Joined), 4);
            assert_eq!(room.event_names(), ["Joined"]);
            assert_eq!(format!("{room:?}"), "Room { Joined: 4 }");
            room.on(Closed, |_, ()| {});
            assert_eq!(room.emit(Closed, ()).called, 1);
            room.remove_all_of(Closed);
            drop(block);
            assert!(room.off(later));
        });
        assert_eq!(log.take(), "", "they came during the emit");
        assert_eq!(room.emit(Joined, "").called, 3);
        assert_eq!(log.take(), "blocked reentrant scoped");
    });
}

#[test]
fn one_removed_by_another_thread_is_not_called_by_the_emit_under_way() {
    in_time(|| {
        let (room, log) = (Room::new(), Log::default());
        let doomed = room.on_group(Closed, 0, noting!(log, "of another event"));
        while_it_runs(&room, || {
            assert!(room.off(doomed));
            room.remove_all();
        });
        let room = Room::new();
        let (later, l) = (super::support::Later::new(), log.clone());
        let doomed = later.clone();
        room.on(Joined, move |_, _| l.note("runs"));
        let ((inside, entered), (go, goes)) = (channel(), channel());
        room.once(Joined, move |_, _| {
            inside.send(()).expect("it is waited for");
            goes.recv().expect("it is told");
        });
        later.set(room.on(Joined, noting!(log, "doomed")));
        thread::scope(|threads| {
            let emit = threads.spawn(|| room.emit(Joined, "").called);
            entered.recv().expect("the listener says so");
            assert!(room.off(doomed.get()));
            go.send(()).expect("the listener waits");
            assert_eq!(emit.join().expect("no panic"), 2);
        });
        assert_eq!(log.take(), "runs");
    });
}

#[test]
fn an_emit_waits_for_its_turn_and_gets_it_after_a_panic() {
    in_time(|| {
        let (room, log) = (Room::new(), Log::default());
        let ((inside, entered), l) = (channel(), log.clone());
        room.once(Joined, move |_, _| {
            inside.send(()).expect("it is waited for");
            l.note("first");
            panic!("on purpose");
        });
        room.on(Joined, noting!(log, "second"));
        thread::scope(|threads| {
            let panics = threads.spawn(|| catch_unwind(AssertUnwindSafe(|| room.emit(Joined, ""))));
            entered.recv().expect("the listener says so");
            assert_eq!(room.emit(Joined, "").called, 1);
            panics.join().expect("it is caught").expect_err("it passes through");
        });
        assert_eq!(log.take(), "first second");
    });
}

#[test]
fn once_runs_on_one_of_many_threads() {
    in_time(|| {
        for _ in 0..TIMES / 20 {
            let (room, start) = (Room::new(), Barrier::new(THREADS));
            let fired = Arc::new(AtomicUsize::new(0));
            for _ in 0..3 {
                let fired = Arc::clone(&fired);
                room.once(Joined, move |_, _| _ = fired.fetch_add(1, Ordering::Relaxed));
            }
            let called: usize = thread::scope(|threads| {
                let emit = || {
                    start.wait();
                    room.emit(Joined, "").called
                };
                let all: Vec<_> = (0..THREADS).map(|_| threads.spawn(emit)).collect();
                all.into_iter().map(|thread| thread.join().expect("no panic")).sum()
            });
            assert_eq!((called, fired.load(Ordering::Relaxed)), (3, 3));
        }
    });
}

#[test]
fn many_runs_so_many_times_on_all_threads_together() {
    in_time(|| {
        let room = Room::new();
        room.many(Moved, TIMES, |_, text| drop(text));
        let called: usize = thread::scope(|threads| {
            let emit = || (0..TIMES).map(|_| room.emit(Moved, "x".into()).called).sum::<usize>();
            let all: Vec<_> = (0..THREADS).map(|_| threads.spawn(emit)).collect();
            all.into_iter().map(|thread| thread.join().expect("no panic")).sum()
        });
        assert_eq!((called, room.listener_count(Moved)), (TIMES, 0));
    });
}
