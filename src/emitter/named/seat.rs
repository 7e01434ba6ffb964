//! Where the listeners of a key go.

use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::any::{Any, type_name};

use super::core::Core;
use super::entry::{Entry, Keyed, Seat, State};
use super::key::{Find, Key, Select};
use super::payload::Carried;
use crate::emitter::list::List;

/// The entry of a key, made if need be.
pub(super) fn seat_of<K: Key>(core: &Core, key: K) -> Rc<Keyed<K>> {
    let hash = core.hash(&key);
    if let Some(entry) = core.table.entry(&key, hash) {
        return entry;
    }
    if core.table.is_full() {
        core.sweep();
    }
    let entry = Rc::new(Keyed { list: List::default(), hash, state: State::default(), key });
    core.table.insert(Rc::clone(&entry));
    entry
}

impl<F: Find> Select for F {
    type Event = Carried<<F::Key as Key>::Payload>;
    const BUILT_IN: bool = <F::Key as Key>::BUILT_IN;

    fn seat(self, core: &Core) -> Rc<dyn Seat<Self::Event>> {
        seat_of(core, self.into_key())
    }

    fn entries(&self, core: &Core) -> Vec<Rc<dyn Entry>> {
        core.table.entry(self, core.hash(self)).into_iter().map(|entry| entry as _).collect()
    }

    fn text(&self) -> String {
        self.event_name().unwrap_or_else(|| type_name::<F::Key>()).into()
    }

    fn is(&self, found: &dyn Any) -> bool {
        let entry = found.downcast_ref::<Keyed<F::Key>>();
        entry.is_some_and(|entry| self.finds(&entry.key))
    }
}
