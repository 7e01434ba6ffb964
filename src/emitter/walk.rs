//! The emit itself: the only place from which listeners are called.
#![allow(
    unsafe_code,
    reason = "it walks over a row that listeners may want to change, see list.rs"
)]

use core::mem;
use core::ptr;

use super::aside::count_late;
use super::emission::Emitted;
use super::event::{Declared, Event};
use super::frame::{
    CONDEMNED, Chain, Frame, MISSED, Nested, READY, ROOT, SEVERAL, SKIPPED, STOPPED, UNSETTLED,
};
use super::list::List;
use super::row::Row;
use super::slot::RawSlot;
use super::special::special;
use super::tally::Tally;

/// So few listeners are called one by one: to find out whether they are alike would take longer than it spares.
const FEW: usize = 4;

/// An outermost emit: ends it, whether it returns or panics.
pub(super) struct Outermost {
    pub(super) row: Row,
}

impl Outermost {
    /// Ends it when the last listener has returned and nothing is noted, and leaves `after` in the row's frame: one of
    /// null, [`READY`] and [`SEVERAL`].
    #[inline(always)]
    fn end(self, after: *const RawSlot) {
        self.row.own.at.set(after);
        mem::forget(self);
    }
}

impl Drop for Outermost {
    #[inline(always)]
    fn drop(&mut self) {
        close_own(self.row);
    }
}

/// Links a nested frame, and takes it out again, whether the emit returns or panics.
pub(super) struct Link<'a> {
    row: Row,
    nested: &'a Nested,
}

impl<'a> Link<'a> {
    pub(super) fn new(row: Row, nested: &'a Nested) -> Self {
        if !row.is_busy() {
            row.own.at.set(ROOT); // it is observed: those inside of it go the longer way too
        }
        row.nested.set(Chain::of(nested));
        Self { row, nested }
    }
}

impl Drop for Link<'_> {
    fn drop(&mut self) {
        close(self.row, self.nested);
    }
}

/// Ends an outermost emit. A function of its own, so that nobody keeps at hand what only this needs.
#[cold]
#[inline(never)]
fn close_own(row: Row) {
    close(row, &row.own);
}

/// Ends the innermost emit, whatever has been noted in its frame.
#[cold]
#[inline(never)]
fn close(row: Row, frame: &Frame) {
    if frame.notes() & CONDEMNED != 0 {
        reap(frame); // its listener panicked
    }
    match row.nested.get().frame() {
        Some(nested) => row.nested.set(nested.outer.get()),
        None => row.own.at.set(ROOT),
    }
    if !row.is_walked() && special(&row).is_none() {
        row.own.at.set(ptr::null());
    }
    let is_unsettled = row.removed.get() != 0 || count_late(&row) != 0;
    if row.is_walked() {
        if is_unsettled {
            row.unsettle();
        }
        return;
    }
    // SAFETY: whoever emits has a reference to the list.
    let list = unsafe { row.home() };
    if is_unsettled {
        list.settle(row);
    }
    list.tell();
}

/// Ends an outermost emit whose last listener has returned. All before it were heeded, and something is noted.
///
/// If all listeners were there for this one time, and nothing else is to be done, which is the lot of most `once`, that
/// is done here: [`close`] has many questions.
#[cold]
#[inline(never)]
fn finish(row: Row) -> Tally {
    let outermost = Outermost { row };
    let called = Tally::called(row.count());
    if row.own.notes() != UNSETTLED {
        return heed(&row.own, called);
    }
    if row.removed.get() as usize == row.count() && row.aside_is_empty() {
        row.reset();
        outermost.end(ptr::null());
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
        self.call_all(source, payload).into()
    }

    /// The same for who makes an [`Emitted`] of the result where nothing of that is needed in memory.
    #[inline(always)]
    pub(super) fn call_all(&self, source: &S, payload: E::Payload<'_>) -> Tally {
        self.call_guarded(source, payload, ())
    }

    /// The same. If nothing has to be heeded, as a removal has, the guard is forgotten in the end; else, or if there
    /// is not just one listener, it is dropped. After an outermost emit has been taken out of its row nothing of the
    /// user's runs, unless the list has become special.
    #[inline(always)]
    pub(super) fn call_guarded<G>(&self, source: &S, payload: E::Payload<'_>, guard: G) -> Tally {
        let Some(row) = self.row() else { return Tally::NOBODY };
        if row.is_busy() {
            return self.emit_nested(source, payload, row, None);
        }
        let Some(only) = row.only() else {
            return Self::call_several(source, payload, row, ptr::null());
        };
        row.own.stop.set(only);
        // SAFETY: no emit is under way, and there is this one slot.
        unsafe { Self::call_one::<_, false>(row, source, payload, guard, ptr::null()) }
    }

    /// The same as [`call_all`](Self::call_all), unless the emitter's gate is open: then `gated` is to emit. A list that
    /// is ready need not ask; one that is not is left ready, if it can.
    ///
    /// Most events have one listener, and their list is [ready](READY) most of the time. For them nothing is done or
    /// kept at hand that only others would need.
    #[inline(always)]
    pub(super) fn call_unless_gated<'a>(
        &self,
        source: &S,
        payload: E::Payload<'a>,
        is_gated: impl FnOnce() -> bool,
        gated: impl FnOnce(E::Payload<'a>) -> Tally,
    ) -> Tally {
        match self.row() {
            // SAFETY: that it is ready says that no emit is under way, and that there is one slot.
            Some(row) if row.is_ready() => unsafe {
                Self::call_one::<_, false>(row, source, payload, (), READY)
            },
            Some(row) if row.is_ready_for_several() => {
                Self::call_several(source, payload, row, SEVERAL)
            }
            _ if is_gated() => gated(payload),
            None => Tally::NOBODY,
            Some(row) if row.is_busy() => self.emit_nested(source, payload, row, None),
            Some(row) if row.only().is_some() => Self::get_ready(source, payload, row),
            Some(row) => Self::call_several(source, payload, row, SEVERAL),
        }
    }

    /// The same, if the list is ready for one listener; else it gives the payload back.
    #[cfg_attr(not(feature = "net"), allow(dead_code, reason = "only sockets have such an event"))]
    #[inline(always)]
    pub(super) fn call_ready<'a>(
        &self,
        source: &S,
        payload: E::Payload<'a>,
    ) -> Result<Tally, E::Payload<'a>> {
        match self.row() {
            // SAFETY: that it is ready says that no emit is under way, and that there is one slot.
            Some(row) if row.is_ready() => unsafe {
                Ok(Self::call_one::<_, true>(row, source, payload, (), READY))
            },
            _ => Err(payload),
        }
    }

    /// An outermost emit for one listener, which leaves the list ready. The emitter's gate is not open.
    #[cold]
    #[inline(never)]
    fn get_ready(source: &S, payload: E::Payload<'_>, row: Row) -> Tally {
        row.own.stop.set(row.first());
        // SAFETY: no emit is under way, and there is one slot.
        unsafe { Self::call_one::<_, false>(row, source, payload, (), READY) }
    }

    /// An outermost emit for one listener, which leaves `after` in the row's frame. If something has to be heeded the
    /// guard is dropped, else it is forgotten. `HERE` says where the emit is ended if the listener panics: here, which is best
    /// where this is compiled into one place, or in the listener's own function, which is best for all others.
    ///
    /// # Safety
    ///
    /// No emit is under way, there is one slot, and nothing is noted.
    #[inline(always)]
    unsafe fn call_one<G, const HERE: bool>(
        row: Row,
        source: &S,
        payload: E::Payload<'_>,
        guard: G,
        after: *const RawSlot,
    ) -> Tally {
        let slot = row.first();
        row.own.at.set(slot);
        // SAFETY: slots stay where they are while an emit is under way. None was, so no listener runs.
        unsafe {
            if HERE {
                let outermost = Outermost { row };
                (*slot).call::<S, E>(row, source, payload);
                mem::forget(outermost);
            } else {
                (*slot).call_alone::<S, E>(row, source, payload);
            }
        }
        if row.own.is_noted() {
            return finish(row);
        }
        row.own.at.set(after);
        mem::forget(guard);
        Tally::called(1)
    }

    /// An outermost emit for any number of listeners, which leaves `after` in the row's frame. It is said to be cold for that
    /// of a ready list to come first in the code; its loops are elsewhere, where they are aligned.
    #[cold]
    #[inline(never)]
    fn call_several(
        source: &S,
        mut payload: E::Payload<'_>,
        row: Row,
        after: *const RawSlot,
    ) -> Tally {
        let (first, end) = row.ends();
        if first == end {
            return Tally::NOBODY;
        }
        let others = others::<S, E>(end);
        let frame = &row.own;
        frame.stop.set(others);
        let outermost = Outermost { row };
        let mut next = first;
        // SAFETY: it is the only emit, nobody runs, and there is a slot.
        if let Some(run) = unsafe { RawSlot::run_from::<S, E>(first, others) } {
            // SAFETY: the same.
            next = unsafe { run(first, source, E::lend(&mut payload), row) };
        }
        let few = others.wrapping_sub(FEW);
        while next < frame.stop.get() {
            // SAFETY: the same, for each in turn.
            next = unsafe {
                if next < few {
                    Self::walk(row, next, source, &mut payload)
                } else {
                    Self::step(row, next, source, &mut payload)
                }
            };
        }
        if next != frame.stop.get() {
            mem::forget(outermost);
            return Self::resume(row, next, source, payload);
        }
        if !E::LENT {
            frame.at.set(next);
            // SAFETY: as in `walk`.
            unsafe { (*next).call::<S, E>(row, source, payload) };
            if next != frame.stop.get() {
                mem::forget(outermost);
                return finish(row);
            }
        }
        outermost.end(after);
        Tally::called(row.count())
    }

    /// Calls the listeners from `slot` on, until the row's own frame says stop; says where that was. Listeners with
    /// the same closure call each other on, which spares most of what it takes to find out what to call.
    ///
    /// # Safety
    ///
    /// The emit is the outermost and the innermost, no listener runs, and `stop` is behind `slot`, but not behind the
    /// end of the row.
    #[inline(never)]
    unsafe fn walk(
        row: Row,
        mut slot: *const RawSlot,
        source: &S,
        payload: &mut E::Payload<'_>,
    ) -> *const RawSlot {
        loop {
            // SAFETY: as the caller promises, for each in turn.
            slot = unsafe {
                match RawSlot::run_from::<S, E>(slot, row.own.stop.get()) {
                    Some(run) => run(slot, source, E::lend(payload), row),
                    None => Self::step(row, slot, source, payload),
                }
            };
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
        row: Row,
        mut slot: *const RawSlot,
        source: &S,
        mut payload: E::Payload<'_>,
    ) -> Tally {
        let others = others::<S, E>(row.ends().1);
        if E::LENT && slot == others {
            return finish(row);
        }
        let (frame, _outermost) = (&row.own, Outermost { row });
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
