//! What the emitter asks of the allocator: nothing to exist, nothing to emit.
//!
//! A binary of its own, since it counts all that the process allocates: one test, one thread.

#[path = "common/counting.rs"]
mod counting;

use counting::{allocated_by, bytes};
use onward::events::{ListenerAdded, ListenerRemoved};
use onward::{Emitter, Watching, events};

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

#[test]
fn a_small_listener_allocates_nothing_of_its_own() {
    let room = Room::new();
    let allocated = allocated_by(|| {
        room.on(Joined, |_, _| {});
    });
    assert_eq!(allocated, 2, "the emitter's table, and the row of the event");

    let captured = (1_usize, 2_usize, 3_usize);
    let add = || {
        room.on(Joined, move |_, _| assert_eq!(captured.0 + captured.1, captured.2));
    };
    (0..63).for_each(|_| add());
    let allocated = allocated_by(|| {
        let last = room.on(Closed, |_, ()| {});
        assert!(room.off(last));
    });
    assert_eq!(allocated, 1, "the row of another event");

    let allocated = allocated_by(|| (0..64).for_each(|_| add()));
    assert_eq!(allocated, 1, "the row, twice as long");
    let allocated = allocated_by(|| {
        for _ in 0..1000 {
            let listener = room.on(Closed, |_, ()| {});
            assert!(room.off(listener));
        }
    });
    assert_eq!(allocated, 0);
}

#[test]
fn a_large_listener_allocates_once() {
    let room = Room::new();
    room.on(Joined, |_, _| {});
    let large = [7_u64; 16];
    let allocated = allocated_by(|| {
        room.on(Closed, move |_, ()| assert_eq!(large[15], 7));
    });
    assert_eq!(allocated, 2, "the row of the event, and the closure");
}

#[test]
fn a_listener_takes_at_most_48_bytes_beside_its_closure() {
    let (room, listeners, word) = (Room::new(), 1024, 7_u64);
    room.on(Closed, |_, ()| {});
    let before = bytes();
    for _ in 0..listeners {
        room.on(Joined, move |_, _| assert_eq!(word, 7));
    }
    let each = (bytes() - before) as f64 / f64::from(listeners);
    assert!(each - 8.0 <= 48.0, "{each} bytes for a listener that captures 8");
    assert_eq!(size_of::<Room>(), size_of::<usize>());
}

/// Removing the oldest takes no more room than there ever were listeners, and no allocation.
#[test]
fn a_row_that_is_used_from_end_to_end_does_not_grow() {
    let room = Room::new();
    let mut handles: std::collections::VecDeque<_> =
        (0..100).map(|_| room.on(Joined, |_, _| {})).collect();
    let mut turn = || {
        handles.push_back(room.on(Joined, |_, _| {}));
        handles.pop_front().is_some_and(|oldest| room.off(oldest))
    };
    assert!((0..200).all(|_| turn()));
    assert_eq!(allocated_by(|| assert!((0..10_000).all(|_| turn()))), 0);
}

#[test]
fn to_remove_all_listeners_takes_no_memory_and_gives_all_of_theirs_back() {
    let room = Room::new();
    room.on(Closed, |_, ()| {});
    room.remove_all();
    let before = bytes();
    for _ in 0..100 {
        room.on(Joined, |_, _| {});
        room.on(Closed, |_, ()| {});
    }
    assert_eq!(allocated_by(|| room.remove_all()), 0);
    assert_eq!(bytes(), before);
}
