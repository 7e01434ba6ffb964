//! Those who watch an emitter: the lists of the events that every emitter has, and what they are told.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::rc::{Rc, Weak};
use core::cell::{OnceCell, RefCell};
use core::fmt;
use core::ops::RangeInclusive;
use core::panic::Location;

use super::any::{Any, Heard};
use super::aside::look_aside;
use super::event::{Declared, Event};
use super::info::ListenerInfo;
use super::list::{AnyList, List};
use super::listener::Listener;
use super::observing::Observer;
use super::row::Row;
use super::slot::RawSlot;
use super::subscribing::Emitter;
use crate::emitter::names::{ListenerAdded, ListenerLeak, ListenerRemoved};

/// The indices of the events that every emitter has.
pub(super) const BUILT_IN: RangeInclusive<u16> = u16::MAX - 3..=u16::MAX;

/// Is made for the first who watches.
pub(super) struct Watch<S: Declared> {
    pub(super) serial: u32,
    pub(super) added: List<S, ListenerAdded>,
    pub(super) removed: List<S, ListenerRemoved>,
    pub(super) leaks: List<S, ListenerLeak>,
    pub(super) any: List<S, Any>,
    /// How to find the emitter when it is not at hand, if there is a way.
    recall: OnceCell<Option<Recall<S>>>,
    /// Removals that nobody has been told of yet, for the emitter was not at hand.
    untold: RefCell<VecDeque<ListenerInfo<S>>>,
}

impl<S: Declared> Watch<S> {
    pub(super) fn new(serial: u32) -> Self {
        Self {
            serial,
            added: List::default(),
            removed: List::default(),
            leaks: List::default(),
            any: List::default(),
            recall: OnceCell::new(),
            untold: RefCell::default(),
        }
    }

    pub(super) fn list(&self, index: u16) -> Option<&dyn AnyList> {
        let lists: [(u16, &dyn AnyList); 4] = [
            (<ListenerAdded as Event<S>>::INDEX, &self.added),
            (<ListenerRemoved as Event<S>>::INDEX, &self.removed),
            (<ListenerLeak as Event<S>>::INDEX, &self.leaks),
            (<Any as Event<S>>::INDEX, &self.any),
        ];
        lists.into_iter().find(|(at, _)| *at == index).map(|(_, list)| list)
    }

    pub(super) fn tell_removed(&self, source: &S, info: ListenerInfo<S>) {
        self.tell_untold(source);
        self.removed.emit(source, &info);
    }

    /// Tells of a removal when the emitter is not at hand. `false`, if it has to wait.
    pub(super) fn tell_absent(&self, info: ListenerInfo<S>) -> bool {
        match self.recall.get() {
            Some(Some(recall)) => {
                // If it is gone, or about to be, there is nothing left to do for anybody.
                if let Some(source) = (recall.0)() {
                    self.removed.emit(&source, &info);
                }
                true
            }
            _ => {
                self.untold.borrow_mut().push_back(info);
                false
            }
        }
    }

    pub(super) fn tell_untold(&self, source: &S) {
        loop {
            let next = self.untold.borrow_mut().pop_front();
            let Some(info) = next else { return };
            self.removed.emit(source, &info);
        }
    }

    pub(super) fn is_anything_untold(&self) -> bool {
        !self.untold.borrow().is_empty()
    }

    pub(super) fn tell_any(
        &self,
        observer: Option<&'static dyn Observer>,
        source: &S,
        event: S::Any<'_>,
        newest: i64,
    ) {
        self.any.emit_by(observer, source, Heard { event, newest });
    }
}

/// Who is told of removals, if it is of this type.
fn watch_of<W: Clone + 'static>(row: Row) -> Option<W> {
    look_aside(&row, |aside| aside.watch.as_ref()?.downcast_ref::<W>().cloned())
}

/// Tells who watches the list of a row that a listener has been taken out of use by an emit.
#[cold]
pub(super) fn tell_gone<S: Declared, E: Event<S>>(row: Row, slot: &RawSlot, source: &S) {
    let watch = watch_of::<Weak<Watch<S>>>(row).and_then(|watch| watch.upgrade());
    if let Some(watch) = watch.filter(|watch| watch.removed.count() != 0) {
        let listener = Listener { key: slot.key, serial: watch.serial, event: E::INDEX.into() };
        let (others, location) = (row.listeners(), slot.location);
        let info = ListenerInfo::new(E::NAME, E::INDEX, others, location, Some(listener));
        watch.tell_removed(source, info);
    } else if let Some(told) = watch_of::<Rc<dyn Told<S>>>(row) {
        told.gone(source, slot.key, slot.location);
    }
}

/// Who is told in another way, for events that are found at run time.
pub(super) trait Told<S> {
    /// A listener has been taken out of use by an emit.
    fn gone(&self, source: &S, key: i64, location: &'static Location<'static>);
}

impl<S: Emitter> Watch<S> {
    pub(super) fn keep_recall(&self, source: &S) {
        if self.recall.get().is_none() {
            let recall = source.recall();
            // If `recall` has itself begun to watch, there is one by now.
            let _ = self.recall.set(recall);
        }
    }
}

/// A way to find an emitter when it is not at hand: what [`Emitter::recall`](crate::Emitter::recall)
/// returns.
///
/// It should hold the emitter weakly: as long as somebody watches, the emitter keeps it.
///
/// ```
/// use onward::emitter::Recall;
/// use onward::{Emitter, EventEmitter, Listeners, events, events::ListenerRemoved};
/// use std::rc::Rc;
///
/// struct Door(Rc<EventEmitter<Door>>);
/// events! { for Door { Opened() } }
///
/// impl Emitter for Door {
///     fn listeners(&self) -> &Listeners<Door> {
///         &self.0
///     }
///     fn recall(&self) -> Option<Recall<Door>> {
///         let door = Rc::downgrade(&self.0);
///         Some(Recall::new(move || door.upgrade().map(Door)))
///     }
/// }
///
/// let door = Door(Rc::new(EventEmitter::new()));
/// # let told = Rc::new(std::cell::Cell::new(false));
/// # let tell = Rc::clone(&told);
/// # door.on(ListenerRemoved, move |_, _| tell.set(true));
/// door.on(ListenerRemoved, |_, removed| println!("no more {removed}"));
/// drop(door.on_scoped(Opened, |_, ()| {})); // no more Opened, at ..
/// # assert!(told.get());
/// ```
pub struct Recall<S>(Box<dyn Fn() -> Option<S>>);

impl<S> Recall<S> {
    /// From a closure that returns the emitter, or `None` if it is gone.
    pub fn new(find: impl Fn() -> Option<S> + 'static) -> Self {
        Self(Box::new(find))
    }
}

impl<S> fmt::Debug for Recall<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recall")
    }
}
