//! What a callback of a stream has written, until its end.
//!
//! In most cases that is one small piece. It is gathered in the loop's memory, or stays where it is if it is a part of what
//! has just come, and nothing is asked of the write queue, which is known to be empty. Whoever asks the queue all the same
//! finds it there: from then on it is held in the queue.

use super::duplex::Duplex;
use super::seams::{ByteHandle, Endpoint};
use super::state::Fact;
use super::writing::{flush_more, offer_once, told_of_flush};
use crate::event_loop::Written;
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
        self.waiting.borrow_mut().adopt(self.handle.written().take());
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

/// Gathers what is written while a callback runs, if it is the first of it, and a part of what has just come, as the answer
/// of an echo is: then it stays where it is. `false`: it has to be written.
#[inline(always)]
pub(crate) fn keep<E: Endpoint>(endpoint: &E, bytes: &[u8]) -> bool {
    let (state, handle) = (&endpoint.duplex().state, &endpoint.duplex().handle);
    let asks = state.is(Fact::OUTSIDE | Fact::UNSURE | Fact::GATHERS | Fact::SPECIAL);
    let keeps = !asks && handle.written().keep(bytes);
    if keeps {
        state.set(Fact::GATHERS);
    }
    keeps
}

/// The same with a copy, whatever is written, of one that is not special.
#[inline(always)]
pub(crate) fn gather<E: Endpoint>(endpoint: &E, bytes: &[u8]) -> bool {
    !endpoint.duplex().is_special() && gather_any(endpoint, bytes)
}

/// The same, of any.
#[inline(always)]
pub(super) fn gather_any<E: Endpoint>(endpoint: &E, bytes: &[u8]) -> bool {
    let (state, handle) = (&endpoint.duplex().state, &endpoint.duplex().handle);
    if state.is(Fact::OUTSIDE | Fact::UNSURE) {
        return false;
    }
    // Said before it is so, for then nothing has to be remembered while it is copied.
    let more = state.is(Fact::GATHERS);
    state.set(Fact::GATHERS);
    let gathers = handle.written().gather(bytes, more);
    if !gathers {
        state.put(Fact::GATHERS, more);
    }
    gathers
}

/// The end of a callback: sends what it gathered, if there is anything. In most cases that is one small piece, which the
/// system takes.
#[inline(always)]
pub(super) fn flush_gathered<E: Endpoint>(endpoint: &E, written: &Written) {
    let duplex = endpoint.duplex();
    match duplex.send_plainly(written) {
        Some(Ok(count)) if count == written.len() => {
            duplex.sent.set(duplex.sent.get() + count as u64);
            written.sent();
            duplex.state.exchange(Fact::GATHERS, Fact::OUTSIDE);
        }
        Some(other) => flush_rest(endpoint, other),
        None => flush_through(endpoint),
    }
}

/// The system has not taken all that was gathered.
#[cold]
#[inline(never)]
fn flush_rest<E: Endpoint>(endpoint: &E, answer: io::Result<usize>) {
    endpoint.duplex().state.set(Fact::OUTSIDE);
    drop(endpoint.duplex().queue());
    flush_more(endpoint, answer);
    endpoint.duplex().handle.settle();
}

/// There is something between the handle and the system.
#[cold]
#[inline(never)]
fn flush_through<E: Endpoint>(endpoint: &E) {
    let duplex = endpoint.duplex();
    duplex.state.exchange(Fact::GATHERS, Fact::OUTSIDE);
    let written = duplex.handle.written().take();
    match duplex.attempt(|handle| handle.send(&written)) {
        Ok(count) if count == written.len() => {
            duplex.sent.set(duplex.sent.get() + count as u64);
            duplex.handle.written().give_spare(written);
        }
        other => {
            duplex.queue().adopt(written);
            flush_more(endpoint, other);
        }
    }
    duplex.handle.settle();
}

/// The same for what lies in the queue.
#[inline(never)]
pub(super) fn flush_kept<E: Endpoint>(endpoint: &E) {
    flush_held(endpoint);
    endpoint.duplex().handle.settle();
}

fn flush_held<E: Endpoint>(endpoint: &E) {
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
            duplex.handle.written().give_spare(queue.recycle());
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
