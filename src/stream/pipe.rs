//! From any readable to any writable, with backpressure, and with both ends cleaned up.

use super::traits::{ReadControl, ReadEar, Readable, Writable, WriteControl, WriteEar};
use crate::emitter::Listener;
use crate::error::{Error, ErrorKind, Result};
use crate::event_loop::Handle;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// How a pipe behaves; [`Default`] is what [`pipe`](Readable::pipe) does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PipeOptions {
    /// End the writable when the readable ends. Yes, unless said otherwise.
    pub end: bool,
}

impl PipeOptions {
    /// The defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self { end: true }
    }

    /// Sets whether the writable is ended when the readable ends; without, it can be piped to again.
    #[must_use]
    pub const fn end(self, end: bool) -> Self {
        Self { end }
    }
}

impl Default for PipeOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// Pipes `from` to `to`, and calls `done` when both are through: Node's `pipeline`.
///
/// `done` gets the first error of either end, or [`ErrorKind::PrematureClose`] when one closed before
/// all was said, or `Ok` when `to` has finished and closed. Their errors count as heard.
///
/// ```
/// use onward::fs::{ReadStream, WriteStream};
/// use onward::stream::pipeline;
///
/// let copy = std::env::temp_dir().join("onward-doc-copy");
/// let path = copy.clone();
/// onward::run(move || {
///     pipeline(&ReadStream::open("Cargo.toml")?, &WriteStream::create(path)?, |result| match result {
///         Ok(()) => println!("copied"),
///         Err(error) => println!("not copied: {error}"),
///     });
///     Ok(())
/// })?;
/// assert_eq!(std::fs::read("Cargo.toml")?, std::fs::read(&copy)?);
/// # std::fs::remove_file(copy)?;
/// # Ok::<(), onward::Error>(())
/// ```
pub fn pipeline<R: Readable, W: Writable>(
    from: &R,
    to: &W,
    done: impl FnOnce(Result<()>) + 'static,
) {
    connect(from, to, PipeOptions::new(), Some(Box::new(done)));
}

type Done = Box<dyn FnOnce(Result<()>)>;

/// What stands between the two: the listeners on both sides share it.
struct Link<R, W> {
    from: R,
    to: W,
    options: PipeOptions,
    done: Cell<Option<Done>>,
    error: RefCell<Option<Error>>,
    holding: Cell<bool>,
    from_ended: Cell<bool>,
    from_closed: Cell<bool>,
    to_finished: Cell<bool>,
    to_closed: Cell<bool>,
    /// On `to`, which may outlive this link.
    listeners: RefCell<Vec<Listener>>,
}

pub(super) fn connect<R: Readable, W: Writable>(
    from: &R,
    to: &W,
    options: PipeOptions,
    done: Option<Done>,
) {
    let takes_errors = done.is_some();
    let link = Rc::new(Link {
        from: from.clone(),
        to: to.clone(),
        options,
        done: Cell::new(done),
        error: RefCell::new(None),
        holding: Cell::new(false),
        from_ended: Cell::new(false),
        from_closed: Cell::new(false),
        to_finished: Cell::new(false),
        to_closed: Cell::new(false),
        listeners: RefCell::new(Vec::new()),
    });
    let listeners = to.hear(Rc::clone(&link) as Rc<dyn WriteEar>, takes_errors);
    link.listeners.replace(listeners);
    from.hear(Rc::clone(&link) as Rc<dyn ReadEar>, takes_errors);
    from.resume();
    // What was told before is not told again.
    link.to_closed.set(to.is_destroyed());
    link.from_closed.set(from.is_destroyed());
    if to.is_destroyed() {
        from.destroy();
    } else if from.is_destroyed() {
        to.destroy();
    } else if from.has_ended() {
        return later(move || link.ended());
    }
    if to.is_destroyed() && from.is_destroyed() {
        later(move || link.conclude());
    }
}

/// Not from inside of the call that connects the two; streams without a loop have no later.
#[track_caller]
fn later(f: impl FnOnce() + 'static) {
    match Handle::current() {
        Ok(handle) => handle.next_tick(f),
        Err(_) => f(),
    }
}

impl<R: ReadControl, W: WriteControl> Link<R, W> {
    fn keep(&self, error: &Error) {
        self.error.borrow_mut().get_or_insert_with(|| error.clone());
    }

    /// Both sides are through: say how it went.
    fn conclude(&self) {
        let through = self.to_closed.get() && (self.from_closed.get() || self.from_ended.get());
        if !through {
            return;
        }
        let Some(done) = self.done.take() else { return };
        let complete = self.from_ended.get() && self.to_finished.get();
        done(match self.error.take() {
            Some(error) => Err(error),
            None if complete => Ok(()),
            None => Err(Error::new(ErrorKind::PrematureClose, "pipe")),
        });
    }

    /// The writable lives on without us.
    fn leave(&self) {
        for listener in self.listeners.take() {
            self.to.off(listener);
        }
    }
}

impl<R: ReadControl, W: WriteControl> ReadEar for Link<R, W> {
    fn data(&self, chunk: &[u8]) {
        if !self.to.write_chunk(chunk) && !self.holding.replace(true) {
            self.from.hold();
        }
    }

    fn ended(&self) {
        self.from_ended.set(true);
        if self.options.end {
            self.to.end();
        }
    }

    fn failed(&self, error: &Error) {
        self.keep(error);
    }

    fn closed(&self) {
        self.from_closed.set(true);
        if !self.from_ended.get() {
            self.to.destroy();
        } else if !self.options.end {
            self.leave();
        }
        self.conclude();
    }
}

impl<R: ReadControl, W: WriteControl> WriteEar for Link<R, W> {
    fn drained(&self) {
        if self.holding.replace(false) {
            self.from.release();
        }
    }

    fn finished(&self) {
        self.to_finished.set(true);
    }

    fn failed(&self, error: &Error) {
        self.keep(error);
    }

    fn closed(&self) {
        self.to_closed.set(true);
        if !self.from_ended.get() {
            self.from.destroy();
        }
        self.conclude();
    }
}
