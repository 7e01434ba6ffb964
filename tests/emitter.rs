//! The rules of the emitter, one by one. Each file holds one concern.

mod emitter {
    mod drops;
    mod errors;
    mod failing;
    mod intercepting;
    mod model;
    #[cfg(feature = "named")]
    mod named;
    mod node;
    #[cfg(feature = "named")]
    mod patterns;
    mod payloads;
    mod relaying;
    mod rules;
    mod streams;
    mod subscribing;
    pub(crate) mod support;
    mod waiting;
}
