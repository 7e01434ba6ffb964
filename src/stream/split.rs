//! Bytes that were cut anywhere, cut anew where pieces end; without any stream.

use super::duplex::Duplex;
use crate::error::{Error, ErrorKind, Result};
use std::ops::Range;

/// Knows where the pieces of a stream end, be they [lines](super::Newline) or [frames](super::Prefix) or something of
/// your own. It does no input or output, and keeps no bytes.
///
/// ```
/// use onward::Result;
/// use onward::{events::*, stream::{Source, Splitter, pieces}};
/// use std::ops::Range;
///
/// /// Pieces that end in a zero byte, as in `find -print0`.
/// struct Zero;
///
/// impl Splitter for Zero {
///     fn find(&mut self, _: &[u8], chunk: &[u8], _: usize) -> Result<Option<usize>> {
///         Ok(chunk.iter().position(|byte| *byte == 0).map(|at| at + 1))
///     }
///     fn trim(&self, piece: &[u8]) -> Range<usize> {
///         0..piece.len() - 1
///     }
///     fn rest(&mut self, held: &[u8], _: usize) -> Result<Option<Range<usize>>> {
///         Ok((!held.is_empty()).then_some(0..held.len()))
///     }
/// }
///
/// onward::run(|| {
///     let names = Source::from_iter(["one\0t", "wo\0"])?;
///     let mut expected = ["one", "two"].into_iter();
///     pieces(&names, Zero).on(Data, move |_, name| assert_eq!(name, expected.next().unwrap().as_bytes()));
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
pub trait Splitter: 'static {
    /// How many bytes of `chunk` belong to the piece that began with `held`: `None` if all do, and more is to come.
    ///
    /// `held` is what has come of the piece before; it is empty for most, and then a piece has to have a byte. Of `chunk`
    /// there is at least one byte, and more than there are is an error.
    ///
    /// # Errors
    ///
    /// It is no such piece, or one that is longer than `max` bytes, as [`trim`](Self::trim)med.
    fn find(&mut self, held: &[u8], chunk: &[u8], max: usize) -> Result<Option<usize>>;

    /// What is told of a whole piece, without its end, or its head.
    fn trim(&self, piece: &[u8]) -> Range<usize>;

    /// The stream has ended, and this is left, or nothing: what is told of it, if anything.
    ///
    /// # Errors
    ///
    /// A piece that is not whole is worth nothing, or it is longer than `max` bytes.
    fn rest(&mut self, held: &[u8], max: usize) -> Result<Option<Range<usize>>>;
}

impl Splitter for Box<dyn Splitter> {
    fn find(&mut self, held: &[u8], chunk: &[u8], max: usize) -> Result<Option<usize>> {
        (**self).find(held, chunk, max)
    }

    fn trim(&self, piece: &[u8]) -> Range<usize> {
        (**self).trim(piece)
    }

    fn rest(&mut self, held: &[u8], max: usize) -> Result<Option<Range<usize>>> {
        (**self).rest(held, max)
    }
}

/// Cuts what comes into pieces.
pub(super) struct Cutter<P> {
    splitter: P,
    held: Vec<u8>,
    pub(super) max: usize,
}

/// A piece, and where it is.
pub(super) enum Piece {
    /// In the chunk, from its beginning; `told` of it.
    Here { taken: usize, told: Range<usize> },
    /// All of it, the end of which was in the chunk, is in this buffer.
    Held { taken: usize, piece: Vec<u8>, told: Range<usize> },
    /// It goes on beyond the chunk, which is kept.
    Unfinished,
}

impl<P: Splitter> Cutter<P> {
    pub(super) fn new(splitter: P, max: usize) -> Self {
        Self { splitter, held: Vec::new(), max }
    }

    /// The next piece. `chunk` is not empty.
    pub(super) fn cut(&mut self, chunk: &[u8]) -> Result<Piece> {
        let Some(taken) = self.splitter.find(&self.held, chunk, self.max)? else {
            self.held.extend_from_slice(chunk);
            return Ok(Piece::Unfinished);
        };
        let nothing = taken == 0 && self.held.is_empty();
        if nothing || taken > chunk.len() {
            let error = Error::new(ErrorKind::Malformed, "cut pieces");
            return Err(error.because(format!("one of {taken} bytes, of {}", chunk.len())));
        }
        if self.held.is_empty() {
            return Ok(Piece::Here { taken, told: self.splitter.trim(&chunk[..taken]) });
        }
        let mut piece = std::mem::take(&mut self.held);
        piece.extend_from_slice(&chunk[..taken]);
        let told = self.splitter.trim(&piece);
        Ok(Piece::Held { taken, piece, told })
    }

    /// The stream has ended: the last piece, if there is one.
    pub(super) fn finish(&mut self) -> Result<Option<(Vec<u8>, Range<usize>)>> {
        let held = std::mem::take(&mut self.held);
        Ok(self.splitter.rest(&held, self.max)?.map(|told| (held, told)))
    }

    /// The memory of a piece that was told.
    pub(super) fn recycle(&mut self, mut piece: Vec<u8>) {
        if self.held.capacity() == 0 {
            piece.clear();
            self.held = piece;
        }
    }
}

impl Duplex {
    /// A transform from which pieces are read, each as a chunk of its own, however what is written was cut.
    ///
    /// It copies each piece; [`pieces`](super::pieces), [`lines`](super::lines) and [`frames`](super::frames) lend them
    /// from what was read, and are to be taken unless a stream is wanted in the middle of a pipeline. A piece may have at
    /// most `max` bytes.
    ///
    /// # Errors
    ///
    /// At once: not in a loop. As an event: a piece that is too long, or is none.
    ///
    /// ```
    /// use onward::stream::{Duplex, Newline, Sink, Source, pipeline};
    ///
    /// onward::run(|| {
    ///     let text = Source::from_iter(["one\ntw", "o\nthree"])?;
    ///     let lines = Duplex::split(Newline, 64 * 1024)?;
    ///     let mut expected = ["one", "two", "three"].into_iter();
    ///     let check = Sink::new(move |line| assert_eq!(line, expected.next().unwrap().as_bytes()))?;
    ///     pipeline(&text, (&lines, &check), |result| assert!(result.is_ok()));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[track_caller]
    pub fn split(splitter: impl Splitter, max: usize) -> Result<Self> {
        Self::transform_with(
            Cutter::new(splitter, max),
            |cutter, mut chunk, out| {
                while !chunk.is_empty() && !out.is_destroyed() {
                    chunk = match cutter.cut(chunk)? {
                        Piece::Here { taken, told } => {
                            out.push(&chunk[told]);
                            &chunk[taken..]
                        }
                        Piece::Held { taken, piece, told } => {
                            out.push(&piece[told]);
                            cutter.recycle(piece);
                            &chunk[taken..]
                        }
                        Piece::Unfinished => break,
                    };
                }
                Ok(())
            },
            |cutter, out| {
                if let Some((piece, told)) = cutter.finish()? {
                    out.push(&piece[told]);
                }
                Ok(())
            },
        )
    }
}
