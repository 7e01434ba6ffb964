//! Where listeners go: an event as the methods of its emitter take it, be it declared, or found at run time.

use core::panic::Location;

use super::event::{Declared, Event};
use super::list::Place;
use super::listener::{Listener, Subscription};
use super::next::Gone;
use super::slot::Slot;
use super::subscribing::Emitter;

/// An event of `S`.
pub(super) trait Spot<S: Declared> {
    type Event: Event<S>;

    /// Adds a listener, with all that belongs to it.
    fn add(
        self,
        source: &S,
        place: Place,
        location: &'static Location<'static>,
        slot: impl FnOnce(Listener, &'static Location<'static>) -> Slot<S, Self::Event>,
    ) -> Listener;

    fn off(source: &S, listener: Listener) -> bool;

    fn guard(source: &S, listener: Listener) -> Subscription;

    /// What is said if it does not come.
    fn gone(&self) -> Gone;
}

impl<S: Emitter, E: Event<S>> Spot<S> for E {
    type Event = E;

    fn add(
        self,
        source: &S,
        place: Place,
        location: &'static Location<'static>,
        slot: impl FnOnce(Listener, &'static Location<'static>) -> Slot<S, E>,
    ) -> Listener {
        let core = source.listeners().core();
        let slot = |key, location| slot(core.listener::<E>(key), location);
        let listener = core.add(source, place, location, slot);
        source.listener_added(self);
        listener
    }

    fn off(source: &S, listener: Listener) -> bool {
        source.off(listener)
    }

    fn guard(source: &S, listener: Listener) -> Subscription {
        source.guard(listener)
    }

    fn gone(&self) -> Gone {
        Gone::new(S::NAME, E::NAME)
    }
}
