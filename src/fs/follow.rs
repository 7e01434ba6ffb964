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
//! from the system where it has them (`inotify`), or every so often. The system has none of what happens to a name while
//! nothing has it, for its folder may be another one by then, nor where links lead.

use super::life::{self, FileStream, Way};
use super::news::{News, Watching};
use super::read::ReadStream;
use super::reading::{GoOn, Step};
use super::sys::{self, How, Place};
use std::cell::{Cell, RefCell};
use std::fs::{self, File, Metadata};
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
    /// The system may have no news of what becomes of its name.
    unsure: Cell<bool>,
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
    unsure: bool,
}

/// What has the name.
#[derive(Default)]
struct Named {
    /// Another file.
    other: Option<File>,
    /// Nothing, or what a link leads to.
    unsure: bool,
}

impl Follow {
    pub(super) fn new(path: Option<PathBuf>, every: Option<Duration>) -> Self {
        Self {
            path: path.map(Into::into),
            every,
            begun: Cell::new(false),
            watching: RefCell::new(None),
            asleep: Cell::new(false),
            unsure: Cell::new(false),
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
    let told_by_system = follow.watching.borrow().is_some() && !follow.unsure.get();
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
        Some(file) => look_at(file, |here| match &path {
            Some(path) => look_for(path, here),
            None => Ok(Named::default()),
        }),
        None => Err(io::ErrorKind::NotFound.into()),
    };
    life::in_pool(stream, work, |stream, looked| {
        if !stream.life().is_destroyed() {
            let _going_on = GoOn(stream);
            have_looked(stream, looked);
        }
    });
}

fn look_at(
    file: &File,
    look_for: impl FnOnce(&Metadata) -> io::Result<Named>,
) -> io::Result<Looked> {
    let here = file.metadata()?;
    let Named { other, unsure } = look_for(&here)?;
    // Asked anew: what was written until another one took the name comes first, all of it.
    let length = if other.is_some() { file.metadata()?.len() } else { here.len() };
    Ok(Looked { length, place: sys::place(file), other, unsure })
}

/// Has another file this name?
fn look_for(path: &Path, here: &Metadata) -> io::Result<Named> {
    let unsure = path.ancestors().any(is_link);
    let other = match fs::metadata(path) {
        Ok(there) if there.is_file() && !sys::is_same(here, &there) => open_other(path, here)?,
        // The one that we have may still be written to.
        Err(_) => return Ok(Named { other: None, unsure: true }),
        Ok(_) => None,
    };
    Ok(Named { other, unsure })
}

fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink())
}

fn open_other(path: &Path, here: &Metadata) -> io::Result<Option<File>> {
    let file = match sys::open(path, How::READ) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    // Whatever had the name a moment ago.
    let there = file.metadata()?;
    Ok((there.is_file() && !sys::is_same(here, &there)).then_some(file))
}

fn have_looked(stream: &ReadStream, looked: io::Result<Looked>) {
    let (inner, life) = (&*stream.0, stream.life());
    let Some(follow) = stream.follow() else { return };
    let Looked { length, place, other, unsure } = match looked {
        Ok(looked) => looked,
        Err(error) => return life::destroy(stream, Some(life.error("follow", error))),
    };
    follow.unsure.set(unsure);
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

#[cfg(test)]
mod tests {
    use super::{Named, look_at, look_for};
    use std::fs::{self, File};
    use std::path::PathBuf;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("onward-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn what_is_written_before_another_file_takes_the_name_is_seen() {
        let folder = folder("follow-last");
        let (path, moved) = (folder.join("log"), folder.join("log.1"));
        fs::write(&path, "one").unwrap();
        let file = File::open(&path).unwrap();
        let looked = look_at(&file, |here| {
            // In between its writer has ended it, and begun another one.
            fs::write(&path, "one, two").unwrap();
            fs::rename(&path, &moved).unwrap();
            fs::write(&path, "three").unwrap();
            look_for(&path, here)
        });
        let looked = looked.unwrap();
        assert!(looked.other.is_some() && looked.length == 8);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_file_that_has_its_name_again_is_no_other_one() {
        let folder = folder("follow-same");
        let (path, other) = (folder.join("log"), folder.join("other"));
        fs::write(&path, "one").unwrap();
        fs::write(&other, "two").unwrap();
        let here = fs::metadata(&other).unwrap();
        // That of another one was seen before it was opened.
        assert!(super::open_other(&path, &here).unwrap().is_some());
        assert!(super::open_other(&other, &here).unwrap().is_none());
        assert!(super::open_other(&folder.join("none"), &here).unwrap().is_none());
        assert!(look_for(&folder.join("none"), &here).unwrap().unsure);
        let Named { other, unsure } = look_for(&other, &here).unwrap();
        assert!(other.is_none() && unsure == folder.ancestors().any(super::is_link));
        fs::remove_dir_all(folder).unwrap();
    }
}
