//! The rules on named events, and what names and keys add to them.

use std::cell::RefCell;
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use onward::Emitter as _;
use onward::emitter::Listener;
use onward::emitter::named::{Key, Name, NamedEmitter};

use super::support::{Joined, Later, Log, OnDrop, Room, noting};

const CHAT: Name<str> = Name::new("chat");
const OTHER: Name<str> = Name::new("other");

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Player(u32);

impl Key for Player {
    type Payload = u32;
}

fn add(emitter: &NamedEmitter, log: &Log, what: &str) -> Listener {
    let (log, what) = (log.clone(), what.to_string());
    emitter.on(CHAT, move |_, _| log.note(&what))
}

#[test]
fn closures_need_no_annotation_whatever_they_listen_for() {
    struct Move {
        x: i32,
    }
    let (emitter, log) = (NamedEmitter::new(), Log::default());
    let l = log.clone();
    emitter.on(CHAT, move |_, line| l.note(line.trim()));
    let l = log.clone();
    emitter.on(Name::<Move>::owned(format!("room-{}", 7)), move |_, m| l.note(m.x.to_string()));
    let l = log.clone();
    emitter.on(Player(7), move |_, score: &u32| l.note(format!("score{score}")));
    let l = log.clone();
    emitter.once(Name::<[u8]>::new("bytes"), move |_, bytes| l.note(bytes.len().to_string()));
    emitter.emit(CHAT, &String::from(" hello "));
    emitter.emit(Name::borrowed("room-7"), &Move { x: 3 });
    emitter.emit(Player(7), &10);
    emitter.emit(Player(8), &11);
    emitter.emit(Name::<[u8]>::new("bytes"), &[1, 2]);
    assert_eq!(log.take(), "hello 3 score10 2");
}

#[test]
fn rule_1_in_order_of_registration() {
    let (emitter, log) = (NamedEmitter::new(), Log::default());
    add(&emitter, &log, "1");
    emitter.once(CHAT, noting!(log, "2"));
    emitter.on_reentrant(CHAT, noting!(log, "3"));
    emitter.prepend(CHAT, noting!(log, "0"));
    emitter.on(OTHER, noting!(log, "other"));
    assert_eq!(emitter.emit(CHAT, "").called, 4);
    assert_eq!(emitter.emit(CHAT, "").called, 3);
    assert_eq!(log.take(), "0 1 2 3 0 1 3");
}

#[test]
fn rule_2_one_added_during_an_emit_runs_in_the_next() {
    let (emitter, log) = (NamedEmitter::new(), Log::default());
    let l = log.clone();
    emitter.once(CHAT, move |emitter, _| {
        add(emitter, &l, "new");
        assert_eq!(emitter.emit(CHAT, "").called, 1, "one that begins later sees it");
        l.note("|");
    });
    assert_eq!(emitter.emit(CHAT, "").called, 1);
    emitter.emit(CHAT, "");
    assert_eq!(log.take(), "new | new");
}

#[test]
fn rule_3_removed_means_removed() {
    let (emitter, log) = (NamedEmitter::new(), Log::default());
    let later = Later::new();
    let handle = later.clone();
    emitter.on(CHAT, move |emitter, _| {
        emitter.off(handle.get());
    });
    later.set(add(&emitter, &log, "removed"));
    add(&emitter, &log, "stays");
    assert_eq!(emitter.emit(CHAT, "").called, 2);
    assert_eq!(log.take(), "stays");
}

#[test]
fn rule_3_holds_for_all_that_a_name_or_the_emitter_has() {
    for all in [false, true] {
        let (emitter, log) = (NamedEmitter::new(), Log::default());
        let l = log.clone();
        emitter.on(CHAT, move |emitter, _| {
            if all {
                emitter.remove_all()
            } else {
                emitter.remove_all_of(CHAT)
            }
            assert_eq!(emitter.listener_count(CHAT), 0);
            add(emitter, &l, "added after");
        });
        add(&emitter, &log, "removed");
        emitter.on(OTHER, noting!(log, "another"));
        assert_eq!(emitter.emit(CHAT, "").called, 1);
        assert_eq!(log.take(), "");
        emitter.emit(CHAT, "");
        emitter.emit(OTHER, "");
        assert_eq!(log.take(), if all { "added after" } else { "added after another" });
    }
}

#[test]
fn rule_4_once_removes_then_calls() {
    let (emitter, log) = (NamedEmitter::new(), Log::default());
    let l = log.clone();
    emitter.once(CHAT, move |emitter, _| {
        assert_eq!(emitter.listener_count(CHAT), 0);
        assert!(emitter.event_names().is_empty());
        assert!(!emitter.emit(CHAT, "").handled());
        l.note("once");
    });
    emitter.emit(CHAT, "");
    emitter.emit(CHAT, "");
    assert_eq!(log.take(), "once");
    emitter.once(CHAT, |_, _| panic!("on purpose"));
    catch_unwind(AssertUnwindSafe(|| emitter.emit(CHAT, ""))).expect_err("it passes through");
    assert!(!emitter.emit(CHAT, "").handled());
    assert!(emitter.event_names().is_empty());
}

#[test]
fn rule_5_a_nested_emit_skips_what_runs_or_recurses() {
    let (emitter, log) = (NamedEmitter::new(), Log::default());
    emitter.on(CHAT, |emitter, text| {
        if text != "nested" {
            let emitted = emitter.emit(CHAT, "nested");
            assert_eq!((emitted.called, emitted.skipped), (1, 1));
        }
    });
    let l = log.clone();
    emitter.on_reentrant(CHAT, move |_, text| l.note(text));
    emitter.emit(CHAT, "outer");
    assert_eq!(log.take(), "nested outer");
}

#[test]
fn rule_7_a_handle_is_never_taken_for_another() {
    let (emitter, other, log) = (NamedEmitter::new(), NamedEmitter::new(), Log::default());
    let room = Room::new();
    let old = add(&emitter, &log, "old");
    assert!(!other.off(old) && !room.off(old), "nobody has listened there");
    let theirs = (add(&other, &log, "other"), room.on(Joined, |_, _| {}));
    assert!(!emitter.off(theirs.0) && !emitter.off(theirs.1) && !other.off(old) && !room.off(old));
    assert!(emitter.off(old));
    assert!(!emitter.off(old));
    let new = add(&emitter, &log, "new");
    assert!(!emitter.off(old), "a later one of the same name");
    assert!(emitter.clone().off(new));
    assert!(other.off(theirs.0));
}

#[test]
fn rule_7_subscriptions_and_handles_keep_nothing_alive() {
    let (emitter, log) = (NamedEmitter::new(), Log::default());
    drop(emitter.on_scoped(Player(1), |_, _| {}));
    assert!(emitter.event_names().is_empty());
    let captured = log.on_drop("dropped");
    let subscription = emitter.on_scoped(CHAT, move |_, _| captured.touch());
    drop(emitter);
    assert_eq!(log.take(), "dropped");
    drop(subscription);
}

#[test]
fn rule_8_a_panic_leaves_all_as_it_was() {
    let (emitter, log) = (NamedEmitter::new(), Log::default());
    add(&emitter, &log, "a");
    let doomed = emitter.on(CHAT, |_, _| panic!("on purpose"));
    add(&emitter, &log, "b");
    catch_unwind(AssertUnwindSafe(|| emitter.emit(CHAT, ""))).expect_err("it passes through");
    assert!(emitter.off(doomed));
    let emitted = emitter.emit(CHAT, "");
    assert_eq!((emitted.called, emitted.skipped), (2, 0));
    assert_eq!(log.take(), "a a b");
}

#[test]
fn rule_9_an_emitter_is_one_pointer() {
    assert_eq!(size_of::<NamedEmitter>(), size_of::<usize>());
}

#[test]
fn every_text_is_a_name() {
    let long = "x".repeat(100_000);
    let names = ["", " ", ".", "..", "*", "a.*", "**", "__proto__", "constructor", "é", "e\u{301}"];
    let names = names.into_iter().chain(["日本語", "\0", "error", "NaN", &long]);
    let (emitter, seen) = (NamedEmitter::new(), Rc::new(RefCell::new(Vec::new())));
    let names: Vec<&str> = names.collect();
    for name in &names {
        let (s, text) = (Rc::clone(&seen), name.to_string());
        emitter.on(Name::<u8>::owned(*name), move |_, _| s.borrow_mut().push(text.clone()));
    }
    for name in &names {
        assert_eq!(emitter.emit(Name::<u8>::borrowed(name), &0).called, 1);
    }
    assert_eq!(*seen.borrow(), names);
    assert_eq!(emitter.event_names(), names);
}

#[test]
fn constant_borrowed_and_run_time_names_are_the_same() {
    let name = Name::<str>::owned(String::from("ch") + "at");
    assert_eq!((&name, name.to_string()), (&CHAT, "chat".into()));
    assert!(HashSet::from([CHAT]).contains(&name) && CHAT < OTHER);
    let emitter = NamedEmitter::new();
    emitter.on(CHAT, |_, _| {});
    emitter.on(&name, |_, _| {});
    emitter.on(Name::borrowed("chat"), |_, _: &str| {});
    for count in [
        emitter.emit(CHAT, "").called,
        emitter.emit(&name, "").called,
        emitter.emit(name.clone(), "").called,
        emitter.emit(Name::<str>::borrowed("chat"), "").called,
        emitter.listener_count(name),
    ] {
        assert_eq!(count, 3);
    }
}

#[test]
fn the_same_text_with_another_type_is_another_event() {
    let (emitter, log) = (NamedEmitter::new(), Log::default());
    emitter.on(CHAT, noting!(log, "str"));
    emitter.on(Name::<u32>::new("chat"), noting!(log, "u32"));
    emitter.on(Name::<[u8]>::new("chat"), noting!(log, "bytes"));
    emitter.emit(Name::<u32>::new("chat"), &1);
    emitter.emit(Name::<String>::new("chat"), &String::new());
    emitter.emit(CHAT, "");
    assert_eq!(log.take(), "u32 str");
    assert_eq!(emitter.event_names(), ["chat", "chat", "chat"]);
    emitter.remove_all_of(CHAT);
    assert_eq!(emitter.listener_count(Name::<u32>::new("chat")), 1);
}

#[test]
fn keys_of_two_types_are_never_the_same() {
    #[derive(Debug, PartialEq, Eq, Hash)]
    struct Enemy(u32);
    impl Key for Enemy {
        type Payload = u32;
    }
    let (emitter, log) = (NamedEmitter::new(), Log::default());
    emitter.on(Player(1), noting!(log, "player"));
    emitter.on(Enemy(1), noting!(log, "enemy"));
    emitter.emit(Enemy(1), &0);
    assert_eq!(log.take(), "enemy");
    assert_eq!(emitter.event_names(), ["Player(1)", "Enemy(1)"]);
}

#[test]
fn event_names_are_in_order_of_first_registration_and_go_with_the_last_listener() {
    let emitter = NamedEmitter::new();
    let first = emitter.on(OTHER, |_, _| {});
    emitter.on(Player(3), |_, _| {});
    emitter.on(CHAT, |_, _| {});
    emitter.on(OTHER, |_, _| {});
    assert_eq!(emitter.event_names(), ["other", "Player(3)", "chat"]);
    assert_eq!(format!("{emitter:?}"), "NamedEmitter { other: 2, Player(3): 1, chat: 1 }");
    assert!(format!("{emitter:#?}").contains("named.rs:"), "{emitter:#?}");
    emitter.off(first);
    emitter.remove_all_of(Player(3));
    assert_eq!(emitter.event_names(), ["other", "chat"]);
    emitter.remove_all();
    assert_eq!(format!("{emitter:?}"), "NamedEmitter");
}

#[test]
fn captures_are_dropped_exactly_once_and_at_once() {
    let (emitter, log) = (NamedEmitter::new(), Log::default());
    let captured = log.on_drop("off");
    emitter.off(emitter.on(CHAT, move |_, _| captured.touch()));
    assert_eq!(log.take(), "off");
    let captured = log.on_drop("once");
    emitter.once(CHAT, move |_, _| drop(captured));
    emitter.emit(CHAT, "");
    assert_eq!(log.take(), "once");
    for what in ["c", "b", "a"] {
        let captured = log.on_drop(what);
        emitter.on(Name::<str>::owned(what), move |_, _| captured.touch());
    }
    drop(emitter);
    assert_eq!(log.take(), "c b a", "in order of registration");
}

#[test]
fn one_that_removes_itself_keeps_its_captures_until_it_returns() {
    let (emitter, log, later) = (NamedEmitter::new(), Log::default(), Later::new());
    let (l, handle, captured) = (log.clone(), later.clone(), log.on_drop("dropped"));
    later.set(emitter.on(CHAT, move |emitter, _| {
        captured.touch();
        assert!(emitter.off(handle.get()));
        assert!(emitter.event_names().is_empty());
        add(emitter, &l, "successor");
        assert_eq!(emitter.emit(CHAT, "").called, 1);
        l.note("returns");
    }));
    assert_eq!(emitter.emit(CHAT, "").called, 1);
    assert_eq!(log.take(), "successor returns dropped");
    assert_eq!(emitter.listener_count(CHAT), 1);
}

#[test]
fn a_listener_may_add_many_names_and_remove_them() {
    let emitter = NamedEmitter::new();
    emitter.on(CHAT, |emitter, _| {
        let names = (0..1000).map(|n| Name::<str>::owned(format!("name-{n}")));
        let all: Vec<_> = names.map(|name| emitter.on(name, |_, _| {})).collect();
        assert_eq!(emitter.event_names().len(), 1001);
        assert!(all[1..].iter().all(|listener| emitter.off(*listener)));
    });
    emitter.on(CHAT, |emitter, _| assert_eq!(emitter.event_names(), ["chat", "name-0"]));
    assert_eq!(emitter.emit(CHAT, "").called, 2);
}

#[test]
fn a_destructor_may_use_the_emitter_in_every_way() {
    for way in ["off", "remove_all", "remove_all_of", "once", "self"] {
        let (emitter, log, later) = (NamedEmitter::new(), Log::default(), Later::new());
        let (e, l) = (emitter.clone(), log.clone());
        let captured = OnDrop(move || {
            let doomed = e.on(CHAT, |_, _| {});
            add(&e, &l, "added");
            e.on(OTHER, noting!(l, "other"));
            e.emit(CHAT, "");
            assert!(e.off(doomed));
        });
        let handle = later.clone();
        later.set(match way {
            "once" => emitter.once(CHAT, move |_, _| drop(captured)),
            _ => emitter.on(CHAT, move |emitter, _| {
                captured.touch();
                emitter.off(handle.get());
            }),
        });
        match way {
            "off" => assert!(emitter.off(later.get())),
            "remove_all" => emitter.remove_all(),
            "remove_all_of" => emitter.remove_all_of(CHAT),
            _ => assert_eq!(emitter.emit(CHAT, "").called, 1),
        }
        assert_eq!(log.take(), "added", "{way}");
        emitter.emit(CHAT, "");
        emitter.emit(OTHER, "");
        assert_eq!(log.take(), "added other", "{way}");
    }
}

#[test]
fn a_listener_may_drop_its_emitter() {
    let log = Log::default();
    let holder = Rc::new(RefCell::new(Some(NamedEmitter::new())));
    let emitter = holder.borrow().clone().expect("just put there");
    let (h, captured) = (Rc::clone(&holder), log.on_drop("dropped"));
    emitter.on(CHAT, move |_, _| {
        captured.touch();
        drop(h.take());
    });
    emitter.emit(CHAT, "");
    drop(emitter);
    assert_eq!(log.take(), "dropped");
}

#[test]
fn a_panicking_destructor_leaves_no_empty_name() {
    let emitter = NamedEmitter::new();
    let captured = OnDrop(|| panic!("on purpose"));
    let listener = emitter.on(CHAT, move |_, _| captured.touch());
    catch_unwind(AssertUnwindSafe(|| emitter.off(listener))).expect_err("it passes through");
    assert!(emitter.event_names().is_empty());
    assert!(!emitter.off(listener));
}
