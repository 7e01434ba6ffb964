//! On one thread the twin does what the emitter for one thread does.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use onward::emitter::Emitted;
use onward::events::{Error, ErrorMonitor};
use onward::sync::Emitter;

use super::support::{Asked, Closed, Joined, Later, Log, Moved, Room, Said, noting};

fn counts(emitted: Emitted) -> (usize, usize) {
    (emitted.called, emitted.skipped)
}

#[test]
fn listeners_run_in_their_order() {
    let (room, log) = (Room::new(), Log::default());
    room.on(Joined, noting!(log, "c"));
    room.on_group(Joined, 7, noting!(log, "b2"));
    room.on_group(Joined, -7, noting!(log, "b1"));
    room.on_group(Joined, 7, noting!(log, "b3"));
    room.prepend(Joined, noting!(log, "a2"));
    room.prepend(Joined, noting!(log, "a1"));
    room.on_reentrant(Joined, noting!(log, "d"));
    room.prepend_once(Joined, noting!(log, "a0"));
    room.once(Joined, noting!(log, "e"));
    assert_eq!(counts(room.emit(Joined, "")), (9, 0));
    assert_eq!(log.take(), "a0 a1 a2 b1 b2 b3 c d e");
    assert_eq!(counts(room.emit(Joined, "")), (7, 0));
    assert_eq!(log.take(), "a1 a2 b1 b2 b3 c d");
}

#[test]
fn payloads_are_lent_shared_changed_and_moved() {
    let (room, log) = (Room::new(), Log::default());
    let l = log.clone();
    room.on(Said, move |_, (who, line)| l.note(format!("{who}:{line}")));
    room.emit(Said, ("ada", "hi"));
    assert_eq!(log.take(), "ada:hi");

    room.on(Asked, |_, order| order.push(1));
    room.on(Asked, |_, order| order.push(2));
    let mut order = vec![0];
    room.emit(Asked, &mut order);
    assert_eq!(order, [0, 1, 2]);

    let text = String::from("somewhere");
    let at = text.as_ptr() as usize;
    let same = Arc::new(AtomicUsize::new(0));
    for _ in 0..3 {
        let same = Arc::clone(&same);
        room.on(Moved, move |_, text| {
            same.fetch_add(usize::from(text.as_ptr() as usize == at), Ordering::Relaxed);
        });
    }
    assert_eq!(room.emit(Moved, text).called, 3);
    assert_eq!(same.load(Ordering::Relaxed), 1, "the last one got the value itself");
}

#[test]
fn one_added_during_an_emit_runs_from_the_next_on_and_in_nested_ones() {
    let (room, log) = (Room::new(), Log::default());
    let l = log.clone();
    room.once(Joined, move |room, _| {
        room.on(Joined, noting!(l, "back"));
        room.prepend(Joined, noting!(l, "front"));
        assert_eq!(counts(room.emit(Joined, "")), (3, 0));
        l.note("first");
    });
    room.on(Joined, noting!(log, "old"));
    assert_eq!(room.emit(Joined, "").called, 2);
    assert_eq!(log.take(), "front old back first old");
    room.emit(Joined, "");
    assert_eq!(log.take(), "front old back");
}

#[test]
fn one_removed_during_an_emit_does_not_run_any_more() {
    let (room, log) = (Room::new(), Log::default());
    let (second, third) = (Later::new(), Later::new());
    let (s, t, l) = (second.clone(), third.clone(), log.clone());
    room.on(Joined, move |room, _| {
        l.note("a");
        room.off(s.get());
        room.off(t.get());
        room.on(Joined, noting!(l, "new"));
    });
    second.set(room.on(Joined, noting!(log, "b")));
    third.set(room.on(Joined, noting!(log, "c")));
    room.on(Joined, noting!(log, "d"));
    assert_eq!(counts(room.emit(Joined, "")), (2, 0));
    assert_eq!(log.take(), "a d");
}

#[test]
fn all_removed_during_an_emit() {
    let (room, log) = (Room::new(), Log::default());
    let l = log.clone();
    room.on(Joined, move |room, _| {
        room.remove_all_of(Joined);
        assert_eq!(room.listener_count(Joined), 0);
        room.on(Joined, noting!(l, "new"));
        l.note("a");
    });
    room.on(Joined, noting!(log, "b"));
    room.on(Closed, |_, ()| {});
    assert_eq!(room.emit(Joined, "").called, 1);
    assert_eq!(room.emit(Joined, "").called, 1);
    assert_eq!(log.take(), "a new");
    assert_eq!(room.event_names(), ["Closed", "Joined"]);
    room.remove_all();
    assert!(room.event_names().is_empty());
}

#[test]
fn a_nested_emit_skips_what_runs_and_says_so() {
    let (room, log) = (Room::new(), Log::default());
    room.on(Joined, noting!(log, "a"));
    let l = log.clone();
    room.on(Joined, move |room, _| {
        assert_eq!(counts(room.emit(Joined, "")), (2, 1));
        l.note("nested");
    });
    room.on(Joined, noting!(log, "b"));
    assert_eq!(counts(room.emit(Joined, "")), (3, 0));
    assert_eq!(log.take(), "a a b nested b");
}

#[test]
fn a_reentrant_listener_recurses_alone_and_beside_others() {
    for others in [false, true] {
        let (room, log) = (Room::new(), Log::default());
        if others {
            room.on(Closed, |_, ()| {});
            room.on(Joined, |_, _| {});
        }
        let l = log.clone();
        room.on_reentrant(Joined, move |room, name| {
            l.note(name);
            if let Some(rest) = name.get(1..).filter(|rest| !rest.is_empty()) {
                let expected = 1 + usize::from(others);
                assert_eq!(counts(room.emit(Joined, rest)), (expected, 0));
            }
        });
        room.emit(Joined, "abc");
        assert_eq!(log.take(), "abc bc c");
    }
}

#[test]
fn once_is_gone_before_it_runs_nested_and_after_a_panic() {
    let (room, log) = (Room::new(), Log::default());
    let l = log.clone();
    room.once(Joined, move |room, _| {
        assert_eq!(room.listener_count(Joined), 1);
        room.emit(Joined, "");
        l.note("first");
    });
    room.once(Joined, noting!(log, "second"));
    assert_eq!(room.emit(Joined, "").called, 1, "the nested emit took the second");
    assert_eq!(log.take(), "second first");

    room.once(Closed, |_, ()| panic!("on purpose"));
    catch_unwind(AssertUnwindSafe(|| room.emit(Closed, ()))).expect_err("it passes through");
    assert_eq!((room.listener_count(Closed), room.emit(Closed, ()).called), (0, 0));
}

#[test]
fn many_counts_down_and_never_runs_for_none() {
    let room = Room::new();
    let none = room.many(Joined, 0, |_, _| panic!("never"));
    let twice = room.many(Joined, 2, |_, _| {});
    assert!(!room.off(none));
    assert_eq!([0; 3].map(|_| room.emit(Joined, "").called), [1, 1, 0]);
    assert!(!room.off(twice));
}

#[test]
fn when_and_weak_say_whether_they_took_it() {
    let (room, object) = (Room::new(), Arc::new(AtomicUsize::new(0)));
    room.on_when(Joined, |_, name| name == "ada", |_, _| {});
    assert_eq!([room.emit(Joined, "ada").called, room.emit(Joined, "bob").called], [1, 0]);
    room.on_weak(Closed, &object, |object, _, ()| {
        object.fetch_add(1, Ordering::Relaxed);
    });
    assert_eq!(room.emit(Closed, ()).called, 1);
    assert_eq!(Arc::into_inner(object).expect("the only one").into_inner(), 1);
    assert_eq!(counts(room.emit(Closed, ())), (0, 0));
    assert_eq!(room.listener_count(Closed), 0);
}

#[test]
fn an_error_that_nobody_takes_comes_back() {
    let (room, log) = (Room::new(), Log::default());
    let unhandled = room.emit_error("oh".to_string()).expect_err("nobody listens");
    assert_eq!((unhandled.emitter(), unhandled.into_inner()), ("Room", "oh".to_string()));
    room.on(ErrorMonitor, noting!(log, "monitor"));
    assert!(room.emit_error("oh".to_string()).is_err());
    room.on(Error, noting!(log, "handler"));
    assert_eq!(room.emit_error("oh".to_string()).map(|emitted| emitted.called), Ok(1));
    assert_eq!(log.take(), "monitor monitor handler");
}

#[test]
fn a_panic_leaves_all_as_it_was() {
    let (room, log) = (Room::new(), Log::default());
    room.on(Joined, noting!(log, "a"));
    let mut panics = 2;
    room.on(Joined, move |_, _| {
        panics -= 1;
        assert!(panics < 0, "on purpose");
    });
    room.on(Joined, noting!(log, "c"));
    for _ in 0..2 {
        catch_unwind(AssertUnwindSafe(|| room.emit(Joined, ""))).expect_err("it passes through");
        assert_eq!(log.take(), "a");
    }
    assert_eq!(counts(room.emit(Joined, "")), (3, 0));
    assert_eq!(log.take(), "a c");
    let room = &room;
    let elsewhere = std::thread::scope(|threads| threads.spawn(|| room.emit(Joined, "")).join());
    assert_eq!(elsewhere.expect("the turn is free").called, 3);
}

#[test]
fn debug_counts_listeners_or_says_where_they_are() {
    let room = Room::new();
    room.on(Joined, |_, _| {});
    room.on(Joined, |_, _| {});
    room.on_reentrant(Closed, |_, ()| {});
    assert_eq!(format!("{room:?}"), "Room { Joined: 2, Closed: 1 }");
    assert_eq!(format!("{:?}", room.listeners()), "Listeners { Joined: 2, Closed: 1 }");
    let places = format!("{room:#?}");
    assert_eq!(places.matches(concat!("at ", file!())).count(), 3, "{places}");
    room.remove_all();
    assert_eq!(format!("{room:?}"), "Room");
}
