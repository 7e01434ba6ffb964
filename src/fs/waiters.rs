//! Who waits for a write: until the system has it, or until the disk has it.

use crate::error::{Error, Result};
use crate::stream::{Callback, Callbacks};
use std::cell::RefCell;

/// What somebody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    Written,
    Durable,
}

/// How far a file is, in bytes that were written to the stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reached {
    pub(super) written: u64,
    pub(super) durable: u64,
}

impl Reached {
    fn by(self, until: Until) -> u64 {
        match until {
            Until::Written => self.written,
            Until::Durable => self.durable,
        }
    }
}

/// Those who wait; few streams have any.
#[derive(Default)]
pub(super) struct Waiters(RefCell<Option<Box<Lists>>>);

#[derive(Default)]
struct Lists {
    written: Callbacks,
    durable: Callbacks,
}

impl Lists {
    fn of(&mut self, until: Until) -> &mut Callbacks {
        match until {
            Until::Written => &mut self.written,
            Until::Durable => &mut self.durable,
        }
    }
}

impl Waiters {
    /// For the write that is about to be made.
    pub(super) fn announce(&self, until: Until, callback: Callback) {
        self.0.borrow_mut().get_or_insert_default().of(until).announce(callback);
    }

    /// The write that was announced last is made. `true`: its callback, or one before it, may be called already.
    pub(super) fn settle(
        &self,
        until: Until,
        at: u64,
        failed: Option<Error>,
        reached: Reached,
    ) -> bool {
        let mut lists = self.0.borrow_mut();
        let list = lists.get_or_insert_default().of(until);
        list.settle(at, failed);
        list.is_due(reached.by(until))
    }

    /// Does anybody wait for the disk, and for more than it has?
    pub(super) fn want_sync(&self, reached: Reached) -> bool {
        self.0.borrow().as_ref().is_some_and(|lists| lists.durable.are_left(reached.durable))
    }

    pub(super) fn is_empty(&self) -> bool {
        let lists = self.0.borrow();
        lists.as_ref().is_none_or(|lists| lists.written.is_empty() && lists.durable.is_empty())
    }

    /// Is there anybody to call?
    pub(super) fn are_due(&self, reached: Reached) -> bool {
        let lists = self.0.borrow();
        lists.as_ref().is_some_and(|lists| {
            lists.written.is_due(reached.written) || lists.durable.is_due(reached.durable)
        })
    }

    /// The next one to call, and what to tell it.
    pub(super) fn next(&self, reached: Reached) -> Option<(Callback, Result<()>)> {
        let mut lists = self.0.borrow_mut();
        let lists = lists.as_mut()?;
        let written = lists.written.next_due(reached.written);
        written.or_else(|| lists.durable.next_due(reached.durable))
    }

    /// The stream has ended: all are due, and those who waited for what will never be hear why.
    pub(super) fn fail(&self, reached: Reached, reason: impl Fn() -> Error) {
        if let Some(lists) = self.0.borrow_mut().as_mut() {
            lists.written.fail(reached.written, &reason);
            lists.durable.fail(reached.durable, &reason);
        }
    }

    /// Nobody is called.
    pub(super) fn clear(&self) {
        let all = self.0.take();
        drop(all);
    }

    pub(super) fn have_failed(&self) {
        if let Some(lists) = self.0.borrow_mut().as_mut() {
            lists.written.have_failed();
            lists.durable.have_failed();
        }
    }

    /// One who comes too late stands behind those who are about to hear of the end, or is given back.
    pub(super) fn join_failing(
        &self,
        until: Until,
        callback: Callback,
        error: &Error,
    ) -> Option<Callback> {
        let mut lists = self.0.borrow_mut();
        match lists.as_mut().map(|lists| lists.of(until)).filter(|list| list.is_failing()) {
            Some(list) => {
                list.announce(callback);
                list.settle(0, Some(error.clone()));
                None
            }
            None => Some(callback),
        }
    }
}
