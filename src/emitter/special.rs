//! What few lists have: options, and somebody who watches whether there are listeners.
//!
//! A list with any of it is special. Its row's own frame bears a mark, so that an emit takes the longer way of
//! [`nested.rs`](super::nested) without having to ask: it asks whether there is an emit in that frame anyway.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::any::Any;
use core::cell::{Cell, RefCell};

use super::aside::{look_aside, put_aside};
use super::event::{Declared, Event};
use super::list::{List, RawList, count_removed, find};
use super::options::{Options, Removal};
use super::row::Row;
use super::slot::{Captures, RawSlot};

/// Is told when an event comes to have listeners, and when it has none any more.
pub(super) trait Watch {
    /// It is so from now on, or may have changed back since.
    fn changed(&self);
    /// Need it not be told any more?
    fn is_over(&self) -> bool;
}

pub(super) struct Special {
    /// Those of the emitter, if there are any: an `Options` of its type.
    options: RefCell<Option<Rc<dyn Any>>>,
    snapshot: Cell<bool>,
    watchers: RefCell<Vec<Rc<dyn Watch>>>,
    /// When there are as many watchers, it is time to look for those that are over.
    crowd: Cell<usize>,
    /// What watchers were told last: are there listeners?
    told: Cell<bool>,
    /// Counts the emits.
    emits: Cell<u64>,
    /// The keys of those that were removed while an emit walked and may still be called, each with the number
    /// of the last emit that had begun.
    leaving: RefCell<Vec<(i64, u64)>>,
}

impl<S: Declared, E: Event<S>> List<S, E> {
    /// Has the list follow the emitter's options.
    #[cold]
    pub(super) fn configure(&self, options: &Rc<Options<S>>) {
        let row = self.row_or_new();
        put_aside(&row, |aside| aside.max_depth = Some(options.max_depth));
        if options.are_special() {
            let special = self.specialize();
            special.snapshot.set(options.removal == Removal::Snapshot);
            special.options.replace(Some(Rc::clone(options) as _));
        }
    }
}

impl Special {
    fn new(has_listeners: bool) -> Self {
        Self {
            options: RefCell::default(),
            snapshot: Cell::new(false),
            watchers: RefCell::default(),
            crowd: Cell::new(8),
            told: Cell::new(has_listeners),
            emits: Cell::new(0),
            leaving: RefCell::default(),
        }
    }

    fn watch(&self, watch: Rc<dyn Watch>) {
        if self.watchers.borrow().len() >= self.crowd.get() {
            // To ask runs code of the user's, and so does to drop: neither under a borrow.
            let (over, mut watchers): (Vec<_>, Vec<_>) =
                self.watchers.take().into_iter().partition(|watch| watch.is_over());
            self.crowd.set((watchers.len() * 2).max(8));
            watchers.append(&mut self.watchers.borrow_mut());
            self.watchers.replace(watchers);
            drop(over);
        }
        self.watchers.borrow_mut().push(watch);
    }

    /// Is there anybody who has to be told, and is not over? To ask runs code of the user's.
    #[cfg(feature = "named")]
    pub(super) fn is_watched(&self) -> bool {
        let watchers = self.watchers.borrow().clone();
        watchers.iter().any(|watch| !watch.is_over())
    }

    #[cfg(feature = "std")]
    pub(super) fn options<S: Declared>(&self) -> Option<Rc<Options<S>>> {
        self.options.borrow().clone()?.downcast().ok()
    }

    /// An emit begins; gives its number.
    pub(super) fn begin(&self) -> u64 {
        self.emits.set(self.emits.get() + 1);
        self.emits.get()
    }

    /// When the listener was removed, if it is leaving: the number of the last emit that had begun.
    pub(super) fn left(&self, slot: &RawSlot) -> Option<u64> {
        let leaving = self.leaving.borrow();
        leaving.iter().find(|(key, _)| *key == slot.key).map(|(_, emit)| *emit)
    }
}

impl RawList {
    /// Has `watch` told whenever this comes to have listeners, or to have none, and keeps it until it is over or
    /// this is dropped.
    pub(super) fn watch_count(&self, watch: Rc<dyn Watch>) {
        self.specialize().watch(watch);
    }

    /// Does no emit walk here?
    #[cfg(feature = "named")]
    pub(super) fn is_idle(&self) -> bool {
        self.row().is_none_or(|row| !row.is_walked())
    }

    /// Is it [special](super::special)?
    #[cfg(feature = "named")]
    pub(super) fn is_special(&self) -> bool {
        self.row().is_some_and(|row| special(&row).is_some())
    }

    /// Does a relay lead here?
    #[cfg(feature = "named")]
    pub(super) fn is_end_of_relay(&self) -> bool {
        self.row().and_then(|row| special(&row)).is_some_and(|special| special.is_watched())
    }

    /// Makes this list special, if it is not.
    fn specialize(&self) -> Rc<Special> {
        let row = self.row_or_new();
        if let Some(special) = special(&row) {
            return special;
        }
        let special = Rc::new(Special::new(self.count() != 0));
        put_aside(&row, |aside| aside.special = Some(Rc::clone(&special)));
        row.become_special();
        special
    }

    /// Tells watchers, if there is something to tell. That may run any code of the user's.
    #[inline]
    pub(super) fn tell(&self) {
        if self.row().is_some_and(|row| row.is_busy()) {
            self.tell_watchers();
        }
    }

    #[cold]
    fn tell_watchers(&self) {
        let Some(special) = self.row().and_then(|row| special(&row)) else { return };
        while special.told.get() != (self.count() != 0) {
            special.told.set(!special.told.get());
            let watchers = special.watchers.borrow().clone();
            tell_each(&watchers);
        }
    }
}

/// Tells all. If one panics, the others are told still.
fn tell_each(watchers: &[Rc<dyn Watch>]) {
    struct Rest<'a>(&'a [Rc<dyn Watch>]);
    impl Drop for Rest<'_> {
        fn drop(&mut self) {
            if !self.0.is_empty() {
                tell_each(self.0);
            }
        }
    }
    let mut rest = Rest(watchers);
    while let Some((first, others)) = rest.0.split_first() {
        rest.0 = others;
        first.changed();
    }
}

/// What makes this list special, if it is.
#[inline]
pub(super) fn special(row: &Row) -> Option<Rc<Special>> {
    if row.aside_is_empty() { None } else { look_aside(row, |aside| aside.special.clone()) }
}

/// How deep emits may be nested.
pub(super) fn max_depth<S: Declared>(row: &Row) -> u32 {
    look_aside(row, |aside| aside.max_depth).unwrap_or(Options::<S>::MAX_DEPTH)
}

/// Has a listener that is removed leave by and by, if the emitter wants it so. An emit is under way.
#[cold]
pub(super) fn leaves(row: &Row, slot: &RawSlot) -> bool {
    let Some(special) = special(row) else { return false };
    if !special.snapshot.get() || slot.is_gone() {
        return false;
    }
    special.leaving.borrow_mut().push((slot.key, special.emits.get()));
    count_removed(row);
    true
}

/// Was it removed, and may still be called?
#[inline]
pub(super) fn is_leaving(row: &Row, slot: &RawSlot) -> bool {
    special(row).is_some_and(|special| special.left(slot).is_some())
}

/// The captures of those that have left.
#[inline]
pub(super) fn reap_leaving(row: &Row) -> Vec<Captures> {
    let Some(special) = special(row) else { return Vec::new() };
    let leaving = special.leaving.take();
    leaving.iter().filter_map(|(key, _)| find(row, *key)?.remove()).collect()
}
