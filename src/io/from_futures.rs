//! What is made for futures, as streams that tell.

use crate::emitter::Emitter as _;
use crate::emitter::names::Close;
use crate::error::{Error, ErrorKind, Result};
use crate::event_loop::{JoinHandle, spawn};
use crate::stream::{Done, Sink, Source};
use futures_io::{AsyncRead, AsyncWrite};
use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::rc::Rc;

/// One read takes at most this much.
const BUFFER: usize = 64 * 1024;

/// The work that is under way, which goes with its stream.
type Work = Rc<Cell<Option<JoinHandle<()>>>>;

#[track_caller]
fn begin(work: &Work, future: impl Future<Output = ()> + 'static) {
    work.set(Some(spawn(future)));
}

fn cancel(work: &Work) {
    work.take().into_iter().for_each(JoinHandle::cancel);
}

fn failed(operation: &'static str, error: io::Error) -> Error {
    // One of ours comes back as it was.
    let ours = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()).cloned();
    ours.unwrap_or_else(|| Error::io(operation, error))
}

/// A stream of what is read from `reader`, up to 64 KiB at a time, whenever somebody wants to read on.
///
/// It tells `Data`, `End`, an error of the reader as `Error`, and `Close`. A read that is under way is dropped when the
/// stream is destroyed, and the reader with it.
///
/// # Errors
///
/// Not in a loop.
///
/// ```
/// use futures_lite::io::Cursor;
/// use onward::{events::*, io};
///
/// onward::run(|| {
///     let source = io::source(Cursor::new("hello"))?;
///     source.on(Data, |_, chunk| assert_eq!(chunk, b"hello"));
///     source.on(End, |_, ()| println!("that was all"));
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[track_caller]
pub fn source(reader: impl AsyncRead + 'static) -> Result<Source> {
    let work = Work::default();
    let inside = Rc::clone(&work);
    // The reader is here, or in the future that reads.
    let idle = Rc::new(RefCell::new(Some((Box::pin(reader), vec![0; BUFFER]))));
    let source = Source::pull(move |source| {
        let Some((mut reader, mut buffer)) = idle.borrow_mut().take() else { return };
        let (idle, source) = (Rc::clone(&idle), source.clone());
        begin(&inside, async move {
            let reading = Reading(source.clone());
            let result = read(reader.as_mut(), &mut buffer).await;
            drop(reading);
            match result {
                Ok(0) => source.end(),
                Ok(count) => {
                    let chunk = buffer[..count].to_vec();
                    idle.replace(Some((reader, buffer)));
                    source.push_owned(chunk);
                }
                Err(error) => source.fail(failed("read", error)),
            }
        });
    })?;
    source.once(Close, move |_, _| cancel(&work));
    Ok(source)
}

/// A stream to write whose chunks go to `writer`, one after the other. `end` flushes and closes the writer before
/// `Finish` comes.
///
/// An error of the writer is the stream's `Error`. A write that is under way is dropped when the stream is destroyed,
/// and the writer with it.
///
/// # Errors
///
/// Not in a loop.
///
/// ```
/// use onward::{events::*, fs::ReadStream, io};
///
/// onward::run(|| {
///     let sink = io::sink(futures_lite::io::sink())?;
///     ReadStream::open("Cargo.toml")?.pipe(&sink).on(Finish, |_, ()| println!("all is gone"));
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[track_caller]
pub fn sink(writer: impl AsyncWrite + 'static) -> Result<Sink> {
    let work = Work::default();
    let (writing, closing) = (Rc::clone(&work), Rc::clone(&work));
    let idle = Rc::new(RefCell::new(Some(Box::pin(writer))));
    let last = Rc::clone(&idle);
    let sink = Sink::with_done(move |_, chunk, done| {
        let Some(mut writer) = idle.borrow_mut().take() else { return done.ok() };
        let (chunk, idle) = (chunk.to_vec(), Rc::clone(&idle));
        begin(&writing, async move {
            let written = write_all(writer.as_mut(), &chunk).await;
            idle.replace(Some(writer));
            answer(done, written);
        });
    })?;
    sink.before_finish(move |_, done| {
        let Some(mut writer) = last.borrow_mut().take() else { return done.ok() };
        begin(&closing, async move {
            let closed = match poll_fn(|cx| writer.as_mut().poll_flush(cx)).await {
                Ok(()) => poll_fn(|cx| writer.as_mut().poll_close(cx)).await,
                Err(error) => Err(error),
            };
            answer(done, closed);
        });
    });
    sink.once(Close, move |_, _| cancel(&work));
    Ok(sink)
}

/// Dropped by a panic of the reader, it ends the stream: nothing would come any more.
struct Reading(Source);

impl Drop for Reading {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail(Error::new(ErrorKind::Cancelled, "read").because("the reader panicked"));
        }
    }
}

async fn read(mut reader: Pin<&mut impl AsyncRead>, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match poll_fn(|cx| reader.as_mut().poll_read(cx, buffer)).await {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

async fn write_all(mut writer: Pin<&mut impl AsyncWrite>, mut left: &[u8]) -> io::Result<()> {
    while !left.is_empty() {
        match poll_fn(|cx| writer.as_mut().poll_write(cx, left)).await {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => left = &left[count..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn answer(done: Done, result: io::Result<()>) {
    done.with(result.map_err(|error| failed("write", error)));
}
