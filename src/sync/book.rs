//! What only those look at who change a row, in its lock.

use super::node::Ptr;
use super::row::SPECIAL;
use crate::emitter::{Declared, Event};

/// Which nodes there are, in the list and out of it.
pub(super) struct Book<S: Declared, E: Event<S>> {
    pub(super) tail: Option<Ptr<S, E>>,
    /// All nodes that are linked, by the number of their registration. None: it was removed.
    pub(super) index: Vec<(i64, Option<Ptr<S, E>>)>,
    /// How many of these there are, and how many of them are not re-entrant.
    pub(super) live: usize,
    pub(super) exclusive: usize,
    /// How many may stop an emit.
    pub(super) interceptors: usize,
    /// Emits have more to do than to call listeners, as the emitter says.
    pub(super) gated: bool,
    /// What is added to the row's mode because of the two.
    pub(super) special: u8,
    /// It was said that there are suspiciously many.
    pub(super) warned: bool,
    /// The numbers of those that are blocked, and how many times each.
    pub(super) blocked: Vec<(i64, usize)>,
    pub(super) retired: Vec<Retired<S, E>>,
    /// How many threads wait for something retired.
    pub(super) waited: usize,
    /// When the event came to have listeners.
    pub(super) since: i64,
}

/// A node that walkers may still be at.
pub(super) struct Retired<S: Declared, E: Event<S>> {
    pub(super) node: Ptr<S, E>,
    pub(super) number: i64,
    /// Who has the turn may be there.
    pub(super) turn: bool,
    /// Readers may be there who came in this phase or before.
    pub(super) phase: usize,
}

impl<S: Declared, E: Event<S>> Book<S, E> {
    /// After a change of what `special` follows from.
    #[cold]
    pub(super) fn see_special(&mut self) {
        self.special = if self.gated || self.interceptors != 0 { SPECIAL } else { 0 };
    }

    #[inline]
    fn position(&self, number: i64) -> Option<usize> {
        let newest = self.index.len().checked_sub(1)?;
        if self.index[newest].0 == number {
            return Some(newest);
        }
        self.index.binary_search_by_key(&number, |(number, _)| *number).ok()
    }

    pub(super) fn find(&self, number: i64) -> Option<Ptr<S, E>> {
        self.index[self.position(number)?].1
    }

    /// Takes a node out of the index. Places that are empty go when they come to the end, or are as many
    /// as the others; so that takes constant time, taken over many.
    #[inline(always)]
    pub(super) fn take(&mut self, number: i64) -> Option<Ptr<S, E>> {
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

impl<S: Declared, E: Event<S>> Default for Book<S, E> {
    fn default() -> Self {
        Self {
            tail: None,
            index: Vec::new(),
            live: 0,
            exclusive: 0,
            interceptors: 0,
            gated: false,
            special: 0,
            warned: false,
            blocked: Vec::new(),
            retired: Vec::new(),
            waited: 0,
            since: 0,
        }
    }
}
