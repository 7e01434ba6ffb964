//! Streams of events.

use alloc::boxed::Box;
use core::fmt;
use core::future::poll_fn;
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll};

use futures_core::{FusedStream, Stream};

use super::event::{Declared, Event};
use super::kept::Waitable;
use super::list::Place;
use super::listener::Listener;
use super::next::{Gone, OwnedBy};
use super::pausable::Pausable;
use super::queue::{Ear, Policy, Queue};
use super::sharing::{Local, Sharing};
use super::slot::Slot;
use super::spot::Spot;
use super::strict::Strict;
use crate::emitter::names::Error;

/// How many events a stream keeps if nothing else is said: more than a task that is polled now and
/// then will see, and 16 MiB if each is a chunk of 64 KiB.
pub(crate) const CAPACITY: usize = 256;

/// All events of a kind, as a [`Stream`]: what [`stream`](crate::Waiting::stream) returns.
///
/// It has listened since it was made, and keeps what comes in a queue until somebody asks. Dropping it
/// removes its listener. It does not keep the emitter alive.
///
/// ```
/// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
/// # fn block_on<F: Future>(future: F) -> F::Output {
/// #     let (mut future, mut cx) = (pin!(future), Context::from_waker(Waker::noop()));
/// #     loop { if let Poll::Ready(output) = future.as_mut().poll(&mut cx) { return output } }
/// # }
/// use onward::emitter::Overflow;
/// use onward::{Emitter, Waiting, events};
///
/// events! { Room { Joined(&str) } }
/// let room = Room::new();
/// let mut visitors = room.stream(Joined).capacity(2).overflow(Overflow::DropNewest);
///
/// for name in ["ada", "bob", "eve"] {
///     room.emit(Joined, name);
/// }
/// assert_eq!((visitors.lag(), visitors.dropped()), (2, 1));
///
/// drop(room);
/// block_on(async {
///     while let Some(name) = visitors.next().await {
///         println!("{name}"); // ada, bob
///     }
/// });
/// ```
///
/// # The end
///
/// When the emitter is gone, or its listeners are removed, as those of a socket are after `Close`, the
/// stream gives what is in its queue, then `None`, for ever.
///
/// # Capacity
///
/// The queue holds 256 events, unless [`capacity`](Self::capacity) says otherwise, and it grows as it
/// is needed. One event too many makes the oldest go, unless [`overflow`](Self::overflow),
/// [`block`](Events::block) or [`strict`](Self::strict) says otherwise. [`lag`](Self::lag) tells how full
/// the queue is, [`dropped`](Self::dropped) how many events are lost.
///
/// # Re-entrancy
///
/// An event wakes the task that asked, and never polls it. An event that is emitted inside of a clone,
/// a destructor or a waker is queued as any other.
#[must_use = "dropping it removes its listener; ask it for events"]
pub struct Events<S, T, H: Sharing = Local> {
    pub(super) queue: H::Pointer<Queue<S, T, H>>,
    names: Gone,
}

/// What a full queue loses.
///
/// ```
/// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
/// # fn block_on<F: Future>(future: F) -> F::Output {
/// #     let (mut future, mut cx) = (pin!(future), Context::from_waker(Waker::noop()));
/// #     loop { if let Poll::Ready(output) = future.as_mut().poll(&mut cx) { return output } }
/// # }
/// use onward::emitter::Overflow::{DropNewest, DropOldest, Latest};
/// use onward::{Emitter, Waiting, events};
///
/// events! { Counter { Counted(u32) } }
/// let counter = Counter::new();
/// for (overflow, left, dropped) in
///     [(DropOldest, vec![2, 3], 1), (DropNewest, vec![1, 2], 1), (Latest, vec![3], 2)]
/// {
///     let mut counts = counter.stream(Counted).capacity(2).overflow(overflow);
///     for n in 1..=3 {
///         counter.emit(Counted, n);
///     }
///     assert_eq!((counts.lag(), counts.dropped()), (left.len(), dropped));
///     for n in left {
///         assert_eq!(block_on(counts.next()), Some(n));
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Overflow {
    /// The event that has waited longest.
    #[default]
    DropOldest,
    /// The event that has just come; it is not even cloned.
    DropNewest,
    /// All but the latest event: the queue holds one, whatever its capacity.
    Latest,
}

#[track_caller]
pub(super) fn stream<S, X>(source: &S, event: X) -> Events<S, OwnedBy<S, X>>
where
    S: Declared,
    X: Spot<S, Event: Waitable<S>>,
{
    let (queue, names) = (Queue::<S, _, Local>::new(CAPACITY), event.gone());
    fill(&queue, source, event, |payload| payload);
    Events::new(queue, names)
}

/// The items of a stream that ends with an error.
pub(crate) type OrError<S, E> = Result<<E as Waitable<S>>::Owned, <Error as Waitable<S>>::Owned>;

/// The same, by what listens.
type EitherBy<S, X, Y> = Result<OwnedBy<S, X>, OwnedBy<S, Y>>;

/// Without a place for errors, they are what is asked for.
#[track_caller]
pub(super) fn stream_or_error<S, X, Y>(
    source: &S,
    event: X,
    errors: Option<Y>,
) -> Events<S, EitherBy<S, X, Y>>
where
    S: Declared,
    X: Spot<S, Event: Waitable<S>>,
    Y: Spot<S, Event: Waitable<S>>,
{
    let (queue, names) = (Queue::<S, _, Local>::new(CAPACITY), event.gone());
    fill(&queue, source, event, Ok);
    if let Some(errors) = errors.filter(|_| !queue.is_ended()) {
        let ear = Ear::<S, _, Local>(queue.clone());
        let last = move |_: &S, error: <Y::Event as Event<S>>::Payload<'_>| {
            ear.0.push_last(Err(Y::Event::own(error)));
        };
        let slot = |listener: Listener, location| Slot::once(last)(listener.key, location);
        let listener = errors.add(source, Place::Back, Location::caller(), slot);
        queue.guard(Y::guard(source, listener));
    }
    Events::new(queue, names)
}

#[track_caller]
fn fill<S, X, T: 'static>(
    queue: &<Local as Sharing>::Pointer<Queue<S, T, Local>>,
    source: &S,
    event: X,
    as_what: impl Fn(OwnedBy<S, X>) -> T + 'static,
) where
    S: Declared,
    X: Spot<S, Event: Waitable<S>>,
{
    let ear = Ear::<S, _, Local>(queue.clone());
    let push = move |source: &S, payload: <X::Event as Event<S>>::Payload<'_>| {
        ear.0.push(source, || as_what(X::Event::own(payload)));
    };
    let slot = |listener: Listener, location| Slot::reentrant(push)(listener.key, location);
    let listener = event.add(source, Place::Back, Location::caller(), slot);
    queue.guard(X::guard(source, listener));
}

impl<S, T, H: Sharing> Events<S, T, H> {
    pub(crate) fn new(queue: H::Pointer<Queue<S, T, H>>, names: Gone) -> Self {
        Self { queue, names }
    }

    /// How many events may wait. None is taken for one. With [`block`](Events::block) it is where the
    /// source is paused.
    pub fn capacity(self, events: usize) -> Self {
        self.queue.set_capacity(events.max(1));
        self
    }

    /// What is lost if there is no room.
    ///
    /// ```
    /// use onward::emitter::Overflow;
    /// use onward::{Emitter, Waiting, events};
    ///
    /// events! { Thermometer { Reading(f64) } }
    /// let thermometer = Thermometer::new();
    /// let readings = thermometer.stream(Reading).overflow(Overflow::Latest);
    /// thermometer.emit(Reading, 20.5);
    /// thermometer.emit(Reading, 20.6);
    /// assert_eq!((readings.lag(), readings.dropped()), (1, 1));
    /// ```
    pub fn overflow(self, overflow: Overflow) -> Self {
        self.queue.set_policy(match overflow {
            Overflow::DropOldest => Policy::DropOldest,
            Overflow::DropNewest => Policy::DropNewest,
            Overflow::Latest => Policy::Latest,
        });
        self
    }

    /// Makes an event too many an error: the stream gives what is in its queue, then
    /// `Err(`[`Overflowed`](super::Overflowed)`)`, then `None`. Its listener is removed as it overflows.
    ///
    /// ```
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// # fn block_on<F: Future>(future: F) -> F::Output {
    /// #     let (mut future, mut cx) = (pin!(future), Context::from_waker(Waker::noop()));
    /// #     loop { if let Poll::Ready(output) = future.as_mut().poll(&mut cx) { return output } }
    /// # }
    /// use onward::{Emitter, Waiting, events};
    ///
    /// events! { Room { Joined(&str) } }
    /// let room = Room::new();
    /// let mut visitors = room.stream(Joined).capacity(1).strict();
    /// room.emit(Joined, "ada");
    /// room.emit(Joined, "bob");
    /// assert_eq!(block_on(visitors.next()), Some(Ok("ada".to_string())));
    /// let error = block_on(visitors.next()).unwrap().unwrap_err();
    /// assert_eq!(error.to_string(), "an event came when the queue was full, with 1 waiting");
    /// assert_eq!(block_on(visitors.next()), None);
    /// ```
    pub fn strict(self) -> Strict<S, T, H> {
        self.queue.set_policy(Policy::End);
        Strict::new(self)
    }

    /// The next event, or `None` at the end. To drop the future loses nothing.
    pub async fn next(&mut self) -> Option<T> {
        poll_fn(|cx| self.queue.poll_pop(cx)).await
    }

    /// How many events wait to be taken.
    pub fn lag(&self) -> usize {
        self.queue.len()
    }

    /// How many events are lost, since there was no room.
    pub fn dropped(&self) -> u64 {
        self.queue.dropped()
    }
}

impl<S: Declared, T> Events<S, T> {
    /// Pauses the source when the queue is full, and lets it go on when half of it has been taken, or
    /// the stream is at its end or dropped. Nothing is lost.
    ///
    /// It is for sources that can pause; for others it does not compile. What such a source emits
    /// before it rests is queued beyond the capacity. [`Pausable`] has an example.
    ///
    /// ```compile_fail,E0277
    /// use onward::{Emitter, Waiting, events};
    ///
    /// events! { Room { Joined(&str) } }
    /// let visitors = Room::new().stream(Joined).block(); // `Room` cannot be paused
    /// ```
    pub fn block(self) -> Self
    where
        S: Pausable,
    {
        self.queue.set_policy(Policy::Block);
        self.queue.pausing.set(Some(|source| Box::new(source.pauser())));
        self
    }
}

impl<S, T, H: Sharing> Stream for Events<S, T, H> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.queue.poll_pop(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let waiting = self.lag();
        (waiting, self.queue.is_ended().then_some(waiting))
    }
}

impl<S, T, H: Sharing> FusedStream for Events<S, T, H> {
    fn is_terminated(&self) -> bool {
        self.queue.is_ended() && self.lag() == 0
    }
}

impl<S, T, H: Sharing> Drop for Events<S, T, H> {
    fn drop(&mut self) {
        self.queue.abandon();
    }
}

/// Names the event, and says how many wait and how many are lost.
impl<S, T, H: Sharing> fmt::Debug for Events<S, T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("emitter", &self.names.emitter())
            .field("event", &self.names.event())
            .field("lag", &self.lag())
            .field("dropped", &self.dropped())
            .field("capacity", &self.queue.capacity())
            .field("ended", &self.queue.is_ended())
            .finish()
    }
}
