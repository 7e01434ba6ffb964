//! Whole files: read by the thousand, read at once, copied; each against the calls themselves.
//!
//!     cargo bench --bench io -- small        10,000 files of 4 KiB, opened, read and closed
//!     cargo bench --bench io -- small-once   the same, all of them begun before the first is done
//!     cargo bench --bench io -- whole        1 GiB into memory
//!     cargo bench --bench io -- copy         1 GiB to another file
//!
//! With a side and a path behind it, as in `small onward DIRECTORY`, it is one run of one, as a line of JSON. The paths are
//! a directory with files that are called 0, 1, and so on; a file; a file and its copy.

use super::linux::{Failure, report, rounds};
use onward::fs::{self, Operation};
use rustix::buffer::spare_capacity;
use rustix::fs::{Mode, OFlags};
use rustix::time::{ClockId, clock_gettime};
use std::cell::Cell;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

const FILES: usize = 10_000;
const SMALL: usize = 4096;
const LARGE: usize = 1 << 30;

pub(super) fn main(what: &str, args: &[String]) -> Result<(), Failure> {
    match args {
        [side, path] => run(what, side == "onward", path.as_ref(), None),
        [side, path, to] => run(what, side == "onward", path.as_ref(), Some(to.as_ref())),
        _ => compare(what),
    }
}

/// What is measured is made for the time of it.
struct Data(PathBuf);

impl Data {
    fn new(small: bool) -> Result<Self, Failure> {
        let data = Self(std::env::temp_dir().join(format!("onward-bench-{}", std::process::id())));
        std::fs::create_dir(&data.0)?;
        if small {
            for number in 0..FILES {
                std::fs::write(data.0.join(number.to_string()), vec![7; SMALL])?;
            }
        } else {
            let mut file = std::fs::File::create(data.0.join("large"))?;
            let chunk = vec![7_u8; 1 << 20];
            (0..LARGE >> 20).try_for_each(|_| file.write_all(&chunk))?;
        }
        Ok(data)
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn compare(what: &str) -> Result<(), Failure> {
    let small = what.starts_with("small");
    let data = Data::new(small)?;
    let one = |side: &str| -> Result<f64, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args([what, side]);
        command.arg(if small { data.0.clone() } else { data.0.join("large") });
        if what == "copy" {
            command.arg(data.0.join("copy"));
        }
        let output = String::from_utf8(command.output()?.stdout)?;
        let number = |key: &str| -> Result<f64, Failure> {
            let (_, behind) = output.split_once(key).ok_or("it has failed")?;
            let end = behind.find([',', '}']).ok_or("no end")?;
            Ok(behind[..end].trim_matches([':', ' ', '"']).parse()?)
        };
        Ok(number("\"cpu_ns\"")? / number("\"n\"")? * if small { 1.0 } else { 1024.0 })
    };
    one("raw")?;
    let rounds = rounds(|| Ok([one("raw")?, one("onward")?]))?;
    let (name, unit) = match what {
        "small" => ("10,000 small files", "ns/file"),
        "small-once" => ("10,000 small files at once", "ns/file"),
        "whole" => ("1 GiB into memory", "ns/KiB"),
        _ => ("1 GiB copied", "ns/KiB"),
    };
    report(name, unit, rounds);
    Ok(())
}

fn run(what: &str, onward: bool, path: &Path, to: Option<&Path>) -> Result<(), Failure> {
    let (wall, cpu) = (now(ClockId::Monotonic), now(ClockId::ProcessCPUTime));
    let count = match (what, onward) {
        ("small" | "small-once", false) => raw_small(path)?,
        ("small", true) => onward::block_on(small(path))??,
        ("small-once", true) => small_once(path)?,
        ("whole", false) => std::fs::read(path)?.len(),
        ("whole", true) => onward::block_on(fs::read(path))??.len(),
        (_, false) => std::fs::copy(path, to.ok_or("where to?")?)? as usize,
        (_, true) => onward::block_on(fs::copy(path, to.ok_or("where to?")?))?? as usize,
    };
    let (wall, cpu) = (now(ClockId::Monotonic) - wall, now(ClockId::ProcessCPUTime) - cpu);
    let name = if onward { "onward" } else { "raw" };
    println!("{{\"name\":\"{name}\",\"wall_ns\":{wall},\"cpu_ns\":{cpu},\"n\":{count}}}");
    Ok(())
}

fn now(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

fn files(dir: &Path) -> impl Iterator<Item = PathBuf> {
    (0..FILES).map(move |number| dir.join(number.to_string()))
}

async fn small(dir: &Path) -> onward::Result<usize> {
    let mut count = 0;
    for path in files(dir) {
        count += usize::from(fs::read(path).await?.len() == SMALL);
    }
    Ok(count)
}

fn small_once(dir: &Path) -> Result<usize, Failure> {
    let count = Rc::new(Cell::new(0));
    onward::run(|| {
        files(dir).map(fs::read).for_each(|read: Operation<Vec<u8>>| {
            let count = Rc::clone(&count);
            read.then(move |bytes| {
                count.set(count.get() + usize::from(bytes.is_ok_and(|bytes| bytes.len() == SMALL)));
            });
        });
        Ok(())
    })?;
    Ok(count.get())
}

/// The least that it takes: four calls for each file.
fn raw_small(dir: &Path) -> Result<usize, Failure> {
    let mut count = 0;
    for path in files(dir) {
        let file = rustix::fs::open(&path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        let length = rustix::fs::fstat(&file)?.st_size as usize;
        let mut bytes = Vec::with_capacity(length);
        rustix::io::read(&file, spare_capacity(&mut bytes))?;
        count += usize::from(bytes.len() == SMALL);
    }
    Ok(count)
}
