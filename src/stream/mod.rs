//! Byte streams without any input or output: states, queues, and how to connect two of them.
//!
//! [`Readable::pipe`] connects anything that can be read to anything that can be written:
//!
//! ```no_run
//! use onward::events::*;
//! use onward::{fs::ReadStream, net::Server};
//!
//! onward::run(|| {
//!     let server = Server::listen("127.0.0.1:7000")?;
//!     server.on(Connection, |_, socket| match ReadStream::open("motd.txt") {
//!         Ok(file) => drop(file.pipe(&socket)),
//!         Err(error) => onward::fail(error),
//!     });
//!     Ok(())
//! })
//! # ?; Ok::<(), onward::Error>(())
//! ```

mod callbacks;
mod chunks;
mod collector;
mod duplex;
mod finished;
mod handles;
mod inlet;
mod intake;
mod life;
mod newline;
mod outcome;
mod outlet;
mod pieces;
mod pipe;
mod pipeline;
mod prefix;
mod rate;
mod readable;
mod reader;
mod sink;
mod source;
mod split;
mod traits;
mod transform;
mod writable;

pub use collector::Collector;
pub use duplex::{Duplex, DuplexEvent};
pub use newline::{Newline, lines};
pub use outcome::{Done, Outcome};
pub use prefix::{Prefix, frames};
pub use rate::Rate;
pub use sink::{Sink, SinkEvent};
pub use source::{Source, SourceEvent};
pub use split::Splitter;

pub use finished::{both_finished, ended, finished};
pub use pieces::{Pieces, PiecesEvent, pieces};
pub use pipe::PipeOptions;
#[doc(hidden)]
pub use pipe::{Group, Verdict};
pub use pipeline::{Sinks, Stages, pipeline, tee};
pub use traits::{ReadControl, Readable, Writable, WriteControl};
#[doc(hidden)]
pub use traits::{ReadEar, WriteEar};

pub use writable::WhenFull;

pub(crate) use callbacks::Callback;
pub(crate) use readable::Flow;
pub(crate) use writable::WriteQueue;
