//! What a future and its listeners share: a place for one payload, and a waker.
//!
//! The listeners hold it by an [`Ear`]. Whenever the last use of an ear is over, because its listener
//! was called, was removed, or went with its emitter, nothing can arrive any more, and the future is
//! told. So neither end has to know of the other's life, and neither keeps the other alive.
//!
//! No borrow is held while code of the user's runs, which is what clones, destructors and wakers are:
//! all is kept in cells, taken out, used, and put back.

use alloc::rc::Rc;
use core::cell::Cell;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::{Context, Poll, Waker};

use super::listener::Subscription;

/// A place for the waker of one task.
#[derive(Default)]
pub(super) struct WakerSlot(Cell<Option<Waker>>);

impl WakerSlot {
    /// Keeps the waker, if it is not the one that is there. Call this first and look afterwards: what
    /// arrives while a waker is cloned finds none.
    pub(super) fn register(&self, waker: &Waker) {
        let mut kept = self.0.take();
        match &mut kept {
            Some(kept) => kept.clone_from(waker),
            None => kept = Some(waker.clone()),
        }
        drop(self.0.replace(kept));
    }

    pub(super) fn wake(&self) {
        if let Some(waker) = self.0.take() {
            waker.wake();
        }
    }

    pub(super) fn clear(&self) {
        drop(self.0.take());
    }
}

/// The listeners of one that waits, at most two. They are removed when these are dropped.
#[derive(Default)]
pub(super) struct Guards(Cell<[Option<Subscription>; 2]>);

impl Guards {
    pub(super) fn add(&self, guard: Subscription) {
        let [first, second] = self.0.take();
        debug_assert!(second.is_none(), "nothing has three listeners");
        self.0.set(if first.is_none() { [Some(guard), None] } else { [first, Some(guard)] });
    }

    pub(super) fn release(&self) {
        drop(self.0.take());
    }
}

/// The future's end.
pub(super) struct Waiting<T> {
    shared: Rc<Shared<T>>,
}

/// The listener's end.
pub(super) struct Ear<T>(Rc<Shared<T>>);

struct Shared<T> {
    arrived: Cell<Option<T>>,
    /// When it settled, among all that wait. None: not yet.
    settled: Cell<Option<usize>>,
    waker: WakerSlot,
    guards: Guards,
}

impl<T> Waiting<T> {
    pub(super) fn new() -> Self {
        Self {
            shared: Rc::new(Shared {
                arrived: Cell::new(None),
                settled: Cell::new(None),
                waker: WakerSlot::default(),
                guards: Guards::default(),
            }),
        }
    }

    pub(super) fn ear(&self) -> Ear<T> {
        Ear(Rc::clone(&self.shared))
    }

    /// Takes charge of a listener: it goes when this is settled, or dropped.
    pub(super) fn guard(&self, guard: Subscription) {
        // It may be settled by now: `listener_added` runs as a listener is added, and may emit.
        if self.shared.settled.get().is_none() {
            self.shared.guards.add(guard);
        }
    }

    /// When it settled, if it has. Else the task will be woken.
    pub(super) fn poll_settled(&self, cx: &Context<'_>) -> Poll<usize> {
        self.shared.waker.register(cx.waker());
        match self.shared.settled.get() {
            Some(settled) => {
                self.shared.waker.clear();
                Poll::Ready(settled)
            }
            None => Poll::Pending,
        }
    }

    /// What has arrived. None, once it is settled: nothing has, or it has been taken.
    pub(super) fn poll_arrived(&self, cx: &Context<'_>) -> Poll<Option<T>> {
        self.poll_settled(cx).map(|_| self.shared.arrived.take())
    }

    pub(super) fn is_settled(&self) -> bool {
        self.shared.settled.get().is_some()
    }
}

impl<T> Drop for Waiting<T> {
    fn drop(&mut self) {
        self.shared.waker.clear();
        self.shared.settle(None);
    }
}

impl<T> Ear<T> {
    pub(super) fn hear(&self, payload: T) {
        self.0.settle(Some(payload));
    }
}

impl<T> Drop for Ear<T> {
    fn drop(&mut self) {
        self.0.settle(None);
    }
}

impl<T> Shared<T> {
    fn settle(&self, arrived: Option<T>) {
        static ORDER: AtomicUsize = AtomicUsize::new(0);
        if self.settled.get().is_some() {
            return;
        }
        self.arrived.set(arrived);
        self.settled.set(Some(ORDER.fetch_add(1, Ordering::Relaxed)));
        self.guards.release();
        self.waker.wake();
    }
}
