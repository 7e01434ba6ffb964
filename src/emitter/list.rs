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
#![allow(
    unsafe_code,
    reason = "the row is walked while listeners change it, see slot.rs for the measure"
)]

use alloc::boxed::Box;
use alloc::rc::Weak;
use alloc::vec::Vec;
use core::any::Any;
use core::cell::{Cell, OnceCell, RefCell, UnsafeCell};
use core::fmt;
use core::panic::Location;
use core::ptr::NonNull;

use super::dump::ListenerDump;
use super::emission::Emitted;
use super::event::{Declared, Event};
use super::info::ListenerInfo;
use super::listener::Listener;
pub(super) use super::place::Place;
use super::slot::{Captures, Slot, Verdict};
use super::walk::Frame;
use super::watch::Watch;

/// The listeners of one event of one emitter.
pub struct List<S: Declared, E: Event<S>> {
    row: OnceCell<Box<Row<S, E>>>,
}

/// The slots, and the emits that walk over them.
///
/// # Invariants
///
/// 1. While `frame` is not null, `slots` is neither changed nor moved.
/// 2. While `frame` is null, `late` is empty.
/// 3. No reference into `slots` or `late` is alive while code of the user's runs, but for those of an
///    emit, which are covered by 1.
pub(super) struct Row<S: Declared, E: Event<S>> {
    slots: UnsafeCell<Vec<Slot<S, E>>>,
    /// Added while an emit walked; each by itself, so that they stay where they are.
    late: UnsafeCell<Vec<NonNull<Slot<S, E>>>>,
    /// The innermost emit that is under way.
    frame: Cell<*const Frame<S, E>>,
    /// How many of `slots` and `late` are tombstones.
    removed: Cell<usize>,
    /// The keys of those that are blocked, and how many times each.
    blocked: RefCell<Vec<(i64, usize)>>,
    /// The number of the registration by which the event came to have listeners.
    since: Cell<i64>,
    /// Has it been said that there are suspiciously many?
    warned: Cell<bool>,
    /// Who is told of removals, if somebody ever wanted to be.
    watch: OnceCell<Weak<Watch<S>>>,
}

impl<S: Declared, E: Event<S>> List<S, E> {
    /// Calls the listeners in order.
    #[inline(always)]
    pub(super) fn emit(&self, source: &S, payload: E::Payload<'_>) -> Emitted {
        match self.row.get() {
            Some(row) => row.emit(source, payload),
            None => Emitted::NOBODY,
        }
    }

    /// Adds a listener, the `number`-th of the emitter, under a key that no other has had. Says how many
    /// there are now.
    pub(super) fn add(&self, number: i64, slot: Slot<S, E>) -> usize {
        let row = self.row.get_or_init(Box::default);
        let count = row.len() + 1;
        if count == 1 {
            row.since.set(number);
            row.warned.set(false);
        }
        if row.is_walked() {
            let slot = NonNull::from(Box::leak(Box::new(slot)));
            // SAFETY: invariant 3.
            unsafe { (*row.late.get()).push(slot) };
        } else {
            // SAFETY: invariants 1 and 3: nobody walks, so it may be changed.
            insert(unsafe { &mut *row.slots.get() }, slot);
        }
        count
    }

    /// Is it to be said that there are suspiciously many? Once, as long as there are any.
    pub(super) fn warn(&self) -> bool {
        self.row.get().is_some_and(|row| !row.warned.replace(true))
    }
}

/// Most come to the end.
fn insert<S: Declared, E: Event<S>>(slots: &mut Vec<Slot<S, E>>, slot: Slot<S, E>) {
    if slots.last().is_some_and(|last| last.key > slot.key) {
        let at = slots.partition_point(|other| other.key < slot.key);
        slots.insert(at, slot);
    } else {
        slots.push(slot);
    }
}

impl<S: Declared, E: Event<S>> Row<S, E> {
    pub(super) fn frame(&self) -> *const Frame<S, E> {
        self.frame.get()
    }

    pub(super) fn set_frame(&self, frame: *const Frame<S, E>) {
        self.frame.set(frame);
    }

    fn is_walked(&self) -> bool {
        !self.frame.get().is_null()
    }

    /// The slots in the row. The caller has set, or is about to set, a frame, or runs no code of the user's
    /// as long as it has the slice.
    #[inline(always)]
    pub(super) fn slots(&self) -> &[Slot<S, E>] {
        // SAFETY: by invariants 1 and 3 the row is not changed while somebody looks at it.
        unsafe { &*self.slots.get() }
    }

    pub(super) fn late(&self) -> &[NonNull<Slot<S, E>>] {
        // SAFETY: by invariant 3 nobody adds while somebody looks, who copies what has to outlive that.
        unsafe { &*self.late.get() }
    }

    /// The number of listeners.
    fn len(&self) -> usize {
        self.slots().len() + self.late().len() - self.removed.get()
    }

    /// Is there anything for [`settle`](Self::settle) to do?
    #[inline(always)]
    pub(super) fn is_unsettled(&self) -> bool {
        self.removed.get() != 0 || !self.late().is_empty()
    }

    pub(super) fn count_removed(&self) {
        self.removed.set(self.removed.get() + 1);
    }

    /// Is there, or was there ever, somebody who watches?
    #[inline]
    pub(super) fn is_watched(&self) -> bool {
        self.watch.get().is_some()
    }

    /// Tells who watches that a listener has been taken out of use.
    #[cold]
    pub(super) fn tell_removed(&self, slot: &Slot<S, E>, source: &S) {
        let watch = self.watch.get().and_then(Weak::upgrade);
        if let Some(watch) = watch.filter(|watch| watch.removed.count() != 0) {
            let listener = Listener { key: slot.key, serial: watch.serial, event: E::INDEX.into() };
            let (others, location) = (self.len(), slot.location);
            let info = ListenerInfo::new(E::NAME, E::INDEX, others, location, Some(listener));
            watch.tell_removed(source, info);
        }
    }

    fn find(&self, key: i64) -> Option<&Slot<S, E>> {
        let slots = self.slots();
        let newest = slots.last().filter(|slot| slot.key == key);
        let found = newest.or_else(|| {
            slots.binary_search_by_key(&key, |slot| slot.key).ok().map(|at| &slots[at])
        });
        found.or_else(|| self.late_slots().find(|slot| slot.key == key))
    }

    /// The late slots. They stay where they are until the outermost emit has ended.
    pub(super) fn late_slots(&self) -> impl Iterator<Item = &Slot<S, E>> {
        // SAFETY: a late slot is ours, and it is only looked at by those that run before it is moved.
        self.late().iter().map(|slot| unsafe { slot.as_ref() })
    }

    /// Every slot that is in use, in the order of their keys, but for those that are late.
    fn live(&self) -> impl Iterator<Item = &Slot<S, E>> {
        self.slots().iter().chain(self.late_slots()).filter(|slot| self.is_live(slot))
    }

    /// Is it a listener still, be it blocked or not?
    #[inline]
    fn is_live(&self, slot: &Slot<S, E>) -> bool {
        slot.is_callable() || self.is_blocked(slot)
    }

    #[cold]
    fn is_blocked(&self, slot: &Slot<S, E>) -> bool {
        self.blocked.borrow().iter().any(|(key, _)| *key == slot.key)
    }

    fn standing(&self, slot: &Slot<S, E>) -> ListenerDump {
        ListenerDump {
            key: slot.key,
            kind: slot.how(),
            location: slot.location,
            blocked: self.is_blocked(slot),
            running: Frame::outermost_running(self.frame.get(), slot).is_some(),
        }
    }

    /// Blocks a listener once more, or takes a block back.
    fn block(&self, slot: &Slot<S, E>, block: bool) {
        let mut blocked = self.blocked.borrow_mut();
        let at = blocked.iter().position(|(key, _)| *key == slot.key);
        match (at, block) {
            (Some(at), true) => blocked[at].1 += 1,
            (None, true) => {
                blocked.push((slot.key, 1));
                // SAFETY: it is unblocked when its key leaves `blocked`: here, in `remove`, or in `drop`.
                unsafe { slot.block() };
            }
            (Some(at), false) => {
                blocked[at].1 -= 1;
                if blocked[at].1 == 0 {
                    blocked.swap_remove(at);
                    // SAFETY: it was blocked; removing it would have taken its key out.
                    unsafe { slot.unblock() };
                }
            }
            (None, false) => {}
        }
    }

    /// Lets a blocked listener go on, however often it was blocked.
    fn unblock(&self, slot: &Slot<S, E>) {
        if slot.is_callable() {
            return;
        }
        self.unblock_blocked(slot);
    }

    #[cold]
    fn unblock_blocked(&self, slot: &Slot<S, E>) {
        let mut blocked = self.blocked.borrow_mut();
        if let Some(at) = blocked.iter().position(|(key, _)| *key == slot.key) {
            blocked.swap_remove(at);
            // SAFETY: it was blocked, and has not been removed.
            unsafe { slot.unblock() };
        }
    }

    /// A listener that runs is not to be counted as called, and may be over.
    #[cold]
    pub(super) fn note(&self, slot: &Slot<S, E>, source: &S, verdict: Verdict) {
        if verdict == Verdict::Over && self.is_live(slot) {
            // It runs, so its captures go when it has returned.
            drop(self.remove(slot));
            self.tell_removed(slot, source);
        }
        Frame::note(self.frame.get(), verdict);
    }

    /// Takes a slot out of use. The captures come back, unless it runs: then its emit drops them.
    fn remove(&self, slot: &Slot<S, E>) -> Option<Captures<S, E>> {
        self.unblock(slot);
        if let Some(outermost) = Frame::outermost_running(self.frame.get(), slot) {
            if slot.condemn() {
                self.count_removed();
                outermost.condemn();
            }
            return None;
        }
        let captures = slot.remove();
        if captures.is_some() {
            self.count_removed();
        }
        captures
    }

    /// Some tombstones go: those at the end at once, the others when they are as many as the living. So a
    /// removal takes constant time, taken over many. Nothing, if an emit walks.
    fn sweep(&self) {
        if self.is_walked() {
            return;
        }
        // SAFETY: invariants 1 and 3: nobody walks; tombstones have no captures, so dropping them runs no
        // code of the user's.
        let slots = unsafe { &mut *self.slots.get() };
        while slots.last().is_some_and(|slot| !self.is_live(slot)) {
            slots.pop();
            self.removed.set(self.removed.get() - 1);
        }
        if self.removed.get() * 2 >= slots.len() && self.removed.get() != 0 {
            slots.retain(|slot| self.is_live(slot));
            self.removed.set(0);
        }
    }

    /// The outermost emit has ended: the late come in, the tombstones go.
    #[cold]
    pub(super) fn settle(&self) {
        // SAFETY: invariants 1 and 3, as in `sweep`.
        let (slots, late) = unsafe { (&mut *self.slots.get(), &mut *self.late.get()) };
        if self.removed.take() != 0 {
            slots.retain(|slot| self.is_live(slot));
        }
        for slot in late.drain(..) {
            // SAFETY: it came from a box, and this is the only pointer to it that is left.
            let slot = *unsafe { Box::from_raw(slot.as_ptr()) };
            if self.is_live(&slot) {
                insert(slots, slot);
            }
        }
    }
}

impl<S: Declared, E: Event<S>> Drop for Row<S, E> {
    fn drop(&mut self) {
        if !self.blocked.get_mut().is_empty() {
            self.live().for_each(|slot| self.unblock(slot));
        }
        for slot in self.late.get_mut().drain(..) {
            // SAFETY: it came from a box, and this is the only pointer to it that is left.
            drop(unsafe { Box::from_raw(slot.as_ptr()) });
        }
    }
}

impl<S: Declared, E: Event<S>> Default for Row<S, E> {
    fn default() -> Self {
        Self {
            slots: UnsafeCell::default(),
            late: UnsafeCell::default(),
            frame: Cell::new(core::ptr::null()),
            removed: Cell::new(0),
            blocked: RefCell::default(),
            since: Cell::new(0),
            warned: Cell::new(false),
            watch: OnceCell::new(),
        }
    }
}

impl<S: Declared, E: Event<S>> Default for List<S, E> {
    fn default() -> Self {
        Self { row: OnceCell::new() }
    }
}

impl<S: Declared, E: Event<S>> fmt::Debug for List<S, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.locations()).finish()
    }
}

/// A list whose event is not known: what works on all events of an emitter.
pub trait AnyList {
    /// The event's name.
    fn name(&self) -> &'static str;
    /// How many listeners there are.
    fn count(&self) -> usize;
    /// When the event came to have listeners.
    fn since(&self) -> i64;
    /// Where the listeners were registered.
    fn locations(&self) -> Vec<&'static Location<'static>>;
    /// Where one was registered, if it is there.
    fn location(&self, key: i64) -> Option<&'static Location<'static>>;
    /// Each listener as it is now, in the order in which they are called.
    fn standing(&self) -> Vec<ListenerDump>;
    /// Lets it know who is to be told of removals: a `Weak<Watch<_>>`.
    fn link(&self, watch: &dyn Any);
    /// Removes one.
    fn remove(&self, key: i64) -> bool;
    /// Removes all.
    fn clear(&self);
    /// Blocks one, or takes a block back. Says whether there is such a listener.
    fn block(&self, key: i64, block: bool) -> bool;
}

impl<S: Declared, E: Event<S>> AnyList for List<S, E> {
    fn name(&self) -> &'static str {
        E::NAME
    }

    fn count(&self) -> usize {
        self.row.get().map_or(0, |row| row.len())
    }

    fn since(&self) -> i64 {
        self.row.get().map_or(0, |row| row.since.get())
    }

    fn locations(&self) -> Vec<&'static Location<'static>> {
        let row = self.row.get();
        row.into_iter().flat_map(|row| row.live()).map(|slot| slot.location).collect()
    }

    fn location(&self, key: i64) -> Option<&'static Location<'static>> {
        let row = self.row.get()?;
        row.find(key).filter(|slot| row.is_live(slot)).map(|slot| slot.location)
    }

    fn standing(&self) -> Vec<ListenerDump> {
        let Some(row) = self.row.get() else { return Vec::new() };
        let mut standing: Vec<_> = row.live().map(|slot| row.standing(slot)).collect();
        standing.sort_by_key(|standing| standing.key);
        standing
    }

    fn link(&self, watch: &dyn Any) {
        if let (Some(row), Some(watch)) = (self.row.get(), watch.downcast_ref::<Weak<Watch<S>>>()) {
            row.watch.get_or_init(|| Weak::clone(watch));
        }
    }

    fn remove(&self, key: i64) -> bool {
        let Some(row) = self.row.get() else { return false };
        let Some(slot) = row.find(key).filter(|slot| row.is_live(slot)) else { return false };
        let captures = row.remove(slot);
        row.sweep();
        drop(captures);
        true
    }

    fn clear(&self) {
        let Some(row) = self.row.get() else { return };
        // First all are out of use, then captures are dropped, which may run any code.
        let captures: Vec<_> = row.live().filter_map(|slot| row.remove(slot)).collect();
        row.sweep();
        drop(captures);
    }

    fn block(&self, key: i64, block: bool) -> bool {
        let Some(row) = self.row.get() else { return false };
        let Some(slot) = row.find(key).filter(|slot| row.is_live(slot)) else { return false };
        row.block(slot, block);
        true
    }
}
