//! Random networks and random programs: whatever happens when, the contract holds.

use super::{Answer, Arrival, Net, Stream, Told, for_all, say};
use crate::error::{ErrorKind, Result};
use crate::io::state::Fact;
use crate::io::{
    await_hangup, cork, destroy, discard_input, end, hold, pause, release, resume, set_autocork,
    uncork, write_chunk, write_then,
};
use crate::stream::WhenFull;
use proptest::prelude::*;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

/// What a program does with its stream.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    Write(usize),
    /// A part of what has just come, from one byte on, of so many bytes; nothing, if nothing has.
    Answer(usize, usize),
    WriteOwned(usize),
    WriteThen(usize),
    /// Until it is told to wait, a few times at most.
    Pour(usize),
    Pause,
    Resume,
    Hold,
    Release,
    Cork,
    Uncork,
    Autocork(bool),
    End,
    Destroy,
    Tick,
    /// Somebody listens for the other side to go.
    Await,
    /// Nobody wants what comes any more.
    Discard,
}

#[derive(Clone, Debug)]
pub(super) struct Schedule {
    connects: bool,
    half_open: bool,
    arrivals: Vec<(u64, Arrival)>,
    interrupts: usize,
    answers: Vec<Answer>,
    high_water: usize,
    cap: usize,
    when_full: WhenFull,
    /// At some time; and in the callback of that number.
    timed: Vec<(u64, Act)>,
    pub(super) reacting: Vec<(usize, Act)>,
}

fn act() -> impl Strategy<Value = Act> {
    let size = prop_oneof![4 => 0..40_usize, 2 => 1_000..20_000_usize, 1 => 50_000..100_000_usize];
    prop_oneof![
        4 => size.clone().prop_map(Act::Write),
        4 => (0..200_usize, size.clone()).prop_map(|(from, count)| Act::Answer(from, count)),
        2 => size.clone().prop_map(Act::WriteOwned),
        3 => size.prop_map(Act::WriteThen),
        1 => (1..30_000_usize).prop_map(Act::Pour),
        1 => Just(Act::Pause),
        3 => Just(Act::Resume),
        1 => Just(Act::Hold),
        1 => Just(Act::Release),
        1 => Just(Act::Cork),
        2 => Just(Act::Uncork),
        1 => any::<bool>().prop_map(Act::Autocork),
        1 => Just(Act::End),
        1 => Just(Act::Destroy),
        1 => Just(Act::Tick),
        1 => Just(Act::Await),
        1 => prop::bool::weighted(0.3).prop_map(|yes| if yes { Act::Discard } else { Act::Await }),
    ]
}

/// What comes, in its order, and what after that, if anything.
pub(super) fn arrivals() -> impl Strategy<Value = Vec<(u64, Arrival)>> {
    let size = prop_oneof![3 => 1..300_usize, 1 => 60_000..140_000_usize];
    let arrivals = prop::collection::vec((0..2_000_u64, size), 0..6);
    let last = prop::option::of((0..3_000_u64, prop::bool::weighted(0.2)));
    (arrivals, last).prop_map(|(mut arrivals, last)| {
        arrivals.sort_by_key(|(when, _)| *when);
        let mut seed = 0_u8;
        let mut byte = || {
            seed = seed.wrapping_mul(5).wrapping_add(17);
            seed
        };
        let mut bytes = |count| Arrival::Bytes((0..count).map(|_| byte()).collect());
        let arrivals = arrivals.into_iter();
        let mut all: Vec<_> = arrivals.map(|(when, count)| (when, bytes(count))).collect();
        if let Some((delay, reset)) = last {
            let when = all.last().map_or(0, |(when, _)| *when) + delay;
            all.push((when, if reset { Arrival::Reset } else { Arrival::End }));
        }
        all
    })
}

pub(super) fn answer() -> impl Strategy<Value = Answer> {
    let broken = |breaks| if breaks { Answer::Break } else { Answer::Interrupt };
    prop_oneof![
        3 => (1..100_usize).prop_map(Answer::Take),
        2 => (1_000..90_000_usize).prop_map(Answer::Take),
        3 => (1..500_u64).prop_map(Answer::Block),
        1 => Just(Answer::Interrupt),
        1 => prop::bool::weighted(0.1).prop_map(broken),
    ]
}

pub(super) fn schedule() -> impl Strategy<Value = Schedule> {
    let when = 0..2_000_u64;
    let full = prop_oneof![Just(WhenFull::Fail), Just(WhenFull::Drop), Just(WhenFull::Close)];
    (
        (any::<bool>(), any::<bool>(), 0..3_usize, full),
        arrivals(),
        prop::collection::vec(answer(), 0..12),
        (
            prop_oneof![Just(64 * 1024), 1..200_usize],
            prop_oneof![3 => Just(1 << 24), 1 => 1..90_000_usize],
        ),
        prop::collection::vec((when, act()), 0..10),
        prop::collection::vec((0..8_usize, act()), 0..8),
    )
        .prop_map(|(flags, arrivals, answers, (high_water, cap), timed, reacting)| {
            let (connects, half_open, interrupts, when_full) = flags;
            Schedule {
                connects,
                half_open,
                arrivals,
                interrupts,
                answers,
                high_water,
                cap,
                when_full,
                timed,
                reacting,
            }
        })
}

/// What the program knows of what it did, and of what it was told.
#[derive(Default)]
struct Record {
    /// All that was accepted, in order.
    written: RefCell<Vec<u8>>,
    read: RefCell<Vec<u8>>,
    told: RefCell<Vec<String>>,
    callbacks: Cell<usize>,
    heard: Cell<usize>,
    seed: Cell<u8>,
    waits: Cell<bool>,
    /// The end has begun: nothing is to be stopped any more.
    last: Cell<bool>,
    /// The program gave up before the stream had come to its end.
    cut: Cell<bool>,
    /// A chunk may have been taken in part, or not at all.
    lossy: Cell<bool>,
    /// What comes is thrown away.
    discards: Cell<bool>,
    awaits: Cell<bool>,
}

impl Record {
    /// Nothing is going to happen any more: who waits for the other side to go, and reads nothing, knows that it has.
    fn look_for_hangup(&self, stream: &Stream, wire: &super::Wire) {
        let duplex = &stream.0.duplex;
        let open = !duplex.is_destroyed() && !duplex.has_ended();
        let tells =
            cfg!(all(any(target_os = "linux", target_os = "android"), not(onward_force_polling)));
        let waits = tells && self.awaits.get() && !self.discards.get() && open;
        if waits && !duplex.flow.is_flowing() && !duplex.state.is(Fact::BROKEN) && wire.has_gone() {
            let told = self.told.borrow();
            assert!(
                told.iter().any(|told| told == "hangup"),
                "nobody told that it has gone: {told:?}"
            );
        }
    }

    fn bytes(&self, count: usize) -> Vec<u8> {
        let mut seed = self.seed.get();
        let mut next = || {
            seed = seed.wrapping_mul(13).wrapping_add(7);
            seed
        };
        let bytes = (0..count).map(|_| next()).collect();
        self.seed.set(seed);
        bytes
    }
}

struct Program {
    schedule: Schedule,
    record: Rc<Record>,
    wire: Rc<RefCell<super::Wire>>,
    callback: Cell<usize>,
    inside: Cell<bool>,
}

impl Program {
    /// `came`: what is just being told.
    fn act(self: &Rc<Self>, stream: &Stream, act: Act, came: &[u8]) {
        let (duplex, record) = (&stream.0.duplex, &self.record);
        let told = record.told.borrow().len();
        let stops = matches!(act, Act::Cork | Act::Hold | Act::Pause);
        if stops && record.last.get() {
            return;
        }
        match act {
            Act::Write(count) => _ = self.write(stream, count, say),
            Act::Answer(from, count) => {
                let part = came.get(from..).unwrap_or_default();
                self.write_bytes(stream, &part[..count.min(part.len())], say);
            }
            Act::WriteOwned(count) => {
                self.write(stream, count, |stream, bytes| {
                    write_chunk(stream, bytes.to_vec().into())
                });
            }
            Act::WriteThen(count) => {
                let (number, at) = (record.callbacks.get(), Rc::clone(self));
                record.callbacks.set(number + 1);
                let all = Rc::new(Cell::new(None));
                let upto = Rc::clone(&all);
                let then = move |result: Result<()>| at.heard(number, upto.get(), &result);
                self.write(stream, count, |stream, bytes| {
                    write_then(stream, Box::new(then), |stream| say(stream, bytes))
                });
                all.set(Some(record.written.borrow().len()));
            }
            Act::Pour(count) => {
                for _ in 0..20 {
                    if !self.write(stream, count, say) {
                        break;
                    }
                }
            }
            Act::Pause => pause(stream),
            Act::Resume => resume(stream),
            Act::Hold => hold(stream),
            Act::Release => release(stream),
            Act::Cork => cork(stream),
            Act::Uncork => uncork(stream),
            Act::Autocork(wanted) => set_autocork(stream, wanted),
            Act::End => end(stream),
            Act::Destroy => {
                record.cut.set(true);
                destroy(stream, None);
            }
            Act::Await => {
                record.awaits.set(true);
                await_hangup(stream);
            }
            Act::Discard => {
                record.discards.set(true);
                discard_input(stream);
            }
            Act::Tick => {
                let (program, stream) = (Rc::clone(self), stream.clone());
                duplex.handle.clone().next_tick(move || {
                    program.act(&stream, Act::Write(5), &[]);
                    program.act(&stream, Act::WriteOwned(3_000), &[]);
                });
            }
        }
        assert_eq!(record.told.borrow().len(), told, "told from inside of {act:?}");
    }

    fn write(
        &self,
        stream: &Stream,
        count: usize,
        how: impl FnOnce(&Stream, &[u8]) -> bool,
    ) -> bool {
        self.write_bytes(stream, &self.record.bytes(count), how)
    }

    fn write_bytes(
        &self,
        stream: &Stream,
        bytes: &[u8],
        how: impl FnOnce(&Stream, &[u8]) -> bool,
    ) -> bool {
        let (duplex, record) = (&stream.0.duplex, &self.record);
        let open = !duplex.is_destroyed() && !duplex.state.is(Fact::BROKEN) && !duplex.is_ending();
        let (before, dropped) = (duplex.sent() + duplex.queued() as u64, duplex.dropped());
        let go_on = how(stream, bytes);
        if duplex.dropped() != dropped {
            record.waits.set(record.waits.get() || !go_on);
            return go_on;
        }
        if open && !duplex.is_destroyed() && !duplex.state.is(Fact::BROKEN) {
            record.written.borrow_mut().extend_from_slice(bytes);
            assert_eq!(duplex.sent() + duplex.queued() as u64, before + bytes.len() as u64);
            if !go_on {
                record.waits.set(true);
            }
        } else if open {
            // It ended in this call: some of this may be on its way.
            record.written.borrow_mut().extend_from_slice(bytes);
            record.lossy.set(true);
        }
        go_on
    }

    fn heard(&self, number: usize, upto: Option<usize>, result: &Result<()>) {
        assert_eq!(self.record.heard.replace(number + 1), number, "callbacks in their order");
        let upto = upto.expect("not from inside of the call");
        match result {
            Ok(()) => assert!(self.wire.borrow().sent.len() >= upto, "sent when it says so"),
            Err(error) if error.kind() == ErrorKind::QueueFull => {}
            // After that it was written to a stream that had ended, which is told as a tick.
            Err(error) if error.kind() == ErrorKind::Destroyed => {}
            Err(_) => {
                let told = self.record.told.borrow();
                assert!(!told.iter().any(|told| told == "error"), "the callbacks, then the error");
            }
        }
    }

    fn told(self: &Rc<Self>, stream: &Stream, told: &Told<'_>) {
        assert!(!self.inside.replace(true), "one event at a time");
        let record = &self.record;
        assert_ne!(record.told.borrow().last().map(String::as_str), Some("close"));
        let name = match told {
            Told::Data(chunk) => {
                assert!(!chunk.is_empty() && !stream.0.duplex.is_paused());
                assert!(!record.discards.get(), "told though it was to be thrown away");
                record.read.borrow_mut().extend_from_slice(chunk);
                "data"
            }
            Told::Drain => {
                assert!(record.waits.replace(false), "drain for who was told to wait");
                assert_eq!(stream.0.duplex.queued(), 0);
                "drain"
            }
            Told::Finish => {
                assert_eq!(record.heard.get(), record.callbacks.get(), "callbacks come before");
                "finish"
            }
            Told::Hangup => {
                assert!(record.awaits.get() && self.wire.borrow().has_gone());
                "hangup"
            }
            Told::Connect => "connect",
            Told::End => "end",
            Told::Error(_) => "error",
            Told::Close(_) => "close",
        };
        record.told.borrow_mut().push(name.into());
        let number = self.callback.replace(self.callback.get() + 1);
        let now: Vec<Act> = self
            .schedule
            .reacting
            .iter()
            .filter(|(at, _)| *at == number)
            .map(|(_, act)| *act)
            .collect();
        let came = if let Told::Data(chunk) = told { chunk } else { &[][..] };
        now.into_iter().for_each(|act| self.act(stream, act, came));
        self.inside.set(false);
    }
}

/// Gives back how many callbacks there were.
pub(super) fn hold_to_the_contract(schedule: &Schedule) -> usize {
    let net = Net::new(!schedule.connects);
    let duplex = &net.stream.0.duplex;
    duplex.set_high_water(schedule.high_water);
    duplex.set_cap(schedule.cap);
    duplex.set_when_full(schedule.when_full);
    duplex.set_half_open(schedule.half_open);
    net.answer(schedule.answers.iter().copied());
    net.interrupt(schedule.interrupts);
    let record = Rc::new(Record::default());
    let program = Rc::new(Program {
        schedule: schedule.clone(),
        record: Rc::clone(&record),
        wire: Rc::clone(&net.wire),
        callback: Cell::new(0),
        inside: Cell::new(false),
    });
    let telling = Rc::clone(&program);
    net.react(move |stream, told| telling.told(stream, told));
    resume(&net.stream);
    for (when, arrival) in &schedule.arrivals {
        net.arrive(*when, arrival.clone());
    }
    for (when, act) in schedule.timed.clone() {
        let program = Rc::clone(&program);
        net.at(when, move |stream| program.act(stream, act, &[]));
    }
    // Whatever the program left undone: corks, holds, pauses, and an end.
    let (last, cut) = (Duration::from_secs(1), Rc::clone(&record));
    let rest = net.stream.clone();
    let (ending, wire) = (Rc::clone(&record), Rc::clone(&net.wire));
    net.event_loop.handle().set_timeout(last, move || {
        ending.last.set(true);
        ending.look_for_hangup(&rest, &wire.borrow());
        (0..20).for_each(|_| {
            uncork(&rest);
            release(&rest)
        });
        resume(&rest);
        end(&rest);
        rest.0.duplex.handle.clone().set_timeout(last, move || {
            cut.cut.set(cut.cut.get() || !rest.0.duplex.is_destroyed());
            // By now all is sent, unless it broke.
            assert_eq!(rest.0.duplex.queued(), 0);
            destroy(&rest, None);
        });
    });
    net.run();
    check(schedule, &record, &net);
    program.callback.get()
}

fn check(schedule: &Schedule, record: &Record, net: &Net) {
    let told = record.told.borrow();
    let count = |name: &str| told.iter().filter(|told| *told == name).count();
    let place = |name: &str| told.iter().position(|told| told == name);
    assert_eq!((count("close"), told.last().map(String::as_str)), (1, Some("close")), "{told:?}");
    for once in ["connect", "end", "finish", "hangup", "error"] {
        assert!(count(once) <= 1, "{told:?}");
    }
    if let Some(error) = place("error") {
        assert_eq!(error, told.len() - 2, "an error directly before the close: {told:?}");
    }
    if let (Some(end), Some(data)) = (place("end"), told.iter().rposition(|told| told == "data")) {
        assert!(data < end, "{told:?}");
    }
    assert_eq!(record.heard.get(), record.callbacks.get(), "each callback is called once");
    // What came, came in order, and once.
    let sent_to_us: Vec<u8> = schedule
        .arrivals
        .iter()
        .filter_map(|(_, arrival)| match arrival {
            Arrival::Bytes(bytes) => Some(bytes.clone()),
            _ => None,
        })
        .flatten()
        .collect();
    let (read, written) = (record.read.borrow(), record.written.borrow());
    assert!(sent_to_us.starts_with(&read), "other bytes were told than came");
    let ended = place("end").is_some();
    if ended {
        let all = sent_to_us.len() as u64;
        assert_eq!(net.stream.0.duplex.received(), all, "all that came is read before the end");
        assert!(record.discards.get() || read.len() as u64 == all, "and told");
    }
    let wire = net.wire.borrow();
    assert!(written.starts_with(&wire.sent), "other bytes were sent than written");
    if place("finish").is_some() {
        assert!(wire.finished && (record.lossy.get() || wire.sent.len() == written.len()));
    }
    let whole =
        place("error").is_none() && !record.cut.get() && schedule.when_full != WhenFull::Close;
    if whole {
        assert!(ended && place("finish").is_some(), "{told:?}");
    }
}

#[test]
fn whatever_happens_when_the_contract_holds() {
    for_all(&schedule(), 1_000, |schedule| _ = hold_to_the_contract(schedule));
}
