//! Atomics, locks and what a thread has of its own; those of `loom` when it checks the model.

use core::cell::{Cell, RefCell};
use core::ptr;

use super::walk::Walk;

#[cfg(not(onward_loom))]
pub(super) use std::sync::{
    Condvar, Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicI64, AtomicPtr, AtomicU8, AtomicUsize},
};

#[cfg(onward_loom)]
pub(super) use loom::{
    cell::{MutPtr, UnsafeCell},
    sync::{
        Condvar, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicI64, AtomicPtr, AtomicU8, AtomicUsize},
    },
};

pub(super) use std::sync::atomic::Ordering;

#[cfg(not(onward_loom))]
pub(super) use std::sync::OnceLock;

/// One of which `loom` sees that who finds it made comes after who has made it.
#[cfg(onward_loom)]
pub(super) struct OnceLock<T> {
    value: std::sync::OnceLock<T>,
    made: AtomicBool,
}

#[cfg(onward_loom)]
impl<T> OnceLock<T> {
    pub(super) fn new() -> Self {
        Self { value: std::sync::OnceLock::new(), made: AtomicBool::new(false) }
    }

    pub(super) fn get(&self) -> Option<&T> {
        if self.made.load(Ordering::Acquire) { self.value.get() } else { None }
    }

    pub(super) fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        let value = self.value.get_or_init(make);
        self.made.store(true, Ordering::Release);
        value
    }
}

/// What is touched by one thread at a time, as that one has made sure; `loom` checks that.
#[cfg(not(onward_loom))]
pub(super) struct UnsafeCell<T>(core::cell::UnsafeCell<T>);

/// Points to what is in such a cell.
#[cfg(not(onward_loom))]
pub(super) struct MutPtr<T>(*mut T);

#[cfg(not(onward_loom))]
impl<T> UnsafeCell<T> {
    pub(super) fn new(value: T) -> Self {
        Self(core::cell::UnsafeCell::new(value))
    }

    #[inline(always)]
    pub(super) fn get_mut(&self) -> MutPtr<T> {
        MutPtr(self.0.get())
    }

    pub(super) fn mine(&mut self) -> &mut T {
        self.0.get_mut()
    }
}

#[cfg(not(onward_loom))]
impl<T> MutPtr<T> {
    #[inline(always)]
    pub(super) fn with<R>(&self, look: impl FnOnce(*mut T) -> R) -> R {
        look(self.0)
    }
}

/// Passes the time until something has come about that does not take long, and that was looked for so often.
#[cold]
pub(super) fn relax(looks: u32) {
    #[cfg(onward_loom)]
    let _ = looks;
    #[cfg(onward_loom)]
    loom::thread::yield_now();
    #[cfg(not(onward_loom))]
    match looks {
        0..64 => core::hint::spin_loop(),
        64..128 => std::thread::yield_now(),
        // Who is to get there may be of a lower priority.
        _ => std::thread::sleep(core::time::Duration::from_micros(50)),
    }
}

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

#[cfg(not(onward_loom))]
std::thread_local! {
    static MARKS: RefCell<Vec<(usize, Mark)>> = const { RefCell::new(Vec::new()) };
}

#[cfg(onward_loom)]
loom::thread_local! {
    static MARKS: RefCell<Vec<(usize, Mark)>> = RefCell::new(Vec::new());
}

/// What an emitter is doing on a thread, which it does not begin again from inside of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// It reports a panic.
    Reporting,
    /// It raises the error of a listener that failed.
    Failing,
}

/// Until this is dropped, an emitter is doing something on this thread.
pub(super) struct Marked((usize, Mark));

/// Notes that the emitter at this address does something; `None` if it is at it already, on this thread, or if the
/// thread is about to end.
pub(super) fn mark(emitter: usize, mark: Mark) -> Option<Marked> {
    let what = (emitter, mark);
    let marked = MARKS.try_with(|marks| {
        let mut marks = marks.borrow_mut();
        let is_new = !marks.contains(&what);
        marks.extend(is_new.then_some(what));
        is_new
    });
    marked.unwrap_or(false).then_some(Marked(what))
}

/// Does the emitter at this address do that on this thread?
pub(super) fn is_marked(emitter: usize, mark: Mark) -> bool {
    MARKS.try_with(|marks| marks.borrow().contains(&(emitter, mark))).unwrap_or(true)
}

impl Drop for Marked {
    fn drop(&mut self) {
        let _ = MARKS.try_with(|marks| marks.borrow_mut().retain(|what| *what != self.0));
    }
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
