//! What the tests share.

use onward::events::*;
use onward::net::{Server, Socket};
use onward::{EventLoop, Handle, Remote};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::rc::Rc;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// Far more than any test takes, even on a machine that is busy with other things.
const DEADLINE: Duration = Duration::from_secs(60);

/// A delay that no test waits for.
pub(crate) const NEVER: Duration = Duration::from_secs(3600);

/// Runs a test on a thread of its own, which has to be done in time.
#[track_caller]
pub(crate) fn in_time<T: Send + 'static>(test: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = mpsc::channel();
    let thread = thread::spawn(move || done.send(test()));
    match result.recv_timeout(DEADLINE) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("not done after {DEADLINE:?}"),
        Err(mpsc::RecvTimeoutError::Disconnected) => match thread.join() {
            Err(panic) => std::panic::resume_unwind(panic),
            Ok(_) => unreachable!("it sends before it ends"),
        },
    }
}

/// Runs a test in a process of its own: one that ends the process when it fails.
#[track_caller]
pub(crate) fn in_child(name: &str, test: impl FnOnce()) {
    in_child_with(name, &[], test);
}

/// The same with this in its environment.
#[track_caller]
pub(crate) fn in_child_with(name: &str, environment: &'static [(&str, &str)], test: impl FnOnce()) {
    const CHILD: &str = "ONWARD_TEST_CHILD";
    if std::env::var_os(CHILD).is_some() {
        return test();
    }
    let (program, name) = (std::env::current_exe().unwrap(), name.to_string());
    let output = in_time(move || {
        let arguments = ["--exact", &name, "--nocapture"];
        Command::new(program)
            .args(arguments)
            .env(CHILD, "1")
            .envs(environment.iter().copied())
            .env("RUST_BACKTRACE", "0")
            .output()
            .unwrap()
    });
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}\n{said}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "{said}");
}

/// Runs a loop in time, and gives what was noted.
#[track_caller]
pub(crate) fn trace(setup: impl FnOnce(&Log) -> onward::Result<()> + Send + 'static) -> String {
    in_time(move || {
        let log = Log::default();
        onward::run(|| setup(&log)).unwrap();
        log.take()
    })
}

/// What callbacks have noted, in order. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    pub(crate) fn note(&self, what: impl Into<String>) {
        self.0.borrow_mut().push(what.into());
    }

    /// A callback that notes a word.
    pub(crate) fn noting(&self, what: &str) -> impl Fn() + 'static + use<> {
        let (log, what) = (self.clone(), what.to_string());
        move || log.note(what.clone())
    }

    /// A callback that notes a word, and sets a tick that notes it with a dash.
    pub(crate) fn ticking(&self, what: &str) -> impl Fn() + 'static + use<> {
        let (log, what) = (self.clone(), what.to_string());
        move || {
            log.note(what.clone());
            onward::next_tick(log.noting(&format!("{what}'")));
        }
    }

    /// All that was noted since the last time, with spaces between.
    pub(crate) fn take(&self) -> String {
        self.0.take().join(" ")
    }

    /// How many have been noted since the last time.
    pub(crate) fn len(&self) -> usize {
        self.0.borrow().len()
    }

    /// A value that notes a word when it is dropped.
    pub(crate) fn on_drop(&self, what: &str) -> OnDrop {
        OnDrop::new(self.noting(what))
    }
}

/// Calls a closure when it is dropped.
pub(crate) struct OnDrop(Option<Box<dyn FnOnce()>>);

impl OnDrop {
    pub(crate) fn new(f: impl FnOnce() + 'static) -> Self {
        Self(Some(Box::new(f)))
    }

    /// Makes the closure that calls this capture it.
    pub(crate) fn touch(&self) {}
}

impl Drop for OnDrop {
    fn drop(&mut self) {
        if let Some(f) = self.0.take() {
            f();
        }
    }
}

/// Keeps the processor busy: the way to be late that no scheduler can shorten.
pub(crate) fn spin(time: Duration) {
    let began = Instant::now();
    while began.elapsed() < time {
        std::hint::spin_loop();
    }
}

/// How many turns the loop has begun.
pub(crate) fn turns(handle: &Handle) -> u64 {
    field(handle, "turns")
}

/// A number that the handle shows.
pub(crate) fn field(handle: &Handle, name: &str) -> u64 {
    let text = format!("{handle:?}");
    let (_, rest) = text.split_once(&format!("{name}: ")).expect("the handle shows it");
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().expect("a number")
}

/// Runs the loop, in which something has to panic; gives what it said.
#[track_caller]
pub(crate) fn panic_of<T>(f: impl FnOnce() -> T) -> String {
    let Err(panic) = catch_unwind(AssertUnwindSafe(f)) else { panic!("it did not panic") };
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).expect("a text")
}

/// Two ends of one connection, both on the loop: first the one that connected.
pub(crate) fn connected(server: &Server, then: impl FnOnce(Socket, Socket) + 'static) -> Socket {
    let (client, both) =
        (Socket::connect(server.local_addr()).unwrap(), Rc::new(RefCell::new(None)));
    let (first, then) = (client.clone(), Rc::new(RefCell::new(Some(then))));
    let meet: Rc<dyn Fn()> = {
        let (both, then, first) = (Rc::clone(&both), Rc::clone(&then), first.clone());
        Rc::new(move || {
            if let (Some(second), true) = (both.borrow().clone(), first.peer_addr().is_some()) {
                if let Some(then) = then.borrow_mut().take() {
                    let first = first.clone();
                    onward::next_tick(move || then(first, second));
                }
            }
        })
    };
    let met = Rc::clone(&meet);
    client.once(Connect, move |_, ()| met());
    server.once(Connection, move |_, socket| {
        both.replace(Some(socket));
        meet();
    });
    client
}

/// Posts from a thread as soon as it can, and lets the loop go.
pub(crate) fn post_from_thread(remote: Remote, f: impl FnOnce() + Send + 'static) {
    thread::spawn(move || drop(remote.post(f)));
}

/// A loop, and what is noted on it.
pub(crate) fn make_loop() -> (EventLoop, Log) {
    (EventLoop::new().unwrap(), Log::default())
}
