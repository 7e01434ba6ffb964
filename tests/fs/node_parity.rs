//! What Node's own tests ask of file streams, asked of these. Each test has the name of a file of Node's suite
//! (`test/parallel/`); they are written anew from the behaviour.

use super::support::{Dir, Log, descriptors, noise, run};
use crate::child::{Process, is_child};
use onward::abort::{AbortController, Abortable};
use onward::events::*;
use onward::fs::{ReadOptions, ReadStream, WriteOptions, WriteStream};
use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::rc::Rc;
use std::time::Duration;

#[test]
fn fs_read_stream_pauses_around_open_and_data() {
    let dir = Dir::new();
    let path = dir.file("x", noise(300_000, 1));
    let log = Log::default();
    run(|| {
        let stream = ReadStream::open(&path)?;
        log.read(&stream);
        stream.on(Open, |stream, ()| {
            stream.pause();
            stream.resume();
        });
        let paused = Rc::new(Cell::new(false));
        let sum = Cell::new(0);
        stream.on(Data, move |stream, chunk| {
            assert!(!paused.get(), "nothing comes while it is paused");
            sum.set(sum.get() + chunk.len() as u64);
            assert_eq!(stream.bytes_read(), sum.get());
            stream.pause();
            paused.set(true);
            let (stream, paused) = (stream.clone(), Rc::clone(&paused));
            onward::set_timeout(Duration::from_millis(2), move || {
                paused.set(false);
                stream.resume();
            });
        });
        Ok(())
    })
    .unwrap();
    assert!(log.all().ends_with("end close(false)"), "{}", log.all());
    assert!(log.bytes() == noise(300_000, 1));
}

#[test]
fn fs_read_stream_ranges_include_their_end() {
    let dir = Dir::new();
    let path = dir.file("range", "0123456789");
    let cases = [((1, 2), "12"), ((5, 9), "56789"), ((0, 0), "0"), ((9, 50), "9"), ((10, 10), "")];
    for ((start, end), text) in cases {
        let log = Log::default();
        run(|| {
            log.read(&ReadOptions::new().start(start).end(end).open(&path)?);
            Ok(())
        })
        .unwrap();
        assert_eq!(log.bytes(), text.as_bytes());
    }
}

#[test]
fn fs_read_stream_reads_a_fifo_up_to_its_end_option() {
    let dir = Dir::new();
    let path = dir.fifo("fifo");
    let log = Log::default();
    run(|| {
        log.read(&ReadOptions::new().end(1).open(&path)?);
        std::thread::spawn(move || File::options().write(true).open(path)?.write_all(b"xyz\n"));
        Ok(())
    })
    .unwrap();
    assert_eq!((log.all().as_str(), &*log.bytes()), ("open data(2) end close(false)", &b"xy"[..]));
}

#[test]
fn fs_read_stream_without_auto_close_leaves_the_descriptor_to_be_used_again() {
    let dir = Dir::new();
    let path = dir.file("again", "0123456789");
    let log = Log::default();
    run(|| {
        let once = ReadOptions::new().auto_close(false);
        let stream = once.end(3).open_file(File::open(&path)?)?;
        log.read(&stream);
        let (log, opened) = (log.clone(), path.clone());
        stream.on(End, move |stream, ()| {
            assert!(!stream.is_destroyed());
            assert_eq!(descriptors(&opened), 1);
            let file = stream.clone().into_std().unwrap();
            log.read(&once.open_file(file).unwrap());
        });
        Ok(())
    })
    .unwrap();
    assert_eq!(log.bytes(), b"0123456789");
    // The second one is closed with the loop.
    let expected = "open data(4) end close(false) open data(6) end close(false)";
    assert_eq!(log.all(), expected);
    assert_eq!(descriptors(&path), 0);
}

#[test]
fn fs_read_stream_with_a_bad_descriptor_is_closed_with_an_error() {
    let dir = Dir::new();
    let path = dir.path("only written");
    let file = File::create(&path).unwrap();
    let log = Log::default();
    run(|| {
        let options = ReadOptions::new().auto_close(false);
        log.read(&options.open_file(file.try_clone()?)?);
        Ok(())
    })
    .unwrap();
    let events = log.all();
    assert!(events.starts_with("open error(read file descriptor "), "{events}");
    // Differs: what has failed is closed, whatever was asked for.
    assert!(events.ends_with("Bad file descriptor (os error 9)) close(true)"), "{events}");
    assert_eq!(descriptors(&path), 1);
}

#[test]
fn fs_read_stream_concurrent_reads_keep_no_more_than_was_read() {
    Process::start("fs::node_parity::child_with_concurrent_reads").ends_well();
}

/// By itself: other tests take memory too.
#[test]
#[ignore = "a process of its own"]
fn child_with_concurrent_reads() {
    if !is_child() {
        return;
    }
    let dir = Dir::new();
    let (text, count) = (noise(4096, 1), 1000);
    let path = dir.file("text", &text);
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/statm").unwrap();
        status.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
    };
    let kept = Rc::new(RefCell::new(Vec::new()));
    let mut before = 0;
    run(|| {
        before = resident();
        let left = Rc::new(Cell::new(count));
        fn one(path: &std::path::Path, left: &Rc<Cell<usize>>, kept: &Rc<RefCell<Vec<Vec<u8>>>>) {
            if left.get() == 0 {
                return;
            }
            left.set(left.get() - 1);
            let stream = ReadStream::open(path).unwrap();
            let all = Rc::clone(kept);
            stream.on(Data, move |_, chunk| all.borrow_mut().push(chunk.to_vec()));
            let (path, left, kept) = (path.to_owned(), Rc::clone(left), Rc::clone(kept));
            stream.on(Close, move |_, _| one(&path, &left, &kept));
        }
        (0..100).for_each(|_| one(&path, &left, &kept));
        Ok(())
    })
    .unwrap();
    assert_eq!(kept.borrow().len(), count);
    assert!(kept.borrow().iter().all(|chunk| *chunk == text));
    // 1000 buffers of 64 KiB would be that much.
    let grown = resident().saturating_sub(before);
    assert!(grown < 60_000_000, "{grown} bytes");
}

#[test]
fn fs_read_stream_fd_leak() {
    let dir = Dir::new();
    let path = dir.file("leak", "x");
    for _ in 0..200 {
        run(|| {
            ReadStream::open(&path)?.destroy();
            let stream = ReadStream::open(&path)?;
            stream.on(Open, |stream, ()| stream.destroy());
            WriteStream::append(&path)?.destroy();
            WriteStream::append(&path)?.end();
            Ok(())
        })
        .unwrap();
        assert_eq!(descriptors(&path), 0);
    }
}

#[test]
fn fs_read_stream_double_close() {
    let dir = Dir::new();
    let path = dir.file("twice", "x");
    let closed = Rc::new(Cell::new(0));
    run(|| {
        let stream = ReadStream::open(&path)?;
        for _ in 0..2 {
            let closed = Rc::clone(&closed);
            stream.on(Close, move |_, _| closed.set(closed.get() + 1));
            stream.destroy();
        }
        Ok(())
    })
    .unwrap();
    assert_eq!(closed.get(), 2);
}

#[test]
fn fs_read_stream_err() {
    let dir = Dir::new();
    let log = Log::default();
    run(|| {
        // Opening a directory goes well, reading it does not.
        let stream = ReadStream::open(dir.path(""))?;
        log.read(&stream);
        stream.on(Error, |stream, _| {
            stream.resume();
            stream.destroy();
        });
        Ok(())
    })
    .unwrap();
    let events = log.all();
    assert_eq!(events.matches("error").count() - events.matches("os error").count(), 1, "{events}");
    assert!(!events.contains("data") && events.ends_with(" close(true)"), "{events}");
    assert_eq!(descriptors(&dir.path("")), 0);
}

#[test]
fn fs_stream_destroy_emit_error() {
    let dir = Dir::new();
    let path = dir.file("destroy", "x");
    let (read, wrote) = (Log::default(), Log::default());
    run(|| {
        let reading = ReadStream::open(&path)?;
        read.read(&reading);
        reading.on(Open, give_up);
        let writing = WriteStream::create(dir.path("other"))?;
        wrote.write(&writing);
        writing.on(Open, give_up);
        Ok(())
    })
    .unwrap();
    for (log, name) in [(read, "destroy"), (wrote, "other")] {
        assert_eq!(log.all(), format!("open error(abort {name}: not this one) close(true)"));
    }
}

fn give_up<S: Abortable + Clone>(stream: &S, (): ()) {
    let controller = AbortController::new();
    stream.clone().abort_on(&controller.signal());
    controller.abort_because("not this one");
    controller.abort_because("another reason");
}

#[test]
fn fs_read_stream_pos() {
    let dir = Dir::new();
    let path = dir.file("appended", noise(1_000, 0));
    let log = Log::default();
    run(|| {
        let stream = ReadOptions::new().chunk_size(10).open(&path)?;
        log.read(&stream);
        let mut file = File::options().append(true).open(&path)?;
        let mut seed = 1;
        stream.on(Data, move |_, _| {
            if seed < 200 {
                file.write_all(&noise(37, seed)).unwrap();
                seed += 1;
            }
        });
        Ok(())
    })
    .unwrap();
    let rest = (1..200).flat_map(|seed| noise(37, seed));
    let all: Vec<u8> = noise(1_000, 0).into_iter().chain(rest).collect();
    assert!(log.bytes() == all);
}

#[test]
fn fs_write_stream_err() {
    let log = Log::default();
    run(|| {
        // A device that takes nothing: the first write fails, and no other is tried.
        let stream = WriteStream::create("/dev/full")?;
        log.write(&stream);
        for name in ["one", "two"] {
            let log = log.clone();
            stream.write_then(vec![0; 300_000], move |result| {
                log.note(format!("{name}({})", result.unwrap_err()));
            });
        }
        Ok(())
    })
    .unwrap();
    let why = "write /dev/full: No space left on device (os error 28)";
    let expected = format!("open one({why}) two({why}) error({why}) close(true)");
    assert_eq!(log.all().replace("write full:", "write /dev/full:"), expected);
    assert_eq!(descriptors("/dev/full".as_ref()), 0);
}

#[test]
fn fs_write_stream_eagain() {
    // The poller tells when there is room again; nothing is an error.
    let (mut reader, writer) = std::io::pipe().unwrap();
    let flags = rustix::fs::fcntl_getfl(&writer).unwrap();
    rustix::fs::fcntl_setfl(&writer, flags | rustix::fs::OFlags::NONBLOCK).unwrap();
    let log = Log::default();
    run(|| {
        let stream = WriteStream::from_file(File::from(std::os::fd::OwnedFd::from(writer)))?;
        log.write(&stream);
        stream.end_with(noise(1_000_000, 1));
        onward::set_timeout(Duration::from_millis(10), move || {
            drop(std::thread::spawn(move || {
                let mut all = Vec::new();
                reader.read_to_end(&mut all).unwrap();
                assert!(all == noise(1_000_000, 1));
            }));
        });
        Ok(())
    })
    .unwrap();
    assert_eq!(log.all(), "open finish close(false)");
}

#[test]
fn fs_write_stream_autoclose_option() {
    let dir = Dir::new();
    let path = dir.path("again");
    let log = Log::default();
    run(|| {
        let file =
            File::options().read(true).write(true).create(true).truncate(true).open(&path)?;
        let open = WriteOptions::new().auto_close(false);
        let stream = open.open_file(file)?;
        log.write(&stream);
        stream.end_with("hello");
        let again = log.clone();
        stream.on(Finish, move |stream, ()| {
            let mut file = stream.clone().into_std().unwrap();
            file.rewind().unwrap();
            let stream = open.open_file(file).unwrap();
            again.write(&stream);
            stream.end_with("J");
        });
        Ok(())
    })
    .unwrap();
    assert_eq!(log.all(), "open finish close(false) open finish close(false)");
    assert_eq!(std::fs::read(&path).unwrap(), b"Jello");
    assert_eq!(descriptors(&path), 0);
}

#[test]
fn stream_writev_of_a_corked_file() {
    let dir = Dir::new();
    let path = dir.path("corked");
    let log = Log::default();
    run(|| {
        let stream = WriteStream::create(&path)?;
        log.write(&stream);
        stream.cork();
        for (name, text) in [("one", "asd"), ("two", "fgh"), ("three", "jkl")] {
            stream.cork();
            let log = log.clone();
            stream.write_then(text, move |result| {
                result.unwrap();
                log.note(name);
            });
            stream.uncork();
        }
        stream.end();
        Ok(())
    })
    .unwrap();
    assert_eq!(log.all(), "open one two three finish close(false)");
    assert_eq!(std::fs::read(&path).unwrap(), b"asdfghjkl");
}
