//! Node's tests of what one sees of listeners coming and going. Each names the file that it stems from.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use onward::events::{ListenerAdded, ListenerLeak, ListenerRemoved};
use onward::{Emitter, Watching, events};

use super::support::*;

/// Notes the events for which listeners are removed, and how many the event has left.
fn note_removals(room: &Room, log: &Log) {
    let log = log.clone();
    room.on(ListenerRemoved, move |_, removed| {
        log.note(format!("{}:{}", removed.event(), removed.others()));
    });
}

/// test-event-emitter-add-listeners
#[test]
fn added_comes_before_and_not_for_itself() {
    let (room, log) = (Room::new(), Log::default());
    let l = log.clone();
    room.on(ListenerAdded, move |room, added| {
        assert!(!added.is(ListenerAdded), "it is not seen for itself");
        assert!(added.is(Joined) || room.listener_count(Said) == 0, "it comes before");
        l.note(added.event());
    });
    let l = log.clone();
    room.on(Said, move |_, (who, what)| l.note(format!("{who},{what}")));
    room.once(Joined, |_, _| panic!("nobody joins"));
    room.emit(Said, ("1", "2"));
    assert_eq!(log.take(), "Said Joined 1,2");
}

/// test-event-emitter-add-listeners: `[listen2, listen1]`
#[test]
fn one_added_inside_of_added_stands_in_front() {
    let (room, log) = (Room::new(), Log::default());
    let l = log.clone();
    room.once(ListenerAdded, move |room, added| {
        assert!(added.is(Joined));
        add(room, &l, "listen2");
    });
    add(&room, &log, "listen1");
    room.emit(Joined, "");
    assert_eq!(log.take(), "listen2 listen1");
}

/// test-event-emitter-remove-listeners
#[test]
fn removed_comes_after_and_only_for_what_was_there() {
    let (room, log) = (Room::new(), Log::default());
    note_removals(&room, &log);
    let first = room.on(Joined, |_, _| {});
    let second = room.on(Joined, |_, _| {});
    assert!(room.off(first) && !room.off(first));
    assert_eq!((log.take().as_str(), room.listener_count(Joined)), ("Joined:1", 1));
    assert!(room.off(second));
    assert_eq!(log.take(), "Joined:0");
    let others = Room::new().on(Closed, |_, ()| {});
    assert!(!room.off(others));
    room.remove_all_of(Closed);
    assert_eq!(log.take(), "");
}

/// test-event-emitter-remove-listeners: removing another one inside of it, and once within once.
#[test]
fn what_is_removed_inside_of_removed_is_not_called() {
    let (room, log) = (Room::new(), Log::default());
    let first = add(&room, &log, "listener1");
    let second = add(&room, &log, "listener2");
    let l = log.clone();
    room.once(ListenerRemoved, move |room, removed| {
        assert_eq!(removed.listener(), Some(first));
        let inner = l.clone();
        room.once(ListenerRemoved, move |room, removed| {
            assert_eq!(removed.listener(), Some(second));
            inner.note("inner");
            room.emit(Joined, "");
        });
        room.off(second);
        room.emit(Joined, "");
    });
    room.off(first);
    room.emit(Joined, "");
    assert_eq!(log.take(), "inner");
}

/// test-event-emitter-remove-listeners: one that is removed by an earlier one. Node still calls it in that
/// emit; here removed means removed.
#[test]
fn one_removed_by_an_earlier_one_is_not_called() {
    let (room, log) = (Room::new(), Log::default());
    note_removals(&room, &log);
    let (later, l) = (Later::new(), log.clone());
    let handle = later.clone();
    room.on(Joined, move |room, _| {
        l.note("listener3");
        room.off(handle.get());
    });
    later.set(add(&room, &log, "listener4"));
    room.emit(Joined, "");
    assert_eq!(log.take(), "listener3 Joined:1");
    room.emit(Joined, "");
    assert_eq!(log.take(), "listener3");
}

/// test-event-emitter-remove-listeners: `once` removes itself, and says so.
#[test]
fn the_removal_of_once_is_told() {
    let (room, log) = (Room::new(), Log::default());
    room.once(Joined, noting!(log, "once"));
    note_removals(&room, &log);
    room.emit(Joined, "");
    room.emit(Joined, "");
    assert_eq!(log.take(), "Joined:0 once");
}

/// test-event-emitter-remove-all-listeners: per event, the last first.
#[test]
fn remove_all_of_an_event_counts_down() {
    let (room, log) = (Room::new(), Log::default());
    for name in ["a", "b", "c"] {
        add(&room, &log, name);
    }
    room.on(Closed, |_, ()| {});
    let before = room.dump();
    let expected = Cell::new(2);
    let l = log.clone();
    room.on(ListenerRemoved, move |room, removed| {
        assert!(removed.is(Joined));
        assert_eq!(room.listener_count(Joined), expected.replace(expected.get().max(1) - 1));
        l.note(removed.others().to_string());
    });
    room.remove_all_of(Joined);
    assert_eq!(log.take(), "2 1 0");
    assert_eq!(room.event_names(), ["Closed", "ListenerRemoved"]);
    assert_eq!(before.events[0].listeners.len(), 3, "what was taken earlier is as it was");
}

/// test-event-emitter-remove-all-listeners: all, those for removals last.
#[test]
fn remove_all_leaves_nothing_and_removed_goes_last() {
    let (room, log) = (Room::new(), Log::default());
    note_removals(&room, &log);
    room.on(ListenerAdded, |_, _| {});
    room.on(ListenerRemoved, |_, _| {});
    add(&room, &log, "a");
    room.on(Closed, |_, ()| {});
    room.remove_all();
    assert_eq!(log.take(), "ListenerAdded:0 Joined:0 Closed:0 ListenerRemoved:1");
    assert!(room.event_names().is_empty());
    Room::new().remove_all();
    room.remove_all();
    assert_eq!(log.take(), "");
}

/// How many leaks are told of an emitter.
fn leaks(room: &Room) -> Rc<RefCell<Vec<(String, usize)>>> {
    let leaks = Rc::new(RefCell::new(Vec::new()));
    let to = Rc::clone(&leaks);
    room.on(ListenerLeak, move |_, leak| {
        to.borrow_mut().push((leak.event().to_string(), leak.count()));
    });
    leaks
}

/// test-event-emitter-check-listener-leaks: at the eleventh, not at the tenth. The default is
/// another than Node's.
#[test]
fn one_more_than_the_limit_is_told() {
    let room = Room::new();
    let leaks = leaks(&room);
    room.set_max_listeners(10);
    for _ in 0..10 {
        room.on(Joined, |_, _| {});
    }
    assert!(leaks.borrow().is_empty());
    room.on(Joined, |_, _| {});
    room.on(Joined, |_, _| {});
    assert_eq!(leaks.take(), [("Joined".to_string(), 11)]);
}

/// test-event-emitter-check-listener-leaks: the emitter's own limit, and none at all.
#[test]
fn an_emitter_has_a_limit_of_its_own_or_none() {
    let room = Room::new();
    let leaks = leaks(&room);
    room.set_max_listeners(5);
    for _ in 0..5 {
        room.on(Joined, |_, _| {});
    }
    assert!(leaks.borrow().is_empty());
    room.on(Joined, |_, _| {});
    assert_eq!(leaks.take(), [("Joined".to_string(), 6)]);
    room.set_max_listeners(0);
    for _ in 0..1001 {
        room.on(Closed, |_, ()| {});
    }
    assert!(leaks.borrow().is_empty());
}

/// test-event-emitter-max-listeners, test-event-emitter-get-max-listeners,
/// test-event-emitter-set-max-listeners-side-effects
#[test]
fn the_limit_can_be_asked_for_and_makes_no_events() {
    events! { Odd { MaxListeners(u8) } }
    let odd = Odd::new();
    assert_eq!(odd.max_listeners(), onward::emitter::default_max_listeners());
    odd.set_max_listeners(0);
    assert_eq!(odd.max_listeners(), 0);
    odd.set_max_listeners(3);
    assert_eq!(odd.max_listeners(), 3);
    assert!(odd.event_names().is_empty());
    odd.on(MaxListeners, |_, limit| assert_eq!(limit, 7));
    assert_eq!(odd.emit(MaxListeners, 7).called, 1);
    assert_eq!(odd.max_listeners(), 3);
}

/// test-event-emitter-max-listeners-warning: as a value, with all there is to know, and once.
#[test]
fn the_warning_is_a_value() {
    let (room, texts) = (Room::new(), Rc::new(RefCell::new(Vec::new())));
    let to = Rc::clone(&texts);
    room.on(ListenerLeak, move |room, leak| {
        assert_eq!((leak.event(), leak.emitter(), leak.count()), ("Joined", "Room", 2));
        assert_eq!(room.listener_count(Joined), 2, "the emitter comes with it");
        to.borrow_mut().push(leak.to_string());
    });
    room.set_max_listeners(1);
    for _ in 0..3 {
        room.on(Joined, |_, _| {});
    }
    let texts = texts.borrow();
    assert_eq!(texts.len(), 1);
    assert!(texts[0].starts_with("Room has 2 listeners for Joined, more than 1"), "{}", texts[0]);
}
