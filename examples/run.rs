//! Keeps programs running: starts them, shows what they say, and starts them anew when they fail.
//!
//!     cargo run --release --example run -- 'clock=while :; do date; sleep 1; done' 'once=echo done'
//!
//! Each argument is a name and a command line for the shell. One that ends well is done; one that fails is started again,
//! after a wait that doubles from time to time, up to `--tries` times in a row. Ctrl-C, or SIGTERM, asks all of them to
//! end, kills those that have not after `--grace` milliseconds, and ends; a second Ctrl-C does not wait.

use onward::events::*;
use onward::process::{self, Child, Command, PipeReader, PipeWriter, Signal, Stdio};
use onward::stream::lines;
use onward::{Result, Timer};
use std::cell::{Cell, RefCell};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Who has run for as long has not failed in a row.
const LONG_ENOUGH: Duration = Duration::from_secs(10);
const LONGEST_LINE: usize = 64 * 1024;

#[derive(Clone, Copy)]
struct Options {
    grace: Duration,
    wait: Duration,
    tries: u32,
}

/// All that is to be kept running.
struct Supervisor {
    options: Options,
    jobs: Vec<Job>,
    output: PipeWriter,
    stopping: Cell<bool>,
    given_up: Cell<bool>,
}

struct Job {
    name: String,
    line: String,
    child: RefCell<Option<Child>>,
    /// How often it has failed in a row, and when it was started.
    failures: Cell<u32>,
    since: Cell<Duration>,
    next: Cell<Option<Timer>>,
}

fn main() -> ExitCode {
    let (options, jobs) = match arguments() {
        Ok(found) => found,
        Err(wrong) => {
            eprintln!("run: {wrong}");
            eprintln!("usage: run [--grace MS] [--wait MS] [--tries N] NAME=COMMAND...");
            return ExitCode::from(2);
        }
    };
    let given_up = Rc::new(Cell::new(false));
    let told = Rc::clone(&given_up);
    let ended = onward::run(move || {
        let output = process::stdout()?;
        let [stopping, given_up] = [false, false].map(Cell::new);
        let all = Rc::new(Supervisor { options, jobs, output, stopping, given_up });
        (0..all.jobs.len()).try_for_each(|at| start(&all, at))?;
        listen(&all)?;
        onward::Handle::current()?.at_exit(move || told.set(all.given_up.get()));
        Ok(())
    });
    match ended {
        Ok(()) if given_up.get() => ExitCode::FAILURE,
        Ok(()) => ExitCode::SUCCESS,
        // Who looked has gone, and so has the reason to run.
        Err(error) if error.is_disconnect() => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("run: {error}");
            ExitCode::FAILURE
        }
    }
}

fn arguments() -> std::result::Result<(Options, Vec<Job>), String> {
    let milliseconds = Duration::from_millis;
    let mut options = Options { grace: milliseconds(5000), wait: milliseconds(100), tries: 10 };
    let (mut args, mut jobs) = (std::env::args().skip(1), Vec::new());
    while let Some(arg) = args.next() {
        let mut number = || -> std::result::Result<u64, String> {
            let value = args.next().ok_or_else(|| format!("{arg} wants a number"))?;
            value.parse().map_err(|_| format!("{arg} wants a number, not {value}"))
        };
        match arg.as_str() {
            "--grace" => options.grace = milliseconds(number()?),
            "--wait" => options.wait = milliseconds(number()?),
            "--tries" => options.tries = number()?.try_into().unwrap_or(u32::MAX),
            _ => jobs.push(job(&arg)?),
        }
    }
    if jobs.is_empty() { Err("nothing to run".into()) } else { Ok((options, jobs)) }
}

fn job(arg: &str) -> std::result::Result<Job, String> {
    let (name, line) = arg.split_once('=').ok_or_else(|| format!("no NAME=COMMAND: {arg}"))?;
    Ok(Job {
        name: name.into(),
        line: line.into(),
        child: RefCell::default(),
        failures: Cell::new(0),
        since: Cell::default(),
        next: Cell::default(),
    })
}

fn start(all: &Rc<Supervisor>, at: usize) -> Result<()> {
    let job = &all.jobs[at];
    // A group of its own: Ctrl-C at the terminal is for us, and what a shell has started ends with it.
    let mut command = Command::shell(&job.line);
    command.stdin(Stdio::null()).detached(true).kill_after(all.options.grace);
    let child = command.spawn()?;
    job.since.set(onward::now());
    show(all, at, &child.stdout()?);
    show(all, at, &child.stderr()?);
    let (told, closed) = (Rc::clone(all), Rc::clone(all));
    child.on(Error, move |_, error| _ = told.say(at, &format!("* {error}")));
    child.on(Close, move |child, status| {
        let how = match status {
            Some(status) => status.to_string(),
            None => "it did not run".into(),
        };
        closed.jobs[at].child.take();
        let well = status.is_some_and(|status| status.success());
        if let Err(error) = ended(&closed, at, well, &how, child.is_killed()) {
            onward::fail(error);
        }
    });
    if let Some(id) = child.id() {
        all.say(at, &format!("* started as {id}"));
    }
    job.child.replace(Some(child));
    Ok(())
}

/// Shows what a program says, line by line; if that is more than can be shown, it has to wait.
fn show(all: &Rc<Supervisor>, at: usize, stream: &PipeReader) {
    let (told, failed) = (Rc::clone(all), Rc::clone(all));
    let lines = lines(stream).max(LONGEST_LINE);
    lines.on(Line, move |lines, line| {
        if !told.say(at, line) {
            lines.pause();
            let lines = lines.clone();
            told.output.once(Drain, move |_, ()| lines.resume());
        }
    });
    lines.on(Error, move |_, error| _ = failed.say(at, &format!("* {error}")));
}

/// A program has ended: done, again, or given up.
fn ended(all: &Rc<Supervisor>, at: usize, well: bool, how: &str, killed: bool) -> Result<()> {
    let (job, options) = (&all.jobs[at], all.options);
    if well || all.stopping.get() {
        let asked = if killed { ", as it was told to" } else { "" };
        all.say(at, &format!("* ended: {how}{asked}"));
        return Ok(());
    }
    let long = onward::now() - job.since.get() >= LONG_ENOUGH;
    job.failures.set(if long { 1 } else { job.failures.get() + 1 });
    if job.failures.get() >= options.tries {
        all.given_up.set(true);
        all.say(at, &format!("* failed: {how}; given up after {} times", job.failures.get()));
        return Ok(());
    }
    let doubled = 1_u32.checked_shl(job.failures.get() - 1).unwrap_or(u32::MAX);
    let wait = options.wait.saturating_mul(doubled).min(LONGEST_WAIT);
    all.say(at, &format!("* failed: {how}; again in {wait:?}"));
    let again = Rc::clone(all);
    job.next.set(Some(onward::set_timeout(wait, move || {
        again.jobs[at].next.take();
        if let Err(error) = start(&again, at) {
            onward::fail(error);
        }
    })));
    Ok(())
}

/// Ctrl-C, and its like.
fn listen(all: &Rc<Supervisor>) -> Result<()> {
    let signals = process::signals()?;
    let (interrupt, terminate) = (Rc::clone(all), Rc::clone(all));
    signals.on(Interrupt, move |_, ()| interrupt.stop());
    signals.on(Terminate, move |_, ()| terminate.stop());
    Ok(())
}

impl Supervisor {
    /// A line, behind the name of whose it is. `false`: there are enough for now.
    fn say(&self, at: usize, line: &str) -> bool {
        let width = self.jobs.iter().map(|job| job.name.len()).max().unwrap_or(0);
        self.output.write(format!("{:width$} | {line}\n", self.jobs[at].name))
    }

    /// Has all of them end: first by asking, then in earnest.
    fn stop(&self) {
        let again = self.stopping.replace(true);
        for (at, job) in self.jobs.iter().enumerate() {
            job.next.take().map(Timer::cancel);
            let child = job.child.borrow().clone();
            let told = match child {
                Some(child) if again => child.kill_group(Signal::Kill),
                Some(child) => child.terminate(),
                None => continue,
            };
            if let Err(error) = told {
                self.say(at, &format!("* {error}"));
            }
        }
    }
}
