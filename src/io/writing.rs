//! The writing side: at once what the system takes, the rest from the queue.

use super::duplex::{ByteHandle, Duplex, Endpoint, close_if_done, destroy, tell};
use super::reading::{Received, receive};
use crate::error::{Error, ErrorKind};
use crate::event_loop::Interest;
use std::io;

/// Vectored writes of one source per turn, as with reads.
const WRITES_PER_TURN: usize = 32;

/// Sends what waits.
pub(super) fn flush<E: Endpoint>(endpoint: &E) {
    let duplex = endpoint.duplex();
    for _ in 0..WRITES_PER_TURN {
        if duplex.destroyed.get() || duplex.queue.borrow().is_empty() {
            break;
        }
        match duplex.attempt(|bytes| bytes.send_vectored(&duplex.queue.borrow().slices())) {
            Ok(count) => {
                duplex.sent.set(duplex.sent.get() + count as u64);
                duplex.queue.borrow_mut().consume(count);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return break_off(endpoint, error),
        }
    }
    if duplex.destroyed.get() {
        return;
    }
    if !duplex.queue.borrow().is_empty() {
        return duplex.again(Interest::WRITE);
    }
    duplex.update_interest();
    let drained = duplex.queue.borrow_mut().drained();
    if drained {
        tell(endpoint, E::tell_drain, finish_if_done);
    } else {
        finish_if_done(endpoint);
    }
}

/// Tries to send at once, queues the rest. `false`: wait for `Drain`.
pub(crate) fn write<E: Endpoint>(endpoint: &E, bytes: &[u8]) -> bool {
    let duplex = endpoint.duplex();
    if duplex.destroyed.get() || duplex.broken.get() {
        return false;
    }
    let (waiting, ending) = {
        let queue = duplex.queue.borrow();
        (!queue.is_empty(), queue.is_ending())
    };
    if ending {
        let error = Error::new(ErrorKind::WriteAfterEnd, "write").on(endpoint.target());
        destroy(endpoint, Some(error));
        return false;
    }
    let sent = if waiting || !duplex.ready.get() { Ok(0) } else { send_now(duplex, bytes) };
    match sent {
        Ok(count) if count == bytes.len() => !duplex.needs_drain(),
        Ok(count) => queue_rest(endpoint, &bytes[count..]),
        Err(error) => {
            break_off(endpoint, error);
            false
        }
    }
}

/// Nothing can be sent any more. What the peer said before is told first, then the error.
#[cold]
fn break_off<E: Endpoint>(endpoint: &E, error: io::Error) {
    let duplex = endpoint.duplex();
    duplex.broken.set(true);
    duplex.queue.borrow_mut().clear();
    duplex.update_interest();
    let error = Error::io("write", error).on(endpoint.target());
    duplex.error.borrow_mut().get_or_insert(error);
    let later = endpoint.clone();
    duplex.handle.defer(duplex.origin(), move || hear_out(&later));
}

fn hear_out<E: Endpoint>(endpoint: &E) {
    let duplex = endpoint.duplex();
    let before = duplex.received.get();
    if let Received::Enough = receive(endpoint, Interest::READ | Interest::ENDING) {
        if duplex.received.get() != before && !duplex.destroyed.get() {
            let later = endpoint.clone();
            return duplex.handle.defer(duplex.origin(), move || hear_out(&later));
        }
    }
    destroy(endpoint, None);
}

#[inline]
fn send_now<H: ByteHandle>(duplex: &Duplex<H>, bytes: &[u8]) -> io::Result<usize> {
    loop {
        match duplex.attempt(|handle| handle.send(bytes)) {
            Ok(count) => {
                duplex.sent.set(duplex.sent.get() + count as u64);
                return Ok(count);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cold]
fn queue_rest<E: Endpoint>(endpoint: &E, rest: &[u8]) -> bool {
    let duplex = endpoint.duplex();
    let pushed = duplex.queue.borrow_mut().push(rest);
    if let Ok(go_on) = pushed {
        duplex.update_interest();
        return go_on;
    }
    let error = Error::new(ErrorKind::QueueFull, "write").on(endpoint.target());
    destroy(endpoint, Some(error));
    false
}

/// No more will be written: what waits is sent, then the other side is told.
pub(crate) fn end<E: Endpoint>(endpoint: &E) {
    let duplex = endpoint.duplex();
    if duplex.destroyed.get() || duplex.queue.borrow().is_ending() {
        return;
    }
    duplex.queue.borrow_mut().end();
    let endpoint = endpoint.clone();
    duplex.handle.next_tick_from(duplex.origin(), move || finish_if_done(&endpoint));
}

fn finish_if_done<E: Endpoint>(endpoint: &E) {
    let duplex = endpoint.duplex();
    let due = {
        let queue = duplex.queue.borrow();
        queue.is_ending() && queue.is_empty()
    };
    let over = duplex.finished.get() || duplex.destroyed.get() || duplex.broken.get();
    if !due || over || !duplex.ready.get() {
        return;
    }
    duplex.finished.set(true);
    match duplex.attempt(ByteHandle::finish) {
        Err(error) if error.kind() != io::ErrorKind::NotConnected => {
            return destroy(endpoint, Some(Error::io("end", error).on(endpoint.target())));
        }
        _ => {}
    }
    tell(endpoint, E::tell_finish, close_if_done);
}
