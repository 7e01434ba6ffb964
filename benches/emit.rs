//! What an emit costs, as a ratio to the least it can cost: a bare `Vec<Box<dyn FnMut>>` called in a loop.
//!
//!     cargo bench --bench emit
//!
//! Both sides take turns in every round; each figure is the median of the rounds' ratios, so that what the
//! machine does meanwhile cancels out. Times are medians too, in nanoseconds per operation.

use onward::{Emitter, Watching, events};
use std::cell::Cell;
#[cfg(feature = "named")]
use std::collections::HashMap;
use std::collections::VecDeque;
use std::hint::black_box;
use std::time::Instant;

/// Many short ones: where other programs run too, most of them are not interrupted.
const ROUNDS: usize = 301;
/// What one measurement should take, in nanoseconds.
const SLICE: f64 = 2e5;

struct Payload {
    value: u64,
}

events! { Bench { Happened(&Payload), } }

events! {
    Eight {
        E0(&Payload), E1(&Payload), E2(&Payload), E3(&Payload), E4(&Payload), E5(&Payload), E6(&Payload), E7(&Payload),
    }
}

type Bare = Vec<Box<dyn FnMut(&Payload)>>;

/// A cell that outlives everything, one for each listener so that they do not wait for each other.
fn cell() -> &'static Cell<u64> {
    Box::leak(Box::default())
}

fn add(cell: &Cell<u64>, payload: &Payload) {
    cell.set(cell.get().wrapping_add(payload.value));
}

fn take(cell: &Cell<u64>, payload: &Payload) {
    cell.set(cell.get().wrapping_sub(payload.value));
}

/// A measured thing: runs itself so many times.
type Work = Box<dyn FnMut(u64)>;

fn bare_emit(listeners: usize) -> Work {
    let mut list: Bare = Vec::new();
    for _ in 0..listeners {
        let cell = cell();
        list.push(Box::new(move |payload| add(cell, payload)));
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

fn onward_emit(listeners: usize) -> Work {
    let bench = Bench::new();
    for _ in 0..listeners {
        let cell = cell();
        bench.on(Happened, move |_, payload| add(cell, payload));
    }
    Box::new(move |times| {
        for _ in 0..times {
            black_box(&bench).emit(Happened, black_box(&Payload { value: 3 }));
        }
    })
}

/// Which of eight it is, in turn, as far as the compiler knows by chance.
fn turn(time: u64) -> usize {
    black_box(time as usize % 8)
}

fn bare_eight() -> Work {
    let mut lists: [Bare; 8] = Default::default();
    for list in &mut lists {
        let cell = cell();
        list.push(Box::new(move |payload| add(cell, payload)));
    }
    Box::new(move |times| {
        for time in 0..times {
            let payload = black_box(&Payload { value: 3 });
            for listener in &mut black_box(&mut lists)[turn(time)] {
                listener(payload);
            }
        }
    })
}

fn onward_eight() -> Work {
    /// Does something with the event of this number. In a program it is known which one it is.
    macro_rules! with {
        ($number:expr, $event:ident => $code:expr, $($case:tt $name:ident),*) => {
            match $number {
                $($case => {
                    let $event = $name;
                    $code;
                })*
            }
        };
        ($number:expr, $event:ident => $code:expr) => {
            with!($number, $event => $code, 0 E0, 1 E1, 2 E2, 3 E3, 4 E4, 5 E5, 6 E6, _ E7)
        };
    }
    let bench = Eight::new();
    for number in 0..8 {
        let cell = cell();
        with!(number, event => bench.on(event, move |_, payload| add(cell, payload)));
    }
    Box::new(move |times| {
        for time in 0..times {
            let payload = black_box(&Payload { value: 3 });
            with!(turn(time), event => black_box(&bench).emit(event, payload));
        }
    })
}

/// The same, one of eight emitters with one event: what is chosen is data, on both sides.
fn onward_eight_emitters() -> Work {
    let benches: [Bench; 8] = Default::default();
    for bench in &benches {
        let cell = cell();
        bench.on(Happened, move |_, payload| add(cell, payload));
    }
    Box::new(move |times| {
        for time in 0..times {
            let payload = black_box(&Payload { value: 3 });
            black_box(&benches)[turn(time)].emit(Happened, payload);
        }
    })
}

/// Listeners of two kinds in turn, so that no two that are alike stand side by side.
fn bare_mixed(listeners: usize) -> Work {
    let mut list: Bare = Vec::new();
    for number in 0..listeners {
        let cell = cell();
        list.push(match number % 2 {
            0 => Box::new(move |payload| add(cell, payload)),
            _ => Box::new(move |payload| take(cell, payload)),
        });
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

fn onward_mixed(listeners: usize) -> Work {
    let bench = Bench::new();
    for number in 0..listeners {
        let cell = cell();
        match number % 2 {
            0 => bench.on(Happened, move |_, payload| add(cell, payload)),
            _ => bench.on(Happened, move |_, payload| take(cell, payload)),
        };
    }
    Box::new(move |times| {
        for _ in 0..times {
            black_box(&bench).emit(Happened, black_box(&Payload { value: 3 }));
        }
    })
}

fn bare_on_off(others: usize) -> Work {
    let (mut list, cell) = (Bare::new(), cell());
    (0..others).for_each(|_| list.push(Box::new(|_| ())));
    Box::new(move |times| {
        for _ in 0..times {
            black_box(&mut list).push(Box::new(move |payload| add(cell, payload)));
            drop(black_box(&mut list).pop());
        }
    })
}

fn onward_on_off(others: usize) -> Work {
    let (bench, cell) = (Bench::new(), cell());
    if others >= bench.max_listeners() {
        // They are meant. An emitter that was told a limit asks for it each time.
        bench.set_max_listeners(0);
    }
    for _ in 0..others {
        bench.on(Happened, |_, _| {});
    }
    Box::new(move |times| {
        for _ in 0..times {
            let listener = black_box(&bench).on(Happened, move |_, payload| add(cell, payload));
            black_box(&bench).off(listener);
        }
    })
}

/// A new listener comes, and the oldest of a thousand goes. The bare side is as above: it has nothing of the kind.
fn onward_off_oldest() -> Work {
    let (bench, cell) = (Bench::new(), cell());
    bench.set_max_listeners(0); // they are meant
    let mut listeners: VecDeque<_> = (0..1000).map(|_| bench.on(Happened, |_, _| {})).collect();
    Box::new(move |times| {
        for _ in 0..times {
            listeners
                .push_back(black_box(&bench).on(Happened, move |_, payload| add(cell, payload)));
            if let Some(oldest) = listeners.pop_front() {
                black_box(&bench).off(oldest);
            }
        }
    })
}

fn bare_once() -> Work {
    let (mut list, cell) = (Bare::new(), cell());
    Box::new(move |times| {
        for _ in 0..times {
            black_box(&mut list).push(Box::new(move |payload| add(cell, payload)));
            if let Some(mut listener) = black_box(&mut list).pop() {
                listener(black_box(&Payload { value: 3 }));
            }
        }
    })
}

fn onward_once() -> Work {
    let (bench, cell) = (Bench::new(), cell());
    Box::new(move |times| {
        for _ in 0..times {
            black_box(&bench).once(Happened, move |_, payload| add(cell, payload));
            bench.emit(Happened, black_box(&Payload { value: 3 }));
        }
    })
}

/// Names that both sides know, and that are asked for in turn.
#[cfg(feature = "named")]
fn names() -> Vec<String> {
    (0..64).map(|n| format!("room-{n}-said")).collect()
}

/// A map in front of the bare loop.
#[cfg(feature = "named")]
fn bare_by_name() -> Work {
    let names: &'static [String] = names().leak();
    let mut map = HashMap::<&str, Bare, _>::with_hasher(ahash::RandomState::new());
    for name in names {
        let cell = cell();
        map.entry(name).or_default().push(Box::new(move |payload| add(cell, payload)));
    }
    Box::new(move |times| {
        for time in 0..times {
            let payload = black_box(&Payload { value: 3 });
            let name = black_box(names[time as usize % names.len()].as_str());
            if let Some(list) = black_box(&mut map).get_mut(name) {
                for listener in list {
                    listener(payload);
                }
            }
        }
    })
}

#[cfg(feature = "named")]
fn onward_by_name() -> Work {
    use onward::emitter::named::{Name, NamedEmitter};
    let (names, emitter) = (names(), NamedEmitter::new());
    for name in &names {
        let cell = cell();
        let name = Name::<Payload>::borrowed(name);
        emitter.on(name, move |_, payload| add(cell, payload));
    }
    Box::new(move |times| {
        for time in 0..times {
            let payload = black_box(&Payload { value: 3 });
            let name = black_box(names[time as usize % names.len()].as_str());
            black_box(&emitter).emit(Name::<Payload>::borrowed(name), payload);
        }
    })
}

fn time(work: &mut Work, times: u64) -> f64 {
    let began = Instant::now();
    work(times);
    began.elapsed().as_secs_f64() * 1e9 / times as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let rows: Vec<(&str, Work, Work)> = vec![
        ("emit to nobody", bare_emit(0), onward_emit(0)),
        ("emit to 1", bare_emit(1), onward_emit(1)),
        ("emit to 10", bare_emit(10), onward_emit(10)),
        ("emit to 100", bare_emit(100), onward_emit(100)),
        ("to 3, unlike", bare_mixed(3), onward_mixed(3)),
        ("to 10, unlike", bare_mixed(10), onward_mixed(10)),
        ("one of 8 events", bare_eight(), onward_eight()),
        ("of 8 emitters", bare_eight(), onward_eight_emitters()),
        ("on + off", bare_on_off(1), onward_on_off(1)),
        ("of 1,000", bare_on_off(1000), onward_on_off(1000)),
        ("of the oldest", bare_on_off(1000), onward_off_oldest()),
        ("once + emit", bare_once(), onward_once()),
        #[cfg(feature = "named")]
        ("emit by name", bare_by_name(), onward_by_name()),
    ];
    println!("{:<16} {:>9} {:>9} {:>7}", "", "bare ns", "onward ns", "ratio");
    for (name, mut bare, mut onward) in rows {
        let once = time(&mut bare, 1000).max(time(&mut onward, 1000));
        let times = (SLICE / once).max(1.0) as u64;
        let pairs: Vec<(f64, f64)> =
            (0..ROUNDS).map(|_| (time(&mut bare, times), time(&mut onward, times))).collect();
        let ratio = median(pairs.iter().map(|(bare, onward)| onward / bare).collect());
        let (bare, onward) = pairs.into_iter().unzip();
        println!("{name:<16} {:>9.2} {:>9.2} {ratio:>7.2}", median(bare), median(onward));
    }
}
