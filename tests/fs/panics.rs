//! Listeners that panic: whatever they hear, what comes behind it comes all the same, and nothing comes twice.

use super::support::{Dir, Log, descriptors, in_time};
use super::watch::note;
use onward::emitter::Event;
use onward::events::*;
use onward::fs::{self, ReadOptions, ReadStream, WatchOptions, WriteStream};
use onward::{Emitter, EventLoop, Result};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Runs until a listener has panicked, and then to the end.
fn run_twice(setup: impl FnOnce() -> Result<()>) {
    let event_loop = EventLoop::new().unwrap();
    event_loop.enter(|| {
        setup().unwrap();
        onward::set_timeout(Duration::from_secs(60), || panic!("this takes too long")).unref();
    });
    let run = || catch_unwind(AssertUnwindSafe(|| event_loop.run()));
    assert!(run().is_err(), "no listener has panicked");
    run().expect("only once").unwrap();
}

/// Keeps something, and the loop, until a close was told or does not come.
fn later(log: &Log, kept: impl Sized + 'static) {
    let (log, begun) = (log.clone(), Instant::now());
    onward::set_interval(Duration::from_millis(5), move |timer| {
        let _ = &kept;
        if log.all().contains("close") || begun.elapsed() > Duration::from_secs(30) {
            log.note("later");
            timer.cancel();
        }
    });
}

#[test]
fn a_file_that_the_pool_reads_closes_after_its_end() {
    let log = Log::default();
    run_twice(|| {
        let stream = ReadStream::open("/proc/self/status")?;
        log.edges(&stream);
        stream.resume();
        stream.once(End, |_, ()| panic!("at the end"));
        // It does not close only because the loop ends, nor since nobody has it.
        later(&log, stream);
        Ok(())
    });
    assert_eq!(log.all(), "open end close(false) later");
}

#[test]
fn a_followed_file_goes_on_after_it_was_cut_and_after_another_came() {
    for options in
        [ReadOptions::new().follow(true), ReadOptions::new().follow_every(Duration::from_millis(2))]
    {
        for other in [false, true] {
            let dir = Dir::new();
            let path = dir.file("log", "a long line");
            let log = Log::default();
            run_twice(|| {
                let stream = options.open(&path)?;
                log.read(&stream);
                let path = path.clone();
                stream.on(Data, move |stream, chunk| match chunk {
                    b"new" => stream.destroy(),
                    _ if other => {
                        std::fs::write(path.with_file_name("ready"), "new").unwrap();
                        std::fs::rename(path.with_file_name("ready"), &path).unwrap();
                    }
                    _ => std::fs::write(&path, "new").unwrap(),
                });
                stream.once(Truncated, |_, _| panic!("cut"));
                stream.once(Rotated, |_, ()| panic!("another"));
                Ok(())
            });
            assert_eq!(log.bytes(), b"a long linenew");
        }
    }
}

#[test]
fn the_end_of_a_directory_is_told_once() {
    let dir = Dir::new();
    dir.file("file", "");
    let log = Log::default();
    run_twice(|| {
        let entries = fs::read_dir(dir.path(""))?;
        let [told, ended, closed] = [(); 3].map(|()| log.clone());
        entries.on(Entry, move |_, _| told.note("entry"));
        entries.on(End, move |_, ()| ended.note("end"));
        entries.once(End, |_, ()| panic!("at the end"));
        entries.on(Close, move |_, had_error| closed.note(format!("close({had_error})")));
        later(&log, entries);
        Ok(())
    });
    assert_eq!(log.all(), "entry end close(false) later");
}

/// Watches, panics at what `bad` says, and has two files made and the whole removed.
fn watched(options: WatchOptions, root: &Path, bad: &'static str) -> String {
    let log = Log::default();
    run_twice(|| {
        let watcher = options.watch(root)?;
        note(&log, &watcher, root);
        let place = root.to_path_buf();
        watcher.once(Open, move |_, ()| {
            std::fs::write(place.join("a"), "").unwrap();
            assert_ne!(bad, "open");
        });
        let place = root.to_path_buf();
        watcher.on(Created, move |_, path| {
            if path.ends_with("a") {
                std::fs::write(place.join("b"), "").unwrap();
            } else {
                std::fs::remove_dir_all(&place).unwrap();
            }
        });
        watcher.once(Created, move |_, _| assert_ne!(bad, "created"));
        watcher.once(Removed, move |_, _| assert_ne!(bad, "removed"));
        Ok(())
    });
    log.all()
}

#[test]
fn a_watcher_goes_on_and_closes_when_its_directory_goes() {
    for bad in ["open", "created", "removed"] {
        for options in [WatchOptions::new(), WatchOptions::new().poll(Duration::from_millis(2))] {
            let dir = Dir::new();
            let root = dir.path("root");
            std::fs::create_dir(&root).unwrap();
            let told = watched(options, &root, bad);
            assert!(
                told.starts_with("+a +b ") && told.ends_with("-. close(false)"),
                "{bad}: {told}"
            );
        }
    }
}

/// A listener that has its own emitter, and panics at the close.
fn leaks<S: Emitter + Clone>(stream: &S, token: &Rc<()>)
where
    Close: Event<S>,
{
    let kept = (stream.clone(), Rc::clone(token));
    stream.on(Close, move |_, _| {
        let _ = &kept;
        panic!("at the close");
    });
}

#[test]
fn listeners_go_after_a_close_that_panics() {
    type Open<'a> = &'a dyn Fn(&Rc<()>) -> Result<()>;
    let dir = Dir::new();
    let path = dir.file("file", "x");
    let opens: [Open<'_>; 4] = [
        &|token| ReadStream::open(&path).map(|stream| leaks(&stream.clone(), token)),
        &|token| WriteStream::create(dir.path("new")).map(|stream| leaks(&stream, token)),
        &|token| fs::read_dir(dir.path("")).map(|entries| leaks(&entries, token)),
        &|token| fs::watch(dir.path("")).map(|watcher| leaks(&watcher, token)),
    ];
    for open in opens {
        let token = Rc::new(());
        let event_loop = EventLoop::new().unwrap();
        event_loop.enter(|| open(&token).unwrap());
        assert!(Rc::strong_count(&token) > 1);
        // Its end closes them.
        assert!(catch_unwind(AssertUnwindSafe(|| drop(event_loop))).is_err());
        assert_eq!(Rc::strong_count(&token), 1);
    }
}

#[test]
fn a_loop_that_ends_in_a_panic_keeps_neither_files_nor_listeners() {
    /// A listener that has its own emitter.
    fn kept<S: Emitter + Clone>(stream: &S, token: &Rc<()>)
    where
        Close: Event<S>,
    {
        let kept = (stream.clone(), Rc::clone(token));
        stream.on(Close, move |_, _| drop(Rc::clone(&kept.1)));
    }
    let dir = Dir::new();
    let (path, token) = (dir.file("file", "x"), Rc::new(()));
    let replaced = dir.file("replaced", "old");
    let ended = catch_unwind(AssertUnwindSafe(|| {
        onward::run(|| {
            let read = ReadStream::open(&path)?;
            kept(&read, &token);
            let followed = ReadOptions::new().follow(true).open(&path)?;
            followed.resume();
            kept(&followed, &token);
            let write = fs::WriteOptions::new().replace(true).open(&replaced)?;
            kept(&write, &token);
            write.cork();
            let (cycle, mine) = (write.clone(), Rc::clone(&token));
            write.write_then("new", move |_| drop((cycle, mine)));
            kept(&fs::read_dir(dir.path(""))?, &token);
            kept(&fs::watch(dir.path(""))?, &token);
            onward::set_timeout(Duration::from_millis(50), || panic!("it ends"));
            Ok(())
        })
    }));
    assert!(ended.is_err());
    assert_eq!(Rc::strong_count(&token), 1);
    // The pool may have had some of it in hand.
    in_time(|| descriptors(&path) == 0 && std::fs::read_dir(dir.path("")).unwrap().count() == 2);
}
