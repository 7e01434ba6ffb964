//! Immediates: a snapshot per turn, cancelled exactly, held or not.

use super::support::{in_time, make_loop, trace};
use onward::{Immediate, next_tick, set_immediate, set_timeout};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

#[test]
fn an_immediate_of_an_immediate_waits_for_the_next_turn() {
    let noted = trace(|log| {
        let inner = log.clone();
        set_immediate(move || {
            inner.note("first");
            set_immediate(inner.noting("nested"));
            set_timeout(Duration::ZERO, inner.noting("timer"));
            let from_tick = inner.clone();
            next_tick(move || {
                set_immediate(from_tick.noting("nested by a tick"));
            });
        });
        set_immediate(log.noting("second"));
        Ok(())
    });
    assert_eq!(noted, "first second timer nested nested by a tick");
}

#[test]
fn immediates_run_in_the_order_in_which_they_were_set_whatever_was_cancelled_between() {
    let noted = trace(|log| {
        let all: Vec<Immediate> =
            (0..10).map(|n| set_immediate(log.noting(&n.to_string()))).collect();
        for cancelled in [9, 0, 5, 4] {
            assert!(all[cancelled].cancel());
            assert!(!all[cancelled].cancel());
        }
        set_immediate(log.noting("last"));
        Ok(())
    });
    assert_eq!(noted, "1 2 3 6 7 8 last");
}

#[test]
fn one_that_runs_can_no_longer_be_cancelled_but_its_siblings_can() {
    let noted = trace(|log| {
        let handles: Rc<Cell<Option<[Immediate; 2]>>> = Rc::default();
        let (own, in_tick) = (Rc::clone(&handles), log.clone());
        let first = set_immediate(move || {
            let [me, sibling] = own.get().unwrap();
            in_tick.note(format!("me {}", me.cancel()));
            let log = in_tick.clone();
            next_tick(move || log.note(format!("sibling {}", sibling.cancel())));
        });
        let second = set_immediate(|| panic!("it was cancelled from a tick"));
        set_immediate(log.noting("third"));
        handles.set(Some([first, second]));
        Ok(())
    });
    assert_eq!(noted, "me false sibling true third");
}

#[test]
fn a_handle_is_worth_nothing_when_its_immediate_is_over() {
    let noted = trace(|log| {
        let first = set_immediate(log.noting("first"));
        let log = log.clone();
        set_immediate(move || {
            for n in 0..3 {
                set_immediate(log.noting(&n.to_string()));
            }
            assert!(!first.cancel());
            assert_eq!(first.unref(), first.ref_());
        });
        Ok(())
    });
    assert_eq!(noted, "first 0 1 2");
}

#[test]
fn the_loop_does_not_wait_for_one_that_was_unrefed_but_runs_it_while_it_lives() {
    in_time(|| {
        let (event_loop, log) = make_loop();
        let unheld = event_loop.enter(|| set_immediate(log.noting("unheld")).unref());
        event_loop.run().unwrap();
        assert_eq!(log.take(), "");
        // It is still there: something else lets the loop live, and it runs.
        event_loop.enter(|| set_timeout(Duration::ZERO, log.noting("timer")));
        event_loop.run().unwrap();
        assert_eq!(log.take(), "timer unheld");
        assert!(!event_loop.enter(|| unheld.cancel()));
    });
}

#[test]
fn unref_and_ref_count_once_however_often_they_are_said() {
    in_time(|| {
        let (event_loop, log) = make_loop();
        event_loop.enter(|| {
            set_immediate(log.noting("held")).unref().unref().ref_().ref_();
            set_immediate(log.noting("cancelled")).unref().cancel();
            set_immediate(log.noting("unheld")).ref_().unref();
        });
        event_loop.run().unwrap();
        assert_eq!(log.take(), "held unheld");
        event_loop.enter(|| set_immediate(log.noting("unheld")).unref());
        event_loop.run().unwrap();
        assert_eq!(log.take(), "");
    });
}

#[test]
fn many_immediates_cancelled_from_one_another_run_exactly_the_rest() {
    in_time(|| {
        let ran = Rc::new(Cell::new(0));
        onward::run(|| {
            let all: Rc<Cell<Vec<Immediate>>> = Rc::default();
            let mut handles = Vec::new();
            for n in 0..10_000_usize {
                let (all, ran) = (Rc::clone(&all), Rc::clone(&ran));
                // Each even one cancels the one behind it.
                handles.push(set_immediate(move || {
                    assert!(n % 2 == 0);
                    let handles = all.take();
                    assert!(handles[n + 1].cancel());
                    all.set(handles);
                    ran.set(ran.get() + 1);
                }));
            }
            all.set(handles);
            Ok(())
        })
        .unwrap();
        assert_eq!(ran.get(), 5_000);
    });
}
