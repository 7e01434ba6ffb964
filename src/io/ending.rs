//! The end of the writing side.

use super::corking::uncork_wholly;
use super::duplex::{ByteHandle, Endpoint, close_if_done, destroy, tell};
use super::state::Fact;
use crate::error::Error;
use std::io;

/// No more will be written: what waits is sent, then the other side is told.
pub(crate) fn end<E: Endpoint>(endpoint: &E) {
    let duplex = endpoint.duplex();
    if duplex.state.is(Fact::DESTROYED) || duplex.queue().is_ending() {
        return;
    }
    uncork_wholly(endpoint);
    duplex.queue().end();
    let endpoint = endpoint.clone();
    duplex.handle.next_tick_from(duplex.origin(), move || finish_if_done(&endpoint));
}

pub(super) fn finish_if_done<E: Endpoint>(endpoint: &E) {
    let duplex = endpoint.duplex();
    let due = {
        let mut queue = duplex.queue();
        // Whoever calls those who wait for their writes comes back.
        let told = queue.known_callbacks().is_none_or(|callbacks| callbacks.is_empty());
        queue.is_ending() && queue.is_empty() && told
    };
    let over = duplex.state.is(Fact::FINISHED)
        || duplex.state.is(Fact::DESTROYED)
        || duplex.state.is(Fact::BROKEN);
    if !due || over || duplex.state.is(Fact::CONNECTING) {
        return;
    }
    let told = duplex.attempt(ByteHandle::finish);
    if told.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
        return duplex.update_interest();
    }
    duplex.state.set(Fact::FINISHED);
    match told {
        Err(error) if error.kind() != io::ErrorKind::NotConnected => {
            return destroy(endpoint, Some(Error::io("end", error).on(endpoint.target())));
        }
        _ => {}
    }
    tell(endpoint, E::tell_finish, close_if_done);
}
