//! Flowing or paused: what a readable stream is up to, without any reading.

use std::cell::Cell;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Nobody asked for data yet, and nobody forbade it.
    #[default]
    Unasked,
    Flowing,
    Paused,
    /// No more data will come.
    Ended,
}

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
#[derive(Debug, Default)]
pub(crate) struct Flow {
    state: Cell<State>,
    holds: Cell<u32>,
}

impl Flow {
    /// A `Data` listener came: that starts the flow, unless somebody paused it before.
    pub(crate) fn listen(&self) -> bool {
        self.step(State::Flowing, self.state.get() == State::Unasked)
    }

    /// `true` if this changed anything; so do the others.
    pub(crate) fn resume(&self) -> bool {
        self.step(State::Flowing, matches!(self.state.get(), State::Unasked | State::Paused))
    }

    pub(crate) fn pause(&self) -> bool {
        self.step(State::Paused, matches!(self.state.get(), State::Unasked | State::Flowing))
    }

    pub(crate) fn end(&self) -> bool {
        self.step(State::Ended, self.state.get() != State::Ended)
    }

    #[inline]
    pub(crate) fn is_flowing(&self) -> bool {
        self.state.get() == State::Flowing && self.holds.get() == 0
    }

    /// Has nobody said yet whether data may come?
    #[inline]
    pub(crate) fn is_unasked(&self) -> bool {
        self.state.get() == State::Unasked && self.holds.get() == 0
    }

    pub(crate) fn hold(&self) {
        self.holds.set(self.holds.get() + 1);
    }

    pub(crate) fn release(&self) {
        self.holds.set(self.holds.get().saturating_sub(1));
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.state.get() == State::Paused
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.state.get() == State::Ended
    }

    fn step(&self, to: State, allowed: bool) -> bool {
        if allowed {
            self.state.set(to);
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
