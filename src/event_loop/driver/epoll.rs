//! Linux: epoll itself, one system call for each wait.

use super::WAKER;
use super::clock::Clock;
use crate::event_loop::source::{Descriptor, Interest, Trigger};
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::Errno;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

/// How much readiness one wait takes in; the rest is reported by the next, in the same turn. The kernel looks at each socket
/// that it reports. With thousands of busy connections, what it looks at is in the processor's cache still when the socket
/// is read, if there are not too many between: 1,024 at a time took up to a tenth more of 8,000 connections. To ask once more
/// costs one call for as many messages.
const EVENTS: usize = 64;
const MILLISECOND: Duration = Duration::from_millis(1);

pub(crate) struct Driver {
    epoll: OwnedFd,
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

/// What is ready, as the kernel writes it: to decode it for each when it is told costs less than to do it twice.
#[derive(Default)]
pub(crate) struct Ready(Vec<Event>);

/// Marks what the kernel has not said itself; it never has this flag.
const OWN: EventFlags = EventFlags::ET;

impl Ready {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// May there be more?
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.0.len() >= EVENTS
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The place and the readiness of one of them.
    #[inline]
    pub(crate) fn get(&self, at: usize) -> Option<(u32, Interest)> {
        let event = self.0.get(at)?;
        // All that was put in came from a u32.
        #[allow(clippy::cast_possible_truncation, reason = "data() takes a u32")]
        let index = { event.data }.u64() as u32;
        Some((index, readiness(event.flags)))
    }

    /// The place of one of them, if it is ready to be read and for nothing else.
    #[inline(always)]
    pub(crate) fn to_read(&self, at: usize) -> Option<usize> {
        let event = self.0.get(at).filter(|event| { event.flags } == EventFlags::IN)?;
        usize::try_from({ event.data }.u64()).ok()
    }

    pub(crate) fn push(&mut self, index: u32, readiness: Interest) {
        let flags = EventFlags::from_bits_retain(readiness.bits().into());
        // That alone is as the kernel says it.
        let flags = if readiness == Interest::READ { flags } else { OWN | flags };
        self.0.push(Event { flags, data: data(index) });
    }

    /// Takes wake-ups out.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn forget_wakes(&mut self) {
        self.0.retain(|event| { event.data }.u64() != u64::from(WAKER));
    }
}

#[inline]
fn readiness(flags: EventFlags) -> Interest {
    if flags == EventFlags::IN {
        return Interest::READ;
    }
    if (EventFlags::IN | EventFlags::OUT).contains(flags) {
        return Interest::when(Interest::READ, flags.contains(EventFlags::IN))
            | Interest::when(Interest::WRITE, flags.contains(EventFlags::OUT));
    }
    rare_readiness(flags)
}

#[cold]
fn rare_readiness(flags: EventFlags) -> Interest {
    if flags.contains(OWN) {
        return Interest::of_bits(flags.bits());
    }
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
        Ok(Self { epoll, waker, clock: Clock::start() })
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

    pub(crate) fn wait(&self, timeout: Option<Duration>, ready: &mut Ready) -> io::Result<()> {
        // A timeout too long for the call is none.
        let timeout = self.wait_exactly(timeout)?.and_then(round_up);
        ready.0.reserve(EVENTS);
        match epoll::wait(&self.epoll, spare_capacity(&mut ready.0), timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits out what is shorter than a millisecond, unless something is ready before. The call that tells what takes
    /// whole ones, and a timer would be late by up to one each time when something else has woken the loop just before.
    /// Gives what is left to be waited for.
    fn wait_exactly(&self, timeout: Option<Duration>) -> io::Result<Option<Duration>> {
        let short = timeout.filter(|it| !it.is_zero() && *it < MILLISECOND);
        let Some(short) = short.and_then(|it| Timespec::try_from(it).ok()) else {
            return Ok(timeout);
        };
        match poll(&mut [PollFd::new(&self.epoll, PollFlags::IN)], Some(&short)) {
            Ok(_) | Err(Errno::INTR) => Ok(Some(Duration::ZERO)),
            Err(error) => Err(error.into()),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_than_a_millisecond_is_waited_out_unless_somebody_wakes_it() {
        let (driver, mut ready) = (Driver::new().unwrap(), Ready::default());
        let short = Duration::from_micros(300);
        for _ in 0..20 {
            let began = driver.now();
            driver.wait(Some(short), &mut ready).unwrap();
            assert!(driver.now() - began >= short.as_nanos() as u64 && ready.is_empty());
        }
        assert_eq!(driver.wait_exactly(Some(short)).unwrap(), Some(Duration::ZERO));
        for left in [None, Some(Duration::ZERO), Some(MILLISECOND), Some(Duration::MAX)] {
            assert_eq!(driver.wait_exactly(left).unwrap(), left, "the other call's");
        }

        let almost = MILLISECOND - Duration::from_nanos(1);
        let source = eventfd(1, EventfdFlags::NONBLOCK).unwrap();
        driver.add(source.as_fd(), 7, Interest::READ, Trigger::Level).unwrap();
        driver.wait(Some(almost), &mut ready).unwrap();
        assert!((0..ready.len()).any(|at| ready.get(at) == Some((7, Interest::READ))));
    }
}
