//! Random programs, run on the emitter and on a model that does it in the plainest way.

use std::cell::RefCell;
use std::rc::Rc;

use onward::Emitter;
use onward::emitter::{Listener, Options, Removal};

onward::events! { Machine { Run(usize), Other(usize) } }

#[derive(Clone, Copy, PartialEq, Debug)]
enum Kind {
    Repeated,
    Once,
    Reentrant,
}

/// What a listener does when it is called, at a depth of emits below [`DEPTH`].
#[derive(Clone, Copy, Debug)]
enum Act {
    Nothing,
    Add(Kind, bool),
    /// Removes the n-th listener that was ever added.
    Off(usize),
    RemoveAll,
    Emit,
}

const DEPTH: usize = 3;
const LISTENERS: usize = 24;

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % n
    }

    fn kind(&mut self) -> Kind {
        [Kind::Repeated, Kind::Repeated, Kind::Once, Kind::Reentrant][self.below(4)]
    }

    fn act(&mut self) -> Act {
        match self.below(12) {
            0..=2 => Act::Add(self.kind(), self.below(3) == 0),
            3..=5 => Act::Off(self.below(LISTENERS)),
            6 => Act::RemoveAll,
            7..=9 => Act::Emit,
            _ => Act::Nothing,
        }
    }
}

/// The plainest way: a vector of ids, and an emit that copies it.
#[derive(Default)]
struct Model {
    removal: Removal,
    /// Those of one time that have been called.
    used: Vec<usize>,
    order: Vec<usize>,
    kinds: Vec<Kind>,
    running: Vec<usize>,
    trace: Vec<String>,
}

impl Model {
    fn act(&mut self, acts: &[Act], act: Act, depth: usize) {
        match act {
            Act::Nothing => {}
            Act::Add(..) if self.kinds.len() == LISTENERS => {}
            Act::Add(kind, front) => {
                let front = front && kind == Kind::Repeated;
                let at = if front { 0 } else { self.order.len() };
                self.order.insert(at, self.kinds.len());
                self.kinds.push(kind);
            }
            Act::Off(id) => {
                let place = self.order.iter().position(|&other| other == id);
                self.trace.push(format!("off {id} {}", place.is_some()));
                place.map(|place| self.order.remove(place));
            }
            Act::RemoveAll => self.order.clear(),
            Act::Emit if depth == DEPTH => {}
            Act::Emit => {
                let (mut called, mut skipped) = (0, 0);
                for id in self.order.clone() {
                    let is_there = self.order.contains(&id) || self.removal == Removal::Snapshot;
                    if !is_there || self.used.contains(&id) {
                        continue;
                    }
                    if self.kinds[id] == Kind::Repeated && self.running.contains(&id) {
                        skipped += 1;
                        continue;
                    }
                    if self.kinds[id] == Kind::Once {
                        self.order.retain(|&other| other != id);
                        self.used.push(id);
                    }
                    self.trace.push(format!("{id}@{depth} of {}", self.order.len()));
                    self.running.push(id);
                    self.act(acts, acts[id], depth + 1);
                    self.running.pop();
                    called += 1;
                }
                self.trace.push(format!("emitted {called} {skipped}"));
            }
        }
    }
}

/// The same on the emitter. The payload is the depth.
#[derive(Clone)]
struct Real(Rc<RefCell<State>>);

struct State {
    acts: Vec<Act>,
    handles: Vec<Listener>,
    trace: Vec<String>,
}

impl Real {
    fn called(&self, machine: &Machine, id: usize, depth: usize) {
        self.note(format!("{id}@{depth} of {}", machine.listener_count(Run)));
        let act = self.0.borrow().acts[id];
        self.act(machine, act, depth + 1);
    }

    fn note(&self, what: String) {
        self.0.borrow_mut().trace.push(what);
    }

    fn act(&self, machine: &Machine, act: Act, depth: usize) {
        match act {
            Act::Nothing => {}
            Act::Add(kind, front) => self.add(machine, kind, front),
            Act::Off(id) => {
                let handle = self.0.borrow().handles.get(id).copied();
                let removed = handle.is_some_and(|handle| machine.off(handle));
                self.note(format!("off {id} {removed}"));
            }
            Act::RemoveAll => machine.remove_all_of(Run),
            Act::Emit if depth == DEPTH => {}
            Act::Emit => {
                let emitted = machine.emit(Run, depth);
                self.note(format!("emitted {} {}", emitted.called, emitted.skipped));
            }
        }
    }

    fn add(&self, machine: &Machine, kind: Kind, front: bool) {
        let id = self.0.borrow().handles.len();
        if id == LISTENERS {
            return;
        }
        let this = self.clone();
        let listener = move |machine: &Machine, depth| this.called(machine, id, depth);
        let handle = match kind {
            Kind::Once => machine.once(Run, listener),
            Kind::Reentrant => machine.on_reentrant(Run, listener),
            Kind::Repeated if front => machine.prepend(Run, listener),
            Kind::Repeated if id % 3 != 0 => machine.on(Run, listener),
            Kind::Repeated => {
                let large = [id; 16]; // large captures are stored in another way
                machine.on(Run, move |machine, depth| {
                    assert_eq!(large, [id; 16]);
                    listener(machine, depth);
                })
            }
        };
        self.0.borrow_mut().handles.push(handle);
    }
}

/// Options under which an emit goes other ways.
fn options(program: usize) -> Options<Machine> {
    match program % 3 {
        0 => Options::new(),
        1 => Options::new().removal(Removal::Snapshot),
        #[cfg(feature = "std")]
        _ => Options::new().isolate_panics(|_, panic| unreachable!("nothing panics: {panic}")),
        #[cfg(not(feature = "std"))]
        _ => Options::new().max_depth(20),
    }
}

#[test]
fn random_programs_do_what_the_model_does() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    for program in 0..3000 {
        let acts: Vec<_> = (0..LISTENERS).map(|_| random.act()).collect();
        let machine = Machine::with_options(options(program));
        machine.on(Other, |_, _| unreachable!("nobody emits it"));
        let state = State { acts: acts.clone(), handles: Vec::new(), trace: Vec::new() };
        let removal = if program % 3 == 1 { Removal::Snapshot } else { Removal::Immediate };
        let (real, mut model) =
            (Real(Rc::new(RefCell::new(state))), Model { removal, ..Model::default() });
        for step in 0..40 {
            let act = random.act();
            model.act(&acts, act, 0);
            real.act(&machine, act, 0);
            let trace = std::mem::take(&mut real.0.borrow_mut().trace);
            let expected = std::mem::take(&mut model.trace);
            assert_eq!(trace, expected, "program {program}, step {step}: {act:?} of {acts:?}");
            assert_eq!(machine.listener_count(Run), model.order.len());
        }
        machine.remove_all();
    }
}
