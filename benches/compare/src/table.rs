//! The table, as Markdown.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::{fs, io};

use crate::items::ITEMS;

/// The README's table stands between these.
const BEGIN: &str = "<!-- compare: written by benches/compare -->\n";
const END: &str = "<!-- /compare -->\n";

/// A library, and its nanoseconds for each item in each round.
pub struct Row {
    name: &'static str,
    pub times: [Vec<f64>; ITEMS.len()],
}

impl Row {
    pub fn new(name: &'static str) -> Self {
        Self { name, times: Default::default() }
    }
}

/// The first row is what the others are compared with. It removes the newest only, so to remove the oldest is
/// compared with that.
pub fn write(rows: &[Row], rounds: usize) -> String {
    let mut table = String::from("|");
    for (_, heading) in ITEMS {
        write!(table, " | {heading}").unwrap_or_default();
    }
    table += " |\n|---|";
    table += &"---:|".repeat(ITEMS.len());
    table.push('\n');
    let Some((limit, others)) = rows.split_first() else { return table };
    write!(table, "| {}, ns", limit.name).unwrap_or_default();
    for times in &limit.times {
        write!(table, " | {}", short(median(times.clone()))).unwrap_or_default();
    }
    table += " |\n";
    for row in others {
        write!(table, "| {}", row.name).unwrap_or_default();
        for (item, times) in row.times.iter().enumerate() {
            let base = if ITEMS[item].0 == "oldest1k" { item - 1 } else { item };
            let ratios = times.iter().zip(&limit.times[base]).map(|(time, limit)| time / limit);
            write!(table, " | {}", short(median(ratios.collect()))).unwrap_or_default();
        }
        table += " |\n";
    }
    table += "\n`off` is of the newest listener; of the oldest of 1,000 it is compared with the loop's of the newest.\n";
    writeln!(table, "Medians of {rounds} interleaved rounds; {}.", machine()).unwrap_or_default();
    table
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

fn short(value: Option<f64>) -> String {
    match value {
        None => "-".into(),
        Some(value) if value < 10.0 => format!("{value:.2}"),
        Some(value) if value < 100.0 => format!("{value:.1}"),
        Some(value) => {
            let (digits, mut text) = (format!("{value:.0}"), String::new());
            for (at, digit) in digits.char_indices() {
                if at > 0 && (digits.len() - at) % 3 == 0 {
                    text.push(',');
                }
                text.push(digit);
            }
            text
        }
    }
}

/// What it was measured with.
fn machine() -> String {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("a processor without a name", |(_, model)| model);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let version = |tool: &str| -> Option<String> {
        let output = Command::new(tool).arg("--version").output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout);
        text.split_whitespace().find(|word| word.contains('.')).map(str::to_owned)
    };
    let mut text = format!("{model}, {cores} cores, {}", std::env::consts::OS);
    for (tool, name) in [("rustc", "Rust"), ("node", "Node")] {
        if let Some(version) = version(tool) {
            write!(text, ", {name} {}", version.trim_start_matches('v')).unwrap_or_default();
        }
    }
    text
}

/// Puts the table between the marks.
pub fn update(readme: &Path, table: &str) -> io::Result<()> {
    let text = fs::read_to_string(readme)?;
    let parts = text.split_once(BEGIN).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(END)?;
        Some((before, after))
    });
    let (before, after) = parts.ok_or_else(|| io::Error::other("it has no marks"))?;
    fs::write(readme, format!("{before}{BEGIN}{table}{END}{after}"))
}
