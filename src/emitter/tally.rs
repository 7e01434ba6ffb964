//! What an emit did, while it is under way.

use super::emission::Emitted;

/// What an emit did, in two words, which come back in registers.
#[derive(Clone, Copy)]
pub(super) struct Tally {
    pub(super) called: usize,
    /// How many were skipped, doubled; odd if it was stopped.
    pub(super) more: usize,
}

impl Tally {
    pub(super) const NOBODY: Self = Self { called: 0, more: 0 };

    #[inline(always)]
    pub(super) fn called(called: usize) -> Self {
        Self { called, more: 0 }
    }

    pub(super) fn skip(&mut self) {
        self.more += 2;
    }

    pub(super) fn is_stopped(self) -> bool {
        self.more & 1 != 0
    }
}

impl From<Tally> for Emitted {
    #[inline(always)]
    fn from(tally: Tally) -> Self {
        Self { called: tally.called, skipped: tally.more >> 1, stopped: tally.is_stopped() }
    }
}

impl From<Emitted> for Tally {
    fn from(emitted: Emitted) -> Self {
        Self { called: emitted.called, more: emitted.skipped << 1 | usize::from(emitted.stopped) }
    }
}
