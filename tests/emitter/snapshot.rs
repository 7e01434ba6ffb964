//! `Removal::Snapshot`: an emit calls those that were there when it began, as Node does.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use onward::emitter::{Options, Removal};
use onward::{Emitter, EventEmitter};

use super::support::*;

fn snapshot() -> (Room, Log) {
    (Room::with_options(Options::new().removal(Removal::Snapshot)), Log::default())
}

#[test]
fn one_removed_by_an_earlier_one_is_still_called_in_that_emit() {
    let (room, log) = snapshot();
    let (later, l) = (Later::new(), log.clone());
    let handle = later.clone();
    room.on(Joined, move |room, _| {
        l.note(format!("off:{}", room.off(handle.get())));
        l.note(room.listener_count(Joined).to_string());
    });
    let captured = log.on_drop("dropped");
    let l = log.clone();
    later.set(room.on(Joined, move |_, _| {
        captured.touch();
        l.note("removed");
    }));
    add(&room, &log, "last");
    assert_eq!(room.emit(Joined, "").called, 3);
    assert_eq!(log.take(), "off:true 2 removed last dropped");
    assert_eq!(room.emit(Joined, "").called, 2);
    assert_eq!(log.take(), "off:false 2 last");
}

#[test]
fn remove_all_leaves_the_emit_under_way_what_it_has() {
    let (room, log) = snapshot();
    let l = log.clone();
    room.on(Joined, move |room, _| {
        room.remove_all();
        assert_eq!(room.listener_count(Joined), 0);
        assert!(room.event_names().is_empty());
        assert_eq!(format!("{room:?}"), "Room");
        add(room, &l, "new");
    });
    add(&room, &log, "a");
    room.once(Joined, noting!(log, "b"));
    assert_eq!(room.emit(Joined, "").called, 3);
    assert_eq!(log.take(), "a b");
    assert_eq!(room.listener_count(Joined), 1);
    assert_eq!(room.emit(Joined, "").called, 1);
    assert_eq!(log.take(), "new");
}

#[test]
fn a_once_that_was_removed_is_called_once_by_the_emit_under_way() {
    let (room, log) = snapshot();
    let later = Later::new();
    let handle = later.clone();
    room.on(Joined, move |room, name| {
        if name == "outer" {
            assert!(room.off(handle.get()));
            assert_eq!(room.listener_count(Joined), 2);
            assert!(!room.off(handle.get()));
        }
    });
    later.set(room.once(Joined, noting!(log, "once")));
    let l = log.clone();
    room.on(Joined, move |room, _| l.note(room.listener_count(Joined).to_string()));
    assert_eq!(room.emit(Joined, "outer").called, 3);
    assert_eq!(log.take(), "once 2");
    assert_eq!(room.emit(Joined, "").called, 2);
}

#[test]
fn a_once_that_a_nested_emit_used_up_is_not_called_again() {
    let (room, log) = snapshot();
    let l = log.clone();
    room.once(Joined, move |room, _| {
        room.emit(Joined, "");
        l.note("first");
    });
    room.once(Joined, noting!(log, "second"));
    assert_eq!(room.emit(Joined, "").called, 1);
    assert_eq!(log.take(), "second first");
    assert_eq!(room.listener_count(Joined), 0);
}

#[test]
fn one_that_removes_itself_in_a_nested_emit_is_called_again_by_the_outer_one() {
    // Node's issue 8516: f1 1, f2 2, f2 1.
    let (room, log) = snapshot();
    let (l, depth) = (log.clone(), Rc::new(Cell::new(1)));
    let d = Rc::clone(&depth);
    room.on(Joined, move |room, _| {
        l.note(format!("f1-{}", d.get()));
        d.set(d.get() + 1);
        room.emit(Joined, "");
        d.set(d.get() - 1);
    });
    let (later, l, d) = (Later::new(), log.clone(), Rc::clone(&depth));
    let handle = later.clone();
    later.set(room.on(Joined, move |room, _| {
        l.note(format!("f2-{}:{}", d.get(), room.off(handle.get())));
    }));
    room.emit(Joined, "");
    assert_eq!(log.take(), "f1-1 f2-2:true f2-1:false");
    assert_eq!(room.listener_count(Joined), 1);
}

#[test]
fn an_emit_that_begins_after_the_removal_does_not_call_it() {
    let (room, log) = snapshot();
    let (later, l) = (Later::new(), log.clone());
    let handle = later.clone();
    room.once(Joined, move |room, _| {
        room.off(handle.get());
        l.note("(");
        assert_eq!(room.emit(Joined, "nested").called, 1);
        l.note(")");
    });
    later.set(add(&room, &log, "removed"));
    add(&room, &log, "stays");
    room.emit(Joined, "outer");
    assert_eq!(log.take(), "( stays ) removed stays");
}

#[test]
fn one_that_runs_and_removes_itself_keeps_its_captures_to_the_end() {
    let (room, log) = snapshot();
    let (later, captured) = (Later::new(), log.on_drop("dropped"));
    let (handle, l) = (later.clone(), log.clone());
    later.set(room.on(Joined, move |room, _| {
        captured.touch();
        assert!(room.off(handle.get()));
        assert_eq!(room.emit(Joined, "").called, 1, "the other one");
        l.note("returns");
    }));
    add(&room, &log, "next");
    room.emit(Joined, "");
    assert_eq!(log.take(), "next returns next dropped");
}

#[test]
fn one_added_and_removed_during_an_emit_is_called_by_the_nested_ones_that_saw_it() {
    let (room, log) = snapshot();
    let l = log.clone();
    room.once(Joined, move |room, _| {
        let later = Later::new();
        let handle = later.clone();
        room.once(Joined, move |room, _| assert!(room.off(handle.get())));
        let captured = l.on_drop("dropped");
        let l2 = l.clone();
        later.set(room.on(Joined, move |_, _| {
            captured.touch();
            l2.note("late");
        }));
        assert_eq!(room.emit(Joined, "").called, 2);
        assert_eq!(room.emit(Joined, "").called, 0);
        l.note("end");
    });
    room.emit(Joined, "");
    assert_eq!(log.take(), "late end dropped");
    assert_eq!(room.listener_count(Joined), 0);
}

#[test]
fn outside_of_emits_and_for_blocked_ones_removed_means_removed() {
    let (room, log) = snapshot();
    let captured = log.on_drop("dropped");
    let listener = room.on(Joined, move |_, _| captured.touch());
    assert!(room.off(listener));
    assert_eq!(log.take(), "dropped");
    let captured = log.on_drop("blocked dropped");
    let blocked = room.on(Joined, move |_, _| captured.touch());
    let block = room.block(blocked);
    let l = log.clone();
    room.prepend(Joined, move |room, _| {
        room.off(blocked);
        l.note("removed");
    });
    assert_eq!(room.emit(Joined, "").called, 1);
    assert_eq!(log.take(), "blocked dropped removed");
    drop(block);
    assert_eq!(room.emit(Joined, "").called, 1);
}

#[test]
fn one_that_is_removed_cannot_be_blocked_any_more() {
    let (room, log) = snapshot();
    let later = Later::new();
    let handle = later.clone();
    let (captured, blocked) = (log.on_drop("dropped"), Rc::new(Cell::new(None)));
    let b = Rc::clone(&blocked);
    room.prepend(Joined, move |room, name| {
        assert_eq!(room.off(handle.get()), name.is_empty());
        let block = room.block(handle.get());
        assert!(!room.off(handle.get()), "to block it does not bring it back");
        assert_eq!(room.listener_count(Joined), 1);
        b.set(Some(block));
    });
    later.set(room.on(Joined, move |_, _| captured.touch()));
    assert_eq!(room.emit(Joined, "").called, 2);
    assert_eq!((log.take().as_str(), room.listener_count(Joined)), ("dropped", 1));
    drop(blocked.take());
    assert_eq!(room.emit(Joined, "other").called, 1);
}

#[test]
fn a_panic_leaves_nothing_behind() {
    let (room, log) = snapshot();
    let later = Later::new();
    let handle = later.clone();
    room.once(Joined, move |room, _| {
        room.off(handle.get());
        panic!("on purpose");
    });
    let captured = log.on_drop("dropped");
    later.set(room.on(Joined, move |_, _| captured.touch()));
    catch_unwind(AssertUnwindSafe(|| room.emit(Joined, ""))).expect_err("it passes through");
    assert_eq!(log.take(), "dropped");
    assert_eq!((room.listener_count(Joined), room.emit(Joined, "").called), (0, 0));
}

#[test]
fn a_destructor_at_the_end_of_the_emit_may_use_the_emitter() {
    let (room, log) = snapshot();
    let (r, l) = (room.clone(), log.clone());
    let captured = OnDrop(move || {
        l.note(format!("dropped:{}", r.listener_count(Joined)));
        add(&r, &l, "added");
        assert_eq!(r.emit(Joined, "").called, 2);
    });
    let later = Later::new();
    let handle = later.clone();
    let once = room.once(Joined, move |room, _| assert!(room.off(handle.get())));
    later.set(room.on(Joined, move |_, _| captured.touch()));
    add(&room, &log, "stays");
    assert_eq!(room.emit(Joined, "").called, 3);
    assert_eq!(log.take(), "stays dropped:1 stays added");
    assert!(!room.off(once));
    room.remove_all();
}

#[test]
fn an_emitter_with_options_is_one_pointer_and_shares_them_with_its_clones() {
    assert_eq!(size_of::<EventEmitter<Room>>(), size_of::<usize>());
    let (room, log) = snapshot();
    let clone = room.clone();
    drop(room);
    clone.on(Joined, |room, _| room.remove_all());
    add(&clone, &log, "removed");
    assert_eq!(clone.emit(Joined, "").called, 2);
    assert_eq!(Removal::default(), Removal::Immediate);
}
