//! What the loop knows of a thing it serves: a descriptor, an interest, and somebody to tell.

use super::memory::Buffer;
use std::any::Any;
use std::fmt;
use std::io;
use std::ops::{BitAnd, BitOr};
use std::rc::Rc;

/// A descriptor (a socket on Windows) that somebody else owns.
#[cfg(unix)]
pub(crate) type Descriptor<'a> = std::os::fd::BorrowedFd<'a>;
/// A descriptor (a socket on Windows) that somebody else owns.
#[cfg(windows)]
pub(crate) type Descriptor<'a> = std::os::windows::io::BorrowedSocket<'a>;

/// What a source waits for; what it is ready for. The bits are those of Linux, where most is told in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Interest(u8);

impl Interest {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const READ: Self = Self(1);
    pub(crate) const WRITE: Self = Self(4);
    /// Comes with [`READ`](Self::READ), or alone to who wants it alone, where the driver has edges: the other side has ended, or broken off, or something urgent
    /// stands in the way, so that a read which fills less than its buffer may have more behind it.
    pub(crate) const ENDING: Self = Self(2);
    pub(crate) const ALL: Self = Self(7);
    /// Beside [`READ`](Self::READ): what comes is told without another question. Not the driver's business.
    pub(crate) const FLOWS: Self = Self(8);

    /// As the driver of Linux keeps it.
    #[cfg(all(target_os = "linux", not(onward_force_polling)))]
    pub(crate) fn bits(self) -> u8 {
        self.0
    }

    #[cfg(all(target_os = "linux", not(onward_force_polling)))]
    pub(crate) fn of_bits(bits: u32) -> Self {
        Self((bits & 7) as u8)
    }

    #[inline]
    pub(crate) fn reads(self) -> bool {
        self.0 & 1 != 0
    }

    #[inline]
    pub(crate) fn flows(self) -> bool {
        self.0 & 8 != 0
    }

    #[inline]
    pub(crate) fn writes(self) -> bool {
        self.0 & 4 != 0
    }

    #[inline]
    pub(crate) fn ends(self) -> bool {
        self.0 & 2 != 0
    }

    /// Is there nothing in it?
    #[inline]
    pub(crate) fn is_none(self) -> bool {
        self.0 == 0
    }

    #[inline]
    pub(crate) fn reads_or_ends(self) -> bool {
        self.0 & 3 != 0
    }

    /// What somebody hears of who wants this: who wants to read hears of the end, too.
    pub(crate) fn with_end(self) -> Self {
        self | Self::when(Self::ENDING, self.reads())
    }

    /// All but `other`.
    #[inline]
    pub(crate) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// `self` if `yes`, else nothing.
    #[inline]
    pub(crate) fn when(self, yes: bool) -> Self {
        if yes { self } else { Self::NONE }
    }
}

/// What is in both.
impl BitAnd for Interest {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl BitOr for Interest {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// How often a source wants to be told the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trigger {
    /// Each turn, as long as it is so.
    Level,
    /// When it comes to be so, if the driver can tell; else as `Level`. Such a source goes on until the
    /// system says that there is no more, or asks to be told [`again`](super::Handle::again). Pausing
    /// and resuming costs it no system call, and waiting for many costs the system less.
    Edge,
}

/// What it is that lives on a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResourceKind {
    /// A server that listens for TCP connections.
    TcpServer,
    /// A TCP connection, be it in the making.
    TcpSocket,
    /// A server that listens at a Unix socket.
    UnixServer,
    /// A connection through a Unix socket.
    UnixSocket,
    /// A socket for datagrams by UDP.
    UdpSocket,
    /// A Unix socket for datagrams.
    UnixDatagram,
    /// A file that is read.
    ReadStream,
    /// A file that is written.
    WriteStream,
    /// A directory whose entries are told.
    Directory,
    /// Files and folders whose changes are told.
    Watcher,
    /// A stream without input or output of its own.
    Stream,
    /// A pipe to or from a child, or a standard stream.
    Pipe,
    /// A child process.
    Child,
    /// A signal that is listened for.
    Signal,
    /// A timeout, or the timer of a future that sleeps.
    Timer,
    /// An interval.
    Interval,
    /// A tick that has not run yet.
    Tick,
    /// An immediate that has not run yet.
    Immediate,
    /// A future that is not over.
    Future,
    /// Work that was given to other threads, and has not come back.
    Blocking,
    /// A closure that another thread has posted.
    Posted,
    /// A channel from other threads.
    Channel,
    /// Remotes, by which other threads may still post.
    Remote,
    /// What was put off to the next turn.
    Deferred,
    /// What is about to close, and will tell so.
    Closing,
}

impl fmt::Display for ResourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TcpServer => "TCP server",
            Self::TcpSocket => "TCP socket",
            Self::UnixServer => "Unix server",
            Self::UnixSocket => "Unix socket",
            Self::UdpSocket => "UDP socket",
            Self::UnixDatagram => "Unix datagram socket",
            Self::ReadStream => "file to read",
            Self::WriteStream => "file to write",
            Self::Directory => "directory",
            Self::Watcher => "file watcher",
            Self::Stream => "stream in memory",
            Self::Pipe => "pipe",
            Self::Child => "child process",
            Self::Signal => "signal",
            Self::Timer => "timer",
            Self::Interval => "interval",
            Self::Tick => "tick",
            Self::Immediate => "immediate",
            Self::Future => "future",
            Self::Blocking => "blocking work",
            Self::Posted => "posted closure",
            Self::Channel => "channel",
            Self::Remote => "remote",
            Self::Deferred => "deferred work",
            Self::Closing => "close",
        })
    }
}

/// What a source says of itself.
#[derive(Clone, Debug)]
pub(crate) struct Description {
    pub(crate) kind: ResourceKind,
    /// Its addresses, its path, its number.
    pub(crate) target: String,
}

/// Something with a descriptor that lives on a loop.
pub(crate) trait Source {
    /// What it is, for people. No user code may run in here.
    fn describe(&self) -> Description;

    /// Somebody wants to know how long its listeners take: has its emitter observed, if it has one.
    fn observe(&self) {}

    /// Itself, for who knows what else it may be.
    fn any(self: Rc<Self>) -> Option<Rc<dyn Any>> {
        None
    }

    /// Lends the descriptor, if it is still open. No user code may run in here.
    fn lend(&self, to: &mut dyn FnMut(Descriptor<'_>) -> io::Result<()>) -> io::Result<()>;

    /// The descriptor is ready for this. An error or a hang-up comes as both. What it reads may be put into `buffer`,
    /// which is everybody's.
    fn ready(self: Rc<Self>, readiness: Interest, buffer: &mut Buffer);

    /// The same for one that wants what [flows](Interest::FLOWS), and is ready to be read and for nothing else, as nearly all
    /// are. It runs the ticks itself.
    fn readable(self: Rc<Self>, buffer: &mut Buffer) {
        debug_assert!(false, "who never wants what flows is not told so");
        self.ready(Interest::READ, buffer);
    }

    /// The poller refused the descriptor.
    fn refused(self: Rc<Self>, error: io::Error);

    /// The loop ends: close.
    fn shut(self: Rc<Self>);

    /// The loop ends in a panic: close the descriptor and drop the listeners, without a word. A
    /// listener that holds its own emitter would keep both for ever.
    fn abandon(self: Rc<Self>) {
        self.shut();
    }
}
