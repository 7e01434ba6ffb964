//! What the loop asks of the allocator: one allocation for a future, none for a timer where others were before.
//!
//! A binary of its own, since it counts what it allocates. The counts are those of the thread.

#[path = "common/counting.rs"]
mod counting;

use counting::{allocated_by, bytes};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use onward::{EventLoop, next_tick, set_timeout, spawn};

/// Does some work a few times, so that all that grows has grown, and once more for the count.
fn steadily(event_loop: &EventLoop, work: impl Fn()) -> usize {
    let round = || event_loop.enter(&work);
    for _ in 0..3 {
        round();
        event_loop.run().unwrap();
    }
    let allocated = allocated_by(round);
    event_loop.run().unwrap();
    allocated
}

#[test]
fn a_spawned_future_is_one_allocation() {
    let event_loop = EventLoop::new().unwrap();
    let count = Rc::new(Cell::new(0));
    let spawn_100 = || {
        for n in 0..100 {
            let count = Rc::clone(&count);
            spawn(async move { count.set(count.get() + n) });
        }
    };
    assert_eq!(steadily(&event_loop, spawn_100), 100);
    assert_eq!(count.get(), 4 * 4950);
}

#[test]
fn a_tick_is_one_allocation() {
    let event_loop = EventLoop::new().unwrap();
    let tick = || {
        for n in 0..100_u64 {
            next_tick(move || assert!(n < 100));
        }
    };
    assert_eq!(steadily(&event_loop, tick), 100);
}

#[test]
fn a_timer_where_others_were_before_allocates_nothing() {
    let event_loop = EventLoop::new().unwrap();
    let timers = || {
        for n in 0..50_u64 {
            set_timeout(Duration::from_micros(n), move || assert!(n < 50));
        }
        let timer = set_timeout(Duration::from_secs(3600), || unreachable!());
        assert!(timer.cancel());
    };
    assert_eq!(steadily(&event_loop, timers), 0);
}

#[test]
fn a_live_timer_takes_at_most_64_bytes_beside_its_closure() {
    // A power of two: what grows by doubling is full.
    const TIMERS: usize = 1 << 17;
    let event_loop = EventLoop::new().unwrap();
    let before = bytes();
    event_loop.enter(|| {
        for n in 0..TIMERS as u64 {
            set_timeout(Duration::from_secs(3600 + n), move || assert!(n < TIMERS as u64));
        }
    });
    event_loop.run_nowait().unwrap();
    let of_each = (bytes() - before).unsigned_abs() / TIMERS;
    // Its place is the size of an option.
    assert!(of_each <= 64 + size_of::<Option<u64>>(), "{of_each} bytes");
}
