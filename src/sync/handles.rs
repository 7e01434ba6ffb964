//! The handles that listening gives, for any thread.

use core::fmt;
use std::sync::Weak;

use crate::emitter::Listener;

/// What can have a listener removed, whatever it emits.
pub(super) trait Off: Send + Sync {
    fn off(&self, listener: Listener) -> bool;
    fn block(&self, listener: Listener, block: bool) -> bool;
}

/// A listener that is removed when this is dropped, on whichever thread.
///
/// It comes from [`on_scoped`](super::Emitter::on_scoped) and [`guard`](super::Emitter::guard). It does
/// not keep the emitter alive, and those of different emitters have the same type. Dropping it is an
/// [`off`](super::Emitter::off): it does not wait for a listener that runs on another thread.
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
    /// use onward::{events, sync::Emitter};
    ///
    /// events! { sync Room { Closed() } }
    /// let room = Room::new();
    /// let listener = room.on_scoped(Closed, |_, ()| {}).forget();
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

/// As long as this lives, a listener is not called. It comes from [`block`](super::Emitter::block).
///
/// Blocks are counted: a listener is called again when the last of its blocks has gone. They keep neither
/// the listener nor the emitter.
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
/// use onward::sync::{Emitter, Subscriptions};
///
/// onward::events! { sync Room { Joined(&str), Closed() } }
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

/// [`off_and_wait`](super::Emitter::off_and_wait) has removed a listener, and cannot wait for it to
/// end: the call came from inside of the listener, or from inside of something that its run waits for.
///
/// The listener is removed all the same: when it has returned it is never called again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StillRunning {
    /// Whether this call has removed it, as [`off`](super::Emitter::off) says.
    pub removed: bool,
}

impl fmt::Display for StillRunning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the listener may still run, and waits for this call in turn")
    }
}

impl core::error::Error for StillRunning {}
