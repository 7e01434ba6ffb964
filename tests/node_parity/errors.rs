//! The error event, and those who watch it.

use super::support::*;
use onward::events::{Error, ErrorMonitor};
use onward::{Emitter, Waiting};

mod test_event_emitter_errors {
    use super::*;

    /// Node throws it; here the caller gets it back, and has to do something about it.
    #[test]
    fn differs_an_error_that_nobody_takes_is_handed_back() {
        let room = Room::new();
        let unhandled = room.emit_error("Does not compute".into()).expect_err("nobody listens");
        assert_eq!(unhandled.error(), "Does not compute");
        assert_eq!(unhandled.to_string(), "unhandled error of Room: Does not compute");
        assert_eq!(unhandled.into_inner(), "Does not compute");
    }

    #[test]
    fn it_is_that_very_error_and_not_a_copy() {
        #[derive(Debug)]
        struct NoClone(Box<u8>);
        onward::events! { Machine { error NoClone } }
        let error = NoClone(Box::new(7));
        let place: *const u8 = &*error.0;
        let back = Machine::new().emit_error(error).expect_err("nobody listens").into_inner();
        assert!(std::ptr::eq(&*back.0, place));
        assert_eq!(*back.0, 7);
    }

    #[test]
    fn one_who_listens_takes_it() {
        let (room, log) = (Room::new(), Log::default());
        let l = log.clone();
        room.on(Error, move |_, error| l.note(error));
        assert_eq!(room.emit_error("failed".into()).map(|emitted| emitted.called), Ok(1));
        assert_eq!(log.take(), "failed");
    }

    #[test]
    fn one_who_has_left_does_not() {
        let room = Room::new();
        let listener = room.on(Error, |_, _| {});
        room.off(listener);
        assert!(room.emit_error("failed".into()).is_err());
        room.once(Error, |_, _| {});
        assert!(room.emit_error("first".into()).is_ok());
        assert!(room.emit_error("second".into()).is_err());
    }
}

mod test_event_emitter_no_error_provided_to_error_event {
    /// In Node anything may be thrown, and what is no `Error` is wrapped. Here the declaration says what an
    /// error is, and it may be anything: also nothing, or something that is no `std::error::Error`.
    #[test]
    fn anything_can_be_an_error() {
        #[derive(Debug, PartialEq)]
        struct Plain {
            code: u8,
        }
        onward::events! { Bare { error () } }
        onward::events! { Coded { error Plain } }
        assert!(Bare::new().emit_error(()).is_err());
        let back = Coded::new().emit_error(Plain { code: 3 }).map_err(|e| e.into_inner());
        assert_eq!(back, Err(Plain { code: 3 }));
    }
}

mod test_events_uncaught_exception_stack {
    use std::fmt;

    #[test]
    fn an_error_that_cannot_be_formatted_is_not_hidden_by_that() {
        struct Mute;
        impl fmt::Display for Mute {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                Err(fmt::Error)
            }
        }
        onward::events! { Machine { error Mute } }
        let unhandled = Machine::new().emit_error(Mute).expect_err("nobody listens");
        assert_eq!(unhandled.emitter(), "Machine");
        let mut text = String::new();
        assert!(fmt::write(&mut text, format_args!("{unhandled}")).is_err());
        assert_eq!(text, "unhandled error of Machine: ");
        let Mute = unhandled.into_inner();
    }
}

mod test_event_emitter_emit_context {
    use super::*;

    #[test]
    fn an_error_listener_is_handed_the_emitter_too() {
        let (room, other) = (Room::new(), Room::new());
        for room in [&room, &other] {
            room.on(Error, |room, _| {
                room.remove_all();
            });
        }
        assert!(room.emit_error("e".into()).is_ok());
        assert_eq!((room.listener_count(Error), other.listener_count(Error)), (0, 1));
    }
}

mod test_event_emitter_error_monitor {
    use super::*;

    #[test]
    fn it_sees_each_error_whether_or_not_it_is_handled_and_nothing_else() {
        let (room, log) = (Room::new(), Log::default());
        let l = log.clone();
        room.on(ErrorMonitor, move |_, error| l.note(format!("saw {error}")));

        assert!(room.emit_error("a".into()).is_err(), "the monitor does not count");
        assert_eq!(log.take(), "saw a");

        let l = log.clone();
        let handler = room.on(Error, move |_, error| l.note(format!("took {error}")));
        assert!(room.emit_error("b".into()).is_ok());
        assert_eq!(log.take(), "saw b took b", "the monitor is first");
        room.off(handler);

        let waits = room.next_or_error(Joined);
        assert!(room.emit_error("c".into()).is_ok(), "somebody waits for it");
        assert_eq!(log.take(), "saw c");
        drop(waits);

        room.emit(Joined, "");
        room.emit(Closed, ());
        assert_eq!(log.take(), "");
    }
}
