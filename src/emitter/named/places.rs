//! A hash table of open places, made for one thing: that a look at it takes few steps.
//!
//! The values stand side by side, in no order; the places, of which at most half are taken, say where. One that is
//! wanted is at the place that its hash says, or at one of the next, before the first that is free.

use alloc::vec::Vec;

/// A table with so many places is left as it is, however few there are in it.
const SMALL: usize = 128;
/// A place with this is free.
const FREE: u32 = u32::MAX;

pub(super) struct Places<T> {
    /// None, or as many as a power of two.
    places: Vec<Place>,
    values: Vec<(u32, T)>,
}

#[derive(Clone, Copy)]
struct Place {
    hash: u32,
    /// Which of the values.
    value: u32,
}

impl<T> Places<T> {
    /// The first value with this hash of which `same` says that it is the one.
    #[inline(always)]
    pub(super) fn find(&self, hash: u32, mut same: impl FnMut(&T) -> bool) -> Option<&T> {
        let mask = self.places.len().wrapping_sub(1);
        let mut at = hash as usize;
        loop {
            let place = self.places.get(at & mask)?;
            if place.hash == hash {
                // A free place has no value, whatever its hash.
                let (_, value) = self.values.get(place.value as usize)?;
                if same(value) {
                    return Some(value);
                }
            } else if place.value == FREE {
                return None;
            }
            at = at.wrapping_add(1);
        }
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &T> {
        self.values.iter().map(|(_, value)| value)
    }

    /// Is it about to grow?
    pub(super) fn is_full(&self) -> bool {
        self.values.len() * 2 >= self.places.len()
    }

    pub(super) fn insert(&mut self, hash: u32, value: T) {
        if self.is_full() {
            self.arrange((self.places.len() * 2).max(8));
        }
        let number = u32::try_from(self.values.len()).ok().filter(|number| *number != FREE);
        let number = number.expect("fewer keys than memory could hold");
        self.values.push((hash, value));
        self.take_place(hash, number);
    }

    /// Takes out the value with this hash of which `same` says that it is the one.
    pub(super) fn remove(&mut self, hash: u32, mut same: impl FnMut(&T) -> bool) -> Option<T> {
        let number = self.number_of(hash, |value| same(&value.1))?;
        let last = self.values.len() - 1;
        let moved = self.values[last].0;
        let of_last = self.place_of(moved, last as u32)?;
        let place = self.place_of(hash, number)?;
        self.places[of_last].value = number;
        let (_, removed) = self.values.swap_remove(number as usize);
        self.free(place);
        if self.places.len() > SMALL && self.values.len() < self.places.len() / 16 {
            self.arrange(self.places.len() / 4);
            self.values.shrink_to(self.values.len() * 2);
        }
        Some(removed)
    }

    fn number_of(&self, hash: u32, mut same: impl FnMut(&(u32, T)) -> bool) -> Option<u32> {
        let mut is_it =
            |place: &Place| place.hash == hash && same(&self.values[place.value as usize]);
        Some(self.places[self.taken(hash).find(|&at| is_it(&self.places[at]))?].value)
    }

    fn place_of(&self, hash: u32, number: u32) -> Option<usize> {
        self.taken(hash).find(|&at| self.places[at].value == number)
    }

    /// The places from that of a hash on, up to the first that is free.
    fn taken(&self, hash: u32) -> impl Iterator<Item = usize> {
        let mask = self.places.len().wrapping_sub(1);
        let all = (0..self.places.len()).map(move |step| (hash as usize).wrapping_add(step) & mask);
        all.take_while(|&at| self.places[at].value != FREE)
    }

    fn take_place(&mut self, hash: u32, value: u32) {
        let mask = self.places.len() - 1;
        let mut at = hash as usize & mask;
        while self.places[at].value != FREE {
            at = (at + 1) & mask;
        }
        self.places[at] = Place { hash, value };
    }

    /// Frees a place. Those behind it move up, if they may: nobody looks beyond a free one.
    fn free(&mut self, mut gap: usize) {
        let mask = self.places.len() - 1;
        let mut at = gap;
        loop {
            at = (at + 1) & mask;
            let place = self.places[at];
            if place.value == FREE {
                break;
            }
            let steps = at.wrapping_sub(place.hash as usize) & mask;
            if steps >= (at.wrapping_sub(gap) & mask) {
                self.places[gap] = place;
                gap = at;
            }
        }
        self.places[gap].value = FREE;
    }

    /// Has so many places, a power of two, and more than there are values.
    fn arrange(&mut self, places: usize) {
        self.places = alloc::vec![Place { hash: 0, value: FREE }; places];
        for number in 0..self.values.len() {
            self.take_place(self.values[number].0, number as u32);
        }
    }
}

impl<T> Default for Places<T> {
    fn default() -> Self {
        Self { places: Vec::new(), values: Vec::new() }
    }
}
