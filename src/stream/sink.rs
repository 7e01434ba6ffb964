//! `Sink`: a stream to write whose bytes go to the program.

use super::handles::{handle, write_control};
use super::inlet::{self, Accept, Inlet};
use super::life::{self, Inner, Stream};
use super::outcome::{Done, Outcome};
use super::outlet::{self, Outlet};
use super::readable::Flow;
use super::writable::WhenFull;
use crate::emitter::names::{Close, Data, Drain, Finish};
use crate::emitter::{Downgrade, Emitter, Event, Listeners, Recall};
use crate::error::{Error, Result};
use crate::event_loop::Handle;
use std::any::TypeId;
use std::fmt;
use std::panic::Location;
use std::rc::Rc;

crate::events! {
    pub for Sink {
        use Drain(),
        use Finish(),
        use Close(bool),
        error Error,
        /// All events of a [`Sink`].
        enum SinkEvent,
    }
}

/// A stream to write whose bytes go to a closure: Node's `new Writable({ write, final })`.
///
/// A cheap handle: clones are the same stream. It is written to like a file or a socket. It does not keep the loop
/// going; one whose last handle is dropped is destroyed. After `Close` it drops its closures and all its listeners.
///
/// # Events
///
/// | event | payload | when |
/// |---|---|---|
/// | [`Drain`] | `()` | all has been accepted, after a `write` that said `false` |
/// | [`Finish`] | `()` | after [`end`](Self::end): all has been accepted |
/// | [`Error`](crate::events::Error) | `&onward::Error` | its closure reported one, or it was misused; at most once, and `Close` follows |
/// | [`Close`] | `bool` | it is over; `true` after an error |
///
/// # Ordering
///
/// Chunks are handed over in the order of the writes and cut as they were, the next one when the last has been
/// accepted. `Drain`s, the callbacks of writes, `Finish`, `Close`. Nothing comes after `Close`, and no event is
/// emitted from inside of the call that causes it.
///
/// ```
/// use onward::{events::*, stream::Sink};
///
/// onward::run(|| {
///     let mut total = 0;
///     let counter = Sink::new(move |chunk| {
///         total += chunk.len();
///         println!("{total} bytes so far");
///     })?;
///     counter.on(Finish, |_, ()| println!("that was all"));
///     counter.write("hello, ");
///     counter.end_with("world");
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias = "Writable")]
#[derive(Clone)]
pub struct Sink(pub(super) Rc<Inner<Self>>);

handle! { Sink: never_reads tells_writes }
write_control! { Sink: |sink| sink.0.core.inlet.is_through() }

impl Sink {
    /// One whose closure has accepted a chunk when it returns. An `Err` destroys the stream with that error.
    ///
    /// It may be called from inside of [`write`](Self::write), and then gets the very bytes that are written, without
    /// a copy.
    ///
    /// # Errors
    ///
    /// Not in a loop.
    #[track_caller]
    pub fn new<O: Outcome>(mut accept: impl FnMut(&[u8]) -> O + 'static) -> Result<Self> {
        Self::with_done(move |_, chunk, done| done.with(accept(chunk).into_result()))
    }

    /// One whose closure is handed a [`Done`] with each chunk, and says by it, now or later, that it has accepted it:
    /// Node's `write(chunk, encoding, callback)`. What is written meanwhile waits.
    ///
    /// # Errors
    ///
    /// Not in a loop.
    ///
    /// ```
    /// use onward::{events::*, stream::Sink};
    ///
    /// onward::run(|| {
    ///     let hashes = Sink::with_done(|_, chunk, done| {
    ///         let chunk = chunk.to_vec();
    ///         let hash = move || chunk.iter().fold(7, |hash: u64, byte| hash.rotate_left(5) ^ u64::from(*byte));
    ///         onward::spawn_blocking(hash).then(|result| match result {
    ///             Ok(hash) => {
    ///                 println!("{hash:x}");
    ///                 done.ok();
    ///             }
    ///             Err(error) => done.fail(error),
    ///         });
    ///     })?;
    ///     hashes.write("one");
    ///     hashes.end_with("two");
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[track_caller]
    pub fn with_done(accept: impl FnMut(&Self, &[u8], Done) + 'static) -> Result<Self> {
        Self::make(Accept::Each(Box::new(accept)))
    }

    /// The same with a closure that is handed all that waits, in one go: Node's `writev`. What was written behind a
    /// [`cork`](Self::cork), or while it was busy, comes together.
    ///
    /// # Errors
    ///
    /// Not in a loop.
    ///
    /// ```
    /// use onward::stream::Sink;
    ///
    /// onward::run(|| {
    ///     let sink = Sink::gathered(|_, chunks, done| {
    ///         println!("{} at once", chunks.len());
    ///         done.ok();
    ///     })?;
    ///     sink.cork();
    ///     sink.write("header");
    ///     sink.write("body");
    ///     sink.uncork(); // 2 at once
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[doc(alias = "writev")]
    #[track_caller]
    pub fn gathered(accept: impl FnMut(&Self, &[&[u8]], Done) + 'static) -> Result<Self> {
        Self::make(Accept::All(Box::new(accept)))
    }

    #[track_caller]
    fn make(accept: Accept<Self>) -> Result<Self> {
        let handle = Handle::for_operation("make stream")?;
        Ok(life::open(handle, Location::caller(), Outlet::none(), Inlet::new(accept)))
    }

    /// Has `f` called when all has been accepted, before `Finish`, which waits for its [`Done`]: Node's `final`.
    /// There is one; a later one takes the place of the one before.
    ///
    /// ```
    /// use onward::{events::*, stream::Sink};
    /// use std::time::Duration;
    ///
    /// onward::run(|| {
    ///     let sink = Sink::new(|chunk| println!("{} bytes", chunk.len()))?;
    ///     sink.before_finish(|_, done| {
    ///         onward::set_timeout(Duration::from_millis(1), || {
    ///             println!("all is safe");
    ///             done.ok();
    ///         });
    ///     });
    ///     sink.on(Finish, |_, ()| println!("finished"));
    ///     sink.end_with("hello");
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[doc(alias = "final")]
    pub fn before_finish(&self, f: impl FnOnce(&Self, Done) + 'static) {
        self.0.core.inlet.set_finish(Box::new(f));
    }

    /// Hands over a chunk, at once if nothing is in its way, else when all before it have been accepted.
    ///
    /// `false` asks to wait for `Drain` before more is written; what was written is handed over all the same. Never
    /// fails by itself: errors are events.
    ///
    /// # Errors
    ///
    /// As an event, with `Close`: written to after [`end`](Self::end); more queued than
    /// [`set_max_queued`](Self::set_max_queued) allows; what the closure reports. Once it has been destroyed nothing
    /// happens, and `false` comes back.
    #[allow(clippy::must_use_candidate, reason = "small writes need not ask")]
    pub fn write(&self, chunk: impl AsRef<[u8]>) -> bool {
        inlet::write(self, chunk.as_ref(), None)
    }

    /// The same, and `then` hears what has become of it: `Ok` when it has been accepted.
    ///
    /// # Ordering
    ///
    /// Callbacks come in the order of the writes, after the `Drain` of the same moment, and never from inside of
    /// `write`. When the stream fails, all that wait get that error, before `Error` and `Close`; when it is destroyed
    /// without one, [`Destroyed`](crate::ErrorKind::Destroyed).
    ///
    /// ```
    /// use onward::stream::Sink;
    ///
    /// onward::run(|| {
    ///     let sink = Sink::new(|_| {})?;
    ///     sink.write_then("hello", |result| assert!(result.is_ok()));
    ///     sink.end();
    ///     sink.write_then("late", |result| {
    ///         assert_eq!(result.unwrap_err().kind(), onward::ErrorKind::WriteAfterEnd);
    ///     });
    ///     # use onward::events::*;
    ///     # sink.on(Error, |_, _| {});
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[allow(clippy::must_use_candidate, reason = "small writes need not ask")]
    pub fn write_then(
        &self,
        chunk: impl AsRef<[u8]>,
        then: impl FnOnce(Result<()>) + 'static,
    ) -> bool {
        inlet::write(self, chunk.as_ref(), Some(Box::new(then)))
    }

    /// Nothing more will be written: `Finish` comes when all has been accepted, then `Close`.
    pub fn end(&self) {
        inlet::end(self);
    }

    /// Writes a last time, and [`end`](Self::end)s.
    pub fn end_with(&self, chunk: impl AsRef<[u8]>) {
        self.write(chunk);
        self.end();
    }

    /// What is written from here on waits until it is [`uncork`](Self::uncork)ed as often. [`end`](Self::end) takes
    /// all corks out.
    ///
    /// ```
    /// use onward::stream::Sink;
    ///
    /// onward::run(|| {
    ///     let sink = Sink::new(|chunk| println!("{chunk:?}"))?;
    ///     sink.cork();
    ///     sink.write("header");
    ///     sink.write("body");
    ///     assert_eq!(sink.queued(), 10);
    ///     sink.uncork();
    ///     assert_eq!(sink.queued(), 0);
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    pub fn cork(&self) {
        inlet::cork(self);
    }

    /// Takes one cork out; with the last one all that waits is handed over.
    pub fn uncork(&self) {
        inlet::uncork(self);
    }

    /// Ends it at once, with an error: what waits is dropped, `Error` and `Close` follow. The first error counts.
    pub fn fail(&self, error: impl Into<Error>) {
        life::destroy(self, Some(error.into()), None);
    }

    /// Ends it at once: what waits is dropped, and only `Close` follows.
    pub fn destroy(&self) {
        life::destroy(self, None, None);
    }

    /// Has it been destroyed, or is it closed?
    #[must_use]
    pub fn is_destroyed(&self) -> bool {
        self.0.core.is_destroyed()
    }

    /// Bytes that have not been accepted yet.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.0.core.inlet.intake.borrow().queued()
    }

    /// Did a `write` say `false`, and its `Drain` not come yet?
    #[must_use]
    pub fn needs_drain(&self) -> bool {
        self.0.core.inlet.intake.borrow().needs_drain()
    }

    /// From how many bytes on [`write`](Self::write) says `false`; 64 KiB unless set.
    ///
    /// ```
    /// use onward::{events::*, stream::Sink};
    ///
    /// onward::run(|| {
    ///     let slow = Sink::with_done(|_, _, done| drop(onward::set_immediate(|| done.ok())))?;
    ///     slow.set_high_water(4);
    ///     assert!(slow.write("abc"));
    ///     assert!(!slow.write("d"));
    ///     slow.on(Drain, |slow, ()| slow.end());
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    pub fn set_high_water(&self, bytes: usize) {
        self.0.core.inlet.intake.borrow_mut().high_water = bytes;
    }

    /// How many bytes may wait; 16 MiB unless set. More is what [`set_when_full`](Self::set_when_full) says.
    pub fn set_max_queued(&self, bytes: usize) {
        self.0.core.inlet.intake.borrow_mut().cap = bytes;
    }

    /// What becomes of a chunk that would make more wait than [`set_max_queued`](Self::set_max_queued) allows:
    /// [`WhenFull::Fail`] unless set.
    ///
    /// ```
    /// use onward::stream::{Sink, WhenFull};
    ///
    /// onward::run(|| {
    ///     let slow = Sink::with_done(|_, _, done| drop(onward::set_immediate(|| done.ok())))?;
    ///     slow.set_max_queued(10);
    ///     slow.set_when_full(WhenFull::Drop);
    ///     for position in 0..5 {
    ///         slow.write(format!("at {position}")); // the last three are worth nothing later
    ///     }
    ///     assert_eq!((slow.queued(), slow.dropped_chunks(), slow.dropped_bytes()), (8, 3, 12));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    pub fn set_when_full(&self, when_full: WhenFull) {
        self.0.core.inlet.intake.borrow_mut().when_full = when_full;
    }

    /// Chunks that were [dropped](WhenFull::Drop).
    #[must_use]
    pub fn dropped_chunks(&self) -> u64 {
        self.0.core.inlet.intake.borrow().dropped.0
    }

    /// Bytes of the chunks that were [dropped](WhenFull::Drop).
    #[must_use]
    pub fn dropped_bytes(&self) -> u64 {
        self.0.core.inlet.intake.borrow().dropped.1
    }
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let closed = if self.is_destroyed() { ", closed" } else { "" };
        write!(f, "Sink({}, {} bytes queued{closed})", self.0.core.origin, self.queued())
    }
}
