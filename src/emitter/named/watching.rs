//! Who listens, as a whole: suspiciously many listeners, and a picture of all.

use super::emitter::NamedEmitter;
use crate::emitter::dump::{Dump, EventDump};
use crate::emitter::leaks;

/// To watch.
impl NamedEmitter {
    /// Sets how many listeners one name or key may have before it is suspect; 0 for any number. Unless it is set,
    /// [`default_max_listeners`](crate::emitter::default_max_listeners) counts.
    ///
    /// One more than that is said once for each name or key, by the thread's
    #[cfg_attr(feature = "std", doc = "[hook](crate::emitter::on_leak),")]
    #[cfg_attr(not(feature = "std"), doc = "hook (with the feature `std`),")]
    /// with the places where the listeners were registered. Those of patterns are not counted.
    #[cfg_attr(feature = "std", doc = "```")]
    #[cfg_attr(not(feature = "std"), doc = "```ignore")]
    /// use onward::emitter::named::{Name, NamedEmitter};
    /// use onward::emitter::on_leak;
    ///
    /// on_leak(|leak| {
    ///     assert_eq!((leak.emitter(), leak.event(), leak.count()), ("NamedEmitter", "chat", 3));
    /// });
    /// let emitter = NamedEmitter::new();
    /// emitter.set_max_listeners(2);
    /// assert_eq!(emitter.max_listeners(), 2);
    /// for _ in 0..3 {
    ///     emitter.on(Name::<str>::new("chat"), |_, _| {});
    /// }
    /// ```
    pub fn set_max_listeners(&self, listeners: usize) {
        self.core().limit.set(leaks::kept(listeners));
    }

    /// How many listeners one name or key may have before it is suspect; 0 for any number.
    pub fn max_listeners(&self) -> usize {
        leaks::shown(self.made().map_or(0, |core| core.limit.get()))
    }

    /// All listeners as they are now, as [`Watching::dump`](crate::Watching::dump) has them.
    ///
    /// ```
    /// use onward::emitter::named::{Name, NamedEmitter};
    ///
    /// let emitter = NamedEmitter::new();
    /// emitter.once(Name::<str>::new("chat"), |_, _| {});
    /// let dump = emitter.dump();
    /// assert_eq!((dump.events[0].event.as_str(), dump.events[0].listeners.len()), ("chat", 1));
    /// assert!(dump.to_string().starts_with("NamedEmitter\n  chat\n    once, at "));
    /// ```
    pub fn dump(&self) -> Dump {
        let events = self.made().map(|core| core.events()).unwrap_or_default();
        let events = events.into_iter().map(|(event, entries)| {
            let listeners = entries.iter().flat_map(|entry| entry.any_list().standing());
            EventDump { event, listeners: listeners.collect() }
        });
        Dump { emitter: "NamedEmitter", events: events.collect() }
    }
}
