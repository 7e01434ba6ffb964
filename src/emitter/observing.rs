//! Somebody who wants to know which listener it is that takes so long.
//!
//! An emitter that is observed has each of its listeners called by an observer, who may look at a clock. It takes
//! the longer way of an emit then; one that is not observed pays nothing, for an emit looks at its gate anyway.
//! What an observer does with what it sees, and when there is one, the emitter does not know.

use core::panic::Location;

/// Calls listeners for an emitter.
pub(crate) trait Observer: Sync {
    /// Does it observe on this thread, still?
    fn is_here(&self) -> bool;
    /// Calls a listener that was registered at `place`: once.
    fn call(&self, place: &'static Location<'static>, listener: &mut dyn FnMut());
}

#[cfg(feature = "event-loop")]
pub(crate) use here::Observing;
#[cfg(feature = "event-loop")]
pub(super) use here::{is_on, observer};

#[cfg(feature = "event-loop")]
mod here {
    use super::Observer;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicUsize, Ordering};

    static OBSERVER: OnceLock<&'static dyn Observer> = OnceLock::new();
    /// How many want something to be observed, on whichever thread.
    static WANTED: AtomicUsize = AtomicUsize::new(0);

    /// As long as there is one, emitters that come to have their first listener are observed.
    #[derive(Debug)]
    pub(crate) struct Observing(());

    impl Observing {
        /// By this observer; the first that was ever given is the one.
        pub(crate) fn by(observer: &'static dyn Observer) -> Self {
            let _ = OBSERVER.set(observer);
            WANTED.fetch_add(1, Ordering::Relaxed);
            Self(())
        }
    }

    impl Drop for Observing {
        fn drop(&mut self) {
            WANTED.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Is a new emitter to be observed?
    #[inline]
    pub(in crate::emitter) fn is_on() -> bool {
        WANTED.load(Ordering::Relaxed) != 0
    }

    /// Who observes on this thread, if somebody does.
    pub(in crate::emitter) fn observer() -> Option<&'static dyn Observer> {
        OBSERVER.get().copied().filter(|observer| observer.is_here())
    }
}

/// Without a loop nobody observes.
#[cfg(not(feature = "event-loop"))]
pub(super) const fn is_on() -> bool {
    false
}

#[cfg(not(feature = "event-loop"))]
pub(super) fn observer() -> Option<&'static dyn Observer> {
    None
}
