//! Events that are emitted later.

use super::support::{Log, OnDrop, in_time, make_loop, panic_of, trace};
use onward::emitter::Options;
use onward::events::*;
use onward::{ErrorKind, EventEmitter, Listeners, next_tick, set_immediate};
use std::rc::Rc;

onward::events! {
    Room {
        Joined(&str),
        Said(&str, Vec<u8>),
        Rules(&mut String),
        Moved(String),
        Closed(),
        Numbers(&[u32]),
        error String,
    }
}

fn noting(log: &Log) -> Room {
    let (room, log) = (Room::new(), log.clone());
    room.on(Joined, move |_, name| log.note(name));
    room
}

#[test]
fn it_comes_after_the_callback_in_the_order_of_ticks() {
    let noted = trace(|log| {
        let room = noting(log);
        next_tick(log.noting("tick"));
        room.emit_later(Joined, "ada".into())?;
        next_tick(log.noting("tock"));
        room.emit_later(Joined, "bob".into())?;
        room.emit(Joined, "now");
        set_immediate(log.noting("immediate"));
        log.note("end");
        Ok(())
    });
    assert_eq!(noted, "now end tick ada tock bob immediate");
}

#[test]
fn who_listens_by_then_is_called() {
    let noted = trace(|log| {
        let room = Room::new();
        room.emit_later(Joined, "ada".into())?;
        let log = log.clone();
        room.on(Joined, move |room, name| {
            log.note(name);
            if name.len() < 6 {
                room.emit_later(Joined, format!("{name}!")).expect("in the loop");
                log.note("after");
            }
        });
        Ok(())
    });
    assert_eq!(noted, "ada after ada! after ada!! after ada!!!");
}

#[test]
fn payloads_of_every_kind_can_wait() {
    let noted = trace(|log| {
        let room = Room::new();
        let l = log.clone();
        room.on(Said, move |_, (who, what)| l.note(format!("{who}{what:?}")));
        let l = log.clone();
        room.on(Rules, |_, rules| rules.push('!'));
        room.on(Rules, move |_, rules| l.note(rules.clone()));
        for _ in 0..2 {
            let l = log.clone();
            room.on(Moved, move |_, to| l.note(to));
        }
        let l = log.clone();
        room.on(Closed, move |_, ()| l.note("closed"));
        let l = log.clone();
        room.on(Numbers, move |_, numbers| l.note(format!("{numbers:?}")));
        room.emit_later(Said, ("ada".into(), vec![1]))?;
        room.emit_later(Rules, "no shouting".into())?;
        room.emit_later(Moved, "here".into())?;
        room.emit_later(Numbers, vec![1, 2])?;
        room.emit_later(Closed, ())?;
        Ok(())
    });
    assert_eq!(noted, "ada[1] no shouting! here here [1, 2] closed");
}

#[test]
fn outside_of_a_loop_it_says_so() {
    in_time(|| {
        let (room, dropped) = (Room::new(), Log::default());
        let error = room.emit_later(Joined, "ada".into()).unwrap_err();
        assert_eq!((error.kind(), error.operation()), (ErrorKind::NotInLoop, "emit later"));
        let (event_loop, _) = make_loop();
        let (late, l) = (room.clone(), dropped.clone());
        let at_end = OnDrop::new(move || {
            let error = late.emit_later(Joined, "bob".into()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::LoopGone);
            l.note("told");
        });
        event_loop.enter(|| next_tick(move || at_end.touch()));
        drop(event_loop);
        assert_eq!(dropped.take(), "told");
    });
}

#[test]
fn what_waits_keeps_its_emitter_alive_and_is_emitted() {
    let noted = trace(|log| {
        let room = noting(log);
        let captured = log.on_drop("gone");
        room.on(Closed, move |_, ()| captured.touch());
        room.emit_later(Joined, "ada".into())?;
        drop(room);
        log.note("dropped");
        Ok(())
    });
    assert_eq!(noted, "dropped ada gone");
}

#[test]
fn what_waits_when_the_loop_ends_is_dropped_with_its_emitter() {
    in_time(|| {
        let (event_loop, log) = make_loop();
        event_loop.enter(|| {
            let room = noting(&log);
            let captured = log.on_drop("gone");
            room.on(Closed, move |_, ()| captured.touch());
            room.emit_later(Joined, "ada".into()).unwrap();
        });
        drop(event_loop);
        assert_eq!(log.take(), "gone");
    });
}

#[test]
fn an_error_that_nobody_takes_then_ends_the_loop() {
    in_time(|| {
        let ended = onward::run(|| {
            let room = Room::new();
            room.once(Error, |_, _| {});
            room.emit_later(Error, "taken".into())?;
            room.emit_later(Error, "left".into())?;
            Ok(())
        });
        let error = ended.unwrap_err();
        assert_eq!((error.kind(), error.target()), (ErrorKind::Unhandled, Some("Room")));
    });
}

#[test]
fn a_panic_of_a_listener_passes_out_of_run_and_what_waits_behind_it_stays() {
    in_time(|| {
        let (event_loop, log) = make_loop();
        let room = noting(&log);
        event_loop.enter(|| {
            room.once(Closed, |_, ()| panic!("on purpose"));
            room.emit_later(Closed, ()).unwrap();
            room.emit_later(Joined, "ada".into()).unwrap();
        });
        assert_eq!(panic_of(|| event_loop.run()), "on purpose");
        event_loop.run().unwrap();
        assert_eq!(log.take(), "ada");
    });
}

#[test]
fn a_type_of_its_own_hands_over_a_handle() {
    struct Door(EventEmitter<Self>);
    onward::events! { for Door { Opened(&str) } }
    impl onward::Emitter for Door {
        fn listeners(&self) -> &Listeners<Self> {
            &self.0
        }
    }
    let noted = trace(|log| {
        let door = Rc::new(Door(EventEmitter::with_options(Options::new())));
        door.0.emit_later(Rc::clone(&door), Opened, "ada".into())?;
        let log = log.clone();
        door.on(Opened, move |_, who| log.note(who));
        Ok(())
    });
    assert_eq!(noted, "ada");
}

#[test]
fn those_who_listen_to_all_hear_what_comes_later_but_not_what_is_stopped() {
    use onward::{Routing, Watching};
    use std::ops::ControlFlow::{Break, Continue};

    let noted = trace(|log| {
        let room = Room::new();
        let all = log.clone();
        room.on_any(move |_, event| all.note(format!("{event:?}")));
        room.emit_later(Moved, "out".into())?; // nobody else listens
        room.emit_later(Rules, "none".into())?;
        room.intercept(Rules, |_, rules| {
            rules.push('!');
            Continue(())
        });
        room.emit_later(Error, "taken".into())?;
        room.intercept(Error, |_, _| Break(()));
        Ok(())
    });
    assert_eq!(noted, r#"Moved("out") Rules("none!")"#);
}
