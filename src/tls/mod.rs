//! Encrypted connections: TLS, by [`rustls`], over TCP and Unix sockets.
//!
//! ```no_run
//! use onward::{events::*, tls};
//!
//! onward::run(|| {
//!     let identity = tls::Identity::from_pem_files("cert.pem", "key.pem")?;
//!     let server = tls::Server::listen("127.0.0.1:7000", identity)?;
//!     server.on(SecureConnection, |_, socket| {
//!         socket.on(Data, |socket, chunk| { socket.write(chunk); });
//!         socket.on(Error, |socket, error| eprintln!("{socket:?}: {error}"));
//!     });
//!     server.on(ClientError, |_, error| eprintln!("{error}"));
//!     Ok(())
//! })
//! # ?; Ok::<(), onward::Error>(())
//! ```
//!
//! | Node | here |
//! |---|---|
//! | `tls.connect(port, host)` | [`connect`]`("HOST:PORT")` |
//! | `tls.connect(options)`, `secureContext` | [`Connector`] |
//! | `tls.createServer(options)` | [`Server::listen`] with an [`Identity`] or an [`Acceptor`] |
//! | `addContext`, `SNICallback` | [`Acceptor::name`] |
//! | `new TLSSocket(socket)`, `tls.connect({ socket })` | [`Acceptor::upgrade`], [`Connector::upgrade`] |
//! | `TLSSocket` | [`Socket`](crate::net::Socket): the same as without encryption |
//! | `secureConnect`, `secureConnection`, `tlsClientError` | [`Secure`](crate::events::Secure), [`SecureConnection`](crate::events::SecureConnection), [`ClientError`](crate::events::ClientError) |
//! | `alpnProtocol`, `servername`, `getPeerCertificate()`, `isSessionReused()` | [`Socket::tls`](crate::net::Socket::tls), a [`Session`] |
//! | `rejectUnauthorized`, and whatever else there is | a configuration of [`rustls`] of your own: each is a `Connector` or an `Acceptor`, by `into` |
//!
//! # A socket is a socket
//!
//! There is one type for connections, encrypted or not, so that whoever serves one serves the other: it has the same
//! events in the same order, the same queue and `Drain`, pipes, times out, leaves event mode by
//! [`into_io`](crate::net::Socket::into_io). What counts is what the program writes and reads: so many bytes are
//! queued, were sent, have come. `Drain`, and the callback of a write, come when the system has taken all that became of
//! it; nothing is decrypted while the socket is paused, but for the rest of what was being read, 64 KiB at most.
//!
//! # Ordering
//!
//! After `Connect` of a client, and the accepting of a server, comes the handshake, and then `Secure`, before any
//! `Data`. What was written before waits until then. If no encrypted connection comes of it, that is the socket's
//! error, `handshake PEER: ..`, of kind [`Tls`](crate::ErrorKind::Tls),
//! [`PrematureClose`](crate::ErrorKind::PrematureClose) or [`TimedOut`](crate::ErrorKind::TimedOut); of a server's
//! guest it is the server's `ClientError`.
//!
//! `end` tells the peer that nothing more will come (`close_notify`), and so does the peer, which is `End`. A connection
//! that is closed without it has been cut off, by whomever: that is an error of kind
//! [`PrematureClose`](crate::ErrorKind::PrematureClose), and no `End`. `destroy` does not say goodbye.
//!
//! # Trust
//!
//! [`connect`] trusts the authorities that Mozilla does, as they are when the program is built (`webpki-roots`), as Node
//! does, whatever the system says. [`Connector::trust_pem`] trusts others.

mod acceptor;
mod connector;
mod identity;
mod layer;
mod names;
mod pump;
mod server;
mod session;

pub use acceptor::Acceptor;
pub use connector::{Connector, connect};
pub use identity::Identity;
pub use server::{Server, ServerEvent};
pub use session::Session;

pub use rustls;
