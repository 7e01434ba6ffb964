//! Tests that need a process of their own: this program again, with one ignored test to run.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead as _, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

/// Set for the children only: who runs the ignored tests by hand runs nothing.
const MARK: &str = "ONWARD_TEST_CHILD";

/// A process that does not outlive its test.
pub(crate) struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

/// Is this the process that was meant?
pub(crate) fn is_child() -> bool {
    std::env::var_os(MARK).is_some()
}

/// This program, told to run the ignored test `name` and nothing else.
fn command(name: &str) -> Vec<OsString> {
    let program = std::env::current_exe().expect("a path").into_os_string();
    let harness = [name, "--exact", "--ignored", "--nocapture", "--test-threads", "1"];
    std::iter::once(program).chain(harness.map(Into::into)).collect()
}

impl Process {
    pub(crate) fn start(name: &str) -> Self {
        Self::spawn(name, None, &[])
    }

    /// With something in its environment.
    pub(crate) fn start_with(name: &str, environment: &[(&str, &OsStr)]) -> Self {
        Self::spawn(name, None, environment)
    }

    /// With a limit of its own to the descriptors that it may have.
    pub(crate) fn start_limited(name: &str, descriptors: usize) -> Self {
        Self::spawn(name, Some(descriptors), &[])
    }

    fn spawn(name: &str, descriptors: Option<usize>, environment: &[(&str, &OsStr)]) -> Self {
        let limit = descriptors.map_or(String::new(), |most| format!("ulimit -n {most} && "));
        let mut shell = Command::new("sh");
        shell
            .arg("-c")
            .arg(format!("{limit}exec \"$0\" \"$@\""))
            .args(command(name))
            .env(MARK, "1")
            .envs(environment.iter().copied());
        let child = shell.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut child = child.expect("there is a shell");
        let lines = BufReader::new(child.stdout.take().expect("its output is piped")).lines();
        Self { child, lines }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What stands behind `prefix` in the next line that has it.
    #[track_caller]
    pub(crate) fn told(&mut self, prefix: &str) -> String {
        let found = self.lines.by_ref().map_while(Result::ok).find_map(|line| {
            // The harness does not end its line before the test says something.
            line.split_once(prefix).map(|(_, rest)| rest.trim().to_string())
        });
        found.unwrap_or_else(|| panic!("the child has ended without a word of {prefix:?}"))
    }

    pub(crate) fn wait(mut self) -> ExitStatus {
        // Reads the rest, lest it wait for room.
        self.lines.by_ref().for_each(drop);
        self.child.wait().expect("it ends")
    }

    #[track_caller]
    pub(crate) fn ends_well(self) {
        let status = self.wait();
        assert!(status.success(), "the child failed: {status}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The descriptors of this process; `None` if there is not even one left to look with.
pub(crate) fn descriptors() -> Option<usize> {
    // The list itself is open while it is read.
    std::fs::read_dir("/proc/self/fd").ok().map(|all| all.count() - 1)
}

/// Seconds of CPU time that a process has used, in hundredths.
pub(crate) fn cpu_hundredths(process: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("it runs");
    let (_, fields) = stat.rsplit_once(')').expect("the name is in parentheses");
    // Behind the name: state, then ten fields, then the ticks in user mode and in the kernel.
    fields.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum()
}
