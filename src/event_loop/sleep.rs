//! Time, for futures.

use super::handle::{Handle, nanoseconds};
use super::here;
use super::queues::Origin;
use super::slab::Key;
use super::timers::Missed;
use crate::error::{Error, ErrorKind, Result};
use futures_core::Stream;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// A future that is done when some time has passed; made by [`sleep`].
///
/// It runs from the moment it is made, holds the loop like any timer, and ends when it is dropped.
#[must_use = "it does nothing unless it is awaited"]
pub struct Sleep {
    handle: Handle,
    key: Key,
    state: Rc<State>,
}

#[derive(Default)]
struct State {
    over: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl State {
    fn ring(&self) {
        self.over.set(true);
        let waker = self.waker.take();
        waker.into_iter().for_each(Waker::wake);
    }
}

impl Sleep {
    /// One that is over at `deadline`, by the loop's clock.
    fn until(handle: &Handle, deadline: u64, origin: Origin) -> Self {
        let state = Rc::<State>::default();
        let ringing = Rc::clone(&state);
        let key = handle.timer_at(deadline, move || ringing.ring(), origin).key;
        Self { handle: handle.clone(), key, state }
    }

    fn new(handle: &Handle, duration: Duration, origin: Origin) -> Self {
        Self::until(handle, handle.now().saturating_add(nanoseconds(duration)), origin)
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.state.over.get() {
            return Poll::Ready(());
        }
        let mut waker = self.state.waker.borrow_mut();
        match &mut *waker {
            Some(known) => known.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.handle.0.cancel_timer(self.key);
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep").field("over", &self.state.over.get()).finish()
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
/// [`ErrorKind::TimedOut`].
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
            let late = || Err(Error::new(ErrorKind::TimedOut, "timeout"));
            sleep.as_mut().poll(context).map(|()| late())
        })
        .await
    }
}

/// A stream of beats; made by [`interval`].
#[must_use = "it does nothing unless it is awaited"]
pub struct Interval {
    next: Sleep,
    deadline: u64,
    period: u64,
    missed: Missed,
    origin: Origin,
}

impl Interval {
    /// What becomes of beats that nobody waited for; [`Missed::Skip`] unless told otherwise.
    pub fn missed(mut self, missed: Missed) -> Self {
        self.missed = missed;
        self
    }

    /// The next beat, for those who do without a stream.
    pub async fn tick(&mut self) {
        poll_fn(|context| self.poll_tick(context)).await;
    }

    fn poll_tick(&mut self, context: &mut Context<'_>) -> Poll<()> {
        std::task::ready!(Pin::new(&mut self.next).poll(context));
        let handle = self.next.handle.clone();
        self.deadline = self.missed.next(self.deadline, self.period, handle.now());
        self.next = Sleep::until(&handle, self.deadline, self.origin);
        Poll::Ready(())
    }
}

/// It has no end.
impl Stream for Interval {
    type Item = ();

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<()>> {
        self.poll_tick(context).map(Some)
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
    let deadline = handle.now().saturating_add(period);
    let origin = Location::caller();
    let next = Sleep::until(&handle, deadline, origin);
    Interval { next, deadline, period, missed: Missed::Skip, origin }
}
