//! Work that blocks, done elsewhere.

use super::core::Core;
use super::inbox::Inbox;
use super::mail::Letter;
use super::pool::{self, Kind, Ticket, Work};
use super::queues::{Origin, job};
use super::slab::Key;
use super::tokens::core_of;
use crate::error::{Error, ErrorKind, Result};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

/// What errors call it.
const OPERATION: &str = "blocking work";

/// Work on the [blocking pool](crate::pool); made by [`spawn_blocking`](crate::spawn_blocking).
///
/// Its result goes to a callback, by [`then`](Self::then), or to whoever awaits it. The loop waits for it
/// in either case, and also if it is dropped: the work is done all the same. What is begun by chance should
/// not decide whether a thing is done, so only [`cancel`](Self::cancel) takes work back.
///
/// # Errors
///
/// [`ErrorKind::Panicked`] says that the work panicked, and with what;
/// [`ErrorKind::Io`], that there was no thread for it and none could be started;
/// [`ErrorKind::PoolFull`], that [too much waits](crate::pool::PoolOptions::max_queued) already;
/// [`ErrorKind::Cancelled`], that somebody cancelled it by its [`BlockingJob`];
/// [`ErrorKind::LoopGone`], that the loop has ended.
#[must_use = "its result is lost: call `then`, or await it"]
pub struct Blocking<T> {
    state: Rc<State<T>>,
    job: BlockingJob,
    core: Rc<Core>,
    origin: Origin,
}

/// Names some work on the blocking pool, to cancel it by, or to [`unref`](Self::unref) it, when its
/// [`Blocking`] has been given away.
///
/// `Copy` and inert, like a [`Timer`](crate::Timer): it keeps nothing alive, and works inside of its loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BlockingJob {
    ticket: Ticket,
    key: Key,
    serial: u32,
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
    kind: Kind,
    work: impl FnOnce() -> T + Send + 'static,
    origin: Origin,
) -> Blocking<T> {
    let state = Rc::new(State { result: Cell::new(None), then: RefCell::new(Then::Nothing) });
    let named = BlockingJob { ticket: Ticket::NONE, key: Key::NOBODY, serial: core.serial };
    let mut blocking =
        Blocking { state: Rc::clone(&state), job: named, core: Rc::clone(core), origin };
    if core.is_over() {
        state.result.set(Some(Err(Error::new(ErrorKind::LoopGone, OPERATION))));
        return blocking;
    }
    let result = Arc::new(Mutex::new(None));
    let mut arrival =
        Arrival { state, result: Arc::clone(&result), core: Rc::downgrade(core), here: false };
    let key = core.awaited.borrow_mut().insert(job(move || arrival.arrive(), origin), core.now());
    let told = Told { inbox: Arc::clone(&core.inbox), key, quiet: false };
    let ticket = pool::submit(kind, Box::new(Errand { work: Some(work), result, told }));
    blocking.job = BlockingJob { ticket, key, ..named };
    blocking
}

impl<T: 'static> Blocking<T> {
    /// Calls `then` with the result, on the loop, in the posting phase. It is dropped uncalled with the
    /// loop, and if the work is cancelled, which what comes back is for.
    ///
    /// # Panics
    ///
    /// A panic of `then` passes out of [`run`](crate::run), like that of any callback.
    ///
    /// ```
    /// use onward::{set_timeout, spawn_blocking};
    /// use std::{fs, time::Duration};
    ///
    /// onward::run(|| {
    ///     let job = spawn_blocking(|| fs::read("Cargo.toml")).then(|read| println!("{read:?}"));
    ///     // If no thread has begun it by then.
    ///     set_timeout(Duration::from_secs(1), move || {
    ///         job.cancel();
    ///     })
    ///     .unref();
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[allow(clippy::must_use_candidate, reason = "most work is never cancelled")]
    pub fn then(self, then: impl FnOnce(Result<T>) + 'static) -> BlockingJob {
        if self.core.is_over() {
            return self.job;
        }
        match self.state.result.take() {
            // Somebody has cancelled it by its name before.
            Some(Err(error)) if error.kind() == ErrorKind::Cancelled => {}
            // It has been held for longer than the work took.
            Some(result) => self.core.deferred.push(job(move || then(result), self.origin)),
            None => drop(self.state.then.replace(Then::Call(Box::new(then)))),
        }
        self.job
    }
}

impl<T> Blocking<T> {
    /// Takes the work back, if no thread has begun it: it is dropped, and the loop waits no longer. `false`
    /// if it was begun; then its result is dropped when it comes.
    ///
    /// ```
    /// onward::run(|| {
    ///     let work = onward::spawn_blocking(|| println!("done"));
    ///     if work.cancel() {
    ///         println!("nothing is done");
    ///     }
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[allow(clippy::must_use_candidate, reason = "it is called for what it does")]
    pub fn cancel(self) -> bool {
        self.job.take_back(&self.core)
    }

    /// What to cancel it by while somebody else awaits it: that one gets [`ErrorKind::Cancelled`]. A future
    /// that awaits it keeps the loop going by itself, whether this is `unref`ed or not.
    #[must_use]
    pub fn job(&self) -> BlockingJob {
        self.job
    }
}

impl BlockingJob {
    /// Takes the work back, if no thread has begun it: it is dropped, with the callback that waited for its
    /// result, and who awaits it gets [`ErrorKind::Cancelled`]. The loop waits no longer. `false` if it was
    /// begun; then its result comes.
    ///
    /// ```
    /// onward::run(|| {
    ///     let job = onward::spawn_blocking(|| 6 * 7).then(|answer| println!("{answer:?}"));
    ///     onward::next_tick(move || println!("cancelled: {}", job.cancel()));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[allow(clippy::must_use_candidate, reason = "it is called for what it does")]
    pub fn cancel(self) -> bool {
        core_of(self.serial).is_some_and(|core| self.take_back(&core))
    }

    /// The loop need not wait for this work. If it goes on until the work is done, for other reasons, the
    /// result comes as ever.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// onward::run(|| {
    ///     let hour = Duration::from_secs(3600);
    ///     onward::spawn_blocking(move || std::thread::sleep(hour)).then(drop).unref();
    ///     Ok(())
    /// })?; // returns at once
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[allow(clippy::must_use_candidate, reason = "the job itself comes back, for chaining")]
    pub fn unref(self) -> Self {
        self.count(false)
    }

    /// The loop waits for this work again, as it does unless told otherwise.
    #[allow(clippy::must_use_candidate, reason = "the job itself comes back, for chaining")]
    pub fn ref_(self) -> Self {
        self.count(true)
    }

    /// Does the loop wait for it? `false` if its result has come, or it was cancelled.
    #[must_use]
    pub fn has_ref(self) -> bool {
        let core = core_of(self.serial);
        core.and_then(|core| core.awaited.borrow().is_counted(self.key)).unwrap_or(false)
    }

    fn count(self, counted: bool) -> Self {
        if let Some(core) = core_of(self.serial) {
            core.awaited.borrow_mut().count(self.key, counted);
        }
        self
    }

    fn take_back(self, core: &Core) -> bool {
        let Some(work) = pool::cancel(self.ticket) else { return false };
        let awaited = core.awaited.borrow_mut().remove(self.key);
        // Both drop what the user gave, while nothing is borrowed or locked.
        drop(work);
        drop(awaited);
        true
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

/// Brings the result to who wants it; dropped before, it says that none will come.
struct Arrival<T> {
    state: Rc<State<T>>,
    result: Outcome<T>,
    core: Weak<Core>,
    here: bool,
}

impl<T> Arrival<T> {
    fn arrive(&mut self) {
        self.here = true;
        let result = self.result.lock().unwrap_or_else(PoisonError::into_inner).take();
        let lost = || Err(Error::new(ErrorKind::Panicked, OPERATION));
        self.state.done(result.unwrap_or_else(lost));
    }
}

impl<T> Drop for Arrival<T> {
    fn drop(&mut self) {
        if self.here {
            return;
        }
        let over = self.core.upgrade().is_none_or(|core| core.is_over());
        let kind = if over { ErrorKind::LoopGone } else { ErrorKind::Cancelled };
        match self.state.then.replace(Then::Nothing) {
            Then::Call(then) => drop(then),
            other => {
                self.state.result.set(Some(Err(Error::new(kind, OPERATION))));
                if let Then::Wake(waker) = other {
                    waker.wake();
                }
            }
        }
    }
}

type Outcome<T> = Arc<Mutex<Option<Result<T>>>>;

/// The work as it goes to the pool. When it is dropped, `told` is dropped last.
struct Errand<T, F> {
    work: Option<F>,
    result: Outcome<T>,
    told: Told,
}

impl<T, F> Errand<T, F> {
    fn leave(&self, result: Result<T>) {
        let before = self.result.lock().unwrap_or_else(PoisonError::into_inner).replace(result);
        debug_assert!(before.is_none(), "it is done once");
    }
}

impl<T: Send, F: FnOnce() -> T + Send> Work for Errand<T, F> {
    fn run(&mut self) {
        if let Some(work) = self.work.take() {
            self.leave(pool::guarded(work));
        }
    }

    fn refuse(&mut self, error: Error) {
        self.leave(Err(error));
    }

    fn withdraw(&mut self) {
        self.told.quiet = true;
    }
}

/// Tells the loop, when it is dropped, that some work is done, or will never be.
struct Told {
    inbox: Arc<Inbox>,
    key: Key,
    quiet: bool,
}

impl Drop for Told {
    fn drop(&mut self) {
        if !self.quiet {
            // A loop that has ended waits for nothing.
            let _ = self.inbox.post((), |()| Letter::Done(self.key));
        }
    }
}
