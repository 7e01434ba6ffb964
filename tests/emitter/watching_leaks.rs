//! Warnings of suspiciously many listeners, and what they say. What a changed default does is in
//! `tests/emitter_limits.rs`.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use onward::emitter::Leak;
use onward::events::{ListenerAdded, ListenerLeak};
use onward::{Emitter, Watching};

use super::support::*;

/// What is told of an emitter's leaks.
fn leaks(room: &Room) -> Rc<RefCell<Vec<Leak>>> {
    let leaks = Rc::new(RefCell::new(Vec::new()));
    let to = Rc::clone(&leaks);
    room.on(ListenerLeak, move |_, leak| to.borrow_mut().push(leak.clone()));
    leaks
}

fn listen(room: &Room, times: usize) {
    for _ in 0..times {
        room.on(Joined, |_, _| {});
    }
}

#[test]
fn it_names_the_places_with_the_most_first() {
    let room = Room::new();
    let leaks = leaks(&room);
    room.set_max_listeners(3);
    room.on(Joined, |_, _| {});
    let line = line!() + 2;
    for _ in 0..3 {
        room.once(Joined, |_, _| {});
    }
    let leak = leaks.take().pop().expect("the fourth is one too many");
    assert_eq!((leak.emitter(), leak.event()), ("Room", "Joined"));
    assert_eq!((leak.count(), leak.limit()), (4, 3));
    let [(most, three), (least, one)] = leak.places() else { panic!("two places: {leak}") };
    assert_eq!((most.line(), *three, least.line(), *one), (line, 3, line - 3, 1));
    let file = "tests/emitter/watching_leaks.rs";
    let text = format!(
        "Room has 4 listeners for Joined, more than 3; a leak? \
         Registered at {file}:{line}:14 (3 times), {file}:{}:10",
        line - 3
    );
    assert_eq!(leak.to_string(), text);
    assert_eq!(format!("{leak:?}"), format!("Leak({text})"));
}

#[test]
fn of_many_places_it_names_a_few() {
    let room = Room::new();
    let leaks = leaks(&room);
    room.set_max_listeners(4);
    room.on(Joined, |_, _| {});
    room.on(Joined, |_, _| {});
    room.on(Joined, |_, _| {});
    room.on(Joined, |_, _| {});
    room.on(Joined, |_, _| {});
    assert!(leaks.take()[0].to_string().ends_with(", and at one more place"));
    room.set_max_listeners(2);
    room.prepend(Closed, |_, ()| {});
    room.on_group(Closed, 1, |_, ()| {});
    room.on_reentrant(Closed, |_, ()| {});
    assert_eq!(leaks.take()[0].places().len(), 3);
}

#[test]
fn it_is_said_once_until_all_have_gone() {
    let room = Room::new();
    let leaks = leaks(&room);
    room.set_max_listeners(1);
    listen(&room, 5);
    assert_eq!(leaks.take().len(), 1);
    room.on(Closed, |_, ()| {});
    room.on(Closed, |_, ()| {});
    assert_eq!(leaks.take()[0].event(), "Closed", "each event by itself");
    let last = room.on(Joined, |_, _| {});
    room.remove_all_of(Joined);
    assert!(!room.off(last));
    listen(&room, 2);
    assert_eq!(leaks.take()[0].count(), 2);
}

#[test]
fn only_those_that_are_there_count() {
    let room = Room::new();
    let leaks = leaks(&room);
    room.set_max_listeners(2);
    for _ in 0..10 {
        drop(room.on_scoped(Joined, |_, _| {}));
        room.once(Joined, |_, _| {});
        room.once(Joined, |_, _| {});
        room.emit(Joined, "");
    }
    assert!(leaks.take().is_empty());
    // Those that come while an emit walks count too.
    room.once(Joined, |room, _| listen(room, 3));
    room.emit(Joined, "");
    assert_eq!(leaks.take()[0].count(), 3);
}

#[test]
fn the_listener_is_there_when_it_is_said() {
    let (room, log) = (Room::new(), Log::default());
    room.set_max_listeners(1);
    let l = log.clone();
    room.on(ListenerLeak, move |room, leak| {
        l.note(format!("{}", leak.count()));
        assert_eq!(room.listener_count(Joined), 2);
        room.on(Joined, |_, _| {}); // it may do anything
    });
    listen(&room, 2);
    assert_eq!((log.take().as_str(), room.listener_count(Joined)), ("2", 3));
}

#[test]
fn watchers_and_listeners_to_all_can_leak_too() {
    let room = Room::new();
    let leaks = leaks(&room);
    room.set_max_listeners(1);
    for _ in 0..2 {
        room.on(ListenerAdded, |_, _| {});
        room.on_any(|_, _| {});
        room.on(ListenerLeak, |_, _| {});
    }
    let names: Vec<_> = leaks.borrow().iter().map(|leak| leak.event().to_string()).collect();
    assert_eq!(names, ["ListenerLeak", "ListenerAdded", "any"]);
}

#[test]
fn a_listener_that_panics_at_a_leak_has_been_told_of_it() {
    let room = Room::new();
    room.set_max_listeners(1);
    room.on(ListenerLeak, |_, _| panic!("a leak"));
    listen(&room, 1);
    assert!(catch_unwind(AssertUnwindSafe(|| listen(&room, 1))).is_err());
    assert_eq!(room.listener_count(Joined), 2);
    listen(&room, 1);
}

/// The hook is that of the thread, and so of this test alone.
#[cfg(feature = "std")]
#[test]
fn without_a_listener_the_hook_of_the_thread_is_told() {
    use onward::emitter::on_leak;
    use std::cell::Cell;
    let (room, log) = (Room::new(), Log::default());
    room.set_max_listeners(1);
    let (l, on_drop) = (log.clone(), log.on_drop("gone"));
    on_leak(move |leak| {
        on_drop.touch();
        l.note(format!("{}:{}", leak.event(), leak.count()));
    });
    listen(&room, 3);
    assert_eq!(log.take(), "Joined:2");

    // A hook may do anything, which includes to set another one.
    let l = log.clone();
    let other = Rc::new(Cell::new(0));
    let count = Rc::clone(&other);
    on_leak(move |leak| {
        l.note("first");
        let count = Rc::clone(&count);
        on_leak(move |leak| count.set(leak.count()));
        let room = Room::new();
        room.set_max_listeners(1);
        listen(&room, leak.count());
    });
    assert_eq!(log.take(), "gone");
    room.on(Closed, |_, ()| {});
    room.on(Closed, |_, ()| {});
    assert_eq!((log.take().as_str(), other.get()), ("first", 2));

    // Who listens has it to himself.
    other.set(0);
    let leaks = leaks(&room);
    room.on(Said, |_, _| {});
    room.on(Said, |_, _| {});
    assert_eq!((leaks.borrow().len(), other.get()), (1, 0));
}
