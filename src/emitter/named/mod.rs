//! Events that are found at run time: by a name, by a key that carries data, by a pattern of names.
//!
//! [`events!`](crate::events!) is for what is known when a program is written. Where the events come with the data, rooms
//! and topics and players, there is the [`NamedEmitter`]. Its payloads are typed all the same: a name
//! has its payload's type with it.
//!
//! ```
//! use onward::emitter::named::{Key, Name, NamedEmitter};
//!
//! const CHAT: Name<str> = Name::new("chat");
//!
//! /// The score of a player has changed.
//! #[derive(Debug, PartialEq, Eq, Hash)]
//! struct Player(u32);
//!
//! impl Key for Player {
//!     type Payload = u32;
//! }
//!
//! let emitter = NamedEmitter::new();
//! emitter.on(CHAT, |_, line| println!("{line}"));
//! emitter.on(Name::<[u8]>::owned(format!("room-{}", 7)), |_, bytes| println!("{}", bytes.len()));
//! emitter.on(Player(7), |emitter, score| {
//!     emitter.emit(CHAT, &format!("player 7 has {score}"));
//! });
//! emitter.on_pattern::<str>("chat.**", |_, (name, line)| println!("{name}: {line}"))?;
//!
//! assert_eq!(emitter.emit(Player(7), &10).called, 1);
//! assert_eq!(emitter.emit(CHAT, "hello").called, 2);
//! # Ok::<(), onward::emitter::named::BadPattern>(())
//! ```
//!
//! | to listen for | take | the listener is handed |
//! |---|---|---|
//! | a name | [`Name<T>`](Name), constant or made at run time | `&T` |
//! | a value of a type of yours | any [`Key`] | `&Key::Payload` |
//! | all names of a form | [`Pattern<T>`](Pattern), with `*` and `**` | `(&str, &T)` |
//!
//! Everyone who has the emitter may emit; a type that wants to keep that to itself keeps the emitter private.
//!
//! # The methods
//!
//! They are those of other emitters, with the same names and the same meaning. They are the type's own, for an event is a
//! value here, where the traits know it by its type.
//!
//! | of | here | what is different |
//! |---|---|---|
//! | [`Emitter`](crate::Emitter) | `on`, `once`, `many`, `prepend`, `prepend_once`, `on_group`, `on_when`, `on_weak`, `on_state`, `on_reentrant`, `on_scoped`, `guard`, `block`, `off`, `remove_all`, `remove_all_of`, `listener_count`, `event_names` | take a name, a key or a pattern; `on_pattern` is short for the latter |
//! | [`Routing`](crate::Routing) | `intercept`, `relay`, `relay_map`, `relay_with`, `on_try` | relays lead to and from declared events too; `on_try` is told the name of its errors |
//! | [`Waiting`](crate::Waiting) | `next`, `next_or_error`, `stream`, `stream_or_error`; [`first`](super::first()) takes them | are told the name of the errors |
//! | [`Watching`](crate::Watching) | `dump`, `set_max_listeners`, `max_listeners` | |
//! | events of every emitter | [`ListenerAdded`](crate::events::ListenerAdded), [`ListenerRemoved`](crate::events::ListenerRemoved), [`ListenerLeak`](crate::events::ListenerLeak) | the last comes at once with a guard too, whose emitter is always found |
//! | [`EventEmitter`](crate::EventEmitter) | `emit`, `emit_error`, `with_options`; on a loop `emit_later`, `emit_async`, `emit_serial` | `emit_error` is told the name |
//! | `OnAsync`, on a loop | `on_async`, `on_try_async` | |
//!
//! And what there is not, and why:
//!
//! - `on_any`: nobody can list in an enum what is found at run time. A pattern `**` hears all names that carry a `T`.
//! - `ErrorMonitor`: no name is an error but by what is done with it. An interceptor of the name sees each one
//!   first, and does not count.
//! - Interceptors, relays and waiting take a [`Pattern`], but a relay does not lead to one: there has to be a name to raise.
//! - `listener_added` and `recall` are for types that own an emitter, `clear` for those that have ended. A type that owns a
//!   `NamedEmitter` listens for `ListenerAdded`.
//! - [`Removal::Snapshot`](super::Removal::Snapshot) holds for names and keys, see
//!   [`with_options`](NamedEmitter::with_options).
//!
//! # What is the same event
//!
//! Equal keys of the same type. A `Name<str>` and a `Name<u32>` of the same text are two types, so two
//! events: a listener never meets another payload than its own, and nothing fails at run time. A wrong name is an event
//! that nobody listens to; [`Emitted::handled`](super::Emitted::handled) says so.
//!
//! # Ordering
//!
//! The rules are those of [typed events](super#ordering), for each name and key by itself. An emit to a name calls the name's
//! own listeners first, then those of all patterns that match, of the same payload type, in the order in which they were
//! registered. One that is added during the emit, to the name or as a pattern, is not called by it; one that is
//! removed is not called any more. Only interceptors of patterns come before the name's own listeners: what one of them
//! adds to the name is called by this emit still.
//!
//! # Re-entrancy
//!
//! No borrow is held while a listener or a destructor of its captures runs: it may add a thousand names, remove all, emit
//! any. So may the `Eq` and the `Hash` of a [`Key`].
//!
//! # Errors
//!
//! [`BadPattern`] for a text that is no pattern. `error` is a name like any other: what is emitted under it and must not get
//! lost goes by [`emit_error`](NamedEmitter::emit_error), which gives it back if nobody took it.
//!
//! # Cost
//!
//! A name takes up memory as long as it has listeners: when the last has gone, removed or run out, during an emit too,
//! so has its entry, and the table shrinks. A relay keeps the name that it leads to until it has ended. To emit to a name or a key hashes it, with `ahash`, looks it up, and calls
//! the listeners; it allocates nothing, and takes about as long as a bare map of vectors of closures would. A key
//! of a type of yours takes a little longer: nothing is borrowed while it is compared. Patterns cost nothing while there are none. As long as there are any, an emit to
//! something that has a name compares it with all patterns of its payload type.
//!
//! Each emitter hashes with keys of its own: random ones with the feature `std`; without it there is
//! no source of randomness, and somebody who may choose names might find ones that collide.

mod core;
mod emitter;
mod entry;
mod key;
mod listening;
mod matching;
mod name;
mod name_ref;
mod ours;
mod pattern;
mod payload;
mod places;
mod routing;
mod seat;
mod spot;
mod table;
mod waiting;
mod watch;
mod watching;

pub use emitter::NamedEmitter;
pub use key::{Find, Key, Owned, Payload, Select};
pub use name::Name;
pub use name_ref::NameRef;
pub use pattern::{BadPattern, Pattern};
