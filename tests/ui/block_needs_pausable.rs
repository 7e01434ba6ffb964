//! A stream that blocks, of a source that cannot be paused.
//~ `Room` cannot be paused
//~ not `Pausable`
//~ a stream that blocks pauses its source; choose what is to be lost by `overflow`, or `strict`

use onward::{Waiting, events};

events! { Room { Joined(&str) } }

fn main() {
    let _visitors = Room::new().stream(Joined).block();
}
