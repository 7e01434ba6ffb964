//! Counts those who walk over a row at the same time, without a cache line that they all write to.
//!
//! Each thread counts itself in a [`Shard`] of its own, among the readers of even or of odd phases. What is
//! taken out of a row may be freed when each of the two has been found empty since: see
//! [`Readers::settle`]. For one of them newcomers see to that, who all go to the other.
//!
//! Counters are read and written by read-modify-write operations only. So of a reader who comes and a
//! writer who looks, one is first: either the writer sees the reader, or the reader sees all that the
//! writer did before. A reader who comes late to a phase that is over does no harm: it is counted.

use super::primitives::{AtomicUsize, Ordering};

/// Threads beyond that number share counters, which is right, but slower.
const SHARDS: usize = if cfg!(onward_loom) { 2 } else { 8 };

pub(super) struct Readers {
    /// Counts the changes of phase. Changes in the lock of the row's book only.
    phase: AtomicUsize,
    shards: [Shard; SHARDS],
}

/// Two cache lines, since processors fetch them in pairs. By whether the phase is even or odd.
#[repr(align(128))]
struct Shard([AtomicUsize; 2]);

/// Where a reader has been counted.
#[derive(Clone, Copy)]
pub(super) struct Ticket {
    shard: usize,
    phase: usize,
}

impl Readers {
    pub(super) fn new() -> Self {
        let shards = core::array::from_fn(|_| Shard([AtomicUsize::new(0), AtomicUsize::new(0)]));
        Self { phase: AtomicUsize::new(2), shards }
    }

    /// Counts a reader in. What it finds in the row after that stays until it [leaves](Self::leave).
    #[inline]
    pub(super) fn enter(&self, reader: usize) -> Ticket {
        let (shard, phase) = (reader % SHARDS, self.phase.load(Ordering::Relaxed) % 2);
        self.shards[shard].0[phase].fetch_add(1, Ordering::AcqRel);
        Ticket { shard, phase }
    }

    #[inline]
    pub(super) fn leave(&self, ticket: Ticket) {
        self.shards[ticket.shard].0[ticket.phase].fetch_sub(1, Ordering::AcqRel);
    }

    /// The phase that what is being retired now belongs to.
    pub(super) fn phase(&self) -> usize {
        self.phase.load(Ordering::Relaxed)
    }

    /// Has everybody left who came in during phases like this one?
    fn is_idle(&self, phase: usize) -> bool {
        let counts = self.shards.iter().map(|shard| &shard.0[phase % 2]);
        // Adding nothing is reading, but in the order of the counts.
        counts.map(|count| count.fetch_add(0, Ordering::AcqRel)).all(|count| count == 0)
    }

    /// Is nobody there at all?
    pub(super) fn is_empty(&self) -> bool {
        self.is_idle(0) && self.is_idle(1)
    }

    /// Says up to which phase what was retired may be freed, and begins a new one if something is left
    /// that was retired in this one. So it is enough to call it whenever somebody leaves: those who come in
    /// from now on do not hold up what was retired before, however many they are.
    ///
    /// Called in the lock of the row's book.
    pub(super) fn settle(&self, newest: usize) -> usize {
        let phase = self.phase();
        if !self.is_idle(phase + 1) {
            return phase - 2;
        }
        if newest < phase {
            return phase - 1; // the others were found empty as this phase began
        }
        self.phase.store(phase + 1, Ordering::Relaxed);
        if self.is_idle(phase) { phase } else { phase - 1 }
    }
}
