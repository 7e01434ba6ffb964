//! What the tests share.

use onward::testing::Simulation;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

pub(crate) const MS: Duration = Duration::from_millis(1);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);

/// What callbacks have noted, in order, and when. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    /// Notes a word, and the time: `word@5ms`.
    pub(crate) fn note(&self, what: &str) {
        self.0.borrow_mut().push(format!("{what}@{:?}", onward::now()));
    }

    /// A callback that notes a word.
    pub(crate) fn noting(&self, what: &str) -> impl Fn() + 'static + use<> {
        let (log, what) = (self.clone(), what.to_string());
        move || log.note(&what)
    }

    /// A callback that notes a word, and sets a tick that notes it with a dash.
    pub(crate) fn ticking(&self, what: &str) -> impl Fn() + 'static + use<> {
        let (log, what) = (self.clone(), what.to_string());
        move || {
            log.note(&what);
            onward::next_tick(log.noting(&format!("{what}'")));
        }
    }

    /// All that was noted since the last time, with spaces between.
    pub(crate) fn take(&self) -> String {
        self.0.take().join(" ")
    }
}

/// Runs a simulated loop, and gives what was noted.
#[track_caller]
pub(crate) fn trace(setup: impl FnOnce(&Log) -> onward::Result<()>) -> String {
    let log = Log::default();
    // A busy kernel may let who connects over loopback wait longer than the usual grace.
    let simulation = Simulation::new().unwrap().grace(200 * MS);
    simulation.enter(|| setup(&log)).unwrap();
    simulation.run().unwrap();
    drop(simulation);
    log.take()
}

/// How many turns the loop has begun.
pub(crate) fn turns(event_loop: &onward::EventLoop) -> u64 {
    let text = format!("{:?}", event_loop.handle());
    let (_, rest) = text.split_once("turns: ").expect("the handle shows it");
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().expect("a number")
}
