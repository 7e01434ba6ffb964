//! The subscribing face of an emitter: all but raising events.

use core::fmt;
use core::panic::Location;
use std::sync::{Arc, OnceLock, Weak};

use super::core::Core;
use super::handles::{Block, Off, StillRunning, Subscription};
use super::node::{Owned, Seat, Sort, Verdict};
use super::options::Options;
use super::row::Row;
use super::subscribing::Emitter;
use super::watch::Watch;
use crate::emitter::names::{ListenerAdded, ListenerLeak, ListenerRemoved};
use crate::emitter::watches::Any;
#[cfg(feature = "tracing")]
use crate::emitter::watches::traced;
use crate::emitter::{At, Declared, Emitted, Event, Family, Listener, ListenerDump, Place};

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
    type Watch<S: Declared> = Watch<S>;

    fn any<S: Declared, E: Event<S>>(row: &Row<S, E>) -> &(dyn AnyRow + 'static) {
        row
    }

    fn added<S: Declared>(watch: &Watch<S>) -> &Row<S, ListenerAdded> {
        &watch.added
    }

    fn removed<S: Declared>(watch: &Watch<S>) -> &Row<S, ListenerRemoved> {
        &watch.removed
    }

    fn leaks<S: Declared>(watch: &Watch<S>) -> &Row<S, ListenerLeak> {
        &watch.leaks
    }

    fn any_event<S: Declared>(watch: &Watch<S>) -> &Row<S, Any> {
        &watch.any
    }
}

/// A row whose event is not known: what works on all events of an emitter.
pub(super) trait AnyRow: Send + Sync {
    fn name(&self) -> &'static str;
    fn count(&self) -> usize;
    fn since(&self) -> i64;
    fn locations(&self) -> Vec<&'static Location<'static>>;
    fn location(&self, number: i64) -> Option<&'static Location<'static>>;
    fn standing(&self) -> Vec<(i64, ListenerDump)>;
    fn remove(&self, number: i64) -> bool;
    fn wait(&self, number: i64) -> bool;
    fn clear(&self);
    fn block(&self, number: i64, block: bool) -> bool;
    fn set_gated(&self, gated: bool);
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

    fn location(&self, number: i64) -> Option<&'static Location<'static>> {
        self.location(number)
    }

    fn standing(&self) -> Vec<(i64, ListenerDump)> {
        self.standing()
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

    fn set_gated(&self, gated: bool) {
        self.set_gated(gated);
    }
}

impl<S: Declared> Listeners<S> {
    pub(super) const fn new() -> Self {
        Self { core: OnceLock::new() }
    }

    fn of(core: Arc<Core<S>>) -> Self {
        Self { core: OnceLock::from(core) }
    }

    pub(super) fn with_options(options: Options<S>) -> Self {
        Self::of(Arc::new(Core::new(Some(options))))
    }

    /// The same listeners once more.
    pub(super) fn share(&self) -> Self {
        Self::of(Arc::clone(self.core()))
    }

    /// A closure that gives these listeners as long as anybody has them.
    pub(super) fn weak(&self) -> impl Fn() -> Option<Self> + Send + Sync + use<S> {
        let core = Arc::downgrade(self.core());
        move || core.upgrade().map(Self::of)
    }

    /// What it owns, if there ever was a listener.
    #[inline(always)]
    pub(super) fn made(&self) -> Option<&Arc<Core<S>>> {
        self.core.get()
    }

    pub(super) fn core(&self) -> &Arc<Core<S>> {
        self.core.get_or_init(|| Arc::new(Core::new(None)))
    }

    #[inline]
    pub(super) fn emit<E: Event<S>>(
        &self,
        source: &S,
        event: E,
        payload: E::Payload<'_>,
    ) -> Emitted {
        const { assert!(!E::BUILT_IN, "events that every emitter has are raised by itself alone") };
        #[cfg(feature = "tracing")]
        let emitted = traced(S::NAME, E::NAME, || self.emit_plain(source, event, payload));
        #[cfg(not(feature = "tracing"))]
        let emitted = self.emit_plain(source, event, payload);
        emitted
    }

    #[inline(always)]
    fn emit_plain<E: Event<S>>(&self, source: &S, _: E, payload: E::Payload<'_>) -> Emitted {
        match self.made() {
            Some(core) => core.row::<E>().emit(core, source, payload),
            None => Emitted::default(),
        }
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
    /// Adds a listener that runs once at a time.
    #[inline(always)]
    #[track_caller]
    pub(super) fn exclusive<E: Event<S>, K: Sort>(
        &self,
        source: &S,
        _: E,
        place: Place,
        _: K,
        listener: impl for<'a> FnMut(&Seat<'_, S, E>, &S, E::Payload<'a>) -> Verdict + Send + 'static,
    ) -> Listener {
        let here = Location::caller();
        self.core().add(source, Owned::<S, E>::exclusive::<K, _>(listener, here), place)
    }

    /// Adds a listener that may run any number of times at once.
    #[track_caller]
    pub(super) fn reentrant<E: Event<S>>(
        &self,
        source: &S,
        _: E,
        listener: impl for<'a> Fn(&S, E::Payload<'a>) + Send + Sync + 'static,
    ) -> Listener {
        let here = Location::caller();
        self.core().add(source, Owned::<S, E>::reentrant(listener, here), Place::Back)
    }
}

impl<S: Declared> Listeners<S> {
    pub(super) fn block(&self, listener: Listener) -> Block {
        let known = self.made().filter(|core| core.block(listener, true));
        Block::new(known.map(weak), listener)
    }

    pub(super) fn guard(&self, listener: Listener) -> Subscription {
        Subscription::new(self.made().map(weak), listener)
    }

    pub(super) fn off(&self, source: &S, listener: Listener) -> bool {
        self.made().is_some_and(|core| core.remove(Some(source), listener))
    }

    pub(super) fn off_and_wait(
        &self,
        source: &S,
        listener: Listener,
    ) -> Result<bool, StillRunning> {
        let Some(core) = self.made() else { return Ok(false) };
        let removed = core.remove(Some(source), listener);
        let Some((_, row)) = core.row_of(listener) else { return Ok(false) };
        if row.wait(listener.key) { Ok(removed) } else { Err(StillRunning { removed }) }
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

    pub(super) fn listener_count<E: Event<S>>(&self, _: E) -> usize {
        self.made().map_or(0, |core| core.row::<E>().count())
    }

    fn rows(&self) -> impl Iterator<Item = &dyn AnyRow> {
        let rows = self.made().into_iter().flat_map(|core| core.rows());
        rows.map(|(_, row)| row)
    }

    pub(super) fn event_names(&self) -> Vec<&'static str> {
        let any = <Any as Event<S>>::NAME;
        let mut rows: Vec<_> =
            self.rows().filter(|row| row.count() != 0 && row.name() != any).collect();
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

impl<S: Declared> fmt::Debug for Listeners<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.debug("Listeners", f)
    }
}
