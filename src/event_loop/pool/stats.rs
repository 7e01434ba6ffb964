//! What can be known of the pool.

use std::time::Duration;

/// The pool's counters, made by [`stats`](super::stats). Those of what happened count from the start of the
/// process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStats {
    /// Threads that there are, or are being started.
    pub threads: usize,
    /// Those of them that have nothing to do.
    pub idle: usize,
    /// How many times the system did not give a thread that was asked for.
    pub failed_starts: u64,
    /// Files.
    pub fs: KindStats,
    /// Names that are looked up.
    pub dns: KindStats,
    /// [`spawn_blocking`](crate::spawn_blocking).
    pub user: KindStats,
}

impl PoolStats {
    /// All kinds together: sums, and the longest of the waits.
    ///
    /// ```
    /// let stats = onward::pool::stats();
    /// assert_eq!(stats.total().limit, stats.fs.limit + stats.dns.limit + stats.user.limit);
    /// ```
    #[must_use]
    pub fn total(&self) -> KindStats {
        [self.dns, self.user].into_iter().fold(self.fs, |sum, kind| KindStats {
            limit: sum.limit + kind.limit,
            queued: sum.queued + kind.queued,
            running: sum.running + kind.running,
            done: sum.done + kind.done,
            cancelled: sum.cancelled + kind.cancelled,
            refused: sum.refused + kind.refused,
            total_wait: sum.total_wait.saturating_add(kind.total_wait),
            longest_wait: sum.longest_wait.max(kind.longest_wait),
            oldest: sum.oldest.max(kind.oldest),
        })
    }
}

/// The counters of one kind of work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct KindStats {
    /// Its quota: so many threads may be at work for it.
    pub limit: usize,
    /// What waits for a thread.
    pub queued: usize,
    /// What is being done.
    pub running: usize,
    /// What was done, panics included.
    pub done: u64,
    /// What was taken back before it began.
    pub cancelled: u64,
    /// What was refused: too much waited, or there was no thread.
    pub refused: u64,
    /// How long all that was begun had waited before, taken together.
    pub total_wait: Duration,
    /// The longest of these waits.
    pub longest_wait: Duration,
    /// For how long the first in the queue has been waiting: zero if none waits. It grows if all threads
    /// of the kind hang.
    pub oldest: Duration,
}
