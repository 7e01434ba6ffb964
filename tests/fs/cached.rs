//! What the loop reads itself, and what it leaves to the pool: files that are cached, and files that are not.

use super::support::{BusyPool, Dir, Log, noise, run};
use onward::events::*;
use onward::fs::{ReadOptions, ReadStream};
use rustix::fs::Advice;
use rustix::io::{Errno, ReadWriteFlags, preadv2};
use std::cell::{Cell, RefCell};
use std::fs::File;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

/// Is the byte there at once? `None`: this file system cannot say.
fn is_cached(path: &Path, at: u64) -> Option<bool> {
    let file = File::open(path).unwrap();
    let mut byte = [0];
    let buffers = &mut [std::io::IoSliceMut::new(&mut byte)];
    match preadv2(&file, buffers, at, ReadWriteFlags::NOWAIT) {
        Ok(_) => Some(true),
        Err(Errno::AGAIN) => Some(false),
        Err(_) => None,
    }
}

/// Has the system forget a file. `false`: this file system keeps it, or cannot say.
fn cool(path: &Path) -> bool {
    let file = File::open(path).unwrap();
    file.sync_all().unwrap();
    rustix::fs::fadvise(&file, 0, None, Advice::DontNeed).unwrap();
    is_cached(path, 0) == Some(false)
}

#[test]
fn a_cached_file_is_told_while_all_threads_are_busy() {
    let dir = Dir::new();
    let bytes = noise(1_000_000, 40);
    let path = dir.file("cached", &bytes);
    if is_cached(&path, 0) != Some(true) {
        return;
    }
    let log = Log::default();
    let kept = log.clone();
    run(|| {
        let busy = BusyPool::new(&dir);
        let file = ReadStream::open(path)?;
        log.read(&file);
        file.on(End, move |_, ()| _ = &busy);
        Ok(())
    })
    .unwrap();
    assert!(kept.bytes() == bytes);
    assert!(kept.all().ends_with(" end close(false)"), "{}", kept.all());
}

#[test]
fn a_cached_file_is_told_a_share_in_each_turn() {
    const SHARE: u64 = 256 * 1024;
    let dir = Dir::new();
    let path = dir.file("cached", noise(8 << 20, 41));
    if is_cached(&path, 0) != Some(true) {
        return;
    }
    let (most, turns) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let (seen, counted) = (Rc::clone(&most), Rc::clone(&turns));
    run(move || {
        fn each_turn(file: ReadStream, before: u64, most: Rc<Cell<u64>>, turns: Rc<Cell<u32>>) {
            let told = file.bytes_read();
            most.set(most.get().max(told - before));
            turns.set(turns.get() + 1);
            if !file.is_destroyed() {
                onward::set_immediate(move || each_turn(file, told, most, turns));
            }
        }
        let file = ReadStream::open(path)?;
        file.resume();
        each_turn(file, 0, seen, counted);
        Ok(())
    })
    .unwrap();
    assert!(most.get() <= SHARE, "{} bytes in a turn", most.get());
    assert!(turns.get() >= 32, "{} turns", turns.get());
}

#[test]
fn a_cold_file_waits_for_a_thread_and_nobody_waits_for_it() {
    let dir = Dir::new();
    let bytes = noise(3_000_000, 42);
    let path = dir.file("cold", &bytes);
    if !cool(&path) {
        return;
    }
    let log = Log::default();
    let kept = log.clone();
    run(|| {
        let busy = Cell::new(Some(BusyPool::new(&dir)));
        // The system itself reads ahead of who asks, unless it is told not to: as much as it is fast.
        let cold = File::open(path)?;
        rustix::fs::fadvise(&cold, 0, None, Advice::Random).unwrap();
        let file = ReadStream::from_file(cold)?;
        log.read(&file);
        let mut beats = 0;
        onward::set_interval(Duration::from_millis(1), move |timer| {
            beats += 1;
            if beats == 20 {
                assert!(file.bytes_read() < 1_000_000, "{} bytes", file.bytes_read());
                drop(busy.take());
                timer.cancel();
            }
        });
        Ok(())
    })
    .unwrap();
    assert!(kept.bytes() == bytes);
    assert!(kept.all().starts_with("open data("), "{}", kept.all());
    assert!(kept.all().ends_with(" end close(false)"), "{}", kept.all());
}

#[test]
fn a_cold_file_comes_whole_in_chunks_of_any_size() {
    let dir = Dir::new();
    let bytes = noise(2_000_003, 43);
    let path = dir.file("cold", &bytes);
    for chunk in [1000, 64 * 1024, 1 << 20] {
        cool(&path);
        let (told, pauses) = (Rc::new(RefCell::new(Vec::new())), chunk > 1000);
        let kept = Rc::clone(&told);
        run(|| {
            let options = ReadOptions::new().start(1).end(1_999_999).chunk_size(chunk);
            options.open(&path)?.on(Data, move |file, chunk| {
                told.borrow_mut().extend_from_slice(chunk);
                // What was read ahead keeps its place.
                if pauses {
                    file.pause();
                    let file = file.clone();
                    onward::set_immediate(move || file.resume());
                }
            });
            Ok(())
        })
        .unwrap();
        assert!(*kept.borrow() == bytes[1..2_000_000], "in chunks of {chunk}");
    }
}
