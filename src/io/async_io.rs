//! A stream as a reader and writer for futures.

use super::pulling::{Pull, Seat, take_over};
use super::seams::Endpoint;
use crate::error::Result;
use crate::event_loop::Ticket;
use futures_io::{AsyncRead, AsyncWrite};
use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

/// A stream that has left event mode: what [`Socket::into_io`](crate::net::Socket::into_io) gives. It is an
/// [`AsyncRead`] and an [`AsyncWrite`] for everything that is made for `futures-io`: `futures-lite`, TLS, HTTP and
/// database crates.
///
/// Reading ends with 0 when the peer has ended, and writing may go on after that. Closing tells the peer that nothing
/// more will come; a peer that has gone already is no error. Nothing is buffered, so flushing waits only for what was
/// written to the stream before. When both directions are through, or when it is dropped, the stream closes, and
/// tells its `Close`; of `Data`, `End` and errors nothing is told as events.
///
/// A future that reads and writes without end makes so many calls in a turn and goes on in the next one, so that the
/// others have their turns.
///
/// # Threads
///
/// It is `Send`, because libraries ask for that, and `Unpin`, but it belongs to its loop. It may be dropped anywhere.
///
/// # Errors
///
/// Used on another thread, or outside of its loop, all it does is an error, whose
/// [`get_ref`](io::Error::get_ref) is an [`onward::Error`](crate::Error) of kind
/// [`WrongThread`](crate::ErrorKind::WrongThread); when its loop has ended, of kind
/// [`LoopGone`](crate::ErrorKind::LoopGone). What ended the stream, a reset or a connection that failed, is told to
/// whoever reads or writes.
pub struct AsyncIo(Ticket);

impl AsyncIo {
    fn with<T>(
        &self,
        operation: &'static str,
        f: impl FnOnce(&dyn Pull) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match self.0.find::<Seat>(operation) {
            Ok(seat) => f(&*seat.0),
            Err(error) => Poll::Ready(Err(error.into())),
        }
    }
}

/// Takes a stream out of event mode; who has listeners for its data does not ask.
pub(crate) fn into_io<E: Endpoint>(endpoint: &E) -> Result<AsyncIo> {
    take_over(endpoint).map(AsyncIo)
}

impl AsyncRead for AsyncIo {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.with("read", |stream| stream.poll_read(cx, buffer))
    }
}

impl AsyncWrite for AsyncIo {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.with("write", |stream| stream.poll_write(cx, &[IoSlice::new(bytes)]))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.with("write", |stream| stream.poll_write(cx, slices))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with("flush", |stream| stream.poll_flush(cx))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with("close", |stream| stream.poll_close(cx))
    }
}

impl fmt::Debug for AsyncIo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.find::<Seat>("debug") {
            Ok(seat) => write!(f, "AsyncIo({})", seat.0.target()),
            Err(_) => f.write_str("AsyncIo(elsewhere)"),
        }
    }
}
