//! The life of a byte stream, from opening to closing; what it is a stream of, it does not know.
//!
//! ```text
//!             end() and all is written, or it cannot be written to
//!   open ──────────────────────────────────────────────┐
//!    │ the peer ended, or it cannot be read from        ├─ both ─> destroyed ─> closed
//!    └─────────────────────────────────────────────────┘           ^
//!      an error, or destroy() ─────────────────────────────────────┘
//! ```
//!
//! "Destroyed" flips at once, inside of the call; the descriptor is closed and `Error` and `Close`
//! are told in the close phase. No borrow is held while a listener runs, and after each one the
//! engine asks again whether the stream is still open.

use super::corking::dispatch;
use super::hangup::{Hangup, discard, look_for_hangup};
use super::pulling::Pulled;
use super::reading::{look_for_end, read_any};
use super::seams::{ByteHandle, Endpoint};
use super::state::{Fact, State};
use super::writing::{flush, offer_held, tell_failed};
use crate::error::{Error, ErrorKind};
use crate::event_loop::{Buffer, Descriptor, Handle, Interest, Key, Origin, Trigger};
use crate::stream::{Flow, WhenFull, WriteQueue};
use std::any::Any;
use std::cell::{Cell, OnceCell, RefCell};
use std::io;

/// The engine's state. What every message needs comes first and close together: with a thousand
/// connections it is the cache misses that cost.
#[repr(C)]
pub(crate) struct Duplex<H> {
    pub(crate) handle: Handle,
    pub(super) bytes: RefCell<Option<H>>,
    pub(super) key: Cell<Option<Key>>,
    pub(super) state: State,
    /// Where it was made: the loop knows which line has this number.
    line: u16,
    pub(super) flow: Flow,
    pub(super) received: Cell<u64>,
    pub(super) sent: Cell<u64>,
    /// Asked by [`queue`](Self::queue), but for what has nothing to do with what is gathered.
    pub(super) waiting: RefCell<WriteQueue>,
    rare: OnceCell<Box<Rare>>,
}

/// What few streams have.
#[derive(Default)]
pub(super) struct Rare {
    /// How often somebody has corked it.
    pub(super) corks: Cell<u32>,
    pub(super) hangup: Cell<Hangup>,
    /// What broke it, while it is heard out.
    pub(super) error: RefCell<Option<Error>>,
    /// It has left event mode.
    pub(super) pulled: RefCell<Option<Box<Pulled>>>,
    /// What few of this kind of streams have.
    beside: OnceCell<Box<dyn Any>>,
}

impl<H: ByteHandle> Duplex<H> {
    pub(crate) fn new(handle: Handle, origin: Origin) -> Self {
        let line = handle.note_line(origin);
        Self {
            handle,
            bytes: RefCell::new(None),
            key: Cell::new(None),
            state: State::new(
                Fact::OUTSIDE | Fact::UNSURE | Fact::CONNECTING | Fact::COUNTED | Fact::AUTOCORK,
            ),
            line,
            flow: Flow::default(),
            waiting: RefCell::new(WriteQueue::new()),
            rare: OnceCell::new(),
            received: Cell::new(0),
            sent: Cell::new(0),
        }
    }

    /// It is only read from: its writing side is through.
    pub(crate) fn only_reads(&self) {
        self.queue().end();
        self.state.set(Fact::FINISHED);
    }

    /// It is only written to: its reading side is through.
    pub(crate) fn only_writes(&self) {
        self.flow.end();
    }

    /// Lends the descriptor.
    pub(crate) fn lend(
        &self,
        to: &mut dyn FnMut(Descriptor<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        self.bytes.borrow().as_ref().and_then(H::descriptor).map_or(Ok(()), to)
    }

    /// Does something with the open handle; no user code may run in here.
    pub(crate) fn with_bytes<T>(&self, f: impl FnOnce(&H) -> T) -> Option<T> {
        self.bytes.borrow().as_ref().map(f)
    }

    /// The same, to change what there is beside it.
    #[cfg_attr(not(unix), allow(dead_code, reason = "there is nothing else to change"))]
    pub(crate) fn with_bytes_mut<T>(&self, f: impl FnOnce(&mut H) -> T) -> Option<T> {
        self.bytes.borrow_mut().as_mut().map(f)
    }

    /// The same as [`with_bytes`](Self::with_bytes) with a call that may fail. A handle that is closed would block for ever.
    pub(super) fn attempt<T>(&self, call: impl FnOnce(&H) -> io::Result<T>) -> io::Result<T> {
        self.with_bytes(call).unwrap_or_else(|| Err(io::ErrorKind::WouldBlock.into()))
    }

    /// What few streams have; from now on this one has it.
    pub(super) fn rare(&self) -> &Rare {
        self.rare.get_or_init(Box::default)
    }

    /// The same, if this one has it.
    pub(super) fn known(&self) -> Option<&Rare> {
        self.rare.get().map(|rare| &**rare)
    }

    /// What few of this kind of streams have; from now on this one has it. Each kind has one type for that.
    pub(crate) fn beside<T: Default + 'static>(&self) -> &T {
        let beside = self.rare().beside.get_or_init(|| Box::new(T::default()));
        beside.downcast_ref().unwrap_or_else(|| unreachable!("it is always this type"))
    }

    /// The same, if this one has it.
    pub(crate) fn known_beside<T: 'static>(&self) -> Option<&T> {
        self.known()?.beside.get()?.downcast_ref()
    }

    /// Where it was made.
    pub(crate) fn origin(&self) -> Origin {
        self.handle.line(self.line)
    }

    pub(crate) fn is_destroyed(&self) -> bool {
        self.state.is(Fact::DESTROYED)
    }

    /// Bytes may be sent: the connection stands.
    #[inline]
    pub(crate) fn is_ready(&self) -> bool {
        !self.state.is(Fact::CONNECTING)
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.flow.is_paused()
    }

    pub(crate) fn is_flowing(&self) -> bool {
        self.flow.is_flowing()
    }

    /// Has nobody said yet whether data may come?
    pub(crate) fn is_unasked(&self) -> bool {
        self.flow.is_unasked()
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.flow.has_ended()
    }

    /// Has all been sent, and the other side been told?
    pub(crate) fn is_finished(&self) -> bool {
        self.state.is(Fact::FINISHED)
    }

    pub(crate) fn received(&self) -> u64 {
        self.received.get()
    }

    pub(crate) fn sent(&self) -> u64 {
        self.sent.get()
    }

    pub(crate) fn queued(&self) -> usize {
        let gathered = if self.state.is(Fact::GATHERS) { self.handle.written().len() } else { 0 };
        self.waiting.borrow().len() + gathered
    }

    pub(crate) fn needs_drain(&self) -> bool {
        self.waiting.borrow().needs_drain()
    }

    pub(crate) fn is_ending(&self) -> bool {
        self.waiting.borrow().is_ending()
    }

    pub(crate) fn set_high_water(&self, bytes: usize) {
        self.queue().set_high_water(bytes);
    }

    pub(crate) fn set_cap(&self, bytes: usize) {
        self.queue().set_cap(bytes);
    }

    pub(crate) fn set_when_full(&self, when_full: WhenFull) {
        self.queue().set_when_full(when_full);
    }

    /// Chunks and bytes that were dropped because the queue was full.
    pub(crate) fn dropped(&self) -> (u64, u64) {
        self.waiting.borrow().dropped()
    }

    /// From here on its endpoint wants to hear of bytes [before](Endpoint::before_data) they are told.
    pub(crate) fn set_special(&self) {
        self.state.set(Fact::SPECIAL);
    }

    #[inline]
    pub(crate) fn is_special(&self) -> bool {
        self.state.is(Fact::SPECIAL)
    }

    pub(crate) fn set_half_open(&self, allowed: bool) {
        self.state.put(Fact::HALF_OPEN, allowed);
    }

    pub(crate) fn count(&self, counted: bool) {
        self.state.put(Fact::COUNTED, counted);
        if let Some(key) = self.key.get() {
            self.handle.count_source(key, counted);
        }
    }

    pub(crate) fn update_interest(&self) {
        let Some(key) = self.key.get() else { return };
        let (opening, lags) = match &*self.bytes.borrow() {
            None => return,
            Some(bytes) if self.is_ready() => (Interest::NONE, bytes.lags()),
            Some(bytes) => (bytes.opening(), false),
        };
        let watches = (self.flow.is_unasked() && !self.state.is(Fact::UNREAD))
            || self.state.is(Fact::DISCARDS);
        let hears = self.is_ready() && !self.state.is(Fact::BROKEN);
        let reads = hears && (self.flow.is_flowing() || watches);
        let waits = !self.state.is(Fact::CORKED) && self.waiting.borrow().waits();
        let writes = self.is_ready() && (waits || (lags && !self.state.is(Fact::BROKEN)));
        self.handle.want(
            key,
            Interest::when(Interest::READ, reads)
                | Interest::when(Interest::WRITE, writes)
                | Interest::when(Interest::ENDING, hears && self.awaits_hangup())
                | Interest::when(Interest::FLOWS, hears && self.flow.is_flowing())
                | opening
                | self.pulled_interest(),
        );
    }

    /// What the descriptor is ready for is not exhausted.
    #[cold]
    pub(crate) fn again(&self, readiness: Interest) {
        let Some(key) = self.key.get() else { return };
        if self.with_bytes(ByteHandle::holds) == Some(true) {
            self.handle.remind(key, readiness);
        } else {
            self.handle.again(key, readiness);
        }
    }

    /// The handle has something to do before more bytes may flow; [`establish`] says when they may.
    #[cfg(feature = "tls")]
    pub(crate) fn stand_back(&self) {
        self.state.clear(Fact::UNREAD);
        self.state.set(Fact::CONNECTING | Fact::OUTSIDE | Fact::UNSURE);
        self.update_interest();
        self.key.get().iter().for_each(|key| self.handle.remind(*key, Interest::ALL));
    }

    /// Has the other side said that nothing more comes? When all is sent this is closed, which tells it as much.
    pub(super) fn ends_by_closing(&self) -> bool {
        self.flow.has_ended() && self.with_bytes(H::ends_by_closing) == Some(true)
    }

    /// Takes the descriptor off the loop and out of here.
    pub(crate) fn detach(&self) -> Option<H> {
        if self.state.is(Fact::FINISHED) && self.ends_by_closing() {
            // It is not closed now. A connection that is broken is told nothing any more.
            let _ = self.attempt(H::finish);
        }
        if let Some(key) = self.key.take() {
            self.handle.remove_source(key);
        }
        self.bytes.take()
    }
}

/// Puts a descriptor on the loop. `ready`: bytes may flow at once; else [`establish`] says when.
pub(crate) fn attach<E: Endpoint>(endpoint: &E, bytes: E::Bytes, ready: bool) {
    let duplex = endpoint.duplex();
    duplex.bytes.replace(Some(bytes));
    duplex.state.put(Fact::CONNECTING, !ready);
    enroll(endpoint);
    duplex.update_interest();
}

/// Makes it known to the loop, which closes it at its end; a descriptor may come later.
pub(crate) fn enroll<E: Endpoint>(endpoint: &E) {
    let duplex = endpoint.duplex();
    if duplex.key.get().is_none() {
        let key = duplex.handle.add_source(endpoint.source(), Trigger::Edge, duplex.origin());
        duplex.key.set(Some(key));
        duplex.handle.count_source(key, duplex.state.is(Fact::COUNTED));
    }
}

/// The connection stands: that is told, what was written before goes out, and reading may begin.
pub(crate) fn establish<E: Endpoint>(endpoint: &E, tell: impl FnOnce()) {
    endpoint.duplex().state.clear(Fact::CONNECTING);
    tell_or_later(endpoint, |_| tell(), begin);
    begin(endpoint);
}

/// Bytes may flow from here on.
fn begin<E: Endpoint>(endpoint: &E) {
    let duplex = endpoint.duplex();
    if !duplex.is_destroyed() {
        flush(endpoint);
        duplex.update_interest();
        duplex.wake(Interest::ALL);
    }
}

/// The descriptor is ready.
pub(crate) fn ready<E: Endpoint>(endpoint: &E, readiness: Interest, buffer: &mut Buffer) {
    if readiness.writes() {
        flush(endpoint);
        endpoint.duplex().wake(Interest::WRITE);
    }
    // What is broken off is heard out apart, unless somebody pulls.
    let hears = |duplex: &Duplex<_>| !duplex.state.is(Fact::BROKEN) || duplex.is_pulled();
    if readiness.reads_or_ends() && hears(endpoint.duplex()) {
        if !endpoint.duplex().flow.is_flowing() {
            return ready_unasked(endpoint, readiness);
        }
        read_any(endpoint, readiness, buffer);
    }
}

/// There is something to read, and nobody listens.
#[cold]
fn ready_unasked<E: Endpoint>(endpoint: &E, readiness: Interest) {
    let duplex = endpoint.duplex();
    if duplex.is_pulled() {
        duplex.wake(Interest::READ);
    } else if duplex.state.is(Fact::DISCARDS) {
        discard(endpoint, readiness);
    } else if duplex.awaits_hangup() && readiness.ends() {
        look_for_hangup(endpoint, readiness);
    } else if duplex.flow.is_unasked() {
        look_for_end(endpoint, readiness);
    } else {
        duplex.again(readiness.without(Interest::WRITE));
    }
}

/// Tells something, runs the ticks, and goes on with `next`: if a listener panics, in the next turn, so
/// that a loop which is run again takes things to their end.
pub(super) fn tell<E: Endpoint>(endpoint: &E, tell: fn(&E), next: fn(&E)) {
    tell_or_later(endpoint, tell, next);
    next(endpoint);
}

/// Tells something, and runs the ticks. Only if a listener panics, it goes on with `later`, in the next turn.
pub(super) fn tell_or_later<E: Endpoint>(endpoint: &E, tell: impl FnOnce(&E), later: fn(&E)) {
    let later = Later(endpoint, later);
    dispatch(endpoint, || tell(endpoint));
    std::mem::forget(later);
}

/// Dropped, by a panic, it has something done in the next turn.
pub(super) struct Later<'a, E: Endpoint>(pub(super) &'a E, pub(super) fn(&E));

impl<E: Endpoint> Drop for Later<'_, E> {
    fn drop(&mut self) {
        let (endpoint, next) = (self.0.clone(), self.1);
        self.0.duplex().handle.defer(self.0.duplex().origin(), move || next(&endpoint));
    }
}

pub(super) fn close_if_done<E: Endpoint>(endpoint: &E) {
    let duplex = endpoint.duplex();
    if duplex.state.is(Fact::FINISHED) && duplex.flow.has_ended() {
        destroy(endpoint, None);
    }
}

/// Ends it at once. What waits is dropped; the descriptor is closed when the turn ends.
pub(crate) fn destroy<E: Endpoint>(endpoint: &E, error: Option<Error>) {
    let duplex = endpoint.duplex();
    if duplex.state.replace(Fact::DESTROYED, true) {
        return;
    }
    // The first error counts.
    let error = duplex.known().and_then(|rare| rare.error.take()).or(error);
    let had_error = error.is_some();
    duplex.flow.end();
    // What would have been sent without a callback around it is sent.
    offer_held(duplex);
    duplex.queue().clear();
    fail_callbacks(endpoint, error.as_ref());
    if let Some(key) = duplex.key.take() {
        duplex.handle.retire_source(key);
    }
    // Two steps: a listener for errors that panics does not keep it from closing.
    let (failed, closed) = (endpoint.clone(), endpoint.clone());
    let told = duplex.fail_pulled(error.as_ref());
    if let Some(error) = error.filter(|_| !told) {
        duplex.handle.at_close(duplex.origin(), move || {
            failed.duplex().handle.about(|| failed.source());
            failed.tell_error(error);
        });
    }
    duplex.handle.at_close(duplex.origin(), move || {
        drop(closed.duplex().bytes.take());
        closed.duplex().handle.about(|| closed.source());
        closed.tell_close(had_error);
    });
}

/// Those who wait for their writes are told, in their order, before anything else that comes of it.
fn fail_callbacks<E: Endpoint>(endpoint: &E, error: Option<&Error>) {
    let duplex = endpoint.duplex();
    let destroyed = || Error::new(ErrorKind::Destroyed, "write").on(endpoint.target());
    let reason = || error.cloned().unwrap_or_else(destroyed);
    let mut queue = duplex.queue();
    if queue.known_callbacks().is_some_and(|callbacks| callbacks.fail(duplex.sent.get(), reason)) {
        let failed = endpoint.clone();
        duplex.handle.at_close(duplex.origin(), move || tell_failed(&failed));
    }
}

/// Lets data come, pauses it, or takes notice that somebody listens for it.
pub(crate) fn resume<E: Endpoint>(endpoint: &E) {
    if endpoint.duplex().is_pulled() || endpoint.duplex().state.is(Fact::DISCARDS) {
        return;
    }
    if endpoint.duplex().flow.resume() {
        endpoint.duplex().update_interest();
    }
}

pub(crate) fn pause<E: Endpoint>(endpoint: &E) {
    if endpoint.duplex().flow.pause() {
        endpoint.duplex().update_interest();
    }
}

pub(crate) fn listen<E: Endpoint>(endpoint: &E) {
    if endpoint.duplex().is_pulled() {
        return refuse_listener(endpoint);
    }
    if !endpoint.duplex().state.is(Fact::DISCARDS) && endpoint.duplex().flow.listen() {
        endpoint.duplex().update_interest();
    }
}

/// Stops the flow until it is released as often; beside, and not instead of, [`pause`].
pub(crate) fn hold<E: Endpoint>(endpoint: &E) {
    endpoint.duplex().flow.hold();
    endpoint.duplex().update_interest();
}

pub(crate) fn release<E: Endpoint>(endpoint: &E) {
    endpoint.duplex().flow.release();
    endpoint.duplex().update_interest();
}

/// Somebody listens for data that goes to who pulls it: that is a mistake, and nobody would ever notice.
#[cold]
fn refuse_listener<E: Endpoint>(endpoint: &E) {
    let error = Error::new(ErrorKind::InUse, "listen for data").on(endpoint.target());
    destroy(endpoint, Some(error));
}
