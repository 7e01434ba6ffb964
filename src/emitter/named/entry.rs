//! The entry of one key: its list, and what leads to it.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use core::any::TypeId;

use super::core::Core;
use super::emitter::NamedEmitter;
use super::key::Key;
use super::payload::Carried;
use crate::emitter::event::Event;
use crate::emitter::list::{AnyList, List};

/// A list, and what leads to it.
#[allow(unnameable_types, reason = "for the storage alone")]
pub trait Entry {
    fn any_list(&self) -> &dyn AnyList;
    /// The name for people.
    fn label(&self) -> String;
    /// Several entries of the same text and type are one event.
    fn shared(&self) -> Option<TypeId>;
    /// For [`Listener`](crate::emitter::Listener)'s field.
    fn hash(&self) -> u32;
    /// Takes it off its shelf, if it is still there.
    fn take_off(&self, core: &Core);
}

/// An entry whose event is known.
#[allow(unnameable_types, reason = "for the storage alone")]
pub trait Seat<E: Event<NamedEmitter>>: Entry {
    fn list(&self) -> &List<NamedEmitter, E>;
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

/// The listeners of one key.
pub(super) struct Keyed<K: Key> {
    pub(super) list: List<NamedEmitter, Carried<K::Payload>>,
    pub(super) hash: u32,
    pub(super) key: K,
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

    fn hash(&self) -> u32 {
        self.hash
    }

    fn take_off(&self, core: &Core) {
        // It is not the last: whoever calls this has one.
        drop(core.table.take_off(self));
    }
}

impl<K: Key> Seat<Carried<K::Payload>> for Keyed<K> {
    fn list(&self) -> &List<NamedEmitter, Carried<K::Payload>> {
        &self.list
    }
}
