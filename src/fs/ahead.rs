//! What the pool has read, and nobody has heard of yet; without any reading.

use bytes::Bytes;
use std::collections::VecDeque;
use std::io;

/// How much the pool may read ahead of what is told, in pieces of its own.
const PIECES: usize = 2;

/// Chunks to be told, in order, and what comes after them.
#[derive(Default)]
pub(super) struct Ahead {
    pieces: VecDeque<Bytes>,
    length: usize,
    /// Reading failed behind all that.
    failed: Option<io::Error>,
}

impl Ahead {
    /// Bytes that wait to be told.
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// Is there anything to tell?
    pub(super) fn is_empty(&self) -> bool {
        self.length == 0 && self.failed.is_none()
    }

    pub(super) fn push(&mut self, piece: Bytes) {
        if !piece.is_empty() {
            self.length += piece.len();
            self.pieces.push_back(piece);
        }
    }

    pub(super) fn fail(&mut self, error: io::Error) {
        self.failed = Some(error);
    }

    /// May another piece be read?
    pub(super) fn has_room(&self) -> bool {
        self.pieces.len() < PIECES && self.failed.is_none()
    }

    /// The next chunk, of so many bytes at most. It shares its memory with what is left.
    pub(super) fn next(&mut self, most: usize) -> Option<Result<Bytes, io::Error>> {
        let Some(first) = self.pieces.front_mut() else { return self.failed.take().map(Err) };
        let chunk = if first.len() > most {
            first.split_to(most)
        } else {
            self.pieces.pop_front().unwrap_or_default()
        };
        self.length -= chunk.len();
        Some(Ok(chunk))
    }
}

#[cfg(test)]
mod tests {
    use super::Ahead;
    use std::io;

    #[test]
    fn chunks_come_in_order_and_an_error_behind_them() {
        let mut ahead = Ahead::default();
        assert!(ahead.is_empty() && ahead.next(9).is_none());
        ahead.push("hello".into());
        ahead.push("".into());
        assert!(ahead.has_room());
        ahead.push("world".into());
        assert!(!ahead.has_room());
        assert_eq!(ahead.len(), 10);
        ahead.fail(io::ErrorKind::Other.into());
        let mut told = Vec::new();
        while let Some(Ok(chunk)) = ahead.next(3) {
            told.push(chunk);
        }
        assert_eq!(told, ["hel", "lo", "wor", "ld"]);
        assert!(ahead.is_empty(), "the error was told");
    }
}
