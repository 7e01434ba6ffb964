//! `Operation`: something to do with files, which is awaited or given a callback.
//!
//! ```text
//!   idle ── cached? ──> over                                  on the loop, within its share of the turn
//!     │ └─ share used up: in line, idle again when called
//!     └──────────────> in the pool ──> over
//!                            └───────> streaming ──> over     a FIFO or a device, which the poller serves
//! ```

use super::share::{self, Place};
use super::subject::Subject;
use crate::error::{Error, ErrorKind, Result};
use crate::event_loop::{Blocking, Handle, JoinHandle, Origin, here, pool};
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::path::Path;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Something to do with files: what the functions of [`fs`](crate::fs) return.
///
/// **Nothing happens before it is awaited, or given a callback by [`then`](Self::then), or
/// [started](Self::start).** One that is dropped then is taken back if no thread has begun it; else it is done, and its
/// result is dropped.
///
/// ```
/// use onward::fs;
///
/// onward::run(|| {
///     fs::read("Cargo.toml").then(|bytes| println!("{:?} bytes", bytes.map(|bytes| bytes.len())));
///
///     onward::spawn_or_fail(async {
///         let text = fs::read_to_string("Cargo.toml").await?;
///         println!("{} lines", text.lines().count());
///         Ok(())
///     });
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
///
/// # Ordering
///
/// There is none between operations that are under way at the same time. What has to come after another one is
/// begun in its callback, or behind its `.await`. A callback is never called from inside of `then`.
///
/// # Errors
///
/// Each names the operation, the path (or both), and what the system said. Besides,
/// [`InvalidInput`](crate::ErrorKind::InvalidInput): a path with a zero byte in it;
/// [`OutOfDescriptors`](crate::ErrorKind::OutOfDescriptors);
/// [`NotInLoop`](crate::ErrorKind::NotInLoop): awaited outside of a loop;
/// and those of the [pool](crate::Blocking#errors).
///
/// # Where it is done
///
/// What the system has in its caches is done on the loop, on Linux: that is [`read`](crate::fs::read),
/// [`stat`](crate::fs::stat) and their like, for files up to 128 KiB. All operations of a loop together may take so
/// much of each turn; the others wait, in order, for the next. All else is done by the threads of the
/// [pool](crate::pool), as work of the kind `fs`: so many at a time, be there thousands, and without keeping
/// names or work of yours waiting.
///
/// # Giving up
///
/// [`AbortSignal::run`](crate::abort::AbortSignal::run) and [`timeout`](crate::timeout) drop what they wait for, and the
/// [`JoinHandle`] of `then` can be [cancelled](JoinHandle::cancel): all of them take back what no thread has begun.
#[must_use = "nothing happens until it is awaited, or given a callback by `then`"]
pub struct Operation<T> {
    subject: Arc<Subject>,
    state: State<T>,
    origin: Origin,
    /// The loop waits for somebody who waits for it.
    quiet: bool,
}

/// A result, or what the loop shall do to get it.
pub(in crate::fs) enum Next<T> {
    Done(T),
    Stream(Begin<T>),
}

/// Is told whether the loop need not wait for it.
type Begin<T> = Box<dyn FnOnce(&Subject, bool) -> Streaming<T> + Send>;

pub(in crate::fs) type Streaming<T> = Pin<Box<dyn Future<Output = Result<T>>>>;

/// What an attempt to do it at once gives, with what it cost in bytes.
type Now<T> = Box<dyn FnOnce(&Subject) -> Option<(Next<T>, usize)> + Send>;
type Work<T> = Box<dyn FnOnce(&Subject) -> Result<Next<T>> + Send>;

struct Plan<T> {
    now: Option<Now<T>>,
    work: Work<T>,
}

enum State<T> {
    Idle(Plan<T>),
    InLine(Plan<T>, Rc<Place>),
    InPool(Blocking<Result<Next<T>>>),
    Streaming(Streaming<T>),
    /// The loop goes on with it by itself.
    Started(JoinHandle<Result<T>>),
    Done(Result<T>),
    Over,
}

impl<T: Send + 'static> Operation<T> {
    /// Work for the pool.
    #[track_caller]
    pub(in crate::fs) fn new(
        subject: Subject,
        work: impl FnOnce(&Subject) -> Result<T> + Send + 'static,
    ) -> Self {
        Self::streaming(subject, move |subject| work(subject).map(Next::Done))
    }

    /// Work for the pool which only the system can fail.
    #[track_caller]
    pub(in crate::fs) fn io(
        subject: Subject,
        work: impl FnOnce(&Subject) -> std::io::Result<T> + Send + 'static,
    ) -> Self {
        Self::new(subject, move |subject| work(subject).map_err(|error| subject.error(error)))
    }

    /// The same with one path.
    #[track_caller]
    pub(in crate::fs) fn on(
        operation: &'static str,
        path: impl AsRef<Path>,
        work: impl FnOnce(&Path) -> std::io::Result<T> + Send + 'static,
    ) -> Self {
        Self::io(Subject::new(operation, path), move |subject| work(&subject.path))
    }

    /// Work for the pool that may turn out to be for the loop.
    #[track_caller]
    pub(in crate::fs) fn streaming(
        subject: Subject,
        work: impl FnOnce(&Subject) -> Result<Next<T>> + Send + 'static,
    ) -> Self {
        let state = match subject.check() {
            Ok(()) => State::Idle(Plan { now: None, work: Box::new(work) }),
            Err(error) => State::Done(Err(error)),
        };
        Self { subject: Arc::new(subject), state, origin: Location::caller(), quiet: false }
    }

    /// Tries this first, on the loop.
    pub(in crate::fs) fn first(
        mut self,
        now: impl FnOnce(&Subject) -> Option<(Next<T>, usize)> + Send + 'static,
    ) -> Self {
        if let State::Idle(plan) = &mut self.state {
            plan.now = Some(Box::new(now));
        }
        self
    }

    /// Does it, and calls `then` with the result, on the loop.
    ///
    /// The handle that comes back can cancel it, or tell the loop not to wait for it. It may be ignored. Whoever
    /// cancels is not told the result any more; nor is anybody when the loop ends before.
    ///
    /// # Panics
    ///
    /// Outside of a loop. A panic of `then` passes out of [`run`](crate::run), like that of any callback.
    ///
    /// ```
    /// use onward::fs;
    ///
    /// onward::run(|| {
    ///     fs::stat("missing.txt").then(|found| {
    ///         let error = found.unwrap_err();
    ///         assert!(error.is_not_found());
    ///         assert!(error.to_string().starts_with("stat missing.txt: "));
    ///     });
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[track_caller]
    #[allow(clippy::must_use_candidate, reason = "most are never cancelled")]
    pub fn then(mut self, then: impl FnOnce(Result<T>) + 'static) -> JoinHandle<()> {
        let handle = here("then");
        self.quiet = true;
        self.state = match std::mem::replace(&mut self.state, State::Over) {
            State::Started(task) => State::Started(task.unref()),
            state => state,
        };
        let origin = self.origin;
        handle.spawn_from(origin, async move {
            match self.await {
                Err(error) if error.kind() == ErrorKind::LoopGone => {}
                result => then(result),
            }
        })
    }

    /// Begins it now, and gives it back: several that are started are done at the same time, whichever is awaited
    /// first. The loop waits for it.
    ///
    /// ```
    /// use onward::fs;
    ///
    /// onward::block_on(async {
    ///     let (manifest, license) = (fs::read("Cargo.toml").start(), fs::read("LICENSE-MIT").start());
    ///     println!("{} bytes", manifest.await?.len() + license.await?.len());
    ///     Ok::<_, onward::Error>(())
    /// })??;
    /// # Ok::<(), onward::Error>(())
    /// ```
    pub fn start(mut self) -> Self {
        let plan = match std::mem::replace(&mut self.state, State::Over) {
            State::Idle(plan) => plan,
            begun => {
                self.state = begun;
                return self;
            }
        };
        let handle = match Handle::for_operation(self.subject.operation) {
            Ok(handle) => handle,
            Err(error) => {
                self.state = State::Done(Err(error.on(&self.subject)));
                return self;
            }
        };
        self.quiet = true;
        self.state = self.begin(&handle, plan, share::is_free(&handle));
        if matches!(self.state, State::Done(_)) {
            return self;
        }
        let (subject, origin) = (Arc::clone(&self.subject), self.origin);
        let state = State::Started(handle.spawn_from(origin, self));
        Self { subject, state, origin, quiet: false }
    }

    /// Does it at once if it may and can, else gives it to the pool.
    fn begin(&self, handle: &Handle, plan: Plan<T>, may: bool) -> State<T> {
        let subject = Arc::clone(&self.subject);
        if let Some(now) = plan.now.filter(|_| may) {
            let done = now(&subject);
            share::spend(handle, done.as_ref().map_or(share::BASE, |(_, cost)| *cost));
            if let Some((next, _)) = done {
                return self.after(next);
            }
        }
        let work = plan.work;
        let work = move || work(&subject);
        let job = handle.spawn_blocking_from(pool::Kind::Fs, self.origin, work);
        if self.quiet {
            let _ = job.job().unref();
        }
        State::InPool(job)
    }

    fn after(&self, next: Next<T>) -> State<T> {
        match next {
            Next::Done(value) => State::Done(Ok(value)),
            Next::Stream(begin) => State::Streaming(begin(&self.subject, self.quiet)),
        }
    }

    /// Goes on from where it may have to wait for its turn.
    fn resume(&self, plan: Plan<T>, called: bool, context: &Context<'_>) -> Step<T> {
        let handle = match Handle::for_operation(self.subject.operation) {
            Ok(handle) => handle,
            Err(error) => return Step::Go(State::Done(Err(error.on(&self.subject)))),
        };
        if called || plan.now.is_none() || share::is_free(&handle) {
            return Step::Go(self.begin(&handle, plan, true));
        }
        let place = share::wait(&handle, self.origin);
        place.wake_by(context.waker());
        Step::Wait(State::InLine(plan, place))
    }

    fn advance(&self, state: State<T>, context: &mut Context<'_>) -> Step<T> {
        let subject = &self.subject;
        match state {
            State::Idle(plan) => self.resume(plan, false, context),
            State::InLine(plan, place) if place.is_called() => self.resume(plan, true, context),
            State::InLine(plan, place) => {
                place.wake_by(context.waker());
                Step::Wait(State::InLine(plan, place))
            }
            State::InPool(work) => polled(work, context, State::InPool, |result| match result {
                Ok(Ok(next)) => self.after(next),
                Ok(Err(error)) => State::Done(Err(error)),
                Err(error) => State::Done(Err(subject.rename(error))),
            }),
            State::Streaming(stream) => polled(stream, context, State::Streaming, |result| {
                State::Done(result.map_err(|error| subject.rename(error)))
            }),
            State::Started(task) => polled(task, context, State::Started, |result| {
                // Nobody has cancelled it but the end of the loop.
                let gone = |_| Err(Error::new(ErrorKind::LoopGone, subject.operation).on(subject));
                State::Done(result.unwrap_or_else(gone))
            }),
            State::Done(_) | State::Over => Step::Go(state),
        }
    }
}

enum Step<T> {
    Go(State<T>),
    Wait(State<T>),
}

/// Looks whether that is done which a state waits for.
fn polled<F: Future + Unpin, T>(
    mut future: F,
    context: &mut Context<'_>,
    waits: fn(F) -> State<T>,
    done: impl FnOnce(F::Output) -> State<T>,
) -> Step<T> {
    match Pin::new(&mut future).poll(context) {
        Poll::Ready(output) => Step::Go(done(output)),
        Poll::Pending => Step::Wait(waits(future)),
    }
}

// Nothing in it is pinned where it stands.
impl<T> Unpin for Operation<T> {}

impl<T: Send + 'static> Future for Operation<T> {
    type Output = Result<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        let this = self.get_mut();
        loop {
            match std::mem::replace(&mut this.state, State::Over) {
                State::Done(result) => return Poll::Ready(result),
                State::Over => {
                    let error = Error::new(ErrorKind::Unsettled, this.subject.operation);
                    return Poll::Ready(Err(error.on(&this.subject)));
                }
                state => match this.advance(state, context) {
                    Step::Go(state) => this.state = state,
                    Step::Wait(state) => {
                        this.state = state;
                        return Poll::Pending;
                    }
                },
            }
        }
    }
}

impl<T> Drop for Operation<T> {
    fn drop(&mut self) {
        match std::mem::replace(&mut self.state, State::Over) {
            State::InPool(work) => drop(work.cancel()),
            State::Started(task) => task.cancel(),
            _ => {}
        }
    }
}

impl<T> fmt::Debug for Operation<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Idle(_) => "",
            State::InLine(..) | State::InPool(_) | State::Streaming(_) | State::Started(_) => {
                ", under way"
            }
            State::Done(_) | State::Over => ", done",
        };
        write!(f, "Operation({} {}{state})", self.subject.operation, self.subject)
    }
}
