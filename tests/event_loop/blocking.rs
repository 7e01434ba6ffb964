//! Work on other threads.

use super::support::{Log, NEVER, in_child, in_time, make_loop, trace};
use onward::{ErrorKind, next_tick, set_timeout, spawn_blocking, stop};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

#[test]
fn work_is_done_elsewhere_and_its_result_comes_here_as_a_callback() {
    let noted = trace(|log| {
        let (here, log) = (thread::current().id(), log.clone());
        spawn_blocking(move || (thread::current().id() != here, 6 * 7)).then(move |result| {
            assert_eq!(thread::current().id(), here);
            let (elsewhere, answer) = result.unwrap();
            log.note(format!("{elsewhere} {answer}"));
            next_tick(log.noting("tick"));
        });
        Ok(())
    });
    assert_eq!(noted, "true 42 tick");
}

#[test]
fn work_that_panics_is_an_error_that_says_why() {
    let noted = trace(|log| {
        let on = log.clone();
        spawn_blocking(|| -> u32 { panic!("oops {}", 1) }).then(move |result| {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Panicked);
            on.note(error.to_string());
            let on = on.clone();
            // And the pool goes on.
            spawn_blocking(|| 1).then(move |result| on.note(result.unwrap().to_string()));
        });
        Ok(())
    });
    assert_eq!(noted, "blocking work: oops 1 1");
}

#[test]
fn a_thousand_jobs_are_all_done_and_told_once_each() {
    in_time(|| {
        let sum = Rc::new(Cell::new(0));
        onward::run(|| {
            for n in 1..=1_000_u64 {
                let sum = Rc::clone(&sum);
                spawn_blocking(move || n).then(move |n| sum.set(sum.get() + n.unwrap()));
            }
            Ok(())
        })
        .unwrap();
        assert_eq!(sum.get(), 500_500);
    });
}

#[test]
fn the_loop_waits_for_work_that_is_under_way() {
    let noted = trace(|log| {
        let (go, gone) = mpsc::channel::<()>();
        spawn_blocking(move || gone.recv().is_err()).then({
            let log = log.clone();
            move |result| log.note(format!("done {}", result.unwrap()))
        });
        let log = log.clone();
        // Nothing else holds the loop while the work waits for this.
        set_timeout(Duration::from_millis(5), move || {
            log.note("timer");
            drop(go);
        });
        Ok(())
    });
    assert_eq!(noted, "timer done true");
}

#[test]
fn work_that_never_ends_does_not_keep_a_stopped_loop_and_its_callback_is_dropped_here() {
    let noted = trace(|log| {
        let capture = log.on_drop("dropped");
        let (go, gone) = mpsc::channel::<()>();
        spawn_blocking(move || gone.recv().is_err()).then(move |_| capture.touch());
        let log = log.clone();
        next_tick(move || {
            log.note("stop");
            stop();
            // The work is released when the loop is long gone.
            let hold = thread::spawn(|| thread::sleep(Duration::from_millis(50)));
            thread::spawn(move || {
                hold.join().unwrap();
                drop(go);
            });
        });
        Ok(())
    });
    assert_eq!(noted, "stop dropped");
}

#[test]
fn captures_are_dropped_with_the_callback() {
    let noted = trace(|log| {
        let (capture, log) = (log.on_drop("dropped"), log.clone());
        spawn_blocking(|| ()).then(move |_| {
            capture.touch();
            log.note("called");
            set_timeout(Duration::ZERO, log.noting("later"));
        });
        Ok(())
    });
    assert_eq!(noted, "called dropped later");
}

#[test]
fn a_program_exits_while_work_is_still_under_way() {
    in_child("event_loop::blocking::a_program_exits_while_work_is_still_under_way", || {
        onward::run(|| {
            spawn_blocking(|| thread::sleep(NEVER)).then(|_| unreachable!());
            set_timeout(Duration::from_millis(1), stop);
            Ok(())
        })
        .unwrap();
    });
}

/// A result that cannot be dropped without a panic.
struct Explosive;

impl Drop for Explosive {
    fn drop(&mut self) {
        if thread::current().name() == Some("onward-pool") {
            panic!("oops");
        }
    }
}

#[test]
fn results_that_nobody_takes_and_that_panic_as_they_are_dropped_do_not_use_the_pool_up() {
    let name = "event_loop::blocking::results_that_nobody_takes_and_that_panic_as_they_are_dropped_do_not_use_the_pool_up";
    in_child(name, || {
        let log = Log::default();
        // More than the pool has threads.
        for _ in 0..16 {
            abandon_an_explosive();
        }
        onward::run(|| {
            let (timeout, log) = (
                set_timeout(Duration::from_secs(20), || panic!("nobody works any more")),
                log.clone(),
            );
            spawn_blocking(|| 1).then(move |result| {
                log.note(result.unwrap().to_string());
                timeout.cancel();
            });
            Ok(())
        })
        .unwrap();
        assert_eq!(log.take(), "1");
    });
}

/// Has one made by a loop that is gone when it is done.
fn abandon_an_explosive() {
    let (event_loop, _) = make_loop();
    let (go, gone) = mpsc::channel::<()>();
    let (begin, begun) = mpsc::channel();
    event_loop.enter(|| {
        let work = move || {
            begin.send(()).unwrap();
            assert!(gone.recv().is_err());
            Explosive
        };
        spawn_blocking(work).then(|_| unreachable!("the loop ends before"));
        stop();
    });
    event_loop.run().unwrap();
    begun.recv_timeout(Duration::from_secs(20)).unwrap();
    drop(event_loop);
    drop(go);
}
