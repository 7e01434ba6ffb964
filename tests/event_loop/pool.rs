//! The pool: its size, its quotas, its counters. Each in a process of its own, for it has one pool.

use super::support::{Log, NEVER, in_child, in_child_with};
use onward::net::Socket;
use onward::pool::{self, PoolOptions};
use onward::{ErrorKind, EventLoop, events::*, set_interval, set_timeout, spawn_blocking, stop};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(20);

/// So many pieces of work that hang until the sender is dropped; each says when it begins.
fn hang(pieces: usize) -> (mpsc::Sender<()>, mpsc::Receiver<()>) {
    let ((go, gone), (begin, begun)) = (mpsc::channel::<()>(), mpsc::channel());
    let gone = Arc::new(Mutex::new(gone));
    for _ in 0..pieces {
        let (gone, begin) = (Arc::clone(&gone), begin.clone());
        spawn_blocking(move || {
            let _ = begin.send(());
            // Whoever has the lock waits, and the others for him.
            let _ = gone.lock().unwrap().recv();
        })
        .then(|result| result.unwrap());
    }
    (go, begun)
}

#[test]
fn work_that_never_ends_keeps_neither_files_nor_names_waiting() {
    let name = "event_loop::pool::work_that_never_ends_keeps_neither_files_nor_names_waiting";
    in_child(name, || {
        let log = Log::default();
        onward::run(|| {
            let (go, begun) = hang(1_000);
            (0..4).for_each(|_| begun.recv_timeout(LONG).unwrap());

            let log = log.clone();
            // Too long for a name: it takes no net to find that out.
            let name = format!("{}.invalid:80", "a".repeat(64));
            let noting = log.noting("name");
            Socket::connect(name)?.on(Error, move |_, error| {
                assert_eq!(error.operation(), "look up");
                noting();
            });
            write_a_file(log.noting("file"));
            set_interval(Duration::from_millis(1), move |_| {
                if log.len() == 2 {
                    stop();
                }
            });
            // It goes on when the loop has ended.
            std::mem::forget(go);
            Ok(())
        })
        .unwrap();
        let stats = pool::stats();
        assert_eq!((stats.user.running, stats.user.queued, stats.user.done), (4, 996, 0));
        assert_eq!(stats.dns.done, 1);
        assert_eq!(stats.fs.done > 0, cfg!(feature = "fs"), "{stats:?}");
    });
}

#[cfg(feature = "fs")]
fn write_a_file(done: impl Fn() + 'static) {
    let path = std::env::temp_dir().join(format!("onward-pool-{}", std::process::id()));
    let file = onward::fs::WriteStream::create(&path).unwrap();
    file.on(Close, move |_, _| {
        std::fs::remove_file(&path).unwrap();
        done();
    });
    file.end_with("in time");
}

#[cfg(not(feature = "fs"))]
fn write_a_file(done: impl Fn() + 'static) {
    onward::set_immediate(done);
}

#[test]
fn it_can_be_sized_while_it_is_at_work() {
    in_child("event_loop::pool::it_can_be_sized_while_it_is_at_work", || {
        let event_loop = EventLoop::new().unwrap();
        PoolOptions::new().user(2).apply().unwrap();
        let (go, begun) = event_loop.enter(|| hang(7));
        (0..2).for_each(|_| begun.recv_timeout(LONG).unwrap());
        assert_eq!(
            begun.recv_timeout(Duration::from_millis(20)),
            Err(mpsc::RecvTimeoutError::Timeout)
        );
        PoolOptions::new().fs(1).apply().unwrap();
        let stats = pool::stats();
        assert_eq!((stats.fs.limit, stats.dns.limit, stats.user.limit), (1, 4, 2));
        // More threads are started for what waits.
        PoolOptions::new().user(5).apply().unwrap();
        (0..3).for_each(|_| begun.recv_timeout(LONG).unwrap());
        // Fewer are no reason to leave anything undone.
        PoolOptions::new().user(1).apply().unwrap();
        assert_eq!((pool::stats().user.running, pool::stats().user.queued), (5, 2));
        drop(go);
        event_loop.run().unwrap();
        assert_eq!((pool::stats().user.done, pool::stats().threads), (7, 5));
        // What is idle is used again, whatever for, by all that there is to do.
        let (go, begun) = event_loop.enter(|| {
            PoolOptions::new().user(5).apply().unwrap();
            hang(5)
        });
        (0..5).for_each(|_| begun.recv_timeout(LONG).unwrap());
        assert_eq!((pool::stats().threads, pool::stats().idle), (5, 0));
        drop(go);
        event_loop.run().unwrap();
    });
}

#[test]
fn a_size_that_makes_no_sense_changes_nothing() {
    in_child("event_loop::pool::a_size_that_makes_no_sense_changes_nothing", || {
        let before = pool::stats();
        for wrong in [0, 1025, usize::MAX] {
            let error = PoolOptions::new().user(7).fs(wrong).apply().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            let said =
                format!("size the blocking pool {wrong}: want a number of threads from 1 to 1024");
            assert_eq!(error.to_string(), said);
        }
        assert_eq!(pool::stats(), before);
        PoolOptions::new().apply().unwrap();
        assert_eq!(pool::stats(), before);
        assert_eq!((before.threads, before.total().limit), (0, 12));
    });
}

#[test]
fn the_environment_sizes_what_the_program_does_not() {
    let name = "event_loop::pool::the_environment_sizes_what_the_program_does_not";
    in_child_with(name, &[("ONWARD_POOL_THREADS", "fs=2,user=7")], || {
        let event_loop = EventLoop::new().unwrap();
        let limits = || {
            let stats = pool::stats();
            (stats.fs.limit, stats.dns.limit, stats.user.limit)
        };
        assert_eq!(limits(), (2, 4, 7));
        PoolOptions::new().user(9).apply().unwrap();
        assert_eq!(limits(), (2, 4, 9));
        let (go, begun) = event_loop.enter(|| hang(20));
        (0..9).for_each(|_| begun.recv_timeout(LONG).unwrap());
        assert_eq!(pool::stats().user.running, 9);
        drop(go);
        event_loop.run().unwrap();
        assert_eq!(pool::stats().user.done, 20);
    });
}

#[test]
fn an_environment_that_makes_no_sense_is_told_at_the_start() {
    let name = "event_loop::pool::an_environment_that_makes_no_sense_is_told_at_the_start";
    in_child_with(name, &[("ONWARD_POOL_THREADS", "many")], || {
        let error = onward::run(|| unreachable!("there is no loop")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let said = "read ONWARD_POOL_THREADS=many: \
                    want a number of threads from 1 to 1024, or fs=N,dns=N,user=N";
        assert_eq!(error.to_string(), said);
        assert_eq!(EventLoop::new().unwrap_err().to_string(), said);
    });
}

#[test]
fn what_may_not_wait_is_refused_and_what_was_accepted_is_done() {
    let name = "event_loop::pool::what_may_not_wait_is_refused_and_what_was_accepted_is_done";
    in_child(name, || {
        let (event_loop, log) = (EventLoop::new().unwrap(), Log::default());
        PoolOptions::new().user(2).max_queued(3).apply().unwrap();
        let go = event_loop.enter(|| {
            let (go, begun) = hang(2);
            (0..2).for_each(|_| begun.recv_timeout(LONG).unwrap());
            for n in 0..10 {
                let log = log.clone();
                spawn_blocking(move || n).then(move |result| match result {
                    Ok(n) => log.note(n.to_string()),
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::PoolFull);
                        let said = "blocking work: the queue of the blocking pool is at its cap";
                        assert_eq!(error.to_string(), said);
                        log.note("-");
                    }
                });
            }
            assert_eq!(log.take(), "", "also that is told later");
            go
        });
        event_loop.run_nowait().unwrap();
        assert_eq!(log.take(), "- - - - - - -");
        drop(go);
        event_loop.run().unwrap();
        let mut done: Vec<_> = log.take().split(' ').map(str::to_string).collect();
        done.sort();
        assert_eq!(done, ["0", "1", "2"]);
        let stats = pool::stats();
        assert_eq!((stats.user.done, stats.user.refused, stats.user.queued), (5, 7, 0));
        // Now there is room again.
        event_loop.enter(|| spawn_blocking(|| ()).then(|result| result.unwrap()));
        event_loop.run().unwrap();
    });
}

#[test]
fn what_waits_can_be_seen_to_wait() {
    in_child("event_loop::pool::what_waits_can_be_seen_to_wait", || {
        let (event_loop, pause) = (EventLoop::new().unwrap(), Duration::from_millis(20));
        let (go, begun) = event_loop.enter(|| hang(6));
        (0..4).for_each(|_| begun.recv_timeout(LONG).unwrap());
        let before = pool::stats().user;
        assert_eq!((before.running, before.queued, before.done), (4, 2, 0));
        thread::sleep(pause);
        let during = pool::stats().user;
        assert!(during.oldest >= before.oldest + pause, "{during:?}");
        drop(go);
        event_loop.run().unwrap();
        let after = pool::stats();
        assert_eq!((after.user.running, after.user.queued, after.user.done), (0, 0, 6));
        assert_eq!((after.threads, after.idle), (4, 4));
        assert!(after.user.longest_wait >= during.oldest, "{after:?}");
        assert!(after.user.total_wait >= 2 * during.oldest, "both of them: {after:?}");
        assert_eq!(after.user.oldest, Duration::ZERO);
        assert_eq!(after.total().done, 6);
    });
}

#[test]
fn a_callback_finds_its_own_work_among_what_is_done() {
    in_child("event_loop::pool::a_callback_finds_its_own_work_among_what_is_done", || {
        onward::run(|| {
            one_more(1);
            Ok(())
        })
        .unwrap();
    });

    fn one_more(n: u64) {
        spawn_blocking(|| ()).then(move |_| {
            let stats = pool::stats();
            assert_eq!((stats.user.done, stats.user.running), (n, 0));
            if n < 500 {
                one_more(n + 1);
            }
        });
    }
}

#[test]
fn several_loops_share_it_and_nothing_is_lost() {
    const EACH: u64 = 2_000;
    in_child("event_loop::pool::several_loops_share_it_and_nothing_is_lost", || {
        let loops: Vec<_> = (0..4)
            .map(|_| {
                thread::spawn(|| {
                    let (told, cancelled) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
                    let (count, taken) = (Rc::clone(&told), Rc::clone(&cancelled));
                    onward::run(move || {
                        for n in 0..EACH {
                            let count = Rc::clone(&count);
                            let job = spawn_blocking(move || n).then(move |result| {
                                assert_eq!(result.unwrap(), n);
                                count.set(count.get() + 1);
                            });
                            let taken = Rc::clone(&taken);
                            if n % 3 == 0 {
                                set_timeout(Duration::ZERO, move || {
                                    taken.set(taken.get() + u64::from(job.cancel()));
                                });
                            }
                        }
                        Ok(())
                    })
                    .unwrap();
                    assert_eq!(told.get() + cancelled.get(), EACH);
                    cancelled.get()
                })
            })
            .collect();
        let cancelled: u64 = loops.into_iter().map(|it| it.join().unwrap()).sum();
        let stats = pool::stats().user;
        assert_eq!((stats.cancelled, stats.done), (cancelled, 4 * EACH - cancelled));
        assert_eq!((stats.queued, stats.running, stats.refused), (0, 0, 0));
    });
}

#[test]
fn a_program_exits_while_all_threads_hang_and_thousands_wait() {
    in_child("event_loop::pool::a_program_exits_while_all_threads_hang_and_thousands_wait", || {
        onward::run(|| {
            for _ in 0..10_000 {
                spawn_blocking(|| thread::sleep(NEVER)).then(|_| unreachable!());
            }
            set_timeout(Duration::from_millis(1), stop);
            Ok(())
        })
        .unwrap();
    });
}
