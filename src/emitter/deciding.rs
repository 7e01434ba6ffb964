//! Listeners that say themselves what became of an event: what is made of the closures they are given as.

use alloc::rc::Rc;
use core::cell::RefCell;
use core::ops::ControlFlow;

use super::event::{Declared, Event};
use super::slot::Verdict;

/// Is called only when `wanted` says so.
pub(super) fn when<S: Declared, E: Event<S>>(
    mut wanted: impl for<'a> FnMut(&S, E::Payload<'a>) -> bool + 'static,
    mut listener: impl for<'a> FnMut(&S, E::Payload<'a>) + 'static,
) -> impl for<'a> FnMut(&S, E::Payload<'a>) -> Verdict + 'static {
    move |source: &S, mut payload: E::Payload<'_>| {
        if !wanted(source, E::lend(&mut payload)) {
            return Verdict::Missed;
        }
        listener(source, payload);
        Verdict::Taken
    }
}

/// Ends with an object, which it is handed.
pub(super) fn weak<S: Declared, E: Event<S>, T: ?Sized + 'static>(
    object: &Rc<T>,
    mut listener: impl for<'a> FnMut(&T, &S, E::Payload<'a>) + 'static,
) -> impl for<'a> FnMut(&S, E::Payload<'a>) -> Verdict + 'static {
    let object = Rc::downgrade(object);
    move |source: &S, payload: E::Payload<'_>| {
        let Some(object) = object.upgrade() else { return Verdict::Over };
        listener(&object, source, payload);
        Verdict::Taken
    }
}

/// Ends with a state, which it is handed to change it.
pub(super) fn state<S: Declared, E: Event<S>, T: ?Sized + 'static>(
    state: &Rc<RefCell<T>>,
    mut listener: impl for<'a> FnMut(&mut T, &S, E::Payload<'a>) + 'static,
) -> impl for<'a> FnMut(&S, E::Payload<'a>) -> Verdict + 'static {
    let state = Rc::downgrade(state);
    move |source: &S, payload: E::Payload<'_>| {
        let Some(state) = state.upgrade() else { return Verdict::Over };
        let Ok(mut state) = state.try_borrow_mut() else { return Verdict::Busy };
        listener(&mut state, source, payload);
        Verdict::Taken
    }
}

/// Comes first, and may stop the emit.
pub(super) fn intercepting<S: Declared, E: Event<S>>(
    mut interceptor: impl for<'a> FnMut(&S, E::Payload<'a>) -> ControlFlow<()> + 'static,
) -> impl for<'a> FnMut(&S, E::Payload<'a>) -> Verdict + 'static {
    move |source: &S, payload: E::Payload<'_>| match interceptor(source, payload) {
        ControlFlow::Continue(()) => Verdict::Missed,
        ControlFlow::Break(()) => Verdict::Stopped,
    }
}
