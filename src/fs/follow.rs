//! Waiting at the end of a file for more, as `tail -f` does: for what is appended, for a file that is cut, and
//! for another one in its place.
//!
//! ```text
//!   at the end ──> asleep ──news──> reads on ──nothing came──> looks ──> at the end
//!                                                                │ it is shorter: from its start
//!                                                                └ another has its name: reads that
//! ```
//!
//! Looking, which asks the system for the file's length and for what has its name, is the pool's work. News come
//! from the system where it has them (`inotify`), or every so often.

use super::life::{self, FileStream, Way};
use super::news::{News, Watching};
use super::read::ReadStream;
use super::reading::Step;
use super::sys::{self, How, Kind, Place};
use std::cell::{Cell, RefCell};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How often a file is looked at where the system has no news of it.
const EVERY: Duration = Duration::from_millis(250);

/// What a stream that follows its file knows of it.
pub(super) struct Follow {
    /// Where others of its name may come.
    path: Option<Arc<Path>>,
    /// How often to look, if the program said so.
    every: Option<Duration>,
    begun: Cell<bool>,
    watching: RefCell<Option<Watching>>,
    asleep: Cell<bool>,
    /// There were news since it was last at the end.
    woken: Cell<bool>,
    /// The file's name may be another's by now.
    moved: Cell<bool>,
    /// Bytes that had been told when it was last at the end.
    told: Cell<u64>,
    /// Where it is longer by its own word only.
    in_vain: Cell<Option<u64>>,
    /// It is a file that cannot be followed.
    over: Cell<bool>,
}

/// What the pool found.
struct Looked {
    length: u64,
    place: Place,
    other: Option<File>,
}

impl Follow {
    pub(super) fn new(path: Option<PathBuf>, every: Option<Duration>) -> Self {
        Self {
            path: path.map(Into::into),
            every,
            begun: Cell::new(false),
            watching: RefCell::new(None),
            asleep: Cell::new(false),
            woken: Cell::new(false),
            moved: Cell::new(false),
            told: Cell::new(0),
            in_vain: Cell::new(None),
            over: Cell::new(false),
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.get()
    }

    pub(super) fn is_asleep(&self) -> bool {
        self.asleep.get()
    }

    /// No more news.
    pub(super) fn forget(&self) {
        let watching = self.watching.take();
        drop(watching);
    }
}

/// The file has no more for now.
pub(super) fn at_end(stream: &ReadStream) -> Step {
    let Some(follow) = stream.follow() else { return Step::Ended };
    let (first, told) = (!follow.begun.replace(true), stream.bytes_read());
    let nothing = follow.told.replace(told) == told;
    if first {
        // Before it looks: what happens between the two is news.
        watch(stream, follow);
    }
    if follow.moved.take() || first || nothing {
        look(stream, follow);
        return Step::Waits;
    }
    if follow.woken.take() {
        return Step::Again;
    }
    fall_asleep(stream, follow);
    Step::Waits
}

fn fall_asleep(stream: &ReadStream, follow: &Follow) {
    follow.asleep.set(true);
    let told_by_system = follow.watching.borrow().is_some();
    if !told_by_system {
        life::after(stream, follow.every.unwrap_or(EVERY), |stream| news(stream, News::Grown));
    }
}

/// Something happened to the file, or may have.
fn news(stream: &ReadStream, news: News) {
    let Some(follow) = stream.follow() else { return };
    stream.0.at_end.set(false);
    follow.moved.set(follow.moved.get() || news == News::Moved);
    if follow.asleep.replace(false) {
        life::update(stream);
    } else {
        follow.woken.set(true);
    }
}

fn watch(stream: &ReadStream, follow: &Follow) {
    follow.forget();
    if follow.every.is_some() {
        return;
    }
    let find = crate::emitter::Downgrade::downgrade(stream);
    let told = move |what| find().iter().for_each(|stream| news(stream, what));
    let handle = &stream.life().handle;
    let watching =
        stream.life().with_file(|file| Watching::begin(handle, file, follow.path.as_deref(), told));
    // Where there are too many watches already, it looks every so often.
    follow.watching.replace(watching.ok());
}

fn look(stream: &ReadStream, follow: &Follow) {
    let path = follow.path.clone();
    let work = move |file: Option<&File>| match file {
        Some(file) => look_at(file, path.as_deref()),
        None => Err(io::ErrorKind::NotFound.into()),
    };
    life::in_pool(stream, work, |stream, looked| {
        if !stream.life().is_destroyed() {
            have_looked(stream, looked);
            life::update(stream);
        }
    });
}

fn look_at(file: &File, path: Option<&Path>) -> io::Result<Looked> {
    let here = file.metadata()?;
    let there = path.and_then(|path| fs::metadata(path).ok());
    let other = match (path, there) {
        (Some(path), Some(there)) if there.is_file() && !sys::is_same(&here, &there) => {
            open_other(path)?
        }
        // There is none, and the one that we have may still be written to.
        _ => None,
    };
    Ok(Looked { length: here.len(), place: sys::place(file), other })
}

fn open_other(path: &Path) -> io::Result<Option<File>> {
    let file = match sys::open(path, How::READ) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok((sys::kind(&file)? == Kind::Regular).then_some(file))
}

fn have_looked(stream: &ReadStream, looked: io::Result<Looked>) {
    let (inner, life) = (&*stream.0, stream.life());
    let Some(follow) = stream.follow() else { return };
    let Looked { length, place, other } = match looked {
        Ok(looked) => looked,
        Err(error) => return life::destroy(stream, Some(life.error("follow", error))),
    };
    match place {
        Place::Here => {}
        // What other machines do is no news.
        Place::Elsewhere => follow.forget(),
        Place::Nowhere => return follow.over.set(true),
    }
    let position = inner.position.get().unwrap_or(0);
    if length > position && follow.in_vain.replace(Some(position)) != Some(position) {
        // All of it comes before anything of another file does.
        follow.moved.set(true);
    } else if let Some(file) = other {
        life.keep(file);
        follow.begun.set(false);
        begin_anew(stream, follow);
        stream.tell_rotated();
        life.handle.settle();
    } else if length < position {
        begin_anew(stream, follow);
        stream.tell_truncated(length);
        life.handle.settle();
    } else if !follow.woken.take() && !follow.moved.get() {
        fall_asleep(stream, follow);
    }
}

/// From its first byte.
fn begin_anew(stream: &ReadStream, follow: &Follow) {
    let inner = &*stream.0;
    inner.position.set(Some(0));
    follow.in_vain.set(None);
    // Asked anew, whatever could be done with the last one.
    if inner.life.way.get() == Way::Pool {
        inner.life.way.set(Way::Cached);
    }
}
