//! Timers: when they are due, in which order, and how they are taken back.

use super::support::{HOUR, Log, MS, trace, turns};
use onward::testing::{Simulation, advance};
use onward::{ErrorKind, Timer, next_tick, set_immediate, set_interval, set_timeout, sleep};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

const SOON: Duration = Duration::ZERO;

#[test]
fn timers_fire_by_deadline_and_equal_ones_as_they_were_set() {
    let noted = trace(|log| {
        for (name, delay) in [("c", 30), ("a1", 0), ("b", 15), ("a2", 0), ("a3", 0)] {
            set_timeout(delay * MS, log.noting(name));
        }
        Ok(())
    });
    assert_eq!(noted, "a1@0ns a2@0ns a3@0ns b@15ms c@30ms");
}

#[test]
fn equal_deadlines_go_first_in_first_out_across_all_kinds_however_they_came_to_be_equal() {
    let noted = trace(|log| {
        let log = log.clone();
        let moved = set_timeout(3 * MS, log.noting("refreshed"));
        set_timeout(6 * MS, log.noting("timeout"));
        let beat = log.clone();
        set_interval(3 * MS, move |timer| {
            beat.note("interval");
            if onward::now() >= 6 * MS {
                timer.cancel();
            }
        });
        let sleeper = log.clone();
        onward::spawn(async move {
            sleep(6 * MS).await;
            sleeper.note("sleep");
        });
        set_timeout(MS, move || {
            set_timeout(5 * MS, log.noting("from a timer"));
        });
        set_timeout(3 * MS, move || assert!(!moved.refresh(), "it was due before"));
        let second = set_timeout(2 * MS, || ());
        assert!(second.cancel());
        Ok(())
    });
    // The interval's second beat was scheduled at 3 ms, behind all that were set before.
    assert_eq!(
        noted,
        "refreshed@3ms interval@3ms timeout@6ms sleep@6ms from a timer@6ms interval@6ms"
    );
}

#[test]
fn a_thousand_timers_that_are_due_at_once_fire_in_the_order_of_their_deadlines() {
    let fired = Rc::new(RefCell::new(Vec::new()));
    onward::testing::run(|| {
        for n in 0..1_000_u32 {
            let (fired, delay) = (Rc::clone(&fired), n * 7_919 % 100);
            set_timeout(delay * MS / 10, move || fired.borrow_mut().push((delay, n)));
        }
        advance(15 * MS);
        Ok(())
    })
    .unwrap();
    let fired = fired.take();
    assert_eq!(fired.len(), 1_000);
    assert!(fired.is_sorted(), "by deadline, then as they were set");
}

#[test]
fn no_timer_is_early_or_late_by_a_nanosecond_even_one_set_late_in_a_turn() {
    for delay in [0, 1, 999, 1_000_000, 1_000_001, u64::from(u32::MAX), 1 << 53, (1 << 63) + 1] {
        let (simulation, delay) = (Simulation::new().unwrap(), Duration::from_nanos(delay));
        let fired = Rc::new(Cell::new(None));
        let at = Rc::clone(&fired);
        simulation.enter(|| {
            set_immediate(move || {
                advance(Duration::from_nanos(7));
                set_timeout(delay, move || at.set(Some(onward::now())));
            })
        });
        simulation.run().unwrap();
        assert_eq!(fired.get(), Some(delay + Duration::from_nanos(7)));
        // The first had an immediate to run; the second waits, if there is something to wait for.
        assert_eq!(turns(&simulation), if delay.is_zero() { 2 } else { 3 });
    }
}

#[test]
fn timers_in_a_chain_each_wait_their_time() {
    fn chain(left: u32, log: Log) {
        set_timeout(MS, move || {
            log.note(&left.to_string());
            if left > 0 {
                chain(left - 1, log);
            }
        });
    }
    let noted = trace(|log| {
        chain(3, log.clone());
        Ok(())
    });
    assert_eq!(noted, "3@1ms 2@2ms 1@3ms 0@4ms");
}

#[test]
fn a_timer_that_a_timer_sets_never_runs_in_the_same_pass_even_if_it_is_overdue() {
    let noted = trace(|log| {
        let first = log.clone();
        set_timeout(SOON, move || {
            first.note("first");
            set_timeout(SOON, first.noting("nested"));
            let by_tick = first.clone();
            next_tick(move || _ = set_timeout(SOON, by_tick.noting("nested by a tick")));
            // Both are overdue when the pass goes on.
            advance(2 * MS);
        });
        set_timeout(SOON, log.noting("second"));
        set_timeout(MS, log.noting("due when the pass has begun"));
        set_immediate(log.noting("immediate"));
        Ok(())
    });
    // What becomes due while a pass runs waits too: the pass reads the clock once.
    assert_eq!(
        noted,
        "first@0ns second@2ms immediate@2ms nested@2ms due when the pass has begun@2ms nested by a tick@2ms"
    );
}

#[test]
fn one_that_is_refreshed_in_a_pass_waits_for_the_next_and_stands_behind_its_equals() {
    let noted = trace(|log| {
        let later: Rc<Cell<Option<Timer>>> = Rc::default();
        let (known, log1) = (Rc::clone(&later), log.clone());
        set_timeout(SOON, move || {
            assert!(known.get().unwrap().refresh());
            log1.note("first");
        });
        later.set(Some(set_timeout(SOON, log.noting("refreshed"))));
        set_timeout(SOON, log.noting("third"));
        set_immediate(log.noting("immediate"));
        Ok(())
    });
    assert_eq!(noted, "first@0ns third@0ns immediate@0ns refreshed@0ns");
}

#[test]
fn refresh_starts_the_delay_anew_from_now() {
    let noted = trace(|log| {
        let timer = set_timeout(20 * MS, log.noting("timer"));
        for at in [10, 29] {
            set_timeout(at * MS, move || assert!(timer.refresh()));
        }
        Ok(())
    });
    assert_eq!(noted, "timer@49ms");
}

#[test]
fn a_timer_without_end_never_fires_and_can_be_taken_back() {
    let simulation = Simulation::new().unwrap().patience(Duration::ZERO);
    let endless = simulation.enter(|| {
        let endless =
            [Duration::MAX, Duration::from_secs(u64::MAX), Duration::from_nanos(u64::MAX)]
                .map(|delay| set_timeout(delay, || unreachable!("there is no such time")));
        assert!(endless.iter().all(|timer| timer.refresh()));
        endless
    });
    assert_eq!(simulation.run().unwrap_err().kind(), ErrorKind::Deadlock);
    assert_eq!(simulation.now(), Duration::ZERO, "nothing was due");
    // Not even at the end of all time.
    simulation.advance(Duration::MAX);
    simulation.advance(Duration::MAX);
    assert_eq!(simulation.now(), Duration::from_nanos(u64::MAX - 1));
    assert_eq!(simulation.run().unwrap_err().kind(), ErrorKind::Deadlock);
    simulation.enter(|| assert!(endless.iter().all(|timer| timer.cancel())));
    simulation.run().unwrap();
}

#[test]
fn timers_of_twenty_five_days_and_of_three_hundred_years_fire_on_the_nanosecond() {
    // The longest delays of Node, of a 32-bit clock, and of half of ours.
    let noted = trace(|log| {
        set_timeout(Duration::from_nanos(1 << 63), log.noting("half of all time"));
        set_timeout(Duration::from_millis(1 << 32), log.noting("2^32 ms"));
        set_timeout(Duration::from_millis(1 << 31), log.noting("2^31 ms"));
        Ok(())
    });
    assert_eq!(
        noted,
        "2^31 ms@2147483.648s 2^32 ms@4294967.296s half of all time@9223372036.854775808s"
    );
}

#[test]
fn a_timer_costs_one_turn_to_wait_and_one_to_fire() {
    let simulation = Simulation::new().unwrap();
    simulation.enter(|| set_timeout(HOUR, || ()));
    simulation.run().unwrap();
    assert_eq!(turns(&simulation), 2);
    simulation.enter(|| {
        let mut left = 20;
        set_interval(Duration::ZERO, move |timer| {
            left -= 1;
            if left == 0 {
                timer.cancel();
            }
        });
    });
    simulation.run().unwrap();
    assert_eq!((turns(&simulation), simulation.now()), (2 + 21, HOUR + 20 * MS));
}

#[test]
fn a_turn_goes_from_timers_over_posts_and_immediates_with_ticks_between() {
    let noted = trace(|log| {
        // One that held the loop would hold the clock.
        let remote = onward::remote().unref();
        let log = log.clone();
        let (timer, immediate) = (log.ticking("timer"), log.ticking("immediate"));
        set_timeout(MS, move || {
            timer();
            set_immediate(immediate);
            set_timeout(SOON, log.ticking("next turn"));
            let posted = std::sync::mpsc::channel();
            remote.post(move || posted.0.send(onward::now()).unwrap()).unwrap();
            let log = log.clone();
            set_immediate(move || {
                assert_eq!(posted.1.try_recv().unwrap(), MS, "posts are read before immediates");
                log.note("posted");
            });
        });
        set_timeout(MS, || ());
        Ok(())
    });
    assert_eq!(
        noted,
        "timer@1ms timer'@1ms immediate@1ms immediate'@1ms posted@1ms next turn@1ms next turn'@1ms"
    );
}
