//! Where other threads leave work for the loop.

use super::driver::Waker;
use super::queues::Job;
use super::slab::Key;
use super::tasks::Woken;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What another thread left.
pub(crate) enum Letter {
    /// A closure to run on the loop's thread.
    Job(Box<dyn Job + Send>),
    /// Work that the loop gave away is done.
    Done(Key),
    /// Another thread woke a future.
    Woken(Woken),
}

#[derive(Default)]
struct State {
    letters: VecDeque<Letter>,
    closed: bool,
    /// The loop waits, or is about to, and nobody has woken it yet.
    waits: bool,
}

/// A queue behind a lock that is held for a push or a swap, never for a call.
///
/// No wake-up is lost, and few are made: the loop says under the lock that it is going to wait, and only if
/// there is nothing in the queue; the first who puts something in after that wakes it.
pub(crate) struct Inbox {
    state: Mutex<State>,
    /// Has something been put in? A hint, that saves a busy loop the lock.
    filled: AtomicBool,
    waker: Waker,
    /// How many remotes want the loop to go on.
    holds: AtomicUsize,
}

impl Inbox {
    pub(crate) fn new(waker: Waker) -> Self {
        let (filled, holds) = (AtomicBool::new(false), AtomicUsize::new(0));
        Self { state: Mutex::default(), filled, waker, holds }
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
        state.letters.push_back(letter(content));
        if state.letters.len() == 1 {
            self.filled.store(true, Ordering::Relaxed);
            if std::mem::take(&mut state.waits) {
                drop(state);
                self.waker.wake();
            }
        }
        Ok(())
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// May the loop wait? From here on, a letter wakes it.
    pub(crate) fn may_wait(&self) -> bool {
        let mut state = self.state();
        state.waits = state.letters.is_empty();
        state.waits
    }

    /// Might there be a letter? One that is missed here is found before the loop waits.
    #[inline]
    pub(crate) fn is_filled(&self) -> bool {
        self.filled.load(Ordering::Relaxed)
    }

    /// Takes all letters, behind those in `to`.
    pub(crate) fn collect(&self, to: &mut VecDeque<Letter>) {
        let mut state = self.state();
        state.waits = false;
        self.filled.store(false, Ordering::Relaxed);
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
