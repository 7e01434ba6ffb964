//! A generational slab: the one storage for things that are named by a small, inert key.

/// Names a place in a [`Slab`] and the thing that stood there when it was handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) index: u32,
    generation: u32,
}

impl Key {
    /// Names no place at all.
    pub(crate) const NOBODY: Self = Self { index: u32::MAX, generation: 0 };
}

#[derive(Debug)]
struct Place<T> {
    generation: u32,
    value: Option<T>,
}

/// Insert, find and remove in O(1); a key outlives its value without harm.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    places: Vec<Place<T>>,
    free: Vec<u32>,
    len: usize,
}

impl<T> Slab<T> {
    pub(crate) const fn new() -> Self {
        Self { places: Vec::new(), free: Vec::new(), len: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn insert(&mut self, value: T) -> Key {
        self.len += 1;
        if let Some(index) = self.free.pop() {
            let place = &mut self.places[index as usize];
            place.value = Some(value);
            return Key { index, generation: place.generation };
        }
        let index =
            u32::try_from(self.places.len()).unwrap_or_else(|_| unreachable!("memory ends before"));
        self.places.push(Place { generation: 0, value: Some(value) });
        Key { index, generation: 0 }
    }

    #[inline]
    pub(crate) fn get(&self, key: Key) -> Option<&T> {
        let place = self.places.get(key.index as usize)?;
        if place.generation == key.generation { place.value.as_ref() } else { None }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let place = self.places.get_mut(key.index as usize)?;
        if place.generation == key.generation { place.value.as_mut() } else { None }
    }

    /// Bytes that each takes.
    #[cfg(test)]
    pub(crate) const PLACE: usize = size_of::<Place<T>>();

    #[inline]
    pub(crate) fn at(&self, index: u32) -> Option<&T> {
        self.places.get(index as usize)?.value.as_ref()
    }

    /// What stands at a place, whichever generation it is of.
    #[inline]
    pub(crate) fn at_mut(&mut self, index: u32) -> Option<&mut T> {
        self.places.get_mut(index as usize)?.value.as_mut()
    }

    /// The key of what stands at a place.
    pub(crate) fn key_of(&self, index: u32) -> Option<Key> {
        let place = self.places.get(index as usize).filter(|place| place.value.is_some())?;
        Some(Key { index, generation: place.generation })
    }

    pub(crate) fn remove(&mut self, key: Key) -> Option<T> {
        let place = self.places.get_mut(key.index as usize)?;
        if place.generation != key.generation {
            return None;
        }
        let value = place.value.take()?;
        place.generation = place.generation.wrapping_add(1);
        self.free.push(key.index);
        self.len -= 1;
        Some(value)
    }

    /// Each with its place.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (u32, &T)> {
        let places = (0_u32..).zip(&self.places);
        places.filter_map(|(index, place)| Some((index, place.value.as_ref()?)))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.places.iter().filter_map(|place| place.value.as_ref())
    }

    /// Takes everything out.
    pub(crate) fn drain(&mut self) -> Vec<T> {
        self.len = 0;
        self.free.clear();
        std::mem::take(&mut self.places).into_iter().filter_map(|place| place.value).collect()
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
}
