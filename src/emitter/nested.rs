//! The longer way of an emit: from inside of another one of the same event, in a list that is
//! [special](super::special), or while somebody [observes](super::observing).

use alloc::rc::Rc;
use alloc::vec::Vec;

use super::aside::count_late;
use super::chain::Labelled;
#[cfg(feature = "std")]
use super::chain::name;
use super::event::{Declared, Event};
use super::frame::Nested;
use super::list::{List, late};
use super::observing::Observer;
#[cfg(feature = "std")]
use super::options::Options;
#[cfg(feature = "std")]
use super::place::Place;
use super::row::Row;
use super::slot::RawSlot;
use super::special::{Special, max_depth, special};
use super::tally::Tally;
use super::walk::{Link, heed};

/// An emit on the longer way.
struct Walk<'a, S: Declared, E: Event<S>> {
    list: &'a List<S, E>,
    row: Row,
    frame: &'a Nested,
    special: Option<Rc<Special>>,
    observer: Option<&'static dyn Observer>,
    #[cfg(feature = "std")]
    options: Option<Rc<Options<S>>>,
    /// Of this emit, among those of a special list.
    number: u64,
    tally: Tally,
    /// The event, if it was found at run time.
    #[cfg(feature = "std")]
    found: Option<&'a dyn Labelled>,
}

impl<S: Declared, E: Event<S>> List<S, E> {
    /// An emit with its listeners called by an observer, if there is one.
    pub(super) fn emit_by(
        &self,
        observer: Option<&'static dyn Observer>,
        source: &S,
        payload: E::Payload<'_>,
    ) -> Tally {
        match (observer, self.row()) {
            (None, _) => self.call_all(source, payload),
            (_, None) => Tally::NOBODY,
            (_, Some(row)) => self.emit_longer(row, observer, source, payload, None),
        }
    }

    /// An emit while the list has a frame.
    #[cold]
    #[inline(never)]
    pub(super) fn emit_nested(
        &self,
        source: &S,
        payload: E::Payload<'_>,
        row: Row,
        found: Option<&dyn Labelled>,
    ) -> Tally {
        self.emit_longer(row, None, source, payload, found)
    }

    /// What runs is skipped, unless it is re-entrant, and those that were added since an emit began that is
    /// under way still are called.
    fn emit_longer(
        &self,
        row: Row,
        observer: Option<&'static dyn Observer>,
        source: &S,
        mut payload: E::Payload<'_>,
        found: Option<&dyn Labelled>,
    ) -> Tally {
        let names = (S::NAME, E::NAME);
        let enter = || row.counter.enter(max_depth::<S>(&row), names, found);
        let _counted = row.is_walked().then(enter);
        let special = special(&row);
        let frame = Nested::new(row);
        let _link = Link::new(row, &frame);
        let mut walk = Walk {
            list: self,
            row,
            frame: &frame,
            #[cfg(feature = "std")]
            options: special.as_ref().and_then(|special| special.options()),
            number: special.as_ref().map_or(0, |special| special.begin()),
            special,
            observer,
            tally: Tally::NOBODY,
            #[cfg(feature = "std")]
            found,
        };
        if count_late(&row) == 0 {
            let Some((last, others)) = row.slots().split_last() else { return walk.tally };
            if others.iter().all(|slot| walk.step(slot, source, E::lend(&mut payload))) {
                walk.step(last, source, payload);
            }
            return walk.tally;
        }
        let mut slots: Vec<_> = row.slots().iter().chain(late(&row)).collect();
        slots.sort_by_key(|slot| slot.key);
        let Some((last, others)) = slots.split_last() else { return walk.tally };
        if others.iter().all(|slot| walk.step(slot, source, E::lend(&mut payload))) {
            walk.step(last, source, payload);
        }
        walk.tally
    }
}

impl<S: Declared, E: Event<S>> Walk<'_, S, E> {
    /// Calls a listener, if it is its turn. Says whether the emit goes on.
    fn step(&mut self, slot: &RawSlot, source: &S, payload: E::Payload<'_>) -> bool {
        let left = self.special.as_ref().and_then(|special| special.left(slot));
        if slot.is_gone() || left.is_some_and(|left| left < self.number) {
            return true;
        }
        if !slot.is_reentrant() && self.row.outermost_running(slot).is_some() {
            self.tally.skip();
            return true;
        }
        self.call(slot, source, payload);
        // It does not run any more: whoever is told may remove it.
        self.frame.rest();
        if self.special.is_some() {
            self.list.tell();
        }
        if self.tally.is_stopped() {
            // Only interceptors have been called, which do not count, be it that they panicked.
            self.tally.called = 0;
        }
        !self.tally.is_stopped()
    }

    fn call_observed(&self, slot: &RawSlot, source: &S, payload: E::Payload<'_>) {
        let Some(observer) = self.observer else {
            return List::<S, E>::call_idle(self.frame, self.row, slot, source, payload);
        };
        let mut payload = Some(payload);
        observer.call(slot.location, &mut || {
            if let Some(payload) = payload.take() {
                List::<S, E>::call_idle(self.frame, self.row, slot, source, payload);
            }
        });
    }

    #[cfg(not(feature = "std"))]
    fn call(&mut self, slot: &RawSlot, source: &S, payload: E::Payload<'_>) {
        self.call_observed(slot, source, payload);
        self.tally.called += 1;
        self.tally = heed(self.frame, self.tally);
    }

    /// With panics caught, if the emitter is to.
    #[cfg(feature = "std")]
    fn call(&mut self, slot: &RawSlot, source: &S, payload: E::Payload<'_>) {
        let call = || self.call_observed(slot, source, payload);
        let panic = match &self.options {
            Some(options) => options.catch(call).err(),
            None => {
                call();
                None
            }
        };
        self.tally.called += 1;
        self.tally = heed(self.frame, self.tally);
        if let (Some(panic), Some(options)) = (panic, &self.options) {
            if matches!(Place::of(slot.key), Place::Intercepting) {
                self.tally.called -= 1; // these do not count
            }
            // It counts as running on. That is nothing to a tombstone, which nobody calls or removes.
            self.frame.hold(slot);
            let event = name(E::NAME, self.found);
            options.report(source, event, slot.location, panic);
            heed(self.frame, Tally::NOBODY);
        }
    }
}
