//! What a read stream tells, and in which order.

use super::support::{Dir, Log, noise, run};
use crate::child::{Process, is_child};
use onward::events::*;
use onward::fs::{ReadOptions, ReadStream};
use onward::{ErrorKind, Result};
use std::cell::{Cell, RefCell};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::rc::Rc;
use std::time::Duration;

/// What a stream tells if one listens to everything.
fn told(open: impl FnOnce() -> Result<ReadStream>) -> (String, Vec<u8>) {
    let log = Log::default();
    run(|| open().map(|stream| log.read(&stream))).unwrap();
    (log.all(), log.bytes())
}

fn events(open: impl FnOnce() -> Result<ReadStream>) -> String {
    told(open).0
}

#[test]
fn a_small_file_comes_in_one_chunk() {
    let dir = Dir::new();
    let path = dir.file("small", "hello");
    let (events, bytes) = told(|| ReadStream::open(path));
    assert_eq!(events, "open data(5) end close(false)");
    assert_eq!(bytes, b"hello");
}

#[test]
fn an_empty_file_has_no_data() {
    let dir = Dir::new();
    let path = dir.file("empty", "");
    assert_eq!(events(|| ReadStream::open(path)), "open end close(false)");
}

#[test]
fn ranges_are_inclusive() {
    let dir = Dir::new();
    let path = &dir.file("range", "0123456789");
    let data = |options: ReadOptions| {
        let (events, bytes) = told(|| options.open(path));
        assert!(events.starts_with("open ") && events.ends_with("end close(false)"), "{events}");
        String::from_utf8(bytes).unwrap()
    };
    let all = ReadOptions::new();
    assert_eq!(data(all.start(2).end(4)), "234");
    assert_eq!(data(all.start(7)), "789");
    assert_eq!(data(all.end(3)), "0123");
    assert_eq!(data(all.start(4).end(4)), "4");
    assert_eq!(data(all.start(8).end(100)), "89");
    assert_eq!(data(all.start(100)), "");
    assert_eq!(data(all.end(u64::MAX)), "0123456789");
}

#[test]
fn chunks_are_as_large_as_asked_for() {
    let dir = Dir::new();
    let path = &dir.file("chunks", "0123456789");
    let small = ReadOptions::new().chunk_size(4);
    assert_eq!(events(|| small.open(path)), "open data(4) data(4) data(2) end close(false)");
    assert_eq!(
        events(|| small.start(1).end(5).open(path)),
        "open data(4) data(1) end close(false)"
    );
    let large = noise(300_000, 1);
    let path = &dir.file("large", &large);
    let (events, bytes) = told(|| ReadOptions::new().chunk_size(200_000).open(path));
    assert_eq!(events, "open data(200000) data(100000) end close(false)");
    assert!(bytes == large);
    let (events, bytes) = told(|| ReadStream::open(path));
    assert_eq!(events.matches("data(65536)").count(), 4, "{events}");
    assert!(bytes == large);
}

#[test]
fn chunks_without_a_bound_come_all_the_same() {
    let dir = Dir::new();
    let path = dir.file("file", noise(300_000, 9));
    // Devices are read in another way.
    for (path, range) in [(path, None), ("/dev/zero".into(), Some(299_999))] {
        for chunk in [usize::MAX, usize::MAX >> 20] {
            let options = ReadOptions::new().chunk_size(chunk);
            let options = range.map_or(options, |end| options.end(end));
            assert_eq!(told(|| options.open(&path)).1.len(), 300_000);
        }
    }
}

#[test]
fn a_missing_file_is_an_error_and_a_close() {
    let dir = Dir::new();
    let missing = "error(open nope: No such file or directory (os error 2)) close(true)";
    assert_eq!(events(|| ReadStream::open(dir.path("nope"))), missing);
    let inside = dir.file("file", "").join("x");
    let not_a_directory = "error(open x: Not a directory (os error 20)) close(true)";
    assert_eq!(events(|| ReadStream::open(inside)), not_a_directory);
}

#[test]
fn a_directory_opens_and_cannot_be_read() {
    let dir = Dir::new();
    let path = dir.path("");
    let (events, _) = told(|| ReadStream::open(path));
    assert!(events.starts_with("open error(read "), "{events}");
    assert!(events.ends_with(": Is a directory (os error 21)) close(true)"), "{events}");
}

#[test]
fn what_is_forbidden_is_an_error() {
    use std::os::unix::fs::PermissionsExt as _;
    const NAME: &str = "fs::read::what_is_forbidden_is_an_error";
    const SECRET: &str = "ONWARD_TEST_SECRET";
    if let Some(path) = std::env::var_os(SECRET) {
        let forbidden = "error(open secret: Permission denied (os error 13)) close(true)";
        assert_eq!(events(|| ReadStream::open(path)), forbidden);
        return;
    }
    let dir = Dir::new();
    let path = dir.file("secret", "x");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    // To root nothing is forbidden: as somebody else, if this program can be run by them.
    let somebody = || {
        let mut command = std::process::Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        command.arg(std::env::current_exe().unwrap()).args(["--exact", NAME]);
        command
    };
    if std::fs::File::open(&path).is_err() {
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", NAME])
            .env(SECRET, &path)
            .status();
        assert!(status.unwrap().success());
    } else if somebody().arg("--list").output().is_ok_and(|output| output.status.success()) {
        assert!(somebody().env(SECRET, &path).status().unwrap().success());
    }
}

#[test]
fn bad_arguments_are_refused_at_once() {
    run(|| {
        let all = ReadOptions::new();
        let refused = [
            ReadStream::open("a\0b").unwrap_err(),
            all.start(2).end(1).open("x").unwrap_err(),
            all.chunk_size(0).open("x").unwrap_err(),
            all.start(u64::MAX).open("x").unwrap_err(),
        ];
        for error in refused {
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            assert!(error.to_string().starts_with("open "), "{error}");
        }
        Ok(())
    })
    .unwrap();
    assert_eq!(ReadStream::open("x").unwrap_err().kind(), ErrorKind::NotInLoop);
}

#[test]
#[cfg(target_os = "linux")]
fn files_without_a_length_are_read_to_their_end() {
    let (events, bytes) = told(|| ReadStream::open("/proc/self/status"));
    assert!(events.starts_with("open data(") && events.ends_with("end close(false)"), "{events}");
    assert!(String::from_utf8(bytes).unwrap().contains("Threads:"));
}

#[test]
fn devices_are_read_too() {
    assert_eq!(events(|| ReadStream::open("/dev/null")), "open end close(false)");
    let (events, bytes) = told(|| ReadOptions::new().end(99).open("/dev/zero"));
    assert_eq!(events, "open data(100) end close(false)");
    assert_eq!(bytes, [0; 100]);
}

#[test]
fn an_endless_device_leaves_the_loop_its_time() {
    let ticks = Rc::new(Cell::new(0));
    let seen = Rc::clone(&ticks);
    run(move || {
        let zeros = ReadStream::open("/dev/zero")?;
        zeros.on(Data, |_, _| {});
        onward::set_interval(Duration::from_millis(1), move |timer| {
            seen.set(seen.get() + 1);
            if seen.get() == 20 {
                timer.cancel();
                assert!(zeros.bytes_read() > 0);
                zeros.destroy();
            }
        });
        Ok(())
    })
    .unwrap();
    assert_eq!(ticks.get(), 20);
}

#[test]
fn a_file_that_is_unlinked_meanwhile_is_read_on() {
    let dir = Dir::new();
    let (path, large) = (dir.path("gone"), noise(3_000_000, 2));
    std::fs::write(&path, &large).unwrap();
    let (_, bytes) = told(|| {
        let stream = ReadStream::open(&path)?;
        stream.once(Data, move |_, _| std::fs::remove_file(path).unwrap());
        Ok(stream)
    });
    assert!(bytes == large);
}

#[test]
fn a_file_that_grows_is_read_to_the_end_that_is_seen() {
    let dir = Dir::new();
    let path = dir.file("grows", "one ");
    let (events, bytes) = told(|| {
        let stream = ReadStream::open(&path)?;
        let mut file = std::fs::File::options().append(true).open(path)?;
        stream.once(Data, move |_, _| file.write_all(b"two").unwrap());
        Ok(stream)
    });
    assert_eq!(events, "open data(4) data(3) end close(false)");
    assert_eq!(bytes, b"one two");
}

#[test]
fn offsets_beyond_four_gibibytes_are_right() {
    const FAR: u64 = 5 * (1 << 32) + 7;
    let dir = Dir::new();
    let path = dir.path("sparse");
    let mut file = std::fs::File::create(&path).unwrap();
    file.seek(SeekFrom::Start(FAR)).unwrap();
    file.write_all(b"far away").unwrap();
    let (_, bytes) = told(|| ReadOptions::new().start(FAR + 4).end(FAR + 20).open(path));
    assert_eq!(bytes, b"away");
}

#[test]
fn an_open_file_is_read_from_where_it_stands() {
    let dir = Dir::new();
    let mut file = std::fs::File::open(dir.file("open", "0123456789")).unwrap();
    file.seek(SeekFrom::Start(6)).unwrap();
    let shared = file.try_clone().unwrap();
    let (events, bytes) = told(|| ReadOptions::new().end(1).open_file(shared));
    assert_eq!((events.as_str(), &*bytes), ("open data(2) end close(false)", &b"67"[..]));
    assert_eq!(file.stream_position().unwrap(), 8);
    let (_, bytes) = told(|| ReadStream::from_file(file.try_clone()?));
    assert_eq!(bytes, b"89");
    let (_, bytes) = told(|| ReadOptions::new().start(3).end(4).open_file(file));
    assert_eq!(bytes, b"34");
}

#[test]
fn bytes_read_is_exact_at_each_event() {
    let dir = Dir::new();
    let path = dir.file("count", noise(1000, 3));
    run(|| {
        let stream = ReadOptions::new().chunk_size(300).open(path)?;
        let mut sum = 0;
        stream.on(Open, |stream, ()| assert_eq!(stream.bytes_read(), 0));
        stream.on(Data, move |stream, chunk| {
            sum += chunk.len() as u64;
            assert_eq!(stream.bytes_read(), sum);
        });
        stream.on(Close, |stream, _| assert_eq!(stream.bytes_read(), 1000));
        Ok(())
    })
    .unwrap();
}

#[test]
fn a_thousand_streams_do_not_mix() {
    Process::start("fs::read::child_with_a_thousand").ends_well();
}

/// By itself: it takes nearly all descriptors that there are.
#[test]
#[ignore = "a process of its own"]
fn child_with_a_thousand() {
    if !is_child() {
        return;
    }
    let dir = Dir::new();
    let limit = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let limit = limit.lines().find_map(|line| {
        line.strip_prefix("Max open files")?.split_whitespace().next()?.parse::<usize>().ok()
    });
    let count = limit.map_or(200, |limit| limit.saturating_sub(200).clamp(100, 1000));
    let closed = Rc::new(Cell::new(0));
    let content = |index: usize| noise(2_000 + index * 13, index as u64);
    let paths: Vec<_> = (0..count).map(|i| dir.file(&i.to_string(), content(i))).collect();
    run(|| {
        for (index, path) in paths.into_iter().enumerate() {
            let (stream, closed) =
                (ReadOptions::new().chunk_size(1024).open(path)?, Rc::clone(&closed));
            let read = Rc::new(RefCell::new(Vec::new()));
            let all = Rc::clone(&read);
            stream.on(Data, move |_, chunk| read.borrow_mut().extend_from_slice(chunk));
            stream.on(Close, move |_, had_error| {
                assert!(!had_error && *all.borrow() == content(index), "stream {index}");
                closed.set(closed.get() + 1);
            });
        }
        Ok(())
    })
    .unwrap();
    assert_eq!(closed.get(), count);
}

#[test]
fn nothing_comes_while_it_is_paused() {
    let dir = Dir::new();
    let path = dir.file("pause", "0123456789");
    let log = Log::default();
    run(|| {
        let stream = ReadOptions::new().chunk_size(4).open(path)?;
        stream.pause();
        log.read(&stream);
        assert!(stream.is_paused());
        let resumed = log.clone();
        stream.on(Open, move |stream, ()| {
            let (resumed, stream) = (resumed.clone(), stream.clone());
            onward::set_timeout(Duration::from_millis(20), move || {
                resumed.note("resume");
                stream.resume();
            });
        });
        let log = log.clone();
        stream.on(Data, move |stream, _| {
            log.note("pause");
            stream.pause();
            let (log, stream) = (log.clone(), stream.clone());
            onward::set_timeout(Duration::from_millis(5), move || {
                log.note("resume");
                stream.resume();
            });
        });
        Ok(())
    })
    .unwrap();
    let expected = "open resume data(4) pause resume data(4) pause resume data(2) pause resume \
                    end close(false)";
    assert_eq!(log.all(), expected);
}

#[test]
fn the_last_of_pause_and_resume_before_open_counts() {
    let dir = Dir::new();
    let path = dir.file("pause", "x");
    let log = Log::default();
    run(|| {
        let stream = ReadStream::open(path)?;
        log.read(&stream);
        stream.pause();
        stream.resume();
        Ok(())
    })
    .unwrap();
    assert_eq!(log.all(), "open data(1) end close(false)");
}

#[test]
fn resume_without_a_listener_discards() {
    let dir = Dir::new();
    let path = dir.file("discard", noise(200_000, 4));
    let log = Log::default();
    run(|| {
        let stream = ReadStream::open(path)?;
        log.edges(&stream);
        stream.resume();
        Ok(())
    })
    .unwrap();
    assert_eq!(log.all(), "open end close(false)");
}
