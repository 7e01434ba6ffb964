//! The event loop: one thread, one turn after the other, nothing blocks.
//!
//! # The turn
//!
//! ```text
//!  ┌─> timers that are due ........... set_timeout, set_interval
//!  │   deferred ...................... what was put off to this turn
//!  │   poll, and dispatch ............ sockets, servers, pipes
//!  │   posted ........................ Remote::post, finished blocking work
//!  │   immediates .................... set_immediate, those that were there when the phase began
//!  └── close callbacks ............... Close events
//! ```
//!
//! After **every** callback all [`next_tick`]s run, those that ticks add included. A timer that a
//! timer's callback sets never runs in the same pass, and an immediate that an immediate sets waits
//! for the next turn.
//!
//! The loop ends when nothing is left that could still happen: no timer, no immediate, no open
//! source, no blocking work, no [`Remote`]. What was `unref`ed does not count.
//!
//! # Panics in callbacks
//!
//! They pass on out of [`run`]. The [`EventLoop`] stays in order and can be run again.

mod core;
mod driver;
mod handle;
mod inbox;
mod pool;
mod queues;
mod registry;
mod remote;
mod slab;
mod source;
mod timers;

pub use handle::{Handle, Immediate, Timer};
pub use remote::{PostError, Remote};

pub(crate) use slab::Key;
pub(crate) use source::{Descriptor, Interest, Source, Trigger};

use self::core::Core;
use crate::error::{Error, ErrorKind, Result};
use std::fmt;
use std::time::Duration;

/// Makes a loop, runs `setup` in it, and returns when nothing is left that keeps it alive.
///
/// # Errors
///
/// What `setup` returns; an error event that nobody listened for, as
/// [`ErrorKind::Unhandled`], which names its emitter; what was given to
/// [`fail`]; and [`ErrorKind::AlreadyRunning`] from inside of a
/// loop. In each case all that is still open is closed and hears its `Close` first.
///
/// # Panics
///
/// When a callback does.
///
/// ```
/// use std::time::Duration;
///
/// onward::run(|| {
///     onward::set_timeout(Duration::from_millis(1), || println!("world"));
///     println!("hello");
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
pub fn run(setup: impl FnOnce() -> Result<()>) -> Result<()> {
    let event_loop = EventLoop::new()?;
    let ended = event_loop.enter(setup).and_then(|()| event_loop.run());
    let core = event_loop.handle().0;
    drop(event_loop);
    // Closing what was left may have brought up an error of its own.
    ended.and_then(|()| core.take_failure())
}

/// An event loop of its own, for those who want to hold it. One thread runs one at a time.
///
/// When it is dropped, everything that is still open on it is closed, and hears so.
///
/// ```
/// let event_loop = onward::EventLoop::new()?;
/// event_loop.enter(|| onward::next_tick(|| println!("in the loop")));
/// event_loop.run()?;
/// # Ok::<(), onward::Error>(())
/// ```
pub struct EventLoop {
    handle: Handle,
}

impl EventLoop {
    /// A loop with nothing on it.
    ///
    /// # Errors
    ///
    /// The system has no descriptors or no memory left, or this thread is inside of a loop already.
    pub fn new() -> Result<Self> {
        if core::is_running() {
            return Err(Error::new(ErrorKind::AlreadyRunning, "create event loop"));
        }
        Ok(Self { handle: Handle(Core::new()?) })
    }

    /// Calls `f` with this as the thread's loop, so that things can be put on it.
    pub fn enter<T>(&self, f: impl FnOnce() -> T) -> T {
        self.handle.enter(f)
    }

    /// Runs turns until nothing is left that keeps the loop alive, or [`stop`] or [`fail`] was
    /// called. It may be run again.
    ///
    /// What is open when it returns early stays open, and is closed when the loop is dropped; an error that
    /// comes up then has nowhere to go.
    ///
    /// # Errors
    ///
    /// An error event that nobody listened for; what was given to [`fail`];
    /// [`ErrorKind::AlreadyRunning`] from inside of a loop that runs.
    pub fn run(&self) -> Result<()> {
        self.handle.enter(|| self.handle.0.run())
    }

    /// A handle for this thread.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// A handle for other threads.
    #[must_use]
    pub fn remote(&self) -> Remote {
        self.handle.remote()
    }
}

impl Drop for EventLoop {
    fn drop(&mut self) {
        self.handle.enter(|| self.handle.0.end());
    }
}

impl fmt::Debug for EventLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EventLoop").field(&self.handle).finish()
    }
}

/// The loop that a free function works on.
#[track_caller]
fn here(function: &str) -> Handle {
    // A loop that has ended drops what it is given: a destructor that it calls at its end may use it.
    match Handle::even_ended() {
        Ok(handle) => handle,
        Err(error) => panic!("{function}: {error}"),
    }
}

/// Runs `f` once, when `delay` has passed: in the timer phase of a turn, never early.
///
/// # Panics
///
/// Outside of a loop. [`Handle::current`] says so with an error instead.
///
/// ```
/// # use std::time::Duration;
/// onward::run(|| {
///     onward::set_timeout(Duration::from_millis(5), || println!("second"));
///     onward::set_timeout(Duration::ZERO, || println!("first"));
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[track_caller]
#[allow(clippy::must_use_candidate, reason = "most timers are never cancelled")]
pub fn set_timeout(delay: Duration, f: impl FnOnce() + 'static) -> Timer {
    here("set_timeout").set_timeout(delay, f)
}

/// Runs `f` each time that `period` has passed, and hands it its [`Timer`], to cancel it by.
///
/// It keeps the beat: a late call does not delay those after it, and calls that were missed
/// altogether are left out. A period below a millisecond counts as one.
///
/// # Panics
///
/// Outside of a loop. [`Handle::current`] says so with an error instead.
///
/// ```
/// # use std::time::Duration;
/// onward::run(|| {
///     let mut left = 3;
///     onward::set_interval(Duration::from_millis(1), move |timer| {
///         println!("{left}");
///         left -= 1;
///         if left == 0 {
///             timer.cancel();
///         }
///     });
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[track_caller]
#[allow(clippy::must_use_candidate, reason = "most timers are never cancelled, or by themselves")]
pub fn set_interval(period: Duration, f: impl FnMut(Timer) + 'static) -> Timer {
    here("set_interval").set_interval(period, f)
}

/// Runs `f` in this turn, once it has polled; from an immediate, in the next turn.
///
/// # Panics
///
/// Outside of a loop. [`Handle::current`] says so with an error instead.
#[track_caller]
#[allow(clippy::must_use_candidate, reason = "most immediates are never cancelled")]
pub fn set_immediate(f: impl FnOnce() + 'static) -> Immediate {
    here("set_immediate").set_immediate(f)
}

/// Runs `f` right after the callback that runs now, before anything else happens.
///
/// Ticks that ticks add run too before the loop goes on: a tick that always adds another starves
/// everything else, by design.
///
/// # Panics
///
/// Outside of a loop. [`Handle::current`] says so with an error instead.
#[track_caller]
pub fn next_tick(f: impl FnOnce() + 'static) {
    here("next_tick").next_tick(f);
}

/// A handle to this thread's loop that other threads may have.
///
/// # Panics
///
/// Outside of a loop. [`Handle::current`] says so with an error instead.
#[track_caller]
#[must_use]
pub fn remote() -> Remote {
    here("remote").remote()
}

/// Does `work` on a thread of the blocking pool, then `then` with its result on the loop.
///
/// The loop waits for it. `Err` says that `work` panicked, or that no thread could be started.
///
/// # Panics
///
/// Outside of a loop. [`Handle::current`] says so with an error instead.
///
/// ```
/// onward::run(|| {
///     onward::spawn_blocking(
///         || std::fs::read_to_string("/etc/hostname"),
///         |name| println!("{name:?}"),
///     );
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[track_caller]
pub fn spawn_blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
    then: impl FnOnce(Result<T>) + 'static,
) {
    here("spawn_blocking").spawn_blocking(work, then);
}

/// Ends the loop in order: this turn is finished, then [`run`] returns `Ok`.
///
/// # Panics
///
/// Outside of a loop. [`Handle::current`] says so with an error instead.
#[track_caller]
pub fn stop() {
    here("stop").stop();
}

/// Ends the loop in order, and lets [`run`] return `error`. The first error counts.
///
/// It is what becomes of an error event that nobody listens for, and the place for an error that a
/// callback cannot return:
///
/// # Panics
///
/// Outside of a loop. [`Handle::current`] says so with an error instead.
///
/// ```
/// let ended = onward::run(|| {
///     onward::next_tick(|| onward::fail(onward::Error::other("no more coffee")));
///     Ok(())
/// });
/// assert_eq!(ended.unwrap_err().to_string(), "no more coffee");
/// ```
#[track_caller]
pub fn fail(error: Error) {
    here("fail").fail(error);
}
