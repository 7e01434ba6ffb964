//! The functions that need no handle: they work on the loop that the thread is in.

use super::closures::Once;
use super::handle::{look, nanoseconds};
use super::timers::Kind;
use super::{Blocking, Handle, Immediate, JoinHandle, Missed, Remote, Timer};
use crate::error::{Error, Result};
use std::future::Future;
use std::panic::Location;
use std::time::Duration;

/// The loop that a free function works on.
#[track_caller]
#[inline]
pub(crate) fn here(function: &str) -> Handle {
    // A loop that has ended drops what it is given: a destructor that it calls at its end may use it.
    match Handle::even_ended() {
        Ok(handle) => handle,
        Err(error) => panic!("{function}: {error}"),
    }
}

/// Runs `f` once, when `delay` has passed: in the timer phase of a turn, never early.
///
/// # Panics
///
/// Outside of a loop. [`Handle::current`] says so with an error instead.
///
/// ```
/// # use std::time::Duration;
/// onward::run(|| {
///     onward::set_timeout(Duration::from_millis(5), || println!("second"));
///     onward::set_timeout(Duration::ZERO, || println!("first"));
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[track_caller]
#[allow(clippy::must_use_candidate, reason = "most timers are never cancelled")]
pub fn set_timeout(delay: Duration, f: impl FnOnce() + 'static) -> Timer {
    let (origin, mut f) = (Location::caller(), Some(f));
    // If the loop is over, `f` is left, and dropped when nobody looks at the loop any more.
    let set = look(|core| {
        let f = if core.is_over() { None } else { f.take() };
        f.map(|f| core.set_timer(nanoseconds(delay), Kind::Once, Once(f), origin))
            .unwrap_or_else(|| core.no_timer())
    });
    set.unwrap_or_else(|| here("set_timeout").0.no_timer())
}

/// Runs `f` each time that `period` has passed, and hands it its [`Timer`], to cancel it by.
///
/// It keeps the beat: a late call does not delay those after it, and calls that were missed
/// altogether are left out. A period below a millisecond counts as one; one above a second is rounded up, by a
/// millionth at most.
///
/// # Panics
///
/// Outside of a loop. [`Handle::current`] says so with an error instead.
///
/// ```
/// # use std::time::Duration;
/// onward::run(|| {
///     let mut left = 3;
///     onward::set_interval(Duration::from_millis(1), move |timer| {
///         println!("{left}");
///         left -= 1;
///         if left == 0 {
///             timer.cancel();
///         }
///     });
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[track_caller]
#[allow(clippy::must_use_candidate, reason = "most timers are never cancelled, or by themselves")]
pub fn set_interval(period: Duration, f: impl FnMut(Timer) + 'static) -> Timer {
    here("set_interval").set_interval(period, f)
}

/// The same as [`set_interval`], with a rule for calls that were missed.
///
/// # Panics
///
/// Outside of a loop.
///
/// ```
/// # use std::time::Duration;
/// onward::run(|| {
///     // No call is left out, however busy the loop was.
///     let (period, mut left) = (Duration::from_millis(1), 3);
///     onward::set_interval_with(period, onward::Missed::Burst, move |timer| {
///         left -= 1;
///         if left == 0 {
///             timer.cancel();
///         }
///     });
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[track_caller]
#[allow(clippy::must_use_candidate, reason = "most timers are never cancelled, or by themselves")]
pub fn set_interval_with(
    period: Duration,
    missed: Missed,
    f: impl FnMut(Timer) + 'static,
) -> Timer {
    here("set_interval_with").set_interval_with(period, missed, f)
}

/// Runs `f` in this turn, once it has polled; from an immediate, in the next turn.
///
/// # Panics
///
/// Outside of a loop. [`Handle::current`] says so with an error instead.
///
/// ```
/// fn sum(mut numbers: std::ops::Range<u64>, so_far: u64) {
///     // A thousand in each turn: sockets and timers have theirs in between.
///     let some: u64 = numbers.by_ref().take(1_000).sum();
///     if numbers.is_empty() {
///         return assert_eq!(so_far + some, 49_995_000);
///     }
///     onward::set_immediate(move || sum(numbers, so_far + some));
/// }
///
/// onward::run(|| {
///     sum(0..10_000, 0);
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[track_caller]
#[allow(clippy::must_use_candidate, reason = "most immediates are never cancelled")]
pub fn set_immediate(f: impl FnOnce() + 'static) -> Immediate {
    here("set_immediate").set_immediate(f)
}

/// Runs `f` right after the callback that runs now, before anything else happens.
///
/// Ticks that ticks add run too before the loop goes on: a tick that always adds another starves
/// everything else, by design.
///
/// # Panics
///
/// Outside of a loop. [`Handle::current`] says so with an error instead.
///
/// ```
/// onward::run(|| {
///     onward::set_immediate(|| println!("third"));
///     onward::next_tick(|| println!("second"));
///     println!("first");
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[track_caller]
pub fn next_tick(f: impl FnOnce() + 'static) {
    here("next_tick").next_tick(f);
}

/// How long the loop has been there, by the clock that its timers go by: it never goes back, and in a test it may
/// be [simulated](crate::testing). Code that is to be tested so asks this instead of
/// [`Instant::now`](std::time::Instant::now).
///
/// # Panics
///
/// Outside of a loop. [`Handle::current`] says so with an error instead.
///
/// ```
/// # use std::time::Duration;
/// onward::run(|| {
///     let (began, delay) = (onward::now(), Duration::from_millis(2));
///     onward::set_timeout(delay, move || assert!(onward::now() - began >= delay));
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[track_caller]
#[must_use]
pub fn now() -> Duration {
    here("now").now()
}

/// A handle to this thread's loop that other threads may have.
///
/// # Panics
///
/// Outside of a loop. [`Handle::current`] says so with an error instead.
///
/// ```
/// onward::run(|| {
///     let remote = onward::remote();
///     std::thread::spawn(move || remote.post(|| println!("on the loop again")));
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[track_caller]
#[must_use]
pub fn remote() -> Remote {
    here("remote").remote()
}

/// Does `work` on a thread of the blocking pool. Its result comes back to the loop: to the callback of
/// [`then`](Blocking::then), or to whoever awaits it.
///
/// The loop waits for it. `Err` says that `work` panicked, or that no thread could be started.
///
/// # Panics
///
/// Outside of a loop. [`Handle::current`] says so with an error instead.
///
/// ```
/// onward::run(|| {
///     onward::spawn_blocking(|| (1..=20_u64).product::<u64>())
///         .then(|product| println!("{}", product.expect("it does not panic")));
///
///     onward::spawn(async {
///         let sum = onward::spawn_blocking(|| (1..=20_u64).sum::<u64>()).await;
///         println!("{}", sum.expect("it does not panic"));
///     });
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias = "uv_queue_work")]
#[track_caller]
pub fn spawn_blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Blocking<T> {
    here("spawn_blocking").spawn_blocking(work)
}

/// Runs a future on this loop, beside all else. It need not be `Send`, and any future will do whose wakers
/// may be called from anywhere: those of this crate, of the emitter (`next`, `stream`), of
/// `futures-lite` and its like.
///
/// It is polled first when the running callback has returned, and after that when it was woken: after
/// each callback, when the ticks have run, in the order of the wake-ups. A turn polls so many futures and
/// leaves the rest to the next, so that futures that never rest do not keep sockets and timers waiting.
///
/// The loop waits for it, unless it is [`unref`](JoinHandle::unref)ed. When the loop ends it is dropped.
///
/// # Panics
///
/// Outside of a loop. A panic of the future passes out of [`run`](crate::run), like that of any callback.
///
/// ```
/// use onward::{Waiting, events};
/// use std::rc::Rc;
///
/// events! { Room { Joined(String) } }
///
/// onward::run(|| {
///     let room = Rc::new(Room::new());
///     let joined = room.next(Joined); // it listens from here on
///     onward::spawn(async move {
///         assert_eq!(joined.await, Ok("ada".to_string()));
///     });
///     room.emit(Joined, "ada".to_string());
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[track_caller]
#[allow(clippy::must_use_candidate, reason = "many are left to themselves")]
pub fn spawn<T: 'static>(future: impl Future<Output = T> + 'static) -> JoinHandle<T> {
    here("spawn").spawn(future)
}

/// Runs a future whose error ends the loop, as [`fail`] does.
///
/// # Panics
///
/// As with [`spawn`].
///
/// ```
/// let ended = onward::run(|| {
///     onward::spawn_or_fail(async {
///         let text = onward::spawn_blocking(|| std::fs::read_to_string("/no/such/file")).await??;
///         println!("{text}");
///         Ok(())
///     });
///     Ok(())
/// });
/// assert!(ended.unwrap_err().is_not_found());
/// ```
#[track_caller]
#[allow(clippy::must_use_candidate, reason = "many are left to themselves")]
pub fn spawn_or_fail(future: impl Future<Output = Result<()>> + 'static) -> JoinHandle<()> {
    here("spawn_or_fail").spawn_or_fail(future)
}

/// Ends the loop in order: this turn is finished, then [`run`](crate::run) returns `Ok`.
///
/// # Panics
///
/// Outside of a loop. [`Handle::current`] says so with an error instead.
///
/// ```
/// # use std::time::Duration;
/// onward::run(|| {
///     onward::set_interval(Duration::from_secs(3600), |_| unreachable!());
///     onward::set_timeout(Duration::from_millis(1), onward::stop);
///     Ok(())
/// })?; // returns after a millisecond
/// # Ok::<(), onward::Error>(())
/// ```
#[track_caller]
pub fn stop() {
    here("stop").stop();
}

/// Ends the loop in order, and lets [`run`](crate::run) return `error`. The first error counts.
///
/// It is what becomes of an error event that nobody listens for, and the place for an error that a
/// callback cannot return:
///
/// # Panics
///
/// Outside of a loop. [`Handle::current`] says so with an error instead.
///
/// ```
/// let ended = onward::run(|| {
///     onward::next_tick(|| onward::fail(onward::Error::other("no more coffee")));
///     Ok(())
/// });
/// assert_eq!(ended.unwrap_err().to_string(), "no more coffee");
/// ```
#[track_caller]
pub fn fail(error: Error) {
    here("fail").fail(error);
}
