//! What other threads have left for the loop, read.

use super::channel::{End, Entry};
use super::core::Core;
use super::counters::CallbackKind;
use super::mail::{Lent, Letter};

/// Posted jobs run per turn; the rest waits for the next, so that a flood of posts cannot keep
/// sockets and timers from being served.
const POSTS_PER_TURN: usize = 1024;

impl Core {
    pub(super) fn run_posted(&self) {
        self.run_queue(CallbackKind::Signal, &self.after_poll);
        // What is left of the last batch comes first; then there is nothing to be moved behind it.
        if self.letters.borrow().is_empty() {
            if !self.inbox.is_filled() {
                return;
            }
            self.inbox.collect(&mut self.letters.borrow_mut());
        }
        self.read_letters();
    }

    fn read_letters(&self) {
        for _ in 0..POSTS_PER_TURN {
            let letter = self.letters.borrow_mut().pop();
            match letter {
                None => return,
                Some(Letter::Job(job)) => self.call(CallbackKind::Posted, job),
                Some(Letter::Shelved(at)) => self.call_shelved(at),
                Some(Letter::Woken(task)) => {
                    self.wake_task(task);
                    self.settle();
                }
                Some(Letter::Cancel(key)) => {
                    self.cancel_timer(key);
                    self.settle();
                }
                Some(Letter::News(key)) => {
                    let of = |entry: &Entry| Some((entry.end()?, entry.origin));
                    let end = self.channels.borrow().get(key).and_then(of);
                    if let Some((end, origin)) = end {
                        self.call_from(CallbackKind::Posted, origin, || End::news(end));
                    }
                }
                Some(Letter::Done(key)) => {
                    let job = self.awaited.borrow_mut().remove(key);
                    if let Some(job) = job {
                        self.call(CallbackKind::Blocking, job);
                    }
                }
            }
        }
    }
    fn call_shelved(&self, at: u16) {
        let Some(lent) = self.letters.borrow_mut().lend(at) else { return };
        let mut on_loan = OnLoan { core: self, lent: Some(lent) };
        if let Some(lent) = &mut on_loan.lent {
            self.call_from(CallbackKind::Posted, lent.origin(), || lent.call());
        }
    }
}

/// A shelf that goes back to its place, also if the closure panics.
struct OnLoan<'a> {
    core: &'a Core,
    lent: Option<Lent>,
}

impl Drop for OnLoan<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(lent) = self.lent.take() {
            let homeless = self.core.letters.borrow_mut().put_back(lent);
            drop(homeless);
        }
    }
}
