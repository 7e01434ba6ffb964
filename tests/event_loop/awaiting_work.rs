//! Work on other threads, awaited and cancelled.

use super::support::{in_child, in_time, trace};
use onward::{ErrorKind, EventLoop, block_on, set_timeout, spawn_blocking, timeout};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

#[test]
fn the_result_comes_to_who_awaits_it() {
    in_time(|| {
        let sum = block_on(async {
            let (one, two) = (spawn_blocking(|| 20), spawn_blocking(|| 22));
            // Both are under way, whichever is asked for first.
            two.await.unwrap() + one.await.unwrap()
        });
        assert_eq!(sum.unwrap(), 42);
    });
}

#[test]
fn a_panic_of_the_work_is_an_error_here_too() {
    in_time(|| {
        let failed = block_on(async { spawn_blocking(|| -> u8 { panic!("on purpose") }).await });
        let error = failed.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Panicked);
        assert_eq!(error.to_string(), "blocking work: on purpose");
    });
}

#[test]
fn who_asks_long_after_it_was_done_is_answered() {
    let noted = trace(|log| {
        let (work, awaited) = (spawn_blocking(|| "callback"), spawn_blocking(|| "future"));
        let log = log.clone();
        set_timeout(Duration::from_millis(20), move || {
            let noting = log.clone();
            work.then(move |result| noting.note(result.unwrap()));
            log.note("asked");
            onward::spawn(async move { log.note(awaited.await.unwrap()) });
        });
        Ok(())
    });
    // On a machine that is very busy the work may not have been done by then.
    assert!(
        ["asked future callback", "asked callback future"].contains(&noted.as_str()),
        "{noted}"
    );
}

#[test]
fn the_wait_may_be_given_up_and_the_work_goes_on() {
    in_time(|| {
        let ((go, gone), (begun, begins)) = (mpsc::channel::<()>(), mpsc::channel());
        let done = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&done);
        block_on(async move {
            let work = spawn_blocking(move || {
                begun.send(()).unwrap();
                let _ = gone.recv();
                count.fetch_add(1, Ordering::SeqCst);
            });
            begins.recv().unwrap();
            let late = timeout(Duration::from_millis(5), work).await;
            assert_eq!(late.unwrap_err().kind(), ErrorKind::TimedOut);
            drop(go);
            // The pool is first in, first out: this comes after it.
            while done.load(Ordering::SeqCst) == 0 {
                spawn_blocking(|| ()).await.unwrap();
            }
        })
        .unwrap();
    });
}

#[test]
fn work_that_was_not_begun_can_be_cancelled_and_is_dropped_here() {
    // In a process of its own, for its pool is that of the process.
    in_child(
        "event_loop::awaiting_work::work_that_was_not_begun_can_be_cancelled_and_is_dropped_here",
        || {
            struct Gone(Arc<Mutex<Vec<std::thread::ThreadId>>>);
            impl Drop for Gone {
                fn drop(&mut self) {
                    self.0.lock().unwrap().push(std::thread::current().id());
                }
            }
            let (begun, beginning) = mpsc::channel();
            let dropped = Arc::default();
            let event_loop = EventLoop::new().unwrap();
            let release = event_loop.enter(|| {
                let release: Vec<_> = (0..4)
                    .map(|_| {
                        let ((release, held), begun) = (mpsc::channel::<()>(), begun.clone());
                        spawn_blocking(move || {
                            begun.send(()).unwrap();
                            let _ = held.recv();
                        })
                        .then(|result| result.unwrap());
                        release
                    })
                    .collect();
                (0..4).for_each(|_| beginning.recv().unwrap());
                let gone = Gone(Arc::clone(&dropped));
                let waiting = spawn_blocking(move || drop(gone));
                assert!(waiting.cancel(), "all threads are busy: it waits");
                assert_eq!(*dropped.lock().unwrap(), [std::thread::current().id()]);
                release
            });
            drop(release);
            event_loop.run().unwrap();
            let (sender, sent) = mpsc::channel();
            event_loop.enter(|| {
                let begun = spawn_blocking(move || sender.send(()).unwrap());
                sent.recv().unwrap();
                assert!(!begun.cancel(), "a thread has it");
            });
            event_loop.run().unwrap();
        },
    );
}
