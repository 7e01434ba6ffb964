//! The end of a loop: all that is left is closed, told so, and dropped.

use super::channel::Entry;
use super::core::{Core, Phase};
use super::hooks::Moment;
use std::rc::Rc;

/// Rounds of closing that the end of a loop grants to listeners of `Close` which open new things.
const LAST_ROUNDS: usize = 8;

impl Core {
    /// The end of a loop that was taken along into a child by a fork: this process's descriptors are closed,
    /// without a word, and the rest is left as it is. Other threads are not there to let go of it, and what
    /// is the kernel's is the parent's.
    pub(crate) fn leave(self: &Rc<Self>) {
        self.phase.set(Phase::Ended);
        std::mem::forget(Rc::clone(self));
        let left = self.registry.borrow().sources();
        left.into_iter().for_each(|source| source.abandon());
    }

    /// Closes all that is left, tells its listeners, and takes nothing more.
    pub(crate) fn end(&self) {
        // Also if a listener of a last `Close` panics.
        let emptied = Empty(self);
        // In a panic nobody is told any more.
        let rounds = if std::thread::panicking() { 0 } else { LAST_ROUNDS };
        for _ in 0..rounds {
            let left = self.registry.borrow().sources();
            if left.is_empty() && self.closing.is_empty() {
                break;
            }
            left.into_iter().for_each(|source| source.shut());
            self.settle();
            self.run_closing();
        }
        if rounds > 0 {
            self.hooks.run(self, Moment::Exit);
        }
        drop(emptied);
    }

    /// Drops all that waits. What the captures' destructors add is refused, see [`is_over`](Self::is_over).
    fn empty(&self) {
        self.phase.set(Phase::Ended);
        self.hooks.clear();
        self.slow.clear();
        self.tasks.cancel_all(&self.inbox, &self.letters);
        self.inbox.close();
        // None are left unless this is a panic.
        self.let_leave();
        let left = self.registry.borrow().sources();
        left.into_iter().for_each(|source| source.abandon());
        let channels: Vec<_> = self.channels.borrow().iter().filter_map(Entry::end).collect();
        channels.into_iter().for_each(|end| end.shut());
        self.kept.clear();
        self.timers.borrow_mut().clear();
        self.closures.clear();
        let awaited = self.awaited.borrow_mut().drain();
        drop(awaited);
        self.letters.take();
        self.ticks.clear();
        self.deferred.clear();
        self.after_poll.clear();
        self.immediates.clear();
        self.closing.clear();
        let registry = self.registry.take();
        drop(registry);
    }
}

struct Empty<'a>(&'a Core);

impl Drop for Empty<'_> {
    fn drop(&mut self) {
        self.0.empty();
    }
}
