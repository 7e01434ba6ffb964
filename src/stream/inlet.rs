//! The side that is written to: what is written is handed over, chunk by chunk.

use super::callbacks::Callback;
use super::intake::{Intake, Offer};
use super::life::{self, Inner, Stream, close_if_done, destroy, guarded, settle, tell};
use super::outcome::Done;
use super::writable::WhenFull;
use crate::error::{Error, ErrorKind, Result};
use crate::event_loop::{Handle, Origin};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

type Each<S> = Box<dyn FnMut(&S, &[u8], Done)>;
type All<S> = Box<dyn FnMut(&S, &[&[u8]], Done)>;

/// Takes what is written, and says by [`Done`] when it has been accepted.
pub(super) enum Accept<S> {
    /// Chunk by chunk.
    Each(Each<S>),
    /// All that waits.
    All(All<S>),
}

/// What is to be done before `Finish`.
pub(super) type Finish<S> = Box<dyn FnOnce(&S, Done)>;
/// A stream that waits to hear that a chunk was accepted, or that all is finished.
pub(super) trait Accepting {
    fn settled(self: Rc<Self>, result: Result<()>);
}

/// What a stream that is written to has still to do.
pub(super) struct Inlet<S> {
    pub(super) intake: RefCell<Intake>,
    accept: Cell<Option<Accept<S>>>,
    takes_all: bool,
    /// How many chunks are being worked on.
    in_hand: Cell<usize>,
    finish: Cell<Option<Finish<S>>>,
    /// One for each chunk that was not accepted yet.
    waiting: RefCell<VecDeque<Option<Callback>>>,
    /// Those that are to be told.
    accepted: RefCell<VecDeque<Callback>>,
    /// A closure of the program has a chunk right now.
    handing: Cell<bool>,
    scheduled: Cell<bool>,
    told_finish: Cell<bool>,
}

impl<S> Inlet<S> {
    pub(super) fn new(accept: Accept<S>) -> Self {
        Self::with(Intake::new(), Some(accept))
    }

    /// Of a stream that is never written to.
    pub(super) fn none() -> Self {
        let inlet = Self::with(Intake::finished(), None);
        inlet.told_finish.set(true);
        inlet
    }

    fn with(intake: Intake, accept: Option<Accept<S>>) -> Self {
        Self {
            intake: RefCell::new(intake),
            takes_all: matches!(accept, Some(Accept::All(_))),
            in_hand: Cell::new(0),
            accept: Cell::new(accept),
            finish: Cell::new(None),
            waiting: RefCell::default(),
            accepted: RefCell::default(),
            handing: Cell::new(false),
            scheduled: Cell::new(false),
            told_finish: Cell::new(false),
        }
    }

    pub(super) fn is_through(&self) -> bool {
        self.told_finish.get()
    }

    pub(super) fn set_finish(&self, finish: Finish<S>) {
        self.finish.set(Some(finish));
    }

    /// Drops what waits; the callbacks hear of it in the close phase, and after them `last`, whose write was not let in.
    pub(super) fn abandon(
        &self,
        handle: &Handle,
        origin: Origin,
        error: Option<&Error>,
        last: Option<Callback>,
    ) {
        self.intake.borrow_mut().clear();
        let gone = || Error::new(ErrorKind::Destroyed, "write");
        let failed = |callback| (callback, Err(error.cloned().unwrap_or_else(gone)));
        let accepted = self.accepted.take().into_iter().map(|callback| (callback, Ok(())));
        let waiting = self.waiting.take().into_iter().flatten().chain(last).map(failed);
        for (callback, result) in accepted.chain(waiting) {
            handle.at_close(origin, move || callback(result));
        }
    }

    pub(super) fn take_closures(&self) -> (Option<Accept<S>>, Option<Finish<S>>) {
        (self.accept.take(), self.finish.take())
    }
}

/// Takes a chunk: hands it over at once if nothing is in the way, else queues a copy. `false`: wait for `Drain`.
pub(super) fn write<S: Stream>(stream: &S, bytes: &[u8], callback: Option<Callback>) -> bool {
    let (core, inlet) = (stream.core(), &stream.core().inlet);
    if core.is_destroyed() {
        if let Some(callback) = callback {
            let error = Error::new(ErrorKind::Destroyed, "write").on(life::place(stream));
            core.handle.next_tick_from(core.origin, move || callback(Err(error)));
        }
        return false;
    }
    let offer = inlet.intake.borrow_mut().offer(bytes.len(), inlet.handing.get());
    let refuse = |kind| Some(Error::new(kind, "write").on(life::place(stream)));
    match offer {
        Offer::Now => {
            inlet.waiting.borrow_mut().push_back(callback);
            hand_over(stream, &[bytes]);
            advance(stream);
        }
        Offer::Wait => {
            inlet.waiting.borrow_mut().push_back(callback);
            inlet.intake.borrow_mut().chunks.push(bytes);
        }
        Offer::Late => {
            destroy(stream, refuse(ErrorKind::WriteAfterEnd), callback);
        }
        Offer::Full(WhenFull::Fail) => {
            destroy(stream, refuse(ErrorKind::QueueFull), callback);
        }
        Offer::Full(WhenFull::Close) => destroy(stream, None, callback),
        Offer::Full(WhenFull::Drop) => {
            if let (Some(callback), Some(error)) = (callback, refuse(ErrorKind::QueueFull)) {
                core.handle.next_tick_from(core.origin, move || callback(Err(error)));
            }
        }
    }
    !core.is_destroyed() && inlet.intake.borrow_mut().go_on()
}

/// Nothing more will be written.
pub(super) fn end<S: Stream>(stream: &S) {
    if !stream.core().is_destroyed() && stream.core().inlet.intake.borrow_mut().end() {
        advance(stream);
    }
}

pub(super) fn cork<S: Stream>(stream: &S) {
    stream.core().inlet.intake.borrow_mut().cork();
}

pub(super) fn uncork<S: Stream>(stream: &S) {
    stream.core().inlet.intake.borrow_mut().uncork();
    advance(stream);
}

/// Hands over what waits, until a chunk is not accepted at once.
pub(super) fn advance<S: Stream>(stream: &S) {
    let (core, inlet) = (stream.core(), &stream.core().inlet);
    while !inlet.handing.get() && !core.is_destroyed() {
        if inlet.takes_all {
            let chunks = inlet.intake.borrow_mut().next_all();
            if chunks.is_empty() {
                break;
            }
            hand_over(stream, &chunks.iter().map(Vec::as_slice).collect::<Vec<_>>());
        } else {
            let Some(chunk) = inlet.intake.borrow_mut().next() else { break };
            hand_over(stream, &[&chunk]);
            inlet.intake.borrow_mut().chunks.recycle(chunk);
        }
    }
    schedule(stream);
}

/// Lends chunks to the closure that takes them.
fn hand_over<S: Stream>(stream: &S, chunks: &[&[u8]]) {
    struct PutBack<'a, S>(&'a Inlet<S>, Option<Accept<S>>);
    impl<S> Drop for PutBack<'_, S> {
        fn drop(&mut self) {
            self.0.accept.set(self.1.take());
            self.0.handing.set(false);
        }
    }
    let inlet = &stream.core().inlet;
    inlet.handing.set(true);
    let mut lent = PutBack(inlet, inlet.accept.take());
    inlet.in_hand.set(chunks.len());
    let accept = |stream: &S| match (&mut lent.1, chunks) {
        (Some(Accept::All(accept)), chunks) => accept(stream, chunks, Done::of(stream)),
        (Some(Accept::Each(accept)), [chunk]) => accept(stream, chunk, Done::of(stream)),
        _ => {}
    };
    guarded(stream, accept, advance);
}

impl<S: Stream> Accepting for Inner<S> {
    fn settled(self: Rc<Self>, result: Result<()>) {
        let stream = S::from_inner(self);
        let (core, inlet) = (stream.core(), &stream.core().inlet);
        if core.is_destroyed() {
            return;
        }
        if let Err(error) = result {
            return destroy(&stream, Some(error), None);
        }
        if inlet.intake.borrow_mut().finish_done() {
            return schedule(&stream);
        }
        inlet.intake.borrow_mut().accepted();
        for _ in 0..inlet.in_hand.get() {
            let callback = inlet.waiting.borrow_mut().pop_front().flatten();
            callback
                .into_iter()
                .for_each(|callback| inlet.accepted.borrow_mut().push_back(callback));
        }
        // Who hands it over goes on.
        if inlet.handing.get() {
            return;
        }
        advance(&stream);
    }
}

/// Has it told, as soon as the running callback is through, what has come of what was written.
fn schedule<S: Stream>(stream: &S) {
    let (core, inlet) = (stream.core(), &stream.core().inlet);
    let due = inlet.has_news();
    if core.is_destroyed() || !due || inlet.scheduled.replace(true) {
        return;
    }
    let stream = stream.clone();
    core.handle.next_tick_from(core.origin, move || progress(&stream));
}

impl<S> Inlet<S> {
    fn has_news(&self) -> bool {
        let intake = self.intake.borrow();
        let finished = intake.is_finished() && !self.told_finish.get();
        finished || intake.has_progress() || !self.accepted.borrow().is_empty()
    }
}

/// `Drain`, the callbacks, `Finish`.
fn progress<S: Stream>(stream: &S) {
    let (core, inlet) = (stream.core(), &stream.core().inlet);
    inlet.scheduled.set(false);
    let drained = inlet.intake.borrow_mut().drained();
    if drained {
        tell(stream, S::tell_drain, schedule);
    }
    loop {
        let Some(callback) = inlet.accepted.borrow_mut().pop_front() else { break };
        tell(stream, |_| callback(Ok(())), schedule);
    }
    if core.is_destroyed() {
        return;
    }
    let finish = inlet.intake.borrow_mut().finish();
    if finish {
        let done = Done::of(stream);
        match inlet.finish.take() {
            Some(finish) => guarded(stream, |stream| finish(stream, done), schedule),
            None => done.ok(),
        }
    }
    if core.is_destroyed()
        || !inlet.intake.borrow().is_finished()
        || inlet.told_finish.replace(true)
    {
        return;
    }
    guarded(stream, S::tell_finish, close_if_done);
    close_if_done(stream);
    settle(stream);
}
