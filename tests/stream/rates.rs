//! Limits of bytes a second, and the collector that tests are made with. To the millisecond it is `tests/simulated`
//! that looks; here a time can only be too long by chance, never too short.

use super::support::{Log, oops, run};
use onward::events::*;
use onward::stream::{Collector, Rate, Source, pipeline};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// Milliseconds that it takes to read sources of `chunks` chunks of 1000 bytes each.
fn milliseconds(rate: Rate, sources: usize, chunks: usize) -> u128 {
    let took = Rc::new(Cell::new(0));
    let taking = Rc::clone(&took);
    run(move || {
        let began = onward::now();
        for _ in 0..sources {
            let source = Source::from_iter((0..chunks).map(|_| [0; 1000]))?;
            rate.limit(&source);
            let taking = Rc::clone(&taking);
            source.on(End, move |_, ()| taking.set((onward::now() - began).as_millis()));
        }
        Ok(())
    });
    took.get()
}

#[test]
fn a_limited_stream_takes_its_time_and_a_group_shares_it() {
    let took = milliseconds(Rate::per_second(100_000).burst(0), 1, 5);
    assert!(took >= 50, "5 kB at 100 kB/s took {took} ms");
    let took = milliseconds(Rate::per_second(100_000).burst(0), 3, 2);
    assert!(
        took >= 50,
        "three times 2 kB at 100 kB/s, the last wait for the first, took {took} ms"
    );
}

#[test]
fn a_pipe_from_a_limited_stream_is_limited_and_loses_nothing() {
    let collected = Collector::new();
    let collecting = collected.clone();
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let began = onward::now();
        let source = Source::from_iter("0123456789".as_bytes().chunks(2))?;
        Rate::per_second(200).burst(0).limit(&source);
        pipeline(&source, &collecting.sink()?, move |result| {
            let took = (onward::now() - began).as_millis();
            assert!(took >= 40, "it took {took} ms");
            log.result()(result);
        });
        Ok(())
    });
    assert_eq!(collected.text(), "0123456789");
    seen.assert(&["result ok"]);
}

#[test]
fn a_stream_that_is_destroyed_while_it_is_held_back_is_gone() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let source = Source::from_iter(["1", "2"])?;
        Rate::per_second(1).burst(0).limit(&source);
        log.source("", &source);
        source.on(Data, |source, _| {
            let source = source.clone();
            onward::set_immediate(move || source.destroy());
        });
        Ok(())
    });
    seen.assert(&["data 1", "close false"]);
}

#[test]
fn a_collector_keeps_what_comes_and_is_slow_fails_or_closes_as_it_is_told() {
    let expected = [("abcd", "result ok"), ("ab", "result oops"), ("abc", "result PrematureClose")];
    for (which, (text, result)) in expected.into_iter().enumerate() {
        let collected = match which {
            0 => Collector::new().delay(Duration::from_millis(1)),
            1 => Collector::new().fail_after(2, oops()),
            _ => Collector::new().close_after(3),
        };
        let collecting = collected.clone();
        let log = Log::default();
        let seen = log.clone();
        run(move || {
            pipeline(&Source::from_iter(["a", "b", "c", "d"])?, &collecting.sink()?, log.result());
            Ok(())
        });
        assert_eq!((collected.text().as_str(), collected.len()), (text, text.len()));
        seen.assert(&[result]);
    }
}

#[test]
fn a_stream_that_is_gone_keeps_no_loop_waiting_until_it_has_paid() {
    run(|| {
        let source = Source::from_iter([[0; 1000]; 2])?;
        // A quarter of an hour, for the first chunk.
        Rate::per_second(1).burst(0).limit(&source);
        source.on(Data, |source, _| source.destroy());
        Ok(())
    });
}
