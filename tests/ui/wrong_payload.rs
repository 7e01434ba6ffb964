//! A payload of another type than the declared one, emitted and listened for.
//~ expected `&str`, found integer
//~ expected `(&str, &str)`, found `&str`
//~ type mismatch in closure arguments
//~ closure is expected to take 2 arguments, but it takes 3 arguments
//~ closure is expected to take 2 arguments, but it takes 1 argument

use onward::{Emitter, events};

events! { Room { Joined(&str), Said(&str, &str), Closed() } }

fn main() {
    let room = Room::new();
    room.emit(Joined, 7);
    room.emit(Said, "ada");
    room.on(Joined, |_, name: u32| drop(name));
    room.on(Said, |_, who, line| {});
    room.on(Closed, |_| {});
}
