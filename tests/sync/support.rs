//! What the tests share.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use onward::events;

events! {
    /// The emitter of most tests.
    pub(crate) sync Room {
        Joined(&str),
        Said(&str, &str),
        Asked(&mut Vec<u32>),
        Moved(String),
        Closed(),
        error String,
    }
}

/// What listeners have noted, in order. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn note(&self, what: impl Into<String>) {
        self.0.lock().expect("no panic in here").push(what.into());
    }

    /// All that was noted since the last time, with spaces between.
    pub(crate) fn take(&self) -> String {
        std::mem::take(&mut *self.0.lock().expect("no panic in here")).join(" ")
    }

    /// A value that notes when it is dropped.
    pub(crate) fn on_drop(
        &self,
        what: &str,
    ) -> OnDrop<impl FnMut() + Send + Sync + 'static + use<>> {
        let (log, what) = (self.clone(), what.to_string());
        OnDrop(move || log.note(&what))
    }
}

/// Calls a closure when it is dropped.
pub(crate) struct OnDrop<F: FnMut()>(pub(crate) F);

impl<F: FnMut()> OnDrop<F> {
    /// Makes the closure that calls this capture it.
    pub(crate) fn touch(&self) {}
}

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// A place for something that is known only later, such as a listener's own handle.
pub(crate) struct Later<T>(Arc<Mutex<Option<T>>>);

impl<T: Clone> Later<T> {
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    pub(crate) fn set(&self, value: T) {
        *self.0.lock().expect("no panic in here") = Some(value);
    }

    pub(crate) fn get(&self) -> T {
        self.0.lock().expect("no panic in here").clone().expect("set by now")
    }
}

impl<T> Clone for Later<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// Where each instruction is checked, it takes longer.
const DEADLINE: Duration = Duration::from_secs(if cfg!(miri) { 900 } else { 120 });

/// Runs a test that would hang if it failed, and gives it a while.
pub(crate) fn in_time(test: impl FnOnce() + Send + 'static) {
    let (done, ended) = channel::<()>();
    let runs = thread::spawn(move || {
        let _done = done; // is dropped as the test ends, also by a panic
        test();
    });
    match ended.recv_timeout(DEADLINE) {
        Err(RecvTimeoutError::Disconnected) => {
            if let Err(panic) = runs.join() {
                std::panic::resume_unwind(panic);
            }
        }
        _ => panic!("the threads wait for each other"),
    }
}

/// A listener that notes a word.
macro_rules! noting {
    ($log:expr, $what:expr) => {{
        let log = $log.clone();
        move |_, _| log.note($what)
    }};
}
pub(crate) use noting;
