//! The emit itself: the only place from which listeners are called.
#![allow(
    unsafe_code,
    reason = "it walks over a row that listeners may want to change, see list.rs"
)]

use core::cell::Cell;
use core::ptr;

use super::emission::Emitted;
use super::event::{Declared, Event};
use super::list::Row;
use super::slot::{Slot, Verdict};

/// An emit under way, on the stack. The emits of a list that are under way are linked from the
/// innermost outwards.
pub(super) struct Frame<S: Declared, E: Event<S>> {
    /// The slot whose listener runs.
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
/// It intercepted the event: those after it are not called.
const STOPPED: Notes = 8;
/// The row is special, see there. This note stays.
const SPECIAL: Notes = 16;

impl<S: Declared, E: Event<S>> Frame<S, E> {
    #[inline(always)]
    pub(super) fn new(at: *const Slot<S, E>, outer: *const Self) -> Self {
        Self { at: Cell::new(at), notes: Cell::new(0), outer }
    }

    /// The frame furthest out, from `frame` on.
    pub(super) fn outermost<'a>(mut frame: *const Self) -> Option<&'a Self> {
        let mut found = None;
        // SAFETY: as in `outermost_running`.
        while let Some(inner) = unsafe { frame.as_ref() } {
            (found, frame) = (Some(inner), inner.outer);
        }
        found
    }

    /// The emit of this frame is to leave a special row behind.
    pub(super) fn become_special(&self) {
        self.notes.set(self.notes.get() | SPECIAL);
    }

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
            let more = match verdict {
                Verdict::Busy => SKIPPED,
                Verdict::Stopped => STOPPED,
                _ => 0,
            };
            frame.notes.set(frame.notes.get() | MISSED | more);
        }
    }
}

/// What an emit did, in two words: they come back in registers, and are not even counted where nobody asks.
#[derive(Clone, Copy)]
pub(super) struct Tally {
    pub(super) called: usize,
    /// How many were skipped, doubled; odd if it was stopped.
    more: usize,
}

impl Tally {
    pub(super) const NOBODY: Self = Self { called: 0, more: 0 };

    pub(super) fn skip(&mut self) {
        self.more += 2;
    }
}

impl From<Tally> for Emitted {
    #[inline(always)]
    fn from(tally: Tally) -> Self {
        Self { called: tally.called, skipped: tally.more >> 1, stopped: tally.more & 1 != 0 }
    }
}

/// Links a frame, and takes it out again, whether the emit returns or panics.
pub(super) struct Link<'a, S: Declared, E: Event<S>> {
    row: &'a Row<S, E>,
    frame: &'a Frame<S, E>,
}

impl<'a, S: Declared, E: Event<S>> Link<'a, S, E> {
    #[inline(always)]
    pub(super) fn new(row: &'a Row<S, E>, frame: &'a Frame<S, E>) -> Self {
        row.set_frame(frame);
        Self { row, frame }
    }

    /// Calls one listener; `false` if it has been removed.
    ///
    /// # Safety
    ///
    /// The slot stays where it is as long as the frame is linked; its listener does not run, unless it is
    /// re-entrant.
    #[inline(always)]
    unsafe fn call(&self, slot: &Slot<S, E>, source: &S, payload: E::Payload<'_>) -> bool {
        self.frame.at.set(slot);
        // SAFETY: as the caller promises.
        unsafe { slot.call(self.row, source, payload) }
    }

    /// Calls one listener, and heeds what is noted about it. Says whether the emit goes on.
    ///
    /// # Safety
    ///
    /// As for [`call`](Self::call).
    #[inline(always)]
    pub(super) unsafe fn step(
        &self,
        slot: &Slot<S, E>,
        source: &S,
        payload: E::Payload<'_>,
        tally: &mut Tally,
    ) -> bool {
        // SAFETY: as the caller promises.
        tally.called += usize::from(unsafe { self.call(slot, source, payload) });
        if self.frame.notes.get() == 0 {
            return true;
        }
        let notes = self.heed();
        tally.called -= usize::from(notes & MISSED != 0);
        tally.more += usize::from(notes & SKIPPED != 0) << 1;
        tally.more |= usize::from(notes & STOPPED != 0);
        notes & STOPPED == 0
    }

    /// Calls a listener of the row as [`step`](Self::step) does, unless it runs in an emit further out: then it
    /// counts as skipped.
    pub(super) fn step_idle(
        &self,
        slot: &Slot<S, E>,
        source: &S,
        payload: E::Payload<'_>,
        tally: &mut Tally,
    ) -> bool {
        let runs = || Frame::outermost_running(self.frame.outer, slot).is_some();
        if !slot.is_reentrant() && runs() {
            tally.skip();
            return true;
        }
        // SAFETY: the slots of a row stay where they are while a frame is linked; this one does not run, or may.
        unsafe { self.step(slot, source, payload, tally) }
    }

    /// Does what is noted about the listener that has just returned.
    #[cold]
    pub(super) fn heed(&self) -> Notes {
        let notes = self.frame.notes.get();
        self.frame.notes.set(notes & SPECIAL);
        if notes & CONDEMNED != 0 {
            self.reap();
        }
        if notes & SPECIAL != 0 {
            // It does not run any more: whoever is told may remove it.
            self.frame.at.set(ptr::null());
            self.row.tell();
        }
        notes
    }

    /// Has a listener that has just returned count as running on, until the next [`heed`](Self::heed), if it is
    /// in use still.
    #[cfg(feature = "std")]
    pub(super) fn hold(&self, slot: &Slot<S, E>) {
        if slot.is_callable() {
            self.frame.at.set(slot);
        }
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
        if self.frame.notes.get() != 0 {
            return self.end_noted();
        }
        self.row.set_frame(self.frame.outer);
        if self.frame.outer.is_null() && self.row.is_unsettled() {
            self.row.settle();
        }
    }
}

impl<S: Declared, E: Event<S>> Link<'_, S, E> {
    /// A listener panicked, or the row is special.
    #[cold]
    fn end_noted(&self) {
        let notes = self.frame.notes.get();
        if notes & CONDEMNED != 0 {
            self.reap();
        }
        let outer = self.frame.outer;
        self.row.set_frame(if outer.is_null() { self.row.root() } else { outer });
        if !self.row.is_walked() {
            self.row.settle();
            self.row.tell();
        }
    }
}

impl<S: Declared, E: Event<S>> Row<S, E> {
    /// Calls the listeners, lends the payload to each but the last and gives it to that one.
    #[inline(always)]
    pub(super) fn emit(&self, source: &S, payload: E::Payload<'_>) -> Emitted {
        if !self.frame().is_null() {
            return self.emit_nested(source, payload).into();
        }
        // Most events have one listener: for it there is a way without a loop.
        match self.slots() {
            [] => Emitted::NOBODY,
            [only] => {
                let frame = Frame::new(only, ptr::null());
                let link = Link::new(self, &frame);
                let mut tally = Tally::NOBODY;
                // SAFETY: the row stays as it is while a frame is linked; no emit is under way, so nothing
                // runs.
                unsafe { link.step(only, source, payload, &mut tally) };
                tally.into()
            }
            several => self.emit_several(several, source, payload).into(),
        }
    }

    #[inline(never)]
    fn emit_several(&self, slots: &[Slot<S, E>], source: &S, mut payload: E::Payload<'_>) -> Tally {
        let Some((last, others)) = slots.split_last() else { return Tally::NOBODY };
        let frame = Frame::new(last, ptr::null());
        let link = Link::new(self, &frame);
        let mut tally = Tally::NOBODY;
        for slot in others {
            // SAFETY: the row stays as it is while a frame is linked; no emit was under way, and those that
            // listeners began have ended, so nothing runs.
            if !unsafe { link.step(slot, source, E::lend(&mut payload), &mut tally) } {
                return tally;
            }
        }
        // SAFETY: the same.
        unsafe { link.step(last, source, payload, &mut tally) };
        tally
    }
}
