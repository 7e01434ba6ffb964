//! Listeners keep their order, and their captures are dropped once, however the storage moves them about.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use onward::Emitter;
use onward::emitter::Listener;

use super::support::*;

/// A payload whose clone runs code.
struct Parcel(Rc<dyn Fn()>);

impl Clone for Parcel {
    fn clone(&self) -> Self {
        (self.0)();
        Self(Rc::clone(&self.0))
    }
}

onward::events! { Post { Sent(Parcel) } }

#[test]
fn a_payload_that_removes_a_listener_as_it_is_cloned() {
    // Clones are made for all but the last: before `a`, before `b` and before `c`.
    for (removed, at, expected, called) in [
        ("a", 1, "dropped b c d", 3),
        ("a", 2, "a dropped b c d", 4),
        ("b", 2, "a dropped c d", 3),
        ("b", 3, "a b dropped c d", 4),
        ("d", 3, "a b dropped c", 3),
    ] {
        let (post, log) = (Post::new(), Log::default());
        let handles = ["a", "b", "c", "d"].map(|name| {
            let (log, captured) = (log.clone(), (name == removed).then(|| log.on_drop("dropped")));
            post.on(Sent, move |_, _| {
                let _ = &captured;
                log.note(name);
            })
        });
        let victim = handles[usize::from(removed.as_bytes()[0] - b'a')];
        let (emitter, clones) = (Rc::new(post), Cell::new(0));
        let weak = Rc::downgrade(&emitter);
        let parcel = Parcel(Rc::new(move || {
            clones.set(clones.get() + 1);
            if clones.get() == at {
                assert!(weak.upgrade().expect("it emits").off(victim));
            }
        }));
        assert_eq!(emitter.emit(Sent, parcel).called, called, "{removed} at {at}");
        assert_eq!(log.take(), expected, "{removed} at {at}");
    }
}

#[test]
fn a_payload_that_emits_as_it_is_cloned() {
    let (post, log) = (Rc::new(Post::new()), Log::default());
    for name in ["a", "b"] {
        post.on(Sent, noting!(log, name));
    }
    let (weak, clones) = (Rc::downgrade(&post), Cell::new(0));
    let parcel = Parcel(Rc::new(move || {
        clones.set(clones.get() + 1);
        if clones.get() == 1 {
            let inner = weak.upgrade().expect("it emits").emit(Sent, Parcel(Rc::new(|| {})));
            assert_eq!((inner.called, inner.skipped), (2, 0), "no listener runs meanwhile");
        }
    }));
    assert_eq!(post.emit(Sent, parcel).called, 2);
    assert_eq!(log.take(), "a b a b");
}

/// What is in an emitter, and in what order, next to a vector that says what should be.
struct Twins {
    room: Room,
    log: Log,
    expected: Vec<(u32, Listener)>,
    drops: Rc<Cell<u32>>,
    added: u32,
}

impl Twins {
    fn new() -> Self {
        let (room, log) = (Room::new(), Log::default());
        Self { room, log, expected: Vec::new(), drops: Rc::default(), added: 0 }
    }

    fn add(&mut self, front: bool) {
        let (log, drops, name) = (self.log.clone(), Rc::clone(&self.drops), self.added);
        let captured = OnDrop(move || drops.set(drops.get() + 1));
        let listener = move |_: &Room, _: &str| {
            captured.touch();
            log.note(name.to_string());
        };
        let at = if front { 0 } else { self.expected.len() };
        let handle = if front {
            self.room.prepend(Joined, listener)
        } else {
            self.room.on(Joined, listener)
        };
        self.expected.insert(at, (name, handle));
        self.added += 1;
    }

    fn remove(&mut self, at: usize) {
        let (_, handle) = self.expected.remove(at);
        assert!(self.room.off(handle));
        assert!(!self.room.off(handle));
    }

    fn check(&self) {
        let names: Vec<_> = self.expected.iter().map(|(name, _)| name.to_string()).collect();
        assert_eq!(self.room.emit(Joined, "").called, names.len());
        assert_eq!(self.log.take(), names.join(" "));
        self.check_count();
    }

    fn check_count(&self) {
        assert_eq!(self.room.listener_count(Joined), self.expected.len());
        assert_eq!(self.drops.get() as usize, self.added as usize - self.expected.len());
    }
}

#[test]
fn removing_the_oldest_again_and_again() {
    for live in [1, 2, 3, 7, 64, 100] {
        let mut twins = Twins::new();
        (0..live).for_each(|_| twins.add(false));
        for round in 0..live * 3 {
            twins.add(false);
            twins.remove(0);
            // An emit now and then only: it clears up, and so must not be what keeps things right.
            if round % 7 == 0 {
                twins.check();
            } else {
                twins.check_count();
            }
        }
        twins.check();
    }
}

#[test]
fn removing_in_any_order() {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = |n: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 33) as usize % n
    };
    for _ in 0..40 {
        let mut twins = Twins::new();
        for _ in 0..300 {
            match (below(8), twins.expected.len()) {
                (0..=2, _) | (_, 0) => twins.add(below(4) == 0),
                (3, live) => twins.remove(live - 1),
                (4, _) => twins.remove(0),
                (5 | 6, live) => twins.remove(below(live)),
                _ => twins.check(),
            }
            twins.check_count();
        }
        twins.check();
        let (drops, added) = (Rc::clone(&twins.drops), twins.added);
        drop(twins);
        assert_eq!(drops.get(), added, "each once");
    }
}

#[test]
fn a_destructor_may_add_a_listener_to_the_place_that_has_come_free() {
    for at in [0, 1, 2] {
        let (room, log) = (Room::new(), Log::default());
        let (r, l, word) = (room.clone(), log.clone(), String::from("captured"));
        let handles = [0, 1, 2].map(|n| {
            let captured = (n == at).then(|| {
                let (r, l, word) = (r.clone(), l.clone(), word.clone());
                OnDrop(move || {
                    add(&r, &l, "added");
                    l.note(&word);
                })
            });
            let l = log.clone();
            room.on(Joined, move |_, _| {
                let _ = &captured;
                l.note(n.to_string());
            })
        });
        assert!(room.off(handles[at]));
        assert_eq!(log.take(), "captured");
        assert_eq!(room.emit(Joined, "").called, 3);
        let left: Vec<_> = (0..3).filter(|n| *n != at).map(|n| n.to_string()).collect();
        assert_eq!(log.take(), format!("{} added", left.join(" ")));
        drop((r, room));
    }
}

#[test]
fn when_a_destructor_panics_as_the_emitter_is_dropped_the_others_run() {
    let (room, log) = (Room::new(), Log::default());
    for name in ["a", "b", "c"] {
        let l = log.clone();
        let captured = OnDrop(move || {
            l.note(name);
            assert!(name != "a", "on purpose");
        });
        room.on(Joined, move |_, _| captured.touch());
    }
    catch_unwind(AssertUnwindSafe(|| drop(room))).expect_err("it passes through");
    assert_eq!(log.take(), "a b c");
}

#[test]
fn blocked_listeners_stay_while_those_around_them_go() {
    let (room, log) = (Room::new(), Log::default());
    let handles: Vec<_> = (0..40).map(|n| add(&room, &log, &n.to_string())).collect();
    let blocks: Vec<_> = [0, 7, 20, 39].map(|n| room.block(handles[n])).into();
    for n in (0..40).filter(|n| n % 10 != 0 && n % 13 != 0 && *n != 7) {
        assert!(room.off(handles[n]));
    }
    assert_eq!(room.listener_count(Joined), 8);
    assert_eq!(room.emit(Joined, "").called, 4);
    assert_eq!(log.take(), "10 13 26 30");
    assert!(room.off(handles[7]), "a blocked one too");
    drop(blocks);
    assert_eq!(room.emit(Joined, "").called, 7);
    assert_eq!(log.take(), "0 10 13 20 26 30 39");
}

#[test]
fn what_only_blocked_listeners_capture_is_dropped_with_the_emitter() {
    let (room, log) = (Room::new(), Log::default());
    let captured = log.on_drop("dropped");
    let listener = room.on(Joined, move |_, _| captured.touch());
    let block = room.block(listener);
    assert_eq!(room.emit(Joined, "").called, 0);
    drop(room);
    assert_eq!(log.take(), "dropped");
    drop(block);
}

#[test]
fn many_added_during_an_emit_come_in_order() {
    let (room, log) = (Room::new(), Log::default());
    let l = log.clone();
    room.once(Joined, move |room, _| {
        for n in 0..30 {
            let l = l.clone();
            let listener = move |_: &Room, _: &str| l.note(n.to_string());
            match n % 3 {
                0 => room.prepend(Joined, listener),
                1 => room.on_group(Joined, 5, listener),
                _ => room.on(Joined, listener),
            };
        }
        l.note("first");
        assert_eq!(room.listener_count(Joined), 30);
        assert_eq!(room.emit(Joined, "").called, 30);
        l.note("again");
    });
    let parts = [(0..30).step_by(3).rev().collect(), (1..30).step_by(3).collect::<Vec<_>>()];
    let order: Vec<i32> = parts.into_iter().flatten().chain((2..30).step_by(3)).collect();
    let order = order.iter().map(i32::to_string).collect::<Vec<_>>().join(" ");
    assert_eq!(room.emit(Joined, "").called, 1);
    assert_eq!(log.take(), format!("first {order} again"));
    assert_eq!(room.emit(Joined, "").called, 30);
    assert_eq!(log.take(), order);
}

#[test]
fn closures_of_all_sizes_and_alignments() {
    #[repr(align(32))]
    #[derive(Clone, Copy)]
    struct Wide(u8);

    fn listen<const N: usize>(room: &Room, log: &Log) {
        let (l, words) = (Rc::new(log.clone()), [N; N]);
        room.on(Joined, move |_, _| l.note(words.iter().sum::<usize>().to_string()));
    }
    let (room, log) = (Room::new(), Log::default());
    room.on(Joined, |_, _| {});
    listen::<1>(&room, &log);
    listen::<2>(&room, &log);
    listen::<3>(&room, &log);
    listen::<9>(&room, &log);
    let (l, wide) = (log.clone(), Wide(7));
    room.on(Joined, move |_, _| {
        assert_eq!(&raw const wide as usize % 32, 0);
        l.note(wide.0.to_string());
    });
    assert_eq!(room.emit(Joined, "").called, 6);
    assert_eq!(log.take(), "1 4 9 81 7");
}

#[test]
fn listeners_that_go_in_the_middle_of_an_emit() {
    // Which listener removes which, of five; itself too.
    for (who, whom) in (0..5).flat_map(|who| (0..5).map(move |whom| (who, whom))) {
        let (room, log) = (Room::new(), Log::default());
        let handles = Rc::new(RefCell::new(Vec::new()));
        for n in 0..5 {
            let (l, all, captured) = (log.clone(), Rc::clone(&handles), log.on_drop("dropped"));
            let captured = (n == whom).then_some(captured);
            let listener = move |room: &Room, _: &str| {
                let _ = &captured;
                l.note(n.to_string());
                if n == who {
                    let victim = all.borrow()[whom];
                    room.off(victim);
                }
            };
            let handle = room.on(Joined, listener);
            handles.borrow_mut().push(handle);
        }
        log.take(); // the guards that were not captured
        let called = if whom > who { 4 } else { 5 };
        assert_eq!(room.emit(Joined, "").called, called, "{who} removes {whom}");
        let expected: Vec<_> = (0..5)
            .flat_map(|n| match n {
                n if n == who => vec![n.to_string(), "dropped".into()],
                n if n == whom && whom > who => vec![],
                n => vec![n.to_string()],
            })
            .collect();
        assert_eq!(log.take(), expected.join(" "), "{who} removes {whom}");
        assert_eq!(room.emit(Joined, "").called, 4);
    }
}
