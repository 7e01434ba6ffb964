//! What handles that may leave the thread have on it: they hold a ticket, and the thing itself stays with its loop.

use super::core::Core;
use super::handle::Handle;
use super::inbox::Inbox;
use super::slab::{Key, Slab};
use super::tokens::core_of;
use crate::error::{Error, ErrorKind, Result};
use std::any::Any;
use std::cell::RefCell;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;

#[derive(Default)]
pub(super) struct Kept(RefCell<Option<Slab<Rc<dyn Any>>>>);

impl Kept {
    fn insert(&self, thing: Rc<dyn Any>) -> Key {
        self.0.borrow_mut().get_or_insert_with(Slab::new).insert(thing)
    }

    fn find(&self, key: Key) -> Option<Rc<dyn Any>> {
        self.0.borrow().as_ref()?.get(key).cloned()
    }

    fn remove(&self, key: Key) {
        let thing = self.0.borrow_mut().as_mut().and_then(|things| things.remove(key));
        drop(thing);
    }

    /// The loop has ended.
    pub(super) fn clear(&self) {
        let things = self.0.take();
        drop(things);
    }
}

/// Finds a thing on its loop, from inside of it and nowhere else. When it is dropped, wherever that is, the thing is
/// dropped on its loop.
pub(crate) struct Ticket {
    key: Key,
    serial: u32,
    inbox: Arc<Inbox>,
}

impl Handle {
    /// Keeps a thing until its ticket is dropped, or the loop ends.
    pub(crate) fn keep(&self, thing: Rc<dyn Any>) -> Ticket {
        let Core { kept, serial, inbox, .. } = &*self.0;
        Ticket { key: kept.insert(thing), serial: *serial, inbox: Arc::clone(inbox) }
    }
}

impl Ticket {
    /// The thing, for an operation that names itself in the error.
    pub(crate) fn find<T: 'static>(&self, operation: &'static str) -> Result<Rc<T>> {
        let found = core_of(self.serial).map(|core| core.kept.find(self.key));
        let thing = match found {
            Some(found) => found.ok_or(ErrorKind::LoopGone),
            None if self.inbox.is_closed() => Err(ErrorKind::LoopGone),
            None => Err(ErrorKind::WrongThread),
        };
        let thing = thing.map_err(|kind| Error::new(kind, operation))?;
        // A ticket is for one thing, of one type.
        thing.downcast().map_err(|_| Error::new(ErrorKind::LoopGone, operation))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let (key, serial) = (self.key, self.serial);
        match core_of(serial) {
            Some(core) => core.kept.remove(key),
            // A loop that has ended keeps nothing.
            None => {
                let remove =
                    move || core_of(serial).into_iter().for_each(|core| core.kept.remove(key));
                let _ = self.inbox.post_job(remove, Location::caller());
            }
        }
    }
}
