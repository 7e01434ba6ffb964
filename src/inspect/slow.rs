//! Callbacks that hold everybody up.

use super::text::Short;
use crate::emitter::observing::{Observer, Observing};
use crate::event_loop::{
    self, CallbackKind, ResourceKind, Slowness, call_listener, here, is_watching,
};
use std::fmt;
use std::panic::Location;
use std::time::Duration;

/// A callback that took too long: what [`on_slow`] tells.
///
/// Its text is one line:
///
/// ```text
/// source TCP socket 127.0.0.1:7000 to 127.0.0.1:51234 took 212ms, 211ms of them the listener at src/chat.rs:31:16; made at src/chat.rs:12:22
/// timer took 87ms; made at src/cache.rs:90:9
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct SlowCallback {
    /// What it was.
    pub kind: CallbackKind,
    /// How long it took. What runs right after it, ticks and futures, is told apart.
    pub took: Duration,
    /// Where it was registered: where the timer was set, the future spawned, the socket connected. An
    /// accepted socket has the place of its server.
    pub location: Option<&'static Location<'static>>,
    /// What it belongs to, if that is a source.
    pub resource: Option<ResourceKind>,
    /// Its addresses, or its path.
    pub target: Option<String>,
    /// The listener that took the most of the time, if emitters called any.
    pub listener: Option<SlowListener>,
}

/// The slowest of the listeners that ran in a slow callback.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct SlowListener {
    /// Where it was registered.
    pub location: &'static Location<'static>,
    /// How long it took by itself, without the listeners that it called by emitting.
    pub took: Duration,
}

/// The hook that was set by [`on_slow`]. Ignoring it is fine: the hook stays.
///
/// `Copy` and inert, like a [`Timer`](crate::Timer).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SlowHook {
    serial: u32,
    number: u64,
}

/// Has `f` told of each callback of the thread's loop that takes `threshold` or longer: which one it was, where it was
/// registered, and which listener it was that took so long.
///
/// Timers, ticks, immediates, posted closures, polls of futures, hooks are callbacks; and so is each event that a
/// socket, a server or a file tells. A callback that runs when the hook is set is not looked at, those after it are.
///
/// The exact listener is known of emitters that came to have their first listener while there was a hook, and of
/// the loop's own (sockets, servers, files, signals) in any case. It is not known of
/// [`named`](crate::emitter::named) emitters, nor of those of [`sync`](crate::sync).
///
/// # Ordering
///
/// `f` runs right after the callback that it is told of, before its ticks. It is not told of itself, nor of a
/// callback that panics.
///
/// # Cost
///
/// While there is a hook, two readings of the clock for each callback and for each listener. Without one, a look at a flag
/// for each callback, and nothing in an emit.
///
/// # Panics
///
/// Outside of a loop.
///
/// ```
/// use onward::inspect;
/// use std::time::{Duration, Instant};
///
/// onward::run(|| {
///     let hook = inspect::on_slow(Duration::from_millis(5), |slow| {
///         assert_eq!(slow.kind, inspect::CallbackKind::Immediate);
///         assert_eq!(slow.location.unwrap().file(), file!());
///         eprintln!("{slow}"); // immediate took 6ms; made at src/main.rs:10:5
///     });
///     onward::set_immediate(|| {
///         let began = Instant::now();
///         while began.elapsed() < Duration::from_millis(6) {}
///     });
///     onward::set_timeout(Duration::from_millis(10), move || assert!(hook.remove()));
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[track_caller]
#[allow(clippy::must_use_candidate, reason = "most hooks stay for ever")]
pub fn on_slow(threshold: Duration, mut f: impl FnMut(&SlowCallback) + 'static) -> SlowHook {
    // Goes with the hook.
    let observing = Observing::by(&Bystander);
    let (serial, number) = here("inspect::on_slow").on_slow(threshold, move |slowness| {
        let _ = &observing;
        f(&SlowCallback::new(slowness));
    });
    SlowHook { serial, number }
}

impl SlowHook {
    /// Takes the hook back; it is dropped, when it has returned if it runs. `false` if that has been done before,
    /// or the loop has ended. It works inside of its loop.
    #[allow(clippy::must_use_candidate, reason = "it is called for what it does")]
    pub fn remove(self) -> bool {
        event_loop::remove_slow(self.serial, self.number)
    }
}

/// Where emitters and the loop meet: listeners are called here, and the loop is told how long they take.
struct Bystander;

impl Observer for Bystander {
    fn is_here(&self) -> bool {
        is_watching()
    }

    fn call(&self, place: &'static Location<'static>, listener: &mut dyn FnMut()) {
        call_listener(place, listener);
    }
}

impl SlowCallback {
    fn new(slowness: &Slowness) -> Self {
        let source = slowness.source.as_ref().map(|source| source.describe());
        Self {
            kind: slowness.kind,
            took: Duration::from_nanos(slowness.took),
            location: slowness.origin,
            resource: source.as_ref().map(|source| source.kind),
            target: source.map(|source| source.target),
            listener: slowness.listener.map(|listener| SlowListener {
                location: listener.origin,
                took: Duration::from_nanos(listener.took),
            }),
        }
    }
}

impl fmt::Display for SlowCallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        if let Some(resource) = self.resource {
            write!(f, " {resource}")?;
        }
        if let Some(target) = &self.target {
            write!(f, " {target}")?;
        }
        write!(f, " took {}", Short(self.took))?;
        if let Some(listener) = &self.listener {
            write!(f, ", {} of them {listener}", Short(listener.took))?;
        }
        match self.location {
            Some(location) => write!(f, "; made at {location}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for SlowCallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SlowCallback({self})")
    }
}

/// `the listener at src/main.rs:8:6`
impl fmt::Display for SlowListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the listener at {}", self.location)
    }
}

impl fmt::Debug for SlowListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SlowListener({}, {self})", Short(self.took))
    }
}
