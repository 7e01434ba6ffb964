//! What a stream and its listeners share: a bounded queue, and what is done when it is full.
//!
//! As in `waiting.rs`, the listeners hold it by an ear that tells when nothing can come any more, and it is the
//! same on one thread and between many.

use alloc::collections::VecDeque;
use core::task::{Context, Poll, Waker};

use super::pausing::Pause;
use super::sharing::{Awaited, Guards, Sharing, Woken, poll};

/// What is done with an event for which there is no room.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Policy {
    DropOldest,
    DropNewest,
    Latest,
    /// It ends the stream.
    End,
    /// There is always room, and the source is asked to pause before it is needed.
    Block,
}

pub(crate) struct Queue<S, T, H: Sharing> {
    state: H::Cell<State<T, H>>,
    pub(super) pausing: H::Pausing<S>,
}

struct State<T, H: Sharing> {
    items: VecDeque<T>,
    capacity: usize,
    policy: Policy,
    /// How many were lost.
    dropped: u64,
    /// Nothing will come any more.
    ended: bool,
    /// It has ended since it was full.
    overflowed: bool,
    waker: Option<Waker>,
    guards: Guards<H>,
}

/// What is left to do when an item has come, out of the cell.
struct Pushed<T> {
    /// What had no room.
    left: Option<T>,
    waker: Option<Waker>,
    /// More than what may stay has waited already.
    is_excess: bool,
    /// The stream overflows.
    is_over: bool,
    is_full: bool,
}

/// The listener's end. The stream ends with it.
pub(crate) struct Ear<S, T, H: Sharing>(pub(crate) H::Pointer<Queue<S, T, H>>);

impl<S, T, H: Sharing> Drop for Ear<S, T, H> {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl<T, H: Sharing> Awaited for State<T, H> {
    fn waker(&mut self) -> &mut Option<Waker> {
        &mut self.waker
    }
}

impl<T, H: Sharing> State<T, H> {
    fn is_full(&self) -> bool {
        self.items.len() >= self.capacity
    }

    /// How many may wait.
    fn keeps(&self) -> usize {
        match self.policy {
            Policy::DropOldest => self.capacity,
            Policy::Latest => 1,
            Policy::DropNewest | Policy::End | Policy::Block => usize::MAX,
        }
    }

    fn count_dropped(&mut self) {
        self.dropped = self.dropped.saturating_add(1);
    }

    /// Is there room for another item, be it that of an older one? What has none is counted.
    fn admits(&mut self) -> bool {
        if self.ended || !self.is_full() {
            return !self.ended;
        }
        let refuses = matches!(self.policy, Policy::DropNewest | Policy::End);
        if refuses {
            self.count_dropped();
            self.overflowed |= self.policy == Policy::End;
        }
        !refuses
    }

    fn push(&mut self, item: T) -> Pushed<T> {
        // It may be full by now, or at its end: the item was cloned meanwhile.
        if !self.admits() {
            let is_over = self.overflowed;
            let (waker, is_excess, is_full) = (None, false, false);
            return Pushed { left: Some(item), waker, is_excess, is_over, is_full };
        }
        let left = if self.items.len() >= self.keeps() { self.items.pop_front() } else { None };
        if left.is_some() {
            self.count_dropped();
        }
        self.items.push_back(item);
        Pushed {
            left,
            waker: self.waker.take(),
            is_excess: self.items.len() > self.keeps(),
            is_over: false,
            is_full: self.policy == Policy::Block && self.is_full(),
        }
    }

    /// Takes the oldest one out, if there are too many.
    fn pop_excess(&mut self) -> Option<T> {
        if self.items.len() <= self.keeps() {
            return None;
        }
        self.count_dropped();
        self.items.pop_front()
    }

    /// Nothing comes any more; what is to be dropped, and who is to be woken.
    fn end(&mut self) -> Option<(Guards<H>, Option<Waker>)> {
        if self.ended {
            return None;
        }
        self.ended = true;
        Some((self.guards.take(), self.waker.take()))
    }
}

impl<S, T, H: Sharing> Queue<S, T, H> {
    pub(crate) fn new(capacity: usize) -> H::Pointer<Self> {
        let state = State {
            items: VecDeque::new(),
            capacity,
            policy: Policy::DropOldest,
            dropped: 0,
            ended: false,
            overflowed: false,
            waker: None,
            guards: Guards::NONE,
        };
        H::share(Self { state: H::cell(state), pausing: H::Pausing::default() })
    }

    fn with<R>(&self, look: impl FnOnce(&mut State<T, H>) -> R) -> R {
        H::with(&self.state, look)
    }

    pub(super) fn capacity(&self) -> usize {
        self.with(|state| state.capacity)
    }

    pub(super) fn set_capacity(&self, capacity: usize) {
        self.with(|state| state.capacity = capacity);
    }

    pub(super) fn set_policy(&self, policy: Policy) {
        self.with(|state| state.policy = policy);
    }

    pub(super) fn len(&self) -> usize {
        self.with(|state| state.items.len())
    }

    /// How many were lost.
    pub(super) fn dropped(&self) -> u64 {
        self.with(|state| state.dropped)
    }

    pub(crate) fn is_ended(&self) -> bool {
        self.with(|state| state.ended)
    }

    pub(super) fn has_overflowed(&self) -> bool {
        self.with(|state| state.overflowed)
    }

    /// Has it overflowed, since it was asked last?
    pub(super) fn take_overflowed(&self) -> bool {
        self.with(|state| core::mem::take(&mut state.overflowed))
    }

    /// Takes charge of a listener: it goes when this has ended.
    pub(crate) fn guard(&self, guard: H::Guard) {
        let mut guard = Some(guard);
        self.with(|state| {
            if !state.ended {
                guard.take().into_iter().for_each(|guard| state.guards.add(guard));
            }
        });
    }

    /// Nothing comes any more: the listeners go, and the source may go on.
    pub(super) fn end(&self) {
        let ended = self.with(State::end);
        self.ended(ended);
    }

    fn ended(&self, ended: Option<(Guards<H>, Option<Waker>)>) {
        let Some((guards, waker)) = ended else { return };
        let _woken = Woken(waker);
        drop(guards);
        self.pausing.let_go_on();
    }

    /// Nobody asks any more.
    pub(super) fn abandon(&self) {
        drop(self.with(|state| state.waker.take()));
        self.end();
        drop(self.with(|state| core::mem::take(&mut state.items)));
    }

    /// What comes last: there is always room for it.
    pub(crate) fn push_last(&self, item: T) {
        let mut item = Some(item);
        let ended = self.with(|state| {
            let ended = state.end()?;
            state.items.extend(item.take());
            Some(ended)
        });
        self.ended(ended);
    }

    pub(super) fn poll_pop(&self, cx: &Context<'_>) -> Poll<Option<T>> {
        let mut has_room = false;
        let popped = poll::<H, _, _>(&self.state, cx, |state| {
            let item = state.items.pop_front();
            has_room = item.is_some() && state.items.len() <= state.capacity / 2;
            if item.is_some() || state.ended { Poll::Ready(item) } else { Poll::Pending }
        });
        if has_room {
            self.pausing.let_go_on();
        }
        popped
    }

    /// Queues an item, or does what the policy says. What has no room is not even made.
    pub(crate) fn push(&self, source: &S, item: impl FnOnce() -> T) {
        let (admits, mut is_over) = self.with(|state| (state.admits(), state.overflowed));
        if admits {
            let item = item(); // a clone: it may do anything
            let pushed = self.with(|state| state.push(item));
            let _woken = Woken(pushed.waker);
            is_over = pushed.is_over;
            drop(pushed.left);
            if pushed.is_excess {
                while let Some(oldest) = self.with(State::pop_excess) {
                    drop(oldest);
                }
            }
            if pushed.is_full {
                self.pausing.pause(source);
            }
        }
        if is_over {
            self.end();
        }
    }
}
