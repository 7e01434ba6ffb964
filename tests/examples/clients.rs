//! The examples as processes, and those who talk to them.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel};
use std::thread;
use std::time::{Duration, Instant};

pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) fn example(name: &str) -> Command {
    let test = std::env::current_exe().expect("a test knows its own path");
    let folder = test.parent().and_then(Path::parent).expect("tests are built beside the examples");
    let program = folder.join("examples").join(name);
    assert!(
        program.exists(),
        "{} is not there: `cargo test` builds it, so does `cargo build --examples`",
        program.display()
    );
    Command::new(program)
}

/// Beside what is built, so that it goes with that.
pub(crate) fn temporary(name: &str) -> PathBuf {
    let folder = format!("examples-{}", std::process::id());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    fs::create_dir_all(&folder).expect("the target folder can be written to");
    folder.join(name)
}

pub(crate) fn run(command: &mut Command) -> Output {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    finish(child.expect("the example was built"))
}

/// Waits for a program to end, within the deadline.
pub(crate) fn finish(child: Child) -> Output {
    let id = child.id().to_string();
    let (tell, told) = channel();
    thread::spawn(move || tell.send(child.wait_with_output()));
    told.recv_timeout(DEADLINE).map_or_else(
        |_| {
            let _ = Command::new("kill").args(["-KILL", &id]).status();
            panic!("the program did not end")
        },
        |output| output.expect("a child can be waited for"),
    )
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The lines of a stream as they come, each within the deadline.
pub(crate) struct Lines(pub(crate) Receiver<String>);

impl Lines {
    pub(crate) fn of(stream: impl Read + Send + 'static) -> Self {
        let (tell, told) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stream).lines() {
                let Ok(line) = line else { return };
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        Self(told)
    }

    pub(crate) fn next(&self) -> String {
        self.0.recv_timeout(DEADLINE).expect("a line should have come")
    }

    pub(crate) fn expect(&self, line: &str) {
        assert_eq!(self.next(), line);
    }

    /// Passes over lines until one is this.
    pub(crate) fn wait_for(&self, line: &str) {
        let until = Instant::now() + DEADLINE;
        while self.next() != line {
            assert!(Instant::now() < until, "`{line}` did not come");
        }
    }

    /// Passes over lines until one ends like this.
    pub(crate) fn wait_for_end_of_line(&self, end: &str) {
        let until = Instant::now() + DEADLINE;
        while !self.next().ends_with(end) {
            assert!(Instant::now() < until, "no line ended with `{end}`");
        }
    }

    pub(crate) fn wait_for_start_of_line(&self, start: &str) {
        let until = Instant::now() + DEADLINE;
        while !self.next().starts_with(start) {
            assert!(Instant::now() < until, "no line began with `{start}`");
        }
    }

    pub(crate) fn expect_nothing_yet(&self) {
        assert_eq!(self.0.try_recv(), Err(TryRecvError::Empty));
    }

    pub(crate) fn expect_end(&self) {
        assert_eq!(
            self.0.recv_timeout(DEADLINE),
            Err(RecvTimeoutError::Disconnected),
            "the stream should have ended"
        );
    }
}

/// A server example and the address it printed.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) lines: Lines,
    pub(crate) address: String,
}

impl Server {
    pub(crate) fn start(command: &mut Command, before: &str) -> Self {
        Self::begin(command.stderr(Stdio::null()), before)
    }

    /// With what it says on standard error.
    pub(crate) fn start_heard(command: &mut Command, before: &str) -> (Self, Lines) {
        let mut server = Self::begin(command.stderr(Stdio::piped()), before);
        let errors = Lines::of(server.child.stderr.take().expect("it was piped"));
        (server, errors)
    }

    fn begin(command: &mut Command, before: &str) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the example was built");
        let lines = Lines::of(child.stdout.take().expect("it was piped"));
        let first = lines.next();
        let rest =
            first.strip_prefix(before).unwrap_or_else(|| panic!("unexpected first line: {first}"));
        let address = rest.split(';').next().unwrap_or_default().to_owned();
        Self { child, lines, address }
    }

    pub(crate) fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().expect("kill exists").success());
    }
}

/// Somebody at the other end: `nc`, or a plain socket where there is none.
pub(crate) enum Client {
    Nc(Child),
    Plain(TcpStream),
    PlainUnix(UnixStream),
}

impl Client {
    pub(crate) fn connect(address: &str) -> (Self, Lines) {
        let (host, port) = address.rsplit_once(':').expect("an address");
        let to = if host == "unix" { ["-U", port] } else { [host, port] };
        let nc = Command::new("nc")
            .arg("-N")
            .args(to)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        match nc {
            Ok(mut child) => {
                let lines = Lines::of(child.stdout.take().expect("it was piped"));
                (Self::Nc(child), lines)
            }
            Err(error) => {
                assert!(std::env::var_os("ONWARD_REQUIRE_NC").is_none(), "no nc: {error}");
                if host == "unix" {
                    let stream = UnixStream::connect(port).expect("the server listens");
                    let lines = Lines::of(stream.try_clone().expect("a socket can be cloned"));
                    return (Self::PlainUnix(stream), lines);
                }
                let stream = TcpStream::connect(address).expect("the server listens");
                let lines = Lines::of(stream.try_clone().expect("a socket can be cloned"));
                (Self::Plain(stream), lines)
            }
        }
    }

    pub(crate) fn say(&mut self, line: &str) {
        let line = format!("{line}\n");
        let said = match self {
            Self::Nc(child) => {
                child.stdin.as_mut().expect("it was piped").write_all(line.as_bytes())
            }
            Self::Plain(stream) => stream.write_all(line.as_bytes()),
            Self::PlainUnix(stream) => stream.write_all(line.as_bytes()),
        };
        said.expect("the client still listens");
    }

    /// Says no more.
    pub(crate) fn hang_up(self) {
        match self {
            Self::Nc(mut child) => {
                drop(child.stdin.take());
                finish(child);
            }
            Self::Plain(stream) => stream.shutdown(Shutdown::Write).expect("it is connected"),
            Self::PlainUnix(stream) => stream.shutdown(Shutdown::Write).expect("it is connected"),
        }
    }
}

/// No answer if there is no `curl`; with `ONWARD_REQUIRE_CURL` set, that fails the test.
pub(crate) fn curl(args: &[&str]) -> Option<Output> {
    let mut command = Command::new("curl");
    let limit = DEADLINE.as_secs().to_string();
    command.args(["--silent", "--show-error", "--noproxy", "*", "--max-time", &limit]).args(args);
    match command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn() {
        Ok(child) => Some(finish(child)),
        Err(error) => {
            assert!(std::env::var_os("ONWARD_REQUIRE_CURL").is_none(), "no curl: {error}");
            eprintln!("left out, as there is no curl: {args:?}");
            None
        }
    }
}

/// What `curl` has to say.
pub(crate) fn expect_curl(args: &[&str], expected: &str) {
    if let Some(output) = curl(args) {
        assert_eq!(text(&output.stderr), "", "curl {args:?}");
        assert_eq!(text(&output.stdout).replace('\r', ""), expected, "curl {args:?}");
    }
}

/// A client without manners.
pub(crate) fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(&server.address).expect("the server listens");
    stream.set_read_timeout(Some(DEADLINE)).expect("a timeout");
    stream
}

/// All that comes, until the end.
pub(crate) fn rest(mut stream: TcpStream) -> String {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).expect("it ends in good order, and in time");
    text(&all)
}

pub(crate) fn stop(server: Server) {
    server.signal("-INT");
    let output = finish(server.child);
    assert_eq!(output.status.code(), Some(0));
}

/// How many descriptors a server has.
#[cfg(target_os = "linux")]
pub(crate) fn descriptors(server: &Server) -> usize {
    let folder = format!("/proc/{}/fd", server.child.id());
    fs::read_dir(folder).expect("it lives").count()
}

/// The most memory that a server has had so far.
#[cfg(target_os = "linux")]
pub(crate) fn peak_kilobytes(server: &Server) -> usize {
    let status = format!("/proc/{}/status", server.child.id());
    let status = fs::read_to_string(status).expect("it lives");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|peak| peak.trim().strip_suffix(" kB"));
    peak.and_then(|peak| peak.parse().ok()).expect("a number")
}

/// A terminal: the end of who types and looks, and the end of programs.
#[cfg(target_os = "linux")]
pub(crate) fn pseudo_terminal() -> (fs::File, fs::File) {
    use rustix::pty::{OpenptFlags, openpt, ptsname, unlockpt};
    let user = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC);
    let user = user.expect("there are terminals");
    unlockpt(&user).expect("it is ours");
    let name = ptsname(&user, Vec::new()).expect("it has a name");
    let name = name.to_str().expect("in plain letters");
    let program = fs::OpenOptions::new().read(true).write(true).open(name).expect("it is there");
    (user.into(), program)
}
