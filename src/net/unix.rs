//! What Unix sockets need of the operating system.

use super::place;
use super::socket::SocketOptions;
use super::sys::Raw;
use crate::error::{Error, ErrorKind, Result};
use socket2::{Domain, SockAddr, Socket, Type};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

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
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    Ok(Raw::made(socket))
}

/// How to listen at a path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Manner {
    /// Who may connect, as the permissions of the file.
    pub(super) mode: Option<u32>,
    /// May a socket be replaced whose server has ended?
    pub(super) replace: bool,
}

/// Listens; the file goes with what comes beside the socket.
pub(super) fn listen(
    path: &Path,
    address: &SockAddr,
    backlog: i32,
    manner: Manner,
) -> io::Result<(Raw, Option<File>)> {
    let socket = stream()?;
    match socket.bind(address) {
        Err(error) if manner.replace && is_in_use(&error) && is_left(path, address) => {
            fs::remove_file(path)?;
            socket.bind(address)?;
        }
        bound => bound?,
    }
    let file = address.as_pathname().map(File::new).transpose()?;
    if let (Some(mode), Some(file)) = (manner.mode, &file) {
        // Nobody can connect before it listens.
        fs::set_permissions(&file.path, fs::Permissions::from_mode(mode))?;
    }
    socket.listen(backlog)?;
    Ok((socket, file))
}

fn is_in_use(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrInUse
}

/// Is it a socket that nobody listens at any more?
fn is_left(path: &Path, address: &SockAddr) -> bool {
    let socket = fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    let refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    socket && stream().and_then(|stream| stream.connect(address)).is_err_and(refused)
}

/// The file of a bound socket, which goes when this is dropped, if it is still the same.
pub(super) struct File {
    path: PathBuf,
    identity: (u64, u64),
}

impl File {
    pub(super) fn new(path: &Path) -> io::Result<Self> {
        // The folder may be another one by then.
        let path = std::path::absolute(path)?;
        let identity = identity(&path)?;
        Ok(Self { path, identity })
    }

    /// The file stays: somebody else listens there from now on.
    pub(super) fn keep(self) {
        let mut kept = self;
        kept.path = PathBuf::new();
    }
}

impl Drop for File {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|found| found == self.identity) {
            // Who was told to tidy up may have been faster.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let found = fs::symlink_metadata(path)?;
    Ok((found.dev(), found.ino()))
}

/// Connects, which takes no time.
pub(super) fn connect(address: &SockAddr, options: &SocketOptions) -> io::Result<Raw> {
    let socket = stream()?;
    options.tell(&socket, true)?;
    socket.connect(address)?;
    Ok(socket)
}
