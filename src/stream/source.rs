//! `Source`: a stream to read whose bytes come from the program.

use super::handles::{handle, read_control};
use super::inlet::Inlet;
use super::life::{self, Inner, Stream};
use super::outcome::Outcome;
use super::outlet::{self, Outlet, Pushed};
use super::readable::Flow;
use super::traits::ReadControl;
use crate::emitter::names::{Close, Data, End};
use crate::emitter::{Downgrade, Emitter, Event, Listeners, Pausable, Recall};
use crate::error::{Error, Result};
use crate::event_loop::Handle;
use std::any::TypeId;
use std::fmt;
use std::panic::Location;
use std::rc::Rc;

crate::events! {
    pub for Source {
        use Data(&[u8]),
        use End(),
        use Close(bool),
        error Error,
        /// All events of a [`Source`].
        enum SourceEvent,
    }
}

/// A stream to read whose bytes come from the program: Node's `new Readable({ read })`.
///
/// A cheap handle: clones are the same stream. It is read like a file or a socket, and whoever has a handle may
/// also [`push`](Self::push) chunks, [`end`](Self::end) it, or let it [`fail`](Self::fail). It does not keep the loop
/// going; one whose last handle is dropped is destroyed. After `Close` it drops all its listeners.
///
/// # Events
///
/// | event | payload | when |
/// |---|---|---|
/// | [`Data`] | `&[u8]` | a chunk that was pushed; borrowed, for the time of the call |
/// | [`End`] | `()` | all of it has been told, and no more will come |
/// | [`Error`](crate::events::Error) | `&onward::Error` | it was told to [`fail`](Self::fail); at most once, and `Close` follows |
/// | [`Close`] | `bool` | it is over; `true` after an error |
///
/// # Ordering
///
/// `Data`s, in the order of the pushes and cut as they were, `End`, `Close`. Nothing comes after `Close`, and no event
/// is emitted from inside of the call that causes it: chunks are told once the running callback is through.
///
/// Nothing is told before somebody wants it: the first `Data` listener, [`resume`](Self::resume) or a pipe starts the
/// flow.
///
/// ```
/// use onward::{events::*, stream::Source};
///
/// onward::run(|| {
///     let greetings = Source::new()?;
///     greetings.on(Data, |_, chunk| println!("{}", String::from_utf8_lossy(chunk)));
///     greetings.on(End, |_, ()| println!("that was all"));
///     greetings.push("hello");
///     greetings.push("world");
///     greetings.end();
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias = "Readable")]
#[derive(Clone)]
pub struct Source(pub(super) Rc<Inner<Self>>);

handle! { Source: tells_reads never_writes }
read_control! { Source }

impl Source {
    /// One that tells what is pushed.
    ///
    /// # Errors
    ///
    /// Not in a loop.
    #[track_caller]
    pub fn new() -> Result<Self> {
        Self::make(Outlet::new(None))
    }

    /// One that asks `more` for a chunk whenever it has told all that it had, and somebody wants to read on: Node's
    /// `read()`.
    ///
    /// `more` pushes what it has, or ends the stream. If it has nothing yet it keeps a handle, and pushes later; it is
    /// not asked again before that. An `Err` destroys the stream with that error.
    ///
    /// # Errors
    ///
    /// Not in a loop.
    ///
    /// ```
    /// use onward::{events::*, stream::Source};
    ///
    /// onward::run(|| {
    ///     let mut left = 3;
    ///     let countdown = Source::pull(move |source| match left {
    ///         0 => source.end(),
    ///         _ => {
    ///             source.push(format!("{left}.. "));
    ///             left -= 1;
    ///         }
    ///     })?;
    ///     countdown.on(Data, |_, chunk| print!("{}", String::from_utf8_lossy(chunk)));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[doc(alias = "read")]
    #[track_caller]
    pub fn pull<O: Outcome>(mut more: impl FnMut(&Self) -> O + 'static) -> Result<Self> {
        Self::make(Outlet::new(Some(Box::new(move |source| more(source).into_result()))))
    }

    /// One that tells what an iterator gives, each item a chunk, as fast as it is read: Node's `Readable.from`.
    ///
    /// # Errors
    ///
    /// Not in a loop.
    ///
    /// ```
    /// use onward::{events::*, stream::Source};
    ///
    /// onward::run(|| {
    ///     let numbers = Source::from_iter((1..=3).map(|n| n.to_string()))?;
    ///     numbers.on(Data, |_, chunk| print!("{} ", String::from_utf8_lossy(chunk)));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[allow(clippy::should_implement_trait, reason = "it needs a loop, so that it may fail")]
    #[track_caller]
    pub fn from_iter<I>(chunks: I) -> Result<Self>
    where
        I: IntoIterator<Item: AsRef<[u8]>, IntoIter: 'static>,
    {
        let mut chunks = chunks.into_iter();
        Self::pull(move |source| match chunks.next() {
            Some(chunk) => {
                source.push(chunk);
            }
            None => source.end(),
        })
    }

    #[track_caller]
    fn make(outlet: Outlet<Self>) -> Result<Self> {
        let handle = Handle::for_operation("make stream")?;
        Ok(life::open(handle, Location::caller(), outlet, Inlet::none()))
    }

    /// Has a copy of `chunk` told after all that was pushed before. `false` asks to wait until
    /// [`pull`](Self::pull) asks for more, or [`buffered`](Self::buffered) says that there is room; what was pushed
    /// is told all the same.
    ///
    /// # Errors
    ///
    /// As an event, with `Close`: pushed after [`end`](Self::end). Once it has been destroyed nothing happens, and
    /// `false` comes back.
    #[allow(clippy::must_use_candidate, reason = "short streams need not ask")]
    pub fn push(&self, chunk: impl AsRef<[u8]>) -> bool {
        outlet::push(self, Pushed::Lent(chunk.as_ref()))
    }

    /// The same for a chunk that is not needed any more: it is not copied.
    ///
    /// ```
    /// use onward::{events::*, stream::Source};
    ///
    /// onward::run(|| {
    ///     let source = Source::new()?;
    ///     source.on(Data, |_, chunk| assert_eq!(chunk.len(), 1 << 20));
    ///     assert!(!source.push_owned(vec![0; 1 << 20])); // more than the mark
    ///     source.end();
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[allow(clippy::must_use_candidate, reason = "short streams need not ask")]
    pub fn push_owned(&self, chunk: impl Into<Vec<u8>>) -> bool {
        outlet::push(self, Pushed::Owned(chunk.into()))
    }

    /// Puts a chunk back, in front of all that waits: it is told again, as the next one. For a parser that has read
    /// too far, and hands the stream to somebody else.
    ///
    /// # Errors
    ///
    /// As an event, with `Close`: after `End` was told.
    ///
    /// ```
    /// use onward::{events::*, stream::Source};
    ///
    /// onward::run(|| {
    ///     let source = Source::from_iter(["header\nbody"])?;
    ///     source.once(Data, |source, chunk| {
    ///         let end = chunk.iter().position(|byte| *byte == b'\n').expect("a header");
    ///         source.unshift(&chunk[end + 1..]);
    ///         source.on(Data, |_, body| assert_eq!(body, b"body"));
    ///     });
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    pub fn unshift(&self, chunk: impl AsRef<[u8]>) {
        outlet::unshift(self, chunk.as_ref());
    }

    /// No more will come: `End` follows when all has been told. Node's `push(null)`.
    pub fn end(&self) {
        outlet::end(self);
    }

    /// Ends it at once, with an error: what was not told yet is dropped, `Error` and `Close` follow. The first error
    /// counts. Node's `destroy(error)`.
    ///
    /// ```
    /// use onward::{events::*, stream::Source};
    ///
    /// onward::run(|| {
    ///     let source = Source::new()?;
    ///     source.on(Error, |_, error| assert_eq!(error.to_string(), "the tape tore"));
    ///     source.on(Close, |_, had_error| assert!(had_error));
    ///     source.fail(onward::Error::other("the tape tore"));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    pub fn fail(&self, error: impl Into<Error>) {
        life::destroy(self, Some(error.into()), None);
    }

    /// Ends it at once: what was not told yet is dropped, and only `Close` follows.
    pub fn destroy(&self) {
        life::destroy(self, None, None);
    }

    /// Has it been destroyed, or is it closed?
    #[must_use]
    pub fn is_destroyed(&self) -> bool {
        self.0.core.is_destroyed()
    }

    /// No more `Data`, from this moment on.
    pub fn pause(&self) {
        outlet::changed(self, Flow::pause);
    }

    /// `Data` may come.
    pub fn resume(&self) {
        outlet::changed(self, Flow::resume);
    }

    /// Was it paused?
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.0.core.outlet.flow.is_paused()
    }

    /// Bytes that were pushed, and not told yet.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.0.core.outlet.ready.borrow().len()
    }

    /// From how many bytes on [`push`](Self::push) says `false`; 64 KiB unless set.
    ///
    /// ```
    /// use onward::stream::Source;
    ///
    /// onward::run(|| {
    ///     let source = Source::new()?;
    ///     source.set_high_water(4);
    ///     assert!(source.push("abc"));
    ///     assert!(!source.push("d"));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    pub fn set_high_water(&self, bytes: usize) {
        self.0.core.outlet.high_water.set(bytes);
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let closed = if self.is_destroyed() { ", closed" } else { "" };
        write!(f, "Source({}, {} bytes buffered{closed})", self.0.core.origin, self.buffered())
    }
}
