//! Giving up: one signal that any number of operations listen to.
//!
//! An [`AbortController`] aborts, an [`AbortSignal`] is handed to whoever is to give up then. The signal is a cheap
//! handle and an emitter of [`Abort`].
//!
//! | what is to give up | how |
//! |---|---|
//! | a socket, be it connecting; a stream; a file; a server | [`Abortable::abort_on`] |
//! | two ends of a [pipeline](crate::stream::pipeline) | `abort_on` for one of them: the other one follows |
//! | a future: [`sleep`](crate::sleep), `next`, a stream of events, a [`Blocking`](crate::Blocking) | [`AbortSignal::run`] |
//! | queued work, a timer | `signal.on(Abort, move \|_, _\| { job.cancel(); })` |
//! | a loop of your own | [`AbortSignal::check`] |
//!
//! ```
//! use onward::abort::AbortController;
//! use onward::{ErrorKind, abort::Abortable as _, events::*, net::Server, net::Socket};
//!
//! onward::run(|| {
//!     let server = Server::listen("127.0.0.1:0")?;
//!     let controller = AbortController::new();
//!     server.abort_on(&controller.signal());
//!     let client = Socket::connect(server.local_addr())?.abort_on(&controller.signal());
//!     client.on(Error, |_, error| assert_eq!(error.kind(), ErrorKind::Aborted));
//!     onward::spawn(async move {
//!         let never = controller.signal().run(std::future::pending::<()>());
//!         onward::next_tick(move || controller.abort()); // all of them
//!         assert_eq!(never.await.unwrap_err().kind(), ErrorKind::Aborted);
//!     });
//!     Ok(())
//! })?;
//! # Ok::<(), onward::Error>(())
//! ```

use crate::emitter::names::{Abort, Close};
use crate::emitter::{
    Downgrade, Emitter, Event, EventEmitter, Listener, Listeners, Recall, Waiting as _,
};
use crate::error::{Error, ErrorKind, Result};
use crate::event_loop::{Handle, Remote, Ticket, set_timeout};
use std::cell::RefCell;
use std::fmt;
use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// What aborting calls itself in errors.
const OPERATION: &str = "abort";

crate::events! {
    pub for AbortSignal {
        use Abort(&Error),
    }
}

/// Aborts all that listens to its [`signal`](Self::signal).
///
/// A cheap handle: clones are the same controller. Dropping it aborts nothing.
#[doc(alias("CancellationToken", "CancelToken"))]
#[derive(Clone, Debug, Default)]
pub struct AbortController {
    signal: AbortSignal,
}

/// Says when to give up: an emitter of [`Abort`], once, with the reason.
///
/// A cheap handle: clones are the same signal. It can only be listened to; an [`AbortController`] aborts. Operations
/// take their listeners off it when they are over, so that one signal may serve a program for all of its life.
///
/// # Ordering
///
/// Listeners are called from inside of [`AbortController::abort`], in the order in which they were added. Who listens
/// after that is not called any more: ask [`is_aborted`](Self::is_aborted) first.
#[derive(Clone, Default)]
pub struct AbortSignal(Rc<Inner>);

#[derive(Default)]
struct Inner {
    emitter: EventEmitter<AbortSignal>,
    reason: RefCell<Option<Error>>,
    /// Those that abort this one.
    followed: RefCell<Vec<(AbortSignal, Listener)>>,
}

impl AbortController {
    /// A controller with a signal of its own. It needs no loop.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What to hand to those who are to give up.
    #[must_use]
    pub fn signal(&self) -> AbortSignal {
        self.signal.clone()
    }

    /// Aborts, with an error of kind [`ErrorKind::Aborted`] as reason. Only the first time counts.
    pub fn abort(&self) {
        self.signal
            .abort(Error::new(ErrorKind::Aborted, OPERATION).because("it is not wanted any more"));
    }

    /// The same, and says why: the error of kind [`ErrorKind::Aborted`] has this as its cause.
    ///
    /// ```
    /// use onward::abort::AbortController;
    ///
    /// let controller = AbortController::new();
    /// controller.abort_because("the user has left");
    /// let reason = controller.signal().check().unwrap_err();
    /// assert_eq!(reason.to_string(), "abort: the user has left");
    /// ```
    pub fn abort_because(&self, reason: impl Into<Box<dyn std::error::Error + Send + Sync>>) {
        self.signal.abort(Error::new(ErrorKind::Aborted, OPERATION).because(reason));
    }

    /// One that other threads may have. It keeps neither the loop going nor waits for it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotInLoop`]: signals are aborted on their loop's thread, and there is none.
    ///
    /// ```
    /// use onward::abort::AbortController;
    /// use onward::events::*;
    ///
    /// onward::run(|| {
    ///     let controller = AbortController::new();
    ///     let remote = controller.remote()?;
    ///     let asleep = onward::set_timeout(std::time::Duration::from_secs(3600), || ());
    ///     controller.signal().on(Abort, move |_, _| {
    ///         asleep.cancel();
    ///     });
    ///     std::thread::spawn(move || remote.abort());
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    pub fn remote(&self) -> Result<RemoteAbort> {
        let handle = Handle::for_operation(OPERATION)?;
        let ticket = handle.keep(Rc::new(self.clone()));
        Ok(RemoteAbort { ticket: Arc::new(ticket), remote: handle.remote().unref() })
    }
}

/// An [`AbortController`] for other threads; made by [`AbortController::remote`].
#[derive(Clone)]
pub struct RemoteAbort {
    ticket: Arc<Ticket>,
    remote: Remote,
}

impl RemoteAbort {
    /// Has the loop abort, in its posting phase. If it has ended, there is nothing left to abort.
    pub fn abort(&self) {
        self.post(AbortController::abort);
    }

    /// The same, and says why.
    pub fn abort_because(&self, reason: impl Into<Box<dyn std::error::Error + Send + Sync>>) {
        let reason = reason.into();
        self.post(move |controller| controller.abort_because(reason));
    }

    fn post(&self, abort: impl FnOnce(&AbortController) + Send + 'static) {
        let ticket = Arc::clone(&self.ticket);
        let _ = self.remote.post(move || {
            if let Ok(controller) = ticket.find::<AbortController>(OPERATION) {
                abort(&controller);
            }
        });
    }
}

impl AbortSignal {
    /// One that aborts by itself when the time is up, with an error of kind [`ErrorKind::TimedOut`]. It does not keep
    /// the loop going.
    ///
    /// # Panics
    ///
    /// Outside of a loop.
    ///
    /// ```
    /// use onward::abort::AbortSignal;
    /// use std::time::Duration;
    ///
    /// onward::run(|| {
    ///     onward::spawn(async {
    ///         let signal = AbortSignal::timeout(Duration::from_millis(1));
    ///         let hour = onward::sleep(Duration::from_secs(3600));
    ///         assert_eq!(signal.run(hour).await.unwrap_err().kind(), onward::ErrorKind::TimedOut);
    ///     });
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn timeout(duration: Duration) -> Self {
        let signal = Self::default();
        let weak = Rc::downgrade(&signal.0);
        let timer = set_timeout(duration, move || {
            let late = || Error::new(ErrorKind::TimedOut, OPERATION);
            weak.upgrade().map(Self).iter().for_each(|signal| signal.abort(late()));
        });
        timer.unref();
        signal
    }

    /// One that aborts with the first of these, for its reason.
    ///
    /// ```
    /// use onward::abort::{AbortController, AbortSignal};
    ///
    /// let (user, program) = (AbortController::new(), AbortController::new());
    /// let either = AbortSignal::any([&user.signal(), &program.signal()]);
    /// program.abort_because("the program ends");
    /// assert_eq!(either.reason().map(|reason| reason.to_string()).as_deref(), Some("abort: the program ends"));
    /// ```
    #[must_use]
    pub fn any<'a>(signals: impl IntoIterator<Item = &'a Self>) -> Self {
        let any = Self::default();
        for signal in signals {
            if let Some(reason) = signal.reason() {
                any.abort(reason);
                break;
            }
            let weak = Rc::downgrade(&any.0);
            let listener = signal.on(Abort, move |_, reason| {
                let any = weak.upgrade().map(Self);
                any.iter().for_each(|any| any.abort(reason.clone()));
            });
            any.0.followed.borrow_mut().push((signal.clone(), listener));
        }
        any
    }

    /// Has it been aborted?
    #[must_use]
    pub fn is_aborted(&self) -> bool {
        self.0.reason.borrow().is_some()
    }

    /// Why it was aborted.
    #[must_use]
    pub fn reason(&self) -> Option<Error> {
        self.0.reason.borrow().clone()
    }

    /// For `?` in work that goes on for long.
    ///
    /// # Errors
    ///
    /// The [reason](Self::reason), once it is aborted.
    ///
    /// ```
    /// use onward::abort::AbortSignal;
    ///
    /// fn count(signal: &AbortSignal) -> onward::Result<u32> {
    ///     let mut count = 0;
    ///     while count < 1_000 {
    ///         signal.check()?;
    ///         count += 1;
    ///     }
    ///     Ok(count)
    /// }
    /// assert_eq!(count(&AbortSignal::default())?, 1_000);
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[doc(alias = "throwIfAborted")]
    pub fn check(&self) -> Result<()> {
        self.reason().map_or(Ok(()), Err)
    }

    /// Waits until it is aborted, and gives the reason.
    pub fn aborted(&self) -> impl Future<Output = Error> + use<> {
        // The listener is there from now on.
        let (signal, next) = (self.clone(), self.next(Abort));
        async move {
            match signal.reason() {
                Some(reason) => reason,
                // The signal is at hand, so it is not gone; somebody may have taken all listeners off it.
                None => match next.await {
                    Ok(reason) => reason,
                    Err(_) => pending().await,
                },
            }
        }
    }

    /// Runs a future until it is done or the signal is aborted, whichever comes first; then the future is dropped. It
    /// is not polled at all if the signal is aborted already.
    ///
    /// # Errors
    ///
    /// The [reason](Self::reason).
    ///
    /// ```
    /// use onward::abort::AbortController;
    /// use onward::{Waiting as _, events};
    ///
    /// events! { Room { Joined(String) } }
    ///
    /// onward::run(|| {
    ///     let (room, controller) = (Room::new(), AbortController::new());
    ///     let signal = controller.signal();
    ///     onward::set_immediate(move || controller.abort_because("nobody comes"));
    ///     onward::spawn(async move {
    ///         let error = signal.run(room.next(Joined)).await.unwrap_err();
    ///         assert_eq!(error.to_string(), "abort: nobody comes");
    ///     });
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    pub fn run<F: Future>(&self, future: F) -> impl Future<Output = Result<F::Output>> + use<F> {
        let (signal, aborted) = (self.clone(), self.aborted());
        async move {
            signal.check()?;
            let (mut future, mut aborted) = (pin!(future), pin!(aborted));
            poll_fn(|cx| {
                if let Poll::Ready(output) = future.as_mut().poll(cx) {
                    return Poll::Ready(Ok(output));
                }
                aborted.as_mut().poll(cx).map(Err)
            })
            .await
        }
    }

    fn abort(&self, reason: Error) {
        if self.is_aborted() {
            return;
        }
        self.0.reason.replace(Some(reason.clone()));
        self.0.leave();
        self.0.emitter.emit(self, Abort, &reason);
        // It comes once, so that nobody is needed any more.
        self.0.emitter.clear();
    }
}

impl Inner {
    /// Does not listen to others any more.
    fn leave(&self) {
        for (signal, listener) in self.followed.take() {
            signal.off(listener);
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.leave();
    }
}

/// What can be ended with an error, and so by a signal. Streams of your own can be, too.
pub trait Abortable: Emitter + Downgrade + Clone + fmt::Display {
    /// Ends it at once, with an error: `Error`, then `Close(true)`. If it is over, nothing happens.
    fn destroy_with(&self, error: Error);

    /// Calls `then` when it has closed.
    #[doc(hidden)]
    fn when_closed(&self, then: impl FnOnce() + 'static);

    /// Ends it when the signal is aborted, by [`destroy_with`](Self::destroy_with) and the signal's reason; at once, if
    /// that has happened already. Gives a handle back, for chaining.
    ///
    /// It keeps the signal until it has closed; the signal holds it weakly, and forgets it then.
    ///
    /// ```
    /// use onward::abort::{AbortSignal, Abortable as _};
    /// use onward::{ErrorKind, events::*, net::Server, net::Socket};
    /// use std::time::Duration;
    ///
    /// onward::run(|| {
    ///     let server = Server::listen("127.0.0.1:0")?; // it says nothing
    ///     server.on(Connection, |server, socket| { server.close(); socket.resume(); });
    ///
    ///     let client = Socket::connect(server.local_addr())?;
    ///     client.abort_on(&AbortSignal::timeout(Duration::from_millis(5)));
    ///     client.on(Error, |_, error| assert_eq!(error.kind(), ErrorKind::TimedOut));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[allow(clippy::must_use_candidate, reason = "the handle itself comes back, for chaining")]
    fn abort_on(&self, signal: &AbortSignal) -> Self {
        if let Some(reason) = signal.reason() {
            self.destroy_with(reason.on(self));
            return self.clone();
        }
        let find = self.downgrade();
        let listener = signal.on(Abort, move |_, reason| {
            find().iter().for_each(|stream| stream.destroy_with(reason.clone().on(stream)));
        });
        let signal = signal.clone();
        self.when_closed(move || _ = signal.off(listener));
        self.clone()
    }
}

/// [`Abortable::when_closed`] of those whose `Close` says whether there was an error.
pub(crate) fn when_closed<S: Emitter>(stream: &S, then: impl FnOnce() + 'static)
where
    Close: for<'a> Event<S, Payload<'a> = bool>,
{
    stream.once(Close, move |_, _| then());
}

impl Emitter for AbortSignal {
    fn listeners(&self) -> &Listeners<Self> {
        &self.0.emitter
    }

    fn recall(&self) -> Option<Recall<Self>> {
        Some(Recall::new(self.downgrade()))
    }
}

impl Downgrade for AbortSignal {
    fn downgrade(&self) -> impl Fn() -> Option<Self> + 'static {
        let inner: Weak<Inner> = Rc::downgrade(&self.0);
        move || inner.upgrade().map(Self)
    }
}

impl fmt::Debug for AbortSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AbortSignal").field("reason", &self.0.reason.borrow()).finish()
    }
}

impl fmt::Debug for RemoteAbort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RemoteAbort(..)")
    }
}
