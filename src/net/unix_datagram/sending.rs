//! Sending through Unix sockets.

use super::UnixDatagram;
use crate::error::Result;
use crate::net::datagram as engine;
use crate::net::place::Address;

/// # Sending
impl UnixDatagram {
    /// Sends a datagram there: at once if there is room, or else it is queued.
    ///
    /// `false` asks to wait for `Drain` before more is sent; this one is on its way all the same. Never fails by itself:
    /// errors are events, see [`send_to_then`](Self::send_to_then) for who wants to know of each.
    ///
    /// # Errors
    ///
    /// As an event: nobody is there, or has no name; too long for a datagram; more queued than
    /// [`set_max_queued`](Self::set_max_queued) allows, which is told once until it has drained. After
    /// [`close`](Self::close) nothing happens, and `false` comes back.
    #[allow(clippy::must_use_candidate, reason = "who sends little need not ask")]
    pub fn send_to(&self, bytes: impl AsRef<[u8]>, to: Address) -> bool {
        engine::send(self, bytes.as_ref(), Some(to), None)
    }

    /// The same with a callback, which is told what became of it instead of the `Error` listeners. It is called as a
    /// [tick](crate::next_tick) then, and in order. One that waited when the socket was closed gets
    /// [`ErrorKind::Destroyed`](crate::ErrorKind::Destroyed), before `Close`.
    #[allow(clippy::must_use_candidate, reason = "who has a callback need not ask")]
    pub fn send_to_then(
        &self,
        bytes: impl AsRef<[u8]>,
        to: Address,
        then: impl FnOnce(Result<()>) + 'static,
    ) -> bool {
        engine::send(self, bytes.as_ref(), Some(to), Some(Box::new(then)))
    }

    /// Sends a datagram to whom it is connected to.
    ///
    /// # Errors
    ///
    /// Those of [`send_to`](Self::send_to); also that it is not connected.
    #[allow(clippy::must_use_candidate, reason = "who sends little need not ask")]
    pub fn send(&self, bytes: impl AsRef<[u8]>) -> bool {
        engine::send(self, bytes.as_ref(), None, None)
    }

    /// The same with a callback; see [`send_to_then`](Self::send_to_then).
    #[allow(clippy::must_use_candidate, reason = "who has a callback need not ask")]
    pub fn send_then(
        &self,
        bytes: impl AsRef<[u8]>,
        then: impl FnOnce(Result<()>) + 'static,
    ) -> bool {
        engine::send(self, bytes.as_ref(), None, Some(Box::new(then)))
    }

    /// Sends many datagrams, each to its address; on Linux up to 64 of them in one system call.
    #[allow(clippy::must_use_candidate, reason = "who sends little need not ask")]
    pub fn send_all<B: AsRef<[u8]>>(
        &self,
        datagrams: impl IntoIterator<Item = (B, Address)>,
    ) -> bool {
        let datagrams = datagrams.into_iter().map(|(bytes, to)| (bytes, Some(to)));
        engine::send_all(self, datagrams)
    }
}
