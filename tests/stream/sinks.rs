//! Streams to write that the program empties.

use super::support::{Log, next_turn, oops, run};
use onward::events::*;
use onward::stream::{Done, Sink, WhenFull};
use std::cell::RefCell;
use std::rc::Rc;

#[test]
fn what_is_written_is_accepted_at_once_and_finish_comes_after_the_call() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let sink = log.accepting("")?;
        log.sink("", &sink);
        assert!(sink.write("one"));
        log.note("written");
        sink.end_with("two");
        log.note("ended");
        Ok(())
    });
    seen.assert(&["takes one", "written", "takes two", "ended", "finish", "close false"]);
}

#[test]
fn a_slow_sink_gets_one_chunk_at_a_time() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let sink = log.accepting_slowly("")?;
        log.sink("", &sink);
        sink.set_high_water(4);
        assert!(sink.write_then("1", log.written("first")));
        assert!(sink.write_then("22", log.written("second")));
        assert!(!sink.write_then("3", log.written("third")));
        assert_eq!((sink.queued(), sink.needs_drain()), (4, true));
        sink.on(Drain, |sink, ()| {
            assert_eq!((sink.queued(), sink.needs_drain()), (0, false));
            sink.end();
        });
        Ok(())
    });
    seen.assert(&[
        "takes 1",
        "takes 22",
        "first ok",
        "takes 3",
        "second ok",
        "drain",
        "third ok",
        "finish",
        "close false",
    ]);
}

#[test]
fn there_is_no_drain_once_it_was_ended() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let sink = log.accepting_slowly("")?;
        log.sink("", &sink);
        sink.set_high_water(1);
        assert!(!sink.write("x"));
        sink.end();
        Ok(())
    });
    seen.assert(&["takes x", "finish", "close false"]);
}

#[test]
fn what_is_accepted_at_once_is_never_told_to_wait() {
    run(|| {
        let sink = Sink::new(|_| {})?;
        sink.set_high_water(1);
        (0..100).for_each(|_| assert!(sink.write("much more than that")));
        Ok(())
    });
}

#[test]
fn a_sink_may_write_to_itself() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let noting = log.clone();
        let sink = Sink::with_done(move |sink, chunk, done| {
            noting.note(format!("takes {}", String::from_utf8_lossy(chunk)));
            if chunk.len() < 3 {
                done.ok();
                sink.write([chunk, b"!"].concat());
                noting.note("wrote");
            } else {
                sink.end();
                done.ok();
            }
        })?;
        log.sink("", &sink);
        sink.write("a");
        Ok(())
    });
    seen.assert(&["takes a", "wrote", "takes a!", "wrote", "takes a!!", "finish", "close false"]);
}

#[test]
fn finish_waits_for_what_is_to_be_done_before_it() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let sink = log.accepting("")?;
        log.sink("", &sink);
        sink.before_finish(move |_, done| {
            log.note("flushing");
            next_turn(move || {
                log.note("flushed");
                done.ok();
            });
        });
        sink.end_with("x");
        Ok(())
    });
    seen.assert(&["takes x", "flushing", "flushed", "finish", "close false"]);
}

#[test]
fn an_error_before_finish_takes_its_place() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let sink = log.accepting("")?;
        log.sink("", &sink);
        sink.before_finish(|_, done| done.fail(oops()));
        sink.end();
        Ok(())
    });
    seen.assert(&["error oops", "close true"]);
}

#[test]
fn a_chunk_that_fails_ends_the_stream_and_the_callbacks_come_first() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let sink = Sink::with_done(|_, chunk, done| {
            let bad = chunk == b"bad";
            next_turn(move || if bad { done.fail(oops()) } else { done.ok() });
        })?;
        log.sink("", &sink);
        sink.write_then("good", log.written("first"));
        sink.write_then("bad", log.written("second"));
        sink.write_then("never", log.written("third"));
        sink.end();
        Ok(())
    });
    seen.assert(&["first ok", "second oops", "third oops", "error oops", "close true"]);
}

#[test]
fn an_error_that_is_returned_is_the_streams() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let sink = Sink::new(|_| Err(oops()))?;
        log.sink("", &sink);
        assert!(!sink.write("x"));
        assert!(sink.is_destroyed());
        log.note("written");
        Ok(())
    });
    seen.assert(&["written", "error oops", "close true"]);
}

#[test]
fn a_done_that_is_dropped_without_a_word_is_an_error() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let sink = Sink::with_done(|_, _, done| drop(done))?;
        log.sink("", &sink);
        sink.write_then("x", log.written("write"));
        Ok(())
    });
    seen.assert(&["write Cancelled", "error Cancelled", "close true"]);
}

#[test]
fn a_done_that_comes_after_the_stream_is_gone_does_nothing() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let kept: Rc<RefCell<Option<Done>>> = Rc::default();
        let keeping = Rc::clone(&kept);
        let sink = Sink::with_done(move |_, _, done| drop(keeping.replace(Some(done))))?;
        log.sink("", &sink);
        sink.write_then("x", log.written("write"));
        sink.destroy();
        next_turn(move || kept.take().expect("it was kept").ok());
        Ok(())
    });
    seen.assert(&["write Destroyed", "close false"]);
}

#[test]
fn writing_after_the_end_is_an_error() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let sink = log.accepting_slowly("")?;
        log.sink("", &sink);
        sink.write_then("early", log.written("early"));
        sink.end();
        assert!(!sink.write_then("late", log.written("late")));
        Ok(())
    });
    seen.assert(&[
        "takes early",
        "early WriteAfterEnd",
        "late WriteAfterEnd",
        "error WriteAfterEnd",
        "close true",
    ]);
}

#[test]
fn more_than_may_wait_is_an_error_is_dropped_or_closes_it() {
    let cases: [(WhenFull, &[&str]); 3] = [
        (WhenFull::Fail, &["first QueueFull", "second QueueFull", "error QueueFull", "close true"]),
        (WhenFull::Drop, &["second QueueFull", "first ok", "finish", "close false"]),
        (WhenFull::Close, &["first Destroyed", "second Destroyed", "close false"]),
    ];
    for (when_full, expected) in cases {
        let log = Log::default();
        let seen = log.clone();
        run(move || {
            let sink = Sink::with_done(|_, _, done| next_turn(move || done.ok()))?;
            log.sink("", &sink);
            sink.set_max_queued(5);
            sink.set_when_full(when_full);
            sink.write_then("1234", log.written("first"));
            sink.write_then("56", log.written("second"));
            if when_full == WhenFull::Drop {
                assert!(!sink.is_destroyed());
                sink.end();
            }
            Ok(())
        });
        seen.assert(expected);
    }
}

#[test]
fn corks_hold_what_is_written_until_the_last_is_out() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let sink = log.accepting("")?;
        log.sink("", &sink);
        sink.cork();
        sink.cork();
        sink.write_then("1", log.written("first"));
        sink.uncork();
        sink.write_then("2", log.written("second"));
        log.note("uncorked once");
        sink.uncork();
        log.note("uncorked");
        sink.cork();
        sink.write("3");
        sink.end();
        log.note("ended");
        Ok(())
    });
    seen.assert(&[
        "uncorked once",
        "takes 1",
        "takes 2",
        "uncorked",
        "takes 3",
        "ended",
        "first ok",
        "second ok",
        "finish",
        "close false",
    ]);
}

#[test]
fn a_sink_that_gathers_gets_what_has_come_while_it_was_busy_in_one_go() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let taking = log.clone();
        let sink = Sink::gathered(move |_, chunks, done| {
            taking.note(format!("takes {}", String::from_utf8_lossy(&chunks.join(&b'|'))));
            let bad = chunks.contains(&&b"bad"[..]);
            next_turn(move || if bad { done.fail(oops()) } else { done.ok() });
        })?;
        log.sink("", &sink);
        sink.write_then("1", log.written("first"));
        sink.write_then("2", log.written("second"));
        sink.write_then("", log.written("empty"));
        assert_eq!(sink.queued(), 2);
        next_turn(move || {
            next_turn(move || {
                sink.write_then("bad", log.written("third"));
                sink.write_then("4", log.written("fourth"));
            });
        });
        Ok(())
    });
    seen.assert(&[
        "takes 1",
        "takes 2|",
        "first ok",
        "second ok",
        "empty ok",
        "takes bad",
        "third oops",
        "fourth oops",
        "error oops",
        "close true",
    ]);
}

#[test]
fn a_closure_that_panics_ends_the_stream_and_what_waits_behind_it_hears_so() {
    let event_loop = onward::EventLoop::new().expect("a loop");
    let log = Log::default();
    event_loop.enter(|| {
        let sink = Sink::with_done(|_, chunk, done| {
            assert_ne!(chunk, b"bad", "this one panics");
            next_turn(move || done.ok());
        });
        let sink = sink.expect("a stream");
        log.sink("", &sink);
        sink.write_then("good", log.written("first"));
        sink.write_then("bad", log.written("second"));
        sink.write_then("never", log.written("third"));
    });
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| event_loop.run()));
    assert!(panicked.is_err());
    event_loop.run().expect("it goes on");
    log.assert(&[
        "first ok",
        "second Cancelled",
        "third Cancelled",
        "error Cancelled",
        "close true",
    ]);
}
