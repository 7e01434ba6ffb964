//! Linux: epoll itself, one system call for each wait.

use super::clock::Clock;
use crate::event_loop::source::{Descriptor, Interest, Trigger};
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::event::{EventfdFlags, Timespec, eventfd};
use rustix::io::Errno;
use std::cell::RefCell;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

/// How much readiness one wait takes in; the rest is reported by the next.
const EVENTS: usize = 1024;
/// The waker's place; no source gets as far.
const WAKER: u32 = u32::MAX;

pub(crate) struct Driver {
    epoll: OwnedFd,
    events: RefCell<Vec<Event>>,
    waker: Arc<OwnedFd>,
    clock: Clock,
}

/// Wakes the loop by an eventfd that is watched for edges and so is never read.
#[derive(Clone, Debug)]
pub(crate) struct Waker(Arc<OwnedFd>);

fn flags(interest: Interest, trigger: Trigger) -> EventFlags {
    let mut flags = EventFlags::empty();
    flags.set(EventFlags::IN, interest.reads());
    flags.set(EventFlags::OUT, interest.writes());
    if trigger == Trigger::Edge {
        flags |= EventFlags::ET | EventFlags::RDHUP | EventFlags::PRI;
    }
    flags
}

fn readiness(flags: EventFlags) -> Interest {
    let broken = flags.intersects(EventFlags::ERR | EventFlags::HUP);
    let ends = broken || flags.intersects(EventFlags::RDHUP | EventFlags::PRI);
    Interest::when(Interest::READ, ends || flags.contains(EventFlags::IN))
        | Interest::when(Interest::WRITE, broken || flags.contains(EventFlags::OUT))
        | Interest::when(Interest::ENDING, ends)
}

fn data(index: u32) -> EventData {
    EventData::new_u64(index.into())
}

impl Driver {
    pub(crate) const EDGES: bool = true;

    pub(crate) fn new() -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let waker = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        epoll::add(&epoll, &waker, data(WAKER), EventFlags::IN | EventFlags::ET)?;
        let (events, clock) = (RefCell::new(Vec::with_capacity(EVENTS)), Clock::start());
        Ok(Self { epoll, events, waker, clock })
    }

    #[inline]
    pub(crate) fn now(&self) -> u64 {
        self.clock.now()
    }

    pub(crate) fn waker(&self) -> io::Result<Waker> {
        Ok(Waker(Arc::clone(&self.waker)))
    }

    /// Readable when there is something to tell.
    pub(crate) fn descriptor(&self) -> Descriptor<'_> {
        self.epoll.as_fd()
    }

    pub(crate) fn add(
        &self,
        descriptor: Descriptor<'_>,
        index: u32,
        interest: Interest,
        trigger: Trigger,
    ) -> io::Result<()> {
        Ok(epoll::add(&self.epoll, descriptor, data(index), flags(interest, trigger))?)
    }

    pub(crate) fn modify(
        &self,
        descriptor: Descriptor<'_>,
        index: u32,
        interest: Interest,
        trigger: Trigger,
    ) -> io::Result<()> {
        Ok(epoll::modify(&self.epoll, descriptor, data(index), flags(interest, trigger))?)
    }

    pub(crate) fn delete(&self, descriptor: Descriptor<'_>) -> io::Result<()> {
        Ok(epoll::delete(&self.epoll, descriptor)?)
    }

    pub(crate) fn wait(
        &self,
        timeout: Option<Duration>,
        ready: &mut Vec<(u32, Interest)>,
    ) -> io::Result<()> {
        // A timeout too long for the call is none.
        let timeout = timeout.and_then(round_up);
        let mut events = self.events.borrow_mut();
        events.clear();
        match epoll::wait(&self.epoll, spare_capacity(&mut events), timeout.as_ref()) {
            Ok(_) => {}
            Err(Errno::INTR) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        for event in events.iter() {
            // All that was put in came from a u32.
            #[allow(clippy::cast_possible_truncation, reason = "data() takes a u32")]
            let index = { event.data }.u64() as u32;
            if index != WAKER {
                ready.push((index, readiness(event.flags)));
            }
        }
        Ok(())
    }
}

/// To whole milliseconds, which is all that every kernel takes, and not beyond what it takes.
fn round_up(timeout: Duration) -> Option<Timespec> {
    if timeout.is_zero() {
        return Some(Timespec { tv_sec: 0, tv_nsec: 0 });
    }
    let most = Duration::from_millis(i32::MAX.unsigned_abs().into());
    let timeout = timeout.min(most);
    let milliseconds = timeout.subsec_nanos().div_ceil(1_000_000);
    let whole = Duration::from_secs(timeout.as_secs());
    Timespec::try_from(whole.saturating_add(Duration::from_millis(milliseconds.into())).min(most))
        .ok()
}

impl Waker {
    pub(crate) fn wake(&self) {
        // Fails only when the counter is full, and then the loop is about to wake anyway.
        let _ = rustix::io::write(&*self.0, &1_u64.to_ne_bytes());
    }
}
