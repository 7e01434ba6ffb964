//! What a directory has in it, and those below it: asked by a thread of the pool, so many entries at a time.

use super::{DirEntry, WalkOptions};
use crate::error::Error;
use crate::fs::sys::{self, Identity};
use std::ffi::OsString;
use std::fs::{self, FileType};
use std::io;
use std::path::{Path, PathBuf};

/// Entries that come from the pool at once, since the way there and back costs as much as many of them.
const BATCH: usize = 256;
/// Directories that are open at the same time. Those above have their names read, and are closed.
const OPEN: usize = 16;

/// What was found, in order.
pub(super) enum Found {
    Entry(DirEntry),
    /// Something that could not be looked at.
    Skipped(Error),
}

#[derive(Default)]
pub(super) struct Batch {
    pub(super) found: Vec<Found>,
    /// There is no more.
    pub(super) last: bool,
    /// The directory itself could not be read.
    pub(super) failed: Option<Error>,
}

/// A walk, from one batch to the next.
pub(super) struct Walker {
    options: WalkOptions,
    operation: &'static str,
    root: Option<PathBuf>,
    levels: Vec<Level>,
}

/// A directory that is being read.
struct Level {
    path: PathBuf,
    listing: Listing,
    /// Where links are followed: not to be entered again from below.
    identity: Option<Identity>,
}

enum Listing {
    Open(fs::ReadDir),
    Read(std::vec::IntoIter<io::Result<Named>>),
}

struct Named {
    name: OsString,
    file_type: io::Result<FileType>,
}

impl Walker {
    pub(super) fn new(operation: &'static str, root: PathBuf, options: WalkOptions) -> Self {
        Self { options, operation, root: Some(root), levels: Vec::new() }
    }

    /// May block.
    pub(super) fn next_batch(&mut self) -> Batch {
        let mut batch = Batch::default();
        if let Some(root) = self.root.take() {
            if let Err(error) = self.enter(root) {
                return Batch { failed: Some(error), last: true, ..batch };
            }
        }
        while batch.found.len() < BATCH {
            let Some(level) = self.levels.last_mut() else {
                batch.last = true;
                break;
            };
            match level.listing.next() {
                None => drop(self.levels.pop()),
                Some(Err(error)) => {
                    let error = error_of(self.operation, &level.path, error);
                    batch.found.push(Found::Skipped(error));
                    // Who cannot say what comes next may say so for ever.
                    self.levels.pop();
                }
                Some(Ok(Named { name, file_type })) => {
                    let path = level.path.join(name);
                    self.pass(path, file_type, &mut batch.found);
                }
            }
        }
        batch
    }

    /// Tells an entry, and goes on in it, if it is a directory.
    fn pass(&mut self, path: PathBuf, file_type: io::Result<FileType>, found: &mut Vec<Found>) {
        let depth = self.levels.len();
        let file_type = match file_type {
            Ok(file_type) => file_type,
            // It has gone meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => {
                return found.push(Found::Skipped(error_of(self.operation, &path, error)));
            }
        };
        let below = self.is_entered(&path, file_type, depth).then(|| path.clone());
        found.push(Found::Entry(DirEntry { path, file_type, depth }));
        if let Some(Err(error)) = below.map(|path| self.enter(path)) {
            found.push(Found::Skipped(error));
        }
    }

    fn is_entered(&self, path: &Path, file_type: FileType, depth: usize) -> bool {
        let is_dir = || {
            let leads_to_one = || fs::metadata(path).is_ok_and(|metadata| metadata.is_dir());
            file_type.is_dir()
                || self.options.follow_links && file_type.is_symlink() && leads_to_one()
        };
        depth < self.options.max_depth && is_dir()
    }

    fn enter(&mut self, path: PathBuf) -> Result<(), Error> {
        let failed = |error| error_of(self.operation, &path, error);
        let identity = match self.options.follow_links {
            true => Some(sys::identity(&path).map_err(failed)?),
            false => None,
        };
        if identity.is_some() && self.levels.iter().any(|level| level.identity == identity) {
            return Err(failed(io::Error::other("a link back to where the walk has come from")));
        }
        let listing = Listing::Open(fs::read_dir(&path).map_err(failed)?);
        if self.levels.iter().filter(|level| level.listing.is_open()).count() >= OPEN {
            self.levels.iter_mut().find(|level| level.listing.is_open()).map(Level::close);
        }
        self.levels.push(Level { path, listing, identity });
        Ok(())
    }
}

impl Level {
    /// Reads what is left of its names, and closes it.
    fn close(&mut self) {
        let mut names = Vec::new();
        while let Some(name) = self.listing.next() {
            let last = name.is_err();
            names.push(name);
            if last {
                break;
            }
        }
        self.listing = Listing::Read(names.into_iter());
    }
}

impl Listing {
    fn is_open(&self) -> bool {
        matches!(self, Self::Open(_))
    }

    fn next(&mut self) -> Option<io::Result<Named>> {
        match self {
            Self::Open(open) => open.next().map(|entry| {
                let entry = entry?;
                Ok(Named { name: entry.file_name(), file_type: entry.file_type() })
            }),
            Self::Read(names) => names.next(),
        }
    }
}

fn error_of(operation: &'static str, path: &Path, error: io::Error) -> Error {
    Error::io_or_descriptors(operation, error).on(path.display())
}
