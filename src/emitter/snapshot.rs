//! The listeners of one event as they are at one time.

use alloc::vec::Vec;
use core::cell::Cell;
use core::panic::Location;

use super::any_slot::AnySlot;
use super::event::{Declared, Event};

/// What an emit walks over. Not changed while one does, except that slots are condemned.
pub(super) struct Snapshot<S: Declared, E: Event<S>> {
    /// Sorted by key.
    pub(super) entries: Vec<Entry<S, E>>,
    /// How many of the entries are tombstones.
    pub(super) condemned: Cell<usize>,
    /// The number of the registration by which the event came to have listeners.
    pub(super) since: i64,
}

pub(super) struct Entry<S: Declared, E: Event<S>> {
    pub(super) key: i64,
    pub(super) slot: AnySlot<S, E>,
    pub(super) location: &'static Location<'static>,
}

impl<S: Declared, E: Event<S>> Snapshot<S, E> {
    /// The number of listeners.
    pub(super) fn len(&self) -> usize {
        self.entries.len() - self.condemned.get()
    }

    /// Most often it is the newest that is looked for.
    pub(super) fn find(&self, key: i64) -> Option<&Entry<S, E>> {
        let newest = self.entries.last()?;
        if newest.key == key {
            return Some(newest);
        }
        let index = self.entries.binary_search_by_key(&key, |entry| entry.key).ok()?;
        Some(&self.entries[index])
    }

    /// In constant time, taken over many removals: the tombstones at the end go at once, the
    /// others when they are as many as the living.
    pub(super) fn sweep_some(&mut self) {
        while self.entries.last().is_some_and(|entry| !entry.slot.is_live()) {
            self.entries.pop();
            *self.condemned.get_mut() -= 1;
        }
        if *self.condemned.get_mut() * 2 >= self.entries.len() {
            self.sweep_all();
        }
    }

    pub(super) fn sweep_all(&mut self) {
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
        Self { key: self.key, slot: self.slot.clone(), location: self.location }
    }
}
