//! What few lists have: options, and somebody who watches whether there are listeners.
//!
//! A list with any of it is special. Its row has a frame also when no emit walks there, the root, so that an emit
//! takes the longer way of [`nested.rs`](super::nested) without having to ask: it asks whether there is a frame
//! anyway.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::ptr;

use super::event::{Declared, Event};
use super::list::{List, Row};
use super::options::{Options, Removal};
use super::slot::{Captures, Slot};
use super::walk::Frame;

/// Is told when an event comes to have listeners, and when it has none any more.
pub(super) trait Watch {
    /// It is so from now on, or may have changed back since.
    fn changed(&self);
    /// Need it not be told any more?
    fn is_over(&self) -> bool;
}

pub(super) struct Special<S: Declared, E: Event<S>> {
    /// The frame that is always there.
    pub(super) root: Frame<S, E>,
    options: RefCell<Option<Rc<Options<S>>>>,
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
        let row = self.row();
        row.max_depth.set(options.max_depth);
        if options.are_special() {
            row.specialize().options.replace(Some(Rc::clone(options)));
        }
    }

    /// Has `watch` told whenever this comes to have listeners, or to have none, and keeps it until it is over or
    /// this is dropped.
    pub(super) fn watch(&self, watch: Rc<dyn Watch>) {
        self.row().specialize().watch(watch);
    }
}

impl<S: Declared, E: Event<S>> Special<S, E> {
    fn new(has_listeners: bool) -> Self {
        Self {
            root: Frame::new(ptr::null(), ptr::null()),
            options: RefCell::default(),
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

    #[cfg(feature = "std")]
    pub(super) fn options(&self) -> Option<Rc<Options<S>>> {
        self.options.borrow().clone()
    }

    /// An emit begins; gives its number.
    pub(super) fn begin(&self) -> u64 {
        self.emits.set(self.emits.get() + 1);
        self.emits.get()
    }

    /// When the listener was removed, if it is leaving: the number of the last emit that had begun.
    #[cold]
    pub(super) fn left(&self, slot: &Slot<S, E>) -> Option<u64> {
        let leaving = self.leaving.borrow();
        leaving.iter().find(|(key, _)| *key == slot.key).map(|(_, emit)| *emit)
    }
}

impl<S: Declared, E: Event<S>> Row<S, E> {
    /// Makes this row special, if it is not.
    fn specialize(&self) -> &Special<S, E> {
        if let Some(special) = self.special.get() {
            return special;
        }
        let special = self.special.get_or_init(|| Box::new(Special::new(self.len() != 0)));
        match Frame::outermost(self.frame()) {
            // The emit leaves the root behind as it ends.
            Some(outermost) => outermost.become_special(),
            None => self.set_frame(&special.root),
        }
        special
    }

    /// Is this the frame of a row in which nobody walks?
    #[cold]
    pub(super) fn is_root(&self, frame: *const Frame<S, E>) -> bool {
        self.special.get().is_some_and(|special| ptr::eq(frame, &special.root))
    }

    /// The frame for when no emit is under way.
    pub(super) fn root(&self) -> *const Frame<S, E> {
        self.special.get().map_or(ptr::null(), |special| &raw const special.root)
    }

    /// Has a listener that is removed leave by and by, if an emit is under way and the emitter wants it so.
    #[cold]
    pub(super) fn leaves(&self, slot: &Slot<S, E>) -> bool {
        let Some(special) = self.special.get() else { return false };
        let options = special.options.borrow();
        let snapshot = options.as_ref().is_some_and(|options| options.removal == Removal::Snapshot);
        if !snapshot || !slot.is_callable() {
            return false;
        }
        special.leaving.borrow_mut().push((slot.key, special.emits.get()));
        self.count_removed();
        true
    }

    /// Was it removed, and may still be called?
    #[inline(always)]
    pub(super) fn is_leaving(&self, slot: &Slot<S, E>) -> bool {
        self.special.get().is_some_and(|special| special.left(slot).is_some())
    }

    /// The captures of those that have left.
    #[cold]
    pub(super) fn reap_leaving(&self) -> Vec<Captures<S, E>> {
        let leaving = self.special.get().map(|special| special.leaving.take()).unwrap_or_default();
        leaving.iter().filter_map(|(key, _)| self.find(*key)?.remove()).collect()
    }

    /// Tells watchers, if there is something to tell. That may run any code of the user's.
    #[cold]
    pub(super) fn tell(&self) {
        let Some(special) = self.special.get() else { return };
        while special.told.get() != (self.len() != 0) {
            special.told.set(!special.told.get());
            let watchers = special.watchers.borrow().clone();
            watchers.iter().for_each(|watch| watch.changed());
        }
    }
}
