//! The other ways to subscribe: counted, conditional, grouped, tied to an object, blocked.

use super::support::{Closed, Joined, Later, Log, Room, add, noting};
use onward::Emitter;
use onward::emitter::{Block, Listener, Subscriptions};
use onward::events::Error;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

#[test]
fn many_runs_so_many_times_and_is_gone_before_the_last() {
    let (room, log) = (Room::new(), Log::default());
    let captures = log.on_drop("dropped");
    room.many(Joined, 3, {
        let log = log.clone();
        move |room, _| {
            captures.touch();
            log.note(room.listener_count(Joined).to_string());
        }
    });
    for _ in 0..5 {
        room.emit(Joined, "");
    }
    assert_eq!(log.take(), "1 1 0 dropped");
}

#[test]
fn many_never_runs_more_often_not_even_nested_or_after_a_panic() {
    let (room, calls) = (Room::new(), Rc::new(Cell::new(0)));
    let counted = calls.clone();
    room.many(Joined, 2, move |room, _| {
        counted.set(counted.get() + 1);
        room.emit(Joined, "nested");
        panic!("as planned");
    });
    for _ in 0..4 {
        let _ = catch_unwind(AssertUnwindSafe(|| room.emit(Joined, "")));
    }
    assert_eq!((calls.get(), room.listener_count(Joined)), (2, 0));
}

#[test]
fn many_of_no_times_is_no_listener() {
    let (room, log) = (Room::new(), Log::default());
    let captures = log.on_drop("dropped");
    let listener = room.many(Joined, 0, move |_, _| captures.touch());
    assert_eq!((log.take().as_str(), room.listener_count(Joined)), ("dropped", 0));
    assert!(!room.off(listener));
}

#[test]
fn many_can_be_large_and_removed_halfway() {
    let (room, log, large) = (Room::new(), Log::default(), [7_u64; 20]);
    let captures = log.on_drop("dropped");
    let listener = room.many(Joined, 3, {
        let log = log.clone();
        move |_, _| {
            captures.touch();
            log.note(large.len().to_string());
        }
    });
    room.emit(Joined, "");
    assert!(room.off(listener));
    room.emit(Joined, "");
    assert_eq!(log.take(), "20 dropped");
}

#[test]
fn an_error_that_a_condition_turns_down_is_not_handled() {
    let room = Room::new();
    room.on_when(Error, |_, error| error == "mine", |_, _| {});
    assert!(room.emit_error("mine".to_string()).is_ok());
    assert_eq!(room.emit_error("yours".to_string()).unwrap_err().into_inner(), "yours");
}

#[test]
fn groups_stand_between_front_and_back_each_in_its_order() {
    let (room, log) = (Room::new(), Log::default());
    room.on(Joined, noting!(log, "back1"));
    room.on_group(Joined, i16::MAX, noting!(log, "last"));
    room.on_group(Joined, 0, noting!(log, "zero1"));
    room.prepend(Joined, noting!(log, "front2"));
    room.on_group(Joined, i16::MIN, noting!(log, "first"));
    room.on_group(Joined, 0, noting!(log, "zero2"));
    room.on(Joined, noting!(log, "back2"));
    room.prepend_once(Joined, noting!(log, "front1"));
    assert_eq!(room.emit(Joined, "").called, 8);
    assert_eq!(log.take(), "front1 front2 first zero1 zero2 last back1 back2");
    room.emit(Joined, "");
    assert_eq!(log.take(), "front2 first zero1 zero2 last back1 back2");
}

#[test]
fn what_is_added_to_a_group_during_an_emit_takes_its_place_for_the_next_and_for_nested_ones() {
    let (room, log) = (Room::new(), Log::default());
    room.on(Joined, noting!(log, "back"));
    room.once(Joined, {
        let log = log.clone();
        move |room, _| {
            room.on_group(Joined, 1, noting!(log, "group"));
            room.prepend(Joined, noting!(log, "front"));
            log.note("(");
            room.emit(Joined, "");
            log.note(")");
        }
    });
    room.emit(Joined, "");
    assert_eq!(log.take(), "back ( front group back )");
    room.emit(Joined, "");
    assert_eq!(log.take(), "front group back");
}

#[test]
fn a_weak_listener_ends_with_its_object_and_drops_what_it_captured() {
    let (room, log) = (Room::new(), Log::default());
    let (object, captures) = (Rc::new(Cell::new(0)), log.on_drop("dropped"));
    room.on_weak(Joined, &object, move |object, _, _| {
        captures.touch();
        object.set(object.get() + 1);
    });
    room.on(Joined, noting!(log, "other"));
    assert_eq!((room.emit(Joined, "").called, object.get()), (2, 1));
    assert_eq!(Rc::strong_count(&object), 1);
    drop(object);
    assert_eq!(room.listener_count(Joined), 2, "it is found gone by the next emit");
    assert_eq!(room.emit(Joined, "").called, 1);
    assert_eq!((log.take().as_str(), room.listener_count(Joined)), ("other dropped other", 1));
}

#[test]
fn an_error_that_only_a_dead_object_listened_for_is_not_lost() {
    let (room, object) = (Room::new(), Rc::new(()));
    room.on_weak(Error, &object, |_, _, _| {});
    assert!(room.emit_error("heard".to_string()).is_ok());
    drop(object);
    assert_eq!(room.emit_error("not heard".to_string()).unwrap_err().into_inner(), "not heard");
}

#[test]
fn an_object_may_die_while_its_listener_runs() {
    let (room, log) = (Room::new(), Log::default());
    let object = Rc::new(RefCell::new(log.on_drop("object")));
    let holder = Rc::new(Cell::new(Some(object.clone())));
    room.on_weak(Joined, &object, {
        let log = log.clone();
        move |object, _, _| {
            drop(holder.take());
            object.borrow().touch();
            log.note("ran");
        }
    });
    drop(object);
    room.emit(Joined, "");
    assert_eq!(log.take(), "ran object");
}

#[test]
fn listeners_on_one_state_share_it_and_a_nested_one_is_skipped() {
    let (room, state) = (Room::new(), Rc::new(RefCell::new(0)));
    room.on_state(Joined, &state, |count, room, _| {
        *count += 1;
        assert_eq!((room.emit(Closed, ()).called, room.emit(Closed, ()).skipped), (0, 1));
    });
    room.on_state(Closed, &state, |count, _, ()| *count += 100);
    room.emit(Joined, "");
    assert_eq!(*state.borrow(), 1);
    assert_eq!(room.emit(Closed, ()).called, 1);
    assert_eq!(*state.borrow(), 101);
    drop(state);
    assert_eq!(room.emit(Joined, "").called + room.emit(Closed, ()).called, 0);
    assert!(room.event_names().is_empty());
}

#[test]
fn a_blocked_listener_is_not_called_and_blocks_are_counted() {
    let (room, log) = (Room::new(), Log::default());
    let listener = add(&room, &log, "a");
    add(&room, &log, "b");
    let (one, two) = (room.block(listener), room.block(listener));
    assert_eq!((room.emit(Joined, "").called, room.listener_count(Joined)), (1, 2));
    drop(one);
    room.emit(Joined, "");
    assert_eq!(log.take(), "b b");
    drop(two);
    room.emit(Joined, "");
    assert_eq!(log.take(), "a b", "it has kept its place");
}

#[test]
fn a_blocked_error_listener_does_not_count_as_one() {
    let room = Room::new();
    let listener = room.on(Error, |_, _| {});
    let _quiet = room.block(listener);
    assert!(room.emit_error("nobody".to_string()).is_err());
}

#[test]
fn a_blocked_listener_can_be_removed_and_its_captures_go_at_once() {
    let (room, log) = (Room::new(), Log::default());
    let captures = log.on_drop("dropped");
    let listener = room.on(Joined, move |_, _| captures.touch());
    let quiet = room.block(listener);
    assert!(room.off(listener));
    assert_eq!((log.take().as_str(), room.listener_count(Joined)), ("dropped", 0));
    add(&room, &log, "later");
    drop(quiet);
    room.emit(Joined, "");
    assert_eq!(log.take(), "later");
}

#[test]
fn the_captures_of_a_blocked_listener_go_with_its_emitter() {
    let (room, log) = (Room::new(), Log::default());
    let captures = log.on_drop("dropped");
    let listener = room.on(Joined, move |_, _| captures.touch());
    let quiet = room.block(listener);
    drop(room);
    assert_eq!(log.take(), "dropped");
    drop(quiet);
}

#[test]
fn blocking_works_from_inside_of_emits_and_of_the_listener_itself() {
    let (room, log) = (Room::new(), Log::default());
    let (this, blocks) = (Later::<Listener>::new(), Rc::new(RefCell::new(Vec::<Block>::new())));
    let own = this.clone();
    let kept = blocks.clone();
    this.set(room.on(Joined, {
        let log = log.clone();
        move |room, _| {
            log.note("once");
            kept.borrow_mut().push(room.block(own.get()));
            // Compaction must not take it for a tombstone.
            let other = add(room, &log, "never");
            room.off(other);
        }
    }));
    let second = add(&room, &log, "second");
    room.emit(Joined, "");
    room.emit(Joined, "");
    assert_eq!((log.take().as_str(), room.listener_count(Joined)), ("once second second", 2));
    room.off(second);
    blocks.borrow_mut().clear();
    room.emit(Joined, "");
    assert_eq!(log.take(), "once");
    blocks.borrow_mut().clear();
}

#[test]
fn a_once_listener_can_wait_behind_a_block() {
    let (room, log) = (Room::new(), Log::default());
    let listener = room.once(Joined, noting!(log, "once"));
    let quiet = room.block(listener);
    room.emit(Joined, "");
    drop(quiet);
    room.emit(Joined, "");
    room.emit(Joined, "");
    assert_eq!(log.take(), "once");
}

#[test]
fn blocking_what_is_gone_or_anothers_does_nothing() {
    let (room, other, log) = (Room::new(), Room::new(), Log::default());
    let gone = add(&room, &log, "gone");
    room.off(gone);
    add(&other, &log, "other");
    let _one = room.block(gone);
    let _two = other.block(gone);
    other.emit(Joined, "");
    assert_eq!(log.take(), "other");
}

#[test]
fn subscriptions_end_together() {
    let (room, log) = (Room::new(), Log::default());
    let mut subscriptions: Subscriptions =
        [room.on_scoped(Joined, noting!(log, "a"))].into_iter().collect();
    subscriptions.extend([room.on_scoped(Joined, noting!(log, "b"))]);
    room.emit(Joined, "");
    assert_eq!(
        (log.take().as_str(), subscriptions.len(), subscriptions.is_empty()),
        ("a b", 2, false)
    );
    drop(subscriptions);
    assert_eq!(room.emit(Joined, "").called, 0);
}
