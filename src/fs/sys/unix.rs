//! Unix: descriptors of every kind.

use super::{How, Kind};
use crate::event_loop::Descriptor;
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::net::SendFlags;
use std::fs::{self, File, Metadata};
use std::hash::Hash;
use std::io::{self, IoSlice, Read as _, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::os::unix::fs::{FileExt as _, FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

/// No pipe blocks for as much if it is ready at all (POSIX wants 512 at least).
const ATOMIC: usize = if cfg!(target_os = "linux") { 4096 } else { 512 };

/// `O_NONBLOCK`: a FIFO without anybody at its other end is open at once. `O_NOCTTY`: a terminal does
/// not become ours.
pub(super) const FLAGS: OFlags = OFlags::NONBLOCK.union(OFlags::NOCTTY);

/// Opens a file; may block.
pub(in crate::fs) fn open(path: &Path, how: How) -> io::Result<File> {
    let mut options = how.options();
    options.mode(how.mode).custom_flags(FLAGS.bits() as i32);
    match options.open(path) {
        // Somebody has a lease on it and is asked to give it up: that is worth waiting for.
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            options.custom_flags(0).open(path)
        }
        result => result,
    }
}

/// Did opening fail since a FIFO has no reader yet?
pub(in crate::fs) fn lacks_reader(path: &Path, error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::NXIO.raw_os_error()) && is_fifo(path)
}

pub(in crate::fs) fn is_fifo(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo())
}

pub(in crate::fs) fn sort(metadata: &Metadata) -> Kind {
    let file_type = metadata.file_type();
    let stream = file_type.is_fifo() || file_type.is_socket() || file_type.is_char_device();
    if stream { Kind::Stream } else { Kind::Regular }
}

/// Are these of the same file?
pub(in crate::fs) fn is_same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// What is known of a file, to see whether it has changed; of a directory, but for what changes with what stands in it.
pub(in crate::fs) fn stamp(metadata: &Metadata) -> impl Hash + use<> {
    let whose = (metadata.mode(), metadata.uid(), metadata.gid());
    let written = (metadata.mtime(), metadata.mtime_nsec());
    let changed = (metadata.ctime(), metadata.ctime_nsec());
    (whose, (!metadata.is_dir()).then_some((metadata.len(), written, changed)))
}

/// Lends the descriptor to the poller.
pub(in crate::fs) fn lend(
    file: &File,
    to: &mut dyn FnMut(Descriptor<'_>) -> io::Result<()>,
) -> io::Result<()> {
    to(file.as_fd())
}

/// What to call a file whose path nobody knows.
pub(in crate::fs) fn name(file: &File) -> String {
    format!("file descriptor {}", file.as_raw_fd())
}

pub(in crate::fs) fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    file.read_at(buffer, at)
}

#[cfg(target_os = "linux")]
pub(in crate::fs) fn write_at(file: &File, chunks: &[IoSlice<'_>], at: u64) -> io::Result<usize> {
    Ok(rustix::io::pwritev(file, chunks, at)?)
}

#[cfg(not(target_os = "linux"))]
pub(in crate::fs) fn write_at(file: &File, chunks: &[IoSlice<'_>], at: u64) -> io::Result<usize> {
    file.write_at(chunks.first().map_or(&[][..], |chunk| chunk), at)
}

/// Reads what is ready. Unless the descriptor is `ours`, others may have been faster, and it may be one
/// that blocks; so this asks not to be blocked, where one can ask that.
pub(in crate::fs) fn receive(file: &File, buffer: &mut [u8], ours: bool) -> io::Result<usize> {
    if ours {
        return { file }.read(buffer);
    }
    match super::read_now(file, buffer, None) {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => { file }.read(buffer),
        result => result,
    }
}

/// Writes to what is ready. Unless the descriptor is `ours`, it may be one that blocks; then only as
/// much as it is sure to take.
pub(in crate::fs) fn send(file: &File, chunks: &[IoSlice<'_>], ours: bool) -> io::Result<usize> {
    if ours || rustix::fs::fcntl_getfl(file)?.contains(OFlags::NONBLOCK) {
        return { file }.write_vectored(chunks);
    }
    let Some(first) = chunks.first() else { return Ok(0) };
    match rustix::net::send(file, first, SendFlags::DONTWAIT) {
        Err(Errno::NOTSOCK) => { file }.write(&first[..first.len().min(ATOMIC)]),
        sent => Ok(sent?),
    }
}

/// A file, whatever its names: its device and its number there.
pub(in crate::fs) type Identity = (u64, u64);

pub(in crate::fs) fn identity(path: &Path) -> io::Result<Identity> {
    fs::metadata(path).map(|metadata| (metadata.dev(), metadata.ino()))
}

pub(in crate::fs) fn symlink(original: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(original, link)
}

/// Directories that nobody else may look into.
pub(in crate::fs) fn make_private(builder: &mut fs::DirBuilder) {
    std::os::unix::fs::DirBuilderExt::mode(builder, 0o700);
}

/// Only root can; for others it stays theirs.
pub(in crate::fs) fn give_to_owner_of(file: &File, other: &Metadata) {
    let ours =
        file.metadata().is_ok_and(|ours| (ours.uid(), ours.gid()) == (other.uid(), other.gid()));
    if !ours {
        let _ = std::os::unix::fs::fchown(file, Some(other.uid()), Some(other.gid()));
    }
}

/// Brings the name of a file to the disk.
pub(in crate::fs) fn sync_folder(file: &Path) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    match File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all() {
        // There are file systems that know no such thing.
        Err(error) if error.raw_os_error() == Some(Errno::INVAL.raw_os_error()) => Ok(()),
        result => result,
    }
}
