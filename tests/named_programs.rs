//! Random programs on an emitter with names, keys and patterns, under each of its options, and on a reference that
//! follows the documented rules in the plainest way. A failure prints the shortest program found that still fails.

use std::cell::{Cell, RefCell};
use std::ops::ControlFlow::{Break, Continue};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::{Rc, Weak};

use onward::emitter::named::{Key, Name, NamedEmitter, Pattern};
use onward::emitter::{Listener, Options, Removal};
use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestRunner};

const CASES: u32 = if cfg!(miri) { 20 } else { 2000 };
/// Emits, and what destructors do, are nested no deeper than this.
const DEPTH: usize = 3;
/// After so many calls in one step, listeners do nothing any more.
const FUEL: usize = 60;
/// How the panic of an emit begins that is nested too deep.
const TOO_DEEP: &str = "emits are nested more than";
const LISTENERS: usize = 24;
const SCRIPTS: usize = 6;

/// What is listened for: names, keys without one, and patterns.
const NAMES: [&str; 3] = ["a.x", "a.y", "b"];
const KEYS: usize = 2;
const PATTERNS: [&str; 3] = ["a.*", "**", "b"];
const PLAIN: usize = NAMES.len() + KEYS;
const ALL: usize = PLAIN + PATTERNS.len();

#[derive(Debug, PartialEq, Eq, Hash)]
struct Player(usize);

impl Key for Player {
    type Payload = usize;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    On,
    Once,
    Prepend,
    Reentrant,
    Group(i16),
    Intercept { stops: bool },
}

#[derive(Clone, Copy, Debug)]
enum Op {
    /// For one of all; its script.
    Add(Way, usize, usize),
    Off(usize),
    RemoveAllOf(usize),
    RemoveAll,
    /// One of the names and keys.
    Emit(usize),
    EmitCaught(usize),
    Panic,
}

/// Which of an emitter's options are set.
#[derive(Clone, Copy, Debug)]
struct Rules {
    snapshot: bool,
    isolation: bool,
    max_depth: Option<usize>,
}

impl Rules {
    /// Without the standard library panics cannot be caught.
    fn isolate(self) -> bool {
        cfg!(feature = "std") && self.isolation
    }
}

#[derive(Clone, Debug)]
struct Program {
    rules: Rules,
    /// What the report of a panic does, if panics are isolated.
    reported: Option<Op>,
    /// What is done at each call, and when the captures are dropped.
    scripts: Vec<(Vec<Op>, Option<Op>)>,
    steps: Vec<Op>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Note {
    Called(usize),
    Dropped(usize),
    /// Dropped together, in whatever order.
    Cleared(Vec<usize>),
    Off(bool),
    Emitted(usize, usize, bool),
    /// A panic that is isolated is reported.
    Reported,
    Caught,
}

/// What both sides count alike.
#[derive(Default)]
struct Run {
    notes: RefCell<Vec<Note>>,
    cleared: RefCell<Option<Vec<usize>>>,
    depth: Cell<usize>,
    fuel: Cell<usize>,
}

impl Run {
    fn note(&self, note: Note) {
        self.notes.borrow_mut().push(note);
    }

    /// Destructors do nothing meanwhile.
    fn clear(&self, clear: impl FnOnce()) {
        let outer = self.cleared.replace(Some(Vec::new()));
        clear();
        let mut ids = self.cleared.replace(outer).unwrap_or_default();
        ids.sort_unstable();
        self.note(Note::Cleared(ids));
    }

    /// Notes a call, and says whether it may do something.
    fn calls(&self, id: usize) -> bool {
        self.note(Note::Called(id));
        let fuel = self.fuel.get();
        self.fuel.set(fuel.saturating_sub(1));
        fuel != 0
    }

    /// Notes that something is dropped, and says whether it may do something.
    fn drops(&self, id: usize) -> bool {
        if let Some(cleared) = &mut *self.cleared.borrow_mut() {
            cleared.push(id);
            return false;
        }
        self.note(Note::Dropped(id));
        self.depth.get() < DEPTH
    }

    /// One deeper, also if it ends in a panic.
    fn deeper<R>(&self, run: impl FnOnce() -> R) -> R {
        struct Deeper<'a>(&'a Cell<usize>);
        impl Drop for Deeper<'_> {
            fn drop(&mut self) {
                self.0.set(self.0.get() - 1);
            }
        }
        self.depth.set(self.depth.get() + 1);
        let _deeper = Deeper(&self.depth);
        run()
    }
}

mod real {
    use std::any::Any;

    use super::*;

    pub(super) struct Real {
        pub(super) emitter: RefCell<Option<NamedEmitter>>,
        program: Program,
        handles: RefCell<Vec<Option<Listener>>>,
        pub(super) run: Run,
    }

    /// A panic on purpose. It does not go through the panic hook, so it prints nothing.
    struct Planned;

    fn is_expected(panic: &dyn Any) -> bool {
        let text = panic.downcast_ref::<String>();
        panic.is::<Planned>() || text.is_some_and(|text| text.starts_with(TOO_DEEP))
    }

    struct Captured(Rc<Real>, usize, usize);

    impl Captured {
        fn called(&self, emitter: &NamedEmitter) {
            let Self(real, id, script) = self;
            if real.run.calls(*id) {
                let ops = &real.program.scripts[*script].0;
                real.run.deeper(|| ops.iter().for_each(|op| real.op(emitter, *op)));
            }
        }
    }

    impl Drop for Captured {
        fn drop(&mut self) {
            let Self(real, id, script) = self;
            let emitter = real.emitter.borrow().clone();
            let acts = real.run.drops(*id) && !std::thread::panicking();
            if let (true, Some(emitter), Some(op)) =
                (acts, emitter, real.program.scripts[*script].1)
            {
                real.run.deeper(|| real.caught(|| real.op(&emitter, op)));
            }
        }
    }

    pub(super) fn pattern(at: usize) -> Pattern<usize> {
        Pattern::new(PATTERNS[at - PLAIN]).expect("a pattern")
    }

    /// Has something done with what is listened for.
    macro_rules! at {
        ($at:expr, $event:ident => $work:expr) => {
            match $at {
                at if at < NAMES.len() => {
                    let $event = Name::<usize>::borrowed(NAMES[at]);
                    $work
                }
                at if at < PLAIN => {
                    let $event = Player(at);
                    $work
                }
                at => {
                    let $event = pattern(at);
                    $work
                }
            }
        };
    }

    /// An emitter with these options; often with none.
    fn emitter(rules: Rules, real: &Weak<Real>) -> NamedEmitter {
        if !rules.snapshot && !rules.isolate() && rules.max_depth.is_none() {
            return NamedEmitter::new();
        }
        let removal = if rules.snapshot { Removal::Snapshot } else { Removal::Immediate };
        let mut options = Options::new().removal(removal);
        if let Some(depth) = rules.max_depth {
            options = options.max_depth(depth as u32);
        }
        NamedEmitter::with_options(if rules.isolate() {
            isolating(options, Weak::clone(real))
        } else {
            options
        })
    }

    #[cfg(feature = "std")]
    fn isolating(options: Options<NamedEmitter>, real: Weak<Real>) -> Options<NamedEmitter> {
        options.isolate_panics(move |emitter, panic| {
            let panic = panic.into_payload();
            if !is_expected(&*panic) {
                resume_unwind(panic);
            }
            let Some(real) = real.upgrade() else { return };
            real.run.note(Note::Reported);
            if let Some(op) = real.program.reported {
                real.run.deeper(|| real.op(emitter, op));
            }
        })
    }

    #[cfg(not(feature = "std"))]
    fn isolating(options: Options<NamedEmitter>, _: Weak<Real>) -> Options<NamedEmitter> {
        options
    }

    impl Real {
        pub(super) fn caught(&self, run: impl FnOnce()) {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(run)) {
                if !is_expected(&*panic) {
                    resume_unwind(panic);
                }
                self.run.note(Note::Caught);
            }
        }

        pub(super) fn new(program: &Program) -> Rc<Self> {
            Rc::new_cyclic(|real| Self {
                emitter: RefCell::new(Some(emitter(program.rules, real))),
                program: program.clone(),
                handles: RefCell::default(),
                run: Run::default(),
            })
        }

        pub(super) fn count(&self, at: usize) -> usize {
            let emitter = self.emitter.borrow().clone().expect("it is there");
            at!(at, event => emitter.listener_count(event))
        }

        pub(super) fn op(self: &Rc<Self>, emitter: &NamedEmitter, op: Op) {
            match op {
                Op::Add(way, at, script) => self.add(emitter, way, at, script),
                Op::Off(n) => {
                    let handles = self.handles.borrow();
                    let handle = n.checked_rem(handles.len()).and_then(|n| handles[n]);
                    drop(handles);
                    let off = handle.is_some_and(|handle| emitter.off(handle));
                    self.run.note(Note::Off(off));
                }
                Op::RemoveAllOf(at) => {
                    self.run.clear(|| at!(at, event => emitter.remove_all_of(event)));
                }
                Op::RemoveAll => self.run.clear(|| emitter.remove_all()),
                Op::Panic => resume_unwind(Box::new(Planned)),
                Op::EmitCaught(at) => self.caught(|| self.op(emitter, Op::Emit(at))),
                Op::Emit(_) if self.run.depth.get() >= DEPTH => {}
                Op::Emit(at) => {
                    let emitted = match at {
                        at if at < NAMES.len() => emitter.emit(Name::borrowed(NAMES[at]), &at),
                        at => emitter.emit(Player(at), &at),
                    };
                    let note = Note::Emitted(emitted.called, emitted.skipped, emitted.stopped);
                    self.run.note(note);
                }
            }
        }

        fn add(self: &Rc<Self>, emitter: &NamedEmitter, way: Way, at: usize, script: usize) {
            let id = self.handles.borrow().len();
            if id == LISTENERS {
                return;
            }
            self.handles.borrow_mut().push(None);
            let captured = Captured(Rc::clone(self), id, script);
            let handle = at!(at, event => match way {
                Way::On => emitter.on(event, move |emitter, _| captured.called(emitter)),
                Way::Once => emitter.once(event, move |emitter, _| captured.called(emitter)),
                Way::Prepend => emitter.prepend(event, move |emitter, _| captured.called(emitter)),
                Way::Reentrant => emitter.on_reentrant(event, move |e, _| captured.called(e)),
                Way::Group(group) => {
                    emitter.on_group(event, group, move |emitter, _| captured.called(emitter))
                }
                Way::Intercept { stops } => emitter.intercept(event, move |emitter, _| {
                    captured.called(emitter);
                    if stops { Break(()) } else { Continue(()) }
                }),
            });
            self.handles.borrow_mut()[id] = Some(handle);
        }
    }
}

mod reference {
    use super::*;

    /// A listener has panicked, and nobody has caught it yet.
    pub(super) struct Unwinding;

    type Done<T = ()> = Result<T, Unwinding>;

    struct Entry {
        way: Way,
        at: usize,
        script: usize,
        alive: bool,
        /// Removed, but emits that had begun may call it.
        leaving: bool,
        /// Called for the last time, by itself.
        used_up: bool,
        /// Added while an emit of its event was under way, which is so still.
        late: bool,
        running: usize,
        /// How many emits are under way of a pattern's listener, which is an event by itself.
        walked: usize,
    }

    pub(super) struct Reference<'a> {
        program: &'a Program,
        listeners: Vec<Entry>,
        /// By name or key: how many emits are under way, and who leaves as the outermost ends.
        walking: [usize; PLAIN],
        leaving: [Vec<usize>; PLAIN],
        /// How many emits of the same event are inside of one another, all events together.
        nested: usize,
        /// One was refused, and those that led to it have not all ended.
        too_deep: bool,
        reporting: bool,
        pub(super) run: Run,
    }

    /// How an emit went so far: how many were called and skipped, and whether it was stopped.
    #[derive(Default)]
    struct Sum(usize, usize, bool);

    /// Where it stands: interceptors first, then the front, groups, the back.
    fn place(way: Way, id: usize) -> (i32, i64) {
        let id = id as i64;
        match way {
            Way::Intercept { .. } => (0, id),
            Way::Prepend => (1, -id),
            Way::Group(group) => (2 + i32::from(group) + 10, id),
            _ => (100, id),
        }
    }

    fn matches(pattern: usize, name: usize) -> bool {
        match PATTERNS[pattern - PLAIN] {
            "a.*" => name < 2,
            "b" => name == 2,
            _ => name < NAMES.len(),
        }
    }

    impl<'a> Reference<'a> {
        pub(super) fn new(program: &'a Program) -> Self {
            Self {
                program,
                listeners: Vec::new(),
                walking: [0; PLAIN],
                leaving: Default::default(),
                nested: 0,
                too_deep: false,
                reporting: false,
                run: Run::default(),
            }
        }

        pub(super) fn count(&self, at: usize) -> usize {
            // Patterns of the same text are one event.
            self.listeners.iter().filter(|entry| entry.alive && entry.at == at).count()
        }

        pub(super) fn alive(&self) -> Vec<usize> {
            (0..self.listeners.len()).filter(|&id| self.listeners[id].alive).collect()
        }

        /// One step from outside.
        pub(super) fn step(&mut self, op: Op) {
            let done = self.op(op);
            self.caught(done);
        }

        fn caught(&mut self, done: Done) {
            if done.is_err() {
                self.run.note(Note::Caught);
            }
        }

        fn op(&mut self, op: Op) -> Done {
            match op {
                Op::Add(..) if self.listeners.len() == LISTENERS => {}
                Op::Add(way, at, script) => self.listeners.push(Entry {
                    way,
                    at,
                    script,
                    alive: true,
                    leaving: false,
                    used_up: false,
                    late: at < PLAIN && self.walking[at] != 0,
                    running: 0,
                    walked: 0,
                }),
                Op::Off(n) => {
                    let id = n.checked_rem(self.listeners.len());
                    let off = id.is_some_and(|id| self.off(id));
                    self.run.note(Note::Off(off));
                }
                Op::RemoveAllOf(at) => self.clear(|entry| entry.at == at),
                Op::RemoveAll => self.clear(|_| true),
                Op::Panic => return Err(Unwinding),
                Op::Emit(_) | Op::EmitCaught(_) if self.run.depth.get() >= DEPTH => {}
                Op::Emit(at) => return self.emit(at),
                Op::EmitCaught(at) => {
                    let done = self.emit(at);
                    self.caught(done);
                }
            }
            Ok(())
        }

        fn deeper<R>(&mut self, run: impl FnOnce(&mut Self) -> R) -> R {
            self.run.depth.set(self.run.depth.get() + 1);
            let result = run(self);
            self.run.depth.set(self.run.depth.get() - 1);
            result
        }

        /// Out of use; it may still be called, if an emit is under way and the emitter is one for that.
        fn remove(&mut self, id: usize) -> bool {
            let entry = &mut self.listeners[id];
            let there = std::mem::replace(&mut entry.alive, false);
            if there && self.program.rules.snapshot {
                match self.walking.get(entry.at) {
                    Some(0) => {}
                    Some(_) => {
                        entry.leaving = true;
                        self.leaving[entry.at].push(id);
                    }
                    // Nobody calls it any more, but its emit has not ended.
                    None => entry.leaving = entry.walked != 0,
                }
            }
            there
        }

        /// Has nobody a use for the captures any more?
        fn is_over(&self, id: usize) -> bool {
            let entry = &self.listeners[id];
            !entry.alive && !entry.leaving && entry.running == 0
        }

        fn off(&mut self, id: usize) -> bool {
            let there = self.remove(id);
            if there && self.is_over(id) {
                self.dropped(id, false);
            }
            there
        }

        fn clear(&mut self, which: impl Fn(&Entry) -> bool) {
            let mut ids = self.alive();
            ids.retain(|&id| which(&self.listeners[id]));
            // Those that leave do so in the order of calls, but who came late stands behind.
            ids.sort_by_key(|&id| {
                let entry = &self.listeners[id];
                (entry.late, if entry.late { (0, 0) } else { place(entry.way, id) })
            });
            ids.retain(|&id| self.remove(id) && self.is_over(id));
            ids.sort_unstable();
            self.run.note(Note::Cleared(ids));
        }

        /// The captures are dropped; their destructor acts, unless a panic is under way.
        fn dropped(&mut self, id: usize, unwinding: bool) {
            let acts = self.run.drops(id) && !unwinding;
            if let (true, Some(op)) = (acts, self.program.scripts[self.listeners[id].script].1) {
                let done = self.deeper(|this| this.op(op));
                self.caught(done);
            }
        }

        fn emit(&mut self, at: usize) -> Done {
            let (there, mut sum) = (self.listeners.len(), Sum::default());
            self.matching(at, there, true, &mut sum)?;
            if !sum.2 {
                self.own(at, &mut sum)?;
            }
            if !sum.2 {
                self.matching(at, there, false, &mut sum)?;
            }
            if sum.2 {
                sum.0 = 0;
            }
            self.run.note(Note::Emitted(sum.0, sum.1, sum.2));
            Ok(())
        }

        /// An emit of an event of which so many are under way. It is refused if that is too deep.
        fn nest<T>(&mut self, walked: usize, run: impl FnOnce(&mut Self) -> Done<T>) -> Done<T> {
            if walked == 0 {
                return run(self);
            }
            self.nested += 1;
            let depth = if cfg!(feature = "std") { self.nested } else { walked };
            let done = if self.program.rules.max_depth.is_some_and(|limit| depth > limit) {
                self.too_deep = cfg!(feature = "std");
                Err(Unwinding)
            } else {
                run(self)
            };
            self.nested -= 1;
            self.too_deep &= self.nested != 0;
            done
        }

        /// The name's own listeners: those that are there as they begin.
        fn own(&mut self, at: usize, sum: &mut Sum) -> Done {
            let mut own = self.alive();
            own.retain(|&id| self.listeners[id].at == at);
            own.sort_by_key(|&id| place(self.listeners[id].way, id));
            if own.is_empty() && self.walking[at] == 0 {
                return Ok(());
            }
            self.nest(self.walking[at], |this| {
                this.walking[at] += 1;
                let mut calls = own.into_iter();
                let done = calls.try_for_each(|id| if sum.2 { Ok(()) } else { this.call(id, sum) });
                this.walking[at] -= 1;
                if this.walking[at] == 0 {
                    this.settle(at, done.is_err());
                }
                done
            })
        }

        /// The outermost emit of an event ends: those that leave are gone.
        fn settle(&mut self, at: usize, unwinding: bool) {
            let same = self.listeners.iter_mut().filter(|entry| entry.at == at);
            same.for_each(|entry| entry.late = false);
            let mut gone = std::mem::take(&mut self.leaving[at]);
            gone.retain(|&id| std::mem::take(&mut self.listeners[id].leaving));
            gone.into_iter().for_each(|id| self.dropped(id, unwinding));
        }

        /// The patterns' listeners, each looked for when the one before has returned.
        fn matching(&mut self, at: usize, there: usize, first: bool, sum: &mut Sum) -> Done {
            let mut after = None;
            while !sum.2 {
                let key = |id: &usize| place(self.listeners[*id].way, *id);
                let wanted = |id: &usize| {
                    let entry = &self.listeners[*id];
                    entry.at >= PLAIN
                        && (entry.alive || entry.walked != 0)
                        && matches(entry.at, at)
                        && matches!(entry.way, Way::Intercept { .. }) == first
                        && Some(key(id)) > after
                };
                let Some(id) = (0..there).filter(wanted).min_by_key(key) else { return Ok(()) };
                after = Some(key(&id));
                self.nest(self.listeners[id].walked, |this| {
                    this.listeners[id].walked += 1;
                    let there = this.listeners[id].alive;
                    let done = if there { this.call(id, sum) } else { Ok(()) };
                    let entry = &mut this.listeners[id];
                    entry.walked -= 1;
                    if entry.walked == 0 && std::mem::take(&mut entry.leaving) {
                        this.dropped(id, done.is_err());
                    }
                    done
                })?;
            }
            Ok(())
        }

        fn call(&mut self, id: usize, sum: &mut Sum) -> Done {
            let Entry { way, alive, leaving, running, .. } = self.listeners[id];
            if !alive && !leaving {
                return Ok(());
            }
            if running != 0 && way != Way::Reentrant {
                sum.1 += 1;
                return Ok(());
            }
            if way == Way::Once {
                let entry = &mut self.listeners[id];
                (entry.alive, entry.leaving, entry.used_up) = (false, false, true);
            }
            let is_caught = self.program.rules.isolate() && !self.reporting;
            self.listeners[id].running += 1;
            let done = self.body(id);
            self.returned(id, done.is_err() && (self.listeners[id].used_up || !is_caught));
            let intercepts = matches!(way, Way::Intercept { .. });
            match done {
                Err(Unwinding) if !is_caught || self.too_deep => return Err(Unwinding),
                Err(Unwinding) => self.report(id)?,
                Ok(()) => sum.2 |= way == Way::Intercept { stops: true },
            }
            sum.0 += usize::from(!intercepts);
            Ok(())
        }

        fn body(&mut self, id: usize) -> Done {
            if !self.run.calls(id) {
                return Ok(());
            }
            let ops = &self.program.scripts[self.listeners[id].script].0;
            self.deeper(|this| ops.iter().try_for_each(|op| this.op(*op)))
        }

        fn returned(&mut self, id: usize, unwinding: bool) {
            self.listeners[id].running -= 1;
            if self.is_over(id) {
                self.dropped(id, unwinding);
            }
        }

        /// Its panic is reported. Meanwhile it counts as running, if it has not been removed.
        fn report(&mut self, id: usize) -> Done {
            let entry = &mut self.listeners[id];
            let runs = entry.alive || entry.leaving;
            entry.running += usize::from(runs);
            self.run.note(Note::Reported);
            self.reporting = true;
            let op = self.program.reported;
            let done = self.deeper(|this| op.map_or(Ok(()), |op| this.op(op)));
            self.reporting = false;
            if runs {
                self.returned(id, done.is_err());
            }
            done
        }
    }
}

fn check(program: &Program) -> Result<(), String> {
    let (real, mut reference) = (real::Real::new(program), reference::Reference::new(program));
    for (step, op) in program.steps.iter().enumerate() {
        real.run.fuel.set(FUEL);
        reference.run.fuel.set(FUEL);
        let emitter = real.emitter.borrow().clone().expect("it is there");
        real.caught(|| real.op(&emitter, *op));
        drop(emitter);
        reference.step(*op);
        let (happened, expected) = (real.run.notes.take(), reference.run.notes.take());
        if happened != expected {
            return Err(format!(
                "step {step}, {op:?}:\n happened {happened:?}\n expected {expected:?}"
            ));
        }
        for at in 0..ALL {
            let (happened, expected) = (real.count(at), reference.count(at));
            if happened != expected {
                return Err(format!("after step {step}: {happened} of {expected} at {at}"));
            }
        }
    }
    real.run.cleared.replace(Some(Vec::new()));
    drop(real.emitter.take());
    let mut ended = real.run.cleared.take().unwrap_or_default();
    ended.sort_unstable();
    if ended != reference.alive() {
        return Err(format!("with the emitter ended {ended:?} of {:?}", reference.alive()));
    }
    Ok(())
}

fn op() -> impl Strategy<Value = Op> {
    let way = prop_oneof![
        4 => Just(Way::On),
        3 => Just(Way::Once),
        1 => Just(Way::Prepend),
        2 => Just(Way::Reentrant),
        1 => (-1_i16..=1).prop_map(Way::Group),
        1 => any::<bool>().prop_map(|stops| Way::Intercept { stops }),
    ];
    prop_oneof![
        6 => (way, 0..ALL, 0..SCRIPTS).prop_map(|(way, at, script)| Op::Add(way, at, script)),
        3 => (0..LISTENERS).prop_map(Op::Off),
        1 => (0..ALL).prop_map(Op::RemoveAllOf),
        1 => Just(Op::RemoveAll),
        6 => (0..PLAIN).prop_map(Op::Emit),
        1 => (0..PLAIN).prop_map(Op::EmitCaught),
        1 => Just(Op::Panic),
    ]
}

#[test]
fn programs_with_names_do_what_the_rules_say() {
    let script = (prop::collection::vec(op(), 0..4), prop::option::weighted(0.3, op()));
    let scripts = prop::collection::vec(script, SCRIPTS);
    let max_depth = prop::option::weighted(0.3, 0_usize..2);
    let rules = (any::<[bool; 2]>(), max_depth)
        .prop_map(|([snapshot, isolation], max_depth)| Rules { snapshot, isolation, max_depth });
    let steps = prop::collection::vec(op(), 0..40);
    let programs = (rules, prop::option::of(op()), scripts, steps)
        .prop_map(|(rules, reported, scripts, steps)| Program { rules, reported, scripts, steps });
    // Those that are too deep are expected; each would print a backtrace.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let text = info.payload().downcast_ref::<String>();
        if !text.is_some_and(|text| text.starts_with(TOO_DEEP)) {
            hook(info);
        }
    }));
    let mut config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = CASES;
    }
    let tested = TestRunner::new(config)
        .run(&programs, |program| check(&program).map_err(TestCaseError::fail));
    tested.unwrap_or_else(|failure| panic!("{failure}"));
}
