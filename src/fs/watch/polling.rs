//! Looking again and again: where the system tells nothing, or not all.

use super::WatchOptions;
use super::gathering::Change;
use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::path::{Path, PathBuf};

/// What was there when somebody looked last: each path, and what was known of it.
pub(super) struct Snapshot {
    options: WatchOptions,
    stamps: RandomState,
    known: BTreeMap<PathBuf, u64>,
}

impl Snapshot {
    pub(super) fn new(options: WatchOptions) -> Self {
        Self { options, stamps: RandomState::new(), known: BTreeMap::new() }
    }

    /// Looks, and says what is different. May block.
    ///
    /// # Errors
    ///
    /// The root cannot be looked at.
    pub(super) fn look(&mut self, root: &Path) -> io::Result<Vec<Change>> {
        let found = self.find(root)?;
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
        Ok(changes)
    }

    fn find(&self, root: &Path) -> io::Result<BTreeMap<PathBuf, u64>> {
        let mut found = BTreeMap::new();
        let of_root = fs::metadata(root)?;
        if !of_root.is_dir() {
            found.insert(root.to_path_buf(), self.stamp(&of_root));
            return Ok(found);
        }
        let mut left = vec![fs::read_dir(root)?];
        while let Some(listing) = left.last_mut() {
            let Some(Ok(entry)) = listing.next() else {
                left.pop();
                continue;
            };
            // What goes while it is looked at has gone.
            let Ok(metadata) = entry.metadata() else { continue };
            let path = entry.path();
            found.insert(path.clone(), self.stamp(&metadata));
            if self.options.recursive && metadata.is_dir() {
                left.extend(fs::read_dir(path));
            }
        }
        Ok(found)
    }

    fn stamp(&self, metadata: &Metadata) -> u64 {
        if metadata.is_dir() {
            // Its times change with what stands in it, which is told by itself.
            return 0;
        }
        let permissions = metadata.permissions().readonly();
        self.stamps.hash_one((metadata.len(), metadata.modified().ok(), permissions))
    }
}
