//! The emit itself: the only place from which listeners are called.
#![allow(unsafe_code, reason = "it walks over a list that others change, see row.rs")]

use core::cell::Cell;
use core::ptr;

use super::node::Node;
use super::primitives::{AtomicPtr, Ordering, here, me};
use super::readers::{Readers, Ticket};
use super::row::{EXCLUSIVE, Row, SHARED};
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

impl<S: Declared, E: Event<S>> Row<S, E> {
    /// Calls the listeners, lends the payload to each but the last and gives it to that one.
    #[inline]
    pub(super) fn emit(&self, source: &S, payload: E::Payload<'_>) -> Emitted {
        match self.mode.load(Ordering::Acquire) {
            EXCLUSIVE => {
                let me = me();
                if !self.turn.try_take(me) {
                    return self.emit_busy(source, payload);
                }
                let _turn = Turns { row: self, me };
                self.walk_in_turn(Among::All, source, payload)
            }
            SHARED => self.emit_shared(source, payload),
            _ => Emitted::default(),
        }
    }

    #[cold]
    #[inline(never)]
    fn emit_busy(&self, source: &S, payload: E::Payload<'_>) -> Emitted {
        match self.turn.take(walks) {
            Taken::Free => {
                let _turn = Turns { row: self, me: me() };
                self.walk_in_turn(Among::All, source, payload)
            }
            Taken::Mine => self.walk_in_turn(Among::Idle, source, payload),
            Taken::Lent(owner) => {
                let _turn = Loan { turn: &self.turn, owner };
                self.walk_in_turn(Among::Idle, source, payload)
            }
        }
    }

    #[inline]
    fn emit_shared(&self, source: &S, payload: E::Payload<'_>) -> Emitted {
        let Some(readers) = self.readers.get() else { return Emitted::default() };
        let ticket = readers.enter(here(|here| here.reader()));
        let walk = Walk { turn: self.turn.id(), outer: here(|here| here.walks.get()) };
        here(|here| here.walks.set(&walk));
        let _reader = Reader { turn: &self.turn, row: self, readers, ticket, outer: walk.outer };
        self.walk(Among::Reentrant, &Cell::new(ptr::null()), source, payload)
    }

    /// Walks with the turn.
    #[inline(always)]
    fn walk_in_turn(&self, among: Among, source: &S, payload: E::Payload<'_>) -> Emitted {
        let outer = self.frame.load(Ordering::Relaxed);
        let frame = Frame { at: Cell::new(ptr::null()), outer };
        self.frame.store(ptr::from_ref(&frame).cast_mut(), Ordering::Relaxed);
        let _link = Link { frame: &self.frame, outer };
        self.walk(among, &frame.at, source, payload)
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
    fn walk(
        &self,
        among: Among,
        running: &Cell<*const Node<S, E>>,
        source: &S,
        mut payload: E::Payload<'_>,
    ) -> Emitted {
        let mut emitted = Emitted::default();
        let newest = self.newest.load(Ordering::Acquire);
        let mut at = self.head.load(Ordering::Acquire);
        // SAFETY: by invariant 2 a walker's nodes stay, also those that are removed meanwhile.
        while let Some(node) = unsafe { at.as_ref() } {
            let (this, next) = (at, node.next.load(Ordering::Acquire));
            at = next;
            if node.number.load(Ordering::Relaxed) > newest {
                continue; // newer than this emit, or silent
            }
            match among {
                Among::Idle if !node.is_reentrant() && self.runs(this) => {
                    emitted.skipped += 1;
                    continue;
                }
                Among::Reentrant if !node.is_reentrant() => continue,
                _ => {}
            }
            running.set(this);
            // SAFETY: the pointer is good as long as we walk. If the listener is not re-entrant we have the
            // turn; outermost, so that nothing runs, or having looked that it does not.
            let called = unsafe {
                if next.is_null() {
                    emitted.called += usize::from(Node::call(this, self, source, payload));
                    break;
                }
                Node::call(this, self, source, E::lend(&mut payload))
            };
            emitted.called += usize::from(called);
        }
        emitted
    }
}

/// Has the turn, and gives it away, whether the emit returns or panics.
struct Turns<'a, S: Declared, E: Event<S>> {
    row: &'a Row<S, E>,
    me: usize,
}

impl<S: Declared, E: Event<S>> Drop for Turns<'_, S, E> {
    #[inline(always)]
    fn drop(&mut self) {
        if !self.row.turn.try_give(self.me) {
            self.row.leave(true);
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
    let (mut walks, mut at) = (Vec::new(), here(|here| here.walks.get()));
    // SAFETY: a walk is linked as long as it is on the stack of this thread.
    while let Some(walk) = unsafe { at.as_ref() } {
        walks.push(walk.turn);
        at = walk.outer;
    }
    walks
}
