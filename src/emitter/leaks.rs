//! Suspiciously many listeners: a warning that says where they come from.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::fmt;
use core::panic::Location;
use core::sync::atomic::{AtomicUsize, Ordering};

/// Listeners for one event of one emitter that are not suspect yet.
///
/// Node takes 10, which a bus that each connection listens to exceeds at once: a warning that everybody
/// turns off finds nothing. A leak grows with every request, so it soon reaches a thousand too, long before
/// it hurts.
const DEFAULT: usize = 1000;

/// Of emitters that have no limit of their own. No limit at all is `usize::MAX`.
static LIMIT: AtomicUsize = AtomicUsize::new(DEFAULT);

/// As many listeners for one event as are not suspect, for emitters without a limit of their own: 1,000
/// unless it was [set](set_default_max_listeners). 0 means that any number is fine.
pub fn default_max_listeners() -> usize {
    shown(0)
}

/// Sets how many listeners for one event are not suspect, for all emitters that have no
/// [limit of their own](crate::Watching::set_max_listeners), those that are there already included; 0 for
/// any number.
///
/// ```
/// use onward::emitter::{default_max_listeners, set_default_max_listeners};
///
/// assert_eq!(default_max_listeners(), 1000);
/// set_default_max_listeners(10); // as Node's
/// # assert_eq!(default_max_listeners(), 10);
/// ```
pub fn set_default_max_listeners(listeners: usize) {
    LIMIT.store(kept(listeners), Ordering::Relaxed);
}

/// As a limit is kept: any number is `usize::MAX`, and 0 stands for the default.
pub(crate) fn kept(listeners: usize) -> usize {
    if listeners == 0 { usize::MAX } else { listeners }
}

/// As a limit is shown.
pub(crate) fn shown(kept: usize) -> usize {
    match limit(kept) {
        usize::MAX => 0,
        limit => limit,
    }
}

/// The limit that counts.
#[inline]
pub(crate) fn limit(kept: usize) -> usize {
    if kept == 0 { LIMIT.load(Ordering::Relaxed) } else { kept }
}

#[inline]
pub(super) fn is_suspect(count: usize, kept: usize) -> bool {
    count > limit(kept)
}

/// An event that has suspiciously many listeners: what
/// [`ListenerLeak`](crate::events::ListenerLeak) carries.
///
/// Its text is one line, and names the places where the listeners were registered:
///
/// ```
/// use onward::{Emitter, Watching, events, events::ListenerLeak};
///
/// events! { Room { Joined(&str) } }
/// let room = Room::new();
/// room.set_max_listeners(2);
/// # let line = std::rc::Rc::new(std::cell::RefCell::new(String::new()));
/// # let kept = std::rc::Rc::clone(&line);
/// # room.on(ListenerLeak, move |_, leak| *kept.borrow_mut() = leak.to_string());
/// room.on(ListenerLeak, |_, leak| {
///     assert_eq!((leak.emitter(), leak.event(), leak.count()), ("Room", "Joined", 3));
///     println!("{leak}");
///     // Room has 3 listeners for Joined, more than 2; a leak? Registered at src/main.rs:17:10 (3 times)
/// });
/// for _ in 0..5 {
///     room.on(Joined, |_, _| {}); // the third is one too many; it is said once
/// }
/// # assert!(line.borrow().starts_with("Room has 3 listeners for Joined, more than 2; a leak? Registered at "));
/// # assert!(line.borrow().ends_with(" (3 times)"));
/// ```
#[derive(Clone)]
pub struct Leak {
    emitter: &'static str,
    event: Cow<'static, str>,
    count: usize,
    limit: usize,
    places: Vec<(&'static Location<'static>, usize)>,
}

impl Leak {
    pub(crate) fn new(
        emitter: &'static str,
        event: impl Into<Cow<'static, str>>,
        count: usize,
        kept: usize,
        locations: Vec<&'static Location<'static>>,
    ) -> Self {
        Self { emitter, event: event.into(), count, limit: limit(kept), places: grouped(locations) }
    }

    /// The emitter's name.
    pub fn emitter(&self) -> &'static str {
        self.emitter
    }

    /// The event's name.
    pub fn event(&self) -> &str {
        &self.event
    }

    /// How many listeners it has, all told.
    pub fn count(&self) -> usize {
        self.count
    }

    /// How many would not have been suspect.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Where they were registered, and how many at each place; the place with the most comes first.
    pub fn places(&self) -> &[(&'static Location<'static>, usize)] {
        &self.places
    }
}

/// Each place once, those with the most first, and places with as many in their order in the source.
fn grouped(
    mut locations: Vec<&'static Location<'static>>,
) -> Vec<(&'static Location<'static>, usize)> {
    locations.sort();
    let same = locations.chunk_by(|a, b| a == b);
    let mut places: Vec<_> = same.map(|places| (places[0], places.len())).collect();
    places.sort_by_key(|(_, count)| core::cmp::Reverse(*count));
    places
}

/// One line.
impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 4;
        let Self { emitter, event, count, limit, .. } = self;
        write!(f, "{emitter} has {count} listeners for {event}, more than {limit}; a leak?")?;
        for (at, (place, times)) in self.places.iter().take(SHOWN).enumerate() {
            f.write_str(if at == 0 { " Registered at " } else { ", " })?;
            match times {
                1 => write!(f, "{place}")?,
                _ => write!(f, "{place} ({times} times)")?,
            }
        }
        match self.places.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            1 => f.write_str(", and at one more place"),
            more => write!(f, ", and at {more} more places"),
        }
    }
}

impl fmt::Debug for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Leak({self})")
    }
}

/// Takes a leak that no listener was there for.
#[cfg(not(feature = "std"))]
pub(crate) fn report(_: &Leak) {}

#[cfg(feature = "std")]
pub use hook::on_leak;
#[cfg(feature = "std")]
pub(crate) use hook::report;

#[cfg(feature = "std")]
mod hook {
    use alloc::rc::Rc;
    use core::cell::RefCell;
    use std::io::Write;

    use super::Leak;

    type Hook = Rc<dyn Fn(&Leak)>;

    std::thread_local! {
        static HOOK: RefCell<Option<Hook>> = const { RefCell::new(None) };
    }

    /// Sets who is told of suspiciously many listeners on this thread, where the emitter has no
    /// [`ListenerLeak`](crate::events::ListenerLeak) listener. Until then it is a line on the standard error.
    ///
    /// The hook may do anything, which includes to emit, to listen, and to set another hook.
    ///
    /// ```
    /// use onward::emitter::on_leak;
    /// use onward::{Emitter, Watching, events};
    /// # use std::{cell::Cell, rc::Rc};
    ///
    /// events! { Room { Joined(&str) } }
    /// # let told = Rc::new(Cell::new(0));
    /// # let tell = Rc::clone(&told);
    /// # on_leak(move |leak| tell.set(tell.get() + leak.count()));
    /// # let _ = || {
    /// on_leak(|leak| eprintln!("warning: {leak}"));
    /// # };
    ///
    /// let room = Room::new();
    /// room.set_max_listeners(1);
    /// room.on(Joined, |_, _| {});
    /// room.on(Joined, |_, _| {}); // warning: Room has 2 listeners for Joined, ..
    /// # assert_eq!(told.get(), 2);
    /// ```
    pub fn on_leak(hook: impl Fn(&Leak) + 'static) {
        let old = HOOK.replace(Some(Rc::new(hook)));
        drop(old); // no borrow is held while it goes
    }

    /// Takes a leak that no listener was there for.
    pub(crate) fn report(leak: &Leak) {
        match HOOK.try_with(|hook| hook.borrow().clone()) {
            Ok(Some(hook)) => hook(leak),
            // Nobody can be told that nobody can be told.
            _ => drop(writeln!(std::io::stderr(), "onward: {leak}")),
        }
    }
}
