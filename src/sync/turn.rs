//! Whose turn it is to emit an event, and who waits for whom.
//!
//! A turn is one word: the thread that has it, and two flags. To take it and to give it away are one
//! compare-exchange each. Only who finds it taken comes to the table of all who wait. The word can also say that
//! a thread has the turn by [habit](super::habit): nobody else takes it then, or waits for it, before that
//! is revoked.
//!
//! # A wait never closes a circle
//!
//! Before a thread waits it looks whether one that it would wait for waits for it in turn, however many
//! stand between. If so, the turn is lent to it: the thread that has the turn is at rest, as if it had been
//! called from further out on one common stack, and stays so until the borrower goes on. That is a nested
//! emit like any other.
//!
//! What stands in the table about owners is exact: whoever gives a turn away that is waited for says so
//! there before it can wait itself.
//!
//! Who waits for emits to end does not lend, since it is not known for whom it waits among the readers: it
//! gives up, as soon as it might be part of a circle.

use super::primitives::{AtomicUsize, Condvar, Mutex, MutexGuard, Ordering, lock, me};
use super::walk::walks;
use std::sync::Arc;

/// Something was retired, which the one who leaves has to see to.
pub(super) const CHORES: usize = 1;
/// Somebody waits for the turn.
const WAITED: usize = 2;
const FLAGS: usize = CHORES | WAITED;
/// The turn is that of a thread by habit, and the two flags are not flags; without a thread: that is being revoked.
pub(super) const HABIT: usize = 4;
/// All that is not the thread.
const MARKS: usize = HABIT | FLAGS;

/// How often a thread looks again before it goes to sleep.
const SPINS: usize = if cfg!(onward_loom) { 1 } else { 60 };

pub(super) struct Turn {
    word: AtomicUsize,
}

/// How the turn was taken.
pub(super) enum Taken {
    /// For itself.
    Free,
    /// It had it already.
    Mine,
    /// From a thread that waits for this one, which gets it back.
    Lent(usize),
}

impl Turn {
    pub(super) fn new() -> Self {
        Self { word: AtomicUsize::new(0) }
    }

    pub(super) fn id(&self) -> usize {
        core::ptr::from_ref(self) as usize
    }

    /// Takes the turn if nobody has it and nothing is to be done.
    #[inline(always)]
    pub(super) fn try_take(&self, me: usize) -> bool {
        self.word.compare_exchange(0, me, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// Gives the turn away if nobody waits for it and nothing is to be done.
    #[inline(always)]
    pub(super) fn try_give(&self, me: usize) -> bool {
        self.word.compare_exchange(me, 0, Ordering::Release, Ordering::Relaxed).is_ok()
    }

    /// The word as it is, for who knows what it says about [habits](super::habit).
    #[inline(always)]
    pub(super) fn word(&self) -> usize {
        self.word.load(Ordering::Acquire)
    }

    /// Has the turn belong to a thread by habit that has it (`from`), or that nobody has (0). `false` if it is
    /// another one's, or if there is something to do.
    pub(super) fn settle(&self, from: usize, habit: usize) -> bool {
        self.exchange(from, habit).is_ok()
    }

    /// Writes the word of a turn that is some thread's by habit; in the lock of that.
    pub(super) fn unsettle(&self, word: usize) {
        self.word.store(word, Ordering::Release);
    }

    /// Has this thread the turn, and not by habit?
    pub(super) fn is_of(&self, me: usize) -> bool {
        self.word() & !FLAGS == me
    }

    /// Gives the turn away. Says whether somebody waits, who is to be [told](wake).
    pub(super) fn give(&self) -> bool {
        self.word.fetch_and(CHORES, Ordering::AcqRel) & WAITED != 0
    }

    /// Who has the turn, or 0. In order with all who take it and give it away.
    pub(super) fn owner(&self) -> usize {
        self.word.fetch_or(0, Ordering::AcqRel) & !FLAGS
    }

    /// Notes that there is something to do, and says who has the turn, and so will see to it.
    pub(super) fn note_chores(&self) -> usize {
        self.word.fetch_or(CHORES, Ordering::AcqRel) & !FLAGS
    }

    #[inline]
    pub(super) fn has_chores(&self) -> bool {
        self.word.load(Ordering::Acquire) & (HABIT | CHORES) == CHORES
    }

    pub(super) fn clear_chores(&self) {
        self.word.fetch_and(!CHORES, Ordering::AcqRel);
    }

    /// The word, when no thread has the turn by habit any more.
    fn unsettled(&self, revoke: impl Fn()) -> usize {
        loop {
            let word = self.word();
            if word & HABIT == 0 {
                return word;
            }
            revoke();
        }
    }

    /// Takes a turn that could not be taken at once. `revoke` ends a habit; `walks` says where this thread walks
    /// together with others.
    #[cold]
    pub(super) fn take(&self, revoke: impl Fn(), walks: impl FnOnce() -> Vec<usize>) -> Taken {
        let me = me();
        // The second time: a habit of this thread may have been revoked while it looked.
        if self.word() & !MARKS == me || self.unsettled(&revoke) & !FLAGS == me {
            return Taken::Mine;
        }
        for _ in 0..SPINS {
            if self.word.load(Ordering::Relaxed) & !FLAGS == 0 && self.take_free(me) {
                return Taken::Free;
            }
            core::hint::spin_loop();
        }
        let (walks, mut table) = (walks(), table());
        loop {
            let word = self.unsettled(&revoke);
            let owner = word & !FLAGS;
            if owner == 0 {
                if self.take_free(me) {
                    table.leave(me);
                    return Taken::Free;
                }
                continue;
            }
            if self.exchange(word, word | WAITED).is_err() {
                continue;
            }
            let bell = table.enter(Waiter::new(me, Aim::Turn(self.id()), owner, &walks));
            if table.is_circle(me, false) {
                table.leave(me);
                self.rename(owner, me);
                table.rename(self.id(), owner, me);
                return Taken::Lent(owner);
            }
            table.ask_again();
            table = table.wait(&bell);
        }
    }

    /// Has the turn until what is returned is dropped. For one that nobody ever has by habit.
    pub(super) fn hold(&self) -> Held<'_> {
        let taken = if self.try_take(me()) { Taken::Free } else { self.take(|| {}, walks) };
        Held { turn: self, taken }
    }

    /// Gives a turn back that was lent by `owner`, who still waits.
    pub(super) fn give_back(&self, owner: usize) {
        let mut table = table();
        self.rename(me(), owner);
        table.rename(self.id(), me(), owner);
    }

    fn exchange(&self, from: usize, to: usize) -> Result<usize, usize> {
        self.word.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed)
    }

    /// Takes a turn that nobody has, whatever there is to do.
    fn take_free(&self, me: usize) -> bool {
        let word = self.word.load(Ordering::Relaxed);
        word & !FLAGS == 0 && self.exchange(word, word | me).is_ok()
    }

    fn rename(&self, from: usize, to: usize) {
        let mut word = self.word.load(Ordering::Relaxed);
        debug_assert_eq!(word & !FLAGS, from, "a turn that is waited for keeps its owner");
        while let Err(now) = self.exchange(word, word & FLAGS | to) {
            word = now;
        }
    }

    /// Tells those who wait for this turn that it is free.
    #[cold]
    pub(super) fn wake(&self) {
        table().wake(Aim::Turn(self.id()));
    }

    /// Tells those who wait for emits to end that some have.
    #[cold]
    pub(super) fn wake_ends(&self) {
        table().wake(Aim::End(self.id()));
    }

    /// Waits until nobody holds what is asked about: `held_by`, in the lock of the table and again whenever
    /// an emit has ended, names the owner of a turn, or 0 for others. `false` if that cannot be waited for,
    /// since an emit that has to end waits for this thread.
    pub(super) fn wait_until(
        &self,
        walks: &[usize],
        mut held_by: impl FnMut() -> Option<usize>,
    ) -> bool {
        let (me, mut table) = (me(), table());
        while let Some(owner) = held_by() {
            let bell = table.enter(Waiter::new(me, Aim::End(self.id()), owner, walks));
            if table.is_circle(me, true) {
                table.leave(me);
                return false;
            }
            table = table.wait(&bell);
        }
        table.leave(me);
        true
    }
}

/// Has a turn that nobody walks with.
#[must_use]
pub(super) struct Held<'a> {
    turn: &'a Turn,
    taken: Taken,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        match self.taken {
            Taken::Mine => {}
            Taken::Lent(owner) => self.turn.give_back(owner),
            Taken::Free if self.turn.try_give(me()) => {}
            Taken::Free => {
                if self.turn.give() {
                    self.turn.wake();
                }
            }
        }
    }
}

/// What a thread waits for, of the turn with this address.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Aim {
    /// To have it.
    Turn(usize),
    /// That all end who emit the event.
    End(usize),
}

/// A thread that waits.
struct Waiter {
    thread: usize,
    aim: Aim,
    /// Who has the turn, or 0.
    owner: usize,
    /// The turns without which the thread walks over a row, together with others.
    walks: Vec<usize>,
    bell: Arc<Condvar>,
}

impl Waiter {
    fn new(thread: usize, aim: Aim, owner: usize, walks: &[usize]) -> Self {
        Self { thread, aim, owner, walks: walks.to_vec(), bell: Arc::new(Condvar::new()) }
    }
}

/// All who wait, locked.
struct Table(MutexGuard<'static, Vec<Waiter>>);

#[cfg(not(onward_loom))]
static WAITERS: Mutex<Vec<Waiter>> = Mutex::new(Vec::new());
#[cfg(onward_loom)]
loom::lazy_static! {
    static ref WAITERS: Mutex<Vec<Waiter>> = Mutex::new(Vec::new());
}

fn table() -> Table {
    Table(lock(&WAITERS))
}

impl Table {
    fn enter(&mut self, waiter: Waiter) -> Arc<Condvar> {
        self.leave(waiter.thread);
        let bell = Arc::clone(&waiter.bell);
        self.0.push(waiter);
        bell
    }

    fn leave(&mut self, thread: usize) {
        self.0.retain(|waiter| waiter.thread != thread);
    }

    fn wait(self, bell: &Condvar) -> Self {
        Self(bell.wait(self.0).unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Whoever waits for that has to look again.
    fn wake(&mut self, aim: Aim) {
        for waiter in self.0.iter_mut().filter(|waiter| waiter.aim == aim) {
            waiter.owner = 0;
            waiter.bell.notify_one();
        }
    }

    /// The turn has gone from one thread to another.
    fn rename(&mut self, turn: usize, from: usize, to: usize) {
        for waiter in &mut *self.0 {
            let (Aim::Turn(of) | Aim::End(of)) = waiter.aim;
            if of == turn && waiter.owner == from {
                waiter.owner = to;
            }
        }
    }

    /// Somebody begins to wait for a turn: who waits for an end has to look whether that closes a circle.
    fn ask_again(&self) {
        let ends = self.0.iter().filter(|waiter| matches!(waiter.aim, Aim::End(_)));
        ends.for_each(|waiter| waiter.bell.notify_one());
    }

    /// Does `me`, by way of others, wait for itself? Without `ends` only of those who wait for a turn,
    /// of whom it is known exactly for whom, and who wait until they have it.
    fn is_circle(&self, me: usize, ends: bool) -> bool {
        let (mut seen, mut at) = (vec![me], 0);
        while let Some(&thread) = seen.get(at) {
            at += 1;
            let mut waiters = self.0.iter().filter(|w| ends || matches!(w.aim, Aim::Turn(_)));
            let Some(waiter) = waiters.find(|waiter| waiter.thread == thread) else { continue };
            let walkers = self.0.iter().filter(|other| match waiter.aim {
                Aim::End(turn) => other.walks.contains(&turn),
                Aim::Turn(_) => false,
            });
            for next in walkers.map(|other| other.thread).chain([waiter.owner]) {
                if next == me {
                    return true;
                }
                if next != 0 && !seen.contains(&next) {
                    seen.push(next);
                }
            }
        }
        false
    }
}
