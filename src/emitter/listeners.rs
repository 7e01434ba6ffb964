//! The subscribing face of an emitter: all but raising events.

use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::cell::{Cell, OnceCell};
use core::fmt;
use core::panic::Location;

use super::emission::Emitted;
use super::event::{Declared, Event, Table};
use super::list::{AnyList, Place, RawList};
use super::listener::{Block, Listener, Off, Subscription, serial};
use super::options::Options;
use super::slot::{Slot, Verdict};
#[cfg(feature = "tracing")]
use super::spans;
use super::special::Watch;

/// The listeners of an `S`: what [`Emitter`](crate::Emitter) works on.
///
/// It is the part of an [`EventEmitter`](crate::EventEmitter) that may be shown to everyone,
/// since it cannot raise an event. Its methods are those of the trait.
///
/// One pointer wide; what it points to is made for the first listener.
pub struct Listeners<S: Declared> {
    core: OnceCell<Rc<Core<S>>>,
}

struct Core<S: Declared> {
    serial: u32,
    /// Counts registrations: the number of each is its key, and its age.
    registrations: Cell<i64>,
    table: S::Table,
    options: Option<Rc<Options<S>>>,
    /// An error of a listener is being raised.
    failing: Cell<bool>,
}

impl<S: Declared> Listeners<S> {
    pub(super) const fn new() -> Self {
        Self { core: OnceCell::new() }
    }

    /// The same listeners once more.
    pub(super) fn share(&self) -> Self {
        Self { core: OnceCell::from(Rc::clone(self.core())) }
    }

    /// The table, if there ever was a listener.
    #[inline]
    pub(super) fn table(&self) -> Option<&S::Table> {
        self.core.get().map(|core| &core.table)
    }

    fn core(&self) -> &Rc<Core<S>> {
        self.core.get_or_init(|| Rc::new(Core::new(None)))
    }

    pub(super) fn with_options(options: Options<S>) -> Self {
        Self { core: OnceCell::from(Rc::new(Core::new(Some(Rc::new(options))))) }
    }

    #[inline(always)]
    pub(super) fn emit<E: Event<S>>(
        &self,
        source: &S,
        event: E,
        payload: E::Payload<'_>,
    ) -> Emitted {
        #[cfg(feature = "tracing")]
        let emitted = spans::traced(S::NAME, E::NAME, || self.emit_plain(source, event, payload));
        #[cfg(not(feature = "tracing"))]
        let emitted = self.emit_plain(source, event, payload);
        emitted
    }

    #[inline(always)]
    fn emit_plain<E: Event<S>>(&self, source: &S, _: E, payload: E::Payload<'_>) -> Emitted {
        match self.table() {
            Some(table) => E::list(table).emit(source, payload),
            None => Emitted::NOBODY,
        }
    }

    pub(super) fn failing(&self) -> Option<&Cell<bool>> {
        self.core.get().map(|core| &core.failing)
    }

    /// A closure that gives these listeners as long as anybody has them.
    pub(super) fn weak(&self) -> impl Fn() -> Option<Self> + 'static {
        let core = Rc::downgrade(self.core());
        move || Some(Self { core: OnceCell::from(core.upgrade()?) })
    }

    /// Has `watch` told whenever the event comes to have listeners, or to have none.
    pub(super) fn watch<E: Event<S>>(&self, _: E, watch: Rc<dyn Watch>) {
        let core = self.core();
        let list = E::list(&core.table);
        if let Some(options) = &core.options {
            list.configure(options);
        }
        list.watch(watch);
    }

    fn lists(&self) -> impl Iterator<Item = &dyn AnyList> {
        self.table().into_iter().flat_map(|table| (0..).map_while(|index| table.list(index)))
    }

    #[track_caller]
    pub(super) fn add<E: Event<S>>(
        &self,
        event: E,
        place: Place,
        slot: impl FnOnce(i64, &'static Location<'static>) -> Slot<S, E>,
    ) -> Listener {
        self.add_at(event, place, slot, Location::caller())
    }

    #[inline]
    pub(super) fn add_at<E: Event<S>>(
        &self,
        _: E,
        place: Place,
        slot: impl FnOnce(i64, &'static Location<'static>) -> Slot<S, E>,
        location: &'static Location<'static>,
    ) -> Listener {
        let core = self.core();
        let number = core.registrations.get() + 1;
        core.registrations.set(number);
        let key = place.key(number);
        if let Some(options) = &core.options {
            E::list(&core.table).configure(options);
        }
        E::list(&core.table).add(number, key, || slot(key, location));
        Listener { key, serial: core.serial, event: E::INDEX.into() }
    }
}

/// What the trait's methods of the same names do.
impl<S: Declared> Listeners<S> {
    #[track_caller]
    pub(super) fn on<E: Event<S>>(
        &self,
        event: E,
        listener: impl for<'a> FnMut(&S, E::Payload<'a>) + 'static,
    ) -> Listener {
        self.add(event, Place::Back, Slot::repeated(listener))
    }

    #[track_caller]
    pub(super) fn prepend<E: Event<S>>(
        &self,
        event: E,
        listener: impl for<'a> FnMut(&S, E::Payload<'a>) + 'static,
    ) -> Listener {
        self.add(event, Place::Front, Slot::repeated(listener))
    }

    #[track_caller]
    pub(super) fn once<E: Event<S>>(
        &self,
        event: E,
        listener: impl for<'a> FnOnce(&S, E::Payload<'a>) + 'static,
    ) -> Listener {
        self.add(event, Place::Back, Slot::once(listener))
    }

    #[track_caller]
    pub(super) fn on_reentrant<E: Event<S>>(
        &self,
        event: E,
        listener: impl for<'a> Fn(&S, E::Payload<'a>) + 'static,
    ) -> Listener {
        self.add(event, Place::Back, Slot::reentrant(listener))
    }

    #[track_caller]
    pub(super) fn prepend_once<E: Event<S>>(
        &self,
        event: E,
        listener: impl for<'a> FnOnce(&S, E::Payload<'a>) + 'static,
    ) -> Listener {
        self.add(event, Place::Front, Slot::once(listener))
    }

    #[track_caller]
    pub(super) fn on_group<E: Event<S>>(
        &self,
        event: E,
        group: i16,
        listener: impl for<'a> FnMut(&S, E::Payload<'a>) + 'static,
    ) -> Listener {
        self.add(event, Place::Group(group), Slot::repeated(listener))
    }

    #[track_caller]
    pub(super) fn many<E: Event<S>>(
        &self,
        event: E,
        times: usize,
        listener: impl for<'a> FnMut(&S, E::Payload<'a>) + 'static,
    ) -> Listener {
        let listener = self.add(event, Place::Back, Slot::counted(times.max(1), listener));
        if times == 0 {
            self.off(listener);
        }
        listener
    }

    #[track_caller]
    pub(super) fn deciding<E: Event<S>>(
        &self,
        event: E,
        listener: impl for<'a> FnMut(&S, E::Payload<'a>) -> Verdict + 'static,
    ) -> Listener {
        self.add(event, Place::Back, Slot::deciding(listener))
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

    pub(super) fn off(&self, listener: Listener) -> bool {
        self.core.get().is_some_and(|core| core.off(listener))
    }

    pub(super) fn remove_all(&self) {
        self.lists().for_each(|list| list.clear());
    }

    pub(super) fn remove_all_of<E: Event<S>>(&self, _: E) {
        if let Some(table) = self.table() {
            E::list(table).clear();
        }
    }

    pub(super) fn listener_count<E: Event<S>>(&self, _: E) -> usize {
        self.table().map_or(0, |table| E::list(table).count())
    }

    pub(super) fn event_names(&self) -> Vec<&'static str> {
        let mut lists: Vec<_> = self.lists().filter(|list| list.count() != 0).collect();
        lists.sort_by_key(|list| list.since());
        lists.iter().map(|list| list.name()).collect()
    }

    /// Writes `NAME { Event: 2, .. }`, or where each listener was registered if asked for `{:#?}`.
    pub(super) fn debug(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by_place = f.alternate();
        let mut out = f.debug_struct(name);
        for list in self.lists().filter(|list| list.count() != 0) {
            if by_place {
                out.field(list.name(), &list.locations().into_iter().map(At).collect::<Vec<_>>());
            } else {
                out.field(list.name(), &list.count());
            }
        }
        out.finish()
    }
}

impl<S: Declared> Core<S> {
    fn new(options: Option<Rc<Options<S>>>) -> Self {
        Self {
            serial: serial(),
            registrations: Cell::new(0),
            table: S::Table::default(),
            options,
            failing: Cell::new(false),
        }
    }

    /// The list that a listener of this emitter stands in.
    #[inline]
    fn list(&self, listener: Listener) -> Option<&RawList> {
        let event =
            u16::try_from(listener.event).ok().filter(|_| listener.serial == self.serial)?;
        self.table.raw(event)
    }
}

impl<S: Declared> Off for Core<S> {
    fn off(&self, listener: Listener) -> bool {
        self.list(listener).is_some_and(|list| list.remove(listener.key))
    }

    fn block(&self, listener: Listener, block: bool) -> bool {
        self.list(listener).is_some_and(|list| list.block(listener.key, block))
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
