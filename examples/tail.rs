//! Prints the last lines of files, and then what is added to them.
//!
//!     cargo run --release --example tail -- [-n LINES] [-f] FILE...
//!
//! With `-f` it goes on, until it is interrupted: whatever a file is called, and also when it is cut, or when another
//! file takes its name, as logs do when they are rotated. Where lines come from another file than those before, its
//! name stands in front.

use onward::events::*;
use onward::fs::{ReadOptions, ReadStream};
use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::process::ExitCode;
use std::rc::Rc;

struct Args {
    lines: usize,
    follow: bool,
    files: Vec<String>,
}

fn main() -> ExitCode {
    let Some(args) = arguments() else {
        eprintln!("usage: tail [-n LINES] [-f] FILE...");
        return ExitCode::from(2);
    };
    let failed = Rc::new(RefCell::new(false));
    let printer = Printer::new(args.files.len() > 1);
    let kept = Rc::clone(&failed);
    let ended =
        onward::run(|| next(args.files.into_iter(), args.lines, args.follow, printer, kept));
    if let Err(error) = &ended {
        eprintln!("tail: {error}");
    }
    if ended.is_err() || failed.take() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn arguments() -> Option<Args> {
    let mut args = Args { lines: 10, follow: false, files: Vec::new() };
    let mut rest = std::env::args().skip(1);
    while let Some(arg) = rest.next() {
        match arg.as_str() {
            "-n" => args.lines = rest.next()?.parse().ok()?,
            "-f" => args.follow = true,
            _ => args.files.push(arg),
        }
    }
    (!args.files.is_empty()).then_some(args)
}

/// One file after the other: what stands there already is printed in the order of the arguments.
fn next(
    mut files: std::vec::IntoIter<String>,
    lines: usize,
    follow: bool,
    printer: Printer,
    failed: Rc<RefCell<bool>>,
) -> onward::Result<()> {
    let Some(path) = files.next() else { return Ok(()) };
    // To look for lines from behind takes many small reads, each of which may wait for the disk: that is work for
    // another thread.
    let name = path.clone();
    let found = onward::spawn_blocking(move || start_of_last_lines(&name, lines));
    found.then(move |found| {
        let (start, end) = match found.and_then(|found| found.map_err(onward::Error::other)) {
            Ok(found) => found,
            Err(error) => {
                eprintln!("tail: {path}: {error}");
                failed.replace(true);
                return go_on(next(files, lines, follow, printer, failed));
            }
        };
        let printed = printer.clone();
        let opened = print(&path, start, follow, printer, Rc::clone(&failed));
        let mut rest = Some((files, failed));
        let mut go = move || {
            if let Some((files, failed)) = rest.take() {
                go_on(next(files, lines, follow, printed.clone(), failed));
            }
        };
        match opened {
            Ok(file) if follow && start < end => {
                // The others come when this one is at what was its end.
                file.on(Data, move |file, _| {
                    if start + file.bytes_read() >= end {
                        go();
                    }
                });
            }
            Ok(file) if !follow => {
                file.on(Close, move |_, _| go());
            }
            Ok(_) => go(),
            Err(error) => onward::fail(error),
        }
    });
    Ok(())
}

fn go_on(result: onward::Result<()>) {
    if let Err(error) = result {
        onward::fail(error);
    }
}

fn print(
    path: &str,
    start: u64,
    follow: bool,
    printer: Printer,
    failed: Rc<RefCell<bool>>,
) -> onward::Result<ReadStream> {
    let file = ReadOptions::new().start(start).follow(follow).open(path)?;
    let path: Rc<str> = path.into();
    let note = |what: &'static str| {
        let path = Rc::clone(&path);
        move || eprintln!("tail: {path}: {what}")
    };
    let (cut, other) = (note("the file was cut"), note("another file has its name"));
    file.on(Truncated, move |_, _| cut());
    file.on(Rotated, move |_, ()| other());
    file.on(Error, move |_, error| {
        eprintln!("tail: {error}");
        failed.replace(true);
    });
    printer.announce(&path);
    file.on(Data, move |_, chunk| printer.print(&path, chunk));
    Ok(file)
}

/// Writes to standard output, with headings where there are several files.
#[derive(Clone)]
struct Printer {
    headings: bool,
    last: Rc<RefCell<Option<Rc<str>>>>,
}

impl Printer {
    fn new(headings: bool) -> Self {
        Self { headings, last: Rc::default() }
    }

    fn announce(&self, path: &Rc<str>) {
        if !self.headings || self.last.borrow().as_ref() == Some(path) {
            return;
        }
        let first = self.last.replace(Some(Rc::clone(path))).is_none();
        let space = if first { "" } else { "\n" };
        self.write(format!("{space}==> {path} <==\n").as_bytes());
    }

    fn print(&self, path: &Rc<str>, chunk: &[u8]) {
        self.announce(path);
        self.write(chunk);
    }

    fn write(&self, bytes: &[u8]) {
        let mut output = io::stdout().lock();
        // Who reads this may have had enough.
        if output.write_all(bytes).and_then(|()| output.flush()).is_err() {
            onward::stop();
        }
    }
}

/// Where the last so many lines begin, and where they end.
fn start_of_last_lines(path: &str, lines: usize) -> io::Result<(u64, u64)> {
    const BLOCK: u64 = 64 * 1024;
    let mut file = File::open(path)?;
    let end = file.seek(SeekFrom::End(0))?;
    // A line that ends where the file does is not followed by another one.
    let (mut start, mut wanted) = (end, lines);
    let mut block = Vec::new();
    while start > 0 {
        let from = start.saturating_sub(BLOCK);
        file.seek(SeekFrom::Start(from))?;
        block.clear();
        (&file).take(start - from).read_to_end(&mut block)?;
        for (at, byte) in block.iter().enumerate().rev() {
            let place = from + at as u64 + 1;
            if *byte == b'\n' && place != end {
                wanted = wanted.saturating_sub(1);
            }
            if wanted == 0 {
                return Ok((if lines == 0 { end } else { place }, end));
            }
        }
        start = from;
    }
    Ok((if lines == 0 { end } else { 0 }, end))
}
