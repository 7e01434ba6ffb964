//@ event-loop
//! A pipeline through something that cannot be read, or that cannot be written to.
//~ is no stream to write to
//~ is no stream to read from

use onward::stream::{Sink, Source, pipeline};

fn wrong_last(from: &Source, to: &Source) {
    pipeline(from, (to,), |_| {});
}

fn wrong_between(from: &Source, to: &Sink) {
    pipeline(from, (to, to), |_| {});
}

fn main() {
    let _ = (wrong_last, wrong_between);
}
