//! Interceptors, listeners that fail, panics that are caught, and circles that end: on several threads.

use std::ops::ControlFlow::{Break, Continue};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};
use std::thread;

use onward::events;
use onward::events::{Error, ErrorMonitor};
use onward::sync::{Emitter, Options, Routing, Watching};

use super::support::{Asked, Closed, Joined, Later, Log, Moved, Room, in_time, noting};

const THREADS: usize = 4;
const TIMES: usize = if cfg!(miri) { 20 } else { 1_000 };

fn message<T>(f: impl FnOnce() -> T) -> String {
    let panic = catch_unwind(AssertUnwindSafe(f)).err().expect("it panics");
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).expect("it says why")
}

fn isolating(log: &Log) -> Room {
    let log = log.clone();
    Room::with_options(Options::new().isolate_panics(move |_: &Room, panic| {
        log.note(format!("({})", panic.message().unwrap_or("?")));
    }))
}

#[test]
fn interceptors_come_first_change_the_payload_and_may_stop() {
    let (room, log) = (Room::new(), Log::default());
    let l = log.clone();
    room.prepend(Asked, move |_, order| l.note(format!("{order:?}")));
    room.intercept(Asked, |_, order| {
        order.push(1);
        if order[0] == 7 { Break(()) } else { Continue(()) }
    });
    let second = room.intercept(Asked, |_, order| {
        order.push(2);
        Continue(())
    });
    let mut order = vec![0];
    let emitted = room.emit(Asked, &mut order);
    assert_eq!((emitted.called, emitted.skipped, emitted.stopped), (1, 0, false));
    assert_eq!(log.take(), "[0, 1, 2]");
    let emitted = room.emit(Asked, &mut vec![7]);
    assert_eq!((emitted.called, emitted.stopped, emitted.handled()), (0, true, false));
    assert_eq!(log.take(), "");
    assert_eq!(room.listener_count(Asked), 3);
    assert!(room.off(second));
    room.emit(Asked, &mut order);
    assert_eq!(log.take(), "[0, 1, 2, 1]");
}

#[test]
fn one_by_itself_stops_an_owned_payload_and_is_nobody() {
    let room = Room::new();
    let stops =
        room.intercept(Moved, |_, text| if text == "stop" { Break(()) } else { Continue(()) });
    assert!(room.emit(Moved, "stop".into()).stopped);
    let emitted = room.emit(Moved, "go".into());
    assert_eq!((emitted.called, emitted.stopped), (0, false));
    let quiet = room.block(stops);
    assert!(!room.emit(Moved, "stop".into()).stopped);
    drop(quiet);
    assert!(room.emit(Moved, "stop".into()).stopped);
}

#[test]
fn an_interceptor_of_errors_may_take_them() {
    let (room, log) = (Room::new(), Log::default());
    let l = log.clone();
    room.on(ErrorMonitor, move |_, error| l.note(error.clone()));
    room.intercept(Error, |_, error| if error == "small" { Break(()) } else { Continue(()) });
    assert!(room.emit_error("small".into()).is_ok());
    assert!(room.emit_error("large".into()).is_err(), "who only looks does not take it");
    assert_eq!(log.take(), "small large");
}

#[test]
fn a_nested_emit_skips_the_interceptor_that_runs() {
    let (room, log) = (Room::new(), Log::default());
    room.on(Joined, noting!(log, "listener"));
    room.intercept(Joined, |room, name| {
        if name == "outer" {
            let inner = room.emit(Joined, "inner");
            assert_eq!((inner.called, inner.skipped, inner.stopped), (1, 1, false));
        }
        Break(())
    });
    assert!(room.emit(Joined, "outer").stopped);
    assert_eq!(log.take(), "listener");
}

#[test]
fn an_interceptor_that_comes_and_goes_while_others_emit_is_heeded_or_not_there() {
    in_time(|| {
        let (room, passed) = (Room::new(), Arc::new(AtomicUsize::new(0)));
        let p = Arc::clone(&passed);
        room.on(Joined, move |_, _| _ = p.fetch_add(1, Ordering::Relaxed));
        let stopped = Arc::new(AtomicUsize::new(0));
        let counts: Vec<_> = thread::scope(|threads| {
            let emits: Vec<_> = (0..THREADS)
                .map(|_| {
                    threads.spawn(|| {
                        let mut counts = [0, 0];
                        for _ in 0..TIMES {
                            let emitted = room.emit(Joined, "");
                            assert_eq!(emitted.called, usize::from(!emitted.stopped));
                            counts[usize::from(emitted.stopped)] += 1;
                        }
                        counts
                    })
                })
                .collect();
            for _ in 0..TIMES / 10 {
                let stopped = Arc::clone(&stopped);
                let stops = room.intercept(Joined, move |_, _| {
                    stopped.fetch_add(1, Ordering::Relaxed);
                    Break(())
                });
                thread::yield_now();
                room.off(stops);
            }
            emits.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        let sum = |at: usize| counts.iter().map(|counts| counts[at]).sum::<usize>();
        assert_eq!(sum(0), passed.load(Ordering::Relaxed));
        assert_eq!(sum(1), stopped.load(Ordering::Relaxed), "whoever broke has stopped its emit");
        assert_eq!(room.emit(Joined, "").called, 1);
    });
}

#[test]
fn what_fails_becomes_the_error_event_on_its_thread() {
    in_time(|| {
        let (room, log) = (Room::new(), Log::default());
        let l = log.clone();
        room.on(ErrorMonitor, move |_, error| l.note(format!("monitor:{error}")));
        let l = log.clone();
        room.on(Error, move |_, error| l.note(error.clone()));
        room.on_try(
            Joined,
            |_, name| if name == "bob" { Err("no bobs".to_string()) } else { Ok(()) },
        );
        room.on(Joined, noting!(log, "next"));
        thread::scope(|threads| {
            threads.spawn(|| assert_eq!(room.emit(Joined, "bob").called, 2));
        });
        assert_eq!(log.take(), "monitor:no bobs no bobs next");
        assert_eq!(room.emit(Joined, "ada").called, 2);
        assert_eq!(log.take(), "next");
    });
}

#[test]
fn failures_do_not_go_in_circles_and_others_fail_meanwhile() {
    in_time(|| {
        let (room, log, meet) = (Room::new(), Log::default(), Arc::new(Barrier::new(2)));
        room.on_try(Joined, |_, name| Err(format!("{name} failed")));
        // Both threads are in an error of their own at once.
        let (l, m) = (log.clone(), Arc::clone(&meet));
        room.on_reentrant(Error, move |_, error| {
            m.wait();
            l.note(error.clone());
        });
        let other = Room::new();
        other.on_try(Closed, |_, ()| Err("c failed".to_string()));
        let (l, m) = (log.clone(), Arc::clone(&meet));
        other.on(Error, move |_, error| {
            m.wait();
            l.note(error.clone());
        });
        thread::scope(|threads| {
            threads.spawn(|| room.emit(Joined, "a"));
            other.emit(Closed, ());
        });
        let mut seen: Vec<_> = log.take().split(" failed").map(|s| s.trim().to_owned()).collect();
        seen.sort();
        assert_eq!(seen, ["", "a", "c"]);

        let circle = Room::new();
        circle.on_try(Error, |_, error| Err(format!("again: {error}")));
        let text = message(|| circle.emit_error("first".into()));
        // The first failure of a listener is raised, which it skips as it runs; so nobody takes it.
        assert_eq!(text, "unhandled error of Room: again: first");
        assert!(message(|| circle.emit_error("more".into())).contains("again: more"));
    });
}

#[test]
fn a_panic_that_is_isolated_is_reported_and_the_others_are_called() {
    in_time(|| {
        let log = Log::default();
        let room = isolating(&log);
        room.on(Joined, noting!(log, "a"));
        room.on(Joined, |_, name| panic!("no {name}"));
        room.once(Joined, |_, _| panic!("once"));
        room.on(Joined, noting!(log, "b"));
        thread::scope(|threads| {
            threads.spawn(|| assert_eq!(room.emit(Joined, "bob").called, 4));
        });
        assert_eq!(log.take(), "a (no bob) (once) b");
        assert_eq!(room.emit(Joined, "eve").called, 3);
        assert_eq!(log.take(), "a (no eve) b");
        room.intercept(Closed, |_, ()| panic!("interceptor"));
        assert_eq!(room.emit(Closed, ()).called, 0, "it let the event pass, and does not count");
        assert_eq!(log.take(), "(interceptor)");
        room.on_reentrant(Moved, |_, text| panic!("{text}"));
        assert_eq!(room.emit(Moved, "shared".into()).called, 1);
        assert_eq!(log.take(), "(shared)");
    });
}

#[test]
fn a_report_says_who_and_may_emit_what_panics_there_passes_out() {
    let log = Log::default();
    let l = log.clone();
    let room = Room::with_options(Options::new().isolate_panics(move |room: &Room, panic| {
        assert_eq!((panic.emitter(), panic.event()), ("Room", "Joined"));
        assert!(panic.location().file().ends_with("routing.rs"));
        assert_eq!(room.emit(Joined, "again").skipped, 1, "it counts as running");
        l.note("reported");
        if room.listener_count(Closed) != 0 {
            room.emit(Closed, ());
        }
    }));
    room.on(Joined, |_, _| panic!("on purpose"));
    assert_eq!(room.emit(Joined, "").called, 1);
    assert_eq!(log.take(), "reported");
    room.on(Closed, |_, ()| panic!("in the report"));
    assert_eq!(message(|| room.emit(Joined, "")), "in the report");
    assert_eq!(log.take(), "reported");
    room.remove_all_of(Closed);
    assert_eq!(room.emit(Joined, "").called, 1, "the next one is caught again");
}

#[test]
fn each_thread_has_its_own_panics_isolated() {
    in_time(|| {
        let reported = Arc::new(AtomicUsize::new(0));
        let r = Arc::clone(&reported);
        let room = Room::with_options(Options::new().isolate_panics(move |_: &Room, panic| {
            assert_eq!(panic.message(), Some("on purpose"));
            r.fetch_add(1, Ordering::Relaxed);
        }));
        room.on_reentrant(Joined, |_, _| std::panic::panic_any("on purpose"));
        thread::scope(|threads| {
            for _ in 0..THREADS {
                threads.spawn(|| (0..50).for_each(|_| assert!(room.emit(Joined, "").handled())));
            }
        });
        assert_eq!(reported.load(Ordering::Relaxed), THREADS * 50);
    });
}

events! { sync Echo { Said(&str), Echoed(&str) } }

#[test]
fn a_circle_of_one_thread_ends_with_its_names() {
    in_time(|| {
        let echo = Echo::new();
        echo.on_reentrant(Said, |echo, line| _ = echo.emit(Echoed, line));
        echo.on_reentrant(Echoed, |echo, line| _ = echo.emit(Said, line));
        let text = message(|| echo.emit(Said, "oh"));
        assert!(text.starts_with("emits are nested more than 128 deep"), "{text}");
        assert!(text.ends_with("Echo.Said > Echo.Echoed > Echo.Said"), "{text}");
        // With one that is not re-entrant there are turns; the others recurse all the same.
        echo.on(Said, |_, _| {});
        assert!(message(|| echo.emit(Said, "oh")).contains("Echo.Echoed > Echo.Said"));
        echo.remove_all();
        echo.on(Said, |echo, line| _ = echo.emit(Echoed, line));
        echo.on(Echoed, |echo, line| _ = echo.emit(Said, line));
        assert_eq!(echo.emit(Said, "skipped").called, 1);
    });
}

#[test]
fn as_many_nested_emits_as_are_allowed_are() {
    let room = Echo::with_options(Options::new().max_depth(4));
    let deepest = Arc::new(AtomicUsize::new(0));
    let d = Arc::clone(&deepest);
    room.on_reentrant(Said, move |room, line| {
        d.fetch_max(line.len(), Ordering::Relaxed);
        if line.len() < 5 {
            room.emit(Said, &format!("{line}x"));
        }
    });
    room.emit(Said, "x");
    assert_eq!(deepest.load(Ordering::Relaxed), 5, "one, and four inside of one another");
    let strict = Echo::with_options(Options::new().max_depth(4));
    strict.on_reentrant(Said, |room, line| {
        if line.len() < 6 {
            room.emit(Said, &format!("{line}x"));
        }
    });
    assert!(message(|| strict.emit(Said, "x")).contains("more than 4 deep"));
}

#[test]
fn isolation_does_not_have_a_circle_begin_anew_at_each_listener() {
    in_time(|| {
        let (log, count) = (Log::default(), Arc::new(AtomicUsize::new(0)));
        let l = log.clone();
        let options = Options::new().max_depth(30);
        let echo = Echo::with_options(options.isolate_panics(move |_: &Echo, panic| {
            l.note(panic.message().expect("a text").split(':').next().expect("a start"));
        }));
        for _ in 0..2 {
            let count = Arc::clone(&count);
            echo.on_reentrant(Said, move |echo, line| {
                count.fetch_add(1, Ordering::Relaxed);
                echo.emit(Said, line);
            });
        }
        assert_eq!(echo.emit(Said, "oh").called, 2);
        let report = "emits are nested more than 30 deep";
        assert_eq!(log.take(), format!("{report} {report}"), "one for each of the outermost emit");
        assert_eq!(count.load(Ordering::Relaxed), 62);
    });
}

#[test]
fn options_and_watchers_go_together_with_waiting_for_turns() {
    in_time(|| {
        let log = Log::default();
        let room = isolating(&log);
        let ((inside, entered), (go, goes)) = (channel(), channel::<()>());
        room.once(Joined, move |_, _| {
            inside.send(()).expect("it is waited for");
            goes.recv().expect("it is told");
            panic!("first");
        });
        let l = log.clone();
        room.on_any(move |_, event| l.note(event.name()));
        thread::scope(|threads| {
            let first = threads.spawn(|| room.emit(Joined, "").called);
            entered.recv().expect("the listener says so");
            // Both the option and this listener are heeded by an emit that waited.
            let later = Later::new();
            later.set(room.on(Joined, |_, _| panic!("second")));
            let second = threads.spawn(|| room.emit(Joined, "").called);
            go.send(()).expect("the listener waits");
            assert_eq!(first.join().expect("it was caught"), 1);
            assert!(second.join().expect("it was caught") <= 1);
            room.off(later.get());
        });
        let seen = log.take();
        assert!(seen.starts_with("(first) Joined"), "{seen}");
        assert_eq!(seen.matches("Joined").count(), 2, "{seen}");
    });
}
