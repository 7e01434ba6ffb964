//! How to open a file for writing, and how much may wait.

use super::open::{check, invalid};
use super::sys::How;
use super::write::WriteStream;
use crate::error::Result;
use crate::stream::{WhenFull, WriteQueue};
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
    when_full: WhenFull,
    pub(super) flush: bool,
    replace: bool,
    pub(super) auto_close: bool,
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
            when_full: WhenFull::Fail,
            flush: false,
            replace: false,
            auto_close: true,
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
    /// ([`QueueFull`](crate::ErrorKind::QueueFull)), and the end, unless [`when_full`](Self::when_full) says
    /// otherwise.
    #[must_use]
    pub const fn max_queued(self, bytes: usize) -> Self {
        Self { max_queued: Some(bytes), ..self }
    }

    /// What becomes of a chunk that would make more wait than [`max_queued`](Self::max_queued) allows: an error event
    /// unless set.
    ///
    /// ```
    /// use onward::{fs::WriteOptions, stream::WhenFull};
    ///
    /// # let path = std::env::temp_dir().join(format!("onward-doc-full-{}", std::process::id()));
    /// # let log = path.clone();
    /// onward::run(|| {
    ///     // A log that would rather have holes than take all the memory.
    ///     let log = WriteOptions::new().max_queued(8).when_full(WhenFull::Drop).open(log)?;
    ///     log.write("12345678");
    ///     assert!(!log.write("9"));
    ///     assert_eq!((log.dropped_chunks(), log.dropped_bytes()), (1, 1));
    ///     Ok(())
    /// })?;
    /// # std::fs::remove_file(path)?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[must_use]
    pub const fn when_full(self, when_full: WhenFull) -> Self {
        Self { when_full, ..self }
    }

    /// Writes beside the file that is there, and puts the new one in its place in one step when all is
    /// written and on the disk: before `Finish`. No, unless set.
    ///
    /// Until then, and after an error, an abort or [`destroy`](WriteStream::destroy), the file is as it was, and the
    /// new one is removed before `Close`; only what ends the whole process leaves it (it is called `.onward-`, and a number).
    /// Who opens the file sees all of the old content or all of the new. It keeps its permissions, and for root its
    /// owner; a symbolic link to it stays one. What is no file cannot be replaced.
    ///
    /// ```
    /// use onward::{events::*, fs::WriteOptions};
    ///
    /// # let path = std::env::temp_dir().join(format!("onward-doc-replace-{}", std::process::id()));
    /// # let settings = path.clone();
    /// std::fs::write(&settings, "volume = 3\n")?;
    /// onward::run(|| {
    ///     let file = WriteOptions::new().replace(true).open(&settings)?;
    ///     file.write("volume = ");
    ///     file.on(Open, move |file, ()| {
    ///         assert_eq!(std::fs::read(&settings).unwrap(), b"volume = 3\n");
    ///         file.end_with("4\n");
    ///     });
    ///     Ok(())
    /// })?;
    /// assert_eq!(std::fs::read(&path)?, b"volume = 4\n");
    /// # std::fs::remove_file(path)?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[doc(alias("atomic", "rename"))]
    #[must_use]
    pub const fn replace(self, replace: bool) -> Self {
        Self { replace, ..self }
    }

    /// Closes the file after `Finish`. Yes, unless set: then [`into_std`](WriteStream::into_std) gives it back, and
    /// [`destroy`](WriteStream::destroy) closes it. After an error it is closed in any case.
    #[must_use]
    pub const fn auto_close(self, auto_close: bool) -> Self {
        Self { auto_close, ..self }
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
    /// or to write at an offset, to write beyond all files, or to replace a file and keep something of it. Else as
    /// [`WriteStream::create`].
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
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput): to [`replace`](Self::replace) what has no name. Else as [`open`](Self::open) and [`WriteStream::from_file`].
    #[track_caller]
    pub fn open_file(self, file: File) -> Result<WriteStream> {
        self.check()?;
        if self.replace {
            return Err(invalid("to replace a file without a name"));
        }
        WriteStream::adopt(self, file)
    }

    fn check(self) -> Result<()> {
        if self.append && self.truncate == Some(true) {
            return Err(invalid("to append to a file and to empty it"));
        }
        if self.append && self.start.is_some() {
            return Err(invalid("to append to a file and to write at an offset"));
        }
        let keeps = self.append || self.create_new || self.start.is_some();
        if self.replace && (keeps || !self.create || self.truncate == Some(false)) {
            return Err(invalid("to replace a file and to keep something of it"));
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
            beside: self.replace,
            mode: self.mode,
        }
    }

    pub(super) fn queue(self) -> WriteQueue {
        let mut queue = WriteQueue::new();
        queue.set_high_water(self.high_water);
        queue.set_when_full(self.when_full);
        self.max_queued.into_iter().for_each(|bytes| queue.set_cap(bytes));
        queue
    }
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self::new()
    }
}
