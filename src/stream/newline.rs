//! Lines: text cut at newlines.

use super::duplex::Duplex;
use super::pieces::{Pieces, pieces};
use super::split::Splitter;
use super::traits::Readable;
use crate::error::{Error, ErrorKind, Result};
use std::ops::Range;

/// Lines, which end in `\n` or `\r\n`, and of which the last may lack its end. They are told without it.
///
/// ```
/// use onward::stream::{Newline, Splitter};
///
/// assert_eq!(Newline.find(b"", b"one\ntwo", 10)?, Some(4));
/// assert_eq!(Newline.trim(b"one\r\n"), 0..3);
/// # Ok::<(), onward::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs, reason = "there is nothing to it")]
pub struct Newline;

impl Splitter for Newline {
    fn find(&mut self, held: &[u8], chunk: &[u8], max: usize) -> Result<Option<usize>> {
        // No line that is short enough ends beyond that, its `\r\n` included.
        let near = max.saturating_add(2).saturating_sub(held.len()).min(chunk.len());
        let taken = memchr::memchr(b'\n', &chunk[..near]).map(|at| at + 1);
        let length = match taken {
            Some(taken) => {
                let before = chunk[..taken - 1].last().or_else(|| held.last());
                held.len() + taken - 1 - usize::from(before == Some(&b'\r'))
            }
            // A `\r` may turn out to be part of the end.
            None => held.len() + chunk.len() - usize::from(chunk.ends_with(b"\r")),
        };
        if length > max { Err(too_long(max)) } else { Ok(taken) }
    }

    fn trim(&self, piece: &[u8]) -> Range<usize> {
        let line = piece.strip_suffix(b"\n").unwrap_or(piece);
        0..line.strip_suffix(b"\r").unwrap_or(line).len()
    }

    fn rest(&mut self, held: &[u8], max: usize) -> Result<Option<Range<usize>>> {
        // A `\r` at its end has turned out to be part of the line.
        if held.len() > max {
            return Err(too_long(max));
        }
        Ok((!held.is_empty()).then_some(0..held.len()))
    }
}

fn too_long(max: usize) -> Error {
    Error::new(ErrorKind::TooLong, "read line").on(format_args!("of more than {max} bytes"))
}

/// Lines that may be told, in bytes, unless said otherwise.
const LONGEST: usize = 64 * 1024;

/// Tells what is read from `stream` line by line: Node's `readline`.
///
/// Lines end in `\n` or `\r\n`, and are told without it, as [`Line`](crate::events::Line)`(&str)` or as
/// [`Data`](crate::events::Data)`(&[u8])`; a last line may lack its end. One of more than 64 KiB is an error, unless
/// [`max`](Pieces::max) says otherwise. See [`Pieces`] for the rest.
///
/// ```
/// use onward::{events::*, fs::ReadStream, stream::lines};
///
/// onward::run(|| {
///     let manifest = ReadStream::open("Cargo.toml")?;
///     lines(&manifest).on(Line, |_, line| {
///         if let Some(name) = line.strip_prefix("name = ") {
///             println!("this is {name}");
///         }
///     });
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias = "readline")]
#[track_caller]
pub fn lines<R: Readable>(stream: &R) -> Pieces {
    pieces(stream, Newline).max(LONGEST)
}

impl Duplex {
    /// A transform that adds a `\n` to each chunk: the way back from [`lines`].
    ///
    /// # Errors
    ///
    /// Not in a loop.
    ///
    /// ```
    /// use onward::stream::{Duplex, Sink, Source};
    ///
    /// onward::run(|| {
    ///     let lines = Duplex::join_lines()?;
    ///     Source::from_iter(["one", "two"])?.pipe(&lines);
    ///     # use onward::events::*;
    ///     let mut text = Vec::new();
    ///     lines.on(Data, move |_, line| text.extend_from_slice(line)); // "one\n", "two\n"
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[track_caller]
    pub fn join_lines() -> Result<Self> {
        let mut line = Vec::new();
        Self::transform(move |chunk, out| {
            line.clear();
            line.extend_from_slice(chunk);
            line.push(b'\n');
            out.push(&line)
        })
    }
}
