//! A UDP socket with a peer.

use super::{UdpSocket, options};
use crate::emitter::names::Connect;
use crate::error::{Error, Result};
use crate::net::address::Address;
use crate::net::datagram::{self as engine, Endpoint as _};
use crate::net::resolve::{Resolver, Ticket};
use std::io;
use std::net::SocketAddr;

/// # Peers
impl UdpSocket {
    /// Has only this peer's messages come, and [`send`](Self::send) go there. A second call changes the peer.
    ///
    /// `HOST:PORT`. A name is looked up, as by [`lookup`](crate::net::lookup()), and what is [sent](Self::send) meanwhile
    /// waits; its first address of the socket's own kind (IPv4 or IPv6) is taken. UDP connects without a word to the peer, so
    /// `Connect` tells nothing about it; but if its machine answers that nobody listens there, an `Error` tells.
    ///
    /// # Errors
    ///
    /// At once: not an address, or one that cannot be reached from this socket; or it is closed. Later, as an error event:
    /// a name that nobody knows. Then it has no peer, and what waited is not sent.
    ///
    /// ```
    /// use onward::{events::*, net::UdpSocket};
    ///
    /// onward::run(|| {
    ///     let socket = UdpSocket::new()?;
    ///     socket.connect("localhost:9")?;
    ///     socket.on(Connect, |socket, ()| {
    ///         assert!(socket.peer_addr().is_some_and(|peer| peer.port() == 9));
    ///         socket.close();
    ///     });
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    pub fn connect(&self, address: impl std::fmt::Display) -> Result<()> {
        let address = Address::parse("connect", address)?;
        self.stop_looking();
        match address {
            Address::Number(to) => self.connect_to(to),
            Address::Name(host, port) => self.connect_by_name(&host, port),
        }
    }

    fn connect_to(&self, to: SocketAddr) -> Result<()> {
        let failed = |error| Error::io("connect", error).on(to);
        self.bind_for(to).map_err(failed)?;
        // A socket that is closed has none.
        let closed = || Err(io::ErrorKind::NotConnected.into());
        let connected = self.0.datagrams.with_socket(|socket| socket.connect(to));
        connected.unwrap_or_else(closed).map_err(failed)?;
        self.0.peer.set(Some(to));
        engine::set_connected(self, Some(true));
        let connected = self.clone();
        let datagrams = &self.0.datagrams;
        datagrams.handle.next_tick_from(datagrams.origin, move || {
            if !connected.is_closed() {
                connected.0.emitter.emit(&connected, Connect, ());
            }
        });
        Ok(())
    }

    /// Has everybody's messages come again. The port stays the same.
    ///
    /// # Errors
    ///
    /// The system's. Without a peer nothing happens.
    pub fn disconnect(&self) -> Result<()> {
        self.stop_looking();
        if !self.0.datagrams.is_connected() {
            return Ok(());
        }
        self.0.peer.set(None);
        engine::set_connected(self, Some(false));
        let done = self.0.datagrams.with_socket(options::disconnect).unwrap_or(Ok(()));
        done.map_err(|error| Error::io("disconnect", error).on(self.name()))
    }

    fn connect_by_name(&self, host: &str, port: u16) -> Result<()> {
        let asked = format!("{host}:{port}");
        if self.is_closed() {
            return Err(Error::io("connect", io::ErrorKind::NotConnected.into()).on(asked));
        }
        let (datagrams, name) = (&self.0.datagrams, (host, port));
        let (handle, origin) = (&datagrams.handle, datagrams.origin);
        let resolver = Resolver::of(handle);
        let answer = resolver.ask(host, port);
        self.0.peer.set(None);
        engine::set_connected(self, None);
        let (asker, number) = (self.clone(), self.0.connects.get());
        let ticket = resolver.find(handle, origin, name, answer, move |found| {
            // The answer may come too late.
            if asker.is_closed() || asker.0.connects.get() != number {
                return;
            }
            asker.0.looking.set(None);
            asker.0.datagrams.handle.about(|| asker.source());
            let connected = found.and_then(|found| asker.connect_to_one_of(&found));
            if let Err(error) = connected {
                let error = error.on(asked);
                engine::set_connected(&asker, Some(false));
                engine::fail_waiting(&asker, &error);
                engine::fail_later(&asker, error);
            }
        });
        self.0.looking.set(ticket);
        Ok(())
    }

    fn connect_to_one_of(&self, found: &[SocketAddr]) -> Result<()> {
        let local = self.local_addr();
        let fits = |to: &&SocketAddr| local.is_none_or(|local| local.is_ipv6() == to.is_ipv6());
        let missing = || Error::io("connect", io::ErrorKind::NotFound.into());
        self.connect_to(*found.iter().find(fits).ok_or_else(missing)?)
    }

    /// What a name stands for is not wanted any more.
    pub(super) fn stop_looking(&self) {
        self.0.connects.set(self.0.connects.get() + 1);
        let ticket = self.0.looking.take();
        ticket.into_iter().for_each(Ticket::give_back);
    }
}
