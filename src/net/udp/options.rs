//! What a UDP socket can be told: before it is bound, and later.

use super::UdpSocket;
use crate::error::{Error, Result};
use crate::event_loop::Handle;
use crate::net::address::Address;
use crate::net::datagram as engine;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::panic::Location;

/// How a [`UdpSocket`] is bound. What is not set is as the system has it.
///
/// ```
/// use onward::{events::*, net::UdpOptions};
///
/// onward::run(|| {
///     let options = UdpOptions::new().reuse_address(true).receive_buffer(1 << 20);
///     let socket = options.bind("0.0.0.0:0")?;
///     socket.on(Listening, |socket, ()| socket.close());
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "nothing is bound before `bind`"]
pub struct UdpOptions {
    reuse_address: bool,
    reuse_port: bool,
    only_v6: Option<bool>,
    broadcast: bool,
    receive_buffer: Option<usize>,
    send_buffer: Option<usize>,
    coalesce: bool,
}

impl UdpOptions {
    /// Those that change nothing.
    pub const fn new() -> Self {
        Self {
            reuse_address: false,
            reuse_port: false,
            only_v6: None,
            broadcast: false,
            receive_buffer: None,
            send_buffer: None,
            coalesce: false,
        }
    }

    /// Others that say so too may have the same address (`SO_REUSEADDR`): several programs may listen to one multicast
    /// group.
    pub const fn reuse_address(mut self, reuse: bool) -> Self {
        self.reuse_address = reuse;
        self
    }

    /// Others of this user that say so too may have the same address, and the system shares out who gets which sender's
    /// messages (`SO_REUSEPORT`). Not on Windows.
    pub const fn reuse_port(mut self, reuse: bool) -> Self {
        self.reuse_port = reuse;
        self
    }

    /// `true`: a socket on `[::]` gets nothing by IPv4 (`IPV6_V6ONLY`). `false`: it gets both, on systems that can.
    pub const fn only_v6(mut self, only: bool) -> Self {
        self.only_v6 = Some(only);
        self
    }

    /// It may send to all of a network; see [`UdpSocket::set_broadcast`].
    pub const fn broadcast(mut self, allowed: bool) -> Self {
        self.broadcast = allowed;
        self
    }

    /// So many bytes of messages may wait in the kernel until they are read (`SO_RCVBUF`). The system may take it for
    /// less, or for more.
    pub const fn receive_buffer(mut self, bytes: usize) -> Self {
        self.receive_buffer = Some(bytes);
        self
    }

    /// So many bytes may wait in the kernel until the network takes them (`SO_SNDBUF`).
    pub const fn send_buffer(mut self, bytes: usize) -> Self {
        self.send_buffer = Some(bytes);
        self
    }

    /// The system may hand over in one piece what one sender sent in datagrams of the same length (`UDP_GRO`). They are
    /// told one by one all the same: it only saves work, where much comes from few. Without effect but on Linux and Android.
    ///
    /// ```
    /// use onward::{events::*, net::UdpOptions};
    ///
    /// onward::run(|| {
    ///     let socket = UdpOptions::new().coalesce(true).bind("127.0.0.1:0")?;
    ///     socket.send_segments("abcdef", 2, socket.local_addr().expect("it is bound"));
    ///     socket.on(Message, |socket, (bytes, _)| {
    ///         assert_eq!(bytes.len(), 2);
    ///         if bytes == b"ef" {
    ///             socket.close();
    ///         }
    ///     });
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    pub const fn coalesce(mut self, wanted: bool) -> Self {
        self.coalesce = wanted;
        self
    }

    /// A socket on `HOST:PORT`; see [`UdpSocket::bind`].
    ///
    /// # Errors
    ///
    /// Those of [`UdpSocket::bind`], and options that the system does not have.
    #[track_caller]
    pub fn bind(self, address: impl fmt::Display) -> Result<UdpSocket> {
        let handle = Handle::for_operation("bind")?;
        let address = Address::to_bind("bind", address)?;
        let failed = |error| Error::io_or_descriptors("bind", error).on(address);
        let socket = self.open(address).map_err(failed)?;
        let bound = UdpSocket::on(handle, Location::caller());
        bound.0.datagrams.coalesces.set(self.coalesce && coalesce(&socket));
        engine::attach(&bound, socket);
        Ok(bound)
    }

    pub(super) fn open(self, address: SocketAddr) -> io::Result<std::net::UdpSocket> {
        let domain = Domain::for_address(address);
        let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        if let Some(only) = self.only_v6.filter(|_| address.is_ipv6()) {
            socket.set_only_v6(only)?;
        }
        if self.reuse_address {
            socket.set_reuse_address(true)?;
        }
        if self.reuse_port {
            reuse_port(&socket)?;
        }
        if self.broadcast {
            socket.set_broadcast(true)?;
        }
        if let Some(bytes) = self.receive_buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        if let Some(bytes) = self.send_buffer {
            socket.set_send_buffer_size(bytes)?;
        }
        socket.bind(&address.into())?;
        Ok(socket.into())
    }
}

#[cfg(all(unix, not(any(target_os = "solaris", target_os = "illumos", target_os = "cygwin"))))]
fn reuse_port(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_port(true)
}

#[cfg(not(all(
    unix,
    not(any(target_os = "solaris", target_os = "illumos", target_os = "cygwin"))
)))]
fn reuse_port(_: &Socket) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// It is a wish: what is told is the same without it.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn coalesce(socket: &std::net::UdpSocket) -> bool {
    engine::set_coalescing(std::os::fd::AsFd::as_fd(socket), true).is_ok()
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn coalesce(_: &std::net::UdpSocket) -> bool {
    false
}

/// Takes the peer away, and keeps the port.
pub(super) fn disconnect(socket: &std::net::UdpSocket) -> io::Result<()> {
    let local = socket.local_addr()?;
    #[cfg(unix)]
    {
        match rustix::net::connect_unspec(socket) {
            // So some systems say that it worked.
            Err(rustix::io::Errno::AFNOSUPPORT) => {}
            done => done?,
        }
    }
    #[cfg(windows)]
    {
        let nobody: SocketAddr = match local {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        SockRef::from(socket).connect(&nobody.into())?;
    }
    // A port that was the system's choice goes with the peer on Linux.
    if socket.local_addr()?.port() == 0 {
        let any = match local {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        SockRef::from(socket).bind(&SocketAddr::new(any, local.port()).into())?;
    }
    Ok(())
}

/// # Options
///
/// The socket has to be bound, and open. Errors are the system's.
impl UdpSocket {
    /// It may send to all of a network, to `255.255.255.255` say; the system refuses that else (`SO_BROADCAST`).
    ///
    /// # Errors
    ///
    /// The system's; or it is not open.
    pub fn set_broadcast(&self, allowed: bool) -> Result<()> {
        self.with_socket("set broadcast", |socket| socket.set_broadcast(allowed))
    }

    /// Over how many machines a datagram may go (`IP_TTL`, `IPV6_UNICAST_HOPS`).
    ///
    /// # Errors
    ///
    /// The system's; or it is not open.
    #[doc(alias = "setTTL")]
    pub fn set_ttl(&self, hops: u32) -> Result<()> {
        self.with_socket("set TTL", |socket| match is_v6(socket)? {
            true => SockRef::from(socket).set_unicast_hops_v6(hops),
            false => socket.set_ttl(hops),
        })
    }

    /// How many bytes of messages may wait in the kernel until they are read.
    ///
    /// # Errors
    ///
    /// The system's; or it is not open.
    pub fn receive_buffer(&self) -> Result<usize> {
        let get = |socket: &std::net::UdpSocket| SockRef::from(socket).recv_buffer_size();
        self.with_socket("get receive buffer", get)
    }

    /// Asks for room for so many; see [`UdpOptions::receive_buffer`].
    ///
    /// # Errors
    ///
    /// The system's; or it is not open.
    pub fn set_receive_buffer(&self, bytes: usize) -> Result<()> {
        self.with_socket("set receive buffer", |socket| {
            SockRef::from(socket).set_recv_buffer_size(bytes)
        })
    }

    /// How many bytes may wait in the kernel until the network takes them.
    ///
    /// # Errors
    ///
    /// The system's; or it is not open.
    pub fn send_buffer(&self) -> Result<usize> {
        let get = |socket: &std::net::UdpSocket| SockRef::from(socket).send_buffer_size();
        self.with_socket("get send buffer", get)
    }

    /// Asks for room for so many; see [`UdpOptions::send_buffer`].
    ///
    /// # Errors
    ///
    /// The system's; or it is not open.
    pub fn set_send_buffer(&self, bytes: usize) -> Result<()> {
        self.with_socket("set send buffer", |socket| {
            SockRef::from(socket).set_send_buffer_size(bytes)
        })
    }
}

pub(super) fn is_v6(socket: &std::net::UdpSocket) -> io::Result<bool> {
    socket.local_addr().map(|local| local.is_ipv6())
}
