//! What a stream that is written to is up to, without anybody who takes what is written.

use super::chunks::Chunks;
use super::writable::{CAP, HIGH_WATER, WhenFull};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// May be written to, and has nothing to do.
    Idle,
    /// A chunk has been handed over, and was not accepted yet.
    Busy,
    /// The same, and nothing more may be written.
    Last,
    /// Nothing more may be written, and nobody works on what was.
    Due,
    /// All has been accepted; what is to be done at the end is being done.
    Finishing,
    Finished,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Begin,
    Accepted,
    End,
    Finish,
    Finished,
}

impl State {
    /// The table:
    ///
    /// | state     | `begin` | `accepted` | `end` | `finish`  | `finished` |
    /// |-----------|---------|------------|-------|-----------|------------|
    /// | idle      | busy    | .          | due   | .         | .          |
    /// | busy      | .       | idle       | last  | .         | .          |
    /// | last      | .       | due        | .     | .         | .          |
    /// | due       | last    | .          | .     | finishing | .          |
    /// | finishing | .       | .          | .     | .         | finished   |
    /// | finished  | .       | .          | .     | .         | .          |
    fn step(self, step: Step) -> Option<Self> {
        Some(match (self, step) {
            (Self::Idle, Step::Begin) => Self::Busy,
            (Self::Idle, Step::End) => Self::Due,
            (Self::Busy, Step::Accepted) => Self::Idle,
            (Self::Busy, Step::End) => Self::Last,
            (Self::Last, Step::Accepted) => Self::Due,
            (Self::Due, Step::Begin) => Self::Last,
            (Self::Due, Step::Finish) => Self::Finishing,
            (Self::Finishing, Step::Finished) => Self::Finished,
            _ => return None,
        })
    }
}

/// What becomes of a chunk that somebody wants to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offer {
    /// It can be handed over at once, and counts as begun.
    Now,
    /// It has to wait, in the queue.
    Wait,
    /// It does not fit.
    Full(WhenFull),
    /// The stream has been ended.
    Late,
}

/// The state of a stream that is written to, and what waits in it.
#[derive(Debug)]
pub(super) struct Intake {
    state: State,
    pub(super) chunks: Chunks,
    /// Bytes of the chunk that is being worked on.
    in_flight: usize,
    corks: u32,
    needs_drain: bool,
    pub(super) high_water: usize,
    pub(super) cap: usize,
    pub(super) when_full: WhenFull,
    /// What did not fit: how many chunks, and how many bytes.
    pub(super) dropped: (u64, u64),
}

impl Intake {
    pub(super) fn new() -> Self {
        Self {
            state: State::Idle,
            chunks: Chunks::default(),
            in_flight: 0,
            corks: 0,
            needs_drain: false,
            high_water: HIGH_WATER,
            cap: CAP,
            when_full: WhenFull::Fail,
            dropped: (0, 0),
        }
    }

    /// Of a stream that is never written to.
    pub(super) fn finished() -> Self {
        Self { state: State::Finished, ..Self::new() }
    }

    /// `false` if the table has no such step; so do the others.
    fn step(&mut self, step: Step) -> bool {
        let next = self.state.step(step);
        self.state = next.unwrap_or(self.state);
        next.is_some()
    }

    /// A chunk of that length. `engaged`: nobody could take it right now.
    pub(super) fn offer(&mut self, length: usize, engaged: bool) -> Offer {
        if self.is_ending() {
            return Offer::Late;
        }
        let now = !engaged && self.corks == 0 && self.chunks.is_empty();
        if now && self.step(Step::Begin) {
            self.in_flight = length;
            return Offer::Now;
        }
        let room = self.cap.saturating_sub(self.queued());
        if length <= room {
            return Offer::Wait;
        }
        if self.when_full == WhenFull::Drop {
            self.dropped = (self.dropped.0 + 1, self.dropped.1 + length as u64);
        }
        Offer::Full(self.when_full)
    }

    /// The next chunk to hand over, if it is its time.
    pub(super) fn next(&mut self) -> Option<Vec<u8>> {
        if self.corks > 0 || self.chunks.is_empty() || !self.step(Step::Begin) {
            return None;
        }
        let chunk = self.chunks.pop()?;
        self.in_flight = chunk.len();
        Some(chunk)
    }

    /// All that waits, if it is its time.
    pub(super) fn next_all(&mut self) -> Vec<Vec<u8>> {
        if self.corks > 0 || self.chunks.is_empty() || !self.step(Step::Begin) {
            return Vec::new();
        }
        self.in_flight = self.chunks.len();
        std::iter::from_fn(|| self.chunks.pop()).collect()
    }

    /// What was handed over has been accepted.
    pub(super) fn accepted(&mut self) -> bool {
        self.in_flight = 0;
        self.step(Step::Accepted)
    }

    /// Nothing more will be written. What waits behind a cork goes out.
    pub(super) fn end(&mut self) -> bool {
        self.corks = 0;
        self.step(Step::End)
    }

    /// If all has been accepted: it is to be finished now.
    pub(super) fn finish(&mut self) -> bool {
        self.chunks.is_empty() && self.step(Step::Finish)
    }

    pub(super) fn finish_done(&mut self) -> bool {
        self.step(Step::Finished)
    }

    pub(super) fn cork(&mut self) {
        self.corks += u32::from(!self.is_ending());
    }

    pub(super) fn uncork(&mut self) {
        self.corks = self.corks.saturating_sub(1);
    }

    /// Bytes that were not accepted yet.
    pub(super) fn queued(&self) -> usize {
        self.chunks.len() + self.in_flight
    }

    pub(super) fn needs_drain(&self) -> bool {
        self.needs_drain
    }

    /// What `write` answers: `false` asks to wait for the drain.
    pub(super) fn go_on(&mut self) -> bool {
        self.needs_drain |= self.queued() > 0 && self.queued() >= self.high_water;
        !self.needs_drain
    }

    /// Is it time for `Drain`? It is taken note of that it comes.
    pub(super) fn drained(&mut self) -> bool {
        self.is_empty() && std::mem::take(&mut self.needs_drain) && !self.is_ending()
    }

    /// Is there something to tell, or to finish?
    pub(super) fn has_progress(&self) -> bool {
        self.is_empty() && (self.needs_drain || self.state == State::Due)
    }

    fn is_empty(&self) -> bool {
        self.chunks.is_empty() && !matches!(self.state, State::Busy | State::Last)
    }

    pub(super) fn is_ending(&self) -> bool {
        !matches!(self.state, State::Idle | State::Busy)
    }

    pub(super) fn is_finished(&self) -> bool {
        self.state == State::Finished
    }

    pub(super) fn clear(&mut self) {
        self.chunks.clear();
        self.in_flight = 0;
        self.needs_drain = false;
    }
}

#[cfg(test)]
mod tests {
    use super::{Intake, Offer, State, Step};
    use crate::stream::WhenFull;

    #[test]
    fn the_transitions_are_those_of_the_table() {
        use State::{Busy, Due, Finished, Finishing, Idle, Last};
        let steps = [Step::Begin, Step::Accepted, Step::End, Step::Finish, Step::Finished];
        let table = [
            (Idle, [Some(Busy), None, Some(Due), None, None]),
            (Busy, [None, Some(Idle), Some(Last), None, None]),
            (Last, [None, Some(Due), None, None, None]),
            (Due, [Some(Last), None, None, Some(Finishing), None]),
            (Finishing, [None, None, None, None, Some(Finished)]),
            (Finished, [None; 5]),
        ];
        for (state, row) in table {
            for (step, to) in steps.iter().zip(row) {
                assert_eq!(state.step(*step), to, "{state:?} {step:?}");
            }
        }
    }

    #[test]
    fn drain_is_told_once_and_only_to_who_was_told_to_wait() {
        let mut intake = Intake::new();
        intake.high_water = 5;
        assert_eq!(intake.offer(4, false), Offer::Now);
        assert!(intake.go_on());
        assert!(intake.accepted() && !intake.drained());
        assert_eq!(intake.offer(5, false), Offer::Now);
        assert!(!intake.go_on() && !intake.drained());
        assert!(intake.accepted() && intake.has_progress());
        assert!(intake.drained() && !intake.drained());
    }

    #[test]
    fn what_waits_is_handed_over_one_by_one_and_not_from_behind_a_cork() {
        let mut intake = Intake::new();
        intake.cork();
        intake.cork();
        assert_eq!(intake.offer(3, false), Offer::Wait);
        intake.chunks.push(b"one");
        intake.uncork();
        assert_eq!(intake.next(), None);
        intake.uncork();
        assert_eq!(intake.next(), Some(b"one".to_vec()));
        assert_eq!(intake.offer(3, false), Offer::Wait);
        intake.chunks.push(b"two");
        assert_eq!((intake.next(), intake.queued()), (None, 6));
        assert!(intake.end() && !intake.end());
        assert_eq!(intake.offer(1, false), Offer::Late);
        assert!(intake.accepted() && !intake.finish());
        assert_eq!(intake.next(), Some(b"two".to_vec()));
        assert!(!intake.finish() && intake.accepted());
        assert!(intake.finish() && intake.finish_done() && intake.is_finished());
    }

    #[test]
    fn the_cap_is_kept_to_the_byte() {
        let mut intake = Intake::new();
        (intake.cap, intake.when_full) = (4, WhenFull::Drop);
        // Nothing has to wait for this one.
        assert_eq!(intake.offer(3, false), Offer::Now);
        assert_eq!(intake.offer(2, false), Offer::Full(WhenFull::Drop));
        assert_eq!(intake.offer(1, false), Offer::Wait);
        assert_eq!(intake.dropped, (1, 2));
    }
}
