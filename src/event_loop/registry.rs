//! Which sources there are, what they wait for, and what the driver has been told of it.
//!
//! Interest changes are only noted; [`Registry::apply`] tells the driver once per turn, so that
//! pausing and resuming in one turn costs nothing. A source without interest is not registered at
//! all: level-triggered pollers report errors and hang-ups whether one asks or not, for ever.
//!
//! A source that is told of edges stays registered for all that it ever wanted. What the driver tells
//! while it is not wanted, and what the source has not exhausted, waits here as `pending` until it is
//! wanted again; then it is told without a system call.
//! The place of a removed source stays taken until the turn ends, so readiness that was collected
//! before can never reach a source that came after.

use super::births::{Birth, Births};
use super::driver::{Driver, Ready, WAKER};
use super::queues::Origin;
use super::slab::{Key, Slab};
use super::source::{Descriptor, Interest, Source, Trigger};
use std::io;
use std::rc::Rc;

struct Place {
    source: Option<Rc<dyn Source>>,
    /// What it wants; the end with what there is to read.
    wanted: Interest,
    told: Interest,
    /// Readiness that the driver will not tell again.
    pending: Interest,
    /// What may be pending. Who wants to write has just seen that it cannot: the edge is still to come. What is
    /// `Level` is told again, unless the driver knows nothing of it.
    keeps: Interest,
    marks: Marks,
    /// It wants what flows, nothing is pending, it stands in no line, and nobody watches: that it may read is told without
    /// another question. As nothing else here it has values to spare, so that the place is free if it has one of those.
    plain: bool,
}

/// What is so of a place, beside.
#[derive(Clone, Copy)]
struct Marks(u8);

impl Marks {
    /// It is told of edges.
    const EDGE: Self = Self(1);
    /// The driver has to be told something.
    const NOTED: Self = Self(1 << 1);
    /// Stands among those to be told again.
    const QUEUED: Self = Self(1 << 2);
    /// The loop waits for it.
    const COUNTED: Self = Self(1 << 3);
    /// Somebody looks how long its callbacks take.
    const WATCHED: Self = Self(1 << 4);

    #[inline]
    fn has(self, mark: Self) -> bool {
        self.0 & mark.0 != 0
    }

    fn put(&mut self, mark: Self, is: bool) {
        self.0 = if is { self.0 | mark.0 } else { self.0 & !mark.0 };
    }
}

impl Place {
    /// What the driver has to be told.
    fn to_tell(&self) -> Interest {
        let wanted = self.wanted.without(Interest::FLOWS);
        if self.marks.has(Marks::EDGE) { self.told | wanted } else { wanted }
    }

    /// Is it plain? To be asked anew after each change of what that is about.
    fn judge(&mut self) {
        let waits = self.marks.has(Marks::QUEUED) || !self.pending.is_none();
        let asks = waits || self.marks.has(Marks::WATCHED);
        self.plain = self.wanted.flows() && !asks && self.source.is_some();
    }

    /// What of this readiness, and of what was pending, the source is to hear now.
    fn sift(&mut self, readiness: Interest) -> Option<(Rc<dyn Source>, Interest)> {
        let now = if self.marks.has(Marks::QUEUED) && self.stays_in_line(readiness) {
            self.put_off(readiness)
        } else {
            let all = readiness | self.pending;
            let now = all & self.wanted;
            self.pending = all.without(now) & self.keeps;
            now
        };
        self.judge();
        if now.is_none() {
            return None;
        }
        self.source.as_ref().map(|source| (Rc::clone(source), now))
    }

    /// The driver does not tell of nothing: who has asked to be told again has its turn.
    #[cold]
    fn stays_in_line(&mut self, readiness: Interest) -> bool {
        let stays = !readiness.is_none();
        self.marks.put(Marks::QUEUED, stays);
        stays
    }

    /// It stands in line behind those that the driver tells of, and has its turn there alone: who has much would be
    /// served twice in a turn else, and not in order. Only that it may write is told at once.
    #[cold]
    fn put_off(&mut self, readiness: Interest) -> Interest {
        self.pending = self.pending | (readiness.without(Interest::WRITE) & self.keeps);
        readiness & Interest::WRITE & self.wanted
    }
}

/// A source as a dump sees it.
pub(crate) struct Listed {
    pub(crate) source: Rc<dyn Source>,
    pub(crate) counted: bool,
    pub(crate) birth: Birth,
}

#[derive(Default)]
pub(crate) struct Registry {
    places: Slab<Place>,
    /// By the index of the place: beside them, for a place is looked at with each message.
    births: Births,
    changed: Vec<Key>,
    again: Vec<Key>,
    retired: Vec<Key>,
    /// Those that have been taken out, and that the driver still knows.
    leaving: Vec<Rc<dyn Source>>,
    counted: usize,
    watched: bool,
    stale: u64,
}

impl Registry {
    /// How many sources hold the loop.
    pub(crate) fn counted(&self) -> usize {
        self.counted
    }

    pub(crate) fn add(&mut self, source: Rc<dyn Source>, trigger: Trigger, birth: Birth) -> Key {
        self.counted += 1;
        let edges = Driver::EDGES && trigger == Trigger::Edge;
        let [wanted, told, pending] = [Interest::NONE; 3];
        let keeps = Interest::when(Interest::READ | Interest::ENDING, edges);
        let mut marks = Marks::COUNTED;
        marks.put(Marks::EDGE, edges);
        marks.put(Marks::WATCHED, self.watched);
        let (source, plain) = (Some(source), false);
        let key = self.places.insert(Place { source, wanted, told, pending, keeps, marks, plain });
        self.births.note(key.index, birth);
        key
    }

    /// Somebody looks how long callbacks take, or nobody does: then no source is plain, for each callback is looked at.
    pub(crate) fn watch(&mut self, watched: bool) {
        self.watched = watched;
        for place in self.places.iter_mut() {
            place.marks.put(Marks::WATCHED, watched);
            place.judge();
        }
    }

    /// When and where the source at a place was made.
    pub(crate) fn birth(&self, index: u32) -> Option<Birth> {
        self.births.get(index)
    }

    /// The number by which a line is known here.
    pub(crate) fn note_line(&mut self, origin: Origin) -> u16 {
        self.births.number(origin)
    }

    pub(crate) fn line(&self, number: u16) -> Option<Origin> {
        self.births.line(number)
    }

    /// How many sources there are.
    pub(crate) fn len(&self) -> usize {
        self.places.len() - self.retired.len()
    }

    /// All sources.
    pub(crate) fn list(&self) -> impl Iterator<Item = Listed> {
        self.places.entries().filter_map(|(index, place)| {
            let (source, birth) = (Rc::clone(place.source.as_ref()?), self.birth(index)?);
            Some(Listed { source, counted: place.marks.has(Marks::COUNTED), birth })
        })
    }

    pub(crate) fn want(&mut self, key: Key, wanted: Interest) {
        let Some(place) = self.places.get_mut(key) else { return };
        // Who cannot tell of the end alone would tell of it for ever, or not at all.
        let alone = Interest::when(Interest::ENDING, !place.marks.has(Marks::EDGE));
        place.wanted = wanted.without(alone).with_end();
        if place.to_tell() != place.told && !place.marks.has(Marks::NOTED) {
            place.marks.put(Marks::NOTED, true);
            self.changed.push(key);
        }
        if !(place.pending & place.wanted).is_none() && !place.marks.has(Marks::QUEUED) {
            place.marks.put(Marks::QUEUED, true);
            self.again.push(key);
        }
        place.judge();
    }

    /// A source has not exhausted what it was told of: it hears of it again in the next turn, or as soon
    /// as it wants to. A `Level` source would anyway.
    pub(crate) fn again(&mut self, key: Key, readiness: Interest) {
        let Some(place) = self.places.get_mut(key) else { return };
        if place.marks.has(Marks::EDGE) {
            self.remind(key, readiness);
        }
    }

    /// The same for a source that holds something which the driver knows nothing of, `Level` or not.
    pub(crate) fn remind(&mut self, key: Key, readiness: Interest) {
        let Some(place) = self.places.get_mut(key) else { return };
        place.keeps = Interest::READ | Interest::ENDING;
        place.pending = place.pending | readiness;
        let wanted = place.wanted;
        self.want(key, wanted);
    }

    /// The same for what a driver reported and nobody was told.
    #[cold]
    pub(crate) fn keep(&mut self, index: u32, readiness: Interest) {
        let Some(key) = self.places.key_of(index) else { return };
        if !readiness.is_none() {
            return self.again(key, readiness);
        }
        // It stood in line in this turn.
        let place = self.places.get_mut(key);
        place.into_iter().for_each(|place| place.marks.put(Marks::QUEUED, false));
        self.remind(key, readiness);
    }

    /// Adds those that are to be told again, of what is pending only. They stand in line until it is their turn.
    #[inline]
    pub(crate) fn take_again(&mut self, ready: &mut Ready) {
        if !self.again.is_empty() {
            self.take_all_again(ready);
        }
    }

    fn take_all_again(&mut self, ready: &mut Ready) {
        for key in self.again.drain(..) {
            if self.places.get_mut(key).is_some() {
                ready.push(key.index, Interest::NONE);
            }
        }
    }

    pub(crate) fn count(&mut self, key: Key, counted: bool) {
        let Some(place) = self.places.get_mut(key) else { return };
        if place.source.is_some() && place.marks.has(Marks::COUNTED) != counted {
            place.marks.put(Marks::COUNTED, counted);
            self.counted = if counted { self.counted + 1 } else { self.counted - 1 };
        }
    }

    /// The source at a place of which the driver has reported that it may read, and nothing else; if nothing more has to
    /// be asked. So it is with nearly all; [`find`](Self::find) knows of the others.
    #[inline(always)]
    pub(crate) fn find_plain(&self, index: usize) -> Option<Rc<dyn Source>> {
        let place = self.places.at_place(index)?;
        if place.plain { place.source.clone() } else { None }
    }

    /// The source at a place that the driver reported, and what it is to hear.
    pub(crate) fn find(
        &mut self,
        index: u32,
        readiness: Interest,
    ) -> Option<(Rc<dyn Source>, Interest)> {
        // What it stopped wanting in this very turn is not told any more.
        let found = self.places.at_mut(index).and_then(|place| place.sift(readiness));
        if found.is_none() {
            self.note_missed(index);
        }
        found
    }

    /// Nobody is told of this place.
    #[cold]
    fn note_missed(&mut self, index: u32) {
        let there = self.places.at(index).is_some_and(|place| place.source.is_some());
        self.stale += u64::from(!there && index != WAKER);
    }

    /// Readiness that came too late, so far.
    pub(crate) fn stale(&self) -> u64 {
        self.stale
    }

    /// Takes a source out; from here on it hears of nothing. Its descriptor, which the driver is told to
    /// `delete` if it knows it, may be closed then.
    pub(crate) fn remove(
        &mut self,
        key: Key,
        delete: impl Fn(Descriptor<'_>) -> io::Result<()>,
    ) -> Option<Rc<dyn Source>> {
        let (source, known) = self.take_out(key)?;
        if known {
            // Fails only if the descriptor is gone, and then the registration went with it.
            let _ = source.lend(&mut |descriptor| delete(descriptor));
        }
        Some(source)
    }

    /// The same, but that the driver is told of all such at once, by who [takes](Self::take_leaving) them. Until then the
    /// descriptor stays open.
    pub(crate) fn retire(&mut self, key: Key) -> Option<Rc<dyn Source>> {
        let (source, known) = self.take_out(key)?;
        if !known {
            return Some(source);
        }
        self.leaving.push(source);
        None
    }

    /// Takes a source out; says whether the driver knows it.
    fn take_out(&mut self, key: Key) -> Option<(Rc<dyn Source>, bool)> {
        let place = self.places.get_mut(key)?;
        let source = place.source.take()?;
        place.plain = false;
        let known = !std::mem::take(&mut place.told).is_none();
        self.counted -= usize::from(place.marks.has(Marks::COUNTED));
        self.retired.push(key);
        Some((source, known))
    }

    /// Those that the driver has to be told of before they close.
    pub(crate) fn take_leaving(&mut self) -> Vec<Rc<dyn Source>> {
        std::mem::take(&mut self.leaving)
    }

    /// Is there anything to tell the driver?
    #[inline]
    pub(crate) fn has_changes(&self) -> bool {
        !self.changed.is_empty() || self.has_leaving()
    }

    /// Is there any that has been taken out, and that the driver still knows?
    #[inline]
    pub(crate) fn has_leaving(&self) -> bool {
        !self.leaving.is_empty()
    }

    /// Tells the driver what has changed; gives back the sources that it refused.
    pub(crate) fn apply(&mut self, driver: &Driver) -> Vec<(Rc<dyn Source>, io::Error)> {
        let mut refused = Vec::new();
        for key in self.changed.drain(..) {
            let Some(place) = self.places.get_mut(key) else { continue };
            place.marks.put(Marks::NOTED, false);
            let (told, wanted) = (place.told, place.to_tell());
            let edges = place.marks.has(Marks::EDGE);
            let trigger = if edges { Trigger::Edge } else { Trigger::Level };
            let Some(source) = place.source.as_ref().filter(|_| wanted != told) else { continue };
            let result = source.lend(&mut |descriptor| match (told, wanted) {
                (Interest::NONE, _) => driver.add(descriptor, key.index, wanted, trigger),
                (_, Interest::NONE) => driver.delete(descriptor),
                _ => driver.modify(descriptor, key.index, wanted, trigger),
            });
            match result {
                Ok(()) => place.told = wanted,
                Err(error) => {
                    refused.push((Rc::clone(source), error));
                    place.wanted = told;
                    place.judge();
                }
            }
        }
        refused
    }

    /// Is there anything that the driver, or a source, has not been told yet?
    pub(crate) fn is_unsettled(&self) -> bool {
        !self.changed.is_empty() || !self.again.is_empty()
    }

    /// The turn is over: places of removed sources may be used again.
    #[inline]
    pub(crate) fn free_retired(&mut self) {
        if !self.retired.is_empty() {
            self.free_all_retired();
        }
    }

    fn free_all_retired(&mut self) {
        while let Some(key) = self.retired.pop() {
            self.places.remove(key);
        }
    }

    pub(crate) fn sources(&self) -> Vec<Rc<dyn Source>> {
        self.places.iter().filter_map(|place| place.source.clone()).collect()
    }
}
