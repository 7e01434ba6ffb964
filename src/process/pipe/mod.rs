//! Pipes, and what else stands at a standard stream: [`PipeReader`] and [`PipeWriter`].

mod elsewhere;
mod fed;
mod name;
mod reader;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;
mod writer;

pub use reader::{PipeReadEvent, PipeReader};
pub use writer::{PipeWriteEvent, PipeWriter};

pub(super) use name::{Name, Owner};
#[cfg(unix)]
pub(crate) use unix::Bytes;
#[cfg(windows)]
pub(crate) use windows::Bytes;
