//! Raising events, from any thread.

use core::fmt;
use core::ops::Deref;

use super::listeners::Listeners;
use super::options::Options;
use crate::emitter::names::{Error, ErrorMonitor};
use crate::emitter::{Declared, Emitted, Event, Unhandled};

/// The listeners of an `S`, and the right to raise its events, for any number of threads.
///
/// A type that emits owns one, and keeps it private; it shows its [`Listeners`] by implementing
/// [`Emitter`](super::Emitter). The declaration is the one that
/// [`onward::EventEmitter`](crate::EventEmitter) takes.
///
/// ```
/// use onward::events;
/// use onward::sync::{Emitter, EventEmitter, Listeners};
///
/// pub struct Door {
///     emitter: EventEmitter<Door>,
/// }
///
/// events! {
///     pub for Door {
///         /// Somebody opened it.
///         Opened(&str),
///     }
/// }
///
/// impl Emitter for Door {
///     fn listeners(&self) -> &Listeners<Door> {
///         &self.emitter
///     }
/// }
///
/// impl Door {
///     pub fn open(&self, who: &str) {
///         self.emitter.emit(self, Opened, who);
///     }
/// }
///
/// let door = Door { emitter: EventEmitter::new() };
/// door.on(Opened, |_, who| println!("{who} came in"));
/// std::thread::scope(|threads| {
///     threads.spawn(|| door.open("ada"));
///     threads.spawn(|| door.open("bob"));
/// });
/// ```
///
/// A clone shares the listeners.
pub struct EventEmitter<S: Declared> {
    listeners: Listeners<S>,
}

impl<S: Declared> EventEmitter<S> {
    /// One that nobody listens to. Allocates nothing.
    pub const fn new() -> Self {
        Self { listeners: Listeners::new() }
    }

    /// One that nobody listens to, and that behaves as the options say.
    ///
    /// It is as small as any, but what it points to is made at once.
    pub fn with_options(options: Options<S>) -> Self {
        Self { listeners: Listeners::with_options(options) }
    }

    /// Calls the listeners of `event`, on this thread. `source` is what each is handed first: the
    /// emitter that the user knows, which owns this.
    ///
    /// A borrowed payload is lent to each listener in turn, a `&mut` one too. An owned one is cloned for all
    /// but the last listener.
    ///
    /// # Ordering
    ///
    /// Listeners run one after another, in the order in which they were registered, and have returned
    /// when `emit` does. One added meanwhile is not called; one removed meanwhile, and not called yet, is
    /// not called any more. What one thread emits, each listener gets in that order.
    ///
    /// # Blocking
    ///
    /// If another thread emits the same event of the same emitter, this waits until it has, unless all the
    /// listeners are [re-entrant](super::Emitter::on_reentrant). See [the module](super#two-threads).
    ///
    /// # Re-entrancy
    ///
    /// As for one thread: an [`on`](super::Emitter::on) listener that is running further out is skipped,
    /// which [`Emitted::skipped`] says. So is one that runs on a thread that waits for this one.
    ///
    /// # Panics
    ///
    /// If a listener does: the panic passes through, the listeners after it are not called,
    /// and the emitter is as good as before, for all threads. Emits of one thread that go round in a circle end in a
    /// panic, too: see [`Options::max_depth`].
    #[inline]
    pub fn emit<E: Event<S>>(&self, source: &S, event: E, payload: E::Payload<'_>) -> Emitted {
        self.listeners.emit(source, event, payload)
    }

    /// Calls the listeners of [`ErrorMonitor`], then those of [`Error`].
    ///
    /// # Errors
    ///
    /// If no [`Error`] listener was called, the error is handed back: somebody has to take it.
    /// This is also so if the only one there is raised the error itself. An interceptor that stops the
    /// error has taken it.
    pub fn emit_error<X: 'static>(&self, source: &S, error: X) -> Result<Emitted, Unhandled<X>>
    where
        Error: for<'a> Event<S, Payload<'a> = &'a X>,
        ErrorMonitor: for<'a> Event<S, Payload<'a> = &'a X>,
    {
        self.emit(source, ErrorMonitor, &error);
        let emitted = self.emit(source, Error, &error);
        if emitted.handled() || emitted.stopped {
            Ok(emitted)
        } else {
            Err(Unhandled::new(S::NAME, error))
        }
    }

    /// Removes all listeners without a word to [`ListenerRemoved`](crate::events::ListenerRemoved): for
    /// a type whose last event has been told. Everyone else has
    /// [`remove_all`](super::Emitter::remove_all).
    ///
    /// ```
    /// use onward::events;
    /// use onward::sync::{Emitter, EventEmitter, Listeners};
    ///
    /// struct Door { emitter: EventEmitter<Door> }
    /// events! { for Door { Opened(), Gone() } }
    /// impl Emitter for Door {
    ///     fn listeners(&self) -> &Listeners<Door> { &self.emitter }
    /// }
    ///
    /// impl Door {
    ///     fn tear_down(&self) {
    ///         self.emitter.emit(self, Gone, ());
    ///         self.emitter.clear(); // nothing comes after that
    ///     }
    /// }
    ///
    /// let door = Door { emitter: EventEmitter::new() };
    /// door.on(Opened, |_, ()| println!("it opens"));
    /// door.tear_down();
    /// assert!(door.event_names().is_empty());
    /// ```
    pub fn clear(&self) {
        self.listeners.clear();
    }

    #[doc(hidden)]
    pub fn weak(&self) -> impl Fn() -> Option<Self> + Send + Sync + use<S> {
        let weak = self.listeners.weak();
        move || weak().map(|listeners| Self { listeners })
    }

    #[doc(hidden)]
    pub fn debug_as(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.debug(name, f)
    }
}

impl<S: Declared> Deref for EventEmitter<S> {
    type Target = Listeners<S>;

    fn deref(&self) -> &Listeners<S> {
        &self.listeners
    }
}

/// The clone has the same listeners, those that are added later too.
impl<S: Declared> Clone for EventEmitter<S> {
    fn clone(&self) -> Self {
        Self { listeners: self.listeners.share() }
    }
}

impl<S: Declared> Default for EventEmitter<S> {
    fn default() -> Self {
        Self::new()
    }
}

/// Lists the events that have listeners: how many, or with `{:#?}` where each was registered.
impl<S: Declared> fmt::Debug for EventEmitter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.debug("EventEmitter", f)
    }
}
