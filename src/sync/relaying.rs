//! Relays: one emitter raises what another one does, whatever threads they are used on.
//!
//! A relay is kept by its target, and listens at its source while the target has listeners. Whoever changes them
//! [settles](super::links::Link::settle) what that means for the relays, in the [turn](super::watch::Watch::turn) of the target, and with
//! no lock: to listen and to cease may run any code of the user's. A turn is lent in a circle, so that the relay may
//! be found at it by who has it on loan. That one leaves a word, and goes; who is at it looks again.

use core::fmt;
use core::mem;
use core::panic::Location;
use std::sync::{Arc, Weak};

use super::handles::{Off, Subscription};
use super::kinds::Conditional;
use super::links::{Link, address};
use super::node::{Owned, Seat, Verdict};
use super::primitives::{Mutex, MutexGuard, lock};
use super::subscribing::Emitter;
use crate::emitter::{Emitted, Event, Listener, Place, serial};

/// An emitter that can be held weakly: what either end of a [relay](super::Routing::relay) has to be.
///
/// Types made by `events! { sync Room { .. } }` are. For a handle of your own:
///
/// ```
/// use std::sync::Arc;
///
/// use onward::events;
/// use onward::sync::{Downgrade, Emitter, EventEmitter, Listeners};
///
/// #[derive(Clone, Default)]
/// struct Door(Arc<EventEmitter<Door>>);
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
///     fn downgrade(&self) -> impl Fn() -> Option<Door> + Send + Sync + 'static {
///         let door = Arc::downgrade(&self.0);
///         move || door.upgrade().map(Door)
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be held weakly",
    label = "not `Downgrade`",
    note = "a relay keeps neither of its ends alive; implement `onward::sync::Downgrade`"
)]
pub trait Downgrade: Emitter {
    /// Gives a closure that gives this emitter as long as it lives, on any thread, and does not keep it alive.
    fn downgrade(&self) -> impl Fn() -> Option<Self> + Send + Sync + 'static;
}

/// An emitter whose events everyone may raise: what a [relay](super::Routing::relay) leads to.
///
/// Types made by `events! { sync Room { .. } }` are. One that raises its events itself is not; lead to it by
/// [`relay_with`](super::Routing::relay_with), from where you may raise them.
#[diagnostic::on_unimplemented(
    message = "only `{Self}` itself raises its events",
    label = "not `Raise`",
    note = "`relay_with` takes a closure that is handed the emitter"
)]
pub trait Raise: Downgrade {
    /// Calls the listeners of `event`.
    fn raise<E: Event<Self>>(&self, event: E, payload: E::Payload<'_>) -> Emitted;
}

/// A relay from one emitter to another. Inert: dropping it ends nothing.
///
/// It keeps neither emitter alive, and ends with either of them, by [`end`](Self::end), or when its listener is
/// removed as all of the source's are.
#[derive(Clone)]
pub struct Relay(Weak<dyn Link>);

impl Relay {
    /// Ends it. Says whether it was there still. After this has returned, nothing that this thread emits is passed on,
    /// and what other threads emit from then on is not.
    ///
    /// It waits while another thread adds listeners to the relay's target, or removes them.
    ///
    /// ```
    /// use onward::events;
    /// use onward::sync::{Emitter, Routing};
    ///
    /// events! { sync Room { Said(&str) } }
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
    /// use onward::events;
    /// use onward::sync::{Emitter, Routing};
    ///
    /// events! { sync Room { Said(&str) } }
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

/// What the ends of a relay are found by.
type Found<S> = Box<dyn Fn() -> Option<S> + Send + Sync>;

struct State<A: Downgrade, B: Downgrade, X: Event<A>, F> {
    this: Weak<Self>,
    source: Found<A>,
    target: Found<B>,
    event: X,
    location: &'static Location<'static>,
    changes: Mutex<Changes<F>>,
}

/// Locked for a moment, in which nothing of the user's runs.
struct Changes<F> {
    /// Away while it runs.
    forward: Option<F>,
    /// There is one while the target has listeners.
    listener: Option<Listener>,
    /// Of the listener, as long as it is wanted.
    number: u64,
    /// Of the last one that was removed by somebody else before it was known.
    gone: u64,
    /// Somebody is about to listen or to cease.
    busy: bool,
    /// Who is busy has to look again.
    dirty: bool,
    ended: bool,
}

/// What the listener has of its relay. With the listener, it goes.
struct Tie(Weak<dyn Link>, u64);

impl Drop for Tie {
    fn drop(&mut self) {
        if let Some(link) = self.0.upgrade() {
            link.lost(self.1);
        }
    }
}

/// What a look at a relay says is to be done.
enum Step {
    Listen(u64),
    Cease(Listener),
    Again,
    Done,
}

/// Makes a relay. `forward` says what became of the event.
#[track_caller]
pub(super) fn relay<A, X, B, Y, F>(source: &A, event: X, target: &B, _: Y, forward: F) -> Relay
where
    A: Downgrade,
    X: Event<A> + Send + Sync,
    B: Downgrade,
    Y: Event<B>,
    F: for<'a> FnMut(&A, X::Payload<'a>, &B) -> Verdict + Send + 'static,
{
    let location = Location::caller();
    let changes = Changes {
        forward: Some(forward),
        listener: None,
        number: 0,
        gone: 0,
        busy: false,
        dirty: false,
        ended: false,
    };
    let state = Arc::new_cyclic(|this| State {
        this: Weak::clone(this),
        source: Box::new(source.downgrade()),
        target: Box::new(target.downgrade()),
        event,
        location,
        changes: Mutex::new(changes),
    });
    let link: Arc<dyn Link> = state;
    let relay = Relay(Arc::downgrade(&link));
    let core = target.listeners().core();
    core.watch().links.add(Y::INDEX, link);
    core.settle(Y::INDEX, core.row::<Y>());
    relay
}

/// A relay has taken what somebody has taken from it.
pub(super) fn passed(emitted: Emitted) -> Verdict {
    if emitted.handled() || emitted.stopped { Verdict::Taken } else { Verdict::Missed }
}

impl<A, X, B, F> State<A, B, X, F>
where
    A: Downgrade,
    X: Event<A> + Send + Sync,
    B: Downgrade,
    F: for<'a> FnMut(&A, X::Payload<'a>, &B) -> Verdict + Send + 'static,
{
    /// What is to be done, if the target has so many listeners.
    fn look(&self, count: usize) -> Step {
        let mut changes = lock(&self.changes);
        match (count != 0 && !changes.ended, changes.listener) {
            (true, None) => {
                changes.number += 1;
                Step::Listen(changes.number)
            }
            (false, Some(listener)) => {
                changes.number += 1;
                changes.listener = None;
                Step::Cease(listener)
            }
            _ if mem::take(&mut changes.dirty) => Step::Again,
            _ => {
                changes.busy = false;
                Step::Done
            }
        }
    }

    /// Adds the `number`-th listener. `false` if there is nobody to listen to.
    fn listen(&self, number: u64) -> bool {
        let Some(source) = (self.source)() else { return false };
        let (this, tie) = (Weak::clone(&self.this), Tie(Weak::clone(&self.this) as _, number));
        let forward = move |seat: &Seat<'_, A, X>, source: &A, payload: X::Payload<'_>| {
            let _ = &tie;
            let Some(this) = this.upgrade() else { return Verdict::Missed };
            this.pass_on(seat, number, source, payload)
        };
        let node = Owned::exclusive::<Conditional, _>(forward, self.location);
        let core = source.listeners().core();
        // From the moment that it stands there it is known, also if somebody who is told of it panics.
        core.add_watched(&source, node, Place::Back, &mut |listener| self.known(listener));
        source.listener_added(self.event);
        true
    }

    fn known(&self, listener: Listener) {
        let mut changes = lock(&self.changes);
        if changes.gone == changes.number {
            drop(self.over(changes)); // removed with all others, between two lines of ours
        } else {
            changes.listener = Some(listener);
        }
    }

    fn pass_on(
        &self,
        seat: &Seat<'_, A, X>,
        number: u64,
        source: &A,
        payload: X::Payload<'_>,
    ) -> Verdict {
        /// Puts the closure back, also after a panic; but for an end.
        struct Back<'a, F>(&'a Mutex<Changes<F>>, Option<F>);
        impl<F> Drop for Back<'_, F> {
            fn drop(&mut self) {
                let mut changes = lock(self.0);
                if !changes.ended {
                    changes.forward = self.1.take();
                }
            }
        }
        let Some(target) = (self.target)() else { return Verdict::Missed };
        let mut changes = lock(&self.changes);
        if changes.ended || changes.number != number {
            drop(changes);
            seat.leave(source); // if it has not yet
            return Verdict::Missed;
        }
        // If it is away it runs further out: it was removed meanwhile, and added again, else its row would have known.
        let Some(forward) = changes.forward.take() else { return Verdict::Missed };
        drop(changes);
        let mut back = Back(&self.changes, Some(forward));
        match &mut back.1 {
            Some(forward) => forward(source, payload, &target),
            None => Verdict::Missed,
        }
    }

    /// It has ended. What it captured goes now, or when it returns.
    fn over(&self, mut changes: MutexGuard<'_, Changes<F>>) -> Option<F> {
        changes.ended = true;
        let forward = changes.forward.take();
        drop(changes);
        if let Some(target) = (self.target)() {
            let core = target.listeners().core();
            core.watch().links.remove(address(self));
        }
        forward
    }
}

impl<A, X, B, F> Link for State<A, B, X, F>
where
    A: Downgrade,
    X: Event<A> + Send + Sync,
    B: Downgrade,
    F: for<'a> FnMut(&A, X::Payload<'a>, &B) -> Verdict + Send + 'static,
{
    fn settle(&self, count: &dyn Fn() -> usize) {
        /// A panic passes through. What is not settled is when the target's listeners change the next time.
        struct Busy<'a, F>(&'a Mutex<Changes<F>>);
        impl<F> Drop for Busy<'_, F> {
            fn drop(&mut self) {
                let mut changes = lock(self.0);
                (changes.busy, changes.dirty) = (false, false);
            }
        }
        let mut changes = lock(&self.changes);
        if mem::replace(&mut changes.busy, true) {
            changes.dirty = true;
            return;
        }
        drop(changes);
        let busy = Busy(&self.changes);
        loop {
            match self.look(count()) {
                Step::Listen(number) if self.listen(number) => {}
                Step::Listen(_) => return drop(self.over(lock(&self.changes))),
                Step::Cease(listener) => self.cease(listener),
                Step::Again => {}
                Step::Done => return mem::forget(busy), // somebody else may be busy by now
            }
        }
    }

    fn is_over(&self) -> bool {
        lock(&self.changes).ended || (self.source)().is_none()
    }

    fn end(&self) -> bool {
        let ended = mem::replace(&mut lock(&self.changes).ended, true);
        let there = !ended && (self.source)().is_some();
        let target = (self.target)();
        let core = target.as_ref().and_then(|target| target.listeners().made());
        let _turn = core.and_then(|core| core.watched()).map(|watch| watch.turn.hold());
        self.settle(&|| 0);
        drop(self.over(lock(&self.changes)));
        there
    }

    fn is_active(&self) -> bool {
        lock(&self.changes).listener.is_some()
    }

    fn lost(&self, number: u64) {
        let mut changes = lock(&self.changes);
        if changes.number != number {
            return;
        }
        if changes.listener.take().is_some() {
            drop(self.over(changes));
        } else {
            changes.gone = number; // before it was known, or before it stood anywhere
        }
    }

    fn as_off(self: Arc<Self>) -> Weak<dyn Off> {
        Arc::<Self>::downgrade(&self)
    }
}

impl<A, X, B, F> Off for State<A, B, X, F>
where
    A: Downgrade,
    X: Event<A> + Send + Sync,
    B: Downgrade,
    F: for<'a> FnMut(&A, X::Payload<'a>, &B) -> Verdict + Send + 'static,
{
    fn off(&self, _: Listener) -> bool {
        self.end()
    }

    fn block(&self, _: Listener, _: bool) -> bool {
        false
    }
}

impl<A: Downgrade, B: Downgrade, X: Event<A>, F> State<A, B, X, F> {
    fn cease(&self, listener: Listener) {
        if let Some(source) = (self.source)() {
            source.listeners().off(&source, listener);
        }
    }
}

/// With its target a relay goes, and takes its listener along.
impl<A: Downgrade, B: Downgrade, X: Event<A>, F> Drop for State<A, B, X, F> {
    fn drop(&mut self) {
        let listener = lock(&self.changes).listener.take();
        listener.into_iter().for_each(|listener| self.cease(listener));
    }
}
