//! Cases that other emitters got wrong or wrote tests for. Where a test stems from Node's suite, it
//! names the file.

use std::cell::Cell;
use std::rc::Rc;

use onward::Emitter;

use super::support::*;

/// nodejs/node#8516: Node calls the listener again after it has removed itself.
#[test]
fn a_listener_removed_in_a_nested_emit_is_not_reached_by_the_outer_one() {
    let (room, log) = (Room::new(), Log::default());
    let (l, nested) = (log.clone(), Cell::new(false));
    room.on(Joined, move |room, _| {
        l.note("f1");
        if !nested.replace(true) {
            room.emit(Joined, "");
        }
    });
    let later = Later::new();
    let (l, handle) = (log.clone(), later.clone());
    later.set(room.on(Joined, move |room, _| {
        room.off(handle.get());
        l.note("f2");
    }));
    room.emit(Joined, "");
    assert_eq!(log.take(), "f1 f2");
}

/// test-event-emitter-once: of two `once` listeners, neither runs twice.
#[test]
fn two_once_listeners_and_a_nested_emit_make_one_call_each() {
    let (room, calls) = (Room::new(), Rc::new(Cell::new(0)));
    for _ in 0..2 {
        let calls = Rc::clone(&calls);
        room.once(Closed, move |room, ()| {
            room.emit(Closed, ());
            calls.set(calls.get() + 1);
        });
    }
    room.emit(Closed, ());
    assert_eq!(calls.get(), 2);
}

/// test-event-emitter-modify-in-emit
#[test]
fn listeners_that_add_others_and_remove_themselves() {
    let (room, log) = (Room::new(), Log::default());
    let later = Later::new();
    let (l, handle) = (log.clone(), later.clone());
    later.set(room.on(Closed, move |room, ()| {
        l.note("callback1");
        for name in ["callback2", "callback3"] {
            let (later, l) = (Later::new(), l.clone());
            let handle = later.clone();
            later.set(room.on(Closed, move |room, ()| {
                l.note(name);
                room.off(handle.get());
            }));
        }
        room.off(handle.get());
    }));
    assert_eq!(room.listener_count(Closed), 1);
    room.emit(Closed, ());
    assert_eq!((log.take().as_str(), room.listener_count(Closed)), ("callback1", 2));
    room.emit(Closed, ());
    assert_eq!((log.take().as_str(), room.listener_count(Closed)), ("callback2 callback3", 0));
    room.emit(Closed, ());
    assert_eq!(log.take(), "");
}

/// test-event-emitter-remove-listeners: two, one, two.
#[test]
fn order_is_kept_over_removal() {
    let (room, log) = (Room::new(), Log::default());
    let first = add(&room, &log, "1");
    add(&room, &log, "2");
    assert!(room.off(first));
    add(&room, &log, "1");
    room.emit(Joined, "");
    assert_eq!(log.take(), "2 1");
}

/// test-event-emitter-remove-all-listeners
#[test]
fn remove_all_leaves_nothing_and_minds_nothing() {
    let (room, log) = (Room::new(), Log::default());
    room.remove_all();
    room.remove_all_of(Joined);
    add(&room, &log, "a");
    room.on(Said, |_, _| {});
    room.on(Closed, |_, ()| {});
    room.remove_all_of(Said);
    assert_eq!(room.event_names(), ["Joined", "Closed"]);
    room.remove_all();
    room.remove_all();
    assert!(room.event_names().is_empty());
    assert!(!room.emit(Joined, "").handled());
}

/// test-events-list
#[test]
fn event_names_come_in_order_of_first_registration() {
    let room = Room::new();
    assert!(room.event_names().is_empty());
    let closed = room.on(Closed, |_, ()| {});
    room.once(Joined, |_, _| {});
    room.prepend(Said, |_, _| {});
    room.prepend(Joined, |_, _| {});
    assert_eq!(room.event_names(), ["Closed", "Joined", "Said"]);
    room.off(closed);
    assert_eq!(room.event_names(), ["Joined", "Said"]);
    room.on(Closed, |_, ()| {});
    room.emit(Joined, "");
    assert_eq!(room.event_names(), ["Joined", "Said", "Closed"]);
}

/// test-event-emitter-listener-count
#[test]
fn the_count_is_right_before_during_and_after() {
    let room = Room::new();
    assert_eq!(room.listener_count(Closed), 0);
    room.once(Closed, |room, ()| assert_eq!(room.listener_count(Closed), 2));
    room.on(Closed, |room, ()| assert_eq!(room.listener_count(Closed), 2));
    room.once(Closed, |room, ()| assert_eq!(room.listener_count(Closed), 1));
    assert_eq!(room.listener_count(Closed), 3);
    room.emit(Closed, ());
    assert_eq!(room.listener_count(Closed), 1);
}

/// EventBus#11: with an index into a live list, removing one skips the next.
#[test]
fn removal_during_an_emit_skips_nobody() {
    let (room, log) = (Room::new(), Log::default());
    for name in ["a", "b", "c", "d"] {
        let (later, l) = (Later::new(), log.clone());
        let handle = later.clone();
        later.set(room.on(Joined, move |room, _| {
            l.note(name);
            room.off(handle.get());
        }));
    }
    assert_eq!(room.emit(Joined, "").called, 4);
    assert_eq!(log.take(), "a b c d");
}

/// The hook sees every way to listen, after the registration.
#[test]
fn listener_added_is_called_for_every_way_to_listen() {
    use onward::emitter::Event;
    use onward::{EventEmitter, Listeners, events};

    struct Tap {
        emitter: EventEmitter<Self>,
        added: Cell<usize>,
    }
    events! { for Tap { Drop() } }
    impl Emitter for Tap {
        fn listeners(&self) -> &Listeners<Self> {
            &self.emitter
        }
        fn listener_added<E: Event<Self>>(&self, event: E) {
            self.added.set(self.added.get() + 1);
            assert_eq!(self.listener_count(event), self.added.get());
        }
    }
    let tap = Tap { emitter: EventEmitter::new(), added: Cell::new(0) };
    tap.on(Drop, |_, ()| {});
    tap.once(Drop, |_, ()| {});
    tap.prepend(Drop, |_, ()| {});
    tap.on_reentrant(Drop, |_, ()| {});
    tap.on_scoped(Drop, |_, ()| {}).forget();
    assert_eq!(tap.added.get(), 5);
}
