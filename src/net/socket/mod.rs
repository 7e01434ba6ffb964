//! A connection: over TCP, or through a Unix socket.

mod async_io;
mod endpoint;
mod traits;
mod writing;

use super::address::Address as Target;
use super::connect::{self, Dial};
use super::place::{self, Address};
use super::sys::{self, Raw};
#[cfg(unix)]
use super::unix;
use crate::emitter::EventEmitter;
use crate::emitter::names::{Close, Connect, Data, Drain, End, Finish};
use crate::error::{Error, Result};
use crate::event_loop::{Handle, Origin};
use crate::io::{self as engine, Duplex, Endpoint as _};
use std::cell::{Cell, RefCell, RefMut};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::panic::Location;
#[cfg(unix)]
use std::path::{Path, PathBuf};
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

/// A connection over TCP or a Unix socket: from [`Server`](super::Server)'s `Connection`, or from
/// [`connect`](Self::connect).
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
    duplex: Duplex<Raw>,
    dial: RefCell<Option<Box<Dial>>>,
    parent: Option<Rc<dyn Parent>>,
    peer: Cell<Option<SocketAddr>>,
    /// Is it a Unix socket?
    unix: bool,
    rare: RefCell<Option<Box<Rare>>>,
}

/// What few sockets have.
#[derive(Default)]
struct Rare {
    /// The Unix socket that it connects to.
    #[cfg(unix)]
    path: Option<PathBuf>,
    /// This side's address, once somebody has asked.
    local: Option<Address>,
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
        let address = address.to_string();
        #[cfg(unix)]
        if let Some(path) = place::unix_path(&address) {
            return Self::connect_unix(handle, &path, Location::caller());
        }
        let address = Target::parse("connect", address)?;
        let socket = Self::new(handle, None, None, false, Location::caller());
        connect::start(&socket, address);
        Ok(socket)
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
        let handle = Handle::for_operation("connect")?;
        Self::connect_unix(handle, path.as_ref(), Location::caller())
    }

    #[cfg(unix)]
    fn connect_unix(handle: Handle, path: &Path, origin: Origin) -> Result<Self> {
        let address = unix::address("connect", path)?;
        let socket = Self::new(handle, None, None, true, origin);
        socket.0.rare().path = Some(path.into());
        match unix::connect(&address) {
            // That it stands is told by the first readiness.
            Ok(raw) => engine::attach(&socket, raw, false),
            Err(error) => {
                let error = Error::io("connect", error).on(place::show_path(path));
                engine::destroy(&socket, Some(error));
            }
        }
        Ok(socket)
    }

    fn new(
        handle: Handle,
        peer: Option<SocketAddr>,
        parent: Option<Rc<dyn Parent>>,
        unix: bool,
        origin: Origin,
    ) -> Self {
        Self(Rc::new(Inner {
            duplex: Duplex::new(handle, origin),
            emitter: EventEmitter::new(),
            peer: Cell::new(peer),
            dial: RefCell::new(None),
            parent,
            unix,
            rare: RefCell::new(None),
        }))
    }

    /// A connection that stands, on the loop; its server was made at `origin`.
    pub(super) fn accepted(
        handle: Handle,
        raw: Raw,
        peer: Option<SocketAddr>,
        parent: Rc<dyn Parent>,
        unix: bool,
        origin: Origin,
    ) -> Self {
        let socket = Self::new(handle, peer, Some(parent), unix, origin);
        engine::attach(&socket, raw, true);
        socket
    }

    /// Sends bytes, in order: at once what the system takes, the rest from a queue. What a listener of this
    /// socket writes in small pieces is sent when it returns, all in one system call; see
    /// [`set_autocork`](Self::set_autocork).
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
        let set = self.0.duplex.with_bytes(|raw| raw.set_tcp_nodelay(no_delay)).unwrap_or(Ok(()));
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

    /// The peer's address; `None` before the connection stands. A client of a Unix socket has seldom one.
    #[must_use]
    pub fn peer_addr(&self) -> Option<Address> {
        let known = self.0.peer.get().map(Address::from);
        #[cfg(unix)]
        if self.0.unix && self.0.duplex.is_ready() {
            let peer = self.0.duplex.with_bytes(Raw::peer_addr).and_then(io::Result::ok);
            return peer.as_ref().and_then(Address::of);
        }
        known
    }

    /// This side's address; `None` before the connection stands, or if nobody asked before it closed.
    #[must_use]
    pub fn local_addr(&self) -> Option<Address> {
        let rare = self.0.rare.borrow();
        if let Some(known) = rare.as_ref().and_then(|rare| rare.local) {
            return Some(known);
        }
        drop(rare);
        let local = self.0.local_addr().filter(|_| self.0.duplex.is_ready())?;
        self.0.rare().local = Some(local);
        Some(local)
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

    /// A socket on its way to an address; whether it gets there shows when it becomes writable.
    pub(super) fn open(&self, address: SocketAddr) -> io::Result<Raw> {
        sys::connect(address)
    }

    /// It stands, with this peer: tell so, and let bytes flow.
    pub(super) fn established(&self, peer: SocketAddr) {
        self.0.peer.set(Some(peer));
        self.stand();
    }

    fn stand(&self) {
        engine::establish(self, || _ = self.0.emitter.emit(self, Connect, ()));
    }
}

impl Inner {
    /// What few sockets have; from now on this one has it.
    fn rare(&self) -> RefMut<'_, Rare> {
        RefMut::map(self.rare.borrow_mut(), |rare| &mut **rare.get_or_insert_default())
    }

    fn local_addr(&self) -> Option<Address> {
        let local = self.duplex.with_bytes(Raw::local_addr)?.ok()?;
        Address::of(&local)
    }

    /// The path that it has connected to, or that its server listens at.
    fn unix_target(&self) -> Option<String> {
        #[cfg(unix)]
        if self.unix {
            let rare = self.rare.borrow();
            let path = rare.as_ref().and_then(|rare| rare.path.as_deref()).map(place::show_path);
            return path.or_else(|| self.local_addr().map(|local| local.to_string()));
        }
        None
    }
}
