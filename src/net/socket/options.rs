//! What a socket may be told before it is there.

use super::Socket;
use crate::error::{Error, ErrorKind, Result};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::panic::Location;
#[cfg(unix)]
use std::path::Path;
use std::time::Duration;

use crate::net::connector::Plan;
use crate::net::sys::Raw;

/// How to make a socket: one that [`connect`](Self::connect)s, or those that a server accepts
/// ([`ServerOptions::sockets`](crate::net::ServerOptions::sockets)).
///
/// What only TCP has is passed over for Unix sockets.
///
/// ```
/// use onward::net::{KeepAlive, Server, SocketOptions};
/// use onward::events::*;
/// use std::time::Duration;
///
/// onward::run(|| {
///     let server = Server::listen("127.0.0.1:0")?;
///     server.on(Connection, |server, socket| {
///         server.close();
///         socket.end_with("hello");
///         socket.resume();
///     });
///     let socket = SocketOptions::new()
///         .no_delay(true)
///         .keep_alive(KeepAlive::after(Duration::from_secs(60)))
///         .connect_timeout(Duration::from_secs(5))
///         .connect(server.local_addr())?;
///     socket.on(Data, |_, chunk| assert_eq!(chunk, b"hello"));
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SocketOptions {
    no_delay: bool,
    keep_alive: Option<KeepAlive>,
    half_open: bool,
    timeout: Duration,
    connect_timeout: Duration,
    local: Option<SocketAddr>,
    tos: Option<u8>,
    receive_buffer: Option<u32>,
    send_buffer: Option<u32>,
    high_water: Option<usize>,
    max_queued: Option<usize>,
}

impl SocketOptions {
    /// The defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            no_delay: false,
            keep_alive: None,
            half_open: false,
            timeout: Duration::ZERO,
            connect_timeout: Duration::ZERO,
            local: None,
            tos: None,
            receive_buffer: None,
            send_buffer: None,
            high_water: None,
            max_queued: None,
        }
    }

    /// Sends small writes at once; see [`Socket::set_no_delay`].
    #[must_use]
    pub const fn no_delay(self, no_delay: bool) -> Self {
        Self { no_delay, ..self }
    }

    /// Has the system ask from time to time whether the peer is still there.
    #[must_use]
    pub const fn keep_alive(self, keep_alive: KeepAlive) -> Self {
        Self { keep_alive: Some(keep_alive), ..self }
    }

    pub(super) const fn no_keep_alive(self) -> Self {
        Self { keep_alive: None, ..self }
    }

    /// The peer's `End` does not end this side; see [`Socket::set_half_open`].
    #[must_use]
    pub const fn half_open(self, half_open: bool) -> Self {
        Self { half_open, ..self }
    }

    /// When to tell that nothing has happened for so long; see [`Socket::set_timeout`].
    #[must_use]
    pub const fn timeout(self, after: Duration) -> Self {
        Self { timeout: after, ..self }
    }

    /// How long it may take until the connection stands, the lookup of a name included. Longer is an error event
    /// ([`ErrorKind::TimedOut`]). Unless set, or with zero, it is for the system to say, which takes minutes.
    #[must_use]
    pub const fn connect_timeout(self, limit: Duration) -> Self {
        Self { connect_timeout: limit, ..self }
    }

    /// The address to connect from; with port 0 any free one. It has to be of the kind (IPv4 or IPv6) that is
    /// connected to.
    #[must_use]
    pub const fn local_addr(self, local: SocketAddr) -> Self {
        Self { local: Some(local), ..self }
    }

    /// The type of service that packets are marked with (`IP_TOS`, for IPv6 `IPV6_TCLASS`).
    #[must_use]
    pub const fn tos(self, tos: u8) -> Self {
        Self { tos: Some(tos), ..self }
    }

    /// How much the system may receive ahead, in bytes (`SO_RCVBUF`; it rounds as it likes).
    #[must_use]
    pub const fn receive_buffer(self, bytes: u32) -> Self {
        Self { receive_buffer: Some(bytes), ..self }
    }

    /// How much the system takes before the peer has read it, in bytes (`SO_SNDBUF`; it rounds as it likes).
    #[must_use]
    pub const fn send_buffer(self, bytes: u32) -> Self {
        Self { send_buffer: Some(bytes), ..self }
    }

    /// From how many queued bytes on `write` says `false`; see [`Socket::set_high_water`].
    #[must_use]
    pub const fn high_water(self, bytes: usize) -> Self {
        Self { high_water: Some(bytes), ..self }
    }

    /// How many bytes may wait to be sent; see [`Socket::set_max_queued`].
    #[must_use]
    pub const fn max_queued(self, bytes: usize) -> Self {
        Self { max_queued: Some(bytes), ..self }
    }

    /// Connects; see [`Socket::connect`].
    ///
    /// # Errors
    ///
    /// As [`Socket::connect`]; and, as an error event, if the system does not take an option.
    #[track_caller]
    pub fn connect(self, address: impl fmt::Display) -> Result<Socket> {
        Socket::connect_with(self, Plan::DEFAULT, &address.to_string(), Location::caller())
    }

    /// Connects to a Unix socket; see [`Socket::connect_path`].
    ///
    /// # Errors
    ///
    /// As [`Socket::connect_path`]; and, as an error event, if the system does not take an option.
    #[cfg(unix)]
    #[track_caller]
    pub fn connect_path(self, path: impl AsRef<Path>) -> Result<Socket> {
        Socket::connect_unix(self, path.as_ref(), Location::caller())
    }

    pub(super) fn connect_limit(&self) -> Option<Duration> {
        Some(self.connect_timeout).filter(|limit| !limit.is_zero())
    }

    /// Is there something that has to be known when an attempt to connect begins?
    pub(super) fn concerns_attempts(&self) -> bool {
        self.local.is_some() || self.concerns_system()
    }

    fn concerns_system(&self) -> bool {
        let buffers = self.receive_buffer.is_some() || self.send_buffer.is_some();
        self.no_delay || self.keep_alive.is_some() || self.tos.is_some() || buffers
    }

    /// What the system has to know, before it connects or listens; accepted sockets inherit it from the
    /// listening one on most systems.
    pub(in crate::net) fn tell(&self, raw: &Raw, unix: bool) -> io::Result<()> {
        if !self.concerns_system() {
            return Ok(());
        }
        self.receive_buffer.map_or(Ok(()), |bytes| raw.set_recv_buffer_size(bytes as usize))?;
        self.send_buffer.map_or(Ok(()), |bytes| raw.set_send_buffer_size(bytes as usize))?;
        if unix {
            return Ok(());
        }
        if self.no_delay {
            raw.set_tcp_nodelay(true)?;
        }
        self.keep_alive.map_or(Ok(()), |keep_alive| keep_alive.tell(raw))?;
        self.tos.map_or(Ok(()), |tos| tell_tos(raw, tos))
    }

    /// The same, for a socket that is about to connect.
    pub(super) fn prepare(&self, raw: &Raw) -> io::Result<()> {
        self.tell(raw, false)?;
        self.local.map_or(Ok(()), |local| raw.bind(&local.into()))
    }

    /// What the socket itself has to know.
    pub(in crate::net) fn adopt(&self, socket: &Socket) {
        socket.set_half_open(self.half_open);
        self.high_water.into_iter().for_each(|bytes| socket.set_high_water(bytes));
        self.max_queued.into_iter().for_each(|bytes| socket.set_max_queued(bytes));
        if !self.timeout.is_zero() {
            socket.set_timeout(self.timeout);
        }
    }
}

fn tell_tos(raw: &Raw, tos: u8) -> io::Result<()> {
    let six = raw.local_addr()?.is_ipv6();
    #[cfg(any(
        target_os = "linux",
        target_os = "android",
        target_vendor = "apple",
        target_os = "freebsd"
    ))]
    if six {
        return raw.set_tclass_v6(tos.into());
    }
    if six { Ok(()) } else { raw.set_tos_v4(tos.into()) }
}

/// How the system finds out that a peer is gone which says nothing, not even goodbye.
///
/// ```
/// use onward::net::KeepAlive;
/// use std::time::Duration;
///
/// // After a minute of silence, ask every ten seconds; three without an answer are the end.
/// let keep_alive = KeepAlive::after(Duration::from_secs(60)).every(Duration::from_secs(10)).times(3);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepAlive {
    after: Duration,
    every: Option<Duration>,
    times: Option<u32>,
}

impl KeepAlive {
    /// Asks after so much silence; whole seconds, at least one.
    #[must_use]
    pub const fn after(silence: Duration) -> Self {
        Self { after: silence, every: None, times: None }
    }

    /// How long to wait between two questions; whole seconds. The system's own, unless set, and on OpenBSD.
    #[must_use]
    pub const fn every(self, interval: Duration) -> Self {
        Self { every: Some(interval), ..self }
    }

    /// How many questions without an answer are the end: an error event
    /// ([`std::io::ErrorKind::TimedOut`]). The system's own, unless set, and on OpenBSD.
    #[must_use]
    pub const fn times(self, times: u32) -> Self {
        Self { times: Some(times), ..self }
    }

    pub(super) fn tell(self, raw: &Raw) -> io::Result<()> {
        let told = socket2::TcpKeepalive::new().with_time(self.after);
        #[cfg(not(target_os = "openbsd"))]
        let told =
            self.every.map_or_else(|| told.clone(), |every| told.clone().with_interval(every));
        #[cfg(not(target_os = "openbsd"))]
        let told =
            self.times.map_or_else(|| told.clone(), |times| told.clone().with_retries(times));
        raw.set_tcp_keepalive(&told)
    }
}

/// An option that makes no sense, or that this system does not have.
pub(in crate::net) fn refused(operation: &'static str, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::InvalidInput => {
            Error::new(ErrorKind::InvalidInput, operation).because(error)
        }
        _ => Error::io(operation, error),
    }
}
