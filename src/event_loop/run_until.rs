//! A loop that runs for one future.

use super::EventLoop;
use super::core::Core;
use super::counters::CallbackKind;
use super::handle::with_current;
use super::inbox::Inbox;
use super::queues::Origin;
use crate::error::{Error, ErrorKind, Result};
use std::future::Future;
use std::panic::Location;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// Wakes the future that a loop runs for.
struct Root {
    /// By another thread: what this one does needs no atomic exchange in each turn.
    woken: AtomicBool,
    /// Somebody may keep its waker for longer than the loop runs for it.
    over: AtomicBool,
    serial: u32,
    inbox: Arc<Inbox>,
}

impl Wake for Root {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.over.load(Ordering::Relaxed) {
            return;
        }
        let elsewhere = with_current(self.serial, (), |core, ()| core.root_woken.set(true));
        if elsewhere.is_some() {
            self.woken.store(true, Ordering::Release);
            self.inbox.wake();
        }
    }
}

impl Root {
    /// Has another thread woken it since it was asked?
    #[inline]
    fn take_woken(&self) -> bool {
        self.woken.load(Ordering::Acquire) && self.woken.swap(false, Ordering::Acquire)
    }
}

/// The loop runs for it no more, in a panic too: who wakes it now keeps the loop from no wait.
struct Over<'a>(&'a Core, &'a Root);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        let Self(core, root) = self;
        root.over.store(true, Ordering::Relaxed);
        core.root_woken.set(false);
        core.root_held.set(false);
    }
}

fn run_until<F: Future>(core: &Core, future: F, origin: Origin) -> Result<F::Output> {
    let mut future = pin!(future);
    let [woken, over] = [false; 2].map(AtomicBool::new);
    let root = Arc::new(Root { woken, over, serial: core.serial, inbox: Arc::clone(&core.inbox) });
    let waker = Waker::from(Arc::clone(&root));
    let _over = Over(core, &root);
    core.root_woken.set(true);
    loop {
        // Both are asked: one wake-up is for one poll.
        if core.root_woken.replace(false) | root.take_woken() {
            let mut polled = Poll::Pending;
            core.call_from(CallbackKind::Future, origin, || {
                polled = future.as_mut().poll(&mut Context::from_waker(&waker));
            });
            if let Poll::Ready(output) = polled {
                return Ok(output);
            }
        }
        if core.stopping.get() {
            return Err(Error::new(ErrorKind::Cancelled, "run until"));
        }
        // Besides the two here nobody has it who could wake it.
        let held = Arc::strong_count(&root) > 2;
        if !held
            && !core.is_alive()
            && !core.root_woken.get()
            && !root.woken.load(Ordering::Acquire)
        {
            return Err(Error::new(ErrorKind::Unsettled, "run until"));
        }
        core.root_held.set(held);
        let turned = core.turn(true);
        core.root_held.set(false);
        turned?;
    }
}

impl EventLoop {
    /// Runs until `future` is done, and gives its output. It need not be `'static`. What else is on the
    /// loop runs beside it, and stays there.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsettled`]: nothing is left on the loop, and nobody has a waker, so that it would wait
    /// for ever. [`ErrorKind::Cancelled`]: the loop was told to [`stop`](crate::stop). And those of
    /// [`run`](Self::run).
    ///
    /// ```
    /// let event_loop = onward::EventLoop::new()?;
    /// let greeting = String::from("hello");
    /// let length = event_loop.run_until(async {
    ///     onward::sleep(std::time::Duration::from_millis(1)).await;
    ///     greeting.len()
    /// })?;
    /// assert_eq!(length, 5);
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[track_caller]
    pub fn run_until<F: Future>(&self, future: F) -> Result<F::Output> {
        let (core, origin) = (&self.handle.0, Location::caller());
        core.refuse_forked("run until")?;
        self.handle.enter(|| core.driving("run until", || run_until(core, future, origin)))
    }
}

/// Makes a loop, runs it until `future` is done, and gives its output. What is still open then is closed.
///
/// # Errors
///
/// Those of [`EventLoop::run_until`].
///
/// ```
/// use onward::{Waiting, events::*, net::{Server, Socket}};
///
/// onward::block_on(async {
///     let server = Server::listen("127.0.0.1:0")?;
///     server.on(Connection, |_, socket| socket.end_with("hello"));
///
///     let socket = Socket::connect(server.local_addr())?;
///     let greeting = socket.next(Data).await.expect("it says something");
///     assert_eq!(greeting, b"hello");
///     Ok::<_, onward::Error>(())
/// })??;
/// # Ok::<(), onward::Error>(())
/// ```
#[track_caller]
pub fn block_on<F: Future>(future: F) -> Result<F::Output> {
    block_on_this(EventLoop::new()?, future)
}

pub(super) fn block_on_this<F: Future>(event_loop: EventLoop, future: F) -> Result<F::Output> {
    let output = event_loop.run_until(future);
    let core = event_loop.handle().0;
    drop(event_loop);
    // Closing what was left may have brought up an error of its own.
    output.and_then(|output| core.take_failure().map(|()| output))
}
