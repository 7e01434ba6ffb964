//! How a socket comes to be.

use super::{Inner, Parent, Socket, SocketOptions};
use crate::emitter::EventEmitter;
use crate::emitter::names::Connect;
use crate::error::{Error, ErrorKind, Result};
use crate::event_loop::{Handle, Origin};
use crate::io::{self as engine, Duplex, Endpoint as _};
use crate::net::address::Address as Target;
use crate::net::connect;
use crate::net::connector::Plan;
#[cfg(unix)]
use crate::net::place;
use crate::net::standard::StdStream;
use crate::net::sys::{self, Raw};
#[cfg(unix)]
use crate::net::unix;
#[cfg(unix)]
use socket2::SockAddr;
use std::cell::Cell;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::panic::Location;
#[cfg(unix)]
use std::path::Path;
use std::rc::Rc;
#[cfg(unix)]
use std::time::Duration;

/// How long to rest where as many wait already as may: at first, and at most.
#[cfg(unix)]
const SHORTEST_REST: Duration = Duration::from_millis(1);
#[cfg(unix)]
const LONGEST_REST: Duration = Duration::from_millis(100);

impl Socket {
    /// Connects to `HOST:PORT`. A name is looked up on the blocking pool, and its addresses are tried beside each other,
    /// the next one 250 ms after the one before; the first that answers is taken.
    /// [`Connector`](crate::net::Connector) has more to say.
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
        let options = SocketOptions::new();
        Self::connect_with(options, Plan::DEFAULT, &address.to_string(), Location::caller())
    }

    /// Connects to a Unix socket. On Linux, a path that begins with a zero is a name in the abstract namespace.
    ///
    /// # Errors
    ///
    /// At once: not a path, or longer than the about hundred bytes that the system allows; not in a loop.
    /// Later, as an error event: nobody is there.
    ///
    /// ```
    /// use onward::{events::*, net::{Server, Socket}};
    ///
    /// let path = std::env::temp_dir().join(format!("onward-doc-{}.sock", std::process::id()));
    /// onward::run(|| {
    ///     let server = Server::listen_path(&path)?;
    ///     server.on(Connection, |server, socket| {
    ///         server.close();
    ///         socket.end_with("hello");
    ///     });
    ///     let socket = Socket::connect_path(&path)?;
    ///     socket.on(Data, |_, chunk| assert_eq!(chunk, b"hello"));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[cfg(unix)]
    #[track_caller]
    pub fn connect_path(path: impl AsRef<Path>) -> Result<Self> {
        Self::connect_unix(SocketOptions::new(), path.as_ref(), Location::caller())
    }

    /// Takes over a connection of the standard library, which stands.
    ///
    /// # Errors
    ///
    /// The system's; or not in a loop.
    ///
    /// ```
    /// use onward::{events::*, net::Socket};
    /// use std::io::Write as _;
    /// use std::net::{TcpListener, TcpStream};
    ///
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let mut peer = TcpStream::connect(listener.local_addr()?)?;
    /// onward::run(|| {
    ///     let socket = Socket::from_std(listener.accept()?.0)?;
    ///     socket.on(Data, |_, chunk| assert_eq!(chunk, b"hello"));
    ///     peer.write_all(b"hello")?;
    ///     drop(peer);
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[track_caller]
    pub fn from_std<S: StdStream>(stream: S) -> Result<Self> {
        let (handle, origin) = (Handle::for_operation("take over")?, Location::caller());
        let raw = Raw::from(stream.into());
        raw.set_nonblocking(true).map_err(|error| Error::io("take over", error))?;
        let peer = raw.peer_addr().ok().and_then(|peer| peer.as_socket());
        let socket = Self::new(handle, peer, None, S::UNIX, origin);
        engine::attach(&socket, raw, true);
        Ok(socket)
    }

    /// Hands the connection back, blocking as the standard library's are. The socket is over, without a word to
    /// the peer: `Close` comes. What the peer has sent and nobody has read is still to be read.
    ///
    /// # Errors
    ///
    /// It does not stand, or not any more; bytes wait to be sent; it is of the other kind (TCP, Unix) than
    /// what is asked for. Then it is as before.
    ///
    /// ```
    /// use onward::{events::*, net::{Server, Socket}};
    /// use std::io::{Read as _, Write as _};
    /// use std::net::TcpStream;
    ///
    /// onward::run(|| {
    ///     let server = Server::listen("127.0.0.1:0")?;
    ///     server.on(Connection, |server, socket| {
    ///         server.close();
    ///         let mut stream: TcpStream = socket.into_std().expect("nothing is queued");
    ///         onward::spawn_blocking(move || stream.write_all(b"from a thread"));
    ///     });
    ///     let client = Socket::connect(server.local_addr())?;
    ///     client.on(Data, |_, chunk| assert_eq!(chunk, b"from a thread"));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    pub fn into_std<S: StdStream>(self) -> Result<S> {
        let duplex = &self.0.duplex;
        let wrong = |what: &'static str| {
            Err(Error::new(ErrorKind::InvalidInput, "hand back").on(self.target()).because(what))
        };
        if S::UNIX != self.0.unix {
            return wrong("it is of the other kind");
        }
        if self.is_destroyed() || !duplex.is_ready() {
            return wrong("it is not connected");
        }
        #[cfg(feature = "tls")]
        if self.has_layer() {
            return wrong("it is encrypted");
        }
        engine::send_waiting(&self);
        if duplex.queued() > 0 {
            return wrong("bytes wait to be sent");
        }
        let told = duplex.with_bytes(|raw| raw.set_nonblocking(false)).unwrap_or(Ok(()));
        told.map_err(|error| Error::io("hand back", error).on(self.target()))?;
        let Some(raw) = duplex.detach() else { return wrong("it is not connected") };
        self.destroy();
        Ok(raw.into_socket().into())
    }

    pub(in crate::net) fn connect_with(
        options: SocketOptions,
        plan: Plan,
        address: &str,
        origin: Origin,
    ) -> Result<Self> {
        #[cfg(unix)]
        if let Some(path) = place::unix_path(address) {
            return Self::connect_unix(options, &path, origin);
        }
        let handle = Handle::for_operation("connect")?;
        let address = Target::parse("connect", address)?;
        let socket = Self::new(handle, None, None, false, origin);
        socket.take(options);
        connect::start(&socket, address, plan);
        Ok(socket)
    }

    #[cfg(unix)]
    pub(super) fn connect_unix(
        options: SocketOptions,
        path: &Path,
        origin: Origin,
    ) -> Result<Self> {
        let handle = Handle::for_operation("connect")?;
        let address = unix::address("connect", path)?;
        let socket = Self::new(handle, None, None, true, origin);
        socket.take(options);
        socket.0.rare().path.replace(Some(path.into()));
        socket.try_path(Box::new((address, options)), SHORTEST_REST);
        Ok(socket)
    }

    #[cfg(unix)]
    fn try_path(&self, to: Box<(SockAddr, SocketOptions)>, rest: Duration) {
        match unix::connect(&to.0, &to.1) {
            // That it stands is told by the first readiness.
            Ok(raw) => engine::attach(self, raw, false),
            // As many wait there as may. Nothing tells when one of them goes.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                engine::enroll(self);
                let (inner, origin) = (self.downgraded(), self.0.duplex.origin());
                let again = move || {
                    let socket = Self::upgraded(&inner).filter(|socket| !socket.is_destroyed());
                    if let Some(socket) = socket {
                        socket.try_path(to, (rest * 2).min(LONGEST_REST));
                    }
                };
                self.handle().set_timeout_from(origin, rest, again).unref();
            }
            Err(error) => {
                engine::destroy(self, Some(Error::io("connect", error).on(self.target())));
            }
        }
    }

    fn take(&self, options: SocketOptions) {
        if options == SocketOptions::new() {
            return;
        }
        if options.concerns_attempts() {
            self.0.rare().options.set(options);
        }
        options.adopt(self);
        options.connect_limit().into_iter().for_each(|limit| self.limit_connecting(limit));
    }

    fn new(
        handle: Handle,
        peer: Option<SocketAddr>,
        parent: Option<Rc<Parent>>,
        unix: bool,
        origin: Origin,
    ) -> Self {
        let socket = Self(Rc::new(Inner {
            emitter: EventEmitter::new(),
            duplex: Duplex::new(handle, origin),
            unix,
            peer: Cell::new(None),
            parent,
        }));
        peer.into_iter().for_each(|peer| socket.0.set_peer(peer));
        socket
    }

    /// A connection that stands, on the loop; its server was made at `origin`.
    pub(in crate::net) fn accepted(
        handle: Handle,
        raw: Raw,
        peer: Option<SocketAddr>,
        parent: Rc<Parent>,
        unix: bool,
        origin: Origin,
    ) -> Self {
        parent.opened();
        let socket = Self::new(handle, peer, Some(parent), unix, origin);
        engine::attach(&socket, raw, true);
        socket
    }

    /// A socket on its way to an address; whether it gets there shows when it becomes writable.
    pub(in crate::net) fn open(&self, address: SocketAddr) -> io::Result<Raw> {
        let raw = sys::tcp(address)?;
        if let Some(rare) = self.0.known() {
            rare.options.get().prepare(&raw)?;
        }
        sys::connect(raw, address)
    }

    /// It stands, with this peer: tell so, and let bytes flow.
    pub(in crate::net) fn established(&self, peer: SocketAddr) {
        self.0.set_peer(peer);
        let late = self.0.known().filter(|rare| rare.late.get()).map(|rare| rare.options.get());
        let told =
            late.and_then(|options| self.0.duplex.with_bytes(|raw| options.tell(raw, false)));
        if let Some(Err(error)) = told {
            let error = super::refused("set option", error).on(self.target());
            return engine::destroy(self, Some(error));
        }
        self.stand();
    }

    pub(super) fn stand(&self) {
        self.stop_limit();
        self.touch();
        #[cfg(feature = "tls")]
        if self.goes_on_with_layer() {
            return;
        }
        engine::establish(self, || self.tell_connect());
    }

    pub(super) fn tell_connect(&self) {
        self.0.emitter.emit(self, Connect, ());
    }
}
