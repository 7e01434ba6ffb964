//! The trait by which events are stopped, passed on, or fail.

use core::ops::ControlFlow;

use super::event::Event;
use super::intercepting;
use super::listener::Listener;
use super::subscribing::Emitter;

/// Where events go: the methods that stop them, pass them on to another emitter, or turn a failure into
/// the error event.
///
/// Every [`Emitter`] has them.
pub trait Routing: Emitter {
    /// Adds a listener that runs before all others, may change what a `&mut` payload refers to, and may
    /// stop the emit: if it breaks, nobody after it is called, and [`Emitted::stopped`] says so.
    ///
    /// It is removed, guarded, blocked and counted as any other listener is. It does not count as
    /// called: an emit that only interceptors saw was not handled. Of an owned payload it gets a
    /// clone, if there is anybody after it.
    ///
    /// An interceptor that stops an [`Error`](crate::events::Error) has taken it: it is not unhandled.
    ///
    /// [`Emitted::stopped`]: super::Emitted::stopped
    ///
    /// # Ordering
    ///
    /// Interceptors run in the order in which they were registered, before listeners that were
    /// [prepended](Emitter::prepend). One added during an emit of its event does not run in that emit.
    ///
    /// # Re-entrancy
    ///
    /// As for [`on`](Emitter::on): an emit of the same event from inside of it skips it, and goes on to the
    /// listeners.
    ///
    /// ```
    /// use std::ops::ControlFlow::{Break, Continue};
    ///
    /// use onward::{Emitter, Routing, events};
    ///
    /// events! { Chat { Outgoing(&mut String) } }
    /// let chat = Chat::new();
    /// chat.on(Outgoing, |_, line| println!("{line}"));
    /// chat.intercept(Outgoing, |_, line| {
    ///     if line.contains("password") {
    ///         return Break(());
    ///     }
    ///     line.insert_str(0, "ada: ");
    ///     Continue(())
    /// });
    ///
    /// let mut line = String::from("hello");
    /// assert_eq!(chat.emit(Outgoing, &mut line).called, 1);
    /// assert_eq!(line, "ada: hello");
    /// let emitted = chat.emit(Outgoing, &mut String::from("my password is 1234"));
    /// assert!(emitted.stopped && !emitted.handled());
    /// ```
    #[track_caller]
    fn intercept<E: Event<Self>>(
        &self,
        event: E,
        interceptor: impl for<'a> FnMut(&Self, E::Payload<'a>) -> ControlFlow<()> + 'static,
    ) -> Listener {
        intercepting::intercept(self, event, interceptor)
    }
}

impl<S: Emitter> Routing for S {}
