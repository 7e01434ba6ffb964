//! Threads for what the system can only do by blocking: opening and syncing files, asking for names.
//!
//! One pool for the process. Threads start when there is work and nobody idle, and end when they had
//! nothing to do for a while; none of them keeps the program from exiting.

use crate::error::{Error, ErrorKind, Result};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// As many as libuv has; disks seldom gain from more.
const THREADS: usize = 4;
/// An idle thread ends after this long.
const IDLE: Duration = Duration::from_secs(10);

type Work = Box<dyn FnOnce() + Send>;

/// Names work that waits.
#[derive(Debug)]
pub(crate) struct Ticket(u64);

#[derive(Default)]
struct State {
    /// In the order of their numbers.
    queue: VecDeque<(u64, Work)>,
    number: u64,
    threads: usize,
    idle: usize,
}

static POOL: Pool = Pool {
    state: Mutex::new(State { queue: VecDeque::new(), number: 0, threads: 0, idle: 0 }),
    news: Condvar::new(),
};

struct Pool {
    state: Mutex<State>,
    news: Condvar,
}

impl Pool {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self) {
        let mut state = self.state();
        loop {
            if let Some((_, work)) = state.queue.pop_front() {
                drop(state);
                // What it leaves behind may panic as it is dropped; that must not cost a thread.
                let _ = catch_unwind(AssertUnwindSafe(work));
                state = self.state();
                continue;
            }
            state.idle += 1;
            let (woken, waited) =
                self.news.wait_timeout(state, IDLE).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            if waited.timed_out() && state.queue.is_empty() {
                state.threads -= 1;
                return;
            }
        }
    }
}

/// Queues work. Fails only when there is no thread and none can be started.
pub(crate) fn submit(work: impl FnOnce() + Send + 'static) -> Result<Ticket> {
    let mut state = POOL.state();
    state.number += 1;
    let ticket = Ticket(state.number);
    state.queue.push_back((ticket.0, Box::new(work)));
    if state.idle >= state.queue.len() || state.threads >= THREADS {
        drop(state);
        POOL.news.notify_one();
        return Ok(ticket);
    }
    state.threads += 1;
    drop(state);
    let started = thread::Builder::new().name("onward-pool".into()).spawn(|| POOL.serve());
    if let Err(error) = started {
        let mut state = POOL.state();
        state.threads -= 1;
        if state.threads == 0 {
            // Nobody will ever come for them: dropped, each tells its loop.
            let unserved = std::mem::take(&mut state.queue);
            drop(state);
            drop(unserved);
            return Err(Error::io("start a pool thread", error));
        }
    }
    Ok(ticket)
}

/// Takes back work that no thread has begun.
pub(crate) fn cancel(ticket: &Ticket) -> Option<impl Send + use<>> {
    let mut state = POOL.state();
    let at = state.queue.binary_search_by_key(&ticket.0, |(number, _)| *number).ok()?;
    state.queue.remove(at)
}

/// Runs `work`; a panic in it becomes an error.
pub(crate) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(ToString::to_string);
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Error::new(ErrorKind::Panicked, "blocking work")
            .because(text.unwrap_or_else(|| "panicked".into()))
    })
}
