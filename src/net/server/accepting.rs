//! Who comes in, and what becomes of those who cannot.

use super::Server;
use crate::emitter::names::{Connection, Dropped};
use crate::error::{Error, ErrorKind};
use crate::event_loop::Interest;
use crate::io as engine;
use crate::net::place::Address;
use crate::net::socket::Socket;
use crate::net::sys::{self, AcceptError, Raw};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// Connections accepted per turn; those who are connected already are served before there are more.
const ACCEPTS_PER_TURN: usize = 64;
/// How long accepting rests when nobody can be accepted: at first, and at most.
const SHORTEST_REST: Duration = Duration::from_millis(10);
const LONGEST_REST: Duration = Duration::from_secs(1);

impl Server {
    pub(super) fn accept(&self) {
        let inner = &self.0;
        for count in 0..self.begin_burst() {
            let accepted = match &*inner.listener.borrow() {
                Some(listener) => sys::accept(listener),
                None => return,
            };
            match accepted {
                Ok((raw, peer)) if self.connections() < inner.max_connections.get() => {
                    self.welcome(raw, peer);
                }
                Ok((raw, peer)) => self.turn_away(raw, peer),
                Err(error) => match sys::sort(&error) {
                    AcceptError::Gone => {}
                    AcceptError::Empty => {
                        inner.burst.set((count.max(1), None));
                        return self.stuck(false);
                    }
                    AcceptError::Stuck { out_of_descriptors } => {
                        return self.rest(error, out_of_descriptors);
                    }
                },
            }
        }
    }

    /// How many are accepted now, at most: as many as came at once before, for to ask whether there is one more is a system
    /// call. If there are, the loop says so in its next turn, and then it may be twice as many.
    fn begin_burst(&self) -> usize {
        let inner = &self.0;
        let turn = inner.handle.turns();
        let (before, last) = inner.burst.get();
        let most = match last {
            // That all have been accepted who wait is only seen by asking.
            _ if inner.stuck.get() => ACCEPTS_PER_TURN,
            Some(last) if turn == last.wrapping_add(1) => (before * 2).min(ACCEPTS_PER_TURN),
            _ => before,
        };
        inner.burst.set((most, Some(turn)));
        most
    }

    fn welcome(&self, raw: Raw, peer: Option<SocketAddr>) {
        let inner = &self.0;
        let Some(parent) = inner.accepting.borrow().clone() else { return };
        let unix = inner.address.is_unix();
        // Elsewhere they have it from the listening socket, which has been asked whether it is possible.
        if !cfg!(target_os = "linux") {
            let _ = inner.options.sockets.tell(&raw, unix);
        }
        let socket = Socket::accepted(inner.handle.clone(), raw, peer, parent, unix, inner.origin);
        inner.options.sockets.adopt(&socket);
        if inner.options.pause_on_connect {
            socket.pause();
        }
        // What a listener writes as a greeting leaves in one piece.
        engine::dispatch(&socket, || {
            let taken = inner.emitter.emit(self, Connection, socket.clone());
            if !taken.handled() {
                socket.destroy();
            }
        });
    }

    /// There are enough.
    #[cold]
    fn turn_away(&self, raw: Raw, peer: Option<SocketAddr>) {
        let own = raw.local_addr().ok().as_ref().and_then(Address::of);
        let peer = peer.map(Address::from).or_else(|| Address::of(&raw.peer_addr().ok()?));
        drop(raw);
        let (own, peer) = (own.unwrap_or(self.0.address), peer.unwrap_or(self.0.address));
        self.0.emitter.emit(self, Dropped, (own, peer));
        self.0.handle.settle();
    }

    fn stuck(&self, stuck: bool) {
        self.0.stuck.set(stuck);
        if !stuck {
            self.0.rest.set(None);
        }
    }

    /// Nobody can be accepted: a level-triggered poller would report that for ever, so look away.
    fn rest(&self, error: io::Error, out_of_descriptors: bool) {
        let inner = &self.0;
        let Some(key) = inner.key.get() else { return };
        inner.handle.want(key, Interest::NONE);
        let last = inner.rest.take().filter(|_| inner.stuck.get());
        let pause = last.map_or(SHORTEST_REST, |(_, last)| (last * 2).min(LONGEST_REST));
        let again = self.clone();
        let timer = inner.handle.set_timeout_from(inner.origin, pause, move || {
            if let Some(key) = again.0.key.get() {
                again.0.handle.want(key, Interest::READ);
            }
        });
        // It is the server that keeps the loop alive, or does not.
        inner.rest.set(Some((timer.unref(), pause)));
        if !inner.stuck.replace(true) {
            let kind = if out_of_descriptors { ErrorKind::OutOfDescriptors } else { ErrorKind::Io };
            self.tell_error(Error::new(kind, "accept").on(inner.address).because(error));
        }
    }
}
