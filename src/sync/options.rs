//! What an emitter can be asked to do in another way than emitters usually do.

use core::any::Any;
use core::fmt;
use core::marker::PhantomData;
use core::panic::Location;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::primitives::{Mark, is_marked, mark};
use crate::emitter::watches::is_too_deep;
use crate::emitter::{Declared, Event, ListenerPanic};

type Hook<S> = Box<dyn Fn(&S, ListenerPanic) + Send + Sync>;

/// How an emitter is to behave, for [`EventEmitter::with_options`](super::EventEmitter::with_options) and
/// the `with_options` of types that [`events!`](crate::events!) makes.
///
/// It is [`onward::emitter::Options`](crate::emitter::Options) with a report that any thread may call. There is no
/// `removal`: see [the module](super#what-there-is-not).
///
/// ```
/// use onward::events;
/// use onward::sync::{Emitter, Options};
///
/// events! { sync Room { Closed() } }
/// let report = |_: &Room, panic| eprintln!("{panic}");
/// let room = Room::with_options(Options::new().isolate_panics(report).max_depth(32));
/// room.on(Closed, |_, ()| panic!("the lock is stuck"));
/// room.on(Closed, |_, ()| println!("good night"));
/// assert_eq!(room.emit(Closed, ()).called, 2);
/// ```
pub struct Options<S: Declared> {
    max_depth: u32,
    on_panic: Option<Hook<S>>,
    emitter: PhantomData<fn(&S)>,
}

impl<S: Declared> Options<S> {
    /// As deep as for one thread.
    pub(super) const MAX_DEPTH: u32 = crate::emitter::Options::<S>::MAX_DEPTH;

    /// Those that an emitter has if it was given none.
    #[must_use]
    pub const fn new() -> Self {
        Self { max_depth: Self::MAX_DEPTH, on_panic: None, emitter: PhantomData }
    }

    /// How deep emits may be nested: 128, if it is not set.
    ///
    /// Emits of one thread that call each other in a circle, over one emitter or several, end in a panic instead of
    /// an overflow of the stack, which could not be caught. It names the events of the circle:
    ///
    /// ```
    /// use std::panic::{AssertUnwindSafe, catch_unwind};
    ///
    /// use onward::events;
    /// use onward::sync::{Emitter, Options};
    ///
    /// events! { sync Room { Said(&str), Echoed(&str) } }
    /// let room = Room::with_options(Options::new().max_depth(8));
    /// room.on_reentrant(Said, |room, line| { room.emit(Echoed, line); });
    /// room.on_reentrant(Echoed, |room, line| { room.emit(Said, line); });
    ///
    /// let panic = catch_unwind(AssertUnwindSafe(|| room.emit(Said, "oh"))).unwrap_err();
    /// let text = panic.downcast_ref::<String>().unwrap();
    /// assert!(text.contains("Room.Said > Room.Echoed > Room.Said"), "{text}");
    /// ```
    ///
    /// Only emits from inside of an emit of the same event, of the same emitter, on the same thread, count: the others
    /// cannot go on for ever. All of a thread count together, with those of emitters for one thread.
    #[must_use]
    pub fn max_depth(mut self, depth: u32) -> Self {
        self.max_depth = depth;
        self
    }

    /// Has a listener that panics not disturb the others: its panic is caught and given to `report`, with the
    /// emitter, on the thread that emits, and the listeners after it are called. The listener counts as called, and
    /// stays unless it was for one time. An [interceptor](super::Routing::intercept) has let the event pass, and does
    /// not count.
    ///
    /// # Re-entrancy
    ///
    /// `report` may do anything with the emitter, raise an error event say. The listener that panicked counts
    /// as running as long: an emit of the same event from there skips it.
    ///
    /// # Panics
    ///
    /// What panics on a thread while `report` runs on it is not caught: it passes out of `emit`. So reports cannot
    /// lead to ever more reports. Where panics abort the program there is nothing to be caught.
    ///
    /// ```
    /// use onward::{events, events::Error};
    /// use onward::sync::{Emitter, Options};
    ///
    /// events! { sync Shop { Sold(&str), error String } }
    /// let shop = Shop::with_options(Options::new().isolate_panics(|shop: &Shop, panic| {
    ///     if let Err(unhandled) = shop.emit_error(panic.to_string()) {
    ///         eprintln!("{unhandled}");
    ///     }
    /// }));
    /// shop.on(Error, |_, error| assert!(error.starts_with("a listener for Sold of Shop panicked: no paper")));
    /// shop.on(Sold, |_, _| panic!("no paper"));
    /// shop.on(Sold, |_, what| println!("thank you for buying {what}"));
    /// assert_eq!(shop.emit(Sold, "a hat").called, 2);
    /// ```
    #[must_use]
    pub fn isolate_panics(
        mut self,
        report: impl Fn(&S, ListenerPanic) + Send + Sync + 'static,
    ) -> Self {
        self.on_panic = Some(Box::new(report));
        self
    }

    /// As deep as emits may be nested.
    pub(super) fn depth(&self) -> u32 {
        self.max_depth
    }

    /// Do emits have more to do than to call listeners?
    pub(super) fn are_special(&self) -> bool {
        self.on_panic.is_some()
    }

    /// By what it is told from others that report on this thread.
    fn id(&self) -> usize {
        core::ptr::from_ref(self) as usize
    }

    /// Calls a listener. What it panics with, if panics are to be caught.
    pub(super) fn catch<R>(&self, call: impl FnOnce() -> R) -> Result<R, Box<dyn Any + Send>> {
        if self.on_panic.is_none() || is_marked(self.id(), Mark::Reporting) {
            return Ok(call());
        }
        // An emit leaves nothing half done when it is left by a panic; for what is the user's, the user has
        // asked for it.
        catch_unwind(AssertUnwindSafe(call))
    }

    /// Reports what was caught.
    pub(super) fn report<E: Event<S>>(
        &self,
        source: &S,
        location: &'static Location<'static>,
        payload: Box<dyn Any + Send>,
    ) {
        if is_too_deep() {
            // Each emit of a circle would go on with its other listeners, and begin the circle anew.
            resume_unwind(payload);
        }
        let Some(hook) = &self.on_panic else { return };
        let _reporting = mark(self.id(), Mark::Reporting);
        hook(source, ListenerPanic::new::<S, E>(location, payload));
    }
}

impl<S: Declared> Default for Options<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Declared> fmt::Debug for Options<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("max_depth", &self.max_depth)
            .field("isolate_panics", &self.on_panic.is_some())
            .finish()
    }
}
