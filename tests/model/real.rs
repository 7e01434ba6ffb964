//! The same programs on the emitter.

use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::{Rc, Weak};

use onward::emitter::{
    Block, Emitted, Event, Listener, ListenerInfo, Options, Removal, Subscription,
};
use onward::events::{ListenerAdded, ListenerRemoved};
use onward::{Emitter, Routing};

use super::program::{DEPTH, Ev, FUEL, LISTENERS, Note, Op, Program, Rules, Way};
use super::reference::take;

onward::events! {
    /// The emitter that programs run on.
    pub(crate) Machine {
        /// A payload that each listener gets a clone of.
        Owned(Token),
        /// A payload that is lent, and one that is lent to change it.
        Lent(&Token, &mut usize),
    }
}

/// A panic on purpose. It does not go through the panic hook, so it prints nothing.
struct Planned;

/// A program under way. Listeners share it, and it has the emitter, which is given up at the end.
pub(crate) struct Real {
    program: Program,
    machine: RefCell<Option<Machine>>,
    handles: RefCell<Vec<Option<Listener>>>,
    guards: RefCell<Vec<Option<Subscription>>>,
    blocks: RefCell<Vec<Option<Block>>>,
    object: RefCell<Option<Rc<RefCell<()>>>>,
    depth: Cell<usize>,
    fuel: Cell<usize>,
    trace: RefCell<Vec<Note>>,
    /// Destructors of captures put themselves down here and do nothing, as long as it is there.
    cleared: RefCell<Option<Vec<usize>>>,
    /// By number: whether what was counted is dropped.
    ledger: RefCell<Vec<bool>>,
}

/// Something that is dropped exactly once.
struct Counted {
    real: Rc<Real>,
    number: usize,
}

impl Counted {
    fn new(real: &Rc<Real>) -> Self {
        let number = real.ledger.borrow().len();
        real.ledger.borrow_mut().push(false);
        Self { real: Rc::clone(real), number }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let before = std::mem::replace(&mut self.real.ledger.borrow_mut()[self.number], true);
        assert!(!before, "dropped twice");
    }
}

/// The payload: at which depth it was emitted.
pub(crate) struct Token {
    depth: usize,
    counted: Counted,
}

impl Clone for Token {
    fn clone(&self) -> Self {
        Self { depth: self.depth, counted: Counted::new(&self.counted.real) }
    }
}

/// What a listener captures.
struct Captured {
    id: usize,
    script: usize,
    counted: Counted,
}

impl Captured {
    /// The listener is called.
    fn called(&self, machine: &Machine, event: Ev, token: &Token) {
        let real = &self.counted.real;
        assert_eq!(token.depth, real.depth.get(), "the payload is that of this emit");
        assert!(!real.ledger.borrow()[token.counted.number], "and has not been dropped");
        let count = match event {
            Ev::Owned => machine.listener_count(Owned),
            Ev::Lent => machine.listener_count(Lent),
        };
        real.note(Note::Called { listener: self.id, depth: token.depth, count });
        let Some(fuel) = real.fuel.get().checked_sub(1) else { return };
        real.fuel.set(fuel);
        let Some(script) = real.program.scripts.get(self.script) else { return };
        let _deeper = Deeper::new(real);
        script.called.iter().for_each(|&op| real.op(machine, op));
    }
}

impl Drop for Captured {
    fn drop(&mut self) {
        let real = &self.counted.real;
        if let Some(cleared) = &mut *real.cleared.borrow_mut() {
            return cleared.push(self.id);
        }
        real.note(Note::Dropped { listener: self.id });
        let script = real.program.scripts.get(self.script);
        let op = script.and_then(|script| script.dropped).filter(|_| !std::thread::panicking());
        let machine = real.machine.borrow().clone();
        if let (Some(op), Some(machine)) = (op, machine) {
            let _deeper = Deeper::new(real);
            real.caught(|| real.op(&machine, op));
        }
    }
}

/// One deeper, as long as this lives.
struct Deeper<'a>(&'a Cell<usize>);

impl<'a> Deeper<'a> {
    fn new(real: &'a Real) -> Self {
        real.depth.set(real.depth.get() + 1);
        Self(&real.depth)
    }
}

impl Drop for Deeper<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// An emitter with these options, and those who watch it.
fn machine(rules: Rules, real: &Weak<Real>) -> Machine {
    let machine = if rules.snapshot || rules.isolation {
        let removal = if rules.snapshot { Removal::Snapshot } else { Removal::Immediate };
        let options = Options::new().removal(removal);
        Machine::with_options(if rules.isolate() { isolating(options, real) } else { options })
    } else {
        Machine::new()
    };
    if rules.watched {
        let told = |real: &Weak<Real>, note: fn(Ev, usize) -> Note| {
            let real = Weak::clone(real);
            move |machine: &Machine, info: &ListenerInfo<Machine>| {
                if let Some(real) = real.upgrade() {
                    real.told(machine, info, note);
                }
            }
        };
        machine.on(ListenerAdded, told(real, |event, others| Note::Added { event, others }));
        machine.on(ListenerRemoved, told(real, |event, others| Note::Removed { event, others }));
    }
    machine
}

#[cfg(feature = "std")]
fn isolating(options: Options<Machine>, real: &Weak<Real>) -> Options<Machine> {
    let real = Weak::clone(real);
    options.isolate_panics(move |machine, panic| {
        let panic = panic.into_payload();
        if !panic.is::<Planned>() {
            resume_unwind(panic);
        }
        if let Some(real) = real.upgrade() {
            real.reported(machine);
        }
    })
}

#[cfg(not(feature = "std"))]
fn isolating(options: Options<Machine>, _: &Weak<Real>) -> Options<Machine> {
    options
}

impl Real {
    pub(crate) fn new(program: &Program) -> Rc<Self> {
        Rc::new_cyclic(|real| Self {
            program: program.clone(),
            machine: RefCell::new(Some(machine(program.rules, real))),
            handles: RefCell::default(),
            guards: RefCell::default(),
            blocks: RefCell::default(),
            object: RefCell::new(Some(Rc::default())),
            depth: Cell::new(0),
            fuel: Cell::new(0),
            trace: RefCell::default(),
            cleared: RefCell::default(),
            ledger: RefCell::default(),
        })
    }

    /// One step from outside: what happened.
    pub(crate) fn step(self: &Rc<Self>, op: Op) -> Vec<Note> {
        self.fuel.set(FUEL);
        let machine = self.machine();
        self.caught(|| self.op(&machine, op));
        self.trace.take()
    }

    pub(crate) fn machine(&self) -> Machine {
        self.machine.borrow().clone().expect("it is there until the end")
    }

    /// Ends the emitter, then all that is left: which captures the emitter dropped, and whether each thing
    /// that was counted has been dropped.
    pub(crate) fn end(self: &Rc<Self>) -> (Vec<usize>, bool) {
        self.cleared.replace(Some(Vec::new()));
        drop(self.machine.take());
        let mut ended = self.cleared.take().unwrap_or_default();
        ended.sort_unstable();
        drop(self.guards.take());
        drop(self.blocks.take());
        (ended, self.ledger.borrow().iter().all(|&dropped| dropped))
    }

    fn note(&self, note: Note) {
        self.trace.borrow_mut().push(note);
    }

    /// A panic is reported.
    #[cfg(feature = "std")]
    fn reported(self: &Rc<Self>, machine: &Machine) {
        self.note(Note::Reported);
        if let Some(op) = self.program.reported {
            let _deeper = Deeper::new(self);
            self.op(machine, op);
        }
    }

    /// Who watches is told of a listener.
    fn told(
        self: &Rc<Self>,
        machine: &Machine,
        info: &ListenerInfo<Machine>,
        note: fn(Ev, usize) -> Note,
    ) {
        let (event, count) = if info.is(Owned) {
            (Ev::Owned, machine.listener_count(Owned))
        } else if info.is(Lent) {
            (Ev::Lent, machine.listener_count(Lent))
        } else {
            return; // those who watch are listeners too
        };
        assert_eq!(info.others(), count, "it is not there yet, or not any more");
        self.note(note(event, count));
        if let Some(op) = self.program.told {
            let _deeper = Deeper::new(self);
            self.caught(|| self.op(machine, op));
        }
    }

    fn caught(&self, run: impl FnOnce()) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(run)) {
            if !panic.is::<Planned>() {
                resume_unwind(panic);
            }
            self.note(Note::Caught);
        }
    }

    fn op(self: &Rc<Self>, machine: &Machine, op: Op) {
        match op {
            Op::Ask => {
                let counts = [machine.listener_count(Owned), machine.listener_count(Lent)];
                let mut names = machine.event_names();
                names.retain(|name| !name.starts_with("Listener"));
                self.note(Note::Asked { counts, names });
            }
            Op::Add { way, event, script, guarded, large } => {
                self.add(machine, way, event, script, guarded, large);
            }
            Op::Off(n) => {
                let off = self.nth(n).is_some_and(|listener| machine.off(listener));
                self.note(Note::Off(off));
            }
            Op::RemoveAll => self.clear(|| machine.remove_all()),
            Op::RemoveAllOf(Ev::Owned) => self.clear(|| machine.remove_all_of(Owned)),
            Op::RemoveAllOf(Ev::Lent) => self.clear(|| machine.remove_all_of(Lent)),
            Op::Emit(event) => self.emit(machine, event),
            Op::EmitCaught(event) => self.caught(|| self.emit(machine, event)),
            Op::Panic => resume_unwind(Box::new(Planned)),
            Op::Guard(n) => {
                let guard = self.nth(n).map(|listener| machine.guard(listener));
                self.guards.borrow_mut().extend(guard.map(Some));
            }
            Op::DropGuard(n) => {
                let guard = take(&mut self.guards.borrow_mut(), n);
                drop(guard);
            }
            Op::ForgetGuard(n) => {
                let guard = take(&mut self.guards.borrow_mut(), n);
                guard.map(Subscription::forget);
            }
            Op::Block(n) => {
                let block = self.nth(n).map(|listener| machine.block(listener));
                self.blocks.borrow_mut().extend(block.map(Some));
            }
            Op::Unblock(n) => {
                let block = take(&mut self.blocks.borrow_mut(), n);
                drop(block);
            }
            Op::EndObject => drop(self.object.take()),
        }
    }

    fn nth(&self, n: usize) -> Option<Listener> {
        let handles = self.handles.borrow();
        n.checked_rem(handles.len()).and_then(|n| handles[n])
    }

    /// Destructors do nothing meanwhile. Those who are told may; if they clear too, it is as one.
    fn clear(&self, clear: impl FnOnce()) {
        if self.cleared.borrow().is_some() {
            return clear();
        }
        self.cleared.replace(Some(Vec::new()));
        clear();
        let mut ids = self.cleared.take().unwrap_or_default();
        ids.sort_unstable();
        self.note(Note::Cleared(ids));
    }

    fn emit(self: &Rc<Self>, machine: &Machine, event: Ev) {
        if self.depth.get() >= DEPTH {
            return;
        }
        let token = Token { depth: self.depth.get(), counted: Counted::new(self) };
        let (emitted, expected) = match event {
            Ev::Owned => (machine.emit(Owned, token), None),
            Ev::Lent => {
                let mut calls = 0;
                (machine.emit(Lent, (&token, &mut calls)), Some(calls))
            }
        };
        if let Some(calls) = expected {
            // One that panics in its predicate, or as an interceptor, counts if it is isolated.
            let more = emitted.called.checked_sub(calls);
            let explained = more == Some(0) || more.is_some() && self.program.rules.isolate();
            assert!(explained, "{emitted:?}, but the payload was changed {calls} times");
        }
        let Emitted { called, skipped, stopped, .. } = emitted;
        assert_eq!(emitted.handled(), called != 0);
        self.note(Note::Emitted { called, skipped, stopped });
    }

    fn add(
        self: &Rc<Self>,
        machine: &Machine,
        way: Way,
        event: Ev,
        script: usize,
        guarded: bool,
        large: bool,
    ) {
        let id = self.handles.borrow().len();
        if id == LISTENERS {
            return;
        }
        self.handles.borrow_mut().push(None);
        let script = script % self.program.scripts.len().max(1);
        let captured = Captured { id, script, counted: Counted::new(self) };
        let counts = usize::from(!matches!(way, Way::Intercept { .. }));
        let room = [id; 16]; // what captures much is stored in another way
        let adding = Adding { real: self, machine, way, id, guarded };
        let handle = match (event, large) {
            (Ev::Owned, false) => adding.add(Owned, move |machine, token| {
                captured.called(machine, event, &token);
            }),
            (Ev::Owned, true) => adding.add(Owned, move |machine, token| {
                assert_eq!(room, [captured.id; 16]);
                captured.called(machine, event, &token);
            }),
            (Ev::Lent, false) => adding.add(Lent, move |machine, (token, calls)| {
                *calls += counts;
                captured.called(machine, event, token);
            }),
            (Ev::Lent, true) => adding.add(Lent, move |machine, (token, calls)| {
                *calls += counts;
                assert_eq!(room, [captured.id; 16]);
                captured.called(machine, event, token);
            }),
        };
        self.handles.borrow_mut()[id] = Some(handle);
    }
}

/// A listener that is being added.
struct Adding<'a> {
    real: &'a Rc<Real>,
    machine: &'a Machine,
    way: Way,
    id: usize,
    guarded: bool,
}

impl Adding<'_> {
    fn add<E: Event<Machine>>(
        self,
        event: E,
        listener: impl for<'a> Fn(&Machine, E::Payload<'a>) + 'static,
    ) -> Listener {
        let Self { real, machine, way, id, guarded } = self;
        if guarded && way == Way::On {
            let guard = machine.on_scoped(event, listener);
            let handle = guard.listener();
            real.guards.borrow_mut().push(Some(guard));
            return handle;
        }
        // No longer than it takes to add one that needs it: destructors may run before this returns.
        let object = || real.object.borrow().clone().unwrap_or_default();
        let handle = match way {
            Way::On => machine.on(event, listener),
            Way::Once => machine.once(event, listener),
            Way::Prepend => machine.prepend(event, listener),
            Way::PrependOnce => machine.prepend_once(event, listener),
            Way::Group(group) => machine.on_group(event, group, listener),
            Way::Many(times) => machine.many(event, times, listener),
            Way::Reentrant => machine.on_reentrant(event, listener),
            Way::When => {
                let real = Rc::clone(real);
                let wanted = move |_: &Machine, _: E::Payload<'_>| {
                    real.note(Note::Wanted { listener: id });
                    real.depth.get() % 2 == 0
                };
                machine.on_when(event, wanted, listener)
            }
            Way::Intercept { stops } => machine.intercept(event, move |machine, payload| {
                listener(machine, payload);
                if stops { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            }),
            Way::Weak => machine.on_weak(event, &object(), move |_, machine, payload| {
                listener(machine, payload);
            }),
            Way::State => machine.on_state(event, &object(), move |(), machine, payload| {
                listener(machine, payload);
            }),
        };
        if guarded {
            real.guards.borrow_mut().push(Some(machine.guard(handle)));
        }
        handle
    }
}
