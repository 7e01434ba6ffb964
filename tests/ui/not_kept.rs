//! Waiting for a payload that is over when its emit is.
//~ this event cannot be waited for: its payload cannot be kept
//~ mut Vec<String>` cannot be kept
//~ a `&mut T` cannot be kept, nor a `&T` without `Clone`; `on` gets both

use onward::{Waiting, events};

events! { Letter { Rules(&mut Vec<String>) } }

fn main() {
    let letter = Letter::new();
    let _ = letter.next(Rules);
    let _ = letter.stream(Rules);
}
