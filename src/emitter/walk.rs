//! The emit itself: the only place from which listeners are called.

use alloc::rc::Rc;
use core::mem;

use super::emission::Emitted;
use super::event::{Declared, Event};
use super::list::List;
use super::slot::Outcome;
use super::snapshot::{Entry, Snapshot};

/// An emit under way. Gives its share of the snapshot back, whether it returns or panics.
pub(super) struct Walk<'a, S: Declared, E: Event<S>> {
    pub(super) list: &'a List<S, E>,
    pub(super) snapshot: Option<Rc<Snapshot<S, E>>>,
}

impl<S: Declared, E: Event<S>> Walk<'_, S, E> {
    /// Calls the listeners, lends the payload to each but the last and gives it to that one.
    ///
    /// Most events have one listener: for it there is a way without a loop.
    #[inline(always)]
    pub(super) fn run(&self, source: &S, payload: E::Payload<'_>) -> Emitted {
        let Some(snapshot) = &self.snapshot else { return Emitted::NOBODY };
        match &*snapshot.entries {
            [] => Emitted::NOBODY,
            [only] => Emitted::of(only.slot.call(self.list, source, payload)),
            entries => self.run_several(entries, source, payload),
        }
    }

    #[inline(never)]
    fn run_several(
        &self,
        entries: &[Entry<S, E>],
        source: &S,
        mut payload: E::Payload<'_>,
    ) -> Emitted {
        let mut emitted = Emitted { called: entries.len(), skipped: 0 };
        let mut call = |entry: &Entry<S, E>, payload: E::Payload<'_>| {
            let outcome = entry.slot.call(self.list, source, payload);
            if outcome != Outcome::Called {
                emitted.missed(outcome);
            }
        };
        let mut entries = entries.iter();
        // A payload without a destructor may as well be lent to the last, too: a shorter loop.
        let last = if mem::needs_drop::<E::Payload<'_>>() { entries.next_back() } else { None };
        for entry in entries {
            call(entry, E::lend(&mut payload));
        }
        if let Some(last) = last {
            call(last, payload);
        }
        emitted
    }

    /// The list has changed while it was walked: its new snapshot has a share to spare already.
    #[cold]
    fn outdated(&self, spare: Rc<Snapshot<S, E>>) {
        drop(self.list.spare.replace(Some(spare)));
    }

    #[cold]
    fn sweep(&self) {
        self.list.sweep(Snapshot::sweep_all);
    }
}

impl<S: Declared, E: Event<S>> Drop for Walk<'_, S, E> {
    #[inline(always)]
    fn drop(&mut self) {
        let Some(snapshot) = self.snapshot.take() else { return };
        let condemned = snapshot.condemned.get() != 0;
        if let Some(spare) = self.list.spare.replace(Some(snapshot)) {
            self.outdated(spare);
        }
        if condemned {
            self.sweep();
        }
    }
}
