//! All that is on a loop at a moment.

use super::text::Short;
use crate::event_loop::{
    Handle, ListedSource, ListedTask, ListedTimer, Origin, ResourceKind, TimerKind, here,
};
use std::fmt;
use std::panic::Location;
use std::time::Duration;

/// All that is on a loop at a moment; from [`dump`].
///
/// Its text begins with what keeps the loop alive:
///
/// ```text
/// 2 keep the loop alive:
///   TCP server 127.0.0.1:7000, for 2.10s, at src/main.rs:5:22
///   timer due in 497ms, for 2ms, at src/main.rs:9:13
/// 1 does not:
///   signal SIGINT, for 2.10s, at src/main.rs:12:14
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Dump {
    /// Sources first, in the order of their places, then timers, futures, work, and what is due at once.
    pub resources: Vec<Resource>,
}

/// One thing that is on a loop.
#[derive(Clone)]
#[non_exhaustive]
pub struct Resource {
    /// What it is.
    pub kind: ResourceKind,
    /// Its addresses, its path, the name of the signal.
    pub target: Option<String>,
    /// How many there are of it: more than one only of [remotes](ResourceKind::Remote), which are not known one
    /// by one.
    pub count: usize,
    /// How long it has been on the loop. Of a timer, since it was set, refreshed or called last. Not known of
    /// what runs in this turn or the next anyway, nor of futures and remotes.
    pub age: Option<Duration>,
    /// How many turns ago it came; known of futures.
    pub turns: Option<u64>,
    /// In how long a timer is due; zero if it is late.
    pub due: Option<Duration>,
    /// Does the loop wait for it? Not for what was `unref`ed, nor for what has nothing to do: a file that nobody
    /// reads, say.
    pub holds: bool,
    /// Where it was registered. An accepted socket has the place of its server.
    pub location: Option<&'static Location<'static>>,
}

/// All that is on the thread's loop: what keeps it alive, and what does not. The one future that a loop runs for, by
/// [`block_on`](crate::block_on) say, is not on it.
///
/// # Panics
///
/// Outside of a loop. [`Dump::of`] takes a handle.
///
/// ```
/// use onward::inspect::{self, ResourceKind};
/// use onward::net::Server;
/// use std::time::Duration;
///
/// onward::run(|| {
///     let server = Server::listen("127.0.0.1:0")?;
///     onward::set_interval(Duration::from_secs(1), |_| {}).unref();
///
///     onward::set_immediate(move || {
///         let dump = inspect::dump();
///         println!("{dump}");
///         let holding: Vec<_> = dump.holding().collect();
///         assert_eq!(holding.len(), 1);
///         assert_eq!(holding[0].kind, ResourceKind::TcpServer);
///         assert_eq!(holding[0].target, Some(server.local_addr().to_string()));
///         # server.close();
///     });
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias = "getActiveResourcesInfo")]
#[track_caller]
#[must_use]
pub fn dump() -> Dump {
    Dump::of(&here("inspect::dump"))
}

impl Dump {
    /// All that is on this loop.
    #[must_use]
    pub fn of(handle: &Handle) -> Self {
        let mut resources = sources(handle);
        resources.extend(timers(handle));
        resources.extend(elsewhere(handle));
        resources.extend(soon(handle));
        Self { resources }
    }

    /// What keeps the loop alive.
    pub fn holding(&self) -> impl Iterator<Item = &Resource> {
        self.resources.iter().filter(|resource| resource.holds)
    }
}

impl Resource {
    fn new(kind: ResourceKind, origin: Origin, holds: bool) -> Self {
        let (target, age, turns, due) = (None, None, None, None);
        Self { kind, target, count: 1, age, turns, due, holds, location: Some(origin) }
    }
}

fn sources(handle: &Handle) -> Vec<Resource> {
    let now = handle.0.now();
    // What they say of themselves, they say when nothing is borrowed.
    let listed: Vec<_> = handle.0.registry.borrow().list().collect();
    let resource = |listed: &ListedSource| {
        let description = listed.source.describe();
        Resource {
            target: Some(description.target),
            age: Some(Duration::from_nanos(now.saturating_sub(listed.birth.at))),
            ..Resource::new(description.kind, listed.birth.origin, listed.counted)
        }
    };
    listed.iter().map(resource).collect()
}

fn timers(handle: &Handle) -> Vec<Resource> {
    let (now, mut timers) = (handle.0.now(), handle.0.list_timers());
    timers.sort_by_key(|(_, timer)| timer.deadline);
    let resource = |(origin, timer): (Origin, ListedTimer)| {
        let kind = match timer.kind {
            TimerKind::Once => ResourceKind::Timer,
            TimerKind::Every(_) => ResourceKind::Interval,
        };
        let set = timer.deadline.map(|deadline| deadline.saturating_sub(timer.delay));
        let nanoseconds = |time: Option<u64>| time.map(Duration::from_nanos);
        Resource {
            age: nanoseconds(set.map(|set| now.saturating_sub(set))),
            due: nanoseconds(timer.deadline.map(|deadline| deadline.saturating_sub(now))),
            ..Resource::new(kind, origin, timer.counted)
        }
    };
    timers.into_iter().map(resource).collect()
}

/// Futures, work on other threads, and other threads that may still want something.
fn elsewhere(handle: &Handle) -> Vec<Resource> {
    let (core, now) = (&handle.0, handle.0.now());
    let future = |listed: ListedTask| Resource {
        turns: Some(core.turns().saturating_sub(listed.turn)),
        ..Resource::new(ResourceKind::Future, listed.origin, listed.counted)
    };
    let mut all: Vec<_> = core.tasks.list().into_iter().map(future).collect();
    all.extend(core.awaited.borrow().list().into_iter().map(|work| Resource {
        age: Some(Duration::from_nanos(now.saturating_sub(work.since))),
        ..Resource::new(ResourceKind::Blocking, work.origin, work.counted)
    }));
    let channels = core.list_channels();
    let channel = |&(origin, holds)| Resource::new(ResourceKind::Channel, origin, holds);
    all.extend(channels.iter().map(channel));
    // Channels hold the loop as remotes do.
    let others = channels.iter().filter(|(_, holds)| *holds).count();
    let (kind, count) = (ResourceKind::Remote, core.inbox.holds().saturating_sub(others));
    if count != 0 {
        let (target, age, turns, due, location) = (None, None, None, None, None);
        all.push(Resource { kind, target, count, age, turns, due, holds: true, location });
    }
    all
}

/// What runs in this turn, or in the next.
fn soon(handle: &Handle) -> Vec<Resource> {
    let core = &handle.0;
    let posted = core.letters.borrow().origins();
    let queues = [
        (ResourceKind::Tick, core.ticks.origins()),
        (ResourceKind::Posted, [posted, core.inbox.origins()].concat()),
        (ResourceKind::Deferred, [core.deferred.origins(), core.after_poll.origins()].concat()),
        (ResourceKind::Closing, core.closing.origins()),
    ];
    let queued = queues.into_iter().flat_map(|(kind, origins)| {
        origins.into_iter().map(move |origin| Resource::new(kind, origin, true))
    });
    let immediates = core.immediates.origins().into_iter();
    let immediate = |(origin, holds)| Resource::new(ResourceKind::Immediate, origin, holds);
    queued.chain(immediates.map(immediate)).collect()
}

impl fmt::Display for Dump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (holding, others): (Vec<_>, Vec<_>) =
            self.resources.iter().partition(|resource| resource.holds);
        match holding.len() {
            0 => f.write_str("nothing keeps the loop alive")?,
            1 => f.write_str("1 keeps the loop alive:")?,
            more => write!(f, "{more} keep the loop alive:")?,
        }
        holding.iter().try_for_each(|resource| write!(f, "\n  {resource}"))?;
        match others.len() {
            0 => {}
            1 => f.write_str("\n1 does not:")?,
            more => write!(f, "\n{more} do not:")?,
        }
        others.iter().try_for_each(|resource| write!(f, "\n  {resource}"))
    }
}

impl fmt::Debug for Dump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.resources).finish()
    }
}

/// `timer due in 497ms, for 2ms, at src/main.rs:9:13`
impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        if let Some(target) = &self.target {
            write!(f, " {target}")?;
        }
        if self.count != 1 {
            write!(f, ", {} of them", self.count)?;
        }
        if let Some(due) = self.due {
            write!(f, " due in {}", Short(due))?;
        }
        if let Some(age) = self.age {
            write!(f, ", for {}", Short(age))?;
        }
        if let Some(turns) = self.turns {
            write!(f, ", for {turns} turns")?;
        }
        match self.location {
            Some(location) => write!(f, ", at {location}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}{}", if self.holds { "" } else { ", unref" })
    }
}
