//! Listening for, emitting, counting and awaiting an event that is another emitter's.
//~ `Room` never emits `Left`
//~ not an event of `Room`
//~ `onward::events!` declares what an emitter emits

use onward::{Emitter, Waiting, events};

events! { Room { Joined(&str) } }
events! { Hall { Left(&str) } }

fn main() {
    let room = Room::new();
    room.on(Left, |_, _| {});
    room.emit(Left, "ada");
    room.listener_count(Left);
    let _ = room.next(Left);
}
