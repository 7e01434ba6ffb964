//! Intervals: the beat, and how they end. On the real clock; `tests/simulated` has what is exact.

use super::support::{in_time, make_loop, trace, turns};
use onward::{Timer, set_interval};
use std::cell::Cell;
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
fn unref_in_its_own_callback_lets_the_loop_end() {
    in_time(|| {
        onward::run(|| {
            set_interval(MS, |timer| _ = timer.unref());
            Ok(())
        })
        .unwrap();
    });
}
