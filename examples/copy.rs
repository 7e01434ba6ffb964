//! Copies a file by a pipe, with a progress bar if somebody looks.
//!
//!     cargo run --release --example copy -- FROM TO

use indicatif::{ProgressBar, ProgressStyle};
use onward::events::*;
use onward::fs::{ReadStream, WriteStream};
use onward::stream::pipeline;
use std::io::IsTerminal;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [from, to] = args.as_slice() else {
        eprintln!("usage: copy FROM TO");
        return ExitCode::from(2);
    };
    match onward::run(|| copy(from, to)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("copy: {error}");
            ExitCode::FAILURE
        }
    }
}

fn copy(from: &str, to: &str) -> onward::Result<()> {
    let bar = progress(std::fs::metadata(from).map_or(0, |meta| meta.len()));
    let from = ReadStream::open(from)?;
    from.on(Data, {
        let bar = bar.clone();
        move |_, chunk| bar.inc(chunk.len() as u64)
    });
    // The target is made when the source could be opened, not before.
    let to = to.to_owned();
    from.on(Error, |_, error| onward::fail(error.clone()));
    from.once(Open, move |from, ()| match WriteStream::create(to) {
        Ok(to) => pipeline(from, &to, move |copied| {
            bar.finish();
            if let Err(error) = copied {
                onward::fail(error);
            }
        }),
        Err(error) => onward::fail(error),
    });
    from.pause();
    Ok(())
}

fn progress(bytes: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(
        "{wide_bar} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec}",
    );
    ProgressBar::new(bytes).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
