//! Payloads whose clone is code of the user's: between two listeners it may do what a listener may.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use onward::Emitter;
use onward::emitter::Listener;

use super::support::*;

/// Runs a closure whenever it is cloned.
struct Parcel(Rc<dyn Fn()>);

impl Parcel {
    fn new(cloned: impl Fn() + 'static) -> Self {
        Self(Rc::new(cloned))
    }
}

impl Clone for Parcel {
    fn clone(&self) -> Self {
        (self.0)();
        Self(Rc::clone(&self.0))
    }
}

onward::events! { Post { Sent(Parcel) } }

/// Three listeners that note their names, and when they are dropped.
fn three(post: &Post, log: &Log, reentrant: bool) -> Vec<Listener> {
    let add = |name: &'static str| {
        let (l, captured) = (log.clone(), log.on_drop(&format!("-{name}")));
        let listener = move |_: &Post, _: Parcel| {
            captured.touch();
            l.note(name);
        };
        if reentrant { post.on_reentrant(Sent, listener) } else { post.on(Sent, listener) }
    };
    ["a", "b", "c"].map(add).to_vec()
}

/// A parcel that does something at its `nth` clone, and notes each.
fn at_clone(nth: u32, log: &Log, act: impl Fn() + 'static) -> Parcel {
    let (log, clones) = (log.clone(), Cell::new(0));
    Parcel::new(move || {
        log.note("clone");
        clones.set(clones.get() + 1);
        if clones.get() == nth {
            act();
        }
    })
}

#[test]
fn a_clone_may_remove_any_listener_whose_captures_go_at_once() {
    let cases = [
        (1, 0, "clone -a clone b c"),
        (1, 1, "clone -b a clone c"),
        (1, 2, "clone -c a clone b"),
        (2, 0, "clone a clone -a b c"),
        (2, 1, "clone a clone -b c"),
        (2, 2, "clone a clone -c b"),
    ];
    for (nth, removed, expected) in cases {
        let (post, log) = (Post::new(), Log::default());
        let listener = three(&post, &log, false)[removed];
        let p = post.clone();
        post.emit(Sent, at_clone(nth, &log, move || assert!(p.off(listener))));
        assert_eq!(log.take(), expected);
        assert_eq!(post.listener_count(Sent), 2);
        post.remove_all();
        assert_eq!(log.take().matches('-').count(), 2, "{expected}");
    }
}

#[test]
fn it_is_the_same_in_a_nested_emit() {
    for (removed, expected) in ["a -a b c", "a -b c", "a -c b"].into_iter().enumerate() {
        let (post, log) = (Post::new(), Log::default());
        let l = log.clone();
        post.once(Sent, move |post, parcel| {
            post.emit(Sent, parcel);
            l.note("|");
            post.remove_all();
        });
        let listener = three(&post, &log, true)[removed];
        let (p, l) = (post.clone(), log.clone());
        let parcel = Parcel::new(move || {
            if l.last().as_deref() == Some("a") {
                p.off(listener);
            }
        });
        assert_eq!(post.emit(Sent, parcel).called, 1);
        let noted = log.take();
        let (inner, outer) = noted.split_once(" | ").expect("noted by the outer");
        assert_eq!(inner, expected);
        assert_eq!(outer.matches('-').count(), 2, "{outer}");
    }
}

#[test]
fn a_clone_may_emit_and_nobody_is_skipped_for_nobody_runs() {
    let (post, log) = (Post::new(), Log::default());
    three(&post, &log, false);
    let (p, l) = (post.clone(), log.clone());
    let parcel = at_clone(2, &log, move || {
        let emitted = p.emit(Sent, Parcel::new(|| {}));
        assert_eq!((emitted.called, emitted.skipped), (3, 0));
        l.note("|");
    });
    let emitted = post.emit(Sent, parcel);
    assert_eq!((emitted.called, emitted.skipped), (3, 0));
    assert_eq!(log.take(), "clone a clone a b c | b c");
}

#[test]
fn a_clone_may_add_listeners_and_remove_all() {
    let (post, log) = (Post::new(), Log::default());
    three(&post, &log, false);
    let (p, l) = (post.clone(), log.clone());
    let parcel = at_clone(2, &log, move || {
        p.remove_all();
        p.on(Sent, noting!(l, "late"));
    });
    assert_eq!(post.emit(Sent, parcel).called, 1);
    assert!(
        log.take().starts_with("clone a clone -a -b -c"),
        "at once, and nobody is called after it"
    );
    assert_eq!(post.listener_count(Sent), 1);
    assert_eq!(post.emit(Sent, Parcel::new(|| {})).called, 1);
    assert_eq!(log.take(), "late");
}

#[test]
fn a_clone_that_panics_ends_the_emit_and_leaves_the_listeners() {
    let (post, log) = (Post::new(), Log::default());
    let removed = three(&post, &log, false)[0];
    let p = post.clone();
    let parcel = at_clone(2, &log, move || {
        assert!(p.off(removed));
        panic!("on purpose");
    });
    catch_unwind(AssertUnwindSafe(|| post.emit(Sent, parcel))).expect_err("it passes through");
    assert_eq!(log.take(), "clone a clone -a");
    assert_eq!(post.emit(Sent, Parcel::new(|| {})).called, 2);
    assert_eq!(log.take(), "b c");
}

/// A part of a payload is cloned as a payload is.
#[test]
fn the_parts_of_a_payload_are_no_different() {
    onward::events! { Office { Mail(&str, Parcel) } }
    let (office, log) = (Office::new(), Log::default());
    let l = log.clone();
    let first = office.on(Mail, move |_, (to, _)| l.note(to));
    let l = log.clone();
    office.on(Mail, move |_, (to, _)| l.note(to));
    office.on(Mail, |_, _| {});
    let o = office.clone();
    let emitted = office.emit(Mail, ("ada", at_clone(2, &log, move || assert!(o.off(first)))));
    assert_eq!((emitted.called, log.take().as_str()), (3, "clone ada clone ada"));
    assert_eq!(office.listener_count(Mail), 2);
}

/// A payload that nobody took is dropped by the emit; its destructor may do what a clone may.
#[test]
fn the_destructor_of_a_payload_for_one_who_is_skipped_may_remove_listeners() {
    struct Letter(Option<Box<dyn FnOnce()>>);
    impl Clone for Letter {
        fn clone(&self) -> Self {
            Self(None)
        }
    }
    impl Drop for Letter {
        fn drop(&mut self) {
            if let Some(dropped) = self.0.take() {
                dropped();
            }
        }
    }
    onward::events! { Office { Posted(Letter) } }

    let (office, log) = (Office::new(), Log::default());
    let (l, captured) = (log.clone(), log.on_drop("-a"));
    let a = office.on_reentrant(Posted, move |_, _| {
        captured.touch();
        l.note("a");
    });
    let l = log.clone();
    office.on(Posted, move |office, _| {
        let (o, log) = (office.clone(), l.clone());
        let letter = Letter(Some(Box::new(move || {
            let emitted = o.emit(Posted, Letter(None));
            assert_eq!((emitted.called, emitted.skipped), (1, 1), "the first does not run");
            log.note("drop");
            assert!(o.off(a));
            log.note("|");
        })));
        let emitted = office.emit(Posted, letter);
        assert_eq!((emitted.called, emitted.skipped), (1, 1));
        l.note("b");
    });
    assert_eq!(office.emit(Posted, Letter(None)).called, 2);
    assert_eq!(log.take(), "a a a drop -a | b");
    assert_eq!(office.listener_count(Posted), 1);
}
