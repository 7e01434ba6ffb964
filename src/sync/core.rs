//! What an emitter owns once somebody has listened to it: its rows, and what watches over them.
//!
//! Whoever watches is told here: before a listener is added, and after one was removed. No lock is held
//! meanwhile. What is told is told in turns, and what it tells of is done in the same turn, so that those who watch
//! see the count of an event go up and down one by one, whatever threads do.

use core::panic::Location;

use super::careful::Careful;
use super::handles::Off;
use super::links::settle_each;
use super::listeners::{AnyRow, Linked};
use super::node::Owned;
use super::options::Options;
use super::primitives::{AtomicI64, AtomicUsize, Mutex, OnceLock, Ordering, lock};
use super::row::Row;
use super::standing::Suspect;
use super::subscribing::Emitter;
use super::turn::Held;
use super::watch::{Gone, Watch};
use crate::emitter::names::ListenerRemoved;
use crate::emitter::watches::{Counter, Nested, limit, report};
use crate::emitter::{Declared, Event, Leak, Listener, ListenerInfo, Place, Rows, serial};

/// The inside of an emitter.
pub(super) struct Core<S: Declared> {
    pub(super) serial: u32,
    /// Counts how often an event came to have listeners.
    arrivals: AtomicI64,
    /// More listeners for an event than these are suspect; none: the default counts.
    pub(super) limit: AtomicUsize,
    options: Option<Options<S>>,
    /// Is made for the first who watches.
    watch: OnceLock<Box<Watch<S>>>,
    /// Whether emits have more to do than to call listeners, as the rows know it. Who changes that has the lock.
    gate: Mutex<bool>,
    rows: S::Rows<Linked>,
}

impl<S: Declared> Core<S> {
    pub(super) fn new(options: Option<Options<S>>) -> Self {
        let core = Self {
            serial: serial(),
            arrivals: AtomicI64::new(0),
            limit: AtomicUsize::new(0),
            options,
            watch: OnceLock::new(),
            gate: Mutex::new(false),
            rows: S::Rows::default(),
        };
        if core.options.is_some() {
            core.regate();
        }
        core
    }

    /// The row of an event. For those that every emitter has, it is made if it is not there.
    #[inline(always)]
    pub(super) fn row<E: Event<S>>(&self) -> &Row<S, E> {
        if E::BUILT_IN {
            E::watched::<Linked>(self.watch()).expect("built-in events have their row there")
        } else {
            E::row(&self.rows)
        }
    }

    #[cold]
    pub(super) fn watch(&self) -> &Watch<S> {
        self.watch.get_or_init(|| {
            let watch = Box::<Watch<S>>::default();
            if self.is_special() {
                watch.rows().for_each(|(_, row)| row.set_gated(true));
            }
            watch
        })
    }

    /// Those who watch, if there ever was one.
    pub(super) fn watched(&self) -> Option<&Watch<S>> {
        self.watch.get().map(|watch| &**watch)
    }

    /// Those who want to be told of removals, if there are any.
    #[inline]
    fn told_of_removals(&self) -> Option<&Watch<S>> {
        self.watched().filter(|watch| watch.is_told_of_removals())
    }

    /// All rows, with their indices.
    pub(super) fn rows(&self) -> impl Iterator<Item = (u16, &dyn AnyRow)> {
        let declared = (0..).map_while(|index| Some((index, self.rows.row(index)?)));
        declared.chain(self.watched().into_iter().flat_map(Watch::rows))
    }

    /// The row that a listener of this emitter stands in.
    pub(super) fn row_of(&self, listener: Listener) -> Option<(u16, &dyn AnyRow)> {
        let index = u16::try_from(listener.event).ok();
        let index = index.filter(|_| listener.serial == self.serial)?;
        let built_in = || self.watched()?.rows().find(|(at, _)| *at == index);
        self.rows.row(index).map(|row| (index, row)).or_else(built_in)
    }

    /// Removes a listener, and tells of it. Without a source, it is looked for if somebody has to be told.
    pub(super) fn remove(&self, source: Option<&S>, listener: Listener) -> bool {
        if self.watched().is_some() {
            return self.remove_with(source, listener);
        }
        // Nobody has ever watched: there are no other rows than these, and nobody is told.
        let index = u16::try_from(listener.event).ok();
        let row = index.filter(|_| listener.serial == self.serial).and_then(|at| self.rows.row(at));
        let removed = row.is_some_and(|row| row.remove(listener.key));
        if self.watched().is_some() {
            self.settle_of(listener); // a relay has come meanwhile
        }
        removed
    }

    #[cold]
    #[inline(never)]
    fn settle_of(&self, listener: Listener) {
        if let Some((index, row)) = self.row_of(listener) {
            self.settle(index, row);
        }
    }

    #[cold]
    #[inline(never)]
    fn remove_with(&self, source: Option<&S>, listener: Listener) -> bool {
        self.row_of(listener).is_some_and(|(index, row)| {
            self.remove_watched(self.told_of_removals(), source, (index, row), listener.key)
        })
    }

    /// Removes the listener of this number.
    pub(super) fn remove_of<E: Event<S>>(&self, source: Option<&S>, number: i64) -> bool {
        let row = self.row::<E>();
        if self.watched().is_some() {
            let told = self.told_of_removals();
            return self.remove_watched(told, source, (E::INDEX, row), number);
        }
        let removed = row.remove(number);
        if self.watched().is_some() {
            self.settle(E::INDEX, row);
        }
        removed
    }

    #[cold]
    #[inline(never)]
    fn remove_watched(
        &self,
        told: Option<&Watch<S>>,
        source: Option<&S>,
        (index, row): (u16, &dyn AnyRow),
        number: i64,
    ) -> bool {
        let Some(watch) = told else { return self.remove_settled((index, row), number) };
        let _turn = watch.turn.hold();
        let Some(location) = row.location(number) else { return false };
        if !self.remove_settled((index, row), number) {
            return false;
        }
        let listener = Listener { key: number, serial: self.serial, event: index.into() };
        let gone = Gone { event: row.name(), index, others: row.count(), location, listener };
        match source {
            Some(source) => {
                self.tell_untold(source);
                watch.removed.emit(self, source, &gone.info());
            }
            None => self.tell_absent(watch, gone),
        }
        true
    }

    fn remove_settled(&self, (index, row): (u16, &dyn AnyRow), number: i64) -> bool {
        let _settles = Settles { core: self, index, row };
        row.remove(number)
    }

    /// Has the relays to an event listen, or not, as its listeners are now. Whoever changes these calls it.
    #[cold]
    #[inline(never)]
    pub(super) fn settle(&self, index: u16, row: &dyn AnyRow) {
        let Some(watch) = self.watched().filter(|watch| watch.links.are_there()) else { return };
        let links = watch.links.to(index);
        if !links.is_empty() {
            let _turn = watch.turn.hold();
            settle_each(&links, &|| row.count());
        }
    }

    /// Tells of a removal when the emitter is not at hand.
    fn tell_absent(&self, watch: &Watch<S>, gone: Gone) {
        let Some(recall) = watch.recall() else {
            watch.untold().push_back(gone);
            return self.regate();
        };
        // If it is gone, or about to be, there is nothing left to do for anybody.
        if let Some(source) = recall.find() {
            watch.removed.emit(self, &source, &gone.info());
        }
    }

    /// Tells of removals that nobody has been told of yet, for the emitter was not at hand.
    pub(super) fn tell_untold(&self, source: &S) {
        let Some(watch) = self.watched() else { return };
        if watch.untold().is_empty() {
            return;
        }
        let _turn = watch.turn.hold();
        loop {
            let next = watch.untold().pop_front();
            let Some(gone) = next else { return };
            watch.removed.emit(self, source, &gone.info());
        }
    }

    /// Removes all listeners and tells nobody.
    pub(super) fn clear(&self) {
        self.rows().for_each(|(_, row)| row.clear());
        if self.watched().is_some_and(|watch| watch.links.are_there()) {
            self.rows().for_each(|(index, row)| self.settle(index, row));
        }
    }

    /// Removes all listeners; those who are told of it come last.
    pub(super) fn remove_all(&self, source: &S) {
        if self.told_of_removals().is_none() {
            return self.clear();
        }
        let mut rows: Vec<_> = self.rows().filter(|(_, row)| row.count() != 0).collect();
        let last = <ListenerRemoved as Event<S>>::INDEX;
        rows.sort_by_cached_key(|(index, row)| (*index == last, row.since()));
        for (index, row) in rows {
            self.remove_all_in(source, index, row);
        }
    }

    /// Removes all listeners of one event.
    pub(super) fn remove_all_of<E: Event<S>>(&self, source: &S) {
        let row = self.row::<E>();
        match self.told_of_removals() {
            None => {
                let _settles = Settles { core: self, index: E::INDEX, row };
                row.clear();
            }
            Some(_) => self.remove_all_in(source, E::INDEX, row),
        }
    }

    /// The last first, each with its own event. One that is added meanwhile stays.
    fn remove_all_in(&self, source: &S, index: u16, row: &dyn AnyRow) {
        for (number, _) in row.standing().into_iter().rev() {
            let listener = Listener { key: number, serial: self.serial, event: index.into() };
            self.remove(Some(source), listener);
        }
    }

    fn is_special(&self) -> bool {
        self.options.as_ref().is_some_and(Options::are_special)
    }

    /// Has the rows know whether an emit has more to do than to call listeners.
    pub(super) fn regate(&self) {
        let mut gate = lock(&self.gate);
        let wanted = self.is_special() || self.watched().is_some_and(Watch::is_wanted);
        if *gate != wanted {
            *gate = wanted;
            self.rows().for_each(|(_, row)| row.set_gated(wanted));
        }
    }

    /// How listeners are called where emits have more to do.
    pub(super) fn careful(&self) -> Careful<'_, S> {
        let any = self.watched().and_then(Watch::newest_of_any);
        if any.is_none() && !self.is_special() {
            self.regate(); // there may be nothing any more
        }
        Careful { core: self, options: self.options.as_ref().filter(|o| o.are_special()), any }
    }

    /// Until this is dropped, one more emit of an event is under way inside of another one.
    ///
    /// # Panics
    ///
    /// If there are too many.
    pub(super) fn nest<E: Event<S>>(&self) -> Nested {
        let depth = self.options.as_ref().map_or(Options::<S>::MAX_DEPTH, Options::depth);
        Counter::new().enter(depth, (S::NAME, E::NAME), None)
    }
}

impl<S: Emitter> Core<S> {
    /// Adds a listener. Whoever watches is told before.
    pub(super) fn add<E: Event<S>>(&self, source: &S, node: Owned<S, E>, place: Place) -> Listener {
        if E::BUILT_IN || self.watched().is_some() {
            return self.add_watched(source, node, place, &mut |_| {});
        }
        let (listener, suspect) = self.put(node, place);
        if self.watched().is_some() {
            self.settle(E::INDEX, self.row::<E>()); // a relay has come meanwhile
        }
        if let Some(suspect) = suspect {
            self.suspect::<E>(source, *suspect);
        }
        listener
    }

    /// The same, where somebody watches, or may. `known` is called as soon as the listener stands there.
    #[cold]
    #[inline(never)]
    pub(super) fn add_watched<E: Event<S>>(
        &self,
        source: &S,
        node: Owned<S, E>,
        place: Place,
        known: &mut dyn FnMut(Listener),
    ) -> Listener {
        // The turn, if somebody is told, is had until the listener is there.
        let announce = |watch| self.announce::<E>(watch, source, node.location());
        let turn = self.watched().and_then(announce);
        let (listener, suspect) = self.put(node, place);
        known(listener);
        self.settle(E::INDEX, self.row::<E>());
        drop(turn);
        if E::BUILT_IN {
            self.watch().keep_recall(source);
            self.regate();
        }
        if let Some(suspect) = suspect {
            self.suspect::<E>(source, *suspect);
        }
        listener
    }

    /// Adds a listener, and says which there are if they are suspiciously many and that was not said.
    #[inline(always)]
    fn put<E: Event<S>>(
        &self,
        node: Owned<S, E>,
        place: Place,
    ) -> (Listener, Option<Box<Suspect>>) {
        let limit = limit(self.limit.load(Ordering::Relaxed));
        let since = || self.arrivals.fetch_add(1, Ordering::Relaxed);
        let (number, suspect) = self.row::<E>().add(node, place, limit, since);
        (Listener { key: number, serial: self.serial, event: E::INDEX.into() }, suspect)
    }

    #[cold]
    fn announce<'a, E: Event<S>>(
        &self,
        watch: &'a Watch<S>,
        source: &S,
        location: &'static Location<'static>,
    ) -> Option<Held<'a>> {
        self.tell_untold(source);
        let turn = watch.is_told().then(|| watch.turn.hold());
        if watch.added.count() != 0 {
            let others = self.row::<E>().count();
            let info = ListenerInfo::new(E::NAME, E::INDEX, others, location, None);
            watch.added.emit(self, source, &info);
        }
        turn
    }

    #[cold]
    fn suspect<E: Event<S>>(&self, source: &S, suspect: Suspect) {
        let Suspect { limit, locations } = suspect;
        let leak = Leak::new(S::NAME, E::NAME, locations.len(), limit, locations);
        let told =
            self.watched().is_some_and(|watch| watch.leaks.emit(self, source, &leak).handled());
        if !told {
            report(&leak);
        }
    }
}

/// Settles what the relays do as it is dropped: also if what a listener captured panics.
struct Settles<'a, S: Declared> {
    core: &'a Core<S>,
    index: u16,
    row: &'a dyn AnyRow,
}

impl<S: Declared> Drop for Settles<'_, S> {
    fn drop(&mut self) {
        self.core.settle(self.index, self.row);
    }
}

/// For handles, which have no source at hand.
impl<S: Declared> Off for Core<S> {
    fn off(&self, listener: Listener) -> bool {
        self.remove(None, listener)
    }

    fn block(&self, listener: Listener, block: bool) -> bool {
        self.row_of(listener).is_some_and(|(_, row)| row.block(listener.key, block))
    }
}
