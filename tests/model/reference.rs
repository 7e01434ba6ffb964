//! The plainest emitter that follows the documented rules: vectors of numbers, searched and copied.

use super::program::{DEPTH, Ev, FUEL, LISTENERS, Note, Op, Program, Way};

/// A listener has panicked, and nobody has caught it yet.
pub(crate) struct Unwinding;

type Done = Result<(), Unwinding>;

struct Listener {
    way: Way,
    event: Ev,
    script: usize,
    /// Still registered.
    alive: bool,
    /// How often it runs, one run inside of the other.
    running: usize,
    left: usize,
    blocks: usize,
    /// What it depends on was there when it was added.
    has_object: bool,
    /// Its handle has been returned.
    known: bool,
}

/// The emitter, and what a program has of it.
pub(crate) struct Reference<'a> {
    program: &'a Program,
    listeners: Vec<Listener>,
    /// By event, in the order of calls.
    order: [Vec<usize>; 2],
    /// Events that have listeners, in the order in which they came to have them.
    names: Vec<Ev>,
    guards: Vec<Option<usize>>,
    /// Of which listener, unless that was gone already.
    blocks: Vec<Option<usize>>,
    object: bool,
    /// Listeners that run and hold the object, and that hold its state.
    holding: usize,
    borrowing: usize,
    depth: usize,
    pub(crate) fuel: usize,
    pub(crate) trace: Vec<Note>,
}

const NAMES: [&str; 2] = ["Owned", "Lent"];

impl<'a> Reference<'a> {
    pub(crate) fn new(program: &'a Program) -> Self {
        Self {
            program,
            listeners: Vec::new(),
            order: [Vec::new(), Vec::new()],
            names: Vec::new(),
            guards: Vec::new(),
            blocks: Vec::new(),
            object: true,
            holding: 0,
            borrowing: 0,
            depth: 0,
            fuel: FUEL,
            trace: Vec::new(),
        }
    }

    pub(crate) fn counts(&self) -> [usize; 2] {
        [self.order[0].len(), self.order[1].len()]
    }

    /// The listeners that are registered, whatever their event.
    pub(crate) fn alive(&self) -> Vec<usize> {
        self.order.concat()
    }

    pub(crate) fn op(&mut self, op: Op) -> Done {
        match op {
            Op::Ask => {
                let names = self.names.iter().map(|&event| NAMES[event as usize]).collect();
                self.trace.push(Note::Asked { counts: self.counts(), names });
            }
            Op::Add { way, event, script, guarded, .. } => self.add(way, event, script, guarded),
            Op::Off(n) => {
                let off = self.nth(n).is_some_and(|listener| self.off(listener));
                self.trace.push(Note::Off(off));
            }
            Op::RemoveAll => self.clear(&[Ev::Owned, Ev::Lent]),
            Op::RemoveAllOf(event) => self.clear(&[event]),
            Op::Emit(event) => return self.emit(event),
            Op::EmitCaught(event) => {
                if self.emit(event).is_err() {
                    self.trace.push(Note::Caught);
                }
            }
            Op::Panic => return Err(Unwinding),
            Op::Guard(n) => self.guards.extend(self.nth(n).map(Some)),
            Op::DropGuard(n) => {
                if let Some(listener) = take(&mut self.guards, n) {
                    self.off(listener);
                }
            }
            Op::ForgetGuard(n) => drop(take(&mut self.guards, n)),
            Op::Block(n) => {
                let Some(listener) = self.nth(n) else { return Ok(()) };
                let alive = self.listeners[listener].alive;
                self.blocks.push(alive.then_some(listener));
                self.listeners[listener].blocks += usize::from(alive);
            }
            Op::Unblock(n) => {
                if let Some(listener) = take(&mut self.blocks, n) {
                    self.listeners[listener].blocks -= 1;
                }
            }
            Op::EndObject => self.object = false,
        }
        Ok(())
    }

    fn nth(&self, n: usize) -> Option<usize> {
        n.checked_rem(self.listeners.len()).filter(|&n| self.listeners[n].known)
    }

    fn add(&mut self, way: Way, event: Ev, script: usize, guarded: bool) {
        let id = self.listeners.len();
        if id == LISTENERS {
            return;
        }
        let left = if let Way::Many(times) = way { times } else { 0 };
        self.listeners.push(Listener {
            way,
            event,
            script: script % self.program.scripts.len().max(1),
            alive: true,
            running: 0,
            left,
            blocks: 0,
            has_object: self.object,
            known: false,
        });
        let order = &mut self.order[event as usize];
        if order.is_empty() {
            self.names.push(event);
        }
        let place = |id: usize| match self.listeners[id].way {
            Way::Prepend | Way::PrependOnce => (0, 0, usize::MAX - id),
            Way::Group(group) => (1, group, id),
            _ => (2, 0, id),
        };
        let at = order.iter().position(|&other| place(other) > place(id)).unwrap_or(order.len());
        order.insert(at, id);
        if way == Way::Many(0) {
            self.off(id);
        }
        self.listeners[id].known = true;
        if guarded {
            self.guards.push(Some(id));
        }
    }

    /// Out of use; says whether it was in use.
    fn remove(&mut self, id: usize) -> bool {
        if !std::mem::take(&mut self.listeners[id].alive) {
            return false;
        }
        let event = self.listeners[id].event;
        let order = &mut self.order[event as usize];
        order.retain(|&other| other != id);
        if order.is_empty() {
            self.names.retain(|&other| other != event);
        }
        true
    }

    /// The captures go at once, unless it runs.
    fn off(&mut self, id: usize) -> bool {
        let removed = self.remove(id);
        if removed && self.listeners[id].running == 0 {
            self.dropped(id, false);
        }
        removed
    }

    fn clear(&mut self, events: &[Ev]) {
        let ids: Vec<_> =
            events.iter().flat_map(|&event| self.order[event as usize].clone()).collect();
        ids.iter().for_each(|&id| assert!(self.remove(id)));
        let mut ids: Vec<_> =
            ids.into_iter().filter(|&id| self.listeners[id].running == 0).collect();
        ids.sort_unstable();
        self.trace.push(Note::Cleared(ids));
    }

    /// The captures are dropped; their destructor acts, unless a panic is under way.
    fn dropped(&mut self, id: usize, unwinding: bool) {
        self.trace.push(Note::Dropped { listener: id });
        let script = self.program.scripts.get(self.listeners[id].script);
        let Some(op) = script.and_then(|script| script.dropped).filter(|_| !unwinding) else {
            return;
        };
        self.depth += 1;
        if self.op(op).is_err() {
            self.trace.push(Note::Caught);
        }
        self.depth -= 1;
    }

    fn emit(&mut self, event: Ev) -> Done {
        if self.depth >= DEPTH {
            return Ok(());
        }
        let (mut called, mut skipped) = (0, 0);
        for id in self.order[event as usize].clone() {
            let listener = &mut self.listeners[id];
            if !listener.alive || listener.blocks != 0 {
                continue;
            }
            let object = listener.has_object && (self.object || self.holding != 0);
            match listener.way {
                way if listener.running != 0 && way != Way::Reentrant => {
                    skipped += 1;
                    continue;
                }
                Way::Weak | Way::State if !object => {
                    self.off(id);
                    continue;
                }
                Way::State if self.borrowing != 0 => {
                    skipped += 1;
                    continue;
                }
                Way::When => {
                    self.trace.push(Note::Wanted { listener: id });
                    if self.depth % 2 == 1 {
                        continue;
                    }
                }
                Way::Many(_) => {
                    listener.left -= 1;
                    if listener.left == 0 {
                        self.remove(id);
                    }
                }
                Way::Once | Way::PrependOnce => {
                    self.remove(id);
                }
                _ => {}
            }
            self.call(id)?;
            called += 1;
        }
        self.trace.push(Note::Emitted { called, skipped });
        Ok(())
    }

    fn call(&mut self, id: usize) -> Done {
        let way = self.listeners[id].way;
        let holds = usize::from(matches!(way, Way::Weak | Way::State));
        let borrows = usize::from(way == Way::State);
        self.listeners[id].running += 1;
        self.holding += holds;
        self.borrowing += borrows;
        let done = self.run(id);
        self.borrowing -= borrows;
        self.holding -= holds;
        self.listeners[id].running -= 1;
        if !self.listeners[id].alive && self.listeners[id].running == 0 {
            self.dropped(id, done.is_err());
        }
        done
    }

    fn run(&mut self, id: usize) -> Done {
        let Listener { event, script, .. } = self.listeners[id];
        let count = self.order[event as usize].len();
        self.trace.push(Note::Called { listener: id, depth: self.depth, count });
        let Some(fuel) = self.fuel.checked_sub(1) else { return Ok(()) };
        self.fuel = fuel;
        let program = self.program;
        let Some(script) = program.scripts.get(script) else { return Ok(()) };
        self.depth += 1;
        let done = script.called.iter().try_for_each(|&op| self.op(op));
        self.depth -= 1;
        done
    }
}

/// The `n`-th of those there were, if it has not been taken before.
pub(crate) fn take<T>(all: &mut [Option<T>], n: usize) -> Option<T> {
    let n = n.checked_rem(all.len())?;
    all[n].take()
}
