//! Interceptors: they come first, may change the payload, and may stop the emit.

use std::cell::Cell;
use std::ops::ControlFlow::{Break, Continue};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use onward::emitter::Subscription;
use onward::events::{Error, ErrorMonitor};
use onward::{Emitter, Routing, events};

use super::support::*;

events! { Mail { Outgoing(&mut String), Moved(String) } }

/// An interceptor that notes a word and lets the event pass.
macro_rules! passing {
    ($log:expr, $what:expr) => {{
        let log = $log.clone();
        move |_: &Room, _: &str| {
            log.note($what);
            Continue(())
        }
    }};
}

#[test]
fn interceptors_run_before_all_listeners_in_the_order_of_registration() {
    let (room, log) = (Room::new(), Log::default());
    add(&room, &log, "back");
    room.intercept(Joined, passing!(log, "i1"));
    room.prepend(Joined, noting!(log, "front"));
    room.on_group(Joined, i16::MIN, noting!(log, "group"));
    room.intercept(Joined, passing!(log, "i2"));
    room.prepend(Joined, noting!(log, "front2"));
    let emitted = room.emit(Joined, "");
    assert_eq!((emitted.called, emitted.skipped, emitted.stopped), (4, 0, false));
    assert_eq!(log.take(), "i1 i2 front2 front group back");
}

#[test]
fn one_that_breaks_stops_the_emit() {
    for at in 0..3 {
        let (room, log) = (Room::new(), Log::default());
        for n in 0..3 {
            let l = log.clone();
            room.intercept(Joined, move |_, _| {
                l.note(n.to_string());
                if n == at { Break(()) } else { Continue(()) }
            });
        }
        add(&room, &log, "listener");
        let emitted = room.emit(Joined, "");
        assert_eq!((emitted.called, emitted.skipped, emitted.stopped), (0, 0, true));
        assert!(!emitted.handled());
        assert_eq!(log.take(), ["0", "0 1", "0 1 2"][at]);
    }
}

#[test]
fn one_by_itself_stops_too_and_does_not_count_as_called() {
    let room = Room::new();
    let breaks = Rc::new(Cell::new(true));
    let b = Rc::clone(&breaks);
    room.intercept(Joined, move |_, _| if b.get() { Break(()) } else { Continue(()) });
    assert!(room.emit(Joined, "").stopped);
    breaks.set(false);
    let emitted = room.emit(Joined, "");
    assert_eq!((emitted.called, emitted.stopped, emitted.handled()), (0, false, false));
}

#[test]
fn a_mut_payload_is_changed_for_all_who_come_after() {
    let (mail, log) = (Mail::new(), Log::default());
    let l = log.clone();
    mail.on(Outgoing, move |_, text| l.note(text.clone()));
    for more in ["b", "c"] {
        mail.intercept(Outgoing, move |_, text| {
            text.push_str(more);
            Continue(())
        });
    }
    let mut text = String::from("a");
    mail.emit(Outgoing, &mut text);
    assert_eq!((log.take().as_str(), text.as_str()), ("abc", "abc"));
}

#[test]
fn an_owned_payload_is_cloned_for_an_interceptor_and_moved_to_the_last_listener() {
    let (mail, log) = (Mail::new(), Log::default());
    let l = log.clone();
    mail.intercept(Moved, move |_, address| {
        l.note(address);
        Continue(())
    });
    mail.emit(Moved, "one".into());
    let l = log.clone();
    mail.on(Moved, move |_, address| l.note(address));
    mail.emit(Moved, "two".into());
    assert_eq!(log.take(), "one two two");
}

#[test]
fn they_are_removed_guarded_blocked_and_counted_as_listeners_are() {
    let (room, log) = (Room::new(), Log::default());
    let first = room.intercept(Joined, passing!(log, "1"));
    let guard: Subscription = room.guard(room.intercept(Joined, passing!(log, "2")));
    let third = room.intercept(Joined, passing!(log, "3"));
    assert_eq!(room.listener_count(Joined), 3);
    assert_eq!(format!("{room:?}"), "Room { Joined: 3 }");
    let block = room.block(third);
    room.emit(Joined, "");
    assert_eq!(log.take(), "1 2");
    drop((guard, block));
    room.emit(Joined, "");
    assert_eq!(log.take(), "1 3");
    assert!(room.off(first) && !room.off(first));
    room.remove_all();
    assert_eq!(room.emit(Joined, ""), Room::new().emit(Joined, ""));
    assert!(room.event_names().is_empty());
    assert_eq!(log.take(), "");
}

#[test]
fn a_nested_emit_skips_the_one_that_runs_and_may_be_stopped_by_itself() {
    let (room, log) = (Room::new(), Log::default());
    let l = log.clone();
    room.intercept(Joined, move |room, name| {
        if name == "outer" {
            let nested = room.emit(Joined, "inner");
            assert_eq!((nested.called, nested.skipped, nested.stopped), (0, 1, true));
            l.note("nested");
        }
        Continue(())
    });
    room.intercept(Joined, |_, name| if name == "inner" { Break(()) } else { Continue(()) });
    let l = log.clone();
    room.on(Joined, move |_, name| l.note(name));
    let emitted = room.emit(Joined, "outer");
    assert_eq!((emitted.called, emitted.skipped, emitted.stopped), (1, 0, false));
    assert_eq!(log.take(), "nested outer");
}

#[test]
fn one_added_or_removed_during_an_emit_follows_the_rules_of_listeners() {
    let (room, log) = (Room::new(), Log::default());
    let (later, l) = (Later::new(), log.clone());
    let handle = later.clone();
    let once = room.intercept(Joined, move |room, _| {
        room.intercept(Joined, passing!(l, "added"));
        room.off(handle.get());
        Continue(())
    });
    let captured = log.on_drop("dropped");
    later.set(room.intercept(Joined, move |_, _| {
        captured.touch();
        Break(())
    }));
    add(&room, &log, "listener");
    assert!(!room.emit(Joined, "").stopped);
    assert_eq!(log.take(), "dropped listener");
    room.off(once);
    room.emit(Joined, "");
    assert_eq!(log.take(), "added listener");
}

#[test]
fn one_that_removes_itself_and_breaks_stops_and_drops_its_captures_when_it_returns() {
    let (room, log) = (Room::new(), Log::default());
    let (later, captured, l) = (Later::new(), log.on_drop("dropped"), log.clone());
    let handle = later.clone();
    later.set(room.intercept(Joined, move |room, _| {
        captured.touch();
        assert!(room.off(handle.get()));
        l.note("breaks");
        Break(())
    }));
    add(&room, &log, "listener");
    assert!(room.emit(Joined, "").stopped);
    assert_eq!(log.take(), "breaks dropped");
    assert_eq!(room.emit(Joined, "").called, 1);
}

#[test]
fn a_panic_leaves_interceptors_as_they_were() {
    let (room, log) = (Room::new(), Log::default());
    let panics = Rc::new(Cell::new(true));
    let p = Rc::clone(&panics);
    room.intercept(Joined, move |_, _| {
        assert!(!p.get(), "on purpose");
        Break(())
    });
    add(&room, &log, "listener");
    catch_unwind(AssertUnwindSafe(|| room.emit(Joined, ""))).expect_err("it passes through");
    panics.set(false);
    assert!(room.emit(Joined, "").stopped);
    assert_eq!(log.take(), "");
}

#[test]
fn an_error_that_only_interceptors_saw_is_unhandled_unless_one_stops_it() {
    let room = Room::new();
    let breaks = Rc::new(Cell::new(false));
    let b = Rc::clone(&breaks);
    room.intercept(Error, move |_, _| if b.get() { Break(()) } else { Continue(()) });
    assert!(room.emit_error(String::new()).is_err(), "nobody took it");
    breaks.set(true);
    assert!(room.emit_error(String::new()).expect("the interceptor took it").stopped);
    room.intercept(ErrorMonitor, |_, _| Break(()));
    breaks.set(false);
    assert!(room.emit_error(String::new()).is_err(), "to stop the monitors is not to take it");
}
