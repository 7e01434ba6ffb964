//! What is known of files, and how that is changed.

use super::operation::{Next, Operation};
use super::share;
use super::whole::opened;
use crate::fs::sys::{self, How};
use std::fs::{self, FileTimes, Metadata, Permissions};
use std::io;
use std::path::Path;

/// What is known of a file: its kind, its length, its times, its permissions. A link is followed.
///
/// # Errors
///
/// Those of every [`Operation`]. It is one, too, that nothing is there.
///
/// ```
/// use onward::fs;
///
/// onward::block_on(async {
///     let known = fs::stat("Cargo.toml").await?;
///     assert!(known.is_file() && known.len() > 0);
///     Ok::<_, onward::Error>(())
/// })??;
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias = "metadata")]
#[track_caller]
pub fn stat(path: impl AsRef<Path>) -> Operation<Metadata> {
    Operation::on("stat", path, |path| fs::metadata(path))
        .first(|subject| Some((Next::Done(sys::look_now(&subject.path, true)?), share::BASE)))
}

/// The same of what stands there itself: a link is not followed.
///
/// # Errors
///
/// Those of [`stat`].
///
/// ```
/// use onward::fs;
///
/// onward::block_on(async {
///     assert!(!fs::lstat("Cargo.toml").await?.is_symlink());
///     Ok::<_, onward::Error>(())
/// })??;
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias = "symlink_metadata")]
#[track_caller]
pub fn lstat(path: impl AsRef<Path>) -> Operation<Metadata> {
    Operation::on("lstat", path, |path| fs::symlink_metadata(path))
        .first(|subject| Some((Next::Done(sys::look_now(&subject.path, false)?), share::BASE)))
}

/// Is something there? A link that leads nowhere is nothing. It says nothing of the next moment: to open a file and
/// see whether that fails is surer.
///
/// # Errors
///
/// Those of every [`Operation`]: that it could not be found out.
///
/// ```
/// use onward::fs;
///
/// onward::block_on(async {
///     assert!(fs::exists("Cargo.toml").await?);
///     assert!(!fs::exists("no/such/file").await?);
///     Ok::<_, onward::Error>(())
/// })??;
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias("try_exists", "access"))]
#[track_caller]
pub fn exists(path: impl AsRef<Path>) -> Operation<bool> {
    let missing = [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory];
    Operation::on("look for", path, move |path| match fs::metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if missing.contains(&error.kind()) => Ok(false),
        Err(error) => Err(error),
    })
    .first(|subject| sys::look_now(&subject.path, true).map(|_| (Next::Done(true), share::BASE)))
}

/// Sets who may do what with a file. A link is followed.
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
///     let path = dir.path().join("constitution");
///     fs::write(&path, "").await?;
///     let mut permissions = fs::stat(&path).await?.permissions();
///     permissions.set_readonly(true);
///     fs::set_permissions(&path, permissions).await?;
///     assert!(fs::stat(&path).await?.permissions().readonly());
///     Ok::<_, onward::Error>(())
/// })??;
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias = "chmod")]
#[track_caller]
pub fn set_permissions(path: impl AsRef<Path>, permissions: Permissions) -> Operation<()> {
    Operation::on("set permissions", path, move |path| fs::set_permissions(path, permissions))
}

/// Sets when a file was last read and changed.
///
/// # Errors
///
/// Those of every [`Operation`]. On Windows the file has to be one that can be written to.
///
/// ```
/// use onward::fs;
/// use std::fs::FileTimes;
/// use std::time::{Duration, SystemTime};
///
/// onward::block_on(async {
///     let dir = fs::temp_dir().await?;
///     let path = dir.path().join("old");
///     fs::write(&path, "").await?;
///     let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
///     fs::set_times(&path, FileTimes::new().set_modified(then)).await?;
///     assert_eq!(fs::stat(&path).await?.modified()?, then);
///     Ok::<_, onward::Error>(())
/// })??;
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias("utimes", "futimes"))]
#[track_caller]
pub fn set_times(path: impl AsRef<Path>, times: FileTimes) -> Operation<()> {
    let how = if cfg!(windows) { How { write: true, ..How::NONE } } else { How::READ };
    Operation::on("set times", path, move |path| opened(path, how)?.set_times(times))
}
