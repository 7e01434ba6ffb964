//! The queues of one turn: ticks, deferred work, immediates, close callbacks.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::panic::Location;

/// Where in the program something was put on the loop.
pub(crate) type Origin = &'static Location<'static>;

/// A callback that runs once, and knows where it comes from.
pub(crate) trait Job {
    fn origin(&self) -> Origin;
    /// The box is gone when the callback is called, so that the next one gets its memory.
    fn run(self: Box<Self>);
}

struct Placed<F> {
    run: F,
    origin: Origin,
}

impl<F: FnOnce()> Job for Placed<F> {
    fn origin(&self) -> Origin {
        self.origin
    }

    fn run(self: Box<Self>) {
        let Self { run, .. } = *self;
        run();
    }
}

/// A job for this thread.
pub(crate) fn job(run: impl FnOnce() + 'static, origin: Origin) -> Box<dyn Job> {
    Box::new(Placed { run, origin })
}

/// A job that comes from another one.
pub(crate) fn sent(run: impl FnOnce() + Send + 'static, origin: Origin) -> Box<dyn Job + Send> {
    Box::new(Placed { run, origin })
}

/// A first-in, first-out queue of callbacks; no borrow outlives a method.
#[derive(Default)]
pub(crate) struct Queue(RefCell<VecDeque<Box<dyn Job>>>);

impl Queue {
    pub(crate) fn push(&self, job: Box<dyn Job>) {
        self.0.borrow_mut().push_back(job);
    }

    pub(crate) fn pop(&self) -> Option<Box<dyn Job>> {
        self.0.borrow_mut().pop_front()
    }

    /// Where those that wait come from, first in first.
    pub(crate) fn origins(&self) -> Vec<Origin> {
        self.0.borrow().iter().map(|job| job.origin()).collect()
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.0.borrow().len()
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    pub(crate) fn clear(&self) {
        // The jobs' captures drop when the queue is no longer borrowed.
        let jobs = std::mem::take(&mut *self.0.borrow_mut());
        drop(jobs);
    }
}

struct Waiting {
    job: Option<Box<dyn Job>>,
    counted: bool,
}

/// Immediates: a queue whose entries can be cancelled and need not hold the loop.
#[derive(Default)]
pub(crate) struct Immediates(RefCell<State>);

#[derive(Default)]
struct State {
    queue: VecDeque<Waiting>,
    /// The number of the entry at the front.
    front: u64,
    counted: usize,
}

impl State {
    fn entry(&mut self, number: u64) -> Option<&mut Waiting> {
        let at = usize::try_from(number.checked_sub(self.front)?).ok()?;
        self.queue.get_mut(at).filter(|entry| entry.job.is_some())
    }
}

impl Immediates {
    /// Queues a job and gives its number.
    pub(crate) fn push(&self, job: Box<dyn Job>) -> u64 {
        let mut state = self.0.borrow_mut();
        state.queue.push_back(Waiting { job: Some(job), counted: true });
        state.counted += 1;
        state.front + state.queue.len() as u64 - 1
    }

    /// The number that the next immediate will get.
    pub(crate) fn end(&self) -> u64 {
        let state = self.0.borrow();
        state.front + state.queue.len() as u64
    }

    /// Takes the first job whose number is below `end`.
    pub(crate) fn pop_before(&self, end: u64) -> Option<Box<dyn Job>> {
        let mut state = self.0.borrow_mut();
        while state.front < end {
            let entry = state.queue.pop_front()?;
            state.front += 1;
            if let Some(job) = entry.job {
                state.counted -= usize::from(entry.counted);
                return Some(job);
            }
        }
        None
    }

    pub(crate) fn cancel(&self, number: u64) -> bool {
        let mut state = self.0.borrow_mut();
        let Some(entry) = state.entry(number) else { return false };
        let (job, counted) = (entry.job.take(), entry.counted);
        state.counted -= usize::from(counted);
        drop(state);
        job.is_some()
    }

    pub(crate) fn count(&self, number: u64, counted: bool) {
        let mut state = self.0.borrow_mut();
        let Some(entry) = state.entry(number) else { return };
        let before = std::mem::replace(&mut entry.counted, counted);
        state.counted = state.counted + usize::from(counted) - usize::from(before);
    }

    /// How many hold the loop.
    pub(crate) fn counted(&self) -> usize {
        self.0.borrow().counted
    }

    /// Where those that wait come from, first in first, and whether they hold the loop.
    pub(crate) fn origins(&self) -> Vec<(Origin, bool)> {
        let state = self.0.borrow();
        let waiting = state.queue.iter();
        waiting.filter_map(|entry| Some((entry.job.as_ref()?.origin(), entry.counted))).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.borrow().queue.is_empty()
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.0.borrow().queue.iter().filter(|entry| entry.job.is_some()).count()
    }

    pub(crate) fn clear(&self) {
        let mut state = self.0.borrow_mut();
        state.front += state.queue.len() as u64;
        state.counted = 0;
        let queue = std::mem::take(&mut state.queue);
        drop(state);
        drop(queue);
    }
}
