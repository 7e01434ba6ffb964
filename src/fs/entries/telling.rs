//! The life of `Entries`: a batch comes from the pool, is told, and the next one is asked for.

use super::walker::{Batch, Found, Walker};
use super::{DirEntry, Entries};
use crate::emitter::EventEmitter;
use crate::emitter::names::{Close, End, Entry, Skipped};
use crate::error::{Error, Result};
use crate::event_loop::{
    BlockingJob, Buffer, Description, Descriptor, Handle, Interest, Key, Origin, ResourceKind,
    Source, Trigger, pool,
};
use crate::fs::life;
use crate::stream::Flow;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::rc::{Rc, Weak};

/// Entries that are told in one turn. The rest of the loop is served before there are more.
const PER_TURN: usize = 256;

/// What all handles share.
pub(super) struct Inner {
    pub(super) emitter: EventEmitter<Entries>,
    pub(super) flow: Flow,
    pub(super) path: PathBuf,
    pub(super) told: Cell<u64>,
    pub(super) destroyed: Cell<bool>,
    handle: Handle,
    origin: Origin,
    key: Cell<Option<Key>>,
    /// Not here while the pool works with it.
    walker: Cell<Option<Walker>>,
    job: Cell<Option<BlockingJob>>,
    scheduled: Cell<bool>,
    waiting: RefCell<VecDeque<Found>>,
    /// No more comes than what waits; with the error that is the reason.
    last: Cell<bool>,
    failed: Cell<Option<Error>>,
}

#[track_caller]
pub(super) fn begin(handle: Handle, path: &Path, walker: Walker) -> Entries {
    let origin = Location::caller();
    let entries = Entries(Rc::new(Inner {
        emitter: EventEmitter::new(),
        flow: Flow::default(),
        path: path.to_path_buf(),
        told: Cell::new(0),
        destroyed: Cell::new(false),
        handle: handle.clone(),
        origin,
        key: Cell::new(None),
        walker: Cell::new(Some(walker)),
        job: Cell::new(None),
        scheduled: Cell::new(false),
        waiting: RefCell::default(),
        last: Cell::new(false),
        failed: Cell::new(None),
    }));
    let key = handle.add_source(Rc::new(Seat::of(&entries)), Trigger::Level, origin);
    handle.count_source(key, false);
    entries.0.key.set(Some(key));
    entries
}

/// It may have something to do now: in the next turn.
pub(super) fn update(entries: &Entries) {
    let inner = &*entries.0;
    let busy = inner.job.get().is_some() || inner.destroyed.get();
    if busy || !inner.flow.is_flowing() || inner.scheduled.replace(true) {
        return;
    }
    let going_on = entries.clone();
    inner.handle.defer(inner.origin, move || {
        going_on.0.scheduled.set(false);
        advance(&going_on);
    });
}

/// However this turn ends, by a listener's panic too, the next one goes on from there.
struct GoOn<'a>(&'a Entries);

impl Drop for GoOn<'_> {
    fn drop(&mut self) {
        update(self.0);
    }
}

fn advance(entries: &Entries) {
    let inner = &*entries.0;
    let _going_on = GoOn(entries);
    for _ in 0..PER_TURN {
        if inner.destroyed.get() || !inner.flow.is_flowing() {
            return;
        }
        about(entries);
        let next = inner.waiting.borrow_mut().pop_front();
        match next {
            Some(Found::Entry(entry)) => tell_entry(entries, entry),
            Some(Found::Skipped(error)) => tell_skipped(entries, error),
            None if inner.last.get() => return end(entries),
            None => return ask(entries),
        }
        inner.handle.settle();
    }
}

fn tell_entry(entries: &Entries, entry: DirEntry) {
    entries.0.told.set(entries.0.told.get() + 1);
    entries.0.emitter.emit(entries, Entry, entry);
}

fn tell_skipped(entries: &Entries, error: Error) {
    if entries.0.emitter.emit(entries, Skipped, &error).called == 0 {
        destroy(entries, Some(error));
    }
}

fn end(entries: &Entries) {
    let inner = &*entries.0;
    let error = inner.failed.take();
    if error.is_some() {
        return destroy(entries, error);
    }
    let _over = Over(entries);
    inner.emitter.emit(entries, End, ());
    inner.handle.settle();
}

/// When the end has been told it closes, even if a listener panics.
struct Over<'a>(&'a Entries);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        destroy(self.0, None);
    }
}

/// Has the pool read on.
fn ask(entries: &Entries) {
    let inner = &*entries.0;
    let Some(mut walker) = inner.walker.take() else { return };
    let work = move || {
        let batch = walker.next_batch();
        (walker, batch)
    };
    let asking = entries.clone();
    let job = inner.handle.spawn_blocking_from(pool::Kind::Fs, inner.origin, work);
    let job = job.then(move |result: Result<(Walker, Batch)>| {
        let inner = &*asking.0;
        inner.job.set(None);
        match result {
            Ok((walker, batch)) => {
                inner.walker.set(Some(walker));
                inner.waiting.replace(batch.found.into());
                inner.last.set(batch.last);
                inner.failed.set(batch.failed);
                update(&asking);
            }
            Err(error) => destroy(&asking, Some(error.on(inner.path.display()))),
        }
    });
    inner.job.set(Some(job));
}

/// Ends it at once: no more is told but the error, and the close.
pub(super) fn destroy(entries: &Entries, error: Option<Error>) {
    let inner = &*entries.0;
    if inner.destroyed.replace(true) {
        return;
    }
    inner.flow.end();
    let waiting = inner.waiting.take();
    drop(waiting);
    if let Some(job) = inner.job.take() {
        job.cancel();
    }
    let had_error = error.is_some();
    if let Some(error) = error {
        let failed = entries.clone();
        inner.handle.at_close(inner.origin, move || {
            about(&failed);
            tell_error(&failed, error);
        });
    }
    // By itself, so that it comes even if a listener of the error panics.
    let closed = entries.clone();
    inner.handle.at_close(inner.origin, move || {
        about(&closed);
        closed.0.let_go();
        let _over = life::Over(&closed.0.emitter);
        closed.0.emitter.emit(&closed, Close, had_error);
    });
}

fn tell_error(entries: &Entries, error: Error) {
    if let Err(unhandled) = entries.0.emitter.emit_error(entries, error) {
        entries.0.handle.fail(Error::unhandled(entries, unhandled.into_inner()));
    }
}

/// A handle is dropped. If it was the last one, nobody can read it any more.
pub(super) fn handle_dropped(entries: &Entries) {
    let inner = &entries.0;
    if Rc::strong_count(inner) == 1 && !inner.destroyed.get() && !inner.handle.is_over() {
        destroy(entries, None);
    }
}

/// What runs now is about these entries.
fn about(entries: &Entries) {
    entries.0.handle.about(|| Rc::new(Seat::of(entries)));
}

impl Inner {
    fn let_go(&self) {
        drop(self.walker.take());
        if let Some(key) = self.key.take() {
            self.handle.remove_source(key);
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.let_go();
    }
}

/// What the registry keeps, which does not keep them alive.
struct Seat(Weak<Inner>);

impl Seat {
    fn of(entries: &Entries) -> Self {
        Self(Rc::downgrade(&entries.0))
    }
}

impl Source for Seat {
    fn describe(&self) -> Description {
        let target = self.0.upgrade().map(|inner| inner.path.display().to_string());
        Description { kind: ResourceKind::Directory, target: target.unwrap_or_default() }
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
            destroy(&Entries(inner), None);
        }
    }

    fn abandon(self: Rc<Self>) {
        let Some(inner) = self.0.upgrade() else { return };
        inner.destroyed.set(true);
        inner.flow.end();
        let waiting = inner.waiting.take();
        drop(waiting);
        inner.let_go();
        inner.emitter.clear();
    }
}
