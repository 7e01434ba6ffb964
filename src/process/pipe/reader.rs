//! `PipeReader`: what a child says, or what this process is told.

use super::Bytes;
use super::elsewhere::elsewhere;
use super::name::Name;
use crate::abort::{Abortable, when_closed};
use crate::emitter::names::{Close, Data, End};
use crate::emitter::{
    Downgrade as _, Emitter, Event, EventEmitter, Listeners, Pausable, Recall, handle,
};
use crate::error::Error;
use crate::event_loop::{
    Buffer, Description, Descriptor, Handle, Interest, Origin, ResourceKind, Source,
};
use crate::io::{self as engine, Duplex, Endpoint};
use crate::stream::{ReadControl, holds};
use std::any::TypeId;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::{self, Read as _};
use std::rc::Rc;

/// Bytes that another thread reads at once, where one has to.
const PIECE: usize = 256 * 1024;

crate::events! {
    pub for PipeReader {
        use Data(&[u8]),
        use End(),
        use Close(bool),
        error Error,
        /// All events of a [`PipeReader`].
        enum PipeReadEvent,
    }
}

/// A pipe to read, or what else it is that a process reads from: what a child writes, from
/// [`Child::stdout`](crate::process::Child::stdout), and what this process is told, from [`stdin`](crate::process::stdin).
///
/// A cheap handle: clones are the same stream. It is its being *open* that keeps a child's stream and its
/// listeners alive, not its handles; after `Close` it drops all listeners.
///
/// # Events
///
/// | event | payload | when |
/// |---|---|---|
/// | [`Data`] | `&[u8]` | a chunk has come; borrowed, for the time of the call |
/// | [`End`] | `()` | nothing more will come: all who could write have closed it, or Ctrl-D |
/// | [`Error`](crate::events::Error) | `&onward::Error` | it could not be read; at most once, and `Close` follows |
/// | [`Close`] | `bool` | it is over; `true` after an error |
///
/// # Ordering
///
/// `Data`s, `End`, `Close`. `Error` comes directly before `Close`, nothing comes after `Close`, and no event is emitted
/// from inside of the call that causes it. Nothing is read before somebody wants it: the first `Data` listener,
/// [`resume`](Self::resume) or a pipe starts the flow. What is not read waits in the system, and makes the writer wait.
///
/// ```
/// # #[cfg(unix)] {
/// use onward::{events::*, process};
///
/// onward::run(|| {
///     let child = process::spawn("echo", ["hello"])?;
///     child.stdout()?.on(Data, |_, chunk| assert_eq!(chunk, b"hello\n"));
///     Ok(())
/// })?;
/// # } Ok::<(), onward::Error>(())
/// ```
#[derive(Clone)]
pub struct PipeReader(Rc<Inner>);

#[repr(C)]
pub(super) struct Inner {
    emitter: EventEmitter<PipeReader>,
    duplex: Duplex<Bytes>,
    name: Name,
    /// A standard stream that nobody has wanted to read yet.
    unopened: RefCell<Option<Bytes>>,
    /// The loop shall wait for it.
    counted: Cell<bool>,
    /// Another thread reads, or what it has read is about to be told.
    fed: Cell<bool>,
}

impl PipeReader {
    fn make(handle: Handle, origin: Origin, name: Name, unopened: Option<Bytes>) -> Self {
        let duplex = Duplex::new(handle, origin);
        duplex.only_reads();
        Self(Rc::new(Inner {
            emitter: EventEmitter::new(),
            duplex,
            name,
            unopened: RefCell::new(unopened),
            counted: Cell::new(true),
            fed: Cell::new(false),
        }))
    }

    /// A child's stream; without bytes, of a child that could not be made, it is about to close.
    pub(in crate::process) fn of_child(
        handle: Handle,
        origin: Origin,
        name: Name,
        bytes: Option<io::Result<Bytes>>,
    ) -> Self {
        let stream = Self::make(handle, origin, name, None);
        match bytes {
            Some(Ok(bytes)) => engine::attach(&stream, bytes, true),
            Some(Err(error)) => stream.destroy_with(Error::io("open", error).on(&stream)),
            None => stream.destroy(),
        }
        stream
    }

    /// A standard stream of this process. It is not looked at before somebody wants to read it.
    pub(in crate::process) fn standard(
        handle: Handle,
        origin: Origin,
        name: Name,
        bytes: Bytes,
    ) -> Self {
        let stream = Self::make(handle, origin, name, Some(bytes));
        engine::enroll(&stream);
        stream.recount();
        stream
    }

    /// No more `Data`, from this moment on.
    pub fn pause(&self) {
        engine::pause(self);
        self.flow_changed();
    }

    /// `Data` may come.
    pub fn resume(&self) {
        engine::resume(self);
        self.flow_changed();
    }

    /// Was it paused?
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.0.duplex.is_paused()
    }

    /// Ends it at once: only `Close` follows. A child that goes on writing there is told so by the system: a broken
    /// pipe.
    pub fn destroy(&self) {
        engine::destroy(self, None);
    }

    /// Has it been destroyed, or is it closed?
    #[must_use]
    pub fn is_destroyed(&self) -> bool {
        self.0.duplex.is_destroyed()
    }

    /// Bytes that have come.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.0.duplex.received()
    }

    /// Is there a terminal at its other end, and so, perhaps, somebody who types?
    ///
    /// ```
    /// use onward::process;
    ///
    /// onward::run(|| {
    ///     if process::stdin()?.is_terminal() {
    ///         println!("Type something, and Ctrl-D.");
    ///     }
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[doc(alias = "isTTY")]
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        let unopened = self.0.unopened.borrow();
        let open = || self.0.duplex.with_bytes(Bytes::is_terminal);
        unopened.as_ref().map(Bytes::is_terminal).or_else(open).unwrap_or(false)
    }

    /// The loop need not wait for this stream.
    ///
    /// ```
    /// use onward::{events::*, process};
    ///
    /// onward::run(|| {
    ///     let stdin = process::stdin()?;
    ///     stdin.on_line(|_, command| println!("{command}: not now"));
    ///     stdin.unref(); // the program ends with its work, whatever somebody may still type
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    pub fn unref(&self) {
        self.0.counted.set(false);
        self.recount();
    }

    /// The loop waits for this stream, as it does unless told otherwise: for a child's until it has closed, for
    /// [`stdin`](crate::process::stdin) while it is read.
    pub fn ref_(&self) {
        self.0.counted.set(true);
        self.recount();
    }

    /// Has nobody asked for data, nor said that it shall wait?
    pub(in crate::process) fn is_unasked(&self) -> bool {
        self.0.duplex.is_unasked()
    }

    /// A standard stream that nobody reads holds nobody up.
    fn recount(&self) {
        let waits = !self.0.name.is_standard() || self.0.duplex.is_flowing();
        self.0.duplex.count(self.0.counted.get() && waits);
    }

    /// It flows, or does not flow any more.
    fn flow_changed(&self) {
        if self.0.duplex.is_flowing() {
            let unopened = self.0.unopened.take();
            unopened.into_iter().for_each(|bytes| engine::attach(self, bytes, true));
            self.feed();
        }
        self.recount();
    }

    /// Has another thread read what no poller watches, if more is wanted.
    fn feed(&self) {
        let state = |bytes: &Bytes| (bytes.is_fed(), bytes.is_hungry());
        let (duplex, state) = (&self.0.duplex, self.0.duplex.with_bytes(state));
        let Some((true, hungry)) = state else { return };
        if !duplex.is_flowing() || self.0.fed.replace(true) {
            return;
        }
        let (stream, handle, origin) = (self.clone(), duplex.handle.clone(), duplex.origin());
        if !hungry {
            return handle.defer(origin, move || stream.tell_fed());
        }
        let Some(file) = duplex.with_bytes(Bytes::file) else { return };
        let work = move || {
            let mut bytes = vec![0; PIECE];
            let count = loop {
                match (&*file).read(&mut bytes) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    read => break read?,
                }
            };
            bytes.truncate(count);
            Ok(bytes)
        };
        elsewhere(&handle, origin, self.0.counted.get(), work, move |read| {
            let read = read.unwrap_or_else(|error| Err(error.into()));
            stream.0.duplex.with_bytes(|bytes| bytes.fill(read));
            stream.tell_fed();
        });
    }

    /// Tells what another thread has read.
    fn tell_fed(&self) {
        self.0.fed.set(false);
        self.0.duplex.handle.about(|| Rc::clone(&self.0) as Rc<dyn Source>);
        // However this ends, by a listener's panic too, it goes on from there.
        let _feed = Feed(self);
        if self.0.duplex.is_flowing() {
            let handle = self.0.duplex.handle.clone();
            handle.with_scratch(|buffer| engine::ready(self, Interest::READ, buffer));
        }
    }
}

struct Feed<'a>(&'a PipeReader);

impl Drop for Feed<'_> {
    fn drop(&mut self) {
        self.0.feed();
    }
}

impl Endpoint for PipeReader {
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

    fn tell_data(&self, chunk: &[u8]) {
        self.0.emitter.emit(self, Data, chunk);
    }

    fn tell_end(&self) {
        self.0.emitter.emit(self, End, ());
    }

    fn tell_drain(&self) {}

    fn tell_finish(&self) {}

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
        drop(self.0.unopened.take());
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
        engine::ready(&PipeReader(self), readiness, buffer);
    }

    fn readable(self: Rc<Self>, buffer: &mut Buffer) {
        engine::readable(&PipeReader(self), buffer);
    }

    /// Devices that are always ready are not watched: then another thread reads.
    fn refused(self: Rc<Self>, error: io::Error) {
        let stream = PipeReader(self);
        if error.kind() != io::ErrorKind::PermissionDenied {
            let error = Error::io("watch", error).on(&stream.0.name);
            return engine::destroy(&stream, Some(error));
        }
        stream.0.duplex.with_bytes(Bytes::refused);
        stream.feed();
    }

    fn shut(self: Rc<Self>) {
        PipeReader(self).destroy();
    }

    fn abandon(self: Rc<Self>) {
        drop(self.duplex.detach());
        self.emitter.clear();
        self.name.abandon();
    }
}

impl Emitter for PipeReader {
    fn listeners(&self) -> &Listeners<Self> {
        &self.0.emitter
    }

    fn recall(&self) -> Option<Recall<Self>> {
        Some(Recall::new(self.downgrade()))
    }

    fn listener_added<E: Event<Self>>(&self, _: E) {
        if TypeId::of::<E>() == TypeId::of::<Data>() {
            engine::listen(self);
            self.flow_changed();
        }
    }
}

impl ReadControl for PipeReader {
    fn pause(&self) {
        self.pause();
    }
    fn resume(&self) {
        self.resume();
    }
    fn hold(&self) {
        engine::hold(self);
        self.flow_changed();
    }
    fn release(&self) {
        engine::release(self);
        self.flow_changed();
    }
    fn has_ended(&self) -> bool {
        self.0.duplex.has_ended()
    }
    fn destroy(&self) {
        self.destroy();
    }
    fn is_destroyed(&self) -> bool {
        self.is_destroyed()
    }
}

/// A stream of `Data` that blocks lets the writer wait while it is full.
impl Pausable for PipeReader {
    fn pauser(&self) -> impl Fn(bool) + 'static {
        holds(self)
    }
}

impl Abortable for PipeReader {
    fn destroy_with(&self, error: Error) {
        engine::destroy(self, Some(error));
    }
    fn when_closed(&self, then: impl FnOnce() + 'static) {
        when_closed(self, then);
    }
}

handle!(PipeReader, "stream");

impl fmt::Debug for PipeReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match (self.is_destroyed(), self.is_paused()) {
            (true, _) => ", closed",
            (false, true) => ", paused",
            (false, false) => "",
        };
        write!(f, "PipeReader({}{state})", self.0.name)
    }
}

impl fmt::Display for PipeReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.name.fmt(f)
    }
}
