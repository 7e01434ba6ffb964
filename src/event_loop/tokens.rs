//! What names a timer or an immediate.

use super::core::Core;
use super::handle::{current, look_at};
use super::slab::Key;
use std::rc::Rc;

/// A timer. Ignoring it is fine: the timer goes on without.
///
/// `Copy` and inert: it keeps nothing alive, and one whose timer is over does nothing. It works inside of
/// its loop: from [`run`](crate::run) or [`EventLoop::enter`](crate::EventLoop::enter), and nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timer {
    pub(super) key: Key,
    pub(super) serial: u32,
}

/// An immediate. Ignoring it is fine. It works inside of its loop, like a [`Timer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Immediate {
    pub(super) number: u64,
    pub(super) serial: u32,
}

/// The core that a handle with this serial belongs to, if it is the thread's current one.
pub(super) fn core_of(serial: u32) -> Option<Rc<Core>> {
    current().map(|handle| handle.0).filter(|core| core.serial == serial)
}

impl Timer {
    /// Takes the timer back; its closure is dropped. `false` if it was over already.
    ///
    /// ```
    /// # use std::time::Duration;
    /// onward::run(|| {
    ///     let timer = onward::set_timeout(Duration::from_secs(3600), || unreachable!());
    ///     assert!(timer.cancel());
    ///     assert!(!timer.cancel());
    ///     Ok(())
    /// })
    /// # ?; Ok::<(), onward::Error>(())
    /// ```
    #[doc(alias("clearTimeout", "clearInterval"))]
    #[allow(clippy::must_use_candidate, reason = "it is called for what it does")]
    pub fn cancel(self) -> bool {
        let closure = look_at(self.serial, |core| core.take_timer(self.key)).flatten();
        closure.is_some_and(|(shelf, seat)| {
            shelf.discard(seat);
            true
        })
    }

    /// Starts its delay anew, from now; one above a second rounded up by a millionth at most. `false` if it was over
    /// already.
    ///
    /// ```
    /// # use std::time::Duration;
    /// onward::run(|| {
    ///     let (began, ms) = (onward::now(), Duration::from_millis(1));
    ///     let idle = onward::set_timeout(10 * ms, move || assert!(onward::now() - began >= 15 * ms));
    ///     onward::set_timeout(5 * ms, move || assert!(idle.refresh())); // something happened
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[allow(clippy::must_use_candidate, reason = "it is called for what it does")]
    pub fn refresh(self) -> bool {
        let Some(core) = core_of(self.serial) else { return false };
        let now = core.now();
        core.timers.borrow_mut().refresh(self.key, now)
    }

    /// The loop need not wait for this timer.
    ///
    /// ```
    /// # use std::time::Duration;
    /// onward::run(|| {
    ///     onward::set_interval(Duration::from_secs(1), |_| println!("still here")).unref();
    ///     Ok(())
    /// })?; // returns at once
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[allow(clippy::must_use_candidate, reason = "the timer itself comes back, for chaining")]
    pub fn unref(self) -> Self {
        self.count(false)
    }

    /// The loop waits for this timer again, as it does unless told otherwise.
    ///
    /// ```
    /// # use std::time::Duration;
    /// onward::run(|| {
    ///     let timer = onward::set_timeout(Duration::from_millis(1), || println!("called")).unref();
    ///     assert!(!timer.has_ref());
    ///     assert!(timer.ref_().has_ref());
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[allow(clippy::must_use_candidate, reason = "the timer itself comes back, for chaining")]
    pub fn ref_(self) -> Self {
        self.count(true)
    }

    /// Does the loop wait for it? `false` for one that is over.
    #[must_use]
    pub fn has_ref(self) -> bool {
        core_of(self.serial)
            .and_then(|core| core.timers.borrow().is_counted(self.key))
            .unwrap_or(false)
    }

    fn count(self, counted: bool) -> Self {
        if let Some(core) = core_of(self.serial) {
            core.timers.borrow_mut().count(self.key, counted);
        }
        self
    }
}

impl Immediate {
    /// Takes it back. `false` if it has run already.
    ///
    /// ```
    /// onward::run(|| {
    ///     let immediate = onward::set_immediate(|| unreachable!());
    ///     assert!(immediate.cancel());
    ///     assert!(!immediate.cancel());
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    #[doc(alias = "clearImmediate")]
    #[allow(clippy::must_use_candidate, reason = "it is called for what it does")]
    pub fn cancel(self) -> bool {
        core_of(self.serial).is_some_and(|core| core.immediates.cancel(self.number))
    }

    /// The loop need not run it before it ends.
    #[allow(clippy::must_use_candidate, reason = "the immediate itself comes back, for chaining")]
    pub fn unref(self) -> Self {
        self.count(false)
    }

    /// The loop runs it before it ends, as it does unless told otherwise.
    #[allow(clippy::must_use_candidate, reason = "the immediate itself comes back, for chaining")]
    pub fn ref_(self) -> Self {
        self.count(true)
    }

    fn count(self, counted: bool) -> Self {
        if let Some(core) = core_of(self.serial) {
            core.immediates.count(self.number, counted);
        }
        self
    }
}
