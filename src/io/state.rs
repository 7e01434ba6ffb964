//! What is so of a stream, in one word: a message has several questions, whose answers are mostly no, and asks them
//! at once.

use std::cell::Cell;
use std::ops::BitOr;

/// Things that may be so.
#[derive(Clone, Copy)]
pub(super) struct Fact(u16);

impl Fact {
    /// No callback of this stream runs, or what it writes is not to be held until its end.
    pub(super) const OUTSIDE: Self = Self(1);
    /// What is written may not be gathered in the loop's memory; or it may, and nobody has asked since that
    /// could have changed.
    pub(super) const UNSURE: Self = Self(1 << 1);
    /// What the callback that runs has written lies in the loop's memory. Then the write queue is empty.
    pub(super) const GATHERS: Self = Self(1 << 2);
    /// What the callback that runs has written may lie in the write queue.
    pub(super) const KEEPS: Self = Self(1 << 3);
    /// Bytes may not be sent yet: the connection does not stand.
    pub(super) const CONNECTING: Self = Self(1 << 4);
    /// Nothing can be sent any more; what has come already is told before it ends.
    pub(super) const BROKEN: Self = Self(1 << 5);
    pub(super) const DESTROYED: Self = Self(1 << 6);
    /// The loop waits for it.
    pub(super) const COUNTED: Self = Self(1 << 7);
    /// All has been sent, and the other side has been told, or is [about to be](super::duplex::Duplex::ends_by_closing).
    pub(super) const FINISHED: Self = Self(1 << 8);
    /// Something has come that nobody asked for: there is no end to be seen behind it.
    pub(super) const UNREAD: Self = Self(1 << 9);
    pub(super) const HALF_OPEN: Self = Self(1 << 10);
    pub(super) const AUTOCORK: Self = Self(1 << 11);
    /// There is more to a message than its bytes: somebody wants to know that some moved, or descriptors come with them.
    pub(super) const SPECIAL: Self = Self(1 << 12);
    /// It has used up what it may read in a turn, and has not had little since.
    pub(super) const MUCH: Self = Self(1 << 13);
    /// What comes is thrown away.
    pub(super) const DISCARDS: Self = Self(1 << 14);
    /// Somebody has corked it.
    pub(super) const CORKED: Self = Self(1 << 15);
}

impl BitOr for Fact {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// All that is so.
pub(super) struct State(Cell<u16>);

impl State {
    pub(super) fn new(facts: Fact) -> Self {
        Self(Cell::new(facts.0))
    }

    /// Is this so, or any of these?
    #[inline(always)]
    pub(super) fn is(&self, fact: Fact) -> bool {
        self.0.get() & fact.0 != 0
    }

    #[inline(always)]
    pub(super) fn set(&self, fact: Fact) {
        self.0.set(self.0.get() | fact.0);
    }

    #[inline(always)]
    pub(super) fn clear(&self, fact: Fact) {
        self.0.set(self.0.get() & !fact.0);
    }

    /// What was so is not any more, but something else, which was not.
    #[inline(always)]
    pub(super) fn exchange(&self, no: Fact, yes: Fact) {
        debug_assert!(self.is(no) && !self.is(yes), "to turn both over costs less");
        self.0.set(self.0.get() ^ (no.0 | yes.0));
    }

    pub(super) fn put(&self, fact: Fact, is: bool) {
        if is { self.set(fact) } else { self.clear(fact) }
    }

    /// Says whether it has been so.
    pub(super) fn replace(&self, fact: Fact, is: bool) -> bool {
        let was = self.is(fact);
        self.put(fact, is);
        was
    }
}
