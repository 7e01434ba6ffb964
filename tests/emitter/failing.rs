//! Listeners that may fail: their errors become error events, are never lost, and never go in circles.

use std::cell::Cell;
use std::num::ParseIntError;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use onward::events::{Error, ErrorMonitor};
use onward::{Emitter, Routing, events};

use super::support::*;

events! { Till { Entered(&str), Rung(u32), error TillError } }

#[derive(Debug, PartialEq)]
enum TillError {
    NoNumber(ParseIntError),
    Jammed,
}

impl std::fmt::Display for TillError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "till: {self:?}")
    }
}

impl std::error::Error for TillError {}

impl From<ParseIntError> for TillError {
    fn from(error: ParseIntError) -> Self {
        Self::NoNumber(error)
    }
}

fn message(f: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(f)).expect_err("it panics");
    panic.downcast_ref::<String>().cloned().expect("a text")
}

#[test]
fn a_failure_becomes_the_error_event_and_the_others_are_called() {
    let (till, log) = (Till::new(), Log::default());
    let l = log.clone();
    till.on_try(Entered, move |_, price| {
        l.note(price.parse::<u32>()?.to_string());
        Ok(())
    });
    till.on(Entered, noting!(log, "next"));
    till.on(ErrorMonitor, noting!(log, "monitor"));
    let l = log.clone();
    till.on(Error, move |_, error| {
        assert!(matches!(error, TillError::NoNumber(_)));
        l.note("error");
    });
    assert_eq!(till.emit(Entered, "12").called, 2);
    assert_eq!(log.take(), "12 next");
    assert_eq!(till.emit(Entered, "x").called, 2);
    assert_eq!(log.take(), "monitor error next");
}

#[test]
fn an_error_that_nobody_takes_is_the_listener_s_panic() {
    let (till, log) = (Till::new(), Log::default());
    till.on_try(Rung, |_, n| if n > 0 { Err(TillError::Jammed) } else { Ok(()) });
    till.on(Rung, noting!(log, "next"));
    till.on(ErrorMonitor, noting!(log, "monitor"));
    let text = message(|| {
        till.emit(Rung, 1);
    });
    assert_eq!(text, "unhandled error of Till: till: Jammed");
    assert_eq!(log.take(), "monitor");
    assert_eq!(till.emit(Rung, 0).called, 2);
    till.once(Error, noting!(log, "taken"));
    assert_eq!(till.emit(Rung, 1).called, 2);
    assert_eq!(log.take(), "next monitor taken next");
}

#[test]
fn an_interceptor_of_errors_may_take_it() {
    let till = Till::new();
    till.on_try(Rung, |_, _| Err(TillError::Jammed));
    till.intercept(Error, |_, _| std::ops::ControlFlow::Break(()));
    assert_eq!(till.emit(Rung, 1).called, 1);
}

#[test]
fn a_listener_for_errors_that_fails_raises_no_further_ones_in_a_circle() {
    let (till, log) = (Till::new(), Log::default());
    for name in ["a", "b", "c"] {
        let l = log.clone();
        till.on_try(Error, move |_, error| {
            l.note(format!("{name}{}", u8::from(*error == TillError::Jammed)));
            Err(TillError::Jammed)
        });
    }
    // The first fails, its error goes to the second, which fails in turn: that one is left.
    let other = || TillError::NoNumber("x".parse::<u32>().expect_err("no number"));
    let text = message(|| drop(till.emit_error(other())));
    assert_eq!(text, "unhandled error of Till: till: Jammed");
    assert_eq!(log.take(), "a0 b1");
    // A listener that takes it comes first: each of the three fails by itself.
    till.prepend(Error, noting!(log, "taken"));
    let text = message(|| drop(till.emit_error(other())));
    assert_eq!(
        (text.as_str(), log.take().as_str()),
        ("unhandled error of Till: till: Jammed", "taken a0 taken b1")
    );
}

#[test]
fn a_listener_for_errors_that_emits_what_fails_does_not_recurse() {
    let (till, log) = (Till::new(), Log::default());
    till.on_try(Rung, |_, _| Err(TillError::Jammed));
    till.on_try(Entered, |_, _| Err(TillError::Jammed));
    let l = log.clone();
    till.on_reentrant(Error, move |till, _| {
        l.note("error");
        till.emit(Entered, "");
    });
    let text = message(|| {
        till.emit(Rung, 1);
    });
    assert_eq!(
        (text.as_str(), log.take().as_str()),
        ("unhandled error of Till: till: Jammed", "error")
    );
}

#[test]
fn after_a_listener_for_errors_has_panicked_failures_are_raised_again() {
    let (till, log) = (Till::new(), Log::default());
    till.on_try(Rung, |_, _| Err(TillError::Jammed));
    let panics = Rc::new(Cell::new(true));
    let (p, l) = (Rc::clone(&panics), log.clone());
    till.on(Error, move |_, _| {
        assert!(!p.get(), "on purpose");
        l.note("taken");
    });
    catch_unwind(AssertUnwindSafe(|| till.emit(Rung, 1))).expect_err("it passes through");
    panics.set(false);
    assert_eq!(till.emit(Rung, 1).called, 1);
    assert_eq!(log.take(), "taken");
}

#[test]
fn it_is_a_listener_as_any_other() {
    let (room, log) = (Room::new(), Log::default());
    let (captured, l) = (log.on_drop("dropped"), log.clone());
    // `String` is an error type as well as another.
    let listener = room.on_try(Joined, move |room, name| {
        captured.touch();
        l.note(name);
        if name == "outer" {
            assert_eq!(room.emit(Joined, "inner").skipped, 1);
        }
        if name.is_empty() {
            Err("nobody")?
        }
        Ok(())
    });
    room.on(Error, noting!(log, "error"));
    assert_eq!(room.listener_count(Joined), 1);
    assert_eq!(room.emit(Joined, "outer").called, 1);
    room.emit(Joined, "");
    assert!(room.off(listener));
    assert_eq!(log.take(), "outer  error dropped");
    let later = Later::new();
    let handle = later.clone();
    later.set(room.on_try(Joined, move |room, _| {
        assert!(room.off(handle.get()));
        Err("gone and failed".into())
    }));
    assert_eq!(room.emit(Joined, "").called, 1);
    assert_eq!((log.take().as_str(), room.listener_count(Joined)), ("error", 0));
}
