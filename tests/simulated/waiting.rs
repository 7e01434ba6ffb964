//! Waits for events, with a limit. Exact, for the clock is the loop's own.

use super::support::MS;
use onward::emitter::{NextError, OneOf2, first};
use onward::testing::block_on;
use onward::{Emitter, ErrorKind, Waiting, events, now, set_timeout, timeout};
use std::rc::Rc;

events! { Room { Joined(&str), Closed(), error std::fmt::Error } }

#[test]
fn a_wait_that_takes_too_long_is_given_up_on_time_and_leaves_no_listener() {
    block_on(async {
        let room = Room::new();
        let waiting = timeout(10 * MS, room.next_or_error(Joined));
        assert_eq!(room.event_names(), ["Joined", "Error"]);
        let late = waiting.await.unwrap_err();
        assert_eq!((late.kind(), now()), (ErrorKind::TimedOut, 10 * MS));
        assert!(room.event_names().is_empty());
    })
    .unwrap();
}

#[test]
fn an_event_or_an_error_that_comes_in_time_is_what_was_waited_for() {
    block_on(async {
        let room = Rc::new(Room::new());
        let (early, failing) = (Rc::clone(&room), Rc::clone(&room));
        set_timeout(9 * MS, move || {
            early.emit(Joined, "ada");
        });
        // It was set before the limit that is due at the same time.
        set_timeout(20 * MS, move || {
            failing.emit_error(std::fmt::Error).unwrap();
        });
        let joined = timeout(10 * MS, room.next_or_error(Joined)).await.unwrap();
        assert_eq!((joined, now()), (Ok("ada".to_string()), 9 * MS));
        let failed = timeout(11 * MS, room.next_or_error(Joined)).await.unwrap();
        assert_eq!((failed, now()), (Err(NextError::Emitted(std::fmt::Error)), 20 * MS));
        assert!(room.event_names().is_empty());
    })
    .unwrap();
}

#[test]
fn the_first_of_several_says_which_one_it_was_and_a_limit_gives_all_of_them_up() {
    block_on(async {
        let room = Rc::new(Room::new());
        let closing = Rc::clone(&room);
        set_timeout(5 * MS, move || {
            closing.emit(Closed, ());
        });
        let either = || timeout(10 * MS, first((room.next(Joined), room.next(Closed))));
        assert_eq!(either().await.unwrap(), OneOf2::B(Ok(())));
        assert!(room.event_names().is_empty(), "the other one was dropped");
        assert_eq!(either().await.unwrap_err().kind(), ErrorKind::TimedOut);
        assert_eq!(now(), 15 * MS);
        assert!(room.event_names().is_empty());
    })
    .unwrap();
}

#[test]
fn a_limit_for_each_event_of_a_stream_loses_none_that_comes_late() {
    block_on(async {
        let room = Rc::new(Room::new());
        let mut visitors = room.stream(Joined);
        let door = Rc::clone(&room);
        set_timeout(15 * MS, move || {
            door.emit(Joined, "ada");
            door.emit(Joined, "bob");
        });
        let late = timeout(10 * MS, visitors.next()).await.unwrap_err();
        assert_eq!(late.kind(), ErrorKind::TimedOut);
        for name in ["ada", "bob"] {
            let visitor = timeout(10 * MS, visitors.next()).await.unwrap();
            assert_eq!(visitor.as_deref(), Some(name));
        }
        assert_eq!(now(), 15 * MS);
    })
    .unwrap();
}
