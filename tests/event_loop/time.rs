//! Sleeping, time limits and beats.

use super::support::{NEVER, in_time, trace};
use onward::{
    ErrorKind, Missed, block_on, interval, set_interval_with, set_timeout, sleep, timeout,
};
use std::cell::Cell;
use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

const MS: Duration = Duration::from_millis(1);

#[test]
fn sleepers_wake_in_order_and_never_early() {
    in_time(|| {
        let woken = Rc::new(std::cell::RefCell::new(Vec::new()));
        let order = Rc::clone(&woken);
        onward::run(move || {
            for time in [12, 2, 7] {
                let order = Rc::clone(&order);
                onward::spawn(async move {
                    // However late this is polled, that is when it is due.
                    let due = Instant::now() + time * MS;
                    sleep(time * MS).await;
                    assert!(Instant::now() >= due);
                    order.borrow_mut().push(due);
                });
            }
            Ok(())
        })
        .unwrap();
        assert_eq!(woken.borrow().len(), 3);
        assert!(woken.borrow().is_sorted());
    });
}

#[test]
fn a_sleep_counts_from_when_it_was_made_and_holds_the_loop_no_longer_than_it_lives() {
    in_time(|| {
        let begun = Instant::now();
        block_on(async {
            let (first, second) = (sleep(5 * MS), sleep(5 * MS));
            drop(sleep(NEVER));
            first.await;
            second.await;
        })
        .unwrap();
        assert!(begun.elapsed() >= 5 * MS);
        onward::run(|| {
            drop(sleep(NEVER));
            Ok(())
        })
        .unwrap();
    });
}

#[test]
fn what_is_ready_in_time_is_not_late_and_what_is_late_is_dropped() {
    in_time(|| {
        struct Dropped(Rc<Cell<bool>>);
        impl Drop for Dropped {
            fn drop(&mut self) {
                self.0.set(true);
            }
        }
        block_on(async {
            // The time is up as well when it is polled first.
            assert_eq!(timeout(Duration::ZERO, async { 1 }).await.unwrap(), 1);
            let gone = Rc::new(Cell::new(false));
            let dropped = Dropped(Rc::clone(&gone));
            let late = timeout(MS, async move {
                let _dropped = dropped;
                pending::<()>().await;
            });
            let error = late.await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TimedOut);
            assert_eq!(error.to_string(), "timeout: it took too long");
            assert!(gone.get());
        })
        .unwrap();
    });
}

/// The beats that come, in periods, when the loop is held up for so long at the beginning.
fn beats(missed: Missed, held_up: Duration, count: usize) -> Vec<u128> {
    const PERIOD: Duration = Duration::from_millis(20);
    in_time(move || {
        block_on(async move {
            let begun = Instant::now();
            let mut beats = interval(PERIOD).missed(missed);
            thread::sleep(held_up);
            let mut seen = Vec::new();
            for _ in 0..count {
                beats.tick().await;
                seen.push(begun.elapsed().as_millis() / PERIOD.as_millis());
            }
            seen
        })
        .unwrap()
    })
}

#[test]
fn missed_beats_are_made_up_for_or_left_out() {
    let held_up = Duration::from_millis(70);
    // The machine may hold it up for longer than was asked for: then more are missed.
    let burst = beats(Missed::Burst, held_up, 4);
    assert!(burst[2] - burst[0] == 0 || burst[0] > 3, "three at once: {burst:?}");
    let skip = beats(Missed::Skip, held_up, 3);
    assert!(skip[0] >= 3 && skip[1] > skip[0], "one late, then on the beat: {skip:?}");
    let delay = beats(Missed::Delay, held_up, 3);
    assert!(delay[0] >= 3 && delay[1] > delay[0] && delay[2] > delay[1], "{delay:?}");
}

#[test]
fn an_interval_that_makes_up_for_what_it_missed_runs_once_for_each_period() {
    let calls = in_time(|| {
        let calls = Rc::new(Cell::new(0_u32));
        let count = Rc::clone(&calls);
        onward::run(move || {
            let begun = Instant::now();
            set_interval_with(10 * MS, Missed::Burst, move |timer| {
                count.set(count.get() + 1);
                if count.get() == 1 {
                    thread::sleep(45 * MS);
                }
                // The 5th is due 50 ms after the beginning: nobody has to wait for it.
                assert!(begun.elapsed() >= 10 * MS * count.get());
                if count.get() == 5 {
                    timer.cancel();
                }
            });
            Ok(())
        })
        .unwrap();
        calls.get()
    });
    assert_eq!(calls, 5);
}

#[test]
fn beats_are_a_stream_without_an_end() {
    use futures_core::Stream as _;
    in_time(|| {
        block_on(async {
            let mut beats = interval(Duration::ZERO);
            for _ in 0..3 {
                let beat = poll_fn(|context| Pin::new(&mut beats).poll_next(context)).await;
                assert_eq!(beat, Some(()));
            }
        })
        .unwrap();
    });
}

#[test]
fn a_sleep_may_be_polled_by_several_and_wakes_the_last() {
    in_time(|| {
        block_on(async {
            let mut sleeping = sleep(2 * MS);
            poll_fn(|context| {
                assert!(Pin::new(&mut sleeping).poll(context).is_pending());
                Poll::Ready(())
            })
            .await;
            let mine = onward::spawn(sleeping);
            mine.await.unwrap();
        })
        .unwrap();
    });
}

#[test]
#[should_panic(expected = "no event loop runs on this thread")]
fn sleeping_outside_of_a_loop_says_so() {
    drop(sleep(MS));
}

#[test]
fn a_timer_is_not_needed_to_wait_for_one() {
    // What wakes the future is its own timer, also beside others that are due at the same time.
    let noted = trace(|log| {
        set_timeout(3 * MS, log.noting("timer"));
        let log = log.clone();
        onward::spawn(async move {
            sleep(3 * MS).await;
            log.note("future");
        });
        Ok(())
    });
    assert_eq!(noted, "timer future");
}
