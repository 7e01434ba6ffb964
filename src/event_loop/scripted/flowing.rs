//! Who wants what flows, and is ready to be read and for nothing else, is told so, without a question.

use super::*;
use crate::event_loop::counters::CallbackKind;
use crate::event_loop::slow;

const FLOWS: Interest = Interest::FLOWS;

/// Something to read for each, twice, a nanosecond apart.
fn fill(probes: &[&Rc<Probe>], when: u64) {
    probes.iter().for_each(|probe| probe.at(when, READ));
}

#[test]
fn what_flows_is_told_so_if_it_may_be_read_and_nothing_else() {
    let stage = Stage::new();
    let flows = stage.probe("flows", READ | FLOWS, Trigger::Edge);
    let reads = stage.probe("reads", READ, Trigger::Edge);
    let both = stage.probe("both", READ | WRITE | FLOWS, Trigger::Edge);
    fill(&[&flows, &reads], 1);
    both.at(1, READ | WRITE);
    assert_eq!(stage.turns(1), "flows:flows reads:r both:rw");
    assert_eq!(stage.core().counters.of(CallbackKind::Source), 3);
    // It does not flow any more, and does again.
    flows.want(READ);
    fill(&[&flows], 2);
    assert_eq!(stage.turns(1), "flows:r");
    flows.want(READ | FLOWS);
    fill(&[&flows], 3);
    assert_eq!(stage.turns(1), "flows:flows");
}

#[test]
fn each_is_counted_before_it_is_told() {
    let stage = Stage::new();
    let probes = ["a", "b", "c"].map(|name| stage.probe(name, READ | FLOWS, Trigger::Edge));
    for probe in &probes {
        probe.at(1, READ);
        probe.reacts(|probe, _| {
            probe.drain();
            let count = probe.stage.core().counters.of(CallbackKind::Source);
            probe.stage.note(count.to_string());
        });
    }
    assert_eq!(stage.turns(1), "a:flows 1 b:flows 2 c:flows 3");
}

#[test]
fn whoever_watches_sees_all_that_come_after_also_in_the_same_wait() {
    let stage = Stage::new();
    let [first, second] =
        ["first", "second"].map(|name| stage.probe(name, READ | FLOWS, Trigger::Edge));
    let number = Rc::new(Cell::new(0));
    let noted = Rc::clone(&number);
    first.reacts(move |probe, _| {
        probe.drain();
        noted.set(slow::add(probe.stage.core(), u64::MAX, |_| {}));
    });
    fill(&[&first, &second], 1);
    assert_eq!(stage.turns(1), "first:flows second:r");
    let third = stage.probe("third", READ | FLOWS, Trigger::Edge);
    first.reacts(|probe, _| probe.drain());
    fill(&[&first, &second, &third], 2);
    assert_eq!(stage.turns(1), "first:r second:r third:r");
    let serial = stage.core().serial;
    assert!(stage.event_loop.enter(|| slow::remove(serial, number.get())));
    fill(&[&first, &second, &third], 3);
    assert_eq!(stage.turns(1), "first:flows second:flows third:flows");
}

#[test]
fn one_that_panics_has_been_told_and_the_others_are_told_in_the_next_turn() {
    let stage = Stage::new();
    let probes = ["a", "b", "c"].map(|name| stage.probe(name, READ | FLOWS, Trigger::Edge));
    fill(&[&probes[0], &probes[1], &probes[2]], 1);
    let begun = Cell::new(false);
    probes[1].reacts(move |probe, _| {
        probe.drain();
        assert!(begun.replace(true), "a bug");
    });
    let turn = || stage.event_loop.run_once();
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(turn)).is_err());
    assert_eq!(stage.core().counters.of(CallbackKind::Source), 2);
    assert_eq!(stage.log.take().join(" "), "a:flows b:flows");
    // What is left was noted, or the driver says it again.
    let last = if Driver::EDGES { "c:r" } else { "c:flows" };
    let told = stage.turns(1);
    assert!(told.ends_with(last), "{told}");
}
