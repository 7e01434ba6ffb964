//! The one error type of the loop and its adapters.

use crate::emitter::Unhandled;
#[cfg(feature = "event-loop")]
pub(crate) use crate::emitter::failing::Failure;
use std::fmt;
use std::io;
use std::sync::Arc;

/// `Result` with [`Error`] filled in.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Cause = Arc<dyn std::error::Error + Send + Sync>;

/// What went wrong: the operation, what it was done to, and why.
///
/// One word wide. [`kind`](Self::kind) sorts it, the `is_*` questions answer the common ones, and
/// [`Display`](fmt::Display) names operation, path or address, and cause on one line:
///
/// ```
/// # onward::EventLoop::new()?.enter(|| {
/// let error = onward::net::Server::listen("nonsense").unwrap_err();
/// assert_eq!(error.to_string(), "listen nonsense: not an address, want HOST:PORT");
/// assert_eq!(error.kind(), onward::ErrorKind::InvalidInput);
/// # });
/// # Ok::<(), onward::Error>(())
/// ```
///
/// Cloning is cheap: a listener, which is lent the error, can keep it.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

struct Inner {
    kind: ErrorKind,
    operation: &'static str,
    target: Option<String>,
    cause: Option<Cause>,
}

/// The sorts of [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The operating system said no; see [`Error::io_kind`].
    Io,
    /// An argument makes no sense: an address that does not parse, a range that runs backwards.
    InvalidInput,
    /// A constructor was called on a thread that runs no event loop.
    NotInLoop,
    /// The loop was asked to run while it runs.
    AlreadyRunning,
    /// The loop that the object lived on has ended.
    LoopGone,
    /// The loop is that of the process which this one was forked off from; see
    /// [`event_loop`](crate::event_loop#forks).
    Forked,
    /// A handle that may be sent between threads was used where its loop does not run: on another thread, or
    /// outside of [`run`](crate::run).
    WrongThread,
    /// Its bytes go to somebody else already: `Data` listeners and readers exclude each other.
    InUse,
    /// Written to after `end`.
    WriteAfterEnd,
    /// It was destroyed before it was done.
    Destroyed,
    /// More was to be queued than the cap allows: a peer does not read, or the network takes less than is sent.
    QueueFull,
    /// No descriptors are left. A loop is not made then; a server pauses, and tries again by itself.
    OutOfDescriptors,
    /// The system has no more watches to give; see [`Watcher`](crate::fs::Watcher).
    OutOfWatches,
    /// An error event that nobody listened for; it names the emitter and holds the error.
    Unhandled,
    /// A line, or a message, is longer than it may be.
    TooLong,
    /// What came is not what it has to be: a length that is none, text that is no UTF-8.
    Malformed,
    /// The far or the near end was destroyed before all was said.
    PrematureClose,
    /// Work on another thread panicked.
    Panicked,
    /// More blocking work waits for a thread than [may](crate::pool::PoolOptions::max_queued).
    PoolFull,
    /// It was cancelled before it came to its end.
    Cancelled,
    /// A [signal](crate::abort) said to give up.
    Aborted,
    /// It took longer than it was given.
    TimedOut,
    /// Nothing is left that could still complete what is waited for.
    Unsettled,
    /// A simulated loop waits for what never comes; see [`testing`](crate::testing).
    #[cfg(any(test, feature = "testing"))]
    Deadlock,
    /// A connection could not be encrypted, or what came could not be decrypted. Its
    /// [`source`](std::error::Error::source) is a `rustls::Error`, where the peer or a certificate is at fault.
    #[cfg(feature = "tls")]
    Tls,
    /// Anything that the program itself reported.
    Other,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, operation: &'static str) -> Self {
        Self(Arc::new(Inner { kind, operation, target: None, cause: None }))
    }

    /// An error of the system, met in `operation`.
    pub(crate) fn io(operation: &'static str, cause: io::Error) -> Self {
        #[cfg(feature = "tls")]
        if let Some(error) = Self::of_layer(operation, &cause) {
            return error;
        }
        Self::new(ErrorKind::Io, operation).because(cause)
    }

    /// An error of what stands between a stream and the system, which came in the system's guise.
    #[cfg(feature = "tls")]
    fn of_layer(operation: &'static str, cause: &io::Error) -> Option<Self> {
        let inner = cause.get_ref()?.downcast_ref::<Self>()?;
        let Inner { kind, ref cause, .. } = *inner.0;
        let ours = matches!(kind, ErrorKind::Tls | ErrorKind::PrematureClose);
        let error = Inner { kind, operation, target: None, cause: cause.clone() };
        ours.then(|| Self(Arc::new(error)))
    }

    /// An error of the system that may be about descriptors, of which there are none left.
    #[cfg(feature = "event-loop")]
    pub(crate) fn io_or_descriptors(operation: &'static str, cause: io::Error) -> Self {
        let out = is_out_of_descriptors(&cause);
        let kind = if out { ErrorKind::OutOfDescriptors } else { ErrorKind::Io };
        Self::new(kind, operation).because(cause)
    }

    /// With the path or the address that it was about.
    pub(crate) fn on(self, target: impl fmt::Display) -> Self {
        let Inner { kind, operation, ref cause, .. } = *self.0;
        Self(Arc::new(Inner {
            kind,
            operation,
            target: Some(target.to_string()),
            cause: cause.clone(),
        }))
    }

    /// Of another operation, which this one worked for.
    #[cfg(feature = "fs")]
    pub(crate) fn named(self, operation: &'static str) -> Self {
        let Inner { kind, ref target, ref cause, .. } = *self.0;
        Self(Arc::new(Inner { kind, operation, target: target.clone(), cause: cause.clone() }))
    }

    /// With its cause.
    pub(crate) fn because(
        self,
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        let Inner { kind, operation, ref target, .. } = *self.0;
        let cause: Cause = cause.into().into();
        Self(Arc::new(Inner { kind, operation, target: target.clone(), cause: Some(cause) }))
    }

    /// An error of the program's own, to return from a setup or to hand to
    /// [`fail`](crate::fail).
    ///
    /// ```
    /// let error = onward::Error::other("the cat left");
    /// assert_eq!(error.to_string(), "the cat left");
    /// ```
    pub fn other(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(ErrorKind::Other, "").because(cause)
    }

    /// What was tried in several ways, each of which failed.
    #[cfg(feature = "net")]
    pub(crate) fn several(operation: &'static str, causes: Vec<Self>) -> Self {
        Self::new(ErrorKind::Io, operation).because(Several(causes))
    }

    /// An error event of `emitter` that nobody listened for.
    pub(crate) fn unhandled(emitter: impl fmt::Display, error: Self) -> Self {
        Self::new(ErrorKind::Unhandled, "unhandled error of").on(emitter).because(error)
    }

    /// Has `taker` asked about errors of the emitter's listeners that nobody took, each with the name of the emitter. It
    /// may give them back.
    #[cfg(feature = "event-loop")]
    pub(crate) fn take_failures(taker: fn(&'static str, Failure) -> Option<Failure>) {
        crate::emitter::failing::take_failures(taker);
    }

    /// The sort of error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What was being done: `"listen"`, `"read"`, `"open"`, ...
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.0.operation
    }

    /// The path or the address it was done to, as text, where there is one.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        self.0.target.as_deref()
    }

    /// The errors of all that was tried, where several things were: each address of a name, say. Else there are none.
    ///
    /// ```
    /// use onward::{events::*, net::Connector};
    ///
    /// onward::run(|| {
    ///     // Nobody listens at any of these.
    ///     let connector = Connector::new().lookup(|_, port| async move {
    ///         Ok(vec![([127, 0, 0, 1], port).into(), ([127, 0, 0, 2], port).into()])
    ///     });
    ///     connector.connect("nowhere.example:1")?.on(Error, |_, error| {
    ///         for cause in error.causes() {
    ///             println!("{cause}"); // "connect 127.0.0.1:1: Connection refused (os error 111)", ..
    ///         }
    ///         assert_eq!(error.causes().len(), 2);
    ///     });
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[doc(alias = "AggregateError")]
    #[must_use]
    pub fn causes(&self) -> &[Self] {
        let several = self.0.cause.as_deref().and_then(|cause| cause.downcast_ref::<Several>());
        several.map_or(&[], |several| &several.0)
    }

    /// The system's own kind, where the cause (or the cause's cause) is an [`io::Error`].
    ///
    /// ```
    /// # onward::EventLoop::new()?.enter(|| {
    /// use onward::net::Server;
    /// let first = Server::listen("127.0.0.1:0")?;
    /// let taken = Server::listen(first.local_addr()).unwrap_err();
    /// assert_eq!(taken.io_kind(), Some(std::io::ErrorKind::AddrInUse));
    /// # Ok::<(), onward::Error>(()) })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[must_use]
    pub fn io_kind(&self) -> Option<io::ErrorKind> {
        self.find_io().map(io::Error::kind)
    }

    /// The system's error number, where it gave one.
    #[must_use]
    pub fn raw_os_error(&self) -> Option<i32> {
        self.find_io().and_then(io::Error::raw_os_error)
    }

    /// Is it a file or an address that is not there?
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.io_kind() == Some(io::ErrorKind::NotFound)
    }

    /// Was it forbidden?
    #[must_use]
    pub fn is_permission_denied(&self) -> bool {
        self.io_kind() == Some(io::ErrorKind::PermissionDenied)
    }

    /// Is the address taken by somebody else?
    #[must_use]
    pub fn is_addr_in_use(&self) -> bool {
        self.io_kind() == Some(io::ErrorKind::AddrInUse)
    }

    /// Did the peer go away: reset, aborted, or no longer reading?
    #[must_use]
    pub fn is_disconnect(&self) -> bool {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
        matches!(self.io_kind(), Some(ConnectionReset | ConnectionAborted | BrokenPipe))
    }

    fn find_io(&self) -> Option<&io::Error> {
        let cause = self.0.cause.as_deref()?;
        cause
            .downcast_ref::<io::Error>()
            .or_else(|| cause.downcast_ref::<Self>().and_then(Self::find_io))
            // As one asks what kind of error it is, the first stands for all.
            .or_else(|| cause.downcast_ref::<Several>()?.0.first()?.find_io())
    }

    fn reason(&self) -> Option<&'static str> {
        Some(match self.0.kind {
            ErrorKind::NotInLoop => "no event loop runs on this thread, see onward::run",
            ErrorKind::AlreadyRunning => "the event loop of this thread is running already",
            ErrorKind::LoopGone => "its event loop has ended",
            ErrorKind::Forked => "its event loop is that of the parent process",
            ErrorKind::WrongThread => "used where its event loop does not run",
            ErrorKind::InUse => {
                "its bytes go to somebody else: Data listeners and readers exclude each other"
            }
            ErrorKind::WriteAfterEnd => "written to after end",
            ErrorKind::Destroyed => "destroyed before it was done",
            ErrorKind::QueueFull => "what is sent is not taken: the queue is at its cap",
            ErrorKind::TooLong => "longer than it may be",
            ErrorKind::Malformed if self.0.cause.is_none() => "it makes no sense",
            ErrorKind::PoolFull => "the queue of the blocking pool is at its cap",
            ErrorKind::PrematureClose => "closed before its end",
            ErrorKind::Cancelled => "cancelled before its end",
            ErrorKind::TimedOut => "it took too long",
            ErrorKind::Unsettled => "nothing is left that could complete it",
            _ => return None,
        })
    }
}

/// The cause of an error that has several.
#[derive(Debug)]
struct Several(Vec<Error>);

impl fmt::Display for Several {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "all of {} failed", self.0.len())?;
        for (at, error) in self.0.iter().enumerate() {
            write!(f, "{} {error}", if at == 0 { ":" } else { ";" })?;
        }
        Ok(())
    }
}

impl std::error::Error for Several {}

/// Has this process, or the system, no descriptors left?
#[cfg(feature = "event-loop")]
pub(crate) fn is_out_of_descriptors(error: &io::Error) -> bool {
    #[cfg(unix)]
    let (process, system) = (rustix::io::Errno::MFILE, rustix::io::Errno::NFILE);
    #[cfg(unix)]
    let codes = [process.raw_os_error(), system.raw_os_error()];
    #[cfg(windows)]
    let codes = [/* WSAEMFILE */ 10024];
    error.raw_os_error().is_some_and(|code| codes.contains(&code))
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { operation, target, cause, .. } = &*self.0;
        f.write_str(operation)?;
        if let Some(target) = target {
            write!(f, "{}{target}", if operation.is_empty() { "" } else { " " })?;
        }
        let told = !operation.is_empty() || target.is_some();
        let separator = if told { ": " } else { "" };
        match (self.reason(), cause) {
            (Some(reason), _) => write!(f, "{separator}{reason}"),
            (None, Some(cause)) => write!(f, "{separator}{cause}"),
            (None, None) => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `fn main() -> onward::Result<()>` prints this: it had better be read by people.
        write!(f, "{self} ({:?})", self.0.kind)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as _)
    }
}

impl From<io::Error> for Error {
    fn from(cause: io::Error) -> Self {
        Self::new(ErrorKind::Io, "").because(cause)
    }
}

/// So that `?` hands an error that nobody listened for to [`run`](crate::run), as adapters do.
///
/// ```
/// onward::events! { Cat { error std::fmt::Error } }
///
/// let ended = onward::run(|| {
///     Cat::new().emit_error(std::fmt::Error)?;
///     Ok(())
/// });
/// let error = ended.unwrap_err();
/// assert_eq!(error.kind(), onward::ErrorKind::Unhandled);
/// assert!(error.to_string().starts_with("unhandled error of Cat: "));
/// ```
impl<X: std::error::Error + Send + Sync + 'static> From<Unhandled<X>> for Error {
    fn from(unhandled: Unhandled<X>) -> Self {
        let error = Self::new(ErrorKind::Unhandled, "unhandled error of").on(unhandled.emitter());
        error.because(unhandled.into_inner())
    }
}

/// For what speaks of [`io::Error`] only, such as the readers and writers of [`io`](crate::io): the error itself is its
/// [`get_ref`](io::Error::get_ref).
///
/// ```
/// let error = std::io::Error::from(onward::Error::other("the cat left"));
/// let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<onward::Error>());
/// assert_eq!(inner.map(onward::Error::kind), Some(onward::ErrorKind::Other));
/// ```
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = error.io_kind().unwrap_or_else(|| match error.kind() {
            ErrorKind::InvalidInput => io::ErrorKind::InvalidInput,
            ErrorKind::TimedOut => io::ErrorKind::TimedOut,
            ErrorKind::WriteAfterEnd => io::ErrorKind::BrokenPipe,
            ErrorKind::LoopGone | ErrorKind::Destroyed => io::ErrorKind::NotConnected,
            _ => io::ErrorKind::Other,
        });
        Self::new(kind, error)
    }
}
