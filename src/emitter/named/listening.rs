//! Adding and removing listeners.

use alloc::rc::{Rc, Weak};
use alloc::string::String;
use core::cell::RefCell;
use core::panic::Location;

use super::core::Core;
use super::emitter::NamedEmitter;
use super::key::{Payload, Select};
use super::pattern::{BadPattern, Pattern};
use crate::emitter::deciding;
use crate::emitter::list::Place;
use crate::emitter::listener::{Block, Listener, Off, Subscription};
use crate::emitter::slot::Slot;

/// To listen.
impl NamedEmitter {
    #[track_caller]
    pub(super) fn add<S: Select>(
        &self,
        event: S,
        place: Place,
        slot: impl FnOnce(i64, &'static Location<'static>) -> Slot<Self, S::Event>,
    ) -> Listener {
        let slot = |listener: Listener, location| slot(listener.key, location);
        self.core().add(self, event, place, Location::caller(), slot)
    }

    /// Adds a listener, after those there are.
    ///
    /// # Re-entrancy
    ///
    /// While it runs, an emit from inside of it skips it. If it shall recurse, use
    /// [`on_reentrant`](Self::on_reentrant).
    ///
    /// ```
    /// use onward::emitter::named::{Name, NamedEmitter};
    ///
    /// let (emitter, mut lines) = (NamedEmitter::new(), 0);
    /// emitter.on(Name::<str>::new("chat"), move |_, line| {
    ///     lines += 1;
    ///     println!("{lines}: {line}");
    /// });
    /// ```
    #[track_caller]
    pub fn on<S: Select>(
        &self,
        event: S,
        listener: impl for<'a> FnMut(&Self, Payload<'a, S>) + 'static,
    ) -> Listener {
        self.add(event, Place::Back, Slot::repeated(listener))
    }

    /// Adds a listener in front of those there are.
    #[track_caller]
    pub fn prepend<S: Select>(
        &self,
        event: S,
        listener: impl for<'a> FnMut(&Self, Payload<'a, S>) + 'static,
    ) -> Listener {
        self.add(event, Place::Front, Slot::repeated(listener))
    }

    /// Adds a listener for one time: it is removed, then called. A name that nobody listens to otherwise is gone
    /// with it.
    ///
    /// ```
    /// use onward::emitter::named::{Name, NamedEmitter};
    ///
    /// let (emitter, reply) = (NamedEmitter::new(), Name::<str>::owned(format!("reply-{}", 7)));
    /// emitter.once(&reply, |_, text| println!("{text}"));
    /// assert!(emitter.emit(&reply, "done").handled());
    /// assert!(emitter.event_names().is_empty());
    /// ```
    #[track_caller]
    pub fn once<S: Select>(
        &self,
        event: S,
        listener: impl for<'a> FnOnce(&Self, Payload<'a, S>) + 'static,
    ) -> Listener {
        self.add(event, Place::Back, Slot::once(listener))
    }

    /// Adds a listener that may be called while it runs, an `Fn`.
    #[track_caller]
    pub fn on_reentrant<S: Select>(
        &self,
        event: S,
        listener: impl for<'a> Fn(&Self, Payload<'a, S>) + 'static,
    ) -> Listener {
        self.add(event, Place::Back, Slot::reentrant(listener))
    }

    /// Adds a listener for one time, in front of those there are.
    #[track_caller]
    pub fn prepend_once<S: Select>(
        &self,
        event: S,
        listener: impl for<'a> FnOnce(&Self, Payload<'a, S>) + 'static,
    ) -> Listener {
        self.add(event, Place::Front, Slot::once(listener))
    }

    /// Adds a listener for so many times, as [`Emitter::many`](crate::Emitter::many) does.
    ///
    /// ```
    /// use onward::emitter::named::{Name, NamedEmitter};
    ///
    /// let (emitter, chat) = (NamedEmitter::new(), Name::<str>::new("chat"));
    /// emitter.many(&chat, 2, |_, line| println!("{line}"));
    /// assert_eq!([(); 3].map(|()| emitter.emit(&chat, "hello").called), [1, 1, 0]);
    /// ```
    #[track_caller]
    pub fn many<S: Select>(
        &self,
        event: S,
        times: usize,
        listener: impl for<'a> FnMut(&Self, Payload<'a, S>) + 'static,
    ) -> Listener {
        let listener = self.add(event, Place::Back, Slot::counted(times.max(1), listener));
        if times == 0 {
            self.off(listener);
        }
        listener
    }

    /// Adds a listener to a group, as [`Emitter::on_group`](crate::Emitter::on_group) does: groups run in ascending
    /// order, between what was prepended and the others.
    #[track_caller]
    pub fn on_group<S: Select>(
        &self,
        event: S,
        group: i16,
        listener: impl for<'a> FnMut(&Self, Payload<'a, S>) + 'static,
    ) -> Listener {
        self.add(event, Place::Group(group), Slot::repeated(listener))
    }

    /// Adds a listener that is called, and counted, only when `wanted` says so.
    ///
    /// ```
    /// use onward::emitter::named::{Name, NamedEmitter};
    ///
    /// let (emitter, chat) = (NamedEmitter::new(), Name::<str>::new("chat"));
    /// emitter.on_when(&chat, |_, line| line.ends_with('!'), |_, line| println!("{line}"));
    /// assert_eq!(emitter.emit(&chat, "fire!").called, 1);
    /// assert_eq!(emitter.emit(&chat, "good morning").called, 0);
    /// ```
    #[track_caller]
    pub fn on_when<S: Select>(
        &self,
        event: S,
        wanted: impl for<'a> FnMut(&Self, Payload<'a, S>) -> bool + 'static,
        listener: impl for<'a> FnMut(&Self, Payload<'a, S>) + 'static,
    ) -> Listener {
        let when = deciding::when::<Self, S::Event>(wanted, listener);
        self.add(event, Place::Back, Slot::deciding(when))
    }

    /// Adds a listener that ends with an object, as [`Emitter::on_weak`](crate::Emitter::on_weak) does.
    #[track_caller]
    pub fn on_weak<S: Select, T: ?Sized + 'static>(
        &self,
        event: S,
        object: &Rc<T>,
        listener: impl for<'a> FnMut(&T, &Self, Payload<'a, S>) + 'static,
    ) -> Listener {
        let weak = deciding::weak::<Self, S::Event, T>(object, listener);
        self.add(event, Place::Back, Slot::deciding(weak))
    }

    /// Adds a listener that works on a state it shares with others, and ends with it, as
    /// [`Emitter::on_state`](crate::Emitter::on_state) does.
    ///
    /// ```
    /// use onward::emitter::named::{Name, NamedEmitter};
    /// use std::{cell::RefCell, rc::Rc};
    ///
    /// let (emitter, lines) = (NamedEmitter::new(), Rc::new(RefCell::new(Vec::<String>::new())));
    /// emitter.on_state(Name::<str>::new("chat"), &lines, |lines, _, line| lines.push(line.into()));
    /// emitter.emit(Name::<str>::new("chat"), "hello");
    /// assert_eq!(*lines.borrow(), ["hello"]);
    /// ```
    #[track_caller]
    pub fn on_state<S: Select, T: ?Sized + 'static>(
        &self,
        event: S,
        state: &Rc<RefCell<T>>,
        listener: impl for<'a> FnMut(&mut T, &Self, Payload<'a, S>) + 'static,
    ) -> Listener {
        let state = deciding::state::<Self, S::Event, T>(state, listener);
        self.add(event, Place::Back, Slot::deciding(state))
    }

    /// Adds a listener as [`on`](Self::on) does, which is removed when the subscription is dropped.
    #[track_caller]
    pub fn on_scoped<S: Select>(
        &self,
        event: S,
        listener: impl for<'a> FnMut(&Self, Payload<'a, S>) + 'static,
    ) -> Subscription {
        self.guard(self.on(event, listener))
    }

    /// Adds a listener for all names that a pattern matches: short for [`on`](Self::on) with a [`Pattern`].
    ///
    /// # Errors
    ///
    /// If the text is no pattern; see [`Pattern::new`].
    ///
    /// ```
    /// use onward::emitter::named::NamedEmitter;
    ///
    /// let emitter = NamedEmitter::new();
    /// emitter.on_pattern::<str>("chat.**", |_, (name, line)| println!("{name}: {line}"))?;
    /// assert!(emitter.on_pattern::<str>("chat*", |_, _| {}).is_err());
    /// # Ok::<(), onward::emitter::named::BadPattern>(())
    /// ```
    #[track_caller]
    pub fn on_pattern<T: ?Sized + 'static>(
        &self,
        pattern: &str,
        listener: impl for<'a> FnMut(&Self, (&'a str, &'a T)) + 'static,
    ) -> Result<Listener, BadPattern> {
        let pattern = Pattern::<T>::new(String::from(pattern))?;
        Ok(self.on(pattern, listener))
    }

    /// Has a listener removed when the subscription is dropped, whichever way it was added.
    pub fn guard(&self, listener: Listener) -> Subscription {
        let off = |core| -> Weak<dyn Off> { Rc::<Core>::downgrade(core) };
        Subscription::new(self.made().map(off), listener)
    }

    /// Removes a listener. Says whether it was there: `false` if it has been removed before, has run out, or belongs
    /// to another emitter.
    ///
    /// It is not called any more from here on, and what it captures is dropped before this returns; or, if it is
    /// running, as soon as it returns. An event without listeners takes up no memory.
    ///
    /// It takes as long as to find an event by name, and for each type of key that is in use.
    pub fn off(&self, listener: Listener) -> bool {
        self.made().is_some_and(|core| core.remove(listener))
    }

    /// Blocks a listener as long as the returned [`Block`] lives, as
    /// [`Emitter::block`](crate::Emitter::block) does.
    ///
    /// ```
    /// use onward::emitter::named::{Name, NamedEmitter};
    ///
    /// let (emitter, chat) = (NamedEmitter::new(), Name::<str>::new("chat"));
    /// let listener = emitter.on(&chat, |_, line| println!("{line}"));
    /// let quiet = emitter.block(listener);
    /// assert_eq!(emitter.emit(&chat, "hush").called, 0);
    /// drop(quiet);
    /// assert_eq!(emitter.emit(&chat, "hello").called, 1);
    /// ```
    pub fn block(&self, listener: Listener) -> Block {
        let known = self.made().filter(|core| core.block(listener, true));
        let off = |core| -> Weak<dyn Off> { Rc::<Core>::downgrade(core) };
        Block::new(known.map(off), listener)
    }

    /// Removes all listeners of all events and patterns, as [`off`](Self::off) does.
    pub fn remove_all(&self) {
        if let Some(core) = self.made() {
            core.remove_all();
        }
    }

    /// Removes all listeners of one event, or of one pattern, as [`off`](Self::off) does. The listeners of a name and
    /// those of the patterns that match it are apart.
    ///
    /// ```
    /// use onward::emitter::named::{Name, NamedEmitter, Pattern};
    ///
    /// let emitter = NamedEmitter::new();
    /// emitter.on(Name::<str>::new("chat.ada"), |_, _| {});
    /// emitter.on(Pattern::<str>::new("chat.*")?, |_, _| {});
    /// emitter.remove_all_of(Pattern::<str>::new("chat.*")?);
    /// assert_eq!(emitter.event_names(), ["chat.ada"]);
    /// # Ok::<(), onward::emitter::named::BadPattern>(())
    /// ```
    pub fn remove_all_of<S: Select>(&self, event: S) {
        let Some(core) = self.made() else { return };
        core.remove_all_of(event.entries(core));
    }
}
