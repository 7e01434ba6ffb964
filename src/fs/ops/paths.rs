//! What is done to names: renamed, linked, made and removed.

use super::operation::Operation;
use super::subject::Subject;
use crate::fs::sys;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Gives a file or a directory another name, within one file system. A file that has it is replaced, at once: whoever
/// opens that name finds the one or the other.
///
/// # Errors
///
/// Those of every [`Operation`]; both paths are named.
///
/// ```
/// use onward::fs;
///
/// onward::block_on(async {
///     let dir = fs::temp_dir().await?;
///     let (draft, report) = (dir.path().join("draft"), dir.path().join("report"));
///     fs::write(&draft, "all is well").await?;
///     fs::rename(&draft, &report).await?;
///     let error = fs::rename(&draft, &report).await.unwrap_err();
///     let both = format!("{} to {}", draft.display(), report.display());
///     assert_eq!(error.target(), Some(&*both));
///     Ok::<_, onward::Error>(())
/// })??;
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias("mv", "move"))]
#[track_caller]
pub fn rename(from: impl AsRef<Path>, to: impl AsRef<Path>) -> Operation<()> {
    Operation::io(Subject::between("rename", from, to), |subject| {
        fs::rename(&subject.path, subject.to())
    })
}

/// Makes a directory, whose parent is there already.
///
/// # Errors
///
/// Those of every [`Operation`]. It is one, too, that something is there by that name.
///
/// ```
/// use onward::fs;
///
/// onward::block_on(async {
///     let dir = fs::temp_dir().await?;
///     let path = dir.path().join("new");
///     fs::mkdir(&path).await?;
///     let twice = fs::mkdir(&path).await.unwrap_err();
///     assert_eq!(twice.io_kind(), Some(std::io::ErrorKind::AlreadyExists));
///     Ok::<_, onward::Error>(())
/// })??;
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias = "create_dir")]
#[track_caller]
pub fn mkdir(path: impl AsRef<Path>) -> Operation<()> {
    Operation::on("mkdir", path, |path| fs::create_dir(path))
}

/// Makes a directory and all above it that are missing. It is fine if it is there.
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
///     fs::mkdir_all(dir.path().join("a/b/c")).await?;
///     fs::mkdir_all(dir.path().join("a/b/c")).await?;
///     Ok::<_, onward::Error>(())
/// })??;
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias("mkdirp", "create_dir_all"))]
#[track_caller]
pub fn mkdir_all(path: impl AsRef<Path>) -> Operation<()> {
    Operation::on("mkdir", path, |path| fs::create_dir_all(path))
}

/// Removes a file, or a link.
///
/// # Errors
///
/// Those of every [`Operation`]. It is one, too, that there is none.
///
/// ```
/// use onward::fs;
///
/// onward::block_on(async {
///     let dir = fs::temp_dir().await?;
///     let path = dir.path().join("old");
///     fs::write(&path, "").await?;
///     fs::remove_file(&path).await?;
///     assert!(fs::remove_file(&path).await.unwrap_err().is_not_found());
///     Ok::<_, onward::Error>(())
/// })??;
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias("unlink", "rm"))]
#[track_caller]
pub fn remove_file(path: impl AsRef<Path>) -> Operation<()> {
    Operation::on("remove", path, |path| fs::remove_file(path))
}

/// Removes a directory that is empty.
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
///     fs::mkdir_all(dir.path().join("a/b")).await?;
///     let full = fs::remove_dir(dir.path().join("a")).await.unwrap_err();
///     assert_eq!(full.io_kind(), Some(std::io::ErrorKind::DirectoryNotEmpty));
///     fs::remove_dir(dir.path().join("a/b")).await?;
///     Ok::<_, onward::Error>(())
/// })??;
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias = "rmdir")]
#[track_caller]
pub fn remove_dir(path: impl AsRef<Path>) -> Operation<()> {
    Operation::on("remove", path, |path| fs::remove_dir(path))
}

/// Removes whatever is there: a file, a link, or a directory with all that is in it.
///
/// Links are removed, never followed, even if somebody puts one in the place of a directory while this is at
/// work: on Unix each directory is opened from the one that it stands in.
///
/// # Errors
///
/// Those of every [`Operation`]. It is one, too, that there is nothing. What could be removed before an error is
/// gone. A tree that is deeper than there are descriptors is
/// [`OutOfDescriptors`](crate::ErrorKind::OutOfDescriptors).
///
/// ```
/// use onward::fs;
///
/// onward::block_on(async {
///     let dir = fs::temp_dir().await?;
///     fs::mkdir_all(dir.path().join("a/b/c")).await?;
///     fs::write(dir.path().join("a/file"), "").await?;
///     fs::remove_all(dir.path().join("a")).await?;
///     assert!(!fs::exists(dir.path().join("a")).await?);
///     Ok::<_, onward::Error>(())
/// })??;
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias("rm", "rimraf", "remove_dir_all"))]
#[track_caller]
pub fn remove_all(path: impl AsRef<Path>) -> Operation<()> {
    Operation::on("remove", path, remove_whatever)
}

/// May block.
pub(super) fn remove_whatever(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => fs::remove_file(path),
        result => result,
    }
}

/// Makes a link at `link` to whatever stands at `original`, which need not be there. What is not an absolute path is
/// looked for from the link.
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
///     let link = dir.path().join("link");
///     fs::write(dir.path().join("original"), "hello").await?;
///     # #[cfg(unix)] {
///     fs::symlink("original", &link).await?;
///     assert_eq!(fs::read(&link).await?, b"hello");
///     assert_eq!(fs::read_link(&link).await?.to_str(), Some("original"));
///     assert!(fs::lstat(&link).await?.is_symlink());
///     # }
///     Ok::<_, onward::Error>(())
/// })??;
/// # Ok::<(), onward::Error>(())
/// ```
#[track_caller]
pub fn symlink(original: impl AsRef<Path>, link: impl AsRef<Path>) -> Operation<()> {
    Operation::io(Subject::between("symlink", original, link), |subject| {
        sys::symlink(&subject.path, subject.to())
    })
}

/// Gives a file a second name, equal to its first.
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
///     let (one, two) = (dir.path().join("one"), dir.path().join("two"));
///     fs::write(&one, "hello").await?;
///     fs::hard_link(&one, &two).await?;
///     fs::remove_file(&one).await?;
///     assert_eq!(fs::read(&two).await?, b"hello");
///     Ok::<_, onward::Error>(())
/// })??;
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias = "link")]
#[track_caller]
pub fn hard_link(original: impl AsRef<Path>, link: impl AsRef<Path>) -> Operation<()> {
    Operation::io(Subject::between("link", original, link), |subject| {
        fs::hard_link(&subject.path, subject.to())
    })
}

/// Where a link leads to, as it is written in it; [`symlink`] has an example.
///
/// # Errors
///
/// Those of every [`Operation`]. It is one, too, that it is no link.
///
/// ```
/// use onward::fs;
///
/// onward::run(|| {
///     fs::read_link("Cargo.toml").then(|link| assert!(link.is_err()));
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias = "readlink")]
#[track_caller]
pub fn read_link(path: impl AsRef<Path>) -> Operation<PathBuf> {
    Operation::on("read link", path, |path| fs::read_link(path))
}

/// The one absolute path of what is there, without links, `.` and `..`.
///
/// # Errors
///
/// Those of every [`Operation`]. It is one, too, that nothing is there.
///
/// ```
/// use onward::fs;
///
/// onward::block_on(async {
///     let path = fs::canonicalize("src/../Cargo.toml").await?;
///     assert!(path.is_absolute() && path.ends_with("Cargo.toml"));
///     Ok::<_, onward::Error>(())
/// })??;
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias = "realpath")]
#[track_caller]
pub fn canonicalize(path: impl AsRef<Path>) -> Operation<PathBuf> {
    Operation::on("canonicalize", path, |path| fs::canonicalize(path))
}
