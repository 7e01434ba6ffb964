//! What an emitter looks like at a moment.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::panic::Location;

use super::list::Place;

/// All listeners of an emitter at a moment: what [`Watching::dump`](crate::Watching::dump) returns.
///
/// Its text has a line for each event and each listener:
///
/// ```
/// use onward::{Emitter, Watching, events};
///
/// events! { Room { Joined(&str), Closed() } }
/// let room = Room::new();
/// let greeter = room.on(Joined, |_, name| println!("hello {name}"));
/// let _quiet = room.block(greeter);
/// room.prepend_once(Joined, |_, _| {});
/// println!("{}", room.dump());
/// // Room
/// //   Joined
/// //     once, in front, at src/main.rs:8:6
/// //     on, blocked, at src/main.rs:6:20
/// # let dump = room.dump();
/// # let at = dump.events[0].listeners[0].location;
/// # assert!(dump.to_string().starts_with(&format!("Room\n  Joined\n    once, in front, at {at}\n    on, blocked, at ")));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Dump {
    /// The emitter's name.
    pub emitter: &'static str,
    /// The events that have listeners, in the order in which they came to have them.
    pub events: Vec<EventDump>,
}

/// The listeners of one event.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EventDump {
    /// The event's name; `any` for those by [`on_any`](crate::Watching::on_any).
    pub event: String,
    /// In the order in which they are called.
    pub listeners: Vec<ListenerDump>,
}

/// One listener.
#[derive(Clone)]
#[non_exhaustive]
pub struct ListenerDump {
    pub(super) key: i64,
    /// How it was added.
    pub kind: ListenerKind,
    /// Where it was registered.
    pub location: &'static Location<'static>,
    /// Is it [blocked](crate::Emitter::block)?
    pub blocked: bool,
    /// Does it run right now, further down the stack?
    pub running: bool,
}

/// How a listener was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ListenerKind {
    /// By `on` and its like, `on_try` too: called every time.
    On,
    /// By `once` and its like.
    Once,
    /// By `many`: called a number of times.
    Many,
    /// By `on_reentrant`: called every time, also while it runs.
    Reentrant,
    /// It decides by itself whether an event is for it: `on_when`, `on_weak`, `on_state`, `on_any`, `intercept`,
    /// a relay.
    Conditional,
}

/// Where a listener stands in the order of its event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Position {
    /// Before all others, by `intercept`.
    Intercepting,
    /// In front, by `prepend` and its like.
    Front,
    /// In this group, by `on_group`.
    Group(i16),
    /// Behind those, as most.
    Back,
}

impl ListenerDump {
    #[cfg(feature = "std")]
    pub(crate) fn new(
        key: i64,
        kind: ListenerKind,
        location: &'static Location<'static>,
        blocked: bool,
        running: bool,
    ) -> Self {
        Self { key, kind, location, blocked, running }
    }

    /// By what the listeners of an event are sorted.
    #[cfg(feature = "std")]
    pub(crate) fn key(&self) -> i64 {
        self.key
    }

    /// Where it stands in the order of its event.
    pub fn position(&self) -> Position {
        match Place::of(self.key) {
            Place::Intercepting => Position::Intercepting,
            Place::Front => Position::Front,
            Place::Group(group) => Position::Group(group),
            Place::Back => Position::Back,
        }
    }
}

impl fmt::Display for Dump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.emitter)?;
        if self.events.is_empty() {
            f.write_str(": nobody listens")?;
        }
        for event in &self.events {
            write!(f, "\n  {}", event.event)?;
            for listener in &event.listeners {
                write!(f, "\n    {listener}")?;
            }
        }
        Ok(())
    }
}

/// `once, in front, blocked, at src/main.rs:8:6`
impl fmt::Display for ListenerDump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            ListenerKind::On => "on",
            ListenerKind::Once => "once",
            ListenerKind::Many => "many",
            ListenerKind::Reentrant => "re-entrant",
            ListenerKind::Conditional => "conditional",
        })?;
        match self.position() {
            Position::Intercepting => f.write_str(", before all others")?,
            Position::Front => f.write_str(", in front")?,
            Position::Group(group) => write!(f, ", group {group}")?,
            Position::Back => {}
        }
        if self.blocked {
            f.write_str(", blocked")?;
        }
        if self.running {
            f.write_str(", runs")?;
        }
        write!(f, ", at {}", self.location)
    }
}

impl fmt::Debug for ListenerDump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
