//! What belongs to an emitter for one thread, sent to another.
//~ Subscription`
//~ within the type `Next<String>`
//~ within `Events<Room, String>`

use onward::{Emitter, Waiting, events};

events! { Room { Joined(&str) } }

fn send<T: Send>(_: T) {}

fn main() {
    let room = Room::new();
    send(room.on_scoped(Joined, |_, _| {}));
    send(room.next(Joined));
    send(room.stream(Joined));
}
