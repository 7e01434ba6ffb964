//! The emitter for many threads under `loom`, which runs a model through all orders that its threads can
//! take, within a bound on how often one is interrupted.
//!
//!     RUSTFLAGS="--cfg onward_loom" cargo test --release --test loom --no-default-features --features std
//!     RUSTFLAGS="--cfg onward_loom" cargo test --release --test loom --no-default-features --features membarrier
#![cfg(onward_loom)]

use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

use std::future::Future;
use std::ops::ControlFlow;
use std::pin::pin;
use std::task::{Context, Poll, Wake, Waker};

use onward::events;
use onward::events::{ListenerAdded, ListenerRemoved};
use onward::sync::{Emitter, Routing, Waiting, Watching};

events! { sync Room { Joined(u32), Left(u32) } }

/// Runs all orders of a model in which a thread is interrupted so many times.
fn model(interruptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(interruptions);
    builder.max_branches = 10_000; // habits that come and go make long models
    builder.check(model);
}

/// A room whose rows are there, so that no thread makes them.
fn room() -> Room {
    let room = Room::new();
    room.once(Joined, |_, _| {});
    room.remove_all();
    room
}

/// One where what those need who watch is there too: made on the way, it is ordered by a `OnceLock`, of which `loom` knows nothing.
fn watchable() -> Room {
    let room = room();
    room.once(ListenerAdded, |_, _| {});
    room.remove_all();
    room
}

/// Something that one thread may touch at a time: `loom` sees when it is not so.
struct Alone(UnsafeCell<u32>);

impl Alone {
    fn new() -> Self {
        Self(UnsafeCell::new(0))
    }

    fn touch(&mut self) -> u32 {
        self.0.with_mut(|count| {
            // SAFETY: `&mut self`; that this is true is what `loom` checks.
            unsafe {
                *count += 1;
                *count
            }
        })
    }
}

/// Notes that it was dropped, and `loom` sees if somebody is in it.
struct Captured(Arc<AtomicUsize>, UnsafeCell<u32>);

// SAFETY: `look` only reads; that nobody drops it meanwhile is what `loom` checks.
unsafe impl Sync for Captured {}

impl Captured {
    fn look(&self) {
        self.1.with(|_| {});
    }
}

impl Drop for Captured {
    fn drop(&mut self) {
        self.1.with_mut(|_| {});
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn two_threads_take_turns() {
    model(4, || {
        let (room, total) = (room(), Arc::new(AtomicUsize::new(0)));
        let (mut alone, t) = (Alone::new(), Arc::clone(&total));
        room.on(Joined, move |_, _| t.store(alone.touch() as usize, Ordering::Relaxed));
        let other = room.clone();
        let thread = thread::spawn(move || assert_eq!(other.emit(Joined, 1).called, 1));
        assert_eq!(room.emit(Joined, 2).called, 1);
        thread.join().expect("no panic");
        assert_eq!(total.load(Ordering::Relaxed), 2);
    });
}

#[test]
fn off_while_another_thread_emits() {
    for reentrant in [false, true] {
        model(4, move || {
            let (room, dropped) = (room(), Arc::new(AtomicUsize::new(0)));
            let captured = Captured(Arc::clone(&dropped), UnsafeCell::new(0));
            let listener = if reentrant {
                room.on_reentrant(Joined, move |_, _| captured.look())
            } else {
                room.on(Joined, move |_, _| captured.look())
            };
            let other = room.clone();
            let thread = thread::spawn(move || other.emit(Joined, 1).called);
            assert!(room.off(listener));
            assert_eq!(room.emit(Joined, 2).called, 0);
            assert!(thread.join().expect("no panic") <= 1);
            assert_eq!(dropped.load(Ordering::Relaxed), 1, "captures go with the last emit");
        });
    }
}

#[test]
fn off_while_two_threads_emit_at_once() {
    model(3, || {
        let (room, dropped) = (room(), Arc::new(AtomicUsize::new(0)));
        let captured = Captured(Arc::clone(&dropped), UnsafeCell::new(0));
        let listener = room.on_reentrant(Joined, move |_, _| captured.look());
        let threads = [room.clone(), room.clone()]
            .map(|room| thread::spawn(move || room.emit(Joined, 1).called));
        assert!(room.off(listener));
        for thread in threads {
            assert!(thread.join().expect("no panic") <= 1);
        }
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn off_and_wait_while_another_thread_emits() {
    for reentrant in [false, true] {
        model(4, move || {
            let (room, over) = (room(), Arc::new(AtomicBool::new(false)));
            let o = Arc::clone(&over);
            let check = move || {
                assert!(!o.load(Ordering::SeqCst), "it began when it was over");
                thread::yield_now();
                assert!(!o.load(Ordering::SeqCst), "it ran when it was over");
            };
            let listener = if reentrant {
                room.on_reentrant(Joined, move |_, _| check())
            } else {
                room.on(Joined, move |_, _| check())
            };
            let other = room.clone();
            let thread = thread::spawn(move || other.emit(Joined, 1).called);
            assert_eq!(room.off_and_wait(listener), Ok(true));
            over.store(true, Ordering::SeqCst);
            assert!(thread.join().expect("no panic") <= 1);
        });
    }
}

#[test]
fn on_while_another_thread_emits() {
    model(4, || {
        let room = room();
        room.on_reentrant(Joined, |_, _| {});
        let other = room.clone();
        let thread = thread::spawn(move || other.emit(Joined, 1).called);
        let mut alone = Alone::new();
        room.on(Joined, move |_, _| _ = alone.touch());
        assert_eq!(room.emit(Joined, 2).called, 2);
        assert!((1..=2).contains(&thread.join().expect("no panic")));
    });
}

#[test]
fn once_runs_once() {
    model(4, || {
        let room = room();
        let mut alone = Alone::new();
        room.once(Joined, move |_, _| assert_eq!(alone.touch(), 1));
        let other = room.clone();
        let thread = thread::spawn(move || other.emit(Joined, 1).called);
        let called = room.emit(Joined, 2).called;
        assert_eq!(called + thread.join().expect("no panic"), 1);
        assert_eq!(room.listener_count(Joined), 0);
    });
}

#[test]
fn two_threads_that_want_each_others_event() {
    model(3, || {
        let room = room();
        let (mut joined, mut left) = (Alone::new(), Alone::new());
        room.on(Joined, move |room, n| {
            joined.touch();
            if n == 0 {
                room.emit(Left, 1);
            }
        });
        room.on(Left, move |room, n| {
            left.touch();
            if n == 0 {
                room.emit(Joined, 1);
            }
        });
        let other = room.clone();
        let thread = thread::spawn(move || assert_eq!(other.emit(Left, 0).called, 1));
        assert_eq!(room.emit(Joined, 0).called, 1);
        thread.join().expect("no panic");
        assert_eq!([room.emit(Joined, 1).called, room.emit(Left, 1).called], [1, 1]);
    });
}

#[test]
fn off_and_wait_in_a_circle() {
    for reentrant in [false, true] {
        model(2, move || {
            let room = room();
            let mut left = Alone::new();
            let joined = if reentrant {
                room.on_reentrant(Joined, |room, _| assert_eq!(room.emit(Left, 1).called, 1))
            } else {
                room.on(Joined, |room, _| assert_eq!(room.emit(Left, 1).called, 1))
            };
            room.on(Left, move |room, n| {
                left.touch();
                if n == 0 {
                    let _ = room.off_and_wait(joined); // or says that it cannot
                }
            });
            let other = room.clone();
            let thread = thread::spawn(move || assert_eq!(other.emit(Left, 0).called, 1));
            assert!(room.emit(Joined, 0).called <= 1);
            thread.join().expect("no panic");
            assert_eq!([room.emit(Joined, 1).called, room.emit(Left, 1).called], [0, 1]);
        });
    }
}

/// Wakes who waits in [`block_on`].
struct Bell(Mutex<bool>, Condvar);

impl Wake for Bell {
    fn wake(self: std::sync::Arc<Self>) {
        *self.0.lock().expect("no panic in here") = true;
        self.1.notify_one();
    }
}

/// Sleeps until it is woken: `loom` sees if nobody ever does.
fn block_on<F: Future>(future: F) -> F::Output {
    let bell = std::sync::Arc::new(Bell(Mutex::new(false), Condvar::new()));
    let (mut future, waker) = (pin!(future), Waker::from(bell.clone()));
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        let mut rung = bell.0.lock().expect("no panic in here");
        while !*rung {
            rung = bell.1.wait(rung).expect("no panic in here");
        }
        *rung = false;
    }
}

#[test]
fn who_waits_is_woken_by_another_thread() {
    model(4, || {
        let room = room();
        let (next, mut stream) = (room.next(Joined), room.stream(Left));
        let other = room.clone();
        let thread = thread::spawn(move || {
            assert_eq!(other.emit(Joined, 1).called, 1);
            assert_eq!(other.emit(Left, 2).called, 1);
        });
        assert_eq!(block_on(next), Ok(1));
        assert_eq!(block_on(stream.next()), Some(2));
        thread.join().expect("no panic");
        assert_eq!(room.listener_count(Joined), 0);
    });
}

#[test]
fn one_that_begins_to_wait_during_an_emit_gets_this_or_the_next() {
    model(3, || {
        let room = room();
        room.on_reentrant(Joined, |_, _| {});
        let other = room.clone();
        let thread = thread::spawn(move || other.emit(Joined, 1));
        let next = room.next(Joined);
        room.emit(Joined, 2);
        assert!((1..=2).contains(&block_on(next).expect("it came")));
        thread.join().expect("no panic");
        assert_eq!(room.listener_count(Joined), 1);
    });
}

#[test]
fn one_that_ceases_to_wait_during_an_emit() {
    for polled in [false, true] {
        model(4, move || {
            let room = room();
            let mut next = room.next(Joined);
            if polled {
                let waiting = std::pin::Pin::new(&mut next);
                assert!(waiting.poll(&mut Context::from_waker(Waker::noop())).is_pending());
            }
            let other = room.clone();
            let thread = thread::spawn(move || other.emit(Joined, 1).called);
            drop(next);
            assert!(thread.join().expect("no panic") <= 1);
            assert_eq!([room.listener_count(Joined), room.emit(Joined, 2).called], [0, 0]);
        });
    }
}

#[test]
fn who_waits_is_told_of_the_end_in_every_order() {
    model(4, || {
        let room = room();
        let (next, mut stream) = (room.next(Joined), room.stream(Joined).capacity(1));
        let thread = thread::spawn(move || {
            room.emit(Joined, 1);
            room.remove_all();
        });
        assert_eq!(block_on(next), Ok(1));
        assert_eq!(block_on(stream.next()), Some(1));
        assert_eq!(block_on(stream.next()), None);
        thread.join().expect("no panic");
    });
}

#[test]
fn two_threads_fill_a_stream_while_a_third_takes() {
    model(2, || {
        let room = room();
        let mut stream = room.stream(Joined).capacity(1);
        let threads = [1, 2].map(|n| {
            let room = room.clone();
            thread::spawn(move || assert_eq!(room.emit(Joined, n).called, 1))
        });
        drop(room);
        let mut taken = 0;
        while block_on(stream.next()).is_some() {
            taken += 1;
        }
        assert_eq!(taken + stream.dropped(), 2);
        for thread in threads {
            thread.join().expect("no panic");
        }
    });
}

#[test]
fn an_interceptor_that_comes_during_an_emit_is_heeded_if_it_is_called() {
    model(4, || {
        let room = room();
        room.on(Joined, |_, _| {});
        let other = room.clone();
        let thread = thread::spawn(move || other.emit(Joined, 1));
        let (asked, mut alone) = (Arc::new(AtomicUsize::new(0)), Alone::new());
        let a = Arc::clone(&asked);
        let stops = room.intercept(Joined, move |_, _| {
            alone.touch();
            a.fetch_add(1, Ordering::Relaxed);
            ControlFlow::Break(())
        });
        assert!(room.emit(Joined, 2).stopped);
        room.off(stops);
        let emitted = thread.join().expect("no panic");
        assert_eq!(emitted.called, usize::from(!emitted.stopped));
        assert_eq!(asked.load(Ordering::Relaxed), 1 + usize::from(emitted.stopped));
    });
}

#[test]
fn on_any_while_another_thread_emits() {
    for reentrant in [false, true] {
        model(3, move || {
            let room = room();
            if reentrant {
                room.on_reentrant(Joined, |_, _| {});
            } else {
                room.on(Joined, |_, _| {});
            }
            let other = room.clone();
            let thread = thread::spawn(move || assert_eq!(other.emit(Joined, 1).called, 1));
            let (heard, mut alone) = (Arc::new(AtomicUsize::new(0)), Alone::new());
            let h = Arc::clone(&heard);
            let any = room.on_any(move |_, _| h.store(alone.touch() as usize, Ordering::Relaxed));
            room.emit(Left, 2); // nobody listens but for it
            assert!(heard.load(Ordering::Relaxed) >= 1);
            room.off(any);
            thread.join().expect("no panic");
            assert!(heard.load(Ordering::Relaxed) <= 2);
            assert_eq!(room.emit(Joined, 3).called, 1);
        });
    }
}

#[test]
fn watchers_see_the_count_go_up_and_down_one_by_one() {
    model(2, || {
        let (room, runs) = (room(), Arc::new(AtomicBool::new(false)));
        let r = Arc::clone(&runs);
        room.on(ListenerAdded, move |_, added| {
            if added.is(Joined) && added.others() == 0 {
                assert!(!r.swap(true, Ordering::Relaxed), "it ran already");
            }
        });
        let r = Arc::clone(&runs);
        room.on(ListenerRemoved, move |_, gone| {
            if gone.is(Joined) && gone.others() == 0 {
                assert!(r.swap(false, Ordering::Relaxed), "it did not run");
            }
        });
        let other = room.clone();
        let thread = thread::spawn(move || drop(other.on_scoped(Joined, |_, _| {})));
        let listener = room.on(Joined, |_, _| {});
        assert!(runs.load(Ordering::Relaxed));
        room.off(listener);
        thread.join().expect("no panic");
        assert!(!runs.load(Ordering::Relaxed));
    });
}

// From here on: of habits (feature `membarrier`). Here a thread has a row as its habit as soon as it has come twice, and
// always anew. Without the feature these are models like the others.

/// A room, and a listener there that runs alone; both events are the habit of the thread that calls this.
fn habitual() -> (Room, Arc<AtomicUsize>) {
    let (room, total) = (room(), Arc::new(AtomicUsize::new(0)));
    let (mut alone, t) = (Alone::new(), Arc::clone(&total));
    room.on(Joined, move |_, _| t.store(alone.touch() as usize, Ordering::Relaxed));
    for _ in 0..2 {
        let mut alone = Alone::new();
        room.on(Left, move |_, _| _ = alone.touch());
    }
    (room, total)
}

#[test]
fn a_habit_goes_from_thread_to_thread() {
    model(2, || {
        let (room, total) = habitual();
        let other = room.clone();
        let thread = thread::spawn(move || {
            for n in 0..3 {
                assert_eq!(other.emit(Joined, n).called, 1);
            }
        });
        for n in 0..3 {
            assert_eq!(room.emit(Joined, n).called, 1);
        }
        thread.join().expect("no panic");
        assert_eq!(total.load(Ordering::Relaxed), 6);
    });
}

#[test]
fn a_habit_is_revoked_by_who_adds_and_removes() {
    model(3, || {
        let (room, dropped) = (habitual().0, Arc::new(AtomicUsize::new(0)));
        let (other, d) = (room.clone(), Arc::clone(&dropped));
        let thread = thread::spawn(move || {
            let captured = Captured(d, UnsafeCell::new(0));
            let listener = other.on(Joined, move |_, _| captured.look());
            assert_eq!(other.listener_count(Joined), 2);
            assert!(other.off(listener));
        });
        for n in 0..2 {
            assert!((1..=2).contains(&room.emit(Joined, n).called));
        }
        thread.join().expect("no panic");
        assert_eq!(dropped.load(Ordering::Relaxed), 1, "captures go with the last emit");
        assert_eq!([room.listener_count(Joined), room.emit(Joined, 2).called], [1, 1]);
    });
}

#[test]
fn two_threads_add_and_remove_by_habit_in_turns() {
    model(3, || {
        let (room, dropped) = (habitual().0, Arc::new(AtomicUsize::new(0)));
        let work = |room: &Room, dropped: &Arc<AtomicUsize>| {
            for _ in 0..2 {
                let captured = Captured(Arc::clone(dropped), UnsafeCell::new(0));
                let listener = room.on(Joined, move |_, _| captured.look());
                assert!(room.off(listener));
            }
        };
        let (other, d) = (room.clone(), Arc::clone(&dropped));
        let thread = thread::spawn(move || work(&other, &d));
        work(&room, &dropped);
        thread.join().expect("no panic");
        assert_eq!(dropped.load(Ordering::Relaxed), 4);
        assert_eq!([room.listener_count(Joined), room.emit(Joined, 2).called], [1, 1]);
    });
}

#[test]
fn a_habit_is_revoked_by_two_at_once() {
    model(2, || {
        let (room, total) = habitual();
        let emits = room.clone();
        let emits = thread::spawn(move || assert_eq!(emits.emit(Joined, 1).called, 1));
        let counts = room.clone();
        let counts = thread::spawn(move || assert_eq!(counts.listener_count(Joined), 1));
        for n in 0..2 {
            assert_eq!(room.emit(Joined, n).called, 1);
        }
        emits.join().expect("no panic");
        counts.join().expect("no panic");
        assert_eq!(total.load(Ordering::Relaxed), 3);
    });
}

#[test]
fn a_habit_is_revoked_while_its_thread_emits_nested_and_removes() {
    model(3, || {
        let room = room();
        let (mut alone, dropped) = (Alone::new(), Arc::new(AtomicUsize::new(0)));
        let captured = Captured(Arc::clone(&dropped), UnsafeCell::new(0));
        let removed = room.on(Joined, move |_, _| captured.look());
        room.on(Joined, move |room, n| {
            alone.touch();
            if n == 0 {
                let emitted = room.emit(Joined, 1);
                assert_eq!(emitted.skipped, 2 - emitted.called);
                room.off(removed);
            }
        });
        let other = room.clone();
        let thread = thread::spawn(move || assert!(other.emit(Joined, 1).called >= 1));
        assert_eq!(room.emit(Joined, 0).called, 2);
        thread.join().expect("no panic");
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
        assert_eq!(room.emit(Joined, 1).called, 1);
    });
}

#[test]
fn one_time_listeners_of_a_habit_that_is_revoked() {
    model(3, || {
        let (room, total) = habitual();
        for _ in 0..2 {
            let (mut alone, t) = (Alone::new(), Arc::clone(&total));
            room.once(Joined, move |_, _| {
                _ = t.fetch_add(alone.touch() as usize, Ordering::Relaxed)
            });
        }
        let other = room.clone();
        let thread = thread::spawn(move || other.emit(Joined, 1).called);
        let called = room.emit(Joined, 2).called + room.emit(Joined, 3).called;
        assert_eq!(called + thread.join().expect("no panic"), 5);
        assert_eq!([room.listener_count(Joined), room.emit(Joined, 4).called], [1, 1]);
    });
}

#[test]
fn off_and_wait_against_a_habit() {
    model(3, || {
        let (room, over) = (habitual().0, Arc::new(AtomicBool::new(false)));
        let o = Arc::clone(&over);
        let listener = room.on(Joined, move |_, _| {
            assert!(!o.load(Ordering::SeqCst), "it began when it was over");
            thread::yield_now();
            assert!(!o.load(Ordering::SeqCst), "it ran when it was over");
        });
        let other = room.clone();
        let thread = thread::spawn(move || {
            assert_eq!(other.off_and_wait(listener), Ok(true));
            over.store(true, Ordering::SeqCst);
        });
        for n in 0..2 {
            assert!((1..=2).contains(&room.emit(Joined, n).called));
        }
        thread.join().expect("no panic");
    });
}

#[test]
fn two_threads_that_want_each_others_habit() {
    model(3, || {
        let room = room();
        let (mut joined, mut left) = (Alone::new(), Alone::new());
        room.on(Joined, move |room, n| {
            joined.touch();
            if n == 0 {
                let emitted = room.emit(Left, 1);
                assert_eq!(emitted.called + emitted.skipped, 1);
            }
        });
        room.on(Left, move |room, n| {
            left.touch();
            if n == 0 {
                let emitted = room.emit(Joined, 1);
                assert_eq!(emitted.called + emitted.skipped, 1);
            }
        });
        let other = room.clone();
        let thread = thread::spawn(move || {
            for n in [1, 1, 0] {
                let emitted = other.emit(Left, n);
                assert_eq!(emitted.called + emitted.skipped, 1);
            }
        });
        room.emit(Joined, 1);
        let _ = room.emit(Joined, 0);
        thread.join().expect("no panic");
        assert_eq!([room.emit(Joined, 1).called, room.emit(Left, 1).called], [1, 1]);
    });
}

#[test]
fn readers_come_to_what_was_a_habit() {
    model(3, || {
        let (room, dropped) = (room(), Arc::new(AtomicUsize::new(0)));
        let captured = Captured(Arc::clone(&dropped), UnsafeCell::new(0));
        let other = room.clone();
        let thread = thread::spawn(move || {
            let listener = other.on_reentrant(Joined, move |_, _| captured.look());
            assert!(other.emit(Joined, 1).called >= 1);
            assert!(other.off(listener));
        });
        let mut alone = Alone::new();
        let listener = room.on(Joined, move |_, _| _ = alone.touch());
        assert!((1..=2).contains(&room.emit(Joined, 2).called));
        assert!(room.off(listener));
        assert!(room.emit(Joined, 3).called <= 1);
        thread.join().expect("no panic");
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
        assert_eq!([room.listener_count(Joined), room.emit(Joined, 4).called], [0, 0]);
    });
}

/// The relay listens when `on` has returned, and in the end it does what the listeners at its end say.
#[test]
fn a_relay_is_settled_by_whoever_comes_and_goes_at_its_end() {
    for made_first in [true, false] {
        model(2, move || {
            let (source, target) = (watchable(), watchable());
            let heard = Arc::new(AtomicUsize::new(0));
            let early = made_first.then(|| source.relay(Joined, &target, Joined));
            let (other, h) = (target.clone(), Arc::clone(&heard));
            let thread = thread::spawn(move || {
                let listener = other.on(Joined, |_, _| {});
                other.off(listener);
                other.on(Joined, move |_, _| _ = h.fetch_add(1, Ordering::Relaxed));
            });
            let relay = early.unwrap_or_else(|| source.relay(Joined, &target, Joined));
            let listener = target.on(Joined, |_, _| {});
            assert_eq!(source.emit(Joined, 1).called, 1);
            target.off(listener);
            thread.join().expect("no panic");
            assert!(relay.is_active());
            let before = heard.load(Ordering::Relaxed);
            source.emit(Joined, 2);
            assert_eq!(heard.load(Ordering::Relaxed), before + 1);
            target.remove_all();
            assert_eq!((source.listener_count(Joined), relay.is_active()), (0, false));
        });
    }
}

#[test]
fn a_relay_that_is_made_while_somebody_comes_or_goes() {
    for comes in [true, false] {
        model(3, move || {
            let (source, target) = (watchable(), watchable());
            let leaves = (!comes).then(|| target.on(Joined, |_, _| {}));
            let other = target.clone();
            let thread = thread::spawn(move || match leaves {
                Some(listener) => assert!(other.off(listener)),
                None => _ = other.on(Joined, |_, _| {}),
            });
            let relay = source.relay(Joined, &target, Joined);
            thread.join().expect("no panic");
            assert_eq!(relay.is_active(), comes);
        });
    }
}

#[test]
fn relays_in_a_circle_on_two_threads() {
    model(2, || {
        let (one, two) = (room(), room());
        let relays = [one.relay(Joined, &two, Left), two.relay(Left, &one, Joined)];
        one.on(Joined, |_, _| {});
        two.on(Left, |_, _| {});
        let other = two.clone();
        let thread = thread::spawn(move || assert!(other.emit(Left, 1).called >= 1));
        assert!(one.emit(Joined, 2).called >= 1);
        thread.join().expect("no panic");
        assert!(relays.iter().all(|relay| relay.is_active()));
    });
}

#[test]
fn one_end_of_a_relay_is_dropped_while_the_other_is_used() {
    for source_goes in [true, false] {
        model(3, move || {
            let (source, target) = (room(), room());
            let relay = source.relay(Joined, &target, Joined);
            target.on(Joined, |_, _| {});
            let (gone, stays) = if source_goes { (source, target) } else { (target, source) };
            let thread = thread::spawn(move || drop(gone));
            stays.emit(Joined, 1);
            drop(stays.on_scoped(Joined, |_, _| {}));
            thread.join().expect("no panic");
            assert!(!relay.is_active() && !relay.end());
        });
    }
}
