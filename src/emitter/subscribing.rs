//! The trait by which everyone listens.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;

use super::deciding;
use super::event::{Declared, Event};
use super::listener::{Block, Listener, Subscription};
use super::listeners::Listeners;
use super::watch::Recall;

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

    /// How to find this emitter when it is not at hand: with it, [`ListenerRemoved`] comes at once also
    /// when a [`Subscription`] or a future is dropped, which do not know whose listener they remove. Without
    /// it, the event comes with whatever the emitter does next, an emit say.
    ///
    /// Is asked when somebody begins to watch. Types made by [`events!`](crate::events!) have it, and so
    /// have sockets and files; a type of your own that is a handle writes it as [`Recall`] shows.
    ///
    /// [`ListenerRemoved`]: crate::events::ListenerRemoved
    fn recall(&self) -> Option<Recall<Self>> {
        None
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
    #[doc(alias("addListener", "addEventListener"))]
    #[track_caller]
    fn on<E: Event<Self>>(
        &self,
        event: E,
        listener: impl for<'a> FnMut(&Self, E::Payload<'a>) + 'static,
    ) -> Listener {
        let listener = self.listeners().on(self, event, listener);
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
        let listener = self.listeners().once(self, event, listener);
        self.listener_added(event);
        listener
    }

    /// Adds a listener for so many times. It counts, is removed if that was the last time, then runs.
    ///
    /// ```
    /// # use onward::Emitter;
    /// # onward::events! { Room { Joined(&str), Closed() } }
    /// let room = Room::new();
    /// room.many(Joined, 2, |_, name| println!("{name} gets one of the two free drinks"));
    /// let called = ["ada", "bob", "eve"].map(|name| room.emit(Joined, name).called);
    /// assert_eq!(called, [1, 1, 0]);
    /// ```
    #[track_caller]
    fn many<E: Event<Self>>(
        &self,
        event: E,
        times: usize,
        listener: impl for<'a> FnMut(&Self, E::Payload<'a>) + 'static,
    ) -> Listener {
        let listener = self.listeners().many(self, event, times, listener);
        self.listener_added(event);
        listener
    }

    /// Adds a listener that is called only when `wanted` says so. Otherwise it does not count as
    /// called.
    ///
    /// ```
    /// # use onward::Emitter;
    /// # onward::events! { Room { Joined(&str), Closed() } }
    /// let room = Room::new();
    /// room.on_when(Joined, |_, name| name.starts_with('a'), |_, name| println!("{name}!"));
    /// assert_eq!(room.emit(Joined, "ada").called, 1);
    /// assert_eq!(room.emit(Joined, "bob").called, 0);
    /// ```
    #[track_caller]
    fn on_when<E: Event<Self>>(
        &self,
        event: E,
        wanted: impl for<'a> FnMut(&Self, E::Payload<'a>) -> bool + 'static,
        listener: impl for<'a> FnMut(&Self, E::Payload<'a>) + 'static,
    ) -> Listener {
        let when = deciding::when::<Self, E>(wanted, listener);
        let listener = self.listeners().deciding(self, event, when);
        self.listener_added(event);
        listener
    }

    /// Adds a listener that ends with an object: it is handed the object first, does not keep it alive,
    /// and is removed by the first emit that finds it gone, without counting as called.
    ///
    /// ```
    /// # use onward::Emitter;
    /// # onward::events! { Room { Joined(&str), Closed() } }
    /// use std::cell::Cell;
    /// use std::rc::Rc;
    ///
    /// let (room, visits) = (Room::new(), Rc::new(Cell::new(0)));
    /// room.on_weak(Joined, &visits, |visits, _, _| visits.set(visits.get() + 1));
    /// room.emit(Joined, "ada");
    /// assert_eq!(visits.get(), 1);
    ///
    /// drop(visits);
    /// assert_eq!(room.emit(Joined, "bob").called, 0);
    /// assert_eq!(room.listener_count(Joined), 0);
    /// ```
    #[track_caller]
    fn on_weak<E: Event<Self>, T: ?Sized + 'static>(
        &self,
        event: E,
        object: &Rc<T>,
        listener: impl for<'a> FnMut(&T, &Self, E::Payload<'a>) + 'static,
    ) -> Listener {
        let weak = deciding::weak::<Self, E, T>(object, listener);
        let listener = self.listeners().deciding(self, event, weak);
        self.listener_added(event);
        listener
    }

    /// Adds a listener that works on a state it shares with others: it is handed the state, to change
    /// it, and ends with it as one of [`on_weak`](Self::on_weak) does.
    ///
    /// # Re-entrancy
    ///
    /// While the state is borrowed, by an emit from inside of another such listener say, it is skipped,
    /// and the emit says so.
    ///
    /// ```
    /// # use onward::Emitter;
    /// # onward::events! { Room { Joined(&str), Closed() } }
    /// use std::cell::RefCell;
    /// use std::rc::Rc;
    ///
    /// let (room, guests) = (Room::new(), Rc::new(RefCell::new(Vec::<String>::new())));
    /// room.on_state(Joined, &guests, |guests, _, name| guests.push(name.to_owned()));
    /// room.on_state(Closed, &guests, |guests, _, ()| guests.clear());
    /// room.emit(Joined, "ada");
    /// assert_eq!(*guests.borrow(), ["ada"]);
    /// ```
    #[track_caller]
    fn on_state<E: Event<Self>, T: ?Sized + 'static>(
        &self,
        event: E,
        state: &Rc<RefCell<T>>,
        listener: impl for<'a> FnMut(&mut T, &Self, E::Payload<'a>) + 'static,
    ) -> Listener {
        let state = deciding::state::<Self, E, T>(state, listener);
        let listener = self.listeners().deciding(self, event, state);
        self.listener_added(event);
        listener
    }

    /// Adds a listener to a group. Groups run in ascending order, after listeners that were
    /// [prepended](Self::prepend) and before those of [`on`](Self::on) and its like; in a group, in the
    /// order of registration.
    ///
    /// ```
    /// # use onward::Emitter;
    /// # onward::events! { Room { Asked(&mut Vec<u8>) } }
    /// let room = Room::new();
    /// room.on(Asked, |_, order| order.push(4));
    /// room.on_group(Asked, 10, |_, order| order.push(3));
    /// room.on_group(Asked, -10, |_, order| order.push(2));
    /// room.prepend(Asked, |_, order| order.push(1));
    /// let mut order = Vec::new();
    /// room.emit(Asked, &mut order);
    /// assert_eq!(order, [1, 2, 3, 4]);
    /// ```
    #[doc(alias = "priority")]
    #[track_caller]
    fn on_group<E: Event<Self>>(
        &self,
        event: E,
        group: i16,
        listener: impl for<'a> FnMut(&Self, E::Payload<'a>) + 'static,
    ) -> Listener {
        let listener = self.listeners().on_group(self, event, group, listener);
        self.listener_added(event);
        listener
    }

    /// Adds a listener for one time, in front of those there are.
    ///
    /// ```
    /// # use onward::Emitter;
    /// # onward::events! { Room { Joined(&str), Closed() } }
    /// let room = Room::new();
    /// room.on(Joined, |_, name| println!("welcome, {name}"));
    /// room.prepend_once(Joined, |_, _| println!("(the first one today)"));
    /// assert_eq!(room.emit(Joined, "ada").called, 2);
    /// assert_eq!(room.emit(Joined, "bob").called, 1);
    /// ```
    #[doc(alias = "prependOnceListener")]
    #[track_caller]
    fn prepend_once<E: Event<Self>>(
        &self,
        event: E,
        listener: impl for<'a> FnOnce(&Self, E::Payload<'a>) + 'static,
    ) -> Listener {
        let listener = self.listeners().prepend_once(self, event, listener);
        self.listener_added(event);
        listener
    }

    /// Blocks a listener as long as the returned [`Block`] lives: it stays where it is, is counted as a
    /// listener, and is not called. One that is gone, or another emitter's, is left alone.
    ///
    /// ```
    /// # use onward::Emitter;
    /// # onward::events! { Room { Joined(&str), Closed() } }
    /// let room = Room::new();
    /// let greeter = room.on(Joined, |_, name| println!("welcome, {name}"));
    /// let quiet = room.block(greeter);
    /// assert_eq!(room.emit(Joined, "ada").called, 0);
    /// drop(quiet);
    /// assert_eq!(room.emit(Joined, "bob").called, 1);
    /// ```
    fn block(&self, listener: Listener) -> Block {
        self.listeners().block(listener)
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
    #[doc(alias = "prependListener")]
    #[track_caller]
    fn prepend<E: Event<Self>>(
        &self,
        event: E,
        listener: impl for<'a> FnMut(&Self, E::Payload<'a>) + 'static,
    ) -> Listener {
        let listener = self.listeners().prepend(self, event, listener);
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
        let listener = self.listeners().on_reentrant(self, event, listener);
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
    #[doc(alias("removeListener", "removeEventListener"))]
    fn off(&self, listener: Listener) -> bool {
        self.listeners().off(self, listener)
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
    #[doc(alias = "removeAllListeners")]
    fn remove_all(&self) {
        self.listeners().remove_all(self);
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
        self.listeners().remove_all_of(self, event);
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
}
