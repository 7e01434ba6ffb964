//! Listeners that may fail: their errors become error events.

use alloc::boxed::Box;
use core::cell::Cell;

use super::emission::Emitted;
use super::event::Event;
use super::list::Place;
use super::listener::Listener;
use super::slot::Slot;
use super::subscribing::Emitter;
use crate::emitter::names::{Error, ErrorMonitor};

/// Any error, by value.
pub(crate) type Failure = Box<dyn core::error::Error + Send + Sync>;

/// Takes an error of the emitter of this name, or gives it back.
#[cfg(feature = "std")]
type Taker = fn(&'static str, Failure) -> Option<Failure>;

#[cfg(feature = "std")]
static TAKER: std::sync::OnceLock<Taker> = std::sync::OnceLock::new();

/// Has `taker` asked for what becomes of errors that nobody took. The first one is.
#[cfg(feature = "std")]
pub(crate) fn take_failures(taker: Taker) {
    let _ = TAKER.set(taker);
}

#[track_caller]
pub(super) fn on_try<S, E, X>(
    source: &S,
    event: E,
    mut listener: impl for<'a> FnMut(&S, E::Payload<'a>) -> Result<(), X> + 'static,
) -> Listener
where
    S: Emitter,
    E: Event<S>,
    X: Into<Failure> + 'static,
    Error: for<'a> Event<S, Payload<'a> = &'a X>,
    ErrorMonitor: for<'a> Event<S, Payload<'a> = &'a X>,
{
    let trying = Slot::repeated(move |source: &S, payload: E::Payload<'_>| {
        if let Err(error) = listener(source, payload) {
            fail(source, error);
        }
    });
    let listener = source.listeners().add(source, event, Place::Back, trying);
    source.listener_added(event);
    listener
}

/// A listener has failed.
pub(crate) fn fail<S: Emitter, X: Into<Failure> + 'static>(source: &S, error: X)
where
    Error: for<'a> Event<S, Payload<'a> = &'a X>,
    ErrorMonitor: for<'a> Event<S, Payload<'a> = &'a X>,
{
    let listeners = source.listeners();
    let emit = |error: &X| {
        listeners.emit(source, ErrorMonitor, error);
        listeners.emit(source, Error, error)
    };
    raise(S::NAME, listeners.failing(), error, emit);
}

/// Raises an error event; not from inside of another one that was raised here. One that nobody takes is unhandled.
pub(super) fn raise<X: Into<Failure>>(
    emitter: &'static str,
    failing: Option<&Cell<bool>>,
    error: X,
    emit: impl FnOnce(&X) -> Emitted,
) {
    if !is_taken(failing, || emit(&error)) {
        unhandled(emitter, error.into());
    }
}

fn is_taken(failing: Option<&Cell<bool>>, emit: impl FnOnce() -> Emitted) -> bool {
    struct Failing<'a>(&'a Cell<bool>);
    impl Drop for Failing<'_> {
        fn drop(&mut self) {
            self.0.set(false);
        }
    }
    let Some(failing) = failing.filter(|failing| !failing.get()) else { return false };
    failing.set(true);
    let _failing = Failing(failing);
    let emitted = emit();
    emitted.handled() || emitted.stopped
}

#[cfg(feature = "std")]
pub(crate) fn unhandled(emitter: &'static str, error: Failure) {
    let left = match TAKER.get() {
        Some(take) => take(emitter, error),
        None => Some(error),
    };
    if let Some(error) = left {
        panic!("unhandled error of {emitter}: {error}");
    }
}

#[cfg(not(feature = "std"))]
#[allow(clippy::needless_pass_by_value, reason = "its twin above gives it away")]
fn unhandled(emitter: &'static str, error: Failure) {
    panic!("unhandled error of {emitter}: {error}");
}
