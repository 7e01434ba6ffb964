//! How many listeners are suspect when an emitter does not say so itself.
//!
//! A binary of its own with one test, since the default is that of the whole process.

use std::cell::Cell;
use std::rc::Rc;

use onward::emitter::{default_max_listeners, set_default_max_listeners};
use onward::events::ListenerLeak;
use onward::{Emitter, Watching, events};

events! { Room { Joined(&str), Said(&str), Closed() } }

/// An emitter, and how many leaks are told of it.
fn watched() -> (Room, Rc<Cell<usize>>) {
    let (room, leaks) = (Room::new(), Rc::new(Cell::new(0)));
    let count = Rc::clone(&leaks);
    room.on(ListenerLeak, move |_, _| count.set(count.get() + 1));
    (room, leaks)
}

/// test-event-emitter-check-listener-leaks, test-event-emitter-get-max-listeners
#[test]
fn a_default_counts_for_all_without_a_limit_of_their_own() {
    assert_eq!(default_max_listeners(), 1000);
    let (room, leaks) = watched();
    assert_eq!(room.max_listeners(), 1000);
    for _ in 0..1000 {
        room.on(Joined, |_, _| {});
    }
    assert_eq!(leaks.get(), 0);
    room.on(Joined, |_, _| {});
    assert_eq!(leaks.take(), 1);

    // A changed default counts for emitters that are there already.
    set_default_max_listeners(10);
    assert_eq!((default_max_listeners(), room.max_listeners()), (10, 10));
    for count in 1..=12 {
        room.on(Said, |_, _| {});
        assert_eq!(leaks.get(), usize::from(count > 10));
    }
    leaks.take();

    // An emitter's own limit beats it, be it higher or lower.
    room.set_max_listeners(11);
    for count in 1..=12 {
        room.on(Closed, |_, ()| {});
        assert_eq!(leaks.get(), usize::from(count > 11));
    }
    let (strict, leaks) = watched();
    strict.set_max_listeners(1);
    strict.on(Said, |_, _| {});
    strict.on(Said, |_, _| {});
    assert_eq!(leaks.get(), 1);

    // None.
    set_default_max_listeners(0);
    let (room, leaks) = watched();
    assert_eq!((default_max_listeners(), room.max_listeners()), (0, 0));
    for _ in 0..2000 {
        room.on(Said, |_, _| {});
    }
    assert_eq!(leaks.get(), 0);
}
