//! Futures of one event.

use alloc::borrow::Cow;
use core::fmt;
use core::future::Future;
use core::panic::Location;
use core::pin::Pin;
use core::task::{Context, Poll};

use super::event::{Declared, Event};
use super::kept::Waitable;
use super::list::Place;
use super::listener::Listener;
use super::slot::Slot;
use super::spot::Spot;
use super::waiting::Waiting;

/// The next event of a kind, as a future: what [`next`](crate::Waiting::next) returns.
///
/// It resolves once, with the payload. Polled again after that, it reports [`Gone`].
#[must_use = "dropping it removes its listener; `.await` it"]
pub struct Next<T> {
    waiting: Waiting<T>,
    names: Gone,
}

/// The next event of a kind or the next error, whichever comes first, as a future: what
/// [`next_or_error`](crate::Waiting::next_or_error) returns.
#[must_use = "dropping it removes its listeners; `.await` it"]
pub struct NextOrError<T, X> {
    waiting: Waiting<Result<T, X>>,
    names: Gone,
}

/// The event did not come, and will not: the emitter was dropped, or its listeners were removed.
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
/// let next = room.next(Joined);
/// drop(room);
/// let gone = block_on(next).unwrap_err();
/// assert_eq!(gone.to_string(), "waited for Joined of Room, which will not come any more");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("waited for {event} of {emitter}, which will not come any more")]
pub struct Gone {
    emitter: &'static str,
    event: Cow<'static, str>,
}

/// Why [`next_or_error`](crate::Waiting::next_or_error) has no payload.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[allow(clippy::exhaustive_enums, reason = "there is nothing else that can happen")]
pub enum NextError<X> {
    /// The emitter failed: it emitted this error first.
    #[error("{0}")]
    Emitted(X),
    /// The emitter will emit neither.
    #[error(transparent)]
    Gone(#[from] Gone),
}

impl Gone {
    pub(super) fn new(emitter: &'static str, event: impl Into<Cow<'static, str>>) -> Self {
        Self { emitter, event: event.into() }
    }

    /// The name of the type that should have emitted it.
    pub fn emitter(&self) -> &'static str {
        self.emitter
    }

    /// The name of the event.
    pub fn event(&self) -> &str {
        &self.event
    }
}

/// The payload of an event, made one's own.
pub(super) type OwnedBy<S, X> = <<X as Spot<S>>::Event as Waitable<S>>::Owned;

#[track_caller]
pub(super) fn next<S, X>(source: &S, event: X) -> Next<OwnedBy<S, X>>
where
    S: Declared,
    X: Spot<S, Event: Waitable<S>>,
{
    let (waiting, names) = (Waiting::new(), event.gone());
    hear(&waiting, source, event, |payload| payload);
    Next { waiting, names }
}

/// Without a place for errors, they are what is waited for.
#[track_caller]
pub(super) fn next_or_error<S, X, Y>(
    source: &S,
    event: X,
    errors: Option<Y>,
) -> NextOrError<OwnedBy<S, X>, OwnedBy<S, Y>>
where
    S: Declared,
    X: Spot<S, Event: Waitable<S>>,
    Y: Spot<S, Event: Waitable<S>>,
{
    let (waiting, names) = (Waiting::new(), event.gone());
    hear(&waiting, source, event, Ok);
    if let Some(errors) = errors.filter(|_| !waiting.is_settled()) {
        hear(&waiting, source, errors, Err);
    }
    NextOrError { waiting, names }
}

#[track_caller]
fn hear<S, X, T: 'static>(
    waiting: &Waiting<T>,
    source: &S,
    event: X,
    as_what: impl FnOnce(OwnedBy<S, X>) -> T + 'static,
) where
    S: Declared,
    X: Spot<S, Event: Waitable<S>>,
{
    let ear = waiting.ear();
    let hear = move |_: &S, payload: <X::Event as Event<S>>::Payload<'_>| {
        ear.hear(as_what(X::Event::own(payload)));
    };
    let slot = |listener: Listener, location| Slot::once(hear)(listener.key, location);
    let listener = event.add(source, Place::Back, Location::caller(), slot);
    waiting.guard(X::guard(source, listener));
}

impl<T> Next<T> {
    pub(super) fn poll_settled(&self, cx: &Context<'_>) -> Poll<usize> {
        self.waiting.poll_settled(cx)
    }
}

impl<T, X> NextOrError<T, X> {
    pub(super) fn poll_settled(&self, cx: &Context<'_>) -> Poll<usize> {
        self.waiting.poll_settled(cx)
    }
}

impl<T> Future for Next<T> {
    type Output = Result<T, Gone>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.waiting.poll_arrived(cx).map(|arrived| arrived.ok_or_else(|| self.names.clone()))
    }
}

impl<T, X> Future for NextOrError<T, X> {
    type Output = Result<T, NextError<X>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.waiting.poll_arrived(cx).map(|arrived| match arrived {
            Some(arrived) => arrived.map_err(NextError::Emitted),
            None => Err(NextError::Gone(self.names.clone())),
        })
    }
}

/// Names the event, and says whether it has come or cannot come any more.
impl<T> fmt::Debug for Next<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.names.debug("Next", self.waiting.is_settled(), f)
    }
}

/// Names the event, and says whether it, or an error, has come or cannot come any more.
impl<T, X> fmt::Debug for NextOrError<T, X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.names.debug("NextOrError", self.waiting.is_settled(), f)
    }
}

impl Gone {
    fn debug(&self, name: &str, settled: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("emitter", &self.emitter)
            .field("event", &self.event)
            .field("settled", &settled)
            .finish()
    }
}
