//! Memory that the loop lends to what is on it, for as long as a callback takes.

use super::written::Written;
use std::cell::Cell;

/// One read takes at most this much. It is what the kernel hands out at once on a fast connection.
pub(super) const READ: usize = 64 * 1024;

/// What all on a loop read into.
pub(crate) type Buffer = [u8; READ];

#[derive(Default)]
pub(super) struct Memory {
    /// For sources that are told they are ready, one after the other.
    telling: Cell<Option<Box<Buffer>>>,
    /// For all others.
    reading: Cell<Option<Box<Buffer>>>,
    /// What the callback of a stream has written so far. Of one stream: another one finds it in use, as long as
    /// there is anything in it.
    pub(super) written: Written,
}

fn buffer() -> Box<Buffer> {
    let buffer = vec![0; READ].into_boxed_slice();
    buffer.try_into().unwrap_or_else(|_| unreachable!("it is as long as that"))
}

impl Memory {
    /// The buffer that sources are handed in one batch.
    #[inline]
    pub(super) fn take_buffer(&self) -> Box<Buffer> {
        let buffer = self.telling.take().unwrap_or_else(buffer);
        self.written.lend(&buffer);
        buffer
    }

    #[inline]
    pub(super) fn give_buffer(&self, buffer: Box<Buffer>) {
        self.written.take_back();
        self.telling.set(Some(buffer));
    }

    /// Lends a buffer to who reads at another time. A nested reader gets its own.
    pub(super) fn with_scratch<T>(&self, read: impl FnOnce(&mut Buffer) -> T) -> T {
        let mut scratch = self.reading.take().unwrap_or_else(buffer);
        let result = read(&mut scratch);
        self.reading.set(Some(scratch));
        result
    }
}
