//! The trait by which everyone waits, on any thread.

use core::any::TypeId;

use super::sharing::Threads;
use super::subscribing::Emitter;
use crate::emitter::names::Error;
use crate::emitter::waits::{Arrival, CAPACITY, Gone, OrError, Queue, QueueEar, Waitable};

/// The next event of a kind, as a future that is `Send`: what [`next`](Waiting::next) returns.
pub type Next<T> = crate::emitter::Next<T, Threads>;

/// The next event of a kind or the next error, as a future that is `Send`: what
/// [`next_or_error`](Waiting::next_or_error) returns.
pub type NextOrError<T, X> = crate::emitter::NextOrError<T, X, Threads>;

/// All events of a kind, as a stream that is `Send`: what [`stream`](Waiting::stream) returns.
pub type Events<S, T> = crate::emitter::Events<S, T, Threads>;

/// A stream for which an event too many is an error: what `strict` makes of [`Events`].
pub type Strict<S, T> = crate::emitter::Strict<S, T, Threads>;

/// Waiting for events: the methods that turn what an [`Emitter`] emits, on whichever thread, into futures and
/// streams.
///
/// It is [`onward::Waiting`](crate::Waiting) for many threads: the methods have the same names and do the same. What
/// they return is `Send` if what is waited for is; it may be made on one thread and polled on another, by any
/// executor. [`first`](crate::emitter::first) takes these futures too.
///
/// # Ordering
///
/// An emit that begins after `next` or `stream` has returned is heard, on whichever thread. One that is under way
/// already is not. What arrives was cloned by the thread that emits; that thread wakes the task, with no lock held,
/// and does not wait for it.
pub trait Waiting: Emitter {
    /// Waits for an event: a future of its payload, [made one's own](Waitable).
    ///
    /// It listens from here on, polled or not, and keeps the first event until it is asked. To miss
    /// nothing between two events, ask for the second before the first is awaited, or take a
    /// [`stream`](Self::stream). Dropping the future cancels it: its listener is removed. It does not
    /// keep the emitter alive.
    ///
    /// # Errors
    ///
    /// [`Gone`], if the event cannot come any more: the emitter was dropped, or its listeners were removed. An event
    /// that is under way then may still be the one.
    ///
    /// ```
    /// # use std::{future::Future, pin::pin, sync::Arc, task::{Context, Poll, Wake}, thread::{self, Thread}};
    /// # struct Unpark(Thread);
    /// # impl Wake for Unpark { fn wake(self: Arc<Self>) { self.0.unpark() } }
    /// # fn block_on<F: Future>(future: F) -> F::Output {
    /// #     let (mut future, waker) = (pin!(future), Arc::new(Unpark(thread::current())).into());
    /// #     loop {
    /// #         match future.as_mut().poll(&mut Context::from_waker(&waker)) {
    /// #             Poll::Ready(output) => return output,
    /// #             Poll::Pending => thread::park(),
    /// #         }
    /// #     }
    /// # }
    /// use onward::events;
    /// use onward::sync::{Emitter, Waiting};
    ///
    /// events! { sync Room { Joined(&str), Closed() } }
    /// let room = Room::new();
    /// let joined = room.next(Joined);
    /// thread::scope(|threads| {
    ///     threads.spawn(|| room.emit(Joined, "ada"));
    ///     assert_eq!(block_on(joined).as_deref(), Ok("ada"));
    /// });
    /// ```
    #[track_caller]
    fn next<E: Waitable<Self, Owned: Send>>(&self, event: E) -> Next<E::Owned> {
        let waiting = Arrival::new();
        let ear = waiting.ear();
        let listener = self.once(event, move |_, payload| ear.hear(E::own(payload)));
        waiting.guard(self.guard(listener));
        Next::new(waiting, Gone::new(Self::NAME, E::NAME))
    }

    /// Waits for an event, as [`next`](Self::next) does, or for an error, if that comes first. As long
    /// as it waits it counts as a listener for [`Error`].
    ///
    /// # Errors
    ///
    /// [`NextError::Emitted`](crate::emitter::NextError::Emitted) has the error; it has to be `Clone`.
    /// [`NextError::Gone`](crate::emitter::NextError::Gone) says that neither can come any more.
    ///
    /// ```
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// # fn block_on<F: Future>(future: F) -> F::Output {
    /// #     let (mut future, mut cx) = (pin!(future), Context::from_waker(Waker::noop()));
    /// #     loop { if let Poll::Ready(output) = future.as_mut().poll(&mut cx) { return output } }
    /// # }
    /// use onward::emitter::NextError;
    /// use onward::events;
    /// use onward::sync::{Emitter, Waiting};
    ///
    /// events! { sync Room { Joined(&str), error std::fmt::Error } }
    /// let room = Room::new();
    /// let joined = room.next_or_error(Joined);
    /// assert!(room.emit_error(std::fmt::Error).is_ok()); // it is taken
    /// assert!(room.emit_error(std::fmt::Error).is_err()); // nobody waits any more
    /// assert_eq!(block_on(joined), Err(NextError::Emitted(std::fmt::Error)));
    /// ```
    #[track_caller]
    fn next_or_error<E>(&self, event: E) -> NextOrError<E::Owned, <Error as Waitable<Self>>::Owned>
    where
        E: Waitable<Self, Owned: Send>,
        Error: Waitable<Self, Owned: Send>,
    {
        let waiting = Arrival::new();
        let ear = waiting.ear();
        let listener = self.once(event, move |_, payload| ear.hear(Ok(E::own(payload))));
        waiting.guard(self.guard(listener));
        // Who waits for an error gets it as what they waited for.
        if TypeId::of::<E>() != TypeId::of::<Error>() && !waiting.is_settled() {
            let ear = waiting.ear();
            let listener = self.once(Error, move |_, error| ear.hear(Err(Error::own(error))));
            waiting.guard(self.guard(listener));
        }
        NextOrError::new(waiting, Gone::new(Self::NAME, E::NAME))
    }

    /// All events of a kind from here on, as a bounded [`Stream`](futures_core::Stream). How many may
    /// wait, and what happens to more, say the methods of [`Events`](crate::emitter::Events): `capacity`,
    /// `overflow`, `strict`.
    ///
    /// It has each thread's events in their order. Its listener is [re-entrant](Emitter::on_reentrant), so that threads
    /// need not wait for each other because of it.
    ///
    /// A stream that pauses its source, as [`block`](crate::emitter::Events::block) does, is for one thread: here the
    /// thread that emits would have to wait for the one that takes, which may wait for it in turn.
    ///
    /// ```
    /// # use std::{future::Future, pin::pin, sync::Arc, task::{Context, Poll, Wake}, thread::{self, Thread}};
    /// # struct Unpark(Thread);
    /// # impl Wake for Unpark { fn wake(self: Arc<Self>) { self.0.unpark() } }
    /// # fn block_on<F: Future>(future: F) -> F::Output {
    /// #     let (mut future, waker) = (pin!(future), Arc::new(Unpark(thread::current())).into());
    /// #     loop {
    /// #         match future.as_mut().poll(&mut Context::from_waker(&waker)) {
    /// #             Poll::Ready(output) => return output,
    /// #             Poll::Pending => thread::park(),
    /// #         }
    /// #     }
    /// # }
    /// use onward::emitter::Overflow;
    /// use onward::events;
    /// use onward::sync::Waiting;
    ///
    /// events! { sync Thermometer { Reading(f64) } }
    /// let thermometer = Thermometer::new();
    /// let mut readings = thermometer.stream(Reading).capacity(16).overflow(Overflow::DropNewest);
    /// let other = thread::spawn(move || {
    ///     thermometer.emit(Reading, 20.5);
    ///     thermometer.emit(Reading, 20.6);
    /// });
    /// block_on(async {
    ///     assert_eq!(readings.next().await, Some(20.5));
    ///     assert_eq!(readings.next().await, Some(20.6));
    ///     assert_eq!(readings.next().await, None); // the thermometer is gone
    /// });
    /// # other.join().unwrap();
    /// ```
    #[track_caller]
    fn stream<E: Waitable<Self, Owned: Send>>(&self, event: E) -> Events<Self, E::Owned> {
        let queue = Queue::<Self, _, Threads>::new(CAPACITY);
        let ear = QueueEar::<Self, _, Threads>(queue.clone());
        let listener =
            self.on_reentrant(event, move |source, payload| ear.0.push(source, || E::own(payload)));
        queue.guard(self.guard(listener));
        Events::new(queue, Gone::new(Self::NAME, E::NAME))
    }

    /// All events of a kind from here on, as [`stream`](Self::stream) gives them, until an error: it
    /// comes after what was in the queue by then, and is the last item. Until then the stream counts
    /// as a listener for [`Error`].
    ///
    /// ```
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// # fn block_on<F: Future>(future: F) -> F::Output {
    /// #     let (mut future, mut cx) = (pin!(future), Context::from_waker(Waker::noop()));
    /// #     loop { if let Poll::Ready(output) = future.as_mut().poll(&mut cx) { return output } }
    /// # }
    /// use onward::events;
    /// use onward::sync::{Emitter, Waiting};
    ///
    /// events! { sync Room { Joined(&str), error std::fmt::Error } }
    /// let room = Room::new();
    /// let mut visitors = room.stream_or_error(Joined);
    /// room.emit(Joined, "ada");
    /// assert!(room.emit_error(std::fmt::Error).is_ok());
    /// assert_eq!(block_on(visitors.next()), Some(Ok("ada".to_string())));
    /// assert_eq!(block_on(visitors.next()), Some(Err(std::fmt::Error)));
    /// assert_eq!(block_on(visitors.next()), None);
    /// ```
    #[track_caller]
    fn stream_or_error<E>(&self, event: E) -> Events<Self, OrError<Self, E>>
    where
        E: Waitable<Self, Owned: Send>,
        Error: Waitable<Self, Owned: Send>,
    {
        let queue = Queue::<Self, _, Threads>::new(CAPACITY);
        let ear = QueueEar::<Self, _, Threads>(queue.clone());
        let listener = self
            .on_reentrant(event, move |source, payload| ear.0.push(source, || Ok(E::own(payload))));
        queue.guard(self.guard(listener));
        // Who asks for errors gets them as what they asked for.
        if TypeId::of::<E>() != TypeId::of::<Error>() && !queue.is_ended() {
            let ear = QueueEar::<Self, _, Threads>(queue.clone());
            let listener =
                self.once(Error, move |_, error| ear.0.push_last(Err(Error::own(error))));
            queue.guard(self.guard(listener));
        }
        Events::new(queue, Gone::new(Self::NAME, E::NAME))
    }
}

impl<S: Emitter> Waiting for S {}
