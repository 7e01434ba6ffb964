//! What UDP needs of the operating system, the same on all of them.

use super::life::{Arrival, DatagramHandle};
use crate::event_loop::Descriptor;
use std::io;
use std::net::{SocketAddr, UdpSocket};

impl DatagramHandle for UdpSocket {
    type Address = SocketAddr;

    #[cfg(target_os = "linux")]
    fn receive(&self, buffer: &mut [u8]) -> io::Result<Arrival<SocketAddr>> {
        use rustix::net::{RecvFlags, recvfrom};
        let most = buffer.len();
        let (_, length, from) = recvfrom(self, buffer, RecvFlags::TRUNC)?;
        // All that comes by a socket of this family has a sender.
        let from = from.and_then(|from| SocketAddr::try_from(from).ok());
        let from = from.ok_or(io::ErrorKind::InvalidData)?;
        Ok(Arrival { length: length.min(most), truncated: length > most, from, each: None })
    }

    #[cfg(all(unix, not(target_os = "linux")))]
    fn receive(&self, buffer: &mut [u8]) -> io::Result<Arrival<SocketAddr>> {
        use rustix::net::{RecvAncillaryBuffer, RecvFlags, ReturnFlags, recvmsg};
        let mut beside = RecvAncillaryBuffer::default();
        let chunks = &mut [io::IoSliceMut::new(buffer)];
        let message = recvmsg(self, chunks, &mut beside, RecvFlags::empty())?;
        let from = message.address.and_then(|from| SocketAddr::try_from(from).ok());
        let from = from.ok_or(io::ErrorKind::InvalidData)?;
        let truncated = message.flags.contains(ReturnFlags::TRUNC);
        Ok(Arrival { length: message.bytes, truncated, from, each: None })
    }

    #[cfg(windows)]
    fn receive(&self, buffer: &mut [u8]) -> io::Result<Arrival<SocketAddr>> {
        const WSAEMSGSIZE: i32 = 10040;
        match self.recv_from(buffer) {
            Ok((length, from)) => Ok(Arrival { length, truncated: false, from, each: None }),
            // The beginning is there, but not who has sent it.
            Err(error) if error.raw_os_error() == Some(WSAEMSGSIZE) => {
                let from = SocketAddr::from(([0, 0, 0, 0], 0));
                Ok(Arrival { length: buffer.len(), truncated: true, from, each: None })
            }
            Err(error) => Err(error),
        }
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn receive_coalesced(&self, buffer: &mut [u8]) -> io::Result<Arrival<SocketAddr>> {
        super::raw::receive(std::os::fd::AsFd::as_fd(self), buffer)
    }

    fn has_one(&self) -> io::Result<bool> {
        match self.peek_from(&mut [0]) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            // Windows finds it too long.
            #[cfg(windows)]
            Err(error) if error.raw_os_error() == Some(10040) => Ok(true),
            Err(error) => Err(error),
        }
    }

    fn send(&self, bytes: &[u8], to: Option<&SocketAddr>) -> io::Result<()> {
        match to {
            Some(to) => self.send_to(bytes, to),
            None => self.send(bytes),
        }
        .map(drop)
    }

    #[cfg(target_os = "linux")]
    fn send_some<'a>(
        &self,
        datagrams: &mut dyn Iterator<Item = (&'a [u8], Option<&'a SocketAddr>)>,
    ) -> io::Result<usize> {
        super::batch::send_some(self, datagrams, |to| Ok((*to).into()))
    }

    #[cfg(not(target_os = "linux"))]
    fn send_some<'a>(
        &self,
        datagrams: &mut dyn Iterator<Item = (&'a [u8], Option<&'a SocketAddr>)>,
    ) -> io::Result<usize> {
        let Some((bytes, to)) = datagrams.next() else { return Ok(0) };
        DatagramHandle::send(self, bytes, to).map(|()| 1)
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn send_segments(&self, bytes: &[u8], size: u16, to: Option<&SocketAddr>) -> io::Result<()> {
        super::raw::send_segments(std::os::fd::AsFd::as_fd(self), bytes, size, to.copied())
    }

    #[cfg(target_os = "linux")]
    fn discard_reports(&self) -> bool {
        super::batch::discard_report(self)
    }

    #[cfg(not(target_os = "linux"))]
    fn discard_reports(&self) -> bool {
        false
    }

    fn tells_writable(&self, _: bool) -> bool {
        true
    }

    #[cfg(unix)]
    fn descriptor(&self) -> Descriptor<'_> {
        std::os::fd::AsFd::as_fd(self)
    }

    #[cfg(windows)]
    fn descriptor(&self) -> Descriptor<'_> {
        std::os::windows::io::AsSocket::as_socket(self)
    }

    fn name(address: &SocketAddr) -> String {
        address.to_string()
    }
}
