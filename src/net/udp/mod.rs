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
use crate::event_loop::{
    Buffer, Description, Descriptor, Handle, Interest, Origin, ResourceKind, Source,
};
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

impl Inner {
    /// Its last event has been told, or nobody hears it any more.
    fn over(&self) {
        self.emitter.clear();
    }
}

engine::handle!(UdpSocket: std::net::UdpSocket, SocketAddr);

impl fmt::Display for UdpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UDP socket {}", self.name())
    }
}
