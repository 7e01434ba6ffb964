//! A socket as the engine and the loop see it.

use super::rare::Rare;
use super::{Inner, Socket};
use crate::emitter::names::{Close, Data, Drain, End, Finish, Hangup};
use crate::error::Error;
use crate::event_loop::{Buffer, Description, Descriptor, Interest, ResourceKind, Source};
use crate::io::{self as engine, Duplex, Endpoint};
use crate::net::connect;
#[cfg(unix)]
use crate::net::passing::Passing;
use crate::net::sys::Raw;
use std::any::Any;
use std::io;
use std::rc::Rc;

impl Endpoint for Socket {
    type Bytes = Raw;

    #[inline]
    fn duplex(&self) -> &Duplex<Raw> {
        &self.0.duplex
    }

    fn source(&self) -> Rc<dyn Source> {
        Rc::clone(&self.0) as Rc<dyn Source>
    }

    fn target(&self) -> String {
        let dialed = self.0.known().and_then(|rare| Some(rare.dial.borrow().as_ref()?.target()));
        let known = dialed.or_else(|| self.0.peer().map(|peer| peer.to_string()));
        known.or_else(|| self.0.unix_target()).unwrap_or_default()
    }

    #[inline(always)]
    fn tell_data(&self, chunk: &[u8]) {
        self.0.emitter.emit_here(self, Data, chunk);
    }

    fn before_data(&self) {
        self.touch();
        #[cfg(unix)]
        self.tell_descriptors();
    }

    fn pass_over(&self) {
        #[cfg(unix)]
        if self.0.duplex.is_special() {
            self.0.duplex.with_bytes(|raw| raw.passing().map(Passing::pass_over));
        }
    }

    fn tell_end(&self) {
        self.0.emitter.emit(self, End, ());
    }

    fn tell_drain(&self) {
        self.touch();
        self.0.emitter.emit(self, Drain, ());
    }

    fn tell_finish(&self) {
        self.0.emitter.emit(self, Finish, ());
        if self.0.known().is_some_and(|rare| rare.soon.get()) {
            self.destroy();
        }
    }

    fn tell_hangup(&self) {
        self.0.emitter.emit(self, Hangup, ());
    }

    fn tell_error(&self, error: Error) {
        if let Err(unhandled) = self.0.emitter.emit_error(self, error) {
            self.handle().fail(Error::unhandled(self, unhandled.into_inner()));
        }
    }

    fn tell_close(&self, had_error: bool) {
        // Even if a listener panics.
        let _over = Over(self);
        self.0.emitter.emit(self, Close, had_error);
    }
}

impl Socket {
    /// It is ready for more than to be read, or more has to be asked; or it is going to stand.
    #[inline(never)]
    fn ready(&self, readiness: Interest, buffer: &mut Buffer) {
        if self.0.duplex.is_ready() {
            return engine::ready(self, readiness, buffer);
        }
        #[cfg(feature = "tls")]
        if self.has_layer() {
            return self.open_layer();
        }
        if self.0.unix {
            self.stand();
        } else {
            connect::progress(self);
        }
    }
}

/// When the last event has been told, the listeners go, and whoever counts open connections hears of it.
struct Over<'a>(&'a Socket);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        connect::give_up(self.0);
        self.0.stop_limit();
        self.0.stop_idling();
        self.0.0.emitter.clear();
        if let Some(parent) = &self.0.0.parent {
            parent.closed();
        }
    }
}

impl Source for Inner {
    fn describe(&self) -> Description {
        if self.unix {
            let target = self.unix_target().unwrap_or_default();
            return Description { kind: ResourceKind::UnixSocket, target };
        }
        let local = self.local_addr();
        let dialed =
            |rare: &Rare| Some(format!("connecting to {}", rare.dial.borrow().as_ref()?.target()));
        let target = match (self.known().and_then(dialed), local, self.peer()) {
            (Some(dialed), ..) => dialed,
            (None, Some(local), Some(peer)) => format!("{local} to {peer}"),
            (None, local, peer) => local
                .map(|local| local.to_string())
                .or_else(|| peer.map(|peer| peer.to_string()))
                .unwrap_or_default(),
        };
        Description { kind: ResourceKind::TcpSocket, target }
    }

    fn observe(&self) {
        self.emitter.observe();
    }

    fn any(self: Rc<Self>) -> Option<Rc<dyn Any>> {
        Some(self)
    }

    fn lend(&self, to: &mut dyn FnMut(Descriptor<'_>) -> io::Result<()>) -> io::Result<()> {
        self.duplex.lend(to)
    }

    fn ready(self: Rc<Self>, readiness: Interest, buffer: &mut Buffer) {
        Socket(self).ready(readiness, buffer);
    }

    fn readable(self: Rc<Self>, buffer: &mut Buffer) {
        engine::readable(&Socket(self), buffer);
    }

    fn refused(self: Rc<Self>, error: io::Error) {
        let socket = Socket(self);
        engine::destroy(&socket, Some(Error::io("watch", error).on(socket.target())));
    }

    fn shut(self: Rc<Self>) {
        Socket(self).destroy();
    }

    fn abandon(self: Rc<Self>) {
        connect::give_up(&Socket(Rc::clone(&self)));
        drop(self.duplex.detach());
        self.emitter.clear();
    }
}
