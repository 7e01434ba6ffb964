//! The reading side: what has come is told.

use super::corking::Dispatch;
use super::duplex::{Duplex, close_if_done, destroy, tell};
use super::finishing::end;
use super::seams::{ByteHandle, Endpoint};
use super::state::Fact;
use crate::error::Error;
use crate::event_loop::{Buffer, Interest, LITTLE};
use std::io;

/// What one source may read per turn; the others are served before it gets more.
pub(super) struct Share {
    reads: usize,
    bytes: usize,
    /// What one read takes at most: all, or a buffer full.
    room: usize,
}

impl Share {
    /// A buffer full of bytes, in as many reads as who has little at a time may need. Who has more gets no second
    /// buffer at once, for the others wait. While others have little to say it is less than a buffer, and where nobody has,
    /// and this one writes as much as it reads, it may be more: see `event_loop/portions.rs`.
    pub(super) fn of<H: ByteHandle>(duplex: &Duplex<H>) -> Self {
        let answers = duplex.sent() >= duplex.received.get() / 2;
        let bytes = duplex.handle.portion(answers);
        Self { reads: 16, bytes, room: bytes.min(size_of::<Buffer>()) }
    }

    /// Is there any left?
    #[inline]
    pub(super) fn is_left(&self) -> bool {
        self.reads > 0 && self.bytes > 0
    }

    /// What is left after one more read.
    #[inline]
    pub(super) fn after(self, count: usize) -> Self {
        let (reads, bytes) = (self.reads.saturating_sub(1), self.bytes.saturating_sub(count));
        Self { reads, bytes, ..self }
    }
}

/// Nobody has asked for data, and nobody has forbidden it: then at least the end is told, if there is
/// nothing before it. Who only writes would never be rid of its peer otherwise.
#[cold]
pub(super) fn look_for_end<E: Endpoint>(endpoint: &E, readiness: Interest) {
    let duplex = endpoint.duplex();
    match duplex.attempt(ByteHandle::at_end) {
        Ok(true) => ended(endpoint),
        Ok(false) => {
            duplex.state.set(Fact::UNREAD);
            duplex.update_interest();
            duplex.again(readiness.without(Interest::WRITE));
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
        Err(error) if error.kind() == io::ErrorKind::Interrupted => duplex.again(readiness),
        Err(error) => destroy(endpoint, Some(Error::io("read", error).on(endpoint.target()))),
    }
}

/// What [flows](Interest::FLOWS) is ready to be read, and for nothing else. Runs the ticks.
#[inline(always)]
pub(crate) fn readable<E: Endpoint>(endpoint: &E, buffer: &mut Buffer) {
    debug_assert!(endpoint.duplex().flow.is_flowing(), "else the loop was told");
    if endpoint.duplex().state.is(Fact::UNSURE | Fact::MUCH | Fact::SPECIAL) {
        return readable_else(endpoint, buffer);
    }
    read(endpoint, buffer, |_| {});
}

/// The same for one about which more has to be asked, or of which more has to be told.
#[cold]
#[inline(never)]
fn readable_else<E: Endpoint>(endpoint: &E, buffer: &mut Buffer) {
    if endpoint.duplex().state.is(Fact::UNSURE | Fact::MUCH) {
        read_more(endpoint, buffer);
    } else {
        read(endpoint, buffer, E::before_data);
    }
}

/// The same for one that may want more than one read.
#[cold]
#[inline(never)]
fn read_more<E: Endpoint>(endpoint: &E, buffer: &mut Buffer) {
    endpoint.duplex().handle.had_not_little(); // what is read says whether it had
    read_any(endpoint, Interest::READ, buffer);
    endpoint.duplex().handle.settle();
}

/// Reads once, if there is nothing between the handle and the system; what has come is told.
///
/// In most cases that is all there was, but little, which is asked before it is told: then nothing is
/// to be done or remembered behind it.
#[inline(always)]
fn read<E: Endpoint>(endpoint: &E, buffer: &mut Buffer, before: fn(&E)) {
    if !E::Bytes::SHORT_READ_IS_ALL {
        return read_more(endpoint, buffer);
    }
    match endpoint.duplex().receive_plainly(buffer) {
        Some(Ok(count)) if (1..=LITTLE).contains(&count) => {
            hear(endpoint, &buffer[..count], Dispatch::begin_plain, before);
            spoil(&mut buffer[..count]);
        }
        Some(other) => read_else(endpoint, buffer, other),
        None => read_more(endpoint, buffer),
    }
}

/// The end, an error, or more than a little, behind which there may be more. It is said to be cold, as others here are, for
/// the way of a message to come first in the code.
#[cold]
#[inline(never)]
fn read_else<E: Endpoint>(endpoint: &E, buffer: &mut Buffer, answer: io::Result<usize>) {
    endpoint.duplex().handle.had_not_little();
    match answer {
        Ok(0) => ended(endpoint),
        Ok(count) => {
            hear(endpoint, &buffer[..count], Dispatch::begin_plain, before_special);
            spoil(&mut buffer[..count]);
            if count == buffer.len() {
                read_on(endpoint, Interest::READ, count, buffer);
            }
        }
        Err(error) => not_read(endpoint, Interest::READ, buffer, error),
    }
    endpoint.duplex().handle.settle();
}

fn before_special<E: Endpoint>(endpoint: &E) {
    if endpoint.duplex().is_special() {
        endpoint.before_data();
    }
}

/// The same for any that flows.
#[inline(never)]
pub(super) fn read_any<E: Endpoint>(endpoint: &E, readiness: Interest, buffer: &mut Buffer) {
    let share = Share::of(endpoint.duplex());
    let received = receive(endpoint, readiness, share, buffer);
    conclude(endpoint, received);
}

/// There may be more than the first read has brought.
#[inline(never)]
fn read_on<E: Endpoint>(endpoint: &E, readiness: Interest, count: usize, buffer: &mut Buffer) {
    let share = Share::of(endpoint.duplex()).after(count);
    let received = receive(endpoint, readiness, share, buffer);
    conclude(endpoint, received);
}

#[cold]
#[inline(never)]
fn not_read<E: Endpoint>(endpoint: &E, readiness: Interest, buffer: &mut Buffer, error: io::Error) {
    match error.kind() {
        io::ErrorKind::WouldBlock => {}
        io::ErrorKind::Interrupted => read_on(endpoint, readiness, 0, buffer),
        _ => conclude(endpoint, Received::Failed(error)),
    }
}

fn conclude<E: Endpoint>(endpoint: &E, received: Received) {
    match received {
        Received::Enough => {}
        Received::End => ended(endpoint),
        Received::Failed(error) => {
            destroy(endpoint, Some(Error::io("read", error).on(endpoint.target())));
        }
    }
}

/// How much has come, and does the handle itself have more?
#[inline(always)]
fn receive_once<H: ByteHandle>(bytes: &H, buffer: &mut [u8]) -> io::Result<(usize, bool)> {
    let count = bytes.receive(buffer)?;
    Ok((count, bytes.holds()))
}

/// Has a read that brought so much taken all there was? It has if it was not filled, unless this is the end: asking
/// again would only be told so.
#[inline(always)]
fn takes_all<E: Endpoint>(count: usize, room: usize, readiness: Interest) -> bool {
    E::Bytes::SHORT_READ_IS_ALL && count < room && !readiness.ends()
}

/// Tells what has come, when `before` has done what is to be done first.
#[inline(always)]
fn hear<'a, E: Endpoint>(
    endpoint: &'a E,
    chunk: &[u8],
    begin: impl FnOnce(&'a E) -> Dispatch<'a, E>,
    before: impl FnOnce(&E),
) {
    let duplex = endpoint.duplex();
    duplex.received.set(duplex.received.get() + chunk.len() as u64);
    let dispatch = begin(endpoint);
    before(endpoint);
    endpoint.tell_data(chunk);
    dispatch.settle();
}

/// Whoever had these bytes is through with them: tests see to it that nobody looks again.
#[inline(always)]
fn spoil(bytes: &mut [u8]) {
    if cfg!(test) {
        bytes.fill(0xEE);
    }
}

/// Why reading stopped.
pub(super) enum Received {
    /// There is no more for now, or nobody wants more, or it is the others' turn.
    Enough,
    End,
    Failed(io::Error),
}

/// Reads and tells what has come, as long as it flows and there is a share left. Who comes back before all of it is told
/// asks to be told again.
pub(super) fn receive<E: Endpoint>(
    endpoint: &E,
    readiness: Interest,
    mut share: Share,
    buffer: &mut Buffer,
) -> Received {
    let duplex = endpoint.duplex();
    let room = share.room;
    // What is destroyed does not flow.
    while share.is_left() && duplex.flow.is_flowing() {
        match duplex.attempt(|bytes| receive_once(bytes, &mut buffer[..room])) {
            Ok((0, _)) => return Received::End,
            Ok((count, holds)) => {
                duplex.note_size(count);
                hear(endpoint, &buffer[..count], Dispatch::begin, before_special);
                spoil(&mut buffer[..count]);
                if !holds && takes_all::<E>(count, room, readiness) {
                    return Received::Enough;
                }
                share = share.after(count);
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock => return Received::Enough,
                io::ErrorKind::Interrupted => share = share.after(0),
                _ => return Received::Failed(error),
            },
        }
    }
    if !share.is_left() {
        duplex.state.set(Fact::MUCH);
        duplex.handle.had_much();
    }
    duplex.again(readiness.without(Interest::WRITE));
    Received::Enough
}

impl<H: ByteHandle> Duplex<H> {
    /// So much has come. What one that has had much brings last is not a message.
    fn note_size(&self, count: usize) {
        if count <= LITTLE && !self.state.replace(Fact::MUCH, false) {
            self.handle.had_little();
        }
    }
}

/// The other side has said all it had to say.
#[cold]
#[inline(never)]
pub(super) fn ended<E: Endpoint>(endpoint: &E) {
    let duplex = endpoint.duplex();
    duplex.flow.end();
    duplex.update_interest();
    tell(endpoint, E::tell_end, |endpoint| {
        if !endpoint.duplex().state.is(Fact::HALF_OPEN) {
            end(endpoint);
        }
        close_if_done(endpoint);
    });
}
