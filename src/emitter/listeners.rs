//! The subscribing face of an emitter: all but raising events.

use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::cell::{Cell, OnceCell};
use core::fmt;
use core::panic::Location;

use super::any::Any;
use super::core::Core;
use super::emission::Emitted;
use super::event::{Declared, Event};
use super::list::{AnyList, Place};
use super::listener::{Block, Listener, Off, Subscription};
use super::options::Options;
use super::slot::{Slot, Verdict};
#[cfg(feature = "tracing")]
use super::spans;
use super::special::Watch;
use super::subscribing::Emitter;
use super::tally::Tally;

/// The listeners of an `S`: what [`Emitter`](crate::Emitter) works on.
///
/// It is the part of an [`EventEmitter`](crate::EventEmitter) that may be shown to everyone,
/// since it cannot raise an event. Its methods are those of the trait.
///
/// One pointer wide; what it points to is made for the first listener.
pub struct Listeners<S: Declared> {
    core: OnceCell<Rc<Core<S>>>,
}

impl<S: Declared> Listeners<S> {
    pub(super) const fn new() -> Self {
        Self { core: OnceCell::new() }
    }

    pub(super) fn of(core: Rc<Core<S>>) -> Self {
        Self { core: OnceCell::from(core) }
    }

    /// The same listeners once more.
    pub(super) fn share(&self) -> Self {
        Self::of(Rc::clone(self.core()))
    }

    /// What it owns, if there ever was a listener.
    #[inline]
    pub(super) fn made(&self) -> Option<&Rc<Core<S>>> {
        self.core.get()
    }

    pub(super) fn core(&self) -> &Rc<Core<S>> {
        self.core.get_or_init(|| Rc::new(Core::new(None)))
    }

    pub(super) fn with_options(options: Options<S>) -> Self {
        Self::of(Rc::new(Core::new(Some(Rc::new(options)))))
    }

    #[inline(always)]
    pub(super) fn emit<E: Event<S>>(
        &self,
        source: &S,
        event: E,
        payload: E::Payload<'_>,
    ) -> Emitted {
        const { assert!(!E::BUILT_IN, "events that every emitter has are raised by itself alone") };
        Self::traced(event, || self.emit_plain(source, event, payload))
    }

    /// Emits, in a span if somebody collects them.
    #[inline(always)]
    fn traced<E: Event<S>>(_: E, emit: impl FnOnce() -> Emitted) -> Emitted {
        #[cfg(feature = "tracing")]
        return spans::traced(S::NAME, E::NAME, emit);
        #[cfg(not(feature = "tracing"))]
        emit()
    }

    /// Whether anybody has ever listened is found out where this is called.
    #[inline(always)]
    fn emit_plain<E: Event<S>>(&self, source: &S, _: E, payload: E::Payload<'_>) -> Emitted {
        let core = self.made();
        core.map_or(Tally::NOBODY, |core| core.emit::<E>(source, payload)).into()
    }

    /// The same, compiled into where it is called: for the one event of a source that is raised with each message.
    #[cfg_attr(not(feature = "net"), allow(dead_code, reason = "only sockets have such an event"))]
    #[inline(always)]
    pub(crate) fn emit_here<E: Event<S>>(&self, source: &S, event: E, payload: E::Payload<'_>) {
        let core = self.made();
        let emit = || core.map_or(Tally::NOBODY, |core| core.emit_here::<E>(source, payload));
        Self::traced(event, || emit().into());
    }

    /// Has its listeners called by an observer, as long as there is one.
    #[cfg_attr(not(feature = "event-loop"), allow(dead_code, reason = "nobody observes then"))]
    pub(crate) fn observe(&self) {
        // One that comes to be made later finds out by itself.
        self.made().into_iter().for_each(|core| core.observe());
    }

    /// Does anybody hear events that it does not listen for? Or has it not been found out?
    #[cfg_attr(not(feature = "fs"), allow(dead_code, reason = "only files ask"))]
    pub(crate) fn is_overheard(&self) -> bool {
        self.made().is_some_and(|core| core.is_gated())
    }

    pub(super) fn failing(&self) -> Option<&Cell<bool>> {
        self.made().map(|core| &core.failing)
    }

    /// A closure that gives these listeners as long as anybody has them.
    pub(super) fn weak(&self) -> impl Fn() -> Option<Self> + 'static {
        let core = Rc::downgrade(self.core());
        move || core.upgrade().map(Self::of)
    }

    /// Has `watch` told whenever the event comes to have listeners, or to have none.
    pub(super) fn watch<E: Event<S>>(&self, _: E, watch: Rc<dyn Watch>) {
        let core = self.core();
        let list = E::list(core);
        core.configure(list);
        list.watch_count(watch);
    }

    fn lists(&self) -> impl Iterator<Item = &dyn AnyList> {
        let lists = self.made().into_iter().flat_map(|core| core.lists());
        lists.map(|(_, list)| list).filter(|list| list.count() != 0)
    }

    /// Removes all listeners and tells nobody.
    pub(super) fn clear(&self) {
        if let Some(core) = self.made() {
            core.clear();
        }
    }
}

/// What the trait's methods of the same names do.
impl<S: Emitter> Listeners<S> {
    #[track_caller]
    #[inline]
    pub(super) fn add<E: Event<S>>(
        &self,
        source: &S,
        _: E,
        place: Place,
        slot: impl FnOnce(i64, &'static Location<'static>) -> Slot<S, E>,
    ) -> Listener {
        self.core().add(source, place, Location::caller(), slot)
    }

    #[track_caller]
    pub(super) fn on<E: Event<S>>(
        &self,
        source: &S,
        event: E,
        listener: impl for<'a> FnMut(&S, E::Payload<'a>) + 'static,
    ) -> Listener {
        self.add(source, event, Place::Back, Slot::repeated(listener))
    }

    #[track_caller]
    pub(super) fn prepend<E: Event<S>>(
        &self,
        source: &S,
        event: E,
        listener: impl for<'a> FnMut(&S, E::Payload<'a>) + 'static,
    ) -> Listener {
        self.add(source, event, Place::Front, Slot::repeated(listener))
    }

    #[track_caller]
    pub(super) fn once<E: Event<S>>(
        &self,
        source: &S,
        event: E,
        listener: impl for<'a> FnOnce(&S, E::Payload<'a>) + 'static,
    ) -> Listener {
        self.add(source, event, Place::Back, Slot::once(listener))
    }

    #[track_caller]
    pub(super) fn on_reentrant<E: Event<S>>(
        &self,
        source: &S,
        event: E,
        listener: impl for<'a> Fn(&S, E::Payload<'a>) + 'static,
    ) -> Listener {
        self.add(source, event, Place::Back, Slot::reentrant(listener))
    }

    #[track_caller]
    pub(super) fn prepend_once<E: Event<S>>(
        &self,
        source: &S,
        event: E,
        listener: impl for<'a> FnOnce(&S, E::Payload<'a>) + 'static,
    ) -> Listener {
        self.add(source, event, Place::Front, Slot::once(listener))
    }

    #[track_caller]
    pub(super) fn on_group<E: Event<S>>(
        &self,
        source: &S,
        event: E,
        group: i16,
        listener: impl for<'a> FnMut(&S, E::Payload<'a>) + 'static,
    ) -> Listener {
        self.add(source, event, Place::Group(group), Slot::repeated(listener))
    }

    #[track_caller]
    pub(super) fn many<E: Event<S>>(
        &self,
        source: &S,
        event: E,
        times: usize,
        listener: impl for<'a> FnMut(&S, E::Payload<'a>) + 'static,
    ) -> Listener {
        let listener = self.add(source, event, Place::Back, Slot::counted(times.max(1), listener));
        if times == 0 {
            self.off(source, listener);
        }
        listener
    }

    #[track_caller]
    pub(super) fn deciding<E: Event<S>>(
        &self,
        source: &S,
        event: E,
        listener: impl for<'a> FnMut(&S, E::Payload<'a>) -> Verdict + 'static,
    ) -> Listener {
        self.add(source, event, Place::Back, Slot::deciding(listener))
    }

    pub(super) fn block(&self, listener: Listener) -> Block {
        let known = self.core.get().filter(|core| core.block(listener, true));
        let off = |core| -> Weak<dyn Off> { Rc::<Core<S>>::downgrade(core) };
        Block::new(known.map(off), listener)
    }

    pub(super) fn guard(&self, listener: Listener) -> Subscription {
        let off = |core| -> Weak<dyn Off> { Rc::<Core<S>>::downgrade(core) };
        Subscription::new(self.core.get().map(off), listener)
    }

    pub(super) fn off(&self, source: &S, listener: Listener) -> bool {
        self.made().is_some_and(|core| core.remove(Some(source), listener))
    }

    pub(super) fn remove_all(&self, source: &S) {
        if let Some(core) = self.made() {
            core.remove_all(source);
        }
    }

    pub(super) fn remove_all_of<E: Event<S>>(&self, source: &S, _: E) {
        if let Some(core) = self.made() {
            core.remove_all_of::<E>(source);
        }
    }
}

impl<S: Declared> Listeners<S> {
    pub(super) fn listener_count<E: Event<S>>(&self, _: E) -> usize {
        self.made().and_then(|core| E::known(core)).map_or(0, |list| list.count())
    }

    pub(super) fn event_names(&self) -> Vec<&'static str> {
        let any = <Any as Event<S>>::NAME;
        let mut lists: Vec<_> = self.lists().filter(|list| list.name() != any).collect();
        lists.sort_by_key(|list| list.since());
        lists.iter().map(|list| list.name()).collect()
    }

    /// Writes `NAME { Event: 2, .. }`, or where each listener was registered if asked for `{:#?}`.
    pub(super) fn debug(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by_place = f.alternate();
        let mut out = f.debug_struct(name);
        for list in self.lists() {
            if by_place {
                out.field(list.name(), &list.locations().into_iter().map(At).collect::<Vec<_>>());
            } else {
                out.field(list.name(), &list.count());
            }
        }
        out.finish()
    }
}

impl<S: Declared> fmt::Debug for Listeners<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.debug("Listeners", f)
    }
}

/// A location that is written as `file:line:column`.
pub(crate) struct At(pub(crate) &'static Location<'static>);

impl fmt::Debug for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {}", self.0)
    }
}
