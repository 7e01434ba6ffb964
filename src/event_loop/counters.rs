//! What a loop counts of its own work, and the time that it takes down if somebody has asked for it.
//!
//! A count costs an addition, and nobody is told of it: whoever wants to know comes and reads. The clock is read
//! only from the first question on.

use std::cell::Cell;
use std::fmt;

/// What it is that the loop calls, at the bottom of the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CallbackKind {
    /// A timeout, or a future's timer.
    Timer,
    /// An interval.
    Interval,
    /// What a socket, a server, a pipe does and tells when it is ready.
    Source,
    /// A tick.
    Tick,
    /// An immediate.
    Immediate,
    /// A closure from another thread.
    Posted,
    /// The callback of work that was done on another thread.
    Blocking,
    /// A poll of a future.
    Future,
    /// What was put off to the next turn: a file stream goes on so.
    Deferred,
    /// A signal.
    Signal,
    /// What is told as something closes: `Error`, `Close`.
    Close,
    /// A hook, before or after the wait, say.
    Hook,
}

impl CallbackKind {
    const COUNT: usize = Self::Hook as usize + 1;
}

impl fmt::Display for CallbackKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timer => "timer",
            Self::Interval => "interval",
            Self::Source => "source",
            Self::Tick => "tick",
            Self::Immediate => "immediate",
            Self::Posted => "posted closure",
            Self::Blocking => "result of blocking work",
            Self::Future => "future",
            Self::Deferred => "deferred work",
            Self::Signal => "signal",
            Self::Close => "close",
            Self::Hook => "hook",
        })
    }
}

/// How many callbacks of each kind have been called.
#[derive(Default)]
pub(crate) struct Counters([Cell<u64>; CallbackKind::COUNT]);

impl Counters {
    #[inline(always)]
    pub(super) fn count(&self, kind: CallbackKind) {
        self.add(kind, 1);
    }

    /// So many at once.
    #[inline(always)]
    pub(super) fn add(&self, kind: CallbackKind, count: u64) {
        let cell = &self.0[kind as usize];
        cell.set(cell.get() + count);
    }

    pub(crate) fn of(&self, kind: CallbackKind) -> u64 {
        self.0[kind as usize].get()
    }
}

/// Where a loop's time goes: into waiting, or into anything else between the beginning and the end of a run.
/// All times are nanoseconds of the loop's own clock.
#[derive(Default)]
pub(crate) struct Clock {
    on: Cell<bool>,
    idle: Cell<u64>,
    active: Cell<u64>,
    /// From here on time has not been put down yet.
    since: Cell<u64>,
}

impl Clock {
    #[inline]
    pub(super) fn is_on(&self) -> bool {
        self.on.get()
    }

    /// The time so far, idle and active. From the first call on it is taken down.
    pub(super) fn read(&self, now: u64, runs: bool) -> (u64, u64) {
        if !self.on.replace(true) {
            self.since.set(now);
        }
        if runs {
            self.add(&self.active, now);
        }
        (self.idle.get(), self.active.get())
    }

    /// The loop begins to run.
    pub(super) fn begin(&self, now: u64) {
        self.since.set(now);
    }

    /// The time up to here was active.
    pub(super) fn was_active(&self, now: u64) {
        self.add(&self.active, now);
    }

    /// The time up to here was idle.
    pub(super) fn was_idle(&self, now: u64) {
        self.add(&self.idle, now);
    }

    fn add(&self, to: &Cell<u64>, now: u64) {
        to.set(to.get() + now.saturating_sub(self.since.replace(now)));
    }
}
