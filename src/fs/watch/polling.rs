//! Looking again and again: where the system tells nothing, or not all.

use super::WatchOptions;
use super::gathering::Change;
use super::life::OPERATION;
use crate::error::Error;
use crate::fs::sys;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::path::{Path, PathBuf};

/// What was there when somebody looked last: each path, and what was known of it.
pub(super) struct Snapshot {
    options: WatchOptions,
    stamps: RandomState,
    known: BTreeMap<PathBuf, u64>,
    /// The root is a file, which may go and come.
    single: bool,
    /// Those that could not be looked into.
    skipped: BTreeSet<PathBuf>,
}

/// What is there, and what could not be looked into.
type Looked = (BTreeMap<PathBuf, u64>, Vec<(PathBuf, io::Error)>);

/// What is different.
pub(super) struct Seen {
    pub(super) changes: Vec<Change>,
    /// Directories that cannot be looked into, and could before.
    pub(super) skipped: Vec<Error>,
}

impl Snapshot {
    pub(super) fn new(options: WatchOptions) -> Self {
        let (known, skipped) = (BTreeMap::new(), BTreeSet::new());
        Self { options, stamps: RandomState::new(), known, single: false, skipped }
    }

    /// Looks, and says what is different. May block.
    ///
    /// # Errors
    ///
    /// The root cannot be looked at.
    pub(super) fn look(&mut self, root: &Path) -> io::Result<Seen> {
        let (found, refused) = match self.find(root) {
            Err(error) if self.single && is_gone(&error) => Default::default(),
            found => found?,
        };
        // It is the first look, unless something was there.
        self.single |= self.known.is_empty() && found.len() == 1 && found.contains_key(root);
        let before = std::mem::replace(&mut self.known, found);
        let mut changes = Vec::new();
        for (path, stamp) in &self.known {
            match before.get(path) {
                Some(old) if old == stamp => {}
                Some(_) => changes.push(Change::Changed(path.clone())),
                None => changes.push(Change::Created(path.clone())),
            }
        }
        let gone = before.into_keys().filter(|path| !self.known.contains_key(path));
        changes.extend(gone.map(Change::Removed));

        let paths = refused.iter().map(|(path, _)| path.clone()).collect();
        let before = std::mem::replace(&mut self.skipped, paths);
        let new = refused.into_iter().filter(|(path, _)| !before.contains(path));
        let skipped =
            new.map(|(path, error)| Error::io_or_descriptors(OPERATION, error).on(path.display()));
        Ok(Seen { changes, skipped: skipped.collect() })
    }

    /// What is there, and what cannot be looked into: that is as it was known. One directory is open at a time.
    fn find(&self, root: &Path) -> io::Result<Looked> {
        let (mut found, mut refused) = (BTreeMap::new(), Vec::new());
        let of_root = fs::metadata(root)?;
        if !of_root.is_dir() {
            found.insert(root.to_path_buf(), self.stamp(&of_root));
            return Ok((found, refused));
        }
        let mut left = vec![root.to_path_buf()];
        while let Some(folder) = left.pop() {
            match self.list(&folder, &mut found, &mut left) {
                Ok(()) => {}
                Err(error) if folder == root => return Err(error),
                Err(error) if is_gone(&error) => {}
                Err(error) => {
                    let below =
                        self.known.range(folder.clone()..).skip_while(|(path, _)| **path == folder);
                    let below = below.take_while(|(path, _)| path.starts_with(&folder));
                    found.extend(below.map(|(path, stamp)| (path.clone(), *stamp)));
                    refused.push((folder, error));
                }
            }
        }
        Ok((found, refused))
    }

    fn list(
        &self,
        folder: &Path,
        found: &mut BTreeMap<PathBuf, u64>,
        left: &mut Vec<PathBuf>,
    ) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let metadata = match entry.metadata() {
                Ok(metadata) => metadata,
                // What goes while it is looked at has gone.
                Err(error) if is_gone(&error) => continue,
                Err(error) => return Err(error),
            };
            let path = entry.path();
            if self.options.recursive && metadata.is_dir() {
                left.push(path.clone());
            }
            found.insert(path, self.stamp(&metadata));
        }
        Ok(())
    }

    fn stamp(&self, metadata: &Metadata) -> u64 {
        self.stamps.hash_one(sys::stamp(metadata))
    }
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
