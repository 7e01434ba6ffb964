//! Time for tests: a loop whose clock is its own.
//!
//! A test of a timeout of an hour need not wait for an hour, and what happens in which order need not depend on how
//! busy the machine is. A simulated loop is an [`EventLoop`] like any other, but for its clock: that stands still while
//! callbacks run, and when nothing is left to do and the loop would wait, it jumps to the next deadline.
//!
//! ```
//! use std::time::{Duration, Instant};
//!
//! const HOUR: Duration = Duration::from_secs(3600);
//!
//! let began = Instant::now();
//! onward::testing::run(|| {
//!     let mut beats = 0;
//!     onward::set_interval(HOUR, move |timer| {
//!         beats += 1;
//!         assert_eq!(onward::now(), beats * HOUR); // on the nanosecond
//!         if beats == 24 * 365 {
//!             timer.cancel();
//!         }
//!     });
//!     Ok(())
//! })?;
//! assert!(began.elapsed() < HOUR); // a year has passed
//! # Ok::<(), onward::Error>(())
//! ```
//!
//! All that has to do with time goes by that clock: [`set_timeout`](crate::set_timeout) and
//! [`set_interval`](crate::set_interval) with their rules for missed beats, [`sleep`](crate::sleep),
//! [`timeout`](crate::timeout), [`interval`](crate::interval), [`now`](crate::now). What asks the system itself, as
//! [`Instant::now`](std::time::Instant::now) does, and code on other threads, does not.
//!
//! # When the clock moves
//!
//! - **By itself**, when nothing is ready, to the next deadline, and no further. In between no time passes: a callback
//!   takes none, nor does a turn.
//! - **By [`advance`]**, from a callback, as if that had taken so long; or between turns, as if the machine had slept.
//!   What became due meanwhile runs late, as it would.
//! - **By [`Simulation::run_for`]**, from deadline to deadline until so much time has passed.
//!
//! # What is outside
//!
//! Threads, the kernel and other processes know nothing of this clock. So it makes way for them, as far as the loop knows
//! of them:
//!
//! | there is | the loop |
//! |---|---|
//! | blocking work under way that holds the loop ([`spawn_blocking`](crate::spawn_blocking), files, names) | waits for it, in real time; the clock stands still |
//! | a [`Remote`](crate::Remote) that holds the loop | the same; in `run_for`, as with descriptors |
//! | a socket, a server, a pipe, signals that are listened for | waits 10 ms of real time ([`Simulation::grace`]) each time before the clock jumps |
//! | nothing of the kind | never waits, and makes no system call |
//!
//! Two ends of a connection that are both on the loop need no luck: the kernel has handed over what was sent when the
//! loop asks. Whoever is elsewhere may be too slow, and then a timeout comes first that is far away. Hold a
//! [`remote`](crate::remote) as long as you wait for such a one, and the clock stands still. The same goes for a
//! thread that will wake a future, by a channel, say: the loop does not know that anybody has a waker.
//!
//! # Nothing hangs
//!
//! A loop that can only wait for what never comes ends with [`ErrorKind::Deadlock`](crate::ErrorKind::Deadlock): when 10
//! seconds of real time ([`Simulation::patience`]) have brought nothing, and no deadline is left to jump to or the
//! clock has to stand still. So does one whose callbacks and futures never rest (a million turns in a row),
//! for then no time would ever pass. The error says what is left.
//!
//! ```
//! use onward::{ErrorKind, testing::Simulation};
//! use std::time::Duration;
//!
//! let simulation = Simulation::new()?.patience(Duration::ZERO);
//! simulation.enter(|| onward::spawn(std::future::pending::<()>()));
//! let error = simulation.run().unwrap_err();
//! assert_eq!(error.kind(), ErrorKind::Deadlock);
//! assert!(error.to_string().ends_with("for what is left: 1 spawned future"));
//! # Ok::<(), onward::Error>(())
//! ```

use crate::error::Result;
use crate::event_loop::{EventLoop, here};
use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::time::Duration;

/// A loop with a clock of its own; see the [module](self).
///
/// It is an [`EventLoop`], and has all of its methods.
///
/// ```
/// use onward::testing::Simulation;
/// use std::time::Duration;
///
/// let simulation = Simulation::new()?;
/// simulation.enter(|| {
///     onward::set_interval(Duration::from_secs(60), |_| println!("at {:?}", onward::now()));
/// });
/// simulation.run_for(Duration::from_secs(150))?;      // "at 60s", "at 120s"
/// assert_eq!(simulation.now(), Duration::from_secs(150));
/// # Ok::<(), onward::Error>(())
/// ```
pub struct Simulation(EventLoop);

impl Simulation {
    /// A loop with nothing on it. Its clock stands at zero.
    ///
    /// # Errors
    ///
    /// Those of [`EventLoop::new`].
    pub fn new() -> Result<Self> {
        EventLoop::simulated().map(Self)
    }

    /// How long it waits for what is outside before it gives up, in real time; 10 seconds unless told otherwise.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        self.0.with_world(|world| world.patience.set(patience));
        self
    }

    /// How long it waits for descriptors before the clock jumps, in real time; 10 ms unless told otherwise. It
    /// is waited once for each jump.
    #[must_use]
    pub fn grace(self, grace: Duration) -> Self {
        self.0.with_world(|world| world.grace.set(grace));
        self
    }

    /// How much time has passed since it was made.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.0.handle().now()
    }

    /// Moves the clock ahead. Nothing runs here: what has become due runs in the next turn, late.
    ///
    /// ```
    /// use onward::testing::Simulation;
    /// use std::time::Duration;
    ///
    /// const MINUTE: Duration = Duration::from_secs(60);
    ///
    /// let simulation = Simulation::new()?;
    /// simulation.enter(|| onward::set_interval(MINUTE, |_| println!("at {:?}", onward::now())));
    /// simulation.advance(5 * MINUTE / 2);
    /// simulation.run_for(MINUTE)?;        // "at 150s", late; "at 180s", on the beat again
    /// # Ok::<(), onward::Error>(())
    /// ```
    pub fn advance(&self, duration: Duration) {
        self.0.handle().advance(duration);
    }

    /// Runs turns until so much time has passed; the clock goes from deadline to deadline, and then to the end. What
    /// is due just then still runs.
    ///
    /// Like [`run`](EventLoop::run) it ends sooner when nothing keeps the loop alive, or it was told to stop. In the
    /// first case the clock goes to the end all the same.
    ///
    /// # Errors
    ///
    /// Those of [`run`](EventLoop::run), and [`ErrorKind::Deadlock`](crate::ErrorKind::Deadlock).
    pub fn run_for(&self, duration: Duration) -> Result<()> {
        self.0.run_for(duration)
    }
}

impl Deref for Simulation {
    type Target = EventLoop;

    fn deref(&self) -> &EventLoop {
        &self.0
    }
}

impl fmt::Debug for Simulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulation").field("now", &self.now()).field("loop", &self.0).finish()
    }
}

/// [`onward::run`](crate::run) on a simulated loop.
///
/// # Errors
///
/// Those of [`onward::run`](crate::run), and [`ErrorKind::Deadlock`](crate::ErrorKind::Deadlock).
///
/// # Panics
///
/// When a callback does.
pub fn run(setup: impl FnOnce() -> Result<()>) -> Result<()> {
    EventLoop::simulated()?.run_all(setup)
}

/// [`onward::block_on`](crate::block_on) on a simulated loop.
///
/// # Errors
///
/// Those of [`onward::block_on`](crate::block_on), and [`ErrorKind::Deadlock`](crate::ErrorKind::Deadlock).
///
/// ```
/// use onward::ErrorKind;
/// use std::time::Duration;
///
/// let late = onward::testing::block_on(async {
///     let slow = onward::sleep(Duration::from_secs(31));
///     onward::timeout(Duration::from_secs(30), slow).await
/// })?;
/// assert_eq!(late.unwrap_err().kind(), ErrorKind::TimedOut);
/// # Ok::<(), onward::Error>(())
/// ```
pub fn block_on<F: Future>(future: F) -> Result<F::Output> {
    EventLoop::simulated()?.block_on(future)
}

/// Moves the clock of the simulated loop ahead that the thread is in: as if the running callback had taken so long.
///
/// # Panics
///
/// Outside of a simulated loop: the system's clock cannot be moved.
///
/// ```
/// use onward::testing;
/// use std::time::Duration;
///
/// testing::run(|| {
///     let mut beats = 0;
///     onward::set_interval(Duration::from_secs(1), move |timer| {
///         beats += 1;
///         match beats {
///             1 => testing::advance(Duration::from_millis(2500)),             // it takes very long
///             _ => {
///                 assert_eq!(onward::now(), Duration::from_secs(4));          // two were missed
///                 timer.cancel();
///             }
///         }
///     });
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[track_caller]
pub fn advance(duration: Duration) {
    let simulated = here("advance").advance(duration);
    assert!(simulated, "advance: the loop goes by the system's clock, see onward::testing");
}
