//! The listeners of one event, in order: a linked list that is walked while others change it.
//!
//! - Who **walks** goes from node to node by `next`. Walkers are the one thread that has the turn, and,
//!   as long as all listeners are re-entrant, any number of threads that are counted as readers.
//! - Who **changes** the row has the lock of its [`Book`]. A new node is linked in when it is complete,
//!   with a number that walks under way pass over. A removed one is silent, and unlinked, but leads on.
//! - A removed node is freed at once if nobody walks, else **retired**: by the last who leaves of those
//!   who walked then, with [`Row::sweep`].
//!
//! # Invariants
//!
//! 1. Nodes in `index` are linked; nodes in `retired` are not, and cannot be reached from `head` by who begins
//!    to walk now. All others are gone.
//! 2. A node is taken out of `retired` to be freed when all who walked as it was retired have left.
//! 3. `next`, `prev`, `head` and `tail` are written in the lock only.
#![allow(unsafe_code, reason = "the list is walked without a lock, see the measure in benches/")]

use core::cell::Cell;
use core::panic::Location;
use core::ptr::{self, NonNull};
use std::sync::OnceLock;

use super::node::{Node, Owned, Ptr, SILENT};
use super::primitives::{AtomicI64, AtomicPtr, AtomicU8, Mutex, Ordering, here, lock, me};
use super::readers::{Readers, Ticket};
use super::turn::{Taken, Turn};
use crate::emitter::{Declared, Emitted, Event, Place};

/// Which listeners there are, as far as an emit wants to know: none, re-entrant ones only, or others too.
const NOBODY: u8 = 0;
const SHARED: u8 = 1;
const EXCLUSIVE: u8 = 2;

/// The listeners of one event of one emitter.
#[repr(align(64))]
pub(super) struct Row<S: Declared, E: Event<S>> {
    turn: Turn,
    head: AtomicPtr<Node<S, E>>,
    /// The number of the newest registration.
    newest: AtomicI64,
    mode: AtomicU8,
    /// The innermost emit of who has the turn. Used by that one only.
    frame: AtomicPtr<Frame<S, E>>,
    /// Made for the first re-entrant listener.
    readers: OnceLock<Box<Readers>>,
    book: Mutex<Book<S, E>>,
}

/// What only those look at who change the row.
struct Book<S: Declared, E: Event<S>> {
    tail: *mut Node<S, E>,
    /// All nodes that are linked, by the number of their registration. None: it was removed.
    index: Vec<(i64, Option<Ptr<S, E>>)>,
    /// How many of these there are, and how many of them are not re-entrant.
    live: usize,
    exclusive: usize,
    /// The numbers of those that are blocked, and how many times each.
    blocked: Vec<(i64, usize)>,
    retired: Vec<Retired<S, E>>,
    /// How many threads wait for something retired.
    waited: usize,
    /// When the event came to have listeners.
    since: i64,
}

// SAFETY: `tail` points to one of the nodes, of which `Ptr` says that they may be sent.
unsafe impl<S: Declared, E: Event<S>> Send for Book<S, E> {}

/// A node that walkers may still be at.
struct Retired<S: Declared, E: Event<S>> {
    node: Ptr<S, E>,
    number: i64,
    /// Who has the turn may be there.
    turn: bool,
    /// Readers may be there who came in this phase or before.
    phase: usize,
}

/// A walk under way that others may walk along with, on the stack of its thread.
pub(super) struct Walk {
    turn: usize,
    outer: *const Self,
}

/// An emit under way that has the turn, on the stack of its thread.
struct Frame<S: Declared, E: Event<S>> {
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
    fn runs(&self, node: *const Node<S, E>) -> bool {
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

    /// Adds a listener; `node` makes it for a key and a number.
    pub(super) fn add(
        &self,
        place: Place,
        since: impl FnOnce() -> i64,
        node: impl FnOnce(i64, i64) -> Owned<S, E>,
    ) -> i64 {
        let mut book = lock(&self.book);
        let number = self.newest.load(Ordering::Relaxed) + 1;
        let node = node(place.key(number), number).release();
        if book.live == 0 {
            book.since = since();
        }
        book.index.push((number, Some(node)));
        self.link(&mut book, node);
        book.live += 1;
        // SAFETY: it has just been linked, and we have the lock.
        if unsafe { node.0.as_ref() }.is_reentrant() {
            self.readers.get_or_init(|| Box::new(Readers::new()));
        } else {
            book.exclusive += 1;
        }
        self.newest.store(number, Ordering::Release);
        self.set_mode(&book);
        number
    }

    /// Removes a listener. Says whether it was there.
    pub(super) fn remove(&self, number: i64) -> bool {
        let mut book = lock(&self.book);
        let Some(node) = book.take(number) else { return false };
        let dead = self.retire(&mut book, number, node);
        drop(book); // before what `dead` captures
        drop(dead);
        true
    }

    pub(super) fn clear(&self) {
        let mut book = lock(&self.book);
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
        lock(&self.book).waited += 1;
        let over = self.turn.wait_until(&walks(), || self.held_by(number));
        lock(&self.book).waited -= 1;
        over
    }

    /// Whether a listener that was removed may run: if so, who has the turn in which it may, or 0 if there
    /// are readers only.
    fn held_by(&self, number: i64) -> Option<usize> {
        let book = lock(&self.book);
        let retired = book.retired.iter().find(|retired| retired.number == number)?;
        // SAFETY: it is retired, and we have the lock.
        let node = unsafe { retired.node.0.as_ref() };
        let owner = self.turn.owner();
        if retired.turn && (owner != me() || self.runs(node)) {
            return Some(owner);
        }
        let readers = self.readers.get().filter(|_| node.is_reentrant())?;
        (readers.settle(retired.phase) < retired.phase).then_some(0)
    }

    /// Blocks a listener once more, or takes a block back. Says whether there is such a listener.
    pub(super) fn block(&self, number: i64, block: bool) -> bool {
        let mut book = lock(&self.book);
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
                    node.number.store(number, Ordering::Release);
                }
            }
            (None, true) => {
                book.blocked.push((number, 1));
                node.number.store(SILENT, Ordering::Release);
            }
            (None, false) => {}
        }
        true
    }

    pub(super) fn count(&self) -> usize {
        lock(&self.book).live
    }

    pub(super) fn since(&self) -> i64 {
        lock(&self.book).since
    }

    /// Where the listeners were registered, in the order in which they are called.
    pub(super) fn locations(&self) -> Vec<&'static Location<'static>> {
        let book = lock(&self.book);
        let nodes = book.index.iter().filter_map(|(_, node)| *node);
        // SAFETY: they are linked, and we have the lock.
        let mut nodes: Vec<_> = nodes.map(|node| unsafe { node.0.as_ref() }).collect();
        nodes.sort_by_key(|node| node.key);
        nodes.iter().map(|node| node.location).collect()
    }

    fn set_mode(&self, book: &Book<S, E>) {
        let mode = match (book.live, book.exclusive) {
            (0, _) => NOBODY,
            (_, 0) => SHARED,
            _ => EXCLUSIVE,
        };
        self.mode.store(mode, Ordering::Release);
    }

    /// Links a complete node in by its key. Most come to the end.
    fn link(&self, book: &mut Book<S, E>, node: Ptr<S, E>) {
        let this = node.0.as_ptr();
        // SAFETY: linked nodes are good, and we have the lock.
        unsafe {
            let head = self.head.load(Ordering::Relaxed);
            let front = head.as_ref().is_some_and(|head| head.key > (*this).key);
            let mut before = if front { ptr::null_mut() } else { book.tail };
            while before.as_ref().is_some_and(|before| before.key > (*this).key) {
                before = (*before).prev.load(Ordering::Relaxed);
            }
            let link = before.as_ref().map_or(&self.head, |before| &before.next);
            let after = link.load(Ordering::Relaxed);
            (*this).prev.store(before, Ordering::Relaxed);
            (*this).next.store(after, Ordering::Relaxed);
            match after.as_ref() {
                Some(after) => after.prev.store(this, Ordering::Relaxed),
                None => book.tail = this,
            }
            link.store(this, Ordering::Release); // from here on it is walked over
        }
    }

    /// Takes a node out of the list; it leads on to those behind it. If nobody can be there it is handed
    /// back, with others of which that has just become so, to be dropped out of the lock.
    fn retire(
        &self,
        book: &mut Book<S, E>,
        number: i64,
        node: Ptr<S, E>,
    ) -> (Option<Owned<S, E>>, Vec<Owned<S, E>>) {
        // SAFETY: linked nodes are good, and we have the lock.
        let reentrant = unsafe {
            let this = node.0.as_ref();
            this.number.store(SILENT, Ordering::Release);
            let next = this.next.load(Ordering::Relaxed);
            let prev = this.prev.load(Ordering::Relaxed);
            prev.as_ref().map_or(&self.head, |prev| &prev.next).store(next, Ordering::Release);
            match next.as_ref() {
                Some(next) => next.prev.store(prev, Ordering::Relaxed),
                None => book.tail = prev,
            }
            this.is_reentrant()
        };
        book.live -= 1;
        book.exclusive -= usize::from(!reentrant);
        self.set_mode(book);
        let readers = self.readers.get();
        if self.turn.owner() == 0 && readers.is_none_or(|readers| readers.is_empty()) {
            // SAFETY: it is unlinked, and nobody walked since.
            return (Some(unsafe { Owned::reclaim(node) }), Vec::new());
        }
        let phase = readers.map_or(0, |readers| readers.phase());
        let turn = self.turn.note_chores() != 0;
        book.retired.push(Retired { node, number, turn, phase });
        (None, self.sweep(book)) // the readers may have left meanwhile
    }

    /// What is retired, and where nobody can be any more.
    fn sweep(&self, book: &mut Book<S, E>) -> Vec<Owned<S, E>> {
        let newest = book.retired.iter().map(|retired| retired.phase).max().unwrap_or(0);
        let settled = self.readers.get().map_or(0, |readers| readers.settle(newest));
        let (free, held): (Vec<_>, Vec<_>) = core::mem::take(&mut book.retired)
            .into_iter()
            .partition(|retired| !retired.turn && retired.phase <= settled);
        book.retired = held;
        if book.retired.is_empty() {
            self.turn.clear_chores();
        }
        // SAFETY: they were retired, and all who walked then have left.
        free.into_iter().map(|retired| unsafe { Owned::reclaim(retired.node) }).collect()
    }

    /// A walker leaves who has something to do; with the turn, or as a reader that was counted out.
    #[cold]
    fn leave(&self, with_turn: bool) {
        let mut book = lock(&self.book);
        if with_turn {
            book.retired.iter_mut().for_each(|retired| retired.turn = false);
        }
        let dead = self.sweep(&mut book);
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
}

impl<S: Declared, E: Event<S>> Book<S, E> {
    fn position(&self, number: i64) -> Option<usize> {
        let newest = self.index.len().checked_sub(1)?;
        if self.index[newest].0 == number {
            return Some(newest);
        }
        self.index.binary_search_by_key(&number, |(number, _)| *number).ok()
    }

    fn find(&self, number: i64) -> Option<Ptr<S, E>> {
        self.index[self.position(number)?].1
    }

    /// Takes a node out of the index. Places that are empty go when they come to the end, or are as many
    /// as the others; so that takes constant time, taken over many.
    fn take(&mut self, number: i64) -> Option<Ptr<S, E>> {
        let at = self.position(number)?;
        let node = self.index[at].1.take()?;
        while self.index.last().is_some_and(|(_, node)| node.is_none()) {
            self.index.pop();
        }
        if self.index.len() > 2 * self.live {
            self.index.retain(|(_, node)| node.is_some());
        }
        if !self.blocked.is_empty() {
            self.blocked.retain(|(blocked, _)| *blocked != number);
        }
        Some(node)
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
fn walks() -> Vec<usize> {
    let (mut walks, mut at) = (Vec::new(), here(|here| here.walks.get()));
    // SAFETY: a walk is linked as long as it is on the stack of this thread.
    while let Some(walk) = unsafe { at.as_ref() } {
        walks.push(walk.turn);
        at = walk.outer;
    }
    walks
}

impl<S: Declared, E: Event<S>> Default for Row<S, E> {
    fn default() -> Self {
        Self {
            turn: Turn::new(),
            head: AtomicPtr::new(ptr::null_mut()),
            newest: AtomicI64::new(0),
            mode: AtomicU8::new(NOBODY),
            frame: AtomicPtr::new(ptr::null_mut()),
            readers: OnceLock::new(),
            book: Mutex::new(Book {
                tail: ptr::null_mut(),
                index: Vec::new(),
                live: 0,
                exclusive: 0,
                blocked: Vec::new(),
                retired: Vec::new(),
                waited: 0,
                since: 0,
            }),
        }
    }
}

impl<S: Declared, E: Event<S>> Drop for Row<S, E> {
    fn drop(&mut self) {
        let mut book = lock(&self.book);
        let linked = core::mem::take(&mut book.index).into_iter().filter_map(|(_, node)| node);
        let retired = core::mem::take(&mut book.retired).into_iter().map(|retired| retired.node);
        // SAFETY: each is in one of the two, and nobody walks over a row that is being dropped.
        let all: Vec<_> =
            linked.chain(retired).map(|node| unsafe { Owned::reclaim(node) }).collect();
        drop(book);
        drop(all);
    }
}
