//! An allocator that counts, for tests in binaries of their own. The counts are those of the thread.
#![allow(dead_code, reason = "not every binary asks for all counts")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    static ALLOCATED: Cell<usize> = const { Cell::new(0) };
    static BYTES: Cell<isize> = const { Cell::new(0) };
    static SIZE: Cell<usize> = const { Cell::new(0) };
}

fn count(by: isize) {
    let _ = BYTES.try_with(|bytes| bytes.set(bytes.get() + by));
}

// SAFETY: passes everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        let _ = ALLOCATED.try_with(|allocated| allocated.set(allocated.get() + 1));
        let _ = SIZE.try_with(|size| size.set(layout.size()));
        // SAFETY: the caller's promises are those of this method.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller's promises are those of this method.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// How many blocks the thread has asked for so far.
pub(crate) fn allocated() -> usize {
    ALLOCATED.get()
}

/// How many blocks some work asks for.
pub(crate) fn allocated_by(work: impl FnOnce()) -> usize {
    let before = allocated();
    work();
    allocated() - before
}

/// How many bytes the thread has, as long as none come from others.
pub(crate) fn bytes() -> isize {
    BYTES.get()
}

/// The size of the last block.
pub(crate) fn last_size() -> usize {
    SIZE.get()
}
