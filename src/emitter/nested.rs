//! The longer way of an emit: from inside of another one of the same event, or in a list that is
//! [special](super::special).
#![allow(
    unsafe_code,
    reason = "it walks over a row that listeners may want to change, see list.rs"
)]

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
    #[cfg(feature = "std")]
    row: &'a Row<S, E>,
    outer: *const Frame<S, E>,
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
        if !is_nested {
            frame.become_special();
        }
        let mut walk = Walk {
            link: Link::new(self, &frame),
            #[cfg(feature = "std")]
            row: self,
            outer,
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
        if !slot.is_reentrant() && Frame::outermost_running(self.outer, slot).is_some() {
            self.tally.skip();
            return true;
        }
        // SAFETY: slots stay where they are as long as an emit is under way; this one does not run, or may.
        unsafe { self.call(slot, source, payload) }
    }

    /// # Safety
    ///
    /// As for [`Link::step`].
    #[cfg(not(feature = "std"))]
    unsafe fn call(&mut self, slot: &Slot<S, E>, source: &S, payload: E::Payload<'_>) -> bool {
        // SAFETY: as the caller promises.
        unsafe { self.link.step(slot, source, payload, &mut self.tally) }
    }

    /// # Safety
    ///
    /// As for [`Link::step`].
    #[cfg(feature = "std")]
    unsafe fn call(&mut self, slot: &Slot<S, E>, source: &S, payload: E::Payload<'_>) -> bool {
        let Some(options) = &self.options else {
            // SAFETY: as the caller promises.
            return unsafe { self.link.step(slot, source, payload, &mut self.tally) };
        };
        let (link, tally) = (&self.link, &mut self.tally);
        // SAFETY: as the caller promises.
        let called = options.catch(|| unsafe { link.step(slot, source, payload, tally) });
        called.unwrap_or_else(|panic| {
            self.tally.called += 1;
            self.link.heed();
            options.report::<E>(source, slot.location, panic);
            self.row.tell();
            true
        })
    }
}
