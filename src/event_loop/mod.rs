//! The event loop: one thread, one turn after the other, nothing blocks.
//!
//! # The turn
//!
//! ```text
//!  ┌─> timers that are due ........... set_timeout, set_interval, sleep
//!  │   deferred ...................... what was put off to this turn
//!  │   poll, and dispatch ............ sockets, servers, pipes; hooks before and after it
//!  │   posted ........................ signals; Remote::post, channels, finished blocking work
//!  │   immediates .................... set_immediate, those that were there when the phase began
//!  └── close callbacks ............... Close events
//! ```
//!
//! After **every** callback all [`next_tick`]s run, those that ticks add included, and then the futures
//! that have been woken, up to 128 in a turn. A timer that a timer's callback sets never runs in the same
//! pass, and an immediate that an immediate sets waits for the next turn.
//!
//! The loop ends when nothing is left that could still happen: no timer, no immediate, no future, no open
//! source, no blocking work, no [`Remote`], no sender of a [`channel`](channel()). What was `unref`ed does not count. Hooks are called
//! [before it ends](Handle::before_exit), and may find more to do, and [when it has](Handle::at_exit).
//!
//! # The words
//!
//! | to | take |
//! |---|---|
//! | run a program | [`run`], or [`block_on`] for one future |
//! | end it | [`stop`], or [`fail`] with an error |
//! | run something later | [`set_timeout`], [`set_interval`], [`set_immediate`], [`next_tick`] |
//! | say what becomes of beats that were missed | [`set_interval_with`], [`Missed`] |
//! | take a timer back, begin it anew, not wait for it | [`Timer::cancel`], [`refresh`](Timer::refresh), [`unref`](Timer::unref) |
//! | come here from another thread | [`remote`] and [`Remote::post`], which any number of closures may come by; [`channel`](channel()), which has a bound; [`Remote::wake`], with nothing |
//! | do elsewhere what blocks | [`spawn_blocking`], on the threads of the [`pool`] |
//! | run a future, and give it up | [`spawn`], [`JoinHandle::cancel`] |
//! | wait in a future | [`sleep`], [`timeout`], [`interval`] |
//! | be called around each wait | [`Handle::before_poll`], [`Handle::after_poll`] |
//! | be called at the end | [`Handle::before_exit`], which may find more to do, [`Handle::at_exit`] |
//! | make turns oneself | [`EventLoop::run_once`], [`run_nowait`](EventLoop::run_nowait), [`run_until`](EventLoop::run_until) |
//! | see what it has done and what waits, how busy it is, who holds it up, what keeps it alive | [`inspect`](crate::inspect): `stats`, `utilization`, `on_slow`, `dump` |
//! | have a clock that a test moves | [`testing`](crate::testing) |
//!
//! # Futures
//!
//! [`spawn`] runs a future beside all else; [`sleep`], [`timeout`] and [`interval`] give it time,
//! [`spawn_blocking`] other threads (those of the [`pool`]), and [`Waiting`](crate::Waiting) the events of any emitter.
//! [`block_on`] and [`EventLoop::run_until`] run the loop for one future. No other runtime is needed, and
//! none is in the way: the futures of `futures-lite`, channels and the like work here, and these on any
//! executor of the loop's thread.
//!
//! # Inside of another loop
//!
//! [`EventLoop::run_once`] and [`EventLoop::run_nowait`] make one turn. On most Unix systems the loop has a
//! descriptor that another loop can watch, for as long as [`EventLoop::next_timeout`] says.
//!
//! A loop cannot be run from inside of one that runs, be it another: that is [`ErrorKind::AlreadyRunning`].
//!
//! # Drivers
//!
//! What the loop asks of the system stands behind one list of calls. Which driver answers is chosen when the crate is built:
//!
//! | driver | where |
//! |---|---|
//! | epoll, by itself | Linux |
//! | the `polling` crate | everywhere else, and on Linux with `RUSTFLAGS="--cfg onward_force_polling"` |
//! | a clock that a test moves, before one of these | loops of [`testing`](crate::testing), with the feature of that name |
//!
//! # Forks
//!
//! A loop belongs to the process that made it. In a child that was forked off, whatever would run it or put a socket, a file
//! or a signal on it fails with [`ErrorKind::Forked`], and to drop it closes the child's descriptors and tells nobody; the
//! parent notices nothing of all that. Until then, or until it runs another program, the child has the parent's connections
//! open too, and a peer may not hear the end of one that the parent has closed. The child may make a loop of its own. If the
//! fork was in a callback, the child should not return from there, nor make turns one by one: it is found out by its first new
//! socket, or after 64 turns at most, and may have taken what was the parent's until then.
//!
//! # Panics in callbacks
//!
//! They pass on out of [`run`]. The [`EventLoop`] stays in order and can be run again.

mod awaited;
mod batch;
mod births;
mod blocking;
mod channel;
mod closures;
mod core;
mod counters;
mod driver;
mod driving;
mod ending;
mod free;
mod handle;
mod hooks;
mod inbox;
mod kept;
mod mail;
mod mailbox;
mod memory;
mod missed;
pub mod pool;
mod portions;
mod posted;
mod primitives;
mod queues;
mod registry;
mod remote;
mod run_until;
#[cfg(test)]
mod scripted;
mod sender;
mod serving;
#[cfg(any(test, feature = "testing"))]
mod simulation;
#[cfg(not(any(test, feature = "testing")))]
#[path = "unsimulated.rs"]
mod simulation;
mod slab;
mod sleep;
mod slow;
mod source;
mod tasks;
mod timers;
mod timing;
mod tokens;
mod written;

pub use blocking::{Blocking, BlockingJob};
pub use channel::{Receiver, channel};
pub use counters::CallbackKind;
pub use free::{
    fail, next_tick, now, remote, set_immediate, set_interval, set_interval_with, set_timeout,
    spawn, spawn_blocking, spawn_or_fail, stop,
};
pub use handle::Handle;
pub use hooks::Hook;
pub use remote::{PostError, Remote};
pub use run_until::block_on;
pub use sender::{SendError, Sender};
pub use sleep::{Interval, Sleep, interval, sleep, timeout};
pub use tasks::JoinHandle;
pub use timers::Missed;
pub use tokens::{Immediate, Timer};

#[cfg(test)]
pub(crate) use driver::script::{Script, Step};
pub(crate) use kept::Ticket;
pub(crate) use memory::Buffer;
pub(crate) use portions::LITTLE;
pub(crate) use queues::Origin;
pub(crate) use registry::Listed as ListedSource;
pub(crate) use slab::Key;
pub(crate) use slow::{Slowness, call_listener, is_watching, remove as remove_slow};
pub use source::ResourceKind;
pub(crate) use source::{Description, Descriptor, Interest, Source, Trigger};
pub(crate) use tasks::Listed as ListedTask;
pub(crate) use timers::{Kind as TimerKind, Listed as ListedTimer};
pub(crate) use written::Written;

use self::core::Core;
pub(crate) use self::free::here;
use crate::error::{Error, ErrorKind, Result};
use std::fmt;
use std::io;
use std::time::Duration;

/// Makes a loop, runs `setup` in it, and returns when nothing is left that keeps it alive.
///
/// # Errors
///
/// What `setup` returns; an error event that nobody listened for, as
/// [`ErrorKind::Unhandled`], which names its emitter; what was given to
/// [`fail`]; and [`ErrorKind::AlreadyRunning`] from inside of a
/// loop. What [`EventLoop::new`] returns. In each case all that is still open is closed and hears its `Close` first.
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
    run_on(EventLoop::new()?, setup)
}

fn run_on(event_loop: EventLoop, setup: impl FnOnce() -> Result<()>) -> Result<()> {
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
    /// [`ErrorKind::OutOfDescriptors`]; another one of the system; [`ErrorKind::AlreadyRunning`] if this thread is inside
    /// of a loop that runs; or the environment sizes the [`pool`] in a way that
    /// makes no sense.
    pub fn new() -> Result<Self> {
        Self::on(driver::Driver::new)
    }

    /// One whose clock is its own, and whose descriptors are those of a script.
    #[cfg(test)]
    pub(crate) fn scripted(script: &Script) -> Result<Self> {
        let (script, none) = (script.clone(), Duration::ZERO);
        Self::on(move || {
            driver::Driver::simulated(none, none).map(|driver| driver.scripted(script))
        })
    }

    fn on(driver: impl FnOnce() -> io::Result<driver::Driver>) -> Result<Self> {
        if driving::is_running() {
            return Err(Error::new(ErrorKind::AlreadyRunning, "create event loop"));
        }
        pool::prepare()?;
        Ok(Self { handle: Handle(Core::new(driver())?) })
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
    ///
    /// ```
    /// use std::rc::Rc;
    ///
    /// let event_loop = Rc::new(onward::EventLoop::new()?);
    /// let same = Rc::clone(&event_loop);
    /// event_loop.enter(|| {
    ///     onward::next_tick(move || {
    ///         let nested = same.run().unwrap_err();
    ///         assert_eq!(nested.kind(), onward::ErrorKind::AlreadyRunning);
    ///     });
    /// });
    /// event_loop.run()?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    pub fn run(&self) -> Result<()> {
        self.handle.enter(|| self.handle.0.run())
    }

    /// Runs one turn, which waits until there is something to do; says whether anything is left to wait
    /// for; `false` also if the loop was told to [`stop`] meanwhile. [`run`](Self::run) is this, again and again, and
    /// asks the hooks [before it ends](Handle::before_exit).
    ///
    /// # Errors
    ///
    /// Those of [`run`](Self::run).
    ///
    /// ```
    /// let event_loop = onward::EventLoop::new()?;
    /// event_loop.enter(|| onward::set_immediate(|| println!("in the first turn")));
    /// while event_loop.run_once()? {}
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[doc(alias = "UV_RUN_ONCE")]
    pub fn run_once(&self) -> Result<bool> {
        self.handle.enter(|| self.handle.0.run_turn(true))
    }

    /// The same without waiting: what is to be done now is done. For a program that has a loop already, of
    /// a game, say.
    ///
    /// # Errors
    ///
    /// Those of [`run`](Self::run).
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let event_loop = onward::EventLoop::new()?;
    /// event_loop.enter(|| {
    ///     onward::set_timeout(Duration::from_millis(3), || println!("the door opens"));
    /// });
    /// let mut frames = 0;
    /// while event_loop.run_nowait()? {
    ///     frames += 1; // draw the next picture
    ///     std::thread::sleep(Duration::from_millis(1));
    /// }
    /// assert!(frames > 0);
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[doc(alias = "UV_RUN_NOWAIT")]
    pub fn run_nowait(&self) -> Result<bool> {
        self.handle.enter(|| self.handle.0.run_turn(false))
    }

    /// Is there anything left to wait for?
    ///
    /// ```
    /// let event_loop = onward::EventLoop::new()?;
    /// let timer = event_loop.enter(|| onward::set_timeout(std::time::Duration::MAX, || ()));
    /// assert!(event_loop.is_alive());
    /// event_loop.enter(|| timer.unref());
    /// assert!(!event_loop.is_alive());
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[doc(alias = "uv_loop_alive")]
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.handle.0.is_alive()
    }

    /// How long another loop may wait for this one's [descriptor](#impl-AsFd-for-EventLoop) before it calls
    /// [`run_nowait`](Self::run_nowait): `None` is for ever, and zero is for a loop that has nothing to
    /// wait for too. To be asked anew before each wait: it also tells the system what to watch.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let event_loop = onward::EventLoop::new()?;
    /// let remote = event_loop.remote(); // somebody may post, nobody knows when
    /// assert_eq!(event_loop.next_timeout(), None);
    /// let hour = Duration::from_secs(3600);
    /// event_loop.enter(|| onward::set_timeout(hour, || println!("lunch")));
    /// assert!(event_loop.next_timeout().is_some_and(|timeout| timeout <= hour));
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[doc(alias = "uv_backend_timeout")]
    #[must_use]
    pub fn next_timeout(&self) -> Option<Duration> {
        self.handle.enter(|| match self.handle.0.apply_interest() {
            Ok(()) => self.handle.0.timeout(true),
            // The turn will tell.
            Err(_) => Some(Duration::ZERO),
        })
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

/// Becomes readable when there is something to do: with it, and [`next_timeout`](Self::next_timeout), the
/// loop can live inside of another one.
///
/// ```
/// # #[cfg(target_os = "linux")] {
/// use rustix::event::{PollFd, PollFlags, Timespec, poll};
///
/// let inner = onward::EventLoop::new()?;
/// inner.enter(|| onward::set_timeout(std::time::Duration::from_millis(1), || println!("inside")));
/// while inner.run_nowait()? {
///     let timeout = inner.next_timeout().and_then(|timeout| Timespec::try_from(timeout).ok());
///     poll(&mut [PollFd::new(&inner, PollFlags::IN)], timeout.as_ref()).expect("a descriptor");
/// }
/// # }
/// # Ok::<(), onward::Error>(())
/// ```
#[cfg(any(
    target_os = "linux",
    target_os = "android",
    target_vendor = "apple",
    target_os = "freebsd",
    target_os = "netbsd",
    target_os = "openbsd",
    target_os = "dragonfly",
))]
impl std::os::fd::AsFd for EventLoop {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.handle.0.driver.descriptor()
    }
}

impl Drop for EventLoop {
    fn drop(&mut self) {
        let core = &self.handle.0;
        self.handle.enter(|| if core.is_forked() { core.leave() } else { core.end() });
    }
}

impl fmt::Debug for EventLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EventLoop").field(&self.handle).finish()
    }
}
