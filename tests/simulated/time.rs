//! Time for futures: sleeping, time limits and beats.

use super::support::{HOUR, MS, trace};
use onward::testing::{advance, block_on};
use onward::{ErrorKind, Missed, interval, set_timeout, sleep, timeout};
use std::future::pending;
use std::time::{Duration, Instant};

#[test]
fn sleepers_wake_in_order_and_on_time() {
    let noted = trace(|log| {
        for time in [12, 2, 7, 2] {
            let log = log.clone();
            onward::spawn(async move {
                sleep(time * MS).await;
                log.note(&time.to_string());
            });
        }
        Ok(())
    });
    assert_eq!(noted, "2@2ms 2@2ms 7@7ms 12@12ms");
}

#[test]
fn a_sleep_counts_from_when_it_was_made_and_holds_the_clock_no_longer_than_it_lives() {
    let ends = block_on(async {
        let (first, second) = (sleep(5 * MS), sleep(5 * MS));
        drop(sleep(HOUR));
        first.await;
        let between = onward::now();
        second.await;
        (between, onward::now())
    });
    assert_eq!(ends.unwrap(), (5 * MS, 5 * MS));
}

#[test]
fn a_limit_of_an_hour_is_over_at_once_and_exact() {
    let began = Instant::now();
    let (error, at) = block_on(async {
        assert_eq!(timeout(HOUR, sleep(HOUR)).await.unwrap(), ());
        (timeout(HOUR, pending::<()>()).await.unwrap_err(), onward::now())
    })
    .unwrap();
    assert_eq!((error.kind(), at), (ErrorKind::TimedOut, 2 * HOUR));
    assert!(began.elapsed() < HOUR);
}

/// The beats that come when the loop is held up for so long at the beginning.
fn beats(missed: Missed, held_up: Duration, count: usize) -> Vec<u128> {
    let seen = block_on(async move {
        let mut beats = interval(20 * MS).missed(missed);
        advance(held_up);
        let mut seen = Vec::new();
        for _ in 0..count {
            beats.tick().await;
            seen.push(onward::now().as_millis());
        }
        seen
    });
    seen.unwrap()
}

#[test]
fn missed_beats_are_made_up_for_or_left_out() {
    assert_eq!(beats(Missed::Burst, 70 * MS, 5), [70, 70, 70, 80, 100]);
    assert_eq!(beats(Missed::Skip, 70 * MS, 3), [70, 80, 100]);
    assert_eq!(beats(Missed::Delay, 70 * MS, 3), [70, 90, 110]);
}

#[test]
fn a_beat_that_nobody_waits_for_is_missed_when_it_is_asked_for() {
    let seen = block_on(async {
        let mut beats = interval(10 * MS);
        beats.tick().await;
        sleep(35 * MS).await;
        beats.tick().await;
        let late = onward::now();
        beats.tick().await;
        (late, onward::now())
    });
    // At 45 the beat of 20 is asked for, late; the next is on the beat.
    assert_eq!(seen.unwrap(), (45 * MS, 50 * MS));
}

#[test]
fn a_timer_and_a_future_that_are_due_together_come_as_they_were_set() {
    let noted = trace(|log| {
        set_timeout(3 * MS, log.noting("timer"));
        let future = log.clone();
        onward::spawn(async move {
            sleep(3 * MS).await;
            future.note("future");
        });
        set_timeout(3 * MS, log.noting("second"));
        Ok(())
    });
    // The future makes its timer when it is polled first, after the setup.
    assert_eq!(noted, "timer@3ms second@3ms future@3ms");
}
