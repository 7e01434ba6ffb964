//! The relays that lead to an emitter, which it keeps.

use std::sync::{Arc, Weak};

use super::handles::Off;
use super::primitives::{AtomicUsize, Mutex, Ordering, lock};

/// A relay, whatever it relays.
pub(super) trait Link: Off {
    /// The target's listeners may have changed; `count` says how many there are. Called in the turn of the target.
    fn settle(&self, count: &dyn Fn() -> usize);
    /// Need it not be told any more? To ask runs code of the user's.
    fn is_over(&self) -> bool;
    fn end(&self) -> bool;
    fn is_active(&self) -> bool;
    /// Somebody else has removed its listener, the `number`-th: that ends it.
    fn lost(&self, number: u64);
    fn as_off(self: Arc<Self>) -> Weak<dyn Off>;
}

/// The relays that lead to an emitter, each with the index of its event there.
pub(super) struct Links {
    /// Written in the lock. Who has changed a row and finds none here did so before any relay that comes looks at it.
    number: AtomicUsize,
    crowd: Mutex<Crowd>,
}

struct Crowd {
    links: Vec<(u16, Arc<dyn Link>)>,
    /// When there are as many, it is time to look for those that are over.
    limit: usize,
}

impl Links {
    pub(super) fn new() -> Self {
        let crowd = Crowd { links: Vec::new(), limit: 8 };
        Self { number: AtomicUsize::new(0), crowd: Mutex::new(crowd) }
    }

    pub(super) fn are_there(&self) -> bool {
        self.number.load(Ordering::Acquire) != 0
    }

    /// Those that lead to this event, in the order in which they were made.
    pub(super) fn to(&self, event: u16) -> Vec<Arc<dyn Link>> {
        let crowd = lock(&self.crowd);
        let links = crowd.links.iter().filter(|(index, _)| *index == event);
        links.map(|(_, link)| Arc::clone(link)).collect()
    }

    pub(super) fn add(&self, event: u16, link: Arc<dyn Link>) {
        let mut crowd = lock(&self.crowd);
        crowd.links.push((event, link));
        self.number.store(crowd.links.len(), Ordering::Release);
        if crowd.links.len() <= crowd.limit {
            return;
        }
        let all: Vec<_> = crowd.links.iter().map(|(_, link)| Arc::clone(link)).collect();
        drop(crowd);
        all.iter().filter(|link| link.is_over()).for_each(|link| self.remove(address(&**link)));
        let mut crowd = lock(&self.crowd);
        crowd.limit = (crowd.links.len() * 2).max(8);
    }

    /// Removes the one with that address.
    pub(super) fn remove(&self, link: usize) {
        let mut crowd = lock(&self.crowd);
        let at = crowd.links.iter().position(|(_, other)| address(&**other) == link);
        let removed = at.map(|at| crowd.links.remove(at));
        self.number.store(crowd.links.len(), Ordering::Release);
        drop(crowd); // before what it captured
        drop(removed);
    }
}

/// Tells all. If one panics, the others are told still.
pub(super) fn settle_each(links: &[Arc<dyn Link>], count: &dyn Fn() -> usize) {
    struct Rest<'a>(&'a [Arc<dyn Link>], &'a dyn Fn() -> usize);
    impl Drop for Rest<'_> {
        fn drop(&mut self) {
            if !self.0.is_empty() {
                settle_each(self.0, self.1);
            }
        }
    }
    let mut rest = Rest(links, count);
    while let Some((first, others)) = rest.0.split_first() {
        rest.0 = others;
        first.settle(count);
    }
}

/// By which a relay is known.
pub(super) fn address<T: ?Sized>(link: &T) -> usize {
    core::ptr::from_ref(link).cast::<()>() as usize
}
