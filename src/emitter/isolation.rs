//! Listeners whose panics are caught, so that the others are called.

use alloc::borrow::Cow;
use core::any::Any;
use core::fmt;
use core::panic::Location;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::chain;
use super::event::Declared;
use super::options::Options;

pub(super) type Hook<S> = Box<dyn Fn(&S, ListenerPanic)>;

/// A panic of a listener, as [`Options::isolate_panics`] reports it.
///
/// Its text names the event, the place where the listener was registered, and the message.
pub struct ListenerPanic {
    emitter: &'static str,
    event: Cow<'static, str>,
    location: &'static Location<'static>,
    payload: Box<dyn Any + Send>,
}

impl ListenerPanic {
    /// The name of the emitter's type.
    #[must_use]
    pub fn emitter(&self) -> &'static str {
        self.emitter
    }

    /// The name of the event.
    #[must_use]
    pub fn event(&self) -> &str {
        &self.event
    }

    /// Where the listener was registered.
    #[must_use]
    pub fn location(&self) -> &'static Location<'static> {
        self.location
    }

    /// The message, if the panic had one, as those of `panic!` and `assert!` do.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        let text = self.payload.downcast_ref::<&str>().copied();
        text.or_else(|| self.payload.downcast_ref::<String>().map(String::as_str))
    }

    /// What the panic carried, for [`resume_unwind`].
    #[must_use]
    pub fn into_payload(self) -> Box<dyn Any + Send> {
        self.payload
    }
}

impl fmt::Display for ListenerPanic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { emitter, event, location, .. } = self;
        let message = self.message().unwrap_or("(without a message)");
        write!(f, "a listener for {event} of {emitter} panicked: {message} (added at {location})")
    }
}

impl fmt::Debug for ListenerPanic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListenerPanic")
            .field("emitter", &self.emitter)
            .field("event", &self.event)
            .field("location", &format_args!("{}", self.location))
            .field("message", &self.message())
            .finish()
    }
}

impl core::error::Error for ListenerPanic {}

impl<S: Declared> Options<S> {
    /// Calls a listener. What it panics with, if panics are to be caught.
    pub(super) fn catch(&self, call: impl FnOnce()) -> Result<(), Box<dyn Any + Send>> {
        if self.on_panic.is_none() || self.reporting.get() {
            call();
            return Ok(());
        }
        // An emit leaves nothing half done when it is left by a panic; for what is the user's, the user has
        // asked for it.
        catch_unwind(AssertUnwindSafe(call))
    }

    /// Reports what was caught.
    pub(super) fn report(
        &self,
        source: &S,
        event: Cow<'static, str>,
        location: &'static Location<'static>,
        payload: Box<dyn Any + Send>,
    ) {
        struct Reporting<'a>(&'a core::cell::Cell<bool>);
        impl Drop for Reporting<'_> {
            fn drop(&mut self) {
                self.0.set(false);
            }
        }
        if chain::is_too_deep() {
            // Each emit of a circle would go on with its other listeners, and begin the circle anew.
            resume_unwind(payload);
        }
        let Some(hook) = &self.on_panic else { return };
        self.reporting.set(true);
        let _reporting = Reporting(&self.reporting);
        hook(source, ListenerPanic { emitter: S::NAME, event, location, payload });
    }
}
