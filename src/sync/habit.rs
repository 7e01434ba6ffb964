//! Most rows are one thread's: it has the turn, and opens the book, without an atomic operation.
//!
//! When a thread has come to a row some times, and no other one between, the row becomes its **habit**: the word of the turn
//! says so, and from then on the thread says what it does in a [`Place`] of its own, by plain stores: that it walks (has
//! the turn), that it writes (is in the book). After each of these it looks again whether the word still says what it said. Another
//! thread that wants the turn or the book **revokes** the habit first. It locks, writes into the word that the habit is
//! being revoked, passes a heavy [fence](super::fences), and looks at the place. So either it sees what the thread does there, or
//! the thread sees that it has to stop. It waits until the thread does not write, which is over soon; if that one walks, the word
//! says from now on that it has the turn, as if it had taken it in the usual way. Then all is as in a row without habits, and
//! who waits for a turn, or lends it, meets only such rows.
//!
//! # Invariants
//!
//! 1. A word that speaks of a habit is written, and overwritten, in the lock only. It does not look free, nor taken.
//! 2. Only its own thread writes in a place, ever: it may come late, as long as it likes, with a store that belongs to a habit
//!    which was revoked meanwhile. So there are a few places, and no more threads than these can make a row their habit.
//! 3. When the lock is held, and the word does not speak of a habit, nobody is in the book but who has the lock.
//! 4. When the word does not speak of a habit, who has the turn is who it names.
//!
//! A thread is known by the address of what is its own. If it ends, and another one comes to be known by that address, that one
//! has the habits of the first: it comes after it, since memory is not handed on before its last owner is done with it, and
//! nobody but these two writes in their place. In a process that is forked the thread that goes on is the same, with its
//! habits; those of the threads that are not there are revoked as any, and what they were doing is never done, as with
//! every lock.

use super::fences;
use super::primitives::{AtomicBool, AtomicU8, Mutex, MutexGuard, Ordering, lock, relax};
use super::turn::{CHORES, HABIT, Turn};
// Hints, which may be wrong: no affair of the model checker.
use std::sync::atomic::AtomicUsize;

/// How many threads can make a row their habit, one after the other; as the two lowest bits of the word tell apart.
const PLACES: usize = 4;

/// How often in a row a thread has to come first; and how many times as often whenever its habit has been revoked. To revoke
/// costs between half a microsecond and some, which a hundred emits earn, or a few hundred.
const FIRST: usize = if cfg!(onward_loom) { 1 } else { 64 };
const MORE: usize = if cfg!(onward_loom) { 1 } else { 8 };
/// A habit that was revoked so often is not taken up any more.
const NEVER: usize = usize::MAX;

/// In a place: its thread walks. With [`CHORES`]: and has something to do when it ends.
const WALKS: u8 = 8;
const BUSY: u8 = WALKS | CHORES as u8;

/// Where a thread says what it does by habit.
pub(super) struct Place {
    walks: AtomicU8,
    writes: AtomicBool,
}

impl Place {
    fn new() -> Self {
        Self { walks: AtomicU8::new(0), writes: AtomicBool::new(false) }
    }
}

/// Whose habit a row is, and how it came about.
pub(super) struct Habit {
    places: [Place; PLACES],
    /// Who came last, how often in a row, and how often it has to.
    last: AtomicUsize,
    streak: AtomicUsize,
    needed: AtomicUsize,
    /// Held by whoever is in the book without having a habit. The threads that the places belong to.
    lock: Mutex<[usize; PLACES]>,
}

/// How an attempt to take a turn by habit ended.
pub(super) enum Attempt {
    /// It is taken. What is to be given back.
    Taken(usize),
    /// The habit was just being revoked.
    Revoked,
    /// It is no habit, or the thread walks already.
    No,
}

/// The key to the book: who has it is alone in there.
pub(super) struct Key<'a> {
    habit: &'a Habit,
    turn: &'a Turn,
    how: How<'a>,
}

enum How<'a> {
    Habit(&'a Place),
    /// With the thread if it has come so often that it may become its habit, else 0.
    Lock(MutexGuard<'a, [usize; PLACES]>, usize),
}

impl Habit {
    pub(super) fn new() -> Self {
        Self {
            places: core::array::from_fn(|_| Place::new()),
            last: AtomicUsize::new(0),
            streak: AtomicUsize::new(0),
            needed: AtomicUsize::new(FIRST),
            lock: Mutex::new([0; PLACES]),
        }
    }

    /// The place of a thread, if that word says that the row is its habit.
    #[inline(always)]
    fn place(&self, word: usize, me: usize) -> Option<&Place> {
        let is_mine = fences::POSSIBLE && word & !(PLACES - 1) == me | HABIT;
        is_mine.then(|| &self.places[word % PLACES])
    }

    /// Takes the turn by habit.
    #[inline(always)]
    pub(super) fn take(&self, turn: &Turn, me: usize) -> Attempt {
        let word = turn.word();
        let Some(place) = self.place(word, me) else { return Attempt::No };
        if place.walks.load(Ordering::Relaxed) != 0 {
            return Attempt::No;
        }
        place.walks.store(WALKS, Ordering::Relaxed);
        fences::light();
        if turn.word() == word {
            return Attempt::Taken(word);
        }
        Attempt::Revoked
    }

    /// The end of an attempt that found the habit revoked. Has it become a turn like any other?
    #[cold]
    pub(super) fn is_mine_after_all(&self, turn: &Turn, me: usize) -> bool {
        let known = lock(&self.lock);
        if let Some(at) = known.iter().position(|thread| *thread == me) {
            self.places[at].walks.store(0, Ordering::Release);
        }
        turn.is_of(me)
    }

    /// Gives a turn away that was taken by habit, unless there is something to do; or it may be that the habit has
    /// been revoked. `false`: see [`end`](Key::end).
    #[inline(always)]
    pub(super) fn give(&self, turn: &Turn, word: usize) -> bool {
        let place = &self.places[word % PLACES];
        if place.walks.load(Ordering::Relaxed) != WALKS {
            return false;
        }
        place.walks.store(0, Ordering::Release);
        fences::light();
        turn.word() == word
    }

    /// Notes that a thread has come. Has it come so often that the row may become its habit?
    #[inline(always)]
    pub(super) fn is_due(&self, me: usize) -> bool {
        if !fences::POSSIBLE {
            return false;
        }
        if self.last.load(Ordering::Relaxed) != me {
            self.last.store(me, Ordering::Relaxed);
            self.streak.store(0, Ordering::Relaxed);
            return false;
        }
        let streak = self.streak.load(Ordering::Relaxed).wrapping_add(1);
        self.streak.store(streak, Ordering::Relaxed);
        streak >= self.needed.load(Ordering::Relaxed)
    }

    /// Has the row be the habit of a thread that has the turn (`from`), or of one that finds that nobody has it (0).
    fn settle(&self, known: &mut [usize; PLACES], turn: &Turn, from: usize, me: usize) -> bool {
        self.streak.store(0, Ordering::Relaxed);
        let at = known.iter().position(|thread| [0, me].contains(thread));
        let Some(at) = at.filter(|_| fences::are_granted()) else {
            self.needed.store(NEVER, Ordering::Relaxed);
            return false;
        };
        known[at] = me;
        turn.settle(from, me | HABIT | at)
    }

    /// Has the row be a habit of this thread, which has the turn in the usual way, and gives it away so.
    /// `false`: it still has it.
    pub(super) fn begin(&self, turn: &Turn, me: usize) -> bool {
        let is_due = self.streak.load(Ordering::Relaxed) >= self.needed.load(Ordering::Relaxed);
        fences::POSSIBLE && is_due && self.settle(&mut lock(&self.lock), turn, me, me)
    }

    /// The key to the book. It `counts` if the thread may come to have the row as its habit by it.
    #[inline(always)]
    pub(super) fn open<'a>(&'a self, turn: &'a Turn, me: usize, counts: bool) -> Key<'a> {
        let word = turn.word();
        if let Some(place) = self.place(word, me) {
            // Who writes already, below an allocator say, waits for itself as it would for a lock.
            if !place.writes.load(Ordering::Relaxed) {
                place.writes.store(true, Ordering::Relaxed);
                fences::light();
                if turn.word() == word {
                    return Key { habit: self, turn, how: How::Habit(place) };
                }
                place.writes.store(false, Ordering::Release);
            }
        }
        let due = if counts && self.is_due(me) { me } else { 0 };
        self.lock(turn, me, due)
    }

    /// The key to the book of a row that is nobody's habit any more.
    #[inline(never)]
    pub(super) fn lock<'a>(&'a self, turn: &'a Turn, me: usize, due: usize) -> Key<'a> {
        let known = lock(&self.lock);
        if turn.word() & HABIT != 0 {
            self.revoke(&known, turn, me);
        }
        Key { habit: self, turn, how: How::Lock(known, due) }
    }

    /// Ends the habit that there is.
    #[cold]
    fn revoke(&self, known: &[usize; PLACES], turn: &Turn, me: usize) {
        let at = turn.word() % PLACES;
        let (place, thread) = (&self.places[at], known[at]);
        turn.unsettle(HABIT);
        if thread != me {
            fences::heavy();
            let needed = self.needed.load(Ordering::Relaxed);
            self.needed.store(needed.saturating_mul(MORE), Ordering::Relaxed);
        }
        self.streak.store(0, Ordering::Relaxed);
        let mut looks = 0_u32;
        while place.writes.load(Ordering::Acquire) {
            relax(looks);
            looks = looks.saturating_add(1);
        }
        let walks = place.walks.load(Ordering::Acquire);
        turn.unsettle(if walks == 0 { 0 } else { thread | usize::from(walks) & CHORES });
    }
}

impl Key<'_> {
    /// Is it had by habit?
    pub(super) fn is_habit(&self) -> bool {
        matches!(self.how, How::Habit(_))
    }

    /// Who has the turn, or 0. In order with all who take it and give it away.
    #[inline]
    pub(super) fn owner(&self, me: usize) -> usize {
        match &self.how {
            How::Habit(place) if place.walks.load(Ordering::Relaxed) == 0 => 0,
            How::Habit(_) => me,
            How::Lock(..) => self.turn.owner(),
        }
    }

    /// Notes that there is something to do, and says who has the turn, and so will see to it.
    pub(super) fn note_chores(&self, me: usize) -> usize {
        match &self.how {
            How::Habit(place) if place.walks.load(Ordering::Relaxed) == 0 => 0,
            How::Habit(place) => {
                place.walks.store(BUSY, Ordering::Relaxed);
                me
            }
            How::Lock(..) => self.turn.note_chores(),
        }
    }

    pub(super) fn clear_chores(&self) {
        match &self.how {
            How::Habit(place) if place.walks.load(Ordering::Relaxed) == 0 => {}
            How::Habit(place) => place.walks.store(WALKS, Ordering::Relaxed),
            How::Lock(..) => self.turn.clear_chores(),
        }
    }

    /// This thread does not walk any more, if it did so by habit.
    pub(super) fn end(&self) {
        if let How::Habit(place) = &self.how {
            place.walks.store(0, Ordering::Release);
        }
    }
}

impl Drop for Key<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        match &mut self.how {
            How::Habit(place) => place.writes.store(false, Ordering::Release),
            How::Lock(_, 0) => {}
            How::Lock(known, me) => _ = self.habit.settle(known, self.turn, 0, *me),
        }
    }
}

#[cfg(all(test, not(onward_loom)))]
mod tests {
    use super::*;

    const ME: usize = 64;

    /// Opens the book until that is a habit, and says how often it took; 0 if it does not become one.
    fn settle(habit: &Habit, turn: &Turn, me: usize) -> usize {
        (1..100_000).find(|_| habit.open(turn, me, true).is_habit()).unwrap_or(0)
    }

    #[test]
    fn what_a_thread_does_often_becomes_its_habit_and_ever_less_easily_when_it_was_revoked() {
        let (habit, turn) = (Habit::new(), Turn::new());
        if !fences::are_granted() {
            return assert_eq!(settle(&habit, &turn, ME), 0);
        }
        let first = settle(&habit, &turn, ME);
        assert_eq!(first, FIRST + 2);
        assert!(matches!(habit.take(&turn, ME), Attempt::Taken(word) if habit.give(&turn, word)));
        assert!(!habit.open(&turn, 2 * ME, true).is_habit(), "another one comes");
        assert!(matches!(habit.take(&turn, ME), Attempt::No));
        assert_eq!(settle(&habit, &turn, ME), FIRST * MORE + 2);
    }

    #[test]
    fn a_turn_that_is_had_by_habit_is_found_taken_in_the_usual_way() {
        let (habit, turn) = (Habit::new(), Turn::new());
        if settle(&habit, &turn, ME) == 0 {
            return;
        }
        let Attempt::Taken(word) = habit.take(&turn, ME) else { panic!("it is free") };
        assert!(matches!(habit.take(&turn, ME), Attempt::No), "it walks already");
        drop(habit.lock(&turn, 2 * ME, 0));
        assert!(turn.is_of(ME));
        assert!(!turn.try_take(2 * ME) && !habit.give(&turn, word));
        assert!(habit.is_mine_after_all(&turn, ME) && turn.try_give(ME));
        assert!(turn.try_take(2 * ME));
    }

    #[test]
    fn a_row_becomes_the_habit_of_a_few_threads_and_no_more() {
        let (habit, turn) = (Habit::new(), Turn::new());
        habit.needed.store(1, Ordering::Relaxed);
        let settled = (1..=PLACES + 1).map(|thread| {
            habit.needed.store(1, Ordering::Relaxed);
            settle(&habit, &turn, thread * ME) != 0
        });
        let settled: Vec<_> = settled.collect();
        let expected: Vec<_> =
            (0..=PLACES).map(|at| at < PLACES && fences::are_granted()).collect();
        assert_eq!(settled, expected);
        habit.needed.store(1, Ordering::Relaxed);
        assert_eq!(settle(&habit, &turn, ME) != 0, fences::are_granted(), "it has its place");
    }
}
