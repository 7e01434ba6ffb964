//! Bytes that tell their own place: nothing can be lost, doubled or swapped unseen.

/// A prime, so that no buffer's size divides it.
const PERIOD: usize = 65_521;

/// A long sequence that looks random, and a place in it.
pub(crate) struct Pattern {
    /// Two periods, so that a chunk of up to one is a slice, wherever it begins.
    bytes: Vec<u8>,
    place: usize,
}

impl Pattern {
    pub(crate) fn new() -> Self {
        let mut seed = 0x2545_f491_4f6c_dd1d_u64;
        let mut bytes: Vec<u8> = Vec::with_capacity(2 * PERIOD);
        bytes.resize_with(PERIOD, || {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed.to_le_bytes()[4]
        });
        bytes.extend_from_within(..);
        Self { bytes, place: 0 }
    }

    /// The next so many bytes, or fewer.
    pub(crate) fn next(&mut self, most: usize) -> &[u8] {
        let (start, length) = (self.place % PERIOD, most.min(PERIOD));
        self.place += length;
        &self.bytes[start..start + length]
    }

    /// Are these the next bytes?
    #[track_caller]
    pub(crate) fn check(&mut self, chunk: &[u8]) {
        let place = self.place;
        for part in chunk.chunks(PERIOD) {
            assert!(
                self.next(part.len()) == part,
                "other bytes came than were sent, after {place}"
            );
        }
    }

    /// How far it is.
    pub(crate) fn place(&self) -> usize {
        self.place
    }
}
