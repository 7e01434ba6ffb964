//! A row: the slots of one event side by side, behind their header, in one allocation.
//!
//! So an event with one listener has one allocation, and an emit finds all that it needs near the header. Removing
//! the first or the last slot only moves an end; the room that comes free at the front is taken back when there is
//! as much of it as there are slots.
//!
//! # Invariants
//!
//! 1. A [`Row`] is a plain pointer. The list owns the allocation, and uses no other copy of the pointer once it has
//!    [inserted](Row::insert) a slot or [freed](Row::free) the row.
//! 2. `start` and `end` say where places of this allocation are, `start` not behind `end`. The places between them hold
//!    slots, the others are empty.
//! 3. Slots are sorted by key.
//! 4. Where there is one slot, or none, `start` is the first place.
//! 5. `home` is the list that owns the row. It stays where it is as long as it does: lists are made where their emitter, or
//!    its entry for a name, has them, and by nobody but `events!` and this module's neighbours.
#![allow(
    unsafe_code,
    reason = "one allocation for header and slots, measured: each pointer in between shows in an emit"
)]

use alloc::alloc::{alloc, dealloc, handle_alloc_error, realloc};
use alloc::boxed::Box;
use core::alloc::Layout;
use core::cell::Cell;
use core::ops::Deref;
use core::ptr::{self, NonNull};

use super::aside::{Aside, count_late};
use super::chain::Counter;
use super::frame::{Chain, Frame};
use super::list::RawList;
use super::slot::RawSlot;

/// What stands in front of the slots. What an emit looks at comes last, next to the first of them.
/// It is aligned as they are, also where a pointer is not.
#[repr(C, align(8))]
pub(super) struct Header {
    /// What is seldom needed.
    pub(super) aside: Cell<Option<Box<Aside>>>,
    /// Whose row it is.
    home: NonNull<RawList>,
    /// Those of the emits that are inside of another one, or in a special list.
    pub(super) nested: Cell<Chain>,
    /// What is needed to count nested emits.
    pub(super) counter: Counter,
    /// How many of the slots, in the row and beside it, are tombstones.
    pub(super) removed: Cell<u32>,
    /// Where the last place ends: the size of the allocation. This and what follows is in bytes from the row on.
    limit: Cell<u32>,
    /// Where the first slot is.
    start: Cell<u32>,
    /// Where the last slot ends.
    end: Cell<u32>,
    /// Of the outermost emit.
    pub(super) own: Frame,
}

/// Points to a row.
#[derive(Clone, Copy)]
pub(super) struct Row(NonNull<Header>);

/// Where the first place is.
const FIRST: u32 = size_of::<Header>() as u32;
/// From one place to the next.
const STEP: u32 = size_of::<RawSlot>() as u32;

const _: () = {
    assert!(align_of::<Header>() >= align_of::<RawSlot>(), "slots may follow a header");
    assert!(size_of::<Header>() % align_of::<RawSlot>() == 0, "and do so without a gap");
};

impl Row {
    /// A row with room for one, of this list.
    pub(super) fn new(home: &RawList) -> Self {
        let layout = layout(1);
        // SAFETY: the layout has a size.
        let header = unsafe { alloc(layout) }.cast::<Header>();
        let Some(header) = NonNull::new(header) else { handle_alloc_error(layout) };
        let row = Self(header);
        // SAFETY: it is as large and as aligned as the layout says, which begins with a header.
        unsafe {
            header.write(Header {
                aside: Cell::new(None),
                home: NonNull::from(home),
                nested: Cell::new(Chain::end(0)),
                counter: Counter::new(),
                removed: Cell::new(0),
                limit: Cell::new(layout.size() as u32),
                start: Cell::new(FIRST),
                end: Cell::new(FIRST),
                own: Frame::idle(),
            });
        }
        row
    }

    /// A row with the first listener of its event, by this registration.
    pub(super) fn with_first(home: &RawList, number: i64, slot: RawSlot) -> Self {
        let row = Self::new(home);
        row.begin(number);
        // SAFETY: a new row has room for one.
        unsafe { row.push(slot) };
        row
    }

    /// The same with twice as much room, for another place.
    ///
    /// # Safety
    ///
    /// The row is not used any more, nor any copy of it; what comes back is used instead.
    unsafe fn double(self) -> Self {
        let capacity = self.capacity();
        let (old, new) = (layout(capacity), layout(capacity * 2));
        let limit = u32::try_from(new.size()).expect("no more than 67 million listeners");
        // SAFETY: it came from this allocator with the old layout; the size of the new one has been checked.
        let header = unsafe { realloc(self.0.as_ptr().cast(), old, new.size()) }.cast::<Header>();
        let Some(header) = NonNull::new(header) else { handle_alloc_error(new) };
        let row = Self(header);
        row.limit.set(limit);
        row
    }

    /// Frees the allocation. What is in slots that are left is lost.
    ///
    /// # Safety
    ///
    /// The row is not used any more, nor any copy of it.
    pub(super) unsafe fn free(self) {
        drop(self.aside.take());
        // SAFETY: it came from this allocator with that layout.
        unsafe { dealloc(self.0.as_ptr().cast(), layout(self.capacity())) }
    }

    /// The list that owns it.
    ///
    /// # Safety
    ///
    /// It does for as long as the caller has this.
    pub(super) unsafe fn home<'a>(self) -> &'a RawList {
        // SAFETY: invariant 5.
        unsafe { self.home.as_ref() }
    }

    /// What is so far behind the row, which is one of its places or where the last one ends.
    #[inline(always)]
    fn at(self, place: u32) -> *mut RawSlot {
        // SAFETY: the places lie behind the header, in the same allocation.
        unsafe { self.0.as_ptr().byte_add(place as usize).cast() }
    }

    fn capacity(self) -> usize {
        ((self.limit.get() - FIRST) / STEP) as usize
    }

    /// How many places there are in front of the first slot.
    fn room(self) -> usize {
        ((self.start.get() - FIRST) / STEP) as usize
    }

    /// The first slot, and where the last one ends.
    #[inline(always)]
    pub(super) fn ends(self) -> (*const RawSlot, *const RawSlot) {
        (self.at(self.start.get()), self.at(self.end.get()))
    }

    /// The first place. Where it is follows from where the row is: what calls the slot there, if it is the only one, need
    /// not wait for anything to be read.
    #[inline(always)]
    pub(super) fn first(self) -> *const RawSlot {
        self.at(FIRST)
    }

    /// The slot, if there is just one.
    #[inline(always)]
    pub(super) fn only(self) -> Option<*const RawSlot> {
        debug_assert!(self.start.get() == FIRST || self.count() > 1, "invariant 4");
        (self.end.get() == FIRST + STEP).then_some(self.first())
    }

    /// Is nothing aside?
    #[inline]
    pub(super) fn aside_is_empty(self) -> bool {
        // SAFETY: the cell is only looked into, and nobody else does meanwhile.
        unsafe { (*self.aside.as_ptr()).is_none() }
    }

    /// How many slots there are, tombstones included.
    #[inline]
    pub(super) fn count(self) -> usize {
        ((self.end.get() - self.start.get()) / STEP) as usize
    }

    /// How many listeners there are, late ones included.
    pub(super) fn listeners(self) -> usize {
        self.count() + count_late(&self) - self.removed.get() as usize
    }

    /// The slots in the row. As long as the slice is used, none is added, and none is taken out.
    pub(super) fn slots(&self) -> &[RawSlot] {
        // SAFETY: by invariant 2 they are there; slots change through cells only.
        unsafe { core::slice::from_raw_parts(self.at(self.start.get()), self.count()) }
    }

    /// Does a slot with this key belong at the end, is there room, and does nobody walk? `number` is that of its
    /// registration.
    #[inline(always)]
    pub(super) fn has_room_for(self, number: i64, key: i64) -> bool {
        let end = self.end.get();
        if self.is_busy() || end == self.limit.get() {
            return false;
        }
        if end == self.start.get() {
            self.nested.set(Chain::end(number));
            return true;
        }
        // SAFETY: the row is not empty, so there is a slot before its end.
        unsafe { (*self.at(end - STEP)).key < key }
    }

    /// Adds a slot at the end.
    ///
    /// # Safety
    ///
    /// There [is room for it](Self::has_room_for).
    #[inline(always)]
    pub(super) unsafe fn push(self, slot: RawSlot) {
        let end = self.end.get();
        // SAFETY: the place is within the row, and empty. Nobody walks, so nobody looks at it.
        unsafe { self.at(end).write(slot) };
        self.end.set(end + STEP);
        self.own.at.set(ptr::null()); // it is not busy
    }

    /// Adds a slot where its key belongs; the row may move for it. Nobody walks.
    ///
    /// # Safety
    ///
    /// The row is not used any more, nor any copy of it; what comes back is used instead.
    pub(super) unsafe fn insert(mut self, slot: RawSlot) -> Self {
        let at = self.slots().partition_point(|other| other.key < slot.key);
        // SAFETY: there is room for one before the first, or made for one behind the last. `at` is at most the number
        // of slots, and slots are moved by moving their bytes.
        unsafe {
            if at == 0 && self.start.get() > FIRST {
                self.start.set(self.start.get() - STEP);
            } else {
                if self.end.get() == self.limit.get() {
                    self = self.double();
                }
                let place = self.at(self.start.get()).add(at);
                ptr::copy(place, place.add(1), self.count() - at);
                self.end.set(self.end.get() + STEP);
            }
            self.at(self.start.get()).add(at).write(slot);
        }
        self.unready();
        self
    }

    /// Takes the last slot out, if it has this key, is in use, and there is nothing else to be done: nobody walks, and
    /// there is neither a tombstone nor room at the front. It stays in its place until another one comes there.
    #[inline(always)]
    pub(super) fn pop(self, key: i64) -> Option<*const RawSlot> {
        let (start, end) = (self.start.get(), self.end.get());
        let plain = start == FIRST && self.removed.get() == 0 && !self.is_busy();
        if !plain || start == end {
            return None;
        }
        let last = self.at(end - STEP);
        // SAFETY: the row is not empty, so there is a slot before its end.
        let slot = unsafe { &*last };
        if slot.key != key || slot.is_gone() {
            return None;
        }
        self.end.set(end - STEP);
        self.own.at.set(ptr::null()); // it is not busy
        Some(last)
    }

    /// Takes the first slot out, on the same terms; but there may be room at the front, as long as there are more slots.
    /// It stays in its place until another one comes there.
    #[inline]
    pub(super) fn pop_first(self, key: i64) -> Option<*const RawSlot> {
        let start = self.start.get();
        // What is left and the room at the front, when it has been taken out.
        let (slots, room) = (self.count().checked_sub(1)?, self.room() + 1);
        if self.is_busy() || self.removed.get() != 0 || room >= slots {
            return None;
        }
        let first = self.at(start);
        // SAFETY: the row is not empty, so its first slot is there.
        let slot = unsafe { &*first };
        if slot.key != key || slot.is_gone() {
            return None;
        }
        self.start.set(start + STEP); // two at least are left, so there were more: it was not ready
        Some(first)
    }

    /// Takes the first slot out, be it in use or not.
    pub(super) fn shift(self) -> Option<RawSlot> {
        let (start, end) = (self.start.get(), self.end.get());
        if start == end {
            return None;
        }
        self.start.set(start + STEP);
        // SAFETY: there is a slot, which is not in the row any more now that `start` is behind it.
        Some(unsafe { self.at(start).read() })
    }

    /// Takes all slots out, which are tombstones. Nobody walks.
    pub(super) fn reset(self) {
        self.start.set(FIRST);
        self.end.set(FIRST);
        self.removed.set(0);
        self.unready();
    }

    /// Takes tombstones out, of which there are [`removed`](Header::removed): those at both ends at once, the others
    /// when they, and the room at the front, are as many as the slots in use. So a removal takes constant time, taken
    /// over many. Nobody walks.
    pub(super) fn sweep(self, is_live: impl Fn(&RawSlot) -> bool) {
        let slots = self.slots();
        let (mut from, mut to, mut removed) = (0, slots.len(), self.removed.get());
        while removed != 0 && !is_live(&slots[from]) {
            (from, removed) = (from + 1, removed - 1);
        }
        while removed != 0 && !is_live(&slots[to - 1]) {
            (to, removed) = (to - 1, removed - 1);
        }
        let idle = self.room() + from + removed as usize;
        let start = self.start.get();
        self.end.set(start + to as u32 * STEP);
        self.start.set(start + from as u32 * STEP);
        self.removed.set(removed);
        self.unready();
        if idle >= to - from - removed as usize {
            self.compact(is_live);
        }
    }

    /// Takes all tombstones out, and moves the others to the first places. Nobody walks.
    pub(super) fn compact(self, is_live: impl Fn(&RawSlot) -> bool) {
        let (mut from, end) = self.ends();
        let mut to = self.at(FIRST);
        // SAFETY: a slot is moved by moving its bytes, to a place no further back, from which another one has been
        // moved, or which is empty, or whose slot is a tombstone and owns nothing.
        unsafe {
            if self.removed.get() == 0 {
                ptr::copy(from, to, self.count());
                to = to.add(self.count());
                from = end;
            }
            while from != end {
                if is_live(&*from) {
                    ptr::copy(from, to, 1);
                    to = to.add(1);
                }
                from = from.add(1);
            }
        }
        self.removed.set(0);
        self.start.set(FIRST);
        self.end.set((to.addr() - self.0.addr().get()) as u32);
        self.unready();
    }
}

fn layout(capacity: usize) -> Layout {
    let slots = Layout::array::<RawSlot>(capacity);
    let both = slots.and_then(|slots| Layout::new::<Header>().extend(slots));
    both.expect("more listeners than memory could hold").0
}

impl Deref for Row {
    type Target = Header;

    #[inline(always)]
    fn deref(&self) -> &Header {
        // SAFETY: invariant 1; a header changes through cells only.
        unsafe { self.0.as_ref() }
    }
}

#[cfg(all(test, target_pointer_width = "64", feature = "std"))]
mod tests {
    use super::layout;

    #[test]
    fn an_event_with_one_listener_takes_no_more_than_was_meant_for_it() {
        // With the word that most allocators add it is 112, which is one of their sizes.
        assert_eq!(layout(1).size(), 104);
    }
}
