//! When which timer is due: a 4-ary heap of deadlines beside a slab of what is known of each timer.
//!
//! Time is an argument, nanoseconds since the loop began; nothing here reads a clock or calls a
//! callback. A timer that is cancelled leaves its place at once; its entry in the heap goes
//! when the dead are as many as the living, or when it comes to the front. So cancelling takes constant
//! time, taken over many, and never searches.
//!
//! What is scheduled stands in a row of its own at first, and is sorted in when somebody asks what comes next, which
//! the loop does before it waits: a timer that is cancelled in the callback that set it is never sorted.

use super::closures::Seat;
pub use super::missed::Missed;
use super::slab::{Key, Slab};
use delay::Delay;
use fresh::{Fresh, SMALL};

mod delay;
mod fresh;

const ARITY: usize = 4;
/// The serial of a timer that stands in no heap: it is being called.
const UNARMED: u32 = u32::MAX;

/// Once, or again and again?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Once,
    Every(Missed),
}

/// A timer that is due, when it was, and what to call. If it is to be called again it stays known, so that
/// its callback can cancel it; [`Timers::again`] puts it back.
pub(crate) struct Due {
    pub(crate) key: Key,
    pub(crate) deadline: u64,
    pub(crate) kind: Kind,
    pub(crate) seat: Seat,
}

/// A timer that waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listed {
    /// None of one that is being called.
    pub(crate) deadline: Option<u64>,
    pub(crate) delay: u64,
    pub(crate) kind: Kind,
    /// Does it hold the loop?
    pub(crate) counted: bool,
    pub(crate) seat: Seat,
}

#[derive(Clone, Copy)]
struct Entry {
    deadline: u64,
    /// The n-th schedule: equal deadlines go first in, first out. It is alive if its timer has the same.
    serial: u32,
    index: u32,
}

impl Entry {
    fn new((serial, deadline, index): (u32, u64, u32)) -> Self {
        Self { deadline, serial, index }
    }

    fn order(&self) -> (u64, u32) {
        (self.deadline, self.serial)
    }
}

struct Timer {
    delay: Delay,
    /// Where its closure is.
    place: u32,
    shelf: u16,
    kind: Kind,
    counted: bool,
    /// That of its entry; [`UNARMED`] if there is none.
    serial: u32,
}

impl Timer {
    fn seat(&self) -> Seat {
        Seat { shelf: self.shelf, place: self.place }
    }
}

/// All timers of one loop.
pub(crate) struct Timers {
    heap: Vec<Entry>,
    /// Those that stand in the heap not yet.
    fresh: Fresh,
    timers: Slab<Timer>,
    serial: u32,
    counted: usize,
    /// How many entries of the heap are alive.
    alive: usize,
}

impl Timers {
    pub(crate) fn new() -> Self {
        let (heap, fresh, timers) = (Vec::new(), Fresh::new(), Slab::new());
        Self { heap, fresh, timers, serial: 0, counted: 0, alive: 0 }
    }

    /// How many timers hold the loop.
    pub(crate) fn counted(&self) -> usize {
        self.counted
    }

    /// How many there are, an interval that is being called included.
    pub(crate) fn len(&self) -> usize {
        self.timers.len()
    }

    /// Is there none that could be due?
    pub(crate) fn is_empty(&self) -> bool {
        self.alive == 0 && self.fresh.alive() == 0
    }

    /// Begins a pass: the serial that the next schedule will get. Due timers below it belong to this pass; those that
    /// are scheduled in it stay unsorted meanwhile, so that none of them stands before one that belongs to it.
    pub(crate) fn watermark(&mut self) -> u32 {
        self.sort_in();
        self.serial
    }

    pub(crate) fn next_deadline(&mut self) -> Option<u64> {
        self.first().map(|entry| entry.deadline)
    }

    /// All, in no order.
    pub(crate) fn list(&self) -> impl Iterator<Item = Listed> {
        let of = |timer: &Timer, deadline| {
            let (kind, counted, seat) = (timer.kind, timer.counted, timer.seat());
            Listed { deadline, delay: timer.delay.get(), kind, counted, seat }
        };
        let sorted = self.heap.iter().filter(|e| is_alive(&self.timers, e));
        let fresh = self.fresh.iter().map(|(_, deadline, index)| (deadline, index));
        let waiting = sorted.map(|e| (e.deadline, e.index)).chain(fresh);
        let one = move |(deadline, index)| Some(of(self.timers.at(index)?, Some(deadline)));
        let called = self.timers.iter().filter(|timer| timer.serial == UNARMED);
        waiting.filter_map(one).chain(called.map(move |timer| of(timer, None)))
    }

    pub(crate) fn add(&mut self, now: u64, delay: u64, kind: Kind, seat: Seat) -> Key {
        let Seat { shelf, place } = seat;
        let serial = self.next_serial();
        let timer = Timer { delay: Delay::new(delay), place, shelf, kind, counted: true, serial };
        let key = self.timers.insert(timer);
        self.counted += 1;
        self.fresh.push(serial, now.saturating_add(delay), key.index);
        key
    }

    /// Takes the first timer that is due at `now` and was scheduled before `watermark`.
    pub(crate) fn pop_due(&mut self, now: u64, watermark: u32) -> Option<Due> {
        let Entry { deadline, serial, index } = self.first_sorted()?;
        if deadline > now || serial >= watermark {
            return None;
        }
        self.pop();
        self.alive -= 1;
        let key = self.timers.key_of(index)?;
        let timer = self.timers.get_mut(key)?;
        timer.serial = UNARMED;
        let (kind, seat) = (timer.kind, timer.seat());
        if kind == Kind::Once {
            self.forget(key);
        }
        Some(Due { key, deadline, kind, seat })
    }

    /// Puts an interval back that was called, unless it was cancelled meanwhile.
    pub(crate) fn again(&mut self, due: &Due, now: u64) {
        let (Some(timer), Kind::Every(missed)) = (self.timers.get_mut(due.key), due.kind) else {
            return;
        };
        // Its callback may have refreshed it.
        if timer.serial == UNARMED {
            let next = missed.next(due.deadline, timer.delay.get(), now);
            self.arm(due.key, next);
        }
    }

    /// Takes a timer out for good. Where its closure is comes back, to be dropped when nothing is borrowed.
    pub(crate) fn cancel(&mut self, key: Key) -> Option<Seat> {
        let timer = self.forget(key)?;
        self.disarm(timer.serial);
        Some(timer.seat())
    }

    /// Starts a timer's delay anew.
    pub(crate) fn refresh(&mut self, key: Key, now: u64) -> bool {
        let Some(timer) = self.timers.get_mut(key) else { return false };
        let before = std::mem::replace(&mut timer.serial, UNARMED);
        let deadline = now.saturating_add(timer.delay.get());
        self.disarm(before);
        self.arm(key, deadline);
        true
    }

    /// Says whether a timer holds the loop.
    pub(crate) fn count(&mut self, key: Key, counted: bool) {
        let Some(timer) = self.timers.get_mut(key) else { return };
        if timer.counted != counted {
            timer.counted = counted;
            self.counted = if counted { self.counted + 1 } else { self.counted - 1 };
        }
    }

    /// `None`: no such timer any more.
    pub(crate) fn is_counted(&self, key: Key) -> Option<bool> {
        self.timers.get(key).map(|timer| timer.counted)
    }

    /// Forgets them all, at the end of the loop.
    pub(crate) fn clear(&mut self) {
        *self = Self::new();
    }

    fn forget(&mut self, key: Key) -> Option<Timer> {
        let timer = self.timers.remove(key)?;
        self.counted -= usize::from(timer.counted);
        Some(timer)
    }

    fn arm(&mut self, key: Key, deadline: u64) {
        let serial = self.next_serial();
        if let Some(timer) = self.timers.get_mut(key) {
            timer.serial = serial;
        }
        self.fresh.push(serial, deadline, key.index);
    }

    /// A timer that had this serial does not wait for it any more.
    #[inline]
    fn disarm(&mut self, serial: u32) {
        if serial == UNARMED {
            return;
        }
        if self.fresh.has(serial) {
            self.fresh.kill(serial);
            if self.fresh.is_sparse() {
                self.sweep_fresh();
            }
        } else {
            self.alive -= 1;
            self.sweep();
        }
    }

    fn next_serial(&mut self) -> u32 {
        if self.serial == UNARMED {
            self.renumber();
        }
        self.serial += 1;
        self.serial - 1
    }

    /// Four thousand million schedules have been made: numbers those that are alive anew.
    #[cold]
    fn renumber(&mut self) {
        self.heap.retain(|entry| is_alive(&self.timers, entry));
        self.heap.extend(self.fresh.iter().map(Entry::new));
        self.fresh.empty();
        self.alive = self.heap.len();
        // A sorted row is a heap.
        self.heap.sort_unstable_by_key(Entry::order);
        self.serial = 0;
        for entry in &mut self.heap {
            entry.serial = self.serial;
            self.serial += 1;
            if let Some(timer) = self.timers.at_mut(entry.index) {
                timer.serial = entry.serial;
            }
        }
    }

    /// The first entry that is alive.
    fn first(&mut self) -> Option<Entry> {
        self.sort_in();
        self.first_sorted()
    }

    fn first_sorted(&mut self) -> Option<Entry> {
        loop {
            let first = *self.heap.first()?;
            if is_alive(&self.timers, &first) {
                return Some(first);
            }
            self.pop();
        }
    }

    #[inline]
    fn sort_in(&mut self) {
        if self.fresh.alive() > 0 {
            self.sort_all_in();
        }
    }

    fn sort_all_in(&mut self) {
        let fresh = self.fresh.iter().map(Entry::new);
        self.alive += self.fresh.alive();
        if self.fresh.alive() > self.heap.len() {
            self.heap.extend(fresh);
            self.restore();
        } else {
            for entry in fresh {
                self.heap.push(entry);
                rise(&mut self.heap);
            }
        }
        self.fresh.empty();
    }

    /// Drops the dead entries of those that are not sorted in.
    #[cold]
    fn sweep_fresh(&mut self) {
        let alive = u32::try_from(self.fresh.alive()).unwrap_or(UNARMED);
        let Some(next) = self.serial.checked_add(alive).filter(|next| *next < UNARMED) else {
            return self.renumber();
        };
        let timers = &mut self.timers;
        self.fresh.sweep(self.serial, |index, serial| {
            if let Some(timer) = timers.at_mut(index) {
                timer.serial = serial;
            }
        });
        self.serial = next;
    }

    /// Drops the dead entries of the heap, if they are more than the living.
    fn sweep(&mut self) {
        let entries = self.heap.len();
        if entries <= SMALL || entries / 2 <= self.alive {
            return;
        }
        self.heap.retain(|entry| is_alive(&self.timers, entry));
        self.restore();
    }

    /// Makes a heap of entries in any order.
    fn restore(&mut self) {
        if let Some(last) = self.heap.len().checked_sub(2) {
            (0..=last / ARITY).rev().for_each(|position| self.sink(position));
        }
    }

    fn pop(&mut self) {
        let Some(last) = self.heap.pop() else { return };
        if let Some(first) = self.heap.first_mut() {
            *first = last;
            self.sink(0);
        }
    }

    fn sink(&mut self, mut position: usize) {
        let entry = self.heap[position];
        loop {
            let first = position * ARITY + 1;
            let children = first..(first + ARITY).min(self.heap.len());
            let Some(least) = children.min_by_key(|&child| self.heap[child].order()) else { break };
            if entry.order() <= self.heap[least].order() {
                break;
            }
            self.heap[position] = self.heap[least];
            position = least;
        }
        self.heap[position] = entry;
    }
}

/// Takes the last entry to its place.
fn rise(heap: &mut [Entry]) {
    let Some(mut position) = heap.len().checked_sub(1) else { return };
    let entry = heap[position];
    while position > 0 {
        let parent = (position - 1) / ARITY;
        if heap[parent].order() <= entry.order() {
            break;
        }
        heap[position] = heap[parent];
        position = parent;
    }
    heap[position] = entry;
}

fn is_alive(timers: &Slab<Timer>, entry: &Entry) -> bool {
    timers.at(entry.index).is_some_and(|timer| timer.serial == entry.serial)
}

#[cfg(test)]
mod tests;
