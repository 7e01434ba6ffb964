//! The rules, each under its number in the module's documentation and the ones that follow there.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use onward::emitter::Subscription;
use onward::{Emitter, EventEmitter};

use super::support::*;

#[test]
fn rule_1_listeners_run_in_order_of_registration_before_emit_returns() {
    let (room, log) = (Room::new(), Log::default());
    add(&room, &log, "1");
    room.once(Joined, noting!(log, "2"));
    room.on_reentrant(Joined, noting!(log, "3"));
    room.prepend(Joined, noting!(log, "0"));
    room.prepend(Joined, noting!(log, "-1"));
    assert_eq!(room.emit(Joined, "ada").called, 5);
    assert_eq!(log.take(), "-1 0 1 2 3");
    assert_eq!(room.emit(Joined, "ada").called, 4);
    assert_eq!(log.take(), "-1 0 1 3");
}

#[test]
fn rule_2_one_added_during_an_emit_does_not_run_in_it() {
    let (room, log) = (Room::new(), Log::default());
    let l = log.clone();
    room.once(Joined, move |room, _| {
        add(room, &l, "new");
        room.prepend(Joined, noting!(l, "newer"));
        room.once(Joined, noting!(l, "newest"));
        assert_eq!(room.listener_count(Joined), 4);
    });
    add(&room, &log, "old");
    assert_eq!(room.emit(Joined, "").called, 2);
    assert_eq!(log.take(), "old");
    room.emit(Joined, "");
    assert_eq!(log.take(), "newer old new newest");
}

#[test]
fn rule_2_but_runs_in_an_emit_that_begins_later_inside_of_it() {
    let (room, log) = (Room::new(), Log::default());
    let l = log.clone();
    room.once(Joined, move |room, _| {
        add(room, &l, "new");
        room.emit(Joined, "");
        l.note("|");
    });
    add(&room, &log, "old");
    room.emit(Joined, "");
    assert_eq!(log.take(), "old new | old");
}

#[test]
fn rule_3_one_removed_during_an_emit_does_not_run_any_more() {
    let (room, log) = (Room::new(), Log::default());
    let later = Later::new();
    let handle = later.clone();
    room.on(Joined, move |room, _| {
        room.off(handle.get());
    });
    add(&room, &log, "stays");
    later.set(add(&room, &log, "removed"));
    add(&room, &log, "stays too");
    assert_eq!(room.emit(Joined, "").called, 3);
    assert_eq!(log.take(), "stays stays too");
    assert_eq!(room.listener_count(Joined), 3);
}

#[test]
fn rule_3_holds_for_a_whole_event_too() {
    let (room, log) = (Room::new(), Log::default());
    let l = log.clone();
    room.on(Joined, move |room, _| {
        room.remove_all_of(Joined);
        assert_eq!(room.listener_count(Joined), 0);
        add(room, &l, "added after");
    });
    add(&room, &log, "removed");
    room.on(Closed, noting!(log, "another event"));
    assert_eq!(room.emit(Joined, "").called, 1);
    assert_eq!(log.take(), "");
    room.emit(Joined, "");
    room.emit(Closed, ());
    assert_eq!(log.take(), "added after another event");
}

#[test]
fn rule_4_once_removes_then_calls() {
    let (room, log) = (Room::new(), Log::default());
    let l = log.clone();
    room.once(Joined, move |room, _| {
        assert_eq!(room.listener_count(Joined), 1);
        assert!(room.event_names().contains(&"Joined"));
        room.emit(Joined, "");
        l.note("first");
    });
    room.once(Joined, noting!(log, "second"));
    assert_eq!(room.emit(Joined, "").called, 1, "the nested emit took the second");
    assert_eq!(log.take(), "second first");
    assert_eq!(room.listener_count(Joined), 0);
    assert!(room.event_names().is_empty());
}

#[test]
fn rule_4_once_is_gone_after_a_panic() {
    let room = Room::new();
    room.once(Closed, |_, ()| panic!("on purpose"));
    catch_unwind(AssertUnwindSafe(|| room.emit(Closed, ()))).expect_err("it passes through");
    assert_eq!(room.listener_count(Closed), 0);
    assert!(!room.emit(Closed, ()).handled());
}

#[test]
fn rule_5_a_nested_emit_skips_the_listener_that_runs_and_says_so() {
    let (room, log) = (Room::new(), Log::default());
    add(&room, &log, "a");
    let (l, depth) = (log.clone(), Cell::new(0));
    room.on(Joined, move |room, _| {
        depth.set(depth.get() + 1);
        let emitted = room.emit(Joined, "");
        assert_eq!((emitted.called, emitted.skipped), (2, 1));
        l.note(format!("nested{}", depth.get()));
    });
    add(&room, &log, "b");
    let emitted = room.emit(Joined, "");
    assert_eq!((emitted.called, emitted.skipped), (3, 0));
    assert_eq!(log.take(), "a a b nested1 b");
}

#[test]
fn rule_5_a_reentrant_listener_recurses() {
    let (room, log) = (Room::new(), Log::default());
    let l = log.clone();
    room.on_reentrant(Joined, move |room, name| {
        l.note(name);
        if let Some(rest) = name.get(1..).filter(|rest| !rest.is_empty()) {
            assert_eq!(room.emit(Joined, rest).called, 1);
        }
    });
    room.emit(Joined, "abc");
    assert_eq!(log.take(), "abc bc c");
}

#[test]
fn rule_5_a_reentrant_listener_removed_while_it_recurses_runs_no_more() {
    let (room, log) = (Room::new(), Log::default());
    let (later, captured) = (Later::new(), log.on_drop("dropped"));
    let (l, handle) = (log.clone(), later.clone());
    later.set(room.on_reentrant(Joined, move |room, name| {
        captured.touch();
        if name == "outer" {
            room.emit(Joined, "inner");
            assert!(!room.emit(Joined, "gone").handled());
        } else {
            assert!(room.off(handle.get()));
        }
        l.note(name);
    }));
    room.emit(Joined, "outer");
    assert_eq!(log.take(), "inner outer dropped");
}

#[test]
fn rule_7_off_is_exact_and_idempotent() {
    let (room, log) = (Room::new(), Log::default());
    let handles: Vec<_> = (0..5).map(|n| add(&room, &log, &n.to_string())).collect();
    let first = room.prepend(Joined, noting!(log, "first"));
    for handle in [handles[0], handles[4], handles[2], first] {
        assert!(room.off(handle));
        assert!(!room.off(handle));
    }
    room.emit(Joined, "");
    assert_eq!(log.take(), "1 3");
}

#[test]
fn rule_7_a_handle_is_never_taken_for_another() {
    let (room, other, log) = (Room::new(), Room::new(), Log::default());
    let old = add(&room, &log, "old");
    let once = room.once(Closed, |_, ()| {});
    assert!(!other.off(old), "one without any listener");
    add(&other, &log, "other");
    assert!(!other.off(old), "another emitter's");
    room.emit(Closed, ());
    assert!(!room.off(once), "run out");
    room.remove_all();
    add(&room, &log, "new");
    room.once(Closed, |_, ()| {});
    assert!(!room.off(old), "a later one in the same place");
    assert!(!room.off(once));
    assert_eq!((room.listener_count(Joined), other.listener_count(Joined)), (1, 1));
}

#[test]
fn rule_7_a_subscription_ends_with_its_scope_unless_forgotten() {
    let (room, log) = (Room::new(), Log::default());
    let kept = {
        let _scoped = room.on_scoped(Joined, noting!(log, "scoped"));
        let guarded = room.guard(room.prepend(Joined, noting!(log, "guarded")));
        let forgotten = room.on_scoped(Joined, noting!(log, "forgotten"));
        room.emit(Joined, "");
        assert_eq!(log.take(), "guarded scoped forgotten");
        assert_eq!(guarded.listener(), guarded.forget());
        forgotten.forget()
    };
    room.emit(Joined, "");
    assert_eq!(log.take(), "guarded forgotten");
    assert!(room.off(kept));
}

#[test]
fn rule_7_handles_never_keep_an_emitter_alive() {
    let (room, log) = (Room::new(), Log::default());
    let captured = log.on_drop("dropped");
    let subscription: Subscription = room.on_scoped(Joined, move |_, _| captured.touch());
    let clone = room.clone();
    drop(room);
    assert_eq!(log.take(), "", "a clone has the same listeners");
    drop(clone);
    assert_eq!(log.take(), "dropped");
    drop(subscription);
}

#[test]
fn rule_8_a_panic_leaves_order_flags_and_counts_as_they_were() {
    let (room, log) = (Room::new(), Log::default());
    add(&room, &log, "a");
    let panics = Rc::new(Cell::new(true));
    let (p, l) = (Rc::clone(&panics), log.clone());
    room.on(Joined, move |room, _| {
        if p.get() {
            add(room, &l, "added");
            panic!("on purpose");
        }
        l.note("b");
    });
    add(&room, &log, "c");
    for _ in 0..2 {
        catch_unwind(AssertUnwindSafe(|| room.emit(Joined, ""))).expect_err("it passes through");
        assert_eq!(log.take().split(' ').next(), Some("a"));
    }
    panics.set(false);
    assert_eq!(room.listener_count(Joined), 5);
    let emitted = room.emit(Joined, "");
    assert_eq!((emitted.called, emitted.skipped), (5, 0));
    assert_eq!(log.take(), "a b c added added");
}

#[test]
fn rule_8_a_panic_in_a_nested_emit_that_is_caught_loses_no_newcomer() {
    let (room, log) = (Room::new(), Log::default());
    let l = log.clone();
    room.once(Joined, move |room, _| {
        add(room, &l, "new");
        room.once(Joined, |_, _| panic!("on purpose"));
        catch_unwind(AssertUnwindSafe(|| room.emit(Joined, ""))).expect_err("it passes through");
    });
    room.emit(Joined, "");
    log.take();
    room.emit(Joined, "");
    assert_eq!(log.take(), "new");
    assert_eq!(room.listener_count(Joined), 1);
}

#[test]
fn rule_9_an_emitter_is_one_pointer() {
    assert_eq!(size_of::<EventEmitter<Room>>(), size_of::<usize>());
    assert_eq!(size_of::<Room>(), size_of::<usize>());
}

#[test]
fn clones_share_their_listeners() {
    let room = Room::new();
    let clone = room.clone();
    let seen = Rc::new(RefCell::new(String::new()));
    let s = Rc::clone(&seen);
    clone.on(Said, move |_, (who, line)| *s.borrow_mut() = format!("{who}: {line}"));
    room.emit(Said, ("ada", "hi"));
    assert_eq!(*seen.borrow(), "ada: hi");
}

#[test]
fn debug_counts_listeners_or_says_where_they_are() {
    let room = Room::new();
    room.on(Joined, |_, _| {});
    room.on(Joined, |_, _| {});
    room.on(Closed, |_, ()| {});
    assert_eq!(format!("{room:?}"), "Room { Joined: 2, Closed: 1 }");
    assert_eq!(format!("{:?}", room.listeners()), "Listeners { Joined: 2, Closed: 1 }");
    let places = format!("{room:#?}");
    let here = file!().rsplit('/').next().expect("a file name");
    assert_eq!(places.matches(here).count(), 3, "{places}");
    assert!(places.contains("at "), "{places}");
    room.remove_all();
    assert_eq!(format!("{room:?}"), "Room");
}
