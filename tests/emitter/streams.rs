//! Streams of events: order, capacity, policies, the end.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use futures_core::{FusedStream, Stream};
use onward::emitter::{Overflow, Overflowed, Pausable};
use onward::events::Error;
use onward::{Emitter, EventEmitter, Listeners, Waiting, events};

use super::support::*;
use super::waiting::{block_on, waker};

fn poll<S: Stream + Unpin>(stream: &mut S) -> Poll<Option<S::Item>> {
    Pin::new(stream).poll_next(&mut Context::from_waker(Waker::noop()))
}

/// All that is there by now, and whether it has ended.
fn drain<S: Stream + Unpin>(stream: &mut S) -> (Vec<S::Item>, bool) {
    let mut items = Vec::new();
    loop {
        match poll(stream) {
            Poll::Ready(Some(item)) => items.push(item),
            Poll::Ready(None) => return (items, true),
            Poll::Pending => return (items, false),
        }
    }
}

fn join(room: &Room, names: &[&str]) {
    for name in names {
        room.emit(Joined, name);
    }
}

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

fn leaves_nothing(room: &Room) {
    assert_eq!(room.event_names(), [""; 0], "listeners are left");
}

/// test-events-on-async-iterator, `basic`: only the chosen event; leaving the loop leaves nothing.
#[test]
fn it_gives_the_events_of_its_kind_in_order_until_the_loop_is_left() {
    let room = Room::new();
    let mut visitors = room.stream(Joined);
    join(&room, &["ada"]);
    room.emit(Said, ("ada", "hi"));
    join(&room, &["bob", "eve"]);
    let seen = block_on(async {
        let mut seen = Vec::new();
        while let Some(name) = visitors.next().await {
            seen.push(name);
            if seen.len() == 2 {
                break;
            }
        }
        seen
    });
    assert_eq!(seen, ["ada", "bob"]);
    assert_eq!(room.listener_count(Joined), 1);
    drop(visitors);
    leaves_nothing(&room);
}

/// test-events-on-async-iterator, `throwInLoop`.
#[test]
fn a_panic_in_the_loop_leaves_nothing() {
    let room = Room::new();
    let mut visitors = room.stream_or_error(Joined);
    join(&room, &["ada"]);
    let attempt = std::panic::AssertUnwindSafe(move || {
        block_on(async {
            while let Some(name) = visitors.next().await {
                assert_eq!(name.as_deref(), Ok("bob"), "in the loop");
            }
        });
    });
    assert!(std::panic::catch_unwind(attempt).is_err());
    leaves_nothing(&room);
}

/// test-events-on-async-iterator, `error`, `errorDelayed`: what was queued comes first.
#[test]
fn an_error_comes_after_what_was_queued_and_is_the_last() {
    let room = Room::new();
    let mut visitors = room.stream_or_error(Joined).capacity(2);
    assert_eq!(room.listener_count(Error), 1, "one listener for errors");
    join(&room, &["ada", "bob"]);
    assert!(room.emit_error("flood".into()).is_ok());
    leaves_nothing(&room);
    assert!(room.emit_error("fire".into()).is_err(), "the stream has ended");
    join(&room, &["too late"]);
    let all = vec![Ok("ada".to_string()), Ok("bob".to_string()), Err("flood".to_string())];
    assert_eq!(drain(&mut visitors), (all, true));
    assert_eq!(drain(&mut visitors), (vec![], true));
}

/// test-events-on-async-iterator, `nextError`: an error while somebody waits.
#[test]
fn an_error_wakes_who_waits() {
    let room = Room::new();
    let (wakes, waker) = waker();
    let mut visitors = room.stream_or_error(Joined);
    let mut cx = Context::from_waker(&waker);
    assert!(Pin::new(&mut visitors).poll_next(&mut cx).is_pending());
    assert!(room.emit_error("flood".into()).is_ok());
    assert_eq!(wakes.count(), 1);
    assert_eq!(poll(&mut visitors), Poll::Ready(Some(Err("flood".into()))));
    assert_eq!(poll(&mut visitors), Poll::Ready(None));
    leaves_nothing(&room);
}

/// test-events-on-async-iterator, `eventTarget` with `error` as the event that is asked for.
#[test]
fn errors_that_are_asked_for_are_items() {
    let room = Room::new();
    let mut errors = room.stream_or_error(Error);
    assert_eq!(room.listener_count(Error), 1);
    for error in ["flood", "fire"] {
        assert!(room.emit_error(error.into()).is_ok());
    }
    assert_eq!(drain(&mut errors), (vec![Ok("flood".into()), Ok("fire".into())], false));
}

/// test-events-on-async-iterator, `abortableOnBefore`, `abortableOnAfter`: to cancel is to drop.
#[test]
fn dropping_it_removes_its_listeners_whenever() {
    let room = Room::new();
    drop(room.stream_or_error(Joined));
    leaves_nothing(&room);
    let mut visitors = room.stream_or_error(Joined);
    join(&room, &["ada", "bob"]);
    assert!(poll(&mut visitors).is_ready());
    drop(visitors);
    leaves_nothing(&room);
    let mut strict = room.stream(Joined).strict();
    assert!(poll(&mut strict).is_pending());
    drop(strict);
    leaves_nothing(&room);
}

#[test]
fn it_ends_after_the_queue_when_the_emitter_is_gone_or_its_listeners_are() {
    for removes in [true, false] {
        let room = Room::new();
        let (wakes, waker) = waker();
        let mut visitors = room.stream(Joined);
        assert!(Pin::new(&mut visitors).poll_next(&mut Context::from_waker(&waker)).is_pending());
        join(&room, &["ada"]);
        assert_eq!(wakes.count(), 1);
        if removes {
            room.remove_all()
        } else {
            drop(room)
        }
        assert_eq!(visitors.size_hint(), (1, Some(1)));
        assert!(!visitors.is_terminated());
        assert_eq!(drain(&mut visitors), (strings(&["ada"]), true));
        assert!(visitors.is_terminated());
        assert_eq!(block_on(visitors.next()), None);
    }
}

#[test]
fn what_a_full_queue_loses_is_counted() {
    for (overflow, left, dropped) in [
        (Overflow::DropOldest, &["c", "d"][..], 2),
        (Overflow::DropNewest, &["a", "b"], 2),
        (Overflow::Latest, &["d"], 3),
    ] {
        let room = Room::new();
        let mut visitors = room.stream(Joined).capacity(2).overflow(overflow);
        join(&room, &["a", "b", "c", "d"]);
        assert_eq!((visitors.lag(), visitors.dropped()), (left.len(), dropped), "{overflow:?}");
        assert_eq!(drain(&mut visitors), (strings(left), false), "{overflow:?}");
        assert_eq!((visitors.lag(), visitors.dropped()), (0, dropped));
        join(&room, &["e"]);
        assert_eq!(drain(&mut visitors), (strings(&["e"]), false), "{overflow:?}");
    }
}

#[test]
fn a_capacity_of_none_is_one_and_a_smaller_one_shortens_the_queue() {
    let room = Room::new();
    let visitors = room.stream(Joined);
    join(&room, &["a", "b", "c"]);
    let mut visitors = visitors.capacity(0);
    join(&room, &["d"]);
    assert_eq!(visitors.dropped(), 3);
    assert_eq!(drain(&mut visitors).0, ["d"]);
    let mut first = room.stream(Joined).capacity(0).overflow(Overflow::DropNewest);
    join(&room, &["e", "f"]);
    assert_eq!(drain(&mut first).0, ["e"]);
}

#[test]
fn by_default_256_events_may_wait_and_the_oldest_goes() {
    let room = Room::new();
    let mut visitors = room.stream(Joined);
    (0..257).for_each(|n| join(&room, &[&n.to_string()]));
    assert_eq!((visitors.lag(), visitors.dropped()), (256, 1));
    assert_eq!(block_on(visitors.next()).as_deref(), Some("1"));
}

#[test]
fn what_is_not_kept_is_not_cloned() {
    struct Counted(Rc<Cell<usize>>);
    impl Clone for Counted {
        fn clone(&self) -> Self {
            self.0.set(self.0.get() + 1);
            Self(Rc::clone(&self.0))
        }
    }
    events! { Mine { Touched(&Counted) } }
    let (mine, clones) = (Mine::new(), Rc::default());
    let stream = mine.stream(Touched).capacity(1).overflow(Overflow::DropNewest);
    let touched = Counted(Rc::clone(&clones));
    for _ in 0..5 {
        mine.emit(Touched, &touched);
    }
    assert_eq!((clones.get(), stream.dropped()), (1, 4));
}

#[test]
fn a_strict_stream_ends_with_an_error() {
    let room = Room::new();
    let mut visitors = room.stream(Joined).capacity(2).strict();
    join(&room, &["a", "b"]);
    assert_eq!(room.listener_count(Joined), 1);
    join(&room, &["c"]);
    leaves_nothing(&room);
    let (items, ended) = drain(&mut visitors);
    assert!(ended && visitors.is_terminated());
    assert_eq!(items[..2], [Ok("a".into()), Ok("b".into())]);
    assert!(matches!(items[2], Err(Overflowed { capacity: 2, .. })));
    assert_eq!(items.len(), 3);

    let mut fine = room.stream(Joined).strict();
    join(&room, &["a"]);
    room.remove_all();
    assert_eq!(drain(&mut fine), (vec![Ok("a".into())], true), "an end that is none of that");
}

/// A source that can pause, and a queue of what it still has to say.
#[derive(Clone, Default)]
struct Feed(Rc<Inner>);

#[derive(Default)]
struct Inner {
    emitter: EventEmitter<Feed>,
    paused: Cell<bool>,
    rest: RefCell<Vec<u32>>,
    log: RefCell<String>,
}

events! { for Feed { Item(u32) } }

impl Emitter for Feed {
    fn listeners(&self) -> &Listeners<Self> {
        &self.0.emitter
    }
}

impl Pausable for Feed {
    fn pauser(&self) -> impl Fn(bool) + 'static {
        let weak = Rc::downgrade(&self.0);
        move |pause| {
            let Some(inner) = weak.upgrade() else { return };
            inner.log.borrow_mut().push(if pause { 'p' } else { 'r' });
            inner.paused.set(pause);
            Self(inner).run(); // inside of the call: the rudest there can be
        }
    }
}

impl Feed {
    fn with(items: u32) -> Self {
        let feed = Self::default();
        feed.0.rest.borrow_mut().extend((0..items).rev());
        feed
    }

    fn run(&self) {
        while !self.0.paused.get() {
            let Some(item) = self.0.rest.borrow_mut().pop() else { break };
            self.0.emitter.emit(self, Item, item);
        }
    }

    fn left(&self) -> usize {
        self.0.rest.borrow().len()
    }
}

#[test]
fn a_stream_that_blocks_pauses_its_source_and_loses_nothing() {
    let feed = Feed::with(100);
    let mut items = feed.stream(Item).capacity(4).block();
    feed.run();
    assert_eq!((items.lag(), feed.left()), (4, 96));
    assert_eq!(block_on(items.next()), Some(0));
    assert!(feed.0.paused.get(), "three are still there");
    assert_eq!(block_on(items.next()), Some(1));
    assert_eq!((items.lag(), feed.left()), (4, 94), "half is gone: it went on, and paused again");
    let all: Vec<u32> = drain(&mut items).0;
    assert_eq!(all, (2..100).collect::<Vec<_>>());
    assert_eq!((items.dropped(), feed.0.paused.get()), (0, false));
    assert!(feed.0.log.borrow().starts_with("prprp"));
}

/// It is asked to pause once, and what it still says is taken.
#[test]
fn a_source_that_is_slow_to_rest_loses_nothing() {
    let feed = Feed::default();
    let mut items = feed.stream(Item).capacity(2).block();
    for item in 0..5 {
        feed.0.emitter.emit(&feed, Item, item);
    }
    assert_eq!((items.lag(), items.dropped(), feed.0.log.borrow().as_str()), (5, 0, "p"));
    assert_eq!(drain(&mut items).0, [0, 1, 2, 3, 4]);
    assert_eq!(feed.0.log.borrow().as_str(), "pr");
}

#[test]
fn a_source_goes_on_when_the_stream_is_dropped_or_its_listener_removed() {
    for drops in [true, false] {
        let feed = Feed::with(10);
        let items = feed.stream(Item).capacity(1).block();
        feed.run();
        assert_eq!((feed.0.paused.get(), feed.left()), (true, 9));
        if drops {
            drop(items)
        } else {
            feed.remove_all()
        }
        assert_eq!((feed.0.paused.get(), feed.left()), (false, 0));
        assert_eq!(feed.event_names(), [""; 0]);
    }
}

#[test]
fn a_stream_that_blocks_does_not_keep_its_source_alive() {
    let feed = Feed::with(3);
    let mut items = feed.stream(Item).capacity(2).block();
    feed.run();
    let weak = Rc::downgrade(&feed.0);
    drop(feed);
    assert!(weak.upgrade().is_none());
    assert_eq!(drain(&mut items), (vec![0, 1], true));
}

/// What is emitted while an event is being queued is queued too.
#[test]
fn events_from_inside_of_a_clone_and_a_destructor_are_not_missed() {
    struct Nested(Mine, u8);
    impl Clone for Nested {
        fn clone(&self) -> Self {
            if self.1 == 0 {
                self.0.emit(Touched, &Self(self.0.clone(), 1));
            }
            Self(self.0.clone(), self.1)
        }
    }
    impl Drop for Nested {
        fn drop(&mut self) {
            if self.1 == 1 {
                self.0.emit(Touched, &Self(self.0.clone(), 2));
            }
        }
    }
    events! { Mine { Touched(&Nested) } }
    let mine = Mine::new();
    let mut stream = mine.stream(Touched).capacity(2);
    mine.emit(Touched, &Nested(mine.clone(), 0));
    let seen: Vec<u8> =
        (0..stream.lag()).map(|_| block_on(stream.next()).expect("queued").1).collect();
    assert_eq!(seen, [0, 2], "what made the destructor run was queued before it ran");
    mine.remove_all();
}

/// A strict stream that overflows while an event is being cloned: that event is too late.
#[test]
fn nothing_comes_after_the_end() {
    struct Nested(Mine, u8);
    impl Clone for Nested {
        fn clone(&self) -> Self {
            if self.1 == 0 {
                self.0.emit(Touched, &Self(self.0.clone(), 1));
                self.0.emit(Touched, &Self(self.0.clone(), 2));
            }
            Self(self.0.clone(), self.1)
        }
    }
    events! { Mine { Touched(&Nested) } }
    let mine = Mine::new();
    let mut stream = mine.stream(Touched).capacity(1).strict();
    mine.emit(Touched, &Nested(mine.clone(), 0));
    assert_eq!(mine.listener_count(Touched), 0);
    let seen: Vec<_> = drain(&mut stream).0.into_iter().map(|item| item.map(|n| n.1)).collect();
    assert!(matches!(seen[..], [Ok(1), Err(Overflowed { .. })]), "{seen:?}");
}

/// Dropping what `next` returns loses nothing: the stream has the queue.
#[test]
fn a_dropped_poll_loses_nothing() {
    let room = Room::new();
    let mut visitors = room.stream(Joined);
    drop(visitors.next());
    join(&room, &["ada"]);
    drop(visitors.next());
    let next = block_on(poll_fn(|cx| Pin::new(&mut visitors).poll_next(cx)));
    assert_eq!(next.as_deref(), Some("ada"));
}

#[test]
fn it_says_how_it_is() {
    let room = Room::new();
    let visitors = room.stream(Joined).capacity(1);
    join(&room, &["a", "b"]);
    assert_eq!(
        format!("{visitors:?}"),
        r#"Events { emitter: "Room", event: "Joined", lag: 1, dropped: 1, capacity: 1, ended: false }"#
    );
}
