//! The listeners of patterns, and the walk over those that match a name.

use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::any::{Any, TypeId};
use core::cell::RefCell;

use super::core::Core;
use super::emitter::NamedEmitter;
use super::entry::{Entry, Held, Seat};
use super::key::Select;
use super::pattern::Pattern;
use super::payload::Matched;
use crate::emitter::emission::Emitted;
use crate::emitter::list::{AnyList, List, Place};

/// A vector with room for this many is left as it is, however few there are in it.
const SMALL: usize = 64;

/// The listeners of all patterns of a type.
#[allow(unnameable_types, reason = "for the storage alone")]
pub(super) trait Shelf: Any {
    /// The entry of the listener with this key.
    fn at(&self, key: i64) -> Option<Rc<dyn Entry>>;
    fn entries(&self) -> Vec<Rc<dyn Entry>>;
    fn as_any(self: Rc<Self>) -> Rc<dyn Any>;
}

/// One entry for each listener, for they are called in the order of registration whatever their patterns are.
struct PatternShelf<T: ?Sized + 'static> {
    /// Sorted by key.
    entries: RefCell<Vec<Rc<Patterned<T>>>>,
}

/// One listener of a pattern.
struct Patterned<T: ?Sized + 'static> {
    list: List<NamedEmitter, Matched<T>>,
    key: i64,
    pattern: Pattern<T>,
}

impl<T: ?Sized + 'static> PatternShelf<T> {
    /// The first that matches of those with a key greater than `after` and an age of at least `newest`.
    fn next(&self, name: &str, after: i64, newest: i64) -> Option<Rc<Patterned<T>>> {
        let entries = self.entries.borrow();
        let from = position(&entries, after).map_or_else(|at| at, |at| at + 1);
        let matches = |entry: &&Rc<Patterned<T>>| {
            Place::number(entry.key) <= newest && entry.pattern.matches(name)
        };
        entries[from..].iter().find(matches).cloned()
    }
}

fn position<T: ?Sized>(entries: &[Rc<Patterned<T>>], key: i64) -> Result<usize, usize> {
    entries.binary_search_by_key(&key, |entry| entry.key)
}

impl Core {
    /// The shelf of the patterns of names that carry a `T`, if there is one.
    fn patterns_of<T: ?Sized + 'static>(&self) -> Option<Rc<PatternShelf<T>>> {
        let shelves = self.shelves.borrow();
        shelves.iter().find_map(|shelf| Rc::clone(shelf).as_any().downcast().ok())
    }

    /// Calls the listeners of the patterns that match, but for those registered after `newest`.
    pub(super) fn emit_matching<T: ?Sized + 'static>(
        &self,
        source: &NamedEmitter,
        name: &str,
        payload: &T,
        newest: i64,
    ) -> Emitted {
        let (mut emitted, mut after) = (Emitted::NOBODY, i64::MIN);
        let Some(shelf) = self.patterns_of::<T>() else { return emitted };
        while let Some(entry) = shelf.next(name, after, newest) {
            after = entry.key;
            let held = Held { core: self, entry };
            let more = held.entry.list.emit(source, (name, payload));
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
        let shelf = core.patterns_of::<T>().unwrap_or_else(|| {
            let shelf = Rc::new(PatternShelf::default());
            core.shelves.borrow_mut().push(Rc::clone(&shelf) as _);
            shelf
        });
        let mut entries = shelf.entries.borrow_mut();
        let at = position(&entries, key).unwrap_or_else(|at| at);
        entries.insert(at, Rc::clone(&entry));
        core.patterns.set(core.patterns.get() + 1);
        entry
    }

    fn entries(&self, core: &Core) -> Vec<Rc<dyn Entry>> {
        let Some(shelf) = core.patterns_of::<T>() else { return Vec::new() };
        let entries = shelf.entries.borrow();
        let same = entries.iter().filter(|entry| entry.pattern == *self);
        same.map(|entry| Rc::clone(entry) as _).collect()
    }
}

impl<T: ?Sized + 'static> Shelf for PatternShelf<T> {
    fn at(&self, key: i64) -> Option<Rc<dyn Entry>> {
        let entries = self.entries.borrow();
        Some(Rc::clone(&entries[position(&entries, key).ok()?]) as _)
    }

    fn entries(&self) -> Vec<Rc<dyn Entry>> {
        self.entries.borrow().iter().map(|entry| Rc::clone(entry) as _).collect()
    }

    fn as_any(self: Rc<Self>) -> Rc<dyn Any> {
        self
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

    fn hash(&self) -> u32 {
        0
    }

    fn take_off(&self, core: &Core) {
        let Some(shelf) = core.patterns_of::<T>() else { return };
        let mut entries = shelf.entries.borrow_mut();
        if let Ok(at) = position(&entries, self.key) {
            // It is not the last: whoever calls this has one.
            drop(entries.remove(at));
            core.patterns.set(core.patterns.get() - 1);
            if entries.capacity() > SMALL && entries.len() < entries.capacity() / 8 {
                let room = entries.len() * 2;
                entries.shrink_to(room);
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
        Self { entries: RefCell::default() }
    }
}
