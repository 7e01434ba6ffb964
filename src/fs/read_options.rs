//! What of a file to read, and how much at once.

use super::follow::Follow;
use super::open::{check, invalid};
use super::read::ReadStream;
use crate::error::{Error, Result};
use std::fs::File;
use std::path::Path;
use std::time::Duration;

/// As much as the loop's buffer takes.
const CHUNK: usize = 64 * 1024;
/// More at once is of no use to anybody, and needs memory whether there is as much to read or not.
const LARGEST: usize = 16 * 1024 * 1024;

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
    pub(super) auto_close: bool,
    follow: bool,
    every: Option<Duration>,
}

impl ReadOptions {
    /// The defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self { start: None, end: None, chunk: CHUNK, auto_close: true, follow: false, every: None }
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

    /// The most bytes that one `Data` brings; 64 KiB unless set. It may bring less, and never brings more than 16 MiB.
    #[must_use]
    pub const fn chunk_size(self, bytes: usize) -> Self {
        Self { chunk: if bytes < LARGEST { bytes } else { LARGEST }, ..self }
    }

    /// Closes the file after its `End`. Yes, unless set: then [`into_std`](ReadStream::into_std) gives it back, and
    /// [`destroy`](ReadStream::destroy) closes it. After an error it is closed in any case.
    #[must_use]
    pub const fn auto_close(self, auto_close: bool) -> Self {
        Self { auto_close, ..self }
    }

    /// Does not end where the file ends, but waits for what is appended: Unix's `tail -F`. No, unless set.
    ///
    /// A file that becomes shorter than what was read of it is read from its start again, after
    /// [`Truncated`](crate::events::Truncated). When another file has its name, as after logs were rotated, the
    /// old one is read to its end, then [`Rotated`](crate::events::Rotated) is told, then the new one is read. As
    /// long as no file has the name, the old one is followed.
    ///
    /// It holds the loop while it is read ([`unref`](ReadStream::unref)). It ends where a range ends, and where
    /// there is no file to wait for: FIFOs, devices and files of `/proc` end as ever. On Linux the kernel tells of
    /// changes; elsewhere, on network file systems, where the kernel has no watches left, where there are links in the path, and
    /// as long as no file has the name, the file is looked at four times a second.
    ///
    /// What cannot be seen: a file that was cut and has grown beyond its old length before anybody looked; what is
    /// written to the old file after the new one is read; that a directory further up than the file's own has another name.
    ///
    /// ```
    /// use onward::{events::*, fs::ReadOptions};
    /// use std::{fs::File, io::Write};
    ///
    /// # let path = std::env::temp_dir().join(format!("onward-doc-follow-{}", std::process::id()));
    /// # let log = path.clone();
    /// std::fs::write(&log, "one\n")?;
    /// onward::run(|| {
    ///     let lines = ReadOptions::new().follow(true).open(&log)?;
    ///     let mut log = File::options().append(true).open(&log)?;
    ///     lines.on_line(move |file, line| match line {
    ///         "one" => writeln!(log, "two").unwrap(),
    ///         _ => file.destroy(), // enough
    ///     });
    ///     Ok(())
    /// })?;
    /// # std::fs::remove_file(path)?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[doc(alias = "tail")]
    #[must_use]
    pub const fn follow(self, follow: bool) -> Self {
        Self { follow, ..self }
    }

    /// How often a file that is followed is looked at, instead of being told of changes by the system.
    #[must_use]
    pub const fn follow_every(self, interval: Duration) -> Self {
        Self { follow: true, every: Some(interval), ..self }
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

    /// What is to be known of a file that is followed. Its path shall lead there wherever the process stands.
    pub(super) fn followed(self, path: Option<&Path>) -> Result<Option<Follow>> {
        if !self.follow {
            return Ok(None);
        }
        let path = path.map(std::path::absolute).transpose();
        let path = path.map_err(|error| Error::io("open", error))?;
        Ok(Some(Follow::new(path, self.every)))
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
