//! Sources that are removed, alone and together, and what still comes for them.

use super::*;

#[test]
fn one_that_another_one_of_the_same_batch_removes_hears_nothing() {
    let stage = Stage::new();
    let [first, second] = ["first", "second"].map(|name| stage.probe(name, READ, Trigger::Level));
    first.at(3, READ);
    second.at(3, READ);
    first.reacts(move |first, _| {
        first.drain();
        second.remove();
    });
    assert_eq!(stage.turns(1), "first:r");
    assert_eq!(stage.core().registry.borrow().stale(), 1);
}

#[test]
fn those_that_close_in_one_turn_leave_the_driver_together_before_the_first_of_them_does() {
    let stage = Stage::new();
    let [first, second] = ["first", "second"].map(|name| stage.probe(name, READ, Trigger::Level));
    let never = stage.probe("never", Interest::NONE, Trigger::Level);
    first.at(3, READ);
    second.at(3, READ);
    let also = [second, never];
    first.reacts(move |first, _| {
        assert_eq!(first.stage.script.said(), "add add");
        first.close();
        also.iter().for_each(Probe::close);
        assert_eq!(first.stage.script.said(), "");
    });
    let told = "first:r first closes delete delete second closes  never closes ";
    assert_eq!(stage.turns(1), told);
    assert_eq!(stage.core().registry.borrow().len(), 0);
}

#[test]
fn what_closes_before_a_wait_has_left_the_driver_by_then() {
    let stage = Stage::new();
    let [closes, stays] = ["closes", "stays"].map(|name| stage.probe(name, READ, Trigger::Level));
    stage.event_loop.run_nowait().unwrap();
    assert_eq!(stage.script.said(), "add add");
    closes.at(0, READ);
    stays.at(0, READ);
    closes.close();
    closes.close();
    assert_eq!(stage.turns(1), "stays:r closes closes delete closes closes ");
    assert_eq!(stage.core().registry.borrow().stale(), 0);
}

#[test]
fn what_closes_as_its_loop_ends_has_left_the_driver_before() {
    let stage = Stage::new();
    let probe = stage.probe("a", READ, Trigger::Level);
    stage.event_loop.run_nowait().unwrap();
    assert_eq!(stage.script.said(), "add");
    probe.close();
    stage.core().end();
    assert_eq!(stage.log.take().join(" "), "a closes delete");
}

#[test]
fn one_that_comes_in_the_place_and_with_the_number_of_a_removed_one_hears_nothing_of_its_readiness()
{
    let stage = Stage::new();
    let first = stage.probe("first", READ, Trigger::Level);
    let second = stage.probe("second", READ, Trigger::Level);
    first.at(3, READ);
    second.at(3, READ);
    let index = second.key.get().index;
    let (keeps, mine) = (Rc::new(RefCell::new(Some(second))), stage.clone());
    let newcomers = Rc::new(RefCell::new(Vec::new()));
    let kept = Rc::clone(&newcomers);
    first.reacts(move |first, _| {
        first.drain();
        let second = keeps.take().unwrap();
        second.remove();
        drop(second); // closed: the system may give its number to the next
        kept.borrow_mut().push(mine.probe("third", READ, Trigger::Level));
    });
    assert_eq!(stage.turns(1), "first:r");
    assert_ne!(
        newcomers.borrow()[0].key.get().index,
        index,
        "the place is taken until the turn ends"
    );
    let next = stage.probe("fourth", READ, Trigger::Level);
    assert_eq!(next.key.get().index, index, "and free from then on");
    // A driver that tells of the removed one even now tells the one that has its place, for nothing.
    stage.script.at(4, Step::Report(index, READ));
    assert_eq!(stage.turns(1), "fourth:r");
}
