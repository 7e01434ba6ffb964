//! The entry of one key: its list, and what leads to it.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use core::any::{Any, TypeId};
use core::cell::Cell;

use super::core::Core;
use super::emitter::NamedEmitter;
use super::key::Key;
use super::payload::Carried;
use crate::emitter::chain::Labelled;
use crate::emitter::event::Event;
use crate::emitter::list::{AnyList, List};

/// A list, and what leads to it.
#[allow(unnameable_types, private_bounds, reason = "for the storage alone")]
pub trait Entry: Labelled + 'static {
    fn any_list(&self) -> &dyn AnyList;
    fn state(&self) -> &State;
    /// Several entries of the same text and type are one event.
    fn shared(&self) -> Option<TypeId>;
    /// For [`Listener`](crate::emitter::Listener)'s field.
    fn hash(&self) -> u32;
    /// How many listeners the event has.
    fn count(&self, core: &Core) -> usize;
    /// Takes it off its shelf, if it is still there.
    fn take_off(&self, core: &Core);
    /// As what those who watch compare with an event.
    fn as_any(self: Rc<Self>) -> Rc<dyn Any>;

    /// Is it to stay, be there listeners or not?
    fn is_wanted(&self) -> bool {
        self.state().expected.get() != 0 || self.any_list().is_end_of_relay()
    }
}

/// An entry whose event is known.
#[allow(unnameable_types, reason = "for the storage alone")]
pub trait Seat<E: Event<NamedEmitter>>: Entry {
    fn list(&self) -> &List<NamedEmitter, E>;
    /// It is about to get a listener with this key, and has to be found from here on.
    fn take_place(self: Rc<Self>, core: &Core, key: i64);
    fn as_entry(self: Rc<Self>) -> Rc<dyn Entry>;
}

/// What an entry has beside its list.
#[derive(Default)]
#[allow(unnameable_types, missing_debug_implementations, reason = "for the storage alone")]
pub struct State {
    /// So many are about to add a listener.
    expected: Cell<u32>,
    /// Itself, as long as it is walked by somebody who has not counted, and whose emit does not end as most do.
    pub(super) kept: Cell<Option<Rc<dyn Entry>>>,
}

/// Somebody is at an entry, and may change its list.
pub(super) struct Held<'a, E: Entry + ?Sized> {
    pub(super) core: &'a Core,
    pub(super) entry: Rc<E>,
}

impl<E: Entry + ?Sized> Drop for Held<'_, E> {
    fn drop(&mut self) {
        self.core.settle(&*self.entry);
    }
}

/// Somebody is about to add a listener.
pub(super) struct Expected<'a, E: Event<NamedEmitter>> {
    core: &'a Core,
    pub(super) seat: Rc<dyn Seat<E>>,
}

impl<'a, E: Event<NamedEmitter>> Expected<'a, E> {
    pub(super) fn new(core: &'a Core, seat: Rc<dyn Seat<E>>) -> Self {
        let expected = &seat.state().expected;
        expected.set(expected.get() + 1);
        Self { core, seat }
    }
}

impl<E: Event<NamedEmitter>> Drop for Expected<'_, E> {
    fn drop(&mut self) {
        let expected = &self.seat.state().expected;
        expected.set(expected.get() - 1);
        self.core.settle(&*self.seat);
    }
}

/// The listeners of one key.
pub(super) struct Keyed<K: Key> {
    pub(super) list: List<NamedEmitter, Carried<K::Payload>>,
    pub(super) hash: u32,
    pub(super) state: State,
    pub(super) key: K,
}

impl<K: Key> Labelled for Keyed<K> {
    fn label(&self) -> String {
        self.key.name().map_or_else(|| format!("{:?}", self.key), String::from)
    }
}

impl<K: Key> Entry for Keyed<K> {
    fn any_list(&self) -> &dyn AnyList {
        &self.list
    }

    fn state(&self) -> &State {
        &self.state
    }

    fn shared(&self) -> Option<TypeId> {
        None
    }

    fn hash(&self) -> u32 {
        self.hash
    }

    fn count(&self, _: &Core) -> usize {
        self.list.count()
    }

    fn take_off(&self, core: &Core) {
        // It is not the last: whoever calls this has one.
        drop(core.table.take_off(self));
    }

    fn as_any(self: Rc<Self>) -> Rc<dyn Any> {
        self
    }
}

impl<K: Key> Seat<Carried<K::Payload>> for Keyed<K> {
    fn list(&self) -> &List<NamedEmitter, Carried<K::Payload>> {
        &self.list
    }

    fn take_place(self: Rc<Self>, _: &Core, _: i64) {
        // It has had one all the time: it is expected.
    }

    fn as_entry(self: Rc<Self>) -> Rc<dyn Entry> {
        self
    }
}
