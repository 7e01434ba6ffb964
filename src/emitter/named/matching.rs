//! The listeners of patterns, and the walk over those that match a name.

use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::any::{Any, TypeId};
use core::cell::{Cell, RefCell};
use core::ops::Range;

use super::core::Core;
use super::emitter::NamedEmitter;
use super::entry::{Entry, Held, Seat, State};
use super::key::Select;
use super::pattern::Pattern;
use super::payload::Matched;
use crate::emitter::chain::Labelled;
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
    /// None yet, and it is on no shelf.
    key: Cell<i64>,
    state: State,
    pattern: Pattern<T>,
}

impl<T: ?Sized + 'static> PatternShelf<T> {
    /// The first that matches of those with a key in this range and a number of at most `newest`.
    fn next(&self, name: &str, range: &Range<i64>, newest: i64) -> Option<Rc<Patterned<T>>> {
        let entries = self.entries.borrow();
        let from = entries.partition_point(|entry| entry.key.get() < range.start);
        let range = entries[from..].iter().take_while(|entry| entry.key.get() < range.end);
        let mut old = range.filter(|entry| Place::number(entry.key.get()) <= newest);
        old.find(|entry| entry.pattern.matches(name)).cloned()
    }
}

fn position<T: ?Sized>(entries: &[Rc<Patterned<T>>], key: i64) -> Result<usize, usize> {
    entries.binary_search_by_key(&key, |entry| entry.key.get())
}

impl Core {
    /// The shelf of the patterns of names that carry a `T`, if there is one.
    fn patterns_of<T: ?Sized + 'static>(&self) -> Option<Rc<PatternShelf<T>>> {
        let shelves = self.shelves.borrow();
        shelves.iter().find_map(|shelf| Rc::clone(shelf).as_any().downcast().ok())
    }

    /// The same, made if need be.
    fn shelf_of<T: ?Sized + 'static>(&self) -> Rc<PatternShelf<T>> {
        self.patterns_of().unwrap_or_else(|| {
            let shelf = Rc::new(PatternShelf::default());
            self.shelves.borrow_mut().push(Rc::clone(&shelf) as _);
            shelf
        })
    }

    /// Calls the listeners of the patterns that match, with keys in a range, but for those registered after
    /// `newest`; up to one that stops the emit.
    pub(super) fn emit_matching<T: ?Sized + 'static>(
        &self,
        source: &NamedEmitter,
        name: &str,
        payload: &T,
        mut range: Range<i64>,
        newest: i64,
    ) -> Emitted {
        let mut emitted = Emitted::NOBODY;
        let Some(shelf) = self.patterns_of::<T>() else { return emitted };
        while let Some(entry) = shelf.next(name, &range, newest) {
            range.start = entry.key.get() + 1;
            let held = Held { core: self, entry };
            let list = &held.entry.list;
            let more: Emitted = match list.row().filter(|row| row.is_busy()) {
                Some(row) => {
                    list.emit_nested(source, (name, payload), row, Some(&*held.entry)).into()
                }
                None => list.emit(source, (name, payload)),
            };
            emitted.called += more.called;
            emitted.skipped += more.skipped;
            if more.stopped {
                emitted.stopped = true;
                break;
            }
        }
        emitted
    }
}

impl<T: ?Sized + 'static> Select for Pattern<T> {
    type Event = Matched<T>;

    fn seat(self, _: &Core) -> Rc<dyn Seat<Matched<T>>> {
        let (list, key, state) = (List::default(), Cell::new(0), State::default());
        Rc::new(Patterned { list, key, state, pattern: self })
    }

    fn entries(&self, core: &Core) -> Vec<Rc<dyn Entry>> {
        let Some(shelf) = core.patterns_of::<T>() else { return Vec::new() };
        let entries = shelf.entries.borrow();
        let same = entries.iter().filter(|entry| entry.pattern == *self);
        same.map(|entry| Rc::clone(entry) as _).collect()
    }

    fn text(&self) -> String {
        self.as_str().into()
    }

    fn is(&self, found: &dyn Any) -> bool {
        found.downcast_ref::<Patterned<T>>().is_some_and(|entry| entry.pattern == *self)
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

impl<T: ?Sized + 'static> Labelled for Patterned<T> {
    fn label(&self) -> String {
        self.pattern.as_str().into()
    }
}

impl<T: ?Sized + 'static> Entry for Patterned<T> {
    fn any_list(&self) -> &dyn AnyList {
        &self.list
    }

    fn state(&self) -> &State {
        &self.state
    }

    fn shared(&self) -> Option<TypeId> {
        Some(TypeId::of::<Pattern<T>>())
    }

    fn hash(&self) -> u32 {
        0
    }

    fn count(&self, core: &Core) -> usize {
        self.pattern.entries(core).iter().map(|entry| entry.any_list().count()).sum()
    }

    fn take_off(&self, core: &Core) {
        let Some(shelf) = core.patterns_of::<T>() else { return };
        let mut entries = shelf.entries.borrow_mut();
        if let Ok(at) = position(&entries, self.key.get()) {
            // It is not the last: whoever calls this has one.
            drop(entries.remove(at));
            core.patterns.set(core.patterns.get() - 1);
            if entries.capacity() > SMALL && entries.len() < entries.capacity() / 8 {
                let room = entries.len() * 2;
                entries.shrink_to(room);
            }
        }
    }

    fn as_any(self: Rc<Self>) -> Rc<dyn Any> {
        self
    }
}

impl<T: ?Sized + 'static> Seat<Matched<T>> for Patterned<T> {
    fn list(&self) -> &List<NamedEmitter, Matched<T>> {
        &self.list
    }

    fn take_place(self: Rc<Self>, core: &Core, key: i64) {
        self.key.set(key);
        let shelf = core.shelf_of::<T>();
        let mut entries = shelf.entries.borrow_mut();
        let at = position(&entries, key).unwrap_or_else(|at| at);
        entries.insert(at, self);
        core.patterns.set(core.patterns.get() + 1);
    }

    fn as_entry(self: Rc<Self>) -> Rc<dyn Entry> {
        self
    }
}

impl<T: ?Sized + 'static> Default for PatternShelf<T> {
    fn default() -> Self {
        Self { entries: RefCell::default() }
    }
}
