//! How a server comes to its end, and its connections with it.

use super::{Inner, Server};
use crate::emitter::Waiting as _;
use crate::emitter::names::Close;
use crate::event_loop::{JoinHandle, Source};
use crate::net::socket::{Heir, Socket};
use std::cell::Cell;
use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

impl Server {
    /// Accepts nobody any more, from this moment on. Connections live on; `Close` comes when
    /// the last of them has closed. A second call does nothing.
    ///
    /// Who waited to be accepted is turned away by the system, with a reset.
    pub fn close(&self) {
        let inner = &self.0;
        if inner.closing.replace(true) {
            return;
        }
        self.leave_loop();
        inner.stop_listening();
        let parent = inner.accepting.take();
        if let Some(parent) = parent.filter(|parent| parent.open() > 0) {
            parent.tell_last(Rc::clone(inner) as Rc<dyn Heir>);
        }
        self.close_if_done();
    }

    /// [`close`](Self::close)s, and destroys the connections: what they have yet to send is lost.
    ///
    /// ```
    /// use onward::{events::*, net::{Server, Socket}};
    ///
    /// onward::run(|| {
    ///     let server = Server::listen("127.0.0.1:0")?;
    ///     server.on(Connection, |server, _| server.close_all());
    ///     server.on(Close, |server, ()| assert_eq!(server.connections(), 0));
    ///     let client = Socket::connect(server.local_addr())?;
    ///     client.on(End, |_, ()| println!("sent away"));
    ///     client.resume();
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[doc(alias = "closeAllConnections")]
    pub fn close_all(&self) {
        self.close();
        self.sockets().iter().for_each(Socket::destroy);
    }

    /// Comes to an end in good order, and within `limit`: [`close`](Self::close)s; asks each connection to end,
    /// by [`Shutdown`](crate::events::Shutdown); and destroys those that are left when `limit` has passed.
    ///
    /// A socket that nobody listens for `Shutdown` on is [`end`](Socket::end)ed: what is queued is sent, and what the
    /// peer still says is heard. Who listens for it ends the socket when it suits: when the answer that is being
    /// made has been written, say.
    ///
    /// `Close` comes as ever. The result may be awaited for it: it is the number of connections that
    /// were destroyed.
    ///
    /// # Ordering
    ///
    /// `Shutdown` comes as a tick, so not from inside of this call.
    ///
    /// ```
    /// use onward::{events::*, net::{Server, Socket}};
    /// use std::time::Duration;
    ///
    /// onward::run(|| {
    ///     let server = Server::listen("127.0.0.1:0")?;
    ///     server.on(Connection, |server, socket| {
    ///         socket.resume();
    ///         socket.on(Shutdown, |socket, ()| socket.end_with("We close, goodbye.\n"));
    ///         let ended = server.shutdown(Duration::from_secs(10));
    ///         onward::spawn_or_fail(async move {
    ///             assert_eq!(ended.await?, 0);
    ///             Ok(())
    ///         });
    ///     });
    ///     let client = Socket::connect(server.local_addr())?;
    ///     client.on(Data, |_, chunk| assert_eq!(chunk, b"We close, goodbye.\n"));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[allow(clippy::must_use_candidate, reason = "many are left to themselves")]
    #[track_caller]
    pub fn shutdown(&self, limit: Duration) -> JoinHandle<usize> {
        let (inner, origin) = (&self.0, Location::caller());
        let closed = self.0.closed.get();
        let close = self.next(Close);
        self.close();
        let asking = self.clone();
        inner.handle.next_tick_from(origin, move || {
            asking.sockets().iter().for_each(Socket::ask_to_end);
        });
        let (destroyed, late) = (Rc::new(Cell::new(0)), self.clone());
        let count = Rc::clone(&destroyed);
        let timer = inner.handle.set_timeout_from(origin, limit, move || {
            let left = late.sockets();
            count.set(left.len());
            left.iter().for_each(Socket::destroy);
        });
        inner.handle.spawn_from(origin, async move {
            if !closed {
                // A server is there until it has told that.
                let _ = close.await;
            }
            timer.cancel();
            destroyed.get()
        })
    }

    /// It is no source of the loop's any more.
    pub(super) fn leave_loop(&self) {
        let inner = &self.0;
        if let Some((timer, _)) = inner.rest.take() {
            timer.cancel();
        }
        if let Some(key) = inner.key.take() {
            inner.handle.remove_source(key);
        }
    }

    pub(super) fn close_if_done(&self) {
        let inner = &self.0;
        if inner.closing.get() && self.connections() == 0 && !inner.closed.replace(true) {
            let closed = self.clone();
            inner.handle.at_close(inner.origin, move || {
                closed.0.handle.about(|| Rc::clone(&closed.0) as Rc<dyn Source>);
                closed.0.emitter.emit(&closed, Close, ());
            });
            let over = self.clone();
            inner.handle.at_close(inner.origin, move || over.0.emitter.clear());
        }
    }
}

impl Inner {
    /// The address is free from here on.
    pub(super) fn stop_listening(&self) {
        // The file first: nobody else can listen at the path as long as it is there.
        #[cfg(unix)]
        drop(self.file.take());
        drop(self.listener.take());
    }
}
