//! What the emitter for many threads asks of the allocator: nothing to exist, nothing to emit, one block for
//! a listener.
//!
//! A binary of its own, since it has an allocator of its own, which counts for each thread.

#[path = "common/counting.rs"]
mod counting;

use counting::{allocated_by, last_size};
use onward::events;
use onward::sync::{Emitter, Waiting, Watching};

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

/// Six words: the next one and the one before, when and where it was registered, how it is called and dropped.
#[test]
fn a_listener_is_48_bytes_beside_its_closure() {
    const WORD: usize = size_of::<usize>();
    let room = Room::new();
    for _ in 0..9 {
        room.on_reentrant(Joined, |_, _| {}); // the vectors have grown
    }
    let large = [0_u64; 32];
    let sizes = [
        size_of_block(|| _ = room.on(Joined, |_, _| {})),
        size_of_block(|| _ = room.on(Joined, move |_, name| assert_eq!(large[name.len()], 0))),
        size_of_block(|| _ = room.on_group(Joined, 7, |_, _| {})),
        size_of_block(|| {
            room.on_reentrant(Joined, move |_, name| assert_eq!(large[name.len()], 0));
        }),
    ];
    if WORD == 8 {
        assert_eq!(sizes, [48, 48 + size_of_val(&large), 48, 48 + size_of_val(&large)]);
    }
}

fn size_of_block(work: impl FnOnce()) -> usize {
    assert_eq!(allocated_by(work), 1);
    last_size()
}

#[test]
fn to_queue_events_for_a_stream_allocates_nothing_once_the_queue_has_grown() {
    let room = Room::new();
    let stream = room.stream(Closed).capacity(8);
    (0..9).for_each(|_| _ = room.emit(Closed, ()));
    assert_eq!(allocated_by(|| (0..100).for_each(|_| _ = room.emit(Closed, ()))), 0);
    assert_eq!((stream.lag(), stream.dropped()), (8, 101));
}

#[test]
fn a_listener_for_all_events_does_not_make_an_emit_allocate() {
    let room = Room::new();
    let heard = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let h = std::sync::Arc::clone(&heard);
    room.on_any(move |_, _| _ = h.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
    room.on(Joined, |_, _| {});
    assert_eq!(allocated_by(|| _ = room.emit(Joined, "ada")), 0);
    assert_eq!(heard.load(std::sync::atomic::Ordering::Relaxed), 1);
}
