//! What an emitter can be asked to do in another way than emitters usually do.

#[cfg(feature = "std")]
use alloc::boxed::Box;
#[cfg(feature = "std")]
use core::cell::Cell;
use core::fmt;
use core::marker::PhantomData;

use super::event::Declared;
#[cfg(feature = "std")]
use super::isolation::{Hook, ListenerPanic};

/// What becomes of a listener that is removed during an emit of its event, before its turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Removal {
    /// It is not called any more: removed means removed. What it captured is dropped at once.
    #[default]
    Immediate,
    /// It is called by the emits that began before it was removed, once by each, as Node does: an emit
    /// calls those that were there when it began. What it captured is dropped when the outermost of
    /// these has ended.
    Snapshot,
}

/// How an emitter is to behave, for [`EventEmitter::with_options`](crate::EventEmitter::with_options) and
/// the `with_options` of types that [`events!`](crate::events!) makes.
///
/// An emitter without options, or with those of `Options::new()`, is an emitter as any other.
///
/// ```
/// use onward::emitter::{Options, Removal};
/// use onward::{Emitter, events};
///
/// events! { Room { Closed() } }
/// let room = Room::with_options(Options::new().removal(Removal::Snapshot).max_depth(32));
/// room.on(Closed, |room, ()| room.remove_all());
/// room.on(Closed, |_, ()| println!("removed, and called once more"));
/// assert_eq!(room.emit(Closed, ()).called, 2);
/// assert_eq!(room.emit(Closed, ()).called, 0);
/// ```
pub struct Options<S: Declared> {
    pub(super) removal: Removal,
    pub(super) max_depth: u32,
    #[cfg(feature = "std")]
    pub(super) on_panic: Option<Hook<S>>,
    #[cfg(feature = "std")]
    pub(super) reporting: Cell<bool>,
    emitter: PhantomData<fn(&S)>,
}

impl<S: Declared> Options<S> {
    /// As many emits may be under way inside of one another, unless [`max_depth`](Self::max_depth) says
    /// otherwise. A thread's stack of 2 MiB leaves 16 KiB for each.
    pub(crate) const MAX_DEPTH: u32 = 128;

    /// Those that an emitter has if it was given none.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            removal: Removal::Immediate,
            max_depth: Self::MAX_DEPTH,
            #[cfg(feature = "std")]
            on_panic: None,
            #[cfg(feature = "std")]
            reporting: Cell::new(false),
            emitter: PhantomData,
        }
    }

    /// What becomes of a listener that is removed during an emit of its event.
    /// [`Removal::Immediate`], if it is not set.
    #[must_use]
    pub fn removal(mut self, removal: Removal) -> Self {
        self.removal = removal;
        self
    }

    /// How deep emits may be nested: 128, if it is not set.
    ///
    /// Emits that call each other in a circle, over one emitter or several, end in a panic instead of an
    /// overflow of the stack, which could not be caught. It names the events of the circle:
    ///
    /// ```
    /// use std::panic::{AssertUnwindSafe, catch_unwind};
    ///
    /// use onward::emitter::Options;
    /// use onward::{Emitter, events};
    ///
    /// events! { Room { Said(&str), Echoed(&str) } }
    /// let room = Room::with_options(Options::new().max_depth(8));
    /// room.on_reentrant(Said, |room, line| { room.emit(Echoed, line); });
    /// room.on_reentrant(Echoed, |room, line| { room.emit(Said, line); });
    ///
    /// let panic = catch_unwind(AssertUnwindSafe(|| room.emit(Said, "oh"))).unwrap_err();
    /// let text = panic.downcast_ref::<String>().unwrap();
    /// # if cfg!(feature = "std") {
    /// assert!(text.contains("Room.Said > Room.Echoed > Room.Said"), "{text}");
    /// # }
    /// ```
    ///
    /// Only emits from inside of an emit of the same event, of the same emitter, count: the others cannot go
    /// on for ever. With the feature `std` all of a thread count together; without it those of each event do,
    /// and only that event is named.
    #[must_use]
    pub fn max_depth(mut self, depth: u32) -> Self {
        self.max_depth = depth;
        self
    }

    /// Has a listener that panics not disturb the others: its panic is caught and given to `report`, with the
    /// emitter, and the listeners after it are called. The listener counts as called, and stays unless it was
    /// for one time. An [interceptor](crate::Routing::intercept) has let the event pass, and does not count.
    ///
    /// # Re-entrancy
    ///
    /// `report` may do anything with the emitter, raise an error event say. The listener that panicked counts
    /// as running as long: an emit of the same event from there skips it.
    ///
    /// # Panics
    ///
    /// What panics while `report` runs is not caught: it passes out of `emit`. So reports cannot lead to ever
    /// more reports. Where panics abort the program there is nothing to be caught.
    ///
    /// ```
    /// use onward::emitter::Options;
    /// use onward::{Emitter, events, events::Error};
    ///
    /// events! { Shop { Sold(&str), error String } }
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
    #[cfg(feature = "std")]
    #[must_use]
    pub fn isolate_panics(mut self, report: impl Fn(&S, ListenerPanic) + 'static) -> Self {
        self.on_panic = Some(Box::new(report));
        self
    }

    /// Do emits have to take the longer way?
    pub(super) fn are_special(&self) -> bool {
        self.removal != Removal::Immediate || self.isolates()
    }

    #[cfg(feature = "std")]
    fn isolates(&self) -> bool {
        self.on_panic.is_some()
    }

    #[cfg(not(feature = "std"))]
    #[allow(clippy::unused_self, reason = "its twin above uses it")]
    fn isolates(&self) -> bool {
        false
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
            .field("removal", &self.removal)
            .field("max_depth", &self.max_depth)
            .field("isolate_panics", &self.isolates())
            .finish()
    }
}
