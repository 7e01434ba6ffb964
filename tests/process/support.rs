//! What the tests share: a loop with a deadline, a log of events, a process for each test that wants one.

use onward::events::*;
use onward::process::{Child, PipeReader, PipeWriter};
use onward::{Error, ErrorKind, Result};
use std::cell::RefCell;
use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitStatus};
use std::rc::Rc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Far more than any test takes, even on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// A delay that no test waits for.
pub(crate) const NEVER: Duration = Duration::from_secs(3600);

/// Runs a loop which has to end by itself, and well.
#[track_caller]
pub(crate) fn run(setup: impl FnOnce() -> Result<()>) {
    try_run(setup).expect("the loop ends well");
}

/// Runs a loop which has to end by itself.
pub(crate) fn try_run(setup: impl FnOnce() -> Result<()>) -> Result<()> {
    let _watch = watchdog();
    onward::run(setup)
}

/// Ends the whole process if this is not dropped in time.
pub(crate) fn watchdog() -> mpsc::Sender<()> {
    let (alive, watched) = mpsc::channel::<()>();
    let test = thread::current().name().unwrap_or("a test").to_string();
    thread::spawn(move || {
        if watched.recv_timeout(LIMIT) == Err(mpsc::RecvTimeoutError::Timeout) {
            eprintln!("{test} hangs");
            std::process::abort();
        }
    });
    alive
}

/// What happened, in order. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    pub(crate) fn note(&self, what: impl Into<String>) {
        self.0.borrow_mut().push(what.into());
    }

    /// All that was noted, with commas between.
    pub(crate) fn all(&self) -> String {
        self.0.borrow().join(", ")
    }

    /// Is this all that happened?
    #[track_caller]
    pub(crate) fn assert(&self, expected: &str) {
        assert_eq!(self.all(), expected);
    }

    /// Bytes that came; neighbours are put together, for how they were cut up is the system's business.
    fn data(&self, name: &str, chunk: &[u8]) {
        let (mut notes, text) = (self.0.borrow_mut(), String::from_utf8_lossy(chunk));
        let prefix = format!("{name} ");
        match notes.last_mut() {
            Some(last) if last.starts_with(&prefix) && !last.ends_with(" ends") => {
                last.push_str(&text);
            }
            _ => notes.push(prefix + &text),
        }
    }

    /// Notes every event of a child.
    pub(crate) fn child(&self, child: &Child) {
        let log = self.clone();
        child.on(Spawn, move |_, ()| log.note("spawn"));
        let log = self.clone();
        child.on(Exit, move |_, status| log.note(format!("exit {}", shown(status))));
        let log = self.clone();
        child.on(Error, move |_, error| log.note(format!("error {}", sort(error))));
        let log = self.clone();
        child.on(Close, move |_, status| {
            log.note(
                status.map_or_else(|| "close".into(), |status| format!("close {}", shown(status))),
            );
        });
    }

    /// Notes every event of a stream.
    pub(crate) fn reader(&self, name: &'static str, stream: &PipeReader) {
        let log = self.clone();
        stream.on(Data, move |_, chunk| log.data(name, chunk));
        self.all_but_data(name, stream);
    }

    pub(crate) fn all_but_data(&self, name: &'static str, stream: &PipeReader) {
        let log = self.clone();
        stream.on(End, move |_, ()| log.note(format!("{name} ends")));
        let log = self.clone();
        stream.on(Error, move |_, error| log.note(format!("{name} error {}", sort(error))));
        let log = self.clone();
        stream.on(Close, move |_, failed| log.note(format!("{name} closes {failed}")));
    }

    /// Notes every event of a stream.
    pub(crate) fn writer(&self, name: &'static str, stream: &PipeWriter) {
        let log = self.clone();
        stream.on(Drain, move |_, ()| log.note(format!("{name} drains")));
        let log = self.clone();
        stream.on(Finish, move |_, ()| log.note(format!("{name} finishes")));
        let log = self.clone();
        stream.on(Error, move |_, error| log.note(format!("{name} error {}", sort(error))));
        let log = self.clone();
        stream.on(Close, move |_, failed| log.note(format!("{name} closes {failed}")));
    }
}

/// How a child has ended, in a word.
pub(crate) fn shown(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => code.to_string(),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "?".into(),
    }
}

/// What went wrong, in a word.
pub(crate) fn sort(error: &Error) -> String {
    match (error.kind(), error.io_kind()) {
        (ErrorKind::Io, Some(kind)) => format!("{kind:?}"),
        (kind, _) => format!("{kind:?}"),
    }
}

/// Set for the children only: who runs the ignored tests by hand runs nothing.
const MARK: &str = "ONWARD_TEST_CHILD";

/// Is this the process that was meant?
pub(crate) fn is_child() -> bool {
    std::env::var_os(MARK).is_some()
}

/// This program, told to run the ignored test `name` and nothing else. What that has to tell it tells by its
/// `stderr`, since the harness writes to `stdout`.
pub(crate) fn this_test(name: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a test knows its own path"));
    command.args(["--exact", "--ignored", "--nocapture", "--test-threads", "1"]);
    command.arg(name).env(MARK, "1");
    command
}

/// The same behind a shell's script, in which it is `"$@"`.
pub(crate) fn this_test_in(script: &str, name: &str) -> Command {
    let test = this_test(name);
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh"]).arg(test.get_program()).args(test.get_args()).env(MARK, "1");
    shell
}

/// Reads until the end, or fails.
pub(crate) fn read_all(mut from: impl io::Read) -> String {
    let mut all = Vec::new();
    from.read_to_end(&mut all).expect("it can be read");
    String::from_utf8_lossy(&all).into_owned()
}

/// What a child wrote to its `stderr`, once it has ended, well.
#[track_caller]
pub(crate) fn told(command: &mut Command) -> String {
    let _watch = watchdog();
    let output = command.output().expect("it can be started");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{}: {told}", output.status);
    told
}

/// The arguments of a shell with a script.
pub(crate) fn script(script: &str) -> [OsString; 2] {
    ["-c".into(), script.into()]
}
