//! The loop as the objects that live on it see it.

use super::core::Core;
use super::inbox::{Inbox, Letter};
use super::pool;
use super::queues::Queue;
use super::remote::Remote;
use super::slab::Key;
use super::source::{Interest, Source, Trigger};
use super::timers::Callback;
use crate::error::{Error, ErrorKind, Result};
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

thread_local! {
    static CURRENT: RefCell<Option<Handle>> = const { RefCell::new(None) };
}

/// `None` also when the thread is about to end: destructors of its own may ask.
fn current() -> Option<Handle> {
    CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
}

/// An interval that asked for less gets this; a zero would keep the loop from ever sleeping.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(1);

/// A handle to the event loop of this thread: cheap to clone, never keeps the loop alive.
///
/// Most programs never need one: [`set_timeout`](crate::set_timeout) and the constructors find the
/// loop by themselves.
#[derive(Clone)]
pub struct Handle(pub(crate) Rc<Core>);

impl Handle {
    /// The loop that this thread is in.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotInLoop`] where none is.
    ///
    /// ```
    /// assert_eq!(onward::Handle::current().unwrap_err().kind(), onward::ErrorKind::NotInLoop);
    /// onward::run(|| onward::Handle::current().map(drop))?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    pub fn current() -> Result<Self> {
        Self::for_operation("find event loop")
    }

    /// The current loop, for a constructor that names itself in the error.
    pub(crate) fn for_operation(operation: &'static str) -> Result<Self> {
        let handle = current().ok_or_else(|| Error::new(ErrorKind::NotInLoop, operation))?;
        if handle.0.is_over() {
            Err(Error::new(ErrorKind::LoopGone, operation))
        } else {
            Ok(handle)
        }
    }

    /// The current loop, also while it drops what is left on it.
    pub(crate) fn even_ended() -> Result<Self> {
        current().ok_or_else(|| Error::new(ErrorKind::NotInLoop, "find event loop"))
    }

    /// Makes this the thread's current loop for the time of `f`.
    pub(crate) fn enter<T>(&self, f: impl FnOnce() -> T) -> T {
        struct Restore(Option<Handle>);
        impl Drop for Restore {
            fn drop(&mut self) {
                CURRENT.replace(self.0.take());
            }
        }
        let _restore = Restore(CURRENT.replace(Some(self.clone())));
        f()
    }

    /// Runs `f` once, when `delay` has passed; see [`set_timeout`](crate::set_timeout).
    pub fn set_timeout(&self, delay: Duration, f: impl FnOnce() + 'static) -> Timer {
        self.timer(delay, Callback::Once(Box::new(f)))
    }

    /// Runs `f` each time that `period` has passed; see [`set_interval`](crate::set_interval).
    pub fn set_interval(&self, period: Duration, mut f: impl FnMut(Timer) + 'static) -> Timer {
        let (period, serial) = (period.max(SHORTEST_INTERVAL), self.0.serial);
        let callback = move |key| f(Timer { key, serial });
        self.timer(period, Callback::Every(nanoseconds(period), Box::new(callback)))
    }

    fn timer(&self, delay: Duration, callback: Callback) -> Timer {
        if self.0.is_over() {
            return Timer { key: Key::NOBODY, serial: self.0.serial };
        }
        // The clock is read anew: time spent in this turn must not make the timer early.
        let now = self.0.now();
        let key = self.0.timers.borrow_mut().add(now, nanoseconds(delay), callback);
        Timer { key, serial: self.0.serial }
    }

    /// Runs `f` once this turn has polled; see [`set_immediate`](crate::set_immediate).
    pub fn set_immediate(&self, f: impl FnOnce() + 'static) -> Immediate {
        let number = if self.0.is_over() { u64::MAX } else { self.0.immediates.push(Box::new(f)) };
        Immediate { number, serial: self.0.serial }
    }

    /// Runs `f` right after the running callback; see [`next_tick`](crate::next_tick).
    pub fn next_tick(&self, f: impl FnOnce() + 'static) {
        self.put(&self.0.ticks, f);
    }

    /// Queues a job, unless the loop has ended: then it is dropped.
    fn put(&self, queue: &Queue, job: impl FnOnce() + 'static) {
        if !self.0.is_over() {
            queue.push(Box::new(job));
        }
    }

    /// A handle that other threads may have; see [`remote`](crate::remote).
    #[must_use]
    pub fn remote(&self) -> Remote {
        Remote::new(Arc::clone(&self.0.inbox))
    }

    /// Ends the loop after this turn; see [`stop`](crate::stop).
    pub fn stop(&self) {
        self.0.stopping.set(true);
    }

    /// Ends the loop after this turn, with an error; see [`fail`](crate::fail).
    pub fn fail(&self, error: Error) {
        self.0.fail(error);
    }

    /// Does `work` on another thread and `then` with its result on this one. The loop waits for it.
    pub fn spawn_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
        then: impl FnOnce(Result<T>) + 'static,
    ) {
        if self.0.is_over() {
            return;
        }
        let result = Arc::new(Mutex::new(None));
        let kept = Arc::clone(&result);
        let done = move || {
            let result = result.lock().unwrap_or_else(PoisonError::into_inner).take();
            let lost = || Err(Error::new(ErrorKind::Panicked, "blocking work"));
            then(result.unwrap_or_else(lost));
        };
        let key = self.0.awaited.borrow_mut().insert(Box::new(done));
        let told = Told { inbox: Arc::clone(&self.0.inbox), key };
        let submitted = pool::submit({
            let kept = Arc::clone(&kept);
            move || {
                let _told = told;
                let outcome = pool::guarded(work);
                *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
            }
        });
        if let Err(error) = submitted {
            *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(Err(error));
        }
    }

    // What sources need.

    /// Has the loop ended for good?
    pub(crate) fn is_over(&self) -> bool {
        self.0.is_over()
    }

    pub(crate) fn add_source(&self, source: Rc<dyn Source>, trigger: Trigger) -> Key {
        self.0.registry.borrow_mut().add(source, trigger)
    }

    pub(crate) fn want(&self, key: Key, interest: Interest) {
        self.0.registry.borrow_mut().want(key, interest);
    }

    /// This readiness is not exhausted: tell it again when the others have had their turn, or as soon as
    /// it is wanted.
    pub(crate) fn again(&self, key: Key, readiness: Interest) {
        self.0.registry.borrow_mut().again(key, readiness);
    }

    pub(crate) fn count_source(&self, key: Key, counted: bool) {
        self.0.registry.borrow_mut().count(key, counted);
    }

    /// Takes a source out, before its descriptor is closed.
    pub(crate) fn remove_source(&self, key: Key) {
        let removed = self.0.registry.borrow_mut().remove(key, &self.0.driver);
        drop(removed);
    }

    /// Runs `job` at the start of the next turn.
    pub(crate) fn defer(&self, job: impl FnOnce() + 'static) {
        self.put(&self.0.deferred, job);
    }

    /// Runs `job` in this turn, when all that is ready has been served.
    #[cfg_attr(not(unix), allow(dead_code, reason = "signals use it, and there are none"))]
    pub(crate) fn after_poll(&self, job: impl FnOnce() + 'static) {
        self.put(&self.0.after_poll, job);
    }

    /// Runs `job` at the end of this turn, where things are closed.
    pub(crate) fn at_close(&self, job: impl FnOnce() + 'static) {
        self.put(&self.0.closing, job);
    }

    /// To be called after each call of user code from inside of the loop.
    #[inline]
    pub(crate) fn settle(&self) {
        self.0.settle();
    }

    #[inline]
    pub(crate) fn with_scratch<T>(&self, read: impl FnOnce(&mut [u8]) -> T) -> T {
        self.0.with_scratch(read)
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let core = &self.0;
        f.debug_struct("Handle")
            .field("phase", &core.phase.get())
            .field("turns", &core.turns())
            .field("sources", &core.registry.borrow().counted())
            .field("timers", &core.timers.borrow().counted())
            .field("blocking", &core.awaited.borrow().len())
            .field("stale", &core.registry.borrow().stale())
            .finish()
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

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A timer. Ignoring it is fine: the timer goes on without.
///
/// `Copy` and inert: it keeps nothing alive, and one whose timer is over does nothing. It works inside of
/// its loop: from [`run`](crate::run) or [`EventLoop::enter`](crate::EventLoop::enter), and nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timer {
    key: Key,
    serial: u32,
}

/// An immediate. Ignoring it is fine. It works inside of its loop, like a [`Timer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Immediate {
    number: u64,
    serial: u32,
}

/// The core that a handle with this serial belongs to, if it is the thread's current one.
fn core_of(serial: u32) -> Option<Rc<Core>> {
    current().map(|handle| handle.0).filter(|core| core.serial == serial)
}

impl Timer {
    /// Takes the timer back; its closure is dropped. `false` if it was over already.
    ///
    /// ```
    /// # use std::time::Duration;
    /// onward::run(|| {
    ///     let timer = onward::set_timeout(Duration::from_secs(3600), || unreachable!());
    ///     assert!(timer.cancel());
    ///     assert!(!timer.cancel());
    ///     Ok(())
    /// })
    /// # ?; Ok::<(), onward::Error>(())
    /// ```
    #[allow(clippy::must_use_candidate, reason = "it is called for what it does")]
    pub fn cancel(self) -> bool {
        let Some(core) = core_of(self.serial) else { return false };
        let callback = core.timers.borrow_mut().cancel(self.key);
        callback.is_some()
    }

    /// Starts its delay anew, from now. `false` if it was over already.
    #[allow(clippy::must_use_candidate, reason = "it is called for what it does")]
    pub fn refresh(self) -> bool {
        let Some(core) = core_of(self.serial) else { return false };
        let now = core.now();
        core.timers.borrow_mut().refresh(self.key, now)
    }

    /// The loop need not wait for this timer.
    ///
    /// ```
    /// # use std::time::Duration;
    /// onward::run(|| {
    ///     onward::set_interval(Duration::from_secs(1), |_| println!("still here")).unref();
    ///     Ok(())
    /// })?; // returns at once
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[allow(clippy::must_use_candidate, reason = "the timer itself comes back, for chaining")]
    pub fn unref(self) -> Self {
        self.count(false)
    }

    /// The loop waits for this timer again, as it does unless told otherwise.
    #[allow(clippy::must_use_candidate, reason = "the timer itself comes back, for chaining")]
    pub fn ref_(self) -> Self {
        self.count(true)
    }

    /// Does the loop wait for it? `false` for one that is over.
    #[must_use]
    pub fn has_ref(self) -> bool {
        core_of(self.serial)
            .and_then(|core| core.timers.borrow().is_counted(self.key))
            .unwrap_or(false)
    }

    fn count(self, counted: bool) -> Self {
        if let Some(core) = core_of(self.serial) {
            core.timers.borrow_mut().count(self.key, counted);
        }
        self
    }
}

impl Immediate {
    /// Takes it back. `false` if it has run already.
    #[allow(clippy::must_use_candidate, reason = "it is called for what it does")]
    pub fn cancel(self) -> bool {
        core_of(self.serial).is_some_and(|core| core.immediates.cancel(self.number))
    }

    /// The loop need not run it before it ends.
    #[allow(clippy::must_use_candidate, reason = "the immediate itself comes back, for chaining")]
    pub fn unref(self) -> Self {
        self.count(false)
    }

    /// The loop runs it before it ends, as it does unless told otherwise.
    #[allow(clippy::must_use_candidate, reason = "the immediate itself comes back, for chaining")]
    pub fn ref_(self) -> Self {
        self.count(true)
    }

    fn count(self, counted: bool) -> Self {
        if let Some(core) = core_of(self.serial) {
            core.immediates.count(self.number, counted);
        }
        self
    }
}
