//! For tests: a clock that moves when it is told to, in front of the system's driver.
//!
//! A loop that was not made for it pays one comparison for each call. In a simulated one `now` is the clock's, and
//! `wait` waits real time: for what comes from outside. When the clock is to move instead of that is for
//! `simulation.rs` to say, which knows what the loop waits for.

use super::clock::Clock;
use super::script::Script;
use super::system::{self, Ready};
use crate::event_loop::source::{Descriptor, Interest, Trigger};
use std::cell::Cell;
use std::io;
use std::time::Duration;

pub(crate) struct Driver {
    system: system::Driver,
    world: Option<Box<World>>,
}

/// What is different in a simulated loop.
pub(crate) struct World {
    now: Cell<u64>,
    /// How far the clock may go by itself; `u64::MAX` where nobody set an end.
    pub(crate) until: Cell<u64>,
    /// How long it waits for what is outside, in real time, before it gives up.
    pub(crate) patience: Cell<Duration>,
    /// How long it waits for descriptors, in real time, before the clock moves.
    pub(crate) grace: Cell<Duration>,
    /// Turns in a row in which there was something to do at once.
    pub(crate) busy: Cell<u32>,
    /// Descriptors that the system's driver watches.
    watched: Cell<usize>,
    pub(crate) real: Clock,
    pub(crate) script: Script,
}

impl World {
    /// The clock never comes to the end of all time: a deadline there is none.
    const LAST: u64 = u64::MAX - 1;

    pub(crate) fn now(&self) -> u64 {
        self.now.get()
    }

    /// So much later than now.
    pub(crate) fn after(&self, duration: Duration) -> u64 {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.now().saturating_add(nanoseconds).min(Self::LAST)
    }

    /// Moves the clock ahead to `then`; never back.
    pub(crate) fn jump(&self, then: u64) {
        self.now.set(self.now().max(then).min(Self::LAST));
        self.busy.set(0);
    }

    /// Might a descriptor bring something from outside?
    pub(crate) fn watches(&self) -> bool {
        self.watched.get() > 0
    }
}

impl Driver {
    pub(crate) const EDGES: bool = system::Driver::EDGES;

    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { system: system::Driver::new()?, world: None })
    }

    #[cfg_attr(not(feature = "testing"), allow(dead_code, reason = "the crate's own tests ask"))]
    pub(crate) fn simulated(patience: Duration, grace: Duration) -> io::Result<Self> {
        let world = World {
            now: Cell::new(0),
            until: Cell::new(u64::MAX),
            patience: Cell::new(patience),
            grace: Cell::new(grace),
            busy: Cell::new(0),
            watched: Cell::new(0),
            real: Clock::start(),
            script: Script::default(),
        };
        Ok(Self { system: system::Driver::new()?, world: Some(Box::new(world)) })
    }

    #[cfg(test)]
    pub(crate) fn scripted(mut self, script: Script) -> Self {
        self.world.iter_mut().for_each(|world| world.script = script.clone());
        self
    }

    #[inline]
    pub(crate) fn world(&self) -> Option<&World> {
        self.world.as_deref()
    }

    #[inline]
    pub(crate) fn now(&self) -> u64 {
        self.world().map_or_else(|| self.system.now(), World::now)
    }

    pub(crate) fn waker(&self) -> io::Result<system::Waker> {
        self.system.waker()
    }

    #[cfg(any(
        target_os = "linux",
        target_os = "android",
        target_vendor = "apple",
        target_os = "freebsd",
        target_os = "netbsd",
        target_os = "openbsd",
        target_os = "dragonfly",
    ))]
    pub(crate) fn descriptor(&self) -> Descriptor<'_> {
        self.system.descriptor()
    }

    pub(crate) fn add(
        &self,
        descriptor: Descriptor<'_>,
        index: u32,
        interest: Interest,
        trigger: Trigger,
    ) -> io::Result<()> {
        let Some(world) = self.world() else {
            return self.system.add(descriptor, index, interest, trigger);
        };
        if let Some(told) = world.script.tell(descriptor, Some((index, interest, trigger))) {
            return told;
        }
        self.system.add(descriptor, index, interest, trigger)?;
        world.watched.set(world.watched.get() + 1);
        Ok(())
    }

    pub(crate) fn modify(
        &self,
        descriptor: Descriptor<'_>,
        index: u32,
        interest: Interest,
        trigger: Trigger,
    ) -> io::Result<()> {
        let script = self.world().map(|world| &world.script);
        let told = script.and_then(|it| it.tell(descriptor, Some((index, interest, trigger))));
        told.unwrap_or_else(|| self.system.modify(descriptor, index, interest, trigger))
    }

    pub(crate) fn delete(&self, descriptor: Descriptor<'_>) -> io::Result<()> {
        let Some(world) = self.world() else { return self.system.delete(descriptor) };
        if let Some(told) = world.script.tell(descriptor, None) {
            return told;
        }
        // Whatever the system says: it does not watch it any more.
        world.watched.set(world.watched.get().saturating_sub(1));
        self.system.delete(descriptor)
    }

    pub(crate) fn wait(&self, timeout: Option<Duration>, ready: &mut Ready) -> io::Result<()> {
        let Some(world) = self.world() else { return self.system.wait(timeout, ready) };
        world.script.happen(world.now(), ready)?;
        // A wake-up has nothing to tell to those who do not wait.
        if timeout == Some(Duration::ZERO) && !world.watches() {
            return Ok(());
        }
        let timeout = if ready.is_empty() { timeout } else { Some(Duration::ZERO) };
        self.system.wait(timeout, ready)?;
        ready.forget_wakes();
        Ok(())
    }
}
