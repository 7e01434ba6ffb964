//! `Pieces`: what is read from a stream, cut where its pieces end.

use super::readable::Flow;
use super::reader::Reader;
use super::split::{Cutter, Piece, Splitter};
use super::traits::{ReadControl, ReadEar, Readable};
use crate::emitter::names::{Close, Data, End, Line};
use crate::emitter::{
    Downgrade, Emitter, Event, EventEmitter, Listeners, Pausable, Recall, Subscription,
};
use crate::error::{Error, ErrorKind};
use crate::event_loop::{Handle, Origin};
use std::any::TypeId;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::Location;
use std::rc::Rc;

crate::events! {
    pub for Pieces {
        use Data(&[u8]),
        use Line(&str),
        use End(),
        use Close(bool),
        error Error,
        /// All events of [`Pieces`].
        enum PiecesEvent,
    }
}

/// What is read from a stream, piece by piece: made by [`lines`](super::lines), [`frames`](super::frames) and
/// [`pieces`].
///
/// A cheap handle. The stream that is read keeps it alive, so that nobody else has to.
///
/// # Events
///
/// | event | payload | when |
/// |---|---|---|
/// | [`Data`] | `&[u8]` | a piece has come; borrowed, for the time of the call, from what was read |
/// | [`Line`] | `&str` | the same as text; what is no UTF-8 is told as U+FFFD, or an error if it is [`strict`](Self::strict) |
/// | [`End`] | `()` | the stream has ended, and all pieces have been told |
/// | [`Error`](crate::events::Error) | `&onward::Error` | a piece was too long, or was none; at most once, and `Close` follows |
/// | [`Close`] | `bool` | no more will be told; `true` after an error, also one of the stream |
///
/// # Errors
///
/// What goes wrong with the stream is told by the stream. What goes wrong here, of kind
/// [`TooLong`](ErrorKind::TooLong), [`Malformed`](ErrorKind::Malformed) or, in the middle of a frame,
/// [`PrematureClose`](ErrorKind::PrematureClose), is told here, and then the stream is destroyed; with
/// [`keep_stream`](Self::keep_stream) it is only paused.
///
/// # Backpressure
///
/// It is a stream to read itself, and can be paused, in the middle of a chunk too, and piped. The stream below is held
/// meanwhile. Nothing is read from it before somebody listens here.
#[derive(Clone)]
pub struct Pieces(Rc<Inner>);

struct Inner {
    emitter: EventEmitter<Pieces>,
    /// Streams without a loop have no later.
    handle: Option<Handle>,
    origin: Origin,
    stream: Box<dyn Reader>,
    cutter: RefCell<Cutter<Box<dyn Splitter>>>,
    flow: Flow,
    holding: Cell<bool>,
    /// What came in one chunk with the piece at which it was paused.
    backlog: RefCell<Vec<u8>>,
    scheduled: Cell<bool>,
    stream_ended: Cell<bool>,
    stream_failed: Cell<bool>,
    strict: Cell<bool>,
    keeps_stream: Cell<bool>,
    destroyed: Cell<bool>,
    listening: RefCell<Vec<Subscription>>,
}

/// Tells what is read from `stream` as the pieces that `splitter` finds; see there for an example.
#[track_caller]
pub fn pieces<R: Readable>(stream: &R, splitter: impl Splitter) -> Pieces {
    let pieces = Pieces(Rc::new(Inner {
        emitter: EventEmitter::new(),
        handle: Handle::current().ok(),
        origin: Location::caller(),
        stream: Box::new(stream.clone()),
        cutter: RefCell::new(Cutter::new(Box::new(splitter), usize::MAX)),
        flow: Flow::default(),
        holding: Cell::new(false),
        backlog: RefCell::default(),
        scheduled: Cell::new(false),
        stream_ended: Cell::new(false),
        stream_failed: Cell::new(false),
        strict: Cell::new(false),
        keeps_stream: Cell::new(false),
        destroyed: Cell::new(false),
        listening: RefCell::default(),
    }));
    pieces.0.balance();
    let (gone, ended) = (stream.is_destroyed(), stream.has_ended());
    let listeners = stream.hear(Rc::new(pieces.clone()), false);
    let guards = listeners.into_iter().map(|listener| stream.guard(listener));
    pieces.0.listening.borrow_mut().extend(guards);
    if gone {
        pieces.close(false);
    } else if ended {
        pieces.0.stream_ended.set(true);
    }
    pieces
}

impl Pieces {
    /// No piece may have more bytes than that; another one is an error.
    ///
    /// ```
    /// use onward::{ErrorKind, events::*, stream::{Source, lines}};
    ///
    /// onward::run(|| {
    ///     let text = Source::from_iter(["short\n", "much too long\n"])?;
    ///     let lines = lines(&text).max(10);
    ///     lines.on(Line, |_, line| assert_eq!(line, "short"));
    ///     lines.on(Error, |_, error| assert_eq!(error.kind(), ErrorKind::TooLong));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[must_use]
    pub fn max(self, bytes: usize) -> Self {
        self.0.cutter.borrow_mut().max = bytes;
        self
    }

    /// Text that is no UTF-8 is an error, of kind [`Malformed`](ErrorKind::Malformed), which says at which byte of the
    /// piece. It concerns those who listen for [`Line`] only.
    ///
    /// ```
    /// use onward::{ErrorKind, events::*, stream::{Source, lines}};
    ///
    /// onward::run(|| {
    ///     let text = Source::from_iter([b"caf\xe9\n"])?;
    ///     lines(&text).on(Line, |_, line| assert_eq!(line, "caf\u{fffd}"));
    ///
    ///     let text = Source::from_iter([b"caf\xe9\n"])?;
    ///     let lines = lines(&text).strict();
    ///     lines.on(Line, |_, _| unreachable!());
    ///     lines.on(Error, |_, error| assert_eq!(error.kind(), ErrorKind::Malformed));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[must_use]
    pub fn strict(self) -> Self {
        self.0.strict.set(true);
        self
    }

    /// After an error here, or a [`destroy`](Self::destroy), the stream is left open, and paused: for a last word to a
    /// peer, or for somebody else who reads on.
    ///
    /// ```
    /// use onward::{events::*, stream::{Duplex, lines}};
    ///
    /// onward::run(|| {
    ///     let (client, server) = Duplex::pair()?;
    ///     let lines = lines(&server).max(10).keep_stream();
    ///     lines.resume();
    ///     lines.on(Error, move |_, error| {
    ///         server.write(format!("{error}, goodbye\n"));
    ///         server.destroy();
    ///     });
    ///     client.on(Data, |_, word| assert!(word.ends_with(b"goodbye\n")));
    ///     client.end_with("much too long\n");
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[must_use]
    pub fn keep_stream(self) -> Self {
        self.0.keeps_stream.set(true);
        self
    }

    /// No more pieces, from this moment on.
    pub fn pause(&self) {
        self.flow_changed(Flow::pause);
    }

    /// Pieces may come.
    pub fn resume(&self) {
        self.flow_changed(Flow::resume);
    }

    /// Was it paused?
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.0.flow.is_paused()
    }

    /// Ends it at once: only `Close` follows. The stream is destroyed, too, unless it is
    /// [kept](Self::keep_stream).
    pub fn destroy(&self) {
        self.abort(None);
    }

    /// Has it been destroyed, or is it closed?
    #[must_use]
    pub fn is_destroyed(&self) -> bool {
        self.0.destroyed.get()
    }

    fn flow_changed(&self, change: impl FnOnce(&Flow) -> bool) {
        if change(&self.0.flow) {
            self.go_on_later();
            self.0.balance();
        }
    }

    /// What was left, and what could not be told, comes once the running callback is through.
    fn go_on_later(&self) {
        let waits = self.0.stream_ended.get() || !self.0.backlog.borrow().is_empty();
        if !waits || !self.0.flow.is_flowing() || self.0.scheduled.replace(true) {
            return;
        }
        let pieces = self.clone();
        self.0.later(move || pieces.go_on());
    }

    fn go_on(&self) {
        self.0.scheduled.set(false);
        let backlog = self.0.backlog.take();
        self.cut(&backlog);
        if self.0.stream_ended.get() && self.0.backlog.borrow().is_empty() {
            self.finish();
        }
        self.0.balance();
    }

    /// Tells the pieces in a chunk; from where it is paused on, they are kept.
    fn cut(&self, mut chunk: &[u8]) {
        let inner = &*self.0;
        while !chunk.is_empty() && !inner.destroyed.get() {
            if !inner.flow.is_flowing() {
                inner.backlog.borrow_mut().extend_from_slice(chunk);
                return inner.balance();
            }
            let cut = inner.cutter.borrow_mut().cut(chunk);
            let (rest, piece) = match cut {
                Ok(Piece::Unfinished) => return,
                Ok(Piece::Here { taken, told }) => {
                    let rest = Rest(self, &chunk[taken..]);
                    self.tell(&chunk[told]);
                    (rest, None)
                }
                Ok(Piece::Held { taken, piece, told }) => {
                    let rest = Rest(self, &chunk[taken..]);
                    self.tell(&piece[told]);
                    (rest, Some(piece))
                }
                Err(error) => return self.abort(Some(error)),
            };
            chunk = rest.1;
            std::mem::forget(rest);
            if let Some(piece) = piece {
                inner.cutter.borrow_mut().recycle(piece);
            }
        }
    }

    fn tell(&self, piece: &[u8]) {
        let emitter = &self.0.emitter;
        emitter.emit(self, Data, piece);
        if self.listener_count(Line) == 0 || self.0.destroyed.get() {
            return;
        }
        match std::str::from_utf8(piece) {
            Ok(line) => drop(emitter.emit(self, Line, line)),
            Err(error) if self.0.strict.get() => {
                self.abort(Some(Error::new(ErrorKind::Malformed, "read line").because(error)));
            }
            Err(_) => drop(emitter.emit(self, Line, &String::from_utf8_lossy(piece))),
        }
    }

    /// The stream has ended, and all but the last piece has been told.
    fn finish(&self) {
        let inner = &*self.0;
        if inner.destroyed.get() {
            return;
        }
        let last = inner.cutter.borrow_mut().finish();
        match last {
            Err(error) => return self.abort(Some(error)),
            Ok(Some((piece, told))) => self.tell(&piece[told]),
            Ok(None) => {}
        }
        // It may have been paused at the last piece.
        if inner.flow.is_flowing() && !inner.destroyed.get() {
            inner.flow.end();
            inner.emitter.emit(self, End, ());
            self.close(inner.stream_failed.get());
        }
    }

    /// Ends it before its time.
    fn abort(&self, error: Option<Error>) {
        let inner = &*self.0;
        if inner.destroyed.get() {
            return;
        }
        if inner.keeps_stream.get() {
            inner.stream.pause();
        }
        let had_error = error.is_some();
        if let Some(error) = error {
            let pieces = self.clone();
            inner.at_close(move || pieces.tell_error(error));
        }
        let pieces = self.clone();
        self.close_with(had_error, move || {
            if !pieces.0.keeps_stream.get() {
                pieces.0.stream.destroy();
            }
        });
    }

    fn tell_error(&self, error: Error) {
        if let Err(unhandled) = self.0.emitter.emit_error(self, error) {
            let error = Error::unhandled(self, unhandled.into_inner());
            self.0.handle.iter().for_each(|handle| handle.fail(error.clone()));
        }
    }

    fn close(&self, had_error: bool) {
        self.close_with(had_error, || {});
    }

    fn close_with(&self, had_error: bool, also: impl FnOnce() + 'static) {
        let inner = &*self.0;
        if inner.destroyed.replace(true) {
            return;
        }
        inner.flow.end();
        inner.backlog.take();
        let pieces = self.clone();
        inner.at_close(move || {
            also();
            pieces.0.emitter.emit(&pieces, Close, had_error);
            pieces.0.emitter.clear();
        });
        // Nothing more is heard of the stream, which may go on.
        drop(inner.listening.take());
        inner.balance();
    }
}

/// What comes after the piece that is being told: if a listener panics it is kept.
struct Rest<'p, 'c>(&'p Pieces, &'c [u8]);

impl Drop for Rest<'_, '_> {
    fn drop(&mut self) {
        self.0.0.backlog.borrow_mut().extend_from_slice(self.1);
        self.0.0.balance();
        self.0.go_on_later();
    }
}

impl Inner {
    /// Holds the stream as long as nothing of it can be told.
    fn balance(&self) {
        let waits = !self.flow.is_flowing() || !self.backlog.borrow().is_empty();
        let hold = waits && !self.destroyed.get();
        if self.holding.replace(hold) == hold {
            return;
        }
        if hold { self.stream.hold() } else { self.stream.release() }
    }

    fn later(&self, f: impl FnOnce() + 'static) {
        match &self.handle {
            Some(handle) => handle.next_tick_from(self.origin, f),
            None => f(),
        }
    }

    fn at_close(&self, f: impl FnOnce() + 'static) {
        match &self.handle {
            Some(handle) => handle.at_close(self.origin, f),
            None => f(),
        }
    }
}

impl ReadEar for Pieces {
    fn data(&self, chunk: &[u8]) {
        if self.0.backlog.borrow().is_empty() {
            self.cut(chunk);
        } else {
            self.0.backlog.borrow_mut().extend_from_slice(chunk);
        }
    }

    fn ended(&self) {
        self.0.stream_ended.set(true);
        if self.0.flow.is_flowing() && self.0.backlog.borrow().is_empty() {
            self.finish();
        }
    }

    fn failed(&self, _: &Error) {
        self.0.stream_failed.set(true);
    }

    fn closed(&self) {
        // Who was paused may still want to hear the rest.
        if !self.0.stream_ended.get() {
            self.close(self.0.stream_failed.get());
        }
    }
}

impl Emitter for Pieces {
    fn listeners(&self) -> &Listeners<Self> {
        &self.0.emitter
    }

    fn recall(&self) -> Option<Recall<Self>> {
        let inner = Rc::downgrade(&self.0);
        Some(Recall::new(move || inner.upgrade().map(Self)))
    }

    fn listener_added<E: Event<Self>>(&self, _: E) {
        let event = TypeId::of::<E>();
        if event == TypeId::of::<Data>() || event == TypeId::of::<Line>() {
            self.flow_changed(Flow::listen);
        }
    }
}

impl Downgrade for Pieces {
    fn downgrade(&self) -> impl Fn() -> Option<Self> + 'static {
        let inner = Rc::downgrade(&self.0);
        move || inner.upgrade().map(Self)
    }
}

impl ReadControl for Pieces {
    fn pause(&self) {
        self.pause();
    }
    fn resume(&self) {
        self.resume();
    }
    fn hold(&self) {
        self.0.flow.hold();
        self.0.balance();
    }
    fn release(&self) {
        self.flow_changed(|flow| {
            flow.release();
            true
        });
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

/// A stream of `Data` that blocks does not let it flow while it is full.
impl Pausable for Pieces {
    fn pauser(&self) -> impl Fn(bool) + 'static {
        let pieces = Rc::downgrade(&self.0);
        move |pause| {
            let pieces = pieces.upgrade().map(Self);
            let change = if pause { ReadControl::hold } else { ReadControl::release };
            pieces.iter().for_each(change);
        }
    }
}

impl fmt::Debug for Pieces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let closed = if self.is_destroyed() { ", closed" } else { "" };
        write!(f, "Pieces({}{closed})", self.0.origin)
    }
}

impl fmt::Display for Pieces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pieces of {}", self.0.origin)
    }
}
