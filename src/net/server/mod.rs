//! A server: over TCP, or at a Unix socket.

mod aborting;
mod accepting;
mod closing;
mod opening;
mod options;
mod traits;

pub use options::ServerOptions;

use super::place::Address;
use super::socket::{Heir, Parent, Socket};
use super::sys::Raw;
#[cfg(unix)]
use super::unix;
use crate::emitter::EventEmitter;
use crate::emitter::names::{Close, Connection, Dropped, Listening};
use crate::error::Error;
use crate::event_loop::{Handle, Key, Origin, Timer};
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::time::Duration;

crate::events! {
    pub for Server {
        use Listening(),
        use Connection(Socket),
        use Dropped(Address, Address),
        use Close(),
        error Error,
        /// All events of a [`Server`].
        enum ServerEvent,
    }
}

/// Listens on a TCP address, or at a Unix socket.
///
/// A cheap handle: clones are the same server.
///
/// # Events
///
/// | event | payload | when |
/// |---|---|---|
/// | [`Listening`] | `()` | soon after [`listen`](Self::listen) |
/// | [`Connection`] | [`Socket`] | somebody has connected |
/// | [`Dropped`] | two [`Address`]es | somebody was turned away, for there are [enough](Self::set_max_connections); this side's and theirs |
/// | [`Error`](crate::events::Error) | `&onward::Error` | nobody can be accepted for now; see below |
/// | [`Close`] | `()` | after [`close`](Self::close), when the last connection has closed |
///
/// A connection that no listener takes is closed.
///
/// # Errors
///
/// When the process is out of descriptors, accepting rests and is tried again by itself, between 10
/// milliseconds and a second later; who waits, waits in the kernel. The error event
/// ([`ErrorKind::OutOfDescriptors`](crate::ErrorKind::OutOfDescriptors)) tells once, until all who wait have
/// been accepted. The server is open all the time, and so are its connections.
#[derive(Clone)]
pub struct Server(Rc<Inner>);

struct Inner {
    handle: Handle,
    emitter: EventEmitter<Server>,
    address: Address,
    options: ServerOptions,
    /// The file that a Unix socket has, until it is removed.
    #[cfg(unix)]
    file: RefCell<Option<unix::File>>,
    listener: RefCell<Option<Raw>>,
    key: Cell<Option<Key>>,
    /// What its connections have in common; they keep it.
    parent: Weak<Parent>,
    /// The same, as long as it accepts more.
    accepting: RefCell<Option<Rc<Parent>>>,
    max_connections: Cell<usize>,
    rest: Cell<Option<(Timer, Duration)>>,
    stuck: Cell<bool>,
    /// How many were accepted at once, and in which turn, unless all have been who waited then.
    burst: Cell<(usize, Option<u64>)>,
    closing: Cell<bool>,
    closed: Cell<bool>,
    /// Where it was made.
    origin: Origin,
}

impl Server {
    /// Where it listens, with the port that it got.
    #[must_use]
    pub fn local_addr(&self) -> Address {
        self.0.address
    }

    /// Does it still accept?
    #[must_use]
    pub fn is_listening(&self) -> bool {
        !self.0.closing.get()
    }

    /// How many of its connections are open.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.0.parent.upgrade().map_or(0, |parent| parent.open())
    }

    /// Its connections that are open, as they are now, in no order.
    ///
    /// ```
    /// use onward::{events::*, net::{Server, Socket}};
    ///
    /// onward::run(|| {
    ///     let server = Server::listen("127.0.0.1:0")?;
    ///     server.on(Connection, |server, socket| {
    ///         socket.resume();
    ///         if server.connections() == 2 {
    ///             server.close();
    ///             server.sockets().iter().for_each(|socket| socket.end_with("to all"));
    ///         }
    ///     });
    ///     for _ in 0..2 {
    ///         let client = Socket::connect(server.local_addr())?;
    ///         client.on(Data, |_, chunk| assert_eq!(chunk, b"to all"));
    ///     }
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[must_use]
    pub fn sockets(&self) -> Vec<Socket> {
        // Seldom asked for, so nobody keeps a list.
        let parent = self.0.parent.upgrade();
        parent.map_or_else(Vec::new, |parent| Socket::accepted_by(&parent, &self.0.handle))
    }

    /// How many connections there may be at a time; as many as the system allows, unless set. Whoever comes
    /// then is accepted and closed, which they see as `End`, and [`Dropped`] tells. Those that are there already
    /// stay, also if they are more.
    pub fn set_max_connections(&self, connections: usize) {
        self.0.max_connections.set(connections);
    }

    /// The loop need not wait for this server.
    pub fn unref(&self) {
        self.count(false);
    }

    /// The loop waits for this server, as it does unless told otherwise.
    pub fn ref_(&self) {
        self.count(true);
    }

    fn count(&self, counted: bool) {
        if let Some(key) = self.0.key.get() {
            self.0.handle.count_source(key, counted);
        }
    }

    fn tell_error(&self, error: Error) {
        if let Err(unhandled) = self.0.emitter.emit_error(self, error) {
            self.0.handle.fail(Error::unhandled(self, unhandled.into_inner()));
        }
    }
}

impl Heir for Inner {
    fn last_has_closed(self: Rc<Self>) {
        Server(self).close_if_done();
    }
}
