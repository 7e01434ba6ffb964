//! A sink for tests: it keeps what it gets, and can be told to be slow, to fail, or to close.

use super::outcome::Done;
use super::sink::Sink;
use crate::error::{Error, Result};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

/// Keeps what is written to its [`sink`](Self::sink)s: for tests.
///
/// A cheap handle: clones are the same collector. Streams to read are made by
/// [`Source::from_iter`](super::Source::from_iter), with chunks of any size; both directions by
/// [`Duplex::pair`](super::Duplex::pair).
///
/// ```
/// use onward::events::*;
/// use onward::stream::{Collector, Source};
///
/// let collected = Collector::new();
/// # let seen = collected.clone();
/// onward::run(move || {
///     Source::from_iter("hello, world".as_bytes().chunks(5))?.pipe(&collected.sink()?);
///     Ok(())
/// })?;
/// # let collected = seen;
/// assert_eq!(collected.text(), "hello, world");
/// assert_eq!(collected.chunks().len(), 3);
/// # Ok::<(), onward::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Collector(Rc<Inner>);

#[derive(Default)]
struct Inner {
    chunks: RefCell<Vec<Vec<u8>>>,
    bytes: Cell<usize>,
    delay: Cell<Option<Duration>>,
    fails: RefCell<Option<(usize, Error)>>,
    closes: Cell<Option<usize>>,
}

impl Collector {
    /// One that has nothing, and takes everything at once.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// It takes that long over each chunk.
    #[must_use]
    pub fn delay(self, delay: Duration) -> Self {
        self.0.delay.set(Some(delay));
        self
    }

    /// It fails with `error` at the first chunk beyond that many bytes.
    ///
    /// ```
    /// use onward::{Error, stream::{Collector, Source, pipeline}};
    ///
    /// onward::run(|| {
    ///     let full = Collector::new().fail_after(3, Error::other("the disk is full"));
    ///     pipeline(&Source::from_iter(["abc", "d"])?, &full.sink()?, move |result| {
    ///         assert_eq!(result.unwrap_err().to_string(), "the disk is full");
    ///         assert_eq!(full.text(), "abc");
    ///     });
    ///     Ok(())
    /// })?;
    /// # Ok::<(), Error>(())
    /// ```
    #[must_use]
    pub fn fail_after(self, bytes: usize, error: Error) -> Self {
        self.0.fails.replace(Some((bytes, error)));
        self
    }

    /// Its sink is destroyed at the first chunk beyond that many bytes.
    #[must_use]
    pub fn close_after(self, bytes: usize) -> Self {
        self.0.closes.set(Some(bytes));
        self
    }

    /// A sink that brings what is written to it here.
    ///
    /// # Errors
    ///
    /// Not in a loop.
    #[track_caller]
    pub fn sink(&self) -> Result<Sink> {
        let inner = Rc::clone(&self.0);
        Sink::with_done(move |sink, chunk, done| inner.take(sink, chunk, done))
    }

    /// What has come, chunk by chunk as it was written.
    #[must_use]
    pub fn chunks(&self) -> Vec<Vec<u8>> {
        self.0.chunks.borrow().clone()
    }

    /// What has come.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.0.chunks.borrow().concat()
    }

    /// What has come, as text; what is no UTF-8 in it as U+FFFD.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    /// How many bytes have come.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.bytes.get()
    }

    /// Has nothing come?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Inner {
    fn take(&self, sink: &Sink, chunk: &[u8], done: Done) {
        let bytes = self.bytes.get() + chunk.len();
        if let Some((_, error)) = self.fails.borrow().as_ref().filter(|(after, _)| bytes > *after) {
            return done.fail(error.clone());
        }
        if self.closes.get().is_some_and(|after| bytes > after) {
            sink.destroy();
            return done.ok();
        }
        self.bytes.set(bytes);
        self.chunks.borrow_mut().push(chunk.to_vec());
        match self.delay.get() {
            Some(delay) => drop(crate::event_loop::set_timeout(delay, move || done.ok())),
            None => done.ok(),
        }
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Collector({} bytes in {} chunks)", self.len(), self.0.chunks.borrow().len())
    }
}
