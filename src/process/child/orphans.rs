//! Children whose loop has ended before them. Nobody waits for them, but they are not to stay as zombies.

use std::process::Child;
use std::sync::{Mutex, PoisonError};

static ALL: Mutex<Vec<Child>> = Mutex::new(Vec::new());

/// Nobody wants to know any more how this one ends.
pub(super) fn leave(child: Child) {
    sweep();
    ALL.lock().unwrap_or_else(PoisonError::into_inner).push(child);
}

/// Collects those that have ended.
pub(super) fn sweep() {
    let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
    all.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
}
