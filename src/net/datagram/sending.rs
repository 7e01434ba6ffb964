//! At once what the system takes, the rest from the queue.

use super::life::{Address, DatagramHandle as _, Endpoint, fail_later, update_interest};
use super::queue::{Done, Waiting};
use super::stats::add;
use crate::error::{Error, ErrorKind, Result};
use crate::event_loop::Interest;
use std::io;
use std::time::Duration;

/// System calls of one socket per turn, each for one datagram or for several.
const FLUSHES_PER_TURN: usize = 32;
/// Datagrams that are handed to the system at once.
pub(super) const BATCH: usize = 64;
/// Bytes of a datagram, or of those that the system cuts out of one.
const LONGEST: usize = 65_507;
/// Where no poller tells when there is room again.
const RETRY: Duration = Duration::from_millis(2);

/// Sends a datagram, or queues it. `false`: the system has no room for more, or it is closed.
pub(in crate::net) fn send<E: Endpoint>(
    endpoint: &E,
    bytes: &[u8],
    to: Option<Address<E>>,
    done: Option<Done>,
) -> bool {
    let datagrams = endpoint.datagrams();
    if datagrams.is_closed() {
        let error = || Error::new(ErrorKind::Destroyed, "send").on(endpoint.target());
        finish(endpoint, done, || Err(error()));
        return false;
    }
    if datagrams.may_send() && datagrams.queue.borrow().is_empty() {
        match send_now(endpoint, |socket| socket.send(bytes, to.as_ref())) {
            Ok(()) => {
                add(&datagrams.counters.sent, 1);
                add(&datagrams.counters.sent_bytes, bytes.len());
                finish(endpoint, done, || Ok(()));
                return true;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => {
                failed(endpoint, to.as_ref(), done, error);
                return true;
            }
        }
    }
    queue(endpoint, bytes, to, done)
}

/// Sends many, in few system calls where the system can.
pub(in crate::net) fn send_all<E: Endpoint, B: AsRef<[u8]>>(
    endpoint: &E,
    mut datagrams: impl Iterator<Item = (B, Option<Address<E>>)>,
) -> bool {
    let mut go_on = !endpoint.datagrams().is_closed();
    loop {
        let batch: Vec<_> = datagrams.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            return go_on;
        }
        // The bytes are the user's to tell: not while the socket is borrowed.
        let batch: Vec<_> = batch.iter().map(|(bytes, to)| (bytes.as_ref(), to.as_ref())).collect();
        go_on = send_batch(endpoint, &batch);
    }
}

/// Sends bytes as datagrams of `size` bytes each, the last one may be shorter; the system cuts them if it can.
pub(in crate::net) fn send_segments<E: Endpoint>(
    endpoint: &E,
    bytes: &[u8],
    size: usize,
    to: Option<&Address<E>>,
) -> bool {
    let state = endpoint.datagrams();
    let mut rest = bytes;
    if let Some(size) = u16::try_from(size).ok().filter(|size| *size > 0) {
        let each = usize::from(size);
        let most = (LONGEST / each).min(BATCH) * each;
        // One alone is none that has to be cut.
        while rest.len() > each
            && most > each
            && state.may_send()
            && state.queue.borrow().is_empty()
        {
            let part = &rest[..rest.len().min(most)];
            // What is wrong with it, if not with this way to send it, is going to be told of each.
            if send_now(endpoint, |socket| socket.send_segments(part, size, to)).is_err() {
                break;
            }
            add(&state.counters.sent, part.len().div_ceil(each));
            add(&state.counters.sent_bytes, part.len());
            rest = &rest[part.len()..];
        }
    }
    let pieces = rest.chunks(size.max(1));
    send_all(endpoint, pieces.map(|piece| (piece, to.cloned())))
}

fn send_batch<E: Endpoint>(endpoint: &E, batch: &[(&[u8], Option<&Address<E>>)]) -> bool {
    let state = endpoint.datagrams();
    let mut at = 0;
    while at < batch.len() && state.may_send() && state.queue.borrow().is_empty() {
        let sent = send_now(endpoint, |socket| socket.send_some(&mut batch[at..].iter().copied()));
        match sent {
            Ok(count) => {
                add(&state.counters.sent, count);
                let bytes = batch[at..at + count].iter().map(|(bytes, _)| bytes.len()).sum();
                add(&state.counters.sent_bytes, bytes);
                at += count;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => {
                failed(endpoint, batch[at].1, None, error);
                at += 1;
            }
        }
    }
    // What is left is queued, or refused because it is closed.
    batch[at..].iter().fold(!state.is_closed(), |_, (bytes, to)| {
        !state.is_closed() && queue(endpoint, bytes, to.cloned(), None)
    })
}

/// Has the system send. On a socket that is connected it may report what became of an earlier datagram
/// instead: that is told, and this one is sent all the same.
fn send_now<E: Endpoint, T>(
    endpoint: &E,
    call: impl Fn(&E::Handle) -> io::Result<T>,
) -> io::Result<T> {
    let datagrams = endpoint.datagrams();
    let mut earlier: Option<io::Error> = None;
    let sent = loop {
        match datagrams.attempt(&call) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error)
                if error.kind() != io::ErrorKind::WouldBlock
                    && datagrams.connected.get()
                    && earlier.is_none() =>
            {
                earlier = Some(error);
            }
            sent => break sent,
        }
    };
    let own = sent.as_ref().err().and_then(io::Error::raw_os_error);
    if let Some(error) = earlier.filter(|earlier| earlier.raw_os_error() != own) {
        fail_later(endpoint, Error::io("send", error).on(endpoint.target()));
    }
    sent
}

fn queue<E: Endpoint>(
    endpoint: &E,
    bytes: &[u8],
    to: Option<Address<E>>,
    done: Option<Done>,
) -> bool {
    let datagrams = endpoint.datagrams();
    if datagrams.queue.borrow().has_room(bytes.len()) {
        datagrams.queue.borrow_mut().push(Waiting { bytes: bytes.into(), to, done });
        wait_for_room(endpoint);
        return false;
    }
    add(&datagrams.counters.refused, 1);
    let error = Error::new(ErrorKind::QueueFull, "send").on(name::<E>(endpoint, to.as_ref()));
    if done.is_some() {
        finish(endpoint, done, || Err(error));
    } else if !std::mem::replace(&mut datagrams.queue.borrow_mut().told_full, true) {
        // Once is enough: who sends faster than the system would get nothing else to hear.
        fail_later(endpoint, error);
    }
    false
}

/// Sends what waits, when there is room.
fn wait_for_room<E: Endpoint>(endpoint: &E) {
    update_interest(endpoint);
    let datagrams = endpoint.datagrams();
    let waits = datagrams.retry.take();
    if datagrams.is_told_of_room() || waits.is_some() || !datagrams.may_send() {
        return datagrams.retry.set(waits);
    }
    let again = endpoint.clone();
    let timer = datagrams.handle.set_timeout_from(datagrams.origin, RETRY, move || {
        again.datagrams().retry.set(None);
        again.datagrams().handle.about(|| again.source());
        flush(&again);
    });
    // It is the socket that keeps the loop alive, or does not.
    datagrams.retry.set(Some(timer.unref()));
}

/// Sends what waits.
pub(super) fn flush<E: Endpoint>(endpoint: &E) {
    let datagrams = endpoint.datagrams();
    let mut blocked = false;
    for _ in 0..FLUSHES_PER_TURN {
        if blocked || !datagrams.may_send() || datagrams.queue.borrow().is_empty() {
            break;
        }
        let sent = send_now(endpoint, |socket| {
            let queue = datagrams.queue.borrow();
            socket.send_some(&mut queue.iter().map(|one| (&*one.bytes, one.to.as_ref())))
        });
        match sent {
            Ok(count) => (0..count).for_each(|_| sent_first(endpoint)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => blocked = true,
            Err(error) => {
                let first = datagrams.queue.borrow_mut().pop();
                if let Some(Waiting { to, done, .. }) = first {
                    failed(endpoint, to.as_ref(), done, error);
                }
            }
        }
    }
    // The callbacks of those that were sent, before it is told that all were.
    datagrams.handle.settle();
    if datagrams.is_closed() {
        return;
    }
    if !datagrams.queue.borrow().is_empty() {
        if !blocked {
            datagrams.again(Interest::WRITE);
        }
        return wait_for_room(endpoint);
    }
    update_interest(endpoint);
    let drained = datagrams.queue.borrow_mut().drained();
    if drained {
        endpoint.tell_drain();
    }
}

/// What waits will not be sent, for this reason, which is told apart.
pub(in crate::net) fn fail_waiting<E: Endpoint>(endpoint: &E, error: &Error) {
    let datagrams = endpoint.datagrams();
    let waiting = datagrams.queue.borrow_mut().clear();
    add(&datagrams.counters.failed, waiting.len());
    for one in waiting {
        finish(endpoint, one.done, || Err(error.clone()));
    }
    update_interest(endpoint);
}

fn sent_first<E: Endpoint>(endpoint: &E) {
    let datagrams = endpoint.datagrams();
    let first = datagrams.queue.borrow_mut().pop();
    if let Some(Waiting { bytes, done, .. }) = first {
        add(&datagrams.counters.sent, 1);
        add(&datagrams.counters.sent_bytes, bytes.len());
        finish(endpoint, done, || Ok(()));
    }
}

/// The system did not take one: its callback is told, or else an error event.
#[cold]
fn failed<E: Endpoint>(
    endpoint: &E,
    to: Option<&Address<E>>,
    done: Option<Done>,
    error: io::Error,
) {
    add(&endpoint.datagrams().counters.failed, 1);
    let error = Error::io("send", error).on(name(endpoint, to));
    if done.is_some() {
        finish(endpoint, done, || Err(error));
    } else {
        fail_later(endpoint, error);
    }
}

fn name<E: Endpoint>(endpoint: &E, to: Option<&Address<E>>) -> String {
    to.map_or_else(|| endpoint.target(), E::Handle::name)
}

/// Tells the callback of a datagram, as a tick: never from inside of the call that sent it.
fn finish<E: Endpoint>(endpoint: &E, done: Option<Done>, result: impl FnOnce() -> Result<()>) {
    if let Some(done) = done {
        let (datagrams, result) = (endpoint.datagrams(), result());
        datagrams.handle.next_tick_from(datagrams.origin, move || done(result));
    }
}
