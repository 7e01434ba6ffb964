//! A record of what streams tell, in order.

use onward::events::*;
use onward::stream::{Duplex, Sink, Source};
use onward::{Error, ErrorKind, Result};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::mpsc;
use std::time::Duration;

/// Far more than any test takes, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);

/// Runs a loop which has to end by itself, and well.
pub(crate) fn run(setup: impl FnOnce() -> Result<()>) {
    run_to(setup).expect("the loop ends well");
}

/// Runs a loop which has to end by itself.
pub(crate) fn run_to(setup: impl FnOnce() -> Result<()>) -> Result<()> {
    let late = Rc::new(Cell::new(false));
    let told = Rc::clone(&late);
    let result = onward::run(move || {
        let stop = move || {
            told.set(true);
            onward::stop();
        };
        onward::set_timeout(LIMIT, stop).unref();
        setup()
    });
    assert!(!late.get(), "the loop had not ended after {LIMIT:?}");
    result
}

/// Ends the whole process if this is not dropped in time: a loop that spins stops at no timer.
pub(crate) fn watchdog() -> mpsc::Sender<()> {
    let (alive, watched) = mpsc::channel::<()>();
    let test = std::thread::current().name().unwrap_or("a test").to_string();
    std::thread::spawn(move || {
        if watched.recv_timeout(LIMIT * 2) == Err(mpsc::RecvTimeoutError::Timeout) {
            eprintln!("{test} hangs");
            std::process::abort();
        }
    });
    alive
}

/// Calls `then` in the next turn, after it has polled.
pub(crate) fn next_turn(then: impl FnOnce() + 'static) {
    onward::set_immediate(|| {
        onward::set_immediate(then);
    });
}

/// An error in a word.
pub(crate) fn sort(error: &Error) -> String {
    match error.kind() {
        ErrorKind::Other => error.to_string(),
        ErrorKind::Io if error.is_disconnect() => "disconnect".into(),
        kind => format!("{kind:?}"),
    }
}

pub(crate) fn oops() -> Error {
    Error::other("oops")
}

/// What happened, in order. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Rc<RefCell<Vec<String>>>);

macro_rules! watch_reading {
    ($log:expr, $stream:expr, $name:expr) => {
        let (log, name) = ($log.clone(), $name);
        $stream.on(End, move |_, ()| log.note(format!("{name}end")));
        let (log, name) = ($log.clone(), $name);
        $stream.on(Data, move |_, chunk| {
            log.note(format!("{name}data {}", String::from_utf8_lossy(chunk)));
        });
    };
}

macro_rules! watch_writing {
    ($log:expr, $stream:expr, $name:expr) => {
        let (log, name) = ($log.clone(), $name);
        $stream.on(Drain, move |_, ()| log.note(format!("{name}drain")));
        let (log, name) = ($log.clone(), $name);
        $stream.on(Finish, move |_, ()| log.note(format!("{name}finish")));
    };
}

macro_rules! watch_ends {
    ($log:expr, $stream:expr, $name:expr) => {
        let (log, name) = ($log.clone(), $name);
        $stream.on(Error, move |_, error| log.note(format!("{name}error {}", sort(error))));
        let (log, name) = ($log.clone(), $name);
        $stream.on(Close, move |_, had_error| log.note(format!("{name}close {had_error}")));
    };
}

impl Log {
    pub(crate) fn note(&self, what: impl Into<String>) {
        self.0.borrow_mut().push(what.into());
    }

    /// A callback of a write.
    pub(crate) fn written(&self, name: &'static str) -> impl FnOnce(Result<()>) + 'static {
        let log = self.clone();
        move |result| match result {
            Ok(()) => log.note(format!("{name} ok")),
            Err(error) => log.note(format!("{name} {}", sort(&error))),
        }
    }

    /// A result that is to come once.
    pub(crate) fn result(&self) -> impl FnOnce(Result<()>) + 'static {
        self.written("result")
    }

    pub(crate) fn source(&self, name: &'static str, source: &Source) {
        watch_reading!(self, source, name);
        watch_ends!(self, source, name);
    }

    pub(crate) fn sink(&self, name: &'static str, sink: &Sink) {
        watch_writing!(self, sink, name);
        watch_ends!(self, sink, name);
    }

    pub(crate) fn duplex(&self, name: &'static str, duplex: &Duplex) {
        watch_reading!(self, duplex, name);
        watch_writing!(self, duplex, name);
        watch_ends!(self, duplex, name);
    }

    /// A sink that notes what it accepts.
    pub(crate) fn accepting(&self, name: &'static str) -> Result<Sink> {
        let log = self.clone();
        Sink::new(move |chunk| log.note(format!("{name}takes {}", String::from_utf8_lossy(chunk))))
    }

    /// One that takes a turn over each chunk.
    pub(crate) fn accepting_slowly(&self, name: &'static str) -> Result<Sink> {
        let log = self.clone();
        Sink::with_done(move |_, chunk, done| {
            log.note(format!("{name}takes {}", String::from_utf8_lossy(chunk)));
            onward::set_immediate(move || done.ok());
        })
    }

    pub(crate) fn count(&self, what: &str) -> usize {
        self.0.borrow().iter().filter(|note| *note == what).count()
    }

    /// Is this all that happened?
    #[track_caller]
    pub(crate) fn assert(&self, expected: &[&str]) {
        assert_eq!(*self.0.borrow(), expected);
    }
}
