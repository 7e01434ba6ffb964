//! Linux: the directories that are watched, and what the kernel says of them.
//!
//! A new directory is watched first and looked into then: what came before that is found, what comes later is told, and
//! what is both is told once, since the two are gathered.

use super::life::{self, OPERATION};
use super::{WatchOptions, Watcher};
use crate::emitter::Downgrade as _;
use crate::error::{Error, ErrorKind};
use crate::fs::inotify::{Notice, ReadFlags, Watch, WatchFlags};
use rustix::io::Errno;
use std::collections::{HashMap, HashSet, VecDeque};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// So many that were found are remembered until the kernel has told of them. Of more some may be told twice.
const MOST_FOUND: usize = 64 * 1024;
/// A full queue of the kernel's is read in fewer turns.
const TURNS_BEHIND: u64 = 512;

pub(super) struct Tree {
    /// The directory that was named, or that of the file that was named.
    root: PathBuf,
    /// Of the directory, only this file is meant; is it there?
    only: Option<(OsString, bool)>,
    folders: HashMap<u64, Folder>,
    by_path: HashMap<PathBuf, u64>,
    last: u64,
    /// Those to be looked into, and whether what stands there is to be told.
    unseen: VecDeque<(PathBuf, bool)>,
    looking: bool,
    /// The one that is being looked into, by its name now; none if that has gone.
    looked_into: Option<(PathBuf, bool)>,
    /// What has lost its name, and may get another: by the kernel's number of the renaming.
    away: HashMap<u32, Away>,
    /// What the kernel has told of while there is something to be looked into: it is not news when it is found there.
    known: HashSet<PathBuf>,
    /// What was found: it is not news when the kernel tells of it behind that.
    found: HashSet<PathBuf>,
    /// The turn in which all had been looked into.
    seen: u64,
    open: bool,
    /// Notices got lost: those from before, until they have been watched anew.
    stale: Option<HashMap<PathBuf, u64>>,
}

struct Folder {
    path: PathBuf,
    _watch: Watch,
}

/// Those of a directory without a name, and of those below it. Another one may have had that name since.
#[derive(Default)]
struct Away {
    folders: Vec<u64>,
    unseen: Vec<(PathBuf, bool)>,
}

impl Tree {
    /// Begins to watch what is there.
    pub(super) fn begin(watcher: &Watcher, is_dir: bool) {
        let path = &*watcher.0.path;
        let (root, only) = match (is_dir, path.parent(), path.file_name()) {
            (false, Some(parent), Some(name)) => {
                let here = parent.as_os_str().is_empty();
                let parent = if here { Path::new(".") } else { parent };
                (parent.to_path_buf(), Some((name.to_owned(), true)))
            }
            _ => (path.to_path_buf(), None),
        };
        watcher.0.tree.replace(Some(Self {
            root: root.clone(),
            only,
            folders: HashMap::new(),
            by_path: HashMap::new(),
            last: 0,
            unseen: VecDeque::new(),
            looking: false,
            looked_into: None,
            away: HashMap::new(),
            known: HashSet::new(),
            found: HashSet::new(),
            seen: 0,
            open: false,
            stale: None,
        }));
        match add(watcher, root, false) {
            Ok(()) => look_on(watcher),
            Err(error) => life::destroy(watcher, Some(refusal(path, error))),
        }
    }

    /// What stands there is not watched any more.
    fn forget(&mut self, gone: &Path) {
        let Away { folders, .. } = self.part_with(gone);
        folders.iter().for_each(|id| drop(self.folders.remove(id)));
    }

    /// The same, but it may come back by another name.
    fn part_with(&mut self, gone: &Path) -> Away {
        let is_gone = |path: &Path| path.starts_with(gone);
        let mut away = Away::default();
        self.by_path.retain(|path, id| {
            let stays = !is_gone(path);
            away.folders.extend((!stays).then_some(*id));
            stays
        });
        let looked_into = self.looked_into.take_if(|(path, _)| is_gone(path));
        let all = std::mem::take(&mut self.unseen).into_iter();
        let (unseen, stay): (VecDeque<_>, _) = all.partition(|(path, _)| is_gone(path));
        self.unseen = stay;
        away.unseen.extend(unseen.into_iter().chain(looked_into));
        away
    }

    /// A directory has lost its name.
    fn moved_from(&mut self, path: &Path, number: u32) {
        let away = self.part_with(path);
        self.away.insert(number, away);
    }

    fn remember(&mut self, found: &Path) {
        if self.found.len() < MOST_FOUND {
            self.found.insert(found.to_path_buf());
        }
    }

    /// Is there something that nobody has looked into yet?
    fn is_looking(&self) -> bool {
        self.looking || !self.unseen.is_empty()
    }

    /// What has lost its name is gone. By this turn the kernel has told of all that was found.
    pub(super) fn tidy(&mut self, turn: u64) {
        for Away { folders, .. } in std::mem::take(&mut self.away).into_values() {
            folders.iter().for_each(|id| drop(self.folders.remove(id)));
        }
        if !self.is_looking() && turn.wrapping_sub(self.seen) > TURNS_BEHIND {
            self.found = HashSet::new();
        }
    }

    /// The directory that stood at `from` stands at `to`. `false`: it has never been watched.
    fn moved(&mut self, from: &Path, to: &Path, number: u32) -> bool {
        self.forget(to);
        let moved = |path: &Path| path.strip_prefix(from).ok().map(|rest| to.join(rest));
        let away = self.away.remove(&number).unwrap_or_default();
        for id in away.folders {
            let Some(folder) = self.folders.get_mut(&id) else { continue };
            folder.path = moved(&folder.path).unwrap_or_else(|| std::mem::take(&mut folder.path));
            self.by_path.insert(folder.path.clone(), id);
        }
        let unseen = away.unseen.into_iter();
        self.unseen.extend(unseen.filter_map(|(path, tell)| Some((moved(&path)?, tell))));
        for told in [&mut self.known, &mut self.found] {
            let before: Vec<_> =
                told.iter().filter(|path| path.starts_with(from)).cloned().collect();
            told.retain(|path| !path.starts_with(from));
            told.extend(before.iter().filter_map(|path| moved(path)));
        }
        self.by_path.contains_key(to)
    }

    /// A directory that is watched is no more.
    fn remove(&mut self, id: u64) {
        let folder = self.folders.remove(&id);
        let path = folder.as_ref().map(|folder| &folder.path);
        if path.is_some_and(|path| self.by_path.get(path) == Some(&id)) {
            path.map(|path| self.by_path.remove(path));
        }
    }
}

/// Looks at the tree, if there is one still.
fn with<T>(watcher: &Watcher, f: impl FnOnce(&mut Tree) -> T) -> Option<T> {
    watcher.0.tree.borrow_mut().as_mut().map(f)
}

fn is_recursive(options: WatchOptions, tree: &Tree) -> bool {
    options.recursive && tree.only.is_none()
}

/// Watches a directory, and has it looked into, if the tree is to be watched.
fn add(watcher: &Watcher, path: PathBuf, tell: bool) -> io::Result<()> {
    let inner = &*watcher.0;
    let Some((known, root, id)) = with(watcher, |tree| {
        tree.last += 1;
        (tree.by_path.contains_key(&path), tree.root == path, tree.last)
    }) else {
        return Ok(());
    };
    if !known {
        let find = watcher.downgrade();
        let noticed = move |notice: &Notice| {
            find().iter().for_each(|watcher| noticed(watcher, id, notice));
        };
        // Who names a link means what it leads to.
        let follow = if root { WatchFlags::empty() } else { WatchFlags::DONT_FOLLOW };
        let watch = Watch::new(&inner.handle, &path, flags() | follow, noticed)?;
        with(watcher, |tree| {
            // Only now: nothing that happens in between gets lost.
            let stale = tree.stale.as_mut().and_then(|stale| stale.remove(&path));
            stale.map(|id| tree.folders.remove(&id));
            tree.by_path.insert(path.clone(), id);
            tree.folders.insert(id, Folder { path: path.clone(), _watch: watch });
        });
    }
    with(watcher, |tree| {
        if is_recursive(inner.options, tree) {
            tree.unseen.push_back((path, tell));
        }
    });
    Ok(())
}

fn flags() -> WatchFlags {
    let names =
        WatchFlags::CREATE | WatchFlags::DELETE | WatchFlags::MOVED_FROM | WatchFlags::MOVED_TO;
    let contents = WatchFlags::MODIFY | WatchFlags::ATTRIB;
    names | contents | WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF | WatchFlags::ONLYDIR
}

/// The same for a directory that was found in another one.
fn add_found(watcher: &Watcher, path: PathBuf, tell: bool) {
    match add(watcher, path.clone(), tell) {
        Ok(()) => {}
        // It has gone meanwhile, or is something else by now.
        Err(error) if is_gone(&error) => {}
        Err(error) => {
            let (fatal, error) = (is_limit(&error), refusal(&path, error));
            // Listeners are not called from in here.
            life::soon(watcher, move |watcher| match fatal {
                true => life::destroy(watcher, Some(error)),
                false => life::skip(watcher, error),
            });
        }
    }
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Has the user as many watches as there may be?
fn is_limit(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::NOSPC.raw_os_error())
}

fn refusal(path: &Path, error: io::Error) -> Error {
    if is_limit(&error) {
        let why = "the user has as many watches as there may be, see fs.inotify.max_user_watches";
        return Error::new(ErrorKind::OutOfWatches, OPERATION).on(path.display()).because(why);
    }
    Error::io_or_descriptors(OPERATION, error).on(path.display())
}

/// Looks into the next directory that nobody has looked into yet.
fn look_on(watcher: &Watcher) {
    let next = with(watcher, |tree| {
        let next = if tree.looking { None } else { tree.unseen.pop_front() };
        if next.is_some() {
            (tree.looking, tree.looked_into) = (true, next.clone());
        }
        (next, tree.looking)
    });
    let (path, tell) = match next {
        Some((Some(next), _)) => next,
        Some((None, false)) => return all_seen(watcher),
        _ => return,
    };
    let folder = path.clone();
    life::in_pool(
        watcher,
        move || list(&folder, tell),
        move |watcher, listed| {
            if stands_there(watcher, &path) {
                match listed {
                    Ok(entries) => found(watcher, entries, tell),
                    Err(error) if is_gone(&error) => {}
                    Err(error) => {
                        // In front of the listeners, so that it goes on if one of them panics.
                        life::soon(watcher, look_on);
                        return life::skip(watcher, refusal(&path, error));
                    }
                }
            }
            look_on(watcher);
        },
    );
}

/// The directory was looked into. Is what was found still there? If it has another name now, it is looked into again.
fn stands_there(watcher: &Watcher, path: &Path) -> bool {
    let same = with(watcher, |tree| {
        tree.looking = false;
        let now = tree.looked_into.take();
        let same = now.as_ref().is_some_and(|(now, _)| now == path);
        tree.unseen.extend(now.filter(|_| !same));
        same
    });
    same == Some(true)
}

/// These stand in a directory.
fn found(watcher: &Watcher, entries: Vec<(PathBuf, bool)>, tell: bool) {
    for (path, is_dir) in entries {
        if with(watcher, |tree| tree.known.contains(&path)) != Some(false) {
            continue;
        }
        if tell {
            with(watcher, |tree| tree.remember(&path));
            watcher.0.gathered.borrow_mut().created(path.clone());
        }
        if is_dir {
            add_found(watcher, path, tell);
        }
    }
    life::gathered(watcher);
}

/// What stands in a directory, or only the directories among it. May block.
fn list(folder: &Path, all: bool) -> io::Result<Vec<(PathBuf, bool)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let is_dir = entry.file_type().is_ok_and(|file_type| file_type.is_dir());
        if all || is_dir {
            found.push((entry.path(), is_dir));
        }
    }
    Ok(found)
}

/// All directories are watched.
fn all_seen(watcher: &Watcher) {
    let (opens, stale) = with(watcher, |tree| {
        tree.known.clear();
        tree.seen = watcher.0.handle.turns();
        let stale = tree.stale.take();
        for id in stale.iter().flat_map(HashMap::values) {
            tree.folders.remove(id);
        }
        (!std::mem::replace(&mut tree.open, true), stale.is_some())
    })
    .unwrap_or_default();
    if stale {
        watcher.0.gathered.borrow_mut().lost(&watcher.0.path);
        life::gathered(watcher);
    }
    if opens {
        life::opened(watcher);
    }
}

/// The kernel has lost notices, of whatever it likes: all directories are watched anew before that is told, lest more
/// gets lost in those that nobody has noticed.
fn lost(watcher: &Watcher) {
    let root = with(watcher, |tree| {
        // Each directory is told of it.
        let first = tree.stale.is_none();
        if first {
            tree.stale = Some(std::mem::take(&mut tree.by_path));
        }
        first.then(|| tree.root.clone())
    });
    let Some(root) = root.flatten() else { return };
    match add(watcher, root.clone(), false) {
        Ok(()) => look_on(watcher),
        Err(error) if is_gone(&error) => life::soon(watcher, life::root_gone),
        Err(error) => {
            let error = refusal(&root, error);
            life::soon(watcher, move |watcher| life::destroy(watcher, Some(error)));
        }
    }
}

/// Something has happened in one of the directories. No listener is called from in here.
fn noticed(watcher: &Watcher, id: u64, notice: &Notice) {
    if watcher.0.destroyed.get() {
        return;
    }
    if notice.flags.contains(ReadFlags::QUEUE_OVERFLOW) {
        return lost(watcher);
    }
    let found = with(watcher, |tree| {
        let folder = tree.folders.get(&id)?.path.clone();
        let root = folder == tree.root;
        Some((folder, root))
    });
    let Some((folder, is_root)) = found.flatten() else { return };
    let Some(name) = &notice.name else {
        return of_itself(watcher, id, is_root, notice.flags);
    };
    let single = with(watcher, |tree| tree.only.as_ref().map(|(only, _)| only == name)).flatten();
    match single {
        Some(false) => return,
        Some(true) => of_single(watcher, notice.flags),
        None => of_entry(watcher, folder.join(name), notice),
    }
    life::gathered(watcher);
}

/// About a directory, and not about what stands in it.
fn of_itself(watcher: &Watcher, id: u64, is_root: bool, flags: ReadFlags) {
    let gone = ReadFlags::DELETE_SELF | ReadFlags::UNMOUNT | ReadFlags::IGNORED;
    let moved = ReadFlags::MOVE_SELF;
    if is_root && flags.intersects(gone | moved) {
        life::soon(watcher, life::root_gone);
    } else if flags.intersects(gone) {
        with(watcher, |tree| tree.remove(id));
    }
}

/// About the one file that is watched.
fn of_single(watcher: &Watcher, flags: ReadFlags) {
    let path = watcher.0.path.clone();
    let comes = flags.intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO);
    let goes = flags.intersects(ReadFlags::DELETE | ReadFlags::MOVED_FROM);
    let was_there = with(watcher, |tree| {
        let only = tree.only.as_mut()?;
        Some(std::mem::replace(&mut only.1, !goes))
    });
    let mut gathered = watcher.0.gathered.borrow_mut();
    match (comes, goes) {
        (_, true) => gathered.removed(path),
        (true, _) if was_there.flatten() == Some(false) => gathered.created(path),
        // Another file has taken its place, or it was written to.
        _ => gathered.changed(path),
    }
}

/// What happens to a name.
fn names() -> ReadFlags {
    let comes = ReadFlags::CREATE | ReadFlags::MOVED_TO;
    comes | ReadFlags::DELETE | ReadFlags::MOVED_FROM
}

fn of_entry(watcher: &Watcher, path: PathBuf, notice: &Notice) {
    let (flags, gathered) = (notice.flags, &watcher.0.gathered);
    let is_dir = flags.contains(ReadFlags::ISDIR);
    let recursive = with(watcher, |tree| is_recursive(watcher.0.options, tree));
    let below = is_dir && recursive == Some(true);
    let was_found = with(watcher, |tree| {
        // Of a file that came before its directory was watched, the kernel tells nothing but what becomes of it.
        let named = flags.intersects(names());
        if named && tree.is_looking() {
            tree.known.insert(path.clone());
        }
        named && !tree.found.is_empty() && tree.found.remove(&path)
    });
    if was_found == Some(true) && flags.contains(ReadFlags::CREATE) {
        return;
    }
    if flags.contains(ReadFlags::CREATE) {
        gathered.borrow_mut().created(path.clone());
        if below {
            add_found(watcher, path, true);
            look_on(watcher);
        }
    } else if flags.contains(ReadFlags::DELETE) {
        // It may be open still, so that it would say so later, when another one stands there.
        with(watcher, |tree| below.then(|| tree.forget(&path)));
        gathered.borrow_mut().removed(path);
    } else if flags.contains(ReadFlags::MOVED_FROM) {
        with(watcher, |tree| below.then(|| tree.moved_from(&path, notice.cookie)));
        gathered.borrow_mut().moved_from(path, notice.cookie);
    } else if flags.contains(ReadFlags::MOVED_TO) {
        let from = gathered.borrow_mut().moved_to(path.clone(), notice.cookie);
        if below {
            let moved =
                |from: PathBuf| with(watcher, |tree| tree.moved(&from, &path, notice.cookie));
            if from.and_then(moved) != Some(true) {
                add_found(watcher, path, true);
            }
            look_on(watcher);
        }
    } else if flags.intersects(ReadFlags::MODIFY | ReadFlags::ATTRIB) {
        gathered.borrow_mut().changed(path);
    }
}
