//! The life of an open file, whichever way bytes go: its place on the loop, its work on the pool, its
//! end.
//!
//! ```text
//!   opening ─────> open: cached, by the pool, or by the poller ─────> destroyed ─────> closed
//!      │ an error, or destroy()                                        ^    the work in flight is
//!      └───────────────────────────────────────────────────────────────┘    waited for in between
//! ```
//!
//! "Destroyed" flips at once, inside of the call. `Error` and `Close` are told in the close phase, once
//! no other thread works on the file any more.

use super::beside::Beside;
use super::seat::{Seat, Slot};
use super::sys::{self, Is, Kind};
use crate::emitter::{Declared, EventEmitter};
use crate::error::{Error, ErrorKind, Result};
use crate::event_loop::{Handle, Interest, Key, Origin, ResourceKind, Timer, Trigger, pool};
use std::cell::{Cell, OnceCell, RefCell};
use std::fs::File;
use std::io;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

/// The first wait for what is not possible yet, and the longest; each is twice the one before.
const SHORTEST_WAIT: Duration = Duration::from_millis(10);
const LONGEST_WAIT: Duration = Duration::from_millis(200);

/// A cheap handle to a file that is on the loop, and tells what happens to it.
pub(super) trait FileStream: Clone + 'static {
    type Inner: 'static;
    /// What a dump calls it.
    const KIND: ResourceKind;
    /// Has its emitter observed.
    fn observe(&self);
    fn inner(&self) -> &Rc<Self::Inner>;
    fn from_inner(inner: Rc<Self::Inner>) -> Self;
    fn life(&self) -> &Life<Self>;
    /// How a file of this kind is to be served.
    fn way(&self, kind: Kind) -> Way;
    /// What the file was when it was opened.
    fn opened(&self, is: Is);
    /// The file is one beside that which it is to replace.
    fn keep_beside(&self, _beside: Beside) {}
    /// What is left to be cleared away, by whoever drops it.
    fn left_over(&self) -> Option<Beside> {
        None
    }
    /// Does it wait for what neither the poller nor the pool will tell?
    fn is_dormant(&self) -> bool {
        false
    }
    /// Can it go on although the pool is at work for it?
    fn has_ready(&self) -> bool {
        false
    }
    /// Those who wait for what will never be hear of it.
    fn tell_unfinished(&self, _error: Option<&Error>) {}
    /// What it would do with the file, if it could.
    fn interest(&self) -> Interest;
    /// Has it something to do or to tell that waits for nobody?
    fn is_due(&self) -> bool;
    /// Does what can be done at once; `ready` says that the poller says so.
    fn advance(&self, ready: bool);
    /// Drops what is left to do.
    fn abandon(&self);
    /// Drops all who would be told.
    fn forget_all(&self);
    fn tell_open(&self);
    fn tell_error(&self, error: Error);
    /// The last that it tells.
    fn tell_close(&self, had_error: bool);
}

/// Who moves the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Nobody yet.
    Opening,
    /// The loop itself what is cached, the pool the rest.
    Cached,
    /// The pool.
    Pool,
    /// The loop, when the poller says that the file is ready.
    Polled,
}

/// What both directions have in common.
pub(super) struct Life<S: FileStream> {
    pub(super) handle: Handle,
    path: Option<PathBuf>,
    /// Where it was opened.
    origin: Origin,
    file: Rc<Slot>,
    seat: OnceCell<Weak<Seat<S>>>,
    key: Cell<Option<Key>>,
    pub(super) way: Cell<Way>,
    /// The pool is at work for it.
    busy: Cell<bool>,
    /// It is about to go on by itself.
    scheduled: Cell<bool>,
    destroyed: Cell<bool>,
    closing: Cell<bool>,
    error: RefCell<Option<Error>>,
    /// The loop shall wait for it.
    counted: Cell<bool>,
    timer: Cell<Option<Timer>>,
    wait: Cell<Duration>,
}

impl<S: FileStream> Life<S> {
    #[track_caller]
    pub(super) fn new(handle: Handle, path: Option<&Path>) -> Self {
        Self {
            handle,
            path: path.map(Path::to_path_buf),
            origin: Location::caller(),
            file: Rc::default(),
            seat: OnceCell::new(),
            key: Cell::new(None),
            way: Cell::new(Way::Opening),
            busy: Cell::new(false),
            scheduled: Cell::new(false),
            destroyed: Cell::new(false),
            closing: Cell::new(false),
            error: RefCell::new(None),
            counted: Cell::new(true),
            timer: Cell::new(None),
            wait: Cell::new(SHORTEST_WAIT),
        }
    }

    /// Where it was opened.
    pub(super) fn origin(&self) -> Origin {
        self.origin
    }

    pub(super) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// What errors call the file.
    pub(super) fn target(&self) -> String {
        match (&self.path, &*self.file.borrow()) {
            (Some(path), _) => path.display().to_string(),
            (None, Some(file)) => sys::name(file),
            (None, None) => "a closed file".into(),
        }
    }

    /// An error of the system, met in `operation` on this file.
    pub(super) fn error(&self, operation: &'static str, error: io::Error) -> Error {
        Error::io(operation, error).on(self.target())
    }

    pub(super) fn is_destroyed(&self) -> bool {
        self.destroyed.get()
    }

    pub(super) fn is_busy(&self) -> bool {
        self.busy.get()
    }

    pub(super) fn is_open(&self) -> bool {
        self.way.get() != Way::Opening && !self.destroyed.get()
    }

    pub(super) fn keep(&self, file: File) {
        self.file.replace(Some(Arc::new(file)));
    }

    /// Does something with the open file; no user code may run in here.
    pub(super) fn with_file<T>(&self, f: impl FnOnce(&File) -> io::Result<T>) -> io::Result<T> {
        self.file.borrow().as_deref().map_or(Err(io::ErrorKind::NotFound.into()), f)
    }

    /// The loop shall wait for it, or need not.
    pub(super) fn count(&self, counted: bool) {
        self.counted.set(counted);
        if let (Some(seat), Some(key)) = (self.seat(), self.key.get()) {
            self.handle.count_source(key, counted && seat.is_awaited());
        }
        if let Some(timer) = self.timer.get() {
            let _ = if counted { timer.ref_() } else { timer.unref() };
        }
    }

    fn seat(&self) -> Option<Rc<Seat<S>>> {
        self.seat.get().and_then(Weak::upgrade)
    }

    /// What `Debug` says of its state.
    pub(super) fn state(&self) -> &'static str {
        match (self.destroyed.get(), self.way.get()) {
            (true, _) => ", closed",
            (false, Way::Opening) => ", opening",
            (false, _) => "",
        }
    }
}

/// Gives a new stream its place on the loop.
pub(super) fn settle_in<S: FileStream>(stream: &S) {
    let life = stream.life();
    let seat = Rc::new(Seat::new(Rc::clone(&life.file), stream));
    let _ = life.seat.set(Rc::downgrade(&seat));
    let key = life.handle.add_source(seat, Trigger::Level, life.origin);
    life.handle.count_source(key, false);
    life.key.set(Some(key));
}

/// The file is open.
pub(super) fn opened<S: FileStream>(stream: &S, is: Is) {
    let life = stream.life();
    if life.destroyed.get() {
        return;
    }
    stream.opened(is);
    life.way.set(stream.way(is.kind));
    // In front of the listeners, so that it goes on if one of them panics.
    update(stream);
    about(stream);
    stream.tell_open();
    life.handle.settle();
}

/// It may have something to do now, or nothing any more.
pub(super) fn update<S: FileStream>(stream: &S) {
    let life = stream.life();
    if life.way.get() == Way::Opening || life.closing.get() {
        return;
    }
    let due = stream.is_due();
    let idle = due || life.destroyed.get();
    let interest = if idle { Interest::NONE } else { stream.interest() };
    let (waits, polled) = (interest != Interest::NONE, life.way.get() == Way::Polled);
    let dormant = waits && !polled && stream.is_dormant();
    if polled {
        life.wait_for(interest, waits.then(|| stream.clone()));
    } else if life.seat().is_some_and(|seat| seat.is_awaited() != dormant) {
        life.wait_for(Interest::NONE, dormant.then(|| stream.clone()));
    }
    if due || waits && !polled && !dormant {
        schedule(stream);
    }
}

/// Lets it advance in the next turn, unless it will anyway.
pub(super) fn schedule<S: FileStream>(stream: &S) {
    let life = stream.life();
    let waits = life.busy.get() && !stream.has_ready();
    if !life.is_open() || waits || life.scheduled.replace(true) {
        return;
    }
    let stream = stream.clone();
    let (handle, origin) = (life.handle.clone(), life.origin);
    handle.defer(origin, move || {
        stream.life().scheduled.set(false);
        if stream.life().is_open() {
            about(&stream);
            stream.advance(false);
        }
    });
}

/// Works on the file on the pool, then lets `then` have the result, even if the stream has been
/// destroyed meanwhile. One piece of work at a time.
pub(super) fn in_pool<S: FileStream, T: Send + 'static>(
    stream: &S,
    work: impl FnOnce(Option<&File>) -> T + Send + 'static,
    then: impl FnOnce(&S, T) + 'static,
) {
    let life = stream.life();
    life.busy.set(true);
    let file = life.file.borrow().clone();
    let stream = stream.clone();
    let work = move || work(file.as_deref());
    life.handle.spawn_blocking_from(pool::Kind::Fs, life.origin, work).then(
        move |result: Result<T>| {
            stream.life().busy.set(false);
            about(&stream);
            match result {
                Ok(value) => then(&stream, value),
                Err(error) => destroy(&stream, Some(error.on(stream.life().target()))),
            }
            if stream.life().destroyed.get() && !stream.life().busy.get() {
                clear_up(&stream);
            }
        },
    );
}

/// Does something after a while, and after twice as long the next time.
pub(super) fn later<S: FileStream>(stream: &S, then: impl FnOnce(&S) + 'static) {
    let life = stream.life();
    let delay = life.wait.get();
    life.wait.set((delay * 2).min(LONGEST_WAIT));
    after(stream, delay, then);
}

/// Does something after a while.
pub(super) fn after<S: FileStream>(stream: &S, delay: Duration, then: impl FnOnce(&S) + 'static) {
    let life = stream.life();
    let kept = stream.clone();
    let timer = life.handle.set_timeout_from(life.origin, delay, move || {
        kept.life().timer.set(None);
        if !kept.life().destroyed.get() {
            then(&kept);
        }
    });
    let timer = if life.counted.get() { timer } else { timer.unref() };
    if let Some(before) = life.timer.replace(Some(timer)) {
        before.cancel();
    }
}

/// Ends it at once. The file is closed when nobody works on it any more.
pub(super) fn destroy<S: FileStream>(stream: &S, error: Option<Error>) {
    let life = stream.life();
    if life.destroyed.replace(true) {
        return;
    }
    life.error.replace(error);
    if let Some(timer) = life.timer.take() {
        timer.cancel();
    }
    update(stream);
    stream.abandon();
    if !life.busy.get() {
        clear_up(stream);
    }
}

/// Nobody works on the file any more: what is left over of it is cleared away, then it is closed.
fn clear_up<S: FileStream>(stream: &S) {
    match stream.left_over() {
        Some(beside) => in_pool(stream, move |_| drop(beside), |_, ()| ()),
        None => close(stream),
    }
}

/// The file of a stream for which the pool works by another one's order. Nobody else does meanwhile.
pub(super) fn engage<S: FileStream>(stream: &S) -> Option<Arc<File>> {
    let life = stream.life();
    let file = life.file.borrow().clone()?;
    life.busy.set(true);
    Some(file)
}

/// The pool is done with it.
pub(super) fn disengage<S: FileStream>(stream: &S) {
    let life = stream.life();
    life.busy.set(false);
    if life.destroyed.get() {
        clear_up(stream);
    } else {
        update(stream);
    }
}

/// Takes the open file out, unless somebody is at work on it, and ends the stream.
pub(super) fn hand_back<S: FileStream>(stream: &S, at_work: bool) -> Result<File> {
    let life = stream.life();
    let wrong = |why: &'static str| {
        Err(Error::new(ErrorKind::InvalidInput, "hand back").on(life.target()).because(why))
    };
    if !life.is_open() {
        return wrong("it is not open");
    }
    if at_work || life.busy.get() {
        return wrong("it is at work");
    }
    let target = life.target();
    if let Some(key) = life.key.take() {
        life.handle.remove_source(key);
    }
    let file = life.file.take().and_then(Arc::into_inner);
    destroy(stream, None);
    file.ok_or_else(|| Error::new(ErrorKind::InvalidInput, "hand back").on(target))
}

/// A handle is dropped. If it was the last one, nobody can give the stream anything to do any more.
pub(super) fn handle_dropped<S: FileStream>(stream: &S) {
    let life = stream.life();
    // Without a seat there is no loop, and nobody to tell.
    if Rc::strong_count(stream.inner()) == 1 && !life.destroyed.get() && life.seat().is_some() {
        destroy(stream, None);
    }
}

/// Closes it in the close phase, and tells so: the error, if there was one, then the close.
pub(super) fn close<S: FileStream>(stream: &S) {
    let life = stream.life();
    if life.closing.replace(true) {
        return;
    }
    let error = life.error.take();
    let (left, failed, closed) = (stream.clone(), stream.clone(), stream.clone());
    let (had_error, why) = (error.is_some(), error.clone());
    life.handle.at_close(life.origin, move || {
        left.life().let_go();
        about(&left);
        left.tell_unfinished(why.as_ref());
    });
    if let Some(error) = error {
        life.handle.at_close(life.origin, move || {
            about(&failed);
            failed.tell_error(error);
        });
    }
    // By itself, so that it comes even if a listener of the error panics.
    life.handle.at_close(life.origin, move || {
        about(&closed);
        closed.tell_close(had_error);
    });
}

/// The loop ends in a panic, or in a child that was forked off: it is closed without a word.
pub(super) fn leave<S: FileStream>(stream: &S) {
    let life = stream.life();
    life.destroyed.set(true);
    life.closing.set(true);
    match stream.left_over() {
        // It is the parent's.
        Some(beside) if life.handle.0.is_forked() => std::mem::forget(beside),
        beside => drop(beside),
    }
    stream.abandon();
    life.let_go();
    stream.forget_all();
}

/// When the last event has been told, the listeners go: even if one of them panics.
pub(super) struct Over<'a, S: Declared>(pub(super) &'a EventEmitter<S>);

impl<S: Declared> Drop for Over<'_, S> {
    fn drop(&mut self) {
        self.0.clear();
    }
}

/// What runs now is about this stream.
fn about<S: FileStream>(stream: &S) {
    let life = stream.life();
    life.handle.about(|| {
        let seat = Seat::new(Rc::clone(&life.file), stream);
        // What is told last may drop the stream, and a report wants to know its path.
        seat.await_readiness(Some(stream.clone()));
        Rc::new(seat)
    });
}

impl<S: FileStream> Life<S> {
    /// Has the poller call the stream, or nobody.
    pub(super) fn wait_for(&self, interest: Interest, stream: Option<S>) {
        let (Some(seat), Some(key)) = (self.seat(), self.key.get()) else { return };
        self.handle.want(key, interest);
        self.handle.count_source(key, stream.is_some() && self.counted.get());
        seat.await_readiness(stream);
    }

    /// What it waited for has come: the next wait is a short one.
    pub(super) fn have_waited(&self) {
        self.wait.set(SHORTEST_WAIT);
    }

    /// Off the loop, then closed.
    fn let_go(&self) {
        if let Some(key) = self.key.take() {
            self.handle.remove_source(key);
        }
        let file = self.file.take();
        drop(file);
    }
}

impl<S: FileStream> Drop for Life<S> {
    fn drop(&mut self) {
        self.let_go();
    }
}
