//! Intervals: the beat, and how they end.

use super::support::{in_time, make_loop, spin, trace, turns};
use onward::{Handle, Timer, next_tick, set_immediate, set_interval, set_timeout};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

const MS: Duration = Duration::from_millis(1);

#[test]
fn an_interval_fires_until_it_cancels_itself() {
    let noted = trace(|log| {
        let (log, mut left) = (log.clone(), 3);
        set_interval(MS, move |timer| {
            log.ticking(&left.to_string())();
            left -= 1;
            if left == 0 {
                assert!(timer.has_ref());
                assert!(timer.cancel());
                assert!(!timer.cancel() && !timer.refresh() && !timer.has_ref());
                log.note("over");
            }
        });
        Ok(())
    });
    assert_eq!(noted, "3 3' 2 2' 1 over 1'");
}

#[test]
fn the_handle_in_the_callback_is_the_one_that_set_interval_gave() {
    in_time(|| {
        onward::run(|| {
            let given: Rc<Cell<Option<Timer>>> = Rc::default();
            let known = Rc::clone(&given);
            given.set(Some(set_interval(MS, move |timer| {
                assert_eq!(known.get(), Some(timer));
                timer.cancel();
            })));
            Ok(())
        })
        .unwrap();
    });
}

/// Blocks an interval in its first call until so many periods after its start, and lets it beat
/// until one beat is on the beat; gives when each came, in periods.
fn blocked_until(periods: f64) -> Vec<f64> {
    const PERIOD: Duration = Duration::from_millis(100);
    let beats = Rc::new(RefCell::new(Vec::new()));
    let noted = Rc::clone(&beats);
    let began = Instant::now();
    onward::run(|| {
        set_interval(PERIOD, move |timer| {
            let at = began.elapsed().div_duration_f64(PERIOD);
            noted.borrow_mut().push(at);
            if noted.borrow().len() == 1 {
                spin(PERIOD.mul_f64(periods).saturating_sub(began.elapsed()));
            } else if at.fract() < 0.5 || noted.borrow().len() == 50 {
                // On the beat, if the machine is not so busy that this one is late by itself.
                timer.cancel();
            }
        });
        Ok(())
    })
    .unwrap();
    beats.take()
}

#[test]
fn no_beat_is_early_and_a_late_one_does_not_delay_those_after_it() {
    in_time(|| {
        let beats = blocked_until(1.7);
        for (n, at) in (1_i32..).zip(&beats) {
            assert!(*at >= n.into(), "beat {n} came at {at}");
        }
        assert!(beats.last().unwrap().fract() < 0.5, "{beats:?}");
    });
}

#[test]
fn beats_that_were_missed_are_left_out_and_the_others_stay_on_the_beat() {
    in_time(|| {
        // The second and the third are missed.
        let beats = blocked_until(3.5);
        for (n, at) in (4_i32..).zip(&beats[1..]) {
            assert!(*at >= n.into(), "beat {n} came at {at}: a missed one was made up for");
        }
        assert!(beats.last().unwrap().fract() < 0.5, "{beats:?}");
    });
}

#[test]
fn a_blocked_interval_catches_up_with_one_call() {
    in_time(|| {
        let calls = Rc::new(Cell::new(0));
        let counted = Rc::clone(&calls);
        onward::run(|| {
            let interval = set_interval(MS, move |_| counted.set(counted.get() + 1));
            spin(50 * MS);
            // This turn's pass: one call for the fifty that were missed.
            set_immediate(move || _ = interval.cancel());
            Ok(())
        })
        .unwrap();
        assert_eq!(calls.get(), 1);
    });
}

#[test]
fn refresh_in_its_own_callback_counts_from_then_on() {
    in_time(|| {
        let began = Instant::now();
        let calls = Rc::new(RefCell::new(Vec::new()));
        let noted = Rc::clone(&calls);
        onward::run(|| {
            set_interval(10 * MS, move |timer| {
                noted.borrow_mut().push(began.elapsed());
                if noted.borrow().len() == 2 {
                    assert!(timer.cancel());
                } else {
                    spin(5 * MS);
                    assert!(timer.refresh());
                }
            });
            Ok(())
        })
        .unwrap();
        let calls = calls.take();
        assert!(calls[1] - calls[0] >= 15 * MS, "{calls:?}");
    });
}

#[test]
fn refresh_of_an_interval_restarts_its_period() {
    in_time(|| {
        let began = Instant::now();
        onward::run(|| {
            let interval = set_interval(20 * MS, move |timer| {
                assert!(began.elapsed() >= 30 * MS);
                timer.cancel();
            });
            spin(10 * MS);
            assert!(interval.refresh());
            Ok(())
        })
        .unwrap();
    });
}

#[test]
fn an_interval_can_be_taken_back_by_a_tick_of_its_own_and_by_a_timer_in_the_same_pass() {
    let noted = trace(|log| {
        let known: Rc<Cell<Option<Timer>>> = Rc::default();
        let (by_timer, log1, log2) = (Rc::clone(&known), log.clone(), log.clone());
        set_timeout(MS, move || log1.note(by_timer.get().unwrap().cancel().to_string()));
        known.set(Some(set_interval(MS, |_| {
            unreachable!("a timer that was due before took it back")
        })));
        set_interval(2 * MS, move |timer| {
            log2.note("beat");
            next_tick(move || assert!(timer.cancel()));
        });
        spin(4 * MS);
        Ok(())
    });
    assert_eq!(noted, "true beat");
}

#[test]
fn a_period_of_nothing_is_a_millisecond_and_lets_the_loop_sleep() {
    in_time(|| {
        let began = Instant::now();
        let (event_loop, _) = make_loop();
        event_loop.enter(|| {
            let mut left = 10;
            set_interval(Duration::ZERO, move |timer| {
                left -= 1;
                if left == 0 {
                    timer.cancel();
                }
            })
        });
        event_loop.run().unwrap();
        assert!(began.elapsed() >= 10 * MS);
        assert!(turns(&event_loop.handle()) <= 22, "{event_loop:?}");
    });
}

#[test]
fn an_interval_that_is_unrefed_beats_only_while_something_else_lives() {
    in_time(|| {
        let (event_loop, log) = make_loop();
        let beats = Rc::new(Cell::new(0));
        let counted = Rc::clone(&beats);
        let interval =
            event_loop.enter(|| set_interval(MS, move |_| counted.set(counted.get() + 1)).unref());
        event_loop.run().unwrap();
        assert_eq!(beats.get(), 0);
        event_loop.enter(|| set_timeout(10 * MS, log.noting("timer")));
        event_loop.run().unwrap();
        assert!((1..=12).contains(&beats.get()));
        event_loop.enter(|| {
            assert!(!interval.has_ref());
            assert!(interval.ref_().has_ref());
            set_timeout(MS, move || _ = interval.cancel());
        });
        event_loop.run().unwrap();
        assert!(Handle::current().is_err());
    });
}

#[test]
fn unref_in_its_own_callback_lets_the_loop_end() {
    in_time(|| {
        onward::run(|| {
            set_interval(MS, |timer| _ = timer.unref());
            Ok(())
        })
        .unwrap();
    });
}
