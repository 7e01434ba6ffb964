//! What a child has in common with other emitters.

use super::{Child, Inner};
use crate::abort::Abortable;
use crate::emitter::names::Close;
use crate::emitter::{Downgrade as _, Emitter, Listeners, Recall, handle};
use crate::error::Error;
use std::fmt;

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

handle!(Child, "child");

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
