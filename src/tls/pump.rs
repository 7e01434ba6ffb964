//! What the system gave, on its way to `rustls`, which takes it in smaller pieces than one call to the system gives.

use crate::net::Below;
use std::cell::Cell;
use std::io::{self, Read};

thread_local! {
    /// One for all connections of a thread: as a rule what is read is taken at once.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

#[derive(Default)]
pub(super) struct Pump {
    bytes: Vec<u8>,
    from: usize,
    to: usize,
    ended: bool,
}

impl Pump {
    /// So many bytes are read at most, as from other sockets.
    pub(super) const MOST: usize = 64 * 1024;
    /// And so many at least, if there are.
    const LEAST: usize = 4 * 1024;

    /// Is there nothing left? The end, which is nothing too, has been taken.
    pub(super) fn is_empty(&self) -> bool {
        self.from == self.to
    }

    /// Has the system said that there will be no more?
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// One call to the system. `false`: that was all for now.
    pub(super) fn fill(&mut self, mut below: Below<'_>, most: usize) -> io::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        if self.bytes.is_empty() {
            self.bytes = SPARE.take();
            self.bytes.resize(Self::MOST, 0);
        }
        let most = most.clamp(Self::LEAST, Self::MOST);
        let read = loop {
            match below.read(&mut self.bytes[..most]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result,
            }
        };
        match read {
            Ok(count) => {
                (self.from, self.to, self.ended) = (0, count, count == 0);
                Ok(count == most)
            }
            Err(error) => {
                self.give_back();
                Err(error)
            }
        }
    }

    fn give_back(&mut self) {
        SPARE.set(std::mem::take(&mut self.bytes));
    }
}

impl Read for Pump {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(self.to - self.from);
        buffer[..count].copy_from_slice(&self.bytes[self.from..self.from + count]);
        self.from += count;
        if self.is_empty() && !self.bytes.is_empty() {
            self.give_back();
        }
        Ok(count)
    }
}
