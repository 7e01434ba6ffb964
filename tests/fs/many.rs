//! Thousands at once: nobody starves, and nothing is lost when there are few descriptors.

use super::support::{BusyPool, Dir, noise, run, wait};
use crate::child::{Process, is_child};
use onward::{ErrorKind, fs};
use std::cell::Cell;
use std::future::Future as _;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Waker};

#[test]
fn cached_reads_take_a_share_of_each_turn_and_no_more() {
    let dir = Dir::new();
    let path = dir.file("file", noise(64 * 1024, 1));
    let (turns, done) = (Rc::new(Cell::new(0_u32)), Rc::new(Cell::new(0)));
    let (counted, left) = (Rc::clone(&turns), Rc::clone(&done));
    run(move || {
        for _ in 0..1_000 {
            let done = Rc::clone(&done);
            fs::read(&path).then(move |bytes| {
                assert_eq!(bytes.unwrap().len(), 64 * 1024);
                done.set(done.get() + 1);
            });
        }
        fn each_turn(turns: Rc<Cell<u32>>, done: Rc<Cell<i32>>) {
            turns.set(turns.get() + 1);
            if done.get() < 1_000 {
                onward::set_immediate(move || each_turn(turns, done));
            }
        }
        each_turn(counted, left);
        Ok(())
    })
    .unwrap();
    // Four of them are more than a share of 256 KiB.
    assert!(turns.get() >= 250, "{} turns", turns.get());
}

#[test]
fn one_that_waits_for_its_turn_and_does_not_go_on_holds_up_nobody() {
    let dir = Dir::new();
    let path = dir.file("file", noise(64 * 1024, 1));
    wait(async {
        // In one poll: until the share of this turn is used up, and then some that nobody polls again.
        let mut stuck: Vec<_> = (0..20).map(|_| Box::pin(fs::read(&path))).collect();
        let mut context = Context::from_waker(Waker::noop());
        let done = stuck.iter_mut().filter_map(|read| {
            let polled = pin!(read).poll(&mut context);
            polled.is_ready().then_some(())
        });
        assert!(done.count() < 20);
        for _ in 0..20 {
            assert_eq!(fs::read(&path).await?.len(), 64 * 1024);
        }
        drop(stuck);
        Ok(())
    });
}

#[test]
fn thousands_that_are_given_up_leave_the_line() {
    let dir = Dir::new();
    let path = dir.file("file", noise(64 * 1024, 1));
    run(move || {
        let reads = (0..5_000).map(|_| fs::read(&path).then(|_| unreachable!("cancelled")));
        let reads: Vec<_> = reads.collect();
        reads.into_iter().for_each(onward::JoinHandle::cancel);
        fs::read(&path).then(|bytes| assert!(bytes.is_ok()));
        Ok(())
    })
    .unwrap();
}

#[test]
#[cfg(feature = "net")]
fn names_are_looked_up_while_all_threads_for_files_are_busy_and_thousands_wait() {
    let dir = Dir::new();
    wait(async {
        let busy = BusyPool::new(&dir);
        let writes: Vec<_> =
            (0..5_000).map(|n| fs::write(dir.path(&n.to_string()), "x").start()).collect();
        assert!(!onward::net::lookup("localhost:80")?.await?.is_empty());
        assert_eq!(onward::spawn_blocking(|| 6 * 7).await?, 42);
        assert_eq!(std::fs::read_dir(dir.path(""))?.count(), onward::pool::stats().fs.limit);
        drop(busy);
        for write in writes {
            write.await?;
        }
        Ok(())
    });
}

#[test]
fn ten_thousand_files_are_read_and_written_with_256_descriptors() {
    Process::start_limited("fs::many::child_with_few_descriptors", 256).ends_well();
}

#[test]
#[ignore = "a process of its own"]
fn child_with_few_descriptors() {
    if !is_child() {
        return;
    }
    const FILES: usize = 10_000;
    let dir = Dir::new();
    let (written, read) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let (writes, reads, place) = (Rc::clone(&written), Rc::clone(&read), dir.path(""));
    onward::run(move || {
        let limit = std::time::Duration::from_secs(120);
        onward::set_timeout(limit, || panic!("this takes too long")).unref();
        for number in 0..FILES {
            let path = place.join(number.to_string());
            let (writes, reads) = (Rc::clone(&writes), Rc::clone(&reads));
            fs::write(&path, number.to_string()).then(move |done| {
                done.unwrap();
                writes.set(writes.get() + 1);
                fs::read_to_string(&path).then(move |text| {
                    assert_eq!(text.unwrap(), number.to_string());
                    reads.set(reads.get() + 1);
                });
            });
        }
        Ok(())
    })
    .unwrap();
    assert_eq!((written.get(), read.get()), (FILES, FILES));

    // And where there are none: a typed error, of the operation itself.
    wait(async {
        let mut open = Vec::new();
        let error = loop {
            match fs::FileOptions::new().open(dir.path("1")).await {
                Ok(file) => open.push(file),
                Err(error) => break error,
            }
        };
        assert_eq!((error.kind(), error.operation()), (ErrorKind::OutOfDescriptors, "open"));
        let error = fs::read(dir.path("2")).await.unwrap_err();
        assert_eq!((error.kind(), error.operation()), (ErrorKind::OutOfDescriptors, "read"));
        assert_eq!(open[0].read_at(0, 10).await?, b"1");
        open.pop();
        assert_eq!(fs::read(dir.path("2")).await?, b"2");
        Ok(())
    });
}
