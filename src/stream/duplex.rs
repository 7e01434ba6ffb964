//! `Duplex`: a stream to read and to write, both ends of which are the program's.

use super::handles::{handle, read_control, write_control};
use super::inlet::{self, Accept, Inlet};
use super::life::{self, Inner, Stream};
use super::outcome::{Done, Outcome};
use super::outlet::{self, Outlet, Pushed};
use super::readable::Flow;
use super::traits::ReadControl;
use super::writable::WhenFull;
use crate::emitter::names::{Close, Data, Drain, End, Finish};
use crate::emitter::{Downgrade, Emitter, Event, Listeners, Pausable, Recall};
use crate::error::{Error, Result};
use crate::event_loop::Handle;
use std::any::TypeId;
use std::fmt;
use std::panic::Location;
use std::rc::Rc;

crate::events! {
    pub for Duplex {
        use Data(&[u8]),
        use End(),
        use Drain(),
        use Finish(),
        use Close(bool),
        error Error,
        /// All events of a [`Duplex`].
        enum DuplexEvent,
    }
}

/// A stream to read and to write: Node's `Duplex`, `Transform` and `PassThrough`.
///
/// It is a [`Source`](super::Source) and a [`Sink`](super::Sink) in one, and every method is as it is there.
///
/// | what | made by | what is read from it |
/// |---|---|---|
/// | a transform | [`transform`](Self::transform), [`transform_with`](Self::transform_with) | what its closure makes of what is written |
/// | a passage | [`pass_through`](Self::pass_through) | what is written |
/// | one end of a pipe in memory | [`pair`](Self::pair) | what is written to the other end |
/// | anything else | [`new`](Self::new) | what is [`push`](Self::push)ed |
///
/// # Ordering
///
/// Each side as it is in a source and in a sink. `Close` comes when both are through, after `End` and `Finish`; in a
/// transform `Finish` comes first. An error is one of both sides, directly before `Close`.
///
/// ```
/// use onward::{events::*, stream::{Duplex, Sink, Source}};
///
/// onward::run(|| {
///     let upper = Duplex::transform(|chunk, out| out.push(chunk.to_ascii_uppercase()))?;
///     let screen = Sink::new(|chunk| println!("{}", String::from_utf8_lossy(chunk)))?;
///     Source::from_iter(["hello", "world"])?.pipe(&upper).pipe(&screen);
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias = "Transform")]
#[doc(alias = "PassThrough")]
#[derive(Clone)]
pub struct Duplex(pub(super) Rc<Inner<Self>>);

handle! { Duplex: tells_reads tells_writes }
read_control! { Duplex }
write_control! { Duplex: |duplex| duplex.0.core.inlet.is_through() }

impl Duplex {
    /// One whose sides know nothing of each other. `accept` takes what is written, as in
    /// [`Sink::with_done`](super::Sink::with_done); what is to be read is [`push`](Self::push)ed, by whomever, and
    /// [`end_push`](Self::end_push)ed.
    ///
    /// # Errors
    ///
    /// Not in a loop.
    ///
    /// ```
    /// use onward::{events::*, stream::Duplex};
    ///
    /// onward::run(|| {
    ///     // Answers a moment later.
    ///     let oracle = Duplex::new(|oracle, question, done| {
    ///         let (oracle, answer) = (oracle.clone(), question.len().to_string());
    ///         onward::set_immediate(move || {
    ///             oracle.push(answer);
    ///             done.ok();
    ///         });
    ///     })?;
    ///     oracle.before_finish(|oracle, done| {
    ///         oracle.end_push();
    ///         done.ok();
    ///     });
    ///     oracle.on(Data, |_, answer| assert_eq!(answer, b"4"));
    ///     oracle.end_with("why?");
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[track_caller]
    pub fn new(accept: impl FnMut(&Self, &[u8], Done) + 'static) -> Result<Self> {
        Self::make(Accept::Each(Box::new(accept)))
    }

    #[track_caller]
    pub(super) fn make(accept: Accept<Self>) -> Result<Self> {
        let handle = Handle::for_operation("make stream")?;
        Ok(life::open(handle, Location::caller(), Outlet::new(None), Inlet::new(accept)))
    }

    /// Has `more` asked for a chunk whenever all that was pushed is told; see [`Source::pull`](super::Source::pull).
    ///
    /// ```
    /// use onward::{events::*, stream::Duplex};
    ///
    /// onward::run(|| {
    ///     let endless = Duplex::new(|_, _, done| done.ok())?;
    ///     endless.pull_from(|endless| endless.push("again"));
    ///     let mut left = 3;
    ///     endless.on(Data, move |endless, _| {
    ///         left -= 1;
    ///         if left == 0 {
    ///             endless.destroy();
    ///         }
    ///     });
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    pub fn pull_from<O: Outcome>(&self, mut more: impl FnMut(&Self) -> O + 'static) {
        self.0.core.outlet.set_pull(Box::new(move |duplex| more(duplex).into_result()));
        outlet::schedule(self);
    }

    /// Has `f` called when all has been accepted, before `Finish`; see
    /// [`Sink::before_finish`](super::Sink::before_finish). A transform has one already, which ends what is read.
    pub fn before_finish(&self, f: impl FnOnce(&Self, Done) + 'static) {
        self.0.core.inlet.set_finish(Box::new(f));
    }

    /// Has a copy of `chunk` told after all that was pushed before. `false` asks to wait until there is room.
    #[allow(clippy::must_use_candidate, reason = "a transform need not ask")]
    pub fn push(&self, chunk: impl AsRef<[u8]>) -> bool {
        outlet::push(self, Pushed::Lent(chunk.as_ref()))
    }

    /// The same for a chunk that is not needed any more: it is not copied.
    #[allow(clippy::must_use_candidate, reason = "a transform need not ask")]
    pub fn push_owned(&self, chunk: impl Into<Vec<u8>>) -> bool {
        outlet::push(self, Pushed::Owned(chunk.into()))
    }

    /// Puts a chunk back, in front of all that waits to be told.
    pub fn unshift(&self, chunk: impl AsRef<[u8]>) {
        outlet::unshift(self, chunk.as_ref());
    }

    /// No more will be pushed: `End` follows when all has been told. Node's `push(null)`.
    pub fn end_push(&self) {
        outlet::end(self);
    }

    /// Hands over a chunk, at once if nothing is in its way. `false` asks to wait for `Drain`.
    #[allow(clippy::must_use_candidate, reason = "small writes need not ask")]
    pub fn write(&self, chunk: impl AsRef<[u8]>) -> bool {
        inlet::write(self, chunk.as_ref(), None)
    }

    /// The same, and `then` hears what has become of it.
    #[allow(clippy::must_use_candidate, reason = "small writes need not ask")]
    pub fn write_then(
        &self,
        chunk: impl AsRef<[u8]>,
        then: impl FnOnce(Result<()>) + 'static,
    ) -> bool {
        inlet::write(self, chunk.as_ref(), Some(Box::new(then)))
    }

    /// Nothing more will be written: `Finish` comes when all has been accepted.
    pub fn end(&self) {
        inlet::end(self);
    }

    /// Writes a last time, and [`end`](Self::end)s.
    pub fn end_with(&self, chunk: impl AsRef<[u8]>) {
        self.write(chunk);
        self.end();
    }

    /// What is written from here on waits until it is [`uncork`](Self::uncork)ed as often.
    pub fn cork(&self) {
        inlet::cork(self);
    }

    /// Takes one cork out; with the last one all that waits is handed over.
    pub fn uncork(&self) {
        inlet::uncork(self);
    }

    /// Ends it at once, in both directions, with an error. The first error counts.
    pub fn fail(&self, error: impl Into<Error>) {
        life::destroy(self, Some(error.into()), None);
    }

    /// Ends it at once, in both directions: only `Close` follows.
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

    /// Bytes that were written, and not accepted yet.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.0.core.inlet.intake.borrow().queued()
    }

    /// Did a `write` say `false`, and its `Drain` not come yet?
    #[must_use]
    pub fn needs_drain(&self) -> bool {
        self.0.core.inlet.intake.borrow().needs_drain()
    }

    /// From how many bytes on, in each direction, [`write`](Self::write) and [`push`](Self::push) say `false`; 64 KiB
    /// unless set. A transform takes no other chunk while there is more to read.
    pub fn set_high_water(&self, bytes: usize) {
        self.0.core.outlet.high_water.set(bytes);
        self.0.core.inlet.intake.borrow_mut().high_water = bytes;
    }

    /// How many bytes may wait to be accepted; see [`Sink::set_max_queued`](super::Sink::set_max_queued).
    pub fn set_max_queued(&self, bytes: usize) {
        self.0.core.inlet.intake.borrow_mut().cap = bytes;
    }

    /// What becomes of a chunk that does not fit; see [`Sink::set_when_full`](super::Sink::set_when_full).
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

impl fmt::Debug for Duplex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let closed = if self.is_destroyed() { ", closed" } else { "" };
        let (origin, queued, buffered) = (self.0.core.origin, self.queued(), self.buffered());
        write!(f, "Duplex({origin}, {queued} bytes queued, {buffered} buffered{closed})")
    }
}
