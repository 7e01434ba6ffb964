//! The entries of one type of key, in a hash table.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::any::TypeId;

use hashbrown::HashTable;

use super::core::{Core, Entry, Seat};
use super::emitter::NamedEmitter;
use super::key::{Find, Key, Select};
use super::payload::Carried;
use super::shelves::Shelf;
use crate::emitter::list::{AnyList, List};
use crate::emitter::listener::Listener;

/// A table or a vector with room for this many is left as it is, however few there are in it.
pub(super) const SMALL: usize = 64;

pub(super) struct KeyShelf<K: Key> {
    table: HashTable<Rc<Keyed<K>>>,
}

/// The listeners of one key.
pub(super) struct Keyed<K: Key> {
    pub(super) list: List<NamedEmitter, Carried<K::Payload>>,
    hash: u32,
    key: K,
}

/// The table wants its highest bits and its lowest to be good.
#[inline]
fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

impl Core {
    /// The listeners of a key, if there are any.
    #[inline(always)]
    pub(super) fn find<F: Find>(&self, key: &F) -> Option<Rc<Keyed<F::Key>>> {
        let hash = self.hash(key);
        let shelves = self.shelves.borrow();
        let KeyShelf { table } = shelves.get::<KeyShelf<F::Key>>()?;
        let same = |entry: &Rc<Keyed<_>>| key.finds(&entry.key);
        table.find(spread(hash), same).cloned()
    }
}

impl<F: Find> Select for F {
    type Event = Carried<<F::Key as Key>::Payload>;

    fn seat(self, core: &Core, _: i64) -> Rc<dyn Seat<Self::Event>> {
        let key = self.into_key();
        let hash = core.hash(&key);
        let new = Rc::new(Keyed { list: List::default(), hash, key });
        let mut shelves = core.shelves.borrow_mut();
        shelves.with(|KeyShelf { table }| {
            let same = |entry: &Rc<Keyed<F::Key>>| entry.key == new.key;
            let place = table.entry(spread(hash), same, |entry| spread(entry.hash));
            Rc::clone(place.or_insert_with(|| Rc::clone(&new)).get())
        })
    }

    fn entries(&self, core: &Core) -> Vec<Rc<dyn Entry>> {
        core.find(self).into_iter().map(|entry| entry as _).collect()
    }
}

impl<K: Key> Shelf for KeyShelf<K> {
    fn candidate(&self, listener: Listener, n: usize) -> Option<Rc<dyn Entry>> {
        let alike = self.table.iter_hash(spread(listener.event));
        let entry = alike.filter(|entry| entry.hash == listener.event).nth(n)?;
        Some(Rc::clone(entry) as _)
    }

    fn entries(&self) -> Vec<Rc<dyn Entry>> {
        self.table.iter().map(|entry| Rc::clone(entry) as _).collect()
    }
}

impl<K: Key> Entry for Keyed<K> {
    #[inline]
    fn any_list(&self) -> &dyn AnyList {
        &self.list
    }

    fn label(&self) -> String {
        self.key.name().map_or_else(|| format!("{:?}", self.key), String::from)
    }

    fn shared(&self) -> Option<TypeId> {
        None
    }

    fn event(&self) -> u32 {
        self.hash
    }

    #[cold]
    fn take_off(&self, core: &Core) {
        let mut shelves = core.shelves.borrow_mut();
        let Some(KeyShelf { table }) = shelves.get_mut::<KeyShelf<K>>() else { return };
        let found = table.find_entry(spread(self.hash), |entry| core::ptr::eq(&**entry, self));
        if let Ok(found) = found {
            // It is not the last: whoever calls this has one.
            drop(found.remove());
            if table.capacity() > SMALL && table.len() < table.capacity() / 8 {
                table.shrink_to(table.len() * 2, |entry| spread(entry.hash));
            }
        }
    }
}

impl<K: Key> Seat<Carried<K::Payload>> for Keyed<K> {
    fn list(&self) -> &List<NamedEmitter, Carried<K::Payload>> {
        &self.list
    }
}

impl<K: Key> Default for KeyShelf<K> {
    fn default() -> Self {
        Self { table: HashTable::new() }
    }
}
