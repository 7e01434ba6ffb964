//! What the tests of datagrams share.

use crate::common::{ANY, LIMIT, Log};
use onward::events::*;
use onward::net::UdpSocket;
use std::net::SocketAddr;

/// A socket of the loop's on a free port.
#[track_caller]
pub(crate) fn bound() -> UdpSocket {
    UdpSocket::bind(ANY).expect("a free port")
}

#[track_caller]
pub(crate) fn address(socket: &UdpSocket) -> SocketAddr {
    socket.local_addr().expect("it is bound")
}

/// A plain socket, which blocks, though not for ever.
pub(crate) fn plain() -> std::net::UdpSocket {
    let socket = std::net::UdpSocket::bind(ANY).expect("a free port");
    socket.set_read_timeout(Some(LIMIT)).expect("a timeout");
    socket
}

/// What a plain socket gets next.
pub(crate) fn next(socket: &std::net::UdpSocket) -> Vec<u8> {
    let mut buffer = vec![0; 70_000];
    let (length, _) = socket.recv_from(&mut buffer).expect("a datagram");
    buffer.truncate(length);
    buffer
}

/// Notes every event but `Message`, listening to which has messages read.
pub(crate) fn watch_all_but_messages(log: &Log, socket: &UdpSocket) {
    let noting = |what: &'static str| {
        let log = log.clone();
        move |_: &UdpSocket, ()| log.note(what)
    };
    socket.on(Listening, noting("listening"));
    socket.on(Connect, noting("connect"));
    socket.on(Drain, noting("drain"));
    socket.on(Close, noting("close"));
    let log = log.clone();
    socket.on(Error, move |_, error| {
        let kind = error
            .io_kind()
            .map_or_else(|| format!("{:?}", error.kind()), |kind| format!("{kind:?}"));
        log.note(format!("error {} {kind}", error.operation()));
    });
}

/// Notes every event.
pub(crate) fn watch(log: &Log, socket: &UdpSocket) {
    watch_all_but_messages(log, socket);
    let log = log.clone();
    socket.on(Message, move |_, (bytes, _)| {
        log.note(format!("message {}", String::from_utf8_lossy(bytes)));
    });
}
