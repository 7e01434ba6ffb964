//! Which listeners stand in a row: what those are told who ask.

use core::panic::Location;

use super::primitives::me;
use super::row::{Open, Row};
use crate::emitter::{Declared, Event, ListenerDump};

/// More listeners than a limit allows, as they stood there when the one too many came: others come and go on other
/// threads until somebody hears of it.
pub(super) struct Suspect {
    pub(super) limit: usize,
    pub(super) locations: Vec<&'static Location<'static>>,
}

impl Suspect {
    #[cold]
    #[inline(never)]
    pub(super) fn new<S: Declared, E: Event<S>>(limit: usize, book: &Open<'_, S, E>) -> Box<Self> {
        Box::new(Self { limit, locations: locations(book) })
    }
}

/// Where the listeners were registered, in the order in which they are called.
fn locations<S: Declared, E: Event<S>>(book: &Open<'_, S, E>) -> Vec<&'static Location<'static>> {
    let mut nodes: Vec<_> = book.linked().map(|(_, node)| node).collect();
    nodes.sort_by_key(|node| node.key());
    nodes.iter().map(|node| node.location).collect()
}

impl<S: Declared, E: Event<S>> Row<S, E> {
    pub(super) fn count(&self) -> usize {
        self.open().live
    }

    pub(super) fn since(&self) -> i64 {
        self.open().since
    }

    /// Where a listener was registered, if it is there.
    pub(super) fn location(&self, number: i64) -> Option<&'static Location<'static>> {
        self.open().linked_as(number).map(|node| node.location)
    }

    /// Where the listeners were registered, in the order in which they are called.
    pub(super) fn locations(&self) -> Vec<&'static Location<'static>> {
        locations(&self.open())
    }

    /// The listeners in the order in which they are called, with their numbers.
    pub(super) fn standing(&self) -> Vec<(i64, ListenerDump)> {
        let book = self.open();
        let mine = book.key.owner(me()) == me();
        let standing = book.linked().map(|(number, node)| {
            let blocked = book.blocked.iter().any(|(blocked, _)| *blocked == number);
            let running = mine && self.runs(node);
            (number, ListenerDump::new(node.key(), node.kind(), node.location, blocked, running))
        });
        let mut standing: Vec<_> = standing.collect();
        standing.sort_by_key(|(_, listener)| listener.key());
        standing
    }
}
