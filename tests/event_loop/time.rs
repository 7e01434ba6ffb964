//! Sleeping, time limits and beats. On the real clock; `tests/simulated` has what is exact.

use super::support::{NEVER, in_time};
use futures_lite::StreamExt as _;
use onward::{ErrorKind, block_on, interval, sleep, timeout};
use std::cell::Cell;
use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
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

/// It does not count as one beat after the other, at once.
#[test]
fn beats_end_with_their_loop() {
    in_time(|| {
        let event_loop = onward::EventLoop::new().unwrap();
        let mut beats = event_loop.enter(|| interval(MS));
        drop(event_loop);
        block_on(async {
            assert_eq!(beats.next().await, None);
            assert_eq!(timeout(MS, beats.tick()).await.unwrap_err().kind(), ErrorKind::TimedOut);
        })
        .unwrap();
    });
}
