//! Multicast by UDP.

use super::UdpSocket;
use super::options::is_v6;
use crate::error::{Error, ErrorKind, Result};
use socket2::SockRef;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket as UdpHandle};

/// By which of the machine's networks multicast goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MulticastInterface {
    /// The system's choice.
    #[default]
    Any,
    /// The one that has this address, for IPv4.
    Address(Ipv4Addr),
    /// The one with this number, for IPv6.
    Index(u32),
}

impl From<Ipv4Addr> for MulticastInterface {
    fn from(address: Ipv4Addr) -> Self {
        Self::Address(address)
    }
}

impl From<u32> for MulticastInterface {
    fn from(index: u32) -> Self {
        Self::Index(index)
    }
}

impl MulticastInterface {
    fn v4(self) -> io::Result<Ipv4Addr> {
        match self {
            Self::Any => Ok(Ipv4Addr::UNSPECIFIED),
            Self::Address(address) => Ok(address),
            Self::Index(_) => Err(invalid("for IPv4 an interface is named by an address of it")),
        }
    }

    fn v6(self) -> io::Result<u32> {
        match self {
            Self::Any => Ok(0),
            Self::Index(index) => Ok(index),
            Self::Address(_) => Err(invalid("for IPv6 an interface is named by its number")),
        }
    }
}

fn invalid(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

/// # Multicast
///
/// The socket has to be bound, and open.
impl UdpSocket {
    /// The same for multicast, for which it is 1 unless set: such a datagram stays in its network.
    ///
    /// # Errors
    ///
    /// The system's; or it is not open.
    pub fn set_multicast_ttl(&self, hops: u32) -> Result<()> {
        self.with_socket("set multicast TTL", |socket| match is_v6(socket)? {
            true => SockRef::from(socket).set_multicast_hops_v6(hops),
            false => socket.set_multicast_ttl_v4(hops),
        })
    }

    /// Whether this machine gets its own multicast; it does unless set.
    ///
    /// # Errors
    ///
    /// The system's; or it is not open.
    #[doc(alias = "setMulticastLoopback")]
    pub fn set_multicast_loop(&self, own: bool) -> Result<()> {
        self.with_socket("set multicast loop", |socket| match is_v6(socket)? {
            true => socket.set_multicast_loop_v6(own),
            false => socket.set_multicast_loop_v4(own),
        })
    }

    /// By which network multicast is sent.
    ///
    /// # Errors
    ///
    /// The system's; or it is not open.
    pub fn set_multicast_interface(&self, interface: impl Into<MulticastInterface>) -> Result<()> {
        let interface = interface.into();
        self.with_socket("set multicast interface", |socket| match is_v6(socket)? {
            true => SockRef::from(socket).set_multicast_if_v6(interface.v6()?),
            false => SockRef::from(socket).set_multicast_if_v4(&interface.v4()?),
        })
    }

    /// Joins a multicast group: what is sent to it comes here too.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for what is no group; the system's; or it is not open.
    ///
    /// ```
    /// use onward::net::{MulticastInterface, UdpSocket};
    ///
    /// onward::run(|| {
    ///     let socket = UdpSocket::bind("0.0.0.0:0")?;
    ///     // A machine without a network has none to join it on.
    ///     let joined = socket.join_multicast([224, 0, 0, 251], MulticastInterface::Any);
    ///     println!("{joined:?}");
    ///     socket.close();
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[doc(alias = "addMembership")]
    pub fn join_multicast(
        &self,
        group: impl Into<IpAddr>,
        interface: impl Into<MulticastInterface>,
    ) -> Result<()> {
        let (group, interface) = (group_of("join multicast", group)?, interface.into());
        let joined = self.with_socket("join multicast", |socket| match group {
            IpAddr::V4(group) => socket.join_multicast_v4(&group, &interface.v4()?),
            IpAddr::V6(group) => socket.join_multicast_v6(&group, interface.v6()?),
        });
        joined.map_err(|error| error.on(group))
    }

    /// Leaves a multicast group. That happens by itself when the socket is closed.
    ///
    /// # Errors
    ///
    /// Those of [`join_multicast`](Self::join_multicast).
    #[doc(alias = "dropMembership")]
    pub fn leave_multicast(
        &self,
        group: impl Into<IpAddr>,
        interface: impl Into<MulticastInterface>,
    ) -> Result<()> {
        let (group, interface) = (group_of("leave multicast", group)?, interface.into());
        let left = self.with_socket("leave multicast", |socket| match group {
            IpAddr::V4(group) => socket.leave_multicast_v4(&group, &interface.v4()?),
            IpAddr::V6(group) => socket.leave_multicast_v6(&group, interface.v6()?),
        });
        left.map_err(|error| error.on(group))
    }

    /// Joins a multicast group for what this source sends to it, and nobody else. For IPv6 on Linux and Android only.
    ///
    /// # Errors
    ///
    /// Those of [`join_multicast`](Self::join_multicast); one is for IPv4 and the other for IPv6; the system may not know
    /// how.
    ///
    /// ```
    /// use onward::net::{MulticastInterface, UdpSocket};
    /// use std::net::Ipv4Addr;
    ///
    /// onward::run(|| {
    ///     let socket = UdpSocket::bind("0.0.0.0:0")?;
    ///     // A machine without a network has none to join it on.
    ///     let (station, group) = (Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(232, 1, 1, 1));
    ///     println!("{:?}", socket.join_source(station, group, MulticastInterface::Any));
    ///     socket.close();
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[doc(alias = "addSourceSpecificMembership")]
    pub fn join_source(
        &self,
        source: impl Into<IpAddr>,
        group: impl Into<IpAddr>,
        interface: impl Into<MulticastInterface>,
    ) -> Result<()> {
        let (source, interface) = (source.into(), interface.into());
        self.source("join multicast source", true, (source, group.into()), interface)
    }

    /// Leaves what was joined by [`join_source`](Self::join_source).
    ///
    /// # Errors
    ///
    /// Those of [`join_source`](Self::join_source).
    #[doc(alias = "dropSourceSpecificMembership")]
    pub fn leave_source(
        &self,
        source: impl Into<IpAddr>,
        group: impl Into<IpAddr>,
        interface: impl Into<MulticastInterface>,
    ) -> Result<()> {
        let (source, interface) = (source.into(), interface.into());
        self.source("leave multicast source", false, (source, group.into()), interface)
    }

    fn source(
        &self,
        operation: &'static str,
        joins: bool,
        (source, group): (IpAddr, IpAddr),
        interface: MulticastInterface,
    ) -> Result<()> {
        group_of(operation, group)?;
        let done = self.with_socket(operation, |socket| match (source, group) {
            (IpAddr::V4(source), IpAddr::V4(group)) => {
                by_source_v4(socket, joins, (source, group), interface.v4()?)
            }
            (IpAddr::V6(source), IpAddr::V6(group)) => {
                by_source_v6(socket, joins, (source, group), interface.v6()?)
            }
            _ => Err(invalid("the one is for IPv4, the other for IPv6")),
        });
        done.map_err(|error| error.on(format_args!("{source} in {group}")))
    }
}

fn group_of(operation: &'static str, group: impl Into<IpAddr>) -> Result<IpAddr> {
    let group = group.into();
    if group.is_multicast() {
        return Ok(group);
    }
    let error = Error::new(ErrorKind::InvalidInput, operation).on(group);
    Err(error.because("not a multicast address"))
}

// Not every system knows groups by their sources.

#[cfg(any(
    target_os = "linux",
    target_os = "android",
    target_vendor = "apple",
    target_os = "freebsd",
    windows
))]
fn by_source_v4(
    socket: &UdpHandle,
    joins: bool,
    (source, group): (Ipv4Addr, Ipv4Addr),
    interface: Ipv4Addr,
) -> io::Result<()> {
    let socket = SockRef::from(socket);
    match joins {
        true => socket.join_ssm_v4(&source, &group, &interface),
        false => socket.leave_ssm_v4(&source, &group, &interface),
    }
}

#[cfg(not(any(
    target_os = "linux",
    target_os = "android",
    target_vendor = "apple",
    target_os = "freebsd",
    windows
)))]
fn by_source_v4(_: &UdpHandle, _: bool, _: (Ipv4Addr, Ipv4Addr), _: Ipv4Addr) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn by_source_v6(
    socket: &UdpHandle,
    joins: bool,
    both: (Ipv6Addr, Ipv6Addr),
    interface: u32,
) -> io::Result<()> {
    use std::os::fd::AsFd as _;
    crate::net::datagram::set_source_v6(socket.as_fd(), joins, both, interface)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn by_source_v6(_: &UdpHandle, _: bool, _: (Ipv6Addr, Ipv6Addr), _: u32) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
