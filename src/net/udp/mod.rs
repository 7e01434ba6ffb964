//! UDP.

mod connecting;
mod multicast;
mod options;
mod sending;

pub use multicast::MulticastInterface;
pub use options::UdpOptions;

use super::datagram::{self as engine, DatagramStats, Datagrams, Endpoint};
use super::resolve::Ticket;
use crate::emitter::Downgrade;
use crate::emitter::names::{Close, Connect, Drain, Listening, Message, Truncated};
use crate::emitter::{Emitter, Event, EventEmitter, Listeners, Pausable, Recall};
use crate::error::{Error, Result};
use crate::event_loop::{Description, Descriptor, Handle, Interest, Origin, ResourceKind, Source};
use std::any::TypeId;
use std::cell::Cell;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::panic::Location;
use std::rc::Rc;

crate::events! {
    pub for UdpSocket {
        use Listening(),
        use Connect(),
        use Message(&[u8], SocketAddr),
        use Truncated(&[u8], SocketAddr),
        use Drain(),
        use Close(),
        error Error,
        /// All events of a [`UdpSocket`].
        enum UdpEvent,
    }
}

/// Sends and receives datagrams by UDP.
///
/// A cheap handle: clones are the same socket. It is its being *open* that keeps a socket and its listeners
/// alive, not its handles; after `Close` it drops all listeners.
///
/// # Events
///
/// | event | payload | when |
/// |---|---|---|
/// | [`Listening`] | `()` | soon after it was bound |
/// | [`Message`] | `(&[u8], SocketAddr)` | a datagram has come, from there; the bytes are borrowed, for the time of the call |
/// | [`Truncated`] | `(&[u8], SocketAddr)` | one has come that was longer than [`set_max_message`](Self::set_max_message) allows: its beginning |
/// | [`Connect`] | `()` | soon after [`connect`](Self::connect) |
/// | [`Drain`] | `()` | nothing waits to be sent any more, after a send that said `false` |
/// | [`Error`](crate::events::Error) | `&onward::Error` | something was not sent, or could not be delivered; the socket stays open |
/// | [`Close`] | `()` | after [`close`](Self::close) |
///
/// An empty datagram is a message like others.
///
/// # Ordering
///
/// `Listening` first, `Close` last, and nothing but that after [`close`](Self::close). No event is emitted from inside
/// of the call that causes it.
///
/// Nothing is received that nobody would hear: messages are read while there is a [`Message`] listener, or after
/// [`resume`](Self::resume), and wait in the kernel else, as long as it has room. So a future of
/// [`next(Message)`](crate::Waiting::next) loses none to the time between it and the next one.
///
/// # Errors
///
/// The network may lose datagrams, and tells nobody. Only the peer's machine may answer that nobody listens there; a
/// socket that is [connected](Self::connect) hears of that as an `Error`, when it has sent something.
///
/// ```
/// use onward::{events::*, net::UdpSocket};
///
/// onward::run(|| {
///     let echo = UdpSocket::bind("127.0.0.1:0")?;
///     echo.on(Message, |echo, (bytes, from)| { echo.send_to(bytes, from); });
///
///     let client = UdpSocket::new()?;
///     client.connect(echo.local_addr().expect("it is bound"))?;
///     client.send("ping");
///     client.on(Message, move |client, (bytes, _)| {
///         assert_eq!(bytes, b"ping");
///         client.close();
///         echo.close();
///     });
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[derive(Clone)]
pub struct UdpSocket(Rc<Inner>);

struct Inner {
    emitter: EventEmitter<UdpSocket>,
    datagrams: Datagrams<std::net::UdpSocket>,
    peer: Cell<Option<SocketAddr>>,
    /// What it was bound to, once it is closed.
    local: Cell<Option<SocketAddr>>,
    /// The name of the peer is being looked up.
    looking: Cell<Option<Ticket>>,
    /// How often it was connected, or disconnected.
    connects: Cell<u64>,
}

impl UdpSocket {
    /// A socket that is bound when it first sends or [`connect`](Self::connect)s, to a port of the system's choice on
    /// all addresses of that family. Before that it is not on the loop, and does not hold it.
    ///
    /// # Errors
    ///
    /// Not in a loop.
    #[doc(alias = "createSocket")]
    #[track_caller]
    pub fn new() -> Result<Self> {
        Ok(Self::on(Handle::for_operation("open UDP socket")?, Location::caller()))
    }

    /// A socket on `HOST:PORT`, where the host is a number or `localhost`, and port 0 is any free one.
    /// [`UdpOptions`] has more to say.
    ///
    /// # Errors
    ///
    /// Not an address, in use, not of this machine, not allowed; or not in a loop.
    #[track_caller]
    pub fn bind(address: impl fmt::Display) -> Result<Self> {
        UdpOptions::new().bind(address)
    }

    /// Takes over a socket of the standard library, which is bound, and may be connected.
    ///
    /// # Errors
    ///
    /// The system's; or not in a loop.
    ///
    /// ```
    /// use onward::{events::*, net::UdpSocket};
    ///
    /// onward::run(|| {
    ///     let socket = UdpSocket::from_std(std::net::UdpSocket::bind("127.0.0.1:0")?)?;
    ///     socket.on(Listening, |socket, ()| socket.close());
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[track_caller]
    pub fn from_std(socket: std::net::UdpSocket) -> Result<Self> {
        let handle = Handle::for_operation("adopt UDP socket")?;
        socket.set_nonblocking(true).map_err(|error| Error::io("adopt UDP socket", error))?;
        let (adopted, peer) = (Self::on(handle, Location::caller()), socket.peer_addr().ok());
        engine::attach(&adopted, socket);
        adopted.0.peer.set(peer);
        engine::set_connected(&adopted, Some(peer.is_some()));
        Ok(adopted)
    }

    fn on(handle: Handle, origin: Origin) -> Self {
        Self(Rc::new(Inner {
            emitter: EventEmitter::new(),
            datagrams: Datagrams::new(handle, origin),
            peer: Cell::new(None),
            local: Cell::new(None),
            looking: Cell::new(None),
            connects: Cell::new(0),
        }))
    }

    /// Binds it to any port, of the family of that address, if it is not bound yet.
    fn bind_for(&self, peer: SocketAddr) -> io::Result<()> {
        if self.0.datagrams.is_bound() || self.is_closed() {
            return Ok(());
        }
        let any: SocketAddr = match peer {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpOptions::new().open(any)?;
        engine::attach(self, socket);
        Ok(())
    }

    /// Closes it, at once: nothing comes any more but `Close`. What waits to be sent is dropped. A second call does
    /// nothing.
    pub fn close(&self) {
        self.0.local.set(self.local_addr());
        self.stop_looking();
        engine::close(self);
    }

    /// Has it been closed?
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.datagrams.is_closed()
    }

    /// No more messages, from this moment on. They wait in the kernel, and what it has no room for is lost.
    pub fn pause(&self) {
        engine::pause(self);
    }

    /// Messages may come, also if nobody listens for them.
    pub fn resume(&self) {
        engine::resume(self);
    }

    /// Was it paused?
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.0.datagrams.is_paused()
    }

    /// The longest datagram that is a `Message`; what is longer is [`Truncated`]. 64 KiB unless set, which is more than
    /// UDP can carry.
    pub fn set_max_message(&self, bytes: usize) {
        self.0.datagrams.set_most(bytes);
    }

    /// How many bytes may wait to be sent; 1 MiB unless set. A datagram that is more is refused
    /// ([`ErrorKind::QueueFull`](crate::ErrorKind::QueueFull)).
    pub fn set_max_queued(&self, bytes: usize) {
        self.0.datagrams.set_cap(bytes);
    }

    /// What it has done so far, and what waits to be sent.
    #[must_use]
    pub fn stats(&self) -> DatagramStats {
        self.0.datagrams.stats()
    }

    /// Where it is bound, with the port that it got; `None` if it is not. A socket on all addresses that is connected
    /// has the one that its peer sees.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        let local = self.0.datagrams.with_socket(std::net::UdpSocket::local_addr);
        local.and_then(io::Result::ok).or_else(|| self.0.local.get())
    }

    /// The peer that it is connected to.
    #[must_use]
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.0.peer.get()
    }

    /// The loop need not wait for this socket.
    pub fn unref(&self) {
        self.0.datagrams.count(false);
    }

    /// The loop waits for this socket while it is bound, as it does unless told otherwise.
    pub fn ref_(&self) {
        self.0.datagrams.count(true);
    }

    /// Does something with the socket, if it is open.
    fn with_socket<T>(
        &self,
        operation: &'static str,
        f: impl FnOnce(&std::net::UdpSocket) -> io::Result<T>,
    ) -> Result<T> {
        let closed = || Err(io::ErrorKind::NotConnected.into());
        let result = self.0.datagrams.with_socket(f).unwrap_or_else(closed);
        result.map_err(|error| Error::io(operation, error).on(self.name()))
    }

    /// What people call it.
    fn name(&self) -> String {
        match (self.local_addr(), self.peer_addr()) {
            (Some(local), Some(peer)) => format!("{local} to {peer}"),
            (Some(local), None) => local.to_string(),
            (None, _) => "unbound".into(),
        }
    }
}

impl Downgrade for UdpSocket {
    fn downgrade(&self) -> impl Fn() -> Option<Self> + 'static {
        let inner = Rc::downgrade(&self.0);
        move || inner.upgrade().map(Self)
    }
}

impl Emitter for UdpSocket {
    fn listeners(&self) -> &Listeners<Self> {
        &self.0.emitter
    }

    fn recall(&self) -> Option<Recall<Self>> {
        let inner = Rc::downgrade(&self.0);
        Some(Recall::new(move || inner.upgrade().map(Self)))
    }

    fn listener_added<E: Event<Self>>(&self, _: E) {
        if TypeId::of::<E>() == TypeId::of::<Message>() {
            engine::hear(self);
        }
    }
}

impl Endpoint for UdpSocket {
    type Handle = std::net::UdpSocket;

    fn datagrams(&self) -> &Datagrams<std::net::UdpSocket> {
        &self.0.datagrams
    }

    fn source(&self) -> Rc<dyn Source> {
        Rc::clone(&self.0) as Rc<dyn Source>
    }

    fn target(&self) -> String {
        self.peer_addr().map_or_else(|| self.name(), |peer| peer.to_string())
    }

    fn is_heard(&self) -> bool {
        self.listener_count(Message) > 0
    }

    fn tell_listening(&self) {
        self.0.emitter.emit(self, Listening, ());
    }

    fn tell_message(&self, bytes: &[u8], from: SocketAddr) {
        self.0.emitter.emit(self, Message, (bytes, from));
    }

    fn tell_truncated(&self, bytes: &[u8], from: SocketAddr) {
        self.0.emitter.emit(self, Truncated, (bytes, from));
    }

    fn tell_drain(&self) {
        self.0.emitter.emit(self, Drain, ());
    }

    fn tell_error(&self, error: Error) {
        if let Err(unhandled) = self.0.emitter.emit_error(self, error) {
            self.0.datagrams.handle.fail(Error::unhandled(self, unhandled.into_inner()));
        }
    }

    fn tell_close(&self) {
        // Even if a listener panics.
        struct Over<'a>(&'a UdpSocket);
        impl Drop for Over<'_> {
            fn drop(&mut self) {
                self.0.0.emitter.clear();
            }
        }
        let _over = Over(self);
        self.0.emitter.emit(self, Close, ());
    }
}

impl Source for Inner {
    fn describe(&self) -> Description {
        let local = self.datagrams.with_socket(std::net::UdpSocket::local_addr);
        let local = local.and_then(io::Result::ok).or_else(|| self.local.get());
        let local = local.map_or_else(String::new, |local| local.to_string());
        let peer = self.peer.get().map(|peer| format!(" to {peer}")).unwrap_or_default();
        Description { kind: ResourceKind::UdpSocket, target: local + &peer }
    }

    fn observe(&self) {
        self.emitter.observe();
    }

    fn lend(&self, to: &mut dyn FnMut(Descriptor<'_>) -> io::Result<()>) -> io::Result<()> {
        self.datagrams.lend(to)
    }

    fn ready(self: Rc<Self>, readiness: Interest) {
        engine::ready(&UdpSocket(self), readiness);
    }

    fn refused(self: Rc<Self>, error: io::Error) {
        engine::refused(&UdpSocket(self), error);
    }

    fn shut(self: Rc<Self>) {
        UdpSocket(self).close();
    }

    fn abandon(self: Rc<Self>) {
        drop(self.datagrams.detach());
        self.emitter.clear();
    }
}

/// A stream of `Message` that blocks leaves them to the kernel while it is full; the socket's own
/// [`pause`](UdpSocket::pause) stays what it is.
impl Pausable for UdpSocket {
    fn pauser(&self) -> impl Fn(bool) + 'static {
        let socket = Rc::downgrade(&self.0);
        move |pause| {
            let socket = socket.upgrade().map(UdpSocket);
            socket.iter().for_each(if pause { engine::hold } else { engine::release });
        }
    }
}

/// Two handles are equal if they are handles to the same socket.
impl PartialEq for UdpSocket {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for UdpSocket {}

impl fmt::Debug for UdpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.is_closed() { ", closed" } else { "" };
        write!(f, "UdpSocket({}{state})", self.name())
    }
}

impl fmt::Display for UdpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UDP socket {}", self.name())
    }
}
