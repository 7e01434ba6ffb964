//! What emitting and subscribing cost, in onward and its peers, in one run: each round measures every library on every
//! item, so that what the machine does meanwhile strikes all alike. What counts are the ratios to the bare loop, each the
//! median of the rounds' ratios.
//!
//! ```text
//! cargo run --release                        prints the table as Markdown
//! cargo run --release -- --update            puts it into the README of the crate, too
//!     --rounds 31  --ms 2                    how many rounds, and how long a measurement takes
//!     --only onward,mitt                     only libraries with one of these in their names
//! ```
//!
//! Emitters in JavaScript take part if they are installed: `npm ci --prefix js`, once.

mod items;
mod peer;
mod peers;
mod table;
mod worker;

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use items::{ITEMS, Work};
use table::Row;
use worker::Worker;

/// Each measurement is of so many times at least: it ends with a check that should not show in it.
const LEAST: f64 = 1000.0;

struct Options {
    rounds: usize,
    /// What one measurement should take, in nanoseconds.
    slice: f64,
    only: Vec<String>,
    update: bool,
}

impl Options {
    fn read() -> Result<Self, String> {
        let mut options = Self { rounds: 31, slice: 2e6, only: Vec::new(), update: false };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} wants a value"));
            match argument.as_str() {
                "--rounds" => {
                    let rounds: usize = value()?.parse().map_err(|error| format!("{error}"))?;
                    options.rounds = rounds.max(1);
                }
                "--ms" => {
                    let ms: f64 = value()?.parse().map_err(|error| format!("{error}"))?;
                    options.slice = ms * 1e6;
                }
                "--only" => options.only = value()?.split(',').map(str::to_owned).collect(),
                "--update" => options.update = true,
                _ => return Err(format!("{argument}: see the head of src/main.rs")),
            }
        }
        Ok(options)
    }

    /// The bare loop always takes part.
    fn wants(&self, name: &str) -> bool {
        let named = self.only.iter().any(|only| name.contains(only.as_str()));
        self.only.is_empty() || named || name.starts_with("`Vec")
    }
}

/// Who does the work of a row.
enum Side {
    Here(fn(&str) -> Option<Work>),
    There(usize),
}

struct Case {
    row: usize,
    item: usize,
    side: Side,
    times: u64,
}

fn main() -> Result<(), String> {
    let options = Options::read()?;
    let (mut rows, mut cases, mut workers) = (Vec::new(), Vec::new(), Vec::new());
    for entry in peers::all().into_iter().filter(|entry| options.wants(entry.name)) {
        for (item, (name, _)) in ITEMS.iter().enumerate() {
            if (entry.make)(name).is_some() {
                cases.push(Case { row: rows.len(), item, side: Side::Here(entry.make), times: 1 });
            }
        }
        rows.push(Row::new(entry.name));
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("js/worker.mjs");
    for name in ["node:events", "eventemitter3", "mitt", "tseep"] {
        if !options.wants(name) {
            continue;
        }
        let Ok(worker) = Worker::start(Command::new("node").arg(&script).arg(name)) else {
            eprintln!("{name} is not installed, and takes no part");
            continue;
        };
        for (item, (id, _)) in ITEMS.iter().enumerate() {
            if worker.items.iter().any(|other| other == id) {
                let side = Side::There(workers.len());
                cases.push(Case { row: rows.len(), item, side, times: 1 });
            }
        }
        workers.push(worker);
        rows.push(Row::new(name));
    }
    for case in &mut cases {
        calibrate(case, &mut workers, options.slice)?;
    }
    for round in 0..options.rounds {
        eprint!("\rround {} of {}", round + 1, options.rounds);
        for case in &cases {
            let nanoseconds = measure(case, &mut workers, round)? / case.times as f64;
            rows[case.row].times[case.item].push(nanoseconds);
        }
    }
    eprintln!();
    let table = table::write(&rows, options.rounds);
    print!("{table}");
    if options.update {
        let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
        table::update(&readme, &table).map_err(|error| format!("{}: {error}", readme.display()))?;
    }
    Ok(())
}

/// How many times make a slice. For a just-in-time compiler it warms up, too.
fn calibrate(case: &mut Case, workers: &mut [Worker], slice: f64) -> Result<(), String> {
    let (warm_up, mut spent) = (if let Side::There(_) = case.side { 1e8 } else { 0.0 }, 0.0);
    loop {
        // The shortest of some, for any of them may have been interrupted.
        let mut nanoseconds = f64::INFINITY;
        for _ in 0..3 {
            let taken = measure(case, workers, 0)?;
            spent += taken;
            nanoseconds = nanoseconds.min(taken);
        }
        if nanoseconds < slice / 2.0 {
            case.times *= 2;
        } else if spent > warm_up {
            case.times = (case.times as f64 * slice / nanoseconds).max(LEAST) as u64;
            return Ok(());
        }
    }
}

/// Nanoseconds for the case's times. A library in Rust starts anew, and in each round at another place in memory, so
/// that no row owes its figure to where its boxes happened to lie.
fn measure(case: &Case, workers: &mut [Worker], round: usize) -> Result<f64, String> {
    let (item, _) = ITEMS[case.item];
    match case.side {
        Side::There(worker) => {
            workers[worker].run(item, case.times).map_err(|error| format!("{item}: {error}"))
        }
        Side::Here(make) => {
            let pad = vec![0_u8; (round * 7 + case.row) * 48 % 4096];
            let mut work = make(item).ok_or_else(|| format!("{item} is gone"))?;
            work(case.times.min(64));
            let began = Instant::now();
            work(case.times);
            let taken = began.elapsed().as_secs_f64() * 1e9;
            drop(pad);
            Ok(taken)
        }
    }
}
