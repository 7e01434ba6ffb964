//! Unix sockets for datagrams.

mod sending;

use super::datagram::{self as engine, DatagramStats, Datagrams, Endpoint, UnixHandle};
use super::place::Address;
use super::unix::{self, File};
use crate::emitter::Downgrade;
use crate::emitter::names::{Close, Connect, Drain, Listening, Message, Truncated};
use crate::emitter::{Emitter, Event, EventEmitter, Listeners, Pausable, Recall};
use crate::error::{Error, Result};
use crate::event_loop::{
    Buffer, Description, Descriptor, Handle, Interest, Origin, ResourceKind, Source,
};
use std::any::TypeId;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::panic::Location;
use std::path::Path;
use std::rc::Rc;

crate::events! {
    pub for UnixDatagram {
        use Listening(),
        use Connect(),
        use Message(&[u8], Address),
        use Truncated(&[u8], Address),
        use Drain(),
        use Close(),
        error Error,
        /// All events of a [`UnixDatagram`].
        enum UnixDatagramEvent,
    }
}

/// Sends and receives datagrams through a Unix socket: to programs on this machine, in order, and none is lost.
///
/// It is a [`UdpSocket`](super::UdpSocket) with paths for addresses; what stands there of events, their order and errors
/// goes for this one too, but for what follows.
///
/// - A peer that does not read makes who sends wait: the rest is queued, and `Drain` comes later. What waits for one peer is
///   sent before what was sent to others later.
/// - A sender that is not bound has no name, and cannot be answered.
/// - A datagram may be longer than 64 KiB, where the system allows it; then only its beginning is read
///   ([`Truncated`]).
///
/// ```
/// use onward::{events::*, net::{Address, UnixDatagram}};
///
/// let path = std::env::temp_dir().join(format!("onward-doc-{}.log", std::process::id()));
/// onward::run(|| {
///     let log = UnixDatagram::bind(&path)?;
///     log.on(Message, |log, (line, _)| {
///         assert_eq!(line, b"something has happened");
///         log.close(); // the file goes with it
///     });
///     let program = UnixDatagram::new()?;
///     program.send_to("something has happened", Address::from_path(&path)?);
///     program.close();
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[derive(Clone)]
pub struct UnixDatagram(Rc<Inner>);

struct Inner {
    emitter: EventEmitter<UnixDatagram>,
    datagrams: Datagrams<UnixHandle>,
    peer: Cell<Option<Address>>,
    local: Cell<Option<Address>>,
    file: RefCell<Option<File>>,
}

impl UnixDatagram {
    /// A socket without a name: it can send, and nobody can answer.
    ///
    /// # Errors
    ///
    /// The system's; or not in a loop.
    #[track_caller]
    pub fn new() -> Result<Self> {
        let handle = Handle::for_operation("open Unix socket")?;
        let failed = |error| Error::io_or_descriptors("open Unix socket", error);
        Ok(Self::on(handle, Location::caller(), UnixHandle::new().map_err(failed)?, None))
    }

    /// A socket at a path, where others can send to. On Linux, a path that begins with a zero is a name in the abstract
    /// namespace. The file is removed when the socket is closed, if it is still the same; one that is there already is
    /// never removed.
    ///
    /// # Errors
    ///
    /// Not a path, or longer than the about hundred bytes that the system allows; in use; not allowed; or not in a loop.
    #[track_caller]
    pub fn bind(path: impl AsRef<Path>) -> Result<Self> {
        let handle = Handle::for_operation("bind")?;
        unix::address("bind", path.as_ref())?;
        let address = Address::of_path(path.as_ref());
        let failed = |error| Error::io_or_descriptors("bind", error).on(address);
        let socket = UnixHandle::new().map_err(failed)?;
        socket.bind(&address).map_err(failed)?;
        let file = address.path().map(File::new).transpose().map_err(failed)?;
        Ok(Self::on(handle, Location::caller(), socket, file))
    }

    /// Two sockets without names that are connected to each other.
    ///
    /// # Errors
    ///
    /// The system's; or not in a loop.
    ///
    /// ```
    /// use onward::{events::*, net::UnixDatagram};
    ///
    /// onward::run(|| {
    ///     let (first, second) = UnixDatagram::pair()?;
    ///     first.send("hello");
    ///     second.on(Message, move |second, (bytes, _)| {
    ///         assert_eq!(bytes, b"hello");
    ///         [&first, second].into_iter().for_each(UnixDatagram::close);
    ///     });
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[track_caller]
    pub fn pair() -> Result<(Self, Self)> {
        let handle = Handle::for_operation("open Unix socket")?;
        let failed = |error| Error::io_or_descriptors("open Unix socket", error);
        let (first, second) = UnixHandle::pair().map_err(failed)?;
        let origin = Location::caller();
        let pair = [first, second].map(|one| {
            let one = Self::on(handle.clone(), origin, one, None);
            engine::set_connected(&one, Some(true));
            one
        });
        let [first, second] = pair;
        Ok((first, second))
    }

    /// Takes over a socket of the standard library. The file that it is bound to stays.
    ///
    /// # Errors
    ///
    /// The system's; or not in a loop.
    #[track_caller]
    pub fn from_std(socket: std::os::unix::net::UnixDatagram) -> Result<Self> {
        let handle = Handle::for_operation("adopt Unix socket")?;
        let socket = UnixHandle::try_from(socket2::Socket::from(socket));
        let socket = socket.map_err(|error| Error::io("adopt Unix socket", error))?;
        // A peer may have no name.
        let peer = socket.peer_addr().ok();
        let adopted = Self::on(handle, Location::caller(), socket, None);
        adopted.0.peer.set(peer.filter(|peer| !is_unnamed(peer)));
        engine::set_connected(&adopted, Some(peer.is_some()));
        Ok(adopted)
    }

    fn on(handle: Handle, origin: Origin, socket: UnixHandle, file: Option<File>) -> Self {
        let new = Self(Rc::new(Inner {
            emitter: EventEmitter::new(),
            datagrams: Datagrams::new(handle, origin),
            peer: Cell::new(None),
            local: Cell::new(None),
            file: RefCell::new(file),
        }));
        engine::attach(&new, socket);
        new
    }

    /// Has [`send`](Self::send) go there, and only that peer's messages come. A second call changes the peer.
    ///
    /// # Errors
    ///
    /// Not a path; nobody is there; or it is closed.
    pub fn connect(&self, path: impl AsRef<Path>) -> Result<()> {
        unix::address("connect", path.as_ref())?;
        let to = Address::of_path(path.as_ref());
        let closed = || Err(io::ErrorKind::NotConnected.into());
        let connected = self.0.datagrams.with_socket(|socket| socket.connect(&to));
        let connected = connected.unwrap_or_else(closed);
        connected.map_err(|error| Error::io("connect", error).on(to))?;
        self.0.peer.set(Some(to));
        engine::set_connected(self, Some(true));
        let (connected, datagrams) = (self.clone(), &self.0.datagrams);
        datagrams.handle.next_tick_from(datagrams.origin, move || {
            if !connected.is_closed() {
                connected.0.emitter.emit(&connected, Connect, ());
            }
        });
        Ok(())
    }

    /// Has everybody's messages come again.
    ///
    /// # Errors
    ///
    /// The system's. Without a peer nothing happens.
    pub fn disconnect(&self) -> Result<()> {
        if !self.0.datagrams.is_connected() {
            return Ok(());
        }
        self.0.peer.set(None);
        engine::set_connected(self, Some(false));
        let done = self.0.datagrams.with_socket(UnixHandle::disconnect).unwrap_or(Ok(()));
        done.map_err(|error| Error::io("disconnect", error).on(self.name()))
    }

    /// Closes it, at once: nothing comes any more but `Close`. What waits to be sent is dropped. A second call does
    /// nothing.
    pub fn close(&self) {
        self.0.local.set(self.local_addr());
        engine::close(self);
    }

    /// Where it is bound; `None` if it is not.
    #[must_use]
    pub fn local_addr(&self) -> Option<Address> {
        let local = self.0.datagrams.with_socket(UnixHandle::local_addr);
        local
            .and_then(io::Result::ok)
            .filter(|local| !is_unnamed(local))
            .or_else(|| self.0.local.get())
    }

    /// The peer that it is connected to, if that has a name.
    #[must_use]
    pub fn peer_addr(&self) -> Option<Address> {
        self.0.peer.get()
    }

    /// What people call it.
    fn name(&self) -> String {
        match (self.local_addr(), self.peer_addr()) {
            (Some(local), Some(peer)) => format!("{local} to {peer}"),
            (Some(local), None) => local.to_string(),
            (None, Some(peer)) => format!("unix: to {peer}"),
            (None, None) => "unix:".into(),
        }
    }
}

impl Inner {
    /// Its last event has been told, or nobody hears it any more.
    fn over(&self) {
        let file = self.file.take();
        drop(file);
        self.emitter.clear();
    }
}

engine::handle!(UnixDatagram: UnixHandle, Address);

impl fmt::Display for UnixDatagram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unix datagram socket {}", self.name())
    }
}

fn is_unnamed(address: &Address) -> bool {
    address.unix_bytes().is_none_or(<[u8]>::is_empty)
}
