//! What has come is told.

use super::life::{DatagramHandle, Endpoint, is_reading, update_interest};
use super::stats::add;
use crate::error::Error;
use crate::event_loop::Interest;
use std::io;

/// Datagrams of one socket per turn. The others are served before it gets more.
const RECEIVES_PER_TURN: usize = 64;

/// Receives and tells what has come.
pub(super) fn receive<E: Endpoint>(endpoint: &E, readiness: Interest) {
    let datagrams = endpoint.datagrams();
    let mut any = false;
    for _ in 0..RECEIVES_PER_TURN {
        if !is_reading(endpoint) {
            update_interest(endpoint);
            break;
        }
        let received = datagrams.handle.with_scratch(|buffer| {
            let most = buffer.len().min(datagrams.most.get());
            let buffer = &mut buffer[..most];
            let arrival = datagrams.attempt(|socket| socket.receive(buffer))?;
            add(&datagrams.counters.received, 1);
            add(&datagrams.counters.received_bytes, arrival.length);
            let bytes = &buffer[..arrival.length];
            if arrival.truncated {
                add(&datagrams.counters.truncated, 1);
                endpoint.tell_truncated(bytes, arrival.from);
            } else {
                endpoint.tell_message(bytes, arrival.from);
            }
            Ok(())
        });
        match received {
            Ok(()) => datagrams.handle.settle(),
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
