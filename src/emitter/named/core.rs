//! What a named emitter owns: the entries of keys in one [table](super::table), those of patterns on
//! [shelves](super::matching).
//!
//! An entry is there as long as it has listeners, or is about to get its first, or is the end of a relay. Whoever may
//! have removed a listener has it [settled](Core::settle): one that has none left goes, or stays until the emit that
//! walks it has ended.
//!
//! # Invariant
//!
//! Neither the table nor a shelf is borrowed while code of the user's runs, the `Eq` of a key included. Keys and
//! entries are dropped outside of any borrow.

use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::cell::{Cell, OnceCell, RefCell};
use core::hash::BuildHasher;
use core::panic::Location;

use ahash::RandomState;

use super::emitter::NamedEmitter;
use super::entry::{Entry, Expected, Held, Seat};
use super::key::{Find, Select};
use super::matching::Shelf;
use super::table::Table;
use crate::emitter::event::Event;
use crate::emitter::leaks::{self, Leak};
use crate::emitter::list::Place;
use crate::emitter::listener::{Listener, Off, serial};
use crate::emitter::names::ListenerLeak;
use crate::emitter::options::Options;
use crate::emitter::slot::Slot;

/// Names may come from strangers: what hashes them is not to be guessed, and is chosen once in a process.
#[cfg(feature = "std")]
fn hasher() -> RandomState {
    use std::collections::hash_map::RandomState as Random;
    static CHOSEN: std::sync::OnceLock<RandomState> = std::sync::OnceLock::new();
    let choose = || {
        let random = Random::new();
        let [a, b, c, d] = [0_u8, 1, 2, 3].map(|seed| random.hash_one(seed));
        RandomState::with_seeds(a, b, c, d)
    };
    CHOSEN.get_or_init(choose).clone()
}

/// Where there is nothing to choose by but the addresses of things.
#[cfg(not(feature = "std"))]
fn hasher() -> RandomState {
    RandomState::new()
}

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
    /// Somebody watches, or did.
    pub(super) watched: Cell<bool>,
    options: Option<Rc<Options<NamedEmitter>>>,
    /// An error of a listener is being raised.
    pub(super) failing: Cell<bool>,
    this: Weak<Self>,
}

impl Core {
    pub(super) fn new(options: Option<Options<NamedEmitter>>) -> Rc<Self> {
        Rc::new_cyclic(|this| Self {
            serial: serial(),
            registrations: Cell::new(0),
            hasher: hasher(),
            limit: Cell::new(0),
            patterns: Cell::new(0),
            table: Table::default(),
            shelves: RefCell::default(),
            watched: Cell::new(false),
            options: options.map(Rc::new),
            failing: Cell::new(false),
            this: Weak::clone(this),
        })
    }

    /// The emitter that listeners are handed, unless it is about to go.
    pub(super) fn source(&self) -> Option<NamedEmitter> {
        Some(NamedEmitter::of(self.this.upgrade()?))
    }

    pub(super) fn weak(&self) -> &Weak<Self> {
        &self.this
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

    /// Adds a listener. Whoever watches is told before.
    pub(super) fn add<S: Select>(
        &self,
        source: &NamedEmitter,
        at: S,
        place: Place,
        location: &'static Location<'static>,
        slot: impl FnOnce(Listener, &'static Location<'static>) -> Slot<NamedEmitter, S::Event>,
    ) -> Listener {
        let expected = Expected::new(self, at.seat(self));
        let seat = &*expected.seat;
        if self.watched.get() {
            self.announce(source, Rc::clone(&expected.seat).as_entry(), location);
        }
        let number = self.registrations.get() + 1;
        self.registrations.set(number);
        let key = place.key(number);
        Rc::clone(&expected.seat).take_place(self, key);
        let listener = self.listener(seat.hash(), key);
        let list = seat.list();
        self.configure(seat);
        list.add(number, key, || slot(listener, location));
        let count = list.count();
        if S::BUILT_IN {
            self.watch();
        }
        if leaks::is_suspect(count, self.limit.get()) {
            self.suspect(source, seat, count);
        }
        listener
    }

    /// The handle of the listener with this key.
    pub(super) fn listener(&self, event: u32, key: i64) -> Listener {
        Listener { key, serial: self.serial, event }
    }

    /// Lets a list know of the emitter's options, if it has any.
    pub(super) fn configure<E: Event<NamedEmitter>>(&self, seat: &dyn Seat<E>) {
        if let Some(options) = &self.options {
            seat.list().configure(options);
        }
    }

    #[cold]
    fn suspect<E: Event<NamedEmitter>>(
        &self,
        source: &NamedEmitter,
        seat: &dyn Seat<E>,
        count: usize,
    ) {
        let list = seat.list();
        if !list.has_warned() {
            list.warn();
            let (label, locations) = (seat.label(), list.locations());
            let leak = Leak::new("NamedEmitter", label, count, self.limit.get(), locations);
            if !self.watched.get() || !self.emit(source, &ListenerLeak, &leak).handled() {
                leaks::report(&leak);
            }
        }
    }

    /// The entries that may have the listener, one after the other.
    fn candidates(&self, listener: Listener) -> impl Iterator<Item = Held<'_, dyn Entry>> {
        let ours = listener.serial == self.serial;
        let keyed = (0..).map_while(move |n| self.table.nth(listener.event, None, n));
        let patterned = (0..).map_while(|n| self.shelf(n));
        let patterned = patterned.filter_map(move |shelf| shelf.at(listener.key));
        let all = keyed.chain(patterned).take_while(move |_| ours);
        all.map(|entry| Held { core: self, entry })
    }

    pub(super) fn shelf(&self, n: usize) -> Option<Rc<dyn Shelf>> {
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

    /// Takes an entry off that has no listeners any more, if nobody walks it.
    pub(super) fn settle(&self, entry: &(impl Entry + ?Sized)) {
        let list = entry.any_list();
        let is_over = || list.is_idle() && list.count() == 0;
        // Whether it is wanted, code of the user's says, which may add one.
        if is_over() && !entry.is_wanted() && is_over() {
            entry.take_off(self);
        }
    }

    /// Takes those off that were only kept for relays whose source has gone, of which nobody tells.
    #[cold]
    pub(super) fn sweep(&self) {
        let entries = self.table.entries();
        let empty = entries.iter().filter(|entry| entry.any_list().count() == 0);
        empty.for_each(|entry| self.settle(&**entry));
    }

    /// Removes a listener, and tells of it.
    pub(super) fn remove(&self, listener: Listener) -> bool {
        self.candidates(listener).any(|at| self.remove_at(&at.entry, listener))
    }

    pub(super) fn remove_at(&self, entry: &Rc<dyn Entry>, listener: Listener) -> bool {
        let list = entry.any_list();
        if !self.watched.get() {
            return list.remove(listener.key);
        }
        let location = list.location(listener.key);
        let removed = list.remove(listener.key);
        if let (Some(location), true) = (location, removed) {
            if let Some(source) = self.source() {
                self.tell_removed(&source, entry, listener, location);
            }
        }
        removed
    }

    /// Removes all and tells nobody. First all that can leave do, then captures are dropped, which may run any code.
    pub(super) fn clear(&self) {
        self.clear_all(self.entries());
    }

    pub(super) fn clear_all(&self, entries: Vec<Rc<dyn Entry>>) {
        let leave = |entry: &&Rc<dyn Entry>| entry.any_list().is_idle() && !entry.is_wanted();
        entries.iter().filter(leave).for_each(|entry| entry.take_off(self));
        for entry in entries {
            Held { core: self, entry }.entry.any_list().clear();
        }
    }
}

/// For handles.
impl Off for Core {
    fn off(&self, listener: Listener) -> bool {
        self.remove(listener)
    }

    fn block(&self, listener: Listener, block: bool) -> bool {
        self.candidates(listener).any(|at| at.entry.any_list().block(listener.key, block))
    }
}

/// What listeners have captured goes in the order of registration, event by event.
impl Drop for Core {
    fn drop(&mut self) {
        self.clear();
    }
}

/// A core, made for the first who needs it.
pub(super) type Made = OnceCell<Rc<Core>>;
