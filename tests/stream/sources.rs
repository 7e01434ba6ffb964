//! Streams to read that the program fills.

use super::support::{Log, next_turn, oops, run, run_to, watchdog};
use onward::ErrorKind;
use onward::events::*;
use onward::stream::Source;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

#[test]
fn what_is_pushed_is_told_in_order_and_then_the_end() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let source = Source::new()?;
        source.push("one");
        log.source("", &source);
        source.push("two");
        source.push_owned(b"three".to_vec());
        source.end();
        log.note("setup is through");
        Ok(())
    });
    seen.assert(&["setup is through", "data one", "data two", "data three", "end", "close false"]);
}

#[test]
fn nothing_is_told_or_asked_for_before_somebody_wants_it() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let asked = log.clone();
        let source = Source::pull(move |source| {
            asked.note("asked");
            source.push("x");
            source.end();
        })?;
        next_turn(move || {
            log.note("wanted");
            log.source("", &source);
        });
        Ok(())
    });
    seen.assert(&["wanted", "asked", "data x", "end", "close false"]);
}

#[test]
fn a_pause_holds_what_was_pushed_and_what_is_in_the_middle_of_a_batch() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let source = Source::from_iter(["1", "2", "3"])?;
        log.source("", &source);
        source.on(Data, move |source, chunk| {
            if chunk == b"2" {
                source.pause();
                assert!(source.is_paused());
                let (source, log) = (source.clone(), log.clone());
                next_turn(move || {
                    log.note("resumed");
                    source.resume();
                });
            }
        });
        Ok(())
    });
    seen.assert(&["data 1", "data 2", "resumed", "data 3", "end", "close false"]);
}

#[test]
fn a_producer_that_has_nothing_yet_is_not_asked_again_before_it_has_pushed() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let (asked, mut left) = (log.clone(), 2);
        let source = Source::pull(move |source| {
            asked.note("asked");
            let source = source.clone();
            left -= 1;
            let last = left == 0;
            onward::set_timeout(Duration::from_millis(1), move || {
                source.push("late");
                if last {
                    source.end();
                }
            });
        })?;
        log.source("", &source);
        source.pause();
        source.resume();
        Ok(())
    });
    seen.assert(&["asked", "data late", "asked", "data late", "end", "close false"]);
}

#[test]
fn push_says_when_there_is_enough() {
    run(|| {
        let source = Source::new()?;
        source.set_high_water(5);
        assert!(source.push("1234"));
        assert!(!source.push("5"));
        assert_eq!(source.buffered(), 5);
        source.once(Data, |source, _| assert_eq!(source.buffered(), 1));
        source.end();
        Ok(())
    });
}

#[test]
fn what_is_put_back_comes_next_and_empty_chunks_are_chunks() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let source = Source::from_iter(["abc", "", "d"])?;
        log.source("", &source);
        source.once(Data, |source, chunk| source.unshift(&chunk[1..]));
        Ok(())
    });
    seen.assert(&["data abc", "data bc", "data ", "data d", "end", "close false"]);
}

#[test]
fn putting_back_after_the_end_is_an_error() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let source = Source::from_iter(["a"])?;
        log.source("", &source);
        source.on(End, |source, ()| source.unshift("b"));
        Ok(())
    });
    seen.assert(&["data a", "end", "error WriteAfterEnd", "close true"]);
}

#[test]
fn pushing_after_the_end_is_an_error_that_says_where_the_stream_was_made() {
    let result = run_to(|| {
        let source = Source::new()?;
        source.end();
        assert!(!source.push("x"));
        Ok(())
    });
    let error = result.expect_err("nobody listens for errors");
    assert_eq!(error.kind(), ErrorKind::Unhandled);
    let text = error.to_string();
    assert!(text.contains("push Source of tests/stream/sources.rs:"), "{text}");
}

#[test]
fn a_source_that_fails_drops_what_it_had_and_the_first_error_counts() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let source = Source::new()?;
        log.source("", &source);
        source.push("lost");
        source.fail(oops());
        assert!(source.is_destroyed());
        source.fail(onward::Error::other("another"));
        source.destroy();
        assert!(!source.push("late"));
        source.end();
        Ok(())
    });
    seen.assert(&["error oops", "close true"]);
}

#[test]
fn an_error_of_the_producer_is_the_streams() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let source = Source::pull(|source| {
            source.push("x");
            Err(oops())
        })?;
        log.source("", &source);
        Ok(())
    });
    seen.assert(&["error oops", "close true"]);
}

#[test]
fn an_end_that_nobody_asked_for_is_told_if_there_is_nothing_before_it() {
    for (chunks, told) in [(0, true), (1, false)] {
        let log = Log::default();
        let seen = log.clone();
        run(move || {
            let source = Source::new()?;
            source.on(End, move |_, ()| log.note("end"));
            (0..chunks).for_each(|_| _ = source.push("x"));
            source.end();
            next_turn(move || drop(source));
            Ok(())
        });
        seen.assert(if told { &["end"] } else { &[] });
    }
}

#[test]
fn a_stream_without_handles_is_destroyed_and_one_on_a_loop_that_ends_too() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let dropped = Source::new()?;
        log.source("dropped: ", &dropped);
        drop(dropped);
        let left = Source::new()?;
        log.source("left: ", &left);
        let kept = left.clone();
        left.on(Data, move |_, _| assert!(!kept.is_destroyed()));
        next_turn(move || log.note("turned"));
        Ok(())
    });
    seen.assert(&["dropped: close false", "turned", "left: close false"]);
}

#[test]
fn a_closed_stream_has_dropped_its_closures_and_its_listeners() {
    struct Dropped(Rc<Cell<u32>>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    let count = Rc::new(Cell::new(0));
    let counted = Rc::clone(&count);
    run(move || {
        let (held, listening) = (Dropped(Rc::clone(&counted)), Dropped(Rc::clone(&counted)));
        let source = Source::pull(move |source| {
            let _ = &held;
            source.end();
        })?;
        source.on(Data, move |_, _| {
            let _ = &listening;
        });
        let kept = source.clone();
        source.on(Close, move |_, _| {
            let (kept, counted) = (kept.clone(), Rc::clone(&counted));
            onward::set_immediate(move || {
                assert_eq!(counted.get(), 2);
                assert!(kept.is_destroyed());
            });
        });
        Ok(())
    });
    assert_eq!(count.get(), 2);
}

#[test]
fn a_producer_that_is_never_at_a_loss_keeps_no_timer_waiting() {
    let _watch = watchdog();
    run(|| {
        let source = Source::pull(|source| source.push("more"))?;
        source.resume();
        onward::set_timeout(Duration::from_millis(2), move || source.destroy());
        Ok(())
    });
}

#[test]
fn a_listener_that_panics_loses_one_chunk_and_no_more() {
    let event_loop = onward::EventLoop::new().expect("a loop");
    let log = Log::default();
    event_loop.enter(|| {
        let source = Source::from_iter(["1", "2", "3"]).expect("a stream");
        log.source("", &source);
        source.on(Data, |_, chunk| assert_ne!(chunk, b"2", "this one panics"));
    });
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| event_loop.run()));
    assert!(panicked.is_err());
    log.assert(&["data 1", "data 2"]);
    event_loop.run().expect("it goes on");
    log.assert(&["data 1", "data 2", "data 3", "end", "close false"]);
}

#[test]
fn outside_of_a_loop_there_are_no_streams() {
    assert_eq!(Source::new().unwrap_err().kind(), ErrorKind::NotInLoop);
}

#[test]
fn it_shows_where_it_was_made_and_what_it_holds() {
    run(|| {
        let source = Source::new()?;
        source.push("abc");
        let shown = format!("{source:?}");
        assert!(shown.starts_with("Source(tests/stream/sources.rs:"), "{shown}");
        assert!(shown.ends_with(", 3 bytes buffered)"), "{shown}");
        let dump = onward::inspect::dump().to_string();
        assert!(dump.contains("stream in memory Source"), "{dump}");
        Ok(())
    });
}

#[test]
fn a_producer_that_panics_ends_the_stream() {
    let event_loop = onward::EventLoop::new().expect("a loop");
    let log = Log::default();
    event_loop.enter(|| {
        let source = Source::pull(|_| -> () { panic!("on purpose") }).expect("a stream");
        log.source("", &source);
        let kept = source.clone();
        source.on(Close, move |_, _| assert!(kept.is_destroyed()));
    });
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| event_loop.run()));
    assert!(panicked.is_err());
    event_loop.run().expect("it goes on");
    log.assert(&["error Cancelled", "close true"]);
}
