//! How what was written gets into the file, and when.

use super::life::{self, FileStream, Way};
use super::sys;
use super::write::{Inner, WriteStream};
use crate::error::{Error, ErrorKind};
use bytes::Bytes;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IoSlice};

/// Chunks that one call takes.
const SLICES: usize = 64;

/// What the pool got done.
struct Written {
    bytes: usize,
    error: Option<io::Error>,
}

/// Queues a copy. `false`: wait for `Drain`.
pub(super) fn write(stream: &WriteStream, bytes: &[u8]) -> bool {
    let (inner, life) = (&*stream.0, stream.life());
    if life.is_destroyed() {
        return false;
    }
    let mut queue = inner.queue.borrow_mut();
    if bytes.is_empty() && !queue.is_ending() {
        return !queue.needs_drain();
    }
    let pushed = match (queue.is_ending(), queue.has_room(bytes.len())) {
        (true, _) => Err(ErrorKind::WriteAfterEnd),
        (_, false) => Err(ErrorKind::QueueFull),
        _ => Ok(queue.push(bytes)),
    };
    drop(queue);
    match pushed {
        Ok(go_on) => {
            life::update(stream);
            go_on
        }
        Err(kind) => {
            life::destroy(stream, Some(Error::new(kind, "write").on(life.target())));
            false
        }
    }
}

/// Writes what waits, and tells what has come of it.
pub(super) fn advance(stream: &WriteStream, ready: bool) {
    let (inner, life) = (&*stream.0, stream.life());
    if life.is_busy() || life.is_destroyed() {
        return;
    }
    let going_on = GoOn(stream);
    if !inner.queue.borrow().is_empty() {
        match life.way.get() {
            Way::Polled if ready => send(stream),
            Way::Polled | Way::Opening => {}
            Way::Pool | Way::Cached => write_in_pool(stream),
        }
    }
    if !life.is_busy() && !life.is_destroyed() {
        tell_progress(stream);
    }
    drop(going_on);
}

/// However this turn ends, by a listener's panic too, the next one goes on from there.
struct GoOn<'a>(&'a WriteStream);

impl Drop for GoOn<'_> {
    fn drop(&mut self) {
        life::update(self.0);
    }
}

fn tell_progress(stream: &WriteStream) {
    let (inner, life) = (&*stream.0, stream.life());
    let drained = inner.queue.borrow_mut().drained();
    if drained {
        stream.tell_drain();
        life.handle.settle();
    }
    if life.is_destroyed() || !inner.is_done() {
        return;
    }
    if inner.finished.get() {
        // All listeners have heard of it by now.
        life::destroy(stream, None);
    } else if inner.syncs() {
        life::in_pool(stream, |file| file.map_or(Ok(()), File::sync_all), have_synced);
    } else {
        finish(stream);
    }
}

fn finish(stream: &WriteStream) {
    stream.0.finished.set(true);
    stream.tell_finish();
    stream.life().handle.settle();
    life::destroy(stream, None);
}

fn have_synced(stream: &WriteStream, result: io::Result<()>) {
    if stream.life().is_destroyed() {
        return;
    }
    stream.0.synced.set(true);
    match result {
        Ok(()) => advance(stream, false),
        Err(error) => life::destroy(stream, Some(stream.life().error("sync", error))),
    }
}

/// Once, as much as the file takes.
fn send(stream: &WriteStream) {
    let (inner, life) = (&*stream.0, stream.life());
    let sent = life.with_file(|file| {
        inner.queue.borrow().gather(&[], |slices| sys::send(file, slices, inner.ours.get()))
    });
    match sent {
        Ok(count) => {
            inner.passed(count);
            inner.queue.borrow_mut().consume(count);
        }
        Err(error)
            if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
        Err(error) => life::destroy(stream, Some(life.error("write", error))),
    }
}

/// All that waits now goes in one piece of work; what comes meanwhile goes in the next.
fn write_in_pool(stream: &WriteStream) {
    let inner = &*stream.0;
    let (chunks, at) = (inner.queue.borrow_mut().take(), inner.position.get());
    let work = move |file: Option<&File>| match file {
        Some(file) => write_all(file, &chunks, at),
        None => Written { bytes: 0, error: Some(io::ErrorKind::NotFound.into()) },
    };
    life::in_pool(stream, work, have_written);
}

/// The pool has written, or failed to.
fn have_written(stream: &WriteStream, written: Written) {
    let (inner, life) = (&*stream.0, stream.life());
    inner.passed(written.bytes);
    if life.is_destroyed() {
        return;
    }
    inner.queue.borrow_mut().consume_taken(written.bytes);
    match written.error {
        None => advance(stream, false),
        Some(error) => life::destroy(stream, Some(life.error("write", error))),
    }
}

fn write_all(file: &File, chunks: &VecDeque<Bytes>, start: Option<u64>) -> Written {
    let (mut written, mut first, mut offset) = (0, 0, 0);
    loop {
        while chunks.get(first).is_some_and(|chunk| offset >= chunk.len()) {
            offset -= chunks[first].len();
            first += 1;
        }
        if first >= chunks.len() {
            return Written { bytes: written, error: None };
        }
        let starts = std::iter::once(offset).chain(std::iter::repeat(0));
        let left = chunks.range(first..).take(SLICES).zip(starts);
        let slices: Vec<_> = left.map(|(chunk, start)| IoSlice::new(&chunk[start..])).collect();
        match sys::write(file, &slices, start.map(|start| start + written as u64)) {
            Ok(0) => {
                return Written { bytes: written, error: Some(io::ErrorKind::WriteZero.into()) };
            }
            Ok(count) => {
                written += count;
                offset += count;
            }
            Err(error) => return Written { bytes: written, error: Some(error) },
        }
    }
}

impl Inner {
    /// So many bytes are in the file.
    fn passed(&self, count: usize) {
        let count = count as u64;
        self.sent.set(self.sent.get() + count);
        self.position.set(self.position.get().map(|position| position + count));
    }

    /// Nothing will be written any more, and nothing waits.
    pub(super) fn is_done(&self) -> bool {
        let queue = self.queue.borrow();
        queue.is_ending() && queue.is_empty()
    }
}
