//! A type that emits without having said what.
//~ `Door` does not declare what it emits
//~ declare it with `onward::events! { for Door { ... } }`

use onward::{Emitter, EventEmitter, Listeners};

struct Door {
    emitter: EventEmitter<Door>,
}

impl Emitter for Door {
    fn listeners(&self) -> &Listeners<Door> {
        &self.emitter
    }
}

fn main() {}
