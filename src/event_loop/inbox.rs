//! Where other threads leave work for the loop.

use super::driver::Waker;
use super::slab::Key;
use async_task::Runnable;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What another thread left.
pub(crate) enum Letter {
    /// A closure to run on the loop's thread.
    Job(Box<dyn FnOnce() + Send>),
    /// Work that the loop gave away is done.
    Done(Key),
    /// Another thread woke a future.
    Woken(Runnable),
}

#[derive(Default)]
struct State {
    letters: VecDeque<Letter>,
    closed: bool,
}

/// A queue behind a lock that is held for a push or a swap, never for a call.
///
/// No wake-up is lost: whoever puts the first letter into an empty queue wakes the loop, and the
/// loop empties the queue as a whole.
pub(crate) struct Inbox {
    state: Mutex<State>,
    waker: Waker,
    /// How many remotes want the loop to go on.
    holds: AtomicUsize,
}

impl Inbox {
    pub(crate) fn new(waker: Waker) -> Self {
        Self { state: Mutex::default(), waker, holds: AtomicUsize::new(0) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves what `letter` makes, unless the loop has ended.
    pub(crate) fn post<F>(&self, content: F, letter: impl FnOnce(F) -> Letter) -> Result<(), F> {
        let mut state = self.state();
        if state.closed {
            return Err(content);
        }
        let first = state.letters.is_empty();
        state.letters.push_back(letter(content));
        drop(state);
        if first {
            self.waker.wake();
        }
        Ok(())
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// Takes all letters, behind those in `to`.
    pub(crate) fn collect(&self, to: &mut VecDeque<Letter>) {
        let mut state = self.state();
        if to.is_empty() {
            std::mem::swap(&mut state.letters, to);
        } else {
            to.append(&mut state.letters);
        }
    }

    /// The loop has ended: no more letters. Those not read are dropped.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        let letters = std::mem::take(&mut state.letters);
        drop(state);
        drop(letters);
    }

    pub(crate) fn wake(&self) {
        self.waker.wake();
    }

    pub(crate) fn hold(&self) {
        self.holds.fetch_add(1, Ordering::Relaxed);
    }

    /// The last one to let go wakes the loop, which may have nothing left to wait for.
    pub(crate) fn let_go(&self) {
        if self.holds.fetch_sub(1, Ordering::Release) == 1 {
            self.waker.wake();
        }
    }

    pub(crate) fn is_held(&self) -> bool {
        self.holds.load(Ordering::Acquire) != 0
    }
}
