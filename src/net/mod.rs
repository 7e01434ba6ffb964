//! TCP and Unix sockets: [`Server`] listens, [`Socket`] talks; over either, by the same events. Datagrams: [`UdpSocket`]
//! and [`UnixDatagram`].
//!
//! Who comes from Node finds its words, and every difference, in [`from_node`].
//!
//! ```
//! use onward::events::*;
//! use onward::net::{Server, Socket};
//!
//! onward::run(|| {
//!     let server = Server::listen("127.0.0.1:0")?;
//!     server.on(Connection, |server, socket| {
//!         server.close(); // one guest is enough
//!         socket.on(Error, |socket, error| eprintln!("{socket:?}: {error}"));
//!         socket.pipe(&socket);
//!     });
//!
//!     let client = Socket::connect(server.local_addr())?;
//!     client.end_with("hello");
//!     client.on(Data, |_, chunk| assert_eq!(chunk, b"hello"));
//!     client.on(Error, |_, error| panic!("{error}"));
//!     Ok(())
//! })?;
//! # Ok::<(), onward::Error>(())
//! ```

mod address;
mod connect;
mod connector;
mod datagram;
pub mod from_node;
mod hook;
mod layer;
mod lookup;
mod passing;
mod place;
mod race;
mod resolve;
mod server;
mod socket;
mod standard;
mod sys;
mod udp;
#[cfg(unix)]
mod unix;
#[cfg(unix)]
mod unix_datagram;

#[cfg(feature = "tls")]
pub(crate) use layer::{Below, Layer};

pub use connector::{Connector, Family};
pub use datagram::DatagramStats;
pub use hook::{reset_lookup, set_lookup};
pub use lookup::{Lookup, lookup, system_lookup};
pub use passing::Passed;
pub use place::Address;
pub use server::{Server, ServerEvent, ServerOptions};
#[cfg(target_os = "linux")]
pub use socket::Credentials;
pub use socket::{KeepAlive, Socket, SocketEvent, SocketOptions};
pub use standard::{Standard, StdListener, StdStream};
pub use udp::{MulticastInterface, UdpEvent, UdpOptions, UdpSocket};
#[cfg(unix)]
pub use unix_datagram::{UnixDatagram, UnixDatagramEvent};
