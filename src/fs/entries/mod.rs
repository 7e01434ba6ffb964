//! Directories, entry by entry, however many there are.

mod telling;
mod walker;

use self::telling::Inner;
use self::walker::{Found, Walker};
use crate::abort::{Abortable, when_closed};
use crate::emitter::names::{Close, End, Entry, Skipped};
use crate::emitter::{Downgrade, Emitter, Event, Listeners, Pausable, Recall};
use crate::error::{Error, Result};
use crate::event_loop::Handle;
use crate::fs::open;
use crate::fs::ops::{Operation, Subject};
use crate::stream::Flow;
use std::any::TypeId;
use std::ffi::OsStr;
use std::fmt;
use std::fs::FileType;
use std::path::{Path, PathBuf};
use std::rc::Rc;

crate::events! {
    pub for Entries {
        use Entry(DirEntry),
        use Skipped(&Error),
        use End(),
        use Close(bool),
        error Error,
        /// All events of [`Entries`].
        enum EntriesEvent,
    }
}

/// The entries of a directory, or of a whole tree, one by one; made by [`read_dir`] and [`walk`].
///
/// A cheap handle: clones are the same. One that is read needs no handle to stay alive; one that nobody reads is
/// destroyed with its last handle. After `Close` it drops all its listeners.
///
/// # Events
///
/// | event | payload | when |
/// |---|---|---|
/// | [`Entry`] | [`DirEntry`] | something stands there |
/// | [`Skipped`] | `&onward::Error` | a directory below could not be read; the others are. If nobody listens for it, it is an `Error` |
/// | [`End`] | `()` | all entries have been told |
/// | [`Error`](crate::events::Error) | `&onward::Error` | the directory could not be read; at most once, and `Close` follows |
/// | [`Close`] | `bool` | it is over; `true` after an error |
///
/// # Ordering
///
/// `Entry`s and `Skipped`s, `End`, `Close`. The entries of a directory come in the order in which the system has them; what
/// stands in one comes behind the directory itself, and before the next entry beside it. `.` and `..` do not come.
///
/// Nothing is read before somebody wants it: the first listener for `Entry`, or [`resume`](Self::resume). No more than some
/// hundred entries are held at a time, whatever the size of the directory: a listener that pauses it holds up the thread
/// that reads. What comes or goes meanwhile may be told or not.
#[derive(Clone)]
pub struct Entries(Rc<Inner>);

/// Something that stands in a directory.
#[derive(Clone, Debug)]
pub struct DirEntry {
    path: PathBuf,
    file_type: FileType,
    depth: usize,
}

impl DirEntry {
    /// The path of the directory as it was given, with the names behind it.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The same, to keep.
    #[must_use]
    pub fn into_path(self) -> PathBuf {
        self.path
    }

    /// The last part of the path.
    #[must_use]
    pub fn file_name(&self) -> &OsStr {
        self.path.file_name().unwrap_or_default()
    }

    /// What it is. A link is a link, even if it is followed.
    #[must_use]
    pub fn file_type(&self) -> FileType {
        self.file_type
    }

    /// How far down it stands: 1 in the directory itself.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.depth
    }
}

/// How to [`walk`] through a tree.
///
/// ```
/// use onward::{events::*, fs::WalkOptions};
///
/// onward::run(|| {
///     let entries = WalkOptions::new().max_depth(2).walk("src")?;
///     entries.on(Entry, |_, entry| assert!(entry.depth() <= 2));
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WalkOptions {
    max_depth: usize,
    follow_links: bool,
}

impl WalkOptions {
    /// All that is there; links are told, and not followed.
    #[must_use]
    pub const fn new() -> Self {
        Self { max_depth: usize::MAX, follow_links: false }
    }

    /// How far down to go: with 1 no directory below is entered.
    #[must_use]
    pub const fn max_depth(self, depth: usize) -> Self {
        Self { max_depth: depth, ..self }
    }

    /// Enters directories that links lead to, too. One that leads back to where the walk has come from is
    /// [`Skipped`].
    #[must_use]
    pub const fn follow_links(self, follow: bool) -> Self {
        Self { follow_links: follow, ..self }
    }

    /// Walks through the tree below `path`.
    ///
    /// # Errors
    ///
    /// As [`walk`].
    #[track_caller]
    pub fn walk(self, path: impl AsRef<Path>) -> Result<Entries> {
        Entries::new("walk", path.as_ref(), self)
    }
}

impl Default for WalkOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// The entries of a directory.
///
/// # Errors
///
/// At once: not in a loop, or not a path (it has a zero byte in it). Later, as an error event: what the system says,
/// with the path.
///
/// ```
/// use onward::{events::*, fs};
///
/// onward::run(|| {
///     let entries = fs::read_dir("src")?;
///     entries.on(Entry, |_, entry| println!("{}", entry.path().display()));
///     entries.on(Error, |_, error| eprintln!("{error}"));
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias("readdir", "opendir"))]
#[track_caller]
pub fn read_dir(path: impl AsRef<Path>) -> Result<Entries> {
    Entries::new("read directory", path.as_ref(), WalkOptions::new().max_depth(1))
}

/// The entries of a directory, and of all those below it. [`WalkOptions`] says how far, and whether to follow links.
///
/// At most 16 directories are open at the same time, however deep the tree is.
///
/// # Errors
///
/// As [`read_dir`].
///
/// ```
/// use onward::{events::*, fs};
///
/// onward::run(|| {
///     let tree = fs::walk("src")?;
///     let mut files = 0;
///     tree.on(Entry, move |_, entry| {
///         files += u32::from(entry.file_type().is_file());
///         println!("{files} files so far");
///     });
///     tree.on(Skipped, |_, error| eprintln!("{error}"));
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias("walkdir", "readdirp", "recursive"))]
#[track_caller]
pub fn walk(path: impl AsRef<Path>) -> Result<Entries> {
    WalkOptions::new().walk(path)
}

/// All entries of a directory at once, for those that are known to be small.
///
/// # Errors
///
/// Those of every [`Operation`].
///
/// ```
/// use onward::fs;
///
/// onward::block_on(async {
///     let entries = fs::list(".").await?;
///     assert!(entries.iter().any(|entry| entry.file_name() == "Cargo.toml"));
///     Ok::<_, onward::Error>(())
/// })??;
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias = "readdir")]
#[track_caller]
pub fn list(path: impl AsRef<Path>) -> Operation<Vec<DirEntry>> {
    Operation::new(Subject::new("read directory", path), |subject| {
        let (operation, path) = (subject.operation, subject.path.clone());
        let mut walker = Walker::new(operation, path, WalkOptions::new().max_depth(1));
        let mut all = Vec::new();
        loop {
            let batch = walker.next_batch();
            if let Some(error) = batch.failed {
                return Err(error);
            }
            for found in batch.found {
                match found {
                    Found::Entry(entry) => all.push(entry),
                    Found::Skipped(error) => return Err(error),
                }
            }
            if batch.last {
                return Ok(all);
            }
        }
    })
}

impl Entries {
    #[track_caller]
    fn new(operation: &'static str, path: &Path, options: WalkOptions) -> Result<Self> {
        let handle = Handle::for_operation(operation)?;
        open::check(path)?;
        let walker = Walker::new(operation, path.to_path_buf(), options);
        Ok(telling::begin(handle, path, walker))
    }

    /// No more `Entry`, from this moment on.
    pub fn pause(&self) {
        self.flow_changed(Flow::pause);
    }

    /// `Entry` may come.
    pub fn resume(&self) {
        self.flow_changed(Flow::resume);
    }

    /// Was it paused?
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.0.flow.is_paused()
    }

    /// Ends it at once: only `Close` follows.
    ///
    /// ```
    /// use onward::{events::*, fs};
    ///
    /// onward::run(|| {
    ///     let tree = fs::walk(".")?;
    ///     tree.on(Entry, |tree, _| tree.destroy()); // the first is enough
    ///     tree.on(End, |_, ()| unreachable!());
    ///     tree.on(Close, |_, had_error| assert!(!had_error));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    pub fn destroy(&self) {
        telling::destroy(self, None);
    }

    /// Has it been destroyed, or is it over?
    #[must_use]
    pub fn is_destroyed(&self) -> bool {
        self.0.destroyed.get()
    }

    /// Entries that were told so far.
    #[must_use]
    pub fn told(&self) -> u64 {
        self.0.told.get()
    }

    /// The path it was made with.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    fn flow_changed(&self, change: impl FnOnce(&Flow) -> bool) {
        if change(&self.0.flow) {
            telling::update(self);
        }
    }
}

impl Downgrade for Entries {
    fn downgrade(&self) -> impl Fn() -> Option<Self> + 'static {
        let inner = Rc::downgrade(&self.0);
        move || inner.upgrade().map(Self)
    }
}

impl Emitter for Entries {
    fn listeners(&self) -> &Listeners<Self> {
        &self.0.emitter
    }

    fn recall(&self) -> Option<Recall<Self>> {
        Some(Recall::new(self.downgrade()))
    }

    fn listener_added<E: Event<Self>>(&self, _: E) {
        if TypeId::of::<E>() == TypeId::of::<Entry>() {
            self.flow_changed(Flow::listen);
        }
    }
}

/// A stream of `Entry` that blocks has no more entries read while it is full.
impl Pausable for Entries {
    fn pauser(&self) -> impl Fn(bool) + 'static {
        let find = self.downgrade();
        move |hold| {
            if let Some(entries) = find() {
                if hold {
                    entries.0.flow.hold()
                } else {
                    entries.0.flow.release()
                }
                telling::update(&entries);
            }
        }
    }
}

impl Abortable for Entries {
    fn destroy_with(&self, error: Error) {
        telling::destroy(self, Some(error));
    }
    fn when_closed(&self, then: impl FnOnce() + 'static) {
        when_closed(self, then);
    }
}

impl Drop for Entries {
    fn drop(&mut self) {
        telling::handle_dropped(self);
    }
}

impl fmt::Debug for Entries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match (self.is_destroyed(), self.is_paused()) {
            (true, _) => ", closed",
            (false, true) => ", paused",
            (false, false) => "",
        };
        write!(f, "Entries({}{state})", self.path().display())
    }
}

impl fmt::Display for Entries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entries {}", self.path().display())
    }
}
