//! Bad days of the pool: work, results and callbacks that panic, cancelled work, loops that end.

use super::support::{Log, in_child, in_time, make_loop, panic_of, trace};
use onward::pool::{self, PoolOptions};
use onward::{Blocking, BlockingJob, ErrorKind, EventLoop, block_on, next_tick, spawn_blocking};
use std::future::Future;
use std::panic::panic_any;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

/// Cannot be dropped without a panic.
struct Explosive;

impl Explosive {
    fn touch(&self) {}
}

impl Drop for Explosive {
    fn drop(&mut self) {
        if !thread::panicking() {
            panic!("boom");
        }
    }
}

/// Has a loop with one thread for its work, which hangs until the sender is dropped.
fn busy() -> (EventLoop, mpsc::Sender<()>) {
    PoolOptions::new().user(1).apply().unwrap();
    let (event_loop, (go, gone)) = (EventLoop::new().unwrap(), mpsc::channel::<()>());
    let (begin, begun) = mpsc::channel();
    event_loop.enter(|| {
        spawn_blocking(move || {
            begin.send(()).unwrap();
            let _ = gone.recv();
        })
        .then(|result| result.unwrap());
    });
    begun.recv_timeout(Duration::from_secs(20)).unwrap();
    (event_loop, go)
}

/// One look at a future, from no executor in particular.
fn look<T>(blocking: &mut Blocking<T>) -> Poll<onward::Result<T>> {
    pin!(blocking).poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn captures_that_panic_as_they_are_dropped_make_the_work_one_that_panicked() {
    let noted = trace(|log| {
        // More than the pool has threads.
        for _ in 0..12 {
            let (explosive, log) = (Explosive, log.clone());
            spawn_blocking(move || explosive.touch()).then(move |result| {
                let error = result.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Panicked);
                assert_eq!(error.to_string(), "blocking work: boom");
                log.note("x");
            });
        }
        let log = log.clone();
        spawn_blocking(|| "still there").then(move |result| log.note(result.unwrap()));
        Ok(())
    });
    assert_eq!(noted.matches('x').count(), 12, "{noted}");
    assert!(noted.contains("still there"), "{noted}");
}

#[test]
fn what_a_panic_carries_may_panic_as_it_is_dropped() {
    let noted = trace(|log| {
        for _ in 0..12 {
            let log = log.clone();
            spawn_blocking(|| panic_any(Explosive)).then(move |result: Result<(), _>| {
                assert_eq!(result.unwrap_err().to_string(), "blocking work: panicked");
                log.note("x");
            });
        }
        let log = log.clone();
        spawn_blocking(|| "still there").then(move |result| log.note(result.unwrap()));
        Ok(())
    });
    assert_eq!(noted.matches('x').count(), 12, "{noted}");
    assert!(noted.contains("still there"), "{noted}");
}

#[test]
fn a_callback_that_panics_costs_no_other_its_result() {
    in_time(|| {
        let (event_loop, log) = make_loop();
        event_loop.enter(|| {
            for n in 0..10 {
                let log = log.clone();
                spawn_blocking(move || n).then(move |result| {
                    log.note("called");
                    assert_ne!(result.unwrap() % 3, 0, "a multiple of three");
                });
            }
        });
        let mut panics = 0;
        while event_loop.is_alive() {
            let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| event_loop.run()));
            match ran {
                Ok(ended) => ended.unwrap(),
                Err(_) => panics += 1,
            }
        }
        assert_eq!(panics, 4, "0, 3, 6, 9");
        assert_eq!(log.take().matches("called").count(), 10);
    });
}

#[test]
fn ten_thousand_pieces_of_work_are_taken_back() {
    in_child("event_loop::pool_troubles::ten_thousand_pieces_of_work_are_taken_back", || {
        let (event_loop, go) = busy();
        let log = Log::default();
        let dropped = Arc::new(AtomicUsize::new(0));
        struct Counts(Arc<AtomicUsize>, thread::ThreadId);
        impl Drop for Counts {
            fn drop(&mut self) {
                assert_eq!(thread::current().id(), self.1);
                self.0.fetch_add(1, Ordering::SeqCst);
            }
        }
        event_loop.enter(|| {
            let jobs: Vec<BlockingJob> = (0..10_000)
                .map(|_| {
                    let counts = Counts(Arc::clone(&dropped), thread::current().id());
                    let capture = log.on_drop(".");
                    spawn_blocking(move || {
                        let _counts = counts;
                        unreachable!("it is cancelled");
                    })
                    .then(move |_: Result<(), _>| capture.touch())
                })
                .collect();
            assert_eq!(pool::stats().user.queued, 10_000);
            // From both ends.
            let (first, last) = jobs.split_at(5_000);
            for (a, b) in first.iter().zip(last.iter().rev()) {
                assert!(a.cancel() && b.cancel());
                assert!(!a.cancel() && !b.cancel(), "once");
            }
        });
        assert_eq!(dropped.load(Ordering::SeqCst), 10_000);
        assert_eq!(log.take().matches('.').count(), 10_000, "so are their callbacks");
        let stats = pool::stats().user;
        assert_eq!((stats.queued, stats.cancelled), (0, 10_000));
        // The loop hears of none of them.
        drop(go);
        event_loop.run().unwrap();
        assert_eq!(pool::stats().user.done, 1);
    });
}

#[test]
fn who_awaits_work_that_is_cancelled_is_told() {
    in_child("event_loop::pool_troubles::who_awaits_work_that_is_cancelled_is_told", || {
        let (event_loop, go) = busy();
        let log = Log::default();
        event_loop.enter(|| {
            let work = spawn_blocking(|| unreachable!("it is cancelled"));
            let (job, noting) = (work.job(), log.clone());
            onward::spawn(async move {
                let error = work.await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Cancelled);
                noting.note(error.to_string());
            });
            let log = log.clone();
            onward::set_immediate(move || {
                log.note(job.cancel().to_string());
                next_tick(log.noting("tick"));
                drop(go);
            });
        });
        event_loop.run().unwrap();
        assert_eq!(log.take(), "true tick blocking work: cancelled before its end");
    });
}

#[test]
fn the_loop_need_not_wait_for_work_and_hears_of_it_if_it_is_there() {
    let name =
        "event_loop::pool_troubles::the_loop_need_not_wait_for_work_and_hears_of_it_if_it_is_there";
    in_child(name, || {
        let (event_loop, go) = busy();
        let log = Log::default();
        let (begun, waiting) = event_loop.enter(|| {
            // The one thread has it when the other one is done.
            let (hold, held) = mpsc::channel::<()>();
            let noting = log.noting("done");
            let begun =
                spawn_blocking(move || held.recv().is_err()).then(move |_| noting()).unref();
            (hold, [begun, spawn_blocking(|| ()).then(|_| ()).unref()])
        });
        drop(go);
        event_loop.run().unwrap();
        assert_eq!(log.take(), "", "it waits for the first alone");
        event_loop.enter(|| {
            assert!(waiting.iter().all(|job| !job.has_ref()));
            assert!(waiting[0].ref_().ref_().has_ref());
            assert!(!waiting[1].unref().has_ref());
        });
        assert!(event_loop.is_alive());
        assert!(event_loop.enter(|| waiting[1].cancel() && !waiting[1].ref_().has_ref()));
        drop(begun);
        event_loop.run().unwrap();
        assert_eq!(log.take(), "done");
        assert!(!event_loop.enter(|| waiting[0].has_ref()) && !event_loop.is_alive());
    });
}

#[test]
fn who_comes_after_the_cancelling_is_told_if_he_awaits_and_not_called() {
    let name = "event_loop::pool_troubles::who_comes_after_the_cancelling_is_told_if_he_awaits_and_not_called";
    in_child(name, || {
        let (event_loop, go) = busy();
        event_loop.enter(|| {
            let mut awaited = spawn_blocking(|| ());
            assert!(awaited.job().cancel());
            assert!(matches!(look(&mut awaited), Poll::Ready(Err(error)) if error.kind() == ErrorKind::Cancelled));
            let called = spawn_blocking(|| ());
            assert!(called.job().cancel());
            let job = called.then(|_| unreachable!("as if it had been said before"));
            assert!(!job.cancel());
        });
        drop(go);
        event_loop.run().unwrap();
    });
}

#[test]
fn work_that_was_begun_is_not_cancelled_and_a_foreign_loop_cancels_nothing() {
    in_child(
        "event_loop::pool_troubles::work_that_was_begun_is_not_cancelled_and_a_foreign_loop_cancels_nothing",
        || {
            let (event_loop, go) = busy();
            let log = Log::default();
            let (begin, begun) = mpsc::channel();
            let (waiting, noting) = (log.clone(), log.noting("called"));
            let job = event_loop.enter(|| {
                spawn_blocking(move || begin.send(()).unwrap()).then(move |result| {
                    result.unwrap();
                    noting();
                })
            });
            assert!(!job.cancel(), "this thread is in no loop");
            assert!(!EventLoop::new().unwrap().enter(|| job.cancel()));
            drop(go);
            begun.recv_timeout(Duration::from_secs(20)).unwrap();
            assert!(!event_loop.enter(|| job.cancel()));
            event_loop.run().unwrap();
            assert_eq!(waiting.take(), "called");
        },
    );
}

#[test]
fn captures_that_panic_as_they_are_cancelled_panic_there_and_the_loop_does_not_wait_for_them() {
    let name = "event_loop::pool_troubles::captures_that_panic_as_they_are_cancelled_panic_there_and_the_loop_does_not_wait_for_them";
    in_child(name, || {
        let (event_loop, go) = busy();
        event_loop.enter(|| {
            let explosive = Explosive;
            let job = spawn_blocking(move || explosive.touch()).then(|_| unreachable!());
            assert_eq!(panic_of(|| job.cancel()), "boom");
            assert!(!job.cancel());
            assert_eq!(pool::stats().user.queued, 0);
        });
        drop(go);
        event_loop.run().unwrap();
        let log = Log::default();
        let noting = log.clone();
        event_loop.enter(|| spawn_blocking(|| "goes on").then(move |it| noting.note(it.unwrap())));
        event_loop.run().unwrap();
        assert_eq!(log.take(), "goes on");
    });
}

#[test]
fn who_awaits_it_when_the_loop_ends_is_woken_and_told() {
    struct Flag(AtomicBool);
    impl Wake for Flag {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    in_time(|| {
        let ((go, gone), (begin, begun)) = (mpsc::channel::<()>(), mpsc::channel());
        let (event_loop, _) = make_loop();
        let flag = Arc::new(Flag(AtomicBool::new(false)));
        let (mut awaited, mut unasked) = event_loop.enter(|| {
            (
                spawn_blocking(move || {
                    begin.send(()).unwrap();
                    gone.recv().is_err()
                }),
                spawn_blocking(|| thread::current().id()),
            )
        });
        let waker = Waker::from(Arc::clone(&flag));
        assert!(pin!(&mut awaited).poll(&mut Context::from_waker(&waker)).is_pending());
        drop(event_loop);
        assert!(flag.0.load(Ordering::SeqCst), "it is woken");
        for said in [look(&mut awaited).map_ok(drop), look(&mut unasked).map_ok(drop)] {
            let Poll::Ready(Err(error)) = said else { panic!("{said:?}") };
            assert_eq!(error.kind(), ErrorKind::LoopGone);
            assert_eq!(error.to_string(), "blocking work: its event loop has ended");
        }
        begun.recv_timeout(Duration::from_secs(20)).unwrap();
        assert!(!awaited.cancel(), "it is begun, loop or no loop");
        drop(go);
    });
}

#[test]
fn work_that_has_lost_its_loop_is_done_or_can_be_cancelled_still() {
    let name =
        "event_loop::pool_troubles::work_that_has_lost_its_loop_is_done_or_can_be_cancelled_still";
    in_child(name, || {
        let (event_loop, go) = busy();
        let (tell, told) = mpsc::channel();
        let cancelled = event_loop.enter(|| {
            spawn_blocking(move || tell.send("done").unwrap()).then(|_| unreachable!());
            spawn_blocking(|| unreachable!("it is cancelled"))
        });
        drop(event_loop);
        assert!(cancelled.cancel());
        drop(go);
        assert_eq!(told.recv_timeout(Duration::from_secs(20)), Ok("done"));
    });
}

#[test]
fn awaited_work_of_a_loop_that_was_given_up_goes_with_its_future() {
    in_time(|| {
        let (go, gone) = mpsc::channel::<()>();
        let ended = block_on(async move {
            let _go = go;
            onward::spawn(async move { spawn_blocking(move || gone.recv().is_err()).await });
            onward::fail(onward::Error::other("enough"));
            std::future::pending::<()>().await;
        });
        assert_eq!(ended.unwrap_err().to_string(), "enough");
    });
}
