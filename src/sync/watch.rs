//! Those who watch an emitter: the rows of the events that every emitter has.

use core::fmt;
use core::panic::Location;
use std::collections::VecDeque;
use std::sync::OnceLock;

use super::links::Links;
use super::listeners::AnyRow;
use super::primitives::{Mutex, MutexGuard, Ordering, lock};
use super::row::Row;
use super::stamp;
use super::subscribing::Emitter;
use super::turn::Turn;
use crate::emitter::names::{ListenerAdded, ListenerLeak, ListenerRemoved};
use crate::emitter::watches::Any;
use crate::emitter::{Declared, Event, Listener, ListenerInfo};

/// Is made for the first who watches.
pub(super) struct Watch<S: Declared> {
    pub(super) added: Row<S, ListenerAdded>,
    pub(super) removed: Row<S, ListenerRemoved>,
    pub(super) leaks: Row<S, ListenerLeak>,
    pub(super) any: Row<S, Any>,
    /// Of who adds or removes a listener, and tells of it.
    pub(super) turn: Turn,
    /// How to find the emitter when it is not at hand, if there is a way.
    recall: OnceLock<Option<Recall<S>>>,
    /// Removals that nobody has been told of yet, for the emitter was not at hand.
    untold: Mutex<VecDeque<Gone>>,
    pub(super) links: Links,
}

/// A listener that was removed.
pub(super) struct Gone {
    pub(super) event: &'static str,
    pub(super) index: u16,
    pub(super) others: usize,
    pub(super) location: &'static Location<'static>,
    pub(super) listener: Listener,
}

impl Gone {
    /// As it is told.
    pub(super) fn info<S: Declared>(&self) -> ListenerInfo<S> {
        let Self { event, index, others, location, listener } = *self;
        ListenerInfo::new(event, index, others, location, Some(listener))
    }
}

impl<S: Declared> Watch<S> {
    /// All rows, with their indices.
    pub(super) fn rows(&self) -> impl Iterator<Item = (u16, &dyn AnyRow)> {
        let rows: [(u16, &dyn AnyRow); 4] = [
            (<Any as Event<S>>::INDEX, &self.any),
            (<ListenerLeak as Event<S>>::INDEX, &self.leaks),
            (<ListenerRemoved as Event<S>>::INDEX, &self.removed),
            (<ListenerAdded as Event<S>>::INDEX, &self.added),
        ];
        rows.into_iter()
    }

    /// Is somebody told of listeners that come or go?
    pub(super) fn is_told(&self) -> bool {
        self.added.count() != 0 || self.removed.count() != 0
    }

    /// By itself, so that who is not watched does nothing for it.
    #[cold]
    #[inline(never)]
    pub(super) fn is_told_of_removals(&self) -> bool {
        self.removed.count() != 0
    }

    /// Has an emit more to do because of those who watch?
    pub(super) fn is_wanted(&self) -> bool {
        self.any.count() != 0 || !self.untold().is_empty()
    }

    /// The newest of those who hear all events, if there is one.
    pub(super) fn newest_of_any(&self) -> Option<i64> {
        let newest = || stamp::number(self.any.newest.load(Ordering::Acquire));
        (self.any.count() != 0).then(newest)
    }

    pub(super) fn recall(&self) -> Option<&Recall<S>> {
        self.recall.get()?.as_ref()
    }

    /// Locked for a moment, in which nothing of the user's runs.
    pub(super) fn untold(&self) -> MutexGuard<'_, VecDeque<Gone>> {
        lock(&self.untold)
    }
}

impl<S: Emitter> Watch<S> {
    pub(super) fn keep_recall(&self, source: &S) {
        if self.recall.get().is_none() {
            let recall = source.recall();
            // If somebody else has begun to watch meanwhile, there is one by now.
            let _ = self.recall.set(recall);
        }
    }
}

impl<S: Declared> Default for Watch<S> {
    fn default() -> Self {
        Self {
            added: Row::default(),
            removed: Row::default(),
            leaks: Row::default(),
            any: Row::default(),
            turn: Turn::new(),
            recall: OnceLock::new(),
            untold: Mutex::new(VecDeque::new()),
            links: Links::new(),
        }
    }
}

/// A way to find an emitter when it is not at hand, on any thread: what
/// [`Emitter::recall`](super::Emitter::recall) returns.
///
/// It should hold the emitter weakly: as long as somebody watches, the emitter keeps it.
///
/// ```
/// use onward::sync::{Emitter, EventEmitter, Listeners, Recall};
/// use onward::{events, events::ListenerRemoved};
/// use std::sync::Arc;
///
/// struct Door(Arc<EventEmitter<Door>>);
/// events! { for Door { Opened() } }
///
/// impl Emitter for Door {
///     fn listeners(&self) -> &Listeners<Door> {
///         &self.0
///     }
///     fn recall(&self) -> Option<Recall<Door>> {
///         let door = Arc::downgrade(&self.0);
///         Some(Recall::new(move || door.upgrade().map(Door)))
///     }
/// }
///
/// let door = Door(Arc::new(EventEmitter::new()));
/// # let (tell, told) = std::sync::mpsc::channel();
/// # door.on(ListenerRemoved, move |_, _| tell.send(()).unwrap());
/// door.on(ListenerRemoved, |_, removed| println!("no more {removed}"));
/// drop(door.on_scoped(Opened, |_, ()| {})); // no more Opened, at ..
/// # assert!(told.try_recv().is_ok());
/// ```
pub struct Recall<S>(Box<dyn Fn() -> Option<S> + Send + Sync>);

impl<S> Recall<S> {
    /// From a closure that returns the emitter, or `None` if it is gone.
    pub fn new(find: impl Fn() -> Option<S> + Send + Sync + 'static) -> Self {
        Self(Box::new(find))
    }

    pub(super) fn find(&self) -> Option<S> {
        (self.0)()
    }
}

impl<S> fmt::Debug for Recall<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recall")
    }
}
