//! A pipeline of streams: keeps the lines of a file in which a word stands, packs each into a frame (its length, in
//! four bytes, and the line), and writes them to another file; and back.
//!
//!     cargo run --release --example pipeline -- pack [--rate BYTES] WORD FROM TO
//!     cargo run --release --example pipeline -- unpack FROM
//!
//! With `--rate` it reads no more than so many bytes a second. FIFOs and devices work like any file.

use onward::events::*;
use onward::fs::{ReadStream, WriteStream};
use onward::stream::{Duplex, Newline, Prefix, Rate, frames, pipeline};
use std::process::ExitCode;

/// Longer lines are an error, not a memory that grows and grows.
const LONGEST_LINE: usize = 64 * 1024;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let ended = match *args {
        ["pack", word, from, to] => onward::run(|| pack(word, from, to, None)),
        ["pack", "--rate", rate, word, from, to] => match rate.parse() {
            Ok(rate) => onward::run(|| pack(word, from, to, Some(rate))),
            Err(_) => return usage(),
        },
        ["unpack", from] => onward::run(|| unpack(from)),
        _ => return usage(),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pipeline: {error}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: pipeline pack [--rate BYTES] WORD FROM TO\n       pipeline unpack FROM");
    ExitCode::from(2)
}

fn pack(word: &str, from: &str, to: &str, rate: Option<u64>) -> onward::Result<()> {
    let from = ReadStream::open(from)?;
    if let Some(rate) = rate {
        Rate::per_second(rate).burst(0).limit(&from);
    }
    let lines = Duplex::split(Newline, LONGEST_LINE)?;
    let word = word.to_owned();
    let matching = Duplex::transform(move |line, out| {
        if String::from_utf8_lossy(line).contains(&word) {
            out.push(line);
        }
    })?;
    let frames = Duplex::join_frames(Prefix::U32)?;
    let to = WriteStream::create(to)?;
    pipeline(&from, (&lines, &matching, &frames, &to), |result| match result {
        Ok(()) => println!("packed"),
        Err(error) => onward::fail(error),
    });
    Ok(())
}

fn unpack(from: &str) -> onward::Result<()> {
    let lines = frames(&ReadStream::open(from)?, Prefix::U32).max(LONGEST_LINE);
    lines.on(Data, |_, line| println!("{}", String::from_utf8_lossy(line)));
    Ok(())
}
