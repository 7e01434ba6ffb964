//! Between streams, which tell, and `futures-io`, which is asked.
//!
//! | from | to | take |
//! |---|---|---|
//! | a socket | an `AsyncRead` and `AsyncWrite` that is `Send` | [`Socket::into_io`](crate::net::Socket::into_io), an [`AsyncIo`] |
//! | any stream to read: a file, lines, one of the program's own | an `AsyncRead` | [`reader`] |
//! | any stream to write | an `AsyncWrite` | [`writer`] |
//! | any `AsyncRead` | a stream that tells `Data` and `End` | [`source`] |
//! | any `AsyncWrite` | a stream to write and to pipe to | [`sink`] |
//!
//! ```
//! use futures_lite::AsyncReadExt as _;
//! use onward::{events::*, fs::ReadStream, io};
//!
//! onward::run(|| {
//!     let mut file = io::reader(&ReadStream::open("Cargo.toml")?);
//!     onward::spawn_or_fail(async move {
//!         let mut text = String::new();
//!         file.read_to_string(&mut text).await?;
//!         assert!(text.contains("onward"));
//!         Ok(())
//!     });
//!
//!     let cursor = futures_lite::io::Cursor::new("as long as you like");
//!     io::source(cursor)?.on(Data, |_, chunk| println!("{} bytes", chunk.len()));
//!     Ok(())
//! })?;
//! # Ok::<(), onward::Error>(())
//! ```
//!
//! Each stream of bytes on the loop that has a system below has the same engine between readiness and its events. It
//! lives here, and has no public face of its own.

mod async_io;
mod corking;
mod duplex;
mod finishing;
mod from_futures;
mod gathering;
mod hangup;
mod leaving;
mod plain;
mod pulling;
mod reader;
mod reading;
mod seams;
#[cfg(test)]
mod simulated;
mod state;
mod writer;
mod writing;

pub use async_io::AsyncIo;
pub use from_futures::{sink, source};
pub use reader::{Reader, reader};
pub use writer::{Writer, writer};

pub(crate) use async_io::into_io;
pub(crate) use corking::{cork, dispatch, send_waiting, set_autocork, uncork};
pub(crate) use duplex::{
    Duplex, attach, destroy, enroll, establish, hold, listen, pause, ready, release, resume,
};
pub(crate) use finishing::end;
pub(crate) use gathering::{gather, keep};
pub(crate) use hangup::{await_hangup, discard_input};
pub(crate) use leaving::send_all;
pub(crate) use reading::readable;
pub(crate) use seams::{ByteHandle, Endpoint};
pub(crate) use writing::{write, write_chunk, write_then};
