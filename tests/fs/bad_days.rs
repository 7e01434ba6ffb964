//! What goes wrong with files: full and read-only disks, missing permissions, files that shrink, descriptors that run
//! out. Nothing that was acknowledged is lost, and nothing is left open.

use super::support::{Dir, Log, descriptors, noise, run, short};
use crate::child::{self, Process};
use onward::events::*;
use onward::fs::{ReadOptions, ReadStream, WriteOptions, WriteStream};
use onward::stream::pipeline;
use onward::{ErrorKind, Result};
use std::cell::{Cell, RefCell};
use std::ffi::OsStr;
use std::io::ErrorKind::{ReadOnlyFilesystem, StorageFull};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

/// Where a test of this process may mount what it likes: it has been started for that.
const PLACE: &str = "ONWARD_TEST_PLACE";

/// Runs a test of this module once more, in a process with file systems of its own, if this machine lets it: with a
/// memory of 256 KiB mounted at a directory of its own. `None`: this is that process, and there is the directory.
fn with_small_disk(name: &str) -> Option<PathBuf> {
    if let Some(place) = std::env::var_os(PLACE) {
        return Some(place.into());
    }
    let unshare = || {
        let mut command = Command::new("unshare");
        command.arg("-m");
        command
    };
    if !unshare().arg("true").output().is_ok_and(|output| output.status.success()) {
        eprintln!("not here: no file systems can be mounted");
        return None;
    }
    let dir = Dir::new();
    let status = unshare()
        .args(["sh", "-c", "mount -t tmpfs -o size=256k none \"$1\" && shift && exec \"$@\"", "sh"])
        .arg(dir.path(""))
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &format!("fs::bad_days::{name}"), "--nocapture"])
        .env(PLACE, dir.path(""))
        .status();
    assert!(status.unwrap().success());
    None
}

fn length(path: &Path) -> u64 {
    std::fs::metadata(path).unwrap().len()
}

#[test]
fn a_disk_that_is_full_in_the_middle_is_an_error_and_what_was_acknowledged_is_there() {
    let test = "a_disk_that_is_full_in_the_middle_is_an_error_and_what_was_acknowledged_is_there";
    let Some(place) = with_small_disk(test) else { return };
    for durable in [false, true] {
        let path = place.join("file");
        let (taken, refused) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        let log = Log::default();
        run(|| {
            let stream = WriteOptions::new().high_water(1).open(&path)?;
            log.write(&stream);
            for seed in 0..50 {
                let (taken, refused) = (Rc::clone(&taken), Rc::clone(&refused));
                let told = move |result: Result<()>| match result {
                    Ok(()) => taken.set(taken.get() + 10_000),
                    Err(error) => {
                        assert_eq!(error.io_kind(), Some(StorageFull), "{error}");
                        refused.set(refused.get() + 1);
                    }
                };
                match durable {
                    true => stream.write_durable(noise(10_000, seed), told),
                    false => stream.write_then(noise(10_000, seed), told),
                };
            }
            let path = path.clone();
            stream.on(Error, move |stream, _| {
                assert_eq!(stream.bytes_written(), length(&path));
            });
            Ok(())
        })
        .unwrap();
        let full = "error(write file: No space left on device (os error 28)) close(true)";
        assert_eq!(log.all(), format!("open {full}"));
        assert_eq!(taken.get() / 10_000 + refused.get(), 50);
        assert!(refused.get() > 0 && taken.get() <= length(&path), "{taken:?} {refused:?}");
        let all: Vec<u8> = (0..50).flat_map(|seed| noise(10_000, seed)).collect();
        assert!(all.starts_with(&std::fs::read(&path).unwrap()));
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn a_pipe_to_a_full_disk_closes_both_ends() {
    let Some(place) = with_small_disk("a_pipe_to_a_full_disk_closes_both_ends") else { return };
    let dir = Dir::new();
    let from = dir.file("from", noise(1_000_000, 1));
    for replace in [false, true] {
        let (to, result) = (place.join("to"), Rc::new(RefCell::new(None)));
        std::fs::write(&to, "old").unwrap();
        let (log, kept) = (Log::default(), Rc::clone(&result));
        run(|| {
            let from = ReadStream::open(&from)?;
            log.edges(&from);
            let to = WriteOptions::new().replace(replace).open(&to)?;
            pipeline(&from, &to, move |result| drop(kept.replace(Some(result))));
            Ok(())
        })
        .unwrap();
        let error = result.take().unwrap().unwrap_err();
        assert_eq!(short(&error), "write to: No space left on device (os error 28)");
        assert_eq!(log.all(), "open close(false)");
        assert_eq!(descriptors(&from) + descriptors(&to), 0);
        if replace {
            assert_eq!(std::fs::read(&to).unwrap(), b"old");
        } else {
            assert!(std::fs::read(&from).unwrap().starts_with(&std::fs::read(&to).unwrap()));
        }
        assert_eq!(std::fs::read_dir(&place).unwrap().count(), 1);
    }
}

#[test]
fn a_read_only_disk_can_be_read_only() {
    let Some(place) = with_small_disk("a_read_only_disk_can_be_read_only") else { return };
    let path = place.join("file");
    std::fs::write(&path, "there").unwrap();
    let mount = Command::new("mount").args(["-o", "remount,ro"]).arg(&place).status();
    assert!(mount.unwrap().success());
    let ways = [
        WriteOptions::new(),
        WriteOptions::new().append(true),
        WriteOptions::new().start(1),
        WriteOptions::new().replace(true),
    ];
    for options in ways {
        let log = Log::default();
        run(|| {
            let stream = options.open(&path)?;
            log.write(&stream);
            stream.on(Error, |_, error| assert_eq!(error.io_kind(), Some(ReadOnlyFilesystem)));
            stream.end_with("x");
            Ok(())
        })
        .unwrap();
        let why = "error(open file: Read-only file system (os error 30)) close(true)";
        assert_eq!(log.all(), why);
    }
    let log = Log::default();
    run(|| ReadStream::open(&path).map(|stream| log.read(&stream))).unwrap();
    assert_eq!(log.bytes(), b"there");
}

#[test]
fn what_may_not_be_written_is_an_error() {
    use std::os::unix::fs::PermissionsExt as _;
    const NAME: &str = "fs::bad_days::what_may_not_be_written_is_an_error";
    if let Some(path) = std::env::var_os(PLACE) {
        for replace in [false, true] {
            let log = Log::default();
            run(|| {
                let stream = WriteOptions::new().replace(replace).open(&path)?;
                log.write(&stream);
                stream.on(Error, |_, error| assert!(error.is_permission_denied()));
                Ok(())
            })
            .unwrap();
            let why = "error(open file: Permission denied (os error 13)) close(true)";
            assert_eq!(log.all(), why);
        }
        return;
    }
    let dir = Dir::new();
    let path = dir.file("file", "x");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o444)).unwrap();
    std::fs::set_permissions(dir.path(""), std::fs::Permissions::from_mode(0o555)).unwrap();
    // To root nothing is forbidden: as somebody else, if this program can be run by them.
    let somebody = || {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        command.arg(std::env::current_exe().unwrap()).args(["--exact", NAME]);
        command
    };
    let everybody = || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", NAME]);
        command
    };
    let root = std::fs::File::options().append(true).open(&path).is_ok();
    if !root {
        assert!(everybody().env(PLACE, &path).status().unwrap().success());
    } else if somebody().arg("--list").output().is_ok_and(|output| output.status.success()) {
        assert!(somebody().env(PLACE, &path).status().unwrap().success());
    }
    std::fs::set_permissions(dir.path(""), std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_directory_cannot_be_written() {
    let dir = Dir::new();
    std::fs::create_dir(dir.path("folder")).unwrap();
    for options in [WriteOptions::new(), WriteOptions::new().append(true)] {
        let log = Log::default();
        run(|| {
            let stream = options.open(dir.path("folder"))?;
            log.write(&stream);
            stream.end_with("x");
            Ok(())
        })
        .unwrap();
        let why = "error(open folder: Is a directory (os error 21)) close(true)";
        assert_eq!(log.all(), why);
    }
}

#[test]
fn a_file_that_shrinks_while_it_is_read_says_so_before_its_end() {
    let dir = Dir::new();
    for (cut, told) in [(200_000, true), (500_000, false), (0, true)] {
        let path = dir.file("shrinks", noise(1_000_000, 1));
        let log = Log::default();
        run(|| {
            let options = ReadOptions::new().chunk_size(100_000);
            let stream = if told { options } else { options.end(399_999) }.open(&path)?;
            log.edges(&stream);
            let path = path.clone();
            stream.on(Data, move |stream, _| {
                if stream.bytes_read() == 300_000 {
                    let file = std::fs::File::options().write(true).open(&path).unwrap();
                    file.set_len(cut).unwrap();
                }
            });
            let log = log.clone();
            stream.on(Truncated, move |_, length| log.note(format!("cut to {length}")));
            Ok(())
        })
        .unwrap();
        let cut = if told { format!("cut to {cut} ") } else { String::new() };
        assert_eq!(log.all(), format!("open {cut}end close(false)"));
    }
}

#[test]
fn an_error_in_the_middle_comes_behind_what_was_read() {
    // The memory of this process as a file: where nothing is mapped, it cannot be read. Nothing that others ask for
    // meanwhile is mapped behind the first thread's stack.
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let number = |text: &str| u64::from_str_radix(text, 16).unwrap();
    let mut ranges = maps.lines().skip_while(|line| !line.ends_with("[stack]"));
    let mut next = || ranges.next()?.split_once(' ')?.0.split_once('-');
    let Some((_, end)) = next() else { return };
    let end = number(end);
    if next().is_some_and(|(begin, _)| number(begin) == end) {
        return;
    }
    let log = Log::default();
    run(|| {
        log.read(&ReadOptions::new().start(end - 4096).open("/proc/self/mem")?);
        Ok(())
    })
    .unwrap();
    let expected = "open data(4096) error(read mem: Input/output error (os error 5)) close(true)";
    assert_eq!(log.all(), expected);
}

#[test]
fn names_may_be_any_bytes_but_zero() {
    let dir = Dir::new();
    let path = dir.path("").join(OsStr::from_bytes(b"not \xff\xfe text"));
    let text = Log::default();
    run(|| {
        let stream = WriteStream::create(&path)?;
        stream.end_with("hello");
        let (path, text) = (path.clone(), text.clone());
        stream.on(Close, move |_, _| text.read(&ReadStream::open(&path).unwrap()));
        Ok(())
    })
    .unwrap();
    assert_eq!(text.bytes(), b"hello");
    std::os::unix::fs::symlink("circle", dir.path("circle")).unwrap();
    let long = "x".repeat(300);
    for (name, why) in [("circle", "Too many levels"), (&long, "File name too long")] {
        let log = Log::default();
        run(|| {
            log.read(&ReadStream::open(dir.path(name))?);
            log.write(&WriteStream::create(dir.path(name))?);
            Ok(())
        })
        .unwrap();
        assert_eq!(log.all().matches(why).count(), 2, "{}", log.all());
        assert_eq!(log.all().matches("close(true)").count(), 2, "{}", log.all());
    }
}

#[test]
fn what_was_acknowledged_is_there_when_the_loop_is_stopped() {
    let dir = Dir::new();
    let path = dir.path("journal");
    let taken = Rc::new(Cell::new(0));
    run(|| {
        let stream = WriteStream::create(&path)?;
        let mut seed = 0;
        let taken = Rc::clone(&taken);
        stream.on(Open, move |stream, ()| {
            onward::set_timeout(std::time::Duration::from_millis(30), onward::stop);
            let (stream, taken) = (stream.clone(), Rc::clone(&taken));
            onward::set_interval(std::time::Duration::from_millis(1), move |_| {
                let taken = Rc::clone(&taken);
                stream.write_then(noise(10_000, seed), move |result| {
                    taken.set(taken.get() + u64::from(result.is_ok()));
                });
                seed += 1;
            });
        });
        Ok(())
    })
    .unwrap();
    let all: Vec<u8> = (0..taken.get()).flat_map(|seed| noise(10_000, seed)).collect();
    assert!(std::fs::read(path).unwrap().starts_with(&all));
}

const MANY: usize = 10_000;

#[test]
fn ten_thousand_streams_on_two_hundred_and_fifty_six_descriptors() {
    let mut child = Process::start_limited("fs::bad_days::ten_thousand_streams", 256);
    let told = child.told("read, refused:");
    let numbers: Vec<usize> = told.split(' ').map(|number| number.parse().unwrap()).collect();
    assert_eq!(numbers.iter().sum::<usize>(), MANY);
    assert!(numbers[0] >= 100 && numbers[1] > 0, "{told}");
    child.ends_well();
}

#[test]
#[ignore = "it is started by another test"]
fn ten_thousand_streams() {
    if !child::is_child() {
        return;
    }
    let dir = Dir::new();
    let content = |index: usize| noise(100 + index, index as u64);
    let paths: Vec<_> = (0..100).map(|i| dir.file(&i.to_string(), content(i))).collect();
    let before = child::descriptors();
    let (read, refused) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let open = |paths: &[PathBuf], index: usize| -> Result<()> {
        let stream = ReadStream::open(&paths[index % paths.len()])?;
        let (bytes, failed) = (Rc::new(RefCell::new(Vec::new())), Rc::clone(&refused));
        let (all, read) = (Rc::clone(&bytes), Rc::clone(&read));
        stream.on(Data, move |_, chunk| bytes.borrow_mut().extend_from_slice(chunk));
        stream.on(Error, move |_, error| {
            assert_eq!(error.kind(), ErrorKind::OutOfDescriptors, "{error}");
            failed.set(failed.get() + 1);
        });
        stream.on(Close, move |_, had_error| {
            if !had_error {
                assert!(*all.borrow() == content(index % 100), "stream {index}");
                read.set(read.get() + 1);
            }
        });
        Ok(())
    };
    run(|| (0..MANY).try_for_each(|index| open(&paths, index))).unwrap();
    println!("read, refused: {} {}", read.get(), refused.get());
    // All that was taken has been given back.
    run(|| (0..200).try_for_each(|index| open(&paths, index))).unwrap();
    assert_eq!(read.get() + refused.get(), MANY + 200);
    assert_eq!(child::descriptors(), before);
}
