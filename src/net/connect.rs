//! From an address to a connection: look the name up, try one address after the other.

use super::address::Address;
use super::socket::Socket;
use super::sys;
use crate::error::Error;
use crate::io::{self as engine, Endpoint as _};
use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};

/// A connection in the making.
pub(super) struct Dial {
    /// What the user asked for.
    asked: String,
    left: VecDeque<SocketAddr>,
    current: Option<SocketAddr>,
}

impl Dial {
    /// What errors are about: the address being tried, and the name it stands for.
    pub(super) fn target(&self) -> String {
        match self.current.map(|address| address.to_string()) {
            Some(address) if address != self.asked => format!("{} ({address})", self.asked),
            _ => self.asked.clone(),
        }
    }
}

pub(super) fn start(socket: &Socket, address: Address) {
    match address {
        Address::Number(number) => {
            dial(socket, number.to_string(), VecDeque::from([number]));
            next(socket, None);
        }
        Address::Name(host, port) => {
            dial(socket, format!("{host}:{port}"), VecDeque::new());
            engine::enroll(socket);
            let looking = socket.clone();
            let look_up = move || (host.as_str(), port).to_socket_addrs().map(Iterator::collect);
            let origin = socket.duplex().origin();
            socket.handle().spawn_blocking_from(origin, look_up).then(move |found| {
                if looking.is_destroyed() {
                    return;
                }
                let found: Result<VecDeque<SocketAddr>, Error> =
                    found.and_then(|found| found.map_err(|error| Error::io("look up", error)));
                match found {
                    Ok(addresses) => {
                        let asked = looking.target();
                        dial(&looking, asked, addresses);
                        next(&looking, None);
                    }
                    Err(error) => engine::destroy(&looking, Some(error.on(looking.target()))),
                }
            });
        }
    }
}

fn dial(socket: &Socket, asked: String, left: VecDeque<SocketAddr>) {
    socket.dial().replace(Some(Box::new(Dial { asked, left, current: None })));
}

/// Tries the next address; without one, fails with the error of the last.
fn next(socket: &Socket, mut last: Option<io::Error>) {
    loop {
        let address = socket.dial().borrow_mut().as_mut().and_then(|dial| dial.left.pop_front());
        let Some(address) = address else {
            let error = last.unwrap_or_else(|| io::ErrorKind::NotFound.into());
            return engine::destroy(socket, Some(Error::io("connect", error).on(socket.target())));
        };
        if let Some(dial) = socket.dial().borrow_mut().as_mut() {
            dial.current = Some(address);
        }
        match sys::connect(address) {
            // Whether it worked is told by the first readiness, even if it is known already.
            Ok(stream) => return engine::attach(socket, stream, false),
            Err(error) => last = Some(error),
        }
    }
}

/// The attempt has come to something.
pub(super) fn progress(socket: &Socket) {
    let duplex = socket.duplex();
    let failed = duplex.with_bytes(|stream| match stream.take_error() {
        Ok(None) => stream.peer_addr().err(),
        Ok(Some(error)) | Err(error) => Some(error),
    });
    match failed.flatten() {
        None => {
            let dial = socket.dial().take();
            if let Some(peer) = dial.and_then(|dial| dial.current) {
                socket.established(peer);
            }
        }
        // Some systems report the socket before it is decided.
        Some(error) if error.kind() == io::ErrorKind::NotConnected => {}
        Some(error) => {
            drop(duplex.detach());
            next(socket, Some(error));
        }
    }
}
