//! Children: other programs, started from this one.

mod collecting;
mod command;
mod kill;
mod life;
mod orphans;
#[cfg(unix)]
mod reaper;
mod stdio;
mod traits;
mod watch;

pub use collecting::{Collecting, Output};
pub use command::{Command, spawn};
pub use kill::Signal;
pub use stdio::Stdio;

use super::pipe::{PipeReader, PipeWriter};
use crate::emitter::EventEmitter;
use crate::emitter::names::{Close, Exit, Spawn};
use crate::error::{Error, ErrorKind, Result};
use crate::event_loop::{Handle, Key, Origin, Timer};
use kill::Manner;
use std::cell::{Cell, RefCell};
use std::process::{Child as Process, ExitStatus};
use std::rc::Rc;
use watch::Watch;

crate::events! {
    pub for Child {
        use Spawn(),
        use Exit(ExitStatus),
        use Close(Option<ExitStatus>),
        error Error,
        /// All events of a [`Child`].
        enum ChildEvent,
    }
}

/// A child process, from [`spawn`] or [`Command::spawn`].
///
/// A cheap handle: clones are the same child. It is its being there that keeps a child's listeners alive, not
/// its handles; after `Close` it drops all listeners.
///
/// # Events
///
/// | event | payload | when |
/// |---|---|---|
/// | [`Spawn`] | `()` | it runs |
/// | [`Exit`] | [`ExitStatus`] | it has ended, by itself or by a signal; its streams may still have something to say |
/// | [`Error`](crate::events::Error) | `&onward::Error` | it could not be made, or was given up; at most once |
/// | [`Close`] | `Option<ExitStatus>` | it has ended, and all its streams have closed; `None` if it never ran, or nobody knows how it ended |
///
/// # Ordering
///
/// `Spawn`, what its streams tell, `Exit`, `Close`. Which comes first, the `Exit` or the `End` of a stream, is
/// chance; `Close` comes after both. What could not be made has `Error` and `Close` only. One that is
/// [aborted](crate::abort::Abortable::abort_on) has `Error`, then `Exit` when it has ended, then `Close`. Nothing comes
/// after `Close`, and no event is emitted from inside of the call that causes it.
///
/// At its `Exit` the child's [`stdin`](Self::stdin) is destroyed, and a [`stdout`](Self::stdout) or
/// [`stderr`](Self::stderr) that nobody reads is read to its end, so that `Close` comes. One that was paused stays so,
/// and `Close` waits for it. A grandchild that has inherited a stream keeps it open.
///
/// # Its life and the loop's
///
/// The loop waits for its children, unless they are [`unref`](Self::unref)ed. When the loop ends all the same, by
/// [`stop`](crate::stop) or an error, **they run on**: who wants them gone kills them before. Their pipes are closed then,
/// so that most of them end when they next read or write. What ends later is still collected: the process keeps
/// no zombies, but for those that nothing is spawned after.
///
/// To start a program takes a part of a millisecond, for which the loop waits, as Node's does.
///
/// # What a child has of this process
///
/// Its environment, folder and user, unless it is told otherwise, and three streams. All other descriptors of this
/// crate are closed on the way. A fork does not harm the loop: see [`event_loop`](crate::event_loop#forks).
///
/// ```
/// # #[cfg(unix)] {
/// use onward::{events::*, process::Command};
///
/// onward::run(|| {
///     let child = Command::new("sh").args(["-c", "echo working; exit 3"]).spawn()?;
///     child.stdout()?.on_line(|_, line| assert_eq!(line, "working"));
///     child.on(Exit, |child, status| println!("{child} has ended: {status}"));
///     child.on(Close, |_, status| assert_eq!(status.and_then(|status| status.code()), Some(3)));
///     Ok(())
/// })?;
/// # } Ok::<(), onward::Error>(())
/// ```
#[doc(alias = "ChildProcess")]
#[derive(Clone)]
pub struct Child(Rc<Inner>);

struct Inner {
    handle: Handle,
    origin: Origin,
    emitter: EventEmitter<Child>,
    program: Rc<str>,
    id: Cell<Option<u32>>,
    /// Until it has ended, and been collected.
    process: RefCell<Option<Process>>,
    watch: Watch,
    key: Cell<Option<Key>>,
    counted: Cell<bool>,
    streams: RefCell<Streams>,
    /// Streams that have not closed yet.
    open: Cell<u8>,
    status: Cell<Option<ExitStatus>>,
    over: Cell<bool>,
    closing: Cell<bool>,
    failed: Cell<bool>,
    /// An error that is about to be told.
    error: RefCell<Option<Error>>,
    manner: Manner,
    killed: Cell<bool>,
    timed_out: Cell<bool>,
    /// Until when it may run.
    limit: Cell<Option<Timer>>,
    /// Until when it may take its time to end.
    patience: Cell<Option<Timer>>,
}

#[derive(Default)]
struct Streams {
    stdin: Option<PipeWriter>,
    stdout: Option<PipeReader>,
    stderr: Option<PipeReader>,
}

impl Child {
    /// Its process id; `None` if it could not be made. When it has ended, the system may give the number to another one.
    #[doc(alias = "pid")]
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.0.id.get()
    }

    /// What the child reads.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`]: it is not piped. A child that could not be made has the streams that it would have
    /// had; they are closed.
    pub fn stdin(&self) -> Result<PipeWriter> {
        self.stream("find stdin", self.0.streams.borrow().stdin.clone())
    }

    /// What the child writes.
    ///
    /// # Errors
    ///
    /// As those of [`stdin`](Self::stdin).
    pub fn stdout(&self) -> Result<PipeReader> {
        self.stream("find stdout", self.0.streams.borrow().stdout.clone())
    }

    /// What the child writes of errors and progress.
    ///
    /// # Errors
    ///
    /// As those of [`stdin`](Self::stdin).
    pub fn stderr(&self) -> Result<PipeReader> {
        self.stream("find stderr", self.0.streams.borrow().stderr.clone())
    }

    fn stream<S>(&self, operation: &'static str, stream: Option<S>) -> Result<S> {
        let missing = || {
            let error = Error::new(ErrorKind::InvalidInput, operation).on(self);
            error.because("it is not piped")
        };
        stream.ok_or_else(missing)
    }

    /// How it has ended, once it has.
    #[doc(alias("exitCode", "signalCode"))]
    #[must_use]
    pub fn status(&self) -> Option<ExitStatus> {
        self.0.status.get()
    }

    /// Does it run, as far as is known here?
    #[must_use]
    pub fn is_running(&self) -> bool {
        !self.0.over.get()
    }

    /// Sends it a signal. `false`: it has ended already. On Windows every signal ends it at once.
    ///
    /// No other process can be hit that has its number by now: a number is not given to others before its end was noticed
    /// here.
    ///
    /// # Errors
    ///
    /// The system's: it runs as another user by now.
    ///
    /// ```
    /// # #[cfg(unix)] {
    /// use onward::{events::*, process::{self, Signal}};
    /// use std::os::unix::process::ExitStatusExt as _;
    ///
    /// onward::run(|| {
    ///     let child = process::spawn("sleep", ["1000"])?;
    ///     child.kill(Signal::Hangup)?;
    ///     child.on(Exit, |_, status| assert_eq!(status.signal(), Some(1)));
    ///     Ok(())
    /// })?;
    /// # } Ok::<(), onward::Error>(())
    /// ```
    pub fn kill(&self, signal: Signal) -> Result<bool> {
        self.send(signal, false)
    }

    /// Sends a signal to all processes of a child that is [`detached`](Command::detached): itself, its children, and theirs,
    /// unless they have left. Of one that is not detached, and on Windows, as [`kill`](Self::kill).
    ///
    /// # Errors
    ///
    /// As those of [`kill`](Self::kill).
    pub fn kill_group(&self, signal: Signal) -> Result<bool> {
        self.send(signal, self.0.manner.detached)
    }

    /// Asks it to end, by [`kill_signal`](Command::kill_signal); if it has not after [`kill_after`](Command::kill_after), the
    /// system ends it. One that is [`detached`](Command::detached) is asked with its whole group.
    ///
    /// # Errors
    ///
    /// As those of [`kill`](Self::kill).
    ///
    /// ```
    /// # #[cfg(unix)] {
    /// use onward::{events::*, process::{Command, Signal}};
    /// use std::os::unix::process::ExitStatusExt as _;
    /// use std::time::Duration;
    ///
    /// onward::run(|| {
    ///     let child = Command::new("sh")
    ///         .args(["-c", "trap '' TERM; echo deaf; while :; do sleep 1; done"])
    ///         .detached(true) // so that its children are meant too
    ///         .kill_after(Duration::from_millis(10))
    ///         .spawn()?;
    ///     let deaf = child.clone();
    ///     child.stdout()?.on_line(move |_, _| assert!(deaf.terminate().is_ok()));
    ///     child.on(Exit, |_, status| assert_eq!(status.signal(), Some(9)));
    ///     Ok(())
    /// })?;
    /// # } Ok::<(), onward::Error>(())
    /// ```
    pub fn terminate(&self) -> Result<bool> {
        self.end(self.0.manner.signal)
    }

    /// Has a signal been sent to it by this process?
    #[doc(alias = "subprocess.killed")]
    #[must_use]
    pub fn is_killed(&self) -> bool {
        self.0.killed.get()
    }

    /// Was it told to end since it took longer than its [`timeout`](Command::timeout)?
    #[must_use]
    pub fn is_timed_out(&self) -> bool {
        self.0.timed_out.get()
    }

    /// The loop need not wait for this child. Its streams are another matter: [`unref`](PipeReader::unref) them too.
    ///
    /// ```
    /// # #[cfg(unix)] {
    /// use onward::process::{Command, Stdio};
    ///
    /// onward::run(|| {
    ///     let child = Command::new("sleep")
    ///         .arg("0.1")
    ///         .detached(true)
    ///         .stdio(Stdio::null)
    ///         .spawn()?;
    ///     child.unref(); // it runs on when this program has ended
    ///     Ok(())
    /// })?;
    /// # } Ok::<(), onward::Error>(())
    /// ```
    pub fn unref(&self) {
        self.count(false);
    }

    /// The loop waits for this child, as it does unless told otherwise.
    pub fn ref_(&self) {
        self.count(true);
    }

    fn count(&self, counted: bool) {
        self.0.counted.set(counted);
        if let Some(key) = self.0.key.get() {
            self.0.handle.count_source(key, counted);
        }
    }
}
