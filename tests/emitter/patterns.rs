//! Patterns: what they match, and when their listeners run.

use onward::emitter::named::{BadPattern, Key, Name, NamedEmitter, Pattern};

use super::support::{Later, Log, noting};

fn pattern(text: &str) -> Pattern<str> {
    Pattern::new(text.to_string()).expect("a pattern")
}

fn name(text: &str) -> Name<str> {
    Name::owned(text)
}

/// Adds a listener that notes the pattern.
fn add(emitter: &NamedEmitter, log: &Log, text: &'static str) -> onward::emitter::Listener {
    let log = log.clone();
    emitter.on(pattern(text), move |_, _| log.note(text))
}

#[test]
fn stars_stand_for_segments() {
    let table: &[(&str, &[&str], &[&str])] = &[
        ("chat", &["chat"], &["", "chat.a", "chats"]),
        ("chat.*", &["chat.a", "chat.", "chat.日本"], &["chat", "chat.a.b", "chats.a", ".chat"]),
        ("chat.**", &["chat", "chat.a", "chat.a.b", "chat."], &["", "chats", "a.chat"]),
        ("*", &["", "a"], &["a.b", "."]),
        ("**", &["", "a", "a.b.c", ".."], &[]),
        ("*.*", &["a.b", "."], &["a", "a.b.c"]),
        ("**.end", &["end", "a.end", "a.b.end", "end.end"], &["", "end.a", "bend"]),
        ("a.**.z", &["a.z", "a.b.z", "a.z.z", "a.b.c.z"], &["a", "a.b", "z", "a.z.b", "b.a.z"]),
        ("**.b.*.**.d", &["b.c.d", "a.b.b.c.d", "b.b.x.y.d"], &["b.d", "a.b.d", "b.c.d.e"]),
        ("**.**", &["", "a", "a.b"], &[]),
        ("", &[""], &["a", "."]),
        ("a..b", &["a..b"], &["a.b", "a.x.b"]),
    ];
    for (text, yes, no) in table {
        for name in *yes {
            assert!(pattern(text).matches(name), "{text} matches {name}");
        }
        for name in *no {
            assert!(!pattern(text).matches(name), "{text} does not match {name}");
        }
    }
}

/// The plainest way, which takes for ever on long names.
fn plainly(pattern: &[&str], name: &[&str]) -> bool {
    match (pattern, name) {
        ([], _) => name.is_empty(),
        (["**", rest @ ..], _) => (0..=name.len()).any(|taken| plainly(rest, &name[taken..])),
        ([first, rest @ ..], [part, others @ ..]) => {
            (*first == "*" || first == part) && plainly(rest, others)
        }
        _ => false,
    }
}

#[test]
fn every_short_pattern_matches_as_the_plainest_way_says() {
    let all = |words: &[&'static str]| {
        let mut found = vec![vec![]];
        let mut last: Vec<Vec<&str>> = vec![vec![]];
        for _ in 0..4 {
            let longer = |text: &Vec<&'static str>, word| [text.clone(), vec![word]].concat();
            last = last.iter().flat_map(|t| words.iter().map(move |w| longer(t, *w))).collect();
            found.extend(last.clone());
        }
        found.split_off(1)
    };
    for p in all(&["a", "b", "*", "**"]) {
        let read = pattern(&p.join("."));
        for n in all(&["a", "b", "c"]) {
            assert_eq!(read.matches(&n.join(".")), plainly(&p, &n), "{p:?} {n:?}");
        }
    }
}

#[test]
fn many_stars_on_a_long_name_take_no_time() {
    let text = ["**.a"; 50].join(".") + ".b";
    assert!(!pattern(&text).matches(&["a"; 10_000].join(".")));
}

#[test]
fn a_star_within_a_segment_is_an_error() {
    for (text, segment) in [("a*", "a*"), ("x.***", "***"), ("**.a.b*c.*d", "b*c"), ("* ", "* ")] {
        let error: BadPattern = Pattern::<str>::new(text).expect_err("not a pattern");
        assert_eq!((error.pattern(), error.segment()), (text, segment));
    }
    let emitter = NamedEmitter::new();
    assert!(emitter.on_pattern::<str>("a*", |_, _| {}).is_err());
    assert!(emitter.event_names().is_empty());
}

#[test]
fn the_exact_listeners_come_first_then_patterns_in_order_of_registration() {
    let (emitter, log) = (NamedEmitter::new(), Log::default());
    add(&emitter, &log, "chat.*");
    add(&emitter, &log, "**");
    add(&emitter, &log, "mail.*");
    add(&emitter, &log, "chat.*");
    emitter.on(name("chat.ada"), noting!(log, "exact"));
    emitter.prepend(pattern("*.ada"), noting!(log, "prepended"));
    assert_eq!(emitter.emit(name("chat.ada"), "").called, 5);
    assert_eq!(log.take(), "exact prepended chat.* ** chat.*");
    assert_eq!(emitter.emit(name("chat"), "").called, 1);
    assert_eq!(log.take(), "**");
    assert_eq!(emitter.event_names(), ["chat.*", "**", "mail.*", "chat.ada", "*.ada"]);
    assert_eq!(emitter.listener_count(pattern("chat.*")), 2);
    assert_eq!(emitter.listener_count(name("chat.ada")), 1);
}

#[test]
fn a_listener_is_handed_the_name_and_the_payload() {
    let (emitter, log) = (NamedEmitter::new(), Log::default());
    let l = log.clone();
    let add = emitter.on_pattern::<[u8]>("disk.**", move |_, (name, bytes)| {
        l.note(format!("{name}={}", bytes.len()));
    });
    add.expect("a pattern");
    emitter.emit(Name::<[u8]>::new("disk.sda"), &[1, 2]);
    emitter.emit(Name::<str>::new("disk.sda"), "another type");
    emitter.emit(Name::<[u8]>::borrowed("disk"), &[]);
    assert_eq!(log.take(), "disk.sda=2 disk=0");
}

#[test]
fn keys_with_a_name_are_seen_and_those_without_are_not() {
    #[derive(Debug, PartialEq, Eq, Hash)]
    struct Topic(&'static str, u32);
    impl Key for Topic {
        type Payload = str;
        fn name(&self) -> Option<&str> {
            Some(self.0).filter(|_| self.1 == 0)
        }
    }
    let (emitter, log) = (NamedEmitter::new(), Log::default());
    add(&emitter, &log, "news.*");
    assert_eq!(emitter.emit(Topic("news.a", 0), "").called, 1);
    assert_eq!(emitter.emit(Topic("news.a", 1), "").called, 0);
    assert_eq!(emitter.emit(name("news.a"), "").called, 1);
}

#[test]
fn rules_2_and_3_hold_across_names_and_patterns() {
    let (emitter, log, later) = (NamedEmitter::new(), Log::default(), Later::new());
    let (l, handle) = (log.clone(), later.clone());
    emitter.once(name("a"), move |emitter, _| {
        add(emitter, &l, "*");
        emitter.prepend(pattern("**"), noting!(l, "front"));
        assert!(emitter.off(handle.get()));
    });
    later.set(add(&emitter, &log, "a"));
    let l = log.clone();
    emitter.once(pattern("a.**"), move |emitter, _| {
        add(emitter, &l, "*.**");
        l.note("once");
    });
    assert_eq!(emitter.emit(name("a"), "").called, 2);
    assert_eq!(log.take(), "once");
    assert_eq!(emitter.emit(name("a"), "").called, 3);
    assert_eq!(log.take(), "front * *.**");
}

#[test]
fn rules_4_and_5_hold_for_patterns() {
    let (emitter, log) = (NamedEmitter::new(), Log::default());
    let l = log.clone();
    emitter.on(pattern("a.*"), move |emitter, (name, _)| {
        l.note(name);
        let emitted = emitter.emit(Name::<str>::new("a.nested"), "");
        assert_eq!((emitted.called, emitted.skipped), (if name == "a.1" { 2 } else { 1 }, 1));
    });
    emitter.once(pattern("**"), noting!(log, "once"));
    let l = log.clone();
    emitter.on_reentrant(pattern("a.**"), move |_, (name, _)| l.note(name));
    assert_eq!(emitter.emit(name("a.1"), "").called, 2, "the nested emit took the once");
    assert_eq!(log.take(), "a.1 once a.nested a.1");
    emitter.emit(name("a.2"), "");
    assert_eq!(log.take(), "a.2 a.nested a.2");
}

#[test]
fn patterns_are_removed_one_by_one_by_pattern_and_all() {
    let (emitter, log) = (NamedEmitter::new(), Log::default());
    let first = add(&emitter, &log, "a.*");
    let second = add(&emitter, &log, "a.*");
    assert!(emitter.off(first));
    assert!(!emitter.off(first));
    emitter.emit(name("a.b"), "");
    assert_eq!(log.take(), "a.*");
    add(&emitter, &log, "**");
    emitter.on(name("a.*"), noting!(log, "the name, not the pattern"));
    emitter.remove_all_of(pattern("a.*"));
    assert!(!emitter.off(second));
    emitter.emit(name("a.b"), "");
    assert_eq!(log.take(), "**");
    emitter.emit(name("a.*"), "");
    assert_eq!(log.take(), "the name, not the pattern **");
    drop(emitter.on_scoped(pattern("x"), |_, _| {}));
    emitter.remove_all();
    assert!(emitter.event_names().is_empty());
    assert!(!emitter.emit(name("a.b"), "").handled());
    add(&emitter, &log, "**");
    assert_eq!(emitter.emit(name("a.b"), "").called, 1);
}

#[test]
fn a_pattern_that_removes_all_ends_the_emit() {
    let (emitter, log) = (NamedEmitter::new(), Log::default());
    let captured = log.on_drop("dropped");
    emitter.on(pattern("*"), move |emitter, _| {
        captured.touch();
        emitter.remove_all();
    });
    add(&emitter, &log, "**");
    assert_eq!(emitter.emit(name("a"), "").called, 1);
    assert_eq!(log.take(), "dropped");
    assert!(emitter.event_names().is_empty());
}
