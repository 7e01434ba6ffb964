//! The rules of the emitter, one by one. Each file holds one concern.

mod emitter {
    mod drops;
    mod errors;
    mod model;
    mod node;
    mod payloads;
    mod rules;
    mod streams;
    pub(crate) mod support;
    mod waiting;
}
