//! What there is to tell after one wait, and how the sources are told.

use super::core::Core;
use super::counters::CallbackKind;
use super::driver::Ready;
use super::memory::Buffer;
use super::source::Interest;

/// What there is to tell after one wait. If a listener panics, what is left is told in a later turn.
pub(super) struct Batch<'a> {
    core: &'a Core,
    ready: Ready,
    /// How many have been told.
    told: usize,
    /// What they read into.
    buffer: Option<Box<Buffer>>,
}

impl<'a> Batch<'a> {
    pub(super) fn new(core: &'a Core, ready: Ready) -> Self {
        Self { core, ready, told: 0, buffer: Some(core.memory.take_buffer()) }
    }

    #[inline(never)]
    pub(super) fn dispatch(&mut self) {
        let (core, Some(buffer)) = (self.core, &mut self.buffer) else { return };
        for at in 0..self.ready.len() {
            // It may panic, and has been told then, as far as it came.
            self.told = at;
            let Some((index, readiness)) = self.ready.get(at) else { return };
            if readiness == Interest::READ && !core.slow.is_on() {
                // To have it alone costs less than to share it.
                let found = core.registry.borrow_mut().find_plain(index);
                if let Some(source) = found {
                    core.counters.count(CallbackKind::Source);
                    source.readable(buffer);
                    core.settle();
                    continue;
                }
            }
            tell(core, index, readiness, buffer);
        }
        self.told = self.ready.len();
    }
}

/// Tells the source at a place what of this readiness it is to hear.
#[inline(never)]
fn tell(core: &Core, index: u32, readiness: Interest, buffer: &mut Buffer) {
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
        let mut all = std::mem::take(&mut self.ready);
        // Nobody knows how far the one that panicked has come.
        let mut left = Some(Interest::ALL);
        while let Some((index, readiness)) = all.get(self.told) {
            self.core.registry.borrow_mut().keep(index, left.take().unwrap_or(readiness));
            self.told += 1;
        }
        all.clear();
        self.core.ready.set(all);
        self.buffer.take().into_iter().for_each(|buffer| self.core.memory.give_buffer(buffer));
    }
}
