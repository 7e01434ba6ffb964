//! The trait by which everyone watches, from any thread.

use super::kinds::Conditional;
use super::listeners::AnyRow;
use super::node::{Seat, Verdict};
use super::primitives::Ordering;
use super::subscribing::Emitter;
use crate::emitter::watches::{Any, Heard, kept, shown};
use crate::emitter::{Dump, EventDump, Listener, Place};

/// Watching an [`Emitter`] as a whole: all that it emits, on whichever thread, and who listens.
///
/// It is [`onward::Watching`](crate::Watching) for many threads: the methods have the same names and do the same.
/// Every emitter also has the events [`ListenerAdded`](crate::events::ListenerAdded),
/// [`ListenerRemoved`](crate::events::ListenerRemoved) and [`ListenerLeak`](crate::events::ListenerLeak), which
/// need not be declared.
///
/// Those who listen for one of these run on the thread that adds or removes. As long as there is one, to add and to
/// remove a listener are emits too, and wait for their turn as emits do; and they are told one by one: whoever is told
/// that the first listener comes, or that the last has gone, is told nothing else about that emitter meanwhile. So a
/// source can start and stop by it, whatever threads do:
///
/// ```
/// use onward::events::{ListenerAdded, ListenerRemoved};
/// use onward::{events, sync::Emitter};
/// use std::thread;
///
/// events! { sync Sensor { Reading(f64) } }
/// let sensor = Sensor::new();
/// # let runs = std::sync::Arc::new(std::sync::Mutex::new(false));
/// # let (starts, stops) = (runs.clone(), runs.clone());
/// sensor.on(ListenerAdded, move |_, added| {
///     if added.is(Reading) && added.others() == 0 {
///         println!("the first one: start to measure");
/// #       assert!(!std::mem::replace(&mut *starts.lock().unwrap(), true));
///     }
/// });
/// sensor.on(ListenerRemoved, move |_, removed| {
///     if removed.is(Reading) && removed.others() == 0 {
///         println!("that was the last one: stop");
/// #       assert!(std::mem::replace(&mut *stops.lock().unwrap(), false));
///     }
/// });
/// thread::scope(|threads| {
///     for _ in 0..3 {
///         threads.spawn(|| drop(sensor.on_scoped(Reading, |_, celsius| println!("{celsius}"))));
///     }
/// });
/// # assert!(!*runs.lock().unwrap());
/// ```
///
/// None of it costs an emit anything as long as nobody watches.
pub trait Watching: Emitter {
    /// Adds a listener for all events. It is handed an enum, which [`events!`](crate::events!) makes: the
    /// variants are named as the events, and carry the payload by reference. A line `enum RoomEvent` in the
    /// declaration gives it a name, to match on; without, there are still its `name()` and its `Debug`.
    ///
    /// ```
    /// use onward::{events, sync::Watching};
    ///
    /// events! { sync Room { Joined(&str), Closed(), enum RoomEvent } }
    ///
    /// let room = Room::new();
    /// # let (tell, told) = std::sync::mpsc::channel();
    /// room.on_any(move |_, event| match event {
    ///     RoomEvent::Joined(name) => println!("{name} came"),
    ///     RoomEvent::Closed => println!("closed"),
    /// });
    /// # room.on_any(move |_, event| tell.send(format!("{event:?}")).unwrap());
    /// room.on_any(|_, event| println!("{event:?}")); // Joined("ada")
    /// std::thread::scope(|threads| {
    ///     threads.spawn(|| room.emit(Joined, "ada"));
    /// });
    /// # room.emit(Closed, ());
    /// # assert_eq!(told.try_iter().collect::<Vec<_>>(), [r#"Joined("ada")"#, "Closed"]);
    /// ```
    ///
    /// # Ordering
    ///
    /// It runs after the listeners of the event itself, in the turn of that emit, and sees a `&mut` payload as they
    /// have left it. If one of them panics it is not called. Several run in the order of registration. One that was
    /// added meanwhile, or removed, is not called. It runs on one thread at a time, so that different events wait for
    /// each other here.
    ///
    /// It does not count: not in [`Emitted`](crate::emitter::Emitted), not as a listener of an event, and not as
    /// somebody who takes an error. It sees each error once, as `Error`. It is not told of
    /// [`ListenerAdded`](crate::events::ListenerAdded) and its like.
    ///
    /// # Re-entrancy
    ///
    /// It may do anything with the emitter. What it emits itself it does not see; others do.
    ///
    /// # Cost
    ///
    /// Nothing for those who do not use it. As long as there is one, a payload that is owned is cloned once
    /// more.
    #[track_caller]
    fn on_any(
        &self,
        mut listener: impl for<'a> FnMut(&Self, Self::Any<'a>) + Send + 'static,
    ) -> Listener {
        let listener = move |seat: &Seat<'_, Self, Any>, source: &Self, heard: Heard<'_, Self>| {
            if seat.number() > heard.newest {
                return Verdict::Missed;
            }
            listener(source, heard.event);
            Verdict::Taken
        };
        self.listeners().exclusive(self, Any, Place::Back, Conditional, listener)
    }

    /// Sets how many listeners one event may have before it is suspect; 0 for any number. Unless it is set,
    /// [`default_max_listeners`](crate::emitter::default_max_listeners) counts.
    ///
    /// One more than that is said once for each event, by [`ListenerLeak`](crate::events::ListenerLeak), or if nobody
    /// listens for it by the [hook](crate::emitter::on_leak) of the thread that adds the listener, and again after the
    /// event had no listeners at all. The listener is added in any case.
    ///
    /// ```
    /// use onward::{events, sync::Watching};
    ///
    /// events! { sync Room { Joined(&str) } }
    /// let room = Room::new();
    /// assert_eq!(room.max_listeners(), 1000);
    /// room.set_max_listeners(20_000); // every connection listens
    /// assert_eq!(room.max_listeners(), 20_000);
    /// ```
    fn set_max_listeners(&self, listeners: usize) {
        self.listeners().core().limit.store(kept(listeners), Ordering::Relaxed);
    }

    /// How many listeners one event may have before it is suspect; 0 for any number.
    fn max_listeners(&self) -> usize {
        let made = self.listeners().made();
        shown(made.map_or(0, |core| core.limit.load(Ordering::Relaxed)))
    }

    /// All listeners: how and where each was registered, where it stands, whether it is blocked, and whether it runs on
    /// this thread. (What others do is over by the time it is read.) Each event is looked at by itself, one after the
    /// other. For people: [`Dump`] shows the text.
    ///
    /// ```
    /// use onward::{events, sync::{Emitter, Watching}};
    ///
    /// events! { sync Room { Joined(&str), Closed() } }
    /// let room = Room::new();
    /// room.once(Joined, |_, name| println!("hello {name}"));
    /// assert!(room.dump().to_string().starts_with("Room\n  Joined\n    once, at "));
    /// ```
    fn dump(&self) -> Dump {
        let rows = self.listeners().made().into_iter().flat_map(|core| core.rows());
        let mut rows: Vec<_> = rows.collect();
        rows.sort_by_cached_key(|(_, row)| row.since());
        let event = |row: &dyn AnyRow| EventDump {
            event: row.name().into(),
            listeners: row.standing().into_iter().map(|(_, listener)| listener).collect(),
        };
        let events = rows.iter().map(|(_, row)| event(*row));
        Dump { emitter: Self::NAME, events: events.filter(|e| !e.listeners.is_empty()).collect() }
    }
}

impl<S: Emitter> Watching for S {}
