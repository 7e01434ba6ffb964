//! What the emitter for many threads asks of the allocator: nothing to exist, nothing to emit, one block for
//! a listener.
//!
//! A binary of its own, since it has an allocator of its own, which counts for each thread.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use onward::events;
use onward::sync::Emitter;

struct Counting;

thread_local! {
    static ALLOCATED: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: passes everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATED.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promises are those of this method.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are those of this method.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn allocated_by(work: impl FnOnce()) -> usize {
    let before = ALLOCATED.get();
    work();
    ALLOCATED.get() - before
}

events! { sync Room { Joined(&str), Rules(&mut u32), Moved(String), Closed() } }

#[test]
fn an_idle_emitter_allocates_nothing() {
    let allocated = allocated_by(|| {
        let room = Room::new();
        room.emit(Joined, "ada");
        assert_eq!(room.listener_count(Joined), 0);
        room.remove_all();
    });
    assert_eq!(allocated, 0);
}

#[test]
fn an_emit_allocates_nothing_nested_or_on_another_thread_either() {
    let room = Room::new();
    for _ in 0..10 {
        room.on(Rules, |_, rules| *rules += 1);
        room.on_reentrant(Closed, |_, ()| {});
    }
    room.on(Moved, |_, address| drop(address));
    room.on(Joined, |room, name| {
        let inner = name.get(1..).map(|inner| room.emit(Joined, inner).skipped);
        assert_eq!(inner.unwrap_or(1), 1);
    });
    let emits = || {
        let address = String::new();
        allocated_by(|| {
            for _ in 0..10 {
                room.emit(Rules, &mut 0);
                room.emit(Closed, ());
                room.emit(Joined, "ada");
            }
            room.emit(Moved, address);
        })
    };
    assert_eq!(emits(), 0);
    let elsewhere = std::thread::scope(|threads| threads.spawn(emits).join());
    assert_eq!(elsewhere.expect("no panic"), 0);
}

#[test]
fn a_listener_is_one_block() {
    let room = Room::new();
    let large = [0_u64; 32];
    for _ in 0..9 {
        room.on(Joined, |_, _| {}); // the vectors have grown
    }
    let mut listener = None;
    let allocated = allocated_by(|| {
        listener = Some(room.on(Joined, move |_, name| assert_eq!(large[name.len()], 0)));
    });
    assert_eq!(allocated, 1);
    let off = allocated_by(|| assert!(listener.is_some_and(|listener| room.off(listener))));
    assert_eq!(off, 0);
}
