//! What TCP needs of the operating system, the same on all of them.

use crate::error::is_out_of_descriptors;
use crate::event_loop::Descriptor;
use crate::io::ByteHandle;
use socket2::{Domain, Protocol, Socket, Type};
use std::io::{self, IoSlice, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};

/// Connections that may wait to be accepted. The kernel lowers it to its own limit.
const BACKLOG: i32 = 1024;

fn tcp(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

pub(super) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = tcp(address)?;
    // On Windows the option means something else: others could take the address over.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Starts to connect; whether it worked shows when the socket becomes writable.
pub(super) fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = tcp(address)?;
    match socket.connect(&address.into()) {
        Ok(()) => {}
        #[cfg(unix)]
        Err(error)
            if error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {}
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
        Err(error) => return Err(error),
    }
    Ok(socket.into())
}

#[cfg(target_os = "linux")]
pub(super) fn accept(listener: &TcpListener) -> io::Result<(TcpStream, Option<SocketAddr>)> {
    use rustix::net::{SocketFlags, acceptfrom_with};
    // One call where the portable way takes three.
    let (descriptor, peer) =
        acceptfrom_with(listener, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK)?;
    let peer = peer.and_then(|peer| SocketAddr::try_from(peer).ok());
    Ok((descriptor.into(), peer))
}

#[cfg(not(target_os = "linux"))]
pub(super) fn accept(listener: &TcpListener) -> io::Result<(TcpStream, Option<SocketAddr>)> {
    let (stream, peer) = listener.accept()?;
    stream.set_nonblocking(true)?;
    Ok((stream, Some(peer)))
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

impl ByteHandle for TcpStream {
    #[inline]
    fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut stream = self;
        stream.read(buffer)
    }

    fn at_end(&self) -> io::Result<bool> {
        Ok(self.peek(&mut [0])? == 0)
    }

    #[inline]
    fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        // The standard library asks for no SIGPIPE wherever it can be asked.
        let mut stream = self;
        stream.write(bytes)
    }

    #[cfg(target_os = "linux")]
    fn send_vectored(&self, chunks: &[IoSlice<'_>]) -> io::Result<usize> {
        use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};
        // writev cannot be asked for no SIGPIPE.
        Ok(sendmsg(self, chunks, &mut SendAncillaryBuffer::default(), SendFlags::NOSIGNAL)?)
    }

    #[cfg(not(target_os = "linux"))]
    fn send_vectored(&self, chunks: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut stream = self;
        stream.write_vectored(chunks)
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
