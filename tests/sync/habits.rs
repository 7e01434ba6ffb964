//! What one thread does alone for a while it does by habit, without atomic operations; others end that at any moment,
//! and nobody notices.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;

use onward::events;
use onward::sync::Emitter;

use super::support::{Closed, Joined, Log, OnDrop, Room, in_time};

events! { sync Mill { Ground(Counted), Turned(u32), Stopped() } }

/// More often than it takes to make something a habit, the first times.
const OFTEN: usize = if cfg!(miri) { 70 } else { 600 };
const STEPS: usize = if cfg!(miri) { 20 } else { 30 };

/// Counts how many of these there are.
struct Counted(Arc<AtomicIsize>);

impl Counted {
    fn new(alive: &Arc<AtomicIsize>) -> Self {
        alive.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(alive))
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        Self::new(&self.0)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Counts in a listener, and notices if two threads are in there.
fn counting(total: &Arc<AtomicUsize>) -> impl FnMut() + Send + use<> {
    let (total, inside, mut own) = (Arc::clone(total), AtomicBool::new(false), 0);
    move || {
        assert!(!inside.swap(true, Ordering::Relaxed), "two runs of one `FnMut`");
        own += 1;
        total.store(own, Ordering::Relaxed);
        inside.store(false, Ordering::Relaxed);
    }
}

#[test]
fn what_was_one_threads_goes_from_thread_to_thread_and_back() {
    in_time(|| {
        let (mill, total) = (Mill::new(), Arc::new(AtomicUsize::new(0)));
        let mut count = counting(&total);
        mill.on(Turned, move |_, _| count());
        let emit = || (0..OFTEN).for_each(|_| assert_eq!(mill.emit(Turned, 1).called, 1));
        let times = 7; // one after the other, some of them with the address of one before
        for _ in 0..times {
            thread::scope(|threads| _ = threads.spawn(emit));
            emit();
        }
        assert_eq!(total.load(Ordering::Relaxed), 2 * times * OFTEN);
    });
}

#[test]
fn more_threads_than_can_have_a_habit_at_all() {
    in_time(|| {
        let (mill, total) = (Mill::new(), Arc::new(AtomicUsize::new(0)));
        let mut count = counting(&total);
        mill.on(Turned, move |_, _| count());
        let threads = 9;
        let barrier = Barrier::new(threads);
        thread::scope(|scope| {
            for turn in 0..threads {
                let (mill, barrier) = (&mill, &barrier);
                scope.spawn(move || {
                    for now in 0..threads {
                        barrier.wait(); // all are alive, and each has its time
                        if now == turn {
                            (0..OFTEN).for_each(|_| _ = mill.emit(Turned, 1));
                        }
                    }
                });
            }
        });
        assert_eq!(total.load(Ordering::Relaxed), threads * OFTEN);
    });
}

#[test]
fn others_come_while_a_thread_emits_by_habit() {
    in_time(|| {
        let (mill, total) = (Mill::new(), Arc::new(AtomicUsize::new(0)));
        let (alive, over) = (Arc::new(AtomicIsize::new(0)), AtomicBool::new(false));
        let mut count = counting(&total);
        mill.on(Ground, move |_, _| count());
        let emitted = thread::scope(|threads| {
            let emits = threads.spawn(|| {
                let mut emitted = 0;
                while !over.load(Ordering::Relaxed) {
                    emitted += 1;
                    assert!(mill.emit(Ground, Counted::new(&alive)).called >= 1);
                }
                emitted
            });
            let _over = OnDrop(|| over.store(true, Ordering::Relaxed));
            for step in 0..STEPS {
                for _ in 0..step % 7 {
                    thread::yield_now();
                }
                let captured = Counted::new(&alive);
                let listener = mill.on(Ground, move |_, ground| drop((&captured, ground)));
                assert_eq!(mill.listener_count(Ground), 2);
                if step % 2 == 0 {
                    assert!(mill.off(listener));
                } else {
                    assert_eq!(mill.off_and_wait(listener), Ok(true));
                }
                if step % 3 == 0 {
                    assert_eq!(mill.emit(Ground, Counted::new(&alive)).called, 1);
                }
            }
            over.store(true, Ordering::Relaxed);
            emits.join().expect("no panic")
        });
        assert_eq!(total.load(Ordering::Relaxed), emitted + STEPS.div_ceil(3));
        assert_eq!(alive.load(Ordering::Relaxed), 0, "all was dropped, once");
    });
}

#[test]
fn others_come_while_a_thread_adds_and_removes_by_habit() {
    in_time(|| {
        let (mill, alive) = (Mill::new(), Arc::new(AtomicIsize::new(0)));
        let over = AtomicBool::new(false);
        thread::scope(|threads| {
            threads.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let captured = Counted::new(&alive);
                    let listener = mill.on(Ground, move |_, ground| drop((&captured, ground)));
                    assert!(mill.off(listener));
                }
            });
            let _over = OnDrop(|| over.store(true, Ordering::Relaxed));
            for step in 0..STEPS {
                assert!(mill.listener_count(Ground) <= 1);
                assert!(mill.emit(Ground, Counted::new(&alive)).called <= 1);
                if step % 5 == 0 {
                    let captured = Counted::new(&alive);
                    mill.once(Ground, move |_, ground| drop((captured, ground)));
                    assert!(mill.emit(Ground, Counted::new(&alive)).called >= 1);
                }
                (0..step % 7).for_each(|_| thread::yield_now());
            }
        });
        assert_eq!([mill.listener_count(Ground), alive.load(Ordering::Relaxed) as usize], [0, 0]);
    });
}

/// Each thread has an event that it is used to, and emits the other's from inside of it.
#[test]
fn two_threads_that_want_each_others_habit_do_not_deadlock() {
    in_time(|| {
        let (mill, total) = (Mill::new(), Arc::new(AtomicUsize::new(0)));
        let (mut turned, mut stopped) = (counting(&total), counting(&total));
        mill.on(Turned, move |mill, deep| {
            turned();
            if deep == 1 {
                mill.emit(Stopped, ());
            }
        });
        mill.on(Stopped, move |mill, ()| {
            stopped();
            mill.emit(Turned, 0);
        });
        thread::scope(|threads| {
            threads.spawn(|| {
                (0..10 * STEPS as u32).for_each(|n| _ = mill.emit(Turned, u32::from(n % 97 == 0)))
            });
            (0..10 * STEPS).for_each(|_| _ = mill.emit(Stopped, ()));
        });
        assert_eq!([mill.emit(Turned, 0).called, mill.emit(Stopped, ()).called], [1, 1]);
    });
}

#[test]
fn what_a_habit_removes_from_inside_goes_as_its_emit_ends() {
    let (room, log) = (Room::new(), Log::default());
    room.on(Joined, |_, _| {});
    for _ in 0..OFTEN {
        room.emit(Joined, "often");
    }
    let gone = log.on_drop("dropped");
    let listener = room.on(Joined, move |_, _| gone.touch());
    let l = log.clone();
    room.once(Joined, move |room, name| {
        assert_eq!(room.emit(Joined, name).called, 3, "this one has run out");
        assert!(room.off(listener));
        l.note("removed");
    });
    let l = log.clone();
    room.on(Joined, move |_, _| l.note("last"));
    assert_eq!(room.emit(Joined, "once").called, 4);
    assert_eq!(log.take(), "last removed last dropped");
    assert_eq!(room.emit(Joined, "then").called, 2);
    assert_eq!(log.take(), "last");
}

#[test]
fn a_panic_ends_an_emit_of_a_habit_as_any() {
    in_time(|| {
        let room = Room::new();
        room.on(Joined, |_, name| assert_ne!(name, "eve"));
        for _ in 0..OFTEN {
            room.emit(Joined, "ada");
        }
        assert!(catch_unwind(AssertUnwindSafe(|| room.emit(Joined, "eve"))).is_err());
        assert_eq!(room.emit(Joined, "ada").called, 1);
        thread::scope(|threads| {
            threads.spawn(|| assert_eq!(room.emit(Joined, "bob").called, 1));
        });
    });
}

/// Who waits for a turn that is had by habit sleeps, and is woken.
#[test]
fn who_waits_for_a_habit_gets_its_turn_when_the_emit_has_ended() {
    in_time(|| {
        let (room, log) = (Room::new(), Log::default());
        room.on(Closed, |_, ()| {});
        for _ in 0..OFTEN {
            room.emit(Closed, ());
        }
        let (inside, is_inside) = mpsc::channel();
        let (go_on, may_go_on) = mpsc::channel::<()>();
        let l = log.clone();
        room.once(Closed, move |_, ()| {
            inside.send(()).expect("it is waited for");
            may_go_on.recv().expect("it comes");
            l.note("first");
        });
        thread::scope(|threads| {
            let (room, log) = (&room, &log);
            threads.spawn(move || {
                is_inside.recv().expect("it comes");
                threads.spawn(move || {
                    thread::yield_now();
                    go_on.send(()).expect("it is waited for");
                });
                room.emit(Closed, ());
                log.note("second");
            });
            room.emit(Closed, ());
        });
        assert_eq!(log.take(), "first second");
    });
}
