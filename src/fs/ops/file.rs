//! `File`: an open file that is read and written at offsets.

use super::operation::{Next, Operation};
use super::share;
use super::subject::Subject;
use crate::error::Result;
use crate::fs::sys::{self, How};
use std::fmt;
use std::fs::{FileTimes, Metadata, Permissions};
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An open file, read and written at offsets, by any number of operations at the same time.
///
/// A cheap handle: clones are the same open file, which is closed when all of them are gone and no operation is
/// under way. It has no position of its own. Files that come and go as a stream, chunk by chunk, are
/// [`ReadStream`](crate::fs::ReadStream) and [`WriteStream`](crate::fs::WriteStream).
///
/// ```
/// use onward::fs::{self, FileOptions};
///
/// onward::block_on(async {
///     let dir = fs::temp_dir().await?;
///     let options = FileOptions::new().write(true).create(true);
///     let file = options.open(dir.path().join("records")).await?;
///     file.write_at(1_000_000_000_000, "far out").await?;
///     file.write_at(0, "first").await?;
///     assert_eq!(file.read_at(0, 5).await?, b"first");
///     assert_eq!(file.read_at(1_000_000_000_004, 100).await?, b"out");
///     assert_eq!(file.stat().await?.len(), 1_000_000_000_007);
///     Ok::<_, onward::Error>(())
/// })??;
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias = "FileHandle")]
#[derive(Clone)]
pub struct File(Arc<Inner>);

struct Inner {
    file: std::fs::File,
    path: PathBuf,
}

/// How to open a [`File`]; [`new`](Self::new) opens one that is there, for reading.
///
/// ```
/// use onward::fs::FileOptions;
///
/// onward::block_on(async {
///     let file = FileOptions::new().open("Cargo.toml").await?;
///     assert_eq!(file.read_at(1, 7).await?, b"package");
///     Ok::<_, onward::Error>(())
/// })??;
/// # Ok::<(), onward::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileOptions(How);

impl FileOptions {
    /// The defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self(How::READ)
    }

    /// May be read. Yes, unless set.
    #[must_use]
    pub const fn read(self, read: bool) -> Self {
        Self(How { read, ..self.0 })
    }

    /// May be written. No, unless set.
    #[must_use]
    pub const fn write(self, write: bool) -> Self {
        Self(How { write, ..self.0 })
    }

    /// Creates the file if there is none. No, unless set.
    #[must_use]
    pub const fn create(self, create: bool) -> Self {
        Self(How { create, ..self.0 })
    }

    /// Creates the file, and fails if there is one. No, unless set.
    #[must_use]
    pub const fn create_new(self, create_new: bool) -> Self {
        Self(How { create_new, ..self.0 })
    }

    /// Empties the file if there is one. No, unless set.
    #[must_use]
    pub const fn truncate(self, truncate: bool) -> Self {
        Self(How { truncate, ..self.0 })
    }

    /// The permissions of a file that is created, less the process's `umask`; `0o666` unless set. Unix only; elsewhere
    /// it does nothing.
    #[must_use]
    pub const fn mode(self, mode: u32) -> Self {
        Self(How { mode, ..self.0 })
    }

    /// Opens a file. One that is cached is opened on the loop, on Linux, unless it is to be created or emptied.
    ///
    /// # Errors
    ///
    /// Those of every [`Operation`]; among them what the system says of options that make no sense together.
    #[track_caller]
    pub fn open(self, path: impl AsRef<Path>) -> Operation<File> {
        let how = self.0;
        let file = |file, path: &Path| File(Arc::new(Inner { file, path: path.to_path_buf() }));
        Operation::on("open", path, move |path| {
            sys::open(path, how).map(|opened| file(opened, path))
        })
        .first(move |subject| {
            let opened = sys::open_now(&subject.path, how)?;
            Some((Next::Done(file(opened, &subject.path)), share::BASE))
        })
    }
}

impl Default for FileOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl File {
    /// A file that is open already; errors call it by this path.
    ///
    /// ```
    /// use onward::fs::File;
    ///
    /// let file = File::from_std(std::fs::File::open("Cargo.toml")?, "Cargo.toml");
    /// onward::block_on(async move { file.read_at(0, 10).await })??;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[must_use]
    pub fn from_std(file: std::fs::File, path: impl AsRef<Path>) -> Self {
        Self(Arc::new(Inner { file, path: path.as_ref().to_path_buf() }))
    }

    /// One more handle of the system to the same open file, for what takes those.
    ///
    /// # Errors
    ///
    /// What the system says: it may have no descriptors left.
    pub fn to_std(&self) -> Result<std::fs::File> {
        let subject = Subject::new("duplicate", &self.0.path);
        self.0.file.try_clone().map_err(|error| subject.error(error))
    }

    /// The path it was opened by.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Reads so many bytes, beginning there; fewer only if the file ends before. What is cached is read on the loop,
    /// on Linux, up to 128 KiB.
    ///
    /// # Errors
    ///
    /// Those of every [`Operation`].
    #[doc(alias = "pread")]
    #[track_caller]
    pub fn read_at(&self, offset: u64, bytes: usize) -> Operation<Vec<u8>> {
        let file = Arc::clone(&self.0);
        let read = self.operation("read", move |file| read_at(file, offset, bytes));
        if bytes > super::whole::LONGEST_NOW {
            return read;
        }
        read.first(move |_| {
            let mut buffer = vec![0; bytes];
            let count = sys::read_now(&file.file, &mut buffer, Some(offset)).ok()?;
            // Fewer may mean that the rest is not cached, or that there is none.
            let end = offset.checked_add(count as u64)?;
            if count < bytes && file.file.metadata().ok()?.len() > end {
                return None;
            }
            buffer.truncate(count);
            Some((Next::Done(buffer), share::BASE + count))
        })
    }

    /// Writes all of these bytes, beginning there.
    ///
    /// # Errors
    ///
    /// Those of every [`Operation`]. When the disk is full, what fit is in the file.
    #[doc(alias = "pwrite")]
    #[track_caller]
    pub fn write_at(&self, offset: u64, bytes: impl AsRef<[u8]> + Send + 'static) -> Operation<()> {
        self.operation("write", move |file| write_at(file, offset, bytes.as_ref()))
    }

    /// What is known of the file.
    ///
    /// # Errors
    ///
    /// Those of every [`Operation`].
    #[doc(alias("fstat", "metadata"))]
    #[track_caller]
    pub fn stat(&self) -> Operation<Metadata> {
        self.operation("stat", std::fs::File::metadata)
    }

    /// Cuts it to so many bytes, or lengthens it by zeros.
    ///
    /// # Errors
    ///
    /// Those of every [`Operation`].
    #[doc(alias("ftruncate", "set_len"))]
    #[track_caller]
    pub fn truncate(&self, bytes: u64) -> Operation<()> {
        self.operation("truncate", move |file| file.set_len(bytes))
    }

    /// Waits until what was written has reached the disk.
    ///
    /// # Errors
    ///
    /// Those of every [`Operation`].
    ///
    /// ```
    /// use onward::fs::{self, FileOptions};
    ///
    /// onward::block_on(async {
    ///     let dir = fs::temp_dir().await?;
    ///     let options = FileOptions::new().write(true).create_new(true);
    ///     let file = options.open(dir.path().join("ledger")).await?;
    ///     file.write_at(0, "100").await?;
    ///     file.sync().await?;
    ///     Ok::<_, onward::Error>(())
    /// })??;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[doc(alias("fsync", "sync_all"))]
    #[track_caller]
    pub fn sync(&self) -> Operation<()> {
        self.operation("sync", std::fs::File::sync_all)
    }

    /// The same for its bytes alone; its times may be older on the disk.
    ///
    /// # Errors
    ///
    /// Those of every [`Operation`].
    #[doc(alias = "fdatasync")]
    #[track_caller]
    pub fn sync_data(&self) -> Operation<()> {
        self.operation("sync", std::fs::File::sync_data)
    }

    /// Sets who may do what with it.
    ///
    /// # Errors
    ///
    /// Those of every [`Operation`].
    #[doc(alias = "fchmod")]
    #[track_caller]
    pub fn set_permissions(&self, permissions: Permissions) -> Operation<()> {
        self.operation("set permissions", move |file| file.set_permissions(permissions))
    }

    /// Sets when it was last read and changed.
    ///
    /// # Errors
    ///
    /// Those of every [`Operation`].
    #[doc(alias = "futimes")]
    #[track_caller]
    pub fn set_times(&self, times: FileTimes) -> Operation<()> {
        self.operation("set times", move |file| file.set_times(times))
    }

    #[track_caller]
    fn operation<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&std::fs::File) -> io::Result<T> + Send + 'static,
    ) -> Operation<T> {
        let inner = Arc::clone(&self.0);
        Operation::io(Subject::new(operation, &self.0.path), move |_| work(&inner.file))
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "File({})", self.0.path.display())
    }
}

/// May block.
fn read_at(file: &std::fs::File, offset: u64, bytes: usize) -> io::Result<Vec<u8>> {
    let mut buffer = Vec::new();
    // Whoever asks for more than there is memory for is told so.
    buffer.try_reserve_exact(bytes).map_err(|_| io::ErrorKind::OutOfMemory)?;
    buffer.resize(bytes, 0);
    let mut count = 0;
    while count < bytes {
        match sys::read(file, &mut buffer[count..], Some(offset.saturating_add(count as u64)))? {
            0 => break,
            more => count += more,
        }
    }
    buffer.truncate(count);
    Ok(buffer)
}

/// May block.
fn write_at(file: &std::fs::File, offset: u64, mut bytes: &[u8]) -> io::Result<()> {
    let mut at = offset;
    while !bytes.is_empty() {
        match sys::write(file, &[IoSlice::new(bytes)], Some(at))? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            count => {
                bytes = &bytes[count..];
                at = at.saturating_add(count as u64);
            }
        }
    }
    Ok(())
}
