//! Watching: what happens to a file, in a directory, or in a tree.

#[cfg_attr(
    not(target_os = "linux"),
    allow(dead_code, reason = "only the kernel's notices are gathered")
)]
mod gathering;
#[cfg_attr(
    not(target_os = "linux"),
    allow(dead_code, reason = "only the kernel's notices are gathered")
)]
mod life;
mod polling;
#[cfg(target_os = "linux")]
mod tree;
#[cfg(not(target_os = "linux"))]
#[path = "no_tree.rs"]
mod tree;

use self::life::Inner;
use crate::abort::{Abortable, when_closed};
use crate::emitter::names::{Changed, Close, Created, Open, Removed, Renamed, Rescan, Skipped};
use crate::emitter::{Downgrade, Emitter, Listeners, Recall};
use crate::error::{Error, Result};
use crate::event_loop::Handle;
use crate::fs::open;
use std::fmt;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

crate::events! {
    pub for Watcher {
        use Open(),
        use Created(&Path),
        use Changed(&Path),
        use Removed(&Path),
        use Renamed(&Path, &Path),
        use Rescan(&Path),
        use Skipped(&Error),
        use Close(bool),
        error Error,
        /// All events of a [`Watcher`].
        enum WatchEvent,
    }
}

/// As long changes are gathered, unless set.
const GATHER: Duration = Duration::from_millis(10);
/// So often is looked where the system tells nothing, unless set.
const LOOK: Duration = Duration::from_secs(1);

/// Watches a file, a directory, or a tree; made by [`watch`] and [`WatchOptions`].
///
/// A cheap handle: clones are the same watcher. It holds the loop, and needs no handle to stay, until it is
/// [closed](Self::close) or what it watches is gone. After `Close` it drops all its listeners.
///
/// # Events
///
/// | event | payload | when |
/// |---|---|---|
/// | [`Open`] | `()` | it watches from here on: all that happens later is told |
/// | [`Created`] | `&Path` | something is there that was not there before |
/// | [`Changed`] | `&Path` | what is in a file has changed, or what is known of it: its permissions, its times |
/// | [`Removed`] | `&Path` | something is there no more, or has gone out of what is watched |
/// | [`Renamed`] | `(&Path, &Path)` | something has another name: the old one and the new one |
/// | [`Rescan`] | `&Path` | the system had more to tell than it could keep: changes got lost. What stands there has to be looked at anew |
/// | [`Skipped`] | `&onward::Error` | a directory of a tree cannot be watched; the others are. If nobody listens for it, it is an `Error` |
/// | [`Error`](crate::events::Error) | `&onward::Error` | it cannot watch, or not any more; at most once, and `Close` follows |
/// | [`Close`] | `bool` | it is over; `true` after an error |
///
/// Paths begin with the path that was given. If that is a file, all events are about it alone, also when another file
/// takes its place, as when an editor saves. If it is a link to a file, they are about the link: what is written to the
/// file, wherever it stands, is told to who watches the file, by its [one path](crate::fs::canonicalize).
///
/// # Ordering
///
/// `Open`, then changes, then `Close`. Changes are gathered for 10 milliseconds from the first on, and told in the order in
/// which they happened, each thing once: what was created and written to is created, what was written to a hundred times
/// has changed once, what was created and removed at once is not told at all. So a listener is told of what is there by then,
/// and should look itself if it wants to know more. When a directory that is watched has gone, its `Removed` is
/// followed by `Close`; a file may come again.
///
/// # Trees
///
/// With [`recursive`](WatchOptions::recursive) the directories below are watched too, and those that come later: what stands
/// in a new one is told as created, whether it came before or after that was noticed. Links are not followed.
///
/// # Limits
///
/// Linux watches a number of directories for each user (`fs.inotify.max_user_watches`). When it has no more to give, that is
/// an `Error` of kind [`OutOfWatches`](crate::ErrorKind::OutOfWatches). What happens on the far side of a network file
/// system is only seen by [polling](WatchOptions::poll). So is all elsewhere than on Linux.
///
/// ```
/// use onward::{events::*, fs};
///
/// onward::run(|| {
///     let dir = std::env::temp_dir().join(format!("onward-doc-watch-{}", std::process::id()));
///     std::fs::create_dir(&dir)?;
///     let watcher = fs::watch(&dir)?;
///     # let remove = dir.clone();
///     watcher.on(Open, move |_, ()| {
///         fs::write(dir.join("news"), "hello").then(drop);
///     });
///     watcher.on(Created, |watcher, path| {
///         println!("{} has come", path.display());
///         watcher.close();
///     });
///     # watcher.on(Close, move |_, _| std::fs::remove_dir_all(&remove).unwrap());
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias("FSWatcher", "inotify", "chokidar"))]
#[derive(Clone)]
pub struct Watcher(Rc<Inner>);

/// How to watch.
///
/// ```
/// use onward::{events::*, fs::WatchOptions};
///
/// onward::run(|| {
///     let watcher = WatchOptions::new().recursive(true).watch("src")?;
///     watcher.on(Changed, |_, path| println!("{} has changed", path.display()));
///     watcher.unref(); // the program need not wait for more
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatchOptions {
    recursive: bool,
    gather: Duration,
    poll: Option<Duration>,
}

impl WatchOptions {
    /// A file, or what stands in a directory itself, as the system tells it.
    #[must_use]
    pub const fn new() -> Self {
        let poll = if cfg!(target_os = "linux") { None } else { Some(LOOK) };
        Self { recursive: false, gather: GATHER, poll }
    }

    /// Watches the directories below, too, and those that come. No, unless set.
    #[must_use]
    pub const fn recursive(self, recursive: bool) -> Self {
        Self { recursive, ..self }
    }

    /// How long changes are gathered before they are told; 10 milliseconds unless set. The longer, the fewer events.
    #[must_use]
    pub const fn gather(self, duration: Duration) -> Self {
        Self { gather: duration, ..self }
    }

    /// Does not rely on the system to tell, but looks so often, on a thread of the pool; each time at all that is there.
    /// What is renamed is removed and created then, and what has changed twice in between has changed once.
    ///
    /// Everywhere but on Linux that is what is done, once a second unless set.
    #[must_use]
    #[doc(alias = "watchFile")]
    pub const fn poll(self, period: Duration) -> Self {
        Self { poll: Some(period), ..self }
    }

    /// Watches this file or directory.
    ///
    /// # Errors
    ///
    /// As [`watch`].
    #[track_caller]
    pub fn watch(self, path: impl AsRef<Path>) -> Result<Watcher> {
        let handle = Handle::for_operation(life::OPERATION)?;
        open::check(path.as_ref())?;
        Ok(life::begin(handle, path.as_ref(), self))
    }
}

impl Default for WatchOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// Watches a file, or what stands in a directory. [`WatchOptions`] watches trees.
///
/// # Errors
///
/// At once: not in a loop, or not a path (it has a zero byte in it). Later, as an error event: what the system says,
/// with the path; [`OutOfWatches`](crate::ErrorKind::OutOfWatches).
///
/// ```
/// use onward::{events::*, fs};
///
/// onward::run(|| {
///     let settings = fs::watch("Cargo.toml")?;
///     settings.on(Changed, |_, path| println!("reading {} anew", path.display()));
///     settings.on(Error, |_, error| eprintln!("{error}"));
///     settings.unref(); // the program need not wait for more
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[track_caller]
pub fn watch(path: impl AsRef<Path>) -> Result<Watcher> {
    WatchOptions::new().watch(path)
}

impl Watcher {
    /// Watches no more: only `Close` follows. What was gathered is not told.
    pub fn close(&self) {
        life::destroy(self, None);
    }

    /// Is it closed, or about to be?
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.destroyed.get()
    }

    /// The path it was made with.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// The loop need not wait for what may still happen.
    pub fn unref(&self) {
        life::count(self, false);
    }

    /// The loop waits for it until it is closed, as it does unless told otherwise.
    pub fn ref_(&self) {
        life::count(self, true);
    }
}

impl Downgrade for Watcher {
    fn downgrade(&self) -> impl Fn() -> Option<Self> + 'static {
        let inner = Rc::downgrade(&self.0);
        move || inner.upgrade().map(Self)
    }
}

impl Emitter for Watcher {
    fn listeners(&self) -> &Listeners<Self> {
        &self.0.emitter
    }

    fn recall(&self) -> Option<Recall<Self>> {
        Some(Recall::new(self.downgrade()))
    }
}

impl Abortable for Watcher {
    fn destroy_with(&self, error: Error) {
        life::destroy(self, Some(error));
    }
    fn when_closed(&self, then: impl FnOnce() + 'static) {
        when_closed(self, then);
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let closed = if self.is_closed() { ", closed" } else { "" };
        write!(f, "Watcher({}{closed})", self.path().display())
    }
}

impl fmt::Display for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Watcher {}", self.path().display())
    }
}
