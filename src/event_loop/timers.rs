//! When which timer is due: a 4-ary heap that knows where each timer stands in it.
//!
//! Time is an argument, nanoseconds since the loop began; nothing here reads a clock or calls a
//! callback. Scheduling and cancelling are O(log n) and exact: a cancelled timer leaves nothing.

use super::slab::{Key, Slab};

const ARITY: usize = 4;
/// Marks a timer that stands in no heap: it is being called.
const NOWHERE: usize = usize::MAX;

/// What is called when the time has come.
pub(crate) enum Callback {
    Once(Box<dyn FnOnce()>),
    Every { period: u64, missed: Missed, callback: Box<dyn FnMut(Key)> },
}

/// What becomes of an interval's calls that came too late, because the loop was busy for longer than a
/// period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Missed {
    /// They are left out; the next call comes on the beat.
    #[default]
    Skip,
    /// They are made up for, one after the other.
    Burst,
    /// They are left out, and the beat begins anew: a whole period lies between two calls, at least.
    Delay,
}

impl Missed {
    /// When the call after the one that was due at `deadline`, and is made `now`, is due.
    pub(super) fn next(self, deadline: u64, period: u64, now: u64) -> u64 {
        let beats = match self {
            Self::Skip => now.saturating_sub(deadline) / period + 1,
            Self::Burst => 1,
            Self::Delay => return now.saturating_add(period),
        };
        deadline.saturating_add(period.saturating_mul(beats))
    }
}

struct Entry {
    deadline: u64,
    /// The n-th schedule: equal deadlines go first in, first out.
    serial: u64,
    key: Key,
}

impl Entry {
    fn order(&self) -> (u64, u64) {
        (self.deadline, self.serial)
    }
}

struct Timer {
    position: usize,
    counted: bool,
    callback: Option<Callback>,
    delay: u64,
}

/// All timers of one loop.
pub(crate) struct Timers {
    heap: Vec<Entry>,
    timers: Slab<Timer>,
    serial: u64,
    counted: usize,
}

impl Timers {
    pub(crate) const fn new() -> Self {
        Self { heap: Vec::new(), timers: Slab::new(), serial: 0, counted: 0 }
    }

    /// How many timers hold the loop.
    pub(crate) fn counted(&self) -> usize {
        self.counted
    }

    /// The serial that the next schedule will get; due timers below it belong to this pass.
    pub(crate) fn watermark(&self) -> u64 {
        self.serial
    }

    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.heap.first().map(|entry| entry.deadline)
    }

    pub(crate) fn add(&mut self, now: u64, delay: u64, callback: Callback) -> Key {
        let timer = Timer { position: NOWHERE, counted: true, callback: Some(callback), delay };
        let key = self.timers.insert(timer);
        self.counted += 1;
        self.arm(key, now.saturating_add(delay));
        key
    }

    /// Takes the first timer that is due at `now` and was scheduled before `watermark`. An interval
    /// stays known, so that its callback can cancel it; [`again`](Self::again) puts it back.
    pub(crate) fn pop_due(&mut self, now: u64, watermark: u64) -> Option<(Key, u64, Callback)> {
        let first = self.heap.first()?;
        if first.deadline > now || first.serial >= watermark {
            return None;
        }
        let (key, deadline) = (first.key, first.deadline);
        self.take_out(0);
        let timer = self.timers.get_mut(key)?;
        timer.position = NOWHERE;
        let callback = timer.callback.take()?;
        if matches!(callback, Callback::Once(_)) {
            self.forget(key);
        }
        Some((key, deadline, callback))
    }

    /// Puts an interval back that was called; gives the callback back if it was cancelled meanwhile.
    pub(crate) fn again(
        &mut self,
        key: Key,
        deadline: u64,
        callback: Callback,
    ) -> Option<Callback> {
        let Some(timer) = self.timers.get_mut(key) else { return Some(callback) };
        timer.callback = Some(callback);
        if timer.position == NOWHERE {
            self.arm(key, deadline);
        }
        None
    }

    /// Takes a timer out for good. The callback comes back, to be dropped when nothing is borrowed.
    pub(crate) fn cancel(&mut self, key: Key) -> Option<Option<Callback>> {
        let position = self.timers.get(key)?.position;
        if position != NOWHERE {
            self.take_out(position);
        }
        self.forget(key)
    }

    /// Starts a timer's delay anew.
    pub(crate) fn refresh(&mut self, key: Key, now: u64) -> bool {
        let Some(timer) = self.timers.get(key) else { return false };
        let (position, deadline) = (timer.position, now.saturating_add(timer.delay));
        if position != NOWHERE {
            self.take_out(position);
        }
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

    /// Takes all callbacks out, for the end of the loop.
    pub(crate) fn clear(&mut self) -> Vec<Callback> {
        self.heap.clear();
        self.counted = 0;
        self.timers.drain().into_iter().filter_map(|timer| timer.callback).collect()
    }

    fn forget(&mut self, key: Key) -> Option<Option<Callback>> {
        let timer = self.timers.remove(key)?;
        self.counted -= usize::from(timer.counted);
        Some(timer.callback)
    }

    fn arm(&mut self, key: Key, deadline: u64) {
        let serial = self.serial;
        self.serial += 1;
        self.heap.push(Entry { deadline, serial, key });
        self.rise(self.heap.len() - 1);
    }

    fn take_out(&mut self, position: usize) {
        self.heap.swap_remove(position);
        if position < self.heap.len() {
            // The entry that came from the end may belong further up or further down.
            self.rise(position);
            self.sink(position);
        }
    }

    fn place(&mut self, position: usize) {
        let key = self.heap[position].key;
        if let Some(timer) = self.timers.get_mut(key) {
            timer.position = position;
        }
    }

    fn rise(&mut self, mut position: usize) {
        while position > 0 {
            let parent = (position - 1) / ARITY;
            if self.heap[parent].order() <= self.heap[position].order() {
                break;
            }
            self.heap.swap(parent, position);
            self.place(position);
            position = parent;
        }
        self.place(position);
    }

    fn sink(&mut self, mut position: usize) {
        loop {
            let first = position * ARITY + 1;
            let children = first..(first + ARITY).min(self.heap.len());
            let Some(least) = children.min_by_key(|&child| self.heap[child].order()) else { break };
            if self.heap[position].order() <= self.heap[least].order() {
                break;
            }
            self.heap.swap(position, least);
            self.place(position);
            position = least;
        }
        self.place(position);
    }
}

#[cfg(test)]
mod tests {
    use super::{Callback, Key, Timers};
    use std::collections::BTreeSet;

    fn add(timers: &mut Timers, at: u64) -> Key {
        timers.add(0, at, Callback::Once(Box::new(|| {})))
    }

    #[test]
    fn random_schedules_and_cancels_come_out_in_the_order_of_a_sorted_set() {
        let (mut timers, mut model, mut keys) = (Timers::new(), BTreeSet::new(), Vec::new());
        let mut seed = 0x9e37_79b9_u64;
        let mut random = move |below: u64| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed % below
        };
        for serial in 0..20_000_u64 {
            let deadline = random(500);
            let key = add(&mut timers, deadline);
            model.insert((deadline, serial, key.index));
            keys.push((deadline, serial, key));
            if random(3) == 0 {
                let at = usize::try_from(random(keys.len() as u64)).unwrap();
                let (deadline, serial, key) = keys.swap_remove(at);
                assert!(timers.cancel(key).is_some());
                assert!(timers.cancel(key).is_none(), "a cancelled timer is gone");
                assert!(model.remove(&(deadline, serial, key.index)));
            }
        }
        assert_eq!(timers.counted(), model.len());
        let watermark = timers.watermark();
        for (deadline, _, index) in model {
            let (key, due, _) = timers.pop_due(u64::MAX, watermark).unwrap();
            assert_eq!((due, key.index), (deadline, index));
        }
        assert!(timers.pop_due(u64::MAX, watermark).is_none());
        assert_eq!(timers.counted(), 0);
    }

    #[test]
    fn nothing_is_early_and_what_was_scheduled_in_a_pass_waits_for_the_next() {
        let mut timers = Timers::new();
        let first = add(&mut timers, 10);
        assert!(timers.pop_due(9, timers.watermark()).is_none());
        let watermark = timers.watermark();
        let second = timers.add(10, 0, Callback::Once(Box::new(|| {})));
        assert_eq!(timers.pop_due(10, watermark).unwrap().0, first);
        assert!(timers.pop_due(10, watermark).is_none());
        assert_eq!(timers.pop_due(10, timers.watermark()).unwrap().0, second);
    }

    #[test]
    fn a_delay_without_end_never_overflows() {
        let mut timers = Timers::new();
        let key = timers.add(5, u64::MAX, Callback::Once(Box::new(|| {})));
        assert_eq!(timers.next_deadline(), Some(u64::MAX));
        assert!(timers.refresh(key, 7));
        assert!(timers.cancel(key).is_some());
    }
}
