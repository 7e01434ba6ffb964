//! The trait by which everyone listens, from any thread.

use std::sync::Arc;

use super::handles::{Block, StillRunning, Subscription};
use super::kinds::{Conditional, Many, On, Once};
use super::listeners::Listeners;
use super::node::{Seat, Verdict};
use super::watch::Recall;
use crate::emitter::{Declared, Event, Listener, Place};

/// Something that emits events on any thread: the methods to listen to it.
///
/// It is [`onward::Emitter`](crate::Emitter) with listeners that are `Send`: the methods have the same
/// names and do the same. Types made by `events! { sync Room { .. } }` implement it. For a type of your
/// own, [`EventEmitter`](super::EventEmitter) shows how; `listeners` is the only method to write.
///
/// The examples below share this emitter:
///
/// ```
/// onward::events! {
///     /// A place to talk.
///     pub sync Room { Joined(&str), Closed() }
/// }
/// ```
pub trait Emitter: Declared {
    /// The listeners: usually `&self.emitter`.
    fn listeners(&self) -> &Listeners<Self>;

    /// Is called after each registration, on the thread that registered; for types that do something
    /// once somebody listens. Does nothing if it is not written.
    fn listener_added<E: Event<Self>>(&self, event: E) {
        let _ = event;
    }

    /// How to find this emitter when it is not at hand: with it, [`ListenerRemoved`] comes at once also
    /// when a [`Subscription`] or a future is dropped, which do not know whose listener they remove. Without
    /// it, the event comes with whatever the emitter does next, an emit say.
    ///
    /// Is asked when somebody begins to watch. Types made by [`events!`](crate::events!) have it; a type of your
    /// own that is a handle writes it as [`Recall`] shows.
    ///
    /// [`ListenerRemoved`]: crate::events::ListenerRemoved
    fn recall(&self) -> Option<Recall<Self>> {
        None
    }

    /// Adds a listener, after those there are. It runs on the thread that emits, on one at a time.
    ///
    /// # Re-entrancy
    ///
    /// While it runs, an emit of the same event from inside of it skips it. If it shall recurse, or run on
    /// several threads at once, use [`on_reentrant`](Self::on_reentrant).
    ///
    /// ```
    /// # use onward::sync::Emitter;
    /// # onward::events! { sync Room { Joined(&str), Closed() } }
    /// let room = Room::new();
    /// let mut visitors = 0;
    /// room.on(Joined, move |_, name| {
    ///     visitors += 1;
    ///     println!("{name} is visitor {visitors}");
    /// });
    /// std::thread::scope(|threads| {
    ///     threads.spawn(|| room.emit(Joined, "ada"));
    ///     threads.spawn(|| room.emit(Joined, "bob"));
    /// });
    /// ```
    #[track_caller]
    fn on<E: Event<Self>>(
        &self,
        event: E,
        mut listener: impl for<'a> FnMut(&Self, E::Payload<'a>) + Send + 'static,
    ) -> Listener {
        let listener = self.listeners().exclusive(self, event, Place::Back, On, repeat!(listener));
        self.listener_added(event);
        listener
    }

    /// Adds a listener for one time: it is removed, then called. What it captures is its own, to
    /// move out or to be dropped as it returns. However many threads emit, one of them calls it.
    ///
    /// ```
    /// # use onward::sync::Emitter;
    /// # onward::events! { sync Room { Joined(&str), Closed() } }
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
        listener: impl for<'a> FnOnce(&Self, E::Payload<'a>) + Send + 'static,
    ) -> Listener {
        let listener = self.listeners().exclusive(self, event, Place::Back, Once, once!(listener));
        self.listener_added(event);
        listener
    }

    /// Adds a listener for so many times. It counts, is removed if that was the last time, then runs.
    ///
    /// ```
    /// # use onward::sync::Emitter;
    /// # onward::events! { sync Room { Joined(&str), Closed() } }
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
        mut listener: impl for<'a> FnMut(&Self, E::Payload<'a>) + Send + 'static,
    ) -> Listener {
        let mut left = times;
        let counted = move |seat: &Seat<'_, Self, E>, source: &Self, payload: E::Payload<'_>| {
            if left == 0 || (left == 1 && !seat.leave(source)) {
                return Verdict::Missed;
            }
            left -= 1;
            listener(source, payload);
            Verdict::Taken
        };
        let listener = self.listeners().exclusive(self, event, Place::Back, Many, counted);
        if times == 0 {
            self.off(listener);
        }
        self.listener_added(event);
        listener
    }

    /// Adds a listener that is called only when `wanted` says so. Otherwise it does not count as
    /// called.
    ///
    /// ```
    /// # use onward::sync::Emitter;
    /// # onward::events! { sync Room { Joined(&str), Closed() } }
    /// let room = Room::new();
    /// room.on_when(Joined, |_, name| name.starts_with('a'), |_, name| println!("{name}!"));
    /// assert_eq!(room.emit(Joined, "ada").called, 1);
    /// assert_eq!(room.emit(Joined, "bob").called, 0);
    /// ```
    #[track_caller]
    fn on_when<E: Event<Self>>(
        &self,
        event: E,
        mut wanted: impl for<'a> FnMut(&Self, E::Payload<'a>) -> bool + Send + 'static,
        mut listener: impl for<'a> FnMut(&Self, E::Payload<'a>) + Send + 'static,
    ) -> Listener {
        let choosy = move |_: &Seat<'_, Self, E>, source: &Self, mut payload: E::Payload<'_>| {
            if !wanted(source, E::lend(&mut payload)) {
                return Verdict::Missed;
            }
            listener(source, payload);
            Verdict::Taken
        };
        let listener = self.listeners().exclusive(self, event, Place::Back, Conditional, choosy);
        self.listener_added(event);
        listener
    }

    /// Adds a listener that ends with an object: it is handed the object first, does not keep it alive,
    /// and is removed by the first emit that finds it gone, without counting as called.
    ///
    /// ```
    /// # use onward::sync::Emitter;
    /// # onward::events! { sync Room { Joined(&str), Closed() } }
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicU32, Ordering};
    ///
    /// let (room, visits) = (Room::new(), Arc::new(AtomicU32::new(0)));
    /// room.on_weak(Joined, &visits, |visits, _, _| {
    ///     visits.fetch_add(1, Ordering::Relaxed);
    /// });
    /// room.emit(Joined, "ada");
    /// assert_eq!(visits.load(Ordering::Relaxed), 1);
    ///
    /// drop(visits);
    /// assert_eq!(room.emit(Joined, "bob").called, 0);
    /// assert_eq!(room.listener_count(Joined), 0);
    /// ```
    #[track_caller]
    fn on_weak<E: Event<Self>, T: ?Sized + Send + Sync + 'static>(
        &self,
        event: E,
        object: &Arc<T>,
        mut listener: impl for<'a> FnMut(&T, &Self, E::Payload<'a>) + Send + 'static,
    ) -> Listener {
        let object = Arc::downgrade(object);
        let tied = move |seat: &Seat<'_, Self, E>, source: &Self, payload: E::Payload<'_>| {
            let Some(object) = object.upgrade() else {
                seat.leave(source);
                return Verdict::Missed;
            };
            listener(&object, source, payload);
            Verdict::Taken
        };
        let listener = self.listeners().exclusive(self, event, Place::Back, Conditional, tied);
        self.listener_added(event);
        listener
    }

    /// Adds a listener to a group. Groups run in ascending order, after listeners that were
    /// [prepended](Self::prepend) and before those of [`on`](Self::on) and its like; in a group, in the
    /// order of registration.
    ///
    /// ```
    /// # use onward::sync::Emitter;
    /// # onward::events! { sync Room { Asked(&mut Vec<u8>) } }
    /// let room = Room::new();
    /// room.on(Asked, |_, order| order.push(4));
    /// room.on_group(Asked, 10, |_, order| order.push(3));
    /// room.on_group(Asked, -10, |_, order| order.push(2));
    /// room.prepend(Asked, |_, order| order.push(1));
    /// let mut order = Vec::new();
    /// room.emit(Asked, &mut order);
    /// assert_eq!(order, [1, 2, 3, 4]);
    /// ```
    #[track_caller]
    fn on_group<E: Event<Self>>(
        &self,
        event: E,
        group: i16,
        mut listener: impl for<'a> FnMut(&Self, E::Payload<'a>) + Send + 'static,
    ) -> Listener {
        let place = Place::Group(group);
        let listener = self.listeners().exclusive(self, event, place, On, repeat!(listener));
        self.listener_added(event);
        listener
    }

    /// Adds a listener in front of those there are.
    ///
    /// ```
    /// # use onward::sync::Emitter;
    /// # onward::events! { sync Room { Joined(&str), Closed() } }
    /// let room = Room::new();
    /// room.on(Joined, |_, name| println!("welcome, {name}"));
    /// room.prepend(Joined, |_, _| print!("(the door opens) "));
    /// room.emit(Joined, "ada"); // (the door opens) welcome, ada
    /// ```
    #[track_caller]
    fn prepend<E: Event<Self>>(
        &self,
        event: E,
        mut listener: impl for<'a> FnMut(&Self, E::Payload<'a>) + Send + 'static,
    ) -> Listener {
        let listener = self.listeners().exclusive(self, event, Place::Front, On, repeat!(listener));
        self.listener_added(event);
        listener
    }

    /// Adds a listener for one time, in front of those there are.
    ///
    /// ```
    /// # use onward::sync::Emitter;
    /// # onward::events! { sync Room { Joined(&str), Closed() } }
    /// let room = Room::new();
    /// room.on(Joined, |_, name| println!("welcome, {name}"));
    /// room.prepend_once(Joined, |_, _| println!("(the first one today)"));
    /// assert_eq!(room.emit(Joined, "ada").called, 2);
    /// assert_eq!(room.emit(Joined, "bob").called, 1);
    /// ```
    #[track_caller]
    fn prepend_once<E: Event<Self>>(
        &self,
        event: E,
        listener: impl for<'a> FnOnce(&Self, E::Payload<'a>) + Send + 'static,
    ) -> Listener {
        let listener = self.listeners().exclusive(self, event, Place::Front, Once, once!(listener));
        self.listener_added(event);
        listener
    }

    /// Adds a listener that may be called while it runs: an `Fn` that is `Sync`. As long as all the
    /// listeners of an event are such, it is emitted by any number of threads at once, and none waits.
    ///
    /// ```
    /// # use onward::sync::Emitter;
    /// # onward::events! { sync Room { Joined(&str), Closed() } }
    /// use std::sync::atomic::{AtomicU32, Ordering};
    ///
    /// let (room, visits) = (Room::new(), AtomicU32::new(0));
    /// room.on_reentrant(Joined, move |_, name| {
    ///     println!("{name} is visitor {}", visits.fetch_add(1, Ordering::Relaxed));
    /// });
    /// std::thread::scope(|threads| {
    ///     threads.spawn(|| room.emit(Joined, "ada"));
    ///     threads.spawn(|| room.emit(Joined, "bob"));
    /// });
    /// ```
    #[track_caller]
    fn on_reentrant<E: Event<Self>>(
        &self,
        event: E,
        listener: impl for<'a> Fn(&Self, E::Payload<'a>) + Send + Sync + 'static,
    ) -> Listener {
        let listener = self.listeners().reentrant(self, event, listener);
        self.listener_added(event);
        listener
    }

    /// Adds a listener as [`on`](Self::on) does, which is removed when the subscription is
    /// dropped.
    ///
    /// ```
    /// # use onward::sync::Emitter;
    /// # onward::events! { sync Room { Joined(&str), Closed() } }
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
        listener: impl for<'a> FnMut(&Self, E::Payload<'a>) + Send + 'static,
    ) -> Subscription {
        self.guard(self.on(event, listener))
    }

    /// Has a listener removed when the subscription is dropped, whichever way it was added.
    ///
    /// ```
    /// # use onward::sync::Emitter;
    /// # onward::events! { sync Room { Joined(&str), Closed() } }
    /// let room = Room::new();
    /// let farewell = room.guard(room.once(Closed, |_, ()| println!("bye")));
    /// drop(farewell);
    /// assert!(!room.emit(Closed, ()).handled());
    /// ```
    fn guard(&self, listener: Listener) -> Subscription {
        self.listeners().guard(listener)
    }

    /// Blocks a listener as long as the returned [`Block`] lives: it stays where it is, is counted as a
    /// listener, and is not called. One that is gone, or another emitter's, is left alone.
    ///
    /// ```
    /// # use onward::sync::Emitter;
    /// # onward::events! { sync Room { Joined(&str), Closed() } }
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

    /// Removes a listener. Says whether it was there: `false` if it has been removed before, has
    /// run out, or belongs to another emitter.
    ///
    /// It does not wait, unless somebody listens for [`ListenerRemoved`](crate::events::ListenerRemoved), or a
    /// [relay](super::Routing::relay) leads to its event. No emit that begins after this calls the listener, and none on
    /// this thread does. One that is under way on another thread may be about to call it;
    /// [`off_and_wait`](Self::off_and_wait) waits for that. What the listener captures is dropped before this returns, or, if
    /// its event is being emitted, when that has ended.
    ///
    /// It takes constant time for the newest listener, else a binary search.
    ///
    /// ```
    /// # use onward::sync::Emitter;
    /// # onward::events! { sync Room { Joined(&str), Closed() } }
    /// let room = Room::new();
    /// let greeting = room.on(Joined, |_, name| println!("hello {name}"));
    /// assert!(room.off(greeting));
    /// assert!(!room.off(greeting));
    /// ```
    fn off(&self, listener: Listener) -> bool {
        self.listeners().off(self, listener)
    }

    /// Removes a listener as [`off`](Self::off) does, and waits: after it has returned, the listener does
    /// not run, on any thread, and is never called again. So is one that somebody else has removed.
    ///
    /// It waits for the emits of the event that are under way on other threads. Do not call it with a
    /// lock that a listener wants.
    ///
    /// # Errors
    ///
    /// [`StillRunning`] if waiting would be for ever: from inside of the listener itself, of another
    /// re-entrant one of the same event, or of anything that an emit of that event waits for.
    /// The listener is removed then, too, and there is nothing else to do.
    ///
    /// ```
    /// # use onward::sync::Emitter;
    /// # onward::events! { sync Room { Joined(&str), Closed() } }
    /// let room = Room::new();
    /// let greeting = room.on(Joined, |_, name| println!("hello {name}"));
    /// std::thread::scope(|threads| {
    ///     threads.spawn(|| room.emit(Joined, "ada"));
    ///     assert_eq!(room.off_and_wait(greeting), Ok(true)); // nobody is greeted from here on
    /// });
    /// ```
    fn off_and_wait(&self, listener: Listener) -> Result<bool, StillRunning> {
        self.listeners().off_and_wait(self, listener)
    }

    /// Removes all listeners of all events, as [`off`](Self::off) does.
    ///
    /// ```
    /// # use onward::sync::Emitter;
    /// # onward::events! { sync Room { Joined(&str), Closed() } }
    /// let room = Room::new();
    /// room.on(Joined, |_, _| {});
    /// room.remove_all();
    /// assert!(room.event_names().is_empty());
    /// ```
    fn remove_all(&self) {
        self.listeners().remove_all(self);
    }

    /// Removes all listeners of one event, as [`off`](Self::off) does.
    ///
    /// ```
    /// # use onward::sync::Emitter;
    /// # onward::events! { sync Room { Joined(&str), Closed() } }
    /// let room = Room::new();
    /// room.on(Joined, |_, _| {});
    /// room.on(Closed, |_, ()| {});
    /// room.remove_all_of(Joined);
    /// assert_eq!(room.event_names(), ["Closed"]);
    /// ```
    fn remove_all_of<E: Event<Self>>(&self, event: E) {
        self.listeners().remove_all_of(self, event);
    }

    /// How many listeners an event has, at this moment. One that has been removed does not count, even
    /// while it still runs.
    ///
    /// ```
    /// # use onward::sync::Emitter;
    /// # onward::events! { sync Room { Joined(&str), Closed() } }
    /// let room = Room::new();
    /// room.once(Closed, |room, ()| assert_eq!(room.listener_count(Closed), 0));
    /// assert_eq!(room.listener_count(Closed), 1);
    /// room.emit(Closed, ());
    /// ```
    fn listener_count<E: Event<Self>>(&self, event: E) -> usize {
        self.listeners().listener_count(event)
    }

    /// The events that have listeners at this moment, in the order in which they came to have them.
    ///
    /// ```
    /// # use onward::sync::Emitter;
    /// # onward::events! { sync Room { Joined(&str), Closed() } }
    /// let room = Room::new();
    /// room.on(Closed, |_, ()| {});
    /// room.on(Joined, |_, _| {});
    /// assert_eq!(room.event_names(), ["Closed", "Joined"]);
    /// ```
    fn event_names(&self) -> Vec<&'static str> {
        self.listeners().event_names()
    }
}
