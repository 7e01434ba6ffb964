//! Unix: descriptors that may be watched, and those that may not.

use super::fed::Fed;
use crate::event_loop::Descriptor;
use crate::io::ByteHandle;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags};
use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{self, IoSlice, IsTerminal as _, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileTypeExt as _;
use std::sync::Arc;

/// No pipe and no terminal blocks for as much if it is ready at all (POSIX wants 512 at least).
const ATOMIC: usize = if cfg!(target_os = "linux") { 4096 } else { 512 };

/// How bytes come and go without the loop having to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// It is non-blocking, and nobody else has it.
    Ours,
    /// Others have it too, so it stays as it is, which may be blocking: it is asked before each call.
    Shared,
    /// The same for a socket, of which each call can be told not to block.
    Socket,
    /// No poller watches it, for it is always ready: another thread reads, and writing is done at once.
    Fed,
}

/// A descriptor that bytes come from, or go to.
pub(crate) struct Bytes {
    file: Arc<File>,
    way: Cell<Way>,
    fed: RefCell<Fed>,
}

impl Bytes {
    fn new(file: OwnedFd, way: Way) -> Self {
        let file = Arc::new(File::from(file));
        Self { file, way: Cell::new(way), fed: RefCell::default() }
    }

    /// This process's end of a pipe, of which nobody else has this end.
    pub(in crate::process) fn ours(end: impl Into<OwnedFd>) -> io::Result<Self> {
        let end = end.into();
        rustix::io::ioctl_fionbio(&end, true)?;
        Ok(Self::new(end, Way::Ours))
    }

    /// A standard stream, which other processes may have as well: nothing is changed that they would see.
    pub(in crate::process) fn shared(stream: impl AsFd, reads: bool) -> io::Result<Self> {
        let stream = stream.as_fd();
        let copy = File::from(rustix::io::fcntl_dupfd_cloexec(stream, 3)?);
        let file_type = copy.metadata()?.file_type();
        let own = (file_type.is_fifo() || copy.is_terminal() && !makes_terminals(&copy))
            .then(|| reopen(&copy, reads));
        if let Some(own) = own.flatten() {
            return Ok(Self::new(own, Way::Ours));
        }
        let way = match () {
            () if file_type.is_socket() => Way::Socket,
            () if file_type.is_fifo() || file_type.is_char_device() => Way::Shared,
            () => Way::Fed,
        };
        Ok(Self::new(copy.into(), way))
    }

    pub(super) fn is_fed(&self) -> bool {
        self.way.get() == Way::Fed
    }

    /// The poller does not take it.
    pub(super) fn refused(&self) {
        self.way.set(Way::Fed);
    }

    /// Is there nothing to be told of what another thread has read?
    pub(super) fn is_hungry(&self) -> bool {
        self.fed.borrow().is_empty()
    }

    pub(super) fn fill(&self, read: io::Result<Vec<u8>>) {
        self.fed.borrow_mut().fill(read);
    }

    /// What another thread reads from.
    pub(super) fn file(&self) -> Arc<File> {
        Arc::clone(&self.file)
    }

    pub(super) fn is_terminal(&self) -> bool {
        self.file.is_terminal()
    }

    pub(super) fn terminal_size(&self) -> Option<(u16, u16)> {
        let size = rustix::termios::tcgetwinsize(&self.file).ok()?;
        (size.ws_col > 0 && size.ws_row > 0).then_some((size.ws_col, size.ws_row))
    }

    /// Waits until bytes can be written, however long that takes.
    pub(super) fn wait_writable(&self) -> io::Result<()> {
        match poll(&mut [PollFd::new(&self.file, PollFlags::OUT)], None) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Is it ready for this, now?
    fn is_ready(&self, flags: PollFlags) -> io::Result<()> {
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        match poll(&mut [PollFd::new(&self.file, flags)], Some(&now))? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            _ => Ok(()),
        }
    }

    /// Reads from what may be a blocking descriptor, without being blocked.
    fn receive_shared(&self, buffer: &mut [u8]) -> io::Result<usize> {
        #[cfg(target_os = "linux")]
        {
            use rustix::io::{ReadWriteFlags, preadv2};
            let buffers = &mut [io::IoSliceMut::new(buffer)];
            match preadv2(&self.file, buffers, u64::MAX, ReadWriteFlags::NOWAIT) {
                // Not every kind of file knows the flag.
                Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL | Errno::SPIPE) => {}
                read => return Ok(read?),
            }
        }
        self.is_ready(PollFlags::IN)?;
        (&*self.file).read(buffer)
    }

    /// The same for writing: as much as is sure to be taken.
    fn send_shared(&self, bytes: &[u8]) -> io::Result<usize> {
        if rustix::fs::fcntl_getfl(&self.file)?.contains(OFlags::NONBLOCK) {
            return (&*self.file).write(bytes);
        }
        self.is_ready(PollFlags::OUT)?;
        (&*self.file).write(&bytes[..bytes.len().min(ATOMIC)])
    }
}

/// Opens a pipe or a terminal once more, non-blocking: flags belong to what is opened, not to what is open. Only Linux
/// makes something new of it.
#[cfg(target_os = "linux")]
fn reopen(file: &File, reads: bool) -> Option<OwnedFd> {
    use std::os::fd::AsRawFd as _;
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let access = if reads { OFlags::RDONLY } else { OFlags::WRONLY };
    let flags = access | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, rustix::fs::Mode::empty()).ok()
}

/// Is it the user's end of a terminal? Who opens that anew gets one of a new terminal.
#[cfg(target_os = "linux")]
fn makes_terminals(file: &File) -> bool {
    use rustix::fs::{fstat, major, minor};
    fstat(file).is_ok_and(|stat| (major(stat.st_rdev), minor(stat.st_rdev)) == (5, 2))
}

#[cfg(not(target_os = "linux"))]
fn makes_terminals(_: &File) -> bool {
    false
}

#[cfg(not(target_os = "linux"))]
fn reopen(_: &File, _: bool) -> Option<OwnedFd> {
    None
}

impl ByteHandle for Bytes {
    /// A terminal gives a line at a time, and a pipe may be made of packets.
    const SHORT_READ_IS_ALL: bool = false;

    fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.way.get() {
            Way::Ours => Ok(rustix::io::read(&self.file, buffer)?),
            Way::Shared => self.receive_shared(buffer),
            Way::Socket => Ok(rustix::net::recv(&self.file, buffer, RecvFlags::DONTWAIT)?.0),
            Way::Fed => self.fed.borrow_mut().receive(buffer),
        }
    }

    fn at_end(&self) -> io::Result<bool> {
        if self.is_fed() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        // In this order: what is ready with nothing in it is at its end.
        self.is_ready(PollFlags::IN)?;
        Ok(rustix::io::ioctl_fionread(&self.file)? == 0)
    }

    fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        match self.way.get() {
            Way::Ours => Ok(rustix::io::write(&self.file, bytes)?),
            Way::Shared => self.send_shared(bytes),
            Way::Socket => Ok(rustix::net::send(&self.file, bytes, SendFlags::DONTWAIT)?),
            Way::Fed => (&*self.file).write(bytes),
        }
    }

    fn send_vectored(&self, chunks: &[IoSlice<'_>]) -> io::Result<usize> {
        match self.way.get() {
            Way::Ours | Way::Fed => (&*self.file).write_vectored(chunks),
            Way::Shared | Way::Socket => {
                let first = chunks.iter().find(|chunk| !chunk.is_empty());
                first.map_or(Ok(0), |first| self.send(first))
            }
        }
    }

    /// To close it, which comes next, is what tells the other side.
    fn finish(&self) -> io::Result<()> {
        Ok(())
    }

    fn descriptor(&self) -> Option<Descriptor<'_>> {
        let descriptor: BorrowedFd<'_> = self.file.as_fd();
        (!self.is_fed()).then_some(descriptor)
    }
}

#[cfg(test)]
mod tests {
    use super::{ATOMIC, ByteHandle as _, Bytes, File, Way};
    use rustix::pipe::{PipeFlags, pipe_with};
    use std::io::{self, IoSlice, Read as _, Write as _};
    use std::time::Duration;

    fn blocks<T: std::fmt::Debug>(result: io::Result<T>) -> bool {
        result.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// What comes of it once the other end is gone: a child that another test starts has a copy of it for a moment.
    fn in_the_end<T>(mut attempt: impl FnMut() -> Option<T>) -> T {
        for _ in 0..30_000 {
            if let Some(outcome) = attempt() {
                return outcome;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("the other end is still there");
    }

    #[test]
    fn what_may_block_is_read_only_when_there_is_something() {
        let (reads, writes) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let (shared, mut writes) = (Bytes::new(reads, Way::Shared), File::from(writes));
        let mut buffer = [0; 8];
        assert!(blocks(shared.receive(&mut buffer)) && blocks(shared.at_end()));
        writes.write_all(b"one").unwrap();
        assert!(!shared.at_end().unwrap());
        assert_eq!(shared.receive(&mut buffer).unwrap(), 3);
        assert!(blocks(shared.receive(&mut buffer)));
        drop(writes);
        let at_end = in_the_end(|| match shared.at_end() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            at_end => Some(at_end),
        });
        assert!(at_end.unwrap());
        assert_eq!(shared.receive(&mut buffer).unwrap(), 0);
    }

    #[test]
    fn what_may_block_is_written_to_as_far_as_it_is_sure_to_take_it() {
        let (reads, writes) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let (mut reads, shared) = (File::from(reads), Bytes::new(writes, Way::Shared));
        let (chunk, mut sent) = (vec![7; 3 * ATOMIC], 0);
        let blocked = loop {
            match shared.send_vectored(&[IoSlice::new(&[]), IoSlice::new(&chunk)]) {
                Ok(count) => sent += count,
                Err(error) => break error,
            }
        };
        assert_eq!(blocked.kind(), io::ErrorKind::WouldBlock);
        assert!(sent >= ATOMIC);
        reads.read_exact(&mut vec![0; sent]).unwrap();
        assert_eq!(shared.send(b"again").unwrap(), 5);
        drop(reads);
        let broken = in_the_end(|| {
            let error = shared.send(b"nobody").err()?;
            (error.kind() != io::ErrorKind::WouldBlock).then_some(error)
        });
        assert_eq!(broken.kind(), io::ErrorKind::BrokenPipe);
    }
}
