//! The other side has gone, and nobody reads: how that is seen, and what to do about it.

use super::duplex::{Duplex, destroy, tell};
use super::reading::{Share, ended};
use super::seams::{ByteHandle, Endpoint};
use super::state::Fact;
use crate::error::Error;
use crate::event_loop::{Descriptor, Interest};
use std::io;

/// Does somebody want to know if the other side goes while nobody reads?
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Hangup {
    #[default]
    Unasked,
    Awaited,
    /// It is looked for once.
    LookedFor,
}

impl<H: ByteHandle> Duplex<H> {
    #[inline]
    pub(super) fn awaits_hangup(&self) -> bool {
        self.known().is_some_and(|rare| rare.hangup.get() == Hangup::Awaited)
    }
}

/// Somebody listens for it.
pub(crate) fn await_hangup<E: Endpoint>(endpoint: &E) {
    let duplex = endpoint.duplex();
    let over = duplex.state.is(Fact::DESTROYED) || duplex.flow.has_ended();
    if !over && duplex.rare().hangup.get() == Hangup::Unasked {
        duplex.rare().hangup.set(Hangup::Awaited);
        duplex.update_interest();
    }
}

/// The system says that something is behind what was not read: is it the end?
pub(super) fn look_for_hangup<E: Endpoint>(endpoint: &E, readiness: Interest) {
    let duplex = endpoint.duplex();
    // It is told once. If it is not the end, but something urgent, that stands in the way of the end.
    duplex.rare().hangup.set(Hangup::LookedFor);
    duplex.update_interest();
    duplex.again(readiness.without(Interest::WRITE) | Interest::READ);
    if duplex.with_bytes(ByteHandle::has_hung_up) == Some(true) {
        tell(endpoint, E::tell_hangup, |_| {});
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn has_hung_up(descriptor: Descriptor<'_>) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let flags = PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR;
    let mut asked = [PollFd::new(&descriptor, flags)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut asked, Some(&now)).is_ok() && asked[0].revents().intersects(flags)
}

/// Drivers without edges do not tell of it.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn has_hung_up(_: Descriptor<'_>) -> bool {
    false
}

/// Nobody wants what comes: from here on it is read and thrown away, until the end.
pub(crate) fn discard_input<E: Endpoint>(endpoint: &E) {
    let duplex = endpoint.duplex();
    if !duplex.state.is(Fact::DESTROYED) && !duplex.flow.has_ended() && !duplex.is_pulled() {
        duplex.flow.pause();
        duplex.state.set(Fact::DISCARDS);
        duplex.update_interest();
    }
}

pub(super) fn discard<E: Endpoint>(endpoint: &E, readiness: Interest) {
    let duplex = endpoint.duplex();
    let mut share = Share::of(duplex);
    while share.is_left() {
        let received =
            duplex.handle.with_scratch(|buffer| duplex.attempt(|bytes| bytes.receive(buffer)));
        match received {
            Ok(0) => {
                duplex.state.clear(Fact::DISCARDS);
                return ended(endpoint);
            }
            Ok(count) => {
                duplex.received.set(duplex.received.get() + count as u64);
                share = share.after(count);
                endpoint.pass_over();
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock => return,
                io::ErrorKind::Interrupted => share = share.after(0),
                _ => {
                    return destroy(endpoint, Some(Error::io("read", error).on(endpoint.target())));
                }
            },
        }
    }
    duplex.again(readiness.without(Interest::WRITE) | Interest::READ);
}
