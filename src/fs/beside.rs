//! A file that is written beside the one that it is to replace: until it takes its place, that one stays as it is.
//!
//! All of this blocks: it is the pool's work.

use super::sys::{self, How};
use std::collections::hash_map::RandomState;
use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::hash::{BuildHasher as _, Hasher as _};
use std::io;
use std::path::{Path, PathBuf};

/// How often another name is tried if there is such a file already.
const TRIES: usize = 16;

/// The name of a file that is to get another one. Dropped before, the file is removed.
#[derive(Debug)]
pub(super) struct Beside {
    path: PathBuf,
    target: PathBuf,
    kept: bool,
}

impl Beside {
    /// Makes an empty file in the folder of `path`, which belongs to whom that one belongs to.
    pub(super) fn create(path: &Path, how: How) -> io::Result<(File, Self)> {
        // A link to the file stays one.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let before = match fs::metadata(&target) {
            Ok(before) => Some(before),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        if before.as_ref().is_some_and(|before| !before.is_file()) {
            let why = "only a file can be replaced by another one";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        let new = new_beside(how, before.as_ref());
        for _ in 0..TRIES {
            let path = target.with_file_name(name());
            match sys::open(&path, new) {
                Ok(file) => {
                    let beside = Self { path, target, kept: false };
                    before.map_or(Ok(()), |before| inherit(&file, &before))?;
                    return Ok((file, beside));
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// The file takes its place: from here on it is there, whatever happens to the machine.
    pub(super) fn take_place(mut self, file: &File) -> io::Result<()> {
        file.sync_all()?;
        fs::rename(&self.path, &self.target)?;
        self.kept = true;
        sys::sync_folder(&self.target)
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if !self.kept {
            // Somebody may have removed it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// How to open it. What takes the place of another file is nobody else's before it has the permissions of that one: who
/// has opened it before could read what will be written.
fn new_beside(how: How, before: Option<&Metadata>) -> How {
    let mode = if before.is_some() { 0o600 } else { how.mode };
    How { create_new: true, truncate: false, mode, ..how }
}

/// Whose it is, and what others may do with it, is as before.
fn inherit(file: &File, before: &Metadata) -> io::Result<()> {
    sys::give_to_owner_of(file, before);
    file.set_permissions(before.permissions())
}

/// A name that nobody guesses, and that fits where any name does.
fn name() -> OsString {
    let number = RandomState::new().build_hasher().finish();
    format!(".onward-{number:016x}").into()
}

#[cfg(test)]
mod tests {
    use super::{How, new_beside};

    #[test]
    fn what_replaces_another_file_is_closed_to_others_at_first() {
        let how = How { write: true, create: true, truncate: true, beside: true, ..How::NONE };
        let before = std::fs::metadata("Cargo.toml").unwrap();
        assert_eq!(new_beside(how, Some(&before)).mode, 0o600);
        assert_eq!(new_beside(how, None).mode, how.mode);
        assert!(new_beside(how, None).create_new);
    }
}
