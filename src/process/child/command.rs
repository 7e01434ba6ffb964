//! How a child is to be made.

use super::kill::{Manner, Signal};
use super::{Child, Collecting, Stdio};
use crate::emitter::Emitter as _;
use crate::emitter::names::Error as Failed;
use crate::error::{Error, Result};
use crate::process::pipe::PipeWriter;
use bytes::Bytes;
use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::path::Path;
use std::process;
use std::time::Duration;

/// Starts a program, with pipes to and from it: [`Command::spawn`] with nothing else said.
///
/// # Errors
///
/// As those of [`Command::spawn`].
///
/// ```
/// # #[cfg(unix)] {
/// use onward::{events::*, process};
///
/// onward::run(|| {
///     let child = process::spawn("uname", ["-s"])?;
///     child.stdout()?.on_line(|_, name| println!("this is {name}"));
///     child.on(Close, |_, status| assert!(status.is_some_and(|status| status.success())));
///     Ok(())
/// })?;
/// # } Ok::<(), onward::Error>(())
/// ```
#[doc(alias("child_process", "posix_spawn", "fork"))]
#[track_caller]
pub fn spawn<A: AsRef<OsStr>>(
    program: impl AsRef<OsStr>,
    args: impl IntoIterator<Item = A>,
) -> Result<Child> {
    Command::new(program).args(args).spawn()
}

/// A program to start, and how.
///
/// Its methods are those of [`std::process::Command`], with what Node has beside them. It can be started any number of
/// times.
///
/// ```
/// # #[cfg(unix)] {
/// use onward::process::Command;
///
/// onward::run(|| {
///     onward::spawn_or_fail(async {
///         let mut command = Command::new("sh");
///         command.args(["-c", "echo $GREETING from $PWD"]).env("GREETING", "hello").current_dir("/");
///         let output = command.output()?.await?;
///         assert!(output.status.success());
///         assert_eq!(output.stdout, b"hello from /\n");
///         Ok(())
///     });
///     Ok(())
/// })?;
/// # } Ok::<(), onward::Error>(())
/// ```
pub struct Command {
    pub(super) inner: process::Command,
    pub(super) manner: Manner,
    /// Whether these are pipes; not said yet.
    piped: [Option<bool>; 3],
    /// Was it started with a pipe to read from, where nothing was said?
    reads: bool,
    input: Option<Bytes>,
    pub(super) most: usize,
    pub(super) cuts: bool,
}

impl Command {
    /// A program by its path, or by its name, which is looked for where `PATH` says. It has pipes for its three
    /// streams unless told otherwise.
    #[must_use]
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            inner: process::Command::new(program),
            manner: Manner::DEFAULT,
            piped: [None; 3],
            reads: true,
            input: None,
            most: 1 << 20,
            cuts: false,
        }
    }

    /// A command line for the shell: `sh -c`, or `cmd /C` on Windows. What a stranger wrote has no place in it.
    ///
    /// ```
    /// # #[cfg(unix)] {
    /// use onward::process::Command;
    ///
    /// onward::run(|| {
    ///     Command::shell("echo $((6 * 7)) | tr 2 3").output()?.then(|output| {
    ///         assert_eq!(output.unwrap().stdout, b"43\n");
    ///     });
    ///     Ok(())
    /// })?;
    /// # } Ok::<(), onward::Error>(())
    /// ```
    #[must_use]
    pub fn shell(line: impl AsRef<OsStr>) -> Self {
        let (shell, option) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
        let mut command = Self::new(shell);
        command.arg(option).arg(line);
        command
    }

    /// One more argument.
    pub fn arg(&mut self, arg: impl AsRef<OsStr>) -> &mut Self {
        self.inner.arg(arg);
        self
    }

    /// More arguments.
    pub fn args<A: AsRef<OsStr>>(&mut self, args: impl IntoIterator<Item = A>) -> &mut Self {
        self.inner.args(args);
        self
    }

    /// What the program is told its own name is, as its first argument; on Unix.
    #[cfg(unix)]
    #[doc(alias = "argv0")]
    pub fn arg0(&mut self, name: impl AsRef<OsStr>) -> &mut Self {
        std::os::unix::process::CommandExt::arg0(&mut self.inner, name);
        self
    }

    /// Sets something in its environment, which is that of this process otherwise.
    pub fn env(&mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> &mut Self {
        self.inner.env(name, value);
        self
    }

    /// Sets several of them.
    pub fn envs<N: AsRef<OsStr>, V: AsRef<OsStr>>(
        &mut self,
        all: impl IntoIterator<Item = (N, V)>,
    ) -> &mut Self {
        self.inner.envs(all);
        self
    }

    /// Takes something out of its environment.
    pub fn env_remove(&mut self, name: impl AsRef<OsStr>) -> &mut Self {
        self.inner.env_remove(name);
        self
    }

    /// Gives it an empty environment, but for what is set after this.
    pub fn env_clear(&mut self) -> &mut Self {
        self.inner.env_clear();
        self
    }

    /// The folder that it starts in.
    #[doc(alias = "cwd")]
    pub fn current_dir(&mut self, folder: impl AsRef<Path>) -> &mut Self {
        self.inner.current_dir(folder);
        self
    }

    /// The user that it runs as, by number; on Unix, and only for who may do that.
    #[cfg(unix)]
    pub fn uid(&mut self, id: u32) -> &mut Self {
        std::os::unix::process::CommandExt::uid(&mut self.inner, id);
        self
    }

    /// The group of users that it runs as, by number; as [`uid`](Self::uid).
    #[cfg(unix)]
    pub fn gid(&mut self, id: u32) -> &mut Self {
        std::os::unix::process::CommandExt::gid(&mut self.inner, id);
        self
    }

    /// Whether it is the first of a group of processes of its own, which Ctrl-C at the terminal does not reach, and
    /// which [`terminate`](Child::terminate) and [`kill_group`](Child::kill_group) reach as a whole; on Windows, whether it
    /// has no console. To let it outlive this program, [`unref`](Child::unref) it too, and give it streams that are not
    /// piped.
    ///
    /// Node gives it a session of its own. Here it stays in that of this process, so that it may still open
    /// `/dev/tty`. The program `setsid` gives it one, as in `Command::new("setsid").arg("sleep")`, under the same number; not
    /// of a detached one, for the first of a group can only have a child that is in a session of its own, and ends.
    #[doc(alias = "process_group")]
    pub fn detached(&mut self, detached: bool) -> &mut Self {
        self.manner.detached = detached;
        #[cfg(unix)]
        if detached {
            std::os::unix::process::CommandExt::process_group(&mut self.inner, 0);
        }
        #[cfg(windows)]
        {
            const DETACHED_PROCESS: u32 = 8;
            let flags = if detached { DETACHED_PROCESS } else { 0 };
            std::os::windows::process::CommandExt::creation_flags(&mut self.inner, flags);
        }
        self
    }

    /// What it reads.
    pub fn stdin(&mut self, stdin: impl Into<Stdio>) -> &mut Self {
        let Stdio { is_piped, given } = stdin.into();
        self.piped[0] = Some(is_piped);
        self.inner.stdin(given);
        self
    }

    /// Where what it writes goes.
    pub fn stdout(&mut self, stdout: impl Into<Stdio>) -> &mut Self {
        let Stdio { is_piped, given } = stdout.into();
        self.piped[1] = Some(is_piped);
        self.inner.stdout(given);
        self
    }

    /// Where what it writes of errors and progress goes.
    pub fn stderr(&mut self, stderr: impl Into<Stdio>) -> &mut Self {
        let Stdio { is_piped, given } = stderr.into();
        self.piped[2] = Some(is_piped);
        self.inner.stderr(given);
        self
    }

    /// The same for all three: `stdio(Stdio::inherit)`.
    pub fn stdio(&mut self, stdio: impl Fn() -> Stdio) -> &mut Self {
        self.stdin(stdio()).stdout(stdio()).stderr(stdio())
    }

    /// What it reads, all of it: its `stdin` is a pipe then, which is written to and ended. A child that does not read all
    /// of it makes no error.
    pub fn input(&mut self, bytes: impl Into<Bytes>) -> &mut Self {
        self.input = Some(bytes.into());
        self.stdin(Stdio::piped())
    }

    /// How long it may run. One that takes longer is [told to end](Child::terminate), and
    /// [`is_timed_out`](Child::is_timed_out). [`output`](Self::output) waits no longer either for what the child has left
    /// behind, which may keep its streams open.
    pub fn timeout(&mut self, limit: Duration) -> &mut Self {
        self.manner.limit = Some(limit);
        self
    }

    /// By which signal it is [told to end](Child::terminate): `SIGTERM` unless set. A signal that this process was started
    /// to ignore, as shells do with `SIGINT` behind an `&`, its children ignore too.
    #[doc(alias = "killSignal")]
    pub fn kill_signal(&mut self, signal: Signal) -> &mut Self {
        self.manner.signal = signal;
        self
    }

    /// How long it may take to end, once it was [told to](Child::terminate) for the first time, before it is killed: as
    /// long as it likes, unless set.
    pub fn kill_after(&mut self, patience: Duration) -> &mut Self {
        self.manner.patience = Some(patience);
        self
    }

    /// How much of each of its streams [`output`](Self::output) collects at most: 1 MiB unless set.
    #[doc(alias = "maxBuffer")]
    pub fn max_output(&mut self, bytes: usize) -> &mut Self {
        self.most = bytes;
        self
    }

    /// Whether [`output`](Self::output) passes over what is more than [`max_output`](Self::max_output); if not, as it is
    /// unless set, that is an error, and the child is [told to end](Child::terminate).
    pub fn cut_output(&mut self, cuts: bool) -> &mut Self {
        self.cuts = cuts;
        self
    }

    /// Starts it.
    ///
    /// # Errors
    ///
    /// At once: not in a loop; an argument or a name that no system can take (it has a zero byte in it). As an
    /// event of the child, which then never ran: what the system says, with the name of the program, or of the
    /// folder. There is no such program ([`is_not_found`](Error::is_not_found)); it may not be run
    /// ([`is_permission_denied`](Error::is_permission_denied)); its arguments are too long; there are too many processes
    /// ([`io_kind`](Error::io_kind) says `WouldBlock`); no descriptors are left
    /// ([`OutOfDescriptors`](crate::ErrorKind::OutOfDescriptors)).
    ///
    /// ```
    /// use onward::{events::*, process::Command};
    ///
    /// onward::run(|| {
    ///     let child = Command::new("no-such-program").spawn()?;
    ///     child.on(Error, |_, error| {
    ///         assert!(error.is_not_found());
    ///         assert!(error.to_string().starts_with("spawn no-such-program: "));
    ///     });
    ///     child.on(Close, |_, status| assert_eq!(status, None));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[track_caller]
    pub fn spawn(&mut self) -> Result<Child> {
        self.settle(true);
        Child::start(self)
    }

    /// Starts it, and collects what it writes, until it has ended. It reads nothing, unless it is given
    /// [`input`](Self::input).
    ///
    /// # Errors
    ///
    /// At once: as [`spawn`](Self::spawn). What is awaited is an error too if the child could not be made, took longer than
    /// its [`timeout`](Self::timeout) ([`TimedOut`](crate::ErrorKind::TimedOut)), wrote more than
    /// [`max_output`](Self::max_output) ([`TooLong`](crate::ErrorKind::TooLong)), or was aborted. That it says it has
    /// failed is none.
    #[doc(alias("exec", "execFile"))]
    #[track_caller]
    pub fn output(&mut self) -> Result<Collecting> {
        self.settle(false);
        let child = Child::start(self)?;
        Ok(Collecting::new(child, self.most, self.cuts))
    }

    /// What was not said of its streams is said now.
    fn settle(&mut self, reads: bool) {
        self.reads = reads;
        let [stdin, stdout, stderr] = self.piped;
        if stdin.is_none() {
            let stdin = if reads { Stdio::piped() } else { Stdio::null() };
            self.inner.stdin(stdin.given);
        }
        if stdout.is_none() {
            self.inner.stdout(process::Stdio::piped());
        }
        if stderr.is_none() {
            self.inner.stderr(process::Stdio::piped());
        }
    }

    /// Which of its streams are pipes.
    pub(super) fn piped(&self) -> [bool; 3] {
        let [stdin, stdout, stderr] = self.piped;
        [stdin.unwrap_or(self.reads), stdout.unwrap_or(true), stderr.unwrap_or(true)]
    }

    /// What errors call it.
    pub(super) fn program(&self) -> String {
        self.inner.get_program().to_string_lossy().into_owned()
    }

    /// Gives a child that runs what it is to read.
    pub(super) fn give_input(&self, stdin: Option<&PipeWriter>) {
        if let (Some(input), Some(stdin)) = (&self.input, stdin) {
            // It may have heard enough, and its status says how it went.
            stdin.on(Failed, |_, _| {});
            stdin.set_max_queued(usize::MAX);
            stdin.write_owned(input.clone());
            stdin.end();
        }
    }

    /// Why it could not be started. The system says the same of a program and of a folder that are not there.
    pub(super) fn explain(&self, error: io::Error, program: &str) -> Error {
        let folder = self.inner.get_current_dir().filter(|folder| !folder.is_dir());
        match folder {
            Some(folder) => {
                let operation = if cfg!(windows) { "spawn" } else { "change directory" };
                Error::io(operation, error).on(folder.display())
            }
            None => Error::io_or_descriptors("spawn", error).on(program),
        }
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
