//! What was written and not yet taken by the system; without any writing.
//!
//! ```text
//!   front                                                            back
//!   chunks: kept as they came, one by one  |  tail: small ones, gathered
//! ```
//!
//! What nobody has offered to the system yet is *held*: it waits for the end of a callback, not for
//! the system, so it does not count as backpressure.

use super::callbacks::Callbacks;
use bytes::{Buf as _, Bytes};
use std::collections::VecDeque;
use std::io::IoSlice;

/// `write` says `false` from here on.
pub(crate) const HIGH_WATER: usize = 64 * 1024;
/// Who lets this much pile up does not read at all.
pub(crate) const CAP: usize = 16 * 1024 * 1024;
/// Small writes are gathered into chunks of up to this size.
pub(crate) const GATHER: usize = 16 * 1024;
/// One vectored call takes at most this many chunks.
const SLICES: usize = 64;
/// No more is held than this, so that a callback which goes on writing learns of a full socket.
const HELD: usize = 64 * 1024;

/// What becomes of a chunk that does not fit into the write queue any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WhenFull {
    /// The stream ends, with an error event.
    #[default]
    Fail,
    /// The chunk is dropped, as a whole, and counted. The stream goes on.
    Drop,
    /// The stream ends, without an error.
    Close,
}

/// The queue of a writable stream. What every write looks at comes first.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct WriteQueue {
    len: usize,
    /// How much may be gathered while it is held.
    room: usize,
    needs_drain: bool,
    ending: bool,
    held: bool,
    when_full: WhenFull,
    /// How much of the tail is gone already; nothing, while there are chunks before it.
    gone: usize,
    tail: Vec<u8>,
    chunks: VecDeque<Bytes>,
    high_water: usize,
    cap: usize,
    rare: Option<Box<Rare>>,
}

/// What few streams have.
#[derive(Debug, Default)]
struct Rare {
    callbacks: Callbacks,
    dropped_chunks: u64,
    dropped_bytes: u64,
}

impl WriteQueue {
    /// Chunks that are ours to keep are copied up to this size: that costs less than a slice of their own,
    /// and their allocation ends here.
    pub(crate) const COPIED: usize = 2 * 1024;

    pub(crate) const fn new() -> Self {
        Self {
            len: 0,
            room: GATHER,
            needs_drain: false,
            ending: false,
            held: false,
            when_full: WhenFull::Fail,
            gone: 0,
            tail: Vec::new(),
            chunks: VecDeque::new(),
            high_water: HIGH_WATER,
            cap: CAP,
            rare: None,
        }
    }

    pub(crate) fn set_high_water(&mut self, bytes: usize) {
        self.high_water = bytes;
    }

    pub(crate) fn set_cap(&mut self, bytes: usize) {
        self.cap = bytes;
        self.room = GATHER.min(bytes);
    }

    pub(crate) fn set_when_full(&mut self, when_full: WhenFull) {
        self.when_full = when_full;
    }

    pub(crate) fn when_full(&self) -> WhenFull {
        self.when_full
    }

    /// Bytes that wait, those that are held included.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Is there anything that was offered to the system, and not taken?
    #[inline]
    pub(crate) fn waits(&self) -> bool {
        self.len != 0 && !self.held
    }

    #[inline]
    pub(crate) fn is_held(&self) -> bool {
        self.held
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

    /// Does it have nothing, and nothing to say about what comes next?
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.len == 0
            && !self.needs_drain
            && !self.ending
            && self.room == GATHER
            && self.rare.as_ref().is_none_or(|rare| rare.callbacks.is_empty())
    }

    /// Is there anything to be told once all is written?
    #[inline]
    pub(crate) fn is_watched(&self) -> bool {
        self.needs_drain | self.ending | self.rare.is_some()
    }

    /// Holds a copy until the end of the callback, if it may; the memory for it may be lent. What comes
    /// back is that of [`push`](Self::push).
    #[inline]
    pub(crate) fn hold(&mut self, bytes: &[u8], lend: impl FnOnce() -> Vec<u8>) -> Option<bool> {
        let len = self.len + bytes.len();
        // What waits is not held.
        if len > self.room || self.ending || (self.len != 0 && !self.held) {
            return None;
        }
        if self.len == 0 && len != 0 {
            self.tail = lend();
            self.held = true;
        }
        self.tail.extend_from_slice(bytes);
        self.len = len;
        Some(!self.needs_drain)
    }

    /// Takes over what was gathered elsewhere: it is held. The queue has nothing else.
    pub(crate) fn adopt(&mut self, gathered: Vec<u8>) {
        self.len = gathered.len();
        self.held = self.len != 0;
        self.tail = gathered;
    }

    /// The same for a chunk that is kept as it is, or given back.
    pub(crate) fn hold_chunk(&mut self, chunk: Bytes) -> Result<bool, Bytes> {
        let most = HELD.min(self.cap).saturating_sub(self.len);
        // One slice is left for what may come with them, one for the tail.
        let crowded = self.chunks.len() + 3 >= SLICES;
        if chunk.len() > most || crowded || self.ending || self.waits() {
            return Err(chunk);
        }
        self.keep(chunk);
        self.held = self.len != 0;
        Ok(!self.needs_drain)
    }

    /// What was held has been offered: what is left waits. Gives back the memory that was lent.
    pub(crate) fn unhold(&mut self) -> Vec<u8> {
        self.held = false;
        let tail = &self.tail[self.gone..];
        if !tail.is_empty() {
            self.chunks.push_back(Bytes::copy_from_slice(tail));
        }
        self.gone = 0;
        let mut memory = std::mem::take(&mut self.tail);
        memory.clear();
        memory
    }

    /// May so many bytes wait besides what does?
    pub(crate) fn has_room(&self, count: usize) -> bool {
        count <= self.cap.saturating_sub(self.len)
    }

    /// Queues a copy, whether there is room or not. `false`: wait for the drain.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> bool {
        self.len += bytes.len();
        if self.tail.len() + bytes.len() > GATHER {
            self.seal();
        }
        if bytes.len() > GATHER {
            self.chunks.push_back(Bytes::copy_from_slice(bytes));
        } else {
            self.tail.extend_from_slice(bytes);
        }
        self.mark()
    }

    /// Queues a chunk as it is, if it is worth it.
    pub(crate) fn push_chunk(&mut self, chunk: Bytes) -> bool {
        if chunk.len() <= Self::COPIED {
            return self.push(&chunk);
        }
        self.keep(chunk);
        self.mark()
    }

    /// Counts a chunk that is dropped. `false`: wait for the drain.
    pub(crate) fn pass_over(&mut self, bytes: usize) -> bool {
        let rare = self.rare.get_or_insert_default();
        rare.dropped_chunks += 1;
        rare.dropped_bytes += bytes as u64;
        self.needs_drain |= self.len != 0;
        !self.needs_drain
    }

    fn keep(&mut self, chunk: Bytes) {
        self.len += chunk.len();
        self.seal();
        self.chunks.push_back(chunk);
    }

    /// The tail becomes a chunk.
    fn seal(&mut self) {
        if self.tail.len() > self.gone {
            let mut tail = Bytes::from(std::mem::take(&mut self.tail));
            tail.advance(self.gone);
            self.chunks.push_back(tail);
        } else {
            self.tail.clear();
        }
        self.gone = 0;
    }

    /// Is it time to say `false`?
    fn mark(&mut self) -> bool {
        self.needs_drain |= self.len != 0 && self.len >= self.high_water;
        !self.needs_drain
    }

    /// Lends `to` what one vectored write should take; `behind` comes last, if all of the queue does.
    pub(crate) fn gather<T>(&self, behind: &[u8], to: impl FnOnce(&[IoSlice<'_>]) -> T) -> T {
        let mut slices = [IoSlice::new(&[]); SLICES];
        let tail = &self.tail[self.gone..];
        let chunks = self.chunks.iter().map(|chunk| &chunk[..]);
        let rest = [tail, behind].into_iter().filter(|rest| !rest.is_empty());
        let mut count = 0;
        for (slice, bytes) in slices.iter_mut().zip(chunks.chain(rest)) {
            *slice = IoSlice::new(bytes);
            count += 1;
        }
        to(&slices[..count])
    }

    /// What is held, if it is in one piece that was gathered.
    #[inline]
    pub(crate) fn held_piece(&self) -> Option<&[u8]> {
        (self.len == self.tail.len()).then_some(&self.tail)
    }

    /// All there is, if it is in one piece.
    #[inline]
    pub(crate) fn single(&self) -> Option<&[u8]> {
        match (self.chunks.len(), self.tail.len() - self.gone) {
            (0, _) => Some(&self.tail[self.gone..]),
            (1, 0) => self.chunks.front().map(|chunk| &chunk[..]),
            _ => None,
        }
    }

    /// So many bytes are gone.
    pub(crate) fn consume(&mut self, mut taken: usize) {
        self.len -= taken;
        while let Some(first) = self.chunks.front_mut() {
            if taken < first.len() {
                return first.advance(taken);
            }
            taken -= first.len();
            self.chunks.pop_front();
        }
        self.gone += taken;
        if self.len == 0 {
            self.gone = 0;
            // What is lent is given back; an idle stream keeps no memory.
            if self.held {
                self.tail.clear();
            } else {
                self.tail = Vec::new();
                self.chunks = VecDeque::new();
            }
        }
    }

    /// All is gone that was held: gives back the memory that was lent.
    #[inline]
    pub(crate) fn recycle(&mut self) -> Vec<u8> {
        (self.len, self.gone, self.held) = (0, 0, false);
        let mut memory = std::mem::take(&mut self.tail);
        memory.clear();
        memory
    }

    /// Takes all chunks out, for a writer that owns them while it writes. They still count as
    /// waiting until [`consume_taken`](Self::consume_taken).
    pub(crate) fn take(&mut self) -> VecDeque<Bytes> {
        self.seal();
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

    /// Drops what waits. Callbacks and counters stay.
    pub(crate) fn clear(&mut self) {
        (self.len, self.gone) = (0, 0);
        (self.needs_drain, self.held) = (false, false);
        self.tail = Vec::new();
        self.chunks = VecDeque::new();
    }

    /// Chunks and bytes that were dropped.
    pub(crate) fn dropped(&self) -> (u64, u64) {
        self.rare.as_ref().map_or((0, 0), |rare| (rare.dropped_chunks, rare.dropped_bytes))
    }

    pub(crate) fn callbacks(&mut self) -> &mut Callbacks {
        &mut self.rare.get_or_insert_default().callbacks
    }

    /// The same, if there have ever been any.
    pub(crate) fn known_callbacks(&mut self) -> Option<&mut Callbacks> {
        self.rare.as_mut().map(|rare| &mut rare.callbacks)
    }
}

#[cfg(test)]
mod tests {
    use super::WriteQueue;
    use bytes::Bytes;

    fn all(queue: &WriteQueue) -> Vec<u8> {
        queue.gather(&[], |slices| slices.iter().flat_map(|slice| slice.to_vec()).collect())
    }

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
        for round in 0..4_000_usize {
            let size = random([10, 3_000, 40_000][round % 3]);
            let chunk: Vec<u8> = (0..size).map(|i| (i ^ round) as u8).collect();
            written.extend_from_slice(&chunk);
            match random(4) {
                0 => _ = queue.push_chunk(Bytes::from(chunk)),
                1 if queue.hold(&chunk, Vec::new).is_some() => {}
                2 => match queue.hold_chunk(Bytes::from(chunk)) {
                    Ok(_) => {}
                    Err(chunk) => _ = queue.push_chunk(chunk),
                },
                _ => _ = queue.push(&chunk),
            }
            if let Some(single) = queue.single() {
                assert_eq!(single, all(&queue));
            }
            let there = all(&queue);
            let take = random(there.len() + 1);
            read.extend_from_slice(&there[..take]);
            queue.consume(take);
            if random(3) == 0 {
                queue.unhold();
            }
            let mut full = queue.len() > 1 << 20;
            while full {
                let there = all(&queue);
                queue.consume(there.len());
                read.extend_from_slice(&there);
                full = !queue.is_empty();
            }
            assert_eq!(queue.len(), written.len() - read.len());
            assert!(written[read.len()..].starts_with(&all(&queue)));
        }
        assert!(written.starts_with(&read));
        let taken: Vec<u8> = queue.take().into_iter().flatten().collect();
        assert_eq!(taken, written[read.len()..]);
    }

    #[test]
    fn drain_is_told_once_and_only_to_who_was_told_to_wait() {
        let mut queue = WriteQueue::new();
        queue.set_high_water(10);
        assert!(queue.push(b"12345"));
        queue.consume(5);
        assert!(!queue.drained());
        assert!(!queue.push(b"1234567890"));
        assert!(!queue.drained());
        queue.consume(10);
        assert!(queue.drained());
        assert!(!queue.drained());
    }

    #[test]
    fn the_cap_is_kept_to_the_byte() {
        let mut queue = WriteQueue::new();
        queue.set_cap(4);
        assert!(!queue.has_room(5));
        assert_eq!(queue.hold(b"12345", Vec::new), None);
        assert!(queue.has_room(4) && queue.push(b"1234"));
        assert!(!queue.has_room(1) && queue.has_room(0));
        assert_eq!(queue.len(), 4);
    }

    #[test]
    fn what_is_held_is_no_backpressure_until_it_was_offered() {
        let mut queue = WriteQueue::new();
        queue.set_high_water(4);
        assert_eq!(queue.hold(b"12345", Vec::new), Some(true));
        assert!(queue.is_held() && !queue.waits());
        queue.consume(2);
        queue.unhold();
        assert!(queue.waits());
        assert_eq!(queue.hold(b"6", Vec::new), None, "the system is to take the others first");
        assert_eq!((queue.push(b"6"), all(&queue)), (false, b"3456".to_vec()));
    }

    #[test]
    fn what_is_owned_and_large_is_not_copied() {
        let mut queue = WriteQueue::new();
        let large = vec![7; 100_000];
        let place = large.as_ptr();
        queue.push(b"small");
        queue.push_chunk(large.into());
        queue.push(b"small");
        queue.gather(&[], |slices| {
            assert_eq!(slices.iter().map(|slice| slice.len()).collect::<Vec<_>>(), [5, 100_000, 5]);
            assert_eq!(slices[1].as_ptr(), place);
        });
        queue.consume(6);
        queue.gather(&[], |slices| assert_eq!(slices[0].as_ptr(), place.wrapping_add(1)));
    }
}
