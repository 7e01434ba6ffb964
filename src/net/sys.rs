//! What sockets need of the operating system, the same on all of them.

use crate::error::is_out_of_descriptors;
use crate::event_loop::Descriptor;
use crate::io::ByteHandle;
use socket2::{Domain, Protocol, Type};
use std::io::{self, IoSlice};
use std::net::{Shutdown, SocketAddr};

/// A socket of the system's, whatever family it is of.
pub(super) type Raw = socket2::Socket;

fn tcp(address: SocketAddr) -> io::Result<Raw> {
    let socket = Raw::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

pub(super) fn listen(address: SocketAddr, backlog: i32) -> io::Result<Raw> {
    let socket = tcp(address)?;
    // On Windows the option means something else: others could take the address over.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(backlog)?;
    Ok(socket)
}

/// Starts to connect; whether it worked shows when the socket becomes writable.
pub(super) fn connect(address: SocketAddr) -> io::Result<Raw> {
    let socket = tcp(address)?;
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
        acceptfrom_with(listener, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK)?;
    let peer = peer.and_then(|peer| SocketAddr::try_from(peer).ok());
    Ok((descriptor.into(), peer))
}

/// The peer's address, if it has one that is an IP address.
#[cfg(not(target_os = "linux"))]
pub(super) fn accept(listener: &Raw) -> io::Result<(Raw, Option<SocketAddr>)> {
    let (socket, peer) = listener.accept()?;
    socket.set_nonblocking(true)?;
    Ok((socket, peer.as_socket()))
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
const QUIETLY: rustix::net::SendFlags = rustix::net::SendFlags::NOSIGNAL;
#[cfg(all(unix, target_vendor = "apple"))]
const QUIETLY: rustix::net::SendFlags = rustix::net::SendFlags::empty();

impl ByteHandle for Raw {
    #[cfg(unix)]
    #[inline]
    fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::net::recv(self, buffer, rustix::net::RecvFlags::empty())?.0)
    }

    #[cfg(not(unix))]
    fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut socket = self;
        io::Read::read(&mut socket, buffer)
    }

    fn at_end(&self) -> io::Result<bool> {
        Ok(self.peek(&mut [std::mem::MaybeUninit::uninit()])? == 0)
    }

    #[cfg(unix)]
    #[inline]
    fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::net::send(self, bytes, QUIETLY)?)
    }

    #[cfg(not(unix))]
    fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        Self::send(self, bytes)
    }

    #[cfg(unix)]
    fn send_vectored(&self, chunks: &[IoSlice<'_>]) -> io::Result<usize> {
        use rustix::net::{SendAncillaryBuffer, sendmsg};
        Ok(sendmsg(self, chunks, &mut SendAncillaryBuffer::default(), QUIETLY)?)
    }

    #[cfg(not(unix))]
    fn send_vectored(&self, chunks: &[IoSlice<'_>]) -> io::Result<usize> {
        Self::send_vectored(self, chunks)
    }

    fn finish(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }

    fn descriptor(&self) -> Descriptor<'_> {
        borrow(self)
    }
}

#[cfg(unix)]
pub(super) fn borrow(socket: &impl std::os::fd::AsFd) -> Descriptor<'_> {
    socket.as_fd()
}

#[cfg(windows)]
pub(super) fn borrow(socket: &impl std::os::windows::io::AsSocket) -> Descriptor<'_> {
    socket.as_socket()
}
