//! What callbacks capture is dropped in time, and its destructors may do anything.

use super::support::{Log, NEVER, OnDrop, connected, in_child, in_time, make_loop, trace};
use onward::events::*;
use onward::net::Server;
use onward::{
    EventLoop, Timer, next_tick, set_immediate, set_interval, set_timeout, spawn_blocking, stop,
};
use std::cell::Cell;
use std::rc::{Rc, Weak};
use std::time::Duration;

/// Uses the loop in every way that a destructor can.
fn meddling(log: &Log, name: &'static str) -> OnDrop {
    let log = log.clone();
    OnDrop::new(move || {
        log.note(name);
        next_tick(log.noting(&format!("{name}:tick")));
        set_timeout(Duration::ZERO, log.noting(&format!("{name}:timer")));
        set_immediate(log.noting(&format!("{name}:immediate")));
        assert!(set_timeout(NEVER, || ()).cancel());
        assert!(set_interval(NEVER, |_| ()).cancel());
        assert!(set_immediate(|| ()).cancel());
    })
}

#[test]
fn what_a_timer_captures_is_dropped_inside_of_cancel() {
    let noted = trace(|log| {
        let captures = [log.on_drop("timer"), log.on_drop("interval"), log.on_drop("immediate")];
        let [timer, interval, immediate] = captures;
        let timer = set_timeout(NEVER, move || timer.touch());
        let interval = set_interval(NEVER, move |_| interval.touch());
        let immediate = set_immediate(move || immediate.touch());
        log.note("cancel");
        assert!(timer.cancel() && interval.cancel() && immediate.cancel());
        log.note("cancelled");
        Ok(())
    });
    assert_eq!(noted, "cancel timer interval immediate cancelled");
}

#[test]
fn what_an_interval_captures_is_dropped_when_it_returns_from_cancelling_itself() {
    let noted = trace(|log| {
        let (capture, log) = (log.on_drop("dropped"), log.clone());
        set_interval(Duration::ZERO, move |timer| {
            capture.touch();
            assert!(timer.cancel());
            log.note("cancelled");
            next_tick(log.noting("tick"));
        });
        Ok(())
    });
    assert_eq!(noted, "cancelled dropped tick");
}

#[test]
fn destructors_in_cancel_may_use_the_loop() {
    let noted = trace(|log| {
        let (timer, interval, immediate) =
            (meddling(log, "timer"), meddling(log, "interval"), meddling(log, "immediate"));
        let timer = set_timeout(NEVER, move || timer.touch());
        let interval = set_interval(NEVER, move |_| interval.touch());
        let immediate = set_immediate(move || immediate.touch());
        assert!(timer.cancel() && interval.cancel() && immediate.cancel());
        Ok(())
    });
    assert_eq!(
        noted,
        "timer interval immediate timer:tick interval:tick immediate:tick \
         timer:timer interval:timer immediate:timer \
         timer:immediate interval:immediate immediate:immediate"
    );
}

#[test]
fn destructors_of_callbacks_that_have_run_may_use_the_loop() {
    let noted = trace(|log| {
        let capture = meddling(log, "timer");
        set_timeout(Duration::ZERO, move || capture.touch());
        Ok(())
    });
    assert_eq!(noted, "timer timer:tick timer:immediate timer:timer");
    let noted = trace(|log| {
        let capture = meddling(log, "interval");
        set_interval(Duration::from_millis(1), move |timer| {
            capture.touch();
            timer.cancel();
        });
        Ok(())
    });
    assert_eq!(noted, "interval interval:tick interval:immediate interval:timer");
}

#[test]
fn a_destructor_may_cancel_the_very_timer_it_belongs_to_and_its_siblings() {
    let noted = trace(|log| {
        let known: Rc<Cell<Option<[Timer; 2]>>> = Rc::default();
        let (theirs, log) = (Rc::clone(&known), log.clone());
        let capture = OnDrop::new(move || {
            let [me, sibling] = theirs.get().unwrap();
            log.note(format!("{} {}", me.cancel(), sibling.cancel()));
        });
        let me = set_timeout(NEVER, move || capture.touch());
        let sibling = set_timeout(NEVER, || unreachable!());
        known.set(Some([me, sibling]));
        assert!(me.cancel());
        Ok(())
    });
    assert_eq!(noted, "false true");
}

#[test]
fn everything_that_waits_is_dropped_with_the_loop() {
    in_time(|| {
        let (event_loop, log) = make_loop();
        let names =
            ["timer", "interval", "immediate", "tick", "unheld", "blocking", "close", "listener"];
        let mut captures = names.map(|name| log.on_drop(name)).into_iter();
        let mut capture = || captures.next().unwrap();
        let (timer, interval, immediate, tick) = (capture(), capture(), capture(), capture());
        let (unheld, blocking, close, listener) = (capture(), capture(), capture(), capture());
        event_loop.enter(|| {
            set_timeout(NEVER, move || timer.touch());
            set_interval(NEVER, move |_| interval.touch());
            set_immediate(move || immediate.touch());
            set_immediate(move || unheld.touch()).unref();
            spawn_blocking(|| ()).then(move |_| blocking.touch());
            let server = Server::listen("127.0.0.1:0").unwrap();
            server.on(Close, move |_, ()| close.touch());
            server.on(Connection, move |_, _| listener.touch());
            next_tick(move || tick.touch());
        });
        assert_eq!(log.take(), "");
        drop(event_loop);
        let mut dropped: Vec<_> = log.take().split(' ').map(String::from).collect();
        dropped.sort_unstable();
        let mut names = names.map(String::from);
        names.sort_unstable();
        assert_eq!(dropped, names);
    });
}

#[test]
fn destructors_at_the_end_of_the_loop_may_use_what_is_left_of_it() {
    let name =
        "event_loop::captures::destructors_at_the_end_of_the_loop_may_use_what_is_left_of_it";
    in_child(name, || {
        let (event_loop, log) = make_loop();
        let capture =
            ["timer", "immediate", "tick", "blocking"].map(|name| meddling_lightly(&log, name));
        event_loop.enter(|| {
            let [timer, immediate, tick, blocking] = capture;
            set_timeout(NEVER, move || timer.touch());
            set_immediate(move || immediate.touch());
            next_tick(move || tick.touch());
            spawn_blocking(|| ()).then(move |_| blocking.touch());
        });
        drop(event_loop);
        let noted = log.take();
        let mut noted: Vec<_> = noted.split(' ').collect();
        noted.sort_unstable();
        assert_eq!(noted, ["blocking", "immediate", "tick", "timer"]);
    });
}

/// As [`meddling`], without asking whether cancelling worked.
fn meddling_lightly(log: &Log, name: &'static str) -> OnDrop {
    let log = log.clone();
    OnDrop::new(move || {
        log.note(name);
        let timer = set_timeout(NEVER, || ());
        timer.refresh();
        timer.cancel();
        set_immediate(|| ()).cancel();
        next_tick(|| ());
        stop();
    })
}

#[test]
fn what_a_destructor_adds_at_the_end_of_the_loop_is_dropped_too() {
    in_time(|| {
        let (event_loop, log) = make_loop();
        let handle = event_loop.handle();
        let (inner, adds) = (log.on_drop("inner"), handle.clone());
        let outer = OnDrop::new(move || {
            // Captures a handle, as sockets do: a loop that kept this would never be freed.
            let keeps = adds.clone();
            adds.set_timeout(NEVER, move || {
                inner.touch();
                drop(keeps);
            });
        });
        event_loop.enter(|| set_immediate(move || outer.touch()));
        drop(event_loop);
        drop(handle);
        assert_eq!(log.take(), "inner");
    });
}

#[test]
fn a_loop_leaves_nothing_behind_though_its_listeners_capture_their_own_sockets() {
    in_time(|| {
        let alive: Rc<()> = Rc::default();
        let watched: Weak<()> = Rc::downgrade(&alive);
        let event_loop = EventLoop::new().unwrap();
        event_loop.enter(|| {
            let server = Server::listen("127.0.0.1:0").unwrap();
            let (own, token) = (server.clone(), Rc::clone(&alive));
            server.on(Close, move |_, ()| _ = (&own, &token));
            let token = Rc::clone(&alive);
            connected(&server, move |client, accepted| {
                for socket in [client, accepted] {
                    let (own, token) = (socket.clone(), Rc::clone(&token));
                    socket.on(Data, move |_, _| _ = (&own, &token));
                    let (own, handle) = (socket.clone(), onward::Handle::current().unwrap());
                    socket.on(End, move |_, ()| _ = (&own, &handle));
                }
                stop();
            });
        });
        event_loop.run().unwrap();
        drop(alive);
        assert_ne!(watched.strong_count(), 0);
        drop(event_loop);
        assert_eq!(watched.strong_count(), 0);
    });
}
