//! Bytes as programs: the emitter has to do what the reference of the property test does, and to drop everything
//! exactly once.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/model/mod.rs"]
mod model;

use model::check;
use model::program::Program;

fuzz_target!(|bytes: &[u8]| {
    let program = Program::decode(bytes);
    if let Err(difference) = check(&program) {
        panic!("{difference}\nof {program:#?}");
    }
});
