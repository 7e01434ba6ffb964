//! What to do on the loop's thread with work that other threads do, and whether the loop waits for it.

use super::queues::{Job, Origin};
use super::slab::{Key, Slab};

struct Entry {
    job: Box<dyn Job>,
    /// Since when it is away.
    since: u64,
    counted: bool,
}

/// Some work, for who looks at the loop.
#[derive(Clone, Copy)]
pub(crate) struct ListedWork {
    pub(crate) origin: Origin,
    /// By the loop's clock, in nanoseconds.
    pub(crate) since: u64,
    pub(crate) counted: bool,
}

pub(crate) struct Awaited {
    entries: Slab<Entry>,
    /// How many the loop waits for.
    counted: usize,
}

impl Awaited {
    pub(crate) const fn new() -> Self {
        Self { entries: Slab::new(), counted: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn counted(&self) -> usize {
        self.counted
    }

    /// `now` is by the loop's clock, in nanoseconds.
    pub(crate) fn insert(&mut self, job: Box<dyn Job>, now: u64) -> Key {
        self.counted += 1;
        self.entries.insert(Entry { job, since: now, counted: true })
    }

    pub(crate) fn remove(&mut self, key: Key) -> Option<Box<dyn Job>> {
        let entry = self.entries.remove(key)?;
        self.counted -= usize::from(entry.counted);
        Some(entry.job)
    }

    /// Has the loop wait for it, or not.
    pub(crate) fn count(&mut self, key: Key, counted: bool) {
        if let Some(entry) = self.entries.get_mut(key) {
            self.counted += usize::from(counted);
            self.counted -= usize::from(std::mem::replace(&mut entry.counted, counted));
        }
    }

    /// Does the loop wait for it? `None` if it is over.
    pub(crate) fn is_counted(&self, key: Key) -> Option<bool> {
        self.entries.get(key).map(|entry| entry.counted)
    }

    /// All the work that is away.
    pub(crate) fn list(&self) -> Vec<ListedWork> {
        let listed = |entry: &Entry| ListedWork {
            origin: entry.job.origin(),
            since: entry.since,
            counted: entry.counted,
        };
        self.entries.iter().map(listed).collect()
    }

    /// Takes everything out.
    pub(crate) fn drain(&mut self) -> Vec<Box<dyn Job>> {
        self.counted = 0;
        self.entries.drain().into_iter().map(|entry| entry.job).collect()
    }
}
