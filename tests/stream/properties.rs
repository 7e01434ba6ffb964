//! Random programs: a real stream tells exactly what the model says, in that order.

use super::model::{CAP, HIGH_WATER, Model, Op, ops};
use super::support::{oops, run, sort};
use onward::events::*;
use onward::stream::{Done, Duplex, Newline, Prefix, ReadControl, Source, WhenFull, frames, lines};
use proptest::prelude::*;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

type Log = Rc<RefCell<Vec<String>>>;

/// A real stream under test.
struct Real {
    duplex: Duplex,
    log: Log,
    done: Rc<RefCell<Option<Done>>>,
    writes: Cell<usize>,
}

impl Real {
    fn new(log: &Log, when_full: WhenFull) -> onward::Result<Self> {
        let done: Rc<RefCell<Option<Done>>> = Rc::default();
        let (keeping, taking) = (Rc::clone(&done), Rc::clone(log));
        let duplex = Duplex::new(move |_, chunk, done| {
            taking.borrow_mut().push(format!("takes {}", chunk.len()));
            assert!(keeping.replace(Some(done)).is_none(), "one chunk at a time");
        })?;
        duplex.set_high_water(HIGH_WATER);
        duplex.set_max_queued(CAP);
        duplex.set_when_full(when_full);
        let noting = |what: &'static str| {
            let log = Rc::clone(log);
            move |_: &Duplex, ()| log.borrow_mut().push(what.into())
        };
        duplex.on(End, noting("end"));
        duplex.on(Drain, noting("drain"));
        duplex.on(Finish, noting("finish"));
        let noting = Rc::clone(log);
        duplex
            .on(Error, move |_, error| noting.borrow_mut().push(format!("error {}", sort(error))));
        let noting = Rc::clone(log);
        duplex.on(Close, move |_, failed| noting.borrow_mut().push(format!("close {failed}")));
        Ok(Self { duplex, log: Rc::clone(log), done, writes: Cell::new(0) })
    }

    fn apply(&self, op: Op) {
        let duplex = &self.duplex;
        match op {
            Op::Push(length) => {
                let room = duplex.push(vec![0; length]);
                self.log.borrow_mut().push(format!("push {room}"));
            }
            Op::Unshift(length) => duplex.unshift(vec![0; length]),
            Op::EndPush => duplex.end_push(),
            Op::Listen if duplex.is_destroyed() || duplex.listener_count(Data) > 0 => {}
            Op::Listen => {
                let log = Rc::clone(&self.log);
                let note =
                    move |chunk: &[u8]| log.borrow_mut().push(format!("data {}", chunk.len()));
                duplex.on(Data, move |_, chunk| note(chunk));
            }
            Op::Pause => duplex.pause(),
            Op::Resume => duplex.resume(),
            Op::Hold => duplex.hold(),
            Op::Release => duplex.release(),
            Op::Write(length) => {
                let (log, number) = (Rc::clone(&self.log), self.writes.get() + 1);
                self.writes.set(number);
                let go_on = duplex.write_then(vec![0; length], move |result| {
                    let told = result.map_or_else(|error| sort(&error), |()| "ok".into());
                    log.borrow_mut().push(format!("callback {number} {told}"));
                });
                self.log.borrow_mut().push(format!("write {go_on}"));
            }
            Op::End => duplex.end(),
            Op::Cork => duplex.cork(),
            Op::Uncork => duplex.uncork(),
            Op::Accept => {
                let done = self.done.take();
                done.into_iter().for_each(Done::ok);
            }
            Op::Refuse => {
                let done = self.done.take();
                done.into_iter().for_each(|done| done.fail(oops()));
            }
            Op::Fail => duplex.fail(oops()),
            Op::Destroy => duplex.destroy(),
        }
    }
}

/// Each batch in a turn of its own.
fn turn_by_turn(real: Rc<Real>, mut batches: VecDeque<Vec<Op>>) {
    let Some(batch) = batches.pop_front() else { return };
    onward::set_immediate(move || {
        batch.into_iter().for_each(|op| real.apply(op));
        turn_by_turn(real, batches);
    });
}

fn when_full() -> impl Strategy<Value = WhenFull> {
    prop_oneof![Just(WhenFull::Fail), Just(WhenFull::Drop), Just(WhenFull::Close)]
}

/// Cases are small, and written down by the test itself.
fn config() -> ProptestConfig {
    let mut config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 1_000;
    }
    config
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_stream_tells_what_the_model_says_in_that_order(batches in ops(), when_full in when_full()) {
        let mut model = Model::new(when_full);
        batches.iter().for_each(|batch| model.turn(batch));
        model.end_of_loop();
        let log = Log::default();
        let seen = Rc::clone(&log);
        run(move || {
            let real = Rc::new(Real::new(&log, when_full)?);
            // It lives until the loop has ended.
            let kept = Rc::clone(&real);
            onward::Handle::current()?.at_exit(move || drop(kept));
            turn_by_turn(real, batches.into());
            Ok(())
        });
        let seen = seen.borrow();
        prop_assert_eq!(&*seen, &model.log);
        prop_assert_eq!(seen.iter().filter(|told| told.starts_with("close")).count(), 1);
        prop_assert!(seen.iter().filter(|told| told.starts_with("error")).count() <= 1);
    }

    #[test]
    fn lines_are_those_of_the_standard_library_wherever_they_are_cut(
        text in "[ab\u{e9}\r\n]{0,40}",
        size in 1..9_usize,
        pauses in any::<u8>(),
    ) {
        let told = Rc::new(RefCell::new(Vec::new()));
        let telling = Rc::clone(&told);
        let bytes = text.clone().into_bytes();
        run(move || {
            let chunks: Vec<_> = bytes.chunks(size).map(<[u8]>::to_vec).collect();
            let lines = lines(&Source::from_iter(chunks)?);
            lines.on(Line, move |lines, line| {
                telling.borrow_mut().push(line.to_owned());
                if pauses >> (telling.borrow().len() % 8) & 1 == 1 {
                    lines.pause();
                    let lines = lines.clone();
                    onward::set_immediate(move || lines.resume());
                }
            });
            Ok(())
        });
        let expected: Vec<_> = text.lines().map(str::to_owned).collect();
        prop_assert_eq!(&*told.borrow(), &expected);
    }

    #[test]
    fn no_bytes_make_a_codec_panic_and_what_it_tells_is_in_them(
        bytes in prop::collection::vec(any::<u8>(), 0..60),
        size in 1..9_usize,
        max in 0..20_usize,
    ) {
        for prefix in [Prefix::U8, Prefix::U16, Prefix::U64Le, Prefix::Varint] {
            let told = Rc::new(Cell::new(0));
            let (telling, chunks) = (Rc::clone(&told), bytes.chunks(size).map(<[u8]>::to_vec));
            let chunks: Vec<_> = chunks.collect();
            run(move || {
                let frames = frames(&Source::from_iter(chunks.clone())?, prefix).max(max);
                frames.on(Error, |_, _| {});
                frames.on(Data, move |_, frame| {
                    assert!(frame.len() <= max);
                    telling.set(telling.get() + frame.len());
                });
                let split = Duplex::split(Newline, max)?;
                split.on(Error, |_, _| {});
                split.on(Data, move |_, line| assert!(line.len() <= max));
                Source::from_iter(chunks)?.pipe(&split);
                Ok(())
            });
            prop_assert!(told.get() <= bytes.len());
        }
    }
}
