//! What other threads have left for the loop, read.

use super::channel::{End, Entry};
use super::core::Core;
use super::counters::CallbackKind;
use super::inbox::Letter;

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
            let letter = self.letters.borrow_mut().pop_front();
            match letter {
                None => return,
                Some(Letter::Job(job)) => self.call(CallbackKind::Posted, job),
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
}
