//! Callbacks at certain moments of a turn, and at the loop's end.

use super::core::Core;
use super::counters::CallbackKind;
use super::queues::Origin;
use super::tokens::core_of;
use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::rc::Rc;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Moment {
    BeforePoll,
    AfterPoll,
    BeforeExit,
    Exit,
}

type Callback = Rc<RefCell<dyn FnMut()>>;

/// A callback, and where it was registered.
#[derive(Clone)]
struct Entry(Callback, Origin);

/// All hooks of a loop, in the order in which they came.
#[derive(Default)]
pub(super) struct Hooks {
    all: RefCell<Vec<(u64, Moment, Entry)>>,
    number: Cell<u64>,
}

/// A callback that the loop makes at a certain moment. Ignoring it is fine: the callback stays.
///
/// `Copy` and inert, like a [`Timer`](crate::Timer).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Hook {
    number: u64,
    serial: u32,
}

impl Hook {
    /// Takes the callback back; it is dropped, when it has returned if it runs. `false` if that has been
    /// done before, or the loop has ended.
    #[allow(clippy::must_use_candidate, reason = "it is called for what it does")]
    pub fn remove(self) -> bool {
        let Some(core) = core_of(self.serial) else { return false };
        let mut all = core.hooks.all.borrow_mut();
        let at = all.binary_search_by_key(&self.number, |(number, ..)| *number);
        let removed = at.ok().map(|at| all.remove(at));
        drop(all);
        removed.is_some()
    }
}

#[track_caller]
pub(super) fn add(core: &Core, moment: Moment, f: impl FnMut() + 'static) -> Hook {
    let number = core.hooks.number.get();
    if !core.is_over() {
        core.hooks.number.set(number + 1);
        let entry = Entry(Rc::new(RefCell::new(f)), Location::caller());
        core.hooks.all.borrow_mut().push((number, moment, entry));
    }
    Hook { number, serial: core.serial }
}

impl Hooks {
    #[inline]
    pub(super) fn run(&self, core: &Core, moment: Moment) {
        if !self.all.borrow().is_empty() {
            self.run_those_of(core, moment);
        }
    }

    #[cold]
    fn run_those_of(&self, core: &Core, moment: Moment) {
        let those = |all: &[(u64, Moment, Entry)]| -> Vec<(u64, Entry)> {
            let those = all.iter().filter(|(_, when, _)| *when == moment);
            those.map(|(number, _, entry)| (*number, entry.clone())).collect()
        };
        let those = those(&self.all.borrow());
        for (number, Entry(f, origin)) in those {
            // One that another has removed meanwhile is not called any more.
            if self.all.borrow().binary_search_by_key(&number, |(number, ..)| *number).is_ok() {
                core.call_from(CallbackKind::Hook, origin, || {
                    // No moment comes again inside of itself: nobody else has it now.
                    if let Ok(mut f) = f.try_borrow_mut() {
                        f();
                    }
                });
            }
        }
    }

    pub(super) fn clear(&self) {
        let all = self.all.take();
        drop(all);
    }
}
