//! Atomics, locks and what a thread has of its own; those of `loom` when it checks the model.

use core::cell::Cell;
use core::ptr;

use super::walk::Walk;

#[cfg(not(onward_loom))]
pub(super) use std::sync::{
    Condvar, Mutex, MutexGuard,
    atomic::{AtomicI64, AtomicPtr, AtomicU8, AtomicUsize},
};

#[cfg(onward_loom)]
pub(super) use loom::sync::{
    Condvar, Mutex, MutexGuard,
    atomic::{AtomicI64, AtomicPtr, AtomicU8, AtomicUsize},
};

pub(super) use std::sync::atomic::Ordering;

/// What is in a lock is right after every line of ours, and no code of the user's runs in one.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// What a thread has of its own. Eight bytes aligned, so that its address has bits to spare.
#[repr(align(8))]
pub(super) struct Here {
    /// Which of the counters of readers it uses, from 1 on; 0 as long as it needed none.
    reader: Cell<usize>,
    /// The shared walks that it is in, from the innermost on.
    pub(super) walks: Cell<*const Walk>,
}

impl Here {
    const fn new() -> Self {
        Self { reader: Cell::new(0), walks: Cell::new(ptr::null()) }
    }

    /// A number for this thread, that neighbours do not share.
    #[inline]
    pub(super) fn reader(&self) -> usize {
        if self.reader.get() == 0 {
            self.reader.set(next_reader());
        }
        self.reader.get()
    }
}

#[cfg(not(onward_loom))]
std::thread_local! {
    static HERE: Here = const { Here::new() };
}

#[cfg(onward_loom)]
loom::thread_local! {
    static HERE: Here = Here::new();
}

/// Hands out what the thread has of its own.
#[inline(always)]
pub(super) fn here<R>(look: impl FnOnce(&Here) -> R) -> R {
    HERE.with(look)
}

/// What the thread is called here: a multiple of eight, not 0, that no other living thread has.
#[inline(always)]
pub(super) fn me() -> usize {
    here(|here| ptr::from_ref(here) as usize)
}

/// The counter of `loom` runs are their own, else a model would differ from run to run.
fn next_reader() -> usize {
    #[cfg(not(onward_loom))]
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    #[cfg(onward_loom)]
    loom::lazy_static! {
        static ref NEXT: AtomicUsize = AtomicUsize::new(1);
    }
    NEXT.fetch_add(1, Ordering::Relaxed).max(1)
}
