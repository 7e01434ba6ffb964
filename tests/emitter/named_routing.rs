//! Named events that are intercepted, relayed, and fail; and what options change.

use std::cell::Cell;
use std::ops::ControlFlow::{Break, Continue};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use onward::emitter::named::{Key, Name, NamedEmitter, Pattern};
use onward::emitter::{Downgrade, Options, Removal};
use onward::{Emitter, EventEmitter, Listeners, Routing as _, events};

use super::support::{Later, Log, noting};

const CHAT: Name<str> = Name::new("chat.all");
const OTHER: Name<str> = Name::new("other");

events! { Screen { Line(&str), Long(usize) } }

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Player(u32);

impl Key for Player {
    type Payload = str;
}

fn pattern(text: &'static str) -> Pattern<str> {
    Pattern::new(text).expect("a pattern")
}

#[test]
fn the_ways_to_listen_that_others_have() {
    let (emitter, log, object) = (NamedEmitter::new(), Log::default(), Rc::default());
    emitter.on(CHAT, noting!(log, "on"));
    emitter.on_group(CHAT, 1, noting!(log, "group1"));
    emitter.on_group(CHAT, -1, noting!(log, "group-1"));
    emitter.prepend_once(CHAT, noting!(log, "first"));
    emitter.many(CHAT, 2, noting!(log, "many"));
    emitter.many(CHAT, 0, noting!(log, "never"));
    emitter.on_when(CHAT, |_, line| line == "yes", noting!(log, "when"));
    let l = log.clone();
    emitter.on_weak(CHAT, &object, move |_: &(), _, _| l.note("weak"));
    let state = Rc::new(std::cell::RefCell::new(0));
    emitter.on_state(CHAT, &state, |count, _, _| *count += 1);
    assert_eq!(emitter.emit(CHAT, "yes").called, 8);
    assert_eq!(log.take(), "first group-1 group1 on many when weak");
    drop(object);
    assert_eq!(emitter.emit(CHAT, "no").called, 5);
    assert_eq!(emitter.emit(CHAT, "no").called, 4);
    assert_eq!(
        (log.take(), *state.borrow()),
        ("group-1 group1 on many group-1 group1 on".into(), 3)
    );
    assert_eq!(emitter.listener_count(CHAT), 5);
}

#[test]
fn the_same_ways_for_patterns() {
    let (emitter, log) = (NamedEmitter::new(), Log::default());
    let l = log.clone();
    emitter.on_group(pattern("**"), 1, move |_, (name, _)| l.note(name));
    emitter.prepend_once(pattern("chat.*"), noting!(log, "first"));
    emitter.many(pattern("*"), 1, noting!(log, "many"));
    emitter.on_when(pattern("**"), |_, (_, line)| line == "yes", noting!(log, "when"));
    assert_eq!(emitter.emit(CHAT, "yes").called, 3);
    assert_eq!(emitter.emit(OTHER, "no").called, 2);
    assert_eq!(emitter.emit(OTHER, "no").called, 1);
    assert_eq!(log.take(), "first chat.all when other many other");
}

#[test]
fn one_added_to_a_group_during_an_emit_is_not_called_by_it() {
    let (emitter, log) = (NamedEmitter::new(), Log::default());
    let l = log.clone();
    emitter.on(CHAT, move |emitter, _| {
        emitter.on_group(pattern("**"), -3, noting!(l, "late"));
        emitter.intercept(pattern("**"), |_, _| Break(()));
    });
    emitter.on(pattern("**"), noting!(log, "matched"));
    assert_eq!(emitter.emit(CHAT, "").called, 2);
    assert_eq!(log.take(), "matched");
    assert!(emitter.emit(CHAT, "").stopped);
}

#[test]
fn an_interceptor_comes_first_and_may_stop_all() {
    let (emitter, log) = (NamedEmitter::new(), Log::default());
    emitter.prepend(CHAT, noting!(log, "front"));
    emitter.on(pattern("chat.*"), noting!(log, "pattern"));
    let l = log.clone();
    let interceptor = emitter.intercept(CHAT, move |_, line| {
        l.note("?");
        if line == "stop" { Break(()) } else { Continue(()) }
    });
    let emitted = emitter.emit(CHAT, "stop");
    assert_eq!((emitted.called, emitted.stopped), (0, true));
    assert_eq!(emitter.emit(CHAT, "go").called, 2);
    assert_eq!(log.take(), "? ? front pattern");
    assert!(emitter.off(interceptor));
    assert_eq!(emitter.emit(CHAT, "stop").called, 2);
}

#[test]
fn an_interceptor_of_a_pattern_stops_the_names_own_listeners() {
    let (emitter, log) = (NamedEmitter::new(), Log::default());
    emitter.intercept(CHAT, {
        let log = log.clone();
        move |_, _| {
            log.note("own");
            Continue(())
        }
    });
    emitter.on(CHAT, noting!(log, "listener"));
    let l = log.clone();
    emitter.intercept(pattern("chat.*"), move |_, (name, line)| {
        l.note(name);
        if line == "stop" { Break(()) } else { Continue(()) }
    });
    emitter.on(pattern("**"), noting!(log, "pattern"));
    let emitted = emitter.emit(CHAT, "stop");
    assert_eq!((emitted.called, emitted.skipped, emitted.stopped), (0, 0, true));
    assert_eq!(log.take(), "chat.all");
    assert_eq!(emitter.emit(CHAT, "go").called, 2);
    assert_eq!(log.take(), "chat.all own listener pattern");
    assert_eq!(emitter.emit(OTHER, "stop").called, 1);
}

#[test]
fn a_relay_from_name_to_name_listens_while_the_target_has_listeners() {
    let (from, to, log) = (NamedEmitter::new(), NamedEmitter::new(), Log::default());
    let relay = from.relay(CHAT, &to, OTHER);
    assert!(!relay.is_active() && from.event_names().is_empty() && to.event_names().is_empty());
    let guard = to.on_scoped(OTHER, noting!(log, "heard"));
    assert!(relay.is_active());
    assert_eq!(from.emit(CHAT, "").called, 1);
    drop(guard);
    assert!(!relay.is_active() && from.event_names().is_empty());
    assert!(!from.emit(CHAT, "").handled());
    to.once(OTHER, noting!(log, "once"));
    assert_eq!(from.emit(CHAT, "").called, 1);
    assert!(!relay.is_active(), "it was the last");
    to.on(OTHER, noting!(log, "again"));
    assert!(relay.is_active() && relay.end() && !relay.end());
    assert!(!from.emit(CHAT, "").handled());
    assert_eq!(log.take(), "heard once");
}

#[test]
fn a_relay_from_a_name_to_a_declared_event_and_back() {
    let (named, screen, log) = (NamedEmitter::new(), Screen::new(), Log::default());
    named.relay(CHAT, &screen, Line);
    named.relay_map(Player(1), &screen, Long, |_, line| line.len());
    screen.relay(Line, &named, OTHER);
    let l = log.clone();
    named.on(OTHER, move |_, line| l.note(line));
    assert_eq!(named.emit(CHAT, "round").called, 1);
    assert_eq!(log.take(), "round");
    let l = log.clone();
    screen.on(Long, move |_, letters| l.note(letters.to_string()));
    assert_eq!(named.emit(Player(1), "seven").called, 1);
    let l = log.clone();
    screen.relay_with(Long, &named, Player(2), move |_, n, named| {
        l.note(format!("passed{n}"));
        named.emit(Player(2), "x");
    });
    named.on(Player(2), noting!(log, "two"));
    named.emit(Player(1), "a");
    assert_eq!(log.take(), "5 1 passed1 two");
}

#[test]
fn a_relay_from_a_pattern() {
    let (from, to, log) = (NamedEmitter::new(), NamedEmitter::new(), Log::default());
    let relay = from.relay_map(pattern("chat.*"), &to, CHAT, |_, (name, _)| name);
    let l = log.clone();
    to.on(CHAT, move |_, name| l.note(name));
    assert_eq!(from.emit(Name::<str>::new("chat.ada"), "hello").called, 1);
    assert_eq!(from.emit(OTHER, "hello").called, 0);
    relay.end();
    assert!(from.event_names().is_empty());
    assert_eq!(log.take(), "chat.ada");
}

#[test]
fn a_relay_that_begins_while_its_target_is_walked() {
    for last in [false, true] {
        let (from, to, log) = (NamedEmitter::new(), NamedEmitter::new(), Log::default());
        let relay = Later::new();
        let (f, r) = (from.clone(), relay.clone());
        let later = Later::new();
        let own = later.clone();
        later.set(to.on(CHAT, move |to, _| {
            r.set(f.relay(OTHER, to, CHAT));
            if last {
                to.off(own.get());
            }
        }));
        assert_eq!(to.emit(CHAT, "").called, 1);
        assert_eq!(relay.get().is_active(), !last);
        to.on(CHAT, noting!(log, "heard"));
        assert_eq!(from.emit(OTHER, "").called, 1);
        to.remove_all();
        relay.get().end();
        assert!(to.event_names().is_empty() && from.event_names().is_empty());
        assert_eq!(log.take(), "heard");
    }
}

#[test]
fn a_relay_keeps_neither_end() {
    let (from, to, log) = (NamedEmitter::new(), NamedEmitter::new(), Log::default());
    let captured = log.on_drop("dropped");
    let relay = from.relay_with(CHAT, &to, CHAT, move |_, _, _| captured.touch());
    to.on(CHAT, |_, _| {});
    assert_eq!(from.emit(CHAT, "").called, 1);
    drop(to);
    assert_eq!(log.take(), "dropped");
    assert!(!relay.is_active() && from.event_names().is_empty());
    let to = NamedEmitter::new();
    let relay = from.relay(CHAT, &to, CHAT);
    to.on(CHAT, |_, _| {});
    drop(from);
    assert!(!relay.is_active() && !relay.end());
}

#[test]
fn an_error_of_a_listener_is_emitted_under_its_name() {
    const ERROR: Name<std::num::ParseIntError> = Name::new("error");
    let (emitter, log) = (NamedEmitter::new(), Log::default());
    let (l, mut sum) = (log.clone(), 0);
    emitter.on_try(CHAT, ERROR, move |_, line| {
        sum += line.parse::<i32>()?;
        l.note(sum.to_string());
        Ok(())
    });
    let listener = emitter.on(ERROR, noting!(log, "failed"));
    assert_eq!(emitter.emit(CHAT, "1").called, 1);
    assert_eq!(emitter.emit(CHAT, "x").called, 1);
    assert_eq!(emitter.emit(CHAT, "2").called, 1);
    assert_eq!(log.take(), "1 failed 3");
    emitter.off(listener);
    let error = "x".parse::<i32>().expect_err("no number");
    assert!(emitter.emit_error(ERROR, error.clone()).is_err());
    let any = Pattern::<std::num::ParseIntError>::new("*").expect("a pattern");
    emitter.on(any, noting!(log, "seen"));
    assert!(emitter.emit_error(ERROR, error).is_ok(), "a pattern takes it too");
    assert_eq!(log.take(), "seen");
}

#[test]
fn an_error_that_nobody_takes_is_the_listeners_panic() {
    const ERROR: Name<std::fmt::Error> = Name::new("error");
    let emitter = NamedEmitter::new();
    emitter.on_try(CHAT, ERROR, |_, _| Err(std::fmt::Error));
    catch_unwind(AssertUnwindSafe(|| emitter.emit(CHAT, ""))).expect_err("nobody takes it");
    emitter.on_try(ERROR, ERROR, |_, _| Err(std::fmt::Error));
    catch_unwind(AssertUnwindSafe(|| emitter.emit(CHAT, ""))).expect_err("it goes in a circle");
    emitter.remove_all_of(ERROR);
    emitter.on(ERROR, |_, _| {});
    assert!(emitter.emit(CHAT, "").handled());
}

#[test]
fn with_snapshot_a_name_calls_those_that_were_there() {
    let options = || Options::new().removal(Removal::Snapshot);
    let (emitter, log) = (NamedEmitter::with_options(options()), Log::default());
    let l = log.clone();
    emitter.once(CHAT, move |emitter, _| {
        emitter.remove_all();
        emitter.on(CHAT, noting!(l, "new"));
        assert_eq!(emitter.emit(CHAT, "").called, 1, "that began later");
    });
    let captured = log.on_drop("dropped");
    let l = log.clone();
    emitter.on(CHAT, move |_, _| {
        captured.touch();
        l.note("removed");
    });
    emitter.on(pattern("**"), noting!(log, "pattern"));
    assert_eq!(emitter.emit(CHAT, "").called, 2, "those of patterns are found one by one");
    assert_eq!(log.take(), "new removed dropped");
    assert_eq!(emitter.event_names(), ["chat.all"]);
    emitter.remove_all();
    emitter.once(CHAT, |_, _| {});
    emitter.emit(CHAT, "");
    assert!(emitter.event_names().is_empty());
}

#[cfg(feature = "std")]
#[test]
fn a_panic_that_is_isolated_names_the_event() {
    let log = Log::default();
    let l = log.clone();
    let emitter = NamedEmitter::with_options(Options::new().isolate_panics(move |_, panic| {
        l.note(format!("{}!", panic.event()));
    }));
    emitter.once(CHAT, |_, _| panic!("on purpose"));
    emitter.on(Player(3), |_, _| panic!("on purpose"));
    emitter.on(pattern("chat.*"), |_, _| panic!("on purpose"));
    emitter.on(CHAT, noting!(log, "called"));
    assert_eq!(emitter.emit(CHAT, "").called, 3);
    assert_eq!(emitter.emit(Player(3), "").called, 1);
    assert_eq!(log.take(), "chat.all! called chat.*! Player(3)!");
    assert_eq!(emitter.event_names(), ["chat.all", "Player(3)", "chat.*"]);
}

#[test]
fn max_depth_names_the_circle() {
    let emitter = NamedEmitter::with_options(Options::new().max_depth(6));
    emitter.on_reentrant(CHAT, |emitter, line| _ = emitter.emit(Player(7), line));
    emitter.on_reentrant(Player(7), |emitter, line| _ = emitter.emit(CHAT, line));
    let panic = catch_unwind(AssertUnwindSafe(|| emitter.emit(CHAT, ""))).expect_err("a circle");
    let text = panic.downcast_ref::<String>().expect("a text");
    let chain = "NamedEmitter.chat.all > NamedEmitter.Player(7) > NamedEmitter.chat.all";
    assert!(text.contains(if cfg!(feature = "std") { chain } else { "NamedEmitter." }), "{text}");
    emitter.remove_all();
    assert!(emitter.event_names().is_empty(), "and nothing is left of it");
}

type Then = Rc<Cell<Option<(u32, Box<dyn FnOnce()>)>>>;

/// A source that does something when it is looked for the n-th time, and cannot be found then.
struct Door(Rc<EventEmitter<Self>>, Then);

events! { for Door { Opened(&str) } }

impl Emitter for Door {
    fn listeners(&self) -> &Listeners<Self> {
        &self.0
    }
}

impl Downgrade for Door {
    fn downgrade(&self) -> impl Fn() -> Option<Self> + 'static {
        let (door, then) = (Rc::clone(&self.0), Rc::clone(&self.1));
        move || match then.take() {
            Some((0, what)) => {
                what();
                None
            }
            left => {
                then.set(left.map(|(times, what)| (times - 1, what)));
                Some(Self(Rc::clone(&door), Rc::clone(&then)))
            }
        }
    }
}

#[test]
fn a_listener_that_is_added_while_a_relay_is_asked_whether_it_is_over_is_found() {
    let (target, then) = (NamedEmitter::new(), Then::default());
    let opened = Name::<str>::new("opened");
    let door = Door(Rc::default(), Rc::clone(&then));
    door.relay(Opened, &target, opened.clone());
    let first = target.on(&opened, |_, _| {});
    let (later, name) = (target.clone(), opened.clone());
    // First the relay stops to listen there.
    then.set(Some((
        1,
        Box::new(move || {
            later.on(name, |_, _| {});
        }),
    )));
    assert!(target.off(first));
    assert!(then.take().is_none(), "it was looked for");
    assert_eq!(target.emit(&opened, "front").called, 1);
}
