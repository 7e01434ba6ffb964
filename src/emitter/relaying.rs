//! Relays: one emitter raises what another one does.

use alloc::boxed::Box;
use alloc::rc::{Rc, Weak};
use core::cell::Cell;
use core::fmt;
use core::panic::Location;

use super::emission::Emitted;
use super::event::{Declared, Event};
use super::list::Place;
use super::listener::{Listener, Off, Subscription, serial};
use super::slot::{Slot, Verdict};
use super::special::Watch;
use super::spot::Spot;
use super::subscribing::Emitter;

/// An emitter that can be held weakly: what either end of a [relay](crate::Routing::relay) has to be.
///
/// Types made by [`events!`](crate::events!) are, and so are sockets, servers and streams. For a handle
/// of your own:
///
/// ```
/// use std::rc::Rc;
///
/// use onward::emitter::Downgrade;
/// use onward::{Emitter, EventEmitter, Listeners, events};
///
/// #[derive(Clone, Default)]
/// struct Door(Rc<EventEmitter<Door>>);
///
/// events! { for Door { Opened(&str) } }
///
/// impl Emitter for Door {
///     fn listeners(&self) -> &Listeners<Door> {
///         &self.0
///     }
/// }
///
/// impl Downgrade for Door {
///     fn downgrade(&self) -> impl Fn() -> Option<Door> + 'static {
///         let door = Rc::downgrade(&self.0);
///         move || door.upgrade().map(Door)
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be held weakly",
    label = "not `Downgrade`",
    note = "a relay keeps neither of its ends alive; implement `onward::emitter::Downgrade`"
)]
pub trait Downgrade: Declared {
    /// Gives a closure that gives this emitter as long as it lives, and does not keep it alive.
    fn downgrade(&self) -> impl Fn() -> Option<Self> + 'static;
}

/// An emitter whose events everyone may raise: what a [relay](crate::Routing::relay) leads to.
///
/// Types made by [`events!`](crate::events!) are. One that raises its events itself is not; lead to it by
/// [`relay_with`](crate::Routing::relay_with), from where you may raise them.
#[diagnostic::on_unimplemented(
    message = "only `{Self}` itself raises its events",
    label = "not `Raise`",
    note = "`relay_with` takes a closure that is handed the emitter"
)]
pub trait Raise: Downgrade + Emitter {
    /// Calls the listeners of `event`.
    fn raise<E: Event<Self>>(&self, event: E, payload: E::Payload<'_>) -> Emitted;
}

/// An event of `B` to which a [relay](crate::Routing::relay) leads: one that `B` declares. Of a
#[cfg_attr(feature = "named", doc = "[`NamedEmitter`](super::named::NamedEmitter),")]
#[cfg_attr(not(feature = "named"), doc = "`NamedEmitter` (with the feature `named`),")]
/// a name or a key. Nothing else implements it.
#[diagnostic::on_unimplemented(
    message = "`{B}` never emits `{Self}`",
    label = "not an event of `{B}`",
    note = "`onward::events!` declares what an emitter emits"
)]
pub trait EventOf<B>: 'static {
    #[doc(hidden)]
    fn end(self) -> Box<dyn End<B>>;
}

/// An [event](EventOf) of `B` that everyone may raise.
#[diagnostic::on_unimplemented(
    message = "only `{B}` itself raises its events",
    label = "`{B}` is not `Raise`",
    note = "`relay_with` takes a closure that is handed the emitter"
)]
pub trait RaisedBy<B>: EventOf<B> + Clone {
    /// What it carries.
    type Payload<'a>;

    #[doc(hidden)]
    fn raise(&self, target: &B, payload: Self::Payload<'_>) -> Emitted;
}

/// The end of a relay.
#[allow(unnameable_types, private_interfaces, reason = "for relays alone")]
pub trait End<B> {
    /// How many listeners there are.
    fn count(&self, target: &B) -> usize;
    /// Has `watch` told when that changes from none to some, or back, and keeps it.
    fn watch(&self, target: &B, watch: Rc<dyn Watch>);
    /// One of those that watch is over.
    fn released(&self, target: &B);
}

impl<B: Emitter, E: Event<B>> EventOf<B> for E {
    fn end(self) -> Box<dyn End<B>> {
        Box::new(Typed(self))
    }
}

impl<B: Raise, E: Event<B>> RaisedBy<B> for E {
    type Payload<'a> = <E as Event<B>>::Payload<'a>;

    fn raise(&self, target: &B, payload: Self::Payload<'_>) -> Emitted {
        target.raise(*self, payload)
    }
}

struct Typed<E>(E);

impl<B: Emitter, E: Event<B>> End<B> for Typed<E> {
    fn count(&self, target: &B) -> usize {
        target.listener_count(self.0)
    }

    fn watch(&self, target: &B, watch: Rc<dyn Watch>) {
        target.listeners().watch(self.0, watch);
    }

    fn released(&self, _: &B) {}
}

/// A relay from one emitter to another. Inert: dropping it ends nothing.
///
/// It keeps neither emitter alive, and ends with either of them, by [`end`](Self::end), or when its listener is
/// removed as all of the source's are.
#[derive(Clone)]
pub struct Relay(Weak<dyn Link>);

trait Link: Off + Watch {
    fn end(&self) -> bool;
    fn is_active(&self) -> bool;
    /// Somebody else has removed its listener, the `number`-th: that ends it.
    fn lost(&self, number: u64);
    fn as_off(self: Rc<Self>) -> Weak<dyn Off>;
}

impl Relay {
    /// Ends it. Says whether it was there still.
    ///
    /// ```
    /// # use onward::{Emitter, Routing, events};
    /// # events! { Room { Said(&str) } }
    /// let (kitchen, hall) = (Room::new(), Room::new());
    /// let relay = kitchen.relay(Said, &hall, Said);
    /// assert!(relay.end());
    /// assert!(!relay.end());
    /// ```
    #[allow(clippy::must_use_candidate, reason = "it is called for what it does")]
    pub fn end(&self) -> bool {
        self.0.upgrade().is_some_and(|link| link.end())
    }

    /// Does it listen? It does while its target has listeners.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.0.upgrade().is_some_and(|link| link.is_active())
    }

    /// Has it end when the subscription is dropped, as listeners can. The subscription's own
    /// [`listener`](Subscription::listener) names nobody: the relay's comes and goes.
    ///
    /// ```
    /// # use onward::{Emitter, Routing, events};
    /// # events! { Room { Said(&str) } }
    /// let (kitchen, hall) = (Room::new(), Room::new());
    /// hall.on(Said, |_, line| println!("{line}"));
    /// let heard = kitchen.relay(Said, &hall, Said).guard();
    /// assert_eq!(kitchen.emit(Said, "dinner!").called, 1);
    /// drop(heard);
    /// assert_eq!(kitchen.emit(Said, "dinner!").called, 0);
    /// ```
    pub fn guard(self) -> Subscription {
        let nobody = Listener { key: 0, serial: serial(), event: 0 };
        Subscription::new(self.0.upgrade().map(Link::as_off), nobody)
    }
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relay").field("active", &self.is_active()).finish()
    }
}

/// A relay that the target's list keeps, as somebody who watches it.
struct State<A: Downgrade, B: Downgrade, X: Spot<A>, F> {
    this: Weak<Self>,
    source: Box<dyn Fn() -> Option<A>>,
    target: Box<dyn Fn() -> Option<B>>,
    event: X,
    end: Box<dyn End<B>>,
    location: &'static Location<'static>,
    /// Away while it runs.
    forward: Cell<Option<F>>,
    /// There is one while the target has listeners.
    listener: Cell<Option<Listener>>,
    /// Of the listener, as long as it is wanted.
    number: Cell<u64>,
    /// It begins or stops to listen, which may run any code of the user's.
    changing: Cell<bool>,
    ended: Cell<bool>,
}

/// What the listener has of its relay. With the listener, it goes.
struct Seat(Weak<dyn Link>, u64);

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(link) = self.0.upgrade() {
            link.lost(self.1);
        }
    }
}

/// Makes a relay. `forward` says what became of the event.
#[track_caller]
pub(super) fn relay<A, X, B, F>(
    source: &A,
    event: X,
    target: &B,
    end: Box<dyn End<B>>,
    forward: F,
) -> Relay
where
    A: Downgrade,
    X: Spot<A> + Clone + 'static,
    B: Downgrade,
    F: for<'a> FnMut(&A, Carried<'a, A, X>, &B) -> Verdict + 'static,
{
    let location = Location::caller();
    let state = Rc::new_cyclic(|this| State {
        this: Weak::clone(this),
        source: Box::new(source.downgrade()),
        target: Box::new(target.downgrade()),
        event,
        end,
        location,
        forward: Cell::new(Some(forward)),
        listener: Cell::new(None),
        number: Cell::new(0),
        changing: Cell::new(false),
        ended: Cell::new(false),
    });
    state.end.watch(target, Rc::clone(&state) as _);
    state.changed();
    let link: Rc<dyn Link> = state;
    Relay(Rc::downgrade(&link))
}

impl<A, X, B, F> State<A, B, X, F>
where
    A: Downgrade,
    X: Spot<A> + Clone + 'static,
    B: Downgrade,
    F: for<'a> FnMut(&A, Carried<'a, A, X>, &B) -> Verdict + 'static,
{
    fn attach(&self, source: &A) {
        let slot = |listener: Listener, location| {
            // From here on it listens; who watches has been told, and may have changed everything, or panicked.
            self.listener.set(Some(listener));
            let this = Weak::clone(&self.this);
            let seat = Seat(Weak::clone(&self.this) as _, self.next_number());
            let forward = move |source: &A, payload: Carried<'_, A, X>| {
                let _ = &seat;
                let Some(this) = this.upgrade() else { return Verdict::Over };
                let Some(target) = (this.target)() else { return Verdict::Over };
                this.pass_on(source, payload, &target)
            };
            Slot::<A, X::Event>::deciding(forward)(listener.key, location)
        };
        self.event.clone().add(source, Place::Back, self.location, slot);
    }

    fn pass_on(&self, source: &A, payload: Carried<'_, A, X>, target: &B) -> Verdict {
        /// Puts the closure back, also after a panic; but for an end.
        struct Back<'a, F>(&'a Cell<Option<F>>, Option<F>, &'a Cell<bool>);
        impl<F> Drop for Back<'_, F> {
            fn drop(&mut self) {
                if self.1.is_some() && !self.2.get() {
                    self.0.set(self.1.take());
                }
            }
        }
        let mut forward = Back(&self.forward, self.forward.take(), &self.ended);
        match &mut forward.1 {
            Some(forward) => forward(source, payload, target),
            // It has ended, and its listener is about to leave.
            None if self.ended.get() => Verdict::Missed,
            // It runs: it was removed meanwhile, and added again, else its list would have known.
            None => Verdict::Busy,
        }
    }

    fn is_wanted(&self) -> bool {
        !self.ended.get() && (self.target)().is_some_and(|target| self.end.count(&target) != 0)
    }

    fn next_number(&self) -> u64 {
        self.number.set(self.number.get() + 1);
        self.number.get()
    }

    fn detach(&self) {
        self.next_number();
        if let Some(listener) = self.listener.take() {
            if let Some(source) = (self.source)() {
                X::off(&source, listener);
            }
        }
    }

    /// It has ended, and its target need not keep it.
    fn release(&self) {
        // What it captured goes now, or when it returns.
        drop(self.forward.take());
        if let Some(target) = (self.target)() {
            self.end.released(&target);
        }
    }
}

impl<A, X, B, F> Watch for State<A, B, X, F>
where
    A: Downgrade,
    X: Spot<A> + Clone + 'static,
    B: Downgrade,
    F: for<'a> FnMut(&A, Carried<'a, A, X>, &B) -> Verdict + 'static,
{
    fn changed(&self) {
        struct Changing<'a>(&'a Cell<bool>);
        impl Drop for Changing<'_> {
            fn drop(&mut self) {
                self.0.set(false);
            }
        }
        if self.changing.replace(true) {
            return; // whoever does it looks again
        }
        let _changing = Changing(&self.changing);
        loop {
            match (self.is_wanted(), self.listener.get().is_some()) {
                (true, false) => {
                    let Some(source) = (self.source)() else { return };
                    self.attach(&source);
                }
                (false, true) => self.detach(),
                _ => return,
            }
        }
    }

    fn is_over(&self) -> bool {
        self.ended.get() || (self.source)().is_none()
    }
}

impl<A, X, B, F> Link for State<A, B, X, F>
where
    A: Downgrade,
    X: Spot<A> + Clone + 'static,
    B: Downgrade,
    F: for<'a> FnMut(&A, Carried<'a, A, X>, &B) -> Verdict + 'static,
{
    fn end(&self) -> bool {
        let there = !self.ended.replace(true) && (self.source)().is_some();
        self.detach();
        self.release();
        there
    }

    fn is_active(&self) -> bool {
        self.listener.get().is_some()
    }

    fn lost(&self, number: u64) {
        if self.number.get() == number {
            self.ended.set(true);
            self.listener.set(None);
            self.release();
        }
    }

    fn as_off(self: Rc<Self>) -> Weak<dyn Off> {
        Rc::<Self>::downgrade(&self)
    }
}

impl<A, X, B, F> Off for State<A, B, X, F>
where
    A: Downgrade,
    X: Spot<A> + Clone + 'static,
    B: Downgrade,
    F: for<'a> FnMut(&A, Carried<'a, A, X>, &B) -> Verdict + 'static,
{
    fn off(&self, _: Listener) -> bool {
        self.end()
    }

    fn block(&self, _: Listener, _: bool) -> bool {
        false
    }
}

/// With its target a relay goes, and takes its listener along.
impl<A: Downgrade, B: Downgrade, X: Spot<A>, F> Drop for State<A, B, X, F> {
    fn drop(&mut self) {
        if let (Some(listener), Some(source)) = (self.listener.take(), (self.source)()) {
            X::off(&source, listener);
        }
    }
}

/// What an event of the source carries.
type Carried<'a, A, X> = <<X as Spot<A>>::Event as Event<A>>::Payload<'a>;
