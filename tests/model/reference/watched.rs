//! Who is told of what comes and goes, and the removal of all, of which they are told one by one.

use super::{Ev, Note, Reference};

#[derive(Clone, Copy)]
pub(super) struct Watcher {
    pub(super) there: bool,
    pub(super) runs: bool,
}

pub(super) const ADDED: usize = 0;
pub(super) const REMOVED: usize = 1;

impl Reference<'_> {
    /// Who watches is told, unless that is what it does already.
    pub(super) fn tell(&mut self, which: usize, event: Ev) {
        let watcher = &mut self.watchers[which];
        if !watcher.there || watcher.runs {
            return;
        }
        watcher.runs = true;
        let others = self.order[event as usize].len();
        self.trace.push(match which {
            ADDED => Note::Added { event, others },
            _ => Note::Removed { event, others },
        });
        self.depth += 1;
        if self.program.told.is_some_and(|op| self.op(op).is_err()) {
            self.trace.push(Note::Caught);
        }
        self.depth -= 1;
        self.watchers[which].runs = false;
    }

    pub(super) fn clear(&mut self, events: &[Ev]) {
        let outermost = self.clearing.is_none();
        self.clearing.get_or_insert_default();
        // Those who are told of what comes were there before all others.
        self.watchers[ADDED].there &= events.len() < 2;
        if self.watchers[REMOVED].there {
            self.clear_one_by_one(events);
        } else {
            self.clear_at_once(events);
        }
        self.watchers[REMOVED].there &= events.len() < 2;
        if outermost {
            let mut ids = self.clearing.take().unwrap_or_default();
            ids.sort_unstable();
            self.trace.push(Note::Cleared(ids));
        }
    }

    /// The events in the order in which they came to have listeners; the last listener first.
    fn clear_one_by_one(&mut self, events: &[Ev]) {
        let events: Vec<_> =
            self.names.iter().copied().filter(|event| events.contains(event)).collect();
        for event in events {
            for id in self.order[event as usize].clone().into_iter().rev() {
                self.off(id);
            }
        }
    }

    fn clear_at_once(&mut self, events: &[Ev]) {
        let mut ids: Vec<_> =
            events.iter().flat_map(|&event| self.order[event as usize].clone()).collect();
        // Those that leave do so in this order: one that came late stands behind.
        ids.sort_by_key(|&id| self.listeners[id].late.then_some(self.listeners[id].number));
        for &id in &ids {
            assert!(self.remove(id));
            self.leave(id);
        }
        ids.retain(|&id| self.is_over(id));
        self.clearing.get_or_insert_default().extend(ids);
    }
}
