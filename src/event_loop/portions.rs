//! How much one source may read in a turn: pure state.

use super::memory::READ;
use std::cell::Cell;

/// Who reads no more than this at once has little: a message, not a part of a stream of bytes.
pub(crate) const LITTLE: usize = 4 * 1024;
/// What one source may read in a turn while there are others that have little.
const SMALL: usize = READ / 4;
/// For so many turns after both have been seen. A quarter of a buffer takes some 20 microseconds to be read and echoed, so these
/// are five milliseconds, and who has less to say than that can tell no difference.
const TURNS: u32 = 256;

/// A source gets a buffer full in each turn: to go around more often costs whoever has much, and helps nobody as long as
/// all have much, or there is only one. But who has a message meanwhile waits until that buffer has been read, and written
/// back, as servers do, which takes as long as a message alone. So as soon as there are both, those who have much get a
/// quarter of it: that is what a message waits for.
#[derive(Default)]
pub(super) struct Portions {
    /// In this turn somebody had little.
    little: Cell<bool>,
    /// In this turn somebody used up what was there for one.
    much: Cell<bool>,
    /// So many turns to go with small portions, this one included.
    left: Cell<u32>,
}

impl Portions {
    #[inline(always)]
    pub(super) fn had_little(&self) {
        self.little.set(true);
    }

    pub(super) fn had_much(&self) {
        self.much.set(true);
    }

    /// A turn is over.
    #[inline]
    pub(super) fn next(&self) {
        self.left.set(self.left.get().saturating_sub(1));
        if self.little.replace(false) & self.much.replace(false) {
            self.left.set(TURNS);
        }
    }

    /// How much may a source read in this turn?
    pub(super) fn now(&self) -> usize {
        if self.left.get() == 0 { READ } else { SMALL }
    }
}

#[cfg(test)]
mod tests {
    use super::{Portions, READ, SMALL, TURNS};

    /// Turns in which these are seen; what the next one gives.
    fn after(portions: &Portions, little: bool, much: bool) -> usize {
        if little {
            portions.had_little();
        }
        if much {
            portions.had_much();
        }
        portions.next();
        portions.now()
    }

    #[test]
    fn who_has_much_gets_less_once_there_was_another_in_the_same_turn_and_all_again_afterwards() {
        let portions = Portions::default();
        for (little, much) in [(false, false), (true, false), (false, true), (true, false)] {
            assert_eq!(after(&portions, little, much), READ, "{little} {much}");
        }
        for again in [3, TURNS] {
            assert_eq!(after(&portions, true, true), SMALL);
            for _ in 1..again {
                assert_eq!(after(&portions, false, true), SMALL);
            }
        }
        assert_eq!(after(&portions, false, true), READ);
    }
}
