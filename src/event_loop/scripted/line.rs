//! Sources that are to be told again stand in line, behind those that the driver tells of.

use super::*;

#[test]
fn a_hot_source_leaves_hundreds_of_quiet_ones_and_the_timers_their_turn() {
    let stage = Stage::new();
    let hot = stage.probe("hot", READ, Trigger::Edge);
    hot.at(0, READ);
    // It never comes to the end of what it has.
    hot.reacts(|hot, _| hot.stage.event_loop.handle.again(hot.key.get(), READ));
    let quiet: Vec<_> = (0..400).map(|_| stage.probe("q", READ, Trigger::Edge)).collect();
    assert_eq!(stage.turns(2), "hot:r hot:r");
    quiet.iter().for_each(|quiet| quiet.at(0, READ));
    stage.event_loop.handle.set_timeout(Duration::ZERO, stage.noting("timer"));
    stage.event_loop.handle.set_immediate(stage.noting("immediate"));
    let told = stage.turns(1);
    // Without edges the hot one is ready again as it was before; with them it asks to be told behind the others.
    let (first, last) = if Driver::EDGES {
        ("timer q:r q:r", "q:r hot:r immediate")
    } else {
        ("timer hot:r q:r", "q:r q:r immediate")
    };
    assert!(told.starts_with(first) && told.ends_with(last), "{told}");
    assert_eq!((told.matches("q:r").count(), told.matches("hot:r").count()), (400, 1));
    assert_eq!(stage.core().now(), 0, "and no time has passed");
}

#[test]
fn one_that_is_told_again_and_of_an_edge_is_told_once_in_a_turn_and_that_it_may_write_at_once() {
    let stage = Stage::new();
    let hot = stage.probe("hot", READ | WRITE, Trigger::Edge);
    let quiet = stage.probe("quiet", READ, Trigger::Edge);
    hot.at(0, READ);
    hot.reacts(|hot, _| hot.stage.event_loop.handle.again(hot.key.get(), READ));
    assert_eq!(stage.turns(2), "hot:r hot:r");
    // More comes for it before something comes for the other one, which is served first nevertheless.
    hot.at(0, READ);
    quiet.at(0, READ);
    let told = stage.turns(1);
    assert_eq!(told.matches("hot").count(), 1, "{told}");
    if Driver::EDGES {
        assert_eq!(told, "quiet:r hot:r");
        hot.at(0, READ | WRITE);
        quiet.at(0, READ);
        assert_eq!(stage.turns(1), "hot:w quiet:r hot:r");
    }
    assert_eq!(stage.turns(1).matches("hot").count(), 1);
}

#[test]
fn one_that_stands_in_line_when_another_one_panics_is_told_in_a_later_turn_and_once() {
    let stage = Stage::new();
    let hot = stage.probe("hot", READ, Trigger::Edge);
    let other = stage.probe("other", READ, Trigger::Edge);
    hot.at(0, READ);
    hot.reacts(|hot, _| hot.stage.event_loop.handle.again(hot.key.get(), READ));
    assert_eq!(stage.turns(1), "hot:r");
    other.at(0, READ);
    hot.at(0, READ);
    other.reacts(|other, _| {
        other.drain();
        panic!("on purpose");
    });
    let turn = std::panic::AssertUnwindSafe(|| stage.event_loop.run_once());
    assert!(std::panic::catch_unwind(turn).is_err());
    stage.log.take();
    for _ in 0..3 {
        assert_eq!(stage.turns(1).matches("hot:r").count(), 1);
    }
}

#[test]
fn when_one_panics_those_behind_it_are_told_in_a_later_turn() {
    let stage = Stage::new();
    let probes = ["a", "b", "c"].map(|name| stage.probe(name, READ, Trigger::Edge));
    probes.iter().for_each(|probe| probe.at(2, READ));
    let mut panics = true;
    probes[1].reacts(move |probe, _| {
        probe.drain();
        assert!(!std::mem::take(&mut panics), "on purpose");
    });
    let turn = std::panic::AssertUnwindSafe(|| stage.event_loop.run_once());
    assert!(std::panic::catch_unwind(turn).is_err());
    assert_eq!(stage.log.take().join(" "), "a:r b:r");
    // Its reaction went with the panic; nobody knows how far it came, so it is told again.
    let told = stage.turns(1);
    assert!(told.ends_with("c:r"), "{told}");
    assert!(!told.contains("a:r"), "{told}");
}
