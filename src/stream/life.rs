//! The life of a stream that does no input or output: what reads it and what writes it are closures of the program, or
//! other streams.
//!
//! ```text
//!             all that was pushed is told, and so is `End`
//!   open ──────────────────────────────────────────────┐
//!    │ all that was written is accepted, and `Finish`   ├─ both ─> destroyed ─> closed
//!    └─────────────────────────────────────────────────┘           ^
//!      an error, destroy(), or the last handle is gone ────────────┘
//! ```
//!
//! As with sockets, "destroyed" flips at once, inside of the call; `Error` and `Close` are told in the close phase. All
//! other events come from ticks. No borrow is held while a closure or a listener runs.

use super::callbacks::Callback;
use super::inlet::Inlet;
use super::outlet::Outlet;
use crate::emitter::{Declared, Emitter, EventEmitter};
use crate::error::Error;
use crate::event_loop::{
    Buffer, Description, Descriptor, Handle, Interest, Key, Origin, ResourceKind, Source, Trigger,
};
use std::cell::{Cell, RefCell};
use std::io;
use std::rc::{Rc, Weak};

/// A cheap handle to such a stream, and what it can tell.
pub(super) trait Stream: Emitter + Declared + Clone {
    fn inner(&self) -> &Rc<Inner<Self>>;
    fn from_inner(inner: Rc<Inner<Self>>) -> Self;
    fn tell_data(&self, chunk: &[u8]);
    fn tell_end(&self);
    fn tell_drain(&self);
    fn tell_finish(&self);
    fn tell_error(&self, error: Error);
    /// The last that it tells.
    fn tell_close(&self, had_error: bool);

    fn core(&self) -> &Core<Self> {
        &self.inner().core
    }
}

/// What all handles of a stream share.
pub(super) struct Inner<S: Declared> {
    pub(super) emitter: EventEmitter<S>,
    pub(super) core: Core<S>,
}

/// Its state.
pub(super) struct Core<S: Declared> {
    pub(super) handle: Handle,
    /// Where it was made.
    pub(super) origin: Origin,
    key: Cell<Option<Key>>,
    destroyed: Cell<bool>,
    /// The other end of a pipe in memory, which lives as long as this one.
    companion: RefCell<Option<Rc<Inner<S>>>>,
    pub(super) outlet: Outlet<S>,
    pub(super) inlet: Inlet<S>,
}

impl<S: Declared> Core<S> {
    pub(super) fn is_destroyed(&self) -> bool {
        self.destroyed.get()
    }
}

/// A new stream, which the loop knows of: it is closed when the loop ends, but it never keeps the loop going.
pub(super) fn open<S: Stream>(
    handle: Handle,
    origin: Origin,
    outlet: Outlet<S>,
    inlet: Inlet<S>,
) -> S {
    let (key, destroyed) = (Cell::new(None), Cell::new(false));
    let companion = RefCell::new(None);
    let core = Core { handle, origin, key, destroyed, companion, outlet, inlet };
    let stream = S::from_inner(Rc::new(Inner { emitter: EventEmitter::new(), core }));
    let core = stream.core();
    let key = core.handle.add_source(Rc::new(Seat::of(&stream)), Trigger::Level, origin);
    core.handle.count_source(key, false);
    core.key.set(Some(key));
    stream
}

/// Tells something, runs the ticks, and goes on with `next`: if a listener panics, in the next turn, so that a loop
/// which is run again takes things to their end.
pub(super) fn tell<S: Stream>(stream: &S, tell: impl FnOnce(&S), next: fn(&S)) {
    guarded(stream, tell, next);
    settle(stream);
}

thread_local! {
    static SETTLING: Cell<bool> = const { Cell::new(false) };
}

/// Runs the ticks, so that what was told goes all the way down a pipeline before more is told.
///
/// Streams tell in ticks themselves. One that does so in here leaves the ticks to who is running them: a thousand streams
/// that have something to tell would be a thousand calls deep otherwise.
pub(super) fn settle<S: Stream>(stream: &S) {
    struct Settled;
    impl Drop for Settled {
        fn drop(&mut self) {
            SETTLING.set(false);
        }
    }
    if !SETTLING.replace(true) {
        let _settled = Settled;
        stream.core().handle.settle();
    }
}

/// Calls a closure of the program; if it panics, `next` comes in the next turn.
pub(super) fn guarded<S: Stream>(stream: &S, call: impl FnOnce(&S), next: fn(&S)) {
    let later = Later(stream, next);
    about(stream);
    call(stream);
    std::mem::forget(later);
}

struct Later<'a, S: Stream>(&'a S, fn(&S));

impl<S: Stream> Drop for Later<'_, S> {
    fn drop(&mut self) {
        let (stream, next) = (self.0.clone(), self.1);
        let core = self.0.core();
        core.handle.defer(core.origin, move || next(&stream));
    }
}

/// What runs now is about this stream.
fn about<S: Stream>(stream: &S) {
    stream.core().handle.about(|| Rc::new(Seat::of(stream)));
}

/// Both sides are through?
pub(super) fn close_if_done<S: Stream>(stream: &S) {
    if stream.core().outlet.is_through() && stream.core().inlet.is_through() {
        destroy(stream, None, None);
    }
}

/// Ends it at once. What waits is dropped. `last` is the callback of a write that was not let in.
pub(super) fn destroy<S: Stream>(stream: &S, error: Option<Error>, last: Option<Callback>) {
    let core = stream.core();
    if core.destroyed.replace(true) {
        return;
    }
    core.outlet.abandon();
    core.inlet.abandon(&core.handle, core.origin, error.as_ref(), last);
    let (failed, closed) = (stream.clone(), stream.clone());
    let had_error = error.is_some();
    // Steps of their own: a listener for errors that panics does not keep it from closing.
    if let Some(error) = error {
        core.handle.at_close(core.origin, move || {
            about(&failed);
            failed.tell_error(error);
        });
    }
    core.handle.at_close(core.origin, move || close(&closed, had_error));
}

fn close<S: Stream>(stream: &S, had_error: bool) {
    stream.core().let_go();
    about(stream);
    // Even if a listener panics.
    let _over = Over(stream);
    stream.tell_close(had_error);
}

/// When the last event has been told, the listeners go, and the closures: they may have been running before.
struct Over<'a, S: Stream>(&'a S);

impl<S: Stream> Drop for Over<'_, S> {
    fn drop(&mut self) {
        let core = self.0.core();
        self.0.inner().emitter.clear();
        let closures = (core.outlet.take_closures(), core.inlet.take_closures());
        drop(closures);
        drop(core.companion.take().map(S::from_inner));
    }
}

/// Lets two streams live as long as anybody has a handle to either.
pub(super) fn join<S: Stream>(one: &S, other: &S) {
    one.core().companion.replace(Some(Rc::clone(other.inner())));
    other.core().companion.replace(Some(Rc::clone(one.inner())));
}

/// A handle is dropped. If it was the last one, nobody can give the stream anything to do any more.
pub(super) fn handle_dropped<S: Stream>(stream: &S) {
    let (core, handles) = (stream.core(), Rc::strong_count(stream.inner()));
    // Most handles are not the last.
    if handles > 2 || core.is_destroyed() || core.handle.is_over() {
        return;
    }
    let companion = core.companion.borrow().clone();
    let kept = companion.as_ref().is_some_and(|other| other.core.companion.borrow().is_some());
    // This one, what its companion has of it; what it has of its companion, twice.
    if handles > 1 + usize::from(kept)
        || companion.as_ref().is_some_and(|other| Rc::strong_count(other) > 2)
    {
        return;
    }
    destroy(stream, None, None);
    if let Some(other) = companion.map(S::from_inner) {
        destroy(&other, None, None);
    }
}

/// What errors call it.
pub(super) fn place<S: Stream>(stream: &S) -> String {
    format!("{} of {}", S::NAME, stream.core().origin)
}

impl<S: Declared> Core<S> {
    fn let_go(&self) {
        if let Some(key) = self.key.take() {
            self.handle.remove_source(key);
        }
    }
}

impl<S: Declared> Drop for Core<S> {
    fn drop(&mut self) {
        self.let_go();
    }
}

/// What the registry keeps of it, which does not keep it alive.
struct Seat<S: Stream>(Weak<Inner<S>>);

impl<S: Stream> Seat<S> {
    fn of(stream: &S) -> Self {
        Self(Rc::downgrade(stream.inner()))
    }
}

impl<S: Stream> Source for Seat<S> {
    fn describe(&self) -> Description {
        Description { kind: ResourceKind::Stream, target: S::NAME.to_owned() }
    }

    fn observe(&self) {
        self.0.upgrade().iter().for_each(|inner| inner.emitter.observe());
    }

    fn lend(&self, _: &mut dyn FnMut(Descriptor<'_>) -> io::Result<()>) -> io::Result<()> {
        Ok(())
    }

    fn ready(self: Rc<Self>, _: Interest, _: &mut Buffer) {}

    fn refused(self: Rc<Self>, _: io::Error) {}

    fn shut(self: Rc<Self>) {
        if let Some(inner) = self.0.upgrade() {
            destroy(&S::from_inner(inner), None, None);
        }
    }
}
