//! The clock of the real drivers; but for the pool's threads, nothing else in the crate asks the system for the time.

#[cfg(all(target_os = "linux", not(onward_force_polling)))]
use monotonic as source;
#[cfg(not(all(target_os = "linux", not(onward_force_polling))))]
use portable as source;

pub(crate) struct Clock(source::Start);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(source::start())
    }

    /// Nanoseconds since the start.
    #[inline]
    pub(crate) fn now(&self) -> u64 {
        source::since(&self.0)
    }
}

/// A timer that is set reads the clock, and that is a large part of what it costs: so it is read in whole
/// nanoseconds, without the checks and the wide numbers of a [`Duration`](std::time::Duration).
#[cfg(all(target_os = "linux", not(onward_force_polling)))]
mod monotonic {
    use rustix::time::{ClockId, clock_gettime};

    pub(super) type Start = u64;

    /// Nanoseconds since the machine came up: they last for five hundred years.
    #[inline]
    #[allow(clippy::cast_sign_loss, reason = "neither is negative")]
    pub(super) fn start() -> Start {
        let now = clock_gettime(ClockId::Monotonic);
        now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
    }

    #[inline]
    pub(super) fn since(begin: &Start) -> u64 {
        start().saturating_sub(*begin)
    }
}

#[cfg(not(all(target_os = "linux", not(onward_force_polling))))]
mod portable {
    use std::time::Instant;

    pub(super) type Start = Instant;

    pub(super) fn start() -> Start {
        Instant::now()
    }

    #[inline]
    pub(super) fn since(begin: &Start) -> u64 {
        u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}
