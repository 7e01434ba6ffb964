//! What Unix sockets for datagrams need of the operating system.

use super::life::{Arrival, DatagramHandle};
use crate::event_loop::Descriptor;
use crate::net::place::Address;
use rustix::net::{RecvFlags, SocketAddrAny, SocketAddrUnix};
use socket2::{Domain, Socket, Type};
use std::ffi::OsStr;
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// A Unix socket for datagrams.
pub(in crate::net) struct UnixHandle(Socket);

impl UnixHandle {
    pub(in crate::net) fn new() -> io::Result<Self> {
        Socket::new(Domain::UNIX, Type::DGRAM, None)?.try_into()
    }

    /// Two that are connected to each other.
    pub(in crate::net) fn pair() -> io::Result<(Self, Self)> {
        let (first, second) = Socket::pair(Domain::UNIX, Type::DGRAM, None)?;
        Ok((first.try_into()?, second.try_into()?))
    }

    pub(in crate::net) fn bind(&self, to: &Address) -> io::Result<()> {
        Ok(rustix::net::bind(&self.0, &named(to)?)?)
    }

    pub(in crate::net) fn connect(&self, to: &Address) -> io::Result<()> {
        Ok(rustix::net::connect(&self.0, &named(to)?)?)
    }

    pub(in crate::net) fn disconnect(&self) -> io::Result<()> {
        match rustix::net::connect_unspec(&self.0) {
            // So some systems say that it worked.
            Err(rustix::io::Errno::AFNOSUPPORT) => Ok(()),
            done => Ok(done?),
        }
    }

    pub(in crate::net) fn local_addr(&self) -> io::Result<Address> {
        let local = self.0.local_addr()?;
        Address::of(&local).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    pub(in crate::net) fn peer_addr(&self) -> io::Result<Address> {
        let peer = self.0.peer_addr()?;
        Address::of(&peer).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }
}

impl TryFrom<Socket> for UnixHandle {
    type Error = io::Error;

    fn try_from(socket: Socket) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self(socket))
    }
}

/// As the system has it.
fn named(address: &Address) -> io::Result<SocketAddrUnix> {
    match address.unix_bytes() {
        Some([]) => Err(io::Error::new(io::ErrorKind::InvalidInput, "a socket without a name")),
        #[cfg(any(target_os = "linux", target_os = "android"))]
        Some([0, name @ ..]) => Ok(SocketAddrUnix::new_abstract_name(name)?),
        Some(path) => Ok(SocketAddrUnix::new(path)?),
        None => Err(io::Error::new(io::ErrorKind::InvalidInput, "not a Unix socket")),
    }
}

/// Who sends may have no name.
fn sender(from: Option<SocketAddrAny>) -> Address {
    let from = from.and_then(|from| SocketAddrUnix::try_from(from).ok());
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let Some(name) = from.as_ref().and_then(SocketAddrUnix::abstract_name) {
        return Address::of_path(Path::new(OsStr::from_bytes(&[&[0], name].concat())));
    }
    let path = from.as_ref().and_then(SocketAddrUnix::path);
    let path = path.as_deref().map(std::ffi::CStr::to_bytes).unwrap_or_default();
    Address::of_path(Path::new(OsStr::from_bytes(path)))
}

impl DatagramHandle for UnixHandle {
    type Address = Address;

    #[cfg(target_os = "linux")]
    fn receive(&self, buffer: &mut [u8]) -> io::Result<Arrival<Address>> {
        let most = buffer.len();
        let (_, length, from) = rustix::net::recvfrom(&self.0, buffer, RecvFlags::TRUNC)?;
        Ok(Arrival {
            length: length.min(most),
            truncated: length > most,
            from: sender(from),
            each: None,
        })
    }

    #[cfg(not(target_os = "linux"))]
    fn receive(&self, buffer: &mut [u8]) -> io::Result<Arrival<Address>> {
        use rustix::net::{RecvAncillaryBuffer, ReturnFlags, recvmsg};
        let mut beside = RecvAncillaryBuffer::default();
        let chunks = &mut [io::IoSliceMut::new(buffer)];
        let message = recvmsg(&self.0, chunks, &mut beside, RecvFlags::empty())?;
        let truncated = message.flags.contains(ReturnFlags::TRUNC);
        Ok(Arrival { length: message.bytes, truncated, from: sender(message.address), each: None })
    }

    fn has_one(&self) -> io::Result<bool> {
        match rustix::net::recv(&self.0, &mut [0; 1], RecvFlags::PEEK) {
            Ok(_) => Ok(true),
            Err(rustix::io::Errno::AGAIN) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn send(&self, bytes: &[u8], to: Option<&Address>) -> io::Result<()> {
        use rustix::net::{send, sendto};
        let quietly = crate::net::sys::QUIETLY;
        match to {
            Some(to) => sendto(&self.0, bytes, quietly, &named(to)?)?,
            None => send(&self.0, bytes, quietly)?,
        };
        Ok(())
    }

    #[cfg(target_os = "linux")]
    fn send_some<'a>(
        &self,
        datagrams: &mut dyn Iterator<Item = (&'a [u8], Option<&'a Address>)>,
    ) -> io::Result<usize> {
        super::batch::send_some(&self.0, datagrams, |to| Ok(named(to)?.into()))
    }

    #[cfg(not(target_os = "linux"))]
    fn send_some<'a>(
        &self,
        datagrams: &mut dyn Iterator<Item = (&'a [u8], Option<&'a Address>)>,
    ) -> io::Result<usize> {
        let Some((bytes, to)) = datagrams.next() else { return Ok(0) };
        DatagramHandle::send(self, bytes, to).map(|()| 1)
    }

    fn discard_reports(&self) -> bool {
        false
    }

    /// The poller looks at the queue of the peer only where there is one.
    fn tells_writable(&self, connected: bool) -> bool {
        connected
    }

    fn descriptor(&self) -> Descriptor<'_> {
        self.0.as_fd()
    }

    fn name(address: &Address) -> String {
        address.to_string()
    }
}
