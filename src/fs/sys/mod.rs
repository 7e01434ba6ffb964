//! What differs between systems, behind one set of functions. Nothing else in `fs` asks where it runs.
//!
//! - `open`, `kind`, `lend`, `name`, `read_at`, `write_at`, `lacks_reader`, `symlink`, `identity`, `make_private`: everywhere
//! - `receive`, `send`: of what the poller watches, once it is ready
//! - `open_now`, `read_now`, `read_all_now`, `look_now`, `reopen`: what can be done at once without blocking; where the system has
//!   no such thing they say so, and the pool does it

use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice};

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(super) use unix::{
    Identity, identity, is_fifo, kind, lacks_reader, lend, make_private, name, open, read_at,
    receive, send, symlink, write_at,
};

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub(super) use windows::{
    Identity, identity, is_fifo, kind, lacks_reader, lend, make_private, name, open, read_at,
    receive, send, symlink, write_at,
};

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub(super) use linux::{look_now, open_now, read_all_now, read_now, reopen};

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(not(target_os = "linux"))]
pub(super) use elsewhere::{look_now, open_now, read_all_now, read_now, reopen};

/// What a file is, as far as reading and writing go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It has a length and offsets, and is always ready: the pool reads and writes it.
    Regular,
    /// A FIFO, a socket, a terminal or another device: bytes come and go when they are ready.
    Stream,
}

/// What was found at once where a whole file is to be read.
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "nothing is found at once"))]
pub(super) enum Whole {
    Bytes(Vec<u8>),
    /// It is none. It stays open, for who writes to a FIFO sees when it is opened and closed.
    Stream(File),
}

/// How to open a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct How {
    pub(super) read: bool,
    pub(super) write: bool,
    pub(super) append: bool,
    pub(super) create: bool,
    pub(super) create_new: bool,
    pub(super) truncate: bool,
    /// The permissions of a file that is created, where there is such a thing.
    pub(super) mode: u32,
}

impl How {
    pub(super) const READ: Self = Self {
        read: true,
        write: false,
        append: false,
        create: false,
        create_new: false,
        truncate: false,
        mode: 0o666,
    };

    /// For nothing yet.
    pub(super) const NONE: Self = Self { read: false, ..Self::READ };

    fn options(self) -> OpenOptions {
        let mut options = OpenOptions::new();
        options.read(self.read).write(self.write).append(self.append);
        options.create(self.create).create_new(self.create_new).truncate(self.truncate);
        options
    }
}

/// Reads once; may block.
pub(super) fn read(file: &File, buffer: &mut [u8], at: Option<u64>) -> io::Result<usize> {
    retrying(|| match at {
        Some(at) => read_at(file, buffer, at),
        None => io::Read::read(&mut { file }, buffer),
    })
}

/// Writes once; may block.
pub(super) fn write(file: &File, chunks: &[IoSlice<'_>], at: Option<u64>) -> io::Result<usize> {
    retrying(|| match at {
        Some(at) => write_at(file, chunks.first().map_or(&[][..], |chunk| chunk), at),
        None => io::Write::write_vectored(&mut { file }, chunks),
    })
}

/// Again, if only a signal came between.
fn retrying<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
