//! Raising events.

use alloc::rc::Rc;
use core::fmt;
use core::ops::Deref;

use super::event::{Declared, Event};
use super::listeners::Listeners;
use super::options::Options;
use super::unhandled::Unhandled;
use super::watch::Recall;
use crate::emitter::names::{Error, ErrorMonitor};

/// The listeners of an `S`, and the right to raise its events.
///
/// A type that emits owns one, and keeps it private; it shows its [`Listeners`] by implementing
/// [`Emitter`](crate::Emitter). An emitter that nobody has listened to yet is a null pointer.
///
/// ```
/// use onward::{Emitter, EventEmitter, Listeners, events};
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
/// door.on(Opened, |_, who| assert_eq!(who, "ada"));
/// door.open("ada");
/// ```
///
/// A clone shares the listeners. Like all of this module it is for one thread; it is not `Send`.
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
    /// It is one pointer wide too, but what it points to is made at once.
    pub fn with_options(options: Options<S>) -> Self {
        Self { listeners: Listeners::with_options(options) }
    }

    /// Calls the listeners of `event`. `source` is what each is handed first: the emitter that
    /// the user knows, which owns this.
    ///
    /// A borrowed payload is lent to each listener in turn, a `&mut` one too, so that each sees
    /// what those before it did. An owned one is cloned for all but the last listener.
    ///
    /// # Ordering
    ///
    /// Listeners run in the order in which they were registered, one after another, and all have
    /// returned when `emit` does. One added meanwhile is not called; one removed meanwhile, and
    /// not called yet, is not called any more.
    ///
    /// # Re-entrancy
    ///
    /// A listener may do anything with the emitter, which includes raising the same event. An
    /// [`on`](crate::Emitter::on) listener that is running is skipped by such a nested emit,
    /// which says so in [`Emitted::skipped`].
    ///
    /// # Panics
    ///
    /// Only if a listener does: the panic passes through, the listeners after it are not called,
    /// and the emitter is as good as before.
    #[inline(always)]
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

    #[doc(hidden)]
    pub fn weak(&self) -> impl Fn() -> Option<Self> + 'static {
        let weak = self.listeners.weak();
        move || weak().map(|listeners| Self { listeners })
    }

    /// Removes all listeners without a word to [`ListenerRemoved`](crate::events::ListenerRemoved): for
    /// a type whose last event has been told. Everyone else has
    /// [`remove_all`](crate::Emitter::remove_all).
    ///
    /// ```
    /// use onward::{Emitter, EventEmitter, Listeners, events};
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

    /// A way to find an emitter that is made of its listeners alone.
    #[doc(hidden)]
    pub fn recall_by(&self, make: fn(Self) -> S) -> Recall<S> {
        let core = Rc::downgrade(self.listeners.core());
        Recall::new(move || {
            core.upgrade().map(|core| make(Self { listeners: Listeners::of(core) }))
        })
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

/// What an `emit` did.
///
/// ```
/// use onward::{Emitter, events};
///
/// events! { Room { Joined(&str) } }
/// let room = Room::new();
/// assert!(!room.emit(Joined, "ada").handled());
///
/// room.on(Joined, |room, name| {
///     if name == "ada" {
///         assert_eq!(room.emit(Joined, "her dog").skipped, 1); // this listener is running
///     }
/// });
/// assert_eq!(room.emit(Joined, "ada").called, 1);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Emitted {
    /// How many listeners were called.
    pub called: usize,
    /// How many were not, since they were running: this emit came from inside of them.
    pub skipped: usize,
    /// Did an [interceptor](crate::Routing::intercept) stop it? Then no listener was called.
    pub stopped: bool,
}

impl Emitted {
    pub(super) const NOBODY: Self = Self { called: 0, skipped: 0, stopped: false };

    /// Was any listener called? Interceptors do not count.
    pub fn handled(self) -> bool {
        self.called != 0
    }
}
