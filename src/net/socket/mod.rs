//! A connection: over TCP, or through a Unix socket.

mod async_io;
mod descriptors;
mod endpoint;
mod idle;
#[cfg(feature = "tls")]
mod layered;
mod leaving;
mod opening;
mod options;
mod parent;
mod rare;
mod settings;
#[cfg(all(test, target_pointer_width = "64"))]
mod sizes;
mod traits;
mod writing;

#[cfg(target_os = "linux")]
pub use descriptors::Credentials;
pub(super) use options::refused;
pub use options::{KeepAlive, SocketOptions};
pub(super) use parent::{Heir, Parent};

use super::passing::Passed;
use super::place::Address;
use super::sys::Raw;
use crate::emitter::EventEmitter;
#[cfg(feature = "tls")]
use crate::emitter::names::Secure;
use crate::emitter::names::{
    Close, Connect, ConnectionAttempt, ConnectionAttemptFailed, Data, Descriptor, Drain, End,
    Finish, Hangup, Lookup, Shutdown, Timeout,
};
use crate::error::Error;
use crate::event_loop::Handle;
use crate::io::{self as engine, Duplex};
use std::cell::Cell;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU16;
use std::rc::Rc;
#[cfg(unix)]
use std::rc::Weak;
use std::time::Duration;

macro_rules! declare {
    ($($secure:tt)*) => {
        crate::events! {
            pub for Socket {
                seldom use Lookup(&[SocketAddr]),
                seldom use ConnectionAttempt(SocketAddr),
                seldom use ConnectionAttemptFailed(SocketAddr, &Error),
                seldom use Connect(),
                use Data(&[u8]),
                use End(),
                use Drain(),
                seldom use Finish(),
                seldom use Timeout(),
                seldom use Shutdown(),
                seldom use Descriptor(&mut Passed),
                seldom use Hangup(),
                use Close(bool),
                $($secure)*
                seldom error Error,
                /// All events of a [`Socket`].
                #[non_exhaustive]
                enum SocketEvent,
            }
        }
    };
}

#[cfg(not(feature = "tls"))]
declare! {}
#[cfg(feature = "tls")]
declare! { seldom use Secure(), }

/// A connection over TCP or a Unix socket: from [`Server`](super::Server)'s `Connection`, or from
/// [`connect`](Self::connect).
///
/// A cheap handle: clones are the same socket. It is its being *open* that keeps a socket and its
/// listeners alive, not its handles; after `Close` it drops all listeners.
///
/// # Events
///
/// | event | payload | when |
/// |---|---|---|
/// | [`Lookup`] | `&[SocketAddr]` | a name was looked up: what it stands for |
/// | [`ConnectionAttempt`] | `SocketAddr` | an address is tried (not on accepted sockets) |
/// | [`ConnectionAttemptFailed`] | `(SocketAddr, &onward::Error)` | it was tried in vain; there may be others |
/// | [`Connect`] | `()` | the connection stands (not on accepted sockets, which stand already) |
#[cfg_attr(
    feature = "tls",
    doc = "| [`Secure`] | `()` | it is encrypted, and the peer is who it should be: see `onward::tls` |"
)]
/// | [`Data`] | `&[u8]` | a chunk has come; borrowed, for the time of the call |
/// | [`End`] | `()` | the peer will send no more |
/// | [`Drain`] | `()` | the write queue is empty again, after a `write` that said `false` |
/// | [`Finish`] | `()` | after [`end`](Self::end): everything is sent, and the peer has been told |
/// | [`Timeout`] | `()` | nothing has happened for as long as [`set_timeout`](Self::set_timeout) says; told, nothing else |
/// | [`Shutdown`] | `()` | its server wants to close: see [`Server::shutdown`](super::Server::shutdown) |
/// | [`Descriptor`] | `&mut `[`Passed`] | the peer handed over a descriptor, with the `Data` that follows |
/// | [`Hangup`] | `()` | the peer has ended or broken off, while nothing is read here; once, on Linux and Android |
/// | [`Error`](crate::events::Error) | `&onward::Error` | it broke; at most once, and `Close` follows |
/// | [`Close`] | `bool` | it is over; `true` after an error |
///
/// # Ordering
///
/// `Lookup`, `ConnectionAttempt`s, each before its `ConnectionAttemptFailed`, `Connect`, `Data`s, `End`, `Close`; `Drain` and `Finish` somewhere between. `Error` comes directly
/// before `Close`, nothing comes after `Close`, and no event is emitted from inside of the call that
/// causes it. A reset by the peer is an `Error`, without `End`.
///
/// Nothing is read before somebody wants it: the first `Data` listener, [`resume`](Self::resume) or a
/// pipe starts the flow. What is not read waits in the kernel, and makes the peer wait.
///
/// One `Data` brings 64 KiB at most, and a socket is read once in a turn of the loop, so that the others have their turn
/// too. While some of these have little to say, 4 KiB at most, who has much is read 8 KiB at a time, and they wait less.
///
/// So what nobody reads keeps a socket from its `End`, and from its `Close`, even if the peer has gone long ago:
/// [`resume`](Self::resume) it, say that [nobody will](Self::discard_input), or listen for `Hangup`.
#[derive(Clone)]
pub struct Socket(Rc<Inner>);

// What every message needs comes first. There may be a hundred thousand of these, and most of them idle: what few sockets
// need is in rare.rs.
#[repr(C)]
pub(super) struct Inner {
    emitter: EventEmitter<Socket>,
    duplex: Duplex<Raw>,
    /// Is it a Unix socket?
    unix: bool,
    /// The peer's address, in the form that most have; the others are among what is rare.
    peer: Cell<Option<Peer>>,
    parent: Option<Rc<Parent>>,
}

/// An address by IPv4, in a fifth of the memory that any address takes.
#[derive(Clone, Copy)]
struct Peer(Ipv4Addr, NonZeroU16);

impl Socket {
    /// Sends bytes, in order: at once what the system takes, the rest from a queue. What a listener of this
    /// socket writes in small pieces is sent when it returns, all in one system call; see
    /// [`set_autocork`](Self::set_autocork).
    ///
    /// `false` asks to wait for `Drain` before more is written; what was written is on its way all the
    /// same. Before the connection stands, everything is queued. Never fails by itself: errors are
    /// events.
    ///
    /// # Errors
    ///
    /// As an event, with `Close`: written to after [`end`](Self::end); more queued than
    /// [`set_max_queued`](Self::set_max_queued) allows; a broken connection. After the socket was
    /// destroyed nothing happens, and `false` comes back.
    #[inline]
    #[allow(clippy::must_use_candidate, reason = "small answers need not ask")]
    pub fn write(&self, bytes: impl AsRef<[u8]>) -> bool {
        let bytes = bytes.as_ref();
        engine::keep(self, bytes) || self.write_copy(bytes)
    }

    #[inline(never)]
    fn write_copy(&self, bytes: &[u8]) -> bool {
        engine::gather(self, bytes) || self.write_else(bytes)
    }

    #[inline(never)]
    fn write_else(&self, bytes: &[u8]) -> bool {
        let go_on = engine::write(self, bytes);
        self.touch();
        go_on
    }

    /// Nothing more will be written: what waits is sent, then the peer is told; `Finish` comes then.
    pub fn end(&self) {
        engine::end(self);
    }

    /// Writes a last time, and [`end`](Self::end)s.
    pub fn end_with(&self, bytes: impl AsRef<[u8]>) {
        self.write(bytes);
        self.end();
    }

    /// Has [`end`](Self::end) been called, or did the peer's `End` end this side too?
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.0.duplex.is_ending()
    }

    /// Ends it at once, in both directions. What waits to be sent is dropped; only `Close` follows.
    pub fn destroy(&self) {
        engine::destroy(self, None);
    }

    /// Ends it, and destroys it once all that waits is sent: what the peer still says is not heard, and may
    /// have it take this for a reset.
    ///
    /// ```
    /// use onward::{events::*, net::{Server, Socket}};
    ///
    /// onward::run(|| {
    ///     let server = Server::listen("127.0.0.1:0")?;
    ///     server.on(Connection, |server, socket| {
    ///         server.close();
    ///         socket.write("goodbye");
    ///         socket.destroy_soon();
    ///     });
    ///     let client = Socket::connect(server.local_addr())?;
    ///     client.on(Data, |_, chunk| assert_eq!(chunk, b"goodbye"));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[doc(alias = "destroySoon")]
    pub fn destroy_soon(&self) {
        if self.0.duplex.is_finished() {
            return self.destroy();
        }
        if !self.is_destroyed() {
            self.0.rare().soon.set(true);
            self.end();
        }
    }

    /// Destroys it so that the peer gets a reset, and knows that not all was said. A Unix socket knows no
    /// resets, and is just destroyed.
    ///
    /// ```
    /// use onward::{events::*, net::{Server, Socket}};
    ///
    /// onward::run(|| {
    ///     let server = Server::listen("127.0.0.1:0")?;
    ///     server.on(Connection, |server, socket| {
    ///         server.close();
    ///         socket.reset_and_destroy();
    ///     });
    ///     let client = Socket::connect(server.local_addr())?;
    ///     client.on(Error, |_, error| assert!(error.is_disconnect()));
    ///     client.resume();
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[doc(alias = "resetAndDestroy")]
    pub fn reset_and_destroy(&self) {
        if !self.0.unix && !self.is_destroyed() {
            // Without it the peer is told the end, which is the next best.
            let _ = self.0.duplex.with_bytes(|raw| raw.set_linger(Some(Duration::ZERO)));
        }
        self.destroy();
    }

    /// Has it been destroyed, or is it closed?
    #[must_use]
    pub fn is_destroyed(&self) -> bool {
        self.0.duplex.is_destroyed()
    }

    /// No more `Data`, from this moment on. The peer has to wait once the kernel's buffers are full.
    pub fn pause(&self) {
        engine::pause(self);
    }

    /// `Data` may come.
    pub fn resume(&self) {
        engine::resume(self);
    }

    /// Was it paused?
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.0.duplex.is_paused()
    }

    pub(super) fn handle(&self) -> &Handle {
        &self.0.duplex.handle
    }

    /// For who keeps it without keeping it alive.
    #[cfg(unix)]
    pub(super) fn downgraded(&self) -> Weak<Inner> {
        Rc::downgrade(&self.0)
    }

    #[cfg(unix)]
    pub(super) fn upgraded(inner: &Weak<Inner>) -> Option<Self> {
        inner.upgrade().map(Self)
    }

    /// Those of a loop's sources that one server has accepted.
    pub(super) fn accepted_by(parent: &Rc<Parent>, handle: &Handle) -> Vec<Self> {
        let is_child =
            |inner: &Rc<Inner>| inner.parent.as_ref().is_some_and(|its| Rc::ptr_eq(its, parent));
        let sockets = handle.sources().into_iter().filter_map(|source| source.any());
        let sockets = sockets.filter_map(|source| source.downcast::<Inner>().ok());
        sockets.filter(is_child).map(Self).collect()
    }

    pub(super) fn tell_lookup(&self, found: &[SocketAddr]) {
        self.0.emitter.emit(self, Lookup, found);
    }

    pub(super) fn tell_attempt(&self, address: SocketAddr) {
        self.0.emitter.emit(self, ConnectionAttempt, address);
    }

    pub(super) fn tell_attempt_failed(&self, address: SocketAddr, error: &Error) {
        self.0.emitter.emit(self, ConnectionAttemptFailed, (address, error));
    }

    /// Its server wants to close.
    pub(super) fn ask_to_end(&self) {
        if self.is_destroyed() {
            return;
        }
        engine::dispatch(self, || {
            if !self.0.emitter.emit(self, Shutdown, ()).handled() {
                self.end();
            }
        });
    }
}

impl Inner {
    fn local_addr(&self) -> Option<Address> {
        let local = self.duplex.with_bytes(|raw| raw.local_addr())?.ok()?;
        Address::of(&local)
    }

    fn peer(&self) -> Option<SocketAddr> {
        let short = self.peer.get().map(|Peer(ip, port)| (ip, port.get()).into());
        short.or_else(|| self.known()?.peer.get())
    }

    fn set_peer(&self, peer: SocketAddr) {
        let short = match peer {
            SocketAddr::V4(peer) => NonZeroU16::new(peer.port()).map(|port| Peer(*peer.ip(), port)),
            SocketAddr::V6(_) => None,
        };
        self.peer.set(short);
        if short.is_none() {
            self.rare().peer.set(Some(peer));
        }
    }
}
