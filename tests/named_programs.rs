//! Random programs on an emitter with names, keys and patterns, and on a reference that follows the documented rules in
//! the plainest way. A failure prints the shortest program found that still fails.

use std::cell::{Cell, RefCell};
use std::ops::ControlFlow::{Break, Continue};
use std::rc::Rc;

use onward::emitter::Listener;
use onward::emitter::named::{Key, Name, NamedEmitter, Pattern};
use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestRunner};

const CASES: u32 = if cfg!(miri) { 20 } else { 3000 };
/// Emits, and what destructors do, are nested no deeper than this.
const DEPTH: usize = 3;
/// After so many calls in one step, listeners do nothing any more.
const FUEL: usize = 60;
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
}

#[derive(Clone, Debug)]
struct Program {
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

    fn deeper<R>(&self, run: impl FnOnce() -> R) -> R {
        self.depth.set(self.depth.get() + 1);
        let result = run();
        self.depth.set(self.depth.get() - 1);
        result
    }
}

mod real {
    use super::*;

    pub(super) struct Real {
        pub(super) emitter: RefCell<Option<NamedEmitter>>,
        program: Program,
        handles: RefCell<Vec<Option<Listener>>>,
        pub(super) run: Run,
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
            if let (true, Some(emitter)) = (real.run.drops(*id), emitter) {
                if let Some(op) = real.program.scripts[*script].1 {
                    real.run.deeper(|| real.op(&emitter, op));
                }
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

    impl Real {
        pub(super) fn new(program: &Program) -> Rc<Self> {
            Rc::new(Self {
                emitter: RefCell::new(Some(NamedEmitter::new())),
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

    struct Entry {
        way: Way,
        at: usize,
        script: usize,
        alive: bool,
        running: usize,
    }

    pub(super) struct Reference<'a> {
        program: &'a Program,
        listeners: Vec<Entry>,
        pub(super) run: Run,
    }

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
            Self { program, listeners: Vec::new(), run: Run::default() }
        }

        pub(super) fn count(&self, at: usize) -> usize {
            // Patterns of the same text are one event.
            self.listeners.iter().filter(|entry| entry.alive && entry.at == at).count()
        }

        pub(super) fn alive(&self) -> Vec<usize> {
            (0..self.listeners.len()).filter(|&id| self.listeners[id].alive).collect()
        }

        pub(super) fn op(&mut self, op: Op) {
            match op {
                Op::Add(..) if self.listeners.len() == LISTENERS => {}
                Op::Add(way, at, script) => {
                    self.listeners.push(Entry { way, at, script, alive: true, running: 0 });
                }
                Op::Off(n) => {
                    let id = n.checked_rem(self.listeners.len());
                    let off = id.is_some_and(|id| self.off(id));
                    self.run.note(Note::Off(off));
                }
                Op::RemoveAllOf(at) => self.clear(|entry| entry.at == at),
                Op::RemoveAll => self.clear(|_| true),
                Op::Emit(_) if self.run.depth.get() >= DEPTH => {}
                Op::Emit(at) => self.emit(at),
            }
        }

        fn off(&mut self, id: usize) -> bool {
            let there = std::mem::replace(&mut self.listeners[id].alive, false);
            if there && self.listeners[id].running == 0 {
                self.dropped(id);
            }
            there
        }

        fn clear(&mut self, which: impl Fn(&Entry) -> bool) {
            let mut ids = Vec::new();
            for (id, entry) in self.listeners.iter_mut().enumerate() {
                if entry.alive && which(entry) {
                    entry.alive = false;
                    ids.extend((entry.running == 0).then_some(id));
                }
            }
            self.run.note(Note::Cleared(ids));
        }

        fn dropped(&mut self, id: usize) {
            if let (true, Some(op)) =
                (self.run.drops(id), self.program.scripts[self.listeners[id].script].1)
            {
                self.run.depth.set(self.run.depth.get() + 1);
                self.op(op);
                self.run.depth.set(self.run.depth.get() - 1);
            }
        }

        fn emit(&mut self, at: usize) {
            let there = self.listeners.len();
            let mut emitted = (0, 0, false);
            self.matching(at, there, true, &mut emitted);
            if !emitted.2 {
                // What is there as the name's own listeners begin.
                let mut own: Vec<usize> = self.alive();
                own.retain(|&id| self.listeners[id].at == at);
                own.sort_by_key(|&id| place(self.listeners[id].way, id));
                for id in own {
                    if emitted.2 {
                        break;
                    }
                    self.call(id, &mut emitted);
                }
            }
            if !emitted.2 {
                self.matching(at, there, false, &mut emitted);
            }
            if emitted.2 {
                emitted.0 = 0;
            }
            self.run.note(Note::Emitted(emitted.0, emitted.1, emitted.2));
        }

        /// The patterns' listeners, each looked for when the one before has returned.
        fn matching(
            &mut self,
            at: usize,
            there: usize,
            first: bool,
            emitted: &mut (usize, usize, bool),
        ) {
            let mut after = None;
            while !emitted.2 {
                let key = |id: &usize| place(self.listeners[*id].way, *id);
                let wanted = |id: &usize| {
                    let entry = &self.listeners[*id];
                    entry.at >= PLAIN
                        && matches(entry.at, at)
                        && matches!(entry.way, Way::Intercept { .. }) == first
                        && Some(key(id)) > after
                };
                let ids = self.alive().into_iter().filter(|&id| id < there);
                let Some(id) = ids.filter(wanted).min_by_key(key) else { return };
                after = Some(key(&id));
                self.call(id, emitted);
            }
        }

        fn call(&mut self, id: usize, (called, skipped, stopped): &mut (usize, usize, bool)) {
            let Entry { way, alive, running, script, .. } = self.listeners[id];
            if !alive {
                return;
            }
            if running != 0 && way != Way::Reentrant {
                *skipped += 1;
                return;
            }
            let once = way == Way::Once;
            self.listeners[id].running += 1;
            self.listeners[id].alive = !once;
            if self.run.calls(id) {
                self.run.depth.set(self.run.depth.get() + 1);
                for op in self.program.scripts[script].0.clone() {
                    self.op(op);
                }
                self.run.depth.set(self.run.depth.get() - 1);
            }
            self.listeners[id].running -= 1;
            match way {
                Way::Intercept { stops } => *stopped |= stops,
                _ => *called += 1,
            }
            if !self.listeners[id].alive && self.listeners[id].running == 0 {
                self.dropped(id);
            }
        }
    }
}

fn check(program: &Program) -> Result<(), String> {
    let (real, mut reference) = (real::Real::new(program), reference::Reference::new(program));
    for (step, op) in program.steps.iter().enumerate() {
        real.run.fuel.set(FUEL);
        reference.run.fuel.set(FUEL);
        let emitter = real.emitter.borrow().clone().expect("it is there");
        real.op(&emitter, *op);
        drop(emitter);
        reference.op(*op);
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
    ]
}

#[test]
fn programs_with_names_do_what_the_rules_say() {
    let script = (prop::collection::vec(op(), 0..4), prop::option::weighted(0.3, op()));
    let scripts = prop::collection::vec(script, SCRIPTS);
    let programs = (scripts, prop::collection::vec(op(), 0..40))
        .prop_map(|(scripts, steps)| Program { scripts, steps });
    let mut config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = CASES;
    }
    let tested = TestRunner::new(config)
        .run(&programs, |program| check(&program).map_err(TestCaseError::fail));
    tested.unwrap_or_else(|failure| panic!("{failure}"));
}
