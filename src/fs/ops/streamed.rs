//! Whole files that are none: FIFOs, terminals and other devices, which are read and written as streams.

use super::operation::{Next, Streaming};
use super::subject::Subject;
use crate::emitter::names::{Data, End, Finish};
use crate::emitter::{Emitter as _, NextError, Waiting as _};
use crate::error::{Error, ErrorKind, Result};
use crate::fs::{ReadOptions, ReadStream, WriteOptions, WriteStream};
use std::cell::RefCell;
use std::fs::File;
use std::rc::Rc;

/// Ends a stream that nobody waits for any more.
struct Ends<F: Fn()>(F);

impl<F: Fn()> Drop for Ends<F> {
    fn drop(&mut self) {
        self.0();
    }
}

/// Reads it to its end.
pub(super) fn read<T: 'static>(file: File, make: fn(&Subject, Vec<u8>) -> Result<T>) -> Next<T> {
    Next::Stream(Box::new(move |subject, quiet| {
        let (operation, path) = (subject.operation, subject.path.clone());
        Box::pin(async move {
            let bytes = all_of(ReadOptions::new().open_file(file)?, quiet).await?;
            make(&Subject::new(operation, path), bytes)
        })
    }))
}

async fn all_of(stream: ReadStream, quiet: bool) -> Result<Vec<u8>> {
    if quiet {
        stream.unref();
    }
    let bytes = Rc::new(RefCell::new(Vec::new()));
    let taken = Rc::clone(&bytes);
    stream.on(Data, move |_, chunk| taken.borrow_mut().extend_from_slice(chunk));
    let end = stream.next_or_error(End);
    let _ends = Ends(|| stream.destroy());
    end.await.map_err(reason)?;
    Ok(bytes.take())
}

/// Writes all of it to the open file, or to that of the path, which nobody reads yet.
pub(super) fn write(file: Option<File>, bytes: impl AsRef<[u8]> + Send + 'static) -> Next<()> {
    let unbounded = WriteOptions::new().max_queued(usize::MAX);
    Next::Stream(Box::new(move |subject, quiet| -> Streaming<()> {
        let path = subject.path.clone();
        Box::pin(async move {
            let stream: WriteStream = match file {
                Some(file) => unbounded.open_file(file)?,
                None => unbounded.create(false).open(path)?,
            };
            if quiet {
                stream.unref();
            }
            let finish = stream.next_or_error(Finish);
            let _ends = Ends(|| stream.destroy());
            stream.end_with(bytes);
            finish.await.map_err(reason)
        })
    }))
}

fn reason(error: NextError<Error>) -> Error {
    match error {
        NextError::Emitted(error) => error,
        // Nobody else has it who could end it.
        NextError::Gone(_) => Error::new(ErrorKind::LoopGone, "stream"),
    }
}
