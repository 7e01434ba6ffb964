//! The listeners of one event, in order: a linked list that is walked while others change it.
//!
//! - Who **walks** goes from node to node by `next`. Walkers are the one thread that has the turn, and,
//!   as long as all listeners are re-entrant, any number of threads that are counted as readers.
//! - Who **changes** the row has its [`Book`] open, alone. A new node is linked in when it is complete,
//!   with a number that walks under way pass over. A removed one is silent, and unlinked, but leads on.
//! - A removed node is freed at once if nobody walks, else **retired**: by the last who leaves of those
//!   who walked then, with [`Row::sweep`].
//!
//! # Invariants
//!
//! 1. Nodes in `index` are linked; nodes in `retired` are not, and cannot be reached from `head` by who begins
//!    to walk now. All others are gone.
//! 2. A node is taken out of `retired` to be freed when all who walked as it was retired have left.
//! 3. `next`, `prev`, `head` and `tail` are written by who has the book only.
#![allow(unsafe_code, reason = "the list is walked without a lock, see the measure in benches/")]

use core::ops::{Deref, DerefMut};
use core::ptr::{self, NonNull};
use std::sync::OnceLock;

use super::book::{Book, Retired};
use super::habit::{Habit, Key};
use super::node::{Node, Owned, Ptr};
use super::primitives::{AtomicI64, AtomicPtr, AtomicU8, MutPtr, Ordering, UnsafeCell, me};
use super::readers::Readers;
use super::stamp;
use super::standing::Suspect;
use super::turn::Turn;
use super::walk::{Frame, walks};
use crate::emitter::{Declared, Event, Place};

/// Which listeners there are, as far as an emit wants to know: none, re-entrant ones only, or others too.
pub(super) const NOBODY: u8 = 0;
pub(super) const SHARED: u8 = 1;
pub(super) const EXCLUSIVE: u8 = 2;
/// Is added to one of these if an emit has more to do than to call listeners.
pub(super) const SPECIAL: u8 = 4;

/// Room for so many that are retired stays when there are none.
const KEPT: usize = 16;

/// The listeners of one event of one emitter.
#[repr(align(64))]
pub(super) struct Row<S: Declared, E: Event<S>> {
    pub(super) turn: Turn,
    pub(super) head: AtomicPtr<Node<S, E>>,
    /// What the [stamps](stamp) of those who are called now are not greater than.
    pub(super) newest: AtomicI64,
    pub(super) mode: AtomicU8,
    /// The innermost emit of who has the turn. Used by that one only.
    pub(super) frame: AtomicPtr<Frame<S, E>>,
    /// Made for the first re-entrant listener.
    pub(super) readers: OnceLock<Box<Readers>>,
    pub(super) habit: Habit,
    book: Shelf<S, E>,
}

/// Where the book lies. Who has the key is alone in it.
struct Shelf<S: Declared, E: Event<S>>(UnsafeCell<Book<S, E>>);

// SAFETY: a book may go from thread to thread, and is touched by the one that has the key only.
unsafe impl<S: Declared, E: Event<S>> Sync for Shelf<S, E> {}

/// The book of a row, for who has the key. It is closed when this is dropped; in this order.
pub(super) struct Open<'a, S: Declared, E: Event<S>> {
    book: MutPtr<Book<S, E>>,
    pub(super) key: Key<'a>,
}

impl<S: Declared, E: Event<S>> Open<'_, S, E> {
    /// All listeners, in the order in which they were registered, with their numbers.
    pub(super) fn linked(&self) -> impl Iterator<Item = (i64, &Node<S, E>)> {
        let nodes = self.index.iter().filter_map(|(number, node)| Some((*number, (*node)?)));
        // SAFETY: what is in the index is linked, and as long as the book is open it stays so.
        nodes.map(|(number, node)| (number, unsafe { node.0.as_ref() }))
    }

    /// The one of this number.
    pub(super) fn linked_as(&self, number: i64) -> Option<&Node<S, E>> {
        // SAFETY: as above.
        self.find(number).map(|node| unsafe { node.0.as_ref() })
    }
}

impl<S: Declared, E: Event<S>> Deref for Open<'_, S, E> {
    type Target = Book<S, E>;

    #[inline(always)]
    fn deref(&self) -> &Book<S, E> {
        // SAFETY: there is one key, and we have it.
        self.book.with(|book| unsafe { &*book })
    }
}

impl<S: Declared, E: Event<S>> DerefMut for Open<'_, S, E> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut Book<S, E> {
        // SAFETY: there is one key, and we have it.
        self.book.with(|book| unsafe { &mut *book })
    }
}

/// Nodes that nobody can be at any more.
#[allow(dead_code, reason = "they are dropped, at the right moment, and nothing else")]
enum Dead<S: Declared, E: Event<S>> {
    /// Most often just the one that was removed.
    This(Owned<S, E>),
    Others(Vec<Owned<S, E>>),
}

impl<S: Declared, E: Event<S>> Row<S, E> {
    /// The book. Who leaves has word by the turn if there are readers, so then that is to be as usual.
    #[inline(always)]
    pub(super) fn open(&self) -> Open<'_, S, E> {
        let me = me();
        let key = match self.readers.get() {
            None => self.habit.open(&self.turn, me, true),
            Some(_) => self.habit.lock(&self.turn, me, 0),
        };
        Open { key, book: self.book.0.get_mut() }
    }

    /// The book, when no thread has the turn by habit.
    #[cold]
    fn open_locked(&self) -> Open<'_, S, E> {
        let key = self.habit.lock(&self.turn, me(), 0);
        Open { key, book: self.book.0.get_mut() }
    }

    /// Has no thread have the turn by habit any more.
    #[cold]
    pub(super) fn revoke(&self) {
        drop(self.open_locked());
    }

    /// Adds a listener. Its number, and all that are there with it if they are more than `limit` and that was not said
    /// since there were none.
    pub(super) fn add(
        &self,
        node: Owned<S, E>,
        place: Place,
        limit: usize,
        since: impl FnOnce() -> i64,
    ) -> (i64, Option<Box<Suspect>>) {
        let mut book = self.open();
        let number = stamp::number(self.newest.load(Ordering::Relaxed)) + 1;
        let node = node.release(stamp::new(place, number));
        if book.live == 0 {
            book.since = since();
            book.warned = false;
        }
        book.index.push((number, Some(node)));
        let last = book.tail.map_or(ptr::null_mut(), |tail| tail.0.as_ptr());
        let before = if matches!(place, Place::Back) { last } else { self.before(node, last) };
        self.link(&mut book, node, before);
        book.live += 1;
        // SAFETY: it has just been linked, and we have the lock.
        if unsafe { node.0.as_ref() }.is_reentrant() {
            self.readers.get_or_init(|| Box::new(Readers::new()));
        } else {
            book.exclusive += 1;
        }
        if matches!(place, Place::Intercepting) {
            book.interceptors += 1;
            book.see_special();
            self.set_mode(&book);
        } else if book.exclusive <= 1 {
            self.set_mode(&book); // else it is known already
        }
        // In this order: an emit that calls an interceptor knows that there are some.
        self.newest.store(stamp::newest(number), Ordering::Release);
        if book.live <= limit || book.warned {
            return (number, None);
        }
        book.warned = true;
        (number, Some(Suspect::new(limit, &book)))
    }

    /// Has emits know that they have more to do, or have not.
    pub(super) fn set_gated(&self, gated: bool) {
        let mut book = self.open();
        book.gated = gated;
        book.see_special();
        self.set_mode(&book);
    }

    /// Removes a listener. Says whether it was there.
    #[inline(never)]
    pub(super) fn remove(&self, number: i64) -> bool {
        let mut book = self.open();
        let Some(node) = book.take(number) else { return false };
        let dead = self.retire(&mut book, number, node);
        drop(book); // before what `dead` captures
        drop(dead);
        true
    }

    pub(super) fn clear(&self) {
        let mut book = self.open();
        let numbers: Vec<_> = book.index.iter().map(|(number, _)| *number).collect();
        let mut dead = Vec::with_capacity(book.live);
        for number in numbers {
            if let Some(node) = book.take(number) {
                dead.push(self.retire(&mut book, number, node));
            }
        }
        drop(book);
        drop(dead);
    }

    /// Waits until a listener that was removed does not run any more; `false` if it may, since this is
    /// called from inside of it, or of what it waits for.
    pub(super) fn wait(&self, number: i64) -> bool {
        if self.held_by(number).is_none() {
            return true;
        }
        self.open().waited += 1;
        let over = self.turn.wait_until(&walks(), || self.held_by(number));
        self.open().waited -= 1;
        over
    }

    /// Whether a listener that was removed may run: if so, who has the turn in which it may, or 0 if there
    /// are readers only.
    fn held_by(&self, number: i64) -> Option<usize> {
        let book = self.open();
        let retired = book.retired.iter().find(|retired| retired.number == number)?;
        // SAFETY: it is retired, and we have the lock.
        let node = unsafe { retired.node.0.as_ref() };
        let owner = book.key.owner(me());
        if retired.turn && (owner != me() || self.runs(node)) {
            return Some(owner);
        }
        let readers = self.readers.get().filter(|_| node.is_reentrant())?;
        (readers.settle(retired.phase) < retired.phase).then_some(0)
    }

    /// Blocks a listener once more, or takes a block back. Says whether there is such a listener.
    pub(super) fn block(&self, number: i64, block: bool) -> bool {
        let mut book = self.open();
        let Some(node) = book.find(number) else { return false };
        // SAFETY: it is linked, and we have the lock.
        let node = unsafe { node.0.as_ref() };
        let at = book.blocked.iter().position(|(blocked, _)| *blocked == number);
        match (at, block) {
            (Some(at), true) => book.blocked[at].1 += 1,
            (Some(at), false) => {
                book.blocked[at].1 -= 1;
                if book.blocked[at].1 == 0 {
                    book.blocked.swap_remove(at);
                    node.set_silent(false);
                }
            }
            (None, true) => {
                book.blocked.push((number, 1));
                node.set_silent(true);
            }
            (None, false) => {}
        }
        true
    }

    #[inline]
    fn set_mode(&self, book: &Book<S, E>) {
        let mode = match (book.exclusive, book.live) {
            (0, 0) => NOBODY,
            (0, _) => SHARED,
            _ => EXCLUSIVE,
        };
        self.mode.store(mode | book.special, Ordering::Release);
    }

    /// What a complete node comes behind, by its key; null: it is the first.
    #[cold]
    fn before(&self, node: Ptr<S, E>, last: *mut Node<S, E>) -> *mut Node<S, E> {
        let head = self.head.load(Ordering::Relaxed);
        // SAFETY: linked nodes are good, and who adds one has the lock.
        unsafe {
            let key = node.0.as_ref().key();
            if head.as_ref().is_some_and(|head| head.key() > key) {
                return ptr::null_mut();
            }
            let mut before = last;
            while before.as_ref().is_some_and(|before| before.key() > key) {
                before = (*before).prev.load(Ordering::Relaxed);
            }
            before
        }
    }

    /// Links a complete node in behind that one. Most come to the end.
    #[inline]
    fn link(&self, book: &mut Open<'_, S, E>, node: Ptr<S, E>, before: *mut Node<S, E>) {
        let this = node.0.as_ptr();
        // SAFETY: linked nodes are good, and we have the lock.
        unsafe {
            let link = before.as_ref().map_or(&self.head, |before| &before.next);
            let after = link.load(Ordering::Relaxed);
            (*this).prev.store(before, Ordering::Relaxed);
            (*this).next.store(after, Ordering::Relaxed);
            match after.as_ref() {
                Some(after) => after.prev.store(this, Ordering::Relaxed),
                None => book.tail = Some(node),
            }
            link.store(this, Ordering::Release); // from here on it is walked over
        }
    }

    /// Takes a node out of the list; it leads on to those behind it. What nobody can be at any more comes
    /// back, to be dropped out of the lock.
    #[inline(always)]
    fn retire(&self, book: &mut Open<'_, S, E>, number: i64, node: Ptr<S, E>) -> Dead<S, E> {
        // SAFETY: linked nodes are good, and we have the lock.
        let (reentrant, intercepts) = unsafe {
            let this = node.0.as_ref();
            let intercepts = this.intercepts();
            this.set_silent(true);
            let next = this.next.load(Ordering::Relaxed);
            let prev = this.prev.load(Ordering::Relaxed);
            prev.as_ref().map_or(&self.head, |prev| &prev.next).store(next, Ordering::Release);
            match next.as_ref() {
                Some(next) => next.prev.store(prev, Ordering::Relaxed),
                None => book.tail = NonNull::new(prev).map(Ptr),
            }
            (this.is_reentrant(), intercepts)
        };
        book.live -= 1;
        book.exclusive -= usize::from(!reentrant);
        if intercepts {
            book.interceptors -= 1;
            book.see_special();
            self.set_mode(book);
        } else if book.exclusive == 0 {
            self.set_mode(book);
        }
        let readers = self.readers.get();
        if book.key.owner(me()) == 0 && readers.is_none_or(|readers| readers.is_empty()) {
            // SAFETY: it is unlinked, and nobody walked since.
            return Dead::This(unsafe { Owned::reclaim(node) });
        }
        Dead::Others(self.keep(book, number, node))
    }

    /// Has walkers leave a node first that is unlinked.
    #[cold]
    #[inline(never)]
    fn keep(&self, book: &mut Open<'_, S, E>, number: i64, node: Ptr<S, E>) -> Vec<Owned<S, E>> {
        let phase = self.readers.get().map_or(0, |readers| readers.phase());
        let turn = book.key.note_chores(me()) != 0;
        book.retired.push(Retired { node, number, turn, phase });
        self.sweep(book) // the readers may have left meanwhile
    }

    /// What is retired, and where nobody can be any more.
    #[inline(never)]
    fn sweep(&self, book: &mut Open<'_, S, E>) -> Vec<Owned<S, E>> {
        let newest = book.retired.iter().map(|retired| retired.phase).max().unwrap_or(0);
        let settled = self.readers.get().map_or(0, |readers| readers.settle(newest));
        let mut dead = Vec::new();
        book.retired.retain(|retired| {
            let is_held = retired.turn || retired.phase > settled;
            if !is_held {
                // SAFETY: it was retired, and all who walked then have left.
                dead.push(unsafe { Owned::reclaim(retired.node) });
            }
            is_held
        });
        if book.retired.is_empty() {
            book.key.clear_chores();
            if book.retired.capacity() > KEPT {
                book.retired = Vec::new();
            }
        }
        dead
    }

    /// A walker leaves who has something to do; with the turn, or as a reader that was counted out.
    #[cold]
    pub(super) fn leave(&self, with_turn: bool) {
        let mut book = self.open_locked();
        let dead = self.see_to_chores(&mut book, with_turn);
        let wanted = with_turn && self.turn.give();
        let waited = book.waited != 0;
        drop(book);
        if wanted {
            self.turn.wake();
        }
        if waited {
            self.turn.wake_ends();
        }
        drop(dead);
    }

    fn see_to_chores(&self, book: &mut Open<'_, S, E>, with_turn: bool) -> Vec<Owned<S, E>> {
        if with_turn {
            book.retired.iter_mut().for_each(|retired| retired.turn = false);
        }
        self.sweep(book)
    }

    /// A walker leaves that had not made the row its habit, and may do so now; or has something to do.
    #[cold]
    pub(super) fn leave_turn(&self) {
        let me = me();
        if !self.habit.begin(&self.turn, me) && !self.turn.try_give(me) {
            self.leave(true);
        }
    }

    /// A walker leaves whose habit the row was, and has something to do; or the habit may have been revoked.
    #[cold]
    #[inline(never)]
    pub(super) fn leave_habit(&self) {
        let me = me();
        let key = self.habit.open(&self.turn, me, false);
        let mut book = Open { key, book: self.book.0.get_mut() };
        if book.key.is_habit() {
            let dead = self.see_to_chores(&mut book, true);
            let waited = book.waited != 0;
            book.key.end();
            drop(book);
            if waited {
                self.turn.wake_ends();
            }
            return drop(dead);
        }
        drop(book);
        if self.habit.is_mine_after_all(&self.turn, me) && !self.turn.try_give(me) {
            self.leave(true);
        }
    }
}

impl<S: Declared, E: Event<S>> Default for Row<S, E> {
    fn default() -> Self {
        Self {
            turn: Turn::new(),
            head: AtomicPtr::new(ptr::null_mut()),
            newest: AtomicI64::new(stamp::newest(0)),
            mode: AtomicU8::new(NOBODY),
            frame: AtomicPtr::new(ptr::null_mut()),
            readers: OnceLock::new(),
            habit: Habit::new(),
            book: Shelf(UnsafeCell::new(Book::default())),
        }
    }
}

impl<S: Declared, E: Event<S>> Drop for Row<S, E> {
    fn drop(&mut self) {
        // Nobody else is there, so no key is asked for; but `loom` does not know what an `Arc` says.
        #[cfg(onward_loom)]
        let mut book = self.open();
        #[cfg(not(onward_loom))]
        let book = self.book.0.mine();
        let linked = core::mem::take(&mut book.index).into_iter().filter_map(|(_, node)| node);
        let retired = core::mem::take(&mut book.retired).into_iter().map(|retired| retired.node);
        // SAFETY: each is in one of the two, and nobody walks over a row that is being dropped.
        let all: Vec<_> =
            linked.chain(retired).map(|node| unsafe { Owned::reclaim(node) }).collect();
        #[cfg(onward_loom)]
        drop(book);
        drop(all);
    }
}
