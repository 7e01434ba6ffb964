//! Typed events: declare what an object emits, listen, emit.
//!
//! ```
//! use onward::{Emitter, Waiting, events};
//!
//! events! {
//!     /// What happens in a chat room.
//!     pub Room {
//!         /// Somebody came in.
//!         Joined(&str),
//!         /// A line was said: by whom, and what.
//!         Said(&str, &str),
//!         /// It is over.
//!         Closed(),
//!     }
//! }
//!
//! let room = Room::new();
//! room.on(Joined, |room, name| {
//!     room.emit(Said, ("porter", &format!("welcome, {name}")));
//! });
//! room.on(Said, |_, (who, line)| println!("{who}: {line}"));
//! room.once(Closed, |_, ()| println!("good night"));
//!
//! room.emit(Joined, "ada"); // porter: welcome, ada
//! room.emit(Closed, ()); // good night
//! ```
//!
//! [`events!`](crate::events!) makes a unit type of each event. What an event carries belongs to
//! the pair of emitter and event: a borrowed `&str` or `&[u8]`, a `&mut T` that listeners change in
//! turn, a value, or several of these. To listen for an event that an emitter never emits does not
//! compile.
//!
//! Everything here belongs to one thread. [`onward::sync`](crate::sync) has the same for many.
//!
//! Events that are found at run time, by a name such as `room-7` or a key such as `Player(7)`, are those of
//! [`named`].
//!
//! Who comes from Node finds its words, and every difference, in [`from_node`].
//!
//! # Listening
//!
//! The methods are those of the trait [`Emitter`], one for each way to listen:
//!
//! | | |
//! |---|---|
//! | [`on`](Emitter::on) | every time |
//! | [`once`](Emitter::once) | one time; an `FnOnce` |
//! | [`many`](Emitter::many) | so many times |
//! | [`prepend`](Emitter::prepend), [`prepend_once`](Emitter::prepend_once) | every time, or one time, before all others |
//! | [`on_group`](Emitter::on_group) | every time, in a group of its priority, between those in front and the others |
//! | [`on_when`](Emitter::on_when) | only if a condition holds |
//! | [`on_reentrant`](Emitter::on_reentrant) | every time, also while it runs; an `Fn` |
//! | [`on_weak`](Emitter::on_weak), [`on_state`](Emitter::on_state) | as long as an object lives, which it is handed; to read, or to change |
//! | [`on_scoped`](Emitter::on_scoped) | until the returned [`Subscription`] is dropped |
//! | `on_async`, on a loop | every time; a future, see [Emitting](#emitting) |
//!
//! A listener is called with the emitter and the payload. All but `on_scoped` return a [`Listener`],
//! a small `Copy` value which does nothing by itself. With it the listener can be removed again:
//!
//! | | |
//! |---|---|
//! | [`off`](Emitter::off) | this one |
//! | [`remove_all_of`](Emitter::remove_all_of), [`remove_all`](Emitter::remove_all) | all of an event, all |
//! | [`guard`](Emitter::guard) | this one, when the returned [`Subscription`] is dropped |
//! | [`Subscriptions`] | a bag of those, which end together |
//! | [`block`](Emitter::block) | none: this one is silent as long as the returned [`Block`] lives |
//!
//! ```
//! # use onward::{Emitter, Waiting, events};
//! # events! { Room { Joined(&str) } }
//! # let room = Room::new();
//! let greeting = room.on(Joined, |_, name| println!("hello {name}"));
//! assert!(room.off(greeting));
//! ```
//!
//! # Emitting
//!
//! A type made by `events! { Room { .. } }` has `emit`, for everyone. A type of your own owns an
//! [`EventEmitter`] and implements `Emitter`; then everyone may listen, and only the type itself
//! raises events.
//!
//! [`Emitted`] says how many listeners were called.
//!
//! On a loop, `emit_later` emits right after the callback that runs: see
//! [`EventEmitter::emit_later`](crate::EventEmitter::emit_later). Listeners may be futures there, by
//! `on_async` of `onward::OnAsync`, and an emit may wait for them, by `emit_async` for all side by side, or by
//! `emit_serial` for one after the other.
//!
//! How an emitter is to behave, [`Options`] say:
//!
//! | | |
//! |---|---|
//! | [`removal`](Options::removal) | what becomes of those that are removed during an emit |
//! | [`max_depth`](Options::max_depth) | how many emits may be under way inside of one another |
//! | `isolate_panics` (feature `std`) | a listener that panics does not keep the others from being called |
//!
//! # Routing
//!
//! Who listens may also decide where an event goes, by the methods of the trait [`Routing`]:
//!
//! | | |
//! |---|---|
//! | [`intercept`](Routing::intercept) | before all listeners: may change a `&mut` payload, may stop the emit |
//! | [`on_try`](Routing::on_try) | may fail: its error becomes the emitter's error event |
//! | [`relay`](Routing::relay), [`relay_map`](Routing::relay_map), [`relay_with`](Routing::relay_with) | another emitter raises it too, as long as somebody listens there |
//!
//! ```
//! use std::ops::ControlFlow::{Break, Continue};
//!
//! use onward::{Emitter, Routing, events};
//!
//! events! { Room { Said(&mut String) } }
//! events! { Log { Line(&mut String) } }
//! let (room, log) = (Room::new(), Log::new());
//! room.intercept(Said, |_, line| if line.is_empty() { Break(()) } else { Continue(()) });
//! room.relay(Said, &log, Line);
//! log.on(Line, |_, line| println!("{line}"));
//!
//! assert!(room.emit(Said, &mut String::new()).stopped);
//! assert_eq!(room.emit(Said, &mut "hello".into()).called, 1);
//! ```
//!
//! # Ordering
//!
//! 1. Listeners run in the order in which they were registered, and have returned when `emit` does.
//! 2. A listener **added** during an emit of its event does not run in that emit.
//! 3. A listener **removed** during an emit does not run any more: removed means removed. What it
//!    captured is dropped at once, or when it returns if it is running. (Node calls it once more;
//!    [`Removal::Snapshot`], one of the [`Options`], does too.)
//! 4. `once` removes, then calls. It never runs twice, neither nested nor after a panic.
//!
//! ```
//! # use onward::{Emitter, Waiting, events};
//! # events! { Room { Closed() } }
//! # let room = Room::new();
//! room.once(Closed, |room, ()| {
//!     room.on(Closed, |_, ()| println!("not this time")); // rule 2
//!     assert_eq!(room.listener_count(Closed), 1); // rule 4: this one is gone already
//! });
//! assert_eq!(room.emit(Closed, ()).called, 1);
//! ```
//!
//! # Re-entrancy
//!
//! No borrow and no lock is held while a listener runs: it may add and remove listeners, itself
//! included, emit any event, and drop the emitter. So may a destructor of what a listener captured.
//!
//! If a listener's event is emitted again while it runs, an `on` listener is skipped in
//! that nested emit, since it is an `FnMut` that cannot be entered twice; [`Emitted::skipped`]
//! counts these. An `on_reentrant` listener recurses.
//!
//! Emits that call each other in a circle end in a panic that names them, before the stack overflows: see
//! [`Options::max_depth`].
//!
//! # Errors
//!
//! An emitter with an `error` line in its declaration has the event [`Error`](crate::events::Error)
//! and raises it with `emit_error`. That hands the error back as [`Unhandled`] if nobody listens, so
//! that it cannot get lost. [`ErrorMonitor`](crate::events::ErrorMonitor) sees errors first and does
//! not count as somebody.
//!
//! ```
//! use onward::{Emitter, Waiting, events, events::Error};
//!
//! events! { Room { error std::fmt::Error } }
//! let room = Room::new();
//! assert!(room.emit_error(std::fmt::Error).is_err());
//!
//! room.on(Error, |room, error| eprintln!("{room:?}: {error}"));
//! assert!(room.emit_error(std::fmt::Error).is_ok());
//! ```
//!
//! # Waiting
//!
//! Events can be awaited, on any executor; none is needed to listen:
//!
//! | | |
//! |---|---|
//! | [`next`](Waiting::next) | the next event of a kind |
//! | [`next_or_error`](Waiting::next_or_error) | the next event of a kind, or an error that comes first |
//! | [`first`] | the first of up to four of these, and which one it was |
//! | [`stream`](Waiting::stream) | all events of a kind, as a bounded [`Stream`](futures_core::Stream) |
//! | [`stream_or_error`](Waiting::stream_or_error) | all of a kind until an error, which comes last |
//!
//! ```
//! # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
//! # fn block_on<F: Future>(future: F) -> F::Output {
//! #     let (mut future, mut cx) = (pin!(future), Context::from_waker(Waker::noop()));
//! #     loop { if let Poll::Ready(output) = future.as_mut().poll(&mut cx) { return output } }
//! # }
//! use onward::emitter::{OneOf2, first};
//! use onward::{Emitter, Waiting, events};
//!
//! events! { Room { Joined(&str), Closed() } }
//! let room = Room::new();
//!
//! // Each of these listens from here on.
//! let mut visitors = room.stream(Joined);
//! let either = first((room.next(Closed), room.next(Joined)));
//! room.emit(Joined, "ada");
//! room.emit(Joined, "bob");
//! room.emit(Closed, ());
//!
//! block_on(async {
//!     assert_eq!(either.await, OneOf2::B(Ok("ada".to_string()))); // it came before `Closed`
//!     assert_eq!(visitors.next().await.as_deref(), Some("ada"));
//!     assert_eq!(visitors.next().await.as_deref(), Some("bob"));
//! });
//! ```
//!
//! A full stream drops the oldest event, or the newest, or all but the latest ([`Overflow`]), or pauses its source
//! ([`block`](Events::block)), or ends with an error ([`strict`](Events::strict)). How full it is, [`lag`](Events::lag) tells.
//! On a loop, `onward::timeout(duration, room.next(Joined)).await` waits for so long, and no longer.
//!
//! They listen from the moment they are made, not from the first poll, so nothing is missed in
//! between. What comes is cloned, or moved if it is a value, and kept until it is asked for: see
//! [`Waitable`]. Dropping them removes their listeners. They do not keep the emitter alive, and they
//! end when it does: a future with [`Gone`], a stream with `None`. To emit wakes a task, and never
//! polls it.
//!
//! # Watching
//!
//! Every emitter has three events of its own, which it alone raises, and which need not be declared:
//!
//! | | |
//! |---|---|
//! | [`ListenerAdded`](crate::events::ListenerAdded) | somebody is about to listen: a source may start |
//! | [`ListenerRemoved`](crate::events::ListenerRemoved) | somebody has gone: a source may stop |
//! | [`ListenerLeak`](crate::events::ListenerLeak) | an event has suspiciously many listeners |
//!
//! and these methods, of the trait [`Watching`]:
//!
//! | | |
//! |---|---|
//! | [`on_any`](Watching::on_any) | a listener for all events, which it gets as an enum to `match` on |
//! | [`dump`](Watching::dump) | all listeners as they are now, with the places where they were registered |
//! | [`set_max_listeners`](Watching::set_max_listeners) | how many listeners are not suspect yet |
//!
//! ```
//! use onward::events::{ListenerAdded, ListenerRemoved};
//! use onward::{Emitter, Watching, events};
//!
//! events! { Sensor { Reading(f64), Fault(&str), enum SensorEvent } }
//!
//! let sensor = Sensor::new();
//! sensor.on(ListenerAdded, |_, added| {
//!     if added.is(Reading) && added.others() == 0 {
//!         println!("the first one: start to measure");
//!     }
//! });
//! sensor.on(ListenerRemoved, |_, removed| {
//!     if removed.is(Reading) && removed.others() == 0 {
//!         println!("that was the last one: stop");
//!     }
//! });
//! sensor.on_any(|_, event| match event {
//!     SensorEvent::Reading(celsius) => println!("{celsius} degrees"),
//!     SensorEvent::Fault(what) => println!("broken: {what}"),
//! });
//!
//! let display = sensor.on(Reading, |_, celsius| println!("now {celsius}")); // the first one
//! sensor.emit(Reading, 20.5); // now 20.5; 20.5 degrees
//! sensor.off(display); // that was the last one
//! ```
//!
//! # Panics
//!
//! A listener's panic passes out of `emit`, the listeners after it are not called, and the emitter can be
//! used as before. A `once` listener that panicked is gone. With [`Options::isolate_panics`] it is caught and
//! reported as a value, and the others are called.
//!
//! The emitter itself panics in two cases: emits in a circle, as above; and the error of an
//! [`on_try`](Routing::on_try) listener that nobody takes, where no loop runs.
//!
//! # Tracing
//!
//! With the feature `tracing`, each emit is a span `emit` of the target `onward::emit`, at the level `TRACE`. Its fields are
//! `emitter`, `event`, `nesting` (how many emits it is inside of), `called`, `skipped` and `stopped`. Without the
//! feature there is nothing of it.
//!
//! ```
//! # #[cfg(feature = "tracing")] {
//! # use tracing::{Event, Metadata, Subscriber, span};
//! # static SPANS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
//! # struct Printing;
//! # impl Subscriber for Printing {
//! #     fn enabled(&self, of: &Metadata<'_>) -> bool { of.target() == "onward::emit" }
//! #     fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
//! #         println!("{:?}", span.values());
//! #         span::Id::from_u64(SPANS.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
//! #     }
//! #     fn record(&self, _: &span::Id, values: &span::Record<'_>) { println!("{values:?}") }
//! #     fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
//! #     fn event(&self, _: &Event<'_>) {}
//! #     fn enter(&self, _: &span::Id) {}
//! #     fn exit(&self, _: &span::Id) {}
//! # }
//! use onward::{Emitter, events};
//!
//! events! { Room { Joined(&str), Greeted(&str) } }
//! let room = Room::new();
//! room.on(Joined, |room, name| { room.emit(Greeted, name); });
//!
//! // `Printing` is a `tracing::Subscriber`; one of `tracing-subscriber` does as well.
//! tracing::subscriber::with_default(Printing, || {
//!     room.emit(Joined, "ada"); // emitter=Room event=Joined nesting=0, and inside of it
//!                               // emitter=Room event=Greeted nesting=1
//! });
//! # assert_eq!(SPANS.load(std::sync::atomic::Ordering::Relaxed), 3);
//! # }
//! ```
//!
//! # Lifetimes
//!
//! A listener lives as long as its emitter, if it is not removed. No handle keeps an emitter
//! alive. An emitter captured by a listener of its own is the one way to make a cycle; the listener
//! is handed the emitter so that there is no need to.
//!
//! # Cost
//!
//! An emitter nobody has listened to is a null pointer. The first listener makes a table with one pointer for each
//! event; each event with listeners has one allocation. A listener takes 24 bytes in it, and room for three words that
//! it captures; what captures more is boxed. To emit takes no lock, no hash, no allocation and no copy: one indirect
//! call for each listener. To add one at the end, and to remove the newest or the oldest, takes constant time; another
//! one is searched for. A listener added during an emit of its event is allocated by itself until that emit has ended.
//!
//! Those who watch are kept apart, in what is made for the first of them. Without any, an emit looks at one
//! byte more, beside the list that it looks for.

mod any;
mod aside;
mod awaiting;
mod chain;
mod core;
mod deciding;
mod dump;
mod emission;
mod event;
pub(crate) mod failing;
mod first;
mod frame;
pub mod from_node;
#[cfg(feature = "event-loop")]
mod handle;
mod held;
mod info;
mod intercepting;
#[cfg(feature = "std")]
mod isolation;
mod kept;
mod kind;
mod leaks;
mod list;
mod listener;
mod listeners;
mod macros;
#[cfg(feature = "named")]
pub mod named;
pub(crate) mod names;
mod nested;
mod next;
pub(crate) mod observing;
mod options;
mod pausable;
mod pausing;
mod place;
mod queue;
mod relaying;
mod routing;
mod row;
mod seldom;
mod sharing;
mod slot;
#[cfg(feature = "tracing")]
mod spans;
mod special;
mod spot;
mod streaming;
mod strict;
mod subscribing;
mod tally;
mod unhandled;
mod waiting;
mod walk;
mod watch;
mod watching;

pub use any::AnyEvent;
pub use awaiting::Waiting;
pub use dump::{Dump, EventDump, ListenerDump, ListenerKind, Position};
pub use emission::{Emitted, EventEmitter};
pub use event::{Declared, Event};
pub use first::{Armed, First, OneOf2, OneOf3, OneOf4, Race, first};
pub use held::Deferrable;
pub use info::ListenerInfo;
#[cfg(feature = "std")]
pub use isolation::ListenerPanic;
pub use kept::Waitable;
#[cfg(feature = "std")]
pub use leaks::on_leak;
pub use leaks::{Leak, default_max_listeners, set_default_max_listeners};
pub use listener::{Block, Listener, Subscription, Subscriptions};
pub use listeners::Listeners;
pub use next::{Gone, Next, NextError, NextOrError};
pub use options::{Options, Removal};
pub use pausable::Pausable;
pub use relaying::{Downgrade, EventOf, Raise, RaisedBy, Relay};
pub use routing::Routing;
pub use streaming::{Events, Overflow};
pub use strict::{Overflowed, Strict};
pub use subscribing::Emitter;
pub use unhandled::Unhandled;
pub use watch::Recall;
pub use watching::Watching;

// For what `events!` writes.
#[doc(hidden)]
pub use any::{Part, Unwritten, Written};
#[doc(hidden)]
pub use core::Core;
#[doc(hidden)]
pub use event::{Family, Listed, Rows, Table};
#[doc(hidden)]
pub use held::{Hold, Lend};
#[doc(hidden)]
pub use kept::{ByMut, ByRef, ByValue, Keep, Kept};
#[doc(hidden)]
pub use list::{AnyList, List, RawList};
#[doc(hidden)]
pub use seldom::Seldom;
#[doc(hidden)]
pub use sharing::{Local, Sharing};

// For what is on a loop.
#[cfg(feature = "event-loop")]
pub(crate) use handle::handle;

// For the emitter of many threads.
#[cfg(feature = "std")]
pub(crate) use {list::Place, listener::serial, listeners::At};

#[cfg(feature = "std")]
pub(crate) mod watches {
    //! For the emitter of many threads: what those get who watch.
    pub(crate) use super::any::{Any, Heard};
    pub(crate) use super::chain::{Counter, Nested, is_too_deep};
    pub(crate) use super::leaks::{kept, limit, report, shown};
    #[cfg(feature = "tracing")]
    pub(crate) use super::spans::traced;
}

#[cfg(feature = "std")]
pub(crate) mod waits {
    //! For the emitter of many threads: what its futures and streams are made of.
    pub(crate) use super::kept::Waitable;
    pub(crate) use super::next::Gone;
    pub(crate) use super::queue::{Ear as QueueEar, Queue};
    pub(crate) use super::streaming::{CAPACITY, OrError};
    pub(crate) use super::waiting::Waiting as Arrival;
}
