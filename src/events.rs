//! The events that many emitters share, and the traits to listen for them.
//!
//! Each event is a unit type. What it carries belongs to the pair of emitter and event: a socket's
//! [`Data`] carries `&[u8]`, a line splitter of yours may well let it carry `&str`. Each emitter's page
//! says what its events carry.
//!
//! `use onward::events::*;` brings in all of them, and the methods `on`, `once`, `pipe`, ... with them.
//! Things of your own that share a name with one of these win over it.
//!
//! ```
//! use onward::events::*;
//!
//! #[derive(Debug)]
//! struct Error; // your own; the event is still there as `onward::events::Error`
//! assert_ne!(format!("{Error:?}"), format!("{Data:?}"));
//! ```

pub use crate::emitter::names::*;
pub use crate::emitter::{Emitter as _, Routing as _, Waiting as _, Watching as _};
#[cfg(feature = "event-loop")]
pub use crate::on_async::OnAsync as _;
#[cfg(feature = "event-loop")]
pub use crate::stream::{ReadControl as _, Readable as _, Writable as _, WriteControl as _};
#[cfg(feature = "std")]
pub use crate::sync::{Emitter as _, Routing as _, Waiting as _, Watching as _};
