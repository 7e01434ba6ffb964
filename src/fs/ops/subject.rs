//! What an operation is called, and what it is done to: for its errors.

use crate::error::{Error, ErrorKind, Result};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// An operation and its paths.
#[derive(Debug)]
pub(in crate::fs) struct Subject {
    pub(in crate::fs) operation: &'static str,
    pub(in crate::fs) path: PathBuf,
    /// Where to, if it has two.
    to: Option<PathBuf>,
}

impl Subject {
    pub(in crate::fs) fn new(operation: &'static str, path: impl AsRef<Path>) -> Self {
        Self { operation, path: path.as_ref().to_path_buf(), to: None }
    }

    pub(in crate::fs) fn between(
        operation: &'static str,
        path: impl AsRef<Path>,
        to: impl AsRef<Path>,
    ) -> Self {
        Self { to: Some(to.as_ref().to_path_buf()), ..Self::new(operation, path) }
    }

    /// The second path; the first where there is but one.
    pub(in crate::fs) fn to(&self) -> &Path {
        self.to.as_deref().unwrap_or(&self.path)
    }

    /// Refuses paths that no system can take.
    pub(in crate::fs) fn check(&self) -> Result<()> {
        let has_zero = |path: &Path| path.as_os_str().as_encoded_bytes().contains(&0);
        if has_zero(&self.path) || has_zero(self.to()) {
            return Err(self.refuse(ErrorKind::InvalidInput, "a path cannot contain a zero byte"));
        }
        Ok(())
    }

    /// What the system says of it.
    pub(in crate::fs) fn error(&self, cause: io::Error) -> Error {
        Error::io_or_descriptors(self.operation, cause).on(self)
    }

    /// What we say of it ourselves.
    pub(in crate::fs) fn refuse(
        &self,
        kind: ErrorKind,
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Error {
        Error::new(kind, self.operation).on(self).because(cause)
    }

    /// An error of something that worked for it, which calls it otherwise.
    pub(in crate::fs) fn rename(&self, error: Error) -> Error {
        error.named(self.operation).on(self)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        match &self.to {
            Some(to) => write!(f, " to {}", to.display()),
            None => Ok(()),
        }
    }
}
