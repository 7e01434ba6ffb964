//! The one storage structure: the listeners of one event, in order.
//!
//! A list has a current [`Snapshot`], of which an emit takes a share to [`Walk`] over. It holds no
//! borrow meanwhile, so a listener may do whatever it likes:
//!
//! - One that **adds** a listener finds the snapshot shared, and makes the list a copy of its
//!   own: the emit under way does not see the newcomer. Copies are made in this case only.
//! - One that **removes** a listener condemns the slot, which both snapshots share: it is not
//!   called any more. What remains of it in the snapshot, a tombstone, is swept when no emit
//!   walks there.
//!
//! Invariants: a slot that is live is in the current snapshot; a snapshot that is current knows how
//! many of its slots are not live; and no code of the user runs while a snapshot is out of its
//! cell, except for the share of an emit.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::Cell;
use core::fmt;
use core::mem;
use core::panic::Location;

use super::any_slot::AnySlot;
use super::emission::Emitted;
use super::event::{Declared, Event};

use super::snapshot::{Entry, Snapshot};
use super::walk::Walk;

/// Which end a listener is added at.
#[derive(Clone, Copy)]
pub(super) enum Place {
    Front,
    Back,
}

/// The listeners of one event of one emitter.
pub struct List<S: Declared, E: Event<S>> {
    /// Two shares of one snapshot, or none if there never was a listener.
    current: Cell<Option<Rc<Snapshot<S, E>>>>,
    /// The share that an emit takes and puts back, so that it need not count shares up and down.
    /// It is out while an emit walks, except if the list has changed since then.
    pub(super) spare: Cell<Option<Rc<Snapshot<S, E>>>>,
}

impl<S: Declared, E: Event<S>> List<S, E> {
    /// Calls the listeners in order. All that is inlined is the way of an emit to one listener.
    #[inline(always)]
    pub(super) fn emit(&self, source: &S, payload: E::Payload<'_>) -> Emitted {
        match self.spare.take() {
            Some(spare) => Walk { list: self, snapshot: Some(spare) }.run(source, payload),
            None => self.emit_nested(source, payload),
        }
    }

    /// An emit that finds nothing to spare: there never was a listener, or it comes from inside
    /// of another one.
    #[cold]
    fn emit_nested(&self, source: &S, payload: E::Payload<'_>) -> Emitted {
        let current = self.current.take();
        self.current.set(current.clone());
        Walk { list: self, snapshot: current }.run(source, payload)
    }

    /// Adds a listener under a key that no other has had. A key for the front is less than all
    /// others of the list, one for the back greater.
    pub(super) fn add(
        &self,
        place: Place,
        key: i64,
        slot: AnySlot<S, E>,
        location: &'static Location<'static>,
    ) {
        let entry = Entry { key, slot, location };
        self.edit(|snapshot| {
            if snapshot.len() == 0 {
                snapshot.since = key.abs();
            }
            match place {
                Place::Front => snapshot.entries.insert(0, entry),
                Place::Back => snapshot.entries.push(entry),
            }
        });
    }

    /// Notes that a live slot of this list has just been condemned.
    pub(super) fn count_condemned(&self) {
        self.look(|snapshot| snapshot.condemned.set(snapshot.condemned.get() + 1));
    }

    /// Looks at the current snapshot.
    fn look<R>(&self, look: impl FnOnce(&Snapshot<S, E>) -> R) -> Option<R> {
        let current = self.current.take()?;
        let answer = look(&current);
        self.current.set(Some(current));
        Some(answer)
    }

    /// Changes the snapshot, or a copy of it if an emit walks there.
    fn edit(&self, edit: impl FnOnce(&mut Snapshot<S, E>)) {
        drop(self.spare.take());
        let mut current = self.current.take().unwrap_or_default();
        edit(Rc::make_mut(&mut current));
        self.spare.set(Some(Rc::clone(&current)));
        self.current.set(Some(current));
    }

    /// Sweeps the tombstones with `sweep`, unless an emit walks among them.
    pub(super) fn sweep(&self, sweep: impl FnOnce(&mut Snapshot<S, E>)) {
        drop(self.spare.take());
        let Some(mut current) = self.current.take() else { return };
        if let Some(snapshot) = Rc::get_mut(&mut current) {
            sweep(snapshot);
        }
        self.spare.set(Some(Rc::clone(&current)));
        self.current.set(Some(current));
    }
}

impl<S: Declared, E: Event<S>> Default for List<S, E> {
    fn default() -> Self {
        Self { current: Cell::new(None), spare: Cell::new(None) }
    }
}

impl<S: Declared, E: Event<S>> fmt::Debug for List<S, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.locations()).finish()
    }
}

/// A list whose event is not known: what works on all events of an emitter.
pub trait AnyList {
    /// The event's name.
    fn name(&self) -> &'static str;
    /// How many listeners there are.
    fn count(&self) -> usize;
    /// When the event came to have listeners.
    fn since(&self) -> i64;
    /// Where the listeners were registered.
    fn locations(&self) -> Vec<&'static Location<'static>>;
    /// Removes one.
    fn remove(&self, key: i64) -> bool;
    /// Removes all.
    fn clear(&self);
}

impl<S: Declared, E: Event<S>> AnyList for List<S, E> {
    fn name(&self) -> &'static str {
        E::NAME
    }

    fn count(&self) -> usize {
        self.look(Snapshot::len).unwrap_or(0)
    }

    fn since(&self) -> i64 {
        self.look(|snapshot| snapshot.since).unwrap_or(0)
    }

    fn locations(&self) -> Vec<&'static Location<'static>> {
        let live = |entry: &&Entry<S, E>| entry.slot.is_live();
        self.look(|s| s.entries.iter().filter(live).map(|entry| entry.location).collect())
            .unwrap_or_default()
    }

    fn remove(&self, key: i64) -> bool {
        let find = |snapshot: &Snapshot<S, E>| snapshot.find(key).map(|e| e.slot.clone());
        let Some(slot) = self.look(find).flatten().filter(|slot| slot.condemn()) else {
            return false;
        };
        self.count_condemned();
        slot.reap();
        self.sweep(Snapshot::sweep_some);
        true
    }

    fn clear(&self) {
        let mut removed = Vec::new();
        self.edit(|snapshot| removed = mem::take(snapshot).entries);
        // First all are out of use, then captures are dropped, which may run any code.
        removed.retain(|entry| entry.slot.condemn());
        removed.iter().for_each(|entry| entry.slot.reap());
    }
}
