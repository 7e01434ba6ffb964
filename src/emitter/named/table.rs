//! The entries of all keys, of whatever type, in one hash table.
//!
//! # Invariants
//!
//! 1. Nothing of the user's runs while there is a reference to the table: no key is compared here whose `Eq` is not
//!    [ours](super::ours::Ours), and no entry is dropped.
//! 2. A [`Standing`]'s `at` points to its entry, which is a `Keyed<K>`, where `id` is the id of `K`.
//! 3. An entry is not taken off while its list is walked, see [`Core::settle`]. So whoever emits need not count: from
//!    the look at the table to the frame that is linked nothing of the user's runs, nor does it after the frame was
//!    taken out. In lists that are special it does, so they are entered [held](Held); one that becomes special while
//!    it is walked is [kept](super::entry::State::kept) until that emit has ended.
#![allow(
    unsafe_code,
    reason = "each emit looks here: to count who is at an entry, or to borrow the table, is a tenth of its time each"
)]

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::any::TypeId;
use core::cell::{Cell, UnsafeCell};
use core::ptr::{self, NonNull};

use super::core::Core;
use super::emitter::NamedEmitter;
use super::entry::{Entry, Held, Keyed};
use super::key::{Find, Key};
use super::places::Places;
use crate::emitter::emission::Emitted;
use crate::emitter::tally::Tally;

#[derive(Default)]
pub(super) struct Table(UnsafeCell<Places<Standing>>);

struct Standing {
    id: TypeId,
    at: NonNull<()>,
    entry: Rc<dyn Entry>,
}

impl Table {
    /// Has something done with the places, by code of ours.
    #[inline(always)]
    fn with<R>(&self, work: impl FnOnce(&mut Places<Standing>) -> R) -> R {
        // SAFETY: it belongs to one thread, and by invariant 1 nobody else has a reference to it meanwhile.
        work(unsafe { &mut *self.0.get() })
    }

    /// Where the entry is that is found by a key of ours.
    #[inline(always)]
    fn find<F: Find>(&self, key: &F, hash: u32) -> Option<NonNull<Keyed<F::Key>>> {
        let id = TypeId::of::<F::Key>();
        let same = |standing: &Standing| {
            let at = standing.at.cast::<Keyed<F::Key>>();
            // SAFETY: by invariant 2 it is one. It stays on the table meanwhile: to compare runs our code only.
            standing.id == id && key.finds(unsafe { &at.as_ref().key })
        };
        self.with(|places| Some(places.find(hash, same)?.at.cast()))
    }

    /// The n-th of the entries with this hash, and of this type of keys if one is given.
    #[inline(always)]
    pub(super) fn nth(&self, hash: u32, id: Option<TypeId>, mut n: usize) -> Option<Rc<dyn Entry>> {
        let is_it = |standing: &Standing| {
            let alike = id.is_none_or(|id| standing.id == id);
            let is_it = alike && n == 0;
            n -= usize::from(alike && !is_it);
            is_it
        };
        self.with(|places| Some(Rc::clone(&places.find(hash, is_it)?.entry)))
    }

    /// The entry of a key, if there is one.
    #[inline(always)]
    pub(super) fn entry<F: Find>(&self, key: &F, hash: u32) -> Option<Rc<Keyed<F::Key>>> {
        let id = TypeId::of::<F::Key>();
        // What compares may do anything with the table.
        (0..).map_while(|n| self.nth(hash, Some(id), n)).find_map(|entry| {
            // SAFETY: by invariant 2 it is one.
            let entry = unsafe { Rc::from_raw(Rc::into_raw(entry).cast::<Keyed<F::Key>>()) };
            key.finds(&entry.key).then_some(entry)
        })
    }

    pub(super) fn insert<K: Key>(&self, entry: Rc<Keyed<K>>) {
        let (id, hash) = (TypeId::of::<K>(), entry.hash);
        let at = Rc::into_raw(entry);
        // SAFETY: it has just come from the `Rc`, which is made again.
        let (at, entry) =
            unsafe { (NonNull::new_unchecked(at.cast_mut()).cast(), Rc::from_raw(at)) };
        self.with(|places| places.insert(hash, Standing { id, at, entry }));
    }

    /// Is there no room for one more?
    pub(super) fn is_full(&self) -> bool {
        self.with(|places| places.is_full())
    }

    /// Takes an entry off, if it is there.
    pub(super) fn take_off(&self, entry: &dyn Entry) -> Option<Rc<dyn Entry>> {
        let at = ptr::from_ref(entry).cast::<()>();
        let is_it = |standing: &Standing| ptr::eq(standing.at.as_ptr(), at);
        self.with(|places| places.remove(entry.hash(), is_it)).map(|standing| standing.entry)
    }

    /// All entries, in no order.
    pub(super) fn entries(&self) -> Vec<Rc<dyn Entry>> {
        self.with(|places| places.values().map(|standing| Rc::clone(&standing.entry)).collect())
    }
}

/// An entry, counted.
///
/// # Safety
///
/// It is on the table, or held by somebody else, and the pointer came from its `Rc`.
unsafe fn hold<K: Key>(at: NonNull<Keyed<K>>) -> Rc<Keyed<K>> {
    // SAFETY: as the caller promises.
    unsafe {
        Rc::increment_strong_count(at.as_ptr());
        Rc::from_raw(at.as_ptr())
    }
}

/// Somebody is at an entry without having counted.
struct Passing<'a, K: Key> {
    core: &'a Core,
    at: NonNull<Keyed<K>>,
    /// Something has happened meanwhile: there may be no listener left.
    heed: Cell<bool>,
}

/// Has it noted that something has happened, when dropped.
struct Heed<'a>(&'a Cell<bool>);

impl Drop for Heed<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.0.set(true);
    }
}

impl<K: Key> Drop for Passing<'_, K> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.heed.get() {
            settle(self.core, self.at);
        }
    }
}

#[cold]
#[inline(never)]
fn settle<K: Key>(core: &Core, at: NonNull<Keyed<K>>) {
    // SAFETY: by invariant 3 it is there still.
    let entry = unsafe { hold(at) };
    let kept = entry.state.kept.take();
    core.settle(&*entry);
    drop(kept);
}

impl Core {
    /// Calls the listeners of a key.
    #[inline(always)]
    pub(super) fn emit<F: Find>(
        &self,
        source: &NamedEmitter,
        key: &F,
        payload: &<F::Key as Key>::Payload,
    ) -> Emitted {
        let hash = self.hash(key);
        if F::OURS.is_ours() {
            let Some(at) = self.table.find(key, hash) else { return Emitted::NOBODY };
            // SAFETY: it is on the table.
            unsafe { self.emit_at(source, at, payload) }
        } else {
            let Some(entry) = self.table.entry(key, hash) else { return Emitted::NOBODY };
            // SAFETY: it is held, and the pointer comes from an `Rc`.
            unsafe {
                let at = NonNull::new_unchecked(Rc::as_ptr(&entry).cast_mut());
                self.emit_at(source, at, payload)
            }
        }
    }

    /// Calls the listeners of an entry.
    ///
    /// # Safety
    ///
    /// It is on the table, or held until this returns, and the pointer came from its `Rc`.
    #[inline(always)]
    unsafe fn emit_at<K: Key>(
        &self,
        source: &NamedEmitter,
        at: NonNull<Keyed<K>>,
        payload: &K::Payload,
    ) -> Emitted {
        // SAFETY: it is there. By invariant 3 it is until the emit has ended.
        let list = unsafe { &at.as_ref().list };
        if list.row().is_some_and(|row| row.is_busy()) {
            // SAFETY: as the caller promises.
            return self.emit_held(source, unsafe { hold(at) }, payload).into();
        }
        let passing = Passing { core: self, at, heed: Cell::new(false) };
        list.call_guarded(source, payload, Heed(&passing.heed)).into()
    }

    /// The same in a list that is walked, or special.
    #[cold]
    #[inline(never)]
    fn emit_held<K: Key>(
        &self,
        source: &NamedEmitter,
        entry: Rc<Keyed<K>>,
        payload: &K::Payload,
    ) -> Tally {
        let held = Held { core: self, entry };
        let list = &held.entry.list;
        match list.row() {
            Some(row) => list.emit_nested(source, payload, row, Some(&*held.entry)),
            None => Tally::NOBODY,
        }
    }
}
