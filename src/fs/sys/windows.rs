//! Windows: the poller knows sockets only, so the pool reads and writes files of every kind.

use super::{How, Kind};
use crate::event_loop::Descriptor;
use std::fs::{File, Metadata};
use std::hash::Hash;
use std::io::{self, IoSlice};
use std::os::windows::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;

/// Opens a file; may block.
pub(in crate::fs) fn open(path: &Path, how: How) -> io::Result<File> {
    how.options().open(path)
}

/// FIFOs that one opens by a path are not a thing here.
pub(in crate::fs) fn lacks_reader(_: &Path, _: &io::Error) -> bool {
    false
}

pub(in crate::fs) fn is_fifo(_: &Path) -> bool {
    false
}

pub(in crate::fs) fn sort(_: &Metadata) -> Kind {
    Kind::Regular
}

/// Are these of the same file? As far as one can tell: a file's number is not to be had here.
pub(in crate::fs) fn is_same(one: &Metadata, other: &Metadata) -> bool {
    one.creation_time() == other.creation_time()
}

/// What is known of a file, to see whether it has changed; of a directory, but for what changes with what stands in it.
pub(in crate::fs) fn stamp(metadata: &Metadata) -> impl Hash + use<> {
    let content = (metadata.file_size(), metadata.last_write_time());
    (metadata.file_attributes(), (!metadata.is_dir()).then_some(content))
}

/// No file is ever lent to the poller.
#[allow(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
pub(in crate::fs) fn lend(
    _: &File,
    _: &mut dyn FnMut(Descriptor<'_>) -> io::Result<()>,
) -> io::Result<()> {
    Ok(())
}

/// What to call a file whose path nobody knows.
pub(in crate::fs) fn name(_: &File) -> String {
    "a file handle".into()
}

pub(in crate::fs) fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    match file.seek_read(buffer, at) {
        Err(error) if error.raw_os_error() == Some(END_OF_FILE) => Ok(0),
        result => result,
    }
}

/// `ERROR_HANDLE_EOF`: a positioned read beyond the end is an error here.
const END_OF_FILE: i32 = 38;

pub(in crate::fs) fn write_at(file: &File, chunks: &[IoSlice<'_>], at: u64) -> io::Result<usize> {
    file.seek_write(chunks.first().map_or(&[][..], |chunk| chunk), at)
}

pub(in crate::fs) fn receive(file: &File, buffer: &mut [u8], _: bool) -> io::Result<usize> {
    super::read(file, buffer, None)
}

pub(in crate::fs) fn send(file: &File, chunks: &[IoSlice<'_>], _: bool) -> io::Result<usize> {
    super::write(file, chunks, None)
}

/// A file, as far as it can be told without asking the system for its number: its one real path.
pub(in crate::fs) type Identity = std::path::PathBuf;

pub(in crate::fs) fn identity(path: &Path) -> io::Result<Identity> {
    std::fs::canonicalize(path)
}

/// Links to directories are things of their own here.
pub(in crate::fs) fn symlink(original: &Path, link: &Path) -> io::Result<()> {
    let beside = link.parent().map_or_else(|| original.into(), |parent| parent.join(original));
    if beside.is_dir() {
        std::os::windows::fs::symlink_dir(original, link)
    } else {
        std::os::windows::fs::symlink_file(original, link)
    }
}

/// Who may look into a directory is inherited here.
pub(in crate::fs) fn make_private(_: &mut std::fs::DirBuilder) {}

pub(in crate::fs) fn give_to_owner_of(_: &File, _: &Metadata) {}

/// A folder cannot be brought to the disk by itself here.
#[allow(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
pub(in crate::fs) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
