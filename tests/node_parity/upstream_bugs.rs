//! Bugs that other emitters had, by project and number.

use super::support::*;
use onward::Emitter;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

/// nodejs/node#8516: Node calls the listener once more after it has removed itself in the nested emit.
#[test]
fn node_8516_removed_in_a_nested_emit_is_removed_for_the_outer_one() {
    let (room, log, nested) = (Room::new(), Log::default(), Cell::new(false));
    let l = log.clone();
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

/// igorw/evenement#62: what is added as the event is emitted was lost, or ran at once.
#[test]
fn evenement_62_a_once_added_by_a_listener_runs_at_the_next_emit() {
    let (room, log) = (Room::new(), Log::default());
    let l = log.clone();
    room.once(Joined, move |room, _| {
        l.note("first");
        room.once(Joined, noting!(l, "second"));
    });
    let noted = [0; 3].map(|_| {
        room.emit(Joined, "");
        log.take()
    });
    assert_eq!(noted, ["first", "second", ""]);
}

/// krasimir/EventBus#11: with an index into a live list, to remove one skips the next.
#[test]
fn event_bus_11_removal_skips_nobody() {
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

/// wailsapp/wails#5578: a list that is written back after the emit brings removed listeners to life.
#[test]
fn wails_5578_what_a_listener_removes_stays_removed_beside_one_that_runs_out() {
    let (room, log, later) = (Room::new(), Log::default(), Later::new());
    room.once(Joined, noting!(log, "once"));
    let handle = later.clone();
    room.on(Joined, move |room, _| {
        room.off(handle.get());
    });
    later.set(add(&room, &log, "removed"));
    room.emit(Joined, "");
    room.emit(Joined, "");
    assert_eq!((log.take().as_str(), room.listener_count(Joined)), ("once", 1));
}

/// palacaze/sigslot#5: slots that were removed went on to cost something at each emit.
#[test]
fn sigslot_5_what_is_removed_leaves_nothing_behind() {
    let (room, log) = (Room::new(), Log::default());
    add(&room, &log, "stays");
    let kept = Rc::new(());
    for _ in 0..10_000 {
        let captured = Rc::clone(&kept);
        let listener = room.on(Joined, move |_, _| {
            let _ = &captured;
        });
        assert!(room.off(listener));
    }
    assert_eq!(Rc::strong_count(&kept), 1);
    let places = format!("{room:#?}").matches("support.rs:").count();
    assert_eq!((places, room.listener_count(Joined)), (1, 1));
    assert_eq!(room.emit(Joined, "").called, 1);
    assert_eq!(log.take(), "stays");
}

/// typed-emitter keeps a `once` closure that has run until the next emit.
#[test]
fn the_captures_of_a_once_listener_go_as_it_returns() {
    let (room, held) = (Room::new(), Rc::new(()));
    let captured = Rc::clone(&held);
    room.once(Joined, move |_, _| assert_eq!(Rc::strong_count(&captured), 2));
    room.emit(Joined, "");
    assert_eq!(Rc::strong_count(&held), 1);
}

/// rs_events and emitix wait for their own lock for ever.
#[test]
fn a_listener_may_emit_its_own_event_and_change_the_listeners() {
    let (room, log) = (Room::new(), Log::default());
    let l = log.clone();
    room.on(Joined, move |room, name| {
        l.note(name);
        let listener = add(room, &l, "added");
        assert_eq!(room.emit(Joined, "nested").called, 1);
        assert!(room.off(listener));
    });
    room.emit(Joined, "outer");
    assert_eq!((log.take().as_str(), room.listener_count(Joined)), ("outer added", 1));
}

/// emitix and typed-emitter call in the order of a hash table.
#[test]
fn many_listeners_are_called_in_the_order_of_registration() {
    let (room, order) = (Room::new(), Rc::new(RefCell::new(Vec::new())));
    for n in 0..100 {
        let order = Rc::clone(&order);
        room.on(Joined, move |_, _| order.borrow_mut().push(n));
    }
    room.emit(Joined, "");
    assert_eq!(*order.borrow(), (0..100).collect::<Vec<_>>());
}

#[test]
fn a_listener_may_drop_the_last_handle_of_its_emitter() {
    let log = Log::default();
    let holder = Rc::new(RefCell::new(Some(Room::new())));
    let room = holder.borrow().clone().expect("just put there");
    let (h, l, captured) = (Rc::clone(&holder), log.clone(), log.on_drop("dropped"));
    room.on(Closed, move |_, ()| {
        captured.touch();
        drop(h.take());
        l.note("ran");
    });
    add(&room, &log, "other");
    room.emit(Closed, ());
    drop(room);
    assert_eq!(log.take(), "ran dropped");
}

#[test]
fn a_destructor_of_what_a_listener_captured_may_emit() {
    let (room, log) = (Room::new(), Log::default());
    let r = room.clone();
    let captured = OnDrop(move || {
        r.emit(Joined, "");
    });
    add(&room, &log, "heard");
    let listener = room.on(Closed, move |_, ()| captured.touch());
    room.off(listener);
    assert_eq!(log.take(), "heard");
}

#[test]
fn a_panic_leaves_order_counts_and_the_next_emit_as_they_were() {
    let (room, log) = (Room::new(), Log::default());
    add(&room, &log, "a");
    room.once(Joined, |_, _| panic!("on purpose"));
    add(&room, &log, "b");
    catch_unwind(AssertUnwindSafe(|| room.emit(Joined, ""))).expect_err("it passes through");
    assert_eq!((log.take().as_str(), room.listener_count(Joined)), ("a", 2));
    let emitted = room.emit(Joined, "");
    assert_eq!((emitted.called, emitted.skipped), (2, 0));
    assert_eq!(log.take(), "a b");
}
