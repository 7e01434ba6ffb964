//! What the emitter asks of the allocator: nothing to exist, nothing to emit.
//!
//! A binary of its own, since it counts all that the process allocates: one test, one thread.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use onward::events::{ListenerAdded, ListenerRemoved};
use onward::{Emitter, Watching, events};

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

events! { Room { Joined(&str), Rules(&mut u32), Moved(String), Closed() } }

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
fn an_emit_allocates_nothing() {
    let room = Room::new();
    for _ in 0..10 {
        room.on(Joined, |room, _| assert!(!room.emit(Closed, ()).handled()));
        room.on(Rules, |_, rules| *rules += 1);
    }
    room.on(Moved, |_, address| drop(address));
    let address = String::from("elsewhere");
    let mut rules = 0;
    let allocated = allocated_by(|| {
        room.emit(Joined, "ada");
        room.emit(Rules, &mut rules);
        room.emit(Moved, address);
    });
    assert_eq!((allocated, rules), (0, 10));
}

#[test]
fn an_emit_allocates_nothing_either_if_somebody_watches() {
    let room = Room::new();
    room.on(ListenerAdded, |_, _| {});
    room.on(ListenerRemoved, |_, _| {});
    room.on_any(|_, event| assert!(!event.name().is_empty()));
    room.on_any(|_, _| {});
    room.on(Joined, |_, _| {});
    room.once(Closed, |_, ()| {});
    let allocated = allocated_by(|| {
        room.emit(Joined, "ada");
        room.emit(Closed, ());
        room.emit(Closed, ());
    });
    assert_eq!(allocated, 0);
}

#[test]
fn a_nested_emit_and_a_removal_allocate_nothing() {
    let room = Room::new();
    room.once(Closed, |_, ()| {});
    room.on(Closed, |room, ()| assert_eq!(room.emit(Closed, ()).skipped, 1));
    let last = room.on(Closed, |_, ()| {});
    let allocated = allocated_by(|| {
        room.emit(Closed, ());
        room.off(last);
        room.emit(Closed, ());
    });
    assert_eq!(allocated, 0);
}
