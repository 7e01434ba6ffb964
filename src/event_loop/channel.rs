//! A bounded channel to a loop: its end there.

use super::core::Core;
use super::free::here;
use super::handle::Handle;
use super::mailbox::{Mailbox, Taken};
use super::queues::{Origin, job};
use super::sender::Sender;
use super::slab::Key;
use futures_core::Stream;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::poll_fn;
use std::panic::Location;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// Values of one channel that are told in one turn; the rest waits for the next, so that a flood of them cannot keep
/// sockets and timers from being served. A quarter of what is posted: there may be several channels.
const VALUES_PER_TURN: usize = 256;

/// Makes a channel from any thread to this thread's loop, in which at most `capacity` values wait; 0 counts as 1.
///
/// It is for what comes faster than it can be dealt with: [`Remote::post`](super::Remote::post) takes any number of
/// closures, a channel says when it is full.
///
/// # Panics
///
/// Outside of a loop. [`Handle::channel`] does not.
///
/// ```
/// use std::thread;
///
/// onward::run(|| {
///     let (sender, receiver) = onward::channel(16);
///     thread::spawn(move || {
///         for line in ["to be", "or not to be"] {
///             sender.send_blocking(line.to_string()).expect("somebody receives");
///         }
///     });
///     receiver.on_data(|_, line| println!("{line}"));
///     receiver.on_end(|_| println!("that is the question"));
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[track_caller]
#[must_use]
pub fn channel<T: Send + 'static>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    here("channel").channel(capacity)
}

impl Handle {
    /// Makes a channel to this loop; see [`channel`](super::channel()). On a loop that has ended it is closed.
    #[track_caller]
    #[must_use]
    pub fn channel<T: Send + 'static>(&self, capacity: usize) -> (Sender<T>, Receiver<T>) {
        let core = &self.0;
        let key =
            core.channels.borrow_mut().insert(Entry { end: None, origin: Location::caller() });
        let mailbox = Arc::new(Mailbox::new(capacity.max(1), Arc::clone(&core.inbox), key));
        let inner = Rc::new(Inner {
            core: Rc::clone(core),
            mailbox: Arc::clone(&mailbox),
            key,
            told: RefCell::default(),
            kept: RefCell::default(),
            paused: Cell::new(false),
            over: Cell::new(false),
            coming: Cell::new(false),
            holds: Cell::new(true),
            waiters: Cell::new(0),
        });
        core.inbox.hold();
        let end: Weak<dyn End> = Rc::downgrade(&inner) as Weak<dyn End>;
        if let Some(entry) = core.channels.borrow_mut().get_mut(key) {
            entry.end = Some(end);
        }
        if core.is_over() {
            inner.close();
        }
        (Sender::new(mailbox, core.serial), Receiver::new(inner))
    }
}

/// A channel's end, as the loop sees it.
pub(super) trait End {
    /// There is something in it.
    fn news(self: Rc<Self>);
    /// The loop ends.
    fn shut(&self);
    /// Does it hold the loop?
    fn holds(&self) -> bool;
}

impl Core {
    /// Where channels were made that are open, and whether they hold the loop.
    pub(crate) fn list_channels(&self) -> Vec<(Origin, bool)> {
        let channels = self.channels.borrow();
        channels.iter().filter_map(|entry| Some((entry.origin, entry.end()?.holds()))).collect()
    }
}

/// What a loop knows of a channel.
pub(super) struct Entry {
    end: Option<Weak<dyn End>>,
    pub(super) origin: Origin,
}

impl Entry {
    pub(super) fn end(&self) -> Option<Rc<dyn End>> {
        self.end.as_ref()?.upgrade()
    }
}

/// The end of a [`channel`](super::channel()) that is on a loop.
///
/// Its values go to a callback, [`on_data`](Self::on_data), or to whoever awaits them: it is a stream. A cheap handle:
/// clones are the same end. One with a callback needs no handle to stay open; one without is closed with its last.
///
/// The loop goes on as long as there is a sender, for something may still come; [`unref`](Self::unref) lets it end.
///
/// # Ordering
///
/// Values of one sender come in their order. They come in the posting phase of a turn, at most 256 of a channel; if
/// there are more, the next turn begins with them. The end comes after the last value.
///
/// ```
/// use std::{thread, time::Duration};
///
/// onward::run(|| {
///     let (sender, receiver) = onward::channel(4);
///     thread::spawn(move || {
///         for n in 0..100 {
///             sender.send_blocking(n).expect("somebody receives"); // waits while the loop is paused
///         }
///     });
///     receiver.on_data(|receiver, n| {
///         if n == 50 {
///             receiver.pause();
///             let receiver = receiver.clone();
///             onward::set_timeout(Duration::from_millis(1), move || receiver.resume());
///         }
///     });
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
pub struct Receiver<T>(Rc<Inner<T>>, Waiter<T>);

type OnData<T> = Box<dyn FnMut(&Receiver<T>, T)>;
type OnEnd<T> = Box<dyn FnOnce(&Receiver<T>)>;

struct Told<T> {
    /// Not here while it is called.
    data: Option<OnData<T>>,
    end: Option<OnEnd<T>>,
    /// Of all who wait for a value, with the number of each.
    wakers: Vec<(u64, Waker)>,
}

impl<T> Default for Told<T> {
    fn default() -> Self {
        Self { data: None, end: None, wakers: Vec::new() }
    }
}

struct Inner<T> {
    core: Rc<Core>,
    mailbox: Arc<Mailbox<T>>,
    key: Key,
    told: RefCell<Told<T>>,
    /// Itself, if it has a callback: then it lives without handles.
    kept: RefCell<Option<Rc<Self>>>,
    paused: Cell<bool>,
    /// It has told its end, or has been closed.
    over: Cell<bool>,
    /// It will look into the mailbox in the next turn.
    coming: Cell<bool>,
    holds: Cell<bool>,
    /// How many there have been who could wait.
    waiters: Cell<u64>,
}

/// Somebody who may wait for a value: a handle, as a stream, or a future. What has been kept of it goes with it.
struct Waiter<T> {
    inner: Weak<Inner<T>>,
    number: u64,
}

impl<T> Waiter<T> {
    fn new(inner: &Rc<Inner<T>>) -> Self {
        let number = inner.waiters.get();
        inner.waiters.set(number + 1);
        Self { inner: Rc::downgrade(inner), number }
    }

    /// It does not wait any more. Its waker comes back, to be dropped when nothing is borrowed.
    fn leave(&self) -> Option<Waker> {
        let inner = self.inner.upgrade()?;
        let wakers = &mut inner.told.borrow_mut().wakers;
        let at = wakers.iter().position(|(number, _)| *number == self.number)?;
        Some(wakers.swap_remove(at).1)
    }
}

impl<T> Drop for Waiter<T> {
    fn drop(&mut self) {
        let waker = self.leave();
        drop(waker);
    }
}

fn wake_all(wakers: Vec<(u64, Waker)>) {
    wakers.into_iter().for_each(|(_, waker)| waker.wake());
}

impl<T> Receiver<T> {
    fn new(inner: Rc<Inner<T>>) -> Self {
        let waiter = Waiter::new(&inner);
        Self(inner, waiter)
    }
}

impl<T: Send + 'static> Receiver<T> {
    /// Calls `f` with each value, and this end first. It takes the place of the callback before it, and of a waiting
    /// stream.
    pub fn on_data(&self, f: impl FnMut(&Self, T) + 'static) {
        self.set(|told| told.data.replace(Box::new(f)));
    }

    /// Calls `f` when all senders are gone and all values told; not if it is closed before.
    pub fn on_end(&self, f: impl FnOnce(&Self) + 'static) {
        self.set(|told| told.end.replace(Box::new(f)));
    }

    fn set<X>(&self, set: impl FnOnce(&mut Told<T>) -> X) {
        let inner = &self.0;
        if inner.over.get() {
            return;
        }
        // What stood there is dropped when nothing is borrowed.
        let before = set(&mut inner.told.borrow_mut());
        drop(before);
        inner.kept.replace(Some(Rc::clone(inner)));
        inner.look_later();
    }

    /// No more calls, from this moment on: what comes waits in the channel, until that is full.
    pub fn pause(&self) {
        self.0.paused.set(true);
    }

    /// Calls may come again, beginning with the next turn.
    pub fn resume(&self) {
        if self.0.paused.replace(false) {
            self.0.look_later();
        }
    }

    /// Is it paused?
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.0.paused.get()
    }

    /// Takes no more values: those that wait are dropped, and senders are told from here on. Its callbacks are
    /// dropped uncalled.
    pub fn close(&self) {
        self.0.close();
    }

    /// Has it told its end, or been closed?
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.over.get()
    }

    /// The loop need not wait for it.
    #[allow(clippy::must_use_candidate, reason = "the end itself comes back, for chaining")]
    pub fn unref(self) -> Self {
        self.0.hold(false);
        self
    }

    /// The loop waits for it, as it does unless told otherwise.
    #[allow(clippy::must_use_candidate, reason = "the end itself comes back, for chaining")]
    pub fn ref_(self) -> Self {
        self.0.hold(true);
        self
    }

    /// The next value; `None` when there will be none. It does not mind [`pause`](Self::pause). Several may wait: each
    /// value goes to one of them, and the end to all.
    ///
    /// ```
    /// onward::block_on(async {
    ///     let (sender, receiver) = onward::channel(2);
    ///     std::thread::spawn(move || (0..3).try_for_each(|n| sender.send_blocking(n)));
    ///     let mut sum = 0;
    ///     while let Some(n) = receiver.recv().await {
    ///         sum += n;
    ///     }
    ///     assert_eq!(sum, 3);
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    pub async fn recv(&self) -> Option<T> {
        let waiter = Waiter::new(&self.0);
        poll_fn(|context| self.0.poll_next(&waiter, context)).await
    }
}

impl<T> Inner<T> {
    fn hold(&self, holds: bool) {
        if self.over.get() || self.holds.replace(holds) == holds {
            return;
        }
        if holds {
            self.core.inbox.hold();
        } else {
            self.core.inbox.let_go();
        }
    }

    /// Takes it off its loop.
    fn leave(&self) {
        self.hold(false);
        self.over.set(true);
        let entry = self.core.channels.borrow_mut().remove(self.key);
        drop(entry);
    }

    fn close(&self) {
        if self.over.get() {
            return;
        }
        self.leave();
        self.mailbox.close();
        let told = self.told.take();
        let kept = self.kept.take();
        wake_all(told.wakers);
        drop((told.data, told.end, kept));
    }
}

impl<T: Send + 'static> Inner<T> {
    /// Looks into the mailbox in the next turn, if it is to be called.
    fn look_later(self: &Rc<Self>) {
        if !self.over.get() && self.mailbox.has_news() && !self.coming.replace(true) {
            let inner = Rc::clone(self);
            self.core.deferred.push(job(move || inner.look(), Location::caller()));
        }
    }

    fn look(self: &Rc<Self>) {
        self.coming.set(false);
        let receiver = Receiver::new(Rc::clone(self));
        for _ in 0..VALUES_PER_TURN {
            if self.paused.get() || self.over.get() {
                return;
            }
            let data = self.told.borrow_mut().data.take();
            let Some(data) = data else { return };
            // Also if it panics, the others are told.
            let mut calling = Calling { inner: self, data: Some(data) };
            match (self.mailbox.take(), calling.data.as_mut()) {
                (Taken::Value(value), Some(data)) => data(&receiver, value),
                (Taken::Over, _) => {
                    drop(calling);
                    return self.end(&receiver);
                }
                _ => return,
            }
            drop(calling);
            self.core.settle();
        }
        self.look_later();
    }

    fn end(&self, receiver: &Receiver<T>) {
        self.leave();
        self.mailbox.close();
        let told = self.told.take();
        let kept = self.kept.take();
        drop(told.data);
        wake_all(told.wakers);
        told.end.into_iter().for_each(|end| end(receiver));
        self.core.settle();
        drop(kept);
    }

    fn poll_next(&self, waiter: &Waiter<T>, context: &Context<'_>) -> Poll<Option<T>> {
        if self.over.get() {
            return Poll::Ready(None);
        }
        match self.mailbox.take() {
            Taken::Value(value) => Poll::Ready(Some(value)),
            Taken::Over => {
                self.close();
                Poll::Ready(None)
            }
            Taken::Empty => {
                let before = waiter.leave();
                let waker = context.waker().clone();
                self.told.borrow_mut().wakers.push((waiter.number, waker));
                drop(before);
                Poll::Pending
            }
        }
    }
}

/// Puts the callback back, unless another one has been set, or the end come, meanwhile.
struct Calling<'a, T: Send + 'static> {
    inner: &'a Rc<Inner<T>>,
    data: Option<OnData<T>>,
}

impl<T: Send + 'static> Drop for Calling<'_, T> {
    fn drop(&mut self) {
        if !self.inner.over.get() {
            let mut told = self.inner.told.borrow_mut();
            if told.data.is_none() {
                told.data = self.data.take();
            }
        }
        if std::thread::panicking() {
            self.inner.look_later();
        }
    }
}

impl<T: Send + 'static> End for Inner<T> {
    fn holds(&self) -> bool {
        self.holds.get()
    }

    fn news(self: Rc<Self>) {
        if self.mailbox.is_abandoned() {
            // Nothing more can come; what is there waits for nobody but those who will read it.
            self.hold(false);
        }
        let wakers = std::mem::take(&mut self.told.borrow_mut().wakers);
        wake_all(wakers);
        // One look in a turn. Without a callback there is nothing to see.
        if !self.coming.get() {
            self.look();
        }
    }

    fn shut(&self) {
        self.close();
    }
}

/// The last handle of an end without callbacks is gone, or its loop.
impl<T> Drop for Inner<T> {
    fn drop(&mut self) {
        self.close();
    }
}

/// The values, until there are none to come; for [`recv`](Receiver::recv) by other means.
impl<T: Send + 'static> Stream for Receiver<T> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let waiter = &self.1;
        self.0.poll_next(waiter, context)
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        Self::new(Rc::clone(&self.0))
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("capacity", &self.0.mailbox.capacity)
            .field("waiting", &self.0.mailbox.len())
            .field("paused", &self.0.paused.get())
            .field("closed", &self.0.over.get())
            .finish()
    }
}
