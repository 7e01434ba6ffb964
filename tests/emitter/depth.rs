//! Emits that call each other in a circle end before the stack does.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use onward::emitter::Options;
use onward::{Emitter, Routing, events};

use super::support::*;

events! { Bell { Rung(u32) } }

fn message<T>(f: impl FnOnce() -> T) -> String {
    let Err(panic) = catch_unwind(AssertUnwindSafe(f)) else { panic!("it does not panic") };
    panic.downcast_ref::<String>().cloned().expect("a text")
}

#[test]
fn a_circle_of_one_ends_with_its_name() {
    let room = Room::new();
    let depth = Rc::new(Cell::new(0));
    let d = Rc::clone(&depth);
    room.on_reentrant(Joined, move |room, name| {
        d.set(d.get() + 1);
        room.emit(Joined, name);
    });
    let text = message(|| room.emit(Joined, ""));
    assert!(text.starts_with("emits are nested more than 128 deep: ... > Room.Joined"), "{text}");
    // Without threads to tell apart, each list counts for itself and knows its own name.
    let names = if cfg!(feature = "std") { 16 } else { 1 };
    assert_eq!(text.matches("Room.Joined").count(), names);
    assert_eq!(depth.get(), 129, "the outermost, and 128 in it");
    depth.set(0);
    message(|| room.emit(Joined, ""));
    assert_eq!(depth.get(), 129, "the count is what it was");
}

#[cfg(feature = "std")]
#[test]
fn a_circle_over_several_emitters_names_each() {
    let (room, bell) = (Room::with_options(Options::new().max_depth(20)), Bell::new());
    let b = bell.clone();
    room.on_reentrant(Joined, move |room, _| {
        room.emit(Closed, ());
        b.emit(Rung, 1);
    });
    let weak = room.clone();
    bell.on_reentrant(Rung, move |_, _| {
        weak.emit(Joined, "");
    });
    let text = message(|| room.emit(Joined, ""));
    assert!(text.starts_with("emits are nested more than 20 deep: ... > "), "{text}");
    assert!(text.contains("Room.Joined > Bell.Rung > Room.Joined > Bell.Rung"), "{text}");
    assert!(!text.contains("Closed"), "it is not part of the circle: {text}");
    room.remove_all(); // each holds the other
}

#[test]
fn as_many_as_allowed_are_and_no_more() {
    for (limit, depth) in [(0, 1), (1, 2), (5, 6)] {
        let room = Room::with_options(Options::new().max_depth(limit));
        room.on_reentrant(Said, |room, (who, left)| {
            if !left.is_empty() {
                room.emit(Said, (who, &left[1..]));
            }
        });
        let letters = "x".repeat(depth);
        assert_eq!(room.emit(Said, ("", &letters[1..])).called, 1);
        message(|| room.emit(Said, ("", &letters)));
    }
}

#[test]
fn listeners_that_are_skipped_make_no_circle() {
    let room = Room::with_options(Options::new().max_depth(2));
    room.on(Joined, |room, _| {
        room.emit(Joined, "");
    });
    room.on(Joined, |room, _| {
        room.emit(Joined, "");
    });
    assert_eq!(room.emit(Joined, "").called, 2);
}

#[test]
fn one_that_adds_listeners_without_an_end_ends_too() {
    fn again(room: &Room) {
        room.on(Joined, |room, _| again(room));
        room.emit(Joined, "");
    }
    let room = Room::with_options(Options::new().max_depth(40));
    let text = message(|| again(&room));
    assert!(text.contains("more than 40 deep"), "{text}");
    assert!(room.listener_count(Joined) >= 40);
    room.remove_all();
    assert!(!room.emit(Joined, "").handled());
}

#[cfg(feature = "std")]
#[test]
fn isolation_does_not_have_a_circle_begin_anew_at_each_listener() {
    let (log, calls) = (Log::default(), Rc::new(Cell::new(0)));
    let l = log.clone();
    let options = Options::new().max_depth(30);
    let room = Room::with_options(options.isolate_panics(move |_: &Room, panic| {
        l.note(panic.message().expect("a text").split(':').next().expect("a start"));
    }));
    for _ in 0..2 {
        let calls = Rc::clone(&calls);
        room.on_reentrant(Joined, move |room, _| {
            calls.set(calls.get() + 1);
            room.emit(Joined, "");
        });
    }
    assert_eq!(room.emit(Joined, "").called, 2);
    let report = "emits are nested more than 30 deep";
    assert_eq!(log.take(), format!("{report} {report}"), "one for each listener of the outermost");
    assert_eq!(calls.get(), 62);
}

#[test]
fn relays_in_a_circle_end_by_themselves() {
    let bells: Vec<_> = (0..3).map(|_| Bell::new()).collect();
    for n in 0..3 {
        bells[n].relay(Rung, &bells[(n + 1) % 3], Rung);
    }
    let count = Rc::new(Cell::new(0));
    let c = Rc::clone(&count);
    bells[0].on(Rung, move |_, n| c.set(c.get() + n));
    assert_eq!(bells[1].emit(Rung, 1).called, 1);
    assert_eq!(count.get(), 1);
}

#[cfg(feature = "named")]
#[test]
fn circles_of_named_events_end_too() {
    use onward::emitter::named::{Name, NamedEmitter};
    let emitter = NamedEmitter::new();
    emitter.on_reentrant(Name::<str>::new("chat"), |emitter, line| {
        emitter.emit(Name::<str>::new("chat"), line);
    });
    let text = message(|| emitter.emit(Name::<str>::new("chat"), ""));
    assert!(text.contains(" > NamedEmitter.chat"), "{text}");
}
