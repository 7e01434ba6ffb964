//! What the tests share.

use std::cell::RefCell;
use std::rc::Rc;

use onward::{Emitter, events};

events! {
    /// The emitter of most tests.
    pub(crate) Room {
        Joined(&str),
        Said(&str, &str),
        Closed(),
        error String,
    }
}

/// What listeners have noted, in order. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    pub(crate) fn note(&self, what: impl Into<String>) {
        self.0.borrow_mut().push(what.into());
    }

    /// All that was noted since the last time, with spaces between.
    pub(crate) fn take(&self) -> String {
        self.0.take().join(" ")
    }

    /// What was noted last, since the last time that all was taken.
    pub(crate) fn last(&self) -> Option<String> {
        self.0.borrow().last().cloned()
    }

    /// A value that notes when it is dropped.
    pub(crate) fn on_drop(&self, what: &str) -> OnDrop<impl FnMut() + 'static + use<>> {
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
pub(crate) struct Later<T>(Rc<RefCell<Option<T>>>);

impl<T: Clone> Later<T> {
    pub(crate) fn new() -> Self {
        Self(Rc::default())
    }

    pub(crate) fn set(&self, value: T) {
        *self.0.borrow_mut() = Some(value);
    }

    pub(crate) fn get(&self) -> T {
        self.0.borrow().clone().expect("set by now")
    }
}

impl<T> Clone for Later<T> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

/// Adds a listener that notes `what`.
pub(crate) fn add(room: &Room, log: &Log, what: &str) -> onward::emitter::Listener {
    let (log, what) = (log.clone(), what.to_string());
    room.on(Joined, move |_, _| log.note(&what))
}

/// A listener that notes a word.
macro_rules! noting {
    ($log:expr, $what:expr) => {{
        let log = $log.clone();
        move |_, _| log.note($what)
    }};
}
pub(crate) use noting;
