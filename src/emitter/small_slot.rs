//! A slot for a small listener, as most are: it is moved out to run, and moved back.
//!
//! That takes fewer loads and stores than to mark a borrow and to unmark it: about a tenth of the
//! time of an emit.

use alloc::rc::Rc;
use core::cell::Cell;
use core::mem;

use super::event::{Declared, Event};
use super::list::List;
use super::slot::{Call, Life, Outcome};

pub(super) struct SmallSlot<F> {
    /// Empty while it runs.
    listener: Cell<Option<F>>,
    condemned: Cell<bool>,
}

impl<F> SmallSlot<F> {
    /// Up to how many bytes a listener is small.
    pub(super) const MAX: usize = 4 * size_of::<usize>();

    pub(super) fn new(listener: F) -> Rc<Self> {
        Rc::new(Self { listener: Cell::new(Some(listener)), condemned: Cell::new(false) })
    }

    #[cold]
    fn busy(&self) -> Outcome {
        if self.condemned.get() { Outcome::Gone } else { Outcome::Skipped }
    }
}

impl<F> Life for SmallSlot<F> {
    fn is_live(&self) -> bool {
        !self.condemned.get()
    }

    fn condemn(&self) -> bool {
        !self.condemned.replace(true)
    }

    fn reap(&self) {
        drop(self.listener.take());
    }
}

/// A listener that runs. Whether it returns or panics, it is moved back into its slot, or dropped if
/// it was condemned meanwhile.
struct Running<'a, F> {
    slot: &'a SmallSlot<F>,
    listener: Option<F>,
}

impl<F> Drop for Running<'_, F> {
    #[inline(always)]
    fn drop(&mut self) {
        if !self.slot.condemned.get() {
            // The slot is empty: forgetting what it held spares a look.
            mem::forget(self.slot.listener.replace(self.listener.take()));
        }
    }
}

impl<S, E, F> Call<S, E> for SmallSlot<F>
where
    S: Declared,
    E: Event<S>,
    F: for<'a> FnMut(&S, E::Payload<'a>),
{
    fn call(&self, _: &List<S, E>, source: &S, payload: E::Payload<'_>) -> Outcome {
        let Some(listener) = self.listener.take() else { return self.busy() };
        let mut running = Running { slot: self, listener: Some(listener) };
        if let Some(listener) = &mut running.listener {
            listener(source, payload);
        }
        Outcome::Called
    }
}
