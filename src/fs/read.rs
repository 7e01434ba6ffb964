//! `ReadStream`: a file that is told chunk by chunk.

use super::life::{self, FileStream, Life, Way};
use super::reading::{self, Ahead};
use super::sys::{How, Kind};
use super::{ReadOptions, open};
use crate::abort::{Abortable, when_closed};
use crate::emitter::Downgrade;
use crate::emitter::names::{Close, Data, End, Open};
use crate::emitter::{Emitter, Event, EventEmitter, Listeners, Pausable, Recall};
use crate::error::{Error, Result};
use crate::event_loop::{Handle, Interest, ResourceKind};
use crate::stream::{Flow, ReadControl, holds};
use std::any::TypeId;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::fs::File;
use std::path::Path;
use std::rc::Rc;

crate::events! {
    pub for ReadStream {
        use Open(),
        use Data(&[u8]),
        use End(),
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
/// | [`End`] | `()` | all of it has been told |
/// | [`Error`](crate::events::Error) | `&onward::Error` | it could not be opened or read; at most once, and `Close` follows |
/// | [`Close`] | `bool` | it is closed; `true` after an error |
///
/// # Ordering
///
/// `Open`, `Data`s, `End`, `Close`. An empty file has no `Data`. What cannot be opened has `Error` and
/// `Close` only; a directory can be opened, and fails when it is read. Nothing comes after `Close`, and
/// no event is emitted from inside of the call that causes it.
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
    emitter: EventEmitter<ReadStream>,
    pub(super) flow: Flow,
    pub(super) options: ReadOptions,
    /// Where the next read begins; `None` where the file itself knows.
    pub(super) position: Cell<Option<u64>>,
    /// Bytes until the end of the range.
    pub(super) left: Cell<u64>,
    told: Cell<u64>,
    pub(super) ahead: RefCell<Ahead>,
    pub(super) own: Cell<Vec<u8>>,
}

impl Inner {
    /// So many bytes are about to be told.
    pub(super) fn passed(&self, count: usize) {
        let count = count as u64;
        self.told.set(self.told.get() + count);
        self.left.set(self.left.get() - count);
        self.position.set(self.position.get().map(|position| position + count));
    }
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
        let stream = Self::new(options, Some(path))?;
        open::open(&stream, How::READ);
        Ok(stream)
    }

    #[track_caller]
    pub(super) fn adopt(options: ReadOptions, file: File) -> Result<Self> {
        let stream = Self::new(options, None)?;
        let kind = super::sys::kind(&file).map_err(|error| Error::io("open", error))?;
        open::adopt(&stream, file, kind);
        Ok(stream)
    }

    #[track_caller]
    fn new(options: ReadOptions, path: Option<&Path>) -> Result<Self> {
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
            own: Cell::default(),
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

    fn flow_changed(&self, change: impl FnOnce(&Flow) -> bool) {
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
}

impl Downgrade for ReadStream {
    fn downgrade(&self) -> impl Fn() -> Option<Self> + 'static {
        let inner = Rc::downgrade(&self.0);
        move || inner.upgrade().map(Self)
    }
}

impl Emitter for ReadStream {
    fn listeners(&self) -> &Listeners<Self> {
        &self.0.emitter
    }

    fn recall(&self) -> Option<Recall<Self>> {
        Some(Recall::new(self.downgrade()))
    }

    fn listener_added<E: Event<Self>>(&self, _: E) {
        if TypeId::of::<E>() == TypeId::of::<Data>() {
            self.flow_changed(Flow::listen);
        }
    }
}

impl FileStream for ReadStream {
    type Inner = Inner;

    const KIND: ResourceKind = ResourceKind::ReadStream;

    fn observe(&self) {
        self.0.emitter.observe();
    }

    fn inner(&self) -> &Rc<Inner> {
        &self.0
    }

    fn from_inner(inner: Rc<Inner>) -> Self {
        Self(inner)
    }

    fn life(&self) -> &Life<Self> {
        &self.0.life
    }

    fn way(&self, kind: Kind) -> Way {
        let position = self.0.position.get();
        match kind {
            Kind::Regular => {
                // A file that we opened is nobody else's, so reads need not move its position.
                let ours = self.path().is_some() && self.0.life.way.get() == Way::Opening;
                self.0.position.set(position.or_else(|| ours.then_some(0)));
                Way::Cached
            }
            // Cannot be read from there; the system shall say so.
            Kind::Stream if position.is_some() => Way::Pool,
            Kind::Stream => Way::Polled,
        }
    }

    fn interest(&self) -> Interest {
        Interest::when(Interest::READ, self.0.flow.is_flowing())
    }

    fn is_due(&self) -> bool {
        // To close, once `End` was told.
        self.0.flow.has_ended()
    }

    fn advance(&self, ready: bool) {
        reading::advance(self, ready);
    }

    fn abandon(&self) {
        self.0.flow.end();
        self.0.ahead.take();
    }

    fn tell_open(&self) {
        self.0.emitter.emit(self, Open, ());
    }

    fn tell_error(&self, error: Error) {
        if let Err(unhandled) = self.0.emitter.emit_error(self, error) {
            self.0.life.handle.fail(Error::unhandled(self, unhandled.into_inner()));
        }
    }

    fn tell_close(&self, had_error: bool) {
        self.0.emitter.emit(self, Close, had_error);
        self.0.emitter.clear();
    }
}

/// A stream of `Data` that blocks does not read on while it is full; the file stream's own
/// [`pause`](ReadStream::pause) stays what it is.
impl Pausable for ReadStream {
    fn pauser(&self) -> impl Fn(bool) + 'static {
        holds(self)
    }
}

impl ReadControl for ReadStream {
    fn pause(&self) {
        self.pause();
    }
    fn resume(&self) {
        self.resume();
    }
    fn hold(&self) {
        self.0.flow.hold();
        life::update(self);
    }
    fn release(&self) {
        self.0.flow.release();
        life::update(self);
    }
    fn has_ended(&self) -> bool {
        self.0.flow.has_ended()
    }
    fn destroy(&self) {
        self.destroy();
    }
    fn is_destroyed(&self) -> bool {
        self.is_destroyed()
    }
}

impl Drop for ReadStream {
    fn drop(&mut self) {
        life::handle_dropped(self);
    }
}

impl fmt::Debug for ReadStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paused = if self.is_paused() { ", paused" } else { "" };
        write!(f, "ReadStream({}{}{paused})", self.0.life.target(), self.0.life.state())
    }
}

impl fmt::Display for ReadStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReadStream {}", self.0.life.target())
    }
}

impl Abortable for ReadStream {
    fn destroy_with(&self, error: Error) {
        life::destroy(self, Some(error));
    }
    fn when_closed(&self, then: impl FnOnce() + 'static) {
        when_closed(self, then);
    }
}
