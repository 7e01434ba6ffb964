//! This process and its children: [signals](signals()), the standard streams, and other programs.
//!
//! | Node | here |
//! |---|---|
//! | `spawn(program, args, options)` | [`spawn`], [`Command`] |
//! | `exec`, `execFile` | [`Command::output`], [`Command::shell`] |
//! | `child.stdin`, `child.stdout`, `child.stderr` | [`Child::stdin`], [`Child::stdout`], [`Child::stderr`] |
//! | `'spawn'`, `'exit'`, `'close'`, `'error'` | [`Spawn`](crate::events::Spawn), [`Exit`](crate::events::Exit), [`Close`](crate::events::Close), [`Error`](crate::events::Error) |
//! | `child.kill(signal)`, `subprocess.killed` | [`Child::kill`], [`Child::is_killed`] |
//! | `{ cwd, env, argv0, uid, gid, detached, stdio }` | methods of [`Command`], [`Stdio`] |
//! | `{ timeout, killSignal, maxBuffer }` | [`Command::timeout`], [`kill_signal`](Command::kill_signal), [`max_output`](Command::max_output) |
//! | (nothing) | [`Command::kill_after`]: a child that does not heed that |
//! | `{ signal }` | [`abort_on`](crate::abort::Abortable::abort_on) |
//! | `process.stdin`, `process.stdout`, `process.stderr` | [`stdin`], [`stdout`], [`stderr`] |
//! | `process.stdout.columns`, `isTTY` | [`PipeWriter::terminal_size`], [`PipeWriter::is_terminal`] |
//! | `process.on('SIGINT', f)`, `'SIGWINCH'` | [`signals`](signals()), `Interrupt`, `Resize` |
//!
//! ```
//! # #[cfg(unix)] {
//! use onward::{events::*, process::{self, Command}};
//!
//! onward::run(|| {
//!     let child = Command::new("sort").arg("-r").spawn()?;
//!     child.stdin()?.end_with("one\ntwo\n");
//!     child.stdout()?.pipe(&process::stdout()?);
//!     child.on(Close, |child, status| assert!(status.is_some(), "{child} was there"));
//!     Ok(())
//! })?;
//! # } Ok::<(), onward::Error>(())
//! ```
//!
//! # How it works
//!
//! A child's streams are pipes, and go through the same engine as sockets. Its end is noticed by a descriptor that stands
//! for it (Linux 5.3 or later), else by `SIGCHLD`, and where there is neither, by looking from time to time.
//!
//! On Windows all pipes are read, and children written to, by threads of their own, one for each read that waits; signals
//! to children all end them at once.

#[cfg(any(unix, windows))]
mod child;
#[cfg(any(unix, windows))]
mod pipe;
#[cfg(any(unix, windows))]
mod signal;
#[cfg(any(unix, windows))]
mod stdio;

#[cfg(any(unix, windows))]
pub use child::{Child, ChildEvent, Collecting, Command, Output, Signal, Stdio, spawn};
#[cfg(any(unix, windows))]
pub use pipe::{PipeReadEvent, PipeReader, PipeWriteEvent, PipeWriter};
#[cfg(any(unix, windows))]
pub use signal::{SignalEvent, Signals, signals};
#[cfg(any(unix, windows))]
pub use stdio::{stderr, stdin, stdout};
