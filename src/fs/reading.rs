//! Where a read stream's chunks come from, and when.

use super::life::{self, FileStream, Way};
use super::read::ReadStream;
use super::sys;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::rc::Rc;

/// Bytes that one stream reads per turn. The others are served before it gets more.
const BYTES_PER_TURN: usize = 256 * 1024;
/// A chunk counts as so many bytes at least, for its listeners take time too.
const LEAST_COST: usize = 4 * 1024;
/// Chunks that the pool reads at once, since the way there and back costs as much as a chunk.
const READ_AHEAD: usize = 4;
/// The loop's own buffer is as large; larger chunks take one of their own.
const SCRATCH: usize = 64 * 1024;

/// What the pool has read, and what of it is still to be told.
#[derive(Default)]
pub(super) struct Ahead {
    bytes: Rc<Vec<u8>>,
    left: Range<usize>,
}

enum Step {
    Told(usize),
    Ended,
    /// The poller or the pool will call.
    Waits,
}

/// Tells chunks until nobody wants more, none is there, or the turn's share is used up.
pub(super) fn advance(stream: &ReadStream, mut ready: bool) {
    let (inner, life) = (&*stream.0, stream.life());
    let going_on = GoOn(stream);
    let mut share = BYTES_PER_TURN;
    while share > 0 && !life.is_busy() && !life.is_destroyed() {
        if inner.flow.has_ended() {
            // After `End`, of which the listeners have heard by now.
            life::destroy(stream, None);
            break;
        }
        if !inner.flow.is_flowing() || life.way.get() == Way::Polled && !std::mem::take(&mut ready)
        {
            break;
        }
        match step(stream) {
            Ok(Step::Told(count)) => {
                life.handle.settle();
                share = share.saturating_sub(count.max(LEAST_COST));
            }
            Ok(Step::Ended) => {
                inner.flow.end();
                stream.tell_end();
                life.handle.settle();
            }
            Ok(Step::Waits) => break,
            Err(error) => life::destroy(stream, Some(life.error("read", error))),
        }
    }
    drop(going_on);
}

/// However this turn ends, by a listener's panic too, the next one goes on from there.
struct GoOn<'a>(&'a ReadStream);

impl Drop for GoOn<'_> {
    fn drop(&mut self) {
        life::update(self.0);
    }
}

fn step(stream: &ReadStream) -> io::Result<Step> {
    let (inner, life) = (&*stream.0, stream.life());
    let left = usize::try_from(inner.left.get()).unwrap_or(usize::MAX);
    let want = inner.options.chunk.min(left);
    if want == 0 {
        return Ok(Step::Ended);
    }
    if let Some(count) = tell_ahead(stream) {
        return Ok(Step::Told(count));
    }
    let told = match life.way.get() {
        Way::Opening => return Ok(Step::Waits),
        Way::Pool => return Ok(read_in_pool(stream, want)),
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
        Ok(0) => Ok(Step::Ended),
        Ok(count) => Ok(Step::Told(count)),
        Err(error) if polled => match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(Step::Waits),
            _ => Err(error),
        },
        Err(error) => {
            if error.kind() == io::ErrorKind::Unsupported {
                life.way.set(Way::Pool);
            }
            Ok(read_in_pool(stream, want))
        }
    }
}

/// Reads into a borrowed buffer, and lends that to the listeners.
fn tell_read(
    stream: &ReadStream,
    want: usize,
    read: impl FnOnce(&File, &mut [u8]) -> io::Result<usize>,
) -> io::Result<usize> {
    let inner = &*stream.0;
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

/// Tells a chunk of what the pool has read.
fn tell_ahead(stream: &ReadStream) -> Option<usize> {
    let inner = &*stream.0;
    let mut ahead = inner.ahead.borrow_mut();
    if ahead.left.is_empty() {
        return None;
    }
    let (start, count) = (ahead.left.start, ahead.left.len().min(inner.options.chunk));
    ahead.left.start += count;
    let bytes = if ahead.left.is_empty() {
        std::mem::take(&mut ahead.bytes)
    } else {
        Rc::clone(&ahead.bytes)
    };
    drop(ahead);
    inner.passed(count);
    stream.tell_data(&bytes[start..start + count]);
    Some(count)
}

fn read_in_pool(stream: &ReadStream, want: usize) -> Step {
    let inner = &*stream.0;
    let left = usize::try_from(inner.left.get()).unwrap_or(usize::MAX);
    let size = want.saturating_mul(READ_AHEAD).max(SCRATCH).min(left);
    let at = inner.position.get();
    let work = move |file: Option<&File>| {
        let file = file.ok_or(io::ErrorKind::NotFound)?;
        let mut bytes = vec![0; size];
        let count = sys::read(file, &mut bytes, at)?;
        bytes.truncate(count);
        Ok(bytes)
    };
    life::in_pool(stream, work, have_read);
    Step::Waits
}

/// The pool has read, or failed to.
fn have_read(stream: &ReadStream, result: io::Result<Vec<u8>>) {
    let (inner, life) = (&*stream.0, stream.life());
    match result {
        _ if life.is_destroyed() => {}
        // It stays the end if nobody wants to hear of it yet: then it will be read again.
        Ok(bytes) if bytes.is_empty() && inner.flow.is_flowing() => {
            inner.left.set(0);
            advance(stream, false);
        }
        Ok(bytes) => {
            let left = 0..bytes.len();
            inner.ahead.replace(Ahead { bytes: Rc::new(bytes), left });
            advance(stream, false);
        }
        // A device that cannot be watched has nothing yet.
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            life::later(stream, life::schedule)
        }
        Err(error) => life::destroy(stream, Some(life.error("read", error))),
    }
}
