//! Everywhere else: the `polling` crate, level-triggered.
#![allow(
    unsafe_code,
    reason = "polling cannot know that a descriptor is deleted before it is closed; we do"
)]

use super::clock::Clock;
use crate::event_loop::source::{Descriptor, Interest, Trigger};
use polling::{Event, Events, PollMode, Poller};
use std::cell::RefCell;
use std::io;
use std::sync::Arc;
use std::time::Duration;

pub(crate) struct Driver {
    poller: Arc<Poller>,
    events: RefCell<Events>,
    clock: Clock,
}

/// Wakes the loop by the poller's own notification.
#[derive(Clone, Debug)]
pub(crate) struct Waker(Arc<Poller>);

/// What is ready.
#[derive(Default)]
pub(crate) struct Ready(Vec<(u32, Interest)>);

impl Ready {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// May there be more? All there is has been taken in.
    #[allow(clippy::unused_self, reason = "that of the other driver uses it")]
    pub(crate) fn is_full(&self) -> bool {
        false
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The place and the readiness of one of them.
    #[inline]
    pub(crate) fn get(&self, at: usize) -> Option<(u32, Interest)> {
        self.0.get(at).copied()
    }

    /// The place of one of them, if it is ready to be read and for nothing else.
    #[inline]
    pub(crate) fn to_read(&self, at: usize) -> Option<usize> {
        let (index, readiness) = self.get(at)?;
        (readiness == Interest::READ).then_some(index as usize)
    }

    pub(crate) fn push(&mut self, index: u32, readiness: Interest) {
        self.0.push((index, readiness));
    }

    /// Takes wake-ups out: the poller has done so itself.
    #[cfg(any(test, feature = "testing"))]
    #[allow(clippy::unused_self, reason = "that of another driver has something to do")]
    pub(crate) fn forget_wakes(&mut self) {}
}

fn event(index: u32, interest: Interest) -> Event {
    Event::new(index as usize, interest.reads(), interest.writes())
}

impl Driver {
    /// Not every platform has them.
    pub(crate) const EDGES: bool = false;

    pub(crate) fn new() -> io::Result<Self> {
        let (poller, events) = (Arc::new(Poller::new()?), RefCell::new(Events::new()));
        Ok(Self { poller, events, clock: Clock::start() })
    }

    #[inline]
    pub(crate) fn now(&self) -> u64 {
        self.clock.now()
    }

    pub(crate) fn waker(&self) -> io::Result<Waker> {
        Ok(Waker(Arc::clone(&self.poller)))
    }

    /// Readable when there is something to tell.
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
        std::os::fd::AsFd::as_fd(&*self.poller)
    }

    pub(crate) fn add(
        &self,
        descriptor: Descriptor<'_>,
        index: u32,
        interest: Interest,
        _: Trigger,
    ) -> io::Result<()> {
        use raw::AsRaw;
        // SAFETY: the registry deletes every descriptor that it added before its owner closes it.
        unsafe {
            self.poller.add_with_mode(descriptor.raw(), event(index, interest), PollMode::Level)
        }
    }

    pub(crate) fn modify(
        &self,
        descriptor: Descriptor<'_>,
        index: u32,
        interest: Interest,
        _: Trigger,
    ) -> io::Result<()> {
        self.poller.modify_with_mode(descriptor, event(index, interest), PollMode::Level)
    }

    pub(crate) fn delete(&self, descriptor: Descriptor<'_>) -> io::Result<()> {
        self.poller.delete(descriptor)
    }

    pub(crate) fn wait(&self, timeout: Option<Duration>, ready: &mut Ready) -> io::Result<()> {
        let mut events = self.events.borrow_mut();
        events.clear();
        match self.poller.wait(&mut events, timeout) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            Err(error) => return Err(error),
        }
        for event in events.iter() {
            let broken = event.is_err().unwrap_or(false) || event.is_interrupt();
            let readiness = Interest::when(Interest::READ, broken || event.readable)
                | Interest::when(Interest::WRITE, broken || event.writable);
            // Places are counted in u32.
            #[allow(clippy::cast_possible_truncation, reason = "event() takes a u32")]
            ready.push(event.key as u32, readiness);
        }
        Ok(())
    }
}

impl Waker {
    pub(crate) fn wake(&self) {
        // A poller that cannot be notified fails its next wait, which reports it.
        let _ = self.0.notify();
    }
}

mod raw {
    #[cfg(unix)]
    use std::os::fd::{AsRawFd as _, BorrowedFd, RawFd};
    #[cfg(windows)]
    use std::os::windows::io::{AsRawSocket as _, BorrowedSocket, RawSocket};

    pub(super) trait AsRaw {
        type Raw;
        fn raw(&self) -> Self::Raw;
    }

    #[cfg(unix)]
    impl AsRaw for BorrowedFd<'_> {
        type Raw = RawFd;
        fn raw(&self) -> RawFd {
            self.as_raw_fd()
        }
    }

    #[cfg(windows)]
    impl AsRaw for BorrowedSocket<'_> {
        type Raw = RawSocket;
        fn raw(&self) -> RawSocket {
            self.as_raw_socket()
        }
    }
}
