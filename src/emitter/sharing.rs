//! How futures and streams share things with their listeners: on one thread, or between many.
//!
//! What is shared stands in a cell that is looked at for a moment, and never while code of the user's runs. Clones,
//! destructors and wakers are such: what they belong to is taken out first. So one thread needs a cell, many need a
//! lock, and all the rest is written once.

use alloc::rc::Rc;
use core::cell::RefCell;
use core::fmt;
use core::ops::Deref;
use core::task::{Context, Poll, Waker};

use super::listener::Subscription;
use super::pausing::{Pause, Pausing};

/// A way to share.
#[allow(unnameable_types, reason = "for the types of futures and streams")]
pub trait Sharing: fmt::Debug + 'static {
    /// A pointer to what is shared.
    type Pointer<T>: Deref<Target = T> + Clone + Unpin;
    /// What is looked at by one at a time.
    type Cell<T>;
    /// What has a listener removed when it is dropped.
    type Guard;
    /// What has a source pause.
    type Pausing<S>: Pause<S>;

    #[doc(hidden)]
    fn share<T>(value: T) -> Self::Pointer<T>;
    #[doc(hidden)]
    fn cell<T>(value: T) -> Self::Cell<T>;
    /// Looks at what is in the cell; not for code of the user's.
    #[doc(hidden)]
    fn with<T, R>(cell: &Self::Cell<T>, look: impl FnOnce(&mut T) -> R) -> R;
}

/// Shared on one thread.
#[derive(Clone, Copy, Debug)]
#[allow(unnameable_types, reason = "for the types of futures and streams")]
pub struct Local(());

impl Sharing for Local {
    type Pointer<T> = Rc<T>;
    type Cell<T> = RefCell<T>;
    type Guard = Subscription;
    type Pausing<S> = Pausing<S>;

    fn share<T>(value: T) -> Rc<T> {
        Rc::new(value)
    }

    fn cell<T>(value: T) -> RefCell<T> {
        RefCell::new(value)
    }

    fn with<T, R>(cell: &RefCell<T>, look: impl FnOnce(&mut T) -> R) -> R {
        look(&mut cell.borrow_mut())
    }
}

/// The listeners of one that waits, at most two. They are removed when these are dropped, out of the cell.
pub(super) struct Guards<H: Sharing>([Option<H::Guard>; 2]);

impl<H: Sharing> Guards<H> {
    pub(super) const NONE: Self = Self([None, None]);

    pub(super) fn add(&mut self, guard: H::Guard) {
        let [first, second] = &mut self.0;
        debug_assert!(second.is_none(), "nothing has three listeners");
        let free = if first.is_none() { first } else { second };
        *free = Some(guard);
    }

    pub(super) fn take(&mut self) -> Self {
        core::mem::replace(self, Self::NONE)
    }
}

/// Wakes a task when it is dropped: also if what is done before panics.
#[must_use]
pub(super) struct Woken(pub(super) Option<Waker>);

impl Drop for Woken {
    fn drop(&mut self) {
        if let Some(waker) = self.0.take() {
            waker.wake();
        }
    }
}

/// Something that a task waits for.
pub(super) trait Awaited {
    /// The waker of the task that asked last.
    fn waker(&mut self) -> &mut Option<Waker>;
}

/// Asks `look` for what a task waits for, and keeps the task's waker as long as it is not there.
///
/// To look and to keep the waker is one step, so no wake-up gets lost. A waker is cloned out of the cell; then
/// `look` is asked again, since everything may have happened meanwhile.
pub(super) fn poll<H: Sharing, A: Awaited, R>(
    cell: &H::Cell<A>,
    cx: &Context<'_>,
    mut look: impl FnMut(&mut A) -> Poll<R>,
) -> Poll<R> {
    let mut clone: Option<Waker> = None;
    loop {
        let looked = H::with(cell, |awaited| {
            let looked = look(awaited);
            let kept = awaited.waker();
            if looked.is_ready() {
                clone = kept.take();
            } else if kept.as_ref().is_none_or(|kept| !kept.will_wake(cx.waker())) {
                clone.as_ref()?;
                core::mem::swap(kept, &mut clone);
            }
            Some(looked)
        });
        // What is in `clone` now was replaced, and is dropped here, out of the cell.
        match looked {
            Some(looked) => return looked,
            None => clone = Some(cx.waker().clone()),
        }
    }
}
