//! What sockets need of the operating system, the same on all of them.

use super::layer::Beside;
#[cfg(feature = "tls")]
use super::layer::{Below, Layer};
#[cfg(unix)]
use super::passing::Passing;
use crate::error::is_out_of_descriptors;
use crate::event_loop::Descriptor;
#[cfg(feature = "tls")]
use crate::event_loop::Interest;
use crate::io::ByteHandle;
use socket2::{Domain, Protocol, Socket, Type};
use std::io::{self, IoSlice};
use std::net::{Shutdown, SocketAddr};
use std::ops::Deref;

/// A socket of the system's, whatever family it is of.
pub(crate) struct Raw {
    socket: Socket,
    way: Way,
    /// What bytes go through, if there is anything.
    beside: Option<Box<Beside>>,
}

/// Which way bytes go. With a value to spare, so that one question tells a plain socket from one that is closed, too.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Plain,
    /// The same, and it was made here and is nobody else's, so that to close it is to end the connection.
    Alone,
    /// There is more to it than bytes.
    Beside,
}

impl Raw {
    /// One that was made here.
    pub(super) fn made(socket: Socket) -> Self {
        // Elsewhere a child that is started just then may have it too.
        let way = if cfg!(target_os = "linux") { Way::Alone } else { Way::Plain };
        Self { way, ..socket.into() }
    }

    #[cfg(unix)]
    pub(super) fn passing(&self) -> Option<&Passing> {
        match self.beside.as_deref() {
            Some(Beside::Passing(passing)) => Some(passing),
            _ => None,
        }
    }

    /// From here on descriptors may come or go, of a stream in which so many bytes were sent.
    #[cfg(unix)]
    pub(super) fn pass_descriptors(&mut self, sent: u64) {
        if self.beside.is_none() {
            self.put(Beside::Passing(Passing::new(sent)));
        }
    }

    /// The one place where either is set: what goes by must go through it.
    fn put(&mut self, beside: Beside) {
        self.way = Way::Beside;
        self.beside = Some(Box::new(beside));
    }

    /// The layer between it and the system, if there is one.
    #[cfg(feature = "tls")]
    pub(super) fn layer(&self) -> Option<&dyn Layer> {
        match self.beside.as_deref() {
            Some(Beside::Layer(layer)) => Some(&**layer),
            _ => None,
        }
    }

    /// `false`: there is something else already.
    #[cfg(feature = "tls")]
    pub(super) fn set_layer(&mut self, layer: Box<dyn Layer>) -> bool {
        let is_free = self.beside.is_none();
        if is_free {
            self.put(Beside::Layer(layer));
        }
        is_free
    }

    /// Goes on with what the layer has to say before bytes may flow. `true`: they may.
    #[cfg(feature = "tls")]
    pub(super) fn open_layer(&self) -> io::Result<bool> {
        self.layer().map_or(Ok(true), |layer| layer.open(Below(&self.socket)))
    }

    pub(super) fn into_socket(self) -> Socket {
        self.socket
    }
}

impl From<Socket> for Raw {
    fn from(socket: Socket) -> Self {
        Self { socket, way: Way::Plain, beside: None }
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
    Ok(Raw::made(socket))
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
    // What was set for the listener by others is so of those that it accepts.
    Ok((Raw { way: listener.way, ..Socket::from(descriptor).into() }, peer))
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
    #[inline]
    fn is_plain(&self) -> bool {
        self.way != Way::Beside
    }

    // Compiled into where a message comes by, who has asked before whether there is anything beside it.
    #[inline(always)]
    fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match &self.beside {
            Some(beside) if self.way == Way::Beside => beside.receive(&self.socket, buffer),
            beside => {
                debug_assert!(beside.is_none(), "nothing goes past it");
                receive(&self.socket, buffer)
            }
        }
    }

    fn at_end(&self) -> io::Result<bool> {
        #[cfg(feature = "tls")]
        if let Some(layer) = self.layer() {
            return layer.at_end(Below(&self.socket));
        }
        Ok(self.peek(&mut [std::mem::MaybeUninit::uninit()])? == 0)
    }

    #[inline(always)]
    fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        match &self.beside {
            Some(beside) if self.way == Way::Beside => {
                beside.send(&self.socket, &[IoSlice::new(bytes)])
            }
            beside => {
                debug_assert!(beside.is_none(), "nothing goes past it");
                send(&self.socket, bytes)
            }
        }
    }

    fn send_vectored(&self, chunks: &[IoSlice<'_>]) -> io::Result<usize> {
        match &self.beside {
            None => send_vectored(&self.socket, chunks),
            Some(beside) => beside.send(&self.socket, chunks),
        }
    }

    fn finish(&self) -> io::Result<()> {
        #[cfg(feature = "tls")]
        if let Some(layer) = self.layer() {
            layer.finish(Below(&self.socket))?;
        }
        self.shutdown(Shutdown::Write)
    }

    fn ends_by_closing(&self) -> bool {
        self.way == Way::Alone
    }

    fn descriptor(&self) -> Option<Descriptor<'_>> {
        Some(borrow(&self.socket))
    }

    #[cfg(feature = "tls")]
    fn opening(&self) -> Interest {
        self.layer().map_or(Interest::WRITE, Layer::opening)
    }

    #[cfg(feature = "tls")]
    fn holds(&self) -> bool {
        self.layer().is_some_and(Layer::holds)
    }

    #[cfg(feature = "tls")]
    fn lags(&self) -> bool {
        self.layer().is_some_and(Layer::lags)
    }

    #[cfg(feature = "tls")]
    fn push(&self) -> io::Result<()> {
        self.layer().map_or(Ok(()), |layer| layer.push(Below(&self.socket)))
    }

    #[cfg(feature = "tls")]
    fn owes(&self) -> usize {
        self.layer().map_or(0, Layer::owes)
    }

    #[cfg(feature = "tls")]
    fn takes_more(&self) -> bool {
        self.layer().is_some_and(|layer| !layer.lags())
    }

    #[cfg(feature = "tls")]
    fn disown(&self) -> usize {
        self.layer().map_or(0, Layer::disown)
    }
}

#[cfg(unix)]
#[inline]
pub(super) fn receive(socket: &Socket, buffer: &mut [u8]) -> io::Result<usize> {
    let received = rustix::net::recv(socket, buffer, rustix::net::RecvFlags::empty());
    // The other count asks once more whether it fits into the buffer, which it does without `TRUNC`.
    received.map(|(_, count)| count).map_err(failed)
}

/// Stands apart, so that a call which has not failed makes nothing of it.
#[cfg(unix)]
#[cold]
#[inline(never)]
fn failed(error: rustix::io::Errno) -> io::Error {
    error.into()
}

#[cfg(not(unix))]
pub(super) fn receive(mut socket: &Socket, buffer: &mut [u8]) -> io::Result<usize> {
    io::Read::read(&mut socket, buffer)
}

#[cfg(unix)]
#[inline]
pub(super) fn send(socket: &Socket, bytes: &[u8]) -> io::Result<usize> {
    rustix::net::send(socket, bytes, QUIETLY).map_err(failed)
}

#[cfg(not(unix))]
pub(super) fn send(socket: &Socket, bytes: &[u8]) -> io::Result<usize> {
    socket.send(bytes)
}

#[cfg(unix)]
pub(super) fn send_vectored(socket: &Socket, chunks: &[IoSlice<'_>]) -> io::Result<usize> {
    use rustix::net::{SendAncillaryBuffer, sendmsg};
    Ok(sendmsg(socket, chunks, &mut SendAncillaryBuffer::default(), QUIETLY)?)
}

#[cfg(not(unix))]
pub(super) fn send_vectored(socket: &Socket, chunks: &[IoSlice<'_>]) -> io::Result<usize> {
    socket.send_vectored(chunks)
}

#[cfg(unix)]
pub(super) fn borrow(socket: &Socket) -> Descriptor<'_> {
    std::os::fd::AsFd::as_fd(socket)
}

#[cfg(windows)]
pub(super) fn borrow(socket: &Socket) -> Descriptor<'_> {
    std::os::windows::io::AsSocket::as_socket(socket)
}
