//! All that hyper wants to know of the program that it runs in, for programs on onward. Copy it into yours.
//!
//! hyper knows nothing of sockets, timers or tasks. [`Io`] gives it our sockets, [`Timers`] our timers, and [`serve`]
//! is a connection that ends in good order when its server is asked to. Futures go to [`onward::spawn`].

use futures_io::{AsyncRead, AsyncWrite};
use hyper::body::{Body, Incoming};
use hyper::rt::{Read, ReadBufCursor, Sleep, Timer, Write};
use hyper::server::conn::http1;
use hyper::service::Service;
use onward::events::*;
use onward::net::Socket;
use std::error::Error as StdError;
use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

/// One read takes at most this much. hyper's memory may not be written to without `unsafe`, so what is read is copied.
const BUFFER: usize = 8 * 1024;

/// Anything for futures, such as what [`Socket::into_io`] gives, as hyper likes to have it.
#[derive(Debug)]
pub(crate) struct Io<T>(pub(crate) T);

impl<T: AsyncRead + Unpin> Read for Io<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let mut buffer = [0; BUFFER];
        let room = into.remaining().min(BUFFER);
        let count = ready!(Pin::new(&mut self.0).poll_read(cx, &mut buffer[..room]))?;
        into.put_slice(&buffer[..count]);
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> Write for Io<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, slices)
    }

    /// Head and body leave together.
    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_close(cx)
    }
}

/// Our timers. Without any, hyper waits for ever for clients that never end their heads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timers;

impl Timer for Timers {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        Box::pin(Asleep(onward::sleep(duration)))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        self.sleep(deadline.saturating_duration_since(Instant::now()))
    }
}

struct Asleep(onward::Sleep);

impl Future for Asleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx)
    }
}

impl Sleep for Asleep {}

/// Answers what comes over a connection, one request after the other, until it closes. When the server is asked to
/// [shut down](onward::net::Server::shutdown), the answer that is being made is the last.
///
/// `patience`: how long the head of a request may take, from when the connection stands or the last answer has gone. So
/// nobody can hold a connection by a word now and then, and one that nobody uses is not kept.
pub(crate) async fn serve<S, B>(
    socket: Socket,
    patience: Duration,
    service: S,
) -> onward::Result<()>
where
    S: Service<hyper::Request<Incoming>, Response = hyper::Response<B>>,
    S::Error: Into<Box<dyn StdError + Send + Sync>>,
    B: Body + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    let asked = socket.next(Shutdown);
    socket.set_no_delay(true)?; // the last piece of an answer waits for nothing
    let mut connection = pin!(
        http1::Builder::new()
            .timer(Timers)
            .header_read_timeout(patience)
            .serve_connection(Io(socket.into_io()?), service)
            .with_upgrades()
    );
    let mut asked = pin!(asked);
    let served = poll_fn(|cx| match asked.as_mut().poll(cx) {
        Poll::Ready(_) => Poll::Ready(None),
        Poll::Pending => connection.as_mut().poll(cx).map(Some),
    });
    let result = match served.await {
        Some(result) => result,
        None => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    match result {
        Err(error) if is_by_client(&error) => Ok(()),
        result => result.map_err(|error| {
            // What a body or the service failed with says more than that it failed.
            let cause = error.source().and_then(|cause| cause.downcast_ref::<onward::Error>());
            cause.cloned().unwrap_or_else(|| onward::Error::other(error))
        }),
    }
}

/// A client that goes as it likes, takes its time, or is cut off for that, is nothing to report.
fn is_by_client(error: &hyper::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected};
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    let gone = [BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected];
    let is_gone = cause.is_some_and(|cause| gone.contains(&cause.kind()));
    error.is_timeout() || error.is_incomplete_message() || is_gone
}
