//! What the sockets of one server have in common: they are counted.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// Counts the sockets of a server that are open. They keep it, and it keeps a server that is about to close.
#[derive(Default)]
pub(in crate::net) struct Parent {
    open: Cell<usize>,
    heir: RefCell<Option<Rc<dyn Heir>>>,
}

/// A server that waits for the last of its sockets.
pub(in crate::net) trait Heir {
    fn last_has_closed(self: Rc<Self>);
}

impl Parent {
    /// How many are open.
    pub(in crate::net) fn open(&self) -> usize {
        self.open.get()
    }

    /// When the last one has closed, it is told. There is at least one.
    pub(in crate::net) fn tell_last(&self, heir: Rc<dyn Heir>) {
        self.heir.replace(Some(heir));
    }

    pub(super) fn opened(&self) {
        self.open.set(self.open.get() + 1);
    }

    pub(super) fn closed(&self) {
        self.open.set(self.open.get() - 1);
        if self.open.get() == 0 {
            let heir = self.heir.take();
            if let Some(heir) = heir {
                heir.last_has_closed();
            }
        }
    }
}
