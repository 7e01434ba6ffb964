//! From an address to a connection: look the name up, and try what it stands for.
//!
//! A single address is tried by the socket itself. Several have a [`race`].

use super::address::Address;
use super::connector::Plan;
use super::hook::{Answer, tell};
use super::race::{self, Race};
use super::resolve::{Resolver, Ticket};
use super::socket::Socket;
use super::sys::Raw;
use crate::error::{Error, Result};
use crate::event_loop::JoinHandle;
use crate::io::{self as engine, Endpoint as _};
use std::io;
use std::net::SocketAddr;

/// A connection in the making.
pub(super) struct Dial {
    /// What the user asked for.
    asked: String,
    pub(super) plan: Plan,
    /// The only address that is tried.
    current: Option<SocketAddr>,
    /// That it is tried has not been told yet.
    untold: bool,
    /// The name is being looked up.
    looking: Option<Looking>,
    pub(super) race: Option<Race>,
}

/// By whom.
enum Looking {
    Resolver(Ticket),
    Hook(JoinHandle<()>),
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

/// The `HOST:PORT` that it is on its way to.
#[cfg(feature = "tls")]
pub(super) fn asked(socket: &Socket) -> Option<String> {
    with_dial(socket, |dial| dial.asked.clone())
}

/// Does something with what is known of the connection, while it is in the making; no user code may run in here.
pub(super) fn with_dial<T>(socket: &Socket, f: impl FnOnce(&mut Dial) -> T) -> Option<T> {
    socket.dial()?.borrow_mut().as_deref_mut().map(f)
}

pub(super) fn start(socket: &Socket, address: Address, plan: Plan) {
    let (asked, current) = match &address {
        Address::Number(number) => (number.to_string(), Some(*number)),
        Address::Name(host, port) => (format!("{host}:{port}"), None),
    };
    // A hook is the user's: should it panic, nothing has begun.
    let answer = match (&address, &plan.hook) {
        (Address::Number(_), _) => None,
        (Address::Name(host, port), Some(hook)) => Some(hook(host, *port)),
        (Address::Name(host, port), None) => Resolver::of(socket.handle()).ask(host, *port),
    };
    let dial = Dial { asked, plan, current, untold: true, looking: None, race: None };
    socket.set_dial(dial);
    match address {
        Address::Number(number) => direct(socket, number),
        Address::Name(host, port) => {
            engine::enroll(socket);
            let looking = match answer {
                Some(answer) => Some(Looking::Hook(ask(socket, answer))),
                None => look_up(socket, &host, port).map(Looking::Resolver),
            };
            with_dial(socket, |dial| dial.looking = looking);
        }
    }
}

fn look_up(socket: &Socket, host: &str, port: u16) -> Option<Ticket> {
    let (handle, origin) = (socket.handle(), socket.duplex().origin());
    let asker = socket.clone();
    let then = move |found| answered(&asker, found);
    Resolver::of(handle).find(handle, origin, (host, port), None, then)
}

/// Has the program itself say what a name stands for.
fn ask(socket: &Socket, answer: Answer) -> JoinHandle<()> {
    let (asker, origin) = (socket.clone(), socket.duplex().origin());
    let ask = tell(answer, move |found| answered(&asker, found));
    // It is the socket that keeps the loop alive, or does not.
    socket.handle().spawn_from(origin, ask).unref()
}

/// It is known what the name stands for, or why not.
fn answered(socket: &Socket, found: Result<Vec<SocketAddr>>) {
    if socket.is_destroyed() {
        return;
    }
    socket.handle().about(|| socket.source());
    // One of the hook's own is a future that is just running: it is over anyway.
    let looked = with_dial(socket, |dial| dial.looking.take());
    drop(looked);
    match found {
        Err(error) => engine::destroy(socket, Some(error.on(socket.target()))),
        Ok(found) => {
            let next = Later::new(socket, begin(found.clone()));
            socket.tell_lookup(&found);
            next.now();
        }
    }
}

/// Tries these addresses.
fn begin(found: Vec<SocketAddr>) -> impl FnOnce(&Socket) + 'static {
    move |socket| {
        let plan = with_dial(socket, |dial| dial.plan.arrange(&found));
        match plan.as_deref() {
            None => {}
            Some([]) => {
                let error = Error::io("connect", io::ErrorKind::NotFound.into());
                engine::destroy(socket, Some(error.on(socket.target())));
            }
            Some(&[one]) => {
                with_dial(socket, |dial| dial.current = Some(one));
                direct(socket, one);
                announce(socket);
            }
            Some(several) => {
                with_dial(socket, |dial| dial.race = Some(Race::new(several)));
                race::advance(socket);
            }
        }
    }
}

/// Tries one address. Whether it worked is told by the first readiness, even if it is known already.
fn direct(socket: &Socket, address: SocketAddr) {
    match socket.open(address) {
        Ok(raw) => engine::attach(socket, raw, false),
        Err(error) => {
            engine::enroll(socket);
            let failing = socket.clone();
            let origin = socket.duplex().origin();
            socket.handle().next_tick_from(origin, move || failed(&failing, address, error));
        }
    }
}

/// Somebody listens for attempts: the one that was begun inside of the call is told soon.
pub(super) fn announce_later(socket: &Socket) {
    if with_dial(socket, |dial| dial.untold && dial.current.is_some()) == Some(true) {
        let announcing = socket.clone();
        let origin = socket.duplex().origin();
        socket.handle().next_tick_from(origin, move || announce(&announcing));
    }
}

/// Tells the attempt, if it has not been told.
fn announce(socket: &Socket) {
    if socket.is_destroyed() {
        return;
    }
    let address = with_dial(socket, |dial| {
        dial.current.filter(|_| std::mem::replace(&mut dial.untold, false))
    });
    if let Some(address) = address.flatten() {
        socket.tell_attempt(address);
        socket.handle().settle();
    }
}

/// The only attempt has come to nothing.
fn failed(socket: &Socket, address: SocketAddr, error: io::Error) {
    if socket.is_destroyed() {
        return;
    }
    let error = Error::io("connect", error).on(socket.target());
    let told = error.clone();
    let next = Later::new(socket, move |socket| engine::destroy(socket, Some(error)));
    announce(socket);
    if !socket.is_destroyed() {
        socket.tell_attempt_failed(address, &told);
    }
    next.now();
}

/// What has become of an attempt to connect.
pub(super) enum Outcome {
    Stands,
    /// Some systems report the socket before it is decided.
    Undecided,
    Failed(io::Error),
}

pub(super) fn outcome(raw: &Raw) -> Outcome {
    let error = match raw.take_error() {
        Ok(None) => raw.peer_addr().err(),
        Ok(Some(error)) | Err(error) => Some(error),
    };
    match error {
        None => Outcome::Stands,
        Some(error) if error.kind() == io::ErrorKind::NotConnected => Outcome::Undecided,
        Some(error) => Outcome::Failed(error),
    }
}

/// The attempt has come to something.
pub(super) fn progress(socket: &Socket) {
    let duplex = socket.duplex();
    match duplex.with_bytes(outcome) {
        None | Some(Outcome::Undecided) => {}
        Some(Outcome::Stands) => {
            announce(socket);
            let peer = with_dial(socket, |dial| dial.current).flatten();
            if let Some(peer) = peer.filter(|_| !socket.is_destroyed()) {
                stands(socket, peer);
            }
        }
        Some(Outcome::Failed(error)) => {
            let address = with_dial(socket, |dial| dial.current).flatten();
            drop(duplex.detach());
            if let Some(address) = address {
                failed(socket, address, error);
            }
        }
    }
}

/// One attempt has won.
pub(super) fn stands(socket: &Socket, peer: SocketAddr) {
    give_up(socket);
    socket.established(peer);
}

/// Nobody wants to know any more what the name stands for, nor whether an address answers. If the name is being
/// looked up, the loop does not wait for it.
pub(super) fn give_up(socket: &Socket) {
    let Some(dial) = socket.dial().and_then(std::cell::RefCell::take) else { return };
    let Dial { looking, race, .. } = *dial;
    match looking {
        Some(Looking::Resolver(ticket)) => ticket.give_back(),
        Some(Looking::Hook(answer)) => answer.cancel(),
        None => {}
    }
    if let Some(race) = race {
        race.end(socket);
    }
}

/// What is to be done after something has been told: if a listener panics, in the next turn, so that a loop which is
/// run again takes things to their end.
pub(super) struct Later<'a, F: FnOnce(&Socket) + 'static> {
    socket: &'a Socket,
    next: Option<F>,
}

impl<'a, F: FnOnce(&Socket) + 'static> Later<'a, F> {
    pub(super) fn new(socket: &'a Socket, next: F) -> Self {
        Self { socket, next: Some(next) }
    }

    /// Is there still something to do, after the ticks? It is for the caller to do.
    pub(super) fn settled(mut self) -> bool {
        self.socket.handle().settle();
        self.next = None;
        !self.socket.is_destroyed()
    }

    /// After the ticks.
    pub(super) fn now(mut self) {
        self.socket.handle().settle();
        if let Some(next) = self.next.take().filter(|_| !self.socket.is_destroyed()) {
            next(self.socket);
        }
    }
}

impl<F: FnOnce(&Socket) + 'static> Drop for Later<'_, F> {
    fn drop(&mut self) {
        if let Some(next) = self.next.take() {
            let (socket, origin) = (self.socket.clone(), self.socket.duplex().origin());
            self.socket.handle().defer(origin, move || {
                if !socket.is_destroyed() {
                    next(&socket);
                }
            });
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
