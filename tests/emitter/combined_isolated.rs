//! Isolated panics together with those who watch, intercept and relay.

use std::ops::ControlFlow::Break;

use onward::emitter::Options;
use onward::events::{Error, ListenerAdded, ListenerRemoved};
use onward::{Emitter, Routing, Watching};

use super::combined::watch;
use super::support::*;

fn isolating() -> (Room, Log) {
    let log = Log::default();
    let l = log.clone();
    let options = Options::new().isolate_panics(move |_: &Room, panic| {
        l.note(format!("({}: {})", panic.event(), panic.message().unwrap_or("?")));
    });
    (Room::with_options(options), log)
}

#[test]
fn those_that_are_used_up_by_a_panic_are_told_once() {
    let (room, log) = isolating();
    watch(&room, &log);
    let kept = log.on_drop("~once");
    room.once(Joined, move |_, _| {
        kept.touch();
        panic!("once")
    });
    room.many(Joined, 1, |_, _| panic!("many"));
    log.take();
    assert_eq!(room.emit(Joined, "").called, 2);
    assert_eq!(log.take(), "-Joined:1 ~once (Joined: once) -Joined:0 (Joined: many)");
    assert_eq!(room.emit(Joined, "").called, 0);
}

#[test]
fn those_who_watch_are_isolated_too() {
    let (room, log) = isolating();
    room.on(ListenerAdded, |_, info| panic!("+{}", info.event()));
    room.on(ListenerRemoved, |_, info| panic!("-{}", info.event()));
    room.on_any(|_, event| panic!("{event:?}"));
    assert_eq!(log.take(), "(ListenerAdded: +ListenerRemoved) (ListenerAdded: +any)");
    let listener = room.on(Joined, noting!(log, "called"));
    assert_eq!(room.emit(Joined, "ada").called, 1);
    assert!(room.off(listener));
    assert_eq!(
        log.take(),
        "(ListenerAdded: +Joined) called (any: Joined(\"ada\")) (ListenerRemoved: -Joined)"
    );
}

#[test]
fn an_interceptor_that_panics_has_not_taken_the_event() {
    let (room, log) = isolating();
    room.intercept(Error, |_, _| panic!("broken"));
    let lost = room.emit_error("disk".into()).expect_err("nobody has taken it");
    assert_eq!((lost.into_inner(), log.take()), ("disk".into(), "(Error: broken)".into()));
    room.intercept(Joined, |_, _| panic!("first"));
    room.intercept(Joined, |_, _| Break(()));
    room.on(Joined, |_, _| unreachable!("it was stopped"));
    let emitted = room.emit(Joined, "");
    assert_eq!((emitted.called, emitted.stopped), (0, true));
}

#[test]
fn a_relay_whose_last_end_panics_stops_in_order() {
    let ((a, log), b) = (isolating(), Room::new());
    watch(&a, &log);
    let relay = a.relay(Joined, &b, Joined);
    let kept = log.on_drop("~once");
    b.once(Joined, move |_, _| {
        kept.touch();
        panic!("at the end")
    });
    add(&a, &log, "next");
    log.take();
    assert_eq!(a.emit(Joined, "").called, 2);
    assert_eq!(log.take(), "~once -Joined:1 (Joined: at the end) next");
    assert!(!relay.is_active());
    b.on(Joined, noting!(log, "b"));
    assert_eq!((log.take().as_str(), a.emit(Joined, "").called), ("+Joined:1", 2));
    assert_eq!(log.take(), "next b");
}

#[test]
fn what_the_report_removes_is_told_once() {
    let log = Log::default();
    let l = log.clone();
    let room = Room::with_options(Options::new().isolate_panics(move |room: &Room, _| {
        l.note("report");
        room.remove_all_of(Joined);
    }));
    watch(&room, &log);
    let kept = log.on_drop("~broken");
    room.on(Joined, move |_, _| {
        kept.touch();
        panic!("on purpose")
    });
    room.once(Joined, |_, _| unreachable!("it was removed"));
    room.on_any(noting!(log, "any"));
    log.take();
    assert_eq!(room.emit(Joined, "").called, 1);
    assert_eq!(log.take(), "report -Joined:1 -Joined:0 ~broken any");
}
