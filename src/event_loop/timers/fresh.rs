//! Timers that have been set and not been sorted in, one after another.
//!
//! Serials are given one by one, so the entry of a serial is found by counting from the first: an entry need not say its
//! own, and that of a timer which is cancelled is marked without a search.

/// Below this length dead entries are not worth a sweep.
pub(super) const SMALL: usize = 64;
/// So many dead ones for each that is alive.
const DEAD: usize = 16;
/// Room for so many is kept when there are none.
const KEPT: usize = 1024;
/// The index of an entry whose timer was cancelled, or set anew.
const DEAD_ENTRY: u32 = u32::MAX;

/// Twelve bytes: who sets a million timers pays for the memory most.
struct Entry {
    /// Its halves, so that it is aligned like the index.
    deadline: [u32; 2],
    index: u32,
}

impl Entry {
    #[allow(clippy::cast_possible_truncation, reason = "its halves")]
    fn new(deadline: u64, index: u32) -> Self {
        Self { deadline: [deadline as u32, (deadline >> 32) as u32], index }
    }

    fn deadline(&self) -> u64 {
        u64::from(self.deadline[0]) | u64::from(self.deadline[1]) << 32
    }
}

pub(super) struct Fresh {
    entries: Vec<Entry>,
    /// The serial of the first entry.
    first: u32,
    alive: usize,
}

impl Fresh {
    pub(super) const fn new() -> Self {
        Self { entries: Vec::new(), first: 0, alive: 0 }
    }

    /// How many are alive.
    pub(super) fn alive(&self) -> usize {
        self.alive
    }

    /// How many there are, dead ones included.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// `serial` is the next after that of the last one.
    #[inline]
    pub(super) fn push(&mut self, serial: u32, deadline: u64, index: u32) {
        if self.entries.is_empty() {
            self.first = serial;
        }
        self.entries.push(Entry::new(deadline, index));
        self.alive += 1;
    }

    /// Is the entry of this serial here? All that were sorted in have smaller ones.
    #[inline]
    pub(super) fn has(&self, serial: u32) -> bool {
        self.alive > 0 && serial >= self.first
    }

    /// Marks the entry of a timer as dead.
    #[inline]
    pub(super) fn kill(&mut self, serial: u32) {
        if let Some(entry) = self.entries.get_mut((serial - self.first) as usize) {
            entry.index = DEAD_ENTRY;
            self.alive -= 1;
        }
        if self.alive == 0 {
            self.empty();
        }
    }

    /// Are so many dead that it is time for a [sweep](Self::sweep)?
    #[inline]
    pub(super) fn is_sparse(&self) -> bool {
        self.entries.len() > SMALL && self.entries.len() / DEAD > self.alive
    }

    /// Drops the dead. The others get new serials, from `first` on, and `tell` hears which.
    #[cold]
    pub(super) fn sweep(&mut self, first: u32, mut tell: impl FnMut(u32, u32)) {
        self.entries.retain(|entry| entry.index != DEAD_ENTRY);
        self.first = first;
        self.entries.iter().zip(first..).for_each(|(entry, serial)| tell(entry.index, serial));
    }

    /// Those that are alive: serial, deadline, index.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, u64, u32)> {
        let alive = |(entry, serial): (&Entry, u32)| {
            let alive = entry.index != DEAD_ENTRY;
            alive.then_some((serial, entry.deadline(), entry.index))
        };
        // The other way round the last serial would be followed by one too many.
        self.entries.iter().zip(self.first..).filter_map(alive)
    }

    pub(super) fn empty(&mut self) {
        self.entries.clear();
        self.alive = 0;
        if self.entries.capacity() > KEPT {
            self.entries = Vec::new();
        }
    }
}
