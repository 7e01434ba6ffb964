//! Memory for chunks that somebody keeps for a while: it comes back when they let go of it, from whatever
//! thread, and is read into again.

use bytes::Bytes;
use std::sync::{Arc, Mutex, PoisonError};

/// Pieces that wait to be used again; more are freed.
const MOST: usize = 16;

/// Where the pieces lie. Clones are the same shelf.
#[derive(Clone, Debug, Default)]
pub(super) struct Shelf(Arc<Mutex<Vec<Vec<u8>>>>);

impl Shelf {
    /// So many bytes, or some more, with whatever in them.
    pub(super) fn take(&self, size: usize) -> Vec<u8> {
        let found = self.lock(|pieces| {
            let fits = |piece: &Vec<u8>| (size..=2 * size).contains(&piece.len());
            let at = pieces.iter().rposition(fits)?;
            Some(pieces.swap_remove(at))
        });
        found.unwrap_or_else(|| vec![0; size])
    }

    /// The first `count` bytes of a piece, to be kept by others as long as they like.
    pub(super) fn lend(&self, piece: Vec<u8>, count: usize) -> Bytes {
        let count = count.min(piece.len());
        Bytes::from_owner(Lent { piece, count, shelf: self.clone() })
    }

    pub(super) fn give(&self, piece: Vec<u8>) {
        let freed = self.lock(|pieces| {
            if pieces.len() < MOST {
                pieces.push(piece);
                return None;
            }
            Some(piece)
        });
        drop(freed);
    }

    fn lock<T>(&self, f: impl FnOnce(&mut Vec<Vec<u8>>) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

struct Lent {
    piece: Vec<u8>,
    count: usize,
    shelf: Shelf,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.piece[..self.count]
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.shelf.give(std::mem::take(&mut self.piece));
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, Shelf};

    #[test]
    fn what_is_let_go_of_is_used_again() {
        let shelf = Shelf::default();
        let mut piece = shelf.take(8);
        piece.fill(7);
        let place = piece.as_ptr();
        let lent = shelf.lend(piece, 3);
        assert_eq!(&lent[..], [7; 3]);
        let part = lent.slice(1..);
        drop(lent);
        let other = shelf.take(8);
        assert_ne!(other.as_ptr(), place, "somebody still has a part of it");
        drop(part);
        let again = shelf.take(8);
        assert_eq!(again.as_ptr(), place);
    }

    #[test]
    fn no_more_is_kept_than_is_of_use() {
        let shelf = Shelf::default();
        let many: Vec<_> = (0..2 * MOST).map(|_| shelf.lend(shelf.take(1), 1)).collect();
        drop(many);
        assert_eq!(shelf.lock(|pieces| pieces.len()), MOST);
    }
}
