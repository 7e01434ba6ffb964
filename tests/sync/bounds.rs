//! What may go where: pinned, so that a change of it is seen.

use std::cell::Cell;

use onward::emitter::{Declared, Emitted, Listener};
use onward::sync::{
    Block, Emitter, EventEmitter, Events, Listeners, Next, NextOrError, StillRunning, Strict,
    Subscription, Subscriptions, Waiting,
};

use super::support::{Joined, Room};

fn send<T: Send>() {}
fn both<T: Send + Sync>() {}

#[test]
fn everything_is_for_all_threads() {
    both::<Room>();
    both::<EventEmitter<Room>>();
    both::<Listeners<Room>>();
    both::<Listener>();
    both::<Emitted>();
    both::<Subscription>();
    both::<Subscriptions>();
    both::<Block>();
    both::<StillRunning>();
    both::<EventEmitter<Local>>();
    both::<Next<String>>();
    both::<Next<Cell<u32>>>(); // only `Send` is asked of what arrives
    both::<NextOrError<Cell<u32>, Cell<u32>>>();
    both::<Events<Room, Cell<u32>>>();
    both::<Events<Local, u32>>();
    both::<Strict<Room, Cell<u32>>>();
    fn _for_every_emitter<S: Declared>() {
        both::<EventEmitter<S>>();
    }
}

/// Cannot go to another thread, and has such an emitter all the same.
struct Local {
    emitter: EventEmitter<Self>,
    _seen: Cell<u32>,
}
onward::events! { for Local { Ticked(Cell<u32>) } }

impl Emitter for Local {
    fn listeners(&self) -> &Listeners<Self> {
        &self.emitter
    }
}

#[test]
fn a_payload_and_a_source_need_not_be_send() {
    let local = Local { emitter: EventEmitter::new(), _seen: Cell::new(0) };
    local.on(Ticked, |_, cell| cell.set(cell.get() + 1));
    assert_eq!(local.emitter.emit(&local, Ticked, Cell::new(1)).called, 1);
}

#[test]
fn a_listener_may_be_send_and_no_more() {
    send::<Cell<u32>>();
    let (room, seen) = (Room::new(), Cell::new(0));
    room.on(Joined, move |_, _| seen.set(seen.get() + 1)); // `Cell` is not `Sync`
    assert_eq!(
        std::thread::scope(|s| s.spawn(|| room.emit(Joined, "")).join()).map_or(0, |e| e.called),
        1
    );
}

#[test]
fn what_is_waited_for_need_not_be_sync() {
    let local = Local { emitter: EventEmitter::new(), _seen: Cell::new(0) };
    let (next, stream) = (local.next(Ticked), local.stream(Ticked));
    local.emitter.emit(&local, Ticked, Cell::new(1));
    assert_eq!(stream.lag(), 1);
    std::thread::spawn(move || drop((next, stream))).join().expect("no panic");
    assert_eq!(local.listener_count(Ticked), 0);
}

#[test]
fn an_emitter_that_nobody_listened_to_is_small() {
    assert!(size_of::<Room>() <= 2 * size_of::<usize>());
}
