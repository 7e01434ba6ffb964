//! The table of names while an emit is under way: of the same name, of another one, of a pattern; and keys whose `Eq`
//! is the user's.

use std::cell::{Cell, RefCell};
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use onward::emitter::named::{Key, Name, NamedEmitter, Pattern};

use super::support::{Log, OnDrop, noting};

const CHAT: Name<str> = Name::new("chat");
const OTHER: Name<str> = Name::new("other");

fn name(n: usize) -> Name<str> {
    Name::owned(format!("name-{n}"))
}

/// Everything that can become of a table.
fn stir(emitter: &NamedEmitter) {
    let all: Vec<_> = (0..300).map(|n| emitter.on(name(n), |_, _| {})).collect();
    emitter.remove_all_of(CHAT);
    emitter.on(CHAT, |_, _| {});
    assert!(all.into_iter().all(|listener| emitter.off(listener)));
    emitter.remove_all();
    assert!(emitter.event_names().is_empty());
    emitter.once(CHAT, |_, _| {});
    emitter.once(name(1), |_, _| {});
    assert!(emitter.emit(CHAT, "").handled() && emitter.emit(name(1), "").handled());
}

#[test]
fn the_table_may_change_under_an_emit_of_the_same_name_another_or_a_pattern() {
    for at in 0..3 {
        let (emitter, log) = (NamedEmitter::new(), Log::default());
        let captured = log.on_drop("dropped");
        let stirred = move |emitter: &NamedEmitter| {
            captured.touch();
            stir(emitter);
        };
        emitter.on(OTHER, |_, _| {});
        match at {
            0 => emitter.on(CHAT, move |emitter, _| stirred(emitter)),
            1 => emitter.on(OTHER, move |emitter, _| stirred(emitter)),
            _ => emitter.on_pattern::<str>("*", move |e, _| stirred(e)).expect("a pattern"),
        };
        emitter.on(CHAT, noting!(log, "removed"));
        emitter.on(OTHER, noting!(log, "removed"));
        if at == 2 {
            assert_eq!(emitter.emit(name(7), "").called, 1);
        } else {
            emitter.emit(if at == 0 { CHAT } else { OTHER }, "");
        }
        assert_eq!(log.take(), "dropped", "{at}");
        assert!(emitter.event_names().is_empty(), "{at}: {emitter:?}");
    }
}

#[test]
fn a_name_that_lost_all_while_it_was_walked_is_the_same_for_who_comes_then() {
    let (emitter, log) = (NamedEmitter::new(), Log::default());
    let l = log.clone();
    emitter.once(CHAT, move |emitter, _| {
        emitter.on(CHAT, noting!(l, "second"));
        emitter.remove_all_of(CHAT);
        assert_eq!(emitter.listener_count(CHAT), 0);
        emitter.on(CHAT, noting!(l, "third"));
        assert_eq!(emitter.emit(CHAT, "").called, 1);
    });
    assert_eq!(emitter.emit(CHAT, "").called, 1);
    assert_eq!(emitter.emit(CHAT, "").called, 1);
    assert_eq!(log.take(), "third third");
}

#[test]
fn a_panic_that_leaves_no_listener_leaves_no_name() {
    let emitter = NamedEmitter::new();
    for nested in [false, true] {
        emitter.on(CHAT, move |emitter, line| {
            if nested && line.is_empty() {
                emitter.once(CHAT, |_, _| panic!("on purpose"));
                emitter.emit(CHAT, "nested");
            }
            emitter.remove_all();
            panic!("on purpose");
        });
        catch_unwind(AssertUnwindSafe(|| emitter.emit(CHAT, ""))).expect_err("it passes through");
        emitter.remove_all();
        assert!(emitter.event_names().is_empty());
        assert!(!emitter.emit(CHAT, "").handled());
    }
}

#[test]
fn a_destructor_that_panics_in_an_emit_leaves_all_as_it_was() {
    let emitter = NamedEmitter::new();
    let captured = OnDrop(|| panic!("on purpose"));
    emitter.on(CHAT, move |emitter, _| {
        captured.touch();
        emitter.remove_all();
    });
    catch_unwind(AssertUnwindSafe(|| emitter.emit(CHAT, ""))).expect_err("it passes through");
    assert!(emitter.event_names().is_empty());
    emitter.on(CHAT, |_, _| {});
    assert_eq!(emitter.emit(CHAT, "").called, 1);
}

thread_local! {
    /// What is done when two keys are compared.
    static COMPARED: RefCell<Option<Rc<dyn Fn()>>> = const { RefCell::new(None) };
}

/// A key that does something when it is compared. All have the same hash.
#[derive(Debug)]
struct Meddling(u32);

impl PartialEq for Meddling {
    fn eq(&self, other: &Self) -> bool {
        let compared = COMPARED.with_borrow(Clone::clone);
        if let Some(compared) = compared {
            compared();
        }
        self.0 == other.0
    }
}

impl Eq for Meddling {}

impl Hash for Meddling {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        0.hash(hasher);
    }
}

impl Key for Meddling {
    type Payload = str;
}

fn compared(what: impl Fn() + 'static) {
    COMPARED.set(Some(Rc::new(what)));
}

#[test]
fn a_comparison_may_use_the_emitter_as_it_likes() {
    let emitter = NamedEmitter::new();
    for n in 0..3 {
        emitter.on(Meddling(n), |_, _| {});
    }
    let (e, times) = (emitter.clone(), Cell::new(0));
    compared(move || {
        if times.replace(times.get() + 1) == 0 {
            (0..300).for_each(|n| _ = e.on(name(n), |_, _| {}));
            e.remove_all();
            e.once(Meddling(9), |_, _| {});
            e.emit(Meddling(9), "");
        }
    });
    emitter.emit(Meddling(2), "");
    emitter.on(Meddling(2), |_, _| {});
    COMPARED.set(None);
    assert_eq!(emitter.emit(Meddling(2), "").called, 1);
    emitter.remove_all();
    assert!(emitter.event_names().is_empty());
}

#[test]
fn a_comparison_may_panic() {
    let emitter = NamedEmitter::new();
    emitter.on(Meddling(1), |_, _| {});
    compared(|| panic!("on purpose"));
    catch_unwind(AssertUnwindSafe(|| emitter.emit(Meddling(1), "")))
        .expect_err("it passes through");
    catch_unwind(AssertUnwindSafe(|| emitter.on(Meddling(2), |_, _| {}))).expect_err("here too");
    COMPARED.set(None);
    assert_eq!(emitter.emit(Meddling(1), "").called, 1);
    assert_eq!(emitter.event_names(), ["Meddling(1)"]);
}

#[test]
fn keys_of_the_same_hash_are_apart() {
    let (emitter, log) = (NamedEmitter::new(), Log::default());
    let all: Vec<_> = (0..100)
        .map(|n| {
            let log = log.clone();
            emitter.on(Meddling(n), move |_, _| log.note(n.to_string()))
        })
        .collect();
    (0..100).filter(|n| n % 3 != 0).for_each(|n| assert!(emitter.off(all[n])));
    for n in 0..100 {
        assert_eq!(emitter.emit(Meddling(n), "").called, usize::from(n % 3 == 0));
    }
    assert_eq!(log.take().split(' ').count(), 34);
    assert_eq!(emitter.event_names().len(), 34);
}

#[test]
fn many_names_come_and_go_and_are_found() {
    let (emitter, mut there, mut random) = (NamedEmitter::new(), vec![None; 500], 7_u32);
    for _ in 0..20_000 {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let n = random as usize / 65_536 % there.len();
        match there[n].take() {
            Some(listener) => assert!(emitter.off(listener)),
            None => there[n] = Some(emitter.on(name(n), |_, _| {})),
        }
        let asked = random as usize / 256 % there.len();
        assert_eq!(emitter.emit(name(asked), "").handled(), there[asked].is_some());
    }
    assert_eq!(emitter.event_names().len(), there.iter().flatten().count());
}

#[test]
fn names_of_every_length_are_told_apart() {
    let emitter = NamedEmitter::new();
    let text = "abcdefghijklmnopqrstuvwxyz0123456789";
    for length in 0..=text.len() {
        emitter.on(Name::<str>::owned(&text[..length]), |_, _| {});
    }
    for length in 0..=text.len() {
        assert_eq!(emitter.emit(Name::<str>::borrowed(&text[..length]), "").called, 1);
        for at in 0..length {
            let mut other = text[..length].to_string();
            other.replace_range(at..=at, "-");
            assert_eq!(emitter.emit(Name::<str>::borrowed(&other), "").called, 0, "{other}");
        }
    }
}

#[test]
fn patterns_that_come_and_go_under_an_emit() {
    let (emitter, log) = (NamedEmitter::new(), Log::default());
    let all = || Pattern::<str>::new("**").expect("a pattern");
    let l = log.clone();
    emitter.on(all(), move |emitter, _| {
        l.note("first");
        emitter.remove_all_of(all());
        emitter.on(all(), noting!(l, "new"));
    });
    emitter.on(all(), noting!(log, "removed"));
    assert_eq!(emitter.emit(CHAT, "").called, 1);
    assert_eq!(emitter.emit(CHAT, "").called, 1);
    assert_eq!(log.take(), "first new");
}
