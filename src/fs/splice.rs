//! From file to file without the loop in between: as long as nobody but the pipe hears the source's `Data`, the
//! pool reads and writes by itself, through one buffer.
//!
//! Whoever else listens has the source tell its chunks again, from the next one on.

use super::life::{self, FileStream as _, Way};
use super::read::ReadStream;
use super::write::WriteStream;
use super::{reading, sys};
use crate::emitter::Emitter as _;
use crate::emitter::names::Data;
use std::any::Any;
use std::fs::File;
use std::io::{self, IoSlice};
use std::rc::Weak;
use std::sync::Arc;

/// Bytes that one piece of work moves: so many that the way to the pool and back is little beside it.
const MOST: usize = 2 * 1024 * 1024;
/// The buffer. It stays in the processor's cache.
const BUFFER: usize = 64 * 1024;

/// Where a source's bytes go.
pub(super) struct Sink {
    stream: WriteStream,
    /// Held by the listener of the pipe.
    heard: Weak<()>,
}

/// What the pool got done.
struct Moved {
    buffer: Vec<u8>,
    read: usize,
    written: usize,
    ended: bool,
    failed: Option<Failed>,
}

enum Failed {
    Reading(io::Error),
    Writing(io::Error),
}

/// The sink of a pipe may take from the source what that would tell the pipe.
pub(super) fn join(sink: &WriteStream, source: &dyn Any, heard: Weak<()>) {
    if let Some(source) = source.downcast_ref::<ReadStream>() {
        source.0.sink.replace(Some(Sink { stream: sink.clone(), heard }));
    }
}

/// Has the pool move what comes next. `false`: it has to be told.
pub(super) fn begin(source: &ReadStream) -> bool {
    let (inner, life) = (&*source.0, source.life());
    let Some(sink) = partner(source) else { return false };
    let Some(to) = life::engage(&sink) else { return false };
    let engaged = Engaged(sink);
    let (at, to_at) = (inner.position.get(), engaged.0.0.position.get());
    let (most, buffer) = (MOST.min(inner.most(0)), inner.shelf.take(BUFFER));
    let work = move |from: Option<&File>| move_all(from, at, &to, to_at, buffer, most);
    life::in_pool(source, work, move |source, moved| {
        have_moved(source, &engaged.0, moved);
        drop(engaged);
        reading::advance(source, false);
    });
    debug_assert!(life.is_busy(), "the pool is at work");
    true
}

/// The sink, if it would get the next chunk, and nobody else.
fn partner(source: &ReadStream) -> Option<WriteStream> {
    let inner = &*source.0;
    let sink = inner.sink.borrow();
    let Sink { stream, heard } = sink.as_ref()?;
    if heard.strong_count() == 0 || stream.is_destroyed() {
        drop(sink);
        let gone = inner.sink.take();
        drop(gone);
        return None;
    }
    let alone = source.listener_count(Data) == 1 && !inner.emitter.is_overheard();
    (alone && stream.0.takes_at_once()).then(|| stream.clone())
}

/// The sink is at work for the source until this is dropped.
struct Engaged(WriteStream);

impl Drop for Engaged {
    fn drop(&mut self) {
        life::disengage(&self.0);
    }
}

fn have_moved(source: &ReadStream, sink: &WriteStream, moved: Moved) {
    let inner = &*source.0;
    inner.shelf.give(moved.buffer);
    inner.passed(moved.read);
    sink.0.passed(moved.written, false);
    inner.at_end.set(moved.ended);
    match moved.failed {
        None => {}
        Some(_) if source.is_destroyed() => {}
        Some(Failed::Reading(error)) => inner.ahead.borrow_mut().fail(error),
        Some(Failed::Writing(error)) => {
            life::destroy(sink, Some(sink.life().error("write", error)));
        }
    }
}

fn move_all(
    from: Option<&File>,
    from_at: Option<u64>,
    to: &Arc<File>,
    to_at: Option<u64>,
    buffer: Vec<u8>,
    most: usize,
) -> Moved {
    let mut moved = Moved { buffer, read: 0, written: 0, ended: false, failed: None };
    let Some(from) = from else {
        moved.failed = Some(Failed::Reading(io::ErrorKind::NotFound.into()));
        return moved;
    };
    let behind = |at: Option<u64>, count: usize| at.map(|at| at + count as u64);
    while moved.read < most {
        let want = BUFFER.min(most - moved.read);
        let at = behind(from_at, moved.read);
        let count = match sys::read(from, &mut moved.buffer[..want], at) {
            Ok(0) => {
                moved.ended = true;
                break;
            }
            Ok(count) => count,
            Err(error) => {
                moved.failed = Some(Failed::Reading(error));
                break;
            }
        };
        moved.read += count;
        while moved.written < moved.read {
            let left = &moved.buffer[count - (moved.read - moved.written)..count];
            match sys::write(to, &[IoSlice::new(left)], behind(to_at, moved.written)) {
                Ok(0) => moved.failed = Some(Failed::Writing(io::ErrorKind::WriteZero.into())),
                Ok(count) => moved.written += count,
                Err(error) => moved.failed = Some(Failed::Writing(error)),
            }
            if moved.failed.is_some() {
                return moved;
            }
        }
    }
    moved
}

impl ReadStream {
    /// May the pool do it, as far as this end knows?
    pub(super) fn may_splice(&self) -> bool {
        let way = self.life().way.get();
        let file = matches!(way, Way::Cached | Way::Pool) && self.0.length.get().is_some();
        let more = !self.0.has_ready() && !self.0.at_end.get();
        file && more && self.0.sink.borrow().is_some()
    }
}
