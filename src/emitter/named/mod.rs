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
//! The methods are those of [`Emitter`](crate::Emitter), with the same meaning. Everyone who has the emitter may emit; a
//! type that wants to keep that to itself keeps the emitter private.
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
//! removed is not called any more.
//!
//! # Re-entrancy
//!
//! No borrow is held while a listener or a destructor of its captures runs: it may add a thousand names, remove all, emit
//! any. Only the `Eq` of a [`Key`] may not change the emitter that is looking for it.
//!
//! # Errors
//!
//! [`BadPattern`] for a text that is no pattern, and nothing else. There is no `emit_error`: `error` is a name like any
//! other here.
//!
//! # Cost
//!
//! A name takes up memory as long as it has listeners: when the last has gone, removed or run out, during an emit too,
//! so has its entry, and the tables shrink. To emit to a name or a key hashes it, with `ahash`, looks it up, and calls
//! the listeners; it allocates nothing. Patterns cost nothing while there are none. As long as there are any, an emit to
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
