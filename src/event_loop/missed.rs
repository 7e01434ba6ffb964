//! What becomes of beats that were missed.

/// What becomes of an interval's calls that came too late, because the loop was busy for longer than a
/// period; for [`set_interval_with`](crate::set_interval_with) and [`Interval::missed`](crate::Interval::missed).
///
/// A beat each second, and a callback that once takes from second 1 to second 3.5:
///
/// ```
/// # #[cfg(feature = "testing")] {
/// use onward::{Missed, set_interval_with, testing};
/// use std::time::Duration;
///
/// fn calls(missed: Missed) -> Vec<f64> {
///     let (second, mut calls) = (Duration::from_secs(1), Vec::new());
///     let (sender, receiver) = std::sync::mpsc::channel();
///     testing::run(move || {
///         set_interval_with(second, missed, move |beat| {
///             calls.push(onward::now().as_secs_f64());
///             match calls.len() {
///                 1 => testing::advance(second * 5 / 2),
///                 5 => {
///                     beat.cancel();
///                     sender.send(std::mem::take(&mut calls)).unwrap();
///                 }
///                 _ => {}
///             }
///         });
///         Ok(())
///     })
///     .unwrap();
///     receiver.recv().unwrap()
/// }
///
/// assert_eq!(calls(Missed::Skip), [1.0, 4.0, 5.0, 6.0, 7.0]);
/// assert_eq!(calls(Missed::Burst), [1.0, 3.5, 3.5, 4.0, 5.0]);
/// assert_eq!(calls(Missed::Delay), [1.0, 4.5, 5.5, 6.5, 7.5]);
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Missed {
    /// They are left out; the next call comes on the beat.
    #[default]
    Skip,
    /// They are made up for, one after the other.
    Burst,
    /// They are left out, and the beat begins anew: a whole period lies between two calls, at least.
    Delay,
}

impl Missed {
    /// When the call after the one that was due at `deadline`, and is made `now`, is due.
    pub(super) fn next(self, deadline: u64, period: u64, now: u64) -> u64 {
        let beats = match self {
            Self::Skip => now.saturating_sub(deadline) / period + 1,
            Self::Burst => 1,
            Self::Delay => return now.saturating_add(period),
        };
        deadline.saturating_add(period.saturating_mul(beats))
    }
}
