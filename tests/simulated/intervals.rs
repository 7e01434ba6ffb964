//! Intervals: the beat, what becomes of beats that were missed, and how they end.

use super::support::{HOUR, Log, MS, trace, turns};
use onward::testing::{Simulation, advance};
use onward::{
    Missed, Timer, next_tick, set_immediate, set_interval, set_interval_with, set_timeout,
};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

#[test]
fn a_year_of_beats_keeps_the_beat_to_the_nanosecond() {
    let (beats, year) = (Rc::new(Cell::new(0_u32)), 24 * 365 * HOUR);
    let counted = Rc::clone(&beats);
    let simulation = Simulation::new().unwrap();
    let interval = simulation.enter(|| {
        set_interval(HOUR, move |_| {
            counted.set(counted.get() + 1);
            assert_eq!(onward::now(), counted.get() * HOUR);
        })
    });
    simulation.run_for(year).unwrap();
    assert_eq!((beats.get(), simulation.now()), (24 * 365, year));
    assert_eq!(turns(&simulation), 24 * 365 + 1, "one for each");
    simulation.enter(|| assert!(interval.cancel()));
    simulation.run().unwrap();
}

/// When the beats come, the first of which takes so long, until so many have come.
fn beats(missed: Missed, takes: Duration, count: u32) -> String {
    trace(|log| {
        let (log, mut seen) = (log.clone(), 0);
        set_interval_with(10 * MS, missed, move |timer| {
            log.note("");
            seen += 1;
            if seen == 1 {
                advance(takes);
            }
            if seen == count {
                timer.cancel();
            }
        });
        Ok(())
    })
}

#[test]
fn a_late_beat_does_not_delay_those_after_it() {
    // It comes at 10 and takes till 17: nothing is missed.
    for missed in [Missed::Skip, Missed::Burst] {
        assert_eq!(beats(missed, 7 * MS, 3), "@10ms @20ms @30ms");
    }
    assert_eq!(beats(Missed::Delay, 7 * MS, 3), "@10ms @27ms @37ms");
}

#[test]
fn beats_that_were_missed_are_left_out_made_up_for_or_begin_a_new_beat() {
    // The first ends at 45: those of 20, 30 and 40 are missed.
    assert_eq!(beats(Missed::Skip, 35 * MS, 4), "@10ms @50ms @60ms @70ms");
    assert_eq!(beats(Missed::Burst, 35 * MS, 6), "@10ms @45ms @45ms @45ms @50ms @60ms");
    assert_eq!(beats(Missed::Delay, 35 * MS, 4), "@10ms @55ms @65ms @75ms");
}

#[test]
fn a_beat_that_takes_a_whole_number_of_periods_is_followed_by_the_one_after() {
    // It ends at 40, just when a beat is due: that one has not been missed.
    assert_eq!(beats(Missed::Skip, 30 * MS, 3), "@10ms @50ms @60ms");
    assert_eq!(beats(Missed::Burst, 30 * MS, 5), "@10ms @40ms @40ms @40ms @50ms");
    assert_eq!(beats(Missed::Delay, 30 * MS, 3), "@10ms @50ms @60ms");
}

#[test]
fn a_clock_that_jumps_far_ahead_is_made_up_for_by_one_beat_by_all_or_by_none() {
    let counts = [Missed::Skip, Missed::Burst, Missed::Delay].map(|missed| {
        let (simulation, count) = (Simulation::new().unwrap(), Rc::new(Cell::new(0_u32)));
        let counted = Rc::clone(&count);
        simulation.enter(|| {
            set_interval_with(Duration::from_secs(1), missed, move |_| {
                counted.set(counted.get() + 1);
            })
        });
        simulation.run_for(Duration::from_millis(2500)).unwrap();
        assert_eq!(count.get(), 2);
        // The machine was asleep for an hour, between two beats.
        simulation.advance(HOUR);
        simulation.run_for(Duration::ZERO).unwrap();
        let caught_up = count.get() - 2;
        simulation.run_for(Duration::from_secs(2)).unwrap();
        (caught_up, count.get() - 2 - caught_up)
    });
    // The beats of 3603 s and 3604 s; those that begin at 3602.5 s are due at 3603.5 s and at 3604.5 s.
    assert_eq!(counts, [(1, 2), (3600, 2), (1, 2)]);
}

#[test]
fn what_is_made_up_for_leaves_the_others_their_turn() {
    let noted = trace(|log| {
        let (beat, mut left) = (log.clone(), 3);
        set_interval_with(MS, Missed::Burst, move |timer| {
            beat.note("beat");
            left -= 1;
            if left == 0 {
                timer.cancel();
            }
        });
        // Both are due later than the beats that were missed.
        set_timeout(5 * MS, log.noting("timer"));
        set_timeout(10 * MS, log.noting("last"));
        let chained = log.clone();
        set_immediate(move || {
            advance(10 * MS);
            set_immediate(chained.noting("immediate"));
        });
        Ok(())
    });
    // One beat in each pass.
    assert_eq!(noted, "beat@10ms timer@10ms last@10ms immediate@10ms beat@10ms beat@10ms");
}

#[test]
fn a_blocked_interval_catches_up_with_one_call() {
    let noted = trace(|log| {
        let (beat, log) = (log.clone(), log.clone());
        let interval = set_interval(MS, move |_| beat.note("beat"));
        advance(50 * MS);
        // This turn's pass: one call for the fifty that were missed.
        set_immediate(move || {
            log.note("immediate");
            assert!(interval.cancel());
        });
        Ok(())
    });
    assert_eq!(noted, "beat@50ms immediate@50ms");
}

#[test]
fn refresh_in_its_own_callback_counts_from_then_on() {
    let noted = trace(|log| {
        let (log, mut left) = (log.clone(), 4);
        set_interval(10 * MS, move |timer| {
            log.note("beat");
            left -= 1;
            match left {
                0 => assert!(timer.cancel()),
                // From 15 and from 30, whatever the callback does then.
                2.. => {
                    advance(5 * MS);
                    assert!(timer.refresh());
                    advance(MS);
                }
                _ => advance(5 * MS),
            }
        });
        Ok(())
    });
    assert_eq!(noted, "beat@10ms beat@25ms beat@40ms beat@50ms");
}

#[test]
fn refresh_of_an_interval_restarts_its_period() {
    let noted = trace(|log| {
        let (beat, mut left) = (log.clone(), 2);
        let interval = set_interval(20 * MS, move |timer| {
            beat.note("beat");
            left -= 1;
            if left == 0 {
                timer.cancel();
            }
        });
        set_timeout(13 * MS, move || assert!(interval.refresh()));
        Ok(())
    });
    assert_eq!(noted, "beat@33ms beat@53ms");
}

#[test]
fn an_interval_can_be_taken_back_by_a_tick_of_its_own_and_by_a_timer_in_the_same_pass() {
    let noted = trace(|log| {
        let known: Rc<Cell<Option<Timer>>> = Rc::default();
        let (by_timer, log1, log2) = (Rc::clone(&known), log.clone(), log.clone());
        set_timeout(MS, move || log1.note(&by_timer.get().unwrap().cancel().to_string()));
        known.set(Some(set_interval(MS, |_| {
            unreachable!("a timer that was due before took it back")
        })));
        set_interval(MS, move |timer| {
            log2.note("beat");
            next_tick(move || assert!(timer.cancel()));
        });
        Ok(())
    });
    assert_eq!(noted, "true@1ms beat@1ms");
}

#[test]
fn a_period_of_nothing_is_a_millisecond() {
    let noted = trace(|log| {
        let (log, mut left) = (log.clone(), 3);
        set_interval(Duration::ZERO, move |timer| {
            log.note("");
            left -= 1;
            if left == 0 {
                timer.cancel();
            }
        });
        Ok(())
    });
    assert_eq!(noted, "@1ms @2ms @3ms");
}

#[test]
fn an_interval_that_is_unrefed_beats_only_while_something_else_lives() {
    let (simulation, log) = (Simulation::new().unwrap(), Log::default());
    let beat = log.clone();
    let interval = simulation.enter(|| set_interval(MS, move |_| beat.note("beat")).unref());
    simulation.run().unwrap();
    assert_eq!((log.take(), simulation.now()), (String::new(), Duration::ZERO));
    simulation.enter(|| set_timeout(3 * MS, log.noting("timer")));
    simulation.run().unwrap();
    // The timer was set first when both are due.
    assert_eq!(log.take(), "beat@1ms beat@2ms timer@3ms beat@3ms");
    simulation.enter(|| {
        assert!(!interval.has_ref());
        assert!(interval.ref_().has_ref());
        set_timeout(2 * MS, move || _ = interval.unref());
    });
    simulation.run().unwrap();
    assert_eq!(log.take(), "beat@4ms beat@5ms");
}

#[test]
fn an_interval_of_half_of_all_time_beats_once_and_then_no_more() {
    let simulation = Simulation::new().unwrap().patience(Duration::ZERO);
    let (log, period) = (Log::default(), Duration::from_nanos(1 << 63));
    let beat = log.clone();
    simulation.enter(|| set_interval_with(period, Missed::Burst, move |_| beat.note("beat")));
    assert_eq!(simulation.run().unwrap_err().kind(), onward::ErrorKind::Deadlock);
    assert_eq!(log.take(), format!("beat@{period:?}"));
}
