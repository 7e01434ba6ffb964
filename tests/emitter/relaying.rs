//! Relays: they pass on while somebody listens at their end, and end with either end.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use onward::emitter::{Downgrade, Event, Relay, Subscriptions};
use onward::events::Error;
use onward::{Emitter, EventEmitter, Listeners, Routing, events};

use super::support::*;

events! { Tower { Heard(&str), Count(usize), Change(&mut String), Moved(String), error String } }
events! { Desk { Change2(&mut String), Moved2(String) } }

/// A source that notes when it starts, and says how many listen.
#[derive(Clone, Default)]
struct Sensor(Rc<Inner>);

#[derive(Default)]
struct Inner {
    emitter: EventEmitter<Sensor>,
    started: Cell<usize>,
}

events! { for Sensor { Reading(&str) } }

impl Emitter for Sensor {
    fn listeners(&self) -> &Listeners<Self> {
        &self.0.emitter
    }

    fn listener_added<E: Event<Self>>(&self, _: E) {
        self.0.started.set(self.0.started.get() + 1);
    }
}

impl Downgrade for Sensor {
    fn downgrade(&self) -> impl Fn() -> Option<Self> + 'static {
        let inner = Rc::downgrade(&self.0);
        move || inner.upgrade().map(Sensor)
    }
}

fn hearing(tower: &Tower, log: &Log, what: &str) -> onward::emitter::Listener {
    let (log, what) = (log.clone(), what.to_string());
    tower.on(Heard, move |_, line| log.note(format!("{what}:{line}")))
}

#[test]
fn a_relay_passes_on_in_its_place_among_the_listeners() {
    let (room, tower, log) = (Room::new(), Tower::new(), Log::default());
    hearing(&tower, &log, "tower");
    add(&room, &log, "before");
    let relay = room.relay(Joined, &tower, Heard);
    add(&room, &log, "after");
    assert!(relay.is_active());
    assert_eq!(room.emit(Joined, "ada").called, 3);
    assert_eq!(log.take(), "before tower:ada after");
    assert_eq!(format!("{relay:?}"), "Relay { active: true }");
    let places = format!("{room:#?}");
    assert!(places.matches("relaying.rs").count() == 1, "where `relay` was called: {places}");
}

#[test]
fn it_listens_only_while_somebody_listens_at_its_end() {
    let (sensor, tower, log) = (Sensor::default(), Tower::new(), Log::default());
    let relay = sensor.relay(Reading, &tower, Heard);
    assert_eq!((sensor.listener_count(Reading), sensor.0.started.get()), (0, 0));
    let first = hearing(&tower, &log, "1");
    assert_eq!((sensor.listener_count(Reading), sensor.0.started.get()), (1, 1));
    let second = hearing(&tower, &log, "2");
    assert!(tower.off(first));
    assert!(relay.is_active());
    sensor.0.emitter.emit(&sensor, Reading, "x");
    assert!(tower.off(second));
    assert_eq!((sensor.listener_count(Reading), sensor.0.started.get()), (0, 1));
    assert!(!relay.is_active());
    tower.once(Heard, noting!(log, "once"));
    assert_eq!((sensor.listener_count(Reading), sensor.0.started.get()), (1, 2));
    sensor.0.emitter.emit(&sensor, Reading, "y");
    assert_eq!(sensor.listener_count(Reading), 0, "it was used up");
    assert_eq!(log.take(), "2:x once");
    tower.many(Heard, 2, |_, _| {});
    tower.emit(Heard, "");
    assert_eq!(sensor.listener_count(Reading), 1);
    tower.remove_all();
    assert_eq!(sensor.listener_count(Reading), 0);
    assert!(relay.end());
    hearing(&tower, &log, "3");
    assert_eq!(sensor.listener_count(Reading), 0);
}

#[test]
fn the_end_may_come_to_have_listeners_in_the_middle_of_an_emit() {
    let (room, tower, log) = (Room::new(), Tower::new(), Log::default());
    // The tower's list becomes watched while it is walked, and loses its only listener there.
    let (r, l) = (room.clone(), log.clone());
    tower.once(Heard, move |tower, _| {
        r.relay(Joined, tower, Heard);
        assert_eq!(r.listener_count(Joined), 0, "the once is gone");
        let short = hearing(tower, &l, "short");
        assert_eq!(r.listener_count(Joined), 1);
        assert!(tower.off(short));
        assert_eq!(r.listener_count(Joined), 0);
        hearing(tower, &l, "new");
    });
    tower.emit(Heard, "");
    assert_eq!((tower.listener_count(Heard), room.listener_count(Joined)), (1, 1));
    room.emit(Joined, "ada");
    assert_eq!(log.take(), "new:ada");
    tower.once(Heard, |tower, _| tower.remove_all());
    room.emit(Joined, "bob");
    assert_eq!((tower.listener_count(Heard), room.listener_count(Joined)), (0, 0));
}

#[test]
fn relays_in_a_row_start_and_stop_each_other() {
    let (sensor, middle, tower) = (Sensor::default(), Room::new(), Tower::new());
    sensor.relay(Reading, &middle, Joined);
    middle.relay(Joined, &tower, Heard);
    assert_eq!((sensor.listener_count(Reading), middle.listener_count(Joined)), (0, 0));
    let listener = tower.on(Heard, |_, line| assert_eq!(line, "x"));
    assert_eq!((sensor.listener_count(Reading), middle.listener_count(Joined)), (1, 1));
    assert_eq!(sensor.0.emitter.emit(&sensor, Reading, "x").called, 1);
    tower.off(listener);
    assert_eq!((sensor.listener_count(Reading), middle.listener_count(Joined)), (0, 0));
}

#[test]
fn it_keeps_neither_end_alive_and_ends_with_each() {
    let (room, log) = (Room::new(), Log::default());
    let relay = {
        let tower = Tower::new();
        let captured = log.on_drop("tower gone");
        tower.on(Heard, move |_, _| captured.touch());
        let relay = room.relay(Joined, &tower, Heard);
        assert_eq!(room.listener_count(Joined), 1);
        relay
    };
    assert_eq!(log.take(), "tower gone");
    assert_eq!((room.listener_count(Joined), relay.is_active(), relay.end()), (0, false, false));

    let tower = Tower::new();
    hearing(&tower, &log, "heard");
    let captured = log.on_drop("room gone");
    room.on(Closed, move |_, ()| captured.touch());
    let relay = room.relay(Joined, &tower, Heard);
    drop(room);
    assert_eq!(log.take(), "room gone");
    assert_eq!((relay.is_active(), relay.end()), (false, false));
    tower.remove_all();
    hearing(&tower, &log, "heard");
    assert_eq!(tower.emit(Heard, "x").called, 1);
}

#[test]
fn the_listeners_of_the_target_may_drop_it() {
    let (room, log) = (Room::new(), Log::default());
    let tower = Rc::new(Cell::new(Some(Tower::new())));
    let target = tower.take().expect("it is there");
    let (t, l) = (Rc::clone(&tower), log.clone());
    target.on(Heard, move |_, _| {
        drop(t.take());
        l.note("dropped");
    });
    room.relay(Joined, &target, Heard);
    tower.set(Some(target));
    add(&room, &log, "next");
    assert_eq!(room.emit(Joined, "").called, 2);
    assert_eq!(log.take(), "dropped next");
    assert_eq!(room.listener_count(Joined), 1);
}

#[test]
fn many_sources_that_came_and_went_leave_nothing_behind() {
    let (tower, log) = (Tower::new(), Log::default());
    for n in 0..1000 {
        let room = Room::new();
        let captured = log.on_drop("gone");
        room.relay_with(Joined, &tower, Heard, move |_, _, _| captured.touch());
        if n % 100 == 0 {
            hearing(&tower, &log, "x");
        }
        if n == 500 {
            tower.remove_all();
        }
    }
    let gone = log.take().split(' ').filter(|what| *what == "gone").count();
    assert!(gone > 980, "{gone} of 1000 are gone");
}

#[test]
fn payloads_of_every_kind_pass_the_same_or_mapped() {
    let (tower, desk, log) = (Tower::new(), Desk::new(), Log::default());
    tower.relay(Change, &desk, Change2);
    desk.on(Change2, |_, text| text.push('!'));
    let mut text = String::from("a");
    tower.emit(Change, &mut text);
    assert_eq!(text, "a!");

    tower.relay(Moved, &desk, Moved2);
    let l = log.clone();
    desk.on(Moved2, move |_, to| l.note(to));
    tower.emit(Moved, "here".into());

    let room = Room::new();
    room.relay_map(Said, &tower, Heard, |_, (who, _)| who);
    room.relay_map(Said, &tower, Count, |_, (_, line)| line.len());
    room.relay_map(Said, &tower, Moved, |_, (who, line)| format!("{who}-{line}"));
    hearing(&tower, &log, "heard");
    let l = log.clone();
    tower.on(Count, move |_, count| l.note(count.to_string()));
    assert_eq!(room.emit(Said, ("ada", "hello")).called, 3);
    assert_eq!(log.take(), "here ada-hello heard:ada 5");
}

#[test]
fn it_counts_as_called_if_somebody_was() {
    let (room, tower) = (Room::new(), Tower::new());
    room.relay(Joined, &tower, Heard);
    let block = tower.block(tower.on(Heard, |_, _| {}));
    let emitted = room.emit(Joined, "");
    assert_eq!((emitted.called, emitted.handled()), (0, false));
    drop(block);
    assert_eq!(room.emit(Joined, "").called, 1);
}

#[test]
fn an_error_that_nobody_takes_at_the_end_is_not_lost() {
    let (room, tower, log) = (Room::new(), Tower::new(), Log::default());
    room.relay(Error, &tower, Error);
    assert!(room.emit_error("flood".into()).is_err());
    let l = log.clone();
    let listener = tower.on(Error, move |_, error| l.note(error));
    assert!(room.emit_error("flood".into()).is_ok());
    let block = tower.block(listener);
    assert!(room.emit_error("flood".into()).is_err());
    drop(block);
    assert_eq!(log.take(), "flood");
}

#[test]
fn two_emitters_may_relay_to_each_other() {
    let (room, other, log) = (Room::new(), Room::new(), Log::default());
    room.relay(Joined, &other, Joined);
    other.relay(Joined, &room, Joined);
    assert_eq!((room.listener_count(Joined), other.listener_count(Joined)), (0, 0));
    add(&other, &log, "other");
    add(&room, &log, "room");
    let emitted = room.emit(Joined, "ada");
    assert_eq!((emitted.called, emitted.skipped), (2, 0));
    assert_eq!(log.take(), "other room room");
}

#[test]
fn a_relay_to_itself_as_another_event_works_and_as_the_same_does_nothing() {
    let (tower, log) = (Tower::new(), Log::default());
    tower.relay_map(Heard, &tower, Count, |_, line| line.len());
    let same = tower.relay(Heard, &tower, Heard);
    let l = log.clone();
    tower.on(Count, move |_, count| l.note(count.to_string()));
    let emitted = tower.emit(Heard, "ab");
    assert_eq!((emitted.called, emitted.skipped), (2, 0));
    assert_eq!(log.take(), "2 2", "the relay to the same event has others called again");
    assert!(same.end());
    tower.emit(Heard, "ab");
    assert_eq!(log.take(), "2");
}

#[test]
fn it_can_be_ended_while_it_runs_and_by_a_guard_in_a_bag() {
    let (room, tower, log) = (Room::new(), Tower::new(), Log::default());
    hearing(&tower, &log, "heard");
    let later = Later::<Relay>::new();
    let (handle, captured, l) = (later.clone(), log.on_drop("dropped"), log.clone());
    later.set(room.relay_with(Joined, &tower, Heard, move |_, _, _| {
        captured.touch();
        assert!(handle.get().end());
        l.note("ended");
    }));
    assert_eq!(room.emit(Joined, "").called, 1);
    assert_eq!(log.take(), "ended dropped");
    assert_eq!(room.listener_count(Joined), 0);
    assert!(!later.get().end());

    let mut bag = Subscriptions::new();
    bag.add(room.relay(Joined, &tower, Heard).guard());
    room.emit(Joined, "ada");
    bag.clear();
    room.emit(Joined, "bob");
    assert_eq!(log.take(), "heard:ada");
}

#[test]
fn one_that_stops_and_starts_while_it_runs_is_not_entered_twice() {
    let (room, tower, log) = (Room::new(), Tower::new(), Log::default());
    let seat = hearing(&tower, &log, "seat");
    let l = log.clone();
    room.relay_with(Joined, &tower, Heard, move |room, name, tower| {
        l.note(name);
        if name == "outer" {
            tower.off(seat);
            hearing(tower, &l, "seat");
            let nested = room.emit(Joined, "inner");
            assert_eq!((nested.called, nested.skipped), (0, 1));
        }
    });
    assert_eq!(room.emit(Joined, "outer").called, 1);
    assert_eq!(room.emit(Joined, "again").called, 1);
    assert_eq!(log.take(), "outer again");
}

#[test]
fn a_panic_on_the_way_leaves_the_relay_as_it_was() {
    let (room, tower, log) = (Room::new(), Tower::new(), Log::default());
    let panics = Rc::new(Cell::new(true));
    let (p, l) = (Rc::clone(&panics), log.clone());
    tower.on(Heard, move |_, _| {
        assert!(!p.get(), "on purpose");
        l.note("heard");
    });
    room.relay(Joined, &tower, Heard);
    catch_unwind(AssertUnwindSafe(|| room.emit(Joined, ""))).expect_err("it passes through");
    panics.set(false);
    assert_eq!(room.emit(Joined, "").called, 1);
    assert_eq!(log.take(), "heard");
}

#[test]
fn to_remove_all_listeners_of_its_source_ends_it() {
    let (room, tower, log) = (Room::new(), Tower::new(), Log::default());
    hearing(&tower, &log, "heard");
    let captured = log.on_drop("dropped");
    let relay = room.relay_with(Joined, &tower, Heard, move |_, _, _| captured.touch());
    room.remove_all();
    assert_eq!(log.take(), "dropped");
    assert_eq!((relay.is_active(), relay.end()), (false, false));
    hearing(&tower, &log, "heard");
    assert_eq!(room.listener_count(Joined), 0);
    // While it does not listen it has nothing to be removed.
    tower.remove_all();
    let relay = room.relay(Joined, &tower, Heard);
    room.remove_all();
    hearing(&tower, &log, "again");
    assert!(relay.is_active());
    room.emit(Joined, "ada");
    assert_eq!(log.take(), "again:ada");
}
