//! An emitter for one thread, sent to another.
//~ cannot be sent between threads safely
//~ within the type `Room`

use onward::events;

events! { Room { Joined(&str) } }

fn main() {
    let room = Room::new();
    std::thread::spawn(move || room.emit(Joined, "ada"));
}
