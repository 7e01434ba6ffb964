//! Listening to all events of an emitter: order, payloads of every kind, and what it does not change.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use onward::emitter::{AnyEvent, Declared};
use onward::events::{Data, Error, ErrorMonitor};
use onward::{Emitter, EventEmitter, Listeners, Watching, events};

use super::support::{Later, Log, noting};

#[derive(Clone)]
struct Plain(u8);

events! {
    /// All that a payload can be.
    Shapes {
        None(),
        Str(&str),
        Bytes(&[u8]),
        Map(&HashMap<String, u8>),
        Object(&dyn fmt::Display),
        Mut(&mut Vec<u8>),
        Copied(u64),
        Moved(String),
        Static(&'static str),
        Opaque(&Plain),
        /// Two parts and more.
        Mixed(&str, u32, &mut String, Plain, &'static str),
        Twelve(u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, &str),
        use Data(&[u8]),
        use events::End(),
        error String,
        /// Any of these.
        enum Shape,
    }
}

/// What a listener of all notes: with `match`, to which no arm can be missing.
fn note(event: Shape<'_>) -> String {
    match event {
        Shape::None => "none".into(),
        Shape::Str(text) => text.into(),
        Shape::Bytes(bytes) | Shape::Data(bytes) => format!("{bytes:?}"),
        Shape::Map(map) => format!("{}", map["a"]),
        Shape::Object(object) => object.to_string(),
        Shape::Mut(bytes) => format!("{bytes:?}"),
        Shape::Copied(number) => format!("{}", *number + 1),
        Shape::Moved(text) => text.clone(),
        Shape::Static(text) => (*text).into(),
        Shape::Opaque(plain) => format!("{}", plain.0),
        Shape::Mixed(a, b, c, d, e) => format!("{a} {b} {c} {} {e}", d.0),
        Shape::Twelve(a, .., l) => format!("{a} {l}"),
        Shape::End => "end".into(),
        Shape::Error(error) => format!("error {error}"),
    }
}

#[test]
fn payloads_of_every_kind_come_by_reference() {
    let (s, seen) = (Shapes::new(), Rc::new(RefCell::new(Vec::new())));
    let to = Rc::clone(&seen);
    s.on_any(move |_, event| {
        to.borrow_mut().push((event.name(), note(event), format!("{event:?}")))
    });
    s.on(Mut, |_, bytes| bytes.push(2));
    s.on(Moved, |_, text| assert_eq!(text, "moved"));
    s.emit(None, ());
    s.emit(Str, "str");
    s.emit(Bytes, b"b");
    s.emit(Map, &HashMap::from([("a".to_string(), 1)]));
    s.emit(Object, &7);
    s.emit(Mut, &mut vec![1]);
    s.emit(Copied, 7);
    s.emit(Moved, "moved".to_string());
    s.emit(Static, "static");
    s.emit(Opaque, &Plain(3));
    s.emit(Mixed, ("a", 1, &mut "c".to_string(), Plain(4), "e"));
    s.emit(Twelve, (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, "12"));
    s.emit(Data, b"d");
    s.emit(events::End, ());
    assert!(s.emit_error("flood".to_string()).is_err());
    let expected = [
        ("None", "none", "None"),
        ("Str", "str", "Str(\"str\")"),
        ("Bytes", "[98]", "Bytes([98])"),
        ("Map", "1", "Map({\"a\": 1})"),
        ("Object", "7", "Object(_)"),
        ("Mut", "[1, 2]", "Mut([1, 2])"),
        ("Copied", "8", "Copied(7)"),
        ("Moved", "moved", "Moved(\"moved\")"),
        ("Static", "static", "Static(\"static\")"),
        ("Opaque", "3", "Opaque(_)"),
        ("Mixed", "a 1 c 4 e", "Mixed(\"a\", 1, \"c\", _, \"e\")"),
        ("Twelve", "1 12", "Twelve(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, \"12\")"),
        ("Data", "[100]", "Data([100])"),
        ("End", "end", "End"),
        ("Error", "error flood", "Error(\"flood\")"),
    ];
    let seen = seen.borrow();
    for (seen, expected) in seen.iter().zip(expected) {
        assert_eq!((seen.0, seen.1.as_str(), seen.2.as_str()), expected);
    }
    assert_eq!(seen.len(), expected.len());
}

/// With a lifetime that no variant has, and with no variant at all.
#[test]
fn emitters_whose_events_carry_nothing() {
    events! { Switch { On(), Off(), enum SwitchEvent } }
    events! { Silent { enum SilentEvent } }
    let (switch, log) = (Switch::new(), Log::default());
    let l = log.clone();
    switch.on_any(move |_, event| match event {
        SwitchEvent::On => l.note("on"),
        SwitchEvent::Off => l.note(event.name()),
    });
    switch.emit(On, ());
    switch.emit(Off, ());
    assert_eq!(log.take(), "on Off");
    let silent = Silent::new();
    let listener = silent.on_any(|_, event| match event {});
    assert!(silent.off(listener));
}

#[test]
fn an_enum_without_a_name_still_has_those_of_the_events() {
    events! { Room { Joined(&str), Closed() } }
    type RoomEvent<'a> = <Room as Declared>::Any<'a>;
    /// For any emitter.
    fn trace<S: Emitter>(source: &S, log: &Log) {
        let log = log.clone();
        source.on_any(move |_, event| log.note(format!("{}={event:?}", event.name())));
    }
    let (room, log) = (Room::new(), Log::default());
    trace(&room, &log);
    let l = log.clone();
    room.on_any(move |_, event| match event {
        RoomEvent::Joined(name) => l.note(name),
        RoomEvent::Closed => l.note("closed"),
    });
    room.emit(Joined, "ada");
    room.emit(Closed, ());
    assert_eq!(log.take(), "Joined=Joined(\"ada\") ada Closed=Closed closed");
}

/// As many as one would ever declare.
#[test]
fn an_emitter_with_many_events() {
    events! {
        Many {
            A0(), A1(&str), A2(&mut u8), A3(u8), A4(&str, &str), A5(), A6(), A7(), A8(), A9(),
            B0(), B1(&str), B2(&mut u8), B3(u8), B4(&str, &str), B5(), B6(), B7(), B8(), B9(),
            C0(), C1(&str), C2(&mut u8), C3(u8), C4(&str, &str), C5(), C6(), C7(), C8(), C9(),
            D0(), D1(&str), D2(&mut u8), D3(u8), D4(&str, &str), D5(), D6(), D7(), D8(), D9(),
        }
    }
    let (many, log) = (Many::new(), Log::default());
    let l = log.clone();
    many.on_any(move |_, event| l.note(event.name()));
    many.emit(D4, ("", ""));
    many.emit(D9, ());
    assert_eq!(log.take(), "D4 D9");
}

events! {
    pub(crate) Room { Joined(&str), Given(Counted), Closed(), error String, enum RoomEvent }
}

/// Counts how often it is cloned.
pub(crate) struct Counted(Rc<Cell<usize>>);

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.0.set(self.0.get() + 1);
        Self(Rc::clone(&self.0))
    }
}

fn log_all(room: &Room, log: &Log) -> onward::emitter::Listener {
    let log = log.clone();
    room.on_any(move |_, event| log.note(format!("any:{}", event.name())))
}

#[test]
fn it_runs_after_the_listeners_of_the_event_in_the_order_of_registration() {
    let (room, log) = (Room::new(), Log::default());
    room.on_any(noting!(log, "first"));
    room.on(Joined, noting!(log, "joined"));
    let second = room.on_any(noting!(log, "second"));
    room.on(Joined, noting!(log, "late"));
    assert_eq!(room.emit(Joined, "").called, 2);
    assert_eq!(log.take(), "joined late first second");
    assert!(room.off(second) && !room.off(second));
    assert!(!room.emit(Closed, ()).handled(), "it does not count");
    assert_eq!(log.take(), "first");
    drop(room.guard(room.on_any(noting!(log, "guarded"))));
    room.emit(Closed, ());
    assert_eq!(log.take(), "first");
    room.remove_all();
    room.emit(Closed, ());
    assert_eq!(log.take(), "");
}

#[test]
fn it_counts_as_nobody() {
    let (room, log) = (Room::new(), Log::default());
    let any = log_all(&room, &log);
    assert!(room.event_names().is_empty());
    assert_eq!(room.listener_count(Joined), 0);
    let block = room.block(any);
    room.emit(Joined, "");
    drop(block);
    assert_eq!(log.take(), "");
    room.remove_all_of(Joined);
    room.emit(Joined, "");
    assert_eq!(log.take(), "any:Joined");
}

/// It takes no error, and sees each once.
#[test]
fn errors_are_seen_once_and_still_handed_back() {
    let (room, log) = (Room::new(), Log::default());
    log_all(&room, &log);
    let unhandled = room.emit_error("flood".to_string()).unwrap_err();
    assert_eq!((unhandled.into_inner().as_str(), log.take().as_str()), ("flood", "any:Error"));
    room.on(ErrorMonitor, noting!(log, "monitor"));
    room.on(Error, noting!(log, "error"));
    assert_eq!(room.emit_error("flood".to_string()).unwrap().called, 1);
    assert_eq!(log.take(), "monitor error any:Error");
}

/// A value is cloned once more than it would be, and never for nothing.
#[test]
fn an_owned_payload_is_cloned_only_for_those_before() {
    let (room, clones) = (Room::new(), Rc::new(Cell::new(0)));
    room.on_any(|_, _| {});
    room.on_any(|_, _| {});
    room.emit(Given, Counted(Rc::clone(&clones)));
    assert_eq!(clones.take(), 0);
    room.on(Given, |_, _| {});
    room.emit(Given, Counted(Rc::clone(&clones)));
    assert_eq!(clones.take(), 1);
    room.on(Given, |_, _| {});
    room.emit(Given, Counted(Rc::clone(&clones)));
    assert_eq!(clones.take(), 2);
    assert_eq!(Rc::strong_count(&clones), 1, "every payload is dropped");
}

#[test]
fn one_added_during_an_emit_does_not_hear_it_and_one_removed_neither() {
    let (room, log) = (Room::new(), Log::default());
    let later = Later::new();
    let (l, removed) = (log.clone(), later.clone());
    room.once(Joined, move |room, _| {
        log_all(room, &l);
        room.off(removed.get());
    });
    log_all(&room, &log);
    later.set(room.on_any(noting!(log, "removed")));
    room.emit(Joined, "");
    assert_eq!(log.take(), "any:Joined");
    room.emit(Joined, "");
    assert_eq!(log.take(), "any:Joined any:Joined");

    // The first of all, by a listener and by another of its kind.
    let room = Room::new();
    let l = log.clone();
    room.once(Joined, move |room, _| {
        let inner = l.clone();
        room.on_any(move |room, _| {
            log_all(room, &inner);
            inner.note("outer");
        });
    });
    room.emit(Joined, "");
    assert_eq!(log.take(), "");
    room.emit(Joined, "");
    assert_eq!(log.take(), "outer");
}

#[test]
fn nested_emits_come_to_all_that_do_not_run() {
    let (room, log) = (Room::new(), Log::default());
    let l = log.clone();
    room.on_any(move |room, event| {
        l.note(format!("a:{}", event.name()));
        if let RoomEvent::Joined(_) = event {
            let emitted = room.emit(Closed, ());
            assert_eq!((emitted.called, emitted.skipped), (1, 0));
        }
    });
    let l = log.clone();
    room.on_any(move |_, event| l.note(format!("b:{}", event.name())));
    room.on(Closed, noting!(log, "closed"));
    room.emit(Joined, "");
    assert_eq!(log.take(), "a:Joined closed b:Closed b:Joined");

    let room = Room::new();
    log_all(&room, &log);
    room.on(Joined, |room, _| {
        room.emit(Closed, ());
    });
    room.emit(Joined, "");
    assert_eq!(log.take(), "any:Closed any:Joined");
}

#[test]
fn it_can_remove_itself_and_everything() {
    let (room, log) = (Room::new(), Log::default());
    let (later, on_drop) = (Later::new(), log.on_drop("gone"));
    let (l, handle) = (log.clone(), later.clone());
    later.set(room.on_any(move |room, _| {
        on_drop.touch();
        assert!(room.off(handle.get()));
        l.note("once");
    }));
    room.emit(Joined, "");
    room.emit(Joined, "");
    assert_eq!(log.take(), "once gone");

    log_all(&room, &log);
    room.on_any(|room, _| room.remove_all());
    log_all(&room, &log);
    room.emit(Joined, "");
    room.emit(Joined, "");
    assert_eq!(log.take(), "any:Joined");
}

#[test]
fn panics_pass_through() {
    let (room, log) = (Room::new(), Log::default());
    log_all(&room, &log);
    let panics = room.on(Joined, |_, _| panic!("oh"));
    assert!(catch_unwind(AssertUnwindSafe(|| room.emit(Joined, ""))).is_err());
    assert_eq!(log.take(), "", "as any listener after one that panics");
    room.off(panics);
    let panics = room.on_any(|_, _| panic!("oh"));
    log_all(&room, &log);
    assert!(catch_unwind(AssertUnwindSafe(|| room.emit(Joined, ""))).is_err());
    assert_eq!(log.take(), "any:Joined");
    room.off(panics);
    room.emit(Joined, "");
    assert_eq!(log.take(), "any:Joined any:Joined");
}

#[test]
fn it_is_not_told_of_listeners_but_they_are_told_of_it() {
    use onward::events::{ListenerAdded, ListenerRemoved};
    let (room, log) = (Room::new(), Log::default());
    log_all(&room, &log);
    let l = log.clone();
    room.on(ListenerAdded, move |_, added| {
        if added.is_any() {
            l.note(format!("+{}:{}", added.event(), added.others()));
        }
    });
    let l = log.clone();
    room.on(ListenerRemoved, move |_, removed| l.note(format!("-{}", removed.event())));
    let any = log_all(&room, &log);
    room.off(any);
    room.off(room.on(Joined, |_, _| {}));
    assert_eq!(log.take(), "+any:1 -any -Joined");
}

/// A type of one's own, whose events are its own to raise.
#[test]
fn emitters_of_ones_own_making_have_it_too() {
    struct Tap {
        emitter: EventEmitter<Self>,
    }
    events! { for Tap { Dripped(u32), enum TapEvent } }
    impl Emitter for Tap {
        fn listeners(&self) -> &Listeners<Self> {
            &self.emitter
        }
    }
    let (tap, log) = (Tap { emitter: EventEmitter::new() }, Log::default());
    let l = log.clone();
    tap.on_any(move |_, TapEvent::Dripped(drops)| l.note(drops.to_string()));
    tap.emitter.emit(&tap, Dripped, 3);
    assert_eq!(log.take(), "3");
}
