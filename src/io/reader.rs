//! Any stream to read, for futures.

use crate::error::{Error, ErrorKind};
use crate::stream::{ReadEar, Readable};
use futures_io::AsyncRead;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// An [`AsyncRead`] of a stream; made by [`reader`].
///
/// It reads 0 at the stream's `End`. The stream's error is the reader's, and counts as heard; a stream that closes
/// early is an error of kind [`PrematureClose`](ErrorKind::PrematureClose). Dropping it destroys the stream.
///
/// It belongs to its thread. For a socket there is one that is `Send`:
/// [`Socket::into_io`](crate::net::Socket::into_io).
pub struct Reader<R: Readable> {
    from: R,
    state: Rc<State<R>>,
}

struct State<R> {
    from: R,
    chunk: RefCell<Vec<u8>>,
    /// How much of the chunk has been read.
    gone: Cell<usize>,
    holds: Cell<bool>,
    end: RefCell<Option<Over>>,
    waker: Cell<Option<Waker>>,
}

#[derive(Clone)]
enum Over {
    Ended,
    Failed(Error),
    Closed,
}

/// Reads a stream from a future, whatever the stream is made of. What it tells is kept, one chunk at a time: until that
/// is read, the stream waits. Others may listen to its `Data` as well.
///
/// ```
/// use futures_lite::{AsyncBufReadExt as _, StreamExt as _, io::BufReader};
/// use onward::{fs::ReadStream, io};
///
/// onward::run(|| {
///     let mut lines = BufReader::new(io::reader(&ReadStream::open("Cargo.toml")?)).lines();
///     onward::spawn_or_fail(async move {
///         while let Some(line) = lines.next().await {
///             println!("{}", line?);
///         }
///         Ok(())
///     });
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
pub fn reader<R: Readable>(from: &R) -> Reader<R> {
    let state = Rc::new(State {
        from: from.clone(),
        chunk: RefCell::default(),
        gone: Cell::new(0),
        holds: Cell::new(false),
        end: RefCell::new(if from.has_ended() { Some(Over::Ended) } else { None }),
        waker: Cell::new(None),
    });
    from.hear(Rc::clone(&state) as Rc<dyn ReadEar>, true);
    from.resume();
    if from.is_destroyed() {
        state.over(Over::Closed);
    }
    Reader { from: from.clone(), state }
}

impl<R> State<R> {
    fn wake(&self) {
        self.waker.take().into_iter().for_each(Waker::wake);
    }

    /// The first end counts.
    fn over(&self, end: Over) {
        self.end.borrow_mut().get_or_insert(end);
        self.wake();
    }
}

impl<R: Readable> ReadEar for State<R> {
    fn data(&self, chunk: &[u8]) {
        self.chunk.borrow_mut().extend_from_slice(chunk);
        if !self.holds.replace(true) {
            self.from.hold();
        }
        self.wake();
    }

    fn ended(&self) {
        self.over(Over::Ended);
    }

    fn failed(&self, error: &Error) {
        self.over(Over::Failed(error.clone()));
    }

    fn closed(&self) {
        self.over(Over::Closed);
    }
}

impl<R: Readable> Reader<R> {
    /// What is there already.
    fn take(&self, buffer: &mut [u8]) -> usize {
        let state = &self.state;
        let mut chunk = state.chunk.borrow_mut();
        let left = &chunk[state.gone.get()..];
        let count = left.len().min(buffer.len());
        buffer[..count].copy_from_slice(&left[..count]);
        state.gone.set(state.gone.get() + count);
        if state.gone.get() == chunk.len() {
            chunk.clear();
            state.gone.set(0);
        }
        count
    }
}

impl<R: Readable + Unpin> AsyncRead for Reader<R> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let (state, count) = (&self.state, self.take(buffer));
        if count > 0 || buffer.is_empty() {
            return Poll::Ready(Ok(count));
        }
        let end = state.end.borrow().clone();
        match end {
            Some(Over::Ended) => return Poll::Ready(Ok(0)),
            Some(Over::Failed(error)) => return Poll::Ready(Err(error.into())),
            Some(Over::Closed) => {
                let error = Error::new(ErrorKind::PrematureClose, "read");
                return Poll::Ready(Err(error.into()));
            }
            None => {}
        }
        let before = state.waker.replace(Some(cx.waker().clone()));
        drop(before);
        if state.holds.replace(false) {
            self.from.release();
        }
        Poll::Pending
    }
}

impl<R: Readable> Drop for Reader<R> {
    fn drop(&mut self) {
        self.from.destroy();
    }
}

impl<R: Readable> fmt::Debug for Reader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.state.chunk.borrow().len() - self.state.gone.get();
        f.debug_struct("Reader").field("waiting", &waiting).finish_non_exhaustive()
    }
}
