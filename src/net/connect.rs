//! From an address to a connection: look the name up, try one address after the other.

use super::address::Address;
use super::socket::Socket;
use crate::error::Error;
use crate::event_loop::{BlockingJob, pool::Kind};
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
    /// The name is being looked up, or will be.
    looking: Option<BlockingJob>,
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
            let job = socket.handle().spawn_blocking_from(Kind::Dns, origin, look_up).then(
                move |found| {
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
                },
            );
            if let Some(dial) = socket.dial().borrow_mut().as_mut() {
                dial.looking = Some(job);
            }
        }
    }
}

fn dial(socket: &Socket, asked: String, left: VecDeque<SocketAddr>) {
    socket.dial().replace(Some(Box::new(Dial { asked, left, current: None, looking: None })));
}

/// Nobody wants to know any more what the name stands for. If that is being found out, the loop does not
/// wait for it.
pub(super) fn give_up(socket: &Socket) {
    let looking = socket.dial().borrow_mut().as_mut().and_then(|dial| dial.looking.take());
    if let Some(job) = looking {
        job.unref().cancel();
    }
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
        match socket.open(address) {
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

#[cfg(test)]
mod tests {
    use crate::event_loop::{EventLoop, pool::Kind, set_timeout};
    use crate::net::Socket;
    use std::panic::Location;
    use std::sync::mpsc;
    use std::time::Duration;

    #[test]
    fn a_loop_does_not_wait_for_names_that_nobody_wants_any_more() {
        let (hanging, event_loop) = (EventLoop::new().unwrap(), EventLoop::new().unwrap());
        let hang = || {
            let (go, gone) = mpsc::channel::<()>();
            let hang = move || gone.recv().is_err();
            hanging
                .handle()
                .spawn_blocking_from(Kind::Dns, Location::caller(), hang)
                .then(|result| assert!(result.unwrap()));
            go
        };
        let go: Vec<_> = (0..4).map(|_| hang()).collect();
        event_loop.enter(|| {
            set_timeout(Duration::from_secs(20), || panic!("it waits for them")).unref();
            for _ in 0..100 {
                Socket::connect("name.invalid:80").unwrap().destroy();
            }
        });
        event_loop.run().unwrap();
        drop(go);
        hanging.run().unwrap();
    }
}
