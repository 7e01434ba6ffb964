//! Writing to a socket, beyond `write` and `end`.

use super::Socket;
use crate::error::Result;
use crate::io::{self as engine, Endpoint as _};
use crate::stream::WhenFull;
use bytes::Bytes;

impl Socket {
    /// As [`write`](Self::write), for bytes that can be given away: a `Vec<u8>`, a `String`, a `&'static str`
    /// or `[u8]`, a [`Bytes`]. What has to wait is kept as it is and not copied.
    ///
    /// ```
    /// use onward::events::*;
    /// use onward::net::{Server, Socket};
    ///
    /// onward::run(|| {
    ///     let server = Server::listen("127.0.0.1:0")?;
    ///     server.on(Connection, |server, socket| {
    ///         server.close();
    ///         socket.write_owned("a megabyte:\n");
    ///         socket.write_owned(vec![b'.'; 1 << 20]); // far more than the system takes at once
    ///         socket.end();
    ///     });
    ///
    ///     let client = Socket::connect(server.local_addr())?;
    ///     client.resume();
    ///     client.on(Close, |client, _| assert_eq!(client.bytes_read(), 12 + (1 << 20)));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[allow(clippy::must_use_candidate, reason = "small answers need not ask")]
    pub fn write_owned(&self, bytes: impl Into<Bytes>) -> bool {
        let go_on = engine::write_chunk(self, bytes.into());
        self.touch();
        go_on
    }

    /// As [`write`](Self::write), and has `then` called with what became of it: `Ok` when the system has taken
    /// all of these bytes.
    ///
    /// # Ordering
    ///
    /// Callbacks come in the order of the writes, and never from inside of this call. Those of one flush come
    /// after its `Drain`, and before `Finish`. One that fails comes before the socket's `Error` and `Close`.
    ///
    /// # Errors
    ///
    /// To `then`: the error that ended the socket, the system's or
    /// [`WriteAfterEnd`](crate::ErrorKind::WriteAfterEnd), which is an error event too;
    /// [`Destroyed`](crate::ErrorKind::Destroyed) if [`destroy`](Self::destroy) came before, which is not;
    /// [`QueueFull`](crate::ErrorKind::QueueFull) for a chunk that was [dropped](WhenFull::Drop). If the loop
    /// ends before any of this, the callback is dropped.
    ///
    /// ```
    /// use onward::events::*;
    /// use onward::net::{Server, Socket};
    ///
    /// onward::run(|| {
    ///     let server = Server::listen("127.0.0.1:0")?;
    ///     server.on(Connection, |server, socket| {
    ///         server.close();
    ///         socket.write_then("last words", |sent| println!("{sent:?}"));
    ///         socket.end();
    ///         socket.on(Finish, |_, ()| println!("after the words"));
    ///     });
    ///     Socket::connect(server.local_addr())?.resume();
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[allow(clippy::must_use_candidate, reason = "who has a callback need not ask")]
    pub fn write_then(
        &self,
        bytes: impl AsRef<[u8]>,
        then: impl FnOnce(Result<()>) + 'static,
    ) -> bool {
        engine::write_then(self, Box::new(then), |socket| socket.write(bytes))
    }

    /// [`write_owned`](Self::write_owned) with the callback of [`write_then`](Self::write_then).
    ///
    /// ```no_run
    /// # fn serve(socket: &onward::net::Socket, page: Vec<u8>) {
    /// let length = page.len();
    /// socket.write_owned_then(page, move |sent| match sent {
    ///     Ok(()) => println!("{length} bytes sent"),
    ///     Err(error) => println!("not sent: {error}"),
    /// });
    /// # }
    /// ```
    #[allow(clippy::must_use_candidate, reason = "who has a callback need not ask")]
    pub fn write_owned_then(
        &self,
        bytes: impl Into<Bytes>,
        then: impl FnOnce(Result<()>) + 'static,
    ) -> bool {
        engine::write_then(self, Box::new(then), |socket| socket.write_owned(bytes))
    }

    /// Sends nothing until [`uncork`](Self::uncork) is called as often: what is written meanwhile leaves in as
    /// few system calls as it can. [`end`](Self::end) uncorks it altogether.
    ///
    /// What waits counts as queued, so a `write` may say `false`; its `Drain` comes after the `uncork`.
    ///
    /// ```
    /// use onward::events::*;
    /// use onward::net::{Server, Socket};
    ///
    /// onward::run(|| {
    ///     let server = Server::listen("127.0.0.1:0")?;
    ///     server.on(Connection, |server, socket| {
    ///         server.close();
    ///         socket.resume();
    ///     });
    ///
    ///     let client = Socket::connect(server.local_addr())?;
    ///     client.on(Connect, |client, ()| {
    ///         client.cork();
    ///         for number in 0..1_000 {
    ///             client.write(format!("{number}\n"));
    ///         }
    ///         assert_eq!(client.bytes_written(), 0);
    ///         client.uncork(); // one system call
    ///         assert_eq!(client.bytes_written(), 3_890);
    ///         client.end();
    ///     });
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    pub fn cork(&self) {
        engine::cork(self);
    }

    /// Undoes one [`cork`](Self::cork); the last one sends. Events that come of it come later.
    pub fn uncork(&self) {
        engine::uncork(self);
    }

    /// Whether what listeners of this socket write, on this socket, leaves together when they return and
    /// their ticks have run. `true` unless set.
    ///
    /// It is about small writes, which are copied, and about [owned](Self::write_owned) chunks; a large one
    /// that is lent goes at once, with what was written before it. What is written from elsewhere, a timer,
    /// a future or a listener of another emitter, goes at once. A [`destroy`](Self::destroy) sends what was
    /// written before it in the same listener, as far as the system takes it at once.
    ///
    /// Turn it off where a listener does long work after it has written, and the peer should not wait.
    ///
    /// ```
    /// use onward::events::*;
    /// use onward::net::{Server, Socket};
    ///
    /// onward::run(|| {
    ///     let server = Server::listen("127.0.0.1:0")?;
    ///     server.on(Connection, |server, socket| {
    ///         server.close();
    ///         socket.write("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n");
    ///         socket.write("hello");
    ///         assert_eq!(socket.bytes_written(), 0); // the two leave in one system call
    ///         socket.set_autocork(false);
    ///         assert_eq!(socket.queued(), 0);
    ///         socket.end();
    ///     });
    ///     Socket::connect(server.local_addr())?.resume();
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    pub fn set_autocork(&self, wanted: bool) {
        engine::set_autocork(self, wanted);
    }

    /// What becomes of a chunk that would make more wait than [`set_max_queued`](Self::set_max_queued) allows:
    /// [`WhenFull::Fail`] unless set.
    ///
    /// ```
    /// use onward::net::Socket;
    /// use onward::stream::WhenFull;
    ///
    /// # onward::EventLoop::new()?.enter(|| {
    /// let viewer = Socket::connect("127.0.0.1:7000")?;
    /// viewer.set_max_queued(3);
    /// viewer.set_when_full(WhenFull::Drop); // who watches slowly sees fewer pictures
    /// viewer.write("one");
    /// viewer.write("two"); // does not fit beside what waits for the connection
    /// assert_eq!((viewer.queued(), viewer.dropped_chunks(), viewer.dropped_bytes()), (3, 1, 3));
    /// # Ok::<(), onward::Error>(()) })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    pub fn set_when_full(&self, when_full: WhenFull) {
        self.duplex().set_when_full(when_full);
    }

    /// Chunks that were [dropped](WhenFull::Drop).
    #[must_use]
    pub fn dropped_chunks(&self) -> u64 {
        self.duplex().dropped().0
    }

    /// Bytes of the chunks that were [dropped](WhenFull::Drop).
    #[must_use]
    pub fn dropped_bytes(&self) -> u64 {
        self.duplex().dropped().1
    }
}
