//! Interceptors: listeners that come first, and may stop the emit.

use core::ops::ControlFlow;

use super::event::Event;
use super::list::Place;
use super::listener::Listener;
use super::slot::{Slot, Verdict};
use super::subscribing::Emitter;

#[track_caller]
pub(super) fn intercept<S: Emitter, E: Event<S>>(
    source: &S,
    event: E,
    mut interceptor: impl for<'a> FnMut(&S, E::Payload<'a>) -> ControlFlow<()> + 'static,
) -> Listener {
    let deciding = Slot::deciding(move |source: &S, payload: E::Payload<'_>| {
        match interceptor(source, payload) {
            ControlFlow::Continue(()) => Verdict::Missed,
            ControlFlow::Break(()) => Verdict::Stopped,
        }
    });
    let listener = source.listeners().add(source, event, Place::Intercepting, deciding);
    source.listener_added(event);
    listener
}
