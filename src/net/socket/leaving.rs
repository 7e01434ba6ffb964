//! Ways to be through with a peer, beyond `end` and `destroy`.

use super::Socket;
use crate::io as engine;

impl Socket {
    /// Nobody wants what the peer still says: it is read and thrown away, until its `End`. Without, what is not read
    /// keeps the socket from closing. It is for good: neither [`resume`](Self::resume) nor a `Data` listener
    /// brings `Data` back.
    ///
    /// ```
    /// use onward::events::*;
    /// use onward::net::{Server, Socket};
    ///
    /// onward::run(|| {
    ///     let server = Server::listen("127.0.0.1:0")?;
    ///     server.on(Connection, |server, socket| {
    ///         server.close();
    ///         socket.end_with("we are closed\n");
    ///         socket.discard_input(); // whatever they ask for
    ///         socket.on(Close, |socket, _| assert_eq!(socket.bytes_read(), 9));
    ///     });
    ///     let client = Socket::connect(server.local_addr())?;
    ///     client.resume();
    ///     client.end_with("an order\n");
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    pub fn discard_input(&self) {
        engine::discard_input(self);
    }
}
