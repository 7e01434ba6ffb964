//! Timers as the loop has them: when they are due, what to call, and the clock.

use super::closures::{Callback, Row, Seat, Shelf};
use super::core::Core;
use super::counters::CallbackKind;
use super::queues::Origin;
use super::slab::Key;
use super::timers::{Due, Kind, Listed};
use super::tokens::Timer;
use std::rc::Rc;

impl Core {
    /// Calls the timers that are due now, and were set before.
    pub(super) fn run_timers(&self) {
        if self.timers.borrow().is_empty() {
            return;
        }
        let (now, watermark) = (self.now(), self.timers.borrow_mut().watermark());
        loop {
            let due = self.timers.borrow_mut().pop_due(now, watermark);
            let Some(due) = due else { return };
            if let Some(shelf) = self.closures.shelf(due.seat) {
                self.call_timer(&due, &*shelf);
            }
        }
    }

    fn call_timer(&self, due: &Due, shelf: &dyn Shelf) {
        let once = due.kind == Kind::Once;
        let kind = if once { CallbackKind::Timer } else { CallbackKind::Interval };
        self.counters.count(kind);
        let again = || {
            if !once {
                self.timers.borrow_mut().again(due, self.now());
            }
        };
        if self.slow.is_on() {
            // In front of a report, so that it goes on if that panics.
            self.call_watched(kind, Some(shelf.origin()), None, || {
                shelf.call(due.seat, self, due.key);
                again();
            });
        } else {
            shelf.call(due.seat, self, due.key);
            again();
        }
        self.settle();
    }

    /// Sets a timer, unless the loop has ended.
    pub(super) fn set_timer<C: Callback>(
        &self,
        delay: u64,
        kind: Kind,
        closure: C,
        origin: Origin,
    ) -> Timer
    where
        Row<C>: Shelf,
        Row<C::Boxed>: Shelf,
    {
        if self.is_over() {
            return self.no_timer();
        }
        let seat = self.closures.put(closure, origin);
        // The clock is read anew: time spent in this turn must not make the timer early.
        let key = self.timers.borrow_mut().add(self.now(), delay, kind, seat);
        Timer { key, serial: self.serial }
    }

    /// One that is over.
    pub(super) fn no_timer(&self) -> Timer {
        Timer { key: Key::NOBODY, serial: self.serial }
    }

    /// All timers, and where they were set, in no order.
    pub(crate) fn list_timers(&self) -> Vec<(Origin, Listed)> {
        let timers = self.timers.borrow();
        let of = |timer: Listed| Some((self.closures.shelf(timer.seat)?.origin(), timer));
        timers.list().filter_map(of).collect()
    }

    pub(super) fn cancel_timer(&self, key: Key) {
        let closure = self.take_timer(key);
        closure.into_iter().for_each(|(shelf, seat)| shelf.discard(seat));
    }

    /// Takes a timer back, unless it is over. Where its closure lies, which is to be dropped when nothing is borrowed.
    #[inline]
    pub(super) fn take_timer(&self, key: Key) -> Option<(Rc<dyn Shelf>, Seat)> {
        let seat = self.timers.borrow_mut().cancel(key)?;
        Some((self.closures.shelf(seat)?, seat))
    }
}
