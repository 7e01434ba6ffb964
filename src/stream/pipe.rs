//! The link between any readable and any writable, with backpressure, and with both ends cleaned up.

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

/// What becomes of all the links of a pipeline.
#[doc(hidden)]
#[allow(missing_debug_implementations)]
pub struct Verdict {
    left: Cell<usize>,
    complete: Cell<bool>,
    /// The first one that any of the streams told.
    error: RefCell<Option<Error>>,
    done: Cell<Option<Done>>,
}

type Done = Box<dyn FnOnce(Result<()>)>;

impl Verdict {
    pub(super) fn new(links: usize, done: impl FnOnce(Result<()>) + 'static) -> Rc<Self> {
        Rc::new(Self {
            left: Cell::new(links),
            complete: Cell::new(true),
            error: RefCell::new(None),
            done: Cell::new(Some(Box::new(done))),
        })
    }

    fn keep(&self, error: &Error) {
        self.error.borrow_mut().get_or_insert_with(|| error.clone());
    }

    /// One of the links is through.
    fn conclude(&self, complete: bool) {
        self.left.set(self.left.get() - 1);
        self.complete.set(self.complete.get() && complete);
        if self.left.get() > 0 {
            return;
        }
        let Some(done) = self.done.take() else { return };
        done(match self.error.take() {
            Some(error) => Err(error),
            None if self.complete.get() => Ok(()),
            None => Err(Error::new(ErrorKind::PrematureClose, "pipe")),
        });
    }
}

/// The sinks of a tee: how many there are still.
#[doc(hidden)]
pub type Group = Rc<Cell<usize>>;

/// Who else is concerned by what happens to a link.
#[derive(Default)]
pub(super) struct Concerned {
    pub(super) verdict: Option<Rc<Verdict>>,
    pub(super) group: Option<Group>,
}

/// What stands between the two: the listeners on both sides share it.
struct Link<R, W> {
    from: R,
    to: W,
    options: PipeOptions,
    concerned: Concerned,
    concluded: Cell<bool>,
    holding: Cell<bool>,
    from_ended: Cell<bool>,
    from_closed: Cell<bool>,
    to_finished: Cell<bool>,
    to_closed: Cell<bool>,
    /// That the writable takes no more is known.
    missed: Cell<bool>,
    /// For the listener of `Data`: as long as that is there, so is this.
    heard: Cell<Option<Rc<()>>>,
    /// Either end may outlive this link.
    on_from: RefCell<Vec<Listener>>,
    on_to: RefCell<Vec<Listener>>,
}

pub(super) fn connect<R: Readable, W: Writable>(
    from: &R,
    to: &W,
    options: PipeOptions,
    concerned: Concerned,
) {
    let takes_errors = concerned.verdict.is_some();
    let token = Rc::new(());
    let heard = Rc::downgrade(&token);
    let link = Rc::new(Link {
        from: from.clone(),
        to: to.clone(),
        options,
        concerned,
        concluded: Cell::new(false),
        holding: Cell::new(false),
        from_ended: Cell::new(false),
        from_closed: Cell::new(false),
        to_finished: Cell::new(false),
        to_closed: Cell::new(false),
        missed: Cell::new(false),
        heard: Cell::new(Some(token)),
        on_from: RefCell::default(),
        on_to: RefCell::default(),
    });
    link.on_to.replace(to.hear(Rc::clone(&link) as Rc<dyn WriteEar>, takes_errors));
    link.on_from.replace(from.hear(Rc::clone(&link) as Rc<dyn ReadEar>, takes_errors));
    if to.keeps_chunks() {
        from.have_kept(true);
        to.draw_from(from, heard);
    }
    from.resume();
    // What was told before is not told again.
    link.to_closed.set(to.is_destroyed());
    link.from_closed.set(from.is_destroyed());
    if to.is_destroyed() {
        link.sink_has_gone();
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
        self.concerned.verdict.iter().for_each(|verdict| verdict.keep(error));
    }

    /// Both sides are through: say how it went.
    fn conclude(&self) {
        let through = self.to_closed.get() && (self.from_closed.get() || self.from_ended.get());
        if !through || self.concluded.replace(true) {
            return;
        }
        let complete = self.from_ended.get() && self.to_finished.get();
        self.concerned.verdict.iter().for_each(|verdict| verdict.conclude(complete));
    }

    /// The writable lives on without us.
    fn leave(&self) {
        for listener in self.on_to.take() {
            self.to.off(listener);
        }
    }

    /// The writable takes no more, though there is more: then the source is of no use, unless it has other sinks.
    fn sink_has_gone(&self) {
        // One that was gone when it was connected tells so later.
        if self.missed.replace(true) {
            return;
        }
        let others = self.concerned.group.as_ref().map_or(0, |group| {
            group.set(group.get() - 1);
            group.get()
        });
        if others == 0 {
            return self.from.destroy();
        }
        for listener in self.on_from.take() {
            self.from.off(listener);
        }
        if self.to.keeps_chunks() {
            self.from.have_kept(false);
        }
        if self.holding.replace(false) {
            self.from.release();
        }
    }
}

impl<R: ReadControl, W: WriteControl> ReadEar for Link<R, W> {
    fn data(&self, chunk: &[u8]) {
        let kept = if self.to.keeps_chunks() { self.from.kept(chunk) } else { None };
        let go_on = match kept {
            Some(kept) => self.to.write_kept(kept),
            None => self.to.write_chunk(chunk),
        };
        if !go_on && !self.holding.replace(true) {
            self.from.hold();
        }
    }

    fn token(&self) -> Option<Rc<()>> {
        self.heard.take()
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
            self.sink_has_gone();
        }
        self.conclude();
    }
}
