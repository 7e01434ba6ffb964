//! A body that is read from a file while it is sent.

use crate::ranges;
use futures_io::AsyncRead as _;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use onward::fs::{ReadOptions, ReadStream};
use onward::io::{Reader, reader};
use std::collections::VecDeque;
use std::fs::File;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// As much as a `ReadStream` tells at once.
const CHUNK: usize = 64 * 1024;

pub(crate) enum Piece {
    Text(String),
    Range(RangeInclusive<u64>),
}

impl Piece {
    fn size(&self) -> u64 {
        match self {
            Self::Text(text) => text.len() as u64,
            Self::Range(range) => ranges::size(range),
        }
    }
}

/// Pieces of a file, and what stands between them. Nothing is read before it is wanted; who drops it closes the file.
pub(crate) struct FileBody {
    /// Until the last of its pieces is being read.
    file: Option<File>,
    path: PathBuf,
    pieces: VecDeque<Piece>,
    /// The piece that is being read, and what is left of it.
    reading: Option<(Reader<ReadStream>, u64)>,
    /// Of all pieces.
    left: u64,
}

impl FileBody {
    /// # Errors
    ///
    /// No descriptor is left. For one piece none is needed later on.
    pub(crate) fn new(
        file: &onward::fs::File,
        pieces: impl IntoIterator<Item = Piece>,
    ) -> onward::Result<Self> {
        let pieces: VecDeque<_> = pieces.into_iter().collect();
        let left = pieces.iter().map(Piece::size).sum();
        let path = file.path().to_path_buf();
        Ok(Self { file: Some(file.to_std()?), path, pieces, reading: None, left })
    }

    /// The next chunk; an empty one if there is none.
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<onward::Result<Bytes>> {
        loop {
            if self.reading.is_some() {
                return self.poll_read(cx);
            }
            match self.pieces.pop_front() {
                None => return Poll::Ready(Ok(Bytes::new())),
                Some(Piece::Text(text)) => return Poll::Ready(Ok(text.into())),
                Some(Piece::Range(range)) => self.read(&range)?,
            }
        }
    }

    fn read(&mut self, range: &RangeInclusive<u64>) -> onward::Result<()> {
        let is_last = !self.pieces.iter().any(|piece| matches!(piece, Piece::Range(_)));
        let file = match &self.file {
            Some(file) if !is_last => Some(file.try_clone()?),
            _ => self.file.take(),
        };
        if let Some(file) = file {
            let options = ReadOptions::new().start(*range.start()).end(*range.end());
            self.reading = Some((reader(&options.open_file(file)?), ranges::size(range)));
        }
        Ok(())
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<onward::Result<Bytes>> {
        let Some((reader, left)) = &mut self.reading else { return Poll::Ready(Ok(Bytes::new())) };
        let mut chunk = vec![0; usize::try_from(*left).unwrap_or(CHUNK).min(CHUNK)];
        let read = match ready!(Pin::new(reader).poll_read(cx, &mut chunk)) {
            Ok(0) => Err("it has become shorter while it was sent".to_owned()),
            Ok(count) => Ok(count),
            Err(error) => Err(error.to_string()),
        };
        let path = self.path.display();
        let count = read.map_err(|why| onward::Error::other(format!("{path}: {why}")))?;
        chunk.truncate(count);
        *left -= count as u64;
        if *left == 0 {
            self.reading = None;
        }
        Poll::Ready(Ok(chunk.into()))
    }
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = onward::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<onward::Result<Frame<Bytes>>>> {
        let chunk = ready!(self.poll_chunk(cx));
        let count = chunk.as_ref().map_or(0, Bytes::len);
        self.left -= count as u64;
        Poll::Ready(chunk.map(|chunk| (count > 0).then(|| Frame::data(chunk))).transpose())
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
