//! The emit itself: the only place from which listeners are called.
#![allow(
    unsafe_code,
    reason = "it walks over a row that listeners may want to change, see list.rs"
)]

use alloc::vec::Vec;
use core::cell::Cell;
use core::ptr;

use super::emission::Emitted;
use super::event::{Declared, Event};
use super::list::Row;
use super::slot::{Slot, Verdict};

/// An emit under way, on the stack. The emits of a list that are under way are linked from the
/// innermost outwards.
pub(super) struct Frame<S: Declared, E: Event<S>> {
    /// The slot whose listener runs, or ran last; null if other code of the user's may run.
    at: Cell<*const Slot<S, E>>,
    /// What is to be done when it has returned; seldom anything.
    notes: Cell<Notes>,
    outer: *const Self,
}

/// A set of notes, in one byte: all that an emit looks at after each call is whether there are any.
type Notes = u8;
/// It was removed while it ran: its captures go when it has returned.
const CONDEMNED: Notes = 1;
/// It does not count as called.
const MISSED: Notes = 2;
/// It counts as skipped.
const SKIPPED: Notes = 4;

impl<S: Declared, E: Event<S>> Frame<S, E> {
    /// The frame furthest out, from `frame` on, in which a slot runs.
    pub(super) fn outermost_running<'a>(frame: *const Self, slot: &Slot<S, E>) -> Option<&'a Self> {
        let (mut frame, mut found) = (frame, None);
        // SAFETY: a frame is linked as long as it is on the stack, and it is only borrowed for as long as the
        // caller, who runs further up the stack.
        while let Some(inner) = unsafe { frame.as_ref() } {
            if ptr::eq(inner.at.get(), slot) {
                found = Some(inner);
            }
            frame = inner.outer;
        }
        found
    }

    /// The listener that runs in this frame has been removed.
    pub(super) fn condemn(&self) {
        self.notes.set(self.notes.get() | CONDEMNED);
    }

    /// The listener that runs in `frame` does not count as called.
    pub(super) fn note(frame: *const Self, verdict: Verdict) {
        // SAFETY: as in `outermost_running`.
        if let Some(frame) = unsafe { frame.as_ref() } {
            let skipped = if verdict == Verdict::Busy { SKIPPED } else { 0 };
            frame.notes.set(frame.notes.get() | MISSED | skipped);
        }
    }
}

/// Links a frame, and takes it out again, whether the emit returns or panics.
struct Link<'a, S: Declared, E: Event<S>> {
    row: &'a Row<S, E>,
    frame: &'a Frame<S, E>,
}

impl<S: Declared, E: Event<S>> Link<'_, S, E> {
    /// Calls one listener, unless it has been removed.
    ///
    /// # Safety
    ///
    /// The slot stays where it is as long as the frame is linked; its listener does not run, unless it is
    /// re-entrant.
    #[inline(always)]
    unsafe fn call(
        &self,
        slot: &Slot<S, E>,
        source: &S,
        payload: E::Payload<'_>,
        emitted: &mut Emitted,
    ) {
        self.frame.at.set(slot);
        // SAFETY: as the caller promises.
        let called = unsafe { slot.call(self.row, source, payload) };
        emitted.called += usize::from(called);
        if self.frame.notes.get() != 0 {
            let notes = self.heed();
            emitted.called -= usize::from(notes & MISSED != 0);
            emitted.skipped += usize::from(notes & SKIPPED != 0);
        }
    }

    /// The payload for a listener that is not the last. A clone may run any code of the user's, and while
    /// it does, no listener of this frame runs.
    #[inline(always)]
    fn lend<'b>(&self, payload: &'b mut E::Payload<'_>) -> E::Payload<'b> {
        if E::CLONES {
            self.frame.at.set(ptr::null());
        }
        E::lend(payload)
    }

    /// Does what is noted about the listener that has just returned.
    #[cold]
    fn heed(&self) -> Notes {
        let notes = self.frame.notes.take();
        if notes & CONDEMNED != 0 {
            self.reap();
        }
        notes
    }

    /// The listener that ran last was removed while it ran, and has returned.
    #[cold]
    fn reap(&self) {
        // SAFETY: the slot stays where it is as long as the frame is linked; it was condemned, in this
        // frame, the outermost in which it ran.
        let captures = unsafe { (*self.frame.at.get()).reap() };
        // It is no longer that slot that runs: the captures' destructors may do anything.
        self.frame.at.set(ptr::null());
        drop(captures);
    }
}

impl<S: Declared, E: Event<S>> Drop for Link<'_, S, E> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.frame.notes.get() & CONDEMNED != 0 {
            self.reap(); // its listener panicked
        }
        self.row.set_frame(self.frame.outer);
        if self.frame.outer.is_null() && self.row.is_unsettled() {
            self.row.settle();
        }
    }
}

impl<S: Declared, E: Event<S>> Row<S, E> {
    /// Calls the listeners, lends the payload to each but the last and gives it to that one.
    #[inline(always)]
    pub(super) fn emit(&self, source: &S, payload: E::Payload<'_>) -> Emitted {
        if !self.frame().is_null() {
            return self.emit_nested(source, payload);
        }
        // Most events have one listener: for it there is a way without a loop.
        match self.slots() {
            [] => Emitted::NOBODY,
            [only] => {
                let frame = Frame { at: Cell::new(only), notes: Cell::new(0), outer: ptr::null() };
                self.set_frame(&frame);
                let link = Link { row: self, frame: &frame };
                let mut emitted = Emitted::NOBODY;
                // SAFETY: the row stays as it is while a frame is linked; no emit is under way, so nothing
                // runs.
                unsafe { link.call(only, source, payload, &mut emitted) };
                emitted
            }
            several => self.emit_several(several, source, payload),
        }
    }

    #[inline(never)]
    fn emit_several(
        &self,
        slots: &[Slot<S, E>],
        source: &S,
        mut payload: E::Payload<'_>,
    ) -> Emitted {
        let Some((last, others)) = slots.split_last() else { return Emitted::NOBODY };
        let frame = Frame { at: Cell::new(last), notes: Cell::new(0), outer: ptr::null() };
        self.set_frame(&frame);
        let link = Link { row: self, frame: &frame };
        let mut emitted = Emitted::NOBODY;
        for slot in others {
            // SAFETY: the row stays as it is while a frame is linked; no emit was under way, and those that
            // listeners began have ended, so nothing runs.
            unsafe { link.call(slot, source, link.lend(&mut payload), &mut emitted) };
        }
        // SAFETY: the same.
        unsafe { link.call(last, source, payload, &mut emitted) };
        emitted
    }

    /// An emit from inside of another one of the same event: what runs is skipped, unless it is
    /// re-entrant, and those that were added meanwhile are called.
    #[cold]
    fn emit_nested(&self, source: &S, mut payload: E::Payload<'_>) -> Emitted {
        let outer = self.frame();
        let frame = Frame { at: Cell::new(ptr::null()), notes: Cell::new(0), outer };
        self.set_frame(&frame);
        let link = Link { row: self, frame: &frame };
        let mut emitted = Emitted::NOBODY;
        let mut call = |slot: &Slot<S, E>, payload: E::Payload<'_>| {
            let runs = !slot.is_reentrant() && Frame::outermost_running(outer, slot).is_some();
            if slot.is_callable() && runs {
                // The payload is dropped here, which may run any code of the user's: nothing runs in this frame.
                frame.at.set(ptr::null());
                emitted.skipped += 1;
            } else {
                // SAFETY: slots stay where they are as long as an emit is under way; this one does not run,
                // or may.
                unsafe { link.call(slot, source, payload, &mut emitted) };
            }
        };
        if self.late().is_empty() {
            let Some((last, others)) = self.slots().split_last() else { return emitted };
            others.iter().for_each(|slot| call(slot, link.lend(&mut payload)));
            call(last, payload);
            return emitted;
        }
        let mut slots: Vec<_> = self.slots().iter().chain(self.late_slots()).collect();
        slots.sort_by_key(|slot| slot.key);
        let Some((last, others)) = slots.split_last() else { return emitted };
        others.iter().for_each(|slot| call(slot, link.lend(&mut payload)));
        call(last, payload);
        emitted
    }
}
