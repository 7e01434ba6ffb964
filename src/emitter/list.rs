//! The one storage structure: the listeners of one event, in order.
//!
//! A list holds its current [`Snapshot`] behind an `Rc`. An emit takes a share of it and walks
//! it without holding any borrow, so a listener may do whatever it likes:
//!
//! - One that **adds** a listener finds the snapshot shared, and makes the list a copy of its
//!   own: the emit under way does not see the newcomer, and copies are made only in this case.
//! - One that **removes** a listener condemns the slot, which both snapshots share: it is not
//!   called any more. What remains of it in the snapshot, a tombstone, is swept when no emit
//!   walks there.
//!
//! Invariant: a slot that is live is in the current snapshot, and the snapshot knows how many
//! of its slots are not. No code of the user runs while the snapshot is out of its cell.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::Cell;
use core::fmt;
use core::mem;
use core::panic::Location;

use super::emission::Emitted;
use super::event::{Declared, Event};
use super::slot::{AnySlot, Outcome};

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
    spare: Cell<Option<Rc<Snapshot<S, E>>>>,
}

struct Snapshot<S: Declared, E: Event<S>> {
    /// Sorted by key.
    entries: Vec<Entry<S, E>>,
    condemned: Cell<usize>,
    /// When the list came to have listeners, as a number of registration.
    since: i64,
}

struct Entry<S: Declared, E: Event<S>> {
    key: i64,
    slot: AnySlot<S, E>,
    location: &'static Location<'static>,
}

impl<S: Declared, E: Event<S>> List<S, E> {
    /// Calls the listeners, lends the payload to each but the last and gives it to that one.
    ///
    /// Laid out for the way of most emits: to one listener, from outside.
    #[inline(never)]
    pub(super) fn emit(&self, source: &S, payload: E::Payload<'_>) -> Emitted {
        match self.spare.take() {
            Some(spare) => Walk { list: self, snapshot: Some(spare) }.run(source, payload),
            None => self.emit_nested(source, payload),
        }
    }

    /// Finds nothing to spare: there never was a listener, or an emit is under way.
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
    fn sweep(&self, sweep: impl FnOnce(&mut Snapshot<S, E>)) {
        drop(self.spare.take());
        let Some(mut current) = self.current.take() else { return };
        if let Some(snapshot) = Rc::get_mut(&mut current) {
            sweep(snapshot);
        }
        self.spare.set(Some(Rc::clone(&current)));
        self.current.set(Some(current));
    }
}

/// An emit under way. Gives its share of the snapshot back, whether it returns or panics.
struct Walk<'a, S: Declared, E: Event<S>> {
    list: &'a List<S, E>,
    snapshot: Option<Rc<Snapshot<S, E>>>,
}

impl<S: Declared, E: Event<S>> Walk<'_, S, E> {
    #[inline(always)]
    fn run(&self, source: &S, payload: E::Payload<'_>) -> Emitted {
        let Some(snapshot) = &self.snapshot else { return Emitted::NOBODY };
        match &*snapshot.entries {
            [] => Emitted::NOBODY,
            [only] => Emitted::of(only.slot.call(self.list, source, payload)),
            entries => self.run_several(entries, source, payload),
        }
    }

    #[inline(never)]
    fn run_several(
        &self,
        entries: &[Entry<S, E>],
        source: &S,
        mut payload: E::Payload<'_>,
    ) -> Emitted {
        let mut emitted = Emitted { called: entries.len(), skipped: 0 };
        let mut call = |entry: &Entry<S, E>, payload: E::Payload<'_>| {
            let outcome = entry.slot.call(self.list, source, payload);
            if outcome != Outcome::Called {
                emitted.missed(outcome);
            }
        };
        let mut entries = entries.iter();
        // A payload without a destructor may as well be lent to the last, too: a shorter loop.
        let last = if mem::needs_drop::<E::Payload<'_>>() { entries.next_back() } else { None };
        for entry in entries {
            call(entry, E::lend(&mut payload));
        }
        if let Some(last) = last {
            call(last, payload);
        }
        emitted
    }

    /// The list has changed while it was walked: its new snapshot has a share to spare already.
    #[cold]
    fn outdated(&self, spare: Rc<Snapshot<S, E>>) {
        drop(self.list.spare.replace(Some(spare)));
    }

    #[cold]
    fn sweep(&self) {
        self.list.sweep(Snapshot::sweep_all);
    }
}

impl<S: Declared, E: Event<S>> Drop for Walk<'_, S, E> {
    #[inline(always)]
    fn drop(&mut self) {
        let Some(snapshot) = self.snapshot.take() else { return };
        let condemned = snapshot.condemned.get() != 0;
        if let Some(spare) = self.list.spare.replace(Some(snapshot)) {
            self.outdated(spare);
        }
        if condemned {
            self.sweep();
        }
    }
}

impl<S: Declared, E: Event<S>> Snapshot<S, E> {
    fn len(&self) -> usize {
        self.entries.len() - self.condemned.get()
    }

    /// Most often it is the newest that is looked for.
    fn find(&self, key: i64) -> Option<&Entry<S, E>> {
        let newest = self.entries.last()?;
        if newest.key == key {
            return Some(newest);
        }
        let index = self.entries.binary_search_by_key(&key, |entry| entry.key).ok()?;
        Some(&self.entries[index])
    }

    /// In constant time, taken over many removals: the tombstones at the end go at once, the
    /// others when they are as many as the living.
    fn sweep_some(&mut self) {
        while self.entries.last().is_some_and(|entry| !entry.slot.is_live()) {
            self.entries.pop();
            *self.condemned.get_mut() -= 1;
        }
        if *self.condemned.get_mut() * 2 >= self.entries.len() {
            self.sweep_all();
        }
    }

    fn sweep_all(&mut self) {
        if self.condemned.take() != 0 {
            self.entries.retain(|entry| entry.slot.is_live());
        }
    }
}

/// A copy has no tombstones.
impl<S: Declared, E: Event<S>> Clone for Snapshot<S, E> {
    fn clone(&self) -> Self {
        // Whoever copies is about to add one.
        let mut entries = Vec::with_capacity(self.len() + 1);
        entries.extend(self.entries.iter().filter(|entry| entry.slot.is_live()).cloned());
        Self { entries, condemned: Cell::new(0), since: self.since }
    }
}

impl<S: Declared, E: Event<S>> Default for Snapshot<S, E> {
    fn default() -> Self {
        Self { entries: Vec::new(), condemned: Cell::new(0), since: 0 }
    }
}

impl<S: Declared, E: Event<S>> Clone for Entry<S, E> {
    fn clone(&self) -> Self {
        Self { key: self.key, slot: Rc::clone(&self.slot), location: self.location }
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
        let find = |snapshot: &Snapshot<S, E>| snapshot.find(key).map(|e| Rc::clone(&e.slot));
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
