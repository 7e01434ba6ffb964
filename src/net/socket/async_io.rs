//! A socket for futures.

use super::Socket;
use crate::emitter::Emitter as _;
use crate::emitter::names::Data;
use crate::error::{Error, ErrorKind, Result};
use crate::io::{self as engine, AsyncIo, Endpoint as _};

impl Socket {
    /// Leaves event mode: what comes is not told as `Data` any more, but read, by whatever takes an
    /// [`AsyncRead`](https://docs.rs/futures-io/0.3/futures_io/trait.AsyncRead.html) and an
    /// [`AsyncWrite`](https://docs.rs/futures-io/0.3/futures_io/trait.AsyncWrite.html). The socket need not
    /// stand yet; reading and writing wait for that. What was written before goes out first.
    ///
    /// Other handles of this socket are still good for its addresses and options, for `Close`, and to
    /// [`destroy`](Self::destroy) it. A listener for `Data` that comes later ends it with an error, for it would wait
    /// for ever.
    ///
    /// HTTP, WebSockets and clients of databases work on it. `examples/http.rs` is a server with hyper, and
    /// `examples/support/hyper.rs` all that hyper has to be told.
    ///
    /// # Errors
    ///
    /// [`InUse`](ErrorKind::InUse): somebody listens for `Data`, a pipe for example, or pulls already.
    /// [`Destroyed`](ErrorKind::Destroyed): it is over.
    ///
    /// ```
    /// use futures_lite::{AsyncBufReadExt, AsyncWriteExt, StreamExt, io::BufReader};
    /// use onward::events::*;
    /// use onward::net::{Server, Socket};
    ///
    /// onward::run(|| {
    ///     let server = Server::listen("127.0.0.1:0")?;
    ///     server.on(Connection, |server, socket| {
    ///         server.close();
    ///         onward::spawn_or_fail(async move {
    ///             let mut lines = BufReader::new(socket.into_io()?).lines();
    ///             while let Some(line) = lines.next().await {
    ///                 println!("a line: {}", line?);
    ///             }
    ///             Ok(())
    ///         });
    ///     });
    ///
    ///     let mut client = Socket::connect(server.local_addr())?.into_io()?;
    ///     onward::spawn_or_fail(async move {
    ///         client.write_all(b"one\ntwo\n").await?;
    ///         Ok(client.close().await?)
    ///     });
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    pub fn into_io(self) -> Result<AsyncIo> {
        if self.listener_count(Data) > 0 {
            return Err(Error::new(ErrorKind::InUse, "pull").on(self.target()));
        }
        engine::into_io(&self)
    }
}
