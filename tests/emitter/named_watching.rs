//! Who listens to a named emitter is told to those who watch; waiting for names.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use onward::emitter::named::{Key, Name, NamedEmitter, Pattern};
use onward::emitter::{NextError, first};
use onward::events::{ListenerAdded, ListenerLeak, ListenerRemoved};

use super::support::{Log, OnDrop, noting};

const CHAT: Name<str> = Name::new("chat");
const ERROR: Name<u8> = Name::new("error");

#[derive(Debug, PartialEq, Eq, Hash)]
struct Player(u32);

impl Key for Player {
    type Payload = u32;
}

fn pattern(text: &'static str) -> Pattern<str> {
    Pattern::new(text).expect("a pattern")
}

fn watched() -> (NamedEmitter, Log) {
    let (emitter, log) = (NamedEmitter::new(), Log::default());
    let l = log.clone();
    emitter.on(ListenerAdded, move |_, info| {
        assert!(info.listener().is_none() && info.location().file().ends_with("named_watching.rs"));
        l.note(format!("+{}:{}", info.event(), info.others()));
    });
    let l = log.clone();
    emitter.on(ListenerRemoved, move |_, info| {
        assert!(info.listener().is_some() && info.location().file().ends_with("named_watching.rs"));
        l.note(format!("-{}:{}", info.event(), info.others()));
    });
    assert_eq!(log.take(), "+ListenerRemoved:0", "not for itself");
    (emitter, log)
}

#[test]
fn each_listener_is_told_before_it_comes_and_after_it_has_gone() {
    let (emitter, log) = watched();
    let first = emitter.on(CHAT, |_, _| {});
    emitter.once(CHAT, |_, _| {});
    let guard = emitter.on_scoped(Player(7), |_, _| {});
    assert_eq!(log.take(), "+chat:0 +chat:1 +Player(7):0");
    emitter.emit(CHAT, "");
    assert_eq!(log.take(), "-chat:1");
    assert!(emitter.off(first) && !emitter.off(first));
    assert_eq!(log.take(), "-chat:0");
    drop(guard);
    assert_eq!(log.take(), "-Player(7):0", "at once, without the emitter at hand");
    assert_eq!(emitter.event_names(), ["ListenerAdded", "ListenerRemoved"]);
}

#[test]
fn patterns_are_told_by_their_text() {
    let (emitter, log) = watched();
    let listeners = ["a.*", "a.*", "**"].map(|text| emitter.on(pattern(text), |_, _| {}));
    emitter.on(Pattern::<u32>::new("a.*").expect("a pattern"), |_, _| {});
    assert_eq!(log.take(), "+a.*:0 +a.*:1 +**:0 +a.*:0");
    emitter.off(listeners[0]);
    emitter.once(pattern("b"), |_, _| {});
    emitter.emit(Name::<str>::new("b"), "");
    assert_eq!(log.take(), "-a.*:1 +b:0 -b:0");
    emitter.remove_all_of(pattern("**"));
    assert_eq!(log.take(), "-**:0");
}

#[test]
fn the_info_says_for_which_event_it_is() {
    let (emitter, log) = (NamedEmitter::new(), Log::default());
    let l = log.clone();
    emitter.on(ListenerAdded, move |_, info| {
        let is = [
            info.is(CHAT),
            info.is(Name::<u8>::new("chat")),
            info.is(Player(1)),
            info.is(pattern("chat")),
            info.is(ListenerRemoved),
        ];
        l.note(is.map(|is| if is { "1" } else { "0" }).concat());
    });
    emitter.on(CHAT, |_, _| {});
    emitter.on(Name::<u8>::new("chat"), |_, _| {});
    emitter.on(Player(1), |_, _| {});
    emitter.on(Player(2), |_, _| {});
    emitter.on(pattern("chat"), |_, _| {});
    emitter.on(ListenerRemoved, |_, _| {});
    assert_eq!(log.take(), "10000 01000 00100 00000 00010 00001");
}

#[test]
fn who_is_told_may_change_everything() {
    let (emitter, log) = (NamedEmitter::new(), Log::default());
    let l = log.clone();
    emitter.on(ListenerAdded, move |emitter, info| {
        assert_eq!(info.others(), emitter.listener_count(CHAT));
        emitter.on(CHAT, noting!(l, "in front"));
        emitter.remove_all_of(Player(1));
    });
    emitter.on(CHAT, noting!(log, "first"));
    assert_eq!(emitter.emit(CHAT, "").called, 2);
    assert_eq!(log.take(), "in front first");
    emitter.remove_all();
    emitter.on(ListenerAdded, |emitter, _| emitter.remove_all());
    emitter.on(CHAT, noting!(log, "alone"));
    assert_eq!((emitter.event_names(), emitter.emit(CHAT, "").called), (vec!["chat".into()], 1));
    assert_eq!(log.take(), "alone");
}

#[test]
fn one_that_is_never_added_leaves_no_name() {
    let emitter = NamedEmitter::new();
    emitter.on(ListenerAdded, |_, _| panic!("on purpose"));
    let add = std::panic::AssertUnwindSafe(|| emitter.on(CHAT, |_, _| {}));
    std::panic::catch_unwind(add).expect_err("it passes through");
    assert_eq!(emitter.event_names(), ["ListenerAdded"]);
    assert!(!emitter.emit(CHAT, "").handled());
}

#[test]
fn all_are_removed_last_first_and_who_is_told_comes_last() {
    let (emitter, log) = watched();
    emitter.on(CHAT, |_, _| {});
    emitter.on(pattern("**"), |_, _| {});
    emitter.on(CHAT, |_, _| {});
    emitter.prepend(CHAT, |_, _| {});
    emitter.on(pattern("**"), |_, _| {});
    log.take();
    emitter.remove_all();
    assert_eq!(log.take(), "-ListenerAdded:0 -chat:2 -chat:1 -chat:0 -**:1 -**:0");
    assert!(emitter.event_names().is_empty());
}

#[test]
fn a_listener_that_was_there_before_anybody_watched_is_told() {
    let (emitter, log) = (NamedEmitter::new(), Log::default());
    emitter.once(CHAT, |_, _| {});
    emitter.once(pattern("chat"), |_, _| {});
    let l = log.clone();
    emitter.on(ListenerRemoved, move |_, info| l.note(info.event()));
    emitter.emit(CHAT, "");
    assert_eq!(log.take(), "chat chat");
}

#[test]
fn nobody_is_told_when_the_emitter_goes() {
    let (emitter, log) = watched();
    let captured = OnDrop({
        let log = log.clone();
        move || log.note("dropped")
    });
    emitter.on(CHAT, move |_, _| captured.touch());
    let guard = emitter.on_scoped(CHAT, |_, _| {});
    log.take();
    drop(emitter);
    assert_eq!(log.take(), "dropped");
    drop(guard);
    assert_eq!(log.take(), "");
}

#[test]
fn a_leak_is_told_by_name() {
    let (emitter, log) = (NamedEmitter::new(), Log::default());
    emitter.set_max_listeners(2);
    let l = log.clone();
    emitter.on(ListenerLeak, move |_, leak| l.note(format!("{}:{}", leak.event(), leak.count())));
    for _ in 0..4 {
        emitter.on(Name::<str>::new("room-7"), |_, _| {});
        emitter.on(Player(3), |_, _| {});
    }
    assert_eq!(log.take(), "room-7:3 Player(3):3");
}

fn poll<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn the_next_of_a_name_a_key_or_a_pattern() {
    let emitter = NamedEmitter::new();
    let (chat, player) = (emitter.next(CHAT), emitter.next(Player(1)));
    let any = emitter.next(pattern("*"));
    let either = first((emitter.next(Player(2)), emitter.next(CHAT)));
    emitter.emit(CHAT, "hello");
    emitter.emit(Player(1), &7);
    assert_eq!(poll(chat), Poll::Ready(Ok("hello".into())));
    assert_eq!(poll(player), Poll::Ready(Ok(7)));
    assert_eq!(poll(any), Poll::Ready(Ok(("chat".into(), "hello".into()))));
    assert!(poll(either).is_ready());
    assert!(emitter.event_names().is_empty());
}

#[test]
fn what_cannot_come_any_more_names_the_event() {
    let emitter = NamedEmitter::new();
    let (chat, any) = (emitter.next(CHAT), emitter.next(pattern("a.*")));
    drop(emitter);
    let text = |gone: Poll<Result<String, _>>| match gone {
        Poll::Ready(Err(gone)) => format!("{gone}"),
        _ => panic!("it is gone"),
    };
    assert_eq!(text(poll(chat)), "waited for chat of NamedEmitter, which will not come any more");
    assert!(matches!(poll(any), Poll::Ready(Err(gone)) if gone.event() == "a.*"));
}

#[test]
fn an_error_may_come_first() {
    let emitter = NamedEmitter::new();
    let waits = || emitter.next_or_error(CHAT, ERROR);
    let (failed, dropped) = (waits(), waits());
    drop(dropped);
    assert!(emitter.emit_error(ERROR, 3).is_ok());
    assert_eq!(poll(failed), Poll::Ready(Err(NextError::Emitted(3))));
    let came = waits();
    emitter.emit(CHAT, "hello");
    assert_eq!(emitter.emit_error(ERROR, 4).expect_err("nobody waits").into_inner(), 4);
    assert_eq!(poll(came), Poll::Ready(Ok("hello".into())));
    let same = emitter.next_or_error(ERROR, ERROR);
    emitter.emit(ERROR, &5);
    assert_eq!(poll(same), Poll::Ready(Ok(5)), "it is what was waited for");
    assert!(emitter.event_names().is_empty());
}

#[test]
fn streams_of_names_and_patterns() {
    let emitter = NamedEmitter::new();
    let mut lines = emitter.stream(pattern("chat.*")).capacity(2);
    let mut until = emitter.stream_or_error(CHAT, ERROR);
    for name in ["chat.a", "chat.b", "chat.c", "chat"] {
        emitter.emit(Name::<str>::borrowed(name), "hello");
    }
    emitter.emit(ERROR, &9);
    assert_eq!((lines.lag(), lines.dropped()), (2, 1));
    assert_eq!(poll(lines.next()), Poll::Ready(Some(("chat.b".into(), "hello".into()))));
    assert_eq!(poll(until.next()), Poll::Ready(Some(Ok("hello".into()))));
    assert_eq!(poll(until.next()), Poll::Ready(Some(Err(9))));
    assert_eq!(poll(until.next()), Poll::Ready(None));
    drop(lines);
    assert!(emitter.event_names().is_empty());
}
