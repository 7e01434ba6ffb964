//! The loop itself: what it owns, and one turn of it.

use super::awaited::Awaited;
use super::batch::Batch;
use super::channel::Entry;
use super::closures::Closures;
use super::counters::{CallbackKind, Clock, Counters};
use super::driver::{Driver, Ready};
use super::hooks::{Hooks, Moment};
use super::inbox::Inbox;
use super::kept::Kept;
use super::mail::Mail;
use super::memory::Memory;
use super::portions::Portions;
use super::queues::{Immediates, Job, Origin, Queue};
use super::registry::Registry;
use super::slab::Slab;
use super::slow::Slow;
use super::tasks::{Tasks, Woken};
use super::timers::Timers;
use crate::error::{Error, ErrorKind, Result};
use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Turns between two looks whether this is a child that was forked off in a callback, or between two turns: it
/// takes a system call, and that is half of what a turn takes.
const TURNS_UNSUSPECTED: u64 = 64;
/// So often a turn asks the driver for more: readiness for 1,024 sources. What comes later is the next turn's, behind timers and
/// all else.
const WAITS: u32 = 16;

static SERIAL: AtomicU32 = AtomicU32::new(0);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Resting,
    Running,
    Ended,
}

pub(crate) struct Core {
    pub(crate) serial: u32,
    /// The process that made it, and alone may use it.
    process: u32,
    pub(crate) driver: Driver,
    pub(crate) registry: RefCell<Registry>,
    pub(crate) timers: RefCell<Timers>,
    pub(super) closures: Closures,
    pub(crate) ticks: Queue,
    pub(crate) tasks: Tasks,
    /// Is there a tick or a woken future to run after the callback, or somebody who looks at all of them?
    pub(super) unsettled: Cell<bool>,
    /// Has the future been woken that the loop runs for?
    pub(super) root_woken: Cell<bool>,
    /// May another thread wake it?
    pub(super) root_held: Cell<bool>,
    pub(super) hooks: Hooks,
    pub(crate) deferred: Queue,
    pub(crate) after_poll: Queue,
    pub(crate) immediates: Immediates,
    pub(crate) closing: Queue,
    pub(crate) inbox: Arc<Inbox>,
    /// What to do on this thread with work that other threads do.
    pub(crate) awaited: RefCell<Awaited>,
    pub(super) channels: RefCell<Slab<Entry>>,
    pub(super) kept: Kept,
    pub(crate) phase: Cell<Phase>,
    pub(crate) stopping: Cell<bool>,
    pub(crate) failure: RefCell<Option<Error>>,
    pub(crate) letters: RefCell<Mail>,
    pub(super) ready: Cell<Ready>,
    pub(super) memory: Memory,
    pub(super) portions: Portions,
    turns: Cell<u64>,
    pub(crate) counters: Counters,
    pub(super) clock: Clock,
    pub(super) slow: Slow,
}

impl Core {
    pub(crate) fn new(driver: io::Result<Driver>) -> Result<Rc<Self>> {
        Error::take_failures(super::handle::take_failure);
        let failed = |error| Error::io_or_descriptors("create event loop", error);
        let driver = driver.map_err(failed)?;
        let inbox = Arc::new(Inbox::new(driver.waker().map_err(failed)?));
        Ok(Rc::new(Self {
            serial: SERIAL.fetch_add(1, Ordering::Relaxed),
            process: std::process::id(),
            driver,
            registry: RefCell::default(),
            timers: RefCell::new(Timers::new()),
            closures: Closures::default(),
            ticks: Queue::default(),
            tasks: Tasks::new(),
            unsettled: Cell::new(false),
            root_woken: Cell::new(false),
            root_held: Cell::new(false),
            hooks: Hooks::default(),
            deferred: Queue::default(),
            after_poll: Queue::default(),
            immediates: Immediates::default(),
            closing: Queue::default(),
            inbox,
            awaited: RefCell::new(Awaited::new()),
            channels: RefCell::new(Slab::new()),
            kept: Kept::default(),
            phase: Cell::new(Phase::Resting),
            stopping: Cell::new(false),
            failure: RefCell::default(),
            letters: RefCell::default(),
            ready: Cell::default(),
            memory: Memory::default(),
            portions: Portions::default(),
            turns: Cell::new(0),
            counters: Counters::default(),
            clock: Clock::default(),
            slow: Slow::default(),
        }))
    }

    /// Nanoseconds since the loop was made.
    pub(crate) fn now(&self) -> u64 {
        self.driver.now()
    }

    pub(crate) fn turns(&self) -> u64 {
        self.turns.get()
    }

    /// Is there anything left to wait for?
    pub(crate) fn is_alive(&self) -> bool {
        self.timers.borrow().counted() > 0
            || self.registry.borrow().counted() > 0
            || self.immediates.counted() > 0
            || !self.deferred.is_empty()
            || !self.closing.is_empty()
            || !self.ticks.is_empty()
            || self.tasks.counted() > 0
            || self.awaited.borrow().counted() > 0
            || !self.letters.borrow().is_empty()
            || self.root_held.get()
            || self.inbox.is_held()
    }

    /// Is this a child that was forked off? The kernel's part of the loop is the parent's.
    pub(crate) fn is_forked(&self) -> bool {
        std::process::id() != self.process
    }

    pub(crate) fn refuse_forked(&self, operation: &'static str) -> Result<()> {
        if self.is_forked() { Err(Error::new(ErrorKind::Forked, operation)) } else { Ok(()) }
    }

    /// One turn, in the documented order.
    pub(crate) fn turn(&self, may_wait: bool) -> Result<()> {
        self.turns.set(self.turns.get().wrapping_add(1));
        if self.turns.get() % TURNS_UNSUSPECTED == 0 {
            self.refuse_forked("run")?;
        }
        self.unsettled.set(self.unsettled.get() || self.tasks.refill());
        self.settle();
        self.run_timers();
        self.run_queue(CallbackKind::Deferred, &self.deferred);
        self.poll(may_wait)?;
        self.run_posted();
        self.run_immediates();
        self.run_closing();
        Ok(())
    }

    /// Calls user code at the bottom of the stack, and what it put off until right after it.
    pub(super) fn call(&self, kind: CallbackKind, job: Box<dyn Job>) {
        self.counters.count(kind);
        if self.slow.is_on() {
            self.call_watched(kind, Some(job.origin()), None, || job.run());
        } else {
            job.run();
        }
        self.settle();
    }

    /// The same for what is no job.
    pub(super) fn call_from(&self, kind: CallbackKind, origin: Origin, callback: impl FnOnce()) {
        self.counters.count(kind);
        if self.slow.is_on() {
            self.call_watched(kind, Some(origin), None, callback);
        } else {
            callback();
        }
        self.settle();
    }

    pub(crate) fn tick(&self, tick: Box<dyn Job>) {
        self.ticks.push(tick);
        self.unsettled.set(true);
    }

    pub(crate) fn wake_task(&self, task: Woken) {
        self.tasks.wake(task);
        self.unsettled.set(true);
    }

    /// Runs the ticks, those that ticks add included, then the futures that have been woken, each with the
    /// ticks that it adds. Whoever calls user code calls this after it.
    #[inline]
    pub(crate) fn settle(&self) {
        if self.unsettled.get() {
            self.run_unsettled();
        }
    }

    #[cold]
    fn run_unsettled(&self) {
        if self.slow.is_on() {
            return self.run_unsettled_watched();
        }
        loop {
            while let Some(tick) = self.next_tick() {
                tick.run();
            }
            let Some(task) = self.next_task() else { break };
            task.run();
        }
        // Futures that have to wait for the next turn are no reason to come here before.
        self.unsettled.set(self.slow.is_on());
    }

    #[inline]
    pub(super) fn next_tick(&self) -> Option<Box<dyn Job>> {
        let tick = self.ticks.pop()?;
        self.counters.count(CallbackKind::Tick);
        Some(tick)
    }

    #[inline]
    pub(super) fn next_task(&self) -> Option<Woken> {
        let task = self.tasks.next()?;
        self.counters.count(CallbackKind::Future);
        Some(task)
    }

    /// Runs what stands in a queue now; what these jobs add waits for the next turn.
    #[inline(always)]
    pub(super) fn run_queue(&self, kind: CallbackKind, queue: &Queue) {
        if !queue.is_empty() {
            self.run_jobs(kind, queue);
        }
    }

    #[inline(never)]
    fn run_jobs(&self, kind: CallbackKind, queue: &Queue) {
        for _ in 0..queue.len() {
            let Some(job) = queue.pop() else { return };
            self.call(kind, job);
        }
    }

    #[inline]
    pub(super) fn apply_interest(&self) -> Result<()> {
        if self.registry.borrow().has_changes() { self.tell_interest() } else { Ok(()) }
    }

    fn tell_interest(&self) -> Result<()> {
        self.refuse_forked("run")?;
        self.forget_leaving();
        let refused = self.registry.borrow_mut().apply(&self.driver);
        for (source, error) in refused {
            source.refused(error);
            self.settle();
        }
        Ok(())
    }

    /// The last phase of a turn: descriptors are closed and listeners told so. Then places of removed sources may be used
    /// again.
    #[inline]
    pub(super) fn run_closing(&self) {
        self.let_leave();
        self.run_queue(CallbackKind::Close, &self.closing);
        self.registry.borrow_mut().free_retired();
    }

    /// Those that are about to close leave the driver, and all at once: to ask whether this is a child that was forked off,
    /// whose driver is its parent's, is a system call.
    pub(super) fn let_leave(&self) {
        if self.registry.borrow().has_leaving() && !self.is_forked() {
            self.forget_leaving();
        }
    }

    fn forget_leaving(&self) {
        let leaving = self.registry.borrow_mut().take_leaving();
        for source in leaving {
            // Fails only if the descriptor is gone, and then the registration went with it.
            let _ = source.lend(&mut |descriptor| self.driver.delete(descriptor));
        }
    }

    pub(super) fn timeout(&self, may_wait: bool) -> Option<Duration> {
        let busy = !may_wait
            || self.stopping.get()
            || !self.deferred.is_empty()
            || !self.closing.is_empty()
            || !self.immediates.is_empty()
            || !self.letters.borrow().is_empty()
            || self.tasks.has_woken()
            || self.root_woken.get()
            || self.registry.borrow().is_unsettled()
            || !self.is_alive();
        if busy {
            return Some(Duration::ZERO);
        }
        let deadline = self.timers.borrow_mut().next_deadline()?;
        Some(Duration::from_nanos(deadline.saturating_sub(self.now())))
    }

    fn poll(&self, may_wait: bool) -> Result<()> {
        self.hooks.run(self, Moment::BeforePoll);
        self.apply_interest()?;
        let mut ready = self.ready.take();
        let mut timeout = self.timeout(may_wait);
        if timeout != Some(Duration::ZERO) && !self.inbox.may_wait() {
            timeout = Some(Duration::ZERO);
        }
        if !Driver::EDGES {
            // The portable driver waits by things that a forked child shares with its parent, and changes them.
            self.refuse_forked("run")?;
        }
        let timed = self.clock.is_on() && timeout != Some(Duration::ZERO);
        if timed {
            self.clock.was_active(self.now());
        }
        let waited = self.wait(timeout, &mut ready);
        if timed {
            self.clock.was_idle(self.now());
        }
        waited?;
        self.portions.next();
        self.tell_ready(ready)?;
        self.hooks.run(self, Moment::AfterPoll);
        Ok(())
    }

    /// Tells the sources that are ready, in as many waits as it takes to hear of all, and those that are to be told again.
    /// One that asks for that now has its turn in the next turn, whatever the driver says of it meanwhile.
    fn tell_ready(&self, mut ready: Ready) -> Result<()> {
        let mut is_full = ready.is_full();
        self.registry.borrow_mut().take_again(&mut ready);
        if ready.is_empty() {
            self.ready.set(ready);
            return Ok(());
        }
        Batch::new(self, ready).dispatch();
        for _ in 1..WAITS {
            if !is_full || self.stopping.get() {
                break;
            }
            let mut more = self.ready.take();
            self.wait(Some(Duration::ZERO), &mut more)?;
            is_full = more.is_full();
            Batch::new(self, more).dispatch();
        }
        Ok(())
    }

    fn run_immediates(&self) {
        if self.immediates.is_empty() {
            return;
        }
        let end = self.immediates.end();
        while let Some(job) = self.immediates.pop_before(end) {
            self.call(CallbackKind::Immediate, job);
        }
    }

    /// Keeps the first error, and stops.
    pub(crate) fn fail(&self, error: Error) {
        self.stopping.set(true);
        let first = self.failure.borrow().is_none();
        if first {
            self.failure.replace(Some(error));
        }
    }

    /// The error that the loop ended with, if there was one.
    pub(crate) fn take_failure(&self) -> Result<()> {
        self.failure.take().map_or(Ok(()), Err)
    }

    /// Has it ended for good? Then nothing may be put on it, for it would stay there for ever.
    pub(crate) fn is_over(&self) -> bool {
        self.phase.get() == Phase::Ended
    }
}

#[cfg(test)]
mod tests {
    use crate::event_loop::queues::Origin;
    use crate::event_loop::timers::{Kind, Listed};
    use crate::event_loop::{EventLoop, Missed, sleep, spawn_blocking};
    use crate::{next_tick, remote, set_immediate, set_interval, set_timeout, spawn};
    use std::time::Duration;

    /// The line that calls this.
    #[track_caller]
    fn line() -> u32 {
        std::panic::Location::caller().line()
    }

    #[test]
    fn all_that_is_on_a_loop_knows_the_line_that_put_it_there() {
        const LONG: Duration = Duration::from_secs(3600);
        let event_loop = EventLoop::new().unwrap();
        let core = &event_loop.handle().0;
        let timers = || {
            let mut timers = core.list_timers();
            timers.sort_by_key(|(origin, _)| origin.line());
            let is_late =
                |timer: &Listed| timer.deadline.unwrap() >= LONG.as_secs() * 1_000_000_000;
            assert!(timers.iter().all(|(_, timer)| is_late(timer)));
            let short =
                |(origin, timer): (Origin, Listed)| (origin.line(), timer.kind, timer.counted);
            timers.into_iter().map(short)
        };
        event_loop.enter(|| {
            let first = line();
            set_timeout(LONG, || {}).unref();
            set_interval(LONG, |_| {});
            let (sleep, slept) = (sleep(LONG), line());
            let expected = [
                (first + 1, Kind::Once, false),
                (first + 2, Kind::Every(Missed::Skip), true),
                (slept, Kind::Once, true),
            ];
            assert!(timers().eq(expected), "{:?}", timers().collect::<Vec<_>>());
            drop(sleep);

            let first = line();
            next_tick(|| {});
            set_immediate(|| {});
            spawn(std::future::pending::<()>()).unref();
            let (blocking, blocked) = (spawn_blocking(|| ()), line());
            assert_eq!(core.ticks.origins()[0].line(), first + 1);
            let of = |(origin, counted): (Origin, bool)| (origin.line(), counted);
            assert_eq!(of(core.immediates.origins()[0]), (first + 2, true));
            let task = &core.tasks.list()[0];
            assert_eq!((task.origin.line(), task.counted), (first + 3, false));
            let away = core.awaited.borrow().list()[0];
            assert_eq!((away.origin.line(), away.counted), (blocked, true));
            blocking.cancel();

            let (posted, at) = (remote().post(|| {}), line());
            posted.unwrap();
            core.inbox.collect(&mut core.letters.borrow_mut());
            let posts = core.letters.borrow().origins();
            assert_eq!(posts.iter().map(|origin| origin.line()).collect::<Vec<_>>(), [at]);
        });
    }
}
