//! What an emit of the emitter for many threads costs, as a ratio to the least it can cost: a bare
//! `Vec<Box<dyn FnMut>>` that one thread calls in a loop; and what a second thread adds.
//!
//!     cargo bench --bench sync
//!
//! Both sides take turns in every round; each figure is the median of the rounds' ratios. Times are of the
//! processor, so that a machine that is busy with other things does not count.

use onward::events;
use onward::sync::Emitter;
use std::cell::Cell;
use std::hint::black_box;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

const ROUNDS: usize = 31;
/// What one measurement should take, in nanoseconds.
const SLICE: f64 = 2e6;

struct Payload {
    value: u64,
}

events! { sync Bench { Happened(&Payload) } }

type Bare = Vec<Box<dyn FnMut(&Payload)>>;

/// A count in a box, one for each listener so that they do not wait for each other.
#[derive(Default)]
struct Count(Box<Line>);

/// By itself on its cache line: of two threads that count side by side, each would wait for the other.
#[derive(Default)]
#[repr(align(128))]
struct Line(Cell<u64>);

impl Count {
    fn add(&self, payload: &Payload) {
        self.0.0.set(self.0.0.get().wrapping_add(payload.value));
    }
}

/// A measured thing: runs itself so many times.
type Work = Box<dyn FnMut(u64)>;

fn bare_emit(listeners: usize) -> Work {
    let mut list: Bare = Vec::new();
    for _ in 0..listeners {
        let count = Count::default();
        list.push(Box::new(move |payload| count.add(payload)));
    }
    Box::new(move |times| {
        for _ in 0..times {
            let payload = black_box(&Payload { value: 3 });
            for listener in &mut *black_box(&mut list) {
                listener(payload);
            }
        }
    })
}

fn emitter(listeners: usize) -> Bench {
    let bench = Bench::new();
    for _ in 0..listeners {
        let count = Count::default();
        bench.on(Happened, move |_, payload| count.add(payload));
    }
    bench
}

/// Re-entrant listeners, which threads share: they only read what they capture.
fn reentrant(listeners: usize) -> Bench {
    let bench = Bench::new();
    for n in 0..listeners as u64 {
        bench.on_reentrant(Happened, move |_, payload| {
            black_box(payload.value.wrapping_add(n));
        });
    }
    bench
}

fn emit(bench: &Bench, times: u64) {
    for _ in 0..times {
        black_box(bench).emit(Happened, black_box(&Payload { value: 3 }));
    }
}

fn onward_emit(bench: Bench) -> Work {
    Box::new(move |times| emit(&bench, times))
}

fn bare_on_off(live: usize) -> Work {
    let mut list: Bare = Vec::new();
    list.resize_with(live, || Box::new(|_| {}));
    Box::new(move |times| {
        for _ in 0..times {
            let count = black_box(7);
            let listener = move |payload: &Payload| {
                black_box(payload.value + count);
            };
            black_box(&mut list).push(Box::new(listener));
            drop(black_box(&mut list).pop());
        }
    })
}

fn onward_on_off(live: usize) -> Work {
    let bench = emitter(live);
    Box::new(move |times| {
        for _ in 0..times {
            let count = black_box(7);
            let listener = black_box(&bench).on(Happened, move |_, payload| {
                black_box(payload.value + count);
            });
            black_box(&bench).off(listener);
        }
    })
}

fn time(work: &mut dyn FnMut(u64), times: u64) -> f64 {
    let began = on_processor();
    work(times);
    (on_processor() - began) / times as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// What this thread has been on a processor for, in nanoseconds: what others do on the machine does not
/// count. The clock, where that is not known.
#[cfg(target_os = "linux")]
fn on_processor() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

#[cfg(not(target_os = "linux"))]
fn on_processor() -> f64 {
    use std::{sync::OnceLock, time::Instant};
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    BEGAN.get_or_init(Instant::now).elapsed().as_secs_f64() * 1e9
}

/// Nanoseconds per emit, by the clock and by the processor's time.
fn times_of(bench: &Bench, times: u64) -> [f64; 2] {
    let began = Instant::now();
    let processor = time(&mut |times| emit(bench, times), times);
    [began.elapsed().as_secs_f64() * 1e9 / times as f64, processor]
}

/// How many times the throughput of one thread two threads have, each with its emitter of these.
fn two_threads(name: &str, emitters: &[Bench; 2]) {
    let times = (10.0 * SLICE / times_of(&emitters[0], 100_000)[1]) as u64;
    let both = || {
        let barrier = Barrier::new(2);
        let slice = |bench: &Bench| {
            barrier.wait();
            times_of(bench, times)
        };
        std::thread::scope(|threads| {
            let other = threads.spawn(|| slice(&emitters[1]));
            let mine = slice(&emitters[0]);
            let other = other.join().expect("it ends");
            [mine[0].max(other[0]), mine[1].max(other[1])]
        })
    };
    let rounds: Vec<_> = (0..ROUNDS)
        .map(|_| (times_of(&emitters[0], times), both()))
        .map(|(one, two)| [2.0 * one[0] / two[0], 2.0 * one[1] / two[1]])
        .collect();
    let [clock, processor] =
        [0, 1].map(|by| median(rounds.iter().map(|round| round[by]).collect()));
    println!("{name:<44} {clock:>9.2} {processor:>14.2}");
}

/// Nanoseconds that another thread takes to look at an event that one thread has used alone until then, and how many
/// it takes to look once more; while the first thread is at work, or waits.
fn another_comes(name: &str, is_busy: bool) {
    let over = AtomicBool::new(false);
    let emitters: Vec<_> = (0..500).map(|_| emitter(1)).collect();
    emitters.iter().for_each(|bench| emit(bench, 200));
    let look = || {
        let looks = emitters
            .iter()
            .map(|bench| time(&mut |_| _ = black_box(bench.listener_count(Happened)), 1));
        median(looks.collect())
    };
    let [first, again] = std::thread::scope(|threads| {
        let other = threads.spawn(|| [look(), look()]);
        while is_busy && !other.is_finished() {
            over.load(Ordering::Relaxed);
        }
        other.join().expect("it ends")
    });
    println!("{name:<44} {first:>9.0} {again:>14.0}");
}

fn main() {
    let rows: Vec<(&str, Work, Work)> = vec![
        ("emit to nobody", bare_emit(0), onward_emit(emitter(0))),
        ("emit to 1", bare_emit(1), onward_emit(emitter(1))),
        ("emit to 10", bare_emit(10), onward_emit(emitter(10))),
        ("emit to 100", bare_emit(100), onward_emit(emitter(100))),
        ("emit to 10 re-entrant", bare_emit(10), onward_emit(reentrant(10))),
        ("on + off", bare_on_off(1), onward_on_off(1)),
        ("on + off of 1,000", bare_on_off(1000), onward_on_off(1000)),
    ];
    println!("{:<24} {:>9} {:>9} {:>7}", "one thread", "bare ns", "onward ns", "ratio");
    for (name, mut bare, mut onward) in rows {
        let once = time(&mut bare, 1000).max(time(&mut onward, 1000));
        let times = (SLICE / once).max(1.0) as u64;
        let pairs: Vec<(f64, f64)> =
            (0..ROUNDS).map(|_| (time(&mut bare, times), time(&mut onward, times))).collect();
        let ratio = median(pairs.iter().map(|(bare, onward)| onward / bare).collect());
        let (bare, onward) = pairs.into_iter().unzip();
        println!("{name:<24} {:>9.2} {:>9.2} {ratio:>7.2}", median(bare), median(onward));
    }
    let title = "two threads, throughput of one = 1";
    println!("\n{title:<44} {:>9} {:>14}", "by clock", "processor time");
    two_threads("an emitter each, 10 listeners", &[emitter(10), emitter(10)]);
    let shared = reentrant(10);
    two_threads("one emitter, 10 re-entrant listeners", &[shared.clone(), shared]);
    let shared = emitter(10);
    two_threads("one emitter, 10 listeners: they take turns", &[shared.clone(), shared]);
    let title = "another thread comes, ns with the clock";
    println!("\n{title:<44} {:>9} {:>14}", "at first", "once more");
    another_comes("the first one is at work", true);
    another_comes("the first one sleeps", false);
}
