//! Sending by UDP.

use super::UdpSocket;
use crate::error::{Error, Result};
use crate::net::datagram::{self as engine, Done};
use std::io;
use std::net::SocketAddr;

/// # Sending
impl UdpSocket {
    /// Sends a datagram there: at once if the system has room, or else it is queued. A socket that is not bound is
    /// bound first.
    ///
    /// `false` asks to wait for `Drain` before more is sent; this one is on its way all the same. Never fails by itself:
    /// errors are events, see [`send_to_then`](Self::send_to_then) for who wants to know of each.
    ///
    /// # Errors
    ///
    /// As an event: too long for a datagram; an address that cannot be reached; more queued than
    /// [`set_max_queued`](Self::set_max_queued) allows, which is told once until it has drained. After
    /// [`close`](Self::close) nothing happens, and `false` comes back.
    #[allow(clippy::must_use_candidate, reason = "who sends little need not ask")]
    pub fn send_to(&self, bytes: impl AsRef<[u8]>, to: impl Into<SocketAddr>) -> bool {
        self.send_bytes(bytes.as_ref(), Some(to.into()), None)
    }

    /// The same with a callback, which is told what became of it instead of the `Error` listeners: that the system has
    /// taken it, or why not. It is called as a [tick](crate::next_tick) then, and in order.
    ///
    /// One that waited when the socket was closed gets [`ErrorKind::Destroyed`](crate::ErrorKind::Destroyed), before
    /// `Close`.
    ///
    /// ```
    /// use onward::{events::*, net::UdpSocket};
    ///
    /// onward::run(|| {
    ///     let socket = UdpSocket::new()?;
    ///     socket.send_to_then(vec![0; 70_000], ([127, 0, 0, 1], 9), |sent| {
    ///         assert!(sent.unwrap_err().to_string().starts_with("send 127.0.0.1:9: ")); // too long
    ///     });
    ///     socket.send_to_then("short", ([127, 0, 0, 1], 9), |sent| println!("{sent:?}"));
    ///     onward::set_immediate(move || socket.close());
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[allow(clippy::must_use_candidate, reason = "who sends little need not ask")]
    pub fn send_to_then(
        &self,
        bytes: impl AsRef<[u8]>,
        to: impl Into<SocketAddr>,
        then: impl FnOnce(Result<()>) + 'static,
    ) -> bool {
        self.send_bytes(bytes.as_ref(), Some(to.into()), Some(Box::new(then)))
    }

    /// Sends a datagram to whom it is connected to.
    ///
    /// # Errors
    ///
    /// Those of [`send_to`](Self::send_to); also that it is not connected.
    #[allow(clippy::must_use_candidate, reason = "who sends little need not ask")]
    pub fn send(&self, bytes: impl AsRef<[u8]>) -> bool {
        self.send_bytes(bytes.as_ref(), None, None)
    }

    /// The same with a callback; see [`send_to_then`](Self::send_to_then).
    #[allow(clippy::must_use_candidate, reason = "who sends little need not ask")]
    pub fn send_then(
        &self,
        bytes: impl AsRef<[u8]>,
        then: impl FnOnce(Result<()>) + 'static,
    ) -> bool {
        self.send_bytes(bytes.as_ref(), None, Some(Box::new(then)))
    }

    /// Sends many datagrams, each to its address; on Linux up to 64 of them in one system call. Errors are events, one
    /// for each that the system does not take.
    ///
    /// ```
    /// use onward::{events::*, net::UdpSocket};
    ///
    /// onward::run(|| {
    ///     let players = [UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?];
    ///     let game = UdpSocket::new()?;
    ///     game.send_all(players.iter().filter_map(|player| Some(("tick 1", player.local_addr()?))));
    ///     for player in players {
    ///         player.on(Message, |player, (bytes, _)| {
    ///             assert_eq!(bytes, b"tick 1");
    ///             player.close();
    ///         });
    ///     }
    ///     game.close();
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[allow(clippy::must_use_candidate, reason = "who sends little need not ask")]
    pub fn send_all<B: AsRef<[u8]>, A: Into<SocketAddr>>(
        &self,
        datagrams: impl IntoIterator<Item = (B, A)>,
    ) -> bool {
        let datagrams = datagrams.into_iter().map(|(bytes, to)| (bytes, Some(to.into())));
        let mut datagrams = datagrams.peekable();
        let Some(&(_, Some(first))) = datagrams.peek() else { return !self.is_closed() };
        if let Err(error) = self.bind_for(first) {
            engine::fail_later(self, Error::io("bind", error).on(first));
            return true;
        }
        engine::send_all(self, datagrams)
    }

    /// Sends bytes as datagrams of `size` bytes each, of which the last may be shorter: a file, or a picture, to one peer. On
    /// Linux and Android the system cuts up to 64 of them out of what it gets in one call (`UDP_SEGMENT`), where the network
    /// allows it; else they go as by [`send_all`](Self::send_all). A `size` of 0 counts for 1.
    ///
    /// `false` and errors are as with [`send_all`](Self::send_all). Nobody tells the peer where they end, nor in which
    /// order they come.
    ///
    /// ```
    /// use onward::{events::*, net::UdpSocket};
    ///
    /// onward::run(|| {
    ///     let receiver = UdpSocket::bind("127.0.0.1:0")?;
    ///     let sender = UdpSocket::new()?;
    ///     sender.send_segments("onetwothr", 3, receiver.local_addr().expect("it is bound"));
    ///     sender.close();
    ///     receiver.on(Message, |receiver, (bytes, _)| {
    ///         assert_eq!(bytes.len(), 3);
    ///         if receiver.stats().received == 3 {
    ///             receiver.close();
    ///         }
    ///     });
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[allow(clippy::must_use_candidate, reason = "who sends little need not ask")]
    pub fn send_segments(
        &self,
        bytes: impl AsRef<[u8]>,
        size: usize,
        to: impl Into<SocketAddr>,
    ) -> bool {
        let to = to.into();
        if let Err(error) = self.bind_for(to) {
            engine::fail_later(self, Error::io("bind", error).on(to));
            return true;
        }
        engine::send_segments(self, bytes.as_ref(), size, Some(&to))
    }

    fn send_bytes(&self, bytes: &[u8], to: Option<SocketAddr>, done: Option<Done>) -> bool {
        let bound = match to {
            Some(to) => self.bind_for(to).map_err(|error| Error::io("bind", error).on(to)),
            None if self.is_closed() || self.0.datagrams.is_connected() => Ok(()),
            None => Err(Error::io("send", io::ErrorKind::NotConnected.into())),
        };
        let Err(error) = bound else { return engine::send(self, bytes, to, done) };
        let datagrams = &self.0.datagrams;
        match done {
            Some(done) => {
                datagrams.handle.next_tick_from(datagrams.origin, move || done(Err(error)));
            }
            None => engine::fail_later(self, error),
        }
        true
    }
}
