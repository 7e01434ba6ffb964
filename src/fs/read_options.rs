//! What of a file to read, and how much at once.

use super::open::{check, invalid};
use super::read::ReadStream;
use crate::error::Result;
use std::fs::File;
use std::path::Path;

/// As much as the loop's buffer takes.
const CHUNK: usize = 64 * 1024;

/// How to read a file; [`new`](Self::new) reads all of it, in chunks of 64 KiB.
///
/// ```
/// use onward::{events::*, fs::ReadOptions};
///
/// onward::run(|| {
///     let name = ReadOptions::new().start(1).end(7).open("Cargo.toml")?;
///     name.on(Data, |_, chunk| assert_eq!(chunk, b"package"));
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadOptions {
    pub(super) start: Option<u64>,
    end: Option<u64>,
    pub(super) chunk: usize,
}

impl ReadOptions {
    /// The defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self { start: None, end: None, chunk: CHUNK }
    }

    /// The first byte to read, counted from 0. What has no offsets, such as a FIFO, cannot be read
    /// with this.
    #[must_use]
    pub const fn start(self, start: u64) -> Self {
        Self { start: Some(start), ..self }
    }

    /// The last byte to read: it is included, as in Node. Without [`start`](Self::start) it counts from
    /// where reading begins. The file may be shorter.
    #[must_use]
    pub const fn end(self, end: u64) -> Self {
        Self { end: Some(end), ..self }
    }

    /// The most bytes that one `Data` brings; 64 KiB unless set. It may bring less.
    #[must_use]
    pub const fn chunk_size(self, bytes: usize) -> Self {
        Self { chunk: bytes, ..self }
    }

    /// Opens a file.
    ///
    /// # Errors
    ///
    /// At once, as [`InvalidInput`](crate::ErrorKind::InvalidInput): `start` lies behind `end` or beyond
    /// all files, or a chunk has no bytes. Else as [`ReadStream::open`].
    #[track_caller]
    pub fn open(self, path: impl AsRef<Path>) -> Result<ReadStream> {
        let path = path.as_ref();
        self.check().map_err(|error| error.on(path.display()))?;
        check(path)?;
        ReadStream::begin(self, path)
    }

    /// Reads a file that is open already; without [`start`](Self::start), from where it stands.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open) and [`ReadStream::from_file`].
    #[track_caller]
    pub fn open_file(self, file: File) -> Result<ReadStream> {
        self.check()?;
        ReadStream::adopt(self, file)
    }

    fn check(self) -> Result<()> {
        let start = self.start.unwrap_or(0);
        if self.end.is_some_and(|end| end < start) {
            return Err(invalid("the range ends before its start"));
        }
        if i64::try_from(start).is_err() {
            return Err(invalid("no file is as long as its start"));
        }
        if self.chunk == 0 {
            return Err(invalid("chunks of no bytes"));
        }
        Ok(())
    }

    /// Bytes that may be read.
    pub(super) fn length(self) -> u64 {
        self.end.map_or(u64::MAX, |end| (end - self.start.unwrap_or(0)).saturating_add(1))
    }
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self::new()
    }
}
