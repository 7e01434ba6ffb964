//! Lists that are ready to be called without a question: whatever gives an emit more to do is heeded by the next one.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use onward::events::{End, ListenerAdded, ListenerRemoved};
use onward::{Emitter, EventEmitter, Listeners, Routing, Watching, events};

use super::support::*;

/// What the only listener does with the room.
type Deed = Box<dyn Fn(&Room)>;

/// A room with so many listeners that note their number, whose list is ready: it has been emitted to twice.
fn ready(count: usize) -> (Room, Log) {
    let (room, log) = (Room::new(), Log::default());
    for number in 0..count {
        let log = log.clone();
        room.on(Joined, move |_, _| log.note(number.to_string()));
    }
    for _ in 0..2 {
        assert_eq!(room.emit(Joined, "").called, count);
    }
    log.take();
    (room, log)
}

fn numbers(count: usize) -> String {
    (0..count).map(|number| number.to_string()).collect::<Vec<_>>().join(" ")
}

#[test]
fn who_comes_to_listen_to_all_hears_the_next_emit() {
    for count in 0..5 {
        let (room, log) = ready(count);
        let any = log.clone();
        let listener = room.on_any(move |_, _| any.note("any"));
        for _ in 0..3 {
            room.emit(Joined, "");
            assert_eq!(log.take(), format!("{} any", numbers(count)).trim_start());
        }
        assert!(room.off(listener));
        for _ in 0..3 {
            assert_eq!(room.emit(Joined, "").called, count);
            assert_eq!(log.take(), numbers(count));
        }
    }
}

#[test]
fn who_comes_to_listen_to_all_from_inside_of_an_emit_hears_the_next_one() {
    for (count, at) in [(1, 0), (2, 0), (2, 1), (5, 0), (5, 3), (5, 4)] {
        let (room, log) = (Room::new(), Log::default());
        let armed = Rc::new(Cell::new(false));
        for number in 0..count {
            let (noted, any, armed) = (log.clone(), log.clone(), Rc::clone(&armed));
            room.on(Joined, move |room, _| {
                noted.note(number.to_string());
                if number == at && armed.take() {
                    let any = any.clone();
                    room.on_any(move |_, _| any.note("any"));
                }
            });
        }
        room.emit(Joined, "");
        room.emit(Joined, "");
        armed.set(true);
        log.take();
        room.emit(Joined, "");
        assert_eq!(log.take(), numbers(count), "it was not there when that began");
        for _ in 0..3 {
            room.emit(Joined, "");
            assert_eq!(log.take(), format!("{} any", numbers(count)));
        }
    }
}

#[test]
fn who_comes_to_listen_to_all_inside_of_a_listener_that_panics_hears_the_next_emit() {
    for count in 1..4 {
        let (room, log) = ready(count);
        let (any, armed) = (log.clone(), Cell::new(true));
        room.on(Joined, move |room, _| {
            if armed.take() {
                let any = any.clone();
                room.on_any(move |_, _| any.note("any"));
                panic!("but it is there");
            }
        });
        assert!(catch_unwind(AssertUnwindSafe(|| room.emit(Joined, ""))).is_err());
        log.take();
        room.emit(Joined, "");
        assert_eq!(log.take(), format!("{} any", numbers(count)));
    }
    // The same with nobody beside it.
    let (room, log) = (Room::new(), Log::default());
    let (any, times) = (log.clone(), Cell::new(0));
    room.on(Joined, move |room, _| {
        times.set(times.get() + 1);
        if times.get() == 3 {
            let any = any.clone();
            room.on_any(move |_, _| any.note("any"));
            panic!("but it is there");
        }
    });
    for panics in [false, false, true, false, false] {
        let emitted = catch_unwind(AssertUnwindSafe(|| room.emit(Joined, "")));
        assert_eq!(emitted.is_err(), panics);
    }
    assert_eq!(log.take(), "any any");
}

/// A payload that does something when it is lent.
struct Lent(Rc<dyn Fn()>);

impl Clone for Lent {
    fn clone(&self) -> Self {
        (self.0)();
        Self(Rc::clone(&self.0))
    }
}

events! { Crate { Given(Lent), seldom use events::End() } }

#[test]
fn who_comes_to_listen_to_all_while_a_payload_is_lent_hears_the_next_emit() {
    let (emitter, log) = (Rc::new(Crate::new()), Log::default());
    for number in 0..3 {
        let log = log.clone();
        emitter.on(Given, move |_, _| log.note(number.to_string()));
    }
    let nothing = || Lent(Rc::new(|| {}));
    emitter.emit(Given, nothing());
    emitter.emit(Given, nothing());
    assert_eq!(log.take(), "0 1 2 0 1 2");
    let (any, there) = (log.clone(), Rc::clone(&emitter));
    let armed = Cell::new(true);
    let lent = Lent(Rc::new(move || {
        if armed.take() {
            let any = any.clone();
            there.on_any(move |_, _| any.note("any"));
        }
    }));
    emitter.emit(Given, lent);
    assert_eq!(log.take(), "0 1 2", "it was not there when that began");
    emitter.emit(Given, nothing());
    assert_eq!(log.take(), "0 1 2 any");
}

#[test]
fn who_comes_to_listen_to_all_hears_events_that_few_listen_to() {
    let (emitter, log) = (Crate::new(), Log::default());
    let heard = log.clone();
    emitter.on(End, move |_, ()| heard.note("end"));
    emitter.emit(End, ());
    emitter.emit(End, ());
    let any = log.clone();
    emitter.on_any(move |_, _| any.note("any"));
    emitter.emit(End, ());
    assert_eq!(log.take(), "end end end any");
}

#[test]
fn a_relay_from_a_ready_list_and_to_one_passes_on() {
    let (from, log) = ready(1);
    let (to, end) = ready(2);
    let relay = from.relay(Joined, &to, Joined);
    from.emit(Joined, "");
    assert_eq!((log.take(), end.take()), ("0".into(), "0 1".into()));
    assert!(relay.end());
    from.emit(Joined, "");
    assert_eq!((log.take(), end.take()), ("0".into(), String::new()));
    assert_eq!(to.emit(Joined, "").called, 2);
}

/// An emitter that cannot be found from elsewhere.
#[derive(Default)]
struct Door(EventEmitter<Self>);

events! { for Door { Opened(), Closed() } }

impl Emitter for Door {
    fn listeners(&self) -> &Listeners<Self> {
        &self.0
    }
}

#[test]
fn a_removal_that_could_not_be_told_is_told_by_the_next_emit() {
    for count in 1..4 {
        let (door, log) = (Door::default(), Log::default());
        for number in 0..count {
            let log = log.clone();
            door.on(Opened, move |_, ()| log.note(number.to_string()));
        }
        let told = log.clone();
        door.on(ListenerRemoved, move |_, removed| told.note(format!("-{}", removed.event())));
        let guard = door.on_scoped(Closed, |_, ()| {});
        door.0.emit(&door, Opened, ());
        door.0.emit(&door, Opened, ());
        log.take();
        drop(guard); // the door is not at hand there
        assert_eq!(log.take(), "");
        door.0.emit(&door, Opened, ());
        assert_eq!(log.take(), format!("-Closed {}", numbers(count)));
        door.0.emit(&door, Opened, ());
        assert_eq!(log.take(), numbers(count));
    }
}

#[test]
fn those_who_come_and_go_between_emits_are_heeded() {
    let (room, log) = ready(1);
    let mut added = Vec::new();
    for number in 1..6 {
        let log = log.clone();
        added.push(room.on(Joined, move |_, _| log.note(number.to_string())));
        for _ in 0..2 {
            assert_eq!(room.emit(Joined, "").called, number + 1);
        }
    }
    log.take();
    for left in (1..6).rev() {
        assert!(room.off(added.pop().unwrap()));
        for _ in 0..2 {
            assert_eq!(room.emit(Joined, "").called, left);
            assert_eq!(log.take(), numbers(left));
        }
    }
    let front = log.clone();
    let front = room.prepend(Joined, move |_, _| front.note("front"));
    room.emit(Joined, "");
    assert_eq!(log.take(), "front 0");
    assert!(room.off(front));
    room.remove_all_of(Joined);
    assert_eq!(room.emit(Joined, "").called, 0);
    let again = log.clone();
    room.once(Joined, move |_, _| again.note("once"));
    for called in [1, 0, 0] {
        assert_eq!(room.emit(Joined, "").called, called);
    }
    assert_eq!(log.take(), "once");
}

#[test]
fn what_the_only_listener_does_to_its_list_holds_for_the_next_emit() {
    let (room, log) = (Room::new(), Log::default());
    let deed: Rc<RefCell<Option<Deed>>> = Rc::default();
    let (noted, todo) = (log.clone(), deed.clone());
    let only = room.on(Joined, move |room, _| {
        noted.note("only");
        let todo = todo.take();
        if let Some(deed) = todo {
            deed(room);
        }
    });
    room.emit(Joined, "");
    room.emit(Joined, "");
    let more = log.clone();
    *deed.borrow_mut() = Some(Box::new(move |room: &Room| {
        let more = more.clone();
        room.on(Joined, move |_, _| more.note("more"));
    }));
    for expected in ["only only only", "only more", "only more"] {
        room.emit(Joined, "");
        assert_eq!(log.take(), expected);
    }
    *deed.borrow_mut() = Some(Box::new(move |room: &Room| assert!(room.off(only))));
    for expected in ["only more", "more", "more"] {
        room.emit(Joined, "");
        assert_eq!(log.take(), expected);
    }
}

#[test]
fn after_the_only_listener_has_panicked_it_is_called_again() {
    let (room, log) = (Room::new(), Log::default());
    let panics = Rc::new(Cell::new(false));
    let (noted, panic) = (log.clone(), Rc::clone(&panics));
    let dropped = log.on_drop("dropped");
    let only = room.on(Joined, move |room, _| {
        dropped.touch();
        noted.note("called");
        // From inside it is skipped, be the list ready before or not.
        assert_eq!(room.emit(Joined, "").skipped, 1);
        assert!(!panic.get(), "as it was told to");
    });
    for panic in [false, false, true, true, false, true, false] {
        panics.set(panic);
        let emitted = catch_unwind(AssertUnwindSafe(|| room.emit(Joined, "").called));
        assert_eq!(emitted.is_err(), panic);
        assert_eq!(log.take(), "called");
        let later = log.clone();
        let later = room.on(Joined, move |_, _| later.note("later"));
        assert!(room.off(later), "it is idle, so one more comes and goes");
    }
    assert!(room.off(only));
    assert_eq!(log.take(), "dropped");
}

#[test]
fn one_that_removes_itself_and_panics_is_dropped_once() {
    for times in 0..3 {
        let (room, log) = (Room::new(), Log::default());
        let (own, armed) = (Later::new(), Rc::new(Cell::new(false)));
        let (handle, panic, dropped) = (own.clone(), Rc::clone(&armed), log.on_drop("dropped"));
        own.set(room.on(Joined, move |room, _| {
            dropped.touch();
            if panic.get() {
                assert!(room.off(handle.get()));
                panic!("and is gone");
            }
        }));
        for _ in 0..times {
            room.emit(Joined, "");
        }
        armed.set(true);
        assert!(catch_unwind(AssertUnwindSafe(|| room.emit(Joined, ""))).is_err());
        assert_eq!(log.take(), "dropped");
        assert_eq!(room.emit(Joined, "").called, 0);
    }
}

#[test]
fn a_blocked_listener_is_not_called_and_then_is() {
    for count in 1..4 {
        let (room, log) = ready(count);
        let noted = log.clone();
        let last = room.on(Said, move |_, _| noted.note("said"));
        room.emit(Said, ("", ""));
        room.emit(Said, ("", ""));
        assert_eq!(log.take(), "said said");
        let block = room.block(last);
        assert_eq!(room.emit(Said, ("", "")).called, 0);
        assert_eq!(room.emit(Said, ("", "")).called, 0);
        drop(block);
        for _ in 0..2 {
            assert_eq!(room.emit(Said, ("", "")).called, 1);
            assert_eq!(log.take(), "said");
        }
        assert_eq!(room.emit(Joined, "").called, count);
    }
}

#[test]
fn who_watches_is_told_of_those_that_come_to_a_ready_list() {
    let (room, log) = ready(1);
    let told = log.clone();
    room.on(ListenerAdded, move |_, added| told.note(format!("+{}", added.event())));
    room.emit(Joined, "");
    let second = log.clone();
    room.on(Joined, move |_, _| second.note("second"));
    room.emit(Joined, "");
    assert_eq!(log.take(), "0 +Joined 0 second");
}
