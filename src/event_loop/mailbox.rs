//! What the two ends of a channel share: a bounded queue behind a lock.
//!
//! The receiver's loop is told once, by a letter, that there is something; then it owes the mailbox a look
//! ([`State::told`]) until it has found it empty, and senders need not tell it again. So nothing is missed, and a
//! thousand values cost one letter.

use super::driver;
use super::inbox::{Inbox, Wakes};
use super::mail::Letter;
use super::primitives::{Condvar, Mutex, MutexGuard, lock, wait};
use super::slab::Key;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

struct State<T> {
    queue: VecDeque<T>,
    senders: usize,
    /// The receiver is gone.
    closed: bool,
    /// The receiver has been told, and has not yet found the queue empty.
    told: bool,
    /// Futures that wait for room, by their numbers.
    waiting: Vec<(u64, Waker)>,
    /// The number of the next that has to wait.
    number: u64,
    /// Threads that do.
    blocked: usize,
}

pub(super) struct Mailbox<T, W = driver::Waker> {
    state: Mutex<State<T>>,
    room: Condvar,
    pub(super) capacity: usize,
    inbox: Arc<Inbox<W>>,
    key: Key,
}

/// Why a value could not be put in; it comes back.
pub(super) enum Refused<T> {
    Full(T),
    Closed(T),
}

/// What the receiver finds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken<T> {
    Value(T),
    /// It will be told when there is something.
    Empty,
    /// Nothing will come any more.
    Over,
}

impl<T> State<T> {
    fn put(&mut self, value: T, capacity: usize) -> Result<(), Refused<T>> {
        if self.closed {
            return Err(Refused::Closed(value));
        }
        if self.queue.len() >= capacity {
            return Err(Refused::Full(value));
        }
        self.queue.push_back(value);
        Ok(())
    }

    /// Has a future wait at its place, or at a new one. Hands back the waker that it had there.
    fn wait(&mut self, place: &mut Option<u64>, waker: Waker) -> Option<Waker> {
        let known = self.waiting.iter_mut().find(|(number, _)| Some(*number) == *place);
        if let Some((_, known)) = known {
            return Some(std::mem::replace(known, waker));
        }
        *place = Some(self.number);
        self.waiting.push((self.number, waker));
        self.number += 1;
        None
    }
}

impl<T, W: Wakes> Mailbox<T, W> {
    /// One with one sender, of the receiver that has this key.
    pub(super) fn new(capacity: usize, inbox: Arc<Inbox<W>>, key: Key) -> Self {
        let state = State {
            queue: VecDeque::new(),
            senders: 1,
            closed: false,
            told: false,
            waiting: Vec::new(),
            number: 0,
            blocked: 0,
        };
        Self { state: Mutex::new(state), room: Condvar::new(), capacity, inbox, key }
    }

    pub(super) fn put(&self, value: T) -> Result<(), Refused<T>> {
        let mut state = lock(&self.state);
        state.put(value, self.capacity)?;
        self.put_in(state);
        Ok(())
    }

    /// Tells the receiver, unless it knows.
    fn put_in(&self, mut state: MutexGuard<'_, State<T>>) {
        let tell = !std::mem::replace(&mut state.told, true);
        drop(state);
        if tell {
            // A loop that has ended has closed the channel, or is about to.
            let _ = self.inbox.post((), |()| Letter::News(self.key));
        }
    }

    /// Keeps the thread until there is room.
    pub(super) fn put_blocking(&self, mut value: T) -> Result<(), Refused<T>> {
        let mut state = lock(&self.state);
        while let Err(refused) = state.put(value, self.capacity) {
            let Refused::Full(back) = refused else { return Err(refused) };
            value = back;
            state.blocked += 1;
            state = wait(&self.room, state);
            state.blocked -= 1;
        }
        self.put_in(state);
        Ok(())
    }

    /// Is done when there was room, or never will be.
    pub(super) fn poll_put(
        &self,
        value: &mut Option<T>,
        place: &mut Option<u64>,
        context: &Context<'_>,
    ) -> Poll<Result<(), Refused<T>>> {
        let mut mine = None;
        while let Some(taken) = value.take() {
            let mut state = lock(&self.state);
            match state.put(taken, self.capacity) {
                Ok(()) => self.put_in(state),
                Err(Refused::Full(back)) => {
                    *value = Some(back);
                    let Some(waker) = mine else {
                        // Cloned without the lock: a waker may be anybody's.
                        drop(state);
                        mine = Some(context.waker().clone());
                        continue;
                    };
                    let before = state.wait(place, waker);
                    drop(state);
                    drop(before);
                    return Poll::Pending;
                }
                Err(closed) => return Poll::Ready(Err(closed)),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// A future does not wait for room any more.
    pub(super) fn give_up(&self, place: u64) {
        let mut state = lock(&self.state);
        let at = state.waiting.iter().position(|(number, _)| *number == place);
        let waker = at.map(|at| state.waiting.swap_remove(at));
        drop(state);
        drop(waker);
    }

    /// All who wait for room try again: one that has given up meanwhile would swallow the only call.
    pub(super) fn take(&self) -> Taken<T> {
        let mut state = lock(&self.state);
        let Some(value) = state.queue.pop_front() else {
            if state.senders == 0 || state.closed {
                return Taken::Over;
            }
            state.told = false;
            return Taken::Empty;
        };
        let waiting = std::mem::take(&mut state.waiting);
        let blocked = state.blocked > 0;
        drop(state);
        if blocked {
            self.room.notify_all();
        }
        waiting.into_iter().for_each(|(_, waker)| waker.wake());
        Taken::Value(value)
    }

    /// Is there anything to take, or to be told?
    pub(super) fn has_news(&self) -> bool {
        lock(&self.state).told
    }

    /// Are all senders gone?
    pub(super) fn is_abandoned(&self) -> bool {
        lock(&self.state).senders == 0
    }

    pub(super) fn len(&self) -> usize {
        lock(&self.state).queue.len()
    }

    /// The receiver is gone: what it has not taken is dropped.
    pub(super) fn close(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        let (queue, waiting) =
            (std::mem::take(&mut state.queue), std::mem::take(&mut state.waiting));
        drop(state);
        self.room.notify_all();
        waiting.into_iter().for_each(|(_, waker)| waker.wake());
        drop(queue);
    }

    pub(super) fn is_closed(&self) -> bool {
        lock(&self.state).closed
    }

    pub(super) fn enter(&self) {
        lock(&self.state).senders += 1;
    }

    /// The last sender tells that there is none.
    pub(super) fn leave(&self) {
        let mut state = lock(&self.state);
        state.senders -= 1;
        if state.senders == 0 {
            // Also if the receiver knows of values: this one it has to know at once, for nothing holds its loop now.
            state.told = false;
            self.put_in(state);
        }
    }
}

#[cfg(all(test, onward_loom))]
mod model {
    use super::{Mailbox, Refused, Taken};
    use crate::event_loop::inbox::Inbox;
    use crate::event_loop::inbox::model::{Bell, check, turns};
    use crate::event_loop::mail::Letter;
    use crate::event_loop::slab::Key;
    use loom::thread;
    use std::sync::Arc;

    type Shared = Arc<Mailbox<u32, Arc<Bell>>>;

    fn mailbox(capacity: usize) -> (Shared, Arc<Inbox<Arc<Bell>>>) {
        let inbox = Arc::new(Inbox::new(Arc::new(Bell::new())));
        let mailbox = Mailbox::new(capacity, Arc::clone(&inbox), Key::NOBODY);
        (Arc::new(mailbox), inbox)
    }

    /// Receives until the end, and says what came.
    fn receive(mailbox: &Shared, inbox: &Inbox<Arc<Bell>>) -> Vec<u32> {
        let mut came = Vec::new();
        turns(inbox, |letter| {
            assert!(matches!(letter, Letter::News(_)));
            loop {
                match mailbox.take() {
                    Taken::Value(value) => came.push(value),
                    Taken::Empty => return true,
                    Taken::Over => return false,
                }
            }
        });
        came
    }

    #[test]
    fn every_value_comes_and_then_the_end() {
        check(3, || {
            let (mailbox, inbox) = mailbox(4);
            mailbox.enter();
            let threads = [10, 20].map(|first| {
                let sender = Arc::clone(&mailbox);
                thread::spawn(move || {
                    assert!(sender.put(first).is_ok() && sender.put(first + 1).is_ok());
                    sender.leave();
                })
            });
            let came = receive(&mailbox, &inbox);
            for first in [10, 20] {
                let of_one: Vec<_> = came.iter().filter(|n| **n / 10 * 10 == first).collect();
                assert_eq!(of_one, [&first, &(first + 1)], "in the order of the sender");
            }
            threads.map(|thread| thread.join().expect("no panic"));
        });
    }

    #[test]
    fn a_thread_that_waits_for_room_gets_it() {
        check(3, || {
            let (mailbox, inbox) = mailbox(1);
            mailbox.enter();
            let threads = [1, 2].map(|n| {
                let sender = Arc::clone(&mailbox);
                thread::spawn(move || {
                    assert!(sender.put_blocking(n).is_ok());
                    sender.leave();
                })
            });
            let mut came = receive(&mailbox, &inbox);
            came.sort_unstable();
            assert_eq!(came, [1, 2]);
            threads.map(|thread| thread.join().expect("no panic"));
        });
    }

    #[test]
    fn a_close_ends_every_wait_and_every_value_is_somewhere() {
        check(3, || {
            let (mailbox, _inbox) = mailbox(1);
            let sender = Arc::clone(&mailbox);
            let thread = thread::spawn(move || {
                let first = sender.put_blocking(1).is_ok();
                let second = sender.put_blocking(2);
                assert!(first || second.is_err(), "closed once is closed");
                matches!(second, Err(Refused::Closed(2)))
            });
            let taken = mailbox.take();
            mailbox.close();
            assert!(mailbox.put(3).is_err() && mailbox.take() == Taken::Over);
            let came_back = thread.join().expect("no panic");
            // There was room for one: the second was taken only if the first was read.
            assert!(came_back || taken == Taken::Value(1));
        });
    }
}
