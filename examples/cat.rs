//! Streams files to standard output, one after the other.
//!
//!     cargo run --release --example cat -- [--count] FILE...
//!
//! `--count` only counts the bytes. FIFOs, devices and `/proc` files work like any other.

use onward::events::*;
use onward::fs::{ReadStream, WriteStream};
use onward::stream::PipeOptions;
use std::collections::VecDeque;
use std::fs::File;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut files: VecDeque<String> = std::env::args().skip(1).collect();
    let count = files.front().is_some_and(|first| first == "--count");
    if count {
        files.pop_front();
    }
    if files.is_empty() {
        eprintln!("usage: cat [--count] FILE...");
        return ExitCode::from(2);
    }
    let ended =
        onward::run(
            || if count { count_next(files) } else { copy_next(files, &standard_output()?) },
        );
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cat: {error}");
            ExitCode::FAILURE
        }
    }
}

fn count_next(mut files: VecDeque<String>) -> onward::Result<()> {
    let Some(path) = files.pop_front() else { return Ok(()) };
    let file = ReadStream::open(&path)?;
    file.resume(); // nobody wants the chunks, but they shall come
    file.on(End, move |file, ()| println!("{} {path}", file.bytes_read()));
    file.on(Close, move |_, failed| next(failed, files.clone(), count_next));
    Ok(())
}

fn copy_next(mut files: VecDeque<String>, output: &WriteStream) -> onward::Result<()> {
    let Some(path) = files.pop_front() else {
        output.end();
        return Ok(());
    };
    let file = ReadStream::open(path)?;
    file.pipe_with(output, PipeOptions::new().end(false));
    let output = output.clone();
    file.on(Close, move |_, failed| next(failed, files.clone(), |files| copy_next(files, &output)));
    Ok(())
}

/// The next file, unless something has failed: that ends the program, and `run` says why.
fn next(
    failed: bool,
    files: VecDeque<String>,
    go_on: impl FnOnce(VecDeque<String>) -> onward::Result<()>,
) {
    if failed {
        return;
    }
    if let Err(error) = go_on(files) {
        onward::fail(error);
    }
}

#[cfg(unix)]
fn standard_output() -> onward::Result<WriteStream> {
    use std::os::fd::AsFd;
    WriteStream::from_file(File::from(std::io::stdout().as_fd().try_clone_to_owned()?))
}

#[cfg(windows)]
fn standard_output() -> onward::Result<WriteStream> {
    use std::os::windows::io::AsHandle;
    WriteStream::from_file(File::from(std::io::stdout().as_handle().try_clone_to_owned()?))
}
