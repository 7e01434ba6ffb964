//! Where a read stream's chunks come from, and when.

use super::follow;
use super::life::{self, FileStream, Way};
use super::read::{Inner, ReadStream};
use super::{splice, sys};
use bytes::Bytes;
use std::fs::File;
use std::io;

/// Bytes that one stream reads per turn. The others are served before it gets more.
const BYTES_PER_TURN: usize = 256 * 1024;
/// A chunk counts as so many bytes at least, for its listeners take time too.
const LEAST_COST: usize = 4 * 1024;
/// Chunks that the pool reads at once, since the way there and back costs as much as a chunk.
const READ_AHEAD: usize = 4;
/// The loop's own buffer is as large; larger chunks take one of their own.
const SCRATCH: usize = 64 * 1024;
/// Who keeps a chunk keeps all of the memory that it was read into; it has to be this part of it at least.
const WORTH_KEEPING: usize = 2;

pub(super) enum Step {
    Told(usize),
    Ended,
    /// Somebody will call: the poller, the pool, or who follows the file.
    Waits,
    /// There may be more by now.
    Again,
}

/// Tells chunks until nobody wants more, none is there, or the turn's share is used up.
pub(super) fn advance(stream: &ReadStream, mut ready: bool) {
    let (inner, life) = (&*stream.0, stream.life());
    let going_on = GoOn(stream);
    let mut share = BYTES_PER_TURN;
    while share > 0 && !life.is_destroyed() {
        if inner.flow.has_ended() {
            // After `End`, of which the listeners have heard by now.
            if inner.options.auto_close {
                life::destroy(stream, None);
            }
            break;
        }
        let polled = life.way.get() == Way::Polled && !std::mem::take(&mut ready);
        let polled = polled && !inner.has_had_all();
        let waits = life.is_busy() && !inner.has_ready() || stream.is_dormant();
        if polled || waits || !inner.flow.is_flowing() {
            break;
        }
        match step(stream) {
            Ok(Step::Told(count)) => {
                life.handle.settle();
                share = share.saturating_sub(count.max(LEAST_COST));
            }
            Ok(Step::Ended) => end(stream),
            Ok(Step::Waits) => break,
            Ok(Step::Again) => share = share.saturating_sub(LEAST_COST),
            Err(error) => life::destroy(stream, Some(life.error("read", error))),
        }
    }
    drop(going_on);
}

/// However this turn ends, by a listener's panic too, the next one goes on from there.
pub(super) struct GoOn<'a>(pub(super) &'a ReadStream);

impl Drop for GoOn<'_> {
    fn drop(&mut self) {
        life::update(self.0);
    }
}

/// There is no more. If there was more when the file was opened, that is told first.
fn end(stream: &ReadStream) {
    let (inner, life) = (&*stream.0, stream.life());
    if let Some(length) = cut_to(stream) {
        stream.tell_truncated(length);
        life.handle.settle();
        if life.is_destroyed() || !inner.flow.is_flowing() {
            return;
        }
    }
    inner.flow.end();
    stream.tell_end();
    life.handle.settle();
}

/// How long the file is, if it was long enough for what was to be read and is no longer. Found out once.
fn cut_to(stream: &ReadStream) -> Option<u64> {
    let (inner, life) = (&*stream.0, stream.life());
    let (before, position) = (inner.length.take()?, inner.position.get()?);
    if inner.left.get() == 0 || position >= before {
        return None;
    }
    let now = life.with_file(|file| Ok(file.metadata()?.len())).ok()?;
    // There are files that say they are longer than they are, but go on to say so.
    (now < before).then_some(now)
}

fn step(stream: &ReadStream) -> io::Result<Step> {
    let (inner, life) = (&*stream.0, stream.life());
    let want = inner.options.chunk.min(inner.most(0));
    if want == 0 {
        return Ok(Step::Ended);
    }
    let next = inner.ahead.borrow_mut().next(want);
    if let Some(chunk) = next {
        let chunk = chunk?;
        read_on(stream);
        return Ok(Step::Told(tell_kept(stream, &chunk)));
    }
    if stream.may_splice() && splice::begin(stream) {
        return Ok(Step::Waits);
    }
    let told = match life.way.get() {
        Way::Opening => return Ok(Step::Waits),
        Way::Pool => return Ok(read_in_pool(stream)),
        Way::Polled => {
            let ours = life.path().is_some();
            tell_read(stream, want, |file, buffer| sys::receive(file, buffer, ours))
        }
        Way::Cached => {
            let at = inner.position.get();
            tell_read(stream, want, |file, buffer| sys::read_now(file, buffer, at))
        }
    };
    let polled = life.way.get() == Way::Polled;
    match told {
        Ok(0) => Ok(at_end(stream)),
        Ok(count) => Ok(Step::Told(count)),
        Err(error) if polled => match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(Step::Waits),
            _ => Err(error),
        },
        Err(error) => {
            if error.kind() == io::ErrorKind::Unsupported {
                life.way.set(Way::Pool);
            }
            Ok(read_in_pool(stream))
        }
    }
}

/// The file says that there is no more.
fn at_end(stream: &ReadStream) -> Step {
    if stream.0.follows() { follow::at_end(stream) } else { Step::Ended }
}

/// Reads into a borrowed buffer, and lends that to the listeners; or into one that they may keep.
fn tell_read(
    stream: &ReadStream,
    want: usize,
    read: impl FnOnce(&File, &mut [u8]) -> io::Result<usize>,
) -> io::Result<usize> {
    let inner = &*stream.0;
    if inner.keepers.get() > 0 {
        let mut piece = inner.shelf.take(inner.options.chunk);
        return match inner.life.with_file(|file| read(file, &mut piece[..want])) {
            Ok(count) if count > 0 => {
                let chunk = keep(inner, piece, count);
                Ok(tell_kept(stream, &chunk))
            }
            other => {
                inner.shelf.give(piece);
                other
            }
        };
    }
    let tell = |buffer: &mut [u8]| {
        let count = inner.life.with_file(|file| read(file, buffer))?;
        if count > 0 {
            inner.passed(count);
            stream.tell_data(&buffer[..count]);
        }
        Ok(count)
    };
    if want <= SCRATCH {
        return inner.life.handle.with_scratch(|buffer| tell(&mut buffer[..want]));
    }
    let mut own = inner.own.take();
    own.resize(inner.options.chunk, 0);
    let result = tell(&mut own[..want]);
    inner.own.set(own);
    result
}

/// What was read, to be kept by whoever likes: where it lies, or copied if that would be a waste.
fn keep(inner: &Inner, piece: Vec<u8>, count: usize) -> Bytes {
    if count >= piece.len() / WORTH_KEEPING {
        return inner.shelf.lend(piece, count);
    }
    let chunk = Bytes::copy_from_slice(&piece[..count]);
    inner.shelf.give(piece);
    chunk
}

fn tell_kept(stream: &ReadStream, chunk: &Bytes) -> usize {
    let inner = &*stream.0;
    inner.passed(chunk.len());
    if inner.keepers.get() > 0 {
        inner.lent.replace(Some(chunk.clone()));
    }
    stream.tell_data(chunk);
    inner.lent.take();
    chunk.len()
}

/// Has the pool read what comes next, while the loop tells what it has: if the system would have to wait for it.
fn read_on(stream: &ReadStream) {
    let (inner, life) = (&*stream.0, stream.life());
    let wanted = inner.flow.is_flowing() && inner.ahead.borrow().has_room();
    let Some(at) = inner.ahead_of() else { return };
    if life.is_busy() || !wanted || inner.at_end.get() || inner.left_ahead() == 0 {
        return;
    }
    let cached = life.way.get() == Way::Cached
        && life.with_file(|file| sys::read_now(file, &mut [0], Some(at))).is_ok();
    if !cached {
        read_in_pool(stream);
    }
}

fn read_in_pool(stream: &ReadStream) -> Step {
    let inner = &*stream.0;
    if inner.life.is_busy() {
        return Step::Waits;
    }
    let size = inner.options.chunk.saturating_mul(READ_AHEAD).max(SCRATCH).min(inner.left_ahead());
    let (at, mut piece) = (inner.ahead_of(), inner.shelf.take(size));
    let work = move |file: Option<&File>| {
        let count = file
            .ok_or_else(|| io::ErrorKind::NotFound.into())
            .and_then(|file| sys::read(file, &mut piece[..size], at));
        (piece, count)
    };
    life::in_pool(stream, work, move |stream, (piece, count)| {
        have_read(stream, piece, count, size);
    });
    Step::Waits
}

/// The pool has read, or failed to.
fn have_read(stream: &ReadStream, piece: Vec<u8>, result: io::Result<usize>, wanted: usize) {
    let (inner, life) = (&*stream.0, stream.life());
    if life.is_destroyed() {
        return;
    }
    match result {
        Ok(0) => {
            inner.shelf.give(piece);
            have_read_the_end(stream);
        }
        Ok(count) => {
            inner.at_end.set(count < wanted);
            let chunk = keep(inner, piece, count);
            inner.ahead.borrow_mut().push(chunk);
            read_on(stream);
            advance(stream, false);
        }
        // A device that cannot be watched has nothing yet.
        Err(error) if error.kind() == io::ErrorKind::WouldBlock && !inner.has_ready() => {
            life::later(stream, life::schedule);
        }
        Err(error) => {
            inner.ahead.borrow_mut().fail(error);
            advance(stream, false);
        }
    }
}

fn have_read_the_end(stream: &ReadStream) {
    let inner = &*stream.0;
    let _going_on = GoOn(stream);
    // It stays the end if nobody wants to hear of it yet, or not now: then it will be read again.
    inner.at_end.set(true);
    if inner.flow.is_flowing() && !inner.has_ready() {
        if let Step::Ended = at_end(stream) {
            end(stream);
        }
    }
    advance(stream, false);
}

impl Inner {
    /// So many bytes are about to be told.
    pub(super) fn passed(&self, count: usize) {
        let count = count as u64;
        self.told.set(self.told.get() + count);
        self.left.set(self.left.get() - count);
        self.position.set(self.position.get().map(|position| position + count));
    }

    /// Bytes that may be read behind so many.
    pub(super) fn most(&self, behind: usize) -> usize {
        let left = self.left.get().saturating_sub(behind as u64);
        usize::try_from(left).unwrap_or(usize::MAX)
    }

    /// Where the pool goes on to read.
    fn ahead_of(&self) -> Option<u64> {
        let ahead = self.ahead.borrow().len() as u64;
        self.position.get().map(|position| position + ahead)
    }

    fn left_ahead(&self) -> usize {
        self.most(self.ahead.borrow().len())
    }

    /// Has all been told that was to be read? What there may be behind that is not waited for.
    pub(super) fn has_had_all(&self) -> bool {
        self.left.get() == 0
    }

    /// Is there anything to tell that has been read?
    pub(super) fn has_ready(&self) -> bool {
        !self.ahead.borrow().is_empty()
    }
}
