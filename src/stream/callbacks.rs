//! Who wants to know what became of a write.

use crate::error::{Error, Result};
use std::collections::VecDeque;
use std::fmt;

/// Called with what became of a write.
pub(crate) type Callback = Box<dyn FnOnce(Result<()>)>;

struct Waiting {
    /// It is due when so many bytes have gone, of all that were ever written.
    at: u64,
    failed: Option<Error>,
    callback: Callback,
}

/// Those that wait, in the order of their writes.
#[derive(Default)]
pub(crate) struct Callbacks {
    waiting: VecDeque<Waiting>,
    /// The stream has ended, and those that are left are about to hear of it.
    failing: bool,
}

impl Callbacks {
    /// For the write that is about to be made: it is due at the end of all time.
    pub(crate) fn announce(&mut self, callback: Callback) {
        self.waiting.push_back(Waiting { at: u64::MAX, failed: None, callback });
    }

    /// The write that was announced last is made, or has `failed` while those before it go on.
    pub(crate) fn settle(&mut self, at: u64, failed: Option<Error>) {
        if let Some(last) = self.waiting.back_mut() {
            (last.at, last.failed) = (at, failed);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Is any due, now that so many bytes have gone?
    pub(crate) fn is_due(&self, gone: u64) -> bool {
        self.waiting.front().is_some_and(|first| first.at <= gone)
    }

    /// Is any not due, now that so many bytes have gone?
    #[cfg_attr(not(feature = "fs"), allow(dead_code, reason = "only files ask"))]
    pub(crate) fn are_left(&self, gone: u64) -> bool {
        self.waiting.back().is_some_and(|last| last.at > gone)
    }

    /// The next one that is due, and what to tell it.
    pub(crate) fn next_due(&mut self, gone: u64) -> Option<(Callback, Result<()>)> {
        if !self.is_due(gone) {
            return None;
        }
        let first = self.waiting.pop_front()?;
        Some((first.callback, first.failed.map_or(Ok(()), Err)))
    }

    /// The stream has ended: all are due, and those whose bytes have not gone hear why. `true`: there are some.
    pub(crate) fn fail(&mut self, gone: u64, reason: impl Fn() -> Error) -> bool {
        let left = self.waiting.iter_mut().filter(|one| one.at > gone);
        let mut told = None;
        for one in left {
            one.at = 0;
            one.failed.get_or_insert_with(|| told.get_or_insert_with(&reason).clone());
        }
        self.failing = !self.waiting.is_empty();
        self.failing
    }

    /// Are there any that are about to hear of the end? Then whoever comes now stands behind them.
    pub(crate) fn is_failing(&self) -> bool {
        self.failing
    }

    pub(crate) fn have_failed(&mut self) {
        self.failing = false;
    }
}

impl fmt::Debug for Callbacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.waiting.iter().map(|one| one.at)).finish()
    }
}
