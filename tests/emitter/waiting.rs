//! Futures of events: `next`, `next_or_error`, `first`.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use onward::emitter::{Event, Gone, NextError, OneOf2, OneOf3, OneOf4, first};
use onward::events::{Error, ErrorMonitor};
use onward::{Emitter, EventEmitter, Listeners, Waiting, events};

use super::support::*;

/// Counts how often it is woken.
#[derive(Default)]
pub(super) struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Wakes {
    pub(super) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

pub(super) fn waker() -> (Arc<Wakes>, Waker) {
    let wakes = Arc::new(Wakes::default());
    (Arc::clone(&wakes), wakes.into())
}

fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Polls until it is ready, which has to be soon.
pub(super) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = Box::pin(future);
    for _ in 0..1000 {
        if let Poll::Ready(output) = poll(&mut future) {
            return output;
        }
    }
    panic!("it waits for ever");
}

fn leaves_nothing(room: &Room) {
    assert_eq!(room.event_names(), [""; 0], "listeners are left");
}

fn flood() -> String {
    "flood".to_string()
}

/// test-events-once, `onceAnEvent` and `onceAnEventWithTwoArgs`.
#[test]
fn it_resolves_with_the_payload() {
    let room = Room::new();
    let (joined, said) = (room.next(Joined), room.next(Said));
    room.emit(Joined, "ada");
    room.emit(Said, ("ada", "hi"));
    leaves_nothing(&room);
    assert_eq!(block_on(joined).as_deref(), Ok("ada"));
    assert_eq!(block_on(said), Ok(("ada".to_string(), "hi".to_string())));
}

/// test-events-once, `catchesErrors`.
#[test]
fn an_error_that_comes_first_is_the_result() {
    let room = Room::new();
    let mut next = room.next_or_error(Joined);
    assert!(poll(&mut next).is_pending());
    assert_eq!((room.listener_count(Joined), room.listener_count(Error)), (1, 1));
    assert!(room.emit_error(flood()).is_ok());
    leaves_nothing(&room);
    room.emit(Joined, "too late");
    assert_eq!(block_on(next), Err(NextError::Emitted(flood())));
}

/// test-events-once, `stopListeningAfterCatchingError`, and the other way round.
#[test]
fn only_what_comes_first_counts_and_the_error_listener_goes_with_the_event() {
    let room = Room::new();
    let next = room.next_or_error(Joined);
    room.emit(Joined, "ada");
    leaves_nothing(&room);
    assert!(room.emit_error(flood()).is_err(), "nobody waits any more, so nobody takes it");
    assert_eq!(block_on(next).as_deref(), Ok("ada"));
}

/// test-events-once, `onceError`: who waits for the error gets it as a value.
#[test]
fn an_error_that_is_waited_for_is_no_failure() {
    let room = Room::new();
    let (plain, aware) = (room.next(Error), room.next_or_error(Error));
    assert_eq!(room.listener_count(Error), 2);
    assert!(room.emit_error(flood()).is_ok());
    leaves_nothing(&room);
    assert_eq!(block_on(plain), Ok(flood()));
    assert_eq!(block_on(aware), Ok(flood()));
}

/// test-event-emitter-error-monitor, the part with `once`.
#[test]
fn a_monitor_sees_the_error_while_somebody_waits() {
    let (room, log) = (Room::new(), Log::default());
    let l = log.clone();
    room.on(ErrorMonitor, move |_, error| l.note(error));
    let next = room.next_or_error(Joined);
    assert!(room.emit_error(flood()).is_ok());
    assert_eq!(log.take(), "flood");
    assert!(block_on(next).is_err());
}

/// `next` alone does not take errors.
#[test]
fn next_does_not_count_as_a_handler() {
    let room = Room::new();
    let mut next = room.next(Joined);
    assert!(room.emit_error(flood()).is_err());
    assert!(poll(&mut next).is_pending());
}

/// test-events-once, `abortSignalAfter`, `abortSignalAfterEvent`: to cancel is to drop.
#[test]
fn dropping_it_removes_its_listeners_before_and_after_the_event() {
    let room = Room::new();
    drop(room.next_or_error(Joined));
    leaves_nothing(&room);

    let mut polled = room.next_or_error(Joined);
    assert!(poll(&mut polled).is_pending());
    drop(polled);
    leaves_nothing(&room);

    let late = room.next_or_error(Joined);
    room.emit(Joined, "ada");
    drop(late);
    leaves_nothing(&room);
    assert_eq!(room.emit(Joined, "bob").called, 0);
}

/// nodejs/node#32431: of two awaits in a row, the second misses what came with the first.
#[test]
fn two_awaits_in_a_row_miss_nothing_if_both_are_armed() {
    let room = Room::new();
    room.on(Joined, |room, _| {
        room.emit(Closed, ());
    });
    let (joined, closed) = (room.next(Joined), room.next(Closed));
    room.emit(Joined, "ada");
    block_on(async {
        assert_eq!(joined.await.as_deref(), Ok("ada"));
        assert_eq!(closed.await, Ok(()));
    });
}

#[test]
fn it_ends_when_the_emitter_does() {
    let room = Room::new();
    let (wakes, waker) = waker();
    let mut next = room.next(Joined);
    let aware = room.next_or_error(Joined);
    assert!(Pin::new(&mut next).poll(&mut Context::from_waker(&waker)).is_pending());
    let clone = room.clone();
    drop(room);
    assert_eq!(wakes.count(), 0, "a clone can still emit");
    drop(clone);
    assert_eq!(wakes.count(), 1);
    let gone: Gone = block_on(next).expect_err("gone");
    assert_eq!((gone.emitter(), gone.event()), ("Room", "Joined"));
    assert_eq!(block_on(aware), Err(NextError::Gone(gone)));
}

#[test]
fn it_ends_when_its_listener_is_removed() {
    let room = Room::new();
    let (mut next, aware) = (room.next(Joined), room.next_or_error(Joined));
    room.remove_all_of(Joined);
    leaves_nothing(&room);
    assert!(block_on(&mut next).is_err());
    assert!(matches!(block_on(aware), Err(NextError::Gone(_))));
    assert!(block_on(next).is_err(), "asked again, it does not hang");
}

#[test]
fn it_does_not_keep_the_emitter_alive() {
    let (room, log) = (Room::new(), Log::default());
    let witness = log.on_drop("gone");
    room.on(Joined, move |_, _| witness.touch());
    let next = room.next_or_error(Joined);
    drop(room);
    assert_eq!(log.take(), "gone");
    drop(next);
}

/// It wakes, and it wakes the waker of the last poll only.
#[test]
fn an_event_wakes_the_task_that_asked_last() {
    let room = Room::new();
    let ((first, first_waker), (second, second_waker)) = (waker(), waker());
    let mut next = room.next(Joined);
    for waker in [&first_waker, &second_waker, &second_waker] {
        assert!(Pin::new(&mut next).poll(&mut Context::from_waker(waker)).is_pending());
    }
    assert_eq!((Arc::strong_count(&first), Arc::strong_count(&second)), (2, 3), "one is kept");
    room.emit(Joined, "ada");
    room.emit(Joined, "bob");
    assert_eq!((first.count(), second.count()), (0, 1));
    assert_eq!(block_on(next).as_deref(), Ok("ada"));
}

/// A waker may do anything, such as dropping the future and emitting.
#[test]
fn a_waker_that_does_everything_at_once() {
    struct Rude(std::sync::Mutex<Option<Box<dyn FnOnce() + Send>>>);
    impl Wake for Rude {
        fn wake(self: Arc<Self>) {
            let act = self.0.lock().expect("not poisoned").take();
            act.expect("woken once")();
        }
    }
    thread_local! {
        static HELD: std::cell::RefCell<Option<(Room, Box<dyn std::any::Any>)>> =
            const { std::cell::RefCell::new(None) };
    }
    let room = Room::new();
    let mut next = room.next(Joined);
    let rude = Rude(std::sync::Mutex::new(Some(Box::new(|| {
        let (room, next) = HELD.take().expect("put there");
        room.emit(Joined, "from the waker");
        drop(next);
        room.remove_all();
    }))));
    let waker = Arc::new(rude).into();
    assert!(Pin::new(&mut next).poll(&mut Context::from_waker(&waker)).is_pending());
    HELD.set(Some((room.clone(), Box::new(next))));
    room.emit(Joined, "ada");
    leaves_nothing(&room);
}

#[test]
fn a_clone_that_panics_leaves_nothing_behind() {
    struct Bomb;
    impl Clone for Bomb {
        fn clone(&self) -> Self {
            panic!("boom")
        }
    }
    events! { Mine { Touched(&Bomb) } }
    let mine = Mine::new();
    let next = mine.next(Touched);
    let emit = std::panic::AssertUnwindSafe(|| mine.emit(Touched, &Bomb));
    assert!(std::panic::catch_unwind(emit).is_err());
    assert_eq!(mine.listener_count(Touched), 0);
    assert!(block_on(next).is_err());
}

/// An emitter that emits as soon as somebody listens, to the event or to errors.
#[test]
fn an_emitter_that_emits_as_it_is_listened_to() {
    struct Eager {
        emitter: EventEmitter<Self>,
        trigger: &'static str,
    }
    events! { for Eager { Ready(u8), use Error(&u8) } }
    impl Emitter for Eager {
        fn listeners(&self) -> &Listeners<Self> {
            &self.emitter
        }
        fn listener_added<E: Event<Self>>(&self, _: E) {
            if E::NAME == self.trigger {
                self.emitter.emit(self, Ready, 7);
            }
        }
    }
    for trigger in ["Ready", "Error"] {
        let eager = Eager { emitter: EventEmitter::new(), trigger };
        let next = eager.next_or_error(Ready);
        assert_eq!(eager.event_names(), [""; 0], "by {trigger}");
        assert_eq!(block_on(next), Ok(7));
        assert_eq!(block_on(eager.stream_or_error(Ready).next()), Some(Ok(7)));
    }
}

#[test]
fn the_first_of_several_is_the_one_that_happened_first() {
    let (room, other) = (Room::new(), Room::new());
    let waiting = first((room.next(Joined), room.next(Closed), other.next_or_error(Said)));
    room.emit(Closed, ());
    room.emit(Joined, "too late");
    assert!(matches!(block_on(waiting), OneOf3::B(Ok(()))));
    leaves_nothing(&room);
    leaves_nothing(&other);

    let four = first((room.next(Joined), other.next(Joined), other.next(Closed), room.next(Error)));
    assert!(room.emit_error(flood()).is_ok());
    assert_eq!(block_on(four), OneOf4::D(Ok(flood())));
    leaves_nothing(&other);

    let gone = first((other.next(Joined), room.next(Joined)));
    drop(room);
    assert!(matches!(block_on(gone), OneOf2::B(Err(_))));
}

#[test]
fn any_of_several_wakes() {
    let room = Room::new();
    for joins in [true, false] {
        let (wakes, waker) = waker();
        let mut waiting = first((room.next(Joined), room.next(Closed)));
        let mut cx = Context::from_waker(&waker);
        assert!(Pin::new(&mut waiting).poll(&mut cx).is_pending());
        if joins {
            room.emit(Joined, "ada")
        } else {
            room.emit(Closed, ())
        };
        assert_eq!(wakes.count(), 1);
        assert!(Pin::new(&mut waiting).poll(&mut cx).is_ready());
    }
    drop(first((room.next(Joined), room.next(Closed))));
    leaves_nothing(&room);
}

/// Those that did not win go on waiting if they were only lent, and miss nothing.
#[test]
fn the_others_go_on_if_they_are_lent() {
    let room = Room::new();
    let mut closed = room.next(Closed);
    let (mut joined, mut names) = (room.next(Joined), Vec::new());
    for name in ["ada", "bob"] {
        room.emit(Joined, name);
        room.emit(Closed, ());
        match block_on(first((&mut joined, &mut closed))) {
            OneOf2::A(name) => names.push(name.expect("the room is there")),
            OneOf2::B(end) => assert_eq!(end, Ok(())),
        }
        joined = room.next(Joined);
    }
    assert_eq!(names, ["ada"], "in the second round the room had been closed before");
}

#[test]
fn every_shape_that_can_be_kept() {
    #[derive(Debug)]
    struct Unclonable;
    events! {
        Shapes {
            None(),
            Str(&str),
            Bytes(&[u8]),
            Map(&HashMap<String, u8>),
            Static(&'static str),
            Moved(String),
            Mixed(&str, u32, &[u8], Box<str>),
            Twelve(u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, &str),
            Shared(&Rc<Unclonable>),
            // These can be listened for only.
            Mut(&mut Unclonable),
            Object(&dyn std::fmt::Debug),
            Lent(&Unclonable),
        }
    }
    let s = Shapes::new();
    s.on(Mut, |_, _| {});
    s.on(Object, |_, _| {});
    s.on(Lent, |_, _| {});
    let all = (s.next(None), s.next(Str), s.next(Bytes), s.next(Map), s.next(Static));
    let more = (s.next(Moved), s.next(Mixed), s.next(Twelve), s.next(Shared));
    s.emit(None, ());
    s.emit(Str, "str");
    s.emit(Bytes, b"bytes");
    let map = HashMap::from([(flood(), 1)]);
    s.emit(Map, &map);
    s.emit(Static, "static");
    s.emit(Moved, flood());
    s.emit(Mixed, ("a", 1, &[2], "b".into()));
    s.emit(Twelve, (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, "12"));
    s.emit(Shared, &Rc::new(Unclonable));
    s.emit(Mut, &mut Unclonable);
    s.emit(Object, &Unclonable);
    s.emit(Lent, &Unclonable);
    assert_eq!(block_on(all.0), Ok(()));
    assert_eq!(block_on(all.1), Ok("str".to_string()));
    assert_eq!(block_on(all.2), Ok(b"bytes".to_vec()));
    assert_eq!(block_on(all.3), Ok(map));
    assert_eq!(block_on(all.4), Ok("static"));
    assert_eq!(block_on(more.0), Ok(flood()));
    assert_eq!(block_on(more.1), Ok(("a".to_string(), 1, vec![2], "b".into())));
    assert_eq!(block_on(more.2).map(|twelve| twelve.11), Ok("12".to_string()));
    assert_eq!(block_on(more.3).map(|shared| Rc::strong_count(&shared)), Ok(1));
}

#[test]
fn it_says_what_it_waits_for() {
    let room = Room::new();
    let next = room.next(Joined);
    let debug = format!("{next:?}");
    assert_eq!(debug, r#"Next { emitter: "Room", event: "Joined", settled: false }"#);
    let places = format!("{room:#?}");
    assert!(places.contains("tests/emitter/waiting.rs"), "where it was registered: {places}");
}
