//! What the tests share: a directory, a log of events, a loop with a deadline.

use onward::events::*;
use onward::fs::{ReadStream, WriteStream};
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A directory of its own, gone when it is dropped.
pub(crate) struct Dir(PathBuf);

impl Dir {
    pub(crate) fn new() -> Self {
        static SERIAL: AtomicU32 = AtomicU32::new(0);
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("onward-fs-{}-{serial}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// A file with this in it.
    pub(crate) fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        std::fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }

    pub(crate) fn fifo(&self, name: &str) -> PathBuf {
        let made = std::process::Command::new("mkfifo").arg(self.path(name)).status().unwrap();
        assert!(made.success());
        self.path(name)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What happened, in order. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Log {
    lines: Rc<RefCell<Vec<String>>>,
    bytes: Rc<RefCell<Vec<u8>>>,
}

impl Log {
    pub(crate) fn note(&self, what: impl Into<String>) {
        self.lines.borrow_mut().push(what.into());
    }

    /// All that was noted, with spaces between.
    pub(crate) fn all(&self) -> String {
        self.lines.borrow().join(" ")
    }

    /// All data that came.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.bytes.borrow().clone()
    }

    /// Notes all but data.
    pub(crate) fn edges(&self, stream: &ReadStream) {
        let log = [(); 4].map(|()| self.clone());
        let [opened, ended, failed, closed] = log;
        stream.on(Open, move |_, ()| opened.note("open"));
        stream.on(End, move |_, ()| ended.note("end"));
        stream.on(Error, move |_, error| failed.note(format!("error({})", short(error))));
        stream.on(Close, move |_, had_error| closed.note(format!("close({had_error})")));
    }

    /// Notes everything.
    pub(crate) fn read(&self, stream: &ReadStream) {
        self.edges(stream);
        let log = self.clone();
        stream.on(Data, move |_, chunk| {
            log.note(format!("data({})", chunk.len()));
            log.bytes.borrow_mut().extend_from_slice(chunk);
        });
    }

    /// Notes everything.
    pub(crate) fn write(&self, stream: &WriteStream) {
        let log = [(); 5].map(|()| self.clone());
        let [opened, drained, finished, failed, closed] = log;
        stream.on(Open, move |_, ()| opened.note("open"));
        stream.on(Drain, move |_, ()| drained.note("drain"));
        stream.on(Finish, move |_, ()| finished.note("finish"));
        stream.on(Error, move |_, error| failed.note(format!("error({})", short(error))));
        stream.on(Close, move |_, had_error| closed.note(format!("close({had_error})")));
    }
}

/// An error without the directory of the test.
pub(crate) fn short(error: &onward::Error) -> String {
    let text = error.to_string();
    let Some(path) = error.target() else { return text };
    let name = Path::new(path).file_name().unwrap_or_default();
    text.replace(path, &name.to_string_lossy())
}

/// A loop that fails the test when it takes too long.
pub(crate) fn run(setup: impl FnOnce() -> onward::Result<()>) -> onward::Result<()> {
    onward::run(|| {
        onward::set_timeout(Duration::from_secs(60), || panic!("this takes too long")).unref();
        setup()
    })
}

/// Waits until that is so: the pool, or somebody else, may still be at it.
#[track_caller]
pub(crate) fn in_time(mut is_so: impl FnMut() -> bool) {
    let since = std::time::Instant::now();
    while !is_so() {
        assert!(since.elapsed().as_secs() < 60, "this takes too long");
        std::thread::yield_now();
    }
}

/// How many descriptors of this process lead there.
pub(crate) fn descriptors(path: &Path) -> usize {
    let all = std::fs::read_dir("/proc/self/fd").unwrap();
    let links = all.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    links.filter(|link| link == path).count()
}

/// Bytes that look like nothing in particular.
pub(crate) fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

pub(crate) fn hash(bytes: &[u8]) -> u64 {
    use std::hash::{DefaultHasher, Hasher};
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

/// Runs a future on a loop of its own that fails the test when it takes too long.
#[track_caller]
pub(crate) fn wait<T>(future: impl Future<Output = onward::Result<T>>) -> T {
    let done = onward::block_on(async { onward::timeout(Duration::from_secs(60), future).await });
    done.unwrap().expect("this takes too long").unwrap()
}

/// All threads of the pool that work on files, held up until this is dropped. They are the process's: one test at a
/// time may have them.
pub(crate) struct BusyPool {
    _gates: Vec<Sender<()>>,
    _alone: MutexGuard<'static, ()>,
}

/// Bytes that are not there before a gate opens, or goes; they say when they are wanted.
pub(crate) struct Gated(Sender<()>, Mutex<Receiver<()>>);

impl Gated {
    /// With what says that they are wanted, and the gate.
    pub(crate) fn new() -> (Self, Receiver<()>, Sender<()>) {
        let ((begun, begins), (gate, opens)) = (channel(), channel());
        (Self(begun, Mutex::new(opens)), begins, gate)
    }
}

impl AsRef<[u8]> for Gated {
    fn as_ref(&self) -> &[u8] {
        self.0.send(()).unwrap();
        // An error too: the gate is gone.
        let _ = self.1.lock().unwrap().recv();
        b"gated"
    }
}

impl BusyPool {
    /// Inside of a loop, which has to go on until it is dropped.
    pub(crate) fn new(dir: &Dir) -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let hold = |number| {
            let (bytes, begins, gate) = Gated::new();
            let gated = onward::fs::write(dir.path(&format!("gated-{number}")), bytes);
            gated.start().then(|done| done.unwrap());
            begins.recv().unwrap();
            gate
        };
        let gates = (0..onward::pool::stats().fs.limit).map(hold).collect();
        Self { _gates: gates, _alone: alone }
    }
}
