//! What one may set and ask of a socket.

use super::{KeepAlive, Socket, SocketOptions, refused};
use crate::error::Result;
use crate::io::Endpoint as _;
use crate::net::place::Address;
use crate::net::sys::Raw;
use std::io;

impl Socket {
    /// With `true`, the peer's `End` does not end this side: it may go on writing, and has to
    /// [`end`](Self::end) itself. `false` unless set.
    pub fn set_half_open(&self, allowed: bool) {
        self.0.duplex.set_half_open(allowed);
    }

    /// Sends small writes at once, instead of waiting for more to send with them (`TCP_NODELAY`).
    ///
    /// Set before the connection stands, it holds from then on. A Unix socket never waits, and for one that is
    /// over nothing happens.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn set_no_delay(&self, no_delay: bool) -> Result<()> {
        self.set(
            "set no-delay",
            |options| options.no_delay(no_delay),
            |raw| raw.set_tcp_nodelay(no_delay),
        )
    }

    /// Has the system ask from time to time whether the peer is still there; `None` for not at all, as it is
    /// unless set. When it is set before the connection stands, and for Unix sockets: as with
    /// [`set_no_delay`](Self::set_no_delay).
    ///
    /// # Errors
    ///
    /// The system's: it takes no such times.
    ///
    /// ```
    /// use onward::net::{KeepAlive, Socket};
    /// use onward::events::*;
    /// use std::time::Duration;
    ///
    /// onward::run(|| {
    ///     let socket = Socket::connect("127.0.0.1:1")?;
    ///     socket.set_keep_alive(KeepAlive::after(Duration::from_secs(60)))?;
    ///     socket.on(Error, |_, error| println!("{error}"));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    pub fn set_keep_alive(&self, keep_alive: impl Into<Option<KeepAlive>>) -> Result<()> {
        let keep_alive = keep_alive.into();
        let note = |options: SocketOptions| match keep_alive {
            Some(keep_alive) => options.keep_alive(keep_alive),
            None => options.no_keep_alive(),
        };
        self.set("set keep-alive", note, |raw| match keep_alive {
            Some(keep_alive) => keep_alive.tell(raw),
            None => raw.set_keepalive(false),
        })
    }

    /// Notes an option, if it is connecting, or tells the system.
    fn set(
        &self,
        operation: &'static str,
        note: impl FnOnce(SocketOptions) -> SocketOptions,
        tell: impl FnOnce(&Raw) -> io::Result<()>,
    ) -> Result<()> {
        if self.0.unix || self.is_destroyed() {
            return Ok(());
        }
        if !self.0.duplex.is_ready() {
            let rare = self.0.rare();
            rare.options.set(note(rare.options.get()));
            rare.late.set(true);
            return Ok(());
        }
        let told = self.0.duplex.with_bytes(tell).unwrap_or(Ok(()));
        told.map_err(|error| refused(operation, error).on(self.target()))
    }

    /// From how many queued bytes on `write` says `false`; 64 KiB unless set.
    pub fn set_high_water(&self, bytes: usize) {
        self.0.duplex.set_high_water(bytes);
    }

    /// How many bytes may wait for a peer that does not read; 16 MiB unless set. One more is an error
    /// event ([`ErrorKind::QueueFull`](crate::ErrorKind::QueueFull)), and the end.
    pub fn set_max_queued(&self, bytes: usize) {
        self.0.duplex.set_cap(bytes);
    }

    /// Bytes that wait to be sent.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.0.duplex.queued()
    }

    /// Did a `write` say `false`, and its `Drain` not come yet?
    #[must_use]
    pub fn needs_drain(&self) -> bool {
        self.0.duplex.needs_drain()
    }

    /// Bytes that have come.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.0.duplex.received()
    }

    /// Bytes that were handed to the system, those in the queue not included.
    #[must_use]
    pub fn bytes_written(&self) -> u64 {
        self.0.duplex.sent()
    }

    /// The peer's address; `None` before the connection stands. A client of a Unix socket has seldom one.
    #[must_use]
    pub fn peer_addr(&self) -> Option<Address> {
        let known = self.0.peer().map(Address::from);
        #[cfg(unix)]
        if self.0.unix && self.0.duplex.is_ready() {
            let peer = self.0.duplex.with_bytes(|raw| raw.peer_addr()).and_then(io::Result::ok);
            return peer.as_ref().and_then(Address::of);
        }
        known
    }

    /// This side's address; `None` before the connection stands, or if nobody asked before it closed.
    #[must_use]
    pub fn local_addr(&self) -> Option<Address> {
        if let Some(known) = self.0.known().and_then(|rare| rare.local.get()) {
            return Some(known);
        }
        let local = self.0.local_addr().filter(|_| self.0.duplex.is_ready())?;
        self.0.rare().local.set(Some(local));
        Some(local)
    }

    /// The loop need not wait for this socket.
    pub fn unref(&self) {
        self.0.duplex.count(false);
    }

    /// The loop waits for this socket, as it does unless told otherwise.
    pub fn ref_(&self) {
        self.0.duplex.count(true);
    }
}
