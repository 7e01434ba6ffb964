//! The blocking pool: threads for what the system can only do by blocking.
//!
//! The process has one pool, whatever number of loops. Its threads start when there is work and none of
//! them is idle, and end when they had nothing to do for ten seconds. None of them keeps the program from
//! exiting: a loop waits for the work that it gave away, but what is left when the program ends is left.
//!
//! # Kinds of work
//!
//! | kind | what |
//! |---|---|
//! | `fs` | files that are opened, read, written and synced (`fs`) |
//! | `dns` | names that are looked up (`net`) |
//! | `user` | [`spawn_blocking`](crate::spawn_blocking) |
//!
//! Each kind has a queue of its own, first in, first out, and a **quota**: so many threads may be at work for
//! it at the same time. The pool has as many threads as the quotas allow together, so that each kind gets
//! its share whatever the others do. Thousands of files do not keep a name waiting, and work of yours that
//! never ends does not keep a file waiting.
//!
//! # Size
//!
//! The quotas are 4 each. There are two ways to change them:
//!
//! - the environment, for who runs the program: `ONWARD_POOL_THREADS=8` is 8 for each kind;
//!   `ONWARD_POOL_THREADS=user=16,dns=2` sets some of them. From 1 to 1,024 are possible. It is read once.
//!   A value that makes no sense is an error of [`run`](crate::run) and
//!   [`EventLoop::new`](crate::EventLoop::new), lest it be found out on a busy day;
//! - [`PoolOptions`], for the program. They go before the environment, and hold from the moment when they
//!   are applied, also while the pool is at work.
//!
//! # When it is full
//!
//! Work waits in its queue until it is its turn; [`stats`] tells how much waits, and for how long.
//! [`PoolOptions::max_queued`] bounds how much of yours may wait; what is more is refused at once with
//! [`ErrorKind::PoolFull`](crate::ErrorKind::PoolFull). Nothing that was accepted is lost.
//!
//! When the system has no more threads to give, those that are there do the work. Only a kind that no
//! thread works for, and none is free for, is refused, with the system's error. The next piece of work tries
//! again to start a thread.

mod lane;
mod options;
mod state;
mod stats;
mod threads;

pub use options::PoolOptions;
pub use stats::{KindStats, PoolStats};

pub(crate) use lane::Kind;
pub(super) use lane::{Ticket, Work};
pub(super) use threads::{cancel, guarded, prepare, submit};

/// What the pool does and did, at this moment.
///
/// ```
/// use onward::pool;
///
/// onward::run(|| {
///     onward::spawn_blocking(|| (1..=20_u64).product::<u64>()).then(|_| {
///         let stats = pool::stats();
///         assert_eq!((stats.user.done, stats.user.queued), (1, 0));
///         println!("it waited for {:?}", stats.user.longest_wait);
///     });
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[must_use]
pub fn stats() -> PoolStats {
    threads::stats()
}
