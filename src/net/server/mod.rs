//! A server: over TCP, or at a Unix socket.

use super::address::Address as Target;
use super::place::{self, Address};
use super::socket::{Parent, Socket};
use super::sys::{self, AcceptError, Raw};
#[cfg(unix)]
use super::unix;
use crate::emitter::Downgrade;
use crate::emitter::names::{Close, Connection, Listening};
use crate::emitter::{Emitter, EventEmitter, Listeners, Recall};
use crate::error::{Error, ErrorKind, Result};
use crate::event_loop::{
    Description, Descriptor, Handle, Interest, Key, Origin, ResourceKind, Source, Timer, Trigger,
};
use crate::io as engine;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::panic::Location;
#[cfg(unix)]
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

/// Connections accepted per turn; those who are connected already are served before there are more.
const ACCEPTS_PER_TURN: usize = 64;
/// Connections that may wait to be accepted. The kernel lowers it to its own limit.
const BACKLOG: i32 = 1024;
/// How long accepting rests when nobody can be accepted: at first, and at most.
const SHORTEST_REST: Duration = Duration::from_millis(10);
const LONGEST_REST: Duration = Duration::from_secs(1);

crate::events! {
    pub for Server {
        use Listening(),
        use Connection(Socket),
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
/// | [`Error`](crate::events::Error) | `&onward::Error` | nobody can be accepted for now; see below |
/// | [`Close`] | `()` | after [`close`](Self::close), when the last connection has closed |
///
/// A connection that no listener takes is closed.
///
/// # Errors
///
/// When the process is out of descriptors, accepting rests and is tried again by itself, between 10
/// milliseconds and a second later; who waits, waits in the kernel. The error event
/// ([`ErrorKind::OutOfDescriptors`]) tells once, until all who wait have been accepted. The server is
/// open all the time, and so are its connections.
#[derive(Clone)]
pub struct Server(Rc<Inner>);

struct Inner {
    handle: Handle,
    emitter: EventEmitter<Server>,
    address: Address,
    /// The file that a Unix socket has, until it is removed.
    #[cfg(unix)]
    file: RefCell<Option<PathBuf>>,
    listener: RefCell<Option<Raw>>,
    key: Cell<Option<Key>>,
    connections: Cell<usize>,
    rest: Cell<Option<(Timer, Duration)>>,
    stuck: Cell<bool>,
    closing: Cell<bool>,
    closed: Cell<bool>,
    /// Where it was made.
    origin: Origin,
}

impl Server {
    /// Listens on `HOST:PORT`, where the host is a number or `localhost`, and port 0 is any free one.
    ///
    /// # Errors
    ///
    /// Not an address, in use, not of this machine, not allowed; or not in a loop.
    ///
    /// ```
    /// use onward::{events::*, net::Server};
    ///
    /// onward::run(|| {
    ///     let server = Server::listen("127.0.0.1:0")?;
    ///     server.on(Listening, |server, ()| {
    ///         println!("listening on {}", server.local_addr());
    ///         server.close();
    ///     });
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[doc(alias = "createServer")]
    #[track_caller]
    pub fn listen(address: impl fmt::Display) -> Result<Self> {
        let (handle, origin) = (Handle::for_operation("listen")?, Location::caller());
        let address = address.to_string();
        #[cfg(unix)]
        if let Some(path) = place::unix_path(&address) {
            return Self::listen_unix(handle, &path, origin);
        }
        let address = Target::to_bind("listen", address)?;
        let failed = |error| Error::io("listen", error).on(address);
        let listener = sys::listen(address, BACKLOG).map_err(failed)?;
        Self::begin(handle, listener, address.into(), origin)
    }

    /// Listens at a Unix socket, whose file is made, and removed when the server closes. On Linux, a path that
    /// begins with a zero is a name in the abstract namespace, which has no file.
    ///
    /// # Errors
    ///
    /// Not a path, or longer than the about hundred bytes that the system allows
    /// ([`InvalidInput`](ErrorKind::InvalidInput)); something is there already
    /// ([`is_addr_in_use`](Error::is_addr_in_use)), be it the socket of a server that has ended; no such
    /// folder, not allowed; or not in a loop.
    ///
    /// ```
    /// use onward::{events::*, net::{Server, Socket}};
    ///
    /// let path = std::env::temp_dir().join(format!("onward-doc-{}.socket", std::process::id()));
    /// onward::run(|| {
    ///     let server = Server::listen_path(&path)?;
    ///     server.on(Connection, |server, socket| {
    ///         server.close();
    ///         socket.pipe(&socket);
    ///     });
    ///     let client = Socket::connect(server.local_addr())?;
    ///     client.end_with("hello");
    ///     client.on(Data, |_, chunk| assert_eq!(chunk, b"hello"));
    ///     Ok(())
    /// })?;
    /// assert!(!path.exists());
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[cfg(unix)]
    #[track_caller]
    pub fn listen_path(path: impl AsRef<Path>) -> Result<Self> {
        Self::listen_unix(Handle::for_operation("listen")?, path.as_ref(), Location::caller())
    }

    #[cfg(unix)]
    fn listen_unix(handle: Handle, path: &Path, origin: Origin) -> Result<Self> {
        let address = unix::address("listen", path)?;
        let failed = |error| Error::io("listen", error).on(place::show_path(path));
        let listener = unix::listen(&address, BACKLOG).map_err(failed)?;
        let server = Self::begin(handle, listener, Address::of_path(path), origin)?;
        if address.as_pathname().is_some() {
            // The folder may be another one by then.
            let file = std::path::absolute(path).unwrap_or_else(|_| path.into());
            server.0.file.replace(Some(file));
        }
        Ok(server)
    }

    fn begin(handle: Handle, listener: Raw, asked: Address, origin: Origin) -> Result<Self> {
        let bound = listener.local_addr();
        let bound = bound.map_err(|error| Error::io("listen", error).on(asked))?;
        let server = Self(Rc::new(Inner {
            handle,
            emitter: EventEmitter::new(),
            address: Address::of(&bound).unwrap_or(asked),
            #[cfg(unix)]
            file: RefCell::new(None),
            listener: RefCell::new(Some(listener)),
            key: Cell::new(None),
            connections: Cell::new(0),
            rest: Cell::new(None),
            stuck: Cell::new(false),
            closing: Cell::new(false),
            closed: Cell::new(false),
            origin,
        }));
        let source = Rc::clone(&server.0) as Rc<dyn Source>;
        let key = server.0.handle.add_source(source, Trigger::Level, origin);
        server.0.key.set(Some(key));
        server.0.handle.want(key, Interest::READ);
        let listening = server.clone();
        server.0.handle.next_tick_from(origin, move || {
            if listening.is_listening() {
                listening.0.emitter.emit(&listening, Listening, ());
            }
        });
        Ok(server)
    }

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

    /// Its connections that are open.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.0.connections.get()
    }

    /// Accepts nobody any more, from this moment on. Connections live on; `Close` comes when
    /// the last of them has closed. A second call does nothing.
    pub fn close(&self) {
        let inner = &self.0;
        if inner.closing.replace(true) {
            return;
        }
        if let Some((timer, _)) = inner.rest.take() {
            timer.cancel();
        }
        if let Some(key) = inner.key.take() {
            inner.handle.remove_source(key);
        }
        inner.stop_listening();
        self.close_if_done();
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

    fn close_if_done(&self) {
        let inner = &self.0;
        if inner.closing.get() && inner.connections.get() == 0 && !inner.closed.replace(true) {
            let closed = self.clone();
            inner.handle.at_close(inner.origin, move || {
                closed.0.handle.about(|| Rc::clone(&closed.0) as Rc<dyn Source>);
                closed.0.emitter.emit(&closed, Close, ());
            });
            let over = self.clone();
            inner.handle.at_close(inner.origin, move || over.0.emitter.clear());
        }
    }

    fn accept(&self) {
        let inner = &self.0;
        for _ in 0..ACCEPTS_PER_TURN {
            let accepted = match &*inner.listener.borrow() {
                Some(listener) => sys::accept(listener),
                None => return,
            };
            match accepted {
                Ok((raw, peer)) => {
                    let unix = inner.address.is_unix();
                    inner.connections.set(inner.connections.get() + 1);
                    let parent = Rc::clone(inner) as Rc<dyn Parent>;
                    let handle = inner.handle.clone();
                    let socket = Socket::accepted(handle, raw, peer, parent, unix, inner.origin);
                    self.welcome(&socket);
                }
                Err(error) => match sys::sort(&error) {
                    AcceptError::Gone => {}
                    AcceptError::Empty => return self.stuck(false),
                    AcceptError::Stuck { out_of_descriptors } => {
                        return self.rest(error, out_of_descriptors);
                    }
                },
            }
        }
    }

    fn welcome(&self, socket: &Socket) {
        // What a listener writes as a greeting leaves in one piece.
        engine::dispatch(socket, || {
            let taken = self.0.emitter.emit(self, Connection, socket.clone());
            if !taken.handled() {
                socket.destroy();
            }
        });
    }

    fn stuck(&self, stuck: bool) {
        self.0.stuck.set(stuck);
        if !stuck {
            self.0.rest.set(None);
        }
    }

    /// Nobody can be accepted: a level-triggered poller would report that for ever, so look away.
    fn rest(&self, error: io::Error, out_of_descriptors: bool) {
        let inner = &self.0;
        let Some(key) = inner.key.get() else { return };
        inner.handle.want(key, Interest::NONE);
        let last = inner.rest.take().filter(|_| inner.stuck.get());
        let pause = last.map_or(SHORTEST_REST, |(_, last)| (last * 2).min(LONGEST_REST));
        let again = self.clone();
        let timer = inner.handle.set_timeout_from(inner.origin, pause, move || {
            if let Some(key) = again.0.key.get() {
                again.0.handle.want(key, Interest::READ);
            }
        });
        // It is the server that keeps the loop alive, or does not.
        inner.rest.set(Some((timer.unref(), pause)));
        if !inner.stuck.replace(true) {
            let kind = if out_of_descriptors { ErrorKind::OutOfDescriptors } else { ErrorKind::Io };
            self.tell_error(Error::new(kind, "accept").on(inner.address).because(error));
        }
    }

    fn tell_error(&self, error: Error) {
        if let Err(unhandled) = self.0.emitter.emit_error(self, error) {
            self.0.handle.fail(Error::unhandled(self, unhandled.into_inner()));
        }
    }
}

impl Inner {
    /// The address is free from here on.
    fn stop_listening(&self) {
        #[cfg(unix)]
        if let Some(file) = self.file.take() {
            // Who was asked to remove it before may have done so.
            let _ = std::fs::remove_file(file);
        }
        drop(self.listener.take());
    }
}

impl Downgrade for Server {
    fn downgrade(&self) -> impl Fn() -> Option<Self> + 'static {
        let inner = Rc::downgrade(&self.0);
        move || inner.upgrade().map(Self)
    }
}

impl Emitter for Server {
    fn listeners(&self) -> &Listeners<Self> {
        &self.0.emitter
    }

    fn recall(&self) -> Option<Recall<Self>> {
        let inner = Rc::downgrade(&self.0);
        Some(Recall::new(move || inner.upgrade().map(Self)))
    }
}

impl Parent for Inner {
    fn child_closed(self: Rc<Self>) {
        self.connections.set(self.connections.get() - 1);
        Server(self).close_if_done();
    }
}

impl Source for Inner {
    fn describe(&self) -> Description {
        let unix = self.address.is_unix();
        let kind = if unix { ResourceKind::UnixServer } else { ResourceKind::TcpServer };
        Description { kind, target: self.address.to_string() }
    }

    fn observe(&self) {
        self.emitter.observe();
    }

    fn lend(&self, to: &mut dyn FnMut(Descriptor<'_>) -> io::Result<()>) -> io::Result<()> {
        self.listener.borrow().as_ref().map_or(Ok(()), |listener| to(sys::borrow(listener)))
    }

    fn ready(self: Rc<Self>, _: Interest) {
        Server(self).accept();
    }

    fn refused(self: Rc<Self>, error: io::Error) {
        let server = Server(self);
        server.tell_error(Error::io("watch", error).on(server.local_addr()));
        server.close();
    }

    fn shut(self: Rc<Self>) {
        Server(self).close();
    }

    fn abandon(self: Rc<Self>) {
        self.stop_listening();
        self.emitter.clear();
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.is_listening() { "" } else { ", closed" };
        write!(f, "Server({}{state}, {} connections)", self.0.address, self.connections())
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server {}", self.0.address)
    }
}
