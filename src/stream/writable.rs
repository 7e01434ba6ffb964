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

/// The queue of a writable stream. As long as nothing waits, and nothing was set, it has no memory of its own: that is the
/// lot of most streams at most times.
#[derive(Debug)]
pub(crate) struct WriteQueue {
    needs_drain: bool,
    ending: bool,
    held: bool,
    when_full: WhenFull,
    body: Option<Box<Body>>,
}

/// What waits, and how much may.
#[derive(Debug)]
struct Body {
    len: usize,
    /// How much may be gathered while it is held.
    room: usize,
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

impl Default for Body {
    fn default() -> Self {
        Self {
            len: 0,
            room: GATHER,
            gone: 0,
            tail: Vec::new(),
            chunks: VecDeque::new(),
            high_water: HIGH_WATER,
            cap: CAP,
            rare: None,
        }
    }
}

impl Body {
    /// Can it be made anew when it is needed?
    fn is_spare(&self) -> bool {
        let unset = (self.room, self.high_water, self.cap) == (GATHER, HIGH_WATER, CAP);
        self.len == 0 && unset && self.rare.is_none()
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

    /// So many bytes are gone from the front.
    fn consume(&mut self, mut taken: usize) {
        self.len -= taken;
        while let Some(first) = self.chunks.front_mut() {
            if taken < first.len() {
                return first.advance(taken);
            }
            taken -= first.len();
            self.chunks.pop_front();
        }
        self.gone += taken;
    }
}

impl WriteQueue {
    /// Chunks that are ours to keep are copied up to this size: that costs less than a slice of their own,
    /// and their allocation ends here.
    pub(crate) const COPIED: usize = 2 * 1024;

    pub(crate) const fn new() -> Self {
        Self {
            needs_drain: false,
            ending: false,
            held: false,
            when_full: WhenFull::Fail,
            body: None,
        }
    }

    fn body(&mut self) -> &mut Body {
        self.body.get_or_insert_default()
    }

    /// What is lent has been given back. An idle stream keeps no memory.
    fn release(&mut self) {
        if self.body.as_ref().is_some_and(|body| body.is_spare()) {
            self.body = None;
        }
    }

    pub(crate) fn set_high_water(&mut self, bytes: usize) {
        self.body().high_water = bytes;
    }

    pub(crate) fn set_cap(&mut self, bytes: usize) {
        let body = self.body();
        (body.cap, body.room) = (bytes, GATHER.min(bytes));
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
        self.body.as_ref().map_or(0, |body| body.len)
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Is there anything that was offered to the system, and not taken?
    #[inline]
    pub(crate) fn waits(&self) -> bool {
        !self.held && !self.is_empty()
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
        let is_plain = |body: &Body| {
            let waiting = body.rare.as_ref().is_some_and(|rare| !rare.callbacks.is_empty());
            body.len == 0 && body.room == GATHER && !waiting
        };
        !self.needs_drain && !self.ending && self.body.as_ref().is_none_or(|body| is_plain(body))
    }

    /// Is there anything to be told once all is written?
    #[inline]
    pub(crate) fn is_watched(&self) -> bool {
        self.needs_drain | self.ending | self.body.as_ref().is_some_and(|body| body.rare.is_some())
    }

    /// Holds a copy until the end of the callback, if it may; the memory for it may be lent. What comes
    /// back is that of [`push`](Self::push).
    #[inline]
    pub(crate) fn hold(&mut self, bytes: &[u8], lend: impl FnOnce() -> Vec<u8>) -> Option<bool> {
        // What waits is not held.
        if self.ending || self.waits() {
            return None;
        }
        let room = self.body.as_ref().map_or(GATHER, |body| body.room);
        let len = self.len() + bytes.len();
        if len > room {
            return None;
        }
        if len != 0 {
            let body = self.body();
            if body.len == 0 {
                body.tail = lend();
            }
            body.tail.extend_from_slice(bytes);
            body.len = len;
            self.held = true;
        }
        Some(!self.needs_drain)
    }

    /// Takes over what was gathered elsewhere: it is held. The queue has nothing else.
    pub(crate) fn adopt(&mut self, gathered: Vec<u8>) {
        self.held = !gathered.is_empty();
        let body = self.body();
        body.len = gathered.len();
        body.tail = gathered;
    }

    /// The same for a chunk that is kept as it is, or given back.
    pub(crate) fn hold_chunk(&mut self, chunk: Bytes) -> Result<bool, Bytes> {
        if self.ending || self.waits() {
            return Err(chunk);
        }
        let body = self.body();
        let most = HELD.min(body.cap).saturating_sub(body.len);
        // One slice is left for what may come with them, one for the tail.
        if chunk.len() > most || body.chunks.len() + 3 >= SLICES {
            return Err(chunk);
        }
        body.keep(chunk);
        self.held = !self.is_empty();
        Ok(!self.needs_drain)
    }

    /// What was held has been offered: what is left waits. Gives back the memory that was lent.
    pub(crate) fn unhold(&mut self) -> Vec<u8> {
        self.held = false;
        let Some(body) = self.body.as_mut() else { return Vec::new() };
        let tail = &body.tail[body.gone..];
        if !tail.is_empty() {
            body.chunks.push_back(Bytes::copy_from_slice(tail));
        }
        self.take_tail()
    }

    /// May so many bytes wait besides what does?
    pub(crate) fn has_room(&self, count: usize) -> bool {
        count <= self.body.as_ref().map_or(CAP, |body| body.cap.saturating_sub(body.len))
    }

    /// Queues a copy, whether there is room or not. `false`: wait for the drain.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> bool {
        let body = self.body();
        body.len += bytes.len();
        if body.tail.len() + bytes.len() > GATHER {
            body.seal();
        }
        if bytes.len() > GATHER {
            body.chunks.push_back(Bytes::copy_from_slice(bytes));
        } else {
            body.tail.extend_from_slice(bytes);
        }
        self.mark()
    }

    /// Queues a chunk as it is, if it is worth it.
    pub(crate) fn push_chunk(&mut self, chunk: Bytes) -> bool {
        if chunk.len() <= Self::COPIED {
            return self.push(&chunk);
        }
        self.body().keep(chunk);
        self.mark()
    }

    /// Counts a chunk that is dropped. `false`: wait for the drain.
    pub(crate) fn pass_over(&mut self, bytes: usize) -> bool {
        let rare = self.body().rare.get_or_insert_default();
        rare.dropped_chunks += 1;
        rare.dropped_bytes += bytes as u64;
        self.needs_drain |= !self.is_empty();
        !self.needs_drain
    }

    /// Is it time to say `false`?
    fn mark(&mut self) -> bool {
        let body = self.body();
        let full = body.len != 0 && body.len >= body.high_water;
        self.needs_drain |= full;
        !self.needs_drain
    }

    /// Lends `to` what one vectored write should take; `behind` comes last, if all of the queue does.
    pub(crate) fn gather<T>(&self, behind: &[u8], to: impl FnOnce(&[IoSlice<'_>]) -> T) -> T {
        let mut slices = [IoSlice::new(&[]); SLICES];
        let body = self.body.as_ref();
        let tail = body.map_or(&[][..], |body| &body.tail[body.gone..]);
        let chunks = body.into_iter().flat_map(|body| body.chunks.iter().map(|chunk| &chunk[..]));
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
        self.body.as_ref().filter(|body| body.len == body.tail.len()).map(|body| &body.tail[..])
    }

    /// All there is, if it is in one piece.
    #[inline]
    pub(crate) fn single(&self) -> Option<&[u8]> {
        let Some(body) = self.body.as_ref() else { return Some(&[]) };
        match (body.chunks.len(), body.tail.len() - body.gone) {
            (0, _) => Some(&body.tail[body.gone..]),
            (1, 0) => body.chunks.front().map(|chunk| &chunk[..]),
            _ => None,
        }
    }

    /// So many bytes are gone.
    pub(crate) fn consume(&mut self, taken: usize) {
        let Some(body) = self.body.as_mut() else { return };
        body.consume(taken);
        if body.len == 0 {
            body.gone = 0;
            // What is lent is given back; an idle stream keeps no memory.
            if self.held {
                body.tail.clear();
            } else {
                body.tail = Vec::new();
                body.chunks = VecDeque::new();
                self.release();
            }
        }
    }

    /// All is gone that was held: gives back the memory that was lent.
    #[inline]
    pub(crate) fn recycle(&mut self) -> Vec<u8> {
        self.held = false;
        self.body().len = 0;
        self.take_tail()
    }

    /// Takes the memory of the tail.
    fn take_tail(&mut self) -> Vec<u8> {
        let body = self.body();
        body.gone = 0;
        let mut memory = std::mem::take(&mut body.tail);
        memory.clear();
        self.release();
        memory
    }

    /// Takes all chunks out, for a writer that owns them while it writes. They still count as
    /// waiting until [`consume_taken`](Self::consume_taken).
    pub(crate) fn take(&mut self) -> VecDeque<Bytes> {
        let body = self.body();
        body.seal();
        std::mem::take(&mut body.chunks)
    }

    /// So many of the bytes that were taken are written.
    pub(crate) fn consume_taken(&mut self, taken: usize) {
        self.body().len -= taken;
    }

    /// Is it time for `Drain`? Asked once for each time that a write was told to wait.
    pub(crate) fn drained(&mut self) -> bool {
        self.is_empty() && std::mem::take(&mut self.needs_drain) && !self.ending
    }

    /// Drops what waits. Callbacks and counters stay.
    pub(crate) fn clear(&mut self) {
        (self.needs_drain, self.held) = (false, false);
        if let Some(body) = self.body.as_mut() {
            (body.len, body.gone) = (0, 0);
            body.tail = Vec::new();
            body.chunks = VecDeque::new();
        }
        self.release();
    }

    /// Chunks and bytes that were dropped.
    pub(crate) fn dropped(&self) -> (u64, u64) {
        let rare = self.body.as_ref().and_then(|body| body.rare.as_ref());
        rare.map_or((0, 0), |rare| (rare.dropped_chunks, rare.dropped_bytes))
    }

    pub(crate) fn callbacks(&mut self) -> &mut Callbacks {
        &mut self.body().rare.get_or_insert_default().callbacks
    }

    /// The same, if there have ever been any.
    pub(crate) fn known_callbacks(&mut self) -> Option<&mut Callbacks> {
        self.body.as_mut()?.rare.as_mut().map(|rare| &mut rare.callbacks)
    }
}

#[cfg(test)]
mod tests;
