//! FIFOs and pipes: what comes when it comes.

use super::support::{Dir, Log, descriptors, noise, run};
use onward::events::*;
use onward::fs::{ReadOptions, ReadStream, WriteStream};
use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::rc::Rc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

#[test]
fn a_late_and_slow_writer_is_waited_for() {
    let dir = Dir::new();
    let path = dir.fifo("fifo");
    let log = Log::default();
    run(|| {
        let stream = ReadStream::open(&path)?;
        log.read(&stream);
        let (say, words) = mpsc::channel::<&str>();
        // It opens the FIFO when the loop has gone round without it, and says the next word when
        // the last one has come.
        onward::set_timeout(Duration::from_millis(30), move || {
            drop(thread::spawn(move || {
                let mut fifo = File::options().write(true).open(path).unwrap();
                words.iter().for_each(|word| fifo.write_all(word.as_bytes()).unwrap());
            }));
        });
        let mut left = vec!["three", "two", "one"];
        say.send(left.pop().unwrap()).unwrap();
        let mut say = Some(say);
        stream.on(Data, move |_, _| match left.pop() {
            Some(word) => say.as_ref().unwrap().send(word).unwrap(),
            None => say = None,
        });
        Ok(())
    })
    .unwrap();
    assert_eq!(log.all(), "open data(3) data(3) data(5) end close(false)");
    assert_eq!(log.bytes(), b"onetwothree");
}

#[test]
fn nothing_is_lost_on_the_way() {
    let dir = Dir::new();
    let (path, sent) = (dir.fifo("fifo"), noise(3_000_000, 8));
    let log = Log::default();
    run(|| {
        log.read(&ReadStream::open(&path)?);
        let sent = sent.clone();
        thread::spawn(move || {
            let mut fifo = File::options().write(true).open(path).unwrap();
            sent.chunks(10_007).for_each(|chunk| fifo.write_all(chunk).unwrap());
        });
        Ok(())
    })
    .unwrap();
    assert!(log.bytes() == sent);
    assert_eq!(log.all().matches("end").count(), 1);
}

#[test]
fn waiting_for_a_writer_leaves_the_loop_free() {
    let dir = Dir::new();
    let path = dir.fifo("fifo");
    let log = Log::default();
    run(|| {
        log.read(&ReadStream::open(&path)?);
        let mut ticks = 0;
        onward::set_interval(Duration::from_millis(1), move |timer| {
            ticks += 1;
            if ticks == 20 {
                timer.cancel();
                let path = path.clone();
                thread::spawn(move || std::fs::write(path, "at last").unwrap());
            }
        });
        Ok(())
    })
    .unwrap();
    assert_eq!(log.all(), "open data(7) end close(false)");
}

#[test]
fn a_range_of_a_fifo_ends_early() {
    let dir = Dir::new();
    let path = dir.fifo("fifo");
    let log = Log::default();
    run(|| {
        log.read(&ReadOptions::new().end(3).open(&path)?);
        let path = path.clone();
        thread::spawn(move || {
            File::options().write(true).open(path).unwrap().write_all(b"0123456789")
        });
        Ok(())
    })
    .unwrap();
    assert_eq!(log.all(), "open data(4) end close(false)");
    let log = Log::default();
    run(|| ReadOptions::new().start(3).open(&path).map(|stream| log.read(&stream))).unwrap();
    assert_eq!(log.all(), "open error(read fifo: Illegal seek (os error 29)) close(true)");
}

#[test]
fn a_paused_fifo_is_not_read() {
    let dir = Dir::new();
    let path = dir.fifo("fifo");
    let log = Log::default();
    run(|| {
        let stream = ReadStream::open(&path)?;
        log.read(&stream);
        let mut other = File::options().read(true).write(true).open(&path)?;
        other.write_all(b"one")?;
        let log = log.clone();
        let mut other = Some(other);
        stream.on(Data, move |stream, chunk| {
            stream.pause();
            if chunk == b"one" {
                other.as_mut().unwrap().write_all(b"two").unwrap();
            } else {
                other = None;
            }
            let (stream, log) = (stream.clone(), log.clone());
            onward::set_timeout(Duration::from_millis(10), move || {
                log.note("resume");
                stream.resume();
            });
        });
        Ok(())
    })
    .unwrap();
    assert_eq!(log.all(), "open data(3) resume data(3) resume end close(false)");
}

#[test]
fn one_that_is_not_counted_lets_the_loop_end() {
    let dir = Dir::new();
    let (log, path) = (Log::default(), dir.fifo("fifo"));
    run(|| {
        let stream = ReadStream::open(&path)?;
        log.read(&stream);
        stream.ref_();
        stream.unref();
        let stream = WriteStream::create(dir.fifo("other"))?;
        stream.write("nobody reads this");
        stream.unref();
        Ok(())
    })
    .unwrap();
    assert_eq!(log.all(), "open close(false)");
    assert_eq!(descriptors(&path), 0);
}

#[test]
fn writing_waits_for_a_reader() {
    let dir = Dir::new();
    let (path, sent) = (dir.fifo("fifo"), noise(1_000_000, 9));
    let log = Log::default();
    let (done, read) = mpsc::channel();
    run(|| {
        let stream = WriteStream::create(&path)?;
        log.write(&stream);
        stream.end_with(&sent);
        onward::set_timeout(Duration::from_millis(25), move || {
            drop(thread::spawn(move || {
                let mut bytes = Vec::new();
                File::open(path).unwrap().read_to_end(&mut bytes).unwrap();
                done.send(bytes).unwrap();
            }));
        });
        Ok(())
    })
    .unwrap();
    assert_eq!(log.all(), "open finish close(false)");
    assert!(read.recv().unwrap() == sent);
}

#[test]
fn waiting_for_a_reader_can_be_given_up() {
    let dir = Dir::new();
    let log = Log::default();
    let path = dir.fifo("fifo");
    run(|| {
        let stream = WriteStream::create(&path)?;
        log.write(&stream);
        stream.write("x");
        onward::set_timeout(Duration::from_millis(30), move || stream.destroy());
        Ok(())
    })
    .unwrap();
    assert_eq!(log.all(), "close(false)");
    assert_eq!(descriptors(&path), 0);
}

#[test]
fn a_reader_that_leaves_is_an_error() {
    let dir = Dir::new();
    let path = dir.fifo("fifo");
    let log = Log::default();
    run(|| {
        let reader = Cell::new(Some(File::options().read(true).write(true).open(&path)?));
        let stream = WriteStream::create(&path)?;
        log.write(&stream);
        stream.on(Open, move |stream, ()| {
            drop(reader.take());
            ask(stream.clone());
        });
        Ok(())
    })
    .unwrap();
    assert_eq!(log.all(), "open error(write fifo: Broken pipe (os error 32)) close(true)");
}

/// Again and again: a program that another test has just started may still hold the other end.
fn ask(stream: WriteStream) {
    if !stream.is_destroyed() {
        stream.write("anybody?");
        onward::set_timeout(Duration::from_millis(1), move || ask(stream));
    }
}

/// Both ends of a pipe that blocks.
fn pipe(path: &Path) -> (File, File) {
    let _both = File::options().read(true).write(true).open(path).unwrap();
    (File::open(path).unwrap(), File::options().write(true).open(path).unwrap())
}

#[test]
fn pipes_that_others_share_are_never_waited_for() {
    let dir = Dir::new();
    let (from, to) = pipe(&dir.fifo("fifo"));
    let shared = (from.try_clone().unwrap(), to.try_clone().unwrap());
    let sent = noise(500_000, 10);
    let (read, wrote) = (Log::default(), Log::default());
    run(|| {
        let reader = ReadStream::from_file(from)?;
        read.read(&reader);
        let writer = WriteStream::from_file(to)?;
        wrote.write(&writer);
        writer.write(&sent);
        let mut left = sent.len();
        let (last, keep) = (Cell::new(Some(shared.1)), shared.0);
        reader.on(Data, move |_, chunk| {
            left -= chunk.len();
            if left == 0 {
                writer.end();
                drop(last.take());
            }
        });
        reader.on(Close, move |_, _| assert!(keep.metadata().is_ok()));
        Ok(())
    })
    .unwrap();
    assert!(read.bytes() == sent);
    assert!(read.all().ends_with(" end close(false)"));
    assert_eq!(wrote.all(), "open drain finish close(false)");
}

#[test]
fn a_socket_that_came_as_a_file_is_never_waited_for() {
    use std::os::fd::OwnedFd;
    let (near, mut far) = std::os::unix::net::UnixStream::pair().unwrap();
    far.set_nonblocking(true).unwrap();
    let (near, sent) = (File::from(OwnedFd::from(near)), noise(2_000_000, 11));
    let (log, ticks) = (Log::default(), Rc::new(Cell::new(0)));
    let received = Rc::new(RefCell::new(Vec::new()));
    run(|| {
        let stream = WriteStream::from_file(near)?;
        log.write(&stream);
        stream.end_with(&sent);
        let (ticks, received, len) = (Rc::clone(&ticks), Rc::clone(&received), sent.len());
        onward::set_interval(Duration::from_millis(1), move |timer| {
            ticks.set(ticks.get() + 1);
            let mut bytes = vec![0; 100_000];
            match far.read(&mut bytes) {
                Ok(count) => received.borrow_mut().extend_from_slice(&bytes[..count]),
                Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
            }
            if received.borrow().len() == len {
                timer.cancel();
            }
        });
        Ok(())
    })
    .unwrap();
    assert!(*received.borrow() == sent);
    assert!(ticks.get() > 1);
    assert_eq!(log.all(), "open finish close(false)");
}

#[test]
fn a_range_that_is_all_there_is_ends_before_more_comes() {
    let dir = Dir::new();
    let path = dir.fifo("fifo");
    let log = Log::default();
    run(|| {
        let stream = ReadOptions::new().end(3).open(&path)?;
        log.read(&stream);
        // It stays open for writing, and says no more.
        let writer = File::options().read(true).write(true).open(&path)?;
        (&writer).write_all(b"0123")?;
        stream.on(Close, move |_, _| drop(writer.try_clone().unwrap()));
        onward::set_timeout(Duration::from_secs(50), move || stream.destroy()).unref();
        Ok(())
    })
    .unwrap();
    assert_eq!(log.all(), "open data(4) end close(false)");
}

#[test]
fn the_end_of_a_terminal_that_its_programs_have_is_written_to_itself() {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::pty::{OpenptFlags, openpt, ptsname, unlockpt};
    let user = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    unlockpt(&user).unwrap();
    let name = ptsname(&user, Vec::new()).unwrap();
    let program = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    let log = Log::default();
    run(|| {
        let writer = WriteStream::from_file(File::from(user.try_clone().unwrap()))?;
        log.write(&writer);
        writer.end_with("typed\n");
        Ok(())
    })
    .unwrap();
    assert_eq!(log.all(), "open finish close(false)");
    // What is typed takes its time.
    let (limit, typed) =
        (Timespec { tv_sec: 50, tv_nsec: 0 }, PollFd::new(&program, PollFlags::IN));
    assert_eq!(poll(&mut [typed], Some(&limit)).unwrap(), 1);
    let mut line = [0; 8];
    assert_eq!((&program).read(&mut line).unwrap(), 6);
}
