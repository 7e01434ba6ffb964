//! Counts the lines, words and bytes of all files in a tree, with a progress bar if somebody looks.
//!
//!     cargo run --release --example wc -- src tests

use indicatif::{ProgressBar, ProgressStyle};
use onward::events::*;
use onward::fs::{self, Entries, ReadStream};
use std::cell::{Cell, RefCell};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;

/// Files that are read at the same time. The walk waits while there are as many.
const AT_ONCE: usize = 16;

fn main() -> ExitCode {
    let mut roots: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if roots.is_empty() {
        roots.push(".".into());
    }
    let count = Rc::new(Count::new());
    let counting = Rc::clone(&count);
    let ended = onward::run(move || {
        roots.into_iter().for_each(|root| begin(&counting, root));
        Ok(())
    });
    count.bar.finish_and_clear();
    if let Err(error) = ended {
        count.complain(&error);
    }
    println!("{} total of {} files", count.total.borrow().text(), count.files.get());
    if count.failed.get() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

struct Count {
    total: RefCell<Tally>,
    files: Cell<u64>,
    reading: Cell<usize>,
    failed: Cell<bool>,
    bar: ProgressBar,
}

/// A file, or a directory with all that is in it.
fn begin(count: &Rc<Count>, root: PathBuf) {
    let count = Rc::clone(count);
    fs::stat(&root).then(move |found| {
        let begun = match found {
            Ok(found) if found.is_dir() => fs::walk(&root).map(|tree| walk(&count, &tree)),
            Ok(_) => read(&count, &root, None),
            Err(error) => Err(error),
        };
        begun.unwrap_or_else(|error| count.complain(&error));
    });
}

fn walk(count: &Rc<Count>, tree: &Entries) {
    let [files, skipped, failed] = [(); 3].map(|()| Rc::clone(count));
    tree.on(Entry, move |tree, entry| {
        if entry.file_type().is_file() {
            let read = read(&files, entry.path(), Some(tree.clone()));
            read.unwrap_or_else(|error| files.complain(&error));
        }
    });
    tree.on(Skipped, move |_, error| skipped.complain(error));
    tree.on(Error, move |_, error| failed.complain(error));
}

/// Reads one file, and has the walk that found it wait if there are too many.
fn read(count: &Rc<Count>, path: &Path, tree: Option<Entries>) -> onward::Result<()> {
    let file = ReadStream::open(path)?;
    count.reading.set(count.reading.get() + 1);
    if count.reading.get() >= AT_ONCE {
        tree.iter().for_each(Entries::pause);
    }
    let tally = Rc::new(RefCell::new(Tally::default()));
    let [bar, failed, count] = [(); 3].map(|()| Rc::clone(count));
    let taking = Rc::clone(&tally);
    file.on(Data, move |_, chunk| {
        bar.bar.inc(chunk.len() as u64);
        taking.borrow_mut().take(chunk);
    });
    file.on(Error, move |_, error| failed.complain(error));
    file.on(Close, move |file, had_error| {
        if !had_error {
            let path = file.path().map(Path::display);
            let told = || path.map(|path| println!("{} {path}", tally.borrow().text()));
            count.bar.suspend(told);
            count.total.borrow_mut().add(&tally.borrow());
            count.files.set(count.files.get() + 1);
        }
        count.reading.set(count.reading.get() - 1);
        tree.iter().for_each(Entries::resume);
    });
    Ok(())
}

impl Count {
    fn new() -> Self {
        Self {
            total: RefCell::default(),
            files: Cell::new(0),
            reading: Cell::new(0),
            failed: Cell::new(false),
            bar: progress(),
        }
    }

    fn complain(&self, error: &onward::Error) {
        self.failed.set(true);
        self.bar.suspend(|| eprintln!("wc: {error}"));
    }
}

#[derive(Default)]
struct Tally {
    lines: u64,
    words: u64,
    bytes: u64,
    /// Words go on from one chunk to the next.
    in_word: bool,
}

impl Tally {
    fn take(&mut self, chunk: &[u8]) {
        self.bytes += chunk.len() as u64;
        for byte in chunk {
            self.lines += u64::from(*byte == b'\n');
            let in_word = !byte.is_ascii_whitespace();
            self.words += u64::from(in_word && !self.in_word);
            self.in_word = in_word;
        }
    }

    fn add(&mut self, other: &Self) {
        self.lines += other.lines;
        self.words += other.words;
        self.bytes += other.bytes;
    }

    fn text(&self) -> String {
        format!("{} {} {}", self.lines, self.words, self.bytes)
    }
}

fn progress() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    // Nobody knows how much there is before all has been walked.
    let style = ProgressStyle::with_template("{spinner} {binary_bytes} {binary_bytes_per_sec}");
    ProgressBar::no_length().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
}
