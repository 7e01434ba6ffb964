//! Futures that run on the loop.

use super::support::{Log, in_time, make_loop, trace};
use onward::events::*;
use onward::net::{Server, Socket};
use onward::{
    Error, ErrorKind, EventLoop, Handle, next_tick, set_immediate, set_interval, set_timeout,
    spawn, stop,
};
use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

/// Is pending once, and wakes itself.
fn pause() -> impl Future<Output = ()> {
    let mut asked = false;
    poll_fn(move |context| {
        if std::mem::replace(&mut asked, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
}

/// Notes when it is dropped.
struct Noting(Log, &'static str);

impl Drop for Noting {
    fn drop(&mut self) {
        self.0.note(self.1);
    }
}

#[test]
fn a_future_begins_after_the_callback_and_its_ticks_and_goes_on_when_it_is_woken() {
    let noted = trace(|log| {
        let (log, outer) = (log.clone(), log.clone());
        set_immediate(move || {
            let inner = outer.clone();
            spawn(async move {
                inner.note("begins");
                next_tick(inner.noting("its tick"));
                pause().await;
                inner.note("goes on");
            });
            next_tick(outer.noting("tick"));
            outer.note("callback");
        });
        set_immediate(log.noting("next callback"));
        Ok(())
    });
    assert_eq!(noted, "callback tick begins its tick goes on next callback");
}

#[test]
fn futures_run_in_the_order_of_their_wake_ups() {
    let noted = trace(|log| {
        let wakers = Rc::new(RefCell::new(Vec::new()));
        for name in ["a", "b", "c"] {
            let (log, wakers, mut asked) = (log.clone(), Rc::clone(&wakers), false);
            spawn(async move {
                poll_fn(|context| {
                    if std::mem::replace(&mut asked, true) {
                        return Poll::Ready(());
                    }
                    wakers.borrow_mut().push(context.waker().clone());
                    Poll::Pending
                })
                .await;
                log.note(name);
            });
        }
        set_immediate(move || {
            let wakers: Vec<Waker> = wakers.take();
            // Twice is once.
            [2, 0, 2, 1, 0].into_iter().for_each(|at| wakers[at].wake_by_ref());
        });
        Ok(())
    });
    assert_eq!(noted, "c a b");
}

#[test]
fn the_output_comes_to_who_awaits_the_handle_also_if_that_is_late() {
    let noted = trace(|log| {
        let (log, late) = (log.clone(), log.clone());
        let soon = spawn(async {
            pause().await;
            "soon".to_string()
        });
        spawn(async move { log.note(soon.await.unwrap()) });
        let done = spawn(async { 6 * 7 });
        set_timeout(Duration::from_millis(1), move || {
            assert!(done.is_finished());
            spawn(async move { late.note(done.await.unwrap().to_string()) });
        });
        Ok(())
    });
    assert_eq!(noted, "soon 42");
}

#[test]
fn a_future_that_was_cancelled_is_dropped_soon_and_not_polled_any_more() {
    let noted = trace(|log| {
        let (held, dropped) = (log.clone(), Noting(log.clone(), "dropped"));
        let waiting = spawn(async move {
            let _dropped = dropped;
            pending::<()>().await;
            held.note("unreachable");
        });
        let log = log.clone();
        set_immediate(move || {
            waiting.cancel();
            log.note("cancelled");
            set_immediate(log.noting("later"));
        });
        Ok(())
    });
    assert_eq!(noted, "cancelled dropped later");
}

#[test]
fn a_future_may_cancel_itself_and_one_that_is_over_cannot_be() {
    let noted = trace(|log| {
        let own = Rc::new(RefCell::new(None));
        let (dropped, to_cancel) = (Noting(log.clone(), "dropped"), Rc::clone(&own));
        let handle = spawn(async move {
            let dropped = dropped;
            let own: onward::JoinHandle<()> = to_cancel.take().unwrap();
            own.cancel();
            dropped.0.note("goes on to its next await");
            pause().await;
            dropped.0.note("unreachable");
        });
        own.replace(Some(handle));
        let over = spawn(async {});
        set_immediate(move || over.cancel());
        Ok(())
    });
    assert_eq!(noted, "goes on to its next await dropped");
}

#[test]
fn a_panic_passes_out_of_run_and_the_rest_goes_on() {
    in_time(|| {
        let (event_loop, log) = make_loop();
        let failed = event_loop.enter(|| {
            let dropped = Noting(log.clone(), "dropped");
            let failed = spawn(async move {
                let _dropped = dropped;
                pause().await;
                panic!("on purpose");
            });
            let log = log.clone();
            spawn(async move {
                pause().await;
                pause().await;
                log.note("other");
            });
            failed
        });
        assert!(catch_unwind(AssertUnwindSafe(|| event_loop.run())).is_err());
        event_loop.enter(|| {
            let log = log.clone();
            spawn(async move { log.note(failed.await.unwrap_err().to_string()) });
        });
        event_loop.run().unwrap();
        assert_eq!(log.take(), "dropped spawned future: cancelled before its end other");
    });
}

#[test]
fn the_loop_waits_for_a_future_unless_it_is_unrefed() {
    let noted = trace(|log| {
        let log = log.clone();
        let (sender, woken) = mpsc::channel::<Waker>();
        thread::spawn(move || woken.recv().unwrap().wake());
        let mut asked = false;
        spawn(async move {
            poll_fn(|context| {
                if std::mem::replace(&mut asked, true) {
                    return Poll::Ready(());
                }
                sender.send(context.waker().clone()).unwrap();
                Poll::Pending
            })
            .await;
            log.note("woken from another thread");
        });
        let handle = spawn(pending::<()>()).unref();
        drop(handle.ref_().unref());
        Ok(())
    });
    assert_eq!(noted, "woken from another thread");
}

#[test]
fn what_is_left_is_dropped_with_the_loop_on_its_thread_also_if_others_have_wakers() {
    in_time(|| {
        struct Here(thread::ThreadId, Arc<Mutex<Vec<&'static str>>>);
        impl Drop for Here {
            fn drop(&mut self) {
                assert_eq!(thread::current().id(), self.0);
                self.1.lock().unwrap().push("dropped");
                // Refused, without harm.
                next_tick(|| unreachable!());
                assert!(spawn(async {}).is_finished());
            }
        }
        let dropped = Arc::default();
        let (sender, wakers) = mpsc::channel::<Waker>();
        let thread = thread::spawn(move || {
            // They are woken while the loop ends, and after it.
            let wakers: Vec<_> = wakers.into_iter().collect();
            (0..1000).for_each(|_| wakers.iter().for_each(Waker::wake_by_ref));
        });
        let event_loop = EventLoop::new().unwrap();
        event_loop.enter(|| {
            for _ in 0..50 {
                let (here, sender) =
                    (Here(thread::current().id(), Arc::clone(&dropped)), sender.clone());
                spawn(async move {
                    let _here = here;
                    let mut sent = false;
                    poll_fn::<(), _>(|context| {
                        if !std::mem::replace(&mut sent, true) {
                            sender.send(context.waker().clone()).unwrap();
                        }
                        Poll::Pending
                    })
                    .await;
                });
            }
            drop(sender);
            set_immediate(stop);
        });
        event_loop.run().unwrap();
        drop(event_loop);
        assert_eq!(dropped.lock().unwrap().len(), 50);
        thread.join().unwrap();
    });
}

#[test]
fn a_future_that_wakes_itself_for_ever_leaves_the_others_their_share() {
    in_time(|| {
        let polls = Rc::new(Cell::new(0_u64));
        let count = Rc::clone(&polls);
        let turns = Rc::new(Cell::new(0));
        let counted = Rc::clone(&turns);
        onward::run(move || {
            spawn(async move {
                loop {
                    count.set(count.get() + 1);
                    pause().await;
                }
            });
            let server = Server::listen("127.0.0.1:0")?;
            server.on(Connection, |_, socket| {
                socket.on(Data, |socket, chunk| socket.end_with(chunk));
            });
            let client = Socket::connect(server.local_addr())?;
            client.write("still served");
            client.on(Data, |_, chunk| assert_eq!(chunk, b"still served"));
            let handle = Handle::current()?;
            client.on(Close, move |_, _| {
                set_timeout(Duration::from_millis(1), stop);
                counted.set(super::support::turns(&handle));
            });
            Ok(())
        })
        .unwrap();
        assert!(turns.get() > 2);
        let most = 128 * (turns.get() + 1);
        assert!(polls.get() > 0 && polls.get() < most * 1000, "{}", polls.get());
    });
}

#[test]
fn ten_thousand_wake_ups_in_one_turn_are_all_served() {
    in_time(|| {
        let done = Rc::new(Cell::new(0));
        let count = Rc::clone(&done);
        onward::run(move || {
            let wakers = Rc::new(RefCell::new(Vec::<Waker>::new()));
            for _ in 0..10_000 {
                let (wakers, count, mut asked) = (Rc::clone(&wakers), Rc::clone(&count), false);
                spawn(async move {
                    poll_fn(|context| {
                        if std::mem::replace(&mut asked, true) {
                            return Poll::Ready(());
                        }
                        wakers.borrow_mut().push(context.waker().clone());
                        Poll::Pending
                    })
                    .await;
                    count.set(count.get() + 1);
                });
            }
            set_interval(Duration::from_millis(1), move |timer| {
                if wakers.borrow().len() == 10_000 {
                    wakers.take().into_iter().for_each(Waker::wake);
                    timer.cancel();
                }
            });
            Ok(())
        })
        .unwrap();
        assert_eq!(done.get(), 10_000);
    });
}

#[test]
fn a_future_whose_error_ends_the_loop() {
    in_time(|| {
        let ended = onward::run(|| {
            onward::spawn_or_fail(async {
                pause().await;
                Err(Error::other("no more coffee"))
            });
            set_timeout(super::support::NEVER, || ());
            Ok(())
        });
        assert_eq!(ended.unwrap_err().to_string(), "no more coffee");
    });
}

#[test]
fn a_loop_that_has_ended_takes_no_future() {
    in_time(|| {
        let event_loop = EventLoop::new().unwrap();
        let (handle, log) = (event_loop.handle(), Log::default());
        drop(event_loop);
        let dropped = Noting(log.clone(), "dropped");
        let mut refused = handle.spawn(async move { drop(dropped) });
        assert_eq!(log.take(), "dropped");
        assert!(refused.is_finished());
        let mut context = Context::from_waker(Waker::noop());
        let Poll::Ready(Err(error)) = Pin::new(&mut refused).poll(&mut context) else {
            panic!("it is over")
        };
        assert_eq!(error.kind(), ErrorKind::Cancelled);
        refused.unref().ref_().cancel();
    });
}
