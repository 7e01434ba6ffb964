//! What an emitter looks like at a moment.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use onward::emitter::{ListenerKind, Position};
use onward::events::ListenerAdded;
use onward::{Emitter, Watching};

use super::support::*;

#[test]
fn it_has_each_listener_as_it_is() {
    let (room, object) = (Room::new(), Rc::new(RefCell::new(0)));
    let line = line!();
    room.on(Joined, |_, _| {});
    room.prepend_once(Joined, |_, _| {});
    room.on_group(Joined, -3, |_, _| {});
    room.on_group(Joined, i16::MAX, |_, _| {});
    room.on_group(Joined, i16::MIN, |_, _| {});
    let many = room.many(Joined, 5, |_, _| {});
    room.on_reentrant(Joined, |_, _| {});
    room.on_when(Joined, |_, _| true, |_, _| {});
    room.on_weak(Joined, &object, |_, _, _| {});
    room.on_state(Joined, &object, |_, _, _| {});
    let _blocked = room.block(many);
    let dump = room.dump();
    assert_eq!((dump.emitter, dump.events.len()), ("Room", 1));
    assert_eq!(dump.events[0].event, "Joined");
    let seen: Vec<_> = dump.events[0]
        .listeners
        .iter()
        .map(|l| (l.location.line() - line, l.kind, l.position(), l.blocked, l.running))
        .collect();
    use ListenerKind::*;
    use Position::*;
    let expected = [
        (2, Once, Front, false, false),
        (5, On, Group(i16::MIN), false, false),
        (3, On, Group(-3), false, false),
        (4, On, Group(i16::MAX), false, false),
        (1, On, Back, false, false),
        (6, Many, Back, true, false),
        (7, Reentrant, Back, false, false),
        (8, Conditional, Back, false, false),
        (9, Conditional, Back, false, false),
        (10, Conditional, Back, false, false),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn it_reads_well() {
    let room = Room::new();
    assert_eq!(room.dump().to_string(), "Room: nobody listens");
    let line = line!();
    room.once(Closed, |_, ()| {});
    let quiet = room.on(Joined, |_, _| {});
    room.prepend(Joined, |_, _| {});
    room.on_group(Joined, 2, |_, _| {});
    room.on(ListenerAdded, |_, _| {});
    room.on_any(|_, _| {});
    let _quiet = room.block(quiet);
    let at = |lines, column| format!("at tests/emitter/watching_dump.rs:{}:{column}", line + lines);
    let expected = [
        "Room".to_string(),
        "  Closed".to_string(),
        format!("    once, {}", at(1, 10)),
        "  Joined".to_string(),
        format!("    on, in front, {}", at(3, 10)),
        format!("    on, group 2, {}", at(4, 10)),
        format!("    on, blocked, {}", at(2, 22)),
        "  ListenerAdded".to_string(),
        format!("    on, {}", at(5, 10)),
        "  any".to_string(),
        format!("    conditional, {}", at(6, 10)),
    ];
    let dump = room.dump();
    assert_eq!(dump.to_string(), expected.join("\n"));
    let debug = format!("{dump:?}");
    assert!(debug.contains("Closed") && debug.contains("once, at tests/"), "{debug}");
}

#[test]
fn it_knows_what_runs_and_what_came_during_an_emit() {
    let (room, seen) = (Room::new(), Rc::new(Cell::new(0)));
    let count = Rc::clone(&seen);
    room.on(Joined, |_, _| {});
    room.on(Joined, move |room, _| {
        room.on(Joined, |_, _| {});
        room.prepend(Joined, |_, _| {});
        let dump = room.dump();
        let running: Vec<_> = dump.events[0].listeners.iter().map(|l| l.running).collect();
        assert_eq!(running, [false, false, true, false]);
        assert!(dump.to_string().contains("\n    on, runs, at "));
        count.set(count.get() + 1);
    });
    room.emit(Joined, "");
    assert_eq!(seen.get(), 1);
    // A `once` that runs is none any more.
    room.once(Closed, |room, ()| {
        assert!(room.dump().events.iter().all(|event| event.event != "Closed"));
    });
    room.emit(Closed, ());
}
