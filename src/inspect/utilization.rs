//! How busy a loop is.

use crate::event_loop::{Handle, here};
use std::time::Duration;

/// How much of its time a loop has been busy; from [`utilization`].
///
/// "Active" is what is not a wait: callbacks, and the loop's own work between them. A loop that is active
/// all the time is late with everything, whatever the processor's load.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Utilization {
    /// Time in waits.
    pub idle: Duration,
    /// Time in which the loop ran and did not wait.
    pub active: Duration,
    /// The active share of both, from 0 to 1; 0 if there was no time at all.
    pub utilization: f64,
}

/// How busy the thread's loop is: Node's `performance.eventLoopUtilization()`.
///
/// The time is taken down from the first call of this or of [`stats`](super::stats()) on, for no clock is read
/// before. So the first one is all zeros; keep it, and compare.
///
/// # Panics
///
/// Outside of a loop. [`Utilization::of`] takes a handle.
///
/// ```
/// use onward::inspect;
/// use std::time::Duration;
///
/// onward::run(|| {
///     let mut last = inspect::utilization();
///     # let mut beats = 3;
///     onward::set_interval(Duration::from_millis(2), move |timer| {
///         let now = inspect::utilization();
///         println!("busy for {:.0} % of the time", now.since(&last).utilization * 100.0);
///         last = now;
///         # beats -= 1;
///         # if beats == 0 { timer.cancel(); }
///     });
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias = "eventLoopUtilization")]
#[track_caller]
#[must_use]
pub fn utilization() -> Utilization {
    Utilization::of(&here("inspect::utilization"))
}

impl Utilization {
    fn new(idle: Duration, active: Duration) -> Self {
        let all = (idle + active).as_secs_f64();
        let utilization = if all > 0.0 { active.as_secs_f64() / all } else { 0.0 };
        Self { idle, active, utilization }
    }

    /// How busy this loop is. Time between its runs counts as neither.
    #[must_use]
    pub fn of(handle: &Handle) -> Self {
        let (idle, active) = handle.time_spent();
        Self::new(idle, active)
    }

    /// Between an earlier moment and this one.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let idle = self.idle.saturating_sub(earlier.idle);
        Self::new(idle, self.active.saturating_sub(earlier.active))
    }
}

#[cfg(test)]
mod tests {
    use super::Utilization;
    use std::time::Duration;

    #[test]
    fn the_share_is_that_of_the_period() {
        let (earlier, later) = (Utilization::new(MS * 9, MS), Utilization::new(MS * 10, MS * 4));
        assert_eq!(earlier.utilization, 0.1);
        assert_eq!(later.since(&earlier), Utilization::new(MS, MS * 3));
        assert_eq!(later.since(&earlier).utilization, 0.75);
        assert_eq!(later.since(&later), Utilization::default());
    }

    const MS: Duration = Duration::from_millis(1);
}
