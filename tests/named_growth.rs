//! A name that nobody listens to any more costs nothing.
//!
//! A binary of its own, since it counts all that the process has allocated: one test at a time.

#[path = "common/counting.rs"]
mod counting;

use counting::{allocated, bytes};
use onward::emitter::Listener;
use onward::emitter::named::{Key, Name, NamedEmitter, Pattern};

const NAMES: usize = 100_000;
/// To remove one pattern takes as long as there are others.
const PATTERNS: usize = 10_000;
/// A table that is not worth shrinking.
const SMALL: isize = 2048;

#[derive(Debug, PartialEq, Eq, Hash)]
struct Player(usize);

impl Key for Player {
    type Payload = usize;
}

fn name(n: usize) -> Name<usize> {
    Name::owned(format!("name-{n}"))
}

/// Has many names added and gone again, and looks at what is left.
fn leaves_nothing(what: &str, add: fn(&NamedEmitter) -> Vec<Listener>, remove: fn(&NamedEmitter)) {
    let emitter = NamedEmitter::new();
    emitter.on(Name::<str>::new("kept"), |_, _| {});
    emitter.once(Player(0), |_, _| {});
    emitter.emit(Player(0), &0);
    for round in 0..2 {
        let before = bytes();
        let listeners = add(&emitter);
        assert!(emitter.event_names().len() > PATTERNS);
        remove(&emitter);
        listeners.iter().for_each(|listener| _ = emitter.off(*listener));
        drop(listeners);
        assert_eq!(emitter.event_names(), ["kept"]);
        let left = bytes() - before;
        assert!(left <= SMALL, "{what}, round {round}: {left} bytes are left");
    }
    assert_eq!(emitter.listener_count(Name::<str>::new("kept")), 1);
}

fn by_name(emitter: &NamedEmitter) -> Vec<Listener> {
    (0..NAMES).map(|n| emitter.on(name(n), move |_, m| assert_eq!(n, *m))).collect()
}

#[test]
fn off() {
    leaves_nothing("off", by_name, |_| {});
}

#[test]
fn off_of_keys() {
    let add: fn(&NamedEmitter) -> _ =
        |emitter| (0..NAMES).map(|n| emitter.on(Player(n), |_, _| {})).collect();
    leaves_nothing("off, keys", add, |_| {});
}

#[test]
fn once() {
    let add: fn(&NamedEmitter) -> _ = |emitter| {
        (0..NAMES).for_each(|n| _ = emitter.once(name(n), |_, _| {}));
        Vec::new()
    };
    leaves_nothing("once", add, |emitter| {
        assert!((0..NAMES).all(|n| emitter.emit(name(n), &n).called == 1));
    });
}

#[test]
fn remove_all_of() {
    leaves_nothing("remove_all_of", by_name, |emitter| {
        (0..NAMES).for_each(|n| emitter.remove_all_of(name(n)));
    });
}

#[test]
fn remove_all() {
    leaves_nothing("remove_all", by_name, |emitter| {
        emitter.remove_all();
        emitter.on(Name::<str>::new("kept"), |_, _| {});
    });
}

#[test]
fn removed_while_it_runs() {
    let add: fn(&NamedEmitter) -> _ = |emitter| {
        let add = |n| emitter.on(name(n), move |emitter, _| emitter.remove_all_of(name(n)));
        (0..NAMES).for_each(|n| _ = add(n));
        Vec::new()
    };
    leaves_nothing("while it runs", add, |emitter| {
        assert!((0..NAMES).all(|n| emitter.emit(name(n), &n).called == 1));
    });
}

#[test]
fn patterns() {
    let add: fn(&NamedEmitter) -> _ = |emitter| {
        let pattern = |n| Pattern::<usize>::new(format!("{n}.*")).expect("a pattern");
        (0..PATTERNS).map(|n| emitter.on(pattern(n), |_, _| {})).collect()
    };
    leaves_nothing("patterns", add, |_| {});
}

#[test]
fn relays_that_have_ended() {
    let add: fn(&NamedEmitter) -> _ = |emitter| {
        let source = NamedEmitter::new();
        for n in 0..2 * PATTERNS {
            emitter.on(name(n), |_, _| {});
            let relay = source.relay(name(n), emitter, name(n));
            if n % 2 == 0 {
                assert!(relay.end());
            }
        }
        assert_eq!(source.event_names().len(), PATTERNS);
        source.remove_all(); // ends the others
        Vec::new()
    };
    leaves_nothing("relays", add, |emitter| {
        (0..2 * PATTERNS).for_each(|n| emitter.remove_all_of(name(n)));
    });
}

#[test]
fn relays_whose_source_has_gone() {
    let emitter = NamedEmitter::new();
    emitter.on(Name::<str>::new("kept"), |_, _| {});
    let before = bytes();
    for n in 0..NAMES {
        NamedEmitter::new().relay(name(n), &emitter, name(n));
    }
    let left = bytes() - before;
    assert!(left <= 4 * SMALL, "{left} bytes are left");
}

#[test]
fn an_emit_by_name_allocates_nothing() {
    let emitter = NamedEmitter::new();
    let text = String::from("room-7-said");
    emitter.on(Name::<usize>::borrowed(&text), |_, _| {});
    emitter.on(Player(7), |_, _| {});
    emitter.on(Pattern::<usize>::new("**").expect("a pattern"), |_, _| {});
    let before = allocated();
    for n in 0..100 {
        assert_eq!(emitter.emit(Name::<usize>::borrowed(&text), &n).called, 2);
        assert_eq!(emitter.emit(Player(7), &n).called, 1);
    }
    assert_eq!(allocated(), before);
}

#[test]
fn to_emit_to_nobody_allocates_and_leaves_nothing() {
    let emitter = NamedEmitter::new();
    emitter.on(Name::<str>::new("kept"), |_, _| {});
    let before = bytes();
    let text = String::from("nobody");
    for _ in 0..NAMES {
        emitter.emit(Name::<usize>::borrowed(&text), &1);
        emitter.listener_count(Name::<str>::borrowed(&text));
    }
    drop(text);
    assert_eq!(bytes(), before);
}
