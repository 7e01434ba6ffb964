//! What a child has in common with other emitters.

use super::{Child, Inner};
use crate::abort::Abortable;
use crate::emitter::names::Close;
use crate::emitter::{Downgrade, Emitter, Listeners, Recall};
use crate::error::Error;
use std::fmt;
use std::rc::Rc;

impl Downgrade for Child {
    fn downgrade(&self) -> impl Fn() -> Option<Self> + 'static {
        let inner = Rc::downgrade(&self.0);
        move || inner.upgrade().map(Self)
    }
}

impl Emitter for Child {
    fn listeners(&self) -> &Listeners<Self> {
        &self.0.emitter
    }

    fn recall(&self) -> Option<Recall<Self>> {
        Some(Recall::new(self.downgrade()))
    }
}

/// One that is aborted is told to end, as by [`terminate`](Child::terminate); `Exit` and `Close` come when it has.
impl Abortable for Child {
    fn destroy_with(&self, error: Error) {
        self.give_up(error);
    }

    fn when_closed(&self, then: impl FnOnce() + 'static) {
        self.once(Close, move |_, _| then());
    }
}

/// Two handles are equal if they are handles to the same child.
impl PartialEq for Child {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Child {}

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { program, id, status, over, .. } = &*self.0;
        write!(f, "Child({program}")?;
        if let Some(id) = id.get() {
            write!(f, ", {id}")?;
        }
        match (over.get(), status.get()) {
            (_, Some(status)) => write!(f, ", {status})"),
            (true, None) => f.write_str(", gone)"),
            (false, None) => f.write_str(")"),
        }
    }
}

/// Its program.
impl fmt::Display for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.program)
    }
}
