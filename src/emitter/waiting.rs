//! What a future and its listeners share: a place for one payload, and a waker.
//!
//! The listeners hold it by an [`Ear`]. Whenever the last use of an ear is over, because its listener
//! was called, was removed, or went with its emitter, nothing can arrive any more, and the future is
//! told. So neither end has to know of the other's life, and neither keeps the other alive.
//!
//! It is the same on one thread and between many, see [`Sharing`].

use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::{Context, Poll, Waker};

use super::sharing::{Awaited, Guards, Sharing, Woken, poll};

/// The future's end.
pub(crate) struct Waiting<T, H: Sharing> {
    shared: H::Pointer<H::Cell<State<T, H>>>,
}

/// The listener's end.
pub(crate) struct Ear<T, H: Sharing>(H::Pointer<H::Cell<State<T, H>>>);

pub(crate) struct State<T, H: Sharing> {
    arrived: Option<T>,
    /// When it settled, among all that wait. None: not yet.
    settled: Option<usize>,
    waker: Option<Waker>,
    guards: Guards<H>,
}

impl<T, H: Sharing> Awaited for State<T, H> {
    fn waker(&mut self) -> &mut Option<Waker> {
        &mut self.waker
    }
}

impl<T, H: Sharing> State<T, H> {
    fn poll_settled(&mut self) -> Poll<usize> {
        self.settled.map_or(Poll::Pending, Poll::Ready)
    }
}

impl<T, H: Sharing> Waiting<T, H> {
    pub(crate) fn new() -> Self {
        let (arrived, settled, waker) = (None, None, None);
        Self { shared: H::share(H::cell(State { arrived, settled, waker, guards: Guards::NONE })) }
    }

    pub(crate) fn ear(&self) -> Ear<T, H> {
        Ear(self.shared.clone())
    }

    /// Takes charge of a listener: it goes when this is settled, or dropped.
    pub(crate) fn guard(&self, guard: H::Guard) {
        let mut guard = Some(guard);
        // It may be settled by now: somebody else may have emitted, or `listener_added` has.
        H::with(&self.shared, |state| {
            if state.settled.is_none() {
                guard.take().into_iter().for_each(|guard| state.guards.add(guard));
            }
        });
    }

    /// When it settled, if it has. Else the task will be woken.
    pub(crate) fn poll_settled(&self, cx: &Context<'_>) -> Poll<usize> {
        poll::<H, _, _>(&self.shared, cx, State::poll_settled)
    }

    /// What has arrived. None, once it is settled: nothing has, or it has been taken.
    pub(crate) fn poll_arrived(&self, cx: &Context<'_>) -> Poll<Option<T>> {
        poll::<H, _, _>(&self.shared, cx, |state| {
            state.poll_settled().map(|_| state.arrived.take())
        })
    }

    pub(crate) fn is_settled(&self) -> bool {
        H::with(&self.shared, |state| state.settled.is_some())
    }
}

impl<T, H: Sharing> Drop for Waiting<T, H> {
    fn drop(&mut self) {
        // What arrived goes with the future, though the listener may live on for a moment.
        let left = H::with(&self.shared, |state| (state.waker.take(), state.arrived.take()));
        settle::<T, H>(&self.shared, None);
        drop(left);
    }
}

impl<T, H: Sharing> Ear<T, H> {
    pub(crate) fn hear(&self, payload: T) {
        settle::<T, H>(&self.0, Some(payload));
    }
}

impl<T, H: Sharing> Drop for Ear<T, H> {
    fn drop(&mut self) {
        settle::<T, H>(&self.0, None);
    }
}

/// Nothing more can arrive. What comes second is dropped.
fn settle<T, H: Sharing>(shared: &H::Cell<State<T, H>>, arrived: Option<T>) {
    static ORDER: AtomicUsize = AtomicUsize::new(0);
    let mut arrived = Some(arrived);
    let (guards, waker) = H::with(shared, |state| {
        if state.settled.is_some() {
            return (Guards::NONE, None);
        }
        state.arrived = arrived.take().flatten();
        state.settled = Some(ORDER.fetch_add(1, Ordering::Relaxed));
        (state.guards.take(), state.waker.take())
    });
    let _woken = Woken(waker);
    drop(guards);
}
