//! A generational slab: the one storage for things that are named by a small, inert key.

use std::num::NonZeroU32;

/// The generation of what stands at a place first.
const FIRST: NonZeroU32 = NonZeroU32::MIN;

/// Names a place in a [`Slab`] and the thing that stood there when it was handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) index: u32,
    /// Never zero, so that an `Option` of a key takes no more than the key.
    generation: NonZeroU32,
}

impl Key {
    /// Names no place at all.
    pub(crate) const NOBODY: Self = Self { index: u32::MAX, generation: FIRST };
}

#[derive(Debug)]
struct Place<T> {
    generation: NonZeroU32,
    content: Content<T>,
}

/// A free place is a link of the list of those that are: the list has no memory of its own.
#[derive(Debug)]
enum Content<T> {
    Value(T),
    /// The next free place, or [`NONE`].
    Free(u32),
}

/// No place.
const NONE: u32 = u32::MAX;

impl<T> Content<T> {
    #[inline]
    fn get(&self) -> Option<&T> {
        if let Self::Value(value) = self { Some(value) } else { None }
    }

    #[inline]
    fn get_mut(&mut self) -> Option<&mut T> {
        if let Self::Value(value) = self { Some(value) } else { None }
    }

    fn into_value(self) -> Option<T> {
        if let Self::Value(value) = self { Some(value) } else { None }
    }
}

/// Insert, find and remove in O(1); a key outlives its value without harm.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    places: Vec<Place<T>>,
    /// The free place that is used next, or [`NONE`].
    free: u32,
    len: usize,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Slab<T> {
    pub(crate) const fn new() -> Self {
        Self { places: Vec::new(), free: NONE, len: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn insert(&mut self, value: T) -> Key {
        self.len += 1;
        let index = self.free;
        if let Some(place) = self.places.get_mut(index as usize) {
            if let Content::Free(next) =
                std::mem::replace(&mut place.content, Content::Value(value))
            {
                self.free = next;
            }
            return Key { index, generation: place.generation };
        }
        let index =
            u32::try_from(self.places.len()).unwrap_or_else(|_| unreachable!("memory ends before"));
        self.places.push(Place { generation: FIRST, content: Content::Value(value) });
        Key { index, generation: FIRST }
    }

    #[inline]
    pub(crate) fn get(&self, key: Key) -> Option<&T> {
        let place = self.places.get(key.index as usize)?;
        if place.generation == key.generation { place.content.get() } else { None }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let place = self.places.get_mut(key.index as usize)?;
        if place.generation == key.generation { place.content.get_mut() } else { None }
    }

    /// Bytes that each takes.
    #[cfg(test)]
    pub(crate) const PLACE: usize = size_of::<Place<T>>();

    #[inline]
    pub(crate) fn at(&self, index: u32) -> Option<&T> {
        self.at_place(index as usize)
    }

    #[inline(always)]
    pub(crate) fn at_place(&self, index: usize) -> Option<&T> {
        self.places.get(index)?.content.get()
    }

    /// What stands at a place, whichever generation it is of.
    #[inline]
    pub(crate) fn at_mut(&mut self, index: u32) -> Option<&mut T> {
        self.places.get_mut(index as usize)?.content.get_mut()
    }

    /// The key of what stands at a place.
    pub(crate) fn key_of(&self, index: u32) -> Option<Key> {
        let place =
            self.places.get(index as usize).filter(|place| place.content.get().is_some())?;
        Some(Key { index, generation: place.generation })
    }

    pub(crate) fn remove(&mut self, key: Key) -> Option<T> {
        let place = self.places.get_mut(key.index as usize)?;
        if place.generation != key.generation {
            return None;
        }
        let value = match std::mem::replace(&mut place.content, Content::Free(self.free)) {
            Content::Value(value) => value,
            // It was free, and stays where it is in the list.
            Content::Free(next) => {
                place.content = Content::Free(next);
                return None;
            }
        };
        place.generation = place.generation.checked_add(1).unwrap_or(FIRST);
        self.free = key.index;
        self.len -= 1;
        Some(value)
    }

    /// Each with its place.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (u32, &T)> {
        let places = (0_u32..).zip(&self.places);
        places.filter_map(|(index, place)| Some((index, place.content.get()?)))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.places.iter().filter_map(|place| place.content.get())
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.places.iter_mut().filter_map(|place| place.content.get_mut())
    }

    /// Takes everything out.
    pub(crate) fn drain(&mut self) -> Vec<T> {
        self.len = 0;
        self.free = NONE;
        std::mem::take(&mut self.places)
            .into_iter()
            .filter_map(|place| place.content.into_value())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Slab;

    #[test]
    fn a_stale_key_finds_nothing_in_a_place_used_again() {
        let mut slab = Slab::new();
        let first = slab.insert("a");
        assert_eq!(slab.remove(first), Some("a"));
        let second = slab.insert("b");
        assert_eq!(first.index, second.index);
        assert_eq!((slab.get(first), slab.get(second)), (None, Some(&"b")));
        assert_eq!(slab.remove(first), None);
        assert_eq!(slab.len(), 1);
    }

    #[test]
    fn places_that_were_freed_are_used_again_the_last_one_first() {
        let mut slab = Slab::new();
        let keys = [0_u8, 1, 2, 3].map(|value| slab.insert(value));
        for at in [2, 0, 3] {
            assert!(slab.remove(keys[at]).is_some());
            assert!(slab.remove(keys[at]).is_none(), "it is free only once");
        }
        let again = [7, 8, 9, 10].map(|value| slab.insert(value).index);
        assert_eq!(again, [3, 0, 2, 4]);
        assert_eq!(slab.iter().collect::<Vec<_>>(), [&8, &1, &9, &7, &10]);
        assert_eq!((slab.len(), slab.drain().len()), (5, 5));
        assert_eq!(slab.insert(11).index, 0);
    }
}
