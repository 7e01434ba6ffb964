//! File streams against loops of `read(2)` and `write(2)`: a cached file, a cold one, and from file to file.

use super::linux::{CHUNK, Failure, cpu, report, rounds};
use onward::events::*;
use onward::fs::{ReadStream, WriteStream};
use rustix::fs::Advice;
use std::cell::RefCell;
use std::env;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const SIZE: u64 = 1 << 30;
/// A cold file is read from a disk, which takes its time.
const COLD: u64 = 256 << 20;

/// `file`: compares. `file KIND WHO PATH..`: does it once, and prints what it took as a line of JSON.
pub(crate) fn main(args: &[String]) -> Result<(), Failure> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let (began, before) = (Instant::now(), cpu("self")?);
    let bytes = match *args {
        [] => return compare(),
        ["stream", "read", path] => raw_read(path)?,
        ["stream", "onward", path] => onward_read(path)?,
        ["cold", "read", path] => return raw_cold(path),
        ["cold", "onward", path] => return onward_cold(path),
        ["copy", "rw", from, to] => raw_copy(from, to)?,
        ["copy", "onward", from, to] => onward_copy(from, to)?,
        _ => return Err("file [stream|cold read|onward PATH, copy rw|onward FROM TO]".into()),
    };
    print(args[1], began.elapsed(), cpu("self")? - before, bytes, Vec::new());
    Ok(())
}

/// `late`: by how much each beat of a timer came too late. Printed are what 99 in 100 keep to, and the latest.
fn print(name: &str, wall: Duration, cpu: f64, bytes: u64, mut late: Vec<Duration>) {
    late.sort();
    let at = |part: usize| late.get(late.len() * part / 100).or_else(|| late.last());
    let [late, latest] = [at(99), late.last()].map(|it| it.map_or(0, Duration::as_nanos));
    let wall = wall.as_nanos();
    println!(
        "{{\"name\": \"{name}\", \"wall_ns\": {wall}, \"cpu_ns\": {cpu:.0}, \"n\": {bytes}, \"late_ns\": {late}, \"latest_ns\": {latest}}}"
    );
}

/// One number of what a run printed.
fn number(text: &str, key: &str) -> Result<f64, Failure> {
    let (_, rest) = text.split_once(&format!("\"{key}\": ")).ok_or("no such number")?;
    let end = rest.find([',', '}']).ok_or("no end")?;
    Ok(rest[..end].parse()?)
}

fn once(args: &[&str], key: &str) -> Result<f64, Failure> {
    let output = Command::new(env::current_exe()?).arg("file").args(args).output()?;
    if !output.status.success() {
        return Err(String::from_utf8(output.stderr)?.into());
    }
    let text = String::from_utf8(output.stdout)?;
    Ok(number(&text, key)? / (number(&text, "n")? / CHUNK as f64))
}

/// Where the data lies: memory, if `ONWARD_BENCH_TO` says so for the copy.
fn place(variable: &str) -> PathBuf {
    env::var_os(variable).map_or_else(env::temp_dir, PathBuf::from)
}

fn compare() -> Result<(), Failure> {
    let name = format!("onward-bench-{}", std::process::id());
    let (from, cold) = (place("ONWARD_BENCH_FROM").join(&name), format!("{name}-cold"));
    let cold = place("ONWARD_BENCH_FROM").join(cold);
    let shared = Path::new("/dev/shm").is_dir().then(|| PathBuf::from("/dev/shm"));
    let to = shared.unwrap_or_else(env::temp_dir).join(format!("{name}-copy"));
    let result = fill(&from, SIZE).and_then(|()| fill(&cold, COLD)).and_then(|()| {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        measure(&text(&from), &text(&cold), &text(&to))
    });
    for path in [&from, &cold, &to] {
        let _ = fs::remove_file(path);
    }
    result
}

fn measure(from: &str, cold: &str, to: &str) -> Result<(), Failure> {
    let read = |who: &str| once(&["stream", who, from], "cpu_ns");
    read("read")?;
    let ratio = rounds(|| Ok([read("read")?, read("onward")?]))?;
    report("cached file, 1 GiB, 64 KiB chunks", "CPU ns/chunk", ratio);
    let copy = |who: &str| {
        let took = once(&["copy", who, from, to], "cpu_ns")?;
        let same = fs::metadata(to)?.len() == SIZE;
        fs::remove_file(to)?;
        if same { Ok(took) } else { Err(Failure::from("the copy is not as long")) }
    };
    let ratio = rounds(|| Ok([copy("rw")?, copy("onward")?]))?;
    report("from file to file, 1 GiB, 64 KiB chunks", "CPU ns/chunk", ratio);
    let beats = RefCell::new([[0_f64; 2]; 2]);
    let cold = |who: &str| -> Result<f64, Failure> {
        let file = File::open(cold)?;
        file.sync_all()?;
        rustix::fs::fadvise(&file, 0, None, Advice::DontNeed)?;
        drop(file);
        let output =
            Command::new(env::current_exe()?).args(["file", "cold", who, cold]).output()?;
        let text = String::from_utf8(output.stdout)?;
        let [late, latest] = &mut beats.borrow_mut()[usize::from(who == "onward")];
        *late = late.max(number(&text, "late_ns")?);
        *latest = latest.max(number(&text, "latest_ns")?);
        Ok(number(&text, "wall_ns")? / (number(&text, "n")? / CHUNK as f64))
    };
    let ratio = rounds(|| Ok([cold("read")?, cold("onward")?]))?;
    report("cold file, 256 MiB, 64 KiB chunks", "wall ns/chunk", ratio);
    for (who, [late, latest]) in ["a thread beside read(2)", "onward"].into_iter().zip(beats.take())
    {
        let [late, latest] = [late, latest].map(|nanos| nanos / 1000.0);
        println!(
            "beats of a millisecond meanwhile, {who}: 99 in 100 at most {late:.0} us late in any round, the latest {latest:.0}"
        );
    }
    Ok(())
}

fn fill(path: &Path, size: u64) -> Result<(), Failure> {
    let mut file = File::create(path)?;
    let chunk: Vec<u8> = (0..1 << 20).map(|at: u32| (at.wrapping_mul(40_503) >> 7) as u8).collect();
    (0..size >> 20).try_for_each(|_| file.write_all(&chunk))?;
    Ok(file.sync_all()?)
}

fn raw_read(path: &str) -> Result<u64, Failure> {
    let (mut file, mut buffer, mut total) = (File::open(path)?, vec![0; CHUNK], 0);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(total),
            count => total += count as u64,
        }
    }
}

fn raw_copy(from: &str, to: &str) -> Result<u64, Failure> {
    let (mut from, mut to) = (File::open(from)?, File::create(to)?);
    let (mut buffer, mut total) = (vec![0; CHUNK], 0);
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(total),
            count => {
                to.write_all(&buffer[..count])?;
                total += count as u64;
            }
        }
    }
}

fn onward_read(path: &str) -> Result<u64, Failure> {
    let total = Rc::new(RefCell::new(0));
    let kept = Rc::clone(&total);
    onward::run(|| {
        let file = ReadStream::open(path)?;
        file.on(Data, |_, _| {});
        file.on(End, move |file, ()| *kept.borrow_mut() = file.bytes_read());
        Ok(())
    })?;
    Ok(total.take())
}

fn onward_copy(from: &str, to: &str) -> Result<u64, Failure> {
    let total = Rc::new(RefCell::new(0));
    let kept = Rc::clone(&total);
    onward::run(|| {
        let to = ReadStream::open(from)?.pipe(&WriteStream::create(to)?);
        to.on(Finish, move |to, ()| *kept.borrow_mut() = to.bytes_written());
        Ok(())
    })?;
    Ok(total.take())
}

const BEAT: Duration = Duration::from_millis(1);

/// A cold file, and a thread that sleeps a millisecond again and again: what the machine itself makes of such beats.
fn raw_cold(path: &str) -> Result<(), Failure> {
    let (began, before) = (Instant::now(), cpu("self")?);
    let over = AtomicBool::new(false);
    let (bytes, late) = thread::scope(|scope| {
        let beats = scope.spawn(|| {
            let mut late = Vec::new();
            while !over.load(Ordering::Relaxed) {
                let set = Instant::now();
                thread::sleep(BEAT);
                late.push(set.elapsed().saturating_sub(BEAT));
            }
            late
        });
        let bytes = raw_read(path);
        over.store(true, Ordering::Relaxed);
        (bytes, beats.join().unwrap_or_default())
    });
    print("read", began.elapsed(), cpu("self")? - before, bytes?, late);
    Ok(())
}

/// A cold file, and a timer of a millisecond beside it that is set again and again.
fn onward_cold(path: &str) -> Result<(), Failure> {
    let (began, before) = (Instant::now(), cpu("self")?);
    let told = Rc::new(RefCell::new((0, Vec::new())));
    let (kept, late) = (Rc::clone(&told), Rc::clone(&told));
    onward::run(|| {
        let file = ReadStream::open(path)?;
        file.on(Data, |_, _| {});
        file.on(End, move |file, ()| kept.borrow_mut().0 = file.bytes_read());
        beat(&file, late);
        Ok(())
    })?;
    let (bytes, late) = told.take();
    print("onward", began.elapsed(), cpu("self")? - before, bytes, late);
    Ok(())
}

fn beat(file: &ReadStream, late: Rc<RefCell<(u64, Vec<Duration>)>>) {
    let (file, set) = (file.clone(), Instant::now());
    onward::set_timeout(BEAT, move || {
        late.borrow_mut().1.push(set.elapsed().saturating_sub(BEAT));
        if !file.is_destroyed() {
            beat(&file, late);
        }
    });
}
