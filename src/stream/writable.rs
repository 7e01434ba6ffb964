//! What was written and not yet taken by the system; without any writing.

use std::collections::VecDeque;
use std::io::IoSlice;

/// `write` says `false` from here on.
pub(crate) const HIGH_WATER: usize = 64 * 1024;
/// Who lets this much pile up does not read at all.
pub(crate) const CAP: usize = 16 * 1024 * 1024;
/// Small writes are gathered into chunks of up to this size.
const GATHER: usize = 16 * 1024;
/// One vectored call takes at most this many chunks.
const SLICES: usize = 64;

/// The queue of a writable stream. What every write looks at comes first.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct WriteQueue {
    len: usize,
    needs_drain: bool,
    ending: bool,
    /// How much of the first chunk is gone already.
    offset: usize,
    chunks: VecDeque<Vec<u8>>,
    pub(crate) high_water: usize,
    pub(crate) cap: usize,
}

/// The queue would grow beyond its cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl WriteQueue {
    pub(crate) const fn new() -> Self {
        Self {
            chunks: VecDeque::new(),
            offset: 0,
            len: 0,
            high_water: HIGH_WATER,
            cap: CAP,
            needs_drain: false,
            ending: false,
        }
    }

    /// Bytes that wait.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn needs_drain(&self) -> bool {
        self.needs_drain
    }

    /// Nothing more may be written.
    pub(crate) fn end(&mut self) {
        self.ending = true;
    }

    #[inline]
    pub(crate) fn is_ending(&self) -> bool {
        self.ending
    }

    /// Queues a copy. `Ok(false)`: wait for the drain.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<bool, Full> {
        if bytes.len() > self.cap - self.len.min(self.cap) {
            return Err(Full);
        }
        self.len += bytes.len();
        match self.chunks.back_mut() {
            Some(last) if last.len() + bytes.len() <= GATHER => last.extend_from_slice(bytes),
            _ => self.chunks.push_back(bytes.to_vec()),
        }
        self.needs_drain |= self.len >= self.high_water;
        Ok(!self.needs_drain)
    }

    /// What one vectored write should take.
    pub(crate) fn slices(&self) -> Vec<IoSlice<'_>> {
        let starts = std::iter::once(self.offset).chain(std::iter::repeat(0));
        let chunks = self.chunks.iter().take(SLICES).zip(starts);
        chunks.map(|(chunk, start)| IoSlice::new(&chunk[start..])).collect()
    }

    /// So many bytes are gone.
    pub(crate) fn consume(&mut self, mut taken: usize) {
        self.len -= taken;
        while let Some(first) = self.chunks.front() {
            let left = first.len() - self.offset;
            if taken < left {
                self.offset += taken;
                return;
            }
            taken -= left;
            self.offset = 0;
            self.chunks.pop_front();
        }
    }

    /// Takes all chunks out, for a writer that owns them while it writes. They still count as
    /// waiting until [`consume_taken`](Self::consume_taken).
    pub(crate) fn take(&mut self) -> VecDeque<Vec<u8>> {
        std::mem::take(&mut self.chunks)
    }

    /// So many of the bytes that were taken are written.
    pub(crate) fn consume_taken(&mut self, taken: usize) {
        self.len -= taken;
    }

    /// Is it time for `Drain`? Asked once for each time that a write was told to wait.
    pub(crate) fn drained(&mut self) -> bool {
        self.is_empty() && std::mem::take(&mut self.needs_drain) && !self.ending
    }

    pub(crate) fn clear(&mut self) {
        *self =
            Self { high_water: self.high_water, cap: self.cap, ending: self.ending, ..Self::new() };
    }
}

#[cfg(test)]
mod tests {
    use super::{Full, WriteQueue};

    #[test]
    fn what_goes_in_comes_out_in_order_however_it_is_taken() {
        let mut seed = 7_u64;
        let mut random = move |below: usize| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            usize::try_from(seed % below as u64).unwrap()
        };
        let (mut queue, mut written, mut read) = (WriteQueue::new(), Vec::new(), Vec::new());
        for round in 0..2_000_usize {
            let chunk: Vec<u8> = (0..random(40_000)).map(|i| (i ^ round) as u8).collect();
            written.extend_from_slice(&chunk);
            queue.push(&chunk).unwrap();
            let all: Vec<u8> = queue.slices().iter().flat_map(|slice| slice.to_vec()).collect();
            let take = random(all.len() + 1);
            read.extend_from_slice(&all[..take]);
            queue.consume(take);
            if queue.len() > 1 << 20 {
                while !queue.is_empty() {
                    let all: Vec<u8> =
                        queue.slices().iter().flat_map(|slice| slice.to_vec()).collect();
                    queue.consume(all.len());
                    read.extend_from_slice(&all);
                }
            }
        }
        assert_eq!(queue.len(), written.len() - read.len());
        assert!(written.starts_with(&read));
    }

    #[test]
    fn drain_is_told_once_and_only_to_who_was_told_to_wait() {
        let mut queue = WriteQueue::new();
        queue.high_water = 10;
        assert_eq!(queue.push(b"12345"), Ok(true));
        queue.consume(5);
        assert!(!queue.drained());
        assert_eq!(queue.push(b"1234567890"), Ok(false));
        assert!(!queue.drained());
        queue.consume(10);
        assert!(queue.drained());
        assert!(!queue.drained());
    }

    #[test]
    fn the_cap_is_kept_to_the_byte() {
        let mut queue = WriteQueue::new();
        queue.cap = 4;
        assert_eq!(queue.push(b"12345"), Err(Full));
        assert_eq!(queue.push(b"1234"), Ok(true));
        assert_eq!(queue.push(b"5"), Err(Full));
        assert_eq!(queue.len(), 4);
    }
}
