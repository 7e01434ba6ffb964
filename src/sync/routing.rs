//! The trait by which events are stopped, or fail, on any thread.

use core::ops::ControlFlow;

use super::kinds::{Conditional, On};
use super::node::{Seat, Verdict};
use super::primitives::{Mark, mark};
use super::subscribing::Emitter;
use crate::emitter::failing::{Failure, unhandled};
use crate::emitter::names::{Error, ErrorMonitor};
use crate::emitter::{Event, Listener, Place};

/// Where events go: the methods that stop them, or turn a failure into the error event.
///
/// It is [`onward::Routing`](crate::Routing) for many threads: the methods have the same names and do the same.
pub trait Routing: Emitter {
    /// Adds a listener that runs before all others, may change what a `&mut` payload refers to, and may
    /// stop the emit: if it breaks, nobody after it is called, and
    /// [`Emitted::stopped`](crate::emitter::Emitted::stopped) says so.
    ///
    /// It is removed, guarded, blocked and counted as any other listener is. It does not count as
    /// called: an emit that only interceptors saw was not handled. Of an owned payload it gets a clone.
    ///
    /// An interceptor that stops an [`Error`] has taken it: it is not unhandled.
    ///
    /// # Ordering
    ///
    /// Interceptors run in the order in which they were registered, before listeners that were
    /// [prepended](Emitter::prepend). One added during an emit of its event does not run in that emit. It runs on one
    /// thread at a time, so that an event with an interceptor is emitted in turns.
    ///
    /// # Re-entrancy
    ///
    /// As for [`on`](Emitter::on): an emit of the same event from inside of it skips it, and goes on to the
    /// listeners.
    ///
    /// ```
    /// use std::ops::ControlFlow::{Break, Continue};
    ///
    /// use onward::events;
    /// use onward::sync::{Emitter, Routing};
    ///
    /// events! { sync Chat { Outgoing(&mut String) } }
    /// let chat = Chat::new();
    /// chat.on(Outgoing, |_, line| println!("{line}"));
    /// chat.intercept(Outgoing, |_, line| {
    ///     if line.contains("password") {
    ///         return Break(());
    ///     }
    ///     line.insert_str(0, "ada: ");
    ///     Continue(())
    /// });
    ///
    /// let mut line = String::from("hello");
    /// assert_eq!(chat.emit(Outgoing, &mut line).called, 1);
    /// assert_eq!(line, "ada: hello");
    /// let emitted = chat.emit(Outgoing, &mut String::from("my password is 1234"));
    /// assert!(emitted.stopped && !emitted.handled());
    /// ```
    #[track_caller]
    fn intercept<E: Event<Self>>(
        &self,
        event: E,
        mut interceptor: impl for<'a> FnMut(&Self, E::Payload<'a>) -> ControlFlow<()> + Send + 'static,
    ) -> Listener {
        let deciding =
            move |_: &Seat<'_, Self, E>, source: &Self, payload: E::Payload<'_>| match interceptor(
                source, payload,
            ) {
                ControlFlow::Continue(()) => Verdict::Missed,
                ControlFlow::Break(()) => Verdict::Stopped,
            };
        let place = Place::Intercepting;
        let listener = self.listeners().exclusive(self, event, place, Conditional, deciding);
        self.listener_added(event);
        listener
    }

    /// Adds a listener that may fail. Its error becomes the [`Error`] event of this emitter, on the same thread, as by
    /// [`emit_error`](super::EventEmitter::emit_error): monitors see it, then the listeners for errors; then those after
    /// this one are called.
    ///
    /// It returns the emitter's error type, so that `?` makes it of whatever it can be made of.
    ///
    /// # Errors
    ///
    /// If nobody takes the error it is not lost. If a loop runs on this thread it ends `run`, which returns it; the
    /// other listeners are called before. Elsewhere the listener panics with it, as Node throws.
    ///
    /// Failures cannot go in circles: while such an error is being raised on a thread, a listener of this emitter that
    /// fails on that thread, one for errors say, raises none. Its error is treated as one that nobody took.
    ///
    /// # Panics
    ///
    /// If nobody takes the error, and no loop runs on this thread: the panic passes out of `emit`, as all panics of
    /// listeners do.
    ///
    /// ```
    /// use onward::{events, events::Error};
    /// use onward::sync::{Emitter, Routing};
    ///
    /// events! { sync Till { Entered(&str), error std::num::ParseFloatError } }
    /// let (till, mut sum) = (Till::new(), 0.0);
    /// till.on_try(Entered, move |_, price| {
    ///     sum += price.parse::<f64>()?;
    ///     println!("{sum}");
    ///     Ok(())
    /// });
    /// till.on(Error, |_, error| assert_eq!(error.to_string(), "invalid float literal"));
    /// till.emit(Entered, "3.50");
    /// till.emit(Entered, "a lot");
    /// ```
    #[track_caller]
    fn on_try<E, X>(
        &self,
        event: E,
        mut listener: impl for<'a> FnMut(&Self, E::Payload<'a>) -> Result<(), X> + Send + 'static,
    ) -> Listener
    where
        E: Event<Self>,
        X: Into<Failure> + 'static,
        Error: for<'a> Event<Self, Payload<'a> = &'a X>,
        ErrorMonitor: for<'a> Event<Self, Payload<'a> = &'a X>,
    {
        let trying = move |_: &Seat<'_, Self, E>, source: &Self, payload: E::Payload<'_>| {
            if let Err(error) = listener(source, payload) {
                if !raise(source, &error) {
                    unhandled(Self::NAME, error.into());
                }
            }
            Verdict::Taken
        };
        let listener = self.listeners().exclusive(self, event, Place::Back, On, trying);
        self.listener_added(event);
        listener
    }
}

impl<S: Emitter> Routing for S {}

/// Raises an error event; not from inside of another one that was raised here. Says whether somebody took it.
fn raise<S: Emitter, X: 'static>(source: &S, error: &X) -> bool
where
    Error: for<'a> Event<S, Payload<'a> = &'a X>,
    ErrorMonitor: for<'a> Event<S, Payload<'a> = &'a X>,
{
    let listeners = source.listeners();
    let emitter = std::sync::Arc::as_ptr(listeners.core()) as usize;
    let Some(_failing) = mark(emitter, Mark::Failing) else { return false };
    listeners.emit(source, ErrorMonitor, error);
    let emitted = listeners.emit(source, Error, error);
    emitted.handled() || emitted.stopped
}
