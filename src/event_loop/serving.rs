//! What the objects on a loop ask of it: sources, and what they put on the loop.

use super::births::Birth;
use super::handle::{Handle, nanoseconds};
use super::memory::Buffer;
use super::queues::{Origin, job};
use super::slab::Key;
use super::source::{Descriptor, Interest, Source, Trigger};
use super::tokens::Timer;
use super::written::Written;
use std::rc::Rc;
use std::time::Duration;

impl Handle {
    /// Has the loop ended for good?
    pub(crate) fn is_over(&self) -> bool {
        self.0.is_over()
    }

    /// Are both of the same loop?
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// How many turns there have been.
    pub(crate) fn turns(&self) -> u64 {
        self.0.turns()
    }

    /// Puts a source on the loop, which was made at `origin`.
    pub(crate) fn add_source(
        &self,
        source: Rc<dyn Source>,
        trigger: Trigger,
        origin: Origin,
    ) -> Key {
        let birth = Birth { at: self.0.now(), origin };
        self.0.registry.borrow_mut().add(source, trigger, birth)
    }

    /// A number for the line where something was made, which takes less memory than the line.
    pub(crate) fn note_line(&self, origin: Origin) -> u16 {
        self.0.registry.borrow_mut().note_line(origin)
    }

    /// The line that has this number.
    pub(crate) fn line(&self, number: u16) -> Origin {
        let known = self.0.registry.borrow().line(number);
        known.unwrap_or_else(|| unreachable!("the loop has given it, and forgets none"))
    }

    /// All sources.
    pub(crate) fn sources(&self) -> Vec<Rc<dyn Source>> {
        self.0.registry.borrow().sources()
    }

    pub(crate) fn want(&self, key: Key, interest: Interest) {
        self.0.registry.borrow_mut().want(key, interest);
    }

    /// This readiness is not exhausted: tell it again when the others have had their turn, or as soon as
    /// it is wanted.
    pub(crate) fn again(&self, key: Key, readiness: Interest) {
        self.0.registry.borrow_mut().again(key, readiness);
    }

    /// The same for what the source itself holds, which the driver cannot know of.
    pub(crate) fn remind(&self, key: Key, readiness: Interest) {
        self.0.registry.borrow_mut().remind(key, readiness);
    }

    pub(crate) fn count_source(&self, key: Key, counted: bool) {
        self.0.registry.borrow_mut().count(key, counted);
    }

    /// Takes a source out, before its descriptor is closed.
    pub(crate) fn remove_source(&self, key: Key) {
        let core = &self.0;
        // The driver of a child that was forked off is its parent's.
        let delete = |descriptor: Descriptor<'_>| {
            if core.is_forked() { Ok(()) } else { core.driver.delete(descriptor) }
        };
        let removed = core.registry.borrow_mut().remove(key, delete);
        drop(removed);
    }

    /// Takes a source out whose descriptor is closed by [`at_close`](Self::at_close), and stays open until then.
    pub(crate) fn retire_source(&self, key: Key) {
        if self.is_over() {
            // Nothing is put off any more.
            return self.remove_source(key);
        }
        let removed = self.0.registry.borrow_mut().retire(key);
        drop(removed);
    }

    /// What runs now is about this source: a report of slow callbacks says so. Where the loop tells the source, it
    /// knows.
    #[inline]
    pub(crate) fn about(&self, source: impl FnOnce() -> Rc<dyn Source>) {
        if self.0.slow.is_on() {
            self.0.slow.about(source());
        }
    }

    // What a source puts on the loop has the place where the user made the source.

    /// Runs `f` at the start of the next turn.
    pub(crate) fn defer(&self, origin: Origin, f: impl FnOnce() + 'static) {
        self.put(&self.0.deferred, origin, f);
    }

    /// Runs `f` in this turn, after the polling phase.
    #[cfg_attr(not(unix), allow(dead_code, reason = "signals use it, and there are none"))]
    pub(crate) fn behind_poll(&self, origin: Origin, f: impl FnOnce() + 'static) {
        self.put(&self.0.after_poll, origin, f);
    }

    /// Runs `f` at the end of this turn, where things are closed.
    pub(crate) fn at_close(&self, origin: Origin, f: impl FnOnce() + 'static) {
        self.put(&self.0.closing, origin, f);
    }

    /// Runs `f` as a tick.
    pub(crate) fn next_tick_from(&self, origin: Origin, f: impl FnOnce() + 'static) {
        if !self.0.is_over() {
            self.0.tick(job(f, origin));
        }
    }

    /// Runs `f` when `delay` has passed.
    pub(crate) fn set_timeout_from(
        &self,
        origin: Origin,
        delay: Duration,
        f: impl FnOnce() + 'static,
    ) -> Timer {
        self.timeout(nanoseconds(delay), f, origin)
    }

    /// To be called after each call of user code from inside of the loop.
    #[inline]
    pub(crate) fn settle(&self) {
        self.0.settle();
    }

    /// How much one source may read in this turn, which writes about as much, or does not.
    pub(crate) fn portion(&self, answers: bool) -> usize {
        self.0.portions.now(answers)
    }

    /// Somebody has read, and had [`LITTLE`](super::LITTLE) at most. Those who were told to be
    /// [`readable`](Source::readable) are taken to have.
    pub(crate) fn had_little(&self) {
        self.0.portions.had_little(1);
    }

    /// One who was told to be [`readable`](Source::readable) has not had little.
    pub(crate) fn had_not_little(&self) {
        self.0.portions.had_not();
    }

    /// Somebody has used up what it may read in a turn.
    pub(crate) fn had_much(&self) {
        self.0.portions.had_much();
    }

    #[inline]
    pub(crate) fn with_scratch<T>(&self, read: impl FnOnce(&mut Buffer) -> T) -> T {
        self.0.memory.with_scratch(read)
    }

    /// What the callback of a stream writes.
    #[inline(always)]
    pub(crate) fn written(&self) -> &Written {
        &self.0.memory.written
    }
}
