mod limits;
mod ours;

use std::cell::Cell;
use std::process::Command;
use std::time::{Duration, Instant};

pub(crate) const MILLION: u64 = 1_000_000;
const ROUNDS: usize = 9;

/// Does some work so many times, and says how many times.
type Run = fn() -> u64;

/// Name, what one is, ours, the limit.
const GROUPS: &[(&str, &str, Run, Run)] = &[
    ("cancel", "a timer set and cancelled, a million live", ours::cancel, limits::cancel),
    ("fire", "a timer that fires, of 100,000", ours::fire, limits::fire),
    ("posts", "a closure from another thread", ours::posts, limits::posts),
    ("rtt", "a round trip between two threads", ours::rtt, limits::rtt),
    ("chain", "a tick that sets the next", ours::chain, limits::chain),
    ("burst", "a tick of a million set at once", ours::burst, limits::burst),
    ("tasks", "a future spawned and run", ours::tasks, limits::burst),
    ("iter", "a turn with nothing to do but its cause", ours::iter, limits::iter),
    ("nowait", "the same by `run_nowait`", ours::nowait, limits::iter),
];

pub(crate) fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    match arguments.first() {
        Some(group) => run_one(group, arguments.get(1).is_some_and(|which| which == "limit")),
        None => run_all(),
    }
}

/// The delays of a million timers, or fewer: the same series each time.
pub(crate) fn delays(count: u64, low: u32, high: u32) -> Vec<Duration> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        low + (state >> 8) % (high - low)
    };
    (0..count).map(|_| Duration::from_millis(next().into())).collect()
}

thread_local! {
    static BEGAN: Cell<(Instant, Duration)> = Cell::new((Instant::now(), cpu()));
}

/// The measure begins here: what was done before was to prepare it.
pub(crate) fn begin() {
    BEGAN.set((Instant::now(), cpu()));
}

fn cpu() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(now).expect("it is positive")
}

fn run_one(group: &str, limit: bool) {
    let Some((name, _, ours, limits)) = GROUPS.iter().find(|(name, ..)| *name == group) else {
        let names: Vec<_> = GROUPS.iter().map(|(name, ..)| *name).collect();
        eprintln!("no such group: {group}; there are {}", names.join(", "));
        std::process::exit(2);
    };
    begin();
    let count = if limit { limits() } else { ours() };
    let (began, before) = BEGAN.get();
    let (cpu, wall) = (cpu() - before, began.elapsed());
    println!(
        r#"{{"name":"{name}","wall_ns":{},"cpu_ns":{},"n":{count}}}"#,
        wall.as_nanos(),
        cpu.as_nanos()
    );
}

/// CPU nanoseconds for each of what a run of its own did.
fn measure(group: &str, limit: bool) -> f64 {
    let program = std::env::current_exe().expect("it runs");
    let arguments = [group, if limit { "limit" } else { "onward" }];
    let output = Command::new(program).args(arguments).output().expect("it runs again");
    let line = String::from_utf8_lossy(&output.stdout).into_owned();
    let field = |name: &str| -> f64 {
        let (_, rest) = line.split_once(&format!("\"{name}\":")).expect("it tells it");
        let end = rest.find([',', '}']).expect("it ends");
        rest[..end].parse().expect("a number")
    };
    field("cpu_ns") / field("n")
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn run_all() {
    println!("| | what one is | limit, CPU ns | onward, CPU ns | ratio |");
    println!("|---|---|---|---|---|");
    for (name, what, ..) in GROUPS {
        let rounds: Vec<(f64, f64)> =
            (0..ROUNDS).map(|_| (measure(name, true), measure(name, false))).collect();
        let limit = median(rounds.iter().map(|(limit, _)| *limit).collect());
        let ours = median(rounds.iter().map(|(_, ours)| *ours).collect());
        let ratio = median(rounds.iter().map(|(limit, ours)| ours / limit).collect());
        println!("| {name} | {what} | {limit:.0} | {ours:.0} | {ratio:.2} |");
    }
}
