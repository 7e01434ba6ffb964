//! Chunks that wait, in order, each as it was given; without anybody who waits for them.

use std::collections::VecDeque;

/// A buffer that is larger is not kept for the next chunk.
const KEPT: usize = 64 * 1024;

/// A queue of chunks. One that has been told lends its memory to the next one that comes, so that a stream
/// which passes on what it gets, chunk by chunk, allocates nothing.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    chunks: VecDeque<Vec<u8>>,
    len: usize,
    spare: Vec<u8>,
}

impl Chunks {
    /// Bytes that wait.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Is there no chunk, not even an empty one?
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Queues a copy.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let mut chunk = std::mem::take(&mut self.spare);
        chunk.extend_from_slice(bytes);
        self.push_owned(chunk);
    }

    pub(super) fn push_owned(&mut self, chunk: Vec<u8>) {
        self.len += chunk.len();
        self.chunks.push_back(chunk);
    }

    /// In front of all that waits.
    pub(super) fn unshift(&mut self, bytes: &[u8]) {
        self.len += bytes.len();
        self.chunks.push_front(bytes.to_vec());
    }

    pub(super) fn pop(&mut self) -> Option<Vec<u8>> {
        let chunk = self.chunks.pop_front()?;
        self.len -= chunk.len();
        Some(chunk)
    }

    /// Nobody needs this one any more.
    pub(super) fn recycle(&mut self, mut chunk: Vec<u8>) {
        if (self.spare.capacity()..=KEPT).contains(&chunk.capacity()) {
            chunk.clear();
            self.spare = chunk;
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::{Chunks, KEPT};

    #[test]
    fn chunks_come_out_as_they_went_in() {
        let mut chunks = Chunks::default();
        chunks.push(b"two");
        chunks.push_owned(b"".to_vec());
        chunks.push(b"three");
        chunks.unshift(b"one");
        assert_eq!((chunks.len(), chunks.is_empty()), (11, false));
        let all: Vec<_> = std::iter::from_fn(|| chunks.pop()).collect();
        assert_eq!(all, [b"one".to_vec(), b"two".to_vec(), b"".to_vec(), b"three".to_vec()]);
        assert_eq!((chunks.len(), chunks.is_empty()), (0, true));
    }

    #[test]
    fn the_memory_of_one_chunk_is_kept_for_the_next_unless_it_is_large() {
        let mut chunks = Chunks::default();
        chunks.push(&[1; 100]);
        let first = chunks.pop().unwrap();
        let place = first.as_ptr();
        chunks.recycle(first);
        chunks.push(&[2; 90]);
        let second = chunks.pop().unwrap();
        assert_eq!((second.as_ptr(), second.as_slice()), (place, [2; 90].as_slice()));
        chunks.recycle(vec![0; KEPT + 1]);
        assert_eq!(chunks.spare.capacity(), 0);
    }
}
