//! What differs between systems, behind one set of functions. Nothing else in `fs` asks where it runs.
//!
//! - `open`, `kind`, `look`, `lend`, `name`, `read_at`, `write_at`, `lacks_reader`, `is_same`, `stamp`, `symlink`,
//!   `identity`, `make_private`: everywhere
//! - `give_to_owner_of`, `sync_folder`: for a file that replaces another one
//! - `place`: where a file lies, which only Linux tells
//! - `receive`, `send`: of what the poller watches, once it is ready
//! - `open_now`, `read_now`, `read_all_now`, `look_now`, `reopen`: what can be done at once without blocking; where the system has
//!   no such thing they say so, and the pool does it

use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice};

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(super) use unix::{
    Identity, give_to_owner_of, identity, is_fifo, is_same, lacks_reader, lend, make_private, name,
    open, read_at, receive, send, sort, stamp, symlink, sync_folder, write_at,
};

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub(super) use windows::{
    Identity, give_to_owner_of, identity, is_fifo, is_same, lacks_reader, lend, make_private, name,
    open, read_at, receive, send, sort, stamp, symlink, sync_folder, write_at,
};

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub(super) use linux::{look_now, open_now, place, read_all_now, read_now, reopen};

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(not(target_os = "linux"))]
pub(super) use elsewhere::{look_now, open_now, place, read_all_now, read_now, reopen};

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

/// What is known of an open file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Is {
    pub(super) kind: Kind,
    /// In bytes; some files say 0 and have more.
    pub(super) length: u64,
}

/// Where a file lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "only Linux tells"))]
pub(super) enum Place {
    /// On this machine, as far as one knows.
    Here,
    /// On another machine, or in another program: what is done to it there is not seen here.
    Elsewhere,
    /// The system makes its content as it is read.
    Nowhere,
}

pub(super) fn kind(file: &File) -> io::Result<Kind> {
    Ok(look(file)?.kind)
}

pub(super) fn look(file: &File) -> io::Result<Is> {
    let metadata = file.metadata()?;
    Ok(Is { kind: sort(&metadata), length: metadata.len() })
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
    /// Another one, which is to replace it.
    pub(super) beside: bool,
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
        beside: false,
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
        Some(at) => write_at(file, chunks, at),
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
