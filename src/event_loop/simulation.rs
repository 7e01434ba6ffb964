//! When the clock of a simulated loop moves, and when it waits for what is outside instead.

use super::core::Core;
use super::driver::{Driver, Ready, World};
use super::run_until::block_on_this;
use super::{EventLoop, Handle, run_on};
use crate::error::{Error, ErrorKind, Result};
use std::future::Future;
use std::time::Duration;

/// So many turns in a row may have something to do at once, while no time passes and nothing is outside: a timer
/// that is not due would never come.
const BUSY_TURNS: u32 = 1_000_000;
/// How long it waits for what is outside, unless told otherwise.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it waits for descriptors before the clock moves, unless told otherwise.
const GRACE: Duration = Duration::from_millis(10);
/// The longest real wait in one piece.
const PIECE: Duration = Duration::from_secs(3600);

/// What to do when nothing is ready.
enum Then {
    Jump(u64),
    GiveUp,
}

impl Core {
    /// Waits for something to do, and gives what is ready.
    #[inline]
    pub(super) fn wait(&self, timeout: Option<Duration>, ready: &mut Ready) -> Result<()> {
        match self.driver.world() {
            None => self.wait_really(timeout, ready),
            Some(world) => self.wait_in(world, timeout, ready),
        }
    }

    #[inline]
    fn wait_really(&self, timeout: Option<Duration>, ready: &mut Ready) -> Result<()> {
        self.driver.wait(timeout, ready).map_err(|error| Error::io("wait for events", error))
    }

    fn wait_in(&self, world: &World, timeout: Option<Duration>, ready: &mut Ready) -> Result<()> {
        self.wait_really(Some(Duration::ZERO), ready)?;
        let ends = !ready.is_empty() || world.script.take_break();
        if ends || timeout == Some(Duration::ZERO) {
            return self.check_busy(world, ends);
        }
        let (patience, then) = self.rule(world, timeout);
        if !patience.is_zero() {
            let began = world.real.now();
            self.wait_really(Some(patience.min(PIECE)), ready)?;
            let waited = Duration::from_nanos(world.real.now() - began);
            if !ready.is_empty() || self.inbox.is_filled() || waited < patience {
                return Ok(());
            }
        }
        match then {
            Then::Jump(then) => world.jump(then),
            Then::GiveUp => return Err(self.stuck(world)),
        }
        self.wait_really(Some(Duration::ZERO), ready)
    }

    /// How long to wait for what is outside, in real time; and what to do when nothing came.
    fn rule(&self, world: &World, timeout: Option<Duration>) -> (Duration, Then) {
        let due = timeout.map(|timeout| {
            let nanoseconds = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
            world.now().saturating_add(nanoseconds)
        });
        let ends = [due, world.script.next(), Some(world.until.get())];
        let next = ends.into_iter().flatten().min().filter(|next| *next != u64::MAX);
        let told = world.until.get() != u64::MAX;
        let held = self.inbox.is_held();
        let working = self.awaited.borrow().counted() > 0;
        match next {
            Some(next) if !working && (told || !held) => {
                let outside = held || world.watches();
                (if outside { world.grace.get() } else { Duration::ZERO }, Then::Jump(next))
            }
            _ => (world.patience.get(), Then::GiveUp),
        }
    }

    /// Nobody waits as long as there is something to do at once; what if that never ends?
    fn check_busy(&self, world: &World, came: bool) -> Result<()> {
        let outside =
            world.watches() || self.inbox.is_held() || self.awaited.borrow().counted() > 0;
        let busy = if came || outside { 0 } else { world.busy.get() + 1 };
        world.busy.set(busy);
        if busy < BUSY_TURNS {
            return Ok(());
        }
        world.busy.set(0);
        let said =
            format!("{BUSY_TURNS} turns had something to do at once, so that no time passes");
        Err(Error::new(ErrorKind::Deadlock, "wait for events").because(said))
    }

    /// Nothing has come, and nothing is going to.
    #[cold]
    fn stuck(&self, world: &World) -> Error {
        let mut left = Vec::new();
        let mut note = |count: usize, one: &str, many: &str| match count {
            0 => {}
            1 => left.push(format!("1 {one}")),
            count => left.push(format!("{count} {many}")),
        };
        note(usize::from(self.root_held.get()), "future that the loop runs for", "");
        note(self.tasks.counted(), "spawned future", "spawned futures");
        note(self.registry.borrow().counted(), "source", "sources");
        note(self.awaited.borrow().counted(), "piece of blocking work", "pieces of blocking work");
        note(usize::from(self.inbox.is_held()), "remote that holds the loop", "");
        let (patience, left) = (world.patience.get(), left.join(", "));
        let said = format!("nothing came in {patience:?} of real time for what is left: {left}");
        Error::new(ErrorKind::Deadlock, "wait for events").because(said)
    }

    fn run_for(&self, world: &World, duration: Duration) -> Result<()> {
        let until = world.after(duration);
        let before = world.until.replace(until);
        let _restore = Restore { world, before };
        self.driving("run for", || {
            while !self.stopping.get() && (self.is_alive() || self.has_last_words()) {
                let done = self.timeout(true) != Some(Duration::ZERO)
                    && self.awaited.borrow().counted() == 0
                    && !self.inbox.is_filled();
                if done && self.now() >= until {
                    break;
                }
                self.turn(true)?;
            }
            if !self.stopping.get() {
                world.jump(until);
            }
            Ok(())
        })
    }
}

/// The clock may go as far by itself as before.
struct Restore<'a> {
    world: &'a World,
    before: u64,
}

impl Drop for Restore<'_> {
    fn drop(&mut self) {
        self.world.until.set(self.before);
    }
}

#[cfg_attr(not(feature = "testing"), allow(dead_code, reason = "the room `testing` asks for it"))]
impl EventLoop {
    pub(crate) fn simulated() -> Result<Self> {
        Self::on(|| Driver::simulated(PATIENCE, GRACE))
    }

    /// The world of a loop that was made by [`simulated`](Self::simulated).
    pub(crate) fn with_world<T>(&self, f: impl FnOnce(&World) -> T) -> Option<T> {
        self.handle.0.driver.world().map(f)
    }

    /// Runs until so much time has passed, by the simulated clock.
    pub(crate) fn run_for(&self, duration: Duration) -> Result<()> {
        let core = &self.handle.0;
        let run = |world| self.handle.enter(|| core.run_for(world, duration));
        core.driver.world().map_or(Ok(()), run)
    }

    pub(crate) fn run_all(self, setup: impl FnOnce() -> Result<()>) -> Result<()> {
        run_on(self, setup)
    }

    pub(crate) fn block_on<F: Future>(self, future: F) -> Result<F::Output> {
        block_on_this(self, future)
    }
}

#[cfg_attr(not(feature = "testing"), allow(dead_code, reason = "the room `testing` asks for it"))]
impl Handle {
    /// Moves the clock ahead. `false` if it is the system's.
    pub(crate) fn advance(&self, duration: Duration) -> bool {
        let world = self.0.driver.world();
        world.into_iter().for_each(|world| world.jump(world.after(duration)));
        world.is_some()
    }
}
