//! What a named emitter owns: the entries of keys in one [table](super::table), those of patterns on
//! [shelves](super::matching).
//!
//! An entry is there as long as it has listeners, or is about to get its first. Whoever may have removed a listener
//! has it [settled](Core::settle): one that has none left goes, or stays until the emit that walks it has ended.
//!
//! # Invariant
//!
//! Neither the table nor a shelf is borrowed while code of the user's runs, the `Eq` of a key included. Keys and
//! entries are dropped outside of any borrow.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::hash::BuildHasher;
use core::panic::Location;

use ahash::RandomState;

use super::emitter::NamedEmitter;
use super::entry::{Entry, Held, Seat};
use super::key::{Find, Select};
use super::matching::Shelf;
use super::table::Table;
use crate::emitter::event::Event;
use crate::emitter::leaks::{self, Leak};
use crate::emitter::list::Place;
use crate::emitter::listener::{Listener, Off, serial};
use crate::emitter::slot::Slot;

/// The inside of a [`NamedEmitter`].
#[allow(unnameable_types, missing_debug_implementations, reason = "for the storage alone")]
#[repr(C)] // what an emit looks at comes first, and side by side
pub struct Core {
    /// How many listeners patterns have. While there is none, an emit does not look for any.
    pub(super) patterns: Cell<usize>,
    hasher: RandomState,
    pub(super) table: Table,
    pub(super) shelves: RefCell<Vec<Rc<dyn Shelf>>>,
    /// Counts registrations: the number of each is its key, and its age.
    registrations: Cell<i64>,
    /// More listeners for an event than these are suspect; none: the default counts.
    pub(super) limit: Cell<usize>,
    serial: u32,
}

impl Core {
    pub(super) fn new() -> Self {
        Self {
            serial: serial(),
            registrations: Cell::new(0),
            hasher: RandomState::new(),
            limit: Cell::new(0),
            patterns: Cell::new(0),
            table: Table::default(),
            shelves: RefCell::default(),
        }
    }

    /// Half of the hash is all that is used: a [`Listener`] has room for as much, and finds its entry by it.
    #[inline(always)]
    pub(super) fn hash<F: Find>(&self, key: &F) -> u32 {
        let mut hasher = self.hasher.build_hasher();
        key.write_hash(&mut hasher);
        core::hash::Hasher::finish(&hasher) as u32
    }

    /// The number of the newest registration.
    pub(super) fn newest(&self) -> i64 {
        self.registrations.get()
    }

    pub(super) fn add<S: Select>(
        &self,
        at: S,
        place: Place,
        slot: impl FnOnce(i64, &'static Location<'static>) -> Slot<NamedEmitter, S::Event>,
        location: &'static Location<'static>,
    ) -> Listener {
        let number = self.registrations.get() + 1;
        self.registrations.set(number);
        let key = place.key(number);
        let seat = at.seat(self, key);
        let held = Held { core: self, entry: seat };
        let list = held.entry.list();
        list.add(number, key, || slot(key, location));
        let count = list.count();
        if leaks::is_suspect(count, self.limit.get()) {
            self.suspect(&*held.entry, count);
        }
        Listener { key, serial: self.serial, event: held.entry.hash() }
    }

    #[cold]
    fn suspect<E: Event<NamedEmitter>>(&self, seat: &dyn Seat<E>, count: usize) {
        let list = seat.list();
        if list.warn() {
            let (label, locations) = (seat.label(), list.locations());
            let leak = Leak::new("NamedEmitter", label, count, self.limit.get(), locations);
            leaks::report(&leak);
        }
    }

    /// The entries that may have the listener, one after the other.
    fn candidates(&self, listener: Listener) -> impl Iterator<Item = Held<'_, dyn Entry>> {
        let keyed = (0..).map_while(move |n| self.table.nth(listener.event, None, n));
        let patterned = (0..).map_while(|n| self.shelf(n));
        let patterned = patterned.filter_map(move |shelf| shelf.at(listener.key));
        keyed.chain(patterned).map(|entry| Held { core: self, entry })
    }

    fn shelf(&self, n: usize) -> Option<Rc<dyn Shelf>> {
        self.shelves.borrow().get(n).cloned()
    }

    /// Those with listeners, in the order in which they came to have them.
    pub(super) fn entries(&self) -> Vec<Rc<dyn Entry>> {
        let mut entries = self.table.entries();
        (0..).map_while(|n| self.shelf(n)).for_each(|shelf| entries.extend(shelf.entries()));
        entries.retain(|entry| entry.any_list().count() != 0);
        entries.sort_by_cached_key(|entry| entry.any_list().since());
        entries
    }

    /// Takes an entry off that has no listeners any more.
    pub(super) fn settle(&self, entry: &(impl Entry + ?Sized)) {
        if entry.any_list().is_idle() && entry.any_list().count() == 0 {
            entry.take_off(self);
        }
    }

    /// First all that can leave do, then captures are dropped, which may run any code.
    pub(super) fn clear(&self) {
        self.clear_all(self.entries());
    }

    pub(super) fn clear_all(&self, entries: Vec<Rc<dyn Entry>>) {
        let idle = entries.iter().filter(|entry| entry.any_list().is_idle());
        idle.for_each(|entry| entry.take_off(self));
        for entry in entries {
            Held { core: self, entry }.entry.any_list().clear();
        }
    }
}

impl Off for Core {
    fn off(&self, listener: Listener) -> bool {
        listener.serial == self.serial
            && self.candidates(listener).any(|at| at.entry.any_list().remove(listener.key))
    }

    fn block(&self, listener: Listener, block: bool) -> bool {
        listener.serial == self.serial
            && self.candidates(listener).any(|at| at.entry.any_list().block(listener.key, block))
    }
}

/// What listeners have captured goes in the order of registration, event by event.
impl Drop for Core {
    fn drop(&mut self) {
        self.clear();
    }
}
