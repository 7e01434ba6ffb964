//! `WriteStream`: a file that is written without waiting for it.

use super::beside::Beside;
use super::life::{self, Life};
use super::sys::{self, Kind};
use super::waiters::Waiters;
use super::writing::{self, Piece};
use super::{WriteOptions, open};
use crate::emitter::EventEmitter;
use crate::emitter::names::{Close, Drain, Finish, Open};
use crate::error::{Error, Result};
use crate::event_loop::Handle;
use crate::stream::WriteQueue;
use bytes::Bytes;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fs::File;
use std::path::Path;
use std::rc::Rc;

crate::events! {
    pub for WriteStream {
        use Open(),
        use Drain(),
        use Finish(),
        use Close(bool),
        error Error,
        /// All events of a [`WriteStream`].
        enum WriteEvent,
    }
}

/// A file to write.
///
/// A cheap handle: clones are the same stream. A stream that has something to write needs no handle to
/// stay alive; then it is destroyed with its last handle. That is no substitute for [`end`](Self::end):
/// there is no `Finish`, and no `flush`. After `Close` it drops all its listeners.
///
/// # Events
///
/// | event | payload | when |
/// |---|---|---|
/// | [`Open`] | `()` | the file is open |
/// | [`Drain`] | `()` | the write queue is empty again, after a `write` that said `false` |
/// | [`Finish`] | `()` | after [`end`](Self::end): the system has taken all bytes, or the [disk](WriteOptions::flush) has; or the file has taken the [place](WriteOptions::replace) of another one |
/// | [`Error`](crate::events::Error) | `&onward::Error` | it could not be opened or written; at most once, and `Close` follows |
/// | [`Close`] | `bool` | it is closed; `true` after an error |
///
/// # Ordering
///
/// `Open`, `Drain`s and [callbacks](Self::write_then), `Finish`, `Close`. What cannot be opened has `Error` and `Close` only. Nothing
/// comes after `Close`, and no event is emitted from inside of the call that causes it. What is written
/// is in the file in the order in which it was written.
///
/// What is written in one go, and what comes while the pool is at work, is one piece of work for it, and in most cases one
/// system call. A file that takes only a part of it is given the rest.
///
/// A stream that has nothing to write does not keep the loop alive. One that is still open when the
/// loop ends is closed.
///
/// ```
/// use onward::{events::*, fs::WriteStream};
///
/// let path = std::env::temp_dir().join("onward-doc-write");
/// let written = path.clone();
/// onward::run(move || {
///     let file = WriteStream::create(path)?;
///     file.write("hello, ");
///     file.end_with("world\n");
///     file.on(Finish, |file, ()| println!("{} bytes written", file.bytes_written()));
///     file.on(Error, |_, error| eprintln!("{error}"));
///     Ok(())
/// })?;
/// assert_eq!(std::fs::read(&written)?, b"hello, world\n");
/// # std::fs::remove_file(written)?;
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias = "createWriteStream")]
#[derive(Clone)]
pub struct WriteStream(pub(super) Rc<Inner>);

pub(super) struct Inner {
    pub(super) life: Life<WriteStream>,
    pub(super) emitter: EventEmitter<WriteStream>,
    pub(super) queue: RefCell<WriteQueue>,
    /// Where the next write goes; `None` where the file itself knows.
    pub(super) position: Cell<Option<u64>>,
    pub(super) sent: Cell<u64>,
    /// The descriptor does not block: nobody else has it.
    pub(super) ours: Cell<bool>,
    /// Bytes that the disk is known to have.
    pub(super) durable: Cell<u64>,
    pub(super) waiters: Waiters,
    /// What the pool gave back: it comes before the queue, which still counts it.
    pub(super) rest: RefCell<VecDeque<Bytes>>,
    /// The file takes no more for now, and nobody tells when it will.
    pub(super) stalled: Cell<bool>,
    /// How often somebody has corked it.
    pub(super) corks: Cell<u16>,
    pub(super) beside: RefCell<Option<Beside>>,
    pub(super) auto_close: bool,
    flush: bool,
    pub(super) kind: Cell<Kind>,
    /// What comes before `Finish` is done.
    pub(super) settled: Cell<bool>,
    pub(super) finished: Cell<bool>,
}

impl Inner {
    /// Is it to be brought to the disk before it is finished?
    pub(super) fn syncs(&self) -> bool {
        self.flush && self.kind.get() == Kind::Regular && !self.settled.get()
    }
}

impl WriteStream {
    /// Creates a file, or empties the one that is there, and writes to it.
    ///
    /// # Errors
    ///
    /// At once: not in a loop, or not a path (it has a zero byte in it). Later, as an error event: what
    /// the system says, with the path.
    ///
    /// ```
    /// use onward::{events::*, fs::WriteStream};
    ///
    /// onward::run(|| {
    ///     let file = WriteStream::create("no/such/directory")?;
    ///     file.on(Error, |_, error| assert!(error.is_not_found()));
    ///     file.on(Close, |_, had_error| assert!(had_error));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[track_caller]
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        WriteOptions::new().open(path)
    }

    /// Writes behind what is there; creates the file if there is none.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    ///
    /// ```
    /// use onward::fs::WriteStream;
    ///
    /// # let path = std::env::temp_dir().join("onward-doc-append");
    /// # let log = path.clone();
    /// # let _ = std::fs::remove_file(&path);
    /// for line in ["one\n", "two\n"] {
    ///     let log = log.clone();
    ///     onward::run(|| WriteStream::append(log).map(|log| log.end_with(line)))?;
    /// }
    /// assert_eq!(std::fs::read(&path)?, b"one\ntwo\n");
    /// # std::fs::remove_file(path)?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[track_caller]
    pub fn append(path: impl AsRef<Path>) -> Result<Self> {
        WriteOptions::new().append(true).open(path)
    }

    /// Writes to a file that is open already, from where it stands. `Open` comes all the same.
    ///
    /// Others that share the descriptor see nothing of this but what is written.
    ///
    /// # Errors
    ///
    /// Not in a loop, or the system cannot say what the file is.
    ///
    /// ```
    /// use onward::fs::WriteStream;
    /// use std::fs::File;
    ///
    /// # #[cfg(unix)]
    /// onward::run(|| {
    ///     let log = WriteStream::from_file(File::options().append(true).open("/dev/null")?)?;
    ///     log.end_with("nobody will read this\n");
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[track_caller]
    pub fn from_file(file: File) -> Result<Self> {
        WriteOptions::new().open_file(file)
    }

    #[track_caller]
    pub(super) fn begin(options: WriteOptions, path: &Path) -> Result<Self> {
        let stream = Self::new(options, Some(path))?;
        stream.0.ours.set(true);
        open::open(&stream, options.how());
        Ok(stream)
    }

    #[track_caller]
    pub(super) fn adopt(options: WriteOptions, file: File) -> Result<Self> {
        let stream = Self::new(options, None)?;
        let is = sys::look(&file).map_err(|error| Error::io("open", error))?;
        let reopened = sys::reopen(&file);
        stream.0.ours.set(reopened.is_some());
        open::adopt(&stream, reopened.unwrap_or(file), is);
        Ok(stream)
    }

    #[track_caller]
    fn new(options: WriteOptions, path: Option<&Path>) -> Result<Self> {
        let handle = Handle::for_operation("open")?;
        let stream = Self(Rc::new(Inner {
            life: Life::new(handle, path),
            emitter: EventEmitter::new(),
            queue: RefCell::new(options.queue()),
            position: Cell::new(options.start),
            sent: Cell::new(0),
            ours: Cell::new(false),
            durable: Cell::new(0),
            waiters: Waiters::default(),
            rest: RefCell::default(),
            stalled: Cell::new(false),
            corks: Cell::new(0),
            beside: RefCell::new(None),
            auto_close: options.auto_close,
            flush: options.flush,
            kind: Cell::new(Kind::Regular),
            settled: Cell::new(false),
            finished: Cell::new(false),
        }));
        life::settle_in(&stream);
        Ok(stream)
    }

    /// Queues bytes, in order; they are written as soon as the file is open.
    ///
    /// `false` asks to wait for `Drain` before more is written; what was written is on its way all the
    /// same. Never fails by itself: errors are events.
    ///
    /// # Errors
    ///
    /// As an event, with `Close`: written to after [`end`](Self::end); more queued than
    /// [`max_queued`](WriteOptions::max_queued) allows; the system does not take it. After the stream
    /// was destroyed nothing happens, and `false` comes back.
    ///
    /// ```
    /// use onward::{events::*, fs::WriteStream};
    ///
    /// # let path = std::env::temp_dir().join("onward-doc-numbers");
    /// # let numbers = path.clone();
    /// onward::run(|| {
    ///     let file = WriteStream::create(numbers)?;
    ///     let mut numbers = 0..100_000;
    ///     let mut pour = move |file: &WriteStream| {
    ///         for number in numbers.by_ref() {
    ///             if !file.write(format!("{number}\n")) {
    ///                 return; // enough is queued: go on when it is written
    ///             }
    ///         }
    ///         file.end();
    ///     };
    ///     pour(&file);
    ///     file.on(Drain, move |file, ()| pour(file));
    ///     Ok(())
    /// })?;
    /// assert_eq!(std::fs::read_to_string(&path)?.lines().count(), 100_000);
    /// # std::fs::remove_file(path)?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[allow(clippy::must_use_candidate, reason = "small files need not ask")]
    pub fn write(&self, bytes: impl AsRef<[u8]>) -> bool {
        writing::write(self, Piece::Lent(bytes.as_ref()))
    }

    /// Nothing more will be written. `Finish` comes when all is in the file, then it is closed.
    pub fn end(&self) {
        if !self.is_destroyed() {
            self.0.corks.set(0);
            self.0.queue.borrow_mut().end();
            life::update(self);
        }
    }

    /// Writes a last time, and [`end`](Self::end)s.
    pub fn end_with(&self, bytes: impl AsRef<[u8]>) {
        self.write(bytes);
        self.end();
    }

    /// Ends it at once: what waits is dropped, and only `Close` follows. A write that is under way is
    /// waited for before the file is closed.
    pub fn destroy(&self) {
        life::destroy(self, None);
    }

    /// Has it been destroyed, or is it closed?
    #[must_use]
    pub fn is_destroyed(&self) -> bool {
        self.0.life.is_destroyed()
    }

    /// Bytes that the system has taken, those in the queue not included. It is right after an error,
    /// too.
    #[must_use]
    pub fn bytes_written(&self) -> u64 {
        self.0.sent.get()
    }

    /// Bytes that wait to be written.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.0.queue.borrow().len()
    }

    /// Did a `write` say `false`, and its `Drain` not come yet?
    #[must_use]
    pub fn needs_drain(&self) -> bool {
        self.0.queue.borrow().needs_drain()
    }

    /// The path it was opened by.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.0.life.path()
    }

    /// The loop need not wait until this FIFO, terminal or device takes what waits. Files that do not
    /// make one wait are written all the same.
    pub fn unref(&self) {
        self.0.life.count(false);
    }

    /// The loop waits for this stream while it has something to write, as it does unless told otherwise.
    pub fn ref_(&self) {
        self.0.life.count(true);
    }

    pub(super) fn tell_drain(&self) {
        self.0.emitter.emit(self, Drain, ());
    }

    pub(super) fn tell_finish(&self) {
        self.0.emitter.emit(self, Finish, ());
    }
}
