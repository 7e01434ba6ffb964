//! What another thread has read, of what no poller watches.

use std::io;

/// Bytes, an end or an error that wait to be told.
#[derive(Debug, Default)]
pub(super) struct Fed {
    bytes: Vec<u8>,
    told: usize,
    outcome: Option<io::Result<()>>,
}

impl Fed {
    /// Is there nothing to tell, so that more is to be read?
    pub(super) fn is_empty(&self) -> bool {
        self.told == self.bytes.len() && self.outcome.is_none()
    }

    /// This was read; no bytes at all are the end.
    pub(super) fn fill(&mut self, read: io::Result<Vec<u8>>) {
        match read {
            Ok(bytes) if bytes.is_empty() => self.outcome = Some(Ok(())),
            Ok(bytes) => (self.bytes, self.told) = (bytes, 0),
            Err(error) => self.outcome = Some(Err(error)),
        }
    }

    /// Gives some of it, as a read would.
    pub(super) fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = &self.bytes[self.told..];
        if left.is_empty() {
            return match self.outcome.take() {
                Some(outcome) => outcome.map(|()| 0),
                None => Err(io::ErrorKind::WouldBlock.into()),
            };
        }
        let count = left.len().min(buffer.len());
        buffer[..count].copy_from_slice(&left[..count]);
        self.told += count;
        if self.told == self.bytes.len() {
            *self = Self { outcome: self.outcome.take(), ..Self::default() };
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::Fed;
    use std::io;

    #[test]
    fn what_was_read_comes_in_pieces_and_then_its_end() {
        let (mut fed, mut buffer) = (Fed::default(), [0; 3]);
        let blocked = |fed: &mut Fed| fed.receive(&mut [0; 3]).unwrap_err().kind();
        assert_eq!(blocked(&mut fed), io::ErrorKind::WouldBlock);
        fed.fill(Ok(b"abcd".to_vec()));
        assert!(!fed.is_empty());
        assert_eq!(fed.receive(&mut buffer).unwrap(), 3);
        assert_eq!(&buffer, b"abc");
        assert_eq!(fed.receive(&mut buffer).unwrap(), 1);
        assert!(fed.is_empty());
        fed.fill(Ok(Vec::new()));
        assert!(!fed.is_empty());
        assert_eq!(fed.receive(&mut buffer).unwrap(), 0);
        fed.fill(Err(io::ErrorKind::NotFound.into()));
        assert_eq!(blocked(&mut fed), io::ErrorKind::NotFound);
    }
}
