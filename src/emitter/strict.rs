//! Streams for which an event too many is an error.

use core::fmt;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll};

use futures_core::{FusedStream, Stream};

use super::sharing::{Local, Sharing};
use super::streaming::Events;

/// A stream that came to its end since it was full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("an event came when the queue was full, with {capacity} waiting")]
#[non_exhaustive]
pub struct Overflowed {
    /// How many events there was room for.
    pub capacity: usize,
}

/// A stream for which an event too many is an error: what [`Events::strict`] returns.
///
/// Its items are `Result<T, Overflowed>`.
#[must_use = "dropping it removes its listener; ask it for events"]
pub struct Strict<S, T, H: Sharing = Local> {
    events: Events<S, T, H>,
}

impl<S, T, H: Sharing> Strict<S, T, H> {
    pub(super) fn new(events: Events<S, T, H>) -> Self {
        Self { events }
    }

    /// The next event, the error, or `None` at the end. To drop the future loses nothing.
    pub async fn next(&mut self) -> Option<Result<T, Overflowed>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// How many events wait to be taken.
    pub fn lag(&self) -> usize {
        self.events.lag()
    }
}

impl<S, T, H: Sharing> Stream for Strict<S, T, H> {
    type Item = Result<T, Overflowed>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let queue = &self.events.queue;
        queue.poll_pop(cx).map(|item| match item {
            Some(item) => Some(Ok(item)),
            None => {
                let overflowed = queue.take_overflowed();
                overflowed.then(|| Err(Overflowed { capacity: queue.capacity() }))
            }
        })
    }
}

impl<S, T, H: Sharing> FusedStream for Strict<S, T, H> {
    fn is_terminated(&self) -> bool {
        self.events.is_terminated() && !self.events.queue.has_overflowed()
    }
}

impl<S, T, H: Sharing> fmt::Debug for Strict<S, T, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Strict").field(&self.events).finish()
    }
}
