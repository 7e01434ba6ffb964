//! Listeners that change the lists of an emitter while somebody watches for slow callbacks: as they may at all times.

use super::support::{in_time, make_loop};
use onward::inspect::on_slow;
use onward::{Emitter, events};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

events! {
    Room {
        Said(&str),
    }
}

type Log = Rc<RefCell<Vec<String>>>;

/// Runs `test` while somebody watches.
fn watched(test: impl FnOnce() + Send + 'static) {
    in_time(|| {
        let (event_loop, _) = make_loop();
        event_loop.enter(|| {
            let _hook = on_slow(Duration::from_secs(3600), |_| {});
            test();
        });
        event_loop.run().unwrap();
    });
}

/// Adds a listener that keeps what it hears, under a name that does not fit into a slot.
fn add(room: &Room, log: &Log, name: &str) {
    let (log, name, tail) = (Rc::clone(log), name.to_string(), [7_u64; 8]);
    room.on(Said, move |_, line| {
        assert_eq!(tail, [7; 8]);
        log.borrow_mut().push(format!("{name}: {line}"));
    });
}

#[test]
fn those_that_are_added_in_an_emit_hear_the_next_one() {
    watched(|| {
        let (room, log) = (Room::new(), Log::default());
        let kept = Rc::clone(&log);
        let first = Cell::new(true);
        let own = "what it has captured".to_string();
        room.on(Said, move |room: &Room, _| {
            if first.replace(false) {
                (0..20).for_each(|n| add(room, &kept, &n.to_string()));
            }
            kept.borrow_mut().push(own.clone());
        });
        assert_eq!(room.emit(Said, "one").called, 1);
        assert_eq!(*log.borrow(), ["what it has captured"]);
        assert_eq!(room.emit(Said, "two").called, 21);
        assert_eq!(log.borrow()[2], "0: two");
        assert_eq!(log.borrow()[21], "19: two");
    });
}

#[test]
fn one_that_removes_itself_keeps_its_captures_until_it_returns() {
    watched(|| {
        let (room, log) = (Room::new(), Log::default());
        let (kept, own) = (Rc::clone(&log), "still there".to_string());
        let (handle, known) = (Rc::new(Cell::new(None)), Rc::new(()));
        let (found, captured) = (Rc::clone(&handle), Rc::clone(&known));
        handle.set(Some(room.on(Said, move |room: &Room, _| {
            assert!(room.off(found.get().unwrap()));
            assert_eq!(Rc::strong_count(&captured), 2, "it runs");
            add(room, &kept, "other");
            kept.borrow_mut().push(own.clone());
        })));
        assert_eq!(room.emit(Said, "one").called, 1);
        assert_eq!(Rc::strong_count(&known), 1, "it went when it had returned");
        assert_eq!(room.emit(Said, "two").called, 1);
        assert_eq!(*log.borrow(), ["still there", "other: two"]);
    });
}

#[test]
fn one_that_removes_all_ends_the_emit() {
    watched(|| {
        let (room, log) = (Room::new(), Log::default());
        room.on(Said, |room: &Room, _| room.remove_all());
        (0..5).for_each(|n| add(&room, &log, &n.to_string()));
        assert_eq!(room.emit(Said, "one").called, 1);
        assert_eq!((room.listener_count(Said), log.borrow().len()), (0, 0));
        add(&room, &log, "new");
        assert_eq!(room.emit(Said, "two").called, 1);
        assert_eq!(*log.borrow(), ["new: two"]);
    });
}

#[test]
fn one_that_runs_is_skipped_and_what_it_removes_from_inside_stays_removed() {
    watched(|| {
        let (room, log) = (Room::new(), Log::default());
        let kept = Rc::clone(&log);
        let depth = Cell::new(0);
        room.on(Said, move |room: &Room, line| {
            depth.set(depth.get() + 1);
            assert_eq!(depth.get(), 1, "it is not called from inside of itself");
            add(room, &kept, "late");
            let inner = room.emit(Said, "inner");
            assert_eq!((inner.called, inner.skipped), (2, 1), "in {line}");
            depth.set(depth.get() - 1);
        });
        add(&room, &log, "other");
        assert_eq!(room.emit(Said, "outer").called, 2);
        assert_eq!(*log.borrow(), ["other: inner", "late: inner", "other: outer"]);
        assert_eq!(room.listener_count(Said), 3);
    });
}

#[test]
fn those_that_are_called_once_are_swept_and_the_watch_may_end_in_an_emit() {
    in_time(|| {
        let (event_loop, _) = make_loop();
        event_loop.enter(|| {
            let hook = on_slow(Duration::from_secs(3600), |_| {});
            let hook = Rc::new(Cell::new(Some(hook)));
            let (room, count) = (Room::new(), Rc::new(Cell::new(0)));
            for n in 0..10 {
                let (hook, count) = (Rc::clone(&hook), Rc::clone(&count));
                room.once(Said, move |room: &Room, _| {
                    count.set(count.get() + 1);
                    if n == 4 {
                        hook.take().into_iter().for_each(|hook| assert!(hook.remove()));
                        room.emit(Said, "inner");
                    }
                });
            }
            assert_eq!(room.emit(Said, "outer").called, 5);
            assert_eq!((count.get(), room.listener_count(Said)), (10, 0));
            let more = Rc::clone(&count);
            room.on(Said, move |_, _| more.set(0));
            assert_eq!(room.emit(Said, "last").called, 1);
            assert_eq!(count.get(), 0);
        });
        event_loop.run().unwrap();
    });
}
