//! What sockets need of the operating system, the same on all of them.

#[cfg(unix)]
use super::passing::Passing;
use crate::error::is_out_of_descriptors;
use crate::event_loop::Descriptor;
use crate::io::ByteHandle;
use socket2::{Domain, Protocol, Socket, Type};
use std::io::{self, IoSlice};
use std::net::{Shutdown, SocketAddr};
use std::ops::Deref;

/// A socket of the system's, whatever family it is of.
pub(crate) struct Raw {
    socket: Socket,
    /// Once descriptors may come or go with the bytes.
    #[cfg(unix)]
    passing: std::cell::OnceCell<Box<Passing>>,
}

impl Raw {
    #[cfg(unix)]
    pub(super) fn passing(&self) -> Option<&Passing> {
        self.passing.get().map(|passing| &**passing)
    }

    /// From here on descriptors may come or go, of a stream in which so many bytes were sent.
    #[cfg(unix)]
    pub(super) fn pass_descriptors(&self, sent: u64) {
        self.passing.get_or_init(|| Box::new(Passing::new(sent)));
    }

    pub(super) fn into_socket(self) -> Socket {
        self.socket
    }
}

impl From<Socket> for Raw {
    fn from(socket: Socket) -> Self {
        Self {
            socket,
            #[cfg(unix)]
            passing: std::cell::OnceCell::new(),
        }
    }
}

impl Deref for Raw {
    type Target = Socket;

    #[inline]
    fn deref(&self) -> &Socket {
        &self.socket
    }
}

/// A socket for this address, bound to nothing.
pub(super) fn tcp(address: SocketAddr) -> io::Result<Raw> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Starts to connect; whether it worked shows when the socket becomes writable.
pub(super) fn connect(socket: Raw, address: SocketAddr) -> io::Result<Raw> {
    match socket.connect(&address.into()) {
        Ok(()) => {}
        #[cfg(unix)]
        Err(error)
            if error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {}
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
        Err(error) => return Err(error),
    }
    Ok(socket)
}

/// The peer's address, if it has one that is an IP address.
#[cfg(target_os = "linux")]
pub(super) fn accept(listener: &Raw) -> io::Result<(Raw, Option<SocketAddr>)> {
    use rustix::net::{SocketFlags, acceptfrom_with};
    // One call where the portable way takes three.
    let (descriptor, peer) =
        acceptfrom_with(&**listener, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK)?;
    let peer = peer.and_then(|peer| SocketAddr::try_from(peer).ok());
    Ok((Socket::from(descriptor).into(), peer))
}

/// The peer's address, if it has one that is an IP address.
#[cfg(not(target_os = "linux"))]
pub(super) fn accept(listener: &Raw) -> io::Result<(Raw, Option<SocketAddr>)> {
    let (socket, peer) = listener.accept()?;
    socket.set_nonblocking(true)?;
    Ok((socket.into(), peer.as_socket()))
}

/// What an error of `accept` means for the listener.
pub(super) enum AcceptError {
    /// Nobody waits any more.
    Empty,
    /// This one went away before it was accepted; there may be others.
    Gone,
    /// Nobody can be accepted for now.
    Stuck { out_of_descriptors: bool },
}

pub(super) fn sort(error: &io::Error) -> AcceptError {
    use io::ErrorKind::{
        ConnectionAborted, ConnectionReset, Interrupted, PermissionDenied, WouldBlock,
    };
    match error.kind() {
        WouldBlock => AcceptError::Empty,
        // A firewall's veto is reported as a missing permission.
        Interrupted | ConnectionAborted | ConnectionReset | PermissionDenied => AcceptError::Gone,
        _ => AcceptError::Stuck { out_of_descriptors: is_out_of_descriptors(error) },
    }
}

/// A peer that is gone is an error of the call, and no signal that ends the process. Apple's systems are told so
/// when the socket is made.
#[cfg(all(unix, not(target_vendor = "apple")))]
pub(super) const QUIETLY: rustix::net::SendFlags = rustix::net::SendFlags::NOSIGNAL;
#[cfg(all(unix, target_vendor = "apple"))]
pub(super) const QUIETLY: rustix::net::SendFlags = rustix::net::SendFlags::empty();

impl ByteHandle for Raw {
    #[cfg(unix)]
    #[inline]
    fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(passing) = self.passing() {
            return passing.receive(borrow(&self.socket), buffer);
        }
        Ok(rustix::net::recv(&self.socket, buffer, rustix::net::RecvFlags::empty())?.0)
    }

    #[cfg(not(unix))]
    fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut socket = &self.socket;
        io::Read::read(&mut socket, buffer)
    }

    fn at_end(&self) -> io::Result<bool> {
        Ok(self.peek(&mut [std::mem::MaybeUninit::uninit()])? == 0)
    }

    #[cfg(unix)]
    #[inline]
    fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(passing) = self.passing() {
            return passing.send(borrow(&self.socket), &[IoSlice::new(bytes)]);
        }
        Ok(rustix::net::send(&self.socket, bytes, QUIETLY)?)
    }

    #[cfg(not(unix))]
    fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.send(bytes)
    }

    #[cfg(unix)]
    fn send_vectored(&self, chunks: &[IoSlice<'_>]) -> io::Result<usize> {
        use rustix::net::{SendAncillaryBuffer, sendmsg};
        if let Some(passing) = self.passing() {
            return passing.send(borrow(&self.socket), chunks);
        }
        Ok(sendmsg(&self.socket, chunks, &mut SendAncillaryBuffer::default(), QUIETLY)?)
    }

    #[cfg(not(unix))]
    fn send_vectored(&self, chunks: &[IoSlice<'_>]) -> io::Result<usize> {
        self.socket.send_vectored(chunks)
    }

    fn finish(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }

    fn descriptor(&self) -> Option<Descriptor<'_>> {
        Some(borrow(&self.socket))
    }
}

#[cfg(unix)]
pub(super) fn borrow(socket: &Socket) -> Descriptor<'_> {
    std::os::fd::AsFd::as_fd(socket)
}

#[cfg(windows)]
pub(super) fn borrow(socket: &Socket) -> Descriptor<'_> {
    std::os::windows::io::AsSocket::as_socket(socket)
}
