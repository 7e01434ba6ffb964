//! What would wait for ever, or never rest, ends with an error that says what is left.

use super::support::{HOUR, MS};
use onward::testing::{Simulation, block_on};
use onward::{ErrorKind, Waiting, set_immediate, set_timeout, sleep};
use std::cell::Cell;
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

fn impatient() -> Simulation {
    Simulation::new().unwrap().patience(Duration::ZERO)
}

/// What the run of a loop says that is stuck.
#[track_caller]
fn said(simulation: &Simulation) -> String {
    let error = simulation.run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadlock);
    error.to_string()
}

#[test]
fn a_future_that_nobody_wakes_is_named_and_what_can_happen_happens_before() {
    let simulation = impatient();
    let done = Rc::new(Cell::new(false));
    let seen = Rc::clone(&done);
    simulation.enter(|| {
        onward::spawn(pending::<()>());
        onward::spawn(pending::<()>());
        onward::spawn(pending::<()>()).unref();
        set_timeout(HOUR, move || seen.set(true));
    });
    assert_eq!(
        said(&simulation),
        "wait for events: nothing came in 0ns of real time for what is left: 2 spawned futures"
    );
    assert!(done.get());
    assert_eq!(simulation.now(), HOUR);
}

#[test]
fn a_loop_that_runs_for_a_future_which_somebody_might_wake_says_so() {
    let simulation = impatient();
    let kept: Rc<Cell<Option<Waker>>> = Rc::default();
    let keeps = Rc::clone(&kept);
    let waits = poll_fn(move |context| {
        keeps.set(Some(context.waker().clone()));
        Poll::<()>::Pending
    });
    let error = simulation.run_until(waits).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Deadlock);
    assert!(error.to_string().ends_with("left: 1 future that the loop runs for"), "{error}");
    // Nobody has a waker: that is known without a simulation.
    assert_eq!(block_on(pending::<()>()).unwrap_err().kind(), ErrorKind::Unsettled);
}

#[test]
fn a_remote_that_nobody_uses_and_a_server_that_nobody_calls_are_named() {
    let simulation = impatient();
    let remote = simulation.remote();
    assert!(said(&simulation).ends_with("left: 1 remote that holds the loop"));
    drop(remote);
    simulation.run().unwrap();
    let server = simulation.enter(|| onward::net::Server::listen("127.0.0.1:0").unwrap());
    assert!(said(&simulation).ends_with("left: 1 source"));
    simulation.enter(|| server.close());
    simulation.run().unwrap();
}

#[test]
fn it_waits_as_long_as_it_has_patience_before_it_says_so() {
    let simulation = Simulation::new().unwrap().patience(20 * MS);
    simulation.enter(|| onward::spawn(pending::<()>()));
    let began = Instant::now();
    let said = said(&simulation);
    assert!(began.elapsed() >= 20 * MS);
    assert!(said.contains("nothing came in 20ms of real time"), "{said}");
}

#[test]
fn a_deadlock_leaves_the_loop_in_order() {
    onward::events! { Room { Joined(u32) } }
    let simulation = impatient();
    let room = Rc::new(Room::new());
    let joined = room.next(Joined);
    let seen = Rc::new(Cell::new(None));
    let sees = Rc::clone(&seen);
    simulation.enter(|| onward::spawn(async move { sees.set(Some(joined.await)) }));
    said(&simulation);
    room.emit(Joined, 7);
    simulation.run().unwrap();
    assert_eq!(seen.take(), Some(Ok(7)));
}

#[test]
fn a_timer_behind_callbacks_that_never_rest_is_an_error_and_no_hang() {
    fn again() {
        set_immediate(again);
    }
    let simulation = impatient();
    simulation.enter(|| {
        again();
        set_timeout(MS, || unreachable!("no time passes"));
    });
    assert!(said(&simulation).contains("1000000 turns had something to do at once"));
    // A simulation can be told that they take their time.
    let (simulation, rounds) = (impatient(), Rc::new(Cell::new(0)));
    let counted = Rc::clone(&rounds);
    let hasty = async move {
        loop {
            counted.set(counted.get() + 1);
            onward::testing::advance(Duration::from_micros(1));
            let mut yielded = false;
            poll_fn(|context| {
                context.waker().wake_by_ref();
                if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
        }
    };
    simulation.enter(|| onward::spawn(hasty).unref());
    let sleeps = simulation.enter(|| sleep(MS));
    simulation.run_until(sleeps).unwrap();
    assert!((1_000..1_200).contains(&rounds.get()), "{}", rounds.get());
}
