//! The trait by which everyone watches.

use alloc::vec::Vec;
use core::panic::Location;

use super::any::{Any, Heard};
use super::dump::{Dump, EventDump};
use super::leaks;
use super::list::{AnyList, Place};
use super::listener::Listener;
use super::slot::{Slot, Verdict};
use super::subscribing::Emitter;

/// Watching an [`Emitter`] as a whole: all that it emits, and who listens.
///
/// Every emitter has these methods, and three events of its own, which need not be declared:
/// [`ListenerAdded`](crate::events::ListenerAdded), [`ListenerRemoved`](crate::events::ListenerRemoved) and
/// [`ListenerLeak`](crate::events::ListenerLeak).
///
/// None of it costs an emit anything as long as nobody watches.
pub trait Watching: Emitter {
    /// Adds a listener for all events. It is handed an enum, which [`events!`](crate::events!) makes: the
    /// variants are named as the events, and carry the payload by reference. A line `enum RoomEvent` in the
    /// declaration gives it a name, to match on; without, there are still its `name()` and its `Debug`.
    ///
    /// ```
    /// use onward::{Watching, events};
    ///
    /// events! {
    ///     Room {
    ///         Joined(&str),
    ///         Said(&str, &str),
    ///         Rules(&mut Vec<String>),
    ///         Closed(),
    ///         error std::io::Error,
    ///         /// All that happens in a room.
    ///         enum RoomEvent,
    ///     }
    /// }
    ///
    /// let room = Room::new();
    /// # let seen = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    /// # let s = std::rc::Rc::clone(&seen);
    /// # room.on_any(move |_, event| s.borrow_mut().push(format!("{event:?}")));
    /// room.on_any(|room, event| match event {
    ///     RoomEvent::Joined(name) => println!("{name} came"),
    ///     RoomEvent::Said(who, line) => println!("{who}: {line}"),
    ///     RoomEvent::Rules(rules) => println!("{} rules", rules.len()),
    ///     RoomEvent::Closed => println!("closed"),
    ///     RoomEvent::Error(error) => println!("{room:?}: {error}"),
    /// });
    /// room.on_any(|_, event| println!("{event:?}")); // Said("ada", "hello")
    /// room.emit(Said, ("ada", "hello"));
    /// # room.emit(Closed, ());
    /// # assert_eq!(*seen.borrow(), [r#"Said("ada", "hello")"#, "Closed"]);
    /// ```
    ///
    /// # Ordering
    ///
    /// It runs after the listeners of the event itself, and sees a `&mut` payload as they have left it. If
    /// one of them panics it is not called. Several run in the order of registration. One that was added
    /// meanwhile, or removed, is not called.
    ///
    /// It does not count: not in [`Emitted`](super::Emitted), not as a listener of an event, and not as
    /// somebody who takes an error. It sees each error once, as `Error`. It is not told of
    /// [`ListenerAdded`](crate::events::ListenerAdded) and its like, and does not let a socket begin to read.
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
    fn on_any(&self, mut listener: impl for<'a> FnMut(&Self, Self::Any<'a>) + 'static) -> Listener {
        let slot = |key, location| {
            let number = Place::number(key);
            let listener = move |source: &Self, heard: Heard<'_, Self>| {
                if number > heard.newest {
                    return Verdict::Missed;
                }
                listener(source, heard.event);
                Verdict::Taken
            };
            Slot::<Self, Any>::deciding(listener)(key, location)
        };
        self.listeners().core().add(self, Place::Back, Location::caller(), slot)
    }

    /// Sets how many listeners one event may have before it is suspect; 0 for any number. Unless it is set,
    /// [`default_max_listeners`](super::default_max_listeners) counts.
    ///
    /// One more than that is said once for each event, by
    /// [`ListenerLeak`](crate::events::ListenerLeak), or if nobody listens for it by the thread's
    #[cfg_attr(feature = "std", doc = "[hook](super::on_leak);")]
    #[cfg_attr(not(feature = "std"), doc = "hook (with the feature `std`);")]
    /// and again after the event had no listeners at all. The listener is added in any case.
    ///
    /// ```
    /// use onward::{Watching, events};
    ///
    /// events! { Room { Joined(&str) } }
    /// let room = Room::new();
    /// assert_eq!(room.max_listeners(), 1000);
    /// room.set_max_listeners(20_000); // every connection listens
    /// assert_eq!(room.max_listeners(), 20_000);
    /// ```
    fn set_max_listeners(&self, listeners: usize) {
        self.listeners().core().set_limit(leaks::kept(listeners));
    }

    /// How many listeners one event may have before it is suspect; 0 for any number.
    fn max_listeners(&self) -> usize {
        leaks::shown(self.listeners().made().map_or(0, |core| core.limit()))
    }

    /// All listeners as they are now: how and where each was registered, where it stands, whether it is
    /// blocked and whether it runs. For people: [`Dump`] has an example of the text.
    fn dump(&self) -> Dump {
        let lists = self.listeners().made().into_iter().flat_map(|core| core.lists());
        let mut lists: Vec<_> = lists.filter(|(_, list)| list.count() != 0).collect();
        lists.sort_by_key(|(_, list)| list.since());
        let event = |list: &dyn AnyList| EventDump {
            event: list.name().into(),
            listeners: list.standing(),
        };
        Dump { emitter: Self::NAME, events: lists.iter().map(|(_, list)| event(*list)).collect() }
    }
}

impl<S: Emitter> Watching for S {}
