//! Bounded channels from other threads.

use super::support::{Log, OnDrop, in_time, make_loop, panic_of, trace};
use futures_lite::StreamExt as _;
use onward::{EventLoop, Receiver, Sender, channel, set_immediate, set_timeout, spawn, timeout};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Context;
use std::thread;
use std::time::Duration;

#[test]
fn values_come_in_order_and_then_the_end_and_the_loop_ends() {
    let said = trace(|log| {
        let (sender, receiver) = channel(2);
        thread::spawn(move || (1..=5).for_each(|n| sender.send_blocking(n).unwrap()));
        let (noted, ended) = (log.clone(), log.clone());
        receiver.on_data(move |_, n: u32| noted.note(n.to_string()));
        receiver.on_end(move |receiver| {
            ended.note("end");
            assert!(receiver.is_closed());
        });
        Ok(())
    });
    assert_eq!(said, "1 2 3 4 5 end");
}

#[test]
fn ticks_run_after_each_value() {
    let said = trace(|log| {
        let (sender, receiver) = channel(4);
        (0..2).for_each(|n| sender.try_send(n).unwrap());
        drop(sender);
        let log = log.clone();
        receiver.on_data(move |_, n: u32| log.ticking(&n.to_string())());
        Ok(())
    });
    assert_eq!(said, "0 0' 1 1'");
}

#[test]
fn values_and_ends_that_came_before_the_callback_are_told_to_it() {
    let said = trace(|log| {
        let (sender, receiver) = channel(4);
        sender.try_send("early").unwrap();
        drop(sender);
        let log = log.clone();
        // The letters of both have been read by then.
        set_timeout(Duration::from_millis(1), move || {
            let (noted, ended) = (log.clone(), log.clone());
            receiver.on_data(move |_, word| noted.note(word));
            receiver.on_end(move |_| ended.note("end"));
            log.note("listening");
        });
        Ok(())
    });
    assert_eq!(said, "listening early end");
}

#[test]
fn a_full_channel_gives_the_value_back_and_a_paused_one_stays_full() {
    let said = trace(|log| {
        let (sender, receiver) = channel(2);
        let log = log.clone();
        receiver.on_data({
            let log = log.clone();
            move |receiver, n: u32| {
                log.note(n.to_string());
                receiver.pause();
            }
        });
        (1..=2).for_each(|n| sender.try_send(n).unwrap());
        let error = sender.try_send(3).unwrap_err();
        assert!(error.is_full() && !error.is_closed());
        assert_eq!(
            (error.to_string(), error.into_inner()),
            ("send: the channel is full".into(), 3)
        );
        // In the turn after that in which it comes.
        let later = |then: Box<dyn FnOnce()>| _ = set_immediate(|| _ = set_immediate(then));
        later(Box::new(move || {
            assert_eq!(log.take(), "1");
            sender.try_send(3).expect("one has been taken");
            assert!(sender.try_send(4).unwrap_err().is_full());
            receiver.resume();
            assert_eq!(log.take(), "", "not from inside of the call");
            let again = receiver.clone();
            later(Box::new(move || {
                assert_eq!(log.take(), "2");
                again.resume();
                drop(sender);
            }));
        }));
        Ok(())
    });
    assert_eq!(said, "3");
}

#[test]
fn a_closed_receiver_gives_values_back_and_ends_every_wait() {
    in_time(|| {
        let mut waiting = Vec::new();
        onward::run(|| {
            let (sender, receiver) = channel(1);
            sender.try_send(1).unwrap();
            for n in 2..5 {
                let sender = sender.clone();
                waiting.push(thread::spawn(move || sender.send_blocking(n)));
            }
            let late = sender.clone();
            waiting.push(thread::spawn(move || futures_lite::future::block_on(late.send(5))));
            set_timeout(Duration::from_millis(5), move || {
                receiver.close();
                receiver.close();
                assert!(sender.is_closed() && receiver.is_closed());
                assert!(sender.try_send(6).unwrap_err().is_closed());
            });
            Ok(())
        })
        .unwrap();
        for thread in waiting {
            let error = thread.join().unwrap().unwrap_err();
            assert!(error.is_closed() && (2..=5).contains(&error.into_inner()));
        }
    });
}

#[test]
fn the_end_of_the_loop_closes_its_channels() {
    let (event_loop, log) = make_loop();
    let (sender, receiver) = event_loop.enter(|| channel::<OnlySent>(2));
    receiver.on_data(|_, _| unreachable!("the loop never runs"));
    let captured = log.on_drop("captures");
    receiver.on_end(move |_| captured.touch());
    sender.try_send(OnlySent(1)).unwrap();
    drop(event_loop);
    assert_eq!(log.take(), "captures");
    assert_eq!(sender.try_send(OnlySent(2)).unwrap_err().into_inner(), OnlySent(2));
    assert!(receiver.is_closed() && sender.is_closed());
}

/// Neither `Sync` nor `Clone`.
#[derive(Debug, PartialEq, Eq)]
struct OnlySent(u32);

#[test]
fn without_a_callback_it_is_closed_with_its_last_handle_and_with_one_it_is_not() {
    let said = trace(|log| {
        let (sender, receiver) = channel(1);
        drop(receiver.clone());
        assert!(!sender.is_closed());
        drop(receiver);
        assert!(sender.try_send(1).unwrap_err().is_closed());

        let (sender, receiver) = channel(1);
        let log = log.clone();
        receiver.on_data(move |_, n: u32| log.note(n.to_string()));
        drop(receiver);
        sender.try_send(1).expect("it is open");
        Ok(())
    });
    assert_eq!(said, "1");
}

#[test]
fn an_unreffed_one_does_not_hold_the_loop_nor_does_one_without_senders() {
    in_time(|| {
        let mut kept = Vec::new();
        onward::run(|| {
            let (sender, receiver) = channel::<()>(1);
            receiver.on_data(|_, ()| {});
            kept.push((Some(sender), receiver.ref_().unref()));
            let (sender, receiver) = channel::<()>(1);
            sender.try_send(()).unwrap();
            drop(sender);
            receiver.pause();
            kept.push((None, receiver));
            Ok(())
        })
        .unwrap();
    });
}

#[test]
fn a_flood_takes_its_share_of_each_turn() {
    in_time(|| {
        type Kept = Rc<(Cell<usize>, Sender<u32>)>;
        fn each_turn(kept: Kept) {
            kept.0.set(kept.0.get() + 1);
            if kept.0.get() < 4 {
                set_immediate(move || each_turn(kept));
            }
        }
        let came = Rc::new(Cell::new(0));
        let counting = Rc::clone(&came);
        onward::run(|| {
            let (sender, receiver) = channel(100_000);
            (0..2_048).for_each(|n| sender.try_send(n).unwrap());
            receiver.on_data(move |_, _| counting.set(counting.get() + 1));
            let kept = Rc::new((Cell::new(0), sender));
            let (turns, seen) = (Rc::downgrade(&kept), Rc::clone(&came));
            set_immediate(move || each_turn(kept));
            onward::Handle::current()?.after_poll(move || {
                // One turn, one share.
                if let Some(kept) = turns.upgrade() {
                    assert!(seen.get() <= 256 * (kept.0.get() + 1));
                }
            });
            Ok(())
        })
        .unwrap();
        assert_eq!(came.get(), 2_048);
    });
}

#[test]
fn a_stream_of_values_ends_with_the_senders() {
    in_time(|| {
        let (sender, mut receiver) = (RefCell::new(None), RefCell::new(None));
        let event_loop = EventLoop::new().unwrap();
        event_loop.enter(|| {
            let (s, r) = channel(2);
            sender.replace(Some(s));
            receiver.replace(Some(r));
        });
        let (sender, receiver): (Sender<u32>, Receiver<u32>) =
            (sender.take().unwrap(), receiver.get_mut().take().unwrap());
        thread::spawn(move || {
            futures_lite::future::block_on(async {
                for n in 0..1_000 {
                    sender.send(n).await.unwrap();
                }
            });
        });
        let all: Vec<u32> = event_loop.run_until(receiver.clone().collect()).unwrap();
        assert!(all.into_iter().eq(0..1_000));
        assert_eq!(event_loop.run_until(async { receiver.recv().await }).unwrap(), None);
    });
}

#[test]
fn a_send_that_waits_and_is_dropped_has_sent_nothing_and_loses_nobody_the_turn() {
    in_time(|| {
        let got = onward::block_on(async {
            let (sender, receiver) = channel(1);
            sender.try_send(1).unwrap();
            let other = sender.clone();
            let mut given_up = Box::pin(sender.send(2));
            assert!(futures_lite::future::poll_once(&mut given_up).await.is_none());
            let waits = spawn(async move { other.send(3).await.unwrap() });
            onward::sleep(Duration::from_millis(1)).await;
            assert_eq!(receiver.recv().await, Some(1));
            drop(given_up);
            drop(sender);
            waits.await.unwrap();
            [receiver.recv().await, receiver.recv().await]
        });
        assert_eq!(got.unwrap(), [Some(3), None]);
    });
}

#[test]
fn a_blocking_send_on_the_receivers_own_thread_does_not_wait_for_ever() {
    in_time(|| {
        onward::run(|| {
            let (sender, _receiver) = channel(1);
            sender.send_blocking(1).unwrap();
            assert!(sender.send_blocking(2).unwrap_err().is_full());
            Ok(())
        })
        .unwrap();
    });
}

#[test]
fn a_callback_that_panics_is_called_again_with_the_next_value() {
    in_time(|| {
        let (event_loop, log) = make_loop();
        let noted = log.clone();
        event_loop.enter(|| {
            let (sender, receiver) = channel(4);
            receiver.on_data(move |_, n: u32| {
                assert!(n != 2, "two is too many");
                noted.note(n.to_string());
            });
            (1..=3).for_each(|n| sender.try_send(n).unwrap());
        });
        assert_eq!(panic_of(|| event_loop.run()), "two is too many");
        event_loop.run().unwrap();
        assert_eq!(log.take(), "1 3");
    });
}

#[test]
fn a_callback_may_close_replace_itself_and_drop_everything() {
    let said = trace(|log| {
        let (sender, receiver) = channel(4);
        (1..=3).for_each(|n| sender.try_send(n).unwrap());
        let (first, second) = (log.clone(), log.clone());
        let captured = OnDrop::new(log.noting("dropped"));
        receiver.on_data(move |receiver, n: u32| {
            captured.touch();
            first.note(format!("first {n}"));
            let second = second.clone();
            receiver.on_data(move |receiver, n| {
                second.note(format!("second {n}"));
                receiver.close();
                assert!(receiver.is_closed());
            });
        });
        let ended: Log = log.clone();
        receiver.on_end(move |_| ended.note("never"));
        set_timeout(Duration::from_millis(5), move || drop(sender));
        Ok(())
    });
    assert_eq!(said, "first 1 dropped second 2");
}

#[test]
fn eight_threads_send_in_every_way_and_each_value_comes_once_and_in_order() {
    const THREADS: usize = 8;
    const VALUES: u32 = 20_000;
    in_time(|| {
        let came = Rc::new(RefCell::new([0; THREADS]));
        let (next, ended) = (Rc::clone(&came), Rc::new(Cell::new(false)));
        let end = Rc::clone(&ended);
        onward::run(move || {
            let (sender, receiver) = channel(64);
            for id in 0..THREADS {
                let sender = sender.clone();
                thread::spawn(move || {
                    for n in 0..VALUES {
                        let sent = match id % 3 {
                            0 => sender.send_blocking((id, n)),
                            1 => futures_lite::future::block_on(sender.send((id, n))),
                            _ => loop {
                                match sender.try_send((id, n)) {
                                    Err(error) if error.is_full() => thread::yield_now(),
                                    other => break other,
                                }
                            },
                        };
                        sent.unwrap();
                    }
                });
            }
            receiver.on_data(move |_, (id, n)| {
                let mut next = next.borrow_mut();
                assert_eq!(next[id], n);
                next[id] += 1;
            });
            receiver.on_end(move |_| end.set(true));
            Ok(())
        })
        .unwrap();
        assert_eq!(came.take(), [VALUES; THREADS]);
        assert!(ended.get());
    });
}

#[test]
fn a_callback_takes_the_place_of_a_wait_that_was_given_up() {
    let said = trace(|log| {
        let (sender, receiver) = channel(4);
        let log = log.clone();
        spawn(async move {
            let waited = timeout(Duration::from_millis(1), receiver.recv()).await;
            assert!(waited.is_err(), "nothing was sent");
            let kept = sender.clone(); // so that no end comes, which would be told in any case
            receiver.on_data(move |receiver, word| {
                log.note(word);
                if word == "two" {
                    assert_eq!(kept.capacity(), 4);
                    receiver.close();
                }
            });
            thread::spawn(move || ["one", "two"].map(|word| sender.send_blocking(word).unwrap()));
        });
        Ok(())
    });
    assert_eq!(said, "one two");
}

#[test]
fn all_who_wait_for_values_of_one_end_get_theirs_or_the_end() {
    let said = trace(|log| {
        let (sender, receiver) = channel(4);
        for name in ["a", "b", "c"] {
            let (receiver, log) = (receiver.clone(), log.clone());
            spawn(async move {
                while let Some(n) = receiver.recv().await {
                    log.note(n);
                }
                log.note(name);
            });
        }
        drop(receiver);
        set_timeout(Duration::from_millis(1), move || {
            thread::spawn(move || ["1", "2"].map(|n| sender.send_blocking(n).unwrap()));
        });
        Ok(())
    });
    let mut said: Vec<_> = said.split(' ').collect();
    said.sort_unstable();
    assert_eq!(said, ["1", "2", "a", "b", "c"]);
}

#[test]
fn who_gives_up_leaves_no_waker_behind() {
    struct Idle;
    impl std::task::Wake for Idle {
        fn wake(self: Arc<Self>) {}
    }
    in_time(|| {
        onward::run(|| {
            let (_sender, receiver) = channel::<u32>(1);
            let idle = Arc::new(Idle);
            let waker = idle.clone().into();
            let mut context = Context::from_waker(&waker);
            for _ in 0..3 {
                let mut waits = Box::pin(receiver.recv());
                assert!(waits.as_mut().poll(&mut context).is_pending());
                assert!(waits.as_mut().poll(&mut context).is_pending());
                let mut stream = receiver.clone();
                assert!(stream.poll_next(&mut context).is_pending());
                assert_eq!(Arc::strong_count(&idle), 4);
                drop((waits, stream));
                assert_eq!(Arc::strong_count(&idle), 2);
            }
            receiver.close();
            Ok(())
        })
        .unwrap();
    });
}

struct Nobody;

impl std::task::Wake for Nobody {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn a_send_that_is_given_up_leaves_nothing_behind() {
    in_time(|| {
        onward::run(|| {
            let (sender, receiver) = channel(1);
            sender.try_send(0).unwrap();
            let nobody = Arc::new(Nobody);
            let waker = std::task::Waker::from(Arc::clone(&nobody));
            for _ in 0..100 {
                let mut send = std::pin::pin!(sender.send(1));
                for _ in 0..2 {
                    let polled = send.as_mut().poll(&mut Context::from_waker(&waker));
                    assert!(polled.is_pending());
                    assert_eq!(
                        Arc::strong_count(&nobody),
                        3,
                        "this, the waker, and that of the send"
                    );
                }
            }
            assert_eq!(Arc::strong_count(&nobody), 2);
            drop(receiver);
            Ok(())
        })
        .unwrap();
    });
}
