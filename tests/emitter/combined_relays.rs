//! Relays together with those who watch, stop, fail, and go.

use std::cell::Cell;
use std::ops::ControlFlow::Break;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use onward::emitter::{Options, Relay, Removal};
use onward::events::{ListenerAdded, ListenerRemoved};
use onward::{Emitter, Routing, Watching};

use super::combined::watch;
use super::support::*;

fn rooms() -> (Room, Room, Log) {
    (Room::new(), Room::new(), Log::default())
}

#[test]
fn the_listener_of_a_relay_is_told_as_it_comes_and_goes() {
    let (a, b, log) = rooms();
    watch(&a, &log);
    let relay = a.relay(Joined, &b, Joined);
    let first = b.on(Joined, |_, _| {});
    b.on(Joined, |_, _| {});
    b.off(first);
    assert_eq!(log.take(), "+Joined:0");
    b.remove_all();
    assert_eq!(log.take(), "-Joined:0");
    b.many(Joined, 0, |_, _| {});
    assert_eq!(log.take(), "+Joined:0 -Joined:0");
    let guard = b.on_scoped(Joined, |_, _| {});
    assert!(relay.end());
    drop(guard);
    assert_eq!(log.take(), "+Joined:0 -Joined:0");
}

#[test]
fn a_target_whose_last_listener_goes_inside_of_the_emit() {
    for options in [Options::new(), Options::new().removal(Removal::Snapshot)] {
        let (a, b, log) = (Room::with_options(options), Room::new(), Log::default());
        watch(&a, &log);
        let relay = a.relay(Joined, &b, Joined);
        let (l, kept) = (log.clone(), log.on_drop("~once"));
        b.once(Joined, move |_, name| {
            kept.touch();
            l.note(name);
        });
        add(&a, &log, "after");
        log.take();
        assert_eq!(a.emit(Joined, "ada").called, 2);
        assert_eq!(log.take(), "ada ~once -Joined:1 after");
        assert!(!relay.is_active());
        b.on(Joined, |_, _| {});
        assert_eq!((log.take().as_str(), relay.is_active()), ("+Joined:1", true));
    }
}

#[test]
fn a_relay_that_ends_before_its_turn_under_snapshot_was_not_running() {
    let (a, b) = (Room::with_options(Options::new().removal(Removal::Snapshot)), Room::new());
    let relay = Later::<Relay>::new();
    let r = relay.clone();
    a.on(Joined, move |_, _| assert!(r.get().end()));
    b.on(Joined, |_, _| unreachable!("the relay has ended"));
    relay.set(a.relay(Joined, &b, Joined));
    let emitted = a.emit(Joined, "");
    assert_eq!((emitted.called, emitted.skipped), (1, 0));
}

#[test]
fn a_relay_that_is_not_wanted_any_more_when_it_is_announced_does_not_stay() {
    let (a, b, log) = rooms();
    let b2 = b.clone();
    a.on(ListenerAdded, move |_, info| {
        if info.is(Joined) {
            b2.remove_all();
        }
    });
    let relay = a.relay(Joined, &b, Joined);
    b.on(Joined, noting!(log, "b"));
    assert_eq!((b.listener_count(Joined), a.listener_count(Joined)), (0, 0));
    assert!(!relay.is_active());
}

#[test]
fn a_relay_that_ends_when_it_is_announced_does_not_stay() {
    let (a, b, _) = rooms();
    let relay = Later::<Relay>::new();
    let r = relay.clone();
    a.on(ListenerAdded, move |_, info| {
        if info.is(Joined) {
            assert!(r.get().end());
        }
    });
    relay.set(a.relay(Joined, &b, Joined));
    b.on(Joined, |_, _| {});
    let emitted = a.emit(Joined, "");
    assert_eq!((a.listener_count(Joined), emitted.called, emitted.skipped), (0, 0, 0));
}

#[test]
fn a_relay_whose_target_changes_when_it_is_announced_passes_on_once() {
    let (a, b, log) = rooms();
    let (b2, l) = (b.clone(), log.clone());
    a.once(ListenerAdded, |_, _| {});
    a.on(ListenerAdded, move |_, info| {
        if info.is(Joined) {
            b2.remove_all();
            b2.on(Joined, noting!(l, "b"));
        }
    });
    let relay = a.relay(Joined, &b, Joined);
    b.on(Joined, noting!(log, "gone"));
    assert_eq!((a.listener_count(Joined), a.emit(Joined, "").called), (1, 1));
    assert_eq!(log.take(), "b");
    b.remove_all();
    assert_eq!((a.listener_count(Joined), relay.is_active()), (0, false));
}

#[test]
fn a_watcher_that_panics_at_a_relay_does_not_end_it_nor_keep_others_from_theirs() {
    let (a, b, log) = rooms();
    let other = Room::new();
    a.once(ListenerAdded, |_, _| panic!("on purpose"));
    let (relay, second) = (a.relay(Joined, &b, Joined), other.relay(Joined, &b, Joined));
    let panic = catch_unwind(AssertUnwindSafe(|| b.on(Joined, noting!(log, "b"))));
    assert!(panic.is_err());
    assert_eq!((b.listener_count(Joined), a.listener_count(Joined)), (1, 0));
    assert!(!relay.is_active() && second.is_active());
    b.remove_all();
    b.on(Joined, noting!(log, "b"));
    assert!(relay.is_active() && second.is_active());
    assert_eq!((a.emit(Joined, "").called, log.take().as_str()), (1, "b"));
}

#[test]
fn the_first_listener_of_a_target_may_be_used_up_when_the_relay_comes() {
    let (a, b, log) = rooms();
    watch(&b, &log);
    let b2 = b.clone();
    a.on(ListenerAdded, move |_, _| assert_eq!(b2.emit(Joined, "").called, 1));
    a.relay(Joined, &b, Joined);
    b.once(Joined, noting!(log, "once"));
    assert_eq!(log.take(), "+Joined:0 -Joined:0 once");
    assert_eq!((a.listener_count(Joined), b.listener_count(Joined)), (0, 0));
}

#[test]
fn what_is_stopped_at_the_target_was_taken_and_is_heard_at_the_source_alone() {
    let (a, b, log) = rooms();
    a.relay(Joined, &b, Joined);
    for (room, name) in [(&a, "a"), (&b, "b")] {
        let log = log.clone();
        room.on_any(move |_, event| log.note(format!("{name}:{event:?}")));
    }
    assert_eq!((b.listener_count(Joined), a.emit(Joined, "1").called), (0, 0));
    assert_eq!(log.take(), "a:Joined(\"1\")"); // to listen to all wakes no relay
    let stop = b.intercept(Joined, |_, _| Break(()));
    assert_eq!(a.emit(Joined, "2").called, 1);
    assert_eq!(log.take(), "a:Joined(\"2\")");
    b.off(stop);
    b.on(Joined, |_, _| {});
    assert_eq!(a.emit(Joined, "3").called, 1);
    assert_eq!(log.take(), "b:Joined(\"3\") a:Joined(\"3\")");
}

#[test]
fn relays_in_a_circle_keep_each_other_until_one_ends() {
    let (a, b, log) = rooms();
    let there = a.relay(Joined, &b, Joined);
    let back = b.relay(Joined, &a, Joined);
    let listener = a.on(Joined, noting!(log, "a"));
    assert_eq!(b.emit(Joined, "").called, 1);
    assert_eq!(log.take(), "a");
    a.off(listener);
    assert!(there.is_active() && back.is_active());
    assert!(back.end());
    assert!(!there.is_active());
    assert_eq!((a.listener_count(Joined), b.listener_count(Joined)), (0, 0));
}

#[test]
fn remove_all_ends_a_relay_with_its_captures_and_tells_it_once() {
    let (a, b, log) = rooms();
    watch(&a, &log);
    let kept = log.on_drop("~relay");
    let relay = a.relay_with(Joined, &b, Joined, move |_, _, _| kept.touch());
    let heard = b.on_scoped(Joined, |_, _| {});
    assert_eq!(log.take(), "+Joined:0");
    a.remove_all_of(Joined);
    assert_eq!(log.take(), "~relay -Joined:0");
    drop(heard);
    b.on(Joined, |_, _| {});
    assert_eq!((relay.end(), a.listener_count(Joined), log.take().as_str()), (false, 0, ""));
}

#[test]
fn a_source_stops_when_its_relay_does_although_nobody_is_at_hand() {
    let (a, b, _) = rooms();
    let runs = Rc::new(Cell::new(0));
    let r = Rc::clone(&runs);
    a.on(ListenerAdded, move |_, added| r.set(r.get() + usize::from(added.is(Joined))));
    let r = Rc::clone(&runs);
    a.on(ListenerRemoved, move |_, removed| r.set(r.get() - usize::from(removed.is(Joined))));
    a.relay(Joined, &b, Joined);
    let heard = b.on_scoped(Joined, |_, _| {});
    assert_eq!(runs.get(), 1);
    drop(heard);
    assert_eq!(runs.get(), 0);
    b.on(Joined, |_, _| {});
    assert_eq!(runs.get(), 1);
    drop(b); // with its target it goes
    assert_eq!((runs.get(), a.listener_count(Joined)), (0, 0));
}
