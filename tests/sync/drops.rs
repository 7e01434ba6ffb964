//! Captures and payloads are dropped once, when the rules say, and out of all locks.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};
use std::thread;

use onward::sync::Emitter;

use super::support::{Closed, Joined, Later, Log, Moved, OnDrop, Room, in_time};

#[test]
fn captures_go_as_the_listener_is_removed() {
    let (room, log) = (Room::new(), Log::default());
    let [a, b, c, d] = ["a", "b", "c", "d"].map(|what| log.on_drop(what));
    let first = room.on(Joined, move |_, _| a.touch());
    room.once(Joined, move |_, _| drop(b));
    room.on_reentrant(Closed, move |_, ()| c.touch());
    room.on(Closed, move |_, ()| d.touch());
    room.off(first);
    assert_eq!(log.take(), "a");
    room.emit(Joined, "");
    assert_eq!(log.take(), "b");
    room.remove_all_of(Closed);
    assert_eq!(log.take(), "c d");
}

#[test]
fn captures_go_when_the_emit_has_ended_else() {
    let (room, log) = (Room::new(), Log::default());
    let (later, captured, l) = (Later::new(), log.on_drop("dropped"), log.clone());
    let handle = later.clone();
    room.once(Joined, move |room, _| {
        assert!(room.off(handle.get()));
        l.note("removed");
    });
    later.set(room.on(Joined, move |_, _| captured.touch()));
    let l = log.clone();
    room.on(Joined, move |_, _| l.note("last"));
    room.emit(Joined, "");
    assert_eq!(log.take(), "removed last dropped");
}

#[test]
fn captures_go_when_the_last_of_several_emits_has_ended() {
    in_time(|| {
        let (room, log, meet) = (Room::new(), Log::default(), Arc::new(Barrier::new(3)));
        let captured = log.on_drop("dropped");
        let ((tell, told), m) = (channel(), Arc::clone(&meet));
        let told = std::sync::Mutex::new(told);
        let listener = room.on_reentrant(Joined, move |_, _| {
            captured.touch();
            m.wait();
            told.lock().expect("no panic in here").recv().expect("it is told");
        });
        thread::scope(|threads| {
            let both =
                [threads.spawn(|| room.emit(Joined, "")), threads.spawn(|| room.emit(Joined, ""))];
            meet.wait();
            assert!(room.off(listener));
            assert_eq!(room.emit(Joined, "").called, 0);
            assert_eq!(log.take(), "");
            tell.send(()).expect("one of them waits");
            tell.send(()).expect("the other waits");
            both.into_iter().for_each(|emit| assert_eq!(emit.join().expect("no panic").called, 1));
        });
        assert_eq!(log.take(), "dropped");
    });
}

#[test]
fn what_was_removed_goes_while_others_emit_all_the_time() {
    in_time(|| {
        let (room, alive) = (Room::new(), Arc::new(AtomicUsize::new(0)));
        room.on_reentrant(Joined, |_, _| thread::yield_now());
        let stop = AtomicUsize::new(0);
        thread::scope(|threads| {
            for _ in 0..3 {
                threads.spawn(|| {
                    while stop.load(Ordering::Relaxed) == 0 {
                        room.emit(Joined, "");
                    }
                });
            }
            for _ in 0..if cfg!(miri) { 10 } else { 300 } {
                alive.fetch_add(1, Ordering::Relaxed);
                let a = Arc::clone(&alive);
                let captured = OnDrop(move || _ = a.fetch_sub(1, Ordering::Relaxed));
                let listener = room.on_reentrant(Joined, move |_, _| captured.touch());
                room.off(listener);
                // However many emit, in the end it goes.
                while alive.load(Ordering::Relaxed) > 8 {
                    thread::yield_now();
                }
            }
            stop.store(1, Ordering::Relaxed);
        });
        assert_eq!(alive.load(Ordering::Relaxed), 0);
    });
}

#[test]
fn a_destructor_may_do_anything_with_the_emitter() {
    in_time(|| {
        let (room, log) = (Room::new(), Log::default());
        let (r, l) = (room.clone(), log.clone());
        let captured = OnDrop(move || {
            let added = r.on(Joined, |_, _| {});
            l.note(format!("{}", r.emit(Joined, "").called));
            assert_eq!(r.off_and_wait(added), Ok(true));
            r.remove_all_of(Closed);
        });
        let listener = room.on(Joined, move |_, _| captured.touch());
        assert!(room.off(listener));
        assert_eq!(log.take(), "1");

        let (r, l) = (room.clone(), log.clone());
        let captured = OnDrop(move || l.note(format!("{}", r.emit(Joined, "").called)));
        room.once(Joined, move |room, _| {
            room.remove_all();
            captured.touch();
        });
        room.emit(Joined, "");
        assert_eq!(log.take(), "0");
    });
}

#[test]
fn a_destructor_that_panics_loses_no_other() {
    let (room, log) = (Room::new(), Log::default());
    let (a, b) = (OnDrop(|| panic!("on purpose")), log.on_drop("b"));
    room.on(Joined, move |_, _| a.touch());
    room.on(Joined, move |_, _| b.touch());
    let removes = std::panic::AssertUnwindSafe(|| room.remove_all());
    std::panic::catch_unwind(removes).expect_err("it passes through");
    assert_eq!((log.take().as_str(), room.listener_count(Joined)), ("b", 0));
    room.on(Joined, |_, _| {});
    assert_eq!(room.emit(Joined, "").called, 1);
}

#[test]
fn a_payload_is_dropped_once_whoever_listens() {
    let room = Room::new();
    room.emit(Moved, "nobody".into());
    let last = room.on(Moved, |_, text| drop(text));
    room.on(Moved, |_, text| assert_eq!(text, "two"));
    room.emit(Moved, "two".into());
    let block = room.block(last);
    room.emit(Moved, "two".into());
    drop(block);
}

#[test]
fn an_emitter_takes_its_listeners_along() {
    let (room, log) = (Room::new(), Log::default());
    let [a, b, c] = ["a", "b", "c"].map(|what| log.on_drop(what));
    room.on(Joined, move |_, _| a.touch());
    room.prepend(Joined, move |_, _| b.touch());
    room.once(Closed, move |_, ()| drop(c));
    drop(room);
    assert_eq!(log.take(), "a b c", "in the order of registration");
}
