//! What the callback of a stream has written so far, and where it lies until it is sent, at the end of the callback.
//!
//! It is the writing of one stream at a time, in one piece. What a stream answers with a part of what it has just read, as an
//! echo does, is not copied: that lies in the buffer that all read into, until the callback ends. All else is copied.
//!
//! # Invariants
//!
//! 1. `piece` and `len` are a piece of memory if `len` is not zero: the first bytes of the memory of `copies`, or a part of
//!    the buffer that is `lent`.
//! 2. `copies` has no bytes of its own. Its memory is changed here alone, and is not given away as long as the piece lies there.
//! 3. While a part of the lent buffer is lent to a callback nobody changes it, and the end of the callback takes the piece away.
//! 4. Nothing here calls anything of the user's, so there is one reference to `copies` at most.
#![allow(unsafe_code, reason = "a piece of the buffer that a callback is lent, see the invariants")]

use super::memory::Buffer;
use std::cell::{Cell, UnsafeCell};
use std::{ptr, slice};

/// So much is gathered of what one callback writes.
const GATHERED: usize = 16 * 1024;

pub(crate) struct Written {
    piece: Cell<*const u8>,
    len: Cell<usize>,
    /// Where the second byte of the buffer is that sources read into: what lies in it ends there or behind.
    lent: Cell<usize>,
    /// So many bytes of it count: none, unless sources are told.
    room: Cell<usize>,
    copies: UnsafeCell<Vec<u8>>,
}

impl Default for Written {
    fn default() -> Self {
        let [len, lent, room] = [0; 3].map(Cell::new);
        Self { piece: Cell::new(ptr::null()), len, lent, room, copies: UnsafeCell::default() }
    }
}

/// Seldom: it stands apart, so that the questions before it stay jumps.
#[cold]
fn refuse() -> bool {
    false
}

impl Written {
    /// Sources are about to be told, and read into this. What lies in its first part may be kept: so no piece is larger than one
    /// that is gathered.
    pub(super) fn lend(&self, buffer: &Buffer) {
        self.lent.set(buffer.as_ptr().addr() + 1);
        self.room.set(GATHERED);
    }

    /// They have been told.
    pub(super) fn take_back(&self) {
        self.room.set(0);
    }

    /// So many bytes.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len.get()
    }

    #[inline(always)]
    fn set(&self, piece: *const u8, len: usize) {
        self.piece.set(piece);
        self.len.set(len);
    }

    /// The memory for copies; nobody else has it.
    #[inline(always)]
    #[allow(clippy::mut_from_ref, reason = "invariant 4")]
    fn copies(&self) -> &mut Vec<u8> {
        // SAFETY: each of those who ask is done with it before it asks again, or calls anybody who does (invariant 4).
        unsafe { &mut *self.copies.get() }
    }

    /// Takes bytes in that are a part of what has just been read, if nothing is here: they stay where they are.
    #[inline(always)]
    pub(crate) fn keep(&self, bytes: &[u8]) -> bool {
        let end = bytes.as_ptr().addr().wrapping_add(bytes.len());
        // What ends in the buffer, behind its first byte, lies in it, and is there as long as this callback runs.
        let lies_there = end.wrapping_sub(self.lent.get()) < self.room.get();
        let keeps = !bytes.is_empty() && self.len() == 0 && lies_there;
        if keeps {
            self.set(bytes.as_ptr(), bytes.len());
        }
        keeps
    }

    /// Takes a copy in; `more` if what is here is of the same stream. `false`: it has to look for another place, for there is
    /// no room, or another one's is here; or there are no bytes.
    #[inline(always)]
    pub(crate) fn gather(&self, bytes: &[u8], more: bool) -> bool {
        if bytes.is_empty() {
            return refuse();
        }
        let len = self.len();
        if len != 0 {
            return if more { self.add(bytes) } else { refuse() };
        }
        let copies = self.copies();
        if bytes.len() > copies.capacity() {
            return refuse();
        }
        let to = copies.as_mut_ptr();
        self.set(to, bytes.len());
        // SAFETY: there is room, and nobody outside has a part of it (invariant 2).
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) };
        true
    }

    /// The same, behind what is here.
    #[inline(never)]
    fn add(&self, bytes: &[u8]) -> bool {
        let (copies, len) = (self.copies(), self.len());
        if bytes.len() > copies.capacity().saturating_sub(len) {
            return false;
        }
        let to = copies.as_mut_ptr();
        // SAFETY: there is room for both, and nobody outside has a part of it. The piece is there already, or in the lent
        // buffer (invariant 1), which is another one.
        unsafe {
            if !ptr::eq(self.piece.get(), to) {
                ptr::copy_nonoverlapping(self.piece.get(), to, len);
            }
            ptr::copy_nonoverlapping(bytes.as_ptr(), to.add(len), bytes.len());
        }
        self.set(to, len + bytes.len());
        true
    }

    /// What has been written.
    ///
    /// # Safety
    ///
    /// As long as it is used no code of the user's runs, and nothing is written here.
    #[inline(always)]
    pub(crate) unsafe fn get<'a>(&self) -> &'a [u8] {
        debug_assert_ne!(self.len(), 0, "only who has written asks");
        // SAFETY: it is a piece of memory (invariant 1), and nobody changes it, since nothing runs but who uses it.
        unsafe { slice::from_raw_parts(self.piece.get(), self.len()) }
    }

    /// What was written has been sent.
    #[inline(always)]
    pub(crate) fn sent(&self) {
        self.len.set(0);
    }

    /// Hands out what was written, with its memory.
    pub(crate) fn take(&self) -> Vec<u8> {
        let (mut copies, len) = (std::mem::take(self.copies()), self.len.replace(0));
        if len != 0 && ptr::eq(self.piece.get(), copies.as_ptr()) {
            // SAFETY: so many bytes of it have been written (invariant 1).
            unsafe { copies.set_len(len) };
        } else if len != 0 {
            copies.reserve_exact(GATHERED);
            // SAFETY: it lies in the lent buffer, and the callback that wrote it has not ended (invariants 1 and 3).
            copies.extend_from_slice(unsafe { slice::from_raw_parts(self.piece.get(), len) });
        }
        copies
    }

    /// Lends memory, empty, to who gathers by itself.
    pub(crate) fn take_spare(&self) -> Vec<u8> {
        if self.len() != 0 {
            return Vec::new();
        }
        let mut copies = std::mem::take(self.copies());
        copies.reserve_exact(GATHERED);
        copies
    }

    /// Gives memory back, whichever way it was lent.
    pub(crate) fn give_spare(&self, mut memory: Vec<u8>) {
        let copies = self.copies();
        if self.len() == 0 && copies.capacity() < memory.capacity() {
            memory.clear();
            *copies = memory;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{GATHERED, Written};
    use crate::event_loop::memory::Memory;

    /// What has been written; it stays.
    fn read(written: &Written) -> Vec<u8> {
        // SAFETY: it is copied, and nothing else runs.
        if written.len() == 0 { Vec::new() } else { unsafe { written.get() }.to_vec() }
    }

    /// One in which a callback writes that is lent a buffer with these bytes, and memory for copies.
    fn with_buffer(test: impl FnOnce(&Written, &[u8])) {
        let memory = Memory::default();
        let mut buffer = memory.take_buffer();
        buffer[..8].copy_from_slice(b"abcdefgh");
        memory.written.give_spare(memory.written.take_spare());
        test(&memory.written, &buffer[..]);
        memory.give_buffer(buffer);
    }

    #[test]
    fn a_part_of_what_was_read_stays_where_it_is() {
        with_buffer(|written, buffer| {
            assert!(written.keep(&buffer[2..5]));
            assert_eq!((written.len(), &read(written)[..]), (3, &b"cde"[..]));
            // SAFETY: nothing else runs.
            assert_eq!(unsafe { written.get() }.as_ptr(), buffer[2..].as_ptr());
            assert!(!written.keep(&buffer[..1]), "it is another one's");
            assert!(!written.gather(b"x", false), "this, too");
            assert_eq!(written.take(), b"cde");
            assert_eq!(written.len(), 0);
        });
    }

    #[test]
    fn what_lies_elsewhere_is_nothing_or_is_too_much_is_not_kept() {
        with_buffer(|written, buffer| {
            assert!(!written.keep(b"elsewhere"));
            assert!(!written.keep(&buffer[..0]));
            assert!(!written.keep(&buffer[GATHERED..GATHERED]));
            assert!(!written.keep(&buffer[..=GATHERED]));
            assert!(!written.keep(&buffer[GATHERED..]));
            for part in [0..GATHERED, GATHERED - 1..GATHERED, 0..1] {
                assert!(written.keep(&buffer[part]));
                written.sent();
            }
        });
        let memory = Memory::default();
        let buffer = memory.take_buffer();
        memory.written.take_back();
        assert!(!memory.written.keep(&buffer[..1]), "it is not lent any more");
    }

    #[test]
    fn more_comes_behind_what_is_there_wherever_that_lies() {
        with_buffer(|written, buffer| {
            for kept in [true, false] {
                let begun =
                    if kept { written.keep(&buffer[..3]) } else { written.gather(b"abc", false) };
                assert!(begun && written.gather(&buffer[3..5], true));
                assert!(written.gather(b"!", true));
                assert_eq!(read(written), b"abcde!");
                assert!(!written.gather(b"", true));
                assert_eq!(written.take(), b"abcde!");
                written.give_spare(written.take_spare());
            }
        });
    }

    #[test]
    fn what_there_is_no_room_for_is_refused_and_what_is_there_stays() {
        with_buffer(|written, buffer| {
            let much = vec![7; GATHERED];
            assert!(!written.gather(&vec![7; GATHERED + 1], false));
            for kept in [true, false] {
                let begun =
                    if kept { written.keep(&buffer[..2]) } else { written.gather(b"ab", false) };
                assert!(begun && !written.gather(&much, true));
                assert_eq!(read(written), b"ab");
                written.sent();
            }
            assert!(written.gather(&much, false));
            assert!(!written.gather(b"x", true));
            assert!(written.take_spare().is_empty(), "the memory is in use");
            written.give_spare(Vec::with_capacity(2 * GATHERED));
            assert_eq!(written.take(), much);
            assert!(written.keep(&buffer[..2]), "also where there is no memory");
            assert!(!written.gather(b"c", true));
            let taken = written.take();
            assert_eq!((&taken[..], taken.capacity()), (&b"ab"[..], GATHERED));
        });
    }
}
