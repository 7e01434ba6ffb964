//! The life of a socket for datagrams, and what it wants to be told.
//!
//! ```text
//!   unbound ── bind, or the first send ──> open ── close() ──> closed ── the close phase ──> Close
//! ```
//!
//! "Closed" flips at once, inside of the call; nothing is told any more but `Close`.

use super::queue::SendQueue;
use super::receiving::{Kept, look_for_error, receive, tell_backlog};
use super::sending::flush;
use super::stats::{Counters, DatagramStats, add};
use crate::error::{Error, ErrorKind};
use crate::event_loop::{Descriptor, Handle, Interest, Key, Origin, Source, Timer, Trigger};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;

/// A datagram, in the buffer that was given to [`DatagramHandle::receive`].
pub(in crate::net) struct Arrival<A> {
    /// How much of the buffer is filled.
    pub(in crate::net) length: usize,
    /// There was more, which is lost.
    pub(in crate::net) truncated: bool,
    pub(in crate::net) from: A,
    /// The system has put together several from there: so long is each, but for the last, which may be shorter.
    pub(in crate::net) each: Option<usize>,
}

/// A non-blocking descriptor that datagrams come from and go to.
pub(in crate::net) trait DatagramHandle {
    type Address: Clone + 'static;
    fn receive(&self, buffer: &mut [u8]) -> io::Result<Arrival<Self::Address>>;
    /// The same of a socket for which the system may put several together.
    fn receive_coalesced(&self, buffer: &mut [u8]) -> io::Result<Arrival<Self::Address>> {
        self.receive(buffer)
    }
    /// `None`: to whom it is connected to.
    fn send(&self, bytes: &[u8], to: Option<&Self::Address>) -> io::Result<()>;
    /// Sends one or more, from the first on; says how many. An error is that of the first.
    fn send_some<'a>(
        &self,
        datagrams: &mut dyn Iterator<Item = (&'a [u8], Option<&'a Self::Address>)>,
    ) -> io::Result<usize>;
    /// Sends them as datagrams of `size` bytes, the last may be shorter, in one call: all or none. Nobody has to be able to.
    fn send_segments(
        &self,
        _bytes: &[u8],
        _size: u16,
        _to: Option<&Self::Address>,
    ) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
    /// Is there one to be received? Takes nothing, but an error.
    fn has_one(&self) -> io::Result<bool>;
    /// Throws away one of the reports that the system keeps apart, if there are any: a level-triggered
    /// poller would tell of them for ever.
    fn discard_reports(&self) -> bool;
    /// Does the poller know when more can be sent, be it to the peer that it is connected to?
    fn tells_writable(&self, to_peer: bool) -> bool;
    fn descriptor(&self) -> Descriptor<'_>;
    fn name(address: &Self::Address) -> String;
}

/// A cheap handle to such a socket, which tells what happens to it.
pub(in crate::net) trait Endpoint: Clone + 'static {
    type Handle: DatagramHandle;
    fn datagrams(&self) -> &Datagrams<Self::Handle>;
    /// What the registry keeps.
    fn source(&self) -> Rc<dyn Source>;
    /// What errors call it: the peer, or itself.
    fn target(&self) -> String;
    /// Does anybody listen for messages?
    fn is_heard(&self) -> bool;
    fn tell_listening(&self);
    fn tell_message(&self, bytes: &[u8], from: Address<Self>);
    fn tell_truncated(&self, bytes: &[u8], from: Address<Self>);
    fn tell_drain(&self);
    fn tell_error(&self, error: Error);
    /// The last that it tells.
    fn tell_close(&self);
}

pub(super) type Address<E> = <<E as Endpoint>::Handle as DatagramHandle>::Address;

/// The engine's state.
pub(in crate::net) struct Datagrams<H: DatagramHandle> {
    pub(in crate::net) handle: Handle,
    /// Where it was made.
    pub(in crate::net) origin: Origin,
    socket: RefCell<Option<H>>,
    key: Cell<Option<Key>>,
    counted: Cell<bool>,
    closed: Cell<bool>,
    paused: Cell<bool>,
    /// Somebody wants messages to come whether they are listened for or not.
    resumed: Cell<bool>,
    holds: Cell<u32>,
    /// Something has come that nobody listens for: it waits in the kernel.
    pub(super) unread: Cell<bool>,
    pub(super) connected: Cell<bool>,
    /// Nothing is sent for now: it is not known yet to whom.
    held: Cell<bool>,
    pub(super) most: Cell<usize>,
    /// The system may put several together.
    pub(in crate::net) coalesces: Cell<bool>,
    /// What came with the one after which nobody wanted more, and whether somebody is going to look after it.
    pub(super) backlog: RefCell<VecDeque<Kept<H::Address>>>,
    minded: Cell<bool>,
    pub(super) queue: RefCell<SendQueue<H::Address>>,
    /// When sending is tried again, where no poller tells.
    pub(super) retry: Cell<Option<Timer>>,
    pub(super) counters: Counters,
}

impl<H: DatagramHandle> Datagrams<H> {
    pub(in crate::net) fn new(handle: Handle, origin: Origin) -> Self {
        Self {
            handle,
            origin,
            socket: RefCell::new(None),
            key: Cell::new(None),
            counted: Cell::new(true),
            closed: Cell::new(false),
            paused: Cell::new(false),
            resumed: Cell::new(false),
            holds: Cell::new(0),
            unread: Cell::new(false),
            connected: Cell::new(false),
            held: Cell::new(false),
            most: Cell::new(usize::MAX),
            coalesces: Cell::new(false),
            backlog: RefCell::default(),
            minded: Cell::new(false),
            queue: RefCell::new(SendQueue::new()),
            retry: Cell::new(None),
            counters: Counters::default(),
        }
    }

    pub(in crate::net) fn is_closed(&self) -> bool {
        self.closed.get()
    }

    pub(in crate::net) fn is_connected(&self) -> bool {
        self.connected.get() || self.held.get()
    }

    pub(in crate::net) fn is_bound(&self) -> bool {
        self.socket.borrow().is_some()
    }

    pub(in crate::net) fn is_paused(&self) -> bool {
        self.paused.get()
    }

    /// The longest datagram that is read whole.
    pub(in crate::net) fn set_most(&self, bytes: usize) {
        self.most.set(bytes.max(1));
    }

    pub(in crate::net) fn set_cap(&self, bytes: usize) {
        self.queue.borrow_mut().cap = bytes;
    }

    pub(in crate::net) fn stats(&self) -> DatagramStats {
        let queue = self.queue.borrow();
        self.counters.read(queue.len(), queue.bytes())
    }

    /// Does something with the open socket; no user code may run in here.
    pub(in crate::net) fn with_socket<T>(&self, f: impl FnOnce(&H) -> T) -> Option<T> {
        self.socket.borrow().as_ref().filter(|_| !self.closed.get()).map(f)
    }

    /// The same with a call that may fail. One that is closed would block for ever.
    pub(super) fn attempt<T>(&self, call: impl FnOnce(&H) -> io::Result<T>) -> io::Result<T> {
        self.with_socket(call).unwrap_or_else(|| Err(io::ErrorKind::WouldBlock.into()))
    }

    pub(in crate::net) fn lend(
        &self,
        to: &mut dyn FnMut(Descriptor<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        self.socket.borrow().as_ref().map_or(Ok(()), |socket| to(socket.descriptor()))
    }

    pub(in crate::net) fn count(&self, counted: bool) {
        self.counted.set(counted);
        if let Some(key) = self.key.get() {
            self.handle.count_source(key, counted);
        }
    }

    pub(super) fn may_send(&self) -> bool {
        self.is_bound() && !self.closed.get() && !self.held.get()
    }

    /// Does something wait, and the poller know when it can be sent?
    pub(super) fn is_told_of_room(&self) -> bool {
        let (waits, to_peer) = {
            let queue = self.queue.borrow();
            (!queue.is_empty(), queue.is_for_peer())
        };
        waits && self.with_socket(|socket| socket.tells_writable(to_peer)) == Some(true)
    }

    /// What the descriptor is ready for is not exhausted.
    pub(super) fn again(&self, readiness: Interest) {
        if let Some(key) = self.key.get() {
            self.handle.again(key, readiness);
        }
    }

    fn may_read(&self) -> bool {
        !self.closed.get() && !self.paused.get() && self.holds.get() == 0
    }

    /// Takes the descriptor off the loop and out of here.
    pub(in crate::net) fn detach(&self) -> Option<H> {
        if let Some(key) = self.key.take() {
            self.handle.remove_source(key);
        }
        self.socket.take()
    }
}

/// Are messages wanted now? Nothing is read that nobody would hear: it waits in the kernel.
pub(super) fn is_reading<E: Endpoint>(endpoint: &E) -> bool {
    let datagrams = endpoint.datagrams();
    datagrams.may_read() && (datagrams.resumed.get() || endpoint.is_heard())
}

pub(super) fn update_interest<E: Endpoint>(endpoint: &E) {
    let datagrams = endpoint.datagrams();
    let Some(key) = datagrams.key.get() else { return };
    // Also while nobody listens: errors are told, if they do not hide behind messages.
    let reads = is_reading(endpoint) || datagrams.may_read() && !datagrams.unread.get();
    let writes = datagrams.may_send() && datagrams.is_told_of_room();
    let wanted = Interest::when(Interest::READ, reads) | Interest::when(Interest::WRITE, writes);
    datagrams.handle.want(key, wanted);
    if datagrams.coalesces.get() && !datagrams.backlog.borrow().is_empty() {
        tell_backlog_later(endpoint);
    }
}

/// What was received earlier is told in the next turn, if it is wanted.
#[cold]
fn tell_backlog_later<E: Endpoint>(endpoint: &E) {
    let datagrams = endpoint.datagrams();
    if !is_reading(endpoint) || datagrams.minded.replace(true) {
        return;
    }
    let waiting = endpoint.clone();
    datagrams.handle.defer(datagrams.origin, move || {
        let datagrams = waiting.datagrams();
        datagrams.minded.set(false);
        datagrams.handle.about(|| waiting.source());
        tell_backlog(&waiting);
    });
}

/// Puts a socket that is bound on the loop, and tells so soon.
pub(in crate::net) fn attach<E: Endpoint>(endpoint: &E, socket: E::Handle) {
    let datagrams = endpoint.datagrams();
    datagrams.socket.replace(Some(socket));
    let key = datagrams.handle.add_source(endpoint.source(), Trigger::Edge, datagrams.origin);
    datagrams.key.set(Some(key));
    datagrams.handle.count_source(key, datagrams.counted.get());
    update_interest(endpoint);
    let bound = endpoint.clone();
    datagrams.handle.next_tick_from(datagrams.origin, move || {
        if !bound.datagrams().is_closed() {
            bound.tell_listening();
        }
    });
}

/// It is connected, or no longer; `None`: it will be, and what is sent waits until then.
pub(in crate::net) fn set_connected<E: Endpoint>(endpoint: &E, connected: Option<bool>) {
    let datagrams = endpoint.datagrams();
    datagrams.connected.set(connected == Some(true));
    datagrams.held.set(connected.is_none());
    if connected.is_some() && !datagrams.queue.borrow().is_empty() {
        let waiting = endpoint.clone();
        datagrams.handle.defer(datagrams.origin, move || flush(&waiting));
    }
}

/// The descriptor is ready.
pub(in crate::net) fn ready<E: Endpoint>(endpoint: &E, readiness: Interest) {
    if readiness.writes() && !endpoint.datagrams().queue.borrow().is_empty() {
        flush(endpoint);
    }
    if readiness.reads() && !endpoint.datagrams().is_closed() {
        if is_reading(endpoint) {
            receive(endpoint, readiness);
        } else {
            look_for_error(endpoint, readiness);
        }
    }
}

/// Tells an error soon, unless it is closed by then.
pub(in crate::net) fn fail_later<E: Endpoint>(endpoint: &E, error: Error) {
    let datagrams = endpoint.datagrams();
    let failed = endpoint.clone();
    datagrams.handle.next_tick_from(datagrams.origin, move || {
        if !failed.datagrams().is_closed() {
            failed.tell_error(error);
        }
    });
}

/// Closes it at once. What waits to be sent is dropped; the descriptor is closed when the turn ends.
pub(in crate::net) fn close<E: Endpoint>(endpoint: &E) {
    let datagrams = endpoint.datagrams();
    if datagrams.closed.replace(true) {
        return;
    }
    if let Some(timer) = datagrams.retry.take() {
        timer.cancel();
    }
    drop(datagrams.backlog.take());
    let dropped = datagrams.queue.borrow_mut().clear();
    add(&datagrams.counters.dropped, dropped.len());
    if let Some(key) = datagrams.key.take() {
        datagrams.handle.remove_source(key);
    }
    for waiting in dropped {
        if let Some(done) = waiting.done {
            let error = Error::new(ErrorKind::Destroyed, "send").on(endpoint.target());
            datagrams.handle.at_close(datagrams.origin, move || done(Err(error)));
        }
    }
    let closed = endpoint.clone();
    datagrams.handle.at_close(datagrams.origin, move || {
        drop(closed.datagrams().socket.take());
        closed.datagrams().handle.about(|| closed.source());
        closed.tell_close();
    });
}

/// The poller refused it.
pub(in crate::net) fn refused<E: Endpoint>(endpoint: &E, error: io::Error) {
    endpoint.tell_error(Error::io("watch", error).on(endpoint.target()));
    close(endpoint);
}

/// Somebody listens for messages.
pub(in crate::net) fn hear<E: Endpoint>(endpoint: &E) {
    endpoint.datagrams().unread.set(false);
    update_interest(endpoint);
}

pub(in crate::net) fn resume<E: Endpoint>(endpoint: &E) {
    let datagrams = endpoint.datagrams();
    datagrams.resumed.set(true);
    datagrams.paused.set(false);
    hear(endpoint);
}

pub(in crate::net) fn pause<E: Endpoint>(endpoint: &E) {
    endpoint.datagrams().paused.set(true);
    update_interest(endpoint);
}

/// Stops messages until it is released as often; beside, and not instead of, [`pause`].
pub(in crate::net) fn hold<E: Endpoint>(endpoint: &E) {
    let datagrams = endpoint.datagrams();
    datagrams.holds.set(datagrams.holds.get() + 1);
    update_interest(endpoint);
}

pub(in crate::net) fn release<E: Endpoint>(endpoint: &E) {
    let datagrams = endpoint.datagrams();
    datagrams.holds.set(datagrams.holds.get().saturating_sub(1));
    update_interest(endpoint);
}
