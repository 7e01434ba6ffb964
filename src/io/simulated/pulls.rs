//! Random networks, and futures that read and write: what comes is read, what is written is sent, all of it once and in
//! order; nobody waits for ever, and nothing is told but the beginning and the end.

use super::schedules::{answer, arrivals};
use super::{Answer, Arrival, Net, Told, for_all};
use crate::event_loop::sleep;
use crate::io::{AsyncIo, destroy, into_io, write};
use futures_io::{AsyncRead as _, AsyncWrite as _};
use proptest::prelude::*;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

/// A long time after all that comes has come.
const LAST: u64 = 1_000_000_000;

#[derive(Clone, Copy, Debug)]
enum GiveUp {
    Drop,
    Destroy,
}

#[derive(Clone, Debug)]
struct Pulling {
    connects: bool,
    arrivals: Vec<(u64, Arrival)>,
    interrupts: usize,
    answers: Vec<Answer>,
    /// What is written before futures have it.
    before: usize,
    /// How much is read at once, and for how long the reader rests then; again and again.
    reads: Vec<(usize, u64)>,
    /// How much is written, whether that is flushed, and for how long the writer rests then.
    writes: Vec<(usize, bool, u64)>,
    closes: bool,
    gives_up: Option<(u64, GiveUp)>,
}

fn pulling() -> impl Strategy<Value = Pulling> {
    let rest = prop_oneof![2 => Just(0_u64), 1 => 1..700_u64];
    // Whatever comes is read in fewer turns than show that it spins.
    let read = prop_oneof![1 => 200..900_usize, 2 => 1_000..70_000_usize];
    let write = prop_oneof![2 => 0..100_usize, 1 => 5_000..60_000_usize];
    let gives_up = prop_oneof![Just(GiveUp::Drop), Just(GiveUp::Destroy)];
    (
        (any::<bool>(), any::<bool>(), 0..3_usize),
        arrivals(),
        prop::collection::vec(answer(), 0..12),
        prop_oneof![Just(0_usize), 1..90_000_usize],
        prop::collection::vec((read, rest.clone()), 1..4),
        prop::collection::vec((write, any::<bool>(), rest), 0..6),
        prop::option::weighted(0.3, (0..2_500_u64, gives_up)),
    )
        .prop_map(|(flags, arrivals, answers, before, reads, writes, gives_up)| {
            let (connects, closes, interrupts) = flags;
            Pulling {
                connects,
                arrivals,
                interrupts,
                answers,
                before,
                reads,
                writes,
                closes,
                gives_up,
            }
        })
}

/// What became of one of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// The reader has read the end; the writer has closed, if it was to.
    Through,
    Failed(io::ErrorKind),
    /// There was nothing to read from or write to any more.
    Gone,
}

#[derive(Default)]
struct Record {
    read: RefCell<Vec<u8>>,
    written: RefCell<Vec<u8>>,
    reader: Cell<Option<Outcome>>,
    writer: Cell<Option<Outcome>>,
    told: RefCell<Vec<String>>,
    cut: Cell<bool>,
}

impl Record {
    fn is_through(&self) -> bool {
        self.reader.get().is_some() && self.writer.get().is_some()
    }
}

/// Who drops it has it back while the others poll it, and then there is none.
type Shared = Rc<RefCell<Option<AsyncIo>>>;

/// Asks the stream, if there is one.
async fn ask<T>(
    shared: &Shared,
    mut call: impl FnMut(Pin<&mut AsyncIo>, &mut std::task::Context<'_>) -> Poll<io::Result<T>>,
) -> Result<T, Outcome> {
    poll_fn(|context| match shared.borrow_mut().as_mut() {
        None => Poll::Ready(Err(Outcome::Gone)),
        Some(stream) => call(Pin::new(stream), context)
            .map(|done| done.map_err(|error| Outcome::Failed(error.kind()))),
    })
    .await
}

async fn read(shared: Shared, reads: Vec<(usize, u64)>, record: Rc<Record>) -> Result<(), Outcome> {
    for (size, rest) in reads.into_iter().cycle() {
        let mut buffer = vec![0; size];
        let count = ask(&shared, |stream, context| stream.poll_read(context, &mut buffer)).await?;
        record.read.borrow_mut().extend_from_slice(&buffer[..count]);
        if count == 0 {
            break;
        }
        if rest > 0 {
            sleep(Duration::from_nanos(rest)).await;
        }
    }
    // The end stays the end, for as long as anybody has the stream.
    let again = ask(&shared, |stream, context| stream.poll_read(context, &mut [0; 8])).await;
    assert!(matches!(again, Ok(0) | Err(Outcome::Gone)), "{again:?} behind the end");
    Ok(())
}

async fn write_all(shared: Shared, plan: Pulling, record: Rc<Record>) -> Result<(), Outcome> {
    for (size, flushes, rest) in plan.writes {
        let start = record.written.borrow().len();
        let bytes: Vec<u8> = (start..start + size).map(byte).collect();
        let mut left = &bytes[..];
        while !left.is_empty() {
            let count = ask(&shared, |stream, context| stream.poll_write(context, left)).await?;
            assert!(count > 0 && count <= left.len());
            record.written.borrow_mut().extend_from_slice(&left[..count]);
            left = &left[count..];
        }
        if flushes {
            ask(&shared, |stream, context| stream.poll_flush(context)).await?;
        }
        if rest > 0 {
            sleep(Duration::from_nanos(rest)).await;
        }
    }
    if plan.closes {
        ask(&shared, |stream, context| stream.poll_close(context)).await?;
        let late = ask(&shared, |stream, context| stream.poll_write(context, b"late")).await;
        assert!(late.is_err(), "written behind the end");
    }
    Ok(())
}

fn byte(at: usize) -> u8 {
    (at.wrapping_mul(13) >> 3).to_le_bytes()[0]
}

/// Notes what became of it; when both are through, the stream is dropped.
fn note(shared: &Shared, record: &Record, place: &Cell<Option<Outcome>>, end: Result<(), Outcome>) {
    place.set(Some(end.err().unwrap_or(Outcome::Through)));
    if record.is_through() {
        let stream = shared.take();
        drop(stream);
    }
}

fn hold_to_the_contract(plan: &Pulling) -> Rc<Record> {
    let net = Net::new(!plan.connects);
    net.answer(plan.answers.iter().copied());
    net.interrupt(plan.interrupts);
    let record = Rc::new(Record::default());
    let telling = Rc::clone(&record);
    net.react(move |_, told| {
        let word = match told {
            Told::Connect => "connect".into(),
            Told::Close(_) => "close".into(),
            // Of what was written before.
            Told::Drain => return,
            other => format!("{other:?}"),
        };
        telling.told.borrow_mut().push(word);
    });
    for (when, arrival) in &plan.arrivals {
        net.arrive(*when, arrival.clone());
    }
    let before: Vec<u8> = (0..plan.before).map(byte).collect();
    net.event_loop.enter(|| write(&net.stream, &before));
    record.written.borrow_mut().extend_from_slice(&before);
    // What was written before may have broken it already.
    let pulled = net.event_loop.enter(|| into_io(&net.stream));
    let Ok(stream) = pulled else { return record };
    let shared: Shared = Rc::new(RefCell::new(Some(stream)));
    net.event_loop.enter(|| {
        let (reader, writer) = (Rc::clone(&shared), Rc::clone(&shared));
        let (reading, writing) = (Rc::clone(&record), Rc::clone(&record));
        let (reads, plan) = (plan.reads.clone(), plan.clone());
        crate::event_loop::spawn(async move {
            let end = read(Rc::clone(&reader), reads, Rc::clone(&reading)).await;
            note(&reader, &reading, &reading.reader, end);
        });
        crate::event_loop::spawn(async move {
            let end = write_all(Rc::clone(&writer), plan, Rc::clone(&writing)).await;
            note(&writer, &writing, &writing.writer, end);
        });
    });
    for (when, how) in plan.gives_up.into_iter().chain([(LAST, GiveUp::Destroy)]) {
        let (giving, shared) = (Rc::clone(&record), Rc::clone(&shared));
        let comes_to_an_end = plan.arrivals.iter().any(|(_, a)| !matches!(a, Arrival::Bytes(_)));
        net.at(when, move |stream| {
            giving.cut.set(giving.cut.get() || !giving.is_through());
            if when == LAST && comes_to_an_end {
                assert!(giving.is_through(), "somebody waits though there is an end to it");
            }
            match how {
                GiveUp::Drop => drop(shared.take()),
                GiveUp::Destroy => destroy(stream, None),
            }
        });
    }
    net.run();
    check(plan, &record, &net);
    record
}

fn check(plan: &Pulling, record: &Record, net: &Net) {
    let told = record.told.borrow();
    let begins = usize::from(told.first().is_some_and(|told| told == "connect"));
    assert_eq!(told[begins..], ["close"], "nothing but the beginning and the end is told");
    assert!(record.is_through(), "somebody waits for ever");
    let came: Vec<u8> = plan
        .arrivals
        .iter()
        .filter_map(|(_, arrival)| match arrival {
            Arrival::Bytes(bytes) => Some(&bytes[..]),
            _ => None,
        })
        .flatten()
        .copied()
        .collect();
    let (read, written, wire) = (record.read.borrow(), record.written.borrow(), net.wire.borrow());
    let (reader, writer) = (record.reader.get(), record.writer.get());
    assert!(came.starts_with(&read), "other bytes were read than came");
    if reader == Some(Outcome::Through) {
        assert_eq!(read.len(), came.len(), "all that came is read before the end");
    }
    assert!(written.starts_with(&wire.sent), "other bytes were sent than written");
    if writer == Some(Outcome::Through) && plan.closes {
        assert!(wire.finished && wire.sent.len() == written.len(), "closed before all was sent");
    }
    let breaks = plan.answers.iter().any(|answer| matches!(answer, Answer::Break));
    let resets = plan.arrivals.iter().any(|(_, arrival)| matches!(arrival, Arrival::Reset));
    if !record.cut.get() && !breaks && !resets {
        let through = Some(Outcome::Through);
        assert_eq!((reader, writer), (through, through), "nothing was wrong");
    }
}

#[test]
fn whatever_happens_when_futures_read_and_write_all_of_it() {
    for_all(&pulling(), 1_000, |plan| drop(hold_to_the_contract(plan)));
}

/// Between the write that broke and the end of the stream there is a turn, in which the queue is empty.
#[test]
fn who_flushes_or_closes_hears_that_what_was_written_before_was_lost() {
    for closes in [true, false] {
        let record = hold_to_the_contract(&Pulling {
            connects: false,
            arrivals: Vec::new(),
            interrupts: 0,
            answers: vec![Answer::Take(1), Answer::Break],
            before: 2,
            reads: vec![(200, 0)],
            writes: if closes { Vec::new() } else { vec![(0, true, 0)] },
            closes,
            gives_up: None,
        });
        let failed = Outcome::Failed(io::ErrorKind::ConnectionReset);
        assert_eq!(record.writer.get(), Some(failed), "closes: {closes}");
    }
}
