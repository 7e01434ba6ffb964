//! What a child has for its streams.

use std::fs::File;
use std::process;

/// What a child has as its `stdin`, `stdout` or `stderr`: a pipe, unless told otherwise.
///
/// An open file or descriptor can be one too:
///
/// ```
/// # #[cfg(unix)] {
/// use onward::process::{Command, Stdio};
///
/// let path = std::env::temp_dir().join(format!("onward-doc-stdio-{}", std::process::id()));
/// let log = std::fs::File::create(&path)?;
/// onward::run(move || {
///     Command::new("echo").arg("hello").stdout(log).stderr(Stdio::inherit()).spawn()?;
///     Ok(())
/// })?;
/// assert_eq!(std::fs::read_to_string(&path)?, "hello\n");
/// # std::fs::remove_file(path)?;
/// # } Ok::<(), onward::Error>(())
/// ```
#[derive(Debug)]
pub struct Stdio {
    pub(super) is_piped: bool,
    pub(super) given: process::Stdio,
}

impl Stdio {
    /// A pipe to or from this process: a stream.
    #[must_use]
    pub fn piped() -> Self {
        Self { is_piped: true, given: process::Stdio::piped() }
    }

    /// What this process has itself.
    #[must_use]
    pub fn inherit() -> Self {
        Self { is_piped: false, given: process::Stdio::inherit() }
    }

    /// Nothing: it reads an end, and what it writes is gone.
    #[doc(alias = "ignore")]
    #[must_use]
    pub fn null() -> Self {
        Self { is_piped: false, given: process::Stdio::null() }
    }
}

impl From<File> for Stdio {
    fn from(file: File) -> Self {
        Self { is_piped: false, given: file.into() }
    }
}

#[cfg(unix)]
impl From<std::os::fd::OwnedFd> for Stdio {
    fn from(descriptor: std::os::fd::OwnedFd) -> Self {
        Self { is_piped: false, given: descriptor.into() }
    }
}

#[cfg(windows)]
impl From<std::os::windows::io::OwnedHandle> for Stdio {
    fn from(handle: std::os::windows::io::OwnedHandle) -> Self {
        Self { is_piped: false, given: handle.into() }
    }
}
