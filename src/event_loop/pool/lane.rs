//! One kind of work: what waits, first in, first out, and what is known of it.

use crate::error::Error;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// What the work is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Fs,
    Dns,
    User,
}

pub(super) const KINDS: usize = 3;
pub(super) const ALL: [Kind; KINDS] = [Kind::Fs, Kind::Dns, Kind::User];
/// Below this length a queue is not worth a sweep.
pub(super) const SMALL: usize = 64;

/// Something to do. When it is dropped, it tells its loop, unless it was withdrawn.
pub(crate) trait Work: Send {
    /// Does it.
    fn run(&mut self);
    /// It will not be done, for this reason.
    fn refuse(&mut self, error: Error);
    /// It will not be done, and its loop knows.
    fn withdraw(&mut self);
}

/// Names work that was given to the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ticket {
    pub(super) kind: Kind,
    pub(super) number: u64,
}

impl Ticket {
    /// Names none.
    pub(crate) const NONE: Self = Self { kind: Kind::User, number: 0 };
}

pub(super) struct Waiting {
    number: u64,
    pub(super) since: Instant,
    /// `None` if it was cancelled.
    work: Option<Box<dyn Work>>,
}

/// One kind of work.
pub(super) struct Lane {
    /// In the order of their numbers. The first was not cancelled.
    pub(super) queue: VecDeque<Waiting>,
    /// Those of the queue that were not cancelled.
    pub(super) queued: usize,
    /// The quota; 0 if the program has set none and the environment was not asked yet.
    pub(super) limit: usize,
    pub(super) running: usize,
    pub(super) max_queued: usize,
    pub(super) done: u64,
    pub(super) cancelled: u64,
    pub(super) refused: u64,
    pub(super) total_wait: Duration,
    pub(super) longest_wait: Duration,
}

impl Lane {
    pub(super) const NEW: Self = Self {
        queue: VecDeque::new(),
        queued: 0,
        limit: 0,
        running: 0,
        max_queued: usize::MAX,
        done: 0,
        cancelled: 0,
        refused: 0,
        total_wait: Duration::ZERO,
        longest_wait: Duration::ZERO,
    };

    pub(super) fn push(&mut self, number: u64, work: Box<dyn Work>, now: Instant) {
        self.queue.push_back(Waiting { number, since: now, work: Some(work) });
        self.queued += 1;
    }

    pub(super) fn take(&mut self, now: Instant) -> Option<Box<dyn Work>> {
        let Waiting { since, work, .. } = self.queue.pop_front()?;
        self.trim();
        self.queued -= 1;
        self.running += 1;
        let waited = now.saturating_duration_since(since);
        self.total_wait = self.total_wait.saturating_add(waited);
        self.longest_wait = self.longest_wait.max(waited);
        work
    }

    pub(super) fn cancel(&mut self, number: u64) -> Option<Box<dyn Work>> {
        let at = self.queue.binary_search_by_key(&number, |waiting| waiting.number).ok()?;
        let work = self.queue[at].work.take()?;
        self.queued -= 1;
        self.cancelled += 1;
        if self.queue.len() > SMALL && self.queued < self.queue.len() / 2 {
            self.queue.retain(|waiting| waiting.work.is_some());
        }
        self.trim();
        Some(work)
    }

    fn trim(&mut self) {
        while self.queue.front().is_some_and(|waiting| waiting.work.is_none()) {
            self.queue.pop_front();
        }
    }

    /// Everything that waits, which nobody will come for.
    pub(super) fn refuse_all(&mut self, refused: &mut Vec<Box<dyn Work>>) {
        self.refused += self.queued as u64;
        self.queued = 0;
        refused.extend(std::mem::take(&mut self.queue).into_iter().filter_map(|it| it.work));
    }

    /// Is there work, and nobody at it?
    pub(super) fn is_bare(&self) -> bool {
        self.queued > 0 && self.running == 0
    }
}
