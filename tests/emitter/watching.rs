//! `ListenerAdded` and `ListenerRemoved`: when they come, and what they tell.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use onward::emitter::{Listener, Recall, Subscriptions};
use onward::events::{Error, ListenerAdded, ListenerRemoved};
use onward::{Emitter, EventEmitter, Listeners, Waiting, Watching, events};

use super::support::*;

/// Notes `+Joined:0` for each listener that is about to come, `-Joined:0` for each that has gone.
fn watch(room: &Room, log: &Log) -> [Listener; 2] {
    let (added, removed) = (log.clone(), log.clone());
    [
        room.on(ListenerAdded, move |room, info| {
            added.note(format!("+{}:{}", info.event(), info.others()));
            if info.is(Joined) {
                assert_eq!(room.listener_count(Joined), info.others());
            }
        }),
        room.on(ListenerRemoved, move |room, info| {
            removed.note(format!("-{}:{}", info.event(), info.others()));
            if info.is(Joined) {
                assert_eq!(room.listener_count(Joined), info.others());
            }
        }),
    ]
}

fn watched() -> (Room, Log) {
    let (room, log) = (Room::new(), Log::default());
    watch(&room, &log);
    log.take();
    (room, log)
}

#[test]
fn every_way_to_listen_is_told_before_and_every_end_after() {
    let (room, log) = watched();
    let object = Rc::new(RefCell::new(0));
    let listeners = [
        room.on(Joined, |_, _| {}),
        room.once(Joined, |_, _| {}),
        room.prepend(Joined, |_, _| {}),
        room.prepend_once(Joined, |_, _| {}),
        room.many(Joined, 2, |_, _| {}),
        room.on_when(Joined, |_, _| true, |_, _| {}),
        room.on_group(Joined, 3, |_, _| {}),
        room.on_weak(Joined, &object, |_, _, _| {}),
        room.on_state(Joined, &object, |_, _, _| {}),
        room.on_reentrant(Joined, |_, _| {}),
        room.on_scoped(Joined, |_, _| {}).forget(),
    ];
    let counts = (0..listeners.len()).map(|count| format!("+Joined:{count}"));
    assert_eq!(log.take(), counts.collect::<Vec<_>>().join(" "));
    for (at, listener) in listeners.into_iter().enumerate() {
        assert!(room.off(listener));
        assert_eq!(log.take(), format!("-Joined:{}", listeners.len() - 1 - at));
    }
}

#[test]
fn what_is_told_names_the_listener() {
    let (room, seen) = (Room::new(), Rc::new(RefCell::new(Vec::new())));
    let s = Rc::clone(&seen);
    room.on(ListenerAdded, move |_, info| s.borrow_mut().push(info.clone()));
    let s = Rc::clone(&seen);
    room.on(ListenerRemoved, move |_, info| s.borrow_mut().push(info.clone()));
    seen.borrow_mut().clear();
    let line = line!() + 1;
    let listener = room.on(Closed, |_, ()| {});
    room.off(listener);
    let seen = seen.borrow();
    for info in seen.iter() {
        assert!(info.is(Closed) && !info.is(Joined) && !info.is(ListenerAdded) && !info.is_any());
        assert_eq!((info.event(), info.others(), info.location().line()), ("Closed", 0, line));
        assert!(info.to_string().starts_with("Closed, at tests/emitter/watching.rs:"));
        assert!(format!("{info:?}").contains("event: \"Closed\", others: 0"));
    }
    assert_eq!(seen[0].listener(), None);
    assert_eq!(seen[1].listener(), Some(listener));
}

/// The very thing they are for.
#[test]
fn a_source_works_only_as_long_as_somebody_listens() {
    let (room, log) = (Room::new(), Log::default());
    let l = log.clone();
    room.on(ListenerAdded, move |_, added| {
        if added.is(Joined) && added.others() == 0 {
            l.note("start");
        }
    });
    let l = log.clone();
    room.on(ListenerRemoved, move |_, removed| {
        if removed.is(Joined) && removed.others() == 0 {
            l.note("stop");
        }
    });
    let first = room.on(Joined, |_, _| {});
    room.on(Closed, |_, ()| {});
    assert_eq!(log.take(), "start");
    room.once(Joined, |_, _| {});
    room.off(first);
    assert_eq!(log.take(), "");
    room.emit(Joined, "");
    assert_eq!(log.take(), "stop");
    drop(room.on_scoped(Joined, |_, _| {}));
    assert_eq!(log.take(), "start stop");
    room.on(Joined, |_, _| {});
    room.remove_all_of(Joined);
    assert_eq!(log.take(), "start stop");
}

#[test]
fn those_that_are_used_up_are_told_before_they_run_for_the_last_time() {
    let (room, log) = watched();
    room.once(Joined, noting!(log, "once"));
    room.many(Joined, 2, noting!(log, "many"));
    log.take();
    room.emit(Joined, "");
    assert_eq!(log.take(), "-Joined:1 once many");
    room.emit(Joined, "");
    assert_eq!(log.take(), "-Joined:0 many");
    room.many(Joined, 0, |_, _| {});
    assert_eq!(log.take(), "+Joined:0 -Joined:0");
}

#[test]
fn those_whose_object_is_gone_are_told_by_the_emit_that_finds_out() {
    let (room, log) = watched();
    let object = Rc::new(Cell::new(0));
    room.on_weak(Joined, &object, |_, _, _| {});
    room.on(Joined, noting!(log, "other"));
    log.take();
    drop(object);
    assert_eq!(room.emit(Joined, "").called, 1);
    assert_eq!(log.take(), "-Joined:1 other");
    room.emit(Joined, "");
    assert_eq!(log.take(), "other");
}

#[test]
fn what_does_not_happen_is_not_told() {
    let (room, log) = watched();
    let listener = room.on(Joined, |_, _| {});
    assert!(room.off(listener));
    log.take();
    assert!(!room.off(listener));
    assert!(!Room::new().off(listener));
    room.remove_all_of(Joined);
    drop(room.block(listener));
    assert_eq!(log.take(), "");
}

#[test]
fn a_listener_that_is_added_while_one_is_announced_stands_in_front_of_it() {
    let (room, log) = (Room::new(), Log::default());
    let l = log.clone();
    room.once(ListenerAdded, move |room, added| {
        assert!(added.is(Joined));
        add(room, &l, "inner");
        room.prepend(Joined, noting!(l, "front"));
    });
    add(&room, &log, "outer");
    room.emit(Joined, "");
    assert_eq!(log.take(), "front inner outer");
}

/// An `on` listener is not entered twice, so it cannot add listeners for ever.
#[test]
fn a_watcher_that_adds_and_removes_is_not_told_of_what_it_does_unless_it_is_reentrant() {
    let room = Room::new();
    room.on(ListenerAdded, |room, _| {
        room.on(Closed, |_, ()| {});
    });
    room.on(Joined, |_, _| {});
    assert_eq!(room.listener_count(Closed), 1);

    let (room, nested) = (Room::new(), Cell::new(0));
    room.on_reentrant(ListenerAdded, move |room, added| {
        assert_eq!(added.others(), 0, "those around it are not there yet");
        nested.set(nested.get() + 1);
        if nested.get() < 3 {
            room.on(Closed, |_, ()| {});
        }
    });
    room.on(Closed, |_, ()| {});
    assert_eq!(room.listener_count(Closed), 3);
}

#[test]
fn watchers_are_listeners_too() {
    let (room, log) = (Room::new(), Log::default());
    let [added, removed] = watch(&room, &log);
    assert_eq!(log.take(), "+ListenerRemoved:0", "the first was not there yet to see itself");
    assert_eq!(room.event_names(), ["ListenerAdded", "ListenerRemoved"]);
    assert_eq!((room.listener_count(ListenerAdded), room.listener_count(ListenerRemoved)), (1, 1));
    let second = room.on(ListenerAdded, |_, _| {});
    assert_eq!(log.take(), "+ListenerAdded:1");
    assert!(room.off(second) && room.off(added));
    assert_eq!(log.take(), "-ListenerAdded:1 -ListenerAdded:0");
    assert!(room.off(removed), "it is not there any more to see itself");
    room.on(Joined, |_, _| {});
    assert_eq!((log.take().as_str(), room.event_names()), ("", vec!["Joined"]));
}

#[test]
fn a_query_makes_no_watcher() {
    let room = Room::new();
    room.on(Joined, |_, _| {});
    assert_eq!(room.listener_count(ListenerRemoved), 0);
    room.remove_all_of(ListenerAdded);
    assert_eq!(room.event_names(), ["Joined"]);
    assert_eq!(format!("{room:?}"), "Room { Joined: 1 }");
}

#[test]
fn remove_all_tells_each_the_last_first_and_its_own_at_the_end() {
    let (room, log) = watched();
    for _ in 0..2 {
        room.on(Joined, |_, _| {});
        room.on(Closed, |_, ()| {});
    }
    room.on(ListenerRemoved, |_, _| {});
    log.take();
    room.remove_all();
    let expected = "-ListenerAdded:0 -Joined:1 -Joined:0 -Closed:1 -Closed:0 -ListenerRemoved:1";
    assert_eq!(log.take(), expected);
    assert!(room.event_names().is_empty());
}

/// Whose handle they still have.
#[test]
fn what_is_added_while_all_are_removed_stays() {
    let (room, added) = (Room::new(), Rc::new(Cell::new(0)));
    let count = Rc::clone(&added);
    room.on(Joined, |_, _| {});
    room.on(Joined, |_, _| {});
    room.on(ListenerRemoved, move |room, removed| {
        if removed.is(Joined) {
            room.on(Joined, |_, _| {});
            count.set(count.get() + 1);
        }
    });
    room.remove_all();
    assert_eq!((added.get(), room.event_names()), (2, vec!["Joined"]));
    assert_eq!(room.listener_count(Joined), 2);
}

#[test]
fn one_that_removes_others_while_all_are_removed() {
    let (room, log) = (Room::new(), Log::default());
    let first = add(&room, &log, "first");
    add(&room, &log, "second");
    let l = log.clone();
    room.on_reentrant(ListenerRemoved, move |room, removed| {
        l.note(format!("-{}", removed.others()));
        room.off(first);
    });
    room.remove_all_of(Joined);
    assert_eq!(log.take(), "-1 -0");
    assert_eq!(room.event_names(), ["ListenerRemoved"]);
}

/// By the time it is told, what it captured has gone.
#[test]
fn captures_go_first_and_may_do_anything() {
    let (room, log) = watched();
    let other = add(&room, &log, "other");
    let l = log.clone();
    let on_drop = OnDrop({
        let room = room.clone();
        move || {
            l.note("gone");
            room.off(other);
        }
    });
    let listener = room.on(Joined, move |_, _| on_drop.touch());
    log.take();
    assert!(room.off(listener));
    assert_eq!(log.take(), "gone -Joined:0 -Joined:0", "the count is that of the moment");
}

#[test]
fn one_that_runs_is_told_at_once_and_its_captures_go_when_it_returns() {
    let (room, log) = watched();
    let (later, l, on_drop) = (Later::new(), log.clone(), log.on_drop("gone"));
    let handle = later.clone();
    later.set(room.on(Joined, move |room, _| {
        on_drop.touch();
        assert!(room.off(handle.get()));
        l.note("returns");
    }));
    log.take();
    room.emit(Joined, "");
    assert_eq!(log.take(), "-Joined:0 returns gone");
}

/// A subscription does not know whose listener it removes; the emitter is found again.
#[test]
fn guards_and_futures_tell_at_once_of_what_they_remove() {
    let (room, log) = watched();
    let mut bag = Subscriptions::new();
    bag.add(room.on_scoped(Joined, |_, _| {}));
    bag.add(room.on_scoped(Closed, |_, ()| {}));
    log.take();
    bag.clear();
    assert_eq!(log.take(), "-Joined:0 -Closed:0");
    let next = room.next_or_error(Joined);
    assert_eq!(log.take(), "+Joined:0 +Error:0");
    room.emit(Joined, "ada");
    assert_eq!(log.take(), "-Joined:0 -Error:0");
    drop((next, room.stream(Closed)));
    assert_eq!(log.take(), "+Closed:0 -Closed:0");
}

/// Its owner is a plain value, which nothing leads back to.
struct Plain {
    emitter: EventEmitter<Self>,
}
events! { for Plain { Ticked() } }
impl Emitter for Plain {
    fn listeners(&self) -> &Listeners<Self> {
        &self.emitter
    }
}

#[test]
fn an_emitter_that_cannot_be_found_tells_when_it_is_at_hand_again() {
    let (plain, log) = (Plain { emitter: EventEmitter::new() }, Log::default());
    let l = log.clone();
    plain.on(ListenerRemoved, move |_, removed| {
        l.note(format!("-{}:{}", removed.event(), removed.others()));
    });
    let guards = [plain.on_scoped(Ticked, |_, ()| {}), plain.on_scoped(Ticked, |_, ()| {})];
    drop(guards);
    assert_eq!(log.take(), "");
    plain.on(Ticked, noting!(log, "tick"));
    assert_eq!(log.take(), "-Ticked:1 -Ticked:0");

    drop(plain.on_scoped(Ticked, |_, ()| {}));
    plain.emitter.emit(&plain, Ticked, ());
    assert_eq!(log.take(), "-Ticked:1 tick");

    let guard = plain.on_scoped(Ticked, |_, ()| {});
    let other = plain.on(Ticked, |_, ()| {});
    drop(guard);
    plain.off(other);
    assert_eq!(log.take(), "-Ticked:2 -Ticked:1");
    plain.emitter.emit(&plain, Ticked, ());
    assert_eq!(log.take(), "tick");
}

/// A handle of one's own says how it is found.
#[test]
fn an_emitter_of_ones_own_can_be_found() {
    #[derive(Clone)]
    struct Door(Rc<EventEmitter<Self>>);
    events! { for Door { Opened() } }
    impl Emitter for Door {
        fn listeners(&self) -> &Listeners<Self> {
            &self.0
        }
        fn recall(&self) -> Option<Recall<Self>> {
            let door = Rc::downgrade(&self.0);
            Some(Recall::new(move || door.upgrade().map(Door)))
        }
    }
    let (door, log) = (Door(Rc::default()), Log::default());
    let l = log.clone();
    door.on(ListenerRemoved, move |door, removed| {
        l.note(removed.event());
        assert_eq!(door.listener_count(Opened), 0);
    });
    let weak = Rc::downgrade(&door.0);
    drop(door.on_scoped(Opened, |_, ()| {}));
    assert_eq!(log.take(), "Opened");
    let guard = door.on_scoped(Opened, |_, ()| {});
    drop(door);
    assert!(weak.upgrade().is_none(), "to watch keeps nothing alive");
    drop(guard);
    assert_eq!(log.take(), "");
}

#[test]
fn to_watch_keeps_nothing_alive_and_the_end_of_all_is_not_told() {
    let (room, log) = watched();
    let on_drop = log.on_drop("gone");
    room.on(Joined, move |_, _| on_drop.touch());
    room.on_any(|_, _| {});
    log.take();
    drop(room);
    assert_eq!(log.take(), "gone");
}

#[test]
fn who_owns_the_emitter_can_end_it_without_a_word() {
    let (plain, log) = (Plain { emitter: EventEmitter::new() }, Log::default());
    plain.on(ListenerRemoved, noting!(log, "removed"));
    let on_drop = log.on_drop("gone");
    plain.on(Ticked, move |_, ()| on_drop.touch());
    plain.on_any(|_, _| {});
    plain.emitter.clear();
    assert_eq!(log.take(), "gone");
    assert!(plain.event_names().is_empty() && plain.dump().events.is_empty());
    plain.emitter.clear();
}

#[test]
fn a_watcher_that_panics_leaves_all_in_order() {
    let (room, log) = (Room::new(), Log::default());
    let panics = room.on(ListenerAdded, |_, _| panic!("no more"));
    let on_drop = log.on_drop("dropped");
    let on = catch_unwind(AssertUnwindSafe(|| room.on(Joined, move |_, _| on_drop.touch())));
    assert!(on.is_err());
    assert_eq!((log.take().as_str(), room.listener_count(Joined)), ("dropped", 0));
    assert!(room.off(panics));

    let on_drop = log.on_drop("dropped");
    let l = log.clone();
    room.once(Joined, move |_, _| {
        on_drop.touch();
        l.note("called");
    });
    add(&room, &log, "other");
    let panics = room.on(ListenerRemoved, |_, _| panic!("stay"));
    assert!(catch_unwind(AssertUnwindSafe(|| room.emit(Joined, ""))).is_err());
    assert_eq!(log.take(), "dropped", "it is gone, and was not called");
    assert_eq!(room.listener_count(Joined), 1);
    assert!(room.off(panics));
    room.emit(Joined, "");
    assert_eq!(log.take(), "other");
}

#[test]
fn a_watcher_may_emit_the_event_and_change_its_list_while_an_emit_walks_there() {
    let (room, log) = (Room::new(), Log::default());
    let l = log.clone();
    room.on(ListenerRemoved, move |room, removed| {
        if removed.is(Joined) {
            l.note("(");
            add(room, &l, "new");
            room.emit(Joined, "");
            l.note(")");
        }
    });
    room.once(Joined, noting!(log, "once"));
    add(&room, &log, "old");
    room.emit(Joined, "");
    assert_eq!(log.take(), "( old new ) once old");
    room.emit(Joined, "");
    assert_eq!(log.take(), "old new");
}

#[test]
fn a_watcher_may_drop_the_last_handle() {
    let (slot, log) = (Rc::new(RefCell::new(None)), Log::default());
    let (s, room) = (Rc::clone(&slot), Room::new());
    let on_drop = log.on_drop("gone");
    room.on(ListenerRemoved, move |_, _| {
        on_drop.touch();
        drop(s.take());
    });
    let guard = room.on_scoped(Joined, |_, _| {});
    *slot.borrow_mut() = Some(room);
    drop(guard);
    assert_eq!(log.take(), "gone");
}

/// A listener for the first listener, as a future.
#[test]
fn one_can_wait_for_a_listener() {
    let room = Room::new();
    let mut added = room.stream(ListenerAdded);
    room.on(Closed, |_, ()| {});
    room.on(Error, |_, _| {});
    let names: Vec<_> = std::iter::from_fn(|| (added.lag() > 0).then(|| block_on(added.next())))
        .map(|info| info.expect("it is there").event())
        .collect();
    assert_eq!(names, ["Closed", "Error"]);
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut cx) {
        std::task::Poll::Ready(output) => output,
        std::task::Poll::Pending => panic!("it should be ready"),
    }
}
