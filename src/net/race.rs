//! Several addresses, of which the first to answer is taken: "happy eyeballs", RFC 8305.
//!
//! The next attempt begins a while after the one before, or as soon as one has failed. None is broken off but by
//! another's success, so that an address that is slow to answer is still heard.

use super::connect::{self, Later, Outcome, with_dial};
use super::socket::Socket;
use super::sys::{self, Raw};
use crate::error::Error;
use crate::event_loop::{
    Buffer, Description, Descriptor, Interest, Key, ResourceKind, Source, Timer, Trigger,
};
use crate::io::{self as engine, Endpoint as _};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;

/// What is tried, what is left, and what has failed.
pub(super) struct Race {
    left: VecDeque<SocketAddr>,
    running: Vec<Rc<Attempt>>,
    failed: Vec<Error>,
    next: Option<Timer>,
}

/// An attempt that is under way: its descriptor's place on the loop.
struct Attempt {
    socket: Socket,
    address: SocketAddr,
    raw: RefCell<Option<Raw>>,
    key: Cell<Option<Key>>,
}

impl Race {
    pub(super) fn new(addresses: &[SocketAddr]) -> Self {
        let left = addresses.iter().copied().collect();
        Self { left, running: Vec::new(), failed: Vec::new(), next: None }
    }

    /// Nobody runs any more.
    pub(super) fn end(self, socket: &Socket) {
        self.next.map(Timer::cancel);
        self.running.iter().for_each(|attempt| drop(attempt.detach(socket)));
    }
}

impl Attempt {
    fn detach(&self, socket: &Socket) -> Option<Raw> {
        if let Some(key) = self.key.take() {
            socket.handle().remove_source(key);
        }
        self.raw.take()
    }
}

/// Begins the next attempt, if there is one.
pub(super) fn advance(socket: &Socket) {
    loop {
        let next = with_dial(socket, |dial| {
            let race = dial.race.as_mut()?;
            race.next.take().map(Timer::cancel);
            race.left.pop_front()
        });
        let Some(address) = next.flatten() else { return fail_if_all_have(socket) };
        match socket.open(address) {
            Ok(raw) => {
                run(socket, address, raw);
                return tell(socket, address);
            }
            Err(error) => {
                let error = note(socket, address, error);
                let next = Later::new(socket, advance);
                tell(socket, address);
                if !socket.is_destroyed() {
                    socket.tell_attempt_failed(address, &error);
                }
                // Not by recursion: there may be many.
                if !next.settled() {
                    return;
                }
            }
        }
    }
}

fn tell(socket: &Socket, address: SocketAddr) {
    socket.tell_attempt(address);
    socket.handle().settle();
}

/// Puts an attempt on the loop, and has the next one begin after a while.
fn run(socket: &Socket, address: SocketAddr, raw: Raw) {
    let (handle, origin) = (socket.handle(), socket.duplex().origin());
    let attempt = Rc::new(Attempt {
        socket: socket.clone(),
        address,
        raw: RefCell::new(Some(raw)),
        key: Cell::new(None),
    });
    let source = Rc::clone(&attempt) as Rc<dyn Source>;
    let key = handle.add_source(source, Trigger::Edge, origin);
    attempt.key.set(Some(key));
    // It is the socket that keeps the loop alive, or does not.
    handle.count_source(key, false);
    handle.want(key, Interest::WRITE);
    let waiting = socket.clone();
    with_dial(socket, |dial| {
        let delay = dial.plan.delay;
        let Some(race) = dial.race.as_mut() else { return };
        race.running.push(attempt);
        if !race.left.is_empty() {
            let next = move || {
                if !waiting.is_destroyed() {
                    waiting.handle().about(|| waiting.source());
                    advance(&waiting);
                }
            };
            race.next = Some(handle.set_timeout_from(origin, delay, next).unref());
        }
    });
}

/// Keeps the error of an attempt.
fn note(socket: &Socket, address: SocketAddr, error: io::Error) -> Error {
    let error = Error::io("connect", error).on(address);
    with_dial(socket, |dial| dial.race.as_mut().map(|race| race.failed.push(error.clone())));
    error
}

fn fail_if_all_have(socket: &Socket) {
    let failed = with_dial(socket, |dial| {
        let race = dial.race.as_mut().filter(|race| race.running.is_empty())?;
        Some(std::mem::take(&mut race.failed))
    });
    if let Some(errors) = failed.flatten() {
        engine::destroy(socket, Some(Error::several("connect", errors).on(socket.target())));
    }
}

impl Attempt {
    /// It has come to something.
    fn progress(self: Rc<Self>) {
        let socket = &self.socket;
        if socket.is_destroyed() {
            return;
        }
        let outcome = self.raw.borrow().as_ref().map(connect::outcome);
        match outcome {
            None | Some(Outcome::Undecided) => {}
            Some(Outcome::Stands) => {
                if let Some(raw) = self.detach(socket) {
                    connect::give_up(socket);
                    engine::attach(socket, raw, false);
                    socket.established(self.address);
                }
            }
            Some(Outcome::Failed(error)) => self.fail(error),
        }
    }

    fn fail(&self, error: io::Error) {
        let socket = &self.socket;
        drop(self.detach(socket));
        let gone = with_dial(socket, |dial| {
            let race = dial.race.as_mut()?;
            let at = race.running.iter().position(|other| std::ptr::eq(&**other, self))?;
            Some(race.running.swap_remove(at))
        });
        drop(gone);
        let error = note(socket, self.address, error);
        let next = Later::new(socket, advance);
        socket.tell_attempt_failed(self.address, &error);
        next.now();
    }
}

impl Source for Attempt {
    fn describe(&self) -> Description {
        let target = format!("connecting to {} ({})", self.socket.target(), self.address);
        Description { kind: ResourceKind::TcpSocket, target }
    }

    fn lend(&self, to: &mut dyn FnMut(Descriptor<'_>) -> io::Result<()>) -> io::Result<()> {
        self.raw.borrow().as_ref().map_or(Ok(()), |raw| to(sys::borrow(raw)))
    }

    fn ready(self: Rc<Self>, _: Interest, _: &mut Buffer) {
        self.progress();
    }

    fn refused(self: Rc<Self>, error: io::Error) {
        if !self.socket.is_destroyed() {
            self.fail(error);
        }
    }

    /// The socket itself is told.
    fn shut(self: Rc<Self>) {}

    fn abandon(self: Rc<Self>) {
        connect::give_up(&self.socket);
    }
}
