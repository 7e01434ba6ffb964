//! The end of a channel that other threads have.

use super::handle::with_current;
use super::mailbox::{Mailbox, Refused};
use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;

/// Sends values to a [`Receiver`](super::Receiver) on a loop, from any thread; made by [`channel`](super::channel()).
///
/// Clones send to the same receiver, which has its end when all of them are gone.
///
/// # Ordering
///
/// The values of one sender come in the order in which it sent them, whichever of its methods it used.
///
/// # Errors
///
/// [`SendError`] gives the value back, and says whether the channel was full or closed. A value that was taken is
/// dropped if the receiver is closed, or its loop ended, before it came there.
pub struct Sender<T> {
    mailbox: Arc<Mailbox<T>>,
    /// Of the receiver's loop.
    serial: u32,
}

/// A value that a channel did not take.
///
/// ```
/// onward::run(|| {
///     let (sender, receiver) = onward::channel(1);
///     sender.try_send("one").expect("there is room");
///     let error = sender.try_send("two").unwrap_err();
///     assert!(error.is_full());
///     assert_eq!(error.to_string(), "send: the channel is full");
///     assert_eq!(error.into_inner(), "two");
///
///     receiver.close();
///     assert!(sender.try_send("three").unwrap_err().is_closed());
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[derive(thiserror::Error)]
#[error("send: the channel is {}", if *.full { "full" } else { "closed" })]
pub struct SendError<T> {
    value: T,
    full: bool,
}

impl<T> SendError<T> {
    fn new(refused: Refused<T>) -> Self {
        match refused {
            Refused::Full(value) => Self { value, full: true },
            Refused::Closed(value) => Self { value, full: false },
        }
    }

    /// The value.
    pub fn into_inner(self) -> T {
        self.value
    }

    /// Is there no room now? It may be tried again.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// Is the receiver gone, or its loop? It need not be tried again.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        !self.full
    }
}

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendError").field("full", &self.full).finish_non_exhaustive()
    }
}

impl<T: Send> Sender<T> {
    pub(super) fn new(mailbox: Arc<Mailbox<T>>, serial: u32) -> Self {
        Self { mailbox, serial }
    }

    /// Sends a value if there is room; never waits.
    ///
    /// # Errors
    ///
    /// [`SendError`]: it is full, or closed.
    pub fn try_send(&self, value: T) -> Result<(), SendError<T>> {
        self.mailbox.put(value).map_err(SendError::new)
    }

    /// Sends a value as soon as there is room, on any executor. Dropped before, it has sent nothing.
    ///
    /// # Errors
    ///
    /// [`SendError`]: it is closed.
    ///
    /// ```
    /// use futures_lite::{StreamExt, future};
    /// use std::thread;
    ///
    /// onward::run(|| {
    ///     let (sender, mut receiver) = onward::channel(2);
    ///     thread::spawn(move || {
    ///         future::block_on(async {
    ///             for n in 0..100_u32 {
    ///                 sender.send(n).await.expect("somebody receives");
    ///             }
    ///         })
    ///     });
    ///     onward::spawn(async move {
    ///         let mut sum = 0;
    ///         while let Some(n) = receiver.next().await {
    ///             sum += n;
    ///         }
    ///         assert_eq!(sum, 4950);
    ///     });
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    pub async fn send(&self, value: T) -> Result<(), SendError<T>> {
        let (mut value, mut waiting) =
            (Some(value), Waiting { mailbox: &self.mailbox, place: None });
        let put = poll_fn(|context| self.mailbox.poll_put(&mut value, &mut waiting.place, context));
        put.await.map_err(SendError::new)
    }

    /// Sends a value, and keeps the thread until there is room.
    ///
    /// # Errors
    ///
    /// [`SendError`]: it is closed; or it is full, and this is the receiver's own thread, where waiting would never
    /// end.
    pub fn send_blocking(&self, value: T) -> Result<(), SendError<T>> {
        if with_current(self.serial, (), |_, ()| {}).is_none() {
            return self.try_send(value);
        }
        self.mailbox.put_blocking(value).map_err(SendError::new)
    }
}

/// A future that waits for room, or has done so.
struct Waiting<'a, T> {
    mailbox: &'a Mailbox<T>,
    place: Option<u64>,
}

impl<T> Drop for Waiting<'_, T> {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.mailbox.give_up(place);
        }
    }
}

impl<T> Sender<T> {
    /// How many values fit in at once.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.mailbox.capacity
    }

    /// Is the receiver gone, or its loop?
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.mailbox.is_closed()
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.mailbox.enter();
        Self { mailbox: Arc::clone(&self.mailbox), serial: self.serial }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.mailbox.leave();
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("capacity", &self.mailbox.capacity)
            .field("waiting", &self.mailbox.len())
            .field("closed", &self.is_closed())
            .finish()
    }
}
