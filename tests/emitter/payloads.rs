//! Every shape of payload, and that closures need no annotation for any of them.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt::{Debug, Write};
use std::rc::Rc;

use onward::emitter::{Declared, Event};
use onward::events::{Close, Data, End, Error};
use onward::{Emitter, EventEmitter, Listeners, events};

trait Shape {
    fn area(&self) -> u32;
    fn grow(&mut self);
}

struct Square(u32);

impl Shape for Square {
    fn area(&self) -> u32 {
        self.0 * self.0
    }
    fn grow(&mut self) {
        self.0 += 1;
    }
}

/// Counts how often it is cloned.
#[derive(Debug)]
struct Counted(Rc<Cell<usize>>);

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.0.set(self.0.get() + 1);
        Self(Rc::clone(&self.0))
    }
}

events! {
    Shapes {
        None(),
        Str(&str),
        Bytes(&[u8]),
        Map(&HashMap<String, Vec<u8>>),
        Object(&dyn Shape),
        Static(&'static str),
        Mut(&mut Vec<u32>),
        MutObject(&mut dyn Shape),
        Number(u64),
        Text(String),
        Boxed(Box<[u8]>),
        Pair((u8, u8)),
        Array([u8; 2]),
        Two(&str, u32),
        Three(&mut String, &[u8], Counted),
        Owned(Counted),
        Twelve(u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, &str),
        use Data(&[u8]),
        use onward::events::End(),
        use ::onward::events::Close(bool),
        error std::io::Error,
    }
}

#[test]
fn closures_need_no_annotation() {
    let shapes = Shapes::new();
    let sum = Rc::new(Cell::new(0));
    let add = || {
        let sum = Rc::clone(&sum);
        move |n: usize| sum.set(sum.get() + n)
    };
    let f = add();
    shapes.on(None, move |_, ()| f(1));
    let f = add();
    shapes.on(Str, move |_, s| f(s.len()));
    let f = add();
    shapes.on(Bytes, move |_, bytes| f(bytes.iter().filter(|b| b.is_ascii()).count()));
    let f = add();
    shapes.on(Map, move |_, map| f(map.values().map(|v| v.len()).sum()));
    let f = add();
    shapes.on(Object, move |_, shape| f(shape.area() as usize));
    let f = add();
    shapes.on(Static, move |_, s| f(s.len()));
    let f = add();
    shapes.on(Number, move |_, n| f(n as usize));
    let f = add();
    shapes.on(Text, move |_, text| f(text.into_bytes().len()));
    let f = add();
    shapes.on(Boxed, move |_, bytes| f(bytes.len()));
    let f = add();
    shapes.on(Pair, move |_, (a, b)| f(usize::from(a + b)));
    let f = add();
    shapes.on(Array, move |_, [a, b]| f(usize::from(a + b)));
    let f = add();
    shapes.on(Two, move |_, (name, n)| f(name.len() + n as usize));
    let f = add();
    shapes.once(Twelve, move |_, (.., last)| f(last.len()));
    let f = add();
    shapes.on_reentrant(Data, move |_, chunk| f(chunk.len()));
    let f = add();
    shapes.prepend(End, move |_, ()| f(1));
    let f = add();
    shapes.on(Close, move |_, had_error| f(usize::from(had_error)));
    let f = add();
    shapes.on(Error, move |_, error| f(error.to_string().len()));

    assert_eq!(emit_each(&shapes), [1; 17]);
    assert_eq!(sum.get(), 1 + 4 + 2 + 3 + 4 + 2 + 10 + 3 + 1 + 3 + 3 + 5 + 1 + 7 + 1 + 1 + 6);
}

/// Emits one of each, and says how many listeners each one reached.
fn emit_each(shapes: &Shapes) -> [usize; 17] {
    [
        shapes.emit(None, ()).called,
        shapes.emit(Str, "four").called,
        shapes.emit(Bytes, &[1, 2]).called,
        shapes.emit(Map, &HashMap::from([("a".to_string(), vec![0; 3])])).called,
        shapes.emit(Object, &Square(2)).called,
        shapes.emit(Static, "12").called,
        shapes.emit(Number, 10).called,
        shapes.emit(Text, "abc".to_string()).called,
        shapes.emit(Boxed, Box::new([0])).called,
        shapes.emit(Pair, (1, 2)).called,
        shapes.emit(Array, [1, 2]).called,
        shapes.emit(Two, ("ab", 3)).called,
        shapes.emit(Twelve, (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, "1")).called,
        shapes.emit(Data, &[0; 7]).called,
        shapes.emit(End, ()).called,
        shapes.emit(Close, true).called,
        shapes.emit_error(std::io::Error::other("six...")).expect("handled").called,
    ]
}

#[test]
fn mutable_payloads_pass_from_listener_to_listener() {
    let shapes = Shapes::new();
    for n in 1..=3 {
        shapes.on(Mut, move |_, numbers| numbers.push(n));
    }
    let mut numbers = vec![0];
    shapes.emit(Mut, &mut numbers);
    assert_eq!(numbers, [0, 1, 2, 3]);

    shapes.on(MutObject, |_, shape| shape.grow());
    shapes.on(MutObject, |_, shape| shape.grow());
    let mut square = Square(1);
    shapes.emit(MutObject, &mut square);
    assert_eq!(square.area(), 9);
}

#[test]
fn owned_payloads_are_cloned_for_all_but_the_last() {
    for listeners in 0..5_usize {
        let shapes = Shapes::new();
        for _ in 0..listeners {
            shapes.on(Owned, |_, value| drop(value));
        }
        let clones = Rc::new(Cell::new(0));
        shapes.emit(Owned, Counted(Rc::clone(&clones)));
        assert_eq!(clones.get(), listeners.saturating_sub(1));
        assert_eq!(Rc::strong_count(&clones), 1, "every copy was dropped");
    }
}

#[test]
fn each_part_of_a_tuple_follows_its_own_rule() {
    let shapes = Shapes::new();
    for _ in 0..3 {
        shapes.on(Three, |_, (text, bytes, counted)| {
            write!(text, "{}{} ", bytes.len(), counted.0.get()).expect("a string");
        });
    }
    let (mut text, clones) = (String::new(), Rc::new(Cell::new(0)));
    shapes.emit(Three, (&mut text, b"ab", Counted(Rc::clone(&clones))));
    assert_eq!(text, "21 22 22 ");
}

#[test]
fn a_borrowed_payload_may_live_on_the_stack_only() {
    let shapes = Shapes::new();
    let seen = Rc::new(RefCell::new(Vec::new()));
    let to = Rc::clone(&seen);
    shapes.on(Str, move |_, s| to.borrow_mut().push(s.to_string()));
    for n in 0..3 {
        let local = format!("line {n}");
        shapes.emit(Str, &local);
    }
    assert_eq!(*seen.borrow(), ["line 0", "line 1", "line 2"]);
}

#[test]
fn one_event_serves_many_emitters() {
    events! { Lines { use Data(&str) } }
    let (shapes, lines) = (Shapes::new(), Lines::new());
    shapes.on(Data, |_, bytes| assert_eq!(bytes, [1]));
    lines.on(Data, |_, text| assert_eq!(text, "a"));
    shapes.emit(Data, &[1]);
    lines.emit(Data, "a");
    assert_eq!(<Data as Event<Shapes>>::NAME, <Data as Event<Lines>>::NAME);
}

#[test]
fn a_generic_helper_serves_every_emitter_with_that_event() {
    fn log_errors<S: Emitter, X: Debug + 'static>(source: &S, log: &Rc<RefCell<Vec<String>>>)
    where
        Error: for<'a> Event<S, Payload<'a> = &'a X>,
    {
        let log = Rc::clone(log);
        source.on(Error, move |_, error| {
            log.borrow_mut().push(format!("{}: {error:?}", S::NAME));
        });
    }
    events! { Parser { error u8 } }
    let (shapes, parser, log) = (Shapes::new(), Parser::new(), Rc::default());
    log_errors(&shapes, &log);
    log_errors(&parser, &log);
    parser.emit_error(7).expect("handled");
    shapes.emit_error(std::io::ErrorKind::NotFound.into()).expect("handled");
    assert_eq!(*log.borrow(), ["Parser: 7", "Shapes: Kind(NotFound)"]);
}

mod outside {
    use super::*;

    /// Everyone may listen to it, only it can raise its events.
    pub(super) struct Door {
        emitter: EventEmitter<Self>,
        pub(super) opened: Cell<u32>,
    }

    events! {
        pub(super) for Door {
            /// Somebody opened it.
            Opened(),
            use Close(&str),
            error u32,
        }
    }

    impl Emitter for Door {
        fn listeners(&self) -> &Listeners<Self> {
            &self.emitter
        }
    }

    impl Door {
        pub(super) fn new() -> Self {
            Self { emitter: EventEmitter::new(), opened: Cell::new(0) }
        }

        pub(super) fn open(&self) {
            self.opened.set(self.opened.get() + 1);
            self.emitter.emit(self, Opened, ());
        }

        pub(super) fn jam(&self) -> Result<(), u32> {
            self.emitter.emit_error(self, 3).map(drop).map_err(|unhandled| unhandled.into_inner())
        }
    }
}

#[test]
fn a_type_of_its_own_hands_itself_to_its_listeners() {
    let door = outside::Door::new();
    door.on(outside::Opened, |door, ()| assert_eq!(door.opened.get(), 1));
    door.open();
    assert_eq!(door.jam(), Err(3));
    door.on(Error, |_, error| assert_eq!(*error, 3));
    assert_eq!(door.jam(), Ok(()));
    door.on(Close, |_, why| assert!(why.is_empty()));
    assert_eq!(door.event_names(), ["Opened", "Error", "Close"]);
}

#[test]
fn names_are_those_of_the_types() {
    assert_eq!(<Str as Event<Shapes>>::NAME, "Str");
    assert_eq!(<Close as Event<Shapes>>::NAME, "Close");
    assert_eq!(<Shapes as Declared>::NAME, "Shapes");
}

#[test]
fn an_emitter_without_events_compiles() {
    events! { Silent {} }
    let silent = Silent::new();
    silent.remove_all();
    assert!(silent.event_names().is_empty());
    assert_eq!(format!("{silent:?}"), "Silent");
}
