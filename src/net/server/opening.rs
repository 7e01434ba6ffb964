//! How a server comes to be.

use super::{Inner, Server, ServerOptions};
use crate::emitter::EventEmitter;
use crate::emitter::names::Listening;
use crate::error::{Error, ErrorKind, Result};
use crate::event_loop::{Handle, Interest, Origin, Source, Trigger};
use crate::net::address::Address as Target;
#[cfg(unix)]
use crate::net::place;
use crate::net::place::Address;
use crate::net::socket::{Parent, refused};
use crate::net::standard::StdListener;
use crate::net::sys::Raw;
#[cfg(unix)]
use crate::net::unix;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::Location;
#[cfg(unix)]
use std::path::Path;
use std::rc::Rc;

impl Server {
    /// Listens on `HOST:PORT`, where the host is a number or `localhost`, and port 0 is any free one; or, as
    /// `unix:PATH`, at a [path](Self::listen_path). `[::]` serves IPv4 too.
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
        Self::listen_with(ServerOptions::new(), &address.to_string(), Location::caller())
    }

    /// Listens at a Unix socket, whose file is made, and removed when the server closes. On Linux, a path that
    /// begins with a zero is a name in the abstract namespace, which has no file.
    ///
    /// # Errors
    ///
    /// Not a path, or longer than the about hundred bytes that the system allows
    /// ([`InvalidInput`](ErrorKind::InvalidInput)); something is there already
    /// ([`is_addr_in_use`](Error::is_addr_in_use)), be it the socket of a server that has ended (see
    /// [`replace`](ServerOptions::replace)); no such folder, not allowed; or not in a loop.
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
        Self::listen_unix(ServerOptions::new(), path.as_ref(), Location::caller())
    }

    /// Takes over a listener of the standard library, which may be one that the process was handed when it
    /// began. A Unix socket's file is not removed, for this server did not make it.
    ///
    /// # Errors
    ///
    /// The system's; or not in a loop.
    ///
    /// ```
    /// use onward::{events::*, net::{Server, Socket}};
    ///
    /// onward::run(|| {
    ///     let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    ///     let server = Server::from_std(listener)?;
    ///     server.on(Connection, |server, socket| {
    ///         server.close();
    ///         socket.end_with("hello");
    ///         socket.resume();
    ///     });
    ///     let client = Socket::connect(server.local_addr())?;
    ///     client.on(Data, |_, chunk| assert_eq!(chunk, b"hello"));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[track_caller]
    pub fn from_std(listener: impl StdListener) -> Result<Self> {
        let (handle, origin) = (Handle::for_operation("listen")?, Location::caller());
        let listener = Raw::from(listener.into());
        listener.set_nonblocking(true).map_err(|error| Error::io("listen", error))?;
        Self::begin(handle, listener, None, ServerOptions::new(), origin)
    }

    /// Hands the listener back, blocking as the standard library's are. The server accepts nobody any more; its
    /// connections live on, and `Close` comes when the last of them has closed. Whoever connects
    /// meanwhile waits in the kernel.
    ///
    /// # Errors
    ///
    /// It is closed; or it is of the other kind (TCP, Unix) than what is asked for. Then it is as before.
    ///
    /// ```
    /// use onward::net::Server;
    /// use std::net::TcpListener;
    ///
    /// onward::run(|| {
    ///     let server = Server::listen("127.0.0.1:0")?;
    ///     let listener: TcpListener = server.into_std()?;
    ///     println!("blocking on {}", listener.local_addr()?);
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    pub fn into_std<L: StdListener>(self) -> Result<L> {
        let inner = &self.0;
        let wrong = |what: &'static str| {
            Err(Error::new(ErrorKind::InvalidInput, "hand back").on(inner.address).because(what))
        };
        if L::UNIX != inner.address.is_unix() {
            return wrong("it is of the other kind");
        }
        let Some(listener) = inner.listener.take() else { return wrong("it is closed") };
        if let Err(error) = listener.set_nonblocking(false) {
            inner.listener.replace(Some(listener));
            return Err(Error::io("hand back", error).on(inner.address));
        }
        #[cfg(unix)]
        inner.file.take().into_iter().for_each(unix::File::keep);
        // Taken off the loop before somebody else may close it.
        inner.listener.replace(Some(listener));
        self.leave_loop();
        let Some(listener) = inner.listener.take() else { return wrong("it is closed") };
        self.close();
        Ok(listener.into_socket().into())
    }

    pub(super) fn listen_with(
        options: ServerOptions,
        address: &str,
        origin: Origin,
    ) -> Result<Self> {
        #[cfg(unix)]
        if let Some(path) = place::unix_path(address) {
            return Self::listen_unix(options, &path, origin);
        }
        let handle = Handle::for_operation("listen")?;
        let address = Target::to_bind("listen", address)?;
        let listener =
            options.open(address).map_err(|error| refused("listen", error).on(address))?;
        Self::begin(handle, listener, Some(address.into()), options, origin)
    }

    #[cfg(unix)]
    pub(super) fn listen_unix(options: ServerOptions, path: &Path, origin: Origin) -> Result<Self> {
        let handle = Handle::for_operation("listen")?;
        let address = unix::address("listen", path)?;
        let failed = |error| Error::io("listen", error).on(place::show_path(path));
        let (listener, file) = options.open_unix(path, &address).map_err(failed)?;
        let server = Self::begin(handle, listener, Some(Address::of_path(path)), options, origin)?;
        server.0.file.replace(file);
        Ok(server)
    }

    fn begin(
        handle: Handle,
        listener: Raw,
        asked: Option<Address>,
        options: ServerOptions,
        origin: Origin,
    ) -> Result<Self> {
        let bound = listener.local_addr().map_err(|error| Error::io("listen", error))?;
        let unknown =
            || Error::new(ErrorKind::InvalidInput, "listen").because("no address of ours");
        let parent = Rc::new(Parent::default());
        let server = Self(Rc::new(Inner {
            handle,
            emitter: EventEmitter::new(),
            address: Address::of(&bound).or(asked).ok_or_else(unknown)?,
            options,
            #[cfg(unix)]
            file: RefCell::new(None),
            listener: RefCell::new(Some(listener)),
            key: Cell::new(None),
            parent: Rc::downgrade(&parent),
            accepting: RefCell::new(Some(parent)),
            max_connections: Cell::new(options.max_connections),
            rest: Cell::new(None),
            stuck: Cell::new(false),
            burst: Cell::new((1, None)),
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
}
