//! `PipeWriter`: what a child is told, or what this process says.

use super::Bytes;
use super::name::Name;
use crate::abort::{Abortable, when_closed};
use crate::emitter::names::{Close, Drain, Finish};
use crate::emitter::{Downgrade as _, Emitter, EventEmitter, Listeners, Recall, handle};
use crate::error::{Error, Result};
use crate::event_loop::{
    Buffer, Description, Descriptor, Handle, Interest, Origin, ResourceKind, Source,
};
use crate::io::{self as engine, Duplex, Endpoint};
use crate::stream::write_control;
use bytes::Bytes as Chunk;
use std::cell::Cell;
use std::fmt;
use std::io;
use std::rc::Rc;

crate::events! {
    pub for PipeWriter {
        use Drain(),
        use Finish(),
        use Close(bool),
        error Error,
        /// All events of a [`PipeWriter`].
        enum PipeWriteEvent,
    }
}

/// A pipe to write, or what else it is that a process writes to: what a child reads, from
/// [`Child::stdin`](crate::process::Child::stdin), and what this process says, from
/// [`stdout`](crate::process::stdout) and [`stderr`](crate::process::stderr).
///
/// A cheap handle: clones are the same stream. It is its being *open* that keeps a stream and its listeners alive, not
/// its handles; after `Close` it drops all listeners.
///
/// # Events
///
/// | event | payload | when |
/// |---|---|---|
/// | [`Drain`] | `()` | the write queue is empty again, after a `write` that said `false` |
/// | [`Finish`] | `()` | after [`end`](Self::end): the system has taken all bytes |
/// | [`Error`](crate::events::Error) | `&onward::Error` | it could not be written; at most once, and `Close` follows |
/// | [`Close`] | `bool` | it is over; `true` after an error |
///
/// # Ordering
///
/// `Drain`s, `Finish`, `Close`. `Error` comes directly before `Close`, nothing comes after `Close`, and no event is
/// emitted from inside of the call that causes it.
///
/// # When nobody reads
///
/// What is written while the other end takes nothing waits in a queue. When the other end has been closed, a write is an
/// [`Error`](crate::events::Error) event of this stream, and of nothing else, of which
/// [`is_disconnect`](crate::Error::is_disconnect) is true. (The system has a signal for it too, which Rust's programs
/// ignore. A program that is not Rust's own `main` has to, or it is ended by it.)
///
/// ```
/// # #[cfg(unix)] {
/// use onward::{events::*, process};
///
/// onward::run(|| {
///     let sorter = process::spawn("sort", [""; 0])?;
///     sorter.stdin()?.end_with("pear\napple\n");
///     sorter.stdout()?.on(Data, |_, chunk| assert_eq!(chunk, b"apple\npear\n"));
///     Ok(())
/// })?;
/// # } Ok::<(), onward::Error>(())
/// ```
#[derive(Clone)]
pub struct PipeWriter(Rc<Inner>);

#[repr(C)]
struct Inner {
    emitter: EventEmitter<PipeWriter>,
    duplex: Duplex<Bytes>,
    name: Name,
    /// The loop shall wait for it.
    counted: Cell<bool>,
    /// Whether it still has to wait is asked when the turn ends.
    recounts: Cell<bool>,
}

impl PipeWriter {
    fn make(handle: Handle, origin: Origin, name: Name) -> Self {
        let duplex = Duplex::new(handle, origin);
        duplex.only_writes();
        let (emitter, counted, recounts) = (EventEmitter::new(), Cell::new(true), Cell::new(false));
        Self(Rc::new(Inner { emitter, duplex, name, counted, recounts }))
    }

    /// A child's stream; without bytes, of a child that could not be made, it is about to close.
    pub(in crate::process) fn of_child(
        handle: Handle,
        origin: Origin,
        name: Name,
        bytes: Option<io::Result<Bytes>>,
    ) -> Self {
        let stream = Self::make(handle, origin, name);
        match bytes {
            Some(Ok(bytes)) => engine::attach(&stream, bytes, true),
            Some(Err(error)) => stream.destroy_with(Error::io("open", error).on(&stream)),
            None => stream.destroy(),
        }
        stream
    }

    /// A standard stream of this process.
    pub(in crate::process) fn standard(
        handle: Handle,
        origin: Origin,
        name: Name,
        bytes: Bytes,
    ) -> Self {
        let stream = Self::make(handle, origin, name);
        engine::attach(&stream, bytes, true);
        stream.moved();
        stream
    }

    /// Writes bytes, in order: at once what the system takes, the rest from a queue.
    ///
    /// `false` asks to wait for `Drain` before more is written; what was written is on its way all the same. Never
    /// fails by itself: errors are events.
    ///
    /// # Errors
    ///
    /// As an event, with `Close`: written to after [`end`](Self::end); more queued than
    /// [`set_max_queued`](Self::set_max_queued) allows; nobody reads at the other end any more, or its disk is full.
    /// After the stream was destroyed nothing happens, and `false` comes back.
    #[allow(clippy::must_use_candidate, reason = "small answers need not ask")]
    pub fn write(&self, bytes: impl AsRef<[u8]>) -> bool {
        let go_on = engine::write(self, bytes.as_ref());
        self.moved();
        go_on
    }

    /// [`write`](Self::write) for bytes that can be kept: nothing is copied if they have to wait.
    #[allow(clippy::must_use_candidate, reason = "small answers need not ask")]
    pub fn write_owned(&self, bytes: impl Into<Chunk>) -> bool {
        let go_on = engine::write_chunk(self, bytes.into());
        self.moved();
        go_on
    }

    /// [`write`](Self::write), and calls back when the system has taken all of it, or with the error that came between.
    ///
    /// ```
    /// use onward::process;
    ///
    /// onward::run(|| {
    ///     process::stdout()?.write_then("done\n", |written| assert!(written.is_ok()));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[allow(clippy::must_use_candidate, reason = "who has a callback need not ask")]
    pub fn write_then(
        &self,
        bytes: impl AsRef<[u8]>,
        then: impl FnOnce(Result<()>) + 'static,
    ) -> bool {
        engine::write_then(self, Box::new(then), |stream| stream.write(bytes))
    }

    /// Nothing more will be written: when all that waits is written, `Finish` comes, and the stream is closed. That is
    /// how a child is told the end of its input.
    ///
    /// The standard streams of this process stay open for others: [`stdout`](crate::process::stdout) gives a new stream
    /// then.
    pub fn end(&self) {
        engine::end(self);
    }

    /// Writes a last time, and [`end`](Self::end)s.
    pub fn end_with(&self, bytes: impl AsRef<[u8]>) {
        self.write(bytes);
        self.end();
    }

    /// Has [`end`](Self::end) been called?
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.0.duplex.is_ending()
    }

    /// Ends it at once. What waits to be written is dropped; only `Close` follows.
    pub fn destroy(&self) {
        engine::destroy(self, None);
    }

    /// Has it been destroyed, or is it closed?
    #[must_use]
    pub fn is_destroyed(&self) -> bool {
        self.0.duplex.is_destroyed()
    }

    /// Bytes that wait to be written.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.0.duplex.queued()
    }

    /// Did a `write` say `false`, and its `Drain` not come yet?
    #[must_use]
    pub fn needs_drain(&self) -> bool {
        self.0.duplex.needs_drain()
    }

    /// Bytes that were handed to the system, those in the queue not included.
    #[must_use]
    pub fn bytes_written(&self) -> u64 {
        self.0.duplex.sent()
    }

    /// From how many queued bytes on `write` says `false`; 64 KiB unless set.
    pub fn set_high_water(&self, bytes: usize) {
        self.0.duplex.set_high_water(bytes);
    }

    /// How many bytes may wait for an end that does not read; 16 MiB unless set. One more is an error event
    /// ([`ErrorKind::QueueFull`](crate::ErrorKind::QueueFull)), and the end.
    pub fn set_max_queued(&self, bytes: usize) {
        self.0.duplex.set_cap(bytes);
    }

    /// Is there a terminal at its other end, and so, perhaps, somebody who looks at colours?
    #[doc(alias = "isTTY")]
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        self.0.duplex.with_bytes(Bytes::is_terminal).unwrap_or(false)
    }

    /// The columns and rows of the terminal at its other end; `None` if there is none, or the system does not say (on
    /// Windows it does not). When it changes, [`signals`](crate::process::signals) tell `Resize`.
    ///
    /// ```
    /// use onward::process;
    ///
    /// onward::run(|| {
    ///     let (columns, _) = process::stdout()?.terminal_size().unwrap_or((80, 24));
    ///     println!("{}", "-".repeat(columns.into()));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[doc(alias("columns", "rows", "getWindowSize"))]
    #[must_use]
    pub fn terminal_size(&self) -> Option<(u16, u16)> {
        self.0.duplex.with_bytes(Bytes::terminal_size).flatten()
    }

    /// The loop need not wait for this stream.
    pub fn unref(&self) {
        self.0.counted.set(false);
        self.moved();
    }

    /// The loop waits for this stream, as it does unless told otherwise: for a child's until it has closed, for one of
    /// this process while something waits to be written.
    pub fn ref_(&self) {
        self.0.counted.set(true);
        self.moved();
    }

    /// More can be written.
    fn flush(&self) {
        let handle = self.0.duplex.handle.clone();
        handle.with_scratch(|buffer| engine::ready(self, Interest::WRITE, buffer));
    }

    /// Bytes were written, or taken.
    fn moved(&self) {
        let waits = self.settle_count();
        // What a callback has written leaves when it returns, and nobody says so.
        if waits && self.0.name.is_standard() && !self.0.recounts.replace(true) {
            let stream = self.clone();
            self.0.duplex.handle.at_close(self.0.duplex.origin(), move || {
                stream.0.recounts.set(false);
                stream.settle_count();
            });
        }
        #[cfg(windows)]
        self.leave();
    }

    /// A standard stream holds the loop while something waits. Does it?
    fn settle_count(&self) -> bool {
        let waits = !self.0.name.is_standard() || self.0.duplex.queued() > 0;
        self.0.duplex.count(self.0.counted.get() && waits);
        waits
    }

    /// Has another thread write what would make one wait.
    #[cfg(windows)]
    fn leave(&self) {
        use std::io::Write as _;
        let duplex = &self.0.duplex;
        let Some(Some(piece)) = duplex.with_bytes(Bytes::take_leaving) else { return };
        let Some(file) = duplex.with_bytes(Bytes::file) else { return };
        let (stream, counted) = (self.clone(), self.0.counted.get());
        let work = move || (&*file).write_all(&piece);
        let (handle, origin) = (duplex.handle.clone(), duplex.origin());
        super::elsewhere::elsewhere(&handle, origin, counted, work, move |written| {
            let written = written.unwrap_or_else(|error| Err(error.into()));
            stream.0.duplex.with_bytes(|bytes| bytes.has_left(written));
            stream.flush();
            stream.moved();
        });
    }
}

impl Endpoint for PipeWriter {
    type Bytes = Bytes;

    fn duplex(&self) -> &Duplex<Bytes> {
        &self.0.duplex
    }

    fn source(&self) -> Rc<dyn Source> {
        Rc::clone(&self.0) as Rc<dyn Source>
    }

    fn target(&self) -> String {
        self.0.name.to_string()
    }

    fn tell_data(&self, _: &[u8]) {}

    fn tell_end(&self) {}

    fn tell_drain(&self) {
        self.0.emitter.emit(self, Drain, ());
    }

    fn tell_finish(&self) {
        self.0.emitter.emit(self, Finish, ());
    }

    fn tell_error(&self, error: Error) {
        if let Err(unhandled) = self.0.emitter.emit_error(self, error) {
            self.0.duplex.handle.fail(Error::unhandled(self, unhandled.into_inner()));
        }
    }

    fn tell_close(&self, had_error: bool) {
        // Even if a listener panics.
        let _over = Over(&self.0);
        self.0.emitter.emit(self, Close, had_error);
    }
}

/// When the last event has been told, the listeners go, and the child hears of it.
struct Over<'a>(&'a Inner);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.emitter.clear();
        self.0.name.closed();
    }
}

impl Source for Inner {
    fn describe(&self) -> Description {
        Description { kind: ResourceKind::Pipe, target: self.name.to_string() }
    }

    fn observe(&self) {
        self.emitter.observe();
    }

    fn lend(&self, to: &mut dyn FnMut(Descriptor<'_>) -> io::Result<()>) -> io::Result<()> {
        self.duplex.lend(to)
    }

    fn ready(self: Rc<Self>, readiness: Interest, buffer: &mut Buffer) {
        let stream = PipeWriter(self);
        engine::ready(&stream, readiness, buffer);
        stream.moved();
    }

    /// Devices that are always ready are not watched: then they are written to at once.
    fn refused(self: Rc<Self>, error: io::Error) {
        let stream = PipeWriter(self);
        if error.kind() != io::ErrorKind::PermissionDenied {
            let error = Error::io("watch", error).on(&stream.0.name);
            return engine::destroy(&stream, Some(error));
        }
        stream.0.duplex.with_bytes(Bytes::refused);
        stream.flush();
        stream.moved();
    }

    /// What this process has said is said before it goes, as `print!` would have.
    fn shut(self: Rc<Self>) {
        let stream = PipeWriter(self);
        if stream.0.name.is_standard() {
            engine::send_all(&stream, Bytes::wait_writable);
        }
        stream.destroy();
    }

    fn abandon(self: Rc<Self>) {
        drop(self.duplex.detach());
        self.emitter.clear();
        self.name.abandon();
    }
}

impl Emitter for PipeWriter {
    fn listeners(&self) -> &Listeners<Self> {
        &self.0.emitter
    }

    fn recall(&self) -> Option<Recall<Self>> {
        Some(Recall::new(self.downgrade()))
    }
}

write_control!(PipeWriter: |writer| writer.0.duplex.is_finished());

impl Abortable for PipeWriter {
    fn destroy_with(&self, error: Error) {
        engine::destroy(self, Some(error));
    }
    fn when_closed(&self, then: impl FnOnce() + 'static) {
        when_closed(self, then);
    }
}

handle!(PipeWriter, "stream");

impl fmt::Debug for PipeWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match (self.is_destroyed(), self.is_ended()) {
            (true, _) => ", closed",
            (false, true) => ", ending",
            (false, false) => "",
        };
        write!(f, "PipeWriter({}{state})", self.0.name)
    }
}

impl fmt::Display for PipeWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.name.fmt(f)
    }
}
