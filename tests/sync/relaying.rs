//! Relays: they pass on while somebody listens at their end, whichever threads do what.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use onward::emitter::{Event, Listener};
use onward::events;
use onward::events::{Error, ListenerAdded, ListenerRemoved};
use onward::sync::{
    Downgrade, Emitter, EventEmitter, Listeners, Relay, Routing, Subscriptions, Waiting, Watching,
};

use super::support::{Closed, Joined, Later, Log, Room, Said, noting};

events! { sync Tower { Heard(&str), Count(usize), Change(&mut String), Moved(String), error String } }
events! { sync Bell { Rung(&str) } }
events! { sync Desk { Change2(&mut String), Moved2(String) } }

/// A source that counts how often it starts.
#[derive(Clone)]
struct Sensor(Arc<Inner>);

struct Inner {
    emitter: EventEmitter<Sensor>,
    started: AtomicUsize,
}

events! { for Sensor { Reading(&str) } }

impl Sensor {
    fn new() -> Self {
        Self(Arc::new(Inner { emitter: EventEmitter::new(), started: AtomicUsize::new(0) }))
    }

    fn read(&self, text: &str) -> usize {
        self.0.emitter.emit(self, Reading, text).called
    }

    fn seen(&self) -> (usize, usize) {
        (self.listener_count(Reading), self.0.started.load(Ordering::Relaxed))
    }
}

impl Emitter for Sensor {
    fn listeners(&self) -> &Listeners<Self> {
        &self.0.emitter
    }

    fn listener_added<E: Event<Self>>(&self, _: E) {
        self.0.started.fetch_add(1, Ordering::Relaxed);
    }
}

impl Downgrade for Sensor {
    fn downgrade(&self) -> impl Fn() -> Option<Self> + Send + Sync + 'static {
        let inner = Arc::downgrade(&self.0);
        move || inner.upgrade().map(Sensor)
    }
}

fn hearing(tower: &Tower, log: &Log, what: &str) -> Listener {
    let (log, what) = (log.clone(), what.to_string());
    tower.on(Heard, move |_, line| log.note(format!("{what}:{line}")))
}

fn panics<T>(f: impl FnOnce() -> T) -> bool {
    catch_unwind(AssertUnwindSafe(f)).is_err()
}

#[test]
fn a_relay_passes_on_in_its_place_among_the_listeners() {
    let (room, tower, log) = (Room::new(), Tower::new(), Log::default());
    hearing(&tower, &log, "tower");
    room.on(Joined, noting!(log, "before"));
    let relay = room.relay(Joined, &tower, Heard);
    room.on(Joined, noting!(log, "after"));
    room.prepend(Joined, noting!(log, "first"));
    assert!(relay.is_active());
    assert_eq!(room.emit(Joined, "ada").called, 4);
    assert_eq!(log.take(), "first before tower:ada after");
    assert_eq!(format!("{relay:?}"), "Relay { active: true }");
    let places = format!("{room:#?}");
    assert_eq!(places.matches("relaying.rs").count(), 4, "where `relay` was called: {places}");
}

#[test]
fn it_listens_only_while_somebody_listens_at_its_end_whichever_way() {
    let (sensor, tower, log) = (Sensor::new(), Tower::new(), Log::default());
    let relay = sensor.relay(Reading, &tower, Heard);
    assert_eq!(sensor.seen(), (0, 0));
    let first = hearing(&tower, &log, "1");
    assert_eq!(sensor.seen(), (1, 1));
    let second = hearing(&tower, &log, "2");
    assert!(tower.off(first));
    assert!(relay.is_active());
    sensor.read("x");
    assert_eq!(tower.off_and_wait(second), Ok(true));
    assert_eq!(sensor.seen(), (0, 1));
    assert!(!relay.is_active());
    tower.once(Heard, noting!(log, "once"));
    assert_eq!(sensor.seen(), (1, 2));
    sensor.read("y");
    assert_eq!(sensor.seen(), (0, 2), "it was used up");
    assert_eq!(log.take(), "2:x once");

    tower.many(Heard, 2, |_, _| {});
    tower.emit(Heard, "");
    assert_eq!(sensor.seen(), (1, 3));
    sensor.read("");
    assert_eq!(sensor.seen(), (0, 3));
    tower.many(Heard, 0, |_, _| {});
    assert_eq!(sensor.seen(), (0, 4), "it was there, for no time");
    let object = Arc::new(());
    tower.on_weak(Heard, &object, |_, _, _| {});
    drop(object);
    assert_eq!((sensor.read(""), sensor.seen()), (0, (0, 5)));
    let guard = tower.on_scoped(Heard, |_, _| {});
    assert_eq!(sensor.seen(), (1, 6));
    thread::spawn(move || drop(guard)).join().expect("no panic");
    assert_eq!(sensor.seen(), (0, 6));
    drop(tower.next(Heard));
    drop(tower.stream(Heard));
    assert_eq!(sensor.seen(), (0, 8));
    tower.on_reentrant(Heard, |_, _| {});
    tower.remove_all();
    tower.intercept(Heard, |_, _| std::ops::ControlFlow::Continue(()));
    tower.remove_all_of(Heard);
    assert_eq!(sensor.seen(), (0, 10));
    tower.on(Moved, |_, _| {});
    tower.on_any(|_, _| {});
    assert_eq!(sensor.seen(), (0, 10), "those of other events are nobody");

    hearing(&tower, &log, "3");
    tower.on(ListenerRemoved, |_, _| {});
    tower.remove_all();
    assert_eq!(sensor.seen(), (0, 11));
    assert!(relay.end());
    hearing(&tower, &log, "4");
    assert_eq!(sensor.seen(), (0, 11));
}

/// One that is cleared by who owns it.
struct Door {
    emitter: EventEmitter<Self>,
}

events! { for Door { Opened(&str) } }

impl Emitter for Door {
    fn listeners(&self) -> &Listeners<Self> {
        &self.emitter
    }
}

impl Downgrade for Door {
    fn downgrade(&self) -> impl Fn() -> Option<Self> + Send + Sync + 'static {
        let emitter = self.emitter.weak();
        move || emitter().map(|emitter| Self { emitter })
    }
}

#[test]
fn one_that_is_cleared_has_no_listeners_either() {
    let (room, door) = (Room::new(), Door { emitter: EventEmitter::new() });
    let relay = room.relay_with(Joined, &door, Opened, |_, who, door| {
        door.emitter.emit(door, Opened, who);
    });
    door.on(Opened, |_, _| {});
    assert!(relay.is_active());
    door.emitter.clear();
    assert!(!relay.is_active());
    assert_eq!(room.listener_count(Joined), 0);
}

#[test]
fn both_ends_tell_in_an_order() {
    let (room, tower, log) = (Room::new(), Tower::new(), Log::default());
    let (a, b, c, d) = (log.clone(), log.clone(), log.clone(), log.clone());
    room.on(ListenerAdded, move |_, info| a.note(format!("+room.{}", info.event())));
    room.on(ListenerRemoved, move |_, info| b.note(format!("-room.{}", info.event())));
    tower.on(ListenerAdded, move |_, info| c.note(format!("+tower.{}", info.event())));
    tower.on(ListenerRemoved, move |_, info| d.note(format!("-tower.{}", info.event())));
    log.take();
    room.relay(Joined, &tower, Heard);
    assert_eq!(log.take(), "");
    let first = hearing(&tower, &log, "heard");
    assert_eq!(log.take(), "+tower.Heard +room.Joined");
    let second = hearing(&tower, &log, "heard");
    tower.off(first);
    assert_eq!(log.take(), "+tower.Heard -tower.Heard");
    tower.off(second);
    assert_eq!(log.take(), "-room.Joined -tower.Heard");
}

#[test]
fn the_end_may_come_to_have_listeners_in_the_middle_of_an_emit() {
    let (room, tower, log) = (Room::new(), Tower::new(), Log::default());
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
    let (sensor, middle, tower) = (Sensor::new(), Room::new(), Tower::new());
    sensor.relay(Reading, &middle, Joined);
    middle.relay(Joined, &tower, Heard);
    assert_eq!((sensor.seen().0, middle.listener_count(Joined)), (0, 0));
    let listener = tower.on(Heard, |_, line| assert_eq!(line, "x"));
    assert_eq!((sensor.seen().0, middle.listener_count(Joined)), (1, 1));
    assert_eq!(sensor.read("x"), 1);
    tower.off(listener);
    assert_eq!((sensor.seen().0, middle.listener_count(Joined)), (0, 0));
}

#[test]
fn it_keeps_neither_end_alive_and_ends_with_each_on_any_thread() {
    let (room, log) = (Room::new(), Log::default());
    let tower = Tower::new();
    let captured = log.on_drop("tower gone");
    tower.on(Heard, move |_, _| captured.touch());
    let relay = room.relay(Joined, &tower, Heard);
    assert_eq!(room.listener_count(Joined), 1);
    thread::spawn(move || drop(tower)).join().expect("no panic");
    assert_eq!(log.take(), "tower gone");
    assert_eq!((room.listener_count(Joined), relay.is_active(), relay.end()), (0, false, false));

    let tower = Tower::new();
    hearing(&tower, &log, "heard");
    let captured = log.on_drop("room gone");
    room.on(Closed, move |_, ()| captured.touch());
    let relay = room.relay(Joined, &tower, Heard);
    thread::spawn(move || drop(room)).join().expect("no panic");
    assert_eq!(log.take(), "room gone");
    assert_eq!((relay.is_active(), relay.end()), (false, false));
    tower.remove_all();
    hearing(&tower, &log, "heard");
    assert_eq!(tower.emit(Heard, "x").called, 1);
}

#[test]
fn the_listeners_of_the_target_may_drop_it() {
    let (room, log) = (Room::new(), Log::default());
    let tower = Arc::new(Mutex::new(None));
    let target = Tower::new();
    let (t, l) = (Arc::clone(&tower), log.clone());
    target.on(Heard, move |_, _| {
        let target = t.lock().expect("no panic in here").take();
        drop(target);
        l.note("dropped");
    });
    room.relay(Joined, &target, Heard);
    *tower.lock().expect("no panic in here") = Some(target);
    room.on(Joined, noting!(log, "next"));
    assert_eq!(room.emit(Joined, "").called, 2);
    assert_eq!(log.take(), "dropped next");
    assert_eq!(room.listener_count(Joined), 1);
}

#[test]
fn many_sources_that_came_and_went_leave_nothing_behind() {
    let (tower, log) = (Tower::new(), Log::default());
    for n in 0..200 {
        let room = Room::new();
        let captured = log.on_drop("gone");
        room.relay_with(Joined, &tower, Heard, move |_, _, _| captured.touch());
        if n % 20 == 0 {
            hearing(&tower, &log, "x");
        }
        if n == 100 {
            tower.remove_all();
        }
    }
    let gone = log.take().split(' ').filter(|what| *what == "gone").count();
    assert!(gone > 180, "{gone} of 200 are gone");
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
    let listener = tower.on(Error, move |_, error| l.note(error.clone()));
    assert!(room.emit_error("flood".into()).is_ok());
    let block = tower.block(listener);
    assert!(room.emit_error("flood".into()).is_err());
    drop(block);
    assert_eq!(log.take(), "flood");
}

#[test]
fn two_emitters_may_relay_to_each_other() {
    let (room, other, log) = (Room::new(), Room::new(), Log::default());
    let there = room.relay(Joined, &other, Joined);
    other.relay(Joined, &room, Joined);
    assert_eq!((room.listener_count(Joined), other.listener_count(Joined)), (0, 0));
    let first = other.on(Joined, noting!(log, "other"));
    assert_eq!((room.listener_count(Joined), other.listener_count(Joined)), (1, 2));
    room.on(Joined, noting!(log, "room"));
    let emitted = room.emit(Joined, "ada");
    assert_eq!((emitted.called, emitted.skipped), (2, 0));
    assert_eq!(log.take(), "other room room");
    other.off(first);
    room.remove_all_of(Closed);
    assert!(there.end());
    assert_eq!((room.listener_count(Joined), other.listener_count(Joined)), (1, 1));
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
    tower.remove_all_of(Count);
    assert_eq!(tower.listener_count(Heard), 0);
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
    let (seat, l) = (hearing(&tower, &log, "seat"), log.clone());
    room.relay_with(Joined, &tower, Heard, move |room, name, tower| {
        l.note(name);
        if name == "outer" {
            tower.off(seat);
            hearing(tower, &l, "seat");
            assert_eq!(room.emit(Joined, "inner").called, 0);
        }
    });
    assert_eq!(room.emit(Joined, "outer").called, 1);
    assert_eq!(room.emit(Joined, "again").called, 1);
    assert_eq!(log.take(), "outer again");
}

#[test]
fn a_panic_on_the_way_leaves_the_relay_as_it_was() {
    let (room, tower, log) = (Room::new(), Tower::new(), Log::default());
    let (l, mut panicked) = (log.clone(), false);
    tower.on(Heard, move |_, _| {
        assert!(std::mem::replace(&mut panicked, true), "on purpose");
        l.note("heard");
    });
    room.relay(Joined, &tower, Heard);
    assert!(panics(|| room.emit(Joined, "")));
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

#[test]
fn a_panic_of_who_is_told_at_the_source_leaves_the_listener_and_the_next_begins_it() {
    let (room, tower, log) = (Room::new(), Tower::new(), Log::default());
    let mut armed = true;
    room.on(ListenerAdded, move |_, _| assert!(!std::mem::take(&mut armed), "on purpose"));
    let bell = Bell::new();
    let relay = room.relay(Joined, &tower, Heard);
    let other = bell.relay(Rung, &tower, Heard);
    assert!(panics(|| hearing(&tower, &log, "first")));
    assert_eq!((tower.listener_count(Heard), room.listener_count(Joined)), (1, 0));
    assert_eq!((relay.is_active(), other.is_active()), (false, true), "others are told still");
    hearing(&tower, &log, "second");
    assert!(relay.is_active());
    room.emit(Joined, "ada");
    assert_eq!(log.take(), "first:ada second:ada");
}

#[test]
fn who_is_told_at_the_source_may_change_who_listens_at_the_end() {
    let (room, tower, log) = (Room::new(), Tower::new(), Log::default());
    let (t, l) = (tower.clone(), log.clone());
    // It takes back what has begun it, once.
    let mut first = true;
    room.on(ListenerAdded, move |_, info| {
        if info.is(Joined) {
            l.note(format!("+{}", info.others()));
        }
        if info.is(Joined) && std::mem::take(&mut first) {
            t.remove_all();
        }
    });
    let (t, l, mut first) = (tower.clone(), log.clone(), true);
    room.on(ListenerRemoved, move |_, info| {
        l.note(format!("-{}", info.others()));
        if std::mem::take(&mut first) {
            hearing(&t, &l, "heard");
        }
    });
    let relay = room.relay(Joined, &tower, Heard);
    hearing(&tower, &log, "lost");
    assert_eq!(log.take(), "+0 -0 +0", "in the end somebody listens");
    assert!(relay.is_active());
    room.emit(Joined, "ada");
    assert_eq!(log.take(), "heard:ada");
}
