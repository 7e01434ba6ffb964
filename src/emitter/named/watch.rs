//! Those who watch: what they are told, and when.
//!
//! The events that every emitter has are keys like any other, which the emitter alone emits.

use alloc::rc::{Rc, Weak};
use alloc::string::String;
use alloc::vec::Vec;
use core::any::TypeId;
use core::panic::Location;

use alloc::collections::BTreeMap;

use super::core::Core;
use super::emitter::NamedEmitter;
use super::entry::Entry;
use super::key::{Key, Select};
use super::ours::Ours;
use crate::emitter::info::ListenerInfo;
use crate::emitter::leaks::Leak;
use crate::emitter::listener::Listener;
use crate::emitter::names::{ListenerAdded, ListenerLeak, ListenerRemoved};
use crate::emitter::watch::Told;

impl Key for ListenerAdded {
    type Payload = ListenerInfo<NamedEmitter>;
    const EQ: Ours<Self> = Ours::YES;
    const BUILT_IN: bool = true;
}

impl Key for ListenerRemoved {
    type Payload = ListenerInfo<NamedEmitter>;
    const EQ: Ours<Self> = Ours::YES;
    const BUILT_IN: bool = true;
}

impl Key for ListenerLeak {
    type Payload = Leak;
    const EQ: Ours<Self> = Ours::YES;
    const BUILT_IN: bool = true;
}

/// Of a [`NamedEmitter`].
impl ListenerInfo<NamedEmitter> {
    /// Is it a listener for this name or key, or of this pattern?
    ///
    /// ```
    /// use onward::emitter::named::{Name, NamedEmitter};
    /// use onward::events::ListenerAdded;
    ///
    /// const CHAT: Name<str> = Name::new("chat");
    ///
    /// let emitter = NamedEmitter::new();
    /// emitter.on(ListenerAdded, |_, added| {
    ///     assert!(added.is(CHAT) && !added.is(Name::<u32>::new("chat")));
    ///     assert_eq!((added.event(), added.others()), ("chat", 0));
    /// });
    /// emitter.on(CHAT, |_, line| println!("{line}"));
    /// ```
    pub fn is<S: Select>(&self, event: S) -> bool {
        self.found.as_deref().is_some_and(|found| event.is(found))
    }

    /// The name or pattern that it is for; of other keys what their `Debug` writes.
    pub fn event(&self) -> &str {
        &self.event
    }
}

/// How a list tells of what is removed by an emit.
struct Teller {
    core: Weak<Core>,
    entry: Weak<dyn Entry>,
}

impl Told<NamedEmitter> for Teller {
    fn gone(&self, source: &NamedEmitter, key: i64, location: &'static Location<'static>) {
        if let (Some(core), Some(entry)) = (self.core.upgrade(), self.entry.upgrade()) {
            core.tell_removed(source, &entry, core.listener(entry.hash(), key), location);
        }
    }
}

impl Core {
    /// Somebody watches: every list is to tell.
    #[cold]
    pub(super) fn watch(&self) {
        if !self.watched.replace(true) {
            self.entries().iter().for_each(|entry| self.link(entry));
        }
    }

    fn link(&self, entry: &Rc<dyn Entry>) {
        let (core, entry_of) = (Weak::clone(self.weak()), Rc::downgrade(entry));
        let teller: Rc<dyn Told<NamedEmitter>> = Rc::new(Teller { core, entry: entry_of });
        entry.any_list().row_or_new();
        entry.any_list().link(&teller);
    }

    /// A listener is about to be added.
    #[cold]
    pub(super) fn announce(
        &self,
        source: &NamedEmitter,
        entry: Rc<dyn Entry>,
        location: &'static Location<'static>,
    ) {
        if self.has(&ListenerAdded) {
            let found = (entry.label(), Rc::clone(&entry).as_any());
            let info = ListenerInfo::found(found, entry.count(self), location, None);
            self.emit(source, &ListenerAdded, &info);
        }
        self.link(&entry);
    }

    /// A listener has been removed.
    #[cold]
    pub(super) fn tell_removed(
        &self,
        source: &NamedEmitter,
        entry: &Rc<dyn Entry>,
        listener: Listener,
        location: &'static Location<'static>,
    ) {
        if self.has(&ListenerRemoved) {
            let found = (entry.label(), Rc::clone(entry).as_any());
            let info = ListenerInfo::found(found, entry.count(self), location, Some(listener));
            self.emit(source, &ListenerRemoved, &info);
        }
    }

    fn has<K: Key>(&self, key: &K) -> bool {
        self.table.entry(key, self.hash(key)).is_some_and(|entry| entry.list.count() != 0)
    }

    /// Each event with its entries: one, or those of a pattern's listeners.
    pub(super) fn events(&self) -> Vec<(String, Vec<Rc<dyn Entry>>)> {
        let mut events: Vec<(String, Vec<Rc<dyn Entry>>)> = Vec::new();
        let mut patterns: BTreeMap<(TypeId, String), usize> = BTreeMap::new();
        for entry in self.entries() {
            let label = entry.label();
            let new = events.len();
            let shared = entry.shared().map(|payload| (payload, label.clone()));
            let at = shared.map_or(new, |pattern| *patterns.entry(pattern).or_insert(new));
            match events.get_mut(at) {
                Some((_, entries)) => entries.push(entry),
                None => events.push((label, [entry].into())),
            }
        }
        events
    }

    /// Removes all listeners; those who are told of it come last.
    pub(super) fn remove_all(&self) {
        if !self.watched.get() || !self.has(&ListenerRemoved) {
            return self.clear();
        }
        let is_told = |entries: &[Rc<dyn Entry>]| {
            entries.iter().any(|entry| ListenerRemoved.is(&*Rc::clone(entry).as_any()))
        };
        let mut events: Vec<_> = self.events().into_iter().map(|(_, entries)| entries).collect();
        events.sort_by_key(|entries| is_told(entries));
        events.iter().for_each(|entries| self.remove_last_first(entries));
    }

    /// Removes all listeners of one event.
    pub(super) fn remove_all_of(&self, entries: Vec<Rc<dyn Entry>>) {
        if self.watched.get() && self.has(&ListenerRemoved) {
            self.remove_last_first(&entries);
        } else {
            self.clear_all(entries);
        }
    }

    /// Each with its own event. One that is added meanwhile stays.
    fn remove_last_first(&self, entries: &[Rc<dyn Entry>]) {
        let standing = |entry: &Rc<dyn Entry>| entry.any_list().standing();
        let mut all: Vec<_> = entries.iter().flat_map(standing).map(|l| l.key).collect();
        all.sort_unstable();
        for key in all.into_iter().rev() {
            // One event's entries have the same hash.
            let hash = entries.first().map_or(0, |entry| entry.hash());
            self.remove(self.listener(hash, key));
        }
    }
}
