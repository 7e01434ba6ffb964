//! Files: [`ReadStream`] reads, [`WriteStream`] writes, neither makes the loop wait.
//!
//! ```
//! use onward::events::*;
//! use onward::fs::{ReadStream, WriteStream};
//!
//! let copy = std::env::temp_dir().join("onward-doc-fs");
//! let path = copy.clone();
//! onward::run(move || {
//!     let from = ReadStream::open("Cargo.toml")?;
//!     let to = from.pipe(&WriteStream::create(path)?);
//!     to.on(Finish, |to, ()| println!("{} bytes copied", to.bytes_written()));
//!     Ok(())
//! })?;
//! assert_eq!(std::fs::read("Cargo.toml")?, std::fs::read(&copy)?);
//! # std::fs::remove_file(copy)?;
//! # Ok::<(), onward::Error>(())
//! ```
//!
//! # How it works
//!
//! ```text
//!                   regular file, Linux:  what is cached, on the loop ─┐
//!   open ── what ──  regular file:         the pool ────────────────────┼─> Data, Drain, Finish
//!          is it?    FIFO, terminal, pipe: the poller, then on the loop ─┘
//! ```
//!
//! A file that is always being read yields to the rest of the loop after each 256 KiB.

mod life;
mod open;
mod read;
mod read_options;
mod reading;
mod seat;
mod sys;
mod write;
mod write_options;
mod writing;

pub use read::{ReadEvent, ReadStream};
pub use read_options::ReadOptions;
pub use write::{WriteEvent, WriteStream};
pub use write_options::WriteOptions;
