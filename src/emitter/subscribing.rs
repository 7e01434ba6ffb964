//! The trait by which everyone listens.

use alloc::vec::Vec;

use super::event::{Declared, Event};
use super::kept::Waitable;
use super::listener::{Listener, Subscription};
use super::listeners::Listeners;
use super::next::{self, Next, NextOrError};
use super::streaming::{self, Events, OrError};
use crate::emitter::names::Error;

/// Something that emits events: the methods to listen to it.
///
/// Types made by [`events!`](crate::events!) implement it. For a type of your own,
/// [`EventEmitter`](crate::EventEmitter) shows how; `listeners` is the only method to write.
///
/// A listener is handed the emitter that calls it, then the payload. Being handed the emitter it
/// need not capture it, which would keep the two alive for ever.
///
/// The examples below share this emitter:
///
/// ```
/// onward::events! {
///     /// A place to talk.
///     pub Room { Joined(&str), Closed() }
/// }
/// ```
pub trait Emitter: Declared {
    /// The listeners: usually `&self.emitter`.
    fn listeners(&self) -> &Listeners<Self>;

    /// Is called after each registration; for types that do something once somebody listens.
    /// Does nothing if it is not written.
    ///
    /// ```
    /// use onward::emitter::Event;
    /// use onward::{Emitter, EventEmitter, Listeners, events};
    ///
    /// struct Sensor { emitter: EventEmitter<Sensor>, reads: std::cell::Cell<bool> }
    /// events! { for Sensor { Reading(f64), Fault() } }
    ///
    /// impl Emitter for Sensor {
    ///     fn listeners(&self) -> &Listeners<Sensor> {
    ///         &self.emitter
    ///     }
    ///     fn listener_added<E: Event<Sensor>>(&self, _: E) {
    ///         self.reads.set(self.listener_count(Reading) > 0);
    ///     }
    /// }
    ///
    /// let sensor = Sensor { emitter: EventEmitter::new(), reads: false.into() };
    /// sensor.on(Fault, |_, ()| {});
    /// assert!(!sensor.reads.get());
    /// sensor.on(Reading, |_, celsius| println!("{celsius}"));
    /// assert!(sensor.reads.get());
    /// ```
    fn listener_added<E: Event<Self>>(&self, event: E) {
        let _ = event;
    }

    /// Adds a listener, after those there are.
    ///
    /// # Re-entrancy
    ///
    /// While it runs, an emit of the same event from inside of it skips it. If it shall recurse,
    /// use [`on_reentrant`](Self::on_reentrant).
    ///
    /// ```
    /// # use onward::Emitter;
    /// # onward::events! { Room { Joined(&str), Closed() } }
    /// let room = Room::new();
    /// let mut visitors = 0;
    /// room.on(Joined, move |_, name| {
    ///     visitors += 1;
    ///     println!("{name} is visitor {visitors}");
    /// });
    /// room.emit(Joined, "ada");
    /// ```
    #[track_caller]
    fn on<E: Event<Self>>(
        &self,
        event: E,
        listener: impl for<'a> FnMut(&Self, E::Payload<'a>) + 'static,
    ) -> Listener {
        let listener = self.listeners().on(event, listener);
        self.listener_added(event);
        listener
    }

    /// Adds a listener for one time: it is removed, then called. What it captures is its own, to
    /// move out or to be dropped as it returns.
    ///
    /// ```
    /// # use onward::Emitter;
    /// # onward::events! { Room { Joined(&str), Closed() } }
    /// let room = Room::new();
    /// let history = vec!["hi".to_string()];
    /// room.once(Closed, move |_, ()| drop(history));
    /// assert_eq!(room.emit(Closed, ()).called, 1);
    /// assert_eq!(room.emit(Closed, ()).called, 0);
    /// ```
    #[track_caller]
    fn once<E: Event<Self>>(
        &self,
        event: E,
        listener: impl for<'a> FnOnce(&Self, E::Payload<'a>) + 'static,
    ) -> Listener {
        let listener = self.listeners().once(event, listener);
        self.listener_added(event);
        listener
    }

    /// Adds a listener in front of those there are.
    ///
    /// ```
    /// # use onward::Emitter;
    /// # onward::events! { Room { Joined(&str), Closed() } }
    /// let room = Room::new();
    /// room.on(Joined, |_, name| println!("welcome, {name}"));
    /// room.prepend(Joined, |_, _| print!("(the door opens) "));
    /// room.emit(Joined, "ada"); // (the door opens) welcome, ada
    /// ```
    #[track_caller]
    fn prepend<E: Event<Self>>(
        &self,
        event: E,
        listener: impl for<'a> FnMut(&Self, E::Payload<'a>) + 'static,
    ) -> Listener {
        let listener = self.listeners().prepend(event, listener);
        self.listener_added(event);
        listener
    }

    /// Adds a listener that may be called while it runs: an `Fn`, so it has to keep what it
    /// changes in a [`Cell`](core::cell::Cell) or the like.
    ///
    /// ```
    /// # use onward::Emitter;
    /// # onward::events! { Room { Joined(&str), Closed() } }
    /// let room = Room::new();
    /// room.on_reentrant(Joined, |room, name| {
    ///     if let Some((first, others)) = name.split_once(" and ") {
    ///         println!("{first}");
    ///         assert_eq!(room.emit(Joined, others).skipped, 0);
    ///     }
    /// });
    /// room.emit(Joined, "ada and bob and eve");
    /// ```
    #[track_caller]
    fn on_reentrant<E: Event<Self>>(
        &self,
        event: E,
        listener: impl for<'a> Fn(&Self, E::Payload<'a>) + 'static,
    ) -> Listener {
        let listener = self.listeners().on_reentrant(event, listener);
        self.listener_added(event);
        listener
    }

    /// Adds a listener as [`on`](Self::on) does, which is removed when the subscription is
    /// dropped.
    ///
    /// ```
    /// # use onward::Emitter;
    /// # onward::events! { Room { Joined(&str), Closed() } }
    /// let room = Room::new();
    /// {
    ///     let _greeting = room.on_scoped(Joined, |_, name| println!("hello {name}"));
    ///     room.emit(Joined, "ada");
    /// }
    /// assert!(!room.emit(Joined, "bob").handled());
    /// ```
    #[track_caller]
    fn on_scoped<E: Event<Self>>(
        &self,
        event: E,
        listener: impl for<'a> FnMut(&Self, E::Payload<'a>) + 'static,
    ) -> Subscription {
        self.guard(self.on(event, listener))
    }

    /// Has a listener removed when the subscription is dropped, whichever way it was added.
    ///
    /// ```
    /// # use onward::Emitter;
    /// # onward::events! { Room { Joined(&str), Closed() } }
    /// let room = Room::new();
    /// let farewell = room.guard(room.once(Closed, |_, ()| println!("bye")));
    /// drop(farewell);
    /// assert!(!room.emit(Closed, ()).handled());
    /// ```
    fn guard(&self, listener: Listener) -> Subscription {
        self.listeners().guard(listener)
    }

    /// Removes a listener. Says whether it was there: `false` if it has been removed before, has
    /// run out, or belongs to another emitter.
    ///
    /// It is not called any more from here on, not even by an emit under way, and what it
    /// captures is dropped before this returns; or, if it is running, as soon as it returns.
    ///
    /// It takes constant time for the newest listener, else a binary search.
    ///
    /// ```
    /// # use onward::Emitter;
    /// # onward::events! { Room { Joined(&str), Closed() } }
    /// let room = Room::new();
    /// let greeting = room.on(Joined, |_, name| println!("hello {name}"));
    /// assert!(room.off(greeting));
    /// assert!(!room.off(greeting));
    /// ```
    fn off(&self, listener: Listener) -> bool {
        self.listeners().off(listener)
    }

    /// Removes all listeners of all events, as [`off`](Self::off) does.
    ///
    /// ```
    /// # use onward::Emitter;
    /// # onward::events! { Room { Joined(&str), Closed() } }
    /// let room = Room::new();
    /// room.on(Joined, |_, _| {});
    /// room.remove_all();
    /// assert!(room.event_names().is_empty());
    /// ```
    fn remove_all(&self) {
        self.listeners().remove_all();
    }

    /// Removes all listeners of one event, as [`off`](Self::off) does.
    ///
    /// ```
    /// # use onward::Emitter;
    /// # onward::events! { Room { Joined(&str), Closed() } }
    /// let room = Room::new();
    /// room.on(Joined, |_, _| {});
    /// room.on(Closed, |_, ()| {});
    /// room.remove_all_of(Joined);
    /// assert_eq!(room.event_names(), ["Closed"]);
    /// ```
    fn remove_all_of<E: Event<Self>>(&self, event: E) {
        self.listeners().remove_all_of(event);
    }

    /// How many listeners an event has. Exact at every moment: one that has been removed does
    /// not count, even while it still runs.
    ///
    /// ```
    /// # use onward::Emitter;
    /// # onward::events! { Room { Joined(&str), Closed() } }
    /// let room = Room::new();
    /// room.once(Closed, |room, ()| assert_eq!(room.listener_count(Closed), 0));
    /// assert_eq!(room.listener_count(Closed), 1);
    /// room.emit(Closed, ());
    /// ```
    fn listener_count<E: Event<Self>>(&self, event: E) -> usize {
        self.listeners().listener_count(event)
    }

    /// The events that have listeners, in the order in which they came to have them.
    ///
    /// ```
    /// # use onward::Emitter;
    /// # onward::events! { Room { Joined(&str), Closed() } }
    /// let room = Room::new();
    /// room.on(Closed, |_, ()| {});
    /// room.on(Joined, |_, _| {});
    /// assert_eq!(room.event_names(), ["Closed", "Joined"]);
    /// ```
    fn event_names(&self) -> Vec<&'static str> {
        self.listeners().event_names()
    }

    /// Waits for an event: a future of its payload, [made one's own](Waitable).
    ///
    /// It listens from here on, polled or not, and keeps the first event until it is asked. To miss
    /// nothing between two events, ask for the second before the first is awaited, or take a
    /// [`stream`](Self::stream). Dropping the future cancels it: its listener is removed. It does not
    /// keep the emitter alive. For the first of several events there is [`first`](super::first).
    ///
    /// # Errors
    ///
    /// [`Gone`](super::Gone), if the event cannot come any more: the emitter was dropped, or its
    /// listeners were removed. The event [`Error`] is an event like any other here; an error that is
    /// waited for counts as handled.
    ///
    /// ```
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// # fn block_on<F: Future>(future: F) -> F::Output {
    /// #     let (mut future, mut cx) = (pin!(future), Context::from_waker(Waker::noop()));
    /// #     loop { if let Poll::Ready(output) = future.as_mut().poll(&mut cx) { return output } }
    /// # }
    /// # use onward::Emitter;
    /// # onward::events! { Room { Joined(&str), Closed() } }
    /// let room = Room::new();
    /// let (joined, closed) = (room.next(Joined), room.next(Closed));
    /// room.emit(Joined, "ada");
    /// room.emit(Closed, ());
    /// block_on(async {
    ///     assert_eq!(joined.await?, "ada");
    ///     closed.await
    /// })
    /// # .unwrap();
    /// ```
    #[track_caller]
    fn next<E: Waitable<Self>>(&self, event: E) -> Next<E::Owned> {
        next::next(self, event)
    }

    /// Waits for an event, as [`next`](Self::next) does, or for an error, if that comes first. As long
    /// as it waits it counts as a listener for [`Error`].
    ///
    /// # Errors
    ///
    /// [`NextError::Emitted`](super::NextError::Emitted) has the error; it has to be `Clone`.
    /// [`NextError::Gone`](super::NextError::Gone) says that neither can come any more.
    ///
    /// ```
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// # fn block_on<F: Future>(future: F) -> F::Output {
    /// #     let (mut future, mut cx) = (pin!(future), Context::from_waker(Waker::noop()));
    /// #     loop { if let Poll::Ready(output) = future.as_mut().poll(&mut cx) { return output } }
    /// # }
    /// use onward::emitter::NextError;
    /// use onward::{Emitter, events};
    ///
    /// events! { Room { Joined(&str), error std::fmt::Error } }
    /// let room = Room::new();
    /// let joined = room.next_or_error(Joined);
    /// assert!(room.emit_error(std::fmt::Error).is_ok()); // it is taken
    /// assert!(room.emit_error(std::fmt::Error).is_err()); // nobody waits any more
    /// assert_eq!(block_on(joined), Err(NextError::Emitted(std::fmt::Error)));
    /// ```
    #[track_caller]
    fn next_or_error<E>(&self, event: E) -> NextOrError<E::Owned, <Error as Waitable<Self>>::Owned>
    where
        E: Waitable<Self>,
        Error: Waitable<Self>,
    {
        next::next_or_error(self, event)
    }

    /// All events of a kind from here on, as a bounded [`Stream`](futures_core::Stream). How many may
    /// wait, and what happens to more, say the methods of [`Events`].
    ///
    /// ```
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// # fn block_on<F: Future>(future: F) -> F::Output {
    /// #     let (mut future, mut cx) = (pin!(future), Context::from_waker(Waker::noop()));
    /// #     loop { if let Poll::Ready(output) = future.as_mut().poll(&mut cx) { return output } }
    /// # }
    /// # use onward::Emitter;
    /// # onward::events! { Room { Joined(&str), Closed() } }
    /// let room = Room::new();
    /// let mut visitors = room.stream(Joined).capacity(16);
    /// room.emit(Joined, "ada");
    /// room.emit(Joined, "bob");
    /// assert_eq!(block_on(visitors.next()).as_deref(), Some("ada"));
    /// assert_eq!(block_on(visitors.next()).as_deref(), Some("bob"));
    /// ```
    #[track_caller]
    fn stream<E: Waitable<Self>>(&self, event: E) -> Events<Self, E::Owned> {
        streaming::stream(self, event)
    }

    /// All events of a kind from here on, as [`stream`](Self::stream) gives them, until an error: it
    /// comes after what was in the queue by then, and is the last item. Until then the stream counts
    /// as a listener for [`Error`].
    ///
    /// ```
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// # fn block_on<F: Future>(future: F) -> F::Output {
    /// #     let (mut future, mut cx) = (pin!(future), Context::from_waker(Waker::noop()));
    /// #     loop { if let Poll::Ready(output) = future.as_mut().poll(&mut cx) { return output } }
    /// # }
    /// use onward::{Emitter, events};
    ///
    /// events! { Room { Joined(&str), error std::fmt::Error } }
    /// let room = Room::new();
    /// let mut visitors = room.stream_or_error(Joined);
    /// room.emit(Joined, "ada");
    /// assert!(room.emit_error(std::fmt::Error).is_ok());
    /// assert_eq!(block_on(visitors.next()), Some(Ok("ada".to_string())));
    /// assert_eq!(block_on(visitors.next()), Some(Err(std::fmt::Error)));
    /// assert_eq!(block_on(visitors.next()), None);
    /// ```
    #[track_caller]
    fn stream_or_error<E>(&self, event: E) -> Events<Self, OrError<Self, E>>
    where
        E: Waitable<Self>,
        Error: Waitable<Self>,
    {
        streaming::stream_or_error(self, event)
    }
}
