//! Work that blocks, done elsewhere.

use super::core::Core;
use super::inbox::{Inbox, Letter};
use super::pool::{self, Ticket};
use super::queues::{Job, Origin, job};
use super::slab::Key;
use crate::error::{Error, ErrorKind, Result};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

/// Work on the blocking pool; made by [`spawn_blocking`](crate::spawn_blocking).
///
/// Its result goes to a callback, by [`then`](Self::then), or to whoever awaits it. The loop waits for it
/// in either case, and also if it is dropped: the work is done all the same, unless it is
/// [cancelled](Self::cancel) in time.
///
/// # Errors
///
/// [`ErrorKind::Panicked`] says that the work panicked, and with what;
/// [`ErrorKind::Io`], that no thread could be started;
/// [`ErrorKind::LoopGone`], that the loop has ended.
#[must_use = "its result is lost: call `then`, or await it"]
pub struct Blocking<T> {
    state: Rc<State<T>>,
    ticket: Option<Ticket>,
    key: Key,
    core: Rc<Core>,
    origin: Origin,
}

/// Work that other threads do: what to do with its result, and since when it is away.
pub(crate) struct Away {
    pub(crate) job: Box<dyn Job>,
    /// By the loop's clock, in nanoseconds.
    pub(crate) since: u64,
}

struct State<T> {
    result: Cell<Option<Result<T>>>,
    then: RefCell<Then<T>>,
}

enum Then<T> {
    Nothing,
    Call(Box<dyn FnOnce(Result<T>)>),
    Wake(Waker),
}

impl<T> State<T> {
    fn done(&self, result: Result<T>) {
        match self.then.replace(Then::Nothing) {
            Then::Call(then) => then(result),
            Then::Wake(waker) => {
                self.result.set(Some(result));
                waker.wake();
            }
            Then::Nothing => self.result.set(Some(result)),
        }
    }
}

pub(super) fn spawn<T: Send + 'static>(
    core: &Rc<Core>,
    work: impl FnOnce() -> T + Send + 'static,
    origin: Origin,
) -> Blocking<T> {
    let state = Rc::new(State { result: Cell::new(None), then: RefCell::new(Then::Nothing) });
    let mut blocking = Blocking {
        state: Rc::clone(&state),
        ticket: None,
        key: Key::NOBODY,
        core: Rc::clone(core),
        origin,
    };
    if core.is_over() {
        state.result.set(Some(Err(Error::new(ErrorKind::LoopGone, "blocking work"))));
        return blocking;
    }
    let result = Arc::new(Mutex::new(None));
    let kept = Arc::clone(&result);
    let done = move || {
        let result = result.lock().unwrap_or_else(PoisonError::into_inner).take();
        let lost = || Err(Error::new(ErrorKind::Panicked, "blocking work"));
        state.done(result.unwrap_or_else(lost));
    };
    blocking.key =
        core.awaited.borrow_mut().insert(Away { job: job(done, origin), since: core.now() });
    let told = Told { inbox: Arc::clone(&core.inbox), key: blocking.key };
    let submitted = pool::submit({
        let kept = Arc::clone(&kept);
        move || {
            let _told = told;
            let outcome = pool::guarded(work);
            *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        }
    });
    match submitted {
        Ok(ticket) => blocking.ticket = Some(ticket),
        Err(error) => *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(Err(error)),
    }
    blocking
}

impl<T: 'static> Blocking<T> {
    /// Calls `then` with the result, on the loop, in the posting phase. Dropped uncalled only with the
    /// loop, or if the work is cancelled.
    pub fn then(self, then: impl FnOnce(Result<T>) + 'static) {
        if self.core.is_over() {
            return;
        }
        match self.state.result.take() {
            // It has been held for longer than the work took.
            Some(result) => self.core.deferred.push(job(move || then(result), self.origin)),
            None => drop(self.state.then.replace(Then::Call(Box::new(then)))),
        }
    }
}

impl<T> Blocking<T> {
    /// Takes the work back, if no thread has begun it: it is dropped, and the loop waits no longer. `false`
    /// if it was begun; then its result is dropped when it comes.
    #[allow(clippy::must_use_candidate, reason = "it is called for what it does")]
    pub fn cancel(self) -> bool {
        let work = self.ticket.as_ref().and_then(pool::cancel);
        let job = work.is_some().then(|| self.core.awaited.borrow_mut().remove(self.key));
        // Both drop what the user gave, while nothing is borrowed or locked.
        drop(work);
        job.is_some()
    }
}

impl<T> Future for Blocking<T> {
    type Output = Result<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        if let Some(result) = self.state.result.take() {
            return Poll::Ready(result);
        }
        self.state.then.replace(Then::Wake(context.waker().clone()));
        Poll::Pending
    }
}

impl<T> fmt::Debug for Blocking<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blocking").finish_non_exhaustive()
    }
}

/// Tells the loop, when it is dropped, that some work is done, or will never be.
struct Told {
    inbox: Arc<Inbox>,
    key: Key,
}

impl Drop for Told {
    fn drop(&mut self) {
        // A loop that has ended waits for nothing.
        let _ = self.inbox.post((), |()| Letter::Done(self.key));
    }
}
