//! What becomes of single writes, and of the file in the end.

use super::support::{Dir, Log, descriptors, in_time, noise, run, short};
use onward::abort::{AbortController, Abortable as _};
use onward::events::*;
use onward::fs::{WriteOptions, WriteStream};
use onward::stream::WhenFull;
use onward::{ErrorKind, Result};
use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

/// Notes what became of a write.
fn noting(log: &Log, name: &'static str) -> impl FnOnce(Result<()>) + 'static {
    let log = log.clone();
    move |result| match result {
        Ok(()) => log.note(name),
        Err(error) => log.note(format!("{name}({})", short(&error))),
    }
}

/// All that lies in a directory.
fn names(dir: &Dir) -> Vec<String> {
    let entries = std::fs::read_dir(dir.path("")).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn content(path: &Path) -> String {
    String::from_utf8(std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn callbacks_come_in_the_order_of_the_writes_and_before_finish() {
    let dir = Dir::new();
    let path = dir.path("order");
    let log = Log::default();
    run(|| {
        let stream = WriteOptions::new().high_water(2).open(&path)?;
        log.write(&stream);
        stream.write_then("one ", noting(&log, "first"));
        stream.write("two ");
        stream.write_owned_then("three ", noting(&log, "third"));
        stream.write_then("", noting(&log, "nothing"));
        log.note("written");
        let (again, kept) = (log.clone(), stream.clone());
        stream.write_then("four ", move |result| {
            result.unwrap();
            assert_eq!(kept.bytes_written(), 19);
            again.note("fourth");
            kept.write_then("five", noting(&again, "fifth"));
            kept.end();
        });
        Ok(())
    })
    .unwrap();
    let expected = "written open drain first third nothing fourth fifth finish close(false)";
    assert_eq!(log.all(), expected);
    assert_eq!(content(&path), "one two three four five");
}

#[test]
fn a_failed_write_tells_its_callback_first() {
    let log = Log::default();
    run(|| {
        let stream = WriteStream::create("/dev/full")?;
        log.write(&stream);
        stream.write_then("x", noting(&log, "one"));
        stream.write_durable("y", noting(&log, "two"));
        let (log, kept) = (log.clone(), stream.clone());
        stream.on(Error, move |_, _| {
            kept.write_then("z", noting(&log, "late"));
        });
        Ok(())
    })
    .unwrap();
    let full = "write full: No space left on device (os error 28)";
    let late = "late(write full: destroyed before it was done)";
    assert_eq!(log.all(), format!("open one({full}) two({full}) error({full}) {late} close(true)"));
}

#[test]
fn what_was_not_written_is_told_in_order_when_the_stream_is_destroyed() {
    let dir = Dir::new();
    let log = Log::default();
    run(|| {
        let stream = WriteStream::create(dir.path("destroyed"))?;
        log.write(&stream);
        stream.write_then("one", noting(&log, "one"));
        stream.write_then("two", noting(&log, "two"));
        stream.destroy();
        log.note("destroyed");
        stream.write_then("three", noting(&log, "three"));
        Ok(())
    })
    .unwrap();
    let why = "(write destroyed: destroyed before it was done)";
    // Who comes afterwards is told as a tick, the others when the file is closed.
    assert_eq!(log.all(), format!("destroyed three{why} one{why} two{why} close(false)"));
}

#[test]
fn a_file_that_cannot_be_opened_tells_all_who_wait() {
    let dir = Dir::new();
    let log = Log::default();
    run(|| {
        let stream = WriteStream::create(dir.path("no/where"))?;
        log.write(&stream);
        stream.write_then("x", noting(&log, "one"));
        stream.sync(noting(&log, "synced"));
        stream.end();
        Ok(())
    })
    .unwrap();
    let why = "open where: No such file or directory (os error 2)";
    assert_eq!(log.all(), format!("one({why}) synced({why}) error({why}) close(true)"));
}

#[test]
fn writing_after_the_end_fails_that_write_only() {
    let dir = Dir::new();
    let log = Log::default();
    run(|| {
        let stream = WriteStream::create(dir.path("late"))?;
        log.write(&stream);
        let (log, kept) = (log.clone(), stream.clone());
        stream.on(Finish, move |_, ()| {
            kept.write_then("y", noting(&log, "late"));
        });
        stream.end_with("x");
        Ok(())
    })
    .unwrap();
    let why = "write late: written to after end";
    assert_eq!(log.all(), format!("open finish late({why}) error({why}) close(true)"));
}

#[test]
fn durable_writes_are_on_the_disk_when_they_are_told() {
    let dir = Dir::new();
    let path = dir.path("durable");
    let log = Log::default();
    run(|| {
        let stream = WriteStream::create(&path)?;
        log.write(&stream);
        stream.sync(noting(&log, "nothing"));
        let (seen, again, kept) = (path.clone(), log.clone(), stream.clone());
        stream.write_durable("one", move |result| {
            result.unwrap();
            assert_eq!(content(&seen), "one");
            again.note("one");
            kept.write("two");
            kept.sync(noting(&again, "synced"));
            kept.end();
        });
        stream.write_then("", noting(&log, "taken"));
        Ok(())
    })
    .unwrap();
    // That nothing was written yet is known at once.
    assert_eq!(log.all(), "nothing open taken one synced finish close(false)");
    assert_eq!(content(&path), "onetwo");
}

#[test]
fn devices_and_fifos_know_no_disk() {
    let log = Log::default();
    run(|| {
        let stream = WriteStream::create("/dev/null")?;
        stream.write_durable("x", noting(&log, "null"));
        stream.end();
        let (mut read, write) = std::io::pipe()?;
        let stream = WriteStream::from_file(File::from(std::os::fd::OwnedFd::from(write)))?;
        stream.write_durable("x", noting(&log, "pipe"));
        stream.sync(noting(&log, "synced"));
        stream.end();
        stream.on(Close, move |_, _| {
            let mut text = String::new();
            std::io::Read::read_to_string(&mut read, &mut text).unwrap();
            assert_eq!(text, "x");
        });
        Ok(())
    })
    .unwrap();
    let mut told: Vec<_> = log.all().split(' ').map(String::from).collect();
    told.sort();
    assert_eq!(told, ["null", "pipe", "synced"]);
}

#[test]
fn corked_writes_wait_until_it_is_uncorked_as_often() {
    let dir = Dir::new();
    let path = dir.path("cork");
    let log = Log::default();
    run(|| {
        let stream = WriteStream::create(&path)?;
        log.write(&stream);
        stream.cork();
        stream.cork();
        stream.write_then("one ", noting(&log, "one"));
        stream.on(Open, {
            let (log, path) = (log.clone(), path.clone());
            move |stream, ()| {
                let (log, path, stream) = (log.clone(), path.clone(), stream.clone());
                onward::set_timeout(Duration::from_millis(20), move || {
                    stream.write_then("two", noting(&log, "two"));
                    stream.uncork();
                    onward::set_timeout(Duration::from_millis(20), move || {
                        assert_eq!((stream.queued(), stream.bytes_written()), (7, 0));
                        assert_eq!(content(&path), "");
                        log.note("uncorked");
                        stream.uncork();
                        stream.uncork();
                        stream.end();
                    });
                });
            }
        });
        Ok(())
    })
    .unwrap();
    assert_eq!(log.all(), "open uncorked one two finish close(false)");
    assert_eq!(content(&path), "one two");
}

#[test]
fn the_end_uncorks() {
    let dir = Dir::new();
    let path = dir.path("cork");
    let log = Log::default();
    run(|| {
        let stream = WriteStream::create(&path)?;
        log.write(&stream);
        stream.cork();
        stream.write("one");
        stream.end();
        Ok(())
    })
    .unwrap();
    assert_eq!(log.all(), "open finish close(false)");
    assert_eq!(content(&path), "one");
}

#[test]
fn a_full_queue_may_drop_or_close() {
    let dir = Dir::new();
    let path = dir.path("full");
    let log = Log::default();
    let options = WriteOptions::new().max_queued(4);
    run(|| {
        let stream = options.when_full(WhenFull::Drop).open(&path)?;
        log.write(&stream);
        stream.write_then("1234", noting(&log, "one"));
        assert!(!stream.write_then("5", noting(&log, "two")));
        assert_eq!((stream.dropped_chunks(), stream.dropped_bytes()), (1, 1));
        stream.on(Drain, |stream, ()| stream.end_with("67"));
        Ok(())
    })
    .unwrap();
    let full = "two(write full: what is sent is not taken: the queue is at its cap)";
    assert_eq!(log.all(), format!("open drain one {full} finish close(false)"));
    assert_eq!(content(&path), "123467");
    let log = Log::default();
    run(|| {
        let stream = options.when_full(WhenFull::Close).open(&path)?;
        log.write(&stream);
        assert!(!stream.write("12345"));
        Ok(())
    })
    .unwrap();
    assert_eq!(log.all(), "close(false)");
}

#[test]
fn after_a_panic_in_a_callback_the_others_are_called() {
    let dir = Dir::new();
    for destroyed in [false, true] {
        let log = Log::default();
        let event_loop = onward::EventLoop::new().unwrap();
        event_loop.enter(|| {
            let stream = WriteStream::create(dir.path("panic")).unwrap();
            stream.write_then("x", |_| panic!("in a callback"));
            stream.write_then("y", noting(&log, "other"));
            stream.end();
            if destroyed {
                stream.destroy();
            }
        });
        assert!(catch_unwind(AssertUnwindSafe(|| event_loop.run())).is_err());
        event_loop.run().unwrap();
        let why = if destroyed { "(write panic: destroyed before it was done)" } else { "" };
        assert_eq!(log.all(), format!("other{why}"));
    }
}

#[test]
fn a_stream_that_does_not_close_by_itself_gives_its_file_back() {
    let dir = Dir::new();
    let path = dir.path("back");
    let log = Log::default();
    run(|| {
        let options = WriteOptions::new().auto_close(false);
        let stream = options.open_file(File::create(&path)?)?;
        log.write(&stream);
        let early = stream.clone().into_std().unwrap_err();
        assert_eq!(early.kind(), ErrorKind::InvalidInput, "{early}");
        stream.on(Open, |stream, ()| {
            stream.write("by stream");
            assert!(stream.clone().into_std().unwrap_err().to_string().ends_with("at work"));
            stream.end();
        });
        let log = log.clone();
        stream.on(Finish, move |stream, ()| {
            let (log, stream) = (log.clone(), stream.clone());
            onward::set_timeout(Duration::from_millis(10), move || {
                log.note("still open");
                let mut file = stream.into_std().unwrap();
                file.write_all(b", by hand").unwrap();
            });
        });
        Ok(())
    })
    .unwrap();
    assert_eq!(log.all(), "open finish still open close(false)");
    assert_eq!(content(&path), "by stream, by hand");
    assert_eq!(descriptors(&path), 0);
}

#[test]
fn a_finished_stream_that_does_not_close_holds_nobody_up() {
    let dir = Dir::new();
    let log = Log::default();
    let mut kept = None;
    run(|| {
        let stream = WriteOptions::new().auto_close(false).open(dir.path("open"))?;
        log.write(&stream);
        stream.end_with("x");
        kept = Some(stream);
        Ok(())
    })
    .unwrap();
    assert_eq!(log.all(), "open finish close(false)");
}

#[test]
fn many_chunks_at_an_offset_beyond_four_gibibytes() {
    const FAR: u64 = 5 * (1 << 32) + 7;
    let dir = Dir::new();
    let path = dir.path("far");
    let chunks: Vec<_> = (0..200).map(|seed| noise(3_000, seed)).collect();
    let all = chunks.concat();
    run(|| {
        let stream = WriteOptions::new().start(FAR).open(&path)?;
        chunks.into_iter().for_each(|chunk| _ = stream.write_owned(chunk));
        stream.end();
        Ok(())
    })
    .unwrap();
    let mut file = File::open(&path).unwrap();
    assert_eq!(file.metadata().unwrap().len(), FAR + 600_000);
    file.seek(std::io::SeekFrom::Start(FAR)).unwrap();
    let mut there = Vec::new();
    std::io::Read::read_to_end(&mut file, &mut there).unwrap();
    assert!(there == all);
}

#[test]
fn a_file_is_replaced_in_one_step() {
    let dir = Dir::new();
    let path = dir.file("settings", "old");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let before = std::fs::metadata(&path).unwrap();
    std::os::unix::fs::symlink("settings", dir.path("link")).unwrap();
    let log = Log::default();
    run(|| {
        let stream = WriteOptions::new().replace(true).open(dir.path("link"))?;
        log.write(&stream);
        let (path, log) = (path.clone(), log.clone());
        stream.write_durable(noise(500_000, 1), move |_| {
            assert_eq!(content(&path), "old");
            log.note("written");
        });
        let path = dir.path("settings");
        stream.on(Finish, move |_, ()| {
            assert_eq!(std::fs::metadata(&path).unwrap().len(), 500_000);
        });
        stream.end();
        Ok(())
    })
    .unwrap();
    assert_eq!(log.all(), "open written finish close(false)");
    let after = std::fs::metadata(&path).unwrap();
    assert_eq!(names(&dir), ["link", "settings"]);
    assert_ne!(before.ino(), after.ino());
    assert_eq!((before.mode(), before.uid()), (after.mode(), after.uid()));
    assert!(std::fs::symlink_metadata(dir.path("link")).unwrap().is_symlink());
    assert!(std::fs::read(&path).unwrap() == noise(500_000, 1));
}

#[test]
fn a_replacement_that_is_given_up_leaves_nothing() {
    let dir = Dir::new();
    let path = &dir.file("settings", "old");
    for how in ["destroy", "abort", "drop", "error", "early", "stop", "open"] {
        let log = Log::default();
        let result = run(|| {
            let options = WriteOptions::new().replace(true).max_queued(100_000);
            let stream = options.open(path)?;
            log.write(&stream);
            let controller = AbortController::new();
            stream.clone().abort_on(&controller.signal());
            if how == "early" {
                stream.destroy();
            }
            let folder = dir.path("");
            stream.on(Close, move |_, _| {
                let count = std::fs::read_dir(&folder).unwrap().count();
                assert!(count == 1 || how == "stop", "{count} files before close after {how}");
            });
            stream.on(Open, move |stream, ()| {
                stream.write_then(noise(100_000, 1), move |_| {
                    if how == "open" {
                        onward::stop();
                    }
                });
                match how {
                    "destroy" => stream.destroy(),
                    "abort" => controller.abort(),
                    "error" => _ = stream.write("too much"),
                    "stop" => onward::stop(),
                    _ => {}
                }
            });
            if how == "open" {
                std::mem::forget(stream);
            }
            Ok(())
        });
        assert!(result.is_ok(), "{how}: {result:?}");
        // A loop that is stopped does not wait for the pool, which may still write.
        in_time(|| names(&dir) == ["settings"]);
        assert_eq!(content(path), "old", "{how}");
        let ends = if matches!(how, "abort" | "error") { "close(true)" } else { "close(false)" };
        assert!(log.all().ends_with(ends), "{how}: {}", log.all());
    }
}

#[test]
fn a_new_file_comes_with_its_content_only() {
    let dir = Dir::new();
    let path = dir.path("new");
    run(|| {
        let stream = WriteOptions::new().replace(true).mode(0o600).open(&path)?;
        let path = path.clone();
        stream.on(Open, move |stream, ()| {
            assert!(!path.exists());
            stream.end_with("there");
        });
        Ok(())
    })
    .unwrap();
    assert_eq!(content(&path), "there");
    assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    assert_eq!(names(&dir), ["new"]);
}

#[test]
fn what_cannot_be_replaced_is_an_error() {
    let dir = Dir::new();
    let replace = WriteOptions::new().replace(true);
    std::fs::create_dir(dir.path("folder")).unwrap();
    dir.fifo("fifo");
    for name in ["folder", "fifo"] {
        let log = Log::default();
        run(|| {
            let stream = replace.open(dir.path(name))?;
            log.write(&stream);
            stream.end_with("x");
            Ok(())
        })
        .unwrap();
        let why = "only a file can be replaced by another one";
        assert_eq!(log.all(), format!("error(open {name}: {why}) close(true)"));
    }
    let log = Log::default();
    run(|| replace.open(dir.path("no/where")).map(|stream| log.write(&stream))).unwrap();
    assert!(log.all().contains("No such file"), "{}", log.all());
    run(|| {
        let refused = [
            replace.append(true).open("x").unwrap_err(),
            replace.start(1).open("x").unwrap_err(),
            replace.create_new(true).open("x").unwrap_err(),
            replace.truncate(false).open("x").unwrap_err(),
            replace.open_file(File::open("/dev/null")?).unwrap_err(),
        ];
        for error in refused {
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        }
        Ok(())
    })
    .unwrap();
    assert_eq!(names(&dir), ["fifo", "folder"]);
}

#[test]
fn an_abort_is_an_error_and_a_close() {
    let dir = Dir::new();
    let log = Log::default();
    run(|| {
        let controller = AbortController::new();
        let stream = WriteStream::create(dir.path("abort"))?.abort_on(&controller.signal());
        log.write(&stream);
        stream.write_then("x", noting(&log, "write"));
        controller.abort_because("enough");
        Ok(())
    })
    .unwrap();
    assert_eq!(log.all(), "write(abort abort: enough) error(abort abort: enough) close(true)");
}
