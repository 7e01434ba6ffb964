//! Futures on the loop: which there are, and which of them have been woken.
//!
//! A waker may be used on any thread. On the loop's own it puts its task into `woken`, on others into the
//! inbox. The loop runs what is woken after each callback, so many in a turn: a future that wakes itself
//! for ever takes its share of each turn, and no more.

use super::core::Core;
use super::handle::with_current;
use super::inbox::Inbox;
use super::mail::{Letter, Mail};
use super::queues::Origin;
use super::slab::{Key, Slab};
use crate::error::{Error, ErrorKind, Result};
use async_task::{Builder, FallibleTask, Runnable};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// Polls of futures in one turn. With more to do, the loop looks at its sockets in between; that costs one
/// system call for so many polls.
const POLLS_PER_TURN: usize = 128;

/// A future that has been woken. It knows where it was spawned.
pub(crate) type Woken = Runnable<Origin>;

struct Live {
    waker: Option<Waker>,
    origin: Origin,
    /// When it was spawned.
    turn: u64,
    counted: bool,
}

/// A future that is not over.
pub(crate) struct Listed {
    pub(crate) origin: Origin,
    pub(crate) turn: u64,
    /// Does it hold the loop?
    pub(crate) counted: bool,
}

pub(crate) struct Tasks {
    woken: RefCell<VecDeque<Woken>>,
    live: RefCell<Slab<Live>>,
    counted: Cell<usize>,
    polls_left: Cell<usize>,
}

impl Tasks {
    pub(crate) const fn new() -> Self {
        Self {
            woken: RefCell::new(VecDeque::new()),
            live: RefCell::new(Slab::new()),
            counted: Cell::new(0),
            polls_left: Cell::new(POLLS_PER_TURN),
        }
    }

    /// How many hold the loop.
    pub(crate) fn counted(&self) -> usize {
        self.counted.get()
    }

    pub(crate) fn has_woken(&self) -> bool {
        !self.woken.borrow().is_empty()
    }

    pub(crate) fn wake(&self, task: Woken) {
        self.woken.borrow_mut().push_back(task);
    }

    /// A new turn: so many polls again. Are there any left to be made from the last?
    pub(crate) fn refill(&self) -> bool {
        self.polls_left.set(POLLS_PER_TURN);
        self.has_woken()
    }

    /// The next one to run, if it may run in this turn.
    pub(crate) fn next(&self) -> Option<Woken> {
        let left = self.polls_left.get().checked_sub(1)?;
        let task = self.woken.borrow_mut().pop_front()?;
        self.polls_left.set(left);
        Some(task)
    }

    /// How many are not over.
    pub(crate) fn len(&self) -> usize {
        self.live.borrow().len()
    }

    /// Those that are not over.
    pub(crate) fn list(&self) -> Vec<Listed> {
        let live = self.live.borrow();
        let listed = |&Live { origin, turn, counted, .. }: &Live| Listed { origin, turn, counted };
        live.iter().map(listed).collect()
    }

    fn enter(&self, origin: Origin, turn: u64) -> Key {
        self.counted.set(self.counted.get() + 1);
        self.live.borrow_mut().insert(Live { waker: None, origin, turn, counted: true })
    }

    fn leave(&self, key: Key) {
        let live = self.live.borrow_mut().remove(key);
        if live.is_some_and(|live| live.counted) {
            self.counted.set(self.counted.get() - 1);
        }
    }

    fn count(&self, key: Key, counted: bool) {
        if let Some(live) = self.live.borrow_mut().get_mut(key) {
            let before = std::mem::replace(&mut live.counted, counted);
            self.counted.set(self.counted.get() + usize::from(counted) - usize::from(before));
        }
    }

    /// The loop has ended: drops all futures, here, on their own thread.
    /// `letters`, the rest of the inbox, waits until that is closed.
    pub(crate) fn cancel_all(&self, inbox: &Inbox, letters: &RefCell<Mail>) {
        let wakers =
            |live: &Slab<Live>| live.iter().filter_map(|live| live.waker.clone()).collect();
        let wakers: Vec<Waker> = wakers(&self.live.borrow());
        // One that is woken comes here, and is dropped unrun.
        wakers.into_iter().for_each(Waker::wake);
        loop {
            let woken = self.woken.take();
            drop(woken);
            inbox.collect(&mut letters.borrow_mut());
            let woken = letters.borrow_mut().take_woken();
            drop(woken);
            if self.live.borrow().len() == 0 {
                return;
            }
            // Another thread is waking one in this moment, and is about to put it into the inbox.
            std::thread::yield_now();
        }
    }
}

/// Takes a future that is over off the list.
struct Leave {
    core: Rc<Core>,
    key: Key,
}

impl Drop for Leave {
    fn drop(&mut self) {
        self.core.tasks.leave(self.key);
    }
}

/// Puts a woken task where the loop finds it.
fn schedule(serial: u32, inbox: &Inbox, task: Woken) {
    let Some(task) = with_current(serial, task, |core, task| core.wake_task(task)) else { return };
    if let Err(task) = inbox.post(task, Letter::Woken) {
        // A loop that has ended has dropped all of its futures, and a task without one is not woken. Were
        // there one, this would not be the thread to drop it on.
        std::mem::forget(task);
    }
}

pub(crate) fn spawn<T: 'static>(
    core: &Rc<Core>,
    future: impl Future<Output = T> + 'static,
    origin: Origin,
) -> JoinHandle<T> {
    if core.is_over() {
        return JoinHandle { task: None, key: Key::NOBODY, core: Rc::clone(core) };
    }
    let leave = Leave { core: Rc::clone(core), key: core.tasks.enter(origin, core.turns()) };
    let key = leave.key;
    let whole = async move {
        let _leave = leave;
        future.await
    };
    let (serial, inbox) = (core.serial, Arc::clone(&core.inbox));
    let schedule = move |task| schedule(serial, &inbox, task);
    let (runnable, task) = Builder::new().metadata(origin).spawn_local(|_| whole, schedule);
    if let Some(live) = core.tasks.live.borrow_mut().get_mut(key) {
        live.waker = Some(runnable.waker());
    }
    runnable.schedule();
    JoinHandle { task: Some(task.fallible()), key, core: Rc::clone(core) }
}

/// A future that was [spawned](crate::spawn). Ignoring it is fine: the future goes on without.
///
/// Awaited, it gives what the future gave, on any executor of this thread.
///
/// # Errors
///
/// [`ErrorKind::Cancelled`]: it was cancelled, it panicked, or its loop has ended.
///
/// ```
/// onward::run(|| {
///     let answer = onward::spawn(async { 6 * 7 });
///     onward::spawn(async { assert_eq!(answer.await.unwrap(), 42) });
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
pub struct JoinHandle<T> {
    task: Option<FallibleTask<T, Origin>>,
    key: Key,
    core: Rc<Core>,
}

impl<T> JoinHandle<T> {
    /// Takes the future back: it is not polled any more, and is dropped before the loop does anything
    /// else; not inside of this call, which may come from the future itself. Nothing, if it is over.
    ///
    /// ```
    /// onward::run(|| {
    ///     let waiting = onward::spawn(std::future::pending::<()>());
    ///     onward::set_immediate(|| waiting.cancel()); // the loop ends
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    pub fn cancel(mut self) {
        drop(self.task.take());
    }

    /// Is it over?
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.task.as_ref().is_none_or(FallibleTask::is_finished)
    }

    /// The loop need not wait for this future.
    ///
    /// ```
    /// onward::run(|| {
    ///     onward::spawn(std::future::pending::<()>()).unref();
    ///     Ok(())
    /// })?; // returns at once
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[allow(clippy::must_use_candidate, reason = "the handle itself comes back, for chaining")]
    pub fn unref(self) -> Self {
        self.core.tasks.count(self.key, false);
        self
    }

    /// The loop waits for this future, as it does unless told otherwise.
    #[allow(clippy::must_use_candidate, reason = "the handle itself comes back, for chaining")]
    pub fn ref_(self) -> Self {
        self.core.tasks.count(self.key, true);
        self
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        let output = match &mut self.task {
            Some(task) => std::task::ready!(Pin::new(task).poll(context)),
            None => None,
        };
        let lost = || Error::new(ErrorKind::Cancelled, "spawned future");
        Poll::Ready(output.ok_or_else(lost))
    }
}

/// The future goes on.
impl<T> Drop for JoinHandle<T> {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.detach();
        }
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("finished", &self.is_finished()).finish()
    }
}
