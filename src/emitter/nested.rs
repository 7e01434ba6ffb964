//! The longer way of an emit: from inside of another one of the same event, or in a list that is
//! [special](super::special).

#[cfg(feature = "std")]
use alloc::rc::Rc;
use alloc::vec::Vec;

use super::event::{Declared, Event};
use super::list::Row;
#[cfg(feature = "std")]
use super::options::Options;
use super::slot::Slot;
use super::special::Special;
use super::walk::{Frame, Link, Tally};

/// An emit on the longer way.
struct Walk<'a, S: Declared, E: Event<S>> {
    link: Link<'a, S, E>,
    special: Option<&'a Special<S, E>>,
    #[cfg(feature = "std")]
    options: Option<Rc<Options<S>>>,
    /// Of this emit, among those of a special list.
    number: u64,
    tally: Tally,
}

impl<S: Declared, E: Event<S>> Row<S, E> {
    /// What runs is skipped, unless it is re-entrant, and those that were added since an emit began that is
    /// under way still are called.
    #[cold]
    pub(super) fn emit_nested(&self, source: &S, mut payload: E::Payload<'_>) -> Tally {
        let outer = self.frame();
        let is_nested = self.is_walked();
        let _counted =
            is_nested.then(|| self.nested.enter(self.max_depth.get(), (S::NAME, E::NAME)));
        let special = self.special.get().map(|special| &**special);
        let frame = Frame::new(core::ptr::null(), outer);
        if special.is_some() {
            frame.become_special();
        }
        let mut walk = Walk {
            link: Link::new(self, &frame),
            special,
            #[cfg(feature = "std")]
            options: special.and_then(Special::options),
            number: special.map_or(0, Special::begin),
            tally: Tally::NOBODY,
        };
        if self.late().is_empty() {
            let Some((last, others)) = self.slots().split_last() else { return walk.tally };
            if others.iter().all(|slot| walk.step(slot, source, E::lend(&mut payload))) {
                walk.step(last, source, payload);
            }
            return walk.tally;
        }
        let mut slots: Vec<_> = self.slots().iter().chain(self.late_slots()).collect();
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
    fn step(&mut self, slot: &Slot<S, E>, source: &S, payload: E::Payload<'_>) -> bool {
        let left = self.special.and_then(|special| special.left(slot));
        if !slot.is_callable() || left.is_some_and(|left| left < self.number) {
            return true;
        }
        self.call(slot, source, payload)
    }

    #[cfg(not(feature = "std"))]
    fn call(&mut self, slot: &Slot<S, E>, source: &S, payload: E::Payload<'_>) -> bool {
        self.link.step_idle(slot, source, payload, &mut self.tally)
    }

    /// With panics caught, if the emitter is to.
    #[cfg(feature = "std")]
    fn call(&mut self, slot: &Slot<S, E>, source: &S, payload: E::Payload<'_>) -> bool {
        let Some(options) = &self.options else {
            return self.link.step_idle(slot, source, payload, &mut self.tally);
        };
        let before = self.tally.called;
        let (link, tally) = (&self.link, &mut self.tally);
        options.catch(|| link.step_idle(slot, source, payload, tally)).unwrap_or_else(|panic| {
            self.tally.called = before + 1;
            self.link.heed();
            self.link.hold(slot);
            options.report::<E>(source, slot.location, panic);
            self.link.heed();
            true
        })
    }
}
