//! Reading, writing and closing of a byte stream; what it is a stream of, it does not know.
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

use crate::error::{Error, ErrorKind};
use crate::event_loop::{Descriptor, Handle, Interest, Key, Source};
use crate::stream::{Flow, WriteQueue};
use std::cell::{Cell, RefCell};
use std::io::{self, IoSlice};
use std::rc::Rc;

/// Reads of one source per turn. The others are served before it gets more.
const READS_PER_TURN: usize = 16;
/// Vectored writes of one source per turn, likewise.
const WRITES_PER_TURN: usize = 32;

/// A non-blocking descriptor that bytes come from and go to.
pub(crate) trait ByteHandle {
    fn receive(&self, buffer: &mut [u8]) -> io::Result<usize>;
    fn send(&self, bytes: &[u8]) -> io::Result<usize>;
    fn send_vectored(&self, chunks: &[IoSlice<'_>]) -> io::Result<usize>;
    /// Tells the other side that nothing more will come.
    fn finish(&self) -> io::Result<()>;
    fn descriptor(&self) -> Descriptor<'_>;
}

/// A cheap handle to a stream that has such an engine, and tells what happens to it.
pub(crate) trait Endpoint: Clone + 'static {
    type Bytes: ByteHandle;
    fn duplex(&self) -> &Duplex<Self::Bytes>;
    /// What the registry keeps.
    fn source(&self) -> Rc<dyn Source>;
    /// What errors call it.
    fn target(&self) -> String;
    fn tell_data(&self, chunk: &[u8]);
    fn tell_end(&self);
    fn tell_drain(&self);
    fn tell_finish(&self);
    /// The last that it tells: the error, if there was one, then the close.
    fn tell_close(&self, error: Option<Error>);
}

/// The engine's state.
pub(crate) struct Duplex<H> {
    pub(crate) handle: Handle,
    bytes: RefCell<Option<H>>,
    key: Cell<Option<Key>>,
    counted: Cell<bool>,
    flow: Flow,
    queue: RefCell<WriteQueue>,
    /// Bytes may be sent: the connection stands.
    ready: Cell<bool>,
    finished: Cell<bool>,
    half_open: Cell<bool>,
    destroyed: Cell<bool>,
    error: RefCell<Option<Error>>,
    received: Cell<u64>,
    sent: Cell<u64>,
}

impl<H: ByteHandle> Duplex<H> {
    pub(crate) fn new(handle: Handle) -> Self {
        Self {
            handle,
            bytes: RefCell::new(None),
            key: Cell::new(None),
            counted: Cell::new(true),
            flow: Flow::default(),
            queue: RefCell::new(WriteQueue::new()),
            ready: Cell::new(false),
            finished: Cell::new(false),
            half_open: Cell::new(false),
            destroyed: Cell::new(false),
            error: RefCell::new(None),
            received: Cell::new(0),
            sent: Cell::new(0),
        }
    }

    /// Lends the descriptor.
    pub(crate) fn lend(
        &self,
        to: &mut dyn FnMut(Descriptor<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        self.bytes.borrow().as_ref().map_or(Ok(()), |bytes| to(bytes.descriptor()))
    }

    /// Does something with the open handle; no user code may run in here.
    pub(crate) fn with_bytes<T>(&self, f: impl FnOnce(&H) -> T) -> Option<T> {
        self.bytes.borrow().as_ref().map(f)
    }

    /// The same with a call that may fail. A handle that is closed would block for ever.
    fn attempt<T>(&self, call: impl FnOnce(&H) -> io::Result<T>) -> io::Result<T> {
        match &*self.bytes.borrow() {
            Some(bytes) => call(bytes),
            None => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    pub(crate) fn is_destroyed(&self) -> bool {
        self.destroyed.get()
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.ready.get()
    }

    /// From here on bytes may be sent; [`establish`] sends what waits.
    pub(crate) fn set_ready(&self) {
        self.ready.set(true);
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.flow.is_paused()
    }

    pub(crate) fn received(&self) -> u64 {
        self.received.get()
    }

    pub(crate) fn sent(&self) -> u64 {
        self.sent.get()
    }

    pub(crate) fn queued(&self) -> usize {
        self.queue.borrow().len()
    }

    pub(crate) fn needs_drain(&self) -> bool {
        self.queue.borrow().needs_drain()
    }

    pub(crate) fn is_ending(&self) -> bool {
        self.queue.borrow().is_ending()
    }

    pub(crate) fn set_high_water(&self, bytes: usize) {
        self.queue.borrow_mut().high_water = bytes;
    }

    pub(crate) fn set_cap(&self, bytes: usize) {
        self.queue.borrow_mut().cap = bytes;
    }

    pub(crate) fn set_half_open(&self, allowed: bool) {
        self.half_open.set(allowed);
    }

    pub(crate) fn count(&self, counted: bool) {
        self.counted.set(counted);
        if let Some(key) = self.key.get() {
            self.handle.count_source(key, counted);
        }
    }

    fn update_interest(&self) {
        let Some(key) = self.key.get() else { return };
        let reads = self.ready.get() && self.flow.is_flowing();
        let writes = !self.ready.get() || !self.queue.borrow().is_empty();
        self.handle.want(
            key,
            Interest::when(Interest::READ, reads) | Interest::when(Interest::WRITE, writes),
        );
    }

    /// Takes the descriptor off the loop and out of here.
    pub(crate) fn detach(&self) -> Option<H> {
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
    duplex.ready.set(ready);
    let key = duplex.handle.add_source(endpoint.source());
    duplex.key.set(Some(key));
    duplex.handle.count_source(key, duplex.counted.get());
    duplex.update_interest();
}

/// The connection stands: what was written before goes out, and reading may begin.
pub(crate) fn establish<E: Endpoint>(endpoint: &E) {
    endpoint.duplex().ready.set(true);
    flush(endpoint);
    endpoint.duplex().update_interest();
}

/// The descriptor is ready.
#[inline]
pub(crate) fn ready<E: Endpoint>(endpoint: &E, readiness: Interest) {
    if readiness.writes() {
        flush(endpoint);
    }
    if readiness.reads() {
        read(endpoint);
    }
}

fn read<E: Endpoint>(endpoint: &E) {
    let duplex = endpoint.duplex();
    for _ in 0..READS_PER_TURN {
        if !duplex.flow.is_flowing() || duplex.destroyed.get() {
            return;
        }
        let outcome = duplex.handle.with_scratch(|buffer| {
            match duplex.attempt(|bytes| bytes.receive(buffer)) {
                Ok(0) => Ok(None),
                Ok(count) => {
                    duplex.received.set(duplex.received.get() + count as u64);
                    endpoint.tell_data(&buffer[..count]);
                    Ok(Some(count == buffer.len()))
                }
                Err(error) => Err(error),
            }
        });
        match outcome {
            Ok(Some(filled)) => {
                duplex.handle.settle();
                if !filled {
                    return;
                }
            }
            Ok(None) => return ended(endpoint),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                return destroy(endpoint, Some(Error::io("read", error).on(endpoint.target())));
            }
        }
    }
}

/// The other side has said all it had to say.
fn ended<E: Endpoint>(endpoint: &E) {
    let duplex = endpoint.duplex();
    duplex.flow.end();
    duplex.update_interest();
    endpoint.tell_end();
    duplex.handle.settle();
    if !duplex.half_open.get() {
        end(endpoint);
    }
    close_if_done(endpoint);
}

/// Sends what waits.
fn flush<E: Endpoint>(endpoint: &E) {
    let duplex = endpoint.duplex();
    for _ in 0..WRITES_PER_TURN {
        if duplex.destroyed.get() || duplex.queue.borrow().is_empty() {
            break;
        }
        match duplex.attempt(|bytes| bytes.send_vectored(&duplex.queue.borrow().slices())) {
            Ok(count) => {
                duplex.sent.set(duplex.sent.get() + count as u64);
                duplex.queue.borrow_mut().consume(count);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                return destroy(endpoint, Some(Error::io("write", error).on(endpoint.target())));
            }
        }
    }
    if duplex.destroyed.get() || !duplex.queue.borrow().is_empty() {
        return;
    }
    duplex.update_interest();
    let drained = duplex.queue.borrow_mut().drained();
    if drained {
        endpoint.tell_drain();
        duplex.handle.settle();
    }
    finish_if_done(endpoint);
}

/// Tries to send at once, queues the rest. `false`: wait for `Drain`.
pub(crate) fn write<E: Endpoint>(endpoint: &E, bytes: &[u8]) -> bool {
    let duplex = endpoint.duplex();
    if duplex.destroyed.get() {
        return false;
    }
    let (waiting, ending) = {
        let queue = duplex.queue.borrow();
        (!queue.is_empty(), queue.is_ending())
    };
    if ending {
        let error = Error::new(ErrorKind::WriteAfterEnd, "write").on(endpoint.target());
        destroy(endpoint, Some(error));
        return false;
    }
    let sent = if waiting || !duplex.ready.get() { Ok(0) } else { send_now(duplex, bytes) };
    match sent {
        Ok(count) if count == bytes.len() => !duplex.needs_drain(),
        Ok(count) => queue_rest(endpoint, &bytes[count..]),
        Err(error) => {
            destroy(endpoint, Some(Error::io("write", error).on(endpoint.target())));
            false
        }
    }
}

#[inline]
fn send_now<H: ByteHandle>(duplex: &Duplex<H>, bytes: &[u8]) -> io::Result<usize> {
    match duplex.attempt(|handle| handle.send(bytes)) {
        Ok(count) => {
            duplex.sent.set(duplex.sent.get() + count as u64);
            Ok(count)
        }
        Err(error)
            if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) =>
        {
            Ok(0)
        }
        Err(error) => Err(error),
    }
}

#[cold]
fn queue_rest<E: Endpoint>(endpoint: &E, rest: &[u8]) -> bool {
    let duplex = endpoint.duplex();
    let pushed = duplex.queue.borrow_mut().push(rest);
    if let Ok(go_on) = pushed {
        duplex.update_interest();
        return go_on;
    }
    let error = Error::new(ErrorKind::QueueFull, "write").on(endpoint.target());
    destroy(endpoint, Some(error));
    false
}

/// No more will be written: what waits is sent, then the other side is told.
pub(crate) fn end<E: Endpoint>(endpoint: &E) {
    let duplex = endpoint.duplex();
    if duplex.destroyed.get() || duplex.queue.borrow().is_ending() {
        return;
    }
    duplex.queue.borrow_mut().end();
    let endpoint = endpoint.clone();
    duplex.handle.next_tick(move || finish_if_done(&endpoint));
}

fn finish_if_done<E: Endpoint>(endpoint: &E) {
    let duplex = endpoint.duplex();
    let due = {
        let queue = duplex.queue.borrow();
        queue.is_ending() && queue.is_empty()
    };
    if !due || duplex.finished.get() || duplex.destroyed.get() || !duplex.ready.get() {
        return;
    }
    duplex.finished.set(true);
    match duplex.attempt(ByteHandle::finish) {
        Err(error) if error.kind() != io::ErrorKind::NotConnected => {
            return destroy(endpoint, Some(Error::io("end", error).on(endpoint.target())));
        }
        _ => {}
    }
    endpoint.tell_finish();
    duplex.handle.settle();
    close_if_done(endpoint);
}

fn close_if_done<E: Endpoint>(endpoint: &E) {
    if endpoint.duplex().flow.has_ended() && endpoint.duplex().finished.get() {
        destroy(endpoint, None);
    }
}

/// Ends it at once. What waits is dropped; the descriptor is closed when the turn ends.
pub(crate) fn destroy<E: Endpoint>(endpoint: &E, error: Option<Error>) {
    let duplex = endpoint.duplex();
    if duplex.destroyed.replace(true) {
        return;
    }
    duplex.error.replace(error);
    duplex.flow.end();
    duplex.queue.borrow_mut().clear();
    if let Some(key) = duplex.key.take() {
        duplex.handle.remove_source(key);
    }
    let closed = endpoint.clone();
    duplex.handle.at_close(move || {
        drop(closed.duplex().bytes.take());
        let error = closed.duplex().error.take();
        closed.tell_close(error);
    });
}

/// Lets data come, pauses it, or takes notice that somebody listens for it.
pub(crate) fn resume<E: Endpoint>(endpoint: &E) {
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
    if endpoint.duplex().flow.listen() {
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
