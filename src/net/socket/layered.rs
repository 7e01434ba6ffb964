//! A socket with a layer between its bytes and the system's, which has to say something first.
//!
//! Until that is done the socket is as one that is connecting: what is written waits, nothing is read. Then
//! `Secure` comes, where `Connect` would, and the engine goes on as with any other.

use super::Socket;
use crate::emitter::names::Secure;
use crate::error::{Error, ErrorKind, Result};
use crate::event_loop::Interest;
use crate::io::{self as engine, Endpoint as _};
use crate::net::connect;
use crate::net::layer::Layer;
use crate::net::sys::Raw;
use std::any::Any;
use std::cell::Cell;
use std::time::Duration;

/// Steps towards an open layer in a turn, all sockets together. Each may take a signature, up to a millisecond, and
/// those that are open should not wait for a crowd at the door.
const STEPS_PER_TURN: u32 = 16;

thread_local! {
    /// In which turn such steps were made, and how many.
    static STEPS: Cell<(u64, u32)> = const { Cell::new((0, 0)) };
}

/// A layer for when the connection stands, and how long it may take to open.
pub(super) type Coming = (Box<dyn Layer>, Duration);

impl Socket {
    /// Puts a layer in, which has `limit` to open: at once, or as soon as the connection stands.
    pub(crate) fn put_layer(&self, layer: Box<dyn Layer>, limit: Duration) -> Result<()> {
        let duplex = &self.0.duplex;
        let refuse = |kind| Error::new(kind, "upgrade").on(self.target());
        let wrong = |what: &'static str| Err(refuse(ErrorKind::InvalidInput).because(what));
        if self.is_destroyed() {
            return Err(refuse(ErrorKind::Destroyed));
        }
        if self.has_layer() || self.0.known().is_some_and(|rare| rare.layer.borrow().is_some()) {
            return wrong("it is encrypted already");
        }
        if !duplex.is_ready() {
            self.0.rare().layer.replace(Some((layer, limit)));
            return Ok(());
        }
        if duplex.is_pulled() {
            return Err(refuse(ErrorKind::InUse));
        }
        if self.is_ended() || duplex.has_ended() {
            return wrong("it has ended");
        }
        engine::send_waiting(self);
        if duplex.queued() > 0 {
            return wrong("bytes wait to be sent");
        }
        if !self.begin_layer(layer, limit) {
            return wrong("descriptors go with its bytes");
        }
        Ok(())
    }

    /// From here on bytes go through the layer, which opens by and by. `false`: something is in its place.
    fn begin_layer(&self, layer: Box<dyn Layer>, limit: Duration) -> bool {
        let put = self.0.duplex.with_bytes_mut(|raw| raw.set_layer(layer)) == Some(true);
        if put {
            self.limit_opening("handshake", limit);
            self.0.duplex.stand_back();
        }
        put
    }

    /// The connection stands. If a layer is to come, that is told, and the layer begins.
    pub(super) fn goes_on_with_layer(&self) -> bool {
        let coming = self.0.known().and_then(|rare| rare.layer.take());
        let Some((layer, limit)) = coming else { return false };
        if self.begin_layer(layer, limit) {
            engine::dispatch(self, || self.tell_connect());
        } else {
            let error = Error::new(ErrorKind::InvalidInput, "upgrade").on(self.target());
            engine::destroy(self, Some(error.because("descriptors go with its bytes")));
        }
        true
    }

    /// The `HOST:PORT` that it is on its way to.
    pub(crate) fn asked(&self) -> Option<String> {
        connect::asked(self)
    }

    pub(super) fn has_layer(&self) -> bool {
        self.0.duplex.with_bytes(|raw| raw.layer().is_some()) == Some(true)
    }

    /// Looks at a layer of this kind, if there is one; no user code may run in here.
    pub(crate) fn with_layer<L: Layer, T>(&self, f: impl FnOnce(&L) -> T) -> Option<T> {
        let look = |raw: &Raw| {
            let layer: &dyn Any = raw.layer()?;
            layer.downcast_ref().map(f)
        };
        self.0.duplex.with_bytes(look).flatten()
    }

    /// Have enough layers been opened in this turn?
    fn is_others_turn(&self) -> bool {
        let turn = self.handle().turns();
        let (last, steps) = STEPS.get();
        let steps = if last == turn { steps + 1 } else { 1 };
        STEPS.set((turn, steps));
        steps > STEPS_PER_TURN
    }

    /// Goes on with what the layer has to say.
    pub(super) fn open_layer(&self) {
        let duplex = &self.0.duplex;
        if self.is_others_turn() {
            return duplex.stand_back();
        }
        let opened = duplex.with_bytes(Raw::open_layer);
        // Code of the program's may have been asked whom to trust.
        if self.is_destroyed() {
            return;
        }
        match opened {
            None => {}
            Some(Ok(false)) => duplex.update_interest(),
            Some(Ok(true)) => {
                self.stop_limit();
                self.touch();
                // Behind the last of what the peer had to say first there may be more, which nobody will tell.
                duplex.again(Interest::READ | Interest::ENDING);
                engine::establish(self, || _ = self.0.emitter.emit(self, Secure, ()));
            }
            Some(Err(error)) => {
                engine::destroy(self, Some(Error::io("handshake", error).on(self.target())));
            }
        }
    }
}
