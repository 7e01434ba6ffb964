//! The writing side: at once what the system takes, the rest from the queue.

use super::duplex::{Duplex, destroy, tell, tell_or_later};
use super::finishing::{break_off, finish_if_done};
use super::gathering::gather_any;
use super::seams::{ByteHandle, Endpoint};
use super::state::Fact;
use crate::error::{Error, ErrorKind};
use crate::event_loop::Interest;
use crate::stream::{Callback, WhenFull, WriteQueue};
use bytes::{Buf as _, Bytes};
use std::io;

/// Vectored writes of one source per turn, as with reads.
const WRITES_PER_TURN: usize = 32;

/// Sends what waits, and tells what has come of it.
pub(super) fn flush<E: Endpoint>(endpoint: &E) {
    let duplex = endpoint.duplex();
    if duplex.state.is(Fact::CORKED) {
        return;
    }
    if offer(endpoint) {
        duplex.update_interest();
        told_of_flush(endpoint);
    } else if !duplex.state.is(Fact::DESTROYED) && !duplex.state.is(Fact::BROKEN) {
        tell_written(endpoint);
    }
}

#[cold]
#[inline(never)]
pub(super) fn flush_more<E: Endpoint>(endpoint: &E, first: io::Result<usize>) {
    if offer_after(endpoint, first) && endpoint.duplex().queue().is_watched() {
        told_of_flush(endpoint);
    }
}

/// Offers the queue to the system. `true`: it is empty. Else the interest is told, and what is left waits.
pub(super) fn offer<E: Endpoint>(endpoint: &E) -> bool {
    if endpoint.duplex().queue().is_empty() {
        return push(endpoint);
    }
    offer_after(endpoint, offer_once(endpoint.duplex()))
}

/// There is nothing in the queue; but the handle may have something.
fn push<E: Endpoint>(endpoint: &E) -> bool {
    let duplex = endpoint.duplex();
    match duplex.with_bytes(ByteHandle::push).unwrap_or(Ok(())) {
        Ok(()) => return true,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => duplex.update_interest(),
        Err(error) => break_off(endpoint, error),
    }
    false
}

/// The same, when the system has answered once.
fn offer_after<E: Endpoint>(endpoint: &E, mut answer: io::Result<usize>) -> bool {
    let duplex = endpoint.duplex();
    for _ in 0..WRITES_PER_TURN {
        match answer {
            Ok(count) => {
                if duplex.have_sent(count) {
                    return true;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                duplex.unhold();
                duplex.update_interest();
                return false;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                break_off(endpoint, error);
                return false;
            }
        }
        answer = offer_once(duplex);
    }
    if let Ok(count) = answer {
        if duplex.have_sent(count) {
            return true;
        }
    }
    duplex.unhold();
    duplex.update_interest();
    duplex.again(Interest::WRITE);
    false
}

/// One system call.
pub(super) fn offer_once<H: ByteHandle>(duplex: &Duplex<H>) -> io::Result<usize> {
    duplex.attempt(|handle| {
        let queue = duplex.queue();
        match queue.single() {
            Some(bytes) => handle.send(bytes),
            None => queue.gather(&[], |slices| handle.send_vectored(slices)),
        }
    })
}

/// The stream is about to end: what is held is offered once, whatever comes of it.
pub(super) fn offer_held<H: ByteHandle>(duplex: &Duplex<H>) {
    let held = duplex.queue().is_held();
    if held {
        if let Ok(count) = offer_once(duplex) {
            duplex.have_sent(count);
        }
    }
}

/// All is sent: `Drain`, then those who wait for their writes, then `Finish`.
pub(super) fn told_of_flush<E: Endpoint>(endpoint: &E) {
    let drained = endpoint.duplex().queue().drained();
    if drained {
        tell(endpoint, E::tell_drain, tell_written);
    } else {
        tell_written(endpoint);
    }
}

fn tell_written<E: Endpoint>(endpoint: &E) {
    while endpoint.duplex().owes_callback() {
        tell_or_later(endpoint, call_one, tell_written);
    }
    finish_if_done(endpoint);
}

/// The stream has ended: those who still wait for their writes hear of it.
pub(super) fn tell_failed<E: Endpoint>(endpoint: &E) {
    while endpoint.duplex().owes_callback() {
        tell_or_later(endpoint, call_one, tell_failed);
    }
    endpoint.duplex().queue().callbacks().have_failed();
}

/// Calls the next one whose write is through.
fn call_one<E: Endpoint>(endpoint: &E) {
    let duplex = endpoint.duplex();
    let next = {
        let mut queue = duplex.queue();
        queue.known_callbacks().and_then(|callbacks| callbacks.next_due(duplex.sent.get()))
    };
    if let Some((callback, result)) = next {
        callback(result);
    }
}

/// Tries to send at once, or at the end of the callback that runs; queues the rest. `false`: wait for `Drain`.
pub(crate) fn write<E: Endpoint>(endpoint: &E, bytes: &[u8]) -> bool {
    if gather_any(endpoint, bytes) {
        return true;
    }
    let duplex = endpoint.duplex();
    if duplex.state.is(Fact::DESTROYED) || duplex.state.is(Fact::BROKEN) {
        return false;
    }
    if !duplex.state.is(Fact::OUTSIDE) {
        let held = duplex.queue().hold(bytes, || duplex.handle.written().take_spare());
        if let Some(go_on) = held {
            duplex.state.set(Fact::KEEPS);
            return go_on;
        }
    }
    write_through(endpoint, bytes)
}

fn write_through<E: Endpoint>(endpoint: &E, bytes: &[u8]) -> bool {
    let duplex = endpoint.duplex();
    if duplex.queue().is_ending() {
        return refuse_after_end(endpoint);
    }
    let sent = if duplex.must_queue() { Ok(0) } else { send_now(duplex, bytes) };
    match sent {
        Ok(count) if count == bytes.len() => !duplex.needs_drain(),
        Ok(count) => queue_rest(endpoint, Rest::Lent(&bytes[count..]), count > 0),
        Err(error) => {
            break_off(endpoint, error);
            false
        }
    }
}

/// The same for a chunk that is kept without copying.
pub(crate) fn write_chunk<E: Endpoint>(endpoint: &E, mut chunk: Bytes) -> bool {
    let duplex = endpoint.duplex();
    if chunk.len() <= WriteQueue::COPIED
        || duplex.state.is(Fact::DESTROYED)
        || duplex.state.is(Fact::BROKEN)
    {
        return write(endpoint, &chunk);
    }
    if !duplex.state.is(Fact::OUTSIDE) {
        let held = duplex.queue().hold_chunk(chunk);
        match held {
            Ok(go_on) => {
                duplex.state.set(Fact::KEEPS);
                return go_on;
            }
            Err(back) => chunk = back,
        }
    }
    if duplex.queue().is_ending() {
        return refuse_after_end(endpoint);
    }
    let sent = if duplex.must_queue() { Ok(0) } else { send_now(duplex, &chunk) };
    match sent {
        Ok(count) if count == chunk.len() => !duplex.needs_drain(),
        Ok(count) => {
            chunk.advance(count);
            queue_rest(endpoint, Rest::Kept(chunk), count > 0)
        }
        Err(error) => {
            break_off(endpoint, error);
            false
        }
    }
}

/// Writes, and has `callback` called with what becomes of it.
pub(crate) fn write_then<E: Endpoint>(
    endpoint: &E,
    callback: Callback,
    write: impl FnOnce(&E) -> bool,
) -> bool {
    let duplex = endpoint.duplex();
    if duplex.state.is(Fact::DESTROYED) {
        let error = Error::new(ErrorKind::Destroyed, "write").on(endpoint.target());
        let mut queue = duplex.queue();
        match queue.known_callbacks().filter(|callbacks| callbacks.is_failing()) {
            Some(callbacks) => {
                callbacks.announce(callback);
                callbacks.settle(0, Some(error));
            }
            None => duplex.handle.next_tick_from(duplex.origin(), move || callback(Err(error))),
        }
        return false;
    }
    let (dropped, _) = duplex.dropped();
    duplex.queue().callbacks().announce(callback);
    let go_on = write(endpoint);
    // Of one that broke, and of one that ended, its end tells.
    if duplex.state.is(Fact::DESTROYED) || duplex.state.is(Fact::BROKEN) {
        return go_on;
    }
    let lost = duplex.dropped().0 != dropped;
    let failed = lost.then(|| Error::new(ErrorKind::QueueFull, "write").on(endpoint.target()));
    let due = {
        let (mut queue, sent) = (duplex.queue(), duplex.sent.get());
        let at = sent + queue.len() as u64;
        queue.callbacks().settle(at, failed);
        queue.callbacks().is_due(sent)
    };
    if due {
        let later = endpoint.clone();
        duplex.handle.next_tick_from(duplex.origin(), move || tell_written(&later));
    }
    go_on
}

#[cold]
fn refuse_after_end<E: Endpoint>(endpoint: &E) -> bool {
    let error = Error::new(ErrorKind::WriteAfterEnd, "write").on(endpoint.target());
    destroy(endpoint, Some(error));
    false
}

/// One system call, with what is held before it; says how many of `bytes` are gone.
#[inline]
fn send_now<H: ByteHandle>(duplex: &Duplex<H>, bytes: &[u8]) -> io::Result<usize> {
    loop {
        let held = duplex.queue().len();
        let sent = duplex.attempt(|handle| match held {
            0 => handle.send(bytes),
            _ => duplex.queue().gather(bytes, |slices| handle.send_vectored(slices)),
        });
        match sent {
            Ok(count) => {
                duplex.sent.set(duplex.sent.get() + count as u64);
                let of_held = count.min(held);
                if held > 0 {
                    duplex.queue().consume(of_held);
                    duplex.unhold();
                }
                return Ok(count - of_held);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                duplex.unhold();
                return Ok(0);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// What is left of a chunk.
enum Rest<'a> {
    Lent(&'a [u8]),
    Kept(Bytes),
}

impl Rest<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Lent(bytes) => bytes.len(),
            Self::Kept(chunk) => chunk.len(),
        }
    }

    fn push(self, queue: &mut WriteQueue) -> bool {
        match self {
            Self::Lent(bytes) => queue.push(bytes),
            Self::Kept(chunk) => queue.push_chunk(chunk),
        }
    }
}

/// `begun`: a part of it has gone already, so that it may not be dropped.
#[cold]
fn queue_rest<E: Endpoint>(endpoint: &E, rest: Rest<'_>, begun: bool) -> bool {
    let duplex = endpoint.duplex();
    let mut queue = duplex.queue();
    let when_full = queue.when_full();
    // What it owes stands in front, and may reach into this.
    let owed = duplex.with_bytes(ByteHandle::owes).unwrap_or(0);
    let begun = begun || owed > queue.len();
    if queue.has_room(rest.len()) || (begun && when_full == WhenFull::Drop) {
        let go_on = rest.push(&mut queue);
        drop(queue);
        duplex.update_interest();
        // Nobody would tell that there is room, since there was.
        if begun && duplex.with_bytes(ByteHandle::takes_more) == Some(true) {
            duplex.again(Interest::WRITE);
        }
        return go_on;
    }
    if when_full == WhenFull::Drop {
        let go_on = queue.pass_over(rest.len());
        drop(queue);
        // What was held before it may wait by now.
        duplex.update_interest();
        return go_on;
    }
    drop(queue);
    let full = || Error::new(ErrorKind::QueueFull, "write").on(endpoint.target());
    destroy(endpoint, (when_full == WhenFull::Fail).then(full));
    false
}

impl<H: ByteHandle> Duplex<H> {
    /// Does anybody wait for a write that is through?
    fn owes_callback(&self) -> bool {
        let (mut queue, sent) = (self.queue(), self.sent.get());
        queue.known_callbacks().is_some_and(|callbacks| callbacks.is_due(sent))
    }

    /// May nothing be sent for now?
    fn must_queue(&self) -> bool {
        self.state.is(Fact::CORKED | Fact::CONNECTING) || self.queue().waits()
    }

    /// So many bytes of the queue are gone. `true`: it is empty.
    pub(super) fn have_sent(&self, count: usize) -> bool {
        self.sent.set(self.sent.get() + count as u64);
        let mut queue = self.queue();
        queue.consume(count);
        if queue.is_empty() && queue.is_held() {
            self.handle.written().give_spare(queue.recycle());
        }
        queue.is_empty()
    }

    /// What was held has been offered.
    pub(super) fn unhold(&self) {
        let mut queue = self.queue();
        if queue.is_held() {
            self.handle.written().give_spare(queue.unhold());
        }
    }
}
