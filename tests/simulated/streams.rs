//! Limits of bytes a second, to the millisecond.

use onward::events::*;
use onward::stream::{Collector, Rate, Source};
use onward::testing;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

type Times = Rc<RefCell<Vec<(usize, u128)>>>;

/// A source of `chunks` chunks of 1000 bytes each, that notes when they come, in milliseconds.
fn limited(rate: &Rate, number: usize, chunks: usize, times: &Times) -> onward::Result<Source> {
    let source = Source::from_iter((0..chunks).map(|_| [0; 1000]))?;
    rate.limit(&source);
    let times = Rc::clone(times);
    source.on(Data, move |_, _| times.borrow_mut().push((number, onward::now().as_millis())));
    Ok(source)
}

#[test]
fn a_limited_stream_gets_a_chunk_when_the_one_before_is_paid_for() {
    let times = Times::default();
    let telling = Rc::clone(&times);
    testing::run(move || {
        limited(&Rate::per_second(100_000).burst(0), 0, 4, &telling)?;
        Ok(())
    })
    .expect("it ends well");
    assert_eq!(*times.borrow(), [(0, 0), (0, 10), (0, 20), (0, 30)]);
}

#[test]
fn a_burst_comes_at_once_and_again_after_a_rest() {
    let times = Times::default();
    let telling = Rc::clone(&times);
    testing::run(move || {
        let rate = Rate::per_second(1_000).burst(2_000);
        limited(&rate, 0, 4, &telling)?;
        onward::set_timeout(Duration::from_secs(60), move || {
            limited(&rate, 1, 3, &telling).expect("a stream");
        });
        Ok(())
    })
    .expect("it ends well");
    let expected = [(0, 0), (0, 0), (0, 0), (0, 1_000), (1, 60_000), (1, 60_000), (1, 60_000)];
    assert_eq!(*times.borrow(), expected);
}

#[test]
fn streams_that_share_a_rate_are_served_in_turn() {
    let times = Times::default();
    let telling = Rc::clone(&times);
    testing::run(move || {
        let rate = Rate::per_second(100_000).burst(0);
        (0..3).try_for_each(|number| limited(&rate, number, 3, &telling).map(drop))
    })
    .expect("it ends well");
    // The first chunk of each may pass; then one comes every ten milliseconds.
    let expected = [(0, 0), (1, 0), (2, 0), (0, 10), (1, 20), (2, 30), (0, 40), (1, 50), (2, 60)];
    assert_eq!(*times.borrow(), expected);
}

#[test]
fn a_slow_collector_makes_a_pipe_wait() {
    let collected = Collector::new().delay(Duration::from_millis(5));
    let collecting = collected.clone();
    testing::run(move || {
        let sink = collecting.sink()?;
        sink.set_high_water(1);
        sink.on(Close, |_, _| assert_eq!(onward::now().as_millis(), 15));
        Source::from_iter(["a", "b", "c"])?.pipe(&sink);
        Ok(())
    })
    .expect("it ends well");
    assert_eq!(collected.text(), "abc");
}
