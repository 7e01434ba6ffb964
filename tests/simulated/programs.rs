//! Random programs of timers, intervals, ticks, immediates and sleepers, on the loop and on the model. How many, the
//! environment's `PROPTEST_CASES` can say. A failure prints the shortest program found that still fails.

use super::model::{Log, MS, Model, Op};
use onward::testing::{Simulation, advance};
use onward::{Immediate, Missed, Timer, next_tick, set_immediate, set_interval_with, set_timeout};
use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestRunner};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// They take some seconds without optimisation.
const CASES: u32 = 3000;

#[derive(Default)]
struct Real {
    timers: RefCell<Vec<Timer>>,
    immediates: RefCell<Vec<Immediate>>,
    log: RefCell<Log>,
}

impl Real {
    fn note(&self, what: String) {
        let now = u64::try_from(onward::now().as_nanos()).unwrap();
        self.log.borrow_mut().push((now, what));
    }

    fn timer(&self, number: usize) -> Option<Timer> {
        let timers = self.timers.borrow();
        number.checked_rem(timers.len()).map(|number| timers[number])
    }

    fn immediate(&self, number: usize) -> Option<Immediate> {
        let immediates = self.immediates.borrow();
        number.checked_rem(immediates.len()).map(|number| immediates[number])
    }

    /// A callback that says what it is, and does what it has to.
    fn calling(self: &Rc<Self>, what: String, body: Vec<Op>) -> impl Fn() + 'static + use<> {
        let real = Rc::clone(self);
        move || {
            real.note(what.clone());
            real.perform(&body);
        }
    }

    fn perform(self: &Rc<Self>, body: &[Op]) {
        let time = Duration::from_nanos;
        for op in body {
            let number = self.timers.borrow().len();
            match op.clone() {
                Op::Timeout { delay, body } => {
                    let calls = self.calling(format!("timeout {number}"), body);
                    self.timers.borrow_mut().push(set_timeout(time(delay), calls));
                }
                Op::Interval { period, missed, beats: mut left, body } => {
                    let calls = self.calling(format!("interval {number}"), body);
                    let timer = set_interval_with(time(period), missed, move |timer| {
                        left -= 1;
                        calls();
                        if left == 0 {
                            timer.cancel();
                        }
                    });
                    self.timers.borrow_mut().push(timer);
                }
                Op::Immediate(body) => {
                    let number = self.immediates.borrow().len();
                    let calls = self.calling(format!("immediate {number}"), body);
                    self.immediates.borrow_mut().push(set_immediate(calls));
                }
                Op::Tick(body) => next_tick(self.calling("tick".into(), body)),
                Op::Sleep { delay, body } => {
                    let calls = self.calling("awake".into(), body);
                    onward::spawn(async move {
                        onward::sleep(time(delay)).await;
                        calls();
                    });
                }
                Op::Cancel(number) => {
                    let did = self.timer(number).is_some_and(Timer::cancel);
                    self.note(format!("cancelled: {did}"));
                }
                Op::Refresh(number) => {
                    let did = self.timer(number).is_some_and(Timer::refresh);
                    self.note(format!("refreshed: {did}"));
                }
                Op::Hold(number, holds) => {
                    let hold = |timer: Timer| if holds { timer.ref_() } else { timer.unref() };
                    self.timer(number).map(hold);
                }
                Op::CancelImmediate(number) => {
                    let did = self.immediate(number).is_some_and(Immediate::cancel);
                    self.note(format!("cancelled: {did}"));
                }
                Op::HoldImmediate(number, holds) => {
                    let hold = |one: Immediate| if holds { one.ref_() } else { one.unref() };
                    self.immediate(number).map(hold);
                }
                Op::Advance(by) => advance(time(by)),
            }
        }
    }

    fn run(program: &[Op]) -> onward::Result<(Log, u64)> {
        let (simulation, real) =
            (Simulation::new()?.patience(Duration::ZERO), Rc::<Self>::default());
        simulation.enter(|| real.perform(program));
        simulation.run()?;
        let now = u64::try_from(simulation.now().as_nanos()).unwrap();
        Ok((real.log.take(), now))
    }
}

/// More than a year.
const LONG: u64 = (1000 * MS) << 25;

/// Few different ones, so that many fall together.
fn time() -> impl Strategy<Value = u64> {
    prop_oneof![
        3 => Just(0),
        1 => Just(1),
        8 => (1..6_u64).prop_map(|count| count * MS),
        1 => Just(20 * MS + 1),
        // Whole seconds: what is longer than one is rounded when a timer is set anew.
        1 => Just(LONG),
    ]
}

fn missed() -> impl Strategy<Value = Missed> {
    prop_oneof![Just(Missed::Skip), Just(Missed::Burst), Just(Missed::Delay)]
}

fn leaf() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (0..20_usize).prop_map(Op::Cancel),
        5 => (0..20_usize).prop_map(Op::Refresh),
        4 => (0..20_usize, any::<bool>()).prop_map(|(number, holds)| Op::Hold(number, holds)),
        2 => (0..20_usize).prop_map(Op::CancelImmediate),
        1 => (0..20_usize, any::<bool>()).prop_map(|(one, holds)| Op::HoldImmediate(one, holds)),
        3 => (0..9 * MS).prop_map(Op::Advance),
        2 => (0..9_u64).prop_map(|count| Op::Advance(count * MS)),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    leaf().prop_recursive(4, 40, 4, |inner| {
        let body = || prop::collection::vec(inner.clone(), 0..4);
        let interval = (time(), missed(), 1..5_u32, body());
        prop_oneof![
            2 => inner.clone(),
            5 => (time(), body()).prop_map(|(delay, body)| Op::Timeout { delay, body }),
            4 => interval.prop_map(|(period, missed, beats, body)| {
                Op::Interval { period: period.min(LONG >> 15), missed, beats, body }
            }),
            3 => body().prop_map(Op::Immediate),
            2 => body().prop_map(Op::Tick),
            2 => (time(), body()).prop_map(|(delay, body)| Op::Sleep { delay, body }),
        ]
    })
}

#[test]
fn programs_run_in_the_order_of_the_model_and_at_its_times() {
    let asked = std::env::var_os("PROPTEST_CASES").is_some();
    let mut config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if !asked {
        config.cases = CASES;
    }
    let program = prop::collection::vec(op(), 1..12);
    let tested = TestRunner::new(config).run(&program, |program| {
        let real = Real::run(&program).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(real, Model::run(&program));
        Ok(())
    });
    tested.unwrap_or_else(|failure| panic!("{failure}"));
}
