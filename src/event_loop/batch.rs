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
    /// How many have been told.
    told: Cell<usize>,
    /// What they read into.
    buffer: Option<Box<Buffer>>,
}

/// Writes down how many have been told when all have, or a panic ends it, and not for each.
struct Told<'a>(usize, &'a Cell<usize>);

impl Drop for Told<'_> {
    fn drop(&mut self) {
        self.1.set(self.0);
    }
}

impl<'a> Batch<'a> {
    pub(super) fn new(core: &'a Core, ready: Ready) -> Self {
        Self { core, ready, told: Cell::new(0), buffer: Some(core.memory.take_buffer()) }
    }

    #[inline(never)]
    pub(super) fn dispatch(&mut self) {
        let (core, Some(buffer)) = (self.core, &mut self.buffer) else { return };
        let mut told = Told(0, &self.told);
        for at in 0..self.ready.len() {
            // SAFETY: nothing runs as long as it is looked at.
            let registry = unsafe { core.registry.try_borrow_unguarded() };
            let found = self.ready.to_read(at).zip(registry.ok());
            match found.and_then(|(place, registry)| registry.find_plain(place)) {
                Some(source) => {
                    core.counters.count(CallbackKind::Source);
                    source.readable(buffer);
                }
                None => tell(core, &self.ready, at, buffer),
            }
            told.0 = at + 1;
        }
    }
}

/// Tells the source at a place what of this readiness it is to hear. It is said to be cold for the plain ones to come first in
/// the code.
#[cold]
#[inline(never)]
fn tell(core: &Core, ready: &Ready, at: usize, buffer: &mut Buffer) {
    core.portions.had_not(); // as those have that are plain; who reads a little says so
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
        let (told, mut all) = (self.told.get(), std::mem::take(&mut self.ready));
        // The one that panicked has been told, too.
        self.core.portions.had_little(all.len().min(told + 1) as u64);
        // Nobody knows how far it has come.
        let mut left = Some(Interest::ALL);
        for at in told..all.len() {
            let Some((index, readiness)) = all.get(at) else { break };
            self.core.registry.borrow_mut().keep(index, left.take().unwrap_or(readiness));
        }
        all.clear();
        self.core.ready.set(all);
        self.buffer.take().into_iter().for_each(|buffer| self.core.memory.give_buffer(buffer));
    }
}
