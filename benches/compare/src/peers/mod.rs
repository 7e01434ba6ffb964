//! The libraries that are written in Rust. A new one is an adapter here, and a line in `all`.

mod crates;
mod limit;
mod ours;

use crate::items::{Work, make};
use crate::peer::Peer;

/// A library, and how to make an item with it ready.
pub struct Entry {
    pub name: &'static str,
    pub make: fn(&str) -> Option<Work>,
}

fn entry<P: Peer>() -> Entry {
    Entry { name: P::NAME, make: make::<P> }
}

pub fn all() -> Vec<Entry> {
    vec![
        entry::<limit::Limit>(),
        entry::<ours::Typed>(),
        entry::<ours::Named>(),
        entry::<crates::Signals2>(),
        entry::<crates::Broadcast>(),
        entry::<crates::Notify>(),
    ]
}
