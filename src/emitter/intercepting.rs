//! Interceptors: listeners that come first, and may stop the emit.

use core::ops::ControlFlow;

use super::deciding;
use super::event::Event;
use super::list::Place;
use super::listener::Listener;
use super::slot::Slot;
use super::subscribing::Emitter;

#[track_caller]
pub(super) fn intercept<S: Emitter, E: Event<S>>(
    source: &S,
    event: E,
    interceptor: impl for<'a> FnMut(&S, E::Payload<'a>) -> ControlFlow<()> + 'static,
) -> Listener {
    let deciding = Slot::deciding(deciding::intercepting::<S, E>(interceptor));
    let listener = source.listeners().add(source, event, Place::Intercepting, deciding);
    source.listener_added(event);
    listener
}
