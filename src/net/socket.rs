//! A TCP connection.

use super::address::Address;
use super::connect::{self, Dial};
use crate::emitter::Downgrade;
use crate::emitter::names::{Close, Connect, Data, Drain, End, Finish};
use crate::emitter::{Emitter, Event, EventEmitter, Listeners, Pausable, Recall};
use crate::error::{Error, Result};
use crate::event_loop::{Description, Descriptor, Handle, Interest, Origin, ResourceKind, Source};
use crate::io::{self as engine, Duplex, Endpoint};
use crate::stream::{ReadControl, WriteControl};
use std::any::TypeId;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::panic::Location;
use std::rc::Rc;

crate::events! {
    pub for Socket {
        use Connect(),
        use Data(&[u8]),
        use End(),
        use Drain(),
        use Finish(),
        use Close(bool),
        error Error,
        /// All events of a [`Socket`].
        enum SocketEvent,
    }
}

/// A TCP connection: from [`Server`](super::Server)'s `Connection`, or from [`connect`](Self::connect).
///
/// A cheap handle: clones are the same socket. It is its being *open* that keeps a socket and its
/// listeners alive, not its handles; after `Close` it drops all listeners.
///
/// # Events
///
/// | event | payload | when |
/// |---|---|---|
/// | [`Connect`] | `()` | the connection stands (not on accepted sockets, which stand already) |
/// | [`Data`] | `&[u8]` | a chunk has come; borrowed, for the time of the call |
/// | [`End`] | `()` | the peer will send no more |
/// | [`Drain`] | `()` | the write queue is empty again, after a `write` that said `false` |
/// | [`Finish`] | `()` | after [`end`](Self::end): everything is sent, and the peer has been told |
/// | [`Error`](crate::events::Error) | `&onward::Error` | it broke; at most once, and `Close` follows |
/// | [`Close`] | `bool` | it is over; `true` after an error |
///
/// # Ordering
///
/// `Connect`, `Data`s, `End`, `Close`; `Drain` and `Finish` somewhere between. `Error` comes directly
/// before `Close`, nothing comes after `Close`, and no event is emitted from inside of the call that
/// causes it. A reset by the peer is an `Error`, without `End`.
///
/// Nothing is read before somebody wants it: the first `Data` listener, [`resume`](Self::resume) or a
/// pipe starts the flow. What is not read waits in the kernel, and makes the peer wait.
#[derive(Clone)]
pub struct Socket(Rc<Inner>);

// What every message needs comes first.
#[repr(C)]
pub(super) struct Inner {
    emitter: EventEmitter<Socket>,
    duplex: Duplex<TcpStream>,
    dial: RefCell<Option<Box<Dial>>>,
    parent: Option<Rc<dyn Parent>>,
    peer: Cell<Option<SocketAddr>>,
    local: Cell<Option<SocketAddr>>,
}

/// Who accepted a socket, and counts those that are open.
pub(super) trait Parent {
    fn child_closed(self: Rc<Self>);
}

impl Socket {
    /// Connects to `HOST:PORT`. A name is looked up on the blocking pool, and its addresses are
    /// tried one after the other.
    ///
    /// # Errors
    ///
    /// At once: not an address, or not in a loop. Later, as an error event: nobody is there.
    ///
    /// ```
    /// use onward::{events::*, net::Socket};
    ///
    /// onward::run(|| {
    ///     let socket = Socket::connect("127.0.0.1:1")?;
    ///     socket.on(Connect, |socket, ()| socket.end_with("hello\n"));
    ///     socket.on(Error, |_, error| assert!(error.to_string().starts_with("connect 127.0.0.1:1: ")));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[track_caller]
    pub fn connect(address: impl fmt::Display) -> Result<Self> {
        let handle = Handle::for_operation("connect")?;
        let address = Address::parse("connect", address)?;
        let socket = Self::new(handle, None, None, Location::caller());
        connect::start(&socket, address);
        Ok(socket)
    }

    fn new(
        handle: Handle,
        peer: Option<SocketAddr>,
        parent: Option<Rc<dyn Parent>>,
        origin: Origin,
    ) -> Self {
        Self(Rc::new(Inner {
            duplex: Duplex::new(handle, origin),
            emitter: EventEmitter::new(),
            local: Cell::new(None),
            peer: Cell::new(peer),
            dial: RefCell::new(None),
            parent,
        }))
    }

    /// A connection that stands, on the loop; its server was made at `origin`.
    pub(super) fn accepted(
        handle: Handle,
        stream: TcpStream,
        peer: Option<SocketAddr>,
        parent: Rc<dyn Parent>,
        origin: Origin,
    ) -> Self {
        let socket = Self::new(handle, peer, Some(parent), origin);
        engine::attach(&socket, stream, true);
        socket
    }

    /// Sends bytes, in order: at once what the system takes, the rest from a queue.
    ///
    /// `false` asks to wait for `Drain` before more is written; what was written is on its way all the
    /// same. Before the connection stands, everything is queued. Never fails by itself: errors are
    /// events.
    ///
    /// # Errors
    ///
    /// As an event, with `Close`: written to after [`end`](Self::end); more queued than
    /// [`set_max_queued`](Self::set_max_queued) allows; a broken connection. After the socket was
    /// destroyed nothing happens, and `false` comes back.
    #[inline]
    #[allow(clippy::must_use_candidate, reason = "small answers need not ask")]
    pub fn write(&self, bytes: impl AsRef<[u8]>) -> bool {
        engine::write(self, bytes.as_ref())
    }

    /// Nothing more will be written: what waits is sent, then the peer is told; `Finish` comes then.
    pub fn end(&self) {
        engine::end(self);
    }

    /// Writes a last time, and [`end`](Self::end)s.
    pub fn end_with(&self, bytes: impl AsRef<[u8]>) {
        self.write(bytes);
        self.end();
    }

    /// Has [`end`](Self::end) been called, or did the peer's `End` end this side too?
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.0.duplex.is_ending()
    }

    /// Ends it at once, in both directions. What waits to be sent is dropped; only `Close` follows.
    pub fn destroy(&self) {
        engine::destroy(self, None);
    }

    /// Has it been destroyed, or is it closed?
    #[must_use]
    pub fn is_destroyed(&self) -> bool {
        self.0.duplex.is_destroyed()
    }

    /// No more `Data`, from this moment on. The peer has to wait once the kernel's buffers are full.
    pub fn pause(&self) {
        engine::pause(self);
    }

    /// `Data` may come.
    pub fn resume(&self) {
        engine::resume(self);
    }

    /// Was it paused?
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.0.duplex.is_paused()
    }

    /// With `true`, the peer's `End` does not end this side: it may go on writing, and has to
    /// [`end`](Self::end) itself. `false` unless set.
    pub fn set_half_open(&self, allowed: bool) {
        self.0.duplex.set_half_open(allowed);
    }

    /// Sends small writes at once, instead of waiting for more to send with them (`TCP_NODELAY`).
    ///
    /// # Errors
    ///
    /// The system's. Before the connection stands, or after it is over, nothing happens.
    pub fn set_no_delay(&self, no_delay: bool) -> Result<()> {
        let set = self.0.duplex.with_bytes(|stream| stream.set_nodelay(no_delay)).unwrap_or(Ok(()));
        set.map_err(|error| Error::io("set no-delay", error).on(self.target()))
    }

    /// From how many queued bytes on `write` says `false`; 64 KiB unless set.
    pub fn set_high_water(&self, bytes: usize) {
        self.0.duplex.set_high_water(bytes);
    }

    /// How many bytes may wait for a peer that does not read; 16 MiB unless set. One more is an error
    /// event ([`ErrorKind::QueueFull`](crate::ErrorKind::QueueFull)), and the end.
    pub fn set_max_queued(&self, bytes: usize) {
        self.0.duplex.set_cap(bytes);
    }

    /// Bytes that wait to be sent.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.0.duplex.queued()
    }

    /// Did a `write` say `false`, and its `Drain` not come yet?
    #[must_use]
    pub fn needs_drain(&self) -> bool {
        self.0.duplex.needs_drain()
    }

    /// Bytes that have come.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.0.duplex.received()
    }

    /// Bytes that were handed to the system, those in the queue not included.
    #[must_use]
    pub fn bytes_written(&self) -> u64 {
        self.0.duplex.sent()
    }

    /// The peer's address; `None` before the connection stands.
    #[must_use]
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.0.peer.get()
    }

    /// This side's address; `None` before the connection stands, or if nobody asked before it closed.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        let known = self.0.local.get();
        if known.is_none() && self.0.duplex.is_ready() {
            let local = self.0.duplex.with_bytes(TcpStream::local_addr);
            self.0.local.set(local.and_then(io::Result::ok));
        }
        self.0.local.get()
    }

    /// The loop need not wait for this socket.
    pub fn unref(&self) {
        self.0.duplex.count(false);
    }

    /// The loop waits for this socket, as it does unless told otherwise.
    pub fn ref_(&self) {
        self.0.duplex.count(true);
    }

    pub(super) fn dial(&self) -> &RefCell<Option<Box<Dial>>> {
        &self.0.dial
    }

    pub(super) fn handle(&self) -> &Handle {
        &self.0.duplex.handle
    }

    /// It stands: tell so, and let bytes flow.
    pub(super) fn established(&self, peer: SocketAddr) {
        self.0.peer.set(Some(peer));
        self.0.duplex.set_ready();
        self.0.emitter.emit(self, Connect, ());
        self.handle().settle();
        if !self.is_destroyed() {
            engine::establish(self);
        }
    }
}

impl Downgrade for Socket {
    fn downgrade(&self) -> impl Fn() -> Option<Self> + 'static {
        let inner = Rc::downgrade(&self.0);
        move || inner.upgrade().map(Self)
    }
}

impl Emitter for Socket {
    fn listeners(&self) -> &Listeners<Self> {
        &self.0.emitter
    }

    fn recall(&self) -> Option<Recall<Self>> {
        let inner = Rc::downgrade(&self.0);
        Some(Recall::new(move || inner.upgrade().map(Self)))
    }

    fn listener_added<E: Event<Self>>(&self, _: E) {
        if TypeId::of::<E>() == TypeId::of::<Data>() {
            engine::listen(self);
        }
    }
}

impl Endpoint for Socket {
    type Bytes = TcpStream;

    #[inline]
    fn duplex(&self) -> &Duplex<TcpStream> {
        &self.0.duplex
    }

    fn source(&self) -> Rc<dyn Source> {
        Rc::clone(&self.0) as Rc<dyn Source>
    }

    fn target(&self) -> String {
        let dialed = self.0.dial.borrow().as_ref().map(|dial| dial.target());
        dialed.or_else(|| self.0.peer.get().map(|peer| peer.to_string())).unwrap_or_default()
    }

    #[inline]
    fn tell_data(&self, chunk: &[u8]) {
        self.0.emitter.emit(self, Data, chunk);
    }

    fn tell_end(&self) {
        self.0.emitter.emit(self, End, ());
    }

    fn tell_drain(&self) {
        self.0.emitter.emit(self, Drain, ());
    }

    fn tell_finish(&self) {
        self.0.emitter.emit(self, Finish, ());
    }

    fn tell_error(&self, error: Error) {
        if let Err(unhandled) = self.0.emitter.emit_error(self, error) {
            self.handle().fail(Error::unhandled(self, unhandled.into_inner()));
        }
    }

    fn tell_close(&self, had_error: bool) {
        // Even if a listener panics.
        let _over = Over(self);
        self.0.emitter.emit(self, Close, had_error);
    }
}

/// When the last event has been told, the listeners go, and whoever counts open connections hears of it.
struct Over<'a>(&'a Socket);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        connect::give_up(self.0);
        self.0.0.emitter.clear();
        if let Some(parent) = &self.0.0.parent {
            Rc::clone(parent).child_closed();
        }
    }
}

impl Source for Inner {
    fn describe(&self) -> Description {
        let local =
            self.local.get().or_else(|| self.duplex.with_bytes(TcpStream::local_addr)?.ok());
        let dialed =
            self.dial.borrow().as_ref().map(|dial| format!("connecting to {}", dial.target()));
        let target = match (dialed, local, self.peer.get()) {
            (Some(dialed), ..) => dialed,
            (None, Some(local), Some(peer)) => format!("{local} to {peer}"),
            (None, local, peer) => local.or(peer).map_or_else(String::new, |one| one.to_string()),
        };
        Description { kind: ResourceKind::TcpSocket, target }
    }

    fn observe(&self) {
        self.emitter.observe();
    }

    fn lend(&self, to: &mut dyn FnMut(Descriptor<'_>) -> io::Result<()>) -> io::Result<()> {
        self.duplex.lend(to)
    }

    fn ready(self: Rc<Self>, readiness: Interest) {
        let socket = Socket(self);
        if socket.0.duplex.is_ready() {
            engine::ready(&socket, readiness);
        } else {
            connect::progress(&socket);
        }
    }

    fn refused(self: Rc<Self>, error: io::Error) {
        let socket = Socket(self);
        engine::destroy(&socket, Some(Error::io("watch", error).on(socket.target())));
    }

    fn shut(self: Rc<Self>) {
        Socket(self).destroy();
    }

    fn abandon(self: Rc<Self>) {
        drop(self.duplex.detach());
        self.emitter.clear();
    }
}

impl ReadControl for Socket {
    fn pause(&self) {
        self.pause();
    }
    fn resume(&self) {
        self.resume();
    }
    fn hold(&self) {
        engine::hold(self);
    }
    fn release(&self) {
        engine::release(self);
    }
    fn has_ended(&self) -> bool {
        self.0.duplex.has_ended()
    }
    fn destroy(&self) {
        self.destroy();
    }
    fn is_destroyed(&self) -> bool {
        self.is_destroyed()
    }
}

/// A stream of `Data` that blocks lets the peer wait while it is full; the socket's own
/// [`pause`](Socket::pause) stays what it is.
impl Pausable for Socket {
    fn pauser(&self) -> impl Fn(bool) + 'static {
        let socket = Rc::downgrade(&self.0);
        move |pause| {
            let socket = socket.upgrade().map(Socket);
            socket.iter().for_each(if pause { engine::hold } else { engine::release });
        }
    }
}

impl WriteControl for Socket {
    fn write_chunk(&self, chunk: &[u8]) -> bool {
        self.write(chunk)
    }
    fn end(&self) {
        self.end();
    }
    fn destroy(&self) {
        self.destroy();
    }
    fn is_destroyed(&self) -> bool {
        self.is_destroyed()
    }
}

/// Two handles are equal if they are handles to the same socket.
impl PartialEq for Socket {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Socket {}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match (self.is_destroyed(), self.0.duplex.is_ready()) {
            (true, _) => ", closed",
            (false, false) => ", connecting",
            (false, true) => "",
        };
        write!(f, "Socket({}{state})", self.target())
    }
}

impl fmt::Display for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Socket {}", self.target())
    }
}
