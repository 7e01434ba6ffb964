//! What has come is told.
//!
//! The system may have put several datagrams together. Who stops listening in the middle of them gets the rest later, from
//! a backlog, as if it had waited in the kernel.

use super::life::{Address, Arrival, DatagramHandle, Endpoint, is_reading, update_interest};
use super::stats::add;
use crate::error::Error;
use crate::event_loop::Interest;
use std::io;

/// Datagrams of one socket per turn. The others are served before it gets more.
const RECEIVES_PER_TURN: usize = 64;

/// A datagram that came together with the one after which nobody wanted more.
pub(super) struct Kept<A> {
    bytes: Box<[u8]>,
    truncated: bool,
    from: A,
}

/// Receives and tells what has come.
pub(super) fn receive<E: Endpoint>(endpoint: &E, readiness: Interest) {
    let datagrams = endpoint.datagrams();
    if datagrams.coalesces.get() {
        tell_backlog(endpoint);
    }
    let (mut count, mut any) = (0, false);
    while count < RECEIVES_PER_TURN {
        if !is_reading(endpoint) {
            update_interest(endpoint);
            break;
        }
        count += 1;
        let received = if datagrams.coalesces.get() {
            receive_several(endpoint)
        } else {
            receive_one(endpoint)
        };
        match received {
            Ok(others) => {
                count += others;
                datagrams.handle.settle();
            }
            Err(error) => match io::Error::kind(&error) {
                io::ErrorKind::WouldBlock => {
                    if !any {
                        discard_reports(endpoint);
                    }
                    return;
                }
                io::ErrorKind::Interrupted => continue,
                _ => tell_error(endpoint, error),
            },
        }
        any = true;
    }
    datagrams.again(readiness.without(Interest::WRITE));
}

/// Receives one, and no others.
#[inline]
fn receive_one<E: Endpoint>(endpoint: &E) -> io::Result<usize> {
    let datagrams = endpoint.datagrams();
    datagrams.handle.with_scratch(|buffer| {
        let most = buffer.len().min(datagrams.most.get());
        let buffer = &mut buffer[..most];
        let Arrival { length, truncated, from, .. } =
            datagrams.attempt(|socket| socket.receive(buffer))?;
        tell(endpoint, &buffer[..length], truncated, from);
        Ok(0)
    })
}

/// Receives one, and the others that the system has put together with it; says how many those were.
fn receive_several<E: Endpoint>(endpoint: &E) -> io::Result<usize> {
    let datagrams = endpoint.datagrams();
    datagrams.handle.with_scratch(|buffer| {
        let Arrival { length, truncated, from, each } =
            datagrams.attempt(|socket| socket.receive_coalesced(buffer))?;
        let each = each.unwrap_or(length).max(1);
        let mut several = Several { endpoint, rest: &buffer[..length], each, truncated, from };
        // An empty one is one, too.
        several.tell_next();
        let mut others = 0;
        while !several.rest.is_empty() && is_reading(endpoint) {
            datagrams.handle.settle();
            if is_reading(endpoint) {
                several.tell_next();
                others += 1;
            }
        }
        Ok(others)
    })
}

/// What came in one piece. What has not been told when it is dropped, be it by a panic, is kept.
struct Several<'a, E: Endpoint> {
    endpoint: &'a E,
    rest: &'a [u8],
    /// How long each is, but for the last, which may be shorter.
    each: usize,
    truncated: bool,
    from: Address<E>,
}

impl<'a, E: Endpoint> Several<'a, E> {
    fn next(&mut self) -> (&'a [u8], bool) {
        let (first, rest) = self.rest.split_at(self.each.min(self.rest.len()));
        self.rest = rest;
        (first, self.truncated && rest.is_empty())
    }

    fn tell_next(&mut self) {
        let (bytes, truncated) = self.next();
        tell(self.endpoint, bytes, truncated, self.from.clone());
    }
}

impl<E: Endpoint> Drop for Several<'_, E> {
    fn drop(&mut self) {
        let datagrams = self.endpoint.datagrams();
        if self.rest.is_empty() || datagrams.is_closed() {
            return;
        }
        while !self.rest.is_empty() {
            let ((bytes, truncated), from) = (self.next(), self.from.clone());
            let kept = Kept { bytes: bytes.into(), truncated, from };
            datagrams.backlog.borrow_mut().push_back(kept);
        }
        update_interest(self.endpoint);
    }
}

/// Tells what came earlier, as long as somebody wants it.
pub(super) fn tell_backlog<E: Endpoint>(endpoint: &E) {
    // The rest, also if a listener panics.
    struct Rest<'a, E: Endpoint>(&'a E);
    impl<E: Endpoint> Drop for Rest<'_, E> {
        fn drop(&mut self) {
            update_interest(self.0);
        }
    }
    let datagrams = endpoint.datagrams();
    if datagrams.backlog.borrow().is_empty() {
        return;
    }
    let _rest = Rest(endpoint);
    while is_reading(endpoint) {
        let next = datagrams.backlog.borrow_mut().pop_front();
        let Some(Kept { bytes, truncated, from }) = next else { break };
        tell(endpoint, &bytes, truncated, from);
        datagrams.handle.settle();
    }
}

#[inline]
fn tell<E: Endpoint>(endpoint: &E, bytes: &[u8], truncated: bool, from: Address<E>) {
    let (counters, most) = (&endpoint.datagrams().counters, endpoint.datagrams().most.get());
    let told = &bytes[..bytes.len().min(most)];
    add(&counters.received, 1);
    add(&counters.received_bytes, told.len());
    if truncated || told.len() < bytes.len() {
        add(&counters.truncated, 1);
        endpoint.tell_truncated(told, from);
    } else {
        endpoint.tell_message(told, from);
    }
}

/// Nobody listens for messages: then at least errors are told, if they do not hide behind one.
#[cold]
pub(super) fn look_for_error<E: Endpoint>(endpoint: &E, readiness: Interest) {
    let datagrams = endpoint.datagrams();
    for _ in 0..RECEIVES_PER_TURN {
        match datagrams.attempt(DatagramHandle::has_one) {
            Ok(false) => return discard_reports(endpoint),
            Ok(true) => {
                datagrams.unread.set(true);
                update_interest(endpoint);
                break;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => tell_error(endpoint, error),
        }
        if datagrams.is_closed() || is_reading(endpoint) {
            break;
        }
    }
    datagrams.again(readiness.without(Interest::WRITE));
}

#[cold]
fn discard_reports<E: Endpoint>(endpoint: &E) {
    let discard =
        |_: &usize| endpoint.datagrams().with_socket(DatagramHandle::discard_reports) == Some(true);
    (0..RECEIVES_PER_TURN).take_while(discard).for_each(drop);
}

/// An error is no end: it is told, and there may be more to read.
#[cold]
fn tell_error<E: Endpoint>(endpoint: &E, error: io::Error) {
    if endpoint.datagrams().is_closed() {
        return;
    }
    endpoint.tell_error(Error::io("receive", error).on(endpoint.target()));
    endpoint.datagrams().handle.settle();
}
