//! What becomes of beats that were missed.

/// What becomes of an interval's calls that came too late, because the loop was busy for longer than a
/// period.
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
