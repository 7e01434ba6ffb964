//! The one storage structure: the listeners of one event, in order.
//!
//! A list nobody has listened to is a null pointer. Otherwise it has a [`Row`]: the slots side by side,
//! sorted by key. As long as an emit walks there, the row is left as it is, so that the emit can go on
//! whatever a listener does:
//!
//! - One that **removes** a listener takes it out of use in its slot, which remains as a tombstone.
//! - One that **adds** a listener gets its slot put aside, among the `late`; the emit under way does not
//!   look there, a nested one does.
//!
//! When the outermost emit has ended, the late come into the row and the tombstones go.
//!
//! # Invariants
//!
//! 1. While an emit walks, slots stay where they are, in the row and among the late. Whoever walks has a frame in
//!    the row's header.
//! 2. While nobody walks, there is nothing late, and the first and the last slot are no tombstones.
//! 3. No reference to a slot or to a header is alive while code of the user's runs, but for those of an emit, which
//!    are covered by 1.
//! 4. A tombstone owns nothing. A slot that is blocked owns its closure, and its key is among the `blocked`.
#![allow(
    unsafe_code,
    reason = "the row is walked while listeners change it, see slot.rs for the measure"
)]

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::Cell;
use core::fmt;
use core::marker::PhantomData;
use core::mem;
use core::ops::Deref;
use core::panic::Location;
use core::ptr::NonNull;

use super::aside::{block_once_more, count_late, is_blocked, is_watched, look_aside, put_aside};
use super::dump::ListenerDump;
use super::event::{Declared, Event};
use super::kind::Verdict;
pub(crate) use super::place::Place;
use super::row::Row;
use super::slot::{Captures, RawSlot, Slot};
use super::special::{is_leaving, leaves, reap_leaving};

/// The listeners of one event of one emitter.
pub struct List<S: Declared, E: Event<S>> {
    raw: RawList,
    event: PhantomData<fn(&S, E)>,
}

/// The same, without the types: all that can be done with listeners but to add and to call them.
pub struct RawList {
    row: Cell<Option<Row>>,
}

impl<S: Declared, E: Event<S>> List<S, E> {
    /// Adds a listener, the `number`-th of the emitter, under a key that no other has had. Says how many slots there
    /// are now, tombstones included.
    #[inline(always)]
    pub(super) fn add(&self, number: i64, key: i64, slot: impl FnOnce() -> Slot<S, E>) -> usize {
        let slot = || slot().raw;
        match self.row() {
            Some(row) if row.has_room_for(number, key) => {
                // SAFETY: it has room. The slot is made in its place, which runs no code of the user's.
                unsafe { row.push(slot()) };
                row.count()
            }
            _ => self.add_elsewhere(number, slot()),
        }
    }
}

impl RawList {
    #[inline(always)]
    pub(super) fn row(&self) -> Option<Row> {
        self.row.get()
    }

    /// Adds one that is not the last, or not yet, or for which there is no room.
    #[inline(never)]
    fn add_elsewhere(&self, number: i64, slot: RawSlot) -> usize {
        let Some(row) = self.row() else {
            self.row.set(Some(Row::with_first(self, number, slot)));
            return 1;
        };
        if self.count() == 0 {
            row.begin(number);
        }
        if row.is_walked() {
            let slot = NonNull::from(Box::leak(Box::new(slot)));
            put_aside(&row, |aside| aside.late.push(slot));
            row.unsettle();
        } else {
            // SAFETY: nobody walks; from here on the list has the only copy of the pointer.
            self.row.set(Some(unsafe { row.insert(slot) }));
        }
        self.tell();
        self.count()
    }

    /// The row, made if there is none.
    pub(super) fn row_or_new(&self) -> Row {
        let row = self.row().unwrap_or_else(|| Row::new(self));
        self.row.set(Some(row));
        row
    }

    /// How many listeners there are.
    pub(super) fn count(&self) -> usize {
        self.row().map_or(0, Row::listeners)
    }

    /// When the event came to have listeners.
    pub(super) fn since(&self) -> usize {
        self.row().map_or(0, Row::since)
    }

    /// Where the listeners were registered.
    pub(super) fn locations(&self) -> Vec<&'static Location<'static>> {
        let row = self.row();
        row.iter().flat_map(live).map(|slot| slot.location).collect()
    }

    /// Where one was registered, if it is there.
    pub(super) fn location(&self, key: i64) -> Option<&'static Location<'static>> {
        let row = self.row()?;
        find(&row, key).filter(|slot| is_live(&row, slot)).map(|slot| slot.location)
    }

    /// Each listener as it is now, in the order in which they are called.
    pub(super) fn standing(&self) -> Vec<ListenerDump> {
        let Some(row) = self.row() else { return Vec::new() };
        let standing = |slot: &RawSlot| {
            let blocked = look_aside(&row, |aside| {
                let blocked = aside.blocked.iter().find(|blocked| blocked.key == slot.key);
                blocked.map(|blocked| blocked.kind.get().how)
            });
            ListenerDump {
                key: slot.key,
                kind: blocked.unwrap_or_else(|| slot.how()),
                location: slot.location,
                blocked: blocked.is_some(),
                running: row.outermost_running(slot).is_some(),
            }
        };
        let mut listeners: Vec<_> = live(&row).map(standing).collect();
        listeners.sort_by_key(|listener| listener.key);
        listeners
    }

    /// Has it been said that there are suspiciously many?
    #[inline]
    pub(super) fn has_warned(&self) -> bool {
        self.row().is_some_and(Row::has_warned)
    }

    /// It is said that there are suspiciously many, once as long as there are any.
    pub(super) fn warn(&self) {
        self.row().into_iter().for_each(Row::warn);
    }

    /// Lets it know who is to be told of removals: a `Weak<Watch<_>>`.
    pub(super) fn link<W: Clone + 'static>(&self, watch: &W) {
        if let Some(row) = self.row().filter(|row| !is_watched(*row)) {
            put_aside(&row, |aside| aside.watch = Some(Box::new(watch.clone())));
        }
    }

    /// The next emit has to ask what there is to do.
    pub(super) fn unready(&self) {
        self.row().into_iter().for_each(Row::unready_by_and_by);
    }

    /// Removes one. Says whether it was there.
    #[inline]
    pub(super) fn remove(&self, key: i64) -> bool {
        let Some(row) = self.row() else { return false };
        let Some(slot) = row.pop(key) else { return self.remove_elsewhere(row, key) };
        // SAFETY: the slot is in use and has just been taken out of the row, which nobody walks over.
        unsafe { RawSlot::discard(slot) };
        true
    }

    /// Removes one that is not the last, or whose removal has more to it.
    #[inline(never)]
    fn remove_elsewhere(&self, row: Row, key: i64) -> bool {
        if let Some(slot) = row.pop_first(key) {
            // SAFETY: as in `remove`.
            unsafe { RawSlot::discard(slot) };
            return true;
        }
        let Some(slot) = find(&row, key).filter(|slot| is_live(&row, slot)) else { return false };
        let captures = take_out(&row, slot);
        sweep(&row);
        drop(captures);
        self.tell();
        true
    }

    /// Removes all.
    pub(super) fn clear(&self) {
        let Some(row) = self.row() else { return };
        if !row.is_busy() && row.aside_is_empty() {
            // There is nothing but slots: what a destructor finds is a list that nobody has listened to.
            self.row.set(None);
            return end(row);
        }
        // First all are out of use, then captures are dropped, which may run any code.
        let captures: Vec<_> = live(&row).filter_map(|slot| take_out(&row, slot)).collect();
        sweep(&row);
        drop(captures);
        self.tell();
    }

    /// Blocks one, or takes a block back. Says whether there is such a listener.
    pub(super) fn block(&self, key: i64, block: bool) -> bool {
        let Some(row) = self.row() else { return false };
        let Some(slot) = find(&row, key).filter(|slot| is_live(&row, slot)) else { return false };
        if block {
            return is_live(&row, slot) && block_once_more(&row, slot);
        }
        let over = look_aside(&row, |aside| {
            let blocked = aside.blocked.iter_mut().find(|blocked| blocked.key == key)?;
            blocked.times -= 1;
            Some(blocked.times == 0)
        });
        if over == Some(true) {
            unblock(&row, slot);
        }
        over.is_some() || !slot.is_gone()
    }

    /// The outermost emit has ended: the late come in, the tombstones go.
    pub(super) fn settle(&self, mut row: Row) {
        let _captures = reap_leaving(&row);
        if count_late(&row) == 0 && row.removed.get() as usize == row.count() {
            return row.reset();
        }
        if row.removed.get() != 0 {
            row.compact(|slot| is_live(&row, slot));
        }
        for slot in look_aside(&row, |aside| mem::take(&mut aside.late)) {
            // SAFETY: it came from a box, and this is the only pointer to it that is left.
            let slot = *unsafe { Box::from_raw(slot.as_ptr()) };
            if is_live(&row, &slot) {
                // SAFETY: nobody walks; from here on this copy of the pointer is used, and the list's.
                row = unsafe { row.insert(slot) };
                self.row.set(Some(row));
            }
        }
    }
}

/// The late slots. They stay where they are until the outermost emit has ended.
pub(super) fn late(row: &Row) -> impl Iterator<Item = &RawSlot> {
    let late = look_aside(row, |aside| aside.late.clone());
    // SAFETY: a late slot is ours, and it is only looked at by those that run before it is moved.
    late.into_iter().map(|slot| unsafe { slot.as_ref() })
}

/// Every slot that is in use, in the order of their keys, but for those that are late.
fn live(row: &Row) -> impl Iterator<Item = &RawSlot> {
    row.slots().iter().chain(late(row)).filter(|slot| is_live(row, slot))
}

pub(super) fn find(row: &Row, key: i64) -> Option<&RawSlot> {
    let slots = row.slots();
    let is_it = |slot: &&RawSlot| slot.key == key;
    let end = slots.first().filter(is_it).or_else(|| slots.last().filter(is_it));
    let place = || slots.binary_search_by_key(&key, |slot| slot.key).ok();
    end.or_else(|| place().map(|at| &slots[at])).or_else(|| late(row).find(is_it))
}

/// Is it a listener still, be it blocked or not?
#[inline]
fn is_live(row: &Row, slot: &RawSlot) -> bool {
    if slot.is_gone() {
        return is_blocked(row, slot);
    }
    !row.is_busy() || !is_leaving(row, slot)
}

/// Lets a blocked listener go on, however often it was blocked.
#[cold]
fn unblock(row: &Row, slot: &RawSlot) {
    let blocked = look_aside(row, |aside| {
        let at = aside.blocked.iter().position(|blocked| blocked.key == slot.key)?;
        Some(aside.blocked.swap_remove(at))
    });
    if let Some(blocked) = blocked {
        // SAFETY: it was blocked, and by invariant 4 it has not been removed since.
        unsafe { slot.unblock(blocked.kind) };
    }
}

/// One that has been called is to be counted as `verdict` says, and may be over. Says whether it has been removed.
#[cold]
pub(super) fn note(row: Row, slot: &RawSlot, verdict: Verdict) -> bool {
    let over = verdict == Verdict::Over && is_live(&row, slot);
    if over {
        // It runs, so its captures go when it has returned.
        drop(take_out(&row, slot));
    }
    if let Some(frame) = row.innermost() {
        frame.miss(verdict);
    }
    over
}

/// One has become a tombstone, being called for the last time. Says whether those who watch are to be told.
#[inline]
pub(super) fn count_used_up(row: Row, slot: &RawSlot) -> bool {
    // One that is leaving has been counted, and told.
    let counts = row.aside_is_empty() || !is_leaving(&row, slot);
    if counts {
        count_removed(&row);
    }
    counts && is_watched(row)
}

#[inline]
pub(super) fn count_removed(row: &Row) {
    row.removed.set(row.removed.get() + 1);
    row.unsettle();
}

/// Takes a slot out of use. The captures come back, unless it runs: then its emit drops them.
fn take_out(row: &Row, slot: &RawSlot) -> Option<Captures> {
    if row.is_walked() && leaves(row, slot) {
        return None;
    }
    if slot.is_gone() {
        unblock(row, slot);
    }
    if let Some(outermost) = row.outermost_running(slot) {
        if slot.condemn() {
            count_removed(row);
            outermost.condemn();
        }
        return None;
    }
    let captures = slot.remove()?;
    count_removed(row);
    Some(captures)
}

/// Some tombstones go, unless an emit walks.
fn sweep(row: &Row) {
    if !row.is_walked() {
        row.sweep(|slot| is_live(row, slot));
    }
}

/// Drops what is captured, in order, and then the row. If a destructor panics, the others still run.
fn end(row: Row) {
    struct Rest(Row);
    impl Drop for Rest {
        fn drop(&mut self) {
            end(self.0);
        }
    }
    let rest = Rest(row);
    while let Some(slot) = row.shift() {
        drop(slot.remove());
    }
    mem::forget(rest);
    // SAFETY: its list is no more.
    unsafe { row.free() };
}

impl Drop for RawList {
    fn drop(&mut self) {
        let Some(row) = self.row.take() else { return };
        for blocked in look_aside(&row, |aside| mem::take(&mut aside.blocked)) {
            if let Some(slot) = find(&row, blocked.key) {
                // SAFETY: it was blocked, and by invariant 4 it has not been removed since.
                unsafe { slot.unblock(blocked.kind) };
            }
        }
        end(row);
    }
}

impl<S: Declared, E: Event<S>> Deref for List<S, E> {
    type Target = RawList;

    #[inline(always)]
    fn deref(&self) -> &RawList {
        &self.raw
    }
}

impl<S: Declared, E: Event<S>> Default for List<S, E> {
    fn default() -> Self {
        Self { raw: RawList { row: Cell::new(None) }, event: PhantomData }
    }
}

impl<S: Declared, E: Event<S>> fmt::Debug for List<S, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.raw.fmt(f)
    }
}

impl fmt::Debug for RawList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.locations()).finish()
    }
}

/// A list whose event is not known: what works on all events of an emitter.
pub trait AnyList {
    /// The event's name.
    fn name(&self) -> &'static str;
    /// The list.
    fn raw(&self) -> &RawList;
}

impl<S: Declared, E: Event<S>> AnyList for List<S, E> {
    fn name(&self) -> &'static str {
        E::NAME
    }

    #[inline]
    fn raw(&self) -> &RawList {
        &self.raw
    }
}

impl Deref for dyn AnyList + '_ {
    type Target = RawList;

    fn deref(&self) -> &RawList {
        self.raw()
    }
}
