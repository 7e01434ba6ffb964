//! The clock is moved by hand, and by `run_for`.

use super::support::{HOUR, Log, MS, turns};
use onward::testing::{Simulation, advance};
use onward::{ErrorKind, set_immediate, set_interval, set_timeout};
use std::time::Duration;

#[test]
fn each_simulation_has_a_clock_of_its_own_which_begins_at_zero() {
    let (one, other) = (Simulation::new().unwrap(), Simulation::new().unwrap());
    one.advance(HOUR);
    assert_eq!((one.now(), other.now()), (HOUR, Duration::ZERO));
    assert_eq!(one.enter(onward::now), HOUR);
    assert!(format!("{one:?}").starts_with("Simulation { now: 3600s, loop: EventLoop("));
}

#[test]
fn run_for_stops_at_its_end_and_runs_what_is_due_just_then() {
    let (simulation, log) = (Simulation::new().unwrap(), Log::default());
    let last = log.clone();
    simulation.enter(|| {
        set_timeout(2 * MS, log.noting("a"));
        set_timeout(5 * MS, move || {
            last.note("b");
            set_immediate(last.noting("b's immediate"));
            set_timeout(Duration::ZERO, last.noting("b's timer"));
            set_timeout(Duration::from_nanos(1), last.noting("too late"));
        });
        set_timeout(6 * MS, log.noting("c"));
    });
    simulation.run_for(5 * MS).unwrap();
    assert_eq!(log.take(), "a@2ms b@5ms b's immediate@5ms b's timer@5ms");
    assert_eq!(simulation.now(), 5 * MS);
    simulation.run_for(Duration::from_nanos(1)).unwrap();
    assert_eq!(log.take(), "too late@5.000001ms");
    simulation.run_for(HOUR).unwrap();
    assert_eq!(
        (log.take(), simulation.now()),
        ("c@6ms".into(), HOUR + 5 * MS + Duration::from_nanos(1))
    );
}

#[test]
fn run_for_moves_the_clock_to_its_end_when_nothing_is_on_the_loop() {
    let simulation = Simulation::new().unwrap();
    simulation.run_for(HOUR).unwrap();
    assert_eq!((simulation.now(), turns(&simulation)), (HOUR, 0));
    // Nothing but a future that never ends: the end is what it waits for.
    simulation.enter(|| onward::spawn(std::future::pending::<()>()));
    simulation.run_for(HOUR).unwrap();
    assert_eq!(simulation.now(), 2 * HOUR);
}

#[test]
fn run_for_ends_when_the_loop_is_told_to_stop_or_fails() {
    let simulation = Simulation::new().unwrap();
    simulation.enter(|| {
        set_timeout(MS, onward::stop);
        set_timeout(2 * MS, || onward::fail(onward::Error::other("no more coffee")));
    });
    simulation.run_for(HOUR).unwrap();
    assert_eq!(simulation.now(), MS);
    let error = simulation.run_for(HOUR).unwrap_err();
    assert_eq!((error.to_string().as_str(), simulation.now()), ("no more coffee", 2 * MS));
}

#[test]
fn run_for_inside_of_a_loop_is_an_error_and_a_panic_in_it_leaves_the_clock_free() {
    let outer = Simulation::new().unwrap();
    let inner = Simulation::new().unwrap();
    outer.enter(|| {
        set_timeout(MS, move || {
            assert_eq!(inner.run_for(MS).unwrap_err().kind(), ErrorKind::AlreadyRunning);
            panic!("on purpose");
        })
    });
    let run = std::panic::AssertUnwindSafe(|| outer.run_for(2 * MS));
    assert!(std::panic::catch_unwind(run).is_err());
    outer.enter(|| set_timeout(HOUR, || ()));
    outer.run().unwrap();
    assert_eq!(outer.now(), HOUR + MS, "no end is left at 2 ms");
}

#[test]
fn turns_one_by_one_move_the_clock_once_each_and_nowait_never_does() {
    let (simulation, log) = (Simulation::new().unwrap(), Log::default());
    simulation.enter(|| {
        set_timeout(MS, log.noting("a"));
        set_timeout(3 * MS, log.noting("b"));
    });
    for _ in 0..10 {
        assert!(simulation.run_nowait().unwrap());
    }
    assert_eq!((simulation.now(), simulation.next_timeout()), (Duration::ZERO, Some(MS)));
    assert!(simulation.run_once().unwrap());
    assert_eq!((log.take(), simulation.now()), (String::new(), MS));
    assert!(simulation.run_once().unwrap());
    assert_eq!((log.take(), simulation.now()), ("a@1ms".into(), 3 * MS));
    assert!(!simulation.run_nowait().unwrap());
    assert_eq!(log.take(), "b@3ms");
}

#[test]
fn a_hook_before_the_wait_can_move_the_clock_too() {
    let (simulation, log) = (Simulation::new().unwrap(), Log::default());
    simulation.enter(|| {
        let mut left = 3;
        onward::Handle::current().unwrap().before_poll(move || {
            if left > 0 {
                left -= 1;
                advance(4 * MS);
            }
        });
        let log = log.clone();
        set_interval(10 * MS, move |timer| {
            log.note("beat");
            if onward::now() > 15 * MS {
                timer.cancel();
            }
        });
    });
    simulation.run().unwrap();
    // It waits from 4 to 10 and, late by 8, is on the beat again.
    assert_eq!(log.take(), "beat@10ms beat@20ms");
}

#[test]
#[should_panic(expected = "advance: the loop goes by the system's clock")]
fn the_system_s_clock_cannot_be_moved() {
    let _ = onward::run(|| {
        advance(MS);
        Ok(())
    });
}

#[test]
#[should_panic(expected = "advance: find event loop: no event loop runs on this thread")]
fn outside_of_a_loop_there_is_no_clock() {
    advance(MS);
}
