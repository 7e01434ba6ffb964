//! Files and directories that go when nobody has them any more.

use super::file::File;
use super::operation::Operation;
use super::paths::remove_whatever;
use super::subject::Subject;
use crate::error::ErrorKind;
use crate::event_loop::{Handle, Origin, pool};
use crate::fs::sys::{self, How};
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Names to try, if somebody has them. With 64 random bits none is taken by chance.
const ATTEMPTS: usize = 16;

/// Something with a name that is removed with it.
struct Temporary {
    path: PathBuf,
    origin: Origin,
}

impl Temporary {
    fn keep(self) -> PathBuf {
        let mut this = ManuallyDrop::new(self);
        std::mem::take(&mut this.path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let removal = Removal(Arc::new(Mutex::new(Some(std::mem::take(&mut self.path)))));
        match Handle::for_operation("remove") {
            Ok(handle) => {
                let work = removal.clone();
                let work = move || work.finish();
                let job = handle.spawn_blocking_from(pool::Kind::Fs, self.origin, work);
                // A loop that ends before drops this, and does it then.
                job.then(move |_| drop(removal));
            }
            // It is the parent's.
            Err(error) if error.kind() == ErrorKind::Forked => removal.forget(),
            Err(_) => drop(removal),
        }
    }
}

/// What is to be removed, by whoever comes first: a thread of the pool, or who drops this, who waits for it.
#[derive(Clone)]
struct Removal(Arc<Mutex<Option<PathBuf>>>);

impl Removal {
    fn finish(&self) {
        // The lock is held meanwhile, so that nobody takes it for done before it is.
        let mut path = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(path) = path.take() {
            // That it could not be removed, or somebody else has, there is nobody to tell.
            let _ = remove_whatever(&path);
        }
    }

    fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Drop for Removal {
    fn drop(&mut self) {
        self.finish();
    }
}

/// A directory that is removed, with all that is in it, when this is dropped; made by [`temp_dir`] and
/// [`temp_dir_in`].
///
/// A thread of the pool removes it, and the loop waits for that, also when it ends. Outside of a loop it is removed
/// at once.
pub struct TempDir(Temporary);

/// A file that is removed when this is dropped, unless it is [kept](Self::persist); made by [`temp_file`] and
/// [`temp_file_in`]. Only its owner may read or write it (on Unix).
///
/// A thread of the pool removes it, and the loop waits for that, also when it ends. Outside of a loop it is removed
/// at once.
pub struct TempFile {
    file: File,
    name: Temporary,
}

/// Makes a directory in that of the system for such things, with a name that nobody can guess.
///
/// # Errors
///
/// Those of every [`Operation`].
///
/// ```
/// use onward::fs;
///
/// let path = onward::block_on(async {
///     let dir = fs::temp_dir().await?;
///     fs::write(dir.path().join("scratch"), "hello").await?;
///     Ok::<_, onward::Error>(dir.path().to_path_buf())
/// })??;
/// assert!(!path.exists()); // it has gone with the last who had it
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias = "mkdtemp")]
#[track_caller]
pub fn temp_dir() -> Operation<TempDir> {
    temp_dir_in(std::env::temp_dir())
}

/// The same in another directory.
///
/// # Errors
///
/// Those of every [`Operation`].
///
/// ```
/// use onward::fs;
///
/// onward::block_on(async {
///     let outer = fs::temp_dir().await?;
///     let inner = fs::temp_dir_in(outer.path()).await?;
///     assert_eq!(inner.path().parent(), Some(outer.path()));
///     Ok::<_, onward::Error>(())
/// })??;
/// # Ok::<(), onward::Error>(())
/// ```
#[track_caller]
pub fn temp_dir_in(dir: impl AsRef<Path>) -> Operation<TempDir> {
    let origin = Location::caller();
    Operation::io(Subject::new("make directory in", dir), move |subject| {
        let (path, ()) = with_new_name(&subject.path, make_private)?;
        Ok(TempDir(Temporary { path, origin }))
    })
}

/// Makes a file in the system's directory for such things, with a name that nobody can guess, open for reading and
/// writing.
///
/// # Errors
///
/// Those of every [`Operation`].
///
/// ```
/// use onward::fs;
///
/// onward::block_on(async {
///     let temp = fs::temp_file().await?;
///     temp.file().write_at(0, "hello").await?;
///     assert_eq!(fs::read(temp.path()).await?, b"hello");
///     Ok::<_, onward::Error>(())
/// })??;
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias = "mkstemp")]
#[track_caller]
pub fn temp_file() -> Operation<TempFile> {
    temp_file_in(std::env::temp_dir())
}

/// The same in another directory: where it can be [persisted](TempFile::persist) by another name.
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
///     let settings = dir.path().join("settings");
///     fs::write(&settings, "old").await?;
///
///     // Whoever reads it finds the old or the new, and never a half.
///     let temp = fs::temp_file_in(dir.path()).await?;
///     temp.file().write_at(0, "new").await?;
///     temp.file().sync().await?;
///     temp.persist(&settings).await?;
///     assert_eq!(fs::read(&settings).await?, b"new");
///     Ok::<_, onward::Error>(())
/// })??;
/// # Ok::<(), onward::Error>(())
/// ```
#[track_caller]
pub fn temp_file_in(dir: impl AsRef<Path>) -> Operation<TempFile> {
    let origin = Location::caller();
    let how = How { write: true, create_new: true, mode: 0o600, ..How::READ };
    Operation::io(Subject::new("make file in", dir), move |subject| {
        let (path, file) = with_new_name(&subject.path, |path| sys::open(path, how))?;
        let file = File::from_std(file, &path);
        Ok(TempFile { file, name: Temporary { path, origin } })
    })
}

impl TempDir {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// It stays, and so it is no temporary one any more.
    ///
    /// ```
    /// use onward::fs;
    ///
    /// onward::block_on(async {
    ///     let path = fs::temp_dir().await?.keep();
    ///     assert!(fs::exists(&path).await?);
    ///     fs::remove_all(path).await
    /// })??;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[must_use = "nobody else knows where it is"]
    pub fn keep(self) -> PathBuf {
        self.0.keep()
    }

    /// Removes it now, and tells how that went, which dropping cannot.
    ///
    /// # Errors
    ///
    /// Those of [`remove_all`](crate::fs::remove_all).
    ///
    /// ```
    /// onward::block_on(async { onward::fs::temp_dir().await?.remove().await })??;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[track_caller]
    pub fn remove(self) -> Operation<()> {
        super::paths::remove_all(self.0.keep())
    }
}

impl TempFile {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.name.path
    }

    /// The open file.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// It stays, by this name, and takes the place of what is there, at once. It has to be in the same file system.
    /// The open file comes back.
    ///
    /// # Errors
    ///
    /// Those of [`rename`](crate::fs::rename); then the file is removed.
    #[track_caller]
    pub fn persist(self, path: impl AsRef<Path>) -> Operation<File> {
        let subject = Subject::between("rename", &self.name.path, path);
        Operation::new(subject, move |subject| {
            // In front: when it has its name, nothing may fail any more.
            let file = self.file.to_std().map_err(|error| subject.rename(error))?;
            std::fs::rename(&subject.path, subject.to()).map_err(|error| subject.error(error))?;
            let _ = self.name.keep();
            Ok(File::from_std(file, subject.to()))
        })
    }
}

/// Tries names until one is free.
fn with_new_name<T>(dir: &Path, make: impl Fn(&Path) -> io::Result<T>) -> io::Result<(PathBuf, T)> {
    let mut attempts = 0;
    loop {
        let number = RandomState::new().hash_one(attempts);
        let path = dir.join(format!(".onward-{number:016x}"));
        match make(&path) {
            Ok(made) => return Ok((path, made)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempts < ATTEMPTS => {
                attempts += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Makes a directory for its owner alone, where there is such a thing.
fn make_private(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    sys::make_private(&mut builder);
    builder.create(path)
}

impl fmt::Debug for TempDir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TempDir({})", self.path().display())
    }
}

impl fmt::Debug for TempFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TempFile({})", self.path().display())
    }
}
