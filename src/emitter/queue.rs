//! What a stream and its listeners share: a bounded queue, and what is done when it is full.
//!
//! As in `waiting.rs`, the listeners hold it by an ear that tells when nothing can come any more, and
//! no borrow is held while code of the user's runs.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::rc::Rc;
use core::cell::{Cell, RefCell};
use core::task::{Context, Poll};

use super::event::Declared;
use super::listener::Subscription;
use super::waiting::{Guards, WakerSlot};

/// Pauses, and lets go on.
type Pauser = Rc<dyn Fn(bool)>;
/// Makes a pauser of a source; known where it is known that the source has one.
type PauserOf<S> = fn(&S) -> Box<dyn Fn(bool)>;

/// What is done with an event for which there is no room.
pub(super) enum Policy<S> {
    DropOldest,
    DropNewest,
    Latest,
    /// It ends the stream.
    End,
    /// There is always room, and the source is asked to pause before it is needed.
    Block(PauserOf<S>),
}

impl<S> Clone for Policy<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Policy<S> {}

pub(super) struct Queue<S, T> {
    items: RefCell<VecDeque<T>>,
    pub(super) capacity: Cell<usize>,
    pub(super) policy: Cell<Policy<S>>,
    /// How many were lost.
    pub(super) dropped: Cell<u64>,
    /// Nothing will come any more.
    ended: Cell<bool>,
    /// It has ended since it was full.
    pub(super) overflowed: Cell<bool>,
    /// What lets the source go on, as long as it is paused.
    paused: RefCell<Option<Pauser>>,
    waker: WakerSlot,
    guards: Guards,
}

/// The listener's end. The stream ends with it.
pub(super) struct Ear<S, T>(pub(super) Rc<Queue<S, T>>);

impl<S, T> Drop for Ear<S, T> {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl<S, T> Queue<S, T> {
    pub(super) fn new(capacity: usize) -> Rc<Self> {
        Rc::new(Self {
            items: RefCell::default(),
            capacity: Cell::new(capacity),
            policy: Cell::new(Policy::DropOldest),
            dropped: Cell::new(0),
            ended: Cell::new(false),
            overflowed: Cell::new(false),
            paused: RefCell::new(None),
            waker: WakerSlot::default(),
            guards: Guards::default(),
        })
    }

    pub(super) fn len(&self) -> usize {
        self.items.borrow().len()
    }

    pub(super) fn is_ended(&self) -> bool {
        self.ended.get()
    }

    /// Takes charge of a listener: it goes when this has ended.
    pub(super) fn guard(&self, guard: Subscription) {
        if !self.is_ended() {
            self.guards.add(guard);
        }
    }

    /// Nothing comes any more: the listeners go, and the source may go on.
    pub(super) fn end(&self) {
        if !self.ended.replace(true) {
            self.guards.release();
            self.let_go_on();
            self.waker.wake();
        }
    }

    /// Nobody asks any more.
    pub(super) fn abandon(&self) {
        self.waker.clear();
        self.end();
        drop(self.items.take());
    }

    /// What comes last: there is always room for it.
    pub(super) fn push_last(&self, item: T) {
        if !self.is_ended() {
            self.items.borrow_mut().push_back(item);
            self.end();
        }
    }

    pub(super) fn poll_pop(&self, cx: &Context<'_>) -> Poll<Option<T>> {
        self.waker.register(cx.waker());
        let item = self.items.borrow_mut().pop_front();
        if item.is_some() && self.len() <= self.capacity.get() / 2 {
            self.let_go_on();
        }
        if item.is_some() || self.is_ended() {
            self.waker.clear();
            return Poll::Ready(item);
        }
        Poll::Pending
    }

    fn let_go_on(&self) {
        let pauser = self.paused.take();
        if let Some(pauser) = pauser {
            pauser(false);
        }
    }

    /// Takes the oldest one out, if there is no room for another.
    fn pop_excess(&self, capacity: usize) -> Option<T> {
        let mut items = self.items.borrow_mut();
        if items.len() >= capacity { items.pop_front() } else { None }
    }

    fn count_dropped(&self) {
        self.dropped.set(self.dropped.get().saturating_add(1));
    }
}

impl<S: Declared, T> Queue<S, T> {
    /// Queues an item, or does what the policy says. What has no room is not even made.
    pub(super) fn push(&self, source: &S, item: impl FnOnce() -> T) {
        let is_full = self.len() >= self.capacity.get();
        match self.policy.get() {
            Policy::DropNewest if is_full => return self.count_dropped(),
            Policy::End if is_full => {
                self.count_dropped();
                self.overflowed.set(true);
                return self.end();
            }
            _ => {}
        }
        let item = item(); // a clone: it may do anything
        if self.is_ended() {
            return;
        }
        let keep = match self.policy.get() {
            Policy::DropOldest => self.capacity.get(),
            Policy::Latest => 1,
            Policy::DropNewest | Policy::End | Policy::Block(_) => usize::MAX,
        };
        while let Some(oldest) = self.pop_excess(keep) {
            self.count_dropped();
            drop(oldest);
        }
        self.items.borrow_mut().push_back(item);
        if let Policy::Block(pauser) = self.policy.get() {
            self.pause_if_full(source, pauser);
        }
        self.waker.wake();
    }

    fn pause_if_full(&self, source: &S, pauser: PauserOf<S>) {
        if self.len() >= self.capacity.get() && self.paused.borrow().is_none() {
            let pauser: Pauser = pauser(source).into();
            drop(self.paused.replace(Some(Rc::clone(&pauser))));
            pauser(true);
        }
    }
}
