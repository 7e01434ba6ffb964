//! Isolated panics: the others are called, and the panic is reported as a value.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use onward::emitter::{ListenerPanic, Options, Removal};
use onward::events::Error;
use onward::{Emitter, Routing};

use super::support::*;

fn isolating(log: &Log) -> Room {
    let log = log.clone();
    Room::with_options(Options::new().isolate_panics(move |_: &Room, panic| {
        log.note(format!("({})", panic.message().unwrap_or("?")));
    }))
}

#[test]
fn the_others_are_called_and_the_panic_is_reported_in_its_place() {
    let (log, room) = {
        let log = Log::default();
        (log.clone(), isolating(&log))
    };
    add(&room, &log, "a");
    room.on(Joined, |_, _| panic!("on purpose"));
    add(&room, &log, "b");
    room.on(Joined, |_, name| panic!("formatted {name}"));
    let emitted = room.emit(Joined, "ada");
    assert_eq!((emitted.called, emitted.skipped, emitted.stopped), (4, 0, false));
    assert_eq!(log.take(), "a (on purpose) b (formatted ada)");
    assert_eq!(room.listener_count(Joined), 4);
    assert_eq!(room.emit(Joined, "bob").called, 4);
}

#[test]
fn the_report_says_who_what_and_where() {
    let seen = Rc::new(RefCell::new(None::<ListenerPanic>));
    let s = Rc::clone(&seen);
    let room = Room::with_options(
        Options::new().isolate_panics(move |_: &Room, panic| drop(s.replace(Some(panic)))),
    );
    room.on(Joined, |_, _| panic!("on purpose")); // line!() - 0
    let line = line!() - 1;
    assert!(room.emit(Joined, "").handled());
    let panic = seen.take().expect("reported");
    assert_eq!(
        (panic.emitter(), panic.event(), panic.message()),
        ("Room", "Joined", Some("on purpose"))
    );
    assert_eq!((panic.location().line(), panic.location().file()), (line, file!()));
    let start = "a listener for Joined of Room panicked: on purpose (added at ";
    assert!(panic.to_string().starts_with(start), "{panic}");
    assert!(format!("{panic:?}").contains("message: Some(\"on purpose\")"), "{panic:?}");
    assert!(panic.into_payload().is::<&str>());
    room.remove_all();
    room.on(Joined, |_, _| std::panic::panic_any(7));
    room.emit(Joined, "");
    let panic = seen.take().expect("reported");
    assert_eq!(panic.message(), None);
    assert!(panic.to_string().contains("(without a message)"), "{panic}");
    assert_eq!(panic.into_payload().downcast_ref::<i32>(), Some(&7));
}

#[test]
fn the_hook_may_raise_an_error_event() {
    let (log, room) = (
        Log::default(),
        Room::with_options(Options::new().isolate_panics(|room: &Room, panic| {
            room.emit_error(panic.message().expect("a text").into()).expect("taken");
        })),
    );
    let l = log.clone();
    room.on(Error, move |_, error| l.note(error));
    room.on(Joined, |_, _| panic!("on purpose"));
    add(&room, &log, "next");
    assert_eq!(room.emit(Joined, "").called, 2);
    assert_eq!(log.take(), "on purpose next");
}

#[test]
fn what_panics_while_a_report_is_made_passes_out() {
    let room = Room::with_options(Options::new().isolate_panics(|room: &Room, _| {
        drop(room.emit_error("first".into()));
    }));
    room.on(Joined, |_, _| panic!("on purpose"));
    room.on(Error, |_, _| panic!("another"));
    let panic = catch_unwind(AssertUnwindSafe(|| room.emit(Joined, ""))).expect_err("it passes");
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"another"));
    room.remove_all_of(Error);
    assert_eq!(room.emit(Joined, "").called, 1, "isolated again");
}

#[test]
fn the_listener_that_panicked_is_skipped_by_an_emit_of_the_hook() {
    let log = Log::default();
    let l = log.clone();
    let room = Room::with_options(Options::new().isolate_panics(move |room: &Room, _| {
        let nested = room.emit(Joined, "nested");
        l.note(format!("{}/{}", nested.called, nested.skipped));
    }));
    room.on(Joined, |_, _| panic!("on purpose"));
    add(&room, &log, "other");
    assert_eq!(room.emit(Joined, "").called, 2);
    assert_eq!(log.take(), "other 1/1 other");
}

#[test]
fn once_and_removed_listeners_that_panic_are_gone_with_their_captures() {
    let log = Log::default();
    let room = isolating(&log);
    let captured = log.on_drop("once");
    room.once(Joined, move |_, _| {
        captured.touch();
        panic!("1");
    });
    let (later, captured) = (Later::new(), log.on_drop("removed"));
    let handle = later.clone();
    later.set(room.on(Joined, move |room, _| {
        captured.touch();
        assert!(room.off(handle.get()));
        panic!("2");
    }));
    assert_eq!(room.emit(Joined, "").called, 2);
    assert_eq!(log.take(), "once (1) removed (2)");
    assert_eq!(room.listener_count(Joined), 0);
    assert_eq!(room.emit(Joined, "").called, 0);
}

#[test]
fn interceptors_and_failing_listeners_are_isolated_too() {
    let log = Log::default();
    let room = isolating(&log);
    room.intercept(Joined, |_, _| panic!("interceptor"));
    room.on_try(Joined, |_, _| Err("nobody takes it".into()));
    add(&room, &log, "next");
    let emitted = room.emit(Joined, "");
    assert_eq!((emitted.called, emitted.stopped), (2, false));
    assert_eq!(log.take(), "(interceptor) (unhandled error of Room: nobody takes it) next");
}

#[test]
fn nested_emits_are_isolated_each_for_itself() {
    let log = Log::default();
    let room = isolating(&log);
    let l = log.clone();
    room.on(Joined, move |room, _| {
        let nested = room.emit(Joined, "");
        l.note(format!("nested{}", nested.called));
        panic!("outer");
    });
    room.on(Joined, |_, _| panic!("inner"));
    add(&room, &log, "last");
    assert_eq!(room.emit(Joined, "").called, 3);
    assert_eq!(log.take(), "(inner) last nested2 (outer) (inner) last");
}

#[test]
fn what_is_added_and_removed_by_one_that_panics_is_settled() {
    let log = Log::default();
    let room = Room::with_options(
        Options::new().removal(Removal::Snapshot).isolate_panics(|_: &Room, _| {}),
    );
    let (l, later) = (log.clone(), Later::new());
    let handle = later.clone();
    room.once(Joined, move |room, _| {
        add(room, &l, "new");
        room.off(handle.get());
        panic!("on purpose");
    });
    later.set(add(&room, &log, "removed"));
    assert_eq!(room.emit(Joined, "").called, 2);
    assert_eq!(log.take(), "removed");
    assert_eq!(room.emit(Joined, "").called, 1);
    assert_eq!(log.take(), "new");
}

#[test]
fn without_the_option_a_panic_passes_out() {
    let room = Room::with_options(Options::new().max_depth(3));
    room.on(Joined, |_, _| panic!("on purpose"));
    catch_unwind(AssertUnwindSafe(|| room.emit(Joined, ""))).expect_err("it passes");
    let text = format!("{:?}", Options::<Room>::new().isolate_panics(|_, _| {}));
    assert_eq!(text, "Options { removal: Immediate, max_depth: 128, isolate_panics: true }");
}

#[test]
fn the_hook_may_remove_the_listener_that_panicked_and_the_others() {
    for all in [false, true] {
        let (log, later) = (Log::default(), Later::<onward::emitter::Listener>::new());
        let (handle, l) = (later.clone(), log.clone());
        let room = Room::with_options(Options::new().isolate_panics(move |room: &Room, _| {
            if all {
                room.remove_all();
            } else {
                assert!(room.off(handle.get()));
            }
            l.note("removed");
        }));
        let captured = log.on_drop("dropped");
        later.set(room.on(Joined, move |_, _| {
            captured.touch();
            panic!("on purpose");
        }));
        let captured = log.on_drop("other dropped");
        room.on(Joined, move |_, _| captured.touch());
        add(&room, &log, "last");
        let called = room.emit(Joined, "").called;
        let (count, noted) = (room.listener_count(Joined), log.take());
        if all {
            assert_eq!((called, count, noted.as_str()), (1, 0, "other dropped removed dropped"));
        } else {
            assert_eq!((called, count, noted.as_str()), (3, 2, "removed dropped last"));
        }
        drop(room);
        assert_eq!(log.take(), if all { "" } else { "other dropped" });
    }
}

#[test]
fn a_hook_that_removes_the_listener_and_panics_leaves_nothing_behind() {
    let (log, later) = (Log::default(), Later::<onward::emitter::Listener>::new());
    let handle = later.clone();
    let room = Room::with_options(Options::new().isolate_panics(move |room: &Room, _| {
        assert!(room.off(handle.get()));
        panic!("the hook");
    }));
    let captured = log.on_drop("dropped");
    later.set(room.on(Joined, move |_, _| {
        captured.touch();
        panic!("on purpose");
    }));
    add(&room, &log, "next");
    catch_unwind(AssertUnwindSafe(|| room.emit(Joined, ""))).expect_err("it passes through");
    assert_eq!(log.take(), "dropped");
    assert_eq!(room.emit(Joined, "").called, 1);
}

#[test]
fn an_emit_that_is_stopped_has_called_nobody_even_if_an_interceptor_panicked() {
    let log = Log::default();
    let room = isolating(&log);
    room.intercept(Joined, |_, _| panic!("interceptor"));
    room.intercept(Joined, |_, _| ControlFlow::Break(()));
    add(&room, &log, "listener");
    let emitted = room.emit(Joined, "");
    assert_eq!((emitted.called, emitted.stopped, emitted.handled()), (0, true, false));
    assert_eq!(log.take(), "(interceptor)");
}

#[test]
fn one_that_is_blocked_as_it_panics_runs_until_its_report_is_made() {
    let (log, later) = (Log::default(), Later::<onward::emitter::Listener>::new());
    let block = Rc::new(RefCell::new(None));
    let (b, l) = (Rc::clone(&block), log.clone());
    let room = Room::with_options(Options::new().isolate_panics(move |room: &Room, _| {
        drop(b.take());
        let nested = room.emit(Joined, "");
        l.note(format!("{}/{}", nested.called, nested.skipped));
    }));
    let (handle, b) = (later.clone(), Rc::clone(&block));
    later.set(room.on(Joined, move |room, _| {
        b.replace(Some(room.block(handle.get())));
        panic!("on purpose");
    }));
    assert_eq!(room.emit(Joined, "").called, 1);
    assert_eq!(log.take(), "0/1");
}
