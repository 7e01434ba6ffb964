//! How to open a file for writing, and how much may wait.

use super::open::{check, invalid};
use super::sys::How;
use super::write::WriteStream;
use crate::error::Result;
use crate::stream::WriteQueue;
use std::fs::File;
use std::path::Path;

/// Four chunks of a read stream: one piece of the pool's work should be worth the way there.
const HIGH_WATER: usize = 256 * 1024;

/// How to write a file; [`new`](Self::new) creates it, or empties the one that is there.
///
/// ```
/// use onward::fs::WriteOptions;
///
/// # let path = std::env::temp_dir().join("onward-doc-options");
/// # let file = path.clone();
/// std::fs::write(&path, "hello world")?;
/// onward::run(|| WriteOptions::new().start(6).open(file).map(|file| file.end_with("there")))?;
/// assert_eq!(std::fs::read(&path)?, b"hello there");
/// # std::fs::remove_file(path)?;
/// # Ok::<(), onward::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteOptions {
    append: bool,
    create: bool,
    create_new: bool,
    truncate: Option<bool>,
    pub(super) start: Option<u64>,
    mode: u32,
    high_water: usize,
    max_queued: Option<usize>,
    pub(super) flush: bool,
}

impl WriteOptions {
    /// The defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            append: false,
            create: true,
            create_new: false,
            truncate: None,
            start: None,
            mode: 0o666,
            high_water: HIGH_WATER,
            max_queued: None,
            flush: false,
        }
    }

    /// Writes behind what is there, even if others do so at the same time. No, unless set.
    #[must_use]
    pub const fn append(self, append: bool) -> Self {
        Self { append, ..self }
    }

    /// Creates the file if there is none. Yes, unless set.
    #[must_use]
    pub const fn create(self, create: bool) -> Self {
        Self { create, ..self }
    }

    /// Creates the file, and fails if there is one. No, unless set.
    #[must_use]
    pub const fn create_new(self, create_new: bool) -> Self {
        Self { create_new, ..self }
    }

    /// Empties the file if there is one. Yes, unless set, or unless [`append`](Self::append) or
    /// [`start`](Self::start) is.
    #[must_use]
    pub const fn truncate(self, truncate: bool) -> Self {
        Self { truncate: Some(truncate), ..self }
    }

    /// Where the first byte goes, counted from 0. What is there before and behind stays.
    #[must_use]
    pub const fn start(self, start: u64) -> Self {
        Self { start: Some(start), ..self }
    }

    /// The permissions of a file that is created, less the process's `umask`; `0o666` unless set. Unix
    /// only; elsewhere it does nothing.
    #[must_use]
    pub const fn mode(self, mode: u32) -> Self {
        Self { mode, ..self }
    }

    /// From how many queued bytes on `write` says `false`; 256 KiB unless set.
    #[must_use]
    pub const fn high_water(self, bytes: usize) -> Self {
        Self { high_water: bytes, ..self }
    }

    /// How many bytes may wait; 16 MiB unless set. One more is an error event
    /// ([`QueueFull`](crate::ErrorKind::QueueFull)), and the end.
    #[must_use]
    pub const fn max_queued(self, bytes: usize) -> Self {
        Self { max_queued: Some(bytes), ..self }
    }

    /// Brings the file to the disk (`fsync`) before `Finish` comes. No, unless set: then the system has
    /// the bytes, but a power failure may still lose them.
    #[must_use]
    pub const fn flush(self, flush: bool) -> Self {
        Self { flush, ..self }
    }

    /// Opens a file.
    ///
    /// # Errors
    ///
    /// At once, as [`InvalidInput`](crate::ErrorKind::InvalidInput): to append and to empty the file
    /// or to write at an offset, or to write beyond all files. Else as [`WriteStream::create`].
    #[track_caller]
    pub fn open(self, path: impl AsRef<Path>) -> Result<WriteStream> {
        let path = path.as_ref();
        self.check().map_err(|error| error.on(path.display()))?;
        check(path)?;
        WriteStream::begin(self, path)
    }

    /// Writes to a file that is open already; without [`start`](Self::start), from where it stands.
    /// What is said of creating and emptying does not apply.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open) and [`WriteStream::from_file`].
    #[track_caller]
    pub fn open_file(self, file: File) -> Result<WriteStream> {
        self.check()?;
        WriteStream::adopt(self, file)
    }

    fn check(self) -> Result<()> {
        if self.append && self.truncate == Some(true) {
            return Err(invalid("to append to a file and to empty it"));
        }
        if self.append && self.start.is_some() {
            return Err(invalid("to append to a file and to write at an offset"));
        }
        if self.start.is_some_and(|start| i64::try_from(start).is_err()) {
            return Err(invalid("no file is as long as its start"));
        }
        Ok(())
    }

    pub(super) fn how(self) -> How {
        let keeps = self.append || self.start.is_some() || self.create_new;
        How {
            read: false,
            write: !self.append,
            append: self.append,
            create: self.create,
            create_new: self.create_new,
            truncate: self.truncate.unwrap_or(!keeps),
            mode: self.mode,
        }
    }

    pub(super) fn queue(self) -> WriteQueue {
        let mut queue = WriteQueue::new();
        queue.set_high_water(self.high_water);
        self.max_queued.into_iter().for_each(|bytes| queue.set_cap(bytes));
        queue
    }
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self::new()
    }
}
