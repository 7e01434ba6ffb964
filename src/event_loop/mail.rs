//! What other threads leave for a loop, in order, and where the closures among it are kept.
//!
//! A closure that is posted lies on a shelf with those of its type that were posted at the same line, and goes back and
//! forth between the threads with it. In a box of its own it would be allocated on one thread and freed on another, which
//! costs more than all the rest of a post.

use super::closures::{LARGE, Mix, Name, name};
use super::queues::{Job, Origin, sent};
use super::slab::Key;
use super::tasks::Woken;
use std::any::Any;
use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasherDefault;

/// So many lines of a program have a shelf of their own; those beyond use boxes.
const SHELVES: usize = if cfg!(test) { 3 } else { 1024 };
/// A queue with room for so many keeps it when it is empty.
const KEPT: usize = 4096;

/// What another thread left.
pub(crate) enum Letter {
    /// A closure to run on the loop's thread, in a box.
    Job(Box<dyn Job + Send>),
    /// The same; the first on this shelf.
    Shelved(u16),
    /// Work that the loop gave away is done.
    Done(Key),
    /// A timer is not wanted any more.
    Cancel(Key),
    /// There is something in a channel.
    News(Key),
    /// Another thread woke a future.
    Woken(Woken),
}

/// Closures of a type that is not known, first in, first out.
pub(crate) trait Shelf: Send {
    /// Calls the first.
    fn call(&mut self);
    /// Moves the first to other mail, behind all that is there.
    fn pass_on(&mut self, to: &mut Mail, origin: Origin);
    fn discard(&mut self);
    fn as_any(&mut self) -> &mut dyn Any;
}

struct Row<F>(VecDeque<F>);

impl<F> Row<F> {
    fn pop(&mut self) -> Option<F> {
        let first = self.0.pop_front();
        if self.0.is_empty() && self.0.capacity() > KEPT {
            self.0 = VecDeque::new();
        }
        first
    }
}

impl<F: FnOnce() + Send + 'static> Shelf for Row<F> {
    fn call(&mut self) {
        let first = self.pop();
        first.into_iter().for_each(|closure| closure());
    }

    fn pass_on(&mut self, to: &mut Mail, origin: Origin) {
        self.pop().into_iter().for_each(|closure| to.push_job(closure, origin));
    }

    fn discard(&mut self) {
        drop(self.pop());
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

struct Named {
    name: Name,
    origin: Origin,
    /// None while one of it is called.
    shelf: Option<Box<dyn Shelf>>,
}

/// Letters in order, and shelves for the closures among them. Nothing of the user's runs in here but what
/// [`Lent::call`] calls, and destructors when it is dropped.
#[derive(Default)]
pub(crate) struct Mail {
    letters: VecDeque<Letter>,
    shelves: Vec<Named>,
    known: HashMap<Name, u16, BuildHasherDefault<Mix>>,
    /// The shelf that was used last.
    last: u16,
    /// How many shelves are not in their places.
    lent: usize,
}

impl Mail {
    pub(crate) fn is_empty(&self) -> bool {
        self.letters.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.letters.len()
    }

    pub(crate) fn push(&mut self, letter: Letter) {
        self.letters.push_back(letter);
    }

    #[inline]
    pub(crate) fn push_job<F: FnOnce() + Send + 'static>(&mut self, closure: F, origin: Origin) {
        let name = name::<F>(origin);
        if self.shelves.get(usize::from(self.last)).is_none_or(|named| named.name != name) {
            self.find::<F>(name, origin);
        }
        let named = self.shelves.get_mut(usize::from(self.last)).filter(|named| named.name == name);
        let shelf = named.and_then(|named| named.shelf.as_mut());
        match shelf.and_then(|shelf| shelf.as_any().downcast_mut::<Row<F>>()) {
            Some(row) => {
                row.0.push_back(closure);
                self.letters.push_back(Letter::Shelved(self.last));
            }
            None => self.letters.push_back(Letter::Job(sent(closure, origin))),
        }
    }

    /// Makes the shelf of such closures the last, if they have one or may have one.
    #[inline(never)]
    fn find<F: FnOnce() + Send + 'static>(&mut self, name: Name, origin: Origin) {
        if let Some(at) = self.known.get(&name) {
            self.last = *at;
        } else if size_of::<F>() <= LARGE && self.shelves.len() < SHELVES {
            let shelf: Box<dyn Shelf> = Box::new(Row::<F>(VecDeque::new()));
            self.last = u16::try_from(self.shelves.len()).unwrap_or(u16::MAX);
            self.shelves.push(Named { name, origin, shelf: Some(shelf) });
            self.known.insert(name, self.last);
        }
    }

    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Letter> {
        let letter = self.letters.pop_front();
        if self.letters.is_empty() && self.letters.capacity() > KEPT {
            self.letters = VecDeque::new();
        }
        letter
    }

    /// Lends the shelf of a letter that was popped, so that its first closure can be called while nothing is borrowed.
    #[inline]
    pub(crate) fn lend(&mut self, at: u16) -> Option<Lent> {
        let named = self.shelves.get_mut(usize::from(at))?;
        let lent = Lent { at, origin: named.origin, shelf: named.shelf.take()? };
        self.lent += 1;
        Some(lent)
    }

    /// Takes a shelf back; hands it back if it is from other mail.
    #[inline]
    pub(crate) fn put_back(&mut self, lent: Lent) -> Option<Lent> {
        match self.shelves.get_mut(usize::from(lent.at)) {
            Some(named) if named.shelf.is_none() => {
                named.shelf = Some(lent.shelf);
                self.lent -= 1;
                None
            }
            _ => Some(lent),
        }
    }

    /// Moves all of `other` behind what is here.
    pub(crate) fn append(&mut self, other: &mut Self) {
        if self.is_empty() && self.lent == 0 {
            return std::mem::swap(self, other);
        }
        while let Some(letter) = other.pop() {
            let Letter::Shelved(at) = letter else {
                self.push(letter);
                continue;
            };
            let named = &mut other.shelves[usize::from(at)];
            if let Some(shelf) = &mut named.shelf {
                shelf.pass_on(self, named.origin);
            }
        }
    }

    /// Takes out what was woken.
    pub(crate) fn take_woken(&mut self) -> VecDeque<Letter> {
        let is_woken = |letter: &Letter| matches!(letter, Letter::Woken(_));
        let (woken, others): (VecDeque<_>, _) =
            std::mem::take(&mut self.letters).into_iter().partition(is_woken);
        self.letters = others;
        woken
    }

    /// Where the closures among it were posted, first in first.
    pub(crate) fn origins(&self) -> Vec<Origin> {
        let origin = |letter: &Letter| match letter {
            Letter::Job(job) => Some(job.origin()),
            Letter::Shelved(at) => self.shelves.get(usize::from(*at)).map(|named| named.origin),
            _ => None,
        };
        self.letters.iter().filter_map(origin).collect()
    }
}

/// In the order in which it came.
impl Drop for Mail {
    fn drop(&mut self) {
        while let Some(letter) = self.letters.pop_front() {
            let Letter::Shelved(at) = letter else { continue };
            let named = self.shelves.get_mut(usize::from(at));
            named.and_then(|named| named.shelf.as_mut()).into_iter().for_each(|row| row.discard());
        }
    }
}

/// A shelf that is not in its place.
pub(crate) struct Lent {
    at: u16,
    origin: Origin,
    shelf: Box<dyn Shelf>,
}

impl Lent {
    pub(crate) fn origin(&self) -> Origin {
        self.origin
    }

    /// Calls its first closure.
    #[inline]
    pub(crate) fn call(&mut self) {
        self.shelf.call();
    }
}

#[cfg(test)]
mod tests {
    use super::{Letter, Mail, SHELVES};
    use crate::event_loop::slab::Key;
    use std::panic::Location;
    use std::sync::{Arc, Mutex};

    /// What was called, and what was dropped without (then negative).
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<i32>>>);

    impl Log {
        fn entries(&self) -> Vec<i32> {
            std::mem::take(&mut self.0.lock().unwrap())
        }

        fn job<const PADDING: usize>(&self, number: i32) -> impl FnOnce() + Send + 'static {
            struct Noted(Log, i32, bool);
            impl Drop for Noted {
                fn drop(&mut self) {
                    self.0.0.lock().unwrap().push(if self.2 { self.1 } else { -self.1 });
                }
            }
            let (mut noted, padding) = (Noted(self.clone(), number, false), [0_u8; PADDING]);
            move || {
                noted.2 = padding.iter().all(|byte| *byte == 0);
                drop(noted);
            }
        }

        /// Six kinds of closures, in turns: more than there are shelves, and a large one.
        #[track_caller]
        fn post(&self, mail: &mut Mail, number: i32) {
            let here = Location::caller();
            match number % 6 {
                0 => mail.push_job(self.job::<1>(number), here),
                1 => mail.push_job(self.job::<2>(number), here),
                2 => mail.push_job(self.job::<200>(number), here),
                3 => mail.push_job(self.job::<4>(number), here),
                4 => mail.push_job(self.job::<5>(number), here),
                _ => mail.push_job(self.job::<6>(number), here),
            }
        }
    }

    fn call(mail: &mut Mail) -> bool {
        match mail.pop() {
            None => return false,
            Some(Letter::Job(job)) => job.run(),
            Some(Letter::Shelved(at)) => {
                let mut lent = mail.lend(at).expect("it is in its place");
                lent.call();
                assert!(mail.put_back(lent).is_none());
            }
            Some(_) => unreachable!(),
        }
        true
    }

    #[test]
    fn closures_of_all_kinds_are_called_in_the_order_in_which_they_came() {
        let (log, mut mail) = (Log::default(), Mail::default());
        for round in 0..3 {
            let numbers: Vec<i32> = (1..=50).map(|number| round * 100 + number).collect();
            for number in &numbers {
                log.post(&mut mail, *number);
            }
            assert_eq!((mail.len(), mail.origins().len()), (50, 50));
            while call(&mut mail) {}
            assert_eq!(log.entries(), numbers);
            assert!(mail.is_empty() && mail.shelves.len() == SHELVES);
        }
    }

    #[test]
    fn what_is_appended_comes_behind() {
        let (log, mut mail, mut more) = (Log::default(), Mail::default(), Mail::default());
        (1..=20).for_each(|number| log.post(&mut more, number));
        mail.append(&mut more);
        assert!(more.is_empty());
        (21..=40).rev().for_each(|number| log.post(&mut more, number));
        assert!(call(&mut mail));
        mail.append(&mut more);
        assert!(more.is_empty());
        while call(&mut mail) {}
        assert_eq!(log.entries(), (1..=20).chain((21..=40).rev()).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_appended_while_a_shelf_is_lent_is_not_lost() {
        let (log, mut mail, mut more) = (Log::default(), Mail::default(), Mail::default());
        log.post(&mut mail, 6);
        let Some(Letter::Shelved(at)) = mail.pop() else { unreachable!() };
        let mut lent = mail.lend(at).unwrap();
        (7..=12).for_each(|number| log.post(&mut more, number));
        mail.append(&mut more);
        lent.call();
        assert!(mail.put_back(lent).is_none());
        while call(&mut mail) {}
        assert_eq!(log.entries(), [6, 7, 8, 9, 10, 11, 12]);
    }

    #[test]
    fn what_is_left_is_dropped_in_order() {
        let (log, mut mail) = (Log::default(), Mail::default());
        (1..=20).for_each(|number| log.post(&mut mail, number));
        mail.push(Letter::Done(Key::NOBODY));
        assert!(call(&mut mail));
        drop(mail);
        assert_eq!(
            log.entries(),
            (1..=20).map(|n| if n == 1 { n } else { -n }).collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_shelf_of_mail_that_is_gone_is_handed_back() {
        let (log, mut mail) = (Log::default(), Mail::default());
        (0..2).for_each(|round| log.post(&mut mail, round * 6));
        let Some(Letter::Shelved(at)) = mail.pop() else { unreachable!() };
        let lent = mail.lend(at).unwrap();
        drop(std::mem::take(&mut mail));
        assert!(mail.put_back(lent).is_some());
        assert_eq!(log.entries(), [0, -6].map(|n: i32| n.min(0)));
    }
}
