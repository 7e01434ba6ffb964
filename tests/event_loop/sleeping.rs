//! Sleeps, on the loop's thread and on others.

use super::support::{NEVER, in_time, trace};
use futures_lite::future;
use onward::{ErrorKind, EventLoop, Sleep, sleep, timeout};
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn a_sleep_may_go_to_any_thread() {
    fn check<T: Send + Sync + Unpin + 'static>() {}
    check::<Sleep>();
}

#[test]
fn a_sleep_that_is_awaited_on_another_thread_is_over_in_time_and_not_before() {
    in_time(|| {
        let delay = Duration::from_millis(20);
        let mut thread = None;
        onward::run(|| {
            let (began, sleep) = (Instant::now(), sleep(delay));
            thread = Some(thread::spawn(move || {
                future::block_on(sleep);
                began.elapsed()
            }));
            Ok(())
        })
        .unwrap();
        assert!(thread.unwrap().join().unwrap() >= delay);
    });
}

#[test]
fn a_sleep_that_is_dropped_on_another_thread_no_longer_holds_the_loop() {
    in_time(|| {
        onward::run(|| {
            let sleep = sleep(NEVER);
            thread::spawn(move || drop(sleep));
            Ok(())
        })
        .unwrap();
    });
}

#[test]
fn a_sleep_that_is_dropped_beside_its_loop_no_longer_holds_it() {
    in_time(|| {
        let event_loop = EventLoop::new().unwrap();
        let sleep = event_loop.enter(|| sleep(NEVER));
        drop(sleep);
        event_loop.run().unwrap();
    });
}

#[test]
fn a_sleep_whose_loop_has_ended_is_done_at_once_on_every_thread() {
    in_time(|| {
        let event_loop = EventLoop::new().unwrap();
        let (first, second, late) = event_loop
            .enter(|| (sleep(NEVER), sleep(NEVER), timeout(NEVER, future::pending::<()>())));
        let (asleep, slept) = std::sync::mpsc::channel();
        let waiting = thread::spawn(move || {
            let mut first = first;
            assert!(future::block_on(future::poll_once(&mut first)).is_none());
            asleep.send(()).unwrap();
            future::block_on(first);
        });
        slept.recv().unwrap();
        drop(event_loop);
        waiting.join().unwrap();
        future::block_on(second);
        // The timer of `late` is gone too, though nobody was late.
        let error = future::block_on(late).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LoopGone);
    });
}

#[test]
fn sleeps_that_change_threads_wake_whoever_polled_them_last() {
    let said = trace(|log| {
        let mut moved = sleep(Duration::from_millis(300));
        let log = log.clone();
        onward::spawn(async move {
            assert!(future::poll_once(&mut moved).await.is_none());
            let thread = thread::spawn(move || future::block_on(moved));
            onward::spawn_blocking(move || thread.join().unwrap()).await.unwrap();
            log.note("over");
        });
        Ok(())
    });
    assert_eq!(said, "over");
}
