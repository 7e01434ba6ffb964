//! The emitter for many threads: the same events, the same methods, `Send` and `Sync`.
//!
//! ```
//! use onward::{events, sync::Emitter};
//!
//! events! {
//!     /// What happens in a chat room.
//!     pub sync Room {
//!         /// Somebody came in.
//!         Joined(&str),
//!         /// It is over.
//!         Closed(),
//!     }
//! }
//!
//! let room = Room::new();
//! let mut seen = 0;
//! room.on(Joined, move |_, name| {
//!     seen += 1;
//!     println!("{name} is visitor {seen}");
//! });
//! room.once(Closed, |_, ()| println!("closed"));
//!
//! std::thread::scope(|threads| {
//!     for name in ["ada", "bob", "eve"] {
//!         let room = &room; // or a clone, which shares the listeners
//!         threads.spawn(move || room.emit(Joined, name));
//!     }
//! });
//! room.emit(Closed, ());
//! ```
//!
//! `events! { sync Room { .. } }` makes such an emitter. A type of your own owns an [`EventEmitter`] and
//! implements [`Emitter`]. Declarations, payloads, errors, [`Listener`](crate::emitter::Listener) and
//! [`Emitted`](crate::emitter::Emitted) are those of [`onward::emitter`](crate::emitter), and so are its
//! rules; this page says what many threads add to them.
//!
//! # Listeners
//!
//! A listener runs on the thread that emits. It is `Send`, and as a rule an `FnMut`, which runs on one thread
//! at a time: nothing that it captures needs a lock. [`on_reentrant`](Emitter::on_reentrant) takes an `Fn`
//! that is `Sync`, and runs on any number of threads at once.
//!
//! ```compile_fail,E0277
//! use onward::{events, sync::Emitter};
//!
//! events! { sync Room { Joined(&str) } }
//! let seen = std::rc::Rc::new(std::cell::Cell::new(0)); // an `Arc` with an atomic would do
//! Room::new().on(Joined, move |_, _| seen.set(seen.get() + 1));
//! ```
//!
//! # Two threads
//!
//! **An event is emitted by one thread at a time.** Another one that emits the same event of the same
//! emitter waits for its turn. So all listeners see all emits in one order, that of each thread, and nothing is
//! lost or torn. Different events, and different emitters, have nothing to do with each other. Events
//! whose listeners all are re-entrant have no turns: any number of threads emit them at once.
//!
//! **That cannot deadlock.** Let one thread be in a listener of `Ping`, and emit `Pong`; another one in a
//! listener of `Pong`, and emit `Ping`. The first one waits for the second; were the second to wait for the first,
//! in turn, both would for ever. This is seen, whatever the length of the circle, and who would close it is
//! lent the turn, of which the owner has no use while it waits. Its emit is like one from inside of
//! the other's listener: it calls all but those that run, which it counts in
//! [`Emitted::skipped`](crate::emitter::Emitted::skipped). One thread that emits `Ping` inside of `Pong` inside
//! of `Ping` gets exactly this.
//!
//! Threads that wait for each other in other ways still can. Do not emit while you hold a lock that a
//! listener of that event wants, and do not wait in a listener for a thread that emits the same event.
//!
//! **No lock is held while your code runs.** A listener may do what it likes with the emitter, on any thread: no
//! other method ever waits, but [`off_and_wait`](Emitter::off_and_wait), which says so, and those that add or remove
//! where somebody [watches](Watching) or a [relay](Routing::relay) leads to. The same goes for destructors of what
//! listeners capture, for payloads that are cloned, and for wakers.
//!
//! # The same as for one thread
//!
//! | | |
//! |---|---|
//! | [`Emitter`] | `on`, `once`, `many`, `prepend`, `prepend_once`, `on_group`, `on_when`, `on_weak`, `on_reentrant`, `on_scoped`, `guard`, `block`, `off`, [`off_and_wait`](Emitter::off_and_wait), `remove_all`, `remove_all_of`, `listener_count`, `event_names` |
//! | [`Waiting`] | `next`, `next_or_error`, `stream`, `stream_or_error`: futures and streams that are `Send`, on any executor; [`first`](crate::emitter::first) takes these too |
//! | [`Watching`] | `on_any`, `dump`, `set_max_listeners`; the events [`ListenerAdded`](crate::events::ListenerAdded), [`ListenerRemoved`](crate::events::ListenerRemoved), [`ListenerLeak`](crate::events::ListenerLeak) |
//! | [`Routing`] | `intercept`, `relay`, `relay_map`, `relay_with`, `on_try`; both ends of a relay are for many threads |
//! | [`Options`] | `isolate_panics`, `max_depth` |
//!
//! The traits are [`onward::events`](mod@crate::events)' too, so that `use onward::events::*;` brings them in.
//!
//! # What there is not
//!
//! - **`on_state`.** Its `RefCell` would be a lock, held while a listener runs, and a listener that wants the same lock
//!   on another thread, or further in, would wait for ever. [`on_weak`](Emitter::on_weak) with an `Arc<Mutex<T>>` says
//!   where the lock is taken.
//! - **`Removal::Snapshot`.** An emit walks over the list as it is, and takes no copy, so it cannot come to what was
//!   removed; and what [`off`](Emitter::off) promises to other threads would be gone: an emit that began long ago could
//!   call the listener long after. Removed means removed.
//! - **`block` of streams.** A source that pauses would keep the thread that emits waiting for the one that takes, which
//!   may wait for it. A stream is bounded, and says what it loses.
//! - **`emit_later`, `on_async`.** They belong to a loop, and so to one thread. `remote().post(..)` has another thread's
//!   loop emit.
//! - **`named`.** Names and keys are for one thread.
//!
//! # Removing
//!
//! [`off`](Emitter::off) does not wait (unless somebody listens for `ListenerRemoved`, see [`Watching`], or a relay leads
//! to the event). After it has returned, no emit on this thread, and none that begins on another, calls the listener; one
//! that is under way on another thread may be just about to.
//! [`off_and_wait`](Emitter::off_and_wait) waits for that one: after it has returned, the listener does not run
//! and is never called again.
//!
//! What a listener captures is dropped as it is removed; or, if its event is being emitted, when that
//! has ended, by the thread that ends it. For one thread it may be sooner: there it is dropped when the
//! listener returns.
//!
//! # Panics
//!
//! As for one thread: a listener's panic passes out of the `emit` that called it. Nothing is poisoned; other
//! threads do not notice. [`Options::isolate_panics`] has it caught and reported, and emits of one thread that go round
//! in a circle end in a panic that names them.
//!
//! # Cost
//!
//! An emit takes no lock and does not allocate: two atomic operations, on memory that no other thread
//! writes as long as no other emits or removes, and one indirect call for each listener. To add takes two more, to remove
//! three. With re-entrant listeners only, each thread writes to a cache line of its own, of which such an event has a kilobyte.
//! Who has to wait for a turn looks again a few times, then sleeps. A listener is one allocation, of six words (48 bytes)
//! beside its closure, and two words in a vector.
//!
//! On Linux, with the feature `membarrier`, these atomic operations fall away while one thread is the only one that comes to
//! an event: when it has come 64 times in a row. Another thread that comes then has the system interrupt all threads of
//! the process for a moment, which takes some hundred nanoseconds or more; and from then on it takes eight times as many to become
//! one thread's again. So what threads share settles on atomic operations, and all else does without. Where the system has
//! no such call, or does not allow it, all is as without the feature. For an event that has, or ever had, re-entrant
//! listeners (to await it is one) only emits gain.
//!
//! Interceptors, options, and those who hear all events have an emit go a longer way, which it chooses by the same look
//! that tells it whether there are listeners at all. To add and to remove ask, before and after, whether anybody ever
//! watched, or relayed to it.

#[macro_use]
mod kinds;
mod book;
mod careful;
mod core;
mod emission;
mod fences;
mod habit;
mod handles;
mod links;
mod listeners;
mod node;
mod options;
mod primitives;
mod readers;
mod relaying;
mod routing;
mod row;
mod sharing;
mod stamp;
mod standing;
mod subscribing;
mod turn;
mod waiting;
mod walk;
mod watch;
mod watching;

pub use emission::EventEmitter;
pub use handles::{Block, StillRunning, Subscription, Subscriptions};
pub use listeners::Listeners;
pub use options::Options;
pub use relaying::{Downgrade, Raise, Relay};
pub use routing::Routing;
#[doc(hidden)]
pub use sharing::Threads;
pub use subscribing::Emitter;
pub use waiting::{Events, Next, NextOrError, Strict, Waiting};
pub use watch::Recall;
pub use watching::Watching;
