//! Watching an emitter with names and keys: leaks, and a picture of who listens.

use onward::emitter::named::{Key, Name, NamedEmitter};

#[derive(Debug, PartialEq, Eq, Hash)]
struct Player(u32);

impl Key for Player {
    type Payload = u32;
}

const CHAT: Name<str> = Name::new("chat");

#[cfg(feature = "std")]
#[test]
fn a_name_and_a_key_with_many_listeners_are_told_once() {
    use std::{cell::RefCell, rc::Rc};
    let told = Rc::new(RefCell::new(Vec::new()));
    let to = Rc::clone(&told);
    onward::emitter::on_leak(move |leak| to.borrow_mut().push(leak.to_string()));
    let emitter = NamedEmitter::new();
    assert_eq!(emitter.max_listeners(), onward::emitter::default_max_listeners());
    emitter.set_max_listeners(2);
    assert_eq!(emitter.max_listeners(), 2);
    for _ in 0..4 {
        emitter.on(CHAT, |_, _| {});
        emitter.on(Player(7), |_, _| {});
    }
    emitter.on(Player(8), |_, _| {});
    let told = told.borrow();
    assert_eq!(told.len(), 2);
    assert!(told[0].starts_with("NamedEmitter has 3 listeners for chat, more than 2; a leak? "));
    assert!(told[0].ends_with(" (3 times)") && told[0].contains("watching_named.rs:"));
    assert!(told[1].starts_with("NamedEmitter has 3 listeners for Player(7), more than 2; "));
    emitter.set_max_listeners(0);
    assert_eq!(emitter.max_listeners(), 0);
}

#[test]
fn a_dump_has_names_keys_and_patterns_in_their_order() {
    let emitter = NamedEmitter::new();
    assert_eq!(emitter.dump().to_string(), "NamedEmitter: nobody listens");
    emitter.on(Player(7), |_, _| {});
    let quiet = emitter.once(CHAT, |_, _| {});
    emitter.prepend(CHAT, |_, _| {});
    emitter.on_pattern::<str>("chat.*", |_, _| {}).expect("a pattern");
    let _quiet = emitter.block(quiet);
    let lines = emitter.dump().to_string();
    let lines: Vec<_> =
        lines.lines().map(|line| line.split(", at ").next().unwrap_or_default()).collect();
    let expected = [
        "NamedEmitter",
        "  Player(7)",
        "    on",
        "  chat",
        "    on, in front",
        "    once, blocked",
        "  chat.*",
        "    on",
    ];
    assert_eq!(lines, expected);
}
