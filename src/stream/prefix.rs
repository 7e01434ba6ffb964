//! Frames: messages each of which says in front how long it is.

use super::duplex::Duplex;
use super::pieces::{Pieces, pieces};
use super::split::Splitter;
use super::traits::Readable;
use crate::error::{Error, ErrorKind, Result};
use std::ops::Range;

/// How the length of a message is written in front of it. It does not count its own bytes.
///
/// ```
/// use onward::stream::Prefix;
///
/// assert_eq!(Prefix::U16.frame("hello")?, b"\x00\x05hello");
/// assert_eq!(Prefix::U32Le.frame("hello")?, b"\x05\x00\x00\x00hello");
/// assert_eq!(Prefix::Varint.frame([7; 300])?[..2], [0b1010_1100, 0b10]);
/// assert_eq!(Prefix::U8.frame([7; 300]).unwrap_err().kind(), onward::ErrorKind::TooLong);
/// # Ok::<(), onward::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Prefix {
    /// One byte.
    U8,
    /// Two bytes, the high one first, as on the network.
    U16,
    /// Four bytes, the highest first.
    U32,
    /// Eight bytes, the highest first.
    U64,
    /// Two bytes, the low one first.
    U16Le,
    /// Four bytes, the lowest first.
    U32Le,
    /// Eight bytes, the lowest first.
    U64Le,
    /// As many bytes as it takes, seven bits in each, the lowest first; all but the last have the high bit. It is what
    /// Protocol Buffers have (LEB128).
    Varint,
}

/// A varint of 64 bits has at most so many bytes.
const LONGEST_HEAD: usize = 10;

impl Prefix {
    /// How wide it is, but for varints.
    fn width(self) -> Option<usize> {
        Some(match self {
            Self::U8 => 1,
            Self::U16 | Self::U16Le => 2,
            Self::U32 | Self::U32Le => 4,
            Self::U64 | Self::U64Le => 8,
            Self::Varint => return None,
        })
    }

    /// The width of the head that these bytes begin with, and the length in it; `None` if it is not whole.
    fn read(self, head: &[u8]) -> Result<Option<(usize, u64)>> {
        let Some(width) = self.width() else { return varint(head) };
        let Some(head) = head.get(..width) else { return Ok(None) };
        let little = matches!(self, Self::U16Le | Self::U32Le | Self::U64Le);
        let add = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        let length = if little { head.iter().rev().fold(0, add) } else { head.iter().fold(0, add) };
        Ok(Some((width, length)))
    }

    /// Writes the head of a message of that length behind `to`.
    fn write(self, length: usize, to: &mut Vec<u8>) -> Result<()> {
        let too_long =
            || Error::new(ErrorKind::TooLong, "write frame").on(format_args!("of {length} bytes"));
        let mut length = length as u64;
        let Some(width) = self.width() else {
            while length >= 0x80 {
                to.push((length & 0x7f) as u8 | 0x80);
                length >>= 7;
            }
            to.push(length as u8);
            return Ok(());
        };
        if width < 8 && length >> (8 * width) != 0 {
            return Err(too_long());
        }
        match self {
            Self::U16Le | Self::U32Le | Self::U64Le => {
                to.extend_from_slice(&length.to_le_bytes()[..width]);
            }
            _ => to.extend_from_slice(&length.to_be_bytes()[8 - width..]),
        }
        Ok(())
    }

    /// A message with its length in front, to be written.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooLong`]: it is longer than the prefix can say.
    pub fn frame(self, message: impl AsRef<[u8]>) -> Result<Vec<u8>> {
        let message = message.as_ref();
        let mut frame = Vec::with_capacity(LONGEST_HEAD + message.len());
        self.write(message.len(), &mut frame)?;
        frame.extend_from_slice(message);
        Ok(frame)
    }
}

fn varint(head: &[u8]) -> Result<Option<(usize, u64)>> {
    let mut length = 0_u64;
    for (at, byte) in head.iter().take(LONGEST_HEAD).enumerate() {
        let bits = u64::from(byte & 0x7f);
        // Of the tenth byte only one bit is left.
        if at == LONGEST_HEAD - 1 && *byte > 1 {
            break;
        }
        length |= bits << (7 * at);
        if byte & 0x80 == 0 {
            return Ok(Some((at + 1, length)));
        }
    }
    if head.len() < LONGEST_HEAD {
        return Ok(None);
    }
    Err(Error::new(ErrorKind::Malformed, "read frame").on("with a length of more than 64 bits"))
}

impl Splitter for Prefix {
    fn find(&mut self, held: &[u8], chunk: &[u8], max: usize) -> Result<Option<usize>> {
        let head = if held.is_empty() {
            self.read(chunk)?
        } else if held.len() >= LONGEST_HEAD {
            self.read(held)?
        } else {
            // The head itself may have been cut in two.
            let mut head = [0; LONGEST_HEAD];
            let more = chunk.len().min(LONGEST_HEAD - held.len());
            head[..held.len()].copy_from_slice(held);
            head[held.len()..held.len() + more].copy_from_slice(&chunk[..more]);
            self.read(&head[..held.len() + more])?
        };
        let Some((width, length)) = head else { return Ok(None) };
        let length = match usize::try_from(length) {
            Ok(length) if length <= max => length,
            _ => {
                let error = Error::new(ErrorKind::TooLong, "read frame");
                return Err(error.on(format_args!("of {length} bytes")));
            }
        };
        let left = (width + length).saturating_sub(held.len());
        Ok((left <= chunk.len()).then_some(left))
    }

    fn trim(&self, piece: &[u8]) -> Range<usize> {
        let width = self.read(piece).ok().flatten().map_or(0, |(width, _)| width);
        width..piece.len()
    }

    fn rest(&mut self, held: &[u8], _: usize) -> Result<Option<Range<usize>>> {
        if held.is_empty() {
            return Ok(None);
        }
        Err(Error::new(ErrorKind::PrematureClose, "read frame"))
    }
}

/// Frames that may be told, in bytes, unless said otherwise.
const LONGEST: usize = 1024 * 1024;

/// Tells what is read from `stream` message by message, each of which says in front how long it is.
///
/// Each is told as [`Data`](crate::events::Data)`(&[u8])`, without its length, empty ones too. One of more than 1 MiB is
/// an error, unless [`max`](Pieces::max) says otherwise, before any of it is kept; so is one that is not whole when
/// the stream ends. See [`Pieces`] for the rest.
///
/// ```
/// use onward::{events::*, stream::{Duplex, Prefix, frames}};
///
/// onward::run(|| {
///     let (client, server) = Duplex::pair()?;
///     frames(&server, Prefix::U16).max(100).on(Data, |_, message| assert_eq!(message, b"move north"));
///     client.write(Prefix::U16.frame("move north")?);
///     client.end();
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[track_caller]
pub fn frames<R: Readable>(stream: &R, prefix: Prefix) -> Pieces {
    pieces(stream, prefix).max(LONGEST)
}

impl Duplex {
    /// A transform that writes the length of each chunk in front of it: the way back from [`frames`].
    ///
    /// # Errors
    ///
    /// At once: not in a loop. As an event, [`ErrorKind::TooLong`]: a chunk is longer than the prefix can say.
    ///
    /// ```
    /// use onward::{events::*, stream::{Duplex, Prefix, Source}};
    ///
    /// onward::run(|| {
    ///     let frames = Duplex::join_frames(Prefix::U8)?;
    ///     Source::from_iter(["hello"])?.pipe(&frames);
    ///     frames.on(Data, |_, frame| assert_eq!(frame, b"\x05hello"));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[track_caller]
    pub fn join_frames(prefix: Prefix) -> Result<Self> {
        let mut frame = Vec::new();
        Self::transform(move |chunk, out| {
            frame.clear();
            prefix.write(chunk.len(), &mut frame)?;
            frame.extend_from_slice(chunk);
            out.push(&frame);
            Ok(())
        })
    }
}
