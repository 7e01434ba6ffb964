//! The trait by which events are stopped, passed on, or fail, on any thread.

use core::ops::ControlFlow;

use super::kinds::{Conditional, On};
use super::node::{Seat, Verdict};
use super::primitives::{Mark, mark};
use super::relaying::{self, Downgrade, Raise, Relay, passed};
use super::subscribing::Emitter;
use crate::emitter::failing::{Failure, unhandled};
use crate::emitter::names::{Error, ErrorMonitor};
use crate::emitter::{Event, Listener, Place};

/// Where events go: the methods that stop them, pass them on to another emitter, or turn a failure into the error
/// event.
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

    /// Has `target` raise `as_event` whenever this emits `event`, on the same thread, with the same payload.
    ///
    /// The relay listens here only while `target` has listeners for `as_event`: so a source that starts with its
    /// first listener does not start for nobody, and an error that nobody listens for there stays
    /// unhandled here. When `target.on(as_event, ..)` has returned, on whichever thread, the relay listens. It stands
    /// among the listeners as [`on`](Emitter::on) adds them, at the end each time that it begins to listen, and counts
    /// as called if somebody was called there.
    ///
    /// It keeps neither emitter alive, and ends with either; or by what is returned, whose drop does nothing.
    ///
    /// # Blocking
    ///
    /// What it passes on waits for its turn at `target`, in the turn that it has here. To add a listener for `as_event`
    /// at `target`, and to remove one, waits while another thread does, as long as that may have a relay listen or cease
    /// to. Relays in a circle, on any number of threads, do not wait for each other for ever: see
    /// [the module](super#two-threads). One thing may happen later than it is said above: in such a circle, whoever is
    /// lent the turn of one who is about to listen here leaves it to that one.
    ///
    /// # Panics
    ///
    /// If a [`ListenerAdded`](crate::events::ListenerAdded) listener here does: the panic passes out of the `on` there,
    /// whose listener stays, and the relay begins with the next one that comes.
    ///
    /// # Re-entrancy
    ///
    /// As for [`on`](Emitter::on): an emit of the same event from inside of it skips it. So two emitters may relay to
    /// each other. Each then has a listener, so both relays stay until one is ended.
    ///
    /// Who is told that it comes or goes may change who listens at `target`: in the end it listens if somebody does
    /// there.
    ///
    /// ```
    /// use onward::events;
    /// use onward::sync::{Emitter, Routing};
    ///
    /// events! { sync Room { Said(&str) } }
    /// events! { sync Tower { Heard(&str) } }
    /// let (room, tower) = (Room::new(), Tower::new());
    /// let relay = room.relay(Said, &tower, Heard);
    /// assert_eq!(room.listener_count(Said), 0); // nobody is on the tower
    ///
    /// let guard = tower.on_scoped(Heard, |_, line| println!("from below: {line}"));
    /// std::thread::scope(|threads| {
    ///     threads.spawn(|| assert_eq!(room.emit(Said, "hello").called, 1));
    /// });
    /// drop(guard);
    /// assert_eq!(room.listener_count(Said), 0);
    /// assert!(!relay.is_active());
    /// ```
    #[track_caller]
    fn relay<X, B, Y>(&self, event: X, target: &B, as_event: Y) -> Relay
    where
        Self: Downgrade,
        X: Event<Self> + Send + Sync,
        B: Raise,
        Y: for<'a> Event<B, Payload<'a> = X::Payload<'a>> + Send,
    {
        relaying::relay(self, event, target, as_event, move |_: &Self, payload, target: &B| {
            passed(target.raise(as_event, payload))
        })
    }

    /// Has `target` raise `as_event` whenever this emits `event`, as [`relay`](Self::relay) does, with what `map`
    /// makes of the payload.
    ///
    /// `map` is handed this emitter, then the payload, of which it gets a clone if it is a value. What it returns
    /// may borrow from the payload. If it has to borrow from something new, or not everything
    /// is to be passed on, use [`relay_with`](Self::relay_with).
    ///
    /// ```
    /// use onward::events;
    /// use onward::sync::{Emitter, Routing};
    ///
    /// events! { sync Room { Said(&str, &str) } }
    /// events! { sync Counter { Letters(usize) } }
    /// let (room, counter) = (Room::new(), Counter::new());
    /// room.relay_map(Said, &counter, Letters, |_, (_, line)| line.len());
    /// counter.on(Letters, |_, letters| assert_eq!(letters, 5));
    /// assert_eq!(room.emit(Said, ("ada", "hello")).called, 1);
    /// ```
    #[track_caller]
    fn relay_map<X, B, Y>(
        &self,
        event: X,
        target: &B,
        as_event: Y,
        mut map: impl for<'a> FnMut(&'a Self, X::Payload<'a>) -> Y::Payload<'a> + Send + 'static,
    ) -> Relay
    where
        Self: Downgrade,
        X: Event<Self> + Send + Sync,
        B: Raise,
        Y: Event<B> + Send,
    {
        relaying::relay(
            self,
            event,
            target,
            as_event,
            move |source: &Self, mut payload, target: &B| {
                passed(target.raise(as_event, map(source, X::lend(&mut payload))))
            },
        )
    }

    /// Calls `pass_on` with the target whenever this emits `event`, as [`relay`](Self::relay) does, as long as
    /// `target` has listeners for `as_event`. What `pass_on` raises there, if anything, is its own affair. It runs on
    /// one thread at a time, and counts as called.
    ///
    /// ```
    /// use onward::events;
    /// use onward::sync::{Emitter, Routing};
    ///
    /// events! { sync Room { Said(&str) } }
    /// let (room, newsroom) = (Room::new(), Room::new());
    /// room.relay_with(Said, &newsroom, Said, |_, line, newsroom| {
    ///     if line.ends_with('!') {
    ///         newsroom.emit(Said, &format!("BREAKING: {line}"));
    ///     }
    /// });
    /// newsroom.on(Said, |_, line| assert_eq!(line, "BREAKING: fire!"));
    /// room.emit(Said, "good morning");
    /// room.emit(Said, "fire!");
    /// ```
    #[track_caller]
    fn relay_with<X, B, Y>(
        &self,
        event: X,
        target: &B,
        as_event: Y,
        mut pass_on: impl for<'a> FnMut(&Self, X::Payload<'a>, &B) + Send + 'static,
    ) -> Relay
    where
        Self: Downgrade,
        X: Event<Self> + Send + Sync,
        B: Downgrade,
        Y: Event<B>,
    {
        relaying::relay(self, event, target, as_event, move |source: &Self, payload, target: &B| {
            pass_on(source, payload, target);
            Verdict::Taken
        })
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
