//! Those who listen to all, together with what stops, fails, clones and nests.

use std::cell::Cell;
use std::ops::ControlFlow::{Break, Continue};
use std::rc::Rc;

use onward::emitter::{Options, Removal};
use onward::events::{Error, ErrorMonitor, ListenerRemoved};
use onward::{Emitter, Routing, Watching, events};

use super::combined::watch;
use super::support::*;

events! { Mill { Ground(Grain), Fed(&mut Vec<u8>), error String } }

#[derive(Debug)]
struct Grain(Rc<Cell<usize>>);

impl Clone for Grain {
    fn clone(&self) -> Self {
        self.0.set(self.0.get() + 1);
        Self(Rc::clone(&self.0))
    }
}

fn hear(room: &Room, log: &Log) -> onward::emitter::Listener {
    let log = log.clone();
    room.on_any(move |_, event| log.note(format!("*{}", event.name())))
}

#[test]
fn what_was_stopped_is_heard_by_nobody() {
    let (room, log) = (Room::new(), Log::default());
    hear(&room, &log);
    let l = log.clone();
    room.intercept(Said, move |_, (_, line)| {
        l.note("intercepted");
        if line.is_empty() { Break(()) } else { Continue(()) }
    });
    assert!(room.emit(Said, ("ada", "")).stopped);
    assert_eq!(log.take(), "intercepted");
    let emitted = room.emit(Said, ("ada", "oh"));
    assert_eq!((emitted.called, emitted.stopped), (0, false));
    assert_eq!(log.take(), "intercepted *Said");
    room.intercept(Error, |_, _| Break(()));
    room.on(ErrorMonitor, noting!(log, "monitor"));
    assert!(room.emit_error("taken".into()).is_ok());
    assert_eq!(log.take(), "monitor");
}

#[test]
fn an_owned_payload_is_cloned_as_often_as_is_said() {
    let (mill, clones) = (Mill::new(), Rc::new(Cell::new(0)));
    let ground = |mill: &Mill| {
        mill.emit(Ground, Grain(Rc::clone(&clones)));
        (clones.replace(0), Rc::strong_count(&clones))
    };
    assert_eq!(ground(&mill), (0, 1));
    let any = mill.on_any(|_, event| assert_eq!(event.name(), "Ground"));
    assert_eq!(ground(&mill), (0, 1)); // lent
    let listeners = [mill.on(Ground, |_, _| {}), mill.on(Ground, |_, _| {})];
    assert_eq!(ground(&mill), (2, 1)); // once more than without
    let stop = mill.intercept(Ground, |_, _| Break(()));
    assert_eq!(ground(&mill), (2, 1));
    mill.off(stop);
    mill.off(any);
    assert_eq!(ground(&mill), (1, 1));
    assert_eq!(listeners.map(|listener| mill.off(listener)), [true; 2]);
    assert_eq!(ground(&mill), (0, 1));
}

#[test]
fn a_mut_payload_is_seen_as_interceptors_and_listeners_left_it() {
    let (mill, log) = (Mill::new(), Log::default());
    let l = log.clone();
    mill.on_any(move |_, event| l.note(format!("{event:?}")));
    mill.on(Fed, |_, grain| grain.push(2));
    mill.intercept(Fed, |_, grain| {
        grain.push(1);
        Continue(())
    });
    mill.emit(Fed, &mut Vec::new());
    assert_eq!(log.take(), "Fed([1, 2])");
}

#[test]
fn a_failure_is_heard_before_the_event_that_failed() {
    let (room, log) = (Room::new(), Log::default());
    hear(&room, &log);
    room.on_try(Joined, |_, name| if name.is_empty() { Err("nobody".into()) } else { Ok(()) });
    room.on(ErrorMonitor, noting!(log, "monitor"));
    room.on(Error, noting!(log, "taken"));
    room.on(Joined, noting!(log, "next"));
    assert_eq!(room.emit(Joined, "").called, 2);
    assert_eq!(log.take(), "monitor taken *Error next *Joined");
    assert_eq!(room.emit(Joined, "ada").called, 2);
    assert_eq!(log.take(), "next *Joined");
}

#[test]
fn those_who_listen_to_all_and_emit_end_by_themselves() {
    let (a, b, log) = (Room::new(), Room::new(), Log::default());
    for (room, other, name) in [(&a, &b, "a"), (&b, &a, "b"), (&a, &a, "c")] {
        let (other, log) = (other.clone(), log.clone());
        room.on_any(move |_, _| {
            log.note(name);
            other.emit(Closed, ());
        });
    }
    a.on_reentrant(Closed, noting!(log, "closed"));
    assert_eq!(a.emit(Closed, ()).called, 1);
    // b closes a again, which c alone hears, for `a` runs; then it is c's turn, and `a` is free to hear.
    assert_eq!(log.take(), "closed a b closed c closed c closed a b closed");
    a.remove_all();
    b.remove_all();
    assert_eq!((a.emit(Closed, ()).called, log.take().as_str()), (0, ""));
}

#[test]
#[should_panic(expected = "emits are nested more than 8 deep")]
fn a_circle_through_those_who_listen_to_all_ends_too() {
    let room = Room::with_options(Options::new().max_depth(8));
    // Each round adds the one that goes on.
    fn again(room: &Room) {
        room.on_any(|room, _| {
            again(room);
            room.emit(Closed, ());
        });
    }
    again(&room);
    room.emit(Closed, ());
}

#[test]
fn it_comes_goes_and_is_blocked_as_others_are_under_snapshot_too() {
    for removal in [Removal::Immediate, Removal::Snapshot] {
        let (room, log) = (Room::with_options(Options::new().removal(removal)), Log::default());
        watch(&room, &log);
        let kept = log.on_drop("~any");
        let any = room.on_any(move |_, _| kept.touch());
        let second = hear(&room, &log);
        assert_eq!(log.take(), "+any:0 +any:1");
        let block = room.block(second);
        room.emit(Closed, ());
        assert_eq!(log.take(), "");
        drop(block);
        let off = room.once(Closed, move |room, ()| assert!(room.off(any)));
        log.take();
        room.emit(Closed, ());
        assert_eq!(log.take(), "-Closed:0 ~any -any:1 *Closed");
        assert!(!room.off(off));
        room.remove_all();
        assert_eq!(room.event_names(), [""; 0]);
        room.emit(Closed, ());
    }
}

#[test]
fn guards_are_told_inside_and_outside_of_emits() {
    let (room, log) =
        (Room::with_options(Options::new().removal(Removal::Snapshot)), Log::default());
    let guard = room.guard(hear(&room, &log));
    let joined = room.on_scoped(Joined, noting!(log, "joined"));
    watch(&room, &log);
    drop(joined); // no emit is under way, so it goes at once
    assert_eq!(log.take(), "-Joined:0");
    let guard = Cell::new(Some(guard));
    room.on(Joined, move |_, _| drop(guard.take()));
    log.take();
    room.emit(Joined, "");
    assert_eq!(log.take(), "-any:0");
    let watcher = room.on(ListenerRemoved, |_, _| {});
    log.take();
    room.remove_all_of(ListenerRemoved);
    assert!(!room.off(watcher));
    room.remove_all();
    assert_eq!(log.take(), "-ListenerRemoved:1"); // the last of those who are told
}
