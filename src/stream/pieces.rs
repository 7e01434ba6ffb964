//! `Pieces`: what is read from a stream, cut where its pieces end.

use super::readable::Flow;
use super::reader::Reader;
use super::split::{Cutter, Splitter};
use super::traits::{ReadControl, Readable, holds};
use crate::emitter::names::{Close, Data, End, Line};
use crate::emitter::{
    Downgrade, Emitter, Event, EventEmitter, Listeners, Pausable, Recall, Subscription,
};
use crate::error::Error;
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
/// [`TooLong`](crate::ErrorKind::TooLong), [`Malformed`](crate::ErrorKind::Malformed) or, in the middle of a frame,
/// [`PrematureClose`](crate::ErrorKind::PrematureClose), is told here, and then the stream is destroyed; with
/// [`keep_stream`](Self::keep_stream) it is only paused.
///
/// # Backpressure
///
/// It is a stream to read itself, and can be paused, in the middle of a chunk too, and piped. The stream below is held
/// meanwhile. Nothing is read from it before somebody listens here.
#[derive(Clone)]
pub struct Pieces(pub(super) Rc<Inner>);

pub(super) struct Inner {
    pub(super) emitter: EventEmitter<Pieces>,
    /// Streams without a loop have no later.
    pub(super) handle: Option<Handle>,
    pub(super) origin: Origin,
    pub(super) stream: Box<dyn Reader>,
    /// Not here while it is at work.
    pub(super) cutter: Cell<Option<Cutter<Box<dyn Splitter>>>>,
    pub(super) max: Cell<usize>,
    pub(super) flow: Flow,
    pub(super) holding: Cell<bool>,
    /// What came in one chunk with the piece at which it was paused.
    pub(super) backlog: RefCell<Vec<u8>>,
    pub(super) scheduled: Cell<bool>,
    pub(super) stream_ended: Cell<bool>,
    pub(super) stream_failed: Cell<bool>,
    pub(super) strict: Cell<bool>,
    pub(super) keeps_stream: Cell<bool>,
    pub(super) destroyed: Cell<bool>,
    pub(super) listening: RefCell<Vec<Subscription>>,
}

/// Tells what is read from `stream` as the pieces that `splitter` finds; see there for an example.
#[track_caller]
pub fn pieces<R: Readable>(stream: &R, splitter: impl Splitter) -> Pieces {
    let pieces = Pieces(Rc::new(Inner {
        emitter: EventEmitter::new(),
        handle: Handle::current().ok(),
        origin: Location::caller(),
        stream: Box::new(stream.clone()),
        cutter: Cell::new(Some(Cutter::new(Box::new(splitter), usize::MAX))),
        max: Cell::new(usize::MAX),
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
        self.0.max.set(bytes);
        self
    }

    /// Text that is no UTF-8 is an error, of kind [`Malformed`](crate::ErrorKind::Malformed), which says at which byte of the
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
}

impl Emitter for Pieces {
    fn listeners(&self) -> &Listeners<Self> {
        &self.0.emitter
    }

    fn recall(&self) -> Option<Recall<Self>> {
        Some(Recall::new(self.downgrade()))
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
        holds(self)
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
