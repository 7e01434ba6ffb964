//! Threads that do at random whatever can be done, and a count of all that must come out even.

use std::cell::Cell;
use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;

use futures_core::Stream;
use onward::events;
use onward::events::{ListenerAdded, ListenerRemoved};
use onward::sync::{Emitter, Routing, Waiting, Watching};

use super::support::{OnDrop, in_time};

events! { sync Storm { One(String), Two(&mut u64), Three(&str) } }

const THREADS: u64 = 4;
const STEPS: usize = if cfg!(miri) { 40 } else { 4_000 };

/// A small generator: every run does the same on each thread.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// What a listener captures: it counts itself, and notices when two threads are in it.
struct Guarded {
    alive: Arc<AtomicIsize>,
    inside: AtomicUsize,
}

impl Guarded {
    fn new(alive: &Arc<AtomicIsize>) -> Self {
        alive.fetch_add(1, Ordering::Relaxed);
        Self { alive: Arc::clone(alive), inside: AtomicUsize::new(0) }
    }

    fn alone(&self, work: impl FnOnce()) {
        assert_eq!(self.inside.fetch_add(1, Ordering::Relaxed), 0, "two runs of one `FnMut`");
        let _leave = OnDrop(|| _ = self.inside.fetch_sub(1, Ordering::Relaxed));
        work();
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        assert_eq!(*self.inside.get_mut(), 0, "dropped while it ran");
        self.alive.fetch_sub(1, Ordering::Relaxed);
    }
}

std::thread_local! {
    /// How deep this thread is in listeners that do something.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

fn step(storm: &Storm, random: &mut Random, alive: &Arc<AtomicIsize>) {
    let guarded = Guarded::new(alive);
    let seed = random.below(u64::MAX) | 1;
    // What a listener does: something at random, but not for ever deeper.
    let inner = move |storm: &Storm, guarded: &Guarded, random: &mut Random| {
        if DEPTH.get() < 2 && random.below(4) == 0 {
            DEPTH.set(DEPTH.get() + 1);
            step(storm, random, &guarded.alive);
            DEPTH.set(DEPTH.get() - 1);
        }
    };
    let mut own = Random(seed);
    match random.below(20) {
        0 | 1 => {
            let l = storm.on(One, move |s, _| guarded.alone(|| inner(s, &guarded, &mut own)));
            if random.below(2) == 0 {
                storm.off(l);
            }
        }
        2 | 3 => {
            let l = storm.prepend(Two, move |s, n| {
                *n += 1;
                guarded.alone(|| inner(s, &guarded, &mut own));
            });
            if random.below(2) == 0 {
                let _ = storm.off_and_wait(l);
            }
        }
        4 | 5 => {
            let l = storm.on_reentrant(Three, move |s, _| inner(s, &guarded, &mut Random(seed)));
            if random.below(2) == 0 {
                let _ = storm.off_and_wait(l);
            }
        }
        6 => {
            storm.once(Three, move |s, _| inner(s, &guarded, &mut own));
        }
        7 => {
            storm.many(One, 3, move |s, _| guarded.alone(|| inner(s, &guarded, &mut own)));
        }
        8 => {
            let scoped = storm.on_scoped(Two, move |_, _| guarded.alone(|| {}));
            let block = storm.block(scoped.listener());
            storm.emit(Two, &mut 0);
            drop(block);
        }
        9 => storm.remove_all_of(One),
        10 if random.below(8) == 0 => remove_all(storm),
        10 => {
            storm.listener_count(Three);
        }
        11 | 12 => {
            storm.emit(One, String::from("owned"));
        }
        13 => {
            let mut n = 0;
            let emitted = storm.emit(Two, &mut n);
            assert!(n as usize <= emitted.called + emitted.skipped);
        }
        14 | 15 => _ = storm.emit(Three, "lent"),
        16 => {
            let mut stream = storm.stream(Three).capacity(2);
            storm.emit(Three, "lent");
            let polled = Pin::new(&mut stream).poll_next(&mut Context::from_waker(Waker::noop()));
            assert!(!matches!(polled, Poll::Ready(Some(text)) if text != "lent"));
        }
        17 => {
            let mut next = storm.next(One);
            storm.emit(One, String::from("owned"));
            let polled = Pin::new(&mut next).poll(&mut Context::from_waker(Waker::noop()));
            assert!(!matches!(polled, Poll::Ready(Ok(text)) if text != "owned"));
        }
        18 => {
            let any = storm.on_any(move |s, _| guarded.alone(|| inner(s, &guarded, &mut own)));
            storm.emit(Two, &mut 0);
            storm.off(any);
        }
        _ => {
            let stop = random.below(2) == 0;
            let interceptor = storm.intercept(Two, move |s, _| {
                guarded.alone(|| inner(s, &guarded, &mut own));
                if stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            let emitted = storm.emit(Two, &mut 0);
            assert!(!emitted.stopped || emitted.called == 0);
            storm.off(interceptor);
        }
    }
}

#[test]
fn whatever_threads_do_it_comes_out_even() {
    in_time(|| storm(&Storm::new(), STEPS));
}

/// All that is added is told of, and all that goes, one by one.
#[test]
fn whatever_threads_do_those_who_watch_can_count() {
    in_time(|| {
        let (watched, there) = (Storm::new(), Arc::new(AtomicIsize::new(0)));
        let t = Arc::clone(&there);
        watched.on_reentrant(ListenerAdded, move |_, added| {
            let declared = added.is(One) || added.is(Two) || added.is(Three);
            t.fetch_add(isize::from(declared), Ordering::Relaxed);
        });
        let t = Arc::clone(&there);
        watched.on_reentrant(ListenerRemoved, move |storm, gone| {
            let declared = gone.is(One) || gone.is(Two) || gone.is(Three);
            t.fetch_sub(isize::from(declared), Ordering::Relaxed);
            let _ = storm;
        });
        storm(&watched, STEPS / 8);
        assert_eq!(there.load(Ordering::Relaxed), 0, "as many have gone as have come");
    });
}

fn storm(storm: &Storm, steps: usize) {
    let alive = Arc::new(AtomicIsize::new(0));
    thread::scope(|threads| {
        for n in 0..THREADS {
            let alive = &alive;
            threads.spawn(move || {
                let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ (n + 1));
                for _ in 0..steps {
                    step(storm, &mut random, alive);
                    if total(storm) > 12 {
                        remove_all(storm); // else each step would be longer than the one before
                    }
                }
            });
        }
    });
    remove_all(storm);
    assert_eq!(alive.load(Ordering::Relaxed), 0, "every capture was dropped, once");
    assert_eq!(total(storm), 0);
    assert!(!storm.emit(One, String::new()).handled());
}

fn total(storm: &Storm) -> usize {
    storm.listener_count(One) + storm.listener_count(Two) + storm.listener_count(Three)
}

/// Those who watch stay.
fn remove_all(storm: &Storm) {
    if storm.listener_count(ListenerAdded) == 0 {
        return storm.remove_all();
    }
    storm.remove_all_of(One);
    storm.remove_all_of(Two);
    storm.remove_all_of(Three);
}
