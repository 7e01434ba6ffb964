//! Opening: at once if that cannot block, else on the pool.

use super::beside::Beside;
use super::life::{self, FileStream};
use super::sys::{self, How, Is};
use crate::error::{Error, ErrorKind, Result};
use std::fs::File;
use std::io;
use std::path::Path;

enum Outcome {
    Open(File, Is, Option<Beside>),
    /// A FIFO, to be written to, that nobody reads yet.
    LacksReader,
    Failed(io::Error),
}

/// Refuses a path that no system can take.
pub(super) fn check(path: &Path) -> Result<()> {
    if path.as_os_str().as_encoded_bytes().contains(&0) {
        let error = Error::new(ErrorKind::InvalidInput, "open").on(path.display());
        return Err(error.because("a path cannot contain a zero byte"));
    }
    Ok(())
}

/// A range or a size that makes no sense.
pub(super) fn invalid(why: &'static str) -> Error {
    Error::new(ErrorKind::InvalidInput, "open").because(why)
}

/// Opens the file of a stream that is on the loop. Tells nothing before the next turn.
pub(super) fn open<S: FileStream>(stream: &S, how: How) {
    let now = stream.life().path().and_then(|path| sys::open_now(path, how));
    match now.map(|file| (sys::look(&file), file)) {
        Some((Ok(is), file)) => adopt(stream, file, is),
        _ => open_in_pool(stream, how),
    }
}

/// Takes a file that is open already.
pub(super) fn adopt<S: FileStream>(stream: &S, file: File, is: Is) {
    let life = stream.life();
    life.keep(file);
    let stream = stream.clone();
    life.handle.defer(life.origin(), move || life::opened(&stream, is));
}

fn open_in_pool<S: FileStream>(stream: &S, how: How) {
    let path = stream.life().path().map(Path::to_path_buf).unwrap_or_default();
    let work = move |_: Option<&File>| {
        let opened = if how.beside {
            Beside::create(&path, how).map(|(file, beside)| (file, Some(beside)))
        } else {
            sys::open(&path, how).map(|file| (file, None))
        };
        match opened.and_then(|(file, beside)| Ok((sys::look(&file)?, file, beside))) {
            Ok((is, file, beside)) => Outcome::Open(file, is, beside),
            Err(error) if sys::lacks_reader(&path, &error) => Outcome::LacksReader,
            Err(error) => Outcome::Failed(error),
        }
    };
    life::in_pool(stream, work, move |stream, outcome| match outcome {
        Outcome::Open(file, is, beside) => {
            stream.life().keep(file);
            beside.into_iter().for_each(|beside| stream.keep_beside(beside));
            life::opened(stream, is);
        }
        Outcome::LacksReader if stream.life().is_destroyed() => {}
        Outcome::LacksReader => life::later(stream, move |stream| open_in_pool(stream, how)),
        Outcome::Failed(error) => {
            let error = Error::io_or_descriptors("open", error).on(stream.life().target());
            life::destroy(stream, Some(error));
        }
    });
}
