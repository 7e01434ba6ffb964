//! Linux: many datagrams in one system call.

use super::sending::BATCH;
use rustix::net::{
    MMsgHdr, RecvFlags, SendAncillaryBuffer, SendFlags, SocketAddrAny, recv, sendmmsg,
};
use std::io::{self, IoSlice};
use std::os::fd::AsFd;

/// Sends so many of them as the system takes at once. An error is that of the first.
pub(super) fn send_some<'a, A: 'a>(
    socket: impl AsFd,
    datagrams: &mut dyn Iterator<Item = (&'a [u8], Option<&'a A>)>,
    address: impl Fn(&A) -> io::Result<SocketAddrAny>,
) -> io::Result<usize> {
    let mut parts = Vec::with_capacity(BATCH);
    for (bytes, to) in datagrams.take(BATCH) {
        let to = match to.map(&address).transpose() {
            Ok(to) => to,
            Err(error) if parts.is_empty() => return Err(error),
            // Its own turn comes.
            Err(_) => break,
        };
        parts.push(([IoSlice::new(bytes)], to, SendAncillaryBuffer::default()));
    }
    let mut messages: Vec<_> = parts
        .iter_mut()
        .map(|(bytes, to, beside)| match to {
            Some(to) => MMsgHdr::new_with_addr(to, bytes, beside),
            None => MMsgHdr::new(bytes, beside),
        })
        .collect();
    Ok(sendmmsg(socket, &mut messages, SendFlags::NOSIGNAL)?)
}

/// Throws away a report of the error queue, if there is one.
pub(super) fn discard_report(socket: impl AsFd) -> bool {
    recv(socket, &mut [0; 1], RecvFlags::ERRQUEUE | RecvFlags::DONTWAIT).is_ok()
}
