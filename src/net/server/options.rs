//! How a server listens, and what the sockets are like that it accepts.

use super::Server;
use crate::error::Result;
use crate::net::socket::SocketOptions;
use crate::net::sys::{self, Raw};
#[cfg(unix)]
use crate::net::unix;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::panic::Location;
#[cfg(unix)]
use std::path::Path;

/// Connections that may wait to be accepted. The kernel lowers it to its own limit.
const BACKLOG: u32 = 1024;

/// How to listen; [`Server::listen`] is the shorter way for who takes it as it comes.
///
/// ```
/// use onward::events::*;
/// use onward::net::{ServerOptions, Socket, SocketOptions};
///
/// onward::run(|| {
///     let server = ServerOptions::new()
///         .max_connections(1)
///         .sockets(SocketOptions::new().no_delay(true))
///         .listen("127.0.0.1:0")?;
///     server.on(Connection, |_, socket| {
///         socket.resume(); // until the guest has ended
///     });
///     server.on(Dropped, |server, (_, guest)| {
///         println!("{guest} came too late");
///         server.close_all();
///     });
///     let (first, second) = (server.local_addr(), server.local_addr());
///     Socket::connect(first)?.resume();
///     Socket::connect(second)?.resume();
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerOptions {
    backlog: u32,
    reuse_port: bool,
    only_v6: bool,
    pub(super) pause_on_connect: bool,
    pub(super) max_connections: usize,
    pub(super) sockets: SocketOptions,
    #[cfg(unix)]
    manner: unix::Manner,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl ServerOptions {
    /// The defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            backlog: BACKLOG,
            reuse_port: false,
            only_v6: false,
            pause_on_connect: false,
            max_connections: usize::MAX,
            sockets: SocketOptions::new(),
            #[cfg(unix)]
            manner: unix::Manner { mode: None, replace: false },
        }
    }

    /// How many may wait, connected and not yet accepted; 1024 unless set. The system has a limit of its own.
    #[must_use]
    pub const fn backlog(self, guests: u32) -> Self {
        Self { backlog: guests, ..self }
    }

    /// Lets several servers, of one or more processes, listen on the same port if all of them say so; the system
    /// divides the guests among them (`SO_REUSEPORT`). Some systems have that not: then it is an error.
    #[must_use]
    pub const fn reuse_port(self, reuse: bool) -> Self {
        Self { reuse_port: reuse, ..self }
    }

    /// With `true`, `[::]` is for IPv6 only. Unless set, IPv4 is served too, as addresses like
    /// `::ffff:127.0.0.1`; but OpenBSD never does.
    #[must_use]
    pub const fn only_v6(self, only: bool) -> Self {
        Self { only_v6: only, ..self }
    }

    /// How many connections there may be at a time. Whoever comes then is told `End`, and
    /// [`Dropped`](crate::events::Dropped) tells of it. See [`Server::set_max_connections`].
    #[must_use]
    pub const fn max_connections(self, connections: usize) -> Self {
        Self { max_connections: connections, ..self }
    }

    /// Nothing is read from a connection before its socket is [`resume`](crate::net::Socket::resume)d, whoever
    /// listens: for sockets that are handed on.
    #[must_use]
    pub const fn pause_on_connect(self, pause: bool) -> Self {
        Self { pause_on_connect: pause, ..self }
    }

    /// What the sockets are like that it accepts.
    #[must_use]
    pub const fn sockets(self, sockets: SocketOptions) -> Self {
        Self { sockets, ..self }
    }

    /// Who may connect to a Unix socket: the permissions of its file, such as `0o600` for its owner alone; to
    /// connect, one has to be allowed to write. Else those that new files have.
    #[cfg(unix)]
    #[must_use]
    pub const fn mode(self, mode: u32) -> Self {
        Self { manner: unix::Manner { mode: Some(mode), ..self.manner }, ..self }
    }

    /// With `true`, the socket of a server that has ended without removing it is replaced: one that refuses
    /// connections. What is no socket, or answers, stays, and is an error; to find out, it is connected to. Two
    /// servers should not try that at the same time.
    #[cfg(unix)]
    #[must_use]
    pub const fn replace(self, replace: bool) -> Self {
        Self { manner: unix::Manner { replace, ..self.manner }, ..self }
    }

    /// Listens; see [`Server::listen`].
    ///
    /// # Errors
    ///
    /// As [`Server::listen`]; and if the system does not take an option.
    #[track_caller]
    pub fn listen(self, address: impl fmt::Display) -> Result<Server> {
        Server::listen_with(self, &address.to_string(), Location::caller())
    }

    /// Listens at a Unix socket; see [`Server::listen_path`].
    ///
    /// # Errors
    ///
    /// As [`Server::listen_path`]; and if the system does not take an option.
    #[cfg(unix)]
    #[track_caller]
    pub fn listen_path(self, path: impl AsRef<Path>) -> Result<Server> {
        Server::listen_unix(self, path.as_ref(), Location::caller())
    }
}

impl ServerOptions {
    fn backlog_of_system(&self) -> i32 {
        i32::try_from(self.backlog).unwrap_or(i32::MAX)
    }

    pub(super) fn open(&self, address: SocketAddr) -> io::Result<Raw> {
        let socket = sys::tcp(address)?;
        // On Windows the option means something else: others could take the address over.
        #[cfg(unix)]
        socket.set_reuse_address(true)?;
        if self.reuse_port {
            reuse_port(&socket)?;
        }
        if address.is_ipv6() {
            let told = socket.set_only_v6(self.only_v6);
            // Who cannot serve both serves one.
            if self.only_v6 {
                told?;
            }
        }
        self.sockets.tell(&socket, false)?;
        socket.bind(&address.into())?;
        socket.listen(self.backlog_of_system())?;
        Ok(socket)
    }

    #[cfg(unix)]
    pub(super) fn open_unix(
        &self,
        path: &Path,
        address: &socket2::SockAddr,
    ) -> io::Result<(Raw, Option<unix::File>)> {
        let (socket, file) = unix::listen(path, address, self.backlog_of_system(), self.manner)?;
        self.sockets.tell(&socket, true)?;
        Ok((socket, file))
    }
}

#[cfg(all(unix, not(any(target_os = "solaris", target_os = "illumos"))))]
fn reuse_port(socket: &Raw) -> io::Result<()> {
    socket.set_reuse_port(true)
}

#[cfg(not(all(unix, not(any(target_os = "solaris", target_os = "illumos")))))]
fn reuse_port(_: &Raw) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this system shares no ports"))
}
