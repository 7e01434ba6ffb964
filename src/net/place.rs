//! Where a socket is: an IP address with a port, or a Unix socket's path.

use crate::error::{Error, ErrorKind, Result};
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
#[cfg(unix)]
use std::path::Path;
use std::str::FromStr;

/// The address of a socket or a server: an IP address and a port, or a Unix socket's path.
///
/// As text, it is what [`Socket::connect`](super::Socket::connect) and
/// [`Server::listen`](super::Server::listen) take: `127.0.0.1:80`, `[::1]:80`, `unix:/run/app.sock`, `unix:@name` for a
/// name in Linux's abstract namespace. A Unix socket without a name, which most clients are, is `unix:`.
///
/// ```
/// use onward::{events::*, net::Server};
///
/// onward::run(|| {
///     let server = Server::listen("127.0.0.1:0")?;
///     let address = server.local_addr();
///     assert!(address.ip().is_some_and(|ip| ip.is_loopback()));
///     assert!(address.port() > Some(0));
///     assert_eq!(address.to_string(), format!("127.0.0.1:{}", address.port().unwrap_or(0)));
///     server.close();
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Address(Place);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Place {
    Ip(SocketAddr),
    #[cfg(unix)]
    Unix(Name),
}

/// A Unix socket's path, as it stands in the kernel's own structure: 108 bytes there, at most. One that begins
/// with a zero is abstract.
#[cfg(unix)]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Name {
    length: u8,
    bytes: [u8; 108],
}

#[cfg(unix)]
impl Name {
    fn new(bytes: &[u8]) -> Self {
        let mut name = Self { length: 0, bytes: [0; 108] };
        // What the kernel hands out is never longer.
        for (place, byte) in name.bytes.iter_mut().zip(bytes) {
            *place = *byte;
            name.length += 1;
        }
        name
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

impl Address {
    /// The IP address and the port; `None` of a Unix socket.
    #[must_use]
    pub const fn as_socket_addr(&self) -> Option<SocketAddr> {
        match self.0 {
            Place::Ip(address) => Some(address),
            #[cfg(unix)]
            Place::Unix(_) => None,
        }
    }

    /// The IP address; `None` of a Unix socket.
    #[must_use]
    pub const fn ip(&self) -> Option<IpAddr> {
        match self.0 {
            Place::Ip(address) => Some(address.ip()),
            #[cfg(unix)]
            Place::Unix(_) => None,
        }
    }

    /// The port; `None` of a Unix socket.
    #[must_use]
    pub const fn port(&self) -> Option<u16> {
        match self.0 {
            Place::Ip(address) => Some(address.port()),
            #[cfg(unix)]
            Place::Unix(_) => None,
        }
    }

    /// Is it a Unix socket?
    #[must_use]
    pub const fn is_unix(&self) -> bool {
        !matches!(self.0, Place::Ip(_))
    }

    /// The path of a Unix socket that has one.
    #[cfg(unix)]
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        use std::os::unix::ffi::OsStrExt as _;
        match &self.0 {
            Place::Unix(name) if name.bytes().first().is_some_and(|first| *first != 0) => {
                Some(Path::new(std::ffi::OsStr::from_bytes(name.bytes())))
            }
            _ => None,
        }
    }

    /// The name of a Unix socket in the abstract namespace, which only Linux has.
    #[cfg(unix)]
    #[must_use]
    pub fn abstract_name(&self) -> Option<&[u8]> {
        match &self.0 {
            Place::Unix(name) => name.bytes().strip_prefix(b"\0"),
            Place::Ip(_) => None,
        }
    }

    /// That of a Unix socket at a path. On Linux, one that begins with a zero is a name in the abstract namespace.
    ///
    /// # Errors
    ///
    /// Not a path, or longer than the about hundred bytes that the system allows.
    ///
    /// ```
    /// use onward::net::Address;
    ///
    /// assert_eq!(Address::from_path("/run/app.sock")?.to_string(), "unix:/run/app.sock");
    /// assert!(Address::from_path("/".repeat(200)).is_err());
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[cfg(unix)]
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self> {
        super::unix::address("read address", path.as_ref())?;
        Ok(Self::of_path(path.as_ref()))
    }

    /// The bytes of a Unix socket's path, or of its name behind a zero.
    #[cfg(unix)]
    pub(super) fn unix_bytes(&self) -> Option<&[u8]> {
        match &self.0 {
            Place::Unix(name) => Some(name.bytes()),
            Place::Ip(_) => None,
        }
    }

    /// What the system says; `None` if it is no address of ours.
    pub(super) fn of(address: &socket2::SockAddr) -> Option<Self> {
        #[cfg(unix)]
        if address.is_unix() {
            use std::os::unix::ffi::OsStrExt as _;
            let path = address.as_pathname().map(|path| Name::new(path.as_os_str().as_bytes()));
            let name = || {
                let name = address.as_abstract_namespace().unwrap_or_default();
                let zero = usize::from(address.as_abstract_namespace().is_some());
                Name::new(&[&[0][..zero], name].concat())
            };
            return Some(Self(Place::Unix(path.unwrap_or_else(name))));
        }
        address.as_socket().map(Self::from)
    }

    /// That of a path, or of a name behind a zero.
    #[cfg(unix)]
    pub(super) fn of_path(path: &Path) -> Self {
        use std::os::unix::ffi::OsStrExt as _;
        Self(Place::Unix(Name::new(path.as_os_str().as_bytes())))
    }
}

/// The path in `unix:PATH` or `unix:@NAME`, a name behind a zero as the system has it. `unix:80` is a port of a
/// host with that name.
#[cfg(unix)]
pub(super) fn unix_path(text: &str) -> Option<std::path::PathBuf> {
    let rest = text.strip_prefix("unix:").filter(|rest| rest.parse::<u16>().is_err())?;
    Some(rest.strip_prefix('@').map_or_else(|| rest.into(), |name| format!("\0{name}").into()))
}

/// As it is written for people, and for `connect`.
#[cfg(unix)]
pub(super) fn show_path(path: &Path) -> String {
    let text = path.to_string_lossy();
    text.strip_prefix('\0').map_or_else(|| format!("unix:{text}"), |name| format!("unix:@{name}"))
}

/// Reads what [`Display`](fmt::Display) writes; names of hosts are none.
///
/// ```
/// use onward::net::Address;
///
/// let address: Address = "[::1]:80".parse()?;
/// assert_eq!(address.port(), Some(80));
/// assert!("example.org:80".parse::<Address>().is_err());
/// # Ok::<(), onward::Error>(())
/// ```
impl FromStr for Address {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        #[cfg(unix)]
        if text == "unix:" {
            return Ok(Self(Place::Unix(Name::new(b""))));
        }
        #[cfg(unix)]
        if let Some(path) = unix_path(text) {
            let address = super::unix::address("read address", &path)?;
            return Self::of(&address)
                .ok_or_else(|| Error::new(ErrorKind::InvalidInput, "read address").on(text));
        }
        text.parse().map(Place::Ip).map(Self).map_err(|error: std::net::AddrParseError| {
            Error::new(ErrorKind::InvalidInput, "read address").on(text).because(error)
        })
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self(Place::Ip(address))
    }
}

impl PartialEq<SocketAddr> for Address {
    fn eq(&self, other: &SocketAddr) -> bool {
        self.as_socket_addr() == Some(*other)
    }
}

/// So that the standard library's sockets take it; a Unix socket is an error
/// ([`Unsupported`](io::ErrorKind::Unsupported)).
impl ToSocketAddrs for Address {
    type Iter = std::option::IntoIter<SocketAddr>;

    fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
        let wrong = || io::Error::new(io::ErrorKind::Unsupported, "a Unix socket is no IP address");
        self.as_socket_addr().map(|address| Some(address).into_iter()).ok_or_else(wrong)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Ip(address) => address.fmt(f),
            #[cfg(unix)]
            Place::Unix(name) => {
                use std::os::unix::ffi::OsStrExt as _;
                f.write_str(&show_path(Path::new(std::ffi::OsStr::from_bytes(name.bytes()))))
            }
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
