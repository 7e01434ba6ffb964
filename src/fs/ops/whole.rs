//! Whole files: read, written, copied.

use super::operation::{Next, Operation};
use super::share;
use super::streamed;
use super::subject::Subject;
use crate::error::{ErrorKind, Result};
use crate::fs::sys::{self, How, Kind, Whole};
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

/// A file that is longer goes to the pool: its bytes take longer than the way there.
pub(super) const LONGEST_NOW: usize = 128 * 1024;

/// Reads all of a file.
///
/// On Linux a file of up to 128 KiB that is cached is read at once, on the loop, at the price of the system calls.
///
/// A FIFO, a terminal or another device is read until its end, by the poller; one that nobody writes to yet
/// is waited for, and no thread is.
///
/// # Errors
///
/// Those of every [`Operation`]; a directory cannot be read.
///
/// ```
/// use onward::fs;
///
/// onward::block_on(async {
///     let bytes = fs::read("Cargo.toml").await?;
///     println!("{} bytes", bytes.len());
///     Ok::<_, onward::Error>(())
/// })??;
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias = "readFile")]
#[track_caller]
pub fn read(path: impl AsRef<Path>) -> Operation<Vec<u8>> {
    read_by(Subject::new("read", path), |_, bytes| Ok(bytes))
}

/// Reads all of a file as text.
///
/// # Errors
///
/// Those of [`read`](read()). [`Malformed`](ErrorKind::Malformed): it is no UTF-8; the error says from which byte on.
///
/// ```
/// use onward::{ErrorKind, fs};
///
/// onward::block_on(async {
///     let dir = fs::temp_dir().await?;
///     let path = dir.path().join("text");
///     fs::write(&path, "grüße").await?;
///     assert_eq!(fs::read_to_string(&path).await?, "grüße");
///
///     fs::write(&path, b"gr\xfc\xdfe").await?;
///     let error = fs::read_to_string(&path).await.unwrap_err();
///     assert_eq!(error.kind(), ErrorKind::Malformed);
///     Ok::<_, onward::Error>(())
/// })??;
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias = "readFile")]
#[track_caller]
pub fn read_to_string(path: impl AsRef<Path>) -> Operation<String> {
    read_by(Subject::new("read", path), |subject, bytes| {
        String::from_utf8(bytes)
            .map_err(|error| subject.refuse(ErrorKind::Malformed, error.utf8_error()))
    })
}

#[track_caller]
fn read_by<T: Send + 'static>(
    subject: Subject,
    make: fn(&Subject, Vec<u8>) -> Result<T>,
) -> Operation<T> {
    let work = move |subject: &Subject| {
        let failed = |error| subject.error(error);
        let mut file = sys::open(&subject.path, How::READ).map_err(failed)?;
        if sys::kind(&file).map_err(failed)? == Kind::Stream {
            return Ok(streamed::read(file, make));
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        make(subject, bytes).map(Next::Done)
    };
    Operation::streaming(subject, work).first(move |subject| {
        match sys::read_all_now(&subject.path, LONGEST_NOW)? {
            Whole::Bytes(bytes) => {
                let cost = share::BASE + bytes.len();
                // What is wrong with it, the pool finds out once more.
                make(subject, bytes).ok().map(|value| (Next::Done(value), cost))
            }
            Whole::Stream(file) => Some((streamed::read(file, make), share::BASE)),
        }
    })
}

/// Makes a file with this in it, or replaces what is in it.
///
/// When it is done, the system has the bytes; [`sync`](crate::fs::sync) waits for the disk. What replaces a file as
/// a whole, or not at all, is a [`temp_file_in`](crate::fs::temp_file_in) the same directory and its
/// [`persist`](crate::fs::TempFile::persist).
///
/// A FIFO that nobody reads yet is waited for, and no thread is.
///
/// # Errors
///
/// Those of every [`Operation`]. When the disk is full, what fit is in the file.
///
/// ```
/// use onward::fs;
///
/// onward::run(|| {
///     fs::temp_dir().then(|dir| {
///         let dir = dir.expect("there is a place for such things");
///         let path = dir.path().join("greeting");
///         fs::write(&path, "hello").then(move |written| {
///             assert!(written.is_ok());
///             assert_eq!(std::fs::read(path).unwrap(), b"hello");
///             drop(dir);
///         });
///     });
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias = "writeFile")]
#[track_caller]
pub fn write(path: impl AsRef<Path>, bytes: impl AsRef<[u8]> + Send + 'static) -> Operation<()> {
    let how = How { write: true, create: true, truncate: true, ..How::NONE };
    write_by(Subject::new("write", path), how, bytes)
}

/// Writes this at the end of a file, which is made if there is none.
///
/// Each call's bytes stand together, whoever else appends to the file, unless the disk becomes full.
///
/// # Errors
///
/// Those of [`write`](write()).
///
/// ```
/// use onward::fs;
///
/// onward::block_on(async {
///     let dir = fs::temp_dir().await?;
///     let path = dir.path().join("log");
///     fs::append(&path, "one\n").await?;
///     fs::append(&path, "two\n").await?;
///     assert_eq!(fs::read(&path).await?, b"one\ntwo\n");
///     Ok::<_, onward::Error>(())
/// })??;
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias = "appendFile")]
#[track_caller]
pub fn append(path: impl AsRef<Path>, bytes: impl AsRef<[u8]> + Send + 'static) -> Operation<()> {
    let how = How { append: true, create: true, ..How::NONE };
    write_by(Subject::new("append", path), how, bytes)
}

#[track_caller]
fn write_by(subject: Subject, how: How, bytes: impl AsRef<[u8]> + Send + 'static) -> Operation<()> {
    Operation::streaming(subject, move |subject| {
        let failed = |error| subject.error(error);
        let mut file = match sys::open(&subject.path, how) {
            Ok(file) => file,
            Err(error) if sys::lacks_reader(&subject.path, &error) => {
                return Ok(streamed::write(None, bytes));
            }
            Err(error) => return Err(failed(error)),
        };
        if sys::kind(&file).map_err(failed)? == Kind::Stream {
            return Ok(streamed::write(Some(file), bytes));
        }
        file.write_all(bytes.as_ref()).map_err(failed)?;
        Ok(Next::Done(()))
    })
}

/// Copies a file, with its permissions, and gives the number of its bytes. A file that is there is replaced.
///
/// The system copies, where it can without moving the bytes at all (`copy_file_range` on Linux, clones elsewhere).
///
/// # Errors
///
/// Those of every [`Operation`]. [`InvalidInput`](ErrorKind::InvalidInput): both are the same file, or it is no regular
/// file, or the target is a FIFO. A target that was not there before and could not be copied to its end is removed again.
///
/// ```
/// use onward::fs;
///
/// onward::block_on(async {
///     let dir = fs::temp_dir().await?;
///     let copied = fs::copy("Cargo.toml", dir.path().join("copy")).await?;
///     println!("{copied} bytes");
///     Ok::<_, onward::Error>(())
/// })??;
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias("copyFile", "cp", "copy_file_range", "reflink"))]
#[track_caller]
pub fn copy(from: impl AsRef<Path>, to: impl AsRef<Path>) -> Operation<u64> {
    Operation::new(Subject::between("copy", from, to), |subject| {
        let (from, to) = (&*subject.path, subject.to());
        let failed = |error| subject.error(error);
        let is_file = fs::metadata(from).map_err(failed)?.is_file();
        let target = sys::identity(to).ok();
        if !is_file {
            return Err(subject.refuse(ErrorKind::InvalidInput, "it is no regular file"));
        }
        if sys::is_fifo(to) {
            // To open it would be to wait for who reads it.
            return Err(subject.refuse(ErrorKind::InvalidInput, "its target is a FIFO"));
        }
        if target.is_some() && target == sys::identity(from).ok() {
            return Err(subject.refuse(ErrorKind::InvalidInput, "both are the same file"));
        }
        fs::copy(from, to).map_err(|error| {
            if target.is_none() {
                discard(to);
            }
            failed(error)
        })
    })
}

/// Removes what was begun in vain. The error that it was in vain for is worth more than one of this.
fn discard(path: &Path) {
    let _ = fs::remove_file(path);
}

/// Cuts a file to so many bytes, or lengthens it by zeros.
///
/// # Errors
///
/// Those of every [`Operation`].
///
/// ```
/// use onward::fs;
///
/// onward::block_on(async {
///     let dir = fs::temp_dir().await?;
///     let path = dir.path().join("file");
///     fs::write(&path, "hello").await?;
///     fs::truncate(&path, 4).await?;
///     assert_eq!(fs::read(&path).await?, b"hell");
///     Ok::<_, onward::Error>(())
/// })??;
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias("ftruncate", "set_len"))]
#[track_caller]
pub fn truncate(path: impl AsRef<Path>, bytes: u64) -> Operation<()> {
    Operation::on("truncate", path, move |path| {
        opened(path, How { write: true, ..How::NONE })?.set_len(bytes)
    })
}

/// Waits until what was written to a file has reached the disk. For a directory: that the files in it have
/// the names that they have.
///
/// # Errors
///
/// Those of every [`Operation`].
///
/// ```
/// use onward::fs;
///
/// onward::block_on(async {
///     let dir = fs::temp_dir().await?;
///     let path = dir.path().join("ledger");
///     fs::write(&path, "100").await?;
///     fs::sync(&path).await?;
///     Ok::<_, onward::Error>(())
/// })??;
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias("fsync", "fdatasync", "sync_all"))]
#[track_caller]
pub fn sync(path: impl AsRef<Path>) -> Operation<()> {
    Operation::on("sync", path, |path| opened(path, How::READ)?.sync_all())
}

/// Opens what is no FIFO: whoever writes to one would see it opened and closed, and lose what is written then.
pub(super) fn opened(path: &Path, how: How) -> io::Result<File> {
    if sys::is_fifo(path) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a FIFO"));
    }
    sys::open(path, how)
}
