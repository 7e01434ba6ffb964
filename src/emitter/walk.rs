//! The emit itself: the only place from which listeners are called.
#![allow(
    unsafe_code,
    reason = "it walks over a row that listeners may want to change, see list.rs"
)]

use core::cell::Cell;
use core::mem::{self, MaybeUninit};
use core::ptr;

use super::emission::Emitted;
use super::event::{Declared, Event};
use super::kind::Verdict;
use super::list::{List, RawList};
use super::row::Row;
use super::slot::RawSlot;
use super::special;

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
/// It has an outer frame.
const NESTED: Notes = 16;
/// It intercepted the event: those after it are not called.
const STOPPED: Notes = 32;
/// The list has become special: it is left with its root.
const SPECIAL: Notes = 64;
/// It is the frame of a special list in which nobody walks.
const ROOT: Notes = 128;

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

    /// For a special list.
    pub(super) fn root() -> Self {
        Self { notes: Cell::new(ROOT), ..Self::outermost(ptr::null()) }
    }

    /// Is it that of a list in which nobody walks?
    pub(super) fn is_root(frame: *const Self) -> bool {
        // SAFETY: as in `outermost_running`; a root lives as long as its list.
        unsafe { frame.as_ref() }.is_some_and(|frame| frame.notes.get() & ROOT != 0)
    }

    /// The emit furthest out, from `frame` on, is to leave a special list behind. Says whether there is one.
    pub(super) fn become_special(mut frame: *const Self) -> bool {
        let mut found = false;
        // SAFETY: as in `outermost_running`.
        while let Some(inner) = unsafe { frame.as_ref() } {
            (found, frame) = (true, inner.outer());
            if frame.is_null() {
                inner.notes.set(inner.notes.get() | SPECIAL);
            }
        }
        found
    }

    /// Has a listener that has returned count as running, or none.
    pub(super) fn hold(&self, slot: *const RawSlot) {
        self.at.set(slot);
    }

    pub(super) fn nested(outer: *const Self) -> Self {
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
            let more = match verdict {
                Verdict::Busy => SKIPPED,
                Verdict::Stopped => STOPPED,
                _ => 0,
            };
            frame.heed_next(MISSED | more);
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

/// What an emit did, in two words, which come back in registers.
#[derive(Clone, Copy)]
pub(super) struct Tally {
    pub(super) called: usize,
    /// How many were skipped, doubled; odd if it was stopped.
    more: usize,
}

impl Tally {
    pub(super) const NOBODY: Self = Self { called: 0, more: 0 };

    #[inline(always)]
    fn called(called: usize) -> Self {
        Self { called, more: 0 }
    }

    pub(super) fn skip(&mut self) {
        self.more += 2;
    }

    pub(super) fn is_stopped(self) -> bool {
        self.more & 1 != 0
    }
}

impl From<Tally> for Emitted {
    #[inline(always)]
    fn from(tally: Tally) -> Self {
        Self { called: tally.called, skipped: tally.more >> 1, stopped: tally.is_stopped() }
    }
}

/// Links a frame, and takes it out again, whether the emit returns or panics.
pub(super) struct Link<'a> {
    list: &'a RawList,
    row: Row,
    frame: &'a Frame,
}

impl<'a> Link<'a> {
    #[inline(always)]
    pub(super) fn new(list: &'a RawList, row: Row, frame: &'a Frame) -> Self {
        row.frame.set(frame);
        Self { list, row, frame }
    }

    /// Takes the frame of an outermost emit out, if nothing has been noted.
    #[inline(always)]
    fn unlink(self) {
        self.row.frame.set(ptr::null());
        mem::forget(self);
    }

    /// Takes the frame of an outermost emit out whose last listener has returned.
    ///
    /// If all listeners were there for this one time, and nothing else is to be done, which is the lot of most `once`,
    /// that is done here: [`close`] has many questions.
    #[inline(always)]
    fn settle(self) {
        let row = self.row;
        let used_up = self.frame.notes.get() == UNSETTLED
            && row.removed.get() as usize == row.count()
            && row.aside_is_empty();
        if used_up {
            row.reset();
            self.unlink();
        }
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
    let outer = frame.outer();
    row.frame.set(if outer.is_null() { special::root(&row) } else { outer });
    if row.is_walked() {
        if row.removed.get() != 0 || row.late.get() != 0 {
            Frame::unsettle(row.frame.get());
        }
        return;
    }
    if row.removed.get() != 0 || row.late.get() != 0 {
        list.settle(row);
    }
    list.tell();
}

/// The last listener of an outermost emit has returned, all before it were heeded, and something is noted.
#[inline(never)]
fn finish(link: Link<'_>) -> Tally {
    let called = Tally::called(link.row.count());
    if link.frame.notes.get() != UNSETTLED {
        return heed(link.frame, called);
    }
    link.settle();
    called
}

/// Does what is noted about the listener that has just returned, and counts it.
#[cold]
#[inline(never)]
pub(super) fn heed(frame: &Frame, tally: Tally) -> Tally {
    let notes = frame.notes.replace(frame.notes.get() & NESTED);
    if notes & CONDEMNED != 0 {
        reap(frame);
    }
    Tally {
        called: tally.called - usize::from(notes & MISSED != 0),
        more: (tally.more + (usize::from(notes & SKIPPED != 0) << 1))
            | usize::from(notes & STOPPED != 0),
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
    pub(super) fn emit(&self, source: &S, payload: E::Payload<'_>) -> Emitted {
        self.call_all(source, payload).into()
    }

    /// The same, for who makes an [`Emitted`] of it where nothing of that is needed in memory.
    #[inline(always)]
    pub(super) fn call_all(&self, source: &S, mut payload: E::Payload<'_>) -> Tally {
        let Some(row) = self.row() else { return Tally::NOBODY };
        if row.is_busy() {
            return self.emit_nested(row, source, payload);
        }
        let (first, end) = row.ends();
        if first == end {
            return Tally::NOBODY;
        }
        let others = others::<S, E>(end);
        let frame = Frame::outermost(others);
        let link = Link::new(self, row, &frame);
        let mut next = first;
        if E::LENT || first != others {
            // Most events have one listener. For it there is no loop, which begins with what aligns it.
            // SAFETY: the frame is linked, nobody runs, and there is a slot before the end of the others.
            unsafe {
                next = Self::step(&frame, row, next, source, &mut payload);
                if next != frame.stop.get() {
                    next = Self::walk(&frame, row, next, source, &mut payload);
                }
            }
            if frame.notes.get() != 0 {
                return self.resume(link, next, source, payload);
            }
        }
        if !E::LENT {
            frame.at.set(next);
            // SAFETY: as in `walk`.
            unsafe { (*next).call::<S, E>(row, source, payload) };
            if frame.notes.get() != 0 {
                return finish(link);
            }
        }
        let tally = Tally::called(row.count());
        link.unlink();
        tally
    }

    /// Calls the listeners from `slot` on, until the frame says stop; says where that was.
    ///
    /// # Safety
    ///
    /// The frame is linked and the innermost, no listener runs, and `stop` is behind `slot`, but not behind the end
    /// of the row.
    #[inline(always)]
    unsafe fn walk(
        frame: &Frame,
        row: Row,
        mut slot: *const RawSlot,
        source: &S,
        payload: &mut E::Payload<'_>,
    ) -> *const RawSlot {
        loop {
            // SAFETY: as the caller promises, for each in turn.
            slot = unsafe { Self::step(frame, row, slot, source, payload) };
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
        frame: &Frame,
        row: Row,
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
            (*slot).call::<S, E>(row, source, lent);
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
    ) -> Tally {
        let (frame, row) = (link.frame, link.row);
        if E::LENT && frame.notes.get() == UNSETTLED {
            return finish(link); // it has not been stopped
        }
        let others = others::<S, E>(row.ends().1);
        let mut tally = heed(frame, Tally::called(row.count()));
        while slot != others && !tally.is_stopped() {
            frame.stop.set(others);
            // SAFETY: as in `emit`.
            slot = unsafe { Self::walk(frame, row, slot, source, &mut payload) };
            tally = heed(frame, tally);
        }
        if tally.is_stopped() {
            // Only interceptors have been called, which do not count.
            return Tally { called: 0, ..tally };
        }
        if !E::LENT {
            frame.at.set(others);
            // SAFETY: as in `walk`.
            unsafe { (*others).call::<S, E>(row, source, payload) };
            tally = heed(frame, tally);
        }
        tally
    }

    /// Calls one listener of the row, on the longer way.
    ///
    /// It does not run, unless it is re-entrant, and the frame is linked and the innermost.
    pub(super) fn call_idle(
        frame: &Frame,
        row: Row,
        slot: &RawSlot,
        source: &S,
        payload: E::Payload<'_>,
    ) {
        frame.at.set(slot);
        // SAFETY: slots stay where they are as long as an emit is under way; this one does not run, or may.
        unsafe { slot.call::<S, E>(row, source, payload) };
    }
}

/// Where those end to whom the payload is lent: before the last, or behind it if lending is as good as giving.
#[inline(always)]
fn others<S: Declared, E: Event<S>>(end: *const RawSlot) -> *const RawSlot {
    if E::LENT { end } else { end.wrapping_sub(1) }
}
