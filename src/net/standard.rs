//! The standard library's sockets, which ours may come from and become.

use socket2::Socket;
use std::net::{TcpListener, TcpStream};
#[cfg(unix)]
use std::os::unix::net::{UnixListener, UnixStream};

/// A connection of the standard library: [`TcpStream`], and where there is one, `UnixStream`.
pub trait StdStream: Standard {}

/// A listener of the standard library: [`TcpListener`], and where there is one, `UnixListener`.
pub trait StdListener: Standard {}

/// What all of them have; nobody else's type has it.
pub trait Standard: From<Socket> + Into<Socket> {
    #[doc(hidden)]
    const UNIX: bool;
}

impl Standard for TcpStream {
    const UNIX: bool = false;
}
impl Standard for TcpListener {
    const UNIX: bool = false;
}
impl StdStream for TcpStream {}
impl StdListener for TcpListener {}

#[cfg(unix)]
impl Standard for UnixStream {
    const UNIX: bool = true;
}
#[cfg(unix)]
impl Standard for UnixListener {
    const UNIX: bool = true;
}
#[cfg(unix)]
impl StdStream for UnixStream {}
#[cfg(unix)]
impl StdListener for UnixListener {}
