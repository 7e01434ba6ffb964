//! Waiting for a payload that is lent and cannot be cloned.
//~ this event cannot be waited for: its payload cannot be kept
//~ a `&mut T` cannot be kept, nor a `&T` without `Clone`; `on` gets both

use onward::{Waiting, events};

struct Key;

events! { Door { Unlocked(&Key), Opened(&dyn Fn()) } }

fn main() {
    let door = Door::new();
    let _ = door.next(Unlocked);
    let _ = door.next(Opened);
}
