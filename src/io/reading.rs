//! The reading side: what has come is told.

use super::corking::Dispatch;
use super::duplex::{ByteHandle, Endpoint, close_if_done, destroy, tell};
use super::writing::end;
use crate::error::Error;
use crate::event_loop::Interest;
use std::io;

/// Reads of one source per turn. The others are served before it gets more.
const READS_PER_TURN: usize = 16;

/// Nobody has asked for data, and nobody has forbidden it: then at least the end is told, if there is
/// nothing before it. Who only writes would never be rid of its peer otherwise.
#[cold]
pub(super) fn look_for_end<E: Endpoint>(endpoint: &E, readiness: Interest) {
    let duplex = endpoint.duplex();
    match duplex.attempt(ByteHandle::at_end) {
        Ok(true) => ended(endpoint),
        Ok(false) => {
            duplex.unread.set(true);
            duplex.update_interest();
            duplex.again(readiness.without(Interest::WRITE));
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
        Err(error) if error.kind() == io::ErrorKind::Interrupted => duplex.again(readiness),
        Err(error) => destroy(endpoint, Some(Error::io("read", error).on(endpoint.target()))),
    }
}

pub(super) fn read<E: Endpoint>(endpoint: &E, readiness: Interest) {
    match receive(endpoint, readiness.without(Interest::WRITE)) {
        Received::Enough => {}
        Received::End => ended(endpoint),
        Received::Failed(error) => {
            destroy(endpoint, Some(Error::io("read", error).on(endpoint.target())))
        }
    }
}

/// Why reading stopped.
pub(super) enum Received {
    /// There is no more for now, or nobody wants more, or it is the others' turn.
    Enough,
    End,
    Failed(io::Error),
}

/// Reads and tells what has come. Who comes back before all of it is told asks to be told again.
pub(super) fn receive<E: Endpoint>(endpoint: &E, readiness: Interest) -> Received {
    let duplex = endpoint.duplex();
    for _ in 0..READS_PER_TURN {
        if !duplex.flow.is_flowing() || duplex.destroyed.get() {
            break;
        }
        let dispatch = Dispatch::begin(endpoint);
        let received = duplex.handle.with_scratch(|buffer| {
            let count = duplex.attempt(|bytes| bytes.receive(buffer))?;
            if count > 0 {
                duplex.received.set(duplex.received.get() + count as u64);
                endpoint.tell_data(&buffer[..count]);
            }
            Ok((count, count == buffer.len()))
        });
        match received {
            Ok((0, _)) => return Received::End,
            Ok((_, filled)) => {
                dispatch.settle();
                // A read that was not filled took all there was, unless this is the end: asking again
                // would only be told so.
                if E::Bytes::SHORT_READ_IS_ALL && !filled && !readiness.ends() {
                    return Received::Enough;
                }
            }
            Err(error) => match io::Error::kind(&error) {
                io::ErrorKind::WouldBlock => return Received::Enough,
                io::ErrorKind::Interrupted => {}
                _ => return Received::Failed(error),
            },
        }
    }
    duplex.again(readiness);
    Received::Enough
}

/// The other side has said all it had to say.
pub(super) fn ended<E: Endpoint>(endpoint: &E) {
    let duplex = endpoint.duplex();
    duplex.flow.end();
    duplex.update_interest();
    tell(endpoint, E::tell_end, |endpoint| {
        if !endpoint.duplex().half_open.get() {
            end(endpoint);
        }
        close_if_done(endpoint);
    });
}
