//! `ReadStream`: a file that is told chunk by chunk.

use super::ahead::Ahead;
use super::follow::Follow;
use super::life::{self, Life};
use super::shelf::Shelf;
use super::splice::Sink;
use super::sys::{How, Kind};
use super::{ReadOptions, open};
use crate::emitter::EventEmitter;
use crate::emitter::names::{Close, Data, End, Open, Rotated, Truncated};
use crate::error::{Error, Result};
use crate::event_loop::Handle;
use crate::stream::Flow;
use bytes::Bytes;
use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::Seek as _;
use std::path::Path;
use std::rc::Rc;

crate::events! {
    pub for ReadStream {
        use Open(),
        use Data(&[u8]),
        use End(),
        use Truncated(u64),
        use Rotated(),
        use Close(bool),
        error Error,
        /// All events of a [`ReadStream`].
        enum ReadEvent,
    }
}

/// A file to read, chunk by chunk.
///
/// A cheap handle: clones are the same stream. A stream that is read needs no handle to stay alive; one
/// that nobody reads is destroyed with its last handle. After `Close` it drops all its listeners.
///
/// # Events
///
/// | event | payload | when |
/// |---|---|---|
/// | [`Open`] | `()` | the file is open |
/// | [`Data`] | `&[u8]` | a chunk has been read; borrowed, for the time of the call |
/// | [`Truncated`] | `u64` | the file has become shorter than it was, or than what was told of it: its length now |
/// | [`Rotated`] | `()` | another file has the name of a file that is [followed](ReadOptions::follow), and is read now |
/// | [`End`] | `()` | all of it has been told |
/// | [`Error`](crate::events::Error) | `&onward::Error` | it could not be opened or read; at most once, and `Close` follows |
/// | [`Close`] | `bool` | it is closed; `true` after an error |
///
/// # Ordering
///
/// `Open`, `Data`s, `End`, `Close`. An empty file has no `Data`. What cannot be opened has `Error` and
/// `Close` only; a directory can be opened, and fails when it is read. Nothing comes after `Close`, and
/// no event is emitted from inside of the call that causes it. `Truncated` comes before `End`, of a file that is
/// shorter by then than when it was opened and than what was to be read of it. What was read before an error is told
/// before it.
///
/// Nothing is read before somebody wants it: the first `Data` listener, [`resume`](Self::resume) or a
/// pipe starts the flow. A stream that nobody reads does not keep the loop alive.
///
/// # Files of every kind
///
/// Reading never blocks the loop. On Linux, what the system has in its caches is read at once, and
/// a thread reads the rest; elsewhere a thread reads all of it. FIFOs, terminals and other devices
/// are read when they have something; opening a FIFO that nobody writes to yet is fine, `Data` comes
/// when somebody does.
///
/// ```
/// use onward::{events::*, fs::ReadStream};
///
/// onward::run(|| {
///     let file = ReadStream::open("Cargo.toml")?;
///     let mut lines = 0;
///     file.on(Data, move |file, chunk| {
///         lines += chunk.iter().filter(|byte| **byte == b'\n').count();
///         println!("{lines} lines in {} bytes", file.bytes_read());
///     });
///     file.on(End, |file, ()| println!("that was {file:?}"));
///     file.on(Error, |_, error| eprintln!("{error}"));
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias = "createReadStream")]
#[derive(Clone)]
pub struct ReadStream(pub(super) Rc<Inner>);

pub(super) struct Inner {
    pub(super) life: Life<ReadStream>,
    pub(super) emitter: EventEmitter<ReadStream>,
    pub(super) flow: Flow,
    pub(super) options: ReadOptions,
    /// Where the next read begins; `None` where the file itself knows.
    pub(super) position: Cell<Option<u64>>,
    /// Bytes until the end of the range.
    pub(super) left: Cell<u64>,
    pub(super) told: Cell<u64>,
    pub(super) ahead: RefCell<Ahead>,
    /// The pool has seen the end behind that.
    pub(super) at_end: Cell<bool>,
    pub(super) own: Cell<Vec<u8>>,
    /// How many want to keep what they are told.
    pub(super) keepers: Cell<u32>,
    /// What is being told, for them.
    pub(super) lent: RefCell<Option<Bytes>>,
    pub(super) shelf: Shelf,
    /// How long the file was when it was opened, if it has a length.
    pub(super) length: Cell<Option<u64>>,
    pub(super) follow: Option<Box<Follow>>,
    /// Where all of it goes.
    pub(super) sink: RefCell<Option<Sink>>,
}

impl ReadStream {
    /// Opens a file to read all of it. [`ReadOptions`] reads parts.
    ///
    /// # Errors
    ///
    /// At once: not in a loop, or not a path (it has a zero byte in it). Later, as an error event: what
    /// the system says, with the path.
    ///
    /// ```
    /// use onward::{events::*, fs::ReadStream};
    ///
    /// onward::run(|| {
    ///     let file = ReadStream::open("missing.txt")?;
    ///     file.on(Error, |_, error| {
    ///         assert!(error.is_not_found());
    ///         assert!(error.to_string().starts_with("open missing.txt: "));
    ///     });
    ///     file.on(Close, |_, had_error| assert!(had_error));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[track_caller]
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        ReadOptions::new().open(path)
    }

    /// Reads a file that is open already, from where it stands. `Open` comes all the same.
    ///
    /// Others that share the descriptor see nothing of this but that the file's position moves.
    ///
    /// # Errors
    ///
    /// Not in a loop, or the system cannot say what the file is.
    ///
    /// ```
    /// use onward::{events::*, fs::ReadStream};
    ///
    /// onward::run(|| {
    ///     let file = ReadStream::from_file(std::fs::File::open("Cargo.toml")?)?;
    ///     file.on(Data, |_, chunk| println!("{} bytes", chunk.len()));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[track_caller]
    pub fn from_file(file: File) -> Result<Self> {
        ReadOptions::new().open_file(file)
    }

    #[track_caller]
    pub(super) fn begin(options: ReadOptions, path: &Path) -> Result<Self> {
        let follow = options.followed(Some(path))?;
        let stream = Self::new(options, Some(path), follow)?;
        open::open(&stream, How::READ);
        Ok(stream)
    }

    #[track_caller]
    pub(super) fn adopt(options: ReadOptions, file: File) -> Result<Self> {
        let stream = Self::new(options, None, options.followed(None)?)?;
        let is = super::sys::look(&file).map_err(|error| Error::io("open", error))?;
        if stream.0.follow.is_some()
            && stream.0.position.get().is_none()
            && is.kind == Kind::Regular
        {
            let here = (&file).stream_position().map_err(|error| Error::io("open", error))?;
            stream.0.position.set(Some(here));
        }
        open::adopt(&stream, file, is);
        Ok(stream)
    }

    #[track_caller]
    fn new(options: ReadOptions, path: Option<&Path>, follow: Option<Follow>) -> Result<Self> {
        let handle = Handle::for_operation("open")?;
        let stream = Self(Rc::new(Inner {
            life: Life::new(handle, path),
            emitter: EventEmitter::new(),
            flow: Flow::default(),
            options,
            position: Cell::new(options.start),
            left: Cell::new(options.length()),
            told: Cell::new(0),
            ahead: RefCell::default(),
            at_end: Cell::new(false),
            own: Cell::default(),
            keepers: Cell::new(0),
            lent: RefCell::new(None),
            shelf: Shelf::default(),
            length: Cell::new(None),
            follow: follow.map(Box::new),
            sink: RefCell::new(None),
        }));
        life::settle_in(&stream);
        Ok(stream)
    }

    /// No more `Data`, from this moment on.
    ///
    /// ```
    /// use onward::{events::*, fs::ReadStream};
    /// use std::time::Duration;
    ///
    /// onward::run(|| {
    ///     let file = ReadStream::open("Cargo.toml")?;
    ///     file.on(Data, |file, _| {
    ///         file.pause(); // a chunk per millisecond is enough
    ///         let file = file.clone();
    ///         onward::set_timeout(Duration::from_millis(1), move || file.resume());
    ///     });
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    pub fn pause(&self) {
        self.flow_changed(Flow::pause);
    }

    /// `Data` may come.
    pub fn resume(&self) {
        self.flow_changed(Flow::resume);
    }

    /// Was it paused?
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.0.flow.is_paused()
    }

    /// Ends it at once: only `Close` follows. A read that is under way is waited for before the file is
    /// closed, and not told.
    ///
    /// ```
    /// use onward::{events::*, fs::ReadStream};
    ///
    /// onward::run(|| {
    ///     let file = ReadStream::open("Cargo.toml")?;
    ///     file.on(Data, |file, _| file.destroy()); // the first chunk is enough
    ///     file.on(End, |_, ()| unreachable!());
    ///     file.on(Close, |_, had_error| assert!(!had_error));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    pub fn destroy(&self) {
        life::destroy(self, None);
    }

    /// Has it been destroyed, or is it closed?
    #[must_use]
    pub fn is_destroyed(&self) -> bool {
        self.0.life.is_destroyed()
    }

    /// Bytes that were told so far, those of the running `Data` event included.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.0.told.get()
    }

    /// Gives the file back, open, and ends this stream: only `Close` follows. Its position is behind what was told,
    /// unless it was opened by a path or with a [`start`](ReadOptions::start): those reads leave it alone.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput), and the stream goes on if somebody has another handle of it: it
    /// is not open, or not any more; it is being read.
    ///
    /// ```
    /// use onward::{events::*, fs::ReadOptions};
    /// use std::{fs::File, io::Read};
    ///
    /// onward::run(|| {
    ///     let head = ReadOptions::new().end(8).auto_close(false);
    ///     let head = head.open_file(File::open("Cargo.toml")?)?;
    ///     head.on(Data, |_, chunk| assert_eq!(chunk, b"[package]"));
    ///     head.on(End, |head, ()| {
    ///         let (mut rest, mut text) = (head.clone().into_std().unwrap(), String::new());
    ///         rest.read_to_string(&mut text).unwrap();
    ///         assert!(text.starts_with("\nname"));
    ///     });
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    pub fn into_std(self) -> Result<File> {
        let unread = if self.0.position.get().is_none() { self.0.ahead.borrow().len() } else { 0 };
        let mut file = life::hand_back(&self, false)?;
        if let Some(back) = i64::try_from(unread).ok().filter(|back| *back > 0) {
            file.seek_relative(-back).map_err(|error| Error::io("hand back", error))?;
        }
        Ok(file)
    }

    /// The path it was opened by.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.0.life.path()
    }

    /// The loop need not wait for what this FIFO, terminal or device may still have to say. Files
    /// that do not make one wait are read to their end all the same.
    ///
    /// ```no_run
    /// use onward::{events::*, fs::ReadStream};
    ///
    /// onward::run(|| {
    ///     let keys = ReadStream::open("/dev/tty")?;
    ///     keys.on(Data, |_, keys| println!("{} keys", keys.len()));
    ///     keys.unref(); // the program need not wait for more of them
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    pub fn unref(&self) {
        self.0.life.count(false);
    }

    /// The loop waits for this stream while it is read, as it does unless told otherwise.
    pub fn ref_(&self) {
        self.0.life.count(true);
    }

    pub(super) fn flow_changed(&self, change: impl FnOnce(&Flow) -> bool) {
        if change(&self.0.flow) {
            life::update(self);
        }
    }

    pub(super) fn tell_data(&self, chunk: &[u8]) {
        self.0.emitter.emit(self, Data, chunk);
    }

    pub(super) fn tell_end(&self) {
        self.0.emitter.emit(self, End, ());
    }

    pub(super) fn tell_truncated(&self, length: u64) {
        self.0.emitter.emit(self, Truncated, length);
    }

    pub(super) fn tell_rotated(&self) {
        self.0.emitter.emit(self, Rotated, ());
    }

    /// What it knows of its file, if it follows that.
    pub(super) fn follow(&self) -> Option<&Follow> {
        self.0.follow.as_deref()
    }
}

impl Inner {
    /// Does it wait for more at the end?
    pub(super) fn follows(&self) -> bool {
        // What has no length ends when its other side does.
        self.length.get().is_some() && self.follow.as_ref().is_some_and(|follow| !follow.is_over())
    }
}
