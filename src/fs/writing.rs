//! How what was written gets into the file, and when.

use super::life::{self, FileStream, Way};
use super::sys::{self, Kind};
use super::waiters::{Reached, Until};
use super::write::{Inner, WriteStream};
use crate::error::{Error, ErrorKind};
use crate::stream::{Callback, WhenFull, WriteQueue};
use bytes::{Buf as _, Bytes};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IoSlice};

/// Chunks that one call takes.
const SLICES: usize = 64;

/// A piece to write.
pub(super) enum Piece<'a> {
    Lent(&'a [u8]),
    Kept(Bytes),
}

impl Piece<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Lent(bytes) => bytes.len(),
            Self::Kept(chunk) => chunk.len(),
        }
    }

    fn push(self, queue: &mut WriteQueue) -> bool {
        match self {
            Self::Lent(bytes) => queue.push(bytes),
            Self::Kept(chunk) => queue.push_chunk(chunk),
        }
    }
}

/// Queues it. `false`: wait for `Drain`.
pub(super) fn write(stream: &WriteStream, piece: Piece<'_>) -> bool {
    let (inner, life) = (&*stream.0, stream.life());
    if life.is_destroyed() {
        return false;
    }
    let mut queue = inner.queue.borrow_mut();
    if piece.len() == 0 && !queue.is_ending() {
        return !queue.needs_drain();
    }
    let when_full = queue.when_full();
    let failed = if queue.is_ending() {
        Some(ErrorKind::WriteAfterEnd)
    } else if queue.has_room(piece.len()) {
        let go_on = piece.push(&mut queue);
        drop(queue);
        life::update(stream);
        return go_on;
    } else if when_full == WhenFull::Drop {
        return queue.pass_over(piece.len());
    } else {
        (when_full == WhenFull::Fail).then_some(ErrorKind::QueueFull)
    };
    drop(queue);
    life::destroy(stream, failed.map(|kind| Error::new(kind, "write").on(life.target())));
    false
}

/// Writes, and has `callback` called with what becomes of it.
pub(super) fn write_then(
    stream: &WriteStream,
    until: Until,
    callback: Callback,
    write: impl FnOnce(&WriteStream) -> bool,
) -> bool {
    let (inner, life) = (&*stream.0, stream.life());
    if life.is_destroyed() {
        let error = Error::new(ErrorKind::Destroyed, "write").on(life.target());
        if let Some(callback) = inner.waiters.join_failing(until, callback, &error) {
            life.handle.next_tick_from(life.origin(), move || callback(Err(error)));
        }
        return false;
    }
    let dropped = inner.queue.borrow().dropped().0;
    inner.waiters.announce(until, callback);
    let go_on = write(stream);
    // Of one that ended, its end tells.
    if life.is_destroyed() {
        return go_on;
    }
    let lost = inner.queue.borrow().dropped().0 != dropped;
    let failed = lost.then(|| Error::new(ErrorKind::QueueFull, "write").on(life.target()));
    let at = inner.sent.get() + inner.queue.borrow().len() as u64;
    if inner.waiters.settle(until, at, failed, inner.reached()) {
        let later = stream.clone();
        life.handle.next_tick_from(life.origin(), move || tell_waiters(&later));
    }
    life::update(stream);
    go_on
}

/// Writes what waits, and tells what has come of it.
pub(super) fn advance(stream: &WriteStream, ready: bool) {
    let (inner, life) = (&*stream.0, stream.life());
    if life.is_busy() || life.is_destroyed() {
        return;
    }
    let going_on = GoOn(stream);
    if inner.has_work() {
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
    tell_waiters(stream);
    if life.is_destroyed() || !inner.is_done() {
        return;
    }
    if inner.finished.get() {
        // All listeners have heard of it by now.
        life::destroy(stream, None);
        return;
    }
    let beside = inner.beside.take();
    if let Some(beside) = beside {
        let replace =
            move |file: Option<&File>| beside.take_place(file.ok_or(io::ErrorKind::NotFound)?);
        life::in_pool(stream, replace, |stream, result| have_settled(stream, "replace", result));
    } else if inner.syncs() {
        let sync = |file: Option<&File>| file.map_or(Ok(()), File::sync_all);
        life::in_pool(stream, sync, |stream, result| have_settled(stream, "sync", result));
    } else {
        finish(stream);
    }
}

fn finish(stream: &WriteStream) {
    stream.0.finished.set(true);
    stream.tell_finish();
    stream.life().handle.settle();
    if stream.0.auto_close {
        life::destroy(stream, None);
    }
}

/// What comes before `Finish` is done.
fn have_settled(stream: &WriteStream, operation: &'static str, result: io::Result<()>) {
    if stream.life().is_destroyed() {
        return;
    }
    stream.0.settled.set(true);
    match result {
        Ok(()) => advance(stream, false),
        Err(error) => life::destroy(stream, Some(stream.life().error(operation, error))),
    }
}

/// Calls those whose write is through.
fn tell_waiters(stream: &WriteStream) {
    let (inner, life) = (&*stream.0, stream.life());
    while !life.is_destroyed() {
        let next = inner.waiters.next(inner.reached());
        let Some((callback, result)) = next else { return };
        callback(result);
        life.handle.settle();
    }
}

/// The stream is closed: those who still wait hear of it.
pub(super) fn tell_unfinished(stream: &WriteStream, error: Option<&Error>) {
    let (inner, life) = (&*stream.0, stream.life());
    let destroyed = || Error::new(ErrorKind::Destroyed, "write").on(life.target());
    inner.waiters.fail(inner.reached(), || error.cloned().unwrap_or_else(destroyed));
    let rest = Rest(stream, error);
    loop {
        let next = inner.waiters.next(inner.reached());
        let Some((callback, result)) = next else { break };
        callback(result);
        life.handle.settle();
    }
    std::mem::forget(rest);
    inner.waiters.have_failed();
}

/// If one of them panics, the others hear of it all the same.
struct Rest<'a>(&'a WriteStream, Option<&'a Error>);

impl Drop for Rest<'_> {
    fn drop(&mut self) {
        let (stream, error) = (self.0.clone(), self.1.cloned());
        let life = self.0.life();
        life.handle.defer(life.origin(), move || tell_unfinished(&stream, error.as_ref()));
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
            inner.passed(count, true);
            inner.queue.borrow_mut().consume(count);
        }
        Err(error)
            if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
        Err(error) => life::destroy(stream, Some(life.error("write", error))),
    }
}

/// What the pool got done.
struct Written {
    bytes: usize,
    /// What it did not.
    rest: VecDeque<Bytes>,
    synced: bool,
    failed: Option<(&'static str, io::Error)>,
}

/// All that waits now goes in one piece of work; what comes meanwhile goes in the next.
fn write_in_pool(stream: &WriteStream) {
    let inner = &*stream.0;
    let (mut chunks, at) = (inner.rest.take(), inner.position.get());
    chunks.append(&mut inner.queue.borrow_mut().take());
    let durable = inner.waiters.want_sync(inner.reached());
    let sync = durable && inner.kind.get() == Kind::Regular;
    let work = move |file: Option<&File>| {
        let Some(file) = file else {
            let failed = Some(("write", io::ErrorKind::NotFound.into()));
            return Written { bytes: 0, rest: chunks, synced: false, failed };
        };
        let mut written = write_all(chunks, at, |slices, at| sys::write(file, slices, at));
        if written.failed.is_none() && sync {
            written.failed = file.sync_data().err().map(|error| ("sync", error));
        }
        written.synced = written.failed.is_none() && durable;
        written
    };
    life::in_pool(stream, work, have_written);
}

/// The pool has written, or failed to.
fn have_written(stream: &WriteStream, written: Written) {
    let (inner, life) = (&*stream.0, stream.life());
    inner.passed(written.bytes, written.synced);
    if life.is_destroyed() {
        return;
    }
    inner.queue.borrow_mut().consume_taken(written.bytes);
    inner.rest.replace(written.rest);
    match written.failed {
        None => {
            life.have_waited();
            advance(stream, false);
        }
        // A device that cannot be watched takes no more for now.
        Some((_, error)) if error.kind() == io::ErrorKind::WouldBlock => {
            inner.stalled.set(true);
            life::later(stream, |stream| {
                stream.0.stalled.set(false);
                life::update(stream);
            });
        }
        Some((operation, error)) => {
            life::destroy(stream, Some(life.error(operation, error)));
        }
    }
}

fn write_all(
    mut chunks: VecDeque<Bytes>,
    start: Option<u64>,
    mut write: impl FnMut(&[IoSlice<'_>], Option<u64>) -> io::Result<usize>,
) -> Written {
    let mut bytes = 0;
    let failed = loop {
        while chunks.front().is_some_and(Bytes::is_empty) {
            chunks.pop_front();
        }
        if chunks.is_empty() {
            break None;
        }
        let slices: Vec<_> = chunks.iter().take(SLICES).map(|chunk| IoSlice::new(chunk)).collect();
        match write(&slices, start.map(|start| start + bytes as u64)) {
            Ok(0) => break Some(("write", io::ErrorKind::WriteZero.into())),
            Ok(count) => {
                bytes += count;
                consume(&mut chunks, count);
            }
            Err(error) => break Some(("write", error)),
        }
    };
    Written { bytes, rest: chunks, synced: false, failed }
}

fn consume(chunks: &mut VecDeque<Bytes>, mut count: usize) {
    while let Some(first) = chunks.front_mut() {
        if count < first.len() {
            return first.advance(count);
        }
        count -= first.len();
        chunks.pop_front();
    }
}

impl Inner {
    /// So many bytes are in the file, and on the disk.
    pub(super) fn passed(&self, count: usize, durable: bool) {
        let count = count as u64;
        self.sent.set(self.sent.get() + count);
        self.position.set(self.position.get().map(|position| position + count));
        if durable {
            self.durable.set(self.sent.get());
        }
    }

    fn reached(&self) -> Reached {
        Reached { written: self.sent.get(), durable: self.durable.get() }
    }

    /// Is there anything to be written, or brought to the disk, now?
    pub(super) fn has_work(&self) -> bool {
        let waits = !self.queue.borrow().is_empty() || self.waiters.want_sync(self.reached());
        waits && self.corks.get() == 0 && !self.stalled.get()
    }

    /// Would what is written next be written at once?
    pub(super) fn takes_at_once(&self) -> bool {
        let queue = self.queue.borrow();
        let open = self.life.is_open() && !queue.is_ending() && self.kind.get() == Kind::Regular;
        let idle = queue.is_empty() && !queue.needs_drain() && self.waiters.is_empty();
        open && idle && !self.life.is_busy() && self.corks.get() == 0
    }

    /// Nothing will be written any more, nothing waits, and nobody.
    fn is_done(&self) -> bool {
        let queue = self.queue.borrow();
        queue.is_ending() && queue.is_empty() && self.waiters.is_empty()
    }

    /// Is there something to tell, or to end?
    pub(super) fn is_due(&self) -> bool {
        let left = !self.finished.get() || self.auto_close;
        self.is_done() && left || self.waiters.are_due(self.reached())
    }
}

#[cfg(test)]
mod tests {
    use super::{Bytes, Written, write_all};
    use std::collections::VecDeque;
    use std::io;

    /// Writes two chunks to what answers like this, and notes where it was written to.
    fn told(answers: Vec<io::Result<usize>>) -> (Written, Vec<(usize, Option<u64>)>) {
        let (mut answers, mut calls) = (answers.into_iter(), Vec::new());
        let chunks = VecDeque::from([Bytes::from("hello"), Bytes::new(), Bytes::from("world")]);
        let written = write_all(chunks, Some(100), |slices, at| {
            calls.push((slices.iter().map(|slice| slice.len()).sum(), at));
            answers.next().expect("no more is asked for than there is")
        });
        (written, calls)
    }

    #[test]
    fn what_is_taken_in_parts_is_written_on() {
        let (written, calls) = told(vec![Ok(3), Ok(2), Ok(4), Ok(1)]);
        assert_eq!(written.bytes, 10);
        assert!(written.rest.is_empty() && written.failed.is_none());
        assert_eq!(calls, [(10, Some(100)), (7, Some(103)), (5, Some(105)), (1, Some(109))]);
    }

    #[test]
    fn what_is_left_is_kept_when_nothing_is_taken_for_now() {
        let (written, _) = told(vec![Ok(7), Err(io::ErrorKind::WouldBlock.into())]);
        assert_eq!((written.bytes, written.rest), (7, VecDeque::from([Bytes::from("rld")])));
    }

    #[test]
    fn a_file_that_takes_nothing_is_an_error() {
        let (written, _) = told(vec![Ok(0)]);
        assert_eq!(written.failed.map(|(_, error)| error.kind()), Some(io::ErrorKind::WriteZero));
    }
}
