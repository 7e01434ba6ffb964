//! Libraries in other languages: a child process that speaks lines.
//!
//! It prints `CASE <item>` for each item that it can do, then `READY`. For each line `<item> <times>` that it is sent it
//! answers with the nanoseconds that took, or with anything else if it failed.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

pub struct Worker {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    pub items: Vec<String>,
}

impl Worker {
    pub fn start(command: &mut Command) -> io::Result<Self> {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = piped.spawn()?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let (Some(questions), Some(stdout)) = (stdin, stdout) else {
            return Err(io::Error::other("no pipes to the worker"));
        };
        let mut worker =
            Self { child, questions, answers: BufReader::new(stdout), items: Vec::new() };
        loop {
            let line = worker.line()?;
            match line.strip_prefix("CASE ") {
                Some(item) => worker.items.push(item.to_owned()),
                None if line == "READY" => return Ok(worker),
                None => return Err(io::Error::other("the worker did not start")),
            }
        }
    }

    /// Nanoseconds for so many times of an item.
    pub fn run(&mut self, item: &str, times: u64) -> io::Result<f64> {
        writeln!(self.questions, "{item} {times}")?;
        self.questions.flush()?;
        let line = self.line()?;
        line.parse().map_err(|_| io::Error::other(line))
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err(io::Error::other("the worker has ended"));
        }
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
