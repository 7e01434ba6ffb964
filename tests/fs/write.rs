//! What a write stream does, tells, and in which order.

use super::support::{Dir, Log, noise, run};
use onward::events::*;
use onward::fs::{WriteOptions, WriteStream};
use onward::{ErrorKind, Result};
use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;

/// What a stream tells of what is done with it.
fn told(open: impl FnOnce() -> Result<WriteStream>, then: impl FnOnce(&WriteStream)) -> String {
    let log = Log::default();
    run(|| {
        let stream = open()?;
        log.write(&stream);
        then(&stream);
        Ok(())
    })
    .unwrap();
    log.all()
}

fn content(path: &Path) -> String {
    String::from_utf8(std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn what_is_written_comes_into_the_file_in_order() {
    let dir = Dir::new();
    let path = dir.file("order", "this was here before");
    let events = told(
        || WriteStream::create(&path),
        |stream| {
            assert!(stream.write("one "));
            assert!(stream.write(b"two "));
            assert!(stream.write(""));
            assert_eq!((stream.queued(), stream.bytes_written()), (8, 0));
            stream.on(Drain, |_, ()| unreachable!("nobody was told to wait"));
            stream.on(Open, |stream, ()| {
                stream.write("three ");
                let stream = stream.clone();
                onward::set_timeout(std::time::Duration::from_millis(10), move || {
                    stream.write("four ");
                    stream.end_with("five");
                });
            });
        },
    );
    assert_eq!(events, "open finish close(false)");
    assert_eq!(content(&path), "one two three four five");
}

#[test]
fn many_writes_of_all_sizes_are_kept_in_order() {
    let dir = Dir::new();
    let (path, mut all) = (dir.path("many"), Vec::new());
    let chunks: Vec<_> = (0..300_usize).map(|i| noise(i * i * 7 % 40_000, i as u64)).collect();
    chunks.iter().for_each(|chunk| all.extend_from_slice(chunk));
    let len = all.len() as u64;
    run(|| {
        let stream = WriteStream::create(&path)?;
        let mut chunks = chunks.into_iter();
        let mut pour = move |stream: &WriteStream| {
            for chunk in chunks.by_ref() {
                if !stream.write(chunk) {
                    return;
                }
            }
            stream.end();
        };
        pour(&stream);
        stream.on(Drain, move |stream, ()| pour(stream));
        stream.on(Finish, move |stream, ()| assert_eq!(stream.bytes_written(), len));
        Ok(())
    })
    .unwrap();
    assert!(std::fs::read(path).unwrap() == all);
}

#[test]
fn append_and_start_keep_what_is_there() {
    let dir = Dir::new();
    let path = dir.file("keep", "hello");
    told(|| WriteStream::append(&path), |stream| stream.end_with(", world"));
    assert_eq!(content(&path), "hello, world");
    let options = WriteOptions::new().start(7).create(false);
    told(
        || options.open(&path),
        |stream| {
            stream.write("TH");
            stream.end_with("ERE");
        },
    );
    assert_eq!(content(&path), "hello, THERE");
    let options = WriteOptions::new().truncate(false);
    told(|| options.open(&path), |stream| stream.end_with("J"));
    assert_eq!(content(&path), "Jello, THERE");
}

#[test]
fn opening_may_fail() {
    let dir = Dir::new();
    let there = &dir.file("there", "x");
    let new = WriteOptions::new().create_new(true);
    let events = told(|| new.open(there), |stream| stream.end_with("y"));
    assert_eq!(events, "error(open there: File exists (os error 17)) close(true)");
    assert_eq!(content(there), "x");
    let old = WriteOptions::new().create(false);
    let events = told(|| old.open(dir.path("nope")), |_| ());
    assert_eq!(events, "error(open nope: No such file or directory (os error 2)) close(true)");
    let events = told(|| WriteStream::create(dir.path("")), |_| ());
    assert!(events.contains("Is a directory") && events.ends_with(") close(true)"), "{events}");
    run(|| {
        let refused = [
            WriteStream::create("a\0b").unwrap_err(),
            WriteOptions::new().append(true).truncate(true).open("x").unwrap_err(),
            WriteOptions::new().append(true).start(1).open("x").unwrap_err(),
            WriteOptions::new().start(u64::MAX).open("x").unwrap_err(),
        ];
        refused
            .iter()
            .for_each(|error| assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}"));
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_mode_is_for_files_that_are_created() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = Dir::new();
    let path = dir.path("mode");
    told(|| WriteOptions::new().mode(0o600).flush(true).open(&path), |stream| stream.end_with("x"));
    assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn flush_comes_before_finish() {
    let dir = Dir::new();
    let path = dir.path("flush");
    let events = told(
        || WriteOptions::new().flush(true).open(&path),
        |stream| {
            stream.write("to the ");
            stream.end_with("disk");
        },
    );
    assert_eq!(events, "open finish close(false)");
    assert_eq!(content(&path), "to the disk");
}

#[test]
fn writing_after_the_end_is_an_error() {
    let dir = Dir::new();
    let events = told(
        || WriteStream::create(dir.path("late")),
        |stream| {
            stream.end_with("x");
            assert!(!stream.write("y"));
            assert!(stream.is_destroyed());
        },
    );
    assert_eq!(events, "error(write late: written to after end) close(true)");
    let events = told(
        || WriteStream::create(dir.path("late")),
        |stream| {
            stream.end();
            stream.on(Finish, |stream, ()| assert!(!stream.write("y")));
        },
    );
    assert_eq!(events, "open finish error(write late: written to after end) close(true)");
}

#[test]
fn drain_comes_once_for_each_time_that_somebody_waits() {
    let dir = Dir::new();
    let path = dir.path("drain");
    let rounds = Rc::new(Cell::new(0));
    let seen = Rc::clone(&rounds);
    let events = told(
        || WriteOptions::new().high_water(1000).open(&path),
        |stream| {
            assert!(stream.write([1; 500]));
            assert!(!stream.write([2; 500]));
            assert!(!stream.write([3; 10]));
            assert!(stream.needs_drain());
            stream.on(Drain, move |stream, ()| {
                assert_eq!(stream.queued(), 0);
                assert!(!stream.needs_drain());
                seen.set(seen.get() + 1);
                match seen.get() {
                    1 => assert!(!stream.write([4; 1000])),
                    _ => stream.end_with([5; 2000]),
                }
            });
        },
    );
    assert_eq!(events, "open drain drain finish close(false)");
    assert_eq!(std::fs::metadata(path).unwrap().len(), 4010);
}

#[test]
fn the_queue_has_a_cap() {
    let dir = Dir::new();
    let events = told(
        || WriteOptions::new().max_queued(1000).open(dir.path("cap")),
        |stream| {
            assert!(stream.write([1; 1000]));
            assert!(!stream.write([2; 1]));
            assert!(!stream.write([2; 1]));
        },
    );
    assert!(events.starts_with("error(write cap: "), "{events}");
    assert!(events.ends_with("at its cap) close(true)"), "{events}");
}

#[test]
fn a_full_device_is_an_error_with_bytes() {
    run(|| {
        let stream = WriteStream::create("/dev/full")?;
        stream.end_with("x");
        stream.on(Finish, |_, ()| unreachable!());
        stream.on(Error, |stream, error| {
            assert_eq!(error.to_string(), "write /dev/full: No space left on device (os error 28)");
            assert_eq!(error.io_kind(), Some(std::io::ErrorKind::StorageFull));
            assert_eq!(stream.bytes_written(), 0);
        });
        stream.on(Close, |_, had_error| assert!(had_error));
        Ok(())
    })
    .unwrap();
    assert_eq!(
        told(|| WriteStream::create("/dev/null"), |s| s.end_with("x")),
        "open finish close(false)"
    );
}

#[test]
fn an_open_file_is_written_from_where_it_stands() {
    use std::io::Write as _;
    let dir = Dir::new();
    let path = dir.path("open");
    let mut file = std::fs::File::create(&path).unwrap();
    file.write_all(b"by hand, ").unwrap();
    told(|| WriteStream::from_file(file.try_clone()?), |stream| stream.end_with("by stream"));
    assert_eq!(content(&path), "by hand, by stream");
    file.write_all(b", by hand").unwrap();
    assert_eq!(content(&path), "by hand, by stream, by hand");
}

#[test]
fn an_idle_stream_does_not_hold_the_loop() {
    let dir = Dir::new();
    let path = dir.path("idle");
    let log = Log::default();
    let mut kept = None;
    run(|| {
        let stream = WriteStream::create(&path)?;
        log.write(&stream);
        stream.write("x");
        kept = Some(stream);
        Ok(())
    })
    .unwrap();
    assert_eq!(log.all(), "open close(false)");
    assert_eq!(content(&path), "x");
}
