//! Which sources there are, what they wait for, and what the driver has been told of it.
//!
//! Interest changes are only noted; [`Registry::apply`] tells the driver once per turn, so that
//! pausing and resuming in one turn costs nothing. A source without interest is not registered at
//! all: level-triggered pollers report errors and hang-ups whether one asks or not, for ever.
//! The place of a removed source stays taken until the turn ends, so readiness that was collected
//! before can never reach a source that came after.

use super::driver::Driver;
use super::slab::{Key, Slab};
use super::source::{Interest, Source};
use std::io;
use std::rc::Rc;

struct Place {
    source: Option<Rc<dyn Source>>,
    wanted: Interest,
    told: Interest,
    noted: bool,
    counted: bool,
}

#[derive(Default)]
pub(crate) struct Registry {
    places: Option<Slab<Place>>,
    changed: Vec<Key>,
    retired: Vec<Key>,
    counted: usize,
    stale: u64,
}

impl Registry {
    fn places(&mut self) -> &mut Slab<Place> {
        self.places.get_or_insert_with(Slab::new)
    }

    /// How many sources hold the loop.
    pub(crate) fn counted(&self) -> usize {
        self.counted
    }

    pub(crate) fn add(&mut self, source: Rc<dyn Source>, counted: bool) -> Key {
        self.counted += usize::from(counted);
        let (wanted, told) = (Interest::NONE, Interest::NONE);
        self.places().insert(Place { source: Some(source), wanted, told, noted: false, counted })
    }

    pub(crate) fn want(&mut self, key: Key, wanted: Interest) {
        let Some(place) = self.places().get_mut(key) else { return };
        place.wanted = wanted;
        if place.wanted != place.told && !place.noted {
            place.noted = true;
            self.changed.push(key);
        }
    }

    pub(crate) fn count(&mut self, key: Key, counted: bool) {
        let Some(place) = self.places().get_mut(key) else { return };
        if place.source.is_some() && place.counted != counted {
            place.counted = counted;
            self.counted = if counted { self.counted + 1 } else { self.counted - 1 };
        }
    }

    /// The source at a place that the driver reported.
    #[inline]
    pub(crate) fn find(
        &mut self,
        index: u32,
        readiness: Interest,
    ) -> Option<(Rc<dyn Source>, Interest)> {
        let found = self.places.as_mut().and_then(|places| places.at_mut(index));
        if let Some(Place { source: Some(source), wanted, .. }) = found {
            // What it stopped wanting in this very turn is not told any more.
            let left = Interest::when(Interest::READ, readiness.reads() && wanted.reads())
                | Interest::when(Interest::WRITE, readiness.writes() && wanted.writes());
            return (left != Interest::NONE).then(|| (Rc::clone(source), left));
        }
        self.stale += 1;
        None
    }

    /// Readiness that came too late, so far.
    pub(crate) fn stale(&self) -> u64 {
        self.stale
    }

    /// Takes a source out; from here on it hears of nothing. Its descriptor may be closed then.
    pub(crate) fn remove(&mut self, key: Key, driver: &Driver) -> Option<Rc<dyn Source>> {
        let place = self.places().get_mut(key)?;
        let source = place.source.take()?;
        let counted = place.counted;
        if place.told != Interest::NONE {
            place.told = Interest::NONE;
            // Fails only if the descriptor is gone, and then the registration went with it.
            let _ = source.lend(&mut |descriptor| driver.delete(descriptor));
        }
        self.counted -= usize::from(counted);
        self.retired.push(key);
        Some(source)
    }

    /// Tells the driver what has changed; gives back the sources that it refused.
    pub(crate) fn apply(&mut self, driver: &Driver) -> Vec<(Rc<dyn Source>, io::Error)> {
        let mut refused = Vec::new();
        let Some(places) = self.places.as_mut() else { return refused };
        for key in self.changed.drain(..) {
            let Some(place) = places.get_mut(key) else { continue };
            place.noted = false;
            let (Some(source), wanted, told) = (&place.source, place.wanted, place.told) else {
                continue;
            };
            if wanted == told {
                continue;
            }
            let result = source.lend(&mut |descriptor| match (told, wanted) {
                (Interest::NONE, _) => driver.add(descriptor, key.index, wanted),
                (_, Interest::NONE) => driver.delete(descriptor),
                _ => driver.modify(descriptor, key.index, wanted),
            });
            match result {
                Ok(()) => place.told = wanted,
                Err(error) => {
                    place.wanted = told;
                    refused.push((Rc::clone(source), error));
                }
            }
        }
        refused
    }

    /// Is there anything that the driver has not been told yet?
    pub(crate) fn has_changes(&self) -> bool {
        !self.changed.is_empty()
    }

    /// The turn is over: places of removed sources may be used again.
    pub(crate) fn free_retired(&mut self) {
        while let Some(key) = self.retired.pop() {
            self.places().remove(key);
        }
    }

    pub(crate) fn sources(&self) -> Vec<Rc<dyn Source>> {
        let places = self.places.iter().flat_map(Slab::iter);
        places.filter_map(|place| place.source.clone()).collect()
    }
}
