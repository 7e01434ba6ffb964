//! The emitter whose events are found at run time.

use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::OnceCell;
use core::fmt;

use super::core::{Core, Made};
use super::key::{Find, Key, Select};
use crate::emitter::emission::Emitted;
use crate::emitter::list::Place;
use crate::emitter::listeners::At;
use crate::emitter::options::Options;
#[cfg(feature = "tracing")]
use crate::emitter::spans;
use crate::emitter::tally::Tally;

/// An emitter whose events are names and keys, found at run time, each with a payload type of its own.
///
/// The [module](super) has the guide. A clone shares the listeners; everyone who has one may emit. One pointer
/// wide; what it points to is made for the first listener. It is for one thread, not `Send`.
///
/// ```
/// use onward::emitter::named::{Name, NamedEmitter};
///
/// let emitter = NamedEmitter::new();
/// for topic in ["news", "weather"] {
///     emitter.on(Name::<str>::owned(topic.to_owned()), move |_, text| println!("{topic}: {text}"));
/// }
/// assert!(emitter.emit(&Name::<str>::new("weather"), "fine").handled());
/// assert!(!emitter.emit(&Name::<str>::new("sports"), "1:0").handled());
/// ```
#[doc(alias = "EventEmitter2")]
pub struct NamedEmitter {
    core: Made,
}

impl NamedEmitter {
    /// One that nobody listens to. Allocates nothing.
    pub const fn new() -> Self {
        Self { core: OnceCell::new() }
    }

    /// One that nobody listens to, and that behaves as the options say. What it points to is made at once.
    ///
    /// With [`Removal::Snapshot`](crate::emitter::Removal::Snapshot) the listeners of a name or key are called as it says.
    /// Those of patterns, of which an emit finds one after the other, are not called any more once they are removed.
    ///
    /// ```
    /// use onward::emitter::named::{Name, NamedEmitter};
    /// use onward::emitter::{Options, Removal};
    ///
    /// const CHAT: Name<str> = Name::new("chat");
    ///
    /// let emitter = NamedEmitter::with_options(Options::new().removal(Removal::Snapshot));
    /// emitter.on(CHAT, |emitter, _| emitter.remove_all());
    /// emitter.on(CHAT, |_, line| println!("removed, and called once more: {line}"));
    /// assert_eq!(emitter.emit(CHAT, "hello").called, 2);
    /// assert_eq!(emitter.emit(CHAT, "hello").called, 0);
    /// ```
    pub fn with_options(options: Options<Self>) -> Self {
        Self::of(Core::new(Some(options)))
    }

    /// What it owns, if there ever was a listener.
    pub(super) fn made(&self) -> Option<&Rc<Core>> {
        self.core.get()
    }

    pub(super) fn core(&self) -> &Rc<Core> {
        self.core.get_or_init(|| Core::new(None))
    }

    pub(super) fn of(core: Rc<Core>) -> Self {
        Self { core: OnceCell::from(core) }
    }

    /// Calls the listeners of one event, then those of the patterns that match its name.
    ///
    /// # Ordering
    ///
    /// The listeners of the event run in the order in which they were registered, then those of all patterns in
    /// theirs. All have returned when `emit` does. One added meanwhile is not called; one removed meanwhile, and
    /// not called yet, is not called any more.
    ///
    /// # Re-entrancy
    ///
    /// A listener may do anything with the emitter. One that is running, by [`on`](Self::on), is skipped by an emit
    /// from inside of it, which says so in [`Emitted::skipped`]. A pattern's listener runs for every name that it
    /// matches, so an emit of another such name skips it too.
    ///
    /// # Errors
    ///
    /// None. No name means anything to the emitter, `error` neither: a failure that must not get lost goes by
    /// [`emit_error`](Self::emit_error).
    ///
    /// # Panics
    ///
    /// Only if a listener does, and as for [`EventEmitter::emit`](crate::EventEmitter::emit); or a key's `Eq`, see
    /// [`Key`].
    ///
    /// ```
    /// use onward::emitter::named::{Name, NamedEmitter};
    ///
    /// const CHAT: Name<str> = Name::new("chat");
    ///
    /// let emitter = NamedEmitter::new();
    /// emitter.on(CHAT, |_, line| println!("{line}"));
    /// assert_eq!(emitter.emit(CHAT, "hello").called, 1);
    /// ```
    #[inline(always)]
    pub fn emit<F: Find>(&self, key: F, payload: &<F::Key as Key>::Payload) -> Emitted {
        const { assert!(!<F::Key as Key>::BUILT_IN, "these are raised by the emitter alone") };
        self.emit_by(&key, payload)
    }

    #[inline(always)]
    pub(crate) fn emit_by<F: Find>(&self, key: &F, payload: &<F::Key as Key>::Payload) -> Emitted {
        #[cfg(feature = "tracing")]
        let emitted = {
            let event = key.event_name().unwrap_or_else(|| core::any::type_name::<F::Key>());
            spans::traced("NamedEmitter", event, || self.emit_plain(key, payload))
        };
        #[cfg(not(feature = "tracing"))]
        let emitted = self.emit_plain(key, payload);
        emitted
    }

    #[inline(always)]
    fn emit_plain<F: Find>(&self, key: &F, payload: &<F::Key as Key>::Payload) -> Emitted {
        let Some(core) = self.core.get() else { return Emitted::NOBODY };
        if core.patterns.get() != 0 {
            return self.emit_with_patterns(core, key, payload).into();
        }
        core.emit(self, key, payload)
    }

    #[inline(never)]
    fn emit_with_patterns<F: Find>(
        &self,
        core: &Core,
        key: &F,
        payload: &<F::Key as Key>::Payload,
    ) -> Tally {
        let Some(name) = key.event_name() else { return core.emit(self, key, payload).into() };
        let newest = core.newest();
        let matching = |range| core.emit_matching(self, name, payload, range, newest);
        let intercepted = matching(i64::MIN..Place::LISTENING);
        if intercepted.stopped {
            return intercepted.into();
        }
        let mut emitted = core.emit(self, key, payload);
        emitted.skipped += intercepted.skipped;
        if !emitted.stopped {
            let more = matching(Place::LISTENING..i64::MAX);
            emitted.called += more.called;
            emitted.skipped += more.skipped;
        }
        emitted.into()
    }

    /// How many listeners an event has, those of patterns not counted; or a pattern. Exact at every moment.
    pub fn listener_count<S: Select>(&self, event: S) -> usize {
        let entries = self.core.get().map(|core| event.entries(core)).unwrap_or_default();
        entries.iter().map(|entry| entry.any_list().count()).sum()
    }

    /// The events and patterns that have listeners, in the order in which they came to have them: names and patterns
    /// by their text, other keys as their `Debug` writes them.
    ///
    /// ```
    /// use onward::emitter::named::{Name, NamedEmitter};
    ///
    /// let emitter = NamedEmitter::new();
    /// emitter.on(Name::<str>::new("chat"), |_, _| {});
    /// emitter.on_pattern::<str>("chat.*", |_, _| {})?;
    /// assert_eq!(emitter.event_names(), ["chat", "chat.*"]);
    /// # Ok::<(), onward::emitter::named::BadPattern>(())
    /// ```
    pub fn event_names(&self) -> Vec<String> {
        let events = self.made().map(|core| core.events()).unwrap_or_default();
        events.into_iter().map(|(name, _)| name).collect()
    }
}

/// The clone has the same listeners, those that are added later too.
impl Clone for NamedEmitter {
    fn clone(&self) -> Self {
        Self::of(Rc::clone(self.core()))
    }
}

impl Default for NamedEmitter {
    fn default() -> Self {
        Self::new()
    }
}

/// Lists the events that have listeners: how many, or with `{:#?}` where each was registered.
impl fmt::Debug for NamedEmitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by_place = f.alternate();
        let mut out = f.debug_struct("NamedEmitter");
        for (name, entries) in self.made().map(|core| core.events()).unwrap_or_default() {
            let lists = entries.iter().map(|entry| entry.any_list());
            if by_place {
                out.field(
                    &name,
                    &lists.flat_map(|list| list.locations()).map(At).collect::<Vec<_>>(),
                );
            } else {
                out.field(&name, &lists.map(|list| list.count()).sum::<usize>());
            }
        }
        out.finish()
    }
}
