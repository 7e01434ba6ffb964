//! Errors are never lost.

use onward::Emitter;
use onward::emitter::{Emitted, Unhandled};
use onward::events::{Error, ErrorMonitor};

use super::support::*;

#[test]
fn an_error_that_nobody_takes_is_handed_back() {
    let room = Room::new();
    let unhandled = room.emit_error("flood".to_string()).expect_err("nobody listens");
    assert_eq!(unhandled.to_string(), "unhandled error of Room: flood");
    assert_eq!((unhandled.emitter(), unhandled.error().as_str()), ("Room", "flood"));
    assert_eq!(unhandled.into_inner(), "flood");
}

#[test]
fn a_listener_takes_it() -> Result<(), Unhandled<String>> {
    let (room, log) = (Room::new(), Log::default());
    let l = log.clone();
    room.on(Error, move |_, error| l.note(error));
    let emitted: Emitted = room.emit_error("flood".to_string())?;
    assert_eq!(emitted.called, 1);
    assert_eq!(log.take(), "flood");
    Ok(())
}

#[test]
fn monitors_see_errors_first_and_do_not_count() {
    let (room, log) = (Room::new(), Log::default());
    room.on(ErrorMonitor, noting!(log, "monitor"));
    assert!(room.emit_error(String::new()).is_err(), "a monitor does not take it");
    assert_eq!(log.take(), "monitor");
    room.once(Error, noting!(log, "listener"));
    assert_eq!(room.emit_error(String::new()).expect("taken").called, 1);
    assert_eq!(log.take(), "monitor listener");
    room.emit(Joined, "");
    assert_eq!(log.take(), "", "never for other events");
    assert_eq!(room.event_names(), ["ErrorMonitor"]);
}

#[test]
fn a_listener_that_a_monitor_adds_takes_it() {
    let room = Room::new();
    room.once(ErrorMonitor, |room, _| {
        room.once(Error, |_, _| {});
    });
    room.emit_error(String::new()).expect("taken");
}

#[test]
fn an_error_raised_by_the_only_listener_for_errors_is_not_lost() {
    let (room, log) = (Room::new(), Log::default());
    let l = log.clone();
    room.on(Error, move |room, error| {
        if let Err(unhandled) = room.emit_error(format!("{error} again")) {
            l.note(unhandled.into_inner());
        }
    });
    room.emit_error("flood".to_string()).expect("taken");
    assert_eq!(log.take(), "flood again");
}

#[test]
fn unhandled_is_an_error_and_its_source_lies_behind_the_error() {
    #[derive(Debug)]
    struct Outer(std::fmt::Error);
    impl std::fmt::Display for Outer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("outer")
        }
    }
    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }
    onward::events! { Failing { error Outer } }
    let unhandled: Box<dyn std::error::Error> =
        Failing::new().emit_error(Outer(std::fmt::Error)).expect_err("nobody listens").into();
    assert_eq!(unhandled.to_string(), "unhandled error of Failing: outer");
    assert!(unhandled.source().is_some_and(|source| source.is::<std::fmt::Error>()));
}
