//! What Unix sockets need of the operating system.

use super::place;
use super::sys::Raw;
use crate::error::{Error, ErrorKind, Result};
use socket2::{Domain, SockAddr, Type};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// A path as the system takes it, or why it takes none such.
pub(super) fn address(operation: &'static str, path: &Path) -> Result<SockAddr> {
    let wrong = |what: &str| {
        let error = Error::new(ErrorKind::InvalidInput, operation).on(place::show_path(path));
        Err(error.because(what))
    };
    match path.as_os_str().as_bytes() {
        [] => return wrong("an empty path"),
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        [0, ..] => return wrong("only Linux has abstract names"),
        // Its place in the kernel's structure ends at a zero.
        [first, rest @ ..] if *first != 0 && rest.contains(&0) => {
            return wrong("a path cannot contain a zero byte");
        }
        _ => {}
    }
    SockAddr::unix(path).or_else(|_| wrong("longer than the system allows for a socket"))
}

fn stream() -> io::Result<Raw> {
    let socket = Raw::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

pub(super) fn listen(address: &SockAddr, backlog: i32) -> io::Result<Raw> {
    let socket = stream()?;
    socket.bind(address)?;
    socket.listen(backlog)?;
    Ok(socket)
}

/// Connects, which takes no time.
pub(super) fn connect(address: &SockAddr) -> io::Result<Raw> {
    let socket = stream()?;
    socket.connect(address)?;
    Ok(socket)
}
