//! The shelves of all types of keys, side by side.
//!
//! # Invariant
//!
//! A [`Standing`]'s `shelf` is of the type of which `id` is the id. Only [`Shelves::with`] makes one, and nothing
//! changes either.
#![allow(
    unsafe_code,
    reason = "each emit looks for a shelf; to ask `dyn Any` for its type takes a call, and a sixth of the time"
)]

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::any::{Any, TypeId};
use core::ptr;

use super::core::Entry;
use crate::emitter::listener::Listener;

/// There are as many as a program has types of keys.
#[derive(Default)]
pub(super) struct Shelves(Vec<Standing>);

/// A shelf, and what it can do whatever stands on it.
struct Standing {
    id: TypeId,
    shelf: Box<dyn Any>,
    candidate: Candidate,
    entries: fn(&dyn Any) -> Vec<Rc<dyn Entry>>,
    clear: fn(&mut dyn Any),
}

/// The entries that have the same type.
pub(super) trait Shelf: Default + 'static {
    /// The n-th of the entries that may have the listener.
    fn candidate(&self, listener: Listener, n: usize) -> Option<Rc<dyn Entry>>;
    fn entries(&self) -> Vec<Rc<dyn Entry>>;
}

/// The n-th of the entries on a shelf that may have the listener.
type Candidate = fn(&dyn Any, Listener, usize) -> Option<Rc<dyn Entry>>;

impl Shelves {
    /// The n-th of the entries that may have the listener.
    pub(super) fn candidate(&self, listener: Listener, mut n: usize) -> Option<Rc<dyn Entry>> {
        for Standing { shelf, candidate, .. } in &self.0 {
            let mut at = 0;
            while let Some(entry) = candidate(&**shelf, listener, at) {
                if n == 0 {
                    return Some(entry);
                }
                (n, at) = (n - 1, at + 1);
            }
        }
        None
    }

    /// All entries, in no order.
    pub(super) fn entries(&self) -> Vec<Rc<dyn Entry>> {
        self.0.iter().flat_map(|standing| (standing.entries)(&*standing.shelf)).collect()
    }

    /// Takes all entries off. The caller has them, so that no key is dropped here.
    pub(super) fn clear(&mut self) {
        self.0.iter_mut().for_each(|standing| (standing.clear)(&mut *standing.shelf));
    }

    #[inline(always)]
    pub(super) fn get<S: Shelf>(&self) -> Option<&S> {
        let standing = self.0.iter().find(|standing| standing.id == TypeId::of::<S>())?;
        // SAFETY: by the invariant it is an `S`.
        Some(unsafe { &*ptr::from_ref(&*standing.shelf).cast() })
    }

    pub(super) fn get_mut<S: Shelf>(&mut self) -> Option<&mut S> {
        self.0.iter_mut().find_map(|standing| standing.shelf.downcast_mut())
    }

    /// Has something done on a shelf that is made if need be.
    pub(super) fn with<S: Shelf, R>(&mut self, work: impl FnOnce(&mut S) -> R) -> R {
        if let Some(shelf) = self.get_mut() {
            return work(shelf);
        }
        let mut shelf = S::default();
        let result = work(&mut shelf);
        self.0.push(Standing {
            id: TypeId::of::<S>(),
            shelf: Box::new(shelf),
            candidate: |shelf, listener, n| shelf.downcast_ref::<S>()?.candidate(listener, n),
            entries: |shelf| shelf.downcast_ref().map(S::entries).unwrap_or_default(),
            clear: |shelf| drop(shelf.downcast_mut().map(core::mem::take::<S>)),
        });
        result
    }
}
