//! The subscribing face of an emitter: all but raising events.

use core::fmt;
use core::panic::Location;
use std::sync::{Arc, OnceLock, Weak};

use super::handles::{Block, Off, StillRunning, Subscription};
use super::node::{Owned, Seat};
use super::primitives::{AtomicI64, Ordering};
use super::row::Row;
use crate::emitter::{At, Declared, Event, Family, Listener, Place, Rows, serial};

/// The listeners of an `S`: what [`Emitter`](super::Emitter) works on.
///
/// It is the part of an [`EventEmitter`](super::EventEmitter) that may be shown to everyone,
/// since it cannot raise an event. Its methods are those of the trait.
pub struct Listeners<S: Declared> {
    core: OnceLock<Arc<Core<S>>>,
}

/// The storage of this module.
pub(super) struct Linked;

impl Family for Linked {
    type Row<S: Declared, E: Event<S>> = Row<S, E>;
    type Any = dyn AnyRow;

    fn any<S: Declared, E: Event<S>>(row: &Row<S, E>) -> &(dyn AnyRow + 'static) {
        row
    }
}

struct Core<S: Declared> {
    serial: u32,
    /// Counts how often an event came to have listeners.
    arrivals: AtomicI64,
    rows: S::Rows<Linked>,
}

/// A row whose event is not known: what works on all events of an emitter.
pub(super) trait AnyRow: Send + Sync {
    fn name(&self) -> &'static str;
    fn count(&self) -> usize;
    fn since(&self) -> i64;
    fn locations(&self) -> Vec<&'static Location<'static>>;
    fn remove(&self, number: i64) -> bool;
    fn wait(&self, number: i64) -> bool;
    fn clear(&self);
    fn block(&self, number: i64, block: bool) -> bool;
}

impl<S: Declared, E: Event<S>> AnyRow for Row<S, E> {
    fn name(&self) -> &'static str {
        E::NAME
    }

    fn count(&self) -> usize {
        self.count()
    }

    fn since(&self) -> i64 {
        self.since()
    }

    fn locations(&self) -> Vec<&'static Location<'static>> {
        self.locations()
    }

    fn remove(&self, number: i64) -> bool {
        self.remove(number)
    }

    fn wait(&self, number: i64) -> bool {
        self.wait(number)
    }

    fn clear(&self) {
        self.clear();
    }

    fn block(&self, number: i64, block: bool) -> bool {
        self.block(number, block)
    }
}

impl<S: Declared> Listeners<S> {
    pub(super) const fn new() -> Self {
        Self { core: OnceLock::new() }
    }

    /// The same listeners once more.
    pub(super) fn share(&self) -> Self {
        Self { core: OnceLock::from(Arc::clone(self.core())) }
    }

    /// The listeners of an event, if there ever was a listener of any.
    #[inline]
    pub(super) fn row<E: Event<S>>(&self) -> Option<&Row<S, E>> {
        self.core.get().map(|core| E::row(&core.rows))
    }

    fn core(&self) -> &Arc<Core<S>> {
        self.core.get_or_init(|| {
            Arc::new(Core {
                serial: serial(),
                arrivals: AtomicI64::new(0),
                rows: S::Rows::default(),
            })
        })
    }

    fn rows(&self) -> impl Iterator<Item = &dyn AnyRow> {
        let core = self.core.get().into_iter();
        core.flat_map(|core| (0..).map_while(|index| core.rows.row(index)))
    }

    fn add<E: Event<S>>(
        &self,
        place: Place,
        node: impl FnOnce(i64, i64) -> Owned<S, E>,
    ) -> Listener {
        let core = self.core();
        let since = || core.arrivals.fetch_add(1, Ordering::Relaxed);
        let key = E::row(&core.rows).add(place, since, node);
        Listener { key, serial: core.serial, event: E::INDEX.into() }
    }

    /// Adds a listener that runs once at a time.
    #[track_caller]
    pub(super) fn exclusive<E: Event<S>>(
        &self,
        _: E,
        place: Place,
        listener: impl for<'a> FnMut(&Seat<'_, S, E>, &S, E::Payload<'a>) -> bool + Send + 'static,
    ) -> Listener {
        let here = Location::caller();
        self.add(place, |key, number| Owned::exclusive(listener, key, number, here))
    }

    /// Adds a listener that may run any number of times at once.
    #[track_caller]
    pub(super) fn reentrant<E: Event<S>>(
        &self,
        _: E,
        listener: impl for<'a> Fn(&S, E::Payload<'a>) + Send + Sync + 'static,
    ) -> Listener {
        let here = Location::caller();
        self.add(Place::Back, |key, number| Owned::reentrant(listener, key, number, here))
    }

    pub(super) fn block(&self, listener: Listener) -> Block {
        let known = self.core.get().filter(|core| core.block(listener, true));
        Block::new(known.map(weak), listener)
    }

    pub(super) fn guard(&self, listener: Listener) -> Subscription {
        Subscription::new(self.core.get().map(weak), listener)
    }

    pub(super) fn off(&self, listener: Listener) -> bool {
        self.core.get().is_some_and(|core| core.off(listener))
    }

    pub(super) fn off_and_wait(&self, listener: Listener) -> Result<bool, StillRunning> {
        let Some(row) = self.core.get().and_then(|core| core.row(listener)) else {
            return Ok(false);
        };
        let removed = row.remove(listener.key);
        if row.wait(listener.key) { Ok(removed) } else { Err(StillRunning { removed }) }
    }

    pub(super) fn remove_all(&self) {
        self.rows().for_each(AnyRow::clear);
    }

    pub(super) fn remove_all_of<E: Event<S>>(&self, _: E) {
        if let Some(row) = self.row::<E>() {
            row.clear();
        }
    }

    pub(super) fn listener_count<E: Event<S>>(&self, _: E) -> usize {
        self.row::<E>().map_or(0, Row::count)
    }

    pub(super) fn event_names(&self) -> Vec<&'static str> {
        let mut rows: Vec<_> = self.rows().filter(|row| row.count() != 0).collect();
        rows.sort_by_cached_key(|row| row.since());
        rows.iter().map(|row| row.name()).collect()
    }

    /// Writes `NAME { Event: 2, .. }`, or where each listener was registered if asked for `{:#?}`.
    pub(super) fn debug(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by_place = f.alternate();
        let mut out = f.debug_struct(name);
        for row in self.rows() {
            let places = row.locations();
            if !places.is_empty() && by_place {
                out.field(row.name(), &places.into_iter().map(At).collect::<Vec<_>>());
            } else if !places.is_empty() {
                out.field(row.name(), &places.len());
            }
        }
        out.finish()
    }
}

/// The emitter, as handles know it.
fn weak<S: Declared>(core: &Arc<Core<S>>) -> Weak<dyn Off> {
    Arc::<Core<S>>::downgrade(core)
}

impl<S: Declared> Core<S> {
    /// The row that a listener of this emitter stands in.
    fn row(&self, listener: Listener) -> Option<&dyn AnyRow> {
        let event = u16::try_from(listener.event).ok();
        self.rows.row(event.filter(|_| listener.serial == self.serial)?)
    }
}

impl<S: Declared> Off for Core<S> {
    fn off(&self, listener: Listener) -> bool {
        self.row(listener).is_some_and(|row| row.remove(listener.key))
    }

    fn block(&self, listener: Listener, block: bool) -> bool {
        self.row(listener).is_some_and(|row| row.block(listener.key, block))
    }
}

impl<S: Declared> fmt::Debug for Listeners<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.debug("Listeners", f)
    }
}
