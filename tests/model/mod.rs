//! Random programs, run on the emitter and on a reference that follows the documented rules in the plainest way. The
//! property test and the fuzz target share this.

pub(crate) mod program;
mod real;
mod reference;

use onward::Emitter;
use program::{FUEL, Note, Op, Program};
use real::{Lent, Owned, Real};
use reference::Reference;

/// Runs a program on both sides. They have to do the same at each step, and at the end everything has been
/// dropped exactly once.
///
/// # Errors
///
/// What differed.
pub(crate) fn check(program: &Program) -> Result<(), String> {
    let real = Real::new(program);
    let mut reference = Reference::new(program);
    for (step, &op) in program.steps.iter().enumerate() {
        let happened = real.step(op);
        let expected = run(&mut reference, op);
        if happened != expected {
            return Err(format!(
                "step {step}, {op:?}:\n happened {happened:?}\n expected {expected:?}"
            ));
        }
        let machine = real.machine();
        let counts = [machine.listener_count(Owned), machine.listener_count(Lent)];
        if counts != reference.counts() {
            return Err(format!("after step {step}: {counts:?} of {:?}", reference.counts()));
        }
        let debug = format!("{machine:?}");
        if !program.rules.watched && debug != shown(counts) {
            return Err(format!("after step {step}: {debug} with {counts:?}"));
        }
    }
    let (ended, all_dropped) = real.end();
    let mut expected = reference.alive();
    expected.sort_unstable();
    if ended != expected {
        return Err(format!("with the emitter ended {ended:?} of {expected:?}"));
    }
    if !all_dropped {
        return Err("something has not been dropped".into());
    }
    Ok(())
}

/// What happens on the emitter, step by step.
#[allow(dead_code, reason = "the fuzz target only checks")]
pub(crate) fn happened(program: &Program) -> Vec<Vec<Note>> {
    let real = Real::new(program);
    let happened = program.steps.iter().map(|&op| real.step(op)).collect();
    real.end(); // listeners that are left hold it
    happened
}

fn run(reference: &mut Reference<'_>, op: Op) -> Vec<Note> {
    reference.fuel = FUEL;
    if reference.op(op).is_err() {
        reference.trace.push(Note::Caught);
    }
    std::mem::take(&mut reference.trace)
}

/// How an emitter with so many listeners is shown.
fn shown([owned, lent]: [usize; 2]) -> String {
    match (owned, lent) {
        (0, 0) => "Machine".into(),
        (_, 0) => format!("Machine {{ Owned: {owned} }}"),
        (0, _) => format!("Machine {{ Lent: {lent} }}"),
        _ => format!("Machine {{ Owned: {owned}, Lent: {lent} }}"),
    }
}
