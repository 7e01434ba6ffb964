//! The plainest emitter that follows the documented rules: vectors of numbers, searched and copied.

mod watched;

use super::program::{DEPTH, Ev, FUEL, LISTENERS, Note, Op, Program, Way};

use watched::{ADDED, REMOVED, Watcher};

/// A listener has panicked, and nobody has caught it yet.
pub(crate) struct Unwinding;

type Done = Result<(), Unwinding>;

/// How an emit counts a listener.
enum Turn {
    Called,
    Skipped,
    Missed,
    Stopped,
}

struct Listener {
    way: Way,
    event: Ev,
    script: usize,
    /// Still registered.
    alive: bool,
    /// Removed, but emits that had begun may call it.
    leaving: bool,
    /// Called for the last time, by itself.
    used_up: bool,
    /// Added while an emit of its event was under way, which is so still.
    late: bool,
    /// How often it runs, one run inside of the other.
    running: usize,
    left: usize,
    blocks: usize,
    /// What it depends on was there when it was added.
    has_object: bool,
    /// Its handle has been returned.
    known: bool,
    /// How many had come before it, and itself; once it is there.
    number: usize,
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
    /// By event: how many emits are under way, and who leaves as the outermost ends.
    walking: [usize; 2],
    leaving: [Vec<usize>; 2],
    /// A panic that was isolated is being reported.
    reporting: bool,
    /// Those who are told of what comes, and of what goes: are they there, and do they run?
    watchers: [Watcher; 2],
    /// Whose captures have been dropped since everything began to be removed, if it is.
    clearing: Option<Vec<usize>>,
    number: usize,
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
            walking: [0, 0],
            leaving: [Vec::new(), Vec::new()],
            reporting: false,
            watchers: [Watcher { there: program.rules.watched, runs: false }; 2],
            clearing: None,
            number: 0,
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
            leaving: false,
            used_up: false,
            late: false,
            running: 0,
            left,
            blocks: 0,
            has_object: self.object,
            known: false,
            number: 0,
        });
        // Whoever adds one that needs the object holds it until that is there.
        let holds = usize::from(self.object && matches!(way, Way::Weak | Way::State));
        self.holding += holds;
        self.tell(ADDED, event);
        self.holding -= holds;
        self.insert(id, event);
        if way == Way::Many(0) {
            self.off(id);
        }
        self.listeners[id].known = true;
        if guarded {
            self.guards.push(Some(id));
        }
    }

    fn insert(&mut self, id: usize, event: Ev) {
        self.number += 1;
        let listener = &mut self.listeners[id];
        listener.number = self.number;
        listener.late = self.walking[event as usize] != 0;
        let order = &mut self.order[event as usize];
        if order.is_empty() {
            self.names.push(event);
        }
        let place = |id: usize| {
            let Listener { way, number, .. } = self.listeners[id];
            match way {
                Way::Intercept { .. } => (0, 0, number),
                Way::Prepend | Way::PrependOnce => (1, 0, usize::MAX - number),
                Way::Group(group) => (2, group, number),
                _ => (3, 0, number),
            }
        };
        let at = order.iter().position(|&other| place(other) > place(id)).unwrap_or(order.len());
        order.insert(at, id);
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

    /// It may still be called, if an emit is under way and the emitter is one for that. Blocked it could not be.
    fn leave(&mut self, id: usize) {
        let listener = &mut self.listeners[id];
        let event = listener.event as usize;
        if self.program.rules.snapshot && self.walking[event] != 0 && listener.blocks == 0 {
            listener.leaving = true;
            self.leaving[event].push(id);
        }
    }

    /// Has nobody a use for the captures any more?
    fn is_over(&self, id: usize) -> bool {
        let listener = &self.listeners[id];
        !listener.alive && !listener.leaving && listener.running == 0
    }

    /// The captures go at once, unless it runs or leaves by and by.
    fn off(&mut self, id: usize) -> bool {
        let removed = self.remove(id);
        if removed {
            self.leave(id);
            if self.is_over(id) {
                self.dropped(id, false);
            }
            self.tell(REMOVED, self.listeners[id].event);
        }
        removed
    }

    /// The captures are dropped; their destructor acts, unless a panic is under way.
    fn dropped(&mut self, id: usize, unwinding: bool) {
        if let Some(cleared) = &mut self.clearing {
            return cleared.push(id);
        }
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
        self.walking[event as usize] += 1;
        let done = self.walk(event);
        self.walking[event as usize] -= 1;
        if self.walking[event as usize] == 0 {
            self.settle(event, done.is_err());
        }
        self.trace.push(done?);
        Ok(())
    }

    /// The outermost emit of an event ends: those that leave are gone.
    fn settle(&mut self, event: Ev, unwinding: bool) {
        self.listeners.iter_mut().filter(|listener| listener.event == event).for_each(|listener| {
            listener.late = false;
        });
        let mut gone = std::mem::take(&mut self.leaving[event as usize]);
        gone.retain(|&id| std::mem::take(&mut self.listeners[id].leaving));
        gone.into_iter().for_each(|id| self.dropped(id, unwinding));
    }

    fn walk(&mut self, event: Ev) -> Result<Note, Unwinding> {
        let (mut called, mut skipped, mut stopped) = (0, 0, false);
        for id in self.order[event as usize].clone() {
            let listener = &self.listeners[id];
            if !listener.alive && !listener.leaving || listener.blocks != 0 {
                continue;
            }
            if listener.running != 0 && listener.way != Way::Reentrant {
                skipped += 1;
                continue;
            }
            match self.turn(id)? {
                Turn::Called => called += 1,
                Turn::Skipped => skipped += 1,
                Turn::Missed => {}
                Turn::Stopped => {
                    (called, stopped) = (0, true);
                    break;
                }
            }
        }
        Ok(Note::Emitted { called, skipped, stopped })
    }

    /// It is a listener's turn, and it does not run.
    fn turn(&mut self, id: usize) -> Result<Turn, Unwinding> {
        let listener = &mut self.listeners[id];
        let object = listener.has_object && (self.object || self.holding != 0);
        match listener.way {
            Way::Weak | Way::State if !object => {
                self.give_up(id);
                return Ok(Turn::Missed);
            }
            Way::State if self.borrowing != 0 => return Ok(Turn::Skipped),
            Way::When => {
                self.trace.push(Note::Wanted { listener: id });
                if self.depth % 2 == 1 {
                    return Ok(Turn::Missed);
                }
            }
            Way::Many(_) => {
                listener.left -= 1;
                if listener.left == 0 {
                    self.use_up(id);
                }
            }
            Way::Once | Way::PrependOnce => self.use_up(id),
            _ => {}
        }
        let is_caught = self.program.rules.isolate() && !self.reporting;
        match self.call(id, is_caught) {
            Ok(()) => {}
            Err(Unwinding) if is_caught => {
                self.report(id)?;
                let intercepts = matches!(self.listeners[id].way, Way::Intercept { .. });
                return Ok(if intercepts { Turn::Missed } else { Turn::Called });
            }
            unwinding => unwinding?,
        }
        Ok(match self.listeners[id].way {
            Way::Intercept { stops: true } => Turn::Stopped,
            Way::Intercept { stops: false } => Turn::Missed,
            _ => Turn::Called,
        })
    }

    /// What it depends on is gone, which it finds out as it runs: its captures go when it has returned.
    fn give_up(&mut self, id: usize) {
        if self.remove(id) {
            self.leave(id);
            let over = self.is_over(id);
            self.tell(REMOVED, self.listeners[id].event);
            if over {
                self.dropped(id, false);
            }
        }
    }

    /// It is about to be called for the last time.
    fn use_up(&mut self, id: usize) {
        let removed = self.remove(id);
        self.listeners[id].leaving = false;
        self.listeners[id].used_up = true;
        if removed {
            self.tell(REMOVED, self.listeners[id].event);
        }
    }

    /// Unless it is used up, what is removed while it runs is dropped by the emit: if that catches panics, after the
    /// unwinding.
    fn call(&mut self, id: usize, is_caught: bool) -> Done {
        let way = self.listeners[id].way;
        let holds = usize::from(matches!(way, Way::Weak | Way::State));
        let borrows = usize::from(way == Way::State);
        self.listeners[id].running += 1;
        self.holding += holds;
        self.borrowing += borrows;
        let done = self.run(id);
        self.borrowing -= borrows;
        self.holding -= holds;
        self.returned(id, done.is_err() && (self.listeners[id].used_up || !is_caught));
        done
    }

    fn returned(&mut self, id: usize, unwinding: bool) {
        self.listeners[id].running -= 1;
        if self.is_over(id) {
            self.dropped(id, unwinding);
        }
    }

    /// Its panic is reported. Meanwhile it counts as running, if it has not been removed.
    fn report(&mut self, id: usize) -> Done {
        let listener = &mut self.listeners[id];
        let runs = listener.alive || listener.leaving;
        listener.running += usize::from(runs);
        self.trace.push(Note::Reported);
        self.reporting = true;
        self.depth += 1;
        let done = self.program.reported.map_or(Ok(()), |op| self.op(op));
        self.depth -= 1;
        self.reporting = false;
        if runs {
            self.returned(id, done.is_err());
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
