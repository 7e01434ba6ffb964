//! Datagrams that wait to be sent: pure state.

use crate::error::Result;
use std::collections::VecDeque;

/// What may wait unless somebody says otherwise. What is older than that much is seldom worth sending.
const CAP: usize = 1024 * 1024;

/// To be called, by the socket, with what has become of a datagram.
pub(in crate::net) type Done = Box<dyn FnOnce(Result<()>)>;

pub(super) struct Waiting<A> {
    pub(super) bytes: Box<[u8]>,
    /// `None`: to the peer that the socket is connected to.
    pub(super) to: Option<A>,
    pub(super) done: Option<Done>,
}

pub(super) struct SendQueue<A> {
    waiting: VecDeque<Waiting<A>>,
    bytes: usize,
    pub(super) cap: usize,
    /// Something was queued since the queue was empty.
    needs_drain: bool,
    /// Something was refused since then, and that has been told.
    pub(super) told_full: bool,
}

impl<A> SendQueue<A> {
    pub(super) fn new() -> Self {
        let waiting = VecDeque::new();
        Self { waiting, bytes: 0, cap: CAP, needs_drain: false, told_full: false }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Is there room for so many bytes? One datagram may always wait.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        self.waiting.is_empty() || self.bytes.saturating_add(bytes) <= self.cap
    }

    pub(super) fn push(&mut self, waiting: Waiting<A>) {
        self.bytes += waiting.bytes.len();
        self.needs_drain = true;
        self.waiting.push_back(waiting);
    }

    pub(super) fn pop(&mut self) -> Option<Waiting<A>> {
        let first = self.waiting.pop_front()?;
        self.bytes -= first.bytes.len();
        Some(first)
    }

    /// Does the first one go to the peer that the socket is connected to?
    pub(super) fn is_for_peer(&self) -> bool {
        self.waiting.front().is_some_and(|first| first.to.is_none())
    }

    /// Those that wait, the first one first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Waiting<A>> {
        self.waiting.iter()
    }

    /// Is it empty again, with somebody to be told so? Asks once.
    pub(super) fn drained(&mut self) -> bool {
        if !self.waiting.is_empty() {
            return false;
        }
        self.told_full = false;
        std::mem::take(&mut self.needs_drain)
    }

    pub(super) fn clear(&mut self) -> VecDeque<Waiting<A>> {
        self.bytes = 0;
        std::mem::take(&mut self.waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::{SendQueue, Waiting};

    fn waiting(length: usize) -> Waiting<u8> {
        Waiting { bytes: vec![0; length].into(), to: None, done: None }
    }

    #[test]
    fn the_cap_counts_bytes_but_one_datagram_always_has_room() {
        let mut queue = SendQueue::new();
        queue.cap = 10;
        assert!(queue.has_room(100));
        queue.push(waiting(6));
        assert!(queue.has_room(4) && !queue.has_room(5) && !queue.has_room(usize::MAX));
        queue.push(waiting(4));
        assert!(queue.has_room(0), "an empty one takes no room");
        assert_eq!((queue.len(), queue.bytes()), (2, 10));
    }

    #[test]
    fn it_is_drained_once_for_each_time_that_it_was_filled() {
        let mut queue = SendQueue::new();
        assert!(!queue.drained());
        queue.push(waiting(0));
        assert!(!queue.drained());
        assert!(queue.pop().is_some() && queue.pop().is_none());
        assert!(queue.drained());
        assert!(!queue.drained());
    }
}
