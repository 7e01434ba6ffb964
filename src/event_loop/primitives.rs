//! Atomics and locks; those of `loom` when it checks the model.

#[cfg(not(onward_loom))]
pub(super) use std::sync::{
    Condvar, Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicUsize},
};

#[cfg(onward_loom)]
pub(super) use loom::sync::{
    Condvar, Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicUsize},
};

use std::sync::PoisonError;
pub(super) use std::sync::atomic::Ordering;

/// What is in a lock is right after every line of ours, and no code of the user's runs in one.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for news without the lock, and has it again after.
pub(super) fn wait<'a, T>(news: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    news.wait(guard).unwrap_or_else(PoisonError::into_inner)
}
