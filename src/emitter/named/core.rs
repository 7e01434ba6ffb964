//! What a named emitter owns: a shelf for each type of key, on which the lists stand.
//!
//! An entry is on its shelf as long as it has listeners, or is about to get its first. Whoever may have removed a
//! listener holds a [`Visit`], which takes an entry that has none left off its shelf. An emit under way keeps the
//! entry alive; what is added meanwhile under the same key starts a new one.
//!
//! # Invariant
//!
//! `shelves` is borrowed only by functions that run no code of the user's, but for the `Eq` of a key. Listeners and
//! captures never run under a borrow; keys and entries are dropped outside of one.

use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::any::TypeId;
use core::cell::{Cell, RefCell};
use core::hash::BuildHasher;
use core::panic::Location;

use ahash::RandomState;

use super::emitter::NamedEmitter;
use super::key::{Find, Select};
use super::shelves::Shelves;
use crate::emitter::event::Event;
use crate::emitter::leaks::{self, Leak};
use crate::emitter::list::{AnyList, List, Place};
use crate::emitter::listener::{Listener, Off, serial};
use crate::emitter::slot::Slot;

/// The inside of a [`NamedEmitter`].
#[allow(unnameable_types, missing_debug_implementations, reason = "for the storage alone")]
pub struct Core {
    serial: u32,
    /// Counts registrations: the number of each is its key, and its age.
    registrations: Cell<i64>,
    hasher: RandomState,
    /// More listeners for an event than these are suspect; none: the default counts.
    pub(super) limit: Cell<usize>,
    /// How many listeners patterns have. While there is none, an emit does not look for any.
    pub(super) patterns: Cell<usize>,
    pub(super) shelves: RefCell<Shelves>,
}

/// A list, and what leads to it.
#[allow(unnameable_types, reason = "for the storage alone")]
pub trait Entry {
    fn any_list(&self) -> &dyn AnyList;
    /// The name for people.
    fn label(&self) -> String;
    /// Several entries of the same text and type are one event.
    fn shared(&self) -> Option<TypeId>;
    /// For [`Listener`]'s field.
    fn event(&self) -> u32;
    /// Takes it off its shelf, if it is still there.
    fn take_off(&self, core: &Core);
}

/// An entry whose event is known.
#[allow(unnameable_types, reason = "for the storage alone")]
pub trait Seat<E: Event<NamedEmitter>>: Entry {
    fn list(&self) -> &List<NamedEmitter, E>;
}

/// Somebody is at an entry who may remove listeners.
pub(super) struct Visit<'a, E: Entry + ?Sized> {
    pub(super) core: &'a Core,
    pub(super) entry: Rc<E>,
}

impl<E: Entry + ?Sized> Drop for Visit<'_, E> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.entry.any_list().is_empty() {
            self.entry.take_off(self.core);
        }
    }
}

impl Core {
    pub(super) fn new() -> Self {
        Self {
            serial: serial(),
            registrations: Cell::new(0),
            hasher: RandomState::new(),
            limit: Cell::new(0),
            patterns: Cell::new(0),
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
        seat.list().add(number, key, || slot(key, location));
        let count = seat.list().count();
        if leaks::is_suspect(count, self.limit.get()) {
            self.suspect(&*seat, count);
        }
        Listener { key, serial: self.serial, event: seat.event() }
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

    /// The n-th of the entries that may have the listener.
    fn candidate(&self, listener: Listener, n: usize) -> Option<Visit<'_, dyn Entry>> {
        let entry = self.shelves.borrow().candidate(listener, n)?;
        Some(Visit { core: self, entry })
    }

    /// Those with listeners, in the order in which they came to have them.
    pub(super) fn entries(&self) -> Vec<Rc<dyn Entry>> {
        let mut entries = self.shelves.borrow().entries();
        entries.retain(|entry| entry.any_list().count() != 0);
        entries.sort_by_cached_key(|entry| entry.any_list().since());
        entries
    }

    /// First all leave the shelves, then captures are dropped, which may run any code.
    pub(super) fn clear(&self) {
        let entries = self.entries();
        self.shelves.borrow_mut().clear();
        self.patterns.set(0);
        entries.iter().for_each(|entry| entry.any_list().clear());
    }
}

impl Off for Core {
    fn off(&self, listener: Listener) -> bool {
        listener.serial == self.serial
            && (0..)
                .map_while(|n| self.candidate(listener, n))
                .any(|visit| visit.entry.any_list().remove(listener.key))
    }

    fn block(&self, listener: Listener, block: bool) -> bool {
        listener.serial == self.serial
            && (0..)
                .map_while(|n| self.candidate(listener, n))
                .any(|visit| visit.entry.any_list().block(listener.key, block))
    }
}

/// What listeners have captured goes in the order of registration, event by event.
impl Drop for Core {
    fn drop(&mut self) {
        self.clear();
    }
}
