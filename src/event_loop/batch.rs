//! What there is to tell after one wait, and how the sources are told.
#![allow(unsafe_code, reason = "one question for each message, where a borrow has three")]

use super::core::Core;
use super::counters::CallbackKind;
use super::driver::Ready;
use super::memory::Buffer;
use super::source::Interest;
use std::cell::Cell;

/// What there is to tell after one wait. If a listener panics, what is left is told in a later turn.
pub(super) struct Batch<'a> {
    core: &'a Core,
    ready: Ready,
    progress: Cell<Progress>,
    /// What they read into.
    buffer: Option<Box<Buffer>>,
}

#[derive(Clone, Copy, Default)]
struct Progress {
    /// How many have been told.
    told: usize,
    /// How many of these were not plain: they have been counted.
    others: usize,
}

/// Writes down how far a batch has come when it is through, or a panic ends it, and not for each.
struct Noted<'a>(Progress, &'a Cell<Progress>);

impl Drop for Noted<'_> {
    fn drop(&mut self) {
        self.1.set(self.0);
    }
}

impl<'a> Batch<'a> {
    pub(super) fn new(core: &'a Core, ready: Ready) -> Self {
        Self { core, ready, progress: Cell::default(), buffer: Some(core.memory.take_buffer()) }
    }

    #[inline(never)]
    pub(super) fn dispatch(&mut self) {
        let (core, Some(buffer)) = (self.core, &mut self.buffer) else { return };
        let watched = core.slow.is_on();
        let mut now = Noted(Progress::default(), &self.progress);
        for at in 0..self.ready.len() {
            let place = if watched { None } else { self.ready.to_read(at) };
            // SAFETY: nothing runs as long as it is looked at.
            let registry = unsafe { core.registry.try_borrow_unguarded() };
            let found = place.zip(registry.ok());
            match found.and_then(|(place, registry)| registry.find_plain(place)) {
                Some(source) => source.readable(buffer),
                None => {
                    now.0.others += 1;
                    tell(core, &self.ready, at, buffer);
                }
            }
            now.0.told = at + 1;
        }
    }

    /// Those that were plain are counted together.
    fn count_plain(&self) {
        // The one that panicked has been told, as far as it came.
        let Progress { told, others } = self.progress.get();
        let plain = (self.ready.len().min(told + 1) - others) as u64;
        self.core.counters.add(CallbackKind::Source, plain);
        self.core.portions.had_little(plain);
    }
}

/// Tells the source at a place what of this readiness it is to hear.
#[cold]
#[inline(never)]
fn tell(core: &Core, ready: &Ready, at: usize, buffer: &mut Buffer) {
    let Some((index, readiness)) = ready.get(at) else { return };
    let found = core.registry.borrow_mut().find(index, readiness);
    let Some((source, readiness)) = found else { return };
    core.counters.count(CallbackKind::Source);
    if core.slow.is_on() {
        core.ready_watched(index, source, readiness, buffer);
    } else {
        source.ready(readiness, buffer);
    }
    core.settle();
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        self.count_plain();
        let mut all = std::mem::take(&mut self.ready);
        // Nobody knows how far the one that panicked has come.
        let mut left = Some(Interest::ALL);
        for at in self.progress.get().told..all.len() {
            let Some((index, readiness)) = all.get(at) else { break };
            self.core.registry.borrow_mut().keep(index, left.take().unwrap_or(readiness));
        }
        all.clear();
        self.core.ready.set(all);
        self.buffer.take().into_iter().for_each(|buffer| self.core.memory.give_buffer(buffer));
    }
}
