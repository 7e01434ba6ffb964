//! Relays while threads add, remove, emit, end and drop at both of their ends.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use onward::emitter::Listener;
use onward::events;
use onward::events::{ListenerAdded, ListenerRemoved};
use onward::sync::{Emitter, Routing};

use super::support::in_time;

events! { sync Source { Ping(u32), Other() } }
events! { sync Target { Pong(u32), More() } }

const TIMES: usize = if cfg!(miri) { 10 } else { 400 };

fn counting(target: &Target) -> (Listener, Arc<AtomicUsize>) {
    let heard = Arc::new(AtomicUsize::new(0));
    let h = Arc::clone(&heard);
    (target.on(Pong, move |_, _| _ = h.fetch_add(1, Ordering::Relaxed)), heard)
}

/// Says if it runs twice, or ceases when it did not run.
fn watch(source: &Source) -> (Arc<AtomicBool>, Arc<AtomicUsize>) {
    let (runs, starts) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (r, s) = (Arc::clone(&runs), Arc::clone(&starts));
    source.on(ListenerAdded, move |_, added| {
        if added.is(Ping) {
            assert_eq!(added.others(), 0);
            assert!(!r.swap(true, Ordering::Relaxed), "it ran already");
            s.fetch_add(1, Ordering::Relaxed);
        }
    });
    let r = Arc::clone(&runs);
    source.on(ListenerRemoved, move |_, gone| {
        if gone.is(Ping) {
            assert!(r.swap(false, Ordering::Relaxed), "it did not run");
        }
    });
    (runs, starts)
}

/// What is emitted when `on` has returned is heard, and nothing when `off_and_wait` has.
fn come_and_go(source: &Source, target: &Target) {
    for n in 0..TIMES {
        let (listener, heard) = counting(target);
        assert_eq!(source.listener_count(Ping), 1, "the relay listens");
        assert!(source.emit(Ping, n as u32).called + source.emit(Ping, 0).called >= 1);
        assert!(heard.load(Ordering::Relaxed) >= 2, "nothing is lost");
        assert_eq!(target.off_and_wait(listener), Ok(true));
        let before = heard.load(Ordering::Relaxed);
        source.emit(Ping, 0);
        assert_eq!(heard.load(Ordering::Relaxed), before, "nothing comes afterwards");
    }
}

#[test]
fn two_come_and_go_at_the_end_while_a_third_emits() {
    for watched in [false, true] {
        in_time(move || {
            let (source, target, over) = (Source::new(), Target::new(), AtomicBool::new(false));
            let starts = watched.then(|| watch(&source));
            let relay = source.relay(Ping, &target, Pong);
            thread::scope(|threads| {
                let both = [(); 2].map(|()| threads.spawn(|| come_and_go(&source, &target)));
                threads.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        assert!(source.emit(Ping, 1).called <= 1);
                    }
                });
                let ended = both.map(|thread| thread.join());
                over.store(true, Ordering::Relaxed);
                ended.into_iter().for_each(|end| end.expect("no panic"));
            });
            assert!(!relay.is_active());
            assert_eq!((source.listener_count(Ping), target.listener_count(Pong)), (0, 0));
            if let Some((runs, starts)) = starts {
                assert!(!runs.load(Ordering::Relaxed));
                assert!((1..=TIMES * 2).contains(&starts.load(Ordering::Relaxed)));
            }
        });
    }
}

#[test]
fn each_that_is_there_all_the_time_hears_each_thread_in_order() {
    in_time(|| {
        let (source, target) = (Source::new(), Target::new());
        source.relay(Ping, &target, Pong);
        let (mut last, total) = ([0; 2], Arc::new(AtomicUsize::new(0)));
        let t = Arc::clone(&total);
        target.on(Pong, move |_, n| {
            let (thread, n) = ((n & 1) as usize, n >> 1);
            assert_eq!(n, std::mem::replace(&mut last[thread], n) + 1);
            t.fetch_add(1, Ordering::Relaxed);
        });
        thread::scope(|threads| {
            for thread in 0..2 {
                let source = &source;
                threads.spawn(move || {
                    for n in 1..=TIMES as u32 {
                        assert_eq!(source.emit(Ping, n << 1 | thread).called, 1);
                    }
                });
            }
            (0..TIMES).for_each(|_| drop(target.on_scoped(Pong, |_, _| {})));
        });
        assert_eq!(total.load(Ordering::Relaxed), 2 * TIMES);
    });
}

#[test]
fn a_relay_that_is_made_while_somebody_comes_or_goes_is_right_afterwards() {
    in_time(|| {
        for n in 0..TIMES * 5 {
            let (source, target, meet) = (Source::new(), Target::new(), Barrier::new(2));
            let leaves = (n % 2 == 1).then(|| counting(&target).0);
            let relay = thread::scope(|threads| {
                threads.spawn(|| {
                    meet.wait();
                    match leaves {
                        Some(listener) => assert!(target.off(listener)),
                        None => _ = counting(&target),
                    }
                });
                meet.wait();
                source.relay(Ping, &target, Pong)
            });
            assert_eq!(relay.is_active(), leaves.is_none(), "{n}");
            assert_eq!(source.listener_count(Ping), target.listener_count(Pong));
        }
    });
}

#[test]
fn one_that_is_ended_while_others_come_and_go() {
    in_time(|| {
        for _ in 0..TIMES / 4 {
            let (source, target, meet) = (Source::new(), Target::new(), Barrier::new(2));
            let relay = source.relay(Ping, &target, Pong);
            thread::scope(|threads| {
                threads.spawn(|| {
                    meet.wait();
                    for _ in 0..4 {
                        let (listener, _) = counting(&target);
                        source.emit(Ping, 1);
                        target.off(listener);
                    }
                });
                let (_, heard) = counting(&target);
                meet.wait();
                assert!(relay.end());
                assert!(!relay.end() && !relay.is_active());
                let before = heard.load(Ordering::Relaxed);
                assert_eq!(source.emit(Ping, 2).called, 0);
                assert_eq!(heard.load(Ordering::Relaxed), before);
            });
            assert_eq!((source.listener_count(Ping), target.listener_count(Pong)), (0, 1));
        }
    });
}

#[test]
fn either_end_is_dropped_while_the_other_is_used() {
    in_time(|| {
        for n in 0..TIMES / 2 {
            let (source, target, meet) = (Source::new(), Target::new(), Barrier::new(3));
            let relay = source.relay(Ping, &target, Pong);
            let (_, heard) = counting(&target);
            thread::scope(|threads| {
                let (s, t, meet) = (source.clone(), target.clone(), &meet);
                threads.spawn(move || {
                    meet.wait();
                    (0..3).for_each(|_| _ = s.emit(Ping, 1));
                });
                threads.spawn(move || {
                    meet.wait();
                    (0..3).for_each(|_| drop(t.on_scoped(Pong, |_, _| {})));
                });
                meet.wait();
                if n % 2 == 0 { drop(source) } else { drop(target) }
            });
            assert!(heard.load(Ordering::Relaxed) <= 3);
            assert!(!relay.is_active() && !relay.end());
        }
    });
}

#[test]
fn relays_in_a_circle_on_two_threads_are_no_deadlock() {
    in_time(|| {
        let (one, two) = (Source::new(), Target::new());
        let there = one.relay(Ping, &two, Pong);
        let back = two.relay(Pong, &one, Ping);
        let [heard_one, heard_two] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
        let h = Arc::clone(&heard_one);
        one.on(Ping, move |_, _| _ = h.fetch_add(1, Ordering::Relaxed));
        let h = Arc::clone(&heard_two);
        two.on(Pong, move |_, _| _ = h.fetch_add(1, Ordering::Relaxed));
        thread::scope(|threads| {
            threads.spawn(|| (0..TIMES).for_each(|n| _ = one.emit(Ping, n as u32)));
            threads.spawn(|| (0..TIMES).for_each(|n| _ = two.emit(Pong, n as u32)));
        });
        // Alone, each emit is heard at both ends, and once more where it began; in a lent turn who runs is skipped.
        for heard in [heard_one, heard_two] {
            let heard = heard.load(Ordering::Relaxed);
            assert!((TIMES..=3 * TIMES).contains(&heard), "{heard}");
        }
        assert!(there.end() && back.end());
        assert_eq!((one.listener_count(Ping), two.listener_count(Pong)), (1, 1));
    });
}

#[test]
fn who_is_told_at_the_ends_of_a_circle_may_emit_and_listen_there() {
    in_time(|| {
        let (one, two) = (Source::new(), Target::new());
        // To begin each relay wants a turn that an emit of the other thread may have.
        one.on(ListenerAdded, |one, _| _ = one.emit(Other, ()));
        two.on(ListenerRemoved, |two, _| _ = two.emit(More, ()));
        let t = two.clone();
        one.on(Other, move |_, ()| drop(t.on_scoped(Pong, |_, _| {})));
        let weak = one.clone();
        two.on(More, move |_, ()| drop(weak.on_scoped(Ping, |_, _| {})));
        let there = one.relay(Ping, &two, Pong);
        let back = two.relay(Pong, &one, Ping);
        thread::scope(|threads| {
            threads.spawn(|| (0..TIMES / 4).for_each(|_| _ = one.emit(Other, ())));
            threads.spawn(|| (0..TIMES / 4).for_each(|_| _ = two.emit(More, ())));
            threads.spawn(|| (0..TIMES / 4).for_each(|_| drop(one.on_scoped(Ping, |_, _| {}))));
            (0..TIMES / 4).for_each(|_| drop(two.on_scoped(Pong, |_, _| {})));
        });
        // Each may hold the other by its listener; without the relays nobody is left.
        let _ = (there.end(), back.end());
        assert_eq!((one.listener_count(Ping), two.listener_count(Pong)), (0, 0));
        one.remove_all();
        two.remove_all();
    });
}

#[test]
fn many_relays_to_one_end_begin_and_cease_together() {
    in_time(|| {
        let target = Target::new();
        let sources: Vec<_> = (0..20).map(|_| Source::new()).collect();
        for source in &sources {
            source.relay(Ping, &target, Pong);
        }
        thread::scope(|threads| {
            for _ in 0..2 {
                threads.spawn(|| {
                    for _ in 0..TIMES / 10 {
                        let (listener, heard) = counting(&target);
                        sources.iter().for_each(|source| _ = source.emit(Ping, 1));
                        assert!(heard.load(Ordering::Relaxed) >= sources.len());
                        target.off(listener);
                    }
                });
            }
        });
        assert!(sources.iter().all(|source| source.listener_count(Ping) == 0));
        assert_eq!(target.listener_count(Pong), 0);
    });
}
