//! A slot: one registered listener, and whether it still is one.
//!
//! A slot is shared by every snapshot of the list that holds it, so that removing it is seen by
//! all of them. Removal has two steps, with the list's book-keeping in between: [`Life::condemn`]
//! says that the listener will not be called again, and [`Life::reap`] drops what it captured,
//! which may run any code at all. A listener that is running is reaped as it returns.

use alloc::rc::Rc;
use core::cell::{Cell, RefCell};
use core::marker::PhantomData;

use super::any_slot::AnySlot;
use super::event::{Declared, Event};
use super::list::List;
use super::small_slot::SmallSlot;

/// What became of one call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Called,
    /// It is running already, further down the stack.
    Skipped,
    /// It has been removed.
    Gone,
}

/// Whether a slot is still in use.
pub(super) trait Life {
    fn is_live(&self) -> bool;
    /// Takes it out of use; says whether it was in use. Runs no user code.
    fn condemn(&self) -> bool;
    /// Drops the captures of a condemned slot, unless it is running.
    fn reap(&self);
}

/// Calls the listener. `list` is told by one that is used up in being called.
pub(super) trait Call<S: Declared, E: Event<S>>: Life {
    fn call(&self, list: &List<S, E>, source: &S, payload: E::Payload<'_>) -> Outcome;
}

/// The slot for a listener that may be called again and again.
pub(super) fn repeated<S, E, F>(listener: F) -> AnySlot<S, E>
where
    S: Declared,
    E: Event<S>,
    F: for<'a> FnMut(&S, E::Payload<'a>) + 'static,
{
    if size_of::<F>() <= SmallSlot::<F>::MAX {
        AnySlot::new(SmallSlot::new(listener))
    } else {
        AnySlot::new(Slot::<_, Repeated>::new(listener))
    }
}

/// The kinds of slot.
pub(super) enum Repeated {}
pub(super) enum Once {}
pub(super) enum Reentrant {}

pub(super) struct Slot<F, Kind> {
    /// Borrowed while it runs: that borrow is the mark by which a nested emit knows to skip it.
    listener: RefCell<Option<F>>,
    condemned: Cell<bool>,
    kind: PhantomData<Kind>,
}

impl<F, Kind> Slot<F, Kind> {
    pub(super) fn new(listener: F) -> Rc<Self> {
        Rc::new(Self {
            listener: RefCell::new(Some(listener)),
            condemned: Cell::new(false),
            kind: PhantomData,
        })
    }

    #[cold]
    fn busy(&self) -> Outcome {
        if self.condemned.get() { Outcome::Gone } else { Outcome::Skipped }
    }

    #[cold]
    fn take_captures(&self) {
        let captures = self.listener.try_borrow_mut().map(|mut listener| listener.take());
        drop(captures);
    }
}

impl<F, Kind> Life for Slot<F, Kind> {
    fn is_live(&self) -> bool {
        !self.condemned.get()
    }

    fn condemn(&self) -> bool {
        !self.condemned.replace(true)
    }

    fn reap(&self) {
        self.take_captures();
    }
}

/// Reaps a slot that was condemned while it ran, whether it returns or panics. Made before the
/// borrow that it has to outlive.
struct Reaper<'a, F, Kind>(&'a Slot<F, Kind>);

impl<F, Kind> Drop for Reaper<'_, F, Kind> {
    #[inline]
    fn drop(&mut self) {
        if self.0.condemned.get() {
            self.0.take_captures();
        }
    }
}

impl<S, E, F> Call<S, E> for Slot<F, Repeated>
where
    S: Declared,
    E: Event<S>,
    F: for<'a> FnMut(&S, E::Payload<'a>),
{
    fn call(&self, _: &List<S, E>, source: &S, payload: E::Payload<'_>) -> Outcome {
        let _reaper = Reaper(self);
        let Ok(mut listener) = self.listener.try_borrow_mut() else { return self.busy() };
        let Some(listener) = listener.as_mut() else { return Outcome::Gone };
        listener(source, payload);
        Outcome::Called
    }
}

impl<S, E, F> Call<S, E> for Slot<F, Once>
where
    S: Declared,
    E: Event<S>,
    F: for<'a> FnOnce(&S, E::Payload<'a>),
{
    fn call(&self, list: &List<S, E>, source: &S, payload: E::Payload<'_>) -> Outcome {
        if !self.condemn() {
            return Outcome::Gone;
        }
        list.count_condemned();
        if let Some(listener) = self.listener.take() {
            listener(source, payload);
        }
        Outcome::Called
    }
}

impl<S, E, F> Call<S, E> for Slot<F, Reentrant>
where
    S: Declared,
    E: Event<S>,
    F: for<'a> Fn(&S, E::Payload<'a>),
{
    fn call(&self, _: &List<S, E>, source: &S, payload: E::Payload<'_>) -> Outcome {
        let _reaper = Reaper(self);
        if self.condemned.get() {
            return Outcome::Gone;
        }
        if let Some(listener) = self.listener.borrow().as_ref() {
            listener(source, payload);
        }
        Outcome::Called
    }
}
