//! Where the closures of timers are kept: those of one type that were set at one line, side by side.
//!
//! A box for each would cost as much as all the rest of a timer, and memory that lies anywhere. So a timer that is
//! set where others were set before allocates nothing. A closure is never called, nor dropped, in its place: it is
//! moved out before, so nothing is borrowed meanwhile.

use super::core::Core;
use super::queues::Origin;
use super::slab::Key;
use super::tokens::Timer;
use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::mem::ManuallyDrop;
use std::ops::Range;
use std::panic::Location;
use std::rc::Rc;

/// A closure that is larger lies in a box, for it is moved when its shelf grows, and when it is called.
pub(super) const LARGE: usize = 128;
/// So many lines of a program have a shelf of their own. Those beyond share one, and use boxes.
const LINES: usize = 65_000;
/// A shelf with room for so many keeps it when it is empty.
const KEPT: usize = 64;

/// Names a closure: its shelf, and its place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seat {
    pub(super) shelf: u16,
    pub(super) place: u32,
}

impl Seat {
    #[cfg(test)]
    pub(crate) const NONE: Self = Self { shelf: u16::MAX, place: u32::MAX };
}

/// Is called once.
pub(crate) struct Once<F>(pub(crate) F);
/// Is called again and again.
pub(crate) struct Every<F>(pub(crate) F);

/// A closure in one of these.
pub(crate) trait Callback: Sized + 'static {
    type Boxed: Callback;
    fn boxed(self) -> Self::Boxed;
}

impl<F: FnOnce() + 'static> Callback for Once<F> {
    type Boxed = Once<Box<dyn FnOnce()>>;

    fn boxed(self) -> Self::Boxed {
        Once(Box::new(self.0))
    }
}

impl<F: FnMut(Timer) + 'static> Callback for Every<F> {
    type Boxed = Every<Box<dyn FnMut(Timer)>>;

    fn boxed(self) -> Self::Boxed {
        Every(Box::new(self.0))
    }
}

/// What can be done to a closure whose type is not known.
pub(crate) trait Shelf {
    fn origin(&self) -> Origin;
    /// Calls one. One that is called again goes back to its place, unless its timer is gone.
    fn call(&self, seat: Seat, core: &Core, key: Key);
    fn discard(&self, seat: Seat);
    fn clear(&self);
}

/// The closures of one type that were set at one line.
pub(crate) struct Row<F> {
    origin: Origin,
    closures: RefCell<Places<F>>,
}

struct Places<F> {
    /// Empty are those that are free, and the one that is being called. They are dropped by hand, so that nobody looks
    /// at a million places of which none is taken.
    places: Vec<Option<ManuallyDrop<F>>>,
    /// Runs of places that are free. Those that were taken together are often freed in their order, and then
    /// no memory is touched for a list of them.
    free: Vec<Range<u32>>,
    /// How many are not free.
    taken: usize,
}

impl<F> Default for Places<F> {
    fn default() -> Self {
        Self { places: Vec::new(), free: Vec::new(), taken: 0 }
    }
}

impl<F> Places<F> {
    fn put(&mut self, closure: F) -> u32 {
        self.taken += 1;
        if let Some(run) = self.free.last_mut() {
            run.end -= 1;
            let place = run.end;
            if run.start == run.end {
                self.free.pop();
            }
            self.put_back(place, closure);
            return place;
        }
        self.places.push(Some(ManuallyDrop::new(closure)));
        u32::try_from(self.places.len() - 1).unwrap_or_else(|_| unreachable!("memory ends before"))
    }

    fn take(&mut self, place: u32) -> Option<F> {
        self.places.get_mut(place as usize)?.take().map(ManuallyDrop::into_inner)
    }

    /// Its place was kept for it.
    fn put_back(&mut self, place: u32, closure: F) {
        if let Some(empty) = self.places.get_mut(place as usize) {
            *empty = Some(ManuallyDrop::new(closure));
        }
    }

    #[inline]
    fn release(&mut self, place: u32) {
        if place as usize >= self.places.len() {
            // They have been dropped, all of them.
            return;
        }
        match self.free.last_mut() {
            Some(run) if run.end == place => run.end += 1,
            Some(run) if run.start == place + 1 => run.start = place,
            _ => self.free.push(place..place + 1),
        }
        self.taken = self.taken.saturating_sub(1);
        if self.taken == 0 && self.places.capacity() > KEPT {
            *self = Self::default();
        }
    }
}

impl<F> Drop for Places<F> {
    fn drop(&mut self) {
        if self.taken > 0 {
            let left = std::mem::take(&mut self.places).into_iter().flatten();
            // As one row, so that one that panics as it is dropped does not keep the others.
            drop(left.map(ManuallyDrop::into_inner).collect::<Vec<F>>());
        }
    }
}

impl<F> Row<F> {
    /// Takes one out, for good.
    fn remove(&self, place: u32) -> Option<F> {
        let mut closures = self.closures.borrow_mut();
        let closure = closures.take(place)?;
        closures.release(place);
        Some(closure)
    }

    /// One that is being called is dropped when it has returned.
    fn drop_one(&self, place: u32) {
        let closure = self.remove(place);
        drop(closure);
    }

    fn drop_all(&self) {
        let closures = self.closures.take();
        drop(closures);
    }
}

impl<F: FnOnce()> Shelf for Row<Once<F>> {
    fn origin(&self) -> Origin {
        self.origin
    }

    fn call(&self, seat: Seat, _: &Core, _: Key) {
        let closure = self.remove(seat.place);
        closure.into_iter().for_each(|Once(closure)| closure());
    }

    fn discard(&self, seat: Seat) {
        self.drop_one(seat.place);
    }

    fn clear(&self) {
        self.drop_all();
    }
}

impl<F: FnMut(Timer)> Shelf for Row<Every<F>> {
    fn origin(&self) -> Origin {
        self.origin
    }

    fn call(&self, seat: Seat, core: &Core, key: Key) {
        let place = seat.place;
        let closure = self.closures.borrow_mut().take(place);
        let Some(mut closure) = closure else { return };
        // It goes before the closure does, in a panic too: what that drops may set timers.
        let called = Called { row: self, place, core, key };
        (closure.0)(Timer { key, serial: core.serial });
        std::mem::forget(called);
        let mut closures = self.closures.borrow_mut();
        if core.timers.borrow().is_counted(key).is_some() {
            closures.put_back(place, closure);
        } else {
            closures.release(place);
            drop(closures);
            drop(closure);
        }
    }

    fn discard(&self, seat: Seat) {
        self.drop_one(seat.place);
    }

    fn clear(&self) {
        self.drop_all();
    }
}

/// An interval whose callback panics is over.
struct Called<'a, F> {
    row: &'a Row<F>,
    place: u32,
    core: &'a Core,
    key: Key,
}

impl<F> Drop for Called<'_, F> {
    fn drop(&mut self) {
        self.core.timers.borrow_mut().cancel(self.key);
        self.row.closures.borrow_mut().release(self.place);
    }
}

/// All shelves of a loop. There are as many as there are lines that set timers.
#[derive(Default)]
pub(crate) struct Closures(RefCell<Shelves>);

/// The type of its closures, and the address of the line.
pub(super) type Name = (TypeId, usize);

/// The name of the shelf of such closures.
#[inline]
pub(super) fn name<C: 'static>(origin: Origin) -> Name {
    (TypeId::of::<C>(), std::ptr::from_ref(origin).addr())
}

#[derive(Default)]
struct Shelves {
    /// The one that was used last.
    last: Option<(Name, u16, Rc<dyn Any>)>,
    known: HashMap<Name, (u16, Rc<dyn Any>), BuildHasherDefault<Mix>>,
    all: Vec<Rc<dyn Shelf>>,
}

impl Closures {
    pub(crate) fn put<C: Callback>(&self, closure: C, origin: Origin) -> Seat
    where
        Row<C>: Shelf,
        Row<C::Boxed>: Shelf,
    {
        let mut shelves = self.0.borrow_mut();
        if shelves.all.len() >= LINES {
            return shelves.put(closure.boxed(), Location::caller());
        }
        if size_of::<C>() > LARGE {
            return shelves.put(closure.boxed(), origin);
        }
        shelves.put(closure, origin)
    }

    /// Where a closure is, which knows its origin, and how to call it.
    pub(crate) fn shelf(&self, seat: Seat) -> Option<Rc<dyn Shelf>> {
        self.0.borrow().all.get(usize::from(seat.shelf)).cloned()
    }

    /// Drops them all.
    pub(crate) fn clear(&self) {
        let all = self.0.borrow().all.clone();
        all.into_iter().for_each(|shelf| shelf.clear());
    }
}

impl Shelves {
    fn put<C: 'static>(&mut self, closure: C, origin: Origin) -> Seat
    where
        Row<C>: Shelf,
    {
        let name = name::<C>(origin);
        if !matches!(&self.last, Some((last, ..)) if *last == name) {
            self.look_up::<C>(name, origin);
        }
        let last = self.last.as_ref();
        let row = last.and_then(|(_, n, row)| Some((*n, row.downcast_ref::<Row<C>>()?)));
        let Some((shelf, row)) = row else { unreachable!("it has just been put there") };
        Seat { shelf, place: row.closures.borrow_mut().put(closure) }
    }

    /// Makes the shelf of such closures the last.
    fn look_up<C: 'static>(&mut self, name: Name, origin: Origin)
    where
        Row<C>: Shelf,
    {
        let (shelf, row) = self.known.entry(name).or_insert_with(|| {
            let row = Rc::new(Row::<C> { origin, closures: RefCell::default() });
            let shelf = u16::try_from(self.all.len()).unwrap_or_else(|_| unreachable!("see LINES"));
            self.all.push(Rc::clone(&row) as Rc<dyn Shelf>);
            (shelf, row)
        });
        self.last = Some((name, *shelf, Rc::clone(row)));
    }
}

/// A type's id is a hash already.
#[derive(Default)]
pub(super) struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64((*byte).into()));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(23) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::{KEPT, Places};
    use std::cell::Cell;
    use std::collections::BTreeMap;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    #[test]
    fn no_place_has_two_closures_whatever_the_order_in_which_they_go() {
        let (mut places, mut model) = (Places::default(), BTreeMap::new());
        let mut seed = 0x9e37_79b9_u32;
        for round in 0..20_000_u32 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // It grows for a while, then shrinks.
            if model.is_empty() || (seed >> 16) % 8 < if round / 500 % 2 == 0 { 5 } else { 3 } {
                let place = places.put(round);
                assert_eq!(model.insert(place, round), None, "it was free");
            } else {
                let from = seed % 400;
                let found = model.range(from..).next().or_else(|| model.iter().next());
                let (&place, &value) = found.unwrap();
                model.remove(&place);
                assert_eq!(places.take(place), Some(value));
                places.release(place);
            }
            assert_eq!(places.taken, model.len());
        }
        for (place, value) in model {
            assert_eq!(places.take(place), Some(value));
            places.release(place);
        }
        assert!(places.places.capacity() <= KEPT && places.free.len() <= KEPT);
    }

    #[test]
    fn what_is_left_is_dropped_with_the_places_also_if_one_panics() {
        struct Counted<'a>(&'a Cell<u32>);
        impl Drop for Counted<'_> {
            fn drop(&mut self) {
                self.0.set(self.0.get() + 1);
                assert_ne!(self.0.get(), 3, "the third one");
            }
        }
        let dropped = Cell::new(0);
        let mut places = Places::default();
        for _ in 0..10 {
            places.put(Counted(&dropped));
        }
        drop(places.take(4));
        places.release(4);
        let result = catch_unwind(AssertUnwindSafe(|| drop(places)));
        assert!(result.is_err());
        assert_eq!(dropped.get(), 10);
    }
}
