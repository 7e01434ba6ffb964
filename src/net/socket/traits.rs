//! What a socket has in common with other streams and emitters.

use super::Socket;
use crate::abort::{Abortable, when_closed};
#[cfg(unix)]
use crate::emitter::names::Descriptor;
use crate::emitter::names::{ConnectionAttempt, Data, Hangup};
use crate::emitter::{Downgrade as _, Emitter, Event, Listeners, Pausable, Recall, handle};
use crate::error::Error;
use crate::io::{self as engine, Endpoint as _};
use crate::net::connect;
use crate::stream::{ReadControl, holds, write_control};
use std::any::TypeId;
use std::fmt;

impl Emitter for Socket {
    fn listeners(&self) -> &Listeners<Self> {
        &self.0.emitter
    }

    fn recall(&self) -> Option<Recall<Self>> {
        Some(Recall::new(self.downgrade()))
    }

    fn listener_added<E: Event<Self>>(&self, _: E) {
        if TypeId::of::<E>() == TypeId::of::<Data>() {
            engine::listen(self);
        } else if TypeId::of::<E>() == TypeId::of::<Hangup>() {
            engine::await_hangup(self);
        } else if TypeId::of::<E>() == TypeId::of::<ConnectionAttempt>() {
            connect::announce_later(self);
        }
        #[cfg(unix)]
        if TypeId::of::<E>() == TypeId::of::<Descriptor>() && self.0.unix {
            self.take_descriptors();
        }
    }
}

impl Abortable for Socket {
    fn destroy_with(&self, error: Error) {
        engine::destroy(self, Some(error));
    }
    fn when_closed(&self, then: impl FnOnce() + 'static) {
        when_closed(self, then);
    }
}

impl ReadControl for Socket {
    fn pause(&self) {
        self.pause();
    }
    fn resume(&self) {
        self.resume();
    }
    fn hold(&self) {
        engine::hold(self);
    }
    fn release(&self) {
        engine::release(self);
    }
    fn has_ended(&self) -> bool {
        self.0.duplex.has_ended()
    }
    fn destroy(&self) {
        self.destroy();
    }
    fn is_destroyed(&self) -> bool {
        self.is_destroyed()
    }
}

/// A stream of `Data` that blocks lets the peer wait while it is full; the socket's own
/// [`pause`](Socket::pause) stays what it is.
impl Pausable for Socket {
    fn pauser(&self) -> impl Fn(bool) + 'static {
        holds(self)
    }
}

write_control!(Socket: |socket| socket.0.duplex.is_finished());

handle!(Socket, "socket");

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match (self.is_destroyed(), self.0.duplex.is_ready()) {
            (true, _) => ", closed",
            (false, false) => ", connecting",
            (false, true) => "",
        };
        write!(f, "Socket({}{state})", self.target())
    }
}

impl fmt::Display for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Socket {}", self.target())
    }
}
