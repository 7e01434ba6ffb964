//! What Node's own tests of streams (`test/parallel/test-stream-*`) demand, each under its name there.

use super::support::{Log, next_turn, oops, run, run_to};
use onward::ErrorKind;
use onward::events::*;
use onward::stream::{Sink, Source};
use std::cell::Cell;
use std::rc::Rc;

#[test]
fn destroy_event_order() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let source = Source::new()?;
        log.source("", &source);
        source.fail(oops());
        log.note("destroyed");
        Ok(())
    });
    seen.assert(&["destroyed", "error oops", "close true"]);
}

#[test]
fn readable_destroy() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let source = Source::from_iter(["1", "2"])?;
        log.source("plain: ", &source);
        source.on(Data, |source, _| source.destroy());

        let failing = Source::new()?;
        log.source("failing: ", &failing);
        failing.push("never");
        failing.fail(oops());
        failing.fail(onward::Error::other("a second one"));
        assert!(failing.is_destroyed() && !failing.push("late"));
        log.note("the call has returned");
        Ok(())
    });
    seen.assert(&[
        "the call has returned",
        "plain: data 1",
        "failing: error oops",
        "failing: close true",
        "plain: close false",
    ]);
}

#[test]
fn writable_destroy() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let sink = Sink::with_done(|_, _, done| next_turn(move || done.ok()))?;
        log.sink("", &sink);
        sink.write_then("1", log.written("first"));
        sink.write_then("2", log.written("second"));
        sink.end();
        sink.destroy();
        assert!(!sink.write_then("3", log.written("third")));
        log.note("the call has returned");
        Ok(())
    });
    // The third comes from a tick; those that waited come with the close, in order.
    seen.assert(&[
        "the call has returned",
        "third Destroyed",
        "first Destroyed",
        "second Destroyed",
        "close false",
    ]);
}

#[test]
fn pipe_error_handling() {
    for heard in [true, false] {
        let log = Log::default();
        let seen = log.clone();
        let result = run_to(move || {
            let (source, sink) = (Source::new()?, Sink::new(|_| {})?);
            let listener = source.on(Error, move |_, error| log.note(error.to_string()));
            source.pipe(&sink);
            if !heard {
                source.off(listener);
            }
            source.fail(oops());
            Ok(())
        });
        if heard {
            result.expect("somebody has taken it");
            seen.assert(&["oops"]);
        } else {
            // A pipe is nobody who takes errors.
            assert_eq!(result.expect_err("nobody has").kind(), ErrorKind::Unhandled);
        }
    }
}

#[test]
fn pipe_await_drain() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let source = Source::from_iter(["1", "2", "3"])?;
        let (fast, slow) = (log.accepting("fast ")?, log.accepting_slowly("slow ")?);
        slow.set_high_water(1);
        slow.on(Drain, move |_, ()| log.note("slow drains"));
        source.pipe(&fast);
        source.pipe(&slow);
        Ok(())
    });
    seen.assert(&[
        "fast takes 1",
        "slow takes 1",
        "slow drains",
        "fast takes 2",
        "slow takes 2",
        "slow drains",
        "fast takes 3",
        "slow takes 3",
        "slow drains",
    ]);
}

#[test]
fn backpressure() {
    const CHUNKS: usize = 200;
    let (pushed, taken) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let (pushing, taking, total) = (Rc::clone(&pushed), Rc::clone(&taken), Rc::clone(&taken));
    run(move || {
        let source = Source::pull(move |source| {
            if pushing.get() == CHUNKS {
                return source.end();
            }
            pushing.set(pushing.get() + 1);
            source.push([0; 1024]);
        })?;
        let sink = Sink::with_done(move |_, chunk, done| {
            assert_eq!(chunk.len(), 1024);
            taking.set(taking.get() + 1);
            // Four reach the mark, one is on its way.
            assert!(pushed.get() - taking.get() <= 5, "{} ahead", pushed.get() - taking.get());
            next_turn(move || done.ok());
        })?;
        sink.set_high_water(4 * 1024);
        source.pipe(&sink);
        Ok(())
    });
    assert_eq!(total.get(), CHUNKS);
}

#[test]
fn writev() {
    // What is corked, nested too, goes out in one go, with the callbacks in order and `Finish` last; `end` uncorks.
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let taking = log.clone();
        let sink = Sink::gathered(move |_, chunks, done| {
            taking.note(format!("takes {}", String::from_utf8_lossy(&chunks.join(&b'|'))));
            done.ok();
        })?;
        log.sink("", &sink);
        sink.cork();
        sink.write_then("a", log.written("a"));
        sink.cork();
        sink.write_then("b", log.written("b"));
        sink.uncork();
        log.note("still corked");
        sink.write_then("c", log.written("c"));
        sink.end();
        Ok(())
    });
    seen.assert(&["still corked", "takes a|b|c", "a ok", "b ok", "c ok", "finish", "close false"]);
}
