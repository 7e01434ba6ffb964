//! A server whose connections are encrypted.

use super::acceptor::Acceptor;
use crate::abort::AbortSignal;
use crate::emitter::names::{
    ClientError, Close, Connection, Dropped, Error as Failed, Listening, Secure, SecureConnection,
};
use crate::emitter::{Downgrade, Emitter, EventEmitter, Listeners, Recall};
use crate::error::{Error, Result};
use crate::event_loop::{self, JoinHandle};
use crate::net::{self, Address, Socket};
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

crate::events! {
    pub for Server {
        use Listening(),
        use SecureConnection(Socket),
        use ClientError(&Error),
        use Dropped(Address, Address),
        use Close(),
        error Error,
        /// All events of a [`Server`].
        enum ServerEvent,
    }
}

/// Listens on a TCP address or at a Unix socket, and encrypts its connections: Node's `tls.createServer`.
///
/// A cheap handle: clones are the same server.
///
/// # Events
///
/// | event | payload | when |
/// |---|---|---|
/// | [`Listening`] | `()` | soon after [`listen`](Self::listen) |
/// | [`SecureConnection`] | [`Socket`] | somebody has connected, and the connection is encrypted |
/// | [`ClientError`] | `&onward::Error` | no encrypted connection came of it: why, and of whom |
/// | [`Dropped`] | two [`Address`]es | as with a [`net::Server`], and so are the others |
/// | [`Error`](crate::events::Error) | `&onward::Error` | nobody can be accepted for now |
/// | [`Close`] | `()` | after [`close`](Self::close), when the last connection has closed |
///
/// A connection that no listener takes is closed.
///
/// # Errors
///
/// What goes wrong in a handshake is a `ClientError`, and none of anybody else: of kind
/// [`Tls`](crate::ErrorKind::Tls) (its [`source`](std::error::Error::source) is a `rustls::Error`),
/// [`PrematureClose`](crate::ErrorKind::PrematureClose) if the client went away in the middle,
/// [`TimedOut`](crate::ErrorKind::TimedOut), or the system's. From `SecureConnection` on, errors are those of the socket.
///
/// ```
/// use onward::{events::*, tls};
///
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
/// # let (certificates, key) = (made.cert.pem(), made.signing_key.serialize_pem());
/// onward::run(|| {
///     let server = tls::Server::listen("127.0.0.1:0", tls::Identity::from_pem(&certificates, &key)?)?;
///     server.on(SecureConnection, |_, socket| socket.end_with("hello"));
///     server.on(ClientError, |server, error| {
///         println!("{error}"); // handshake 127.0.0.1:51234: received corrupt message ..
///         server.close();
///     });
///     let plain = onward::net::Socket::connect(server.local_addr())?;
///     plain.write("GET / HTTP/1.0\r\n\r\n");
///     plain.resume();
///     plain.on(Error, |_, _| {});
///     Ok(())
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Server(Rc<Inner>);

struct Inner {
    emitter: EventEmitter<Server>,
    net: net::Server,
    acceptor: Acceptor,
}

impl Server {
    /// Listens on `HOST:PORT`, or at `unix:PATH`; see [`net::Server::listen`]. Its certificate is an
    /// [`Identity`](super::Identity); an [`Acceptor`] has more to say.
    ///
    /// # Errors
    ///
    /// Not an address, in use, not of this machine, not allowed; or not in a loop.
    #[doc(alias = "createServer")]
    #[track_caller]
    pub fn listen(address: impl fmt::Display, acceptor: impl Into<Acceptor>) -> Result<Self> {
        Ok(Self::over(net::Server::listen(address)?, acceptor))
    }

    /// Encrypts the connections of a server that listens already, which may have options of its own. It is to be left
    /// alone from here on: who listens for its `Connection` gets sockets that are not encrypted yet.
    ///
    /// ```
    /// use onward::{net::ServerOptions, tls};
    ///
    /// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    /// # let (certificates, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    /// onward::run(|| {
    ///     let identity = tls::Identity::from_pem(&certificates, &key)?;
    ///     let server = ServerOptions::new().max_connections(100).listen("127.0.0.1:0")?;
    ///     let server = tls::Server::over(server, identity);
    ///     server.close();
    ///     Ok(())
    /// })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn over(server: net::Server, acceptor: impl Into<Acceptor>) -> Self {
        let (emitter, acceptor) = (EventEmitter::new(), acceptor.into());
        let this = Self(Rc::new(Inner { emitter, net: server, acceptor }));
        this.relay();
        this
    }

    /// What the server below tells, this one tells.
    fn relay(&self) {
        let (net, this) = (&self.0.net, self.clone());
        net.on(Connection, move |_, socket| this.welcome(&socket));
        let this = self.clone();
        net.on(Listening, move |_, ()| _ = this.0.emitter.emit(&this, Listening, ()));
        let this = self.clone();
        net.on(Dropped, move |_, pair| _ = this.0.emitter.emit(&this, Dropped, pair));
        let this = self.clone();
        net.on(Failed, move |_, error| this.tell_error(error.clone()));
        let this = self.clone();
        net.on(Close, move |_, ()| {
            // Even if a listener panics.
            let _over = Over(&this);
            this.0.emitter.emit(&this, Close, ());
        });
    }

    fn tell_error(&self, error: Error) {
        if let Err(unhandled) = self.0.emitter.emit_error(self, error) {
            event_loop::fail(Error::unhandled(self, unhandled.into_inner()));
        }
    }

    fn tell_client_error(&self, error: &Error) {
        self.0.emitter.emit(self, ClientError, error);
    }

    fn welcome(&self, socket: &Socket) {
        if let Err(error) = self.0.acceptor.upgrade(socket) {
            // Also if a listener panics.
            socket.destroy();
            return self.tell_client_error(&error);
        }
        let this = self.clone();
        let failing = socket.on(Failed, move |_, error| this.tell_client_error(error));
        let this = self.clone();
        socket.once(Secure, move |socket, ()| {
            socket.off(failing);
            if !this.0.emitter.emit(&this, SecureConnection, socket.clone()).handled() {
                socket.destroy();
            }
        });
    }

    /// The server below: it knows the [connections](net::Server::sockets), also those that are not encrypted yet, and
    /// can be told [how many](net::Server::set_max_connections) there may be.
    #[must_use]
    pub fn net(&self) -> &net::Server {
        &self.0.net
    }

    /// Where it listens, with the port that it got.
    #[must_use]
    pub fn local_addr(&self) -> Address {
        self.0.net.local_addr()
    }

    /// Does it still accept?
    #[must_use]
    pub fn is_listening(&self) -> bool {
        self.0.net.is_listening()
    }

    /// How many of its connections are open, those that are not encrypted yet included.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.0.net.connections()
    }

    /// Accepts nobody any more; connections live on. See [`net::Server::close`].
    pub fn close(&self) {
        self.0.net.close();
    }

    /// [`close`](Self::close)s, and destroys the connections. See [`net::Server::close_all`].
    pub fn close_all(&self) {
        self.0.net.close_all();
    }

    /// Comes to an end in good order, and within `limit`. See [`net::Server::shutdown`].
    #[allow(clippy::must_use_candidate, reason = "many are left to themselves")]
    #[track_caller]
    pub fn shutdown(&self, limit: Duration) -> JoinHandle<usize> {
        self.0.net.shutdown(limit)
    }

    /// [`close`](Self::close)s it when the signal is aborted. See [`net::Server::abort_on`].
    #[allow(clippy::must_use_candidate, reason = "the handle itself comes back, for chaining")]
    pub fn abort_on(&self, signal: &AbortSignal) -> Self {
        self.0.net.abort_on(signal);
        self.clone()
    }

    /// The loop need not wait for this server.
    pub fn unref(&self) {
        self.0.net.unref();
    }

    /// The loop waits for this server, as it does unless told otherwise.
    pub fn ref_(&self) {
        self.0.net.ref_();
    }
}

/// When the last event has been told, the listeners go.
struct Over<'a>(&'a Server);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.0.emitter.clear();
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
        Some(Recall::new(self.downgrade()))
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tls::{:?}", self.0.net)
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tls::{}", self.0.net)
    }
}
