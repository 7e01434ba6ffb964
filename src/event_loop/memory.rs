//! Memory that the loop lends to what is on it, for as long as a callback takes.

use std::cell::{Cell, RefCell, RefMut};

/// One read takes at most this much. It is what the kernel hands out at once on a fast connection.
pub(super) const READ: usize = 64 * 1024;
/// So much is gathered of what one callback writes.
const GATHERED: usize = 16 * 1024;

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
    gathered: RefCell<Vec<u8>>,
}

/// Seldom: it stands apart, so that the two questions before it stay two jumps.
#[cold]
fn refuse() -> bool {
    false
}

fn buffer() -> Box<Buffer> {
    let buffer = vec![0; READ].into_boxed_slice();
    buffer.try_into().unwrap_or_else(|_| unreachable!("it is as long as that"))
}

impl Memory {
    /// The buffer that sources are handed in one batch.
    #[inline]
    pub(super) fn take_buffer(&self) -> Box<Buffer> {
        self.telling.take().unwrap_or_else(buffer)
    }

    #[inline]
    pub(super) fn give_buffer(&self, buffer: Box<Buffer>) {
        self.telling.set(Some(buffer));
    }

    /// Lends a buffer to who reads at another time. A nested reader gets its own.
    pub(super) fn with_scratch<T>(&self, read: impl FnOnce(&mut Buffer) -> T) -> T {
        let mut scratch = self.reading.take().unwrap_or_else(buffer);
        let result = read(&mut scratch);
        self.reading.set(Some(scratch));
        result
    }

    /// Takes bytes in for a stream; `more` if it has gathered some already. `false`: it has to look for another
    /// place, for there is no room, or another one gathers; or there are no bytes.
    #[inline(always)]
    pub(super) fn gather(&self, bytes: &[u8], more: bool) -> bool {
        let mut gathered = self.gathered.borrow_mut();
        if !more && !gathered.is_empty() {
            return refuse();
        }
        // Two questions, of which the second is the one that is asked by what copies them, and so not asked again.
        if bytes.is_empty() {
            return refuse();
        }
        if bytes.len() > gathered.capacity() - gathered.len() {
            return false;
        }
        gathered.extend_from_slice(bytes);
        true
    }

    /// What has been gathered, for who sends it.
    #[inline(always)]
    pub(super) fn gathered(&self) -> RefMut<'_, Vec<u8>> {
        self.gathered.borrow_mut()
    }

    /// Hands out what has been gathered, with its memory.
    pub(super) fn take_gathered(&self) -> Vec<u8> {
        self.gathered.take()
    }

    /// Lends memory, empty, to who gathers by itself.
    pub(super) fn take_spare(&self) -> Vec<u8> {
        let mut gathered = self.gathered.borrow_mut();
        if !gathered.is_empty() {
            return Vec::new();
        }
        gathered.reserve_exact(GATHERED);
        std::mem::take(&mut gathered)
    }

    /// Gives memory back, whichever way it was lent.
    pub(super) fn give_spare(&self, memory: Vec<u8>) {
        let mut gathered = self.gathered.borrow_mut();
        if gathered.is_empty() && gathered.capacity() < memory.capacity() {
            *gathered = memory;
        }
    }
}
