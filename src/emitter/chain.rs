//! How deep emits are nested: a count, so that a circle ends before the stack does.
//!
//! Only emits from inside of one of the same list are counted. That costs the others nothing, and it is
//! enough: who goes round in a circle comes to each of its lists again, and is counted from the second
//! round on, with its name.

#[cfg(not(feature = "std"))]
pub(super) use of_list::Counter;
#[cfg(feature = "std")]
pub(super) use of_thread::{Counter, is_too_deep};

use alloc::borrow::Cow;
use alloc::string::String;

/// The names of an emitter and of one of its events, or of all that are found at run time.
pub(super) type Names = (&'static str, &'static str);

/// An event that is found at run time, and has its name from there.
#[allow(unnameable_types, reason = "for the storage alone")]
pub(super) trait Labelled {
    /// The name for people.
    fn label(&self) -> String;
}

/// The name of an event that is declared, or found at run time.
pub(super) fn name(declared: &'static str, found: Option<&dyn Labelled>) -> Cow<'static, str> {
    found.map_or(Cow::Borrowed(declared), |found| Cow::Owned(found.label()))
}

fn report(limit: u32, chain: impl Iterator<Item = (&'static str, Cow<'static, str>)>) -> String {
    let mut text = alloc::format!("emits are nested more than {limit} deep: ...");
    for (emitter, event) in chain {
        for part in [" > ", emitter, ".", &event] {
            text.push_str(part);
        }
    }
    text
}

#[cfg(feature = "std")]
mod of_thread {
    use super::{Cow, Labelled, Names, report};
    use std::cell::{Cell, RefCell};

    /// As many names are in a report: those of the innermost emits.
    const SHOWN: usize = 16;

    struct Chain {
        depth: Cell<u32>,
        /// An emit was refused, and those that led to it have not all ended.
        too_deep: Cell<bool>,
        /// Those of the depth `n` stand at `n % SHOWN`.
        names: [Cell<Names>; SHOWN],
        /// Has it a label?
        labelled: [Cell<bool>; SHOWN],
    }

    thread_local! {
        static CHAIN: Chain = const {
            Chain {
                depth: Cell::new(0),
                too_deep: Cell::new(false),
                names: [const { Cell::new(("", "")) }; SHOWN],
                labelled: [const { Cell::new(false) }; SHOWN],
            }
        };
        /// The names that were found at run time, of emits that may soon be refused. To write them down takes time, so
        /// it is not done sooner.
        static LABELS: RefCell<[String; SHOWN]> = const { RefCell::new([const { String::new() }; SHOWN]) };
    }

    /// What a list has to keep in order to count: nothing, the thread does.
    pub(in crate::emitter) struct Counter(());

    /// Until this is dropped, one more emit is under way.
    pub(in crate::emitter) struct Nested(());

    impl Counter {
        pub(in crate::emitter) const fn new() -> Self {
            Self(())
        }

        /// # Panics
        ///
        /// If more than `limit` are under way with this one.
        #[track_caller]
        #[allow(clippy::unused_self, reason = "its twin below uses it")]
        pub(in crate::emitter) fn enter(
            &self,
            limit: u32,
            names: Names,
            found: Option<&dyn Labelled>,
        ) -> Nested {
            // Destructors of a thread's own may emit when the chain is gone: they go uncounted.
            let report = CHAIN.try_with(|chain| {
                let depth = chain.depth.get() + 1;
                chain.depth.set(depth);
                let at = depth as usize % SHOWN;
                chain.names[at].set(names);
                let found = found.filter(|_| depth.saturating_add(SHOWN as u32) > limit);
                chain.labelled[at].set(found.is_some_and(|found| write_down(at, found)));
                (depth > limit).then(|| {
                    chain.too_deep.set(true);
                    let first = depth.saturating_sub(SHOWN as u32 - 1).max(1);
                    report(limit, (first..=depth).map(|depth| chain.name(depth as usize % SHOWN)))
                })
            });
            let nested = Nested(());
            if let Ok(Some(report)) = report {
                panic!("{report}");
            }
            nested
        }
    }

    impl Chain {
        fn name(&self, at: usize) -> (&'static str, Cow<'static, str>) {
            let (emitter, event) = self.names[at].get();
            let label =
                self.labelled[at].get().then(|| LABELS.with_borrow(|labels| labels[at].clone()));
            (emitter, label.map_or(Cow::Borrowed(event), Cow::Owned))
        }
    }

    /// Says whether it could be done. The label is code of the user's, and runs before anything is borrowed.
    fn write_down(at: usize, found: &dyn Labelled) -> bool {
        let label = found.label();
        LABELS.try_with(|labels| labels.borrow_mut()[at] = label).is_ok()
    }

    impl Drop for Nested {
        fn drop(&mut self) {
            let _ = CHAIN.try_with(|chain| {
                let depth = chain.depth.get().saturating_sub(1);
                chain.depth.set(depth);
                if depth == 0 {
                    chain.too_deep.set(false);
                }
            });
        }
    }

    pub(in crate::emitter) fn is_too_deep() -> bool {
        CHAIN.try_with(|chain| chain.too_deep.get()).unwrap_or(false)
    }
}

/// Without threads to tell apart, each list counts for itself.
#[cfg(not(feature = "std"))]
mod of_list {
    use super::{Labelled, Names, name, report};
    use core::cell::Cell;

    pub(in crate::emitter) struct Counter(Cell<u32>);

    /// Until this is dropped, one more emit is under way.
    pub(in crate::emitter) struct Nested<'a>(&'a Cell<u32>);

    impl Counter {
        pub(in crate::emitter) const fn new() -> Self {
            Self(Cell::new(0))
        }

        /// # Panics
        ///
        /// If more than `limit` are under way with this one.
        #[track_caller]
        pub(in crate::emitter) fn enter(
            &self,
            limit: u32,
            names: Names,
            found: Option<&dyn Labelled>,
        ) -> Nested<'_> {
            self.0.set(self.0.get() + 1);
            let nested = Nested(&self.0);
            if self.0.get() > limit {
                let names = (names.0, name(names.1, found));
                panic!("{}", report(limit, core::iter::once(names)));
            }
            nested
        }
    }

    impl Drop for Nested<'_> {
        fn drop(&mut self) {
            self.0.set(self.0.get() - 1);
        }
    }
}
