//! What the `EventTarget` of browsers and Node promises, as far as an emitter has it.

use super::support::*;
use onward::{Emitter, Waiting};

mod test_event_target {
    use super::*;
    use std::rc::Rc;

    #[test]
    fn once_and_a_recursive_dispatch_make_one_call() {
        let (room, log) = (Room::new(), Log::default());
        let l = log.clone();
        room.once(Closed, move |room, ()| {
            assert!(!room.emit(Closed, ()).handled());
            l.note("called");
        });
        room.emit(Closed, ());
        room.emit(Closed, ());
        assert_eq!(log.take(), "called");
    }

    /// Here the DOM and Node's own `EventTarget` do what this crate does, and Node's `EventEmitter` does not.
    #[test]
    fn a_listener_removed_during_a_dispatch_is_not_called() {
        let (room, log, later) = (Room::new(), Log::default(), Later::new());
        let handle = later.clone();
        room.on(Joined, move |room, _| assert!(room.off(handle.get())));
        later.set(add(&room, &log, "removed"));
        add(&room, &log, "stays");
        assert_eq!(room.emit(Joined, "").called, 2);
        assert_eq!(log.take(), "stays");
    }

    #[test]
    fn a_listener_added_during_a_dispatch_is_not_called_in_it() {
        let (room, log) = (Room::new(), Log::default());
        let l = log.clone();
        room.once(Joined, move |room, _| {
            add(room, &l, "added");
        });
        room.emit(Joined, "");
        assert_eq!(log.take(), "");
        room.emit(Joined, "");
        assert_eq!(log.take(), "added");
    }

    #[test]
    fn a_signal_that_aborts_removes_the_listener_before_and_during_a_dispatch() {
        let (room, log) = (Room::new(), Log::default());
        let signal = room.on_scoped(Joined, noting!(log, "scoped"));
        room.emit(Joined, "");
        drop(signal);
        room.emit(Joined, "");
        assert_eq!(log.take(), "scoped");

        let later = Later::new();
        let signal: Later<Rc<std::cell::Cell<Option<onward::emitter::Subscription>>>> =
            later.clone();
        room.on(Joined, move |_, _| drop(signal.get().take()));
        let scoped = room.on_scoped(Joined, noting!(log, "later in the same dispatch"));
        later.set(Rc::new(std::cell::Cell::new(Some(scoped))));
        room.emit(Joined, "");
        assert_eq!(log.take(), "");
        assert_eq!(room.listener_count(Joined), 1);
    }

    #[test]
    fn weak_listeners_die_with_their_holder() {
        let (room, log) = (Room::new(), Log::default());
        let holder = Rc::new(log.clone());
        room.on_weak(Joined, &holder, |log, _, name| log.note(name));
        room.emit(Joined, "ada");
        drop(holder);
        assert!(!room.emit(Joined, "bob").handled());
        assert_eq!((log.take().as_str(), room.listener_count(Joined)), ("ada", 0));
    }

    /// An event object may not be dispatched while it is in flight; a payload is a value of the emit's own.
    #[test]
    fn the_same_payload_can_be_emitted_again_from_inside() {
        let (room, log) = (Room::new(), Log::default());
        let l = log.clone();
        room.on(Joined, move |room, name| {
            l.note(name);
            assert_eq!(room.emit(Joined, name).called, 1);
        });
        add(&room, &log, "second");
        room.emit(Joined, "ada");
        assert_eq!(log.take(), "ada second second");
    }
}

mod test_eventtarget_once_twice {
    use super::*;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    #[test]
    fn two_awaits_in_turn_get_two_events() {
        let room = Room::new();
        let sequence = async {
            let first = room.next(Joined).await?;
            let second = room.next(Joined).await?;
            Ok::<_, onward::emitter::Gone>((first, second))
        };
        let (mut sequence, mut cx) = (pin!(sequence), Context::from_waker(Waker::noop()));
        assert!(sequence.as_mut().poll(&mut cx).is_pending());
        room.emit(Joined, "foo");
        assert!(sequence.as_mut().poll(&mut cx).is_pending());
        room.emit(Joined, "bar");
        assert_eq!(sequence.as_mut().poll(&mut cx), Poll::Ready(Ok(("foo".into(), "bar".into()))));
        assert_eq!(room.listener_count(Joined), 0);
    }
}
