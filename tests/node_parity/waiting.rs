//! `events.once` and `events.on`: one event, and all events, awaited.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::support::*;
use futures_core::Stream;
use onward::emitter::{Gone, NextError};
use onward::events::Error;
use onward::{Emitter, Waiting};

/// What one poll says.
fn poll<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

fn poll_next<S: Stream + Unpin>(stream: &mut S) -> Poll<Option<S::Item>> {
    pin!(stream).poll_next(&mut Context::from_waker(Waker::noop()))
}

fn leaves_nothing(room: &Room) {
    assert_eq!(room.event_names(), [""; 0], "listeners are left");
}

mod test_events_once {
    use super::*;

    #[test]
    fn it_resolves_with_the_value() {
        let room = Room::new();
        let joined = room.next_or_error(Joined);
        room.emit(Joined, "ada");
        assert_eq!(poll(joined), Poll::Ready(Ok("ada".into())));
        leaves_nothing(&room);
    }

    #[test]
    fn it_resolves_with_all_arguments() {
        let room = Room::new();
        let said = room.next(Said);
        room.emit(Said, ("ada", "hi"));
        assert_eq!(poll(said), Poll::Ready(Ok(("ada".into(), "hi".into()))));
        leaves_nothing(&room);
    }

    #[test]
    fn an_error_rejects_and_removes_both_listeners() {
        let room = Room::new();
        let joined = room.next_or_error(Joined);
        assert_eq!(room.event_names(), ["Joined", "Error"]);
        assert!(room.emit_error("kaboom".into()).is_ok());
        leaves_nothing(&room);
        assert_eq!(poll(joined), Poll::Ready(Err(NextError::Emitted("kaboom".into()))));
    }

    #[test]
    fn an_event_after_the_error_is_ignored() {
        let room = Room::new();
        let joined = room.next_or_error(Joined);
        assert!(room.emit_error("kaboom".into()).is_ok());
        assert!(!room.emit(Joined, "late").handled());
        assert_eq!(poll(joined), Poll::Ready(Err(NextError::Emitted("kaboom".into()))));
    }

    #[test]
    fn an_error_after_the_event_is_nobodys() {
        let room = Room::new();
        let joined = room.next_or_error(Joined);
        room.emit(Joined, "ada");
        assert!(room.emit_error("late".into()).is_err());
        assert_eq!(poll(joined), Poll::Ready(Ok("ada".into())));
    }

    #[test]
    fn who_waits_for_an_error_gets_it_as_the_value() {
        let room = Room::new();
        let error = room.next_or_error(Error);
        assert_eq!(room.listener_count(Error), 1);
        assert!(room.emit_error("kaboom".into()).is_ok());
        assert_eq!(poll(error), Poll::Ready(Ok("kaboom".into())));
        leaves_nothing(&room);
    }

    /// An `AbortSignal` that has fired already: here, a future that is dropped at once.
    #[test]
    fn aborted_before_it_begins_it_leaves_nothing() {
        let room = Room::new();
        drop(room.next_or_error(Joined));
        leaves_nothing(&room);
        assert!(!room.emit(Joined, "").handled());
    }

    #[test]
    fn aborted_while_it_waits_it_leaves_nothing() {
        let room = Room::new();
        let mut joined = room.next_or_error(Joined);
        assert!(poll(&mut joined).is_pending());
        assert_eq!((room.listener_count(Joined), room.listener_count(Error)), (1, 1));
        drop(joined);
        leaves_nothing(&room);
    }

    #[test]
    fn aborted_after_the_event_nothing_happens() {
        let room = Room::new();
        let joined = room.next_or_error(Joined);
        room.emit(Joined, "ada");
        drop(joined);
        leaves_nothing(&room);
    }

    /// nodejs/node#32431: two awaits in a row miss the second of two events that are emitted at once.
    #[test]
    fn two_events_at_once_are_not_missed_by_two_that_wait() {
        let room = Room::new();
        let (joined, closed) = (room.next(Joined), room.next(Closed));
        room.emit(Joined, "ada");
        room.emit(Closed, ());
        assert_eq!(poll(joined), Poll::Ready(Ok("ada".into())));
        assert_eq!(poll(closed), Poll::Ready(Ok(())));
    }

    /// In Node such a promise stays pending for ever.
    #[test]
    fn differs_it_ends_when_the_event_cannot_come_any_more() {
        let room = Room::new();
        let (removed, dropped) = (room.next(Joined), room.next(Closed));
        room.remove_all_of(Joined);
        drop(room);
        let says = |gone: Gone| gone.event().to_string();
        let removed = poll(removed).map(|gone| says(gone.expect_err("removed")));
        let dropped = poll(dropped).map(|gone| says(gone.expect_err("nobody can emit it")));
        assert_eq!(
            (removed, dropped),
            (Poll::Ready("Joined".into()), Poll::Ready("Closed".into()))
        );
    }
}

mod test_events_on_async_iterator {
    use super::*;

    fn items<S: Stream + Unpin>(stream: &mut S) -> (Vec<S::Item>, &'static str) {
        let mut items = Vec::new();
        loop {
            match poll_next(stream) {
                Poll::Ready(Some(item)) => items.push(item),
                Poll::Ready(None) => return (items, "done"),
                Poll::Pending => return (items, "waits"),
            }
        }
    }

    #[test]
    fn basic_it_gives_the_chosen_event_only_and_leaves_nothing() {
        let room = Room::new();
        let mut visitors = room.stream_or_error(Joined);
        room.emit(Joined, "bar");
        room.emit(Closed, ());
        room.emit(Joined, "42");
        let expected = vec![Ok("bar".to_string()), Ok("42".to_string())];
        assert_eq!(items(&mut visitors), (expected, "waits"));
        assert_eq!(room.event_names(), ["Joined", "Error"], "one error listener");
        drop(visitors); // break, return and throw all drop it
        leaves_nothing(&room);
    }

    #[test]
    fn error_comes_after_the_values_and_ends_it() {
        let room = Room::new();
        let mut visitors = room.stream_or_error(Joined);
        room.emit(Joined, "bar");
        assert!(room.emit_error("kaboom".into()).is_ok());
        leaves_nothing(&room);
        let expected = vec![Ok("bar".to_string()), Err("kaboom".to_string())];
        assert_eq!(items(&mut visitors), (expected, "done"));
    }

    #[test]
    fn error_before_any_value() {
        let room = Room::new();
        let mut visitors = room.stream_or_error(Joined);
        assert!(poll_next(&mut visitors).is_pending());
        assert!(room.emit_error("kaboom".into()).is_ok());
        assert_eq!(items(&mut visitors), (vec![Err("kaboom".to_string())], "done"));
        assert_eq!(poll_next(&mut visitors), Poll::Ready(None), "and stays so");
    }

    #[test]
    fn throw_in_loop_leaves_nothing() {
        let room = Room::new();
        let r = room.clone();
        let panics = std::panic::AssertUnwindSafe(move || {
            let mut visitors = r.stream_or_error(Joined);
            r.emit(Joined, "ada");
            assert!(poll_next(&mut visitors).is_pending(), "on purpose");
        });
        std::panic::catch_unwind(panics).expect_err("it passes through");
        leaves_nothing(&room);
    }

    /// Node's `next()` can be called three times before a value comes. Here it borrows the stream, so there is
    /// one at a time, and to drop one loses nothing.
    #[test]
    fn differs_one_next_at_a_time_and_a_dropped_one_loses_nothing() {
        let room = Room::new();
        let mut visitors = room.stream(Joined);
        assert!(poll(visitors.next()).is_pending());
        room.emit(Joined, "bar");
        room.emit(Joined, "42");
        assert_eq!(poll(visitors.next()), Poll::Ready(Some("bar".into())));
        assert_eq!(poll(visitors.next()), Poll::Ready(Some("42".into())));
        room.remove_all();
        assert_eq!(poll(visitors.next()), Poll::Ready(None));
    }

    #[test]
    fn what_is_queued_comes_before_the_end() {
        let room = Room::new();
        let mut visitors = room.stream(Joined);
        room.emit(Joined, "bar");
        room.emit(Joined, "42");
        drop(room);
        assert_eq!(items(&mut visitors), (vec!["bar".to_string(), "42".to_string()], "done"));
    }

    /// `events.on` queues without bound; `highWaterMark` pauses the emitter. Here a full queue loses the oldest,
    /// unless the stream is told otherwise.
    #[test]
    fn differs_the_queue_is_bounded() {
        let room = Room::new();
        let mut visitors = room.stream(Joined).capacity(1);
        room.emit(Joined, "bar");
        room.emit(Joined, "42");
        assert_eq!(visitors.dropped(), 1);
        assert_eq!(items(&mut visitors), (vec!["42".to_string()], "waits"));
    }
}

mod test_events_add_abort_listener {
    use super::*;

    #[test]
    fn dispose_removes_it_wherever_an_emit_stands() {
        let (room, log) = (Room::new(), Log::default());
        let disposable = room.on_scoped(Closed, noting!(log, "aborted"));
        drop(disposable);
        room.emit(Closed, ());
        assert_eq!(log.take(), "");
        leaves_nothing(&room);
    }
}
