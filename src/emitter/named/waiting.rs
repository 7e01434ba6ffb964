//! Waiting for names, keys and patterns.

use super::emitter::NamedEmitter;
use super::key::{Owned, Select};
use crate::emitter::kept::Waitable;
use crate::emitter::next::{self, Next, NextOrError};
use crate::emitter::streaming::{self, Events};

/// To wait. What comes is [made one's own](Waitable): `String` for a `Name<str>`, `(String, String)` for a
/// `Pattern<str>`.
impl NamedEmitter {
    /// Waits for an event, as [`Waiting::next`](crate::Waiting::next) does.
    ///
    /// # Errors
    ///
    /// [`Gone`](crate::emitter::Gone), if it cannot come any more: the emitter was dropped, or its listeners were removed.
    ///
    /// ```
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// # fn block_on<F: Future>(future: F) -> F::Output {
    /// #     let (mut future, mut cx) = (pin!(future), Context::from_waker(Waker::noop()));
    /// #     loop { if let Poll::Ready(output) = future.as_mut().poll(&mut cx) { return output } }
    /// # }
    /// use onward::emitter::named::{Name, NamedEmitter};
    ///
    /// let emitter = NamedEmitter::new();
    /// let line = emitter.next(Name::<str>::new("chat"));
    /// emitter.emit(Name::<str>::new("chat"), "hello");
    /// assert_eq!(block_on(line).as_deref(), Ok("hello"));
    /// ```
    #[track_caller]
    pub fn next<S>(&self, event: S) -> Next<Owned<S>>
    where
        S: Select<Event: Waitable<Self>>,
    {
        next::next(self, event)
    }

    /// Waits for an event or for an error that comes first, as
    /// [`Waiting::next_or_error`](crate::Waiting::next_or_error) does. Which name or key the errors have, `errors` says.
    ///
    /// # Errors
    ///
    /// [`NextError::Emitted`](crate::emitter::NextError::Emitted) has the error;
    /// [`NextError::Gone`](crate::emitter::NextError::Gone) says that neither can come any more.
    #[track_caller]
    pub fn next_or_error<S, R>(&self, event: S, errors: R) -> NextOrError<Owned<S>, Owned<R>>
    where
        S: Select<Event: Waitable<Self>>,
        R: Select<Event: Waitable<Self>>,
    {
        next::next_or_error(self, event, Some(errors))
    }

    /// All events of a name, key or pattern from here on, as [`Waiting::stream`](crate::Waiting::stream) gives them.
    ///
    /// ```
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// # fn block_on<F: Future>(future: F) -> F::Output {
    /// #     let (mut future, mut cx) = (pin!(future), Context::from_waker(Waker::noop()));
    /// #     loop { if let Poll::Ready(output) = future.as_mut().poll(&mut cx) { return output } }
    /// # }
    /// use onward::emitter::named::{Name, NamedEmitter, Pattern};
    ///
    /// let emitter = NamedEmitter::new();
    /// let mut all = emitter.stream(Pattern::<str>::new("chat.*")?);
    /// emitter.emit(Name::<str>::new("chat.ada"), "hello");
    /// assert_eq!(block_on(all.next()), Some(("chat.ada".into(), "hello".into())));
    /// # Ok::<(), onward::emitter::named::BadPattern>(())
    /// ```
    #[track_caller]
    pub fn stream<S>(&self, event: S) -> Events<Self, Owned<S>>
    where
        S: Select<Event: Waitable<Self>>,
    {
        streaming::stream(self, event)
    }

    /// The same until an error, which comes last, as [`Waiting::stream_or_error`](crate::Waiting::stream_or_error)
    /// does. Which name or key the errors have, `errors` says.
    #[track_caller]
    pub fn stream_or_error<S, R>(
        &self,
        event: S,
        errors: R,
    ) -> Events<Self, Result<Owned<S>, Owned<R>>>
    where
        S: Select<Event: Waitable<Self>>,
        R: Select<Event: Waitable<Self>>,
    {
        streaming::stream_or_error(self, event, Some(errors))
    }
}
