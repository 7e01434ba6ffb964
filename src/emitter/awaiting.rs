//! The trait by which everyone waits.

use core::any::TypeId;

use super::kept::Waitable;
use super::next::{self, Next, NextOrError};
use super::streaming::{self, Events, OrError};
use super::subscribing::Emitter;
use crate::emitter::names::Error;

/// Waiting for events: the methods that turn what an [`Emitter`] emits into futures and streams.
///
/// Every emitter has them. They need no loop: any executor will do.
pub trait Waiting: Emitter {
    /// Waits for an event: a future of its payload, [made one's own](Waitable).
    ///
    /// It listens from here on, polled or not, and keeps the first event until it is asked. To miss
    /// nothing between two events, ask for the second before the first is awaited, or take a
    /// [`stream`](Self::stream). Dropping the future cancels it: its listener is removed. It does not
    /// keep the emitter alive. For the first of several events there is [`first`](super::first).
    ///
    /// # Errors
    ///
    /// [`Gone`](super::Gone), if the event cannot come any more: the emitter was dropped, or its
    /// listeners were removed. The event [`Error`] is an event like any other here; an error that is
    /// waited for counts as handled.
    ///
    /// ```
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// # fn block_on<F: Future>(future: F) -> F::Output {
    /// #     let (mut future, mut cx) = (pin!(future), Context::from_waker(Waker::noop()));
    /// #     loop { if let Poll::Ready(output) = future.as_mut().poll(&mut cx) { return output } }
    /// # }
    /// # use onward::{Emitter, Waiting};
    /// # onward::events! { Room { Joined(&str), Closed() } }
    /// let room = Room::new();
    /// let (joined, closed) = (room.next(Joined), room.next(Closed));
    /// room.emit(Joined, "ada");
    /// room.emit(Closed, ());
    /// block_on(async {
    ///     assert_eq!(joined.await?, "ada");
    ///     closed.await
    /// })
    /// # .unwrap();
    /// ```
    #[track_caller]
    fn next<E: Waitable<Self>>(&self, event: E) -> Next<E::Owned> {
        next::next(self, event)
    }

    /// Waits for an event, as [`next`](Self::next) does, or for an error, if that comes first. As long
    /// as it waits it counts as a listener for [`Error`].
    ///
    /// # Errors
    ///
    /// [`NextError::Emitted`](super::NextError::Emitted) has the error; it has to be `Clone`.
    /// [`NextError::Gone`](super::NextError::Gone) says that neither can come any more.
    ///
    /// ```
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// # fn block_on<F: Future>(future: F) -> F::Output {
    /// #     let (mut future, mut cx) = (pin!(future), Context::from_waker(Waker::noop()));
    /// #     loop { if let Poll::Ready(output) = future.as_mut().poll(&mut cx) { return output } }
    /// # }
    /// use onward::emitter::NextError;
    /// use onward::{Emitter, Waiting, events};
    ///
    /// events! { Room { Joined(&str), error std::fmt::Error } }
    /// let room = Room::new();
    /// let joined = room.next_or_error(Joined);
    /// assert!(room.emit_error(std::fmt::Error).is_ok()); // it is taken
    /// assert!(room.emit_error(std::fmt::Error).is_err()); // nobody waits any more
    /// assert_eq!(block_on(joined), Err(NextError::Emitted(std::fmt::Error)));
    /// ```
    #[track_caller]
    fn next_or_error<E>(&self, event: E) -> NextOrError<E::Owned, <Error as Waitable<Self>>::Owned>
    where
        E: Waitable<Self>,
        Error: Waitable<Self>,
    {
        next::next_or_error(self, event, errors::<E>())
    }

    /// All events of a kind from here on, as a bounded [`Stream`](futures_core::Stream). How many may
    /// wait, and what happens to more, say the methods of [`Events`].
    ///
    /// ```
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// # fn block_on<F: Future>(future: F) -> F::Output {
    /// #     let (mut future, mut cx) = (pin!(future), Context::from_waker(Waker::noop()));
    /// #     loop { if let Poll::Ready(output) = future.as_mut().poll(&mut cx) { return output } }
    /// # }
    /// # use onward::{Emitter, Waiting};
    /// # onward::events! { Room { Joined(&str), Closed() } }
    /// let room = Room::new();
    /// let mut visitors = room.stream(Joined).capacity(16);
    /// room.emit(Joined, "ada");
    /// room.emit(Joined, "bob");
    /// assert_eq!(block_on(visitors.next()).as_deref(), Some("ada"));
    /// assert_eq!(block_on(visitors.next()).as_deref(), Some("bob"));
    /// ```
    #[track_caller]
    fn stream<E: Waitable<Self>>(&self, event: E) -> Events<Self, E::Owned> {
        streaming::stream(self, event)
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
    /// use onward::{Emitter, Waiting, events};
    ///
    /// events! { Room { Joined(&str), error std::fmt::Error } }
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
        E: Waitable<Self>,
        Error: Waitable<Self>,
    {
        streaming::stream_or_error(self, event, errors::<E>())
    }
}

impl<S: Emitter> Waiting for S {}

/// Who waits for an error gets it as what they waited for.
fn errors<E: 'static>() -> Option<Error> {
    (TypeId::of::<E>() != TypeId::of::<Error>()).then_some(Error)
}
