//! When and where sources were made. Only a dump, or a report, wants to know, and there may be a hundred thousand of them:
//! each takes a word.

use super::queues::Origin;

/// So many lines have numbers. That of a source stands in the lowest bits of a word, and above them the time, in steps of as
/// many nanoseconds.
const LINES: usize = 1 << 16;

/// Words on one shelf: a page's worth.
const SHELF: usize = 512;

/// The shelf, and the place on it, of what has this index.
fn place(index: u32) -> (usize, usize) {
    (index as usize / SHELF, index as usize % SHELF)
}

/// When and where a source was made.
#[derive(Clone, Copy)]
pub(crate) struct Birth {
    /// By the loop's clock, in nanoseconds; when it is told, by up to 65 microseconds too late, so that nothing is
    /// older than it is.
    pub(crate) at: u64,
    pub(crate) origin: Origin,
}

/// One for each place of the registry.
#[derive(Default)]
pub(super) struct Births {
    /// On shelves, which stay where they are: what grows by moving leaves a hole as large as it was.
    shelves: Vec<Box<[u64; SHELF]>>,
    /// The lines that sources come from. A program has few, however many sources come from each.
    lines: Vec<Origin>,
}

impl Births {
    /// Notes that of the source at a place, which is one that there was before, or the next one.
    pub(super) fn note(&mut self, index: u32, birth: Birth) {
        let at = birth.at.saturating_add(LINES as u64 - 1) & !(LINES as u64 - 1);
        let word = at | u64::from(self.number(birth.origin));
        let (shelf, at) = place(index);
        if shelf == self.shelves.len() {
            self.shelves.push(Box::new([0; SHELF]));
        }
        if let Some(shelf) = self.shelves.get_mut(shelf) {
            shelf[at] = word;
        }
    }

    #[allow(clippy::cast_possible_truncation, reason = "the lowest bits are the line")]
    pub(super) fn get(&self, index: u32) -> Option<Birth> {
        let (shelf, at) = place(index);
        let word = self.shelves.get(shelf)?[at];
        Some(Birth { at: word & !(LINES as u64 - 1), origin: self.line(word as u16)? })
    }

    /// The number of a line.
    #[allow(clippy::cast_possible_truncation, reason = "there are no more")]
    pub(super) fn number(&mut self, origin: Origin) -> u16 {
        let known = self.lines.iter().position(|line| std::ptr::eq(*line, origin));
        let number = known.unwrap_or_else(|| {
            // Who has more of them has the last ones taken for each other.
            if self.lines.len() == LINES {
                self.lines.pop();
            }
            self.lines.push(origin);
            self.lines.len() - 1
        });
        number as u16
    }

    /// The line with this number.
    pub(super) fn line(&self, number: u16) -> Option<Origin> {
        self.lines.get(usize::from(number)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::{Birth, Births, SHELF};
    use std::panic::Location;

    #[test]
    fn a_birth_is_known_nearly_to_its_time_and_with_its_very_line() {
        let mut births = Births::default();
        let (here, there) = (Location::caller(), Location::caller());
        let both = [3_000_000_123, u64::MAX / 3].map(|at| Birth { at, origin: here });
        for (index, birth) in [(0, both[0]), (1, both[1]), (2, both[0]), (0, both[1])] {
            births.note(index, birth);
        }
        for (index, birth) in [(0, both[1]), (1, both[1]), (2, both[0])] {
            let known = births.get(index).unwrap();
            assert!(known.at - birth.at < 1 << 16, "{} is not {}", known.at, birth.at);
            assert_eq!(known.origin, birth.origin);
        }
        assert!(births.get(SHELF as u32).is_none());
        births.note(SHELF as u32, both[0]);
        assert_eq!(births.get(SHELF as u32).unwrap().origin, here);
        assert_eq!(births.lines.len(), 1, "the line is the same");
        births.note(1, Birth { at: 7, origin: there });
        assert_eq!(births.get(1).unwrap().origin, there);
        assert_eq!(births.lines.len(), 2);
    }
}
