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
pub(crate) struct Callbacks(VecDeque<Waiting>);

impl Callbacks {
    /// For the write that is about to be made: it is due at the end of all time.
    pub(crate) fn announce(&mut self, callback: Callback) {
        self.0.push_back(Waiting { at: u64::MAX, failed: None, callback });
    }

    /// The write that was announced last is made, or has `failed` while those before it go on.
    pub(crate) fn settle(&mut self, at: u64, failed: Option<Error>) {
        if let Some(last) = self.0.back_mut() {
            (last.at, last.failed) = (at, failed);
        }
    }

    /// Is any due, now that so many bytes have gone?
    pub(crate) fn is_due(&self, gone: u64) -> bool {
        self.0.front().is_some_and(|first| first.at <= gone)
    }

    /// The next one that is due, and what to tell it.
    pub(crate) fn next_due(&mut self, gone: u64) -> Option<(Callback, Result<()>)> {
        if !self.is_due(gone) {
            return None;
        }
        let first = self.0.pop_front()?;
        Some((first.callback, first.failed.map_or(Ok(()), Err)))
    }

    /// All of them, with what those are told that failed already.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = (Callback, Option<Error>)> {
        std::mem::take(&mut self.0).into_iter().map(|one| (one.callback, one.failed))
    }
}

impl fmt::Debug for Callbacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|one| one.at)).finish()
    }
}
