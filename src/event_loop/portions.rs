//! How much one source may read in a turn: pure state.

use super::memory::READ;
use std::cell::Cell;

/// Who reads no more than this at once has little: a message, not a part of a stream of bytes.
pub(crate) const LITTLE: usize = 4 * 1024;
/// What one source may read in a turn while there are others that have little.
const SMALL: usize = READ / 8;
/// What all sources that answer may read in a turn while nobody has little, if it is more than a buffer for each; and what
/// one of them may. To read and echo all that takes a processor some two milliseconds.
const TOGETHER: usize = 32 * READ;
const LARGE: usize = 8 * READ;
/// For so many turns after it was seen who has what, it is taken to be so still. An eighth of a buffer takes some 10
/// microseconds to be read and echoed, so these are some three milliseconds, and who has less to say than that can tell
/// no difference.
const TURNS: u32 = 256;

/// A source gets a buffer full in each turn. But who has a message meanwhile waits until those buffers have been read, and
/// written back, as servers do, which takes as long as a message alone. So as soon as there are both, those who have much
/// get an eighth of it: that is what a message waits for.
///
/// Where all have had much for a while nobody waits. Then who answers, and has written about as much as it has read, as an
/// echo does, gets some buffers in a row: with each answer its peer sends more, and all that is in the processor's
/// cache. Who only reads gets one as ever: the kernel lets the queue of a socket grow with what is read in a row, and with a
/// few of them it would lie there no longer.
#[derive(Default)]
pub(super) struct Portions {
    /// So many had little in this turn.
    little: Cell<u64>,
    /// So many used up in this turn what was there for one.
    much: Cell<u32>,
    /// So many turns to go with small portions, this one included.
    small: Cell<u32>,
    /// So many turns in a row somebody had much and nobody had little.
    calm: Cell<u32>,
    /// What a large portion is, with as many as had much in the last turn.
    large: Cell<usize>,
}

impl Portions {
    /// So many have read, and had little.
    #[inline]
    pub(super) fn had_little(&self, count: u64) {
        self.little.set(self.little.get().wrapping_add(count));
    }

    /// One of those who are said to have had little had not. It comes before they are counted.
    pub(super) fn had_not(&self) {
        self.little.set(self.little.get().wrapping_sub(1));
    }

    pub(super) fn had_much(&self) {
        self.much.set(self.much.get() + 1);
    }

    /// A turn is over.
    #[inline]
    pub(super) fn next(&self) {
        let (little, much) = (self.little.replace(0) != 0, self.much.replace(0));
        if little {
            self.calm.set(0);
        }
        if much != 0 || self.small.get() != 0 {
            self.decide(little, much);
        }
    }

    #[cold]
    #[inline(never)]
    fn decide(&self, little: bool, much: u32) {
        if little && much != 0 {
            self.small.set(TURNS);
        } else {
            self.small.set(self.small.get().saturating_sub(1));
        }
        if !little && much != 0 {
            self.calm.set(self.calm.get().saturating_add(1).min(TURNS));
            self.large.set((TOGETHER / much as usize).clamp(READ, LARGE));
        }
    }

    /// How much may a source read in this turn, which answers or does not?
    pub(super) fn now(&self, answers: bool) -> usize {
        if self.small.get() != 0 {
            SMALL
        } else if answers && self.calm.get() == TURNS {
            self.large.get()
        } else {
            READ
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LARGE, Portions, READ, SMALL, TOGETHER, TURNS};

    /// A turn in which these are seen; what the next one gives.
    fn after(portions: &Portions, little: bool, much: u32) -> usize {
        portions.had_little(little.into());
        (0..much).for_each(|_| portions.had_much());
        portions.next();
        portions.now(true)
    }

    #[test]
    fn who_has_much_gets_less_once_there_was_another_in_the_same_turn_and_all_again_afterwards() {
        let portions = Portions::default();
        for (little, much) in [(false, 0), (true, 0), (false, 1), (true, 0)] {
            assert_eq!(after(&portions, little, much), READ, "{little} {much}");
        }
        for again in [3, TURNS] {
            assert_eq!(after(&portions, true, 1), SMALL);
            for _ in 1..again {
                assert_eq!(after(&portions, false, 0), SMALL);
            }
        }
        assert_eq!(after(&portions, false, 0), READ);
    }

    #[test]
    fn where_all_have_had_much_for_a_while_they_get_more_and_who_has_little_ends_that() {
        let portions = Portions::default();
        for _ in 1..TURNS {
            assert_eq!(after(&portions, false, 1), READ);
        }
        assert_eq!(after(&portions, false, 1), LARGE);
        assert_eq!(after(&portions, false, 8), TOGETHER / 8);
        assert_eq!(portions.now(false), READ, "who only reads gets one buffer");
        assert_eq!(after(&portions, false, 100), READ, "no less than a buffer");
        assert_eq!(after(&portions, false, 0), READ, "nobody had much: it is as it was");
        assert_eq!(after(&portions, false, 1), LARGE);
        assert_eq!(after(&portions, true, 0), READ, "it may be one who waits for answers");
        assert_eq!(after(&portions, false, 1), READ);
        for _ in 2..TURNS {
            assert_eq!(after(&portions, false, 1), READ);
        }
        assert_eq!(after(&portions, false, 1), LARGE);
        assert_eq!(after(&portions, true, 1), SMALL);
        for _ in 1..TURNS {
            assert_eq!(after(&portions, false, 1), SMALL);
        }
        assert_eq!(after(&portions, false, 1), LARGE, "after as many turns without");
    }
}
