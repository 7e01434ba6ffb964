//! One loop runs on a thread at a time.

use super::support::{in_time, make_loop};
use onward::{ErrorKind, EventLoop, set_immediate, set_timeout};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// Calls `attempt` from inside of a callback of a running loop; gives what it said.
fn from_a_callback<T: Send + 'static>(attempt: impl FnOnce() -> T + Send + 'static) -> T {
    in_time(move || {
        let said = Rc::new(RefCell::new(None));
        let kept = Rc::clone(&said);
        onward::run(|| {
            set_timeout(Duration::ZERO, move || drop(kept.replace(Some(attempt()))));
            Ok(())
        })
        .unwrap();
        said.take().unwrap()
    })
}

#[test]
fn run_inside_of_a_callback_is_an_error_and_does_not_even_call_the_setup() {
    let error =
        from_a_callback(|| onward::run(|| unreachable!("it does not come to that"))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyRunning);
    let error = from_a_callback(|| EventLoop::new().map(drop)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyRunning);
}

#[test]
fn a_loop_cannot_be_run_from_its_own_callback_and_goes_on() {
    in_time(|| {
        let (event_loop, log) = make_loop();
        let event_loop = Rc::new(event_loop);
        let (again, noted) = (Rc::downgrade(&event_loop), log.clone());
        event_loop.enter(|| {
            set_timeout(Duration::ZERO, move || {
                let error = again.upgrade().unwrap().run().unwrap_err();
                noted.note(format!("{:?}", error.kind()));
            });
            set_immediate(log.noting("immediate"));
        });
        event_loop.run().unwrap();
        assert_eq!(log.take(), "AlreadyRunning immediate");
    });
}

#[test]
fn another_loop_that_was_made_before_cannot_be_run_from_a_callback_either() {
    in_time(|| {
        let ((outer, log), (inner, _)) = (make_loop(), make_loop());
        let noted = log.clone();
        outer.enter(|| {
            set_timeout(Duration::ZERO, move || {
                inner.enter(|| set_immediate(|| ()));
                let ran = inner.run().map_err(|error| error.kind());
                let nested = inner.enter(|| onward::run(|| Ok(()))).map_err(|error| error.kind());
                noted.note(format!("{ran:?} {nested:?}"));
            })
        });
        outer.run().unwrap();
        assert_eq!(log.take(), "Err(AlreadyRunning) Err(AlreadyRunning)");
    });
}

#[test]
fn two_loops_can_take_turns_on_one_thread() {
    in_time(|| {
        let ((one, log), (two, _)) = (make_loop(), make_loop());
        one.enter(|| {
            set_timeout(Duration::ZERO, log.noting("one"));
            two.enter(|| set_timeout(Duration::ZERO, log.noting("two")));
            set_immediate(log.noting("one again"));
        });
        two.run().unwrap();
        one.run().unwrap();
        assert_eq!(log.take(), "two one one again");
    });
}

#[test]
fn loops_on_two_threads_do_not_know_of_each_other() {
    in_time(|| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                std::thread::spawn(|| {
                    let mut ran = 0;
                    for _ in 0..50 {
                        let (event_loop, log) = make_loop();
                        event_loop.enter(|| set_timeout(Duration::ZERO, log.noting("ran")));
                        event_loop.run().unwrap();
                        ran += usize::from(log.take() == "ran");
                    }
                    ran
                })
            })
            .collect();
        assert!(threads.into_iter().all(|thread| thread.join().unwrap() == 50));
    });
}

#[test]
fn no_way_to_run_a_loop_works_from_a_callback_and_none_does_harm() {
    in_time(|| {
        let ((outer, log), (inner, inner_log)) = (make_loop(), make_loop());
        inner.enter(|| set_immediate(inner_log.noting("immediate")));
        let inner = Rc::new(inner);
        let (same, noted) = (Rc::clone(&inner), log.clone());
        outer.enter(|| {
            set_timeout(Duration::ZERO, move || {
                let attempts = [
                    same.run(),
                    same.run_once().map(drop),
                    same.run_nowait().map(drop),
                    same.run_until(async {}),
                    onward::block_on(async {}),
                ];
                for attempt in attempts {
                    noted.note(format!("{:?}", attempt.unwrap_err().kind()));
                }
            });
            set_immediate(log.noting("on"));
        });
        outer.run().unwrap();
        assert_eq!(log.take(), format!("{}on", "AlreadyRunning ".repeat(5)));
        // What was on the other one is there still.
        assert!(inner.is_alive());
        inner.run().unwrap();
        assert_eq!(inner_log.take(), "immediate");
    });
}
