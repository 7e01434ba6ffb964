//! Flowing or paused: what a readable stream is up to, without any reading.

use std::cell::Cell;

/// Nobody asked for data yet, and nobody forbade it.
const UNASKED: u32 = 0;
const FLOWING: u32 = 1;
const PAUSED: u32 = 2;
/// No more data will come.
const ENDED: u32 = 3;

/// The state is one of these, in the lowest bits.
const STATE: u32 = 3;
/// The holds are counted above them.
const HOLD: u32 = 4;

/// The state of a readable stream.
///
/// | state   | `listen`  | `resume`  | `pause` | `end` |
/// |---------|-----------|-----------|---------|-------|
/// | unasked | flowing   | flowing   | paused  | ended |
/// | flowing | .         | .         | paused  | ended |
/// | paused  | .         | flowing   | .       | ended |
/// | ended   | .         | .         | .       | .     |
///
/// Beside the state stand holds: nothing flows while there is one. Pipes take them, so that a source
/// waits for the slowest of its sinks, and so that a pipe never undoes the user's own `pause`.
///
/// Both are in one word, so that a message asks once.
#[derive(Debug, Default)]
pub(crate) struct Flow(Cell<u32>);

impl Flow {
    /// A `Data` listener came: that starts the flow, unless somebody paused it before.
    pub(crate) fn listen(&self) -> bool {
        self.step(FLOWING, self.state() == UNASKED)
    }

    /// `true` if this changed anything; so do the others.
    pub(crate) fn resume(&self) -> bool {
        self.step(FLOWING, matches!(self.state(), UNASKED | PAUSED))
    }

    pub(crate) fn pause(&self) -> bool {
        self.step(PAUSED, matches!(self.state(), UNASKED | FLOWING))
    }

    pub(crate) fn end(&self) -> bool {
        self.step(ENDED, self.state() != ENDED)
    }

    #[inline]
    pub(crate) fn is_flowing(&self) -> bool {
        self.0.get() == FLOWING
    }

    /// Has nobody said yet whether data may come?
    #[inline]
    pub(crate) fn is_unasked(&self) -> bool {
        self.0.get() == UNASKED
    }

    pub(crate) fn hold(&self) {
        self.0.set(self.0.get() + HOLD);
    }

    pub(crate) fn release(&self) {
        if self.0.get() >= HOLD {
            self.0.set(self.0.get() - HOLD);
        }
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.state() == PAUSED
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.state() == ENDED
    }

    fn state(&self) -> u32 {
        self.0.get() & STATE
    }

    fn step(&self, to: u32, allowed: bool) -> bool {
        if allowed {
            self.0.set(self.0.get() & !STATE | to);
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::Flow;

    #[test]
    fn the_transitions_are_those_of_the_table() {
        type Step = fn(&Flow) -> bool;
        let (listen, resume, pause, end): (Step, Step, Step, Step) =
            (Flow::listen, Flow::resume, Flow::pause, Flow::end);
        let reach: [(&str, &[Step]); 4] =
            [("unasked", &[]), ("flowing", &[resume]), ("paused", &[pause]), ("ended", &[end])];
        let steps = [("listen", listen), ("resume", resume), ("pause", pause), ("end", end)];
        let expected = ["FFPE", ".. P E", ". F . E", "...."];
        for ((from, path), row) in reach.iter().zip(expected) {
            let row: Vec<char> = row.chars().filter(|c| *c != ' ').collect();
            for ((name, step), want) in steps.iter().zip(row) {
                let flow = Flow::default();
                path.iter().for_each(|step| assert!(step(&flow)));
                let before = (flow.is_flowing(), flow.is_paused(), flow.has_ended());
                assert_eq!(step(&flow), want != '.', "{from} {name}");
                let after = (flow.is_flowing(), flow.is_paused(), flow.has_ended());
                let wanted = match want {
                    'F' => (true, false, false),
                    'P' => (false, true, false),
                    'E' => (false, false, true),
                    _ => before,
                };
                assert_eq!(after, wanted, "{from} {name}");
            }
        }
    }
}
