//! The emit itself: the only place from which listeners are called.
#![allow(unsafe_code, reason = "it walks over a list that others change, see row.rs")]

use core::cell::Cell;
use core::ptr;

use super::core::Core;
use super::habit::Attempt;
use super::node::{Node, Verdict};
use super::primitives::{AtomicPtr, Ordering, here, me};
use super::readers::{Readers, Ticket};
use super::row::{EXCLUSIVE, NOBODY, Row, SHARED, SPECIAL};
use super::turn::{Taken, Turn};
use crate::emitter::{Declared, Emitted, Event};

/// A walk under way that others may walk along with, on the stack of its thread.
pub(super) struct Walk {
    turn: usize,
    outer: *const Self,
}

/// An emit under way that has the turn, on the stack of its thread.
pub(super) struct Frame<S: Declared, E: Event<S>> {
    /// The node whose listener runs.
    at: Cell<*const Node<S, E>>,
    outer: *mut Self,
}

/// Who may be called by a walk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Among {
    /// All.
    All,
    /// All that do not run, since an emit of the event is under way.
    Idle,
    /// The re-entrant.
    Reentrant,
}

/// How listeners are called.
pub(super) trait Manner<S: Declared, E: Event<S>> {
    /// Is the payload wanted when the last listener has had it, by [`end`](Self::end)?
    const KEEPS: bool;

    /// Calls a listener by `call`, counts it, and says whether the emit goes on.
    fn call(
        &self,
        node: &Node<S, E>,
        source: &S,
        call: impl FnOnce() -> Verdict,
        emitted: &mut Emitted,
    ) -> bool;

    /// All have been called who were to.
    fn end(&self, source: &S, payload: &E::Payload<'_>, emitted: &Emitted);
}

/// As most emits do.
struct Plain;

impl<S: Declared, E: Event<S>> Manner<S, E> for Plain {
    const KEEPS: bool = false;

    #[inline(always)]
    fn call(
        &self,
        _: &Node<S, E>,
        _: &S,
        call: impl FnOnce() -> Verdict,
        emitted: &mut Emitted,
    ) -> bool {
        emitted.called += call() as usize & Verdict::Taken as usize;
        true
    }

    fn end(&self, _: &S, _: &E::Payload<'_>, _: &Emitted) {}
}

/// An emit that is to be made.
pub(super) struct Emit<'a, S: Declared> {
    pub(super) core: &'a Core<S>,
    pub(super) source: &'a S,
    /// What the stamps of those to be called are not greater than.
    pub(super) newest: i64,
}

impl<S: Declared, E: Event<S>> Row<S, E> {
    /// Calls the listeners, lends the payload to each but the last and gives it to that one.
    ///
    /// Only the way there is chosen here, so that an emit to nobody is a few instructions where it is called, and each
    /// way has all registers.
    #[inline(always)]
    pub(super) fn emit(&self, core: &Core<S>, source: &S, payload: E::Payload<'_>) -> Emitted {
        // In this order: see `Row::add`.
        let newest = self.newest.load(Ordering::Acquire);
        let mode = self.mode.load(Ordering::Acquire);
        if mode == EXCLUSIVE {
            return self.emit_exclusive(core, source, newest, payload);
        }
        match mode {
            NOBODY => Emitted::default(),
            SHARED => self.emit_plainly_shared(core, source, newest, payload),
            _ => self.emit_special(core, source, payload),
        }
    }

    /// As most emits are: of a thread whose habit the row is.
    #[inline(never)]
    fn emit_exclusive(
        &self,
        core: &Core<S>,
        source: &S,
        newest: i64,
        payload: E::Payload<'_>,
    ) -> Emitted {
        let word = match self.habit.take(&self.turn, me()) {
            Attempt::Taken(word) => word,
            Attempt::No => return self.emit_in_turn(core, source, newest, payload),
            Attempt::Revoked => return self.emit_revoked(core, source, payload),
        };
        let _turn = ByHabit { row: self, word };
        // Nobody had the turn, so there is no frame.
        let frame = Frame { at: Cell::new(ptr::null()), outer: ptr::null_mut() };
        self.walk_framed(&frame, &Plain, Among::All, Emit { core, source, newest }, payload)
    }

    /// As emits are of a row that several threads use.
    #[inline(never)]
    fn emit_in_turn(
        &self,
        core: &Core<S>,
        source: &S,
        newest: i64,
        payload: E::Payload<'_>,
    ) -> Emitted {
        if !self.turn.try_take(me()) {
            return self.emit_busy(core, source, payload);
        }
        let _turn = Turns { row: self };
        let frame = Frame { at: Cell::new(ptr::null()), outer: ptr::null_mut() };
        self.walk_framed(&frame, &Plain, Among::All, Emit { core, source, newest }, payload)
    }

    #[inline(never)]
    fn emit_plainly_shared(
        &self,
        core: &Core<S>,
        source: &S,
        newest: i64,
        payload: E::Payload<'_>,
    ) -> Emitted {
        self.emit_shared(&Plain, Emit { core, source, newest }, payload)
    }

    /// An emit with more to do than to call listeners.
    #[cold]
    #[inline(never)]
    fn emit_special(&self, core: &Core<S>, source: &S, payload: E::Payload<'_>) -> Emitted {
        core.tell_untold(source);
        let newest = self.newest.load(Ordering::Acquire);
        match self.mode.load(Ordering::Acquire) & !SPECIAL {
            EXCLUSIVE => self.emit_busy(core, source, payload),
            SHARED => self.emit_shared(&core.careful(), Emit { core, source, newest }, payload),
            _ => {
                let emitted = Emitted::default();
                Manner::<S, E>::end(&core.careful(), source, &payload, &emitted);
                emitted
            }
        }
    }

    /// An emit that found that the row was just ceasing to be its thread's habit.
    #[cold]
    #[inline(never)]
    fn emit_revoked(&self, core: &Core<S>, source: &S, payload: E::Payload<'_>) -> Emitted {
        let is_mine = self.habit.is_mine_after_all(&self.turn, me());
        self.emit_having(is_mine.then(|| Has::Turn(Turns { row: self })), core, source, payload)
    }

    /// An emit that may have to wait for its turn, or that comes from inside of another one.
    #[cold]
    #[inline(never)]
    fn emit_busy(&self, core: &Core<S>, source: &S, payload: E::Payload<'_>) -> Emitted {
        let has = match self.habit.take(&self.turn, me()) {
            Attempt::Taken(word) => Has::Habit(ByHabit { row: self, word }),
            Attempt::No if self.turn.try_take(me()) => Has::Turn(Turns { row: self }),
            Attempt::No => return self.emit_having(None, core, source, payload),
            Attempt::Revoked => return self.emit_revoked(core, source, payload),
        };
        self.emit_having(Some(has), core, source, payload)
    }

    /// An emit of a thread that has the turn, or could not take it at once.
    fn emit_having<'a>(
        &'a self,
        has: Option<Has<'a, S, E>>,
        core: &Core<S>,
        source: &S,
        payload: E::Payload<'_>,
    ) -> Emitted {
        let has = has.unwrap_or_else(|| match self.turn.take(|| self.revoke(), walks) {
            Taken::Free => Has::Turn(Turns { row: self }),
            Taken::Mine => Has::Outer,
            Taken::Lent(owner) => Has::Loan(Loan { turn: &self.turn, owner }),
        });
        let among = match has {
            Has::Turn(_) | Has::Habit(_) => Among::All,
            Has::Outer | Has::Loan(_) => Among::Idle,
        };
        let _nested = matches!(has, Has::Outer).then(|| core.nest::<E>());
        // While it waited everything may have changed.
        let emit = Emit { core, source, newest: self.newest.load(Ordering::Acquire) };
        if self.mode.load(Ordering::Acquire) & SPECIAL == 0 {
            self.walk_in_turn(&Plain, among, emit, payload)
        } else {
            self.walk_in_turn(&core.careful(), among, emit, payload)
        }
    }

    #[inline(always)]
    fn emit_shared<M: Manner<S, E>>(
        &self,
        manner: &M,
        emit: Emit<'_, S>,
        payload: E::Payload<'_>,
    ) -> Emitted {
        let Some(readers) = self.readers.get() else { return Emitted::default() };
        let ticket = readers.enter(here(|here| here.reader()));
        let walk = Walk { turn: self.turn.id(), outer: here(|here| here.walks.get()) };
        here(|here| here.walks.set(&walk));
        let _reader = Reader { turn: &self.turn, row: self, readers, ticket, outer: walk.outer };
        if walk.outer.is_null() {
            return self.walk(manner, Among::Reentrant, &Cell::new(ptr::null()), emit, payload);
        }
        self.walk_nested(manner, walk.outer, emit, payload)
    }

    /// Walks together with others, from inside of another such walk.
    #[cold]
    #[inline(never)]
    fn walk_nested<M: Manner<S, E>>(
        &self,
        manner: &M,
        outer: *const Walk,
        emit: Emit<'_, S>,
        payload: E::Payload<'_>,
    ) -> Emitted {
        let again = walks_from(outer).any(|turn| turn == self.turn.id());
        let _nested = again.then(|| emit.core.nest::<E>());
        self.walk(manner, Among::Reentrant, &Cell::new(ptr::null()), emit, payload)
    }

    /// Walks with the turn.
    #[inline(always)]
    fn walk_in_turn<M: Manner<S, E>>(
        &self,
        manner: &M,
        among: Among,
        emit: Emit<'_, S>,
        payload: E::Payload<'_>,
    ) -> Emitted {
        let outer = self.frame.load(Ordering::Relaxed);
        let frame = Frame { at: Cell::new(ptr::null()), outer };
        self.walk_framed(&frame, manner, among, emit, payload)
    }

    /// Walks with the turn; the frame is linked meanwhile.
    #[inline(always)]
    fn walk_framed<M: Manner<S, E>>(
        &self,
        frame: &Frame<S, E>,
        manner: &M,
        among: Among,
        emit: Emit<'_, S>,
        payload: E::Payload<'_>,
    ) -> Emitted {
        self.frame.store(ptr::from_ref(frame).cast_mut(), Ordering::Relaxed);
        let _link = Link { frame: &self.frame, outer: frame.outer };
        self.walk(manner, among, &frame.at, emit, payload)
    }

    /// Does the listener of a node run, on the thread that has the turn, or on one that lent it?
    /// Asked by that thread.
    pub(super) fn runs(&self, node: *const Node<S, E>) -> bool {
        let mut frame = self.frame.load(Ordering::Relaxed).cast_const();
        // SAFETY: a frame is linked as long as it is on a stack: on that of this thread further out, or on
        // that of one which waits for it.
        while let Some(inner) = unsafe { frame.as_ref() } {
            if ptr::eq(inner.at.get(), node) {
                return true;
            }
            frame = inner.outer;
        }
        false
    }

    /// The emit itself. Whoever calls it is a walker: has the turn, or is counted as a reader.
    #[inline(always)]
    fn walk<M: Manner<S, E>>(
        &self,
        manner: &M,
        among: Among,
        running: &Cell<*const Node<S, E>>,
        emit: Emit<'_, S>,
        mut payload: E::Payload<'_>,
    ) -> Emitted {
        let mut emitted = Emitted::default();
        let Emit { source, newest, .. } = emit;
        let mut this = self.head.load(Ordering::Acquire).cast_const();
        if this.is_null() {
            return emitted;
        }
        loop {
            // SAFETY: by invariant 2 a walker's nodes stay, also those that are removed meanwhile.
            let node = unsafe { &*this };
            let next = node.next.load(Ordering::Acquire).cast_const();
            let is_last = next.is_null();
            if is_last && !M::KEEPS {
                if !self.is_left_out(this, node, among, newest, &mut emitted) {
                    running.set(this);
                    // SAFETY: the pointer is good as long as we walk. If the listener is not re-entrant we
                    // have the turn; outermost, so that nothing runs, or having looked that it does not.
                    let call = || unsafe { Node::call(this, &emit, payload) };
                    manner.call(node, source, call, &mut emitted);
                }
                return emitted;
            }
            if !self.is_left_out(this, node, among, newest, &mut emitted) {
                running.set(this);
                let lent = E::lend(&mut payload);
                // SAFETY: the same.
                let call = || unsafe { Node::call(this, &emit, lent) };
                if !manner.call(node, source, call, &mut emitted) {
                    break;
                }
            }
            if is_last {
                break;
            }
            this = next;
        }
        if M::KEEPS {
            running.set(ptr::null()); // what comes now does not come from inside of a listener
            manner.end(source, &payload, &emitted);
        }
        emitted
    }

    /// Does a walk go on without calling this one?
    #[inline(always)]
    fn is_left_out(
        &self,
        this: *const Node<S, E>,
        node: &Node<S, E>,
        among: Among,
        newest: i64,
        emitted: &mut Emitted,
    ) -> bool {
        if node.is_passed_over(newest) {
            unlikely();
            return true; // newer than this emit, or silent
        }
        match among {
            Among::Idle if !node.is_reentrant() && self.runs(this) => {
                emitted.skipped += 1;
                true
            }
            Among::Reentrant => !node.is_reentrant(),
            _ => false,
        }
    }
}

/// Has the compiler keep what comes without it in registers.
#[cold]
fn unlikely() {}

/// What an emit has that may have waited. It gives it away as it ends, whether it returns or panics.
#[allow(dead_code, reason = "they are dropped, at the right moment, and nothing else")]
enum Has<'a, S: Declared, E: Event<S>> {
    Habit(ByHabit<'a, S, E>),
    Turn(Turns<'a, S, E>),
    /// What an emit further out has.
    Outer,
    Loan(Loan<'a>),
}

/// Has the turn by habit, and gives it away, whether the emit returns or panics.
struct ByHabit<'a, S: Declared, E: Event<S>> {
    row: &'a Row<S, E>,
    /// What the turn says as long as that holds.
    word: usize,
}

impl<S: Declared, E: Event<S>> Drop for ByHabit<'_, S, E> {
    #[inline(always)]
    fn drop(&mut self) {
        if !self.row.habit.give(&self.row.turn, self.word) {
            self.row.leave_habit();
        }
    }
}

/// Has the turn, and gives it away, whether the emit returns or panics.
struct Turns<'a, S: Declared, E: Event<S>> {
    row: &'a Row<S, E>,
}

impl<S: Declared, E: Event<S>> Drop for Turns<'_, S, E> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.row.habit.is_due(me()) || !self.row.turn.try_give(me()) {
            self.row.leave_turn();
        }
    }
}

/// Has a turn that was lent.
struct Loan<'a> {
    turn: &'a Turn,
    owner: usize,
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        self.turn.give_back(self.owner);
    }
}

/// Is counted as a reader.
struct Reader<'a, S: Declared, E: Event<S>> {
    turn: &'a Turn,
    row: &'a Row<S, E>,
    readers: &'a Readers,
    ticket: Ticket,
    outer: *const Walk,
}

impl<S: Declared, E: Event<S>> Drop for Reader<'_, S, E> {
    #[inline(always)]
    fn drop(&mut self) {
        here(|here| here.walks.set(self.outer));
        self.readers.leave(self.ticket);
        if self.turn.has_chores() {
            self.row.leave(false);
        }
    }
}

/// Has a frame linked.
struct Link<'a, S: Declared, E: Event<S>> {
    frame: &'a AtomicPtr<Frame<S, E>>,
    outer: *mut Frame<S, E>,
}

impl<S: Declared, E: Event<S>> Drop for Link<'_, S, E> {
    #[inline(always)]
    fn drop(&mut self) {
        self.frame.store(self.outer, Ordering::Relaxed);
    }
}

/// The turns of the rows that this thread walks over together with others.
pub(super) fn walks() -> Vec<usize> {
    walks_from(here(|here| here.walks.get())).collect()
}

/// The turns of a walk of this thread, and of those further out.
fn walks_from(mut at: *const Walk) -> impl Iterator<Item = usize> {
    core::iter::from_fn(move || {
        // SAFETY: a walk is linked as long as it is on the stack of this thread.
        let walk = unsafe { at.as_ref() }?;
        at = walk.outer;
        Some(walk.turn)
    })
}
