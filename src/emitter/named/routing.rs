//! Stopping events, passing them on, and failing.

use core::ops::ControlFlow;

use super::emitter::NamedEmitter;
use super::key::{Find, Key, Payload, Select};
use crate::emitter::deciding;
use crate::emitter::emission::Emitted;
use crate::emitter::event::Event;
use crate::emitter::failing::{Failure, raise};
use crate::emitter::list::Place;
use crate::emitter::listener::Listener;
use crate::emitter::relaying::{self, Downgrade, EventOf, RaisedBy, Relay};
use crate::emitter::routing::passed;
use crate::emitter::slot::{Slot, Verdict};
use crate::emitter::unhandled::Unhandled;

/// To route.
impl NamedEmitter {
    /// Adds a listener that runs before all others and may stop the emit, as
    /// [`Routing::intercept`](crate::Routing::intercept) does. An emit that it stops reaches neither the listeners of
    /// the name nor those of patterns.
    ///
    /// # Ordering
    ///
    /// Interceptors of patterns that match run first, in the order of registration, then those of the name itself.
    ///
    /// ```
    /// use onward::emitter::named::{Name, NamedEmitter, Pattern};
    /// use std::ops::ControlFlow::{Break, Continue};
    ///
    /// let emitter = NamedEmitter::new();
    /// emitter.intercept(Pattern::<str>::new("**")?, |_, (name, line)| {
    ///     if line.contains("password") { Break(()) } else { println!("{name}"); Continue(()) }
    /// });
    /// let chat = Name::<str>::new("chat");
    /// emitter.on(&chat, |_, line| println!("{line}"));
    /// assert!(emitter.emit(&chat, "my password is 1234").stopped);
    /// assert_eq!(emitter.emit(&chat, "hello").called, 1);
    /// # Ok::<(), onward::emitter::named::BadPattern>(())
    /// ```
    #[track_caller]
    pub fn intercept<S: Select>(
        &self,
        event: S,
        interceptor: impl for<'a> FnMut(&Self, Payload<'a, S>) -> ControlFlow<()> + 'static,
    ) -> Listener {
        let deciding = deciding::intercepting::<Self, S::Event>(interceptor);
        self.add(event, Place::Intercepting, Slot::deciding(deciding))
    }

    /// Has `target` raise `as_event` whenever this emits `event`, with the same payload, as
    /// [`Routing::relay`](crate::Routing::relay) does. The target is another `NamedEmitter`, or any that is
    /// [`Raise`](crate::emitter::Raise); those lead to a `NamedEmitter` by the same method.
    ///
    /// It listens here only while the target has listeners for the very name, or event, that it leads to: those
    /// of patterns do not count there. As long as it is not ended, a name of the target takes up memory.
    ///
    /// ```
    /// use onward::emitter::named::{Name, NamedEmitter};
    /// use onward::{Emitter, Routing, events};
    ///
    /// events! { Screen { Line(&str) } }
    /// const CHAT: Name<str> = Name::new("chat");
    ///
    /// let (room, hall, screen) = (NamedEmitter::new(), NamedEmitter::new(), Screen::new());
    /// room.relay(CHAT, &hall, Name::<str>::new("from the room"));
    /// hall.relay(Name::<str>::new("from the room"), &screen, Line);
    /// assert!(!room.emit(CHAT, "is anybody there?").handled());
    ///
    /// screen.on(Line, |_, line| println!("{line}"));
    /// assert_eq!(room.emit(CHAT, "hello").called, 1);
    /// ```
    #[track_caller]
    pub fn relay<S, B, Y>(&self, event: S, target: &B, as_event: Y) -> Relay
    where
        S: Select + Clone + 'static,
        B: Downgrade,
        Y: for<'a> RaisedBy<B, Payload<'a> = Payload<'a, S>>,
    {
        let end = as_event.clone().end();
        relaying::relay(self, event, target, end, move |_: &Self, payload, target: &B| {
            passed(as_event.raise(target, payload))
        })
    }

    /// The same with what `map` makes of the payload, as [`Routing::relay_map`](crate::Routing::relay_map) does.
    ///
    /// ```
    /// use onward::emitter::named::{Name, NamedEmitter, Pattern};
    ///
    /// let (rooms, names) = (NamedEmitter::new(), NamedEmitter::new());
    /// let used = Name::<str>::new("used");
    /// rooms.relay_map(Pattern::<str>::new("**")?, &names, used.clone(), |_, (name, _)| name);
    /// names.on(used, |_, name| assert_eq!(name, "chat"));
    /// assert_eq!(rooms.emit(Name::<str>::new("chat"), "hello").called, 1);
    /// # Ok::<(), onward::emitter::named::BadPattern>(())
    /// ```
    #[track_caller]
    pub fn relay_map<S, B, Y>(
        &self,
        event: S,
        target: &B,
        as_event: Y,
        mut map: impl for<'a> FnMut(&'a Self, Payload<'a, S>) -> Y::Payload<'a> + 'static,
    ) -> Relay
    where
        S: Select + Clone + 'static,
        B: Downgrade,
        Y: RaisedBy<B>,
    {
        let end = as_event.clone().end();
        relaying::relay(self, event, target, end, move |source: &Self, mut payload, target: &B| {
            passed(as_event.raise(target, map(source, S::Event::lend(&mut payload))))
        })
    }

    /// Calls `pass_on` with the target whenever this emits `event`, as long as the target has listeners for
    /// `as_event`, as [`Routing::relay_with`](crate::Routing::relay_with) does.
    #[track_caller]
    pub fn relay_with<S, B, Y>(
        &self,
        event: S,
        target: &B,
        as_event: Y,
        mut pass_on: impl for<'a> FnMut(&Self, Payload<'a, S>, &B) + 'static,
    ) -> Relay
    where
        S: Select + Clone + 'static,
        B: Downgrade,
        Y: EventOf<B>,
    {
        let pass_on = move |source: &Self, payload: Payload<'_, S>, target: &B| {
            pass_on(source, payload, target);
            Verdict::Taken
        };
        relaying::relay(self, event, target, as_event.end(), pass_on)
    }

    /// Adds a listener that may fail, as [`Routing::on_try`](crate::Routing::on_try) does: its error is emitted as
    /// `errors`.
    ///
    /// # Errors
    ///
    /// One that nobody takes is unhandled: on a loop it stops that, else it is this listener's panic. So is one that
    /// comes while another one is being raised.
    ///
    /// ```
    /// use onward::emitter::named::{Name, NamedEmitter};
    /// use std::num::ParseIntError;
    ///
    /// const PRICE: Name<str> = Name::new("price");
    /// const BAD: Name<ParseIntError> = Name::new("bad price");
    ///
    /// let (till, mut sum) = (NamedEmitter::new(), 0);
    /// till.on_try(PRICE, BAD, move |_, price| {
    ///     sum += price.parse::<i32>()?;
    ///     println!("{sum}");
    ///     Ok(())
    /// });
    /// till.on(BAD, |_, error| println!("{error}"));
    /// till.emit(PRICE, "3");
    /// till.emit(PRICE, "a lot");
    /// ```
    #[track_caller]
    pub fn on_try<S, R, X>(
        &self,
        event: S,
        errors: R,
        mut listener: impl for<'a> FnMut(&Self, Payload<'a, S>) -> Result<(), X> + 'static,
    ) -> Listener
    where
        S: Select,
        R: Find<Key: Key<Payload = X>>,
        X: Into<Failure> + 'static,
    {
        let errors = errors.into_key();
        let trying = move |source: &Self, payload: Payload<'_, S>| {
            if let Err(error) = listener(source, payload) {
                source.fail(&errors, error);
            }
        };
        self.add(event, Place::Back, Slot::repeated(trying))
    }

    /// A listener has failed.
    pub(crate) fn fail<K, X>(&self, errors: &K, error: X)
    where
        K: Key<Payload = X>,
        X: Into<Failure> + 'static,
    {
        let failing = self.made().map(|core| &core.failing);
        raise("NamedEmitter", failing, error, |error| self.emit_by(errors, error));
    }

    /// Emits an error that must not get lost.
    ///
    /// # Errors
    ///
    /// If no listener was called, of a pattern neither, and no interceptor has stopped it, the error is handed back.
    ///
    /// ```
    /// use onward::emitter::named::{Name, NamedEmitter};
    ///
    /// const ERROR: Name<std::fmt::Error> = Name::new("error");
    ///
    /// let emitter = NamedEmitter::new();
    /// assert!(emitter.emit_error(ERROR, std::fmt::Error).is_err());
    /// emitter.on(ERROR, |_, error| println!("{error}"));
    /// assert!(emitter.emit_error(ERROR, std::fmt::Error).is_ok());
    /// ```
    pub fn emit_error<F, X>(&self, key: F, error: X) -> Result<Emitted, Unhandled<X>>
    where
        F: Find<Key: Key<Payload = X>>,
    {
        let emitted = self.emit(key, &error);
        if emitted.handled() || emitted.stopped {
            Ok(emitted)
        } else {
            Err(Unhandled::new("NamedEmitter", error))
        }
    }
}
