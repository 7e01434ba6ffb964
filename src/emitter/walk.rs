//! The emit itself: the only place from which listeners are called.
#![allow(
    unsafe_code,
    reason = "it walks over a row that listeners may want to change, see list.rs"
)]

use alloc::vec::Vec;
use core::cell::Cell;
use core::mem::{self, MaybeUninit};
use core::ptr;

use super::emission::Emitted;
use super::event::{Declared, Event};
use super::kind::Verdict;
use super::list::{List, RawList, late};
use super::row::Row;
use super::slot::RawSlot;

/// An emit under way, on the stack. The emits of a list that are under way are linked from the
/// innermost outwards.
pub(super) struct Frame {
    /// The slot whose listener runs.
    at: Cell<*const RawSlot>,
    /// The slot before which the walk stops: the last one, or the next, if there is something to be heeded. So the
    /// walk asks for both at once.
    stop: Cell<*const RawSlot>,
    /// What is to be done when the listener has returned, or in the end; seldom anything.
    notes: Cell<Notes>,
    /// The frame of the emit that this one is inside of, if it is `NESTED`.
    outer: MaybeUninit<*const Self>,
}

/// A set of notes. An outermost emit that has none is done when the last listener has returned.
type Notes = u32;
/// It was removed while it ran: its captures go when it has returned.
const CONDEMNED: Notes = 1;
/// It does not count as called.
const MISSED: Notes = 2;
/// It counts as skipped.
const SKIPPED: Notes = 4;
/// There is something for [`RawList::settle`] to do in the end.
const UNSETTLED: Notes = 8;
/// It is inside of another emit.
const NESTED: Notes = 16;

impl Frame {
    #[inline(always)]
    fn outermost(stop: *const RawSlot) -> Self {
        Self {
            at: Cell::new(ptr::null()),
            stop: Cell::new(stop),
            notes: Cell::new(0),
            outer: MaybeUninit::uninit(),
        }
    }

    fn nested(outer: *const Self) -> Self {
        let notes = Cell::new(NESTED);
        Self { notes, outer: MaybeUninit::new(outer), ..Self::outermost(ptr::null()) }
    }

    /// The frame of the emit that this one is inside of, or null.
    fn outer(&self) -> *const Self {
        if self.notes.get() & NESTED == 0 {
            return ptr::null();
        }
        // SAFETY: `nested` has set both, and the note stays.
        unsafe { self.outer.assume_init() }
    }

    /// The frame furthest out, from `frame` on, in which a slot runs.
    pub(super) fn outermost_running<'a>(frame: *const Self, slot: &RawSlot) -> Option<&'a Self> {
        let (mut frame, mut found) = (frame, None);
        // SAFETY: a frame is linked as long as it is on the stack, and it is only borrowed for as long as the
        // caller, who runs further up the stack.
        while let Some(inner) = unsafe { frame.as_ref() } {
            if ptr::eq(inner.at.get(), slot) {
                found = Some(inner);
            }
            frame = inner.outer();
        }
        found
    }

    /// The listener that runs in this frame has been removed.
    pub(super) fn condemn(&self) {
        self.heed_next(CONDEMNED);
    }

    /// The listener that runs in `frame` does not count as called.
    pub(super) fn note(frame: *const Self, verdict: Verdict) {
        // SAFETY: as in `outermost_running`.
        if let Some(frame) = unsafe { frame.as_ref() } {
            let skipped = if verdict == Verdict::Busy { SKIPPED } else { 0 };
            frame.heed_next(MISSED | skipped);
        }
    }

    /// Something is to be settled when the outermost emit has ended.
    #[inline]
    pub(super) fn unsettle(frame: *const Self) {
        // SAFETY: as in `outermost_running`.
        if let Some(frame) = unsafe { frame.as_ref() } {
            frame.notes.set(frame.notes.get() | UNSETTLED);
        }
    }

    /// Something is to be heeded when the listener that runs has returned.
    fn heed_next(&self, notes: Notes) {
        self.notes.set(self.notes.get() | notes);
        self.stop.set(self.at.get().wrapping_add(1));
    }
}

/// Links a frame, and takes it out again, whether the emit returns or panics.
struct Link<'a> {
    list: &'a RawList,
    frame: &'a Frame,
}

impl<'a> Link<'a> {
    #[inline(always)]
    fn new(list: &'a RawList, row: Row, frame: &'a Frame) -> Self {
        row.frame.set(frame);
        Self { list, frame }
    }

    /// Takes the frame of an outermost emit out, if nothing has been noted.
    #[inline(always)]
    fn unlink(self) {
        // SAFETY: a list that has a row keeps one. It is asked for it again, since that costs less than to keep it
        // over the calls.
        unsafe { self.list.row().unwrap_unchecked() }.frame.set(ptr::null());
        mem::forget(self);
    }
}

impl Drop for Link<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        close(self.list, self.frame);
    }
}

/// Takes a frame out, whatever has been noted.
#[cold]
#[inline(never)]
fn close(list: &RawList, frame: &Frame) {
    if frame.notes.get() & CONDEMNED != 0 {
        reap(frame); // its listener panicked
    }
    let Some(row) = list.row() else { return };
    row.frame.set(frame.outer());
    if row.removed.get() == 0 && row.late.get() == 0 {
        return;
    }
    if row.is_walked() {
        Frame::unsettle(row.frame.get());
    } else {
        list.settle(row);
    }
}

/// Does what is noted about the listener that has just returned, and counts it.
#[cold]
#[inline(never)]
fn heed(frame: &Frame, emitted: Emitted) -> Emitted {
    let notes = frame.notes.replace(frame.notes.get() & NESTED);
    if notes & CONDEMNED != 0 {
        reap(frame);
    }
    Emitted {
        called: emitted.called - usize::from(notes & MISSED != 0),
        skipped: emitted.skipped + usize::from(notes & SKIPPED != 0),
    }
}

/// The listener that ran last was removed while it ran, and has returned.
fn reap(frame: &Frame) {
    // SAFETY: the slot stays where it is as long as the frame is linked; it was condemned, in this
    // frame, the outermost in which it ran.
    let captures = unsafe { (*frame.at.get()).reap() };
    // It is no longer that slot that runs: the captures' destructors may do anything.
    frame.at.set(ptr::null());
    drop(captures);
}

impl<S: Declared, E: Event<S>> List<S, E> {
    /// Calls the listeners in order, lends the payload to each but the last and gives it to that one.
    #[inline(always)]
    pub(super) fn emit(&self, source: &S, mut payload: E::Payload<'_>) -> Emitted {
        let Some(row) = self.row() else { return Emitted::NOBODY };
        if row.is_walked() {
            return self.emit_nested(row, source, payload);
        }
        let (first, end) = row.ends();
        if first == end {
            return Emitted::NOBODY;
        }
        let others = others::<S, E>(end);
        let frame = Frame::outermost(others);
        let link = Link::new(self, row, &frame);
        let mut next = first;
        if E::LENT || first != others {
            // Most events have one listener. For it there is no loop, which begins with what aligns it.
            // SAFETY: the frame is linked, nobody runs, and there is a slot before the end of the others.
            unsafe {
                next = self.step(&frame, next, source, &mut payload);
                if next != frame.stop.get() {
                    next = self.walk(&frame, next, source, &mut payload);
                }
            }
            if frame.notes.get() != 0 {
                return self.resume(link, next, source, payload);
            }
        }
        if !E::LENT {
            frame.at.set(next);
            // SAFETY: as in `walk`.
            unsafe { (*next).call::<S, E>(self, source, payload) };
            if frame.notes.get() != 0 {
                return heed(&frame, Emitted { called: row.count(), skipped: 0 });
            }
        }
        let emitted = Emitted { called: row.count(), skipped: 0 };
        link.unlink();
        emitted
    }

    /// Calls the listeners from `slot` on, until the frame says stop; says where that was.
    ///
    /// # Safety
    ///
    /// The frame is linked and the innermost, no listener runs, and `stop` is behind `slot`, but not behind the end
    /// of the row.
    #[inline(always)]
    unsafe fn walk(
        &self,
        frame: &Frame,
        mut slot: *const RawSlot,
        source: &S,
        payload: &mut E::Payload<'_>,
    ) -> *const RawSlot {
        loop {
            // SAFETY: as the caller promises, for each in turn.
            slot = unsafe { self.step(frame, slot, source, payload) };
            if slot == frame.stop.get() {
                return slot;
            }
        }
    }

    /// Calls one listener, and lends it the payload; says which comes next.
    ///
    /// # Safety
    ///
    /// The frame is linked and the innermost, no listener runs, and the slot is in the row.
    #[inline(always)]
    unsafe fn step(
        &self,
        frame: &Frame,
        slot: *const RawSlot,
        source: &S,
        payload: &mut E::Payload<'_>,
    ) -> *const RawSlot {
        // To lend may be to clone, which may do anything. No listener runs then.
        frame.at.set(ptr::null());
        let lent = E::lend(payload);
        frame.at.set(slot);
        // SAFETY: slots stay where they are while a frame is linked. No emit was under way, and those that
        // listeners began have ended, so this one does not run.
        unsafe {
            (*slot).call::<S, E>(self, source, lent);
            slot.add(1)
        }
    }

    /// The rest of an emit that has stopped before `slot`, or come to the end, with something to be heeded.
    #[cold]
    #[inline(never)]
    fn resume(
        &self,
        link: Link<'_>,
        mut slot: *const RawSlot,
        source: &S,
        mut payload: E::Payload<'_>,
    ) -> Emitted {
        let frame = link.frame;
        let Some(row) = self.row() else { return Emitted::NOBODY };
        let others = others::<S, E>(row.ends().1);
        let mut emitted = heed(frame, Emitted { called: row.count(), skipped: 0 });
        while slot != others {
            frame.stop.set(others);
            // SAFETY: as in `emit`.
            slot = unsafe { self.walk(frame, slot, source, &mut payload) };
            emitted = heed(frame, emitted);
        }
        if !E::LENT {
            frame.at.set(others);
            // SAFETY: as in `walk`.
            unsafe { (*others).call::<S, E>(self, source, payload) };
            emitted = heed(frame, emitted);
        }
        emitted
    }

    /// An emit from inside of another one of the same event: what runs is skipped, unless it is
    /// re-entrant, and those that were added meanwhile are called.
    #[cold]
    #[inline(never)]
    fn emit_nested(&self, row: Row, source: &S, mut payload: E::Payload<'_>) -> Emitted {
        let outer = row.frame.get();
        let frame = Frame::nested(outer);
        let _link = Link::new(self, row, &frame);
        let mut emitted = Emitted::NOBODY;
        let mut call = |slot: &RawSlot, payload: E::Payload<'_>| {
            let runs = !slot.is_reentrant() && Frame::outermost_running(outer, slot).is_some();
            if !slot.is_gone() && runs {
                emitted.skipped += 1;
                return;
            }
            frame.at.set(slot);
            // SAFETY: slots stay where they are as long as an emit is under way; this one does not run,
            // or may.
            unsafe { slot.call::<S, E>(self, source, payload) };
            emitted.called += 1;
            emitted = heed(&frame, emitted);
            frame.at.set(ptr::null());
        };
        if row.late.get() == 0 {
            let Some((last, others)) = row.slots().split_last() else { return emitted };
            others.iter().for_each(|slot| call(slot, E::lend(&mut payload)));
            call(last, payload);
            return emitted;
        }
        let mut slots: Vec<_> = row.slots().iter().chain(late(&row)).collect();
        slots.sort_by_key(|slot| slot.key);
        let Some((last, others)) = slots.split_last() else { return emitted };
        others.iter().for_each(|slot| call(slot, E::lend(&mut payload)));
        call(last, payload);
        emitted
    }
}

/// Where those end to whom the payload is lent: before the last, or behind it if lending is as good as giving.
#[inline(always)]
fn others<S: Declared, E: Event<S>>(end: *const RawSlot) -> *const RawSlot {
    if E::LENT { end } else { end.wrapping_sub(1) }
}
