//! Pipelines of several streams, tees, and when streams are through.

use super::support::{Log, next_turn, oops, run};
use onward::events::*;
use onward::stream::{Duplex, Sink, Source, both_finished, ended, finished, pipeline, tee};

#[test]
fn a_pipeline_of_many_is_done_when_the_last_has_finished_and_all_have_closed() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let source = Source::from_iter(["a", "b"])?;
        let (upper, twice) = (
            Duplex::transform(|chunk, out| out.push(chunk.to_ascii_uppercase()))?,
            Duplex::transform(|chunk, out| out.push(chunk.repeat(2)))?,
        );
        let sink = log.accepting("")?;
        let closes = log.clone();
        for stream in [&upper, &twice] {
            let closes = closes.clone();
            stream.on(Close, move |_, _| closes.note("between closes"));
        }
        source.on(Close, move |_, _| closes.note("source closes"));
        let closes = log.clone();
        sink.on(Close, move |_, _| closes.note("sink closes"));
        pipeline(&source, (&upper, &twice, &sink), log.result());
        log.note("connected");
        Ok(())
    });
    seen.assert(&[
        "connected",
        "takes AA",
        "takes BB",
        "source closes",
        "between closes",
        "between closes",
        "sink closes",
        "result ok",
    ]);
}

#[test]
fn whichever_fails_gives_its_error_and_all_are_destroyed() {
    for which in 0..3 {
        let log = Log::default();
        let seen = log.clone();
        run(move || {
            let (source, passage) = (Source::new()?, Duplex::pass_through()?);
            let sink = Sink::new(|_| {})?;
            let closes = log.clone();
            source.on(Close, move |_, had_error| closes.note(format!("source {had_error}")));
            let closes = log.clone();
            passage.on(Close, move |_, had_error| closes.note(format!("passage {had_error}")));
            let closes = log.clone();
            sink.on(Close, move |_, had_error| closes.note(format!("sink {had_error}")));
            pipeline(&source, (&passage, &sink), log.result());
            next_turn(move || match which {
                0 => source.fail(oops()),
                1 => passage.fail(oops()),
                _ => sink.fail(oops()),
            });
            Ok(())
        });
        let closes: [&str; 3] = match which {
            0 => ["source true", "passage false", "sink false"],
            1 => ["passage true", "source false", "sink false"],
            _ => ["sink true", "passage false", "source false"],
        };
        seen.assert(&[closes[0], closes[1], closes[2], "result oops"]);
    }
}

#[test]
fn one_that_is_destroyed_makes_it_a_premature_close() {
    for which in 0..3 {
        let log = Log::default();
        let seen = log.clone();
        run(move || {
            let (source, passage) = (Source::new()?, Duplex::pass_through()?);
            let sink = Sink::new(|_| {})?;
            pipeline(&source, (&passage, &sink), log.result());
            next_turn(move || match which {
                0 => source.destroy(),
                1 => passage.destroy(),
                _ => sink.destroy(),
            });
            Ok(())
        });
        seen.assert(&["result PrematureClose"]);
    }
}

#[test]
fn a_pipeline_whose_streams_are_closed_already_says_so() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let (source, passage) = (Source::new()?, Duplex::pass_through()?);
        let sink = Sink::new(|_| {})?;
        [&passage].iter().for_each(|passage| passage.destroy());
        source.destroy();
        sink.destroy();
        next_turn(move || pipeline(&source, (&passage, &sink), log.result()));
        Ok(())
    });
    seen.assert(&["result PrematureClose"]);
}

#[test]
fn a_tee_gives_all_the_same_and_waits_for_the_slowest() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let (fast, slow) = (log.accepting("fast ")?, log.accepting_slowly("slow ")?);
        slow.set_high_water(1);
        tee(&Source::from_iter(["1", "2"])?, (&fast, &slow));
        log.sink("fast ", &fast);
        log.sink("slow ", &slow);
        Ok(())
    });
    seen.assert(&[
        "fast takes 1",
        "slow takes 1",
        "slow drain",
        "fast takes 2",
        "slow takes 2",
        "slow drain",
        "fast finish",
        "slow finish",
        "fast close false",
        "slow close false",
    ]);
}

#[test]
fn a_sink_of_a_tee_that_closes_early_leaves_the_others_going_until_the_last() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let source = Source::new()?;
        // It holds the source when it goes.
        let stuck = Sink::with_done(|sink, _, done| {
            let sink = sink.clone();
            next_turn(move || {
                sink.destroy();
                drop(done);
            });
        })?;
        stuck.set_high_water(1);
        let steady = log.accepting("steady ")?;
        tee(&source, &[stuck, steady.clone()]);
        let closes = log.clone();
        source.on(Close, move |_, had_error| closes.note(format!("source close {had_error}")));
        source.push("1");
        source.push("2");
        next_turn(move || {
            next_turn(move || {
                assert_eq!(source.listener_count(Data), 1, "the other has left");
                log.note("and now the last");
                steady.destroy();
            });
        });
        Ok(())
    });
    seen.assert(&["steady takes 1", "steady takes 2", "and now the last", "source close false"]);
}

#[test]
fn a_source_of_a_tee_that_closes_early_takes_all_with_it() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let source = Source::new()?;
        let sinks = [Sink::new(|_| {})?, Sink::new(|_| {})?];
        sinks.iter().for_each(|sink| log.sink("", sink));
        tee(&source, &sinks[..]);
        source.destroy();
        Ok(())
    });
    seen.assert(&["close false", "close false"]);
}

#[test]
fn ended_and_finished_come_with_the_events_and_leave_no_listeners() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let passage = Duplex::pass_through()?;
        ended(&passage, log.written("ended"));
        finished(&passage, log.written("finished"));
        both_finished(&passage, log.written("both"));
        assert_eq!(passage.listener_count(Data), 0, "it does not start the flow");
        passage.end_with("x");
        passage.on(Close, move |passage, _| {
            assert_eq!(passage.listener_count(Error), 0);
            assert_eq!(passage.listener_count(Close), 1);
            log.note("close");
        });
        let reading = passage.clone();
        next_turn(move || reading.resume());
        Ok(())
    });
    seen.assert(&["finished ok", "ended ok", "both ok", "close"]);
}

#[test]
fn what_goes_wrong_is_the_result() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let (fails, closes, gone) = (Source::new()?, Sink::new(|_| {})?, Duplex::pass_through()?);
        ended(&fails, log.written("fails"));
        finished(&closes, log.written("closes"));
        gone.destroy();
        both_finished(&gone, log.written("gone"));
        log.note("asked");
        fails.fail(oops());
        closes.destroy();
        Ok(())
    });
    seen.assert(&["asked", "gone PrematureClose", "fails oops", "closes PrematureClose"]);
}

#[test]
fn what_has_ended_already_is_told_after_the_call() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let half = Duplex::new(|_, _, done| done.ok())?;
        half.end_push();
        half.resume();
        next_turn(move || {
            ended(&half, log.written("ended"));
            log.note("asked");
            // It is open still, to be written to.
            let kept = half.clone();
            next_turn(move || kept.end());
        });
        Ok(())
    });
    seen.assert(&["asked", "ended ok"]);
}

#[test]
fn a_sink_that_was_gone_before_the_tee_is_missed_once_and_not_twice() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let (source, gone) = (Source::new()?, Sink::new(|_| {})?);
        // Its `Close` is still to be told.
        gone.destroy();
        let sink = log.accepting("")?;
        log.sink("", &sink);
        tee(&source, (&gone, &sink));
        source.push("a");
        next_turn(move || {
            source.push("b");
            source.end();
        });
        Ok(())
    });
    seen.assert(&["takes a", "takes b", "finish", "close false"]);
}

#[test]
fn what_has_finished_already_is_told_after_the_call() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let half = Duplex::new(|_, _, done| done.ok())?;
        half.end();
        next_turn(move || {
            finished(&half, log.written("finished"));
            both_finished(&half, log.written("both"));
            log.note("asked");
            // It is open still, to be read.
            let kept = half.clone();
            next_turn(move || {
                kept.resume();
                kept.end_push();
            });
        });
        Ok(())
    });
    seen.assert(&["asked", "finished ok", "both ok"]);
}
