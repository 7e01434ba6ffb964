//! How writing comes to its end: in order, or broken off.

use super::corking::uncork_wholly;
use super::duplex::{Duplex, Later, close_if_done, destroy, tell};
use super::reading::{Received, Share, receive};
use super::seams::{ByteHandle, Endpoint};
use super::state::Fact;
use crate::error::Error;
use crate::event_loop::{Buffer, Interest};
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
    let told = finish(duplex);
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

/// Tells the other side that nothing more comes.
fn finish<H: ByteHandle>(duplex: &Duplex<H>) -> io::Result<()> {
    if duplex.ends_by_closing() { Ok(()) } else { duplex.attempt(H::finish) }
}

/// Nothing can be sent any more. What the peer said before is told first, then the error; who pulls reads it.
#[cold]
pub(super) fn break_off<E: Endpoint>(endpoint: &E, error: io::Error) {
    let duplex = endpoint.duplex();
    duplex.state.set(Fact::BROKEN);
    duplex.queue().clear();
    duplex.update_interest();
    let error = Error::io("write", error).on(endpoint.target());
    duplex.rare().error.borrow_mut().get_or_insert(error);
    if duplex.is_pulled() {
        return duplex.wake(Interest::ALL);
    }
    let later = endpoint.clone();
    duplex.handle.defer(duplex.origin(), move || hear_out(&later));
}

fn hear_out<E: Endpoint>(endpoint: &E) {
    let duplex = endpoint.duplex();
    let before = duplex.received.get();
    let all = Interest::READ | Interest::ENDING;
    let receive = |buffer: &mut Buffer| receive(endpoint, all, Share::of(duplex), buffer);
    let again = Later(endpoint, hear_out);
    let received = duplex.handle.with_scratch(receive);
    std::mem::forget(again);
    if let Received::Enough = received {
        if duplex.received.get() != before && !duplex.state.is(Fact::DESTROYED) {
            let later = endpoint.clone();
            return duplex.handle.defer(duplex.origin(), move || hear_out(&later));
        }
    }
    destroy(endpoint, None);
}
