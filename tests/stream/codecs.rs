//! Lines and frames, out of bytes that were cut anywhere, and back.

use super::support::{Log, next_turn, run, sort, watchdog};
use onward::events::*;
use onward::stream::{
    Duplex, Newline, Pieces, Prefix, Sink, Source, Splitter, frames, lines, pieces, pipeline,
};
use std::cell::RefCell;
use std::rc::Rc;

const PREFIXES: [Prefix; 8] = [
    Prefix::U8,
    Prefix::U16,
    Prefix::U32,
    Prefix::U64,
    Prefix::U16Le,
    Prefix::U32Le,
    Prefix::U64Le,
    Prefix::Varint,
];

/// Notes all that pieces tell.
fn watch(log: &Log, pieces: &Pieces) {
    let noting = log.clone();
    pieces.on(Line, move |_, line| noting.note(format!("line {line}")));
    watch_all_but_lines(log, pieces);
}

fn watch_all_but_lines(log: &Log, pieces: &Pieces) {
    let noting = log.clone();
    pieces.on(End, move |_, ()| noting.note("end"));
    let noting = log.clone();
    pieces.on(Error, move |_, error| noting.note(format!("error {}", sort(error))));
    let noting = log.clone();
    pieces.on(Close, move |_, had_error| noting.note(format!("close {had_error}")));
}

/// What is told of lines that come like that, in chunks.
fn told(chunks: impl IntoIterator<Item = &'static str, IntoIter: 'static>, max: usize) -> Log {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        watch(&log, &lines(&Source::from_iter(chunks)?).max(max));
        Ok(())
    });
    seen
}

#[test]
fn lines_end_in_newlines_with_or_without_a_carriage_return_and_the_last_in_nothing() {
    told(["one\ntwo\r\n\n\r\nthr\ree\nlast"], 100).assert(&[
        "line one",
        "line two",
        "line ",
        "line ",
        "line thr\ree",
        "line last",
        "end",
        "close false",
    ]);
    told(["\n"], 100).assert(&["line ", "end", "close false"]);
    told([""], 100).assert(&["end", "close false"]);
    told(["only\r"], 100).assert(&["line only\r", "end", "close false"]);
}

#[test]
fn it_makes_no_difference_where_the_chunks_were_cut() {
    const TEXT: &str = "one\ntwo\r\n\nfour and \u{e9}\u{1f600}\r\nlast";
    let whole = told([TEXT], 100);
    for size in 1..TEXT.len() {
        let log = Log::default();
        let seen = log.clone();
        run(move || {
            let source = Source::from_iter(TEXT.as_bytes().chunks(size))?;
            watch(&log, &lines(&source));
            Ok(())
        });
        assert_eq!(format!("{seen:?}"), format!("{whole:?}"), "in chunks of {size}");
    }
}

#[test]
fn a_line_may_be_as_long_as_it_may_be_and_no_longer() {
    for end in ["\n", "\r\n"] {
        for size in 1..8 {
            for (text, fits) in [("12345", true), ("123456", false)] {
                let log = Log::default();
                let seen = log.clone();
                run(move || {
                    let text = format!("{text}{end}x");
                    let source = Source::from_iter(
                        text.as_bytes().chunks(size).map(<[u8]>::to_vec).collect::<Vec<_>>(),
                    )?;
                    watch(&log, &lines(&source).max(5));
                    Ok(())
                });
                if fits {
                    seen.assert(&["line 12345", "line x", "end", "close false"]);
                } else {
                    seen.assert(&["error TooLong", "close true"]);
                }
            }
        }
    }
    // One that never ends is not gathered for ever.
    told(["123456"], 5).assert(&["error TooLong", "close true"]);
    // Nor is it known before the end whether a carriage return belongs to it.
    told(["12345\r"], 5).assert(&["error TooLong", "close true"]);
    told(["1234\r"], 5).assert(&["line 1234\r", "end", "close false"]);
}

#[test]
fn what_is_wrong_with_a_line_destroys_the_stream_unless_it_is_kept() {
    for keep in [false, true] {
        let log = Log::default();
        let seen = log.clone();
        run(move || {
            let source = Source::new()?;
            source.push("much too long\nrest\n");
            let lines = lines(&source).max(5);
            let lines = if keep { lines.keep_stream() } else { lines };
            watch(&log, &lines);
            let closes = log.clone();
            source.on(Close, move |_, had_error| closes.note(format!("source close {had_error}")));
            next_turn(move || {
                assert_eq!((source.is_destroyed(), source.is_paused()), (!keep, keep));
                let reading = log.clone();
                source.on(Data, move |_, chunk| reading.note(format!("data {}", chunk.len())));
                source.push("more");
                source.resume();
                source.end();
            });
            Ok(())
        });
        if keep {
            seen.assert(&["error TooLong", "close true", "data 4", "source close false"]);
        } else {
            seen.assert(&["error TooLong", "close true", "source close false"]);
        }
    }
}

#[test]
fn an_error_of_the_stream_is_told_by_the_stream_alone() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let source = Source::from_iter(["one\ntw"])?;
        watch(&log, &lines(&source));
        source.on(Error, move |_, error| log.note(format!("source error {}", sort(error))));
        source.once(Data, |source, _| source.fail(super::support::oops()));
        Ok(())
    });
    seen.assert(&["line one", "source error oops", "close true"]);
}

#[test]
fn lines_can_be_paused_in_the_middle_of_a_chunk_and_hold_the_stream_below() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let source = Source::from_iter(["1\n2\n3\n", "4\n5"])?;
        let noting = log.clone();
        source.on(Data, move |_, _| noting.note("chunk"));
        let lines = lines(&source);
        watch(&log, &lines);
        lines.on(Line, move |lines, line| {
            if line == "2" || line == "5" {
                lines.pause();
                let (lines, log) = (lines.clone(), log.clone());
                next_turn(move || {
                    log.note("resumed");
                    lines.resume();
                });
            }
        });
        Ok(())
    });
    seen.assert(&[
        "chunk",
        "line 1",
        "line 2",
        "resumed",
        "line 3",
        "chunk",
        "line 4",
        "line 5",
        "resumed",
        "end",
        "close false",
    ]);
}

#[test]
fn nothing_is_read_before_somebody_listens_for_lines() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let source = Source::from_iter(["1\n"])?;
        let noting = log.clone();
        source.on(Data, move |_, _| noting.note("chunk"));
        let lines = lines(&source);
        next_turn(move || {
            log.note("now");
            watch(&log, &lines);
        });
        Ok(())
    });
    seen.assert(&["now", "chunk", "line 1", "end", "close false"]);
}

#[test]
fn a_listener_that_panics_loses_one_line_and_no_more() {
    let event_loop = onward::EventLoop::new().expect("a loop");
    let log = Log::default();
    event_loop.enter(|| {
        let source = Source::from_iter(["1\n2\n3\n4"]).expect("a stream");
        let lines = lines(&source);
        watch(&log, &lines);
        lines.on(Line, |_, line| assert_ne!(line, "2", "this one panics"));
    });
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| event_loop.run()));
    assert!(panicked.is_err());
    event_loop.run().expect("it goes on");
    log.assert(&["line 1", "line 2", "line 3", "line 4", "end", "close false"]);
}

#[test]
fn text_that_is_none_is_replaced_or_an_error_and_bytes_are_bytes() {
    for strict in [false, true] {
        let log = Log::default();
        let seen = log.clone();
        run(move || {
            let source = Source::from_iter([&b"caf\xc3"[..], b"\xa9\n", b"\xff\n"])?;
            let lines = if strict { lines(&source).strict() } else { lines(&source) };
            watch(&log, &lines);
            Ok(())
        });
        if strict {
            seen.assert(&["line caf\u{e9}", "error Malformed", "close true"]);
        } else {
            seen.assert(&["line caf\u{e9}", "line \u{fffd}", "end", "close false"]);
        }
    }
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let lines = lines(&Source::from_iter([b"\xff\n"])?).strict();
        watch_all_but_lines(&log, &lines);
        lines.on(Data, move |_, line| log.note(format!("{line:?}")));
        Ok(())
    });
    seen.assert(&["[255]", "end", "close false"]);
}

#[test]
fn lines_are_a_stream_that_can_be_piped() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let sink = log.accepting_slowly("")?;
        sink.set_high_water(1);
        pipeline(&lines(&Source::from_iter(["1\n2\n", "3"])?), &sink, log.result());
        Ok(())
    });
    seen.assert(&["takes 1", "takes 2", "takes 3", "result ok"]);
}

#[test]
fn frames_come_out_as_they_went_in_wherever_they_were_cut() {
    let messages: [&[u8]; 4] = [b"hello", b"", &[7; 200], b"x"];
    for prefix in PREFIXES {
        let bytes: Vec<u8> =
            messages.iter().flat_map(|message| prefix.frame(message).expect("it fits")).collect();
        for size in [1, 2, 3, 7, 100, 1000] {
            let told = Rc::new(RefCell::new(Vec::new()));
            let telling = Rc::clone(&told);
            let bytes = bytes.clone();
            run(move || {
                let chunks: Vec<_> = bytes.chunks(size).map(<[u8]>::to_vec).collect();
                let source = Source::from_iter(chunks)?;
                let frames = frames(&source, prefix);
                frames.on(Data, move |_, message| telling.borrow_mut().push(message.to_vec()));
                Ok(())
            });
            assert_eq!(*told.borrow(), messages, "{prefix:?} in chunks of {size}");
        }
    }
}

#[test]
fn a_frame_that_is_too_long_is_refused_by_its_head_and_one_that_is_cut_off_too() {
    type Case = (Prefix, &'static [u8], &'static [&'static str]);
    let cases: [Case; 6] = [
        (Prefix::U32, b"\x00\x00\x00\x0a", &["error TooLong", "close true"]),
        (Prefix::U64, &[0xff; 8], &["error TooLong", "close true"]),
        (Prefix::U8, b"\x05hell", &["error PrematureClose", "close true"]),
        (Prefix::U16, b"\x00", &["error PrematureClose", "close true"]),
        (Prefix::Varint, &[0xff; 11], &["error Malformed", "close true"]),
        // Its 65th bit is set.
        (
            Prefix::Varint,
            b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02",
            &["error Malformed", "close true"],
        ),
    ];
    for (prefix, bytes, expected) in cases {
        for size in [1, 100] {
            let log = Log::default();
            let seen = log.clone();
            run(move || {
                let frames = frames(&Source::from_iter(bytes.chunks(size))?, prefix).max(9);
                watch_all_but_lines(&log, &frames);
                frames.resume();
                Ok(())
            });
            seen.assert(expected);
        }
    }
}

#[test]
fn a_message_that_its_prefix_cannot_say_is_an_error_of_the_transform() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let framing = Duplex::join_frames(Prefix::U8)?;
        framing.on(Error, move |_, error| log.note(error.to_string()));
        framing.write([0; 256]);
        Ok(())
    });
    seen.assert(&["write frame of 256 bytes: longer than it may be"]);
}

#[test]
fn both_ways_of_each_codec_fit_in_a_pipeline() {
    let told = Rc::new(RefCell::new(Vec::new()));
    let telling = Rc::clone(&told);
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let source = Source::from_iter(["one\r\ntw", "o\n\nlast"])?;
        let (split, frame) = (Duplex::split(Newline, 100)?, Duplex::join_frames(Prefix::Varint)?);
        let (unframe, join) = (Duplex::split(Prefix::Varint, 100)?, Duplex::join_lines()?);
        let sink = Sink::new(move |chunk| telling.borrow_mut().extend_from_slice(chunk))?;
        pipeline(&source, (&split, &frame, &unframe, &join, &sink), log.result());
        Ok(())
    });
    seen.assert(&["result ok"]);
    assert_eq!(told.borrow().as_slice(), b"one\ntwo\n\nlast\n");
}

#[test]
fn a_listener_that_panics_at_the_last_line_or_at_the_end_does_not_keep_it_from_closing() {
    for at_end in [false, true] {
        let event_loop = onward::EventLoop::new().expect("a loop");
        let log = Log::default();
        event_loop.enter(|| {
            let lines = lines(&Source::from_iter(["1\n2"]).expect("a stream"));
            watch(&log, &lines);
            lines.on(Line, move |_, line| assert!(at_end || line != "2", "this one panics"));
            lines.on(End, move |_, ()| assert!(!at_end, "this one panics"));
        });
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| event_loop.run()));
        assert!(panicked.is_err());
        event_loop.run().expect("it goes on");
        log.assert(&["line 1", "line 2", "end", "close false"]);
    }
}

/// Pieces of one byte, whose splitter does something else meanwhile.
struct Busy(Rc<dyn Fn()>);

impl Splitter for Busy {
    fn find(&mut self, _: &[u8], _: &[u8], _: usize) -> onward::Result<Option<usize>> {
        (self.0)();
        Ok(Some(1))
    }

    fn trim(&self, piece: &[u8]) -> std::ops::Range<usize> {
        (self.0)();
        0..piece.len()
    }

    fn rest(&mut self, _: &[u8], _: usize) -> onward::Result<Option<std::ops::Range<usize>>> {
        (self.0)();
        Ok(None)
    }
}

#[test]
fn a_splitter_may_do_with_its_pieces_what_a_listener_may() {
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        let place = Rc::new(RefCell::new(None::<Pieces>));
        let asks = Rc::clone(&place);
        let busy = Busy(Rc::new(move || {
            let itself = asks.borrow().clone();
            itself.into_iter().for_each(|pieces| drop(pieces.max(100)));
        }));
        let pieces = pieces(&Source::from_iter(["ab", "c"])?, busy);
        place.replace(Some(pieces.clone()));
        watch(&log, &pieces);
        pieces.on(Close, move |_, _| drop(place.take()));
        Ok(())
    });
    seen.assert(&["line a", "line b", "line c", "end", "close false"]);
}

/// One that finds nothing, again and again.
struct Empty;

impl Splitter for Empty {
    fn find(&mut self, _: &[u8], _: &[u8], _: usize) -> onward::Result<Option<usize>> {
        Ok(Some(0))
    }

    fn trim(&self, piece: &[u8]) -> std::ops::Range<usize> {
        0..piece.len()
    }

    fn rest(&mut self, _: &[u8], _: usize) -> onward::Result<Option<std::ops::Range<usize>>> {
        Ok(None)
    }
}

#[test]
fn a_splitter_that_takes_nothing_is_an_error_and_not_the_end_of_the_loop() {
    let _watch = watchdog();
    let log = Log::default();
    let seen = log.clone();
    run(move || {
        watch(&log, &pieces(&Source::from_iter(["ab"])?, Empty));
        Ok(())
    });
    seen.assert(&["error Malformed", "close true"]);
}
