//! What the tests share: a process for each.

use std::fmt::Display;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A delay that no test waits for.
pub(crate) const NEVER: Duration = Duration::from_secs(3600);
/// A child that lives longer than this has failed.
const DEADLINE: Duration = Duration::from_secs(60);
const CHILD: &str = "ONWARD_TEST_CHILD";

pub(crate) const HUP: i32 = 1;
pub(crate) const INT: i32 = 2;
pub(crate) const QUIT: i32 = 3;
pub(crate) const TERM: i32 = 15;

/// What a child said, and the signal that ended it, if one did.
pub(crate) type Outcome = (String, Option<i32>);

/// Runs a test's body in a child process, in a loop; in the child, this is where it ends.
#[track_caller]
pub(crate) fn in_child(name: &str, body: impl FnOnce() -> onward::Result<()>) -> Outcome {
    in_child_of("exec \"$0\" \"$@\"", name, || onward::run(body).unwrap())
}

/// Runs a test's body in a child process that a shell makes with this script.
#[track_caller]
pub(crate) fn in_child_of(script: &str, name: &str, body: impl FnOnce()) -> Outcome {
    if std::env::var_os(CHILD).is_some() {
        body();
        say("ended");
        std::process::exit(0);
    }
    // Who runs the tests may ignore these, and children inherit that; what is handled starts anew.
    for signal in [HUP, INT, QUIT, TERM] {
        signal_hook::flag::register(signal, Arc::default()).unwrap();
    }
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -c 0; {script}")]).arg(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--nocapture"]).env(CHILD, "1");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let began = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if began.elapsed() > DEADLINE {
            child.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let said: Vec<_> =
        said.lines().filter_map(|line| line.split_once("> ")).map(|(_, word)| word).collect();
    let failed = output.status.code().is_some_and(|code| code != 0);
    assert!(!failed, "{said:?} {}", String::from_utf8_lossy(&output.stderr));
    (said.join(" "), output.status.signal())
}

pub(crate) fn say(what: impl Display) {
    println!("> {what}");
}

/// Sends this process a signal, as a shell would. Its handler may run on another thread, a bit later.
pub(crate) fn raise(signal: &str) {
    let command = format!("kill -{signal} {}", std::process::id());
    assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success());
}

/// Sends this process a signal that ends it.
pub(crate) fn end_by(signal: &str) -> ! {
    raise(signal);
    loop {
        std::thread::park();
    }
}

/// Sends this thread a signal, whose handler has returned when this does.
pub(crate) fn raise_here(signal: i32) {
    signal_hook::low_level::raise(signal).unwrap();
}

/// What a listener that must not be called does.
pub(crate) fn never<S>(_: &S, (): ()) {
    unreachable!("nobody may be told this");
}
