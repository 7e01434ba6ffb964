//! The loop as the objects that live on it see it.

use super::blocking::{self, Blocking};
use super::closures::{Every, Once};
use super::core::{Core, Phase};
use super::hooks::{self, Hook, Moment};
use super::pool;
use super::queues::{Origin, Queue, job};
use super::remote::Remote;
use super::slow::{self, Slowness};
use super::tasks::{self, JoinHandle};
use super::timers::{Kind, Missed};
use super::tokens::{Immediate, Timer};
use crate::error::{Error, ErrorKind, Failure, Result};
use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

thread_local! {
    /// A thread that ends is in no loop, so there is nothing to drop; and what has no destructor is looked at without a
    /// question whether it is there.
    static CURRENT: ManuallyDrop<RefCell<Option<Handle>>> =
        const { ManuallyDrop::new(RefCell::new(None)) };
}

#[inline]
pub(super) fn current() -> Option<Handle> {
    CURRENT.with(|current| current.borrow().clone())
}

/// Looks at the loop with this serial, if the thread is inside of it. No code of the user's may run in here.
#[inline]
pub(super) fn look_at<T>(serial: u32, look: impl FnOnce(&Core) -> T) -> Option<T> {
    self::look(|core| (core.serial == serial).then(|| look(core))).flatten()
}

/// Looks at the loop that the thread is in, if it is in one. No code of the user's may run in here.
#[inline]
pub(super) fn look<T>(look: impl FnOnce(&Core) -> T) -> Option<T> {
    CURRENT.with(|current| current.borrow().as_ref().map(|handle| look(&handle.0)))
}

/// Has an error that nobody took end the loop that this thread is in, if it is in one.
pub(crate) fn take_failure(emitter: &'static str, error: Failure) -> Option<Failure> {
    let Some(handle) = current() else { return Some(error) };
    let unhandled = Error::new(ErrorKind::Unhandled, "unhandled error of");
    handle.fail(unhandled.on(emitter).because(error));
    None
}

/// Gives `value` to the loop with this serial, or back, if the thread is not inside of it.
pub(super) fn with_current<T>(serial: u32, value: T, f: impl FnOnce(&Core, T)) -> Option<T> {
    let mut value = Some(value);
    look_at(serial, |core| value.take().map(|value| f(core, value)));
    value
}

#[cold]
fn not_in_loop(operation: &'static str) -> Error {
    Error::new(ErrorKind::NotInLoop, operation)
}

/// An interval that asked for less gets this; a zero would keep the loop from ever sleeping.
pub(super) const SHORTEST_INTERVAL: Duration = Duration::from_millis(1);

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
    /// [`ErrorKind::NotInLoop`] where none is; [`ErrorKind::Forked`] in a child that was forked off.
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
        let handle = current().ok_or_else(|| not_in_loop(operation))?;
        if handle.0.is_over() {
            return Err(Error::new(ErrorKind::LoopGone, operation));
        }
        handle.0.refuse_forked(operation)?;
        Ok(handle)
    }

    /// The current loop, also while it drops what is left on it.
    #[inline]
    pub(crate) fn even_ended() -> Result<Self> {
        current().ok_or_else(|| not_in_loop("find event loop"))
    }

    /// Makes this the thread's current loop for the time of `f`.
    pub(crate) fn enter<T>(&self, f: impl FnOnce() -> T) -> T {
        struct Restore(Option<Handle>);
        impl Drop for Restore {
            fn drop(&mut self) {
                CURRENT.with(|current| current.replace(self.0.take()));
            }
        }
        let outer = CURRENT.with(|current| current.replace(Some(self.clone())));
        let _restore = Restore(outer);
        f()
    }

    /// Runs `f` once, when `delay` has passed; see [`set_timeout`](crate::set_timeout).
    #[track_caller]
    pub fn set_timeout(&self, delay: Duration, f: impl FnOnce() + 'static) -> Timer {
        self.timeout(nanoseconds(delay), f, Location::caller())
    }

    /// Runs `f` each time that `period` has passed; see [`set_interval`](crate::set_interval).
    #[track_caller]
    pub fn set_interval(&self, period: Duration, f: impl FnMut(Timer) + 'static) -> Timer {
        self.set_interval_with(period, Missed::Skip, f)
    }

    /// The same, with a rule for calls that were missed; see
    /// [`set_interval_with`](crate::set_interval_with).
    #[track_caller]
    pub fn set_interval_with(
        &self,
        period: Duration,
        missed: Missed,
        f: impl FnMut(Timer) + 'static,
    ) -> Timer {
        let period = nanoseconds(period.max(SHORTEST_INTERVAL));
        let (kind, origin) = (Kind::Every(missed), Location::caller());
        self.0.set_timer(period, kind, Every(f), origin)
    }

    pub(super) fn timeout(&self, delay: u64, f: impl FnOnce() + 'static, origin: Origin) -> Timer {
        self.0.set_timer(delay, Kind::Once, Once(f), origin)
    }

    /// By the loop's clock.
    pub(super) fn timer_at(
        &self,
        deadline: u64,
        f: impl FnOnce() + 'static,
        origin: Origin,
    ) -> Timer {
        self.timeout(deadline.saturating_sub(self.0.now()), f, origin)
    }

    /// Nanoseconds, by the loop's clock.
    pub(crate) fn nanoseconds(&self) -> u64 {
        self.0.now()
    }

    /// How long the loop has been there, by its clock; see [`now`](crate::now).
    #[must_use]
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.0.now())
    }

    /// Runs `f` once this turn has polled; see [`set_immediate`](crate::set_immediate).
    #[track_caller]
    pub fn set_immediate(&self, f: impl FnOnce() + 'static) -> Immediate {
        let (serial, origin) = (self.0.serial, Location::caller());
        if self.0.is_over() {
            return Immediate { number: u64::MAX, serial };
        }
        Immediate { number: self.0.immediates.push(job(f, origin)), serial }
    }

    /// Runs `f` right after the running callback; see [`next_tick`](crate::next_tick).
    #[track_caller]
    pub fn next_tick(&self, f: impl FnOnce() + 'static) {
        self.next_tick_from(Location::caller(), f);
    }

    /// Runs a future on this loop; see [`spawn`](crate::spawn).
    #[track_caller]
    #[allow(clippy::must_use_candidate, reason = "many are left to themselves")]
    pub fn spawn<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> JoinHandle<T> {
        self.spawn_from(Location::caller(), future)
    }

    /// The same for somebody else, who asked for it there.
    pub(crate) fn spawn_from<T: 'static>(
        &self,
        origin: Origin,
        future: impl Future<Output = T> + 'static,
    ) -> JoinHandle<T> {
        tasks::spawn(&self.0, future, origin)
    }

    /// Runs a future whose error ends the loop; see [`spawn_or_fail`](crate::spawn_or_fail).
    #[track_caller]
    #[allow(clippy::must_use_candidate, reason = "many are left to themselves")]
    pub fn spawn_or_fail(
        &self,
        future: impl Future<Output = Result<()>> + 'static,
    ) -> JoinHandle<()> {
        let handle = self.clone();
        self.spawn(async move {
            if let Err(error) = future.await {
                handle.fail(error);
            }
        })
    }

    /// Queues a job, unless the loop has ended: then it is dropped.
    pub(super) fn put(&self, queue: &Queue, origin: Origin, f: impl FnOnce() + 'static) {
        if !self.0.is_over() {
            queue.push(job(f, origin));
        }
    }

    /// A handle that other threads may have; see [`remote`](crate::remote).
    #[must_use]
    pub fn remote(&self) -> Remote {
        Remote::new(Arc::clone(&self.0.inbox))
    }

    /// Calls `f` each turn, before the loop waits; what it does to sockets counts for this wait. It does not
    /// keep the loop going.
    ///
    /// ```
    /// onward::run(|| {
    ///     let handle = onward::Handle::current()?;
    ///     let hook = handle.before_poll(|| println!("about to wait"));
    ///     onward::set_immediate(move || assert!(hook.remove()));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[doc(alias = "uv_prepare_t")]
    #[track_caller]
    pub fn before_poll(&self, f: impl FnMut() + 'static) -> Hook {
        hooks::add(&self.0, Moment::BeforePoll, f)
    }

    /// Calls `f` each turn, when all that was ready has been served. It does not keep the loop going.
    ///
    /// ```
    /// # use std::time::Duration;
    /// onward::run(|| {
    ///     let mut turns = 0;
    ///     onward::Handle::current()?.after_poll(move || {
    ///         turns += 1;
    ///         println!("turn {turns} has waited");
    ///     });
    ///     onward::set_timeout(Duration::from_millis(1), || println!("in the second"));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[doc(alias = "uv_check_t")]
    #[track_caller]
    pub fn after_poll(&self, f: impl FnMut() + 'static) -> Hook {
        hooks::add(&self.0, Moment::AfterPoll, f)
    }

    /// Calls `f` when nothing is left that keeps the loop going: if it finds something, the loop goes on,
    /// and comes back to it. Not after [`stop`](crate::stop) or [`fail`](crate::fail).
    ///
    /// ```
    /// onward::run(|| {
    ///     let mut left = 2;
    ///     onward::Handle::current()?.before_exit(move || {
    ///         if left > 0 {
    ///             left -= 1;
    ///             onward::set_immediate(|| println!("one more thing"));
    ///         }
    ///     });
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[track_caller]
    pub fn before_exit(&self, f: impl FnMut() + 'static) -> Hook {
        hooks::add(&self.0, Moment::BeforeExit, f)
    }

    /// Calls `f` once, when the loop has ended for good, whatever ended it, but a panic: all is closed, and
    /// what is put on the loop now is dropped.
    ///
    /// ```
    /// onward::run(|| {
    ///     onward::Handle::current()?.at_exit(|| println!("last"));
    ///     onward::set_immediate(|| println!("first"));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[track_caller]
    pub fn at_exit(&self, f: impl FnOnce() + 'static) -> Hook {
        let mut f = Some(f);
        hooks::add(&self.0, Moment::Exit, move || f.take().into_iter().for_each(|f| f()))
    }

    /// Ends the loop after this turn; see [`stop`](crate::stop).
    pub fn stop(&self) {
        self.0.stopping.set(true);
    }

    /// Ends the loop after this turn, with an error; see [`fail`](crate::fail).
    pub fn fail(&self, error: Error) {
        self.0.fail(error);
    }

    /// Does `work` on another thread; see [`spawn_blocking`](crate::spawn_blocking).
    #[track_caller]
    pub fn spawn_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Blocking<T> {
        self.spawn_blocking_from(pool::Kind::User, Location::caller(), work)
    }

    /// The same for work of some kind, that was asked for there.
    pub(crate) fn spawn_blocking_from<T: Send + 'static>(
        &self,
        kind: pool::Kind,
        origin: Origin,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Blocking<T> {
        blocking::spawn(&self.0, kind, work, origin)
    }

    // What inspection needs.

    /// How long the loop has waited, and how long it has run without waiting, since somebody asked first.
    pub(crate) fn time_spent(&self) -> (Duration, Duration) {
        let runs = self.0.phase.get() == Phase::Running;
        let (idle, active) = self.0.clock.read(self.0.now(), runs);
        (Duration::from_nanos(idle), Duration::from_nanos(active))
    }

    /// Has `f` told of callbacks that take as long, or longer. Gives what [`remove_slow`](super::remove_slow)
    /// wants.
    pub(crate) fn on_slow(
        &self,
        threshold: Duration,
        f: impl FnMut(&Slowness) + 'static,
    ) -> (u32, u64) {
        (self.0.serial, slow::add(&self.0, nanoseconds(threshold), f))
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
            .field("futures", &core.tasks.counted())
            .field("stale", &core.registry.borrow().stale())
            .finish()
    }
}

pub(super) fn nanoseconds(duration: Duration) -> u64 {
    let whole = duration.as_secs().saturating_mul(1_000_000_000);
    whole.saturating_add(duration.subsec_nanos().into())
}
