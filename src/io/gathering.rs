//! What a callback of a stream has written, until its end.
//!
//! In most cases that is one small piece. It is gathered in the loop's memory, and nothing is asked of the write queue,
//! which is known to be empty. Whoever asks the queue all the same finds it there: from then on it is held in the queue.

use super::duplex::Duplex;
use super::seams::{ByteHandle, Endpoint};
use super::state::Fact;
use super::writing::{flush_more, offer_once, told_of_flush};
use crate::stream::WriteQueue;
use std::cell::RefMut;
use std::io;

impl<H: ByteHandle> Duplex<H> {
    /// The write queue, with all that waits in it.
    pub(super) fn queue(&self) -> RefMut<'_, WriteQueue> {
        if self.state.is(Fact::GATHERS) {
            self.stop_gathering();
        }
        self.state.set(Fact::UNSURE);
        self.waiting.borrow_mut()
    }

    /// From here on what was gathered lies in the queue, in the memory of the loop that it was gathered in.
    #[cold]
    fn stop_gathering(&self) {
        self.state.clear(Fact::GATHERS);
        self.state.set(Fact::KEEPS);
        self.waiting.borrow_mut().adopt(self.handle.take_gathered());
    }

    /// A callback is about to run: is what it writes held until its end? It is if that is wanted, and nobody has
    /// corked it. And may it be gathered in the loop's memory? Not if anything has to be asked of the queue.
    #[inline(never)]
    pub(super) fn look_ahead(&self) {
        let never = self.state.is(Fact::CORKED | Fact::CONNECTING);
        let holds = self.state.is(Fact::AUTOCORK) && !never;
        let over = self.state.is(Fact::DESTROYED | Fact::BROKEN);
        self.state.put(Fact::OUTSIDE, !holds);
        self.state.put(Fact::UNSURE, !holds || over || !self.waiting.borrow().is_plain());
    }
}

/// Gathers what is written while a callback runs, if it may. `false`: it has to be written.
#[inline(always)]
pub(crate) fn gather<E: Endpoint>(endpoint: &E, bytes: &[u8]) -> bool {
    let (state, handle) = (&endpoint.duplex().state, &endpoint.duplex().handle);
    if state.is(Fact::OUTSIDE | Fact::UNSURE) {
        return false;
    }
    // Said before it is so, for then nothing has to be remembered while it is copied.
    let more = state.is(Fact::GATHERS);
    state.set(Fact::GATHERS);
    if handle.gather(bytes, more) {
        return true;
    }
    state.put(Fact::GATHERS, more);
    false
}

/// The end of a callback: sends what it gathered, if there is anything. In most cases that is one small piece, which the
/// system takes.
#[inline(always)]
pub(super) fn flush_gathered<E: Endpoint>(endpoint: &E) {
    let duplex = endpoint.duplex();
    let gathered = duplex.handle.gathered();
    let handle = duplex.bytes.borrow_mut();
    match &*handle {
        Some(bytes) if bytes.is_plain() => match bytes.send(&gathered) {
            Ok(count) if count == gathered.len() => {
                drop(handle);
                all_is_sent(duplex, count, gathered);
            }
            other => {
                drop((handle, gathered));
                flush_rest(endpoint, other);
            }
        },
        _ => {
            drop((handle, gathered));
            flush_any(endpoint);
        }
    }
}

/// The same if there is something between the handle and the system.
#[inline(never)]
fn flush_any<E: Endpoint>(endpoint: &E) {
    let duplex = endpoint.duplex();
    let gathered = duplex.handle.gathered();
    match duplex.attempt(|handle| handle.send(&gathered)) {
        Ok(count) if count == gathered.len() => all_is_sent(duplex, count, gathered),
        other => {
            drop(gathered);
            flush_rest(endpoint, other);
        }
    }
}

/// Nothing is left of what was gathered, which were so many bytes.
#[inline(always)]
fn all_is_sent<H: ByteHandle>(duplex: &Duplex<H>, count: usize, mut gathered: RefMut<'_, Vec<u8>>) {
    duplex.sent.set(duplex.sent.get() + count as u64);
    gathered.clear();
    duplex.state.exchange(Fact::GATHERS, Fact::OUTSIDE);
}

/// The system has not taken all that was gathered.
#[cold]
#[inline(never)]
fn flush_rest<E: Endpoint>(endpoint: &E, answer: io::Result<usize>) {
    endpoint.duplex().state.set(Fact::OUTSIDE);
    drop(endpoint.duplex().queue());
    flush_more(endpoint, answer);
}

/// The same for what lies in the queue.
#[inline(never)]
pub(super) fn flush_kept<E: Endpoint>(endpoint: &E) {
    let duplex = endpoint.duplex();
    duplex.state.clear(Fact::KEEPS);
    let mut queue = duplex.queue();
    if !queue.is_held() {
        return;
    }
    let Some(bytes) = queue.held_piece() else {
        drop(queue);
        return flush_more(endpoint, offer_once(duplex));
    };
    let sent = duplex.attempt(|handle| handle.send(bytes));
    match sent {
        Ok(count) if count == queue.len() => {
            duplex.sent.set(duplex.sent.get() + count as u64);
            duplex.handle.give_spare(queue.recycle());
            let watched = queue.is_watched();
            drop(queue);
            if watched {
                told_of_flush(endpoint);
            }
        }
        other => {
            drop(queue);
            flush_more(endpoint, other);
        }
    }
}
