//! The handles that `on` and its like return.

use alloc::rc::Weak;
use alloc::vec::Vec;
use core::fmt;
use core::sync::atomic::{AtomicU32, Ordering};

/// Names one registered listener, for [`off`](crate::Emitter::off).
///
/// It is inert: dropping it removes nothing, and keeping it keeps nothing alive. It is never
/// taken for another: not for a later listener, nor for one of another emitter.
///
/// ```
/// use onward::{Emitter, events};
///
/// events! { Room { Joined(&str), Closed() } }
/// let room = Room::new();
/// let listener = room.on(Joined, |_, _| {});
/// assert!(room.off(listener));
/// assert!(!room.off(listener));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Listener {
    pub(crate) key: i64,
    /// Of the emitter; they repeat after four thousand million emitters.
    pub(crate) serial: u32,
    /// Where to look for it in its emitter: the number of the event, or the hash of its name.
    pub(crate) event: u32,
}

/// A number for an emitter, of whichever kind, that no other has.
pub(crate) fn serial() -> u32 {
    static SERIAL: AtomicU32 = AtomicU32::new(0);
    SERIAL.fetch_add(1, Ordering::Relaxed)
}

/// What can have a listener removed, whatever it emits.
pub(super) trait Off {
    fn off(&self, listener: Listener) -> bool;
    fn block(&self, listener: Listener, block: bool) -> bool;
}

/// A listener that is removed when this is dropped.
///
/// It comes from [`on_scoped`](crate::Emitter::on_scoped) and
/// [`guard`](crate::Emitter::guard). It does not keep the emitter alive, and those of different
/// emitters have the same type, so they can be kept together:
///
/// ```
/// use onward::emitter::Subscription;
/// use onward::{Emitter, events};
///
/// events! { Room { Joined(&str), Closed() } }
/// let (kitchen, hall) = (Room::new(), Room::new());
/// let subscriptions: Vec<Subscription> =
///     vec![kitchen.on_scoped(Joined, |_, _| {}), hall.on_scoped(Closed, |_, ()| {})];
/// assert_eq!(kitchen.listener_count(Joined), 1);
///
/// drop(subscriptions);
/// assert_eq!(kitchen.listener_count(Joined), 0);
/// ```
#[must_use = "dropping it removes the listener; `forget` lets it live on"]
pub struct Subscription {
    emitter: Option<Weak<dyn Off>>,
    listener: Listener,
}

impl Subscription {
    pub(super) fn new(emitter: Option<Weak<dyn Off>>, listener: Listener) -> Self {
        Self { emitter, listener }
    }

    /// The listener that it guards.
    pub fn listener(&self) -> Listener {
        self.listener
    }

    /// Lets the listener live on without a guard.
    ///
    /// ```
    /// use onward::{Emitter, events};
    ///
    /// events! { Room { Closed() } }
    /// let room = Room::new();
    /// let listener = room.on_scoped(Closed, |_, ()| {}).forget();
    /// assert_eq!(room.listener_count(Closed), 1);
    /// assert!(room.off(listener));
    /// ```
    pub fn forget(mut self) -> Listener {
        self.emitter = None;
        self.listener
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(emitter) = self.emitter.as_ref().and_then(Weak::upgrade) {
            emitter.off(self.listener);
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Subscription").field(&self.listener).finish()
    }
}

/// As long as this lives, a listener is not called. It comes from [`block`](crate::Emitter::block).
///
/// Blocks are counted: a listener is called again when the last of its blocks has gone. They keep neither
/// the listener nor the emitter.
///
/// ```
/// use onward::{Emitter, events};
///
/// events! { Room { Joined(&str) } }
/// let room = Room::new();
/// let greeter = room.on(Joined, |_, name| println!("welcome, {name}"));
/// let (night, holiday) = (room.block(greeter), room.block(greeter));
/// drop(night);
/// assert!(!room.emit(Joined, "ada").handled()); // still on holiday
/// drop(holiday);
/// assert!(room.emit(Joined, "bob").handled());
/// ```
#[must_use = "dropping it takes the block back"]
pub struct Block {
    emitter: Option<Weak<dyn Off>>,
    listener: Listener,
}

impl Block {
    pub(super) fn new(emitter: Option<Weak<dyn Off>>, listener: Listener) -> Self {
        Self { emitter, listener }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        if let Some(emitter) = self.emitter.as_ref().and_then(Weak::upgrade) {
            emitter.block(self.listener, false);
        }
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Block").field(&self.listener).finish()
    }
}

/// Subscriptions that end together: when this is dropped, or [`clear`](Self::clear)ed.
///
/// ```
/// use onward::emitter::Subscriptions;
/// use onward::{Emitter, events};
///
/// events! { Room { Joined(&str), Closed() } }
/// let (kitchen, hall) = (Room::new(), Room::new());
/// let mut subscriptions = Subscriptions::new();
/// subscriptions.add(kitchen.on_scoped(Joined, |_, _| {}));
/// subscriptions.add(hall.on_scoped(Closed, |_, ()| {}));
/// assert_eq!((subscriptions.len(), kitchen.listener_count(Joined)), (2, 1));
///
/// subscriptions.clear();
/// assert_eq!((subscriptions.len(), kitchen.listener_count(Joined)), (0, 0));
/// ```
#[derive(Debug, Default)]
pub struct Subscriptions(Vec<Subscription>);

impl Subscriptions {
    /// None yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// One more.
    pub fn add(&mut self, subscription: Subscription) {
        self.0.push(subscription);
    }

    /// Ends all, in the order in which they were added.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// How many there are, those whose listener is gone already included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Are there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Extend<Subscription> for Subscriptions {
    fn extend<I: IntoIterator<Item = Subscription>>(&mut self, subscriptions: I) {
        self.0.extend(subscriptions);
    }
}

impl FromIterator<Subscription> for Subscriptions {
    fn from_iter<I: IntoIterator<Item = Subscription>>(subscriptions: I) -> Self {
        Self(subscriptions.into_iter().collect())
    }
}
