//! The other way to use a stream: it tells nothing, and is asked instead, by futures.

use super::corking::{set_autocork, uncork_wholly};
use super::duplex::{Duplex, destroy};
use super::seams::{ByteHandle, Endpoint};
use super::state::Fact;
use crate::error::{Error, ErrorKind, Result};
use crate::event_loop::{Interest, Ticket};
use std::io::{self, IoSlice};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// Reads and writes of one stream in a turn. A future that goes on and on comes back when the others had theirs.
const CALLS_PER_TURN: u32 = 32;

/// One call takes at most this many pieces.
const SLICES: usize = 64;

/// Who waits, and what there is to tell them.
#[derive(Default)]
pub(super) struct Pulled {
    reader: Option<Waker>,
    writer: Option<Waker>,
    /// The other side has ended, and whoever read it knows.
    ended: bool,
    /// What broke it.
    error: Option<Error>,
    turn: u64,
    calls: u32,
}

/// A stream that is pulled, whatever it is made of.
pub(super) trait Pull {
    fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>>;
    fn poll_write(&self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>>;
    fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
    fn poll_close(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
    fn target(&self) -> String;
}

/// What is kept on the loop: the stream ends with it.
pub(super) struct Seat(pub(super) Box<dyn Pull>);

struct Puller<E: Endpoint>(E);

/// Takes a stream out of event mode.
pub(super) fn take_over<E: Endpoint>(endpoint: &E) -> Result<Ticket> {
    let duplex = endpoint.duplex();
    let refuse = |kind| Err(Error::new(kind, "pull").on(endpoint.target()));
    if duplex.state.is(Fact::DESTROYED) || duplex.state.is(Fact::BROKEN) {
        return refuse(ErrorKind::Destroyed);
    }
    if duplex.is_pulled() {
        return refuse(ErrorKind::InUse);
    }
    uncork_wholly(endpoint);
    set_autocork(endpoint, false);
    let ended = duplex.flow.has_ended();
    duplex.flow.pause();
    // What was to be thrown away is for who pulls.
    duplex.state.clear(Fact::DISCARDS);
    duplex.rare().pulled.replace(Some(Box::new(Pulled { ended, ..Pulled::default() })));
    duplex.update_interest();
    Ok(duplex.handle.keep(Rc::new(Seat(Box::new(Puller(endpoint.clone()))))))
}

impl<H: ByteHandle> Duplex<H> {
    pub(crate) fn is_pulled(&self) -> bool {
        self.known().is_some_and(|rare| rare.pulled.borrow().is_some())
    }

    /// What those who pull wait for.
    pub(super) fn pulled_interest(&self) -> Interest {
        let interest = |pulled: &mut Pulled| {
            Interest::when(Interest::READ, pulled.reader.is_some() && self.is_ready())
                | Interest::when(Interest::WRITE, pulled.writer.is_some() && self.is_ready())
        };
        self.with_pulled(interest).unwrap_or(Interest::NONE)
    }

    /// Wakes those who pull, if they wait for that. Wakers are anybody's: none runs while anything is borrowed.
    pub(super) fn wake(&self, readiness: Interest) {
        let wakers = self.with_pulled(|pulled| {
            let reader = if readiness.reads() { pulled.reader.take() } else { None };
            let writer = if readiness.writes() { pulled.writer.take() } else { None };
            (reader, writer)
        });
        let Some((reader, writer)) = wakers else { return };
        self.update_interest();
        reader.into_iter().chain(writer).for_each(Waker::wake);
    }

    /// The stream has ended: those who pull are told why, if it was an error. `false`: nobody pulls.
    pub(super) fn fail_pulled(&self, error: Option<&Error>) -> bool {
        let told = self.with_pulled(|pulled| pulled.error = error.cloned()).is_some();
        if told {
            self.wake(Interest::ALL);
        }
        told
    }

    fn with_pulled<T>(&self, f: impl FnOnce(&mut Pulled) -> T) -> Option<T> {
        self.known()?.pulled.borrow_mut().as_deref_mut().map(f)
    }

    /// Why nothing can be asked of it any more, if so.
    fn over(&self, operation: &'static str) -> Option<io::Error> {
        if !self.state.is(Fact::DESTROYED) {
            return None;
        }
        let error = self.with_pulled(|pulled| pulled.error.clone()).flatten();
        Some(error.unwrap_or_else(|| Error::new(ErrorKind::Destroyed, operation)).into())
    }

    /// Is it the others' turn?
    fn is_spent(&self) -> bool {
        let turn = self.handle.turns();
        let spent = self.with_pulled(|pulled| {
            if pulled.turn != turn {
                (pulled.turn, pulled.calls) = (turn, 0);
            }
            pulled.calls += 1;
            pulled.calls > CALLS_PER_TURN
        });
        spent.unwrap_or(false)
    }

    /// Comes back when it is ready. `again`: it is, in the next turn.
    fn wait<T>(&self, cx: &Context<'_>, what: Interest, again: bool) -> Poll<T> {
        let waker = cx.waker().clone();
        let before = self.with_pulled(|pulled| {
            let place = if what.reads() { &mut pulled.reader } else { &mut pulled.writer };
            place.replace(waker)
        });
        drop(before);
        self.update_interest();
        if again {
            self.again(what);
        }
        Poll::Pending
    }

    /// Makes a call until it says something else than that it was interrupted.
    fn call<T>(&self, call: impl Fn(&H) -> io::Result<T>) -> io::Result<T> {
        loop {
            match self.attempt(&call) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }
}

fn blocks<T>(result: &io::Result<T>) -> bool {
    result.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

impl<E: Endpoint> Puller<E> {
    /// What was written before it was pulled goes first, as ever.
    fn poll_queue(&self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        let duplex = self.0.duplex();
        if duplex.queue().is_empty() && duplex.with_bytes(ByteHandle::lags) != Some(true) {
            Poll::Ready(Ok(()))
        } else {
            duplex.wait(cx, Interest::WRITE, false)
        }
    }

    /// Both directions are through.
    fn close_if_done(&self) {
        let duplex = self.0.duplex();
        let ended = duplex.with_pulled(|pulled| pulled.ended).unwrap_or(false);
        if ended && duplex.state.is(Fact::FINISHED) {
            destroy(&self.0, None);
        }
    }
}

impl<E: Endpoint> Puller<E> {
    /// Why nothing can be written any more, if so: also what has become of what was written before, from the moment on
    /// in which it broke. The stream is heard out first, and ends later.
    fn unwritable(&self, operation: &'static str) -> Option<io::Error> {
        let duplex = self.0.duplex();
        let error = || duplex.known().and_then(|rare| rare.error.borrow().clone());
        let broken = || error().filter(|_| duplex.state.is(Fact::BROKEN));
        duplex.over(operation).or_else(|| broken().map(io::Error::from))
    }
}

impl<E: Endpoint> Pull for Puller<E> {
    fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let duplex = self.0.duplex();
        if buffer.is_empty() || duplex.with_pulled(|pulled| pulled.ended).unwrap_or(true) {
            return Poll::Ready(Ok(0));
        }
        if let Some(error) = duplex.over("read") {
            return Poll::Ready(Err(error));
        }
        if duplex.state.is(Fact::CONNECTING) {
            return duplex.wait(cx, Interest::READ, false);
        }
        let received = loop {
            if duplex.is_spent() {
                return duplex.wait(cx, Interest::READ, true);
            }
            match duplex.attempt(|handle| handle.receive(buffer)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result,
            }
        };
        if duplex.state.is(Fact::BROKEN) && !received.as_ref().is_ok_and(|count| *count > 0) {
            // All that came before it broke has been read.
            destroy(&self.0, None);
            return Poll::Ready(duplex.over("read").map_or(received, Err));
        }
        if blocks(&received) {
            return duplex.wait(cx, Interest::READ, false);
        }
        if let Ok(count) = received {
            duplex.received.set(duplex.received.get() + count as u64);
            self.0.pass_over();
            if count == 0 {
                duplex.with_pulled(|pulled| pulled.ended = true);
                duplex.flow.end();
                self.close_if_done();
            }
        }
        Poll::Ready(received)
    }

    fn poll_write(&self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let duplex = self.0.duplex();
        if let Some(error) = self.unwritable("write") {
            return Poll::Ready(Err(error));
        }
        if duplex.state.is(Fact::FINISHED) || duplex.is_ending() {
            let error = Error::new(ErrorKind::WriteAfterEnd, "write").on(self.0.target());
            return Poll::Ready(Err(error.into()));
        }
        if duplex.state.is(Fact::CONNECTING) {
            return duplex.wait(cx, Interest::WRITE, false);
        }
        std::task::ready!(self.poll_queue(cx))?;
        if duplex.is_spent() {
            return duplex.wait(cx, Interest::WRITE, true);
        }
        let mut sent = duplex.call(|handle| match slices {
            [one] => handle.send(one),
            all => handle.send_vectored(&all[..all.len().min(SLICES)]),
        });
        if blocks(&sent) {
            // Whoever writes next need not write the same.
            match duplex.with_bytes(ByteHandle::disown) {
                None | Some(0) => return duplex.wait(cx, Interest::WRITE, false),
                Some(taken) => sent = Ok(taken),
            }
            duplex.update_interest();
        }
        if let Ok(count) = sent {
            duplex.sent.set(duplex.sent.get() + count as u64);
        }
        Poll::Ready(sent)
    }

    fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.unwritable("flush") {
            Some(_) if self.0.duplex().state.is(Fact::FINISHED) => Poll::Ready(Ok(())),
            Some(error) => Poll::Ready(Err(error)),
            None => self.poll_queue(cx),
        }
    }

    fn poll_close(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let duplex = self.0.duplex();
        if duplex.state.is(Fact::FINISHED) {
            return Poll::Ready(Ok(()));
        }
        std::task::ready!(self.poll_flush(cx))?;
        if duplex.state.is(Fact::CONNECTING) {
            return duplex.wait(cx, Interest::WRITE, false);
        }
        let finished = duplex.call(ByteHandle::finish);
        if blocks(&finished) {
            return duplex.wait(cx, Interest::WRITE, false);
        }
        duplex.state.set(Fact::FINISHED);
        duplex.queue().end();
        self.close_if_done();
        // The peer has gone already: there is nobody to tell, and nothing was lost by that.
        let gone = |error: &io::Error| error.kind() == io::ErrorKind::NotConnected;
        Poll::Ready(finished.or_else(|error| if gone(&error) { Ok(()) } else { Err(error) }))
    }

    fn target(&self) -> String {
        self.0.target()
    }
}

impl<E: Endpoint> Drop for Puller<E> {
    fn drop(&mut self) {
        destroy(&self.0, None);
    }
}
