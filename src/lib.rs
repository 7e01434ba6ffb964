//! onward
#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(unsafe_code)]

extern crate alloc;

#[cfg(feature = "std")]
mod error;
#[path = "events.rs"]
mod names;

pub mod emitter;
#[cfg(feature = "event-loop")]
pub mod event_loop;
#[cfg(feature = "event-loop")]
pub mod stream;
#[cfg(feature = "event-loop")]
mod io;
#[cfg(feature = "net")]
pub mod net;
#[cfg(feature = "fs")]
pub mod fs;
#[cfg(feature = "process")]
pub mod process;

pub mod events {
    //! The events that many emitters share.
    pub use crate::names::*;
    pub use crate::emitter::Emitter as _;
    #[cfg(feature = "event-loop")]
    pub use crate::stream::{ReadControl as _, Readable as _, Writable as _, WriteControl as _};
}

pub use emitter::{Emitter, EventEmitter, Listeners};
#[cfg(feature = "std")]
pub use error::{Error, ErrorKind, Result};
#[cfg(feature = "event-loop")]
pub use event_loop::*;
