//! Linux: what can be had at once, from its caches.

use super::unix::FLAGS;
use super::{How, Kind, Place, Whole};
use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags};
use rustix::io::{Errno, ReadWriteFlags};
use std::fs::{File, Metadata};
use std::io::{self, IoSliceMut, IsTerminal as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;

/// Reads from where the file stands.
const HERE: u64 = u64::MAX;

/// Opens a file if all that this takes is in the caches. `None`: the pool shall see to it.
///
/// Every failure is such a case: the pool finds out what is behind it, and nothing has to be told
/// apart twice.
pub(in crate::fs) fn open_now(path: &Path, how: How) -> Option<File> {
    // The kernel never creates or cuts from its caches alone.
    if how.create || how.create_new || how.truncate || how.beside {
        return None;
    }
    let access = match (how.read, how.write || how.append) {
        (true, false) => OFlags::RDONLY,
        (false, true) => OFlags::WRONLY,
        (true, true) => OFlags::RDWR,
        (false, false) => return None,
    };
    let append = if how.append { OFlags::APPEND } else { OFlags::empty() };
    let flags = access | append | FLAGS | OFlags::CLOEXEC;
    rustix::fs::openat2(CWD, path, flags, Mode::empty(), ResolveFlags::CACHED).ok().map(File::from)
}

/// Reads what is cached.
///
/// [`WouldBlock`](io::ErrorKind::WouldBlock): not cached now. [`Unsupported`](io::ErrorKind::Unsupported):
/// this file never will be.
pub(in crate::fs) fn read_now(
    file: &File,
    buffer: &mut [u8],
    at: Option<u64>,
) -> io::Result<usize> {
    let buffers = &mut [IoSliceMut::new(buffer)];
    match rustix::io::preadv2(file, buffers, at.unwrap_or(HERE), ReadWriteFlags::NOWAIT) {
        // Linux 5.9 and 5.10 say 0 here for what is not cached.
        Ok(0) if at.is_some_and(|at| file.metadata().is_ok_and(|metadata| metadata.len() > at)) => {
            Err(io::ErrorKind::WouldBlock.into())
        }
        Ok(count) => Ok(count),
        Err(Errno::AGAIN | Errno::INTR) => Err(io::ErrorKind::WouldBlock.into()),
        // Whatever else it is, a plain read says it too, and knows no such flag.
        Err(_) => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// Opens a file, and reads all of it if that is cached and no longer than this.
pub(in crate::fs) fn read_all_now(path: &Path, longest: usize) -> Option<Whole> {
    let file = open_now(path, How::READ)?;
    let stat = rustix::fs::fstat(&file).ok()?;
    if !FileType::from_raw_mode(stat.st_mode).is_file() {
        // It has been opened, and somebody at its other end may have seen that.
        let stream = super::kind(&file).ok()? == Kind::Stream;
        return stream.then_some(Whole::Stream(file));
    }
    let length = usize::try_from(stat.st_size).ok().filter(|length| *length <= longest)?;
    let mut bytes = vec![0; length];
    // A file that says it is empty may be one that the kernel makes up: a byte, to ask.
    let mut byte = [0];
    let buffer = if length == 0 { &mut byte[..] } else { &mut bytes };
    let count = read_now(&file, buffer, None).ok()?;
    (count == length).then_some(Whole::Bytes(bytes))
}

/// Looks at what is there, if the way to it is cached.
pub(in crate::fs) fn look_now(path: &Path, follow: bool) -> Option<Metadata> {
    let end = if follow { OFlags::empty() } else { OFlags::NOFOLLOW };
    let flags = OFlags::PATH | OFlags::CLOEXEC | end;
    let found = rustix::fs::openat2(CWD, path, flags, Mode::empty(), ResolveFlags::CACHED).ok()?;
    File::from(found).metadata().ok()
}

/// Opens what a descriptor refers to once more, for writing, so that it can be made non-blocking
/// without that being seen by those who share the descriptor. Other devices than terminals may make something new of it.
pub(in crate::fs) fn reopen(file: &File) -> Option<File> {
    let metadata = file.metadata().ok()?;
    let device = (rustix::fs::major(metadata.rdev()), rustix::fs::minor(metadata.rdev()));
    let terminal = file.is_terminal() && device != TERMINAL_MAKER;
    if !metadata.file_type().is_fifo() && !terminal {
        return None;
    }
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let flags = OFlags::WRONLY | FLAGS | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).ok().map(File::from)
}

/// `/dev/ptmx`: who opens that gets the user's end of a new terminal, whichever he has already.
const TERMINAL_MAKER: (u32, u32) = (5, 2);

/// File systems of other machines and of programs.
const ELSEWHERE: [u32; 9] = [
    0x6969,      // NFS
    0x517b,      // SMB
    0xff53_4d42, // CIFS
    0xfe53_4d42, // SMB 2
    0x6573_5546, // FUSE
    0x0102_1997, // 9P
    0x00c3_6400, // Ceph
    0x5346_414f, // AFS
    0x0bd0_0bd0, // Lustre
];
/// File systems that are the kernel's word.
const NOWHERE: [u32; 6] = [
    0x9fa0,      // proc
    0x6265_6572, // sysfs
    0x0027_e0eb, // control groups
    0x6367_7270, // their second version
    0x6462_6720, // debugfs
    0x7472_6163, // tracefs
];

pub(in crate::fs) fn place(file: &File) -> Place {
    let found = rustix::fs::fstatfs(file).map(|found| found.f_type as u32);
    match found {
        Ok(system) if ELSEWHERE.contains(&system) => Place::Elsewhere,
        Ok(system) if NOWHERE.contains(&system) => Place::Nowhere,
        _ => Place::Here,
    }
}
