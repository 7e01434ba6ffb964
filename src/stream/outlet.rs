//! The side that is read: what was pushed is told, as long as it is wanted.

use super::chunks::Chunks;
use super::inlet::Accepting;
use super::life::{self, Core, Stream, close_if_done, destroy, guarded, settle, tell};
use super::readable::Flow;
use super::writable::HIGH_WATER;
use crate::error::{Error, ErrorKind, Result};
use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Weak;

/// Chunks that one stream tells in one turn. A producer that is never at a loss would keep the sockets and the timers
/// waiting for ever.
const CHUNKS_PER_TURN: u32 = 64;

/// Pushes what is there, or asks for it.
type Pull<S> = Box<dyn FnMut(&S) -> Result<()>>;

/// What a stream that is read has to say.
pub(super) struct Outlet<S> {
    pub(super) flow: Flow,
    pub(super) ready: RefCell<Chunks>,
    pub(super) high_water: Cell<usize>,
    /// No more will be pushed.
    ended: Cell<bool>,
    told_end: Cell<bool>,
    pull: Cell<Option<Pull<S>>>,
    /// It has been asked for more, and has not pushed any since.
    asked: Cell<bool>,
    /// It is about to tell, or is telling.
    scheduled: Cell<bool>,
    /// In which turn, and how many chunks in it.
    turn: Cell<u64>,
    told: Cell<u32>,
    /// Who has more to push as soon as there is room.
    in_wait: RefCell<Option<Weak<dyn Accepting>>>,
}

impl<S> Outlet<S> {
    pub(super) fn new(pull: Option<Pull<S>>) -> Self {
        Self {
            flow: Flow::default(),
            ready: RefCell::default(),
            high_water: Cell::new(HIGH_WATER),
            ended: Cell::new(false),
            told_end: Cell::new(false),
            pull: Cell::new(pull),
            asked: Cell::new(false),
            scheduled: Cell::new(false),
            turn: Cell::new(0),
            told: Cell::new(0),
            in_wait: RefCell::new(None),
        }
    }

    /// Of a stream that is never read.
    pub(super) fn none() -> Self {
        let outlet = Self::new(None);
        outlet.told_end.set(true);
        outlet.flow.end();
        outlet
    }

    pub(super) fn is_through(&self) -> bool {
        self.told_end.get()
    }

    /// Has the producer said that this was all?
    pub(super) fn has_ended(&self) -> bool {
        self.ended.get()
    }

    pub(super) fn has_room(&self) -> bool {
        self.ready.borrow().len() < self.high_water.get()
    }

    fn can_make_room(&self) -> bool {
        self.in_wait.borrow().is_some() && self.has_room()
    }

    /// Has that writer told when there is room again.
    pub(super) fn await_room(&self, writer: Weak<dyn Accepting>) {
        self.in_wait.replace(Some(writer));
    }

    pub(super) fn set_pull(&self, pull: Pull<S>) {
        self.pull.set(Some(pull));
        self.asked.set(false);
    }

    pub(super) fn abandon(&self) {
        self.flow.end();
        self.ready.borrow_mut().clear();
        if let Some(writer) = self.in_wait.take().and_then(|writer| writer.upgrade()) {
            writer.settled(Err(Error::io("write", io::ErrorKind::BrokenPipe.into())));
        }
    }

    pub(super) fn take_closures(&self) -> Option<Pull<S>> {
        self.pull.take()
    }

    /// Is there something to tell, or somebody to ask?
    fn is_due(&self) -> bool {
        let nothing = self.ready.borrow().is_empty();
        if self.flow.is_flowing() {
            return !nothing || self.ended.get() || !self.asked.get();
        }
        // As with sockets: who only writes to a stream would never be rid of it otherwise.
        self.flow.is_unasked() && nothing && self.ended.get()
    }
}

/// A chunk to tell. `false` asks the producer to wait.
pub(super) fn push<S: Stream>(stream: &S, chunk: Pushed<'_>) -> bool {
    let (core, outlet) = (stream.core(), &stream.core().outlet);
    if core.is_destroyed() {
        return false;
    }
    if outlet.ended.get() {
        let error = Error::new(ErrorKind::WriteAfterEnd, "push").on(life::place(stream));
        destroy(stream, Some(error), None);
        return false;
    }
    match chunk {
        Pushed::Lent(bytes) => outlet.ready.borrow_mut().push(bytes),
        Pushed::Owned(chunk) => outlet.ready.borrow_mut().push_owned(chunk),
    }
    outlet.asked.set(false);
    schedule(stream);
    outlet.has_room()
}

pub(super) enum Pushed<'a> {
    Lent(&'a [u8]),
    Owned(Vec<u8>),
}

/// In front of all that waits, to be told again. After `End` there is no "again".
pub(super) fn unshift<S: Stream>(stream: &S, bytes: &[u8]) {
    let (core, outlet) = (stream.core(), &stream.core().outlet);
    if core.is_destroyed() {
        return;
    }
    if outlet.told_end.get() {
        let error = Error::new(ErrorKind::WriteAfterEnd, "unshift").on(life::place(stream));
        return destroy(stream, Some(error), None);
    }
    outlet.ready.borrow_mut().unshift(bytes);
    schedule(stream);
}

/// No more will be pushed.
pub(super) fn end<S: Stream>(stream: &S) {
    if !stream.core().is_destroyed() {
        stream.core().outlet.ended.set(true);
        schedule(stream);
    }
}

/// Something of its flow has changed.
pub(super) fn changed<S: Stream>(stream: &S, change: impl FnOnce(&Flow) -> bool) {
    if change(&stream.core().outlet.flow) {
        schedule(stream);
    }
}

/// Lets it tell what it has as soon as the running callback is through.
pub(super) fn schedule<S: Stream>(stream: &S) {
    let core = stream.core();
    if core.is_destroyed() || !core.outlet.is_due() || core.outlet.scheduled.replace(true) {
        return;
    }
    let stream = stream.clone();
    core.handle.next_tick_from(core.origin, move || pump(&stream));
}

/// Tells what there is, and asks for more.
fn pump<S: Stream>(stream: &S) {
    let core = stream.core();
    let outlet = &core.outlet;
    while !core.is_destroyed() {
        if core.has_had_its_turn() {
            let later = stream.clone();
            return core.handle.defer(core.origin, move || pump(&later));
        }
        let chunk = if outlet.flow.is_flowing() { outlet.ready.borrow_mut().pop() } else { None };
        if let Some(chunk) = chunk {
            tell(stream, |stream| stream.tell_data(&chunk), pump);
            outlet.ready.borrow_mut().recycle(chunk);
            if outlet.can_make_room() {
                tell(stream, make_room, pump);
            }
        } else if !outlet.is_due() {
            break;
        } else if outlet.ended.get() {
            return tell_end(stream);
        } else if !ask(stream) {
            break;
        }
    }
    outlet.scheduled.set(false);
}

fn tell_end<S: Stream>(stream: &S) {
    let outlet = &stream.core().outlet;
    outlet.flow.end();
    outlet.told_end.set(true);
    guarded(stream, S::tell_end, close_if_done);
    close_if_done(stream);
    settle(stream);
}

/// Asks the producer for more. `false`: it has none for now, or there is none.
fn ask<S: Stream>(stream: &S) -> bool {
    let outlet = &stream.core().outlet;
    if outlet.asked.replace(true) {
        return false;
    }
    let Some(pull) = outlet.pull.take() else { return false };
    struct PutBack<'a, S>(&'a Outlet<S>, Option<Pull<S>>);
    impl<S> Drop for PutBack<'_, S> {
        fn drop(&mut self) {
            // It may have named its successor.
            let successor = self.0.pull.take();
            let last = self.1.take();
            self.0.pull.set(successor.or(last));
        }
    }
    let mut lent = PutBack(outlet, Some(pull));
    let ask = |stream: &S| {
        let result = lent.1.as_mut().map_or(Ok(()), |pull| pull(stream));
        if let Err(error) = result {
            destroy(stream, Some(error), None);
        }
    };
    // What it has pushed is told before the ticks run.
    guarded(stream, ask, has_panicked);
    drop(lent);
    outlet.is_due()
}

/// The producer has panicked, and would never be asked again.
fn has_panicked<S: Stream>(stream: &S) {
    let error = Error::new(ErrorKind::Cancelled, "pull").on(life::place(stream));
    destroy(stream, Some(error.because("its producer panicked")), None);
}

/// Who waits to push more may do so now.
fn make_room<S: Stream>(stream: &S) {
    let writer = stream.core().outlet.in_wait.take().and_then(|writer| writer.upgrade());
    writer.into_iter().for_each(|writer| writer.settled(Ok(())));
}

impl<S: Stream> Core<S> {
    /// Counts, and says when it is the others' turn.
    fn has_had_its_turn(&self) -> bool {
        let (outlet, turn) = (&self.outlet, self.handle.0.turns());
        let told = if outlet.turn.replace(turn) == turn { outlet.told.get() + 1 } else { 0 };
        outlet.told.set(told);
        told >= CHUNKS_PER_TURN
    }
}
