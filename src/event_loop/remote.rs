//! The loop as other threads see it.

use super::inbox::Inbox;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// Posts closures to a loop from any thread, and wakes it.
///
/// The loop goes on as long as there is a remote to it, for something may still come; one that was
/// [`unref`](Self::unref)ed lets it end.
///
/// # Ordering
///
/// Closures that one thread posts run in the order in which it posted them.
///
/// ```
/// use std::thread;
///
/// onward::run(|| {
///     let remote = onward::remote();
///     thread::spawn(move || {
///         let answer = 6 * 7;                               // on the thread
///         remote.post(move || println!("it is {answer}"))   // on the loop
///     });
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias = "uv_async_send")]
pub struct Remote {
    inbox: Arc<Inbox>,
    holds: bool,
}

/// A closure that came too late: the loop has ended. It is given back, with what it captures.
///
/// ```
/// let event_loop = onward::EventLoop::new()?;
/// let remote = event_loop.remote();
/// assert!(remote.post(|| println!("in time")).is_ok());
/// drop(event_loop);
///
/// assert!(remote.is_closed());
/// let text = String::from("not in time");
/// let closure = remote.post(move || println!("{text}")).unwrap_err().0;
/// closure(); // here, then
/// # Ok::<(), onward::Error>(())
/// ```
#[derive(thiserror::Error)]
#[error("post: the event loop has ended")]
pub struct PostError<F>(pub F);

impl<F> fmt::Debug for PostError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PostError(..)")
    }
}

impl Remote {
    pub(crate) fn new(inbox: Arc<Inbox>) -> Self {
        inbox.hold();
        Self { inbox, holds: true }
    }

    /// Has the loop call `f`, in the posting phase of its current or next turn.
    ///
    /// # Errors
    ///
    /// [`PostError`] gives `f` back when the loop has ended. A closure that was taken before is
    /// dropped unrun if the loop is stopped meanwhile.
    #[track_caller]
    pub fn post<F: FnOnce() + Send + 'static>(&self, f: F) -> Result<(), PostError<F>> {
        self.inbox.post_job(f, Location::caller()).map_err(PostError)
    }

    /// Ends the loop's current wait, if it waits.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
    /// static DONE: AtomicBool = AtomicBool::new(false);
    ///
    /// onward::run(|| {
    ///     let remote = onward::remote();
    ///     std::thread::spawn(move || {
    ///         DONE.store(true, SeqCst);
    ///         remote.wake();
    ///     });
    ///     onward::Handle::current()?.after_poll(|| {
    ///         if DONE.load(SeqCst) {
    ///             println!("done");
    ///         }
    ///     });
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    pub fn wake(&self) {
        self.inbox.wake();
    }

    /// This remote no longer keeps the loop alive. Clones made before still do.
    ///
    /// ```
    /// onward::run(|| {
    ///     let remote = onward::remote().unref();
    ///     std::thread::spawn(move || {
    ///         if remote.post(|| println!("in time")).is_err() {
    ///             println!("too late");
    ///         }
    ///     });
    ///     Ok(())
    /// })?; // does not wait for the thread
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[must_use]
    pub fn unref(mut self) -> Self {
        if std::mem::take(&mut self.holds) {
            self.inbox.let_go();
        }
        self
    }

    /// Has the loop ended for good?
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.inbox.is_closed()
    }
}

impl Clone for Remote {
    fn clone(&self) -> Self {
        if self.holds {
            self.inbox.hold();
        }
        Self { inbox: Arc::clone(&self.inbox), holds: self.holds }
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        if self.holds {
            self.inbox.let_go();
        }
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote")
            .field("holds", &self.holds)
            .field("closed", &self.is_closed())
            .finish()
    }
}
