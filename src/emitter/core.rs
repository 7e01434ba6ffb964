//! What an emitter owns once somebody has listened to it: its lists, and what watches over them.
//!
//! Whoever watches is told here: before a listener is added, and after one was removed. No borrow is held
//! meanwhile.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, OnceCell};
use core::panic::Location;

use super::event::{Declared, Event, Table};
use super::info::ListenerInfo;
use super::leaks::{self, Leak};
use super::list::{AnyList, List, Place, RawList};
use super::listener::{Listener, Off, serial};
use super::observing::{self, Observer};
use super::options::Options;
use super::slot::Slot;
use super::subscribing::Emitter;
use super::tally::Tally;
use super::watch::{BUILT_IN, Watch};
use crate::emitter::names::ListenerRemoved;

/// The emitter has a limit of its own for what is suspect.
const LIMITED: u8 = 1;
/// Somebody may have to be told of listeners that come or go, or there are options: then this is above all other sets.
const ATTENDED: u8 = 2;

/// The inside of an emitter.
#[allow(unnameable_types, missing_debug_implementations, reason = "for what `events!` writes")]
#[repr(C)] // what an emit looks at comes first, and side by side
pub struct Core<S: Declared> {
    /// An emit has more to do than to call its event's listeners.
    gate: Cell<bool>,
    /// Listeners are called by an observer, if there still is one.
    observed: Cell<bool>,
    /// What else a registration, or a removal, has to do: some of [`LIMITED`] and [`ATTENDED`].
    more: Cell<u8>,
    /// An error of a listener is being raised.
    pub(super) failing: Cell<bool>,
    serial: u32,
    table: S::Table,
    /// Counts registrations: the number of each is its key, and its age.
    registrations: Cell<i64>,
    extra: OnceCell<Box<Extra<S>>>,
}

/// What few emitters have.
struct Extra<S: Declared> {
    /// Is made for the first who watches.
    watch: OnceCell<Rc<Watch<S>>>,
    options: Option<Rc<Options<S>>>,
    /// More listeners for an event than these are suspect; none: the default counts.
    limit: Cell<usize>,
}

impl<S: Declared> Core<S> {
    pub(super) fn new(options: Option<Rc<Options<S>>>) -> Self {
        let observed = observing::is_on();
        let core = Self {
            gate: Cell::new(observed),
            observed: Cell::new(observed),
            more: Cell::new(0),
            failing: Cell::new(false),
            serial: serial(),
            table: S::Table::default(),
            registrations: Cell::new(0),
            extra: OnceCell::new(),
        };
        if options.is_some() {
            core.extra(options, ATTENDED);
        }
        core
    }

    /// What few emitters have; from now on this one has it, and there is this much more to do.
    fn extra(&self, options: Option<Rc<Options<S>>>, more: u8) -> &Extra<S> {
        self.more.set(self.more.get() | more);
        let new = || Box::new(Extra { watch: OnceCell::new(), options, limit: Cell::new(0) });
        self.extra.get_or_init(new)
    }

    /// Lets a list know of the emitter's options, if it has any.
    #[inline]
    pub(super) fn configure<E: Event<S>>(&self, list: &List<S, E>) {
        if let Some(options) = self.extra.get().and_then(|extra| extra.options.as_ref()) {
            list.configure(options);
        }
    }

    /// As [`limit`](leaks::limit) takes it.
    pub(super) fn limit(&self) -> usize {
        self.extra.get().map_or(0, |extra| extra.limit.get())
    }

    pub(super) fn set_limit(&self, kept: usize) {
        self.extra(None, LIMITED).limit.set(kept);
    }

    /// The lists of the events that are declared.
    #[inline]
    pub fn table(&self) -> &S::Table {
        &self.table
    }

    /// The lists of the events that every emitter has, made if they are not there.
    pub(super) fn watch(&self) -> &Rc<Watch<S>> {
        self.extra(None, ATTENDED).watch.get_or_init(|| Rc::new(Watch::new(self.serial)))
    }

    fn known_watch(&self) -> Option<&Rc<Watch<S>>> {
        self.extra.get()?.watch.get()
    }

    pub(super) fn watched(&self) -> Option<&Watch<S>> {
        self.known_watch().map(|watch| &**watch)
    }

    /// Those who want to be told of removals, if there are any.
    fn told_of_removals(&self) -> Option<&Watch<S>> {
        self.watched().filter(|watch| watch.removed.count() != 0)
    }

    #[inline(always)]
    pub(super) fn is_gated(&self) -> bool {
        self.gate.get()
    }

    /// From here on emits ask what more there is to do.
    #[cold]
    fn open_gate(&self) {
        if !self.gate.replace(true) {
            self.table.each(RawList::unready);
        }
    }

    /// From here on listeners are called by an observer, as long as there is one.
    pub(super) fn observe(&self) {
        self.observed.set(true);
        self.open_gate();
    }

    fn observer(&self) -> Option<&'static dyn Observer> {
        let observer = if self.observed.get() { observing::observer() } else { None };
        self.observed.set(observer.is_some());
        observer
    }

    fn list(&self, index: u16) -> Option<&dyn AnyList> {
        self.table.list(index).or_else(|| self.watched()?.list(index))
    }

    /// All lists, with their indices.
    pub(super) fn lists(&self) -> impl Iterator<Item = (u16, &dyn AnyList)> {
        let declared = 0..S::Table::EVENTS;
        let declared = declared.filter_map(|index| Some((index, self.table.list(index)?)));
        let built_in = BUILT_IN.filter_map(|index| Some((index, self.watched()?.list(index)?)));
        declared.chain(built_in)
    }

    /// The list of a declared event that a listener of this emitter stands in.
    fn raw_of(&self, listener: Listener) -> Option<&RawList> {
        let index = u16::try_from(listener.event).ok();
        self.table.raw(index.filter(|_| listener.serial == self.serial)?)
    }

    /// The list that a listener of this emitter stands in.
    fn list_of(&self, listener: Listener) -> Option<&dyn AnyList> {
        let index =
            u16::try_from(listener.event).ok().filter(|_| listener.serial == self.serial)?;
        self.list(index)
    }

    #[inline(always)]
    fn is_attended(&self) -> bool {
        self.more.get() >= ATTENDED
    }

    /// Removes a listener, and tells of it. Without a source, it is looked for if somebody has to be told.
    #[inline]
    pub(super) fn remove(&self, source: Option<&S>, listener: Listener) -> bool {
        if self.is_attended() {
            return self.remove_watched(source, listener);
        }
        self.raw_of(listener).is_some_and(|list| list.remove(listener.key))
    }

    #[cold]
    #[inline(never)]
    fn remove_watched(&self, source: Option<&S>, listener: Listener) -> bool {
        let Some(list) = self.list_of(listener) else { return false };
        let told = self.told_of_removals();
        let location = told.and_then(|_| list.location(listener.key));
        let removed = list.remove(listener.key);
        if let (Some(watch), Some(location), true) = (told, location, removed) {
            self.tell_removed(watch, source, list, listener, location);
        }
        removed
    }

    #[cold]
    fn tell_removed(
        &self,
        watch: &Watch<S>,
        source: Option<&S>,
        list: &dyn AnyList,
        listener: Listener,
        location: &'static Location<'static>,
    ) {
        let index = listener.event as u16; // by which `list` was found
        let info = ListenerInfo::new(list.name(), index, list.count(), location, Some(listener));
        match source {
            Some(source) => watch.tell_removed(source, info),
            None if watch.tell_absent(info) => {}
            None => self.open_gate(),
        }
    }

    /// Removes all listeners and tells nobody.
    pub(super) fn clear(&self) {
        self.table.each(RawList::clear);
        if self.watched().is_some() {
            self.clear_built_in();
        }
    }

    #[cold]
    fn clear_built_in(&self) {
        let lists = BUILT_IN.filter_map(|index| self.watched()?.list(index));
        lists.for_each(|list| list.clear());
    }

    /// Removes all listeners; those who are told of it come last.
    pub(super) fn remove_all(&self, source: &S) {
        if self.told_of_removals().is_none() {
            return self.clear();
        }
        let mut lists: Vec<_> = self.lists().filter(|(_, list)| list.count() != 0).collect();
        let last = <ListenerRemoved as Event<S>>::INDEX;
        lists.sort_by_key(|(index, list)| (*index == last, list.since()));
        for (index, list) in lists {
            self.remove_all_in(source, index, list);
        }
    }

    /// Removes all listeners of one event.
    pub(super) fn remove_all_of<E: Event<S>>(&self, source: &S) {
        let Some(list) = E::known(self) else { return };
        match self.told_of_removals() {
            None => list.clear(),
            Some(_) => self.remove_all_in(source, E::INDEX, list),
        }
    }

    /// The last first, each with its own event. One that is added meanwhile stays.
    fn remove_all_in(&self, source: &S, index: u16, list: &dyn AnyList) {
        for standing in list.standing().iter().rev() {
            let listener = Listener { key: standing.key, serial: self.serial, event: index.into() };
            self.remove(Some(source), listener);
        }
    }

    /// One function for each event, whoever emits it: what few emits need is not compiled into each caller.
    #[inline(never)]
    pub(super) fn emit<E: Event<S>>(&self, source: &S, payload: E::Payload<'_>) -> Tally {
        // Ready lists do not ask for the gate; who opens it sees to that.
        let gated = |payload| self.emit_gated::<E>(source, payload);
        match E::known(self) {
            Some(list) => list.call_unless_gated(source, payload, || self.is_gated(), gated),
            None if self.is_gated() => gated(payload),
            None => Tally::NOBODY,
        }
    }

    /// The same, compiled into the one place where it is called, as far as a list with one listener needs it that is ready.
    #[cfg_attr(not(feature = "net"), allow(dead_code, reason = "only sockets have such an event"))]
    #[inline(always)]
    pub(super) fn emit_here<E: Event<S>>(&self, source: &S, payload: E::Payload<'_>) -> Tally {
        let ready = match E::known(self) {
            Some(list) => list.call_ready(source, payload),
            None => Err(payload),
        };
        ready.unwrap_or_else(|payload| self.emit_unready::<E>(source, payload))
    }

    #[cfg_attr(not(feature = "net"), allow(dead_code, reason = "only sockets have such an event"))]
    #[cold]
    #[inline(never)]
    fn emit_unready<E: Event<S>>(&self, source: &S, payload: E::Payload<'_>) -> Tally {
        self.emit::<E>(source, payload)
    }

    /// An emit while the gate is open: somebody listens to all events, or has not been told yet, or observes.
    #[cold]
    #[inline(never)]
    pub(super) fn emit_gated<E: Event<S>>(&self, source: &S, mut payload: E::Payload<'_>) -> Tally {
        let (list, watch) = (E::known(self), self.watched());
        watch.iter().for_each(|watch| watch.tell_untold(source));
        // Behind what those may have done.
        let observer = self.observer();
        let emit = |payload: E::Payload<'_>| {
            list.map_or(Tally::NOBODY, |list| list.emit_by(observer, source, payload))
        };
        let Some(watch) = watch.filter(|watch| watch.any.count() != 0) else {
            let untold = watch.is_some_and(Watch::is_anything_untold);
            if !untold && observer.is_none() {
                self.gate.set(false);
            }
            return emit(payload);
        };
        let newest = self.registrations.get();
        let mut emitted = Tally::NOBODY;
        if list.is_some_and(|list| list.count() != 0) {
            emitted = emit(E::lend(&mut payload));
        }
        // What was stopped is heard by nobody.
        if let Some(event) = E::any(&payload).filter(|_| !emitted.is_stopped()) {
            watch.tell_any(observer, source, event, newest);
        }
        emitted
    }
}

impl<S: Emitter> Core<S> {
    /// Adds a listener. Whoever watches is told before.
    #[inline]
    pub(super) fn add<E: Event<S>>(
        &self,
        source: &S,
        place: Place,
        location: &'static Location<'static>,
        slot: impl FnOnce(i64, &'static Location<'static>) -> Slot<S, E>,
    ) -> Listener {
        if self.is_attended() {
            self.attend::<E>(source, location);
        }
        let number = self.registrations.get() + 1;
        self.registrations.set(number);
        let key = place.key(number);
        let slots = E::list(self).add(number, key, || slot(key, location));
        if E::BUILT_IN {
            self.link(source);
        }
        let limit = if self.more.get() != 0 { self.limit() } else { 0 };
        if leaks::is_suspect(slots, limit) {
            self.suspect::<E>(source);
        }
        self.listener::<E>(key)
    }

    /// The handle of the listener with this key.
    #[inline]
    pub(super) fn listener<E: Event<S>>(&self, key: i64) -> Listener {
        Listener { key, serial: self.serial, event: E::INDEX.into() }
    }

    /// Before a listener is added: tells who watches, and gets its list ready.
    #[cold]
    #[inline(never)]
    fn attend<E: Event<S>>(&self, source: &S, location: &'static Location<'static>) {
        if let Some(watch) = self.known_watch() {
            self.announce::<E>(source, watch, location);
        }
        self.configure(E::list(self));
    }

    fn announce<E: Event<S>>(
        &self,
        source: &S,
        watch: &Rc<Watch<S>>,
        location: &'static Location<'static>,
    ) {
        watch.tell_untold(source);
        if watch.added.count() != 0 {
            let count = E::list(self).count();
            let info = ListenerInfo::new(E::NAME, E::INDEX, count, location, None);
            watch.added.emit(source, &info);
        }
        // Before it is there: a relay that begins with it may have it used up already.
        let list = E::list(self);
        list.row_or_new();
        list.link(&Rc::downgrade(watch));
    }

    /// Lets the lists know who watches, and an emit who listens to all.
    #[cold]
    fn link(&self, source: &S) {
        let Some(watch) = self.known_watch() else { return };
        let weak = Rc::downgrade(watch);
        watch.keep_recall(source);
        self.lists().for_each(|(_, list)| list.link(&weak));
        if watch.any.count() != 0 {
            self.open_gate();
        }
    }

    /// There may be suspiciously many listeners.
    #[cold]
    #[inline(never)]
    fn suspect<E: Event<S>>(&self, source: &S) {
        let list = E::list(self);
        if list.has_warned() {
            return;
        }
        let count = list.count();
        if leaks::is_suspect(count, self.limit()) {
            list.warn();
            let leak = Leak::new(S::NAME, E::NAME, count, self.limit(), list.locations());
            if !self.watched().is_some_and(|watch| watch.leaks.emit(source, &leak).handled()) {
                leaks::report(&leak);
            }
        }
    }
}

/// For handles, which have no source at hand.
impl<S: Declared> Off for Core<S> {
    fn off(&self, listener: Listener) -> bool {
        self.remove(None, listener)
    }

    fn block(&self, listener: Listener, block: bool) -> bool {
        self.list_of(listener).is_some_and(|list| list.block(listener.key, block))
    }
}

#[cfg(all(test, feature = "net"))]
mod tests;
