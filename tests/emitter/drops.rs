//! When captures are dropped, and that their destructors may call back.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use onward::Emitter;

use super::support::*;

#[test]
fn off_drops_the_captures_at_once() {
    let (room, log) = (Room::new(), Log::default());
    let captured = log.on_drop("dropped");
    let listener = room.on(Joined, move |_, _| captured.touch());
    add(&room, &log, "other");
    room.off(listener);
    assert_eq!(log.take(), "dropped");
}

#[test]
fn off_during_an_emit_drops_the_captures_of_one_that_does_not_run_at_once() {
    let (room, log) = (Room::new(), Log::default());
    let later = Later::new();
    let (l, handle) = (log.clone(), later.clone());
    room.on(Joined, move |room, _| {
        room.off(handle.get());
        l.note("removed");
    });
    let captured = log.on_drop("dropped");
    later.set(room.on(Joined, move |_, _| captured.touch()));
    room.emit(Joined, "");
    assert_eq!(log.take(), "dropped removed");
}

#[test]
fn a_listener_that_removes_itself_keeps_its_captures_until_it_returns() {
    let (room, log) = (Room::new(), Log::default());
    let (later, captured) = (Later::new(), log.on_drop("dropped"));
    let (l, handle) = (log.clone(), later.clone());
    later.set(room.on(Joined, move |room, _| {
        captured.touch();
        assert!(room.off(handle.get()));
        assert_eq!(room.listener_count(Joined), 1);
        let emitted = room.emit(Joined, "");
        assert_eq!((emitted.called, emitted.skipped), (1, 0), "removed, so not skipped");
        l.note("returns");
    }));
    add(&room, &log, "next");
    room.emit(Joined, "");
    assert_eq!(log.take(), "next returns dropped next");
}

#[test]
fn a_listener_that_removes_itself_and_panics_drops_its_captures() {
    let (room, log) = (Room::new(), Log::default());
    let (later, captured) = (Later::new(), log.on_drop("dropped"));
    let handle = later.clone();
    later.set(room.on(Joined, move |room, _| {
        captured.touch();
        room.off(handle.get());
        panic!("on purpose");
    }));
    catch_unwind(AssertUnwindSafe(|| room.emit(Joined, ""))).expect_err("it passes through");
    assert_eq!(log.take(), "dropped");
    assert_eq!(room.listener_count(Joined), 0);
}

#[test]
fn once_owns_its_captures() {
    let (room, log) = (Room::new(), Log::default());
    let captured = log.on_drop("dropped");
    let l = log.clone();
    room.once(Joined, move |_, _| {
        drop(captured);
        l.note("then returned");
    });
    let unfired = log.on_drop("never fired");
    let listener = room.once(Closed, move |_, ()| drop(unfired));
    room.emit(Joined, "");
    assert_eq!(log.take(), "dropped then returned");
    assert!(room.off(listener));
    assert_eq!(log.take(), "never fired");
}

#[test]
fn the_last_emitter_drops_all_captures() {
    let (room, log) = (Room::new(), Log::default());
    for name in ["a", "b"] {
        let captured = log.on_drop(name);
        room.on(Joined, move |_, _| captured.touch());
    }
    drop(room);
    assert_eq!(log.take(), "a b");
}

#[test]
fn a_destructor_may_use_the_emitter_in_every_way() {
    for way in ["off", "remove_all", "remove_all_of", "once", "self"] {
        let (room, log) = (Room::new(), Log::default());
        let (r, l) = (room.clone(), log.clone());
        let captured = OnDrop(move || {
            let count = r.listener_count(Joined);
            let doomed = r.on(Joined, |_, _| {});
            add(&r, &l, "added");
            r.emit(Joined, "");
            assert!(r.off(doomed));
            assert_eq!(r.listener_count(Joined), count + 1);
        });
        let later = Later::new();
        let handle = later.clone();
        add(&room, &log, "before");
        later.set(match way {
            "once" => room.once(Joined, move |_, _| drop(captured)),
            _ => room.on(Joined, move |room, _| {
                captured.touch();
                room.off(handle.get());
            }),
        });
        add(&room, &log, "after");
        match way {
            "off" => assert!(room.off(later.get())),
            "remove_all" => room.remove_all(),
            "remove_all_of" => room.remove_all_of(Joined),
            _ => assert_eq!(room.emit(Joined, "").called, 3),
        }
        let expected = match way {
            "off" => "before after added",
            "remove_all" | "remove_all_of" => "added",
            _ => "before before after added after",
        };
        assert_eq!(log.take(), expected, "{way}");
        room.emit(Joined, "");
        let expected = if way.starts_with("remove") { "added" } else { "before after added" };
        assert_eq!(log.take(), expected, "{way}");
    }
}

#[test]
fn a_listener_may_drop_its_emitter() {
    let log = Log::default();
    let holder = Rc::new(RefCell::new(Some(Room::new())));
    let room = holder.borrow().clone().expect("just put there");
    let (h, l, captured) = (Rc::clone(&holder), log.clone(), log.on_drop("dropped"));
    room.on(Closed, move |_, ()| {
        captured.touch();
        drop(h.take());
        l.note("ran");
    });
    room.emit(Closed, ());
    assert_eq!(log.take(), "ran");
    drop(room);
    assert_eq!(log.take(), "dropped");
}

#[test]
fn a_payload_is_dropped_exactly_once_even_if_the_last_listener_is_gone() {
    onward::events! { Post { Parcel(Rc<()>) } }
    let (post, later) = (Post::new(), Later::new());
    let handle = later.clone();
    post.on(Parcel, move |post, _| assert!(post.off(handle.get())));
    later.set(post.on(Parcel, |_, _| unreachable!("removed by the first")));
    let parcel = Rc::new(());
    assert_eq!(post.emit(Parcel, Rc::clone(&parcel)).called, 1);
    assert_eq!(Rc::strong_count(&parcel), 1);
}

/// Listeners with many captures are stored in another way than those with few.
#[test]
fn a_large_listener_that_removes_itself_is_no_different() {
    for panics in [false, true] {
        let (room, log) = (Room::new(), Log::default());
        let (later, captured, large) = (Later::new(), log.on_drop("dropped"), [7_u64; 16]);
        let (l, handle) = (log.clone(), later.clone());
        later.set(room.on(Joined, move |room, _| {
            captured.touch();
            assert_eq!(large[15], 7);
            assert_eq!(room.emit(Joined, "").skipped, 1);
            assert!(room.off(handle.get()));
            let emitted = room.emit(Joined, "");
            assert_eq!((emitted.called, emitted.skipped), (0, 0));
            l.note("returns");
            assert!(!panics, "on purpose");
        }));
        let emitted = catch_unwind(AssertUnwindSafe(|| room.emit(Joined, "")));
        assert_eq!(emitted.is_err(), panics);
        assert_eq!(log.take(), "returns dropped");
        assert_eq!(room.listener_count(Joined), 0);
    }
}
