//! Listeners that are futures, and emits that wait for them.

use super::support::{Log, in_time, trace};
use onward::events::*;
use onward::{
    Emitter, ErrorKind, OnAsync, block_on, events, next_tick, set_timeout, sleep, spawn, stop,
};
use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

events! { Room { Joined(&str), Left(u32), error io::Error } }

/// An error that can be kept.
#[derive(Clone, Debug)]
struct Blown;

impl std::fmt::Display for Blown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("blown")
    }
}

impl std::error::Error for Blown {}

events! { Fuse { error Blown } }

fn broken(what: &str) -> io::Error {
    io::Error::other(what.to_string())
}

#[test]
fn its_future_begins_after_the_callback_that_emits_and_has_a_payload_of_its_own() {
    let noted = trace(|log| {
        let room = Room::new();
        let (log, first) = (log.clone(), log.clone());
        room.on_async(Joined, move |_, name| {
            let log = first.clone();
            log.note(format!("called {name}"));
            async move {
                log.note(format!("begins {name}"));
                sleep(MS).await;
                log.note(format!("done {name}"));
            }
        });
        room.on(Joined, log_sync(&log));
        let name = String::from("ada");
        room.emit(Joined, &name);
        drop(name);
        next_tick(log.noting("tick"));
        log.note("emitted");
        Ok(())
    });
    assert_eq!(noted, "called ada sync emitted tick begins ada done ada");
}

fn log_sync(log: &Log) -> impl FnMut(&Room, &str) + 'static {
    let log = log.clone();
    move |_, _| log.note("sync")
}

#[test]
fn futures_of_several_events_run_side_by_side_and_outlive_their_listener() {
    let noted = trace(|log| {
        let room = Room::new();
        let log = log.clone();
        let listener = room.on_async(Left, move |_, number| {
            let log = log.clone();
            async move {
                pauses(10 - 2 * number).await;
                log.note(number.to_string());
            }
        });
        (1..=3).for_each(|number| assert!(room.emit(Left, number).handled()));
        assert!(room.off(listener));
        assert!(!room.emit(Left, 0).handled());
        Ok(())
    });
    assert_eq!(noted, "3 2 1");
}

#[test]
fn its_error_is_the_emitters_error_event() {
    let noted = trace(|log| {
        let room = Room::new();
        room.on_try_async(Joined, |_, name| async move {
            sleep(MS).await;
            if name == "eve" { Err(broken("go away")) } else { Ok(()) }
        });
        let (log, mut left) = (log.clone(), 2);
        room.on(Error, move |_, error| {
            log.note(error.to_string());
            left -= 1;
            if left == 0 {
                stop();
            }
        });
        room.emit(Joined, "ada");
        room.emit(Joined, "eve");
        room.emit(Joined, "eve");
        set_timeout(Duration::from_secs(60), move || drop(room));
        Ok(())
    });
    assert_eq!(noted, "go away go away");
}

#[test]
fn an_error_that_nobody_takes_ends_the_loop_also_when_the_emitter_is_gone() {
    for keep in [true, false] {
        in_time(move || {
            let ended = onward::run(move || {
                let room = Room::new();
                room.on_try_async(Joined, |_, _| async { Err(broken("too late")) });
                room.emit(Joined, "ada");
                if keep {
                    set_timeout(Duration::from_secs(60), move || drop(room));
                }
                Ok(())
            });
            let error = ended.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unhandled);
            assert!(error.to_string().contains("too late"), "{error}");
        });
    }
}

#[test]
fn an_error_listener_that_fails_does_not_go_round_in_a_circle() {
    in_time(|| {
        let calls = Rc::new(RefCell::new(0));
        let count = Rc::clone(&calls);
        let ended = onward::run(move || {
            let fuse = Fuse::new();
            fuse.on_try_async(Error, move |_, _| {
                *count.borrow_mut() += 1;
                async { Err(Blown) }
            });
            fuse.emit_error(Blown).unwrap();
            set_timeout(Duration::from_secs(60), move || drop(fuse));
            Ok(())
        });
        assert!(ended.unwrap_err().to_string().contains("blown"));
        assert_eq!(*calls.borrow(), 1);
    });
}

/// Is pending so many times, and wakes itself.
async fn pauses(times: u32) {
    for _ in 0..times {
        let mut asked = false;
        poll_fn(|context| {
            if std::mem::replace(&mut asked, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

/// Three listeners which note that they begin and end, the later ones faster.
fn three(room: &Room, log: &Log) {
    for (name, times) in [("a", 9), ("b", 5), ("c", 1)] {
        let log = log.clone();
        room.on_async(Joined, move |_, _| {
            log.note(format!("{name}("));
            let log = log.clone();
            async move {
                pauses(times).await;
                log.note(format!("){name}"));
            }
        });
    }
}

#[test]
fn an_emit_may_be_awaited_side_by_side_or_one_after_the_other() {
    let noted = in_time(|| {
        let log = Log::default();
        block_on(async {
            let room = Room::new();
            three(&room, &log);
            room.on(Joined, log_sync(&log));
            let emitted = room.emit_async(Joined, "ada").await;
            assert_eq!((emitted.called, emitted.skipped), (4, 0));
            log.note("|");
            room.emit_serial(Joined, "ada").await;
            log.note("|");
            // One that has none is done at once.
            assert!(!room.emit_serial(Left, 1).await.handled());
        })
        .unwrap();
        log.take()
    });
    assert_eq!(noted, "sync a( b( c( )c )b )a | sync a( )a b( )b c( )c |");
}

#[test]
fn one_that_is_removed_before_its_turn_is_not_called_and_a_dropped_wait_calls_nobody() {
    let noted = in_time(|| {
        let log = Log::default();
        block_on(async {
            let room = Room::new();
            let second = Rc::new(RefCell::new(None));
            let (removing, removed, first) = (room.clone(), Rc::clone(&second), log.clone());
            room.on_async(Joined, move |_, _| {
                first.note("first");
                let (room, removed) = (removing.clone(), Rc::clone(&removed));
                async move {
                    sleep(MS).await;
                    assert!(removed.take().is_some_and(|second| room.off(second)));
                }
            });
            second.replace(Some(room.on_async(Joined, |_, _| async { unreachable!("removed") })));
            room.emit_serial(Joined, "ada").await;
            log.note("|");
            drop(room.emit_async(Joined, "ada"));
            room.remove_all();
        })
        .unwrap();
        log.take()
    });
    assert_eq!(noted, "first |");
}

#[test]
fn an_emit_inside_of_one_that_is_awaited_and_a_panic_leave_things_in_order() {
    in_time(|| {
        let log = Log::default();
        let noting = log.clone();
        block_on(async {
            let (room, inner) = (Room::new(), Room::new());
            let heard = noting.clone();
            inner.on_async(Left, move |_, number| {
                let heard = heard.clone();
                async move { heard.note(number.to_string()) }
            });
            room.on(Joined, move |_, name| {
                // Awaited by itself, not with the outer one.
                let waited = inner.emit_async(Left, 1);
                spawn(async move { assert!(waited.await.handled()) });
                assert!(name != "eve", "on purpose");
            });
            assert!(
                catch_unwind(AssertUnwindSafe(|| drop(room.emit_async(Joined, "eve")))).is_err()
            );
            room.emit_async(Joined, "ada").await;
            sleep(2 * MS).await;
            // An emit that nobody awaits runs its futures on the loop, as ever.
            let noting = noting.clone();
            room.on_async(Left, move |_, number| {
                let noting = noting.clone();
                async move { noting.note(number.to_string()) }
            });
            room.emit(Left, 2);
            sleep(2 * MS).await;
        })
        .unwrap();
        assert_eq!(log.take(), "1 1 2");
    });
}

#[test]
fn a_listener_that_emits_its_own_event_is_not_entered_twice() {
    let noted = trace(|log| {
        let (room, log) = (Room::new(), log.clone());
        room.on_async(Left, move |room, number| {
            log.note(number.to_string());
            if number < 3 {
                assert_eq!(room.emit(Left, number + 1).skipped, 1);
            }
            async {}
        });
        room.emit(Left, 1);
        set_timeout(MS, stop);
        Ok(())
    });
    assert_eq!(noted, "1");
}

#[test]
#[should_panic(expected = "on_async: ")]
fn outside_of_a_loop_it_says_so() {
    Room::new().on_async(Left, |_, _| async {});
}
