//! Where the listeners of a key go.

use alloc::rc::Rc;
use alloc::vec::Vec;

use super::core::Core;
use super::entry::{Entry, Keyed, Seat};
use super::key::{Find, Key, Select};
use super::payload::Carried;
use crate::emitter::list::List;

impl<F: Find> Select for F {
    type Event = Carried<<F::Key as Key>::Payload>;

    fn seat(self, core: &Core, _: i64) -> Rc<dyn Seat<Self::Event>> {
        let key = self.into_key();
        let hash = core.hash(&key);
        if let Some(entry) = core.table.entry(&key, hash) {
            return entry;
        }
        let entry = Rc::new(Keyed { list: List::default(), hash, key });
        core.table.insert(Rc::clone(&entry));
        entry
    }

    fn entries(&self, core: &Core) -> Vec<Rc<dyn Entry>> {
        core.table.entry(self, core.hash(self)).into_iter().map(|entry| entry as _).collect()
    }
}
