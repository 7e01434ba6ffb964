//! Transforms, passages, and pipes in memory.

use super::support::{Log, next_turn, oops, run, watchdog};
use onward::events::*;
use onward::stream::{Duplex, Sink, Source};
use std::cell::Cell;
use std::rc::Rc;

#[test]
fn a_transform_makes_what_is_read_from_what_is_written() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let twice = Duplex::transform(|chunk, out| {
            out.push(chunk);
            out.push(chunk.to_ascii_uppercase());
        })?;
        log.duplex("", &twice);
        twice.write("a");
        twice.end_with("b");
        log.note("written");
        Ok(())
    });
    seen.assert(&[
        "written",
        "data a",
        "finish",
        "data A",
        "data b",
        "data B",
        "end",
        "close false",
    ]);
}

#[test]
fn a_transform_may_have_a_last_word() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let sum = Duplex::transform_with(
            0_u32,
            |sum, chunk, _| *sum += u32::from(chunk[0] - b'0'),
            |sum, out| out.push(sum.to_string()),
        )?;
        log.duplex("", &sum);
        Source::from_iter(["1", "2", "3"])?.pipe(&sum);
        Ok(())
    });
    seen.assert(&["finish", "data 6", "end", "close false"]);
}

#[test]
fn an_error_of_a_transform_is_one_of_both_sides() {
    for at_the_end in [false, true] {
        let log = Log::default();
        let seen = log.clone();
        run(move || {
            let fails = Duplex::transform_with(
                (),
                move |(), chunk, out| {
                    out.push(chunk);
                    if at_the_end { Ok(()) } else { Err(oops()) }
                },
                |(), _| Err(oops()),
            )?;
            log.duplex("", &fails);
            fails.write("a");
            next_turn(move || fails.end());
            Ok(())
        });
        let expected: &[&str] = if at_the_end {
            &["data a", "error oops", "close true"]
        } else {
            &["error oops", "close true"]
        };
        seen.assert(expected);
    }
}

#[test]
fn a_transform_whose_output_is_not_read_takes_no_more_than_its_mark() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let calls = Rc::new(Cell::new(0));
        let counting = Rc::clone(&calls);
        let passage = Duplex::transform(move |chunk, out| {
            counting.set(counting.get() + 1);
            out.push(chunk)
        })?;
        passage.set_high_water(3);
        let answers: Vec<_> = (0..5).map(|n| passage.write(n.to_string())).collect();
        // Three were taken, the last of which has no room behind it; it and the two that wait are queued.
        assert_eq!(answers, [true, true, true, true, false]);
        assert_eq!((calls.get(), passage.buffered(), passage.queued()), (3, 3, 3));
        log.duplex("", &passage);
        passage.on(Drain, |passage, ()| passage.end());
        Ok(())
    });
    seen.assert(&[
        "data 0",
        "data 1",
        "data 2",
        "drain",
        "finish",
        "data 3",
        "data 4",
        "end",
        "close false",
    ]);
}

#[test]
fn a_pipe_through_a_passage_is_as_slow_as_its_sink() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let asked = Rc::new(Cell::new(0));
        let asking = Rc::clone(&asked);
        let source = Source::pull(move |source| {
            asking.set(asking.get() + 1);
            match asking.get() {
                1..=20 => _ = source.push([b'x'; 10]),
                _ => source.end(),
            }
        })?;
        let passage = Duplex::pass_through()?;
        passage.set_high_water(10);
        let mut taken = 0;
        let sink = Sink::with_done(move |_, _, done| {
            taken += 1;
            assert!(asked.get() <= taken + 4, "{} asked for, {taken} taken", asked.get());
            next_turn(move || done.ok());
        })?;
        sink.set_high_water(10);
        log.sink("", &sink);
        source.pipe(&passage).pipe(&sink);
        Ok(())
    });
    assert_eq!(seen.count("finish"), 1);
    assert_eq!(seen.count("close false"), 1);
}

#[test]
fn what_is_written_to_one_end_of_a_pair_is_read_from_the_other() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let (client, server) = Duplex::pair()?;
        log.duplex("client: ", &client);
        log.duplex("server: ", &server);
        server.on(Data, |server, chunk| _ = server.write(chunk.to_ascii_uppercase()));
        server.on(End, |server, ()| server.end());
        client.end_with("hello");
        Ok(())
    });
    seen.assert(&[
        "server: data hello",
        "client: finish",
        "client: data HELLO",
        "server: end",
        "server: finish",
        "client: end",
        "server: close false",
        "client: close false",
    ]);
}

#[test]
fn an_end_of_a_pair_that_is_not_read_makes_the_other_wait() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let (client, server) = Duplex::pair()?;
        server.set_high_water(2);
        client.set_high_water(2);
        log.duplex("client: ", &client);
        server.pause();
        assert!(client.write("1"));
        assert!(client.write_then("2", log.written("second")));
        assert!(!client.write("3"));
        next_turn(move || {
            log.note("read");
            server.resume();
            next_turn(move || {
                server.destroy();
                client.destroy();
            });
        });
        Ok(())
    });
    seen.assert(&["read", "second ok", "client: drain", "client: close false"]);
}

#[test]
fn an_end_of_a_pair_that_is_destroyed_is_an_end_for_the_other_and_then_a_disconnect() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let (client, server) = Duplex::pair()?;
        log.duplex("", &client);
        server.destroy();
        client.on(End, |client, ()| _ = client.write("anybody?"));
        Ok(())
    });
    seen.assert(&["end", "error disconnect", "close true"]);
}

#[test]
fn a_chunk_that_waits_for_an_end_that_is_destroyed_fails() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let (client, server) = Duplex::pair()?;
        server.set_high_water(1);
        log.duplex("", &client);
        client.write_then("waits", log.written("write"));
        next_turn(move || server.destroy());
        Ok(())
    });
    seen.assert(&["write disconnect", "error disconnect", "close true"]);
}

#[test]
fn a_passage_that_is_piped_to_itself_starves_nobody() {
    let _watch = watchdog();
    run(|| {
        let circle = Duplex::pass_through()?;
        circle.pipe(&circle);
        circle.write("round and round");
        onward::set_timeout(std::time::Duration::from_millis(2), move || circle.destroy());
        Ok(())
    });
}

#[test]
fn many_streams_that_have_something_to_tell_at_once_need_no_deep_stack() {
    let little = std::thread::Builder::new().stack_size(256 * 1024);
    let thread = little.spawn(|| {
        run(|| {
            let heard = Rc::new(Cell::new(0));
            for _ in 0..5_000 {
                let passage = Duplex::pass_through()?;
                let hearing = Rc::clone(&heard);
                passage.on(Data, move |_, _| hearing.set(hearing.get() + 1));
                passage.end_with("x");
            }
            onward::Handle::current()?.at_exit(move || assert_eq!(heard.get(), 5_000));
            Ok(())
        });
    });
    thread.expect("a thread").join().expect("it ends well");
}

#[test]
fn a_producer_may_name_its_successor() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let duplex = Duplex::new(|_, _, done| done.ok())?;
        log.duplex("", &duplex);
        duplex.pull_from(|duplex| {
            duplex.push("from the first");
            duplex.pull_from(|duplex| {
                duplex.push("from the second");
                duplex.end_push();
                duplex.end();
            });
        });
        Ok(())
    });
    seen.assert(&["data from the first", "data from the second", "finish", "end", "close false"]);
}

#[test]
fn a_listener_of_close_that_panics_keeps_neither_the_other_end_waiting_nor_captures() {
    let event_loop = onward::EventLoop::new().expect("a loop");
    let log = Log::default();
    let held = Rc::new(());
    event_loop.enter(|| {
        let (near, far) = Duplex::pair().expect("a pair");
        log.duplex("", &far);
        let (kept, holding) = (near.clone(), Rc::clone(&held));
        near.on(Data, move |_, _| drop((kept.clone(), Rc::clone(&holding))));
        near.on(Close, |_, _| panic!("on purpose"));
        near.destroy();
    });
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| event_loop.run()));
    assert!(panicked.is_err());
    event_loop.run().expect("it goes on");
    log.assert(&["end", "close false"]);
    assert_eq!(Rc::strong_count(&held), 1, "its listeners are gone");
}
