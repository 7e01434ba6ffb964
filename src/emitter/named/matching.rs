//! The listeners of patterns, and the walk over those that match a name.

use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::any::TypeId;

use super::core::{Core, Entry, Seat, Visit};
use super::emitter::NamedEmitter;
use super::key::Select;
use super::pattern::Pattern;
use super::payload::Matched;
use super::shelf::SMALL;
use super::shelves::Shelf;
use crate::emitter::emission::Emitted;
use crate::emitter::list::{AnyList, List, Place};
use crate::emitter::listener::Listener;

/// One entry for each listener, for they are called in the order of registration whatever their patterns are.
struct PatternShelf<T: ?Sized + 'static> {
    /// Sorted by key.
    entries: Vec<Rc<Patterned<T>>>,
}

/// One listener of a pattern.
struct Patterned<T: ?Sized + 'static> {
    list: List<NamedEmitter, Matched<T>>,
    key: i64,
    pattern: Pattern<T>,
}

impl<T: ?Sized + 'static> PatternShelf<T> {
    fn position(&self, key: i64) -> Result<usize, usize> {
        self.entries.binary_search_by_key(&key, |entry| entry.key)
    }

    /// The first that matches of those with a key greater than `after` and an age of at least `newest`.
    fn next(&self, name: &str, after: i64, newest: i64) -> Option<&Rc<Patterned<T>>> {
        let from = self.position(after).map_or_else(|at| at, |at| at + 1);
        let matches = |entry: &&Rc<Patterned<T>>| {
            Place::number(entry.key) <= newest && entry.pattern.matches(name)
        };
        self.entries[from..].iter().find(matches)
    }
}

impl Core {
    /// Calls the listeners of the patterns that match, but for those registered after `newest`.
    pub(super) fn emit_matching<T: ?Sized + 'static>(
        &self,
        source: &NamedEmitter,
        name: &str,
        payload: &T,
        newest: i64,
    ) -> Emitted {
        let mut emitted = Emitted::NOBODY;
        let mut after = i64::MIN;
        let next = |after| {
            let shelves = self.shelves.borrow();
            let entry = shelves.get::<PatternShelf<T>>()?.next(name, after, newest)?;
            Some(Visit { core: self, entry: Rc::clone(entry) })
        };
        while let Some(visit) = next(after) {
            after = visit.entry.key;
            let more = visit.entry.list.emit(source, (name, payload));
            emitted.called += more.called;
            emitted.skipped += more.skipped;
        }
        emitted
    }
}

impl<T: ?Sized + 'static> Select for Pattern<T> {
    type Event = Matched<T>;

    fn seat(self, core: &Core, key: i64) -> Rc<dyn Seat<Matched<T>>> {
        let entry = Rc::new(Patterned { list: List::default(), key, pattern: self });
        core.shelves.borrow_mut().with(|shelf: &mut PatternShelf<T>| {
            let at = shelf.position(key).unwrap_or_else(|at| at);
            shelf.entries.insert(at, Rc::clone(&entry));
        });
        core.patterns.set(core.patterns.get() + 1);
        entry
    }

    fn entries(&self, core: &Core) -> Vec<Rc<dyn Entry>> {
        let shelves = core.shelves.borrow();
        let entries = shelves.get::<PatternShelf<T>>().into_iter().flat_map(|shelf| &shelf.entries);
        entries.filter(|entry| entry.pattern == *self).map(|entry| Rc::clone(entry) as _).collect()
    }
}

impl<T: ?Sized + 'static> Shelf for PatternShelf<T> {
    fn candidate(&self, listener: Listener, n: usize) -> Option<Rc<dyn Entry>> {
        let at = self.position(listener.key).ok().filter(|_| n == 0)?;
        Some(Rc::clone(&self.entries[at]) as _)
    }

    fn entries(&self) -> Vec<Rc<dyn Entry>> {
        self.entries.iter().map(|entry| Rc::clone(entry) as _).collect()
    }
}

impl<T: ?Sized + 'static> Entry for Patterned<T> {
    fn any_list(&self) -> &dyn AnyList {
        &self.list
    }

    fn label(&self) -> String {
        self.pattern.as_str().into()
    }

    fn shared(&self) -> Option<TypeId> {
        Some(TypeId::of::<Pattern<T>>())
    }

    fn event(&self) -> u32 {
        0
    }

    fn take_off(&self, core: &Core) {
        let mut shelves = core.shelves.borrow_mut();
        let Some(shelf) = shelves.get_mut::<PatternShelf<T>>() else { return };
        if let Ok(at) = shelf.position(self.key) {
            // It is not the last: whoever calls this has one.
            drop(shelf.entries.remove(at));
            core.patterns.set(core.patterns.get() - 1);
            if shelf.entries.capacity() > SMALL
                && shelf.entries.len() < shelf.entries.capacity() / 8
            {
                shelf.entries.shrink_to(shelf.entries.len() * 2);
            }
        }
    }
}

impl<T: ?Sized + 'static> Seat<Matched<T>> for Patterned<T> {
    fn list(&self) -> &List<NamedEmitter, Matched<T>> {
        &self.list
    }
}

impl<T: ?Sized + 'static> Default for PatternShelf<T> {
    fn default() -> Self {
        Self { entries: Vec::new() }
    }
}
