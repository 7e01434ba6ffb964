//! Who drives the loop: turn by turn, for a future, inside of another loop; and the hooks.

use super::support::{Log, NEVER, in_time, make_loop, trace};
use onward::events::*;
use onward::net::Server;
use onward::{
    Error, ErrorKind, EventLoop, Handle, Hook, block_on, fail, next_tick, set_immediate,
    set_timeout, sleep, spawn, stop,
};
use std::cell::Cell;
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::sync::mpsc;
use std::task::{Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

const MS: Duration = Duration::from_millis(1);
/// Not over by the next call, wherever this thread has to stand still for a moment.
const FAR: Duration = Duration::from_millis(400);

#[test]
fn turn_by_turn_until_nothing_is_left() {
    in_time(|| {
        let (event_loop, log) = make_loop();
        assert!(!event_loop.is_alive());
        assert!(!event_loop.run_once().unwrap());
        event_loop.enter(|| {
            let (log, inner) = (log.clone(), log.clone());
            set_immediate(move || {
                log.note("first");
                set_immediate(inner.noting("second"));
            });
        });
        assert!(event_loop.is_alive());
        assert!(event_loop.run_once().unwrap());
        assert_eq!(log.take(), "first");
        assert!(!event_loop.run_once().unwrap());
        assert_eq!(log.take(), "second");
    });
}

#[test]
fn once_waits_and_nowait_does_not() {
    in_time(|| {
        let (event_loop, log) = make_loop();
        let begun = Instant::now();
        event_loop.enter(|| set_timeout(FAR, log.noting("timer")));
        assert!(event_loop.run_nowait().unwrap());
        assert_eq!(log.take(), "");
        while event_loop.run_once().unwrap() {}
        assert_eq!(log.take(), "timer");
        assert!(begun.elapsed() >= FAR);
    });
}

#[test]
fn who_makes_turns_one_by_one_hears_of_a_stop_once() {
    in_time(|| {
        let event_loop = EventLoop::new().unwrap();
        event_loop.enter(|| {
            set_timeout(NEVER, || unreachable!());
            set_immediate(stop);
        });
        assert!(!event_loop.run_nowait().unwrap());
        assert!(event_loop.is_alive());
        assert!(event_loop.run_nowait().unwrap(), "it goes on where it was");
        event_loop.enter(|| set_immediate(stop));
        assert!(!event_loop.run_once().unwrap());
    });
}

#[test]
fn errors_of_a_turn_come_out_of_it() {
    in_time(|| {
        let event_loop = EventLoop::new().unwrap();
        event_loop.enter(|| next_tick(|| fail(Error::other("why not"))));
        assert_eq!(event_loop.run_once().unwrap_err().to_string(), "why not");
        let inside = event_loop.run_until(async {
            let nested = EventLoop::new().unwrap_err();
            nested.kind()
        });
        assert_eq!(inside.unwrap(), ErrorKind::AlreadyRunning);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_loop_lives_inside_of_another_one() {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    in_time(|| {
        let (inner, log) = make_loop();
        inner.enter(|| {
            let server = Server::listen("127.0.0.1:0").unwrap();
            server.on(Connection, |server, socket| {
                server.close();
                socket.on(Data, |socket, chunk| socket.end_with(chunk));
            });
            let client = onward::net::Socket::connect(server.local_addr()).unwrap();
            let (log, closed) = (log.clone(), log.clone());
            client.write("hello");
            client.resume();
            drop(log);
            set_timeout(10 * MS, closed.noting("timer"));
        });
        let mut waits = 0;
        while inner.run_nowait().unwrap() {
            waits += 1;
            let timeout = inner.next_timeout();
            let timeout = timeout.map(|timeout| Timespec::try_from(timeout).unwrap());
            poll(&mut [PollFd::new(&inner, PollFlags::IN)], timeout.as_ref()).unwrap();
            if waits > 1_000 {
                break;
            }
        }
        assert_eq!(log.take(), "timer");
        assert!(waits < 100, "it waits instead of asking on and on: {waits}");
    });
}

#[test]
fn a_loop_runs_for_a_future_which_need_not_be_static() {
    in_time(|| {
        let event_loop = EventLoop::new().unwrap();
        let (mut counted, text) = (0, "borrowed".to_string());
        let output = event_loop.run_until(async {
            sleep(MS).await;
            counted += 1;
            text.as_str()
        });
        assert_eq!(output.unwrap(), "borrowed");
        assert_eq!(counted, 1);
        // What else is there stays for the next run.
        let log = Log::default();
        event_loop.enter(|| set_timeout(FAR, log.noting("later")));
        event_loop.run_until(async {}).unwrap();
        assert_eq!(log.take(), "");
        event_loop.run().unwrap();
        assert_eq!(log.take(), "later");
    });
}

#[test]
fn a_waker_that_outlives_its_run_keeps_the_next_from_no_wait() {
    in_time(|| {
        let (event_loop, mut kept) = (EventLoop::new().unwrap(), None);
        let future = poll_fn(|context| {
            kept = Some(context.waker().clone());
            Poll::Ready(())
        });
        event_loop.run_until(future).unwrap();
        let turns = Rc::new(Cell::new(0));
        let count = Rc::clone(&turns);
        event_loop.enter(|| {
            set_timeout(Duration::ZERO, || kept.into_iter().for_each(Waker::wake));
            set_timeout(30 * MS, || ());
            Handle::current().unwrap().before_poll(move || count.set(count.get() + 1));
        });
        event_loop.run().unwrap();
        assert!(turns.get() < 10, "{} turns", turns.get());
    });
}

#[test]
fn a_future_that_nothing_can_complete_is_an_error_and_no_hang() {
    in_time(|| {
        let error = block_on(pending::<()>()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsettled);
        assert_eq!(error.to_string(), "run until: nothing is left that could complete it");
        // As long as there is something left, it might.
        let begun = Instant::now();
        let error = block_on(async {
            set_timeout(10 * MS, || ());
            pending::<()>().await;
        });
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Unsettled);
        assert!(begun.elapsed() >= 10 * MS);
    });
}

#[test]
fn another_thread_that_has_a_waker_is_waited_for() {
    in_time(|| {
        let (sender, wakers) = mpsc::channel::<Waker>();
        let (go, gone) = mpsc::channel();
        let thread = thread::spawn(move || {
            let waker = wakers.recv().unwrap();
            gone.recv().unwrap();
            waker.wake();
        });
        let mut polls = 0;
        block_on(poll_fn(|context| {
            polls += 1;
            if polls == 1 {
                sender.send(context.waker().clone()).unwrap();
                set_timeout(5 * MS, {
                    let go = go.clone();
                    move || go.send(()).unwrap()
                })
                .unref();
                return Poll::Pending;
            }
            Poll::Ready(())
        }))
        .unwrap();
        assert_eq!(polls, 2);
        thread.join().unwrap();
    });
}

#[test]
fn a_stop_ends_the_wait_for_a_future_and_a_failure_is_its_error() {
    in_time(|| {
        let event_loop = EventLoop::new().unwrap();
        event_loop.enter(|| set_immediate(stop));
        let stopped = event_loop.run_until(pending::<()>()).unwrap_err();
        assert_eq!(stopped.kind(), ErrorKind::Cancelled);
        event_loop.enter(|| set_immediate(|| fail(Error::other("so be it"))));
        let failed = event_loop.run_until(pending::<()>()).unwrap_err();
        assert_eq!(failed.to_string(), "so be it");
        assert_eq!(event_loop.run_until(async { 1 }).unwrap(), 1);
    });
}

#[test]
fn block_on_closes_what_is_left() {
    in_time(|| {
        let log = Log::default();
        let closing = log.clone();
        block_on(async move {
            let server = Server::listen("127.0.0.1:0").unwrap();
            server.on(Close, move |_, ()| closing.note("closed"));
            spawn(pending::<()>());
        })
        .unwrap();
        assert_eq!(log.take(), "closed");
    });
}

#[test]
fn hooks_stand_around_the_wait_and_keep_nothing_going() {
    let noted = trace(|log| {
        let handle = Handle::current()?;
        handle.after_poll(log.noting("after"));
        handle.before_poll(log.noting("before"));
        handle.before_exit(log.noting("before-exit"));
        handle.at_exit(log.noting("exit"));
        set_timeout(Duration::ZERO, log.noting("timer"));
        set_immediate(log.noting("immediate"));
        Ok(())
    });
    // The timer may be due in the first turn already, or not before the second.
    let noted = noted.replace("timer ", "");
    assert!(noted.starts_with("before after immediate "), "{noted}");
    assert!(noted.ends_with(" before-exit exit"), "{noted}");
}

#[test]
fn hooks_may_be_removed_by_themselves_and_by_others() {
    let noted = trace(|log| {
        let handle = Handle::current()?;
        let (first, log) = (Rc::new(Cell::new(None::<Hook>)), log.clone());
        let (second, this) = (Rc::new(Cell::new(None::<Hook>)), Rc::clone(&first));
        let (other, noting) = (Rc::clone(&second), log.clone());
        first.set(Some(handle.before_poll(move || {
            noting.note("first");
            assert!(this.get().unwrap().remove());
            assert!(other.get().unwrap().remove());
            assert!(!other.get().unwrap().remove());
        })));
        second.set(Some(handle.before_poll(|| unreachable!("it was removed"))));
        let before_exit = handle.before_exit(|| unreachable!("it was removed"));
        assert!(before_exit.remove());
        set_immediate(move || {
            set_immediate(log.noting("second turn"));
        });
        set_timeout(5 * MS, || ());
        Ok(())
    });
    assert_eq!(noted, "first second turn");
}

#[test]
fn before_exit_may_find_more_to_do_and_does_not_come_after_a_stop() {
    let noted = trace(|log| {
        let (log, mut left) = (log.clone(), 2);
        Handle::current()?.before_exit(move || {
            log.note("before-exit");
            if left > 0 {
                left -= 1;
                set_timeout(MS, log.noting("more"));
            }
        });
        Ok(())
    });
    assert_eq!(noted, "before-exit more before-exit more before-exit");
    let noted = trace(|log| {
        let handle = Handle::current()?;
        handle.before_exit(|| unreachable!("it was stopped"));
        handle.at_exit(log.noting("exit"));
        set_immediate(stop);
        set_timeout(NEVER, || unreachable!());
        Ok(())
    });
    assert_eq!(noted, "exit");
}

#[test]
fn what_an_exit_hook_puts_on_the_loop_is_dropped() {
    let noted = trace(|log| {
        struct Gone(Log);
        impl Drop for Gone {
            fn drop(&mut self) {
                self.0.note("dropped");
            }
        }
        let log = log.clone();
        Handle::current()?.at_exit(move || {
            let gone = Gone(log.clone());
            set_immediate(move || drop(gone));
            log.note("exit");
        });
        Ok(())
    });
    assert_eq!(noted, "exit dropped");
}
