//! How a closure that takes chunks says how it went.

use super::inlet::Accepting;
use super::life::Stream;
use crate::error::{Error, ErrorKind, Result};
use std::fmt;
use std::rc::{Rc, Weak};

/// What a closure that takes or makes chunks may return: nothing, a `Result` whose error destroys the stream, or what
/// `push` or `write` has said last, which is not looked at.
///
/// ```
/// use onward::stream::Sink;
///
/// onward::run(|| {
///     let quiet = Sink::new(|chunk| println!("{} bytes", chunk.len()))?;
///     let strict = Sink::new(|chunk| match std::str::from_utf8(chunk) {
///         Ok(text) => Ok(println!("{text}")),
///         Err(error) => Err(onward::Error::other(error)),
///     })?;
///     # quiet.end_with("hello");
///     # strict.end_with("hello");
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "the closure of a stream returns nothing, a `bool` or an `onward::Result<()>`, not `{Self}`",
    label = "this is what it returns",
    note = "end it with a `;`, or with `Ok(())`"
)]
pub trait Outcome {
    /// As a `Result`.
    fn into_result(self) -> Result<()>;
}

impl Outcome for () {
    fn into_result(self) -> Result<()> {
        Ok(())
    }
}

impl Outcome for bool {
    fn into_result(self) -> Result<()> {
        Ok(())
    }
}

impl Outcome for Result<()> {
    fn into_result(self) -> Result<()> {
        self
    }
}

/// Says that a chunk has been accepted, now or later: Node's `callback` of `write(chunk, encoding, callback)`.
///
/// Until then the stream hands over no other chunk.
///
/// One that is dropped without a word is an error of the stream, of kind [`Cancelled`](ErrorKind::Cancelled): it would
/// wait for ever otherwise.
///
/// ```
/// use onward::stream::Sink;
/// use std::time::Duration;
///
/// onward::run(|| {
///     let slow = Sink::with_done(|_, chunk, done| {
///         let text = String::from_utf8_lossy(chunk).into_owned();
///         onward::set_timeout(Duration::from_millis(1), move || {
///             println!("{text}");
///             done.ok(); // the next one may come
///         });
///     })?;
///     slow.write("one");
///     slow.end_with("two");
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[must_use = "the stream waits for it, and fails if it is dropped"]
pub struct Done(Option<Rc<dyn Accepting>>);

impl Done {
    pub(super) fn of<S: Stream>(stream: &S) -> Self {
        let inner = Rc::clone(stream.inner());
        Self(Some(inner))
    }

    /// It went well.
    pub fn ok(self) {
        self.with(Ok(()));
    }

    /// It did not: the stream is destroyed with this error.
    pub fn fail(self, error: impl Into<Error>) {
        self.with(Err(error.into()));
    }

    /// It went as the result says.
    pub fn with(mut self, result: Result<()>) {
        if let Some(stream) = self.0.take() {
            stream.settled(result);
        }
    }

    /// Puts off the answer: somebody else will give it.
    pub(super) fn put_off(mut self) -> Option<Weak<dyn Accepting>> {
        self.0.take().map(|stream| Rc::downgrade(&stream))
    }
}

impl Drop for Done {
    fn drop(&mut self) {
        if let Some(stream) = self.0.take() {
            stream.settled(Err(Error::new(ErrorKind::Cancelled, "write")));
        }
    }
}

impl fmt::Debug for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Done")
    }
}
