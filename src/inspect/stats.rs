//! What a loop has done, and what waits on it.

use crate::event_loop::{CallbackKind, Handle, here};
use std::time::Duration;

/// What a loop has done since it was made, and what waits on it now; from [`stats`].
///
/// The numbers are the loop's own, of this moment, and grow as long as it runs. What happened in a period is
/// the [difference](Self::since) of two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Turns that it has begun.
    pub turns: u64,
    /// How often a socket, a server, a pipe was told that it is ready. What each read, accepted or wrote
    /// then is told to listeners by itself.
    pub events: u64,
    /// Timeouts and beats of intervals, and timers of futures.
    pub timers: u64,
    /// Ticks.
    pub ticks: u64,
    /// Immediates.
    pub immediates: u64,
    /// Closures from other threads.
    pub posted: u64,
    /// Results of work on other threads.
    pub blocking: u64,
    /// Polls of futures.
    pub polls: u64,
    /// Pieces of work that had been put off to the next turn: file streams go on so.
    pub deferred: u64,
    /// Signals that were told.
    pub signals: u64,
    /// `Error` and `Close` events, and the like, of what was closed.
    pub closes: u64,
    /// Hooks, before and after waits, say.
    pub hooks: u64,
    /// Readiness that came for a source that had gone in the same turn, and reached nobody.
    pub stale: u64,
    /// Time in waits, since `stats` or `utilization` were called first: no clock is read before.
    pub idle: Duration,
    /// Time in which it ran and did not wait, since then.
    pub active: Duration,
    /// What waits now.
    pub pending: Pending,
}

/// How much waits on a loop at a moment, whether it keeps the loop alive or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pending {
    /// Sockets, servers, file streams, signals that are open.
    pub sources: usize,
    /// Timeouts and intervals, and timers of futures.
    pub timers: usize,
    /// Futures that are not over.
    pub futures: usize,
    /// Work on other threads whose result has not come back.
    pub blocking: usize,
    /// Ticks.
    pub ticks: usize,
    /// Immediates.
    pub immediates: usize,
    /// Closures, results and wake-ups from other threads.
    pub posted: usize,
    /// What was put off to the next turn.
    pub deferred: usize,
    /// What is told as something closes.
    pub closing: usize,
}

/// What the thread's loop has done, and what waits on it.
///
/// # Panics
///
/// Outside of a loop. [`Stats::of`] takes a handle.
///
/// ```
/// use onward::inspect;
///
/// onward::run(|| {
///     let before = inspect::stats();
///     onward::next_tick(|| {});
///     onward::set_immediate(move || {
///         let meanwhile = inspect::stats().since(&before);
///         assert_eq!((meanwhile.ticks, meanwhile.immediates, meanwhile.timers), (1, 1, 0));
///     });
///     assert_eq!(inspect::stats().pending.ticks, 1);
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[track_caller]
#[must_use]
pub fn stats() -> Stats {
    Stats::of(&here("inspect::stats"))
}

impl Stats {
    /// What this loop has done, and what waits on it.
    ///
    /// ```
    /// use onward::inspect::Stats;
    ///
    /// let event_loop = onward::EventLoop::new()?;
    /// event_loop.run_nowait()?;
    /// assert_eq!(Stats::of(&event_loop.handle()).turns, 1);
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[must_use]
    pub fn of(handle: &Handle) -> Self {
        let (core, (idle, active)) = (&handle.0, handle.time_spent());
        let count = |kind| core.counters.of(kind);
        Self {
            turns: core.turns(),
            events: count(CallbackKind::Source),
            timers: count(CallbackKind::Timer) + count(CallbackKind::Interval),
            ticks: count(CallbackKind::Tick),
            immediates: count(CallbackKind::Immediate),
            posted: count(CallbackKind::Posted),
            blocking: count(CallbackKind::Blocking),
            polls: count(CallbackKind::Future),
            deferred: count(CallbackKind::Deferred),
            signals: count(CallbackKind::Signal),
            closes: count(CallbackKind::Close),
            hooks: count(CallbackKind::Hook),
            stale: core.registry.borrow().stale(),
            idle,
            active,
            pending: Pending::of(handle),
        }
    }

    /// What was done between an earlier moment and this one. What waits is what waits now.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            turns: self.turns.saturating_sub(earlier.turns),
            events: self.events.saturating_sub(earlier.events),
            timers: self.timers.saturating_sub(earlier.timers),
            ticks: self.ticks.saturating_sub(earlier.ticks),
            immediates: self.immediates.saturating_sub(earlier.immediates),
            posted: self.posted.saturating_sub(earlier.posted),
            blocking: self.blocking.saturating_sub(earlier.blocking),
            polls: self.polls.saturating_sub(earlier.polls),
            deferred: self.deferred.saturating_sub(earlier.deferred),
            signals: self.signals.saturating_sub(earlier.signals),
            closes: self.closes.saturating_sub(earlier.closes),
            hooks: self.hooks.saturating_sub(earlier.hooks),
            stale: self.stale.saturating_sub(earlier.stale),
            idle: self.idle.saturating_sub(earlier.idle),
            active: self.active.saturating_sub(earlier.active),
            pending: self.pending,
        }
    }

    /// How many callbacks that makes, all told.
    #[must_use]
    pub fn callbacks(&self) -> u64 {
        self.events
            + self.timers
            + self.ticks
            + self.immediates
            + self.posted
            + self.blocking
            + self.polls
            + self.deferred
            + self.signals
            + self.closes
            + self.hooks
    }
}

impl Pending {
    fn of(handle: &Handle) -> Self {
        let core = &handle.0;
        Self {
            sources: core.registry.borrow().len(),
            timers: core.timers.borrow().len(),
            futures: core.tasks.len(),
            blocking: core.awaited.borrow().len(),
            ticks: core.ticks.len(),
            immediates: core.immediates.len(),
            posted: core.letters.borrow().len() + core.inbox.len(),
            deferred: core.deferred.len() + core.after_poll.len(),
            closing: core.closing.len(),
        }
    }
}
