//! Descriptors that are handed over through Unix sockets, each at its place in the stream.

use std::fmt;

/// A descriptor that came through a Unix socket. Whoever takes it owns it; one that nobody takes is closed.
pub struct Passed {
    #[cfg(unix)]
    descriptor: Option<std::os::fd::OwnedFd>,
}

impl Passed {
    /// Takes it; `None` if another listener has.
    #[cfg(unix)]
    #[must_use]
    pub fn take(&mut self) -> Option<std::os::fd::OwnedFd> {
        self.descriptor.take()
    }
}

impl fmt::Debug for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[cfg(unix)]
        return f.debug_tuple("Passed").field(&self.descriptor).finish();
        #[cfg(not(unix))]
        f.write_str("Passed")
    }
}

#[cfg(unix)]
pub(super) use unix::Passing;

#[cfg(unix)]
mod unix {
    use super::Passed;
    use crate::net::sys::QUIETLY;
    use rustix::net::{
        RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
        SendAncillaryMessage, recvmsg, sendmsg,
    };
    use std::cell::{Cell, RefCell};
    use std::collections::VecDeque;
    use std::io::{self, IoSlice, IoSliceMut};
    use std::mem::MaybeUninit;
    use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

    /// As many descriptors as one message may have; Linux allows no more.
    const MOST: usize = 253;

    #[cfg(not(target_vendor = "apple"))]
    const CLOSING_ON_EXEC: RecvFlags = RecvFlags::CMSG_CLOEXEC;
    #[cfg(target_vendor = "apple")]
    const CLOSING_ON_EXEC: RecvFlags = RecvFlags::empty();

    /// What a socket knows of descriptors once it has to do with any.
    pub(in crate::net) struct Passing {
        came: RefCell<VecDeque<OwnedFd>>,
        /// The system ended a read where some came; there may be more behind it.
        cut_short: Cell<bool>,
        /// Each goes with the byte that has this number in the stream.
        going: RefCell<VecDeque<(u64, OwnedFd)>>,
        /// Bytes that have gone.
        sent: Cell<u64>,
        control: RefCell<Vec<MaybeUninit<u8>>>,
    }

    impl Passing {
        pub(in crate::net) fn new(sent: u64) -> Self {
            Self {
                came: RefCell::default(),
                cut_short: Cell::new(false),
                going: RefCell::default(),
                sent: Cell::new(sent),
                control: RefCell::default(),
            }
        }

        /// With the byte that has this number, which is yet to be sent.
        pub(in crate::net) fn push(&self, number: u64, descriptor: OwnedFd) {
            self.going.borrow_mut().push_back((number, descriptor));
        }

        /// The bytes from this one on will not be sent.
        pub(in crate::net) fn take_back(&self, number: u64) {
            self.going.borrow_mut().retain(|(own, _)| *own < number);
        }

        /// The next of those that came.
        pub(in crate::net) fn next(&self) -> Option<Passed> {
            let descriptor = self.came.borrow_mut().pop_front()?;
            Some(Passed { descriptor: Some(descriptor) })
        }

        /// Nobody is told of those that came.
        pub(in crate::net) fn pass_over(&self) {
            self.cut_short.set(false);
            self.came.borrow_mut().clear();
        }

        /// Was the last read cut short? Asked once.
        pub(in crate::net) fn was_cut_short(&self) -> bool {
            self.cut_short.take()
        }

        #[cold]
        #[inline(never)]
        pub(in crate::net) fn receive(
            &self,
            from: BorrowedFd<'_>,
            buffer: &mut [u8],
        ) -> io::Result<usize> {
            let mut control = self.control.borrow_mut();
            control.resize(rustix::cmsg_space!(ScmRights(MOST)), MaybeUninit::uninit());
            let mut control = RecvAncillaryBuffer::new(&mut control);
            let mut buffers = [IoSliceMut::new(buffer)];
            let message = recvmsg(from, &mut buffers, &mut control, CLOSING_ON_EXEC)?;
            for part in control.drain() {
                if let RecvAncillaryMessage::ScmRights(descriptors) = part {
                    self.came.borrow_mut().extend(descriptors);
                    self.cut_short.set(true);
                }
            }
            if message.flags.contains(ReturnFlags::CTRUNC) {
                // There were more than this process may have. A stream that lacks one is of no use.
                return Err(rustix::io::Errno::MFILE.into());
            }
            #[cfg(target_vendor = "apple")]
            for descriptor in &*self.came.borrow() {
                rustix::io::fcntl_setfd(descriptor, rustix::io::FdFlags::CLOEXEC)?;
            }
            Ok(message.bytes)
        }

        /// Sends until the system takes no more, or all is sent: who asks would think that it takes no more if
        /// fewer bytes went out.
        #[cold]
        #[inline(never)]
        pub(in crate::net) fn send(
            &self,
            to: BorrowedFd<'_>,
            chunks: &[IoSlice<'_>],
        ) -> io::Result<usize> {
            let mut total = 0;
            for chunk in chunks {
                let mut rest: &[u8] = chunk;
                while !rest.is_empty() {
                    match self.send_some(to, rest) {
                        Ok(count) => {
                            total += count;
                            rest = &rest[count..];
                        }
                        Err(_) if total > 0 => return Ok(total),
                        Err(error) => return Err(error),
                    }
                }
            }
            Ok(total)
        }

        /// Up to the next byte that a descriptor goes with; if that is the first, with the descriptors.
        fn send_some(&self, to: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
            let (mut going, at) = (self.going.borrow_mut(), self.sent.get());
            let here = going.iter().take_while(|(number, _)| *number <= at).take(MOST).count();
            let next = going.get(here).map_or(u64::MAX, |(number, _)| *number);
            let room = usize::try_from(next.saturating_sub(at).max(1)).unwrap_or(usize::MAX);
            let chunks = [IoSlice::new(&bytes[..bytes.len().min(room)])];
            let descriptors: Vec<BorrowedFd<'_>> =
                going.iter().take(here).map(|(_, descriptor)| descriptor.as_fd()).collect();
            let mut space = vec![MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            if here > 0 {
                control.push(SendAncillaryMessage::ScmRights(&descriptors));
            }
            let count = sendmsg(to, &chunks, &mut control, QUIETLY)?;
            drop(descriptors);
            drop(going.drain(..here));
            self.sent.set(at + count as u64);
            Ok(count)
        }
    }
}
