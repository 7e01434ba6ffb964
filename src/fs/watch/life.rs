//! The life of a `Watcher`: what its eyes have seen is gathered for a while, and told.
//!
//! ```text
//!   begun ──(the pool: what is it?)──> eyes open ──> Open ──> changes ──> destroyed ──> Close
//! ```

use super::gathering::{Change, Gathered};
use super::polling::{Seen, Snapshot};
use super::tree::Tree;
use super::{WatchOptions, Watcher};
use crate::emitter::EventEmitter;
use crate::emitter::names::{Changed, Close, Created, Open, Removed, Renamed, Rescan, Skipped};
use crate::error::{Error, Result};
use crate::event_loop::{
    BlockingJob, Buffer, Description, Descriptor, Handle, Interest, Key, Origin, ResourceKind,
    Source, Timer, Trigger, pool,
};
use crate::fs::life::Over;
use std::cell::{Cell, RefCell};
use std::io;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

pub(super) const OPERATION: &str = "watch";

/// What all handles share.
pub(super) struct Inner {
    pub(super) emitter: EventEmitter<Watcher>,
    pub(super) handle: Handle,
    pub(super) origin: Origin,
    pub(super) path: PathBuf,
    pub(super) options: WatchOptions,
    pub(super) destroyed: Cell<bool>,
    pub(super) gathered: RefCell<Gathered>,
    pub(super) tree: RefCell<Option<Tree>>,
    key: Cell<Option<Key>>,
    /// When what is gathered is told.
    flush: Cell<Option<Timer>>,
    /// When it looks again.
    look: Cell<Option<Timer>>,
    /// What it watches has gone: it closes when that has been told.
    gone: Cell<bool>,
    job: Cell<Option<BlockingJob>>,
    counted: Cell<bool>,
}

#[track_caller]
pub(super) fn begin(handle: Handle, path: &Path, options: WatchOptions) -> Watcher {
    let origin = Location::caller();
    let watcher = Watcher(Rc::new(Inner {
        emitter: EventEmitter::new(),
        handle: handle.clone(),
        origin,
        path: path.to_path_buf(),
        options,
        destroyed: Cell::new(false),
        gathered: RefCell::default(),
        tree: RefCell::new(None),
        key: Cell::new(None),
        flush: Cell::new(None),
        look: Cell::new(None),
        gone: Cell::new(false),
        job: Cell::new(None),
        counted: Cell::new(true),
    }));
    // The registry keeps it, until it is closed.
    let key = handle.add_source(Rc::new(Seat(watcher.clone())), Trigger::Level, origin);
    handle.count_source(key, true);
    watcher.0.key.set(Some(key));
    match options.poll {
        Some(period) => look(&watcher, Snapshot::new(options), period, true),
        None => {
            let root = path.to_path_buf();
            let kind = move || std::fs::metadata(root).map(|metadata| metadata.is_dir());
            in_pool(&watcher, kind, |watcher, found| match found {
                Ok(is_dir) => Tree::begin(watcher, is_dir),
                Err(error) => fail(watcher, error),
            });
        }
    }
    watcher
}

/// Has the pool do something, and lets `then` have what came out, unless the watcher was closed meanwhile.
pub(super) fn in_pool<T: Send + 'static>(
    watcher: &Watcher,
    work: impl FnOnce() -> T + Send + 'static,
    then: impl FnOnce(&Watcher, T) + 'static,
) {
    let inner = &*watcher.0;
    let waiting = watcher.clone();
    let job = inner.handle.spawn_blocking_from(pool::Kind::Fs, inner.origin, work);
    let job = job.then(move |result: Result<T>| {
        waiting.0.job.set(None);
        if waiting.0.destroyed.get() {
            return;
        }
        match result {
            Ok(value) => then(&waiting, value),
            Err(error) => destroy(&waiting, Some(error.on(waiting.0.path.display()))),
        }
    });
    // The watcher itself holds the loop, if it is to.
    inner.job.set(Some(job.unref()));
}

/// Looks, tells what is different, and looks again after a while.
fn look(watcher: &Watcher, mut snapshot: Snapshot, period: Duration, first: bool) {
    let root = watcher.0.path.clone();
    let work = move || {
        let seen = snapshot.look(&root);
        (snapshot, seen)
    };
    in_pool(watcher, work, move |watcher, (snapshot, seen)| {
        let Seen { changes, skipped } = match seen {
            Ok(seen) => seen,
            Err(error) if first || error.kind() != io::ErrorKind::NotFound => {
                return fail(watcher, error);
            }
            Err(_) => return root_gone(watcher),
        };
        let inner = &*watcher.0;
        let again = watcher.clone();
        let timer = inner.handle.set_timeout_from(inner.origin, period, move || {
            again.0.look.set(None);
            look(&again, snapshot, period, false);
        });
        // In front of the listeners, so that it looks again even if one of them panics.
        inner.look.set(Some(timer.unref()));
        skipped.into_iter().for_each(|error| soon(watcher, |watcher| skip(watcher, error)));
        if first { opened(watcher) } else { tell_all(watcher, changes) }
    });
}

/// It watches from here on.
pub(super) fn opened(watcher: &Watcher) {
    tell(watcher, |watcher| watcher.0.emitter.emit(watcher, Open, ()));
}

/// What is watched has gone.
pub(super) fn root_gone(watcher: &Watcher) {
    let inner = &*watcher.0;
    inner.gathered.borrow_mut().removed(inner.path.clone());
    inner.gone.set(true);
    flush(watcher);
}

/// Something was gathered: it is told soon, or at once, if it is much.
pub(super) fn gathered(watcher: &Watcher) {
    let inner = &*watcher.0;
    let (empty, full) = {
        let gathered = inner.gathered.borrow();
        (gathered.is_empty(), gathered.is_full())
    };
    if full && inner.flush.take().is_some_and(Timer::cancel) {
        // Not from in here, where it may come from the kernel's notices.
        return soon(watcher, flush);
    }
    if empty || inner.flush.get().is_some() || inner.destroyed.get() {
        return;
    }
    let later = watcher.clone();
    let timer = inner.handle.set_timeout_from(inner.origin, inner.options.gather, move || {
        later.0.flush.set(None);
        flush(&later);
    });
    inner.flush.set(Some(timer.unref()));
}

fn flush(watcher: &Watcher) {
    let inner = &*watcher.0;
    if let Some(timer) = inner.flush.take() {
        timer.cancel();
    }
    if let Some(tree) = &mut *inner.tree.borrow_mut() {
        tree.tidy(inner.handle.turns());
    }
    let changes = inner.gathered.borrow_mut().take();
    tell_all(watcher, changes);
}

fn tell_all(watcher: &Watcher, changes: Vec<Change>) {
    let mut left = Left { watcher, changes: changes.into_iter() };
    for change in left.changes.by_ref() {
        tell(watcher, |watcher| {
            let emitter = &watcher.0.emitter;
            match &change {
                Change::Created(path) => emitter.emit(watcher, Created, path),
                Change::Changed(path) => emitter.emit(watcher, Changed, path),
                Change::Removed(path) => emitter.emit(watcher, Removed, path),
                Change::Renamed(from, to) => emitter.emit(watcher, Renamed, (from, to)),
                Change::Rescan(path) => emitter.emit(watcher, Rescan, path),
            }
        });
    }
}

/// What is still to be told when a listener panics is told later. Then it may have been all.
struct Left<'a> {
    watcher: &'a Watcher,
    changes: std::vec::IntoIter<Change>,
}

impl Drop for Left<'_> {
    fn drop(&mut self) {
        if self.watcher.0.destroyed.get() {
            return;
        }
        if self.changes.len() > 0 {
            let changes = std::mem::take(&mut self.changes).collect();
            soon(self.watcher, move |watcher| tell_all(watcher, changes));
        } else if self.watcher.0.gone.get() {
            destroy(self.watcher, None);
        }
    }
}

/// In the next turn.
pub(super) fn soon(watcher: &Watcher, then: impl FnOnce(&Watcher) + 'static) {
    let later = watcher.clone();
    watcher.0.handle.defer(watcher.0.origin, move || {
        if !later.0.destroyed.get() {
            then(&later);
        }
    });
}

/// Tells something, unless it is closed.
fn tell<T>(watcher: &Watcher, tell: impl FnOnce(&Watcher) -> T) -> Option<T> {
    if watcher.0.destroyed.get() {
        return None;
    }
    about(watcher);
    let told = tell(watcher);
    watcher.0.handle.settle();
    Some(told)
}

/// A part cannot be watched.
pub(super) fn skip(watcher: &Watcher, error: Error) {
    let called = tell(watcher, |watcher| watcher.0.emitter.emit(watcher, Skipped, &error).called);
    if called == Some(0) {
        destroy(watcher, Some(error));
    }
}

pub(super) fn fail(watcher: &Watcher, error: io::Error) {
    let error = Error::io_or_descriptors(OPERATION, error).on(watcher.0.path.display());
    destroy(watcher, Some(error));
}

/// The loop shall wait for it, or need not.
pub(super) fn count(watcher: &Watcher, counted: bool) {
    watcher.0.counted.set(counted);
    if let Some(key) = watcher.0.key.get() {
        watcher.0.handle.count_source(key, counted);
    }
}

/// Ends it at once: no more is told but the error, and the close.
pub(super) fn destroy(watcher: &Watcher, error: Option<Error>) {
    let inner = &*watcher.0;
    if inner.destroyed.replace(true) {
        return;
    }
    [&inner.flush, &inner.look].map(Cell::take).into_iter().flatten().for_each(|timer| {
        timer.cancel();
    });
    if let Some(job) = inner.job.take() {
        job.cancel();
    }
    let tree = inner.tree.take();
    drop(tree);
    let had_error = error.is_some();
    if let Some(error) = error {
        let failed = watcher.clone();
        inner.handle.at_close(inner.origin, move || {
            about(&failed);
            tell_error(&failed, error);
        });
    }
    // By itself, so that it comes even if a listener of the error panics.
    let closed = watcher.clone();
    inner.handle.at_close(inner.origin, move || {
        if let Some(key) = closed.0.key.take() {
            closed.0.handle.remove_source(key);
        }
        about(&closed);
        let _over = Over(&closed.0.emitter);
        closed.0.emitter.emit(&closed, Close, had_error);
    });
}

fn tell_error(watcher: &Watcher, error: Error) {
    if let Err(unhandled) = watcher.0.emitter.emit_error(watcher, error) {
        watcher.0.handle.fail(Error::unhandled(watcher, unhandled.into_inner()));
    }
}

/// What runs now is about this watcher.
fn about(watcher: &Watcher) {
    watcher.0.handle.about(|| Rc::new(Seat(watcher.clone())));
}

/// What the registry keeps.
struct Seat(Watcher);

impl Source for Seat {
    fn describe(&self) -> Description {
        let target = self.0.0.path.display().to_string();
        Description { kind: ResourceKind::Watcher, target }
    }

    fn observe(&self) {
        self.0.0.emitter.observe();
    }

    fn lend(&self, _: &mut dyn FnMut(Descriptor<'_>) -> io::Result<()>) -> io::Result<()> {
        Ok(())
    }

    fn ready(self: Rc<Self>, _: Interest, _: &mut Buffer) {}

    fn refused(self: Rc<Self>, _: io::Error) {}

    fn shut(self: Rc<Self>) {
        destroy(&self.0, None);
    }

    fn abandon(self: Rc<Self>) {
        let inner = &*self.0.0;
        inner.destroyed.set(true);
        let tree = inner.tree.take();
        drop(tree);
        if let Some(key) = inner.key.take() {
            inner.handle.remove_source(key);
        }
        inner.emitter.clear();
    }
}
