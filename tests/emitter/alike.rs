//! Listeners with the same closure, side by side, call each other on. Nobody can tell.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use onward::emitter::Listener;
use onward::{Emitter, events};

use super::support::*;

/// Does to a room what it was made to do, with all that listen there.
type Deed = Rc<dyn Fn(&Room, &[Listener])>;

/// A room where all that listen have the same closure: each notes its number, and the one at `at` does something.
struct Alike {
    room: Room,
    log: Log,
    handles: Rc<std::cell::RefCell<Vec<Listener>>>,
}

impl Alike {
    fn new(count: usize, at: usize, deed: impl Fn(&Room, &[Listener]) + 'static) -> Self {
        let alike = Self { room: Room::new(), log: Log::default(), handles: Rc::default() };
        let deed: Deed = Rc::new(deed);
        (0..count).for_each(|number| alike.add(number, (number == at).then(|| Rc::clone(&deed))));
        alike
    }

    fn add(&self, number: usize, deed: Option<Deed>) {
        let (log, handles) = (self.log.clone(), Rc::clone(&self.handles));
        // One pointer for all: so large a closure would be boxed otherwise, which makes it another one.
        let shared = Rc::new((log, handles, deed));
        let listener = self.room.on(Joined, move |room, _| {
            let (log, handles, deed) = &*shared;
            log.note(number.to_string());
            if let Some(deed) = deed {
                let all = handles.borrow().clone();
                deed(room, &all);
            }
        });
        self.handles.borrow_mut().push(listener);
    }

    /// How many an emit calls, and which.
    fn emit(&self) -> (usize, String) {
        (self.room.emit(Joined, "").called, self.log.take())
    }
}

#[test]
fn one_that_is_removed_by_one_before_it_is_not_called() {
    for (removed, expected) in [(1, "0 2 3 4"), (2, "0 1 3 4"), (4, "0 1 2 3")] {
        let alike = Alike::new(5, 0, move |room, all| _ = room.off(all[removed]));
        assert_eq!(alike.emit(), (4, expected.into()));
        assert_eq!(alike.emit(), (4, expected.into()));
    }
}

#[test]
fn one_that_removes_itself_or_others_before_it_changes_nothing_for_those_behind() {
    for removed in 0..=2 {
        let alike = Alike::new(5, 2, move |room, all| _ = room.off(all[removed]));
        assert_eq!(alike.emit(), (5, "0 1 2 3 4".into()));
        assert_eq!(alike.emit().0, 4);
    }
}

#[test]
fn one_that_is_blocked_by_one_before_it_is_not_called_until_it_is_unblocked() {
    let guard = Cell::new(None);
    let alike = Alike::new(5, 1, move |room, all| {
        guard.set(guard.take().is_none().then(|| room.block(all[3])));
    });
    assert_eq!(alike.emit(), (4, "0 1 2 4".into()));
    assert_eq!(alike.emit(), (5, "0 1 2 3 4".into()));
    assert_eq!(alike.emit(), (4, "0 1 2 4".into()));
}

#[test]
fn all_are_removed_by_one_of_them() {
    let alike = Alike::new(5, 2, |room, _| room.remove_all());
    assert_eq!(alike.emit(), (3, "0 1 2".into()));
    assert_eq!(alike.emit(), (0, String::new()));
}

#[test]
fn one_that_is_added_by_one_of_them_is_not_called_yet() {
    let alike = Rc::new(Alike::new(3, usize::MAX, |_, _| {}));
    let a = Rc::downgrade(&alike);
    let deed: Deed = Rc::new(move |_, _| a.upgrade().expect("it emits").add(9, None));
    alike.add(3, Some(deed));
    alike.add(4, None);
    assert_eq!(alike.emit(), (5, "0 1 2 3 4".into()));
    assert_eq!(alike.emit(), (6, "0 1 2 3 4 9".into()));
}

#[test]
fn an_emit_inside_of_one_calls_the_others() {
    let depth = Cell::new(0);
    let alike = Alike::new(4, 1, move |room, _| {
        depth.set(depth.get() + 1);
        let inner = room.emit(Joined, "");
        assert_eq!((inner.called, inner.skipped), (3, 1));
    });
    assert_eq!(alike.emit(), (4, "0 1 0 2 3 2 3".into()));
}

#[test]
fn one_that_panics_is_the_last_that_is_called_and_all_are_there_afterwards() {
    let panics = Rc::new(Cell::new(true));
    let p = Rc::clone(&panics);
    let alike = Alike::new(4, 2, move |room, all| {
        if p.get() {
            room.off(all[2]);
            panic!("on purpose");
        }
    });
    let emit = || alike.room.emit(Joined, "");
    catch_unwind(AssertUnwindSafe(emit)).expect_err("it panics");
    assert_eq!(alike.log.take(), "0 1 2");
    assert_eq!(alike.emit(), (3, "0 1 3".into()));
}

#[test]
fn others_in_between_are_called_in_their_turn() {
    let (room, log) = (Room::new(), Log::default());
    for number in 0..3 {
        for part in ["a", "b"] {
            let l = log.clone();
            room.on(Joined, move |_, _| l.note(format!("{part}{number}")));
        }
        let l = log.clone();
        room.once(Joined, move |_, _| l.note(format!("once{number}")));
        let l = log.clone();
        room.on_reentrant(Joined, move |_, _| l.note(format!("re{number}")));
        let l = log.clone();
        room.on_reentrant(Joined, move |_, _| l.note(format!("re{number}")));
    }
    assert_eq!(room.emit(Joined, "").called, 15);
    assert_eq!(log.take(), "a0 b0 once0 re0 re0 a1 b1 once1 re1 re1 a2 b2 once2 re2 re2");
    assert_eq!(room.emit(Joined, "").called, 12);
    assert_eq!(log.take(), "a0 b0 re0 re0 a1 b1 re1 re1 a2 b2 re2 re2");
}

events! { Desk { Passed(&mut Vec<usize>), Kept(Box<usize>) } }

#[test]
fn each_sees_what_those_before_it_did_to_the_payload() {
    let desk = Desk::new();
    for number in 0..5 {
        desk.on(Passed, move |_, page| {
            assert_eq!(page.len(), number);
            page.push(number);
        });
    }
    let mut page = Vec::new();
    assert_eq!(desk.emit(Passed, &mut page).called, 5);
    assert_eq!(page, [0, 1, 2, 3, 4]);
}

#[test]
fn what_is_owned_is_cloned_for_all_but_the_last() {
    let (desk, sum) = (Desk::new(), Rc::new(Cell::new(0)));
    for number in 0..5 {
        let sum = Rc::clone(&sum);
        desk.on(Kept, move |_, kept| sum.set(sum.get() + *kept * (number + 1)));
    }
    assert_eq!(desk.emit(Kept, Box::new(2)).called, 5);
    assert_eq!(sum.get(), 2 * 15);
}
