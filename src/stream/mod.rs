//! Byte streams without any input or output: how to make one, how to connect them, and what they have in common.
//!
//! Everything that is read emits [`Data`](crate::events::Data) and [`End`](crate::events::End), everything that is
//! written has `write` and `end`, and emits [`Drain`](crate::events::Drain) and [`Finish`](crate::events::Finish): files,
//! sockets, and what a program makes itself. So they fit together:
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
//!
//! # Connecting
//!
//! | to | take |
//! |---|---|
//! | write what is read from one to another | [`Readable::pipe`]; with one result for both, [`pipeline`] |
//! | the same with streams in between | [`pipeline`]`(&from, (&between, &to), done)` |
//! | give several the same | [`tee`]; the slowest decides |
//! | hear when one is through, and how it went | [`ended`], [`finished`], [`both_finished`] |
//! | read lines | [`lines`], or [`on_line`](Readable::on_line) to answer |
//! | read messages that say how long they are | [`frames`], or [`on_frame`](Readable::on_frame); what writes them is [`Prefix::frame`] |
//! | cut at something else | [`pieces`], with a [`Splitter`] of yours |
//! | have no more than so many bytes a second | [`Rate`] |
//!
//! # Making
//!
//! | Node | here |
//! |---|---|
//! | `new Readable({ read })`, `push` from outside | [`Source::pull`], [`Source::new`] |
//! | `Readable.from(iterable)` | [`Source::from_iter`] |
//! | `new Writable({ write })` | [`Sink::new`]; with a callback, [`Sink::with_done`]; `writev` is [`Sink::gathered`], `final` is [`before_finish`](Sink::before_finish) |
//! | `new Transform({ transform, flush })` | [`Duplex::transform`], [`Duplex::transform_with`] |
//! | `new PassThrough()` | [`Duplex::pass_through`] |
//! | `new Duplex({ read, write })` | [`Duplex::new`] |
//! | `duplexPair()` | [`Duplex::pair`] |
//! | lines and frames in a pipeline | [`Duplex::split`], [`Duplex::join_lines`], [`Duplex::join_frames`] |
//! | a sink for a test | [`Collector`] |
//!
//! ```
//! use onward::stream::{Duplex, Newline, Sink, Source, pipeline};
//!
//! onward::run(|| {
//!     let text = Source::from_iter(["one cat\ntwo d", "ogs\nthree cats\n"])?;
//!     let lines = Duplex::split(Newline, 1000)?;
//!     let cats = Duplex::transform(|line, out| {
//!         if line.windows(3).any(|word| word == b"cat") {
//!             out.push(line);
//!         }
//!     })?;
//!     let screen = Sink::new(|line| println!("{}", String::from_utf8_lossy(line)))?;
//!     pipeline(&text, (&lines, &cats, &screen), |result| println!("{result:?}"));
//!     Ok(())
//! })?;
//! # Ok::<(), onward::Error>(())
//! ```
//!
//! They live on the loop, but never keep it going: who will push to a [`Source`], or answer for a [`Sink`], does. A type
//! of your own is a stream when it implements [`ReadControl`] or [`WriteControl`] and emits the events.
//!
//! # Backpressure
//!
//! Nothing is read before somebody wants it: a stream flows from its first `Data` listener on, or from `resume`, or
//! when it is piped. `pause` stops it at once.
//!
//! `write` and `push` say `false` when as much waits as the mark allows (64 KiB, `set_high_water`). What was given is
//! taken all the same; the polite wait for `Drain`. Pipes are polite: the source is held until the sink has drained, and
//! a transform takes nothing while what it has made is not read, so that the slowest stage sets the pace and each
//! keeps about its mark. Who never waits meets the cap (`set_max_queued`, `set_when_full`).
//!
//! # The order of events
//!
//! | what is read | what is written |
//! |---|---|
//! | `Data`s, as they were pushed | `Drain`s, each with the callbacks of its writes behind it |
//! | `End`, after all `Data` | `Finish`, after [`end`](WriteControl::end), when all has been taken |
//! | `Error`, at most one, directly before `Close` | the same |
//! | `Close`, once, the last event; `true` after an error | the same |
//!
//! - No event comes from inside of the call that causes it: they come from ticks, `Error` and `Close` from the end of the
//!   turn. What closures return, and [`Done`], only takes note.
//! - `destroy` flips [`is_destroyed`](ReadControl::is_destroyed) at once; what waits is dropped, there is no `End` and no
//!   `Finish`, and the callbacks of writes hear so before `Error` and `Close`.
//! - A stream in both directions closes when both are through. An error is one of both.
//! - After `Close` a stream drops its closures and its listeners.

mod callbacks;
mod chunks;
mod collector;
mod cutting;
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
#[cfg(any(feature = "net", feature = "process"))]
pub(crate) use handles::write_control;
pub use pieces::{Pieces, PiecesEvent, pieces};
pub use pipe::PipeOptions;
#[doc(hidden)]
pub use pipe::{Group, Verdict};
pub use pipeline::{Sinks, Stages, pipeline, tee};
pub(crate) use traits::holds;
pub use traits::{ReadControl, Readable, Writable, WriteControl};
#[doc(hidden)]
pub use traits::{ReadEar, WriteEar};

pub use writable::WhenFull;

pub(crate) use callbacks::{Callback, Callbacks};
pub(crate) use readable::Flow;
pub(crate) use writable::WriteQueue;
