//! Any stream to write, for futures.

use crate::error::{Error, ErrorKind};
use crate::stream::{Writable, WriteEar};
use futures_io::AsyncWrite;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// An [`AsyncWrite`] to a stream; made by [`writer`].
///
/// Writing waits for the stream's `Drain` when it said `false`, and so does flushing. Closing ends the stream, and waits
/// for its `Finish`. The stream's error is the writer's, and counts as heard. Dropping it destroys the stream, unless it
/// was closed.
///
/// It belongs to its thread. For a socket there is one that is `Send`:
/// [`Socket::into_io`](crate::net::Socket::into_io).
pub struct Writer<W: Writable> {
    to: W,
    state: Rc<State>,
}

#[derive(Default)]
struct State {
    full: Cell<bool>,
    ended: Cell<bool>,
    finished: Cell<bool>,
    closed: Cell<bool>,
    error: RefCell<Option<Error>>,
    waker: Cell<Option<Waker>>,
}

/// Writes to a stream from a future, whatever the stream is made of.
///
/// ```
/// use futures_lite::AsyncWriteExt as _;
/// use onward::{fs::WriteStream, io};
///
/// let path = std::env::temp_dir().join("onward-doc-writer");
/// let written = path.clone();
/// onward::run(move || {
///     let mut file = io::writer(&WriteStream::create(path)?);
///     onward::spawn_or_fail(async move {
///         file.write_all(b"hello").await?;
///         Ok(file.close().await?)
///     });
///     Ok(())
/// })?;
/// assert_eq!(std::fs::read(&written)?, b"hello");
/// # std::fs::remove_file(written)?;
/// # Ok::<(), onward::Error>(())
/// ```
pub fn writer<W: Writable>(to: &W) -> Writer<W> {
    let state = Rc::new(State::default());
    state.closed.set(to.is_destroyed());
    state.finished.set(to.is_finished());
    to.hear(Rc::clone(&state) as Rc<dyn WriteEar>, true);
    Writer { to: to.clone(), state }
}

impl State {
    fn wake(&self) {
        self.waker.take().into_iter().for_each(Waker::wake);
    }

    fn wait<T>(&self, cx: &Context<'_>) -> Poll<T> {
        let before = self.waker.replace(Some(cx.waker().clone()));
        drop(before);
        Poll::Pending
    }

    /// Why nothing can be written any more, if so.
    fn over(&self) -> Option<io::Error> {
        if let Some(error) = self.error.borrow().clone() {
            return Some(error.into());
        }
        let closed = || Error::new(ErrorKind::PrematureClose, "write").into();
        self.closed.get().then(closed)
    }
}

impl WriteEar for State {
    fn drained(&self) {
        self.full.set(false);
        self.wake();
    }

    fn finished(&self) {
        self.finished.set(true);
        self.wake();
    }

    fn failed(&self, error: &Error) {
        self.error.borrow_mut().get_or_insert_with(|| error.clone());
        self.wake();
    }

    fn closed(&self) {
        self.closed.set(true);
        self.wake();
    }
}

impl<W: Writable + Unpin> AsyncWrite for Writer<W> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let state = &self.state;
        if let Some(error) = state.over() {
            return Poll::Ready(Err(error));
        }
        if state.ended.get() {
            let error = Error::new(ErrorKind::WriteAfterEnd, "write");
            return Poll::Ready(Err(error.into()));
        }
        if state.full.get() {
            return state.wait(cx);
        }
        state.full.set(!self.to.write_chunk(bytes));
        match state.over() {
            Some(error) => Poll::Ready(Err(error)),
            None => Poll::Ready(Ok(bytes.len())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.state.over() {
            Some(error) if !self.state.finished.get() => Poll::Ready(Err(error)),
            None if self.state.full.get() => self.state.wait(cx),
            _ => Poll::Ready(Ok(())),
        }
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let state = &self.state;
        if state.finished.get() {
            return Poll::Ready(Ok(()));
        }
        if let Some(error) = state.over() {
            return Poll::Ready(Err(error));
        }
        if !state.ended.replace(true) {
            // What waits is written before; nobody waits for a drain any more.
            state.full.set(false);
            self.to.end();
        }
        state.wait(cx)
    }
}

impl<W: Writable> Drop for Writer<W> {
    fn drop(&mut self) {
        if !self.state.ended.get() {
            self.to.destroy();
        }
    }
}

impl<W: Writable> fmt::Debug for Writer<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("full", &self.state.full.get())
            .field("ended", &self.state.ended.get())
            .finish_non_exhaustive()
    }
}
