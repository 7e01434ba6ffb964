//! Where the emits of an event are: a frame for each, so that what listeners do is heeded by those it concerns.
#![allow(unsafe_code, reason = "frames on the stack are linked to their row, see walk.rs")]

use core::cell::Cell;
use core::ops::Deref;
use core::ptr;

use super::kind::Verdict;
use super::row::{Header, Row};
use super::slot::RawSlot;

/// Where an emit is. That of an outermost emit is in its row's header, those of the emits inside of it are [`Nested`].
pub(super) struct Frame {
    /// The slot whose listener runs, or [`NOBODY`]. In a row's own frame also null, [`READY`] or [`SEVERAL`], if no emit
    /// is there, or [`ROOT`].
    pub(super) at: Cell<*const RawSlot>,
    /// The slot before which the walk stops. If there is something to be heeded, a set of [`Notes`] instead: then it
    /// stops where it is. So the walk asks for both at once.
    pub(super) stop: Cell<*const RawSlot>,
}

/// The frame of an emit that is inside of another one, or in a special list; on the stack.
pub(super) struct Nested {
    frame: Frame,
    /// The next one further out.
    pub(super) outer: Cell<Chain>,
}

/// The frames on the stack, from the innermost outwards. Behind the last one stands a number, so that it takes no memory
/// of its own: that of the registration by which the event came to have listeners. Two bits below it say that it is one,
/// and whether it has been said that there are suspiciously many.
#[derive(Clone, Copy)]
pub(super) struct Chain(*const Nested);

/// A number, and no frame.
const NUMBER: usize = 1;
/// It has been said that there are suspiciously many listeners.
const WARNED: usize = 2;
/// Numbers stand above these bits.
const NUMBER_AT: u32 = 2;
// A frame's address has none of them.
const _: () = assert!(align_of::<Nested>() > NUMBER | WARNED);

impl Chain {
    /// Without a frame. Where words are short, the numbers after the first billion are one.
    #[inline(always)]
    pub(super) const fn end(number: i64) -> Self {
        let fits = usize::BITS >= i64::BITS || number >> (usize::BITS - NUMBER_AT) == 0;
        let number = if fits { number as usize } else { usize::MAX >> NUMBER_AT };
        Self(ptr::without_provenance(number << NUMBER_AT | NUMBER))
    }

    pub(super) fn of(innermost: &Nested) -> Self {
        Self(innermost)
    }

    /// The innermost frame.
    #[inline]
    pub(super) fn frame<'a>(self) -> Option<&'a Nested> {
        // SAFETY: it is no number, so it is a frame. That is linked as long as it is on the stack, and it is only
        // borrowed for as long as the caller runs, who does so further up the stack.
        (self.0.addr() & NUMBER == 0).then(|| unsafe { &*self.0 })
    }
}

/// No emit is in this frame, and the next one has nothing to ask: there is just one slot, nothing is noted, and the
/// emitter's gate is not open. So an emit leaves it; whoever changes any of that takes it away.
pub(super) const READY: *const RawSlot = ptr::without_provenance(1);
/// The same with several slots.
pub(super) const SEVERAL: *const RawSlot = ptr::without_provenance(2);
/// An emit is under way, and no listener runs.
const NOBODY: *const RawSlot = ptr::without_provenance(3);
/// No emit is in this frame, and none shall be: the list is special, or all emits there are nested ones, for somebody
/// observes.
pub(super) const ROOT: *const RawSlot = ptr::without_provenance(4);

/// What is to be done when the listener that runs has returned, or in the end; seldom anything.
pub(super) type Notes = usize;
/// It was removed while it ran: its captures go when it has returned.
pub(super) const CONDEMNED: Notes = 1;
/// It does not count as called.
pub(super) const MISSED: Notes = 2;
/// It counts as skipped.
pub(super) const SKIPPED: Notes = 4;
/// There is something for `close` (walk.rs) to do in the end.
pub(super) const UNSETTLED: Notes = 8;
/// It intercepted the event: those after it are not called.
pub(super) const STOPPED: Notes = 16;
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
    pub(super) fn notes(&self) -> Notes {
        let noted = self.stop.get().addr();
        if noted < NOTES { noted } else { 0 }
    }

    /// Is anything noted? Only of the frame of an emit, which has a `stop`.
    #[inline(always)]
    pub(super) fn is_noted(&self) -> bool {
        self.stop.get().addr() < NOTES
    }

    #[inline]
    pub(super) fn note(&self, more: Notes) {
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
        Self { frame, outer: Cell::new(row.nested.get()) }
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
        self.own.at.get().addr() > SEVERAL.addr()
    }

    /// Does an emit only have to call the one listener?
    #[inline(always)]
    pub(super) fn is_ready(self) -> bool {
        let is_ready = self.own.at.get() == READY;
        debug_assert!(!is_ready || self.only().is_some() && !self.own.is_noted(), "what it means");
        is_ready
    }

    /// Does an emit only have to call the listeners?
    #[inline(always)]
    pub(super) fn is_ready_for_several(self) -> bool {
        let is_ready = self.own.at.get() == SEVERAL;
        debug_assert!(!is_ready || self.count() > 1, "what it means");
        is_ready
    }

    /// The next emit has to ask what there is to do. Nobody walks.
    #[inline]
    pub(super) fn unready(self) {
        if !self.is_busy() {
            self.own.at.set(ptr::null());
        }
    }

    /// The same, also if an emit is under way: that one does not leave it ready.
    pub(super) fn unready_by_and_by(self) {
        self.unready();
        if self.is_busy() {
            self.own.note(UNSETTLED);
        }
    }

    /// Is an emit under way?
    #[inline]
    pub(super) fn is_walked(self) -> bool {
        self.is_busy() && (self.own.at.get() != ROOT || self.nested.get().frame().is_some())
    }

    /// The number that stands behind the frames.
    fn behind_frames(&self) -> &Cell<Chain> {
        let mut last = &self.nested;
        while let Some(nested) = last.get().frame() {
            last = &nested.outer;
        }
        last
    }

    /// The number of the registration by which the event came to have listeners.
    pub(super) fn since(self) -> usize {
        self.behind_frames().get().0.addr() >> NUMBER_AT
    }

    /// The event comes to have listeners, with this registration.
    pub(super) fn begin(self, number: i64) {
        self.behind_frames().set(Chain::end(number));
    }

    /// Has it been said that there are suspiciously many listeners?
    pub(super) fn has_warned(self) -> bool {
        self.behind_frames().get().0.addr() & WARNED != 0
    }

    /// It is said that there are suspiciously many listeners.
    pub(super) fn warn(self) {
        let number = self.behind_frames();
        number.set(Chain(ptr::without_provenance(number.get().0.addr() | WARNED)));
    }

    /// The frames of emits that are under way, from the innermost outwards.
    fn frames<'a>(&'a self) -> impl Iterator<Item = &'a Frame> {
        let mut nested = self.nested.get();
        let own = Some(&self.own).filter(|own| self.is_busy() && own.at.get() != ROOT);
        let nested = core::iter::from_fn(move || {
            let inner: &'a Nested = nested.frame()?;
            nested = inner.outer.get();
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
