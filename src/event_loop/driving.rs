//! Who drives the loop, and until when.

use super::core::{Core, Phase};
use super::hooks::Moment;
use crate::error::{Error, ErrorKind, Result};
use std::cell::Cell;

thread_local! {
    /// Does a loop run on this thread, whichever it is?
    static RUNNING: Cell<bool> = const { Cell::new(false) };
}

/// Is this thread inside of a loop that runs?
pub(crate) fn is_running() -> bool {
    RUNNING.get()
}

impl Core {
    /// Runs until nothing is left, or somebody says stop.
    pub(crate) fn run(&self) -> Result<()> {
        self.refuse_forked("run")?;
        self.driving("run", || {
            while !self.stopping.get() {
                if !self.is_alive() && !self.has_last_words() {
                    break;
                }
                self.turn(true)?;
            }
            Ok(())
        })
    }

    /// One turn. Is there anything left to wait for, and nobody said stop?
    pub(crate) fn run_turn(&self, may_wait: bool) -> Result<bool> {
        self.driving("run", || {
            self.turn(may_wait)?;
            Ok(self.is_alive() && !self.stopping.get())
        })
    }

    /// Runs `drive` as that what drives this loop; gives the error that was put on it meanwhile.
    pub(super) fn driving<T>(
        &self,
        operation: &'static str,
        drive: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        if self.phase.get() == Phase::Ended {
            return Err(Error::new(ErrorKind::LoopGone, operation));
        }
        if RUNNING.replace(true) {
            return Err(Error::new(ErrorKind::AlreadyRunning, operation));
        }
        self.phase.set(Phase::Running);
        let resting = Rest(self);
        if self.clock.is_on() {
            self.clock.begin(self.now());
        }
        self.settle();
        let driven = drive();
        drop(resting);
        self.stopping.set(false);
        self.take_failure().and(driven)
    }

    /// Nothing holds the loop any more: does something come up all the same?
    pub(super) fn has_last_words(&self) -> bool {
        // Letters that nobody holds the loop for are read before it ends.
        self.inbox.collect(&mut self.letters.borrow_mut());
        if self.letters.borrow().is_empty() {
            self.hooks.run(self, Moment::BeforeExit);
            self.inbox.collect(&mut self.letters.borrow_mut());
        }
        !self.letters.borrow().is_empty() || self.is_alive()
    }
}

struct Rest<'a>(&'a Core);

impl Drop for Rest<'_> {
    fn drop(&mut self) {
        if self.0.clock.is_on() {
            self.0.clock.was_active(self.0.now());
        }
        self.0.phase.set(Phase::Resting);
        RUNNING.set(false);
    }
}
