//! x
mod core;
mod emitter;
mod key;
mod listening;
mod matching;
mod name;
mod pattern;
mod payload;
mod shelf;

pub use emitter::NamedEmitter;
pub use key::{Find, Key, Payload, Select};
pub use name::{Name, NameRef};
pub use pattern::{BadPattern, Pattern};
