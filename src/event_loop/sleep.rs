//! Time, for futures.

use super::handle::{Handle, nanoseconds};
use super::here;
use super::inbox::Inbox;
use super::mail::Letter;
use super::primitives::{Mutex, lock};
use super::queues::Origin;
use super::slab::Key;
use super::timers::Missed;
use super::tokens::{Timer, core_of};
use crate::error::{Error, ErrorKind, Result};
use futures_core::Stream;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// A future that is done when some time has passed; made by [`sleep`].
///
/// It runs from the moment it is made, holds the loop like any timer, and ends when it is dropped.
///
/// # Threads
///
/// It belongs to the loop on which it was made, and may be polled and dropped on any thread: it is `Send`, `Sync`
/// and `Unpin`, which is what runtimes ask of a timer. Dropped on another thread, it ends as soon as its loop has read
/// that, in the posting phase. If its loop ends first, it is done at once, although its time has not come: nobody
/// would ever wake it. [`timeout`] tells the one from the other.
#[must_use = "it does nothing unless it is awaited"]
pub struct Sleep {
    shared: Arc<Shared>,
    key: Key,
    /// Of its loop.
    serial: u32,
    inbox: Arc<Inbox>,
}

/// What a sleep and its timer know together.
struct Shared(Mutex<State>);

enum State {
    Waiting(Option<Waker>),
    /// The time has come.
    Over,
    /// The loop has ended before.
    Gone,
}

impl Shared {
    fn settle(&self, state: State) {
        let mut now = lock(&self.0);
        let before = if matches!(*now, State::Waiting(_)) {
            std::mem::replace(&mut *now, state)
        } else {
            return;
        };
        drop(now);
        if let State::Waiting(waker) = before {
            waker.into_iter().for_each(Waker::wake);
        }
    }
}

/// The timer's half.
struct Ringing(Arc<Shared>);

impl Ringing {
    fn ring(self) {
        self.0.settle(State::Over);
    }
}

impl Drop for Ringing {
    fn drop(&mut self) {
        self.0.settle(State::Gone);
    }
}

impl Sleep {
    /// One that is over at `deadline`, by the loop's clock.
    fn until(handle: &Handle, deadline: u64, origin: Origin) -> Self {
        let shared = Arc::new(Shared(Mutex::new(State::Waiting(None))));
        let ringing = Ringing(Arc::clone(&shared));
        let Timer { key, serial } = handle.timer_at(deadline, move || ringing.ring(), origin);
        Self { shared, key, serial, inbox: Arc::clone(&handle.0.inbox) }
    }

    fn new(handle: &Handle, duration: Duration, origin: Origin) -> Self {
        Self::until(handle, handle.nanoseconds().saturating_add(nanoseconds(duration)), origin)
    }

    /// Did its loop end before its time came?
    fn is_cut_short(&self) -> bool {
        matches!(*lock(&self.shared.0), State::Gone)
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut mine = None;
        loop {
            let mut state = lock(&self.shared.0);
            let State::Waiting(waker) = &mut *state else { return Poll::Ready(()) };
            if waker.as_ref().is_some_and(|known| known.will_wake(context.waker())) {
                return Poll::Pending;
            }
            if mine.is_some() {
                let before = std::mem::replace(waker, mine);
                drop(state);
                drop(before);
                return Poll::Pending;
            }
            // Cloned without the lock: a waker may be anybody's.
            drop(state);
            mine = Some(context.waker().clone());
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let before = std::mem::replace(&mut *lock(&self.shared.0), State::Over);
        if !matches!(before, State::Waiting(_)) {
            return;
        }
        match core_of(self.serial) {
            Some(core) => core.cancel_timer(self.key),
            // A loop that has ended has no timers.
            None => _ = self.inbox.post((), |()| Letter::Cancel(self.key)),
        }
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep")
            .field("over", &!matches!(*lock(&self.shared.0), State::Waiting(_)))
            .finish()
    }
}

/// A future that is done when `duration` has passed: never early, and counted from this call.
///
/// # Panics
///
/// Outside of a loop.
///
/// ```
/// # use std::time::Duration;
/// onward::run(|| {
///     onward::spawn(async {
///         onward::sleep(Duration::from_millis(1)).await;
///         println!("a millisecond later");
///     });
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[track_caller]
pub fn sleep(duration: Duration) -> Sleep {
    Sleep::new(&here("sleep"), duration, Location::caller())
}

/// Gives `future` so much time, counted from this call. It is polled first: one that is ready in time
/// is not late. When the time is up it is dropped.
///
/// # Errors
///
/// [`ErrorKind::TimedOut`]; [`ErrorKind::LoopGone`] on another thread, if the loop has ended before.
///
/// # Panics
///
/// Outside of a loop.
///
/// ```
/// use onward::{ErrorKind, Waiting, events};
/// use std::time::Duration;
///
/// events! { Room { Joined(String) } }
///
/// onward::run(|| {
///     onward::spawn(async {
///         let room = Room::new();
///         let first = onward::timeout(Duration::from_millis(1), room.next(Joined)).await;
///         assert_eq!(first.unwrap_err().kind(), ErrorKind::TimedOut); // nobody came
///     });
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[track_caller]
pub fn timeout<F: Future>(
    duration: Duration,
    future: F,
) -> impl Future<Output = Result<F::Output>> + use<F> {
    let sleep = Sleep::new(&here("timeout"), duration, Location::caller());
    async move {
        let (mut future, mut sleep) = (pin!(future), pin!(sleep));
        poll_fn(|context| {
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                return Poll::Ready(Ok(output));
            }
            std::task::ready!(sleep.as_mut().poll(context));
            let is_gone = sleep.is_cut_short();
            let kind = if is_gone { ErrorKind::LoopGone } else { ErrorKind::TimedOut };
            Poll::Ready(Err(Error::new(kind, "timeout")))
        })
        .await
    }
}

/// A stream of beats; made by [`interval`].
#[must_use = "it does nothing unless it is awaited"]
pub struct Interval {
    handle: Handle,
    next: Sleep,
    deadline: u64,
    period: u64,
    missed: Missed,
    origin: Origin,
}

impl Interval {
    /// What becomes of beats that nobody waited for; [`Missed::Skip`] unless told otherwise.
    ///
    /// ```
    /// # use std::time::Duration;
    /// use onward::Missed;
    ///
    /// onward::block_on(async {
    ///     let ms = Duration::from_millis(1);
    ///     let mut beats = onward::interval(ms).missed(Missed::Burst);
    ///     onward::sleep(5 * ms).await;
    ///     for _ in 0..4 {
    ///         beats.tick().await; // at once: none is left out
    ///     }
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    pub fn missed(mut self, missed: Missed) -> Self {
        self.missed = missed;
        self
    }

    /// The next beat, for those who do without a stream. Once its loop has ended, none comes any more.
    pub async fn tick(&mut self) {
        poll_fn(|context| match self.poll_tick(context) {
            Poll::Ready(None) => Poll::Pending,
            tick => tick.map(|_| ()),
        })
        .await;
    }

    fn poll_tick(&mut self, context: &mut Context<'_>) -> Poll<Option<()>> {
        std::task::ready!(Pin::new(&mut self.next).poll(context));
        if self.handle.is_over() {
            return Poll::Ready(None);
        }
        self.deadline = self.missed.next(self.deadline, self.period, self.handle.nanoseconds());
        self.next = Sleep::until(&self.handle, self.deadline, self.origin);
        Poll::Ready(Some(()))
    }
}

/// It ends with its loop.
impl Stream for Interval {
    type Item = ();

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<()>> {
        self.poll_tick(context)
    }
}

impl fmt::Debug for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interval").field("period", &self.period).finish_non_exhaustive()
    }
}

/// A beat each time that `period` has passed; the first comes one period from this call. A period below a
/// millisecond counts as one.
///
/// # Panics
///
/// Outside of a loop.
///
/// ```
/// # use std::time::Duration;
/// onward::run(|| {
///     onward::spawn(async {
///         let mut beats = onward::interval(Duration::from_millis(1));
///         for left in (0..3).rev() {
///             beats.tick().await;
///             println!("{left}");
///         }
///     });
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[track_caller]
pub fn interval(period: Duration) -> Interval {
    let handle = here("interval");
    let period = nanoseconds(period.max(super::handle::SHORTEST_INTERVAL));
    let deadline = handle.nanoseconds().saturating_add(period);
    let origin = Location::caller();
    let next = Sleep::until(&handle, deadline, origin);
    Interval { handle, next, deadline, period, missed: Missed::Skip, origin }
}
