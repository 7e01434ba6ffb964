//! Node's programming model for Rust: everything that happens is an event, and nothing ever blocks.
//!
#![cfg_attr(feature = "net", doc = "```no_run")]
#![cfg_attr(not(feature = "net"), doc = "```ignore")]
//! use onward::{events::*, net::Server};
//!
//! fn main() -> onward::Result<()> {
//!     onward::run(|| {
//!         let server = Server::listen("127.0.0.1:7000")?;
//!         server.on(Connection, |_, socket| {
//!             socket.on(Error, |socket, error| eprintln!("{socket:?}: {error}"));
//!             socket.pipe(&socket);
//!         });
//!         Ok(())
//!     })
//! }
//! ```
//!
//! # Which part do I want?
//!
//! | to | take |
//! |---|---|
//! | emit typed events from a type of mine | [`events!`], [`Emitter`], [`EventEmitter`]; the guide is in [`emitter`] |
//! | find what Node calls otherwise | [`emitter::from_node`] |
//! | wait for an event, or for the first of several | [`Waiting`], [`emitter::first`] |
//! | change or stop events, pass them on | [`Routing`] |
//! | see who listens | [`Watching`] |
//! | emit from many threads | [`sync`] |
//! | have events with names made at run time, keys, wildcards | [`emitter::named`] |
//! | run something later, or again and again | [`set_timeout`], [`set_interval`], [`set_immediate`], [`next_tick`] |
//! | run a future, or wait in one | [`spawn`], [`block_on`], [`sleep`], [`timeout`], [`interval`]; listeners that are futures: [`OnAsync`] |
//! | give up, all at once | [`abort`] |
//! | understand when what runs, make turns myself, be called before the end | [`event_loop`] |
//! | talk over TCP, or through Unix sockets | [`net::Server`], [`net::Socket`]; how: [`net::ServerOptions`], [`net::SocketOptions`] |
//! | look names up, choose how their addresses are tried | [`net::lookup`](net::lookup()), [`net::Connector`] |
//! | send and receive datagrams | [`net::UdpSocket`] |
//! | read and write files | [`fs::ReadStream`], [`fs::WriteStream`]; whole files, names and directories: [`fs::read`](fs::read()), .., in [`fs`] |
//! | be told what happens to a file, or in a tree | [`fs::watch`](fs::watch()) |
//! | give a socket to a library that is made for futures | [`net::Socket::into_io`] |
//! | serve HTTP, or WebSockets | hyper and tungstenite on such a socket: `examples/http.rs`, `examples/chat` |
//! | make any stream an `AsyncRead` or `AsyncWrite`, and any of these a stream | [`io`] |
//! | connect the two | [`stream::Readable::pipe`], [`stream::pipeline`] |
//! | make streams of mine, transform, tee, limit them | [`stream::Source`], [`stream::Sink`], [`stream::Duplex`]; the guide is in [`stream`] |
//! | read lines, or messages | [`stream::lines`], [`stream::frames`] |
//! | end in order on Ctrl-C | [`process::signals`](process::signals()) |
//! | start other programs, talk to them, collect what they say | [`process::spawn`], [`process::Command`], [`process::Child`] |
//! | read standard input, write standard output | [`process::stdin`], [`process::stdout`] |
//! | come back from another thread | [`remote`], [`channel`](channel()), [`spawn_blocking`]; its threads are in [`pool`] |
//! | test what takes an hour, at once | [`testing`] |
//! | see what the loop does, and what holds it up | [`inspect`] |
//!
//! # Three things to know
//!
//! **A listener is handed the emitter that called it.** It seldom has to capture anything, and the cycle of
//! an emitter that owns a closure that owns the emitter does not come about.
//!
//! **Errors are never lost.** An error event wants a listener. On the loop, one that nobody takes stops
//! the program in order and comes out of [`run`] as `Err`, which names the emitter, the operation, the path
//! or address, and the cause.
//!
//! **`use onward::events::*;`** brings in the shared events, `Data`, `End`, `Error`, `Close` and the others, and
//! the methods to listen for them.
//!
//! # Features
//!
//! `net`, `fs` and `process` are on, and each brings in `event-loop`, which brings in `std`. Without any,
//! `default-features = false`, the emitter is left: `no_std`, with `alloc`. `named`, on too, adds
//! [`emitter::named`] and needs no `std` either. `std` alone adds [`sync`], and `membarrier`, on, makes it
//! faster on Linux for events that one thread uses. Off are `tls`, encrypted connections; `tracing`, a span of each emit;
//! `testing`, which brings in [`testing`], a loop whose clock is its own; and `histogram`, which adds
//! `inspect::monitor_delay`.
//!
//! The minimum Rust version is 1.85.
#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(unsafe_code)]
// The lower floors are built whole, whichever rooms above them are.
#![cfg_attr(
    not(all(feature = "net", feature = "fs", feature = "process")),
    allow(dead_code, unused_imports)
)]
// A guide that names what a feature turned off cannot link to it.
#![cfg_attr(
    not(all(
        feature = "named",
        feature = "net",
        feature = "fs",
        feature = "process",
        feature = "testing",
        unix
    )),
    allow(rustdoc::broken_intra_doc_links)
)]

extern crate alloc;

pub mod emitter;
pub mod events;

#[cfg(feature = "std")]
pub mod sync;

#[cfg(feature = "std")]
mod error;

#[cfg(feature = "event-loop")]
pub mod event_loop;

#[cfg(feature = "event-loop")]
mod later;
#[cfg(feature = "event-loop")]
mod on_async;

#[cfg(feature = "event-loop")]
pub mod abort;

#[cfg(feature = "event-loop")]
pub mod stream;

#[cfg(feature = "event-loop")]
pub mod io;

#[cfg(feature = "net")]
pub mod net;

#[cfg(feature = "tls")]
pub mod tls;

#[cfg(feature = "fs")]
pub mod fs;

#[cfg(feature = "process")]
pub mod process;

#[cfg(feature = "event-loop")]
pub mod inspect;
#[cfg(feature = "testing")]
pub mod testing;

pub use emitter::{Emitter, EventEmitter, Listeners, Routing, Waiting, Watching};
#[cfg(feature = "std")]
pub use error::{Error, ErrorKind, Result};
#[cfg(feature = "event-loop")]
pub use event_loop::{
    Blocking, BlockingJob, EventLoop, Handle, Hook, Immediate, Interval, JoinHandle, Missed,
    PostError, Receiver, Remote, SendError, Sender, Sleep, Timer, block_on, channel, fail,
    interval, next_tick, now, pool, remote, run, set_immediate, set_interval, set_interval_with,
    set_timeout, sleep, spawn, spawn_blocking, spawn_or_fail, stop, timeout,
};
#[cfg(feature = "event-loop")]
pub use on_async::OnAsync;

/// The examples in the README are compiled and run too.
#[cfg(all(doctest, feature = "net", feature = "fs"))]
#[doc = include_str!("../README.md")]
struct Readme;
