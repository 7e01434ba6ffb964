//! How streams end, and what is left of them then.

use super::support::{Dir, Log, descriptors, in_time, noise, run};
use onward::ErrorKind;
use onward::events::*;
use onward::fs::{ReadStream, WriteStream};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

#[test]
fn a_stream_that_nobody_reads_opens_and_rests() {
    let dir = Dir::new();
    let path = dir.file("idle", "hello");
    let log = Log::default();
    run(|| {
        let stream = ReadStream::open(&path)?;
        log.edges(&stream);
        // Somebody has it, so it hears that the loop ends.
        let kept = stream.clone();
        stream.on(Close, move |_, _| assert!(kept.is_destroyed()));
        Ok(())
    })
    .unwrap();
    assert_eq!(log.all(), "open close(false)");
    assert_eq!(descriptors(&path), 0);
}

#[test]
fn a_stream_that_nobody_has_is_destroyed() {
    let dir = Dir::new();
    let path = dir.file("dropped", "hello");
    let (one, two) = (Log::default(), Log::default());
    let event_loop = onward::EventLoop::new().unwrap();
    event_loop.enter(|| {
        let stream = ReadStream::open(&path).unwrap();
        one.edges(&stream);
        stream.on(Open, |stream, ()| {
            stream.resume();
            stream.pause();
        });
        let stream = WriteStream::append(&path).unwrap();
        two.write(&stream);
        stream.write(", world");
    });
    event_loop.run().unwrap();
    // The loop is still there; the files are not open any more.
    assert_eq!(descriptors(&path), 0);
    assert_eq!(one.all(), "open close(false)");
    assert_eq!(two.all(), "open close(false)");
    assert_eq!(std::fs::read(&path).unwrap(), b"hello, world");
}

#[test]
fn destroy_is_followed_by_close_only() {
    let dir = Dir::new();
    let path = &dir.file("destroy", noise(1_000_000, 5));
    let during = |event: &'static str| {
        let log = Log::default();
        run(|| {
            let stream = ReadStream::open(path)?;
            log.read(&stream);
            let log = log.clone();
            let stop = move |stream: &ReadStream| {
                stream.destroy();
                stream.destroy();
                stream.resume();
                assert!(stream.is_destroyed());
                log.note("destroyed");
            };
            match event {
                "open" => drop(stream.on(Open, move |stream, ()| stop(stream))),
                "data" => drop(stream.on(Data, move |stream, _| stop(stream))),
                "end" => drop(stream.on(End, move |stream, ()| stop(stream))),
                _ => stop(&stream),
            }
            Ok(())
        })
        .unwrap();
        assert_eq!(descriptors(path), 0);
        log.all()
    };
    assert_eq!(during("new"), "destroyed close(false)");
    assert_eq!(during("open"), "open destroyed close(false)");
    assert_eq!(during("data"), "open data(65536) destroyed close(false)");
    assert!(during("end").ends_with(" end destroyed close(false)"));
}

#[test]
fn nothing_leaks_whenever_a_write_stream_is_destroyed() {
    let dir = Dir::new();
    let path = &dir.path("destroy");
    for turns in 0..40 {
        let log = Log::default();
        run(|| {
            let stream = WriteStream::create(path)?;
            log.write(&stream);
            stream.write(noise(100_000, 6));
            let closed = path.clone();
            stream.on(Close, move |_, _| assert_eq!(descriptors(&closed), 0));
            after_turns(turns, move || {
                stream.destroy();
                assert!(!stream.write("more"));
                stream.end();
            });
            Ok(())
        })
        .unwrap();
        let events = log.all();
        assert!(["close(false)", "open close(false)"].contains(&&*events), "{events}");
        assert_eq!(descriptors(path), 0);
    }
}

fn after_turns(turns: usize, f: impl FnOnce() + 'static) {
    match turns {
        0 => f(),
        _ => drop(onward::set_immediate(move || after_turns(turns - 1, f))),
    }
}

#[test]
fn an_unhandled_error_ends_the_loop_and_names_the_file() {
    let dir = Dir::new();
    let path = dir.path("nobody");
    let closed = Rc::new(Cell::new(false));
    let seen = Rc::clone(&closed);
    let error = run(|| {
        ReadStream::open(&path)?.on(Close, move |_, had_error| seen.set(had_error));
        Ok(())
    })
    .unwrap_err();
    assert!(closed.get());
    assert_eq!(error.kind(), ErrorKind::Unhandled);
    assert!(error.is_not_found());
    let path = path.display();
    let text = format!(
        "unhandled error of ReadStream {path}: open {path}: No such file or directory (os error 2)"
    );
    assert_eq!(error.to_string(), text);
    let error =
        run(|| WriteStream::create("/dev/full").map(|full| full.end_with("x"))).unwrap_err();
    let text = "unhandled error of WriteStream /dev/full: \
                write /dev/full: No space left on device (os error 28)";
    assert_eq!(error.to_string(), text);
}

#[test]
fn close_is_told_when_the_loop_is_stopped() {
    let dir = Dir::new();
    let (path, fifo) = (dir.file("stop", noise(5_000_000, 7)), dir.fifo("fifo"));
    let (read, waits, wrote) = (Log::default(), Log::default(), Log::default());
    run(|| {
        let stream = ReadStream::open(&path)?;
        read.edges(&stream);
        stream.once(Data, |_, _| onward::stop());
        stream.resume();
        waits.read(&ReadStream::open(&fifo)?);
        let stream = WriteStream::create(dir.path("other"))?;
        wrote.write(&stream);
        stream.write("x");
        Ok(())
    })
    .unwrap();
    assert_eq!(read.all(), "open close(false)");
    for log in [waits, wrote] {
        assert!(["close(false)", "open close(false)"].contains(&&*log.all()), "{}", log.all());
    }
    // A loop that is stopped does not wait for the pool; what that has in hand it closes itself.
    in_time(|| [&path, &fifo, &dir.path("other")].iter().all(|path| descriptors(path) == 0));
}

#[test]
fn after_a_panic_in_a_listener_the_stream_goes_on() {
    let dir = Dir::new();
    let path = dir.file("panic", "0123456789");
    for bad in ["open", "data", "end", "error", "finish"] {
        let log = Log::default();
        let event_loop = onward::EventLoop::new().unwrap();
        event_loop.enter(|| {
            let name = if bad == "error" { dir.path("missing") } else { path.clone() };
            let stream = onward::fs::ReadOptions::new().chunk_size(4).open(name).unwrap();
            log.read(&stream);
            stream.once(Open, move |_, ()| assert_ne!(bad, "open"));
            stream.once(Data, move |_, _| assert_ne!(bad, "data"));
            stream.once(End, move |_, ()| assert_ne!(bad, "end"));
            stream.once(Error, move |_, _| assert_ne!(bad, "error"));
            if bad == "finish" {
                let stream = WriteStream::create(dir.path("out")).unwrap();
                log.write(&stream);
                stream.once(Finish, |_, ()| panic!("finish"));
                stream.end_with("x");
            }
        });
        assert!(catch_unwind(AssertUnwindSafe(|| event_loop.run())).is_err(), "{bad}");
        event_loop.run().unwrap();
        let events = log.all();
        match bad {
            "error" => assert!(events.ends_with(") close(true)"), "{events}"),
            "finish" => assert_eq!(events.matches("close(false)").count(), 2, "{events}"),
            _ => assert_eq!(events, "open data(4) data(4) data(2) end close(false)", "{bad}"),
        }
    }
}

#[test]
fn listeners_are_dropped_after_close() {
    let dir = Dir::new();
    let path = dir.file("cycle", "x");
    let kept = Rc::new(());
    run(|| {
        let stream = ReadStream::open(&path)?;
        let (cycle, kept) = (stream.clone(), Rc::clone(&kept));
        stream.on(Data, move |_, _| assert!(!cycle.is_destroyed() && Rc::strong_count(&kept) > 0));
        Ok(())
    })
    .unwrap();
    assert_eq!(Rc::strong_count(&kept), 1);
}

#[test]
fn debug_and_display_name_the_path() {
    run(|| {
        let stream = ReadStream::open("/dev/null")?;
        assert_eq!(
            format!("{stream:?} {stream}"),
            "ReadStream(/dev/null, opening) ReadStream /dev/null"
        );
        assert_eq!(stream.path(), Some("/dev/null".as_ref()));
        stream.on(Open, |stream, ()| {
            assert_eq!(format!("{stream:?}"), "ReadStream(/dev/null)");
            stream.pause();
            assert_eq!(format!("{stream:?}"), "ReadStream(/dev/null, paused)");
            stream.destroy();
            assert_eq!(format!("{stream:?}"), "ReadStream(/dev/null, closed)");
        });
        let stream = WriteStream::create("/dev/null")?;
        stream.write("abc");
        assert_eq!(format!("{stream:?}"), "WriteStream(/dev/null, opening, 3 bytes queued)");
        let file = ReadStream::from_file(std::fs::File::open("/dev/null")?)?;
        assert!(format!("{file:?}").starts_with("ReadStream(file descriptor "), "{file:?}");
        Ok(())
    })
    .unwrap();
}
