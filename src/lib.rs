//! onward
#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(unsafe_code)]

extern crate alloc;

#[cfg(feature = "std")]
mod error;
pub mod events;

//pub mod emitter;
#[cfg(feature = "event-loop")]
pub mod event_loop;
#[cfg(feature = "event-loop")]
pub mod stream;
#[cfg(feature = "event-loop")]
mod io;

#[cfg(feature = "std")]
pub use error::{Error, ErrorKind, Result};
#[cfg(feature = "event-loop")]
pub use event_loop::*;
