//! Futures and streams of events that other threads emit.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use futures_core::Stream;
use onward::emitter::{Gone, NextError, OneOf2, Overflow, first};
use onward::events;
use onward::events::{Error, ListenerRemoved};
use onward::sync::{Emitter, Next, Waiting};

use super::support::{Closed, Joined, Log, Moved, OnDrop, Room, in_time};

const THREADS: usize = 4;
const TIMES: usize = if cfg!(miri) { 20 } else { 1_000 };

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Sleeps until it is woken, so that a wake-up that is lost is seen.
fn block_on<F: Future>(future: F) -> F::Output {
    let (mut future, waker) = (pin!(future), Waker::from(Arc::new(Unpark(thread::current()))));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

fn poll<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

/// A waker that calls a closure, whenever it is woken.
struct Calls<F>(F);

impl<F: Fn() + Send + Sync> Wake for Calls<F> {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}

fn calls(wake: impl Fn() + Send + Sync + 'static) -> Waker {
    Arc::new(Calls(wake)).into()
}

#[test]
fn an_event_of_another_thread_wakes_who_waits() {
    in_time(|| {
        let room = Room::new();
        for n in 0..TIMES {
            let name = n.to_string();
            let next = room.next(Joined);
            thread::scope(|threads| {
                let waits = threads.spawn(|| block_on(next));
                assert_eq!(room.emit(Joined, &name).called, 1);
                assert_eq!(waits.join().expect("no panic"), Ok(name.clone()));
            });
            assert_eq!(room.listener_count(Joined), 0);
            if n > 50 && cfg!(debug_assertions) {
                break; // to start threads takes long
            }
        }
    });
}

#[test]
fn a_future_goes_from_thread_to_thread() {
    in_time(|| {
        let room = Room::new();
        let mut next = room.next(Joined);
        assert!(poll(&mut next, Waker::noop()).is_pending());
        let other = room.clone();
        let waits = thread::spawn(move || {
            let result = block_on(next);
            drop(other);
            result
        });
        while !room.emit(Joined, "ada").handled() {}
        assert_eq!(waits.join().expect("no panic"), Ok("ada".to_string()));
    });
}

#[test]
fn each_waits_for_one_event_and_all_of_them_get_one() {
    in_time(|| {
        let (room, start) = (Room::new(), Barrier::new(THREADS));
        let nexts: Vec<_> = (0..THREADS).map(|_| room.next(Joined)).collect();
        let got: Vec<_> = thread::scope(|threads| {
            let waits = nexts.into_iter().map(|next| {
                let (room, start) = (&room, &start);
                threads.spawn(move || {
                    start.wait();
                    room.emit(Joined, "somebody");
                    block_on(next)
                })
            });
            let waits: Vec<_> = waits.collect();
            waits.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        assert!(got.iter().all(|got| got.as_deref() == Ok("somebody")));
        assert!(room.event_names().is_empty(), "no listener is left");
    });
}

#[test]
fn who_waits_is_told_when_the_emitter_goes_on_another_thread() {
    in_time(|| {
        let room = Room::new();
        let (next, mut stream) = (room.next(Joined), room.stream(Closed));
        let other = thread::spawn(move || {
            room.emit(Closed, ());
            drop(room);
        });
        let gone = block_on(next).expect_err("it cannot come any more");
        assert_eq!((gone.emitter(), gone.event()), ("Room", "Joined"));
        assert_eq!(block_on(stream.next()), Some(()));
        assert_eq!(block_on(stream.next()), None);
        other.join().expect("no panic");
    });
}

#[test]
fn who_waits_is_told_when_listeners_are_removed_be_it_inside_an_emit() {
    in_time(|| {
        let room = Room::new();
        let next = room.next(Closed);
        room.remove_all();
        assert!(block_on(next).is_err());
        room.prepend(Closed, |room, ()| room.remove_all_of(Closed));
        let next: Next<()> = room.next(Closed);
        assert_eq!(room.emit(Closed, ()).called, 1);
        assert!(block_on(next).is_err(), "it was removed before its turn");
    });
}

#[test]
fn dropping_a_future_or_stream_removes_its_listeners() {
    let room = Room::new();
    drop(room.next(Joined));
    drop(room.next_or_error(Joined));
    drop(room.stream(Joined));
    drop(room.stream_or_error(Joined));
    assert!(room.event_names().is_empty());
}

#[test]
fn what_arrived_and_was_not_taken_goes_with_the_future() {
    let (room, log) = (Vault::new(), Log::default());
    let (mut next, stream) = (Some(room.next(Put)), room.stream(Put));
    let l = log.clone();
    room.on(Put, move |_, _| l.note("last"));
    room.emit(Put, Treasure(Arc::new(OnDropNote(log.clone()))));
    drop(stream);
    assert_eq!(log.take(), "last", "the future has it still");
    next.take();
    assert_eq!(log.take(), "gone");
}

events! { sync Vault { Put(Treasure) } }

#[derive(Clone)]
struct Treasure(#[allow(dead_code, reason = "for its drop")] Arc<OnDropNote>);

struct OnDropNote(Log);

impl Drop for OnDropNote {
    fn drop(&mut self) {
        self.0.note("gone");
    }
}

#[test]
fn an_error_that_comes_first_is_the_result_and_is_taken() {
    in_time(|| {
        let room = Room::new();
        let next = room.next_or_error(Joined);
        assert_eq!((room.listener_count(Joined), room.listener_count(Error)), (1, 1));
        thread::scope(|threads| {
            threads.spawn(|| assert!(room.emit_error("flood".into()).is_ok()));
            assert_eq!(block_on(next), Err(NextError::Emitted("flood".to_string())));
        });
        assert!(room.event_names().is_empty(), "the other listener went too");
        assert!(room.emit_error("again".into()).is_err());
        let error = room.next_or_error(Error);
        assert!(room.emit_error("wanted".into()).is_ok());
        assert_eq!(block_on(error).as_deref(), Ok("wanted"));
    });
}

#[test]
fn the_first_of_several_is_the_one_that_came_first_also_beside_one_threads_own() {
    events! { Local { Ticked(u32) } }
    in_time(|| {
        let (room, local) = (Room::new(), Local::new());
        let ticked = onward::Waiting::next(&local, Ticked);
        let either = first((ticked, room.next(Joined)));
        thread::scope(|threads| {
            threads.spawn(|| room.emit(Joined, "ada")).join().expect("no panic");
        });
        local.emit(Ticked, 1);
        assert_eq!(block_on(either), OneOf2::B(Ok("ada".to_string())));
        let mut closed = room.next(Closed);
        let both = first((room.next(Joined), &mut closed));
        thread::scope(|threads| {
            threads.spawn(|| room.emit(Closed, ()));
            assert_eq!(block_on(both), OneOf2::B(Ok(())));
        });
        assert_eq!(room.listener_count(Joined), 0);
    });
}

#[test]
fn a_stream_has_all_events_each_threads_in_order() {
    in_time(|| {
        let room = Room::new();
        let mut stream = room.stream(Joined).capacity(usize::MAX);
        let seen = thread::scope(|threads| {
            let takes = threads.spawn(move || {
                let mut seen = Vec::new();
                while seen.len() < THREADS * TIMES {
                    seen.push(block_on(stream.next()).expect("the room lives"));
                }
                (seen, stream.dropped(), stream.lag())
            });
            for t in 0..THREADS {
                let room = &room;
                threads.spawn(move || {
                    for n in 0..TIMES {
                        room.emit(Joined, &format!("{t}:{n}"));
                    }
                });
            }
            takes.join().expect("no panic")
        });
        assert_eq!((seen.1, seen.2), (0, 0));
        for t in 0..THREADS {
            let prefix = format!("{t}:");
            let own = seen.0.iter().filter_map(|name| name.strip_prefix(&prefix));
            assert!(own.eq((0..TIMES).map(|n| n.to_string())), "thread {t} is in order");
        }
    });
}

#[test]
fn what_is_taken_and_what_is_lost_is_all_there_was() {
    in_time(|| {
        for overflow in [Overflow::DropOldest, Overflow::DropNewest, Overflow::Latest] {
            let room = Room::new();
            let mut stream = room.stream(Moved).capacity(3).overflow(overflow);
            let room_of_threads = room.clone();
            let emits = thread::spawn(move || {
                thread::scope(|threads| {
                    for _ in 0..THREADS {
                        let room = &room_of_threads;
                        threads.spawn(move || {
                            for n in 0..TIMES {
                                room.emit(Moved, n.to_string());
                            }
                        });
                    }
                });
            });
            drop(room);
            let (mut taken, mut most) = (0, 0);
            while block_on(stream.next()).is_some() {
                taken += 1;
                most = most.max(stream.lag());
            }
            emits.join().expect("no panic");
            assert_eq!(taken + stream.dropped() as usize, THREADS * TIMES, "{overflow:?}");
            assert!(most <= 3, "{overflow:?}: {most} waited");
        }
    });
}

#[test]
fn a_strict_stream_ends_with_the_error_when_it_is_full() {
    in_time(|| {
        let room = Room::new();
        let mut strict = room.stream(Joined).capacity(2).strict();
        thread::scope(|threads| {
            for _ in 0..THREADS {
                threads.spawn(|| room.emit(Joined, "somebody"));
            }
        });
        assert_eq!(room.listener_count(Joined), 0);
        for _ in 0..2 {
            assert_eq!(block_on(strict.next()), Some(Ok("somebody".to_string())));
        }
        let error = block_on(strict.next()).expect("it says why").expect_err("it was full");
        assert_eq!(error.capacity, 2);
        assert_eq!(block_on(strict.next()), None);
    });
}

#[test]
fn an_error_is_the_last_item_whoever_emits_meanwhile() {
    in_time(|| {
        for _ in 0..TIMES / 20 {
            let (room, start) = (Room::new(), Barrier::new(2));
            let mut stream = room.stream_or_error(Joined);
            thread::scope(|threads| {
                threads.spawn(|| {
                    start.wait();
                    (0..10).for_each(|_| _ = room.emit(Joined, "ada"));
                });
                start.wait();
                assert!(room.emit_error("flood".into()).is_ok());
            });
            let mut last = None;
            while let Some(item) = block_on(stream.next()) {
                assert!(!matches!(last, Some(Err(_))), "nothing comes after the error");
                last = Some(item);
            }
            assert_eq!(last, Some(Err("flood".to_string())));
        }
    });
}

/// A waker, and how often it was woken.
fn counted() -> (Waker, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let woken = Arc::clone(&count);
    (calls(move || _ = woken.fetch_add(1, Ordering::Relaxed)), count)
}

#[test]
fn who_waits_for_an_event_is_woken_though_who_is_told_of_removals_panics() {
    let (room, (waker, woken)) = (Room::new(), counted());
    room.on(ListenerRemoved, |_, gone| assert!(!gone.is(Error), "told"));
    let mut next = pin!(room.next_or_error(Joined));
    let mut cx = Context::from_waker(&waker);
    assert!(next.as_mut().poll(&mut cx).is_pending());
    // The event is there, so its listener for errors goes, which is told before the task is woken.
    let emit = || _ = room.emit(Joined, "ada");
    assert!(catch_unwind(AssertUnwindSafe(emit)).is_err());
    assert_eq!(woken.load(Ordering::Relaxed), 1);
    assert_eq!(next.as_mut().poll(&mut cx), Poll::Ready(Ok("ada".to_string())));
    assert_eq!(room.listener_count(Error), 0);
}

#[test]
fn who_takes_from_a_stream_is_woken_though_who_is_told_of_removals_panics() {
    let (room, (waker, woken)) = (Room::new(), counted());
    room.on(ListenerRemoved, |_, gone| assert!(!gone.is(Joined), "told"));
    let mut visitors = room.stream_or_error(Joined);
    let mut cx = Context::from_waker(&waker);
    assert!(Pin::new(&mut visitors).poll_next(&mut cx).is_pending());
    // The error is the last item, so its listener for the event goes, which is told before the task is woken.
    let fail = || _ = room.emit_error("on fire".to_string());
    assert!(catch_unwind(AssertUnwindSafe(fail)).is_err());
    assert_eq!(woken.load(Ordering::Relaxed), 1);
    let last = Some(Err("on fire".to_string()));
    assert_eq!(Pin::new(&mut visitors).poll_next(&mut cx), Poll::Ready(last));
    assert_eq!(Pin::new(&mut visitors).poll_next(&mut cx), Poll::Ready(None));
    assert_eq!(room.listener_count(Joined), 0);
}

#[test]
fn a_waker_may_do_anything_with_what_it_is_woken_for() {
    in_time(|| {
        let (room, log) = (Room::new(), Log::default());
        let next = Arc::new(Mutex::new(Some(room.next(Joined))));
        let waker = {
            let (room, log, next) = (room.clone(), log.clone(), next.clone());
            calls(move || {
                assert_eq!(room.emit(Joined, "from the waker").called, 0, "it has been removed");
                assert_eq!(room.listener_count(Joined), 0);
                let mut next = next.lock().expect("no panic in here").take().expect("once");
                log.note(format!("{:?}", poll(&mut next, Waker::noop())));
            })
        };
        let mut first = next.lock().expect("no panic in here").take().expect("it is there");
        assert!(poll(&mut first, &waker).is_pending());
        *next.lock().expect("no panic in here") = Some(first);
        assert_eq!(room.emit(Joined, "ada").called, 1);
        assert_eq!(log.take(), r#"Ready(Ok("ada"))"#);
    });
}

#[test]
fn a_waker_that_is_dropped_may_emit_and_poll() {
    in_time(|| {
        let (room, count) = (Room::new(), Arc::new(AtomicUsize::new(0)));
        let mut stream = room.stream(Joined);
        let (other, c) = (room.clone(), Arc::clone(&count));
        let noisy = OnDrop(move || {
            other.emit(Joined, "from a destructor");
            c.fetch_add(1, Ordering::Relaxed);
        });
        let noisy = Mutex::new(noisy);
        let waker = calls(move || noisy.lock().expect("no panic in here").touch());
        let pending = |stream: &mut onward::sync::Events<Room, String>, waker: &Waker| {
            Pin::new(stream).poll_next(&mut Context::from_waker(waker))
        };
        assert!(pending(&mut stream, &waker).is_pending());
        drop(waker); // the stream has the last one
        assert!(pending(&mut stream, Waker::noop()).is_pending(), "replaces it, which emits");
        assert_eq!(count.load(Ordering::Relaxed), 1);
        assert_eq!(block_on(stream.next()).as_deref(), Some("from a destructor"));
    });
}

events! { sync Bus { Sent(&Message), Noted(u32) } }

/// Emits as it is cloned, and as it is dropped.
struct Message(Bus);

impl Clone for Message {
    fn clone(&self) -> Self {
        self.0.emit(Noted, 1);
        Self(self.0.clone())
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        self.0.emit(Noted, 2);
    }
}

#[test]
fn a_payload_may_emit_as_it_is_cloned_and_dropped() {
    in_time(|| {
        let bus = Bus::new();
        let mut noted = bus.stream(Noted);
        let (next, stream) = (bus.next(Sent), bus.stream(Sent).capacity(1));
        let message = Message(bus.clone());
        assert_eq!(bus.emit(Sent, &message).called, 2);
        assert_eq!(bus.emit(Sent, &message).called, 1);
        assert_eq!((stream.lag(), stream.dropped()), (1, 1));
        drop((next, stream, message));
        let notes: Vec<_> = (0..noted.lag()).map(|_| block_on(noted.next())).collect();
        assert_eq!(notes, [1, 1, 1, 2, 2, 2, 2].map(Some));
        assert_eq!(bus.listener_count(Sent), 0);
    });
}

#[test]
fn streams_that_come_and_go_while_others_emit_leave_nothing() {
    in_time(|| {
        let (room, alive) = (Room::new(), Arc::new(AtomicUsize::new(0)));
        thread::scope(|threads| {
            for t in 0..THREADS {
                let (room, alive) = (&room, &alive);
                threads.spawn(move || {
                    for n in 0..TIMES {
                        match (n + t) % 4 {
                            0 => drop(room.next(Joined)),
                            1 => {
                                let mut next = room.next(Joined);
                                let early = poll(&mut next, Waker::noop());
                                room.emit(Joined, "own");
                                if early.is_pending() {
                                    assert_eq!(block_on(next).map(drop), Ok(()), "somebody's");
                                }
                                alive.fetch_add(1, Ordering::Relaxed);
                            }
                            2 => {
                                let mut stream = room.stream(Joined).capacity(2);
                                room.emit(Joined, "own");
                                assert!(block_on(stream.next()).is_some());
                            }
                            _ => _ = room.emit(Joined, "more"),
                        }
                    }
                });
            }
        });
        assert!(room.event_names().is_empty());
        assert_eq!(alive.load(Ordering::Relaxed), THREADS * TIMES / 4);
    });
}

#[test]
fn gone_is_the_same_word_as_for_one_thread() {
    let room = Room::new();
    let next = room.next(Joined);
    drop(room);
    let gone: Gone = block_on(next).expect_err("gone");
    assert_eq!(gone.to_string(), "waited for Joined of Room, which will not come any more");
}
