//! How the end of a child is noticed: by a descriptor that stands for it, else by `SIGCHLD`, else by looking from time to
//! time.

use super::Child;
#[cfg(unix)]
use super::reaper::{self, Reaper};
use crate::event_loop::{Descriptor, Timer};
use std::cell::Cell;
#[cfg(unix)]
use std::cell::RefCell;
use std::io;
#[cfg(all(target_os = "linux", not(onward_force_polling)))]
use std::os::fd::{AsFd as _, OwnedFd};
#[cfg(unix)]
use std::rc::Rc;
use std::time::Duration;

/// The first wait where nobody tells, and the longest; each is twice the one before.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);
const LONGEST_WAIT: Duration = Duration::from_millis(100);

#[derive(Default)]
pub(super) struct Watch {
    /// Readable when the child has ended.
    #[cfg(all(target_os = "linux", not(onward_force_polling)))]
    descriptor: RefCell<Option<OwnedFd>>,
    /// Who looks at it when a signal says that some child has ended.
    #[cfg(unix)]
    reaper: RefCell<Option<Rc<Reaper>>>,
    timer: Cell<Option<Timer>>,
}

impl Watch {
    /// A descriptor for a child that nobody has waited for yet. `false`: there is none to be had.
    #[cfg(all(target_os = "linux", not(onward_force_polling)))]
    fn open(&self, id: u32) -> bool {
        use rustix::process::{Pid, PidfdFlags, pidfd_open};
        let id = i32::try_from(id).ok().and_then(Pid::from_raw);
        // Old systems have none, and descriptors may be used up.
        let descriptor = id.and_then(|id| pidfd_open(id, PidfdFlags::empty()).ok());
        let opened = descriptor.is_some();
        self.descriptor.replace(descriptor);
        opened
    }

    #[cfg(not(all(target_os = "linux", not(onward_force_polling))))]
    #[allow(clippy::unused_self, reason = "elsewhere it has one")]
    fn open(&self, _: u32) -> bool {
        false
    }

    /// Sends a signal by the descriptor, which can mean nobody else. `None`: there is none.
    #[cfg(unix)]
    pub(super) fn send(&self, signal: rustix::process::Signal) -> Option<rustix::io::Result<()>> {
        #[cfg(all(target_os = "linux", not(onward_force_polling)))]
        {
            let descriptor = self.descriptor.borrow();
            let send = |descriptor| rustix::process::pidfd_send_signal(descriptor, signal);
            descriptor.as_ref().map(send)
        }
        #[cfg(not(all(target_os = "linux", not(onward_force_polling))))]
        {
            let _ = signal;
            None
        }
    }

    pub(super) fn lend(
        &self,
        to: &mut dyn FnMut(Descriptor<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        #[cfg(all(target_os = "linux", not(onward_force_polling)))]
        if let Some(descriptor) = &*self.descriptor.borrow() {
            return to(descriptor.as_fd());
        }
        let _ = to;
        Ok(())
    }

    /// Nothing is watched any more.
    pub(super) fn end(&self) {
        #[cfg(all(target_os = "linux", not(onward_force_polling)))]
        drop(self.descriptor.take());
        #[cfg(unix)]
        drop(self.reaper.take());
        self.timer.take().map(Timer::cancel);
    }
}

impl Child {
    /// Has its end noticed. `true`: the poller will tell.
    pub(super) fn watch(&self, id: u32) -> bool {
        if self.0.watch.open(id) {
            return true;
        }
        self.watch_otherwise();
        false
    }

    /// The poller has no use for its descriptor, or there is none.
    pub(super) fn watch_otherwise(&self) {
        self.0.watch.end();
        #[cfg(unix)]
        if let Ok(reaper) = reaper::of(&self.0.handle) {
            reaper.add(self);
            self.0.watch.reaper.replace(Some(reaper));
            // It may have ended before the signal was listened for.
            let child = self.clone();
            return self.0.handle.defer(self.0.origin, move || child.look());
        }
        self.look_later(SHORTEST_WAIT);
    }

    /// Nobody tells: looks after a while, and after twice as long the next time.
    pub(super) fn look_later(&self, delay: Duration) {
        let child = self.clone();
        let timer = self.0.handle.set_timeout_from(self.0.origin, delay, move || {
            child.0.watch.timer.take();
            child.look();
            if !child.0.over.get() {
                child.look_later((delay * 2).min(LONGEST_WAIT));
            }
        });
        // The child itself holds the loop.
        self.0.watch.timer.set(Some(timer.unref()));
    }

    /// Signals cannot be watched.
    #[cfg(unix)]
    pub(super) fn look_from_time_to_time(&self) {
        if !self.0.over.get() {
            self.0.watch.end();
            self.look_later(SHORTEST_WAIT);
        }
    }
}
