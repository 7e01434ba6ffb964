//! The emit itself: the only place from which listeners are called.
#![allow(
    unsafe_code,
    reason = "it walks over a row that listeners may want to change, see list.rs"
)]

use core::cell::Cell;
use core::mem;
use core::ops::Deref;
use core::ptr;

use super::emission::Emitted;
use super::event::{Declared, Event};
use super::kind::Verdict;
use super::list::{List, RawList};
use super::row::{Header, Row};
use super::slot::RawSlot;
use super::special::special;
use super::tally::Tally;

/// Where an emit is. That of an outermost emit is in its row's header, those of the emits inside of it are [`Nested`].
pub(super) struct Frame {
    /// The slot whose listener runs, or [`NOBODY`]. In a row's own frame also null, if no emit is there, or [`ROOT`].
    at: Cell<*const RawSlot>,
    /// The slot before which the walk stops. If there is something to be heeded, a set of [`Notes`] instead: then it
    /// stops where it is. So the walk asks for both at once.
    stop: Cell<*const RawSlot>,
}

/// The frame of an emit that is inside of another one, or in a special list; on the stack.
pub(super) struct Nested {
    frame: Frame,
    /// The next one further out, or null.
    outer: *const Self,
}

/// An emit is under way, and no listener runs.
const NOBODY: *const RawSlot = ptr::without_provenance(1);
/// No emit is in this frame, and none shall be: the list is special, or all emits there are nested ones, for somebody
/// observes.
const ROOT: *const RawSlot = ptr::without_provenance(2);

/// What is to be done when the listener that runs has returned, or in the end; seldom anything.
type Notes = usize;
/// It was removed while it ran: its captures go when it has returned.
const CONDEMNED: Notes = 1;
/// It does not count as called.
const MISSED: Notes = 2;
/// It counts as skipped.
const SKIPPED: Notes = 4;
/// There is something for [`close`] to do in the end.
const UNSETTLED: Notes = 8;
/// It intercepted the event: those after it are not called.
const STOPPED: Notes = 16;
/// Sets of notes are smaller.
const NOTES: Notes = 32;

// A slot comes after the header of its row, and so its address is above all notes.
const _: () = assert!(size_of::<Header>() >= NOTES);

impl Frame {
    /// Of a row in which no emit is.
    pub(super) const fn idle() -> Self {
        Self { at: Cell::new(ptr::null()), stop: Cell::new(ptr::null()) }
    }

    /// What is noted; nothing, as long as the walk goes on.
    #[inline]
    fn notes(&self) -> Notes {
        let noted = self.stop.get().addr();
        if noted < NOTES { noted } else { 0 }
    }

    #[inline]
    fn note(&self, more: Notes) {
        self.stop.set(ptr::without_provenance(self.notes() | more));
    }

    /// The listener that runs in this frame has been removed.
    pub(super) fn condemn(&self) {
        self.note(CONDEMNED);
    }

    /// The listener that runs in this frame does not count as called.
    pub(super) fn miss(&self, verdict: Verdict) {
        let more = match verdict {
            Verdict::Busy => SKIPPED,
            Verdict::Stopped => STOPPED,
            _ => 0,
        };
        self.note(MISSED | more);
    }

    /// Has a listener that has returned count as running.
    pub(super) fn hold(&self, slot: *const RawSlot) {
        self.at.set(slot);
    }

    /// No listener runs.
    pub(super) fn rest(&self) {
        self.at.set(NOBODY);
    }
}

impl Nested {
    /// Of an emit in this row, as the innermost.
    pub(super) fn new(row: Row) -> Self {
        let frame = Frame { at: Cell::new(NOBODY), ..Frame::idle() };
        Self { frame, outer: row.inner.get() }
    }
}

impl Deref for Nested {
    type Target = Frame;

    fn deref(&self) -> &Frame {
        &self.frame
    }
}

impl Row {
    /// Is there something in the row's own frame: an outermost emit, or the mark of a [special](super::special) list, or
    /// of one that is observed?
    #[inline(always)]
    pub(super) fn is_busy(self) -> bool {
        !self.own.at.get().is_null()
    }

    /// Is an emit under way?
    #[inline]
    pub(super) fn is_walked(self) -> bool {
        self.is_busy() && (self.own.at.get() != ROOT || !self.inner.get().is_null())
    }

    /// The frames of emits that are under way, from the innermost outwards.
    fn frames<'a>(&'a self) -> impl Iterator<Item = &'a Frame> {
        let mut nested = self.inner.get();
        let own = Some(&self.own).filter(|own| self.is_busy() && own.at.get() != ROOT);
        let nested = core::iter::from_fn(move || {
            // SAFETY: a nested frame is linked as long as it is on the stack, and it is only borrowed for as long as
            // the caller, who runs further up the stack.
            let inner: &'a Nested = unsafe { nested.as_ref() }?;
            nested = inner.outer;
            Some(&inner.frame)
        });
        nested.chain(own)
    }

    /// The frame of the innermost emit.
    #[inline]
    pub(super) fn innermost(&self) -> Option<&Frame> {
        self.frames().next()
    }

    /// The frame furthest out in which a slot runs.
    pub(super) fn outermost_running(&self, slot: &RawSlot) -> Option<&Frame> {
        self.frames().filter(|frame| ptr::eq(frame.at.get(), slot)).last()
    }

    /// Something is to be settled when the outermost emit has ended.
    #[inline]
    pub(super) fn unsettle(self) {
        if let Some(frame) = self.innermost() {
            frame.note(UNSETTLED);
        }
    }

    /// The list has become special. An emit that is under way leaves the mark behind as it ends.
    pub(super) fn become_special(self) {
        if self.is_busy() {
            self.own.note(UNSETTLED);
        } else {
            self.own.at.set(ROOT);
        }
    }
}

/// An outermost emit: ends it, whether it returns or panics.
struct Outermost<'a, F: Fn() -> &'a RawList> {
    /// Finds the list, which costs less than to keep it at hand.
    find: F,
    row: Row,
}

impl<'a, F: Fn() -> &'a RawList> Outermost<'a, F> {
    /// Ends it when the last listener has returned and nothing is noted.
    #[inline(always)]
    fn end(self) {
        self.row.own.at.set(ptr::null());
        mem::forget(self);
    }
}

impl<'a, F: Fn() -> &'a RawList> Drop for Outermost<'a, F> {
    #[inline(always)]
    fn drop(&mut self) {
        close((self.find)(), self.row, &self.row.own);
    }
}

/// Links a nested frame, and takes it out again, whether the emit returns or panics.
pub(super) struct Link<'a> {
    list: &'a RawList,
    row: Row,
    nested: &'a Nested,
}

impl<'a> Link<'a> {
    pub(super) fn new(list: &'a RawList, row: Row, nested: &'a Nested) -> Self {
        if !row.is_busy() {
            row.own.at.set(ROOT); // it is observed: those inside of it go the longer way too
        }
        row.inner.set(nested);
        Self { list, row, nested }
    }
}

impl Drop for Link<'_> {
    fn drop(&mut self) {
        close(self.list, self.row, self.nested);
    }
}

/// Ends the innermost emit, whatever has been noted in its frame.
#[cold]
#[inline(never)]
fn close(list: &RawList, row: Row, frame: &Frame) {
    if frame.notes() & CONDEMNED != 0 {
        reap(frame); // its listener panicked
    }
    // SAFETY: as in `frames`.
    match unsafe { row.inner.get().as_ref() } {
        Some(nested) => row.inner.set(nested.outer),
        None => row.own.at.set(ROOT),
    }
    if !row.is_walked() && special(&row).is_none() {
        row.own.at.set(ptr::null());
    }
    let is_unsettled = row.removed.get() != 0 || row.late.get() != 0;
    if row.is_walked() {
        if is_unsettled {
            row.unsettle();
        }
        return;
    }
    if is_unsettled {
        list.settle(row);
    }
    list.tell();
}

/// Ends an outermost emit whose last listener has returned. All before it were heeded, and something is noted.
///
/// If all listeners were there for this one time, and nothing else is to be done, which is the lot of most `once`, that
/// is done here: [`close`] has many questions.
#[inline(never)]
fn finish(list: &RawList, row: Row) -> Tally {
    let outermost = Outermost { find: || list, row };
    let called = Tally::called(row.count());
    if row.own.notes() != UNSETTLED {
        return heed(&row.own, called);
    }
    if row.removed.get() as usize == row.count() && row.aside_is_empty() {
        row.reset();
        outermost.end();
    }
    called
}

/// Does what is noted about the listener that has just returned, and counts it.
#[cold]
#[inline(never)]
pub(super) fn heed(frame: &Frame, tally: Tally) -> Tally {
    let notes = frame.notes();
    frame.stop.set(ptr::null());
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
    frame.rest();
    drop(captures);
}

impl<S: Declared, E: Event<S>> List<S, E> {
    /// Calls the listeners in order, lends the payload to each but the last and gives it to that one.
    #[inline(always)]
    pub(super) fn emit(&self, source: &S, payload: E::Payload<'_>) -> Emitted {
        Self::call_all(|| self, source, payload).into()
    }

    /// The same for the list that `find` finds, be it asked for once more in the end; for who makes an [`Emitted`] of
    /// the result where nothing of that is needed in memory.
    #[inline(always)]
    pub(super) fn call_all<'a>(
        find: impl Fn() -> &'a Self,
        source: &S,
        payload: E::Payload<'_>,
    ) -> Tally {
        Self::call_guarded(find, source, payload, ())
    }

    /// The same. If anything has to be heeded, as a removal has, or there is nobody to call, the guard is dropped in
    /// the end; else it is forgotten. After an outermost emit has been taken out of its row nothing of the user's runs,
    /// unless the list has become special.
    #[inline(always)]
    pub(super) fn call_guarded<'a, G>(
        find: impl Fn() -> &'a Self,
        source: &S,
        mut payload: E::Payload<'_>,
        guard: G,
    ) -> Tally {
        let Some(row) = find().row() else { return Tally::NOBODY };
        if row.is_busy() {
            return find().emit_nested(row, source, payload, None);
        }
        let (first, end) = row.ends();
        if first == end {
            return Tally::NOBODY;
        }
        let others = others::<S, E>(end);
        let frame = &row.own;
        frame.stop.set(others);
        let outermost = Outermost { find: || &**find(), row };
        let mut next = first;
        if E::LENT || first != others {
            // SAFETY: it is the only emit, nobody runs, and there is a slot before the end of the others.
            next = unsafe { Self::step(row, next, source, &mut payload) };
            // Most events have one listener. For it there is no loop, which begins with what aligns it. The loop is not
            // said to be cold for that: it would not be aligned, and an emit to ten takes a quarter more time then.
            if next != frame.stop.get() {
                if next < frame.stop.get() {
                    // SAFETY: the same, and there is another slot.
                    next = unsafe { Self::walk(row, next, source, &mut payload) };
                }
                if next != frame.stop.get() {
                    mem::forget(outermost);
                    return find().resume(row, next, source, payload);
                }
            }
        }
        if !E::LENT {
            frame.at.set(next);
            // SAFETY: as in `walk`.
            unsafe { (*next).call::<S, E>(row, source, payload) };
            if next != frame.stop.get() {
                mem::forget(outermost);
                return finish(find(), row);
            }
        }
        let tally = Tally::called(row.count());
        outermost.end();
        mem::forget(guard);
        tally
    }

    /// Calls the listeners from `slot` on, until the row's own frame says stop; says where that was.
    ///
    /// # Safety
    ///
    /// The emit is the outermost and the innermost, no listener runs, and `stop` is behind `slot`, but not behind the
    /// end of the row.
    #[inline(always)]
    unsafe fn walk(
        row: Row,
        mut slot: *const RawSlot,
        source: &S,
        payload: &mut E::Payload<'_>,
    ) -> *const RawSlot {
        loop {
            // SAFETY: as the caller promises, for each in turn.
            slot = unsafe { Self::step(row, slot, source, payload) };
            if slot >= row.own.stop.get() {
                return slot;
            }
        }
    }

    /// Calls one listener, and lends it the payload; says which comes next.
    ///
    /// # Safety
    ///
    /// The emit is the outermost and the innermost, no listener runs, and the slot is in the row.
    #[inline(always)]
    unsafe fn step(
        row: Row,
        slot: *const RawSlot,
        source: &S,
        payload: &mut E::Payload<'_>,
    ) -> *const RawSlot {
        if !E::LENT {
            row.own.rest(); // to lend is to clone, which may do anything; no listener runs then
        }
        let lent = E::lend(payload);
        row.own.at.set(slot);
        // SAFETY: slots stay where they are while an emit is under way. None was, and those that listeners began have
        // ended, so this one does not run.
        unsafe {
            (*slot).call::<S, E>(row, source, lent);
            slot.add(1)
        }
    }

    /// The rest of an outermost emit that has stopped before `slot`, or come to the end, with something to be heeded.
    #[inline(never)]
    fn resume(
        &self,
        row: Row,
        mut slot: *const RawSlot,
        source: &S,
        mut payload: E::Payload<'_>,
    ) -> Tally {
        let others = others::<S, E>(row.ends().1);
        if E::LENT && slot == others {
            return finish(self, row);
        }
        let (frame, _outermost) = (&row.own, Outermost { find: || &**self, row });
        let mut tally = heed(frame, Tally::called(row.count()));
        while slot != others && !tally.is_stopped() {
            frame.stop.set(others);
            // SAFETY: as in `call_all`.
            slot = unsafe { Self::walk(row, slot, source, &mut payload) };
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
