//! Sources that a stream has pause, on their thread.

use alloc::boxed::Box;
use alloc::rc::Rc;
use core::cell::{Cell, RefCell};

/// Pauses, and lets go on.
type Pauser = Rc<dyn Fn(bool)>;
/// Makes a pauser of a source; known where it is known that the source has one.
type PauserOf<S> = fn(&S) -> Box<dyn Fn(bool)>;

/// What a full queue does to its source.
#[allow(unnameable_types, reason = "for the types of futures and streams")]
pub trait Pause<S>: Default {
    #[doc(hidden)]
    fn pause(&self, source: &S);
    #[doc(hidden)]
    fn let_go_on(&self);
}

/// Nothing: the source cannot pause.
impl<S> Pause<S> for () {
    fn pause(&self, _: &S) {}
    fn let_go_on(&self) {}
}

/// It pauses the source, if it was asked to.
#[allow(unnameable_types, missing_debug_implementations, reason = "for the types of streams")]
pub struct Pausing<S> {
    pauser_of: Cell<Option<PauserOf<S>>>,
    /// What lets the source go on, as long as it is paused.
    paused: RefCell<Option<Pauser>>,
}

impl<S> Pausing<S> {
    /// Has it pause sources from here on.
    pub(super) fn set(&self, pauser_of: Option<PauserOf<S>>) {
        self.pauser_of.set(pauser_of);
    }
}

impl<S> Default for Pausing<S> {
    fn default() -> Self {
        Self { pauser_of: Cell::new(None), paused: RefCell::new(None) }
    }
}

impl<S> Pause<S> for Pausing<S> {
    fn pause(&self, source: &S) {
        let Some(pauser_of) = self.pauser_of.get() else { return };
        if self.paused.borrow().is_none() {
            let pauser: Pauser = pauser_of(source).into();
            drop(self.paused.replace(Some(Rc::clone(&pauser))));
            pauser(true);
        }
    }

    fn let_go_on(&self) {
        let pauser = self.paused.take();
        if let Some(pauser) = pauser {
            pauser(false);
        }
    }
}
