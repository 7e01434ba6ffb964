//! An emit that is compiled into one place, as a socket's `Data` is, does what any other does.
#![allow(unreachable_pub, reason = "what `events!` writes is for public emitters too")]

use crate::emitter::{Emitter, EventEmitter, Listeners, Watching as _};
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

crate::events! {
    for Line {
        Told(&str),
        /// All of them.
        enum LineEvent,
    }
}

#[derive(Default)]
struct Line {
    emitter: EventEmitter<Self>,
    log: RefCell<Vec<String>>,
}

impl Emitter for Line {
    fn listeners(&self) -> &Listeners<Self> {
        &self.emitter
    }
}

impl Line {
    fn note(&self, what: impl Into<String>) {
        self.log.borrow_mut().push(what.into());
    }

    /// What is noted when this is told.
    fn tell(&self, what: &str) -> String {
        self.emitter.emit_here(self, Told, what);
        self.log.take().join(" ")
    }
}

#[test]
fn nobody_one_and_several_are_told_in_their_order() {
    let line = Line::default();
    assert_eq!(line.tell("a"), "");
    let first = line.on(Told, |line, what| line.note(format!("1{what}")));
    assert_eq!((line.tell("b"), line.tell("c")), ("1b".into(), "1c".into()));
    let second = line.on(Told, |line, what| line.note(format!("2{what}")));
    assert_eq!((line.tell("d"), line.tell("e")), ("1d 2d".into(), "1e 2e".into()));
    assert!(line.off(first));
    assert_eq!((line.tell("f"), line.tell("g")), ("2f".into(), "2g".into()));
    assert!(line.off(second));
    assert_eq!(line.tell("h"), "");
}

#[test]
fn who_is_removed_or_added_in_the_middle_is_heeded() {
    let line = Line::default();
    let own = Rc::new(Cell::new(None));
    let mine = Rc::clone(&own);
    own.set(Some(line.on(Told, move |line, what| {
        line.note(format!("once {what}"));
        if let Some(listener) = mine.take() {
            assert!(line.off(listener));
            line.on(Told, |line, what| line.note(format!("then {what}")));
        }
    })));
    assert_eq!((line.tell("a"), line.tell("b")), ("once a".into(), "then b".into()));
    line.once(Told, |line, _| line.note("last"));
    assert_eq!((line.tell("c"), line.tell("d")), ("then c last".into(), "then d".into()));
}

#[test]
fn an_emit_inside_of_it_is_told_to_who_can_hear_it() {
    let (busy, ready) = (Line::default(), Line::default());
    let deeper = |line: &Line, what: &str| {
        line.note(what);
        if what.len() < 3 {
            line.emitter.emit_here(line, Told, &format!("{what}."));
        }
    };
    busy.on(Told, move |line, what| deeper(line, what));
    ready.on_reentrant(Told, deeper);
    for _ in 0..2 {
        assert_eq!((busy.tell("ab"), ready.tell("ab")), ("ab".into(), "ab ab.".into()));
        assert_eq!((busy.tell("-"), ready.tell("-")), ("-".into(), "- -. -..".into()));
    }
}

#[test]
fn a_panic_ends_it_and_the_next_one_is_told() {
    let line = Line::default();
    let bug = Rc::new(Cell::new(false));
    let has = Rc::clone(&bug);
    let held = Rc::new(());
    let count = Rc::clone(&held);
    let listener = line.on(Told, move |line, what| {
        let _held = &count;
        line.note(what);
        assert!(!has.get(), "a bug");
    });
    assert_eq!((line.tell("a"), line.tell("b")), ("a".into(), "b".into()));
    for _ in 0..2 {
        bug.set(true);
        assert!(catch_unwind(AssertUnwindSafe(|| line.tell("c"))).is_err());
        bug.set(false);
        assert_eq!((line.tell("d"), line.tell("e")), ("c d".into(), "e".into()));
    }
    assert!(line.off(listener));
    assert_eq!(Rc::strong_count(&held), 1, "its captures are gone");
    // One that removes itself, and then panics.
    let own = Rc::new(Cell::new(None));
    let mine = Rc::clone(&own);
    let count = Rc::clone(&held);
    own.set(Some(line.on(Told, move |line, _| {
        let _held = &count;
        assert!(mine.take().is_some_and(|listener| line.off(listener)));
        panic!("a bug");
    })));
    assert!(catch_unwind(AssertUnwindSafe(|| line.tell("f"))).is_err());
    assert_eq!(Rc::strong_count(&held), 1, "its captures are gone");
    assert_eq!(line.tell("g"), "");
}

#[test]
fn who_hears_all_events_hears_it() {
    let line = Line::default();
    line.on(Told, |line, what| line.note(what));
    assert_eq!((line.tell("a"), line.tell("b")), ("a".into(), "b".into()));
    let all = line.on_any(|line, _| line.note("any"));
    assert_eq!((line.tell("c"), line.tell("d")), ("c any".into(), "d any".into()));
    assert!(line.off(all));
    assert_eq!((line.tell("e"), line.tell("f")), ("e".into(), "f".into()));
}
