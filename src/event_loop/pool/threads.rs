//! The threads of the pool, and the lock that they share.

use super::lane::{Kind, Ticket, Work};
use super::options::{self, PoolOptions};
use super::state::State;
use super::stats::PoolStats;
use crate::error::{Error, ErrorKind, Result};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// An idle thread ends after this long.
const IDLE: Duration = Duration::from_secs(10);

static POOL: Pool = Pool { state: Mutex::new(State::NEW), news: Condvar::new() };

struct Pool {
    state: Mutex<State>,
    news: Condvar,
}

impl Pool {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a thread does, from its start to its end.
    fn serve(&self, mut kind: Kind) {
        let mut state = self.state();
        loop {
            if let Some((next, mut work)) = state.next(kind, Instant::now()) {
                kind = next;
                drop(state);
                quietly(|| work.run());
                self.state().finished(kind);
                // Its loop is told now, and what it finds in the counters includes this.
                quietly(|| drop(work));
                state = self.state();
                continue;
            }
            let (woken, waited) =
                self.news.wait_timeout(state, IDLE).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            if waited.timed_out() && state.ends_thread() {
                return;
            }
        }
    }

    /// Starts the threads that are missing; `kind` has just got some work.
    fn staff<'a>(&'a self, mut state: MutexGuard<'a, State>, kind: Kind) {
        while state.starts_thread() {
            drop(state);
            let thread = thread::Builder::new().name("onward-pool".into());
            if let Err(error) = thread.spawn(move || POOL.serve(kind)) {
                let refused = self.state().lacks_thread(kind);
                let error = Error::io("start a pool thread", error);
                return refused.into_iter().for_each(|work| refuse(work, error.clone()));
            }
            state = self.state();
        }
    }
}

/// Gives work to the pool. If it is refused, its loop is told.
pub(crate) fn submit(kind: Kind, work: Box<dyn Work>) -> Ticket {
    let mut state = POOL.state();
    match state.prepare().queue(kind, work, Instant::now()) {
        Ok(ticket) => {
            POOL.staff(state, kind);
            POOL.news.notify_one();
            ticket
        }
        Err(work) => {
            drop(state);
            refuse(work, Error::new(ErrorKind::PoolFull, "blocking work"));
            Ticket::NONE
        }
    }
}

/// Takes back work that no thread has begun. It is withdrawn already, and to be dropped.
pub(crate) fn cancel(ticket: Ticket) -> Option<Box<dyn Work>> {
    let mut work = POOL.state().cancel(ticket)?;
    work.withdraw();
    Some(work)
}

/// To be called before there is any work, also in a child that was forked off.
pub(crate) fn prepare() -> Result<()> {
    // If somebody has the lock there is nothing to be done, or it is gone with a thread of the parent's.
    if let Ok(mut state) = POOL.state.try_lock() {
        state.belong_to(std::process::id());
    }
    options::check_environment()
}

pub(super) fn configure(options: PoolOptions) {
    let mut state = POOL.state();
    state.configure(&options);
    POOL.staff(state, Kind::User);
    POOL.news.notify_all();
}

pub(super) fn stats() -> PoolStats {
    POOL.state().prepare().stats(Instant::now())
}

fn refuse(mut work: Box<dyn Work>, error: Error) {
    quietly(move || {
        work.refuse(error);
        drop(work);
    });
}

/// Runs what may panic: what work leaves behind, as it is dropped. That must not cost a thread.
fn quietly(f: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(f)) {
        discard(panic);
    }
}

/// Drops what a panic carried, which may panic again.
fn discard(panic: Box<dyn std::any::Any + Send>) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        // This could go on for ever.
        std::mem::forget(panic);
    }
}

/// Runs `work`; a panic in it becomes an error.
pub(crate) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(ToString::to_string);
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        discard(panic);
        Error::new(ErrorKind::Panicked, "blocking work")
            .because(text.unwrap_or_else(|| "panicked".into()))
    })
}

#[cfg(test)]
mod tests {
    use super::Kind;
    use crate::event_loop::EventLoop;
    use std::panic::Location;
    use std::sync::mpsc;
    use std::time::Duration;

    #[test]
    fn whichever_kind_hangs_the_others_come_through() {
        for hanging in [Kind::Fs, Kind::Dns, Kind::User] {
            let (event_loop, (begin, begun)) = (EventLoop::new().unwrap(), mpsc::channel());
            let handle = event_loop.handle();
            let (go, gone) = mpsc::channel::<()>();
            let gone = std::sync::Arc::new(std::sync::Mutex::new(gone));
            // Ten times as many as there may be at once.
            for _ in 0..40 {
                let (begin, gone) = (begin.clone(), gone.clone());
                let hang = move || {
                    let _ = begin.send(());
                    let _ = gone.lock().unwrap().recv();
                };
                handle
                    .spawn_blocking_from(hanging, Location::caller(), hang)
                    .then(|result| result.unwrap());
            }
            for _ in 0..4 {
                begun.recv_timeout(Duration::from_secs(20)).unwrap();
            }
            for other in [Kind::Fs, Kind::Dns, Kind::User] {
                let (tell, told) = mpsc::channel();
                let work = handle
                    .spawn_blocking_from(other, Location::caller(), move || tell.send(()).unwrap());
                if other == hanging {
                    assert!(work.cancel(), "it waits, as all of its kind");
                } else {
                    work.then(|result| result.unwrap());
                    told.recv_timeout(Duration::from_secs(20)).unwrap();
                }
            }
            drop(go);
            event_loop.run().unwrap();
        }
    }
}
