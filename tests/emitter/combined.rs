//! Removal, isolation and watching together: who goes is told once, counted once, and dropped once.

use std::ops::ControlFlow::{Break, Continue};
use std::rc::Rc;

use onward::emitter::{ListenerKind, Options, Position, Removal};
use onward::events::{ListenerAdded, ListenerLeak, ListenerRemoved};
use onward::{Emitter, Routing, Watching};

use super::support::*;

/// Notes `+Joined:0` for each listener that is about to come, `-Joined:0` for each that has gone.
pub(crate) fn watch(room: &Room, log: &Log) {
    let l = log.clone();
    room.on_reentrant(ListenerAdded, move |_, info| {
        l.note(format!("+{}:{}", info.event(), info.others()));
    });
    let l = log.clone();
    room.on_reentrant(ListenerRemoved, move |room, info| {
        if info.is(Joined) {
            assert_eq!(room.listener_count(Joined), info.others());
        }
        l.note(format!("-{}:{}", info.event(), info.others()));
    });
    log.take();
}

fn snapshot() -> (Room, Log) {
    let (room, log) =
        (Room::with_options(Options::new().removal(Removal::Snapshot)), Log::default());
    watch(&room, &log);
    (room, log)
}

/// A listener that notes `what`, and that it was dropped.
macro_rules! dropping {
    ($log:expr, $what:expr) => {{
        let (log, kept) = ($log.clone(), $log.on_drop(concat!("~", $what)));
        move |_, _| {
            kept.touch();
            log.note($what)
        }
    }};
}

#[test]
fn one_that_is_removed_before_its_turn_under_snapshot_is_told_once() {
    let (room, log) = snapshot();
    let others = Later::new();
    let o = others.clone();
    room.once(Joined, move |room, _| {
        let others: Vec<_> = o.get();
        assert!(others.iter().all(|other| room.off(*other)));
        assert!(!others.iter().any(|other| room.off(*other)));
    });
    let object = Rc::new(());
    others.set(vec![
        room.on(Joined, dropping!(log, "on")),
        room.once(Joined, dropping!(log, "once")),
        room.many(Joined, 1, dropping!(log, "many")),
        room.on_weak(Joined, &object, |_, _, _| unreachable!("its object is gone")),
    ]);
    drop(object);
    log.take();
    assert_eq!(room.emit(Joined, "").called, 4);
    assert_eq!(
        log.take(),
        "-Joined:4 -Joined:3 -Joined:2 -Joined:1 -Joined:0 on once ~once many ~many ~on"
    );
    assert_eq!((room.emit(Joined, "").called, log.take()), (0, String::new()));
}

#[test]
fn remove_all_under_snapshot_tells_each_once_and_calls_each_once_more() {
    let (room, log) = snapshot();
    room.on(Joined, |room, _| room.remove_all_of(Joined));
    room.once(Joined, dropping!(log, "once"));
    room.on(Joined, dropping!(log, "on"));
    let l = log.clone();
    room.intercept(Joined, move |_, _| {
        l.note("first");
        Continue(())
    });
    log.take();
    assert_eq!(room.emit(Joined, "").called, 3);
    let told = "-Joined:3 -Joined:2 -Joined:1 -Joined:0";
    assert_eq!(log.take(), format!("first {told} once ~once on ~on"));
    assert_eq!(room.listener_count(Joined), 0);
}

#[test]
fn one_that_is_leaving_under_snapshot_cannot_be_blocked_back_into_life() {
    let (room, log) = snapshot();
    let (second, block) = (Later::new(), Later::new());
    let (s, b) = (second.clone(), block.clone());
    room.once(Joined, move |room, _| {
        assert!(room.off(s.get()));
        b.set(Rc::new(room.block(s.get()))); // it is gone, so that is nothing
        assert!(!room.off(s.get()));
        assert_eq!(room.listener_count(Joined), 0);
    });
    second.set(room.on(Joined, dropping!(log, "on")));
    log.take();
    assert_eq!(room.emit(Joined, "").called, 2);
    drop(block);
    assert_eq!(log.take(), "-Joined:1 -Joined:0 on ~on");
    assert_eq!((room.listener_count(Joined), room.emit(Joined, "").called), (0, 0));
}

#[test]
fn blocked_ones_go_with_all_others_and_their_guards_outlive_them() {
    for options in [Options::new(), Options::new().removal(Removal::Snapshot)] {
        let (room, log) = (Room::with_options(options), Log::default());
        watch(&room, &log);
        let blocked = room.on(Joined, dropping!(log, "blocked"));
        let guards = [room.block(blocked), room.block(blocked)];
        let l = log.clone();
        room.intercept(Joined, move |room, _| {
            l.note("stopped");
            room.remove_all_of(Joined);
            Break(())
        });
        log.take();
        let emitted = room.emit(Joined, "");
        assert_eq!((emitted.called, emitted.stopped), (0, true));
        assert_eq!(log.take(), "stopped ~blocked -Joined:1 -Joined:0");
        drop(guards);
        assert_eq!((room.listener_count(Joined), room.emit(Joined, "").called), (0, 0));
        assert_eq!(room.dump().events.len(), 2); // those who watch
    }
}

#[test]
fn interceptors_and_those_that_may_fail_are_told_as_any_other() {
    let (room, log) = (Room::new(), Log::default());
    watch(&room, &log);
    let first = room.intercept(Joined, |_, _| Continue(()));
    let trying = room.on_try(Joined, |_, _| Ok(()));
    assert_eq!(log.take(), "+Joined:0 +Joined:1");
    assert!(room.off(trying) && !room.off(trying));
    drop(room.guard(first));
    assert_eq!(log.take(), "-Joined:1 -Joined:0");
}

#[test]
fn a_dump_has_the_place_and_the_kind_of_each() {
    let (room, hall) = (Room::new(), Room::new());
    room.on_try(Joined, |_, _| Ok(()));
    hall.on(Said, |_, _| {});
    room.relay_with(Joined, &hall, Said, |_, _, _| {});
    let first = room.intercept(Joined, |_, _| Continue(()));
    let _block = room.block(first);
    room.on_any(|_, _| {});
    let dump = room.dump();
    let shown = |event: usize| {
        let listeners = dump.events[event].listeners.iter();
        listeners.map(|one| (one.kind, one.position(), one.blocked)).collect::<Vec<_>>()
    };
    let conditional = ListenerKind::Conditional;
    assert_eq!(
        shown(0),
        [
            (conditional, Position::Intercepting, true),
            (ListenerKind::On, Position::Back, false), // it takes every event
            (conditional, Position::Back, false),
        ]
    );
    assert_eq!(
        (&*dump.events[1].event, shown(1)),
        ("any", vec![(conditional, Position::Back, false)])
    );
    assert!(
        dump.events
            .iter()
            .flat_map(|event| &event.listeners)
            .all(|one| one.location.file() == file!())
    );
}

#[test]
fn interceptors_and_relays_leak_with_their_places() {
    let (room, hall, log) = (Room::new(), Room::new(), Log::default());
    room.set_max_listeners(2);
    let l = log.clone();
    room.on(ListenerLeak, move |_, leak| {
        let mut lines: Vec<_> =
            leak.places().iter().map(|(at, times)| (at.line(), *times)).collect();
        lines.sort_unstable();
        l.note(format!("{}:{} {lines:?}", leak.event(), leak.count()));
    });
    let line = line!();
    room.intercept(Joined, |_, _| Continue(()));
    room.relay(Joined, &hall, Joined);
    room.on_try(Joined, |_, _| Ok(()));
    assert_eq!(log.take(), ""); // the relay does not listen yet
    hall.on(Joined, |_, _| {});
    assert_eq!(
        log.take(),
        format!("Joined:3 [({}, 1), ({}, 1), ({}, 1)]", line + 1, line + 2, line + 3)
    );
}
